/* What of a filter Tempo may overlook beside a NaN. See filter.h. */
#include "dsl/filter.h"

bool bt_filter_compares_doubles(const bt_filter_test *test) {
  return test->field != BT_FILTER_DURATION && test->literal.type == BT_VALUE_DOUBLE && test->op != BT_FILTER_NOT_EQUAL;
}

static bool compares_doubles(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return bt_filter_compares_doubles(test);
}

static bool has_comparison(const bt_filter *filter) {
  return bt_filter_has_test(filter, compares_doubles, NULL);
}

/* A span that the AND means and a search overlooks is overlooked for one of these. Where there are several nothing is left out. */
static uint32_t count_with_comparison(const bt_filter *filter) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < filter->item_count; i++) count += has_comparison(filter->items[i]);
  return count;
}

const bt_filter *bt_filter_hidden_part(bt_filter_builder *builder, const bt_filter *filter) {
  if (!has_comparison(filter)) return bt_filter_none();
  bool is_and = filter->kind == BT_FILTER_AND;
  if (filter->kind == BT_FILTER_TEST || (is_and && count_with_comparison(filter) > 1)) return filter;
  const bt_filter **items = bt_arena_array(builder->arena, filter->item_count, sizeof *items);
  if (!items) {
    builder->failed = true;
    return filter;
  }
  for (uint32_t i = 0; i < filter->item_count; i++) {
    bool stays = is_and && !has_comparison(filter->items[i]);
    items[i] = stays ? filter->items[i] : bt_filter_hidden_part(builder, filter->items[i]);
  }
  return bt_filter_join(builder, filter->kind, items, filter->item_count);
}
