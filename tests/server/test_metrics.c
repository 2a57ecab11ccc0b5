/* Counters, histograms, the table of rules and the Prometheus text, also under an allocator that fails at each call in
 * turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "server/metrics/exposition.h"
#include "server/metrics/metrics.h"
#include "tests/support/failing_alloc.h"

static const int64_t MS = 1000000;

static bt_metrics *make(size_t routes) {
  bt_metrics *metrics = NULL;
  assert_int_equal(bt_metrics_new(routes, &metrics, NULL), BT_OK);
  return metrics;
}

static void test_requests(void **state) {
  (void)state;
  bt_metrics *metrics = make(2);
  bt_metrics_add_request(metrics, 0, 200, 3 * MS);
  bt_metrics_add_request(metrics, 0, 204, -1);
  bt_metrics_add_request(metrics, 1, 599, MS);
  bt_metrics_add_request(metrics, SIZE_MAX, 404, 0);
  bt_metrics_add_request(metrics, 7, 404, 0);
  bt_metrics_add_request(metrics, 0, 600, 0);
  bt_metrics_add_request(metrics, 0, 0, 0);
  assert_int_equal(bt_metrics_requests(metrics, 0, 1), 2);
  assert_int_equal(bt_metrics_requests(metrics, 1, 4), 1);
  assert_int_equal(bt_metrics_requests(metrics, 2, 3), 2);
  const bt_histogram *durations = bt_metrics_request_durations(metrics, 0);
  assert_int_equal(atomic_load(&durations->sum_ns), 3 * MS);
  bt_metrics_free(metrics);
  bt_metrics_add_request(NULL, 0, 200, 0);
  bt_metrics_add_spans(NULL, BT_SPANS_ACCEPTED, 1);
  bt_metrics_rule_violation(NULL, "", "r");
}

/* A bound belongs to its bucket; the largest duration to +Inf. */
static void test_histogram_bounds(void **state) {
  (void)state;
  bt_histogram histogram = {0};
  size_t count = bt_histogram_bound_count(bt_request_bounds_ns);
  assert_true(count <= BT_HISTOGRAM_BOUNDS_MAX &&
              bt_histogram_bound_count(bt_evaluation_bounds_ns) <= BT_HISTOGRAM_BOUNDS_MAX);
  for (size_t i = 1; i < count; i++) assert_true(bt_request_bounds_ns[i] > bt_request_bounds_ns[i - 1]);
  bt_histogram_observe(&histogram, bt_request_bounds_ns, bt_request_bounds_ns[3]);
  bt_histogram_observe(&histogram, bt_request_bounds_ns, bt_request_bounds_ns[3] + 1);
  bt_histogram_observe(&histogram, bt_request_bounds_ns, INT64_MAX);
  bt_histogram_observe(&histogram, bt_request_bounds_ns, -5);
  assert_int_equal(atomic_load(&histogram.buckets[3]), 1);
  assert_int_equal(atomic_load(&histogram.buckets[4]), 1);
  assert_int_equal(atomic_load(&histogram.buckets[count]), 1);
  assert_int_equal(atomic_load(&histogram.buckets[0]), 1);
}

/* Tenant and id are two things: "a" and "bc" are not "ab" and "c". */
static void test_rules(void **state) {
  char id[32];
  (void)state;
  bt_metrics *metrics = make(1);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 1000; i++) {
      snprintf(id, sizeof id, "rule-%d", i);
      for (int j = 0; j <= i % 3; j++) bt_metrics_rule_violation(metrics, i % 2 ? "t" : NULL, id);
    }
  for (int i = 0; i < 1000; i++) {
    snprintf(id, sizeof id, "rule-%d", i);
    assert_int_equal(bt_metrics_rule(metrics, i % 2 ? "t" : "", id).violations, 2 * (i % 3 + 1));
    assert_int_equal(bt_metrics_rule(metrics, i % 2 ? "" : "t", id).violations, 0);
  }
  bt_metrics_rule_violation(metrics, "a", "bc");
  assert_int_equal(bt_metrics_rule(metrics, "ab", "c").violations, 0);
  bt_metrics_rule_evaluated(metrics, "a", "bc", 50);
  bt_metrics_rule_evaluated(metrics, "a", "bc", 40); /* an older replay that ended later */
  bt_metrics_rule_watched(metrics, "a", "bc", 30);
  bt_rule_counts counts = bt_metrics_rule(metrics, "a", "bc");
  assert_int_equal(counts.violations, 1);
  assert_int_equal(counts.last_evaluation_ns, 50);
  assert_int_equal(counts.watched_until_ns, 30);
  bt_metrics_free(metrics);
}

static void test_text(void **state) {
  const bt_label labels[] = {{"a", "x\"y\\z\nw"}, {"b", "\xC3\xA4\xFF"}, {NULL, NULL}};
  bt_histogram histogram = {0};
  static const int64_t bounds[] = {2500000, 1000000000, 0};
  (void)state;
  bt_buffer out = {0};
  bt_expose_family(&out, "m_total", "counter", "Help.");
  bt_expose_count(&out, "m_total", labels, UINT64_MAX);
  bt_expose_number(&out, "n", NULL, 0.5);
  bt_histogram_observe(&histogram, bounds, 2500000);
  bt_histogram_observe(&histogram, bounds, 2000000000);
  bt_expose_histogram(&out, "h", NULL, &histogram, bounds);
  bt_buffer_append_char(&out, '\0');
  assert_string_equal(out.ptr, "# HELP m_total Help.\n# TYPE m_total counter\n"
                               "m_total{a=\"x\\\"y\\\\z\\nw\",b=\"\xC3\xA4\xEF\xBF\xBD\"} 18446744073709551615\n"
                               "n 0.5\n"
                               "h_bucket{le=\"0.0025\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                               "h_sum 2.0025\nh_count 2\n");
  bt_buffer_dispose(&out);
}

static void test_no_memory(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    bt_metrics *metrics = NULL;
    bt_error error = {0};
    assert_true(n < 50);
    failing_alloc_after(n);
    bt_status status = bt_metrics_new(3, &metrics, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    bt_metrics_free(metrics);
    if (was_refused) continue;
    assert_true(n >= 2);
    break;
  }
}

/* A rule that there is no memory for is left out, and the others stay right; later it counts. */
static void test_no_memory_for_rules(void **state) {
  (void)state;
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_metrics *metrics = make(1);
    for (int i = 0; i < 12; i++) bt_metrics_rule_violation(metrics, "", (char[]){(char)('a' + i), '\0'});
    failing_alloc_after(n);
    for (int i = 12; i < 24; i++) bt_metrics_rule_violation(metrics, "", (char[]){(char)('a' + i), '\0'});
    was_refused = failing_alloc_stop();
    assert_int_equal(bt_metrics_rule(metrics, "", "l").violations, 1);
    assert_int_equal(bt_metrics_rule(metrics, "", "x").violations, was_refused ? 0 : 1);
    bt_metrics_rule_violation(metrics, "", "x");
    assert_int_equal(bt_metrics_rule(metrics, "", "x").violations, was_refused ? 1 : 2);
    bt_metrics_free(metrics);
    assert_true(n < 50 && (was_refused || n >= 14)); /* a key each, a larger array, a larger table */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),  cmocka_unit_test(test_histogram_bounds),
      cmocka_unit_test(test_rules),     cmocka_unit_test(test_text),
      cmocka_unit_test(test_no_memory), cmocka_unit_test(test_no_memory_for_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
