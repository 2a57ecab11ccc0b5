/* What the learned spans of one name say: a column for how long they take and one for each key, and which test of a
 * column makes it certain that a trace has something. Lives in a scratch arena, which is borrowed. Thread: one. Errors:
 * NULL or false means no memory. */
#ifndef BT_DSL_MINE_COLUMNS_H
#define BT_DSL_MINE_COLUMNS_H

#include "dsl/mine/behaviour.h"

enum { BT_MINE_LEAST = 20, BT_MINE_LEAST_TESTED = 10, BT_MINE_DIFFERENT = 64 };

typedef struct bt_mine_row {
  const bt_mine_trace *trace;
  const bt_mine_span *span;
  uint32_t number; /* of the learned trace */
} bt_mine_row;

typedef struct bt_mine_point {
  double number;
  uint32_t row;
} bt_mine_point;

typedef struct bt_mine_value {
  bt_mine_attribute value;
  uint32_t count;
} bt_mine_value;

typedef struct bt_mine_column {
  uint32_t key;          /* BT_NO_SYMBOL: how long the spans take */
  uint32_t filled;       /* rows that have it */
  bt_mine_point *points; /* of numbers, ascending */
  uint32_t point_count;
  bt_mine_value values[BT_MINE_DIFFERENT]; /* the most frequent first; none where there are more */
  uint32_t value_count;
} bt_mine_column;

/* new in the arena; of key BT_NO_SYMBOL: durations. */
bt_mine_column *bt_mine_column_new(const bt_mine_row *rows, uint32_t count, uint32_t key, bt_arena *arena);
/* The smallest number that at least `share` (0 to 1) of the points do not exceed. There are points. */
double bt_mine_quantile(const bt_mine_column *column, double share);

/* Of the rows: which have what is looked for. */
typedef struct bt_mine_split {
  bt_mine_test test;
  double score; /* 0: none was found */
  uint32_t all, hits, rest, rest_hits;
} bt_mine_split;
/* Keeps in *best the better one of it and of the column's best test after which nearly all rows hit. */
void bt_mine_column_split(const bt_mine_column *column, const bt_mine_row *rows, uint32_t count, const bool *hits,
                          bt_mine_split *best);

/* A number that people write, not below this one: of two digits · 1, 1.5, 2, 3, 5, 7.5 times a power of ten. */
double bt_mine_round(double number);
double bt_mine_round_up(double number);

#endif
