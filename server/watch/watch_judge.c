/* Reading and judging what has become quiet. In batches first; by id where a batch cannot give it, where a violation
 * rests on absence (only by id shows what Tempo has not handed over yet), and before anything is taken back. A trace
 * that cannot be read stays due; one that many reads did not give, while they gave others and for longer than lookback,
 * is counted and said. Thread: the watcher's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "dsl/trace/keeping.h"
#include "server/base/eval_limit.h"
#include "server/base/log.h"
#include "server/replay/violation.h"
#include "server/watch/watch_due_times.h"
#include "server/watch/watch_families.h"
#include "server/watch/watcher.h"
#include "tempo/wire/own_trace.h"

enum {
  BATCH_MAX = 500,
  RANGE_MAX = 16384, /* where they are most of what lies in their range */
  BY_ID_MAX = 50,
  FAILURES_MAX = 16
};
static const int64_t LONGEST_SKIPPED_NS = (int64_t)10 * 1000000000; /* interval of rounds of which one reads nothing */
static const int64_t TOLD_AGAIN_NS = INT64_C(600) * 1000000000;

typedef struct judging {
  bt_watcher *watcher;
  bt_trace_id *ids; /* that were due, oldest first */
  size_t count;
  bt_trace_id *by_id; /* of these: to be read by id */
  size_t by_id_count;
  uint32_t *span_counts;   /* room for as many as ids */
  bt_watch_linked linked;  /* of these: to be judged with the traces that links tie to them */
  bool was_asked;          /* of that: no question has failed */
  const bt_trace_id *page; /* of the read under way */
  bool is_final;           /* it is by id */
  unsigned projection;     /* else of these rules alone */
  bool lacks_shown;        /* the trace that is judged has not all spans that searches showed of it */
  unsigned failures;       /* of reads in batches, then of reads by id */
  bool is_over;            /* nothing more is asked in this round */
  bool is_full;            /* the emitter takes no more, or there is no room: the rest waits for the next round */
  bool has_no_room;
  bt_error full_why;
} judging;

static void add_to_counter(bt_watcher *watcher, uint64_t *counter, uint64_t by) {
  pthread_mutex_lock(&watcher->mutex);
  *counter += by;
  pthread_mutex_unlock(&watcher->mutex);
}

/* ---- verdicts ---- */

static bool has_ended_before(const bt_watcher *watcher, const bt_trace *trace, int64_t settle_ns) {
  return bt_trace_end_ns(trace) <= bt_time_subtract(watcher->now_ns, settle_ns);
}

static void set_options(const judging *j, const bt_trace *trace) {
  const bt_watcher *watcher = j->watcher;
  const bt_watch_rules *rules = watcher->rules;
  bool is_sampled = bt_keeping_may_lack(trace, 0);
  for (size_t i = 0; i < rules->count; i++) {
    const bt_watch_rule *rule = &rules->items[i];
    rules->options[i].sampled = is_sampled;
    rules->options[i].incomplete = trace->partial || j->lacks_shown ||
                                   !has_ended_before(watcher, trace, rule->settle_ns) ||
                                   (rule->require_complete && trace->missing_parents);
  }
}

static bt_status open_of(const bt_watcher *watcher, const bt_rule_definition *definition, const bt_trace *trace,
                         bt_open **out, bt_error *error) {
  bt_own_ids ids;
  bt_status status = bt_violation_ids_derive(bt_str_from(watcher->tenant), bt_str_from(definition->fields.id),
                                             bt_str_from(definition->condition_hash), &trace->id, &ids, error);
  *out = status == BT_OK ? bt_open_set_find(&watcher->open, &ids.trace_id) : NULL;
  return status;
}

static bool is_undone(const bt_rule_verdict *verdict) {
  return verdict->verdict == BT_SATISFIED || verdict->verdict == BT_NOT_APPLICABLE;
}

/* It was told, or waits to be, and nothing takes it back. */
static bool is_open(const bt_open *open) {
  return open && open->state <= BT_OPEN_EMITTED && !open->retract_next;
}

/* Whether what a batch says of this rule is not enough: for a violation that rests on absence and is not known yet, and
 * for one that is known and is none here. */
static bt_status needs_by_id(const bt_watcher *watcher, size_t rule, const bt_trace *trace,
                             const bt_rule_verdict *verdict, const bt_watched *watched, bool *out, bt_error *error) {
  const bt_watch_rule *r = &watcher->rules->items[rule];
  bt_open *open = NULL;
  if (*out || r->definition->fields.shadow) return BT_OK;
  bool shows_absence = !r->whole_trace && verdict->verdict == BT_VIOLATED && r->rests_on_absence;
  *out = r->whole_trace && watched->is_of_whole; /* what no filter of such a rule has found does not violate it */
  if (*out || (!r->whole_trace && !shows_absence && !is_undone(verdict))) return BT_OK;
  bt_status status = open_of(watcher, r->definition, trace, &open, error);
  *out = is_open(open) != shows_absence;
  return status;
}

static bt_status try_open(bt_watcher *watcher, const bt_watch_rule *rule, const bt_trace *trace,
                          const bt_rule_verdict *verdict, bool is_final, bt_open **out, bt_error *error) {
  bt_violation *violation = NULL;
  const char *tenant = bt_watcher_scope(watcher);
  bt_status status = bt_violation_new(rule->definition, tenant, trace, verdict, &violation, error);
  if (status != BT_OK) return status;
  violation->confirmed_by_id = is_final;
  return bt_open_set_add(&watcher->open, violation, rule->definition, out, error);
}

/* Only what is read by id shows how it was kept. */
static void note_keeping(bt_watcher *watcher, const bt_trace *trace) {
  bt_sampling_setting setting;
  if (!bt_sampling_setting_parse(watcher->options->assumptions.sampling, &setting)) return;
  bt_kept_trace kept = bt_kept_trace_of(trace, &setting);
  pthread_mutex_lock(&watcher->mutex);
  watcher->status.sampling.declared = setting.declared;
  bt_sampled_traces_add(&watcher->status.sampling, trace, &kept);
  pthread_mutex_unlock(&watcher->mutex);
}

/* What was sent gives way to what was not. */
static bt_status open_violation(bt_watcher *watcher, const bt_watch_rule *rule, const bt_trace *trace,
                                const bt_rule_verdict *verdict, const bt_watched *watched, bool is_final,
                                bt_error *error) {
  bt_open *open = NULL;
  bt_status status = try_open(watcher, rule, trace, verdict, is_final, &open, error);
  while (status == BT_LIMIT && bt_watcher_forget_sent(watcher))
    status = try_open(watcher, rule, trace, verdict, is_final, &open, error);
  if (status != BT_OK) return status;
  open->trace_end_ns = bt_trace_end_ns(trace);
  open->holds_ns = watched->holds_ns;
  open->gap_holds_ns = watched->gap_holds_ns;
  add_to_counter(watcher, &watcher->status.violations_found, 1);
  if (is_final) note_keeping(watcher, trace);
  bt_watcher_push(watcher, open, false);
  return BT_OK;
}

/* Later spans have undone it. What still waits to be sent is taken back once it was. */
static void take_back(bt_watcher *watcher, bt_open *open, const bt_watched *watched) {
  if (open->retract_next || open->state > BT_OPEN_EMITTED) return;
  open->holds_ns = watched->holds_ns < open->holds_ns ? watched->holds_ns : open->holds_ns;
  open->gap_holds_ns = watched->gap_holds_ns < open->gap_holds_ns ? watched->gap_holds_ns : open->gap_holds_ns;
  if (open->state == BT_OPEN_QUEUED)
    open->retract_next = true;
  else
    bt_watcher_push(watcher, open, true);
  add_to_counter(watcher, &watcher->status.retractions, 1);
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
  if (is_new) bt_metrics_rule_exercised(watcher->options->metrics, watcher->tenant, definition->fields.id);
  return status;
}

static bt_status apply_verdict(judging *j, size_t rule, const bt_trace *trace, const bt_rule_verdict *verdict,
                               const bt_watched *watched, bt_error *error) {
  bt_watcher *watcher = j->watcher;
  const bt_watch_rule *r = &watcher->rules->items[rule];
  bt_open *open = NULL;
  if (r->definition->fields.shadow) return BT_OK;
  if (verdict->verdict == BT_INCONCLUSIVE) {
    bool stays = bt_watch_next_of_links(watcher, rule, trace, verdict, j->was_asked) == INT64_MAX;
    if (stays) add_to_counter(watcher, &watcher->status.inconclusive, 1);
    return BT_OK;
  }
  bt_status status = count_exercised(watcher, r, trace, verdict, error);
  if (status == BT_OK) status = open_of(watcher, r->definition, trace, &open, error);
  if (status != BT_OK) return status;
  if (open && verdict->verdict != BT_VIOLATED && j->is_final) take_back(watcher, open, watched);
  if (open && open->retract_next && verdict->verdict == BT_VIOLATED) open->retract_next = false;
  if (open && open->state > BT_OPEN_EMITTED && verdict->verdict == BT_VIOLATED)
    bt_log(BT_LOG_WARNING, "a violation of rule %s was taken back and has come again; its retraction stays",
           r->definition->fields.id);
  if (open || verdict->verdict != BT_VIOLATED) return BT_OK;
  return open_violation(watcher, r, trace, verdict, watched, j->is_final, error);
}

/* A page that was halved gives its first traces again, and so does another projection. */
static bt_status queue_by_id(judging *j, const bt_trace_id *id) {
  bt_watched *watched = bt_watch_table_find(&j->watcher->table, id);
  if (!watched || watched->waits_by_id || j->by_id_count == j->count) return BT_OK;
  watched->waits_by_id = true;
  j->by_id[j->by_id_count++] = *id;
  return BT_OK;
}

/* Whether this read gives what the rule reads: of one that reads whole traces only where it was found for it. */
static bool is_read_for(const judging *j, const bt_watch_rule *rule) {
  return j->is_final || (!rule->whole_trace && rule->projection == j->projection);
}

static bool is_last_read(const judging *j) {
  return j->is_final || j->projection + 1 == j->watcher->rules->projection_count;
}

/* A batch may lack its beginning. */
static bool is_long(const bt_watcher *watcher, const bt_trace *trace) {
  return bt_trace_latest_start_ns(trace) - bt_trace_start_ns(trace) > watcher->rules->longest_margin_ns;
}

/* Only what violates, or was sent and is to be taken back, needs room: one trace may be judged by more rules than the
 * emitter holds. */
static bool may_send(const bt_watcher *watcher, const bt_rule_verdict *verdict) {
  return verdict->verdict == BT_VIOLATED || (is_undone(verdict) && watcher->open.count > 0);
}

static bt_status apply_all(judging *j, const bt_trace *trace, const bt_rule_verdict *verdicts, bt_watched *watched,
                           bt_error *error) {
  bt_watcher *watcher = j->watcher;
  const bt_watch_rule *rules = watcher->rules->items;
  bt_status status = BT_OK;
  /* What is new lies with ingesters, and of copies a batch gives what one of them has. */
  bool by_id = !j->is_final && (is_long(watcher, trace) || bt_source_known(watcher->options->source).has_copies);
  for (size_t i = 0; !j->is_final && status == BT_OK && i < watcher->rules->count; i++)
    if (rules[i].whole_trace || is_read_for(j, &rules[i]))
      status = needs_by_id(watcher, i, trace, &verdicts[i], watched, &by_id, error);
  if (status != BT_OK) return status;
  if (by_id) return queue_by_id(j, &trace->id);
  watcher->room = bt_emitter_room(watcher->emitter, watcher);
  for (size_t i = 0; status == BT_OK && !j->is_full && i < watcher->rules->count; i++) {
    if (!is_read_for(j, &rules[i])) continue;
    if (!watcher->room && may_send(watcher, &verdicts[i]))
      j->is_full = true; /* it stays due, and the rules before are found as they are then */
    else
      status = apply_verdict(j, i, trace, &verdicts[i], watched, &j->full_why);
    if (status == BT_LIMIT) {
      j->is_full = j->has_no_room = true; /* the same */
      status = BT_OK;
    }
  }
  if (status != BT_OK && error) *error = j->full_why;
  if (status != BT_OK || j->is_full) return status;
  watched->read_with = (uint8_t)(j->projection + 1);
  if (!is_last_read(j)) return BT_OK;
  add_to_counter(watcher, &watcher->status.traces_judged, 1);
  bt_watched_set_next(watcher, trace, verdicts, j->was_asked, watched);
  return BT_OK;
}

/* What many traces have is one line in ten minutes; the counter has them all. */
static bool is_to_be_told(const bt_watcher *watcher, int64_t *told_ns) {
  if (*told_ns && watcher->now_ns - *told_ns < TOLD_AGAIN_NS) return false;
  *told_ns = watcher->now_ns;
  return true;
}

static void say_lacking(bt_watcher *watcher, const bt_trace *trace) {
  char hex[BT_TRACE_ID_HEX + 1];
  if (!is_to_be_told(watcher, &watcher->told_lacking_ns)) return;
  bt_trace_id_format(&trace->id, hex);
  bt_log(BT_LOG_WARNING,
         "watch read trace %s, which lacks a span that a search had shown: what rests on absence there is "
         "inconclusive, and watch looks again with its next sweep",
         hex);
}

static void say_unreached(bt_watcher *watcher, const bt_trace *trace, const bt_rule_verdict *verdicts) {
  size_t first = 0, count = watcher->rules->count;
  char hex[BT_TRACE_ID_HEX + 1];
  while (first < count && (verdicts[first].verdict != BT_INCONCLUSIVE || verdicts[first].reason != BT_REASON_BUDGET))
    first++;
  if (first == count || !is_to_be_told(watcher, &watcher->told_unreached_ns)) return;
  bt_trace_id_format(&trace->id, hex);
  bt_log(BT_LOG_WARNING,
         "watch could not reach the verdict of rule %s on trace %s (budget): it took too many steps, too much text or "
         "too much processor time. Nothing is sent for it, and watch goes on with the next trace",
         watcher->rules->items[first].definition->fields.id, hex);
}

/* The verdict, or what shows it. */
static bool awaits_links(const bt_watcher *watcher, const bt_trace *trace, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < watcher->rules->count; i++)
    if (bt_watch_awaits_links(watcher, i, trace, &verdicts[i]) ||
        bt_watch_awaits_choices(watcher, i, trace, &verdicts[i]))
      return true;
  return false;
}

static bt_status evaluate_trace(const judging *j, const bt_trace *trace, const bt_family *family,
                                const bt_rule_verdict **verdicts, bt_error *error) {
  const bt_watcher *watcher = j->watcher;
  const bt_watch_rules *rules = watcher->rules;
  bt_eval_limit limit = {.cancel = watcher->cancel, .most_cpu_ns = watcher->options->most_cpu_ns};
  set_options(j, trace);
  return family ? bt_eval_run_family_within(&limit, rules->evaluator, family, rules->options, verdicts, error)
                : bt_eval_run_within(&limit, rules->evaluator, trace, rules->options, verdicts, error);
}

/* family: of the trace, or NULL. Without it, what links may decide is left to that. */
static bt_status judge_trace(judging *j, const bt_trace *trace, const bt_family *family, bt_watched *watched,
                             bt_error *error) {
  bt_watcher *watcher = j->watcher;
  const bt_rule_verdict *verdicts = NULL;
  bt_error why = {0};
  watched->start_ns = bt_trace_start_ns(trace);
  watched->end_ns = bt_trace_end_ns(trace);
  if (!has_ended_before(watcher, trace, watcher->schedule.times.settle_ns) &&
      !bt_watched_has_waited_long(watcher, watched)) {
    bt_watched_wait_until(watcher, watched, bt_time_add(watched->end_ns, watcher->schedule.times.settle_ns));
    return BT_OK;
  }
  bt_status status = evaluate_trace(j, trace, family, &verdicts, &why);
  if (status == BT_OK && !family && is_last_read(j) && awaits_links(watcher, trace, verdicts))
    return bt_watch_linked_add(&j->linked, trace, error);
  if (status == BT_OK) say_unreached(watcher, trace, verdicts);
  if (status == BT_OK) return apply_all(j, trace, verdicts, watched, error);
  if (status != BT_LIMIT) return bt_error_set(error, status, "%s", why.message);
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, hex);
  bt_log(BT_LOG_WARNING, "watch cannot judge trace %s: %s", hex, why.message);
  add_to_counter(watcher, &watcher->status.inconclusive, 1);
  bt_watched_end(watcher, watched);
  return BT_OK;
}

/* ---- reading ---- */

static bt_status take_missing(judging *j, bt_watched *watched) {
  bt_watcher *watcher = j->watcher;
  char hex[BT_TRACE_ID_HEX + 1];
  if (!j->is_final) return queue_by_id(j, &watched->id);
  if (!bt_watched_has_missed_often(watcher, watched)) {
    bt_watched_wait_until(watcher, watched, bt_time_add(watcher->now_ns, watcher->options->interval_ns));
    return BT_OK;
  }
  bt_trace_id_format(&watched->id, hex);
  bt_log(BT_LOG_WARNING, "watch gives up on trace %s: search found it, and no read has given it since", hex);
  add_to_counter(watcher, &watcher->status.traces_unread, 1);
  bt_watched_end(watcher, watched);
  return BT_OK;
}

/* NULL: it is not due. */
static bt_watched *find_due(bt_watcher *watcher, const bt_trace_id *id) {
  bt_watched *watched = bt_watch_table_find(&watcher->table, id);
  return watched && watched->due_ns <= watcher->now_ns ? watched : NULL;
}

/* A read by id that lacks what a search has shown is judged as incomplete. Sweeps look at the trace again. */
static bool lacks_shown(judging *j, const bt_trace *read, const bt_watched *watched) {
  const bt_shown *shown = &watched->shown;
  bool has_all = j->is_final ? bt_shown_ids_are_in(shown, read)
                             : bt_shown_are_in(shown, read) && bt_shown_values_are_in(shown, read);
  j->lacks_shown = !has_all;
  if (!has_all && j->is_final) say_lacking(j->watcher, read);
  return j->lacks_shown;
}

/* Of the records of a span that a batch showed, this read by id has one: which is right nobody knows. Then *in_doubt is
 * the trace, as one of which nothing is decided. */
static const bt_trace *doubt_copies(const judging *j, const bt_trace *read, bt_watched *watched, bt_trace *in_doubt) {
  if (!j->is_final) watched->has_copies = read->differing_copies || (j->projection && watched->has_copies);
  if (!watched->has_copies || read->differing_copies) return read;
  *in_doubt = *read;
  in_doubt->differing_copies = in_doubt->has_more_copies = true;
  return in_doubt;
}

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  bt_trace in_doubt;
  judging *j = context;
  bt_watcher *watcher = j->watcher;
  if (bt_is_cancelled(watcher->cancel)) return bt_error_set(error, BT_CANCELLED, "watching was cancelled");
  const bt_trace_id *id = &j->page[read->index];
  bt_watched *watched = find_due(watcher, id);
  watcher->given += read->trace != NULL;
  if (!watched || j->is_full) return BT_OK;
  const bt_trace *trace = read->trace ? doubt_copies(j, read->trace, watched, &in_doubt) : NULL;
  if (read->needs_by_id && !j->is_final) return queue_by_id(j, id);
  if (!trace || !trace->span_count) return take_missing(j, watched);
  if (j->is_final && bt_trace_is_own(read->trace, bt_str_from(watcher->tenant))) {
    bt_watched_end(watcher, watched);
    return BT_OK;
  }
  if (lacks_shown(j, trace, watched) && !j->is_final) return queue_by_id(j, id);
  return judge_trace(j, trace, NULL, watched, error);
}

/* Of a trace that seems to be longer, as one span of 1970 makes it, a batch need not show more: it is read by id. */
static const int64_t LONGEST_NS = (int64_t)8 * 24 * 3600 * 1000000000;

/* Slices have found every fragment of it: those of up to margin before would be in the table, which forgets no trace
 * before lookback. What is stored later than the slice was searched the sweeps find, and they widen this. */
static bool has_every_fragment(const bt_watcher *watcher, const bt_watched *watched) {
  int64_t margin_ns = watcher->rules->longest_margin_ns;
  return watched->listed_until_ns && margin_ns <= watcher->schedule.times.lookback_ns &&
         watcher->listed.start_ns < watcher->listed.end_ns &&
         bt_time_subtract(watched->start_ns, margin_ns) >= watcher->listed.start_ns;
}

/* Of one trace. Where a slice may have passed over some of it: from the earliest start less margin to now, because late
 * spans lie in blocks dated by their arrival. */
static bt_time_range range_of_trace(const bt_watcher *watcher, const bt_watched *watched) {
  int64_t now_ns = watcher->now_ns;
  int64_t end_ns = bt_time_earlier(watched->end_ns, bt_time_add(now_ns, LONGEST_NS));
  int64_t start_ns = bt_time_later(watched->start_ns, bt_time_subtract(end_ns, LONGEST_NS));
  if (has_every_fragment(watcher, watched))
    return (bt_time_range){start_ns, bt_time_later(end_ns, watched->listed_until_ns)};
  return (bt_time_range){bt_time_subtract(start_ns, watcher->rules->longest_margin_ns), bt_time_later(end_ns, now_ns)};
}

static bt_time_range range_of(const judging *j, const bt_trace_id *ids, size_t size) {
  bt_time_range range = {INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < size; i++) {
    const bt_watched *watched = bt_watch_table_find(&j->watcher->table, &ids[i]);
    bt_time_range one = range_of_trace(j->watcher, watched);
    range.start_ns = bt_time_earlier(range.start_ns, one.start_ns);
    range.end_ns = bt_time_later(range.end_ns, one.end_ns);
  }
  return (bt_time_range){range.start_ns, bt_time_add(range.end_ns, 1)};
}

/* How many of them one batch reads: those that lie close to each other, because it costs Tempo what lies in its range.
 * One that is looked for far back, or that a sweep found, would have the others pay for that. */
static size_t count_close(const judging *j, const bt_trace_id *ids, size_t most) {
  bt_watcher *watcher = j->watcher;
  const bt_watched *first = bt_watch_table_find(&watcher->table, &ids[0]);
  bool is_whole = has_every_fragment(watcher, first);
  bt_time_range range = range_of_trace(watcher, first);
  size_t count = 1;
  for (; !j->is_final && count < most; count++) {
    const bt_watched *next = bt_watch_table_find(&watcher->table, &ids[count]);
    bt_time_range one = range_of_trace(watcher, next);
    int64_t apart_ns = bt_time_subtract(one.start_ns, range.end_ns);
    if (has_every_fragment(watcher, next) != is_whole || apart_ns > watcher->schedule.times.settle_ns) break;
    range = (bt_time_range){bt_time_earlier(range.start_ns, one.start_ns), bt_time_later(range.end_ns, one.end_ns)};
  }
  return count;
}

/* A page of a range, which holds more than one of ids, has no place in a small limit. */
static const size_t RANGE_BYTES = (size_t)16 << 20;
static bool reads_ranges(const bt_watcher *watcher) {
  enum { PART = 16 };
  return watcher->rules->finds_all && bt_memory_limit(watcher->options->memory) / PART >= RANGE_BYTES;
}

/* Whether so many are most of what lies there, as far as the slices have listed it and the table remembers it. */
static bool are_most(const judging *j, size_t count, bt_time_range range) {
  enum { OF = 3, AT_LEAST = 2 };
  const bt_watcher *watcher = j->watcher;
  int64_t known_ns =
      bt_time_later(watcher->listed.start_ns, bt_time_subtract(watcher->now_ns, watcher->schedule.times.lookback_ns));
  bool is_listed = watcher->listed.start_ns < watcher->listed.end_ns && known_ns <= range.start_ns;
  size_t there = 0;
  if (j->is_final || !watcher->rules->finds_all || !is_listed) return false;
  for (size_t i = 0; i < watcher->table.count; i++) {
    const bt_watched *watched = &watcher->table.traces[i];
    there += watched->start_ns < range.end_ns && watched->end_ns >= range.start_ns;
  }
  return OF * count >= AT_LEAST * there;
}

/* What one read asks for. */
typedef struct read_part {
  size_t count;
  bt_time_range range;
  bool are_most;
} read_part;

static read_part first_part(const judging *j, const bt_trace_id *ids, size_t most) {
  read_part part = {.count = count_close(j, ids, most)};
  part.range = range_of(j, ids, part.count);
  part.are_most = are_most(j, part.count, part.range);
  return part;
}

static read_part choose_part(const judging *j, const bt_trace_id *ids, size_t most) {
  read_part part = first_part(j, ids, most);
  return part.count <= BATCH_MAX || part.are_most ? part : first_part(j, ids, BATCH_MAX);
}

static bt_status read_page(judging *j, const bt_trace_id *ids, const read_part *part, bt_error *error) {
  bt_watcher *watcher = j->watcher;
  for (size_t i = 0; i < part->count; i++)
    j->span_counts[i] = bt_watch_table_find(&watcher->table, &ids[i])->span_count;
  bt_read_request request = {.ids = ids,
                             .count = part->count,
                             .span_counts = j->span_counts,
                             .range = part->range,
                             .are_most = part->are_most,
                             .projection = j->is_final ? NULL : &watcher->rules->projections[j->projection],
                             .by_id = j->is_final,
                             .with_own = j->is_final,
                             .tenant = bt_watcher_scope(watcher),
                             .cancel = watcher->cancel,
                             .priority = BT_PRIORITY_WATCH};
  bt_source_account account = {0};
  j->page = ids;
  bt_status status = bt_source_read(watcher->options->source, &request, take_read, j, &account, error);
  add_to_counter(watcher, &watcher->status.requests, account.requests);
  add_to_counter(watcher, &watcher->status.bytes_inspected, account.bytes_inspected);
  bt_source_account_dispose(&account);
  return status;
}

/* A batch that failed says nothing about a trace, and neither does a source that has given no other since the last
 * time: nobody knows whether it gives any. */
static void fail_read(judging *j, const bt_trace_id *id) {
  bt_watcher *watcher = j->watcher;
  if (!j->is_final) {
    (void)queue_by_id(j, id); /* BT_OK, always */
    return;
  }
  bt_watched *watched = find_due(watcher, id);
  if (!watched || watched->given_at == watcher->given) return;
  watched->given_at = watcher->given;
  if (!bt_watched_has_missed_often(watcher, watched)) return;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  bt_log(BT_LOG_WARNING, "watch gives up on trace %s: reads of it have failed %d times, and others were given", hex,
         BT_WATCH_MISSES_MAX);
  add_to_counter(watcher, &watcher->status.traces_unread, 1);
  bt_watched_end(watcher, watched);
}

/* Whether the other pages are worth a question: a source that is gone answers none. */
static bool goes_on_after(judging *j, bt_status status) {
  bt_error why = {0};
  j->is_over =
      status == BT_CANCELLED || status == BT_NO_MEMORY ||
      (status == BT_UNAVAILABLE && bt_source_check(j->watcher->options->source, j->watcher->cancel, &why) != BT_OK);
  return !j->is_over && ++j->failures <= FAILURES_MAX;
}

/* Of a page that failed, what it has not given, moved to its end; returns how many. */
static size_t keep_due(const judging *j, bt_trace_id *ids, size_t size) {
  size_t from = size;
  for (size_t i = size; i-- > 0;)
    if (find_due(j->watcher, &ids[i])) ids[--from] = ids[i];
  return size - from;
}

/* What a page could not give stays due. A page that fails is halved until it is one trace, so that one which cannot be
 * read holds up no other; what is answered makes the next one larger. */
static bt_status read_pages(judging *j, bt_trace_id *ids, size_t size, size_t most, bt_error *error) {
  bt_status status = BT_OK;
  size_t page = most;
  while (size && !j->is_full) {
    const read_part part = choose_part(j, ids, size < page ? size : page);
    size_t now = part.count, left = 0;
    bt_error why = {0};
    bt_status one = read_page(j, ids, &part, &why);
    if (one != BT_OK) status = bt_error_set(error, one, "%s", why.message);
    if (one != BT_OK && !goes_on_after(j, one)) return status;
    if (one != BT_OK && now > 1)
      left = keep_due(j, ids, now);
    else if (one != BT_OK)
      fail_read(j, ids);
    page = left > 1 ? left / 2 : left ? 1 : page < most ? 2 * page : most;
    ids += now - left;
    size -= now - left;
  }
  return status;
}

/* Of so many ids those that the next batches read; first those whose fragments are all known, each in their order.
 * The ids of the others go through by_id, which has room for all behind what waits there. */
static size_t keep_unread(judging *j, size_t count) {
  size_t known = 0, others = 0;
  bt_trace_id *aside = j->by_id + j->by_id_count;
  for (size_t i = 0; i < count; i++) {
    const bt_watched *watched = find_due(j->watcher, &j->ids[i]);
    if (!watched || watched->waits_by_id || watched->read_with != j->projection) continue;
    if (has_every_fragment(j->watcher, watched))
      j->ids[known++] = j->ids[i];
    else
      aside[others++] = j->ids[i];
  }
  memcpy(j->ids + known, aside, others * sizeof *aside);
  return known + others;
}

/* Once with each projection. What is not due any more, is read by id, or was not given by one is left out of the next.
 */
static bt_status read_batches(judging *j, bt_error *error) {
  bt_status status = BT_OK;
  size_t count = j->count;
  for (size_t i = 0; i < count; i++) {
    bt_watched *watched = bt_watch_table_find(&j->watcher->table, &j->ids[i]);
    watched->waits_by_id = false;
    watched->read_with = 0;
  }
  for (; j->projection < j->watcher->rules->projection_count && !j->is_over; j->projection++) {
    bt_error why = {0};
    count = keep_unread(j, count);
    bt_status one = read_pages(j, j->ids, count, reads_ranges(j->watcher) ? RANGE_MAX : BATCH_MAX, &why);
    if (one != BT_OK) status = bt_error_set(error, one, "%s", why.message);
    if (one == BT_CANCELLED || one == BT_NO_MEMORY) break;
  }
  return status;
}

/* ---- with linked traces ---- */

static bt_status judge_family(judging *j, const bt_family *family, bt_watched *watched, bt_error *error) {
  bt_trace in_doubt;
  const bt_trace *own = family->traces[0].trace, *trace = doubt_copies(j, own, watched, &in_doubt);
  (void)lacks_shown(j, own, watched);
  if (trace == own) return judge_trace(j, own, family, watched, error);
  bt_family_trace *traces = bt_realloc_array(NULL, family->trace_count, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  traces[0].trace = trace;
  bt_status status =
      judge_trace(j, trace, &(bt_family){.traces = traces, .trace_count = family->trace_count}, watched, error);
  free(traces);
  return status;
}

/* It was read by id, with the others. */
static bt_status take_family(void *context, const bt_trace_id *id, const bt_family *family, bool was_asked,
                             bt_error *error) {
  judging *j = context;
  bt_watched *watched = find_due(j->watcher, id);
  j->was_asked = was_asked;
  if (!watched || j->is_full) return BT_OK;
  j->watcher->given += family != NULL;
  if (!family) return take_missing(j, watched);
  return judge_family(j, family, watched, error);
}

/* ---- a round ---- */

static bt_status list_due(judging *j, bt_error *error) {
  bt_status status = bt_watch_list_due(j->watcher, &j->ids, &j->count, error);
  j->by_id = bt_realloc_array(NULL, j->count + 1, sizeof *j->by_id);
  j->span_counts = bt_realloc_array(NULL, j->count + 1, sizeof *j->span_counts);
  return status == BT_OK && !(j->by_id && j->span_counts) ? bt_error_no_memory(error) : status;
}

/* The lists of what is due, and a page as it is read and judged; of a small limit a part. */
static size_t bytes_of_round(const bt_watcher *watcher) {
  static const size_t page_bytes = (size_t)2 << 20;
  enum { PAGE_PART = 64 };
  size_t part = bt_memory_limit(watcher->options->memory) / PAGE_PART;
  size_t each = sizeof(bt_due_trace) + 2 * sizeof(bt_trace_id) + sizeof(uint32_t);
  if (watcher->rules->longest_within_ns) each += sizeof(bt_given_trace);
  size_t page = reads_ranges(watcher) ? RANGE_BYTES : part < page_bytes ? part : page_bytes;
  return (watcher->table.count + 1) * each + page;
}

/* A read of every trace costs Tempo about what the search of a slice does. Of short rounds every other one reads under
 * steady traffic, unless there is a whole page (tests/bench/bench_watch_share.py). A longer one would tell violations
 * that much later. */
static bool skips_read(bt_watcher *watcher, size_t due) {
  bool is_short = watcher->rules->finds_all && watcher->options->interval_ns <= LONGEST_SKIPPED_NS;
  bool skips_now = is_short && watcher->has_read && due < BATCH_MAX;
  watcher->has_read = due && !skips_now;
  return skips_now;
}

bt_status bt_watch_judge_due(bt_watcher *watcher, bt_error *error) {
  judging j = {.watcher = watcher, .was_asked = true};
  bt_error why = {0};
  size_t room_bytes = bytes_of_round(watcher);
  bool has_room = bt_watch_room_take(&watcher->memory, room_bytes);
  while (!has_room && bt_watcher_forget_sent(watcher)) has_room = bt_watch_room_take(&watcher->memory, room_bytes);
  if (!has_room) {
    bt_status full = bt_watch_room_say(&watcher->memory, "a page of traces", &why);
    return bt_watcher_note(watcher, "read", full, &why, error);
  }
  bt_status status = list_due(&j, &why);
  if (status == BT_OK && skips_read(watcher, j.count)) j.count = 0;
  if (status == BT_OK) status = read_batches(&j, &why);
  if (!j.is_over && status != BT_NO_MEMORY && j.by_id_count) {
    bt_error later = {0};
    j.is_final = true;
    j.failures = 0;
    bt_status by_id = read_pages(&j, j.by_id, j.by_id_count, BY_ID_MAX, &later);
    if (by_id != BT_OK) {
      status = by_id;
      why = later;
    }
  }
  if (!j.is_over && status != BT_NO_MEMORY && !j.is_full && j.linked.count) {
    bt_error later = {0};
    j.is_final = true;
    bt_status linked = bt_watch_linked_gather(watcher, &j.linked, take_family, &j, &later);
    if (linked != BT_OK) {
      status = linked;
      why = later;
    }
  }
  if (status == BT_OK && j.has_no_room) {
    status = BT_LIMIT;
    why = j.full_why;
  } else if (status == BT_OK && j.is_full)
    status =
        bt_error_set(&why, BT_LIMIT, "the queue of violations to send is full: nothing more is judged until it moves");
  free(j.ids);
  free(j.by_id);
  free(j.span_counts);
  bt_watch_linked_dispose(&j.linked);
  bt_watch_room_give(&watcher->memory, room_bytes);
  return bt_watcher_note(watcher, "read", status, &why, error);
}
