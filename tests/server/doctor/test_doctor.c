/* The parts of `betrace doctor` that need no store: probes that can be made again, facts that can fail, comparing, the
 * record of requests, and the table. The whole: tests/http/test_cli_doctor.py and tests/e2e/test_doctor_tempo.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/doctor/trace_comparison.h"
#include "server/doctor/doctor_parts.h"
#include "server/doctor/store_probes.h"
#include "server/json/doctor_json.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/support/asked.h"
#include "tests/support/failing_alloc.h"

#define RUN "1767225600-5f3a9c"

/* A doctor that has its probes and rules, and asks nobody. */
typedef struct fixture {
  bt_doctor_report report;
  bt_doctor doctor;
  bt_error error;
} fixture;

static bt_status make(fixture *f) {
  static const bt_probe_key more[] = {{false, {"http.method", 11}}, {true, {"team", 4}}};
  static const bt_doctor_options nobody = {.store = NULL};
  *f = (fixture){0};
  bt_source_use_dialect(bt_traceql_dialect());
  f->doctor.report = &f->report;
  f->doctor.options = &nobody;
  bt_arena_init(&f->report.arena, (size_t)64 << 20);
  bt_status status = bt_probes_make(&f->report.probes, RUN, more, 2, false, &f->error);
  return status == BT_OK ? bt_doctor_rules_make(&f->doctor, &f->error) : status;
}

static void dispose(fixture *f) {
  bt_doctor_rules_dispose(&f->doctor);
  bt_doctor_report_dispose(&f->report);
}

static int set_up(void **state) {
  static fixture f;
  *state = &f;
  return make(&f) == BT_OK ? 0 : -1;
}

static int tear_down(void **state) {
  dispose(*state);
  return 0;
}

/* ---- probes ---- */

static void probes_follow_from_the_run(void **state) {
  const fixture *f = *state;
  bt_probes again, other;
  bt_error error = {0};
  const bt_probes *probes = &f->report.probes;
  assert_int_equal(bt_probes_make(&again, RUN, NULL, 0, false, &error), BT_OK);
  assert_int_equal(bt_probes_make(&other, "1767225601-5f3a9c", NULL, 0, false, &error), BT_OK);
  assert_int_equal(again.count, probes->count);
  assert_int_equal(probes->key_count, again.key_count + 1); /* one of the two is there anyway */
  for (size_t i = 0; i < probes->count; i++) {
    bool begins_with_zero = probes->items[i].id.bytes[0] < 0x10;
    assert_int_equal(bt_trace_id_compare(&probes->items[i].id, &again.items[i].id), 0);
    assert_int_not_equal(bt_trace_id_compare(&probes->items[i].id, &other.items[i].id), 0);
    assert_int_equal(bt_probes_find(probes, &probes->items[i].id), i);
    assert_int_equal(begins_with_zero, probes->items[i].trait == BT_PROBE_ZEROS);
    assert_false(probes->items[i].trace->missing_parents || probes->items[i].trace->differing_copies);
    assert_true(bt_trace_end_ns(probes->items[i].trace) < INT64_C(1767225600000000000));
  }
  assert_int_equal(bt_probes_find(probes, &other.items[0].id), probes->count);
  bt_probes_dispose(&again);
  bt_probes_dispose(&other);
}

static const bt_probe *probe_named(const bt_probes *probes, const char *label) {
  for (size_t i = 0; i < probes->count; i++)
    if (strcmp(probes->items[i].label, label) == 0) return &probes->items[i];
  fail_msg("no probe \"%s\"", label);
  return NULL;
}

static void probes_hold_what_they_say(void **state) {
  const fixture *f = *state;
  const bt_probes *probes = &f->report.probes;
  const bt_span *span = &probe_named(probes, "int 500")->trace->spans[1];
  assert_int_equal(bt_attributes_find(&span->attributes, BT_STR("http.method"))->integer, 500);
  assert_int_equal(bt_attributes_find(&span->resource->attributes, BT_STR("team"))->integer, 500);
  assert_int_equal(probe_named(probes, "missing")->trace->spans[1].attributes.count, 0);
  assert_int_equal(probe_named(probes, "many spans")->trace->span_count, BT_PROBE_LARGE);
  assert_int_equal(probe_named(probes, "in two parts")->trace->span_count, 4);
  assert_int_equal(probes->resource_counts[1], 1);
  assert_int_equal(probe_named(probes, "events and a link")->trace->spans[1].event_count, 2);
  const bt_trace *halves = probe_named(probes, "client and server with one id")->trace;
  assert_memory_equal(&halves->spans[1].id, &halves->spans[2].id, sizeof(bt_span_id));
  const bt_value *mixed =
      bt_attributes_find(&probe_named(probes, "mixed array")->trace->spans[1].attributes, BT_STR("http.url"));
  assert_int_equal(mixed->type, BT_VALUE_OTHER);
}

static void names_of_runs_and_keys(void **state) {
  char run[BT_PROBE_RUN_SIZE];
  bt_error error = {0};
  bt_probe_key key;
  (void)state;
  assert_int_equal(bt_probe_run_new(INT64_C(1767225600123456789), run, &error), BT_OK);
  assert_memory_equal(run, "1767225600-", 11);
  assert_true(bt_probe_run_is_valid(run));
  static const char *const wrong[] = {
      "", "1767225600", "1767225600-", "1767225600-5f3a9", "1767225600-5f3a9g", "1767225600-5f3a9c0", "now-5f3a9c"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(bt_probe_run_is_valid(wrong[i]));
  assert_true(bt_probe_key_parse(BT_STR("resource.a.b"), &key) && key.is_of_resource);
  assert_true(bt_str_equal(key.key, BT_STR("a.b")));
  assert_true(bt_probe_key_parse(BT_STR("span.x"), &key) && !key.is_of_resource);
  assert_false(bt_probe_key_parse(BT_STR("span."), &key) || bt_probe_key_parse(BT_STR("order.id"), &key));
}

/* ---- facts ---- */

/* A rule that is violated by every probe, or by none, would hold whatever a search finds. */
static void every_fact_can_fail(void **state) {
  const fixture *f = *state;
  uint64_t all = bt_probes_all(&f->report.probes);
  size_t rules = 0, subtracting = 0, projected = 0, exact = 0;
  for (size_t t = 0; t < f->doctor.topic_count; t++) {
    const bt_doctor_rules *topic = &f->doctor.topics[t];
    assert_false(topic->projection.whole_trace);
    for (size_t i = 0; i < topic->count; i++, rules++) {
      const bt_doctor_rule *rule = &topic->items[i];
      if (!rule->violated || rule->violated == all) fail_msg("%s: violated by none or all", rule->text);
      assert_false(rule->projection.whole_trace);
      subtracting += rule->plan->subtract_count > 0;
      projected += rule->plan->spans.asked.filter != NULL;
      exact += rule->plan->exercising_is_exact;
    }
  }
  assert_true(rules > 400 && subtracting > 100 && projected > 50 && exact > 200);
}

static void what_did_not_hold_is_kept(void **state) {
  fixture *f = *state;
  bt_fact *fact = NULL;
  bt_doctor *doctor = &f->doctor;
  assert_int_equal(bt_fact_open(doctor, &doctor->topics[0], BT_ASPECT_SEARCHED, "arrays", &fact, &f->error), BT_OK);
  assert_string_equal(fact->id, "fields/searched/arrays");
  assert_string_equal(fact->title, "fields: searched, arrays");
  for (int i = 0; i < BT_DOCTOR_KEPT_FINDINGS + 5; i++)
    assert_int_equal(bt_fact_add(doctor, fact, "a rule", BT_STR("{ x }"), &f->error, "number %d", i), BT_OK);
  bt_fact_close(doctor, fact, BT_FACT_FAILS, "105 missing", "bad");
  assert_int_equal(fact->seen[0].finding_count, BT_DOCTOR_KEPT_FINDINGS);
  assert_int_equal(fact->seen[0].finding_total, BT_DOCTOR_KEPT_FINDINGS + 5);
  assert_string_equal(fact->seen[0].findings[1].text, "number 1");
  assert_int_equal(bt_doctor_report_outcome(&f->report), BT_FACT_FAILS);
  /* Asked again it may hold, and then it is not asked a third time. What is wrong for good stays so. */
  doctor->attempt = 1;
  assert_int_equal(bt_fact_open(doctor, &doctor->topics[0], BT_ASPECT_SEARCHED, "arrays", &fact, &f->error), BT_OK);
  assert_int_equal(fact->seen[0].finding_count, 0);
  bt_fact_close(doctor, fact, BT_FACT_HOLDS, "all", "bad");
  assert_null(fact->seen[0].means);
  assert_int_equal(bt_doctor_report_outcome(&f->report), BT_FACT_HOLDS);
  assert_int_equal(bt_fact_open(doctor, &doctor->topics[0], BT_ASPECT_SEARCHED, "arrays", &fact, &f->error), BT_OK);
  assert_null(fact);
  f->report.facts[0].seen[0].outcome = BT_FACT_FAILS;
  f->report.facts[0].seen[0].is_final = true;
  assert_int_equal(bt_fact_open(doctor, &doctor->topics[0], BT_ASPECT_SEARCHED, "arrays", &fact, &f->error), BT_OK);
  assert_null(fact);
  /* A later pass is another question; the worst of all counts. */
  doctor->attempt = 0, doctor->pass = 1;
  assert_int_equal(bt_fact_open(doctor, &doctor->topics[0], BT_ASPECT_SEARCHED, "arrays", &fact, &f->error), BT_OK);
  bt_fact_close(doctor, fact, BT_FACT_UNKNOWN, "not answered", "who knows");
  assert_int_equal(bt_fact_outcome_of(fact), BT_FACT_FAILS);
  f->report.facts[0].seen[0].outcome = BT_FACT_HOLDS;
  assert_int_equal(bt_fact_outcome_of(fact), BT_FACT_UNKNOWN);
  assert_string_equal(bt_fact_worst(fact)->seen, "not answered");
}

/* ---- comparing ---- */

typedef void (*change)(bt_span *span, bt_attribute *attribute, bt_trace *trace);

static void change_name(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)attribute, (void)trace;
  span->name = BT_STR("else");
}
static void change_status(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)attribute, (void)trace;
  span->status = BT_SPAN_STATUS_ERROR;
}
static void change_start(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)attribute, (void)trace;
  span->start_ns++;
}
static void change_kind(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)attribute, (void)trace;
  span->kind = BT_KIND_SERVER;
}
static void change_parent(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)attribute, (void)trace;
  span->parent_id.bytes[0] ^= 1;
}
static void change_value(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)span, (void)trace;
  attribute->value = (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("nil")};
}
static void change_type(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)span, (void)trace;
  attribute->value = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = 500.0};
}
static void lose_value(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)span, (void)trace;
  attribute->value = (bt_value){.type = BT_VALUE_MISSING};
}
static void lose_span(bt_span *span, bt_attribute *attribute, bt_trace *trace) {
  (void)span, (void)attribute;
  trace->span_count = 1;
}

static void differences_are_found(void **state) {
  const fixture *f = *state;
  static const struct {
    change change;
    const char *why;
  } table[] = {
      {change_name, "the name was pushed as \"doctor.probe\" and comes as \"else\" (span \"doctor.probe\")"},
      {change_status, "the status was pushed as 0 and comes as 2 (span \"doctor.probe\")"},
      {change_start, "the start was pushed as "},
      {change_kind, "it is not there (span \"doctor.probe\")"},
      {change_parent, "another parent (span \"doctor.probe\")"},
      {change_value, "http.method was pushed as 500 and comes as \"nil\" (span \"doctor.probe\")"},
      {change_type, "http.method was pushed as 500 and comes as 500 (a double) (span \"doctor.probe\")"},
      {lose_value, "http.method was pushed as 500 and comes as nothing (span \"doctor.probe\")"},
      {lose_span, "the number of spans was pushed as 2 and comes as 1"},
  };
  const bt_trace *pushed = probe_named(&f->report.probes, "int 500")->trace;
  bt_projected projected = {BT_PROJECTED_SPAN, BT_STR("http.method")};
  const bt_projection projection = {.attributes = &projected, .attribute_count = 1};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    bt_span spans[2] = {pushed->spans[0], pushed->spans[1]};
    bt_attribute *attributes = malloc(spans[1].attributes.count * sizeof *attributes);
    memcpy(attributes, spans[1].attributes.items, spans[1].attributes.count * sizeof *attributes);
    spans[1].attributes.items = attributes;
    bt_trace seen = *pushed;
    bt_buffer why = {0};
    seen.spans = spans;
    assert_true(bt_doctor_same_trace(pushed, &seen, &projection, true, &why) &&
                bt_doctor_same_trace(pushed, &seen, NULL, true, &why));
    size_t at = 0;
    while (!bt_str_equal(attributes[at].key, projected.key)) at++;
    table[i].change(&spans[1], &attributes[at], &seen);
    assert_false(bt_doctor_same_trace(pushed, &seen, NULL, true, &why));
    bt_buffer_clear(&why);
    assert_false(bt_doctor_same_trace(pushed, &seen, &projection, true, &why));
    assert_memory_equal(why.ptr, table[i].why, strlen(table[i].why));
    bt_buffer_dispose(&why);
    free(attributes);
  }
}

/* ---- the record ---- */

static void take(bt_exchanges *made, const char *url, bt_http_kind kind, int status, const char *body) {
  bt_http_response response = {.status = status, .content_type = "text/plain"};
  bt_buffer_append(&response.body, bt_str_from(body));
  const bt_http_request request = {.method = "GET", .url = url, .kind = kind};
  bt_error error = {.message = "the connection to 10.0.0.9:3200 was refused"};
  bt_exchanges_take(made, &(bt_http_exchange){.request = &request,
                                              .response = &response,
                                              .status = status ? BT_OK : BT_UNAVAILABLE,
                                              .took_ms = 7,
                                              .error = &error});
  bt_http_response_dispose(&response);
}

static void a_kind_of_store_is_found_by_its_name(void **state) {
  (void)state;
  assert_ptr_equal(bt_store_probes_of("tempo"), &bt_tempo_probes);
  assert_null(bt_store_probes_of("files"));
}

/* Requests that no store reads are counted, and nothing is said of them. */
static void requests_of_an_unknown_store(void **state) {
  (void)state;
  bt_exchanges made = {0};
  take(&made, "http://host/select?query=secret", BT_HTTP_SEARCH, 200, "{}");
  take(&made, "http://host/v1/traces", BT_HTTP_EXPORT, 200, "");
  assert_int_equal(made.count, 2);
  assert_string_equal(made.items[0].what, "other");
  assert_null(made.items[0].query);
  assert_string_equal(made.items[1].what, "push");
  assert_int_equal(bt_exchanges_last_status(&made), 200);
  bt_exchanges_dispose(&made);
}

static void requests_are_kept_without_addresses(void **state) {
  bt_exchanges made = {.read_question = bt_tempo_probes.read_question};
  (void)state;
  take(&made,
       "https://tempo.example:3200/sub/api/search?start=5&end=9&limit=3&spss=1&q=%7B%20name%20%3D%20%22a%26b%22%20%7D",
       BT_HTTP_SEARCH, 500, "ask 10.1.2.3:9095 instead\nof 3.0.3\n");
  take(&made, "http://h/api/v2/traces/5f?x=1", BT_HTTP_BY_ID, 200, "fine");
  take(&made, "http://h/v1/traces", BT_HTTP_EXPORT, 200, "");
  take(&made, "http://h/api/status/buildinfo", BT_HTTP_OTHER, 0, "");
  assert_int_equal(made.count, 4);
  assert_string_equal(made.items[0].what, "search");
  assert_string_equal(made.items[0].query, "{ name = \"a&b\" }");
  assert_true(made.items[0].start_s == 5 && made.items[0].end_s == 9 && made.items[0].limit == 3);
  assert_string_equal(made.items[0].sentence, "ask (address) instead of 3.0.3");
  assert_string_equal(made.items[1].what, "trace");
  assert_string_equal(made.items[1].query, "/api/v2/traces/5f");
  assert_string_equal(made.items[1].sentence, "");
  assert_string_equal(made.items[2].what, "push");
  assert_string_equal(made.items[3].sentence, "the connection to (address) was refused");
  assert_int_equal(bt_exchanges_last_status(&made), 0);
  bt_exchanges_dispose(&made);
  assert_int_equal(bt_exchanges_last_status(&made), 0);
}

/* ---- the table ---- */

static void check_width(const char *text, size_t most) {
  for (size_t columns = 0; *text; text++) {
    columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xC0) != 0x80);
    if (columns > most) fail_msg("a line is longer than %zu columns: …%.60s", most, text);
  }
}

static void the_table_fits_its_width(void **state) {
  fixture *f = *state;
  static const bt_doctor_style plain = {"", "", "", "", "", "", 100};
  bt_doctor *doctor = &f->doctor;
  bt_buffer text = {0};
  bt_fact *fact = NULL;
  for (size_t t = 0; t < doctor->topic_count; t++) {
    assert_int_equal(bt_fact_open(doctor, &doctor->topics[t], BT_ASPECT_READ, "arrays", &fact, &f->error), BT_OK);
    fact->expected = "1234567 in 123 rules";
    bt_str query = asked_text(asked_first(doctor->topics[t].items[0].plan->violating));
    assert_int_equal(bt_fact_add(doctor, fact, doctor->topics[t].items[0].text, query, &f->error,
                                 "does not find: text with marks gr\u00f6\u00dfe %0200d", 1),
                     BT_OK);
    bt_fact_close(doctor, fact, t % 2 ? BT_FACT_FAILS : BT_FACT_HOLDS, "1234 missing, 56 empty",
                  t % 2 ? bt_doctor_means_empty : NULL);
  }
  f->report.passes_ns[0] = f->report.probes.base_ns + 1;
  f->report.max_block_ns = INT64_C(1800000000000);
  f->report.hidden_tail_ns = f->report.max_range_ns = f->report.most_traces = -1;
  f->report.cut_bytes = 1024;
  bt_doctor_report_print(&f->report, &plain, &text);
  check_width(text.ptr, 100);
  assert_non_null(strstr(text.ptr, "\nok   fields: read, arrays "));
  assert_non_null(strstr(text.ptr, "\nFAIL services: read, arrays "));
  assert_non_null(strstr(text.ptr, "betrace doctor --again " RUN));
  assert_non_null(strstr(text.ptr, "it cuts them after 30m"));
  assert_non_null(strstr(text.ptr, "cuts texts after 1024 bytes"));
  /* What it means is said once. */
  const char *means = strstr(text.ptr, "an empty answer where a match is certain");
  assert_non_null(means);
  assert_null(strstr(means + 1, "an empty answer where a match is certain"));
  bt_buffer_dispose(&text);
}

static void the_json_has_all(void **state) {
  fixture *f = *state;
  bt_exchanges made = {.read_question = bt_tempo_probes.read_question};
  bt_fact *fact = NULL;
  take(&made, "http://h/api/search?q=%7B%7D", BT_HTTP_SEARCH, 400, "no\xFF");
  assert_int_equal(bt_fact_open(&f->doctor, NULL, BT_ASPECT_WINDOW, NULL, &fact, &f->error), BT_OK);
  assert_int_equal(bt_fact_add(&f->doctor, fact, NULL, (bt_str){0}, &f->error, "not found: long"), BT_OK);
  bt_fact_close(&f->doctor, fact, BT_FACT_FAILS, "1 missing", "bad");
  json_t *report = bt_doctor_report_json(&f->report, &made);
  assert_non_null(report);
  assert_string_equal(json_string_value(json_object_get(report, "outcome")), "fails");
  assert_string_equal(json_string_value(json_object_get(report, "run")), RUN);
  assert_int_equal(json_array_size(json_object_get(report, "probes")), f->report.probes.count);
  const json_t *first = json_array_get(json_object_get(report, "facts"), 0);
  assert_string_equal(json_string_value(json_object_get(first, "id")), "window");
  const json_t *pass = json_array_get(json_object_get(first, "passes"), 0);
  assert_string_equal(json_string_value(json_object_get(pass, "seen")), "1 missing");
  assert_int_equal(json_integer_value(json_object_get(pass, "findings_total")), 1);
  const json_t *request = json_array_get(json_object_get(report, "requests"), 0);
  assert_string_equal(json_string_value(json_object_get(request, "query")), "{}");
  assert_int_equal(json_integer_value(json_object_get(request, "status")), 400);
  json_decref(report);
  bt_exchanges_dispose(&made);
}

/* ---- without memory ---- */

static void says_when_there_is_no_memory(void **state) {
  (void)state;
  for (size_t n = 0;; n += n / 8 + 1) {
    fixture f;
    failing_alloc_after(n);
    bt_status status = make(&f);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    dispose(&f);
    if (was_refused) continue;
    assert_true(n > 1000);
    return;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(probes_follow_from_the_run, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(probes_hold_what_they_say, set_up, tear_down),
                                     cmocka_unit_test(names_of_runs_and_keys),
                                     cmocka_unit_test_setup_teardown(every_fact_can_fail, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(what_did_not_hold_is_kept, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(differences_are_found, set_up, tear_down),
                                     cmocka_unit_test(a_kind_of_store_is_found_by_its_name),
                                     cmocka_unit_test(requests_of_an_unknown_store),
                                     cmocka_unit_test(requests_are_kept_without_addresses),
                                     cmocka_unit_test_setup_teardown(the_table_fits_its_width, set_up, tear_down),
                                     cmocka_unit_test_setup_teardown(the_json_has_all, set_up, tear_down),
                                     cmocka_unit_test(says_when_there_is_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
