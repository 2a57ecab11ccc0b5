/* Running the tests of a rule file (dsl.md §8). One result for each verdict that a test expects: a test with a map of
 * rule ids gives several. Thread: belongs to one thread; reads the trace files that tests name. */
#ifndef BT_SERVER_TEST_RUN_H
#define BT_SERVER_TEST_RUN_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/rulefile/checked_file.h"
#include "server/rulefile/rulefile.h"

typedef enum bt_test_outcome {
  BT_TEST_PASSED,
  BT_TEST_FAILED, /* another verdict came, or no violating choice has the witness */
  BT_TEST_ERROR   /* no verdict could be had: the rule does not compile, the trace file cannot be read, … */
} bt_test_outcome;

/* Borrowed until the sink returns. */
typedef struct bt_test_result {
  const bt_checked_file *file;
  const bt_checked_rule *owner; /* the rule that the test stands under */
  const bt_rulefile_test *test;
  const bt_test_expectation *expectation;
  bt_str rule_id;                 /* of the rule that is judged */
  const bt_checked_rule *judged;  /* NULL: the file has no such rule */
  const bt_family *family;        /* NULL: the traces could not be had */
  const bt_trace *trace;          /* the first of them */
  const bt_rule_verdict *verdict; /* NULL: nothing was evaluated */
  bt_eval_options options;        /* what it was evaluated with */
  bt_test_outcome outcome;
  char problem[512]; /* why there is no verdict, or what is wrong besides the verdict; "" */
  int64_t duration_ns;
} bt_test_result;

/* Returning anything but BT_OK stops the run with it. */
typedef bt_status (*bt_test_sink)(void *context, const bt_test_result *result, bt_error *error);

/* `folder`: what relative trace_file paths start from; "" is the working folder; NULL: no files are read, and tests
 * that name one have no verdict. Fails for want of memory, or as the sink does. */
bt_status bt_tests_run(const bt_checked_file *file, const char *folder, bt_test_sink sink, void *context,
                       bt_error *error) BT_MUST_CHECK;

const char *bt_test_outcome_name(bt_test_outcome outcome); /* "passed", "failed", "error" */

#endif
