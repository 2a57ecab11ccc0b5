/* Rules as JSON (api.md, Rules): both directions in one place. Thread: no state. */
#ifndef BT_SERVER_RULE_JSON_H
#define BT_SERVER_RULE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "server/rules/rule_definition.h"

/* A new object, NULL without memory. */
json_t *bt_rule_definition_json(const bt_rule_definition *definition);

/* Reads what users may set from an object into fields (which are initialised here; dispose them). Calls `complain` for
 * each field that is wrong; returns false when it did, or when there is no memory (then complain gets field NULL).
 * Fields that only the service sets (version, …) are passed over; unknown ones are not looked for here. */
typedef void (*bt_rule_json_complaint)(void *context, const char *field, const char *message);
bool bt_rule_fields_from_json(json_t *object, bt_rule_fields *fields, bt_rule_json_complaint complain, void *context);

/* Every name that a rule's object may have, NULL-terminated. */
extern const char *const bt_rule_json_names[];

#endif
