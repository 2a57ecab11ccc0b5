/* When the evaluation of one trace ends early: it is cancelled, or it has taken too much of the processor. dsl/ has no
 * clock; it asks here every few milliseconds of work. Thread: one evaluator's; the cancel flag may be set by any. */
#ifndef BT_SERVER_BASE_EVAL_LIMIT_H
#define BT_SERVER_BASE_EVAL_LIMIT_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/cancellation.h"

/* Of all rules on one trace; far beyond what budgets leave to one rule. */
#define BT_EVAL_MAX_CPU_NS INT64_C(10000000000)

typedef struct bt_eval_limit {
  const bt_cancel *cancel; /* borrowed; or NULL */
  int64_t most_cpu_ns;     /* 0: BT_EVAL_MAX_CPU_NS */
  int64_t began_ns;        /* processor time when it was first asked about this trace; 0: not yet */
} bt_eval_limit;

/* bt_evaluator_run within the limit. BT_CANCELLED: it was cancelled, and nothing is said of the trace. Too much of the
 * processor: what is not known by then is inconclusive (budget). Else errors are those of bt_evaluator_run, and *out is
 * borrowed as there. */
bt_status bt_eval_run_within(bt_eval_limit *limit, bt_evaluator *evaluator, const bt_trace *trace,
                             const bt_eval_options *options, const bt_rule_verdict **out,
                             bt_error *error) BT_MUST_CHECK;
/* The same of a family's first trace. */
bt_status bt_eval_run_family_within(bt_eval_limit *limit, bt_evaluator *evaluator, const bt_family *family,
                                    const bt_eval_options *options, const bt_rule_verdict **out,
                                    bt_error *error) BT_MUST_CHECK;

#endif
