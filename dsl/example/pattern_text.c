/* From a pattern to a text: one pass, which takes one alternative of each. See pattern_text.h. */
#include "dsl/example/pattern_text.h"

#include <stdbool.h>
#include <string.h>

#include "dsl/base/mix.h"

enum { MAX_DEPTH = 24 };

typedef struct sampler {
  bt_str pattern;
  size_t at;
  uint64_t choice, drawn;
  unsigned depth;
  bool writes; /* false: an alternative that was not taken */
  char *out;
  size_t length;
} sampler;

static void take_alternatives(sampler *s);

static char peek_char(const sampler *s, size_t ahead) {
  return s->at + ahead < s->pattern.len ? s->pattern.ptr[s->at + ahead] : '\0';
}

static unsigned draw_number(sampler *s, unsigned below) {
  return (unsigned)(bt_mix_bits(s->choice + ++s->drawn) % below);
}

static void write_char(sampler *s, char c) {
  if (s->writes && s->length < PATTERN_TEXT_BYTES) s->out[s->length++] = c;
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What \d, \w and the like take. */
static bool class_takes(char class, char c) {
  switch (class) {
  case 'd': return c >= '0' && c <= '9';
  case 'D': return c < '0' || c > '9';
  case 'w': return is_word(c);
  case 'W': return !is_word(c);
  case 's': return c == ' ' || (c >= '\t' && c <= '\r');
  case 'S': return c != ' ' && (c < '\t' || c > '\r');
  default: return c == class;
  }
}

static char letter_of(char escaped) {
  return escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped;
}

static void take_escape(sampler *s) {
  static const char *const of[] = {"d0", "Da", "wa", "W-", "s ", "Sa"};
  char c = peek_char(s, 1);
  s->at += 2;
  if (strchr("bBAzZQE", c)) return;
  for (size_t i = 0; i < sizeof of / sizeof *of; i++)
    if (of[i][0] == c) {
      write_char(s, of[i][1]);
      return;
    }
  write_char(s, letter_of(c));
}

/* Whether a set, from behind its bracket and its ^, names the letter. */
static bool set_names(bt_str set, char c) {
  for (size_t i = 0; i < set.len; i++) {
    char low = set.ptr[i];
    if (low == '\\' && i + 1 < set.len) {
      if (class_takes(letter_of(set.ptr[++i]), c)) return true;
    } else if (i + 2 < set.len && set.ptr[i + 1] == '-') {
      if (c >= low && c <= set.ptr[i + 2]) return true;
      i += 2;
    } else if (c == low) {
      return true;
    }
  }
  return false;
}

static void take_set(sampler *s) {
  bool is_negated = peek_char(s, 1) == '^';
  size_t start = s->at + (is_negated ? 2 : 1), end = start;
  if (end < s->pattern.len && s->pattern.ptr[end] == ']') end++;
  while (end < s->pattern.len && s->pattern.ptr[end] != ']') end += s->pattern.ptr[end] == '\\' ? 2 : 1;
  if (end > s->pattern.len) end = s->pattern.len;
  bt_str set = {s->pattern.ptr + start, end - start};
  s->at = end + 1;
  static const char tried[] =
      "aA01xzZ9_-./: bcdefghijklmnopqrstuvwyBCDEFGHIJKLMNOPQRSTUVWXY2345678@#$%&*+,;=?!\"'()<>[]{}|~";
  for (size_t i = 0; i < sizeof tried - 1; i++)
    if (set_names(set, tried[i]) != is_negated) {
      write_char(s, tried[i]);
      return;
    }
}

/* (?i), (?:, (?i:, (?P<name>: true where a group is open behind it. */
static bool take_group_head(sampler *s) {
  s->at++;
  if (peek_char(s, 0) != '?') return true;
  while (s->at < s->pattern.len && !strchr(":>)", peek_char(s, 0))) s->at++;
  s->at++;
  return s->at <= s->pattern.len && s->pattern.ptr[s->at - 1] != ')';
}

static void take_group(sampler *s) {
  if (!take_group_head(s)) return;
  if (++s->depth < MAX_DEPTH) take_alternatives(s);
  s->depth--;
  if (peek_char(s, 0) == ')') s->at++;
}

/* {3}, {3,5}: the lesser number. */
static size_t take_braces(sampler *s) {
  size_t times = 0;
  for (s->at++; peek_char(s, 0) >= '0' && peek_char(s, 0) <= '9'; s->at++)
    if (times < PATTERN_TEXT_BYTES) times = times * 10 + (size_t)(peek_char(s, 0) - '0');
  while (s->at < s->pattern.len && peek_char(s, 0) != '}') s->at++;
  return times;
}

/* How often the last piece stands there; the repetition's sign is behind us then. */
static size_t take_times(sampler *s) {
  char c = peek_char(s, 0);
  size_t times = 1;
  if (c == '*' || c == '?')
    times = draw_number(s, 3) ? 1 : 0;
  else if (c == '{' && peek_char(s, 1) >= '0' && peek_char(s, 1) <= '9')
    times = take_braces(s);
  else if (c != '+')
    return 1;
  s->at++;
  if (peek_char(s, 0) == '?') s->at++;
  return times;
}

static void take_piece(sampler *s) {
  size_t start = s->length;
  switch (peek_char(s, 0)) {
  case '(': take_group(s); break;
  case '[': take_set(s); break;
  case '\\': take_escape(s); break;
  case '^':
  case '$': s->at++; break;
  case '.':
    write_char(s, draw_number(s, 3) ? 'a' : ' ');
    s->at++;
    break;
  default: write_char(s, peek_char(s, 0)); s->at++;
  }
  size_t length = s->length - start, times = take_times(s);
  if (!s->writes) return;
  if (!times) s->length = start;
  for (; times > 1 && length && s->length + length <= PATTERN_TEXT_BYTES; times--) {
    memcpy(s->out + s->length, s->out + start, length);
    s->length += length;
  }
}

static bool is_end(const sampler *s) {
  return s->at >= s->pattern.len || peek_char(s, 0) == ')';
}

/* From here to the end of the group. */
static unsigned count_alternatives(const sampler *s) {
  unsigned count = 1, depth = 0;
  bool is_in_set = false;
  for (size_t i = s->at; i < s->pattern.len; i++) {
    char c = s->pattern.ptr[i];
    if (c == '\\') i++;
    if (is_in_set ? c == ']' : c == '[') is_in_set = !is_in_set;
    if (is_in_set || c == '\\') continue;
    if (c == '(') depth++;
    if (c == ')' && !depth--) break;
    if (c == '|' && !depth) count++;
  }
  return count;
}

/* Reads all of them, and writes one. */
static void take_alternatives(sampler *s) {
  bool writes = s->writes;
  unsigned number = 0, taken = draw_number(s, count_alternatives(s));
  while (!is_end(s)) {
    s->writes = writes && number == taken;
    if (peek_char(s, 0) == '|')
      number++, s->at++;
    else
      take_piece(s);
  }
  s->writes = writes;
}

size_t pattern_text_make(bt_str pattern, uint64_t choice, char out[PATTERN_TEXT_BYTES]) {
  sampler s = {.pattern = pattern, .choice = choice, .out = out, .writes = true};
  while (s.at < s.pattern.len) {
    take_alternatives(&s);
    if (s.at < s.pattern.len) s.at++; /* a bracket that closes nothing */
  }
  return s.length;
}
