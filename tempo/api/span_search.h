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
/* What source.h says of `begin`. new; NULL: it cannot be begun. */
bt_ahead *bt_tempo_begin_before_spans(bt_tempo *tempo, const bt_spans_request *request, bt_source_account *account);
bt_ahead *bt_tempo_begin_spans(bt_tempo *tempo, const bt_spans_request *request, bt_source_account *account);

#endif
