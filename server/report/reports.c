/* The queue of reports. See reports.h. Invariant: a job in the list is owned by it; a running one is also used by its worker, so that a deleted one
 * stays in the list, marked, until the worker has let go of it. No lock is held while a report is made. */
#include "server/report/reports.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/clock.h"
#include "server/condition.h"
#include "server/replay/window.h"
#include "server/report/canonical_json.h"
#include "server/report/report_span.h"

enum { WORKERS = 2, UNFINISHED_MAX = 32, TENANT_UNFINISHED_MAX = 8, FINISHED_MAX = 200 };
static const int64_t SECOND_NS = 1000000000;
static const size_t DEFAULT_MEMORY_BYTES = (size_t)64 << 20;

typedef struct report_job {
  bt_report_view view; /* text is the job's own */
  char *tenant;
  uint64_t seed;
  bt_cancel cancel;
  bool is_deleted;
} report_job;

struct bt_reports {
  bt_reports_options options;
  pthread_mutex_t mutex; /* guards all below, and every job */
  pthread_cond_t work, ended;
  bool stopping;
  report_job **jobs; /* in order of submission */
  size_t count, capacity, bytes;
  pthread_t workers[WORKERS];
  size_t worker_count;
};

const char *bt_report_state_name(bt_report_state state) {
  switch (state) {
  case BT_REPORT_QUEUED: return "queued";
  case BT_REPORT_RUNNING: return "running";
  case BT_REPORT_DONE: return "completed";
  case BT_REPORT_FAILED: return "failed";
  }
  return "";
}

static bool is_finished(const report_job *job) {
  return job->view.state == BT_REPORT_DONE || job->view.state == BT_REPORT_FAILED;
}

void bt_report_view_dispose(bt_report_view *view) {
  bt_buffer_dispose(&view->text);
  *view = (bt_report_view){0};
}

static void free_job(report_job *job) {
  if (!job) return;
  bt_report_view_dispose(&job->view);
  free(job->tenant);
  free(job);
}

int64_t bt_reports_settled_ns(const bt_reports *reports, int64_t now_ns) {
  const bt_reports_options *options = &reports->options;
  if (options->source->operations->is_static) return now_ns;
  return bt_time_subtract(now_ns, bt_assumptions_over(&options->assumptions, options->source, NULL).settle_ns);
}

/* ---- the list ---- */

static void remove_at(bt_reports *reports, size_t index) {
  report_job *job = reports->jobs[index];
  reports->bytes -= job->view.text.len;
  memmove(&reports->jobs[index], &reports->jobs[index + 1], (reports->count - index - 1) * sizeof(report_job *));
  reports->count--;
  free_job(job);
}

static size_t index_of(const bt_reports *reports, const char *tenant, const char *report_id) {
  size_t i = 0;
  while (i < reports->count) {
    const report_job *job = reports->jobs[i];
    bool is_it = strcmp(job->view.report_id, report_id) == 0 && strcmp(job->tenant, tenant) == 0;
    if (is_it && !job->is_deleted) break;
    i++;
  }
  return i;
}

static void make_room(bt_reports *reports) {
  size_t finished = 0;
  for (size_t i = 0; i < reports->count; i++) finished += is_finished(reports->jobs[i]);
  for (size_t i = 0;
       i < reports->count && (reports->bytes > reports->options.memory_limit_bytes || finished > FINISHED_MAX);) {
    bool is_newest = finished == 1; /* whoever asked for it has not read it yet */
    if (is_newest || !is_finished(reports->jobs[i])) {
      i++;
      continue;
    }
    remove_at(reports, i);
    finished--;
  }
}

static bt_status check_room(const bt_reports *reports, const char *tenant, bt_error *error) {
  size_t all = 0, own = 0;
  for (size_t i = 0; i < reports->count; i++) {
    if (is_finished(reports->jobs[i])) continue;
    all++;
    own += strcmp(reports->jobs[i]->tenant, tenant) == 0;
  }
  if (all < UNFINISHED_MAX && own < TENANT_UNFINISHED_MAX) return BT_OK;
  return bt_error_set(error, BT_LIMIT, "%zu reports are being made already; wait for some to end, or delete them",
                      own < TENANT_UNFINISHED_MAX ? all : own);
}

static bt_status make_job(const char *tenant, bt_str framework, bt_time_range range, bt_report_form form,
                          report_job **out, bt_error *error) {
  uint64_t random[3];
  report_job *job = *out = calloc(1, sizeof *job);
  char *copy = strdup(tenant);
  if (!job || !copy) {
    free(copy);
    return bt_error_no_memory(error);
  }
  job->tenant = copy;
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return bt_error_set(error, BT_UNAVAILABLE, "the system gives no random bytes for the id of a report");
  snprintf(job->view.report_id, sizeof job->view.report_id, "rep-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
  snprintf(job->view.framework, sizeof job->view.framework, "%.*s", BT_FMT(framework));
  job->seed = random[2];
  job->view.range = range;
  job->view.form = form;
  job->view.created_at_ns = bt_clock_wall_ns();
  snprintf(job->view.span_state, sizeof job->view.span_state, "not_sent");
  return BT_OK;
}

static bt_status enqueue(bt_reports *reports, report_job *job, bt_error *error) {
  bt_status status = check_room(reports, job->tenant, error);
  if (status) return status;
  report_job **jobs = bt_grow_array(reports->jobs, reports->count, &reports->capacity, sizeof *jobs);
  if (!jobs) return bt_error_no_memory(error);
  reports->jobs = jobs;
  jobs[reports->count++] = job;
  pthread_cond_signal(&reports->work);
  return BT_OK;
}

bt_status bt_reports_submit(bt_reports *reports, const char *tenant, bt_str framework, bt_time_range range,
                            bt_report_form form, char report_id[BT_REPORT_ID_BYTES], bt_error *error) {
  report_job *job = NULL;
  bt_status status = make_job(tenant, framework, range, form, &job, error);
  if (!status) {
    memcpy(report_id, job->view.report_id, BT_REPORT_ID_BYTES);
    pthread_mutex_lock(&reports->mutex);
    status = enqueue(reports, job, error);
    pthread_mutex_unlock(&reports->mutex);
  }
  if (status) free_job(job);
  return status;
}

/* ---- asking ---- */

static bt_status not_found(const char *report_id, bt_error *error) {
  return bt_error_set(error, BT_NOT_FOUND,
                      "there is no report %.40s: it never was, belongs to another tenant, was deleted, was made before "
                      "the service restarted, or was forgotten to make room for newer ones",
                      report_id);
}

static bt_status copy_view(const report_job *job, bt_report_view *out, bt_error *error) {
  *out = job->view;
  out->text = (bt_buffer){0};
  bt_buffer_append(&out->text, bt_buffer_str(&job->view.text));
  if (!out->text.failed) return BT_OK;
  bt_report_view_dispose(out);
  return bt_error_no_memory(error);
}

static bool is_stopping(const bt_reports *reports, const bt_cancel *stopping) {
  return reports->stopping || (stopping && atomic_load(&stopping->requested));
}

/* A short wait, so that the end of the service is seen. */
static void wait_a_while(bt_reports *reports, int64_t until_ns) {
  int64_t at_ns = bt_clock_monotonic_ns() + SECOND_NS / 5;
  if (at_ns > until_ns) at_ns = until_ns;
  (void)bt_condition_wait(&reports->ended, &reports->mutex, at_ns);
}

bt_status bt_reports_get(bt_reports *reports, const char *tenant, const char *report_id, int64_t wait_ns,
                         const bt_cancel *stopping, bt_report_view *out, bt_error *error) {
  *out = (bt_report_view){0};
  int64_t until_ns = bt_clock_monotonic_ns() + wait_ns;
  pthread_mutex_lock(&reports->mutex);
  size_t index = index_of(reports, tenant, report_id);
  while (index < reports->count && !is_finished(reports->jobs[index]) && !is_stopping(reports, stopping) &&
         bt_clock_monotonic_ns() < until_ns) {
    wait_a_while(reports, until_ns);
    index = index_of(reports, tenant, report_id);
  }
  bt_status status = index < reports->count ? copy_view(reports->jobs[index], out, error) : not_found(report_id, error);
  pthread_mutex_unlock(&reports->mutex);
  return status;
}

bt_status bt_reports_delete(bt_reports *reports, const char *tenant, const char *report_id, bt_error *error) {
  pthread_mutex_lock(&reports->mutex);
  size_t index = index_of(reports, tenant, report_id);
  bool is_there = index < reports->count;
  if (is_there && reports->jobs[index]->view.state == BT_REPORT_RUNNING) {
    atomic_store(&reports->jobs[index]->cancel.requested, true);
    reports->jobs[index]->is_deleted = true;
  } else if (is_there) {
    remove_at(reports, index);
  }
  if (is_there) pthread_cond_broadcast(&reports->ended);
  pthread_mutex_unlock(&reports->mutex);
  return is_there ? BT_OK : not_found(report_id, error);
}

/* ---- making one ---- */

typedef struct making {
  bt_reports *reports;
  report_job *job;
} making;

static void show_progress(void *context, double fraction) {
  making *m = context;
  pthread_mutex_lock(&m->reports->mutex);
  if (fraction > m->job->view.progress) m->job->view.progress = fraction < 1 ? fraction : 0.99;
  pthread_mutex_unlock(&m->reports->mutex);
}

static bt_status build(making *m, json_t **document, bt_error *error) {
  const bt_reports_options *options = &m->reports->options;
  const report_job *job = m->job;
  bt_report_request request = {.store = options->store,
                               .watch = options->watch,
                               .metrics = options->metrics,
                               .version = options->version,
                               .started_at_ns = options->started_at_ns,
                               .key = options->key,
                               .report_id = job->view.report_id,
                               .framework = bt_str_from(job->view.framework),
                               .measure = {.source = options->source,
                                           .range = job->view.range,
                                           .now_ns = bt_clock_wall_ns(),
                                           .assumptions = options->assumptions,
                                           .tenant = job->tenant[0] ? job->tenant : NULL,
                                           .seed = job->seed,
                                           .priority = BT_PRIORITY_PEOPLE,
                                           .cancel = &job->cancel,
                                           .progress = show_progress,
                                           .context = m}};
  return bt_report_build(&request, document, error);
}

static void finish(making *m, bt_status status, bt_buffer *text, const bt_report_span_result *span,
                   const bt_error *error) {
  report_job *job = m->job;
  pthread_mutex_lock(&m->reports->mutex);
  job->view.state = status ? BT_REPORT_FAILED : BT_REPORT_DONE;
  job->view.progress = 1;
  job->view.text = *text;
  *text = (bt_buffer){0};
  m->reports->bytes += job->view.text.len;
  snprintf(job->view.span_state, sizeof job->view.span_state, "%s", span->state ? span->state : "not_sent");
  snprintf(job->view.message, sizeof job->view.message, "%.500s", status ? error->message : span->message);
  for (size_t i = 0; job->is_deleted && i < m->reports->count; i++)
    if (m->reports->jobs[i] == job) {
      remove_at(m->reports, i);
      break;
    }
  make_room(m->reports);
  pthread_cond_broadcast(&m->reports->ended);
  pthread_mutex_unlock(&m->reports->mutex);
}

static void count(const making *m, bt_status status, const json_t *document, const bt_report_span_result *span,
                  int64_t duration_ns) {
  bt_metrics *metrics = m->reports->options.metrics;
  const json_t *report = json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
  bool is_whole = json_is_true(json_object_get(report, "complete"));
  bt_metrics_add_report(metrics,
                        status == BT_CANCELLED ? BT_REPORT_END_CANCELLED
                        : status               ? BT_REPORT_END_FAILED
                        : is_whole             ? BT_REPORT_END_COMPLETE
                                               : BT_REPORT_END_INCOMPLETE,
                        duration_ns);
  if (span->state)
    bt_metrics_add_report_span(metrics, strcmp(span->state, "sent") == 0     ? BT_REPORT_SPANS_SENT
                                        : strcmp(span->state, "failed") == 0 ? BT_REPORT_SPANS_FAILED
                                                                             : BT_REPORT_SPANS_NOT_SENT);
}

static void make(making *m) {
  const bt_reports_options *options = &m->reports->options;
  json_t *document = NULL;
  bt_buffer text = {0};
  bt_error error = {0};
  bt_report_span_result span = {0};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_status status = build(m, &document, &error);
  if (!status) status = bt_canonical_json(document, &text, &error);
  if (!status) bt_report_span_send(options->client, options->exporter, document, &m->job->cancel, &span);
  count(m, status, document, &span, bt_clock_monotonic_ns() - started_ns);
  json_decref(document);
  if (status) bt_buffer_dispose(&text);
  finish(m, status, &text, &span, &error);
}

static report_job *next_job(const bt_reports *reports) {
  for (size_t i = 0; i < reports->count; i++)
    if (reports->jobs[i]->view.state == BT_REPORT_QUEUED) return reports->jobs[i];
  return NULL;
}

static void *work(void *argument) {
  bt_reports *reports = argument;
  pthread_mutex_lock(&reports->mutex);
  while (!reports->stopping) {
    making m = {reports, next_job(reports)};
    if (!m.job) {
      pthread_cond_wait(&reports->work, &reports->mutex);
      continue;
    }
    m.job->view.state = BT_REPORT_RUNNING;
    pthread_mutex_unlock(&reports->mutex);
    make(&m);
    pthread_mutex_lock(&reports->mutex);
  }
  pthread_mutex_unlock(&reports->mutex);
  return NULL;
}

/* ---- beginning and end ---- */

static void init_conditions(bt_reports *reports) {
  pthread_mutex_init(&reports->mutex, NULL);
  bt_condition_init(&reports->work);
  bt_condition_init(&reports->ended);
}

bt_status bt_reports_new(const bt_reports_options *options, bt_reports **out, bt_error *error) {
  bt_status status = BT_OK;
  *out = NULL;
  bt_reports *reports = calloc(1, sizeof *reports);
  if (!reports) return bt_error_no_memory(error);
  reports->options = *options;
  if (!reports->options.memory_limit_bytes) reports->options.memory_limit_bytes = DEFAULT_MEMORY_BYTES;
  init_conditions(reports);
  for (size_t i = 0; i < WORKERS && !status; i++) {
    if (pthread_create(&reports->workers[i], NULL, work, reports) == 0)
      reports->worker_count++;
    else
      status = bt_error_set(error, BT_LIMIT, "no thread could be started to make reports");
  }
  if (status)
    bt_reports_free(reports);
  else
    *out = reports;
  return status;
}

void bt_reports_free(bt_reports *reports) {
  if (!reports) return;
  pthread_mutex_lock(&reports->mutex);
  reports->stopping = true;
  for (size_t i = 0; i < reports->count; i++) atomic_store(&reports->jobs[i]->cancel.requested, true);
  pthread_cond_broadcast(&reports->work);
  pthread_cond_broadcast(&reports->ended);
  pthread_mutex_unlock(&reports->mutex);
  for (size_t i = 0; i < reports->worker_count; i++) pthread_join(reports->workers[i], NULL);
  for (size_t i = 0; i < reports->count; i++) free_job(reports->jobs[i]);
  free(reports->jobs);
  pthread_cond_destroy(&reports->ended);
  pthread_cond_destroy(&reports->work);
  pthread_mutex_destroy(&reports->mutex);
  free(reports);
}
