/* Which span work belongs to, as W3C Trace Context has it: read from `traceparent` of a caller, and written for whom we
 * ask. Thread: any. */
#ifndef BT_TEMPO_WIRE_TRACE_CONTEXT_H
#define BT_TEMPO_WIRE_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"

typedef struct bt_trace_context { /* all-zero: of no span */
  bt_trace_id trace_id;
  bt_span_id span_id;
  bool is_kept; /* sampled: its spans are sent */
  bool is_set;
} bt_trace_context;

enum { BT_TRACEPARENT_LINE = 72 }; /* "traceparent: 00-…", with its NUL */

/* False, and *out is all-zero: the text is not a traceparent. Of a version that is not known yet, what follows the
 * flags is passed over. */
bool bt_trace_context_parse(bt_str text, bt_trace_context *out);
void bt_trace_context_line(const bt_trace_context *context, char out[BT_TRACEPARENT_LINE]);
/* A new span below `parent`, or of a new trace where that is not set. False: the system gives no random bytes. */
bool bt_trace_context_begin(const bt_trace_context *parent, bt_trace_context *out);

#endif
