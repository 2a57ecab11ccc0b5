/* How many traces of the sample are still worth a read by id, given what earlier replays compared (trust.h), and what
 * this replay adds to that. Two kinds are compared whatever is known: traces that are not handed over yet, and traces
 * that name parents which no batch showed. There the doubt is about the trace and not about the source. Thread: the
 * replay's. */
#ifndef BT_SERVER_REPLAY_COMPARISONS_H
#define BT_SERVER_REPLAY_COMPARISONS_H

#include "server/replay/judgement.h"

/* Of a sample of that size: so many of what was handed over long ago are still to be read by id. */
uint64_t bt_comparisons_wanted(bt_judge *judge, uint64_t sample);
/* A trace was read both ways; its rules are what the batch said. */
void bt_comparisons_take(bt_judge *judge, const bt_sampled *sampled, bool differs);
/* Comparisons that have to agree, after an earlier difference, before an answer that batches gave is complete. */
uint32_t bt_comparisons_lacking(const bt_judge *judge);
/* Says in the coverage what the answer rests on, and leaves it to the replays that follow. */
void bt_comparisons_finish(bt_judge *judge);

#endif
