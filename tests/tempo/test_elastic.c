/* OpenSearch without one: addresses and credentials, and documents. What a server does is held by
 * tests/e2e/test_replay_opensearch.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/trace/untyped_text.h"
#include "tempo/elastic/elastic_dialect.h"
#include "tempo/elastic/elastic_filter.h"
#include "tempo/elastic/elastic_rows.h"
#include "tempo/elastic/elastic_source.h"
#include "tests/support/fake_http.h"
#include "tempo/wire/jaeger_json.h"

/* ---- addresses ---- */

static bt_status open_with(bt_elastic_options options, bt_error *error) {
  bt_source *source = NULL;
  options.kind = "opensearch";
  bt_status status = bt_elastic_source_new(NULL, &options, &source, error);
  assert_true((status == BT_OK) == (source != NULL));
  bt_source_free(source);
  return status;
}

static void test_addresses(void **state) {
  static const char *const right[] = {"http://h:9200", "https://h:9200/", "http://h/behind/a/proxy?index=a-*,b_1.c",
                                      "http://h:9200?index=otel-v1-apm-span-*"};
  static const char *const wrong[] = {"h:9200",
                                      "ftp://h",
                                      "http://user:secret@h:9200",
                                      "http://h?table=x",
                                      "http://h?index=",
                                      "http://h?index=Upper",
                                      "http://h?index=other:index",
                                      "http://h?index=a,-b",
                                      "http://h?index=_all",
                                      "http://h?index=a,_all",
                                      "http://h?index=a/_doc"};
  (void)state;
  for (size_t i = 0; i < sizeof right / sizeof *right; i++)
    assert_int_equal(open_with((bt_elastic_options){.url = right[i]}, NULL), BT_OK);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    bt_error error = {0};
    assert_int_equal(open_with((bt_elastic_options){.url = wrong[i]}, &error), BT_INVALID);
    assert_non_null(strstr(error.message, "opensearch+http://host:9200?index=otel-v1-apm-span-*"));
    assert_null(strstr(error.message, "secret"));
  }
}

static void check_credentials(const char *user, const char *password, const char *key, bt_status wanted) {
  bt_error error = {0};
  bt_elastic_options options = {.url = "http://h", .user = user, .password = password, .api_key = key};
  assert_int_equal(open_with(options, &error), wanted);
  assert_null(strstr(error.message, "secret"));
}

static void test_credentials(void **state) {
  (void)state;
  check_credentials("u", "secret", NULL, BT_OK);
  check_credentials(NULL, NULL, "secret", BT_OK);
  check_credentials("u", NULL, NULL, BT_INVALID);
  check_credentials(NULL, "secret", NULL, BT_INVALID);
  check_credentials("u", "secret", "secret", BT_INVALID);
  check_credentials("u:v", "secret", NULL, BT_INVALID);
  check_credentials("u", "secret\n", NULL, BT_INVALID);
  check_credentials(NULL, NULL, "secret\r", BT_INVALID);
}

/* ---- documents ---- */

#define SPAN                                                                                                           \
  "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\",\"spanId\":\"0102030405060708\",\"name\":\"a\",\"kind\":"          \
  "\"SPAN_KIND_SERVER\""
#define HIT(text) "{\"_source\":{" text "}}"

static bt_status take_hit_of(bt_elastic_document read, const char *hit, bt_span_batch **batch) {
  bt_error error = {0};
  assert_int_equal(bt_span_batch_new((size_t)1 << 20, batch, &error), BT_OK);
  assert_int_equal(bt_span_batch_open(*batch, &error), BT_OK);
  bt_elastic_rows rows = {.batch = *batch, .read = read};
  bt_json_place place = {.build = &(*batch)->build, .error = &error};
  bt_json_init(&place.json, bt_str_from(hit), &(*batch)->build.arena);
  bt_status status = bt_elastic_rows_take(&rows, &place);
  bt_buffer_dispose(&rows.last_sort);
  if (status == BT_OK) status = bt_span_batch_finish(*batch, &error);
  assert_true(status == BT_OK || error.message[0]);
  return status;
}

static bt_status take_hit(const char *hit, bt_span_batch **batch) {
  return take_hit_of(bt_data_prepper_read, hit, batch);
}

static void check_refused(const char *hit) {
  bt_span_batch *batch = NULL;
  if (take_hit(hit, &batch) != BT_INVALID) fail_msg("taken: %s", hit);
  bt_span_batch_free(batch);
}

static int64_t start_of(const char *time) {
  char hit[400];
  bt_span_batch *batch = NULL;
  snprintf(hit, sizeof hit, "{\"_source\":{" SPAN ",\"startTime\":\"%s\"}}", time);
  int64_t start_ns = take_hit(hit, &batch) == BT_OK ? bt_span_batch_trace(batch, 0)->spans[0].start_ns : -1;
  bt_span_batch_free(batch);
  return start_ns;
}

static void test_times(void **state) {
  (void)state;
  assert_true(start_of("1970-01-01T00:00:00Z") == 0);
  assert_true(start_of("1970-01-01T00:00Z") == 0);
  assert_true(start_of("2024-02-29T12:34:56.789Z") == 1709210096789000000);
  assert_true(start_of("2026-11-29T17:00:01.123456789Z") == 1795971601123456789);
  assert_true(start_of("2026-11-29T17:00:01.000000001Z") == 1795971601000000001);
  assert_true(start_of("2100-03-01T00:00:00Z") == 4107542400000000000);
  assert_true(start_of("2262-04-11T23:47:16.854775807Z") == INT64_MAX);
  static const char *const wrong[] = {"2262-04-11T23:47:16.854775808Z",
                                      "1969-12-31T23:59:59Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-11-29T24:00:00Z",
                                      "2026-11-29",
                                      "2026-11-29T17:00:01",
                                      "2026-11-29T17:00:01.1234567891Z",
                                      "2026-11-29T17:00:01+01:00",
                                      "1795971601123",
                                      ""};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (start_of(wrong[i]) != -1) fail_msg("read as a time: %s", wrong[i]);
}

/* What a document does not have is not known; what it has is. */
static void test_what_is_not_there(void **state) {
  (void)state;
  bt_span_batch *batch = NULL;
  assert_int_equal(take_hit(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\""), &batch), BT_OK);
  const bt_span *span = &bt_span_batch_trace(batch, 0)->spans[0];
  assert_true(span->dropped_attributes == BT_NOT_KEPT && span->dropped_events == BT_NOT_KEPT);
  assert_true(span->dropped_links == BT_NOT_KEPT && span->resource->attributes.dropped == BT_NOT_KEPT);
  assert_true(span->scope->attributes.dropped == BT_NOT_KEPT);
  bt_span_batch_free(batch);
  assert_int_equal(
      take_hit(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"events\":null,\"resource\":{\"attributes\":null}"),
               &batch),
      BT_OK);
  span = &bt_span_batch_trace(batch, 0)->spans[0];
  assert_true(span->dropped_events == BT_NOT_KEPT && span->resource->attributes.dropped == BT_NOT_KEPT);
  bt_span_batch_free(batch);
  assert_int_equal(
      take_hit(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"attributes\":{},\"events\":[],\"links\":[],"
                        "\"resource\":{\"attributes\":{\"service.name\":\"s\"}},\"instrumentationScope\":{"
                        "\"attributes\":{}},\"droppedEventsCount\":2"),
               &batch),
      BT_OK);
  span = &bt_span_batch_trace(batch, 0)->spans[0];
  assert_true(!span->dropped_attributes && span->dropped_events == 2 && !span->dropped_links);
  assert_true(!span->resource->attributes.dropped && !span->scope->attributes.dropped);
  assert_true(bt_str_equal(span->resource->service, BT_STR("s")));
  bt_span_batch_free(batch);
}

static void test_what_is_no_span(void **state) {
  (void)state;
  check_refused("{}");
  check_refused("{\"_source\":null}");
  check_refused(HIT("\"startTime\":\"2026-01-01T00:00:00Z\""));
  check_refused(HIT(SPAN));
  check_refused(HIT(SPAN ",\"startTime\":null"));
  check_refused(HIT("\"traceID\":\"1\",\"spanID\":\"1\",\"startTime\":1"));
  check_refused(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"status\":{\"code\":3}"));
  check_refused(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"attributes\":[]"));
  check_refused(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"attributes\":{\"k\":99999999999999999999}"));
  check_refused(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"events\":[{\"time\":\"x\"}]"));
  check_refused(HIT(SPAN ",\"startTime\":\"2026-01-01T00:00:00Z\",\"kind\":\"SPAN_KIND_CLIENT\""));
}

/* ---- other schemas ---- */

#define JAEGER                                                                                                         \
  "\"traceID\":\"0102030405060708090a0b0c0d0e0f10\",\"spanID\":\"0102030405060708\",\"operationName\":\"a\","          \
  "\"startTime\":1795971601123456,\"duration\":1500"
#define OWN    "\"traceID\":\"0102030405060708090a0b0c0d0e0f10\",\"spanID\":"
#define NATIVE "\"trace_id\":\"0102030405060708090a0b0c0d0e0f10\",\"span_id\":\"0102030405060708\",\"duration\":1500"

static const bt_span *span_in(bt_elastic_document read, const char *hit, bt_span_batch **batch) {
  if (take_hit_of(read, hit, batch) != BT_OK) fail_msg("refused: %s", hit);
  return &bt_span_batch_trace(*batch, 0)->spans[0];
}

typedef struct cell {
  const char *value; /* as it stands there */
  bt_value_type type;
  bool is_untyped;
} cell;

/* What becomes of the value of an attribute `k`, in a document between `before` and `after`. */
static void check_cells(bt_elastic_document read, const char *before, const char *after, const cell *cells,
                        size_t count) {
  for (size_t i = 0; i < count; i++) {
    char hit[900];
    bt_span_batch *batch = NULL;
    snprintf(hit, sizeof hit, "%s%s%s", before, cells[i].value, after);
    const bt_value *value = bt_attributes_find(&span_in(read, hit, &batch)->attributes, BT_STR("k"));
    bt_value_type type = value ? value->type : BT_VALUE_MISSING;
    if (type != cells[i].type || (value && bt_value_is_untyped(value) != cells[i].is_untyped))
      fail_msg("%s is of type %d", cells[i].value, (int)type);
    bt_span_batch_free(batch);
  }
}

static void test_values_of_jaeger(void **state) {
  static const cell cells[] = {{"\"type\":\"string\",\"value\":\"9\"", BT_VALUE_STRING, false},
                               {"\"type\":\"string\",\"value\":\"\"", BT_VALUE_STRING, true},
                               {"\"type\":\"string\",\"value\":\"[1]\"", BT_VALUE_STRING, true},
                               {"\"type\":\"string\",\"value\":\"{}\"", BT_VALUE_STRING, true},
                               {"\"type\":\"string\",\"value\":null", BT_VALUE_MISSING, false},
                               {"\"value\":\"9007199254740993\",\"type\":\"int64\"", BT_VALUE_INT, false},
                               {"\"type\":\"int64\",\"value\":9", BT_VALUE_INT, false},
                               {"\"type\":\"bool\",\"value\":\"true\"", BT_VALUE_BOOL, false},
                               {"\"type\":\"bool\",\"value\":false", BT_VALUE_BOOL, false},
                               {"\"type\":\"float64\",\"value\":\"0.1\"", BT_VALUE_STRING, true},
                               {"\"type\":\"float64\",\"value\":\"NaN\"", BT_VALUE_DOUBLE, false},
                               {"\"type\":\"float64\",\"value\":1", BT_VALUE_DOUBLE, false},
                               {"\"type\":\"binary\",\"value\":\"00ff\"", BT_VALUE_OTHER, false}};
  (void)state;
  check_cells(bt_jaeger_read_stored, "{\"_source\":{" JAEGER ",\"tags\":[{\"key\":\"k\",", "}]}}", cells,
              sizeof cells / sizeof *cells);
}

static void test_spans_of_jaeger(void **state) {
  (void)state;
  bt_span_batch *batch = NULL;
  const bt_span *span = span_in(
      bt_jaeger_read_stored,
      HIT(JAEGER ",\"tag\":{\"http@method\":\"GET\",\"span@kind\":\"server\"},\"references\":[{\"refType\":"
                 "\"CHILD_OF\"," OWN "\"2222222222222222\"},{\"refType\":\"FOLLOWS_FROM\"," OWN
                 "\"3333333333333333\"}],\"process\":{\"serviceName\":\"s\",\"tags\":[]},\"logs\":[{\"timestamp\":"
                 "1795971601123457,\"fields\":[{\"key\":\"event\",\"type\":\"string\",\"value\":\"e\"}]}]"),
      &batch);
  assert_true(span->start_ns == 1795971601123456000 && span->end_ns == 1795971601124956000);
  assert_true(span->time_slack_ns == 1998 && span->duration_slack_ns == 999);
  assert_true(span->kind == BT_KIND_SERVER && bt_attributes_find(&span->attributes, BT_STR("http.method")));
  assert_true(span->parent_id.bytes[0] == 0x22 && span->link_count == 1 && span->links[0].span_id.bytes[0] == 0x33);
  assert_true(span->links[0].attributes.dropped == BT_NOT_KEPT && span->scope->attributes.dropped == BT_NOT_KEPT);
  assert_true(bt_str_equal(span->resource->service, BT_STR("s")) && bt_str_equal(span->events[0].name, BT_STR("e")));
  bt_span_batch_free(batch);
  span = span_in(bt_jaeger_read_stored,
                 HIT(JAEGER ",\"parentSpanID\":\"4444444444444444\",\"references\":[{\"refType\":\"FOLLOWS_FROM\"," OWN
                            "\"3333333333333333\"}],\"process\":{\"serviceName\":\"OTLPResourceNoServiceName\"}"),
                 &batch);
  assert_true(span->parent_id.bytes[0] == 0x44 && span->link_count == 1 && !span->resource->service.len);
  const bt_value *service = bt_attributes_find(&span->resource->attributes, BT_STR("service.name"));
  assert_true(service && bt_may_be_none(service));
  bt_span_batch_free(batch);
}

/* "@timestamp" as it stands there, and what is known of the start. */
static void test_times_of_otel_native(void **state) {
  static const struct {
    const char *time;
    int64_t start_ns;
    uint32_t slack_ns;
  } rows[] = {{"\"1795971601123.5\"", 1795971601123000005, 0},
              {"\"1795971601123.456789\"", 1795971601123456789, 0},
              {"\"1795971601123.0\"", 1795971601123000000, 0},
              {"\"1795971601123\"", 1795971601123000000, 999999},
              {"1795971601123", 1795971601123000000, 999999},
              {"\"2026-11-29T17:00:01.123Z\"", 1795971601123000000, 999999},
              {"\"2026-11-29T17:00:01Z\"", 1795971601000000000, 999999},
              {"\"2026-11-29T17:00:01.123456789Z\"", 1795971601123456789, 0}};
  static const char *const wrong[] = {"\"1795971601123.1234567\"", "\"x\"", "1.5e3", "\"\"", "\".5\"", "{}"};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char hit[400];
    bt_span_batch *batch = NULL;
    snprintf(hit, sizeof hit, HIT(NATIVE ",\"@timestamp\":%s"), rows[i].time);
    const bt_span *span = span_in(bt_otel_native_read, hit, &batch);
    if (span->start_ns != rows[i].start_ns || span->time_slack_ns != rows[i].slack_ns)
      fail_msg("%s is %lld, and up to %u more", rows[i].time, (long long)span->start_ns, span->time_slack_ns);
    assert_true(span->end_ns == rows[i].start_ns + 1500 && !span->duration_slack_ns);
    bt_span_batch_free(batch);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char hit[400];
    bt_span_batch *batch = NULL;
    snprintf(hit, sizeof hit, HIT(NATIVE ",\"@timestamp\":%s"), wrong[i]);
    if (take_hit_of(bt_otel_native_read, hit, &batch) != BT_INVALID) fail_msg("taken: %s", hit);
    bt_span_batch_free(batch);
  }
}

static void test_values_of_otel_native(void **state) {
  static const cell cells[] = {{"\"9\"", BT_VALUE_STRING, false},  {"\"\"", BT_VALUE_STRING, true},
                               {"null", BT_VALUE_MISSING, false},  {"9", BT_VALUE_INT, false},
                               {"9.0", BT_VALUE_DOUBLE, false},    {"true", BT_VALUE_BOOL, false},
                               {"[\"x\"]", BT_VALUE_ARRAY, false}, {"{\"a\":1}", BT_VALUE_OTHER, false}};
  (void)state;
  check_cells(bt_otel_native_read, "{\"_source\":{" NATIVE ",\"@timestamp\":\"1.0\",\"attributes\":{\"k\":", "}}}",
              cells, sizeof cells / sizeof *cells);
}

/* What is not in the document is empty, but for events, which stand elsewhere. */
static void test_spans_of_otel_native(void **state) {
  (void)state;
  bt_span_batch *batch = NULL;
  const bt_span *span = span_in(bt_otel_native_read, HIT(NATIVE ",\"@timestamp\":\"1.0\",\"links\":[{}]"), &batch);
  assert_true(!span->dropped_attributes && span->dropped_events == BT_NOT_KEPT && !span->dropped_links);
  assert_true(!span->resource->attributes.dropped && !span->scope->attributes.dropped && !span->name.len);
  assert_true(span->link_count == 1 && !span->links[0].attributes.dropped);
  bt_span_batch_free(batch);
  span = span_in(bt_otel_native_read,
                 HIT(NATIVE
                     ",\"@timestamp\":\"1.0\",\"kind\":\"Server\",\"status\":{\"code\":\"Error\",\"message\":\"m\"},"
                     "\"resource\":{\"attributes\":{\"service.name\":\"s\"},\"dropped_attributes_count\":2},"
                     "\"dropped_attributes_count\":3,\"scope\":{\"name\":\"n\"}"),
                 &batch);
  assert_true(span->kind == BT_KIND_SERVER && span->status == BT_SPAN_STATUS_ERROR);
  assert_true(span->dropped_attributes == 3 && span->resource->attributes.dropped == 2);
  assert_true(bt_str_equal(span->resource->service, BT_STR("s")) && bt_str_equal(span->scope->name, BT_STR("n")));
  bt_span_batch_free(batch);
}

/* ---- filters ---- */

static void check_wildcard(const char *pattern, const char *wanted) {
  bt_buffer out = {0};
  bool is_said = bt_elastic_wildcard(bt_str_from(pattern), &out);
  if (is_said != (wanted != NULL)) fail_msg("%s", pattern);
  if (is_said) assert_string_equal(out.ptr, wanted);
  assert_true(bt_elastic_wildcard(bt_str_from(pattern), NULL) == is_said);
  bt_buffer_dispose(&out);
}

static void test_patterns(void **state) {
  static const char *const unsaid[] = {"",    "a|b", "a.b",   "[a]",   "(?i)a", "^a",  "a$",
                                       "a+",  "a*",  "a{2}",  ".*?",   ".+",    "\\d", "\\Qa\\E",
                                       "a\\", "\\n", "(?:a)", "a\xff", ".*{2}", "\\.*"};
  (void)state;
  check_wildcard("a", "a");
  check_wildcard("(?s:.*)a.*b(?s:.*)", "*a*b*");
  check_wildcard(".*", "*");
  check_wildcard("a\\.b", "a.b");
  check_wildcard("\\*\\?\\\\", "\\*\\?\\\\");
  check_wildcard("\xc3\xa9", "\xc3\xa9");
  for (size_t i = 0; i < sizeof unsaid / sizeof *unsaid; i++) check_wildcard(unsaid[i], NULL);
}

typedef struct way {
  const char *path, *indices;
  bt_elastic_form form;
  uint32_t ignore_above;
} way;

/* The condition for what violates the rule, in two indices that map the fields so. */
static void check_condition(const char *condition, const way *ways, size_t count, const char *wanted) {
  bt_rule *rule = NULL;
  bt_plan *plan = NULL;
  bt_diagnostics diagnostics;
  bt_elastic_mapped mapped[4];
  char paths[4][BT_ELASTIC_PATH_BYTES];
  bt_elastic_map map = {.paths = paths, .path_count = count, .mapped = mapped, .mapped_count = count, .index_count = 2};
  bt_buffer out = {0};
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(bt_str_from(condition), &rule, &diagnostics, NULL), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  assert_int_equal(bt_plan_new(rule, bt_elastic_dialect(), &plan, NULL), BT_OK);
  for (size_t i = 0; i < count; i++) {
    snprintf(paths[i], sizeof paths[i], "%s", ways[i].path);
    size_t path = i && strcmp(paths[i - 1], paths[i]) == 0 ? i - 1 : i;
    mapped[i] = (bt_elastic_mapped){.path = path, .form = ways[i].form, .ignore_above = ways[i].ignore_above};
    bt_buffer_append(&mapped[i].indices, bt_str_from(ways[i].indices));
    mapped[i].index_count = strchr(ways[i].indices, ',') ? 2 : 1;
  }
  (void)bt_elastic_condition_write(&bt_elastic_data_prepper, &map, plan->violating->query.asked, &out);
  assert_string_equal(out.ptr, wanted);
  for (size_t i = 0; i < count; i++) bt_buffer_dispose(&mapped[i].indices);
  bt_buffer_dispose(&out);
  bt_plan_free(plan);
  bt_rule_free(rule);
}

#define WITH_IGNORED(condition) "{\"bool\":{\"should\":[{\"exists\":{\"field\":\"_ignored\"}}," condition "]}}"
#define OPEN                    ",{\"terms\":{\"attributes.k\":[\"\",\"NaN\",\"Infinity\",\"-Infinity\"]}}]}}"
#define IN_A(condition)         "{\"bool\":{\"filter\":[{\"terms\":{\"_index\":[\"a\"]}}," condition "]}}"

static void test_conditions(void **state) {
  static const way name[] = {{"name", "\"a\",\"b\"", BT_ELASTIC_KEYWORD, 8}};
  static const way name_in_one[] = {{"name", "\"a\"", BT_ELASTIC_KEYWORD, 0}};
  static const way keyword[] = {{"attributes.k", "\"a\"", BT_ELASTIC_KEYWORD, 8}};
  static const way number[] = {{"attributes.k", "\"a\"", BT_ELASTIC_FLOAT, 0}};
  static const way both[] = {{"attributes.k", "\"a\"", BT_ELASTIC_WHOLE, 0},
                             {"attributes.k", "\"b\"", BT_ELASTIC_OTHER, 0}};
  const char *all = "{\"match_all\":{}}";
  (void)state;
  check_condition("trace.has(span.name == \"x\\\"y\")", name, 1,
                  WITH_IGNORED("{\"term\":{\"name\":{\"value\":\"x\\\"y\"}}}"));
  check_condition("trace.has(span.name == \"longer than 8\")", name, 1, all);
  check_condition("trace.has(span.name == \"x\")", name_in_one, 1, all);
  check_condition("trace.has(span.name == \"x\")", NULL, 0, all);
  check_condition("trace.has(span.attributes[\"k\"] == \"x\")", keyword, 1,
                  WITH_IGNORED("{\"bool\":{\"should\":[{\"term\":{\"attributes.k\":{\"value\":\"x\"}}}" OPEN));
  check_condition("trace.has(span.attributes[\"k\"] contains \"x\")", keyword, 1, all);
  check_condition(
      "trace.has(span.attributes[\"k\"] == 0.5)", number, 1,
      WITH_IGNORED("{\"range\":{\"attributes.k\":{\"gte\":0.49999987499999998,\"lte\":0.50000012500000002}}}"));
  check_condition("trace.has(span.attributes[\"k\"] > 1.9)", both, 2,
                  WITH_IGNORED("{\"bool\":{\"should\":[" IN_A(
                      "{\"range\":{\"attributes.k\":{\"gte\":1}}}") ",{\"bool\":{\"filter\":[{\"terms\":{\"_index\":["
                                                                    "\"b\"]}},{\"match_all\":{}}]}}]}}"));
  check_condition("trace.has(span.attributes[\"other\"] == 1)", NULL, 0, WITH_IGNORED("{\"match_none\":{}}"));
}

/* ---- a server that goes back on its word ---- */

#define FIELD(name, type) "\"" name "\":{\"type\":\"" type "\"}"
static const char version[] = "{\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.19.1\"}}";
static const char settings[] = "{\"i\":{\"settings\":{\"index\":{\"number_of_shards\":\"1\"}}}}";
static const char mapping[] =
    "{\"i\":{\"mappings\":{\"properties\":{" FIELD("traceId", "keyword") "," FIELD("spanId", "keyword") "," FIELD(
        "startTime",
        "date_nanos") "," FIELD("endTime",
                                "date_nanos") "," FIELD("kind",
                                                        "keyword") "," FIELD("durationInNanos",
                                                                             "long") "," FIELD("name",
                                                                                               "keyword") ",\"links\":{"
                                                                                                          "\"type\":"
                                                                                                          "\"nested\","
                                                                                                          "\"properties"
                                                                                                          "\":"
                                                                                                          "{" FIELD(
                                                                                                              "traceI"
                                                                                                              "d",
                                                                                                              "keywor"
                                                                                                              "d") "}"
                                                                                                                   "}"
                                                                                                                   "}"
                                                                                                                   "}"
                                                                                                                   "}"
                                                                                                                   "}";
#define PAGE(total, buckets)                                                                                           \
  "{\"timed_out\":false,\"_shards\":{\"total\":1,\"successful\":1,\"failed\":0},\"hits\":{\"total\":{\"value\":" total \
  ",\"relation\":\"eq\"}},\"aggregations\":{\"traces\":{\"buckets\":[" buckets "]}}}"
#define BUCKET                                                                                                         \
  "{\"key\":{\"id\":\"0102030405060708090a0b0c0d0e0f10\"},\"doc_count\":1,\"first\":{\"value\":1000},\"last\":{"       \
  "\"value\":2000}}"

typedef struct script {
  int views, views_gone; /* points in time that were opened, and how many of them are gone at once */
  bool refuses_terms;
  const char *made_field; /* beside the properties; NULL: none */
  int searches;
} script;

static bool answer_json(int socket, int status, const char *json) {
  return fake_respond(socket, status, "application/json", "", json, strlen(json));
}

static bool answer_search(script *s, const fake_request *request, int socket) {
  bool has_view = strstr(request->body, "\"pit\"") != NULL, is_second = strstr(request->body, "\"after\"") != NULL;
  s->searches++;
  if (s->refuses_terms && strstr(request->body, "\"term\""))
    return answer_json(socket, 400, "{\"error\":{\"reason\":\"no\"}}");
  if (has_view && s->views <= s->views_gone) return answer_json(socket, 404, "{\"error\":{\"reason\":\"gone\"}}");
  return answer_json(socket, 200, is_second ? PAGE("1", "") : PAGE("1", BUCKET));
}

static bool answer_mapping(const script *s, int socket) {
  static const char head[] = "{\"i\":{\"mappings\":{";
  char json[sizeof mapping + 200];
  snprintf(json, sizeof json, "%s%s%s", head, s->made_field ? s->made_field : "", mapping + strlen(head));
  return answer_json(socket, 200, json);
}

static bool handle_request(void *context, const fake_request *request, int socket) {
  script *s = context;
  if (strstr(request->target, "point_in_time") && strcmp(request->method, "POST") == 0) {
    s->views++;
    return answer_json(socket, 200, "{\"pit_id\":\"x\"}");
  }
  if (strstr(request->target, "point_in_time")) return answer_json(socket, 200, "{}");
  if (strstr(request->target, "_settings")) return answer_json(socket, 200, settings);
  if (strstr(request->target, "_alias")) return answer_json(socket, 200, "{\"i\":{\"aliases\":{}}}");
  if (strstr(request->target, "_mapping")) return answer_mapping(s, socket);
  if (strstr(request->target, "_search")) return answer_search(s, request, socket);
  return answer_json(socket, 200, version);
}

/* How many traces are found, with how many failed windows. */
static void check_search(script s, uint32_t rows, bt_query query, size_t found_count, size_t failed_count) {
  fake_server *server = fake_server_start(handle_request, &s);
  char url[100];
  bt_error error = {0};
  bt_http_client *client = NULL;
  bt_source *source = NULL;
  bt_found_list found = {0};
  bt_source_account account = {0};
  snprintf(url, sizeof url, "%s?index=i", fake_server_url(server));
  bt_elastic_options options = {.kind = "opensearch", .url = url, .pause_ms = 1, .rows_per_answer = rows};
  bt_search_request request = {.query = query, .range = {0, INT64_MAX}};
  assert_int_equal(bt_http_client_new(NULL, &client, &error), BT_OK);
  assert_int_equal(bt_elastic_source_new(client, &options, &source, &error), BT_OK);
  assert_int_equal(bt_source_search(source, &request, &found, &account, &error), BT_OK);
  assert_int_equal(found.count, found_count);
  assert_int_equal(account.failed_count, failed_count);
  const char *says = s.made_field ? "made at query time" : "the store answered 40";
  if (failed_count) assert_non_null(strstr(account.failed[0].reason, says));
  bt_source_account_dispose(&account);
  bt_found_list_dispose(&found);
  bt_source_free(source);
  bt_http_client_free(client);
  fake_server_stop(server);
}

/* One page needs no point in time. One that is gone is opened again, once. */
static void test_points_in_time_that_go(void **state) {
  (void)state;
  check_search((script){.views_gone = 9}, 0, bt_query_all(), 1, 0);
  check_search((script){0}, 1, bt_query_all(), 1, 0);
  check_search((script){.views_gone = 1}, 1, bt_query_all(), 1, 0);
  check_search((script){.views_gone = 2}, 1, bt_query_all(), 0, 1);
}

/* What is searched for is asked without a filter then; what is subtracted is not. */
static void test_filters_that_are_refused(void **state) {
  static const bt_filter name = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "x");
  (void)state;
  check_search((script){0}, 0, (bt_query){.filter = &name, .manner = BT_ELASTIC_OVER}, 1, 0);
  check_search((script){.refuses_terms = true}, 0, (bt_query){.filter = &name, .manner = BT_ELASTIC_OVER}, 1, 0);
  check_search((script){.refuses_terms = true}, 0, (bt_query){.filter = &name, .manner = BT_ELASTIC_UNDER}, 0, 1);
}

/* Such a field may answer in place of an indexed one. An empty list of them is harmless. */
static void test_fields_that_are_made(void **state) {
  (void)state;
  check_search((script){.made_field = "\"runtime\":{\"name\":{\"type\":\"keyword\"}},"}, 0, bt_query_all(), 0, 1);
  check_search((script){.made_field = "\"derived\":{\"x\":{\"type\":\"long\"}},"}, 0, bt_query_all(), 0, 1);
  check_search((script){.made_field = "\"runtime\":{},"}, 0, bt_query_all(), 1, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_addresses),
      cmocka_unit_test(test_credentials),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_patterns),
      cmocka_unit_test(test_conditions),
      cmocka_unit_test(test_points_in_time_that_go),
      cmocka_unit_test(test_filters_that_are_refused),
      cmocka_unit_test(test_fields_that_are_made),
      cmocka_unit_test(test_what_is_not_there),
      cmocka_unit_test(test_what_is_no_span),
      cmocka_unit_test(test_values_of_jaeger),
      cmocka_unit_test(test_spans_of_jaeger),
      cmocka_unit_test(test_times_of_otel_native),
      cmocka_unit_test(test_values_of_otel_native),
      cmocka_unit_test(test_spans_of_otel_native),
      cmocka_unit_test(test_patterns),
      cmocka_unit_test(test_conditions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
