/* Who links to these traces: searches for batches of ids, each of them exhaustive (search.h). Thread: the caller's.
 * Internal to tempo/. */
#ifndef BT_TEMPO_API_LINK_SEARCH_H
#define BT_TEMPO_API_LINK_SEARCH_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

/* Errors are those of bt_tempo_search but BT_LIMIT; what could not be asked is in the account. */
bt_status bt_tempo_find_linking(bt_tempo *tempo, const bt_links_request *request, bt_found_list *found,
                                bt_source_account *account, bt_error *error) BT_MUST_CHECK;

/* Whether an id that begins with a zero byte can be asked for. */
bool bt_tempo_finds_zero_bytes(const bt_source_about *about);
/* Where it cannot: whether this is such an id, and what is known of its trace (or NULL) cannot be asked for either
 * (bt_promises). */
bool bt_tempo_guesses_linking(const bt_trace_id *id, const bt_trace *trace);

#endif
