/* Writing JSON as the wire format. See transcoder.h. The JSON is ours; a message is made in a buffer of its own,
 * because its length stands before it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/grpc/transcode_parts.h"

void bt_grpc_write_varint(bt_buffer *out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) bt_buffer_append_char(out, (char)(0x80 | (number & 0x7F)));
  bt_buffer_append_char(out, (char)number);
}

static void write_tag(bt_buffer *out, uint32_t number, unsigned wire) {
  bt_grpc_write_varint(out, (uint64_t)number << 3 | wire);
}

static void write_bytes(bt_buffer *out, uint32_t number, bt_str bytes) {
  write_tag(out, number, 2);
  bt_grpc_write_varint(out, bytes.len);
  bt_buffer_append(out, bytes);
}

static bt_status write_message(const ProtobufCMessageDescriptor *type, json_t *value, unsigned depth, bt_buffer *out,
                               bt_error *error);

static bt_status does_not_fit(const ProtobufCFieldDescriptor *field, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the answer's %s does not fit the message", field->name);
}

/* Numbers that may pass 2^53 are texts in JSON. */
static bool integer_of(json_t *value, int64_t *out) {
  char *end = NULL;
  const char *text = json_string_value(value);
  if (json_is_integer(value)) return *out = json_integer_value(value), true;
  if (!text || !*text) return false;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return !*end && !errno;
}

static bt_status write_nested(const ProtobufCFieldDescriptor *field, json_t *value, unsigned depth, bt_buffer *out,
                              bt_error *error) {
  bt_buffer inner = {0};
  bt_status status = write_message(field->descriptor, value, depth + 1, &inner, error);
  if (!status && inner.failed) status = bt_error_no_memory(error);
  if (!status) write_bytes(out, field->id, bt_buffer_str(&inner));
  bt_buffer_dispose(&inner);
  return status;
}

/* A number where the message has text: the points of a series. */
static bt_status write_text(const ProtobufCFieldDescriptor *field, json_t *value, bt_buffer *out, bt_error *error) {
  if (json_is_string(value)) {
    write_bytes(out, field->id, (bt_str){json_string_value(value), json_string_length(value)});
    return BT_OK;
  }
  if (!json_is_number(value)) return does_not_fit(field, error);
  char *text = json_dumps(value, JSON_ENCODE_ANY);
  if (!text) return bt_error_no_memory(error);
  write_bytes(out, field->id, bt_str_from(text));
  free(text);
  return BT_OK;
}

static bt_status write_value(const ProtobufCFieldDescriptor *field, json_t *value, unsigned depth, bt_buffer *out,
                             bt_error *error) {
  int64_t integer = 0;
  double number = 0;
  if (field->type == PROTOBUF_C_TYPE_MESSAGE) return write_nested(field, value, depth, out, error);
  if (field->type == PROTOBUF_C_TYPE_STRING) return write_text(field, value, out, error);
  if (field->type == PROTOBUF_C_TYPE_BOOL) {
    if (!json_is_boolean(value)) return does_not_fit(field, error);
    write_tag(out, field->id, 0);
    bt_grpc_write_varint(out, json_is_true(value));
  } else if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
    if (!json_is_number(value)) return does_not_fit(field, error);
    number = json_number_value(value);
    write_tag(out, field->id, 1);
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    for (int i = 0; i < 8; i++) bt_buffer_append_char(out, (char)(bits >> (8 * i)));
  } else {
    if (!integer_of(value, &integer)) return does_not_fit(field, error);
    write_tag(out, field->id, 0);
    bt_grpc_write_varint(out, (uint64_t)integer);
  }
  return BT_OK;
}

static bt_status write_map(const ProtobufCFieldDescriptor *field, json_t *object, unsigned depth, bt_buffer *out,
                           bt_error *error) {
  const char *key;
  json_t *value;
  bt_status status = BT_OK;
  if (!json_is_object(object)) return does_not_fit(field, error);
  json_object_foreach(object, key, value) {
    json_t *entry = json_pack("{s:s, s:O}", "key", key, "value", value);
    if (!entry) return bt_error_no_memory(error);
    status = write_nested(field, entry, depth, out, error);
    json_decref(entry);
    if (status) break;
  }
  return status;
}

static bt_status write_field(const ProtobufCFieldDescriptor *field, json_t *value, unsigned depth, bt_buffer *out,
                             bt_error *error) {
  bt_status status = BT_OK;
  if (!value || json_is_null(value)) return BT_OK;
  if (bt_grpc_is_map(field)) return write_map(field, value, depth, out, error);
  if (field->label != PROTOBUF_C_LABEL_REPEATED) return write_value(field, value, depth, out, error);
  if (!json_is_array(value)) return does_not_fit(field, error);
  for (size_t i = 0; i < json_array_size(value) && !status; i++)
    status = write_value(field, json_array_get(value, i), depth, out, error);
  return status;
}

static bt_status write_message(const ProtobufCMessageDescriptor *type, json_t *value, unsigned depth, bt_buffer *out,
                               bt_error *error) {
  bool is_list = json_is_array(value); /* its fields in order */
  bt_status status = BT_OK;
  if ((!is_list && !json_is_object(value)) || depth > BT_GRPC_DEPTH_MAX)
    return bt_error_set(error, BT_INVALID, "the answer is no %s", type->name);
  for (unsigned i = 0; i < type->n_fields && !status; i++)
    status =
        write_field(&type->fields[i], is_list ? json_array_get(value, i) : json_object_get(value, type->fields[i].name),
                    depth, out, error);
  return status;
}

bt_status bt_grpc_from_json(const ProtobufCMessageDescriptor *type, json_t *object, bt_buffer *out, bt_error *error) {
  bt_status status = write_message(type, object, 0, out, error);
  return !status && out->failed ? bt_error_no_memory(error) : status;
}
