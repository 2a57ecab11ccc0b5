/* Names of policies. See policy_name.h. A name is looked for as a text, so that the Collector's file may be anything
 * that it takes: YAML of any style, with variables and anchors, which are the Collector's to read. */
#include "server/rules/policy_name.h"

#include <string.h>

static const char begins[] = "betrace/";

static bool is_of_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static size_t count_of(bt_str text, size_t at, bool (*is_such)(char c)) {
  size_t count = 0;
  while (at + count < text.len && is_such(text.ptr[at + count])) count++;
  return count;
}

static bool is_of_hash(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A `#` at the start of a line or behind a blank begins a comment. */
static bool is_in_comment(bt_str text, size_t at) {
  while (at > 0 && text.ptr[at - 1] != '\n') {
    bool is_mark = text.ptr[--at] == '#';
    if (is_mark && (at == 0 || strchr(" \t\n", text.ptr[at - 1]))) return true;
  }
  return false;
}

static bool read_name(bt_str text, size_t at, bt_policy_name *out) {
  size_t id = at + sizeof begins - 1, id_length = count_of(text, id, is_of_id), hash = id + id_length + 1;
  if (!id_length || hash > text.len || text.ptr[hash - 1] != '/') return false;
  if (count_of(text, hash, is_of_hash) != BT_POLICY_HASH_DIGITS) return false;
  size_t end = hash + BT_POLICY_HASH_DIGITS;
  size_t digits = end < text.len && text.ptr[end] == '/' ? count_of(text, end + 1, is_digit) : 0;
  if (digits) end += 1 + digits;
  if (end < text.len && (is_of_id(text.ptr[end]) || text.ptr[end] == '/')) return false;
  out->whole = (bt_str){text.ptr + at, end - at};
  out->rule_id = (bt_str){text.ptr + id, id_length};
  out->rest = (bt_str){text.ptr + hash, end - hash};
  return true;
}

bool bt_policy_name_next(bt_str text, size_t *at, bt_policy_name *out) {
  for (; *at + sizeof begins - 1 <= text.len; ++*at) {
    if (memcmp(text.ptr + *at, begins, sizeof begins - 1) != 0 || (*at && is_of_id(text.ptr[*at - 1]))) continue;
    if (!read_name(text, *at, out) || is_in_comment(text, *at)) continue;
    *at += out->whole.len;
    return true;
  }
  return false;
}

bool bt_policy_name_is_in(bt_str text, const bt_policy_name *name) {
  bt_policy_name other;
  for (size_t at = 0; bt_policy_name_next(text, &at, &other);)
    if (bt_str_equal(other.whole, name->whole)) return true;
  return false;
}
