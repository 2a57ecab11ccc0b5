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
#include "server/replay/unseen_names.h"
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
  bt_memory_hold hold;   /* of series */
} bt_alert_backtest;

typedef enum bt_alert_ending {
  BT_ALERTS_SELDOM,    /* none pages too often */
  BT_ALERTS_TOO_OFTEN, /* some does */
  BT_ALERTS_UNKNOWN    /* none does as far as is known, and something is not */
} bt_alert_ending;

typedef struct bt_alert_backtest_progress { /* all may be NULL */
  void (*counting)(void *context, double fraction, const bt_replay_result *so_far);
  void (*evaluating)(void *context, double fraction);
  const bt_cancel *cancel; /* of the evaluation; what is asked has that of counting */
} bt_alert_backtest_progress;

void bt_alert_backtest_init(bt_alert_backtest *out);
void bt_alert_backtest_dispose(bt_alert_backtest *backtest);
/* What of the range that is asked for is evaluated, in whole steps. It ends before traces that are so young that they
 * may still get spans. A file may end within a step, and that step is counted where nobody said an end. */
bt_time_range bt_alert_backtest_range(bt_source *source, const bt_replay_request *asked, bool has_end, int64_t step_ns);
/* Of asked, rules, range, assumptions, tenant, memory and cancel are looked at; the range is made of whole steps. What
 * was not counted when it was cancelled is not known. Errors are those of bt_counted_steps_find and bt_backtest_run;
 * BT_LIMIT: there is no room for the series. */
bt_status bt_alert_backtest_run(bt_source *source, const bt_replay_request *asked, int64_t step_ns,
                                const bt_page_limits *limits, const bt_alert_backtest_progress *progress,
                                bt_alert_backtest *out, bt_error *error) BT_MUST_CHECK;

/* The metrics that are assumed to be well, with a blank between. */
extern const char *const bt_assumed_metrics;
/* How long what the alert says is not known, of the range. */
int64_t bt_alert_unknown_ms(const bt_alert_backtest *backtest, const bt_alert_summary *alert);
/* Whether something that was counted is not known, or some alert could not be evaluated. */
bool bt_alert_backtest_lacks(const bt_alert_backtest *backtest);
bt_alert_ending bt_alert_backtest_judge(const bt_alert_backtest *backtest);
/* What has to be said of rules that nothing exercised, or that forbid what never comes: alerts on them make no page
 * whatever happens. asked is that of the run. BT_NO_MEMORY alone. */
bt_status bt_alert_backtest_words(bt_source *source, const bt_replay_request *asked, const bt_alert_backtest *backtest,
                                  bt_rule_words *out, bt_error *error) BT_MUST_CHECK;

#endif
