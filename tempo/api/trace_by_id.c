/* Traces one by one through /api/v2/traces/{id}, several in flight. See trace_fetch.h. */
#include <stdio.h>

#include "tempo/api/trace_fetch.h"
#include "tempo/wire/otlp_decoder.h"

enum {
  IN_FLIGHT_MAX = 8,
  SPANS_IN_FLIGHT = 100000 /* as far as sizes are known: some 10 MB of answers, which wait here for their turn */
};
static const size_t max_answer_bytes = (size_t)128 << 20;
static const size_t max_trace_bytes = (size_t)1 << 30; /* decoded */

typedef struct slot {
  bt_tempo_call call;
  size_t index; /* in ids */
  uint32_t spans;
} slot;

typedef struct by_id {
  bt_tempo_read *read;
  slot slots[IN_FLIGHT_MAX]; /* a ring */
  uint32_t first, count;
  uint64_t spans; /* of those under way */
  /* Of the answer that is being read. */
  const bt_trace_id *id;
  bt_span_batch *batch;
  bool partial;
} by_id;

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
  bt_read_trace given = {.index = index};
  bt_trace trace;
  if (bt_span_batch_trace_count(b->batch) == 1) {
    trace = *bt_span_batch_trace(b->batch, 0);
    trace.partial = trace.partial || b->partial;
    given.trace = &trace;
  }
  return bt_tempo_read_give(b->read, &given, error);
}

static bt_status finish_oldest(by_id *b, bt_error *error) {
  slot *at = &b->slots[b->first];
  bt_tempo_outcome outcome = BT_TEMPO_FAILED;
  b->id = &b->read->request->ids[at->index];
  bt_status status = bt_tempo_call_finish(&at->call, decode_trace, b, &outcome, error);
  if (status == BT_OK && outcome == BT_TEMPO_ANSWERED)
    status = give_trace(b, at->index, error);
  else if (status == BT_OK && (outcome == BT_TEMPO_FAILED || outcome == BT_TEMPO_STUMBLED))
    bt_tempo_read_fail(b->read, &at->call, at->call.reason);
  else if (status == BT_OK)
    bt_tempo_read_fail(b->read, &at->call, "the trace is too large to be read");
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

/* After failures the rest is not asked: Tempo is not well. */
static bt_status read_all(by_id *b, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t next = 0;;) {
    bool is_left = next < b->read->request->count && b->read->failures < BT_READ_FAILURES_MAX;
    if (status != BT_OK || (!is_left && !b->count)) return status;
    bool asks = is_left && has_room(b, next);
    status = asks ? ask_for_trace(b, next, error) : finish_oldest(b, error);
    next += asks;
  }
}

bt_status bt_tempo_read_by_id(bt_tempo_read *read, bt_error *error) {
  by_id b = {.read = read};
  bt_status status = read_all(&b, error);
  drop_calls(&b);
  return status;
}
