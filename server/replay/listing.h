/* Every settled trace that a filter found has to be in a listing that was asked after it. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_LISTING_H
#define BT_SERVER_REPLAY_LISTING_H

#include "server/replay/questions.h"

bt_status bt_listing_check(bt_questions *questions, bt_error *error) BT_MUST_CHECK;

#endif
