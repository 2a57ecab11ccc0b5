/* The word of the language under a cursor. See language.h. */
#include "server/editor/context_parts.h"
#include "server/editor/language.h"

/* The word from the first letter that the cursor touches, so that the beginning of a word is in it too. */
static bt_range touched_word(bt_str text, size_t offset) {
  bool at_start = offset < text.len && bt_is_identifier_start(text.ptr[offset]);
  bt_range range = bt_word_find(text, at_start ? offset + 1 : offset);
  if (range.start == range.end && offset > 0) range = bt_word_find(text, offset);
  return range;
}

bool bt_language_at(bt_str text, size_t offset, bt_range *range, bt_language_word *out) {
  bt_text_place place;
  if (bt_place_find(text, offset, &place) != BT_PLACE_CODE) return false;
  *range = touched_word(text, offset);
  bt_str word = {text.ptr + range->start, range->end - range->start};
  if (!word.len) return false;
  static const char *const joined[] = {"child", "parent", "sibling", "linked", "downstream"};
  for (size_t i = 0; i < sizeof joined / sizeof joined[0]; i++)
    if (bt_str_equal(word, bt_str_from(joined[i]))) {
      static const char *const names[] = {"child of", "parent of", "sibling of", "linked to", "downstream of"};
      return bt_language_find(bt_str_from(names[i]), 0, out);
    }
  return bt_language_find(word, 0, out);
}
