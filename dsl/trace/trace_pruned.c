/* Recognising what pruning leaves. See trace_pruned.h. */
#include "dsl/trace/trace_pruned.h"

#include <string.h>

/* The part of the key before `name`; ptr NULL: it does not end so. */
static bt_str prefix_before(bt_str key, bt_str name) {
  if (key.len <= name.len || memcmp(key.ptr + key.len - name.len, name.ptr, name.len) != 0) return (bt_str){0};
  return (bt_str){key.ptr, key.len - name.len};
}

/* The number under `prefix`span_count; 0: there is none above 0. */
static uint64_t count_under(const bt_attributes *attributes, bt_str prefix) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_attribute *item = &attributes->items[i];
    bt_str before = prefix_before(item->key, BT_STR(BT_PRUNED_COUNT));
    if (!before.ptr || !bt_str_equal(before, prefix)) continue;
    bool is_count = item->value.type == BT_VALUE_INT && item->value.integer > 0;
    return is_count ? (uint64_t)item->value.integer : 0;
  }
  return 0;
}

/* Under another prefix than the default a count has to stand beside it: `report.is_summary` may be anybody's. */
static bool says_summary(const bt_attributes *attributes, bt_str key, uint64_t *count) {
  bt_str prefix = prefix_before(key, BT_STR(BT_PRUNED_SUMMARY));
  if (!prefix.ptr) return false;
  *count = count_under(attributes, prefix);
  return *count || bt_str_equal(prefix, BT_STR(BT_PRUNED_PREFIX));
}

static bool says_kept(bt_str key) {
  return prefix_before(key, BT_STR(BT_PRUNED_OUTLIER)).ptr || prefix_before(key, BT_STR(BT_PRUNED_EXEMPLAR)).ptr;
}

/* *count: of a summary what it says, or 0. Few attributes are true, so that most spans cost a look at each one's
 * type. */
static bt_pruning find_pruning(const bt_attributes *attributes, uint64_t *count) {
  bt_pruning found = BT_PRUNING_NONE;
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_attribute *item = &attributes->items[i];
    if (item->value.type != BT_VALUE_BOOL || !item->value.boolean) continue;
    if (says_summary(attributes, item->key, count)) return BT_PRUNING_SUMMARY;
    if (says_kept(item->key)) found = BT_PRUNING_KEPT;
  }
  return found;
}

bt_pruning bt_pruning_of(const bt_span *span) {
  uint64_t count;
  return find_pruning(&span->attributes, &count);
}

bool bt_pruning_reads(bt_str key) {
  return says_kept(key) || prefix_before(key, BT_STR(BT_PRUNED_SUMMARY)).ptr ||
         prefix_before(key, BT_STR(BT_PRUNED_COUNT)).ptr;
}

uint64_t bt_pruning_span_count(const bt_span *summary) {
  static const uint64_t most = UINT64_C(1) << 30; /* so that no sum of them overflows; fewer is as true */
  uint64_t count = 0;
  if (find_pruning(&summary->attributes, &count) != BT_PRUNING_SUMMARY || !count) return 1;
  return count < most ? count : most;
}
