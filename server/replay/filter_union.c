/* Joining filters. See filter_union.h. */
#include "server/replay/filter_union.h"

#include <stdlib.h>

#include "dsl/traceql.h"

enum { JOINT_BYTES = 8 /* what one more filter adds besides itself */ };

typedef struct filters {
  bt_str *items; /* distinct, borrowed from the plans */
  size_t count, capacity;
} filters;

bool bt_filter_union_takes(const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) return bt_traceql_tests_fields_only(over->query.filter);
  if (over->kind != BT_OVER_OR) return false;
  for (uint32_t i = 0; i < over->item_count; i++)
    if (!bt_filter_union_takes(over->items[i])) return false;
  return true;
}

static bool add_filter(filters *all, bt_str filter) {
  for (size_t i = 0; i < all->count; i++)
    if (bt_str_equal(all->items[i], filter)) return true;
  bt_str *items = bt_grow_array(all->items, all->count, &all->capacity, sizeof *items);
  if (!items) return false;
  all->items = items;
  items[all->count++] = filter;
  return true;
}

static bool add_filters(filters *all, const bt_over *over) {
  if (over->kind == BT_OVER_QUERY) return add_filter(all, over->query.filter);
  bool ok = true;
  for (uint32_t i = 0; ok && i < over->item_count; i++) ok = add_filters(all, over->items[i]);
  return ok;
}

/* How many filters from `first` on fit into one. */
static size_t count_fitting(const filters *all, size_t first) {
  size_t bytes = 0, count = 0;
  while (first + count < all->count) {
    bytes += all->items[first + count].len + JOINT_BYTES;
    if (count && bytes > BT_TRACEQL_MAX_FILTER_BYTES) break;
    count++;
  }
  return count;
}

static bool make_room(bt_filter_union *out, size_t count) {
  out->queries = calloc(count, sizeof *out->queries);
  out->items = calloc(count, sizeof(bt_over *));
  out->texts = calloc(count, sizeof *out->texts);
  if (out->texts) out->text_count = count;
  return out->queries && out->items && out->texts;
}

static bool write_queries(bt_filter_union *out, const filters *all) {
  for (size_t first = 0; first < all->count;) {
    size_t fitting = count_fitting(all, first);
    bt_buffer *text = &out->texts[out->count];
    bt_traceql_join_filters(&all->items[first], fitting, text);
    if (text->failed) return false;
    bt_over *query = &out->queries[out->count];
    *query = (bt_over){.kind = BT_OVER_QUERY, .query.filter = bt_buffer_str(text)};
    out->items[out->count++] = query;
    first += fitting;
  }
  out->any = out->count == 1 ? out->queries[0]
                             : (bt_over){.kind = BT_OVER_OR, .items = out->items, .item_count = (uint32_t)out->count};
  return true;
}

bt_status bt_filter_union_make(const bt_over *const *overs, size_t count, bt_filter_union *out, bt_error *error) {
  filters all = {0};
  bool ok = true;
  *out = (bt_filter_union){0};
  for (size_t i = 0; ok && i < count; i++)
    if (bt_filter_union_takes(overs[i])) ok = add_filters(&all, overs[i]);
  if (ok && all.count > 1) ok = make_room(out, all.count) && write_queries(out, &all);
  free(all.items);
  if (ok) return BT_OK;
  bt_filter_union_dispose(out);
  return bt_error_no_memory(error);
}

void bt_filter_union_dispose(bt_filter_union *joined) {
  for (size_t i = 0; i < joined->text_count; i++) bt_buffer_dispose(&joined->texts[i]);
  free(joined->texts);
  free(joined->items);
  free(joined->queries);
  *joined = (bt_filter_union){0};
}
