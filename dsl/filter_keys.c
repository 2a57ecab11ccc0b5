/* Which attributes a filter asks about. See filter.h. */
#include "dsl/filter.h"

typedef struct asked_keys { /* a test of each, or NULL */
  const bt_filter_test *of_span, *of_resource;
} asked_keys;

/* A service name that is text has a column of its own in every Tempo; whether it is there is asked in every type, of what has none too. */
static bool is_of_attributes(const bt_filter_test *test) {
  bool is_service = test->field == BT_FILTER_RESOURCE && bt_str_equal(test->key, BT_STR("service.name"));
  if (is_service) return test->op == BT_FILTER_PRESENT || test->literal.type != BT_VALUE_STRING;
  return test->field == BT_FILTER_SPAN || test->field == BT_FILTER_RESOURCE;
}

static bool add_test(asked_keys *keys, const bt_filter_test *test) {
  if (!is_of_attributes(test)) return true;
  const bt_filter_test **known = test->field == BT_FILTER_SPAN ? &keys->of_span : &keys->of_resource;
  if (*known && !bt_str_equal((*known)->key, test->key)) return false;
  *known = test;
  return true;
}

/* False: more than one attribute of a scope. */
static bool add_keys(asked_keys *keys, const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) return add_test(keys, &filter->test);
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (!add_keys(keys, filter->items[i])) return false;
  return true;
}

bool bt_filter_has_one_key(const bt_filter *filter) {
  asked_keys keys = {0};
  return add_keys(&keys, filter);
}

bool bt_filter_has_no_key(const bt_filter *filter) {
  asked_keys keys = {0};
  return add_keys(&keys, filter) && !keys.of_span && !keys.of_resource;
}

/* The items from `first` on that fit together with it, as one filter; they become NULL. One that has several attributes itself is alone. */
static const bt_filter *take_group(bt_filter_builder *builder, bt_filter_kind kind, const bt_filter **items,
                                   uint32_t count, uint32_t first) {
  const bt_filter **group = bt_arena_array(builder->arena, count, sizeof *group);
  asked_keys keys = {0};
  uint32_t used = 0;
  if (!group) {
    builder->failed = true;
    return bt_filter_none();
  }
  for (uint32_t i = first; i < count; i++) {
    asked_keys with = keys;
    bool fits = items[i] && add_keys(&with, items[i]);
    if (i != first && !fits) continue;
    group[used++] = items[i];
    items[i] = NULL;
    if (!fits) break;
    keys = with;
  }
  return bt_filter_join(builder, kind, group, used);
}

uint32_t bt_filter_group_by_key(bt_filter_builder *builder, const bt_filter *filter, const bt_filter **groups) {
  const bt_filter **left = bt_arena_array(builder->arena, filter->item_count, sizeof *left);
  uint32_t count = 0;
  if (!left) builder->failed = true;
  for (uint32_t i = 0; left && i < filter->item_count; i++) {
    bool stands_apart = filter->kind == BT_FILTER_AND && bt_filter_has_no_key(filter->items[i]);
    left[i] = stands_apart ? NULL : filter->items[i];
  }
  for (uint32_t i = 0; left && i < filter->item_count; i++)
    if (left[i]) groups[count++] = take_group(builder, filter->kind, left, filter->item_count, i);
  return count;
}
