/* The rows of stores, and how each is filled. See conformance_store.h. */
#include "tests/tempo/conformance_store.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsl/trace/untyped_text.h"
#include "tempo/api/tempo_source.h"
#include "tempo/clickhouse/clickhouse_source.h"
#include "tempo/elastic/elastic_source.h"
#include "tempo/files/file_source.h"
#include "tempo/files/memory_source.h"
#include "tempo/wire/otlp_decoder.h"
#include "tests/support/fake_http.h"
#include "tests/support/toy_store.h"
#include "tests/tempo/pushed_otlp.h"

enum { POLLS = 200 };
const int64_t second_ns = 1000000000;

/* ---- files ---- */

/* Each document is a file of its own, so that traces lie in several; of a broken store the last is cut off. */
static void write_file(const store_document *document, bool is_cut, char path[64]) {
  size_t length = is_cut ? document->bytes.len - document->bytes.len / 3 : document->bytes.len;
  snprintf(path, 64, P_tmpdir "/betrace-conformance-XXXXXX");
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, document->bytes.ptr, length), length);
  close(descriptor);
}

static bt_status open_written(store *s, bool is_cut, bt_error *error) {
  char names[STORE_DOCUMENTS][64];
  const char *paths[STORE_DOCUMENTS];
  for (size_t i = 0; i < s->document_count; i++) {
    write_file(&s->documents[i], is_cut && i + 1 == s->document_count, names[i]);
    paths[i] = names[i];
  }
  bt_status status = bt_file_source_open(paths, s->document_count, 0, &s->source, error);
  for (size_t i = 0; i < s->document_count; i++) unlink(paths[i]);
  return status;
}

static bt_status open_files(store *s, bt_error *error) {
  return open_written(s, false, error);
}

static bt_status open_torn_files(store *s, bt_error *error) {
  return open_written(s, true, error);
}

/* ---- memory ---- */

static bt_status open_memory(store *s, bt_error *error) {
  return bt_memory_source_new(0, &s->source, error);
}

static void push_to_memory(store *s, const store_document *document) {
  bt_error error = {0};
  uint64_t count = 0;
  bt_status status =
      push_otlp(s->source, document->tenant, bt_buffer_str(&document->bytes), document->is_json, &count, &error);
  if (status != BT_OK) fail_msg("push: %s", error.message);
  assert_int_equal(count, document->span_count);
}

/* With room for a part: what ended first is evicted. */
static bt_status open_full_memory(store *s, bt_error *error) {
  bt_source *whole = NULL;
  bt_status status = bt_memory_source_new(0, &whole, error);
  assert_int_equal(status, BT_OK);
  s->source = whole;
  for (size_t i = 0; i < s->document_count; i++) push_to_memory(s, &s->documents[i]);
  size_t bytes = bt_memory_source_bytes(whole);
  bt_source_free(whole);
  s->source = NULL;
  status = bt_memory_source_new(bytes * 2 / 3, &s->source, error);
  for (size_t i = 0; status == BT_OK && i < s->document_count; i++) push_to_memory(s, &s->documents[i]);
  return status;
}

/* ---- toy ---- */

static toy_lie chosen_lie(void) {
  const char *name = getenv("BETRACE_TOY_LIE");
  for (int i = 0; name && i < TOY_LIES; i++)
    if (strcmp(name, toy_lies[i]) == 0) return (toy_lie)i;
  if (name) fail_msg("there is no lie %s", name);
  return TOY_TELLS_THE_TRUTH;
}

static void add_to_toy(bt_source *toy, const store_document *document) {
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  bt_str body = bt_buffer_str(&document->bytes);
  assert_int_equal(bt_span_batch_new((size_t)64 << 20, &batch, &error), BT_OK);
  bt_status status =
      document->is_json ? bt_otlp_decode_json(body, batch, &error) : bt_otlp_decode_protobuf(body, batch, &error);
  if (status == BT_OK) status = bt_span_batch_finish(batch, &error);
  if (status != BT_OK) fail_msg("push: %s", error.message);
  toy_store_add_batch(toy, document->tenant, batch);
  bt_span_batch_free(batch);
}

static bt_status open_toy(store *s, bt_error *error) {
  (void)error;
  s->source = toy_store_new();
  toy_store_lie(s->source, chosen_lie());
  return BT_OK;
}

static void push_to_toy(store *s, const store_document *document) {
  add_to_toy(s->source, document);
}

static bt_status open_broken_toy(store *s, bt_error *error) {
  bt_status status = open_toy(s, error);
  for (size_t i = 0; i < s->document_count; i++) push_to_toy(s, &s->documents[i]);
  toy_store_break(s->source);
  return status;
}

/* ---- tempo ---- */

static bt_status open_tempo(store *s, bt_error *error) {
  bt_tempo_options options = {.url = getenv("TEMPO_URL"), .search_limit = 7}; /* small, so that windows split */
  return bt_tempo_source_new(s->client, &options, &s->source, error);
}

static void push_otlp_over_http(store *s, const char *url, const store_document *document) {
  bt_exporter_options options = {.url = url, .tenant = document->tenant};
  bt_export_document sent = {.body = bt_buffer_str(&document->bytes),
                             .content_type = document->is_json ? "application/json" : "application/x-protobuf",
                             .span_count = document->span_count};
  bt_export_result result = {0};
  bt_error error = {0};
  if (bt_otlp_export_document(s->client, &options, &sent, NULL, &result, &error) != BT_OK)
    fail_msg("push: %s", error.message);
  assert_int_equal(result.accepted, document->span_count);
}

static void push_to_tempo(store *s, const store_document *document) {
  push_otlp_over_http(s, getenv("OTLP_URL"), document);
}

/* 2.x is told to; 3.x does it by itself when a block is so old (with_tempo.py). */
static void close_block_of_tempo(store *s) {
  const char *block_seconds = getenv("TEMPO_BLOCK_SECONDS");
  char url[256];
  bt_http_response response;
  bt_error error = {0};
  if (block_seconds) {
    sleep((unsigned)strtoul(block_seconds, NULL, 10) + 2);
    return;
  }
  snprintf(url, sizeof url, "%s/flush", getenv("TEMPO_URL"));
  assert_int_equal(bt_http_send(s->client, &(bt_http_request){.method = "GET", .url = url}, &response, &error), BT_OK);
  bt_http_response_dispose(&response);
}

/* One way of failing after another, whatever is asked. None of these is an answer. */
static bool answer_wrongly(void *context, const fake_request *request, int socket) {
  static const char half[] = "{\"traces\":[{\"traceID\":\"1";
  static _Atomic unsigned turn;
  (void)context;
  (void)request;
  switch (turn++ % 4) {
  case 0: return fake_respond(socket, 500, "text/plain", "", "broken", 6);
  case 1: return fake_respond(socket, 200, "application/json", "", half, sizeof half - 1);
  case 2: return false; /* hangs up */
  default: return fake_respond(socket, 200, "application/protobuf", "", "", 0);
  }
}

static bt_status open_broken_tempo(store *s, bt_error *error) {
  fake_server *server = fake_server_start(answer_wrongly, NULL);
  assert_non_null(server);
  s->broken = server;
  bt_tempo_options options = {.url = fake_server_url(server), .pause_ms = 1};
  return bt_tempo_source_new(s->client, &options, &s->source, error);
}

static void stop_broken_tempo(store *s) {
  if (s->broken) fake_server_stop(s->broken);
}

/* ---- ClickHouse ---- */

static bt_status open_database(store *s, const char *server, bt_error *error) {
  char url[256];
  snprintf(url, sizeof url, "%s/%s?table=%s", getenv(server), s->place, s->row->schema.table);
  bt_clickhouse_options options = {.url = url, .pause_ms = 1, .ids_per_read = 11}; /* small, so that batches split */
  return bt_clickhouse_source_new(s->client, &options, &s->source, error);
}

static void make_place(store *s, const char *url) {
  bt_http_response response;
  bt_error error = {0};
  bt_http_request request = {.method = "POST", .url = url};
  if (bt_http_send(s->client, &request, &response, &error) != BT_OK) fail_msg("place: %s", error.message);
  assert_int_equal(response.status, 200);
  bt_http_response_dispose(&response);
}

/* A table keeps no stores apart: each has a database of its own. */
static void make_tables(store *s) {
  static unsigned count;
  char url[256];
  snprintf(s->place, sizeof s->place, "conformance_%s_%d_%u", s->row->schema.name, (int)getpid(), ++count);
  snprintf(url, sizeof url, "%s/%s/%s", getenv("OTLP_URL"), s->row->schema.name, s->place);
  make_place(s, url);
}

static bt_status open_clickhouse(store *s, bt_error *error) {
  make_tables(s);
  return open_database(s, "CLICKHOUSE_URL", error);
}

static void push_to_clickhouse(store *s, const store_document *document) {
  char url[256];
  snprintf(url, sizeof url, "%s/%s/%s", getenv("OTLP_URL"), s->row->schema.name, s->place);
  push_otlp_over_http(s, url, document);
}

static bt_status open_broken_clickhouse(store *s, bt_error *error) {
  make_tables(s);
  for (size_t i = 0; i < s->document_count; i++) push_to_clickhouse(s, &s->documents[i]);
  return open_database(s, "BROKEN_CLICKHOUSE_URL", error);
}

/* ---- OpenSearch ---- */

static bt_status open_indices(store *s, const char *server, bt_error *error) {
  char url[256];
  snprintf(url, sizeof url, "%s?index=%s", getenv(server), s->place);
  bt_elastic_options options = {.kind = "opensearch", .url = url, .pause_ms = 1, .rows_per_answer = 7}; /* pages */
  return bt_elastic_source_new(s->client, &options, &s->source, error);
}

static void make_index(store *s) {
  static unsigned count;
  char url[256];
  snprintf(s->place, sizeof s->place, "conformance_%d_%u", (int)getpid(), ++count);
  snprintf(url, sizeof url, "%s/%s", getenv("OTLP_URL"), s->place);
  make_place(s, url);
}

static bt_status open_opensearch(store *s, bt_error *error) {
  make_index(s);
  return open_indices(s, "OPENSEARCH_URL", error);
}

static void push_to_opensearch(store *s, const store_document *document) {
  char url[256];
  snprintf(url, sizeof url, "%s/%s", getenv("OTLP_URL"), s->place);
  push_otlp_over_http(s, url, document);
}

static bt_status open_broken_opensearch(store *s, bt_error *error) {
  make_index(s);
  for (size_t i = 0; i < s->document_count; i++) push_to_opensearch(s, &s->documents[i]);
  return open_indices(s, "BROKEN_OPENSEARCH_URL", error);
}

/* ---- the rows ---- */

#define ON_CLICKHOUSE                                                                                                  \
  .kind = "clickhouse", .open = open_clickhouse, .push = push_to_clickhouse, .open_broken = open_broken_clickhouse,    \
  .refuses_tenants = true, .keeps_own = true, .lists_own = true, .keeps_records = true, .widens_strict = true,         \
  .needs = "CLICKHOUSE_URL"

const store_row store_rows[] = {
    {.name = "files",
     .open = open_files,
     .open_broken = open_torn_files,
     .opens_last = true,
     .hides_own_tags = true,
     .keeps_records = true},
    {.name = "memory",
     .open = open_memory,
     .push = push_to_memory,
     .open_broken = open_full_memory,
     .has_tenants = true,
     .keeps_own = true,
     .hides_own_tags = true,
     .keeps_records = true},
    {.name = "toy",
     .open = open_toy,
     .push = push_to_toy,
     .open_broken = open_broken_toy,
     .has_tenants = true,
     .keeps_own = true,
     .hides_own_tags = true,
     .keeps_records = true},
    {.name = "tempo",
     .open = open_tempo,
     .push = push_to_tempo,
     .end_fragment = close_block_of_tempo,
     .open_broken = open_broken_tempo,
     .close = stop_broken_tempo,
     .has_tenants = true,
     .keeps_own = true,
     .grain_ns = 1000000000,
     .needs = "OTLP_URL"},
    {.name = "clickhouse-map",
     ON_CLICKHOUSE,
     .schema = {"map", "otel_traces"},
     .loses = {.types = true, .types_of_resources = true, .bytes = true, .types_of_services = true}},
    {.name = "clickhouse-json",
     ON_CLICKHOUSE,
     .schema = {"json", "otel_traces"},
     .loses = {.large_numbers = true,
               .number_types = true,
               .bytes = true,
               .types_of_services = true,
               .pushes_of_unbounded = true}},
    {.name = "clickhouse-signoz",
     ON_CLICKHOUSE,
     .schema = {"signoz", "distributed_signoz_index_v3"},
     .loses = {.types_of_resources = true,
               .lists = true,
               .large_numbers = true,
               .number_types = true,
               .bytes = true,
               .types_of_services = true,
               .unbounded = true}},
    {.name = "clickhouse-jaeger", ON_CLICKHOUSE, .schema = {"jaeger", "spans"}},
    {.name = "opensearch",
     .open = open_opensearch,
     .push = push_to_opensearch,
     .open_broken = open_broken_opensearch,
     .refuses_tenants = true,
     .keeps_own = true,
     .lists_own = true,
     .keeps_records = true,
     .widens_strict = true,
     .loses = {.odd_texts = true, .pushes_of_bytes = true},
     .needs = "OPENSEARCH_URL"},
    {0},
};

const store_row *store_row_of(const char *name) {
  for (const store_row *row = store_rows; row->name; row++)
    if (strcmp(name, row->name) == 0) return row;
  return NULL;
}

/* ---- what a row means for a test ---- */

const char *store_tenant(const store_row *row, const char *tenant) {
  return row->refuses_tenants ? NULL : tenant;
}

int64_t store_integer(const store_row *row, const bt_value *value) {
  bt_readings readings = bt_readings_of(value);
  if (!row->loses.types) assert_int_equal(value->type, BT_VALUE_INT);
  for (uint32_t i = 0; i < readings.count; i++)
    if (readings.items[i].type == BT_VALUE_INT) return readings.items[i].integer;
  fail_msg("no integer, but type %d", (int)value->type);
  return 0;
}

void store_does_not_apply(const store_row *row, const char *why) {
  printf("does not apply to %s: %s\n", row->name, why);
  skip();
}

/* ---- a store ---- */

static void open_store(store *s) {
  bt_error error = {0};
  if (s->row->open(s, &error) != BT_OK) fail_msg("open: %s", error.message);
}

static void set_up(store *s, const store_row *row) {
  bt_error error = {0};
  *s = (store){.row = row};
  s->truth = toy_store_new();
  assert_int_equal(bt_http_client_new(NULL, &s->client, &error), BT_OK);
}

void store_begin(store *s, const store_row *row) {
  set_up(s, row);
  if (!row->opens_last) open_store(s);
}

static store_document *next_document(store *s, const char *tenant) {
  assert_true(s->document_count < STORE_DOCUMENTS);
  store_document *document = &s->documents[s->document_count++];
  *document = (store_document){.tenant = tenant};
  return document;
}

static void push_document(store *s, const store_document *document) {
  add_to_toy(s->truth, document);
  if (s->row->push && s->source) s->row->push(s, document);
}

void store_push(store *s, const char *tenant, const bt_export_resource *resources, size_t count) {
  bt_error error = {0};
  store_document *document = next_document(s, tenant);
  for (size_t i = 0; i < count; i++) document->span_count += resources[i].span_count;
  if (bt_otlp_encode(resources, count, &document->bytes, &error) != BT_OK) fail_msg("encode: %s", error.message);
  push_document(s, document);
}

void store_push_json(store *s, const char *tenant, const char *json, uint64_t span_count) {
  store_document *document = next_document(s, tenant);
  document->is_json = true;
  document->span_count = span_count;
  bt_buffer_append(&document->bytes, bt_str_from(json));
  push_document(s, document);
}

void store_end(store *s) {
  bt_source_free(s->source);
  bt_source_free(s->truth);
  bt_http_client_free(s->client);
  if (s->row->close) s->row->close(s);
  for (size_t i = 0; i < s->document_count; i++) bt_buffer_dispose(&s->documents[i].bytes);
}

bt_status store_break(const store *whole, store *broken, bt_error *error) {
  set_up(broken, whole->row);
  for (size_t i = 0; i < whole->document_count; i++) {
    store_document *document = next_document(broken, whole->documents[i].tenant);
    document->is_json = whole->documents[i].is_json;
    document->span_count = whole->documents[i].span_count;
    bt_buffer_append(&document->bytes, bt_buffer_str(&whole->documents[i].bytes));
    add_to_toy(broken->truth, document);
  }
  return whole->row->open_broken(broken, error);
}

/* ---- waiting until it is shown ---- */

int64_t store_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

bt_time_range store_all_time(void) {
  int64_t now_ns = store_now_ns();
  return (bt_time_range){now_ns - 4 * 3600 * second_ns, now_ns + 60 * second_ns};
}

void store_ids(store *s, const char *tenant, bt_found_list *found) {
  bt_source_account account = {0};
  bt_error error = {0};
  bt_search_request request = {.query = bt_query_all(), .range = store_all_time(), .tenant = tenant};
  assert_int_equal(bt_source_search(s->truth, &request, found, &account, &error), BT_OK);
  bt_source_account_dispose(&account);
}

/* How many spans a read gave of each trace. */
typedef struct given {
  uint32_t *span_counts;
} given;

static bt_status count_spans(void *context, const bt_read_trace *read, bt_error *error) {
  given *g = context;
  (void)error;
  g->span_counts[read->index] = read->needs_by_id ? UINT32_MAX : read->trace ? read->trace->span_count : 0;
  return BT_OK;
}

static size_t count_short(const bt_found_list *found, const bt_trace_id *ids, bt_source *source, const char *tenant,
                          bool by_id, const uint32_t *wanted, uint32_t *out) {
  static const bt_projection names = {0};
  bt_read_request request = {.ids = ids,
                             .count = found->count,
                             .range = store_all_time(),
                             .projection = by_id ? NULL : &names,
                             .by_id = by_id,
                             .tenant = tenant};
  bt_source_account account = {0};
  bt_error error = {0};
  size_t lacking = 0;
  if (bt_source_read(source, &request, count_spans, &(given){out}, &account, &error) != BT_OK)
    fail_msg("read: %s", error.message);
  for (size_t i = 0; wanted && i < found->count; i++) lacking += out[i] < wanted[i];
  bt_source_account_dispose(&account);
  return lacking;
}

static size_t count_unfound(store *s, const char *tenant, const bt_found_list *wanted) {
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error error = {0};
  bt_search_request request = {.query = bt_query_all(), .range = store_all_time(), .tenant = tenant};
  if (bt_source_search(s->source, &request, &found, &account, &error) != BT_OK) fail_msg("search: %s", error.message);
  if (account.failed_count) fail_msg("search: a window failed: %s", account.failed[0].reason);
  size_t lacking = 0;
  for (size_t i = 0; i < wanted->count; i++) lacking += !bt_found_list_get(&found, &wanted->items[i].id);
  bt_found_list_dispose(&found);
  bt_source_account_dispose(&account);
  return lacking;
}

void store_show(store *s, const char *tenant) {
  bt_found_list all = {0};
  size_t lacking = 1, unfound = 0, by_id = 0, in_batches = 0;
  if (!s->source) open_store(s);
  if (!s->row->needs) return; /* it is there, or never */
  store_ids(s, tenant, &all);
  bt_trace_id *ids = calloc(all.count + 1, sizeof *ids);
  uint32_t *wanted = calloc(all.count + 1, sizeof *wanted), *got = calloc(all.count + 1, sizeof *got);
  assert_true(ids && wanted && got);
  for (size_t i = 0; i < all.count; i++) ids[i] = all.items[i].id;
  count_short(&all, ids, s->truth, tenant, true, NULL, wanted);
  for (int poll = 0; lacking && poll < POLLS; poll++) {
    unfound = count_unfound(s, tenant, &all);
    by_id = count_short(&all, ids, s->source, tenant, true, wanted, got);
    in_batches = count_short(&all, ids, s->source, tenant, false, wanted, got);
    lacking = unfound + by_id + in_batches;
    if (lacking) nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
  }
  if (lacking)
    fail_msg("of %s %zu traces are not found, %zu not read by id, %zu not in batches", tenant ? tenant : "all", unfound,
             by_id, in_batches);
  free(ids);
  free(wanted);
  free(got);
  bt_found_list_dispose(&all);
}
