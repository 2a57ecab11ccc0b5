/* The one timer: a thread of the monotonic clock that calls when a time has come. What is called is short: it cancels a
 * scope, or puts a task into a lane. An entry belongs to whoever set it, and is part of something larger, so that
 * setting one never allocates. Thread: any may set and clear. */
#ifndef BT_SERVER_WORK_TIMER_H
#define BT_SERVER_WORK_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"

typedef struct bt_timer bt_timer;

/* All-zero is one that is not set. */
typedef struct bt_timer_entry {
  int64_t at_ns;                                  /* of the monotonic clock */
  void (*fire)(struct bt_timer_entry *entry);     /* on the timer's thread; set it before the entry is set */
  struct bt_timer_entry *child, *next, *previous; /* the timer's own */
  bool is_set;
} bt_timer_entry;

/* new. BT_LIMIT: the system gives no thread. BT_NO_MEMORY. */
bt_status bt_timer_new(bt_timer **out, bt_error *error) BT_MUST_CHECK;
/* Ends the thread; what is still set is never called. NULL is fine. */
void bt_timer_free(bt_timer *timer);

/* Calls it at that time, once; one that is set already is moved. */
void bt_timer_set(bt_timer *timer, bt_timer_entry *entry, int64_t at_ns);
/* The same, unless it is set for an earlier time already. */
void bt_timer_set_earlier(bt_timer *timer, bt_timer_entry *entry, int64_t at_ns);
/* Afterwards it is not called and no call of it is under way: waits for one, but on the timer's own thread. Hold no
 * lock that `fire` takes. */
void bt_timer_clear(bt_timer *timer, bt_timer_entry *entry);

#endif
