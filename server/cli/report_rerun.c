/* Judging and replaying again. See report_rerun.h. A trace or a rule counts as different only where what is there now
 * cannot have been there and judged as the report says; what the source has lost since counts as not known. */
#include "server/cli/report_rerun.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/cli/judge.h"

typedef struct chosen {
  size_t rule;
  bt_trace_id trace_id;
  bool was_violated;
  uint64_t key;
} chosen;

void bt_rerun_dispose(bt_rerun *rerun) {
  free(rerun->findings);
  *rerun = (bt_rerun){0};
}

__attribute__((format(printf, 2, 3))) static void say(bt_rerun *rerun, const char *format, ...) {
  bt_rerun_finding *findings =
      bt_grow_array(rerun->findings, rerun->finding_count, &rerun->finding_capacity, sizeof *findings);
  if (!findings) return; /* it is counted all the same */
  rerun->findings = findings;
  va_list list;
  va_start(list, format);
  vsnprintf(findings[rerun->finding_count++].text, sizeof findings->text, format, list);
  va_end(list);
}

/* xorshift64*; a seed of 0 would stay 0. */
static uint64_t next_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545F4914F6CDD1D);
}

/* ---- traces ---- */

static size_t collect_samples(const bt_reported *reported, uint64_t seed, chosen *out) {
  uint64_t state = seed | 1;
  size_t count = 0;
  for (size_t i = 0; i < reported->rule_count; i++) {
    const bt_measured *counts = &reported->rules[i].counts;
    for (size_t k = 0; k < counts->violated_sample.count; k++)
      out[count++] = (chosen){i, counts->violated_sample.items[k].trace_id, true, next_random(&state)};
    for (size_t k = 0; k < counts->satisfied_sample.count; k++)
      out[count++] = (chosen){i, counts->satisfied_sample.items[k].trace_id, false, next_random(&state)};
  }
  return count;
}

static int compare_keys(const void *a, const void *b) {
  const chosen *x = a, *y = b;
  return (x->key > y->key) - (x->key < y->key);
}

typedef struct looking {
  const bt_reported *reported;
  const chosen *item;
  bool is_static, is_found, awaits_links;
  bt_judge *judge;    /* of the item's rule */
  bt_given_trace own; /* where it awaits links */
  bt_rerun *out;
} looking;

static void compare_verdicts(const looking *l, const bt_rule_verdict *now) {
  const chosen *item = l->item;
  const char *id = l->reported->rules[item->rule].rule->fields.id;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&item->trace_id, hex);
  bool is_violated = now->verdict == BT_VIOLATED;
  if (now->verdict == BT_INCONCLUSIVE) {
    l->out->traces_gone++;
    say(l->out, "trace %s, rule %.128s: cannot be decided now (%s)", hex, id, bt_reason_name(now->reason));
  } else if (is_violated != item->was_violated || (!is_violated && now->exercised != BT_TRUE)) {
    l->out->traces_different++;
    say(l->out, "trace %s, rule %.128s: the report says %s, now it is %s", hex, id,
        item->was_violated ? "violated" : "satisfied", bt_verdict_name(now->verdict));
  } else {
    l->out->traces_same++;
  }
}

static bt_status judge_sample(void *context, const bt_read_trace *read, bt_error *error) {
  looking *l = context;
  const bt_rule_verdict *verdict = NULL;
  if (!read->trace) return BT_OK;
  l->is_found = true;
  bt_status status = bt_judge_run(l->judge, read->trace, &verdict, error);
  if (status) return status;
  l->awaits_links = bt_judge_awaits_links(l->judge, verdict);
  l->own = bt_given_trace_of(read->trace);
  if (!l->awaits_links) compare_verdicts(l, verdict);
  return BT_OK;
}

static bt_status judge_linked(void *context, const bt_trace *trace, const bt_family *family,
                              const bt_rule_verdict *verdict, bt_error *error) {
  (void)trace;
  (void)family;
  (void)error;
  compare_verdicts(context, verdict);
  return BT_OK;
}

static bt_status read_and_judge(bt_source *source, const bt_rerun_options *options, looking *l, bt_error *error) {
  const bt_rule_definition *rule = l->reported->rules[l->item->rule].rule;
  bt_replay_options place = *options->place;
  place.assumptions = l->reported->assumptions;
  bt_status status = bt_judge_new(&rule, 1, &place.assumptions, l->is_static, &l->judge, error);
  if (!status) status = bt_read_by_id(source, &place, &l->item->trace_id, 1, judge_sample, l, error);
  if (!status && l->awaits_links)
    status = bt_judge_families(l->judge, source, &place, &l->own, 1, judge_linked, l, error);
  bt_judge_free(l->judge);
  return status;
}

static bt_status look_at(bt_source *source, const bt_rerun_options *options, looking *l, bt_error *error) {
  char hex[BT_TRACE_ID_HEX + 1];
  l->is_found = l->awaits_links = false;
  bt_status status = read_and_judge(source, options, l, error);
  if (status || l->is_found) return status;
  bt_trace_id_format(&l->item->trace_id, hex);
  l->out->traces_gone++;
  say(l->out, "trace %s: the source does not have it (any more)", hex);
  return BT_OK;
}

bt_status bt_rerun_traces(bt_source *source, const bt_reported *reported, const bt_rerun_options *options,
                          bt_rerun *out, bt_error *error) {
  chosen *items = calloc((size_t)2 * BT_SAMPLED_TRACES * reported->rule_count + 1, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  size_t count = collect_samples(reported, options->seed, items);
  qsort(items, count, sizeof *items, compare_keys);
  if (count > options->traces) count = options->traces;
  looking l = {.reported = reported, .is_static = bt_source_known(source).is_static, .out = out};
  bt_status status = BT_OK;
  for (size_t i = 0; i < count && !status; i++) {
    l.item = &items[i];
    status = look_at(source, options, &l, error);
  }
  free(items);
  return status;
}

/* ---- rules ---- */

/* A pass stands on what exercised the rule: where no trace was lost there cannot be fewer of these. */
static bool is_exercised_less(const bt_measured *then, const bt_measured *now) {
  return now->exercised_is_exact && now->exercised < then->exercised;
}

/* Traces that had not ended or could not be decided then may be decided now; that they are violations is no
 * contradiction. */
static void compare_counts(const bt_measured *then, const bt_measured *now, const bt_measurement *all, bt_rerun *out) {
  const char *id = then->rule->fields.id;
  uint64_t most = then->violated + then->going_on + then->inconclusive;
  bool is_more = now->violated > most, is_less = now->violated < then->violated;
  bool has_lost = !all->has_data || all->is_missing || now->evaluated < then->evaluated || now->inconclusive;
  if (is_more || (is_less && !has_lost)) {
    out->rules_different++;
    say(out,
        "rule %.128s: the report says %" PRIu64 " violations in %" PRIu64 " traces, now there are %" PRIu64
        " in %" PRIu64,
        id, then->violated, then->evaluated, now->violated, now->evaluated);
  } else if (!has_lost && is_exercised_less(then, now)) {
    out->rules_different++;
    say(out, "rule %.128s: the report says that %" PRIu64 " traces exercised it, now these are %" PRIu64, id,
        then->exercised, now->exercised);
  } else if (has_lost) {
    out->rules_unknown++;
    say(out, "rule %.128s: cannot be counted again: %" PRIu64 " of the report's %" PRIu64 " traces are there%s%.120s",
        id, now->evaluated, then->evaluated, all->reason[0] ? "; " : "", all->reason);
  } else {
    out->rules_same++;
  }
}

static void show_progress(void *context, const bt_measure_progress *so_far) {
  (void)context;
  bt_replay_show_progress(NULL, so_far->fraction, NULL);
}

static bt_status replay_rule(bt_source *source, const bt_reported *reported, const char *tenant, size_t index,
                             bt_rerun *out, bt_error *error) {
  bt_measure_request request = {.source = source,
                                .range = reported->rules[index].range,
                                .now_ns = bt_clock_wall_ns(),
                                .assumptions = reported->assumptions,
                                .tenant = tenant,
                                .priority = BT_PRIORITY_PEOPLE,
                                .cancel = bt_replay_interrupt(),
                                .progress = show_progress};
  bt_measured now = {.rule = reported->rules[index].rule, .is_evaluated = true};
  bt_measurement all = {0};
  bt_status status = bt_measure(&request, &now, 1, &all, error);
  bt_replay_clear_progress();
  if (!status) compare_counts(&reported->rules[index].counts, &now, &all, out);
  bt_measurement_dispose(&all);
  return status;
}

/* Nothing can be replayed, and so nothing is known of the rule: else a forger would say that of his report. */
static void say_unsettled(const bt_reported_rule *rule, bt_rerun *out) {
  out->rules_unknown++;
  say(out, "rule %.128s: the report says that nothing of its range was settled: it cannot be counted again",
      rule->rule->fields.id);
}

bt_status bt_rerun_rules(bt_source *source, const bt_reported *reported, const bt_rerun_options *options, bt_rerun *out,
                         bt_error *error) {
  uint64_t state = options->seed | 1;
  size_t *order = calloc(reported->rule_count + 1, sizeof *order);
  bt_status status = BT_OK;
  if (!order) return bt_error_no_memory(error);
  for (size_t i = 0; i < reported->rule_count; i++) order[i] = i;
  for (size_t i = 0; i < reported->rule_count && i < options->rules && !status; i++) {
    size_t other = i + (size_t)(next_random(&state) % (reported->rule_count - i)), taken = order[other];
    const bt_reported_rule *rule = &reported->rules[taken];
    order[other] = order[i];
    if (rule->range.start_ns < rule->range.end_ns)
      status = replay_rule(source, reported, options->place->tenant, taken, out, error);
    else
      say_unsettled(rule, out);
  }
  free(order);
  return status;
}
