/* The nearest of many names. See near_names.h. */
#include "dsl/base/near_names.h"

#include "dsl/base/suggestion.h"

static bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A word of four letters or more that both have. */
static bool share_word(bt_str a, bt_str b) {
  enum { LONG_ENOUGH = 4 };
  for (size_t start = 0, end; start < a.len; start = end + 1) {
    for (end = start; end < a.len && is_word_character(a.ptr[end]);) end++;
    if (end - start < LONG_ENOUGH) continue;
    for (size_t at = 0; at + (end - start) <= b.len; at++)
      if (bt_str_equal_nocase((bt_str){a.ptr + start, end - start}, (bt_str){b.ptr + at, end - start})) return true;
  }
  return false;
}

/* The less, the nearer. False: it is far. */
static bool score_of(bt_str wanted, bt_str name, unsigned *score) {
  enum { FAR = 4, SHARES = 5 };
  *score = bt_suggest_distance(wanted, name);
  if (*score < FAR && *score <= wanted.len / 3 + 1) return true;
  *score = SHARES;
  return share_word(wanted, name);
}

size_t bt_near_names_consider(bt_near_names *near, bt_str wanted, bt_str name) {
  unsigned score;
  size_t at = 0;
  for (size_t i = 0; i < near->count; i++)
    if (bt_str_equal(near->names[i], name)) return BT_NEAR_NAMES;
  if (!score_of(wanted, name, &score)) return BT_NEAR_NAMES;
  while (at < near->count &&
         (near->scores[at] < score || (near->scores[at] == score && bt_str_compare(near->names[at], name) < 0)))
    at++;
  if (at == BT_NEAR_NAMES) return at;
  size_t last = near->count < BT_NEAR_NAMES ? near->count++ : BT_NEAR_NAMES - 1;
  for (; last > at; last--) near->names[last] = near->names[last - 1], near->scores[last] = near->scores[last - 1];
  near->names[at] = name;
  near->scores[at] = score;
  return at;
}

void bt_near_name_write(bt_str name, size_t place, bt_buffer *out) {
  bt_buffer_printf(out, "%s%.*s", place ? ", " : "; near: ", BT_FMT(name));
}
