/* How the planner's tests are said in OTTL, the language of the Collector's conditions: the dialect of a sampler
 * (dsl/plan/dialect.h). It asks no store, so it has no queries. A condition in OTTL is true or false, so whatever is
 * said has an opposite, and one filter serves both directions: who writes it (ottl_condition.h) weakens it or
 * strengthens it. Thread: no state. */
#ifndef BT_SERVER_SAMPLER_OTTL_DIALECT_H
#define BT_SERVER_SAMPLER_OTTL_DIALECT_H

#include <stdbool.h>

#include "dsl/plan/dialect.h"
#include "dsl/rule/rule.h"

bt_dialect bt_ottl_dialect(void);
/* No condition asks for this field: a test of it finds every span. */
bool bt_ottl_has_no_field(bt_field_kind kind);

#endif
