/* Do two definitions say the same? For server/store alone. Thread: no state. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_STORE_RULE_COMPARISON_H
#define BT_SERVER_STORE_RULE_COMPARISON_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "server/rules/rule_definition.h"

/* Every field that a user may set, the severity as it was settled, labels and annotations in any order, and the text
 * but for its layout. A broken rule is the same as no other. */
bt_status bt_rule_definition_same(const bt_rule_definition *a, const bt_rule_definition *b, bool *is_same,
                                  bt_error *error) BT_MUST_CHECK;

#endif
