/* The attributes and texts of spans that rules read: what a recorded trace has to keep for their verdicts to stay.
 * Thread: no state. */
#ifndef BT_SERVER_RULES_RULE_KEYS_H
#define BT_SERVER_RULES_RULE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"

/* Called for every test on a span in a condition, in order of the text; of AND, OR, NOT and EVENT the parts follow. */
typedef void (*bt_predicate_visit)(void *context, const bt_predicate *predicate);
void bt_condition_visit(const bt_condition *condition, bt_predicate_visit visit, void *context);

/* Called for every comparison in a condition, of spans and of the trace. */
typedef void (*bt_comparison_visit)(void *context, const bt_comparison *comparison);
void bt_condition_visit_comparisons(const bt_condition *condition, bt_comparison_visit visit, void *context);

typedef struct bt_rule_keys { /* all-zero is empty */
  bt_field *items; /* attributes of spans, resources, scopes, events and links, and BT_FIELD_STATUS_MESSAGE; texts are
                      the rules' */
  size_t count, capacity;
  bool no_memory;
} bt_rule_keys;

/* Adds what the rule reads. BT_NO_MEMORY alone. */
bt_status bt_rule_keys_add(bt_rule_keys *keys, const bt_rule *rule, bt_error *error) BT_MUST_CHECK;
void bt_rule_keys_dispose(bt_rule_keys *keys);
/* Whether some rule reads the field of this kind with this key. EITHER counts for spans and resources. */
bool bt_rule_keys_have(const bt_rule_keys *keys, bt_field_kind kind, bt_str key);

#endif
