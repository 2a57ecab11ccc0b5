/* Words and paths of BeTraceDSL for tree-sitter. A word is what the parser could take at its place and what the next
 * character allows. `when` is a clause before a brace, `count` a function before a bracket, and `a.where (` a path and
 * a filter. No state, no memory. Thread: no state. */
#include <string.h>

#include "tree_sitter/parser.h"

enum { PATH, INDEXED_PATH, OWNER, FUNCTION_OF_ONE, FUNCTION_OF_TWO, FIRST_WORD, CLAUSES = 3, MAX_WORD = 64 };

/* In the order of `externals` in grammar.js, from FIRST_WORD on. */
static const char *const words[] = {"when",       "always",  "never",  "or",      "and",    "not",      "as",
                                    "in",         "of",      "before", "after",   "within", "between",  "under",
                                    "above",      "child",   "parent", "sibling", "linked", "to",       "from",
                                    "downstream", "over",    "links",  "link",    "where",  "contains", "starts_with",
                                    "ends_with",  "matches", "true",   "false"};
enum { WORDS = sizeof words / sizeof words[0] };

static const char *const functions_of_one[] = {"trace.has", "span", "count",       "trace.count", "exists", "first",
                                               "last",      "next", "event.count", "link.count",  0};
static const char *const functions_of_two[] = {"sum",
                                               "min",
                                               "max",
                                               "avg",
                                               "count_distinct",
                                               "trace.sum",
                                               "trace.min",
                                               "trace.max",
                                               "trace.avg",
                                               "trace.count_distinct",
                                               "trace.has_before",
                                               "trace.has_after",
                                               "has_before",
                                               "has_after",
                                               "every",
                                               0};

void *tree_sitter_betrace_external_scanner_create(void) {
  return 0;
}

void tree_sitter_betrace_external_scanner_destroy(void *payload) {
  (void)payload;
}

unsigned tree_sitter_betrace_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload, (void)buffer;
  return 0;
}

void tree_sitter_betrace_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload, (void)buffer, (void)length;
}

static bool is_start(int32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool is_part(int32_t c) {
  return is_start(c) || (c >= '0' && c <= '9');
}

static bool is_blank(int32_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_listed(const char *const *list, const char *text) {
  while (*list && strcmp(*list, text) != 0) list++;
  return *list != 0;
}

/* Past blanks and comments, behind what is marked as the token's end: the next character. */
static int32_t next_character(TSLexer *lexer) {
  for (;;) {
    while (is_blank(lexer->lookahead)) lexer->advance(lexer, false);
    bool is_hash = lexer->lookahead == '#', is_slash = lexer->lookahead == '/';
    if (!is_hash && !is_slash) return lexer->lookahead;
    lexer->advance(lexer, false);
    if (is_hash || lexer->lookahead == '/') {
      while (!lexer->eof(lexer) && lexer->lookahead != '\n') lexer->advance(lexer, false);
    } else if (lexer->lookahead == '*') {
      int32_t before = 0;
      lexer->advance(lexer, false);
      while (!lexer->eof(lexer) && !(before == '*' && lexer->lookahead == '/')) {
        before = lexer->lookahead;
        lexer->advance(lexer, false);
      }
      lexer->advance(lexer, false);
    } else {
      return '/';
    }
  }
}

/* A path as far as it goes; what does not fit the buffer is no word. */
typedef struct path {
  char text[MAX_WORD];
  unsigned length, parts;
} path;

static void keep(path *p, int32_t c) {
  if (p->length < MAX_WORD - 1) p->text[p->length] = (char)c;
  if (p->length < MAX_WORD) p->length++;
}

/* One NAME. A hyphen belongs to it between two of its characters; the mark is behind the last one that does. */
static void read_name(TSLexer *lexer, path *p) {
  for (;;) {
    while (is_part(lexer->lookahead)) {
      keep(p, lexer->lookahead);
      lexer->advance(lexer, false);
    }
    lexer->mark_end(lexer);
    if (lexer->lookahead != '-') return;
    lexer->advance(lexer, false);
    if (!is_part(lexer->lookahead)) return; /* the mark leaves the hyphen out */
    keep(p, '-');
  }
}

/* One NAME into the path, or none of it if it is `where` before a bracket: a filter. The end of a token cannot be moved
 * back, so an attribute called `where` takes the blanks behind it along. */
static bool read_part(TSLexer *lexer, path *p) {
  static const char where[] = "where";
  unsigned before = p->length, matched = 0;
  keep(p, '.');
  while (matched < 5 && lexer->lookahead == where[matched]) {
    keep(p, where[matched++]);
    lexer->advance(lexer, false);
  }
  bool is_whole = matched == 5 && !is_part(lexer->lookahead) && lexer->lookahead != '-' && lexer->lookahead != '.';
  while (is_whole && is_blank(lexer->lookahead)) lexer->advance(lexer, false);
  bool is_filter = is_whole && lexer->lookahead == '(';
  if (is_filter) p->length = before;
  if (is_whole && !is_filter) lexer->mark_end(lexer);
  if (!is_whole) read_name(lexer, p);
  return !is_filter;
}

/* NAMEs joined by dots; true: a filter follows. */
static bool read_path(TSLexer *lexer, path *p) {
  read_name(lexer, p);
  for (p->parts = 1; lexer->lookahead == '.'; p->parts++) {
    lexer->advance(lexer, false);
    if (!is_start(lexer->lookahead)) return false;
    if (!read_part(lexer, p)) return true;
  }
  return false;
}

static bool ends_with(const path *p, const char *end) {
  unsigned length = (unsigned)strlen(end);
  return p->length > length && p->length < MAX_WORD && memcmp(p->text + p->length - length, end, length) == 0;
}

/* What has values by a key in brackets: attributes, and the trace state of a span, which may be a binding's. */
static bool is_indexed(const path *p) {
  return ends_with(p, ".attributes") || ends_with(p, ".span.trace_state") || strcmp(p->text, "span.trace_state") == 0;
}

static bool give(TSLexer *lexer, const bool *valid, int symbol) {
  if (!valid[symbol]) return false;
  lexer->result_symbol = (TSSymbol)symbol;
  return true;
}

/* The word of the language that the text is, if the parser takes it here. */
static bool give_word(TSLexer *lexer, const bool *valid, const char *text, int32_t next) {
  for (int i = 0; i < WORDS; i++) {
    if (strcmp(words[i], text) != 0) continue;
    if (i < CLAUSES && next != '{') return false;
    return give(lexer, valid, FIRST_WORD + i);
  }
  return false;
}

bool tree_sitter_betrace_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  path p = {{0}, 0, 0};
  (void)payload;
  while (is_blank(lexer->lookahead)) lexer->advance(lexer, true);
  if (!is_start(lexer->lookahead)) return false;
  bool has_filter = read_path(lexer, &p);
  p.text[p.length < MAX_WORD ? p.length : 0] = '\0';
  bool is_owner = strcmp(p.text, "service") == 0 || strcmp(p.text, "name") == 0;
  if (!has_filter && is_owner && lexer->lookahead == ':' && valid[OWNER]) {
    lexer->advance(lexer, false);
    int32_t c = lexer->lookahead;
    if (!is_start(c) && c != '"' && c != '`') return false;
    lexer->mark_end(lexer);
    return give(lexer, valid, OWNER);
  }
  int32_t next = has_filter ? '.' : next_character(lexer);
  if (next == '(' && is_listed(functions_of_one, p.text) && give(lexer, valid, FUNCTION_OF_ONE)) return true;
  if (next == '(' && is_listed(functions_of_two, p.text) && give(lexer, valid, FUNCTION_OF_TWO)) return true;
  if (next == '[' && is_indexed(&p) && give(lexer, valid, INDEXED_PATH)) return true;
  if (!has_filter && p.parts == 1 && give_word(lexer, valid, p.text, next)) return true;
  return give(lexer, valid, PATH);
}
