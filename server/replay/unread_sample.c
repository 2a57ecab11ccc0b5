/* A seeded sample of the traces that are judged without being read: never found by the rule's searches, subtracted, or decided from a projection.
 * They are read whole and judged like any other; a violation among them shows that Tempo's answers or our plan were wrong (deliver.c counts it), and
 * then the replay is not complete. This is the only check on "no violations": the sample that is read by id looks at violations alone.
 * Thread: the replay's. */
#include "server/replay/reservoir.h"
#include "server/replay/run.h"

enum {
  SAMPLE_EARLIEST = 8, /* for who looks for the earliest violation, window by window */
  SAMPLE_BY_ID = 4     /* when no rule can be judged in a batch: each costs what many traces of a batch cost */
};

static size_t sample_room(const bt_run *run) {
  size_t room = BT_UNREAD_SAMPLE_MAX;
  if (run->plan.wants_earliest) room = SAMPLE_EARLIEST;
  if (!run->plan.judges_batches) room = SAMPLE_BY_ID;
  room *= run->plan.sample_times;
  return run->plan.sample_is_fixed && run->plan.request.sample_size < room ? run->plan.request.sample_size : room;
}

_Static_assert((int)BT_UNREAD_SAMPLE_MAX *(int)BT_UNCHECKED_TIMES <= (int)BT_RESERVOIR_MAX, "a reservoir holds all");

static bool is_unread(const bt_run *run, const bt_known *known) {
  const uint8_t not_these = BT_KNOWN_OWN | BT_KNOWN_ASKED | BT_KNOWN_BY_ID;
  return !(known->flags & not_these) && bt_trace_table_place(&run->table, known) == BT_PLACE_SETTLED;
}

static bt_status take(bt_run *run, const bt_reservoir *from, size_t count, bt_known_list *out, bt_error *error) {
  bool by_id = !run->plan.judges_batches;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    run->to_judge++;
    run->table.traces[from->items[i].known].flags |= BT_KNOWN_ASKED;
    if (by_id)
      status = bt_run_queue_by_id(run, from->items[i].known, error);
    else
      out->items[out->count++] = from->items[i].known;
  }
  return status;
}

/* Half of those that some search found, half of those that none did; where one kind has fewer, more of the other. */
bt_status bt_unread_sample(bt_run *run, bt_known_list *out, bt_error *error) {
  bt_reservoir found = {.count = 0}, unfound = {.count = 0};
  size_t room = sample_room(run);
  if (!run->plan.filters || run->questions.source_lost) return BT_OK;
  for (size_t i = 0; i < run->table.count; i++) {
    if (!is_unread(run, &run->table.traces[i])) continue;
    bt_keyed item = {bt_sample_key(run, &run->table.traces[i].matched.id), i};
    bt_reservoir_offer(bt_decider_is_candidate(&run->decider, i) ? &found : &unfound, room, item);
  }
  size_t of_unfound = unfound.count < room / 2 ? unfound.count : room / 2;
  size_t of_found = found.count < room - of_unfound ? found.count : room - of_unfound;
  if (of_unfound < unfound.count) of_unfound = unfound.count < room - of_found ? unfound.count : room - of_found;
  bt_status status = take(run, &found, of_found, out, error);
  return status == BT_OK ? take(run, &unfound, of_unfound, out, error) : status;
}
