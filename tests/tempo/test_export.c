/* Sending spans to a scripted OTLP endpoint: what is sent, what is tried again, what is cut in two, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/pause.h"
#include "tests/support/fake_http.h"

enum { SPANS = 40, HEAD_BYTES = 4096, HANGS = 2, TIMEOUT_MS = 30000 };

typedef struct script {
  pthread_mutex_t mutex;
  size_t requests, spans;
  int statuses[8]; /* of the first requests; 0: 200 */
  uint32_t hung;   /* requests that got no answer, and how long their sender waited for it: */
  int64_t hung_ms;
  const char *retry_after, *sentence, *type;
  size_t largest_body; /* larger ones are refused for good, in the way of large_status; 0: any */
  int large_status;
  const char *answer; /* the body of a 200, JSON; NULL: an empty protobuf message */
  char head[HEAD_BYTES], target[128];
} script;

static script s;

static size_t count_spans(const fake_request *request) {
  bt_span_batch *batch = NULL;
  bt_error error;
  size_t spans = 0;
  if (bt_span_batch_new((size_t)1 << 24, &batch, &error) != BT_OK) return 0;
  bt_str body = {request->body, request->body_length};
  if (bt_otlp_decode_protobuf(body, batch, &error) == BT_OK && bt_span_batch_finish(batch, &error) == BT_OK)
    for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) spans += bt_span_batch_trace(batch, i)->span_count;
  bt_span_batch_free(batch);
  return spans;
}

static bool refuse(int socket, int status) {
  char headers[64] = "";
  if (s.retry_after) snprintf(headers, sizeof headers, "Retry-After: %s\r\n", s.retry_after);
  const char *sentence = s.sentence ? s.sentence : "no";
  return fake_respond(socket, status, s.type ? s.type : "text/plain", headers, sentence, strlen(sentence));
}

static bool hang(int socket) {
  int64_t began_ms = bt_monotonic_ms();
  fake_hang(socket);
  pthread_mutex_lock(&s.mutex);
  s.hung++;
  s.hung_ms += bt_monotonic_ms() - began_ms;
  pthread_mutex_unlock(&s.mutex);
  return false;
}

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  pthread_mutex_lock(&s.mutex);
  size_t number = s.requests++;
  snprintf(s.head, sizeof s.head, "%s", request->head);
  snprintf(s.target, sizeof s.target, "%s", request->target);
  int status = number < sizeof s.statuses / sizeof s.statuses[0] ? s.statuses[number] : 0;
  if (!status && s.largest_body && request->body_length > s.largest_body) status = s.large_status;
  if (!status || status == HANGS) s.spans += count_spans(request);
  pthread_mutex_unlock(&s.mutex);
  if (status == 1) return false; /* the connection ends without a word */
  if (status == HANGS) return hang(socket);
  if (status) return refuse(socket, status);
  if (s.answer) return fake_respond(socket, 200, "application/json", "", s.answer, strlen(s.answer));
  return fake_respond(socket, 200, "application/x-protobuf", "", "", 0);
}

/* --- fixtures --- */

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_export_span spans[SPANS];
  bt_export_resource resources[2];
  bt_attribute attributes[6];
  bt_value items[2];
  bt_link link;
  bt_event events[2];
  bt_export_result result;
  bt_error error;
} fixture;

static void make_spans(fixture *f) {
  f->items[0] = (bt_value){.type = BT_VALUE_INT, .integer = 1};
  f->items[1] = (bt_value){.type = BT_VALUE_INT, .integer = -2};
  f->attributes[0] = (bt_attribute){BT_STR("text"), {.type = BT_VALUE_STRING, .string = {"a\0b\xFFz", 5}}};
  f->attributes[1] = (bt_attribute){BT_STR("whole"), {.type = BT_VALUE_INT, .integer = INT64_MIN}};
  f->attributes[2] = (bt_attribute){BT_STR("real"), {.type = BT_VALUE_DOUBLE, .decimal = 0.5}};
  f->attributes[3] = (bt_attribute){BT_STR("flag"), {.type = BT_VALUE_BOOL, .boolean = true}};
  f->attributes[4] = (bt_attribute){BT_STR("list"), {.type = BT_VALUE_ARRAY, .array = {f->items, 2}}};
  f->attributes[5] = (bt_attribute){BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("betrace")}};
  f->link = (bt_link){.trace_id = {{9}}, .span_id = {{8}}, .attributes = {&f->attributes[1], 1}};
  f->events[0] = (bt_event){.name = BT_STR("opened"), .time_ns = 1700000000000000001};
  f->events[1] = (bt_event){.name = BT_STR("closed"), .time_ns = 2, .attributes = {&f->attributes[1], 2}};
  for (size_t i = 0; i < SPANS; i++) {
    f->spans[i] = (bt_export_span){.trace_id = {{1, 2, 3}},
                                   .span_id = {{4, (uint8_t)(i + 1)}},
                                   .parent_id = {{4, (uint8_t)i}},
                                   .name = BT_STR("betrace.violation"),
                                   .status_message = BT_STR("why"),
                                   .kind = BT_KIND_CLIENT,
                                   .status = BT_SPAN_STATUS_ERROR,
                                   .start_ns = 1700000000000000001,
                                   .end_ns = 1700000000000000002,
                                   .attributes = f->attributes,
                                   .attribute_count = 5,
                                   .links = &f->link,
                                   .link_count = 1,
                                   .events = f->events,
                                   .event_count = i == 1 ? 2 : 0};
  }
  f->spans[0].parent_id = (bt_span_id){{0}};
  f->resources[0] = (bt_export_resource){.attributes = &f->attributes[5],
                                         .attribute_count = 1,
                                         .scope_name = BT_STR("betrace"),
                                         .scope_version = BT_STR("1"),
                                         .spans = f->spans,
                                         .span_count = 30};
  f->resources[1] = f->resources[0];
  f->resources[1].spans = f->spans + 30;
  f->resources[1].span_count = SPANS - 30;
}

static int set_up(void **state) {
  static fixture f;
  f = (fixture){0};
  s = (script){0};
  pthread_mutex_init(&s.mutex, NULL);
  make_spans(&f);
  f.server = fake_server_start(answer, NULL);
  bt_http_options options = {.concurrency = 2};
  *state = &f;
  return f.server && bt_http_client_new(&options, &f.client, &f.error) == BT_OK ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  pthread_mutex_destroy(&s.mutex);
  return 0;
}

static bt_status export_with(fixture *f, bt_exporter_options options) {
  if (!options.url && !options.traces_url) options.url = fake_server_url(f->server);
  return bt_otlp_export(f->client, &options, f->resources, 2, NULL, &f->result, &f->error);
}

static bt_status export_all(fixture *f) {
  return export_with(f, (bt_exporter_options){0});
}

/* --- what is sent --- */

static void writes_what_readers_read(void **state) {
  fixture *f = *state;
  bt_buffer body = {0};
  bt_span_batch *batch = NULL;
  assert_int_equal(bt_otlp_encode(f->resources, 2, &body, &f->error), BT_OK);
  assert_int_equal(bt_span_batch_new((size_t)1 << 24, &batch, &f->error), BT_OK);
  if (bt_otlp_decode_protobuf(bt_buffer_str(&body), batch, &f->error) != BT_OK) fail_msg("%s", f->error.message);
  assert_int_equal(bt_span_batch_finish(batch, &f->error), BT_OK);
  assert_int_equal(bt_span_batch_trace_count(batch), 1);
  const bt_trace *trace = bt_span_batch_trace(batch, 0);
  assert_int_equal(trace->span_count, SPANS);
  assert_false(trace->missing_parents);
  const bt_span *span = &trace->spans[1];
  assert_memory_equal(span->parent_id.bytes, trace->spans[0].id.bytes, sizeof span->parent_id.bytes);
  assert_true(bt_str_equal(span->name, BT_STR("betrace.violation")));
  assert_true(bt_str_equal(span->status_message, BT_STR("why")));
  assert_true(bt_str_equal(span->resource->service, BT_STR("betrace")));
  assert_true(bt_str_equal(span->scope->name, BT_STR("betrace")));
  assert_int_equal(span->kind, BT_KIND_CLIENT);
  assert_int_equal(span->status, BT_SPAN_STATUS_ERROR);
  assert_true(span->start_ns == 1700000000000000001 && span->end_ns == 1700000000000000002);
  assert_int_equal(span->attributes.count, 5);
  const bt_attribute *items = span->attributes.items;
  assert_true(bt_str_equal(items[0].value.string, BT_STR("a\xEF\xBF\xBD"
                                                         "b\xEF\xBF\xBDz")));
  assert_true(items[1].value.integer == INT64_MIN);
  assert_true(items[2].value.type == BT_VALUE_DOUBLE && items[2].value.decimal > 0.49 && items[2].value.decimal < 0.51);
  assert_true(items[3].value.type == BT_VALUE_BOOL && items[3].value.boolean);
  assert_int_equal(items[4].value.type, BT_VALUE_ARRAY);
  assert_true(items[4].value.array.count == 2 && items[4].value.array.items[1].integer == -2);
  assert_int_equal(span->link_count, 1);
  assert_memory_equal(span->links[0].trace_id.bytes, f->link.trace_id.bytes, sizeof f->link.trace_id.bytes);
  assert_memory_equal(span->links[0].span_id.bytes, f->link.span_id.bytes, sizeof f->link.span_id.bytes);
  assert_true(span->links[0].attributes.count == 1 && span->links[0].attributes.items[0].value.integer == INT64_MIN);
  assert_int_equal(trace->spans[0].event_count, 0);
  assert_int_equal(span->event_count, 2);
  assert_true(bt_str_equal(span->events[0].name, BT_STR("opened")) && span->events[0].attributes.count == 0);
  assert_true(span->events[1].time_ns == 2 && span->events[1].attributes.count == 2);
  assert_true(bt_str_equal(span->events[1].attributes.items[1].key, BT_STR("real")));
  bt_span_batch_free(batch);
  bt_buffer_dispose(&body);
}

static void sends_all_with_its_headers(void **state) {
  fixture *f = *state;
  char url[128];
  snprintf(url, sizeof url, "%s//", fake_server_url(f->server));
  bt_exporter_options options = {
      .url = url, .headers = " Authorization=Basic%20abc%3D , x-two = 2,,", .tenant = "me|you"};
  assert_int_equal(export_with(f, options), BT_OK);
  assert_int_equal(f->result.accepted, SPANS);
  assert_int_equal(s.spans, SPANS);
  assert_string_equal(s.target, "/v1/traces");
  assert_non_null(strstr(s.head, "Content-Type: application/x-protobuf\r\n"));
  assert_non_null(strstr(s.head, "Authorization: Basic abc=\r\n"));
  assert_non_null(strstr(s.head, "x-two: 2\r\n"));
  assert_non_null(strstr(s.head, "X-Scope-OrgID: me|you\r\n"));
  snprintf(url, sizeof url, "%s/otlp", fake_server_url(f->server));
  assert_int_equal(export_with(f, (bt_exporter_options){.traces_url = url}), BT_OK);
  assert_string_equal(s.target, "/otlp");
}

/* Two tenants in one request would be the receiver's choice: the caller's is the one, and the list's only where there
 * is no caller's. */
static void names_one_tenant(void **state) {
  fixture *f = *state;
  bt_exporter_options options = {.headers = "a=1,x-scope-ORGID=ops, X-Scope-OrgID =ops,b=2", .tenant = "acme"};
  assert_int_equal(export_with(f, options), BT_OK);
  assert_non_null(strstr(s.head, "X-Scope-OrgID: acme\r\n"));
  assert_null(strstr(s.head, "ops"));
  assert_non_null(strstr(s.head, "a: 1\r\n"));
  assert_non_null(strstr(s.head, "b: 2\r\n"));
  options = (bt_exporter_options){.headers = "X-Scope-OrgID=ops"};
  assert_int_equal(export_with(f, options), BT_OK);
  assert_non_null(strstr(s.head, "X-Scope-OrgID: ops\r\n"));
}

static void sends_a_document_as_it_is(void **state) {
  fixture *f = *state;
  bt_exporter_options options = {.url = fake_server_url(f->server)};
  bt_export_document document = {.body = BT_STR("{}"), .content_type = "application/json", .span_count = 3};
  s.answer = "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"too\\nold\"}}";
  assert_int_equal(bt_otlp_export_document(f->client, &options, &document, NULL, &f->result, &f->error), BT_OK);
  assert_non_null(strstr(s.head, "Content-Type: application/json\r\n"));
  assert_int_equal(f->result.accepted, 1);
  assert_int_equal(f->result.rejected, 2);
  assert_non_null(strstr(f->result.message, "too old"));
}

static void says_what_is_wrong_with_its_settings(void **state) {
  fixture *f = *state;
  static const struct {
    const char *url, *headers, *tenant, *sentence;
  } table[] = {
      {"http://127.0.0.1:4317", NULL, NULL, "4318"},
      {"https://collector:4317/", NULL, NULL, "4318"},
      {"collector:4318", NULL, NULL, "http://"},
      {"ftp://collector", NULL, NULL, "http://"},
      {"", NULL, NULL, "no OTLP endpoint"},
      {"http://127.0.0.1:1", "no equals sign", NULL, "name=value"},
      {"http://127.0.0.1:1", "bad name=x", NULL, "name=value"},
      {"http://127.0.0.1:1", "a=%0d%0aX-Evil: 1", NULL, "percent-encoded"},
      {"http://127.0.0.1:1", "a=%4", NULL, "percent-encoded"},
      {"http://127.0.0.1:1",
       "password=s\xC3\xA9"
       "cret",
       NULL, "the value of password"},
      {"http://127.0.0.1:1", NULL, "a\r\nX-Evil: 1", "percent-encoded"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    bt_exporter_options options = {.url = table[i].url, .headers = table[i].headers, .tenant = table[i].tenant};
    assert_int_equal(export_with(f, options), BT_INVALID);
    if (!strstr(f->error.message, table[i].sentence)) fail_msg("%zu: %s", i, f->error.message);
    assert_null(strstr(f->error.message, "cret"));
  }
  assert_int_equal(s.requests, 0);
}

/* --- what comes back --- */

static void tries_again_what_passes(void **state) {
  fixture *f = *state;
  static const int passing[] = {429, 502, 503, 504, 1};
  for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
    s.requests = s.spans = 0;
    s.statuses[0] = passing[i];
    if (export_all(f) != BT_OK) fail_msg("%d: %s", passing[i], f->error.message);
    assert_int_equal(s.requests, 2);
    assert_int_equal(s.spans, SPANS);
    assert_int_equal(f->result.accepted, SPANS);
  }
}

/* Tempo's 429 for a rate has the same words but for the size: it passes. */
static void waits_as_long_as_it_is_told(void **state) {
  fixture *f = *state;
  struct timespec before, after;
  s.statuses[0] = 429;
  s.retry_after = "1";
  s.sentence = "RATE_LIMITED: ingestion rate limit (local: 2000 bytes/s, global: 0 bytes/s, burst: 5000 bytes) "
               "exceeded while adding 1210 bytes";
  clock_gettime(CLOCK_MONOTONIC, &before);
  assert_int_equal(export_all(f), BT_OK);
  clock_gettime(CLOCK_MONOTONIC, &after);
  assert_int_equal(s.requests, 2);
  assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 900);
}

static void gives_up_in_the_end(void **state) {
  fixture *f = *state;
  for (size_t i = 0; i < 8; i++) s.statuses[i] = 503;
  assert_int_equal(export_with(f, (bt_exporter_options){.attempts = 2}), BT_UNAVAILABLE);
  assert_int_equal(s.requests, 2);
  assert_int_equal(f->result.accepted, 0);
  assert_non_null(strstr(f->error.message, "503"));
}

static void takes_refusals_as_final(void **state) {
  fixture *f = *state;
  static const struct {
    int status;
    const char *type, *sentence, *shown;
  } table[] = {
      {400, "application/json", "{\"code\":3,\"message\":\"bad ids\"}", "bad ids"},
      {400, "application/x-protobuf",
       "\x08\x03\x12\x07"
       "bad ids",
       "bad ids"},
      {400, "application/x-protobuf", "\xFF\xFF", "400"},
      {401, "text/plain", "no org id\n", "401"},
      {404, "text/html", "<html>", "404"},
      {500, "text/plain", "broken", "broken"},
      {501, "text/plain", "no", "501"},
      {503, "application/json", "{\"code\":14,\"message\":\"no org id\"}", "no org id"},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    s.requests = 0;
    s.statuses[0] = table[i].status;
    s.type = table[i].type;
    s.sentence = table[i].sentence;
    assert_int_equal(export_all(f), BT_REFUSED);
    assert_int_equal(s.requests, 1);
    if (!strstr(f->error.message, table[i].shown)) fail_msg("%zu: %s", i, f->error.message);
    assert_null(strstr(f->error.message, "<html>"));
  }
}

static void cuts_in_two_what_is_too_large(void **state) {
  fixture *f = *state;
  s.largest_body = 1500;
  s.large_status = 413;
  assert_int_equal(export_all(f), BT_OK);
  assert_int_equal(s.spans, SPANS);
  assert_int_equal(f->result.accepted, SPANS);
  assert_true(s.requests > 4);
}

static void cuts_in_two_what_is_above_the_burst(void **state) {
  fixture *f = *state;
  s.largest_body = 1500;
  s.large_status = 429;
  s.sentence = "RATE_LIMITED: batch size (1600 bytes) exceeds ingestion limit (local: 1000 bytes/s, global: 0 bytes/s, "
               "burst: 1500 bytes) "
               "while adding 1600 bytes for user me.";
  assert_int_equal(export_all(f), BT_OK);
  assert_int_equal(s.spans, SPANS);
}

static void one_span_that_is_too_large_is_refused(void **state) {
  fixture *f = *state;
  s.largest_body = 10;
  s.large_status = 413;
  assert_int_equal(export_all(f), BT_REFUSED);
  assert_non_null(strstr(f->error.message, "one span"));
  assert_int_equal(f->result.accepted, 0);
}

static void is_cancelled_between_attempts(void **state) {
  fixture *f = *state;
  bt_cancel cancel = {.requested = true};
  bt_exporter_options options = {.url = fake_server_url(f->server)};
  assert_int_equal(bt_otlp_export(f->client, &options, f->resources, 2, &cancel, &f->result, &f->error), BT_CANCELLED);
  assert_int_equal(s.requests, 0);
}

/* Three exports of six lose their first try. What they wait for it follows from what answers take, not from the
 * timeout. */
static void a_part_that_hangs_costs_a_moment(void **state) {
  fixture *f = *state;
  for (size_t i = 1; i < 6; i += 2) s.statuses[i] = HANGS;
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(export_all(f), BT_OK);
    assert_int_equal(f->result.accepted, SPANS);
  }
  fake_server_stop(f->server); /* now all have counted */
  f->server = NULL;
  assert_int_equal(s.requests, 7);
  assert_int_equal(s.spans, 7 * SPANS); /* those of a try that hangs have come, too: their ids make them one */
  assert_int_equal(s.hung, 3);
  assert_true(s.hung_ms < s.hung * TIMEOUT_MS / 5);
}

/* Who sends the same again later does not wait for the end of any try. */
static void who_comes_back_waits_for_no_timeout(void **state) {
  fixture *f = *state;
  bt_exporter_options options = {.attempts = 1, .comes_back = true};
  s.statuses[1] = HANGS;
  assert_int_equal(export_all(f), BT_OK);
  assert_int_equal(export_with(f, options), BT_UNAVAILABLE);
  assert_int_equal(export_with(f, options), BT_OK);
  fake_server_stop(f->server);
  f->server = NULL;
  assert_int_equal(s.requests, 3);
  assert_true(s.hung_ms < TIMEOUT_MS / 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(writes_what_readers_read),
                                     TEST(sends_all_with_its_headers),
                                     TEST(names_one_tenant),
                                     TEST(sends_a_document_as_it_is),
                                     TEST(says_what_is_wrong_with_its_settings),
                                     TEST(tries_again_what_passes),
                                     TEST(waits_as_long_as_it_is_told),
                                     TEST(gives_up_in_the_end),
                                     TEST(takes_refusals_as_final),
                                     TEST(cuts_in_two_what_is_too_large),
                                     TEST(cuts_in_two_what_is_above_the_burst),
                                     TEST(one_span_that_is_too_large_is_refused),
                                     TEST(is_cancelled_between_attempts),
                                     TEST(a_part_that_hangs_costs_a_moment),
                                     TEST(who_comes_back_waits_for_no_timeout)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
