/* Suggestions as JSON, as `GET /v1/suggestions` gives them. Thread: no state. */
#ifndef BT_SERVER_SUGGEST_JSON_H
#define BT_SERVER_SUGGEST_JSON_H

#include <jansson.h>

#include "server/query/suggestion_answer.h"

/* new: one proposal as openapi.yaml's Suggestion, without its exceptions. NULL: no memory. */
json_t *bt_suggestion_json(const bt_suggestions *suggestions, size_t at, const bt_rate *rate);
/* Sets what the whole rests on: how many were tested, with which error, and what was left out. */
void bt_suggestions_json_account(json_t *object, const bt_suggestions *suggestions);

/* new: what openapi.yaml calls Suggestions. NULL: no memory. */
json_t *bt_suggest_json(const bt_suggest_result *result);

#endif
