/* Questions about violations. See question.h. */
#include "server/http/question.h"

#include <stdio.h>

const bt_range_names bt_question_range = {"start", "end", INT64_C(3600) * 1000000000, INT64_C(30) * 86400 * 1000000000};

json_t *bt_question_of_query(bt_call *call, const char *const *names) {
  return bt_query_body(call, names, "rule_id", "rule_ids");
}

json_t *bt_question_of_body(bt_call *call, const char *const *names) {
  static const char *const no_parameter[] = {NULL};
  bt_field_errors errors = {0};
  json_t *body = bt_call_query_allows(call, no_parameter) ? bt_call_body(call, true) : NULL;
  if (!body) return NULL;
  bt_field_errors_unknown(&errors, body, names);
  if (!bt_call_refuse_fields(call, &errors)) return body;
  json_decref(body);
  return NULL;
}

const char *bt_question_unchecked(const bt_rule_choice *rules, char text[BT_QUESTION_UNCHECKED]) {
  const bt_rule_list *broken = &rules->broken;
  if (broken->count)
    snprintf(text, BT_QUESTION_UNCHECKED,
             "rule_broken: the stored text of %zu enabled rule%s does not compile or is damaged; the first: %.128s",
             broken->count, broken->count == 1 ? "" : "s", broken->items[0]->fields.id);
  else if (rules->elsewhere)
    snprintf(text, BT_QUESTION_UNCHECKED,
             "rule_elsewhere: %zu rules of other stores were not asked; ask with store; the first: %.130s",
             rules->elsewhere, rules->first_elsewhere);
  return broken->count || rules->elsewhere ? text : NULL;
}

void bt_question_refuse(bt_call *call, bt_status status, const bt_error *error) {
  if (status == BT_LIMIT)
    bt_call_busy(call, error);
  else
    bt_call_error(call, status, error);
}
