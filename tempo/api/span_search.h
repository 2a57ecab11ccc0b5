/* Every trace that has spans which a filter finds, with these spans, without asking for ids first. Thread: the
 * caller's. Internal to tempo/. */
#ifndef BT_TEMPO_API_SPAN_SEARCH_H
#define BT_TEMPO_API_SPAN_SEARCH_H

#include "dsl/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/source.h"

/* source.h, find_spans. */
bt_status bt_tempo_find_spans(bt_tempo *tempo, const bt_spans_request *request, bt_spans_sink sink, void *context,
                              bt_source_account *account, bt_error *error) BT_MUST_CHECK;

#endif
