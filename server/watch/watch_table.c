/* The table of traces seen. See watch_table.h. */
#include "server/watch/watch_table.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 256 };

void bt_watch_table_init(bt_watch_table *table, size_t maximum, bt_watch_room *room) {
  *table = (bt_watch_table){.maximum = maximum, .room = room};
}

static size_t bytes_of(size_t slot_count) {
  return slot_count * sizeof(bt_watched);
}

void bt_watch_table_dispose(bt_watch_table *table) {
  free(table->slots);
  bt_watch_room_give(table->room, bytes_of(table->slot_count));
  *table = (bt_watch_table){0};
}

/* The slot that holds the id, or the free one where it would go. */
static bt_watched *find_slot(bt_watched *slots, size_t slot_count, const bt_trace_id *id) {
  size_t at = (size_t)bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) & (slot_count - 1);
  while (slots[at].is_used && bt_trace_id_compare(&slots[at].id, id) != 0) at = (at + 1) & (slot_count - 1);
  return &slots[at];
}

bt_watched *bt_watch_table_find(bt_watch_table *table, const bt_trace_id *id) {
  if (!table->slot_count) return NULL;
  bt_watched *slot = find_slot(table->slots, table->slot_count, id);
  return slot->is_used ? slot : NULL;
}

/* Moves all to new slots; while both are there, both are held. Where that fails nothing has changed. */
static bt_status rebuild_slots(bt_watch_table *table, size_t slot_count, bt_error *error) {
  if (!bt_watch_room_take(table->room, bytes_of(slot_count)))
    return bt_watch_room_say(table->room, "more of the traces that it has seen", error);
  bt_watched *slots = calloc(slot_count, sizeof *slots);
  if (!slots) {
    bt_watch_room_give(table->room, bytes_of(slot_count));
    return bt_error_no_memory(error);
  }
  for (size_t i = 0; i < table->slot_count; i++)
    if (table->slots[i].is_used) *find_slot(slots, slot_count, &table->slots[i].id) = table->slots[i];
  free(table->slots);
  bt_watch_room_give(table->room, bytes_of(table->slot_count));
  table->slots = slots;
  table->slot_count = slot_count;
  return BT_OK;
}

bt_watched *bt_watch_table_add(bt_watch_table *table, const bt_trace_id *id, bt_error *error) {
  bt_watched *there = bt_watch_table_find(table, id);
  if (there) return there;
  if (table->count >= table->maximum) {
    (void)bt_error_set(error, BT_LIMIT, "watch keeps at most %zu traces in memory at once", table->maximum);
    return NULL;
  }
  size_t needed = table->slot_count ? table->slot_count : FIRST_SLOTS;
  if (table->count * 4 >= needed * 3) needed *= 2;
  if (needed != table->slot_count && rebuild_slots(table, needed, error) != BT_OK) return NULL;
  bt_watched *slot = find_slot(table->slots, table->slot_count, id);
  *slot = (bt_watched){.id = *id,
                       .start_ns = INT64_MAX,
                       .end_ns = INT64_MIN,
                       .due_ns = BT_WATCH_NOT_DUE,
                       .holds_ns = INT64_MAX,
                       .gap_holds_ns = INT64_MAX,
                       .is_used = true};
  table->count++;
  return slot;
}

static size_t home_of(const bt_watch_table *table, size_t slot) {
  const bt_trace_id *id = &table->slots[slot].id;
  return (size_t)bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) & (table->slot_count - 1);
}

/* Those behind it that would not be found any more across the hole move up. */
static void remove_at(bt_watch_table *table, size_t hole) {
  size_t mask = table->slot_count - 1;
  for (size_t at = (hole + 1) & mask; table->slots[at].is_used; at = (at + 1) & mask) {
    if (((at - home_of(table, at)) & mask) < ((at - hole) & mask)) continue;
    table->slots[hole] = table->slots[at];
    hole = at;
  }
  table->slots[hole] = (bt_watched){0};
  table->count--;
}

/* A table that a flood has left nearly empty gives most of it back; without room for the smaller one it stays. */
static void narrow_slots(bt_watch_table *table) {
  enum { NEARLY_EMPTY = 8, NARROWER = 4 };
  bt_error error = {0};
  if (table->slot_count >= (size_t)NARROWER * FIRST_SLOTS && table->count * NEARLY_EMPTY < table->slot_count)
    (void)rebuild_slots(table, table->slot_count / NARROWER, &error);
}

void bt_watch_table_purge(bt_watch_table *table, int64_t before_ns) {
  for (size_t i = 0; i < table->slot_count;) {
    const bt_watched *watched = &table->slots[i];
    bool is_over = watched->is_used && watched->due_ns == BT_WATCH_NOT_DUE && watched->end_ns < before_ns;
    if (is_over)
      remove_at(table, i); /* another one may have come here */
    else
      i++;
  }
  narrow_slots(table);
}

bt_watch_waiting bt_watch_table_waiting(const bt_watch_table *table) {
  bt_watch_waiting waiting = {0, INT64_MAX, INT64_MAX};
  for (size_t i = 0; i < table->slot_count; i++) {
    const bt_watched *watched = &table->slots[i];
    if (!watched->is_used || watched->due_ns == BT_WATCH_NOT_DUE) continue;
    waiting.count++;
    if (watched->holds_ns < waiting.done_ns) waiting.done_ns = watched->holds_ns;
    if (watched->gap_holds_ns < waiting.gap_ns) waiting.gap_ns = watched->gap_holds_ns;
  }
  return waiting;
}
