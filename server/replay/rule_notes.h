/* What the names and comparisons of rules met in the traces that a replay reads anyway (dsl/data_notes.h): nothing is
 * asked for it, and no verdict depends on it. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_RULE_NOTES_H
#define BT_SERVER_REPLAY_RULE_NOTES_H

#include "server/replay/judgement.h"

/* Nothing is counted unless the request takes notes. */
bt_status bt_rule_notes_open(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
/* Of a trace whose verdicts are told. */
void bt_rule_notes_look(bt_judge *judge, const bt_trace *trace);
/* Writes what there is to say into the result. */
bt_status bt_rule_notes_conclude(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
void bt_rule_notes_dispose(bt_judge *judge);

#endif
