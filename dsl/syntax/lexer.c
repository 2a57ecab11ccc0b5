/* Text to tokens. See lexer.h. Every byte is looked at a bounded number of times, so lexing is linear. */
#include "dsl/syntax/lexer.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/rule/functions.h"
#include "dsl/rule/relations.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/vocabulary.h"

/* Words that begin something else where a binding can stand. So do those of relations and functions whose rows say so.
 */
static const char *const reserved_words[] = {
    "and",  "or",   "not",   "in",     "as",    "true", "false",    "trace",   "resource",    "scope",     "event",
    "link", "when", "never", "always", "where", "of",   "contains", "matches", "starts_with", "ends_with", "duration",
};

char bt_lexer_peek(const bt_lexer *lexer, size_t at) {
  return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

bool bt_is_identifier_start(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool bt_is_identifier_part(char c) {
  return bt_is_identifier_start(c) || (c >= '0' && c <= '9');
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_non_ascii(char c) {
  return (unsigned char)c >= 0x80;
}

/* End of the identifier at `at`; a hyphen between two identifier characters belongs to it. */
static size_t identifier_end(const bt_lexer *lexer, size_t at) {
  while (bt_is_identifier_part(bt_lexer_peek(lexer, at)) ||
         (bt_lexer_peek(lexer, at) == '-' && bt_is_identifier_part(bt_lexer_peek(lexer, at + 1))))
    at++;
  return at;
}

/* End of the comment that starts at `at`, or `at` when none does. */
static size_t comment_end(const bt_lexer *lexer, size_t at, bool *closed) {
  char first = bt_lexer_peek(lexer, at), second = bt_lexer_peek(lexer, at + 1);
  *closed = true;
  if (first == '#' || (first == '/' && second == '/')) {
    while (at < lexer->text.len && lexer->text.ptr[at] != '\n') at++;
    return at;
  }
  if (first != '/' || second != '*') return at;
  for (size_t end = at + 2; end + 1 < lexer->text.len; end++)
    if (lexer->text.ptr[end] == '*' && lexer->text.ptr[end + 1] == '/') return end + 2;
  *closed = false;
  return lexer->text.len;
}

/* First byte from `at` on that is neither blank nor comment. */
static size_t skip_blanks(const bt_lexer *lexer, size_t at) {
  for (;;) {
    while (at < lexer->text.len && is_blank(lexer->text.ptr[at])) at++;
    bool closed;
    size_t end = comment_end(lexer, at, &closed);
    if (end == at) return at;
    at = end;
  }
}

static void add_token(bt_lexer *lexer, bt_token token) {
  bt_tokens *tokens = lexer->tokens;
  bt_token *grown = bt_grow_array(tokens->items, tokens->count, &tokens->capacity, sizeof *grown);
  if (!grown) {
    lexer->no_memory = true;
    return;
  }
  tokens->items = grown;
  tokens->items[tokens->count++] = token;
}

/* True when the last token ends on the line on which `at` stands. */
static bool follows_token_on_line(const bt_lexer *lexer, size_t at) {
  if (lexer->tokens->count == 0) return false;
  for (size_t i = lexer->tokens->items[lexer->tokens->count - 1].range.end; i < at; i++)
    if (lexer->text.ptr[i] == '\n') return false;
  return true;
}

static void add_comment(bt_lexer *lexer, size_t start, size_t end) {
  bt_tokens *tokens = lexer->tokens;
  bt_comment *grown = bt_grow_array(tokens->comments, tokens->comment_count, &tokens->comment_capacity, sizeof *grown);
  if (!grown) {
    lexer->no_memory = true;
    return;
  }
  tokens->comments = grown;
  tokens->comments[tokens->comment_count++] =
      (bt_comment){{(uint32_t)start, (uint32_t)end}, follows_token_on_line(lexer, start)};
}

static void report_invalid_utf8(bt_lexer *lexer, size_t at) {
  bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, (bt_range){(uint32_t)at, (uint32_t)at + 1},
                     "the text has to be UTF-8, and the byte 0x%02x here is not: save the file as UTF-8",
                     (unsigned char)lexer->text.ptr[at]);
}

/* One report for the whole text: what is wrong with the first byte is wrong with the others. */
static bool check_utf8(bt_lexer *lexer) {
  for (size_t at = 0; at < lexer->text.len;) {
    size_t length = bt_utf8_sequence((bt_str){lexer->text.ptr + at, lexer->text.len - at}, NULL);
    if (!length) {
      report_invalid_utf8(lexer, at);
      return false;
    }
    at += length;
  }
  return true;
}

/* Comments and blanks before the next token. */
static void read_blanks(bt_lexer *lexer) {
  for (;;) {
    while (is_blank(bt_lexer_peek(lexer, lexer->at))) lexer->at++;
    bool closed;
    size_t start = lexer->at, end = comment_end(lexer, start, &closed);
    if (end == start) return;
    if (!closed)
      bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, (bt_range){(uint32_t)start, (uint32_t)start + 2},
                         "this comment is not closed: expected */ before the end of the text");
    add_comment(lexer, start, end);
    lexer->at = end;
  }
}

static bool is_letter_of_names(char c) {
  return bt_is_identifier_part(c) || is_non_ascii(c);
}

/* `.where` before a parenthesis is a filter, not a part of the name before it. */
static bool is_filter(const bt_lexer *lexer, size_t at) {
  bt_str rest = {lexer->text.ptr + at, lexer->text.len - at};
  return bt_str_starts_with(rest, BT_STR(".where")) &&
         bt_lexer_peek(lexer, skip_blanks(lexer, at + strlen(".where"))) == '(';
}

/* The word before may be the first half of the same name: "café" in `grand café`. Quoting one half would say something
 * else. */
static bool follows_a_name(const bt_lexer *lexer, size_t at) {
  if (!follows_token_on_line(lexer, at)) return false;
  const bt_token *before = &lexer->tokens->items[lexer->tokens->count - 1];
  if (before->kind != BT_TOKEN_PATH) return before->kind == BT_TOKEN_STRING;
  for (size_t i = 0; bt_vocabulary_reserved(i); i++)
    if (bt_str_equal(before->text, bt_str_from(bt_vocabulary_reserved(i)))) return false;
  return true;
}

/* A word with letters and signs that identifiers do not have: reported with the quoted word as fix, and taken as that
 * string. */
static void read_foreign_word(bt_lexer *lexer, size_t start, bt_token *token) {
  for (char c; (c = bt_lexer_peek(lexer, lexer->at)); lexer->at++) {
    bool joins = strchr("-.:@/", c) != NULL && is_letter_of_names(bt_lexer_peek(lexer, lexer->at + 1));
    if (!is_letter_of_names(c) && (!joins || is_filter(lexer, lexer->at))) break;
  }
  token->kind = BT_TOKEN_STRING;
  token->text = (bt_str){lexer->text.ptr + start, lexer->at - start};
  bt_range range = {(uint32_t)start, (uint32_t)lexer->at};
  bt_diagnostic *added = bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                                            "a name without quotes has only letters a-z, digits, _ - and dots: "
                                            "write \"%.*s\"",
                                            BT_FMT(token->text));
  if (!follows_a_name(lexer, start))
    bt_diagnostics_format_fix(lexer->diagnostics, added, range, "\"%.*s\"", BT_FMT(token->text));
}

/* `span:name` and the like, as TraceQL writes intrinsics: reported, and taken as the field of that meaning. */
static bool read_traceql_field(bt_lexer *lexer, size_t start, bt_token *token) {
  static const char *const rows[][2] = {{"span:name", "span.name"},
                                        {"span:kind", "span.kind"},
                                        {"span:status", "span.status"},
                                        {"span:statusMessage", "span.status_message"},
                                        {"span:duration", "span.duration"},
                                        {"span:id", "span.id"},
                                        {"span:parentID", "span.parent_id"},
                                        {"trace:id", "trace.id"},
                                        {"trace:duration", "trace.duration"},
                                        {"trace:rootName", "trace.root.name"},
                                        {"trace:rootService", "trace.root.service"},
                                        {"event:name", "event.name"},
                                        {"link:traceID", "link.trace_id"},
                                        {"link:spanID", "link.span_id"},
                                        {"instrumentation:name", "scope.name"},
                                        {"instrumentation:version", "scope.version"}};
  bt_str written = {lexer->text.ptr + start, identifier_end(lexer, lexer->at + 1) - start};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (!bt_str_equal(written, bt_str_from(rows[i][0]))) continue;
    bt_range range = {(uint32_t)start, (uint32_t)(start + written.len)};
    bt_diagnostic *added = bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                                              "`%.*s` is TraceQL: write %s here", BT_FMT(written), rows[i][1]);
    bt_diagnostics_set_fix(lexer->diagnostics, added, range, bt_str_from(rows[i][1]));
    token->kind = BT_TOKEN_PATH;
    token->text = bt_str_from(rows[i][1]);
    lexer->at = range.end;
    return true;
  }
  return false;
}

static size_t find_line_end(const bt_lexer *lexer, size_t at) {
  while (at < lexer->text.len && lexer->text.ptr[at] != '\n') at++;
  return at;
}

/* `build#123`: what begins with # is a comment, and the rule says less than it seems to. */
static void warn_of_glued_comment(bt_lexer *lexer, size_t start, size_t end) {
  if (!is_letter_of_names(bt_lexer_peek(lexer, end + 1))) return;
  size_t word_end = end + 1;
  while (is_letter_of_names(bt_lexer_peek(lexer, word_end)) ||
         ((bt_lexer_peek(lexer, word_end) == '-' || bt_lexer_peek(lexer, word_end) == '.') &&
          is_letter_of_names(bt_lexer_peek(lexer, word_end + 1))))
    word_end++;
  bt_str name = {lexer->text.ptr + start, end - start}, word = {name.ptr, word_end - start};
  bt_range range = {(uint32_t)start, (uint32_t)word_end};
  bt_diagnostic *added =
      bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_W_GLUED_COMMENT, range,
                         "# begins a comment, so this is the name `%.*s` and the rest of the line says nothing: write "
                         "\"%.*s\" if that is the name, or a blank before the comment",
                         BT_FMT(name), BT_FMT(word));
  size_t line_end = find_line_end(lexer, word_end);
  bool is_alone = skip_blanks(lexer, word_end) >= line_end;
  if (is_alone) bt_diagnostics_format_fix(lexer->diagnostics, added, range, "\"%.*s\"", BT_FMT(word));
}

/* End of the path that begins at `at`. A last `.where` before a parenthesis is a filter, not a part of the path. */
static size_t path_end(const bt_lexer *lexer, size_t at) {
  size_t end = identifier_end(lexer, at);
  while (bt_lexer_peek(lexer, end) == '.' && bt_is_identifier_start(bt_lexer_peek(lexer, end + 1)) &&
         !is_filter(lexer, end))
    end = identifier_end(lexer, end + 1);
  return end;
}

/* `service:checkout` and `name:"GET /cart"`: one token, a string that says whose name it is. */
static bool read_owned_name(bt_lexer *lexer, size_t start, bt_token *token) {
  bt_str owner = {lexer->text.ptr + start, lexer->at - start};
  size_t name = lexer->at + 1;
  char first = bt_lexer_peek(lexer, name);
  bool of_service = bt_str_equal(owner, BT_STR("service"));
  if (!of_service && !bt_str_equal(owner, BT_STR("name"))) return false;
  if (first == '"' || first == '`') {
    lexer->at = name;
    first == '"' ? bt_lexer_string(lexer, token) : bt_lexer_raw_string(lexer, token);
  } else if (bt_is_identifier_start(first)) {
    lexer->at = path_end(lexer, name);
    token->kind = BT_TOKEN_STRING;
    token->text = (bt_str){lexer->text.ptr + name, lexer->at - name};
  } else {
    return false;
  }
  token->owner = of_service ? BT_NAME_OF_SERVICE : BT_NAME_OF_SPAN;
  return true;
}

static void read_path(bt_lexer *lexer, bt_token *token) {
  size_t start = lexer->at, end = path_end(lexer, start);
  lexer->at = end;
  char sign = bt_lexer_peek(lexer, end);
  bool joins = (sign == ':' || sign == '@') && is_letter_of_names(bt_lexer_peek(lexer, end + 1));
  if (sign == ':' && read_owned_name(lexer, start, token)) return;
  if (sign == ':' && joins && read_traceql_field(lexer, start, token)) return;
  if (is_non_ascii(sign) || joins) {
    read_foreign_word(lexer, start, token);
    return;
  }
  if (sign == '#') warn_of_glued_comment(lexer, start, end);
  token->kind = BT_TOKEN_PATH;
  token->text = (bt_str){lexer->text.ptr + start, end - start};
}

typedef struct symbol_row {
  char spelling[3];
  bt_token_kind kind;
} symbol_row;

/* Longer spellings first. */
static const symbol_row symbols[] = {
    {"==", BT_TOKEN_EQUAL},       {"=~", BT_TOKEN_MATCHES_WHOLE},
    {"!=", BT_TOKEN_NOT_EQUAL},   {"!~", BT_TOKEN_NOT_MATCHES_WHOLE},
    {"<=", BT_TOKEN_LESS_EQUAL},  {">=", BT_TOKEN_GREATER_EQUAL},
    {"&&", BT_TOKEN_AND_AND},     {"||", BT_TOKEN_OR_OR},
    {"(", BT_TOKEN_LEFT_PAREN},   {")", BT_TOKEN_RIGHT_PAREN},
    {"{", BT_TOKEN_LEFT_BRACE},   {"}", BT_TOKEN_RIGHT_BRACE},
    {"[", BT_TOKEN_LEFT_BRACKET}, {"]", BT_TOKEN_RIGHT_BRACKET},
    {",", BT_TOKEN_COMMA},        {".", BT_TOKEN_DOT},
    {"@", BT_TOKEN_AT},           {"=", BT_TOKEN_EQUAL},
    {"<", BT_TOKEN_LESS},         {">", BT_TOKEN_GREATER},
    {"+", BT_TOKEN_PLUS},         {"-", BT_TOKEN_MINUS},
    {"*", BT_TOKEN_STAR},         {"/", BT_TOKEN_SLASH},
    {"!", BT_TOKEN_BANG},
};

static bool read_symbol(bt_lexer *lexer, bt_token *token) {
  bt_str rest = {lexer->text.ptr + lexer->at, lexer->text.len - lexer->at};
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    bt_str spelling = bt_str_from(symbols[i].spelling);
    if (!bt_str_starts_with(rest, spelling)) continue;
    token->kind = symbols[i].kind;
    lexer->at += spelling.len;
    return true;
  }
  return false;
}

/* `name(…)` with one argument at most: an aggregate here has two, the spans and what is taken of each. */
static bool has_one_argument(bt_str text) {
  size_t depth = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == ',' && depth == 1) return false;
    if (c == '(') depth++;
    if (c == ')' && --depth == 0) return true;
    if (!depth && !(c >= 'a' && c <= 'z')) return false;
  }
  return false;
}

/* `{ … } | …`, `… | count() > 3` and `… | avg(k) > 3` are TraceQL's. What a rule says in place of them; NULL: it is
 * none of them. */
static const char *instead_of_pipe(const bt_lexer *lexer) {
  static const char *const rows[][2] = {{"count()", "a rule counts with count(…) > 3"},
                                        {"avg(", "a rule writes avg(x, k) for avg(k) of the spans x"},
                                        {"min(", "a rule writes min(x, k) for min(k) of the spans x"},
                                        {"max(", "a rule writes max(x, k) for max(k) of the spans x"},
                                        {"sum(", "a rule writes sum(x, k) for sum(k) of the spans x"}};
  size_t count = lexer->tokens->count, at = lexer->at + 1;
  if (lexer->text.ptr[lexer->at] != '|') return NULL;
  while (at < lexer->text.len && lexer->text.ptr[at] == ' ') at++;
  bt_str rest = {lexer->text.ptr + at, lexer->text.len - at};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (bt_str_starts_with(rest, bt_str_from(rows[i][0])) && has_one_argument(rest)) return rows[i][1];
  return count && lexer->tokens->items[count - 1].kind == BT_TOKEN_RIGHT_BRACE ? rows[0][1] : NULL;
}

/* `&` and `|` are reported and taken as `and` and `or`. */
static bool read_single_sign(bt_lexer *lexer, bt_token *token) {
  char c = lexer->text.ptr[lexer->at];
  if (c != '&' && c != '|') return false;
  bt_range range = {(uint32_t)lexer->at, (uint32_t)lexer->at + 1};
  const char *word = c == '&' ? "and" : "or", *instead = instead_of_pipe(lexer);
  bt_diagnostic *added =
      bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range, "a single %c has no meaning: %s%s", c,
                         instead ? "" : "write ", instead ? instead : word);
  if (!instead) bt_diagnostics_format_fix(lexer->diagnostics, added, range, "%s", word);
  token->kind = c == '&' ? BT_TOKEN_AND_AND : BT_TOKEN_OR_OR;
  lexer->at++;
  return true;
}

/* Says what to write instead of a character that has no meaning here. */
static void report_character(bt_lexer *lexer) {
  char c = lexer->text.ptr[lexer->at];
  bt_range range = {(uint32_t)lexer->at, (uint32_t)lexer->at + 1};
  if (c == '\'') {
    bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                       "strings are written in double quotes or backquotes, not in single quotes");
  } else if ((unsigned char)c < 0x20 || c == 0x7f) {
    bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                       "the control character 0x%02x cannot stand here: remove it", (unsigned char)c);
  } else {
    bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                       "the character %c has no meaning here: put names that contain it into double quotes", c);
  }
  lexer->at++;
}

/* 'text' is what SQL and JavaScript write: reported once, with the right quotes as fix, and read as that string. */
static bool read_single_quoted(bt_lexer *lexer, bt_token *token) {
  size_t start = lexer->at, end = start + 1;
  while (end < lexer->text.len && lexer->text.ptr[end] != '\'' && lexer->text.ptr[end] != '\n') end++;
  if (bt_lexer_peek(lexer, end) != '\'') return false;
  bt_str inner = {lexer->text.ptr + start + 1, end - start - 1};
  if (bt_str_contains(inner, BT_STR("\"")) || bt_str_contains(inner, BT_STR("\\"))) return false;
  bt_range range = {(uint32_t)start, (uint32_t)end + 1};
  bt_diagnostic *added = bt_diagnostics_add(lexer->diagnostics, lexer->text, BT_E_TEXT, range,
                                            "strings are written in double quotes: \"%.*s\"", BT_FMT(inner));
  bt_diagnostics_format_fix(lexer->diagnostics, added, range, "\"%.*s\"", BT_FMT(inner));
  token->kind = BT_TOKEN_STRING;
  token->text = inner;
  lexer->at = end + 1;
  return true;
}

/* Reads one token at lexer->at; false when the character there was only reported. */
static bool read_token(bt_lexer *lexer, bt_token *token) {
  char c = lexer->text.ptr[lexer->at];
  if (bt_is_identifier_start(c)) return read_path(lexer, token), true;
  if (is_non_ascii(c)) return read_foreign_word(lexer, lexer->at, token), true;
  if (c >= '0' && c <= '9') return bt_lexer_number(lexer, token), true;
  if (c == '"') return bt_lexer_string(lexer, token), true;
  if (c == '`') return bt_lexer_raw_string(lexer, token), true;
  if (c == '\'' && read_single_quoted(lexer, token)) return true;
  if (read_symbol(lexer, token) || read_single_sign(lexer, token)) return true;
  report_character(lexer);
  return false;
}

bt_status bt_lexer_run(bt_str text, bt_arena *arena, bt_diagnostics *diagnostics, bt_tokens *out, bt_error *error) {
  *out = (bt_tokens){0};
  bt_lexer lexer = {text, 0, arena, diagnostics, out, false};
  if (check_utf8(&lexer)) {
    for (read_blanks(&lexer); lexer.at < text.len && !lexer.no_memory; read_blanks(&lexer)) {
      bt_token token = {0};
      size_t start = lexer.at;
      bool is_token = read_token(&lexer, &token);
      token.range = (bt_range){(uint32_t)start, (uint32_t)lexer.at};
      if (is_token) add_token(&lexer, token);
    }
  }
  add_token(&lexer, (bt_token){.kind = BT_TOKEN_END, .range = {(uint32_t)text.len, (uint32_t)text.len}});
  return lexer.no_memory ? bt_error_no_memory(error) : BT_OK;
}

void bt_tokens_dispose(bt_tokens *tokens) {
  free(tokens->items);
  free(tokens->comments);
  *tokens = (bt_tokens){0};
}

const char *bt_vocabulary_reserved(size_t i) {
  size_t words = sizeof reserved_words / sizeof reserved_words[0];
  if (i < words) return reserved_words[i];
  size_t left = i - words;
  const bt_relation_row *relation = NULL;
  for (size_t k = 0; (relation = bt_relation_row_at(k)) != NULL; k++)
    if (relation->is_reserved && left-- == 0) return relation->word;
  for (bt_function k = 0; k < BT_FUNCTIONS; k++) {
    const bt_function_row *function = bt_function_row_of(k);
    if (function->is_reserved && left-- == 0) return function->word.name;
  }
  return NULL;
}
