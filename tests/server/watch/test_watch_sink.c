/* The emitter with the sink of the service, a receiver with one part that hangs, and a source that has what it took.
 * Measures how much longer everything takes than with a receiver that never hangs, and that every span is there
 * once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/replay/violation.h"
#include "server/watch/watch_sink.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/pause.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/fake_http.h"

enum {
  RULES = 24,
  OF_EACH = 3, /* violations */
  EVERY = 6,   /* so many requests come to one that hangs */
  ANSWER_MS = 250,
  SLOWER = 3, /* times, at most; a wait of all of its timeout for each export that hangs is thirty times */
  CAPACITY = 1000
};

typedef struct scene {
  pthread_mutex_t mutex; /* holds what the receiver's threads touch */
  fake_source fake;
  bool hangs;
  size_t requests, hung, spans;
  fake_server *server;
  bt_http_client *client;
  bt_exporter_options exporter;
  bt_rule_definition *rules[RULES];
  bt_open_set set;
  bt_watch_options options;
} scene;

/* A span that comes twice is there once, as in Tempo. */
static void keep_span(scene *s, const bt_trace *trace) {
  for (size_t i = 0; i < s->fake.trace_count; i++)
    if (bt_trace_id_compare(&s->fake.traces[i].id, &trace->id) == 0) return;
  fake_trace *kept = fake_add(&s->fake, 0);
  kept->id = trace->id;
  fake_span *span = fake_span_add(kept, BT_OWN_VIOLATION, trace->spans[0].start_ns);
  memcpy(span->id, trace->spans[0].id.bytes, sizeof span->id);
  span->service = BT_OWN_SERVICE;
  s->spans++;
}

static void keep_spans(scene *s, const fake_request *request) {
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  bt_str body = {request->body, request->body_length};
  if (bt_span_batch_new((size_t)1 << 24, &batch, &error) != BT_OK ||
      bt_otlp_decode_protobuf(body, batch, &error) != BT_OK || bt_span_batch_finish(batch, &error) != BT_OK)
    abort();
  pthread_mutex_lock(&s->fake.lock);
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) keep_span(s, bt_span_batch_trace(batch, i));
  pthread_mutex_unlock(&s->fake.lock);
  bt_span_batch_free(batch);
}

/* What hangs has taken the spans of some requests, and of others not. */
static bool take_request(void *context, const fake_request *request, int socket) {
  scene *s = context;
  pthread_mutex_lock(&s->mutex);
  bool hangs = s->hangs && s->requests++ % EVERY == EVERY - 1;
  s->hung += hangs;
  if (!hangs || s->hung % 2) keep_spans(s, request);
  pthread_mutex_unlock(&s->mutex);
  if (hangs) return fake_hang(socket);
  nanosleep(&(struct timespec){0, ANSWER_MS * 1000000L}, NULL);
  return fake_respond(socket, 200, "application/x-protobuf", "", "", 0);
}

static void make_scene(scene *s, bool hangs) {
  bt_error error = {0};
  char name[16];
  *s = (scene){.hangs = hangs};
  pthread_mutex_init(&s->mutex, NULL);
  fake_source_init(&s->fake);
  s->fake.hide_own = true;
  for (size_t i = 0; i < RULES; i++) {
    snprintf(name, sizeof name, "r%zu", i);
    s->rules[i] = rule_of(name, "when { a } always { b }");
  }
  s->server = fake_server_start(take_request, s);
  if (!s->server || bt_http_client_new(&(bt_http_options){0}, &s->client, &error) != BT_OK)
    fail_msg("%s", error.message);
  s->exporter = (bt_exporter_options){.url = fake_server_url(s->server)};
  s->options = (bt_watch_options){.client = s->client, .exporter = &s->exporter, .source = &s->fake.source};
}

static void drop_scene(scene *s) {
  bt_http_client_free(s->client);
  fake_server_stop(s->server);
  bt_open_set_dispose(&s->set);
  for (size_t i = 0; i < RULES; i++) bt_rule_definition_unref(s->rules[i]);
  fake_source_dispose(&s->fake);
  pthread_mutex_destroy(&s->mutex);
}

static bt_open *open_of(scene *s, const bt_rule_definition *rule, uint64_t number) {
  bt_own_ids ids;
  bt_error error = {0};
  bt_open *open = NULL;
  bt_violation *violation = NULL;
  bt_trace_id about = fake_id(number);
  assert_int_equal(bt_violation_ids_derive(BT_STR(""), bt_str_from(rule->fields.id), bt_str_from(rule->condition_hash),
                                           &about, &ids, &error),
                   BT_OK);
  bt_violation_record record = {
      .id = ids.trace_id, .emit_span_id = ids.span_id, .trace_id = about, .time_ns = NOON_NS, .message = BT_STR("m")};
  assert_int_equal(bt_violation_restore(&record, &violation, &error), BT_OK);
  assert_int_equal(bt_open_set_add(&s->set, violation, rule, &open, &error), BT_OK);
  return open;
}

/* How long it takes until all is sent, in milliseconds. */
static int64_t send_all(scene *s) {
  bt_watch_sink sink = bt_watch_sink_of(&s->options);
  bt_workplace *work = NULL;
  bt_emitter *emitter = NULL;
  bt_error error = {0};
  sink.emitted = NULL;
  sink.pause_ms = 50;
  assert_int_equal(bt_workplace_new(NULL, &work, &error), BT_OK);
  assert_int_equal(bt_emitter_new(work, &sink, CAPACITY, &emitter, &error), BT_OK);
  int64_t began_ms = bt_monotonic_ms();
  for (uint64_t i = 0; i < (uint64_t)RULES * OF_EACH; i++) {
    bt_open *open = open_of(s, s->rules[i % RULES], i + 1);
    bt_emitter_push(emitter, &(bt_emitter_item){s, "", open, false});
  }
  while (bt_emitter_look(emitter).queued) nanosleep(&(struct timespec){0, 5000000}, NULL);
  int64_t took_ms = bt_monotonic_ms() - began_ms;
  bt_watch_emission status = bt_emitter_look(emitter);
  assert_int_equal(status.emitted + status.already_there, RULES * OF_EACH);
  bt_emitter_free(emitter);
  bt_workplace_free(work);
  return took_ms;
}

static void a_receiver_of_which_a_part_hangs_costs_little(void **state) {
  (void)state;
  static scene prompt, hanging;
  bt_violation_ids_install();
  make_scene(&prompt, false);
  int64_t prompt_ms = send_all(&prompt);
  assert_int_equal(prompt.spans, RULES * OF_EACH);
  drop_scene(&prompt);
  make_scene(&hanging, true);
  int64_t hanging_ms = send_all(&hanging);
  print_message("%lld ms, and %lld ms where %zu of %zu exports hang\n", (long long)prompt_ms, (long long)hanging_ms,
                hanging.hung, hanging.requests);
  assert_int_equal(hanging.spans, RULES * OF_EACH);
  assert_true(hanging.hung >= RULES / EVERY);
  if (hanging_ms > SLOWER * prompt_ms) fail_msg("%lld ms is too much", (long long)hanging_ms);
  drop_scene(&hanging);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_receiver_of_which_a_part_hangs_costs_little)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
