/* The table of traces seen. See watch_table.h. */
#include "server/watch/watch_table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 256 };

void bt_watch_table_init(bt_watch_table *table, size_t maximum) {
  *table = (bt_watch_table){.maximum = maximum};
}

void bt_watch_table_dispose(bt_watch_table *table) {
  free(table->slots);
  *table = (bt_watch_table){0};
}

/* The slot that holds the id, or the free one where it would go. */
static bt_watched *probe(bt_watched *slots, size_t slot_count, const bt_trace_id *id) {
  size_t at = (size_t)bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) & (slot_count - 1);
  while (slots[at].is_used && bt_trace_id_compare(&slots[at].id, id) != 0) at = (at + 1) & (slot_count - 1);
  return &slots[at];
}

bt_watched *bt_watch_table_find(bt_watch_table *table, const bt_trace_id *id) {
  if (!table->slot_count) return NULL;
  bt_watched *slot = probe(table->slots, table->slot_count, id);
  return slot->is_used ? slot : NULL;
}

/* Moves what is kept to new slots. False: no memory, nothing changed. */
static bool rebuild(bt_watch_table *table, size_t slot_count, int64_t before_ns) {
  bt_watched *slots = calloc(slot_count, sizeof *slots);
  if (!slots) return false;
  table->count = 0;
  for (size_t i = 0; i < table->slot_count; i++) {
    const bt_watched *old = &table->slots[i];
    bool is_over = old->due_ns == BT_WATCH_NOT_DUE && old->end_ns < before_ns;
    if (!old->is_used || is_over) continue;
    *probe(slots, slot_count, &old->id) = *old;
    table->count++;
  }
  free(table->slots);
  table->slots = slots;
  table->slot_count = slot_count;
  return true;
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
  if (needed != table->slot_count && !rebuild(table, needed, INT64_MIN)) {
    (void)bt_error_no_memory(error);
    return NULL;
  }
  bt_watched *slot = probe(table->slots, table->slot_count, id);
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

/* Without memory for the new slots everything is kept for now. */
void bt_watch_table_purge(bt_watch_table *table, int64_t before_ns) {
  if (table->slot_count) (void)rebuild(table, table->slot_count, before_ns);
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
