/* Whether a rule's violations are another's, too: proven from the shape of both rules, or not. A proof holds for each
 * whole trace; a missing proof says nothing. Steps are those of logic, of sets (what asks for
 * more finds less) and of numbers (above 10 is above 5). Thread: no state. */
#ifndef BT_DSL_EXAMPLE_IMPLICATION_H
#define BT_DSL_EXAMPLE_IMPLICATION_H

#include <stdbool.h>

#include "dsl/rule/rule.h"

/* Whatever trace violates the one violates the other. */
bool implication_is_proven(const bt_rule *violated, const bt_rule *other);

#endif
