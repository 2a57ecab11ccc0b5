/* Kinds and statuses as exporters write them: by their own names or OTLP's, in either case. Thread: no state. Internal
 * to tempo/. */
#ifndef BT_TEMPO_WIRE_SPAN_WORDS_H
#define BT_TEMPO_WIRE_SPAN_WORDS_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

/* "Server", "SPAN_KIND_SERVER"; "" is unspecified. False: it is no kind. */
bool bt_span_kind_of(bt_str text, bt_span_kind *out);
/* "Error", "STATUS_CODE_ERROR"; "" is unset. */
bool bt_span_status_of(bt_str text, bt_span_status *out);

#endif
