/* What sends. See watch_emitter.h. What fails stays with a time before which it is not tried again; what waits behind
 * it goes first meanwhile, so that one tenant's trouble, or one violation's, holds up nobody else. */
#include "server/watch/watch_emitter.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/work/crew.h"

enum {
  BATCH_MAX = 200,
  FIRST_PAUSE_MS = 500,
  LONGEST_PAUSE = 120, /* first pauses */
  ALONE_AFTER = 2,     /* attempts; then one by one, so that the others of the batch are done with */
  SHARED_FROM = 100    /* a queue so long has room for two owners at least */
};
static const int64_t MILLISECOND_NS = 1000000;

typedef enum slot_state { SLOT_WAITING, SLOT_SENDING, SLOT_SENT } slot_state;

typedef struct slot {
  bt_emitter_item item;
  slot_state state;
  uint64_t batch;    /* that it is sent in */
  uint32_t attempts; /* that failed */
  int64_t due_ns;    /* of the monotonic clock */
} slot;

struct bt_emitter {
  bt_watch_sink sink;
  bt_work_scope scope;
  pthread_mutex_t mutex; /* guards all below */
  bt_crew crew;          /* who send */
  slot *slots;           /* in order of arrival */
  size_t count, capacity;
  bt_emitter_checkpoint *checkpoints;      /* that wait, oldest first; at most one of each owner */
  const char *sending[BT_EMITTER_SENDERS]; /* the tenants of what is under way; NULL: a sender that is free */
  uint64_t batches;                        /* that were begun */
  bt_watch_emission status;
};

/* ---- who sends for whom ---- */

/* A tenant whose receiver hangs leaves one sender to the others. Without a free one nobody asks. */
static bool may_send_for(const bt_emitter *emitter, const char *tenant) {
  uint32_t own = 0;
  for (size_t i = 0; i < BT_EMITTER_SENDERS; i++)
    own += emitter->sending[i] && strcmp(emitter->sending[i], tenant) == 0;
  return own < BT_EMITTER_SENDERS - 1;
}

static size_t begin_sending(bt_emitter *emitter, const char *tenant) {
  size_t sender = 0;
  while (sender + 1 < BT_EMITTER_SENDERS && emitter->sending[sender]) sender++;
  emitter->sending[sender] = tenant;
  return sender;
}

/* Those who found nothing that they may send look again. */
static void end_sending(bt_emitter *emitter, size_t sender) {
  emitter->sending[sender] = NULL;
  bt_crew_wake_all(&emitter->crew);
}

/* ---- batches ---- */

static bool goes_with(const slot *first, const slot *other) {
  return other->item.open->definition == first->item.open->definition && other->item.retract == first->item.retract &&
         other->attempts == first->attempts && strcmp(other->item.tenant, first->item.tenant) == 0;
}

/* Takes the first one that is due, with others of its rule and kind. 0: none is that may be sent; *next_ns is when one
 * will be. */
static size_t take_batch(bt_emitter *emitter, bt_emitter_item *batch, int64_t *next_ns) {
  int64_t now_ns = bt_clock_monotonic_ns();
  const slot *first = NULL;
  size_t count = 0;
  *next_ns = INT64_MAX;
  emitter->batches++;
  for (size_t i = 0; i < emitter->count && count < BATCH_MAX; i++) {
    slot *s = &emitter->slots[i];
    if (s->state != SLOT_WAITING) continue;
    if (s->due_ns > now_ns) {
      if (s->due_ns < *next_ns) *next_ns = s->due_ns;
      continue;
    }
    if (first ? !goes_with(first, s) : !may_send_for(emitter, s->item.tenant)) continue;
    if (!first) first = s;
    s->state = SLOT_SENDING;
    s->batch = emitter->batches;
    batch[count++] = s->item;
    if (s->attempts >= ALONE_AFTER) break;
  }
  return count;
}

static int64_t pause_ns(const bt_emitter *emitter, uint32_t attempts) {
  int64_t pause = emitter->sink.pause_ms ? emitter->sink.pause_ms : FIRST_PAUSE_MS, longest = pause * LONGEST_PAUSE;
  for (uint32_t i = 1; i < attempts && pause < longest; i++) pause *= 2;
  return (pause < longest ? pause : longest) * MILLISECOND_NS;
}

/* What was being sent in that batch was sent, or will be tried again. */
static void end_batch(bt_emitter *emitter, uint64_t batch, bool ok) {
  int64_t now_ns = bt_clock_monotonic_ns();
  for (size_t i = 0; i < emitter->count; i++) {
    slot *s = &emitter->slots[i];
    if (s->state != SLOT_SENDING || s->batch != batch) continue;
    s->state = ok ? SLOT_SENT : SLOT_WAITING;
    if (ok) continue;
    s->attempts++;
    s->due_ns = now_ns + pause_ns(emitter, s->attempts);
  }
}

static bool has_trouble(const bt_emitter *emitter) {
  for (size_t i = 0; i < emitter->count; i++)
    if (emitter->slots[i].state == SLOT_WAITING && emitter->slots[i].attempts) return true;
  return false;
}

/* The message of a failure stays until everything that failed has passed. */
static void count_result(bt_emitter *emitter, bool retract, const bt_emission_result *result, bool failed) {
  bt_watch_emission *status = &emitter->status;
  *(retract ? &status->retracted : &status->emitted) += result->emitted;
  status->already_there += result->already_there;
  if (failed) {
    status->failures++;
    snprintf(status->message, sizeof status->message, "%s", result->message);
  } else if (!has_trouble(emitter)) {
    status->message[0] = '\0';
  }
}

/* Sends one batch, without the lock. */
static bool send_batch(bt_emitter *emitter, const bt_emitter_item *items, size_t count, bt_emission_result *result) {
  const bt_violation *violations[BATCH_MAX];
  bt_error error = {0};
  for (size_t i = 0; i < count; i++) violations[i] = items[i].open->violation;
  const bt_rule_definition *definition = items[0].open->definition;
  bt_status status = emitter->sink.emit(emitter->sink.context, items[0].tenant, definition, violations, count,
                                        items[0].retract, &emitter->scope.cancel, result, &error);
  if (status != BT_OK) snprintf(result->message, sizeof result->message, "%.190s", error.message);
  bool ok = status == BT_OK && !result->failed;
  /* Once for each, when all of them are there. What a replay had sent before is new to watch all the same: a pager has
   * to hear of it. */
  if (ok && !items[0].retract && emitter->sink.emitted)
    emitter->sink.emitted(emitter->sink.context, items[0].tenant, definition, count);
  return ok;
}

/* The oldest that may be sent. */
static bt_emitter_checkpoint *take_checkpoint(bt_emitter *emitter) {
  for (bt_emitter_checkpoint **place = &emitter->checkpoints; *place; place = &(*place)->next) {
    bt_emitter_checkpoint *one = *place;
    if (!may_send_for(emitter, one->tenant)) continue;
    *place = one->next;
    return one;
  }
  return NULL;
}

/* The lock is held at both ends. False: none waits that may be sent. */
static bool send_checkpoint(bt_emitter *emitter) {
  bt_emitter_checkpoint *one = take_checkpoint(emitter);
  const bt_watch_sink *sink = &emitter->sink;
  bt_error why = {0};
  if (!one) return false;
  size_t sender = begin_sending(emitter, one->tenant);
  pthread_mutex_unlock(&emitter->mutex);
  bt_status status = sink->checkpoint(sink->context, one->tenant, &one->checkpoint, &emitter->scope.cancel, &why);
  pthread_mutex_lock(&emitter->mutex);
  one->fate = status == BT_OK ? BT_EMITTER_SENT : BT_EMITTER_FAILED;
  one->why = why;
  emitter->status.checkpoints--;
  end_sending(emitter, sender);
  return true;
}

/* A checkpoint goes first, or a long queue would keep the watermark from moving. */
static bool do_piece(void *context, int64_t *again_ns) {
  bt_emitter *emitter = context;
  bt_emitter_item batch[BATCH_MAX];
  bt_emission_result result = {0};
  int64_t next_ns;
  if (send_checkpoint(emitter)) return true;
  size_t count = take_batch(emitter, batch, &next_ns);
  if (!count) {
    if (next_ns != INT64_MAX) *again_ns = next_ns;
    return false;
  }
  uint64_t number = emitter->batches;
  size_t sender = begin_sending(emitter, batch[0].tenant);
  pthread_mutex_unlock(&emitter->mutex);
  bool ok = send_batch(emitter, batch, count, &result);
  pthread_mutex_lock(&emitter->mutex);
  end_batch(emitter, number, ok);
  end_sending(emitter, sender);
  count_result(emitter, batch[0].retract, &result, !ok);
  return true;
}

static void dispose_emitter(bt_emitter *emitter) {
  bt_work_scope_end(&emitter->scope);
  pthread_mutex_destroy(&emitter->mutex);
  free(emitter->slots);
  free(emitter);
}

bt_status bt_emitter_new(bt_workplace *work, const bt_watch_sink *sink, size_t capacity, bt_emitter **out,
                         bt_error *error) {
  *out = NULL;
  bt_emitter *emitter = calloc(1, sizeof *emitter);
  if (!emitter) return bt_error_no_memory(error);
  bt_crew_options crew = {.work = work,
                          .lane = BT_LANE_WATCH,
                          .size = BT_EMITTER_SENDERS,
                          .mutex = &emitter->mutex,
                          .do_piece = do_piece,
                          .context = emitter};
  emitter->sink = *sink;
  emitter->capacity = capacity;
  emitter->slots = calloc(capacity, sizeof *emitter->slots);
  pthread_mutex_init(&emitter->mutex, NULL);
  bt_work_scope_begin(&emitter->scope, &work->root, BT_SCOPE_NO_DEADLINE);
  bt_status status = emitter->slots ? bt_crew_init(&emitter->crew, &crew, error) : bt_error_no_memory(error);
  if (status)
    dispose_emitter(emitter);
  else
    *out = emitter;
  return status;
}

void bt_emitter_free(bt_emitter *emitter) {
  if (!emitter) return;
  bt_work_scope_cancel(&emitter->scope, BT_SCOPE_STOPPING);
  bt_crew_end(&emitter->crew);
  dispose_emitter(emitter);
}

size_t bt_emitter_room(bt_emitter *emitter, const void *owner) {
  size_t share = emitter->capacity >= SHARED_FROM ? emitter->capacity / 2 : emitter->capacity, own = 0;
  pthread_mutex_lock(&emitter->mutex);
  for (size_t i = 0; i < emitter->count; i++) own += emitter->slots[i].item.owner == owner;
  size_t left = emitter->capacity - emitter->count;
  pthread_mutex_unlock(&emitter->mutex);
  size_t of_share = own < share ? share - own : 0;
  return left < of_share ? left : of_share;
}

void bt_emitter_push(bt_emitter *emitter, const bt_emitter_item *item) {
  pthread_mutex_lock(&emitter->mutex);
  assert(emitter->count < emitter->capacity); /* invariant: nothing that was found is dropped for want of room */
  if (emitter->count < emitter->capacity) emitter->slots[emitter->count++] = (slot){.item = *item};
  bt_crew_wake_all(&emitter->crew);
  pthread_mutex_unlock(&emitter->mutex);
}

size_t bt_emitter_take(bt_emitter *emitter, const void *owner, bt_emitter_item *out, size_t most) {
  size_t taken = 0, kept = 0;
  pthread_mutex_lock(&emitter->mutex);
  for (size_t i = 0; i < emitter->count; i++) {
    const slot *s = &emitter->slots[i];
    if (s->state == SLOT_SENT && s->item.owner == owner && taken < most)
      out[taken++] = s->item;
    else
      emitter->slots[kept++] = *s;
  }
  emitter->count = kept;
  pthread_mutex_unlock(&emitter->mutex);
  return taken;
}

bt_watch_emission bt_emitter_look(bt_emitter *emitter) {
  pthread_mutex_lock(&emitter->mutex);
  bt_watch_emission status = emitter->status;
  status.queued = 0;
  for (size_t i = 0; i < emitter->count; i++) status.queued += emitter->slots[i].state != SLOT_SENT;
  pthread_mutex_unlock(&emitter->mutex);
  return status;
}

void bt_emitter_push_checkpoint(bt_emitter *emitter, bt_emitter_checkpoint *one) {
  pthread_mutex_lock(&emitter->mutex);
  bt_emitter_checkpoint **end = &emitter->checkpoints;
  while (*end) end = &(*end)->next;
  one->next = NULL;
  one->fate = BT_EMITTER_UNDER_WAY;
  *end = one;
  emitter->status.checkpoints++;
  bt_crew_wake_all(&emitter->crew);
  pthread_mutex_unlock(&emitter->mutex);
}

bt_emitter_fate bt_emitter_take_checkpoint(bt_emitter *emitter, bt_emitter_checkpoint *one, bt_error *why) {
  pthread_mutex_lock(&emitter->mutex);
  bt_emitter_fate fate = one->fate;
  if (fate == BT_EMITTER_FAILED) *why = one->why;
  if (fate != BT_EMITTER_UNDER_WAY) one->fate = BT_EMITTER_NONE;
  pthread_mutex_unlock(&emitter->mutex);
  return fate;
}
