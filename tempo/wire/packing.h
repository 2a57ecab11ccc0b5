/* Messages of protobuf-c, packed into our buffers. Thread: values, no state. Internal to tempo/. */
#ifndef BT_TEMPO_WIRE_PACKING_H
#define BT_TEMPO_WIRE_PACKING_H

#include <protobuf-c/protobuf-c.h>

#include "dsl/base/text.h"

/* Appends it; where there is no memory, out->failed says so. */
void bt_pack_message(const ProtobufCMessage *message, bt_buffer *out);

#endif
