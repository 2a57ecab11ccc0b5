/* Filters on one span, as a small tree that TraceQL can say: the neutral half of the planner. Nothing here weakens or
 * strengthens: joining and simplifying keep the meaning. Which direction a filter may be used in is said by the two
 * wrapper types below, which nothing converts into each other. The planner makes them and sources of traces write them;
 * who asks a source for a name makes a constant one. Memory: nodes live in the builder's arena. Thread: a builder
 * belongs to one thread. */
#ifndef BT_DSL_FILTER_H
#define BT_DSL_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/arena.h"
#include "dsl/text.h"
#include "dsl/value.h"

/* The pattern that matches every string. */
#define BT_FILTER_ANY_STRING "(?s:.*)"
/* The pattern that matches every string of 2,048 bytes, since a character has four at most, and none of 511 or fewer.
 */
#define BT_FILTER_LONG_STRING "(?s:.{512,})"
/* 365 days. A duration from here on, and one of 0 and less, may come of a start or an end that is 0. */
#define BT_FILTER_UNKNOWN_FROM_NS 31536000000000000

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
  BT_FILTER_LINK        /* the trace id of some link of the span: asked for with != "" alone */
} bt_filter_field;

typedef enum bt_filter_operator {
  BT_FILTER_EQUAL,
  BT_FILTER_NOT_EQUAL,
  BT_FILTER_LESS,
  BT_FILTER_LESS_EQUAL,
  BT_FILTER_GREATER,
  BT_FILTER_GREATER_EQUAL,
  BT_FILTER_REGEX,     /* literal: a pattern for the whole string */
  BT_FILTER_NOT_REGEX, /* on intrinsics only */
  BT_FILTER_PRESENT, /* attributes: there with a value of any type that Tempo keeps; no literal. Over only: it may find
                        more */
  BT_FILTER_SURELY_PRESENT /* the same; no literal. Under only: of an attribute with a column it finds values of the
                              column's type */
} bt_filter_operator;

typedef struct bt_filter_test {
  bt_filter_field field;
  bt_str key;
  bt_filter_operator op;
  bt_value literal; /* STRING, BOOL, INT, DOUBLE, DURATION; kinds and statuses: lower-case STRING */
  /* For texts that may read as a number or a boolean that is meant, and for those that may have been cut
   * (pushdown_reading.c). Over only: it may find more, but neither "nil" nor "". */
  bool is_reading;
  /* Of a duration: or one that nobody knows, which no test can tell from one that is not within a year
   * (filter_duration.c). Over only. */
  bool or_unknown;
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
      .op = operator,                                                                                                  \
      .literal = {.type = BT_VALUE_STRING, .string = {text, sizeof text - 1}} }                                        \
  }

typedef struct bt_filter_builder {
  bt_arena *arena;
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
/* The spans that have any link. */
const bt_filter *bt_filter_any_link(void);
/* filter_duration.c. Spans whose duration is known and meets it, for =, !=, <, <=, >, >=. */
const bt_filter *bt_filter_surely_lasts(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns);
/* The same, and those whose duration nobody knows. */
const bt_filter *bt_filter_may_last(bt_filter_builder *builder, bt_filter_operator op, int64_t duration_ns);
bt_filter_operator bt_filter_opposite(bt_filter_operator op);
bool bt_filter_has_lower_bound(bt_filter_operator op); /* =, >, >= */
bool bt_filter_has_upper_bound(bt_filter_operator op); /* =, <, <= */
/* A reading, or a test with durations that nobody knows. */
bool bt_filter_is_reading(const bt_filter_test *test, const void *nothing); /* for bt_filter_has_test */
/* The filter without its readings and without durations that nobody knows: it finds what is surely meant. */
const bt_filter *bt_filter_without_readings(bt_filter_builder *builder, const bt_filter *filter);
/* Whether some test of the filter is such. */
bool bt_filter_has_test(const bt_filter *filter, bool (*is_such)(const bt_filter_test *test, const void *context),
                        const void *context);
/* True only if every span that meets a meets b. False says nothing: it may have given up. */
bool bt_filter_implies(const bt_filter *a, const bt_filter *b);
/* True only if every span that meets it is of one and the same kind. */
bool bt_filter_has_one_kind(const bt_filter *filter);

/* Of an attribute that is an array Tempo 2.8 collects the elements that meet any test of the query on its scope
 * (whichever key that test is of), and while there are several of them their place is used again for the next attribute
 * that it collects, of this span or of another (tests/facts/facts_arrays.py). So what it then tests may be another
 * array; but each of its elements meets one of the query's tests. A filter suits arrays where that is enough: each
 * scope's tests are of one key, and wherever one of them stands all of them stand, joined by ||.
 *
 * Events are as bad: of each attribute, and of the names, a query that asks anything else of events, or an attribute of
 * them beside alternatives, tests one value only, of whichever event (tests/facts/facts_events.py). So a query has one
 * test of events at most, and one of their attributes stands alone. */
bool bt_filter_suits_tempo(const bt_filter *filter);
bool bt_filter_has_event_attribute(const bt_filter *filter);
bool bt_filter_is_of_event(const bt_filter_test *test, const void *nothing); /* for bt_filter_has_test */
bool bt_filter_has_no_key(const bt_filter *filter);                          /* about no attribute and no event */
bt_str bt_filter_field_name(bt_filter_field field); /* as TraceQL calls it; empty: an attribute */
/* Whether a field and an attribute of its name are asked about (`duration <= 1s && span.duration = 0`). A field that
 * meets no test of the query is not collected, and then Tempo 2.8 takes the attribute for it
 * (tests/facts/facts_traceql.py): it misses nothing, but finds what is not meant. */
bool bt_filter_confuses_names(const bt_filter *filter);
/* Of AND or OR: its items in groups that suit Tempo, but for items that do not by themselves, which are groups alone.
 * Those of an AND that have no key are in none. Returns their number; `groups` has room for as many as there are items.
 */
uint32_t bt_filter_group_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter **groups);

/* The test is of an attribute that may hold any value, and so of none that every Tempo has a column for (the
 * service's name, if it is text). */
bool bt_filter_is_of_attribute(const bt_filter_test *test);
/* Tempo leaves out pages of double attributes (all keys share them) by their lowest and highest value, and those are
 * wrong beside a NaN: so it may overlook spans that such a comparison means (tests/facts/facts_traceql.py). */
bool bt_filter_compares_doubles(const bt_filter_test *test);
/* Whether a search with the filter may overlook spans that it means: beside a NaN, and where an attribute that has a
 * column of its own holds an array of the column's type, which lies outside the column
 * (tests/facts/facts_filters.py). Any attribute may have a column: Tempo's owner chooses them. */
bool bt_filter_may_overlook(const bt_filter *filter);
/* Whether a search with the filter may find spans for a value that Tempo makes up: 2.10 takes a column without a
 * value for 0 or "" where it decides what it loads, and for the string "nil" where it then tests it
 * (tests/facts/facts_filters.py). */
bool bt_filter_may_take_made_up(const bt_filter *filter);

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

#endif
