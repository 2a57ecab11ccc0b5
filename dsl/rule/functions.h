/* The functions of the language, one row for each: what it is called, what it takes and what is known of its value.
 * The parser, the checker, the planner and the editor ask these rows, so that a function is added here, and where its
 * value is made (dsl/evaluate). Thread: constant.
 */
#ifndef BT_DSL_RULE_FUNCTIONS_H
#define BT_DSL_RULE_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

/* In the order of the rows. */
typedef enum bt_function {
  BT_FUNCTION_HAS,
  BT_FUNCTION_SPAN,
  BT_FUNCTION_COUNT,
  BT_FUNCTION_SUM,
  BT_FUNCTION_MIN,
  BT_FUNCTION_MAX,
  BT_FUNCTION_AVG,
  BT_FUNCTION_COUNT_DISTINCT,
  BT_FUNCTION_HAS_BEFORE,
  BT_FUNCTION_HAS_AFTER,
  BT_FUNCTION_EXISTS,
  BT_FUNCTION_EVERY,
  BT_FUNCTION_FIRST,
  BT_FUNCTION_LAST,
  BT_FUNCTION_NEXT,
  BT_FUNCTION_EVENT_COUNT,
  BT_FUNCTION_LINK_COUNT,
  BT_FUNCTIONS /* how many there are */
} bt_function;

typedef enum bt_function_class {
  BT_SELECTS_SPANS, /* the spans that meet a test */
  BT_PICKS_SPAN,    /* one of several spans */
  BT_ORDERS_SPANS,  /* a condition: spans before or after others */
  BT_TESTS_EVERY,   /* a condition: all of these spans meet a test */
  BT_TESTS_FIELD,   /* a test of one span */
  BT_AGGREGATES,    /* a value of several spans */
  BT_COUNTS_PARTS   /* a number of one span: how many of its events or links meet a test */
} bt_function_class;

typedef enum bt_aggregate {
  BT_AGGREGATE_COUNT,
  BT_AGGREGATE_SUM,
  BT_AGGREGATE_MIN,
  BT_AGGREGATE_MAX,
  BT_AGGREGATE_AVG,
  BT_AGGREGATE_COUNT_DISTINCT
} bt_aggregate;

/* How a value can move as spans arrive. */
typedef enum bt_movement { BT_MOVES, BT_STAYS, BT_GROWS, BT_SHRINKS } bt_movement;

typedef struct bt_function_word {
  const char *name, *shape; /* "sum", "sum(spans, value)" */
  const char *help;         /* a sentence or two; NULL: no editor offers this spelling */
} bt_function_word;

typedef struct bt_function_row {
  bt_function_word word;  /* as the canonical text writes it */
  bt_function_word other; /* is read, too; name NULL: none */
  bt_function function;
  bt_function_class class;
  unsigned arguments;
  bool is_reserved;          /* the name cannot be a binding's */
  const char *without_any;   /* what is said where a call has no argument; or NULL */
  bt_aggregate aggregate;    /* AGGREGATES; and the facts below are about its value */
  bool is_count;             /* a whole number from 0, of values of any type; never missing and without a unit */
  bool is_one_of_its_values; /* some span has it: so it may be a time */
  bool is_0_of_nothing;      /* else it is missing where there is no span */
  bt_movement movement;      /* where spans are only added and what they have stays */
} bt_function_row;

const bt_function_row *bt_function_row_of(bt_function function);
const bt_function_row *bt_aggregate_row(bt_aggregate aggregate);
/* By any of its names, and with the word that was meant; NULL: there is none. */
const bt_function_row *bt_function_named(bt_str name, const bt_function_word **word);
/* Spelling number i of those with a help, and its function; NULL past the end. */
const bt_function_word *bt_function_word_at(size_t i, const bt_function_row **row);

enum { BT_FUNCTION_LIST_BYTES = 512 };
/* "min and max": the names of all functions that are meant; NULL means all of them. */
void bt_function_list(bool (*is_meant)(const bt_function_row *row), char out[BT_FUNCTION_LIST_BYTES]);

/* "trace.has", "count", …: as the canonical text writes it. */
const char *bt_function_name(bt_function function);
/* trace.has(…), first(…) and the like: they select spans. The second: one of several. */
bool bt_function_selects(bt_function function);
bool bt_function_picks(bt_function function);

#endif
