/* What a backtest says of an alert to people: how often it pages, how often at night, and what would make it page
 * seldom enough. Thread: that of the backtest. */
#ifndef BT_SERVER_BACKTEST_ALERT_SUMMARY_H
#define BT_SERVER_BACKTEST_ALERT_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/backtest/backtest.h"

typedef struct bt_page_limits {
  double per_week;             /* more is too often */
  int night_from, night_until; /* hours; equal: there is no night */
  int64_t zone_ms;             /* of the night: added to UTC */
} bt_page_limits;

extern const bt_page_limits bt_page_limits_usual; /* one a week; 22 to 7 UTC */
/* "22-7": hours from 0 to 24. False: it is something else, and nothing has changed. */
bool bt_page_night_parse(bt_str text, bt_page_limits *limits);
/* "+02:00", "-07:00". False as above. */
bool bt_page_zone_parse(bt_str text, bt_page_limits *limits);

typedef struct bt_severity_pages {
  bt_str severity; /* of the alert's labels; empty: it has none */
  size_t pages, at_night;
} bt_severity_pages;

enum { BT_SEVERITIES = 8 /* that are told apart; the last one holds what is left */ };

typedef struct bt_alert_summary {
  size_t rule;
  size_t pages, at_night;
  double per_week;
  int64_t firing_ms, longest_ms; /* of all pages, and of the longest one */
  bool is_too_often;
  bt_severity_pages severities[BT_SEVERITIES];
  size_t severity_count;
  bool has_for, has_threshold; /* some other value is seldom enough: the least one that was tried */
  int64_t for_ms;
  size_t for_pages; /* with that one */
  double number_instead, number_there;
  size_t threshold_offset; /* bytes: where the comparison is in the expression */
  size_t threshold_pages;
} bt_alert_summary;

/* Weeks that were looked at. */
double bt_backtest_weeks(const bt_backtest *backtest);
bool bt_page_is_at_night(const bt_page_limits *limits, int64_t time_ms);
/* Of each alert but twins after bt_backtest_run, in the order of the rules; *out is the caller's to free. BT_NO_MEMORY.
 */
bt_status bt_backtest_summarize(bt_backtest *backtest, const bt_page_limits *limits, bt_alert_summary **out,
                                size_t *count, bt_error *error) BT_MUST_CHECK;

#endif
