/* Asks the source the queries of a replay, two at a time. Thread: the functions are called by the replay's thread; see asking.c for the helper. */
#ifndef BT_SERVER_REPLAY_ASKING_H
#define BT_SERVER_REPLAY_ASKING_H

#include "server/replay/run.h"

/* new. The run is borrowed; its source, request and search range must not change any more. */
bt_status bt_asking_new(const bt_run *run, bt_asking **out, bt_error *error) BT_MUST_CHECK;
/* Stops after what is being asked at the moment. NULL is fine. */
void bt_asking_free(bt_asking *asking);
/* Each query is asked once; a second time only says anew whether it can wait (whether nothing before the reads needs it). */
bt_status bt_asking_add(bt_asking *asking, bt_query *query, bool can_wait, bt_error *error) BT_MUST_CHECK;
/* Starts the helper where there is something to ask. */
void bt_asking_help(bt_asking *asking);
/* Until all that were added are answered: those that cannot wait, or all. Asks itself what nobody has begun. */
void bt_asking_wait(bt_asking *asking, bool with_those_that_can_wait);
/* Of a query that was asked before any was added: whether the source is gone. */
void bt_asking_note(bt_asking *asking, const bt_query *query);
/* Until this one is answered, which was added; asks it itself if nobody has begun. Of those that are aside, which the other waits pass over. */
void bt_asking_wait_for(bt_asking *asking, bt_query *query);

#endif
