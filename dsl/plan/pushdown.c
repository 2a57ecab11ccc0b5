/* From predicates to filters. See pushdown.h. Soundness: over is only ever weakened (an unknown part becomes "every
 * span"), under is only ever strengthened (an unknown part becomes "no span"). */
#include "dsl/plan/pushdown.h"

#include "dsl/plan/dialect.h"
#include "dsl/plan/plan_parts.h"
#include "dsl/rule/field.h"

enum { MAX_KEY_BYTES = 256 };

bt_over_filter bt_over_filter_and(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b) {
  return builder->dialect->both_over(builder, a, b);
}

bt_under_filter bt_under_filter_and(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b) {
  return builder->dialect->both_under(builder, a, b);
}

bt_under_filter bt_under_filter_or(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b) {
  return (bt_under_filter){bt_filter_join2(builder, BT_FILTER_OR, a.filter, b.filter)};
}

static bt_filter_pair join_pairs(bt_filter_builder *builder, bt_filter_kind kind, bt_filter_pair a, bt_filter_pair b) {
  if (kind == BT_FILTER_AND)
    return (bt_filter_pair){bt_over_filter_and(builder, a.over, b.over),
                            bt_under_filter_and(builder, a.under, b.under)};
  return (bt_filter_pair){{bt_filter_join2(builder, kind, a.over.filter, b.over.filter)},
                          bt_under_filter_or(builder, a.under, b.under)};
}

bt_filter_pair bt_pushdown_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  bt_field_names names = bt_names_of_field(field);
  bt_filter_pair pair = builder->dialect->exists(builder, &names.items[0], negated);
  for (uint32_t i = 1; i < names.count; i++)
    pair = join_pairs(builder, negated ? BT_FILTER_AND : BT_FILTER_OR, pair,
                      builder->dialect->exists(builder, &names.items[i], negated));
  return pair;
}

/* Over: one of the names meets it, and where it is negated one of them does not. Under: the first name meets it, or one
 * that has none before it does; and where it is negated none does. */
bt_filter_pair bt_pushdown_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                const bt_value *literal, bool negated) {
  bt_field_names names = bt_names_of_field(field);
  bt_filter_pair pair = builder->dialect->test(builder, &names.items[0], op, literal, negated);
  bt_under_filter none_before = {bt_filter_all()};
  for (uint32_t i = 1; i < names.count; i++) {
    bt_filter_pair next = builder->dialect->test(builder, &names.items[i], op, literal, negated);
    pair.over.filter = bt_filter_join2(builder, BT_FILTER_OR, pair.over.filter, next.over.filter);
    if (negated) {
      pair.under = bt_under_filter_and(builder, pair.under, next.under);
      continue;
    }
    bt_under_filter absent = builder->dialect->exists(builder, &names.items[i - 1], true).under;
    none_before = bt_under_filter_and(builder, none_before, absent);
    pair.under = bt_under_filter_or(builder, pair.under, bt_under_filter_and(builder, none_before, next.under));
  }
  return pair;
}

bool bt_pushdown_can_name(bt_str key) {
  if (key.len == 0 || key.len > MAX_KEY_BYTES) return false;
  for (size_t i = 0; i < key.len; i++)
    if (key.ptr[i] < 0x20 || key.ptr[i] > 0x7e) return false;
  return true;
}

bool bt_pushdown_literal(const bt_expression *expression, bt_value *out) {
  bool negative = expression->kind == BT_EXPRESSION_NEGATE;
  if (negative) expression = expression->left;
  if (expression->kind != BT_EXPRESSION_LITERAL) return false;
  *out = expression->literal;
  if (!negative) return true;
  if (out->type == BT_VALUE_INT && out->integer != INT64_MIN)
    out->integer = -out->integer;
  else if (out->type == BT_VALUE_DOUBLE)
    out->decimal = -out->decimal;
  else if (out->type == BT_VALUE_DURATION && out->duration_ns != INT64_MIN)
    out->duration_ns = -out->duration_ns;
  else
    return false;
  return true;
}

/* ---- comparisons ---- */

/* k in [a, b] is k == a or k == b; k not in [a, b] is k != a and k != b. */
static bt_filter_pair list_test(bt_filter_builder *builder, const bt_comparison *comparison, bool negated) {
  bool is_and = (comparison->op == BT_NOT_IN) != negated;
  bt_comparison_operator op = comparison->op == BT_IN ? BT_EQUAL : BT_NOT_EQUAL;
  const bt_filter **overs = bt_arena_array(builder->arena, comparison->list_count, sizeof *overs);
  const bt_filter **unders = bt_arena_array(builder->arena, comparison->list_count, sizeof *unders);
  if (!overs || !unders) {
    builder->failed = true;
    return bt_filter_pair_unknown();
  }
  for (uint32_t i = 0; i < comparison->list_count; i++) {
    bt_value literal;
    bt_filter_pair pair = bt_filter_pair_unknown();
    if (bt_pushdown_literal(comparison->list[i], &literal))
      pair = bt_pushdown_test(builder, &comparison->left->field, op, &literal, negated);
    overs[i] = pair.over.filter;
    unders[i] = pair.under.filter;
  }
  bt_filter_kind kind = is_and ? BT_FILTER_AND : BT_FILTER_OR;
  return bt_filter_pair_of(bt_filter_join(builder, kind, overs, comparison->list_count),
                           bt_filter_join(builder, kind, unders, comparison->list_count));
}

/* A comparison holds only where every field that it needs is there. */
static bt_over_filter fields_present(bt_filter_builder *builder, const bt_expression *expression, int subject) {
  const bt_over_filter here = {bt_filter_all()};
  if (!expression || expression->kind == BT_EXPRESSION_LITERAL || expression->kind == BT_EXPRESSION_AGGREGATE)
    return here;
  if (expression->kind == BT_EXPRESSION_FIELD)
    return expression->field.binding == subject ? bt_pushdown_exists(builder, &expression->field, false).over : here;
  return bt_over_filter_and(builder, fields_present(builder, expression->left, subject),
                            fields_present(builder, expression->right, subject));
}

static uint32_t right_count(const bt_comparison *comparison) {
  return comparison->right ? 1 : comparison->list_count;
}

static const bt_expression *right_side(const bt_comparison *comparison, uint32_t i) {
  return comparison->right ? comparison->right : comparison->list[i];
}

static bool has_literals(const bt_comparison *comparison) {
  bt_value literal;
  for (uint32_t i = 0; i < right_count(comparison); i++)
    if (!bt_pushdown_literal(right_side(comparison, i), &literal)) return false;
  return true;
}

/* No search counts events, but where the comparison does not hold of 0 there is at least one. A count is never missing,
 * so the opposite of a comparison that holds of 0 asks for one, too. Under asks nothing: one event says nothing of
 * how many there are. */
static bt_filter_pair part_count_test(bt_filter_builder *builder, const bt_comparison *comparison, bool negated) {
  bt_comparison_operator op = comparison->right ? comparison->op : BT_EQUAL;
  bool any = false;
  for (uint32_t i = 0; i < right_count(comparison); i++) {
    bt_value literal;
    any = any || (bt_pushdown_literal(right_side(comparison, i), &literal) && bt_plan_number_meets(0, op, &literal));
  }
  bool holds_of_none = comparison->op == BT_NOT_IN ? !any : any;
  return holds_of_none == negated ? bt_pushdown_predicate(builder, comparison->left->part, false)
                                  : bt_filter_pair_unknown();
}

bt_filter_pair bt_pushdown_comparison(bt_filter_builder *builder, const bt_comparison *comparison, bool negated,
                                      int subject) {
  bt_value literal;
  const bt_expression *left = comparison->left;
  bool is_list = comparison->op == BT_IN || comparison->op == BT_NOT_IN;
  bool is_field = left->kind == BT_EXPRESSION_FIELD && left->field.binding == subject;
  if (is_field && is_list && comparison->list_count) return list_test(builder, comparison, negated);
  if (is_field && !is_list && bt_pushdown_literal(comparison->right, &literal))
    return bt_pushdown_test(builder, &left->field, comparison->op, &literal, negated);
  if (left->kind == BT_EXPRESSION_PART_COUNT && has_literals(comparison))
    return part_count_test(builder, comparison, negated);
  if (negated) return bt_filter_pair_unknown();
  bt_over_filter over = fields_present(builder, left, subject);
  if (!is_list) over = bt_over_filter_and(builder, over, fields_present(builder, comparison->right, subject));
  return (bt_filter_pair){over, {bt_filter_none()}};
}

/* ---- predicates ---- */

static bt_filter_pair named_test(bt_filter_builder *builder, bt_str name, bool negated) {
  static const bt_field name_field = {.kind = BT_FIELD_NAME, .binding = BT_NO_BINDING};
  static const bt_field service_field = {.kind = BT_FIELD_SERVICE, .binding = BT_NO_BINDING};
  bt_value literal = {.type = BT_VALUE_STRING, .string = name};
  return join_pairs(builder, negated ? BT_FILTER_AND : BT_FILTER_OR,
                    bt_pushdown_test(builder, &name_field, BT_EQUAL, &literal, negated),
                    bt_pushdown_test(builder, &service_field, BT_EQUAL, &literal, negated));
}

static bt_filter_pair items_joined(bt_filter_builder *builder, const bt_predicate *predicate, bool negated) {
  bool is_and = (predicate->kind == BT_PREDICATE_AND) != negated;
  bt_filter_pair joined = bt_filter_pair_constant(is_and);
  for (uint32_t i = 0; i < predicate->item_count; i++)
    joined = join_pairs(builder, is_and ? BT_FILTER_AND : BT_FILTER_OR, joined,
                        bt_pushdown_predicate(builder, predicate->items[i], negated));
  return joined;
}

/* One and the same event meets it: so some event meets each of its parts. */
static bt_filter_pair one_event(bt_filter_builder *builder, const bt_predicate *of_event) {
  static const bt_field any_event = {.kind = BT_FIELD_EVENT_NAME, .binding = BT_NO_BINDING};
  bt_over_filter over = bt_pushdown_predicate(builder, of_event, false).over;
  if (!bt_filter_has_test(over.filter, bt_filter_is_of_event, NULL))
    over = bt_over_filter_and(builder, over, bt_pushdown_exists(builder, &any_event, false).over);
  return (bt_filter_pair){over, {bt_filter_none()}};
}

bt_filter_pair bt_pushdown_predicate(bt_filter_builder *builder, const bt_predicate *predicate, bool negated) {
  static const bt_value yes = {.type = BT_VALUE_BOOL, .boolean = true};
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return bt_filter_pair_constant(!negated);
  case BT_PREDICATE_FALSE: return bt_filter_pair_constant(negated);
  case BT_PREDICATE_AND:
  case BT_PREDICATE_OR: return items_joined(builder, predicate, negated);
  case BT_PREDICATE_NOT: return bt_pushdown_predicate(builder, predicate->items[0], !negated);
  case BT_PREDICATE_NAMED: return named_test(builder, predicate->name, negated);
  case BT_PREDICATE_COMPARE: return bt_pushdown_comparison(builder, &predicate->comparison, negated, BT_NO_BINDING);
  case BT_PREDICATE_EXISTS:
    if (predicate->field.binding != BT_NO_BINDING) return bt_filter_pair_unknown();
    return bt_pushdown_exists(builder, &predicate->field, negated);
  case BT_PREDICATE_IS_TRUE:
    if (predicate->field.binding != BT_NO_BINDING) return bt_filter_pair_unknown();
    return bt_pushdown_test(builder, &predicate->field, BT_EQUAL, &yes, negated);
  case BT_PREDICATE_EVENT: return negated ? bt_filter_pair_unknown() : one_event(builder, predicate->items[0]);
  case BT_PREDICATE_LINK: break;
  }
  return bt_filter_pair_unknown();
}
