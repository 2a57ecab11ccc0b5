/* Sends what watch has found, and its checkpoints, with several threads. So a stalled receiver never holds up
 * evaluation, and a receiver with one part that hangs does not stop all sending. What fails stays in the queue and is
 * tried again, with pauses that grow to a minute, while the rest goes on. No tenant has all of the threads. The queue
 * is bounded. While a tenant's share of it is full, watch judges nothing new of that tenant and does not move its
 * watermark. Thread: push and take from the thread of the round; sending in the crew. */
#ifndef BT_SERVER_WATCH_EMITTER_H
#define BT_SERVER_WATCH_EMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/emission.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "server/watch/watch.h"
#include "server/watch/watch_checkpoint.h"
#include "server/watch/watch_open_set.h"
#include "server/work/workplace.h"
#include "tempo/wire/cancellation.h"

enum { BT_EMITTER_SENDERS = 3 }; /* batches and checkpoints that are under way at once */

/* Where watch sends what it found: emission.h and the OTLP export behind it, or a test. */
typedef struct bt_watch_sink {
  void *context;
  /* As bt_emission_send; `retract`: the spans that take violations back. */
  bt_status (*emit)(void *context, const char *tenant, const bt_rule_definition *definition,
                    const bt_violation *const *violations, size_t count, bool retract, const bt_cancel *cancel,
                    bt_emission_result *result, bt_error *error);
  bt_status (*checkpoint)(void *context, const char *tenant, const bt_checkpoint *checkpoint, const bt_cancel *cancel,
                          bt_error *error);
  /* So many violations of that rule were sent for the first time; may be NULL. */
  void (*emitted)(void *context, const char *tenant, const bt_rule_definition *definition, uint64_t count);
  uint32_t pause_ms; /* after an attempt that failed; it doubles up to 120 times as much; 0: 500 */
} bt_watch_sink;

typedef struct bt_emitter bt_emitter;

typedef struct bt_emitter_item {
  void *owner;        /* who pushed it, and takes it back */
  const char *tenant; /* borrowed */
  bt_open *open;      /* borrowed until it was taken back */
  bool retract;
} bt_emitter_item;

typedef enum bt_emitter_fate {
  BT_EMITTER_NONE, /* nothing was given, or its fate was taken */
  BT_EMITTER_UNDER_WAY,
  BT_EMITTER_SENT,
  BT_EMITTER_FAILED
} bt_emitter_fate;

/* A checkpoint on its way. Its owner fills tenant and checkpoint while nothing is under way, and zeroes it once at the
 * beginning. */
typedef struct bt_emitter_checkpoint {
  const char *tenant; /* borrowed */
  bt_checkpoint checkpoint;
  bt_emitter_fate fate; /* this and all below: the emitter's */
  bt_error why;         /* it failed */
  struct bt_emitter_checkpoint *next;
} bt_emitter_checkpoint;

/* new. capacity: items that wait or were sent and not taken yet. BT_NO_MEMORY alone. */
bt_status bt_emitter_new(bt_workplace *work, const bt_watch_sink *sink, size_t capacity, bt_emitter **out,
                         bt_error *error) BT_MUST_CHECK;
/* Stops sending and frees; what was not sent is lost here and found again from the watermark. */
void bt_emitter_free(bt_emitter *emitter);
/* How many more items of that owner there is room for; it may fill half of a long queue. Others but the owner only make
 * more of it. */
size_t bt_emitter_room(bt_emitter *emitter, const void *owner);
/* There has to be room. */
void bt_emitter_push(bt_emitter *emitter, const bt_emitter_item *item);
/* Takes back up to `most` items of that owner which were sent; returns how many. */
size_t bt_emitter_take(bt_emitter *emitter, const void *owner, bt_emitter_item *out, size_t most);
/* Sends it once, before what else is due; it must not be under way. Borrowed until its fate is known. */
void bt_emitter_push_checkpoint(bt_emitter *emitter, bt_emitter_checkpoint *one);
/* What became of it, told once; *why: of a failure. */
bt_emitter_fate bt_emitter_take_checkpoint(bt_emitter *emitter, bt_emitter_checkpoint *one, bt_error *why);
bt_watch_emission bt_emitter_look(bt_emitter *emitter);

#endif
