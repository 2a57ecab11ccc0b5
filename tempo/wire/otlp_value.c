/* Protobuf attributes. See otlp_value.h. */
#include "tempo/wire/otlp_value.h"

#include <inttypes.h>
#include <string.h>

#include "tempo/wire/otlp_fields.h"

bt_status bt_otlp_stop(const bt_otlp_place *place, const char *at, const char *message, const char *problem) {
  return bt_error_set(place->error, BT_INVALID, "protobuf, byte %zu, in %s: %s", (size_t)(at - place->base), message,
                      problem);
}

bt_status bt_otlp_stop_at_time(const bt_otlp_place *place, const char *what, uint64_t raw) {
  return bt_error_set(place->error, BT_INVALID, "%s is %" PRIu64 ": a time after the year 2262 is not one", what, raw);
}

static double double_of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* False: it is no member of the oneof. */
static bool read_member(const bt_wire_field *field, bt_value *out) {
  switch (field->tag) {
  case OF_ANY_STRING_TAG: *out = (bt_value){.type = BT_VALUE_STRING, .string = field->bytes}; return true;
  case OF_ANY_BOOL_TAG: *out = (bt_value){.type = BT_VALUE_BOOL, .boolean = field->value != 0}; return true;
  case OF_ANY_INT_TAG: *out = (bt_value){.type = BT_VALUE_INT, .integer = (int64_t)field->value}; return true;
  case OF_ANY_DOUBLE_TAG:
    *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = double_of_bits(field->value)};
    return true;
  case OF_ANY_ARRAY_TAG:
  case OF_ANY_MAP_TAG:
  case OF_ANY_BYTES_TAG: *out = (bt_value){.type = BT_VALUE_OTHER}; return true;
  default: return false;
  }
}

/* AnyValue, its list left as a slice in *array (ptr NULL: the value is no list). The last member of the oneof counts.
 */
static bt_status read_scalar(const bt_otlp_place *place, bt_str message, bt_value *out, bt_str *array) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_ANY_VALUE);
  bt_wire wire;
  bt_wire_field field;
  bt_wire_init(&wire, message);
  *out = (bt_value){.type = BT_VALUE_MISSING};
  *array = (bt_str){NULL, 0};
  while (bt_wire_next(&wire, &field)) {
    if (read_member(&field, out))
      *array = field.tag == OF_ANY_ARRAY_TAG ? field.bytes : (bt_str){NULL, 0};
    else
      bt_wire_pass_over(&wire, &field, tags, sizeof tags / sizeof *tags);
  }
  bt_status status = bt_otlp_message_end(place, &wire, "AnyValue");
  if (status == BT_OK && out->type == BT_VALUE_STRING) status = bt_otlp_read_text(place, out->string, &out->string);
  return status;
}

static bt_status read_array(const bt_otlp_place *place, bt_str message, bt_value *out) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_ARRAY_VALUE);
  bt_wire wire;
  bt_wire_field field;
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  place->build->values.count = 0;
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    bt_value item;
    bt_str nested;
    if (field.tag != OF_ARRAY_VALUES_TAG) {
      bt_wire_pass_over(&wire, &field, tags, sizeof tags / sizeof *tags);
      continue;
    }
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

/* Any form that a KeyValue can have. Kept apart from the usual form, which needs fewer registers. */
static __attribute__((noinline)) bt_status read_any_attribute(const bt_otlp_place *place, bt_str message,
                                                              bt_attribute_list *list) {
  static const bt_otlp_tag tags[] = BT_OTLP_TAGS(BT_OTLP_KEY_VALUE);
  bt_wire wire;
  bt_wire_field field;
  bt_attribute attribute = {.key = BT_STR("")};
  bt_status status = BT_OK;
  bt_wire_init(&wire, message);
  while (status == BT_OK && bt_wire_next(&wire, &field)) {
    if (field.tag == OF_KEY_VALUE_KEY_TAG)
      status = bt_otlp_read_text(place, field.bytes, &attribute.key);
    else if (field.tag == OF_KEY_VALUE_VALUE_TAG)
      status = read_value(place, field.bytes, &attribute.value);
    else
      bt_wire_pass_over(&wire, &field, tags, sizeof tags / sizeof *tags);
  }
  if (status == BT_OK) status = bt_otlp_message_end(place, &wire, "KeyValue");
  return status == BT_OK ? bt_build_add(list, &attribute, place->error) : status;
}

/* A varint that fills `length` bytes, of which there are 1 to 8; the eight from `at` on can be looked at. */
static bool read_short_varint(const char *at, size_t length, uint64_t *out) {
  uint64_t bytes = UINT64_MAX >> (64 - 8 * length), word = bt_wire_word(at) & bytes;
  *out = bt_wire_join_sevens(word);
  return (word & BT_WIRE_TOPS) == (BT_WIRE_TOPS & bytes >> 8); /* each but the last goes on */
}

/* One scalar that fills an AnyValue of 2 to 127 bytes. Member by member, because a whole value would be filled with
 * zeros first. */
static bool read_usual_value(const bt_otlp_place *place, const char *at, size_t length, bt_value *out) {
  uint64_t bits;
  switch (at[0]) {
  case OF_ANY_STRING_TAG:
    out->type = BT_VALUE_STRING;
    out->is_name = false;
    out->is_untyped = false;
    out->is_inexact = false;
    out->string = (bt_str){at + 2, length - 2};
    return (uint8_t)at[1] == length - 2;
  case OF_ANY_BOOL_TAG:
    out->type = BT_VALUE_BOOL;
    out->boolean = at[1] != 0;
    return length == 2 && (uint8_t)at[1] < 0x80;
  case OF_ANY_INT_TAG:
    if (length > 9 || place->end - at < 9 || !read_short_varint(at + 1, length - 1, &bits)) return false;
    out->type = BT_VALUE_INT;
    out->integer = (int64_t)bits;
    return true;
  case OF_ANY_DOUBLE_TAG:
    if (length != 9) return false;
    out->type = BT_VALUE_DOUBLE;
    out->is_inexact = false;
    out->decimal = double_of_bits(bt_wire_word(at + 1));
    return true;
  default: return false;
  }
}

/* The form that nearly all have: a key and a scalar, lengths of one byte, nothing else. Texts are not looked at. False:
 * another form. */
static bool read_usual_attribute(const bt_otlp_place *place, bt_str message, bt_attribute *out) {
  if (message.len < 6 || message.ptr[0] != OF_KEY_VALUE_KEY_TAG) return false;
  size_t key = (uint8_t)message.ptr[1];
  if (key >= 0x80 || key + 6 > message.len) return false;
  const char *value = message.ptr + 2 + key;
  size_t length = (uint8_t)value[1];
  if (value[0] != OF_KEY_VALUE_VALUE_TAG || length >= 0x80 || length != message.len - key - 4) return false;
  out->key = (bt_str){message.ptr + 2, key};
  return read_usual_value(place, value + 2, length, &out->value);
}

/* The attribute that is read so far is behind the last one of the list: its texts are still to be checked. */
static __attribute__((noinline)) bt_status keep_attribute(const bt_otlp_place *place, bt_attribute_list *list) {
  bt_attribute *next = &list->items[list->count];
  bt_status status = bt_otlp_read_text(place, next->key, &next->key);
  if (status == BT_OK && next->value.type == BT_VALUE_STRING)
    status = bt_otlp_read_text(place, next->value.string, &next->value.string);
  if (status == BT_OK) list->count++;
  return status;
}

/* What is rare is left to the functions above in the end, so that this one has nothing to save and restore. */
bt_status bt_otlp_read_attribute(const bt_otlp_place *place, bt_str message, bt_attribute_list *list) {
  if (list->count == list->capacity) return read_any_attribute(place, message, list);
  bt_attribute *next = &list->items[list->count];
  if (!read_usual_attribute(place, message, next)) return read_any_attribute(place, message, list);
  bt_str text = next->value.type == BT_VALUE_STRING ? next->value.string : (bt_str){next->key.ptr, 0};
  bool is_plain = bt_otlp_is_short_ascii(place, next->key) && bt_otlp_is_short_ascii(place, text);
  if (!is_plain) return keep_attribute(place, list);
  list->count++;
  return BT_OK;
}
