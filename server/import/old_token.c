/* Reading words. See old_token.h. Thread: no state. */
#include "server/import/old_token.h"

#include <string.h>

typedef struct reader {
  bt_str text;
  size_t at;
  bt_arena *arena;
  bt_old_token *tokens;
  size_t count;
} reader;

static char peek_character(const reader *r, size_t ahead) {
  return r->at + ahead < r->text.len ? r->text.ptr[r->at + ahead] : '\0';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

/* Marks that names of spans have: "api/v1", "db:postgres", "build#12", "retry*". */
static bool is_name_mark(char c) {
  return c && memchr("-/:@#$%*?&", c, 10);
}

static bool is_name(char c) {
  return is_letter(c) || is_digit(c) || is_name_mark(c);
}

static bt_status refuse_range(const reader *r, size_t start, size_t end, bt_error *error, const char *what) {
  bt_error_set(error, BT_INVALID, "%s", what);
  if (error) error->range = (bt_range){(uint32_t)start, (uint32_t)(end < r->text.len ? end : r->text.len)};
  return BT_INVALID;
}

static void add_token(reader *r, bt_old_token_kind kind, size_t start, bt_str text) {
  r->tokens[r->count++] = (bt_old_token){.kind = kind, .range = {(uint32_t)start, (uint32_t)r->at}, .text = text};
}

static void add_source(reader *r, bt_old_token_kind kind, size_t start) {
  add_token(r, kind, start, (bt_str){r->text.ptr + start, r->at - start});
}

static bool skip_comment(reader *r) {
  bool is_comment = peek_character(r, 0) == '#' || (peek_character(r, 0) == '/' && peek_character(r, 1) == '/');
  while (is_comment && r->at < r->text.len && peek_character(r, 0) != '\n') r->at++;
  return is_comment;
}

static void skip_blanks(reader *r) {
  for (;;) {
    char c = peek_character(r, 0);
    if (r->at < r->text.len && c && strchr(" \t\r\n", c))
      r->at++;
    else if (!skip_comment(r))
      return;
  }
}

/* `\"` is a quote, as one of the two dialects has it; any other backslash is a backslash. */
static bt_status read_string(reader *r, bt_error *error) {
  size_t start = r->at++, escaped = 0, length = 0;
  while (r->at < r->text.len && peek_character(r, 0) != '"') {
    bool is_escaped = peek_character(r, 0) == '\\' && peek_character(r, 1) == '"';
    r->at += is_escaped ? 2 : 1;
    escaped += is_escaped;
  }
  if (r->at >= r->text.len)
    return refuse_range(r, start, start + 1, error, "expected a quote at the end of this string");
  bt_str inside = {r->text.ptr + start + 1, r->at++ - start - 1};
  char *text = escaped ? bt_arena_bare_array(r->arena, inside.len, 1) : NULL;
  if (escaped && !text) return bt_error_no_memory(error);
  for (size_t i = 0; escaped && i < inside.len; i++) {
    i += inside.ptr[i] == '\\' && i + 1 < inside.len && inside.ptr[i + 1] == '"';
    text[length++] = inside.ptr[i];
  }
  add_token(r, BT_OLD_TOKEN_STRING, start, escaped ? (bt_str){text, length} : inside);
  return BT_OK;
}

static void read_number(reader *r) {
  size_t start = r->at;
  bool is_duration = false;
  if (peek_character(r, 0) == '-') r->at++;
  for (;;) {
    while (is_digit(peek_character(r, 0))) r->at++;
    if (peek_character(r, 0) == '.' && is_digit(peek_character(r, 1))) {
      r->at++;
      continue;
    }
    if (!is_letter(peek_character(r, 0))) break;
    is_duration = true;
    while (is_letter(peek_character(r, 0))) r->at++;
  }
  add_source(r, is_duration ? BT_OLD_TOKEN_DURATION : BT_OLD_TOKEN_NUMBER, start);
}

static void read_path(reader *r) {
  size_t start = r->at++;
  while (is_name(peek_character(r, 0)) || (peek_character(r, 0) == '.' && is_name(peek_character(r, 1)))) {
    if (peek_character(r, 0) == '/' && peek_character(r, 1) == '/') break;
    r->at++;
  }
  add_source(r, BT_OLD_TOKEN_PATH, start);
}

static bool read_operator(reader *r) {
  size_t start = r->at;
  char c = peek_character(r, 0);
  bool is_two = peek_character(r, 1) == '=' && c && memchr("=!<>", c, 4);
  if (!is_two && c != '<' && c != '>') return false;
  r->at += is_two ? 2 : 1;
  add_source(r, BT_OLD_TOKEN_OPERATOR, start);
  return true;
}

static bt_status read_token(reader *r, bt_error *error) {
  char c = peek_character(r, 0);
  size_t start = r->at;
  if (c == '"') return read_string(r, error);
  if (is_digit(c) || (c == '-' && is_digit(peek_character(r, 1)))) return read_number(r), BT_OK;
  if (read_operator(r)) return BT_OK;
  if (c && memchr("{}()[],.@=", c, 10)) {
    r->at++;
    return add_source(r, BT_OLD_TOKEN_MARK, start), BT_OK;
  }
  if (is_letter(c) || ((c == '/' || c == '$') && is_name(peek_character(r, 1)))) return read_path(r), BT_OK;
  return refuse_range(r, start, start + 1, error, "no rule of the original project has this character here");
}

bt_status bt_old_tokens(bt_str text, bt_arena *arena, bt_old_token **out, size_t *count, bt_error *error) {
  reader r = {.text = text, .arena = arena};
  r.tokens = bt_arena_bare_array(arena, text.len + 1, sizeof *r.tokens);
  if (!r.tokens) return bt_error_no_memory(error);
  skip_blanks(&r);
  while (r.at < text.len) {
    bt_status status = read_token(&r, error);
    if (status) return status;
    skip_blanks(&r);
  }
  add_source(&r, BT_OLD_TOKEN_END, r.at);
  *out = r.tokens;
  *count = r.count;
  return BT_OK;
}
