/* Other reports in the scripted source: those of the framework that overlap, the same range first; not what only says so; and not known where the source
 * fails, has too many, or memory is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/report/report_others.h"
#include "server/report/report_span.h"
#include "server/replay/violation_id.h"
#include "tempo/own_trace.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"

#define DAY_1 "2026-01-01T00:00:00.000000000Z"
#define DAY_2 "2026-01-02T00:00:00.000000000Z"
#define DAY_3 "2026-01-03T00:00:00.000000000Z"

typedef struct scene {
  fake_source fake;
  json_t *document;
  bt_other_reports others;
  uint64_t made;
} scene;

static json_t *report_of(const char *id) {
  return json_pack("{s:[{s:{s:s, s:s, s:{s:s}, s:{s:s, s:s}}}]}", "entries", "body", "report_id", id, "tenant", "",
                   "framework", "name", "SOC 2", "range", "start", DAY_1, "end", DAY_2);
}

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  bt_violation_ids_install();
  s->document = report_of("rep-1");
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  fake_source_dispose(&s->fake);
  json_decref(s->document);
  free(s);
  return 0;
}

static bt_attribute text(const char *key, const char *value) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(value)}};
}

static bt_attribute number(const char *key, int64_t value) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = value}};
}

/* A span as bt_report_span_send makes it; `at` is when it was made. Texts are borrowed. */
static fake_trace *add_sent(scene *s, const char *id, const char *framework, const char *start, const char *end,
                            int64_t at_ns) {
  bt_own_ids ids;
  assert_true(bt_own_record_ids(BT_STR(""), BT_STR(BT_OWN_REPORT), bt_str_from(id), &ids));
  fake_trace *trace = fake_add(&s->fake, 1000 + s->made++);
  trace->id = ids.trace_id;
  fake_span *span = fake_span_add(trace, BT_OWN_REPORT, at_ns);
  span->service = BT_OWN_SERVICE;
  memcpy(span->id, ids.span_id.bytes, sizeof span->id);
  const bt_attribute attributes[] = {text(BT_OWN_REPORT_ID, id),    text(BT_REPORT_FRAMEWORK, framework),
                                     text(BT_REPORT_START, start),  text(BT_REPORT_END, end),
                                     text(BT_REPORT_HEAD, "head"),  number(BT_REPORT_ENTRIES, 7),
                                     number(BT_REPORT_VIOLATED, 2), number(BT_REPORT_PASSED, 1)};
  memcpy(span->attributes, attributes, sizeof attributes);
  span->attribute_count = sizeof attributes / sizeof *attributes;
  return trace;
}

static void look(scene *s) {
  bt_error error = {0};
  if (bt_report_find_others(&s->fake.source, s->document, &s->others, &error)) fail_msg("%s", error.message);
}

static void test_those_that_overlap(void **state) {
  scene *s = *state;
  add_sent(s, "rep-1", "SOC 2", DAY_1, DAY_2, NOON_NS); /* the report itself */
  add_sent(s, "rep-touches", "SOC 2", DAY_2, DAY_3, NOON_NS);
  add_sent(s, "rep-hipaa", "HIPAA", DAY_1, DAY_2, NOON_NS);
  look(s);
  assert_int_equal(s->others.count, 0);
  assert_false(s->others.is_unknown);
  add_sent(s, "rep-wide", "SOC 2", DAY_1, DAY_3, NOON_NS);
  add_sent(s, "rep-late", "SOC 2", DAY_1, DAY_2, NOON_NS + 2 * SECOND_NS);
  add_sent(s, "rep-early", "SOC 2", DAY_1, DAY_2, NOON_NS + SECOND_NS);
  look(s);
  assert_int_equal(s->others.count, 3);
  assert_int_equal(s->others.same_range, 2);
  assert_int_equal(s->others.named, 3);
  assert_string_equal(s->others.items[0].report_id, "rep-early");
  assert_string_equal(s->others.items[1].report_id, "rep-late");
  assert_string_equal(s->others.items[2].report_id, "rep-wide");
  assert_int_equal(s->others.items[0].made_at_ns, NOON_NS + SECOND_NS);
  assert_int_equal(s->others.items[0].entries, 7);
  assert_int_equal(s->others.items[0].controls_violated, 2);
  assert_int_equal(s->others.items[0].controls_passed, 1);
}

/* Whoever may write to Tempo may write anything; what counts is a trace whose id follows from the report's. */
static void test_what_only_says_so(void **state) {
  scene *s = *state;
  fake_trace *trace = add_sent(s, "rep-2", "SOC 2", DAY_1, DAY_2, NOON_NS);
  trace->id = fake_id(5);
  look(s);
  assert_int_equal(s->others.count, 0);
  assert_false(s->others.is_unknown);
}

static void test_texts_of_strangers(void **state) {
  scene *s = *state;
  char id[300];
  memset(id, 'x', sizeof id - 1);
  memcpy(id + 70, "\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 12); /* cut inside of a character */
  id[sizeof id - 1] = '\0';
  add_sent(s, id, "SOC 2", "\x1b[31m", "not a time", NOON_NS);
  look(s);
  assert_int_equal(s->others.count, 1); /* what its range is cannot be told, so it is shown */
  assert_int_equal(strlen(s->others.items[0].report_id), BT_OTHER_REPORT_TEXT - 1);
  json_t *json = bt_other_reports_json(&s->others);
  assert_non_null(json);
  const json_t *one = json_array_get(json_object_get(json, "reports"), 0);
  assert_non_null(json_string_value(json_object_get(one, "report_id")));
  json_decref(json);
}

static void test_more_than_are_named(void **state) {
  scene *s = *state;
  enum { MADE = BT_OTHER_REPORTS_NAMED + 5 };
  static char ids[MADE][24];
  for (int i = 0; i < MADE; i++) {
    snprintf(ids[i], sizeof ids[i], "rep-a%02d", i);
    /* The latest come first, so that each goes before those that are there. */
    add_sent(s, ids[i], "SOC 2", DAY_1, i % 2 ? DAY_2 : DAY_3, NOON_NS - i * SECOND_NS);
  }
  look(s);
  assert_int_equal(s->others.count, MADE);
  assert_int_equal(s->others.named, BT_OTHER_REPORTS_NAMED);
  assert_int_equal(s->others.same_range, MADE / 2);
  for (int i = 0; i < MADE / 2; i++) assert_true(s->others.items[i].is_same_range);
  for (int i = 1; i < BT_OTHER_REPORTS_NAMED; i++)
    assert_true(s->others.items[i - 1].is_same_range != s->others.items[i].is_same_range ||
                s->others.items[i - 1].made_at_ns < s->others.items[i].made_at_ns);
}

static void test_a_source_that_fails(void **state) {
  scene *s = *state;
  add_sent(s, "rep-2", "SOC 2", DAY_1, DAY_2, NOON_NS);
  s->fake.fail_reads = BT_UNAVAILABLE;
  look(s);
  assert_true(s->others.is_unknown);
  s->fake.fail_reads = BT_OK;
  s->fake.fail_filter = BT_OWN_REPORT;
  s->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + SECOND_NS};
  look(s);
  assert_true(s->others.is_unknown);
  json_t *json = bt_other_reports_json(&s->others);
  assert_true(json_is_null(json_object_get(json, "count")));
  json_decref(json);
  s->fake.fail_status = BT_UNAVAILABLE;
  look(s);
  assert_true(s->others.is_unknown);
}

static void test_one_that_a_batch_cannot_give(void **state) {
  scene *s = *state;
  add_sent(s, "rep-2", "SOC 2", DAY_1, DAY_2, NOON_NS)->needs_by_id = true;
  look(s);
  assert_true(s->others.is_unknown);
}

static void test_no_memory(void **state) {
  scene *s = *state;
  add_sent(s, "rep-2", "SOC 2", DAY_1, DAY_2, NOON_NS);
  bool was_refused = true;
  size_t n = 0;
  for (; was_refused; n++) {
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_report_find_others(&s->fake.source, s->document, &s->others, &error);
    was_refused = failing_alloc_stop();
    assert_true(was_refused || !status);
    assert_true(!status || status == BT_NO_MEMORY);
    /* Nothing is said to be known that was not looked at. */
    assert_true(status || s->others.count == 1 || s->others.is_unknown);
  }
  assert_true(n > 2);
  assert_int_equal(s->others.count, 1);
}

int main(void) {
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)
  const struct CMUnitTest tests[] = {IN_SCENE(test_those_that_overlap),
                                     IN_SCENE(test_what_only_says_so),
                                     IN_SCENE(test_texts_of_strangers),
                                     IN_SCENE(test_more_than_are_named),
                                     IN_SCENE(test_a_source_that_fails),
                                     IN_SCENE(test_one_that_a_batch_cannot_give),
                                     IN_SCENE(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
