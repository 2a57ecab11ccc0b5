/* An example as text: one line a span, children behind their parents, with all that a span says. Thread: no state. */
#ifndef BT_DSL_EXAMPLE_EXAMPLE_TEXT_H
#define BT_DSL_EXAMPLE_EXAMPLE_TEXT_H

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

/* Appends what a span says beyond name, place and service: `amount = 1001, status = error, an event exception`. */
void bt_example_say_span(const bt_span *span, bt_buffer *out);
/* Appends the trace: `checkout  0ms + 1ms  amount = 1001`. Of many children the first ones are shown. */
void bt_example_say(const bt_trace *trace, bt_buffer *out);

#endif
