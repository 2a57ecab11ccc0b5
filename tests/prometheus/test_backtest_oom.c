/* Every allocation of reading a file of alerts and of evaluating it fails in turn, with those after it and alone:
 * BT_NO_MEMORY, nothing leaks, and what does not fail makes the same pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/backtest/alert_summary.h"
#include "server/backtest/backtest.h"
#include "tests/support/failing_alloc.h"

static const char text[] =
    "groups:\n"
    "- name: g\n"
    "  interval: 1m\n"
    "  rules:\n"
    "  - record: r:rate5m\n"
    "    expr: sum by (rule_id) (rate(betrace_violations_total{rule_id=~\"a|b|gone\", job!~\"x.*\"}[5m]))\n"
    "    labels: {kept: '1'}\n"
    "  - alert: Held\n"
    "    expr: r:rate5m * 300 > 14.4 * 0.001 and on (rule_id) avg without (job) (abs(betrace_violations_total)) >= 0\n"
    "    for: 2m\n"
    "    keep_firing_for: 3m\n"
    "    labels: {severity: page, team: a}\n"
    "  - alert: Held\n"
    "    expr: increase(betrace_violations_total[2m]) > 0 or 0 * ALERTS{alertname=\"Held\", alertstate=\"firing\"}\n"
    "  - alert: Gone\n"
    "    expr: absent(up{job=\"a\"}) unless on () (maintenance == 1 or vector(time()) < bool 5)\n"
    "  - alert: Gone\n"
    "    expr: absent(up{job=\"a\"}) unless on () (maintenance == 1 or vector(time()) < bool 5)\n"
    "  - alert: Twice\n"
    "    expr: '{__name__=~\"betrace_.*_total\"} * 1'\n";
enum { MINUTES = 40, MOST_ALLOCATIONS = 100000, PAGES = 20 };

/* Bursts of violations of two rules, a metric of the same labels, and one that ends. */
static bt_status add_samples(bt_backtest *b, bt_error *error) {
  static const char *const names[] = {"betrace_violations_total", "betrace_violations_total", "betrace_exercised_total",
                                      "up"};
  bt_status status = BT_OK;
  for (size_t i = 0; i < 4 && !status; i++) {
    const bt_label labels[] = {{BT_METRIC_NAME, bt_str_from(names[i])},
                               {BT_STR("rule_id"), i == 1 ? BT_STR("b") : BT_STR("a")},
                               {BT_STR("job"), BT_STR("a")}};
    size_t input = bt_backtest_add_series(b, labels, 3, i == 3 ? BT_SERIES_ASSUMED : BT_SERIES_COUNTED);
    if (input == UINT32_MAX) return bt_error_no_memory(error);
    for (int64_t minute = 0; minute < (i == 3 ? 10 : MINUTES) && !status; minute++)
      status = minute == 7 ? bt_backtest_add_gap(b, input, minute * 60000, error)
                           : bt_backtest_add_sample(b, input, minute * 60000, (double)(minute / 10), error);
  }
  return status;
}

static bt_status backtest(size_t *pages, bt_error *error) {
  const bt_page_limits limits = {.per_week = 1};
  bt_alert_summary *alerts = NULL;
  size_t count;
  bt_backtest b;
  bt_backtest_init(&b);
  b.end_ms = INT64_C(60000) * MINUTES;
  b.interval_ms = 60000;
  bt_status status = bt_alert_rules_add(&b.rules, bt_str_from(text), "f.yaml", error);
  if (!status) status = add_samples(&b, error);
  if (!status) status = bt_backtest_run(&b, NULL, NULL, error);
  if (!status) status = bt_backtest_summarize(&b, &limits, &alerts, &count, error);
  *pages = b.page_count;
  free(alerts);
  bt_backtest_dispose(&b);
  return status;
}

static void fail_in_turn(void (*refuse)(size_t n)) {
  for (size_t n = 0;; n++) {
    assert_true(n < MOST_ALLOCATIONS);
    bt_error error = {0};
    size_t pages;
    refuse(n);
    bt_status status = backtest(&pages, &error);
    bool was_refused = failing_alloc_stop();
    if (was_refused != (status == BT_NO_MEMORY)) print_error("allocation %zu: %d %s\n", n, status, error.message);
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    if (was_refused) continue;
    assert_int_equal(pages, PAGES);
    assert_true(n > 100);
    return;
  }
}

static void all_from_one_on_fail(void **state) {
  (void)state;
  fail_in_turn(failing_alloc_after);
}

static void one_alone_fails(void **state) {
  (void)state;
  fail_in_turn(failing_alloc_once);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_from_one_on_fail), cmocka_unit_test(one_alone_fails)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
