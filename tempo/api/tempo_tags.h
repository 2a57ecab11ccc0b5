/* Tempo's tag API as the tags of a source. Thread: the caller's. Internal to tempo/. */
#ifndef BT_TEMPO_API_TEMPO_TAGS_H
#define BT_TEMPO_API_TEMPO_TAGS_H

#include "dsl/error.h"
#include "tempo/api/tempo_call.h"
#include "tempo/wire/tags.h"

bt_status bt_tempo_tags(bt_tempo *tempo, const bt_tag_request *request, bt_tag_list *list,
                        bt_error *error) BT_MUST_CHECK;

#endif
