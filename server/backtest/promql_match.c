/* Operators between two vectors: samples meet where what on(…) or ignoring(…) leaves of their labels is equal. See
 * promql_eval.h. */
#include "server/backtest/promql_eval.h"

static bt_label_set signature_of(bt_promql_context *context, bt_promql_node *node, const bt_promql_sample *sample) {
  return bt_promql_group(context, &node->signatures, node, sample->labels);
}

/* All signatures are made first, so that the marks have room for them. */
static bt_status begin_matching(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  for (size_t side = 0; side < 2; side++) {
    const bt_promql_vector *vector = &node->arguments[side]->result;
    for (size_t i = 0; i < vector->count; i++) (void)signature_of(context, node, &vector->items[i]);
  }
  return bt_promql_begin_marks(context) && !context->table->failed ? BT_OK : bt_error_no_memory(error);
}

static bt_status mark_side(bt_promql_context *context, bt_promql_node *node, size_t side, bool are_single,
                           bt_error *error) {
  const bt_promql_vector *vector = &node->arguments[side]->result;
  size_t before;
  for (size_t i = 0; i < vector->count; i++)
    if (bt_promql_mark(context, signature_of(context, node, &vector->items[i]), i, &before) && are_single)
      return bt_error_set(error, BT_INVALID, "several series on the right match one on the left");
  return BT_OK;
}

static bool is_marked(bt_promql_context *context, bt_promql_node *node, const bt_promql_sample *sample, size_t *at) {
  bt_label_set set = signature_of(context, node, sample);
  if (context->marks.items[set].round != context->marks.round) return false;
  *at = context->marks.items[set].index;
  return true;
}

static bool push_side(bt_promql_context *context, bt_promql_node *node, size_t side, bool where_marked) {
  const bt_promql_vector *vector = &node->arguments[side]->result;
  size_t at;
  for (size_t i = 0; i < vector->count; i++)
    if (is_marked(context, node, &vector->items[i], &at) == where_marked &&
        !bt_promql_push(&node->result, vector->items[i].labels, vector->items[i].value))
      return false;
  return true;
}

static bool push_all(bt_promql_node *node, size_t side) {
  const bt_promql_vector *vector = &node->arguments[side]->result;
  for (size_t i = 0; i < vector->count; i++)
    if (!bt_promql_push(&node->result, vector->items[i].labels, vector->items[i].value)) return false;
  return true;
}

static bt_status join_sets(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  bool is_or = node->op == BT_PROMQL_OR;
  bt_status status = mark_side(context, node, is_or ? 0 : 1, false, error);
  if (status) return status;
  bool is_made = is_or ? push_all(node, 0) && push_side(context, node, 1, false)
                       : push_side(context, node, 0, node->op == BT_PROMQL_AND);
  return is_made ? bt_promql_check_unique(context, &node->result, error) : bt_error_no_memory(error);
}

/* Of a match: with on(…) its labels alone; else the left side's, without what is ignored. The name goes with what is
 * reckoned. */
static bt_label_set labels_of(bt_promql_context *context, bt_promql_node *node, bt_label_set set) {
  bool drops = node->is_bool || !bt_promql_compares(node->op);
  bt_label_set labels = node->names_are_kept ? bt_labels_keep(context->table, set, node->names, node->name_count)
                                             : bt_labels_drop(context->table, set, node->names, node->name_count);
  return drops ? bt_promql_drop_name(context, node, labels) : labels;
}

static const size_t MATCHED = (size_t)1 << 40; /* added to the index of a right sample that something met */

static bt_status operate_on_match(bt_promql_context *context, bt_promql_node *node, const bt_promql_sample *left,
                                  size_t at, bt_error *error) {
  bool keeps, was_met = at >= MATCHED;
  const bt_promql_sample *right = &node->arguments[1]->result.items[at % MATCHED];
  double value = bt_promql_operate(node->op, left->value, right->value, &keeps);
  if (node->is_bool) value = keeps;
  if (!keeps && !node->is_bool) return BT_OK;
  if (was_met) return bt_error_set(error, BT_INVALID, "several series on the left match one on the right");
  context->marks.items[signature_of(context, node, left)].index += MATCHED;
  bool is_made = bt_promql_push(&node->result, labels_of(context, node, left->labels), value);
  return is_made ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_promql_eval_match(bt_promql_context *context, bt_promql_node *node, bt_error *error) {
  const bt_promql_vector *left = &node->arguments[0]->result;
  size_t at;
  bt_status status = begin_matching(context, node, error);
  if (status || bt_promql_joins_sets(node->op)) return status ? status : join_sets(context, node, error);
  if (left->count && node->arguments[1]->result.count) status = mark_side(context, node, 1, true, error);
  for (size_t i = 0; i < left->count && !status; i++)
    if (is_marked(context, node, &left->items[i], &at))
      status = operate_on_match(context, node, &left->items[i], at, error);
  return status ? status : bt_promql_check_unique(context, &node->result, error);
}
