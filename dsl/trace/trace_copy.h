/* Deep copies of the spans of a trace, each in one piece of memory, so that its size is exact. Resources and scopes are
 * copied once for spans in a row that share them, as decoders leave them. Thread: no state. */
#ifndef BT_DSL_TRACE_TRACE_COPY_H
#define BT_DSL_TRACE_TRACE_COPY_H

#include <stddef.h>

#include "dsl/trace/trace.h"

/* Bytes that a copy of the trace's spans takes: a multiple of the strictest alignment. */
size_t bt_trace_copy_bytes(const bt_trace *trace);
/* Copies them into zeroed room of so many bytes, aligned for any type. The spans begin there; NULL for none. */
bt_span *bt_trace_copy_spans(const bt_trace *trace, void *room);

#endif
