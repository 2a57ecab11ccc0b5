/* Compiled patterns that are in use, each once for all rules of all tenants, and the few that were let go last: what is
 * validated, then stored, then enabled is compiled once. Thread: any. For pattern_re2.cc, which makes and frees them,
 * alone. */
#ifndef BT_DSL_PATTERN_PATTERN_TABLE_H
#define BT_DSL_PATTERN_PATTERN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/pattern/pattern.h"

/* What every pattern begins with; the table's alone. */
typedef struct bt_pattern_link {
  bt_pattern *next; /* of the same bucket */
  bt_str text;      /* owned by the pattern */
  uint64_t hash;    /* of this process */
  size_t users;
  int idle_place; /* among those that were let go; -1: it is in use */
  bool is_whole;
} bt_pattern_link;

/* The one that is there, with one more user, shared by all of them; NULL: none. */
bt_pattern *bt_pattern_table_find(bt_str text, bool is_whole);
/* Adds a new pattern with one user, or, where another thread was first, gives that one and *other has to be freed: it
 * is `pattern` then, else NULL. */
bt_pattern *bt_pattern_table_add(bt_pattern *pattern, bt_pattern **other);
/* One user less. What has to be freed for that, or NULL. */
bt_pattern *bt_pattern_table_leave(bt_pattern *pattern);

#endif
