/* What a test of a rule file came to, for people and for programs: one place for text, JSON and JUnit. Thread: no
 * state. */
#ifndef BT_SERVER_TEST_REPORT_H
#define BT_SERVER_TEST_REPORT_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rulefile/test_run.h"

/* "no fraud check", or "line 18" for a test without a name. */
void bt_test_report_name(const bt_test_result *result, bt_buffer *out);
/* Lines that say which verdict was expected, which came, and why: the clause that failed with its witnesses, or what of
 * `when` did not hold. BT_NO_MEMORY; BT_LIMIT: the trace is too large to say it. */
bt_status bt_test_report_explain(const bt_test_result *result, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
/* A new object {file, line, rule_id, test, outcome, expected, verdict, reason, explanation[], violation}; verdict null
 * where none came, explanation empty and violation null for a test that passed. NULL: no memory. */
json_t *bt_test_report_json(const bt_test_result *result);

#endif
