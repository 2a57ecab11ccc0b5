/* One trace and its spans as JSON, for pages that draw it. Of attributes only those that the given rules compare are
 * shown, as in witnesses: a trace may hold what nobody should see just because a rule found the trace. Thread: no
 * state. */
#ifndef BT_SERVER_TRACE_JSON_H
#define BT_SERVER_TRACE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

enum { BT_TRACE_SPANS_SHOWN = 10000 };

/* new: {trace_id, span_count, start, end, root_name, root_service}; NULL: no memory. */
json_t *bt_trace_facts_json(const bt_trace *trace);

/* new: an array of what openapi.yaml calls TraceSpan, by start and then id: the earliest `most` spans, and every
 * witness of the verdicts besides. rules and verdicts have `count` entries each. BT_NO_MEMORY alone. */
bt_status bt_trace_spans_json(const bt_trace *trace, const bt_rule *const *rules, const bt_rule_verdict *verdicts,
                              size_t count, size_t most, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
