/* Jobs of a read in batches. See trace_job.h. */
#include "tempo/api/trace_job.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "tempo/api/column_lists.h"
#include "tempo/api/id_cover.h"
#include "tempo/api/list_elements.h"
#include "tempo/api/traceql.h"

enum {
  FIRST_KINDS = 2,    /* of parts: those that are asked at once */
  WORTH_QUESTION = 2, /* traces in doubt for each question about them; fewer are cheaper by id */
  SLICES_MAX = 2048   /* of one job's range; each is a request, and they are under way at once */
};
static const size_t max_answer_bytes = (size_t)64 << 20;
static const size_t max_job_bytes = (size_t)512 << 20; /* decoded */

typedef enum part_kind {
  READS_SPANS,
  READS_DOUBTED, /* asks once more for attributes that may be made up */
  READS_LISTS,   /* asks which attributes may be of lists in columns */
  READS_ELEMENTS /* asks for what else these lists hold */
} part_kind;

struct bt_job_part {
  bt_tempo_call call; /* its limit is how many traces were asked for */
  uint32_t group;
  part_kind kind;
  const struct elements_question *question; /* READS_ELEMENTS, while it is written */
};

typedef struct elements_question {
  const bt_trace_id *ids;
  size_t count;
  const bt_left_out *left_out;
  uint32_t left_out_count;
} elements_question;

void bt_trace_jobs_dispose(bt_trace_jobs *jobs) {
  bt_read_ids_dispose(&jobs->ids);
  bt_buffer_dispose(&jobs->spans);
  bt_buffer_dispose(&jobs->query);
  bt_buffer_dispose(&jobs->regex);
}

bool bt_trace_jobs_want_some_spans(const bt_trace_jobs *jobs) {
  return jobs->read->request->spans.asked.filter != NULL;
}

size_t bt_trace_jobs_ids_named(const bt_trace_jobs *jobs) {
  enum { TEXTS = 8 }; /* of what questions for elements of lists have room for */
  size_t most = bt_traceql_ids_per_read(jobs->read->request->projection);
  size_t learned = atomic_load(&jobs->read->tempo->ids_per_read);
  if (jobs->may_hold_lists) most -= most / TEXTS;
  return learned < most ? learned : most;
}

/* --- asking --- */

/* Some spans, or all, of traces that lie between two ids: few words, and what comes of other traces is passed over. */
static void write_between(bt_trace_jobs *jobs, const bt_trace_job *job, const bt_job_part *p) {
  const bt_projection *projection = jobs->read->request->projection;
  const bt_trace_id *first = &jobs->ids.ids[job->first];
  const bt_columns columns = bt_tempo_columns(jobs->read->tempo);
  bt_str filter = bt_buffer_str(&jobs->spans);
  bt_buffer_clear(&jobs->regex);
  bt_id_cover(first, &first[job->count - 1], &jobs->regex);
  if (jobs->regex.failed) jobs->query.failed = true;
  bt_str regex = bt_buffer_str(&jobs->regex);
  if (!job->reads_range)
    bt_traceql_read_spans(filter, jobs->read->request->spans.apart, regex, projection, p->group, columns, &jobs->query);
  else if (p->kind == READS_DOUBTED)
    bt_traceql_read_range_doubted(filter, regex, projection, p->group, &jobs->query);
  else if (p->kind == READS_LISTS)
    bt_traceql_read_range_lists(filter, regex, projection, p->group, &jobs->query);
  else
    bt_traceql_read_range(filter, regex, projection, p->group, columns, &jobs->query);
}

static void write_elements(bt_trace_jobs *jobs, const bt_job_part *p) {
  const elements_question *q = p->question;
  bt_traceql_read_elements(q->ids, q->count, jobs->read->request->projection, p->group, q->left_out, q->left_out_count,
                           &jobs->query);
}

/* All spans of traces that are named one by one, or what of them may be made up or of a list; or of those between two
 * ids. */
static void write_query(bt_trace_jobs *jobs, const bt_trace_job *job, const bt_job_part *p) {
  const bt_projection *projection = jobs->read->request->projection;
  const bt_trace_id *ids = jobs->ids.ids + job->first;
  bt_buffer_clear(&jobs->query);
  if (p->kind == READS_ELEMENTS)
    write_elements(jobs, p);
  else if (job->reads_range || bt_trace_jobs_want_some_spans(jobs))
    write_between(jobs, job, p);
  else if (p->kind == READS_DOUBTED)
    bt_traceql_read_doubted(ids, job->count, projection, p->group, &jobs->query);
  else if (p->kind == READS_LISTS)
    bt_traceql_read_lists(ids, job->count, projection, p->group, &jobs->query);
  else
    bt_traceql_read(ids, job->count, projection, p->group, bt_tempo_columns(jobs->read->tempo), &jobs->query);
}

/* What Tempo takes for longer it may go on with for minutes, whether anybody waits or not. Where sizes are known the
 * job is no larger than it should be, and a Tempo that is just slow gets its time. */
static int64_t patience_ms(const bt_trace_jobs *jobs, const bt_trace_job *job) {
  const bt_tempo *tempo = jobs->read->tempo;
  return job->is_measured || atomic_load(&tempo->is_slow) ? tempo->timeout_ms : bt_tempo_patience_ms(tempo);
}

static bt_status start_part(bt_trace_jobs *jobs, bt_trace_job *job, const bt_job_part *what, int64_t start_s,
                            int64_t end_s, bt_error *error) {
  bt_job_part *p = &job->parts[job->part_count++];
  bt_tempo *tempo = jobs->read->tempo;
  *p = *what;
  p->call.caller = &jobs->read->caller;
  p->call.max_body_bytes = max_answer_bytes;
  p->call.patience_ms = patience_ms(jobs, job);
  p->call.kind = BT_HTTP_READ;
  p->call.limit = atomic_load(&tempo->search_limit);
  p->call.range_s = end_s - start_s;
  write_query(jobs, job, p);
  bt_tempo_search_url url = {.query = bt_buffer_str(&jobs->query),
                             .start_s = start_s,
                             .end_s = end_s,
                             .limit = p->call.limit,
                             .spans_per_set = BT_READ_SPANS_PER_SET};
  if (jobs->query.failed || !bt_tempo_url_search(tempo, &url, &p->call.url)) return bt_error_no_memory(error);
  return bt_tempo_call_start(&p->call, error);
}

/* Asks one thing of every slice of the range. */
static bt_status start_slices(bt_trace_jobs *jobs, bt_trace_job *job, const bt_job_part *what, bt_error *error) {
  bt_status status = BT_OK;
  for (int64_t from_s = job->start_s; from_s < job->end_s && status == BT_OK; from_s += job->slice_s) {
    int64_t to_s = job->end_s - from_s > job->slice_s ? from_s + job->slice_s : job->end_s;
    status = start_part(jobs, job, what, from_s, to_s, error);
  }
  return status;
}

static size_t count_slices(const bt_trace_job *job) {
  return (size_t)((job->end_s - job->start_s + job->slice_s - 1) / job->slice_s);
}

/* Room for more parts, none of which is under way. */
static bool reserve_parts(bt_trace_job *job, size_t more) {
  bt_job_part *parts = bt_realloc_array(job->parts, job->part_count + more, sizeof *parts);
  if (parts) job->parts = parts;
  return parts != NULL;
}

/* Asks all parts of a job: the slices of the range, each with every group of the projection. */
static bt_status start_parts(bt_trace_jobs *jobs, bt_trace_job *job, bt_error *error) {
  bt_status status = bt_tempo_seconds(jobs->read->request->range, &job->start_s, &job->end_s, error);
  if (status != BT_OK) return status;
  uint32_t groups = bt_projection_groups(jobs->read->request->projection);
  job->slice_s = atomic_load(&jobs->read->tempo->max_range_s);
  size_t slices = count_slices(job);
  if (slices > SLICES_MAX)
    return bt_error_set(error, BT_REFUSED,
                        "Tempo takes ranges of %lld s at most: a read would be %zu requests, and %d may be",
                        (long long)job->slice_s, slices, SLICES_MAX);
  if (!reserve_parts(job, FIRST_KINDS * slices * groups)) return bt_error_no_memory(error);
  for (uint32_t group = 0; group < groups && status == BT_OK; group++) {
    status = start_slices(jobs, job, &(bt_job_part){.group = group}, error);
    bool asks_lists =
        jobs->may_hold_lists && bt_projection_group_has_attributes(jobs->read->request->projection, group);
    if (status == BT_OK && asks_lists)
      status = start_slices(jobs, job, &(bt_job_part){.group = group, .kind = READS_LISTS}, error);
  }
  return status;
}

/* Asks once more for what may be made up. */
static bt_status start_doubted(bt_trace_jobs *jobs, bt_trace_job *job, uint32_t group, bt_error *error) {
  if (!bt_trace_merge_doubts(job->merge, group)) return BT_OK;
  return start_slices(jobs, job, &(bt_job_part){.group = group, .kind = READS_DOUBTED}, error);
}

/* What tells arrays in columns from other values, of one group. */
typedef struct elements_plan {
  bt_list_elements *elements;
  bt_trace_id *ids; /* of the traces in doubt */
  size_t count;
  uint32_t questions; /* 0: none is worth it */
} elements_plan;

static bt_status plan_elements(bt_trace_jobs *jobs, bt_trace_job *job, uint32_t group, elements_plan *out,
                               bt_error *error) {
  if (!jobs->may_hold_lists) return BT_OK;
  out->elements = bt_list_elements_new();
  out->ids = bt_realloc_array(NULL, job->count, sizeof *out->ids);
  if (!out->elements || !out->ids) return bt_error_no_memory(error);
  out->count = bt_trace_merge_add_elements(job->merge, group, out->elements, out->ids);
  uint32_t questions = bt_list_elements_questions(out->elements);
  if (out->count <= (size_t)questions * WORTH_QUESTION) return BT_OK;
  out->questions = questions;
  job->told[group] = bt_list_elements_told(out->elements);
  return BT_OK;
}

static void dispose_elements(elements_plan *plan) {
  bt_list_elements_free(plan->elements);
  free(plan->ids);
}

/* The traces of a range may be more than one question names. */
static size_t count_pieces(const bt_trace_jobs *jobs, const elements_plan *plan) {
  size_t most = bt_trace_jobs_ids_named(jobs);
  return (plan->count + most - 1) / most;
}

static bt_status ask_elements(bt_trace_jobs *jobs, bt_trace_job *job, uint32_t group, const elements_plan *plan,
                              elements_question *question, bt_error *error) {
  bt_status status = BT_OK;
  size_t most = bt_trace_jobs_ids_named(jobs);
  for (size_t from = 0; from < plan->count && status == BT_OK; from += most) {
    question->ids = plan->ids + from;
    question->count = plan->count - from < most ? plan->count - from : most;
    bt_job_part part = {.group = group, .kind = READS_ELEMENTS, .question = question};
    status = start_slices(jobs, job, &part, error);
  }
  return status;
}

static bt_status start_elements(bt_trace_jobs *jobs, bt_trace_job *job, uint32_t group, const elements_plan *plan,
                                bt_error *error) {
  bt_left_out left_out[BT_PROJECTED_KEYS_MAX];
  elements_question question = {.left_out = left_out};
  bt_buffer text = {0};
  bt_status status = BT_OK;
  for (uint32_t i = 0; i < plan->questions && status == BT_OK; i++) {
    question.left_out_count = bt_list_elements_left_out(plan->elements, i, &text, left_out);
    if (text.failed) status = bt_error_no_memory(error);
    if (status == BT_OK) status = ask_elements(jobs, job, group, plan, &question, error);
  }
  bt_buffer_dispose(&text);
  return status;
}

/* The second questions, when all answers to the first ones are in. Of some spans none is asked: where they are in
 * doubt their traces are read. */
static bt_status start_second(bt_trace_jobs *jobs, bt_trace_job *job, bt_error *error) {
  uint32_t groups = bt_projection_groups(jobs->read->request->projection), questions = groups;
  elements_plan plans[BT_TRACEQL_MAX_GROUPS] = {0};
  bt_status status = BT_OK;
  if (job->asks_second || bt_trace_jobs_want_some_spans(jobs)) return BT_OK;
  job->asks_second = true;
  for (uint32_t group = 0; group < groups && status == BT_OK; group++) {
    status = plan_elements(jobs, job, group, &plans[group], error);
    questions += plans[group].questions * (uint32_t)count_pieces(jobs, &plans[group]);
  }
  if (status == BT_OK && !reserve_parts(job, questions * count_slices(job))) status = bt_error_no_memory(error);
  for (uint32_t group = 0; group < groups && status == BT_OK; group++) {
    status = start_doubted(jobs, job, group, error);
    if (status == BT_OK) status = start_elements(jobs, job, group, &plans[group], error);
  }
  for (uint32_t group = 0; group < groups; group++) dispose_elements(&plans[group]);
  return status;
}

static void settle_doubts(const bt_trace_jobs *jobs, const bt_trace_job *job) {
  uint32_t groups = bt_projection_groups(jobs->read->request->projection);
  for (uint32_t group = 0; job->asks_second && group < groups; group++) {
    bt_trace_merge_settle(job->merge, group);
    bt_trace_merge_tell_lists(job->merge, group, job->told[group]);
  }
}

static bool make_bounds(bt_trace_job *job) {
  job->bounds = bt_realloc_array(NULL, job->count, sizeof *job->bounds);
  for (size_t i = 0; job->bounds && i < job->count; i++)
    job->bounds[i] = (bt_found){.start_ns = INT64_MAX, .end_ns = INT64_MIN};
  return job->bounds != NULL;
}

bt_status bt_trace_job_start(bt_trace_jobs *jobs, bt_trace_job *job, bt_error *error) {
  bool wants_some = bt_trace_jobs_want_some_spans(jobs);
  job->reads_range = jobs->read_range;
  if (wants_some && !make_bounds(job)) return bt_error_no_memory(error);
  bt_status status = bt_trace_merge_new(jobs->ids.ids + job->first, job->count, jobs->read->request->projection,
                                        wants_some, max_job_bytes, &job->merge, error);
  return status == BT_OK ? start_parts(jobs, job, error) : status;
}

/* --- reading the answers --- */

typedef struct part_decoder {
  bt_trace_jobs *jobs;
  bt_trace_job *job;
  bt_job_part *part;
} part_decoder;

typedef struct chosen_rows {
  bt_merge_part part; /* first */
  const bt_trace_jobs *jobs;
  const bt_trace_job *job;
  bt_search_row_sink sink; /* of part */
} chosen_rows;

/* Of the traces between two ids, those that were asked for. */
static bt_status take_chosen_row(void *context, const bt_search_row *row, bt_error *error) {
  chosen_rows *rows = context;
  const bt_trace_id *ids = rows->jobs->ids.ids + rows->job->first;
  const bt_trace_id *id = bsearch(&row->id, ids, rows->job->count, sizeof *ids, bt_trace_id_order);
  if (!id) return BT_OK;
  if (!rows->job->bounds) return rows->sink(&rows->part, row, error);
  bt_found *bounds = &rows->job->bounds[id - ids];
  int64_t start_ns = row->in_doubt ? INT64_MIN : row->start_ns; /* nothing is decided by so long a one */
  if (start_ns < bounds->start_ns) bounds->start_ns = start_ns;
  if (row->end_ns > bounds->end_ns) bounds->end_ns = row->end_ns;
  return rows->sink(&rows->part, row, error);
}

static bt_status decode_part(void *context, bt_str body, bool is_json, bt_error *error) {
  part_decoder *decoder = context;
  if (decoder->job->attempts++ && decoder->part->kind != READS_ELEMENTS)
    bt_trace_merge_distrust_all(decoder->job->merge);
  bt_search_row_sink sink = bt_trace_merge_row;
  if (decoder->part->kind == READS_DOUBTED) sink = bt_trace_merge_doubted_row;
  if (decoder->part->kind == READS_LISTS) sink = bt_trace_merge_lists_row;
  if (decoder->part->kind == READS_ELEMENTS) sink = bt_trace_merge_elements_row;
  chosen_rows into = {{decoder->job->merge, decoder->part->group}, decoder->jobs, decoder->job, sink};
  if (decoder->job->bounds || decoder->job->reads_range) sink = take_chosen_row;
  bt_search_answer answer = {0};
  bt_status status = bt_tempo_decode_search(body, is_json, true, sink, &into, &answer, error);
  decoder->jobs->read->caller.account->bytes_inspected += answer.inspected_bytes;
  if (status == BT_OK && answer.trace_count >= decoder->part->call.limit)
    return bt_error_set(error, BT_LIMIT, "the answer is full");
  return status;
}

/* A question about lists that Tempo refuses, or cannot answer, leaves them in doubt. */
static bool is_no_answer(const bt_job_part *p, bt_tempo_outcome outcome) {
  if (p->kind != READS_ELEMENTS) return false;
  switch (outcome) {
  case BT_TEMPO_STUMBLED:
  case BT_TEMPO_TOO_SLOW:
  case BT_TEMPO_TOO_LARGE:
  case BT_TEMPO_QUERY_TOO_LONG: return true;
  case BT_TEMPO_FAILED: return !p->call.may_pass;
  case BT_TEMPO_ANSWERED:
  case BT_TEMPO_RANGE_TOO_LONG:
  case BT_TEMPO_LIMIT_TOO_HIGH: break;
  }
  return false;
}

static bt_status finish_part(bt_trace_jobs *jobs, bt_trace_job *job, bt_tempo_outcome *outcome, bt_error *error) {
  bt_job_part *p = &job->parts[job->parts_done];
  part_decoder decoder = {jobs, job, p};
  job->attempts = 0;
  bt_status status = bt_tempo_call_finish(&p->call, decode_part, &decoder, outcome, error);
  if (status != BT_OK) return status;
  bool has_none = p->kind == READS_LISTS && bt_tempo_knows_no_lists(&p->call); /* which could not be found out before */
  if (has_none) jobs->may_hold_lists = false;
  bool is_left_open = is_no_answer(p, *outcome);
  if (is_left_open) job->told[p->group] = 0;
  if (has_none || is_left_open) *outcome = BT_TEMPO_ANSWERED;
  if (*outcome != BT_TEMPO_ANSWERED) return BT_OK;
  bt_tempo_call_dispose(&p->call);
  return ++job->parts_done == job->part_count ? start_second(jobs, job, error) : BT_OK;
}

bt_status bt_trace_job_finish(bt_trace_jobs *jobs, bt_trace_job *job, bt_tempo_outcome *outcome, bt_error *error) {
  bt_status status = BT_OK;
  *outcome = BT_TEMPO_ANSWERED;
  while (status == BT_OK && *outcome == BT_TEMPO_ANSWERED && job->parts_done < job->part_count)
    status = finish_part(jobs, job, outcome, error);
  if (status == BT_OK && *outcome == BT_TEMPO_ANSWERED) settle_doubts(jobs, job);
  return status;
}

const bt_tempo_call *bt_trace_job_unanswered(const bt_trace_job *job) {
  return &job->parts[job->parts_done].call;
}

void bt_trace_job_dispose(bt_trace_job *job) {
  for (size_t i = job->parts_done; i < job->part_count; i++) bt_tempo_call_dispose(&job->parts[i].call);
  free(job->parts);
  free(job->bounds);
  bt_trace_merge_free(job->merge);
  *job = (bt_trace_job){0};
}
