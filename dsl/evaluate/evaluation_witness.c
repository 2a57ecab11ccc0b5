/* Witnesses of one violating choice: the bound spans, what the satisfied selectors matched, and the clause that failed.
 * The choice is evaluated once more on the way, under a budget of its own; what that leaves out is not shown. See
 * evaluation.h. */
#include <string.h>

#include "dsl/evaluate/evaluation.h"

enum { SHARE_OF_BUDGET = 10 };

typedef struct collector {
  bt_evaluator *evaluator;
  bt_witness witnesses[BT_MAX_WITNESSES];
  uint32_t count;
} collector;

static void add_witness(collector *c, uint32_t span, int binding, bt_range range) {
  if (c->count == BT_MAX_WITNESSES) return;
  uint32_t trace = bt_evaluator_trace_of(c->evaluator, span);
  if (trace) span -= c->evaluator->relatives.first_span[trace];
  c->witnesses[c->count++] = (bt_witness){span, binding, range, trace};
}

/* In the order in which spans are told (bt_span_compare), whatever order they were found in; of two traces of a family
 * by its id, the rule's own first. */
static bool is_told_before(const bt_evaluator *evaluator, uint32_t a, uint32_t b) {
  int order = bt_span_compare(bt_evaluator_span(evaluator, a), bt_evaluator_span(evaluator, b));
  uint32_t x = bt_evaluator_trace_of(evaluator, a), y = bt_evaluator_trace_of(evaluator, b);
  if (order || x == y) return order < 0;
  if (!x || !y) return !x;
  const bt_family_trace *traces = evaluator->relatives.family->traces;
  return bt_trace_id_compare(&traces[x].trace->id, &traces[y].trace->id) < 0;
}

/* Members come by number, which is that order, and not by tree or over several traces. */
static bool come_in_order(const bt_cursor *cursor) {
  return !cursor->selection->is_foreign && (cursor->members || cursor->is_whole_matcher);
}

/* The first span of a reference that stands in the relation to the member that is shown. */
static void add_reference(collector *c, const bt_program_relation *relation, bool is_second, uint32_t span) {
  const bt_program_selection *selection = is_second ? relation->second.selection : relation->first.selection;
  uint32_t first = BT_NO_SPAN;
  bt_cursor cursor;
  bt_member other;
  if (!selection) return;
  bt_cursor_open(&cursor, c->evaluator, selection);
  while (bt_cursor_next(&cursor, c->evaluator, &other)) {
    bool is_later = first != BT_NO_SPAN && !is_told_before(c->evaluator, other.span, first);
    if (is_later || other.truth.truth != BT_TRUE) continue;
    if (bt_evaluate_pair(c->evaluator, relation, is_second, span, other.span).truth == BT_TRUE) first = other.span;
    if (first != BT_NO_SPAN && come_in_order(&cursor)) break;
  }
  if (first != BT_NO_SPAN) add_witness(c, first, BT_NO_BINDING, selection->range);
}

static void add_references(collector *c, const bt_program_selection *selection, uint32_t span) {
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    if (bt_relation_is_pick(selection->relations[i].kind)) continue; /* the span is one of those */
    add_reference(c, &selection->relations[i], false, span);
    if (selection->relations[i].kind == BT_BETWEEN) add_reference(c, &selection->relations[i], true, span);
  }
}

typedef struct first_members { /* of a selection */
  uint32_t spans[BT_MAX_WITNESSES_OF_SELECTION];
  uint32_t count;
} first_members;

static void keep_first(const bt_evaluator *evaluator, first_members *first, uint32_t span) {
  uint32_t place = first->count;
  while (place > 0 && is_told_before(evaluator, span, first->spans[place - 1])) place--;
  if (place == BT_MAX_WITNESSES_OF_SELECTION) return;
  if (first->count < BT_MAX_WITNESSES_OF_SELECTION) first->count++;
  for (uint32_t i = first->count - 1; i > place; i--) first->spans[i] = first->spans[i - 1];
  first->spans[place] = span;
}

/* A selection of a bound span shows nothing new. */
static void collect_selection(collector *c, const bt_program_selection *selection) {
  first_members first = {.count = 0};
  bt_cursor cursor;
  bt_member member;
  if (selection->base_binding != BT_NO_BINDING) return;
  bt_cursor_open(&cursor, c->evaluator, selection);
  while (bt_cursor_next(&cursor, c->evaluator, &member)) {
    if (member.truth.truth == BT_TRUE) keep_first(c->evaluator, &first, member.span);
    if (first.count == BT_MAX_WITNESSES_OF_SELECTION && come_in_order(&cursor)) break;
  }
  if (first.count) add_references(c, selection, first.spans[0]);
  for (uint32_t i = 0; i < first.count; i++) add_witness(c, first.spans[i], BT_NO_BINDING, selection->range);
}

/* The member that decides a has_before (the earliest) or a has_after (the latest); of several the first by id. One
 * whose start is not known decides nothing. */
static void collect_extreme(collector *c, const bt_program_selection *selection, bool is_earliest) {
  bt_cursor cursor;
  bt_member member;
  uint32_t extreme = BT_NO_SPAN;
  bt_cursor_open(&cursor, c->evaluator, selection);
  while (bt_cursor_next(&cursor, c->evaluator, &member)) {
    if (member.truth.truth != BT_TRUE || bt_evaluator_lacks_point(c->evaluator, member.span, false)) continue;
    int64_t start_ns = bt_evaluator_span(c->evaluator, member.span)->start_ns;
    int64_t best_ns = extreme == BT_NO_SPAN ? 0 : bt_evaluator_span(c->evaluator, extreme)->start_ns;
    bool is_further = is_earliest ? start_ns < best_ns : start_ns > best_ns;
    bool is_tied = start_ns == best_ns && extreme != BT_NO_SPAN && is_told_before(c->evaluator, member.span, extreme);
    if (extreme == BT_NO_SPAN || is_further || is_tied) extreme = member.span;
  }
  if (extreme != BT_NO_SPAN) add_witness(c, extreme, BT_NO_BINDING, selection->range);
}

static void collect_expression(collector *c, const bt_program_expression *expression) {
  if (expression->kind == BT_EXPRESSION_AGGREGATE) collect_selection(c, expression->selection);
  if (expression->left) collect_expression(c, expression->left);
  if (expression->right) collect_expression(c, expression->right);
}

static void collect_comparison(collector *c, const bt_program_comparison *comparison) {
  collect_expression(c, comparison->left);
  for (uint32_t i = 0; i < comparison->right_count; i++) collect_expression(c, comparison->rights[i]);
}

static void collect_condition(collector *c, const bt_program_condition *condition);
static void collect_conjunction(collector *c, const bt_program_condition *conjunction, uint32_t from);

/* The first span of the binding for which the rest holds; BT_NO_SPAN: there is none. */
static uint32_t find_bound(const collector *c, const bt_program_condition *conjunction, uint32_t at) {
  const bt_program_condition *item = conjunction->items[at];
  uint32_t *bound = &c->evaluator->bound[item->binding], first = BT_NO_SPAN;
  bt_cursor cursor;
  bt_member member;
  bt_cursor_open_joined(&cursor, c->evaluator, item, false);
  while (bt_cursor_next(&cursor, c->evaluator, &member)) {
    if (first != BT_NO_SPAN && !is_told_before(c->evaluator, member.span, first)) continue;
    *bound = member.span;
    bt_kleene holds = bt_kleene_and(member.truth, bt_evaluate_conjunction(c->evaluator, conjunction, at + 1));
    if (holds.truth == BT_TRUE) first = member.span;
    if (first != BT_NO_SPAN && come_in_order(&cursor)) break;
  }
  return first;
}

/* Binds a span for which the rest holds and goes on with it. Without one, what matched by itself is shown and the rest
 * is passed over. */
static void collect_binding(collector *c, const bt_program_condition *conjunction, uint32_t at) {
  const bt_program_condition *item = conjunction->items[at];
  uint32_t span = find_bound(c, conjunction, at);
  if (span != BT_NO_SPAN) {
    c->evaluator->bound[item->binding] = span;
    add_witness(c, span, item->binding, item->selection->range);
    add_references(c, item->selection, span);
    collect_conjunction(c, conjunction, at + 1);
  }
  c->evaluator->bound[item->binding] = BT_NO_SPAN;
  if (span == BT_NO_SPAN) collect_selection(c, item->selection);
}

static bool binds_here(const bt_program_condition *item) {
  return item->kind == BT_CONDITION_EXISTS && item->binding != BT_NO_BINDING && !item->binds_choice;
}

static void collect_conjunction(collector *c, const bt_program_condition *conjunction, uint32_t from) {
  for (uint32_t i = from; i < conjunction->item_count; i++) {
    if (binds_here(conjunction->items[i])) {
      collect_binding(c, conjunction, i);
      return;
    }
    collect_condition(c, conjunction->items[i]);
  }
}

static bool condition_holds(const collector *c, const bt_program_condition *condition) {
  return bt_evaluate_condition(c->evaluator, condition).truth == BT_TRUE;
}

static void collect_condition(collector *c, const bt_program_condition *condition) {
  switch (condition->kind) {
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE: return;
  case BT_CONDITION_AND: collect_conjunction(c, condition, 0); return;
  case BT_CONDITION_OR:
    for (uint32_t i = 0; i < condition->item_count; i++) collect_condition(c, condition->items[i]);
    return;
  case BT_CONDITION_NOT: /* what is there although it must not be */
    if (condition_holds(c, condition->items[0])) collect_condition(c, condition->items[0]);
    return;
  case BT_CONDITION_EXISTS:
    if (!condition->binds_choice) collect_selection(c, condition->selection);
    if (condition->binds_choice) add_references(c, condition->selection, c->evaluator->bound[condition->binding]);
    return;
  case BT_CONDITION_COMPARE: collect_comparison(c, &condition->comparison); return;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER:
    collect_extreme(c, condition->selection, condition->kind == BT_CONDITION_HAS_BEFORE);
    collect_extreme(c, condition->other, condition->kind == BT_CONDITION_HAS_BEFORE);
    return;
  }
}

/* ---- the clause that failed ---- */

/* The first conjunct that is false; where it takes the spans of a binding to see that, the whole conjunction. */
static const bt_program_condition *blame_false(const collector *c, const bt_program_condition *condition) {
  if (condition->kind != BT_CONDITION_AND) return condition;
  for (uint32_t i = 0; i < condition->item_count; i++) {
    const bt_program_condition *item = condition->items[i];
    if (bt_evaluate_condition(c->evaluator, item).truth == BT_FALSE) return blame_false(c, item);
    if (binds_here(item)) break;
  }
  return condition;
}

static const bt_program_condition *blame_true(const collector *c, const bt_program_condition *condition) {
  if (condition->kind != BT_CONDITION_OR) return condition;
  for (uint32_t i = 0; i < condition->item_count; i++)
    if (condition_holds(c, condition->items[i])) return blame_true(c, condition->items[i]);
  return condition;
}

/* A bare condition describes the bad trace: what was missing is its first negative conjunct. */
static const bt_program_condition *blame_bare(const bt_program_condition *condition) {
  for (uint32_t i = 0; condition->kind == BT_CONDITION_AND && i < condition->item_count; i++)
    if (condition->items[i]->kind == BT_CONDITION_NOT) return condition->items[i];
  return condition;
}

static const bt_program_condition *blame_condition(const collector *c) {
  const bt_program *program = c->evaluator->program;
  if (program->is_bare) return blame_bare(program->trigger);
  if (program->always && (!program->never || !condition_holds(c, program->never)))
    return blame_false(c, program->always);
  return blame_true(c, program->never);
}

/* A number, or nothing. */
static bt_value measure_side(const collector *c, const bt_program_expression *side) {
  bt_outcome outcome = bt_evaluate_expression(c->evaluator, side, BT_NO_SPAN, NULL);
  bool is_number =
      outcome.kind == BT_OUTCOME_VALUE && (outcome.low.type == BT_VALUE_INT || outcome.low.type == BT_VALUE_DOUBLE);
  return is_number ? outcome.low : (bt_value){0};
}

/* What the blamed comparison compared. */
static bt_sides measure_blamed(const collector *c, const bt_program_condition *blamed) {
  while (blamed->kind == BT_CONDITION_NOT) blamed = blamed->items[0];
  if (blamed->kind != BT_CONDITION_COMPARE) return (bt_sides){0};
  const bt_program_comparison *comparison = &blamed->comparison;
  bt_sides sides = {.left = measure_side(c, comparison->left)};
  if (comparison->right_count == 1 && !comparison->is_list) sides.right = measure_side(c, comparison->rights[0]);
  return sides;
}

/* ---- all of it ---- */

static void collect_bound(collector *c) {
  const bt_evaluator *evaluator = c->evaluator;
  const bt_rule *rule = evaluator->program->rule;
  for (int i = 0; i < rule->binding_count; i++)
    if (rule->bindings[i].in_choice) add_witness(c, evaluator->bound[i], i, rule->bindings[i].range);
}

/* Bound spans in order of `as`, then by place in the text. */
static bool stands_before(const bt_witness *a, const bt_witness *b) {
  bool a_is_bound = a->binding != BT_NO_BINDING, b_is_bound = b->binding != BT_NO_BINDING;
  if (a_is_bound != b_is_bound) return a_is_bound;
  if (a_is_bound) return a->binding < b->binding;
  return a->range.start < b->range.start;
}

static void sort_witnesses(collector *c) {
  for (uint32_t i = 1; i < c->count; i++) {
    bt_witness witness = c->witnesses[i];
    uint32_t place = i;
    for (; place > 0 && stands_before(&witness, &c->witnesses[place - 1]); place--)
      c->witnesses[place] = c->witnesses[place - 1];
    c->witnesses[place] = witness;
  }
}

bool bt_evaluate_witnesses(bt_evaluator *evaluator, bt_choice *out) {
  const bt_program *program = evaluator->program;
  collector c; /* not all of it is set to zero: the room is large beside what most choices have to show */
  c.evaluator = evaluator;
  c.count = 0;
  bt_evaluator_allow(evaluator, evaluator->step_budget / SHARE_OF_BUDGET);
  bt_work_allow(&evaluator->work, evaluator->text_budget / SHARE_OF_BUDGET);
  evaluator->is_exhausted = false;
  collect_bound(&c);
  if (program->trigger) collect_condition(&c, program->trigger);
  if (program->always) collect_condition(&c, program->always);
  if (program->never) collect_condition(&c, program->never);
  sort_witnesses(&c);
  bt_witness *witnesses = bt_arena_array(&evaluator->arena, c.count, sizeof *witnesses);
  if (!witnesses) return false;
  if (c.count) memcpy(witnesses, c.witnesses, c.count * sizeof *witnesses);
  bt_evaluator_allow(evaluator, evaluator->step_budget / SHARE_OF_BUDGET);
  bt_work_allow(&evaluator->work, evaluator->text_budget / SHARE_OF_BUDGET);
  evaluator->is_exhausted = false;
  const bt_program_condition *blamed = blame_condition(&c);
  *out = (bt_choice){.witnesses = witnesses, .witness_count = c.count, .failed = blamed->range};
  out->measured = measure_blamed(&c, blamed);
  return true;
}
