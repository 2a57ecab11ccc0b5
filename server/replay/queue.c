/* The crew of the job queue: each member takes the job whose turn it is, runs it and sends its violation spans.
 * Results stay in memory under a cap: old ones are forgotten (job_share.c says which), and a job that alone is
 * larger says that it is incomplete. No lock is held while a replay runs or spans are sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/replay/emission.h"
#include "server/replay/idle_rules.h"
#include "server/replay/job_queue.h"
#include "server/replay/unseen_names.h"

enum { DEFAULT_WORKERS = 4 };
static const int64_t EXPLAIN_NS = INT64_C(10) * 1000000000;
static const size_t DEFAULT_MEMORY_BYTES = (size_t)256 << 20;

bool bt_job_is_finished(const bt_job *job) {
  return job->state != BT_JOB_QUEUED && job->state != BT_JOB_RUNNING;
}

void bt_job_free(bt_job *job) {
  if (!job) return;
  bt_work_scope_end(&job->scope);
  for (size_t i = 0; i < job->violation_count; i++) bt_violation_free(job->violations[i].violation);
  for (size_t i = 0; job->rules && i < job->rule_count; i++) bt_rule_definition_unref(job->rules[i]);
  bt_replay_result_dispose(&job->result);
  free(job->violations);
  free(job->by_time);
  free(job->rules);
  free(job->tenant);
  free(job);
}

void bt_job_remove(bt_job_queue *queue, size_t index) {
  bt_job *job = queue->jobs[index];
  bt_job_share_leave(queue, job);
  memmove(&queue->jobs[index], &queue->jobs[index + 1], (queue->job_count - index - 1) * sizeof *queue->jobs);
  queue->job_count--;
  job->share = NULL;
  job->is_forgotten = true;
  if (!job->reader_count) bt_job_free(job);
}

void bt_job_end_reading(bt_job *job) {
  if (--job->reader_count == 0 && job->is_forgotten) bt_job_free(job);
}

typedef struct worker_job {
  bt_job_queue *queue;
  bt_job *job;
} worker_job;

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  worker_job *w = context;
  pthread_mutex_lock(&w->queue->mutex);
  w->job->progress = fraction < 1 ? fraction : 0.99; /* what follows is the sending */
  memcpy(w->job->result.rules, so_far->rules, w->job->rule_count * sizeof *so_far->rules);
  w->job->result.requests = so_far->requests;
  w->job->result.bytes_inspected = so_far->bytes_inspected;
  w->job->result.bytes_received = so_far->bytes_received;
  pthread_mutex_unlock(&w->queue->mutex);
}

static bt_status say_full(const worker_job *w, bt_error *error) {
  return bt_error_set(
      error, BT_LIMIT,
      "there is no room for more violations of this replay in the %zu bytes of --memory-limit; the first "
      "%zu are kept: take a shorter range or fewer rules",
      bt_memory_limit(w->queue->options.memory), w->job->violation_count);
}

static bt_status add_violation(worker_job *w, size_t rule, bt_violation *violation, bt_error *error) {
  bt_job *job = w->job;
  size_t bytes = bt_violation_bytes(violation) + sizeof *job->violations + sizeof *job->by_time;
  bt_job_violation *violations =
      bt_grow_array(job->violations, job->violation_count, &job->violation_capacity, sizeof *violations);
  if (!violations) return bt_error_no_memory(error);
  job->violations = violations;
  size_t *by_time = bt_grow_array(job->by_time, job->violation_count, &job->by_time_capacity, sizeof *by_time);
  if (!by_time) return bt_error_no_memory(error);
  job->by_time = by_time;
  if (!bt_job_take_bytes(w->queue, job, bytes)) return say_full(w, error);
  violations[job->violation_count++] = (bt_job_violation){rule, violation};
  return BT_OK;
}

static bt_status keep_violation(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  worker_job *w = context;
  pthread_mutex_lock(&w->queue->mutex);
  bt_status status = add_violation(w, rule, violation, error);
  pthread_mutex_unlock(&w->queue->mutex);
  bt_memory_return(w->queue->options.memory); /* finished ones may have been forgotten for it */
  if (status != BT_OK) bt_violation_free(violation);
  return status;
}

static int compare_times(const void *a, const void *b, void *context) {
  const bt_job *job = context;
  const bt_violation *x = job->violations[*(const size_t *)a].violation;
  const bt_violation *y = job->violations[*(const size_t *)b].violation;
  if (x->time_ns != y->time_ns) return x->time_ns < y->time_ns ? -1 : 1;
  return bt_trace_id_compare(&x->id, &y->id);
}

/* A job that failed holds what it found until then. */
static void sort_violations(bt_job *job) {
  for (size_t i = 0; i < job->violation_count; i++) job->by_time[i] = i;
  if (job->violation_count) qsort_r(job->by_time, job->violation_count, sizeof *job->by_time, compare_times, job);
}

static bt_job_state state_of(bt_replay_outcome outcome) {
  switch (outcome) {
  case BT_REPLAY_COMPLETED: return BT_JOB_COMPLETED;
  case BT_REPLAY_INCOMPLETE: return BT_JOB_INCOMPLETE;
  case BT_REPLAY_CANCELLED: return BT_JOB_CANCELLED;
  case BT_REPLAY_FAILED: return BT_JOB_FAILED;
  }
  return BT_JOB_FAILED;
}

/* Rules that are not stored, like those of one query, are never emitted. */
static size_t choose_emitted(const bt_job *job, size_t rule, const bt_violation **out) {
  size_t count = 0;
  if (!job->rules[rule]->version) return 0;
  for (size_t i = 0; i < job->violation_count; i++)
    if (job->violations[i].rule == rule) out[count++] = job->violations[i].violation;
  return count;
}

static void add_emission(worker_job *w, const bt_emission_result *sent, const char *message) {
  pthread_mutex_lock(&w->queue->mutex);
  w->job->spans_emitted += sent->emitted;
  w->job->spans_already_there += sent->already_there;
  w->job->spans_failed += sent->failed;
  if (message[0]) snprintf(w->job->emission_message, sizeof w->job->emission_message, "%.190s", message);
  pthread_mutex_unlock(&w->queue->mutex);
}

static void emit_rule(worker_job *w, size_t rule, const bt_violation **scratch) {
  const bt_job_queue_options *options = &w->queue->options;
  bt_emission_options emission = {.client = options->client,
                                  .exporter = options->exporter,
                                  .source = bt_source_known(options->source).is_static ? NULL : options->source,
                                  .tenant = w->job->tenant[0] ? w->job->tenant : NULL,
                                  .replay_id = w->job->id,
                                  .origin = "replay",
                                  .at_original_time = options->emit_at_original_time,
                                  .cancel = &w->job->scope.cancel};
  size_t count = choose_emitted(w->job, rule, scratch);
  if (!count) return;
  bt_emission_result sent = {0};
  bt_error why = {0};
  bt_status status = bt_emission_send(&emission, w->job->rules[rule], scratch, count, &sent, &why);
  add_emission(w, &sent, status == BT_OK ? sent.message : why.message);
}

/* Every confirmed violation is sent, also when the replay was incomplete: it is true all the same. */
static void emit_spans(worker_job *w, bt_replay_outcome outcome) {
  const bt_job_queue_options *options = &w->queue->options;
  bool is_wanted = w->job->emit && w->job->source == options->source && options->client && options->exporter &&
                   w->job->violation_count;
  if (!is_wanted || outcome == BT_REPLAY_CANCELLED || outcome == BT_REPLAY_FAILED) return;
  const bt_violation **scratch = bt_realloc_array(NULL, w->job->violation_count, sizeof *scratch);
  if (!scratch) {
    add_emission(w, &(bt_emission_result){.failed = w->job->violation_count}, "no memory to send violation spans");
    return;
  }
  for (size_t i = 0; i < w->job->rule_count; i++) emit_rule(w, i, scratch);
  free(scratch);
}

static size_t coverage_bytes(const bt_coverage *coverage) {
  size_t named = coverage->long_trace_count < BT_LONG_TRACES_NAMED ? coverage->long_trace_count : BT_LONG_TRACES_NAMED;
  return coverage->windows_failed_count * sizeof *coverage->windows_failed +
         coverage->windows_empty_count * sizeof *coverage->windows_empty + named * sizeof *coverage->long_traces;
}

/* A replay that could not begin has counted nothing, and its job shows a row of zeros for each rule. */
static void keep_rules(bt_job *job, bt_replay_result *result) {
  if (result->rule_count == job->rule_count) return;
  free(result->rules);
  result->rules = job->result.rules;
  result->rule_count = job->result.rule_count;
  job->result.rules = NULL;
}

/* Notes that find no room are not kept: nothing depends on them. */
static void take_notes(worker_job *w, bt_replay_result *result) {
  if (bt_job_take_bytes(w->queue, w->job, result->note_count * sizeof *result->notes)) return;
  free(result->notes);
  result->notes = NULL;
  result->note_count = 0;
}

static void take_idle(worker_job *w, bt_replay_result *result) {
  if (bt_job_take_bytes(w->queue, w->job, result->idle_count * sizeof *result->idle)) return;
  free(result->idle);
  result->idle = NULL;
  result->idle_count = 0;
}

/* Windows that find no room are one, for which there was room from the beginning: it says that more was not looked
 * at, and never less. */
static void take_coverage(worker_job *w, bt_replay_result *result) {
  if (bt_job_take_bytes(w->queue, w->job, coverage_bytes(&result->coverage))) return;
  bt_coverage_coarsen(&result->coverage);
  result->coverage.complete = false;
  if (result->outcome != BT_REPLAY_COMPLETED) return;
  result->outcome = BT_REPLAY_INCOMPLETE;
  snprintf(result->reason, sizeof result->reason,
           "results_full: there is no room in --memory-limit for the windows in which nothing was found");
}

/* Takes the result. */
static void finish_job(worker_job *w, bt_replay_result *result) {
  bt_job *job = w->job;
  pthread_mutex_lock(&w->queue->mutex);
  keep_rules(job, result);
  bt_replay_result_dispose(&job->result);
  job->result = *result;
  take_notes(w, &job->result);
  take_idle(w, &job->result);
  take_coverage(w, &job->result);
  sort_violations(job);
  job->finished_at_ns = bt_clock_wall_ns();
  job->progress = 1;
  bt_job_set_state(w->queue, job, state_of(job->result.outcome));
  bt_job_count(w->queue, job);
  pthread_mutex_unlock(&w->queue->mutex);
}

static bt_replay_end end_of(bt_job_state state) {
  switch (state) {
  case BT_JOB_COMPLETED: return BT_REPLAY_END_COMPLETED;
  case BT_JOB_INCOMPLETE: return BT_REPLAY_END_INCOMPLETE;
  case BT_JOB_CANCELLED: return BT_REPLAY_END_CANCELLED;
  case BT_JOB_QUEUED:
  case BT_JOB_RUNNING:
  case BT_JOB_FAILED: return BT_REPLAY_END_FAILED;
  }
  return BT_REPLAY_END_FAILED;
}

/* Rules that are not stored have no number of their own. */
void bt_job_count(const bt_job_queue *queue, const bt_job *job) {
  bt_metrics *metrics = queue->options.metrics;
  int64_t now_ns = bt_clock_monotonic_ns(), left_queue_ns = job->started_ns ? job->started_ns : now_ns;
  bt_metrics_add_replay(metrics, end_of(job->state), left_queue_ns - job->created_ns);
  if (!job->started_ns) return;
  bt_metrics_add_evaluation(metrics, BT_EVALUATION_REPLAY, now_ns - job->started_ns);
  bt_metrics_add_emitted(metrics, BT_EMITTED_SENT, job->spans_emitted);
  bt_metrics_add_emitted(metrics, BT_EMITTED_ALREADY_THERE, job->spans_already_there);
  bt_metrics_add_emitted(metrics, BT_EMITTED_FAILED, job->spans_failed);
  if (job->state != BT_JOB_COMPLETED && job->state != BT_JOB_INCOMPLETE) return;
  if (job->source != queue->options.source) return;
  for (size_t i = 0; i < job->rule_count; i++)
    if (job->rules[i]->version)
      bt_metrics_rule_evaluated(metrics, job->tenant, job->rules[i]->fields.id, job->finished_at_ns);
}

/* Which names nothing has is asked for only where nothing exercised a rule, and not for longer than EXPLAIN_NS. */
static void explain_idle(worker_job *w, const bt_replay_request *request, bt_replay_result *result) {
  bt_work_scope asking;
  bt_error why = {0};
  bt_replay_request asked = *request;
  asked.cancel = &asking.cancel;
  bt_work_scope_begin(&asking, &w->job->scope, bt_clock_monotonic_ns() + EXPLAIN_NS);
  bt_replay_explain_idle(w->job->source, &asked, result);
  bt_status unsaid = bt_unseen_names_of_replay(w->job->source, &asked, result, &why);
  (void)unsaid; /* what was found until then is said */
  bt_work_scope_end(&asking);
}

static void run_job(bt_job_queue *queue, bt_job *job) {
  worker_job w = {queue, job};
  bool is_own = job->source == queue->options.source;
  bt_replay_observer observer = {.context = &w, .progress = show_progress, .violation = keep_violation};
  bt_replay_request request = {.rules = job->rules,
                               .rule_count = job->rule_count,
                               .range = job->range,
                               .assumptions = queue->options.assumptions,
                               .count = job->count_mode,
                               .most_listed = job->emit ? 0 : BT_MOST_LISTED, /* what is sent was told */
                               .tenant = job->tenant[0] ? job->tenant : NULL,
                               .sample_seed = (uint64_t)job->created_at_ns,
                               .memory_limit_bytes = bt_memory_limit(queue->options.memory),
                               .memory = queue->options.memory,
                               .prices = is_own ? queue->options.prices : NULL, /* what a rule costs depends on it */
                               .takes_notes = true,
                               .trust = queue->options.trust,
                               .cancel = &job->scope.cancel};
  bt_replay_result result;
  bt_error why = {0};
  bt_status status = bt_replay_run(job->source, &request, &observer, &result, &why);
  if (status == BT_OK) bt_replay_leave_open(&result);
  if (status == BT_OK) explain_idle(&w, &request, &result);
  if (status == BT_OK) bt_replay_hold_range(&result);
  emit_spans(&w, result.outcome);
  finish_job(&w, &result);
}

static bool do_piece(void *context, int64_t *again_ns) {
  bt_job_queue *queue = context;
  bt_job *job = bt_job_next(queue);
  (void)again_ns;
  if (!job) return false;
  bt_job_set_state(queue, job, BT_JOB_RUNNING);
  job->started_at_ns = bt_clock_wall_ns();
  job->started_ns = bt_clock_monotonic_ns();
  pthread_mutex_unlock(&queue->mutex);
  run_job(queue, job);
  bt_memory_return(queue->options.memory);
  pthread_mutex_lock(&queue->mutex);
  return true;
}

static bt_status make_crew(bt_job_queue *queue, bt_error *error) {
  bt_crew_options crew = {.work = queue->options.work,
                          .lane = BT_LANE_REPLAY,
                          .size = queue->options.max_replays + BT_REPLAYS_BESIDE,
                          .mutex = &queue->mutex,
                          .do_piece = do_piece,
                          .context = queue};
  return bt_crew_init(&queue->crew, &crew, error);
}

/* Somebody else needs room for what is asked for now. */
static void forget_finished(void *context, size_t wanted_bytes) {
  bt_job_queue *queue = context;
  pthread_mutex_lock(&queue->mutex);
  bt_job_make_room(queue, NULL, wanted_bytes);
  pthread_mutex_unlock(&queue->mutex);
}

static bt_status open_account(bt_job_queue *queue, bt_error *error) {
  bt_job_queue_options *options = &queue->options;
  bt_status status = BT_OK;
  if (!options->memory) {
    status = bt_memory_account_new(options->memory_limit_bytes, &queue->own_memory, error);
    options->memory = queue->own_memory;
  }
  bt_memory_set_keeper(options->memory, forget_finished, queue);
  return status;
}

bt_status bt_job_queue_new(const bt_job_queue_options *options, bt_job_queue **out, bt_error *error) {
  *out = NULL;
  bt_job_queue *queue = calloc(1, sizeof *queue);
  if (!queue) return bt_error_no_memory(error);
  queue->options = *options;
  if (!queue->options.max_replays) queue->options.max_replays = DEFAULT_WORKERS;
  if (!queue->options.memory_limit_bytes) queue->options.memory_limit_bytes = DEFAULT_MEMORY_BYTES;
  pthread_mutex_init(&queue->mutex, NULL);
  bt_status status = make_crew(queue, error);
  if (status == BT_OK) status = open_account(queue, error);
  if (status == BT_OK)
    *out = queue;
  else
    bt_job_queue_free(queue);
  return status;
}

void bt_job_queue_free(bt_job_queue *queue) {
  if (!queue) return;
  pthread_mutex_lock(&queue->mutex);
  bt_crew_dismiss(&queue->crew);
  for (size_t i = 0; i < queue->job_count; i++) bt_work_scope_cancel(&queue->jobs[i]->scope, BT_SCOPE_STOPPING);
  pthread_mutex_unlock(&queue->mutex);
  bt_crew_end(&queue->crew);
  bt_memory_set_keeper(queue->options.memory, NULL, NULL);
  for (size_t i = 0; i < queue->job_count; i++) bt_job_free(queue->jobs[i]);
  pthread_mutex_destroy(&queue->mutex);
  for (size_t i = 0; i < queue->share_count; i++) free(queue->shares[i]);
  free(queue->shares);
  free(queue->jobs);
  bt_memory_account_free(queue->own_memory);
  free(queue);
}

void bt_job_queue_stats(bt_job_queue *queue, bt_job_stats *out) {
  *out = (bt_job_stats){.result_limit_bytes = bt_memory_limit(queue->options.memory)};
  pthread_mutex_lock(&queue->mutex);
  out->result_bytes = queue->bytes;
  for (size_t i = 0; i < queue->job_count; i++) {
    const bt_job *job = queue->jobs[i];
    out->queued += job->state == BT_JOB_QUEUED;
    out->running += job->state == BT_JOB_RUNNING;
    out->finished += bt_job_is_finished(job);
  }
  pthread_mutex_unlock(&queue->mutex);
}
