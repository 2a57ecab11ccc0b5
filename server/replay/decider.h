/* Finds out which traces may violate which rule, and which of them have to be read for it. Says it in the rules' sets
 * (decision.h) and the table's marks. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_DECIDER_H
#define BT_SERVER_REPLAY_DECIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/decision.h"

/* Dispose it in every case. BT_NO_MEMORY alone. */
bt_status bt_decider_open(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
void bt_decider_dispose(bt_decider *decider);
/* Asks for what the rules need and makes their sets. BT_CANCELLED, BT_NO_MEMORY, BT_LIMIT stop the replay. */
bt_status bt_decider_find(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
bool bt_decider_has_sets(const bt_decider *decider); /* of all rules */
/* Whether the trace has to be read for some rule, and if so, whether only by id. */
bool bt_decider_wants(const bt_decider *decider, size_t known, bool *whole);
/* Whether the trace may violate some rule. */
bool bt_decider_is_candidate(const bt_decider *decider, size_t known);
/* For bt_trust_news: of the rules that can subtract, the fewest candidates that one began with; 0: one did not. */
uint64_t bt_decider_subtracted_from(const bt_decider *decider);

#endif
