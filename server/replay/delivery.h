/* Tells the observer what a trace was judged to be, and counts it, once that is final. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_DELIVERY_H
#define BT_SERVER_REPLAY_DELIVERY_H

#include "server/replay/judgement.h"

/* Takes the violations and the array. */
bt_status bt_delivery_take(bt_judge *judge, size_t known, bt_judged *rules, bt_error *error) BT_MUST_CHECK;
void bt_judged_free(bt_judged *rules, size_t count);                    /* NULL is fine */
bool bt_judged_violates(const bt_judge *judge, const bt_judged *rules); /* some rule that the read can speak for */
bt_status bt_delivery_tell(const bt_replay_account *account, const bt_trace_verdict *verdict,
                           bt_error *error) BT_MUST_CHECK;

#endif
