/* A backtest of alerts, as `betrace backtest --json` shows it. Thread: no state. */
#ifndef BT_SERVER_JSON_BACKTEST_JSON_H
#define BT_SERVER_JSON_BACKTEST_JSON_H

#include <jansson.h>

#include "server/query/alert_backtest.h"

/* new: {status, alerts, rules, range, …}; of each alert at most so many firings, the first ones. NULL: no memory. */
json_t *bt_backtest_json(const bt_alert_backtest *backtest, size_t most_firings);

#endif
