/* Compiling predicates, comparisons and expressions. See program_compiler.h. */
#include <string.h>

#include "dsl/evaluate/program_compiler.h"
#include "dsl/rule/field.h"

void bt_program_see_binding(bt_program_compiler *compiler, int binding) {
  if (binding != BT_NO_BINDING) compiler->seen = (bt_binding_set)(compiler->seen | 1u << binding);
}

/* Durations and times are whole nanoseconds for the evaluator: the checker has parted the types. */
static bt_value plain_literal(const bt_value *literal) {
  if (literal->type == BT_VALUE_DURATION) return (bt_value){.type = BT_VALUE_INT, .integer = literal->duration_ns};
  if (literal->type == BT_VALUE_TIME) return (bt_value){.type = BT_VALUE_INT, .integer = literal->time_ns};
  return *literal;
}

static const bt_program_expression *compile_expression(bt_program_compiler *compiler, const bt_expression *expression);

/* Operators and fields: what evaluating it once is paid for. */
static uint32_t count_tests(const bt_program_expression *expression) {
  uint32_t left = expression->left ? count_tests(expression->left) : 0;
  uint32_t right = expression->right ? count_tests(expression->right) : 0;
  return 1 + left + right;
}

static const bt_program_expression *compile_aggregate(bt_program_compiler *compiler, const bt_expression *expression,
                                                      bt_program_expression *out) {
  bt_binding_set before = compiler->seen;
  compiler->seen = 0;
  out->selection = bt_program_compile_selection(compiler, expression->selection);
  if (!out->selection) return NULL;
  if (expression->left) {
    out->left = compile_expression(compiler, expression->left);
    if (!out->left) return NULL;
    out->tests = count_tests(out->left);
  }
  out->is_time_of_some = expression->type == BT_TYPE_TIME;
  out->depends = compiler->seen;
  compiler->seen |= before;
  return out;
}

static const bt_program_expression *compile_expression(bt_program_compiler *compiler, const bt_expression *expression) {
  bt_program_expression *out = bt_arena_alloc(&compiler->ruleset->arena, sizeof *out);
  if (!out) return NULL;
  out->kind = expression->kind;
  out->field = expression->field;
  out->aggregate = expression->aggregate;
  out->is_point = expression->kind == BT_EXPRESSION_FIELD && bt_field_is_point(expression->field.kind);
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: out->literal = plain_literal(&expression->literal); return out;
  case BT_EXPRESSION_FIELD: bt_program_see_binding(compiler, expression->field.binding); return out;
  case BT_EXPRESSION_AGGREGATE: return compile_aggregate(compiler, expression, out);
  case BT_EXPRESSION_PART_COUNT:
    out->part = bt_program_compile_predicate(compiler, expression->part);
    return out->part ? out : NULL;
  case BT_EXPRESSION_NEGATE: out->left = compile_expression(compiler, expression->left); return out->left ? out : NULL;
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    out->left = compile_expression(compiler, expression->left);
    out->right = compile_expression(compiler, expression->right);
    return out->left && out->right ? out : NULL;
  }
  return NULL;
}

static bool is_field(const bt_program_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD;
}

static bool is_kind_or_status(const bt_program_expression *expression) {
  return is_field(expression) && (expression->field.kind == BT_FIELD_KIND || expression->field.kind == BT_FIELD_STATUS);
}

/* The right side and the list as one array. */
static bool compile_rights(bt_program_compiler *compiler, const bt_comparison *comparison, bt_program_comparison *out) {
  out->right_count = out->is_list ? comparison->list_count : 1;
  out->rights = bt_arena_array(&compiler->ruleset->arena, out->right_count, sizeof *out->rights);
  if (!out->rights) return false;
  for (uint32_t i = 0; i < out->right_count; i++) {
    out->rights[i] = compile_expression(compiler, out->is_list ? comparison->list[i] : comparison->right);
    if (!out->rights[i]) return false;
    if (is_kind_or_status(out->rights[i])) out->comparator.ignores_case = true;
  }
  return true;
}

enum { TESTS_OF_PATTERN = 16 };

static bool orders_or_equates(bt_comparison_operator op) {
  return op == BT_EQUAL || op == BT_NOT_EQUAL || op == BT_LESS || op == BT_LESS_EQUAL || op == BT_GREATER ||
         op == BT_GREATER_EQUAL;
}

/* What find_whole_number (evaluation_expression.c) knows. */
static bool is_whole_number(const bt_program_expression *expression) {
  if (expression->kind == BT_EXPRESSION_LITERAL) return expression->literal.type == BT_VALUE_INT;
  if (expression->kind == BT_EXPRESSION_AGGREGATE)
    return expression->aggregate == BT_AGGREGATE_COUNT && bt_selection_is_matcher(expression->selection);
  bt_field_kind field = expression->field.kind;
  return is_field(expression) &&
         (field == BT_FIELD_DURATION || field == BT_FIELD_TRACE_DURATION || field == BT_FIELD_TRACE_SPAN_COUNT);
}

/* By itself or in arithmetic; what an aggregate is of reads none. */
static bool reads_event(const bt_program_expression *expression) {
  if (is_field(expression)) return bt_field_is_of_event(expression->field.kind);
  if (expression->kind == BT_EXPRESSION_AGGREGATE) return false;
  return (expression->left && reads_event(expression->left)) || (expression->right && reads_event(expression->right));
}

bool bt_program_compile_comparison(bt_program_compiler *compiler, const bt_comparison *comparison,
                                   bt_program_comparison *out) {
  out->is_list = comparison->op == BT_IN || comparison->op == BT_NOT_IN;
  out->is_negated = comparison->op == BT_NOT_IN;
  out->comparator.op = out->is_list ? BT_EQUAL : comparison->op;
  out->comparator.pattern = comparison->pattern;
  out->left = compile_expression(compiler, comparison->left);
  out->tests = comparison->pattern ? TESTS_OF_PATTERN : out->is_list ? comparison->list_count : 1;
  if (!out->left || !compile_rights(compiler, comparison, out)) return false;
  if (is_kind_or_status(out->left)) out->comparator.ignores_case = true;
  out->is_of_whole_numbers = !out->is_list && orders_or_equates(out->comparator.op) && is_whole_number(out->left) &&
                             is_whole_number(out->rights[0]);
  out->reads_event = reads_event(out->left);
  out->reads_link = is_field(out->left) && bt_field_is_of_link(out->left->field.kind); /* never in arithmetic */
  return true;
}

/* Of the span under test, and known if the span has no doubts. */
static bool field_is_static(const bt_field *field) {
  return field->binding == BT_NO_BINDING && !bt_field_is_of_trace(field->kind) && !bt_field_may_be_unsaid(field->kind);
}

/* One field of the span under test against literals. */
static bool comparison_is_static(const bt_program_comparison *comparison) {
  const bt_program_expression *left = comparison->left;
  if (!is_field(left) || !field_is_static(&left->field)) return false;
  for (uint32_t i = 0; i < comparison->right_count; i++)
    if (comparison->rights[i]->kind != BT_EXPRESSION_LITERAL) return false;
  return true;
}

enum { COST_WORD = 1, COST_ATTRIBUTE = 3, COST_PART = 8, COST_PATTERN = 16, COST_DYNAMIC = 64 };

static uint8_t field_cost(bt_field_kind kind) {
  if (bt_field_is_of_event(kind) || bt_field_is_of_link(kind)) return COST_PART;
  return kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE ||
                 kind == BT_FIELD_SCOPE_ATTRIBUTE
             ? COST_ATTRIBUTE
             : COST_WORD;
}

static uint8_t comparison_cost(const bt_program_comparison *comparison) {
  if (comparison->comparator.pattern) return COST_PATTERN;
  return field_cost(comparison->left->field.kind);
}

/* Cheap tests first. Insertion keeps the order as written among equals. */
static void sort_by_cost(const bt_program_predicate **items, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    const bt_program_predicate *item = items[i];
    uint32_t place = i;
    for (; place > 0 && items[place - 1]->cost > item->cost; place--) items[place] = items[place - 1];
    items[place] = item;
  }
}

/* An item of an AND, OR, NOT, event.where or link.where. */
static void count_in(bt_program_predicate *whole, const bt_program_predicate *item) {
  if (!item->is_static) whole->is_static = false;
  if (item->cost > whole->cost) whole->cost = item->cost;
  whole->tests += item->tests;
  whole->reads_event = whole->reads_event || item->reads_event;
  whole->reads_link = whole->reads_link || item->reads_link;
  whole->walks_text = whole->walks_text || item->walks_text;
}

static bool compile_items(bt_program_compiler *compiler, const bt_predicate *predicate, bt_program_predicate *out) {
  out->item_count = predicate->item_count;
  out->items = bt_arena_array(&compiler->ruleset->arena, predicate->item_count, sizeof *out->items);
  if (!out->items) return false;
  out->is_static = true;
  for (uint32_t i = 0; i < predicate->item_count; i++) {
    const bt_program_predicate *item = bt_program_compile_predicate(compiler, predicate->items[i]);
    if (!item) return false;
    out->items[i] = item;
    count_in(out, item);
  }
  bool is_of_part = out->kind == BT_PREDICATE_EVENT || out->kind == BT_PREDICATE_LINK;
  if (!is_of_part) sort_by_cost(out->items, out->item_count);
  if (is_of_part && out->cost < COST_PART) out->cost = COST_PART;
  return true;
}

static void compile_field_test(bt_program_compiler *compiler, const bt_predicate *predicate,
                               bt_program_predicate *out) {
  bt_program_see_binding(compiler, predicate->field.binding);
  out->field = predicate->field;
  out->is_static = field_is_static(&predicate->field);
  out->cost = out->is_static ? field_cost(predicate->field.kind) : COST_DYNAMIC;
  out->tests = 1;
  out->reads_event = bt_field_is_of_event(predicate->field.kind);
  out->reads_link = bt_field_is_of_link(predicate->field.kind);
}

static bool compile_test(bt_program_compiler *compiler, const bt_predicate *predicate, bt_program_predicate *out) {
  if (!bt_program_compile_comparison(compiler, &predicate->comparison, &out->comparison)) return false;
  out->is_static = comparison_is_static(&out->comparison);
  out->cost = out->is_static ? comparison_cost(&out->comparison) : COST_DYNAMIC;
  out->tests = out->comparison.tests;
  out->walks_text = out->comparison.comparator.pattern || out->comparison.comparator.op == BT_CONTAINS;
  out->reads_event = out->comparison.reads_event;
  out->reads_link = out->comparison.reads_link;
  return true;
}

static bool fill_predicate(bt_program_compiler *compiler, const bt_predicate *predicate, bt_program_predicate *out) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE:
  case BT_PREDICATE_FALSE: return out->is_static = true;
  case BT_PREDICATE_NAMED:
    out->name = predicate->name;
    out->cost = COST_WORD;
    out->tests = 1;
    return out->is_static = true;
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR:
  case BT_PREDICATE_NOT:
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: return compile_items(compiler, predicate, out);
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: return compile_field_test(compiler, predicate, out), true;
  case BT_PREDICATE_COMPARE: return compile_test(compiler, predicate, out);
  }
  return false;
}

const bt_program_predicate *bt_program_compile_predicate(bt_program_compiler *compiler, const bt_predicate *predicate) {
  bt_program_predicate *out = bt_arena_alloc(&compiler->ruleset->arena, sizeof *out);
  if (!out) return NULL;
  out->kind = predicate->kind;
  return fill_predicate(compiler, predicate, out) ? out : NULL;
}

const bt_program_predicate *bt_program_join(bt_program_compiler *compiler, const bt_program_predicate **items,
                                            uint32_t count, bool *ok) {
  *ok = true;
  if (count == 0) return NULL;
  if (count == 1) return items[0];
  bt_program_predicate *out = bt_arena_alloc(&compiler->ruleset->arena, sizeof *out);
  *ok = out != NULL;
  if (!out) return NULL;
  *out = (bt_program_predicate){.kind = BT_PREDICATE_AND, .is_static = true, .items = items, .item_count = count};
  for (uint32_t i = 0; i < count; i++) count_in(out, items[i]);
  return out;
}
