/* Traces in batches. See trace_fetch.h. The ids of a read are sorted and cut into jobs of some ids; a job asks one part for each slice of
 * the range and each group of the projection, and its traces are given to the sink when all parts are in. A job whose answer is too large
 * is cut in two; one for which Tempo's limits turned out smaller is asked again; one that takes too long is divided by the size of its traces, for which
 * Tempo is asked then. Two jobs are under way, so that Tempo works on the next while we decode. */
#include "tempo/api/trace_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/arena.h"
#include "tempo/api/column_lists.h"
#include "tempo/api/id_cover.h"
#include "tempo/api/read_ids.h"
#include "tempo/api/trace_sizes.h"
#include "tempo/wire/own_trace.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/trace_merge.h"

enum {
  JOBS_IN_FLIGHT = 2,
  SOME_SPANS_IDS = 10000, /* of a job that asks for some spans of each trace: about 10 MiB of an answer */
  WORTH_SHARING = 2000, /* so many are asked in jobs of one size, an even number of them: Tempo works at two at once */
  PART_KINDS = 3,
  SLICES_MAX = 2048,     /* of one job's range; each is a request, and they are under way at once */
  SMALLEST_LEARNED = 64, /* one huge trace must not make all batches tiny */
  SLOW_MAX = 12,         /* jobs that took too long and had no large trace: then Tempo is not well */
  MEASURED_SLOW = 3,     /* one of those that is known to be small, which got more time, counts for so many */
  SIZES_ASKED_MS =
      3600000 /* for so long after one that was slow because of its traces, sizes are asked for before batches */
};
static const size_t max_answer_bytes = (size_t)64 << 20;
static const size_t max_job_bytes = (size_t)512 << 20; /* decoded */

typedef enum part_kind {
  READS_SPANS,
  READS_DOUBTED, /* asks once more for attributes that may be made up */
  READS_LISTS    /* asks which attributes may be of lists in columns */
} part_kind;

typedef struct part {
  bt_tempo_call call;
  uint32_t group, limit;
  part_kind kind;
} part;

typedef struct job {
  size_t first, count; /* of the distinct ids */
  part *parts;
  size_t part_count, parts_done;
  bt_trace_merge *merge;
  bt_found *bounds; /* of reads of some spans only: of each of its traces, what was seen of it; start > end: nothing */
  size_t attempts;  /* decodings of the part that is being read */
  int64_t start_s, end_s, slice_s; /* its range, and how much of it one part asks */
  bool asks_doubted;
  bool is_measured;
} job;

typedef struct span_of_ids {
  size_t first, count;
  bool is_measured; /* Tempo was asked for their sizes, or cannot say */
} span_of_ids;

typedef struct fetch {
  bt_tempo_read *read;
  bt_read_ids ids;
  bt_buffer spans;   /* of reads of some spans only: their filter */
  span_of_ids *todo; /* a stack */
  size_t todo_count, todo_capacity;
  job jobs[JOBS_IN_FLIGHT]; /* a ring */
  uint32_t first, count;
  bool may_hold_lists;     /* the range has blocks of that kind */
  bt_tempo_beside *beside; /* NULL: not asked yet */
  uint32_t slow;           /* jobs that took too long */
  bt_buffer query, regex;  /* scratch */
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
  return f->read->request->spans.len != 0;
}

/* Jobs of some spans: each costs Tempo a look at all of the range, and the largest is waited for. */
static size_t some_spans_per_job(const fetch *f) {
  size_t count = f->ids.count, jobs = (count + SOME_SPANS_IDS - 1) / SOME_SPANS_IDS;
  if (count >= WORTH_SHARING) jobs += jobs % JOBS_IN_FLIGHT;
  return (count + jobs - 1) / jobs;
}

/* How many ids one job takes now: what Tempo has taken so far, what fits into a query, and well below the limit of an answer, so that an
 * answer at the limit is never one that is merely complete. */
static size_t ids_per_job(const fetch *f) {
  size_t most = bt_traceql_ids_per_read(f->read->request->projection);
  size_t learned = atomic_load(&f->read->tempo->ids_per_read);
  size_t answer = atomic_load(&f->read->tempo->search_limit) / 2;
  if (wants_some_spans(f)) most = learned = some_spans_per_job(f);
  if (learned < most) most = learned;
  if (answer < most) most = answer;
  return most ? most : 1;
}

/* --- jobs --- */

static void dispose_job(job *j) {
  for (size_t i = j->parts_done; i < j->part_count; i++) bt_tempo_call_dispose(&j->parts[i].call);
  free(j->parts);
  free(j->bounds);
  bt_trace_merge_free(j->merge);
  *j = (job){0};
}

/* All spans of traces that are named one by one, what of them may be made up, or some spans of traces that lie between two ids: few words, and what others of them come too
 * is passed over. */
static void write_query(fetch *f, const job *j, const part *p) {
  const bt_read_request *request = f->read->request;
  uint32_t group = p->group;
  bt_buffer_clear(&f->query);
  if (p->kind == READS_DOUBTED) {
    bt_traceql_read_doubted(f->ids.ids + j->first, j->count, request->projection, group, &f->query);
    return;
  }
  if (p->kind == READS_LISTS) {
    bt_traceql_read_lists(f->ids.ids + j->first, j->count, request->projection, group, &f->query);
    return;
  }
  if (!wants_some_spans(f)) {
    bt_traceql_read(f->ids.ids + j->first, j->count, request->projection, group, &f->query);
    return;
  }
  bt_buffer_clear(&f->regex);
  bt_id_cover(&f->ids.ids[j->first], &f->ids.ids[j->first + j->count - 1], &f->regex);
  if (f->regex.failed) f->query.failed = true;
  bt_traceql_read_spans(bt_buffer_str(&f->spans), bt_buffer_str(&f->regex), request->projection, group, &f->query);
}

/* What Tempo takes for longer it may go on with for minutes, whether anybody waits or not. Where sizes are known the job is no larger than it should be, and
 * a Tempo that is just slow gets its time. */
static int64_t patience_ms(const fetch *f, const job *j) {
  const bt_tempo *tempo = f->read->tempo;
  return j->is_measured || atomic_load(&tempo->is_slow) ? tempo->timeout_ms : bt_tempo_patience_ms(tempo);
}

static bt_status start_part(fetch *f, job *j, const part *what, int64_t start_s, int64_t end_s, bt_error *error) {
  part *p = &j->parts[j->part_count++];
  bt_tempo *tempo = f->read->tempo;
  *p = *what;
  p->limit = atomic_load(&tempo->search_limit);
  p->call.caller = &f->read->caller;
  p->call.max_body_bytes = max_answer_bytes;
  p->call.patience_ms = patience_ms(f, j);
  p->call.kind = BT_HTTP_READ;
  p->call.limit = p->limit;
  p->call.range_s = end_s - start_s;
  write_query(f, j, p);
  bt_tempo_search_url url = {.query = bt_buffer_str(&f->query),
                             .start_s = start_s,
                             .end_s = end_s,
                             .limit = p->limit,
                             .spans_per_set = BT_READ_SPANS_PER_SET};
  if (f->query.failed || !bt_tempo_url_search(tempo, &url, &p->call.url)) return bt_error_no_memory(error);
  return bt_tempo_call_start(&p->call, error);
}

/* Asks one thing of every slice of the range. */
static bt_status start_slices(fetch *f, job *j, const part *what, bt_error *error) {
  bt_status status = BT_OK;
  for (int64_t from_s = j->start_s; from_s < j->end_s && status == BT_OK; from_s += j->slice_s) {
    int64_t to_s = j->end_s - from_s > j->slice_s ? from_s + j->slice_s : j->end_s;
    status = start_part(f, j, what, from_s, to_s, error);
  }
  return status;
}

/* Asks all parts of a job: the slices of the range, each with every group of the projection. There is room for the other kinds. */
static bt_status start_parts(fetch *f, job *j, bt_error *error) {
  bt_status status = bt_tempo_seconds(f->read->request->range, &j->start_s, &j->end_s, error);
  if (status != BT_OK) return status;
  uint32_t groups = bt_projection_groups(f->read->request->projection);
  j->slice_s = atomic_load(&f->read->tempo->max_range_s);
  size_t slices = (size_t)((j->end_s - j->start_s + j->slice_s - 1) / j->slice_s);
  if (slices > SLICES_MAX)
    return bt_error_set(error, BT_REFUSED,
                        "Tempo takes ranges of %lld s at most: a read would be %zu requests, and %d may be",
                        (long long)j->slice_s, slices, SLICES_MAX);
  j->parts = bt_realloc_array(NULL, PART_KINDS * slices * groups, sizeof *j->parts);
  if (!j->parts) return bt_error_no_memory(error);
  for (uint32_t group = 0; group < groups && status == BT_OK; group++) {
    status = start_slices(f, j, &(part){.group = group}, error);
    bool asks_lists = f->may_hold_lists && bt_projection_group_has_attributes(f->read->request->projection, group);
    if (status == BT_OK && asks_lists) status = start_slices(f, j, &(part){.group = group, .kind = READS_LISTS}, error);
  }
  return status;
}

/* Asks once more for what may be made up, when all else of the job is in. Of some spans it is not asked: their traces are in doubt, and so they are read. */
static bt_status start_doubted(fetch *f, job *j, bt_error *error) {
  uint32_t groups = bt_projection_groups(f->read->request->projection);
  bt_status status = BT_OK;
  if (j->asks_doubted || wants_some_spans(f)) return BT_OK;
  j->asks_doubted = true;
  for (uint32_t group = 0; group < groups && status == BT_OK; group++)
    if (bt_trace_merge_doubts(j->merge, group))
      status = start_slices(f, j, &(part){.group = group, .kind = READS_DOUBTED}, error);
  return status;
}

static void settle_doubted(const fetch *f, const job *j) {
  uint32_t groups = bt_projection_groups(f->read->request->projection);
  for (uint32_t group = 0; j->asks_doubted && group < groups; group++) bt_trace_merge_settle(j->merge, group);
}

static bool make_bounds(job *j) {
  j->bounds = bt_realloc_array(NULL, j->count, sizeof *j->bounds);
  for (size_t i = 0; j->bounds && i < j->count; i++)
    j->bounds[i] = (bt_found){.start_ns = INT64_MAX, .end_ns = INT64_MIN};
  return j->bounds != NULL;
}

static bt_status start_job(fetch *f, bt_error *error) {
  span_of_ids next = f->todo[--f->todo_count];
  size_t most = ids_per_job(f);
  if (!wants_some_spans(f)) most = bt_read_ids_fit(&f->ids, next.first, next.count, most);
  if (next.count > most) {
    bt_status status = push_ids(f, next.first + most, next.count - most, next.is_measured, error);
    if (status != BT_OK) return status;
    next.count = most;
  }
  job *j = &f->jobs[(f->first + f->count) % JOBS_IN_FLIGHT];
  *j = (job){.first = next.first, .count = next.count, .is_measured = next.is_measured};
  f->count++; /* from here on it is disposed of with the others */
  if (wants_some_spans(f) && !make_bounds(j)) return bt_error_no_memory(error);
  bt_status status = bt_trace_merge_new(f->ids.ids + j->first, j->count, f->read->request->projection,
                                        wants_some_spans(f), max_job_bytes, &j->merge, error);
  return status == BT_OK ? start_parts(f, j, error) : status;
}

typedef struct part_decoder {
  fetch *fetch;
  job *job;
  part *part;
} part_decoder;

static int compare_ids(const void *a, const void *b) {
  return bt_trace_id_compare(a, b);
}

typedef struct chosen_rows {
  bt_merge_part part; /* first */
  const fetch *fetch;
  const job *job;
} chosen_rows;

/* Of the traces between two ids, those that were asked for. */
static bt_status take_chosen_row(void *context, const bt_search_row *row, bt_error *error) {
  chosen_rows *rows = context;
  const bt_trace_id *ids = rows->fetch->ids.ids + rows->job->first;
  const bt_trace_id *id = bsearch(&row->id, ids, rows->job->count, sizeof *ids, compare_ids);
  if (!id) return BT_OK;
  bt_found *bounds = &rows->job->bounds[id - ids];
  if (row->start_ns < bounds->start_ns) bounds->start_ns = row->start_ns;
  if (row->end_ns > bounds->end_ns) bounds->end_ns = row->end_ns;
  return bt_trace_merge_row(&rows->part, row, error);
}

static bt_status decode_part(void *context, bt_str body, bool is_json, bt_error *error) {
  part_decoder *decoder = context;
  if (decoder->job->attempts++) bt_trace_merge_distrust_all(decoder->job->merge);
  chosen_rows into = {{decoder->job->merge, decoder->part->group}, decoder->fetch, decoder->job};
  bt_search_row_sink sink = decoder->job->bounds ? take_chosen_row : bt_trace_merge_row;
  if (decoder->part->kind == READS_DOUBTED) sink = bt_trace_merge_doubted_row;
  if (decoder->part->kind == READS_LISTS) sink = bt_trace_merge_lists_row;
  bt_search_answer answer = {0};
  bt_status status = bt_tempo_decode_search(body, is_json, true, sink, &into, &answer, error);
  decoder->fetch->read->caller.account->bytes_inspected += answer.inspected_bytes;
  if (status == BT_OK && answer.trace_count >= decoder->part->limit)
    return bt_error_set(error, BT_LIMIT, "the answer is full");
  return status;
}

/* Gives one trace, as often as its id was asked. bounds: of reads of some spans, else NULL. */
static bt_status give_trace(fetch *f, size_t id, const bt_trace *trace, bool needs_by_id, const bt_found *bounds,
                            bt_error *error) {
  bt_status status = BT_OK;
  if (trace && !f->read->request->with_own && bt_trace_may_be_own(trace)) needs_by_id = true;
  const bt_read_place *places = &f->ids.places[id];
  for (size_t place = places->first; place < places->end && status == BT_OK; place++) {
    bt_read_trace given = {.index = f->ids.order[place], .trace = trace, .needs_by_id = needs_by_id};
    if (bounds) given.start_ns = bounds->start_ns;
    if (bounds) given.end_ns = bounds->end_ns;
    status = bt_tempo_read_give(f->read, &given, error);
  }
  return status;
}

/* A job that was too much at once, from its id number `from` on: in two halves, or what is one id by id. */
static bt_status halve_job(fetch *f, const job *j, size_t from, bt_error *error) {
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
    if (bt_read_ids_is_large(&f->ids, i))
      status = give_trace(f, i, NULL, true, NULL, error);
    else
      bt_read_ids_move(&f->ids, i, kept++);
    if (status != BT_OK) return status;
  }
  *count = kept - first;
  return BT_OK;
}

static bt_status give_all_by_id(fetch *f, const job *j, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < j->count; i++)
    status = give_trace(f, j->first + i, NULL, true, NULL, error);
  return status;
}

/* False: Tempo did not say how large these are. */
static bt_status ask_sizes(fetch *f, size_t first, size_t count, bt_status *answer, bt_error *error) {
  bt_error why = {0};
  *answer = bt_tempo_ask_sizes(&f->read->caller, f->read->request->range, &f->ids, first, count, &why);
  bool is_unknown = *answer == BT_LIMIT || *answer == BT_UNAVAILABLE || *answer == BT_REFUSED;
  if (*answer == BT_OK || is_unknown) return BT_OK;
  if (error) *error = why;
  return *answer;
}

static bt_status fail_job(fetch *f, const part *p, const char *reason) {
  bt_tempo_read_fail(f->read, &p->call, reason);
  return BT_OK;
}

/* In two, and after some such jobs not at all any more. */
static bt_status halve_slow(fetch *f, const job *j, const part *p, bool is_measured, bt_error *error) {
  job half = *j;
  half.is_measured = is_measured;
  f->slow += j->is_measured ? MEASURED_SLOW : 1;
  return f->slow >= SLOW_MAX ? fail_job(f, p, p->call.reason) : halve_job(f, &half, 0, error);
}

/* A job that took too long. What makes it slow is a trace of more spans than was known; to find it by halves would have Tempo begin with it again and again,
 * and it goes on with each question that was given up. So Tempo is asked for their sizes. */
static bt_status divide_slow(fetch *f, const job *j, const part *p, bt_error *error) {
  bt_tempo *tempo = f->read->tempo;
  size_t count = j->count;
  bt_status answer = BT_OK;
  if (j->bounds) return give_all_by_id(f, j, error);
  if (j->is_measured) return halve_slow(f, j, p, true, error);
  bt_status status = ask_sizes(f, j->first, count, &answer, error);
  if (status != BT_OK) return status;
  if (answer == BT_UNAVAILABLE) return fail_job(f, p, p->call.reason);
  if (answer != BT_OK) return halve_slow(f, j, p, false, error);
  status = give_large(f, j->first, &count, error);
  if (status != BT_OK || !count) return status;
  if (count == j->count) {
    atomic_store(&tempo->is_slow, true);
    return halve_slow(f, j, p, true, error);
  }
  atomic_store(&tempo->sizes_until_ms, bt_monotonic_ms() + SIZES_ASKED_MS);
  return push_ids(f, j->first, count, true, error);
}

static bt_status give_job(fetch *f, job *j, bt_error *error) {
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
static bt_status end_job(fetch *f, const job *j, const part *p, bt_tempo_outcome outcome, bt_error *error) {
  bt_tempo *tempo = f->read->tempo;
  const char *reason = p->call.reason;
  switch (outcome) {
  case BT_TEMPO_TOO_LARGE:
    if (!j->bounds) learn_ids(tempo, j->count, SMALLEST_LEARNED);
    return halve_job(f, j, 0, error);
  case BT_TEMPO_QUERY_TOO_LONG:
    if (j->count == 1) break;
    if (!j->bounds) learn_ids(tempo, j->count, 1);
    return halve_job(f, j, 0, error);
  case BT_TEMPO_TOO_SLOW: return divide_slow(f, j, p, error);
  case BT_TEMPO_RANGE_TOO_LONG:
    if (atomic_load(&tempo->max_range_s) > 1) return push_ids(f, j->first, j->count, j->is_measured, error);
    reason = "Tempo refuses a range of one second as too long";
    break;
  case BT_TEMPO_LIMIT_TOO_HIGH:
    if (p->limit > 2) return push_ids(f, j->first, j->count, j->is_measured, error);
    reason = "Tempo refuses every limit";
    break;
  case BT_TEMPO_STUMBLED:
  case BT_TEMPO_ANSWERED:
  case BT_TEMPO_FAILED: break;
  }
  return fail_job(f, p, reason);
}

/* *goes_on: the job has more parts to finish. */
static bt_status finish_part(fetch *f, job *j, bool *goes_on, bt_error *error) {
  part *p = &j->parts[j->parts_done];
  part_decoder decoder = {f, j, p};
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  j->attempts = 0;
  bt_status status = bt_tempo_call_finish(&p->call, decode_part, &decoder, &outcome, error);
  *goes_on = false;
  if (status != BT_OK) return status;
  bool has_none = p->kind == READS_LISTS && bt_tempo_knows_no_lists(&p->call); /* which could not be found out before */
  if (has_none) f->may_hold_lists = false;
  if (outcome != BT_TEMPO_ANSWERED && !has_none) return end_job(f, j, p, outcome, error);
  bt_tempo_call_dispose(&p->call);
  if (++j->parts_done == j->part_count) status = start_doubted(f, j, error);
  *goes_on = j->parts_done < j->part_count;
  if (status != BT_OK || *goes_on) return status;
  settle_doubted(f, j);
  return give_job(f, j, error);
}

static bt_status finish_oldest(fetch *f, bt_error *error) {
  job *j = &f->jobs[f->first];
  bt_status status = BT_OK;
  for (bool goes_on = true; goes_on && status == BT_OK;) status = finish_part(f, j, &goes_on, error);
  dispose_job(j);
  f->first = (f->first + 1) % JOBS_IN_FLIGHT;
  f->count--;
  return status;
}

/* What is read by id beside the batches is asked after the first of them, so that it takes the places that they leave. */
static bt_status wait_for_oldest(fetch *f, bt_error *error) {
  bt_status status = BT_OK;
  if (f->read->request->also_by_id && !f->beside) status = bt_tempo_beside_ask(f->read, &f->beside, error);
  return status == BT_OK ? finish_oldest(f, error) : status;
}

/* Some spans of a trace cannot be decided by where an attribute may be of a list: then all of it is read. */
static bt_status give_all_in_doubt(fetch *f, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < f->ids.count && status == BT_OK; i++) status = give_trace(f, i, NULL, true, NULL, error);
  return status;
}

/* Whether the range may hold lists in columns; what cannot be found out is asked of each trace. */
static bt_status look_for_lists(fetch *f, bt_error *error) {
  const bt_read_request *request = f->read->request;
  if (!request->projection->attribute_count) return BT_OK;
  bt_status status = bt_tempo_may_hold_lists(&f->read->caller, request->range, &f->may_hold_lists, error);
  return status == BT_UNAVAILABLE || status == BT_REFUSED ? BT_OK : status;
}

/* Before the batches of a source that had a slow one. */
static bt_status push_measured(fetch *f, bt_error *error) {
  bt_status status = BT_OK;
  size_t count;
  for (size_t first = 0; status == BT_OK && first < f->ids.count; first += count) {
    size_t most = ids_per_job(f), kept;
    bt_status answer = BT_OK;
    kept = count = f->ids.count - first < most ? f->ids.count - first : most;
    status = ask_sizes(f, first, count, &answer, error);
    if (status == BT_OK && answer == BT_OK) status = give_large(f, first, &kept, error);
    if (status == BT_OK && kept) status = push_ids(f, first, kept, answer == BT_OK, error);
  }
  return status;
}

/* Of reads of some spans: those in which the filter finds many are left out of what is asked, and given as to be read by id. */
static bt_status leave_out_crowded(fetch *f, bt_error *error) {
  bt_found_list crowded = {0};
  const bt_read_request *request = f->read->request;
  bt_crowd_question question = {request->spans, request->range, request->crowds};
  bt_status status = bt_tempo_leave_out_crowded(&f->read->caller, &question, &crowded, &f->spans, error);
  bool are_too_many = status == BT_LIMIT;
  for (size_t i = 0; (status == BT_OK || are_too_many) && i < f->ids.count; i++)
    f->ids.spans[i] = are_too_many || bt_found_list_get(&crowded, &f->ids.ids[i]) ? BT_READ_LARGE_FROM : 0;
  bt_found_list_dispose(&crowded);
  return are_too_many ? BT_OK : status;
}

static bt_status push_all(fetch *f, bt_error *error) {
  bt_status status = wants_some_spans(f) ? leave_out_crowded(f, error) : BT_OK;
  if (status == BT_OK) status = give_large(f, 0, &f->ids.count, error);
  if (status != BT_OK || !f->ids.count) return status;
  if (!wants_some_spans(f) && bt_monotonic_ms() < atomic_load(&f->read->tempo->sizes_until_ms))
    return push_measured(f, error);
  return push_ids(f, 0, f->ids.count, false, error);
}

static bt_status read_all(fetch *f, bt_error *error) {
  bt_status status = look_for_lists(f, error);
  if (status == BT_OK && f->may_hold_lists && wants_some_spans(f)) return give_all_in_doubt(f, error);
  if (status == BT_OK) status = push_all(f, error);
  for (;;) {
    bool is_left = f->todo_count && f->read->failures < BT_READ_FAILURES_MAX;
    if (status != BT_OK || (!is_left && !f->count)) break;
    status = is_left && f->count < JOBS_IN_FLIGHT ? start_job(f, error) : wait_for_oldest(f, error);
  }
  bool is_well = status == BT_OK && !f->read->failures;
  return is_well && f->beside ? bt_tempo_beside_give(f->beside, error) : status;
}

bt_status bt_tempo_read_batches(bt_tempo_read *read, bt_error *error) {
  fetch f = {.read = read};
  bt_status status = bt_read_ids_init(&f.ids, read->request) ? read_all(&f, error) : bt_error_no_memory(error);
  for (; f.count; f.count--, f.first = (f.first + 1) % JOBS_IN_FLIGHT) dispose_job(&f.jobs[f.first]);
  bt_tempo_beside_free(f.beside);
  bt_read_ids_dispose(&f.ids);
  free(f.todo);
  bt_buffer_dispose(&f.spans);
  bt_buffer_dispose(&f.query);
  bt_buffer_dispose(&f.regex);
  return status;
}
