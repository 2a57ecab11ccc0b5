/* Traces with spans that link elsewhere, found by the traces that they link to. As a projection gave them, each span
 * has one of its links at most: what is in here is there; what is not in here may be there, too. Owns its copies.
 * Thread: one. */
#ifndef BT_SERVER_REPLAY_LINKER_TABLE_H
#define BT_SERVER_REPLAY_LINKER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"

typedef struct bt_linker {
  bt_trace trace;
  void *room;     /* of its spans */
  uint32_t asked; /* the last family that it was put into */
} bt_linker;

typedef struct bt_link_tie { /* a trace, and one with a span that links to it */
  bt_trace_id target;
  uint32_t linker;
} bt_link_tie;

typedef struct bt_linker_table { /* all-zero but for most_bytes: empty */
  size_t most_bytes;             /* of copies */
  bt_linker *linkers;
  bt_link_tie *ties; /* by target */
  bt_family_trace *family;
  size_t count, capacity, tie_count, tie_capacity, family_capacity, bytes;
  uint32_t asked;
} bt_linker_table;

/* A copy of the trace. BT_LIMIT: there is no room for it. */
bt_status bt_linker_table_add(bt_linker_table *table, const bt_trace *trace, bt_error *error) BT_MUST_CHECK;
/* After the last one was added. */
void bt_linker_table_sort(bt_linker_table *table);
/* The trace, and those that link to it, to these, and so on; at most BT_FAMILY_MAX_TRACES. It claims to know of nothing
 * that is absent. *out is there until the next call. BT_NO_MEMORY alone. */
bt_status bt_linker_table_family(bt_linker_table *table, const bt_trace *own, bt_family *out,
                                 bt_error *error) BT_MUST_CHECK;
/* The first tie of the target, and whether the one with that number is one. */
size_t bt_linker_table_find(const bt_linker_table *table, const bt_trace_id *target);
bool bt_linker_table_ties(const bt_linker_table *table, size_t tie, const bt_trace_id *target);
size_t bt_linker_table_bytes(const bt_linker_table *table);
void bt_linker_table_dispose(bt_linker_table *table); /* empty again, with its most_bytes */

#endif
