/* Scopes of work: a tree in which cancelling one cancels all below it, and nothing else. The service is the root; a
 * call, a replay, a report hangs below it; a part of a call with a shorter deadline below that. Work looks at `cancel`,
 * as it always did (&scope->cancel goes wherever a bt_cancel is wanted); `reason` says why. A scope is part of
 * something larger: beginning one never allocates. Thread: any may cancel; whoever began a scope ends it, after all
 * below it have ended. */
#ifndef BT_SERVER_WORK_SCOPE_H
#define BT_SERVER_WORK_SCOPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/work/timer.h"
#include "tempo/wire/cancellation.h"

typedef enum bt_work_scope_reason {
  BT_SCOPE_GOES_ON,
  BT_SCOPE_DEADLINE,    /* its time, or that of one above it, is over */
  BT_SCOPE_READER_GONE, /* nobody waits for the answer */
  BT_SCOPE_UNWANTED,    /* somebody asked for it to be cancelled */
  BT_SCOPE_STOPPING     /* the service ends */
} bt_work_scope_reason;

typedef struct bt_work_scope {
  bt_cancel cancel;
  atomic_int reason; /* the first one; a bt_work_scope_reason */
  struct bt_work_scope *parent, *children, *previous, *next;
  bt_timer *timer;                 /* of the root */
  void (*listener)(void *context); /* hears of its end; behind the lock of the tree */
  void *listener_context;
  bool has_deadline;
  bt_timer_entry deadline;
} bt_work_scope;

enum { BT_SCOPE_NO_DEADLINE = 0 };

/* timer NULL: nothing below has a deadline. */
void bt_work_scope_begin_root(bt_work_scope *root, bt_timer *timer);
/* Below a cancelled one it is cancelled at once, for the same reason. deadline_ns: of the monotonic clock. parent NULL:
 * nobody is above it, and a deadline is not kept (calls that tests make by hand). */
void bt_work_scope_begin(bt_work_scope *scope, bt_work_scope *parent, int64_t deadline_ns);
/* Another deadline, or none; one that is over already stays so. By whoever began it. */
void bt_work_scope_set_deadline(bt_work_scope *scope, int64_t deadline_ns);
/* Cancels it and all below. One that was cancelled keeps its first reason. */
void bt_work_scope_cancel(bt_work_scope *scope, bt_work_scope_reason reason);
/* `listener` is called when it is cancelled, or now where it was cancelled before, under the lock of the tree: it may
 * put a task into a lane, and touches no scope. NULL: nobody listens any more, and no call is under way afterwards. */
void bt_work_scope_listen(bt_work_scope *scope, void (*listener)(void *context), void *context);
bt_work_scope_reason bt_work_scope_why(const bt_work_scope *scope);
/* Takes it out of the tree; what `cancel` says stays. */
void bt_work_scope_end(bt_work_scope *scope);

#endif
