/* Messages of protobuf to JSON and back, by their descriptors: a gRPC call is the HTTP call with its fields in another
 * notation. Requests come from outside and are never given to protobuf-c's decoder, which has no limit of depth: they
 * are read here, with limits of depth and of values. Fields have the names that they have in JSON; maps are objects,
 * AnyValue is the bare value, and a field that is not there is no key. Thread: no state. */
#ifndef BT_SERVER_GRPC_TRANSCODER_H
#define BT_SERVER_GRPC_TRANSCODER_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"

enum { BT_GRPC_DEPTH_MAX = 32, BT_GRPC_VALUES_MAX = 1000000 };

/* new object. BT_INVALID: the bytes are no such message, or text in them is no UTF-8; BT_LIMIT: nested deeper than
 * BT_GRPC_DEPTH_MAX, or more values than BT_GRPC_VALUES_MAX. Unknown fields are passed over. */
bt_status bt_grpc_to_json(const ProtobufCMessageDescriptor *type, bt_str wire, json_t **out,
                          bt_error *error) BT_MUST_CHECK;
/* Appends the message. Keys that the message does not have are passed over; a list of lists becomes a list of messages
 * whose fields come in order. BT_INVALID: a value does not fit its field. */
bt_status bt_grpc_from_json(const ProtobufCMessageDescriptor *type, json_t *object, bt_buffer *out,
                            bt_error *error) BT_MUST_CHECK;

/* The bytes of one field whose value is bytes, for answers that are made by hand. */
void bt_grpc_write_varint(bt_buffer *out, uint64_t number);

#endif
