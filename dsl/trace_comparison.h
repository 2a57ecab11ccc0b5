/* Comparing two records of one span. Only what joins records or tells them apart includes this: trace.c,
 * trace_records.c, record_differences.c, tempo/api/trace_merge.c and server/replay/violation.c. Thread: no state. */
#ifndef BT_DSL_TRACE_COMPARISON_H
#define BT_DSL_TRACE_COMPARISON_H

#include <stdbool.h>

#include "dsl/arena.h"
#include "dsl/trace.h"

/* Whether both are the same; NaN is the same as NaN. */
bool bt_values_agree(const bt_value *a, const bt_value *b);
/* Whether two records with the same id and kind say the same; the order of attributes does not matter. The arena gives
 * scratch memory; *has_room is false when it could not, and the answer then means nothing. */
bool bt_spans_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room);

/* Its parts. The first one looks at what is neither an attribute nor an event nor a link. */
bool bt_spans_agree_but_for_parts(const bt_span *a, const bt_span *b);
bool bt_span_events_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room);
bool bt_span_links_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room);
/* By key; of equal keys the first one stays first. NULL: no room. */
const bt_attribute **bt_attributes_sorted(bt_attributes attributes, bt_arena *arena);

#endif
