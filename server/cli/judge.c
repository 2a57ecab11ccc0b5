/* Verdicts on single traces. See judge.h. */
#include "server/cli/judge.h"

#include <stdlib.h>

#include "dsl/trace/keeping.h"
#include "server/base/clock.h"
#include "server/base/eval_limit.h"
#include "server/replay/given_families.h"

struct bt_judge {
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  const bt_rule_definition *const *definitions;
  const bt_rule **rules;
  bt_eval_options *options;
  bt_assumptions *assumptions; /* of each rule */
  size_t count;
  bool is_static;
};

static bt_status prepare_rules(bt_judge *judge, const bt_rule_definition *const *rules,
                               const bt_assumptions *assumptions, bt_error *error) {
  judge->rules = bt_realloc_array(NULL, judge->count, sizeof(const bt_rule *));
  judge->options = calloc(judge->count, sizeof *judge->options);
  judge->assumptions = bt_realloc_array(NULL, judge->count, sizeof *judge->assumptions);
  if (!judge->rules || !judge->options || !judge->assumptions) return bt_error_no_memory(error);
  for (size_t i = 0; i < judge->count; i++) {
    judge->rules[i] = rules[i]->rule;
    judge->assumptions[i] = bt_assumptions_of(assumptions, rules[i]);
    judge->options[i] = bt_assumptions_options(&judge->assumptions[i]);
  }
  bt_status status = bt_ruleset_new(judge->rules, judge->count, &judge->ruleset, error);
  return status ? status : bt_evaluator_new(judge->ruleset, &judge->evaluator, error);
}

bt_status bt_judge_new(const bt_rule_definition *const *rules, size_t count, const bt_assumptions *assumptions,
                       bool is_static, bt_judge **out, bt_error *error) {
  *out = NULL;
  bt_judge *judge = calloc(1, sizeof *judge);
  if (!judge) return bt_error_no_memory(error);
  judge->count = count;
  judge->definitions = rules;
  judge->is_static = is_static;
  bt_status status = prepare_rules(judge, rules, assumptions, error);
  if (status)
    bt_judge_free(judge);
  else
    *out = judge;
  return status;
}

void bt_judge_free(bt_judge *judge) {
  if (!judge) return;
  bt_evaluator_free(judge->evaluator);
  bt_ruleset_free(judge->ruleset);
  free(judge->rules);
  free(judge->options);
  free(judge->assumptions);
  free(judge);
}

static bool is_younger(const bt_judge *judge, const bt_trace *trace, int64_t settle_ns) {
  return !judge->is_static && bt_trace_end_ns(trace) > bt_clock_wall_ns() - settle_ns;
}

bool bt_judge_is_unsettled(const bt_judge *judge, const bt_trace *trace) {
  for (size_t i = 0; i < judge->count; i++)
    if (is_younger(judge, trace, judge->assumptions[i].settle_ns)) return true;
  return false;
}

static void set_options(bt_judge *judge, const bt_trace *trace) {
  bool is_sampled = bt_keeping_may_lack(trace, 0);
  for (size_t i = 0; i < judge->count; i++) {
    const bt_assumptions *own = &judge->assumptions[i];
    judge->options[i].incomplete =
        trace->partial || is_younger(judge, trace, own->settle_ns) || (own->require_complete && trace->missing_parents);
    judge->options[i].sampled = is_sampled;
  }
}

bt_status bt_judge_run(bt_judge *judge, const bt_trace *trace, const bt_rule_verdict **out, bt_error *error) {
  bt_eval_limit limit = {.cancel = bt_replay_interrupt()};
  set_options(judge, trace);
  return bt_eval_run_within(&limit, judge->evaluator, trace, judge->options, out, error);
}

/* ---- with the traces that links tie to it ---- */

typedef struct linking {
  bt_judge *judge;
  const bt_given_trace *traces;
  bt_judge_sink judged;
  void *context;
} linking;

bool bt_judge_awaits_links(const bt_judge *judge, const bt_rule_verdict *verdicts) {
  return bt_verdicts_await_links(judge->definitions, verdicts, judge->count);
}

static bt_status judge_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  linking *l = context;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&l->traces[index].id, hex);
  if (!family) return bt_error_set(error, BT_UNAVAILABLE, "trace %s was read once, and is not found any more", hex);
  bt_eval_limit limit = {.cancel = bt_replay_interrupt()};
  const bt_rule_verdict *verdicts = NULL;
  const bt_trace *trace = family->traces[0].trace;
  set_options(l->judge, trace);
  bt_status status =
      bt_eval_run_family_within(&limit, l->judge->evaluator, family, l->judge->options, &verdicts, error);
  return status == BT_OK ? l->judged(l->context, trace, family, verdicts, error) : status;
}

bt_status bt_judge_families(bt_judge *judge, bt_source *source, const bt_replay_options *options,
                            const bt_given_trace *traces, size_t count, bt_judge_sink judged, void *context,
                            bt_error *error) {
  linking l = {judge, traces, judged, context};
  bt_replay_request request = {.rules = judge->definitions,
                               .rule_count = judge->count,
                               .assumptions = options->assumptions,
                               .tenant = options->tenant,
                               .cancel = bt_replay_interrupt(),
                               .priority = BT_PRIORITY_PEOPLE};
  return bt_given_families_gather(source, &request, traces, count, judge_family, &l, NULL, error);
}

bt_status bt_read_by_id(bt_source *source, const bt_replay_options *options, const bt_trace_id *ids, size_t count,
                        bt_read_sink sink, void *context, bt_error *error) {
  bt_source_account account = {0};
  bt_read_request request = {.ids = ids,
                             .count = count,
                             .range = {0, bt_clock_wall_ns()},
                             .by_id = true,
                             .tenant = options->tenant,
                             .cancel = bt_replay_interrupt(),
                             .priority = BT_PRIORITY_PEOPLE};
  bt_status status = count ? bt_source_read(source, &request, sink, context, &account, error) : BT_OK;
  bt_source_account_dispose(&account);
  return status;
}
