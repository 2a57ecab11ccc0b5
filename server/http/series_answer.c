/* Waiting for counts and writing them. See series_answer.h. The document is made as a whole when all is known or the
 * time is over, and handed out in pieces. */
#include "server/http/series_answer.h"

#include <stdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"
#include "server/http/answer_parts.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/query/shares.h"
#include "server/replay/sampled_text.h"

typedef struct answer {
  bt_call *call; /* which it is part of */
  bt_series_ask *ask;
  bt_series_answer_options options;
  const bt_rule_definition **rules; /* one reference each */
  size_t rule_count;
  char *unchecked;
  bt_patience patience;
  bool has_data; /* some counted step is not empty */
  bt_buffer text;
  size_t given; /* bytes */
} answer;

static void free_answer(void *context) {
  answer *a = context;
  bt_series_close(a->ask);
  for (size_t i = 0; i < a->rule_count; i++) bt_rule_definition_unref(a->rules[i]);
  free(a->rules);
  free(a->unchecked);
  bt_buffer_dispose(&a->text);
  free(a);
}

/* Takes the ask in every case. */
static answer *new_answer(bt_call *call, bt_series_ask *ask, const bt_series_answer_options *options) {
  answer *a = calloc(1, sizeof *a);
  if (!a) {
    bt_series_close(ask);
    return NULL;
  }
  a->call = call;
  a->ask = ask;
  a->options = *options;
  a->patience = bt_patience_begin(options->timeout_ns, options->cancel);
  a->unchecked = options->unchecked ? strdup(options->unchecked) : NULL;
  a->rules = calloc(options->question.rule_count, sizeof *a->rules);
  if (a->rules && (a->unchecked || !options->unchecked)) {
    for (; a->rule_count < options->question.rule_count; a->rule_count++)
      a->rules[a->rule_count] = bt_rule_definition_ref(options->question.rules[a->rule_count]);
    return a;
  }
  free_answer(a);
  return NULL;
}

static size_t steps_of(const answer *a) {
  return (size_t)(a->options.question.end_step - a->options.question.first_step);
}

static int64_t step_start(const answer *a, size_t index) {
  return (a->options.question.first_step + (int64_t)index) * a->options.question.step_ns;
}

/* ---- what is covered ---- */

typedef struct step_view { /* of all rules together */
  bool is_failed, is_waiting, is_undecided, is_young, is_counted, is_empty, is_provisional;
  bool has_trace; /* by what any of them was told */
} step_view;

static step_view view_step(const answer *a, size_t index) {
  step_view view = {.is_counted = true, .is_empty = true};
  for (size_t rule = 0; rule < a->rule_count; rule++) {
    bt_step_count count;
    bt_step_state state = bt_series_step(a->ask, rule, index, &count);
    view.is_failed |= state == BT_STEP_FAILED;
    view.is_waiting |= state == BT_STEP_WAITING;
    view.is_undecided |= state == BT_STEP_UNDECIDED;
    view.is_young |= state == BT_STEP_UNSETTLED && count.is_young;
    view.is_counted &= state == BT_STEP_COUNTED;
    view.is_empty &= state == BT_STEP_COUNTED && count.is_empty;
    view.is_provisional |= state == BT_STEP_COUNTED && count.is_provisional;
    view.has_trace |= state == BT_STEP_COUNTED && !count.is_empty;
  }
  return view;
}

/* Appends the step, or makes the last window longer where it goes on. False: no memory. */
static bool add_window(bt_time_range **windows, size_t *count, bt_time_range step) {
  if (*count && (*windows)[*count - 1].end_ns == step.start_ns) {
    (*windows)[*count - 1].end_ns = step.end_ns;
    return true;
  }
  bt_time_range *grown = bt_realloc_array(*windows, *count + 1, sizeof *grown);
  if (!grown) return false;
  *windows = grown;
  grown[(*count)++] = step;
  return true;
}

static bool add_failed(bt_coverage *coverage, bt_time_range step, const char *reason) {
  bt_failed_window *failed = coverage->windows_failed;
  size_t count = coverage->windows_failed_count;
  bool goes_on =
      count && failed[count - 1].range.end_ns == step.start_ns && strcmp(failed[count - 1].reason, reason) == 0;
  if (goes_on) {
    failed[count - 1].range.end_ns = step.end_ns;
    return true;
  }
  failed = bt_realloc_array(failed, count + 1, sizeof *failed);
  if (!failed) return false;
  coverage->windows_failed = failed;
  failed[count] = (bt_failed_window){.range = step};
  snprintf(failed[count].reason, sizeof failed[count].reason, "%s", reason);
  coverage->windows_failed_count++;
  return true;
}

static const char undecided_step[] =
    "inconclusive: it could not be decided whether a trace of this step violates a rule";

/* Steps come in order of time. What lies before the first one with a trace has to be known to have none. */
static void note_data(answer *a, bt_coverage *coverage, int64_t start_ns) {
  bool is_known = !coverage->windows_failed_count;
  if (!a->has_data && is_known) {
    coverage->has_data_from = true;
    coverage->data_from_ns = start_ns;
  }
  a->has_data = true;
}

static bool cover_step(answer *a, size_t index, bt_coverage *coverage, const char *why) {
  bt_time_range step = {bt_time_later(step_start(a, index), a->options.asked.start_ns), step_start(a, index + 1)};
  step_view view = view_step(a, index);
  if (view.is_provisional && !coverage->provisional_from_ns) coverage->provisional_from_ns = step.start_ns;
  if (view.is_waiting) return add_failed(coverage, step, "not evaluated yet: ask again");
  if (view.is_failed) return add_failed(coverage, step, why);
  if (view.is_undecided || view.is_young || view.has_trace) note_data(a, coverage, step.start_ns);
  if (view.is_young && step.start_ns < coverage->effective_end_ns) coverage->effective_end_ns = step.start_ns;
  if (view.is_undecided) return add_failed(coverage, step, undecided_step);
  if (view.is_empty) return add_window(&coverage->windows_empty, &coverage->windows_empty_count, step);
  return true;
}

static int64_t effective_end(const answer *a) {
  int64_t settle_ns = 0;
  for (size_t i = 0; i < a->rule_count; i++) {
    int64_t own_ns = bt_assumptions_of(&a->options.assumptions, a->rules[i]).settle_ns;
    if (own_ns > settle_ns) settle_ns = own_ns;
  }
  int64_t settled_ns = bt_time_subtract(a->options.question.now_ns, settle_ns);
  return a->options.is_static || settled_ns > a->options.asked.end_ns ? a->options.asked.end_ns : settled_ns;
}

/* Steps that were counted earlier may be of other probabilities than what was read last. */
static void widen_sampling(const answer *a, bt_sampled_traces *sampling) {
  for (size_t rule = 0; rule < a->rule_count; rule++)
    for (size_t i = 0; i < steps_of(a); i++) {
      bt_step_count count;
      if (bt_series_step(a->ask, rule, i, &count) != BT_STEP_COUNTED || count.kept_least <= 0) continue;
      bt_kept_traces_add(&sampling->kept, &(bt_kept_trace){.kind = BT_KEEPING_ONE, .probability = count.kept_least}, 0);
      bt_kept_traces_add(&sampling->kept, &(bt_kept_trace){.kind = BT_KEEPING_ONE, .probability = count.kept_most}, 0);
    }
}

static bool fill_coverage(answer *a, bt_coverage *coverage) {
  char reason[240], why[240];
  bt_series_reason(a->ask, reason);
  snprintf(why, sizeof why, "%.190s", reason[0] ? reason : "it could not be read in full a moment ago");
  coverage->asked = a->options.asked;
  coverage->effective_end_ns = effective_end(a);
  coverage->assumptions = a->options.assumptions;
  coverage->source = a->options.source;
  bt_coverage_add_losses(coverage, &a->options.losses, a->options.question.now_ns);
  bt_series_sampling(a->ask, &coverage->sampling);
  widen_sampling(a, &coverage->sampling);
  for (size_t i = 0; i < steps_of(a); i++)
    if (!cover_step(a, i, coverage, why)) return false;
  return !a->unchecked || add_failed(coverage, a->options.asked, a->unchecked);
}

static bool names_undecided_only(const bt_coverage *coverage) {
  for (size_t i = 0; i < coverage->windows_failed_count; i++)
    if (strcmp(coverage->windows_failed[i].reason, undecided_step) != 0) return false;
  return coverage->windows_failed_count;
}

static const char *reason_of(const answer *a, const bt_coverage *coverage) {
  if (a->unchecked) return a->unchecked;
  for (size_t i = 0; i < coverage->windows_failed_count; i++)
    if (strncmp(coverage->windows_failed[i].reason, "not evaluated", 13) == 0)
      return "not_evaluated: some steps are not evaluated yet; ask again";
  if (names_undecided_only(coverage))
    return "inconclusive: it could not be decided whether traces of some steps violate a rule; those steps are null";
  if (coverage->windows_failed_count) return "windows_failed: some steps could not be read in full";
  if (coverage->windows_empty_count && !a->has_data)
    return "no_data: the source has no trace in this range; a wrong tenant, an outage and a passed retention look the "
           "same";
  if (!a->has_data) return "unsettled: no step lies wholly before effective_end";
  return NULL;
}

/* ---- points ---- */

/* null: not looked at in full, or no trace was there to look at. A ratio is one of exercised traces: where there was
 * none, there is no ratio. */
static json_t *value_json(const answer *a, bt_step_state state, const bt_step_count *count) {
  bool is_known = state == BT_STEP_COUNTED && !count->is_empty;
  if (is_known && a->options.value == BT_SERIES_COUNT) return json_integer((json_int_t)count->violations);
  if (!is_known || !count->has_exercised) return json_null();
  if (a->options.value == BT_SERIES_EXERCISED) return json_integer((json_int_t)count->exercised);
  return count->exercised ? json_real((double)count->violations / (double)count->exercised) : json_null();
}

static json_t *points_json(const answer *a, size_t rule) {
  json_t *points = json_array();
  for (size_t i = 0; i < steps_of(a); i++) {
    bt_step_count count;
    char time[40];
    bt_step_state state = bt_series_step(a->ask, rule, i, &count);
    bt_time_format(step_start(a, i), time);
    bt_json_append(points, json_pack("[s, o]", time, value_json(a, state, &count)));
  }
  return points;
}

/* ---- what points stand for where traces were sampled ---- */

static bool seen_at(const answer *a, size_t rule, size_t index, bt_step_count *count, uint64_t *seen) {
  bt_step_state state = bt_series_step(a->ask, rule, index, count);
  if (state != BT_STEP_COUNTED || count->is_empty) return false;
  *seen = a->options.value == BT_SERIES_EXERCISED ? count->exercised : count->violations;
  return a->options.value == BT_SERIES_COUNT || count->has_exercised;
}

/* By what was read when the step was counted; else by what was read last. */
static json_t *bounds_json(const answer *a, size_t rule, size_t index, const bt_sampled_traces *sampling) {
  bt_step_count count;
  uint64_t seen = 0;
  double least = 0, most = 0;
  if (!seen_at(a, rule, index, &count, &seen)) return json_pack("{s:n, s:n}", "low", "high");
  if (count.kept_least > 0)
    least = count.kept_least, most = count.kept_most;
  else if (!bt_sampled_traces_chance(sampling, &least, &most))
    return json_pack("{s:o, s:n}", "low", bt_count_json(seen), "high");
  bt_estimate estimate = bt_estimate_within(least, most, seen);
  return json_pack("{s:o, s:o}", "low", bt_count_json(estimate.low), "high",
                   estimate.high == UINT64_MAX ? json_null() : bt_count_json(estimate.high));
}

typedef struct step_sum {
  size_t unknown;      /* steps, of all */
  uint64_t seen;       /* in the others */
  bt_kept_traces kept; /* of steps of one probability */
} step_sum;

static step_sum sum_steps(const answer *a, size_t rule) {
  step_sum sum = {.unknown = 0};
  for (size_t i = 0; i < steps_of(a); i++) {
    bt_step_count count;
    uint64_t seen = 0;
    if (!seen_at(a, rule, i, &count, &seen)) {
      sum.unknown += bt_series_step(a->ask, rule, i, &count) != BT_STEP_COUNTED || !count.is_empty;
      continue;
    }
    sum.seen += seen;
    bt_kept_trace kept = {.kind = BT_KEEPING_ONE, .probability = count.kept_least};
    if (seen && count.kept_least > 0 && count.kept_least >= count.kept_most) bt_kept_traces_add(&sum.kept, &kept, seen);
  }
  return sum;
}

/* Of all that exercised the rule, from how each step's traces were kept. */
typedef struct step_ratio {
  uint64_t violated, exercised;
  double least, most;
  bt_share_stratum strata[BT_KEPT_PROBABILITIES];
  size_t count;
  bool is_bounded, are_one_each; /* how the traces of each step were kept is known; by one probability each */
} step_ratio;

static void add_stratum(step_ratio *to, double p, uint64_t violated, uint64_t exercised) {
  size_t i = 0;
  while (i < to->count && to->strata[i].p != p) i++;
  if (i == BT_KEPT_PROBABILITIES) {
    to->are_one_each = false;
    return;
  }
  if (i == to->count) to->strata[to->count++] = (bt_share_stratum){.p = p};
  to->strata[i].violated += violated;
  to->strata[i].exercised += exercised;
}

static void add_step(step_ratio *to, const bt_step_count *count, const bt_sampled_traces *sampling) {
  double least = count->kept_least, most = count->kept_most;
  to->violated += count->violations;
  to->exercised += count->exercised;
  if (least <= 0) to->is_bounded = bt_sampled_traces_chance(sampling, &least, &most) && to->is_bounded;
  to->least = fmin(to->least, least);
  to->most = fmax(to->most, most);
  to->are_one_each = to->are_one_each && least >= most;
  if (least >= most) add_stratum(to, least, count->violations, count->exercised);
}

/* A probability that the range shows counts, too: so many traces may be hidden behind it. */
static step_ratio sum_ratio(const answer *a, size_t rule, const bt_sampled_traces *sampling) {
  double least, most;
  step_ratio sum = {.least = 1, .is_bounded = bt_sampled_traces_chance(sampling, &least, &most), .are_one_each = true};
  for (size_t i = 0; i < steps_of(a); i++) {
    bt_step_count count;
    bool is_counted = bt_series_step(a->ask, rule, i, &count) == BT_STEP_COUNTED && !count.is_empty;
    if (is_counted && count.has_exercised) add_step(&sum, &count, sampling);
  }
  if (!sum.is_bounded) return sum;
  for (size_t i = 0; i < sampling->kept.by_count; i++) add_stratum(&sum, sampling->kept.by[i].probability, 0, 0);
  sum.least = fmin(sum.least, least);
  sum.most = fmax(sum.most, most);
  return sum;
}

static void say_ratio(const answer *a, size_t rule, const bt_sampled_traces *sampling, bt_buffer *out) {
  step_ratio sum = sum_ratio(a, rule, sampling);
  bool is_weighted = sum.is_bounded && sum.are_one_each && !sampling->kept.between;
  bt_share_basis basis = bt_share_basis_of(sampling);
  if (is_weighted && sum.count > 1) basis = BT_SHARE_WEIGHTED;
  bt_share_say(sampling, basis, out);
  if (!sum.is_bounded || !sum.exercised) return;
  bt_kept_share share = is_weighted ? bt_kept_share_weighted(sum.strata, sum.count)
                                    : bt_kept_share_within(sum.least, sum.most, sum.violated, sum.exercised);
  bt_buffer_printf(out, "; of all that exercised the rule %.3g to %.3g %% violate it (95 %%)", share.interval.low * 100,
                   share.interval.high * 100);
}

/* Where some points are not known, of the others. */
static void say_series(const answer *a, size_t rule, const bt_sampled_traces *sampling, const step_sum *sum,
                       bt_buffer *out) {
  size_t steps = steps_of(a);
  bool has_any = sum->unknown < steps;
  if (a->options.value == BT_SERIES_RATIO)
    say_ratio(a, rule, sampling, out);
  else if (has_any)
    bt_sampled_say_count(sampling, &sum->kept, sum->seen, out);
  else
    bt_sampled_say_range(sampling, out);
  if (sum->unknown && has_any && out->len)
    bt_buffer_printf(out, "; this is of the %zu of %zu points that are known", steps - sum->unknown, steps);
}

static json_t *estimated_json(const answer *a, size_t rule, const bt_sampled_traces *sampling) {
  bt_buffer said = {0};
  step_sum sum = sum_steps(a, rule);
  say_series(a, rule, sampling, &sum, &said);
  json_t *object = said.failed ? NULL : json_pack("{s:o}", "text", bt_text_json(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
  if (!object || a->options.value == BT_SERIES_RATIO) return object;
  json_t *of_sum = sum.unknown < steps_of(a) ? bt_estimate_json(sampling, &sum.kept, sum.seen) : json_null();
  bt_json_set(object, sum.unknown ? "of_known" : "total", of_sum);
  if (sum.unknown) bt_json_set(object, "total", json_null());
  json_t *points = json_array();
  for (size_t i = 0; i < steps_of(a); i++) bt_json_append(points, bounds_json(a, rule, i, sampling));
  bt_json_set(object, "points", points);
  return object;
}

/* Why a rule has no number there although the step was read. */
static json_t *undecided_json(const answer *a, size_t rule) {
  json_int_t undecided = 0, exhausted = 0;
  for (size_t i = 0; i < steps_of(a); i++) {
    bt_step_count count;
    if (bt_series_step(a->ask, rule, i, &count) != BT_STEP_UNDECIDED) continue;
    undecided++;
    exhausted += count.is_exhausted;
  }
  return json_pack("{s:I, s:I}", "steps", undecided, "budget", exhausted);
}

static json_t *series_json(const answer *a, size_t rule, const bt_sampled_traces *sampling) {
  const bt_rule_fields *fields = &a->rules[rule]->fields;
  json_t *series = json_pack("{s:{s:s, s:s, s:s}, s:o, s:o}", "labels", "rule_id", fields->id, "rule", fields->name,
                             "severity", bt_severity_name(fields->severity), "points", points_json(a, rule),
                             "undecided", undecided_json(a, rule));
  if (series && bt_sampled_traces_lack(sampling)) bt_json_set(series, "estimated", estimated_json(a, rule, sampling));
  return series;
}

/* ---- the document ---- */

static json_t *coverage_json(const bt_coverage *coverage) {
  json_t *object = bt_coverage_json(coverage);
  if (!object) return NULL;
  bt_json_set(object, "unsettled", json_null()); /* steps count settled traces only */
  bt_json_set(object, "outside", json_null());
  return object;
}

static void write_document(answer *a) {
  bt_coverage coverage = {0};
  bt_buffer *out = &a->text;
  if (!fill_coverage(a, &coverage)) out->failed = true;
  const char *reason = reason_of(a, &coverage);
  coverage.complete = !reason;
  bt_buffer_append(out, BT_STR("{\"series\":["));
  for (size_t i = 0; i < a->rule_count && !out->failed; i++) {
    if (i) bt_buffer_append_char(out, ',');
    bt_answer_append(out, series_json(a, i, &coverage.sampling));
  }
  bt_answer_end_list(out, json_pack("{s:s?, s:o}", "reason", reason, "coverage", coverage_json(&coverage)));
  bt_coverage_dispose(&coverage);
}

/* All is known, or it is given up. Else the call hears of it. */
static bool may_write(const answer *a) {
  bool is_over = bt_patience_is_over(&a->patience);
  return bt_series_is_known(a->ask, is_over ? NULL : bt_call_wait(a->call)) || is_over;
}

static bt_stream_step next_piece(void *context, bt_buffer *out) {
  answer *a = context;
  if (!a->text.len) {
    if (!may_write(a)) {
      if (bt_call_wait(a->call)) bt_call_leave(a->call, a->patience.until_ns, NULL, NULL);
      return BT_STREAM_WAIT;
    }
    write_document(a);
  }
  size_t left = a->text.len - a->given, piece = left < BT_ANSWER_PIECE ? left : BT_ANSWER_PIECE;
  if (a->text.failed) out->failed = true;
  bt_buffer_append(out, (bt_str){a->text.ptr + a->given, piece});
  a->given += piece;
  return a->given < a->text.len ? BT_STREAM_MORE : BT_STREAM_END;
}

/* What comes soon is answered as a whole, what takes longer is a stream. */
static void answer_or_wait(void *context, bt_call *call) {
  static const bt_stream_operations operations = {next_piece, "\n", free_answer};
  answer *a = context;
  if (may_write(a)) {
    write_document(a);
    bt_answer_text(call, "application/json", &a->text);
    free_answer(a);
  } else if (bt_call_wait(call) && !bt_patience_wants_stream(&a->patience)) {
    bt_call_leave(call, a->patience.first_until_ns, answer_or_wait, a);
  } else {
    bt_call_stream(call, 200, "application/json", &operations, a);
  }
}

void bt_series_answer(bt_call *call, bt_series_ask *ask, const bt_series_answer_options *options) {
  answer *a = new_answer(call, ask, options);
  if (a)
    answer_or_wait(a, call);
  else
    bt_answer_no_room(call);
}
