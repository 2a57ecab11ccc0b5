/* Answers of Tempo's tag API (JSON) into a list. Thread: no state. Errors: BT_INVALID, it is no such answer;
 * BT_NO_MEMORY. Only tempo/ includes this. */
#ifndef BT_TEMPO_API_TAGS_DECODER_H
#define BT_TEMPO_API_TAGS_DECODER_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/tags.h"

/* `limit`: how many names or values Tempo was asked for; as many in the answer mean that it may be cut. */
/* {"scopes":[{"name":"span","tags":["k",…]},…]} */
bt_status bt_tags_decode_names(bt_str body, const bt_tag_request *request, size_t limit, bt_tag_list *list,
                               bt_error *error) BT_MUST_CHECK;
/* {"tagValues":[{"type":"string","value":"x"},…]} */
bt_status bt_tags_decode_values(bt_str body, const bt_tag_request *request, size_t limit, bt_tag_list *list,
                                bt_error *error) BT_MUST_CHECK;

#endif
