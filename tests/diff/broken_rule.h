/* Rules with one mistake, made from right ones: names and operators of other languages, a missing trace.has(…), a
 * `.where` in the wrong place, values without their unit. Each is written with the rule that was meant. Only for tests.
 */
#ifndef BT_TESTS_BROKEN_RULE_H
#define BT_TESTS_BROKEN_RULE_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "tests/support/random.h"

size_t broken_rule_mistake_count(void);
/* The mistake as a template of text, for messages. */
const char *broken_rule_mistake(size_t mistake);
/* Somewhere a fix has to be offered for it: a test in which none ever is would show nothing. */
bool broken_rule_has_fix(size_t mistake);
/* Appends the rule that was meant and the one that was written. */
void broken_rule_write(test_random *random, size_t mistake, bt_buffer *right, bt_buffer *broken);

#endif
