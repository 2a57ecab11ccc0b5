/* `betrace gate --unknown`: what changed between the versions next to what the rules say. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_GATE_CHANGES_H
#define BT_SERVER_CLI_LAB_GATE_CHANGES_H

#include "server/cli/lab/rates.h"
#include "server/query/gate_unknown.h"

typedef struct bt_gate_changes {
  bt_gate_unknown unknown;
  bt_seen_traces *violated; /* of each rule; owned */
} bt_gate_changes;

/* rates: measured, of each rule of the options that of the baseline, then that of the candidate. Errors are those of
 * bt_changed_find. Dispose in each case. */
bt_status bt_gate_changes_find(bt_source *source, const bt_replay_options *options, const bt_gate_question *question,
                               const bt_rates *rates, bt_gate_changes *out, bt_error *error) BT_MUST_CHECK;
void bt_gate_changes_dispose(bt_gate_changes *changes);
void bt_gate_changes_print(const bt_gate_changes *changes, const bt_replay_options *options);

#endif
