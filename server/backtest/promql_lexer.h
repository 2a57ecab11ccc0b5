/* Words of an expression. For promql_parser.c. Thread: no state. */
#ifndef BT_SERVER_BACKTEST_PROMQL_LEXER_H
#define BT_SERVER_BACKTEST_PROMQL_LEXER_H

#include <stddef.h>

#include "dsl/base/text.h"

typedef enum bt_promql_token_kind {
  BT_PROMQL_END,
  BT_PROMQL_WORD, /* a name, maybe with ":"; keywords, too */
  BT_PROMQL_DIGITS,
  BT_PROMQL_TIME_SPAN,
  BT_PROMQL_TEXT, /* with its quotes */
  BT_PROMQL_SIGN, /* an operator or a bracket */
  BT_PROMQL_STRANGE
} bt_promql_token_kind;

typedef struct bt_promql_token {
  bt_promql_token_kind kind;
  bt_str text;
  size_t offset; /* bytes */
} bt_promql_token;

/* The next word at or after *at, which is moved behind it. Blanks and comments are passed over. */
bt_promql_token bt_promql_next(bt_str text, size_t *at);

#endif
