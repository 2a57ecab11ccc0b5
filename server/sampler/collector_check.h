/* Whether a file of the Collector has the policies that rules need, as the rules are now. Names say of which condition
 * a policy is; that nobody changed what stands under the name is seen by comparing it with what betrace would write.
 * Thread: no state. */
#ifndef BT_SERVER_SAMPLER_COLLECTOR_CHECK_H
#define BT_SERVER_SAMPLER_COLLECTOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/rule_definition.h"

typedef enum bt_policy_fault {
  BT_POLICY_MISSING,
  BT_POLICY_EDITED,   /* the name is right, and what it keeps is not */
  BT_POLICY_STALE,    /* the rule has another condition now */
  BT_POLICY_LEFT_OVER /* none of the rules has its id: it costs traces that are kept, and loses none */
} bt_policy_fault;
enum { BT_POLICY_FAULTS = BT_POLICY_LEFT_OVER + 1 };
const char *bt_policy_fault_name(bt_policy_fault fault); /* "missing", "edited", "stale", "left_over" */

typedef struct bt_policy_finding {
  bt_policy_fault fault;
  bt_str name; /* of the file or of `needed` */
} bt_policy_finding;

typedef struct bt_collector_check { /* all-zero at first */
  bt_policy_finding *items;
  size_t count, capacity, counts[BT_POLICY_FAULTS];
  bt_buffer needed;  /* what betrace writes for the rules */
  bt_buffer dropper; /* a policy of type drop goes before ours: its name; empty: none does */
  /* Why what policies keep was not compared: anchors and tags are the Collector's to read. "": it was. */
  char uncompared[300];
} bt_collector_check;

/* keep_percent: 0: no policy keeps a part of the rest. file is borrowed until dispose. BT_NO_MEMORY alone; dispose in
 * every case. */
bt_status bt_collector_check_run(bt_collector_check *check, const bt_rule_definition *const *rules, size_t count,
                                 double keep_percent, bt_str file, const char *file_name,
                                 bt_error *error) BT_MUST_CHECK;
/* A trace that violates a rule may be dropped. */
bool bt_collector_is_behind(const bt_collector_check *check);
void bt_collector_check_dispose(bt_collector_check *check);

#endif
