/* Traces in batches. See trace_fetch.h. The ids of a read are sorted and cut into jobs of some ids (trace_job.h), whose
 * traces are given to the sink when all of a job is in. A job whose answer is too large is cut in two. One for which
 * Tempo's limits turned out smaller is asked again. One that takes too long is divided by the size of its traces, for
 * which Tempo is asked then. At least two jobs are under way, so that Tempo works on the next
 * while we decode, and as many as the client's budget allows now. */
#include "tempo/api/trace_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "tempo/api/column_lists.h"
#include "tempo/api/trace_job.h"
#include "tempo/api/trace_sizes.h"
#include "tempo/api/traceql.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/pause.h"

enum {
  JOBS_IN_FLIGHT = 2, /* at least, and at most: */
  JOBS_MAX = 8,
  SOME_SPANS_IDS = 10000, /* of a job that asks for some spans of each trace: about 10 MiB of an answer */
  WORTH_RANGE = 100,      /* so many are read as the range that they lie in, which takes one question more */
  WORTH_SHARING = 2000,  /* so many are asked in jobs of one size, an even number of them: Tempo works at two at once */
  SMALLEST_LEARNED = 64, /* one huge trace must not make all batches tiny */
  SLOW_MAX = 12,         /* jobs that took too long and had no large trace: then Tempo is not well */
  MEASURED_SLOW = 3,     /* one of those that is known to be small, which got more time, counts for so many */
  SIZES_ASKED_MS =
      3600000 /* for so long after one that was slow because of its traces, sizes are asked for before batches */
};

typedef struct span_of_ids {
  size_t first, count;
  bool is_measured; /* Tempo was asked for their sizes, or cannot say */
} span_of_ids;

typedef struct fetch {
  bt_tempo_read *read;
  bt_trace_jobs jobs;
  span_of_ids *todo; /* a stack */
  size_t todo_count, todo_capacity;
  bt_trace_job ring[JOBS_MAX]; /* those under way */
  uint32_t first, count;
  uint32_t slow; /* jobs that took too long */
  /* Of one that nobody takes yet: what is to be read by id, given when somebody does. */
  bt_read_place *kept;
  size_t kept_count, kept_capacity;
} fetch;

/* --- ids --- */

static bt_status push_ids(fetch *f, size_t first, size_t count, bool is_measured, bt_error *error) {
  span_of_ids *todo = bt_grow_array(f->todo, f->todo_count, &f->todo_capacity, sizeof *todo);
  if (!todo) return bt_error_no_memory(error);
  f->todo = todo;
  todo[f->todo_count++] = (span_of_ids){first, count, is_measured};
  return BT_OK;
}

static bool wants_some_spans(const fetch *f) {
  return bt_trace_jobs_want_some_spans(&f->jobs);
}

/* Jobs of some spans: each costs Tempo a look at all of the range, and the largest is waited for. */
static size_t some_spans_per_job(const fetch *f) {
  size_t count = f->jobs.ids.count, jobs = (count + SOME_SPANS_IDS - 1) / SOME_SPANS_IDS;
  if (count >= WORTH_SHARING) jobs += jobs % JOBS_IN_FLIGHT;
  return (count + jobs - 1) / jobs; /* NOLINT(clang-analyzer-core.DivideZero): no job without ids (push_all) */
}

/* How many ids one job takes now: what Tempo has taken so far, what fits into a query, and well below the limit of an
 * answer, so that an answer at the limit is never one that is merely complete. */
static size_t ids_per_job(const fetch *f) {
  size_t most = bt_trace_jobs_ids_named(&f->jobs);
  size_t answer = atomic_load(&f->read->tempo->search_limit) / 2;
  if (wants_some_spans(f)) most = some_spans_per_job(f);
  if (f->jobs.read_range) most = SOME_SPANS_IDS;
  if (answer < most) most = answer;
  return most ? most : 1;
}

/* --- jobs --- */

static bt_status start_job(fetch *f, bt_error *error) {
  span_of_ids next = f->todo[--f->todo_count];
  size_t most = ids_per_job(f);
  if (!wants_some_spans(f)) most = bt_read_ids_fit(&f->jobs.ids, next.first, next.count, most);
  if (next.count > most) {
    bt_status status = push_ids(f, next.first + most, next.count - most, next.is_measured, error);
    if (status != BT_OK) return status;
    next.count = most;
  }
  bt_trace_job *j = &f->ring[(f->first + f->count) % JOBS_MAX];
  *j = (bt_trace_job){.first = next.first, .count = next.count, .is_measured = next.is_measured};
  f->count++; /* from here on it is disposed of with the others */
  return bt_trace_job_start(&f->jobs, j, error);
}

static bt_status keep_place(fetch *f, const bt_read_place *place, bt_error *error) {
  bt_read_place *kept = bt_grow_array(f->kept, f->kept_count, &f->kept_capacity, sizeof *kept);
  if (!kept) return bt_error_no_memory(error);
  f->kept = kept;
  kept[f->kept_count++] = *place;
  return BT_OK;
}

static bt_status give_places(fetch *f, const bt_read_place *places, const bt_trace *trace, bool needs_by_id,
                             const bt_found *bounds, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t place = places->first; place < places->end && status == BT_OK; place++) {
    bt_read_trace given = {.index = f->jobs.ids.order[place], .trace = trace, .needs_by_id = needs_by_id};
    if (bounds) given.start_ns = bounds->start_ns;
    if (bounds) given.end_ns = bounds->end_ns;
    status = bt_tempo_read_give(f->read, &given, error);
  }
  return status;
}

/* Gives one trace, as often as its id was asked. bounds: of reads of some spans, else NULL. */
static bt_status give_trace(fetch *f, size_t id, const bt_trace *trace, bool needs_by_id, const bt_found *bounds,
                            bt_error *error) {
  const bt_read_place *places = &f->jobs.ids.places[id];
  if (trace && !f->read->request->with_own && bt_trace_may_be_own(trace)) needs_by_id = true;
  return f->read->sink ? give_places(f, places, trace, needs_by_id, bounds, error) : keep_place(f, places, error);
}

/* A job that was too much at once, from its id number `from` on: in two halves, or what is one id by id. */
static bt_status halve_job(fetch *f, const bt_trace_job *j, size_t from, bt_error *error) {
  size_t first = j->first + from, left = j->count - from;
  if (left == 1) return give_trace(f, first, NULL, true, NULL, error);
  bt_status status = push_ids(f, first + left / 2, left - left / 2, j->is_measured, error);
  return status == BT_OK ? push_ids(f, first, left / 2, j->is_measured, error) : status;
}

/* Gives the large ones of `count` ids as to be read by id; the others move to the front, and *count is their number. */
static bt_status give_large(fetch *f, size_t first, size_t *count, bt_error *error) {
  size_t kept = first;
  for (size_t i = first; i < first + *count; i++) {
    bt_status status = BT_OK;
    if (bt_read_ids_is_large(&f->jobs.ids, i))
      status = give_trace(f, i, NULL, true, NULL, error);
    else
      bt_read_ids_move(&f->jobs.ids, i, kept++);
    if (status != BT_OK) return status;
  }
  *count = kept - first;
  return BT_OK;
}

static bt_status give_all_by_id(fetch *f, const bt_trace_job *j, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < j->count; i++)
    status = give_trace(f, j->first + i, NULL, true, NULL, error);
  return status;
}

/* False: Tempo did not say how large these are. */
static bt_status ask_sizes(fetch *f, size_t first, size_t count, bt_status *answer, bt_error *error) {
  bt_error why = {0};
  *answer = bt_tempo_ask_sizes(&f->read->caller, f->read->request->range, &f->jobs.ids, first, count, &why);
  bool is_unknown = *answer == BT_LIMIT || *answer == BT_UNAVAILABLE || *answer == BT_REFUSED;
  if (*answer == BT_OK || is_unknown) return BT_OK;
  if (error) *error = why;
  return *answer;
}

static bt_status fail_job(fetch *f, const bt_tempo_call *call, const char *reason) {
  bt_tempo_read_fail(f->read, call, reason);
  return BT_OK;
}

/* What cannot be had of the range: by names. */
static bt_status name_ids(fetch *f, const bt_trace_job *j, bt_error *error) {
  f->jobs.read_range = false;
  return push_ids(f, j->first, j->count, j->is_measured, error);
}

/* In two, and after some such jobs not at all any more. */
static bt_status halve_slow(fetch *f, const bt_trace_job *j, const bt_tempo_call *call, bool is_measured,
                            bt_error *error) {
  bt_trace_job half = *j;
  half.is_measured = is_measured;
  f->slow += j->is_measured ? MEASURED_SLOW : 1;
  return f->slow >= SLOW_MAX ? fail_job(f, call, call->reason) : halve_job(f, &half, 0, error);
}

/* A job that took too long. What makes it slow is a trace of more spans than was known; to find it by halves would have
 * Tempo begin with it again and again, and it goes on with each question that was given up. So Tempo is asked for their
 * sizes. */
static bt_status divide_slow(fetch *f, const bt_trace_job *j, const bt_tempo_call *call, bt_error *error) {
  bt_tempo *tempo = f->read->tempo;
  size_t count = j->count;
  bt_status answer = BT_OK;
  if (j->bounds) return give_all_by_id(f, j, error);
  if (j->is_measured) return halve_slow(f, j, call, true, error);
  bt_status status = ask_sizes(f, j->first, count, &answer, error);
  if (status != BT_OK) return status;
  if (answer == BT_UNAVAILABLE) return fail_job(f, call, call->reason);
  if (answer != BT_OK) return halve_slow(f, j, call, false, error);
  status = give_large(f, j->first, &count, error);
  if (status != BT_OK || !count) return status;
  if (count == j->count) {
    atomic_store(&tempo->is_slow, true);
    return halve_slow(f, j, call, true, error);
  }
  atomic_store(&tempo->sizes_until_ms, bt_monotonic_ms() + SIZES_ASKED_MS);
  return push_ids(f, j->first, count, true, error);
}

static bt_status give_job(fetch *f, bt_trace_job *j, bt_error *error) {
  for (size_t i = 0; i < j->count; i++) {
    bt_trace storage;
    const bt_trace *trace = NULL;
    bool needs_by_id = false;
    bt_status status = bt_trace_merge_take(j->merge, i, &storage, &trace, &needs_by_id, error);
    if (status == BT_LIMIT) return halve_job(f, j, i, error);
    if (status == BT_OK)
      status = give_trace(f, j->first + i, trace, needs_by_id, j->bounds ? &j->bounds[i] : NULL, error);
    if (status != BT_OK) return status;
  }
  return BT_OK;
}

static void learn_ids(bt_tempo *tempo, size_t count, size_t smallest) {
  size_t half = count / 2 > smallest ? count / 2 : smallest;
  if (half < atomic_load(&tempo->ids_per_read)) atomic_store(&tempo->ids_per_read, (uint32_t)half);
}

/* A part that did not give its rows ends its job. */
static bt_status end_job(fetch *f, const bt_trace_job *j, bt_tempo_outcome outcome, bt_error *error) {
  bt_tempo *tempo = f->read->tempo;
  const bt_tempo_call *call = bt_trace_job_unanswered(j);
  const char *reason = call->reason;
  switch (outcome) {
  case BT_TEMPO_TOO_LARGE:
    if (!j->bounds && !j->reads_range) learn_ids(tempo, j->count, SMALLEST_LEARNED);
    return halve_job(f, j, 0, error);
  case BT_TEMPO_QUERY_TOO_LONG:
    if (j->reads_range) return name_ids(f, j, error);
    if (j->count == 1) break;
    if (!j->bounds) learn_ids(tempo, j->count, 1);
    return halve_job(f, j, 0, error);
  case BT_TEMPO_TOO_SLOW: return j->reads_range ? name_ids(f, j, error) : divide_slow(f, j, call, error);
  case BT_TEMPO_RANGE_TOO_LONG:
    if (atomic_load(&tempo->max_range_s) > 1) return push_ids(f, j->first, j->count, j->is_measured, error);
    reason = "Tempo refuses a range of one second as too long";
    break;
  case BT_TEMPO_LIMIT_TOO_HIGH:
    if (call->limit > 2) return push_ids(f, j->first, j->count, j->is_measured, error);
    reason = "Tempo refuses every limit";
    break;
  case BT_TEMPO_STUMBLED:
  case BT_TEMPO_ANSWERED:
  case BT_TEMPO_FAILED: break;
  }
  return fail_job(f, call, reason);
}

static bt_status finish_oldest(fetch *f, bt_error *error) {
  bt_trace_job *j = &f->ring[f->first];
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  bt_status status = bt_trace_job_finish(&f->jobs, j, &outcome, error);
  if (status == BT_OK) status = outcome == BT_TEMPO_ANSWERED ? give_job(f, j, error) : end_job(f, j, outcome, error);
  bt_trace_job_dispose(j);
  f->first = (f->first + 1) % JOBS_MAX;
  f->count--;
  return status;
}

/* Before the batches of a source that had a slow one. */
static bt_status push_measured(fetch *f, bt_error *error) {
  bt_status status = BT_OK;
  size_t count;
  for (size_t first = 0; status == BT_OK && first < f->jobs.ids.count; first += count) {
    size_t most = ids_per_job(f), kept;
    bt_status answer = BT_OK;
    kept = count = f->jobs.ids.count - first < most ? f->jobs.ids.count - first : most;
    status = ask_sizes(f, first, count, &answer, error);
    if (status == BT_OK && answer == BT_OK) status = give_large(f, first, &kept, error);
    if (status == BT_OK && kept) status = push_ids(f, first, kept, answer == BT_OK, error);
  }
  return status;
}

/* Those in which the filter finds so many spans are left out of what is asked, and are large. BT_LIMIT: they are many.
 */
static bt_status leave_out_crowded(fetch *f, bt_query query, uint32_t least, bt_error *error) {
  bt_found_list crowded = {0};
  bt_buffer filter = {0};
  bt_traceql_write(query, false, &filter);
  bt_status status = filter.failed
                         ? bt_error_no_memory(error)
                         : bt_tempo_leave_out_crowded(&f->read->caller, f->read->request->range, bt_buffer_str(&filter),
                                                      least, NULL, &crowded, &f->jobs.spans, error);
  for (size_t i = 0; status == BT_OK && i < f->jobs.ids.count; i++)
    if (bt_found_list_get(&crowded, &f->jobs.ids.ids[i])) f->jobs.ids.spans[i] = BT_READ_LARGE_FROM;
  bt_found_list_dispose(&crowded);
  bt_buffer_dispose(&filter);
  return status;
}

/* Of reads of some spans: how many spans a trace has says nothing of how many are asked for. */
static bt_status leave_out_crowded_some(fetch *f, bt_error *error) {
  for (size_t i = 0; i < f->jobs.ids.count; i++) f->jobs.ids.spans[i] = 0;
  bt_status status = leave_out_crowded(f, f->read->request->spans.asked, BT_CROWDED_FROM, error);
  if (status != BT_LIMIT) return status;
  for (size_t i = 0; i < f->jobs.ids.count; i++) f->jobs.ids.spans[i] = BT_READ_LARGE_FROM;
  return BT_OK;
}

/* A batch of named ids costs Tempo the attributes of all that lies in its range, and so would the next one. Where Tempo
 * cannot be asked so, ids are named. */
static bt_status choose_range(fetch *f, bt_error *error) {
  bt_tempo *tempo = f->read->tempo;
  bt_error why = {0};
  bool is_worth = f->read->request->are_most && f->jobs.ids.count >= WORTH_RANGE;
  if (!is_worth || bt_monotonic_ms() < atomic_load(&tempo->sizes_until_ms)) return BT_OK;
  bt_status status = leave_out_crowded(f, bt_query_all(), BT_READ_LARGE_FROM, &why);
  f->jobs.read_range = status == BT_OK;
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

static bt_status push_all(fetch *f, bt_error *error) {
  bt_status status = wants_some_spans(f) ? leave_out_crowded_some(f, error) : choose_range(f, error);
  if (status == BT_OK) status = give_large(f, 0, &f->jobs.ids.count, error);
  if (status != BT_OK || !f->jobs.ids.count) return status;
  if (!wants_some_spans(f) && bt_monotonic_ms() < atomic_load(&f->read->tempo->sizes_until_ms))
    return push_measured(f, error);
  return push_ids(f, 0, f->jobs.ids.count, false, error);
}

static uint32_t jobs_at_once(const fetch *f) {
  uint32_t allowed = bt_http_client_allowed(f->read->tempo->client);
  return allowed < JOBS_IN_FLIGHT ? JOBS_IN_FLIGHT : allowed < JOBS_MAX ? allowed : JOBS_MAX;
}

static bool is_left(const fetch *f) {
  return f->todo_count && f->read->failures < BT_READ_FAILURES_MAX;
}

static bool may_start(const fetch *f) {
  return is_left(f) && f->count < jobs_at_once(f);
}

static bt_status read_jobs(fetch *f, bt_error *error) {
  bt_status status = BT_OK;
  while (status == BT_OK && (is_left(f) || f->count))
    status = may_start(f) ? start_job(f, error) : finish_oldest(f, error);
  return status;
}

/* What comes before the first job. */
static bt_status prepare_jobs(fetch *f, bt_error *error) {
  const bt_read_request *request = f->read->request;
  bt_status status = BT_OK;
  if (!bt_read_ids_init(&f->jobs.ids, request)) return bt_error_no_memory(error);
  /* Whether the range may hold lists in columns; what cannot be found out is asked of each trace. */
  if (request->projection->attribute_count) {
    status = bt_tempo_may_hold_lists(&f->read->caller, request->range, &f->jobs.may_hold_lists, error);
    if (status == BT_UNAVAILABLE || status == BT_REFUSED) status = BT_OK;
  }
  /* Some spans of a trace cannot be decided by where an attribute may be of a list: then all of it is read. */
  if (status == BT_OK && f->jobs.may_hold_lists && wants_some_spans(f)) {
    for (size_t i = 0; i < f->jobs.ids.count && status == BT_OK; i++)
      status = give_trace(f, i, NULL, true, NULL, error);
    return status;
  }
  return status == BT_OK ? push_all(f, error) : status;
}

static void dispose_fetch(fetch *f) {
  for (; f->count; f->count--, f->first = (f->first + 1) % JOBS_MAX) bt_trace_job_dispose(&f->ring[f->first]);
  bt_trace_jobs_dispose(&f->jobs);
  free(f->todo);
  free(f->kept);
}

/* ---- ahead of who takes it ---- */

typedef struct begun_batches {
  bt_ahead head; /* first */
  bt_read_request request;
  bt_tempo_read read; /* without a sink until it is taken */
  fetch fetch;
  bool is_taken;
} begun_batches;

static void drop_batches(bt_ahead *ahead) {
  begun_batches *begun = (begun_batches *)ahead;
  dispose_fetch(&begun->fetch);
  bt_tempo_caller_dispose(&begun->read.caller);
  free(begun);
}

bt_ahead *bt_tempo_begin_batches(bt_tempo *tempo, const bt_read_request *request, bt_source_account *account) {
  bt_tempo_identity identity = {request->tenant, request->rule_id, request->cancel, request->priority};
  if (!request->count || !request->projection || request->projection->whole_trace) return NULL;
  begun_batches *begun = calloc(1, sizeof *begun);
  if (!begun) return NULL;
  bt_ahead *head = &begun->head;
  fetch *f = &begun->fetch;
  *head = (bt_ahead){.kind = BT_AHEAD_BATCHES, .drop = drop_batches};
  begun->request = *request;
  begun->read = (bt_tempo_read){.tempo = tempo, .request = &begun->request};
  f->read = f->jobs.read = &begun->read;
  head->status = bt_tempo_caller_init(&begun->read.caller, tempo, &identity, account, &head->why);
  if (head->status == BT_OK) head->status = prepare_jobs(f, &head->why);
  while (head->status == BT_OK && may_start(f)) head->status = start_job(f, &head->why);
  return head;
}

static bt_status finish_begun(begun_batches *begun, bt_tempo_read *read, bt_error *error) {
  bt_status status = BT_OK;
  fetch *f = &begun->fetch;
  begun->is_taken = true;
  begun->read.request = read->request;
  begun->read.sink = read->sink;
  begun->read.context = read->context;
  begun->read.caller.account = read->caller.account;
  for (size_t i = 0; i < f->kept_count && status == BT_OK; i++)
    status = give_places(f, &f->kept[i], NULL, true, NULL, error);
  if (status == BT_OK && begun->head.status != BT_OK) {
    status = begun->head.status;
    if (error) *error = begun->head.why;
  }
  if (status == BT_OK) status = read_jobs(f, error);
  read->failed = begun->read.failed;
  memcpy(read->reason, begun->read.reason, sizeof read->reason);
  return status;
}

bt_status bt_tempo_read_batches(bt_tempo_read *read, bt_error *error) {
  bt_ahead *ahead = read->request->ahead;
  begun_batches *begun = ahead && ahead->kind == BT_AHEAD_BATCHES ? (begun_batches *)ahead : NULL;
  if (begun && !begun->is_taken) return finish_begun(begun, read, error);
  fetch f = {.read = read, .jobs = {.read = read}};
  bt_status status = prepare_jobs(&f, error);
  if (status == BT_OK) status = read_jobs(&f, error);
  dispose_fetch(&f);
  return status;
}
