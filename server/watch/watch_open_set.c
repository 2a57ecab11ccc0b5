/* Violations that were found. See watch_open_set.h. */
#include "server/watch/watch_open_set.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

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
  for (size_t i = 0; i < set->slot_count; i++)
    if (set->slots[i]) free_open(set, set->slots[i]);
  free(set->slots);
  bt_watch_room_give(set->room, set->slot_count * sizeof(bt_open *));
  *set = (bt_open_set){.room = set->room};
}

static bt_open **find_slot(bt_open **slots, size_t slot_count, const bt_trace_id *id) {
  size_t at = (size_t)bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) & (slot_count - 1);
  while (slots[at] && bt_trace_id_compare(&slots[at]->violation->id, id) != 0) at = (at + 1) & (slot_count - 1);
  return &slots[at];
}

bt_open *bt_open_set_find(const bt_open_set *set, const bt_trace_id *violation_id) {
  return set->slot_count ? *find_slot(set->slots, set->slot_count, violation_id) : NULL;
}

static bool is_busy(const bt_open *open) {
  return open->state == BT_OPEN_QUEUED || open->state == BT_OPEN_RETRACTING;
}

/* Moves what is kept; false: no memory, nothing changed. */
static bool rebuild_slots(bt_open_set *set, size_t slot_count, int64_t before_ns) {
  bt_open **slots = calloc(slot_count, sizeof(bt_open *));
  if (!slots) return false;
  set->count = 0;
  for (size_t i = 0; i < set->slot_count; i++) {
    bt_open *open = set->slots[i];
    if (!open) continue;
    if (!is_busy(open) && open->trace_end_ns < before_ns) {
      free_open(set, open);
      continue;
    }
    *find_slot(slots, slot_count, &open->violation->id) = open;
    set->count++;
  }
  free(set->slots);
  set->slots = slots;
  set->slot_count = slot_count;
  return true;
}

/* With room for the new slots. */
static bt_status widen_slots(bt_open_set *set, bt_error *error) {
  size_t needed = set->slot_count ? set->slot_count : FIRST_SLOTS, old_count = set->slot_count;
  if (set->count * 4 >= needed * 3) needed *= 2;
  if (needed == old_count) return BT_OK;
  if (!bt_watch_room_take(set->room, needed * sizeof(bt_open *)))
    return bt_watch_room_say(set->room, "more of the violations that it has found", error);
  bool is_done = rebuild_slots(set, needed, INT64_MIN);
  bt_watch_room_give(set->room, (is_done ? old_count : needed) * sizeof(bt_open *));
  return is_done ? BT_OK : bt_error_no_memory(error);
}

bt_status bt_open_set_add(bt_open_set *set, bt_violation *violation, const bt_rule_definition *definition,
                          bt_open **out, bt_error *error) {
  size_t bytes = bytes_of(violation);
  *out = NULL;
  bt_status status = bt_watch_room_take(set->room, bytes)
                         ? BT_OK
                         : bt_watch_room_say(set->room, "more of the violations that it has found", error);
  bool is_taken = !status;
  if (!status) status = widen_slots(set, error);
  bt_open *open = status ? NULL : calloc(1, sizeof *open);
  if (!status && !open) status = bt_error_no_memory(error);
  if (status) {
    if (is_taken) bt_watch_room_give(set->room, bytes);
    bt_violation_free(violation);
    return status;
  }
  *open = (bt_open){.violation = violation,
                    .definition = bt_rule_definition_ref(definition),
                    .holds_ns = INT64_MAX,
                    .gap_holds_ns = INT64_MAX};
  *find_slot(set->slots, set->slot_count, &violation->id) = open;
  set->count++;
  *out = open;
  return BT_OK;
}

/* Without memory for new slots everything is kept for now. */
void bt_open_set_purge(bt_open_set *set, int64_t before_ns) {
  if (set->slot_count) (void)rebuild_slots(set, set->slot_count, before_ns);
}

size_t bt_open_set_forget_sent(bt_open_set *set) {
  int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
  size_t before = set->count;
  for (size_t i = 0; i < set->slot_count; i++) {
    const bt_open *open = set->slots[i];
    if (!open || is_busy(open)) continue;
    if (open->trace_end_ns < first_ns) first_ns = open->trace_end_ns;
    if (open->trace_end_ns > last_ns) last_ns = open->trace_end_ns;
  }
  if (first_ns > last_ns) return 0;
  bt_open_set_purge(set, first_ns + (last_ns - first_ns) / 2 + 1);
  return before - set->count;
}

void bt_open_set_held(const bt_open_set *set, int64_t *done_ns, int64_t *gap_ns) {
  *done_ns = *gap_ns = INT64_MAX;
  for (size_t i = 0; i < set->slot_count; i++) {
    const bt_open *open = set->slots[i];
    if (!open || !is_busy(open)) continue;
    if (open->holds_ns < *done_ns) *done_ns = open->holds_ns;
    if (open->gap_holds_ns < *gap_ns) *gap_ns = open->gap_holds_ns;
  }
}
