/* What an alert rests on: series that were counted, that are assumed, or none; and when what it looks at is not known.
 * Through recorded series it rests on what these were made of. See backtest.h. */
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

typedef struct looking {
  bt_backtest *backtest;
  bt_rule_outcome *outcome;
  bool counted, assumed;
  unsigned depth;
  int64_t *reached_ms; /* of each rule: how far back it was looked at; −1: it was not */
  bool failed;
} looking;

enum { MOST_DEPTH = 20 };

static void look_at_rule(looking *look, size_t rule, int64_t reach_ms);

static void look_at_input(looking *look, const bt_input_series *input, int64_t reach_ms) {
  int64_t end_ms = look->backtest->end_ms;
  if (input->origin == BT_SERIES_COUNTED)
    look->counted = true;
  else
    look->assumed = true;
  for (size_t i = 0; i < input->gaps.count; i++) {
    const bt_time_gap *gap = &input->gaps.items[i];
    int64_t until_ms = gap->end_ms + reach_ms < end_ms ? gap->end_ms + reach_ms : end_ms;
    look->failed = look->failed || !bt_time_gaps_add(&look->outcome->unknown, gap->start_ms, until_ms);
  }
}

static bool names_series(const bt_promql_node *selector, bt_str name) {
  for (size_t i = 0; i < selector->matcher_count; i++)
    if (bt_str_equal(selector->matchers[i].name, BT_METRIC_NAME) && !selector->matchers[i].pattern &&
        !selector->matchers[i].is_negated)
      return bt_str_equal(selector->matchers[i].value, name);
  return false;
}

static void look_at_selector(looking *look, bt_promql_node *node, int64_t reach_ms) {
  bt_backtest *b = look->backtest;
  reach_ms += node->range_ms + node->offset_ms;
  if (!bt_promql_resolve(&b->context, node)) look->failed = true;
  for (size_t i = 0; i < node->series_count; i++)
    for (size_t k = 0; k < b->input_count; k++)
      if (b->inputs[k].series == node->series[i]) look_at_input(look, &b->inputs[k], reach_ms);
  for (size_t i = 0; i < b->rules.count; i++)
    if (b->rules.rules[i].is_record && names_series(node, b->rules.rules[i].name)) look_at_rule(look, i, reach_ms);
}

static void look_at_node(looking *look, bt_promql_node *node, int64_t reach_ms) {
  if (node->kind == BT_PROMQL_SELECTOR || node->kind == BT_PROMQL_RANGE) look_at_selector(look, node, reach_ms);
  for (size_t i = 0; i < node->argument_count; i++) look_at_node(look, node->arguments[i], reach_ms);
}

static void look_at_rule(looking *look, size_t rule, int64_t reach_ms) {
  /* Rules that record each other are looked at until nothing is farther back. */
  if (look->depth == MOST_DEPTH || look->reached_ms[rule] >= reach_ms) return;
  look->reached_ms[rule] = reach_ms;
  look->depth++;
  look_at_node(look, look->backtest->rules.rules[rule].expression.root, reach_ms);
  look->depth--;
}

bt_status bt_backtest_find_basis(bt_backtest *b, bt_error *error) {
  looking look = {.backtest = b, .reached_ms = bt_realloc_array(NULL, b->rules.count + 1, sizeof *look.reached_ms)};
  look.failed = !look.reached_ms;
  for (size_t i = 0; i < b->rules.count && !look.failed; i++) {
    for (size_t k = 0; k < b->rules.count; k++) look.reached_ms[k] = -1;
    look.outcome = &b->outcomes[i];
    look.counted = look.assumed = false;
    look_at_rule(&look, i, b->rules.rules[i].for_ms);
    b->outcomes[i].basis = look.counted ? BT_ALERT_ON_COUNTS : look.assumed ? BT_ALERT_ON_ASSUMED : BT_ALERT_ON_NOTHING;
  }
  free(look.reached_ms);
  return look.failed ? bt_error_no_memory(error) : BT_OK;
}
