/* Whether the blocks of a range may hold lists in columns (vParquet5). There an array under an attribute with a column
 * of its own is given as its last element, and nothing in a batch tells it from a plain value
 * (tests/facts/facts_columns.py). Only such blocks know span:childCount. Internal to tempo/. Thread: the caller's. */
#ifndef BT_TEMPO_API_COLUMN_LISTS_H
#define BT_TEMPO_API_COLUMN_LISTS_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/source.h"

/* Asks once. BT_UNAVAILABLE, BT_REFUSED: it could not be found out, and *out is true. Other errors end the read that
 * asks. */
bt_status bt_tempo_may_hold_lists(const bt_tempo_caller *caller, bt_time_range range, bool *out,
                                  bt_error *error) BT_MUST_CHECK;

/* Whether this was the answer of a Tempo before 2.9, which does not know the word, and has no such blocks. */
bool bt_tempo_knows_no_lists(const bt_tempo_call *call);

#endif
