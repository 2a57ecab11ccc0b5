/* What all questions about violations share, for listing and for counting: how to ask them, over which range, and what
 * to answer if they fail or if rules are missing from the answer. Thread: workers. */
#ifndef BT_SERVER_HTTP_QUESTION_H
#define BT_SERVER_HTTP_QUESTION_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "server/http/body_fields.h"
#include "server/http/call.h"
#include "server/http/rule_choice.h"

enum { BT_QUESTION_UNCHECKED = 240 };

/* The last hour; at most 30 days. */
extern const bt_range_names bt_question_range;

/* The question as a body, with the fields of `names` (NULL-terminated) and no others: of GET the query, where rule_id
 * may stand several times and becomes rule_ids, of POST the body. NULL: answered. Free with json_decref. */
json_t *bt_question_of_query(bt_call *call, const char *const *names);
json_t *bt_question_of_body(bt_call *call, const char *const *names);
/* The enabled rules that belong to the question and cannot be evaluated, as a sentence, which begins with rule_broken
 * or rule_elsewhere; NULL: there are none. */
const char *bt_question_unchecked(const bt_rule_choice *rules, char text[BT_QUESTION_UNCHECKED]);
/* Answers that it could not be begun. */
void bt_question_refuse(bt_call *call, bt_status status, const bt_error *error);

#endif
