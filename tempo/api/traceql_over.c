/* Which queries ask Tempo for a filter. See traceql_rules.h. A filter that is too long for one query is split or
 * weakened. Attributes of one span or resource are asked about one by one (bt_traceql_suits), and their and is one of
 * traces: weaker too. What tests values of attributes is asked twice (traceql.h, BT_TRACEQL_SURPLUS). */
#include "dsl/plan/formula.h"
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_rules.h"

enum { KEYS_MAX = 4 /* attributes of one span that are searched for, each by a query */ };

/* How a filter is asked. */
typedef struct writing {
  bool counts;       /* what is surely meant is asked for by queries of its own */
  bool was_weakened; /* so far */
} writing;

static const bt_over *write_filter(bt_filter_builder *builder, bt_over_filter filter, writing *how);

/* What is asked as several queries: their or finds the same traces, their and at least as many. */
static const bt_over *join_written(bt_filter_builder *builder, bt_over_kind kind, const bt_over *const *items,
                                   uint32_t count) {
  bt_over *joined = bt_over_new(builder, kind, count);
  if (!joined) return bt_over_all();
  joined->item_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind != BT_OVER_ALL)
      joined->items[joined->item_count++] = items[i];
    else if (kind == BT_OVER_OR)
      return bt_over_all();
  }
  if (!joined->item_count) return bt_over_all();
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
  bt_over *over = bt_over_new(builder, BT_OVER_QUERY, 0);
  if (!over) return NULL;
  over->query.asked = is_surplus ? bt_traceql_surplus(filter) : bt_traceql_over(filter);
  over->is_surplus = is_surplus;
  return bt_traceql_fits(over->query.asked, &builder->failed) && !builder->failed ? over : NULL;
}

/* NULL: as for write_query, or nothing is surely meant. */
static bt_over *write_sure(bt_filter_builder *builder, bt_over_filter filter, writing *how) {
  bt_over_filter sure = {bt_traceql_surely(builder, filter)};
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
  bool is_split = how->counts && bt_filter_has_test(filter.filter, bt_traceql_is_reading, NULL);
  bt_over *sure = is_split ? write_sure(builder, filter, how) : NULL;
  bt_over *plain = write_query(builder, filter, false), *surplus = NULL;
  bool has_surplus = bt_traceql_may_overlook(filter.filter);
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
  if (builder->failed) return bt_over_all();
  if (count) return count == 1 ? queries[0] : join_written(builder, BT_OVER_OR, queries, count);
  if (filter.filter->kind == BT_FILTER_AND || filter.filter->kind == BT_FILTER_OR)
    return write_apart(builder, filter.filter, how);
  how->was_weakened = true;
  return bt_over_all();
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
  bool is_alone = group->kind == BT_FILTER_TEST && bt_traceql_has_event_attribute(group);
  bt_over_filter one = {is_alone ? group : bt_filter_join2(builder, BT_FILTER_AND, with, group)};
  if (is_alone && with->kind != BT_FILTER_ALL) how->was_weakened = true;
  if (bt_traceql_suits(group)) return write_text(builder, one, how);
  if (group->kind == inner) return write_by_key(builder, group, with, how);
  how->was_weakened = true;
  return bt_over_all();
}

/* Each attribute in a query of its own, beside `with`. */
static const bt_over *write_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter *with,
                                   writing *how) {
  bool is_and = filter->kind == BT_FILTER_AND;
  const bt_filter **groups = bt_arena_array(builder->arena, filter->item_count, sizeof *groups);
  const bt_over **written = bt_arena_array(builder->arena, filter->item_count, sizeof *written);
  if (!groups || !written) builder->failed = true;
  if (builder->failed) return bt_over_all();
  if (is_and) with = bt_filter_join2(builder, BT_FILTER_AND, with, keyless_part(builder, filter));
  uint32_t count = bt_traceql_group_by_key(builder, filter, groups);
  if (is_and && count > KEYS_MAX) count = KEYS_MAX;
  if (is_and && count > 1) how->was_weakened = true;
  for (uint32_t i = 0; i < count; i++)
    written[i] = write_group(builder, groups[i], with, is_and ? BT_FILTER_OR : BT_FILTER_AND, how);
  return builder->failed ? bt_over_all() : join_written(builder, is_and ? BT_OVER_AND : BT_OVER_OR, written, count);
}

static const bt_over *write_filter(bt_filter_builder *builder, bt_over_filter filter, writing *how) {
  if (bt_traceql_confuses_names(filter.filter) || bt_traceql_may_take_made_up(filter.filter)) how->was_weakened = true;
  if (bt_traceql_suits(filter.filter)) return write_text(builder, filter, how);
  return write_by_key(builder, filter.filter, bt_filter_all(), how);
}

const bt_over *bt_traceql_over_queries(bt_filter_builder *builder, bt_over_filter over, bool counts,
                                       bool *was_weakened) {
  writing how = {.counts = counts};
  const bt_over *written = write_filter(builder, over, &how);
  *was_weakened = *was_weakened || how.was_weakened;
  return written;
}

/* ---- what is subtracted ---- */

static void write_subtracted(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries, uint32_t most,
                             uint32_t *count);

/* Alternatives about one attribute each; what asks about several at once is left out. */
static void write_subtracted_by_key(bt_filter_builder *builder, const bt_filter *filter, bt_under_query *queries,
                                    uint32_t most, uint32_t *count) {
  if (filter->kind != BT_FILTER_OR) return;
  const bt_filter **groups = bt_arena_array(builder->arena, filter->item_count, sizeof *groups);
  uint32_t group_count = groups ? bt_traceql_group_by_key(builder, filter, groups) : 0;
  if (!groups) builder->failed = true;
  for (uint32_t i = 0; i < group_count; i++)
    if (bt_traceql_suits(groups[i])) write_subtracted(builder, (bt_under_filter){groups[i]}, queries, most, count);
}

/* Writes the alternatives of the filter, in as few queries as their length and their attributes allow. What cannot be
 * written is left out, which only means that less is subtracted. */
static void write_subtracted(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries, uint32_t most,
                             uint32_t *count) {
  const bt_filter *filter = under.filter;
  if (builder->failed || filter->kind == BT_FILTER_NONE || *count == most) return;
  if (bt_traceql_confuses_names(filter) || bt_traceql_may_take_made_up(filter)) {
    for (uint32_t i = 0; filter->kind == BT_FILTER_OR && i < filter->item_count; i++)
      write_subtracted(builder, (bt_under_filter){filter->items[i]}, queries, most, count);
    return;
  }
  if (!bt_traceql_suits(filter)) {
    write_subtracted_by_key(builder, filter, queries, most, count);
    return;
  }
  const bt_query asked = bt_traceql_under(under);
  bool fits = bt_traceql_fits(asked, &builder->failed);
  if (builder->failed) return;
  if (fits) {
    queries[(*count)++].asked = asked;
  } else if (filter->kind == BT_FILTER_OR) {
    uint32_t half = filter->item_count / 2;
    bt_under_filter lower = {bt_filter_join(builder, BT_FILTER_OR, filter->items, half)};
    bt_under_filter upper = {bt_filter_join(builder, BT_FILTER_OR, filter->items + half, filter->item_count - half)};
    write_subtracted(builder, lower, queries, most, count);
    write_subtracted(builder, upper, queries, most, count);
  }
}

uint32_t bt_traceql_under_queries(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries,
                                  uint32_t most) {
  uint32_t count = 0;
  write_subtracted(builder, under, queries, most, &count);
  return count;
}
