/* The table of traces seen. See watch_table.h. */
#include "server/watch/watch_table.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_TRACES = 96 };

void bt_watch_table_init(bt_watch_table *table, size_t maximum, bt_watch_room *room) {
  *table = (bt_watch_table){.maximum = maximum, .room = room};
}

void bt_watch_table_dispose(bt_watch_table *table) {
  bt_watch_room_give(table->room, bt_watch_room_held(sizeof(bt_watched), table->capacity, &table->table));
  free(table->traces);
  bt_table_dispose(&table->table);
  *table = (bt_watch_table){0};
}

bt_watched *bt_watch_table_find(bt_watch_table *table, const bt_trace_id *id) {
  bt_table_walk walk = bt_table_find(&table->table, bt_hash_id(id->bytes));
  while (bt_table_next(&table->table, &walk))
    if (bt_trace_id_compare(&table->traces[walk.number].id, id) == 0) return &table->traces[walk.number];
  return NULL;
}

/* More or fewer than there was. */
static bool set_capacity(bt_watch_table *table, size_t capacity, bt_error *error) {
  bt_watched *traces = bt_watch_room_resize(table->room, "more of the traces that it has seen", table->traces,
                                            sizeof *traces, &table->capacity, capacity, &table->table, error);
  if (traces) table->traces = traces;
  return traces != NULL;
}

bt_watched *bt_watch_table_add(bt_watch_table *table, const bt_trace_id *id, bt_error *error) {
  bt_watched *there = bt_watch_table_find(table, id);
  if (there) return there;
  if (table->count >= table->maximum) {
    (void)bt_error_set(error, BT_LIMIT, "watch keeps at most %zu traces in memory at once", table->maximum);
    return NULL;
  }
  size_t more = table->capacity ? table->capacity * 2 : FIRST_TRACES;
  if (table->count == table->capacity && !set_capacity(table, more, error)) return NULL;
  bt_table_add(&table->table, bt_hash_id(id->bytes), table->count);
  bt_watched *added = &table->traces[table->count++];
  *added = (bt_watched){.id = *id,
                        .start_ns = INT64_MAX,
                        .end_ns = INT64_MIN,
                        .due_ns = BT_WATCH_NOT_DUE,
                        .hold = BT_WATCH_HOLDS_NOTHING};
  return added;
}

/* The last one comes into its place. */
static void remove_at(bt_watch_table *table, size_t number) {
  size_t last = --table->count;
  bt_table_remove(&table->table, bt_hash_id(table->traces[number].id.bytes), number);
  if (number == last) return;
  bt_table_renumber(&table->table, bt_hash_id(table->traces[last].id.bytes), last, number);
  table->traces[number] = table->traces[last];
}

/* A table that a flood has left nearly empty gives most of it back; without room for the smaller one it stays. */
static void narrow_table(bt_watch_table *table) {
  enum { NEARLY_EMPTY = 8, NARROWER = 4 };
  bt_error error = {0};
  if (table->capacity >= (size_t)NARROWER * FIRST_TRACES && table->count * NEARLY_EMPTY < table->capacity)
    (void)set_capacity(table, table->capacity / NARROWER, &error);
}

void bt_watch_table_purge(bt_watch_table *table, int64_t before_ns) {
  for (size_t i = 0; i < table->count;) {
    const bt_watched *watched = &table->traces[i];
    if (watched->due_ns == BT_WATCH_NOT_DUE && watched->end_ns < before_ns)
      remove_at(table, i); /* another one has come here */
    else
      i++;
  }
  narrow_table(table);
}

bt_watch_waiting bt_watch_table_waiting(const bt_watch_table *table) {
  bt_watch_waiting waiting = {0, BT_WATCH_HOLDS_NOTHING};
  for (size_t i = 0; i < table->count; i++) {
    const bt_watched *watched = &table->traces[i];
    bool holds = watched->hold.slices_ns != INT64_MAX || watched->hold.gaps_ns != INT64_MAX;
    /* Invariant: what waits holds the watermark, and nothing else does. A restart would pass over a trace that waits
     * and holds nothing; one that holds and does not wait would stop the watermark for good (DECISIONS 89). */
    assert(holds == (watched->due_ns != BT_WATCH_NOT_DUE));
    if (!holds) continue;
    waiting.count++;
    waiting.hold = bt_watch_hold_join(waiting.hold, watched->hold);
  }
  return waiting;
}
