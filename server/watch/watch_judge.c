/* The judge. See watch_judge.h. */
#include "server/watch/watch_judge.h"

#include "dsl/trace/keeping.h"
#include "server/base/eval_limit.h"
#include "server/watch/watch_due_times.h"

static void set_options(const bt_watch_round *round, const bt_watch_read *read) {
  const bt_watch_rules *rules = round->rules;
  const bt_trace *trace = read->trace;
  bool is_sampled = bt_keeping_may_lack(trace, 0);
  for (size_t i = 0; i < rules->count; i++) {
    const bt_watch_rule *rule = &rules->items[i];
    rules->options[i].sampled = is_sampled;
    rules->options[i].incomplete = trace->partial || read->lacks_shown ||
                                   !bt_watch_has_settled(round, trace, rule->settle_ns) ||
                                   (rule->require_complete && trace->missing_parents);
  }
}

static bt_status evaluate_trace(const bt_watch_round *round, const bt_watch_read *read,
                                const bt_rule_verdict **verdicts, bt_error *error) {
  const bt_watch_rules *rules = round->rules;
  bt_eval_limit limit = {.cancel = round->cancel, .most_cpu_ns = round->options->most_cpu_ns};
  set_options(round, read);
  return read->family
             ? bt_eval_run_family_within(&limit, rules->evaluator, read->family, rules->options, verdicts, error)
             : bt_eval_run_within(&limit, rules->evaluator, read->trace, rules->options, verdicts, error);
}

static const bt_watch_rule *find_unreached(const bt_watch_rules *rules, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < rules->count; i++)
    if (verdicts[i].verdict == BT_INCONCLUSIVE && verdicts[i].reason == BT_REASON_BUDGET) return &rules->items[i];
  return NULL;
}

/* Whether what a batch says of this rule is not enough: for a violation that rests on absence and is not known yet, and
 * for one that is known and is none here. */
static bt_status rule_needs_id(const bt_watch_outbox *outbox, const bt_watch_rule *rule, const bt_trace *trace,
                               const bt_rule_verdict *verdict, const bt_watched *watched, bool *out, bt_error *error) {
  bt_open *open = NULL;
  if (rule->definition->fields.shadow) return BT_OK;
  *out = rule->whole_trace && watched->is_of_whole; /* what no filter of such a rule has found does not violate it */
  bool shows_absence = !rule->whole_trace && verdict->verdict == BT_VIOLATED && rule->rests_on_absence;
  if (*out || (!rule->whole_trace && !shows_absence && !bt_watch_is_undone(verdict))) return BT_OK;
  bt_status status = bt_watch_outbox_find(outbox, rule->definition, &trace->id, &open, error);
  bool is_open = open && open->state <= BT_OPEN_EMITTED && !open->retract_next; /* told, and not taken back */
  *out = is_open != shows_absence;
  return status;
}

/* Of a long trace a batch may lack the beginning. What is new lies with ingesters, and of copies a batch gives what one
 * of them has. */
static bt_status needs_id(const bt_watch_round *round, const bt_watch_outbox *outbox, const bt_watch_read *read,
                          const bt_rule_verdict *verdicts, const bt_watched *watched, bool *out, bt_error *error) {
  const bt_watch_rule *rules = round->rules->items;
  bt_status status = BT_OK;
  int64_t length_ns = bt_trace_latest_start_ns(read->trace) - bt_trace_start_ns(read->trace);
  bool is_long = length_ns > round->rules->longest_margin_ns;
  *out = !read->is_final && (is_long || bt_source_known(round->options->source).has_copies);
  for (size_t i = 0; !read->is_final && status == BT_OK && !*out && i < round->rules->count; i++)
    if (rules[i].whole_trace || bt_watch_read_is_for(read, &rules[i]))
      status = rule_needs_id(outbox, &rules[i], read->trace, &verdicts[i], watched, out, error);
  return status;
}

/* Without a family, what links may decide is left to that. */
bt_status bt_watch_judge(const bt_watch_round *round, const bt_watch_outbox *outbox, const bt_watch_read *read,
                         const bt_watched *watched, bt_watch_judged *out, bt_error *error) {
  *out = (bt_watch_judged){.fate = BT_JUDGED_EARLY};
  if (!bt_watch_has_settled(round, read->trace, round->times->settle_ns) && !bt_watched_has_waited_long(round, watched))
    return BT_OK;
  bt_status status = evaluate_trace(round, read, &out->verdicts, &out->why);
  out->fate = BT_JUDGED_FAILED;
  if (status == BT_LIMIT) return BT_OK;
  if (status != BT_OK) return bt_error_set(error, status, "%s", out->why.message);
  out->fate = BT_JUDGED_AWAITS_LINKS;
  if (!read->family && bt_watch_read_is_last(read, round->rules) &&
      bt_watch_awaits_links(round, read->trace, out->verdicts))
    return BT_OK;
  bool by_id;
  out->unreached = find_unreached(round->rules, out->verdicts);
  status = needs_id(round, outbox, read, out->verdicts, watched, &by_id, error);
  out->fate = by_id ? BT_JUDGED_NEEDS_ID : BT_JUDGED_DECIDED;
  return status;
}
