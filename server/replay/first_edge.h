/* Where the data of a source begin. Only first.c includes this. Thread: no state. */
#ifndef BT_SERVER_REPLAY_FIRST_EDGE_H
#define BT_SERVER_REPLAY_FIRST_EDGE_H

#include "server/replay/first.h"

/* Completes coverage.data_from, which the windows know of candidates only, and says whether the violation lies at
 * the edge of the data. A few small searches; one that fails leaves what is known. BT_CANCELLED, BT_NO_MEMORY end
 * it. */
bt_status bt_first_edge_find(bt_source *source, const bt_replay_request *request, int64_t margin_ns,
                             bt_first_result *result, bt_error *error) BT_MUST_CHECK;

#endif
