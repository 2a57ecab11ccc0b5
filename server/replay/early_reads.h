/* Reads by id that go on while Tempo answers the first batch. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_EARLY_READS_H
#define BT_SERVER_REPLAY_EARLY_READS_H

#include "server/replay/judgement.h"

/* Chooses some of what is read in batches, moves them to its front, and returns their number. */
size_t bt_early_reads_choose(bt_judge *judge, bt_known_list *known);
/* When the batch has said all: the places in `known`, what it was asked for, of samples that are worth a read by id
 * already. At most BT_MORE_BY_ID_MAX; returns their number. */
size_t bt_early_reads_more(bt_judge *judge, const size_t *known, size_t count, size_t *places);
/* What a read by id gave of a chosen one, or of one of these samples; NULL: nothing. */
bt_status bt_early_reads_take(bt_judge *judge, size_t known, const bt_trace *trace, bt_error *error) BT_MUST_CHECK;
/* After the batch: those that were not read by id are as if they had not been chosen. */
bt_status bt_early_reads_settle(bt_judge *judge, bt_error *error) BT_MUST_CHECK;

#endif
