/* A replay as JUnit XML, for CI systems that show it as a test run: one case for each rule. Thread: no state. */
#ifndef BT_SERVER_REPLAY_JUNIT_H
#define BT_SERVER_REPLAY_JUNIT_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"

/* Violations of a rule below `least` do not fail its case: they stand in its output. A case that nobody can decide
 * (something could not be read, verdicts stayed open) is an error, a rule that no trace exercised is skipped, or
 * with `requires_exercised` an error. `idle`: for each rule why that is, empty: it was exercised. `messages`: for each
 * rule the lines of its violations, already cut to a number that people read. Notes about the data stand in the output
 * of their rule's case. BT_NO_MEMORY alone. */
bt_status bt_replay_junit_write(const bt_replay_result *result, const bt_rule_definition *const *rules,
                                bt_severity least, bool requires_exercised, const bt_buffer *idle,
                                const bt_buffer *messages, bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
