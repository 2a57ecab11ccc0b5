/* Comparing texts that may have lost their end or their type. See cut_comparison.h. */
#include "dsl/evaluate/cut_comparison.h"

#include <math.h>

#include "dsl/trace/cut_text.h"
#include "dsl/trace/text_number.h"
#include "dsl/trace/untyped_text.h"

typedef struct cut_pair {
  bt_str left, right; /* of what was cut the beginning */
  bool left_is_cut, right_is_cut;
} cut_pair;

/* Either could go on so that it becomes the other. */
static bool may_become_equal(const cut_pair *pair) {
  return (pair->left_is_cut && bt_str_starts_with(pair->right, pair->left)) ||
         (pair->right_is_cut && bt_str_starts_with(pair->left, pair->right));
}

/* Whether it holds for what is there decides whether it holds. */
static bool is_decided(bt_comparison_operator op, const cut_pair *pair, bool holds) {
  switch (op) {
  case BT_CONTAINS: return pair->right_is_cut ? !holds && !pair->left_is_cut : holds;
  case BT_STARTS_WITH:
    if (pair->right_is_cut && holds) return false;
    return !pair->left_is_cut || pair->right.len <= pair->left.len || !bt_str_starts_with(pair->right, pair->left);
  case BT_ENDS_WITH: return pair->right.len == 0 || (!pair->left_is_cut && pair->left.len < BT_CUT_BYTES);
  case BT_MATCHES: return holds && bt_pattern_is_open(pair->right, false);
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE:
    return bt_pattern_is_short(pair->right) || (holds && bt_pattern_is_open(pair->right, true));
  case BT_LESS:
  case BT_GREATER_EQUAL:
    if (!pair->right_is_cut && pair->right.len <= pair->left.len) return true;
    break;
  case BT_GREATER:
  case BT_LESS_EQUAL:
    if (!pair->left_is_cut && pair->left.len <= pair->right.len) return true;
    break;
  case BT_EQUAL:
  case BT_NOT_EQUAL:
  case BT_IN:
  case BT_NOT_IN: break;
  }
  return !may_become_equal(pair);
}

/* The side's value, of a text that was cut its beginning. */
static bt_value known_of(bt_cut_side side, bool *is_cut) {
  bt_value known = *side.value;
  *is_cut = false;
  if (side.is_attribute && known.type == BT_VALUE_STRING) known.string = bt_cut_beginning(known.string, is_cut);
  return known;
}

static bt_kleene typed_meets(const bt_comparator *comparator, bt_cut_side left, bt_cut_side right, bt_work *work) {
  cut_pair pair;
  bt_value one = known_of(left, &pair.left_is_cut), two = known_of(right, &pair.right_is_cut);
  bool meets = bt_values_meet(comparator, &one, &two, work);
  if (!pair.left_is_cut && !pair.right_is_cut) return bt_kleene_from(meets);
  const bt_value *other = pair.left_is_cut ? &two : &one;
  if (other->type == BT_VALUE_ARRAY) return bt_kleene_unknown(BT_WHY_DROPPED);
  if (other->type != BT_VALUE_STRING) return bt_kleene_from(meets);
  pair.left = one.string, pair.right = two.string;
  bool is_negative = comparator->op == BT_NOT_EQUAL || comparator->op == BT_NOT_MATCHES_WHOLE;
  bool is_known = is_decided(comparator->op, &pair, meets != is_negative);
  return is_known ? bt_kleene_from(meets) : bt_kleene_unknown(BT_WHY_DROPPED);
}

/* Whether a number that was rounded to `stored` compares with the other value as that does: the other one is no number,
 * or lies beyond the doubles next to it. */
static bool compares_as_stored(const bt_value *stored, const bt_value *other) {
  if (stored->type != BT_VALUE_DOUBLE || bt_value_is_untyped(other) || other->type == BT_VALUE_ARRAY) return false;
  bt_value number = bt_value_read(other), below = *stored, above = *stored;
  int to_below, to_above;
  below.decimal = nextafter(stored->decimal, -INFINITY);
  above.decimal = nextafter(stored->decimal, INFINITY);
  if (!bt_value_compare_numbers(&number, &below, &to_below) || !bt_value_compare_numbers(&number, &above, &to_above))
    return true;
  return to_below < 0 || to_above > 0;
}

static bool is_left_open(const bt_readings *readings, const bt_value *value, const bt_value *other) {
  return readings->is_open && !(bt_value_is_inexact(value) && compares_as_stored(value, other));
}

/* It holds if it does whatever either side was. */
bt_kleene bt_cut_meets(const bt_comparator *comparator, bt_cut_side left, bt_cut_side right, bt_work *work) {
  bt_readings lefts = bt_readings_of(left.value), rights = bt_readings_of(right.value);
  bt_kleene met = bt_kleene_from(false);
  for (uint32_t i = 0; i < lefts.count; i++)
    for (uint32_t k = 0; k < rights.count; k++) {
      bt_cut_side one = {&lefts.items[i], left.is_attribute}, two = {&rights.items[k], right.is_attribute};
      bt_kleene next = typed_meets(comparator, one, two, work);
      if (i + k && met.truth != next.truth) return bt_kleene_unknown(BT_WHY_TYPE | met.why | next.why);
      met = next;
    }
  bool is_missing = bt_value_is_missing(left.value) || bt_value_is_missing(right.value);
  bool is_open = is_left_open(&lefts, left.value, right.value) || is_left_open(&rights, right.value, left.value);
  return is_open && !is_missing ? bt_kleene_unknown(BT_WHY_TYPE) : met;
}

bt_kleene bt_cut_is_there(const bt_value *value) {
  bt_readings readings = bt_readings_of(value);
  bool is_nan = bt_value_is_nan(&readings.items[readings.count - 1]);
  if (bt_may_be_none(value) || (is_nan && readings.count > 1)) return bt_kleene_unknown(BT_WHY_TYPE);
  return bt_kleene_from(!bt_value_is_missing(value) && !is_nan);
}
