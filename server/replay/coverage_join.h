/* What a coverage gathers, as values. See replay.h for the rest. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_COVERAGE_JOIN_H
#define BT_SERVER_REPLAY_COVERAGE_JOIN_H

#include "server/replay/replay.h"

/* Names a trace whose copies of a span differ; each id counts once, as far as named. */
void bt_coverage_add_differing(bt_coverage *coverage, const bt_trace_id *id);

#endif
