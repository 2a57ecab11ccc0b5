/* The rules' formulas: what they ask for, and the sets that follow from the answers. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_CANDIDATES_H
#define BT_SERVER_REPLAY_CANDIDATES_H

#include "server/replay/decision.h"

/* Adds the questions for candidates; nothing is asked yet. */
bt_status bt_candidates_add(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
/* Adds those that only count exercised traces. */
bt_status bt_candidates_add_exercising(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
/* Makes the rules' candidates, all of them unread. */
bt_status bt_candidates_make(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
/* Makes the sets of traces that may exercise the rules, where all that tells was answered. */
bt_status bt_candidates_make_exercising(bt_decider *decider, bt_error *error) BT_MUST_CHECK;

#endif
