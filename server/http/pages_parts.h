/* What the two halves of the pages share: pages_reader.c makes the table, pages.c asks it. Thread: see pages.h. */
#ifndef BT_SERVER_HTTP_PAGES_PARTS_H
#define BT_SERVER_HTTP_PAGES_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/text.h"
#include "server/http/pages.h"

typedef struct bt_page {
  bt_str path; /* "/assets/app-1f2e3d4c.js" */
  bt_str body;
  int64_t modified_ns;
  char hash[33]; /* of the content, hex */
} bt_page;

struct bt_pages {
  bt_arena arena; /* paths and bodies */
  bt_page *items; /* by path */
  size_t count, capacity;
};

const bt_page *bt_pages_at_path(const bt_pages *pages, bt_str path); /* NULL: there is none */

#endif
