/* Traces one by one through /api/v2/traces/{id}, several in flight. See trace_fetch.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/trace_fetch.h"
#include "tempo/wire/otlp_decode.h"

enum {
  IN_FLIGHT_MAX = 8,
  SPANS_IN_FLIGHT = 100000 /* as far as sizes are known: some 10 MB of answers, which wait here for their turn */
};
_Static_assert((int)BT_ALSO_BY_ID_MAX <= (int)IN_FLIGHT_MAX, "what is read together with batches is asked at once");
static const size_t max_answer_bytes = (size_t)128 << 20;
static const size_t max_trace_bytes = (size_t)1 << 30; /* decoded */

typedef struct slot {
  bt_tempo_call call;
  size_t index; /* in ids */
  uint32_t spans;
} slot;

struct bt_tempo_beside {
  bt_tempo_read *read;
  slot slots[IN_FLIGHT_MAX]; /* a ring */
  uint32_t first, count;
  uint64_t spans; /* of those under way */
  bool is_beside, has_failed;
  /* Of the answer that is being read. */
  const bt_trace_id *id;
  bt_span_batch *batch;
  bool partial;
};
typedef bt_tempo_beside by_id; /* the same, whoever waits for it */

static bt_status decode_trace(void *context, bt_str body, bool is_json, bt_error *error) {
  by_id *b = context;
  bt_span_batch_free(b->batch);
  b->batch = NULL;
  b->partial = false;
  bt_status status = bt_span_batch_new(max_trace_bytes, &b->batch, error);
  if (status == BT_OK) status = bt_tempo_decode_trace(body, is_json, b->batch, &b->partial, error);
  if (status == BT_OK) status = bt_span_batch_finish(b->batch, error);
  if (status != BT_OK || bt_span_batch_trace_count(b->batch) == 0) return status;
  bool is_it = bt_span_batch_trace_count(b->batch) == 1 &&
               bt_trace_id_compare(&bt_span_batch_trace(b->batch, 0)->id, b->id) == 0;
  return is_it ? BT_OK
               : bt_error_set(error, BT_INVALID, "Tempo answered with another trace than the one that was asked for");
}

static bt_status give_trace(by_id *b, size_t index, bt_error *error) {
  bt_read_trace given = {.index = index, .is_also_by_id = b->is_beside};
  bt_trace trace;
  if (bt_span_batch_trace_count(b->batch) == 1) {
    trace = *bt_span_batch_trace(b->batch, 0);
    trace.partial = trace.partial || b->partial;
    given.trace = &trace;
  }
  return bt_tempo_read_give(b->read, &given, error);
}

static void note_failure(by_id *b, const bt_tempo_call *call, const char *reason) {
  b->has_failed = true;
  if (!b->is_beside) bt_tempo_read_fail(b->read, call, reason);
}

static bt_status finish_oldest(by_id *b, bt_error *error) {
  slot *at = &b->slots[b->first];
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  b->id = &b->read->request->ids[at->index];
  bt_status status = bt_tempo_call_finish(&at->call, decode_trace, b, &outcome, error);
  if (status == BT_OK && outcome == BT_TEMPO_ANSWERED)
    status = give_trace(b, at->index, error);
  else if (status == BT_OK && (outcome == BT_TEMPO_FAILED || outcome == BT_TEMPO_STUMBLED))
    note_failure(b, &at->call, at->call.reason);
  else if (status == BT_OK)
    note_failure(b, &at->call, "the trace is too large to be read");
  bt_span_batch_free(b->batch); /* before the body that it borrows from */
  b->batch = NULL;
  bt_tempo_call_dispose(&at->call);
  b->first = (b->first + 1) % IN_FLIGHT_MAX;
  b->count--;
  b->spans -= at->spans;
  return status;
}

static uint32_t spans_of(const by_id *b, size_t index) {
  const uint32_t *counts = b->read->request->span_counts;
  return counts ? counts[index] : 0;
}

static bool has_room(const by_id *b, size_t index) {
  return b->count < IN_FLIGHT_MAX && (!b->count || b->spans + spans_of(b, index) <= SPANS_IN_FLIGHT);
}

static bt_status ask_for_trace(by_id *b, size_t index, bt_error *error) {
  slot *at = &b->slots[(b->first + b->count) % IN_FLIGHT_MAX];
  *at = (slot){.index = index, .spans = spans_of(b, index)};
  b->spans += at->spans;
  at->call.caller = &b->read->caller;
  at->call.max_body_bytes = max_answer_bytes;
  at->call.kind = BT_HTTP_BY_ID;
  b->count++; /* from here on the slot is disposed of with the others */
  if (!bt_tempo_url_trace(b->read->tempo, &b->read->request->ids[at->index], &at->call.url))
    return bt_error_no_memory(error);
  return bt_tempo_call_start(&at->call, error);
}

static void drop_calls(by_id *b) {
  for (; b->count; b->count--, b->first = (b->first + 1) % IN_FLIGHT_MAX)
    bt_tempo_call_dispose(&b->slots[b->first].call);
}

/* After failures the rest is not asked: Tempo is not well. What fails beside batches is asked for again, so one is
 * enough there. */
static bool asks_on(const by_id *b) {
  return b->is_beside ? !b->has_failed : b->read->failures < BT_READ_FAILURES_MAX;
}

/* Asks for the ids at these places (NULL: the first `count`) and gives them, after those that are under way already. */
static bt_status read_places(by_id *b, const size_t *places, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t next = 0;;) {
    bool is_left = next < count && asks_on(b);
    if (status != BT_OK || (!is_left && !b->count)) return status;
    size_t index = is_left && places ? places[next] : next;
    bool asks = is_left && has_room(b, index);
    status = asks ? ask_for_trace(b, index, error) : finish_oldest(b, error);
    next += asks;
  }
}

bt_status bt_tempo_read_by_id(bt_tempo_read *read, bt_error *error) {
  by_id b = {.read = read};
  bt_status status = read_places(&b, NULL, read->request->count, error);
  drop_calls(&b);
  return status;
}

bt_status bt_tempo_beside_ask(bt_tempo_read *read, bt_tempo_beside **out, bt_error *error) {
  bt_tempo_beside *beside = calloc(1, sizeof *beside);
  *out = beside;
  if (!beside) return bt_error_no_memory(error);
  *beside = (by_id){.read = read, .is_beside = true};
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < read->request->also_by_id; i++) status = ask_for_trace(beside, i, error);
  return status;
}

bt_status bt_tempo_beside_give(bt_tempo_beside *beside, bt_error *error) {
  const bt_tempo_read *read = beside->read;
  size_t places[BT_MORE_BY_ID_MAX];
  size_t count = read->request->more_by_id ? read->request->more_by_id(read->context, places) : 0;
  return read_places(beside, places, count, error);
}

void bt_tempo_beside_free(bt_tempo_beside *beside) {
  if (beside) drop_calls(beside);
  free(beside);
}
