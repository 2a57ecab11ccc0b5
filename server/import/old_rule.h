/* A rule text of the original project as a tree. Three dialects of it are read at once:
 *
 *   clauses   when { charge.where(amount > 1000) } always { fraud_check } never { refund }
 *   trace     trace.has(charge).where(amount > 1000) and not trace.has(fraud_check)
 *   span      trace.has(span.name == "charge" and span.duration > 1s); without trace.has( ) a test on each span alone
 *
 * Thread: no state. The tree is the arena's and borrows from the text. */
#ifndef BT_SERVER_IMPORT_OLD_RULE_H
#define BT_SERVER_IMPORT_OLD_RULE_H

#include <stdbool.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"

typedef enum bt_old_kind {
  BT_OLD_AND, /* of conditions, or of tests; two or more items */
  BT_OLD_OR,
  BT_OLD_NOT,        /* one item */
  BT_OLD_SPANS,      /* text: the name; items: the tests of its .where( ) */
  BT_OLD_HAS,        /* trace.has(test); items: the test, and those of its .where( ) */
  BT_OLD_ORDER,      /* text: has_before or has_after; two items, SPANS or tests */
  BT_OLD_COMPARE,    /* two items, of which the left one is a COUNT, SPANS without tests, or a field; and op */
  BT_OLD_COUNT,      /* one item, SPANS or a test */
  BT_OLD_FIELD,      /* text: an attribute's key */
  BT_OLD_SPAN_FIELD, /* text: what follows "span." */
  BT_OLD_SPAN_KEY,   /* span.attributes["text"] */
  BT_OLD_NUMBER,     /* text as written, as of all that follow */
  BT_OLD_DURATION,
  BT_OLD_STRING,
  BT_OLD_WORD, /* a value without quotes */
  BT_OLD_BOOL, /* true or false, as a value or as a condition */
  BT_OLD_LIST  /* items: values */
} bt_old_kind;

typedef enum bt_old_operator {
  BT_OLD_EQUAL,
  BT_OLD_NOT_EQUAL,
  BT_OLD_LESS,
  BT_OLD_LESS_EQUAL,
  BT_OLD_GREATER,
  BT_OLD_GREATER_EQUAL,
  BT_OLD_IN,
  BT_OLD_NOT_IN,
  BT_OLD_MATCHES,
  BT_OLD_CONTAINS
} bt_old_operator;
const char *bt_old_operator_text(bt_old_operator op);

typedef struct bt_old_node bt_old_node;
struct bt_old_node {
  bt_old_kind kind;
  bt_old_operator op;
  bool is_quoted; /* SPANS, FIELD: the name stood in quotes; all others: it stands in parentheses */
  bt_str text;
  bt_range range;
  bt_old_node *first, *last, *next; /* items, and the next item of the same list */
};

typedef struct bt_old_rule {
  bt_str annotations;                 /* as written before the rule: "@SOC2(…)"; may be empty */
  bt_old_node *when, *always, *never; /* of a rule with clauses; at least one of the last two */
  bt_old_node *condition;             /* of a rule without clauses; else NULL */
  bool is_of_one_span;                /* the condition is a test on a span, outside trace.has( ) */
} bt_old_rule;

enum { BT_OLD_MAX_TEXT = 64 * 1024, BT_OLD_MAX_DEPTH = 64 };

/* BT_INVALID: it is in none of the dialects; error.message says what was expected, error.range where. */
bt_status bt_old_rule_parse(bt_str text, bt_arena *arena, bt_old_rule *out, bt_error *error) BT_MUST_CHECK;

#endif
