/* Who links to these traces: searches for batches of ids, each of them exhaustive (search.h). Thread: the caller's.
 * Internal to tempo/. */
#ifndef BT_TEMPO_API_LINK_SEARCH_H
#define BT_TEMPO_API_LINK_SEARCH_H

#include <stdbool.h>

#include "dsl/error.h"
#include "dsl/trace.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

/* Errors are those of bt_tempo_search but BT_LIMIT; what could not be asked is in the account. */
bt_status bt_tempo_find_linking(bt_tempo *tempo, const bt_links_request *request, bt_found_list *found,
                                bt_source_account *account, bt_error *error) BT_MUST_CHECK;

/* Whether an id of zero bytes cannot be asked for, nor what is known of its trace (or NULL); without a cancel flag it
 * never waits (source.h). */
bool bt_tempo_guesses_linking(bt_tempo *tempo, const bt_cancel *cancel, const bt_trace_id *id, const bt_trace *trace);

#endif
