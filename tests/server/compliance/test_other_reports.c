/* Other reports in the scripted source: those of the framework that overlap, the same range first; not what only says
 * so; and not known where the source fails, has too many, or memory is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/compliance/other_reports.h"
#include "server/compliance/previous_report.h"
#include "server/compliance/report_span.h"
#include "server/compliance/signature.h"
#include "server/replay/violation.h"
#include "tempo/wire/own_trace.h"
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
  fake_trace *doubtful = add_sent(s, "rep-2", "SOC 2", DAY_1, DAY_2, NOON_NS);
  doubtful->needs_by_id = true;
  add_sent(s, "rep-3", "SOC 2", DAY_1, DAY_2, NOON_NS + SECOND_NS);
  look(s);
  assert_false(s->others.is_unknown);
  assert_int_equal(s->others.count, 2);
  assert_int_equal(doubtful->by_id_reads, 1);
  doubtful->gone_by_id = true; /* search found it, and there is none by its id */
  look(s);
  assert_true(s->others.is_unknown);
}

static void test_no_memory(void **state) {
  scene *s = *state;
  add_sent(s, "rep-2", "SOC 2", DAY_1, DAY_2, NOON_NS)->needs_by_id = true;
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

/* ---- the report before ---- */

/* The examples of RFC 8410, section 10.3, and of RFC 8032, section 7.1: known to everybody. */
static const char OURS[] = "-----BEGIN PRIVATE KEY-----\n"
                           "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                           "-----END PRIVATE KEY-----\n";
static const char THEIRS[] = "-----BEGIN PRIVATE KEY-----\n"
                             "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                             "-----END PRIVATE KEY-----\n";

#define HEAD_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEAD_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEAD_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static bt_evidence_key *read_key(const char *pem) {
  char path[] = "betrace-key-XXXXXX";
  bt_evidence_key *key = NULL;
  bt_error error = {0};
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, pem, strlen(pem)), strlen(pem));
  close(file);
  bt_status status = bt_evidence_private_key(path, &key, &error);
  unlink(path);
  assert_int_equal(status, BT_OK);
  return key;
}

/* A span whose head this key has signed. `head` and `signature` are borrowed. */
static void add_signed(scene *s, const char *id, const char *framework, const char *head, const bt_evidence_key *key,
                       char signature[BT_SIGNATURE_TEXT_BYTES], int64_t at_ns) {
  char signed_text[BT_SIGNED_TEXT_BYTES];
  bt_error error = {0};
  snprintf(signed_text, sizeof signed_text, BT_EVIDENCE_FORMAT "\n%s\n", head);
  assert_int_equal(bt_signature_make(key, bt_str_from(signed_text), signature, &error), BT_OK);
  fake_trace *trace = add_sent(s, id, framework, DAY_1, DAY_2, at_ns);
  fake_span *span = &trace->spans[0];
  span->attributes[4] = text(BT_REPORT_HEAD, head);
  span->attributes[span->attribute_count++] = text(BT_REPORT_SIGNATURE, signature);
}

typedef struct before { /* how the report before is asked for */
  bt_evidence_key *ours, *theirs;
  char signatures[6][BT_SIGNATURE_TEXT_BYTES];
  bt_previous_question question;
  bt_previous_report found;
} before;

static void begin(scene *s, before *b) {
  *b = (before){.ours = read_key(OURS), .theirs = read_key(THEIRS)};
  b->question = (bt_previous_question){.source = &s->fake.source,
                                       .tenant = "",
                                       .framework = BT_STR("SOC2"),
                                       .key = b->ours,
                                       .now_ns = NOON_NS + INT64_C(3600) * SECOND_NS,
                                       .back_ns = INT64_C(8) * 86400 * SECOND_NS};
}

static void end(before *b) {
  bt_evidence_key_free(b->ours);
  bt_evidence_key_free(b->theirs);
}

static void ask(before *b) {
  bt_error error = {0};
  if (bt_previous_report_ask(&b->question, &b->found, &error)) fail_msg("%s", error.message);
}

static void test_the_newest_that_the_key_signed_is_the_one_before(void **state) {
  scene *s = *state;
  before b;
  begin(s, &b);
  ask(&b);
  assert_int_equal(b.found.known_by, BT_KNOWN_BY_NOBODY);
  assert_non_null(strstr(b.found.reason, "the store shows no span of one since"));
  add_signed(s, "rep-a", "SOC 2", HEAD_A, b.ours, b.signatures[0], NOON_NS);
  add_signed(s, "rep-b", "soc2", HEAD_B, b.ours, b.signatures[1], NOON_NS + SECOND_NS);
  add_signed(s, "rep-hipaa", "HIPAA", HEAD_C, b.ours, b.signatures[2], NOON_NS + 2 * SECOND_NS);
  add_signed(s, "rep-theirs", "SOC 2", HEAD_C, b.theirs, b.signatures[3], NOON_NS + 3 * SECOND_NS);
  add_sent(s, "rep-unsigned", "SOC 2", DAY_1, DAY_2, NOON_NS + 4 * SECOND_NS);
  ask(&b);
  assert_int_equal(b.found.known_by, BT_KNOWN_BY_SPAN);
  assert_string_equal(b.found.report_id, "rep-b");
  assert_string_equal(b.found.head, HEAD_B);
  json_t *json = bt_previous_report_json(&b.found);
  assert_true(bt_previous_report_is_right(json));
  json_decref(json);
  end(&b);
}

/* The key was changed: the chain goes on from a report that the one of before has signed, if the service is told of it.
 */
static void test_a_key_of_before_counts_where_it_is_told(void **state) {
  scene *s = *state;
  before b;
  begin(s, &b);
  bt_evidence_keys older = {.items = {b.theirs}, .count = 1};
  add_signed(s, "rep-a", "SOC 2", HEAD_A, b.theirs, b.signatures[0], NOON_NS);
  ask(&b);
  assert_int_equal(b.found.known_by, BT_KNOWN_BY_NOBODY);
  b.question.older_keys = &older;
  ask(&b);
  assert_string_equal(b.found.head, HEAD_A);
  add_signed(s, "rep-b", "SOC 2", HEAD_B, b.ours, b.signatures[1], NOON_NS + SECOND_NS);
  ask(&b);
  assert_string_equal(b.found.head, HEAD_B);
  end(&b);
}

static void test_one_of_before_yesterday(void **state) {
  scene *s = *state;
  before b;
  begin(s, &b);
  add_signed(s, "rep-a", "SOC 2", HEAD_A, b.ours, b.signatures[0], NOON_NS);
  b.question.now_ns = NOON_NS + INT64_C(5) * 86400 * SECOND_NS;
  ask(&b);
  assert_string_equal(b.found.head, HEAD_A);
  b.question.back_ns = INT64_C(4) * 86400 * SECOND_NS;
  ask(&b);
  assert_int_equal(b.found.known_by, BT_KNOWN_BY_NOBODY);
  end(&b);
}

/* A newer one may be among what could not be looked at. */
static void test_a_source_that_fails_names_none(void **state) {
  scene *s = *state;
  before b;
  begin(s, &b);
  add_signed(s, "rep-a", "SOC 2", HEAD_A, b.ours, b.signatures[0], NOON_NS);
  s->fake.fail_filter = BT_OWN_REPORT;
  s->fake.fail_range = (bt_time_range){NOON_NS + SECOND_NS, NOON_NS + 2 * SECOND_NS};
  ask(&b);
  assert_int_equal(b.found.known_by, BT_KNOWN_BY_NOBODY);
  assert_non_null(strstr(b.found.reason, "could not be asked"));
  json_t *json = bt_previous_report_json(&b.found);
  assert_true(bt_previous_report_is_right(json));
  json_decref(json);
  end(&b);
}

static void test_no_memory_for_the_one_before(void **state) {
  scene *s = *state;
  before b;
  begin(s, &b);
  add_signed(s, "rep-a", "SOC 2", HEAD_A, b.ours, b.signatures[0], NOON_NS);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_previous_report_ask(&b.question, &b.found, &error);
    was_refused = failing_alloc_stop();
    assert_true(was_refused || !status);
    /* What is named was found; else it is said that it is not known. */
    assert_true(status == BT_NO_MEMORY || b.found.known_by == BT_KNOWN_BY_SPAN || b.found.reason[0]);
  }
  assert_string_equal(b.found.head, HEAD_A);
  end(&b);
}

static void test_each_framework_of_each_tenant_has_a_last_one(void **state) {
  bt_last_reports *last = bt_last_reports_new();
  bt_previous_report found;
  bt_error error = {0};
  (void)state;
  assert_non_null(last);
  assert_false(bt_last_reports_find(last, "", BT_STR("soc2"), &found));
  assert_int_equal(bt_last_reports_set(last, "", BT_STR("soc2"), "rep-a", HEAD_A, &error), BT_OK);
  assert_int_equal(bt_last_reports_set(last, "acme", BT_STR("soc2"), "rep-b", HEAD_B, &error), BT_OK);
  assert_int_equal(bt_last_reports_set(last, "", BT_STR("SOC 2"), "rep-c", HEAD_C, &error), BT_OK);
  assert_true(bt_last_reports_find(last, "", BT_STR("soc-2"), &found));
  assert_string_equal(found.report_id, "rep-c");
  assert_true(bt_last_reports_find(last, "acme", BT_STR("SOC2"), &found));
  assert_string_equal(found.head, HEAD_B);
  assert_false(bt_last_reports_find(last, "acme", BT_STR("hipaa"), &found));
  for (int i = 0; i < 2500; i++) { /* more than there is room for: the oldest go, and nothing else */
    char tenant[16];
    snprintf(tenant, sizeof tenant, "t%d", i);
    assert_int_equal(bt_last_reports_set(last, tenant, BT_STR("soc2"), "rep-d", HEAD_A, &error), BT_OK);
  }
  assert_false(bt_last_reports_find(last, "acme", BT_STR("soc2"), &found));
  assert_true(bt_last_reports_find(last, "t2499", BT_STR("soc2"), &found));
  assert_true(bt_last_reports_find(last, "t1000", BT_STR("soc2"), &found));
  bt_last_reports_free(last);
}

int main(void) {
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)
  const struct CMUnitTest tests[] = {IN_SCENE(test_those_that_overlap),
                                     IN_SCENE(test_what_only_says_so),
                                     IN_SCENE(test_texts_of_strangers),
                                     IN_SCENE(test_more_than_are_named),
                                     IN_SCENE(test_a_source_that_fails),
                                     IN_SCENE(test_one_that_a_batch_cannot_give),
                                     IN_SCENE(test_no_memory),
                                     IN_SCENE(test_the_newest_that_the_key_signed_is_the_one_before),
                                     IN_SCENE(test_a_key_of_before_counts_where_it_is_told),
                                     IN_SCENE(test_one_of_before_yesterday),
                                     IN_SCENE(test_a_source_that_fails_names_none),
                                     IN_SCENE(test_no_memory_for_the_one_before),
                                     IN_SCENE(test_each_framework_of_each_tenant_has_a_last_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
