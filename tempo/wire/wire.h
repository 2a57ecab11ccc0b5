/* A pull reader over one protobuf message: fields one after another, each checked against the end of its message.
 * Nothing is copied, nested messages are slices for a reader of their own, so no depth of input can use up the stack.
 * Groups are refused: neither OTLP nor Tempo has any. Thread: values, no state. Only the decoders of tempo/ include
 * this. */
#ifndef BT_TEMPO_WIRE_WIRE_H
#define BT_TEMPO_WIRE_WIRE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dsl/base/text.h"

typedef enum bt_wire_type { /* numbers as on the wire */
                            BT_WIRE_VARINT = 0,
                            BT_WIRE_FIXED64 = 1,
                            BT_WIRE_BYTES = 2,
                            BT_WIRE_FIXED32 = 5
} bt_wire_type;

/* A tag as on the wire: for a switch over number and type at once. */
#define BT_WIRE_FIELD(number, type) ((uint32_t)(number) << 3 | (type))

typedef struct bt_wire_field {
  uint32_t tag;    /* both of the next: BT_WIRE_FIELD */
  uint32_t number; /* 1 to 2^29 − 1 */
  bt_wire_type type;
  uint64_t value; /* of VARINT, FIXED64, FIXED32 */
  bt_str bytes;   /* of BYTES; borrowed from the message. Of others: of no use */
} bt_wire_field;

/* Eight bytes as a number: the wire is little-endian. */
static inline uint64_t bt_wire_word(const char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return le64toh(word);
}

#define BT_WIRE_TOPS 0x8080808080808080u /* the highest bit of each byte of a word */

typedef struct bt_wire {
  const char *at, *end;
  const char *field;   /* where the last field began: the place of an error */
  const char *problem; /* what is wrong, in words; NULL while nothing is */
} bt_wire;

static inline void bt_wire_init(bt_wire *wire, bt_str message) {
  static const char nothing[1] = "";
  const char *start = message.ptr ? message.ptr : nothing;
  *wire = (bt_wire){.at = start, .end = start + message.len, .field = start};
}

/* Seven bits of each of eight bytes moved together: pairs, then fours, then all. */
static inline uint64_t bt_wire_join_sevens(uint64_t word) {
  word &= 0x7F7F7F7F7F7F7F7Fu;
  word = (word & 0x007F007F007F007Fu) | (word & 0x7F007F007F007F00u) >> 1;
  word = (word & 0x00003FFF00003FFFu) | (word & 0x3FFF00003FFF0000u) >> 2;
  return (word & 0x000000000FFFFFFFu) | (word & 0x0FFFFFFF00000000u) >> 4;
}

/* The number behind the tag at `at`, where it has up to nine bytes (a time has nine) and ten can be looked at: how many
 * bytes both take; 0: it is none of those. */
size_t bt_wire_varint(const char *at, size_t room, uint64_t *out);
/* The same as bt_wire_next for whatever does not fit into its short way. */
bool bt_wire_next_slow(bt_wire *wire, bt_wire_field *field);
/* Copies go there, so that the reader and the field of a loop can live in registers. */
static inline bool bt_wire_next_copied(bt_wire *wire, bt_wire_field *field) {
  bt_wire wire_copy = *wire;
  bt_wire_field field_copy;
  bool is_there = bt_wire_next_slow(&wire_copy, &field_copy);
  *wire = wire_copy;
  if (is_there) *field = field_copy;
  return is_there;
}

/* How many bytes the tag and a length of one or two bytes take; 0: the length has more, or reaches past the `room`
 * bytes from `at` on, of which there are at least two. */
static inline size_t bt_wire_length(const char *at, size_t room, size_t *length) {
  size_t head = 2;
  *length = (uint8_t)at[1];
  if (*length >= 0x80) {
    if (room < 3 || (uint8_t)at[2] >= 0x80) return 0;
    *length = (*length & 0x7F) | (size_t)(uint8_t)at[2] << 7;
    head = 3;
  }
  return *length <= room - head ? head : 0;
}

/* False at the end of the message and at a problem, which then stays. The short way is for what nearly all fields are:
 * a tag of one byte, and then a number, or as many bytes as a length of one or two bytes says. */
static inline bool bt_wire_next(bt_wire *wire, bt_wire_field *field) {
  const char *at = wire->at;
  size_t room = (size_t)(wire->end - at), head = 0, length = 0;
  uint64_t value = 0;
  if (room == 0 || wire->problem) return false;
  uint8_t tag = (uint8_t)at[0];
  if (room < 2 || tag < 8 || tag >= 0x80) return bt_wire_next_copied(wire, field);
  if ((tag & 7) == BT_WIRE_BYTES) {
    head = bt_wire_length(at, room, &length);
  } else if ((tag & 7) == BT_WIRE_VARINT) {
    value = (uint8_t)at[1];
    head = value < 0x80 ? 2 : bt_wire_varint(at, room, &value);
  } else if ((tag & 7) == BT_WIRE_FIXED64 && room >= 9) {
    value = bt_wire_word(at + 1);
    head = 9;
  }
  if (!head) return bt_wire_next_copied(wire, field);
  wire->field = at;
  wire->at = at + head + length;
  *field = (bt_wire_field){tag, tag >> 3, (bt_wire_type)(tag & 7), value, {at + head, length}};
  return true;
}

/* Takes the next field where it is bytes of a length of one byte with a tag of one byte, which is this one: for what
 * mostly comes next. */
static inline bool bt_wire_take(bt_wire *wire, uint8_t tag, bt_str *bytes) {
  const char *at = wire->at;
  if (wire->end - at < 2 || (uint8_t)at[0] != tag) return false;
  size_t length = (uint8_t)at[1];
  if (length >= 0x80 || length > (size_t)(wire->end - at) - 2) return false;
  *bytes = (bt_str){at + 2, length};
  wire->field = at;
  wire->at = at + 2 + length;
  return true;
}

/* The same for a number of one byte, */
static inline bool bt_wire_take_byte(bt_wire *wire, uint8_t tag, uint64_t *value) {
  const char *at = wire->at;
  if (wire->end - at < 2 || (uint8_t)at[0] != tag || (uint8_t)at[1] >= 0x80) return false;
  *value = (uint8_t)at[1];
  wire->field = at;
  wire->at = at + 2;
  return true;
}

/* and for one of eight. */
static inline bool bt_wire_take_fixed64(bt_wire *wire, uint8_t tag, uint64_t *value) {
  const char *at = wire->at;
  if (wire->end - at < 9 || (uint8_t)at[0] != tag) return false;
  *value = bt_wire_word(at + 1);
  wire->field = at;
  wire->at = at + 9;
  return true;
}

/* Whether the field just read has that type; if not, that is the wire's problem. */
static inline bool bt_wire_expect(bt_wire *wire, const bt_wire_field *field, bt_wire_type type) {
  if (field->type != type) wire->problem = "a field has another wire type than its definition";
  return field->type == type;
}

/* A field that is in no case of a switch over tags: passed over, unless its number is that of one of them, whose type
 * is then another than its definition's: that is the wire's problem. */
static inline void bt_wire_pass_over(bt_wire *wire, const bt_wire_field *field, const uint32_t *tags, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (tags[i] >> 3 == field->number) wire->problem = "a field has another wire type than its definition";
}

#endif
