/* The round. See watcher.h. */
#include "server/watch/watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/time_text.h"

enum { TAKE_MAX = 256, DEFAULT_TRACES_MAX = 500000 };
static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t MINUTE_NS = INT64_C(60000000000), WEEK_NS = INT64_C(604800000000000);
static const int64_t SILENT_NS = INT64_C(300000000000); /* as long as that is nothing unusual */

static bt_watch_times times_of(const bt_watch_options *options) {
  int64_t step_ns = 10 * options->interval_ns;
  return (bt_watch_times){.settle_ns = options->assumptions.settle_ns,
                          .lookback_ns = options->lookback_ns,
                          .first_sweep_ns = options->sweep_ns,
                          .sweep_step_ns = step_ns,
                          .chunk_ns = 2 * step_ns,
                          .catchup_max_ns = options->catchup_max_ns};
}

bt_status bt_watcher_new(const char *tenant, const bt_watch_options *options, bt_emitter *emitter,
                         const bt_cancel *cancel, bt_watcher **out, bt_error *error) {
  *out = NULL;
  bt_watcher *watcher = calloc(1, sizeof *watcher);
  char *copy = strdup(tenant);
  if (!watcher || !copy) {
    free(watcher);
    free(copy);
    return bt_error_no_memory(error);
  }
  *watcher = (bt_watcher){.tenant = copy, .options = options, .emitter = emitter, .cancel = cancel};
  watcher->schedule.times = times_of(options);
  bt_watch_room_init(&watcher->memory, options->memory);
  bt_watch_table_init(&watcher->table, options->traces_max ? options->traces_max : DEFAULT_TRACES_MAX,
                      &watcher->memory);
  watcher->open.room = watcher->counted.room = &watcher->memory;
  pthread_mutex_init(&watcher->mutex, NULL);
  snprintf(watcher->status.tenant, sizeof watcher->status.tenant, "%s", tenant);
  *out = watcher;
  return BT_OK;
}

void bt_watcher_free(bt_watcher *watcher) {
  if (!watcher) return;
  bt_open_set_dispose(&watcher->open);
  bt_watch_counted_dispose(&watcher->counted);
  bt_watch_table_dispose(&watcher->table);
  bt_watch_rules_free(watcher->rules);
  pthread_mutex_destroy(&watcher->mutex);
  free(watcher->tenant);
  free(watcher);
}

const char *bt_watcher_scope(const bt_watcher *watcher) {
  return watcher->tenant[0] ? watcher->tenant : NULL;
}

void bt_watcher_push(bt_watcher *watcher, bt_open *open, bool retract) {
  bt_emitter_item item = {.owner = watcher, .tenant = watcher->tenant, .open = open, .retract = retract};
  open->state = retract ? BT_OPEN_RETRACTING : BT_OPEN_QUEUED;
  bt_emitter_push(watcher->emitter, &item);
  if (watcher->room) watcher->room--;
}

bt_status bt_watcher_note(bt_watcher *watcher, const char *what, bt_status status, const bt_error *why,
                          bt_error *error) {
  if (status == BT_OK) return BT_OK;
  if (status == BT_NO_MEMORY || status == BT_CANCELLED) return bt_error_set(error, status, "%s", why->message);
  pthread_mutex_lock(&watcher->mutex);
  bool is_new = !watcher->status.message[0];
  snprintf(watcher->status.message, sizeof watcher->status.message, "%s: %.200s", what, why->message);
  pthread_mutex_unlock(&watcher->mutex);
  if (is_new) bt_log(BT_LOG_WARNING, "watch: %s: %s; it is tried again", what, why->message);
  return BT_OK;
}

/* Once in ten minutes. */
bool bt_watcher_forget_sent(bt_watcher *watcher) {
  size_t forgotten = bt_open_set_forget_sent(&watcher->open);
  if (!forgotten) return false;
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.forgotten += forgotten;
  pthread_mutex_unlock(&watcher->mutex);
  if (watcher->told_forgotten_ns && watcher->now_ns - watcher->told_forgotten_ns < 10 * MINUTE_NS) return true;
  watcher->told_forgotten_ns = watcher->now_ns;
  bt_log(BT_LOG_WARNING,
         "watch has no room in --memory-limit for all violations that it has sent. It has forgotten %zu early. None is "
         "lost, but late spans cannot take these back, and watch may send them again under the same ids",
         forgotten);
  return true;
}

/* How far everything is done: searched, judged and sent. */
static int64_t find_done_ns(const bt_watcher *watcher) {
  int64_t open_ns, open_gap_ns;
  bt_open_set_held(&watcher->open, &open_ns, &open_gap_ns);
  bt_watch_waiting waiting = bt_watch_table_waiting(&watcher->table);
  return bt_time_earlier(bt_watch_schedule_done_ns(&watcher->schedule), bt_time_earlier(waiting.done_ns, open_ns));
}

/* ---- the parts of a round ---- */

/* Once for each piece. */
static void say_lost(bt_watcher *watcher) {
  char start[40], end[40];
  bt_time_range lost = watcher->schedule.lost;
  if (lost.end_ns == watcher->told_lost_ns || lost.start_ns >= lost.end_ns) return;
  watcher->told_lost_ns = lost.end_ns;
  bt_time_format(lost.start_ns, start);
  bt_time_format(lost.end_ns, end);
  bt_log(BT_LOG_WARNING,
         "watch does not catch up what lies from %s to %s: it is older than --catchup-max; a replay of that "
         "range shows what was violated",
         start, end);
}

static void say_refused(const bt_watcher *watcher) {
  for (size_t i = 0; i < watcher->rules->refused_count; i++)
    bt_log(BT_LOG_WARNING,
           "rule %s is not under watch: no search can find the traces that violate it, so every trace would be read; "
           "set watch_all to true if that is meant",
           watcher->rules->refused[i]->fields.id);
}

/* Of a slice that is begun the first filters were asked: other ones begin it anew. */
static bool are_asked_alike(const bt_watch_rules *a, const bt_watch_rules *b) {
  bool are_same = a && a->query_count == b->query_count;
  for (size_t i = 0; are_same && i < b->query_count; i++)
    are_same =
        bt_query_equal(a->queries[i].asked, b->queries[i].asked) && a->queries[i].of_whole == b->queries[i].of_whole;
  return are_same;
}

/* Once for each delay. Nothing is lost, so it is no warning. */
static void say_late_sweep(bt_watcher *watcher) {
  const bt_watch_times *times = &watcher->schedule.times;
  bool is_there = bt_watch_has_sweep(times, BT_WATCH_SWEEPS - 1);
  int64_t delay_ns = is_there ? times->late_sweep_ns : 0;
  if (!is_there || delay_ns == watcher->told_late_ns) return;
  watcher->told_late_ns = delay_ns;
  bt_log(BT_LOG_INFO,
         "watch looks at each time once more after %lld s: spans that come as late as --lateness says may be in no "
         "search before, and --lookback is %lld s; docs/operations/tempo.md says what makes it short",
         (long long)(delay_ns / SECOND_NS), (long long)(times->lookback_ns / SECOND_NS));
}

/* How late a span may show. What comes within settle is found by the slices. */
static void hear_lateness(bt_watcher *watcher, const bt_assumptions *service, const bt_late_promise *late) {
  int64_t shown_ns = bt_time_add(bt_time_add(service->lateness_ns, service->settle_floor_ns), service->clock_ahead_ns);
  int64_t after_ns = bt_time_later(service->late_ns, shown_ns);
  bool is_late = after_ns > service->settle_ns;
  watcher->shown_after_ns = is_late ? after_ns : 0;
  watcher->late_reach_ns = is_late ? bt_late_reach_ns(late, service->lateness_ns) : 0;
  int64_t delay_ns = is_late ? bt_time_subtract(after_ns, service->settle_ns) : 0;
  bt_watch_schedule_set_late(&watcher->schedule, delay_ns, watcher->now_ns);
  say_late_sweep(watcher);
}

/* Where copies differ every trace that is found is read by id, which costs more than any number of filters. */
static bool may_list(const bt_watcher *watcher, const bt_promises *promises) {
  return !promises->has_copies && watcher->now_ns >= watcher->no_listing_until_ns;
}

static bt_status refresh_rules(bt_watcher *watcher, const bt_rule_list *list, bt_error *error) {
  const bt_watch_options *options = watcher->options;
  bt_promises promises = bt_source_promises(options->source, BT_PROMISES_ALL, watcher->cancel);
  bt_assumptions service = bt_assumptions_over(&options->assumptions, &promises);
  int64_t lead_ns = watcher->now_ns - bt_clock_steady_ns(); /* watch goes by a clock of its own */
  bt_assumptions_set_clock(&service, bt_known_clock_ahead_ns(&promises.clock, lead_ns));
  hear_lateness(watcher, &service, &promises.late);
  bool is_same_floor = watcher->schedule.times.settle_ns == service.settle_ns;
  const bt_watch_asking asking = {.service = &service,
                                  .dialect = bt_source_dialect(watcher->options->source),
                                  .may_list = may_list(watcher, &promises)};
  bool are_same = watcher->rules && is_same_floor && watcher->rules->may_list == asking.may_list;
  if (are_same && bt_watch_rules_are(watcher->rules, list)) return BT_OK;
  bt_watch_rules *rules = NULL;
  bt_status status = bt_watch_rules_new(list, &asking, &rules, error);
  if (status != BT_OK) return status;
  watcher->schedule.times.settle_ns = service.settle_ns;
  for (int i = 0; i < BT_SLICE_KINDS && !are_asked_alike(watcher->rules, rules); i++)
    watcher->trying[i].query_count = 0;
  bt_watch_rules_free(watcher->rules);
  watcher->rules = rules;
  say_refused(watcher);
  return BT_OK;
}

/* Farther back than gaps are caught up, so that what is lost is said. */
static int64_t longest_look(const bt_watch_options *options) {
  return options->catchup_max_ns > WEEK_NS ? options->catchup_max_ns : WEEK_NS;
}

/* What an earlier watcher had still to catch up, and what it lost: that is said for as long as its checkpoints are
 * looked for. */
static void take_gaps(bt_watcher *watcher, const bt_checkpoint *checkpoint) {
  bt_watch_schedule *schedule = &watcher->schedule;
  for (size_t i = 0; i < checkpoint->gap_count; i++)
    bt_watch_schedule_add_gap(schedule, checkpoint->gaps[i], watcher->now_ns);
  if (checkpoint->lost.end_ns > bt_time_subtract(watcher->now_ns, longest_look(watcher->options)))
    schedule->lost = bt_watch_hull(schedule->lost, checkpoint->lost);
}

static void schedule_from(bt_watcher *watcher, const bt_checkpoint *checkpoint, bool found) {
  bt_watch_times times = times_of(watcher->options);
  times.settle_ns = watcher->schedule.times.settle_ns; /* not below what the source hides (refresh_rules) */
  times.late_sweep_ns = watcher->schedule.times.late_sweep_ns;
  bt_watch_schedule *schedule = &watcher->schedule;
  /* Nobody has watched before: what came since the first try is not passed over, however long the source was away. */
  bt_watch_schedule_start(schedule, &times, found ? checkpoint->until_ns : INT64_MIN,
                          found ? checkpoint->swept_ns : NULL, found ? watcher->now_ns : watcher->tried_ns);
  if (found) take_gaps(watcher, checkpoint);
  watcher->gap_searched_ns = INT64_MIN;
}

/* From where, so that nobody has to take it on trust that nothing lies between this watcher and the one before. */
static void say_begin(const bt_watcher *watcher, const bt_checkpoint *checkpoint, bool found) {
  char at[40], tenant[80] = "";
  bt_time_format(found ? checkpoint->until_ns : watcher->schedule.searched_ns, at);
  if (watcher->tenant[0]) snprintf(tenant, sizeof tenant, " of tenant \"%.60s\"", watcher->tenant);
  if (found)
    bt_log(BT_LOG_INFO, "watch%s goes on from %s, where its newest checkpoint is, with %zu gaps before that", tenant,
           at, checkpoint->gap_count);
  else
    bt_log(BT_LOG_INFO,
           "watch%s begins at %s: search names no checkpoint, so nobody has watched before, or not within %d days",
           tenant, at, (int)(longest_look(watcher->options) / (INT64_C(24) * 60 * MINUTE_NS)));
}

static void say_missed(const bt_watcher *watcher, bt_time_range missed) {
  char from[40], to[40];
  bt_time_format(missed.start_ns, from);
  bt_time_format(missed.end_ns, to);
  bt_log(BT_LOG_INFO, "watch%s%s: a checkpoint shows that no search gave at the start; catches up from %s to %s",
         watcher->tenant[0] ? " of tenant " : "", watcher->tenant, from, to);
}

/* The newest checkpoint; of before_ns and later none, unless that is 0. */
static bt_status find_checkpoint(const bt_watcher *watcher, int64_t before_ns, bt_checkpoint *checkpoint, bool *found,
                                 bt_error *error) {
  const bt_watch_options *options = watcher->options;
  bt_checkpoint_request request = {.tenant = watcher->tenant,
                                   .store = options->source_name,
                                   .replica = options->replica,
                                   .replicas = options->replicas,
                                   .now_ns = watcher->now_ns,
                                   .oldest_ns = bt_time_subtract(watcher->now_ns, longest_look(options)),
                                   .before_ns = before_ns,
                                   .cancel = watcher->cancel};
  return bt_checkpoint_find(bt_watch_own(options), &request, checkpoint, found, error);
}

/* Not before the source has said whether there is a watermark: to begin anew without knowing would skip what came
 * before. */
static bt_status start_watcher(bt_watcher *watcher, bt_error *error) {
  bt_checkpoint checkpoint;
  bool found = false;
  bt_status status = find_checkpoint(watcher, 0, &checkpoint, &found, error);
  if (status != BT_OK) {
    watcher->unread_since_ns = 0;
    return status;
  }
  schedule_from(watcher, &checkpoint, found);
  status = bt_watch_recover(watcher, error);
  if (status != BT_OK) return status;
  watcher->recover_due_ns = bt_time_add(watcher->now_ns, watcher->schedule.times.settle_ns);
  watcher->began_ns = watcher->schedule.searched_ns;
  watcher->look_due_ns = found ? INT64_MAX : watcher->recover_due_ns;
  watcher->is_started = true;
  say_begin(watcher, &checkpoint, found);
  return BT_OK;
}

/* When it looks next: once it has found one, after all sweeps; before, at twice the time since it began. */
static int64_t next_look(const bt_watcher *watcher, bool found) {
  const bt_watch_times *times = &watcher->schedule.times;
  int64_t last_ns = bt_time_add(watcher->began_ns, bt_time_add(bt_watch_last_delay(times), 2 * times->sweep_step_ns));
  int64_t twice_ns = bt_time_add(watcher->now_ns, bt_time_subtract(watcher->now_ns, watcher->began_ns));
  if (watcher->now_ns >= last_ns) return INT64_MAX;
  return found ? last_ns : bt_time_earlier(twice_ns, last_ns);
}

/* The only checkpoint of an earlier watcher may be in no search yet when this one starts. Then it began anew, and
 * passed over what lies between. A checkpoint that shows later says so, and that time is caught up. It is caught up
 * once more after that, which is what sweeps would have done. */
static bt_status look_for_late_checkpoint(bt_watcher *watcher, bt_error *error) {
  bt_checkpoint checkpoint;
  bool found = false;
  bt_error why = {0};
  if (watcher->now_ns < watcher->look_due_ns) return BT_OK;
  bt_status status = find_checkpoint(watcher, watcher->began_ns, &checkpoint, &found, &why);
  watcher->look_due_ns =
      status == BT_OK ? next_look(watcher, found) : bt_time_add(watcher->now_ns, watcher->schedule.times.settle_ns);
  if (!found) return bt_watcher_note(watcher, "start", status, &why, error);
  bt_time_range missed = {checkpoint.until_ns, watcher->began_ns};
  bt_watch_schedule_add_gap(&watcher->schedule, missed, watcher->now_ns);
  take_gaps(watcher, &checkpoint);
  watcher->recover_due_ns = watcher->now_ns; /* what was sent in that time, too */
  say_missed(watcher, missed);
  return BT_OK;
}

/* What was sent just before an earlier watcher ended is in no search yet when this one starts: it is looked for once
 * more. The sweeps read its traces again, and then it can be taken back. */
static bt_status recover_again(bt_watcher *watcher, bt_error *error) {
  bt_error why = {0};
  if (watcher->now_ns < watcher->recover_due_ns) return BT_OK;
  bt_status status = bt_watch_recover(watcher, &why);
  int64_t again_ns = bt_time_add(watcher->now_ns, watcher->schedule.times.settle_ns);
  watcher->recover_due_ns = status == BT_OK ? INT64_MAX : again_ns;
  return bt_watcher_note(watcher, "start", status, &why, error);
}

/* What was sent since the last round. */
static void take_sent(bt_watcher *watcher) {
  bt_emitter_item items[TAKE_MAX];
  size_t count;
  while ((count = bt_emitter_take(watcher->emitter, watcher, items, TAKE_MAX)) > 0) {
    for (size_t i = 0; i < count; i++) {
      bt_open *open = items[i].open;
      open->state = items[i].retract ? BT_OPEN_RETRACTED : BT_OPEN_EMITTED;
      open->holds_ns = open->retract_next ? open->holds_ns : INT64_MAX;
      open->gap_holds_ns = open->retract_next ? open->gap_holds_ns : INT64_MAX;
      if (!open->retract_next) continue;
      open->retract_next = false;
      bt_watcher_push(watcher, open, true); /* taking this one made room for it */
    }
  }
}

/* What is left of gaps, with what was searched of them and is not judged or sent yet. */
static void fill_gaps(const bt_watcher *watcher, bt_checkpoint *checkpoint) {
  int64_t open_ns, open_gap_ns;
  const bt_watch_schedule *schedule = &watcher->schedule;
  bt_open_set_held(&watcher->open, &open_ns, &open_gap_ns);
  int64_t held_ns = bt_time_earlier(bt_watch_table_waiting(&watcher->table).gap_ns, open_gap_ns);
  checkpoint->lost = schedule->lost;
  for (size_t i = 0; i < schedule->gap_count; i++)
    bt_watch_gaps_add(checkpoint->gaps, &checkpoint->gap_count, schedule->gaps[i]);
  if (held_ns < watcher->gap_searched_ns)
    bt_watch_gaps_add(checkpoint->gaps, &checkpoint->gap_count, (bt_time_range){held_ns, watcher->gap_searched_ns});
}

/* What became of the last one. A failure stays in the status until one is taken; the next is made at once. */
static bool has_checkpoint_under_way(bt_watcher *watcher) {
  bt_emitter_checkpoint *one = &watcher->checkpoint;
  switch (bt_emitter_take_checkpoint(watcher->emitter, one, &watcher->checkpoint_why)) {
  case BT_EMITTER_NONE: return false;
  case BT_EMITTER_UNDER_WAY: return true;
  case BT_EMITTER_SENT:
    watcher->sent_until_ns = one->checkpoint.until_ns;
    watcher->checkpoint_failed = false;
    return false;
  case BT_EMITTER_FAILED:
    watcher->checkpoint_due_ns = watcher->now_ns;
    watcher->checkpoint_failed = true;
    return false;
  }
  return false;
}

/* Whether "no violation" can be said of the present: watch is not behind, and what it looked at has traces. */
static bool is_looking(const bt_watcher *watcher, int64_t done_ns) {
  int64_t behind_ns = bt_time_subtract(bt_time_subtract(watcher->now_ns, watcher->schedule.times.settle_ns), done_ns);
  return behind_ns <= SILENT_NS && bt_time_subtract(done_ns, watcher->status.last_trace_ns) <= SILENT_NS;
}

/* 0: nothing is. */
static int64_t provisional_from(const bt_watcher *watcher, int64_t done_ns) {
  if (!watcher->shown_after_ns) return 0;
  return bt_watch_schedule_certain_ns(&watcher->schedule, done_ns, watcher->shown_after_ns);
}

/* By the emitter: a receiver that does not answer must not hold up the rounds. */
static bt_status send_checkpoint(bt_watcher *watcher, int64_t done_ns, bt_error *error) {
  const bt_watch_options *options = watcher->options;
  bool is_under_way = has_checkpoint_under_way(watcher);
  bt_status status = BT_OK;
  if (watcher->checkpoint_failed)
    status = bt_watcher_note(watcher, "checkpoint", BT_UNAVAILABLE, &watcher->checkpoint_why, error);
  if (is_under_way || watcher->now_ns < watcher->checkpoint_due_ns || done_ns <= watcher->sent_until_ns) return status;
  bt_checkpoint checkpoint = {
      .until_ns = done_ns, .replica = options->replica, .replicas = options->replicas, .store = options->source_name};
  checkpoint.is_looking = is_looking(watcher, done_ns);
  checkpoint.provisional_from_ns = provisional_from(watcher, done_ns);
  fill_gaps(watcher, &checkpoint);
  bt_watch_schedule_swept(&watcher->schedule, done_ns, checkpoint.swept_ns);
  memcpy(checkpoint.rules_hash, watcher->rules->hash, sizeof checkpoint.rules_hash);
  watcher->checkpoint = (bt_emitter_checkpoint){.tenant = watcher->tenant, .checkpoint = checkpoint};
  watcher->checkpoint_due_ns = bt_time_add(watcher->now_ns, options->checkpoint_ns);
  bt_emitter_push_checkpoint(watcher->emitter, &watcher->checkpoint);
  return status;
}

/* A gap that is caught up may find a trace again whose violation was sent hours ago: that stays known until then. */
static void purge_old_traces(bt_watcher *watcher) {
  const bt_watch_times *times = &watcher->schedule.times;
  bt_checkpoint now = {0};
  if (watcher->now_ns < watcher->purge_due_ns) return;
  watcher->purge_due_ns = bt_time_add(watcher->now_ns, MINUTE_NS);
  int64_t kept_ns = bt_time_add(bt_watch_last_delay(times), times->settle_ns + 3 * times->sweep_step_ns);
  int64_t open_ns = bt_time_subtract(watcher->now_ns, kept_ns);
  fill_gaps(watcher, &now);
  int64_t oldest_ns = bt_time_subtract(watcher->now_ns, times->catchup_max_ns); /* what is older is not caught up */
  if (now.gap_count)
    open_ns = bt_time_earlier(open_ns, now.gaps[0].start_ns > oldest_ns ? now.gaps[0].start_ns : oldest_ns);
  bt_watch_table_purge(&watcher->table, bt_time_subtract(watcher->now_ns, kept_ns));
  bt_open_set_purge(&watcher->open, bt_time_subtract(open_ns, kept_ns));
  bt_watch_counted_age(&watcher->counted, watcher->now_ns, kept_ns);
}

static void show_gaps(const bt_watcher *watcher, bt_watch_status *status) {
  bt_checkpoint now = {0};
  fill_gaps(watcher, &now);
  status->gap_start_ns = status->gap_end_ns = 0;
  for (size_t i = 0; i < now.gap_count; i++) {
    status->gap_start_ns = i ? bt_time_earlier(status->gap_start_ns, now.gaps[i].start_ns) : now.gaps[i].start_ns;
    if (now.gaps[i].end_ns > status->gap_end_ns) status->gap_end_ns = now.gaps[i].end_ns;
  }
  status->lost_start_ns = watcher->schedule.lost.start_ns;
  status->lost_end_ns = watcher->schedule.lost.end_ns;
}

static void tell_rules(const bt_watcher *watcher, int64_t until_ns) {
  for (size_t i = 0; i < watcher->rules->count; i++) {
    const bt_watch_rule *rule = &watcher->rules->items[i];
    const bt_rule_fields *fields = &rule->definition->fields;
    bt_metrics_rule_watched(watcher->options->metrics, watcher->tenant, fields->id, until_ns);
    bt_metrics_rule_counts_exercised(watcher->options->metrics, watcher->tenant, fields->id,
                                     rule->counts_exercised && !fields->shadow);
  }
}

/* A round without a failure leaves no message. */
static void show_status(bt_watcher *watcher, int64_t done_ns) {
  pthread_mutex_lock(&watcher->mutex);
  bt_watch_status *status = &watcher->status;
  status->rounds++;
  if (status->message[0])
    status->failed_rounds++;
  else
    status->last_round_ns = watcher->now_ns;
  status->is_started = watcher->is_started;
  status->done_ns = done_ns;
  status->waiting = bt_watch_table_waiting(&watcher->table).count;
  status->open = watcher->open.count;
  status->provisional_from_ns = watcher->is_started ? provisional_from(watcher, done_ns) : 0;
  if (watcher->is_started) show_gaps(watcher, status);
  if (watcher->rules) {
    const bt_watch_rules *rules = watcher->rules;
    status->rules = rules->count;
    status->refused = rules->refused_count;
    snprintf(status->refused_rule, sizeof status->refused_rule, "%s",
             rules->refused_count ? rules->refused[0]->fields.id : "");
  }
  pthread_mutex_unlock(&watcher->mutex);
}

static bt_status carry_out(bt_watcher *watcher, const bt_rule_list *rules, bt_error *error) {
  bt_error why = {0};
  if (!watcher->tried_ns) watcher->tried_ns = watcher->now_ns;
  bt_status status = refresh_rules(watcher, rules, error);
  if (status != BT_OK) return status;
  if (!watcher->is_started) {
    status = start_watcher(watcher, &why);
    if (status != BT_OK) return bt_watcher_note(watcher, "start", status, &why, error);
  }
  bt_watch_schedule_advance(&watcher->schedule, watcher->now_ns);
  bt_watch_schedule_repeat(&watcher->schedule, watcher->wall_ns, watcher->now_ns);
  say_lost(watcher);
  take_sent(watcher);
  status = look_for_late_checkpoint(watcher, error);
  if (status == BT_OK) status = recover_again(watcher, error);
  if (status == BT_OK) status = bt_watch_slices_search(watcher, error);
  if (status == BT_OK) status = bt_watch_judge_due(watcher, error);
  take_sent(watcher);
  purge_old_traces(watcher);
  return status;
}

bt_status bt_watcher_round(bt_watcher *watcher, const bt_rule_list *rules, int64_t now_ns, bt_error *error) {
  watcher->now_ns = now_ns;
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.message[0] = '\0';
  pthread_mutex_unlock(&watcher->mutex);
  bt_status status = carry_out(watcher, rules, error);
  int64_t done_ns = watcher->is_started ? find_done_ns(watcher) : 0; /* once: it looks through all that waits */
  if (status == BT_OK && watcher->is_started) status = send_checkpoint(watcher, done_ns, error);
  if (watcher->is_started && watcher->rules) tell_rules(watcher, done_ns);
  show_status(watcher, done_ns);
  return status;
}

void bt_watcher_hear_wall(bt_watcher *watcher, int64_t wall_ns) {
  watcher->wall_ns = wall_ns;
}

bt_watch_status bt_watcher_look(bt_watcher *watcher) {
  pthread_mutex_lock(&watcher->mutex);
  bt_watch_status status = watcher->status;
  pthread_mutex_unlock(&watcher->mutex);
  return status;
}
