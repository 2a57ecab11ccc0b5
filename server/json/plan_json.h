/* What would be asked of the store for a rule, as JSON: explain. Thread: no state. */
#ifndef BT_SERVER_PLAN_JSON_H
#define BT_SERVER_PLAN_JSON_H

#include <jansson.h>

#include "dsl/rule/rule.h"

/* A new object {strategy, searched[], subtracted[], projected, reads, outline}; null where no plan could be made. NULL:
 * no memory. */
json_t *bt_plan_json(const bt_rule *rule);

#endif
