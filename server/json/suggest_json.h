/* Suggestions as JSON, as `GET /v1/suggestions` gives them. Thread: no state. */
#ifndef BT_SERVER_SUGGEST_JSON_H
#define BT_SERVER_SUGGEST_JSON_H

#include <jansson.h>

#include "server/query/suggestion_answer.h"

/* new: what openapi.yaml calls Suggestions. NULL: no memory. */
json_t *bt_suggest_json(const bt_suggest_result *result);

#endif
