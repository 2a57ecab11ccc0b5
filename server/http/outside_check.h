/* A check of something outside whose result is kept for a moment: probes of /ready come often and from several sides, and none of them may
 * hold up a worker behind a Tempo that hangs. Thread: any. */
#ifndef BT_SERVER_HTTP_OUTSIDE_CHECK_H
#define BT_SERVER_HTTP_OUTSIDE_CHECK_H

#include <pthread.h>

#include "dsl/error.h"

typedef struct bt_outside_check { /* BT_OUTSIDE_CHECK_INIT */
  pthread_mutex_t mutex;
  bool is_running;
  int64_t at_ns; /* monotonic, of the last result; 0: none yet */
  bt_status status;
  bt_error error;
} bt_outside_check;
#define BT_OUTSIDE_CHECK_INIT                                                                                          \
  { .mutex = PTHREAD_MUTEX_INITIALIZER }

/* The result of the last second, else that of a new check; while another caller checks, the last one of ten seconds, else BT_UNAVAILABLE. */
bt_status bt_outside_check_ask(bt_outside_check *known, bt_status (*check)(const void *context, bt_error *error),
                               const void *context, bt_error *error) BT_MUST_CHECK;

#endif
