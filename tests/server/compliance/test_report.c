/* Reports over the scripted source: what is not exercised, not read, not settled or not decided is never a pass.
 * Samples follow from the seed; and with each allocation failing in turn, jansson's among them, there is a whole report
 * or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/compliance/frameworks_json.h"
#include "server/compliance/oscal.h"
#include "server/compliance/report_builder.h"
#include "server/compliance/report_html.h"
#include "server/compliance/report_reader.h"
#include "server/compliance/report_span.h"
#include "server/json/json_memory.h"
#include "tempo/wire/own_trace.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"

enum { TRACES = 60 };

typedef struct scene {
  fake_source fake;
  bt_rule_store *store;
  bt_report_request request;
} scene;

static void add_rule(scene *s, const char *id, const char *dsl) {
  bt_error error = {0};
  if (bt_rule_store_create(s->store, "", rule_of(id, dsl), "ann", NULL, &error)) fail_msg("%s", error.message);
}

/* Of sixty traces over 30 hours every third is slow, and of these every second has no retry. */
static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  bt_error error = {0};
  fake_source_init(&s->fake);
  for (uint64_t i = 0; i < TRACES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * HOUR_NS / 2;
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "web", at_ns);
    if (i % 3 == 0) fake_span_add(trace, "slow", at_ns + SECOND_NS);
    if (i % 6 == 0) fake_span_add(trace, "retry", at_ns + 2 * SECOND_NS);
  }
  if (bt_rule_store_open(":memory:", 0, &s->store, &error)) fail_msg("%s", error.message);
  add_rule(s, "bad", "@SOC2(controls = {CC6_1}) when { slow as x } always { retry after x }");
  add_rule(s, "good", "@SOC2(controls = {CC6_2}) when { slow } always { web }");
  add_rule(s, "idle", "@SOC2(controls = {CC6_3}) when { nosuch } always { web }");
  s->request = (bt_report_request){.store = s->store,
                                   .version = "test",
                                   .report_id = "rep-1",
                                   .framework = BT_STR("soc2"),
                                   .measure = {.source = &s->fake.source,
                                               .range = {NOON_NS, NOON_NS + 31 * HOUR_NS},
                                               .now_ns = LATER_NS,
                                               .assumptions = bt_assumptions_default(),
                                               .seed = 1}};
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  bt_rule_store_close(s->store);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static json_t *build(scene *s) {
  json_t *document = NULL;
  bt_error error = {0};
  if (bt_report_build(&s->request, &document, &error)) fail_msg("%s", error.message);
  assert_int_equal(bt_evidence_check(document, NULL, &error), BT_OK);
  if (bt_report_check_conclusions(document, &error)) fail_msg("%s", error.message);
  return document;
}

static const json_t *body_of(const json_t *document, const char *type, const char *name, const char *value) {
  const json_t *entries = json_object_get(document, "entries");
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = json_object_get(entry, "body");
    const char *said = json_string_value(json_object_get(body, name));
    if (strcmp(json_string_value(json_object_get(entry, "type")), type) == 0 && said && strcmp(said, value) == 0)
      return body;
  }
  fail_msg("no %s %s", type, value);
  return NULL;
}

static void check_status(const json_t *document, const char *control, const char *expected) {
  const json_t *body = body_of(document, "control", "control", control);
  assert_string_equal(json_string_value(json_object_get(body, "status")), expected);
}

static json_int_t count_of(const json_t *document, const char *rule, const char *name) {
  const json_t *counts = json_object_get(body_of(document, "rule", "rule_id", rule), "counts");
  return json_integer_value(json_object_get(counts, name));
}

static void test_what_is_said(void **state) {
  scene *s = *state;
  json_t *document = build(s);
  check_status(document, "CC6.1", "violated");
  check_status(document, "CC6.2", "pass");
  check_status(document, "CC6.3", "not_exercised");
  check_status(document, "CC6.4", "no_rules");
  assert_int_equal(count_of(document, "bad", "evaluated"), TRACES);
  assert_int_equal(count_of(document, "bad", "exercised"), 20);
  assert_int_equal(count_of(document, "bad", "violated"), 10);
  assert_int_equal(count_of(document, "bad", "satisfied"), 10);
  assert_int_equal(count_of(document, "good", "satisfied"), 20);
  json_decref(document);
}

static void test_the_sample_follows_from_the_seed(void **state) {
  scene *s = *state;
  json_t *first = build(s), *again = build(s);
  const json_t *one = json_object_get(body_of(first, "rule", "rule_id", "bad"), "samples");
  const json_t *two = json_object_get(body_of(again, "rule", "rule_id", "bad"), "samples");
  assert_true(json_equal(one, two));
  assert_int_equal(json_array_size(json_object_get(one, "violated")), BT_SAMPLED_TRACES);
  s->request.measure.seed = 2;
  json_t *other = build(s);
  assert_false(json_equal(one, json_object_get(body_of(other, "rule", "rule_id", "bad"), "samples")));
  json_decref(first);
  json_decref(again);
  json_decref(other);
}

/* ---- never a pass ---- */

static void test_a_window_that_could_not_be_searched(void **state) {
  scene *s = *state;
  s->fake.fail_filter = "nosuch";
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + HOUR_NS};
  add_rule(s, "derived", "@SOC2(controls = {CC6_7}) when { trace.count(nosuch) >= 1 } always { never_seen }");
  json_t *document = build(s);
  check_status(document, "CC6.1", "violated");
  check_status(document, "CC6.2", "inconclusive");
  check_status(document, "CC6.3", "inconclusive");
  const json_t *counts = json_object_get(body_of(document, "rule", "rule_id", "derived"), "counts");
  assert_string_equal(json_string_value(json_object_get(counts, "exercised_kind")), "at_least");
  json_decref(document);
}

static void test_a_source_that_is_lost(void **state) {
  scene *s = *state;
  s->fake.fail_filter = "";
  s->fake.fail_status = BT_UNAVAILABLE;
  json_t *document = build(s);
  check_status(document, "CC6.1", "inconclusive");
  check_status(document, "CC6.2", "inconclusive");
  check_status(document, "CC6.3", "inconclusive");
  const json_t *report = body_of(document, "report", "report_id", "rep-1");
  assert_true(json_is_false(json_object_get(report, "complete")));
  json_decref(document);
}

static void test_nothing_is_settled(void **state) {
  scene *s = *state;
  s->request.measure.now_ns = NOON_NS + 5 * SECOND_NS;
  s->request.measure.range.end_ns = NOON_NS + HOUR_NS;
  json_t *document = build(s);
  check_status(document, "CC6.2", "incomplete");
  json_decref(document);
}

static void test_no_data(void **state) {
  scene *s = *state;
  s->request.measure.range = (bt_time_range){NOON_NS - 48 * HOUR_NS, NOON_NS - 10 * HOUR_NS};
  json_t *document = build(s);
  check_status(document, "CC6.1", "no_data");
  check_status(document, "CC6.3", "no_data");
  json_decref(document);
}

/* The retention has passed, or tracing was down: nothing is claimed of a range of which whole days are missing. */
static void test_days_without_a_trace(void **state) {
  scene *s = *state;
  s->request.measure.range.start_ns = NOON_NS - 48 * HOUR_NS;
  json_t *document = build(s);
  check_status(document, "CC6.1", "violated");
  check_status(document, "CC6.2", "inconclusive");
  check_status(document, "CC6.3", "inconclusive");
  assert_int_equal(count_of(document, "good", "satisfied"), 20);
  json_decref(document);
}

static bool has_note(const json_t *report, const char *words) {
  const json_t *notes = json_object_get(report, "notes");
  for (size_t i = 0; i < json_array_size(notes); i++)
    if (strstr(json_string_value(json_array_get(notes, i)), words)) return true;
  return false;
}

/* What retention may have deleted makes no pass; what was redacted makes none that does not say so. */
static void test_what_was_taken_away(void **state) {
  scene *s = *state;
  s->fake.losses = (bt_losses){.redacted_ns = NOON_NS + 30 * HOUR_NS};
  json_t *document = build(s);
  const json_t *report = body_of(document, "report", "report_id", "rep-1");
  check_status(document, "CC6.1", "violated");
  check_status(document, "CC6.2", "pass");
  assert_string_equal(json_string_value(json_object_get(body_of(document, "rule", "rule_id", "good"), "reason")),
                      "of the traces that the source still has: some were redacted, last at 2026-01-02T18:00:00Z");
  assert_string_equal(json_string_value(json_object_get(json_object_get(report, "coverage"), "redacted_at")),
                      "2026-01-02T18:00:00.000000000Z");
  assert_true(has_note(report, "some traces were redacted in the source"));
  json_decref(document);
  s->fake.losses.retention_ns = s->request.measure.now_ns - NOON_NS - HOUR_NS;
  document = build(s);
  report = body_of(document, "report", "report_id", "rep-1");
  check_status(document, "CC6.1", "violated");
  check_status(document, "CC6.2", "inconclusive");
  check_status(document, "CC6.3", "inconclusive");
  assert_true(json_is_false(json_object_get(report, "complete")));
  assert_string_equal(json_string_value(json_object_get(json_object_get(report, "coverage"), "kept_from")),
                      "2026-01-01T13:00:00.000000000Z");
  assert_true(has_note(report, "partial_data: retention may have deleted traces from before 2026-01-01T13:00:00Z"));
  json_decref(document);
}

static void test_a_verdict_that_is_not_reached(void **state) {
  scene *s = *state;
  add_rule(s, "order", "@SOC2(controls = {CC6_5}) when { retry as r } always { slow before r }");
  json_t *document = build(s);
  check_status(document, "CC6.5", "pass");
  json_decref(document);
  fake_find(&s->fake, 1)->partial = true; /* it may have another retry, before the slow span */
  document = build(s);
  check_status(document, "CC6.5", "inconclusive");
  assert_int_equal(count_of(document, "order", "inconclusive"), 1);
  json_decref(document);
}

/* The last trace had not ended when the report was made: what is before it counts, it does not, and it is named. */
static void test_a_trace_that_goes_on(void **state) {
  scene *s = *state;
  fake_trace *trace = fake_find(&s->fake, TRACES - 2); /* number 57: slow, and no retry */
  int64_t began_ns = trace->spans[0].start_ns;
  s->request.measure.now_ns = began_ns + 10 * MINUTE_NS;
  s->request.measure.range.end_ns = s->request.measure.now_ns;
  fake_span_add(trace, "web", began_ns + 9 * MINUTE_NS);
  json_t *document = build(s);
  const json_t *report = body_of(document, "report", "report_id", "rep-1");
  const json_t *coverage = json_object_get(report, "coverage");
  assert_string_not_equal(json_string_value(json_object_get(coverage, "effective_end")),
                          json_string_value(json_object_get(report, "settled_end")));
  assert_int_equal(count_of(document, "bad", "going_on"), 1);
  assert_int_equal(count_of(document, "bad", "inconclusive"), 0);
  assert_int_equal(count_of(document, "bad", "violated"), 9);
  assert_int_equal(count_of(document, "bad", "exercised"), 19); /* it counts on neither side */
  assert_int_equal(count_of(document, "bad", "satisfied"), 10);
  json_decref(document);
}

/* The only trace that a rule speaks of has not ended: nothing shows yet that the rule holds, however the exercising
 * traces are counted. */
static void test_only_a_trace_that_goes_on(void **state) {
  scene *s = *state;
  fake_trace *trace = fake_find(&s->fake, TRACES - 2);
  int64_t began_ns = trace->spans[0].start_ns;
  s->request.measure.now_ns = began_ns + 10 * MINUTE_NS;
  s->request.measure.range.end_ns = s->request.measure.now_ns;
  fake_span_add(trace, "lone", began_ns + 9 * MINUTE_NS);
  add_rule(s, "found", "@SOC2(controls = {CC6_6}) when { lone } always { never_seen }");
  add_rule(s, "derived", "@SOC2(controls = {CC6_7}) when { trace.count(lone) >= 1 } always { never_seen }");
  json_t *document = build(s);
  assert_int_equal(count_of(document, "found", "going_on"), 1);
  assert_int_equal(count_of(document, "found", "exercised"), 0);
  assert_int_equal(count_of(document, "found", "satisfied"), 0);
  check_status(document, "CC6.6", "incomplete"); /* what goes on may exercise it */
  assert_int_equal(count_of(document, "derived", "going_on"), 1);
  assert_int_equal(count_of(document, "derived", "satisfied"), 0);
  const json_t *control = body_of(document, "control", "control", "CC6.7");
  assert_string_not_equal(json_string_value(json_object_get(control, "status")), "pass");
  json_decref(document);
}

/* What the source never shows is not settled, however short settle is. */
static void test_the_settled_part_ends_before_what_is_hidden(void **state) {
  scene *s = *state;
  s->fake.promises.hidden_tail_ns = MINUTE_NS;
  s->request.measure.assumptions.settle_ns = 0;
  s->request.measure.now_ns = s->request.measure.range.end_ns = NOON_NS + 30 * HOUR_NS;
  json_t *document = build(s);
  const json_t *report = body_of(document, "report", "report_id", "rep-1");
  const json_t *assumptions = json_object_get(report, "assumptions");
  assert_string_equal(json_string_value(json_object_get(report, "settled_end")), "2026-01-02T17:59:00.000000000Z");
  assert_string_equal(json_string_value(json_object_get(assumptions, "settle")), "1m");
  json_decref(document);
}

static const bt_source_about newer_tempo = {"tempo", "3.1.0", false, "not among the versions", NULL};

/* In the page and in OSCAL, which are made of the document alone. */
static void check_forms(const json_t *document, bool names_source) {
  bt_buffer page = {0};
  json_t *oscal = NULL;
  bt_error error = {0};
  bt_report_html(document, &page);
  bt_buffer_append_char(&page, '\0');
  assert_false(page.failed);
  assert_int_equal(strstr(page.ptr, "not a version that was checked") != NULL, names_source);
  assert_int_equal(bt_oscal_json(document, &oscal, &error), BT_OK);
  char *text = json_dumps(oscal, 0);
  assert_int_equal(strstr(text, "\"source-version\"") != NULL, names_source);
  free(text);
  json_decref(oscal);
  bt_buffer_dispose(&page);
}

/* It concludes the same, from reads alone, and says so first. Documents of before say nothing of it, and are read as
 * ever. */
static void test_a_source_that_was_not_checked(void **state) {
  scene *s = *state;
  s->fake.promises.about = newer_tempo;
  json_t *document = build(s);
  const json_t *report = body_of(document, "report", "report_id", "rep-1");
  json_t *coverage = json_object_get(report, "coverage"), *source = json_object_get(coverage, "source");
  const json_t *notes = json_object_get(report, "notes");
  const char *note = json_string_value(json_array_get(notes, json_array_size(notes) - 1));
  assert_string_equal(json_string_value(json_object_get(source, "version")), "3.1.0");
  assert_true(json_is_false(json_object_get(source, "checked")));
  assert_non_null(strstr(note, "Tempo 3.1.0, not among the versions"));
  check_status(document, "CC6.1", "violated");
  check_status(document, "CC6.2", "pass");
  check_status(document, "CC6.3", "not_exercised");
  assert_int_equal(count_of(document, "bad", "exercised"), 20);
  assert_int_equal(count_of(document, "good", "satisfied"), 20);
  const json_t *bad = body_of(document, "rule", "rule_id", "bad");
  assert_string_equal(json_string_value(json_object_get(bad, "strategy")), "read");
  assert_string_equal(json_string_value(json_object_get(json_object_get(bad, "counts"), "exercised_kind")), "exact");
  check_forms(document, true);
  bt_reported read;
  bt_error error = {0};
  json_object_del(coverage, "source");
  check_forms(document, false);
  assert_int_equal(bt_report_check_conclusions(document, &error), BT_OK);
  assert_int_equal(bt_reported_read(document, &read, &error), BT_OK);
  bt_reported_dispose(&read);
  json_decref(document);
}

/* ---- the span that holds the head ---- */

static bt_report_span_state look_for(scene *s, const json_t *document) {
  bt_report_span_state state = BT_REPORT_SPAN_GONE;
  bt_error error = {0};
  if (bt_report_span_find(&s->fake.source, document, &state, &error)) fail_msg("%s", error.message);
  return state;
}

static fake_span *add_report_span(fake_trace *trace, const uint8_t id[8], const char *head) {
  fake_span *span = fake_span_add(trace, BT_OWN_REPORT, NOON_NS);
  span->service = BT_OWN_SERVICE;
  memcpy(span->id, id, 8);
  span->attributes[0] = (bt_attribute){BT_STR(BT_OWN_REPORT_ID), {.type = BT_VALUE_STRING, .string = BT_STR("rep-1")}};
  span->attributes[1] = (bt_attribute){BT_STR(BT_REPORT_HEAD), {.type = BT_VALUE_STRING, .string = bt_str_from(head)}};
  span->attribute_count = 2;
  return span;
}

static void test_the_head_that_the_source_holds(void **state) {
  scene *s = *state;
  json_t *document = build(s);
  const char *head = json_string_value(json_object_get(json_object_get(document, "evidence"), "head"));
  bt_own_ids ids;
  assert_true(bt_own_record_ids(BT_STR(""), BT_STR(BT_OWN_REPORT), BT_STR("rep-1"), &ids));
  assert_int_equal(look_for(s, document), BT_REPORT_SPAN_GONE);
  fake_trace *trace = fake_add(&s->fake, 1000);
  trace->id = ids.trace_id;
  add_report_span(trace, ids.span_id.bytes, head);
  assert_int_equal(look_for(s, document), BT_REPORT_SPAN_SAME);
  add_report_span(trace, ids.retraction_id.bytes, "another"); /* beside it, not instead of it */
  assert_int_equal(look_for(s, document), BT_REPORT_SPAN_OTHER);
  trace->span_count = 1;
  fake_span_add(trace, "noise", NOON_NS); /* then it is no trace of ours any more: not the same as never sent */
  assert_int_equal(look_for(s, document), BT_REPORT_SPAN_OTHER);
  json_decref(document);
}

/* ---- cancelled, and without memory ---- */

static void test_cancel(void **state) {
  scene *s = *state;
  bt_cancel cancel = {.requested = true};
  json_t *document = NULL;
  bt_error error = {0};
  s->request.measure.cancel = &cancel;
  assert_int_equal(bt_report_build(&s->request, &document, &error), BT_CANCELLED);
  assert_null(document);
}

/* Others hold the memory. Whatever does not fit is no report, and what fits is the same one; a report holds at least
 * its text. */
static void test_no_room(void **state) {
  scene *s = *state;
  bt_memory_account *account = NULL;
  bt_error error = {0};
  size_t refused = 0;
  s->request.measure.range.end_ns = NOON_NS + 2 * HOUR_NS;
  json_t *expected = build(s), *document = NULL;
  for (size_t limit = 16 << 10; !document; limit += 16 << 10) {
    assert_int_equal(bt_memory_account_new(limit, &account, &error), BT_OK);
    bt_memory_hold hold = {account, BT_MEMORY_REPORTS, 0};
    s->request.hold = &hold;
    bt_status status = bt_report_build(&s->request, &document, &error);
    if (status) {
      assert_int_equal(status, BT_LIMIT);
      assert_memory_equal(error.message, "results_full: ", 14);
      assert_null(document);
      refused++;
    }
    assert_in_range(bt_memory_look(account).most, 0, limit);
    if (document) assert_in_range(hold.bytes, json_dumpb(document, NULL, 0, JSON_COMPACT), limit);
    bt_memory_hold_shrink(&hold, 0);
    assert_int_equal(bt_memory_total(account), 0);
    bt_memory_account_free(account);
    assert_true(refused < 100);
  }
  assert_true(refused > 2);
  assert_int_equal(json_array_size(json_object_get(document, "entries")),
                   json_array_size(json_object_get(expected, "entries")));
  json_decref(document);
  json_decref(expected);
}

/* Everything that is made of a report, with one allocation refused. True: all of it came. */
static bool make_all(scene *s, const json_t *expected) {
  json_t *document = NULL, *oscal = NULL;
  bt_buffer page = {0};
  bt_error error = {0};
  bt_reported reported = {0};
  bt_status status = bt_report_build(&s->request, &document, &error);
  if (!status) status = bt_evidence_check(document, NULL, &error);
  if (!status) status = bt_reported_read(document, &reported, &error);
  if (!status) status = bt_oscal_json(document, &oscal, &error);
  if (!status) bt_report_html(document, &page);
  bool is_whole = !status && !page.failed;
  if (!is_whole) assert_true(page.failed || status == BT_NO_MEMORY || status == BT_LIMIT || status == BT_IO);
  if (is_whole) /* no member or entry is missing */
    for (size_t i = 0; i < json_array_size(expected); i++) {
      const json_t *a = json_object_get(json_array_get(expected, i), "body");
      const json_t *b = json_object_get(json_array_get(json_object_get(document, "entries"), i), "body");
      assert_int_equal(json_object_size(a), json_object_size(b));
    }
  bt_reported_dispose(&reported);
  bt_buffer_dispose(&page);
  json_decref(document);
  json_decref(oscal);
  return is_whole;
}

static void test_no_memory(void **state) {
  scene *s = *state;
  s->request.measure.range.end_ns = NOON_NS + 2 * HOUR_NS; /* few traces, and every way is taken */
  s->fake.promises.about = newer_tempo;
  json_t *whole = build(s);
  const json_t *expected = json_object_get(whole, "entries");
  bool was_refused = true;
  size_t n = 0;
  /* The first ones each, and then in growing steps: there are some twenty thousand. */
  for (size_t step = 1; was_refused; n += step, step = 1 + n / 150) {
    assert_true(n < 200000);
    failing_alloc_after(n);
    bool is_whole = make_all(s, expected);
    was_refused = failing_alloc_stop();
    assert_true(is_whole || was_refused);
  }
  assert_true(n > 500);
  json_decref(whole);
}

static void test_frameworks_without_memory(void **state) {
  scene *s = *state;
  bool was_refused = true;
  for (size_t n = 0, step = 1; was_refused; n += step, step = 1 + n / 50) {
    json_t *frameworks = NULL;
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_frameworks_json(s->store, "", &frameworks, &error);
    was_refused = failing_alloc_stop();
    assert_true(was_refused || !status);
    if (!status) assert_int_equal(json_array_size(json_object_get(frameworks, "frameworks")), 6);
    json_decref(frameworks);
  }
}

/* One allocation is refused and all others are not: nothing stands in the document that is not so, and nothing lacks.
 * What failed in the caller's own document before is still known behind it. */
static void test_a_moment_without_memory(void **state) {
  scene *s = *state;
  s->request.measure.range.end_ns = NOON_NS + 2 * HOUR_NS;
  json_t *document = build(s), *expected[2] = {NULL, NULL};
  bt_error error = {0};
  assert_int_equal(bt_oscal_json(document, &expected[0], &error), BT_OK);
  assert_int_equal(bt_frameworks_json(s->store, "", &expected[1], &error), BT_OK);
  for (int kind = 0; kind < 2; kind++) {
    bool was_refused = true;
    size_t n = 0;
    for (; was_refused; n += 1 + n / 300) {
      json_t *made = NULL;
      bt_json_memory_begin();
      if (n % 2) bt_json_memory_lacks();
      failing_alloc_once(n);
      bt_status status =
          kind ? bt_frameworks_json(s->store, "", &made, &error) : bt_oscal_json(document, &made, &error);
      was_refused = failing_alloc_stop();
      assert_true(was_refused || !status);
      if (!status) assert_true(json_equal(made, expected[kind]));
      if (status) assert_null(made);
      assert_true(bt_json_memory_failed() || !(n % 2));
      json_decref(made);
    }
    assert_true(n > 100);
    json_decref(expected[kind]);
  }
  json_decref(document);
}

int main(void) {
  bt_json_memory_install(); /* so that jansson's allocations are refused too */
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)
  const struct CMUnitTest tests[] = {IN_SCENE(test_what_is_said),
                                     IN_SCENE(test_the_sample_follows_from_the_seed),
                                     IN_SCENE(test_what_was_taken_away),
                                     IN_SCENE(test_a_window_that_could_not_be_searched),
                                     IN_SCENE(test_a_source_that_is_lost),
                                     IN_SCENE(test_nothing_is_settled),
                                     IN_SCENE(test_no_data),
                                     IN_SCENE(test_days_without_a_trace),
                                     IN_SCENE(test_a_verdict_that_is_not_reached),
                                     IN_SCENE(test_a_trace_that_goes_on),
                                     IN_SCENE(test_only_a_trace_that_goes_on),
                                     IN_SCENE(test_the_settled_part_ends_before_what_is_hidden),
                                     IN_SCENE(test_a_source_that_was_not_checked),
                                     IN_SCENE(test_the_head_that_the_source_holds),
                                     IN_SCENE(test_cancel),
                                     IN_SCENE(test_no_room),
                                     IN_SCENE(test_no_memory),
                                     IN_SCENE(test_frameworks_without_memory),
                                     IN_SCENE(test_a_moment_without_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
