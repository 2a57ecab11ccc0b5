/* Rules evaluated over series, after Prometheus's rule manager: rules in their order, samples and markers of staleness
 * written at the time of the evaluation, and alerts that are pending, fire and resolve. See backtest.h. */
#include "server/backtest/backtest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 4000000 };
#define ALERTS           BT_STR("ALERTS")
#define ALERTS_FOR_STATE BT_STR("ALERTS_FOR_STATE")

typedef enum alert_state { INACTIVE, PENDING, FIRING } alert_state;

typedef struct active_alert {
  bt_label_set labels;
  alert_state state;
  int64_t active_ms, keep_since_ms; /* keep_since: −1: it is in the result */
  size_t page;                      /* of one that fires */
  bool is_in_result;
} active_alert;

struct bt_rule_state {
  active_alert *alerts; /* of each label set that was ever active */
  size_t count, capacity;
  size_t *written, *before; /* series of this evaluation and of the last one that wrote */
  size_t written_count, written_capacity, before_count, before_capacity;
  bt_promql_memo at; /* of a label set: its place in `alerts` */
};

/* ---- begin and end ---- */

void bt_backtest_init(bt_backtest *b) {
  *b = (bt_backtest){0};
  bt_alert_rules_init(&b->rules);
  bt_label_table_init(&b->table);
  b->context = (bt_promql_context){.table = &b->table, .store = &b->store};
}

void bt_backtest_dispose(bt_backtest *b) {
  for (size_t i = 0; i < b->rules.count; i++) {
    if (b->outcomes) bt_time_gaps_dispose(&b->outcomes[i].unknown);
    if (b->outcomes) free(b->outcomes[i].missing);
    if (!b->states) continue;
    free(b->states[i].alerts);
    free(b->states[i].written);
    free(b->states[i].before);
    free(b->states[i].at.to);
  }
  for (size_t i = 0; i < b->input_count; i++) bt_time_gaps_dispose(&b->inputs[i].gaps);
  free(b->inputs);
  free(b->states);
  free(b->outcomes);
  free(b->pages);
  bt_promql_context_dispose(&b->context);
  bt_alert_rules_dispose(&b->rules);
  bt_series_store_dispose(&b->store);
  bt_label_table_dispose(&b->table);
}

size_t bt_backtest_add_series(bt_backtest *b, const bt_label *labels, size_t count, bt_series_origin origin) {
  bt_input_series *inputs = bt_grow_array(b->inputs, b->input_count, &b->input_capacity, sizeof *inputs);
  if (!inputs) return UINT32_MAX;
  b->inputs = inputs;
  bt_label_set set = bt_labels_put(&b->table, labels, count);
  inputs[b->input_count] = (bt_input_series){.series = bt_series_store_find(&b->store, set), .origin = origin};
  return b->table.failed || b->store.failed ? UINT32_MAX : b->input_count++;
}

bt_status bt_backtest_add_sample(bt_backtest *b, size_t input, int64_t time_ms, double value, bt_error *error) {
  bool is_kept = bt_samples_append(&b->store, b->inputs[input].series, time_ms, value);
  return is_kept || !b->store.failed ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_backtest_add_gap(bt_backtest *b, size_t input, int64_t time_ms, bt_error *error) {
  return bt_time_gaps_add(&b->inputs[input].gaps, time_ms, time_ms) ? BT_OK : bt_error_no_memory(error);
}

/* ---- what a rule writes ---- */

static bool push_number(size_t **items, size_t *count, size_t *capacity, size_t number) {
  size_t *grown = bt_grow_array(*items, *count, capacity, sizeof *grown);
  if (!grown) return false;
  *items = grown;
  grown[(*count)++] = number;
  return true;
}

static bool write_sample(bt_backtest *b, bt_rule_state *state, bt_label_set labels, double value) {
  size_t series = bt_series_store_find(&b->store, labels);
  if (b->store.failed || b->table.failed) return false;
  b->store.series[series].is_written = true;
  if (!bt_samples_append(&b->store, series, b->context.time_ms, value)) return !b->store.failed;
  return push_number(&state->written, &state->written_count, &state->written_capacity, series);
}

/* What the last evaluation wrote and this one did not has ended. */
static bool end_written(bt_backtest *b, bt_rule_state *state) {
  for (size_t i = 0; i < state->before_count; i++) {
    const bt_series_samples *s = &b->store.series[state->before[i]];
    bool is_written = s->count && s->times_ms[s->count - 1] == b->context.time_ms;
    if (!is_written) (void)bt_samples_mark_stale(&b->store, state->before[i], b->context.time_ms);
  }
  size_t *before = state->before, capacity = state->before_capacity;
  state->before = state->written;
  state->before_count = state->written_count;
  state->before_capacity = state->written_capacity;
  state->written = before;
  state->written_count = 0;
  state->written_capacity = capacity;
  return !b->store.failed;
}

/* ---- recorded series ---- */

static bt_status fail_twice(bt_error *error) {
  return bt_error_set(error, BT_INVALID, "two samples have the same labels once the rule's are on them");
}

static bt_status record_vector(bt_backtest *b, size_t number, const bt_promql_vector *vector, bt_error *error) {
  const bt_alert_rule *rule = &b->rules.rules[number];
  bt_promql_vector named = {0};
  bt_label name = {BT_METRIC_NAME, rule->name};
  bool is_made = true;
  for (size_t i = 0; i < vector->count && is_made; i++) {
    bt_label_set labels = bt_labels_add(&b->table, vector->items[i].labels, &name, 1);
    labels = bt_labels_add(&b->table, labels, rule->labels, rule->label_count);
    is_made = bt_promql_push(&named, labels, vector->items[i].value);
  }
  bt_error why = {0};
  bt_status status = is_made ? bt_promql_check_unique(&b->context, &named, &why) : bt_error_no_memory(&why);
  for (size_t i = 0; i < named.count && !status; i++)
    if (!write_sample(b, &b->states[number], named.items[i].labels, named.items[i].value))
      status = bt_error_no_memory(error);
  free(named.items);
  return status == BT_INVALID ? fail_twice(error) : status;
}

/* ---- alerts ---- */

static active_alert *find_alert(bt_backtest *b, bt_rule_state *state, bt_label_set labels) {
  bt_promql_memo *memo = &state->at;
  if (labels >= memo->capacity) {
    size_t capacity = 2 * b->table.count;
    bt_label_set *to = bt_realloc_array(memo->to, capacity, sizeof *to);
    if (!to) return NULL;
    memset(to + memo->capacity, 0, (capacity - memo->capacity) * sizeof *to);
    memo->to = to;
    memo->capacity = capacity;
  }
  if (memo->to[labels]) return &state->alerts[memo->to[labels] - 1];
  active_alert *alerts = bt_grow_array(state->alerts, state->count, &state->capacity, sizeof *alerts);
  if (!alerts) return NULL;
  state->alerts = alerts;
  alerts[state->count] = (active_alert){.labels = labels};
  memo->to[labels] = (bt_label_set)++state->count;
  return &alerts[state->count - 1];
}

/* The labels of the alerts of a result. BT_INVALID before anything is changed, as in Prometheus. */
static bt_status label_result(bt_backtest *b, const bt_alert_rule *rule, const bt_promql_vector *vector,
                              bt_promql_vector *out, bt_error *error) {
  bt_label name = {BT_STR("alertname"), rule->name};
  for (size_t i = 0; i < vector->count; i++) {
    bt_label_set labels = bt_labels_drop(&b->table, vector->items[i].labels, &BT_METRIC_NAME, 1);
    labels = bt_labels_add(&b->table, labels, rule->labels, rule->label_count);
    labels = bt_labels_add(&b->table, labels, &name, 1);
    if (!bt_promql_push(out, labels, vector->items[i].value)) return bt_error_no_memory(error);
  }
  bt_status status = bt_promql_check_unique(&b->context, out, error);
  return status == BT_INVALID ? fail_twice(error) : status;
}

static bt_status take_result(bt_backtest *b, bt_rule_state *state, const bt_promql_vector *labelled, bt_error *error) {
  for (size_t i = 0; i < state->count; i++) state->alerts[i].is_in_result = false;
  for (size_t i = 0; i < labelled->count; i++) {
    active_alert *alert = find_alert(b, state, labelled->items[i].labels);
    if (!alert) return bt_error_no_memory(error);
    alert->is_in_result = true;
    alert->keep_since_ms = -1;
    if (alert->state != INACTIVE) continue;
    alert->state = PENDING;
    alert->active_ms = b->context.time_ms;
  }
  return BT_OK;
}

static bool open_page(bt_backtest *b, size_t rule, active_alert *alert) {
  bt_alert_page *pages = bt_grow_array(b->pages, b->page_count, &b->page_capacity, sizeof *pages);
  if (!pages) return false;
  b->pages = pages;
  pages[b->page_count] = (bt_alert_page){
      .rule = rule, .labels = alert->labels, .active_ms = alert->active_ms, .fired_ms = b->context.time_ms};
  alert->page = b->page_count++;
  return true;
}

/* Whether one that is not in the result goes on: it fires, and its keep_firing_for is not over. */
static bool keeps_firing(const bt_alert_rule *rule, active_alert *alert, int64_t time_ms) {
  if (alert->state != FIRING || !rule->keep_firing_ms) return false;
  if (alert->keep_since_ms < 0) alert->keep_since_ms = time_ms;
  return time_ms - alert->keep_since_ms < rule->keep_firing_ms;
}

static bool write_alert(bt_backtest *b, size_t number, const active_alert *alert) {
  const bt_label state_label = {BT_STR("alertstate"), alert->state == FIRING ? BT_STR("firing") : BT_STR("pending")};
  const bt_label alerts[] = {{BT_METRIC_NAME, ALERTS}, state_label}, since = {BT_METRIC_NAME, ALERTS_FOR_STATE};
  bt_label_set labels = bt_labels_add(&b->table, alert->labels, alerts, 2);
  bt_label_set for_state = bt_labels_add(&b->table, alert->labels, &since, 1);
  double active_s = (double)(alert->active_ms / 1000);
  return write_sample(b, &b->states[number], labels, 1) && write_sample(b, &b->states[number], for_state, active_s);
}

static bool step_alert(bt_backtest *b, size_t number, active_alert *alert) {
  const bt_alert_rule *rule = &b->rules.rules[number];
  int64_t time_ms = b->context.time_ms;
  if (alert->state == INACTIVE) return true;
  if (!alert->is_in_result && !keeps_firing(rule, alert, time_ms)) {
    if (alert->state == FIRING) b->pages[alert->page].resolved_ms = time_ms;
    alert->state = INACTIVE;
    return true;
  }
  if (alert->state == PENDING && time_ms - alert->active_ms >= rule->for_ms) {
    if (!open_page(b, number, alert)) return false;
    alert->state = FIRING;
  }
  return write_alert(b, number, alert);
}

static bt_status alert_on(bt_backtest *b, size_t number, const bt_promql_vector *vector, bt_error *error) {
  bt_rule_state *state = &b->states[number];
  bt_promql_vector labelled = {0};
  bt_status status = label_result(b, &b->rules.rules[number], vector, &labelled, error);
  if (!status) status = take_result(b, state, &labelled, error);
  for (size_t i = 0; i < state->count && !status; i++)
    if (!step_alert(b, number, &state->alerts[i])) status = bt_error_no_memory(error);
  free(labelled.items);
  return status;
}

/* ---- evaluations ---- */

/* What Prometheus refuses changes nothing: the rule is evaluated again at its next time. */
static bt_status eval_rule(bt_backtest *b, size_t number, bt_error *error) {
  bt_alert_rule *rule = &b->rules.rules[number];
  if (bt_is_cancelled(b->cancel)) return bt_error_set(error, BT_CANCELLED, "it was cancelled");
  bt_rule_outcome *outcome = &b->outcomes[number];
  const bt_promql_vector *vector;
  bt_error why = {0};
  b->evaluations++;
  bt_status status = bt_promql_eval(&b->context, &rule->expression, &vector, &why);
  if (!status) status = rule->is_record ? record_vector(b, number, vector, &why) : alert_on(b, number, vector, &why);
  if (!status && !end_written(b, &b->states[number])) status = bt_error_no_memory(&why);
  if (status == BT_INVALID) {
    if (!outcome->failures++) snprintf(outcome->failure, sizeof outcome->failure, "%.230s", why.message);
    return BT_OK;
  }
  return status ? bt_error_set(error, status, "%s", why.message) : BT_OK;
}

static int64_t interval_of(const bt_backtest *b, size_t rule) {
  return b->rules.rules[rule].interval_ms ? b->rules.rules[rule].interval_ms : b->interval_ms;
}

static int64_t common_divisor(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static int64_t tick_of(const bt_backtest *b) {
  int64_t tick = 0;
  for (size_t i = 0; i < b->rules.count; i++) tick = common_divisor(interval_of(b, i), tick);
  return tick;
}

static int64_t first_tick(const bt_backtest *b, int64_t tick) {
  return (b->start_ms + tick - 1) / tick * tick;
}

static bt_status prepare_run(bt_backtest *b, bt_error *error) {
  int64_t tick = tick_of(b);
  if (tick <= 0 || b->end_ms < b->start_ms)
    return bt_error_set(error, BT_INVALID, "a backtest needs a rule, an interval and a range");
  if ((b->end_ms - b->start_ms) / tick > MOST_STEPS)
    return bt_error_set(error, BT_INVALID, "%" PRId64 " evaluations of a rule are more than %d: take a shorter range",
                        (b->end_ms - b->start_ms) / tick, MOST_STEPS);
  b->states = calloc(b->rules.count + 1, sizeof *b->states);
  b->outcomes = calloc(b->rules.count + 1, sizeof *b->outcomes);
  return b->states && b->outcomes ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_backtest_run(bt_backtest *b, void (*progress)(void *context, double fraction), void *context,
                          bt_error *error) {
  bt_status status = prepare_run(b, error);
  int64_t tick = status ? 1 : tick_of(b), first = first_tick(b, tick);
  for (int64_t time = first; time <= b->end_ms && !status; time += tick) {
    b->context.time_ms = time;
    for (size_t i = 0; i < b->rules.count && !status; i++)
      if (time % interval_of(b, i) == 0 && !b->rules.rules[i].is_twin) status = eval_rule(b, i, error);
    bool is_told = progress && (time - first) / tick % 1024 == 0;
    if (is_told) progress(context, (double)(time - first) / (double)(b->end_ms - first + 1));
  }
  return status ? status : bt_backtest_find_basis(b, error);
}

/* What the rule wrote is its own, unless two rules write the same: then both are gone for this count. */
static void forget_rule(bt_backtest *b, size_t number) {
  bt_rule_state *state = &b->states[number];
  const bt_str name = b->rules.rules[number].name;
  for (size_t i = 0; i < b->store.count; i++) {
    bt_label_set labels = b->store.series[i].labels;
    if (b->store.series[i].is_written && bt_str_equal(bt_labels_get(&b->table, labels, BT_STR("alertname")), name))
      bt_series_store_forget(&b->store, i);
  }
  state->written_count = state->before_count = 0;
  for (size_t i = 0; i < state->count; i++) state->alerts[i].state = INACTIVE;
}

bt_status bt_backtest_count_again(bt_backtest *b, size_t rule, size_t *pages, bt_error *error) {
  int64_t interval = interval_of(b, rule);
  size_t before = b->page_count, evaluations = b->evaluations, failures = b->outcomes[rule].failures;
  bt_status status = BT_OK;
  forget_rule(b, rule);
  for (int64_t time = first_tick(b, interval); time <= b->end_ms && !status; time += interval) {
    b->context.time_ms = time;
    status = eval_rule(b, rule, error);
  }
  *pages = b->page_count - before;
  b->page_count = before;
  b->evaluations = evaluations;
  b->outcomes[rule].failures = failures;
  return status;
}
