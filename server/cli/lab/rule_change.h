/* What changed between two versions of rule files, and which verdicts that changes: what `betrace diff` counts and
 * shows. A trace changes where one version is violated and the other is not. Thread: the main thread. Errors:
 * BT_NO_MEMORY alone. */
#ifndef BT_SERVER_CLI_LAB_RULE_CHANGE_H
#define BT_SERVER_CLI_LAB_RULE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/cli/cli.h"
#include "server/cli/collected_replay.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"

typedef enum bt_change_kind {
  BT_RULE_ADDED,
  BT_RULE_REMOVED,
  BT_RULE_CHANGED, /* its condition: verdicts may change */
  BT_RULE_RENAMED, /* another id, the same condition */
  BT_RULE_EDITED,  /* the same condition, another name, severity, … */
  BT_RULE_SAME
} bt_change_kind;
const char *bt_change_kind_name(bt_change_kind kind);

enum { BT_NO_VERDICT = -1 }; /* there is no rule on that side, or the trace was not read */

typedef struct bt_changed_trace {
  bt_trace_id id;
  int64_t time_ns;
  bool is_new;                   /* violated now, and not before; else the other way round */
  bool provisional;              /* in the unsettled tail */
  const bt_violation *violation; /* of the side that is violated; borrowed from the replay */
  int before, after;             /* a bt_verdict, or BT_NO_VERDICT */
} bt_changed_trace;

typedef struct bt_rule_change {
  bt_change_kind kind;
  const bt_rule_definition *old_rule, *new_rule; /* borrowed; NULL: none */
  int old_at, new_at;                            /* their places in the replay; −1: not replayed */
  bt_changed_trace *traces;                      /* by time */
  size_t trace_count, trace_capacity, new_count; /* new_count: of them, those that are newly violated */
} bt_rule_change;

typedef struct bt_rule_changes {
  bt_rule_change *items; /* in the order of the new file, then what was removed */
  size_t count;
  const bt_rule_definition **replayed; /* borrowed rules, both sides of everything whose verdicts may change */
  size_t replayed_count;
} bt_rule_changes;

/* Pairs the rules by id, then by condition. */
bt_status bt_rule_changes_find(const bt_cli_rules *old_rules, const bt_cli_rules *new_rules, bt_rule_changes *out,
                               bt_error *error) BT_MUST_CHECK;
/* Fills in the traces from a replay of `replayed`. */
bt_status bt_rule_changes_compare(bt_rule_changes *changes, const bt_collected *collected,
                                  bt_error *error) BT_MUST_CHECK;
void bt_rule_changes_dispose(bt_rule_changes *changes);

#endif
