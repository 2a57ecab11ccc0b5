/* Reading whole traces: in batches by id regex with a projection, or one by one by id. Thread: the caller's. Internal
 * to tempo/. Errors: BT_CANCELLED, BT_NO_MEMORY, or what the sink returned; BT_INVALID, a range after January 2038;
 * BT_REFUSED, it takes too many requests; BT_UNAVAILABLE, BT_REFUSED: what has to be known before was not answered.
 * What Tempo did not give is in read->failed. */
#ifndef BT_TEMPO_API_TRACE_FETCH_H
#define BT_TEMPO_API_TRACE_FETCH_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/source.h"

/* What one read has in hand. After so many failures Tempo is not well, and the rest is not asked. */
enum { BT_READ_FAILURES_MAX = 4 };

typedef struct bt_tempo_read {
  bt_tempo *tempo;
  const bt_read_request *request;
  bt_read_sink sink;
  void *context;
  bt_tempo_caller caller;
  bt_status failed; /* BT_OK, or what the first failure was: told in the end, after all that could be read */
  char reason[200];
  uint32_t failures;
} bt_tempo_read;

bt_status bt_tempo_read_batches(bt_tempo_read *read, bt_error *error) BT_MUST_CHECK;
bt_status bt_tempo_read_by_id(bt_tempo_read *read, bt_error *error) BT_MUST_CHECK;

/* What source.h says of `begin`. new; NULL: it cannot be begun. */
bt_ahead *bt_tempo_begin_batches(bt_tempo *tempo, const bt_read_request *request, bt_source_account *account);
bt_ahead *bt_tempo_begin_by_id(bt_tempo *tempo, const bt_read_request *request, bt_source_account *account);

/* Keeps the first failure. */
void bt_tempo_read_fail(bt_tempo_read *read, const bt_tempo_call *call, const char *reason);
/* Gives the trace to the sink, unless it is one of our own (then as one that is not there). */
bt_status bt_tempo_read_give(bt_tempo_read *read, const bt_read_trace *given, bt_error *error) BT_MUST_CHECK;

#endif
