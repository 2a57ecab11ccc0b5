/* Reading traces from a scripted Tempo that never answers a batch while a heavy trace is in it. The reader asks for no
 * trace in a batch that it knows to be large, it finds out about the others, and it asks for no batch twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tempo/api/batch_ids.h"
#include "tempo/api/tempo_source.h"
#include "tests/support/fake_http.h"

enum { FIRST_S = 1700000000, TRACES = 64, HEAVY = 21, BATCHES = 256, SLOW_MS = 400 };
static const int64_t second_ns = 1000000000;

static bt_trace_id id_of(size_t i) {
  bt_trace_id id = {{0}};
  id.bytes[0] = (uint8_t)(i % 3); /* not in order, and many begin with zeros */
  id.bytes[15] = (uint8_t)(i + 1);
  return id;
}

/* How the scripted Tempo meets a batch with the heavy trace. */
typedef enum heavy_way { LIGHT, HANGS, FAILS_LATE } heavy_way;

typedef struct script {
  pthread_mutex_t mutex;
  heavy_way heavy;
  bool is_hidden;       /* sizes do not show that it is large */
  int sizes_status;     /* of the answer to a question for sizes; 0: 200 */
  int sizes_ms;         /* how long that takes */
  size_t size_requests; /* questions for sizes */
  char *batches[BATCHES];
  size_t batch_count, heavy_batches, most_ids;
  size_t by_id, by_id_at_once, most_by_id_at_once;
} script;

static script s;

static size_t count_ids(const char *query) {
  size_t bars = 0;
  for (const char *at = strchr(query, '"'); *++at != '"';) bars += *at == '|';
  return bars; /* the alternative that matches nothing comes last */
}

static bool has_id(const char *query, size_t i) {
  char hex[33], wanted[36];
  bt_trace_id id = id_of(i);
  bt_trace_id_format(&id, hex);
  const char *stripped = hex + strspn(hex, "0");
  snprintf(wanted, sizeof wanted, "\"%s|", stripped);
  if (strstr(query, wanted)) return true;
  snprintf(wanted, sizeof wanted, "|%s|", stripped);
  return strstr(query, wanted) != NULL;
}

static bool refuse(int socket, int status, const char *sentence) {
  return fake_respond(socket, status, "text/plain; charset=utf-8", "", sentence, strlen(sentence));
}

static bool respond(int socket, bt_buffer *body) {
  bool keep = fake_respond(socket, 200, "application/json", "", body->ptr, body->len);
  bt_buffer_dispose(body);
  return keep;
}

static void append_head(bt_buffer *out, size_t i) {
  char hex[33];
  bt_trace_id id = id_of(i);
  bt_trace_id_format(&id, hex);
  bt_buffer_printf(out, "%s{\"traceID\":\"%s\",\"startTimeUnixNano\":\"%lld\",\"durationMs\":1,",
                   out->ptr[out->len - 1] == '[' ? "" : ",", hex + strspn(hex, "0"), (long long)(FIRST_S * second_ns));
}

/* The heavy trace has lain in three fragments of 100 spans, each of them small. */
static bool answer_sizes(int socket, const char *query) {
  bt_buffer body = {0};
  usleep((unsigned)s.sizes_ms * 1000);
  if (s.sizes_status) return refuse(socket, s.sizes_status, "no such field");
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  for (size_t i = 0; i < TRACES; i++) {
    if (!has_id(query, i)) continue;
    append_head(&body, i);
    bt_buffer_append(&body, BT_STR("\"serviceStats\":{\"shop\":{\"spanCount\":100}},\"spanSets\":["));
    for (size_t k = 0; k < (i == HEAVY && !s.is_hidden ? 3 : 1); k++)
      bt_buffer_printf(&body, "%s{\"spans\":[{\"spanID\":\"%zx\"}],\"matched\":100}", k ? "," : "", k + 1);
    bt_buffer_append(&body, BT_STR("]}"));
  }
  bt_buffer_append(&body, BT_STR("],\"metrics\":{}}"));
  return respond(socket, &body);
}

static bool answer_batch(int socket, const char *query) {
  static const char span[] =
      "\"spanSets\":[{\"spans\":[{\"spanID\":\"1\",\"name\":\"x\",\"startTimeUnixNano\":\"5\",\"durationNanos\":\"5\","
      "\"attributes\":[{\"key\":\"kind\",\"value\":{\"stringValue\":\"server\"}},{\"key\":\"status\",\"value\":{"
      "\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\",\"value\":{\"stringValue\":\"0000000000000000\"}}]}],"
      "\"matched\":1}]}";
  bool is_heavy = s.heavy != LIGHT && has_id(query, HEAVY);
  pthread_mutex_lock(&s.mutex);
  s.heavy_batches += is_heavy;
  if (s.batch_count < BATCHES) s.batches[s.batch_count++] = strdup(query);
  if (count_ids(query) > s.most_ids) s.most_ids = count_ids(query);
  pthread_mutex_unlock(&s.mutex);
  if (is_heavy && s.heavy == HANGS) return fake_hang(socket);
  if (is_heavy) {
    usleep(SLOW_MS * 1000);
    return refuse(socket, 500, "context deadline exceeded");
  }
  bt_buffer body = {0};
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  for (size_t i = 0; i < TRACES; i++) {
    if (!has_id(query, i)) continue;
    append_head(&body, i);
    bt_buffer_append(&body, bt_str_from(span));
  }
  bt_buffer_append(&body, BT_STR("],\"metrics\":{}}"));
  return respond(socket, &body);
}

/* Slow enough that as many are under way as there may be. */
static bool answer_by_id(int socket) {
  static const char empty[] = "{\"trace\":{},\"metrics\":{}}";
  pthread_mutex_lock(&s.mutex);
  s.by_id++;
  if (++s.by_id_at_once > s.most_by_id_at_once) s.most_by_id_at_once = s.by_id_at_once;
  pthread_mutex_unlock(&s.mutex);
  usleep(20000);
  pthread_mutex_lock(&s.mutex);
  s.by_id_at_once--;
  pthread_mutex_unlock(&s.mutex);
  return fake_respond(socket, 200, "application/json", "", empty, strlen(empty));
}

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  if (strncmp(request->target, "/api/v2/traces/", 15) == 0) return answer_by_id(socket);
  char *query = fake_parameter(request->target, "q");
  bool is_for_sizes = strstr(query, "| by(traceDuration)") != NULL;
  pthread_mutex_lock(&s.mutex);
  s.size_requests += is_for_sizes;
  pthread_mutex_unlock(&s.mutex);
  bool keep = is_for_sizes ? answer_sizes(socket, query) : answer_batch(socket, query);
  free(query);
  return keep;
}

/* --- fixtures --- */

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_source_account account;
  bt_error error;
  bt_trace_id ids[TRACES];
  uint32_t span_counts[TRACES];
  size_t calls[TRACES], by_id, whole;
  bool needs_by_id[TRACES];
} fixture;

static int set_up(void **state) {
  static fixture f;
  f = (fixture){0};
  s = (script){.heavy = LIGHT};
  pthread_mutex_init(&s.mutex, NULL);
  f.server = fake_server_start(answer, NULL);
  bt_http_options options = {.concurrency = 4};
  *state = &f;
  if (!f.server || bt_http_client_new(&options, &f.client, &f.error) != BT_OK) return -1;
  for (size_t i = 0; i < TRACES; i++) f.ids[i] = id_of(i);
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  bt_source_account_dispose(&f->account);
  for (size_t i = 0; i < s.batch_count; i++) free(s.batches[i]);
  pthread_mutex_destroy(&s.mutex);
  return 0;
}

/* A quarter of the timeout is what a batch may take. */
static void open_source(fixture *f, int64_t timeout_ms) {
  bt_tempo_options tempo = {.url = fake_server_url(f->server), .pause_ms = 5, .timeout_ms = timeout_ms};
  assert_int_equal(bt_tempo_source_new(f->client, &tempo, &f->source, &f->error), BT_OK);
}

static bt_status see(void *context, const bt_read_trace *read, bt_error *error) {
  fixture *f = context;
  (void)error;
  f->calls[read->index]++;
  f->by_id += read->needs_by_id;
  f->needs_by_id[read->index] = read->needs_by_id;
  if (read->needs_by_id) return BT_OK;
  f->whole += read->trace && read->trace->span_count == 1;
  return BT_OK;
}

static bt_read_request request_of(const fixture *f, size_t count, bool by_id) {
  static const bt_projection projection = {.attribute_count = 0};
  return (bt_read_request){.ids = f->ids,
                           .count = count,
                           .span_counts = f->span_counts,
                           .range = {FIRST_S * second_ns, (FIRST_S + 200) * second_ns},
                           .projection = &projection,
                           .by_id = by_id};
}

static bt_status read_traces(fixture *f, size_t count, bool by_id) {
  bt_read_request request = request_of(f, count, by_id);
  return bt_source_read(f->source, &request, see, f, &f->account, &f->error);
}

static void read_all(fixture *f, size_t count) {
  memset(f->calls, 0, sizeof f->calls);
  f->by_id = f->whole = 0;
  if (read_traces(f, count, false) != BT_OK) fail_msg("%s", f->error.message);
  for (size_t i = 0; i < count; i++) assert_int_equal(f->calls[i], 1);
}

static void expect_no_batch_twice(void) {
  for (size_t i = 0; i < s.batch_count; i++)
    for (size_t k = 0; k < i; k++) assert_string_not_equal(s.batches[i], s.batches[k]);
}

/* Only the heavy trace is left to a read by id, and the others came. */
static void expect_heavy_by_id(const fixture *f, size_t count) {
  assert_int_equal(f->by_id, 1);
  assert_true(f->needs_by_id[HEAVY % count]);
  assert_int_equal(f->whole, count - 1);
  expect_no_batch_twice();
}

/* --- what is known --- */

static void asks_for_no_large_trace_in_a_batch(void **state) {
  fixture *f = *state;
  open_source(f, 8000);
  s.heavy = HANGS;
  f->span_counts[HEAVY] = BT_READ_LARGE_FROM;
  f->span_counts[HEAVY + 1] = BT_READ_LARGE_FROM - 1;
  read_all(f, TRACES);
  expect_heavy_by_id(f, TRACES);
  assert_int_equal(s.heavy_batches, 0);
  assert_int_equal(s.size_requests, 0);
}

static void asks_for_nothing_where_all_are_large(void **state) {
  fixture *f = *state;
  open_source(f, 8000);
  for (size_t i = 0; i < TRACES; i++) f->span_counts[i] = 20000;
  read_all(f, TRACES);
  assert_int_equal(f->by_id, TRACES);
  assert_int_equal(f->account.requests, 0);
}

/* What is left to reads by id before anything is asked is given when somebody takes what was begun, each id as often as
 * it was asked. */
static void gives_large_ones_of_what_was_begun(void **state) {
  fixture *f = *state;
  open_source(f, 8000);
  for (size_t i = 0; i < TRACES; i += 2) f->span_counts[i] = BT_READ_LARGE_FROM;
  f->ids[TRACES - 1] = f->ids[0];
  bt_read_request request = request_of(f, TRACES, false);
  request.ahead = bt_source_begin(f->source, (bt_asked){BT_AHEAD_BATCHES, .read = &request}, &f->account);
  assert_non_null(request.ahead);
  assert_int_equal(request.ahead->status, BT_OK);
  uint64_t requests = f->account.requests;
  assert_int_equal(requests, 1);
  assert_int_equal(f->by_id, 0);
  assert_int_equal(bt_source_read(f->source, &request, see, f, &f->account, &f->error), BT_OK);
  for (size_t i = 0; i < TRACES; i++) {
    assert_int_equal(f->calls[i], 1);
    assert_int_equal(f->needs_by_id[i], i % 2 == 0 || i == TRACES - 1);
  }
  assert_int_equal(f->whole, TRACES / 2 - 1);
  assert_int_equal(f->account.requests, requests);
  bt_source_drop(request.ahead);
}

static void cuts_batches_by_spans(void **state) {
  fixture *f = *state;
  open_source(f, 8000);
  for (size_t i = 0; i < TRACES; i++) f->span_counts[i] = 250;
  read_all(f, TRACES);
  assert_int_equal(f->whole, TRACES);
  assert_true(s.most_ids >= 20 && s.most_ids <= 32);
}

/* --- what is found out --- */

static void divides_a_batch_by_size_when_it_takes_long(void **state) {
  fixture *f = *state;
  open_source(f, 8000);
  s.heavy = HANGS;
  f->span_counts[HEAVY] = 100;
  read_all(f, TRACES);
  expect_heavy_by_id(f, TRACES);
  assert_int_equal(s.heavy_batches, 1);
  assert_int_equal(s.size_requests, 1);
  read_all(f, TRACES - 1); /* another read: sizes are asked for first */
  expect_heavy_by_id(f, TRACES - 1);
  assert_int_equal(s.heavy_batches, 1);
  assert_int_equal(s.size_requests, 2);
}

/* A Tempo that gives up by itself, or what is before it does: asked again it would do so again. */
static void divides_a_batch_that_fails_after_long_work(void **state) {
  fixture *f = *state;
  open_source(f, 12 * SLOW_MS);
  s.heavy = FAILS_LATE;
  read_all(f, TRACES);
  expect_heavy_by_id(f, TRACES);
  assert_int_equal(s.heavy_batches, 1);
}

static void halves_a_batch_where_sizes_cannot_be_asked_for(void **state) {
  fixture *f = *state;
  open_source(f, 2000);
  s.heavy = HANGS;
  s.sizes_status = 400;
  read_all(f, TRACES);
  expect_heavy_by_id(f, TRACES);
  assert_int_equal(s.heavy_batches, 7); /* of 64, 32, … and 1 */
}

/* Sizes are a lower bound. */
static void halves_a_batch_that_is_slow_whatever_sizes_say(void **state) {
  fixture *f = *state;
  f->ids[1] = id_of(HEAVY);
  open_source(f, 2000);
  s.heavy = HANGS;
  s.is_hidden = true;
  memset(f->calls, 0, sizeof f->calls);
  assert_int_equal(read_traces(f, 4, false), BT_OK);
  assert_int_equal(f->by_id, 1);
  assert_true(f->needs_by_id[1]);
  assert_int_equal(f->whole, 3);
  expect_no_batch_twice();
  assert_int_equal(s.heavy_batches, 3);
}

/* It hangs whatever it is asked: that is no matter of size, and what was read stays read. */
static void says_what_a_tempo_that_does_not_answer_left_unread(void **state) {
  fixture *f = *state;
  open_source(f, 1000);
  s.heavy = HANGS;
  s.sizes_status = 503;
  for (size_t i = 0; i < TRACES; i++) f->span_counts[i] = 250;
  assert_int_equal(read_traces(f, TRACES, false), BT_UNAVAILABLE);
  assert_int_equal(f->calls[HEAVY], 0);
  assert_true(f->whole > 0);
  for (size_t i = 0; i < TRACES; i++) assert_true(f->calls[i] <= 1);
}

/* A quarter of the timeout was not enough for a busy Tempo to say how large they are: the next time it has all of it.
 */
static void waits_longer_for_sizes_the_next_time(void **state) {
  fixture *f = *state;
  open_source(f, 4 * SLOW_MS);
  s.heavy = HANGS;
  s.sizes_ms = 2 * SLOW_MS;
  assert_int_equal(read_traces(f, TRACES, false), BT_UNAVAILABLE);
  read_all(f, TRACES);
  assert_int_equal(f->by_id, 1);
  assert_true(f->needs_by_id[HEAVY]);
}

/* --- by id --- */

static void reads_few_large_traces_at_once(void **state) {
  fixture *f = *state;
  open_source(f, 8000);
  for (size_t i = 0; i < 6; i++) f->span_counts[i] = 60000;
  assert_int_equal(read_traces(f, 6, true), BT_OK);
  assert_int_equal(s.by_id, 6);
  assert_int_equal(s.most_by_id_at_once, 1);
  for (size_t i = 0; i < 6; i++) f->span_counts[i] = 40000;
  assert_int_equal(read_traces(f, 6, true), BT_OK);
  assert_true(s.most_by_id_at_once <= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(asks_for_no_large_trace_in_a_batch),
                                     TEST(asks_for_nothing_where_all_are_large),
                                     TEST(gives_large_ones_of_what_was_begun),
                                     TEST(cuts_batches_by_spans),
                                     TEST(divides_a_batch_by_size_when_it_takes_long),
                                     TEST(divides_a_batch_that_fails_after_long_work),
                                     TEST(halves_a_batch_where_sizes_cannot_be_asked_for),
                                     TEST(halves_a_batch_that_is_slow_whatever_sizes_say),
                                     TEST(says_what_a_tempo_that_does_not_answer_left_unread),
                                     TEST(waits_longer_for_sizes_the_next_time),
                                     TEST(reads_few_large_traces_at_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
