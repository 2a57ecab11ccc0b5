/* The witnesses of a violating choice, by walking the rule's tree and looking at all spans. See ast_walk.h; what is
 * shown, in which order and how much of it is in dsl/evaluate/eval.h. */
#include "tests/bench/ast_walk.h"

typedef struct shown {
  ast_walk *walk;
  ast_choice *out;
} shown;

static void show(shown *s, uint32_t span, int binding, bt_range range) {
  ast_choice *out = s->out;
  if (out->witness_count < AST_MAX_WITNESSES)
    out->witnesses[out->witness_count++] = (bt_witness){span, binding, range, 0};
}

/* Of each relation's selection the first span that stands in it to `span`. */
static void show_related(shown *s, const bt_selection *selection, uint32_t span) {
  for (uint32_t r = 0; r < selection->relation_count; r++) {
    const bt_relation *relation = &selection->relations[r];
    const bt_selection *others = relation->first.selection;
    for (uint32_t i = 0; others && i < s->walk->trace->span_count; i++) {
      if (!ast_selection_holds(s->walk, others, i) || !ast_pair_holds(s->walk, relation, span, i)) continue;
      show(s, i, BT_NO_BINDING, others->range);
      break;
    }
  }
}

static void show_selection(shown *s, const bt_selection *selection) {
  uint32_t count = 0;
  if (selection->base_binding != BT_NO_BINDING) return;
  for (uint32_t i = 0; i < s->walk->trace->span_count && count < AST_MAX_WITNESSES_OF_SELECTION; i++) {
    if (!ast_selection_holds(s->walk, selection, i)) continue;
    if (count++ == 0) show_related(s, selection, i);
    show(s, i, BT_NO_BINDING, selection->range);
  }
}

static void show_extreme(shown *s, const bt_selection *selection, bool is_earliest) {
  const bt_span *spans = s->walk->trace->spans;
  uint32_t extreme = BT_NO_SPAN;
  for (uint32_t i = 0; i < s->walk->trace->span_count; i++) {
    if (!ast_selection_holds(s->walk, selection, i)) continue;
    if (extreme == BT_NO_SPAN ||
        (is_earliest ? spans[i].start_ns < spans[extreme].start_ns : spans[i].start_ns > spans[extreme].start_ns))
      extreme = i;
  }
  if (extreme != BT_NO_SPAN) show(s, extreme, BT_NO_BINDING, selection->range);
}

static void show_expression(shown *s, const bt_expression *expression) {
  if (expression->kind == BT_EXPRESSION_AGGREGATE) show_selection(s, expression->selection);
  if (expression->left) show_expression(s, expression->left);
  if (expression->right) show_expression(s, expression->right);
}

static void show_comparison(shown *s, const bt_comparison *comparison) {
  show_expression(s, comparison->left);
  if (comparison->right) show_expression(s, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) show_expression(s, comparison->list[i]);
}

static void show_condition(shown *s, const bt_rule *rule, const bt_condition *condition);

static bool binds_outside_choice(const bt_rule *rule, const bt_condition *item) {
  return item->kind == BT_CONDITION_EXISTS && item->binding != BT_NO_BINDING &&
         !rule->bindings[item->binding].in_choice;
}

/* Items from … of a conjunction. A binding takes the first span with which the rest holds; with none, all that match
 * are shown. */
static void show_conjunction(shown *s, const bt_rule *rule, const bt_condition *conjunction, uint32_t from) {
  for (uint32_t at = from; at < conjunction->item_count; at++) {
    const bt_condition *item = conjunction->items[at];
    if (!binds_outside_choice(rule, item)) {
      show_condition(s, rule, item);
      continue;
    }
    for (uint32_t i = 0; i < s->walk->trace->span_count; i++) {
      if (!ast_selection_holds(s->walk, item->selection, i)) continue;
      s->walk->bound[item->binding] = i;
      if (!ast_conjunction_holds(s->walk, conjunction, at + 1)) continue;
      show(s, i, item->binding, item->selection->range);
      show_related(s, item->selection, i);
      show_conjunction(s, rule, conjunction, at + 1);
      return;
    }
    show_selection(s, item->selection);
    return;
  }
}

static void show_condition(shown *s, const bt_rule *rule, const bt_condition *condition) {
  bool is_before = condition->kind == BT_CONDITION_HAS_BEFORE;
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: return;
  case BT_CONDITION_AND: show_conjunction(s, rule, condition, 0); return;
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++) show_condition(s, rule, condition->items[i]);
    return;
  case BT_CONDITION_NOT:
    if (ast_condition_holds(s->walk, condition->items[0])) show_condition(s, rule, condition->items[0]);
    return;
  case BT_CONDITION_EXISTS:
    if (condition->binding != BT_NO_BINDING && rule->bindings[condition->binding].in_choice)
      show_related(s, condition->selection, s->walk->bound[condition->binding]);
    else
      show_selection(s, condition->selection);
    return;
  case BT_CONDITION_COMPARE: show_comparison(s, &condition->comparison); return;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    show_extreme(s, condition->selection, is_before);
    show_extreme(s, condition->other, is_before);
    return;
  }
}

/* ---- the clause that failed ---- */

static bt_range first_false(ast_walk *walk, const bt_rule *rule, const bt_condition *condition) {
  for (uint32_t i = 0; condition->kind == BT_CONDITION_AND && i < condition->item_count; i++) {
    if (!ast_condition_holds(walk, condition->items[i])) return first_false(walk, rule, condition->items[i]);
    if (binds_outside_choice(rule, condition->items[i])) break;
  }
  return condition->range;
}

static bt_range first_true(ast_walk *walk, const bt_condition *condition) {
  for (uint32_t i = 0; condition->kind == BT_CONDITION_OR && i < condition->item_count; i++)
    if (ast_condition_holds(walk, condition->items[i])) return first_true(walk, condition->items[i]);
  return condition->range;
}

static bt_range failed_part(ast_walk *walk, const bt_rule *rule) {
  const bt_condition *bare = rule->condition;
  if (!bare && rule->always && !(rule->never && ast_condition_holds(walk, rule->never)))
    return first_false(walk, rule, rule->always);
  if (!bare) return first_true(walk, rule->never);
  for (uint32_t i = 0; bare->kind == BT_CONDITION_AND && i < bare->item_count; i++)
    if (bare->items[i]->kind == BT_CONDITION_NOT) return bare->items[i]->range;
  return bare->range;
}

/* ---- all of it ---- */

static bool comes_before(const bt_witness *a, const bt_witness *b) {
  if ((a->binding == BT_NO_BINDING) != (b->binding == BT_NO_BINDING)) return a->binding != BT_NO_BINDING;
  return a->binding != BT_NO_BINDING ? a->binding < b->binding : a->range.start < b->range.start;
}

static void sort_witnesses(ast_choice *out) {
  for (uint32_t i = 1; i < out->witness_count; i++) {
    bt_witness moved = out->witnesses[i];
    uint32_t place = i;
    for (; place > 0 && comes_before(&moved, &out->witnesses[place - 1]); place--)
      out->witnesses[place] = out->witnesses[place - 1];
    out->witnesses[place] = moved;
  }
}

void ast_walk_witnesses(ast_walk *walk, const bt_rule *rule, ast_choice *out) {
  shown s = {walk, out};
  const bt_condition *trigger = rule->condition ? rule->condition : rule->when;
  out->witness_count = 0;
  for (int i = 0; i < rule->binding_count; i++)
    if (rule->bindings[i].in_choice) show(&s, walk->bound[i], i, rule->bindings[i].range);
  if (trigger) show_condition(&s, rule, trigger);
  if (rule->always) show_condition(&s, rule, rule->always);
  if (rule->never) show_condition(&s, rule, rule->never);
  sort_witnesses(out);
  out->failed = failed_part(walk, rule);
}
