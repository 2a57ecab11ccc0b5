/* Every trace that has spans which a filter finds, with these spans, without asking for ids first. Thread: the
 * caller's. Internal to tempo/. */
#ifndef BT_TEMPO_API_SPAN_SEARCH_H
#define BT_TEMPO_API_SPAN_SEARCH_H

#include "dsl/base/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/source.h"

/* What source.h says of find_spans, with its errors. BT_INVALID: a tenant that no header can carry, or a range after
 * January 2038; BT_LIMIT: more than answers hold; BT_UNAVAILABLE, BT_REFUSED: Tempo did not answer; BT_CANCELLED; what
 * the sink returned. */
bt_status bt_tempo_find_spans(bt_tempo *tempo, const bt_spans_request *request, bt_spans_sink sink, void *context,
                              bt_source_account *account, bt_error *error) BT_MUST_CHECK;
/* begin_spans and end_spans of bt_source_operations. *out is new, NULL with an error. BT_NO_MEMORY; BT_INVALID: a range
 * or a tenant that cannot be asked for. */
bt_status bt_tempo_begin_spans(bt_tempo *tempo, const bt_spans_request *request, bt_source_account *account,
                               bt_spans_ahead **out, bt_error *error) BT_MUST_CHECK;
/* hasten_spans: nothing where something fails. */
void bt_tempo_hasten_spans(bt_tempo *tempo, bt_spans_ahead *ahead, const bt_spans_request *request);
void bt_tempo_end_spans(bt_spans_ahead *ahead);

#endif
