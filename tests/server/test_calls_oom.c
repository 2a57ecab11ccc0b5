/* Every call of the API under an allocator that fails from the n-th allocation on, and under one where the n-th alone
 * fails, for every n until the call succeeds. Each time there is an answer: an error, or the full one, never a shorter
 * one that looks whole. Nothing leaks, and the rules are as they were or as the call made them. The allocations of the
 * JSON library fail too. The service runs over a trace file, without HTTP: a call is made as the server makes it, from
 * the table of routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/http/router.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/json/json_memory.h"
#include "tempo/files/file_source.h"
#include "tests/server/work/blocking_wait.h"
#include "tests/support/failing_alloc.h"

#define RULE_TEXT "trace.has(span.name == \\\"bad\\\")"
#define RULE                                                                                                           \
  "{\"id\": \"r1\", \"name\": \"one\", \"dsl\": \"" RULE_TEXT                                                          \
  "\", \"labels\": {\"team\": \"a\"}, \"annotations\": {\"compliance_framework\": \"SOC2\", \"soc2_control\": "        \
  "\"CC6.1\"}}"
#define RANGE      "start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00.#Z"
#define RANGE_BODY "\"start_time\": \"2026-01-01T00:00:00Z\", \"end_time\": \"2026-01-01T01:00:00Z\""
#define TRACE_ID   "0000000000000000000000000000000b"
#define OTLP_SPAN(ID, NAME, LINKS)                                                                                     \
  "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"traceId\": \"0000000000000000000000000000000" ID             \
  "\", \"spanId\": \"000000000000000" ID "\", \"name\": \"" NAME                                                       \
  "\", \"startTimeUnixNano\": \"1700000000000000000\", \"endTimeUnixNano\": \"1700000000050000000\"" LINKS "}]}]}]}"

typedef enum expectation {
  SAME,    /* an answer without an error is the one that the call gives when nothing fails */
  PARTIAL, /* the same, or it says that it is not complete */
  FIRST,   /* the same trace, or it says that it is not proven */
  DRY,     /* the same, and nothing is stored */
  REPORT,  /* all violations, or it says that it is not complete */
  SHAPE,   /* another form of what was swept already */
  OPEN     /* what it says differs from call to call: ids, times, counters */
} expectation;

/* `#` in a query becomes nine digits of the attempt's number, so that no answer is kept from the one before. */
typedef struct sample {
  const char *method, *path, *query, *body;
  int status;
  expectation expect;
} sample;

static const sample samples[] = {
    {"GET", "/health", "", "", 200, OPEN},
    {"GET", "/v1/health", "", "", 200, OPEN},
    {"GET", "/ready", "", "", 200, OPEN},
    {"GET", "/v1/ready", "", "", 200, OPEN},
    {"GET", "/metrics", "", "", 200, OPEN},
    {"GET", "/v1/rules", "q=o&severity=medium", "", 200, SAME},
    {"GET", "/v1/rules", "label=team:a&enabled=true&limit=1&cursor=r0", "", 200, SAME},
    {"GET", "/v1/rules", "q=one&cursor=r1", "", 200, SAME},
    {"GET", "/v1/rules/r1", "", "", 200, SAME},
    {"GET", "/v1/rules/r1/versions", "", "", 200, SAME},
    {"GET", "/v1/rules/export", "", "", 200, SAME},
    {"GET", "/v1/rules/r1/explain", RANGE, "", 200, OPEN},
    {"GET", "/v1/rules/r1/first-violation", RANGE, "", 200, FIRST},
    {"GET", "/v1/rules/r1/first-violation", "start=2026-01-01T00:15:00Z&end=2026-01-01T01:00:00.#Z&timeout=30s", "",
     200, FIRST},
    {"GET", "/v1/rules/r1/contrast", RANGE, "", 200, OPEN},
    {"GET", "/v1/suggestions", "min_traces=1&" RANGE, "", 200, OPEN},
    {"GET", "/v1/changes", "around=2026-01-01T00:30:00Z&" RANGE, "", 200, OPEN},
    {"POST", "/v1/backtests", "",
     "{\"start\": \"2026-01-01T00:00:00Z\", \"end\": \"2026-01-01T01:00:00Z\", \"step\": \"5m\", \"alerts\": "
     "\"groups: [{name: g, rules: [{alert: A, expr: 'increase(betrace_violations_total[10m]) > 0'}]}]\"}",
     200, PARTIAL},
    {"GET", "/v1/problems", RANGE, "", 200, OPEN},
    {"GET", "/v1/gate", "rule_id=r1&baseline=1&candidate=2&" RANGE, "", 200, PARTIAL},
    {"POST", "/v1/gate", "rule_id=r1&baseline=1&candidate=2&" RANGE, "{}", 412, OPEN},
    {"GET", "/v1/rules/r1/replay/status", "", "", 200, SAME},
    {"GET", "/v1/dsl/language", "", "", 200, SAME},
    {"POST", "/v1/dsl/complete", "", "{\"dsl\": \"trace.has(span.na\", \"offset\": 17}", 200, OPEN},
    {"POST", "/v1/dsl/hover", "", "{\"dsl\": \"" RULE_TEXT "\", \"offset\": 2}", 200, SAME},
    {"POST", "/mcp", "", "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/list\"}", 200, SAME},
    {"POST", "/v1/dsl/format", "", "{\"dsl\": \"" RULE_TEXT "\"}", 200, SAME},
    {"POST", "/v1/rules/validate", "", "{\"dsl\": \"" RULE_TEXT "\"}", 200, SAME},
    {"POST", "/v1/rules/validate", "", "{\"dsl\": \"trace.has(span.nam == 1) and nothing\"}", 200, SAME},
    {"POST", "/v1/rules/test", "", "{\"rule_id\": \"r1\", \"trace_id\": \"" TRACE_ID "\"}", 200, SAME},
    {"POST", "/v1/rules/test", "",
     "{\"dsl\": \"when { p } always { q linked to p within 1m }\", \"clock_skew\": \"5ms\", \"trace\": " OTLP_SPAN(
         "a", "p", "") ", \"others\": " OTLP_SPAN("b", "q",
                                                  ", \"links\": [{\"traceId\": \"0000000000000000000000000000000a\", "
                                                  "\"spanId\": \"000000000000000a\"}]") "}",
     200, SAME},
    {"GET", "/v1/replays", "", "", 200, SAME},
    {"GET", "/v1/violations", RANGE, "", 200, PARTIAL},
    {"POST", "/v1/violations/query", "",
     "{\"rule_ids\": [\"r1\"], \"start\": \"2026-01-01T00:00:00Z\", \"end\": \"2026-01-01T01:00:00.#Z\"}", 200,
     PARTIAL},
    {"GET", "/v1/violations/series", "start=2026-01-01T00:00:00Z&end=2026-01-01T01:00:00Z&step=60s", "", 200, OPEN},
    {"POST", "/v1/violations/series", "",
     "{\"rule_ids\": [\"r1\"], \"start\": \"2026-01-01T00:00:00Z\", \"end\": \"2026-01-01T01:00:00Z\", \"step\": "
     "\"60s\"}",
     200, OPEN},
    {"GET", "/v1/traces/" TRACE_ID "/verdicts", "", "", 200, SAME},
    {"GET", "/v1/traces/" TRACE_ID "/verdicts", "include=spans", "", 200, SAME},
    {"GET", "/v1/traces/" TRACE_ID "/verdicts", "span=b", "", 200, SAME},
    {"GET", "/v1/compliance/frameworks", "", "", 200, SAME},
    {"GET", "/v1/compliance/reports/soc2", RANGE, "", 200, REPORT},
    {"GET", "/v1/compliance/reports/soc2", RANGE "&format=html", "", 200, SHAPE},
    {"GET", "/v1/compliance/reports/soc2", RANGE "&format=oscal", "", 200, SHAPE},
    {"GET", "/v1/reports/%", "", "", 200, SAME},
    {"DELETE", "/v1/reports/%", "", "", 204, OPEN},
    {"POST", "/v1/spans", "", "{\"spans\": []}", 503, SAME},
    {"POST", "/v1/traces", "", "{\"resourceSpans\": []}", 415, SAME},
    {"POST", "/api/v2/spans", "", "[]", 503, SAME},
    {"POST", "/api/v1/spans", "", "[]", 404, SAME},
    {"POST", "/v1/rules", "", "{\"id\": \"r4\", \"dsl\": \"" RULE_TEXT "\"}", 201, OPEN},
    {"PUT", "/v1/rules/r1", "", RULE, 200, OPEN},
    {"POST", "/v1/rules/r1/disable", "", "", 200, OPEN},
    {"POST", "/v1/rules/r1/enable", "", "", 200, OPEN},
    {"POST", "/v1/rules/import", "", "rules:\n  - id: r3\n    dsl: trace.has(span.name == \"bad\")\n", 200, OPEN},
    {"POST", "/v1/rules/import", "dry_run", "rules:\n  - id: r3\n    dsl: trace.has(span.name == \"bad\")\n", 200, DRY},
    {"POST", "/v1/rules/import", "test=true&dry_run=true",
     "rules:\n  - id: r3\n    dsl: trace.has(span.name == \"bad\")\n", 200, DRY},
    {"DELETE", "/v1/rules/r2", "", "", 204, OPEN},
    {"POST", "/v1/rules/r1/replay", "", "{" RANGE_BODY "}", 202, OPEN},
    {"POST", "/v1/replays", "", "{\"dsl\": \"" RULE_TEXT "\", " RANGE_BODY "}", 202, OPEN},
    {"GET", "/v1/replays/$", "", "", 200, OPEN},
    {"GET", "/v1/replays/$/violations", "", "", 200, SAME},
    {"GET", "/v1/replays/$/violations", "limit=1&cursor=t1", "", 200, SAME},
    {"GET", "/v1/replays/$/events", "", "", 200, OPEN},
    {"DELETE", "/v1/replays/$", "", "", 204, OPEN},
};
/* MOST_ALLOCATIONS: GET /v1/replays lists all jobs that the sweeps before have made, and writes some dozen values of
 * each. */
enum { SAMPLES = sizeof samples / sizeof samples[0], MOST_ALLOCATIONS = 200000 };

static struct {
  bt_service service;
  char folder[64], traces[96], db[96];
  char replay_id[BT_REPLAY_ID_BYTES]; /* what `$` in a path stands for */
  char report_id[64];                 /* and `%` */
} world;

static void write_traces(void) {
  static const char line[] =
      "{\"resourceSpans\": [{\"resource\": {\"attributes\": [{\"key\": \"service.name\", \"value\": {\"stringValue\": "
      "\"shop\"}}]}, "
      "\"scopeSpans\": [{\"spans\": [{\"traceId\": \"%032x\", \"spanId\": \"%016x\", \"name\": \"%s\", "
      "\"startTimeUnixNano\": \"%lld\", \"endTimeUnixNano\": \"%lld\"}]}]}]}\n";
  FILE *file = fopen(world.traces, "w");
  assert_non_null(file);
  for (int i = 1; i <= 40; i++) {
    long long start_ns = 1767225600000000000 + i * 60000000000LL;
    fprintf(file, line, i, i, i % 11 ? "good" : "bad", start_ns, start_ns + 1000000);
  }
  assert_int_equal(fclose(file), 0);
}

static int open_world(void **state) {
  bt_error error = {0};
  bt_service *service = &world.service;
  (void)state;
  /* In memory where there is such a place: thousands of writes are waited for, and what a disk does with them is for
   * other tests. */
  bool in_memory = access("/dev/shm", W_OK) == 0;
  snprintf(world.folder, sizeof world.folder, "%sbetrace-calls-XXXXXX", in_memory ? "/dev/shm/" : "");
  assert_non_null(mkdtemp(world.folder));
  snprintf(world.traces, sizeof world.traces, "%s/traces.jsonl", world.folder);
  snprintf(world.db, sizeof world.db, "%s/rules.db", world.folder);
  write_traces();
  service->version = "0";
  service->started_at_ns = bt_clock_wall_ns();
  service->assumptions = bt_assumptions_default();
  assert_int_equal(bt_workplace_new(NULL, &service->work, &error), BT_OK);
  assert_int_equal(bt_http_client_new(&(bt_http_options){0}, &service->client, &error), BT_OK);
  assert_int_equal(bt_metrics_new(bt_route_count, &service->metrics, &error), BT_OK);
  assert_int_equal(bt_price_table_new(0, &service->prices, &error), BT_OK);
  assert_int_equal(bt_rule_store_open(world.db, 0, &service->store, &error), BT_OK);
  const char *path = world.traces;
  assert_int_equal(bt_file_source_open(&path, 1, 0, &service->source, &error), BT_OK);
  bt_job_queue_options jobs = {.work = service->work,
                               .source = service->source,
                               .assumptions = service->assumptions,
                               .max_replays = 1,
                               .metrics = service->metrics,
                               .prices = service->prices};
  assert_int_equal(bt_job_queue_new(&jobs, &service->jobs, &error), BT_OK);
  bt_evaluations_options evaluations = {.work = service->work,
                                        .source = service->source,
                                        .assumptions = service->assumptions,
                                        .metrics = service->metrics,
                                        .memory_limit_bytes = 1 << 26};
  assert_int_equal(bt_evaluations_new(&evaluations, &service->evaluations, &error), BT_OK);
  bt_series_options series = {.work = service->work, .source = service->source, .assumptions = service->assumptions};
  assert_int_equal(bt_series_pool_new(&series, &service->series, &error), BT_OK);
  bt_reports_options reports = {.work = service->work,
                                .source = service->source,
                                .store = service->store,
                                .metrics = service->metrics,
                                .client = service->client,
                                .assumptions = service->assumptions,
                                .version = service->version,
                                .started_at_ns = service->started_at_ns,
                                .memory_limit_bytes = 1 << 26};
  assert_int_equal(bt_reports_new(&reports, &service->reports, &error), BT_OK);
  assert_int_equal(bt_tag_cache_new(&service->tags, &error), BT_OK);
  return 0;
}

static void close_service(void) {
  bt_service *service = &world.service;
  bt_workplace_stop(service->work);
  bt_reports_free(service->reports);
  bt_evaluations_free(service->evaluations);
  bt_series_pool_free(service->series);
  bt_job_queue_free(service->jobs);
  bt_source_free(service->source);
  bt_tag_cache_free(service->tags);
  bt_rule_store_close(service->store);
  bt_http_client_free(service->client);
  bt_metrics_free(service->metrics);
  bt_price_table_free(service->prices);
  bt_workplace_free(service->work);
}

/* The database that is left is sound: opening one checks it. */
static int close_world(void **state) {
  bt_error error = {0};
  bt_rule_store *store = NULL;
  char name[128];
  (void)state;
  close_service();
  assert_int_equal(bt_rule_store_open(world.db, 0, &store, &error), BT_OK);
  bt_rule_store_close(store);
  unlink(world.traces);
  for (size_t i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s%s", world.db, (const char *[]){"", "-wal", "-shm"}[i]);
    unlink(name);
  }
  return rmdir(world.folder);
}

/* A text of a sample with its signs replaced; caller frees. */
static char *filled(const char *text, size_t number) {
  bt_buffer out = {0};
  for (; *text; text++) {
    if (*text == '#')
      bt_buffer_printf(&out, "%09zu", number);
    else if (*text == '$' || *text == '%')
      bt_buffer_append(&out, bt_str_from(*text == '$' ? world.replay_id : world.report_id));
    else
      bt_buffer_append_char(&out, *text);
  }
  bt_buffer_append_char(&out, '\0');
  assert_false(out.failed);
  return out.ptr;
}

typedef struct attempt {
  bt_call *call; /* NULL: no memory for it, which the server answers itself */
  char *path, *query, *body;
} attempt;

static void attempt_free(attempt *a) {
  bt_call_free(a->call);
  free(a->path);
  free(a->query);
  free(a->body);
}

/* As far as a stream goes, but for those that are to be asked again. */
static void read_stream(bt_call *call, blocking_wait *standing) {
  bt_stream_step step = BT_STREAM_MORE;
  for (size_t pages = 0; call->stream.operations && step == BT_STREAM_MORE && pages < 1000; pages++) {
    step = bt_call_next_page(call);
    if (step != BT_STREAM_WAIT || !call->away.is_away) continue;
    blocking_wait_stand_for(standing, &call->wait, call->away.until_ns);
    step = BT_STREAM_MORE;
  }
}

/* The call and what it waits for, as the server does it in its lane. */
static void run_call(const bt_route *route, bt_call *call) {
  blocking_wait standing;
  blocking_wait_init(&standing, world.service.work);
  bt_wait_init(&call->wait, world.service.work, NULL, BT_LANE_ANSWER, &standing.task);
  bt_route_handle(route, &world.service, call);
  while (call->away.is_away) {
    blocking_wait_stand_for(&standing, &call->wait, call->away.until_ns);
    bt_call_go_on(call);
  }
  read_stream(call, &standing);
}

typedef void (*refusing)(size_t n); /* failing_alloc_after or failing_alloc_once */

/* The call as the server makes it, on this thread. `refuse` NULL: all allocations work. */
static attempt make_call(const sample *s, size_t number, refusing refuse, bool *was_refused) {
  attempt a = {.path = filled(s->path, number), .query = filled(s->query, number), .body = filled(s->body, number)};
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t count = 0;
  bt_buffer allowed = {0};
  assert_int_equal(bt_router_find(bt_routes, bt_route_count, bt_str_from(s->method), bt_str_from(a.path), &route,
                                  params, &count, &allowed),
                   BT_OK);
  bt_buffer_dispose(&allowed);
  if (refuse) refuse(number);
  a.call = bt_call_new((size_t)1 << 26);
  bool is_made = a.call != NULL;
  for (size_t i = 0; is_made && i < count; i++) is_made = bt_call_param_set(a.call, params[i]);
  if (is_made) {
    a.call->method = bt_str_from(s->method);
    a.call->path = bt_str_from(a.path);
    a.call->query = bt_str_from(a.query);
    a.call->body = bt_str_from(a.body);
    run_call(route, a.call);
  }
  if (refuse) *was_refused = failing_alloc_stop();
  if (!is_made) {
    bt_call_free(a.call);
    a.call = NULL;
  }
  return a;
}

static attempt make_plain(const char *method, const char *path, const char *body, int status) {
  sample s = {method, path, "", body, status, OPEN};
  attempt a = make_call(&s, 0, NULL, NULL);
  if (status) assert_int_equal(a.call->status, status);
  return a;
}

static bool is_rule(const char *path) {
  attempt a = make_plain("GET", path, "", 0);
  bool is_there = a.call->status == 200;
  if (!is_there) assert_int_equal(a.call->status, 404);
  attempt_free(&a);
  return is_there;
}

/* Rules as every attempt finds them. Only what the attempt before changed is written: each write is a version more, and
 * a report reads them all. */
static void prepare(void) {
  static const char *const gone[] = {"/v1/rules/r3", "/v1/rules/r4"};
  attempt a;
  for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
    if (!is_rule(gone[i])) continue;
    a = make_plain("DELETE", gone[i], "", 204);
    attempt_free(&a);
  }
  if (!is_rule("/v1/rules/r1")) {
    a = make_plain("POST", "/v1/rules", RULE, 201);
    attempt_free(&a);
  }
  if (!is_rule("/v1/rules/r2")) {
    a = make_plain("POST", "/v1/rules", "{\"id\": \"r2\", \"dsl\": \"" RULE_TEXT "\", \"enabled\": false}", 201);
    attempt_free(&a);
  }
}

static bt_job_state wait_for(const char *replay_id, uint64_t *violations) {
  bt_error error = {0};
  bt_job_view view = {0};
  for (;;) {
    assert_int_equal(bt_job_get(world.service.jobs, "", replay_id, &view, &error), BT_OK);
    bt_job_state state = view.state;
    *violations = view.result.rule_count ? view.result.rules[0].violations_found : 0;
    bt_job_view_dispose(&view);
    if (state != BT_JOB_QUEUED && state != BT_JOB_RUNNING) return state;
    usleep(1000);
  }
}

static void take_replay_id(const bt_call *call) {
  const char *at = strstr(call->answer.ptr, "\"r-");
  assert_non_null(at);
  snprintf(world.replay_id, sizeof world.replay_id, "%.34s", at + 1);
}

/* A finished replay for the calls that look at one. */
static void finish_replay(void) {
  uint64_t violations = 0;
  attempt a = make_plain("POST", "/v1/rules/r1/replay", "{" RANGE_BODY "}", 202);
  take_replay_id(a.call);
  attempt_free(&a);
  assert_int_equal(wait_for(world.replay_id, &violations), BT_JOB_COMPLETED);
  assert_int_equal(violations, 3);
}

/* A finished report for the calls that look at one. */
static void finish_report(void) {
  attempt a = make_plain("GET", "/v1/compliance/reports/soc2", "", 200);
  const char *at = NULL;
  for (size_t i = 0; i < a.call->header_count; i++)
    if (!strcmp(a.call->headers[i].name, "content-location")) at = a.call->headers[i].value.ptr;
  assert_non_null(at);
  at += strlen("/v1/reports/");
  snprintf(world.report_id, sizeof world.report_id, "%.*s", (int)strcspn(at, "?"), at);
  attempt_free(&a);
}

/* Of an answer over a range: what comes before its account of the range, which names the range. */
static size_t length_of_content(const bt_call *call) {
  const char *account = strstr(call->answer.ptr, "\"coverage\":");
  if (!account) account = strstr(call->answer.ptr, "\"evaluating_seconds\":");
  return account ? (size_t)(account - call->answer.ptr) : call->answer.len;
}

static bool is_same_trace(const bt_call *got, const bt_call *whole) {
  static const char name[] = "\"trace_id\":\"";
  const char *here = strstr(got->answer.ptr, name), *there = strstr(whole->answer.ptr, name);
  assert_non_null(there);
  return here && !strncmp(here, there, strlen(name) + BT_TRACE_ID_HEX);
}

/* The status is that of the call when nothing fails. */
static bool is_whole_or_says_not(const sample *s, const bt_call *got, const bt_call *whole) {
  if (s->expect == OPEN || s->expect == SHAPE) return true;
  if (s->expect == REPORT)
    return strstr(got->answer.ptr, "\"violated\":3") || strstr(got->answer.ptr, "\"complete\":false");
  if (s->expect == FIRST) return is_same_trace(got, whole) || strstr(got->answer.ptr, "\"proven\":false");
  size_t length = length_of_content(whole);
  if (length == length_of_content(got) && !memcmp(got->answer.ptr, whole->answer.ptr, length)) return true;
  return s->expect == PARTIAL &&
         (strstr(got->answer.ptr, "\"complete\":false") || strstr(got->answer.ptr, "\"status\":\"unknown\""));
}

static void check_answer(const sample *s, bt_call *got, const bt_call *whole) {
  if (got->status >= 500 && (!got->answer.len || strstr(got->answer.ptr, ":no-memory"))) return; /* said so */
  if (got->status >= 500 && got->status != s->status) return;
  if (got->answer.failed && got->stream.operations) return; /* a stream is broken off */
  if (got->status != s->status) print_error("%s %s: %d %s\n", s->method, s->path, got->status, got->answer.ptr);
  assert_int_equal(got->status, s->status);
  if (!is_whole_or_says_not(s, got, whole))
    fprintf(stderr, "%s %s: %s\nis not: %s\n", s->method, s->path, got->answer.ptr, whole->answer.ptr);
  assert_true(is_whole_or_says_not(s, got, whole));
}

/* Whatever was refused, r1 stands as it is written; the other rules are there or not, but what only asks makes none. */
static void check_store(const sample *s) {
  attempt a = make_plain("GET", "/v1/rules/r1", "", 200);
  assert_non_null(strstr(a.call->answer.ptr, RULE_TEXT));
  attempt_free(&a);
  if (s->expect != DRY) return;
  a = make_plain("GET", "/v1/rules/r3", "", 404);
  attempt_free(&a);
}

/* Reports make a thousand allocations, most of them alike. */
static size_t stride_of(const sample *s) {
  return s->expect == REPORT ? 3 : s->expect == SHAPE ? 31 : 1;
}

/* `growth`: 0 for every allocation in turn; else the steps between them grow, the slower the larger it is. */
static void sweep(const sample *s, refusing refuse, size_t growth) {
  bool was_refused = true;
  prepare();
  bool asks_for_replay = strchr(s->path, '$') != NULL || strstr(s->path, "replay/status");
  bool asks_for_report = strchr(s->path, '%') != NULL;
  if (asks_for_replay) finish_replay();
  if (asks_for_report) finish_report();
  attempt whole = make_call(s, 999999999, NULL, NULL);
  if (whole.call->status != s->status)
    print_error("%s %s: %d %.*s\n", s->method, s->path, whole.call->status, (int)whole.call->answer.len,
                whole.call->answer.ptr);
  assert_int_equal(whole.call->status, s->status);
  size_t n = 0;
  for (; was_refused; n += stride_of(s) + (growth ? n / growth : 0)) {
    if (n >= MOST_ALLOCATIONS) fail_msg("%s %s makes more than %d allocations", s->method, s->path, MOST_ALLOCATIONS);
    if (strcmp(s->method, "GET") != 0) prepare(); /* what only reads leaves all as it was */
    if (asks_for_replay && !strcmp(s->method, "DELETE")) finish_replay();
    if (asks_for_report && !strcmp(s->method, "DELETE")) finish_report();
    attempt a = make_call(s, n, refuse, &was_refused);
    if (a.call) check_answer(s, a.call, whole.call);
    attempt_free(&a);
    check_store(s);
  }
  assert_true(n > 1);
  attempt_free(&whole);
}

static void test_every_call(void **state) {
  (void)state;
  for (size_t i = 0; i < SAMPLES; i++) sweep(&samples[i], failing_alloc_after, 0);
}

static void test_every_call_of_a_bad_moment(void **state) {
  (void)state;
  for (size_t i = 0; i < SAMPLES; i++) sweep(&samples[i], failing_alloc_once, 0);
}

/* The allocations of the JSON library are many, and most of them alike. */
static void test_every_call_without_room_for_json(void **state) {
  (void)state;
  bt_json_memory_install();
  for (size_t i = 0; i < SAMPLES; i++) sweep(&samples[i], failing_alloc_once, 12);
}

/* A route that is added has to be added here. */
static void test_every_route_has_a_sample(void **state) {
  (void)state;
  for (size_t r = 0; r < bt_route_count; r++) {
    bool is_met = false;
    for (size_t i = 0; i < SAMPLES && !is_met; i++) {
      const bt_route *route = NULL;
      bt_str params[BT_CALL_MAX_PARAMS];
      size_t count = 0;
      bt_buffer allowed = {0};
      is_met = !bt_router_find(bt_routes, bt_route_count, bt_str_from(samples[i].method), bt_str_from(samples[i].path),
                               &route, params, &count, &allowed) &&
               route == &bt_routes[r];
      bt_buffer_dispose(&allowed);
    }
    if (!is_met) print_error("no sample for %s %s\n", bt_routes[r].method, bt_routes[r].path);
    assert_true(is_met);
  }
}

/* A whole replay over the file: an error, an outcome that says so, or all that there is to find. */
static void sweep_a_replay(refusing refuse) {
  bt_error error = {0};
  const bt_rule_definition *rule = NULL;
  bool was_refused = true;
  size_t n = 0;
  prepare();
  assert_int_equal(bt_rule_store_get(world.service.store, "", "r1", &rule, &error), BT_OK);
  bt_replay_request request = {.rules = &rule,
                               .rule_count = 1,
                               .range = {1767225600000000000, 1767229200000000000},
                               .assumptions = world.service.assumptions,
                               .count = BT_COUNT_EXACT};
  for (; was_refused; n++) {
    assert_true(n < MOST_ALLOCATIONS);
    bt_replay_result result = {0};
    refuse(n);
    bt_status status = bt_replay_run(world.service.source, &request, NULL, &result, &error);
    was_refused = failing_alloc_stop();
    bool is_whole = !status && result.outcome == BT_REPLAY_COMPLETED;
    if (is_whole) assert_int_equal(result.rules[0].violations_found, 3);
    if (is_whole) assert_int_equal(result.rules[0].traces_evaluated, 40);
    assert_true(is_whole || was_refused);
    bt_replay_result_dispose(&result);
  }
  bt_rule_definition_unref(rule);
  assert_true(n > 30);
}

static void test_a_whole_replay(void **state) {
  (void)state;
  sweep_a_replay(failing_alloc_after);
  sweep_a_replay(failing_alloc_once);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_route_has_a_sample), cmocka_unit_test(test_every_call),
                                     cmocka_unit_test(test_every_call_of_a_bad_moment),
                                     cmocka_unit_test(test_every_call_without_room_for_json),
                                     cmocka_unit_test(test_a_whole_replay)};
  return cmocka_run_group_tests(tests, open_world, close_world);
}
