/* BeTrace's own traces among those that were found. A source that fails here only makes counts inexact. Thread: the
 * replay's. */
#ifndef BT_SERVER_REPLAY_OWN_TRACES_H
#define BT_SERVER_REPLAY_OWN_TRACES_H

#include "server/replay/questions.h"

/* Looks for them beside what else is asked; the answer is taken like any other. */
bt_status bt_own_traces_ask(bt_questions *questions, bt_error *error) BT_MUST_CHECK;
/* Marks them in the table; once more when more are known. */
bt_status bt_own_traces_mark(bt_questions *questions, bt_error *error) BT_MUST_CHECK;
bt_str bt_other_traces_filter(void); /* finds every trace but these */

#endif
