/* The queue and its thread. See own_spans.h. A batch goes once: what fails is counted and not kept, because spans of
 * ourselves are worth less than memory. */
#include "server/telemetry/own_spans.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/base/log.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/own_trace.h"

enum { QUEUE = 2048, BATCH = 256, SPAN_ATTRIBUTES = 6 };
static const int64_t PAUSE_NS = 500000000; /* that spans are gathered for */

struct bt_own_spans {
  bt_http_client *client;
  bt_exporter_options exporter;
  bt_cancel cancel; /* without a span: what is sent is not seen */
  bt_str version;
  char instance[80];
  pthread_t thread;
  pthread_mutex_t mutex; /* guards the queue and is_ending */
  pthread_cond_t changed;
  bool is_ending;
  size_t first, count;
  bt_own_span queue[QUEUE];
  bt_own_span batch[BATCH]; /* of the thread alone, as all below but the counts */
  bool has_failed;          /* the last one, which the log has said */
  bt_export_span sent[BATCH];
  bt_attribute attributes[BATCH][SPAN_ATTRIBUTES];
  char names[BATCH][2 * BT_OWN_TEXT];
  atomic_ullong counts[BT_OWN_OUTCOMES];
};

const char *const bt_own_outcome_names[] = {"sent", "failed", "dropped"};

/* ---- what is sent ---- */

static void add_text(bt_export_span *span, bt_attribute *to, const char *key, const char *value) {
  if (value && value[0])
    to[span->attribute_count++] =
        (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(value)}};
}

static void add_number(bt_export_span *span, bt_attribute *to, const char *key, int value) {
  if (value) to[span->attribute_count++] = (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = value}};
}

/* A server's 4xx is the caller's fault; a client's is an error of the client. */
static bool is_error(const bt_own_span *span) {
  return span->failure || span->status >= (span->kind == BT_KIND_SERVER ? 500 : 400);
}

static void fill_span(const bt_own_span *from, bt_export_span *to, bt_attribute *attributes, char *name) {
  bool is_call = from->kind == BT_KIND_SERVER;
  *to = (bt_export_span){.trace_id = from->context.trace_id,
                         .span_id = from->context.span_id,
                         .parent_id = from->parent,
                         .kind = from->kind,
                         .status = is_error(from) ? BT_SPAN_STATUS_ERROR : BT_SPAN_STATUS_UNSET,
                         .start_ns = from->start_ns,
                         .end_ns = from->end_ns,
                         .attributes = attributes};
  snprintf(name, (size_t)2 * BT_OWN_TEXT, "%s%s%s", from->method, is_call ? " " : "", is_call ? from->route : "");
  to->name = bt_str_from(name);
  add_text(to, attributes, "http.request.method", from->method);
  add_text(to, attributes, "http.route", from->route);
  add_text(to, attributes, "server.address", from->address);
  add_number(to, attributes, "server.port", from->port);
  add_text(to, attributes, "betrace.question", from->question);
  if (from->failure)
    add_text(to, attributes, "error.type", from->failure);
  else
    add_number(to, attributes, "http.response.status_code", from->status);
}

static void send_batch(bt_own_spans *spans, size_t count) {
  const bt_attribute resource_attributes[] = {
      {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR(BT_OWN_SERVICE)}},
      {BT_STR("service.version"), {.type = BT_VALUE_STRING, .string = spans->version}},
      {BT_STR("service.instance.id"), {.type = BT_VALUE_STRING, .string = bt_str_from(spans->instance)}}};
  bt_export_resource resource = {.attributes = resource_attributes,
                                 .attribute_count = 3,
                                 .scope_name = BT_STR(BT_OWN_SERVICE),
                                 .spans = spans->sent,
                                 .span_count = count};
  bt_export_result result = {0};
  bt_error error = {0};
  for (size_t i = 0; i < count; i++)
    fill_span(&spans->batch[i], &spans->sent[i], spans->attributes[i], spans->names[i]);
  bt_status status = bt_otlp_export(spans->client, &spans->exporter, &resource, 1, &spans->cancel, &result, &error);
  if (status && status != BT_CANCELLED && !spans->has_failed)
    bt_log(BT_LOG_WARNING, "traces of BeTrace itself are not sent: %s; betrace_own_spans_total counts them",
           error.message);
  spans->has_failed = status != BT_OK;
  /* What was taken before a failure is in the result. */
  uint64_t taken = result.accepted < count ? result.accepted : count;
  atomic_fetch_add(&spans->counts[BT_OWN_SENT], taken);
  atomic_fetch_add(&spans->counts[BT_OWN_FAILED], count - taken);
}

/* ---- the queue ---- */

/* With the mutex. */
static size_t take_batch(bt_own_spans *spans) {
  size_t count = spans->count < BATCH ? spans->count : BATCH;
  for (size_t i = 0; i < count; i++) spans->batch[i] = spans->queue[(spans->first + i) % QUEUE];
  spans->first = (spans->first + count) % QUEUE;
  spans->count -= count;
  return count;
}

static void *run_sender(void *context) {
  bt_own_spans *spans = context;
  pthread_mutex_lock(&spans->mutex);
  while (!spans->is_ending) {
    (void)bt_condition_wait(&spans->changed, &spans->mutex, bt_clock_monotonic_ns() + PAUSE_NS);
    for (size_t count; !spans->is_ending && (count = take_batch(spans)) > 0;) {
      pthread_mutex_unlock(&spans->mutex);
      send_batch(spans, count);
      pthread_mutex_lock(&spans->mutex);
    }
  }
  pthread_mutex_unlock(&spans->mutex);
  return NULL;
}

void bt_own_spans_add(bt_own_spans *spans, const bt_own_span *span) {
  if (!spans || !span->context.is_kept) return;
  pthread_mutex_lock(&spans->mutex);
  bool has_room = spans->count < QUEUE;
  if (has_room) spans->queue[(spans->first + spans->count++) % QUEUE] = *span;
  pthread_mutex_unlock(&spans->mutex);
  if (!has_room) atomic_fetch_add(&spans->counts[BT_OWN_DROPPED], 1);
}

uint64_t bt_own_spans_count(bt_own_spans *spans, bt_own_outcome outcome) {
  return spans ? atomic_load(&spans->counts[outcome]) : 0;
}

/* ---- questions ---- */

/* The host and no more: the rest may hold secrets, ids of traces, and names of attributes. */
static void read_url(const char *url, bt_own_span *span) {
  const char *scheme_end = strstr(url, "://");
  if (!scheme_end) return;
  const char *host = scheme_end + 3;
  const char *end = host + strcspn(host, "/?#");
  for (const char *c = host; c < end; c++)
    if (*c == '@') host = c + 1; /* behind a user and a password */
  const char *bracket = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
  const char *after = bracket ? bracket + 1 : host + strcspn(host, ":/?#");
  snprintf(span->address, sizeof span->address, "%.*s", (int)(after - host), host);
  if (*after == ':') span->port = (int)strtol(after + 1, NULL, 10);
}

static const char *failure_of(bt_status status) {
  return status == BT_OK            ? NULL
         : status == BT_CANCELLED   ? "cancelled"
         : status == BT_UNAVAILABLE ? "unavailable"
                                    : "unusable";
}

void bt_own_spans_take(void *spans, const bt_http_exchange *exchange) {
  if (!exchange->span || !exchange->span->is_kept || !exchange->started_ns) return;
  bt_own_span span = {.context = *exchange->span,
                      .parent = exchange->request->cancel->span.span_id,
                      .kind = BT_KIND_CLIENT,
                      .start_ns = exchange->started_ns,
                      .end_ns = exchange->started_ns + exchange->took_ms * 1000000,
                      .method = exchange->request->method,
                      .question = bt_http_kind_names[exchange->request->kind],
                      .failure = failure_of(exchange->status),
                      .status = exchange->status == BT_OK ? exchange->response->status : 0};
  read_url(exchange->request->url, &span);
  bt_own_spans_add(spans, &span);
}

/* ---- beginning and end ---- */

static bool init_sync(bt_own_spans *spans) {
  if (pthread_mutex_init(&spans->mutex, NULL)) return false;
  bt_condition_init(&spans->changed);
  return true;
}

/* Of the machine and the process: two replicas of one service differ. */
static void name_instance(bt_own_spans *spans) {
  char host[60] = "";
  if (gethostname(host, sizeof host - 1)) host[0] = '\0';
  snprintf(spans->instance, sizeof spans->instance, "%s:%ld", host, (long)getpid());
}

bt_status bt_own_spans_new(bt_http_client *client, const bt_exporter_options *exporter, const char *version,
                           bt_own_spans **out, bt_error *error) {
  *out = NULL;
  bt_own_spans *spans = calloc(1, sizeof *spans);
  if (!spans) return bt_error_no_memory(error);
  spans->client = client;
  spans->exporter = *exporter;
  spans->exporter.attempts = 1;
  spans->version = bt_str_from(version);
  name_instance(spans);
  if (!init_sync(spans)) {
    free(spans);
    return bt_error_no_memory(error);
  }
  if (pthread_create(&spans->thread, NULL, run_sender, spans)) {
    pthread_cond_destroy(&spans->changed);
    pthread_mutex_destroy(&spans->mutex);
    free(spans);
    return bt_error_set(error, BT_LIMIT, "the system refused to start the thread that sends own traces");
  }
  *out = spans;
  return BT_OK;
}

void bt_own_spans_free(bt_own_spans *spans) {
  if (!spans) return;
  atomic_store(&spans->cancel.requested, true);
  pthread_mutex_lock(&spans->mutex);
  spans->is_ending = true;
  pthread_cond_signal(&spans->changed);
  pthread_mutex_unlock(&spans->mutex);
  pthread_join(spans->thread, NULL);
  pthread_cond_destroy(&spans->changed);
  pthread_mutex_destroy(&spans->mutex);
  free(spans);
}
