/* The fields that rules read. See rule_keys.h. */
#include "server/rules/rule_keys.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/rule/rule_walk.h"

void bt_condition_visit(const bt_condition *condition, bt_predicate_visit visit, void *context) {
  const bt_rule_visitor visitor = {.on_predicate = visit, .context = context};
  bt_condition_walk(condition, &visitor);
}

void bt_condition_visit_comparisons(const bt_condition *condition, bt_comparison_visit visit, void *context) {
  const bt_rule_visitor visitor = {.on_comparison = visit, .context = context};
  bt_condition_walk(condition, &visitor);
}

/* ---- keys ---- */

static void add_field(void *context, const bt_field *field) {
  bt_rule_keys *keys = context;
  for (uint32_t i = 0; i < field->name_count; i++) add_field(context, &field->names[i]);
  if (field->name_count) return;
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
  const bt_rule_visitor visitor = {.on_field = add_field, .context = keys};
  bt_rule_walk(rule, &visitor);
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
