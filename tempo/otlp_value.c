/* Protobuf attributes. See otlp_value.h. */
#include "tempo/otlp_value.h"

#include <inttypes.h>
#include <string.h>

bt_status bt_otlp_message_end(const bt_otlp_place *place, const bt_wire *wire, const char *message) {
  if (!wire->problem) return BT_OK;
  return bt_error_set(place->error, BT_INVALID, "protobuf, byte %zu, in %s: %s", (size_t)(wire->field - place->base),
                      message, wire->problem);
}

bt_status bt_otlp_read_time(const bt_otlp_place *place, const char *what, uint64_t raw, int64_t *out) {
  if (raw > INT64_MAX)
    return bt_error_set(place->error, BT_INVALID, "%s is %" PRIu64 ": a time after the year 2262 is not one", what,
                        raw);
  *out = (int64_t)raw;
  return BT_OK;
}

static double double_of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* AnyValue, its list left as a slice in *array (ptr NULL: the value is no list). The last member of the oneof counts. */
static bt_status read_scalar(const bt_otlp_place *place, bt_str message, bt_value *out, bt_str *array) {
  static const bt_wire_type types[] = {
      [1] = BT_WIRE_BYTES, [2] = BT_WIRE_VARINT, [3] = BT_WIRE_VARINT, [4] = BT_WIRE_FIXED64,
      [5] = BT_WIRE_BYTES, [6] = BT_WIRE_BYTES,  [7] = BT_WIRE_BYTES};
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, message);
  *out = (bt_value){.type = BT_VALUE_MISSING};
  *array = (bt_str){NULL, 0};
  while (bt_wire_next(&wire, &field)) {
    if (field.number > 7) continue;
    if (!bt_wire_expect(&wire, &field, types[field.number])) break;
    *array = (bt_str){NULL, 0};
    switch (field.number) {
    case 1: *out = (bt_value){.type = BT_VALUE_STRING, .string = field.bytes}; break;
    case 2: *out = (bt_value){.type = BT_VALUE_BOOL, .boolean = field.value != 0}; break;
    case 3: *out = (bt_value){.type = BT_VALUE_INT, .integer = (int64_t)field.value}; break;
    case 4: *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = double_of_bits(field.value)}; break;
    case 5:
      *array = field.bytes;
      *out = (bt_value){.type = BT_VALUE_OTHER};
      break;
    default: *out = (bt_value){.type = BT_VALUE_OTHER}; break;
    }
  }
  bt_status status = bt_otlp_message_end(place, &wire, "AnyValue");
  if (status == BT_OK && out->type == BT_VALUE_STRING)
    status = bt_build_text(place->build, out->string, &out->string, place->error);
  return status;
}

static bt_status read_array(const bt_otlp_place *place, bt_str message, bt_value *out) {
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  place->build->values.count = 0;
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number != 1) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    bt_value item;
    bt_str nested;
    status = read_scalar(place, field.bytes, &item, &nested);
    if (status == BT_OK) status = bt_build_add_value(place->build, &item, place->error);
  }
  if (status == BT_OK) status = bt_otlp_message_end(place, &wire, "ArrayValue");
  return status == BT_OK ? bt_build_array(place->build, out, place->error) : status;
}

static bt_status read_value(const bt_otlp_place *place, bt_str message, bt_value *out) {
  bt_str array;
  bt_status status = read_scalar(place, message, out, &array);
  if (status == BT_OK && array.ptr) status = read_array(place, array, out);
  return status;
}

bt_status bt_otlp_read_attribute(const bt_otlp_place *place, bt_str message, bt_attribute_list *list) {
  bt_wire wire;
  bt_wire_field field;
  bt_attribute attribute = {.key = BT_STR("")};
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.number > 2) continue;
    if (!bt_wire_expect(&wire, &field, BT_WIRE_BYTES)) break;
    if (field.number == 1)
      status = bt_build_text(place->build, field.bytes, &attribute.key, place->error);
    else
      status = read_value(place, field.bytes, &attribute.value);
  }
  if (status == BT_OK) status = bt_otlp_message_end(place, &wire, "KeyValue");
  return status == BT_OK ? bt_build_add(list, &attribute, place->error) : status;
}
