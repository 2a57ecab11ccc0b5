/* One span with all that a source gave of it, for somebody who asks for this span (decision 887). It is bounded, and
 * says what it leaves out. Thread: no state. */
#ifndef BT_SERVER_SPAN_JSON_H
#define BT_SERVER_SPAN_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"

enum {
  BT_SPAN_LIST_SHOWN = 256,        /* attributes of one part, events or links of a span */
  BT_SPAN_VALUE_BYTES = 4096,      /* of one text; its whole length is said */
  BT_SPAN_TEXT_BYTES = 256 * 1024, /* of all keys and values of one answer */
};

/* new: an array of what openapi.yaml calls WholeSpan, one for each span of the trace with that id: the halves of a call
 * may share one. Empty: there is none. Records of one span that differ are put together. BT_NO_MEMORY alone. */
bt_status bt_whole_spans_json(const bt_trace *trace, const bt_span_id *id, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
