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
/* False at the end of the message and at a problem, which then stays. */
bool bt_wire_next(bt_wire *wire, bt_wire_field *field);
/* Whether the field just read has that type; if not, that is the wire's problem. */
bool bt_wire_expect(bt_wire *wire, const bt_wire_field *field, bt_wire_type type);

#endif
