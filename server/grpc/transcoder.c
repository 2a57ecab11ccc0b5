/* Reading the wire format into JSON. See transcoder.h. Depth is bounded, so reading is plain recursion. */
#include "server/grpc/transcoder.h"

#include <math.h>
#include <string.h>

#include "server/grpc/transcode_parts.h"
#include "server/json/json_values.h"

typedef struct reader {
  const uint8_t *at, *end;
} reader;

typedef struct reading { /* of the whole message */
  size_t values;
  bt_error *error;
} reading;

typedef struct field { /* as it stands on the wire */
  uint32_t number;
  unsigned wire;
  uint64_t integer; /* VARINT, and the bits of FIXED64 and FIXED32 */
  bt_str bytes;     /* LENGTH */
} field;

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 };

static bool read_varint(reader *r, uint64_t *out) {
  *out = 0;
  for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
    uint8_t byte = *r->at++;
    *out |= (uint64_t)(byte & 0x7F) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

static bool read_fixed(reader *r, size_t bytes, uint64_t *out) {
  if ((size_t)(r->end - r->at) < bytes) return false;
  *out = 0;
  for (size_t i = 0; i < bytes; i++) *out |= (uint64_t)r->at[i] << (8 * i);
  r->at += bytes;
  return true;
}

static bool read_field(reader *r, field *out) {
  uint64_t tag, length;
  if (!read_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_C(0x1FFFFFFF)) return false;
  *out = (field){.number = (uint32_t)(tag >> 3), .wire = (unsigned)(tag & 7)};
  switch (out->wire) {
  case WIRE_VARINT: return read_varint(r, &out->integer);
  case WIRE_FIXED64: return read_fixed(r, 8, &out->integer);
  case WIRE_FIXED32: return read_fixed(r, 4, &out->integer);
  case WIRE_LENGTH:
    if (!read_varint(r, &length) || length > (uint64_t)(r->end - r->at)) return false;
    out->bytes = (bt_str){(const char *)r->at, (size_t)length};
    r->at += length;
    return true;
  default: return false; /* groups */
  }
}

static unsigned wire_of(ProtobufCType type) {
  if (type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_MESSAGE) return WIRE_LENGTH;
  return type == PROTOBUF_C_TYPE_DOUBLE ? WIRE_FIXED64 : WIRE_VARINT;
}

static bt_status read_message(reading *whole, const ProtobufCMessageDescriptor *type, bt_str wire, unsigned depth,
                              json_t **out);

static bt_status refuse_field(const reading *whole, const ProtobufCFieldDescriptor *descriptor, const char *why) {
  return bt_error_set(whole->error, BT_INVALID, "%s %s", descriptor->name, why);
}

static bt_status read_value(reading *whole, const ProtobufCFieldDescriptor *descriptor, const field *f, unsigned depth,
                            json_t **out) {
  double number = 0;
  *out = NULL;
  if (f->wire != wire_of(descriptor->type)) return refuse_field(whole, descriptor, "is of another type on the wire");
  if (++whole->values > BT_GRPC_VALUES_MAX)
    return bt_error_set(whole->error, BT_LIMIT, "the message has more than %d values", BT_GRPC_VALUES_MAX);
  if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE)
    return read_message(whole, descriptor->descriptor, f->bytes, depth + 1, out);
  if (descriptor->type == PROTOBUF_C_TYPE_STRING) {
    if (!bt_utf8_valid(f->bytes)) return refuse_field(whole, descriptor, "is no UTF-8");
    *out = json_stringn(f->bytes.ptr, f->bytes.len);
  } else if (descriptor->type == PROTOBUF_C_TYPE_DOUBLE) {
    memcpy(&number, &f->integer, sizeof number);
    if (!isfinite(number)) return refuse_field(whole, descriptor, "has to be a finite number");
    *out = json_real(number);
  } else if (descriptor->type == PROTOBUF_C_TYPE_BOOL) {
    *out = json_boolean(f->integer != 0);
  } else {
    *out = json_integer((json_int_t)f->integer);
  }
  return *out ? BT_OK : bt_error_no_memory(whole->error);
}

/* {key, value} into the object of a map; the last of two keys counts. */
static void put_entry(json_t *object, const char *name, json_t *entry) {
  json_t *map = json_object_get(object, name), *value = json_object_get(entry, "value");
  const char *key = json_string_value(json_object_get(entry, "key"));
  if (!map) {
    bt_json_set(object, name, json_object());
    map = json_object_get(object, name);
  }
  bt_json_set(map, key ? key : "", value ? json_incref(value) : json_null());
}

static void put_field(const ProtobufCFieldDescriptor *descriptor, json_t *object, json_t *value) {
  if (bt_grpc_is_map(descriptor)) {
    put_entry(object, descriptor->name, value);
    json_decref(value);
  } else if (descriptor->label == PROTOBUF_C_LABEL_REPEATED) {
    json_t *list = json_object_get(object, descriptor->name);
    if (!list) {
      bt_json_set(object, descriptor->name, json_array());
      list = json_object_get(object, descriptor->name);
    }
    bt_json_append(list, value);
  } else {
    bt_json_set(object, descriptor->name, value);
  }
}

/* The one member that stands; a list is the array inside. Takes the object. */
static json_t *bare_value(json_t *object) {
  json_t *value = json_object_iter_value(json_object_iter(object)), *list = json_object_get(object, "list_value");
  if (list) value = json_object_get(list, "values");
  json_t *bare = value ? json_incref(value) : list ? json_array() : json_null();
  json_decref(object);
  return bare;
}

static bt_status read_message(reading *whole, const ProtobufCMessageDescriptor *type, bt_str wire, unsigned depth,
                              json_t **out) {
  const uint8_t *bytes = (const uint8_t *)(wire.ptr ? wire.ptr : "");
  reader r = {bytes, bytes + wire.len};
  bt_status status = BT_OK;
  *out = NULL;
  if (depth > BT_GRPC_DEPTH_MAX)
    return bt_error_set(whole->error, BT_LIMIT, "the message is nested deeper than %d levels", BT_GRPC_DEPTH_MAX);
  json_t *object = json_object();
  if (!object) return bt_error_no_memory(whole->error);
  while (!status && r.at < r.end) {
    field f;
    json_t *value = NULL;
    if (!read_field(&r, &f)) {
      status = bt_error_set(whole->error, BT_INVALID, "the bytes are no message of type %s", type->name);
      break;
    }
    const ProtobufCFieldDescriptor *descriptor = protobuf_c_message_descriptor_get_field(type, f.number);
    if (!descriptor) continue;
    if (bt_grpc_is_any(type)) json_object_clear(object); /* of a oneof the last counts */
    status = read_value(whole, descriptor, &f, depth, &value);
    if (!status) put_field(descriptor, object, value);
  }
  if (status)
    json_decref(object);
  else
    *out = bt_grpc_is_any(type) ? bare_value(object) : object;
  return status;
}

bt_status bt_grpc_to_json(const ProtobufCMessageDescriptor *type, bt_str wire, json_t **out, bt_error *error) {
  reading whole = {.error = error};
  return read_message(&whole, type, wire, 0, out);
}
