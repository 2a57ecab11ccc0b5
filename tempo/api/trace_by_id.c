/* Traces one by one through /api/v2/traces/{id}, several in flight. See trace_fetch.h. */
#include <stdio.h>
#include <stdlib.h>

#include "tempo/api/trace_fetch.h"
#include "tempo/wire/otlp_decoder.h"

enum {
  IN_FLIGHT_MAX = 8,
  SPANS_IN_FLIGHT = 100000 /* as far as sizes are known: some 10 MB of answers, which wait here for their turn */
};
static const size_t max_answer_bytes = (size_t)128 << 20;
static const size_t max_trace_bytes = (size_t)1 << 30; /* decoded */

typedef struct slot {
  bt_tempo_call own;
  bt_tempo_call *call; /* that, or one that went on before */
  size_t index;        /* in ids */
  uint32_t spans;
} slot;

typedef struct begun_reads {
  bt_ahead head; /* first */
  bt_tempo_caller caller;
  bt_trace_id ids[IN_FLIGHT_MAX]; /* of zeros: it was taken */
  bt_tempo_call calls[IN_FLIGHT_MAX];
  size_t count;
} begun_reads;

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
  bt_status status = bt_tempo_call_finish(at->call, decode_trace, b, &outcome, error);
  if (status == BT_OK && outcome == BT_TEMPO_ANSWERED)
    status = give_trace(b, at->index, error);
  else if (status == BT_OK && (outcome == BT_TEMPO_FAILED || outcome == BT_TEMPO_STUMBLED))
    bt_tempo_read_fail(b->read, at->call, at->call->reason);
  else if (status == BT_OK)
    bt_tempo_read_fail(b->read, at->call, "the trace is too large to be read");
  bt_span_batch_free(b->batch); /* before the body that it borrows from */
  b->batch = NULL;
  bt_tempo_call_dispose(at->call);
  b->first = (b->first + 1) % IN_FLIGHT_MAX;
  b->count--;
  b->spans -= at->spans;
  return status;
}

static uint32_t spans_of(const bt_read_request *request, size_t index) {
  return request->span_counts ? request->span_counts[index] : 0;
}

static bool has_room(const by_id *b, size_t index) {
  return b->count < IN_FLIGHT_MAX && (!b->count || b->spans + spans_of(b->read->request, index) <= SPANS_IN_FLIGHT);
}

/* Dispose of the call in every case. */
static bt_status start_call(bt_tempo_call *call, const bt_tempo_caller *caller, const bt_trace_id *id,
                            bt_error *error) {
  call->caller = caller;
  call->max_body_bytes = max_answer_bytes;
  call->kind = BT_HTTP_BY_ID;
  if (!bt_tempo_url_trace(caller->tempo, id, &call->url)) return bt_error_no_memory(error);
  return bt_tempo_call_start(call, error);
}

/* NULL: it is not under way. */
static bt_tempo_call *take_begun(bt_ahead *ahead, const bt_trace_id *id) {
  begun_reads *begun = ahead && ahead->kind == BT_AHEAD_BY_ID ? (begun_reads *)ahead : NULL;
  for (size_t i = 0; begun && i < begun->count; i++) {
    if (!begun->calls[i].http || bt_trace_id_compare(&begun->ids[i], id) != 0) continue;
    begun->ids[i] = (bt_trace_id){{0}};
    return &begun->calls[i];
  }
  return NULL;
}

static bt_status ask_for_trace(by_id *b, size_t index, bt_error *error) {
  const bt_trace_id *id = &b->read->request->ids[index];
  slot *at = &b->slots[(b->first + b->count) % IN_FLIGHT_MAX];
  *at = (slot){.index = index, .spans = spans_of(b->read->request, index)};
  b->spans += at->spans;
  b->count++; /* from here on the slot is disposed of with the others */
  at->call = take_begun(b->read->request->ahead, id);
  if (at->call) return BT_OK;
  at->call = &at->own;
  return start_call(at->call, &b->read->caller, id, error);
}

static void drop_calls(by_id *b) {
  for (; b->count; b->count--, b->first = (b->first + 1) % IN_FLIGHT_MAX)
    bt_tempo_call_dispose(b->slots[b->first].call);
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

/* ---- ahead of who takes them ---- */

static bt_status begin_all(begun_reads *begun, const bt_read_request *request, bt_error *error) {
  bt_status status = BT_OK;
  uint64_t spans = 0;
  for (size_t i = 0; status == BT_OK && i < request->count && begun->count < IN_FLIGHT_MAX; i++) {
    spans += spans_of(request, i);
    if (spans > SPANS_IN_FLIGHT) break;
    size_t at = begun->count++; /* from here on it is disposed of with the others */
    begun->ids[at] = request->ids[i];
    status = start_call(&begun->calls[at], &begun->caller, &request->ids[i], error);
  }
  return status;
}

static void drop_reads(bt_ahead *ahead) {
  begun_reads *begun = (begun_reads *)ahead;
  for (size_t i = 0; i < begun->count; i++) bt_tempo_call_dispose(&begun->calls[i]);
  bt_tempo_caller_dispose(&begun->caller);
  free(begun);
}

bt_ahead *bt_tempo_begin_by_id(bt_tempo *tempo, const bt_read_request *request, bt_source_account *account) {
  bt_tempo_identity identity = {request->tenant, request->rule_id, request->cancel, request->priority};
  bt_error ignored = {0};
  begun_reads *begun = calloc(1, sizeof *begun);
  if (!begun) return NULL;
  begun->head = (bt_ahead){.kind = BT_AHEAD_BY_ID, .drop = drop_reads};
  bt_status status = bt_tempo_caller_init(&begun->caller, tempo, &identity, account, &ignored);
  if (status == BT_OK) status = begin_all(begun, request, &ignored);
  if (status == BT_OK) return &begun->head;
  drop_reads(&begun->head);
  return NULL;
}
