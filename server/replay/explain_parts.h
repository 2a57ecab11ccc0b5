/* The parts that an explanation is put together from. Only explain*.c include this. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_EXPLAIN_PARTS_H
#define BT_SERVER_REPLAY_EXPLAIN_PARTS_H

#include "server/replay/explain.h"

/* explain_local.c: what of the rule is decided here. */
void bt_explain_local(const bt_rule *rule, bt_buffer *out);

#endif
