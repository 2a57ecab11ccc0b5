/* What conditions of a sampler cannot say. See sampler_notes.h. */
#include "server/sampler/sampler_notes.h"

#include <stdbool.h>

#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"
#include "server/sampler/ottl_dialect.h"

typedef enum note {
  NOTE_ORDER,
  NOTE_STRUCTURE,
  NOTE_LINKED,
  NOTE_AGGREGATE,
  NOTE_BOUND,
  NOTE_TRACE,
  NOTE_EVENT,
  NOTE_NO_EVENT,
  NOTE_PART_COUNT,
  NOTE_FIELD,
  NOTES
} note;

static const char *const words[NOTES] = {"order and time between spans",
                                         "who is whose parent",
                                         "linked traces (a trace that is linked is not kept for it)",
                                         "counts and other aggregates",
                                         "values of bound spans",
                                         "values of the whole trace",
                                         "several tests of events on one span",
                                         "that a span has no such event",
                                         "how many events or links a span has",
                                         "fields of a span that conditions do not compare"};

typedef struct note_walk {
  bool found[NOTES];
  unsigned event_fields; /* of the selection so far */
} note_walk;

static void note_relation(void *context, const bt_relation *relation) {
  bool *found = ((note_walk *)context)->found;
  if (bt_relation_is_linked(relation->kind))
    found[NOTE_LINKED] = true;
  else if (bt_relation_is_family(relation->kind))
    found[NOTE_STRUCTURE] = true;
  else
    found[NOTE_ORDER] = true;
}

static void note_expression(bool *found, const bt_expression *expression) {
  if (!expression) return;
  if (expression->kind == BT_EXPRESSION_AGGREGATE) found[NOTE_AGGREGATE] = true;
  if (expression->kind == BT_EXPRESSION_PART_COUNT) found[NOTE_PART_COUNT] = true;
  note_expression(found, expression->left);
  note_expression(found, expression->right);
}

static bool is_literal(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_LITERAL ||
         (expression->kind == BT_EXPRESSION_NEGATE && is_literal(expression->left));
}

static bool is_bound(const bt_expression *expression) {
  return expression && expression->kind == BT_EXPRESSION_FIELD && expression->field.binding != BT_NO_BINDING;
}

/* A condition compares a field with a literal. */
static void note_comparison(void *context, const bt_comparison *comparison) {
  bool *found = ((note_walk *)context)->found;
  bool is_of_field = comparison->left->kind == BT_EXPRESSION_FIELD;
  bool is_with_literal = !comparison->right || is_literal(comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) {
    note_expression(found, comparison->list[i]);
    is_with_literal = is_with_literal && is_literal(comparison->list[i]);
  }
  note_expression(found, comparison->left);
  note_expression(found, comparison->right);
  if (is_of_field && !is_with_literal) found[is_bound(comparison->right) ? NOTE_BOUND : NOTE_FIELD] = true;
}

static bool is_about_event(const bt_predicate *predicate) {
  bool is_of_event = predicate->kind == BT_PREDICATE_EVENT;
  const bt_field *field =
      predicate->kind == BT_PREDICATE_EXISTS || predicate->kind == BT_PREDICATE_IS_TRUE ? &predicate->field : NULL;
  if (predicate->kind == BT_PREDICATE_COMPARE && predicate->comparison.left->kind == BT_EXPRESSION_FIELD)
    field = &predicate->comparison.left->field;
  is_of_event = is_of_event || (field && bt_field_is_of_event(field->kind));
  for (uint32_t i = 0; i < predicate->item_count && !is_of_event; i++)
    is_of_event = is_about_event(predicate->items[i]);
  return is_of_event;
}

static void note_predicate(void *context, const bt_predicate *predicate) {
  bool *found = ((note_walk *)context)->found;
  if (predicate->kind == BT_PREDICATE_EVENT) found[NOTE_EVENT] = true;
  if (predicate->kind == BT_PREDICATE_NOT && is_about_event(predicate)) found[NOTE_NO_EVENT] = true;
}

static void note_selection(void *context, const bt_selection *selection) {
  (void)selection;
  ((note_walk *)context)->event_fields = 0;
}

static void note_field(void *context, const bt_field *field) {
  note_walk *walk = context;
  if (bt_field_is_of_trace(field->kind))
    walk->found[NOTE_TRACE] = true;
  else if (field->kind == BT_FIELD_EVENT_TIME || bt_ottl_has_no_field(field->kind))
    walk->found[NOTE_FIELD] = true;
  if (field->binding != BT_NO_BINDING) walk->found[NOTE_BOUND] = true;
  if (bt_field_is_of_event(field->kind) && ++walk->event_fields > 1) walk->found[NOTE_EVENT] = true;
}

/* The walk shows no conditions. */
static bool asks_order(const bt_condition *condition) {
  if (!condition) return false;
  if (condition->kind == BT_CONDITION_HAS_BEFORE || condition->kind == BT_CONDITION_HAS_AFTER) return true;
  for (uint32_t i = 0; i < condition->item_count; i++)
    if (asks_order(condition->items[i])) return true;
  return false;
}

void bt_sampler_notes(const bt_rule *rule, bt_buffer *out) {
  note_walk walk = {.event_fields = 0};
  bool *found = walk.found;
  const bt_rule_visitor visitor = {.on_predicate = note_predicate,
                                   .on_comparison = note_comparison,
                                   .on_relation = note_relation,
                                   .on_selection_begins = note_selection,
                                   .on_field = note_field,
                                   .context = &walk};
  bt_rule_walk(rule, &visitor);
  found[NOTE_ORDER] = found[NOTE_ORDER] || asks_order(rule->when) || asks_order(rule->always) ||
                      asks_order(rule->never) || asks_order(rule->condition);
  for (int i = 0; i < NOTES; i++) {
    if (!found[i]) continue;
    if (out->len) bt_buffer_append(out, BT_STR("; "));
    bt_buffer_append(out, bt_str_from(words[i]));
  }
}
