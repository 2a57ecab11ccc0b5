/* Words of an expression. See promql_lexer.h. */
#include "server/backtest/promql_lexer.h"

#include <ctype.h>
#include <string.h>

#include "server/backtest/promql.h"

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static char char_at(bt_str text, size_t at) {
  return at < text.len ? text.ptr[at] : '\0';
}

static size_t skip_blanks(bt_str text, size_t at) {
  while (at < text.len) {
    char c = text.ptr[at];
    if (c == '#')
      while (at < text.len && text.ptr[at] != '\n') at++;
    else if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      at++;
    else
      break;
  }
  return at;
}

/* Units, the longest first where one begins another, each with its length in milliseconds. */
static const struct {
  const char *unit;
  int64_t ms;
} units[] = {{"y", INT64_C(31536000000)},
             {"w", 604800000},
             {"d", 86400000},
             {"h", 3600000},
             {"m", 60000},
             {"s", 1000},
             {"ms", 1}};
enum { UNIT_COUNT = sizeof units / sizeof *units };

static size_t unit_at(bt_str text, size_t at) {
  bool is_ms = char_at(text, at) == 'm' && char_at(text, at + 1) == 's';
  for (size_t i = 0; i < UNIT_COUNT; i++)
    if (is_ms ? strcmp(units[i].unit, "ms") == 0 : !units[i].unit[1] && units[i].unit[0] == char_at(text, at)) return i;
  return UNIT_COUNT;
}

/* The end of the duration that begins there; `at` where none does. */
static size_t read_duration(bt_str text, size_t at, int64_t *out_ms) {
  size_t end = at, next = 0;
  *out_ms = 0;
  while (is_digit(char_at(text, end))) {
    int64_t number = 0;
    size_t digits = end;
    while (is_digit(char_at(text, digits)) && number < INT64_C(1000000000000))
      number = 10 * number + (text.ptr[digits++] - '0');
    size_t unit = unit_at(text, digits);
    int64_t part = 0;
    if (unit == UNIT_COUNT || unit < next || __builtin_mul_overflow(number, units[unit].ms, &part) ||
        __builtin_add_overflow(*out_ms, part, out_ms))
      return at;
    end = digits + strlen(units[unit].unit);
    next = unit + 1;
  }
  return is_letter(char_at(text, end)) && char_at(text, end) != ':' ? at : end;
}

bool bt_promql_duration(bt_str text, int64_t *out_ms) {
  *out_ms = 0;
  if (bt_str_equal(text, BT_STR("0"))) return true;
  return text.len && read_duration(text, 0, out_ms) == text.len;
}

static size_t number_end(bt_str text, size_t at) {
  while (is_digit(char_at(text, at))) at++;
  if (char_at(text, at) == '.') at++;
  while (is_digit(char_at(text, at))) at++;
  bool has_sign = char_at(text, at + 1) == '+' || char_at(text, at + 1) == '-';
  if ((char_at(text, at) == 'e' || char_at(text, at) == 'E') && is_digit(char_at(text, at + 1 + has_sign))) {
    at += 1 + has_sign;
    while (is_digit(char_at(text, at))) at++;
  }
  while (is_letter(char_at(text, at))) at++; /* 0x10, 5x: no number */
  return at;
}

/* Behind the closing quote, or the end of the text. */
static size_t text_end(bt_str text, size_t at) {
  char quote = text.ptr[at++];
  while (at < text.len && text.ptr[at] != quote) at += quote != '`' && text.ptr[at] == '\\' ? 2 : 1;
  return at < text.len ? at + 1 : text.len;
}

static size_t sign_length(bt_str text, size_t at) {
  static const char *const signs[] = {"==", "!=", ">=", "<=", "=~", "!~"};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (char_at(text, at) == signs[i][0] && char_at(text, at + 1) == signs[i][1]) return 2;
  return strchr("+-*/%^<>=(){}[],:@", text.ptr[at]) ? 1 : 0;
}

static bt_promql_token cut_token(bt_str text, size_t from, size_t *at, bt_promql_token_kind kind) {
  return (bt_promql_token){kind, {text.ptr + from, *at - from}, from};
}

bt_promql_token bt_promql_next(bt_str text, size_t *at) {
  size_t from = skip_blanks(text, *at);
  int64_t ms;
  *at = from;
  if (from >= text.len) return (bt_promql_token){BT_PROMQL_END, {text.ptr + text.len, 0}, text.len};
  char c = text.ptr[from];
  if (is_letter(c) && c != ':') {
    while (is_letter(char_at(text, *at)) || is_digit(char_at(text, *at))) (*at)++;
    return cut_token(text, from, at, BT_PROMQL_WORD);
  }
  if (is_digit(c) || (c == '.' && is_digit(char_at(text, from + 1)))) {
    *at = read_duration(text, from, &ms);
    if (*at > from) return cut_token(text, from, at, BT_PROMQL_TIME_SPAN);
    *at = number_end(text, from);
    return cut_token(text, from, at, BT_PROMQL_DIGITS);
  }
  if (c == '"' || c == '\'' || c == '`') {
    *at = text_end(text, from);
    return cut_token(text, from, at, BT_PROMQL_TEXT);
  }
  size_t length = sign_length(text, from);
  *at += length ? length : 1;
  return cut_token(text, from, at, length ? BT_PROMQL_SIGN : BT_PROMQL_STRANGE);
}
