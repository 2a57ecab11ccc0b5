/* Fields, expressions, comparisons and predicates where something may be unknown. What a static predicate says of a
 * seen span is asked of matcher.c. See evaluation.h. */
#include "dsl/base/time_sum.h"
#include "dsl/evaluate/evaluation.h"
#include "dsl/evaluate/cut_comparison.h"
#include "dsl/evaluate/doubt.h"
#include "dsl/evaluate/matcher.h"
#include "dsl/rule/field.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/untyped_text.h"

static bt_value integer_value(int64_t integer) {
  return (bt_value){.type = BT_VALUE_INT, .integer = integer};
}

/* A number that further spans can only raise; `may_grow`: that there may be such spans. */
static bt_outcome growing_count(const bt_evaluator *evaluator, int64_t seen, bool may_grow) {
  return may_grow ? bt_outcome_at_least(integer_value(seen), bt_evaluator_why_missing(evaluator))
                  : bt_outcome_integer(seen);
}

static bt_outcome span_count(const bt_evaluator *evaluator) {
  uint64_t count = evaluator->is_pruned ? bt_pruned_span_count(evaluator) : evaluator->index.trace->span_count;
  return growing_count(evaluator, count < INT64_MAX ? (int64_t)count : INT64_MAX, bt_evaluator_lacks_spans(evaluator));
}

/* Of a trace that has spans: no span has such a time. */
static bt_outcome unknown_time(const bt_evaluator *evaluator) {
  return bt_outcome_unknown(BT_WHY_TIME | (evaluator->is_incomplete ? BT_WHY_INCOMPLETE : 0u));
}

static int64_t trace_duration_ns(const bt_trace_index *index) {
  int64_t duration_ns = 0;
  if (index->end_ns > index->start_ns && __builtin_sub_overflow(index->end_ns, index->start_ns, &duration_ns))
    return INT64_MAX;
  return duration_ns;
}

/* A time of the trace where times of its spans were cut: from low to high, or where spans may be missing beyond. */
static bt_outcome cut_trace_time(const bt_evaluator *evaluator, bt_field_kind kind) {
  const bt_trace_index *index = &evaluator->index;
  unsigned why = BT_WHY_TIME | (evaluator->is_incomplete ? bt_evaluator_why_missing(evaluator) : 0u);
  int64_t slack_ns = index->slack_ns, low_ns = index->start_ns, high_ns;
  if (kind == BT_FIELD_TRACE_END) low_ns = index->end_ns;
  if (kind == BT_FIELD_TRACE_DURATION) low_ns = trace_duration_ns(index);
  high_ns = bt_time_add(low_ns, slack_ns);
  if (kind == BT_FIELD_TRACE_DURATION) low_ns = low_ns > slack_ns ? low_ns - slack_ns : 0;
  if (!evaluator->is_incomplete) return bt_outcome_between(integer_value(low_ns), integer_value(high_ns), why);
  return kind == BT_FIELD_TRACE_START ? bt_outcome_at_most(integer_value(high_ns), why)
                                      : bt_outcome_at_least(integer_value(low_ns), why);
}

static bt_outcome trace_start(const bt_evaluator *evaluator) {
  int64_t start_ns = evaluator->index.start_ns;
  return evaluator->is_incomplete ? bt_outcome_at_most(integer_value(start_ns), BT_WHY_INCOMPLETE)
                                  : bt_outcome_integer(start_ns);
}

static bt_outcome service_count(bt_evaluator *evaluator) {
  if (!bt_trace_index_count_services(&evaluator->index)) {
    evaluator->work.status = BT_NO_MEMORY;
    return bt_outcome_unknown(BT_WHY_BUDGET);
  }
  return growing_count(evaluator, evaluator->index.service_count, bt_evaluator_lacks_spans(evaluator));
}

static bt_outcome root_field(const bt_evaluator *evaluator, const bt_field *field) {
  uint32_t root = bt_trace_root(evaluator->index.trace);
  if (evaluator->is_incomplete || (evaluator->is_pruned && bt_pruned_may_hide_root(evaluator, root)))
    return bt_outcome_unknown(bt_evaluator_why_missing(evaluator));
  if (evaluator->index.trace->root_in_doubt) return bt_outcome_unknown(BT_WHY_TIME);
  if (root == BT_NO_SPAN) return bt_outcome_missing();
  char no_id[BT_SPAN_ID_HEX + 1];
  bt_field names[BT_FIELD_NAMES_MAX], of_root = bt_field_of_root(field, names);
  unsigned why = bt_doubt_of_field(bt_evaluator_span(evaluator, root), &of_root, NULL);
  if (why) return bt_outcome_unknown(why);
  return bt_outcome_value(bt_field_value(bt_evaluator_span(evaluator, root), &of_root, NULL, no_id));
}

static bt_outcome trace_id(bt_trace_index *index) {
  bt_trace_id_format(&index->trace->id, index->trace_id);
  bt_str text = {index->trace_id, BT_TRACE_ID_HEX};
  return bt_outcome_value((bt_value){.type = BT_VALUE_STRING, .is_name = true, .string = text});
}

/* Times of a trace without spans are not there (yet). A summary begins with the first of its spans and ends with the
 * last, so that it leaves the times of the trace as they are. */
static bt_outcome trace_field(bt_evaluator *evaluator, const bt_field *field) {
  bt_field_kind kind = field->kind;
  bool is_empty = evaluator->index.trace->span_count == 0;
  if (kind == BT_FIELD_TRACE_SPAN_COUNT) return span_count(evaluator);
  if (kind == BT_FIELD_TRACE_SERVICE_COUNT) return service_count(evaluator);
  if (kind == BT_FIELD_TRACE_ID) return trace_id(&evaluator->index);
  if (kind >= BT_FIELD_TRACE_ROOT_NAME) return root_field(evaluator, field);
  if (is_empty) return evaluator->is_incomplete ? bt_outcome_unknown(BT_WHY_INCOMPLETE) : bt_outcome_missing();
  bt_trace_index_find_times(&evaluator->index);
  bool lacks_start = kind != BT_FIELD_TRACE_END && !evaluator->index.start_ns;
  bool lacks_end = kind != BT_FIELD_TRACE_START && !evaluator->index.end_ns;
  if (lacks_start || lacks_end) return unknown_time(evaluator);
  if (evaluator->index.slack_ns) return cut_trace_time(evaluator, kind);
  if (kind == BT_FIELD_TRACE_START) return trace_start(evaluator);
  if (kind == BT_FIELD_TRACE_END) return growing_count(evaluator, evaluator->index.end_ns, evaluator->is_incomplete);
  return growing_count(evaluator, trace_duration_ns(&evaluator->index), evaluator->is_incomplete);
}

/* Ids are written to room that lasts as long as the run, because two of them may be compared. */
static bt_outcome span_field(bt_evaluator *evaluator, const bt_field *field, uint32_t span, const bt_span_part *part) {
  char unused[BT_SPAN_ID_HEX + 1], *id_text = unused;
  if (field->kind == BT_FIELD_ID || field->kind == BT_FIELD_PARENT_ID) {
    char(*texts)[BT_SPAN_ID_HEX + 1] = bt_evaluator_is_abroad(evaluator, span)
                                           ? bt_relatives_id_texts(&evaluator->relatives, span)
                                           : bt_trace_index_id_texts(&evaluator->index, span);
    if (!texts) {
      evaluator->work.status = BT_NO_MEMORY;
      return bt_outcome_unknown(BT_WHY_BUDGET);
    }
    id_text = texts[field->kind == BT_FIELD_PARENT_ID];
  }
  return bt_outcome_value(bt_field_value(bt_evaluator_span(evaluator, span), field, part, id_text));
}

bt_outcome bt_evaluate_field(bt_evaluator *evaluator, const bt_field *field, uint32_t span, const bt_span_part *part) {
  if (bt_field_is_of_trace(field->kind)) return trace_field(evaluator, field);
  if (field->binding != BT_NO_BINDING) span = evaluator->bound[field->binding];
  if (span == BT_UNSEEN_SPAN || (evaluator->has_summaries && !bt_pruned_knows(evaluator, span, field->kind)))
    return bt_outcome_unknown(bt_evaluator_why_missing(evaluator));
  const bt_span *seen = bt_evaluator_span(evaluator, span);
  bool may_be_unknown = seen->doubts || bt_field_may_be_unsaid(field->kind);
  if (seen->time_slack_ns && bt_field_is_cut_time(seen, field)) return bt_doubt_cut_time(seen, field, part);
  unsigned why = may_be_unknown ? bt_doubt_of_field(seen, field, part) : 0;
  return why ? bt_outcome_unknown(why) : span_field(evaluator, field, span, part);
}

static uint64_t count_parts(const bt_span_parts *parts) {
  return parts->are_links ? parts->span->link_count : parts->span->event_count;
}

/* event.count(…), link.count(…): from those that surely meet the test to those that may; where some were dropped, at
 * least the former. An event of a span that is not here, or that stands for several, is not known at all. */
static bt_outcome evaluate_part_count(bt_evaluator *evaluator, const bt_program_predicate *part, uint32_t span) {
  if (bt_evaluator_has_no_place(evaluator, span)) return bt_outcome_unknown(bt_evaluator_why_missing(evaluator));
  bt_span_parts parts = {.span = bt_evaluator_span(evaluator, span), .are_links = part->kind == BT_PREDICATE_LINK};
  int64_t sure = 0, possible = 0;
  unsigned why = 0, dropped = bt_doubt_of_parts(parts.span, parts.are_links);
  bt_evaluator_pay_tests(evaluator, count_parts(&parts));
  while (bt_span_parts_next(&parts)) {
    bt_kleene met = bt_evaluate_predicate(evaluator, part->items[0], span, &parts.part);
    if (met.truth == BT_UNKNOWN) why |= met.why;
    sure += met.truth == BT_TRUE;
    possible += met.truth != BT_FALSE;
  }
  if (dropped) return bt_outcome_at_least(integer_value(sure), why | dropped);
  return bt_outcome_between(integer_value(sure), integer_value(possible), why);
}

/* What is reckoned with. */
static bt_outcome evaluate_operand(bt_evaluator *evaluator, const bt_program_expression *expression, uint32_t span,
                                   const bt_span_part *part) {
  bt_outcome operand = bt_evaluate_expression(evaluator, expression, span, part);
  bool is_open = operand.kind == BT_OUTCOME_VALUE && bt_may_count_otherwise(&operand.low);
  return is_open ? bt_outcome_unknown(BT_WHY_TYPE) : operand;
}

bt_outcome bt_evaluate_expression(bt_evaluator *evaluator, const bt_program_expression *expression, uint32_t span,
                                  const bt_span_part *part) {
  bt_outcome left, right;
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: return bt_outcome_value(expression->literal);
  case BT_EXPRESSION_FIELD: return bt_evaluate_field(evaluator, &expression->field, span, part);
  case BT_EXPRESSION_AGGREGATE: return bt_evaluate_aggregate(evaluator, expression);
  case BT_EXPRESSION_PART_COUNT: return evaluate_part_count(evaluator, expression->part, span);
  case BT_EXPRESSION_NEGATE:
    left = evaluate_operand(evaluator, expression->left, span, part);
    return bt_outcome_negate(&left);
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    left = evaluate_operand(evaluator, expression->left, span, part);
    right = evaluate_operand(evaluator, expression->right, span, part);
    return bt_outcome_arithmetic(expression->kind, &left, &right);
  }
  return bt_outcome_missing();
}

/* ---- comparisons ---- */

static uint32_t element_count(const bt_outcome *outcome) {
  bool is_array = outcome->kind == BT_OUTCOME_VALUE && outcome->low.type == BT_VALUE_ARRAY;
  return is_array ? outcome->low.array.count : 1;
}

static bt_cut_side side_of(const bt_program_expression *expression, const bt_outcome *outcome) {
  bool is_field = expression->kind == BT_EXPRESSION_FIELD;
  return (bt_cut_side){&outcome->low, is_field && bt_field_may_be_cut(&expression->field)};
}

/* It may have been cut, or is of unknown type. */
static bool is_doubtful(const bt_value *value) {
  return bt_may_be_cut(value) || bt_value_is_untyped(value);
}

/* Two long arrays are compared element by element: that is not for free. */
static bt_kleene compare_outcomes(bt_evaluator *evaluator, const bt_program_comparison *comparison,
                                  const bt_outcome *left, const bt_program_expression *item, const bt_outcome *right) {
  enum { ELEMENTS_PER_STEP = 64 };
  uint64_t pairs = (uint64_t)element_count(left) * element_count(right);
  if (!bt_evaluator_spend(evaluator, pairs / ELEMENTS_PER_STEP)) return bt_kleene_unknown(BT_WHY_BUDGET);
  const bt_comparator *comparator = &comparison->comparator;
  bool are_values = left->kind == BT_OUTCOME_VALUE && right->kind == BT_OUTCOME_VALUE;
  if (bt_are_times(comparison->left, item)) bt_evaluator_note_tie_of_some(evaluator, left, right);
  bool may_be_cut = are_values && (is_doubtful(&left->low) || is_doubtful(&right->low));
  bt_kleene met =
      may_be_cut ? bt_cut_meets(comparator, side_of(comparison->left, left), side_of(item, right), &evaluator->work)
                 : bt_outcome_compare(comparator, left, right, &evaluator->work);
  return bt_evaluator_is_cut(evaluator) ? bt_kleene_unknown(BT_WHY_BUDGET) : met;
}

static bt_kleene compare_with_item(bt_evaluator *evaluator, const bt_program_comparison *comparison,
                                   const bt_outcome *left, const bt_program_expression *item, uint32_t span,
                                   const bt_span_part *part) {
  if (bt_evaluator_doubts_order(evaluator, comparison->left, item))
    return bt_evaluate_times(evaluator, BT_EQUAL, comparison->left, item, span, part);
  bt_outcome right = bt_evaluate_expression(evaluator, item, span, part);
  return compare_outcomes(evaluator, comparison, left, item, &right);
}

/* `in`: equal to some item. `not in`: the left side is there, and it is not in. */
static bt_kleene compare_with_list(bt_evaluator *evaluator, const bt_program_comparison *comparison, uint32_t span,
                                   const bt_span_part *part) {
  bt_outcome left = bt_evaluate_expression(evaluator, comparison->left, span, part);
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < comparison->right_count && any.truth != BT_TRUE; i++) {
    any = bt_kleene_or(any, compare_with_item(evaluator, comparison, &left, comparison->rights[i], span, part));
  }
  if (!comparison->is_negated) return any;
  bool may_be_there = left.kind == BT_OUTCOME_UNKNOWN || left.may_be_missing;
  bt_kleene is_there = may_be_there ? bt_kleene_unknown(left.why) : bt_kleene_from(true);
  if (left.kind == BT_OUTCOME_VALUE) is_there = bt_cut_is_there(&left.low);
  return bt_kleene_and(is_there, bt_kleene_not(any));
}

/* ---- a short way for whole numbers that are known, as most durations and numbers of spans are ---- */

static bool find_whole_field(bt_evaluator *evaluator, const bt_field *field, uint32_t span, int64_t *out) {
  bt_trace_index *index = &evaluator->index;
  if (field->kind == BT_FIELD_DURATION) {
    if (field->binding != BT_NO_BINDING) span = evaluator->bound[field->binding];
    if (bt_evaluator_has_no_place(evaluator, span)) return false;
    const bt_span *seen = bt_evaluator_span(evaluator, span);
    *out = bt_span_duration_ns(seen);
    return !(seen->doubts & (BT_DOUBT_START | BT_DOUBT_END));
  }
  if (bt_evaluator_lacks_spans(evaluator) || index->trace->span_count == 0) return false;
  *out = index->trace->span_count;
  if (field->kind == BT_FIELD_TRACE_SPAN_COUNT) return true;
  bt_trace_index_find_times(index);
  *out = trace_duration_ns(index);
  return index->start_ns && index->end_ns && !index->slack_ns;
}

/* False: it is not known, or not there. Of the kinds that the compiler lets through (program_predicate.c). */
static bool find_whole_number(bt_evaluator *evaluator, const bt_program_expression *expression, uint32_t span,
                              int64_t *out) {
  if (expression->kind == BT_EXPRESSION_FIELD) return find_whole_field(evaluator, &expression->field, span, out);
  *out = expression->literal.integer;
  if (expression->kind == BT_EXPRESSION_LITERAL) return true;
  if (!bt_evaluator_trusts_matcher(evaluator, expression->selection->matcher)) return false;
  *out = bt_trace_index_members(&evaluator->index, expression->selection->matcher, &evaluator->work).count;
  return !bt_evaluator_is_cut(evaluator) && !bt_evaluator_lacks_spans(evaluator);
}

static bool whole_numbers_meet(bt_comparison_operator op, int64_t left, int64_t right) {
  if (op == BT_EQUAL) return left == right;
  if (op == BT_NOT_EQUAL) return left != right;
  if (op == BT_LESS) return left < right;
  if (op == BT_LESS_EQUAL) return left <= right;
  return op == BT_GREATER ? left > right : left >= right;
}

static bt_kleene compare_sides(bt_evaluator *evaluator, const bt_program_comparison *comparison, uint32_t span,
                               const bt_span_part *part) {
  if (comparison->is_list) return compare_with_list(evaluator, comparison, span, part);
  const bt_program_expression *right_side = comparison->rights[0];
  if (bt_evaluator_doubts_order(evaluator, comparison->left, right_side))
    return bt_evaluate_times(evaluator, comparison->comparator.op, comparison->left, right_side, span, part);
  bt_outcome left = bt_evaluate_expression(evaluator, comparison->left, span, part);
  bt_outcome right = bt_evaluate_expression(evaluator, right_side, span, part);
  return compare_outcomes(evaluator, comparison, &left, right_side, &right);
}

/* What is said of those that are not there: false, or unknown where some were dropped. */
static bt_kleene further_parts(const bt_span_parts *parts) {
  unsigned why = bt_doubt_of_parts(parts->span, parts->are_links);
  return why ? bt_kleene_unknown(why) : bt_kleene_from(false);
}

bt_kleene bt_evaluate_comparison(bt_evaluator *evaluator, const bt_program_comparison *comparison, uint32_t span,
                                 const bt_span_part *part) {
  int64_t left, right;
  bt_evaluator_pay_tests(evaluator, comparison->tests);
  if (comparison->is_of_whole_numbers && find_whole_number(evaluator, comparison->left, span, &left) &&
      find_whole_number(evaluator, comparison->rights[0], span, &right))
    return bt_kleene_from(whole_numbers_meet(comparison->comparator.op, left, right));
  if ((!comparison->reads_event && !comparison->reads_link) || part)
    return compare_sides(evaluator, comparison, span, part);
  if (bt_evaluator_has_no_place(evaluator, span)) return bt_evaluator_missing(evaluator);
  bt_span_parts parts = {.span = bt_evaluator_span(evaluator, span), .are_links = comparison->reads_link};
  bt_kleene any = further_parts(&parts);
  bt_evaluator_pay_tests(evaluator, comparison->tests * count_parts(&parts));
  while (any.truth != BT_TRUE && bt_span_parts_next(&parts))
    any = bt_kleene_or(any, compare_sides(evaluator, comparison, span, &parts.part));
  return any;
}

/* ---- predicates ---- */

/* exists(field) and a field that is to be true, of a binding (of the span itself they are static). */
static bt_kleene evaluate_field_test(bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span,
                                     const bt_span_part *part) {
  static const bt_comparator equal = {.op = BT_EQUAL};
  bt_outcome field = bt_evaluate_field(evaluator, &predicate->field, span, part);
  bt_outcome yes = bt_outcome_value((bt_value){.type = BT_VALUE_BOOL, .boolean = true});
  if (predicate->kind == BT_PREDICATE_IS_TRUE && !(field.kind == BT_OUTCOME_VALUE && bt_may_be_none(&field.low)))
    return bt_outcome_compare(&equal, &field, &yes, &evaluator->work);
  if (field.kind == BT_OUTCOME_UNKNOWN) return bt_kleene_unknown(field.why);
  bool may_be_none = field.kind == BT_OUTCOME_VALUE && bt_may_be_none(&field.low);
  if (may_be_none) return bt_kleene_unknown(BT_WHY_TYPE);
  return bt_kleene_from(field.kind == BT_OUTCOME_RANGE || !bt_value_is_missing(&field.low));
}

static bt_kleene evaluate_all(bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span,
                              const bt_span_part *part) {
  bt_kleene all = bt_kleene_from(true);
  for (uint32_t i = 0; i < predicate->item_count && all.truth != BT_FALSE; i++)
    all = bt_kleene_and(all, bt_evaluate_predicate(evaluator, predicate->items[i], span, part));
  return all;
}

static bt_kleene evaluate_any(bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span,
                              const bt_span_part *part) {
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < predicate->item_count && any.truth != BT_TRUE; i++)
    any = bt_kleene_or(any, bt_evaluate_predicate(evaluator, predicate->items[i], span, part));
  return any;
}

/* Some one event, or some one link. */
static bt_kleene evaluate_parts(bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span) {
  if (bt_evaluator_has_no_place(evaluator, span)) return bt_evaluator_missing(evaluator);
  bt_span_parts parts = {.span = bt_evaluator_span(evaluator, span), .are_links = predicate->kind == BT_PREDICATE_LINK};
  bt_kleene any = further_parts(&parts);
  while (any.truth != BT_TRUE && bt_span_parts_next(&parts))
    any = bt_kleene_or(any, bt_evaluate_predicate(evaluator, predicate->items[0], span, &parts.part));
  return any;
}

/* How often a static test is made of a span: once, and once for each part that it asks. */
static uint64_t count_rounds(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part) {
  uint64_t rounds = 1;
  if (predicate->reads_event && !part) rounds += span->event_count;
  if (predicate->reads_link && !part) rounds += span->link_count;
  return rounds;
}

static bool joins_others(bt_predicate_kind kind) {
  return kind == BT_PREDICATE_AND || kind == BT_PREDICATE_OR || kind == BT_PREDICATE_NOT;
}

bt_kleene bt_evaluate_predicate(bt_evaluator *evaluator, const bt_program_predicate *predicate, uint32_t span,
                                const bt_span_part *part) {
  bool is_static = predicate->is_static && span != BT_UNSEEN_SPAN;
  if (is_static && (!evaluator->has_summaries || bt_pruned_can_test(evaluator, predicate, span))) {
    const bt_span *tested = bt_evaluator_span(evaluator, span);
    bt_evaluator_pay_tests(evaluator, predicate->tests * count_rounds(predicate, tested, part));
    bt_kleene met = tested->doubts ? bt_doubt_test(predicate, tested, part, &evaluator->work)
                                   : bt_kleene_from(bt_matcher_test(predicate, tested, part, &evaluator->work));
    return bt_evaluator_is_cut(evaluator) ? bt_kleene_unknown(BT_WHY_BUDGET) : met;
  }
  if (is_static && !joins_others(predicate->kind)) return bt_evaluator_missing(evaluator);
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return bt_kleene_from(true);
  case BT_PREDICATE_FALSE: return bt_kleene_from(false);
  case BT_PREDICATE_AND: return evaluate_all(evaluator, predicate, span, part);
  case BT_PREDICATE_OR: return evaluate_any(evaluator, predicate, span, part);
  case BT_PREDICATE_NOT: return bt_kleene_not(bt_evaluate_predicate(evaluator, predicate->items[0], span, part));
  case BT_PREDICATE_NAMED: return bt_evaluator_missing(evaluator); /* of a span that was not seen */
  case BT_PREDICATE_COMPARE: return bt_evaluate_comparison(evaluator, &predicate->comparison, span, part);
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: return evaluate_field_test(evaluator, predicate, span, part);
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: return evaluate_parts(evaluator, predicate, span);
  }
  return bt_kleene_from(false);
}
