/* Functions of ranges of time, after Prometheus 2.42. See promql_eval.h. */
#include <math.h>

#include "server/backtest/promql_eval.h"

typedef struct window { /* samples [first, end) of a series, one at least */
  const bt_series_samples *samples;
  size_t first, end;
  int64_t start_ms, end_ms; /* of the range */
} window;

static double value_at(const window *w, size_t index) {
  return w->samples->values[index];
}

/* The last value less the first one, and all that resets took; the sum is made in the order of the samples. */
static double risen_by(const window *w, bool is_counter) {
  const bt_series_samples *s = w->samples;
  double risen = value_at(w, w->end - 1) - value_at(w, w->first);
  if (!is_counter || s->falls[w->end - 1] == s->falls[w->first]) return risen;
  for (size_t i = w->first + 1; i < w->end; i++)
    if (s->values[i] < s->values[i - 1]) risen += s->values[i - 1];
  return risen;
}

/* How far samples that stop before an end of the range stand for what is beyond them. */
static double reach_of(double distance, double mean_step) {
  return distance < mean_step * 1.1 ? distance : mean_step / 2;
}

static bool extrapolate_rise(const window *w, bool is_counter, bool is_rate, double *out) {
  if (w->end - w->first < 2) return false;
  const int64_t *times = w->samples->times_ms;
  double risen = risen_by(w, is_counter), first = value_at(w, w->first);
  double to_start = (double)(times[w->first] - w->start_ms) / 1000;
  double to_end = (double)(w->end_ms - times[w->end - 1]) / 1000;
  double sampled = (double)(times[w->end - 1] - times[w->first]) / 1000;
  double mean_step = sampled / (double)(w->end - w->first - 1);
  if (is_counter && risen > 0 && first >= 0) {
    double to_zero = sampled * (first / risen); /* a counter was never below zero */
    if (to_zero < to_start) to_start = to_zero;
  }
  double reached = sampled + reach_of(to_start, mean_step);
  reached += reach_of(to_end, mean_step);
  double factor = reached / sampled;
  if (is_rate) factor /= (double)(w->end_ms - w->start_ms) / 1000;
  *out = risen * factor;
  return true;
}

static bool last_step(const window *w, bool is_rate, double *out) {
  if (w->end - w->first < 2) return false;
  double last = value_at(w, w->end - 1), before = value_at(w, w->end - 2);
  int64_t passed_ms = w->samples->times_ms[w->end - 1] - w->samples->times_ms[w->end - 2];
  *out = is_rate && last < before ? last : last - before;
  if (is_rate) *out /= (double)passed_ms / 1000;
  return true;
}

static bool rate_of(const window *w, double *out) {
  return extrapolate_rise(w, true, true, out);
}

static bool increase_of(const window *w, double *out) {
  return extrapolate_rise(w, true, false, out);
}

static bool delta_of(const window *w, double *out) {
  return extrapolate_rise(w, false, false, out);
}

static bool irate_of(const window *w, double *out) {
  return last_step(w, true, out);
}

static bool idelta_of(const window *w, double *out) {
  return last_step(w, false, out);
}

static bool changes_of(const window *w, double *out) {
  *out = 0;
  for (size_t i = w->first + 1; i < w->end; i++) {
    double value = value_at(w, i), before = value_at(w, i - 1);
    *out += value != before && !(isnan(value) && isnan(before));
  }
  return true;
}

static bool resets_of(const window *w, double *out) {
  *out = w->samples->falls[w->end - 1] - w->samples->falls[w->first];
  return true;
}

static bool count_of(const window *w, double *out) {
  *out = (double)(w->end - w->first);
  return true;
}

/* Neumaier's: what addition loses is added in the end. */
static void add_exactly(double more, double *sum, double *lost) {
  double next = *sum + more;
  *lost += fabs(*sum) >= fabs(more) ? (*sum - next) + more : (more - next) + *sum;
  *sum = next;
}

static bool sum_of(const window *w, double *out) {
  double sum = 0, lost = 0;
  for (size_t i = w->first; i < w->end; i++) add_exactly(value_at(w, i), &sum, &lost);
  *out = isinf(sum) ? sum : sum + lost;
  return true;
}

static bool mean_of(const window *w, double *out) {
  double mean = 0, lost = 0, count = 0;
  for (size_t i = w->first; i < w->end; i++) {
    double value = value_at(w, i);
    count++;
    if (isinf(mean) && isinf(value) && (mean > 0) == (value > 0)) continue;
    if (isinf(mean) && !isinf(value) && !isnan(value)) continue;
    add_exactly(value / count - mean / count, &mean, &lost);
  }
  *out = isinf(mean) ? mean : mean + lost;
  return true;
}

static bool least_of(const window *w, double *out) {
  *out = value_at(w, w->first);
  for (size_t i = w->first + 1; i < w->end; i++)
    if (value_at(w, i) < *out || isnan(*out)) *out = value_at(w, i);
  return true;
}

static bool most_of(const window *w, double *out) {
  *out = value_at(w, w->first);
  for (size_t i = w->first + 1; i < w->end; i++)
    if (value_at(w, i) > *out || isnan(*out)) *out = value_at(w, i);
  return true;
}

static bool last_of(const window *w, double *out) {
  *out = value_at(w, w->end - 1);
  return true;
}

static bool one_of(const window *w, double *out) {
  (void)w;
  *out = 1;
  return true;
}

/* False: so few samples say nothing. */
typedef bool (*range_function)(const window *w, double *out);
static const range_function range_functions[] = {
    [BT_PROMQL_RATE] = rate_of,      [BT_PROMQL_INCREASE] = increase_of, [BT_PROMQL_DELTA] = delta_of,
    [BT_PROMQL_IRATE] = irate_of,    [BT_PROMQL_IDELTA] = idelta_of,     [BT_PROMQL_CHANGES] = changes_of,
    [BT_PROMQL_RESETS] = resets_of,  [BT_PROMQL_COUNT_OVER] = count_of,  [BT_PROMQL_SUM_OVER] = sum_of,
    [BT_PROMQL_AVG_OVER] = mean_of,  [BT_PROMQL_MIN_OVER] = least_of,    [BT_PROMQL_MAX_OVER] = most_of,
    [BT_PROMQL_LAST_OVER] = last_of, [BT_PROMQL_PRESENT_OVER] = one_of};

static bool window_of(const bt_promql_context *context, const bt_promql_node *range, size_t series, window *out) {
  out->samples = &context->store->series[series];
  out->end_ms = context->time_ms - range->offset_ms;
  out->start_ms = out->end_ms - range->range_ms;
  out->end = bt_samples_until(out->samples, out->end_ms);
  out->first = bt_samples_until(out->samples, out->start_ms - 1);
  return out->first < out->end;
}

static bt_status push_absent(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  const bt_promql_node *range = node->arguments[0];
  window w;
  for (size_t i = 0; i < range->series_count; i++)
    if (window_of(context, range, range->series[i], &w)) return BT_OK;
  bt_label_set labels = bt_promql_absent_labels(context, range);
  return bt_promql_push(&node->result, labels, 1) ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_promql_eval_range(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  const bt_promql_node *range = node->arguments[0];
  window w;
  double value;
  if (node->function == BT_PROMQL_ABSENT_OVER) return push_absent(context, node, error);
  for (size_t i = 0; i < range->series_count; i++) {
    if (!window_of(context, range, range->series[i], &w) || !range_functions[node->function](&w, &value)) continue;
    bt_label_set labels = w.samples->labels;
    if (node->function != BT_PROMQL_LAST_OVER) labels = bt_promql_drop_name(context, node, labels);
    if (!bt_promql_push(&node->result, labels, value)) return bt_error_no_memory(error);
  }
  return bt_promql_check_unique(context, &node->result, error);
}
