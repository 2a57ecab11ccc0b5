/* A second evaluator, written from the language's specification alone: nested loops over the checked rule as it stands,
 * three values and intervals written out, nothing shared, nothing looked up. It is slow and has no step budget; the
 * differential test holds the fast one against it. Only for tests: it stops the program when the allocator says no. No
 * state, any thread. */
#ifndef BT_TESTS_NAIVE_H
#define BT_TESTS_NAIVE_H

#include "dsl/evaluate/eval.h"

enum { NAIVE_WORLDS_MAX = 128 };

typedef struct naive_verdict {
  bt_verdict verdict;
  bt_reason reason;
  bt_truth exercised;
  uint64_t choice_total; /* violating choices */
  uint32_t tuple_size;   /* bindings of a choice, in the order of `as` */
  uint32_t *tuples;      /* choice_total × tuple_size numbers of spans, by start times and then ids; new */
  uint64_t worlds;       /* that records of a span which differ make; more than NAIVE_WORLDS_MAX: nothing is said */
} naive_verdict;

/* options->step_budget is not looked at. */
void naive_evaluate(const bt_rule *rule, const bt_trace *trace, const bt_eval_options *options, naive_verdict *out);
/* Of the first trace of a family. */
void naive_evaluate_family(const bt_rule *rule, const bt_family *family, const bt_eval_options *options,
                           naive_verdict *out);
void naive_verdict_dispose(naive_verdict *verdict);

#endif
