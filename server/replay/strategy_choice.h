/* Which way decides the candidates of each rule. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_STRATEGY_CHOICE_H
#define BT_SERVER_REPLAY_STRATEGY_CHOICE_H

#include "server/replay/decision.h"

/* Into the result. A rule of which much was found may be probed. */
bt_status bt_strategies_choose(bt_decider *decider, bt_error *error) BT_MUST_CHECK;

#endif
