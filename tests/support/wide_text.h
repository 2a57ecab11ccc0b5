/* The wider form of a filter, made of its text: attributes are tested for any string instead of for their patterns. It
 * knows nothing of the trees from which the program writes the same. */
#ifndef BT_TESTS_SUPPORT_WIDE_TEXT_H
#define BT_TESTS_SUPPORT_WIDE_TEXT_H

#include <string.h>

#include "dsl/base/text.h"
#include "dsl/plan/filter.h"

static inline bool starts_at(bt_str text, size_t at, bt_str word) {
  return text.len - at >= word.len && bt_str_equal((bt_str){text.ptr + at, word.len}, word);
}

/* The place behind the string literal that begins at `at`. */
static inline size_t skip_literal(bt_str text, size_t at) {
  for (at++; at < text.len && text.ptr[at] != '"'; at++)
    if (text.ptr[at] == '\\') at++;
  return at < text.len ? at + 1 : text.len;
}

/* Where the word ends that begins at `at`: at a blank or a parenthesis outside quotes. */
static inline size_t skip_word(bt_str text, size_t at) {
  while (at < text.len && !strchr(" ()", text.ptr[at])) at = text.ptr[at] == '"' ? skip_literal(text, at) : at + 1;
  return at;
}

/* An attribute that may hold an array: not the service's name, if it is text. */
static inline bool is_attribute(bt_str word) {
  bool has_scope = starts_at(word, 0, BT_STR("span.")) || starts_at(word, 0, BT_STR("resource."));
  return has_scope && !bt_str_equal(word, BT_STR("resource.service.name"));
}

/* False: nothing is wider, and *out is the same filter. */
static inline bool widen_text(bt_str filter, bt_buffer *out) {
  static const bt_str matches = {" =~ ", 4},
                      anything = {"\"" BT_FILTER_ANY_STRING "\"", sizeof BT_FILTER_ANY_STRING + 1};
  bool is_wider = false;
  for (size_t at = 0; at < filter.len;) {
    size_t end = skip_word(filter, at);
    bt_str word = {filter.ptr + at, end - at};
    if (!word.len) word.len = ++end - at; /* a blank, a parenthesis */
    bt_buffer_append(out, word);
    at = end;
    if (!is_attribute(word) || !starts_at(filter, end, matches)) continue;
    bt_buffer_append(out, matches);
    at = skip_literal(filter, end + matches.len);
    bt_str pattern = {filter.ptr + end + matches.len, at - end - matches.len};
    bt_buffer_append(out, anything);
    if (!bt_str_equal(pattern, anything)) is_wider = true;
  }
  return is_wider;
}

#endif
