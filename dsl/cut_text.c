/* Texts that may have lost their end. See cut_text.h. */
#include "dsl/cut_text.h"

enum { MOST_BYTES_OF_CHARACTER = 4 };

bool bt_has_cut_text(const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_may_be_cut(&attributes->items[i].value)) return true;
  return false;
}

bool bt_field_may_be_cut(const bt_field *field) {
  bt_field_kind kind = field->kind;
  return kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
         kind == BT_FIELD_SCOPE_ATTRIBUTE || kind == BT_FIELD_EVENT_ATTRIBUTE || kind == BT_FIELD_LINK_ATTRIBUTE ||
         kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE || kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
}

/* `.*` behind all else that has to be there. */
static bool takes_any_end(bt_str pattern) {
  if (!bt_str_ends_with(pattern, BT_STR(".*")) || bt_str_contains(pattern, BT_STR("|"))) return false;
  return !bt_str_ends_with(pattern, BT_STR("\\.*")) && !bt_str_contains(pattern, BT_STR("(?"));
}

/* `$`, `\z`, `\b` and `\B` look at what follows, in whatever place of the pattern they stand. */
bool bt_pattern_is_open(bt_str pattern, bool whole) {
  if (whole && !takes_any_end(pattern)) return false;
  static const bt_str looking_on[] = {{"$", 1}, {"\\z", 2}, {"\\b", 2}, {"\\B", 2}};
  for (size_t i = 0; i < sizeof looking_on / sizeof *looking_on; i++)
    if (bt_str_contains(pattern, looking_on[i])) return false;
  return true;
}

/* Without a repetition each character of a pattern stands for one of the text at most. */
bool bt_pattern_is_short(bt_str pattern) {
  return pattern.len * MOST_BYTES_OF_CHARACTER < BT_CUT_BYTES && !bt_str_contains(pattern, BT_STR("*")) &&
         !bt_str_contains(pattern, BT_STR("+")) && !bt_str_contains(pattern, BT_STR("{"));
}

typedef struct cut_pair {
  bt_str left, right;
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
    return !pair->left_is_cut || pair->right.len <= BT_CUT_BYTES || !bt_str_starts_with(pair->right, pair->left);
  case BT_ENDS_WITH: return pair->right.len == 0 || (!pair->left_is_cut && pair->left.len < BT_CUT_BYTES);
  case BT_MATCHES: return holds && bt_pattern_is_open(pair->right, false);
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE:
    return bt_pattern_is_short(pair->right) || (holds && bt_pattern_is_open(pair->right, true));
  case BT_LESS:
  case BT_GREATER_EQUAL:
    if (!pair->right_is_cut && pair->right.len == BT_CUT_BYTES) return true;
    break;
  case BT_GREATER:
  case BT_LESS_EQUAL:
    if (!pair->left_is_cut && pair->left.len == BT_CUT_BYTES) return true;
    break;
  case BT_EQUAL:
  case BT_NOT_EQUAL:
  case BT_IN:
  case BT_NOT_IN: break;
  }
  return !may_become_equal(pair);
}

bt_kleene bt_cut_meets(const bt_comparator *comparator, bt_cut_side left, bt_cut_side right, bt_work *work) {
  bool meets = bt_values_meet(comparator, left.value, right.value, work);
  bool left_is_cut = left.is_attribute && bt_may_be_cut(left.value);
  bool right_is_cut = right.is_attribute && bt_may_be_cut(right.value);
  if (!left_is_cut && !right_is_cut) return bt_kleene_from(meets);
  const bt_value *other = left_is_cut ? right.value : left.value;
  if (other->type == BT_VALUE_ARRAY) return bt_kleene_unknown(BT_WHY_DROPPED);
  if (other->type != BT_VALUE_STRING) return bt_kleene_from(meets);
  cut_pair pair = {left.value->string, right.value->string, left_is_cut, right_is_cut};
  bool is_negative = comparator->op == BT_NOT_EQUAL || comparator->op == BT_NOT_MATCHES_WHOLE;
  bool is_known = is_decided(comparator->op, &pair, meets != is_negative);
  return is_known ? bt_kleene_from(meets) : bt_kleene_unknown(BT_WHY_DROPPED);
}
