/* Over-formulas. See formula.h. */
#include "dsl/formula.h"
#include "dsl/traceql.h"

enum {
  MAX_PAIRWISE = 64,
  MAX_IMPLIES_STEPS = 1024,
  KEYS_MAX = 4 /* attributes of one span that are searched for, each by a query */
};

static const bt_formula every_trace = {.kind = BT_OVER_ALL};
static const bt_formula no_trace = {.kind = BT_OVER_NONE};

const bt_formula *bt_formula_all(void) {
  return &every_trace;
}

const bt_formula *bt_formula_none(void) {
  return &no_trace;
}

const bt_formula *bt_formula_query(bt_filter_builder *builder, bt_over_filter filter) {
  if (filter.filter->kind == BT_FILTER_ALL) return &every_trace;
  if (filter.filter->kind == BT_FILTER_NONE) return &no_trace;
  bt_formula *formula = bt_arena_alloc(builder->arena, sizeof *formula);
  if (!formula) {
    builder->failed = true;
    return &every_trace;
  }
  *formula = (bt_formula){.kind = BT_OVER_QUERY, .filter = filter};
  return formula;
}

static bool implies_formula(const bt_formula *a, const bt_formula *b, unsigned *steps);

/* Whether each (or, with `any`, some) item of `of` implies b, or is implied by it when `reversed`. */
static bool items_imply(const bt_formula *of, const bt_formula *b, bool any, bool reversed, unsigned *steps) {
  for (uint32_t i = 0; i < of->item_count; i++) {
    bool holds = reversed ? implies_formula(b, of->items[i], steps) : implies_formula(of->items[i], b, steps);
    if (holds == any) return any;
  }
  return !any;
}

static bool implies_formula(const bt_formula *a, const bt_formula *b, unsigned *steps) {
  if (++*steps > MAX_IMPLIES_STEPS) return false;
  if (a->kind == BT_OVER_NONE || b->kind == BT_OVER_ALL) return true;
  if (a->kind == BT_OVER_ALL || b->kind == BT_OVER_NONE) return false;
  if (b->kind == BT_OVER_AND) return items_imply(b, a, false, true, steps);
  if (a->kind == BT_OVER_OR) return items_imply(a, b, false, false, steps);
  if (b->kind == BT_OVER_OR && items_imply(b, a, true, true, steps)) return true;
  if (a->kind == BT_OVER_AND) return items_imply(a, b, true, false, steps);
  return b->kind == BT_OVER_QUERY && bt_filter_implies(a->filter.filter, b->filter.filter);
}

static bool is_superfluous(bt_over_kind kind, const bt_formula *item, const bt_formula *others) {
  unsigned steps = 0;
  return kind == BT_OVER_AND ? implies_formula(others, item, &steps) : implies_formula(item, others, &steps);
}

/* Drops what the others make superfluous: in AND what they imply, in OR what implies one of them. */
static uint32_t drop_superfluous(bt_over_kind kind, const bt_formula **items, uint32_t count) {
  if (count > MAX_PAIRWISE) return count;
  for (uint32_t i = count; i-- > 0 && count > 1;) {
    const bt_formula *item = items[i];
    for (uint32_t j = i + 1; j < count; j++) items[j - 1] = items[j];
    bt_formula others = {.kind = kind, .items = items, .item_count = count - 1};
    if (is_superfluous(kind, item, &others)) {
      count--;
    } else {
      for (uint32_t j = count - 1; j > i; j--) items[j] = items[j - 1];
      items[i] = item;
    }
  }
  return count;
}

/* In OR all queries become one: a trace with a span that meets either filter is a trace with a span that meets their
 * ||. */
static uint32_t merge_queries(bt_filter_builder *builder, const bt_formula **items, uint32_t count) {
  bt_over_filter merged = {bt_filter_none()};
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind != BT_OVER_QUERY)
      items[kept++] = items[i];
    else
      merged.filter = bt_filter_join2(builder, BT_FILTER_OR, merged.filter, items[i]->filter.filter);
  }
  if (merged.filter->kind != BT_FILTER_NONE) items[kept++] = bt_formula_query(builder, merged);
  return kept;
}

static uint32_t add_flat(const bt_formula **flat, uint32_t count, bt_over_kind kind, const bt_formula *item) {
  if (item->kind != kind) {
    flat[count++] = item;
    return count;
  }
  for (uint32_t i = 0; i < item->item_count; i++) flat[count++] = item->items[i];
  return count;
}

static const bt_formula *join_flat(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *const *items,
                                   uint32_t count, size_t flat_count) {
  const bt_formula **flat = bt_arena_array(builder->arena, flat_count, sizeof *flat);
  bt_formula *joined = bt_arena_alloc(builder->arena, sizeof *joined);
  if (!flat || !joined) {
    builder->failed = true;
    return &every_trace;
  }
  bt_over_kind neutral = kind == BT_OVER_AND ? BT_OVER_ALL : BT_OVER_NONE;
  uint32_t used = 0;
  for (uint32_t i = 0; i < count; i++)
    if (items[i]->kind != neutral) used = add_flat(flat, used, kind, items[i]);
  if (kind == BT_OVER_OR) used = merge_queries(builder, flat, used);
  used = drop_superfluous(kind, flat, used);
  if (used == 0) return kind == BT_OVER_AND ? &every_trace : &no_trace;
  if (used == 1) return flat[0];
  *joined = (bt_formula){.kind = kind, .items = flat, .item_count = used};
  return joined;
}

const bt_formula *bt_formula_join(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *const *items,
                                  uint32_t count) {
  bt_over_kind absorbing = kind == BT_OVER_AND ? BT_OVER_NONE : BT_OVER_ALL;
  size_t flat_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind == absorbing) return items[i];
    flat_count += items[i]->kind == kind ? items[i]->item_count : 1;
  }
  return join_flat(builder, kind, items, count, flat_count);
}

const bt_formula *bt_formula_join2(bt_filter_builder *builder, bt_over_kind kind, const bt_formula *a,
                                   const bt_formula *b) {
  return bt_formula_join(builder, kind, (const bt_formula *const[]){a, b}, 2);
}

/* ---- writing ---- */

static const bt_over every_written = {.kind = BT_OVER_ALL};

/* How a formula is written. */
typedef struct writing {
  bool counts;       /* what is surely meant is asked for by queries of its own */
  bool was_weakened; /* so far */
} writing;

/* NULL: no room, and the builder has failed. */
static bt_over *new_over(bt_filter_builder *builder, bt_over_kind kind, uint32_t item_count) {
  bt_over *over = bt_arena_alloc(builder->arena, sizeof *over);
  const bt_over **items = item_count ? bt_arena_array(builder->arena, item_count, sizeof *items) : NULL;
  if (!over || (item_count && !items)) {
    builder->failed = true;
    return NULL;
  }
  *over = (bt_over){.kind = kind, .items = items, .item_count = item_count};
  return over;
}

static const bt_over *write_filter(bt_filter_builder *builder, bt_over_filter filter, writing *how);

/* What is asked as several queries: their or finds the same traces, their and at least as many. */
static const bt_over *join_written(bt_filter_builder *builder, bt_over_kind kind, const bt_over *const *items,
                                   uint32_t count) {
  bt_over *joined = new_over(builder, kind, count);
  if (!joined) return &every_written;
  joined->item_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind != BT_OVER_ALL)
      joined->items[joined->item_count++] = items[i];
    else if (kind == BT_OVER_OR)
      return &every_written;
  }
  if (!joined->item_count) return &every_written;
  return joined->item_count == 1 ? joined->items[0] : joined;
}

static const bt_over *write_apart(bt_filter_builder *builder, const bt_filter *filter, writing *how) {
  bt_over_kind kind = filter->kind == BT_FILTER_AND ? BT_OVER_AND : BT_OVER_OR;
  uint32_t half = filter->item_count / 2;
  bt_over_filter lower = {bt_filter_join(builder, filter->kind, filter->items, half)};
  bt_over_filter upper = {bt_filter_join(builder, filter->kind, filter->items + half, filter->item_count - half)};
  if (kind == BT_OVER_AND) how->was_weakened = true;
  const bt_over *both[2] = {write_filter(builder, lower, how), write_filter(builder, upper, how)};
  return join_written(builder, kind, both, 2);
}

/* NULL: it is too long for one query, or there was no room. */
static bt_over *write_query(bt_filter_builder *builder, bt_over_filter filter, bool is_surplus) {
  bt_over *over = new_over(builder, BT_OVER_QUERY, 0);
  if (!over) return NULL;
  over->query.asked = is_surplus ? bt_traceql_surplus(filter) : bt_traceql_over(filter);
  over->is_surplus = is_surplus;
  return bt_traceql_fits(over->query.asked, &builder->failed) && !builder->failed ? over : NULL;
}

/* NULL: as for write_query, or nothing is surely meant. */
static bt_over *write_sure(bt_filter_builder *builder, bt_over_filter filter, writing *how) {
  bt_over_filter sure = {bt_filter_without_readings(builder, filter.filter)};
  bt_over *over = NULL;
  if (sure.filter->kind == BT_FILTER_NONE)
    how->was_weakened = true;
  else
    over = write_query(builder, sure, false);
  if (over) over->is_found_twice = true;
  return over;
}

/* The queries that find a filter together: what is surely meant by one of its own, where it is counted. Returns their
 * number, 3 at most; 0: one is too long, or there was no room. */
static uint32_t write_queries(bt_filter_builder *builder, bt_over_filter filter, writing *how,
                              const bt_over **queries) {
  bool is_split = how->counts && bt_filter_has_test(filter.filter, bt_filter_is_reading, NULL);
  bt_over *sure = is_split ? write_sure(builder, filter, how) : NULL;
  bt_over *plain = write_query(builder, filter, false), *surplus = NULL;
  bool has_surplus = bt_filter_may_overlook(filter.filter);
  if (has_surplus) surplus = write_query(builder, filter, true);
  if (!plain || (has_surplus && !surplus)) return 0;
  uint32_t count = 0;
  plain->is_surplus = is_split;
  if (sure) queries[count++] = sure;
  queries[count++] = plain;
  if (surplus) queries[count++] = surplus;
  return count;
}

static const bt_over *write_text(bt_filter_builder *builder, bt_over_filter filter, writing *how) {
  const bt_over *queries[3];
  uint32_t count = write_queries(builder, filter, how, queries);
  if (builder->failed) return &every_written;
  if (count) return count == 1 ? queries[0] : join_written(builder, BT_OVER_OR, queries, count);
  if (filter.filter->kind == BT_FILTER_AND || filter.filter->kind == BT_FILTER_OR)
    return write_apart(builder, filter.filter, how);
  how->was_weakened = true;
  return &every_written;
}

/* What of an AND speaks of no attribute, which each of its parts is asked with. */
static const bt_filter *keyless_part(bt_filter_builder *builder, const bt_filter *filter) {
  const bt_filter *part = bt_filter_all();
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (bt_filter_has_no_key(filter->items[i])) part = bt_filter_join2(builder, BT_FILTER_AND, part, filter->items[i]);
  return part;
}

static const bt_over *write_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter *with,
                                   writing *how);

/* inner: the kind of a group that does not suit Tempo, and is one item of what is divided. */
static const bt_over *write_group(bt_filter_builder *builder, const bt_filter *group, const bt_filter *with,
                                  bt_filter_kind inner, writing *how) {
  bool is_alone = group->kind == BT_FILTER_TEST && bt_filter_has_event_attribute(group);
  bt_over_filter one = {is_alone ? group : bt_filter_join2(builder, BT_FILTER_AND, with, group)};
  if (is_alone && with->kind != BT_FILTER_ALL) how->was_weakened = true;
  if (bt_filter_suits_tempo(group)) return write_text(builder, one, how);
  if (group->kind == inner) return write_by_key(builder, group, with, how);
  how->was_weakened = true;
  return &every_written;
}

/* Each attribute in a query of its own, beside `with`. */
static const bt_over *write_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter *with,
                                   writing *how) {
  bool is_and = filter->kind == BT_FILTER_AND;
  const bt_filter **groups = bt_arena_array(builder->arena, filter->item_count, sizeof *groups);
  const bt_over **written = bt_arena_array(builder->arena, filter->item_count, sizeof *written);
  if (!groups || !written) builder->failed = true;
  if (builder->failed) return &every_written;
  if (is_and) with = bt_filter_join2(builder, BT_FILTER_AND, with, keyless_part(builder, filter));
  uint32_t count = bt_filter_group_by_key(builder, filter, groups);
  if (is_and && count > KEYS_MAX) count = KEYS_MAX;
  if (is_and && count > 1) how->was_weakened = true;
  for (uint32_t i = 0; i < count; i++)
    written[i] = write_group(builder, groups[i], with, is_and ? BT_FILTER_OR : BT_FILTER_AND, how);
  return builder->failed ? &every_written : join_written(builder, is_and ? BT_OVER_AND : BT_OVER_OR, written, count);
}

static const bt_over *write_filter(bt_filter_builder *builder, bt_over_filter filter, writing *how) {
  if (bt_filter_confuses_names(filter.filter) || bt_filter_may_take_made_up(filter.filter)) how->was_weakened = true;
  if (bt_filter_suits_tempo(filter.filter)) return write_text(builder, filter, how);
  return write_by_key(builder, filter.filter, bt_filter_all(), how);
}

static const bt_over *write_formula(bt_filter_builder *builder, const bt_formula *formula, writing *how) {
  if (formula->kind == BT_OVER_QUERY) return write_filter(builder, formula->filter, how);
  bt_over *over = new_over(builder, formula->kind, formula->item_count);
  if (!over) return &every_written;
  for (uint32_t i = 0; i < formula->item_count; i++) over->items[i] = write_formula(builder, formula->items[i], how);
  return over;
}

const bt_over *bt_formula_write(bt_filter_builder *builder, const bt_formula *formula) {
  writing how = {0};
  return write_formula(builder, formula, &how);
}

const bt_over *bt_formula_write_counted(bt_filter_builder *builder, const bt_formula *formula, bool *was_weakened) {
  writing how = {.counts = true};
  const bt_over *over = write_formula(builder, formula, &how);
  *was_weakened = how.was_weakened;
  return over;
}
