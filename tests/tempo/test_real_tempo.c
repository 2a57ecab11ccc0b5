/* The Tempo source against a real Tempo: what is pushed by our own exporter is found by search, in full and under a
 * tiny limit, and read whole in batches and by id. Run by with_tempo.py, which gives TEMPO_URL and OTLP_URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tempo/api/tempo_source.h"
#include "tempo/wire/otlp_export.h"
#include "tests/support/asked.h"

enum { TRACES = 400, SPANS_OF_BIG = 500, POLLS = 100 };
static const int64_t second_ns = 1000000000;

typedef struct fixture {
  bt_http_client *client;
  bt_trace_id ids[TRACES];
  int64_t now_ns;
  bt_time_range range;
} fixture;

static fixture f;

static int64_t wall_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

/* Ids differ between runs; every seventh begins with zeros, as one in sixteen does in life. */
static void make_ids(void) {
  uint64_t state = (uint64_t)wall_ns();
  for (size_t i = 0; i < TRACES; i++) {
    for (size_t b = 0; b < sizeof f.ids[i].bytes; b++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      f.ids[i].bytes[b] = (uint8_t)(state >> 56);
    }
    if (i % 7 == 0) f.ids[i].bytes[0] = 0;
    if (i % 49 == 0) f.ids[i].bytes[1] = 0;
  }
}

static bt_span_id span_id(size_t trace, size_t number) {
  bt_span_id id = {{0}};
  id.bytes[0] = 0xA0;
  id.bytes[4] = (uint8_t)(trace >> 8), id.bytes[5] = (uint8_t)trace;
  id.bytes[6] = (uint8_t)(number >> 8), id.bytes[7] = (uint8_t)number;
  return id;
}

static bt_export_span make_span(size_t trace, size_t number, const char *name) {
  return (bt_export_span){.trace_id = f.ids[trace],
                          .span_id = span_id(trace, number),
                          .name = bt_str_from(name),
                          .kind = BT_KIND_INTERNAL,
                          .start_ns = f.now_ns - (int64_t)trace * second_ns / 8,
                          .end_ns = f.now_ns - (int64_t)trace * second_ns / 8 + 5000000};
}

static void push(const bt_export_span *spans, size_t count) {
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("shop")}};
  bt_export_resource resource = {
      .attributes = &service, .attribute_count = 1, .scope_name = BT_STR("tests"), .spans = spans, .span_count = count};
  bt_exporter_options options = {.url = getenv("OTLP_URL")};
  bt_export_result result;
  bt_error error = {0};
  bt_status status = bt_otlp_export(f.client, &options, &resource, 1, NULL, &result, &error);
  if (status != BT_OK) fail_msg("push: %s", error.message);
  assert_int_equal(result.accepted, count);
  assert_int_equal(result.rejected, 0);
}

static bt_source *open_source(uint32_t limit) {
  bt_tempo_options options = {.url = getenv("TEMPO_URL"), .search_limit = limit};
  bt_source *source = NULL;
  bt_error error = {0};
  if (bt_tempo_source_new(f.client, &options, &source, &error) != BT_OK) fail_msg("source: %s", error.message);
  return source;
}

static size_t search(uint32_t limit, const char *name, bt_found_list *found, bt_source_account *account) {
  bt_source *source = open_source(limit);
  bt_search_request request = {.query = asked_name(name), .range = f.range, .rule_id = "a rule"};
  bt_error error = {0};
  bt_status status = bt_source_search(source, &request, found, account, &error);
  if (status != BT_OK) fail_msg("search: %s", error.message);
  if (account->failed_count) fail_msg("search: a window failed: %s", account->failed[0].reason);
  bt_source_free(source);
  return found->count;
}

static void wait_for(const char *name, size_t wanted) {
  size_t count = 0;
  for (int poll = 0; poll < POLLS; poll++) {
    bt_found_list found = {0};
    bt_source_account account = {0};
    count = search(0, name, &found, &account);
    bt_found_list_dispose(&found);
    bt_source_account_dispose(&account);
    if (count == wanted) return;
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  }
  fail_msg("%s finds %zu of %zu", name, count, wanted);
}

static int set_up(void **state) {
  (void)state;
  bt_error error = {0};
  if (bt_http_client_new(NULL, &f.client, &error) != BT_OK) return -1;
  f.now_ns = wall_ns();
  f.range = (bt_time_range){f.now_ns - 600 * second_ns, f.now_ns + 600 * second_ns};
  make_ids();
  static bt_export_span spans[TRACES * 2];
  static bt_attribute amounts[TRACES];
  for (size_t i = 0; i < TRACES; i++) {
    amounts[i] = (bt_attribute){BT_STR("amount"), {.type = BT_VALUE_INT, .integer = (int64_t)i}};
    spans[2 * i] = make_span(i, 0, "checkout");
    spans[2 * i + 1] = make_span(i, 1, "charge");
    spans[2 * i + 1].parent_id = span_id(i, 0);
    spans[2 * i + 1].status = BT_SPAN_STATUS_ERROR;
    spans[2 * i + 1].attributes = &amounts[i];
    spans[2 * i + 1].attribute_count = 1;
  }
  push(spans, TRACES * 2);
  wait_for("charge", TRACES);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  bt_http_client_free(f.client);
  return 0;
}

static void finds_all_whatever_the_limit(void **state) {
  (void)state;
  const uint32_t limits[] = {0, 1000, 100, 7, 3};
  for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
    bt_found_list found = {0};
    bt_source_account account = {0};
    assert_int_equal(search(limits[l], "checkout", &found, &account), TRACES);
    for (size_t i = 0; i < TRACES; i++) {
      const bt_found *one = bt_found_list_get(&found, &f.ids[i]);
      assert_non_null(one);
      int64_t start_ns = f.now_ns - (int64_t)i * second_ns / 8;
      assert_true(one->start_ns == start_ns);
      assert_true(one->end_ns >= start_ns + 5000000);
    }
    assert_true(account.requests > 0);
    assert_true(account.bytes_received > 0);
    if (limits[l] == 3) assert_true(account.requests > TRACES / 3);
    bt_found_list_dispose(&found);
    bt_source_account_dispose(&account);
  }
}

static void tells_a_refused_query(void **state) {
  (void)state;
  bt_source *source = open_source(0);
  static const bt_filter nonsense = {
      .kind = BT_FILTER_TEST,
      .test = {.field = BT_FILTER_KIND, .literal = {.type = BT_VALUE_STRING, .string = {"nonsense", 8}}}};
  bt_search_request request = {.query = {.filter = &nonsense}, .range = f.range};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_OK);
  assert_int_equal(found.count, 0);
  assert_int_equal(account.failed_count, 1);
  assert_non_null(strstr(account.failed[0].reason, "400"));
  assert_true(account.failed[0].range.start_ns == f.range.start_ns);
  assert_true(account.failed[0].range.end_ns == f.range.end_ns);
  bt_source_account_dispose(&account);
  bt_source_free(source);
}

/* The configured Tempo allows 8,760 h: a longer range is learned from its refusal and sliced. */
static void slices_a_range_that_is_too_long(void **state) {
  (void)state;
  bt_tempo_options options = {.url = getenv("TEMPO_URL"), .max_range_ns = 20000 * 3600 * second_ns};
  bt_source *source = NULL;
  bt_error error = {0};
  assert_int_equal(bt_tempo_source_new(f.client, &options, &source, &error), BT_OK);
  bt_search_request request = {.query = asked_name("checkout"),
                               .expected = BT_EXPECTS_FEW, /* its halves would not be too long */
                               .range = {f.now_ns - 10000 * 3600 * second_ns, f.now_ns + 60 * second_ns}};
  bt_found_list found = {0};
  bt_source_account account = {0};
  assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_OK);
  assert_int_equal(account.failed_count, 0);
  assert_int_equal(found.count, TRACES);
  assert_int_equal(account.requests, 3);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  bt_source_free(source);
}

/* --- reading --- */

typedef struct seen {
  size_t calls[TRACES + 1];
  size_t missing, by_id;
  void (*look)(const bt_read_trace *read);
} seen;

static bt_status see(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  seen *s = context;
  s->calls[read->index]++;
  if (read->needs_by_id)
    s->by_id++;
  else if (!read->trace)
    s->missing++;
  else if (s->look)
    s->look(read);
  return BT_OK;
}

static void read_ids(const bt_trace_id *ids, size_t count, const bt_projection *projection, bool by_id, seen *s) {
  bt_source *source = open_source(0);
  bt_read_request request = {.ids = ids, .count = count, .range = f.range, .projection = projection, .by_id = by_id};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_status status = bt_source_read(source, &request, see, s, &account, &error);
  if (status != BT_OK) fail_msg("read: %s", error.message);
  for (size_t i = 0; i < count; i++) assert_int_equal(s->calls[i], 1);
  assert_true(account.requests > 0);
  bt_source_account_dispose(&account);
  bt_source_free(source);
}

static const bt_span *find_span(const bt_trace *trace, const char *name) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (bt_str_equal(trace->spans[i].name, bt_str_from(name))) return &trace->spans[i];
  fail_msg("no span %s", name);
  return NULL;
}

static void look_at_checkout(const bt_read_trace *read) {
  const bt_trace *trace = read->trace;
  size_t i = read->index;
  assert_int_equal(trace->span_count, 2);
  assert_false(trace->missing_parents);
  assert_false(trace->differing_copies);
  assert_memory_equal(trace->id.bytes, f.ids[i].bytes, sizeof trace->id.bytes);
  const bt_span *root = find_span(trace, "checkout"), *charge = find_span(trace, "charge");
  assert_true(bt_span_id_is_zero(&root->parent_id));
  assert_memory_equal(charge->parent_id.bytes, root->id.bytes, sizeof root->id.bytes);
  assert_int_equal(charge->kind, BT_KIND_INTERNAL);
  assert_int_equal(charge->status, BT_SPAN_STATUS_ERROR);
  assert_int_equal(root->status, BT_SPAN_STATUS_UNSET);
  assert_true(charge->start_ns == f.now_ns - (int64_t)i * second_ns / 8);
  assert_true(bt_span_duration_ns(charge) == 5000000);
  assert_true(bt_str_equal(charge->resource->service, BT_STR("shop")));
  assert_int_equal(charge->attributes.count, 1);
  assert_true(bt_str_equal(charge->attributes.items[0].key, BT_STR("amount")));
  assert_int_equal(charge->attributes.items[0].value.type, BT_VALUE_INT);
  assert_true(charge->attributes.items[0].value.integer == (int64_t)i);
}

static bt_projected amount_field[] = {{BT_PROJECTED_SPAN, {"amount", 6}}};

static void reads_whole_traces_in_batches_and_by_id(void **state) {
  (void)state;
  bt_projection projection = {.attributes = amount_field, .attribute_count = 1};
  bt_trace_id ids[TRACES + 1];
  memcpy(ids, f.ids, sizeof f.ids);
  memset(ids[TRACES].bytes, 0x5A, sizeof ids[TRACES].bytes); /* nobody has it */
  seen batch = {.look = look_at_checkout}, by_id = {.look = look_at_checkout};
  read_ids(ids, TRACES + 1, &projection, false, &batch);
  assert_int_equal(batch.missing, 1);
  assert_int_equal(batch.by_id, 0);
  memmove(&ids[40], &ids[TRACES], sizeof ids[0]);
  read_ids(ids, 41, NULL, true, &by_id);
  assert_int_equal(by_id.missing, 1);
}

static void look_at_pair(const bt_read_trace *read) {
  const bt_span *client = find_span(read->trace, "call"), *server = find_span(read->trace, "serve");
  assert_int_equal(read->trace->span_count, 3);
  assert_int_equal(client->kind, BT_KIND_CLIENT);
  assert_int_equal(server->kind, BT_KIND_SERVER);
  assert_memory_equal(client->id.bytes, server->id.bytes, sizeof client->id.bytes);
}

/* 2.x is told to; 3.x does it by itself when a block is so old (with_tempo.py). */
static void close_blocks(void) {
  const char *block_seconds = getenv("TEMPO_BLOCK_SECONDS");
  if (block_seconds) {
    sleep((unsigned)strtoul(block_seconds, NULL, 10) + 2);
    return;
  }
  char url[256];
  snprintf(url, sizeof url, "%s/flush", getenv("TEMPO_URL"));
  bt_http_request flush = {.method = "GET", .url = url};
  bt_http_response response;
  bt_error error = {0};
  assert_int_equal(bt_http_send(f.client, &flush, &response, &error), BT_OK);
  bt_http_response_dispose(&response);
}

/* Client and server halves that share one span id, pushed apart, so that they lie in different blocks. */
static void keeps_both_halves_of_one_span_id(void **state) {
  (void)state;
  fixture saved = f;
  f.ids[0].bytes[15] ^= 0xFF;
  bt_export_span client = make_span(0, 1, "call"), root = make_span(0, 0, "pair-root"),
                 server = make_span(0, 1, "serve");
  client.kind = BT_KIND_CLIENT, server.kind = BT_KIND_SERVER;
  client.parent_id = server.parent_id = root.span_id;
  push((bt_export_span[]){root, client}, 2);
  wait_for("call", 1);
  close_blocks();
  push(&server, 1);
  wait_for("serve", 1);
  bt_projection projection = {0};
  seen s = {.look = look_at_pair};
  read_ids(f.ids, 1, &projection, false, &s);
  assert_int_equal(s.by_id + s.missing, 0);
  f = saved;
}

static void look_at_big(const bt_read_trace *read) {
  assert_int_equal(read->trace->span_count, SPANS_OF_BIG);
}

static void reads_a_big_trace_uncut(void **state) {
  (void)state;
  fixture saved = f;
  f.ids[0].bytes[14] ^= 0xFF;
  static bt_export_span spans[SPANS_OF_BIG];
  for (size_t i = 0; i < SPANS_OF_BIG; i++) spans[i] = make_span(0, i, "step");
  push(spans, SPANS_OF_BIG);
  wait_for("step", 1);
  bt_projection projection = {0};
  seen batch = {.look = look_at_big}, by_id = {.look = look_at_big};
  read_ids(f.ids, 1, &projection, false, &batch);
  read_ids(f.ids, 1, NULL, true, &by_id);
  assert_int_equal(batch.by_id + batch.missing + by_id.missing, 0);
  f = saved;
}

/* What a batch cannot give right is said, not guessed: arrays, names that are empty, values that collide with an
 * intrinsic's word. */
static void sends_doubtful_traces_to_a_read_by_id(void **state) {
  (void)state;
  fixture saved = f;
  bt_value items[2] = {{.type = BT_VALUE_STRING, .string = BT_STR("a")},
                       {.type = BT_VALUE_STRING, .string = BT_STR("b")}};
  bt_attribute array = {BT_STR("tags"), {.type = BT_VALUE_ARRAY, .array = {items, 2}}};
  bt_attribute kind = {BT_STR("kind"), {.type = BT_VALUE_STRING, .string = BT_STR("client")}};
  bt_attribute status = {BT_STR("status"), {.type = BT_VALUE_INT, .integer = 200}};
  for (size_t i = 0; i < 4; i++) f.ids[i].bytes[13] ^= 0xFF;
  bt_export_span spans[4];
  for (size_t i = 0; i < 4; i++) spans[i] = make_span(i, 9, i == 2 ? "" : "doubtful");
  spans[0].attributes = &array, spans[0].attribute_count = 1;
  spans[1].attributes = &kind, spans[1].attribute_count = 1;
  spans[3].attributes = &status,
  spans[3].attribute_count = 1; /* an integer cannot be the status: this one is certain */
  push(spans, 4);
  wait_for("doubtful", 3);
  wait_for("", 1);
  bt_projected fields[] = {
      {BT_PROJECTED_SPAN, {"tags", 4}}, {BT_PROJECTED_SPAN, {"kind", 4}}, {BT_PROJECTED_SPAN, {"status", 6}}};
  bt_projection projection = {.attributes = fields, .attribute_count = 3};
  seen s = {0};
  read_ids(f.ids, 4, &projection, false, &s);
  assert_int_equal(s.missing, 0);
  assert_int_equal(s.by_id, 3);
  f = saved;
}

static void checks(void **state) {
  (void)state;
  bt_source *source = open_source(0);
  bt_error error = {0};
  assert_int_equal(bt_source_check(source, NULL, &error), BT_OK);
  bt_source_free(source);
}

int main(void) {
  if (!getenv("TEMPO_URL") || !getenv("OTLP_URL")) return 77;
  const struct CMUnitTest tests[] = {cmocka_unit_test(checks),
                                     cmocka_unit_test(finds_all_whatever_the_limit),
                                     cmocka_unit_test(tells_a_refused_query),
                                     cmocka_unit_test(slices_a_range_that_is_too_long),
                                     cmocka_unit_test(reads_whole_traces_in_batches_and_by_id),
                                     cmocka_unit_test(keeps_both_halves_of_one_span_id),
                                     cmocka_unit_test(reads_a_big_trace_uncut),
                                     cmocka_unit_test(sends_doubtful_traces_to_a_read_by_id)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
