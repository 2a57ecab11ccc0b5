/* What a decoder passed over, for callers that say so to their people: documents of other signals, spans without an id,
 * and records that are no spans. A batch that has no such list takes both for errors. Thread: one at a time. Only
 * tempo/ includes this. */
#ifndef BT_TEMPO_WIRE_PASSED_OVER_H
#define BT_TEMPO_WIRE_PASSED_OVER_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"

typedef struct bt_passed_over { /* all-zero: nothing */
  uint64_t other_signals;       /* documents of logs, metrics or profiles and of no spans */
  uint64_t without_id;          /* spans that have no trace id or no span id */
  uint64_t fragments;           /* records of Zipkin that only add to a span of their id */
  bt_trace_id *touched;         /* traces that lack such a span; an id may come twice */
  size_t touched_count, touched_capacity;
} bt_passed_over;

void bt_passed_over_dispose(bt_passed_over *passed);
/* An id of zeros is nobody's. BT_NO_MEMORY alone. */
bt_status bt_passed_over_touch(bt_passed_over *passed, const bt_trace_id *id, bt_error *error) BT_MUST_CHECK;
/* Adds what another list has. BT_NO_MEMORY alone. */
bt_status bt_passed_over_add(bt_passed_over *into, const bt_passed_over *from, bt_error *error) BT_MUST_CHECK;
/* Puts the touched traces in order, each once. */
void bt_passed_over_sort(bt_passed_over *passed);

#endif
