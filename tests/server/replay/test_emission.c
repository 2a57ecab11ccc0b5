/* Sending violation spans to a scripted OTLP endpoint that keeps what it takes in the scripted source: what is sent and
 * with which attributes, what is there already, what is dropped silently, what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/replay/emission.h"
#include "server/replay/trace_link.h"
#include "server/replay/violation.h"
#include "tempo/wire/otlp_decoder.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/fake_http.h"

enum { COUNT = 7 };

typedef struct scene {
  pthread_mutex_t mutex; /* holds what the endpoint's threads touch */
  fake_source fake;      /* read by the test only while nothing is being sent */
  bool drops;            /* answers 200 and keeps nothing */
  bool keeps_unseen;     /* keeps it where search does not look yet */
  int status;            /* 0: 200 */
  size_t requests;
  char *body; /* of the last request */
  size_t body_length;
  fake_server *server;
  bt_http_client *client;
  bt_exporter_options exporter;
  bt_emission_options options;
  bt_rule_definition *rule;
  bt_violation violations[COUNT];
  const bt_violation *pointers[COUNT];
  bt_violation_witness witnesses[4];
  bt_violation_choice choice; /* of every second violation */
  char *services[2];
  bt_priority priority; /* of the last read */
  bt_source guarded;    /* the fake source behind the mutex */
  bt_source_operations operations;
} scene;

static scene *current;

static void keep_spans(scene *s, const fake_request *request) {
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  bt_str body = {request->body, request->body_length};
  if (bt_span_batch_new((size_t)1 << 24, &batch, &error) != BT_OK ||
      bt_otlp_decode_protobuf(body, batch, &error) != BT_OK || bt_span_batch_finish(batch, &error) != BT_OK)
    abort();
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    fake_trace *kept = fake_add(&s->fake, 0);
    kept->id = trace->id;
    fake_span *span = fake_span_add(kept, BT_OWN_VIOLATION, trace->spans[0].start_ns);
    memcpy(span->id, trace->spans[0].id.bytes, sizeof span->id);
    span->service = BT_OWN_SERVICE;
    span->only_by_id = s->keeps_unseen;
  }
  bt_span_batch_free(batch);
}

static bool take_request(void *context, const fake_request *request, int socket) {
  scene *s = context;
  pthread_mutex_lock(&s->mutex);
  s->requests++;
  free(s->body);
  s->body = malloc(request->body_length + 1);
  if (!s->body) abort();
  memcpy(s->body, request->body, request->body_length);
  s->body_length = request->body_length;
  if (!s->status && !s->drops) keep_spans(s, request);
  int status = s->status ? s->status : 200;
  pthread_mutex_unlock(&s->mutex);
  const char *sentence = status == 200 ? "" : "bad spans";
  return fake_respond(socket, status, status == 200 ? "application/x-protobuf" : "text/plain", "", sentence,
                      strlen(sentence));
}

static bt_status guarded_read(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                              bt_source_account *account, bt_error *error) {
  (void)source;
  pthread_mutex_lock(&current->mutex);
  current->priority = request->priority;
  bt_status status = bt_source_read(&current->fake.source, request, sink, context, account, error);
  pthread_mutex_unlock(&current->mutex);
  return status;
}

/* A span of the own trace, two of another one, and one of these once more. */
static void make_choice(scene *s) {
  for (size_t i = 0; i < 4; i++)
    s->witnesses[i] =
        (bt_violation_witness){.span_id = {{9, i == 3 ? 2 : (uint8_t)i}}, .trace = i > 0, .trace_id = fake_id(i > 0)};
  s->choice = (bt_violation_choice){.witnesses = s->witnesses, .witness_count = 4};
}

static void make_violations(scene *s) {
  bt_error error = {0};
  s->services[0] = strdup("db");
  s->services[1] = strdup("web");
  for (size_t i = 0; i < COUNT; i++) {
    bt_own_ids ids;
    bt_trace_id about = fake_id(0xABCDEF00 + i);
    assert_int_equal(
        bt_violation_ids_derive(BT_STR(""), BT_STR("slow"), bt_str_from(s->rule->condition_hash), &about, &ids, &error),
        BT_OK);
    s->violations[i] = (bt_violation){.id = ids.trace_id,
                                      .emit_span_id = ids.span_id,
                                      .retract_span_id = ids.retraction_id,
                                      .trace_id = about,
                                      .span_id = {{9, 9}},
                                      .time_ns = NOON_NS + (int64_t)i,
                                      .message = "span x: bad",
                                      .services = s->services,
                                      .service_count = 2,
                                      .choices = &s->choice,
                                      .choice_count = i % 2,
                                      .rests_on_no_link = i % 2};
    s->pointers[i] = &s->violations[i];
  }
}

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  bt_error error = {0};
  current = s;
  pthread_mutex_init(&s->mutex, NULL);
  fake_source_init(&s->fake);
  s->fake.hide_own = true;
  s->operations = (bt_source_operations){.read = guarded_read, .promise = fake_promise_plainly};
  s->guarded = (bt_source){&s->operations, "guarded", NULL, false};
  s->rule = rule_of("slow", "@SOC2(controls = {CC6_1}) trace.has(span.name == \"slow\")");
  s->server = fake_server_start(take_request, s);
  if (!s->server || bt_http_client_new(&(bt_http_options){0}, &s->client, &error) != BT_OK)
    fail_msg("%s", error.message);
  s->exporter = (bt_exporter_options){.url = fake_server_url(s->server), .attempts = 1};
  s->options = (bt_emission_options){
      .client = s->client, .exporter = &s->exporter, .source = &s->guarded, .replay_id = "r-1", .origin = "replay"};
  make_choice(s);
  make_violations(s);
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  bt_http_client_free(s->client);
  fake_server_stop(s->server);
  bt_rule_definition_unref(s->rule);
  fake_source_dispose(&s->fake);
  free(s->services[0]);
  free(s->services[1]);
  free(s->body);
  pthread_mutex_destroy(&s->mutex);
  free(s);
  return 0;
}

static bt_emission_result emit(scene *s) {
  bt_emission_result result;
  bt_error error = {0};
  if (bt_emission_send(&s->options, s->rule, s->pointers, COUNT, &result, &error) != BT_OK)
    fail_msg("%s", error.message);
  return result;
}

static const bt_value *attribute(const bt_span *span, const char *key) {
  for (uint32_t i = 0; i < span->attributes.count; i++)
    if (bt_str_equal(span->attributes.items[i].key, bt_str_from(key))) return &span->attributes.items[i].value;
  fail_msg("no attribute %s", key);
  return NULL;
}

static void assert_text(const bt_span *span, const char *key, const char *expected) {
  const bt_value *value = attribute(span, key);
  assert_int_equal(value->type, BT_VALUE_STRING);
  if (!bt_str_equal(value->string, bt_str_from(expected)))
    fail_msg("%s is %.*s, not %s", key, BT_FMT(value->string), expected);
}

static void check_link(const bt_link *link, const bt_trace_id *trace_id, const bt_span_id *span_id) {
  assert_memory_equal(link->trace_id.bytes, trace_id->bytes, 16);
  assert_memory_equal(link->span_id.bytes, span_id->bytes, 8);
}

/* To the violating trace, and to each witness in another one. */
static void check_links(const scene *s, const bt_span *span, const bt_violation *violation) {
  assert_int_equal(span->link_count, violation->choice_count ? 3 : 1);
  check_link(&span->links[0], &violation->trace_id, &violation->span_id);
  for (uint32_t i = 1; i < span->link_count; i++)
    check_link(&span->links[i], &s->witnesses[i].trace_id, &s->witnesses[i].span_id);
}

static void check_span(scene *s, const bt_span *span, const bt_violation *violation) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&violation->trace_id, hex);
  assert_memory_equal(span->id.bytes, violation->emit_span_id.bytes, 8);
  assert_true(bt_str_equal(span->name, BT_STR("betrace.violation")));
  assert_true(bt_str_equal(span->resource->service, BT_STR("betrace")));
  assert_int_equal(span->kind, BT_KIND_INTERNAL);
  assert_int_equal(span->status, BT_SPAN_STATUS_ERROR);
  assert_int_equal(bt_span_duration_ns(span), 1000000);
  assert_true(span->start_ns > NOON_NS + COUNT); /* the present, or the original time */
  assert_text(span, "betrace.violation.rule_id", "slow");
  assert_text(span, "betrace.violation.rule_name", s->rule->fields.name);
  assert_int_equal(attribute(span, "betrace.violation.rule_version")->integer, 0);
  assert_text(span, "betrace.violation.condition_hash", s->rule->condition_hash);
  assert_text(span, "betrace.violation.severity", "medium");
  assert_text(span, "betrace.violation.message", "span x: bad");
  assert_text(span, "betrace.violation.trace_id", hex);
  assert_text(span, "betrace.violation.span_id", "0909000000000000");
  assert_int_equal(attribute(span, "betrace.violation.time_unix_nano")->integer, violation->time_ns);
  assert_int_equal(attribute(span, "betrace.violation.time")->string.len, 30);
  assert_text(span, "betrace.violation.source", "replay");
  assert_text(span, "betrace.violation.replay_id", "r-1");
  assert_text(span, "betrace.violation.status", "open");
  assert_int_equal(attribute(span, "betrace.violation.count")->integer, 1);
  assert_int_equal(attribute(span, "betrace.violation.services")->array.count, 2);
  assert_true(bt_str_equal(attribute(span, "betrace.violation.controls")->array.items[0].string, BT_STR("SOC2:CC6.1")));
  if (violation->choice_count) assert_text(span, "betrace.violation.rests_on", "no linked trace");
  check_links(s, span, violation);
  /* The link is the only place where the violating trace's id stands in bytes. */
  assert_non_null(memmem(s->body, s->body_length, violation->trace_id.bytes, 16));
}

static void every_attribute_is_there(void **state) {
  scene *s = *state;
  bt_error error = {0};
  bt_span_batch *batch = NULL;
  bt_emission_result result = emit(s);
  assert_int_equal(result.emitted, COUNT);
  assert_int_equal(result.already_there + result.failed, 0);
  assert_string_equal(result.message, "");
  assert_int_equal(bt_span_batch_new((size_t)1 << 24, &batch, &error), BT_OK);
  assert_int_equal(bt_otlp_decode_protobuf((bt_str){s->body, s->body_length}, batch, &error), BT_OK);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  assert_int_equal(bt_span_batch_trace_count(batch), COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    const bt_violation *violation = NULL;
    for (size_t v = 0; v < COUNT; v++)
      if (bt_trace_id_compare(&s->violations[v].id, &trace->id) == 0) violation = &s->violations[v];
    assert_non_null(violation);
    assert_int_equal(trace->span_count, 1);
    check_span(s, &trace->spans[0], violation);
    assert_true(bt_trace_is_own(trace, BT_STR("")));
    assert_false(bt_trace_is_own(trace, BT_STR("acme")));
  }
  bt_span_batch_free(batch);
}

static const bt_value *find_attribute(const bt_span *span, const char *key) {
  return bt_attributes_find(&span->attributes, bt_str_from(key));
}

/* Of every span that is sent, or of none. */
static void the_link_is_sent(void **state) {
  scene *s = *state;
  for (int with = 0; with < 2; with++) {
    bt_error error = {0};
    bt_span_batch *batch = NULL;
    bt_trace_link_install(with ? "https://h/trace/{trace_id}?spanId={span_id}" : NULL);
    s->options.retracts = with; /* the most attributes that a span has */
    emit(s);
    bt_trace_link_install(NULL);
    assert_int_equal(bt_span_batch_new((size_t)1 << 24, &batch, &error), BT_OK);
    assert_int_equal(bt_otlp_decode_protobuf((bt_str){s->body, s->body_length}, batch, &error), BT_OK);
    assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
    const bt_span *span = &bt_span_batch_trace(batch, 0)->spans[0];
    char expected[128];
    snprintf(expected, sizeof expected, "https://h/trace/%.*s?spanId=0909000000000000",
             BT_FMT(attribute(span, "betrace.violation.trace_id")->string));
    assert_int_equal(find_attribute(span, "betrace.violation.trace_url") != NULL, with);
    if (with) assert_text(span, "betrace.violation.trace_url", expected);
    bt_span_batch_free(batch);
  }
}

static void repeating_adds_none(void **state) {
  scene *s = *state;
  s->keeps_unseen = true; /* only by id shows what was just sent */
  assert_int_equal(emit(s).emitted, COUNT);
  bt_emission_result again = emit(s);
  assert_int_equal(again.emitted + again.failed, 0);
  assert_int_equal(again.already_there, COUNT);
  assert_int_equal(s->requests, 1);
  assert_int_equal(s->fake.trace_count, COUNT);
}

static void only_what_is_missing_is_sent(void **state) {
  scene *s = *state;
  fake_trace *kept = fake_add(&s->fake, 0);
  kept->id = s->violations[3].id;
  memcpy(fake_span_add(kept, BT_OWN_VIOLATION, NOON_NS + HOUR_NS)->id, s->violations[3].emit_span_id.bytes, 8);
  s->violations[5].provisional = true;
  bt_emission_result result = emit(s);
  assert_int_equal(result.emitted, COUNT - 2);
  assert_int_equal(result.already_there, 1);
  assert_int_equal(result.failed, 0);
  assert_int_equal(s->fake.trace_count, COUNT - 1);
}

static void shadow_rules_send_nothing(void **state) {
  scene *s = *state;
  s->rule->fields.shadow = true;
  bt_emission_result result = emit(s);
  assert_int_equal(result.emitted + result.already_there + result.failed, 0);
  assert_int_equal(s->requests, 0);
}

static void refusals_are_counted(void **state) {
  scene *s = *state;
  s->status = 400;
  bt_emission_result result = emit(s);
  assert_int_equal(result.failed, COUNT);
  assert_int_equal(result.emitted, 0);
  assert_true(result.message[0]);
}

/* The answer is 200, nothing is kept: that is no success. The test gives up waiting by cancelling. */
static void what_cannot_be_read_back_failed(void **state) {
  scene *s = *state;
  bt_cancel cancel = {false};
  bt_emission_result result;
  bt_error error = {0};
  s->drops = true;
  s->options.cancel = s->fake.cancel_after_reads = &cancel;
  s->fake.cancel_after = 4 * COUNT + 1; /* looked up twice, read back twice */
  assert_int_equal(bt_emission_send(&s->options, s->rule, s->pointers, COUNT, &result, &error), BT_CANCELLED);
  assert_int_equal(s->requests, 1);
  assert_int_equal(result.emitted, 0);
  assert_int_equal(result.failed, COUNT);
}

static void who_sends_has_his_own_turn_among_reads(void **state) {
  scene *s = *state;
  s->options.priority = BT_PRIORITY_WATCH;
  (void)emit(s);
  assert_int_equal(s->priority, BT_PRIORITY_WATCH);
}

static void what_cannot_be_looked_up_is_not_sent(void **state) {
  scene *s = *state;
  s->fake.fail_reads = BT_UNAVAILABLE;
  s->fake.fail_reads_after = COUNT + 3; /* the batch, and three by id */
  bt_emission_result result = emit(s);
  assert_int_equal(s->fake.trace_count, 3);
  assert_int_equal(result.failed, COUNT);
  assert_true(result.message[0]);
}

static void without_a_source_the_answer_counts(void **state) {
  scene *s = *state;
  s->options.source = NULL;
  s->drops = true;
  bt_emission_result result = emit(s);
  assert_int_equal(result.emitted, COUNT);
  assert_int_equal(result.failed, 0);
}

static void at_the_original_time(void **state) {
  scene *s = *state;
  s->options.at_original_time = true;
  emit(s);
  for (size_t i = 0; i < COUNT; i++) assert_in_range(s->fake.traces[i].spans[0].start_ns, NOON_NS, NOON_NS + COUNT);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(every_attribute_is_there),
      SCENE(the_link_is_sent),
      SCENE(repeating_adds_none),
      SCENE(only_what_is_missing_is_sent),
      SCENE(shadow_rules_send_nothing),
      SCENE(refusals_are_counted),
      SCENE(what_cannot_be_read_back_failed),
      SCENE(who_sends_has_his_own_turn_among_reads),
      SCENE(what_cannot_be_looked_up_is_not_sent),
      SCENE(without_a_source_the_answer_counts),
      SCENE(at_the_original_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
