/* Evaluating rules by walking their trees. See ast_walk.h. */
#include "tests/bench/ast_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/value_comparison.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"

static void refuse(const char *what) {
  fprintf(stderr, "the plain walk does not know %s\n", what);
  exit(1);
}

static const bt_span *span_at(const ast_walk *walk, uint32_t span) {
  return &walk->trace->spans[span];
}

static int compare_identified(const void *left, const void *right) {
  const ast_identified *a = left, *b = right;
  return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
}

static void find_parents(ast_walk *walk) {
  uint32_t count = walk->trace->span_count;
  for (uint32_t i = 0; i < count; i++) walk->sorted[i] = (ast_identified){span_at(walk, i)->id, i};
  qsort(walk->sorted, count, sizeof *walk->sorted, compare_identified);
  for (uint32_t i = 0; i < count; i++) {
    ast_identified sought = {span_at(walk, i)->parent_id, 0};
    const ast_identified *found = bsearch(&sought, walk->sorted, count, sizeof *walk->sorted, compare_identified);
    walk->parents[i] = found ? found->span : BT_NO_SPAN;
  }
  walk->has_parents = true;
}

/* ---- values ---- */

static bt_value integer_value(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

static bool predicate_holds(ast_walk *walk, const bt_predicate *predicate, uint32_t span);

static bt_value field_value(ast_walk *walk, const bt_field *field, uint32_t span) {
  char id_text[BT_SPAN_ID_HEX + 1];
  const bt_trace *trace = walk->trace;
  if (field->kind == BT_FIELD_TRACE_DURATION) return integer_value(bt_trace_end_ns(trace) - bt_trace_start_ns(trace));
  if (field->kind == BT_FIELD_TRACE_SPAN_COUNT) return integer_value(trace->span_count);
  if (bt_field_is_of_trace(field->kind) || bt_field_is_of_event(field->kind) || bt_field_is_of_link(field->kind) ||
      field->kind == BT_FIELD_ID || field->kind == BT_FIELD_PARENT_ID)
    refuse("this field");
  uint32_t of = field->binding == BT_NO_BINDING ? span : walk->bound[field->binding];
  return bt_field_value(span_at(walk, of), field, NULL, id_text);
}

static double as_decimal(const bt_value *value) {
  return value->type == BT_VALUE_INT ? (double)value->integer : value->decimal;
}

static bt_value aggregate_value(ast_walk *walk, const bt_expression *expression) {
  int64_t count = 0, sum = 0;
  bt_value smallest = {0}, largest = {0};
  for (uint32_t i = 0; i < walk->trace->span_count; i++) {
    int order = 0;
    if (!ast_selection_holds(walk, expression->selection, i)) continue;
    count++;
    if (expression->aggregate == BT_AGGREGATE_COUNT) continue;
    if (expression->left->kind != BT_EXPRESSION_FIELD) refuse("a value that is worked out");
    bt_value value = field_value(walk, &expression->left->field, i);
    if (value.type != BT_VALUE_INT) continue;
    sum += value.integer;
    if (!bt_value_compare_numbers(&value, &smallest, &order) || order < 0) smallest = value;
    if (!bt_value_compare_numbers(&value, &largest, &order) || order > 0) largest = value;
  }
  if (expression->aggregate == BT_AGGREGATE_COUNT) return integer_value(count);
  if (expression->aggregate == BT_AGGREGATE_SUM) return integer_value(sum);
  if (expression->aggregate == BT_AGGREGATE_AVG) refuse("avg");
  if (expression->aggregate == BT_AGGREGATE_COUNT_DISTINCT) refuse("count_distinct");
  return expression->aggregate == BT_AGGREGATE_MIN ? smallest : largest;
}

static bt_value expression_value(ast_walk *walk, const bt_expression *expression, uint32_t span);

static bt_value sum_or_product(ast_walk *walk, const bt_expression *expression, uint32_t span) {
  bt_value left = expression_value(walk, expression->left, span),
           right = expression_value(walk, expression->right, span);
  bool both = left.type == BT_VALUE_INT && right.type == BT_VALUE_INT;
  if (bt_value_is_missing(&left) || bt_value_is_missing(&right)) return (bt_value){0};
  if (both && expression->kind == BT_EXPRESSION_ADD) return integer_value(left.integer + right.integer);
  if (both && expression->kind == BT_EXPRESSION_SUBTRACT) return integer_value(left.integer - right.integer);
  if (both && expression->kind == BT_EXPRESSION_MULTIPLY) return integer_value(left.integer * right.integer);
  if (expression->kind != BT_EXPRESSION_MULTIPLY) refuse("this arithmetic");
  return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = as_decimal(&left) * as_decimal(&right)};
}

static bt_value literal_value(const bt_value *literal) {
  return literal->type == BT_VALUE_DURATION ? integer_value(literal->duration_ns) : *literal;
}

static bt_value expression_value(ast_walk *walk, const bt_expression *expression, uint32_t span) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: return literal_value(&expression->literal);
  case BT_EXPRESSION_FIELD: return field_value(walk, &expression->field, span);
  case BT_EXPRESSION_AGGREGATE: return aggregate_value(walk, expression);
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY: return sum_or_product(walk, expression, span);
  case BT_EXPRESSION_NEGATE:
  case BT_EXPRESSION_PART_COUNT:
  case BT_EXPRESSION_DIVIDE: break;
  }
  refuse("this expression");
  return (bt_value){0};
}

static bool values_meet(const bt_comparator *comparator, const bt_value *left, const bt_value *right) {
  bt_work work = {.text_left = UINT64_MAX};
  bool holds = bt_values_meet(comparator, left, right, &work);
  if (work.status != BT_OK) refuse("a pattern without memory");
  return holds;
}

static bool comparison_holds(ast_walk *walk, const bt_comparison *comparison, uint32_t span) {
  bt_comparator comparator = {.op = comparison->op, .pattern = comparison->pattern};
  bt_value left = expression_value(walk, comparison->left, span), right;
  if (comparison->op != BT_IN && comparison->op != BT_NOT_IN) {
    right = expression_value(walk, comparison->right, span);
    return values_meet(&comparator, &left, &right);
  }
  comparator.op = BT_EQUAL;
  bool is_in = false;
  for (uint32_t i = 0; i < comparison->list_count && !is_in; i++) {
    right = expression_value(walk, comparison->list[i], span);
    is_in = values_meet(&comparator, &left, &right);
  }
  return comparison->op == BT_IN ? is_in : !is_in && !bt_value_is_missing(&left);
}

/* ---- one span ---- */

static bool items_hold(ast_walk *walk, const bt_predicate *predicate, uint32_t span) {
  bool is_and = predicate->kind == BT_PREDICATE_AND;
  for (uint32_t i = 0; i < predicate->item_count; i++)
    if (predicate_holds(walk, predicate->items[i], span) != is_and) return !is_and;
  return is_and;
}

static bool is_true(ast_walk *walk, const bt_predicate *predicate, uint32_t span) {
  bt_value value = field_value(walk, &predicate->field, span);
  return value.type == BT_VALUE_BOOL && value.boolean;
}

static bool predicate_holds(ast_walk *walk, const bt_predicate *predicate, uint32_t span) {
  const bt_span *tested = span_at(walk, span);
  bt_value value;
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return true;
  case BT_PREDICATE_FALSE: return false;
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR: return items_hold(walk, predicate, span);
  case BT_PREDICATE_NOT: return !predicate_holds(walk, predicate->items[0], span);
  case BT_PREDICATE_NAMED:
    return bt_str_equal(tested->name, predicate->name) || bt_str_equal(tested->resource->service, predicate->name);
  case BT_PREDICATE_COMPARE: return comparison_holds(walk, &predicate->comparison, span);
  case BT_PREDICATE_EXISTS: value = field_value(walk, &predicate->field, span); return !bt_value_is_missing(&value);
  case BT_PREDICATE_IS_TRUE: return is_true(walk, predicate, span);
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: break;
  }
  refuse("event predicates");
  return false;
}

static bool is_under(const ast_walk *walk, uint32_t span, uint32_t ancestor) {
  uint32_t at = walk->parents[span];
  while (at != BT_NO_SPAN && at != ancestor) at = walk->parents[at];
  return at == ancestor;
}

static bool is_near(int64_t a, int64_t b, int64_t within_ns) {
  return within_ns < 0 || (a > b ? a - b : b - a) <= within_ns;
}

static bool structure_holds(ast_walk *walk, bt_relation_kind kind, uint32_t span, uint32_t other) {
  if (!walk->has_parents) find_parents(walk);
  if (kind == BT_UNDER) return is_under(walk, span, other);
  if (kind == BT_ABOVE) return is_under(walk, other, span);
  return kind == BT_CHILD_OF ? walk->parents[span] == other : walk->parents[other] == span;
}

bool ast_pair_holds(ast_walk *walk, const bt_relation *relation, uint32_t span, uint32_t other) {
  int64_t start_ns = span_at(walk, span)->start_ns;
  int64_t point_ns = relation->first_is_end ? span_at(walk, other)->end_ns : span_at(walk, other)->start_ns;
  bool near = is_near(start_ns, point_ns, relation->within_ns);
  switch (relation->kind) {
  case BT_BEFORE: return start_ns < point_ns && near;
  case BT_AFTER: return start_ns > point_ns && near;
  case BT_WITHIN_OF: return near;
  case BT_UNDER:
  case BT_ABOVE:
  case BT_CHILD_OF:
  case BT_PARENT_OF: return structure_holds(walk, relation->kind, span, other);
  case BT_BETWEEN:
  case BT_SIBLING_OF:
  case BT_LINKED_TO:
  case BT_LINKED_FROM:
  case BT_DOWNSTREAM_OF:
  case BT_FIRST_OF:
  case BT_LAST_OF: break;
  }
  refuse("this relation");
  return false;
}

static bool relation_holds(ast_walk *walk, const bt_relation *relation, uint32_t span) {
  const bt_reference *reference = &relation->first;
  if (reference->binding != BT_NO_BINDING) return ast_pair_holds(walk, relation, span, walk->bound[reference->binding]);
  for (uint32_t i = 0; i < walk->trace->span_count; i++)
    if (ast_selection_holds(walk, reference->selection, i) && ast_pair_holds(walk, relation, span, i)) return true;
  return false;
}

bool ast_selection_holds(ast_walk *walk, const bt_selection *selection, uint32_t span) {
  if (selection->base_binding != BT_NO_BINDING && walk->bound[selection->base_binding] != span) return false;
  if (!predicate_holds(walk, selection->predicate, span)) return false;
  for (uint32_t i = 0; i < selection->relation_count; i++)
    if (!relation_holds(walk, &selection->relations[i], span)) return false;
  return true;
}

/* ---- conditions ---- */

static bool exists(ast_walk *walk, const bt_selection *selection) {
  for (uint32_t i = 0; i < walk->trace->span_count; i++)
    if (ast_selection_holds(walk, selection, i)) return true;
  return false;
}

static bool has_beyond(ast_walk *walk, const bt_condition *condition) {
  bool is_before = condition->kind == BT_CONDITION_HAS_BEFORE, is_found = false;
  int64_t extreme_ns = 0;
  for (uint32_t i = 0; i < walk->trace->span_count; i++) {
    if (!ast_selection_holds(walk, condition->other, i)) continue;
    int64_t start_ns = span_at(walk, i)->start_ns;
    if (!is_found || (is_before ? start_ns < extreme_ns : start_ns > extreme_ns)) extreme_ns = start_ns;
    is_found = true;
  }
  for (uint32_t i = 0; i < walk->trace->span_count && is_found; i++) {
    int64_t start_ns = span_at(walk, i)->start_ns;
    bool is_beyond = is_before ? start_ns < extreme_ns : start_ns > extreme_ns;
    if (is_beyond && ast_selection_holds(walk, condition->selection, i)) return true;
  }
  return false;
}

bool ast_conjunction_holds(ast_walk *walk, const bt_condition *conjunction, uint32_t from) {
  for (uint32_t at = from; at < conjunction->item_count; at++) {
    const bt_condition *item = conjunction->items[at];
    if (item->kind != BT_CONDITION_EXISTS || item->binding == BT_NO_BINDING) {
      if (!ast_condition_holds(walk, item)) return false;
      continue;
    }
    for (uint32_t i = 0; i < walk->trace->span_count; i++) {
      if (!ast_selection_holds(walk, item->selection, i)) continue;
      walk->bound[item->binding] = i;
      if (ast_conjunction_holds(walk, conjunction, at + 1)) return true;
    }
    return false;
  }
  return true;
}

static bool some_item_holds(ast_walk *walk, const bt_condition *condition) {
  for (uint32_t i = 0; i < condition->item_count; i++)
    if (ast_condition_holds(walk, condition->items[i])) return true;
  return false;
}

bool ast_condition_holds(ast_walk *walk, const bt_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE: return true;
  case BT_CONDITION_FALSE: return false;
  case BT_CONDITION_AND: return ast_conjunction_holds(walk, condition, 0);
  case BT_CONDITION_OR: return some_item_holds(walk, condition);
  case BT_CONDITION_NOT: return !ast_condition_holds(walk, condition->items[0]);
  case BT_CONDITION_EXISTS: return exists(walk, condition->selection);
  case BT_CONDITION_COMPARE: return comparison_holds(walk, &condition->comparison, BT_NO_SPAN);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: return has_beyond(walk, condition);
  }
  return false;
}

/* ---- rules ---- */

typedef struct choices {
  ast_walk *walk;
  const bt_rule *rule;
  const bt_condition *const *conjuncts;
  uint32_t count;
  ast_answer *answer; /* NULL: the verdict alone */
  bool was_met; /* by some choice: the trigger; for an answer without the negative conjuncts of a bare condition */
  uint64_t violating;
  uint32_t kept[AST_MAX_CHOICES + 1][BT_MAX_BINDINGS]; /* bound spans of the first ones by start times and then ids */
  uint32_t kept_count;
} choices;

static int compare_spans(const bt_span *a, const bt_span *b, bool by_ids) {
  if (by_ids) return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
  return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static bool comes_before(const choices *c, const uint32_t *a, const uint32_t *b) {
  int order = 0;
  for (int by_ids = 0; by_ids < 2; by_ids++)
    for (int i = 0; i < c->rule->binding_count && order == 0; i++)
      if (c->rule->bindings[i].in_choice) order = compare_spans(span_at(c->walk, a[i]), span_at(c->walk, b[i]), by_ids);
  return order < 0;
}

static void keep_choice(choices *c) {
  uint32_t place = c->kept_count;
  while (place > 0 && comes_before(c, c->walk->bound, c->kept[place - 1])) place--;
  if (place == AST_MAX_CHOICES) return;
  memmove(c->kept[place + 1], c->kept[place], (c->kept_count - place) * sizeof c->kept[0]);
  memcpy(c->kept[place], c->walk->bound, sizeof c->kept[0]);
  if (c->kept_count < AST_MAX_CHOICES) c->kept_count++;
}

static void finish_choice(choices *c, bool is_triggered) {
  const bt_rule *rule = c->rule;
  c->was_met = true;
  if (!is_triggered) return;
  bool fails = rule->condition != NULL || (rule->always && !ast_condition_holds(c->walk, rule->always));
  if (!fails && !(rule->never && ast_condition_holds(c->walk, rule->never))) return;
  c->violating++;
  if (c->answer) keep_choice(c);
}

/* For an answer the search goes on behind a negative conjunct that is false: whether the rule was exercised is still to
 * be seen. */
static void search(choices *c, uint32_t at, bool is_triggered) {
  for (; at < c->count; at++) {
    const bt_condition *item = c->conjuncts[at];
    bool binds = item->kind == BT_CONDITION_EXISTS && item->binding != BT_NO_BINDING;
    if (!is_triggered && c->was_met) return;
    if (binds && c->rule->bindings[item->binding].in_choice) {
      for (uint32_t i = 0; i < c->walk->trace->span_count; i++) {
        if (!ast_selection_holds(c->walk, item->selection, i)) continue;
        c->walk->bound[item->binding] = i;
        search(c, at + 1, is_triggered);
      }
      return;
    }
    bool is_negative = c->answer && c->rule->condition && item->kind == BT_CONDITION_NOT;
    if (is_negative)
      is_triggered = is_triggered && ast_condition_holds(c->walk, item);
    else if (!ast_condition_holds(c->walk, item))
      return;
  }
  finish_choice(c, is_triggered);
}

/* Not all of it is set to zero: the room for choices is large. */
static ast_verdict search_all(choices *c, ast_walk *walk, const bt_rule *rule, ast_answer *answer) {
  const bt_condition *const *trigger = (const bt_condition *const *)(rule->condition ? &rule->condition : &rule->when);
  bool is_and = *trigger && (*trigger)->kind == BT_CONDITION_AND;
  c->walk = walk;
  c->rule = rule;
  c->answer = answer;
  c->conjuncts = is_and ? (const bt_condition *const *)(*trigger)->items : trigger;
  c->count = is_and ? (*trigger)->item_count : *trigger != NULL;
  c->was_met = false;
  c->violating = 0;
  c->kept_count = 0;
  search(c, 0, true);
  if (c->violating) return (ast_verdict){BT_VIOLATED, c->violating};
  return (ast_verdict){rule->when && !c->was_met ? BT_NOT_APPLICABLE : BT_SATISFIED, 0};
}

ast_verdict ast_walk_rule(ast_walk *walk, const bt_rule *rule) {
  choices c;
  return search_all(&c, walk, rule, NULL);
}

void ast_walk_answer(ast_walk *walk, const bt_rule *rule, ast_answer *out) {
  choices c;
  ast_verdict found = search_all(&c, walk, rule, out);
  out->verdict = found.verdict;
  out->exercised = c.was_met || bt_rule_is_exercised_by_all(rule) ? BT_TRUE : BT_FALSE;
  out->choice_total = found.violating;
  out->choice_count = c.kept_count;
  for (uint32_t i = 0; i < c.kept_count; i++) {
    memcpy(walk->bound, c.kept[i], sizeof c.kept[i]);
    ast_walk_witnesses(walk, rule, &out->choices[i]);
  }
}
