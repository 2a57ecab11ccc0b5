/* The part of PromQL that alerts on BeTrace's metrics are written in, as a tree: literals, selectors, functions,
 * aggregations, operators. Anything else is refused with its place, by what is known. Thread: a tree belongs to one
 * thread; what evaluating it remembers is in it. */
#ifndef BT_SERVER_BACKTEST_PROMQL_H
#define BT_SERVER_BACKTEST_PROMQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/pattern/pattern.h"
#include "server/backtest/label_table.h"

typedef enum bt_promql_kind {
  BT_PROMQL_NUMBER,
  BT_PROMQL_SELECTOR,
  BT_PROMQL_RANGE, /* a selector with [5m] */
  BT_PROMQL_CALL,
  BT_PROMQL_AGGREGATE,
  BT_PROMQL_BINARY,
  BT_PROMQL_NEGATE
} bt_promql_kind;

typedef enum bt_promql_type { BT_PROMQL_SCALAR, BT_PROMQL_VECTOR, BT_PROMQL_MATRIX } bt_promql_type;

typedef enum bt_promql_operator {
  BT_PROMQL_ADD,
  BT_PROMQL_SUBTRACT,
  BT_PROMQL_MULTIPLY,
  BT_PROMQL_DIVIDE,
  BT_PROMQL_MODULO,
  BT_PROMQL_POWER,
  BT_PROMQL_EQUAL,
  BT_PROMQL_NOT_EQUAL,
  BT_PROMQL_GREATER,
  BT_PROMQL_LESS,
  BT_PROMQL_AT_LEAST,
  BT_PROMQL_AT_MOST,
  BT_PROMQL_AND,
  BT_PROMQL_OR,
  BT_PROMQL_UNLESS
} bt_promql_operator;
static inline bool bt_promql_compares(bt_promql_operator op) {
  return op >= BT_PROMQL_EQUAL && op <= BT_PROMQL_AT_MOST;
}
static inline bool bt_promql_joins_sets(bt_promql_operator op) {
  return op >= BT_PROMQL_AND;
}

typedef enum bt_promql_aggregation {
  BT_PROMQL_SUM,
  BT_PROMQL_MIN,
  BT_PROMQL_MAX,
  BT_PROMQL_AVG,
  BT_PROMQL_COUNT,
  BT_PROMQL_GROUP
} bt_promql_aggregation;

typedef enum bt_promql_function {
  BT_PROMQL_RATE,
  BT_PROMQL_INCREASE,
  BT_PROMQL_DELTA,
  BT_PROMQL_IRATE,
  BT_PROMQL_IDELTA,
  BT_PROMQL_CHANGES,
  BT_PROMQL_RESETS,
  BT_PROMQL_COUNT_OVER,
  BT_PROMQL_SUM_OVER,
  BT_PROMQL_AVG_OVER,
  BT_PROMQL_MIN_OVER,
  BT_PROMQL_MAX_OVER,
  BT_PROMQL_LAST_OVER,
  BT_PROMQL_PRESENT_OVER,
  BT_PROMQL_ABSENT_OVER,
  BT_PROMQL_ABSENT,
  BT_PROMQL_ABS,
  BT_PROMQL_CEIL,
  BT_PROMQL_FLOOR,
  BT_PROMQL_ROUND,
  BT_PROMQL_CLAMP,
  BT_PROMQL_CLAMP_MIN,
  BT_PROMQL_CLAMP_MAX,
  BT_PROMQL_HOUR,
  BT_PROMQL_DAY_OF_WEEK,
  BT_PROMQL_TIME,
  BT_PROMQL_AS_VECTOR,
  BT_PROMQL_AS_SCALAR
} bt_promql_function;

typedef struct bt_promql_matcher {
  bt_str name, value;
  bool is_negated;
  bt_pattern *pattern; /* NULL: the value itself; owned */
} bt_promql_matcher;

typedef struct bt_promql_sample {
  bt_label_set labels;
  double value;
} bt_promql_sample;

typedef struct bt_promql_vector {
  bt_promql_sample *items; /* owned */
  size_t count, capacity;
} bt_promql_vector;

typedef struct bt_promql_memo { /* what became of a label set: number + 1, or 0 */
  bt_label_set *to;
  size_t capacity;
} bt_promql_memo;

enum { BT_PROMQL_MOST_ARGUMENTS = 3 };

typedef struct bt_promql_node bt_promql_node;
struct bt_promql_node {
  bt_promql_kind kind;
  bt_promql_type type;
  size_t offset; /* bytes, in the expression's text */
  bt_promql_node *arguments[BT_PROMQL_MOST_ARGUMENTS];
  size_t argument_count;
  double number;
  bt_promql_operator op;
  bt_promql_aggregation aggregation;
  bt_promql_function function;
  bool is_bool;
  bool is_matched;     /* on(…) or ignoring(…) was said */
  bool names_are_kept; /* of names: by(…) and on(…); else without(…) and ignoring(…) */
  const bt_str *names;
  size_t name_count;
  bt_str selector; /* of one: its text, without a range */
  bt_promql_matcher *matchers;
  size_t matcher_count;
  int64_t range_ms, offset_ms;
  /* what evaluating it made */
  bt_promql_vector result;
  size_t *series; /* of the store, that the matchers take */
  size_t series_count, series_capacity, series_seen;
  bt_promql_memo labels, signatures;
};

typedef struct bt_promql { /* bt_promql_dispose */
  bt_promql_node *root;
  bt_str text; /* in the arena */
} bt_promql;

/* BT_INVALID: what is expected, and at which offset; or what it is that is not known here. BT_NO_MEMORY. */
bt_status bt_promql_parse(bt_str text, bt_arena *arena, bt_promql *out, bt_error *error) BT_MUST_CHECK;
void bt_promql_dispose(bt_promql *expression);

/* "1d", "1h30m", "500ms": y w d h m s ms, falling, each once; and "0". */
bool bt_promql_duration(bt_str text, int64_t *out_ms);

#endif
