/* The entry of one rule in a report: its text, who changed it when, since when it is under watch, how it is searched,
 * what was counted and which traces show it. For report_builder.c alone. Thread: the caller's. */
#ifndef BT_SERVER_RULE_ENTRY_H
#define BT_SERVER_RULE_ENTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/compliance/framework_map.h"
#include "server/compliance/measurement.h"
#include "server/compliance/report_builder.h"
#include "server/watch/watch.h"

typedef struct bt_rule_entry_parts {
  const bt_report_request *request;
  const bt_framework_map *map;
  const bt_measured *measured;
  const bt_measured *by_service; /* its text measured with the service's settings; NULL: these are its own */
  bt_finding finding, service_finding;
  const char *reason, *service_reason;
  const bt_watch_status *watch; /* of the tenant; NULL: nothing is watched */
} bt_rule_entry_parts;

/* new. *withdrawn: whether it decided inside the range and does so no more. BT_NOT_FOUND: there is no such rule. BT_IO:
 * the store cannot be read. BT_NO_MEMORY. */
bt_status bt_rule_entry_json(const bt_rule_entry_parts *parts, json_t **out, bool *withdrawn,
                             bt_error *error) BT_MUST_CHECK;
/* How a rule's condition came to be what is evaluated: it may have been another one in the range. */
typedef struct bt_condition_changes {
  size_t count; /* since the start of the range; 0: it was this one all the time */
  int64_t last_at_ns;
  char last_by[80]; /* "": nobody is known */
} bt_condition_changes;
/* BT_NOT_FOUND: there is no such rule. BT_IO: the store cannot be read. BT_NO_MEMORY. */
bt_status bt_condition_changes_find(const bt_report_request *request, const char *rule_id, bt_condition_changes *out,
                                    bt_error *error) BT_MUST_CHECK;

/* {evaluated, exercised, satisfied, violated, inconclusive, …, exact}; new. NULL: no memory. */
json_t *bt_measured_json(const bt_measured *measured);

#endif
