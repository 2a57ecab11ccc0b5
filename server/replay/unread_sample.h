/* A sample of the traces that are judged without being read. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_UNREAD_SAMPLE_H
#define BT_SERVER_REPLAY_UNREAD_SAMPLE_H

#include "server/replay/judgement.h"

/* Adds some to what is read in batches, or has them wait to be read by id: at most BT_UNREAD_SAMPLE_MAX of them, of a
 * source that was not checked BT_UNCHECKED_TIMES as many, which is what a reservoir holds. */
enum { BT_UNREAD_SAMPLE_MAX = 50 };
bt_status bt_unread_sample_add(bt_judge *judge, bt_known_list *out, bt_error *error) BT_MUST_CHECK;

#endif
