/* Rules that were withdrawn inside a range. See withdrawal.h. */
#include "server/compliance/withdrawal.h"

bool bt_rule_decides(const bt_rule_definition *rule) {
  return rule->fields.enabled && !rule->fields.shadow;
}

bt_withdrawn bt_find_withdrawn(const bt_rule_version *versions, size_t count, int64_t since_ns) {
  if (!count || versions[count - 1].deleted || bt_rule_decides(versions[count - 1].definition))
    return (bt_withdrawn){0};
  for (size_t i = count - 1; i > 0; i--) {
    const bt_rule_version *before = &versions[i - 1];
    const bt_rule_definition *next = versions[i].definition;
    if (next->updated_at_ns < since_ns) break;
    if (before->deleted || !bt_rule_decides(before->definition)) continue;
    return (bt_withdrawn){next->fields.enabled ? "shadow" : "disabled", next->updated_at_ns, next->updated_by};
  }
  return (bt_withdrawn){0};
}
