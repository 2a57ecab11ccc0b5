/* Where a cursor is in a text that need not be a rule yet: what may come next, and what is known there. Found from the
 * tokens in front of the cursor alone, so that it works on any text. For server/editor alone. Pure. Thread: no
 * state. */
#ifndef BT_SERVER_EDITOR_CONTEXT_H
#define BT_SERVER_EDITOR_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"

typedef enum bt_expect {
  BT_EXPECT_NOTHING, /* a comment, a new name, or a place where no word helps */
  BT_EXPECT_RULE,    /* annotations, clauses or a condition */
  BT_EXPECT_CLAUSE,  /* a clause that is not there yet */
  BT_EXPECT_OPERAND, /* what a condition, a test or a value begins with */
  BT_EXPECT_AFTER,   /* something stands there: operators, relations, and, or */
  BT_EXPECT_VALUE,   /* the right side of a comparison, or an item of its list */
  BT_EXPECT_POINT,   /* behind a relation: a binding or spans */
  BT_EXPECT_DURATION,
  BT_EXPECT_OF,
  BT_EXPECT_TO, /* or `from` */
  BT_EXPECT_LINKS,
  BT_EXPECT_PART,       /* behind the dot of a string or `)`: where, start, end */
  BT_EXPECT_KEY,        /* of attributes["…"] */
  BT_EXPECT_ANNOTATION, /* behind @ */
  BT_EXPECT_ANNOTATION_ITEM
} bt_expect;

typedef enum bt_editor_site {
  BT_AT_CONDITION, /* of a clause, or bare */
  BT_AT_OPERAND,   /* of trace.has, span, count, … */
  BT_AT_WHERE,
  BT_AT_EVENT, /* event.where(…) */
  BT_AT_LINK,  /* link.where(…) */
  BT_AT_FIELD, /* of exists */
  BT_AT_VALUE  /* what sum and other aggregates are of */
} bt_editor_site;

typedef enum bt_left_kind { BT_LEFT_NONE, BT_LEFT_PATH, BT_LEFT_STRING, BT_LEFT_INDEX, BT_LEFT_OTHER } bt_left_kind;

typedef struct bt_context {
  bt_expect expect;
  bt_editor_site site;
  bt_range word;      /* what a completion replaces; of a string what is between its quotes */
  bt_str typed;       /* the part of it before the cursor, as it is written */
  char quote;         /* inside a string: " or `; else NUL */
  bool is_closed;     /* that string has its end */
  bool is_number;     /* the word begins with a digit */
  bool can_compare;   /* AFTER: a comparison may follow */
  bool can_calculate; /* AFTER: + - * / may follow */
  bool can_relate;    /* AFTER: relations, where and `as` may follow */
  bool is_event_time; /* AFTER, POINT: behind event.time, which has an order and its points */
  bool can_join;      /* AFTER: `and` and `or` may follow */
  bool can_within;    /* AFTER: `within` belongs to the relation before */
  bool can_of;        /* AFTER: the `of` of within may follow */
  bool can_over;      /* AFTER: `over 2 links` may follow */
  bool needs_and;     /* AFTER: the `and` of between */
  bool has_clause[3]; /* when, always, never */
  bool is_not_in;     /* AFTER: `not` stands there, and `in` has to follow */
  bool is_point;      /* PART: of a relation's other side */
  bt_left_kind left_kind;
  bt_str left,
      left_key;      /* left side: path, or the string, or path and key of an index; slices of the text or the arena */
  bt_str index;      /* KEY: the path in front of the bracket */
  bt_str annotation; /* ANNOTATION_ITEM: its name */
  bt_str bindings[BT_MAX_BINDINGS];
  size_t binding_count;
} bt_context;

/* offset: in bytes, at most text.len. Strings with escapes go into the arena. BT_NO_MEMORY alone. */
bt_status bt_context_find(bt_str text, size_t offset, bt_arena *arena, bt_context *out, bt_error *error) BT_MUST_CHECK;
bool bt_context_is_binding(const bt_context *context, bt_str name);

#endif
