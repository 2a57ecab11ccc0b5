/* What annotations mean (dsl.md §6): controls and severity. For rule_definition.c alone. Thread: no state. */
#ifndef BT_SERVER_RULES_RULE_CONTROLS_H
#define BT_SERVER_RULES_RULE_CONTROLS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "server/rules/rule_definition.h"

/* The (framework, control) pairs of the text's annotations and then of the fields', each once. *out is new:
 * bt_string_pairs_free. BT_NO_MEMORY alone. */
bt_status bt_rule_controls_collect(const bt_rule *rule, const bt_rule_fields *fields, bt_string_pair **out,
                                   size_t *count, bt_error *error) BT_MUST_CHECK;
/* Sets fields->severity from the text's @severity where the user said none. BT_INVALID: they differ, or it is no
 * severity. */
bt_status bt_rule_severity_settle(const bt_rule *rule, bt_rule_fields *fields, bt_error *error) BT_MUST_CHECK;

/* Letters and digits are the same, without regard to case: "PCI-DSS" and "pci dss". */
bool bt_framework_is_same(bt_str a, bt_str b);

#endif
