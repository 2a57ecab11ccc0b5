/* count_distinct over the members of a selection: how many values there are that some member's value equals. An array
 * gives each of its elements; what is missing, and NaN, equals nothing; a text counts as what it reads as. Values are
 * gathered on a stack of the evaluator (the value of one may hold another count_distinct), sorted by their hashes, and
 * counted. What members or values are unknown, or were not seen, makes the number a range. See evaluation.h. */
#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/evaluation.h"
#include "dsl/rule/field.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/text_number.h"
#include "dsl/trace/untyped_text.h"

enum { TESTS_OF_VALUE = 16, LONG_TEXT = 256, LONG_TEXT_ROUNDS = 32 };

typedef struct distinct {
  size_t first;           /* of its values on the stack */
  bool has_unknown_value; /* which may be any, an array too */
  unsigned why;
} distinct;

static bool make_room(bt_evaluator *evaluator) {
  bt_distinct_stack *stack = &evaluator->distinct;
  size_t capacity = stack->capacity ? stack->capacity * 2 : 64;
  if (stack->count < stack->capacity) return true;
  bt_distinct_value *values = bt_realloc_array(stack->values, capacity, sizeof *values);
  if (!values) {
    evaluator->work.status = BT_NO_MEMORY;
    return false;
  }
  stack->values = values;
  stack->capacity = capacity;
  return true;
}

/* A text is walked over to hash it, and a long one, of which the hash says less, for each time that it is compared. */
static bool pay_value(bt_evaluator *evaluator, const bt_value *value) {
  bt_evaluator_pay_tests(evaluator, TESTS_OF_VALUE);
  if (value->type != BT_VALUE_STRING) return true;
  uint64_t rounds = value->string.len > LONG_TEXT ? LONG_TEXT_ROUNDS : 1;
  return bt_work_pay(&evaluator->work, value->string.len * rounds);
}

static bool push_value(bt_evaluator *evaluator, const bt_value *value, bool is_sure) {
  uint32_t hash;
  if (!pay_value(evaluator, value)) return (void)bt_evaluator_is_cut(evaluator), true;
  bt_value read = bt_value_read(value);
  if (!bt_value_hash(&read, &hash)) return true;
  if (!make_room(evaluator)) return false;
  evaluator->distinct.values[evaluator->distinct.count++] = (bt_distinct_value){read, hash, is_sure};
  return true;
}

static bool push_known(bt_evaluator *evaluator, const bt_value *value, bool is_sure) {
  if (value->type != BT_VALUE_ARRAY) return push_value(evaluator, value, is_sure);
  for (uint32_t i = 0; i < value->array.count && !evaluator->is_exhausted; i++)
    if (!push_value(evaluator, &value->array.items[i], is_sure)) return false;
  return true;
}

static bool add_member(bt_evaluator *evaluator, distinct *d, const bt_program_expression *expression,
                       const bt_member *member) {
  bt_outcome value = bt_evaluate_expression(evaluator, expression->left, member->span, NULL);
  bool is_attribute = expression->left->kind == BT_EXPRESSION_FIELD && bt_field_may_be_cut(&expression->left->field);
  if (is_attribute && value.kind == BT_OUTCOME_VALUE && bt_may_be_cut(&value.low))
    value = bt_outcome_unknown(BT_WHY_DROPPED);
  if (value.kind == BT_OUTCOME_VALUE && bt_may_count_otherwise(&value.low)) value = bt_outcome_unknown(BT_WHY_TYPE);
  d->why |= member->truth.why;
  if (expression->tests > 1) bt_evaluator_pay_tests(evaluator, expression->tests);
  if (bt_outcome_is_known(&value)) return push_known(evaluator, &value.low, member->truth.truth == BT_TRUE);
  d->has_unknown_value = true;
  d->why |= value.why;
  return true;
}

/* ---- counting ---- */

static int compare_texts(bt_str a, bt_str b) {
  if (a.len != b.len) return a.len < b.len ? -1 : 1;
  return a.len ? memcmp(a.ptr, b.ptr, a.len) : 0;
}

/* Some order in which equal values, and only those, are equal. */
static int compare_values(const bt_value *a, const bt_value *b) {
  int order = 0;
  if (bt_value_compare_numbers(a, b, &order)) return order;
  bool is_a_number = bt_value_is_number(a), is_b_number = bt_value_is_number(b);
  if (is_a_number != is_b_number) return is_a_number ? -1 : 1;
  if (a->type != b->type) return a->type < b->type ? -1 : 1;
  if (a->type == BT_VALUE_STRING) return compare_texts(a->string, b->string);
  return (int)a->boolean - (int)b->boolean;
}

/* Of equal values the sure one comes first. */
static int compare_entries(const void *left, const void *right) {
  const bt_distinct_value *a = left, *b = right;
  if (a->hash != b->hash) return a->hash < b->hash ? -1 : 1;
  int order = compare_values(&a->value, &b->value);
  return order ? order : (int)b->is_sure - (int)a->is_sure;
}

static bt_outcome count_values(const bt_evaluator *evaluator, const distinct *d, bool is_open) {
  const bt_distinct_value *values = evaluator->distinct.values;
  size_t count = evaluator->distinct.count;
  int64_t sure = 0, possible = 0;
  if (count > d->first) qsort(evaluator->distinct.values + d->first, count - d->first, sizeof *values, compare_entries);
  for (size_t i = d->first; i < count; i++) {
    bool is_new = i == d->first || values[i - 1].hash != values[i].hash ||
                  compare_values(&values[i - 1].value, &values[i].value) != 0;
    possible += is_new;
    sure += is_new && values[i].is_sure;
  }
  bt_value low = {.type = BT_VALUE_INT, .integer = sure}, high = {.type = BT_VALUE_INT, .integer = possible};
  if (is_open || d->has_unknown_value) return bt_outcome_at_least(low, d->why);
  return bt_outcome_between(low, high, d->why);
}

bt_outcome bt_evaluate_distinct(bt_evaluator *evaluator, const bt_program_expression *expression, bt_kleene unseen) {
  distinct d = {.first = evaluator->distinct.count, .why = unseen.why};
  bt_outcome outcome = bt_outcome_unknown(BT_WHY_BUDGET);
  bt_cursor cursor;
  bt_member member;
  bool has_room = true;
  bt_cursor_open(&cursor, evaluator, expression->selection);
  while (has_room && bt_cursor_next(&cursor, evaluator, &member))
    has_room = add_member(evaluator, &d, expression, &member);
  bool is_cut = bt_evaluator_is_cut(evaluator);
  if (has_room && !is_cut && !evaluator->is_exhausted)
    outcome = count_values(evaluator, &d, unseen.truth == BT_UNKNOWN);
  evaluator->distinct.count = d.first;
  return outcome;
}
