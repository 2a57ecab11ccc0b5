/* The violations that watch has found and not forgotten yet, by their derived ids. It needs them to send nothing twice,
 * and to take a violation back when later spans undo it. Thread: belongs to its watcher; the emitter also reads a
 * queued record and changes nothing in it. */
#ifndef BT_SERVER_WATCH_OPEN_SET_H
#define BT_SERVER_WATCH_OPEN_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/trace/trace.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "server/watch/watch_schedule.h"
#include "server/watch/watch_room.h"

typedef enum bt_open_state {
  BT_OPEN_QUEUED,     /* waits for the emitter, or is with it */
  BT_OPEN_EMITTED,    /* is in the store */
  BT_OPEN_RETRACTING, /* its retraction waits for the emitter, or is with it */
  BT_OPEN_RETRACTED
} bt_open_state;

typedef struct bt_open {
  bt_violation *violation;              /* owned */
  const bt_rule_definition *definition; /* shared */
  bt_open_state state;
  bool retract_next;    /* it was undone while it waited to be sent */
  int64_t trace_end_ns; /* as known when it was judged: when to forget it */
  bt_watch_hold hold;   /* while it is not sent */
} bt_open;

typedef struct bt_open_set {
  bt_open **items; /* in no order; records stay where they are */
  size_t count, capacity;
  bt_table table;      /* of items, by the violation's id */
  bt_watch_room *room; /* borrowed; or NULL */
} bt_open_set;

void bt_open_set_dispose(bt_open_set *set);
bt_open *bt_open_set_find(const bt_open_set *set,
                          const bt_trace_id *violation_id); /* owned by the set; NULL: not there */
/* Takes the violation, in every case. BT_LIMIT: there is no room for it; BT_NO_MEMORY. */
bt_status bt_open_set_add(bt_open_set *set, bt_violation *violation, const bt_rule_definition *definition,
                          bt_open **out, bt_error *error) BT_MUST_CHECK;
/* Forgets those of traces that ended before that time, but for what is queued. */
void bt_open_set_purge(bt_open_set *set, int64_t before_ns);
/* For want of room: forgets, of what was sent, those of the older traces, at least one; returns how many. They may be
 * found and sent again, under the same ids, and cannot be taken back. */
size_t bt_open_set_forget_sent(bt_open_set *set);
/* By all that is not sent yet. */
bt_watch_hold bt_open_set_hold(const bt_open_set *set);

#endif
