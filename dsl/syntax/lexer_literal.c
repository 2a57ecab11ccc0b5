/* Numbers, durations and strings. See lexer.h. Durations are computed in whole nanoseconds, never through a double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/lexer.h"
#include "dsl/syntax/vocabulary.h"

enum { MAX_DECIMAL_CHARACTERS = 400 };

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bt_range range_from(const bt_lexer *lexer, size_t start) {
  return (bt_range){(uint32_t)start, (uint32_t)lexer->at};
}

/* End of a run of digits with single _ between them. */
static size_t digits_end(const bt_lexer *lexer, size_t at) {
  while (is_digit(bt_lexer_peek(lexer, at)) ||
         (bt_lexer_peek(lexer, at) == '_' && is_digit(bt_lexer_peek(lexer, at + 1))))
    at++;
  return at;
}

/* End of digits with an optional fraction. */
static size_t mantissa_end(const bt_lexer *lexer, size_t at) {
  at = digits_end(lexer, at);
  if (bt_lexer_peek(lexer, at) == '.' && is_digit(bt_lexer_peek(lexer, at + 1))) at = digits_end(lexer, at + 1);
  return at;
}

/* End of an exponent at `at`, or `at`. */
static size_t exponent_end(const bt_lexer *lexer, size_t at) {
  char c = bt_lexer_peek(lexer, at);
  if (c != 'e' && c != 'E') return at;
  size_t digits = at + 1;
  if (bt_lexer_peek(lexer, digits) == '+' || bt_lexer_peek(lexer, digits) == '-') digits++;
  return is_digit(bt_lexer_peek(lexer, digits)) ? digits_end(lexer, digits) : at;
}

/* Units as people write them, and as they are written here. */
static const char *find_long_unit(bt_str word) {
  static const char *const rows[][2] = {
      {"sec", "s"},     {"secs", "s"},    {"second", "s"}, {"seconds", "s"}, {"min", "m"},     {"mins", "m"},
      {"minute", "m"},  {"minutes", "m"}, {"hr", "h"},     {"hrs", "h"},     {"hour", "h"},    {"hours", "h"},
      {"day", "d"},     {"days", "d"},    {"msec", "ms"},  {"msecs", "ms"},  {"millis", "ms"}, {"usec", "us"},
      {"micros", "us"}, {"nsec", "ns"},   {"nanos", "ns"}, {"S", "s"},       {"M", "m"},       {"H", "h"},
      {"D", "d"},       {"MS", "ms"},     {"Ms", "ms"},    {"US", "us"},     {"NS", "ns"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (bt_str_equal(word, bt_str_from(rows[i][0]))) return rows[i][1];
  return NULL;
}

/* What `<` and its like compare is hardly a text, but a number with a unit that nobody knows. */
static bool is_ordered(const bt_lexer *lexer) {
  if (!lexer->tokens->count) return false;
  bt_token_kind before = lexer->tokens->items[lexer->tokens->count - 1].kind;
  return before == BT_TOKEN_LESS || before == BT_TOKEN_LESS_EQUAL || before == BT_TOKEN_GREATER ||
         before == BT_TOKEN_GREATER_EQUAL;
}

/* The fix for a word that begins with a number: the duration that it nearly is, else the string. */
static void fix_number(bt_lexer *lexer, bt_diagnostic *added, bt_range range) {
  bt_str word = {lexer->text.ptr + range.start, range.end - range.start};
  size_t digits = mantissa_end(lexer, range.start) - range.start;
  const char *unit = find_long_unit((bt_str){word.ptr + digits, word.len - digits});
  if (unit)
    bt_diagnostics_format_fix(lexer->diagnostics, added, range, "%.*s%s", (int)digits, word.ptr, unit);
  else if (!is_ordered(lexer))
    bt_diagnostics_format_fix(lexer->diagnostics, added, range, "\"%.*s\"", BT_FMT(word));
}

/* A number that goes on with letters: the whole word is taken, so that one mistake is one report. */
static void report_number(bt_lexer *lexer, size_t start, bt_token *token, const char *what, bool quotable) {
  while (bt_is_identifier_part(bt_lexer_peek(lexer, lexer->at)) ||
         (unsigned char)bt_lexer_peek(lexer, lexer->at) >= 0x80)
    lexer->at++;
  token->kind = BT_TOKEN_BAD_NUMBER;
  bt_range range = range_from(lexer, start);
  bt_diagnostic *added = bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_NUMBER, range, "%s", what);
  if (quotable) fix_number(lexer, added, range);
}

typedef struct unit_row {
  char spelling[4];
  int64_t ns;
} unit_row;

/* Largest first; a spelling that begins with another one comes before it. */
static const unit_row units[] = {
    {"d", 86400000000000}, {"h", 3600000000000}, {"ms", 1000000},     {"m", 60000000000}, {"s", 1000000000},
    {"us", 1000},          {"\xC2\xB5s", 1000},  {"\xCE\xBCs", 1000}, {"ns", 1},
};

static const unit_row *find_unit(const bt_lexer *lexer, size_t at) {
  bt_str rest = {lexer->text.ptr + at, lexer->text.len - at};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    bt_str spelling = bt_str_from(units[i].spelling);
    /* A unit is followed by the next number or by the end of the word. */
    if (bt_str_starts_with(rest, spelling) && !bt_is_identifier_start(bt_lexer_peek(lexer, at + spelling.len)))
      return &units[i];
  }
  return NULL;
}

/* Adds `number × unit` to *total_ns; false with a reason when it overflows or is not a whole number of nanoseconds. */
static bool add_component(bt_str number, int64_t unit_ns, int64_t *total_ns, const char **reason) {
  *reason = "this duration is too long: the longest is about 292 years";
  int64_t whole = 0;
  size_t i = 0;
  for (; i < number.len && number.ptr[i] != '.'; i++) {
    if (number.ptr[i] == '_') continue;
    if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, number.ptr[i] - '0', &whole))
      return false;
  }
  int64_t part_ns;
  if (__builtin_mul_overflow(whole, unit_ns, &part_ns) || __builtin_add_overflow(*total_ns, part_ns, total_ns))
    return false;
  int64_t scale_ns = unit_ns;
  for (i++; i < number.len; i++) {
    if (number.ptr[i] == '_') continue;
    if (scale_ns % 10 != 0 && number.ptr[i] != '0') {
      *reason = "durations are whole nanoseconds: this one is finer";
      return false;
    }
    scale_ns /= 10;
    if (__builtin_add_overflow(*total_ns, scale_ns * (number.ptr[i] - '0'), total_ns)) return false;
  }
  return true;
}

static void read_duration(bt_lexer *lexer, size_t start, bt_token *token) {
  const char *reason = "expected a number, or a duration with the units d h m s ms us ns: quote it if it is a string";
  int64_t total_ns = 0, last_unit_ns = INT64_MAX;
  do {
    size_t number_start = lexer->at, number_end = mantissa_end(lexer, number_start);
    const unit_row *unit = find_unit(lexer, number_end);
    lexer->at = number_end;
    if (!unit) {
      report_number(lexer, start, token, reason, true);
      return;
    }
    lexer->at = number_end + strlen(unit->spelling);
    if (unit->ns >= last_unit_ns) {
      report_number(lexer, start, token, "units of a duration fall and stand once each, as in 1h30m15s", false);
      return;
    }
    last_unit_ns = unit->ns;
    bt_str number = {lexer->text.ptr + number_start, number_end - number_start};
    if (!add_component(number, unit->ns, &total_ns, &reason)) {
      report_number(lexer, start, token, reason, false);
      return;
    }
  } while (is_digit(bt_lexer_peek(lexer, lexer->at)));
  token->kind = BT_TOKEN_DURATION;
  token->duration_ns = total_ns;
}

static void read_integer(bt_lexer *lexer, size_t start, bt_token *token) {
  uint64_t value = 0;
  for (size_t i = start; i < lexer->at; i++) {
    char c = lexer->text.ptr[i];
    if (c == '_') continue;
    if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (uint64_t)(c - '0'), &value) ||
        value > (uint64_t)INT64_MAX + 1) {
      report_number(lexer, start, token,
                    "integers have 64 bits, at most 9223372036854775807: write a decimal, as in 1e19", false);
      return;
    }
  }
  token->kind = BT_TOKEN_INTEGER;
  token->integer = value;
}

static void read_decimal(bt_lexer *lexer, size_t start, bt_token *token) {
  char digits[MAX_DECIMAL_CHARACTERS + 1];
  size_t length = 0;
  for (size_t i = start; i < lexer->at; i++) {
    if (lexer->text.ptr[i] == '_') continue;
    if (length == MAX_DECIMAL_CHARACTERS) {
      report_number(lexer, start, token, "this number has too many digits: expected at most 400", false);
      return;
    }
    digits[length++] = lexer->text.ptr[i];
  }
  digits[length] = '\0';
  double value = strtod(digits, NULL);
  if (!isfinite(value)) {
    report_number(lexer, start, token, "this number is too large: the largest is about 1.8e308", false);
    return;
  }
  token->kind = BT_TOKEN_DECIMAL;
  token->decimal = value;
}

void bt_lexer_number(bt_lexer *lexer, bt_token *token) {
  size_t start = lexer->at;
  size_t integer_end = digits_end(lexer, start);
  size_t end = exponent_end(lexer, mantissa_end(lexer, start));
  char next = bt_lexer_peek(lexer, end);
  if (bt_is_identifier_part(next) || (unsigned char)next >= 0x80) {
    read_duration(lexer, start, token);
    return;
  }
  lexer->at = end;
  if (end == integer_end)
    read_integer(lexer, start, token);
  else
    read_decimal(lexer, start, token);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Four hex digits at `at`; false when they are not. */
static bool read_hex4(const bt_lexer *lexer, size_t at, uint32_t *out) {
  *out = 0;
  for (size_t i = 0; i < 4; i++) {
    int digit = hex_digit(bt_lexer_peek(lexer, at + i));
    if (digit < 0) return false;
    *out = *out << 4 | (uint32_t)digit;
  }
  return true;
}

static size_t put_utf8(char *out, uint32_t code) {
  if (code < 0x80) return out[0] = (char)code, 1;
  if (code < 0x800) return out[0] = (char)(0xC0 | code >> 6), out[1] = (char)(0x80 | (code & 0x3F)), 2;
  if (code < 0x10000) {
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | code >> 18);
  out[1] = (char)(0x80 | (code >> 12 & 0x3F));
  out[2] = (char)(0x80 | (code >> 6 & 0x3F));
  out[3] = (char)(0x80 | (code & 0x3F));
  return 4;
}

/* \uXXXX at lexer->at, or two of them that are one character. Writes at most 4 bytes for at least 6 read. */
static bool read_unicode_escape(bt_lexer *lexer, char *out, size_t *length) {
  uint32_t code, low;
  if (!read_hex4(lexer, lexer->at + 2, &code)) return false;
  size_t end = lexer->at + 6;
  if (code >= 0xD800 && code <= 0xDBFF) {
    if (bt_lexer_peek(lexer, end) != '\\' || bt_lexer_peek(lexer, end + 1) != 'u' || !read_hex4(lexer, end + 2, &low) ||
        low < 0xDC00 || low > 0xDFFF)
      return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    end += 6;
  } else if (code >= 0xDC00 && code <= 0xDFFF) {
    return false;
  }
  *length += put_utf8(out + *length, code);
  lexer->at = end;
  return true;
}

/* One escape at lexer->at (a backslash); false when there is no such escape. */
static bool read_escape(bt_lexer *lexer, char *out, size_t *length) {
  static const char names[] = "\"\\ntr";
  static const char values[] = "\"\\\n\t\r";
  char c = bt_lexer_peek(lexer, lexer->at + 1);
  if (c == 'u') return read_unicode_escape(lexer, out, length);
  const char *name = c ? strchr(names, c) : NULL;
  if (!name) return false;
  out[(*length)++] = values[name - names];
  lexer->at += 2;
  return true;
}

/* End of the string whose quote stands at `at`: of its closing quote, or of the line or text when it has none. */
static size_t string_end(const bt_lexer *lexer, size_t at, bool *closed) {
  *closed = false;
  for (at++; at < lexer->text.len && lexer->text.ptr[at] != '\n'; at++) {
    if (lexer->text.ptr[at] == '"') {
      *closed = true;
      return at + 1;
    }
    if (lexer->text.ptr[at] == '\\' && at + 1 < lexer->text.len && lexer->text.ptr[at + 1] != '\n') at++;
  }
  return at;
}

/* The usual reason for an unknown escape is a regex: the raw string is the fix. */
static void report_escape(bt_lexer *lexer, size_t start, size_t end) {
  bt_range range = {(uint32_t)lexer->at, (uint32_t)lexer->at + 2};
  if (range.end > end) range.end = (uint32_t)end;
  bt_str inner = {lexer->text.ptr + start + 1, end - start - 2};
  bt_diagnostic *added = bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                                            "unknown escape: expected \\\" \\\\ \\n \\t \\r or \\uXXXX; "
                                            "a regex is easier in backquotes, where nothing is escaped");
  bool is_unicode = bt_lexer_peek(lexer, lexer->at + 1) == 'u';
  bool same_in_raw = !is_unicode && !bt_str_contains(inner, BT_STR("`")) && !bt_str_contains(inner, BT_STR("\\\\")) &&
                     !bt_str_contains(inner, BT_STR("\\\""));
  if (same_in_raw)
    bt_diagnostics_format_fix(lexer->diagnostics, added, (bt_range){(uint32_t)start, (uint32_t)end}, "`%.*s`",
                              BT_FMT(inner));
}

static void decode_string(bt_lexer *lexer, size_t start, size_t end, char *out, size_t *length) {
  bool reported = false;
  for (lexer->at = start + 1; lexer->at + 1 < end;) {
    char c = lexer->text.ptr[lexer->at];
    if (c != '\\') {
      out[(*length)++] = c;
      lexer->at++;
    } else if (!read_escape(lexer, out, length)) {
      if (!reported) report_escape(lexer, start, end);
      reported = true;
      out[(*length)++] = c;
      lexer->at++;
    }
  }
}

void bt_lexer_string(bt_lexer *lexer, bt_token *token) {
  size_t start = lexer->at;
  bool closed;
  size_t end = string_end(lexer, start, &closed);
  token->kind = BT_TOKEN_STRING;
  if (!closed) {
    lexer->at = end;
    bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range_from(lexer, start),
                       "this string is not closed: expected \" before the end of the line");
    token->text = (bt_str){lexer->text.ptr + start + 1, end - start - 1};
    return;
  }
  bt_str inner = {lexer->text.ptr + start + 1, end - start - 2};
  if (!bt_str_contains(inner, BT_STR("\\"))) {
    token->text = inner;
    lexer->at = end;
    return;
  }
  /* Decoded text is never longer than its spelling. */
  char *decoded = bt_arena_alloc(lexer->arena, inner.len);
  size_t length = 0;
  if (decoded)
    decode_string(lexer, start, end, decoded, &length);
  else
    lexer->no_memory = true;
  token->text = (bt_str){decoded, length};
  lexer->at = end;
}

void bt_lexer_raw_string(bt_lexer *lexer, bt_token *token) {
  size_t start = lexer->at;
  const char *from = lexer->text.ptr + start + 1;
  const char *close = memchr(from, '`', lexer->text.len - start - 1);
  token->kind = BT_TOKEN_STRING;
  token->text = (bt_str){from, close ? (size_t)(close - from) : lexer->text.len - start - 1};
  lexer->at = close ? start + token->text.len + 2 : lexer->text.len;
  if (!close)
    bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, (bt_range){(uint32_t)start, (uint32_t)start + 1},
                       "this raw string is not closed: expected ` before the end of the text");
}

const char *bt_vocabulary_unit(size_t i) {
  return i < sizeof units / sizeof units[0] ? units[i].spelling : NULL;
}
