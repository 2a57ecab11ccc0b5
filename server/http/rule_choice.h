/* Which rules a request is about: rule_ids, labels or a rule in the request, and for questions also a severity and a
 * framework. The answer names each rule that the caller asked for and that cannot be judged. Thread: workers. */
#ifndef BT_SERVER_HTTP_RULE_CHOICE_H
#define BT_SERVER_HTTP_RULE_CHOICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/http/call.h"
#include "server/http/service.h"
#include "server/rules/rule_definition.h"
#include "server/store/rule_store.h"

typedef struct bt_rule_choice {
  const bt_rule_definition **items; /* one reference each */
  size_t count;
  bt_rule_list
      broken; /* of a question: enabled rules that belong to it, whose stored text does not compile or is damaged */
  size_t elsewhere; /* of a question: rules of other stores, which it does not ask (store_choice.h), */
  char first_elsewhere[BT_RULE_ID_MAX + BT_STORE_NAME_MAX + 16]; /* and the first of them */
} bt_rule_choice;
void bt_rule_choice_dispose(bt_rule_choice *choice);

/* For a replay: exactly one of rule_ids, labels and dsl; an unknown id and a broken rule are errors of their fields.
 * False: answered, and the errors are dropped. */
bool bt_rule_choice_of_replay(const bt_service *service, bt_call *call, json_t *body, bt_rule_choice *choice,
                              bt_field_errors *errors);
/* For a question: at most one of rule_ids, labels and dsl; without any, all enabled rules; of these those of `severity`
 * and `framework`. An unknown id is answered with 404. False: answered, and the errors are
 * dropped. */
bool bt_rule_choice_of_question(const bt_service *service, bt_call *call, json_t *body, bt_rule_choice *choice,
                                bt_field_errors *errors);

#endif
