/* Early ends of evaluations. See eval_limit.h. */
#include "server/base/eval_limit.h"

#include <time.h>

static int64_t thread_cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool may_go_on(void *context) {
  bt_eval_limit *limit = context;
  if (bt_is_cancelled(limit->cancel)) return false;
  int64_t now_ns = thread_cpu_ns(), most_ns = limit->most_cpu_ns ? limit->most_cpu_ns : BT_EVAL_MAX_CPU_NS;
  if (!limit->began_ns) limit->began_ns = now_ns;
  return now_ns - limit->began_ns < most_ns;
}

static bt_status finish_run(const bt_eval_limit *limit, bt_evaluator *evaluator, bt_status status,
                            const bt_rule_verdict **out, bt_error *error) {
  bt_evaluator_check_with(evaluator, NULL, NULL);
  if (status == BT_OK && bt_is_cancelled(limit->cancel)) {
    *out = NULL;
    return bt_error_set(error, BT_CANCELLED, "the evaluation of a trace was cancelled");
  }
  return status;
}

bt_status bt_eval_run_within(bt_eval_limit *limit, bt_evaluator *evaluator, const bt_trace *trace,
                             const bt_eval_options *options, const bt_rule_verdict **out, bt_error *error) {
  limit->began_ns = 0;
  bt_evaluator_check_with(evaluator, may_go_on, limit);
  bt_status status = bt_evaluator_run(evaluator, trace, options, out, error);
  return finish_run(limit, evaluator, status, out, error);
}

bt_status bt_eval_run_family_within(bt_eval_limit *limit, bt_evaluator *evaluator, const bt_family *family,
                                    const bt_eval_options *options, const bt_rule_verdict **out, bt_error *error) {
  limit->began_ns = 0;
  bt_evaluator_check_with(evaluator, may_go_on, limit);
  bt_status status = bt_evaluator_run_family(evaluator, family, options, out, error);
  return finish_run(limit, evaluator, status, out, error);
}
