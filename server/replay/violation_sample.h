/* Violations that batches showed: a seeded sample of them waits here to be read again by id (docs/DECISIONS.md says
 * what that sample proves); the others are told as the batches showed them. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_VIOLATION_SAMPLE_H
#define BT_SERVER_REPLAY_VIOLATION_SAMPLE_H

#include "server/replay/judgement.h"

/* The order in which violating traces are worth a read by id. */
uint64_t bt_violation_sample_key(const bt_judge *judge, const bt_trace *trace, const bt_judged *rules);
/* Before the first batch: chooses a few of what is to be read that are compared whatever a batch says of them. */
void bt_violation_sample_choose(bt_judge *judge, const bt_known_list *known);
bool bt_violation_sample_is_chosen(const bt_judge *judge, size_t known);
/* Keeps a trace that violates or was chosen, or delivers it, or another one whose place it takes. Takes its rules. */
bt_status bt_violation_sample_add(bt_judge *judge, bt_sampled sampled, bt_error *error) BT_MUST_CHECK;
/* Chooses how many of the kept ones are worth a read by id, and delivers the others as the batches showed them. */
bt_status bt_violation_sample_settle(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
/* How many of so many violating traces are held against a read by id, here or earlier. */
uint64_t bt_violation_sample_size(const bt_judge *judge, uint64_t violating);

#endif
