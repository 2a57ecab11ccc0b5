/* Which of the service's stores a request asks: the one that it names, else the one that its rules name, else that of
 * its tenant. Rules of two stores are not asked in one: who reads "none" would take it for both. Thread: workers; reads
 * what stays as it is. */
#ifndef BT_SERVER_HTTP_STORE_CHOICE_H
#define BT_SERVER_HTTP_STORE_CHOICE_H

#include <jansson.h>

#include "server/http/call.h"
#include "server/http/rule_choice.h"
#include "server/http/service.h"

/* What the service's own store is called where there are others. */
#define BT_OWN_STORE "default"

/* Borrowed, never NULL. By the field `store`, of a request about these rules (count 0: about none). What cannot be
 * asked is an error of that field, which says what to do, and then it is the service's own. */
bt_source *bt_body_store(const bt_service *service, const bt_call *call, json_t *body,
                         const bt_rule_definition *const *rules, size_t count, bt_field_errors *errors);
/* The same of a question, whose rules may be a set that nobody named: those of other stores are left out, and counted
 * as `elsewhere` where the question names no store. A store that is not the service's own is in the body afterwards. */
bt_source *bt_question_store(const bt_service *service, const bt_call *call, json_t *body, bt_rule_choice *choice,
                             bt_field_errors *errors);
/* Borrowed. By the parameter `store`; rule: what is asked about, or NULL. NULL: answered. */
bt_source *bt_query_store(const bt_service *service, bt_call *call, const bt_rule_definition *rule);
/* The name of the store that a rule of this tenant is asked in by itself; NULL: the tenant has none. Borrowed. */
const char *bt_store_of_rule(const bt_service *service, const char *tenant, const bt_rule_definition *rule);
/* A bt_rule_elsewhere_of; context: the bt_service. Borrowed. */
const char *bt_rule_elsewhere(const void *context, const char *tenant, const bt_source *source, bool is_said,
                              const bt_rule_definition *rule);
/* Whether the store that a rule names is there; else false, and what has to be said of the field `store`. */
bool bt_rule_names_store(const bt_service *service, const char *tenant, const bt_rule_definition *rule, bt_buffer *why);
/* Where what a rule costs on that store is added to. NULL: nowhere, because what is kept is of the service's own. */
bt_price_table *bt_store_prices(const bt_service *service, const bt_source *source);

#endif
