/* Tempo's tag API as the tags of a source. Thread: the caller's. Internal to tempo/. */
#ifndef BT_TEMPO_API_TEMPO_TAGS_H
#define BT_TEMPO_API_TEMPO_TAGS_H

#include "dsl/base/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/tags.h"

/* BT_INVALID: a tenant that no header can carry, or a range after January 2038. BT_UNAVAILABLE, BT_REFUSED: Tempo did
 * not answer, or not with tags. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_tempo_tags(bt_tempo *tempo, const bt_tag_request *request, bt_tag_list *list,
                        bt_error *error) BT_MUST_CHECK;

#endif
