/* The violations that a watcher has found, and their way to the store. One goes from state to state and never back: it
 * is queued and sent, then its retraction is. Thread: belongs to its watcher. */
#ifndef BT_SERVER_WATCH_OUTBOX_H
#define BT_SERVER_WATCH_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "server/watch/watch_emitter.h"
#include "server/watch/watch_schedule.h"
#include "server/watch/watch_open_set.h"

typedef struct bt_watch_outbox {
  const char *tenant;  /* borrowed; "": none */
  bt_emitter *emitter; /* borrowed */
  bt_open_set open;
  size_t room; /* items that the emitter had room for, when it was asked last; each push takes one */
} bt_watch_outbox;

/* That rule's violation of that trace, owned by the outbox; *out NULL: none was found. BT_NO_MEMORY alone. */
bt_status bt_watch_outbox_find(const bt_watch_outbox *outbox, const bt_rule_definition *definition,
                               const bt_trace_id *trace_id, bt_open **out, bt_error *error) BT_MUST_CHECK;
void bt_watch_outbox_ask_room(bt_watch_outbox *outbox);
/* There has to be room in the emitter. Takes the violation, in every case. BT_LIMIT: there is no room in memory;
 * BT_NO_MEMORY. */
bt_status bt_watch_outbox_add(bt_watch_outbox *outbox, bt_violation *violation, const bt_rule_definition *definition,
                              int64_t trace_end_ns, bt_watch_hold hold, bt_error *error) BT_MUST_CHECK;
/* Later spans have undone it: what still waits to be sent is taken back once it was. False: that is so already. */
bool bt_watch_outbox_take_back(bt_watch_outbox *outbox, bt_open *open, bt_watch_hold hold);
/* What was sent since the last time. */
void bt_watch_outbox_take_sent(bt_watch_outbox *outbox);

#endif
