/* Proofs that what violates one rule violates another. See implication.h.
 *
 * A trace violates a rule when some choice meets `when` and then fails `always` or meets `never`. So the proof takes a
 * choice of the one rule with each way to be violated, as facts, and asks whether they entail the other rule's `when`
 * and one of its ways. Two bindings are a pair where they are known to be the same span. */
#include "dsl/example/implication.h"

#include <math.h>
#include <string.h>

enum { MAX_FACTS = 64, MAX_STEPS = 20000 };

/* A condition or a test of one span, or its opposite. */
typedef struct node {
  const bt_condition *condition; /* or NULL and: */
  const bt_predicate *predicate;
  bool is_negative;
} node;

typedef struct facts {
  node items[MAX_FACTS];
  uint32_t count;
} facts;

typedef struct proof {
  int pair[BT_MAX_BINDINGS]; /* of the binding with that number of the first rule: that of the second; else −1 */
  bool is_swapped;           /* facts are of the second rule, and what is asked of the first */
  uint32_t steps, depth;
} proof;

typedef enum shape { SHAPE_ALL, SHAPE_SOME, SHAPE_TRUE, SHAPE_FALSE, SHAPE_ATOM } shape;

static bool facts_entail(proof *p, const facts *from, node goal);
static bool selects_within(proof *p, const bt_selection *from, const bt_selection *to);

/* ---- nodes ---- */

static node of_condition(const bt_condition *condition) {
  return (node){.condition = condition};
}

static node of_predicate(const bt_predicate *predicate) {
  return (node){.predicate = predicate};
}

static node opposite_of(node n) {
  n.is_negative = !n.is_negative;
  return n;
}

static uint32_t item_count(node n) {
  return n.condition ? n.condition->item_count : n.predicate->item_count;
}

static node item_of(node n, uint32_t i) {
  node item = n.condition ? of_condition(n.condition->items[i]) : of_predicate(n.predicate->items[i]);
  item.is_negative = n.is_negative;
  return item;
}

/* Without the nots around it. */
static node without_nots(node n) {
  while (n.condition ? n.condition->kind == BT_CONDITION_NOT : n.predicate->kind == BT_PREDICATE_NOT)
    n = opposite_of(item_of(n, 0));
  return n;
}

static shape shape_of(node n) {
  bool is_all = n.condition ? n.condition->kind == BT_CONDITION_AND : n.predicate->kind == BT_PREDICATE_AND;
  bool is_some = n.condition ? n.condition->kind == BT_CONDITION_OR : n.predicate->kind == BT_PREDICATE_OR;
  bool is_true = n.condition ? n.condition->kind == BT_CONDITION_TRUE : n.predicate->kind == BT_PREDICATE_TRUE;
  bool is_false = n.condition ? n.condition->kind == BT_CONDITION_FALSE : n.predicate->kind == BT_PREDICATE_FALSE;
  if (is_all || is_some) return is_all != n.is_negative ? SHAPE_ALL : SHAPE_SOME;
  if (is_true || is_false) return is_true != n.is_negative ? SHAPE_TRUE : SHAPE_FALSE;
  return SHAPE_ATOM;
}

/* An item binds a span for the others: of the opposite nothing can be said item by item. */
static bool has_bindings(node n) {
  for (uint32_t i = 0; n.condition && i < n.condition->item_count; i++)
    if (n.condition->items[i]->kind == BT_CONDITION_EXISTS && n.condition->items[i]->binding >= 0) return true;
  return false;
}

/* ---- the same of both rules ---- */

static bool are_same_span(const proof *p, int of_fact, int of_goal) {
  if (of_fact < 0 || of_goal < 0) return of_fact < 0 && of_goal < 0;
  return p->is_swapped ? p->pair[of_goal] == of_fact : p->pair[of_fact] == of_goal;
}

static bool is_same_field(const proof *p, const bt_field *a, const bt_field *b) {
  return a->kind == b->kind && bt_str_equal(a->key, b->key) && are_same_span(p, a->binding, b->binding);
}

static bool is_same_value(const bt_value *a, const bt_value *b) {
  if (a->type != b->type) return false;
  switch ((int)a->type) {
  case BT_VALUE_STRING: return bt_str_equal(a->string, b->string);
  case BT_VALUE_BOOL: return a->boolean == b->boolean;
  case BT_VALUE_DOUBLE: return bt_double_is_same(a->decimal, b->decimal);
  case BT_VALUE_INT:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: return a->integer == b->integer;
  default: return false;
  }
}

static bool selects_the_same(proof *p, const bt_selection *a, const bt_selection *b) {
  if (!selects_within(p, a, b)) return false;
  p->is_swapped = !p->is_swapped;
  bool is_same = selects_within(p, b, a);
  p->is_swapped = !p->is_swapped;
  return is_same;
}

static bool entails_predicate(proof *p, const bt_predicate *from, const bt_predicate *to);

static bool is_same_test(proof *p, const bt_predicate *a, const bt_predicate *b) {
  if (!entails_predicate(p, a, b)) return false;
  p->is_swapped = !p->is_swapped;
  bool is_same = entails_predicate(p, b, a);
  p->is_swapped = !p->is_swapped;
  return is_same;
}

static bool is_same_expression(proof *p, const bt_expression *a, const bt_expression *b) {
  if (!a || !b) return !a && !b;
  if (a->kind != b->kind || a->type != b->type) return false;
  switch ((int)a->kind) {
  case BT_EXPRESSION_LITERAL: return is_same_value(&a->literal, &b->literal);
  case BT_EXPRESSION_FIELD: return is_same_field(p, &a->field, &b->field);
  case BT_EXPRESSION_AGGREGATE:
    return a->aggregate == b->aggregate && selects_the_same(p, a->selection, b->selection) &&
           is_same_expression(p, a->left, b->left);
  case BT_EXPRESSION_PART_COUNT: return is_same_test(p, a->part, b->part);
  default: return is_same_expression(p, a->left, b->left) && is_same_expression(p, a->right, b->right);
  }
}

/* ---- comparisons ---- */

/* An order of two literals of one kind: numbers, or durations. */
static bool order_of(const bt_value *a, const bt_value *b, int *order) {
  if (a->type == BT_VALUE_DURATION && b->type == BT_VALUE_DURATION) {
    *order = (a->duration_ns > b->duration_ns) - (a->duration_ns < b->duration_ns);
    return true;
  }
  return bt_value_is_number(a) && bt_value_is_number(b) && bt_value_compare_numbers(a, b, order);
}

/* Whether `x from a` gives `x to b`, for each x. */
static bool is_bound_within(bt_comparison_operator from, const bt_value *a, bt_comparison_operator to,
                            const bt_value *b) {
  int order = 0;
  if (from == to && is_same_value(a, b)) return true;
  if (!order_of(a, b, &order)) return false;
  bool is_least = from == BT_GREATER || from == BT_GREATER_EQUAL, is_most = from == BT_LESS || from == BT_LESS_EQUAL;
  if (from != BT_EQUAL && !is_least && !is_most) return false;
  switch ((int)to) {
  case BT_EQUAL: return from == BT_EQUAL && order == 0;
  case BT_GREATER: return !is_most && (order > 0 || (order == 0 && from == BT_GREATER));
  case BT_GREATER_EQUAL: return !is_most && order >= 0;
  case BT_LESS: return !is_least && (order < 0 || (order == 0 && from == BT_LESS));
  case BT_LESS_EQUAL: return !is_least && order <= 0;
  default: return false;
  }
}

static bool is_literal(const bt_expression *expression) {
  return expression && expression->kind == BT_EXPRESSION_LITERAL;
}

static bool value_meets(bt_comparison_operator op, const bt_value *value, const bt_comparison *to) {
  if (to->op != BT_IN) return is_literal(to->right) && is_bound_within(op, value, to->op, &to->right->literal);
  for (uint32_t i = 0; i < to->list_count; i++)
    if (is_literal(to->list[i]) && is_bound_within(op, value, BT_EQUAL, &to->list[i]->literal)) return true;
  return false;
}

static bool is_same_list(proof *p, const bt_comparison *from, const bt_comparison *to) {
  if (from->list_count != to->list_count) return false;
  for (uint32_t i = 0; i < from->list_count; i++)
    if (!is_same_expression(p, from->list[i], to->list[i])) return false;
  return true;
}

static bool compares_within(proof *p, const bt_comparison *from, const bt_comparison *to) {
  if (!is_same_expression(p, from->left, to->left)) return false;
  if (from->op == to->op && is_same_expression(p, from->right, to->right) && is_same_list(p, from, to)) return true;
  if (from->op == BT_IN) {
    for (uint32_t i = 0; i < from->list_count; i++)
      if (!is_literal(from->list[i]) || !value_meets(BT_EQUAL, &from->list[i]->literal, to)) return false;
    return from->list_count > 0;
  }
  return is_literal(from->right) && value_meets(from->op, &from->right->literal, to);
}

/* ---- how many ---- */

typedef struct bound { /* of how many spans there are */
  const bt_selection *selection;
  bool is_least;
  double number;
} bound;

static bool bound_of(node n, bound *out) {
  const bt_condition *c = n.condition;
  if (c && c->kind == BT_CONDITION_EXISTS) {
    *out = (bound){c->selection, !n.is_negative, n.is_negative ? 0 : 1};
    return true;
  }
  if (!c || c->kind != BT_CONDITION_COMPARE || !bt_operator_is_ordering(c->comparison.op)) return false;
  const bt_expression *left = c->comparison.left, *right = c->comparison.right;
  bool is_count = left->kind == BT_EXPRESSION_AGGREGATE && left->aggregate == BT_AGGREGATE_COUNT;
  if (!is_count || !is_literal(right) || !bt_value_is_number(&right->literal)) return false;
  double number = right->literal.type == BT_VALUE_INT ? (double)right->literal.integer : right->literal.decimal;
  if (!(fabs(number) < 1e15)) return false;
  bt_comparison_operator op = c->comparison.op;
  bool is_least = op == BT_GREATER || op == BT_GREATER_EQUAL, holds_it = op == BT_GREATER_EQUAL || op == BT_LESS_EQUAL;
  if (n.is_negative) is_least = !is_least, holds_it = !holds_it;
  double whole = is_least ? ceil(number) : floor(number);
  if (!holds_it && whole == number) whole += is_least ? 1 : -1;
  *out = (bound){left->selection, is_least, whole};
  return true;
}

static bool counts_within(proof *p, const bound *from, const bound *to) {
  if (from->is_least != to->is_least) return false;
  if (from->is_least) return from->number >= to->number && selects_within(p, from->selection, to->selection);
  if (from->number > to->number) return false;
  p->is_swapped = !p->is_swapped;
  bool is_within = selects_within(p, to->selection, from->selection);
  p->is_swapped = !p->is_swapped;
  return is_within;
}

/* ---- selections ---- */

static bool refers_within(proof *p, const bt_reference *from, const bt_reference *to) {
  if (from->binding >= 0 || to->binding >= 0) return are_same_span(p, from->binding, to->binding);
  if (!from->selection || !to->selection) return !from->selection && !to->selection;
  return selects_within(p, from->selection, to->selection);
}

static bool relates_within(proof *p, const bt_relation *from, const bt_relation *to) {
  bool is_narrower =
      (from->kind == BT_CHILD_OF && to->kind == BT_UNDER) || (from->kind == BT_PARENT_OF && to->kind == BT_ABOVE);
  if (from->kind != to->kind && !is_narrower) return false;
  if (bt_relation_is_pick(from->kind)) return selects_the_same(p, from->first.selection, to->first.selection);
  bool is_nearer = to->within_ns < 0 || (from->within_ns >= 0 && from->within_ns <= to->within_ns);
  return is_nearer && from->first_is_end == to->first_is_end && from->second_is_end == to->second_is_end &&
         from->max_links <= to->max_links && refers_within(p, &from->first, &to->first) &&
         (from->kind != BT_BETWEEN || refers_within(p, &from->second, &to->second));
}

static bool selects_within(proof *p, const bt_selection *from, const bt_selection *to) {
  if (++p->steps > MAX_STEPS || from->is_foreign != to->is_foreign) return false;
  if (to->base_binding >= 0 && !are_same_span(p, from->base_binding, to->base_binding)) return false;
  for (uint32_t i = 0; i < to->relation_count; i++) {
    bool is_met = false;
    for (uint32_t j = 0; j < from->relation_count && !is_met; j++)
      is_met = relates_within(p, &from->relations[j], &to->relations[i]);
    if (!is_met) return false;
  }
  return entails_predicate(p, from->predicate, to->predicate);
}

/* ---- atoms ---- */

static bool predicate_gives(proof *p, const bt_predicate *from, const bt_predicate *to) {
  bool compares = from->kind == BT_PREDICATE_COMPARE;
  if (to->kind == BT_PREDICATE_EXISTS && compares && from->comparison.left->kind == BT_EXPRESSION_FIELD)
    return is_same_field(p, &from->comparison.left->field, &to->field);
  if (to->kind == BT_PREDICATE_EXISTS && from->kind == BT_PREDICATE_IS_TRUE)
    return is_same_field(p, &from->field, &to->field);
  if (from->kind != to->kind) return false;
  switch ((int)from->kind) {
  case BT_PREDICATE_NAMED: return bt_str_equal(from->name, to->name);
  case BT_PREDICATE_COMPARE: return compares_within(p, &from->comparison, &to->comparison);
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: return is_same_field(p, &from->field, &to->field);
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: return entails_predicate(p, from->items[0], to->items[0]);
  default: return false;
  }
}

/* The span that the one binds is the one that the other asks for. */
static void pair_bindings(proof *p, const bt_condition *from, const bt_condition *to) {
  if (from->binding < 0 || to->binding < 0) return;
  if (p->is_swapped)
    p->pair[to->binding] = from->binding;
  else
    p->pair[from->binding] = to->binding;
}

static bool condition_gives(proof *p, const bt_condition *from, const bt_condition *to) {
  if (from->kind != to->kind) return false;
  switch ((int)from->kind) {
  case BT_CONDITION_EXISTS:
    if (to->binding >= 0 && from->binding < 0) return false;
    if (!selects_within(p, from->selection, to->selection)) return false;
    pair_bindings(p, from, to);
    return true;
  case BT_CONDITION_COMPARE: return compares_within(p, &from->comparison, &to->comparison);
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    return selects_within(p, from->selection, to->selection) && selects_the_same(p, from->other, to->other);
  default: return false;
  }
}

/* False: there is no room. What is an `and` comes as its parts. */
static bool add_fact(facts *to, node n) {
  n = without_nots(n);
  if (shape_of(n) == SHAPE_ALL) {
    for (uint32_t i = 0; i < item_count(n); i++)
      if (!add_fact(to, item_of(n, i))) return false;
    return true;
  }
  if (to->count == MAX_FACTS) return false;
  to->items[to->count++] = n;
  return true;
}

/* If the goal were not, the fact could not be either. */
static bool opposite_gives(proof *p, node goal, node fact) {
  int before[BT_MAX_BINDINGS];
  facts turned = {.count = 0};
  memcpy(before, p->pair, sizeof before);
  p->is_swapped = !p->is_swapped;
  bool is_given = add_fact(&turned, opposite_of(goal)) && facts_entail(p, &turned, opposite_of(fact));
  p->is_swapped = !p->is_swapped;
  memcpy(p->pair, before, sizeof before);
  return is_given;
}

static bool fact_gives(proof *p, node fact, node goal) {
  bound from, to;
  if (!fact.condition != !goal.condition) return false;
  bool binds = goal.condition && goal.condition->kind == BT_CONDITION_EXISTS && goal.condition->binding >= 0;
  if (!binds && bound_of(fact, &from) && bound_of(goal, &to) && counts_within(p, &from, &to)) return true;
  if (fact.is_negative != goal.is_negative) return false;
  if (fact.is_negative) return opposite_gives(p, goal, fact);
  return goal.condition ? condition_gives(p, fact.condition, goal.condition)
                        : predicate_gives(p, fact.predicate, goal.predicate);
}

/* ---- logic ---- */

/* Each alternative of one of the facts gives it. */
static bool entails_by_cases(proof *p, const facts *from, node goal) {
  int before[BT_MAX_BINDINGS];
  memcpy(before, p->pair, sizeof before);
  for (uint32_t i = 0; i < from->count; i++) {
    node fact = from->items[i];
    if (shape_of(fact) != SHAPE_SOME || (fact.is_negative && has_bindings(fact))) continue;
    bool is_given = true;
    for (uint32_t k = 0; is_given && k < item_count(fact); k++) {
      facts one = *from;
      one.items[i] = one.items[--one.count];
      is_given = add_fact(&one, item_of(fact, k)) && facts_entail(p, &one, goal);
      memcpy(p->pair, before, sizeof before);
    }
    if (is_given) return true;
  }
  return false;
}

static bool entails_item(proof *p, const facts *from, node goal, bool all) {
  for (uint32_t i = 0; i < item_count(goal); i++)
    if (facts_entail(p, from, item_of(goal, i)) != all) return !all;
  return all;
}

static bool entails_atom(proof *p, const facts *from, node goal) {
  for (uint32_t i = 0; i < from->count; i++)
    if (shape_of(from->items[i]) == SHAPE_FALSE || fact_gives(p, from->items[i], goal)) return true;
  return false;
}

static bool entails_shape(proof *p, const facts *from, node goal) {
  switch ((int)shape_of(goal)) {
  case SHAPE_TRUE: return true;
  case SHAPE_ALL: return entails_item(p, from, goal, true);
  case SHAPE_SOME: return entails_item(p, from, goal, false) || entails_atom(p, from, goal);
  default: return entails_atom(p, from, goal);
  }
}

/* Pairs that a failed attempt made are none. */
static bool facts_entail(proof *p, const facts *from, node goal) {
  int before[BT_MAX_BINDINGS];
  memcpy(before, p->pair, sizeof before);
  if (++p->steps > MAX_STEPS || p->depth >= BT_MAX_NESTING) return false;
  p->depth++;
  goal = without_nots(goal);
  bool is_given = entails_shape(p, from, goal);
  if (!is_given) {
    memcpy(p->pair, before, sizeof before);
    is_given = entails_by_cases(p, from, goal);
  }
  p->depth--;
  return is_given;
}

static bool entails_predicate(proof *p, const bt_predicate *from, const bt_predicate *to) {
  facts given = {.count = 0};
  return add_fact(&given, of_predicate(from)) && facts_entail(p, &given, of_predicate(to));
}

/* ---- rules ---- */

/* How a choice of the rule violates it: up to two ways. */
static uint32_t ways_of(const bt_rule *rule, node ways[2]) {
  uint32_t count = 0;
  if (rule->condition) ways[count++] = of_condition(rule->condition);
  if (rule->always) ways[count++] = opposite_of(of_condition(rule->always));
  if (rule->never) ways[count++] = of_condition(rule->never);
  return count;
}

static bool way_is_within(const bt_rule *violated, node way, const bt_rule *other) {
  proof p = {.steps = 0};
  facts given = {.count = 0};
  node ways[2];
  uint32_t count = ways_of(other, ways);
  memset(p.pair, -1, sizeof p.pair); /* −1 in each */
  if (violated->when && !add_fact(&given, of_condition(violated->when))) return false;
  if (!add_fact(&given, way)) return false;
  if (other->when && !facts_entail(&p, &given, of_condition(other->when))) return false;
  for (uint32_t i = 0; i < count; i++)
    if (facts_entail(&p, &given, ways[i])) return true;
  return false;
}

bool implication_is_proven(const bt_rule *violated, const bt_rule *other) {
  node ways[2];
  if (bt_str_equal(violated->canonical, other->canonical)) return true;
  uint32_t count = ways_of(violated, ways);
  for (uint32_t i = 0; i < count; i++)
    if (!way_is_within(violated, ways[i], other)) return false;
  return count > 0;
}
