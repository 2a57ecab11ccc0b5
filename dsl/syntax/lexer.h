/* Text to tokens (dsl.md §4, "Tokens"). What cannot be read becomes a diagnostic and, where possible, still a token, so
 * that one check finds more than the first mistake. Comments are kept next to the tokens for the formatter. Only the
 * front end (parser, format, rule) includes this. Thread: no state beyond the list. */
#ifndef BT_DSL_SYNTAX_LEXER_H
#define BT_DSL_SYNTAX_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/syntax/diagnostic.h"

typedef enum bt_token_kind {
  BT_TOKEN_END,
  BT_TOKEN_PATH, /* identifiers joined by dots; also every word: which are reserved, the parser knows by their place */
  BT_TOKEN_STRING,
  BT_TOKEN_INTEGER,
  BT_TOKEN_DECIMAL,
  BT_TOKEN_DURATION,
  BT_TOKEN_BAD_NUMBER, /* reported already */
  BT_TOKEN_LEFT_PAREN,
  BT_TOKEN_RIGHT_PAREN,
  BT_TOKEN_LEFT_BRACE,
  BT_TOKEN_RIGHT_BRACE,
  BT_TOKEN_LEFT_BRACKET,
  BT_TOKEN_RIGHT_BRACKET,
  BT_TOKEN_COMMA,
  BT_TOKEN_DOT, /* one that does not belong to a path: after a string, a bracket, or before `where (` */
  BT_TOKEN_AT,
  BT_TOKEN_EQUAL, /* == and = */
  BT_TOKEN_NOT_EQUAL,
  BT_TOKEN_LESS,
  BT_TOKEN_LESS_EQUAL,
  BT_TOKEN_GREATER,
  BT_TOKEN_GREATER_EQUAL,
  BT_TOKEN_MATCHES_WHOLE,     /* =~ */
  BT_TOKEN_NOT_MATCHES_WHOLE, /* !~ */
  BT_TOKEN_PLUS,
  BT_TOKEN_MINUS,
  BT_TOKEN_STAR,
  BT_TOKEN_SLASH,
  BT_TOKEN_AND_AND,
  BT_TOKEN_OR_OR,
  BT_TOKEN_BANG
} bt_token_kind;

/* Whose name a written name is. */
typedef enum bt_name_owner { BT_NAME_OF_EITHER, BT_NAME_OF_SPAN, BT_NAME_OF_SERVICE } bt_name_owner;

typedef struct bt_token {
  bt_token_kind kind;
  bt_range range;
  bt_name_owner owner; /* STRING: `service:checkout` and `name:checkout` */
  bt_str text;         /* PATH: as written; STRING: its value; borrowed from the text or the arena */
  union {
    uint64_t integer; /* INTEGER: may be INT64_MAX + 1, for the minus before it */
    double decimal;
    int64_t duration_ns;
  };
} bt_token;

typedef struct bt_comment {
  bt_range range;
  bool trails; /* a token stands before it on its line */
} bt_comment;

typedef struct bt_tokens {
  bt_token *items; /* the last one is END */
  size_t count, capacity;
  bt_comment *comments;
  size_t comment_count, comment_capacity;
} bt_tokens;

/* Reads all of text. Strings with escapes are put into the arena. BT_OK also when there were diagnostics; BT_NO_MEMORY
 * otherwise. Dispose `out` in either case. */
bt_status bt_lexer_run(bt_str text, bt_arena *arena, bt_diagnostics *diagnostics, bt_tokens *out,
                       bt_error *error) BT_MUST_CHECK;
void bt_tokens_dispose(bt_tokens *tokens);

/* Shared by lexer.c and lexer_literal.c. */
typedef struct bt_lexer {
  bt_str text;
  size_t at; /* byte that is read next */
  bt_arena *arena;
  bt_diagnostics *diagnostics;
  bt_tokens *tokens;
  bool no_memory;
} bt_lexer;

/* lexer_literal.c: read one literal at lexer->at, move behind it and fill the token (kind and value, not its range). */
void bt_lexer_number(bt_lexer *lexer, bt_token *token);
void bt_lexer_string(bt_lexer *lexer, bt_token *token);
void bt_lexer_raw_string(bt_lexer *lexer, bt_token *token);
/* The byte at that place, 0 behind the end. */
char bt_lexer_peek(const bt_lexer *lexer, size_t at);
bool bt_is_identifier_start(char c);
bool bt_is_identifier_part(char c);

#endif
