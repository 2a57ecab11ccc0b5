/* Reading whole traces from a scripted Tempo: batches that are too large, too long, half, in slices, in doubt; and by
 * id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/tempo_source.h"
#include "tests/support/fake_http.h"

enum { FIRST_S = 1700000000, TRACES = 300, LATE_S = 100 };
static const int64_t second_ns = 1000000000;

/* Trace number i has the id 00…0(i+1) with a byte of its own in front, so that ids come sorted and many have leading
 * zeros. */
static bt_trace_id id_of(size_t i) {
  bt_trace_id id = {{0}};
  id.bytes[0] = (uint8_t)(i / 16);
  id.bytes[14] = (uint8_t)((i + 1) >> 8);
  id.bytes[15] = (uint8_t)(i + 1);
  return id;
}

typedef struct script {
  pthread_mutex_t mutex;
  size_t requests, asked_lists, most_ids; /* asked_lists: beside the requests, */
  size_t asked_crowds;                    /* and so are these: which traces have many spans */
  int crowds_status;                      /* of the answer to that; 0: 200 */
  size_t crowded_id;                      /* this trace number has many; 0: none */
  bool refuses_ranges;                    /* questions that name no ids are too long */
  size_t failed_lists;                    /* so many of them are not answered */
  size_t largest_ids;                     /* more make an answer "too large"; 0: any */
  size_t longest_url;                     /* 0: any */
  int64_t longest_s;                      /* 0: any */
  size_t broken_once;                     /* the request number that answers half a document */
  bool down;
  size_t down_id;      /* this trace number makes a batch fail, and is down by id; 0: none */
  size_t lost_id;      /* this trace number fails by id alone; 0: none */
  size_t large_id;     /* this trace number is too large for any batch; 0: none */
  const char *row;     /* replaces the second span of trace 7 */
  const char *partial; /* of by-id answers */
  bool wrong_id;
} script;

static script s;

static void append_span(bt_buffer *out, size_t i, size_t number, const char *name, int64_t start_s) {
  bt_buffer_printf(
      out,
      "%s{\"spans\":[{\"spanID\":\"%zx%zx\",\"name\":\"%s\",\"startTimeUnixNano\":\"%lld\",\"durationNanos\":\"1000\",",
      number ? "," : "", i + 1, number + 1, name, (long long)(start_s * second_ns));
  bt_buffer_printf(out,
                   "\"attributes\":[{\"key\":\"kind\",\"value\":{\"stringValue\":\"%s\"}},{\"key\":\"status\","
                   "\"value\":{\"stringValue\":"
                   "\"unset\"}},",
                   number ? "client" : "server");
  if (number)
    bt_buffer_printf(out, "{\"key\":\"span:parentID\",\"value\":{\"stringValue\":\"%016zx\"}},", (i + 1) * 16 + 1);
  else
    bt_buffer_append(out, BT_STR("{\"key\":\"span:parentID\",\"value\":{\"stringValue\":\"0000000000000000\"}},"));
  bt_buffer_printf(out,
                   "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}},{\"key\":\"n\",\"value\":{"
                   "\"intValue\":\"%zu\"}}]}],",
                   i);
  bt_buffer_append(out, BT_STR("\"matched\":1}"));
}

/* The fragment of trace i that overlaps the window: its first span, or the late one, or both. */
static void append_trace(bt_buffer *out, size_t i, int64_t start_s, int64_t end_s, size_t *rows) {
  bool has_first = start_s <= FIRST_S + 1 && end_s >= FIRST_S + 1;
  bool has_late = start_s <= FIRST_S + LATE_S && end_s >= FIRST_S + LATE_S;
  if (!has_first && !has_late) return;
  char hex[33];
  bt_trace_id id = id_of(i);
  bt_trace_id_format(&id, hex);
  bt_buffer_printf(out, "%s{\"traceID\":\"%s\",\"startTimeUnixNano\":\"%lld\",\"durationMs\":1,\"spanSets\":[",
                   (*rows)++ ? "," : "", hex + strspn(hex, "0"), (long long)(FIRST_S * second_ns));
  if (has_first) append_span(out, i, 0, "first", FIRST_S + 1);
  if (has_late && i == 7 && s.row)
    bt_buffer_printf(out, "%s%s", has_first ? "," : "", s.row);
  else if (has_late && has_first)
    append_span(out, i, 1, "late", FIRST_S + LATE_S);
  else if (has_late) {
    bt_buffer span = {0};
    append_span(&span, i, 1, "late", FIRST_S + LATE_S);
    bt_buffer_append(out, (bt_str){span.ptr + 1, span.len - 1}); /* without its comma */
    bt_buffer_dispose(&span);
  }
  bt_buffer_append(out, BT_STR("]}"));
}

static size_t count_ids(const char *query) {
  size_t bars = 0;
  for (const char *at = strchr(query, '"'); *++at != '"';) bars += *at == '|';
  return bars; /* the alternative that matches nothing comes last */
}

/* Of most traces of a range: none is named that is asked for. */
static bool is_of_range(const char *query) {
  return strstr(query, "(true) && ") || strstr(query, "trace:id !~");
}

/* Whether the pattern that stands behind these words, if any, matches the id: anchored, without the zeros in front. */
static bool is_matched(const char *query, const char *words, const char *id, bool without) {
  const char *at = strstr(query, words);
  if (!at) return without;
  char anchored[4096];
  regex_t regex;
  at += strlen(words);
  snprintf(anchored, sizeof anchored, "^(%.*s)$", (int)strcspn(at, "\""), at);
  if (regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB) != 0) abort(); /* not a test's thread */
  bool is_match = regexec(&regex, id, 0, NULL, 0) == 0;
  regfree(&regex);
  return is_match;
}

static bool has_id(const char *query, size_t i) {
  char hex[33], wanted[36];
  bt_trace_id id = id_of(i);
  bt_trace_id_format(&id, hex);
  const char *stripped = hex + strspn(hex, "0");
  if (is_of_range(query))
    return is_matched(query, "trace:id =~ \"", stripped, true) && !is_matched(query, "trace:id !~ \"", stripped, false);
  snprintf(wanted, sizeof wanted, "\"%s|", stripped);
  if (strstr(query, wanted)) return true;
  snprintf(wanted, sizeof wanted, "|%s|", stripped);
  return strstr(query, wanted) != NULL;
}

static bool refuse(int socket, int status, const char *sentence) {
  return fake_respond(socket, status, "text/plain; charset=utf-8", "", sentence, strlen(sentence));
}

static size_t count_asked(const char *query) {
  size_t count = 0;
  if (!is_of_range(query)) return count_ids(query);
  for (size_t i = 0; i < TRACES; i++) count += has_id(query, i);
  return count;
}

static bool answer_crowds(int socket) {
  bt_buffer body = {0};
  size_t rows = 0;
  if (s.crowds_status) return refuse(socket, s.crowds_status, "not now");
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  if (s.crowded_id) append_trace(&body, s.crowded_id, FIRST_S, FIRST_S + LATE_S, &rows);
  bt_buffer_append(&body, BT_STR("],\"metrics\":{}}"));
  bool keep = fake_respond(socket, 200, "application/json", "", body.ptr, body.len);
  bt_buffer_dispose(&body);
  return keep;
}

static bool answer_batch(int socket, const char *query, int64_t start_s, int64_t end_s, bool is_half) {
  if (s.longest_s && end_s - start_s > s.longest_s)
    return refuse(socket, 400, "range specified by start and end exceeds 0h1m0s. received start=1 end=1000");
  if (s.refuses_ranges && is_of_range(query)) return refuse(socket, 414, "URI too long");
  if (s.largest_ids && count_asked(query) > s.largest_ids)
    return refuse(socket, 500, "response larger than the max (17936214 vs 16777216)");
  if (s.large_id && has_id(query, s.large_id))
    return refuse(socket, 500, "response larger than the max (17936214 vs 16777216)");
  if (s.down || (s.down_id && has_id(query, s.down_id))) return refuse(socket, 503, "down at 10.0.0.1");
  bt_buffer body = {0};
  size_t rows = 0;
  bt_buffer_append(&body, BT_STR("{\"traces\":["));
  for (size_t i = 0; i < TRACES; i++)
    if (has_id(query, i)) append_trace(&body, i, start_s, end_s, &rows);
  if (s.wrong_id) bt_buffer_printf(&body, "%s{\"traceID\":\"dead\",\"spanSets\":[]}", rows ? "," : "");
  bt_buffer_append(&body, BT_STR("],\"metrics\":{\"inspectedBytes\":\"10\"}}"));
  bool keep = fake_respond(socket, 200, "application/json", "", body.ptr, is_half ? body.len / 2 : body.len);
  bt_buffer_dispose(&body);
  return keep;
}

static bool answer_by_id(int socket, const char *target) {
  bt_trace_id id;
  char hex[BT_TRACE_ID_HEX + 1] = "", *pruning = fake_parameter(target, "span_pruning");
  const char *last = strrchr(target, '/') + 1;
  snprintf(hex, sizeof hex, "%.*s", (int)strcspn(last, "?"), last);
  bool is_whole = pruning && strcmp(pruning, "false") == 0;
  free(pruning);
  if (!is_whole) return refuse(socket, 400, "this one prunes what is not asked for whole");
  if (!bt_trace_id_parse(bt_str_from(hex), &id))
    return refuse(socket, 400, "trace IDs can only contain hex characters");
  size_t i = (size_t)(id.bytes[14] << 8 | id.bytes[15]) - 1;
  bt_trace_id known = id_of(i);
  if ((s.down_id && i == s.down_id) || (s.lost_id && i == s.lost_id)) return refuse(socket, 500, "rpc error");
  if (i >= TRACES || bt_trace_id_compare(&known, &id))
    return fake_respond(socket, 200, "application/json", "", "{\"trace\":{},\"metrics\":{}}", 25);
  bt_buffer body = {0};
  bt_buffer_printf(
      &body,
      "{\"trace\":{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{\"scope\":{},\"spans\":["
      "{\"traceId\":\"%s\",\"spanId\":\"%016zx\",\"name\":\"first\",\"kind\":\"SPAN_KIND_SERVER\","
      "\"startTimeUnixNano\":\"%lld\","
      "\"endTimeUnixNano\":\"%lld\",\"status\":{}}]}]}]},%s\"metrics\":{}}",
      s.wrong_id ? "0123456789abcdef0123456789abcdef" : hex, i + 1, (long long)(FIRST_S * second_ns),
      (long long)(FIRST_S * second_ns + 5), s.partial ? s.partial : "");
  bool keep = fake_respond(socket, 200, "application/json", "", body.ptr, body.len);
  bt_buffer_dispose(&body);
  return keep;
}

static bool answer(void *context, const fake_request *request, int socket) {
  (void)context;
  bool kept, asks_lists = strstr(request->target, "childCount") != NULL;
  pthread_mutex_lock(&s.mutex);
  s.asked_lists += asks_lists;
  bool fails = asks_lists && s.asked_lists <= s.failed_lists;
  pthread_mutex_unlock(&s.mutex);
  if (fails) return refuse(socket, 503, "not now");
  if (fake_knows_no_lists(request, socket, &kept)) return kept;
  pthread_mutex_lock(&s.mutex);
  bool asks_crowds = strstr(request->target, "count%28%29") != NULL || strstr(request->target, "count()") != NULL;
  s.asked_crowds += asks_crowds;
  pthread_mutex_unlock(&s.mutex);
  if (asks_crowds) return answer_crowds(socket);
  pthread_mutex_lock(&s.mutex);
  bool is_half = ++s.requests == s.broken_once;
  pthread_mutex_unlock(&s.mutex);
  if (strncmp(request->target, "/api/v2/traces/", 15) == 0) return answer_by_id(socket, request->target);
  if (s.longest_url && strlen(request->target) > s.longest_url) return refuse(socket, 414, "URI too long");
  char *query = fake_parameter(request->target, "q"), *start = fake_parameter(request->target, "start");
  char *end = fake_parameter(request->target, "end");
  pthread_mutex_lock(&s.mutex);
  if (query && count_ids(query) > s.most_ids) s.most_ids = count_ids(query);
  pthread_mutex_unlock(&s.mutex);
  bool keep =
      query && start && end && answer_batch(socket, query, strtoll(start, NULL, 10), strtoll(end, NULL, 10), is_half);
  free(query);
  free(start);
  free(end);
  return keep;
}

/* --- fixtures --- */

typedef struct fixture {
  fake_server *server;
  bt_http_client *client;
  bt_source *source;
  bt_source_account account;
  bt_error error;
  bt_trace_id ids[TRACES + 3];
  size_t calls[TRACES + 3], missing, by_id, whole, first_only, partial;
  size_t stop_at; /* the sink says BT_LIMIT at this call; 0: never */
  size_t total;
} fixture;

static int set_up(void **state) {
  static fixture f;
  f = (fixture){0};
  s = (script){0};
  pthread_mutex_init(&s.mutex, NULL);
  f.server = fake_server_start(answer, NULL);
  bt_http_options options = {.concurrency = 2};
  *state = &f;
  if (!f.server || bt_http_client_new(&options, &f.client, &f.error) != BT_OK) return -1;
  bt_tempo_options tempo = {.url = fake_server_url(f.server), .pause_ms = 5, .timeout_ms = 20000};
  for (size_t i = 0; i < TRACES + 3; i++) f.ids[i] = id_of(i);
  return bt_tempo_source_new(f.client, &tempo, &f.source, &f.error) == BT_OK ? 0 : -1;
}

static int tear_down(void **state) {
  fixture *f = *state;
  bt_source_free(f->source);
  bt_http_client_free(f->client);
  fake_server_stop(f->server);
  bt_source_account_dispose(&f->account);
  pthread_mutex_destroy(&s.mutex);
  return 0;
}

static bt_status see(void *context, const bt_read_trace *read, bt_error *error) {
  fixture *f = context;
  f->calls[read->index]++;
  if (++f->total == f->stop_at) return bt_error_set(error, BT_LIMIT, "enough");
  if (read->needs_by_id)
    f->by_id++;
  else if (!read->trace)
    f->missing++;
  else {
    assert_int_equal(bt_trace_id_compare(&read->trace->id, &f->ids[read->index]), 0);
    f->whole += read->trace->span_count == 2;
    f->first_only += read->trace->span_count == 1;
    f->partial += read->trace->partial;
  }
  return BT_OK;
}

static bt_projected number_field[] = {{BT_PROJECTED_SPAN, {"n", 1}}};
static bt_projection projection = {.attributes = number_field, .attribute_count = 1};

static bt_read_request request_of(const fixture *f, size_t count, bool by_id) {
  return (bt_read_request){.ids = f->ids,
                           .count = count,
                           .range = {FIRST_S * second_ns, (FIRST_S + 200) * second_ns},
                           .projection = &projection,
                           .by_id = by_id};
}

static bt_status read_traces(fixture *f, size_t count, bool by_id, const bt_cancel *cancel) {
  bt_read_request request = request_of(f, count, by_id);
  request.cancel = cancel;
  return bt_source_read(f->source, &request, see, f, &f->account, &f->error);
}

static void expect_each_once(const fixture *f, size_t count) {
  for (size_t i = 0; i < count; i++) assert_int_equal(f->calls[i], 1);
}

static void expect_whole(fixture *f) {
  if (read_traces(f, TRACES + 3, false, NULL) != BT_OK) fail_msg("%s", f->error.message);
  expect_each_once(f, TRACES + 3);
  assert_int_equal(f->whole, TRACES);
  assert_int_equal(f->missing, 3);
  assert_int_equal(f->account.requests, s.requests + s.asked_lists);
}

/* --- most traces of a range --- */

enum { MOST = TRACES - 50, FEW_IDS = 20 }; /* fewer than a question names that names all of MOST */

/* Every one that was asked for is given as it is, and no other. */
static void expect_most(fixture *f, size_t by_id) {
  bt_read_request request = request_of(f, MOST, false);
  request.are_most = true;
  if (bt_source_read(f->source, &request, see, f, &f->account, &f->error) != BT_OK) fail_msg("%s", f->error.message);
  expect_each_once(f, MOST);
  assert_int_equal(f->total, MOST);
  assert_int_equal(f->whole, MOST - by_id);
  assert_int_equal(f->by_id, by_id);
  assert_int_equal(f->account.requests, s.requests + s.asked_lists + s.asked_crowds);
}

static void most_of_a_range_are_read_without_their_names(void **state) {
  expect_most(*state, 0);
  assert_int_equal(s.requests, 1);
  assert_int_equal(s.asked_crowds, 1);
  assert_true(s.most_ids < FEW_IDS);
}

static void a_range_that_is_too_large_is_halved_by_ids(void **state) {
  s.largest_ids = 100;
  expect_most(*state, 0);
  assert_true(s.requests > MOST / s.largest_ids);
  assert_true(s.most_ids < FEW_IDS);
}

static void a_range_in_slices_is_joined(void **state) {
  s.longest_s = 60;
  expect_most(*state, 0);
}

static void what_is_crowded_in_a_range_is_left_out(void **state) {
  s.crowded_id = 120;
  expect_most(*state, 1);
  assert_true(s.most_ids < FEW_IDS);
}

static void a_range_that_cannot_be_asked_for_is_named(void **state) {
  s.refuses_ranges = true;
  expect_most(*state, 0);
  assert_true(s.most_ids > FEW_IDS);
}

static void where_crowds_are_not_told_ids_are_named(void **state) {
  s.crowds_status = 503;
  expect_most(*state, 0);
  assert_true(s.most_ids > FEW_IDS);
}

/* As of named ones. */
static void a_range_that_may_hold_lists_is_asked_for_them(void **state) {
  s.failed_lists = 4;
  expect_most(*state, 0);
  assert_int_equal(s.asked_lists, 5);
  assert_true(s.most_ids < FEW_IDS);
}

static void few_traces_are_named(void **state) {
  fixture *f = *state;
  bt_read_request request = request_of(f, 50, false);
  request.are_most = true;
  assert_int_equal(bt_source_read(f->source, &request, see, f, &f->account, &f->error), BT_OK);
  assert_int_equal(f->whole, 50);
  assert_int_equal(s.asked_crowds, 0);
}

/* --- batches --- */

static void reads_a_batch(void **state) {
  expect_whole(*state);
  assert_int_equal(s.requests, 1);
}

/* Whether there may be lists could not be found out, so they are asked for: a Tempo that does not know the word has
 * none. */
static void reads_a_batch_of_a_tempo_that_knows_no_lists(void **state) {
  s.failed_lists = 4;
  expect_whole(*state);
  assert_int_equal(s.asked_lists, 5);
}

static void halves_what_is_too_large(void **state) {
  s.largest_ids = 20;
  expect_whole(*state);
  assert_true(s.requests > TRACES / 20);
}

static void leaves_one_that_is_too_large_alone_to_a_read_by_id(void **state) {
  fixture *f = *state;
  s.large_id = 120;
  assert_int_equal(read_traces(f, TRACES, false, NULL), BT_OK);
  expect_each_once(f, TRACES);
  assert_int_equal(f->by_id, 1);
  assert_int_equal(f->whole, TRACES - 1);
}

static void answers_an_id_as_often_as_it_is_asked(void **state) {
  fixture *f = *state;
  s.largest_ids = 1;
  f->ids[1] = f->ids[0];
  assert_int_equal(read_traces(f, 5, false, NULL), BT_OK);
  expect_each_once(f, 5);
  assert_int_equal(f->whole, 5);
}

static void shortens_queries_that_are_too_long(void **state) {
  s.longest_url = 3000;
  expect_whole(*state);
  assert_true(s.most_ids < 100);
  size_t first_round = s.requests;
  fixture *f = *state;
  memset(f->calls, 0, sizeof f->calls);
  assert_int_equal(read_traces(f, TRACES, false, NULL), BT_OK);
  assert_true(s.requests - first_round < first_round); /* it was learned */
}

static void joins_slices(void **state) {
  s.longest_s = 60;
  expect_whole(*state);
}

static void distrusts_what_a_broken_answer_left(void **state) {
  fixture *f = *state;
  s.broken_once = 1;
  assert_int_equal(read_traces(f, 10, false, NULL), BT_OK);
  expect_each_once(f, 10);
  assert_int_equal(f->by_id, 10);
}

static void reads_the_rest_when_a_batch_fails(void **state) {
  fixture *f = *state;
  s.largest_ids = 100;
  s.down_id = 120;
  assert_int_equal(read_traces(f, TRACES, false, NULL), BT_UNAVAILABLE);
  assert_null(strstr(f->error.message, "10.0.0.1"));
  assert_int_equal(f->calls[120], 0);
  assert_true(f->whole >= TRACES / 2);
  for (size_t i = 0; i < TRACES; i++) assert_true(f->calls[i] <= 1);
}

static void gives_up_when_all_is_down(void **state) {
  fixture *f = *state;
  s.down = true;
  assert_int_equal(read_traces(f, TRACES, false, NULL), BT_UNAVAILABLE);
  assert_int_equal(f->total, 0);
}

static void refuses_traces_that_were_not_asked_for(void **state) {
  fixture *f = *state;
  s.wrong_id = true;
  assert_int_equal(read_traces(f, 3, false, NULL), BT_UNAVAILABLE);
  assert_int_equal(f->total, 0);
}

/* Rows that are not plain: each must lead to a read by id, never to a guess. */
static void doubts(void **state) {
  static const char *const rows[] = {
      /* no name */
      "{\"spans\":[{\"spanID\":\"82\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":\"kind\",\"value\":{"
      "\"stringValue\":\"client\"}},"
      "{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\",\"value\":{\"stringValue\":"
      "\"81\"}}]}],\"matched\":1}",
      /* no kind */
      "{\"spans\":[{\"spanID\":\"82\",\"name\":\"late\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":"
      "\"status\",\"value\":{"
      "\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\",\"value\":{\"stringValue\":\"81\"}}]}],\"matched\":1}",
      /* a kind that nobody knows */
      "{\"spans\":[{\"spanID\":\"82\",\"name\":\"late\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":\"kind\","
      "\"value\":{"
      "\"stringValue\":\"robot\"}},{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\","
      "\"value\":{"
      "\"stringValue\":\"81\"}}]}],\"matched\":1}",
      /* no parent */
      "{\"spans\":[{\"spanID\":\"82\",\"name\":\"late\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":\"kind\","
      "\"value\":{"
      "\"stringValue\":\"client\"}},{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}}]}],\"matched\":1}",
      /* a field twice */
      "{\"spans\":[{\"spanID\":\"82\",\"name\":\"late\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":\"kind\","
      "\"value\":{"
      "\"stringValue\":\"client\"}},{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\","
      "\"value\":{"
      "\"stringValue\":\"81\"}},{\"key\":\"n\",\"value\":{\"intValue\":\"1\"}},{\"key\":\"n\",\"value\":{\"intValue\":"
      "\"2\"}}]}],\"matched\":1}",
      /* an array */
      "{\"spans\":[{\"spanID\":\"82\",\"name\":\"late\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":\"kind\","
      "\"value\":{"
      "\"stringValue\":\"client\"}},{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\","
      "\"value\":{"
      "\"stringValue\":\"81\"}},{\"key\":\"n\",\"value\":{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"},{"
      "\"intValue\":\"2\"}]}}}]}],"
      "\"matched\":1}",
      /* more copies than were sent */
      "{\"spans\":[{\"spanID\":\"82\",\"name\":\"late\",\"startTimeUnixNano\":\"5\",\"attributes\":[{\"key\":\"kind\","
      "\"value\":{"
      "\"stringValue\":\"client\"}},{\"key\":\"status\",\"value\":{\"stringValue\":\"ok\"}},{\"key\":\"span:parentID\","
      "\"value\":{"
      "\"stringValue\":\"81\"}}]}],\"matched\":9}",
  };
  fixture *f = *state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    s.row = rows[i];
    f->by_id = f->whole = 0;
    assert_int_equal(read_traces(f, 10, false, NULL), BT_OK);
    if (f->by_id != 1 || f->whole != 9) fail_msg("row %zu: %zu by id, %zu whole", i, f->by_id, f->whole);
  }
}

/* --- by id --- */

static void reads_by_id(void **state) {
  fixture *f = *state;
  assert_int_equal(read_traces(f, TRACES + 3, true, NULL), BT_OK);
  expect_each_once(f, TRACES + 3);
  assert_int_equal(f->first_only, TRACES);
  assert_int_equal(f->missing, 3);
  assert_int_equal(f->partial, 0);
  assert_int_equal(s.requests, TRACES + 3);
}

static void marks_partial_traces(void **state) {
  fixture *f = *state;
  s.partial = "\"status\":\"PARTIAL\",\"message\":\"Trace exceeds maximum size\",";
  assert_int_equal(read_traces(f, 5, true, NULL), BT_OK);
  assert_int_equal(f->partial, 5);
}

static void reads_the_rest_when_one_fails(void **state) {
  fixture *f = *state;
  s.down_id = 4;
  assert_int_equal(read_traces(f, 30, true, NULL), BT_UNAVAILABLE);
  assert_int_equal(f->calls[4], 0);
  assert_int_equal(f->first_only, 29);
}

static void refuses_another_trace_than_the_asked_one(void **state) {
  fixture *f = *state;
  s.wrong_id = true;
  assert_int_equal(read_traces(f, 2, true, NULL), BT_UNAVAILABLE);
  assert_int_equal(f->total, 0);
}

/* --- by id, ahead of who takes them --- */

enum { AHEAD = 5 };

static bt_ahead *begin(fixture *f, bt_ahead_kind kind, const bt_read_request *request) {
  bt_ahead *ahead = bt_source_begin(f->source, (bt_asked){kind, .read = request}, &f->account);
  assert_non_null(ahead);
  return ahead;
}

static bt_ahead *begin_reads(fixture *f, size_t count) {
  bt_read_request request = request_of(f, count, false); /* by id in any case */
  return begin(f, BT_AHEAD_BY_ID, &request);
}

static bt_status read_ahead(fixture *f, size_t count, bt_ahead *ahead) {
  bt_read_request request = request_of(f, count, true);
  request.ahead = ahead;
  return bt_source_read(f->source, &request, see, f, &f->account, &f->error);
}

static void takes_what_is_under_way(void **state) {
  fixture *f = *state;
  bt_ahead *ahead = begin_reads(f, AHEAD);
  assert_int_equal(read_ahead(f, TRACES + 3, ahead), BT_OK);
  expect_each_once(f, TRACES + 3);
  assert_int_equal(f->first_only, TRACES);
  assert_int_equal(s.requests, TRACES + 3);
  assert_int_equal(f->account.requests, TRACES + 3);
  /* What was taken is asked for again. */
  assert_int_equal(read_ahead(f, AHEAD, ahead), BT_OK);
  assert_int_equal(s.requests, TRACES + 3 + AHEAD);
  bt_source_drop(ahead);
}

static void tries_again_what_failed_under_way(void **state) {
  fixture *f = *state;
  s.down_id = 2;
  bt_ahead *ahead = begin_reads(f, AHEAD);
  assert_int_equal(read_ahead(f, AHEAD, ahead), BT_UNAVAILABLE);
  assert_int_equal(f->calls[2], 0);
  assert_int_equal(f->first_only, AHEAD - 1);
  assert_true(s.requests > AHEAD);
  bt_source_drop(ahead);
}

static void begins_no_more_than_it_holds(void **state) {
  fixture *f = *state;
  uint32_t spans[TRACES] = {60000, 60000};
  bt_read_request request = request_of(f, TRACES, true);
  request.span_counts = spans;
  bt_ahead *ahead = begin(f, BT_AHEAD_BY_ID, &request);
  assert_int_equal(read_ahead(f, 1, ahead), BT_OK);
  assert_int_equal(f->account.requests, 1);
  bt_source_drop(ahead);
  ahead = begin_reads(f, TRACES);
  assert_int_equal(f->account.requests, 1 + 8);
  bt_source_drop(ahead);
}

static void lets_go_what_nobody_takes(void **state) {
  fixture *f = *state;
  bt_source_drop(begin_reads(f, AHEAD));
  bt_source_drop(NULL);
  assert_int_equal(f->total, 0);
  assert_int_equal(read_traces(f, TRACES + 3, true, NULL), BT_OK);
  expect_each_once(f, TRACES + 3);
}

/* As many as are under way at once, of more, and what has to be known before; it gives what it would without. */
static void begins_the_first_batches(void **state) {
  fixture *f = *state;
  bt_read_request request = request_of(f, TRACES, false);
  s.largest_ids = 10;
  request.ahead = begin(f, BT_AHEAD_BATCHES, &request);
  assert_int_equal(f->total, 0);
  assert_int_equal(f->account.requests, 1 + s.asked_lists);
  assert_int_equal(bt_source_read(f->source, &request, see, f, &f->account, &f->error), BT_OK);
  expect_each_once(f, TRACES);
  assert_true(s.requests > 2);
  bt_source_drop(request.ahead);
}

/* How it has ended is told to who takes it, and nothing is asked again. */
static void tells_how_begun_batches_ended(void **state) {
  fixture *f = *state;
  bt_read_request request = request_of(f, TRACES, false);
  request.tenant = "no\nheader";
  request.ahead = begin(f, BT_AHEAD_BATCHES, &request);
  assert_int_equal(request.ahead->status, BT_INVALID);
  request.tenant = NULL;
  assert_int_equal(bt_source_read(f->source, &request, see, f, &f->account, &f->error), BT_INVALID);
  assert_string_equal(f->error.message, request.ahead->why.message);
  assert_int_equal(f->total, 0);
  assert_int_equal(s.requests, 0);
  /* Once. */
  assert_int_equal(bt_source_read(f->source, &request, see, f, &f->account, &f->error), BT_OK);
  expect_each_once(f, TRACES);
  bt_source_drop(request.ahead);
}

static void begins_no_batches_of_nothing(void **state) {
  fixture *f = *state;
  bt_read_request none = request_of(f, 0, false), whole = request_of(f, TRACES, false);
  whole.projection = NULL;
  assert_null(bt_source_begin(f->source, (bt_asked){BT_AHEAD_BATCHES, .read = &none}, &f->account));
  assert_null(bt_source_begin(f->source, (bt_asked){BT_AHEAD_BATCHES, .read = &whole}, &f->account));
  assert_int_equal(f->account.requests, 0);
}

/* --- both --- */

static void stops_with_the_sink(void **state) {
  fixture *f = *state;
  f->stop_at = 3;
  assert_int_equal(read_traces(f, 50, true, NULL), BT_LIMIT);
  assert_int_equal(f->total, 3);
  f->total = 0;
  assert_int_equal(read_traces(f, 50, false, NULL), BT_LIMIT);
  assert_int_equal(f->total, 3);
}

static void stops_when_cancelled(void **state) {
  fixture *f = *state;
  bt_cancel cancel = {.requested = true};
  assert_int_equal(read_traces(f, 50, true, &cancel), BT_CANCELLED);
  assert_int_equal(read_traces(f, 50, false, &cancel), BT_CANCELLED);
  assert_int_equal(f->total, 0);
}

static void reads_nothing(void **state) {
  assert_int_equal(read_traces(*state, 0, false, NULL), BT_OK);
  assert_int_equal(s.requests, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(reads_a_batch),
                                     TEST(reads_a_batch_of_a_tempo_that_knows_no_lists),
                                     TEST(most_of_a_range_are_read_without_their_names),
                                     TEST(a_range_that_is_too_large_is_halved_by_ids),
                                     TEST(a_range_in_slices_is_joined),
                                     TEST(what_is_crowded_in_a_range_is_left_out),
                                     TEST(a_range_that_cannot_be_asked_for_is_named),
                                     TEST(where_crowds_are_not_told_ids_are_named),
                                     TEST(a_range_that_may_hold_lists_is_asked_for_them),
                                     TEST(few_traces_are_named),
                                     TEST(halves_what_is_too_large),
                                     TEST(leaves_one_that_is_too_large_alone_to_a_read_by_id),
                                     TEST(answers_an_id_as_often_as_it_is_asked),
                                     TEST(shortens_queries_that_are_too_long),
                                     TEST(joins_slices),
                                     TEST(distrusts_what_a_broken_answer_left),
                                     TEST(reads_the_rest_when_a_batch_fails),
                                     TEST(gives_up_when_all_is_down),
                                     TEST(refuses_traces_that_were_not_asked_for),
                                     TEST(doubts),
                                     TEST(reads_by_id),
                                     TEST(marks_partial_traces),
                                     TEST(reads_the_rest_when_one_fails),
                                     TEST(refuses_another_trace_than_the_asked_one),
                                     TEST(takes_what_is_under_way),
                                     TEST(tries_again_what_failed_under_way),
                                     TEST(begins_no_more_than_it_holds),
                                     TEST(lets_go_what_nobody_takes),
                                     TEST(begins_the_first_batches),
                                     TEST(tells_how_begun_batches_ended),
                                     TEST(begins_no_batches_of_nothing),
                                     TEST(stops_with_the_sink),
                                     TEST(stops_when_cancelled),
                                     TEST(reads_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
