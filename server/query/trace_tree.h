/* The order in which the spans of a trace are drawn: each right behind its parent, siblings by start. Thread: no state.
 */
#ifndef BT_SERVER_QUERY_TRACE_TREE_H
#define BT_SERVER_QUERY_TRACE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"

typedef struct bt_tree_row {
  uint32_t span;   /* its number in the trace */
  uint32_t parent; /* the row of its parent; BT_NO_SPAN: a root */
  uint32_t depth;  /* 0: a root */
  uint32_t child_count;
  bool is_last;       /* of its siblings */
  bool misses_parent; /* it names one that is not in the trace */
  bool is_in_cycle;   /* drawn as a root because its parents lead back to it */
} bt_tree_row;

typedef struct bt_tree {
  bt_tree_row *rows; /* one for each span */
  uint32_t count;
  uint32_t missing_parents, roots; /* spans that name a missing one; roots of all kinds */
} bt_tree;

/* Client and server halves with one id are siblings; their children are drawn under the half of their own service, else
 * under the first. BT_NO_MEMORY alone. */
bt_status bt_tree_new(const bt_trace *trace, bt_tree *out, bt_error *error) BT_MUST_CHECK;
void bt_tree_dispose(bt_tree *tree);

#endif
