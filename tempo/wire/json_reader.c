/* The JSON pull reader. See json_reader.h. */
#include "tempo/wire/json_reader.h"

#include <endian.h>
#include <string.h>

enum { MAX_SKIP_DEPTH = 512 };

void bt_json_init(bt_json *json, bt_str text, bt_arena *arena) {
  static const char nothing[1] = "";
  const char *start = text.ptr ? text.ptr : nothing;
  *json = (bt_json){.start = start, .at = start, .end = start + text.len, .arena = arena};
}

bool bt_json_stop(bt_json *json, const char *problem) {
  if (!json->problem) {
    json->problem = problem;
    json->status = BT_INVALID;
  }
  return false;
}

static bool stop_without_memory(bt_json *json) {
  if (!json->problem) {
    json->problem = "out of memory for a string with escapes";
    json->status = BT_NO_MEMORY;
  }
  return false;
}

bt_status bt_json_status(const bt_json *json, bt_error *error) {
  if (!json->problem) return BT_OK;
  uint64_t line = json->first_line + 1, before = json->first_column;
  const char *line_start = json->start;
  for (const char *at = json->start; at < json->at; at++)
    if (*at == '\n') line++, line_start = at + 1, before = 0;
  uint64_t column = before + (uint64_t)(json->at - line_start) + 1;
  return bt_error_set(error, json->status, "JSON, line %llu, column %llu: %s", (unsigned long long)line,
                      (unsigned long long)column, json->problem);
}

static inline void skip_blanks(bt_json *json) {
  if (json->at < json->end && (unsigned char)*json->at > ' ') return; /* nearly always */
  while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
    json->at++;
}

bool bt_json_at_end(bt_json *json) {
  if (json->problem) return false;
  skip_blanks(json);
  return json->at == json->end;
}

/* What a value that begins with this byte is: BT_JSON_NOTHING, which is 0, for all others. */
static const uint8_t type_of_byte[256] = {
    ['{'] = BT_JSON_OBJECT, ['['] = BT_JSON_ARRAY,  ['"'] = BT_JSON_STRING, ['t'] = BT_JSON_BOOL,
    ['f'] = BT_JSON_BOOL,   ['n'] = BT_JSON_NULL,   ['-'] = BT_JSON_NUMBER, ['0'] = BT_JSON_NUMBER,
    ['1'] = BT_JSON_NUMBER, ['2'] = BT_JSON_NUMBER, ['3'] = BT_JSON_NUMBER, ['4'] = BT_JSON_NUMBER,
    ['5'] = BT_JSON_NUMBER, ['6'] = BT_JSON_NUMBER, ['7'] = BT_JSON_NUMBER, ['8'] = BT_JSON_NUMBER,
    ['9'] = BT_JSON_NUMBER,
};

static inline bt_json_type peek_type(bt_json *json) {
  if (json->problem) return BT_JSON_NOTHING;
  skip_blanks(json);
  return json->at == json->end ? BT_JSON_NOTHING : (bt_json_type)type_of_byte[(unsigned char)*json->at];
}

bt_json_type bt_json_peek(bt_json *json) {
  return peek_type(json);
}

static bool open_value(bt_json *json, bt_json_type type, const char *problem) {
  if (peek_type(json) != type) return bt_json_stop(json, problem);
  json->at++;
  json->is_fresh = true;
  return true;
}

bool bt_json_open_object(bt_json *json) {
  return open_value(json, BT_JSON_OBJECT, "expected an object");
}

bool bt_json_open_array(bt_json *json) {
  return open_value(json, BT_JSON_ARRAY, "expected an array");
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* The four digits of a \u escape at `at`, which has at least that many bytes before `end`; −1: they are not hex. */
static int32_t read_unit(const char *at, const char *end) {
  int32_t unit = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/* Passes over an escape; json->at is on its backslash. */
static bool scan_escape(bt_json *json) {
  if (json->end - json->at < 2) return bt_json_stop(json, "the text ends inside a string");
  char kind = json->at[1];
  if (kind == 'u') {
    if (read_unit(json->at + 2, json->end) < 0) return bt_json_stop(json, "expected four hex digits after \\u");
    json->at += 6;
    return true;
  }
  switch (kind) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't': json->at += 2; return true;
  default: return bt_json_stop(json, "expected one of \" \\ / b f n r t u after a backslash");
  }
}

static bool is_plain(char c) {
  return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* How many of eight bytes come before the first that is a quote, a backslash, a control character or part of a longer
 * UTF-8 sequence: 8 if none is. A byte behind the first one found may be marked wrongly, and is not asked for. */
static unsigned count_plain(const char *at) {
  const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
  uint64_t word;
  memcpy(&word, at, sizeof word);
  word = le64toh(word);
  uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
  uint64_t found = (quote - ones) & ~quote;
  found |= (backslash - ones) & ~backslash;
  found |= (word - ones * 0x20) & ~word;
  found = (found | word) & tops;
  return found ? (unsigned)__builtin_ctzll(found) / 8 : 8;
}

static void skip_plain(bt_json *json) {
  unsigned count = 8;
  while (count == 8 && json->end - json->at >= 8) json->at += count = count_plain(json->at);
  if (count < 8) return;
  while (json->at < json->end && is_plain(*json->at)) json->at++;
}

/* From the opening quote to behind the closing one; `raw` is what lies between. */
static bool scan_string(bt_json *json, bt_str *raw, bool *has_escapes) {
  const char *start = ++json->at;
  *has_escapes = false;
  for (;;) {
    skip_plain(json);
    if (json->at == json->end) return bt_json_stop(json, "the text ends inside a string");
    if (*json->at == '"') break;
    if (*json->at == '\\') {
      *has_escapes = true;
      if (!scan_escape(json)) return false;
    } else {
      size_t length = bt_utf8_sequence((bt_str){json->at, (size_t)(json->end - json->at)}, NULL);
      if (length < 2)
        return bt_json_stop(json,
                            length ? "control characters in strings must be escaped" : "a string is not valid UTF-8");
      json->at += length;
    }
  }
  *raw = (bt_str){start, (size_t)(json->at - start)};
  json->at++;
  return true;
}

static char *write_utf8(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6);
    *to++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  } else {
    *to++ = (char)(0xF0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 0x3F));
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  }
  return to;
}

/* Reads one \u escape, or two that make a pair; `at` is on the backslash. The escapes were scanned before. */
static const char *read_code_point(const char *at, const char *end, uint32_t *code) {
  uint32_t unit = (uint32_t)read_unit(at + 2, end);
  at += 6;
  *code = unit;
  if (unit < 0xD800 || unit > 0xDFFF) return at;
  *code = 0xFFFD;
  if (unit > 0xDBFF || end - at < 6 || at[0] != '\\' || at[1] != 'u') return at;
  int32_t low = read_unit(at + 2, end);
  if (low < 0xDC00 || low > 0xDFFF) return at;
  *code = 0x10000 + ((unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
  return at + 6;
}

static char unescape_character(char kind) {
  switch (kind) {
  case 'b': return '\b';
  case 'f': return '\f';
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  default: return kind;
  }
}

/* An escape is never shorter than what it stands for, so the text fits into its own length. */
static bool unescape_text(bt_json *json, bt_str raw, bt_str *out) {
  char *text = bt_arena_alloc(json->arena, raw.len);
  if (!text) return stop_without_memory(json);
  char *to = text;
  const char *at = raw.ptr, *end = raw.ptr + raw.len;
  while (at < end) {
    if (*at != '\\') {
      const char *next = memchr(at, '\\', (size_t)(end - at));
      size_t length = (size_t)((next ? next : end) - at);
      memcpy(to, at, length);
      to += length;
      at += length;
    } else if (at[1] == 'u') {
      uint32_t code;
      at = read_code_point(at, end, &code);
      to = write_utf8(to, code);
    } else {
      *to++ = unescape_character(at[1]);
      at += 2;
    }
  }
  *out = (bt_str){text, (size_t)(to - text)};
  return true;
}

bool bt_json_string(bt_json *json, bt_str *out) {
  bool has_escapes;
  if (peek_type(json) != BT_JSON_STRING) return bt_json_stop(json, "expected a string");
  if (!scan_string(json, out, &has_escapes)) return false;
  return !has_escapes || unescape_text(json, *out, out);
}

/* Moves behind the comma before a member, or behind the bracket that closes. False when it closed, and at a problem. */
static bool next_member(bt_json *json, char closing, const char *problem) {
  if (json->problem) return false;
  skip_blanks(json);
  char c = json->at < json->end ? *json->at : '\0';
  bool is_first = json->is_fresh;
  json->is_fresh = false;
  if (c == closing) {
    json->at++;
    return false;
  }
  if (is_first) return true;
  if (c != ',') return bt_json_stop(json, problem);
  json->at++;
  return true;
}

static bool next_raw_key(bt_json *json, bt_str *raw, bool *has_escapes) {
  if (!next_member(json, '}', "expected a comma or } after a value")) return false;
  if (peek_type(json) != BT_JSON_STRING) return bt_json_stop(json, "expected a key in double quotes");
  if (!scan_string(json, raw, has_escapes)) return false;
  skip_blanks(json);
  if (json->at == json->end || *json->at != ':') return bt_json_stop(json, "expected : after a key");
  json->at++;
  return true;
}

bool bt_json_next_key(bt_json *json, bt_str *key) {
  bool has_escapes;
  if (!next_raw_key(json, key, &has_escapes)) return false;
  return !has_escapes || unescape_text(json, *key, key);
}

bool bt_json_next_item(bt_json *json) {
  return next_member(json, ']', "expected a comma or ] after a value");
}

static bool read_word(bt_json *json, bt_str word) {
  if (!bt_str_starts_with((bt_str){json->at, (size_t)(json->end - json->at)}, word))
    return bt_json_stop(json, "expected a value");
  json->at += word.len;
  return true;
}

bool bt_json_bool(bt_json *json, bool *out) {
  if (peek_type(json) != BT_JSON_BOOL) return bt_json_stop(json, "expected true or false");
  *out = *json->at == 't';
  return read_word(json, *out ? BT_STR("true") : BT_STR("false"));
}

bool bt_json_null(bt_json *json) {
  return peek_type(json) == BT_JSON_NULL && read_word(json, BT_STR("null"));
}

static bool is_digit(const bt_json *json) {
  return json->at < json->end && *json->at >= '0' && *json->at <= '9';
}

static bool read_digits(bt_json *json) {
  if (!is_digit(json)) return bt_json_stop(json, "expected a digit");
  while (is_digit(json)) json->at++;
  return true;
}

bool bt_json_number(bt_json *json, bt_str *digits) {
  if (peek_type(json) != BT_JSON_NUMBER) return bt_json_stop(json, "expected a number");
  const char *start = json->at;
  if (*json->at == '-') json->at++;
  const char *integer = json->at;
  if (!read_digits(json)) return false;
  if (*integer == '0' && json->at - integer > 1) return bt_json_stop(json, "a number must not begin with 0");
  if (json->at < json->end && *json->at == '.') {
    json->at++;
    if (!read_digits(json)) return false;
  }
  if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')) {
    json->at++;
    if (json->at < json->end && (*json->at == '+' || *json->at == '-')) json->at++;
    if (!read_digits(json)) return false;
  }
  *digits = (bt_str){start, (size_t)(json->at - start)};
  return true;
}

static bool skip_scalar(bt_json *json) {
  bt_str raw;
  bool flag;
  switch (peek_type(json)) {
  case BT_JSON_STRING: return scan_string(json, &raw, &flag);
  case BT_JSON_NUMBER: return bt_json_number(json, &raw);
  case BT_JSON_BOOL: return bt_json_bool(json, &flag);
  case BT_JSON_NULL: return read_word(json, BT_STR("null"));
  case BT_JSON_OBJECT:
  case BT_JSON_ARRAY:
  case BT_JSON_NOTHING: break;
  }
  return bt_json_stop(json, "expected a value");
}

/* One bit for each open bracket: set for objects. */
typedef struct open_brackets {
  uint64_t is_object[MAX_SKIP_DEPTH / 64];
  unsigned depth;
} open_brackets;

static bool push_bracket(bt_json *json, open_brackets *open, bool is_object) {
  if (open->depth == MAX_SKIP_DEPTH) return bt_json_stop(json, "values are nested deeper than 512");
  uint64_t *word = &open->is_object[open->depth / 64], bit = (uint64_t)1 << open->depth % 64;
  *word = is_object ? *word | bit : *word & ~bit;
  open->depth++;
  json->at++;
  json->is_fresh = true;
  return true;
}

/* Moves to the next value inside what is open; closes what ends. False when nothing is open any more, and at a problem.
 */
static bool next_inside(bt_json *json, open_brackets *open) {
  bt_str key;
  bool has_escapes;
  while (open->depth) {
    unsigned top = open->depth - 1;
    bool is_object = open->is_object[top / 64] >> top % 64 & 1;
    if (is_object ? next_raw_key(json, &key, &has_escapes) : bt_json_next_item(json)) return true;
    if (json->problem) return false;
    open->depth--;
  }
  return false;
}

bool bt_json_skip(bt_json *json) {
  open_brackets open = {.depth = 0};
  do {
    bt_json_type type = peek_type(json);
    bool is_nested = type == BT_JSON_OBJECT || type == BT_JSON_ARRAY;
    if (is_nested ? !push_bracket(json, &open, type == BT_JSON_OBJECT) : !skip_scalar(json)) return false;
  } while (next_inside(json, &open));
  return !json->problem;
}

static bool find_name(const bt_json_name *names, size_t count, bt_str key, unsigned *bit) {
  for (size_t i = 0; i < count; i++) {
    const bt_str name = names[i].name;
    if (name.len != key.len || name.ptr[name.len / 2] != key.ptr[name.len / 2] || !bt_str_equal(name, key)) continue;
    *bit = names[i].bit;
    return true;
  }
  return false;
}

bool bt_json_next_known(bt_json *json, const bt_json_name *names, size_t count, uint32_t *seen, unsigned *bit) {
  bt_str key;
  while (bt_json_next_key(json, &key)) {
    if (!find_name(names, count, key, bit)) {
      *seen |= BT_JSON_OTHER_KEYS;
      if (!bt_json_skip(json)) return false;
      continue;
    }
    if (*seen >> *bit & 1) return bt_json_stop(json, "a key comes twice in one object");
    *seen |= (uint32_t)1 << *bit;
    if (!bt_json_null(json)) return !json->problem;
  }
  return false;
}
