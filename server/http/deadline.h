/* A time after which work of a request is cancelled: a thread that waits for it, so that a search that hangs is cut off too. The end of the
 * service cancels it as well. Thread: started and ended by the worker that runs the request. */
#ifndef BT_SERVER_HTTP_DEADLINE_H
#define BT_SERVER_HTTP_DEADLINE_H

#include <pthread.h>

#include "tempo/source.h"

typedef struct bt_deadline {
  pthread_t thread;
  pthread_mutex_t mutex; /* guards is_over */
  pthread_cond_t changed;
  bool is_over;
  int64_t at_ns;             /* of the monotonic clock */
  const bt_cancel *stopping; /* borrowed: the service ends */
  bt_cancel *cancel;         /* borrowed: set at the deadline */
} bt_deadline;

/* Sets `cancel` after so long, or once `stopping` is set. Whoever started it ends it. */
bt_status bt_deadline_start(bt_deadline *deadline, int64_t after_ns, const bt_cancel *stopping, bt_cancel *cancel,
                            bt_error *error) BT_MUST_CHECK;
void bt_deadline_end(bt_deadline *deadline);

#endif
