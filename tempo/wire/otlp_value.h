/* Attributes as OTLP's protobuf has them, shared by spans (otlp_decoder.c) and search answers (search_decoder.c).
 * Thread: no state. Only the decoders of tempo/ include this. Errors: BT_INVALID, the message is broken; BT_LIMIT, the
 * arena has no room; BT_NO_MEMORY. */
#ifndef BT_TEMPO_WIRE_OTLP_VALUE_H
#define BT_TEMPO_WIRE_OTLP_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/otlp_builder.h"
#include "tempo/wire/wire.h"

/* Where a decoder is: for texts, scratch and messages. */
typedef struct bt_otlp_place {
  bt_build *build;
  const char *base; /* the document's first byte */
  const char *end;  /* behind its last one: whole words may be looked at up to there */
  bt_error *error;
} bt_otlp_place;

/* Whether a short text is ASCII, told without a branch for its length: most are. False also for one that is long, or
 * near the end. */
static inline bool bt_otlp_is_short_ascii(const bt_otlp_place *place, bt_str text) {
  enum { MOST = 32 };
  static const uint64_t tops[2 * MOST / 8] = {BT_WIRE_TOPS, BT_WIRE_TOPS, BT_WIRE_TOPS, BT_WIRE_TOPS};
  if (text.len > MOST || place->end - text.ptr < MOST) return false;
  const char *mask = (const char *)tops + MOST - text.len; /* as many tops as the text has bytes, then zeros */
  uint64_t found = 0;
  for (size_t i = 0; i < MOST; i += 8) found |= bt_wire_word(text.ptr + i) & bt_wire_word(mask + i);
  return found == 0;
}

/* A text of the document (bt_build_text). */
static inline bt_status bt_otlp_read_text(const bt_otlp_place *place, bt_str raw, bt_str *out) {
  if (!bt_otlp_is_short_ascii(place, raw)) return bt_build_text(place->build, raw, out, place->error);
  *out = raw;
  return BT_OK;
}

/* BT_INVALID with the problem, the message's name, and the byte that is at `at`. */
bt_status bt_otlp_stop(const bt_otlp_place *place, const char *at, const char *message,
                       const char *problem) BT_MUST_CHECK;
/* What became of reading a message to its end: BT_OK, or bt_otlp_stop with the wire's problem. */
static inline bt_status bt_otlp_message_end(const bt_otlp_place *place, const bt_wire *wire, const char *message) {
  return wire->problem ? bt_otlp_stop(place, wire->field, message, wire->problem) : BT_OK;
}
/* A KeyValue added to the list. Values that hold others are not looked into beyond one level: lists of scalars of one
 * type become arrays, all else BT_VALUE_OTHER. */
bt_status bt_otlp_read_attribute(const bt_otlp_place *place, bt_str message, bt_attribute_list *list) BT_MUST_CHECK;
/* BT_INVALID when a time lies beyond 2^63 − 1 ns (the year 2262). `what` names the field. */
bt_status bt_otlp_stop_at_time(const bt_otlp_place *place, const char *what, uint64_t raw) BT_MUST_CHECK;
static inline bt_status bt_otlp_read_time(const bt_otlp_place *place, const char *what, uint64_t raw, int64_t *out) {
  if (raw > INT64_MAX) return bt_otlp_stop_at_time(place, what, raw);
  *out = (int64_t)raw;
  return BT_OK;
}

#endif
