/* The alerts of distribution/prometheus, as they were when the program was built. Thread: constants. */
#ifndef BT_SERVER_BACKTEST_SHIPPED_ALERTS_H
#define BT_SERVER_BACKTEST_SHIPPED_ALERTS_H

#include "dsl/base/text.h"

typedef struct bt_shipped_alerts {
  const char *name; /* of the file, without .yaml */
  bt_str text;      /* a rule file of Prometheus */
} bt_shipped_alerts;

extern const bt_shipped_alerts bt_all_shipped_alerts[]; /* name NULL: the end */

#endif
