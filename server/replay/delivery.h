/* Tells the observer what a trace was judged to be, and counts it, once that is final; and says what the rules' names
 * met in such traces. Thread: the replay's. Errors: BT_NO_MEMORY, or what the observer returned. */
#ifndef BT_SERVER_REPLAY_DELIVERY_H
#define BT_SERVER_REPLAY_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/replay/judgement.h"
#include "server/replay/replay.h"
#include "server/replay/replay_account.h"

/* Takes the violations and the array. */
bt_status bt_delivery_take(bt_judge *judge, size_t known, bt_judged *rules, bt_error *error) BT_MUST_CHECK;
void bt_judged_free(bt_judged *rules, size_t count);                    /* NULL is fine */
bool bt_judged_violates(const bt_judge *judge, const bt_judged *rules); /* some rule that the read can speak for */
bt_status bt_delivery_tell(const bt_replay_account *account, const bt_trace_verdict *verdict,
                           bt_error *error) BT_MUST_CHECK;

/* ---- what the names and comparisons of rules met in the traces that a replay reads anyway
 * (dsl/evaluate/data_notes.h): nothing is asked for it, and no verdict depends on it ---- */

/* Nothing is counted unless the request takes notes. */
bt_status bt_rule_notes_open(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
/* Of a trace whose verdicts are told. */
void bt_rule_notes_look(bt_judge *judge, const bt_trace *trace);
/* Writes what there is to say into the result. */
bt_status bt_rule_notes_conclude(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
void bt_rule_notes_dispose(bt_judge *judge);

#endif
