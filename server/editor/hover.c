/* The word of the language under a cursor. See language.h. */
#include "dsl/rule/relations.h"
#include "server/editor/context_parts.h"
#include "server/editor/language.h"

bt_range bt_word_touched(bt_str text, size_t offset) {
  bool at_start = offset < text.len && bt_is_identifier_start(text.ptr[offset]);
  bt_range range = bt_word_find(text, at_start ? offset + 1 : offset);
  if (range.start == range.end && offset > 0) range = bt_word_find(text, offset);
  return range;
}

bool bt_language_at(bt_str text, size_t offset, bt_range *range, bt_language_word *out) {
  bt_text_place place;
  if (bt_place_find(text, offset, &place) != BT_PLACE_CODE) return false;
  *range = bt_word_touched(text, offset);
  bt_str word = {text.ptr + range->start, range->end - range->start};
  if (!word.len) return false;
  const bt_relation_row *relation = bt_relation_of_word(word);
  return bt_language_find(relation ? bt_str_from(relation->name) : word, 0, out);
}
