/* What goes along with violating, as JSON, as `GET /v1/rules/{id}/contrast` and `betrace contrast --json` give it.
 * Thread: no state. */
#ifndef BT_SERVER_CONTRAST_JSON_H
#define BT_SERVER_CONTRAST_JSON_H

#include <jansson.h>

#include "dsl/trace/value.h"
#include "server/query/contrast.h"
#include "server/rules/rule_definition.h"

/* new: what openapi.yaml calls Contrast. NULL: no memory. */
json_t *bt_contrast_json(const bt_rule_definition *definition, const bt_contrast_result *result,
                         const bt_rule_words *words);
const char *bt_value_type_name(bt_value_type type); /* "string", "bool", "int", "double" */

#endif
