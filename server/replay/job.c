/* Submitting replay jobs and asking about them. See job.h. Everything here holds the queue's lock for as long as it
 * copies, never longer. */
#include "server/replay/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/base/clock.h"
#include "server/replay/job_queue.h"

enum { QUEUED_MAX = 1000, TENANT_QUEUED_MAX = 250 };

const char *bt_job_state_name(bt_job_state state) {
  switch (state) {
  case BT_JOB_QUEUED: return "queued";
  case BT_JOB_RUNNING: return "running";
  case BT_JOB_COMPLETED: return "completed";
  case BT_JOB_INCOMPLETE: return "incomplete";
  case BT_JOB_CANCELLED: return "cancelled";
  case BT_JOB_FAILED: return "failed";
  }
  return "";
}

static const char *tenant_or_empty(const char *tenant) {
  return tenant ? tenant : "";
}

static bt_status make_id(char id[BT_REPLAY_ID_BYTES], bt_error *error) {
  uint64_t random[2];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return bt_error_set(error, BT_UNAVAILABLE, "the system gives no random bytes for the id of a replay");
  snprintf(id, BT_REPLAY_ID_BYTES, "r-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
  return BT_OK;
}

static bt_status fill_job(bt_job *job, const bt_job_request *request, bt_error *error) {
  job->source = request->source;
  job->range = request->range;
  job->count_mode = request->count;
  job->emit = request->emit;
  job->created_at_ns = bt_clock_wall_ns();
  job->created_ns = bt_clock_monotonic_ns();
  job->tenant = bt_realloc_array(NULL, strlen(tenant_or_empty(request->tenant)) + 1, 1);
  job->rules = calloc(request->rule_count, sizeof *job->rules);
  job->result.rules = calloc(request->rule_count, sizeof *job->result.rules);
  if (!job->tenant || !job->rules || !job->result.rules) return bt_error_no_memory(error);
  memcpy(job->tenant, tenant_or_empty(request->tenant), strlen(tenant_or_empty(request->tenant)) + 1);
  job->bytes =
      sizeof *job + sizeof(bt_failed_window) + request->rule_count * (sizeof *job->rules + sizeof *job->result.rules);
  /* Each in full: when a rule is edited or was never stored, its replays are all that keeps it. */
  for (size_t i = 0; i < request->rule_count; i++) {
    job->rules[i] = bt_rule_definition_ref(request->rules[i]);
    job->bytes += bt_rule_definition_bytes(job->rules[i]);
  }
  job->rule_count = job->result.rule_count = request->rule_count;
  return make_id(job->id, error);
}

static bt_status check_queued(const bt_job_queue *queue, const char *tenant, bt_error *error) {
  const bt_job_share *share = bt_job_share_find(queue, tenant);
  size_t queued = 0;
  for (size_t i = 0; i < queue->share_count; i++) queued += queue->shares[i]->queued;
  if (share && share->queued >= TENANT_QUEUED_MAX)
    return bt_error_set(error, BT_LIMIT,
                        "%d replays of this tenant are queued already; wait for some to end, or cancel them",
                        TENANT_QUEUED_MAX);
  if (queued >= QUEUED_MAX)
    return bt_error_set(error, BT_LIMIT, "%d replays of all tenants are queued already; wait for some to end",
                        QUEUED_MAX);
  return BT_OK;
}

static bt_status enqueue_job(bt_job_queue *queue, bt_job *job, bt_error *error) {
  bt_status status = check_queued(queue, job->tenant, error);
  if (status != BT_OK) return status;
  bt_job **jobs = bt_grow_array(queue->jobs, queue->job_count, &queue->job_capacity, sizeof *jobs);
  if (!jobs) return bt_error_no_memory(error);
  queue->jobs = jobs;
  status = bt_job_share_join(queue, job, error);
  if (status != BT_OK) return status;
  jobs[queue->job_count++] = job;
  job->number = ++queue->submitted;
  bt_crew_wake(&queue->crew, 1);
  return BT_OK;
}

bt_status bt_job_submit(bt_job_queue *queue, const bt_job_request *request, char replay_id[BT_REPLAY_ID_BYTES],
                        bt_error *error) {
  if (!request->rule_count) return bt_error_set(error, BT_INVALID, "a replay needs at least one rule");
  if (request->range.start_ns >= request->range.end_ns)
    return bt_error_set(error, BT_INVALID, "the range of a replay has to start before it ends");
  bt_job *job = calloc(1, sizeof *job);
  if (!job) return bt_error_no_memory(error);
  bt_work_scope_begin(&job->scope, &queue->options.work->root, BT_SCOPE_NO_DEADLINE);
  bt_status status = fill_job(job, request, error);
  if (!job->source) job->source = queue->options.source;
  if (status == BT_OK) {
    memcpy(replay_id, job->id, BT_REPLAY_ID_BYTES);
    pthread_mutex_lock(&queue->mutex);
    status = enqueue_job(queue, job, error);
    pthread_mutex_unlock(&queue->mutex);
  }
  if (status != BT_OK) bt_job_free(job);
  return status;
}

static void *copy_array(const void *items, size_t count, size_t size, bool *failed) {
  void *copy = count ? bt_realloc_array(NULL, count, size) : NULL;
  if (copy)
    memcpy(copy, items, count * size);
  else if (count)
    *failed = true;
  return copy;
}

static bool copy_result(const bt_replay_result *from, bt_replay_result *to) {
  bool failed = false;
  const bt_coverage *coverage = &from->coverage;
  size_t long_traces = coverage->long_traces ? coverage->long_trace_count : 0;
  *to = *from;
  to->rules = copy_array(from->rules, from->rule_count, sizeof *from->rules, &failed);
  to->notes = copy_array(from->notes, from->note_count, sizeof *from->notes, &failed);
  to->idle = copy_array(from->idle, from->idle_count, sizeof *from->idle, &failed);
  to->coverage.windows_empty =
      copy_array(coverage->windows_empty, coverage->windows_empty_count, sizeof *coverage->windows_empty, &failed);
  to->coverage.windows_failed =
      copy_array(coverage->windows_failed, coverage->windows_failed_count, sizeof *coverage->windows_failed, &failed);
  if (long_traces > BT_LONG_TRACES_NAMED) long_traces = BT_LONG_TRACES_NAMED;
  to->coverage.long_traces = copy_array(coverage->long_traces, long_traces, sizeof *coverage->long_traces, &failed);
  return !failed;
}

void bt_job_view_dispose(bt_job_view *view) {
  for (size_t i = 0; view->rules && i < view->rule_count; i++) bt_rule_definition_unref(view->rules[i]);
  free(view->rules);
  bt_replay_result_dispose(&view->result);
  *view = (bt_job_view){0};
}

static bt_status copy_job(const bt_job *job, bt_job_view *out, bt_error *error) {
  *out = (bt_job_view){.number = job->number,
                       .store = job->source->store,
                       .state = job->state,
                       .range = job->range,
                       .progress = job->progress,
                       .created_at_ns = job->created_at_ns,
                       .started_at_ns = job->started_at_ns,
                       .finished_at_ns = job->finished_at_ns,
                       .emit = job->emit,
                       .spans_emitted = job->spans_emitted,
                       .spans_already_there = job->spans_already_there,
                       .spans_failed = job->spans_failed};
  memcpy(out->replay_id, job->id, sizeof out->replay_id);
  memcpy(out->emission_message, job->emission_message, sizeof out->emission_message);
  bool is_copied = copy_result(&job->result, &out->result);
  if (job->state == BT_JOB_RUNNING) out->result.duration_ns = bt_clock_monotonic_ns() - job->started_ns;
  out->rules = calloc(job->rule_count, sizeof *out->rules);
  if (out->rules) {
    out->rule_count = job->rule_count;
    for (size_t i = 0; i < job->rule_count; i++) out->rules[i] = bt_rule_definition_ref(job->rules[i]);
  }
  if (is_copied && out->rules) return BT_OK;
  bt_job_view_dispose(out);
  return bt_error_no_memory(error);
}

static bt_job *find_job(bt_job_queue *queue, const char *tenant, const char *replay_id, size_t *index) {
  for (size_t i = 0; i < queue->job_count; i++) {
    bt_job *job = queue->jobs[i];
    if (strcmp(job->id, replay_id) != 0 || strcmp(job->tenant, tenant_or_empty(tenant)) != 0) continue;
    if (index) *index = i;
    return job;
  }
  return NULL;
}

static bt_status not_found(const char *replay_id, bt_error *error) {
  return bt_error_set(error, BT_NOT_FOUND,
                      "there is no replay %.40s: it never was, belongs to another tenant, was deleted, ended before "
                      "the service restarted, or was forgotten to make room for newer ones",
                      replay_id);
}

bt_status bt_job_get(bt_job_queue *queue, const char *tenant, const char *replay_id, bt_job_view *out,
                     bt_error *error) {
  *out = (bt_job_view){0};
  pthread_mutex_lock(&queue->mutex);
  const bt_job *job = find_job(queue, tenant, replay_id, NULL);
  bt_status status = job ? copy_job(job, out, error) : not_found(replay_id, error);
  pthread_mutex_unlock(&queue->mutex);
  return status;
}

static bool has_rule(const bt_job *job, const char *rule_id) {
  for (size_t i = 0; i < job->rule_count; i++)
    if (strcmp(job->rules[i]->fields.id, rule_id) == 0) return true;
  return false;
}

bt_status bt_job_latest(bt_job_queue *queue, const char *tenant, const char *rule_id, bt_job_view *out,
                        bt_error *error) {
  *out = (bt_job_view){0};
  pthread_mutex_lock(&queue->mutex);
  const bt_job *latest = NULL;
  for (size_t i = queue->job_count; !latest && i > 0; i--) {
    const bt_job *job = queue->jobs[i - 1];
    if (strcmp(job->tenant, tenant_or_empty(tenant)) == 0 && has_rule(job, rule_id)) latest = job;
  }
  bt_status status = latest ? copy_job(latest, out, error)
                            : bt_error_set(error, BT_NOT_FOUND,
                                           "there is no replay of the rule %.128s: none was started since the service "
                                           "started, or the last one was deleted or forgotten to make room",
                                           rule_id);
  pthread_mutex_unlock(&queue->mutex);
  return status;
}

void bt_job_listing_dispose(bt_job_listing *listing) {
  for (size_t i = 0; listing->views && i < listing->count; i++) bt_job_view_dispose(&listing->views[i]);
  free(listing->views);
  *listing = (bt_job_listing){0};
}

static bt_status copy_jobs(bt_job_queue *queue, const char *tenant, uint64_t before, size_t limit, bt_job_listing *out,
                           bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = queue->job_count; status == BT_OK && i > 0; i--) {
    const bt_job *job = queue->jobs[i - 1];
    if (strcmp(job->tenant, tenant_or_empty(tenant)) != 0 || (before && job->number >= before)) continue;
    out->goes_on = out->count == limit;
    if (out->goes_on) break;
    status = copy_job(job, &out->views[out->count], error);
    if (status == BT_OK) out->count++;
  }
  return status;
}

bt_status bt_job_list(bt_job_queue *queue, const char *tenant, uint64_t before, size_t limit, bt_job_listing *out,
                      bt_error *error) {
  *out = (bt_job_listing){0};
  pthread_mutex_lock(&queue->mutex);
  size_t most = limit < queue->job_count ? limit : queue->job_count;
  out->views = bt_realloc_array(NULL, most, sizeof *out->views);
  bt_status status = out->views ? copy_jobs(queue, tenant, before, limit, out, error) : bt_error_no_memory(error);
  pthread_mutex_unlock(&queue->mutex);
  if (status != BT_OK) bt_job_listing_dispose(out);
  return status;
}

bt_status bt_job_cancel(bt_job_queue *queue, const char *tenant, const char *replay_id, bt_error *error) {
  size_t index = 0;
  bt_status status = BT_OK;
  pthread_mutex_lock(&queue->mutex);
  bt_job *job = find_job(queue, tenant, replay_id, &index);
  if (!job)
    status = not_found(replay_id, error);
  else if (bt_job_is_finished(job))
    bt_job_remove(queue, index);
  else {
    bt_work_scope_cancel(&job->scope, BT_SCOPE_UNWANTED);
    if (job->state == BT_JOB_QUEUED) {
      bt_job_set_state(queue, job, BT_JOB_CANCELLED);
      job->result.outcome = BT_REPLAY_CANCELLED;
      snprintf(job->result.reason, sizeof job->result.reason, "cancelled: the replay was cancelled before it started");
      job->finished_at_ns = bt_clock_wall_ns();
      bt_job_count(queue, job);
    }
  }
  pthread_mutex_unlock(&queue->mutex);
  bt_memory_return(queue->options.memory);
  return status;
}

enum { VISITED_AT_ONCE = 64 };

typedef struct visited_violation {
  const bt_rule_definition *rule;
  const bt_violation *violation; /* immutable, and there as long as its job is */
} visited_violation;

/* Numbers first … of the job, as many as there are; under the lock. */
static size_t copy_violations(const bt_job *job, bt_job_order order, size_t first, size_t limit,
                              visited_violation out[VISITED_AT_ONCE]) {
  size_t count = 0;
  for (; count < VISITED_AT_ONCE && count < limit && first + count < job->violation_count; count++) {
    size_t number = order == BT_JOB_BY_TIME ? job->by_time[first + count] : first + count;
    const bt_job_violation *item = &job->violations[number];
    out[count] = (visited_violation){job->rules[item->rule], item->violation};
  }
  return count;
}

/* Some at a time, so that nobody waits for the lock while they are rendered. */
static bt_status visit_violations(bt_job_queue *queue, bt_job *job, bt_job_order order, size_t first, size_t limit,
                                  bt_job_violation_visit visit, void *context) {
  visited_violation some[VISITED_AT_ONCE];
  bt_status status = BT_OK;
  size_t count;
  do {
    count = copy_violations(job, order, first, limit, some);
    pthread_mutex_unlock(&queue->mutex);
    for (size_t i = 0; status == BT_OK && i < count; i++) status = visit(context, some[i].rule, some[i].violation);
    pthread_mutex_lock(&queue->mutex);
    first += count;
    limit -= count;
  } while (status == BT_OK && count == VISITED_AT_ONCE);
  return status;
}

bt_status bt_job_violations(bt_job_queue *queue, const char *tenant, const char *replay_id, bt_job_order order,
                            size_t first, size_t limit, bt_job_violation_visit visit, void *context, bt_job_page *page,
                            bt_error *error) {
  *page = (bt_job_page){.order = order};
  pthread_mutex_lock(&queue->mutex);
  bt_job *job = find_job(queue, tenant, replay_id, NULL);
  bt_status status = job ? BT_OK : not_found(replay_id, error);
  if (job) {
    page->total = job->violation_count;
    page->state = job->state;
    page->is_finished = bt_job_is_finished(job);
    if (!page->is_finished) page->order = BT_JOB_BY_ARRIVAL;
    size_t there = first < page->total ? page->total - first : 0;
    job->reader_count++;
    status = visit_violations(queue, job, page->order, first, limit < there ? limit : there, visit, context);
    bt_job_end_reading(job);
  }
  pthread_mutex_unlock(&queue->mutex);
  return status;
}
