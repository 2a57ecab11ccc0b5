/* A backtest of alerts for a tired reader. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_BACKTEST_PRINT_H
#define BT_SERVER_CLI_LAB_BACKTEST_PRINT_H

#include <stddef.h>

#include "server/query/alert_backtest.h"

/* Worst alerts first, at most `most` pages of each; then what was counted, what was assumed, and what it took. */
void bt_backtest_print(const bt_alert_backtest *backtest, const bt_page_limits *limits, size_t most);

#endif
