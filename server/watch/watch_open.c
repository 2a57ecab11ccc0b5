/* Violations that were found. See watch_open.h. */
#include "server/watch/watch_open.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

static void free_open(bt_open *open) {
  bt_violation_free(open->violation);
  bt_rule_definition_unref(open->definition);
  free(open);
}

void bt_open_set_dispose(bt_open_set *set) {
  for (size_t i = 0; i < set->slot_count; i++)
    if (set->slots[i]) free_open(set->slots[i]);
  free(set->slots);
  *set = (bt_open_set){0};
}

static bt_open **probe(bt_open **slots, size_t slot_count, const bt_trace_id *id) {
  size_t at = (size_t)bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) & (slot_count - 1);
  while (slots[at] && bt_trace_id_compare(&slots[at]->violation->id, id) != 0) at = (at + 1) & (slot_count - 1);
  return &slots[at];
}

bt_open *bt_open_set_find(const bt_open_set *set, const bt_trace_id *violation_id) {
  return set->slot_count ? *probe(set->slots, set->slot_count, violation_id) : NULL;
}

static bool is_busy(const bt_open *open) {
  return open->state == BT_OPEN_QUEUED || open->state == BT_OPEN_RETRACTING;
}

/* Moves what is kept; false: no memory, nothing changed. */
static bool rebuild(bt_open_set *set, size_t slot_count, int64_t before_ns) {
  bt_open **slots = calloc(slot_count, sizeof(bt_open *));
  if (!slots) return false;
  set->count = 0;
  for (size_t i = 0; i < set->slot_count; i++) {
    bt_open *open = set->slots[i];
    if (!open) continue;
    if (!is_busy(open) && open->trace_end_ns < before_ns) {
      free_open(open);
      continue;
    }
    *probe(slots, slot_count, &open->violation->id) = open;
    set->count++;
  }
  free(set->slots);
  set->slots = slots;
  set->slot_count = slot_count;
  return true;
}

bt_open *bt_open_set_add(bt_open_set *set, bt_violation *violation, const bt_rule_definition *definition) {
  size_t needed = set->slot_count ? set->slot_count : FIRST_SLOTS;
  if (set->count * 4 >= needed * 3) needed *= 2;
  bt_open *open = calloc(1, sizeof *open);
  bool ok = open && (needed == set->slot_count || rebuild(set, needed, INT64_MIN));
  if (!ok) {
    bt_violation_free(violation);
    free(open);
    return NULL;
  }
  *open = (bt_open){.violation = violation,
                    .definition = bt_rule_definition_ref(definition),
                    .holds_ns = INT64_MAX,
                    .gap_holds_ns = INT64_MAX};
  *probe(set->slots, set->slot_count, &violation->id) = open;
  set->count++;
  return open;
}

/* Without memory for new slots everything is kept for now. */
void bt_open_set_purge(bt_open_set *set, int64_t before_ns) {
  if (set->slot_count) (void)rebuild(set, set->slot_count, before_ns);
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
