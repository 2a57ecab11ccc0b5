/* Is a trace that was read the one that was pushed? Span by span and value by value. Thread: no state. */
#ifndef BT_SERVER_DOCTOR_TRACE_COMPARISON_H
#define BT_SERVER_DOCTOR_TRACE_COMPARISON_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"

/* projection: what the read gives (bt_read_request); NULL: everything. tells_doubles: store_probes.h. False: *why (a
 * text that is appended) says what differs first. */
bool bt_doctor_same_trace(const bt_trace *pushed, const bt_trace *seen, const bt_projection *projection,
                          bool tells_doubles, bt_buffer *why);

#endif
