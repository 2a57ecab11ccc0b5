/* What changed, as JSON: `betrace changed --json` and `GET /v1/changes` give it. Thread: no state. */
#ifndef BT_SERVER_CHANGED_JSON_H
#define BT_SERVER_CHANGED_JSON_H

#include <jansson.h>

#include "server/query/changed.h"

/* new: what openapi.yaml calls Changes. NULL: no memory. */
json_t *bt_changed_json(const bt_changed *changed);

#endif
