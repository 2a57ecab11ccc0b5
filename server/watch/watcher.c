/* The round, and all that it changes. See watcher.h. What the parts find comes back here and is applied here. */
#include "server/watch/watcher.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/time_text.h"
#include "server/replay/violation.h"
#include "server/watch/watch_due_times.h"
#include "server/watch/watch_judge.h"
#include "server/watch/watch_reading.h"

enum { DEFAULT_TRACES_MAX = 500000, LIVE_PER_ROUND = 16, SWEEPS_PER_ROUND = 4 };
static const int64_t SECOND_NS = INT64_C(1000000000), MINUTE_NS = INT64_C(60000000000);
static const int64_t SILENT_NS = INT64_C(300000000000);       /* as long as that is nothing unusual */
static const int64_t TOLD_AGAIN_NS = INT64_C(600000000000);   /* what many traces have is one line in so long */
static const int64_t FILTERS_NS = INT64_C(3600) * 1000000000; /* are asked after a listing that found no room */

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
  *watcher = (bt_watcher){.tenant = copy, .outbox = {.tenant = copy, .emitter = emitter}};
  watcher->round =
      (bt_watch_round){.tenant = copy, .options = options, .cancel = cancel, .times = &watcher->schedule.times};
  watcher->schedule.times = times_of(options);
  bt_watch_room_init(&watcher->memory, options->memory);
  bt_watch_table_init(&watcher->table, options->traces_max ? options->traces_max : DEFAULT_TRACES_MAX,
                      &watcher->memory);
  watcher->outbox.open.room = watcher->counted.room = &watcher->memory;
  pthread_mutex_init(&watcher->mutex, NULL);
  snprintf(watcher->status.tenant, sizeof watcher->status.tenant, "%s", tenant);
  *out = watcher;
  return BT_OK;
}

void bt_watcher_free(bt_watcher *watcher) {
  if (!watcher) return;
  bt_open_set_dispose(&watcher->outbox.open);
  bt_watch_counted_dispose(&watcher->counted);
  bt_watch_table_dispose(&watcher->table);
  bt_watch_rules_free(watcher->rules);
  pthread_mutex_destroy(&watcher->mutex);
  free(watcher->tenant);
  free(watcher);
}

/* ---- what is told ---- */

static void count_more(bt_watcher *watcher, uint64_t *counter, uint64_t by) {
  pthread_mutex_lock(&watcher->mutex);
  *counter += by;
  pthread_mutex_unlock(&watcher->mutex);
}

static void count_cost(bt_watcher *watcher, const bt_watch_cost *cost, int64_t last_trace_ns) {
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.last_trace_ns = last_trace_ns;
  watcher->status.requests += cost->requests;
  watcher->status.bytes_inspected += cost->bytes_inspected;
  pthread_mutex_unlock(&watcher->mutex);
}

/* Says in the status what went wrong; the round goes on. BT_NO_MEMORY and BT_CANCELLED are returned, all else is BT_OK.
 */
static bt_status note_trouble(bt_watcher *watcher, const char *what, bt_status status, const bt_error *why,
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

static bool is_to_be_told(const bt_watcher *watcher, int64_t *told_ns) {
  if (*told_ns && watcher->round.now_ns - *told_ns < TOLD_AGAIN_NS) return false;
  *told_ns = watcher->round.now_ns;
  return true;
}

/* For want of room: forgets some of what was sent, and says so. False: there is nothing. */
static bool forget_sent(bt_watcher *watcher) {
  size_t forgotten = bt_open_set_forget_sent(&watcher->outbox.open);
  if (!forgotten) return false;
  count_more(watcher, &watcher->status.forgotten, forgotten);
  if (is_to_be_told(watcher, &watcher->told.forgotten_ns))
    bt_log(
        BT_LOG_WARNING,
        "watch has no room in --memory-limit for all violations that it has sent. It has forgotten %zu early. None is "
        "lost, but late spans cannot take these back, and watch may send them again under the same ids",
        forgotten);
  return true;
}

/* Once for each piece. */
static void say_lost(bt_watcher *watcher) {
  char start[40], end[40];
  bt_time_range lost = watcher->schedule.lost;
  if (lost.end_ns == watcher->told.lost_ns || lost.start_ns >= lost.end_ns) return;
  watcher->told.lost_ns = lost.end_ns;
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

/* Once for each delay. Nothing is lost, so it is no warning. */
static void say_late_sweep(bt_watcher *watcher) {
  const bt_watch_times *times = &watcher->schedule.times;
  bool is_there = bt_watch_has_sweep(times, BT_WATCH_SWEEPS - 1);
  int64_t delay_ns = is_there ? times->late_sweep_ns : 0;
  if (!is_there || delay_ns == watcher->told.late_ns) return;
  watcher->told.late_ns = delay_ns;
  bt_log(BT_LOG_INFO,
         "watch looks at each time once more after %lld s: spans that come as late as --lateness says may be in no "
         "search before, and --lookback is %lld s; docs/operations/tempo.md says what makes it short",
         (long long)(delay_ns / SECOND_NS), (long long)(times->lookback_ns / SECOND_NS));
}

static void say_lacking(bt_watcher *watcher, const bt_trace_id *id) {
  char hex[BT_TRACE_ID_HEX + 1];
  if (!is_to_be_told(watcher, &watcher->told.lacking_ns)) return;
  bt_trace_id_format(id, hex);
  bt_log(BT_LOG_WARNING,
         "watch read trace %s, which lacks a span that a search had shown: what rests on absence there is "
         "inconclusive, and watch looks again with its next sweep",
         hex);
}

static void say_unreached(bt_watcher *watcher, const bt_trace_id *id, const bt_watch_rule *rule) {
  char hex[BT_TRACE_ID_HEX + 1];
  if (!is_to_be_told(watcher, &watcher->told.unreached_ns)) return;
  bt_trace_id_format(id, hex);
  bt_log(BT_LOG_WARNING,
         "watch could not reach the verdict of rule %s on trace %s (budget): it took too many steps, too much text or "
         "too much processor time. Nothing is sent for it, and watch goes on with the next trace",
         rule->definition->fields.id, hex);
}

/* ---- rules ---- */

/* Of a slice that is begun the first filters were asked: other ones begin it anew. */
static bool are_asked_alike(const bt_watch_rules *a, const bt_watch_rules *b) {
  bool are_same = a && a->query_count == b->query_count;
  for (size_t i = 0; are_same && i < b->query_count; i++)
    are_same =
        bt_query_equal(a->queries[i].asked, b->queries[i].asked) && a->queries[i].of_whole == b->queries[i].of_whole;
  return are_same;
}

static bt_status refresh_rules(bt_watcher *watcher, const bt_rule_list *list, bt_error *error) {
  const bt_watch_options *options = watcher->round.options;
  bt_promises promises = bt_source_promises(options->source, BT_PROMISES_ALL, watcher->round.cancel);
  bt_assumptions service = bt_assumptions_over(&options->assumptions, &promises);
  int64_t lead_ns = watcher->round.now_ns - bt_clock_steady_ns(); /* watch goes by a clock of its own */
  bt_assumptions_set_clock(&service, bt_known_clock_ahead_ns(&promises.clock, lead_ns));
  watcher->round.late = bt_watch_late_of(&service, &promises.late);
  int64_t delay_ns = bt_watch_late_delay_ns(&watcher->round.late, service.settle_ns);
  bt_watch_schedule_set_late(&watcher->schedule, delay_ns, watcher->round.now_ns);
  say_late_sweep(watcher);
  bool is_same_floor = watcher->schedule.times.settle_ns == service.settle_ns;
  /* Where copies differ every trace that is found is read by id, which costs more than any number of filters. */
  bool may_list = !promises.has_copies && watcher->round.now_ns >= watcher->no_listing_until_ns;
  const bt_watch_asking asking = {
      .service = &service, .dialect = bt_source_dialect(options->source), .may_list = may_list};
  bool are_same = watcher->rules && is_same_floor && watcher->rules->may_list == asking.may_list;
  if (are_same && bt_watch_rules_are(watcher->rules, list)) return BT_OK;
  bt_watch_rules *rules = NULL;
  bt_status status = bt_watch_rules_new(list, &asking, &rules, error);
  if (status != BT_OK) return status;
  watcher->schedule.times.settle_ns = service.settle_ns;
  for (int i = 0; i < BT_SLICE_KINDS && !are_asked_alike(watcher->rules, rules); i++)
    watcher->trying[i].query_count = 0;
  bt_watch_rules_free(watcher->rules);
  watcher->round.rules = watcher->rules = rules;
  say_refused(watcher);
  return BT_OK;
}

/* ---- searching ---- */

/* A full table forgets first what was judged before this slice, then what was sent, and at last what was judged of the
 * slice: it would be read again. */
static bt_status take_found(bt_watcher *watcher, const bt_watch_trying *trying, const bt_found *found, bool of_whole,
                            bt_error *error) {
  const bt_open_set *open = &watcher->outbox.open;
  bt_watch_table *table = &watcher->table;
  bt_status status = bt_watch_slice_take(&watcher->round, trying, found, of_whole, open, table, error);
  if (status != BT_LIMIT) return status;
  bt_watch_table_purge(table, trying->slice.range.start_ns);
  watcher->listed = (bt_time_range){0};
  do status = bt_watch_slice_take(&watcher->round, trying, found, of_whole, open, table, error);
  while (status == BT_LIMIT && forget_sent(watcher));
  if (status != BT_LIMIT) return status;
  bt_watch_table_purge(table, INT64_MAX);
  return bt_watch_slice_take(&watcher->round, trying, found, of_whole, open, table, error);
}

/* A live slice that does not begin where the last one ended leaves a gap. */
static void end_slice(bt_watcher *watcher, const bt_slice *slice) {
  bt_time_range *listed = &watcher->listed;
  bool goes_on = listed->end_ns == slice->range.start_ns && listed->start_ns < listed->end_ns;
  bt_watch_schedule_done(&watcher->schedule, slice);
  if (slice->kind != BT_SLICE_LIVE) return;
  /* Invariant: what is listed ends where the slices have come to, or before. A batch would look no further than that
   * for a trace of which later slices know nothing. */
  assert(listed->end_ns <= slice->range.start_ns);
  *listed = (bt_time_range){goes_on ? listed->start_ns : slice->range.start_ns, slice->range.end_ns};
  if (!watcher->rules->finds_all) *listed = (bt_time_range){0};
}

/* It is done only when every filter was answered in full; until then the next round asks again. */
static bt_status search_slice(bt_watcher *watcher, bt_watch_trying *trying, bt_error *error) {
  const bt_watch_rules *rules = watcher->rules;
  int64_t last_ns = watcher->status.last_trace_ns;
  bt_watch_cost cost = {0};
  bt_status status = BT_OK;
  while (status == BT_OK && trying->query_count < rules->query_count) {
    const bt_watch_query query = rules->queries[trying->query_count];
    bt_found_list found = {0};
    status = bt_watch_slice_ask(&watcher->round, &trying->slice, query.asked, &found, &cost, error);
    for (size_t i = 0; status == BT_OK && i < found.count; i++)
      status = take_found(watcher, trying, &found.items[i], query.of_whole, error);
    bt_found_list_dispose(&found);
    trying->query_count += status == BT_OK;
  }
  if (status == BT_OK && trying->slice.kind == BT_SLICE_LIVE)
    status = bt_watch_slice_look(&watcher->round, &trying->slice, &last_ns, &cost, error);
  count_cost(watcher, &cost, last_ns);
  if (status == BT_OK) end_slice(watcher, &trying->slice);
  return status;
}

static bt_status search_kind(bt_watcher *watcher, bt_slice_kind kind, unsigned most, bt_error *error) {
  bt_watch_trying *trying = &watcher->trying[kind];
  bt_slice due;
  bt_status status = BT_OK;
  bt_error why = {0};
  for (unsigned i = 0; status == BT_OK && i < most; i++) {
    if (!bt_watch_schedule_due(&watcher->schedule, kind, watcher->round.now_ns, &due)) return BT_OK;
    bt_watch_trying_begin(trying, due);
    status = search_slice(watcher, trying, &why);
    bt_watch_trying_end(trying, &watcher->round, status);
    if (status == BT_LIMIT && watcher->rules->may_list)
      watcher->no_listing_until_ns = bt_time_add(watcher->round.now_ns, FILTERS_NS);
  }
  return note_trouble(watcher, "search", status, &why, error);
}

static bt_status search_due(bt_watcher *watcher, bt_error *error) {
  bt_status status = search_kind(watcher, BT_SLICE_LIVE, LIVE_PER_ROUND, error);
  if (watcher->trying[BT_SLICE_LIVE].since_ns) return status; /* what is new goes before what is looked at again */
  if (status == BT_OK) status = search_kind(watcher, BT_SLICE_SWEEP, SWEEPS_PER_ROUND, error);
  if (status == BT_OK) status = search_kind(watcher, BT_SLICE_CATCH_UP, 1, error);
  return status;
}

/* ---- judging ---- */

typedef struct judging {
  bt_watcher *watcher;
  bt_watch_reading reading;
  bt_error full_why; /* there is no room for what was found */
} judging;

/* Only what is read by id shows how it was kept. */
static void note_keeping(bt_watcher *watcher, const bt_trace *trace) {
  bt_sampling_setting setting;
  if (!bt_sampling_setting_parse(watcher->round.options->assumptions.sampling, &setting)) return;
  bt_kept_trace kept = bt_kept_trace_of(trace, &setting);
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.sampling.declared = setting.declared;
  bt_sampled_traces_add(&watcher->status.sampling, trace, &kept);
  pthread_mutex_unlock(&watcher->mutex);
}

static bt_status open_violation(bt_watcher *watcher, const bt_watch_rule *rule, const bt_watch_read *read,
                                const bt_rule_verdict *verdict, bt_watch_hold hold, bt_error *error) {
  bt_violation *violation = NULL;
  const char *tenant = bt_watch_round_scope(&watcher->round);
  bt_status status = bt_violation_new(rule->definition, tenant, read->trace, verdict, &violation, error);
  if (status != BT_OK) return status;
  violation->confirmed_by_id = read->is_final;
  return bt_watch_outbox_add(&watcher->outbox, violation, rule->definition, bt_trace_end_ns(read->trace), hold, error);
}

/* Once for each trace and rule, when the verdict is known. */
static bt_status count_exercised(bt_watcher *watcher, const bt_watch_rule *rule, const bt_trace *trace,
                                 const bt_rule_verdict *verdict, bt_error *error) {
  const bt_rule_definition *definition = rule->definition;
  bool is_new = false;
  if (verdict->exercised != BT_TRUE || !rule->counts_exercised) return BT_OK;
  uint64_t of_rule = bt_str_hash(bt_str_from(definition->fields.id)) ^
                     bt_str_hash(bt_str_from(definition->condition_hash)) * UINT64_C(31);
  bt_status status = bt_watch_counted_add(&watcher->counted, bt_seeded_key(of_rule, &trace->id), &is_new, error);
  if (is_new) bt_metrics_rule_exercised(watcher->round.options->metrics, watcher->tenant, definition->fields.id);
  return status;
}

static bt_status apply_verdict(bt_watcher *watcher, const bt_watch_rule *rule, const bt_watch_read *read,
                               const bt_rule_verdict *verdict, bt_watch_hold hold, bt_error *error) {
  bt_open *open = NULL;
  bool violates = verdict->verdict == BT_VIOLATED;
  if (rule->definition->fields.shadow) return BT_OK;
  if (verdict->verdict == BT_INCONCLUSIVE) {
    bool stays =
        bt_watch_next_of_links(&watcher->round, rule, read->trace, verdict, read->was_asked) == BT_WATCH_NOT_DUE;
    if (stays) count_more(watcher, &watcher->status.inconclusive, 1);
    return BT_OK;
  }
  bt_status status = count_exercised(watcher, rule, read->trace, verdict, error);
  if (status == BT_OK)
    status = bt_watch_outbox_find(&watcher->outbox, rule->definition, &read->trace->id, &open, error);
  if (status != BT_OK) return status;
  if (open && !violates && read->is_final && bt_watch_outbox_take_back(&watcher->outbox, open, hold))
    count_more(watcher, &watcher->status.retractions, 1);
  if (open && violates) open->retract_next = false;
  if (open && violates && open->state > BT_OPEN_EMITTED)
    bt_log(BT_LOG_WARNING, "a violation of rule %s was taken back and has come again; its retraction stays",
           rule->definition->fields.id);
  if (open || !violates) return BT_OK;
  do /* a new violation takes the room of old ones that were sent */
    status = open_violation(watcher, rule, read, verdict, hold, error);
  while (status == BT_LIMIT && forget_sent(watcher));
  if (status != BT_OK) return status;
  count_more(watcher, &watcher->status.violations_found, 1);
  if (read->is_final) note_keeping(watcher, read->trace);
  return BT_OK;
}

/* Only what violates, or was sent and is to be taken back, needs room: one trace may be judged by more rules than the
 * emitter holds. */
static bool may_send(const bt_watch_outbox *outbox, const bt_rule_verdict *verdict) {
  return verdict->verdict == BT_VIOLATED || (bt_watch_is_undone(verdict) && outbox->open.count > 0);
}

/* Without room the trace stays due, and the rules before are found as they are then. */
static bt_status apply_all(judging *j, const bt_watch_read *read, const bt_rule_verdict *verdicts, bt_watched *watched,
                           bt_error *error) {
  bt_watcher *watcher = j->watcher;
  const bt_watch_rules *rules = watcher->rules;
  bt_watch_outbox_ask_room(&watcher->outbox);
  for (size_t i = 0; i < rules->count; i++) {
    bt_error why = {0};
    bt_status status = BT_OK;
    if (!bt_watch_read_is_for(read, &rules->items[i])) continue;
    j->reading.is_full = !watcher->outbox.room && may_send(&watcher->outbox, &verdicts[i]);
    if (!j->reading.is_full) status = apply_verdict(watcher, &rules->items[i], read, &verdicts[i], watched->hold, &why);
    if (status != BT_OK && status != BT_LIMIT) return bt_error_set(error, status, "%s", why.message);
    if (status == BT_LIMIT) j->full_why = why;
    j->reading.is_full = j->reading.is_full || status == BT_LIMIT;
    if (j->reading.is_full) return BT_OK;
  }
  watched->read_with = (uint8_t)(read->projection + 1);
  if (!bt_watch_read_is_last(read, rules)) return BT_OK;
  count_more(watcher, &watcher->status.traces_judged, 1);
  bt_watched_set_next(&watcher->round, read->trace, verdicts, read->was_asked, watched);
  return BT_OK;
}

static void leave_unjudged(bt_watcher *watcher, bt_watched *watched, const char *why) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&watched->id, hex);
  bt_log(BT_LOG_WARNING, "watch cannot judge trace %s: %s", hex, why);
  count_more(watcher, &watcher->status.inconclusive, 1);
  bt_watched_end(&watcher->round, watched);
}

static bt_status take_trace(void *context, const bt_watch_read *read, bt_watched *watched, bt_error *error) {
  judging *j = context;
  bt_watcher *watcher = j->watcher;
  bt_watch_judged judged;
  watched->start_ns = bt_trace_start_ns(read->trace);
  watched->end_ns = bt_trace_end_ns(read->trace);
  bt_status status = bt_watch_judge(&watcher->round, &watcher->outbox, read, watched, &judged, error);
  if (status != BT_OK) return status;
  if (judged.unreached) say_unreached(watcher, &watched->id, judged.unreached);
  switch (judged.fate) {
  case BT_JUDGED_EARLY:
    bt_watched_wait_until(&watcher->round, watched, bt_time_add(watched->end_ns, watcher->schedule.times.settle_ns));
    break;
  case BT_JUDGED_FAILED: leave_unjudged(watcher, watched, judged.why.message); break;
  case BT_JUDGED_AWAITS_LINKS: return bt_watch_reading_leave_to_links(&j->reading, read->trace, error);
  case BT_JUDGED_NEEDS_ID: bt_watch_reading_leave_to_id(&j->reading, watched); break;
  case BT_JUDGED_DECIDED: return apply_all(j, read, judged.verdicts, watched, error);
  }
  return BT_OK;
}

static bt_status read_due(bt_watcher *watcher, bt_error *error) {
  judging j = {.watcher = watcher};
  j.reading = (bt_watch_reading){.round = &watcher->round,
                                 .table = &watcher->table,
                                 .listed = watcher->listed,
                                 .sink = take_trace,
                                 .context = &j,
                                 .has_read = watcher->has_read,
                                 .given = watcher->given};
  bt_status status = bt_watch_reading_run(&j.reading, error);
  watcher->has_read = j.reading.has_read;
  watcher->given = j.reading.given;
  count_cost(watcher, &j.reading.cost, watcher->status.last_trace_ns);
  count_more(watcher, &watcher->status.traces_unread, j.reading.unread);
  if (j.reading.has_lacked) say_lacking(watcher, &j.reading.lacked);
  if (status == BT_OK && j.full_why.status)
    status = bt_error_set(error, BT_LIMIT, "%s", j.full_why.message);
  else if (status == BT_OK && j.reading.is_full)
    status =
        bt_error_set(error, BT_LIMIT, "the queue of violations to send is full: nothing more is judged until it moves");
  bt_watch_reading_dispose(&j.reading);
  return status;
}

static bt_status judge_due(bt_watcher *watcher, bt_error *error) {
  bt_error why = {0};
  size_t bytes = bt_watch_reading_bytes(&watcher->round, &watcher->table);
  bool has_room = bt_watch_room_take(&watcher->memory, bytes);
  while (!has_room && forget_sent(watcher)) has_room = bt_watch_room_take(&watcher->memory, bytes);
  bt_status status = has_room ? read_due(watcher, &why) : bt_watch_room_say(&watcher->memory, "a page of traces", &why);
  if (has_room) bt_watch_room_give(&watcher->memory, bytes);
  return note_trouble(watcher, "read", status, &why, error);
}

/* ---- how far it has come ---- */

static bt_watch_hold find_hold(const bt_watcher *watcher) {
  return bt_watch_hold_join(bt_watch_table_waiting(&watcher->table).hold, bt_open_set_hold(&watcher->outbox.open));
}

/* What became of the last checkpoint. A failure stays in the status until one is taken; the next is made at once. */
static bool has_checkpoint_under_way(bt_watcher *watcher) {
  bt_emitter_checkpoint *one = &watcher->checkpoint;
  bt_error why = {0};
  bt_emitter_fate fate = bt_emitter_take_checkpoint(watcher->outbox.emitter, one, &why);
  if (fate == BT_EMITTER_SENT) watcher->sent_until_ns = one->checkpoint.until_ns;
  if (fate == BT_EMITTER_FAILED) watcher->checkpoint_due_ns = watcher->round.now_ns;
  if (fate == BT_EMITTER_SENT || fate == BT_EMITTER_FAILED) watcher->checkpoint_why = why;
  return fate == BT_EMITTER_UNDER_WAY;
}

/* Whether "no violation" can be said of the present: watch is not behind, and what it looked at has traces. */
static bool is_looking(const bt_watcher *watcher, int64_t done_ns) {
  int64_t settled_ns = bt_time_subtract(watcher->round.now_ns, watcher->schedule.times.settle_ns);
  return bt_time_subtract(settled_ns, done_ns) <= SILENT_NS &&
         bt_time_subtract(done_ns, watcher->status.last_trace_ns) <= SILENT_NS;
}

static bt_checkpoint make_checkpoint(const bt_watcher *watcher, bt_watch_hold hold, int64_t done_ns) {
  const bt_watch_options *options = watcher->round.options;
  const bt_watch_schedule *schedule = &watcher->schedule;
  bt_checkpoint checkpoint = {.until_ns = done_ns,
                              .replica = options->replica,
                              .replicas = options->replicas,
                              .store = options->source_name,
                              .lost = schedule->lost,
                              .is_looking = is_looking(watcher, done_ns)};
  checkpoint.provisional_from_ns = bt_watch_late_provisional_ns(&watcher->round.late, schedule, done_ns);
  checkpoint.gap_count = bt_watch_schedule_gaps(schedule, hold.gaps_ns, checkpoint.gaps);
  bt_watch_schedule_swept(schedule, done_ns, checkpoint.swept_ns);
  memcpy(checkpoint.rules_hash, watcher->rules->hash, sizeof checkpoint.rules_hash);
  return checkpoint;
}

/* By the emitter: a receiver that does not answer must not hold up the rounds. */
static bt_status send_checkpoint(bt_watcher *watcher, const bt_checkpoint *checkpoint, bt_error *error) {
  bool is_under_way = has_checkpoint_under_way(watcher);
  bt_error *why = &watcher->checkpoint_why;
  bt_status status = why->status ? note_trouble(watcher, "checkpoint", BT_UNAVAILABLE, why, error) : BT_OK;
  bool is_due = watcher->round.now_ns >= watcher->checkpoint_due_ns && checkpoint->until_ns > watcher->sent_until_ns;
  if (is_under_way || !is_due) return status;
  watcher->checkpoint = (bt_emitter_checkpoint){.tenant = watcher->tenant, .checkpoint = *checkpoint};
  watcher->checkpoint_due_ns = bt_time_add(watcher->round.now_ns, watcher->round.options->checkpoint_ns);
  bt_emitter_push_checkpoint(watcher->outbox.emitter, &watcher->checkpoint);
  return status;
}

/* A gap that is caught up may find a trace again whose violation was sent hours ago: that stays known until then. */
static void purge_old_traces(bt_watcher *watcher) {
  const bt_watch_times *times = &watcher->schedule.times;
  bt_time_range gaps[BT_WATCH_GAPS_MAX];
  int64_t now_ns = watcher->round.now_ns;
  if (now_ns < watcher->purge_due_ns) return;
  watcher->purge_due_ns = bt_time_add(now_ns, MINUTE_NS);
  int64_t kept_ns = bt_time_add(bt_watch_last_delay(times), times->settle_ns + 3 * times->sweep_step_ns);
  int64_t before_ns = bt_time_subtract(now_ns, kept_ns), open_ns = before_ns;
  int64_t oldest_ns = bt_time_subtract(now_ns, times->catchup_max_ns); /* what is older is not caught up */
  if (bt_watch_schedule_gaps(&watcher->schedule, find_hold(watcher).gaps_ns, gaps))
    open_ns = bt_time_earlier(open_ns, bt_time_later(gaps[0].start_ns, oldest_ns));
  bt_watch_table_purge(&watcher->table, before_ns);
  bt_open_set_purge(&watcher->outbox.open, bt_time_subtract(open_ns, kept_ns));
  bt_watch_counted_age(&watcher->counted, now_ns, kept_ns);
}

/* How far it has come, in the words of its checkpoint; NULL: it has not begun. A round without a failure leaves no
 * message. */
static void show_status(bt_watcher *watcher, const bt_checkpoint *come) {
  pthread_mutex_lock(&watcher->mutex);
  bt_watch_status *status = &watcher->status;
  status->rounds++;
  if (status->message[0])
    status->failed_rounds++;
  else
    status->last_round_ns = watcher->round.now_ns;
  status->waiting = bt_watch_table_waiting(&watcher->table).count;
  status->open = watcher->outbox.open.count;
  if (come) {
    status->is_started = true;
    status->done_ns = come->until_ns;
    status->provisional_from_ns = come->provisional_from_ns;
    status->gap_start_ns = come->gap_count ? come->gaps[0].start_ns : 0;
    status->gap_end_ns = come->gap_count ? come->gaps[come->gap_count - 1].end_ns : 0;
    status->lost_start_ns = come->lost.start_ns;
    status->lost_end_ns = come->lost.end_ns;
  }
  const bt_watch_rules *rules = watcher->rules;
  if (rules) {
    status->rules = rules->count;
    status->refused = rules->refused_count;
    snprintf(status->refused_rule, sizeof status->refused_rule, "%s",
             rules->refused_count ? rules->refused[0]->fields.id : "");
  }
  pthread_mutex_unlock(&watcher->mutex);
}

static void tell_rules(const bt_watcher *watcher, int64_t until_ns) {
  for (size_t i = 0; i < watcher->rules->count; i++) {
    const bt_watch_rule *rule = &watcher->rules->items[i];
    const bt_rule_fields *fields = &rule->definition->fields;
    bt_metrics_rule_watched(watcher->round.options->metrics, watcher->tenant, fields->id, until_ns);
    bt_metrics_rule_counts_exercised(watcher->round.options->metrics, watcher->tenant, fields->id,
                                     rule->counts_exercised && !fields->shadow);
  }
}

/* ---- the round ---- */

static bt_status carry_out(bt_watcher *watcher, const bt_rule_list *rules, bt_error *error) {
  const bt_watch_round *round = &watcher->round;
  bt_watch_start *start = &watcher->start;
  bt_watch_schedule *schedule = &watcher->schedule;
  bt_open_set *open = &watcher->outbox.open;
  bt_error why = {0};
  if (!start->tried_ns) start->tried_ns = round->now_ns;
  bt_status status = refresh_rules(watcher, rules, error);
  if (status != BT_OK) return status;
  if (!start->is_done) status = bt_watch_start_begin(start, round, schedule, open, &why);
  if (status != BT_OK) return note_trouble(watcher, "start", status, &why, error);
  bt_watch_schedule_advance(schedule, round->now_ns);
  bt_watch_schedule_repeat(schedule, watcher->wall_ns, round->now_ns);
  say_lost(watcher);
  bt_watch_outbox_take_sent(&watcher->outbox);
  status = bt_watch_start_look_again(start, round, schedule, &why);
  status = note_trouble(watcher, "start", status, &why, error);
  if (status == BT_OK) {
    status = bt_watch_start_recover_again(start, round, schedule, open, &why);
    status = note_trouble(watcher, "start", status, &why, error);
  }
  if (status == BT_OK) status = search_due(watcher, error);
  if (status == BT_OK) status = judge_due(watcher, error);
  bt_watch_outbox_take_sent(&watcher->outbox);
  purge_old_traces(watcher);
  return status;
}

bt_status bt_watcher_round(bt_watcher *watcher, const bt_rule_list *rules, int64_t now_ns, bt_error *error) {
  watcher->round.now_ns = now_ns;
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.message[0] = '\0';
  pthread_mutex_unlock(&watcher->mutex);
  bt_status status = carry_out(watcher, rules, error);
  if (!watcher->start.is_done) {
    show_status(watcher, NULL);
    return status;
  }
  const bt_watch_hold hold = find_hold(watcher); /* once: it looks through all that waits */
  int64_t done_ns = bt_time_earlier(bt_watch_schedule_done_ns(&watcher->schedule), hold.slices_ns);
  const bt_checkpoint come = make_checkpoint(watcher, hold, done_ns);
  if (status == BT_OK) status = send_checkpoint(watcher, &come, error);
  tell_rules(watcher, done_ns);
  show_status(watcher, &come);
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
