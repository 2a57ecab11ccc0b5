/* What both directions of transcoder.h ask of descriptors. Only these two files include it. Thread: no state. */
#ifndef BT_SERVER_GRPC_TRANSCODE_PARTS_H
#define BT_SERVER_GRPC_TRANSCODE_PARTS_H

#include "server/grpc/transcoder.h"

/* Generated entries of map<…> are messages of two fields whose names end so. */
static inline bool bt_grpc_is_map(const ProtobufCFieldDescriptor *descriptor) {
  if (descriptor->type != PROTOBUF_C_TYPE_MESSAGE || descriptor->label != PROTOBUF_C_LABEL_REPEATED) return false;
  const ProtobufCMessageDescriptor *type = descriptor->descriptor;
  return bt_str_ends_with(bt_str_from(type->name), BT_STR("Entry"));
}

static inline bool bt_grpc_is_any(const ProtobufCMessageDescriptor *type) {
  return bt_str_equal(bt_str_from(type->name), BT_STR("betrace.v1.AnyValue"));
}

#endif
