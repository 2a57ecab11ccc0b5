/* Texts that may have lost their end. See cut_text.h. */
#include "dsl/trace/cut_text.h"

enum { MOST_BYTES_OF_CHARACTER = 4 };

bt_str bt_cut_beginning(bt_str text, bool *may_be_cut) {
  static const bt_str replacement = {"\xEF\xBF\xBD", 3};
  bt_str beginning = text;
  size_t halves = 0; /* of a character: the bytes of it that were left */
  while (halves < MOST_BYTES_OF_CHARACTER && beginning.len + halves > BT_CUT_BYTES &&
         bt_str_ends_with(beginning, replacement)) {
    beginning.len -= replacement.len;
    halves++;
  }
  *may_be_cut = halves < MOST_BYTES_OF_CHARACTER && beginning.len + halves == BT_CUT_BYTES;
  return *may_be_cut ? beginning : text;
}

/* `.*` behind all else that has to be there. */
static bool takes_any_end(bt_str pattern) {
  if (!bt_str_ends_with(pattern, BT_STR(".*")) || bt_str_contains(pattern, BT_STR("|"))) return false;
  return !bt_str_ends_with(pattern, BT_STR("\\.*")) && !bt_str_contains(pattern, BT_STR("(?")) &&
         !bt_str_contains(pattern, BT_STR("\\Q"));
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
