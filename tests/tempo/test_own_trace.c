/* Which traces are BeTrace's own: the names alone do not make one, the derived ids do. With a digest that is easy to
 * follow: its bytes are a sum over the fields, the same for the same fields and another for others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tempo/wire/own_trace.h"

static bool digest_by_sum(const bt_str *fields, size_t count, uint8_t digest[32]) {
  uint64_t sum = 7;
  for (size_t i = 0; i < count; i++) sum = sum * 1000003 + bt_str_hash(fields[i]);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)((sum = sum * 6364136223846793005u + 1442695040888963407u) >> 56);
  return true;
}

static const bt_trace_id violating = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

typedef struct fixture {
  bt_attribute attributes[3];
  bt_resource resource;
  bt_span spans[3];
  bt_trace trace;
} fixture;

static bt_attribute text(const char *key, const char *value) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(value)}};
}

static void make_violation(fixture *f, bt_str tenant) {
  bt_own_ids ids;
  assert_true(bt_own_violation_ids(tenant, BT_STR("slow"), BT_STR("c0ffee"), &violating, &ids));
  *f = (fixture){.attributes = {text(BT_OWN_RULE_ID, "slow"), text(BT_OWN_CONDITION_HASH, "c0ffee"),
                                text(BT_OWN_TRACE_ID, "0102030405060708090a0b0c0d0e0f10")},
                 .resource = {.service = BT_STR(BT_OWN_SERVICE)}};
  for (int i = 0; i < 3; i++)
    f->spans[i] = (bt_span){.id = i ? ids.retraction_id : ids.span_id,
                            .name = BT_STR(BT_OWN_VIOLATION),
                            .resource = &f->resource,
                            .attributes = {f->attributes, 3}};
  f->trace = (bt_trace){.id = ids.trace_id, .spans = f->spans, .span_count = 1};
}

static void test_violation(void **state) {
  (void)state;
  fixture f;
  make_violation(&f, BT_STR(""));
  assert_true(bt_trace_is_own(&f.trace, BT_STR("")));
  assert_false(bt_trace_is_own(&f.trace, BT_STR("other")));
  f.trace.span_count = 2; /* retracted */
  assert_true(bt_trace_is_own(&f.trace, BT_STR("")));
  f.trace.span_count = 3;
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  f.trace.span_count = 0;
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR("b"));
  assert_true(bt_trace_is_own(&f.trace, BT_STR("a|b")));
  assert_true(bt_trace_is_own(&f.trace, BT_STR("b|c")));
  assert_false(bt_trace_is_own(&f.trace, BT_STR("a|c")));
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
}

/* Each of these is a trace that somebody else made: it must be evaluated. */
static void test_what_only_looks_like_one(void **state) {
  (void)state;
  fixture f;
  make_violation(&f, BT_STR(""));
  f.trace.id.bytes[0] ^= 1;
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.spans[0].id.bytes[7] ^= 1;
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.spans[0].name = BT_STR("betrace.violations");
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.resource.service = BT_STR("shop");
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.attributes[0].value = (bt_value){.type = BT_VALUE_INT, .integer = 1};
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.attributes[1] = text(BT_OWN_CONDITION_HASH, "c0ffef");
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.attributes[2] = text(BT_OWN_TRACE_ID, "not hex");
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.spans[0].attributes.count = 2;
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  make_violation(&f, BT_STR(""));
  f.trace.span_count = 2;
  f.spans[1].name = BT_STR("pii.read"); /* a second span of somebody else */
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
}

static void check_record(const char *name, const char *key, const char *other_name) {
  fixture f = {.attributes = {text(key, "2026-01-01T00:00:00Z")}, .resource = {.service = BT_STR(BT_OWN_SERVICE)}};
  bt_own_ids ids;
  assert_true(bt_own_record_ids(BT_STR("t"), bt_str_from(name), BT_STR("2026-01-01T00:00:00Z"), &ids));
  f.spans[0] =
      (bt_span){.id = ids.span_id, .name = bt_str_from(name), .resource = &f.resource, .attributes = {f.attributes, 1}};
  f.trace = (bt_trace){.id = ids.trace_id, .spans = f.spans, .span_count = 1};
  assert_true(bt_trace_is_own(&f.trace, BT_STR("t")));
  f.spans[0].name = bt_str_from(other_name);
  assert_false(bt_trace_is_own(&f.trace, BT_STR("t")));
}

static void test_checkpoints_and_reports(void **state) {
  (void)state;
  check_record(BT_OWN_WATCH, BT_OWN_UNTIL, BT_OWN_REPORT);
  check_record(BT_OWN_REPORT, BT_OWN_REPORT_ID, BT_OWN_WATCH);
}

static void test_without_a_digest_nothing_is_left_out(void **state) {
  (void)state;
  fixture f;
  make_violation(&f, BT_STR(""));
  bt_own_trace_use(NULL);
  assert_false(bt_trace_is_own(&f.trace, BT_STR("")));
  bt_own_trace_use(digest_by_sum);
}

int main(void) {
  bt_own_trace_use(digest_by_sum);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_violation), cmocka_unit_test(test_what_only_looks_like_one),
                                     cmocka_unit_test(test_checkpoints_and_reports),
                                     cmocka_unit_test(test_without_a_digest_nothing_is_left_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
