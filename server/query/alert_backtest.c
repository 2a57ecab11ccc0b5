/* From counts of steps to series, and from these to pages. See alert_backtest.h. */
#include "server/query/alert_backtest.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/rule/rule_walk.h"
#include "server/base/clock.h"

#define JOB       ((bt_label){BT_STR("job"), BT_STR("betrace")})
#define EXERCISED "betrace_exercised_total"
#define INSTANCE  ((bt_label){BT_STR("instance"), BT_STR("betrace:8080")})
enum { MOST_LABELS = 8, ASSUMED_SERIES = 8 /* and when the last trace was seen */ };

const char *const bt_assumed_metrics =
    "up betrace_watch_lag_seconds betrace_watch_gap_seconds betrace_watch_lost_seconds "
    "betrace_watch_rules_refused betrace_watch_traces_unread_total betrace_rule_sample_differences_total";

void bt_alert_backtest_init(bt_alert_backtest *out) {
  *out = (bt_alert_backtest){0};
  bt_backtest_init(&out->backtest);
}

void bt_alert_backtest_dispose(bt_alert_backtest *a) {
  bt_backtest_dispose(&a->backtest);
  bt_counted_steps_dispose(&a->steps);
  free(a->rules);
  free(a->alerts);
  bt_memory_hold_shrink(&a->hold, 0);
}

/* ---- series ---- */

typedef struct feeding {
  bt_alert_backtest *all;
  const char *tenant;
  bt_error *error;
} feeding;

static int64_t end_of(const bt_counted_steps *steps, size_t index) {
  return (steps->first_step + (int64_t)index + 1) * steps->step_ns / 1000000;
}

static bt_status begin_series(const feeding *f, const char *name, const bt_rule_definition *rule,
                              bt_series_origin origin, size_t *input) {
  bt_label labels[MOST_LABELS] = {{BT_METRIC_NAME, bt_str_from(name)}, JOB, INSTANCE};
  size_t count = 3;
  if (f->tenant) labels[count++] = (bt_label){BT_STR("tenant"), bt_str_from(f->tenant)};
  if (rule) {
    labels[count++] = (bt_label){BT_STR("rule_id"), bt_str_from(rule->fields.id)};
    labels[count++] = (bt_label){BT_STR("severity"), bt_str_from(bt_severity_name(rule->fields.severity))};
  }
  *input = bt_backtest_add_series(&f->all->backtest, labels, count, origin);
  return *input == UINT32_MAX ? bt_error_no_memory(f->error) : BT_OK;
}

/* A counter stands at 0 before its first step. What a gap had is in no later sample: the counter goes on from what is
 * known. */
static bt_status feed_counter(const feeding *f, size_t rule, bool is_exercised) {
  bt_alert_backtest *a = f->all;
  const bt_counted_rule *counted = &a->rules[rule];
  const char *name = is_exercised ? EXERCISED : "betrace_violations_total";
  size_t input;
  uint64_t total = 0;
  bt_status status = begin_series(f, name, counted->rule, BT_SERIES_COUNTED, &input);
  bool is_there = !is_exercised || counted->has_exercised; /* else it is one gap */
  if (!status && is_there) status = bt_backtest_add_sample(&a->backtest, input, a->backtest.start_ms, 0, f->error);
  for (size_t i = 0; i < bt_counted_steps_count(&a->steps) && !status; i++) {
    const bt_step_count *step = bt_counted_step(&a->steps, rule, i);
    bool is_known = bt_counted_step_is_known(step) && (!is_exercised || step->has_exercised);
    int64_t time_ms = end_of(&a->steps, i);
    if (is_known) total += is_exercised ? step->exercised : step->violations;
    status = is_known ? bt_backtest_add_sample(&a->backtest, input, time_ms, (double)total, f->error)
                      : bt_backtest_add_gap(&a->backtest, input, time_ms, f->error);
  }
  return status;
}

/* When the store last had a trace: a range that begins without one is taken to begin right after one. */
static bt_status feed_last_trace(const feeding *f) {
  bt_alert_backtest *a = f->all;
  size_t input;
  double seen_s = (double)a->backtest.start_ms / 1000;
  bt_status status = begin_series(f, "betrace_watch_last_trace_timestamp_seconds", NULL, BT_SERIES_COUNTED, &input);
  if (!status) status = bt_backtest_add_sample(&a->backtest, input, a->backtest.start_ms, seen_s, f->error);
  for (size_t i = 0; i < bt_counted_steps_count(&a->steps) && !status; i++) {
    const bt_step_count *step = bt_counted_step(&a->steps, 0, i);
    int64_t time_ms = end_of(&a->steps, i);
    if (!step->is_empty) seen_s = (double)time_ms / 1000;
    status = step->is_read ? bt_backtest_add_sample(&a->backtest, input, time_ms, seen_s, f->error)
                           : bt_backtest_add_gap(&a->backtest, input, time_ms, f->error);
  }
  return status;
}

static bt_status feed_constant(const feeding *f, const char *name, double value) {
  bt_alert_backtest *a = f->all;
  size_t input;
  bt_status status = begin_series(f, name, NULL, BT_SERIES_ASSUMED, &input);
  if (!status) status = bt_backtest_add_sample(&a->backtest, input, a->backtest.start_ms, value, f->error);
  for (size_t i = 0; i < bt_counted_steps_count(&a->steps) && !status; i++)
    status = bt_backtest_add_sample(&a->backtest, input, end_of(&a->steps, i), value, f->error);
  return status;
}

static bt_status feed_assumed(const feeding *f, double lag_s) {
  char name[80];
  bt_status status = BT_OK;
  for (const char *at = bt_assumed_metrics; *at && !status;) {
    size_t length = strcspn(at, " ");
    memcpy(name, at, length);
    name[length] = '\0';
    double value = strcmp(name, "up") == 0 ? 1 : strcmp(name, "betrace_watch_lag_seconds") == 0 ? lag_s : 0;
    status = feed_constant(f, name, value);
    at += length + (at[length] == ' ');
  }
  return status;
}

static void add_up(bt_alert_backtest *a, size_t rule) {
  bt_counted_rule *counted = &a->rules[rule];
  for (size_t i = 0; i < bt_counted_steps_count(&a->steps); i++) {
    const bt_step_count *step = bt_counted_step(&a->steps, rule, i);
    if (!bt_counted_step_is_known(step)) {
      counted->unknown++;
      continue;
    }
    counted->violations += step->violations;
    counted->has_exercised = counted->has_exercised || step->has_exercised;
    if (step->has_exercised) counted->exercised += step->exercised;
  }
}

static bt_status feed_all(const feeding *f, const bt_replay_request *asked) {
  bt_alert_backtest *a = f->all;
  bt_status status = BT_OK;
  a->rules = calloc(asked->rule_count + 1, sizeof *a->rules);
  if (!a->rules) return bt_error_no_memory(f->error);
  for (size_t i = 0; i < asked->rule_count && !status; i++) {
    a->rules[a->rule_count++].rule = asked->rules[i];
    add_up(a, i);
    status = feed_counter(f, i, false);
    if (!status) status = feed_counter(f, i, true);
  }
  if (!status) status = feed_last_trace(f);
  return status ? status : feed_assumed(f, (double)bt_assumptions_decided_ns(&asked->assumptions) / 1e9);
}

/* ---- all of it ---- */

bt_time_range bt_alert_backtest_range(bt_source *source, const bt_replay_request *asked, bool has_end,
                                      int64_t step_ns) {
  bt_time_range range = asked->range;
  int64_t decided_ns = bt_decided_until_ns(source, asked);
  if (decided_ns < range.end_ns) range.end_ns = decided_ns;
  if (decided_ns == INT64_MAX && !has_end) range.end_ns += step_ns;
  return (bt_time_range){range.start_ns / step_ns * step_ns, range.end_ns / step_ns * step_ns};
}

/* Of each series a sample a step: two counters of each rule, what is assumed, and what alerts and records write, of
 * which some write none and some write several. */
static bt_status take_room(bt_alert_backtest *a, const bt_replay_request *asked, bt_error *error) {
  const size_t sample_bytes = sizeof(int64_t) + sizeof(double) + sizeof(uint32_t);
  size_t series = 2 * asked->rule_count + ASSUMED_SERIES + 2 * a->backtest.rules.count;
  a->hold = (bt_memory_hold){asked->memory, BT_MEMORY_SERIES, 0};
  if (bt_memory_hold_set(&a->hold, (bt_counted_steps_count(&a->steps) + 1) * series * sample_bytes)) return BT_OK;
  return bt_error_set(error, BT_LIMIT, "there is no room for %zu series of %zu steps in --memory-limit", series,
                      bt_counted_steps_count(&a->steps));
}

bt_status bt_alert_backtest_run(bt_source *source, const bt_replay_request *asked, int64_t step_ns,
                                const bt_page_limits *limits, const bt_alert_backtest_progress *progress,
                                bt_alert_backtest *out, bt_error *error) {
  feeding f = {out, asked->tenant, error};
  bt_replay_request counted = *asked;
  bool needs_exercised = bt_alert_rules_look_at(&out->backtest.rules, BT_STR(EXERCISED));
  counted.count = needs_exercised ? BT_COUNT_EXACT : BT_COUNT_AUTO;
  bt_status status = bt_counted_steps_find(source, &counted, step_ns, progress->counting, &out->steps, error);
  if (status) return status;
  int64_t began_ns = bt_clock_monotonic_ns();
  out->backtest.start_ms = out->steps.first_step * (step_ns / 1000000);
  out->backtest.end_ms = out->steps.end_step * (step_ns / 1000000);
  out->backtest.interval_ms = step_ns / 1000000;
  out->backtest.lacking_ms = (int64_t)out->steps.lacking * (step_ns / 1000000);
  out->backtest.cancel = progress->cancel;
  status = take_room(out, asked, error);
  if (!status) status = feed_all(&f, asked);
  if (!status) status = bt_backtest_run(&out->backtest, progress->evaluating, NULL, error);
  if (!status) status = bt_backtest_summarize(&out->backtest, limits, &out->alerts, &out->alert_count, error);
  out->evaluating_ns = bt_clock_monotonic_ns() - began_ns;
  return status;
}

int64_t bt_alert_unknown_ms(const bt_alert_backtest *a, const bt_alert_summary *alert) {
  const bt_time_gaps *gaps = &a->backtest.outcomes[alert->rule].unknown;
  int64_t sum_ms = 0, step_ms = a->steps.step_ns / 1000000;
  for (size_t i = 0; i < gaps->count; i++) sum_ms += gaps->items[i].end_ms - gaps->items[i].start_ms + step_ms;
  return sum_ms < a->backtest.end_ms - a->backtest.start_ms ? sum_ms : a->backtest.end_ms - a->backtest.start_ms;
}

bool bt_alert_backtest_lacks(const bt_alert_backtest *a) {
  for (size_t i = 0; i < a->alert_count; i++) {
    const bt_rule_outcome *outcome = &a->backtest.outcomes[a->alerts[i].rule];
    if (outcome->failures || outcome->unknown.count || bt_rule_outcome_lacks(outcome)) return true;
  }
  for (size_t i = 0; i < a->rule_count; i++)
    if (a->rules[i].unknown) return true;
  return a->steps.is_redacted;
}

bt_alert_ending bt_alert_backtest_judge(const bt_alert_backtest *a) {
  for (size_t i = 0; i < a->alert_count; i++)
    if (a->alerts[i].is_too_often) return BT_ALERTS_TOO_OFTEN;
  return bt_alert_backtest_lacks(a) ? BT_ALERTS_UNKNOWN : BT_ALERTS_SELDOM;
}

bt_status bt_alert_backtest_words(bt_source *source, const bt_replay_request *asked, const bt_alert_backtest *a,
                                  bt_rule_words *out, bt_error *error) {
  bt_exercise *exercises = calloc(a->rule_count + 1, sizeof *exercises);
  bool *are_clean = calloc(a->rule_count + 1, sizeof *are_clean);
  for (size_t i = 0; exercises && are_clean && i < a->rule_count; i++) {
    const bt_counted_rule *rule = &a->rules[i];
    bool is_whole = rule->has_exercised && !rule->unknown;
    bool is_exercised = rule->exercised || bt_rule_is_exercised_by_all(rule->rule->rule);
    exercises[i] = is_whole && !is_exercised ? BT_NOT_EXERCISED : BT_EXERCISED;
    are_clean[i] = is_whole && is_exercised && !rule->violations;
  }
  bool is_made = exercises && are_clean;
  if (is_made) bt_rule_words_find(source, asked, exercises, are_clean, out);
  free(exercises);
  free(are_clean);
  return is_made ? BT_OK : bt_error_no_memory(error);
}
