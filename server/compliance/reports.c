/* The queue of reports. See reports.h. Invariant: a job in the list is owned by it. A running one is also used by its
 * worker, so that a deleted one stays in the list, marked, until the worker has let go of it. No lock is held while a
 * report is made. */
#include "server/compliance/reports.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/compliance/report_order.h"
#include "server/work/crew.h"

enum {
  DEFAULT_AT_ONCE = 2,
  UNFINISHED_MAX = 32,
  TENANT_UNFINISHED_MAX = 8,
  FINISHED_MAX = 200, /* of all tenants */
  TENANT_FINISHED_MAX = 50,
  TENANT_PART = 4 /* of the memory a tenant may fill one part of so many */
};
static const size_t DEFAULT_MEMORY_BYTES = (size_t)64 << 20;
static const int64_t PROMISE_NS = INT64_C(600) * 1000000000; /* curl waits so long at most before it asks again */

typedef struct report_job {
  bt_report_view view; /* text is the job's own */
  char *tenant, *user; /* user: who asked, or NULL */
  bt_source *source;   /* which is asked */
  bool is_store_said;
  char *words;                      /* of the range that was asked for */
  uint64_t number;                  /* in order of submission, from 1 */
  uint32_t promised;                /* questions that will come again for it */
  int64_t ended_at_ns;              /* monotonic */
  char same_as[BT_REPORT_ID_BYTES]; /* "": it is one of its own; else it said nothing new, and this one is answered */
  uint64_t seed;
  bt_work_scope scope;
  bt_memory_hold hold; /* of all that it takes; of a finished one: its text */
  bool is_deleted;
  bt_waits waits;        /* for its end */
  bool has_failed_stamp; /* a time stamp was asked for, and there is none */
} report_job;

struct bt_reports {
  bt_reports_options options;
  pthread_mutex_t mutex;  /* guards all below, and every job */
  bt_crew crew;           /* makes them */
  bt_report_turns *turns; /* of their own lock */
  report_job **jobs;      /* in order of submission */
  size_t count, capacity, bytes;
  uint64_t last_number;
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

/* Who waited for it finds that it is gone. */
static void free_job(report_job *job) {
  if (!job) return;
  bt_waits_wake_all(&job->waits);
  bt_work_scope_end(&job->scope);
  bt_report_view_dispose(&job->view);
  bt_memory_hold_shrink(&job->hold, 0);
  free(job->tenant);
  free(job->user);
  free(job->words);
  free(job);
}

const bt_evidence_key *bt_reports_key(const bt_reports *reports) {
  return reports->options.key;
}

int64_t bt_reports_settled_ns(const bt_reports *reports, bt_source *source, int64_t now_ns) {
  const bt_reports_options *options = &reports->options;
  bt_promises promises = bt_source_known(source);
  if (promises.is_static) return now_ns;
  const bt_assumptions all = bt_assumptions_over(&options->assumptions, &promises);
  return bt_time_subtract(now_ns, bt_assumptions_decided_ns(&all));
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

static size_t count_finished(const bt_reports *reports, const char *tenant, size_t *bytes) {
  size_t finished = 0;
  *bytes = 0;
  for (size_t i = 0; i < reports->count; i++) {
    const report_job *job = reports->jobs[i];
    if (!is_finished(job) || (tenant && strcmp(job->tenant, tenant) != 0)) continue;
    finished++;
    *bytes += job->view.text.len;
  }
  return finished;
}

/* Of this tenant's. The newest stays: whoever asked for it has not read it yet. */
static bool forget_oldest(bt_reports *reports, const char *tenant) {
  size_t oldest = reports->count, finished = 0;
  for (size_t i = reports->count; i-- > 0;) {
    if (!is_finished(reports->jobs[i]) || strcmp(reports->jobs[i]->tenant, tenant) != 0) continue;
    finished++;
    oldest = i;
  }
  if (finished < 2) return false;
  remove_at(reports, oldest);
  return true;
}

static const char *tenant_with_most(const bt_reports *reports) {
  const char *most = NULL;
  size_t most_bytes = 0, bytes;
  for (size_t i = 0; i < reports->count; i++) {
    const char *tenant = reports->jobs[i]->tenant;
    if (count_finished(reports, tenant, &bytes) < 2 || (most && bytes <= most_bytes)) continue;
    most = tenant;
    most_bytes = bytes;
  }
  return most;
}

/* tenant: whose report came last. Its own bound first; where all together are too much, the tenant that holds the most
 * makes room. */
static void make_room(bt_reports *reports, const char *tenant) {
  size_t limit = reports->options.memory_limit_bytes, bytes;
  while (count_finished(reports, tenant, &bytes) > TENANT_FINISHED_MAX || bytes > limit / TENANT_PART)
    if (!forget_oldest(reports, tenant)) break;
  while (count_finished(reports, NULL, &bytes) > FINISHED_MAX || bytes > limit) {
    const char *most = tenant_with_most(reports);
    if (!most || !forget_oldest(reports, most)) break;
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

static bt_status make_job(const bt_report_question *question, report_job **out, bt_error *error) {
  uint64_t random[3];
  report_job *job = *out = calloc(1, sizeof *job);
  if (!job) return bt_error_no_memory(error);
  job->tenant = strdup(question->tenant);
  job->user = question->user ? strdup(question->user) : NULL;
  job->words = strndup(question->words.ptr, question->words.len);
  if (!job->tenant || !job->words || (question->user && !job->user)) return bt_error_no_memory(error);
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    return bt_error_set(error, BT_UNAVAILABLE, "the system gives no random bytes for the id of a report");
  snprintf(job->view.report_id, sizeof job->view.report_id, "rep-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
  snprintf(job->view.framework, sizeof job->view.framework, "%.*s", BT_FMT(question->framework));
  job->source = question->source;
  job->is_store_said = question->is_store_said;
  job->seed = random[2];
  job->view.range = question->range;
  job->view.form = question->form;
  job->view.created_at_ns = bt_clock_wall_ns();
  snprintf(job->view.span_state, sizeof job->view.span_state, "not_sent");
  return BT_OK;
}

static bt_status enqueue_job(bt_reports *reports, report_job *job, bt_error *error) {
  bt_status status = check_room(reports, job->tenant, error);
  if (status) return status;
  report_job **jobs = bt_grow_array(reports->jobs, reports->count, &reports->capacity, sizeof *jobs);
  if (!jobs) return bt_error_no_memory(error);
  reports->jobs = jobs;
  jobs[reports->count++] = job;
  job->number = ++reports->last_number;
  bt_crew_wake(&reports->crew, 1);
  return BT_OK;
}

/* ---- the one that answers a question already ---- */

static bool is_same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Under way, or ended and kept for somebody who asks again. */
static bool is_to_come(const report_job *job, const bt_report_question *question) {
  if (!is_finished(job)) return true;
  return question->is_again && job->promised && bt_clock_monotonic_ns() - job->ended_at_ns < PROMISE_NS;
}

static bool answers_question(const report_job *job, const bt_report_question *question) {
  return !job->is_deleted && job->source == question->source && job->is_store_said == question->is_store_said &&
         strcmp(job->tenant, question->tenant) == 0 && is_same_text(job->user, question->user) &&
         bt_str_equal(bt_str_from(job->view.framework), question->framework) &&
         bt_str_equal(bt_str_from(job->words), question->words) && is_to_come(job, question);
}

/* The newest. The lock is held. */
static report_job *find_answering(const bt_reports *reports, const bt_report_question *question) {
  for (size_t i = reports->count; i-- > 0;) {
    report_job *job = reports->jobs[i];
    bool is_there = !job->same_as[0] || index_of(reports, job->tenant, job->same_as) < reports->count;
    if (is_there && answers_question(job, question)) return job;
  }
  return NULL;
}

/* Whether a rule that reports may name was changed since; true where nobody knows. */
static bool have_rules_changed(const bt_reports *reports, const char *tenant, int64_t since_ns) {
  bt_rule_version *versions = NULL;
  size_t count = 0;
  bt_error error = {0};
  bt_status status = bt_rule_store_changed(reports->options.store, tenant, since_ns, &versions, &count, &error);
  bt_rule_versions_free(versions, count);
  return status || count;
}

/* The first number of a report that the question may get: of one made before it came only where no rule has changed
 * since. The store is asked without the lock. */
static uint64_t first_that_may_answer(bt_reports *reports, const bt_report_question *question) {
  pthread_mutex_lock(&reports->mutex);
  const report_job *found = find_answering(reports, question);
  uint64_t number = found ? found->number : 0, next = reports->last_number + 1;
  int64_t since_ns = found ? found->view.created_at_ns : 0;
  pthread_mutex_unlock(&reports->mutex);
  return number && !have_rules_changed(reports, question->tenant, since_ns) ? number : next;
}

/* The lock is held. */
static bool join_another(bt_reports *reports, const bt_report_question *question, uint64_t first,
                         char report_id[BT_REPORT_ID_BYTES]) {
  report_job *job = find_answering(reports, question);
  if (!job || job->number < first) return false;
  memcpy(report_id, job->view.report_id, BT_REPORT_ID_BYTES);
  if (question->is_again && job->promised) job->promised--;
  return true;
}

bt_status bt_reports_submit(bt_reports *reports, const bt_report_question *question, char report_id[BT_REPORT_ID_BYTES],
                            bt_error *error) {
  report_job *job = NULL;
  uint64_t first = first_that_may_answer(reports, question);
  bt_status status = make_job(question, &job, error);
  bool is_joined = false;
  if (!status) {
    memcpy(report_id, job->view.report_id, BT_REPORT_ID_BYTES);
    pthread_mutex_lock(&reports->mutex);
    is_joined = join_another(reports, question, first, report_id);
    if (!is_joined) status = enqueue_job(reports, job, error);
    pthread_mutex_unlock(&reports->mutex);
  }
  if (status || is_joined) free_job(job);
  return status;
}

void bt_reports_promise(bt_reports *reports, const char *tenant, const char *report_id) {
  pthread_mutex_lock(&reports->mutex);
  size_t index = index_of(reports, tenant, report_id);
  if (index < reports->count) reports->jobs[index]->promised++;
  pthread_mutex_unlock(&reports->mutex);
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

bt_status bt_reports_get(bt_reports *reports, const char *tenant, const char *report_id, bt_wait *wait,
                         bt_report_view *out, bt_error *error) {
  *out = (bt_report_view){0};
  pthread_mutex_lock(&reports->mutex);
  size_t index = index_of(reports, tenant, report_id);
  bool waits = wait && index < reports->count && !is_finished(reports->jobs[index]);
  if (waits) bt_waits_add(&reports->jobs[index]->waits, wait);
  if (index < reports->count && reports->jobs[index]->same_as[0])
    index = index_of(reports, tenant, reports->jobs[index]->same_as);
  bt_status status = index < reports->count ? copy_view(reports->jobs[index], out, error) : not_found(report_id, error);
  if (status) bt_waits_remove(wait);
  pthread_mutex_unlock(&reports->mutex);
  return status;
}

void bt_reports_stop_waiting(bt_reports *reports, bt_wait *wait) {
  pthread_mutex_lock(&reports->mutex);
  bt_waits_remove(wait);
  pthread_mutex_unlock(&reports->mutex);
}

static bool is_theirs(const report_job *job, const char *user) {
  return !user || (job->user && strcmp(job->user, user) == 0);
}

static void delete_at(bt_reports *reports, size_t index) {
  report_job *job = reports->jobs[index];
  if (job->view.state == BT_REPORT_RUNNING) {
    bt_work_scope_cancel(&job->scope, BT_SCOPE_UNWANTED);
    job->is_deleted = true;
    bt_waits_wake_all(&job->waits);
  } else {
    remove_at(reports, index);
  }
}

bt_status bt_reports_delete(bt_reports *reports, const char *tenant, const char *user, const char *report_id,
                            bt_error *error) {
  bt_status status = BT_OK;
  pthread_mutex_lock(&reports->mutex);
  size_t index = index_of(reports, tenant, report_id);
  if (index == reports->count)
    status = not_found(report_id, error);
  else if (is_theirs(reports->jobs[index], user))
    delete_at(reports, index);
  else
    status =
        bt_error_set(error, BT_REFUSED,
                     "Somebody else asked for this report: only he, or a token with the role editor, may delete it.");
  pthread_mutex_unlock(&reports->mutex);
  return status;
}

/* ---- making one ---- */

typedef struct making {
  bt_reports *reports;
  report_job *job;
} making;

static void show_progress(void *context, const bt_measure_progress *so_far) {
  making *m = context;
  double fraction = so_far->fraction;
  pthread_mutex_lock(&m->reports->mutex);
  m->job->view.so_far = *so_far;
  if (fraction > m->job->view.progress) m->job->view.progress = fraction < 1 ? fraction : 0.99;
  pthread_mutex_unlock(&m->reports->mutex);
}

/* The last report of the same question; neither its span nor its time stamp has failed, so that there is nothing to
 * send or ask again. NULL: there is none. */
static const report_job *last_like(const bt_reports *reports, const report_job *job) {
  const report_job *last = NULL;
  for (size_t i = 0; i < reports->count; i++) {
    const report_job *other = reports->jobs[i];
    bool is_done = other != job && other->view.state == BT_REPORT_DONE && !other->same_as[0] && !other->is_deleted;
    if (is_done && other->source == job->source && strcmp(other->tenant, job->tenant) == 0 &&
        strcmp(other->view.framework, job->view.framework) == 0 &&
        other->view.range.start_ns == job->view.range.start_ns && other->view.range.end_ns == job->view.range.end_ns)
      last = other;
  }
  bool has_failed = last && (last->has_failed_stamp || strcmp(last->view.span_state, "failed") == 0);
  return has_failed ? NULL : last;
}

/* The samples follow from the seed: with another one no report would say the same. */
static void take_seed(making *m) {
  pthread_mutex_lock(&m->reports->mutex);
  const report_job *last = last_like(m->reports, m->job);
  if (last) m->job->seed = last->seed;
  pthread_mutex_unlock(&m->reports->mutex);
}

/* Whether the last one says the same. Then who asked gets that one, and this one is dropped with its signature, before
 * anybody saw it. */
static bool is_nothing_new(making *m, const bt_report_order *order, const json_t *document) {
  bt_buffer text = {0};
  char id[BT_REPORT_ID_BYTES] = "";
  pthread_mutex_lock(&m->reports->mutex);
  const report_job *last = last_like(m->reports, m->job);
  if (last && last->seed == m->job->seed) {
    bt_buffer_append(&text, bt_buffer_str(&last->view.text));
    memcpy(id, last->view.report_id, sizeof id);
  }
  pthread_mutex_unlock(&m->reports->mutex);
  bool is_same = id[0] && !text.failed && bt_report_order_says_the_same(order, bt_buffer_str(&text), document);
  bt_buffer_dispose(&text);
  pthread_mutex_lock(&m->reports->mutex);
  is_same = is_same && index_of(m->reports, m->job->tenant, id) < m->reports->count; /* nobody deleted it meanwhile */
  if (is_same) memcpy(m->job->same_as, id, sizeof id);
  pthread_mutex_unlock(&m->reports->mutex);
  return is_same;
}

static void finish_report(making *m, bt_status status, bt_buffer *text, const bt_report_span_result *span,
                          const bt_error *error) {
  report_job *job = m->job;
  char *tenant = strdup(job->tenant); /* the job may go before room is made */
  pthread_mutex_lock(&m->reports->mutex);
  job->view.state = status ? BT_REPORT_FAILED : BT_REPORT_DONE;
  job->view.progress = 1;
  job->ended_at_ns = bt_clock_monotonic_ns();
  job->view.text = *text;
  bt_memory_hold_shrink(&job->hold, text->capacity ? bt_heap_bytes(text->capacity) : 0);
  *text = (bt_buffer){0};
  m->reports->bytes += job->view.text.len;
  snprintf(job->view.span_state, sizeof job->view.span_state, "%s", span->state ? span->state : "not_sent");
  snprintf(job->view.message, sizeof job->view.message, "%.500s", status ? error->message : span->message);
  bt_waits_wake_all(&job->waits);
  for (size_t i = 0; job->is_deleted && i < m->reports->count; i++)
    if (m->reports->jobs[i] == job) {
      remove_at(m->reports, i);
      break;
    }
  if (tenant) make_room(m->reports, tenant);
  free(tenant);
  pthread_mutex_unlock(&m->reports->mutex);
}

static bt_report_order order_of(making *m) {
  return (bt_report_order){.options = &m->reports->options,
                           .turns = m->reports->turns,
                           .tenant = m->job->tenant,
                           .report_id = m->job->view.report_id,
                           .framework = m->job->view.framework,
                           .source = m->job->source,
                           .is_store_said = m->job->is_store_said,
                           .range = m->job->view.range,
                           .seed = m->job->seed,
                           .cancel = &m->job->scope.cancel,
                           .progress = show_progress,
                           .context = m,
                           .hold = &m->job->hold};
}

/* Beside the signature, so that it needs a report that is signed already. */
static bt_status stamp_report(making *m, const bt_report_order *order, json_t *document, bt_error *error) {
  bool has_failed = false;
  bt_status status = bt_report_order_stamp(order, document, &has_failed, error);
  pthread_mutex_lock(&m->reports->mutex);
  m->job->has_failed_stamp = has_failed;
  pthread_mutex_unlock(&m->reports->mutex);
  return status;
}

/* Nobody has seen it, so the next one need not name it. */
static bool is_deleted(making *m) {
  pthread_mutex_lock(&m->reports->mutex);
  bool deleted = m->job->is_deleted;
  pthread_mutex_unlock(&m->reports->mutex);
  return deleted;
}

static void make_report(making *m) {
  const bt_reports_options *options = &m->reports->options;
  json_t *document = NULL;
  bt_buffer text = {0};
  bt_error error = {0};
  bt_report_span_result span = {0};
  int64_t started_ns = bt_clock_monotonic_ns();
  take_seed(m);
  bt_report_order order = order_of(m);
  bt_report_turn turn = bt_report_order_turn(&order);
  bt_status status = bt_report_order_build(&order, &turn, &document, &error);
  bool is_new = !status && !is_deleted(m) && !is_nothing_new(m, &order, document);
  bt_status ended = bt_report_turn_end(&turn, is_new ? document : NULL, &error);
  if (!status) status = ended;
  if (is_new && !status) status = stamp_report(m, &order, document, &error);
  if (is_new && !status) status = bt_report_order_write(&order, document, &text, &error);
  if (is_new && !status)
    bt_report_span_send(options->client, options->exporter, document, &m->job->scope.cancel, &span);
  bt_report_order_count(&order, status, document, &span, bt_clock_monotonic_ns() - started_ns);
  json_decref(document);
  if (status) bt_buffer_dispose(&text);
  finish_report(m, status, &text, &span, &error);
}

static report_job *next_job(const bt_reports *reports) {
  for (size_t i = 0; i < reports->count; i++)
    if (reports->jobs[i]->view.state == BT_REPORT_QUEUED) return reports->jobs[i];
  return NULL;
}

static bool do_piece(void *context, int64_t *again_ns) {
  bt_reports *reports = context;
  making m = {reports, next_job(reports)};
  (void)again_ns;
  if (!m.job) return false;
  m.job->view.state = BT_REPORT_RUNNING;
  m.job->hold = (bt_memory_hold){reports->options.memory, BT_MEMORY_REPORTS, 0};
  pthread_mutex_unlock(&reports->mutex);
  make_report(&m);
  pthread_mutex_lock(&reports->mutex);
  return true;
}

/* ---- beginning and end ---- */

static bt_status make_crew(bt_reports *reports, bt_error *error) {
  bt_crew_options crew = {.work = reports->options.work,
                          .lane = BT_LANE_REPORT,
                          .size = reports->options.at_once,
                          .mutex = &reports->mutex,
                          .do_piece = do_piece,
                          .context = reports};
  pthread_mutex_init(&reports->mutex, NULL);
  return bt_crew_init(&reports->crew, &crew, error);
}

bt_status bt_reports_new(const bt_reports_options *options, bt_reports **out, bt_error *error) {
  *out = NULL;
  bt_reports *reports = calloc(1, sizeof *reports);
  if (!reports) return bt_error_no_memory(error);
  reports->options = *options;
  if (!reports->options.at_once) reports->options.at_once = DEFAULT_AT_ONCE;
  if (!reports->options.memory_limit_bytes) reports->options.memory_limit_bytes = DEFAULT_MEMORY_BYTES;
  reports->turns = bt_report_turns_new();
  bt_status status = make_crew(reports, error);
  if (!status && !reports->turns) status = bt_error_no_memory(error);
  if (status)
    bt_reports_free(reports);
  else
    *out = reports;
  return status;
}

void bt_reports_free(bt_reports *reports) {
  if (!reports) return;
  pthread_mutex_lock(&reports->mutex);
  bt_crew_dismiss(&reports->crew);
  for (size_t i = 0; i < reports->count; i++) bt_work_scope_cancel(&reports->jobs[i]->scope, BT_SCOPE_STOPPING);
  pthread_mutex_unlock(&reports->mutex);
  bt_crew_end(&reports->crew);
  for (size_t i = 0; i < reports->count; i++) free_job(reports->jobs[i]);
  free(reports->jobs);
  bt_report_turns_free(reports->turns);
  pthread_mutex_destroy(&reports->mutex);
  free(reports);
}
