/* Slices. See watch_slices.h. */
#include "server/watch/watch_slices.h"

#include "dsl/base/mix.h"
#include "dsl/base/time_sum.h"

static const int64_t SHORTEST_NS = 1000000000; /* of a slice that found no room */
static const int64_t SECOND_NS = 1000000000;
static const int64_t LOOK_NS = INT64_C(60) * 1000000000; /* so exactly it is known when the last trace was there */

void bt_watch_trying_begin(bt_watch_trying *trying, bt_slice due) {
  const bt_slice *begun = &trying->slice;
  int64_t cut_ns = bt_time_add(due.range.start_ns, trying->slice_ns);
  if (trying->slice_ns) due.range.end_ns = bt_time_earlier(due.range.end_ns, cut_ns);
  bool is_same = trying->query_count && begun->number == due.number && begun->range.start_ns == due.range.start_ns &&
                 begun->range.end_ns <= due.range.end_ns;
  if (is_same) return;
  trying->query_count = 0;
  trying->slice = due;
}

void bt_watch_trying_end(bt_watch_trying *trying, const bt_watch_round *round, bt_status status) {
  const bt_time_range range = trying->slice.range;
  if (status == BT_LIMIT) {
    if (!trying->since_ns) trying->since_ns = round->now_ns;
    trying->slice_ns = bt_time_later(bt_time_subtract(range.end_ns, range.start_ns) / 2, SHORTEST_NS);
  } else if (status == BT_OK) {
    trying->since_ns = 0;
    trying->slice_ns = trying->slice_ns < round->times->chunk_ns ? 2 * trying->slice_ns : 0;
  }
  if (status == BT_LIMIT || status == BT_OK) trying->query_count = 0;
}

/* Rendezvous hashing: of all watchers the one with the highest hash for a trace has it; changing their number moves as
 * few traces as can be. */
static bool is_ours(const bt_watch_round *round, const bt_trace_id *id) {
  uint32_t replicas = round->options->replicas, best = 0;
  uint64_t highest = 0;
  for (uint32_t i = 0; i < replicas; i++) {
    uint64_t hash = bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) ^ (i + 1) * 0x9E3779B97F4A7C15u;
    hash = bt_mix_bits(hash);
    if (i && hash <= highest) continue;
    highest = hash;
    best = i;
  }
  return best == round->options->replica;
}

/* Nothing new was seen of a trace that was judged. Sweeps and what is caught up look for spans that came late and lie
 * inside, so there it is read all the same, but for a trace that had no end when it was judged: it would be waited for
 * once more, for nothing. */
static bool is_known(const bt_watch_round *round, const bt_watched *watched, const bt_found *found,
                     const bt_watch_trying *trying) {
  const bt_slice *slice = &trying->slice;
  bool is_judged = watched->was_judged && watched->due_ns == BT_WATCH_NOT_DUE;
  bool is_quiet = watched->end_ns <= bt_time_subtract(round->now_ns, round->times->settle_ns);
  /* Since this slice was begun, which found no room for all of its traces. */
  bool was_read = trying->since_ns && watched->judged_ns >= trying->since_ns;
  /* Its bounds do not say why the slice has it: of several fragments they have the longest one's end. Sources count in
   * seconds, so one that ends just before the slice is in it, too. */
  bool lies_elsewhere = bt_time_add(found->end_ns, SECOND_NS) < slice->range.start_ns;
  if (round->rules->finds_all && lies_elsewhere) return false;
  return is_judged && found->start_ns >= watched->start_ns && found->end_ns <= watched->end_ns &&
         (slice->kind == BT_SLICE_LIVE || !is_quiet || was_read);
}

/* Adds to what is known of the trace. Of one that a search gives as one, Tempo gives the earliest start and the longest
 * fragment's end: another fragment may lie later, up to where was looked. */
static void note_found(const bt_watch_round *round, const bt_slice *slice, const bt_found *found, bool of_whole,
                       bt_watched *watched) {
  bool is_listed = round->rules->finds_all && !found->in_doubt, is_new = watched->start_ns == INT64_MAX;
  bool was_listed = is_new ? slice->kind == BT_SLICE_LIVE : watched->listed_until_ns != 0;
  int64_t until_ns = bt_time_later(bt_watch_late_range(&round->late, slice, round->now_ns).end_ns, found->end_ns);
  watched->listed_until_ns = is_listed && was_listed ? bt_time_later(watched->listed_until_ns, until_ns) : 0;
  watched->is_of_whole = watched->is_of_whole || of_whole;
  bt_shown_join(&watched->shown, &found->shown);
  watched->start_ns = bt_time_earlier(watched->start_ns, found->start_ns);
  watched->end_ns = bt_time_later(watched->end_ns, found->end_ns);
  if (found->span_count > watched->span_count) watched->span_count = found->span_count;
}

/* It waits until it is quiet, but not longer than lookback: a span from the future, or a trace without an end, must not
 * hold up all others. */
bt_status bt_watch_slice_take(const bt_watch_round *round, const bt_watch_trying *trying, const bt_found *found,
                              bool of_whole, const bt_open_set *open, bt_watch_table *table, bt_error *error) {
  const bt_slice *slice = &trying->slice;
  const bt_watch_times *times = round->times;
  if (!is_ours(round, &found->id) || bt_open_set_find(open, &found->id)) return BT_OK;
  bt_watched *watched = bt_watch_table_find(table, &found->id);
  if (watched && (watched->is_of_whole || !of_whole) && is_known(round, watched, found, trying)) return BT_OK;
  if (!watched) watched = bt_watch_table_add(table, &found->id, error);
  if (!watched) return error->status;
  if (watched->due_ns == BT_WATCH_NOT_DUE) {
    watched->waits_since_ns = round->now_ns;
    watched->shown = (bt_shown){0};
  }
  note_found(round, slice, found, of_whole, watched);
  int64_t delay_ns = slice->kind == BT_SLICE_SWEEP ? bt_watch_sweep_delay(times, slice->number) : 0;
  bt_watch_hold hold = {bt_time_add(slice->range.start_ns, delay_ns), INT64_MAX};
  if (slice->kind == BT_SLICE_CATCH_UP) hold = (bt_watch_hold){INT64_MAX, slice->range.start_ns};
  watched->hold = bt_watch_hold_join(watched->hold, hold);
  int64_t latest_ns = bt_time_add(watched->waits_since_ns, times->lookback_ns);
  watched->due_ns = bt_time_earlier(bt_time_add(watched->end_ns, times->settle_ns), latest_ns);
  watched->due_ns = bt_time_later(watched->due_ns, round->now_ns);
  return BT_OK;
}

/* It began behind the slice, which went on for late spans: other slices have it. */
static bool is_behind(const bt_found *found, const bt_slice *slice) {
  return slice->kind != BT_SLICE_LIVE && !found->in_doubt && found->start_ns >= slice->range.end_ns;
}

bt_status bt_watch_slice_ask(const bt_watch_round *round, const bt_slice *slice, bt_query query, bt_found_list *found,
                             bt_watch_cost *cost, bt_error *error) {
  bool is_reaching = bt_watch_late_reaches(&round->late, slice);
  bt_search_request request = {.query = query,
                               .range = bt_watch_late_range(&round->late, slice, round->now_ns),
                               .late_ns = is_reaching ? round->options->assumptions.lateness_ns : 0,
                               .may_widen = true,
                               .priority = slice->kind == BT_SLICE_CATCH_UP ? BT_PRIORITY_REPLAY : BT_PRIORITY_WATCH};
  bt_status status = bt_watch_round_search(round, round->options->source, request, "", found, cost, error);
  size_t kept = 0;
  for (size_t i = 0; i < found->count; i++)
    if (!is_behind(&found->items[i], slice)) found->items[kept++] = found->items[i];
  found->count = kept;
  return status;
}

/* Once a minute at most. It goes back as far as traces take to settle, because the newest may not be shown yet. */
bt_status bt_watch_slice_look(const bt_watch_round *round, const bt_slice *slice, int64_t *last_ns, bt_watch_cost *cost,
                              bt_error *error) {
  bt_time_range range = {bt_time_subtract(slice->range.start_ns, round->times->settle_ns), slice->range.end_ns};
  bt_search_request request = {
      .query = bt_other_traces_query(), .range = range, .max_found = 1, .priority = BT_PRIORITY_WATCH};
  if (bt_time_subtract(range.end_ns, *last_ns) < LOOK_NS) return BT_OK;
  bt_found_list found = {0};
  bt_error why = {0};
  bt_status status = bt_watch_round_search(round, round->options->source, request, "", &found, cost, &why);
  for (size_t i = 0; i < found.count; i++)
    *last_ns = bt_time_later(*last_ns, bt_time_earlier(found.items[i].end_ns, range.end_ns));
  bt_found_list_dispose(&found);
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? bt_error_set(error, status, "%s", why.message) : BT_OK;
}
