/* Typed values: attribute values of a trace, literals of a rule, results of expressions.
 * A value borrows its string or items from the arena of the trace or rule that it came from. Thread: no state. */
#ifndef BT_DSL_TRACE_VALUE_H
#define BT_DSL_TRACE_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dsl/base/text.h"

typedef enum bt_value_type {
  BT_VALUE_MISSING = 0, /* not there, null, or a value with no type set */
  BT_VALUE_OTHER,       /* there, but counts as missing (dsl.md §5): map, bytes, empty array, array of mixed types */
  BT_VALUE_STRING,
  BT_VALUE_BOOL,
  BT_VALUE_INT,
  BT_VALUE_DOUBLE,
  BT_VALUE_DURATION, /* nanoseconds */
  BT_VALUE_TIME,     /* nanoseconds since the epoch */
  BT_VALUE_ARRAY     /* one or more scalars (string, bool, int or double), all of one type */
} bt_value_type;

typedef struct bt_value bt_value;
struct bt_value {
  bt_value_type type;
  bool is_name; /* STRING: of a name, service, id, kind, status: never a number, whatever it reads as (text_number.h) */
  bool is_untyped; /* STRING: of a store that keeps no types; it may have been something else (untyped_text.h) */
  bool is_inexact; /* STRING, DOUBLE, ARRAY: a store keeps it rounded or in another form (untyped_text.h) */
  union {
    bt_str string;
    bool boolean;
    int64_t integer;
    double decimal;
    int64_t duration_ns;
    int64_t time_ns;
    struct {
      const bt_value *items; /* borrowed */
      uint32_t count;
    } array;
  };
};

/* What the two sides of a comparison came to; MISSING: no number, or not known. */
typedef struct bt_sides {
  bt_value left, right;
} bt_sides;

static inline bool bt_value_is_inexact(const bt_value *value) {
  bool can_be = value->type == BT_VALUE_STRING || value->type == BT_VALUE_DOUBLE || value->type == BT_VALUE_ARRAY;
  return can_be && value->is_inexact;
}

/* Or inexact. */
static inline bool bt_value_is_untyped(const bt_value *value) {
  return (value->type == BT_VALUE_STRING && value->is_untyped) || bt_value_is_inexact(value);
}

/* Doubles by their bits: 0.0 and -0.0 differ, and a NaN is itself. */
static inline bool bt_double_is_same(double a, double b) {
  uint64_t bits[2];
  memcpy(&bits[0], &a, sizeof a);
  memcpy(&bits[1], &b, sizeof b);
  return bits[0] == bits[1];
}

/* MISSING and OTHER are missing to every operator. */
bool bt_value_is_missing(const bt_value *value);

static inline bool bt_value_is_number(const bt_value *value) {
  return value->type == BT_VALUE_INT || value->type == BT_VALUE_DOUBLE;
}

/* Of a number. */
static inline double bt_value_as_double(const bt_value *value) {
  return value->type == BT_VALUE_INT ? (double)value->integer : value->decimal;
}

/* Order of two numbers by exact value, whatever their types (INT, DOUBLE): <0, 0, >0 in *order. False when one is NaN
 * or not a number. */
bool bt_value_compare_numbers(const bt_value *a, const bt_value *b, int *order);

#endif
