/* What of a rule Tempo is not asked, because it cannot say it, or not for traces that lie in several blocks: a
 * sentence for people. Thread: no state. */
#include "server/replay/explain_parts.h"

typedef enum local_kind {
  LOCAL_ORDER,
  LOCAL_STRUCTURE,
  LOCAL_NUMBERS,
  LOCAL_OTHER_SPANS,
  LOCAL_ABSENCE,
  LOCAL_TRACE,
  LOCAL_EVENTS,
  LOCAL_KINDS
} local_kind;

static const char *const texts[LOCAL_KINDS] = {
    "order and distance in time",  "structure (under, child of, …)",
    "counts and other aggregates", "values compared between spans",
    "absence and negation",        "duration, root and size of the whole trace",
    "events and scopes",
};

typedef struct finder {
  bool found[LOCAL_KINDS];
} finder;

static void visit_selection(finder *f, const bt_selection *selection);
static void visit_expression(finder *f, const bt_expression *expression);

static void visit_field(finder *f, const bt_field *field) {
  if (field->kind >= BT_FIELD_TRACE_DURATION) f->found[LOCAL_TRACE] = true;
  if (field->kind >= BT_FIELD_SCOPE_NAME && field->kind <= BT_FIELD_EVENT_ATTRIBUTE) f->found[LOCAL_EVENTS] = true;
  if (field->binding != BT_NO_BINDING) f->found[LOCAL_OTHER_SPANS] = true;
}

static void visit_comparison(finder *f, const bt_comparison *comparison) {
  visit_expression(f, comparison->left);
  if (comparison->right) visit_expression(f, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) visit_expression(f, comparison->list[i]);
}

static void visit_expression(finder *f, const bt_expression *expression) {
  if (expression->kind == BT_EXPRESSION_FIELD) visit_field(f, &expression->field);
  if (expression->kind == BT_EXPRESSION_AGGREGATE) {
    f->found[LOCAL_NUMBERS] = true;
    visit_selection(f, expression->selection);
  }
  if (expression->left) visit_expression(f, expression->left);
  if (expression->right) visit_expression(f, expression->right);
}

static void visit_predicate(finder *f, const bt_predicate *predicate) {
  for (uint32_t i = 0; i < predicate->item_count; i++) visit_predicate(f, predicate->items[i]);
  if (predicate->kind == BT_PREDICATE_COMPARE) visit_comparison(f, &predicate->comparison);
  if (predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE)
    visit_field(f, &predicate->field);
  if (predicate->kind == BT_PREDICATE_EVENT) f->found[LOCAL_EVENTS] = true;
}

static void visit_relation(finder *f, const bt_relation *relation) {
  f->found[relation->kind >= BT_UNDER ? LOCAL_STRUCTURE : LOCAL_ORDER] = true;
  if (relation->first.binding == BT_NO_BINDING) visit_selection(f, relation->first.selection);
  if (relation->kind == BT_BETWEEN && relation->second.binding == BT_NO_BINDING)
    visit_selection(f, relation->second.selection);
}

static void visit_selection(finder *f, const bt_selection *selection) {
  visit_predicate(f, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) visit_relation(f, &selection->relations[i]);
}

static void visit_condition(finder *f, const bt_condition *condition) {
  for (uint32_t i = 0; i < condition->item_count; i++) visit_condition(f, condition->items[i]);
  if (condition->kind == BT_CONDITION_NOT) f->found[LOCAL_ABSENCE] = true;
  if (condition->kind == BT_CONDITION_EXISTS) visit_selection(f, condition->selection);
  if (condition->kind == BT_CONDITION_COMPARE) visit_comparison(f, &condition->comparison);
  if (condition->kind != BT_CONDITION_HAS_BEFORE && condition->kind != BT_CONDITION_HAS_AFTER) return;
  f->found[LOCAL_ORDER] = true;
  visit_selection(f, condition->selection);
  visit_selection(f, condition->other);
}

void bt_explain_local(const bt_rule *rule, bt_buffer *out) {
  finder f = {{false}};
  const bt_condition *const parts[] = {rule->condition, rule->when, rule->always, rule->never};
  bool any = false;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i]) visit_condition(&f, parts[i]);
  if (rule->always) f.found[LOCAL_ABSENCE] = true;
  for (size_t i = 0; i < LOCAL_KINDS; i++) {
    if (!f.found[i]) continue;
    bt_buffer_printf(out, "%s%s", any ? "; " : "", texts[i]);
    any = true;
  }
  if (!any) bt_buffer_append(out, BT_STR("nothing but the exact values of what was found"));
}
