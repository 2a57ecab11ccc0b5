/* Values and ids as OTLP's JSON has them, shared by spans (otlp_json.c) and search answers (search_json.c).
 * Thread: no state. Only the decoders of tempo/ include this. Errors: BT_INVALID, the text is not what is expected;
 * BT_LIMIT, the arena has no room; BT_NO_MEMORY. */
#ifndef BT_TEMPO_WIRE_OTLP_JSON_H
#define BT_TEMPO_WIRE_OTLP_JSON_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/json_reader.h"
#include "tempo/wire/otlp_builder.h"
#include "tempo/wire/otlp_decoder.h"

typedef struct bt_json_place {
  bt_json json;
  bt_build *build;
  bt_error *error;
} bt_json_place;

/* The document of OTLP that comes next in a file (otlp_json.c). */
bt_status bt_otlp_read_file_document(bt_json_place *place, bt_span_batch *batch) BT_MUST_CHECK;
/* BT_OK, or the error of the JSON text so far. */
bt_status bt_json_place_status(const bt_json_place *place) BT_MUST_CHECK;
/* Where a value ends: its reader's status, else that of the text. */
bt_status bt_json_place_finish(const bt_json_place *place, bt_status status) BT_MUST_CHECK;
/* BT_INVALID here, with `problem`. */
bt_status bt_json_place_stop(bt_json_place *place, const char *problem) BT_MUST_CHECK;
bt_status bt_json_read_text(bt_json_place *place, bt_str *out) BT_MUST_CHECK;
/* Ids as other tools write them: hex digits, leading zeros or not; "" leaves *out as it is. */
bt_status bt_json_read_trace_id(bt_json_place *place, const char *expected, bt_trace_id *out) BT_MUST_CHECK;
bt_status bt_json_read_span_id(bt_json_place *place, const char *expected, bt_span_id *out) BT_MUST_CHECK;
/* Integers may be numbers or strings; `expected` says what should have been there. */
bt_status bt_json_read_int64(bt_json_place *place, const char *expected, int64_t *out) BT_MUST_CHECK;
bt_status bt_json_read_uint64(bt_json_place *place, const char *expected, uint64_t *out) BT_MUST_CHECK;
/* Nanoseconds since the epoch, up to the year 2262. */
bt_status bt_json_read_time(bt_json_place *place, int64_t *out) BT_MUST_CHECK;
/* An AnyValue. */
bt_status bt_json_read_value(bt_json_place *place, bt_value *out) BT_MUST_CHECK;
/* An array of KeyValue, added to the list. */
bt_status bt_json_read_attributes(bt_json_place *place, bt_attribute_list *list) BT_MUST_CHECK;

#endif
