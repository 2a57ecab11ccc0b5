/* Attributes as OTLP's protobuf has them, shared by spans (otlp_decode.c) and search answers (search_decode.c).
 * Thread: no state. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_OTLP_VALUE_H
#define BT_TEMPO_OTLP_VALUE_H

#include "tempo/otlp_build.h"
#include "tempo/wire.h"

/* Where a decoder is: for texts, scratch and messages. */
typedef struct bt_otlp_place {
  bt_build *build;
  const char *base; /* the document's first byte */
  bt_error *error;
} bt_otlp_place;

/* What became of reading a message to its end: BT_OK, or BT_INVALID with the message's name and the byte. */
bt_status bt_otlp_message_end(const bt_otlp_place *place, const bt_wire *wire, const char *message) BT_MUST_CHECK;
/* A KeyValue added to the list. Values that hold others are not looked into beyond one level: lists of scalars of one type become
 * arrays, all else BT_VALUE_OTHER. */
bt_status bt_otlp_read_attribute(const bt_otlp_place *place, bt_str message, bt_attribute_list *list) BT_MUST_CHECK;
/* BT_INVALID when a time lies beyond 2^63 − 1 ns (the year 2262). `what` names the field. */
bt_status bt_otlp_read_time(const bt_otlp_place *place, const char *what, uint64_t raw, int64_t *out) BT_MUST_CHECK;

#endif
