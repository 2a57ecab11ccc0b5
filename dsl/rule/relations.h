/* The relations of the language, one row for each: its words, what they relate, and its help. The parser, the checker,
 * the planner and the editor ask these rows. What a relation means is said in dsl/evaluate/evaluation_order.c.
 * Thread: constant.
 */
#ifndef BT_DSL_RULE_RELATIONS_H
#define BT_DSL_RULE_RELATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

/* In the order of the rows. */
typedef enum bt_relation_kind {
  BT_BEFORE,
  BT_AFTER,     /* start of the span against a point; within_ns ≥ 0: and at most that far apart */
  BT_WITHIN_OF, /* start at most within_ns from the point, either side; the span itself included */
  BT_BETWEEN,   /* after the first point and before the second */
  BT_UNDER,
  BT_ABOVE,
  BT_CHILD_OF,
  BT_PARENT_OF,
  BT_SIBLING_OF,
  BT_LINKED_TO,     /* has a link to it, in whatever trace; at most within_ns after it starts */
  BT_LINKED_FROM,   /* it has a link to the span; at most within_ns before it starts, and no later than it ends */
  BT_DOWNSTREAM_OF, /* reached from it by steps "child of" and "has a link to it", at most max_links of the latter */
  BT_FIRST_OF,      /* is the first (the last) of `first.selection` in time: first(…), last(…), next(…) */
  BT_LAST_OF
} bt_relation_kind;

enum { BT_RELATIONS = BT_LAST_OF + 1 };

typedef enum bt_relation_class {
  BT_RELATES_TIMES,  /* the start of a span and a point in time */
  BT_RELATES_FAMILY, /* spans by parent ids */
  BT_RELATES_LINKS,  /* spans by links: those of other traces can stand in it */
  BT_RELATES_PICK    /* one span is picked from others. Such a relation comes first, and the selection that has it asks
                        for all that the picked-from one asks of a span. No text has it: a function makes it */
} bt_relation_class;

typedef struct bt_relation_row {
  const char *name;         /* "child of"; "within … of" is "within" and "between … and" is "between" */
  const char *word;         /* "child"; NULL: no text has it */
  const char *second;       /* "of", or NULL */
  const char *second_wants; /* what is said where the second word is not there; or NULL */
  const char *shape, *help; /* "x child of y", and a sentence or two */
  bt_relation_kind kind;
  bt_relation_class class;
  bool is_reserved;  /* the word cannot be a binding's */
  bool joins_within; /* `within 5s` behind it bounds it, and begins no relation of its own */
} bt_relation_row;

extern const bt_relation_row bt_relation_rows[BT_RELATIONS];

static inline bool bt_relation_is_order(bt_relation_kind kind) {
  return bt_relation_rows[kind].class == BT_RELATES_TIMES;
}

static inline bool bt_relation_is_family(bt_relation_kind kind) {
  return bt_relation_rows[kind].class == BT_RELATES_FAMILY;
}

static inline bool bt_relation_is_linked(bt_relation_kind kind) {
  return bt_relation_rows[kind].class == BT_RELATES_LINKS;
}

static inline bool bt_relation_is_pick(bt_relation_kind kind) {
  return bt_relation_rows[kind].class == BT_RELATES_PICK;
}

/* By its first word; where several begin with it the first of them. NULL: there is none. */
const bt_relation_row *bt_relation_of_word(bt_str word);
/* Row number i of those that a text can have; NULL past the end. */
const bt_relation_row *bt_relation_row_at(size_t i);

#endif
