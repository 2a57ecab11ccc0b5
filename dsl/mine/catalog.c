/* Which behaviours there are to look at. See behaviour.h. */
#include <stdlib.h>
#include <string.h>

#include "dsl/mine/columns.h"
#include "dsl/mine/share.h"

static const double NEARLY_ALL = 0.95, SELDOM = 0.01, MOSTLY = 0.98, CONFIDENCE = 0.9;
enum { SCRATCH_BYTES = 512 << 20, FEW_SPANS = 10, TOP_VALUES = 8, OFTEN = 50, NAMED_KEYS = 64 };

typedef struct filler {
  bt_catalog *catalog;
  const bt_mine_sample *sample;
  uint32_t names;
  bool *has;                   /* [name * learned_count + learned trace] */
  uint32_t *roots, *new_roots; /* traces that begin with the name: of all · of learned ones */
  bt_mine_row *rows, *learned; /* of the name at hand: of all traces · of learned ones */
  uint32_t row_count, learned_rows;
  uint32_t keys[NAMED_KEYS];
  uint32_t key_count;
  bt_arena scratch; /* of the name at hand */
  bool no_memory;
} filler;

static void add_behaviour(filler *f, bt_behaviour behaviour) {
  bt_catalog *c = f->catalog;
  if (c->count >= BT_MINE_BEHAVIOURS) {
    c->beyond++;
    return;
  }
  bt_behaviour *items = bt_grow_array(c->items, c->count, &c->capacity, sizeof *items);
  if (!items) {
    f->no_memory = true;
    return;
  }
  c->items = items;
  items[c->count++] = behaviour;
}

static size_t pair_of(const filler *f, uint32_t a, uint32_t b) {
  return (size_t)a * f->names + b;
}

/* ---- counting ---- */

static void count_pairs(filler *f, const bt_mine_view *view, uint32_t number) {
  bt_catalog *c = f->catalog;
  for (uint32_t a = 0; a < f->names; a++) {
    if (view->first[a] == BT_NO_SPAN) continue;
    c->learned[a]++;
    f->has[(size_t)a * c->learned_count + number] = true;
    int64_t start_ns = view->trace->spans[view->first[a]].start_ns;
    for (uint32_t b = 0; b < f->names; b++) {
      if (view->first[b] == BT_NO_SPAN) continue;
      c->together[pair_of(f, a, b)]++;
      c->before[pair_of(f, a, b)] += start_ns < view->trace->spans[view->first[b]].start_ns;
    }
  }
}

static void count_calls(filler *f, const bt_mine_trace *trace) {
  for (uint32_t s = 0; s < trace->span_count; s++) {
    const bt_mine_span *span = &trace->spans[s];
    if (span->name == BT_NO_SPAN) continue;
    if (span->parent == BT_NO_SPAN) {
      f->roots[span->name]++;
      f->new_roots[span->name] += trace->is_learned;
    } else if (trace->spans[span->parent].name != BT_NO_SPAN) {
      f->catalog->children[pair_of(f, trace->spans[span->parent].name, span->name)]++;
    }
  }
}

static void count_traces(filler *f) {
  bt_mine_view view;
  uint32_t number = 0;
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    for (size_t i = 0; i < f->sample->groups[g].count; i++) {
      const bt_mine_trace *trace = f->sample->groups[g].traces[i];
      count_calls(f, trace);
      if (!trace->is_learned) continue;
      bt_mine_look(trace, &view);
      count_pairs(f, &view, number++);
    }
  }
  bool *above = f->catalog->above;
  for (size_t i = 0; i < (size_t)f->names * f->names; i++) above[i] = f->catalog->children[i];
  for (uint32_t k = 0; k < f->names; k++)
    for (uint32_t a = 0; a < f->names; a++)
      for (uint32_t b = 0; above[pair_of(f, a, k)] && b < f->names; b++)
        above[pair_of(f, a, b)] = above[pair_of(f, a, b)] || above[pair_of(f, k, b)];
}

/* ---- rows of one name ---- */

static void add_key(filler *f, uint32_t key) {
  uint32_t i = 0;
  while (i < f->key_count && f->keys[i] != key) i++;
  if (i == f->key_count && f->key_count < NAMED_KEYS) f->keys[f->key_count++] = key;
}

static void gather_rows(filler *f, uint32_t name) {
  uint32_t number = 0;
  f->row_count = f->learned_rows = f->key_count = 0;
  for (int g = 0; g < BT_MINE_GROUPS; g++) {
    for (size_t i = 0; i < f->sample->groups[g].count; i++) {
      const bt_mine_trace *trace = f->sample->groups[g].traces[i];
      for (uint32_t s = 0; s < trace->span_count; s++) {
        const bt_mine_span *span = &trace->spans[s];
        if (span->name != name) continue;
        bt_mine_row row = {trace, span, number};
        f->rows[f->row_count++] = row;
        if (trace->is_learned) f->learned[f->learned_rows++] = row;
        for (uint32_t k = 0; k < span->attribute_count; k++) add_key(f, span->attributes[k].key);
      }
      number += trace->is_learned;
    }
  }
}

/* ---- forms of one name ---- */

static void add_bounds(filler *f, const bt_mine_column *column, bt_behaviour like, const double *shares, size_t count) {
  double last = 0;
  for (size_t i = 0; i < count; i++) {
    double bound = bt_mine_quantile(column, shares[i]);
    like.bound = shares[i] < 1 ? bt_mine_round(bound) : bt_mine_round_up(bound * 1.000001);
    if (i && like.bound == last) continue;
    last = like.bound;
    add_behaviour(f, like);
  }
}

/* How long spans with one value take. */
static void add_slow_by_value(filler *f, uint32_t name, const bt_mine_value *value) {
  static const double shares[] = {0.9, 1};
  bt_behaviour like = {.kind = BT_BEHAVE_DURATION,
                       .a = name,
                       .b = name,
                       .test = {.kind = BT_TEST_IS, .key = value->value.key, .value = value->value}};
  bt_mine_row *rows = bt_arena_array(&f->scratch, f->learned_rows, sizeof *rows);
  uint32_t count = 0;
  for (uint32_t r = 0; rows && r < f->learned_rows; r++)
    if (bt_mine_test_holds(&like.test, f->learned[r].span)) rows[count++] = f->learned[r];
  bt_mine_column *column = rows ? bt_mine_column_new(rows, count, BT_NO_SYMBOL, &f->scratch) : NULL;
  if (!column)
    f->no_memory = true;
  else
    add_bounds(f, column, like, shares, 2);
}

static void add_domain(filler *f, uint32_t name, const bt_mine_column *column) {
  bt_mine_attribute *values = bt_arena_array(&f->catalog->arena, column->value_count, sizeof *values);
  if (!values) {
    f->no_memory = true;
    return;
  }
  for (uint32_t v = 0; v < column->value_count; v++) values[v] = column->values[v].value;
  add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_DOMAIN,
                                  .a = name,
                                  .b = name,
                                  .key = column->key,
                                  .values = values,
                                  .value_count = column->value_count});
}

static void add_values(filler *f, uint32_t name, const bt_mine_column *column) {
  add_domain(f, name, column);
  for (uint32_t v = 0; v < column->value_count && v < TOP_VALUES; v++) {
    const bt_mine_value *value = &column->values[v];
    bool is_some = value->count >= BT_MINE_LEAST && value->count < column->filled;
    if (is_some)
      add_behaviour(
          f, (bt_behaviour){.kind = BT_BEHAVE_VALUE, .a = name, .b = name, .key = column->key, .value = value->value});
    if (is_some && value->count >= OFTEN) add_slow_by_value(f, name, value);
  }
}

/* A version is what a change is told by, not a change. */
static bool is_version(const filler *f, uint32_t key) {
  bt_str text = bt_mine_text(f->sample, key);
  return bt_str_starts_with(text, BT_STR("resource.")) && bt_str_contains(text, BT_STR("version"));
}

/* Numbers that grow with time, as ids and offsets do, are larger later whatever happens. */
static bool is_drifting(const filler *f, const bt_mine_column *column) {
  static const double surely = 20;
  double middle = bt_mine_quantile(column, 0.5);
  bt_share halves[2] = {0};
  for (uint32_t i = 0; i < column->point_count; i++) {
    bt_share *half = &halves[f->learned[column->points[i].row].number >= f->catalog->learned_count / 2];
    half->all++;
    half->kept += column->points[i].number <= middle;
  }
  return bt_share_difference(halves[0], halves[1]) > surely;
}

static void add_key_forms(filler *f, uint32_t name, const bt_mine_column *column) {
  static const double most[] = {0.5, 0.99, 1};
  bt_behaviour like = {.kind = BT_BEHAVE_HAS, .a = name, .b = name, .key = column->key};
  if (is_version(f, column->key)) return;
  add_behaviour(f, like);
  if (column->filled < BT_MINE_LEAST) return;
  bool are_numbers = column->point_count && (!column->value_count || column->value_count > TOP_VALUES);
  if (are_numbers && is_drifting(f, column)) {
    f->catalog->drifting++;
  } else if (are_numbers) {
    like.kind = BT_BEHAVE_MOST;
    add_bounds(f, column, like, most, 3);
    like.kind = BT_BEHAVE_LEAST;
    like.bound = column->points[0].number;
    add_behaviour(f, like);
  } else if (column->value_count) {
    add_values(f, name, column);
  }
}

/* ---- forms of two names ---- */

static bool are_related(const filler *f, uint32_t a, uint32_t b) {
  if (f->catalog->above[pair_of(f, a, b)]) return true;
  for (uint32_t p = 0; p < f->names; p++)
    if (f->catalog->children[pair_of(f, p, a)] && f->catalog->children[pair_of(f, p, b)]) return true;
  return false;
}

static bt_mine_test_kind opposite_of(bt_mine_test_kind kind) {
  static const bt_mine_test_kind opposites[] = {[BT_TEST_ERROR] = BT_TEST_NO_ERROR,
                                                [BT_TEST_LONGER] = BT_TEST_SHORTER,
                                                [BT_TEST_HAS] = BT_TEST_LACKS,
                                                [BT_TEST_IS] = BT_TEST_IS_NOT,
                                                [BT_TEST_ABOVE] = BT_TEST_NOT_ABOVE};
  return opposites[kind]; /* of one that column_split finds */
}

/* The test of a that makes b certain, and where b is never there without it, that too. Of one group alone nobody asks
 * what changed, but why: there it is no reason for b that a takes long because it waits for b. */
static void add_tested_presence(filler *f, uint32_t a, uint32_t b, bt_mine_column *const *columns, size_t count) {
  const bool *hits = &f->has[(size_t)b * f->catalog->learned_count];
  bt_mine_split best = {0};
  bt_mine_column timeless = {.key = BT_NO_SYMBOL};
  bool waits = !f->sample->groups[BT_MINE_CANDIDATE].count && f->catalog->above[pair_of(f, a, b)];
  bt_mine_column_split(waits ? &timeless : columns[0], f->learned, f->learned_rows, hits, &best);
  for (size_t i = 1; i < count; i++) bt_mine_column_split(columns[i], f->learned, f->learned_rows, hits, &best);
  if (best.score <= 0) return;
  add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_PRESENCE, .a = a, .b = b, .test = best.test});
  bt_mine_test test = best.test;
  test.kind = opposite_of(test.kind);
  if (best.rest >= BT_MINE_LEAST && best.rest_hits <= SELDOM * best.rest)
    add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_ABSENCE, .a = a, .b = b, .test = test});
}

/* Not where b is nearly always there anyway: what a says of it has to be more than that, also at the lower bound. */
static bool makes_certain(const filler *f, uint32_t a, uint32_t b) {
  const bt_catalog *c = f->catalog;
  bt_share with = {c->together[pair_of(f, a, b)], c->learned[a]};
  bt_share without = {c->learned[b] - with.kept, c->learned_count - with.all};
  if (with.kept < NEARLY_ALL * with.all || c->learned[b] > MOSTLY * c->learned_count) return false;
  return bt_share_interval(with, CONFIDENCE).low > bt_share_interval(without, CONFIDENCE).high;
}

static void add_pair_forms(filler *f, uint32_t a, uint32_t b, bt_mine_column *const *columns, size_t count) {
  const bt_catalog *c = f->catalog;
  uint32_t both = c->together[pair_of(f, a, b)];
  bool is_call = c->children[pair_of(f, a, b)];
  if (a == b || c->learned[b] < BT_MINE_LEAST || c->above[pair_of(f, b, a)]) return;
  if (!is_call && makes_certain(f, a, b)) add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_PRESENCE, .a = a, .b = b});
  bool is_open = both > SELDOM * c->learned[a] && both < NEARLY_ALL * c->learned[a];
  if (is_open && are_related(f, a, b)) add_tested_presence(f, a, b, columns, count);
  bool is_before = both >= BT_MINE_LEAST && c->before[pair_of(f, a, b)] >= NEARLY_ALL * both;
  if (is_before && !c->above[pair_of(f, a, b)])
    add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_ORDER, .a = a, .b = b});
}

/* ---- forms of a call ---- */

typedef struct calls {
  uint32_t a, b;
  bt_mine_column counts, delays;
} calls;

static bt_mine_point *new_points(filler *f, bt_mine_column *column, size_t count) {
  column->points = bt_arena_array(&f->scratch, count + 1, sizeof *column->points);
  f->no_memory = f->no_memory || !column->points;
  return column->points;
}

static int compare_numbers(const void *a, const void *b) {
  const bt_mine_point *x = a, *y = b;
  return (x->number > y->number) - (x->number < y->number);
}

/* f->learned are those of a. */
static bool measure_calls(filler *f, calls *of) {
  size_t children = 0;
  if (!new_points(f, &of->counts, f->learned_rows)) return false;
  for (uint32_t r = 0; r < f->learned_rows; r++) {
    const bt_mine_trace *trace = f->learned[r].trace;
    uint32_t count = 0, number = (uint32_t)(f->learned[r].span - trace->spans);
    for (uint32_t s = 0; s < trace->span_count; s++)
      count += trace->spans[s].parent == number && trace->spans[s].name == of->b;
    if (count) of->counts.points[of->counts.point_count++] = (bt_mine_point){count, r};
    children += count;
  }
  if (!new_points(f, &of->delays, children)) return false;
  for (uint32_t r = 0; r < f->learned_rows; r++) {
    const bt_mine_trace *trace = f->learned[r].trace;
    uint32_t number = (uint32_t)(f->learned[r].span - trace->spans);
    for (uint32_t s = 0; s < trace->span_count; s++)
      if (trace->spans[s].parent == number && trace->spans[s].name == of->b)
        of->delays.points[of->delays.point_count++] =
            (bt_mine_point){(double)(trace->spans[s].start_ns - f->learned[r].span->start_ns), r};
  }
  qsort(of->counts.points, of->counts.point_count, sizeof(bt_mine_point), compare_numbers);
  qsort(of->delays.points, of->delays.point_count, sizeof(bt_mine_point), compare_numbers);
  return true;
}

/* Where the values differ from trace to trace and are the same on both sides. */
static bool is_handed_on(const filler *f, const calls *of, uint32_t key) {
  uint32_t both = 0, same = 0, values = 0, counts[BT_MINE_DIFFERENT] = {0};
  uint64_t hashes[BT_MINE_DIFFERENT];
  for (uint32_t r = 0; r < f->learned_rows; r++) {
    const bt_mine_trace *trace = f->learned[r].trace;
    const bt_mine_attribute *above = bt_mine_find(f->learned[r].span, key), *own;
    uint32_t number = (uint32_t)(f->learned[r].span - trace->spans);
    for (uint32_t s = 0; above && s < trace->span_count; s++) {
      const bt_mine_span *span = &trace->spans[s];
      if (span->parent != number || span->name != of->b || !(own = bt_mine_find(span, key))) continue;
      both++;
      same += own->hash == above->hash;
      uint32_t v = 0;
      while (v < values && hashes[v] != own->hash) v++;
      if (v == values && values < BT_MINE_DIFFERENT) hashes[values++] = own->hash;
      if (v < values) counts[v]++;
    }
  }
  uint32_t largest = 0;
  for (uint32_t v = 0; v < values; v++)
    if (counts[v] > largest) largest = counts[v];
  return both >= BT_MINE_LEAST && same >= NEARLY_ALL * both && largest <= 0.7 * both;
}

static void add_call_forms(filler *f, uint32_t a, uint32_t b) {
  static const double delays[] = {0.9, 0.99, 1};
  calls of = {a, b, {0}, {0}};
  if (f->catalog->children[pair_of(f, a, b)] < FEW_SPANS) return;
  add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_CHILD, .a = a, .b = b});
  if (!measure_calls(f, &of) || of.counts.point_count < BT_MINE_LEAST) return;
  bt_behaviour count = {.kind = BT_BEHAVE_COUNT, .a = a, .b = b, .bound = bt_mine_quantile(&of.counts, 0.99)};
  add_behaviour(f, count);
  double most = bt_mine_quantile(&of.counts, 1);
  if (most > count.bound) add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_COUNT, .a = a, .b = b, .bound = most});
  add_bounds(f, &of.delays, (bt_behaviour){.kind = BT_BEHAVE_DELAY, .a = a, .b = b}, delays, 3);
  for (uint32_t k = 0; k < f->key_count; k++)
    if (!is_version(f, f->keys[k]) && is_handed_on(f, &of, f->keys[k]))
      add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_SAME, .a = a, .b = b, .key = f->keys[k]});
}

static void add_usual_parent(filler *f, uint32_t name) {
  uint32_t best = 0;
  const uint32_t *children = f->catalog->children;
  for (uint32_t p = 1; p < f->names; p++)
    if (children[pair_of(f, p, name)] > children[pair_of(f, best, name)]) best = p;
  if (children[pair_of(f, best, name)] >= FEW_SPANS)
    add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_PARENT, .a = best, .b = name});
}

/* ---- all ---- */

static void add_name_forms(filler *f, uint32_t a) {
  static const double shares[] = {0.5, 0.9, 0.99, 1};
  bt_mine_column *columns[NAMED_KEYS + 1];
  size_t count = 0;
  bt_arena_reset(&f->scratch);
  gather_rows(f, a);
  if (f->roots[a] >= FEW_SPANS && !f->new_roots[a])
    add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_ROOT, .a = a, .b = a});
  for (uint32_t b = 0; b < f->names; b++) add_call_forms(f, a, b);
  add_usual_parent(f, a);
  if (f->learned_rows < BT_MINE_LEAST) return;
  for (uint32_t k = 0; k <= f->key_count; k++) {
    columns[count] = bt_mine_column_new(f->learned, f->learned_rows, k ? f->keys[k - 1] : BT_NO_SYMBOL, &f->scratch);
    if (!columns[count]) {
      f->no_memory = true;
      return;
    }
    count++;
  }
  add_behaviour(f, (bt_behaviour){.kind = BT_BEHAVE_STATUS, .a = a, .b = a});
  add_bounds(f, columns[0], (bt_behaviour){.kind = BT_BEHAVE_DURATION, .a = a, .b = a}, shares, 4);
  for (size_t k = 1; k < count; k++) add_key_forms(f, a, columns[k]);
  for (uint32_t b = 0; b < f->names; b++) add_pair_forms(f, a, b, columns, count);
}

static size_t count_spans(const bt_mine_sample *sample) {
  size_t most = 1;
  for (int g = 0; g < BT_MINE_GROUPS; g++)
    for (size_t i = 0; i < sample->groups[g].count; i++) most += sample->groups[g].traces[i]->span_count;
  return most;
}

static bool make_room(filler *f) {
  bt_catalog *c = f->catalog;
  size_t pairs = (size_t)f->names * f->names + 1, spans = count_spans(f->sample);
  for (size_t i = 0; i < f->sample->groups[BT_MINE_BASELINE].count; i++)
    c->learned_count += f->sample->groups[BT_MINE_BASELINE].traces[i]->is_learned;
  bt_arena *arena = &c->arena;
  c->together = bt_arena_array(arena, pairs, sizeof *c->together);
  c->before = bt_arena_array(arena, pairs, sizeof *c->before);
  c->children = bt_arena_array(arena, pairs, sizeof *c->children);
  c->above = bt_arena_array(arena, pairs, sizeof *c->above);
  c->learned = bt_arena_array(arena, f->names + 1, sizeof *c->learned);
  f->roots = bt_arena_array(arena, f->names + 1, sizeof *f->roots);
  f->new_roots = bt_arena_array(arena, f->names + 1, sizeof *f->new_roots);
  f->has = calloc((size_t)f->names * c->learned_count + 1, sizeof *f->has);
  f->rows = bt_realloc_array(NULL, spans, sizeof *f->rows);
  f->learned = bt_realloc_array(NULL, spans, sizeof *f->learned);
  return c->together && c->before && c->children && c->above && c->learned && f->roots && f->new_roots && f->has &&
         f->rows && f->learned;
}

bt_status bt_catalog_fill(const bt_mine_sample *sample, bt_catalog *catalog, bt_error *error) {
  *catalog = (bt_catalog){.sample = sample};
  filler f = {.catalog = catalog, .sample = sample, .names = sample->name_count};
  bt_arena_init(&catalog->arena, SCRATCH_BYTES);
  bt_arena_init(&f.scratch, SCRATCH_BYTES);
  f.no_memory = !make_room(&f);
  if (!f.no_memory) count_traces(&f);
  for (uint32_t a = 0; a < f.names && !f.no_memory; a++) add_name_forms(&f, a);
  free(f.has);
  free(f.rows);
  free(f.learned);
  bt_arena_dispose(&f.scratch);
  return f.no_memory ? bt_error_no_memory(error) : BT_OK;
}

void bt_catalog_dispose(bt_catalog *catalog) {
  free(catalog->items);
  bt_arena_dispose(&catalog->arena);
}
