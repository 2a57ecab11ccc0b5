/* Columns of the spans of one name, and the tests that split them. See columns.h. */
#include "dsl/mine/columns.h"

#include <math.h>
#include <stdlib.h>

#include "dsl/mine/share.h"

static const double CERTAIN = 0.97, LIFT = 0.2, CONFIDENCE = 0.9; /* 95 % on one side */

static int compare_points(const void *a, const void *b) {
  const bt_mine_point *x = a, *y = b;
  if (x->number != y->number) return x->number < y->number ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

static int compare_values(const void *a, const void *b) {
  const bt_mine_value *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  if (x->value.text != y->value.text) return x->value.text < y->value.text ? -1 : 1;
  return (x->value.number > y->value.number) - (x->value.number < y->value.number);
}

/* False: there are too many different values. */
static bool count_value(bt_mine_column *column, const bt_mine_attribute *value) {
  uint32_t i = 0;
  while (i < column->value_count && column->values[i].value.hash != value->hash) i++;
  if (i == BT_MINE_DIFFERENT) return false;
  if (i == column->value_count) column->values[column->value_count++] = (bt_mine_value){*value, 0};
  column->values[i].count++;
  return true;
}

bt_mine_column *bt_mine_column_new(const bt_mine_row *rows, uint32_t count, uint32_t key, bt_arena *arena) {
  bt_mine_column *column = bt_arena_alloc(arena, sizeof *column);
  bt_mine_point *points = column ? bt_arena_array(arena, count, sizeof *points) : NULL;
  bool has_few = true;
  if (!points) return NULL;
  *column = (bt_mine_column){.key = key, .points = points};
  for (uint32_t r = 0; r < count; r++) {
    const bt_mine_attribute *found = key ? bt_mine_find(rows[r].span, key) : NULL;
    double lasts = (double)(rows[r].span->end_ns - rows[r].span->start_ns);
    bool is_number = !key || (found && found->type == BT_MINE_NUMBER && isfinite(found->number));
    if (is_number) points[column->point_count++] = (bt_mine_point){key ? found->number : lasts, r};
    column->filled += !key || found;
    if (found && has_few) has_few = count_value(column, found);
  }
  if (!has_few) column->value_count = 0;
  if (column->point_count) qsort(points, column->point_count, sizeof *points, compare_points);
  if (column->value_count) qsort(column->values, column->value_count, sizeof column->values[0], compare_values);
  return column;
}

double bt_mine_quantile(const bt_mine_column *column, double share) {
  double wanted = share * column->point_count;
  uint32_t at = (uint32_t)ceil(wanted);
  return column->points[at ? at - 1 : 0].number;
}

/* Keeps the test where nearly all rows that pass it hit, clearly more of them than of the others, and it says more. */
static void weigh_test(bt_mine_split found, uint32_t count, uint32_t all_hits, bt_mine_split *best) {
  found.rest = count - found.all;
  found.rest_hits = all_hits - found.hits;
  if (found.all < BT_MINE_LEAST_TESTED || found.hits < CERTAIN * found.all || !found.rest) return;
  double gain = (double)found.hits / found.all - (double)found.rest_hits / found.rest;
  found.score = gain * found.hits;
  if (gain < LIFT || found.score <= best->score) return;
  double low = bt_share_interval((bt_share){found.hits, found.all}, CONFIDENCE).low;
  if (low > bt_share_interval((bt_share){found.rest_hits, found.rest}, CONFIDENCE).high) *best = found;
}

static double number_between(double low, double high) {
  double rounded = bt_mine_round_up(low);
  if (rounded < high) return rounded;
  for (double step = pow(10, floor(log10(high - low))); step > 0; step /= 10) {
    double number = floor(low / step) * step + step;
    if (number >= low && number < high) return number;
    if (step < (high - low) / 1000) break;
  }
  return low;
}

static void split_numbers(const bt_mine_column *column, uint32_t count, uint32_t all_hits, const bt_mine_row *rows,
                          const bool *hits, bt_mine_split *best) {
  const bt_mine_point *points = column->points;
  uint32_t above = 0;
  bt_mine_test_kind kind = column->key ? BT_TEST_ABOVE : BT_TEST_LONGER;
  for (uint32_t i = column->point_count; i-- > 1;) {
    above += hits[rows[points[i].row].number];
    if (points[i - 1].number == points[i].number || hits[rows[points[i - 1].row].number]) continue;
    double score = best->score;
    weigh_test(
        (bt_mine_split){.test = {.kind = kind, .key = column->key}, .all = column->point_count - i, .hits = above},
        count, all_hits, best);
    if (best->score > score) best->test.bound = number_between(points[i - 1].number, points[i].number);
  }
}

static void split_values(const bt_mine_column *column, const bt_mine_row *rows, uint32_t count, const bool *hits,
                         uint32_t all_hits, bt_mine_split *best) {
  enum { MOST_VALUES = 12 };
  bt_mine_split of[MOST_VALUES] = {0}, has = {.test = {.kind = BT_TEST_HAS, .key = column->key}};
  uint32_t used = column->value_count < MOST_VALUES ? column->value_count : MOST_VALUES;
  for (uint32_t r = 0; r < count; r++) {
    const bt_mine_attribute *found = bt_mine_find(rows[r].span, column->key);
    if (!found) continue;
    has.all++;
    has.hits += hits[rows[r].number];
    for (uint32_t v = 0; v < used; v++) {
      if (column->values[v].value.hash != found->hash) continue;
      of[v].all++;
      of[v].hits += hits[rows[r].number];
    }
  }
  for (uint32_t v = 0; v < used; v++) {
    of[v].test = (bt_mine_test){.kind = BT_TEST_IS, .key = column->key, .value = column->values[v].value};
    bool has_text = of[v].test.value.text || of[v].test.value.type != BT_MINE_TEXT;
    if (has_text) weigh_test(of[v], count, all_hits, best);
  }
  weigh_test(has, count, all_hits, best);
}

void bt_mine_column_split(const bt_mine_column *column, const bt_mine_row *rows, uint32_t count, const bool *hits,
                          bt_mine_split *best) {
  uint32_t all_hits = 0;
  for (uint32_t r = 0; r < count; r++) all_hits += hits[rows[r].number];
  if (column->key) split_values(column, rows, count, hits, all_hits, best);
  if (column->point_count >= 2 * BT_MINE_LEAST) split_numbers(column, count, all_hits, rows, hits, best);
  if (column->key) return;
  bt_mine_split failed = {.test = {.kind = BT_TEST_ERROR}};
  for (uint32_t r = 0; r < count; r++) {
    failed.all += rows[r].span->is_error;
    failed.hits += rows[r].span->is_error && hits[rows[r].number];
  }
  weigh_test(failed, count, all_hits, best);
}

double bt_mine_round(double number) {
  if (number <= 0) return number;
  double step = pow(10, floor(log10(number)) - 1);
  return ceil(number / step) * step;
}

double bt_mine_round_up(double number) {
  static const double steps[] = {1, 1.5, 2, 3, 5, 7.5, 10};
  if (number <= 0) return number;
  double power = pow(10, floor(log10(number)));
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
    if (number <= steps[i] * power) return steps[i] * power;
  return number;
}
