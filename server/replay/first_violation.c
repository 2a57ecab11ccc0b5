/* The earliest violation of a rule. See first_violation.h. Each window is a replay of its own that counts nothing it
 * does not need; adjacent windows neither overlap nor leave a gap, so together they are one. A violation's time is its
 * witness's, which may lie after its trace's time: once one is found, windows go on up to that time. Thread: the
 * caller's. */
#include "server/replay/first_violation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/replay/marked_traces.h"

enum {
  FIRST_PART = 64,     /* the first window is that part of the range, but not shorter than margin */
  GROWTH = 2,          /* of the next window: no more is read in vain than was needed */
  EMPTY_GROWTH = 8,    /* after a window without candidates, which cost a search only */
  FIRST_READS = 500,   /* traces to read in the first window */
  GAPS_NAMED = 24,     /* so long a part of the range without any trace is named */
  CHECKED_BY_ID = 4,   /* of a window's violations the earliest */
  FAILED_IN_A_ROW = 2, /* windows of which nothing could be asked: then the source is gone */
  HALVES_READ = 500,   /* traces of which only a part was found: so many are read */
  FAR_FOUND = 5000     /* else, so many are looked for in the rest of the range */
};

/* ---- where the data of the source begin: a little is listed from the left; a part without traces lets the next one be
 * larger, a part with too many is cut ---- */

enum { LISTED_MAX = 1000, STEP_FACTOR = 16, SEARCHES_MAX = 16 };
static const int64_t PRECISION_NS = 1000000000, MINUTE_NS = INT64_C(60000000000);
static const int64_t EARLIER_NS = INT64_C(7) * 24 * 3600 * 1000000000;

typedef enum data_found { DATA_NONE, DATA_SOME, DATA_MANY, DATA_UNKNOWN } data_found;

typedef struct edge {
  bt_source *source;
  const bt_replay_request *request;
  bt_first_result *result;
} edge;

static int64_t earliest_of(const bt_found_list *found, int64_t not_before_ns) {
  int64_t earliest_ns = INT64_MAX;
  for (size_t i = 0; i < found->count; i++)
    if (found->items[i].start_ns < earliest_ns) earliest_ns = found->items[i].start_ns;
  return earliest_ns > not_before_ns ? earliest_ns : not_before_ns;
}

/* *earliest_ns: set for DATA_SOME. */
static bt_status look_at_edge(const edge *e, bt_time_range range, size_t most, data_found *out, int64_t *earliest_ns,
                              bt_error *error) {
  bt_search_request search = {.query = bt_other_traces_query(),
                              .range = range,
                              .max_found = most,
                              .tenant = e->request->tenant,
                              .cancel = e->request->cancel,
                              .rule_id = e->request->rules[0]->fields.id,
                              .priority = e->request->priority};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_status status = bt_source_search(e->source, &search, &found, &account, error);
  e->result->requests += account.requests;
  e->result->bytes_inspected += account.bytes_inspected;
  e->result->bytes_received += account.bytes_received;
  *out = DATA_UNKNOWN;
  if (status == BT_LIMIT)
    *out = DATA_MANY;
  else if (status == BT_OK && !account.failed_count)
    *out = found.count ? DATA_SOME : DATA_NONE;
  *earliest_ns = earliest_of(&found, range.start_ns);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return status == BT_CANCELLED || status == BT_NO_MEMORY ? status : BT_OK;
}

/* Windows that were said to be empty need no second look. */
static int64_t end_of_leading_gap(const bt_coverage *coverage) {
  bool has_gap = coverage->windows_empty_count && coverage->windows_empty[0].start_ns == coverage->asked.start_ns;
  return has_gap ? coverage->windows_empty[0].end_ns : coverage->asked.start_ns;
}

static bt_status find_data_from(const edge *e, int64_t margin_ns, bt_error *error) {
  bt_coverage *coverage = &e->result->coverage;
  int64_t low_ns = end_of_leading_gap(coverage), step_ns = margin_ns > PRECISION_NS ? margin_ns : PRECISION_NS;
  int64_t high_ns = coverage->has_data_from ? coverage->data_from_ns : coverage->effective_end_ns;
  bool has_data = coverage->has_data_from;
  for (int i = 0; i < SEARCHES_MAX && low_ns < high_ns; i++) {
    data_found answer;
    int64_t earliest_ns, end_ns = bt_time_add(low_ns, step_ns);
    if (end_ns > high_ns) end_ns = high_ns;
    bt_status status = look_at_edge(e, (bt_time_range){low_ns, end_ns}, LISTED_MAX, &answer, &earliest_ns, error);
    if (status != BT_OK) return status;
    if (answer == DATA_UNKNOWN) break;
    if (answer == DATA_NONE) {
      low_ns = end_ns;
      step_ns = step_ns > INT64_MAX / STEP_FACTOR ? INT64_MAX : step_ns * STEP_FACTOR;
      continue;
    }
    has_data = true;
    high_ns = answer == DATA_SOME ? earliest_ns : end_ns;
    step_ns = (end_ns - low_ns) / STEP_FACTOR;
    if (answer == DATA_SOME) break;
    if (step_ns >= PRECISION_NS) continue;
    high_ns = low_ns;
  }
  coverage->has_data_from = has_data;
  if (has_data) coverage->data_from_ns = high_ns;
  return BT_OK;
}

/* Completes coverage.data_from, which the windows know of candidates only, and says whether the violation lies at
 * the edge of the data. A few small searches; one that fails leaves what is known. BT_CANCELLED, BT_NO_MEMORY end
 * it. */
static bt_status find_edge(bt_source *source, const bt_replay_request *request, int64_t margin_ns,
                           bt_first_result *result, bt_error *error) {
  edge e = {source, request, result};
  const bt_coverage *coverage = &result->coverage;
  bt_status status = find_data_from(&e, margin_ns, error);
  if (status != BT_OK || !result->violation) return status;
  int64_t data_from_ns = coverage->data_from_ns, start_ns = coverage->asked.start_ns, earliest_ns;
  result->at_edge_of_data = bt_time_subtract(result->violation->time_ns, data_from_ns) <= margin_ns;
  if (!result->at_edge_of_data || bt_time_subtract(data_from_ns, start_ns) > margin_ns) return BT_OK;
  /* Data from about the start of the range on: what lies before it tells. */
  data_found answer;
  status = look_at_edge(&e, (bt_time_range){bt_time_subtract(start_ns, EARLIER_NS), start_ns}, 1, &answer, &earliest_ns,
                        error);
  result->at_edge_of_data = answer == DATA_NONE || answer == DATA_UNKNOWN;
  return status;
}

/* ---- the descent ---- */

typedef struct descent {
  bt_source *source;
  bt_replay_request window; /* of the window in work */
  bt_time_range range;
  const bt_replay_observer *observer;
  bt_first_result *result;
  int64_t margin_ns, settled_end_ns;
  int64_t position_ns, size_ns; /* everything before the position was looked at */
  size_t most_reads;
  bool was_cut; /* the window in work is what was cut off: it is read whatever there is */
  unsigned failed_in_a_row;
  bool is_cancelled, has_data;
  uint64_t sample_differences, unread_differences, dropped;
  bt_moment first_inconclusive;
  char failure[240];
  bt_seen_traces seen;   /* what the windows decided */
  size_t whole_windows;  /* that were not cut */
  bool needs_several;    /* what breaks the rule is found by several searches together */
  bt_seen_traces halves; /* of which they found a part before the violation, and not the rest */
  bool halves_are_open;  /* not all of them were read */
  bt_data_notes *notes;  /* what the rule met in all that was read; NULL: nobody wants to know */
} descent;

/* ---- what a window's replay tells ---- */

static bool is_earlier(const bt_violation *a, const bt_violation *b) {
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns;
  return bt_trace_id_compare(&a->trace_id, &b->trace_id) < 0;
}

static bt_status keep_earliest(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  descent *d = context;
  bt_first_result *result = d->result;
  (void)rule;
  (void)error;
  d->has_data = true; /* though it may begin where nothing else does */
  if (result->violation && !is_earlier(violation, result->violation)) {
    bt_violation_free(violation);
    return BT_OK;
  }
  bt_violation_free(result->violation);
  result->violation = violation;
  return BT_OK;
}

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  const descent *d = context;
  if (!d->observer || !d->observer->progress) return;
  double length = (double)(d->range.end_ns - d->range.start_ns);
  double done = (double)(d->position_ns - d->range.start_ns);
  double part = (double)(d->window.range.end_ns - d->window.range.start_ns);
  d->observer->progress(d->observer->context, (done + part * fraction) / length, so_far);
}

/* ---- windows ---- */

static bool goes_on(const descent *d) {
  const bt_violation *found = d->result->violation;
  if (d->is_cancelled || d->failed_in_a_row >= FAILED_IN_A_ROW || d->position_ns >= d->range.end_ns) return false;
  return !found || d->position_ns <= found->time_ns;
}

/* The tail that is not settled yet belongs to the window before it: alone it could say nothing. */
static int64_t end_of_window(const descent *d) {
  const bt_violation *found = d->result->violation;
  int64_t end_ns = bt_time_add(d->position_ns, d->size_ns);
  if (found && bt_time_add(found->time_ns, 1) < end_ns) end_ns = bt_time_add(found->time_ns, 1);
  return end_ns >= d->settled_end_ns || end_ns > d->range.end_ns ? d->range.end_ns : end_ns;
}

static void take_counters(descent *d, const bt_replay_result *window) {
  bt_first_result *result = d->result;
  const bt_rule_result *rule = &window->rules[0];
  const bt_moment *inconclusive = &rule->first_inconclusive;
  result->traces_read += rule->traces_read;
  result->inconclusive += rule->inconclusive;
  d->sample_differences += window->differences_spread ? rule->sample_differences : 0;
  d->unread_differences += window->differences_spread ? rule->unread_differences : 0;
  d->dropped += window->dropped;
  bool is_first =
      inconclusive->is_set && (!d->first_inconclusive.is_set || inconclusive->time_ns < d->first_inconclusive.time_ns);
  if (is_first) d->first_inconclusive = *inconclusive;
}

static bool is_empty_window(const bt_coverage *coverage) {
  const bt_time_range *empty = coverage->windows_empty;
  return coverage->windows_empty_count && empty->start_ns <= coverage->asked.start_ns &&
         empty->end_ns >= coverage->asked.end_ns;
}

static void take_outcome(descent *d, const bt_replay_result *window) {
  const bt_coverage *coverage = &window->coverage;
  bool failed = window->outcome == BT_REPLAY_FAILED;
  if (window->outcome == BT_REPLAY_CANCELLED) d->is_cancelled = true;
  if (!is_empty_window(coverage) || coverage->unsettled) d->has_data = true;
  d->failed_in_a_row = failed ? d->failed_in_a_row + 1 : 0;
  if (failed) snprintf(d->failure, sizeof d->failure, "%s", window->reason);
}

static int64_t grow_number(int64_t number, int64_t factor) {
  return number > INT64_MAX / factor ? INT64_MAX : number * factor;
}

/* What each replay counts, whatever it found. */
static void take_costs(bt_first_result *result, const bt_replay_result *replay) {
  result->requests += replay->requests;
  result->bytes_inspected += replay->bytes_inspected;
  result->bytes_received += replay->bytes_received;
  result->noted_traces += replay->noted_traces;
}

static bt_status take_window(descent *d, const bt_replay_result *window, bt_error *error) {
  bt_first_result *result = d->result;
  result->windows++;
  take_costs(result, window);
  d->was_cut = window->is_cut;
  if (window->is_cut) {
    d->size_ns = window->cut_ns - d->position_ns;
    return BT_OK;
  }
  take_counters(d, window);
  take_outcome(d, window);
  if (!d->is_cancelled) d->position_ns = d->window.range.end_ns;
  d->whole_windows++;
  bt_policy_seen_join(&result->policy, &window->rules[0].policy);
  d->needs_several = window->needs_several;
  d->size_ns = grow_number(d->size_ns, window->rules[0].traces_candidate ? GROWTH : EMPTY_GROWTH);
  d->most_reads = (size_t)grow_number((int64_t)d->most_reads, GROWTH);
  return bt_coverage_join(&result->coverage, &window->coverage, error);
}

static bt_status look_at_window(descent *d, bt_error *error) {
  bt_replay_observer observer = {.context = d, .progress = show_progress, .violation = keep_earliest};
  bt_replay_result window = {0};
  d->window.range = (bt_time_range){d->position_ns, end_of_window(d)};
  d->window.most_reads = d->was_cut ? 0 : d->most_reads;
  bt_status status = bt_replay_run(d->source, &d->window, &observer, &window, error);
  if (status == BT_OK) status = take_window(d, &window, error);
  bt_replay_result_dispose(&window);
  return status;
}

/* ---- all of them once more, as one ---- */

static bt_status take_whole(descent *d, bt_replay_result *whole, bt_error *error) {
  bt_first_result *result = d->result;
  take_costs(result, whole);
  take_counters(d, whole);
  if (whole->outcome == BT_REPLAY_CANCELLED) d->is_cancelled = true;
  if (whole->outcome == BT_REPLAY_FAILED) {
    d->failed_in_a_row = FAILED_IN_A_ROW;
    snprintf(d->failure, sizeof d->failure, "%s", whole->reason);
  }
  whole->coverage.unsettled = whole->coverage.unended = whole->coverage.outside = 0; /* windows counted them */
  /* It may see traces in what was empty to a window: spans that came late. */
  if (whole->outcome <= BT_REPLAY_INCOMPLETE) result->coverage.windows_empty_count = 0;
  return bt_coverage_join(&result->coverage, &whole->coverage, error);
}

static bool is_gone(const descent *d) {
  return d->is_cancelled || d->failed_in_a_row >= FAILED_IN_A_ROW || bt_source_known(d->source).is_static;
}

/* A violation was found, and what comes after it was not looked at. */
static bool leaves_rest(const descent *d) {
  return d->result->violation && d->position_ns < d->range.end_ns;
}

/* A trace may have what makes it a candidate in several windows, none of which finds it then; and what comes later than
 * is promised is found by a question over all that a window does not ask about. So all that was looked at is asked
 * for as a replay asks for it, and read is what no window decided. A file shows whole traces to each window. */
static bt_status look_at_whole(descent *d, bt_error *error) {
  bt_replay_observer observer = {.context = d, .violation = keep_earliest};
  bt_replay_result whole = {0};
  bt_replay_request request = d->window;
  request.range = (bt_time_range){d->range.start_ns, bt_time_earlier(d->position_ns, d->range.end_ns)};
  request.most_reads = 0;
  if (d->position_ns >= d->range.end_ns) request.whole = (bt_time_range){0};
  bool looks_for_halves = d->needs_several && leaves_rest(d);
  if (looks_for_halves) {
    request.halves = &d->halves;
    request.halves_until_ns = d->result->violation->time_ns;
  }
  if (is_gone(d) || (d->whole_windows < 2 && !looks_for_halves) || !d->has_data) return BT_OK;
  bt_status status = bt_replay_run(d->source, &request, &observer, &whole, error);
  if (status == BT_OK) status = take_whole(d, &whole, error);
  bt_replay_result_dispose(&whole);
  return status;
}

/* ---- traces that go on behind all that was looked at ---- */

/* So few are read whole; of more, only what has the rest in the range, too. */
static bt_replay_request request_of_halves(const descent *d) {
  bt_replay_request request = d->window;
  request.only = &d->halves;
  request.strategy = BT_STRATEGY_READ;
  request.range = d->range;
  request.every_part = d->halves.count <= HALVES_READ;
  request.most_found = request.every_part ? 0 : FAR_FOUND;
  request.most_reads = request.every_part ? 0 : HALVES_READ;
  request.gap_step_ns = 0; /* where data are is known */
  if (request.every_part)
    request.range.end_ns = bt_time_earlier(d->position_ns, d->range.end_ns);
  else
    request.whole = (bt_time_range){0};
  return request;
}

static void take_halves(descent *d, const bt_replay_result *read) {
  take_costs(d->result, read);
  if (read->outcome == BT_REPLAY_CANCELLED) d->is_cancelled = true;
  d->halves_are_open =
      read->is_cut || read->may_lack || read->outcome == BT_REPLAY_FAILED || read->coverage.windows_failed_count;
  if (!read->is_cut) take_counters(d, read);
}

/* The trace may be longer than margin, and its rest lie behind what was looked at: then no search that was asked shows
 * that it breaks the rule. */
static bt_status look_at_halves(descent *d, bt_error *error) {
  bt_replay_observer observer = {.context = d, .violation = keep_earliest};
  bt_replay_result read = {0};
  if (is_gone(d) || !leaves_rest(d) || !d->halves.count) return BT_OK;
  bt_replay_request request = request_of_halves(d);
  bt_status status = bt_replay_run(d->source, &request, &observer, &read, error);
  if (status == BT_OK) take_halves(d, &read);
  bt_replay_result_dispose(&read);
  return status;
}

/* ---- what all of them say together ---- */

/* A trace with a span at the failure begins at most margin before it, and so does every violation of it. */
static bool is_failure_before(const descent *d, int64_t time_ns) {
  const bt_coverage *coverage = &d->result->coverage;
  for (size_t i = 0; i < coverage->windows_failed_count; i++)
    if (bt_time_subtract(coverage->windows_failed[i].range.start_ns, d->margin_ns) <= time_ns) return true;
  return false;
}

static void say_outcome(bt_first_result *result, bt_replay_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say_outcome(bt_first_result *result, bt_replay_outcome outcome, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(result->reason, sizeof result->reason, format, arguments);
  va_end(arguments);
  result->outcome = outcome;
}

static bool is_inconclusive_before(const descent *d, int64_t time_ns) {
  return d->first_inconclusive.is_set && d->first_inconclusive.time_ns <= time_ns;
}

static void say_unsettled(bt_first_result *result) {
  char until[40];
  bt_time_format(result->coverage.late_until_ns, until);
  if (result->coverage.late_until_ns && result->violation)
    say_outcome(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_LATE_FOUND, until);
  else if (result->coverage.late_until_ns)
    say_outcome(result, BT_REPLAY_INCOMPLETE,
                "unsettled: none among the traces that it shows; until %.19sZ it may hide late ones", until);
  else
    say_outcome(result, BT_REPLAY_INCOMPLETE,
                "unsettled: the whole range is younger than settle, nothing in it is final yet");
}

/* What is missing before that time; without anything missing the outcome stays completed. */
static void conclude_until(descent *d, int64_t time_ns) {
  bt_first_result *result = d->result;
  const bt_coverage *coverage = &result->coverage;
  if (d->is_cancelled)
    say_outcome(result, BT_REPLAY_CANCELLED,
                "cancelled: it was cancelled, or its time was over, before everything was read");
  else if (d->failed_in_a_row && !result->violation)
    say_outcome(result, BT_REPLAY_FAILED, "%s", d->failure);
  else if (is_failure_before(d, time_ns))
    say_outcome(result, BT_REPLAY_INCOMPLETE,
                "windows_failed: %zu windows or traces could not be read; the first: %.150s",
                coverage->windows_failed_count, coverage->windows_failed[0].reason);
  else if (d->sample_differences)
    say_outcome(result, BT_REPLAY_INCOMPLETE,
                "sample_differs: %llu of the traces that were read again by id are judged otherwise than in the batch",
                (unsigned long long)d->sample_differences);
  else if (d->unread_differences)
    say_outcome(
        result, BT_REPLAY_INCOMPLETE,
        "search_differs: %llu violations are in traces that the searches had ruled out; others like them were not read",
        (unsigned long long)d->unread_differences);
  else if (d->dropped)
    say_outcome(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_DROPPED, (unsigned long long)d->dropped);
  else if (is_inconclusive_before(d, time_ns))
    say_outcome(
        result, BT_REPLAY_INCOMPLETE,
        "inconclusive: %llu traces could not be judged for sure, and one of them may have violated the rule first",
        (unsigned long long)result->inconclusive);
  else if (d->halves_are_open)
    say_outcome(
        result, BT_REPLAY_INCOMPLETE,
        "long_traces: no trace shorter than margin broke the rule before; %zu traces have a part of what breaks "
        "it, and not all of them were looked at after that time",
        d->halves.count);
  else if (d->settled_end_ns <= d->range.start_ns)
    say_unsettled(result);
  else if (!d->has_data)
    say_outcome(result, BT_REPLAY_INCOMPLETE, BT_REPLAY_NO_DATA);
}

/* What was not kept was not read: that one was seen stays true, and that none was is no "none". */
static void say_sampled(bt_first_result *result, int64_t start_ns) {
  const bt_sampled_traces *sampling = &result->coverage.sampling;
  int64_t since_ns = bt_policy_since(&result->policy, &sampling->declared);
  if (!bt_sampled_traces_lack(sampling) || (since_ns && since_ns <= start_ns)) return;
  if (result->violation)
    say_outcome(result, BT_REPLAY_COMPLETED, "sampled: an earlier one may not have been kept");
  else
    say_outcome(result, BT_REPLAY_INCOMPLETE, "sampled: none was seen among the traces that were kept");
}

static void conclude_descent(descent *d) {
  bt_first_result *result = d->result;
  bt_coverage *coverage = &result->coverage;
  const bt_violation *found = result->violation;
  result->outcome = BT_REPLAY_COMPLETED;
  conclude_until(d, found ? found->time_ns : INT64_MAX);
  if (found && found->provisional && result->outcome == BT_REPLAY_COMPLETED)
    say_outcome(result, BT_REPLAY_INCOMPLETE,
                "unsettled: the violation's trace is not settled yet, its verdict may change");
  if (result->outcome == BT_REPLAY_COMPLETED) say_sampled(result, d->range.start_ns);
  bool is_all_there = !coverage->kept_from_ns && !coverage->redacted_ns;
  result->proven = found && result->outcome == BT_REPLAY_COMPLETED && !result->reason[0] && is_all_there;
  result->looked_at = (bt_time_range){d->range.start_ns, d->position_ns};
  coverage->effective_end_ns = d->position_ns < d->settled_end_ns ? d->position_ns : d->settled_end_ns;
  coverage->complete = !d->is_cancelled && !coverage->windows_failed_count && !d->sample_differences &&
                       !d->unread_differences && !d->dropped && !d->halves_are_open && d->has_data &&
                       coverage->effective_end_ns > d->range.start_ns;
}

/* Windows are said to be empty as a whole only, and the last may hold more than half of the range. */
static bt_status look_at_end(const descent *d, bt_error *error) {
  enum { SMALL_PART = 24 };
  bt_coverage *coverage = &d->result->coverage;
  bt_time_range gap = {coverage->asked.start_ns, bt_time_earlier(coverage->effective_end_ns, coverage->asked.end_ns)};
  int64_t length_ns = bt_time_subtract(gap.end_ns, gap.start_ns), earliest_ns;
  int64_t least_ns = bt_time_earlier(bt_time_later(d->margin_ns, length_ns / SMALL_PART), length_ns / 2);
  least_ns = bt_time_later(least_ns, MINUTE_NS);
  edge e = {d->source, &d->window, d->result};
  data_found answer = DATA_UNKNOWN;
  gap.start_ns = bt_time_subtract(gap.end_ns, least_ns + 1);
  if (length_ns < 2 || gap.start_ns < coverage->asked.start_ns) return BT_OK;
  bt_status status = look_at_edge(&e, gap, 1, &answer, &earliest_ns, error);
  if (status != BT_OK || answer != DATA_NONE) return status;
  const bt_coverage more = {.windows_empty = &gap,
                            .windows_empty_count = 1,
                            .effective_end_ns = coverage->effective_end_ns,
                            .assumptions = coverage->assumptions,
                            .source = coverage->source};
  return bt_coverage_join(coverage, &more, error);
}

/* None that was seen is no "none in this range" where the range had no trace at its beginning or its end. */
static bt_status hold_range(const descent *d, bt_error *error) {
  bt_first_result *result = d->result;
  bt_time_range gap;
  bt_status status = BT_OK;
  if (result->violation || result->outcome != BT_REPLAY_COMPLETED) return BT_OK;
  if (!bt_coverage_ends_early(&result->coverage, &gap)) status = look_at_end(d, error);
  if (status == BT_OK && bt_coverage_say_partial(&result->coverage, result->reason, sizeof result->reason)) {
    result->outcome = BT_REPLAY_INCOMPLETE;
    result->coverage.complete = false;
  }
  return status;
}

/* ---- the whole ---- */

static void begin_descent(descent *d, const bt_replay_request *request) {
  bt_replay_request *window = &d->window;
  *window = *request;
  if (!window->now_ns) window->now_ns = bt_clock_wall_ns();
  window->count = BT_COUNT_AT_LEAST;
  window->sample_size = CHECKED_BY_ID;
  window->wants_earliest = true;
  window->whole = d->range;
  window->seen = &d->seen;
  window->gap_step_ns = bt_time_subtract(d->range.end_ns, d->range.start_ns) / GAPS_NAMED + 1;
  window->gap_is_whole = true;
  bt_promises promises = bt_source_promises(d->source, BT_PROMISES_ALL, request->cancel);
  bt_assumptions service = bt_assumptions_over(&request->assumptions, &promises);
  bt_assumptions own = bt_assumptions_of(&service, request->rules[0]);
  int64_t settled_ns = bt_time_subtract(window->now_ns, bt_assumptions_decided_ns(&own));
  bool has_tail = !promises.is_static && settled_ns < d->range.end_ns;
  d->margin_ns = own.margin_ns;
  d->settled_end_ns = has_tail ? settled_ns : d->range.end_ns;
  d->position_ns = d->range.start_ns;
  d->size_ns = bt_time_subtract(d->range.end_ns, d->range.start_ns) / FIRST_PART;
  if (d->size_ns < d->margin_ns) d->size_ns = d->margin_ns;
  if (d->size_ns < 1) d->size_ns = 1;
  d->most_reads = FIRST_READS;
  d->result->coverage.asked = d->range;
  d->result->coverage.assumptions = own;
}

static bt_status check_request(const bt_replay_request *request, bt_error *error) {
  if (request->rule_count != 1)
    return bt_error_set(error, BT_INVALID, "the first violation is looked for with one rule, not with %zu",
                        request->rule_count);
  if (request->range.start_ns >= request->range.end_ns)
    return bt_error_set(error, BT_INVALID, "the range has to start before it ends");
  return BT_OK;
}

/* ---- what the rule met in the data ---- */

static bt_status open_notes(descent *d, bt_error *error) {
  if (!d->window.takes_notes) return BT_OK;
  d->window.notes_of_whole = &d->notes;
  return bt_data_notes_new(d->window.rules[0]->rule, &d->notes, error);
}

static bt_status conclude_notes(descent *d, bt_error *error) {
  bt_first_result *result = d->result;
  bool has_all = !result->violation && result->outcome == BT_REPLAY_COMPLETED;
  if (d->notes && !has_all) bt_data_notes_are_of_some(d->notes);
  return d->notes ? bt_replay_notes_say(d->notes, 0, &result->notes, &result->note_count, error) : BT_OK;
}

bt_status bt_first_violation_run(bt_source *source, const bt_replay_request *request,
                                 const bt_replay_observer *observer, bt_first_result *result, bt_error *error) {
  *result = (bt_first_result){0};
  bt_status status = check_request(request, error);
  if (status != BT_OK) return status;
  int64_t started_ns = bt_clock_monotonic_ns();
  descent d = {.source = source, .range = request->range, .observer = observer, .result = result};
  begin_descent(&d, request);
  status = open_notes(&d, error);
  while (status == BT_OK && goes_on(&d)) status = look_at_window(&d, error);
  if (status == BT_OK) status = look_at_whole(&d, error);
  if (status == BT_OK) status = look_at_halves(&d, error);
  if (status == BT_OK) conclude_descent(&d);
  if (status == BT_OK && !d.is_cancelled && d.has_data) {
    status = find_edge(source, &d.window, d.margin_ns, result, error);
    if (status == BT_OK) status = hold_range(&d, error);
    if (status == BT_CANCELLED) status = BT_OK; /* what is known without it stays true */
  }
  if (status == BT_OK) status = conclude_notes(&d, error);
  bt_data_notes_free(d.notes);
  bt_seen_traces_dispose(&d.seen);
  bt_seen_traces_dispose(&d.halves);
  result->duration_ns = bt_clock_monotonic_ns() - started_ns;
  if (status != BT_OK) bt_first_result_dispose(result);
  return status;
}

void bt_first_result_dispose(bt_first_result *result) {
  bt_violation_free(result->violation);
  bt_coverage_dispose(&result->coverage);
  free(result->notes);
  *result = (bt_first_result){0};
}
