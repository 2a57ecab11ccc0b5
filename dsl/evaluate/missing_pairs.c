/* Comparisons that both sides lacked. See missing_pairs.h. */
#include "dsl/evaluate/missing_pairs.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dsl/evaluate/value_comparison.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

typedef struct pair_side {
  const bt_field *field;
  const bt_selection *selection; /* whose spans have it, or not */
} pair_side;

typedef struct missing_pair {
  const bt_comparison *comparison;
  pair_side sides[2];
  uint64_t met, lacking; /* traces with spans on both sides; with ones on both sides that lack it */
} missing_pair;

struct bt_missing_pairs {
  const bt_rule *rule;
  const bt_selection *bound[BT_MAX_BINDINGS];
  missing_pair *items;
  size_t count, capacity;
  bool no_memory;
};

/* ---- which comparisons ---- */

static void find_bound(bt_missing_pairs *pairs, const bt_condition *condition) {
  if (!condition) return;
  for (uint32_t i = 0; i < condition->item_count; i++) find_bound(pairs, condition->items[i]);
  if (condition->kind == BT_CONDITION_EXISTS && condition->binding != BT_NO_BINDING)
    pairs->bound[condition->binding] = condition->selection;
}

static bool is_attribute(const bt_expression *side) {
  return side && side->kind == BT_EXPRESSION_FIELD &&
         (side->field.kind == BT_FIELD_SPAN_ATTRIBUTE || side->field.kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
          side->field.kind == BT_FIELD_EITHER_ATTRIBUTE);
}

/* The spans have to have the attribute. */
static bool asks_for(const bt_predicate *predicate, const bt_field *field) {
  if (predicate->kind == BT_PREDICATE_EXISTS) return bt_str_equal(predicate->field.key, field->key);
  for (uint32_t i = 0; predicate->kind == BT_PREDICATE_AND && i < predicate->item_count; i++)
    if (asks_for(predicate->items[i], field)) return true;
  return false;
}

static bool find_side(const bt_missing_pairs *pairs, const bt_expression *side, const bt_selection *own,
                      pair_side *out) {
  *out = (pair_side){&side->field, side->field.binding == BT_NO_BINDING ? own : pairs->bound[side->field.binding]};
  return out->selection && !asks_for(out->selection->predicate, out->field);
}

/* `own`: the selection that it filters; NULL: it is about bound spans alone. */
static void add_pair(bt_missing_pairs *pairs, const bt_comparison *comparison, const bt_selection *own) {
  missing_pair pair = {.comparison = comparison};
  if (!is_attribute(comparison->left) || !is_attribute(comparison->right)) return;
  bool are_of_one = comparison->left->field.binding == comparison->right->field.binding;
  if (are_of_one || !find_side(pairs, comparison->left, own, &pair.sides[0]) ||
      !find_side(pairs, comparison->right, own, &pair.sides[1]))
    return;
  missing_pair *grown = bt_grow_array(pairs->items, pairs->count, &pairs->capacity, sizeof *grown);
  if (grown) {
    pairs->items = grown;
    pairs->items[pairs->count++] = pair;
  }
  pairs->no_memory = pairs->no_memory || !grown;
}

static void add_filters(bt_missing_pairs *pairs, const bt_selection *selection, const bt_predicate *predicate) {
  if (predicate->kind == BT_PREDICATE_COMPARE) add_pair(pairs, &predicate->comparison, selection);
  for (uint32_t i = 0; predicate->kind == BT_PREDICATE_AND && i < predicate->item_count; i++)
    add_filters(pairs, selection, predicate->items[i]);
}

static void visit_selection(void *context, const bt_selection *selection) {
  add_filters(context, selection, selection->predicate);
}

static void add_conditions(bt_missing_pairs *pairs, const bt_condition *condition) {
  if (!condition) return;
  if (condition->kind == BT_CONDITION_COMPARE) add_pair(pairs, &condition->comparison, NULL);
  for (uint32_t i = 0; condition->kind == BT_CONDITION_AND && i < condition->item_count; i++)
    add_conditions(pairs, condition->items[i]);
}

bt_status bt_missing_pairs_new(const bt_rule *rule, bt_missing_pairs **out, bt_error *error) {
  const bt_condition *const parts[] = {rule->when, rule->always, rule->never, rule->condition};
  bt_missing_pairs *pairs = *out = calloc(1, sizeof *pairs);
  if (!pairs) return bt_error_no_memory(error);
  pairs->rule = rule;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) find_bound(pairs, parts[i]);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) add_conditions(pairs, parts[i]);
  bt_rule_walk(rule, &(bt_rule_visitor){.on_selection = visit_selection, .context = pairs});
  if (!pairs->no_memory) return BT_OK;
  bt_missing_pairs_free(pairs);
  *out = NULL;
  return bt_error_no_memory(error);
}

void bt_missing_pairs_free(bt_missing_pairs *pairs) {
  if (!pairs) return;
  free(pairs->items);
  free(pairs);
}

/* ---- what is there ---- */

static bt_value value_of(const bt_field *field, const bt_span *span, char id_text[BT_SPAN_ID_HEX + 1]) {
  bt_field_names names = bt_names_of_field(field);
  bt_value value = bt_field_value(span, &names.items[0], NULL, id_text);
  for (uint32_t i = 1; i < names.count && bt_value_is_missing(&value); i++)
    value = bt_field_value(span, &names.items[i], NULL, id_text);
  return value;
}

/* Something of the span under test, and of no part of it. */
static bool is_own(const bt_field *field) {
  return field->binding == BT_NO_BINDING && !bt_field_is_of_trace(field->kind) && !bt_field_is_of_event(field->kind) &&
         !bt_field_is_of_link(field->kind);
}

/* Of a test against a literal, whether it may hold; of all others that is not known. */
static bool may_hold(const bt_comparison *comparison, const bt_span *span) {
  char id_text[BT_SPAN_ID_HEX + 1];
  const bt_expression *left = comparison->left, *right = comparison->right;
  bool is_against_literal = right && right->kind == BT_EXPRESSION_LITERAL;
  if (left->kind != BT_EXPRESSION_FIELD || !is_own(&left->field) || !is_against_literal) return true;
  bool is_word = left->field.kind == BT_FIELD_KIND || left->field.kind == BT_FIELD_STATUS;
  bt_comparator comparator = {.op = comparison->op, .pattern = comparison->pattern, .ignores_case = is_word};
  bt_work work = {.text_left = UINT64_MAX};
  bt_value value = value_of(&left->field, span, id_text);
  return bt_values_meet(&comparator, &value, &right->literal, &work) || work.status;
}

static bool may_exist(const bt_field *field, const bt_span *span) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value value = value_of(field, span, id_text);
  return !is_own(field) || !bt_value_is_missing(&value);
}

static bool may_select(const bt_predicate *predicate, const bt_span *span) {
  bool is_or = predicate->kind == BT_PREDICATE_OR;
  if (predicate->kind == BT_PREDICATE_NAMED)
    return bt_str_equal(span->name, predicate->name) || bt_str_equal(span->resource->service, predicate->name);
  if (predicate->kind == BT_PREDICATE_COMPARE) return may_hold(&predicate->comparison, span);
  if (predicate->kind == BT_PREDICATE_EXISTS) return may_exist(&predicate->field, span);
  if (!is_or && predicate->kind != BT_PREDICATE_AND) return true;
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if (may_select(predicate->items[i], span) == is_or) return is_or;
  return !is_or;
}

static void look_at_side(const pair_side *side, const bt_trace *trace, bool *has_some, bool *has_lacking) {
  char id_text[BT_SPAN_ID_HEX + 1];
  *has_some = *has_lacking = false;
  for (uint32_t i = 0; i < trace->span_count && !*has_lacking; i++) {
    if (!may_select(side->selection->predicate, &trace->spans[i])) continue;
    bt_value value = value_of(side->field, &trace->spans[i], id_text);
    *has_some = true;
    *has_lacking = bt_value_is_missing(&value);
  }
}

void bt_missing_pairs_look(bt_missing_pairs *pairs, const bt_trace *trace) {
  for (size_t i = 0; i < pairs->count; i++) {
    missing_pair *pair = &pairs->items[i];
    bool has_some[2], has_lacking[2];
    for (int k = 0; k < 2; k++) look_at_side(&pair->sides[k], trace, &has_some[k], &has_lacking[k]);
    pair->met += has_some[0] && has_some[1];
    pair->lacking += has_lacking[0] && has_lacking[1];
  }
}

void bt_missing_pairs_add(bt_missing_pairs *pairs, const bt_missing_pairs *others) {
  for (size_t i = 0; i < pairs->count; i++) {
    pairs->items[i].met += others->items[i].met;
    pairs->items[i].lacking += others->items[i].lacking;
  }
}

/* ---- the sentence ---- */

size_t bt_missing_pairs_count(const bt_missing_pairs *pairs) {
  size_t count = 0;
  for (size_t i = 0; i < pairs->count; i++) count += pairs->items[i].lacking > 0;
  return count;
}

void bt_missing_pairs_say(const bt_missing_pairs *pairs, size_t i, bt_buffer *out, bt_range *place) {
  const missing_pair *pair = pairs->items;
  while (!pair->lacking || i--) pair++;
  *place = pair->comparison->range;
  bt_str written = {pairs->rule->text.ptr + place->start, place->end - place->start};
  bt_buffer_printf(out,
                   "`%.*s` had spans on both sides that lack it in %" PRIu64 " of %" PRIu64
                   " trace%s: what is missing equals nothing. exists(…) asks for it, and an alias gives it other keys",
                   BT_FMT(written), pair->lacking, pair->met, pair->met == 1 ? "" : "s");
}
