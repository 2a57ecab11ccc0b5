/* Pushing the probes, and waiting until they show: by id soon, by search after the store has cut them into blocks
 * (and after the newest seconds that Tempo 3 hides). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/base/clock.h"
#include "server/doctor/doctor_parts.h"
#include "tempo/wire/pause.h"

enum { UNANSWERED_MAX = 4 };
static const int64_t second_ns = 1000000000;
/* How long after the push a refusal may still come from the time that is asked for: Tempo 3 refuses a range that
 * lies in the seconds it hides. */
static const int64_t refusals_after_ns = 5 * second_ns;
/* The late span of the split trace is sent once the others are in a block, or at the latest after this: they have
 * been cut by then. */
static const int64_t late_after_ns = 15 * second_ns, odd_every_ns = 2 * second_ns;

void bt_doctor_say(const bt_doctor *doctor, const char *format, ...) {
  char line[200];
  va_list list;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  if (doctor->options->progress) doctor->options->progress(doctor->options->progress_context, line);
}

bt_status bt_doctor_pause(const bt_doctor *doctor, int64_t duration_ns, bt_error *error) {
  if (bt_pause_ms(doctor->options->cancel, duration_ns / 1000000)) return BT_OK;
  return bt_error_set(error, BT_CANCELLED, "stopped");
}

/* ---- pushing ---- */

static bt_status push_part(bt_doctor *doctor, unsigned part, bt_error *error) {
  const bt_doctor_options *options = doctor->options;
  const bt_probes *probes = &doctor->report->probes;
  bt_export_result result = {0};
  bt_status status = bt_otlp_export(options->client, &options->exporter, probes->resources[part],
                                    probes->resource_counts[part], options->cancel, &result, error);
  if (status == BT_OK && !result.rejected) return bt_doctor_push_odd(doctor, part, error);
  if (status != BT_OK) return status;
  return bt_error_set(error, BT_REFUSED, "the receiver did not take %" PRIu64 " of the probes' spans: %.190s",
                      result.rejected, result.message);
}

/* ---- looking ---- */

typedef struct waiting {
  bt_doctor *doctor;
  uint64_t all, split;
  bool is_late_sent, has_late, shows_late;      /* by id, by search */
  unsigned unanswered;                          /* in a row */
  char by_id_problem[200], search_problem[200]; /* refused for good */
  int64_t pushed_ns;                            /* monotonic */
  int64_t looked_for_odd_ns;                    /* likewise, the last time */
} waiting;

static const bt_filter root_spans = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "doctor.root"),
                       late_spans = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "doctor.late");
static const bt_query every_root = {.filter = &root_spans}, every_late = {.filter = &late_spans};

static bt_status note_by_id(void *context, const bt_read_trace *read, bt_error *error) {
  waiting *w = context;
  uint64_t bit = UINT64_C(1) << read->index;
  uint32_t wanted = w->doctor->report->probes.items[read->index].trace->span_count;
  (void)error;
  if (!read->trace) return BT_OK;
  w->doctor->by_id |= bit;
  if (bit & w->split && read->trace->span_count >= wanted) w->has_late = true;
  return BT_OK;
}

/* 401 and 403 are no facts about a store. */
static bt_status check_access(const bt_doctor *doctor, const char *reason, bt_error *error) {
  int status = bt_exchanges_last_status(doctor->options->exchanges);
  return status == 401 || status == 403 ? bt_error_set(error, BT_UNAVAILABLE, "%s", reason) : BT_OK;
}

static bt_status note_problem(waiting *w, const char *reason, bool is_refused, char kept[200], bt_error *error) {
  int64_t tail_ns = w->doctor->report->hidden_tail_ns, elapsed_ns = bt_clock_monotonic_ns() - w->pushed_ns;
  bool is_final = elapsed_ns > refusals_after_ns + (tail_ns > 0 ? tail_ns : 0);
  w->unanswered = is_refused ? 0 : w->unanswered + 1;
  if (is_refused && is_final) snprintf(kept, 200, "%s", reason);
  return check_access(w->doctor, reason, error);
}

static bt_status look_by_id(waiting *w, bt_error *error) {
  bt_doctor_read read = {.which = w->all & ~w->doctor->by_id, .sink = note_by_id, .context = w};
  bt_doctor_read_end end;
  if (w->is_late_sent && !w->has_late) read.which |= w->split;
  if (!read.which || w->by_id_problem[0]) return BT_OK;
  bt_status status = bt_doctor_read_probes(w->doctor, &read, &end, error);
  if (status != BT_OK) return status;
  if (end.reason[0]) return note_problem(w, end.reason, end.is_refused, w->by_id_problem, error);
  w->unanswered = 0;
  if (w->doctor->by_id == w->all && !w->doctor->by_id_ns) w->doctor->by_id_ns = bt_clock_monotonic_ns() - w->pushed_ns;
  return BT_OK;
}

static bt_status search_for(waiting *w, bt_query query, uint64_t *found, bt_error *error) {
  bt_doctor_answer answer = {.query = query};
  if (w->search_problem[0]) return BT_OK;
  bt_status status =
      bt_doctor_search_at(w->doctor, w->doctor->options->store, bt_doctor_narrow(w->doctor), &answer, error);
  if (status != BT_OK) return status;
  if (!answer.is_answered) return note_problem(w, answer.reason, answer.is_refused, w->search_problem, error);
  w->unanswered = 0;
  *found |= answer.found;
  return BT_OK;
}

static bt_status look_by_search(waiting *w, bt_error *error) {
  uint64_t late = 0;
  bt_status status = BT_OK;
  if (w->doctor->shown != w->all) status = search_for(w, every_root, &w->doctor->shown, error);
  if (status == BT_OK && w->is_late_sent && !w->shows_late) status = search_for(w, every_late, &late, error);
  if (late & w->split) w->shows_late = true;
  bool is_whole = w->doctor->shown == w->all && w->shows_late;
  if (is_whole && !w->doctor->shown_ns) w->doctor->shown_ns = bt_clock_monotonic_ns() - w->pushed_ns;
  return status;
}

/* ---- waiting ---- */

static bt_status send_late(waiting *w, int64_t elapsed_ns, bt_error *error) {
  int64_t wait_ns = w->doctor->options->wait_ns / 2, after_ns = wait_ns < late_after_ns ? wait_ns : late_after_ns;
  bool is_time = w->doctor->shown & w->split || w->search_problem[0] || elapsed_ns >= after_ns;
  if (w->is_late_sent || !is_time) return BT_OK;
  w->is_late_sent = true;
  return push_part(w->doctor, 1, error);
}

/* Not in every turn: nothing waits for them. */
static bt_status look_for_odd(waiting *w, bt_error *error) {
  int64_t now_ns = bt_clock_monotonic_ns();
  if (w->search_problem[0] || now_ns - w->looked_for_odd_ns < odd_every_ns) return BT_OK;
  w->looked_for_odd_ns = now_ns;
  return bt_doctor_look_for_odd(w->doctor, false, error);
}

static bt_status wait_for_all(waiting *w, bt_error *error) {
  bt_doctor *doctor = w->doctor;
  for (;;) {
    int64_t elapsed_ns = bt_clock_monotonic_ns() - w->pushed_ns;
    bt_status status = look_by_id(w, error);
    if (status == BT_OK) status = look_by_search(w, error);
    if (status == BT_OK) status = look_for_odd(w, error);
    if (status == BT_OK) status = send_late(w, elapsed_ns, error);
    if (status != BT_OK) return status;
    bool by_id = (doctor->by_id == w->all && w->has_late) || w->by_id_problem[0];
    bool by_search = (doctor->shown == w->all && w->shows_late) || w->search_problem[0];
    if (w->unanswered >= UNANSWERED_MAX || (w->is_late_sent && by_id && by_search)) return BT_OK;
    if (elapsed_ns >= doctor->options->wait_ns) return BT_OK;
    bt_doctor_say(doctor,
                  "waiting for the store to show the probes: %u of %u are found after %" PRId64 " s, at most %" PRId64
                  " s (--wait)",
                  bt_doctor_count(doctor->shown) - (doctor->shown == w->all && !w->shows_late), bt_doctor_count(w->all),
                  elapsed_ns / second_ns, doctor->options->wait_ns / second_ns);
    int64_t pause_ns = elapsed_ns < 5 * second_ns    ? second_ns / 4
                       : elapsed_ns < 30 * second_ns ? second_ns
                                                     : 2 * second_ns;
    status = bt_doctor_pause(doctor, pause_ns, error);
    if (status != BT_OK) return status;
  }
}

/* ---- what it came to ---- */

typedef struct shown {
  bt_doctor_aspect aspect;
  uint64_t found;
  int64_t after_ns;
  const char *problem; /* refused; "": not */
  bt_query query;      /* without filter: by id */
} shown;

static bt_status say_shown(const waiting *w, const shown *s, bt_error *error) {
  bt_doctor *doctor = w->doctor;
  bt_fact *fact = NULL;
  uint64_t lacking = w->all & ~s->found;
  bt_status status = bt_fact_open(doctor, NULL, s->aspect, NULL, &fact, error);
  if (status != BT_OK || !fact) return status;
  fact->expected = bt_doctor_text(doctor, "%u traces", bt_doctor_count(w->all));
  bool is_whole = !lacking && s->after_ns;
  if (is_whole) {
    bt_fact_close(doctor, fact, BT_FACT_HOLDS, bt_doctor_text(doctor, "all after %.1f s", (double)s->after_ns / 1e9),
                  NULL);
    return BT_OK;
  }
  bt_buffer labels = {0};
  bt_doctor_write_labels(&doctor->report->probes, lacking ? lacking : w->split, &labels);
  bt_str asked = s->query.filter ? bt_doctor_query_text(doctor, s->query) : (bt_str){0};
  status = bt_fact_add(doctor, fact, NULL, asked, error, "%s: %s", s->problem[0] ? s->problem : "not found",
                       labels.ptr ? labels.ptr : "");
  bt_buffer_dispose(&labels);
  bool is_unknown = !s->problem[0] && w->unanswered >= UNANSWERED_MAX;
  const char *seen = s->problem[0] ? "refused"
                                   : bt_doctor_text(doctor, "%u after %" PRId64 " s", bt_doctor_count(s->found),
                                                    (bt_clock_monotonic_ns() - w->pushed_ns) / second_ns);
  bt_fact_close(doctor, fact, is_unknown ? BT_FACT_UNKNOWN : BT_FACT_FAILS, seen,
                s->problem[0] ? bt_doctor_means_refused : bt_doctor_aspects[s->aspect].means);
  return status;
}

static bt_status say_both(const waiting *w, bt_error *error) {
  const bt_doctor *doctor = w->doctor;
  const shown by_id = {BT_ASPECT_FOUND_BY_ID,
                       w->has_late ? doctor->by_id : doctor->by_id & ~w->split,
                       doctor->by_id_ns,
                       w->by_id_problem,
                       {.filter = NULL}};
  const shown by_search = {BT_ASPECT_FOUND_BY_SEARCH, w->shows_late ? doctor->shown : doctor->shown & ~w->split,
                           doctor->shown_ns, w->search_problem, every_root};
  bt_status status = say_shown(w, &by_id, error);
  return status == BT_OK ? say_shown(w, &by_search, error) : status;
}

static bt_status nothing_there(const waiting *w, bt_error *error) {
  if (w->doctor->options->run)
    return bt_error_set(error, BT_UNAVAILABLE,
                        "none of the probes of run %s is there any more: were they sent to this store and tenant, and "
                        "is its retention longer than their age?",
                        w->doctor->options->run);
  return bt_error_set(error, BT_UNAVAILABLE,
                      "none of the probes that --otlp took is found by its id or by a search within %" PRId64
                      " s: does --otlp lead to the store of --store or --tempo, and to the same tenant (--tenant)?",
                      (bt_clock_monotonic_ns() - w->pushed_ns) / second_ns);
}

bt_status bt_doctor_push_and_wait(bt_doctor *doctor, bt_error *error) {
  const bt_probes *probes = &doctor->report->probes;
  bool is_again = doctor->options->run != NULL;
  waiting w = {.doctor = doctor,
               .all = bt_probes_all(probes),
               .split = bt_probes_with(probes, BT_PROBE_SPLIT),
               .is_late_sent = is_again,
               .pushed_ns = bt_clock_monotonic_ns()};
  bt_status status = BT_OK;
  if (!is_again) {
    bt_doctor_say(doctor, "pushing %zu probe traces", probes->count);
    status = push_part(doctor, 0, error);
    doctor->report->pushed_ns = bt_clock_wall_ns();
  }
  if (status == BT_OK) status = wait_for_all(&w, error);
  if (status != BT_OK) return status;
  bool is_known = w.by_id_problem[0] || w.search_problem[0] || w.unanswered >= UNANSWERED_MAX;
  if (!doctor->by_id && !doctor->shown && !is_known) return nothing_there(&w, error);
  return say_both(&w, error);
}
