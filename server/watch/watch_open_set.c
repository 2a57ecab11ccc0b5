/* Violations that were found. See watch_open_set.h. */
#include "server/watch/watch_open_set.h"

#include <stdlib.h>

enum { FIRST_ITEMS = 48 };

static size_t bytes_of(const bt_violation *violation) {
  return bt_heap_bytes(sizeof(bt_open)) + bt_violation_bytes(violation);
}

static void free_open(const bt_open_set *set, bt_open *open) {
  bt_watch_room_give(set->room, bytes_of(open->violation));
  bt_violation_free(open->violation);
  bt_rule_definition_unref(open->definition);
  free(open);
}

void bt_open_set_dispose(bt_open_set *set) {
  for (size_t i = 0; i < set->count; i++) free_open(set, set->items[i]);
  bt_watch_room_give(set->room, bt_watch_room_held(sizeof(bt_open *), set->capacity, &set->table));
  free(set->items);
  bt_table_dispose(&set->table);
  *set = (bt_open_set){.room = set->room};
}

bt_open *bt_open_set_find(const bt_open_set *set, const bt_trace_id *violation_id) {
  bt_table_walk walk = bt_table_find(&set->table, bt_hash_id(violation_id->bytes));
  while (bt_table_next(&set->table, &walk))
    if (bt_trace_id_compare(&set->items[walk.number]->violation->id, violation_id) == 0) return set->items[walk.number];
  return NULL;
}

static bool is_busy(const bt_open *open) {
  return open->state == BT_OPEN_QUEUED || open->state == BT_OPEN_RETRACTING;
}

/* Room for one more. */
static bt_status widen_set(bt_open_set *set, bt_error *error) {
  if (set->count < set->capacity) return BT_OK;
  size_t wanted = set->capacity ? set->capacity * 2 : FIRST_ITEMS;
  bt_open **items = bt_watch_room_resize(set->room, "more of the violations that it has found", set->items,
                                         sizeof(bt_open *), &set->capacity, wanted, &set->table, error);
  if (items) set->items = items;
  return items ? BT_OK : error->status;
}

bt_status bt_open_set_add(bt_open_set *set, bt_violation *violation, const bt_rule_definition *definition,
                          bt_open **out, bt_error *error) {
  size_t bytes = bytes_of(violation);
  *out = NULL;
  bt_status status = bt_watch_room_take(set->room, bytes)
                         ? BT_OK
                         : bt_watch_room_say(set->room, "more of the violations that it has found", error);
  bool is_taken = !status;
  if (!status) status = widen_set(set, error);
  bt_open *open = status ? NULL : calloc(1, sizeof *open);
  if (!status && !open) status = bt_error_no_memory(error);
  if (status) {
    if (is_taken) bt_watch_room_give(set->room, bytes);
    bt_violation_free(violation);
    return status;
  }
  *open = (bt_open){
      .violation = violation, .definition = bt_rule_definition_ref(definition), .hold = BT_WATCH_HOLDS_NOTHING};
  bt_table_add(&set->table, bt_hash_id(violation->id.bytes), set->count);
  set->items[set->count++] = open;
  *out = open;
  return BT_OK;
}

void bt_open_set_purge(bt_open_set *set, int64_t before_ns) {
  size_t kept = 0;
  bt_table_clear(&set->table);
  for (size_t i = 0; i < set->count; i++) {
    bt_open *open = set->items[i];
    if (!is_busy(open) && open->trace_end_ns < before_ns) {
      free_open(set, open);
      continue;
    }
    bt_table_add(&set->table, bt_hash_id(open->violation->id.bytes), kept);
    set->items[kept++] = open;
  }
  set->count = kept;
}

size_t bt_open_set_forget_sent(bt_open_set *set) {
  int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
  size_t before = set->count;
  for (size_t i = 0; i < set->count; i++) {
    const bt_open *open = set->items[i];
    if (is_busy(open)) continue;
    if (open->trace_end_ns < first_ns) first_ns = open->trace_end_ns;
    if (open->trace_end_ns > last_ns) last_ns = open->trace_end_ns;
  }
  if (first_ns > last_ns) return 0;
  bt_open_set_purge(set, first_ns + (last_ns - first_ns) / 2 + 1);
  return before - set->count;
}

bt_watch_hold bt_open_set_hold(const bt_open_set *set) {
  bt_watch_hold hold = BT_WATCH_HOLDS_NOTHING;
  for (size_t i = 0; i < set->count; i++)
    if (is_busy(set->items[i])) hold = bt_watch_hold_join(hold, set->items[i]->hold);
  return hold;
}
