/* Counting what traces have in common. See mining.h. */
#include "server/query/mining.h"

#include <stdlib.h>
#include <string.h>

#include "server/query/trace_tree.h"

typedef struct seen_name { /* of one trace */
  uint32_t number, count;
  int64_t first_start_ns, longest_ns;
} seen_name;

bt_status bt_mining_new(bt_mining **out, bt_error *error) {
  *out = calloc(1, sizeof **out);
  if (!*out) return bt_error_no_memory(error);
  bt_arena_init(&(*out)->arena, (size_t)64 << 20);
  return BT_OK;
}

void bt_mining_free(bt_mining *mining) {
  if (!mining) return;
  for (uint32_t i = 0; i < mining->name_count; i++) {
    free(mining->names[i].longest.items);
    free(mining->names[i].counts.items);
  }
  bt_arena_dispose(&mining->arena);
  free(mining);
}

/* BT_NO_SPAN: there is no room for one more name. */
static uint32_t number_of(bt_mining *mining, bt_str name) {
  for (uint32_t i = 0; i < mining->name_count; i++)
    if (bt_str_equal(mining->names[i].name, name)) return i;
  bool is_taken = mining->name_count < BT_MINED_NAMES && name.len && name.len <= BT_MINED_NAME_BYTES;
  char *copy = is_taken ? bt_arena_alloc(&mining->arena, name.len) : NULL;
  if (!copy) {
    mining->names_beyond++;
    return BT_NO_SPAN;
  }
  memcpy(copy, name.ptr, name.len);
  mining->names[mining->name_count] = (bt_mined_name){.name = {copy, name.len}};
  return mining->name_count++;
}

static bool add_value(bt_mined_values *values, int64_t value) {
  int64_t *items = bt_grow_array(values->items, values->count, &values->capacity, sizeof *items);
  if (!items) return false;
  values->items = items;
  items[values->count++] = value;
  return true;
}

static void count_span(seen_name *seen, uint32_t *count, uint32_t number, const bt_span *span) {
  uint32_t at = 0;
  int64_t duration_ns = bt_span_duration_ns(span);
  while (at < *count && seen[at].number != number) at++;
  if (at == *count) seen[(*count)++] = (seen_name){number, 0, span->start_ns, duration_ns};
  seen[at].count++;
  if (span->start_ns < seen[at].first_start_ns) seen[at].first_start_ns = span->start_ns;
  if (duration_ns > seen[at].longest_ns) seen[at].longest_ns = duration_ns;
}

static bool add_seen(bt_mining *mining, const bt_trace *trace, const seen_name *seen, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    bt_mined_name *name = &mining->names[seen[i].number];
    if (!name->traces++ || trace->span_count < name->example_spans) {
      name->example = trace->id;
      name->example_spans = trace->span_count;
    }
    if (!add_value(&name->longest, seen[i].longest_ns) || !add_value(&name->counts, seen[i].count)) return false;
    for (uint32_t j = 0; j < count; j++) {
      mining->together[seen[i].number][seen[j].number]++;
      mining->before[seen[i].number][seen[j].number] += seen[i].first_start_ns < seen[j].first_start_ns;
    }
  }
  return true;
}

bt_status bt_mining_add(bt_mining *mining, const bt_trace *trace, bt_error *error) {
  seen_name seen[BT_MINED_NAMES];
  uint32_t count = 0;
  bt_tree tree;
  bt_status status = bt_tree_new(trace, &tree, error);
  if (status) return status;
  mining->traces++;
  for (uint32_t i = 0; i < tree.count; i++) {
    const bt_tree_row *row = &tree.rows[i];
    uint32_t number = number_of(mining, trace->spans[row->span].name);
    if (number == BT_NO_SPAN) continue;
    count_span(seen, &count, number, &trace->spans[row->span]);
    if (row->parent == BT_NO_SPAN) continue;
    uint32_t parent = number_of(mining, trace->spans[tree.rows[row->parent].span].name);
    if (parent != BT_NO_SPAN) mining->child[parent][number]++;
  }
  bt_tree_dispose(&tree);
  return add_seen(mining, trace, seen, count) ? BT_OK : bt_error_no_memory(error);
}

void bt_mining_finish(bt_mining *mining) {
  uint32_t n = mining->name_count;
  for (uint32_t a = 0; a < n; a++)
    for (uint32_t b = 0; b < n; b++) mining->above[a][b] = mining->child[a][b] > 0;
  for (uint32_t k = 0; k < n; k++)
    for (uint32_t a = 0; a < n; a++)
      for (uint32_t b = 0; mining->above[a][k] && b < n; b++)
        mining->above[a][b] = mining->above[a][b] || mining->above[k][b];
}

static int compare_values(const void *a, const void *b) {
  const int64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

int64_t bt_mined_quantile(bt_mined_values *values, double share) {
  if (!values->count) return 0;
  qsort(values->items, values->count, sizeof *values->items, compare_values);
  double wanted = share * (double)values->count;
  size_t at = (size_t)wanted;
  if ((double)at < wanted) at++;
  return values->items[at ? at - 1 : 0];
}
