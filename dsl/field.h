/* What a field of a span is worth. Thread: no state. */
#ifndef BT_DSL_FIELD_H
#define BT_DSL_FIELD_H

#include <stdbool.h>

#include "dsl/rule.h"
#include "dsl/trace.h"
#include "dsl/value.h"

/* Value of a field of one span (not of the trace). Kinds and statuses are lower-case strings; durations and times are
 * whole numbers of nanoseconds, because the checker has already parted the types. `event` is the event that is asked
 * about: without one, event fields are missing. `id_text` gives the room that an id is written into. */
bt_value bt_field_value(const bt_span *span, const bt_field *field, const bt_event *event,
                        char id_text[BT_SPAN_ID_HEX + 1]);
bool bt_field_is_of_trace(bt_field_kind kind);
bool bt_field_is_of_event(bt_field_kind kind);
/* span.start, span.end, event.time. */
bool bt_field_is_point(bt_field_kind kind);

#endif
