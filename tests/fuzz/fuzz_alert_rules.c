/* Rule files of Prometheus from anywhere: no crash, a message with each refusal, and what was taken is evaluated over a
 * few samples. Alerts that fire were active before, and resolve after. */
#include <stdint.h>
#include <stdlib.h>

#include "server/backtest/backtest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

enum { MINUTES = 12 };

static void add_samples(bt_backtest *b) {
  bt_error error = {0};
  for (size_t i = 0; i < 2; i++) {
    bt_label labels[] = {{BT_METRIC_NAME, i ? BT_STR("up") : BT_STR("betrace_violations_total")},
                         {BT_STR("rule_id"), BT_STR("a")}};
    size_t input = bt_backtest_add_series(b, labels, 2, i ? BT_SERIES_ASSUMED : BT_SERIES_COUNTED);
    for (int64_t minute = 0; minute < MINUTES; minute++)
      require(bt_backtest_add_sample(b, input, minute * 60000, (double)(minute % 5), &error) == BT_OK);
    require(bt_backtest_add_gap(b, input, INT64_C(120000), &error) == BT_OK);
  }
}

static void check_pages(const bt_backtest *b) {
  for (size_t i = 0; i < b->page_count; i++) {
    const bt_alert_page *page = &b->pages[i];
    require(page->active_ms <= page->fired_ms && !b->rules.rules[page->rule].is_record);
    require(page->fired_ms - page->active_ms >= b->rules.rules[page->rule].for_ms);
    require(!page->resolved_ms || page->resolved_ms > page->fired_ms);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_backtest b;
  bt_error error = {0};
  bt_backtest_init(&b);
  bt_status status = bt_alert_rules_add(&b.rules, (bt_str){(const char *)data, size}, "fuzz", &error);
  require(status == BT_OK || error.message[0]);
  if (!status && b.rules.count && b.rules.count < 100) {
    add_samples(&b);
    b.end_ms = INT64_C(60000) * MINUTES;
    b.interval_ms = 60000;
    status = bt_backtest_run(&b, NULL, NULL, &error);
    require(status == BT_OK || error.message[0]);
    if (!status) check_pages(&b);
  }
  bt_backtest_dispose(&b);
  return 0;
}
