/* What a violation says of its rule, in words: what is missing first, else what is there and must not be. The words are
 * the rule's own. Thread: no state. */
#ifndef BT_DSL_RULE_RULE_SENTENCE_H
#define BT_DSL_RULE_RULE_SENTENCE_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/value.h"

/* Appends the sentence of a choice, without the span that it is about: `no fraud-check in this trace`, `count(retry) is
 * 5, expected <= 2`, `sum(a, n) is 7, expected <= sum(b, n), which is 4`. Where the choice blames nothing that stands
 * in the rule: the whole of it. A rule's text is put on one line; control characters are for the caller to see to. */
void bt_rule_say_failure(const bt_rule *rule, bt_range failed, const bt_sides *measured, bt_buffer *out);

/* Appends the blamed part alone, on one line, as the rule has it; where it blames nothing that stands there, the whole.
 */
void bt_rule_write_blamed(const bt_rule *rule, bt_range failed, bt_buffer *out);

/* The range of that part in another text of the same rule, such as its canonical one. Empty, which blames the whole,
 * where the other text has no such part. */
bt_range bt_rule_same_part(const bt_rule *rule, bt_range failed, const bt_rule *other);

/* What is blamed is every(…): the spans that are shown for that part are those that fail its test. */
bool bt_rule_blames_every(const bt_rule *rule, bt_range failed);
/* What is blamed is not there, or too little of it: a span that was lost could be the one. */
bool bt_rule_blames_absence(const bt_rule *rule, bt_range failed);

#endif
