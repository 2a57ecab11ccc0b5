/* Alerts held against the past: rules of Prometheus evaluated over series, step by step, as its rule manager does. A
 * page is an alert that fires. A gap in a series leaves open what rests on it, and is no silence. Thread: a backtest
 * belongs to one thread. */
#ifndef BT_SERVER_BACKTEST_H
#define BT_SERVER_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/backtest/alert_rules.h"
#include "server/backtest/label_table.h"
#include "server/backtest/promql_eval.h"
#include "server/backtest/series_store.h"
#include "tempo/wire/cancellation.h"

typedef struct bt_time_gap { /* [start, end], milliseconds */
  int64_t start_ms, end_ms;
} bt_time_gap;

typedef struct bt_time_gaps { /* bt_time_gaps_dispose */
  bt_time_gap *items;
  size_t count, capacity;
} bt_time_gaps;

typedef enum bt_series_origin { BT_SERIES_COUNTED, BT_SERIES_ASSUMED } bt_series_origin;

typedef struct bt_input_series { /* what is not written by a rule */
  size_t series;                 /* in the store */
  bt_series_origin origin;
  bt_time_gaps gaps; /* where it is not known */
} bt_input_series;

typedef struct bt_alert_page {
  size_t rule;
  bt_label_set labels; /* the alert's */
  int64_t active_ms, fired_ms;
  int64_t resolved_ms; /* 0: it fires at the end */
} bt_alert_page;

typedef enum bt_alert_basis {
  BT_ALERT_ON_COUNTS,  /* some series that it looks at was counted */
  BT_ALERT_ON_ASSUMED, /* all of them are assumed */
  BT_ALERT_ON_NOTHING  /* there is none of them */
} bt_alert_basis;

typedef struct bt_missing_series { /* what a rule looks at and what no rule writes */
  bt_str selector;                 /* as it is written */
  bt_str rule_id;  /* the part of its pattern that takes the id of no rule; empty: it takes no series at all */
  bool is_counted; /* of a metric that is counted: other rules would have it */
} bt_missing_series;

typedef struct bt_rule_outcome {
  bt_alert_basis basis;
  bt_time_gaps unknown; /* when its answer rests on what is not known */
  bt_missing_series *missing;
  size_t missing_count, missing_capacity;
  size_t failures;   /* evaluations that Prometheus would refuse */
  char failure[240]; /* the first one */
} bt_rule_outcome;

typedef struct bt_rule_state bt_rule_state;

typedef struct bt_backtest { /* bt_backtest_init, …_dispose */
  bt_alert_rules rules;      /* added by the caller, before anything is run */
  bt_label_table table;
  bt_series_store store;
  bt_promql_context context;
  bt_input_series *inputs;
  size_t input_count, input_capacity;
  int64_t start_ms, end_ms,
      interval_ms;         /* set by the caller: evaluations are at multiples of the interval, both ends */
  int64_t lacking_ms;      /* of the range, in which nothing is there: set by the caller; counts for no week */
  const bt_cancel *cancel; /* set by the caller, or NULL */
  bt_rule_state *states;
  bt_rule_outcome *outcomes; /* of each rule */
  bt_alert_page *pages;      /* in the order in which they fired */
  size_t page_count, page_capacity;
  size_t evaluations;
} bt_backtest;

void bt_backtest_init(bt_backtest *backtest);
void bt_backtest_dispose(bt_backtest *backtest);
/* The number of a new input; UINT32_MAX: no memory. */
size_t bt_backtest_add_series(bt_backtest *backtest, const bt_label *labels, size_t count, bt_series_origin origin);
/* BT_NO_MEMORY alone. Times rise. */
bt_status bt_backtest_add_sample(bt_backtest *backtest, size_t input, int64_t time_ms, double value,
                                 bt_error *error) BT_MUST_CHECK;
/* Nothing is known of the input at that time, and it has no sample there. BT_NO_MEMORY alone. */
bt_status bt_backtest_add_gap(bt_backtest *backtest, size_t input, int64_t time_ms, bt_error *error) BT_MUST_CHECK;

/* Evaluates everything, once. progress may be NULL. BT_INVALID: no time or too many steps. BT_CANCELLED, BT_NO_MEMORY.
 */
bt_status bt_backtest_run(bt_backtest *backtest, void (*progress)(void *context, double fraction), void *context,
                          bt_error *error) BT_MUST_CHECK;
/* After that: evaluates one alert alone once more, with what its rule says now, and counts its pages. What it wrote the
 * first time is gone then. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_backtest_count_again(bt_backtest *backtest, size_t rule, size_t *pages, bt_error *error) BT_MUST_CHECK;

/* Keeps in order and merges with what it touches. False: no memory. */
bool bt_time_gaps_add(bt_time_gaps *gaps, int64_t start_ms, int64_t end_ms);
void bt_time_gaps_dispose(bt_time_gaps *gaps);
/* Whether what it says is open because it looks at series that are not there. An alert on nothing that is counted is
 * not tested, which is not open. */
bool bt_rule_outcome_lacks(const bt_rule_outcome *outcome);
/* Sets the outcome's basis, unknown times and missing series of each rule. For backtest.c. BT_NO_MEMORY alone. */
bt_status bt_backtest_find_basis(bt_backtest *backtest, bt_error *error) BT_MUST_CHECK;

#endif
