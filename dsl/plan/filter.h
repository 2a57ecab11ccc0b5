/* Filters on one span, as a small tree: the neutral half of the planner. Nothing here weakens or
 * strengthens: joining and simplifying keep the meaning. Which direction a filter may be used in is said by the two
 * wrapper types below, which nothing converts into each other. The planner makes them and sources of traces write them;
 * who asks a source for a name makes a constant one. Memory: nodes live in the builder's arena. Thread: a builder
 * belongs to one thread. */
#ifndef BT_DSL_PLAN_FILTER_H
#define BT_DSL_PLAN_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/text.h"
#include "dsl/trace/value.h"

/* The pattern that matches every string. */
#define BT_FILTER_ANY_STRING "(?s:.*)"

typedef enum bt_filter_field {
  BT_FILTER_NAME,
  BT_FILTER_KIND,
  BT_FILTER_STATUS,
  BT_FILTER_STATUS_MESSAGE,
  BT_FILTER_DURATION,
  BT_FILTER_SPAN,       /* attribute of the span: key */
  BT_FILTER_RESOURCE,   /* attribute of the resource: key */
  BT_FILTER_EVENT_NAME, /* of some event of the span */
  BT_FILTER_EVENT,      /* attribute of some event of the span: key */
  BT_FILTER_LINK,       /* the trace id of some link of the span: asked for with != "" alone */
  /* No search asks for these; a sampler does. */
  BT_FILTER_SERVICE, /* the resource's service.name where it is a text that is not empty, and never a number */
  BT_FILTER_SCOPE_NAME,
  BT_FILTER_SCOPE_VERSION,
  BT_FILTER_SCOPE /* attribute of the instrumentation scope: key */
} bt_filter_field;

typedef enum bt_filter_operator {
  BT_FILTER_EQUAL,
  BT_FILTER_NOT_EQUAL,
  BT_FILTER_LESS,
  BT_FILTER_LESS_EQUAL,
  BT_FILTER_GREATER,
  BT_FILTER_GREATER_EQUAL,
  BT_FILTER_REGEX,         /* literal: a pattern for the whole string */
  BT_FILTER_NOT_REGEX,     /* on intrinsics only */
  BT_FILTER_PRESENT,       /* attributes: there with a value of any type; no literal. Over only: it may find more */
  BT_FILTER_SURELY_PRESENT /* the same; no literal. Under only: it may find less */
} bt_filter_operator;

typedef struct bt_filter_test {
  bt_filter_field field;
  bt_str key;
  bt_filter_operator op;
  bt_value literal; /* STRING, BOOL, INT, DOUBLE, DURATION; kinds and statuses: lower-case STRING */
  /* Asked for safety's sake only: for texts that may read as a number or a boolean that is meant, and for those that
   * may have been cut. Over only. */
  bool is_reading;
  bool or_unknown; /* of a duration: or one that nobody knows. Over only */
  /* What does not meet it, or has no such field. No search says so of an attribute; a sampler does, in either direction
   * by the other one. */
  bool is_opposite;
} bt_filter_test;

typedef enum bt_filter_kind {
  BT_FILTER_ALL,  /* every span */
  BT_FILTER_NONE, /* no span */
  BT_FILTER_TEST,
  BT_FILTER_AND,
  BT_FILTER_OR
} bt_filter_kind;

typedef struct bt_filter {
  bt_filter_kind kind;
  bt_filter_test test;
  const struct bt_filter **items; /* AND, OR: two or more, none of the same kind, none ALL or NONE */
  uint32_t item_count;
} bt_filter;

/* A constant test of the name; `text` is a literal. */
#define BT_FILTER_OF_NAME(operator, text)                                                                              \
  {                                                                                                                    \
    .kind = BT_FILTER_TEST, .test = {                                                                                  \
      .field = BT_FILTER_NAME,                                                                                         \
      .op = (operator),                                                                                                \
      .literal = {.type = BT_VALUE_STRING, .string = {(text), sizeof(text) - 1}}                                       \
    }                                                                                                                  \
  }

typedef struct bt_dialect bt_dialect; /* dialect.h */

typedef struct bt_filter_builder {
  bt_arena *arena;
  const bt_dialect *dialect;
  bool failed; /* no room: what was built since is worthless, and must not be used */
} bt_filter_builder;

const bt_filter *bt_filter_all(void);
const bt_filter *bt_filter_none(void);
const bt_filter *bt_filter_test_new(bt_filter_builder *builder, bt_filter_test test);
/* AND or OR of any number of filters: flat, without duplicates and without items that another one makes superfluous. */
const bt_filter *bt_filter_join(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter *const *items,
                                uint32_t count);
const bt_filter *bt_filter_join2(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter *a,
                                 const bt_filter *b);
bool bt_filter_equal(const bt_filter *a, const bt_filter *b);
/* Whether a store is asked the same by both: whether a test is a reading is no part of a question. */
bool bt_filter_asks_the_same(const bt_filter *a, const bt_filter *b);
/* The same of filters that ask the same. */
uint64_t bt_filter_hash(const bt_filter *filter);
/* The spans that have any link. */
const bt_filter *bt_filter_any_link(void);
/* Whether some test of the filter is such. */
bool bt_filter_has_test(const bt_filter *filter, bool (*is_such)(const bt_filter_test *test, const void *context),
                        const void *context);
/* True only if every span that meets a meets b. False says nothing: it may have given up. */
bool bt_filter_implies(const bt_filter *a, const bt_filter *b);
/* True only if every span that meets it is of one and the same kind. */
bool bt_filter_has_one_kind(const bt_filter *filter);

bool bt_filter_is_of_event(const bt_filter_test *test, const void *nothing); /* for bt_filter_has_test */
/* The test is of an attribute that may hold any value: the service's name, if it is a text, may not. */
bool bt_filter_is_of_attribute(const bt_filter_test *test);
/* About no attribute and no event: its fields hold one value each, so that such filters can be joined. */
bool bt_filter_has_no_key(const bt_filter *filter);

/* Finds at least the spans that are meant. */
typedef struct bt_over_filter {
  const bt_filter *filter;
} bt_over_filter;

/* Finds only spans that are meant. */
typedef struct bt_under_filter {
  const bt_filter *filter;
} bt_under_filter;

/* What can be said of one predicate in either direction. */
typedef struct bt_filter_pair {
  bt_over_filter over;
  bt_under_filter under;
} bt_filter_pair;

static inline bt_filter_pair bt_filter_pair_of(const bt_filter *over, const bt_filter *under) {
  return (bt_filter_pair){{over}, {under}};
}
bt_filter_pair bt_filter_pair_unknown(void);        /* every span, and none */
bt_filter_pair bt_filter_pair_constant(bool holds); /* of every span, or of none */
bool bt_filter_asks_from(bt_filter_operator op);    /* for values from the literal on: =, > or >= */
bool bt_filter_asks_up_to(bt_filter_operator op);   /* for values up to it: =, < or <= */

#endif
