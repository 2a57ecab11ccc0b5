/* The web pages of `--ui DIR`: the files of one folder, read whole at the start, and which of them answers a request.
 * What is not in the table cannot be asked for, so no path can reach outside the folder. Hidden files and symbolic
 * links are not read. One value is immutable. Thread: read only once made. */
#ifndef BT_SERVER_HTTP_PAGES_H
#define BT_SERVER_HTTP_PAGES_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_PAGES_MAX_FILES = 10000, BT_PAGES_MAX_MIB = 256, BT_PAGES_MAX_DEPTH = 16, BT_PAGES_ETAG = 40 };

typedef struct bt_pages bt_pages;

/* new. The folder has to hold an index.html. BT_IO: it, or a file in it, cannot be read; BT_INVALID: there is no
 * index.html; BT_LIMIT: more than the limits above. */
bt_status bt_pages_read(const char *folder, bt_pages **out, bt_error *error) BT_MUST_CHECK;
void bt_pages_free(bt_pages *pages); /* NULL is fine */

/* What a request says; len 0: that header was not sent. */
typedef struct bt_page_question {
  bt_str path; /* as it came: with its escapes, without the query */
  bt_str accept, accept_encoding, if_none_match;
} bt_page_question;

typedef struct bt_page_answer {
  int status;                /* 200, or 304: the caller's copy is still right */
  bt_str body;               /* of the 200; borrowed from the pages */
  const char *content_type;  /* literals */
  const char *encoding;      /* "gzip", "br"; NULL: as it is */
  const char *cache_control; /* names that carry a hash of their content may be kept for good */
  char etag[BT_PAGES_ETAG];  /* with its quotes */
} bt_page_answer;

/* False: no page answers this. A path that is no file and looks like none is a place within the pages when HTML is
 * asked for: index.html answers it, so that a deep link and a reload work. */
bool bt_pages_find(const bt_pages *pages, const bt_page_question *question, bt_page_answer *out);
/* Whether the API has this path to itself, known or not. */
bool bt_pages_leave_to_api(bt_str path);

#endif
