/* Exhaustive search: every trace that a filter finds in a range, or what could not be asked. Thread: the caller's.
 * Internal to tempo/. */
#ifndef BT_TEMPO_API_SEARCH_H
#define BT_TEMPO_API_SEARCH_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/source.h"

/* BT_INVALID: a tenant that no header can carry, or a range after January 2038. BT_LIMIT: more than request->max_found.
 * BT_CANCELLED, BT_NO_MEMORY. What Tempo did not answer is in the account and is no error. */
bt_status bt_tempo_search(bt_tempo *tempo, const bt_search_request *request, bt_found_list *found,
                          bt_source_account *account, bt_error *error) BT_MUST_CHECK;

/* The same, with the same errors, of a filter `{ … }` that no plan has, instead of the request's. *is_too_long: Tempo,
 * or something between, refused a question of it as too long, so its failed windows say nothing that fewer ids would
 * not answer. */
bt_status bt_tempo_search_text(bt_tempo *tempo, const bt_search_request *request, bt_str filter, bt_found_list *found,
                               bt_source_account *account, bool *is_too_long, bt_error *error) BT_MUST_CHECK;

/* What source.h says of `begin`. new; NULL: it cannot be begun. */
bt_ahead *bt_tempo_begin_search(bt_tempo *tempo, const bt_search_request *request, bt_source_account *account);

#endif
