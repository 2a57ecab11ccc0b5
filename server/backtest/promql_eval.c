/* What an expression is at a moment. See promql_eval.h. */
#include "server/backtest/promql_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- vectors, marks and memos ---- */

void bt_promql_context_dispose(bt_promql_context *context) {
  free(context->marks.items);
  context->marks.items = NULL;
}

bool bt_promql_push(bt_promql_vector *vector, bt_label_set labels, double value) {
  bt_promql_sample *items = bt_grow_array(vector->items, vector->count, &vector->capacity, sizeof *items);
  if (!items) return false;
  vector->items = items;
  items[vector->count++] = (bt_promql_sample){labels, value};
  return true;
}

bool bt_promql_begin_marks(bt_promql_context *context) {
  bt_promql_marks *marks = &context->marks;
  marks->round++;
  if (context->table->count <= marks->capacity) return true;
  size_t capacity = 2 * context->table->count;
  void *items = bt_realloc_array(marks->items, capacity, sizeof *marks->items);
  if (!items) return false;
  marks->items = items;
  memset(&marks->items[marks->capacity], 0, (capacity - marks->capacity) * sizeof *marks->items);
  marks->capacity = capacity;
  return true;
}

bool bt_promql_mark(bt_promql_context *context, bt_label_set set, size_t index, size_t *before) {
  bt_promql_marks *marks = &context->marks;
  if (marks->items[set].round == marks->round) {
    *before = marks->items[set].index;
    return true;
  }
  marks->items[set].round = marks->round;
  marks->items[set].index = index;
  return false;
}

bt_status bt_promql_check_unique(bt_promql_context *context, const bt_promql_vector *vector, bt_error *error) {
  size_t before;
  if (!bt_promql_begin_marks(context)) return bt_error_no_memory(error);
  for (size_t i = 0; i < vector->count; i++)
    if (bt_promql_mark(context, vector->items[i].labels, i, &before))
      return bt_error_set(error, BT_INVALID, "a vector has two samples with the same labels");
  return BT_OK;
}

/* NULL: no memory. */
static bt_label_set *memo_of(bt_label_table *table, bt_promql_memo *memo, bt_label_set set) {
  if (set < memo->capacity) return &memo->to[set];
  size_t capacity = 2 * table->count;
  bt_label_set *to = bt_realloc_array(memo->to, capacity, sizeof *to);
  if (!to) return NULL;
  memset(to + memo->capacity, 0, (capacity - memo->capacity) * sizeof *to);
  memo->to = to;
  memo->capacity = capacity;
  return &to[set];
}

bt_label_set bt_promql_drop_name(bt_promql_context *context, bt_promql_node *node, bt_label_set set) {
  bt_label_set *known = memo_of(context->table, &node->labels, set);
  if (!known) {
    context->table->failed = true;
    return 0;
  }
  if (!*known) *known = 1 + bt_labels_drop(context->table, set, &BT_METRIC_NAME, 1);
  return *known - 1;
}

bt_label_set bt_promql_group(bt_promql_context *context, bt_promql_memo *memo, const bt_promql_node *node,
                             bt_label_set set) {
  bt_label_set *known = memo_of(context->table, memo, set);
  if (!known) {
    context->table->failed = true;
    return 0;
  }
  if (*known) return *known - 1;
  bt_label_set group = node->names_are_kept ? bt_labels_keep(context->table, set, node->names, node->name_count)
                                            : bt_labels_drop(context->table, set, node->names, node->name_count);
  if (!node->names_are_kept) group = bt_labels_drop(context->table, group, &BT_METRIC_NAME, 1);
  *known = 1 + group;
  return group;
}

/* ---- selectors ---- */

bool bt_promql_takes(bt_label_table *table, const bt_promql_matcher *m, bt_label_set set) {
  bt_str value = bt_labels_get(table, set, m->name);
  bool matches = !m->pattern && bt_str_equal(value, m->value);
  uint64_t cost;
  if (m->pattern && bt_pattern_match(m->pattern, value, &cost, &matches)) table->failed = true;
  return !table->failed && matches != m->is_negated;
}

static bool takes_labels(const bt_promql_context *context, const bt_promql_node *node, bt_label_set set) {
  for (size_t i = 0; i < node->matcher_count; i++)
    if (!bt_promql_takes(context->table, &node->matchers[i], set)) return false;
  return true;
}

bool bt_promql_resolve(bt_promql_context *context, bt_promql_node *node) {
  for (; node->series_seen < context->store->count; node->series_seen++) {
    if (!takes_labels(context, node, context->store->series[node->series_seen].labels)) continue;
    size_t *series = bt_grow_array(node->series, node->series_count, &node->series_capacity, sizeof *series);
    if (!series) return false;
    node->series = series;
    series[node->series_count++] = node->series_seen;
  }
  return true;
}

static bt_status eval_selector(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  if (!bt_promql_resolve(context, node)) return bt_error_no_memory(error);
  for (size_t i = 0; i < node->series_count; i++) {
    const bt_series_samples *samples = &context->store->series[node->series[i]];
    double value;
    if (!bt_samples_at(samples, context->time_ms - node->offset_ms, &value)) continue;
    if (!bt_promql_push(&node->result, samples->labels, value)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

bt_label_set bt_promql_absent_labels(bt_promql_context *context, const bt_promql_node *selector) {
  bt_label_set set = 0;
  for (size_t i = 0; i < selector->matcher_count; i++) {
    const bt_promql_matcher *m = &selector->matchers[i];
    size_t others = 0;
    if (bt_str_equal(m->name, BT_METRIC_NAME)) continue;
    for (size_t k = 0; k < selector->matcher_count; k++) others += bt_str_equal(selector->matchers[k].name, m->name);
    bt_label label = {m->name, m->value};
    if (others == 1 && !m->pattern && !m->is_negated) set = bt_labels_add(context->table, set, &label, 1);
  }
  return set;
}

/* ---- functions ---- */

static bt_status eval_node(bt_promql_context *context, bt_promql_node *node, bt_error *error);

static double number_of(const bt_promql_node *node) {
  return node->result.items[0].value;
}

/* As Go's: what is no number stays none. */
static double larger_of(double a, double b) {
  return isnan(a) || isnan(b) ? (double)NAN : a > b ? a : b;
}

static double smaller_of(double a, double b) {
  return isnan(a) || isnan(b) ? (double)NAN : a < b ? a : b;
}

static double abs_of(const bt_promql_node *node, double value) {
  (void)node;
  return fabs(value);
}

static double ceil_of(const bt_promql_node *node, double value) {
  (void)node;
  return ceil(value);
}

static double floor_of(const bt_promql_node *node, double value) {
  (void)node;
  return floor(value);
}

static double round_to(const bt_promql_node *node, double value) {
  double inverse = 1.0 / (node->argument_count > 1 ? number_of(node->arguments[1]) : 1);
  return floor(value * inverse + 0.5) / inverse;
}

static double clamp_both(const bt_promql_node *node, double value) {
  return larger_of(number_of(node->arguments[1]), smaller_of(number_of(node->arguments[2]), value));
}

static double clamp_low(const bt_promql_node *node, double value) {
  return larger_of(number_of(node->arguments[1]), value);
}

static double clamp_high(const bt_promql_node *node, double value) {
  return smaller_of(number_of(node->arguments[1]), value);
}

/* Of the moment, UTC. */
static double hour_of(const bt_promql_node *node, double seconds) {
  (void)node;
  return floor(fmod(seconds, 86400) / 3600);
}

/* 1970-01-01 was a Thursday, and Sunday is 0. */
static double weekday_of(const bt_promql_node *node, double seconds) {
  (void)node;
  return fmod(floor(seconds / 86400) + 4, 7);
}

/* Of functions that are applied to each sample. */
typedef double (*sample_function)(const bt_promql_node *node, double value);
static const sample_function sample_functions[] = {
    [BT_PROMQL_ABS] = abs_of,           [BT_PROMQL_CEIL] = ceil_of,     [BT_PROMQL_FLOOR] = floor_of,
    [BT_PROMQL_ROUND] = round_to,       [BT_PROMQL_CLAMP] = clamp_both, [BT_PROMQL_CLAMP_MIN] = clamp_low,
    [BT_PROMQL_CLAMP_MAX] = clamp_high, [BT_PROMQL_HOUR] = hour_of,     [BT_PROMQL_DAY_OF_WEEK] = weekday_of};

static bool push_applied(bt_promql_context *context, bt_promql_node *node) {
  if (!node->argument_count)
    return bt_promql_push(&node->result, 0, sample_functions[node->function](node, (double)context->time_ms / 1000));
  const bt_promql_vector *from = &node->arguments[0]->result;
  bool is_empty = node->function == BT_PROMQL_CLAMP && number_of(node->arguments[2]) < number_of(node->arguments[1]);
  for (size_t i = 0; i < from->count && !is_empty; i++) {
    bt_label_set labels = bt_promql_drop_name(context, node, from->items[i].labels);
    if (!bt_promql_push(&node->result, labels, sample_functions[node->function](node, from->items[i].value)))
      return false;
  }
  return true;
}

static bool push_absent(bt_promql_context *context, bt_promql_node *node) {
  const bt_promql_node *argument = node->arguments[0];
  if (argument->result.count) return true;
  bt_label_set labels = argument->kind == BT_PROMQL_SELECTOR ? bt_promql_absent_labels(context, argument) : 0;
  return bt_promql_push(&node->result, labels, 1);
}

static bool push_call(bt_promql_context *context, bt_promql_node *node) {
  const bt_promql_vector *first = node->argument_count ? &node->arguments[0]->result : NULL;
  if (node->function == BT_PROMQL_TIME) return bt_promql_push(&node->result, 0, (double)context->time_ms / 1000);
  if (node->function == BT_PROMQL_AS_VECTOR) return bt_promql_push(&node->result, 0, first->items[0].value);
  if (node->function == BT_PROMQL_AS_SCALAR)
    return bt_promql_push(&node->result, 0, first->count == 1 ? first->items[0].value : (double)NAN);
  return node->function == BT_PROMQL_ABSENT ? push_absent(context, node) : push_applied(context, node);
}

static bt_status eval_call(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  if (!push_call(context, node)) return bt_error_no_memory(error);
  return bt_promql_check_unique(context, &node->result, error);
}

/* ---- aggregations ---- */

/* The mean is moved by each value, as Prometheus does; an infinite one stays unless the other infinity or no number
 * comes. */
static double move_mean(double mean, double value, double count) {
  if (isinf(mean)) {
    if (isinf(value) && (mean > 0) == (value > 0)) return mean;
    if (!isinf(value) && !isnan(value)) return mean;
  }
  return mean + (value / count - mean / count);
}

static void add_value(bt_promql_aggregation how, bt_promql_sample *group, double value, double count) {
  switch (how) {
  case BT_PROMQL_SUM: group->value += value; break;
  case BT_PROMQL_MIN:
    if (group->value > value || isnan(group->value)) group->value = value;
    break;
  case BT_PROMQL_MAX:
    if (group->value < value || isnan(group->value)) group->value = value;
    break;
  case BT_PROMQL_AVG: group->value = move_mean(group->value, value, count); break;
  case BT_PROMQL_COUNT: group->value = count; break;
  case BT_PROMQL_GROUP: break;
  }
}

/* How many values a group has so far is kept in its place of `counts`, which lives as long as the node. */
static bt_status eval_aggregate(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  const bt_promql_vector *from = &node->arguments[0]->result;
  bool counts = node->aggregation == BT_PROMQL_COUNT || node->aggregation == BT_PROMQL_GROUP;
  double *seen = calloc(from->count + 1, sizeof *seen);
  bt_status status = seen ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < from->count; i++)
    (void)bt_promql_group(context, &node->signatures, node, from->items[i].labels); /* so that marks have room */
  if (!status && !bt_promql_begin_marks(context)) status = bt_error_no_memory(error);
  for (size_t i = 0; i < from->count && !status; i++) {
    bt_label_set group = bt_promql_group(context, &node->signatures, node, from->items[i].labels);
    size_t at = node->result.count;
    double value = from->items[i].value;
    if (bt_promql_mark(context, group, at, &at))
      add_value(node->aggregation, &node->result.items[at], value, ++seen[at]);
    else if (bt_promql_push(&node->result, group, counts ? 1 : value))
      seen[at] = 1;
    else
      status = bt_error_no_memory(error);
  }
  free(seen);
  return status;
}

/* ---- operators ---- */

double bt_promql_operate(bt_promql_operator op, double left, double right, bool *keeps) {
  *keeps = true;
  switch (op) {
  case BT_PROMQL_ADD: return left + right;
  case BT_PROMQL_SUBTRACT: return left - right;
  case BT_PROMQL_MULTIPLY: return left * right;
  case BT_PROMQL_DIVIDE: return left / right;
  case BT_PROMQL_MODULO: return fmod(left, right);
  case BT_PROMQL_POWER: return pow(left, right);
  case BT_PROMQL_EQUAL: *keeps = left == right; break;
  case BT_PROMQL_NOT_EQUAL: *keeps = left != right; break;
  case BT_PROMQL_GREATER: *keeps = left > right; break;
  case BT_PROMQL_LESS: *keeps = left < right; break;
  case BT_PROMQL_AT_LEAST: *keeps = left >= right; break;
  case BT_PROMQL_AT_MOST: *keeps = left <= right; break;
  case BT_PROMQL_AND:
  case BT_PROMQL_OR:
  case BT_PROMQL_UNLESS: break;
  }
  return left;
}

static bt_status eval_numbers(bt_promql_node *node, bt_error *error) {
  bool keeps;
  double value = bt_promql_operate(node->op, number_of(node->arguments[0]), number_of(node->arguments[1]), &keeps);
  if (bt_promql_compares(node->op)) value = keeps;
  return bt_promql_push(&node->result, 0, value) ? BT_OK : bt_error_no_memory(error);
}

/* Between a vector and a number: of a comparison the vector's value stays, wherever it stands. */
static bt_status eval_with_number(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  bool is_left = node->arguments[0]->type == BT_PROMQL_VECTOR;
  const bt_promql_vector *from = &node->arguments[is_left ? 0 : 1]->result;
  double number = number_of(node->arguments[is_left ? 1 : 0]);
  bool drops = node->is_bool || !bt_promql_compares(node->op);
  for (size_t i = 0; i < from->count; i++) {
    bool keeps;
    double own = from->items[i].value;
    double value = bt_promql_operate(node->op, is_left ? own : number, is_left ? number : own, &keeps);
    if (bt_promql_compares(node->op)) value = node->is_bool ? keeps : own;
    if (!keeps && !node->is_bool) continue;
    bt_label_set labels = from->items[i].labels;
    if (drops) labels = bt_promql_drop_name(context, node, labels);
    if (!bt_promql_push(&node->result, labels, value)) return bt_error_no_memory(error);
  }
  return bt_promql_check_unique(context, &node->result, error);
}

static bt_status eval_negation(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  const bt_promql_vector *from = &node->arguments[0]->result;
  for (size_t i = 0; i < from->count; i++)
    if (!bt_promql_push(&node->result, bt_promql_drop_name(context, node, from->items[i].labels),
                        -from->items[i].value))
      return bt_error_no_memory(error);
  return bt_promql_check_unique(context, &node->result, error);
}

/* ---- the tree ---- */

static bt_status eval_binary(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  bool left = node->arguments[0]->type == BT_PROMQL_VECTOR, right = node->arguments[1]->type == BT_PROMQL_VECTOR;
  if (left && right) return bt_promql_eval_match(context, node, error);
  return left || right ? eval_with_number(context, node, error) : eval_numbers(node, error);
}

static bt_status eval_made(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  switch (node->kind) {
  case BT_PROMQL_NUMBER: return bt_promql_push(&node->result, 0, node->number) ? BT_OK : bt_error_no_memory(error);
  case BT_PROMQL_SELECTOR: return eval_selector(context, node, error);
  case BT_PROMQL_RANGE: return bt_promql_resolve(context, node) ? BT_OK : bt_error_no_memory(error);
  case BT_PROMQL_CALL:
    if (node->argument_count && node->arguments[0]->kind == BT_PROMQL_RANGE)
      return bt_promql_eval_range(context, node, error);
    return eval_call(context, node, error);
  case BT_PROMQL_AGGREGATE: return eval_aggregate(context, node, error);
  case BT_PROMQL_BINARY: return eval_binary(context, node, error);
  case BT_PROMQL_NEGATE: return eval_negation(context, node, error);
  }
  return BT_OK;
}

static bt_status eval_node(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < node->argument_count && !status; i++) status = eval_node(context, node->arguments[i], error);
  node->result.count = 0;
  if (!status) status = eval_made(context, node, error);
  return !status && context->table->failed ? bt_error_no_memory(error) : status;
}

bt_status bt_promql_eval(bt_promql_context *context, const bt_promql *expression, const bt_promql_vector **out,
                         bt_error *error) {
  bt_status status = eval_node(context, expression->root, error);
  *out = &expression->root->result;
  return status;
}
