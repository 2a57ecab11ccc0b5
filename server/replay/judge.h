/* Reads what has to be read, judges it, confirms and samples. What was judged goes to the observer and into the numbers
 * of the rules (delivery.h). Thread: the replay's. Errors: BT_CANCELLED, BT_NO_MEMORY; BT_LIMIT: there is no room for
 * what the replay holds; or what the observer returned. What the source does not give is named in the coverage. */
#ifndef BT_SERVER_REPLAY_JUDGE_H
#define BT_SERVER_REPLAY_JUDGE_H

#include "dsl/base/error.h"
#include "server/replay/judgement.h"

/* Dispose it in every case. */
bt_status bt_judge_open(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
void bt_judge_dispose(bt_judge *judge);
/* Says in the result where to cut the window when there is more to read than the request allows; not below margin,
 * because all traces within margin of an edge have to be read anyway. */
bt_status bt_judge_cut(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
bt_status bt_judge_all(bt_judge *judge, bt_error *error) BT_MUST_CHECK;

#endif
