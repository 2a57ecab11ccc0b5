/* Alerts of Prometheus held against what rules violated in the past: the series that `/metrics` would have had are
 * counted, step by step, and the alerts evaluated over them. What is not about traces (whether BeTrace can be scraped,
 * whether watch keeps up) is assumed to be well. Thread: the caller's; the source may use others. */
#ifndef BT_SERVER_QUERY_ALERT_BACKTEST_H
#define BT_SERVER_QUERY_ALERT_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/backtest/alert_summary.h"
#include "server/backtest/backtest.h"
#include "server/query/counted_steps.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

typedef struct bt_counted_rule {
  const bt_rule_definition *rule; /* borrowed */
  uint64_t violations, exercised; /* of steps that are known */
  bool has_exercised;             /* of some step; else that series is a gap from end to end */
  size_t unknown;                 /* steps in which violations are not known */
} bt_counted_rule;

typedef struct bt_alert_backtest { /* bt_alert_backtest_init, …_dispose */
  bt_backtest backtest;            /* its rules are added by the caller */
  bt_counted_steps steps;
  bt_counted_rule *rules;
  size_t rule_count;
  bt_alert_summary *alerts;
  size_t alert_count;
  int64_t evaluating_ns; /* how long the alerts took, without what was counted */
} bt_alert_backtest;

typedef struct bt_alert_backtest_progress { /* both may be NULL */
  void (*counting)(void *context, double fraction, const bt_replay_result *so_far);
  void (*evaluating)(void *context, double fraction);
} bt_alert_backtest_progress;

void bt_alert_backtest_init(bt_alert_backtest *out);
void bt_alert_backtest_dispose(bt_alert_backtest *backtest);
/* Of asked, rules, range, assumptions, tenant and cancel are looked at; the range is made of whole steps. Errors are
 * those of bt_counted_steps_find and bt_backtest_run. */
bt_status bt_alert_backtest_run(bt_source *source, const bt_replay_request *asked, int64_t step_ns,
                                const bt_page_limits *limits, const bt_alert_backtest_progress *progress,
                                bt_alert_backtest *out, bt_error *error) BT_MUST_CHECK;

/* The metrics that are assumed to be well, with a blank between. */
extern const char *const bt_assumed_metrics;
/* How long what the alert says is not known, of the range. */
int64_t bt_alert_unknown_ms(const bt_alert_backtest *backtest, const bt_alert_summary *alert);
/* Whether something that was counted is not known, or some alert could not be evaluated. */
bool bt_alert_backtest_lacks(const bt_alert_backtest *backtest);

#endif
