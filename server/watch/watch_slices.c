/* Searching what is due: slices of time as it passes, sweeps, gaps. A slice is done only when every filter was answered
 * in full; until then the next round asks again. Only traces that fall to this watcher are kept. Thread: the
 * watcher's. */
#include <stdio.h>

#include "dsl/base/mix.h"
#include "dsl/base/time_sum.h"
#include "server/replay/replay.h"
#include "server/watch/watcher.h"

enum { LIVE_PER_ROUND = 16, SWEEPS_PER_ROUND = 4 };
static const int64_t SHORTEST_NS = 1000000000;                /* of a slice that found no room */
static const int64_t FILTERS_NS = INT64_C(3600) * 1000000000; /* are asked after a listing that found no room */
static const int64_t SECOND_NS = 1000000000;
static const int64_t LOOK_NS = INT64_C(60) * 1000000000; /* so exactly it is known when the last trace was there */

/* Rendezvous hashing: of all watchers the one with the highest hash for a trace has it; changing their number moves as
 * few traces as can be. */
static bool is_ours(const bt_watcher *watcher, const bt_trace_id *id) {
  uint32_t replicas = watcher->options->replicas, best = 0;
  uint64_t highest = 0;
  for (uint32_t i = 0; i < replicas; i++) {
    uint64_t hash = bt_str_hash((bt_str){(const char *)id->bytes, sizeof id->bytes}) ^ (i + 1) * 0x9E3779B97F4A7C15u;
    hash = bt_mix_bits(hash);
    if (i && hash <= highest) continue;
    highest = hash;
    best = i;
  }
  return best == watcher->options->replica;
}

/* It was judged since this slice was begun, which found no room for all of its traces. */
static bool has_read_since(const bt_watcher *watcher, const bt_watched *watched, const bt_slice *slice) {
  int64_t since_ns = watcher->trying[slice->kind].since_ns;
  return since_ns && watched->judged_ns >= since_ns;
}

/* Its bounds do not say why the slice has it: of several fragments they have the longest one's end. Sources count in
 * seconds, so one that ends just before the slice is in it, too. */
static bool lies_elsewhere(const bt_found *found, const bt_slice *slice) {
  return bt_time_add(found->end_ns, SECOND_NS) < slice->range.start_ns;
}

/* Nothing new was seen of a trace that was judged. Sweeps and what is caught up look for spans that came late and lie
 * inside, so there it is read all the same, but for a trace that had no end when it was judged: it would be waited for
 * once more, for nothing. */
static bool is_known(const bt_watcher *watcher, const bt_watched *watched, const bt_found *found,
                     const bt_slice *slice) {
  bool is_judged = watched->was_judged && watched->due_ns == BT_WATCH_NOT_DUE;
  bool is_quiet = watched->end_ns <= bt_time_subtract(watcher->now_ns, watcher->schedule.times.settle_ns);
  if (watcher->rules->finds_all && lies_elsewhere(found, slice)) return false;
  return is_judged && found->start_ns >= watched->start_ns && found->end_ns <= watched->end_ns &&
         (slice->kind == BT_SLICE_LIVE || !is_quiet || has_read_since(watcher, watched, slice));
}

static void hold_watermark(bt_watched *watched, const bt_watcher *watcher, const bt_slice *slice) {
  int64_t delay_ns = slice->kind == BT_SLICE_SWEEP ? bt_watch_sweep_delay(&watcher->schedule.times, slice->number) : 0;
  if (slice->kind == BT_SLICE_CATCH_UP)
    watched->gap_holds_ns = bt_time_earlier(watched->gap_holds_ns, slice->range.start_ns);
  else
    watched->holds_ns = bt_time_earlier(watched->holds_ns, bt_time_add(slice->range.start_ns, delay_ns));
}

/* It waits until it is quiet, but not longer than lookback: a span from the future, or a trace without an end, must not
 * hold up all others. */
static int64_t due_time(const bt_watcher *watcher, const bt_watched *watched) {
  int64_t quiet_ns = bt_time_add(watched->end_ns, watcher->schedule.times.settle_ns);
  int64_t latest_ns = bt_time_add(watched->waits_since_ns, watcher->schedule.times.lookback_ns);
  int64_t due_ns = bt_time_earlier(quiet_ns, latest_ns);
  return due_ns > watcher->now_ns ? due_ns : watcher->now_ns;
}

/* A full table forgets first what was judged before this slice, then what was sent, and at last what was judged of the
 * slice: it would be read again. */
static bt_watched *add_seen(bt_watcher *watcher, const bt_slice *slice, const bt_trace_id *id, bt_error *error) {
  bt_watched *watched = bt_watch_table_add(&watcher->table, id, error);
  if (watched || error->status != BT_LIMIT) return watched;
  bt_watch_table_purge(&watcher->table, slice->range.start_ns);
  watcher->listed = (bt_time_range){0};
  do {
    watched = bt_watch_table_add(&watcher->table, id, error);
  } while (!watched && error->status == BT_LIMIT && bt_watcher_forget_sent(watcher));
  if (watched || error->status != BT_LIMIT) return watched;
  bt_watch_table_purge(&watcher->table, INT64_MAX);
  return bt_watch_table_add(&watcher->table, id, error);
}

/* Sweeps and what is caught up look for spans that came late. Where these lie in blocks that are dated by their
 * arrival, a search of the slice alone passes over them. */
static bool is_reaching(const bt_watcher *watcher, const bt_slice *slice) {
  return slice->kind != BT_SLICE_LIVE && watcher->late_reach_ns;
}

static bt_time_range reach_of(const bt_watcher *watcher, const bt_slice *slice) {
  bt_time_range range = slice->range;
  if (!is_reaching(watcher, slice)) return range;
  int64_t end_ns = bt_time_earlier(bt_time_add(range.end_ns, watcher->late_reach_ns), watcher->now_ns);
  range.end_ns = bt_time_later(range.end_ns, end_ns);
  return range;
}

/* Of a trace that a search gives as one, Tempo gives the earliest start and the longest fragment's end: another
 * fragment may lie later, up to where was looked. */
static void note_listed(const bt_watcher *watcher, const bt_slice *slice, const bt_found *found, bool is_new,
                        bt_watched *watched) {
  bool is_listed = watcher->rules->finds_all && !found->in_doubt;
  bool was_listed = is_new ? slice->kind == BT_SLICE_LIVE : watched->listed_until_ns != 0;
  int64_t until_ns = bt_time_later(reach_of(watcher, slice).end_ns, found->end_ns);
  watched->listed_until_ns = is_listed && was_listed ? bt_time_later(watched->listed_until_ns, until_ns) : 0;
}

static bt_status take_found(bt_watcher *watcher, const bt_slice *slice, const bt_found *found, bool of_whole,
                            bt_error *error) {
  if (!is_ours(watcher, &found->id) || bt_open_set_find(&watcher->open, &found->id)) return BT_OK;
  bt_watched *watched = bt_watch_table_find(&watcher->table, &found->id);
  if (watched && (watched->is_of_whole || !of_whole) && is_known(watcher, watched, found, slice)) return BT_OK;
  bool is_new = !watched;
  if (!watched) watched = add_seen(watcher, slice, &found->id, error);
  if (!watched) return error->status;
  note_listed(watcher, slice, found, is_new, watched);
  watched->is_of_whole = watched->is_of_whole || of_whole;
  if (watched->due_ns == BT_WATCH_NOT_DUE) {
    watched->waits_since_ns = watcher->now_ns;
    watched->shown = (bt_shown){0};
  }
  bt_shown_join(&watched->shown, &found->shown);
  if (found->start_ns < watched->start_ns) watched->start_ns = found->start_ns;
  if (found->end_ns > watched->end_ns) watched->end_ns = found->end_ns;
  if (found->span_count > watched->span_count) watched->span_count = found->span_count;
  hold_watermark(watched, watcher, slice);
  watched->due_ns = due_time(watcher, watched);
  return BT_OK;
}

/* It began behind the slice, which went on for late spans: other slices have it. */
static bool is_behind(const bt_found *found, const bt_slice *slice) {
  return slice->kind != BT_SLICE_LIVE && !found->in_doubt && found->start_ns >= slice->range.end_ns;
}

static bt_status search_filter(bt_watcher *watcher, bt_query query, const bt_slice *slice, bt_found_list *found,
                               bt_error *error) {
  bool is_urgent = slice->kind != BT_SLICE_CATCH_UP;
  bt_search_request request = {.query = query,
                               .range = reach_of(watcher, slice),
                               .late_ns = is_reaching(watcher, slice) ? watcher->options->assumptions.lateness_ns : 0,
                               .may_widen = true,
                               .tenant = bt_watcher_scope(watcher),
                               .cancel = watcher->cancel,
                               .priority = is_urgent ? BT_PRIORITY_WATCH : BT_PRIORITY_REPLAY};
  bt_source_account account = {0};
  bt_status status = bt_source_search(watcher->options->source, &request, found, &account, error);
  if (status == BT_OK && account.failed_count)
    status = bt_error_set(error, BT_UNAVAILABLE, "%.190s", account.failed[0].reason);
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.requests += account.requests;
  watcher->status.bytes_inspected += account.bytes_inspected;
  pthread_mutex_unlock(&watcher->mutex);
  bt_source_account_dispose(&account);
  return status;
}

/* What was answered of a slice is not asked again: with many filters one of them nearly always fails where a tenth of
 * the answers does not come. */
static void go_on(bt_watch_trying *trying, bt_slice *slice) {
  const bt_slice *begun = &trying->slice;
  bool is_same = trying->query_count && begun->number == slice->number &&
                 begun->range.start_ns == slice->range.start_ns && begun->range.end_ns <= slice->range.end_ns;
  if (is_same) slice->range = begun->range;
  if (!is_same) trying->query_count = 0;
  trying->slice = *slice;
}

static void note_traces(bt_watcher *watcher, const bt_found_list *found, int64_t latest_ns) {
  pthread_mutex_lock(&watcher->mutex);
  for (size_t i = 0; i < found->count; i++) {
    int64_t at_ns = bt_time_earlier(found->items[i].end_ns, latest_ns);
    if (at_ns > watcher->status.last_trace_ns) watcher->status.last_trace_ns = at_ns;
  }
  pthread_mutex_unlock(&watcher->mutex);
}

/* Rules may find nothing for days. Whether there was anything to find is asked for, once a minute at most: a search
 * that stops above one trace of others. It goes back as far as traces take to settle, because the newest may not be
 * shown yet. What could not be asked is not known. */
static bt_status look_for_any_trace(bt_watcher *watcher, const bt_slice *slice, bt_error *error) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_time_range range = {bt_time_subtract(slice->range.start_ns, watcher->schedule.times.settle_ns),
                         slice->range.end_ns};
  bt_search_request request = {.query = bt_other_traces_query(),
                               .range = range,
                               .max_found = 1,
                               .tenant = bt_watcher_scope(watcher),
                               .cancel = watcher->cancel,
                               .priority = BT_PRIORITY_WATCH};
  if (bt_time_subtract(range.end_ns, watcher->status.last_trace_ns) < LOOK_NS) return BT_OK;
  bt_error why = {0};
  bt_status status = bt_source_search(watcher->options->source, &request, &found, &account, &why);
  note_traces(watcher, &found, range.end_ns);
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.requests += account.requests;
  watcher->status.bytes_inspected += account.bytes_inspected;
  pthread_mutex_unlock(&watcher->mutex);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

/* A slice that does not begin where the last one ended leaves a gap. */
static void note_slice(bt_watcher *watcher, const bt_slice *slice) {
  bool goes_on = watcher->listed.end_ns == slice->range.start_ns && watcher->listed.start_ns < watcher->listed.end_ns;
  if (!watcher->rules->finds_all)
    watcher->listed = (bt_time_range){0};
  else if (goes_on)
    watcher->listed.end_ns = slice->range.end_ns;
  else
    watcher->listed = slice->range;
}

static bt_status search_slice(bt_watcher *watcher, const bt_slice *slice, bt_error *error) {
  bt_watch_trying *trying = &watcher->trying[slice->kind];
  bt_status status = BT_OK;
  while (status == BT_OK && trying->query_count < watcher->rules->query_count) {
    const bt_watch_query query = watcher->rules->queries[trying->query_count];
    bt_found_list found = {0};
    status = search_filter(watcher, query.asked, slice, &found, error);
    for (size_t k = 0; status == BT_OK && k < found.count; k++)
      if (!is_behind(&found.items[k], slice))
        status = take_found(watcher, slice, &found.items[k], query.of_whole, error);
    bt_found_list_dispose(&found);
    trying->query_count += status == BT_OK;
  }
  if (status == BT_OK && slice->kind == BT_SLICE_LIVE) status = look_for_any_trace(watcher, slice, error);
  if (status != BT_OK) return status;
  trying->query_count = 0;
  if (slice->kind == BT_SLICE_LIVE) note_slice(watcher, slice);
  bt_watch_schedule_done(&watcher->schedule, slice);
  if (slice->kind == BT_SLICE_CATCH_UP && slice->range.end_ns > watcher->gap_searched_ns)
    watcher->gap_searched_ns = slice->range.end_ns;
  return BT_OK;
}

/* What finds more traces than there is room for is searched in smaller pieces, until they fit again: else the same
 * first ones would be taken each round, and the slice never be done. */
static void cut_slice(const bt_watcher *watcher, bt_slice *slice) {
  int64_t most_ns = watcher->trying[slice->kind].slice_ns, end_ns = bt_time_add(slice->range.start_ns, most_ns);
  if (most_ns && end_ns < slice->range.end_ns) slice->range.end_ns = end_ns;
}

static void adapt_slice_length(bt_watcher *watcher, const bt_slice *slice, bt_status status) {
  bt_watch_trying *trying = &watcher->trying[slice->kind];
  int64_t length_ns = bt_time_subtract(slice->range.end_ns, slice->range.start_ns);
  if (status == BT_LIMIT) {
    if (watcher->rules->may_list) watcher->no_listing_until_ns = bt_time_add(watcher->now_ns, FILTERS_NS);
    if (!trying->since_ns) trying->since_ns = watcher->now_ns;
    trying->query_count = 0;
    trying->slice_ns = length_ns / 2 > SHORTEST_NS ? length_ns / 2 : SHORTEST_NS;
  } else if (status == BT_OK) {
    trying->since_ns = 0;
    trying->slice_ns = trying->slice_ns < watcher->schedule.times.chunk_ns ? 2 * trying->slice_ns : 0;
  }
}

static bt_status search_kind(bt_watcher *watcher, bt_slice_kind kind, unsigned most, bt_error *error) {
  bt_slice slice;
  bt_status status = BT_OK;
  bt_error why = {0};
  for (unsigned i = 0; status == BT_OK && i < most; i++) {
    if (!bt_watch_schedule_due(&watcher->schedule, kind, watcher->now_ns, &slice)) return BT_OK;
    cut_slice(watcher, &slice);
    go_on(&watcher->trying[kind], &slice);
    status = search_slice(watcher, &slice, &why);
    adapt_slice_length(watcher, &slice, status);
  }
  return bt_watcher_note(watcher, "search", status, &why, error);
}

bt_status bt_watch_slices_search(bt_watcher *watcher, bt_error *error) {
  bt_status status = search_kind(watcher, BT_SLICE_LIVE, LIVE_PER_ROUND, error);
  if (watcher->trying[BT_SLICE_LIVE].since_ns) return status; /* what is new goes before what is looked at again */
  if (status == BT_OK) status = search_kind(watcher, BT_SLICE_SWEEP, SWEEPS_PER_ROUND, error);
  if (status == BT_OK) status = search_kind(watcher, BT_SLICE_CATCH_UP, 1, error);
  return status;
}
