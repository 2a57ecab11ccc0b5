/* Results of tests as JUnit XML, which CI systems read: a testsuite for each rule file. Thread: belongs to one thread.
 */
#ifndef BT_SERVER_JUNIT_H
#define BT_SERVER_JUNIT_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rulefile/test_run.h"

typedef struct bt_junit_counts {
  size_t tests, failures, errors;
  int64_t duration_ns;
} bt_junit_counts;

typedef struct bt_junit {  /* all-zero is empty */
  bt_buffer suites, cases; /* finished suites; the cases of the suite at hand */
  bt_junit_counts all, suite;
} bt_junit;

/* BT_NO_MEMORY; BT_LIMIT: the trace is too large to say why it is judged so. */
bt_status bt_junit_add(bt_junit *junit, const bt_test_result *result, bt_error *error) BT_MUST_CHECK;
/* A rule file whose tests could not be run: one case with an error. */
void bt_junit_add_broken(bt_junit *junit, bt_str problem);
/* Ends the suite of one file. */
void bt_junit_end_file(bt_junit *junit, const char *file_name);
/* Appends the document. BT_NO_MEMORY alone. */
bt_status bt_junit_write(const bt_junit *junit, bt_buffer *out, bt_error *error) BT_MUST_CHECK;
void bt_junit_dispose(bt_junit *junit);

#endif
