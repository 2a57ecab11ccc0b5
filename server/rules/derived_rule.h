/* Rules made from a rule, so that counting and searching for a part of it is done by the same replay that looks for
 * violations: nothing else decides what a rule means. Each is a text that the language checks again. Thread: no state.
 * Errors: BT_INVALID, the text that comes of it is no rule (too long, too deep); BT_NO_MEMORY. */
#ifndef BT_SERVER_RULES_DERIVED_RULE_H
#define BT_SERVER_RULES_DERIVED_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "server/rules/rule_definition.h"

/* The conjuncts that exercise a rule: of `when`, or the positive ones beside a `not` of a bare condition. 0: every
 * trace exercises it (bt_rule_is_exercised_by_all). */
uint32_t bt_exercising_count(const bt_rule *rule);
/* The text of conjunct `index`, borrowed from the rule. */
bt_str bt_exercising_text(const bt_rule *rule, uint32_t index);

/* Appends text as a string of the language, in double quotes. */
void bt_rule_quote(bt_str text, bt_buffer *out);

/* new: a rule that exactly those traces violate in which the first `count` of these conjuncts hold (1 or more). Its id
 * is the rule's; its settings are too. */
bt_status bt_derived_prefix(const bt_rule_definition *rule, uint32_t count, bt_rule_definition **out,
                            bt_error *error) BT_MUST_CHECK;
/* new: the rule, for traces only in which `condition` (a text, like trace.has(…)) holds too. */
bt_status bt_derived_restricted(const bt_rule_definition *rule, const char *condition, bt_rule_definition **out,
                                bt_error *error) BT_MUST_CHECK;
/* new: the text as a rule with the settings of another. */
bt_status bt_derived_text(const bt_rule_definition *like, const char *dsl, bt_rule_definition **out,
                          bt_error *error) BT_MUST_CHECK;
/* new: the rule without settings of its own, so that the service's hold. */
bt_status bt_derived_plain(const bt_rule_definition *rule, bt_rule_definition **out, bt_error *error) BT_MUST_CHECK;

#endif
