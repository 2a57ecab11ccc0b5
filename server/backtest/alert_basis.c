/* What an alert rests on: series that were counted, that are assumed, or none; which are not there; and when what it
 * looks at is not known. Through recorded series it rests on what these were made of. See backtest.h. */
#include <stdlib.h>
#include <string.h>

#include "server/backtest/backtest.h"

/* ---- gaps ---- */

void bt_time_gaps_dispose(bt_time_gaps *gaps) {
  free(gaps->items);
  *gaps = (bt_time_gaps){0};
}

bool bt_time_gaps_add(bt_time_gaps *gaps, int64_t start_ms, int64_t end_ms) {
  size_t at = gaps->count, after;
  while (at > 0 && gaps->items[at - 1].end_ms >= start_ms) at--;
  after = at;
  while (after < gaps->count && gaps->items[after].start_ms <= end_ms) {
    if (gaps->items[after].start_ms < start_ms) start_ms = gaps->items[after].start_ms;
    if (gaps->items[after].end_ms > end_ms) end_ms = gaps->items[after].end_ms;
    after++;
  }
  bt_time_gap *items = bt_grow_array(gaps->items, gaps->count, &gaps->capacity, sizeof *items);
  if (!items) return false;
  gaps->items = items;
  memmove(&items[at + 1], &items[after], (gaps->count - after) * sizeof *items);
  items[at] = (bt_time_gap){start_ms, end_ms};
  gaps->count += 1 - (after - at);
  return true;
}

/* ---- what a rule looks at ---- */

typedef struct rule_reach {
  int64_t back_ms; /* how far back it was looked at; −1: it was not */
  bool is_open;    /* it is being looked at */
} rule_reach;

typedef struct looking {
  bt_backtest *backtest;
  bt_rule_outcome *outcome;
  bool counted, assumed;
  rule_reach *rules;
  bool failed;
} looking;

static void look_at_rule(looking *look, size_t rule, int64_t reach_ms);

/* `is_sum`: the counter itself is looked at and not what it rose by. What a gap had is in no later sample of it. */
static void look_at_input(looking *look, const bt_input_series *input, int64_t reach_ms, bool is_sum) {
  int64_t end_ms = look->backtest->end_ms;
  if (input->origin == BT_SERIES_COUNTED)
    look->counted = true;
  else
    look->assumed = true;
  for (size_t i = 0; i < input->gaps.count; i++) {
    const bt_time_gap *gap = &input->gaps.items[i];
    int64_t until_ms = !is_sum && gap->end_ms + reach_ms < end_ms ? gap->end_ms + reach_ms : end_ms;
    look->failed = look->failed || !bt_time_gaps_add(&look->outcome->unknown, gap->start_ms, until_ms);
  }
}

/* ---- what is not there ---- */

static bool is_of(const bt_promql_matcher *m, bt_str label) {
  return bt_str_equal(m->name, label);
}

/* Whether matchers of the selector take an input that has samples: all, or all but those of the severity. Which
 * severities rules have is known, and that none has one is no riddle. */
static bool takes_any(const looking *look, const bt_promql_node *selector, bool also_severity) {
  bt_backtest *b = look->backtest;
  for (size_t i = 0; i < b->input_count; i++) {
    const bt_series_samples *samples = &b->store.series[b->inputs[i].series];
    bool takes = samples->count > 0;
    for (size_t k = 0; k < selector->matcher_count && takes; k++)
      if (also_severity || !is_of(&selector->matchers[k], BT_STR("severity")))
        takes = bt_promql_takes(&b->table, &selector->matchers[k], samples->labels);
    if (takes) return true;
  }
  return false;
}

/* Whether its metric is one that is counted, whatever the labels. */
static bool is_of_counts(const looking *look, const bt_promql_node *selector) {
  bt_backtest *b = look->backtest;
  for (size_t i = 0; i < b->input_count; i++) {
    bool takes = b->inputs[i].origin == BT_SERIES_COUNTED;
    for (size_t k = 0; k < selector->matcher_count && takes; k++)
      if (is_of(&selector->matchers[k], BT_METRIC_NAME))
        takes = bt_promql_takes(&b->table, &selector->matchers[k], b->store.series[b->inputs[i].series].labels);
    if (takes) return true;
  }
  return false;
}

static void add_missing(looking *look, bt_missing_series missing) {
  bt_rule_outcome *o = look->outcome;
  for (size_t i = 0; i < o->missing_count; i++)
    if (bt_str_equal(o->missing[i].selector, missing.selector) && bt_str_equal(o->missing[i].rule_id, missing.rule_id))
      return;
  bt_missing_series *grown = bt_grow_array(o->missing, o->missing_count, &o->missing_capacity, sizeof *grown);
  look->failed = look->failed || !grown;
  if (!grown) return;
  o->missing = grown;
  grown[o->missing_count++] = missing;
}

static bool takes_some_rule(looking *look, bt_str pattern) {
  bt_backtest *b = look->backtest;
  bt_promql_matcher m = {.name = BT_STR("rule_id"), .value = pattern};
  bt_error why = {0};
  bool takes = false;
  bt_status status = bt_pattern_new(pattern, true, &m.pattern, &why);
  if (status == BT_NO_MEMORY) look->failed = true;
  for (size_t i = 0; i < b->input_count && !status && !takes; i++) {
    bt_label_set labels = b->store.series[b->inputs[i].series].labels;
    takes = bt_labels_get(&b->table, labels, m.name).len && bt_promql_takes(&b->table, &m, labels);
  }
  bt_pattern_free(m.pattern);
  return status || takes;
}

/* rule_id=~"a|b": each part says a rule that the alert is about. A pattern with more than | in it is taken whole. */
static void look_for_parts(looking *look, const bt_promql_node *selector, bt_str pattern) {
  bool is_grouped = bt_str_starts_with(pattern, BT_STR("(")) && bt_str_ends_with(pattern, BT_STR(")"));
  if (is_grouped) pattern = (bt_str){pattern.ptr + 1, pattern.len - 2};
  for (size_t i = 0; i < pattern.len; i++)
    if (memchr("()[]{}\\?", pattern.ptr[i], 8)) return;
  for (size_t start = 0, end; start <= pattern.len; start = end + 1) {
    for (end = start; end < pattern.len && pattern.ptr[end] != '|';) end++;
    bt_str part = {pattern.ptr + start, end - start};
    if (part.len && !takes_some_rule(look, part))
      add_missing(look, (bt_missing_series){selector->selector, part, true});
  }
}

static void look_for_missing(looking *look, const bt_promql_node *selector) {
  if (!takes_any(look, selector, true) && !takes_any(look, selector, false)) {
    add_missing(look, (bt_missing_series){.selector = selector->selector, .is_counted = is_of_counts(look, selector)});
    return;
  }
  for (size_t i = 0; i < selector->matcher_count; i++) {
    const bt_promql_matcher *m = &selector->matchers[i];
    if (is_of(m, BT_STR("rule_id")) && m->pattern && !m->is_negated) look_for_parts(look, selector, m->value);
  }
}

bool bt_rule_outcome_lacks(const bt_rule_outcome *outcome) {
  for (size_t i = 0; i < outcome->missing_count; i++)
    if (outcome->missing[i].is_counted || outcome->basis == BT_ALERT_ON_COUNTS) return true;
  return false;
}

/* ---- what a rule rests on ---- */

/* What the label has to be; empty: it may be several. */
static bt_str only_value(const bt_promql_node *selector, bt_str label) {
  for (size_t i = 0; i < selector->matcher_count; i++)
    if (bt_str_equal(selector->matchers[i].name, label) && !selector->matchers[i].pattern &&
        !selector->matchers[i].is_negated)
      return selector->matchers[i].value;
  return (bt_str){0};
}

static bool may_be_written_by(const bt_promql_node *selector, const bt_alert_rule *rule) {
  bt_str name = only_value(selector, BT_METRIC_NAME), alert = only_value(selector, BT_STR("alertname"));
  bool is_of_alerts = bt_str_equal(name, BT_STR("ALERTS")) || bt_str_equal(name, BT_STR("ALERTS_FOR_STATE"));
  if (rule->is_record) return bt_str_equal(name, rule->name);
  return is_of_alerts && (!alert.len || bt_str_equal(alert, rule->name));
}

static bool is_counter(const bt_backtest *b, const bt_input_series *input) {
  bt_str name = bt_labels_get(&b->table, b->store.series[input->series].labels, BT_METRIC_NAME);
  return bt_str_ends_with(name, BT_STR("_total"));
}

static void look_at_selector(looking *look, bt_promql_node *node, int64_t reach_ms, bool of_values) {
  bt_backtest *b = look->backtest;
  bool is_written = false;
  reach_ms += node->range_ms + node->offset_ms;
  if (!bt_promql_resolve(&b->context, node)) look->failed = true;
  for (size_t i = 0; i < node->series_count; i++)
    for (size_t k = 0; k < b->input_count; k++)
      if (b->inputs[k].series == node->series[i])
        look_at_input(look, &b->inputs[k], reach_ms, of_values && is_counter(b, &b->inputs[k]));
  for (size_t i = 0; i < b->rules.count; i++)
    if (may_be_written_by(node, &b->rules.rules[i])) {
      is_written = true;
      look_at_rule(look, i, reach_ms);
    }
  if (!is_written) look_for_missing(look, node);
}

/* The values of a range, as the most of them is, and not how they rose. */
static bool is_of_values(const bt_promql_node *node) {
  return node->kind == BT_PROMQL_CALL && node->function >= BT_PROMQL_SUM_OVER && node->function <= BT_PROMQL_LAST_OVER;
}

static void look_at_node(looking *look, const bt_promql_node *parent, bt_promql_node *node, int64_t reach_ms) {
  if (node->kind == BT_PROMQL_SELECTOR) look_at_selector(look, node, reach_ms, true);
  if (node->kind == BT_PROMQL_RANGE) look_at_selector(look, node, reach_ms, is_of_values(parent));
  for (size_t i = 0; i < node->argument_count; i++) look_at_node(look, node, node->arguments[i], reach_ms);
}

/* An alert goes on for as long as its for and keep_firing_for. One that looks at itself is looked at once: what it
 * keeps up is kept up by something else that it looks at. */
static void look_at_rule(looking *look, size_t rule, int64_t reach_ms) {
  rule_reach *reached = &look->rules[rule];
  bt_alert_rule *said = &look->backtest->rules.rules[rule];
  reach_ms += said->for_ms + said->keep_firing_ms;
  if (reached->is_open || reached->back_ms >= reach_ms) return;
  *reached = (rule_reach){reach_ms, true};
  look_at_node(look, said->expression.root, said->expression.root, reach_ms);
  reached->is_open = false;
}

bt_status bt_backtest_find_basis(bt_backtest *b, bt_error *error) {
  looking look = {.backtest = b, .rules = bt_realloc_array(NULL, b->rules.count + 1, sizeof *look.rules)};
  look.failed = !look.rules;
  for (size_t i = 0; i < b->rules.count && !look.failed; i++) {
    for (size_t k = 0; k < b->rules.count; k++) look.rules[k] = (rule_reach){.back_ms = -1};
    look.outcome = &b->outcomes[i];
    look.counted = look.assumed = false;
    look_at_rule(&look, i, 0);
    b->outcomes[i].basis = look.counted ? BT_ALERT_ON_COUNTS : look.assumed ? BT_ALERT_ON_ASSUMED : BT_ALERT_ON_NOTHING;
  }
  free(look.rules);
  return look.failed || b->table.failed ? bt_error_no_memory(error) : BT_OK;
}
