/* On their way. See watch_outbox.h. */
#include "server/watch/watch_outbox.h"

#include <assert.h>

#include "tempo/wire/own_trace.h"

enum { TAKE_MAX = 256 };

bt_status bt_watch_outbox_find(const bt_watch_outbox *outbox, const bt_rule_definition *definition,
                               const bt_trace_id *trace_id, bt_open **out, bt_error *error) {
  bt_own_ids ids;
  bt_status status = bt_violation_ids_derive(bt_str_from(outbox->tenant), bt_str_from(definition->fields.id),
                                             bt_str_from(definition->condition_hash), trace_id, &ids, error);
  *out = status == BT_OK ? bt_open_set_find(&outbox->open, &ids.trace_id) : NULL;
  return status;
}

void bt_watch_outbox_ask_room(bt_watch_outbox *outbox) {
  outbox->room = bt_emitter_room(outbox->emitter, outbox);
}

static void push_open(bt_watch_outbox *outbox, bt_open *open, bool retract) {
  /* Invariant: a violation is sent before it is taken back, and each is done once (DECISIONS 91). */
  assert(open->state == (retract ? BT_OPEN_EMITTED : BT_OPEN_QUEUED) && !open->retract_next);
  bt_emitter_item item = {.owner = outbox, .tenant = outbox->tenant, .open = open, .retract = retract};
  open->state = retract ? BT_OPEN_RETRACTING : BT_OPEN_QUEUED;
  bt_emitter_push(outbox->emitter, &item);
  if (outbox->room) outbox->room--;
}

bt_status bt_watch_outbox_add(bt_watch_outbox *outbox, bt_violation *violation, const bt_rule_definition *definition,
                              int64_t trace_end_ns, bt_watch_hold hold, bt_error *error) {
  bt_open *open = NULL;
  bt_status status = bt_open_set_add(&outbox->open, violation, definition, &open, error);
  if (status != BT_OK) return status;
  open->trace_end_ns = trace_end_ns;
  open->hold = hold;
  push_open(outbox, open, false);
  return BT_OK;
}

bool bt_watch_outbox_take_back(bt_watch_outbox *outbox, bt_open *open, bt_watch_hold hold) {
  if (open->retract_next || open->state > BT_OPEN_EMITTED) return false;
  open->hold = bt_watch_hold_join(open->hold, hold);
  if (open->state == BT_OPEN_QUEUED)
    open->retract_next = true;
  else
    push_open(outbox, open, true);
  return true;
}

void bt_watch_outbox_take_sent(bt_watch_outbox *outbox) {
  bt_emitter_item items[TAKE_MAX];
  size_t count;
  while ((count = bt_emitter_take(outbox->emitter, outbox, items, TAKE_MAX)) > 0) {
    for (size_t i = 0; i < count; i++) {
      bt_open *open = items[i].open;
      /* Invariant: what comes back is what was given, and a retraction is not to be taken back. */
      assert(open->state == (items[i].retract ? BT_OPEN_RETRACTING : BT_OPEN_QUEUED));
      assert(!items[i].retract || !open->retract_next);
      open->state = items[i].retract ? BT_OPEN_RETRACTED : BT_OPEN_EMITTED;
      if (!open->retract_next) {
        open->hold = BT_WATCH_HOLDS_NOTHING;
        continue;
      }
      open->retract_next = false;
      push_open(outbox, open, true); /* taking this one made room for it */
    }
  }
}
