/* Rule files of Prometheus: groups of alerts and recorded series, in their order. What has no part in whether an alert
 * fires is passed over: annotations, and limits of what is remembered. Thread: a set belongs to one thread. */
#ifndef BT_SERVER_BACKTEST_ALERT_RULES_H
#define BT_SERVER_BACKTEST_ALERT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "server/backtest/label_table.h"
#include "server/backtest/promql.h"

typedef struct bt_alert_rule {
  bt_str name;    /* of the alert, or of the recorded series */
  bool is_record; /* else it is an alert */
  bt_promql expression;
  int64_t for_ms, keep_firing_ms;
  bt_label *labels;
  size_t label_count;
  const char *file; /* in the arena */
  unsigned line;
  int64_t interval_ms; /* of its group; 0: that of the run */
  bt_str group;
  bool is_twin; /* an alert before it has the same name, expression, labels and times: what they do is one alert */
  size_t twin_of;
} bt_alert_rule;

typedef struct bt_alert_rules { /* bt_alert_rules_init, …_dispose */
  bt_arena arena;
  bt_alert_rule *rules; /* groups one after the other */
  size_t count, capacity;
} bt_alert_rules;

void bt_alert_rules_init(bt_alert_rules *rules);
void bt_alert_rules_dispose(bt_alert_rules *rules);
/* Adds those of a file's text. BT_INVALID: "file:line:column: …". BT_LIMIT, BT_NO_MEMORY. */
bt_status bt_alert_rules_add(bt_alert_rules *rules, bt_str text, const char *file, bt_error *error) BT_MUST_CHECK;
/* Whether some expression may look at the metric. */
bool bt_alert_rules_look_at(const bt_alert_rules *rules, bt_str metric);
/* Adds the alerts that are shipped (shipped_alerts.h). BT_NO_MEMORY alone. */
bt_status bt_alert_rules_add_shipped(bt_alert_rules *rules, bt_error *error) BT_MUST_CHECK;

#endif
