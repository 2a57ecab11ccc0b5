/* Judging one trace for a request: read by its id, with the settings that a replay of each rule would have, and the
 * verdict as JSON. Thread: a request's worker. */
#ifndef BT_SERVER_HTTP_ONE_TRACE_H
#define BT_SERVER_HTTP_ONE_TRACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/http/call.h"
#include "server/http/service.h"
#include "server/rules/rule_definition.h"

/* What the rules say of the trace with that id, and where links decide, of it and those that are linked to it. judged:
 * called once; family: NULL where none was gathered. All is borrowed until it returns. BT_NOT_FOUND says what to look
 * at; else what judged returned, or why the source gave nothing. rule_id: whose price it is, or NULL. clock_skew_ns:
 * what all rules are judged with, borrowed; NULL: each with its own. */
typedef bt_status (*bt_one_trace_judged)(void *context, const bt_trace *trace, const bt_family *family,
                                         const bt_rule_verdict *verdicts, bt_error *error);
typedef struct bt_one_trace_request {
  const bt_service *service;
  bt_source *source;
  const bt_call *call;
  const bt_rule_definition *const *rules;
  size_t count;
  const char *rule_id;
  const int64_t *clock_skew_ns;
  bool is_alone; /* links are not followed: what they would decide stays open (BT_REASON_LINKED) */
} bt_one_trace_request;
bt_status bt_one_trace_judge(const bt_one_trace_request *request, const bt_trace_id *id, bt_one_trace_judged judged,
                             void *context, bt_error *error) BT_MUST_CHECK;

/* Younger than the rule's settle time, so that spans may still come; never so for files. */
bool bt_one_trace_is_unsettled(const bt_service *service, bt_source *source, const bt_rule_definition *rule,
                               const bt_trace *trace);
bt_eval_options bt_one_trace_options(const bt_service *service, const bt_rule_definition *rule, const bt_trace *trace,
                                     bool is_unsettled);

/* new: {verdict, reason, exercised, violation}; a violation of a whole trace counts as confirmed by id. BT_NO_MEMORY
 * alone. */
bt_status bt_one_trace_verdict_json(const bt_call *call, const bt_rule_definition *rule, const bt_trace *trace,
                                    const bt_rule_verdict *verdict, bool is_unsettled, json_t **out,
                                    bt_error *error) BT_MUST_CHECK;

#endif
