/* Violations that batches showed: a seeded sample of them waits here to be read again by id (docs/DECISIONS.md says
 * what that sample proves); the others are told as the batches showed them. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_VIOLATION_SAMPLE_H
#define BT_SERVER_REPLAY_VIOLATION_SAMPLE_H

#include "server/replay/judgement.h"

/* The order in which violating traces are worth a read by id. */
uint64_t bt_violation_sample_key(const bt_judge *judge, const bt_trace *trace, const bt_judged *rules);
/* Keeps a violating trace, or delivers it, or another one whose place it takes. Takes its rules. */
bt_status bt_violation_sample_add(bt_judge *judge, bt_sampled sampled, bt_error *error) BT_MUST_CHECK;
/* Keeps what a batch said of a trace that is being read by id beside it. False: it is none, and nothing was taken. */
bool bt_violation_sample_keep(bt_judge *judge, const bt_sampled *judged);
/* That one of those; NULL: it is none. */
bt_sampled *bt_violation_sample_find_early(bt_judge *judge, size_t known);
/* Chooses how many of the kept ones are worth a read by id, and delivers the others as the batches showed them. */
bt_status bt_violation_sample_settle(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
/* Which these are so far, without delivering any: known traces, at most BT_MORE_BY_ID_MAX; returns their number.
 * `under_way`: violating traces that are being read by id beside the batch. */
size_t bt_violation_sample_preview(bt_judge *judge, uint64_t under_way, size_t *known);
/* How many of so many violating traces are held against a read by id, here or earlier. */
uint64_t bt_violation_sample_size(const bt_judge *judge, uint64_t violating);

#endif
