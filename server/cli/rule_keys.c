/* Walking a rule for the fields that it reads. See rule_keys.h. */
#include "server/cli/rule_keys.h"

#include <stdlib.h>

typedef struct walker {
  void (*on_field)(void *context, const bt_field *field); /* may be NULL, as the next */
  bt_predicate_visit on_predicate;
  void *context;
} walker;

static void walk_selection(const walker *w, const bt_selection *selection);

static void walk_field(const walker *w, const bt_field *field) {
  if (w->on_field) w->on_field(w->context, field);
}

static void walk_expression(const walker *w, const bt_expression *expression) {
  if (!expression) return;
  bool is_sum = expression->kind == BT_EXPRESSION_AGGREGATE && expression->aggregate != BT_AGGREGATE_COUNT;
  if (expression->kind == BT_EXPRESSION_FIELD || is_sum) walk_field(w, &expression->field);
  if (expression->kind == BT_EXPRESSION_AGGREGATE) walk_selection(w, expression->selection);
  walk_expression(w, expression->left);
  walk_expression(w, expression->right);
}

static void walk_comparison(const walker *w, const bt_comparison *comparison) {
  walk_expression(w, comparison->left);
  walk_expression(w, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) walk_expression(w, comparison->list[i]);
}

static void walk_predicate(const walker *w, const bt_predicate *predicate) {
  if (w->on_predicate) w->on_predicate(w->context, predicate);
  if (predicate->kind == BT_PREDICATE_COMPARE) walk_comparison(w, &predicate->comparison);
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    walk_field(w, &predicate->field);
  for (uint32_t i = 0; i < predicate->item_count; i++) walk_predicate(w, predicate->items[i]);
}

static void walk_selection(const walker *w, const bt_selection *selection) {
  if (!selection) return;
  walk_predicate(w, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    walk_selection(w, selection->relations[i].first.selection);
    walk_selection(w, selection->relations[i].second.selection);
  }
}

static void walk_condition(const walker *w, const bt_condition *condition) {
  if (!condition) return;
  walk_selection(w, condition->selection);
  walk_selection(w, condition->other);
  if (condition->kind == BT_CONDITION_COMPARE) walk_comparison(w, &condition->comparison);
  for (uint32_t i = 0; i < condition->item_count; i++) walk_condition(w, condition->items[i]);
}

void bt_condition_visit(const bt_condition *condition, bt_predicate_visit visit, void *context) {
  const walker w = {NULL, visit, context};
  walk_condition(&w, condition);
}

/* ---- keys ---- */

static void add_field(void *context, const bt_field *field) {
  bt_rule_keys *keys = context;
  if (bt_rule_keys_have(keys, field->kind, field->key)) return;
  bt_field *items = bt_grow_array(keys->items, keys->count, &keys->capacity, sizeof *items);
  if (!items) {
    keys->no_memory = true;
    return;
  }
  keys->items = items;
  items[keys->count++] = *field;
}

bt_status bt_rule_keys_add(bt_rule_keys *keys, const bt_rule *rule, bt_error *error) {
  const walker w = {add_field, NULL, keys};
  walk_condition(&w, rule->when);
  walk_condition(&w, rule->always);
  walk_condition(&w, rule->never);
  walk_condition(&w, rule->condition);
  return keys->no_memory ? bt_error_no_memory(error) : BT_OK;
}

void bt_rule_keys_dispose(bt_rule_keys *keys) {
  free(keys->items);
  *keys = (bt_rule_keys){0};
}

bool bt_rule_keys_have(const bt_rule_keys *keys, bt_field_kind kind, bt_str key) {
  bool is_of_span = kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE;
  for (size_t i = 0; i < keys->count; i++) {
    bool is_kind = keys->items[i].kind == kind || (is_of_span && keys->items[i].kind == BT_FIELD_EITHER_ATTRIBUTE);
    if (is_kind && bt_str_equal(keys->items[i].key, key)) return true;
  }
  return false;
}
