/* Traces one by one through /api/v2/traces/{id}, several in flight. See trace_fetch.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/otlp_decode.h"
#include "tempo/trace_fetch.h"

enum { IN_FLIGHT_MAX = 8 };
_Static_assert((int)BT_ALSO_BY_ID_MAX <= (int)IN_FLIGHT_MAX, "what is read beside batches is asked at once");
static const size_t max_answer_bytes = (size_t)128 << 20;
static const size_t max_trace_bytes = (size_t)1 << 30; /* decoded */

typedef struct slot {
  bt_tempo_call call;
  size_t index; /* in ids */
} slot;

struct bt_tempo_beside {
  bt_tempo_read *read;
  slot slots[IN_FLIGHT_MAX]; /* a ring */
  uint32_t first, count;
  size_t next; /* of ids, not asked yet */
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
  else if (status == BT_OK && outcome == BT_TEMPO_FAILED)
    note_failure(b, &at->call, at->call.reason);
  else if (status == BT_OK)
    note_failure(b, &at->call, "the trace is too large to be read");
  bt_span_batch_free(b->batch); /* before the body that it borrows from */
  b->batch = NULL;
  bt_tempo_call_dispose(&at->call);
  b->first = (b->first + 1) % IN_FLIGHT_MAX;
  b->count--;
  return status;
}

static bt_status ask(by_id *b, size_t index, bt_error *error) {
  slot *at = &b->slots[(b->first + b->count) % IN_FLIGHT_MAX];
  *at = (slot){.index = index};
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

bt_status bt_tempo_read_by_id(bt_tempo_read *read, bt_error *error) {
  by_id b = {.read = read};
  bt_status status = BT_OK;
  for (;;) {
    bool is_left = b.next < read->request->count && read->failures < BT_READ_FAILURES_MAX;
    if (status != BT_OK || (!is_left && !b.count)) break;
    status = is_left && b.count < IN_FLIGHT_MAX ? ask(&b, b.next++, error) : finish_oldest(&b, error);
  }
  drop_calls(&b);
  return status;
}

bt_status bt_tempo_beside_ask(bt_tempo_read *read, bt_tempo_beside **out, bt_error *error) {
  bt_tempo_beside *beside = calloc(1, sizeof *beside);
  *out = beside;
  if (!beside) return bt_error_no_memory(error);
  *beside = (by_id){.read = read, .is_beside = true};
  bt_status status = BT_OK;
  while (status == BT_OK && beside->next < read->request->also_by_id) status = ask(beside, beside->next++, error);
  return status;
}

/* What fails is asked for again, and so once Tempo is not well, nothing more is asked here. */
bt_status bt_tempo_beside_give(bt_tempo_beside *beside, bt_error *error) {
  const bt_tempo_read *read = beside->read;
  size_t places[BT_MORE_BY_ID_MAX], next = 0;
  size_t count = read->request->more_by_id ? read->request->more_by_id(read->context, places) : 0;
  bt_status status = BT_OK;
  for (;;) {
    bool is_left = next < count && !beside->has_failed;
    if (status != BT_OK || (!is_left && !beside->count)) return status;
    status =
        is_left && beside->count < IN_FLIGHT_MAX ? ask(beside, places[next++], error) : finish_oldest(beside, error);
  }
}

void bt_tempo_beside_free(bt_tempo_beside *beside) {
  if (beside) drop_calls(beside);
  free(beside);
}
