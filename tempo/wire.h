/* A pull reader over one protobuf message: fields one after another, each checked against the end of its message. Nothing is copied,
 * nested messages are slices for a reader of their own, so no depth of input can use up the stack. Groups are refused: neither OTLP nor
 * Tempo has any. Thread: values, no state. Only the decoders of tempo/ include this. */
#ifndef BT_TEMPO_WIRE_H
#define BT_TEMPO_WIRE_H

#include "dsl/text.h"

typedef enum bt_wire_type { /* numbers as on the wire */
                            BT_WIRE_VARINT = 0,
                            BT_WIRE_FIXED64 = 1,
                            BT_WIRE_BYTES = 2,
                            BT_WIRE_FIXED32 = 5
} bt_wire_type;

typedef struct bt_wire_field {
  uint32_t number; /* 1 to 2^29 − 1 */
  bt_wire_type type;
  uint64_t value; /* of VARINT, FIXED64, FIXED32 */
  bt_str bytes;   /* of BYTES; borrowed from the message */
} bt_wire_field;

typedef struct bt_wire {
  const char *at, *end;
  const char *field;   /* where the last field began: the place of an error */
  const char *problem; /* what is wrong, in words; NULL while nothing is */
} bt_wire;

void bt_wire_init(bt_wire *wire, bt_str message);
/* The same as bt_wire_next for whatever does not fit into its short way. */
bool bt_wire_next_slow(bt_wire *wire, bt_wire_field *field);
/* False at the end of the message and at a problem, which then stays. The short way is for what nearly all fields are: a tag of one byte, and
 * then a number of one byte or a length of one byte with so many bytes. */
static inline bool bt_wire_next(bt_wire *wire, bt_wire_field *field) {
  const char *at = wire->at;
  if (wire->problem || wire->end - at < 2) return bt_wire_next_slow(wire, field);
  uint8_t tag = (uint8_t)at[0], next = (uint8_t)at[1];
  unsigned type = tag & 7;
  if (tag < 8 || tag >= 0x80 || next >= 0x80 || (type != BT_WIRE_BYTES && type != BT_WIRE_VARINT))
    return bt_wire_next_slow(wire, field);
  size_t length = type == BT_WIRE_BYTES ? next : 0;
  if (length > (size_t)(wire->end - at - 2)) return bt_wire_next_slow(wire, field);
  wire->field = at;
  wire->at = at + 2 + length;
  field->number = tag >> 3;
  field->type = (bt_wire_type)type;
  field->value = type == BT_WIRE_VARINT ? next : 0;
  field->bytes = type == BT_WIRE_BYTES ? (bt_str){at + 2, length} : (bt_str){NULL, 0};
  return true;
}
/* Whether the field just read has that type; if not, that is the wire's problem. */
static inline bool bt_wire_expect(bt_wire *wire, const bt_wire_field *field, bt_wire_type type) {
  if (field->type != type) wire->problem = "a field has another wire type than its definition";
  return field->type == type;
}

#endif
