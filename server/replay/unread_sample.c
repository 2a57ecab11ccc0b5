/* A seeded sample of the traces that are judged without being read: never found by the rule's searches, subtracted,
 * or decided from a projection. They are read whole and judged like any other; a violation among them shows that
 * Tempo's answers or our plan were wrong (delivery.c counts it), and then the replay is not complete. This is the
 * only check on "no violations": the sample that is read by id looks at violations alone. Thread: the replay's. */
#include "server/replay/unread_sample.h"

#include "server/replay/trace_judge.h"

enum {
  SAMPLE_EARLIEST = 8, /* for who looks for the earliest violation, window by window */
  SAMPLE_BY_ID = 4     /* when no rule can be judged in a batch: each costs what many traces of a batch cost */
};

static size_t sample_room(const bt_judge *judge) {
  size_t room = BT_UNREAD_SAMPLE_MAX;
  if (judge->plan->wants_earliest) room = SAMPLE_EARLIEST;
  if (!judge->plan->judges_batches) room = SAMPLE_BY_ID;
  room *= judge->plan->sample_times;
  return judge->plan->sample_is_fixed && judge->plan->request.sample_size < room ? judge->plan->request.sample_size
                                                                                 : room;
}

_Static_assert((int)BT_UNREAD_SAMPLE_MAX *(int)BT_UNCHECKED_TIMES <= (int)BT_RESERVOIR_MAX, "a reservoir holds all");

static bool is_unread(const bt_judge *judge, const bt_known *known) {
  const uint8_t not_these = BT_KNOWN_OWN | BT_KNOWN_ASKED | BT_KNOWN_BY_ID;
  return !(known->flags & not_these) && bt_trace_table_place(judge->table, known) == BT_PLACE_SETTLED;
}

static bt_status take_chosen(bt_judge *judge, const bt_reservoir *from, size_t count, bt_known_list *out,
                             bt_error *error) {
  bool by_id = !judge->plan->judges_batches;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    judge->to_judge++;
    judge->table->traces[from->items[i].known].flags |= BT_KNOWN_ASKED;
    if (by_id)
      status = bt_trace_judge_queue(judge, from->items[i].known, error);
    else
      out->items[out->count++] = from->items[i].known;
  }
  return status;
}

/* Half of those that some search found, half of those that none did; where one kind has fewer, more of the other. */
bt_status bt_unread_sample_add(bt_judge *judge, bt_known_list *out, bt_error *error) {
  bt_reservoir found = {.count = 0}, unfound = {.count = 0};
  size_t room = sample_room(judge);
  if (!judge->plan->filters || judge->questions->source_lost) return BT_OK;
  for (size_t i = 0; i < judge->table->count; i++) {
    if (!is_unread(judge, &judge->table->traces[i])) continue;
    bt_keyed item = {bt_replay_plan_sample_key(judge->plan, &judge->table->traces[i].matched.id), i};
    bt_reservoir_offer(bt_decider_is_candidate(judge->decider, i) ? &found : &unfound, room, item);
  }
  size_t of_unfound = unfound.count < room / 2 ? unfound.count : room / 2;
  size_t of_found = found.count < room - of_unfound ? found.count : room - of_unfound;
  if (of_unfound < unfound.count) of_unfound = unfound.count < room - of_found ? unfound.count : room - of_found;
  bt_status status = take_chosen(judge, &found, of_found, out, error);
  return status == BT_OK ? take_chosen(judge, &unfound, of_unfound, out, error) : status;
}
