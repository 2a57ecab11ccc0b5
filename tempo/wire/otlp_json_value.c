/* Values and attributes of OTLP JSON. See otlp_json.h. */
#include <math.h>

#include "tempo/wire/json_number.h"
#include "tempo/wire/otlp_fields.h"
#include "tempo/wire/otlp_json.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

bt_status bt_json_place_status(const bt_json_place *place) {
  return bt_json_status(&place->json, place->error);
}

/* A string without escapes lies in the text, one with escapes in the arena. */
bt_status bt_json_place_finish(const bt_json_place *place, bt_status status) {
  return status == BT_OK ? bt_json_place_status(place) : status;
}

bt_status bt_json_place_stop(bt_json_place *place, const char *problem) {
  bt_json_stop(&place->json, problem);
  return bt_json_place_status(place);
}

bt_status bt_json_read_text(bt_json_place *place, bt_str *out) {
  return bt_json_string(&place->json, out) ? BT_OK : bt_json_place_status(place);
}

bt_status bt_json_read_trace_id(bt_json_place *place, const char *expected, bt_trace_id *out) {
  bt_str text = BT_STR("");
  bt_status status = bt_json_read_text(place, &text);
  if (status != BT_OK || !text.len || bt_trace_id_parse(text, out)) return status;
  return bt_json_place_stop(place, expected);
}

bt_status bt_json_read_span_id(bt_json_place *place, const char *expected, bt_span_id *out) {
  bt_str text = BT_STR("");
  bt_status status = bt_json_read_text(place, &text);
  if (status != BT_OK || !text.len || bt_span_id_parse(text, out)) return status;
  return bt_json_place_stop(place, expected);
}

/* A number, or a string that holds one. */
static bool read_digits(bt_json *json, const char *expected, bt_str *digits) {
  bt_json_type type = bt_json_peek(json);
  if (type == BT_JSON_NUMBER) return bt_json_number(json, digits);
  if (type != BT_JSON_STRING) return bt_json_stop(json, expected);
  return bt_json_string(json, digits) && (bt_json_is_number(*digits) || bt_json_stop(json, expected));
}

bt_status bt_json_read_int64(bt_json_place *place, const char *expected, int64_t *out) {
  bt_str digits = {0};
  if (read_digits(&place->json, expected, &digits) && !bt_json_to_int64(digits, out))
    bt_json_stop(&place->json, expected);
  return bt_json_place_status(place);
}

bt_status bt_json_read_uint64(bt_json_place *place, const char *expected, uint64_t *out) {
  bt_str digits = {0};
  if (read_digits(&place->json, expected, &digits) && !bt_json_to_uint64(digits, out))
    bt_json_stop(&place->json, expected);
  return bt_json_place_status(place);
}

bt_status bt_json_read_time(bt_json_place *place, int64_t *out) {
  static const char expected[] = "expected nanoseconds since 1970, from 0 to 9223372036854775807";
  int64_t value = 0;
  bt_status status = bt_json_read_int64(place, expected, &value);
  if (status == BT_OK && value < 0) {
    bt_json_stop(&place->json, expected);
    status = bt_json_place_status(place);
  }
  *out = value;
  return status;
}

/* doubleValue: a number, or one of the strings "NaN", "Infinity", "-Infinity", or a number in a string. */
static bool read_double(bt_json *json, double *out) {
  static const char expected[] = "expected a number in the range of a double, \"NaN\", \"Infinity\" or \"-Infinity\"";
  bt_str text;
  if (bt_json_peek(json) == BT_JSON_STRING) {
    if (!bt_json_string(json, &text)) return false;
    if (bt_str_equal(text, BT_STR("NaN"))) return *out = NAN, true;
    if (bt_str_equal(text, BT_STR("Infinity"))) return *out = INFINITY, true;
    if (bt_str_equal(text, BT_STR("-Infinity"))) return *out = -INFINITY, true;
    if (!bt_json_is_number(text)) return bt_json_stop(json, expected);
  } else if (bt_json_peek(json) != BT_JSON_NUMBER) {
    return bt_json_stop(json, expected);
  } else if (!bt_json_number(json, &text)) {
    return false;
  }
  return bt_json_to_double(text, out) || bt_json_stop(json, expected);
}

static const bt_json_name any_names[] = BT_OTLP_NAMES(BT_OTLP_ANY_VALUE);

static bt_status read_member(bt_json_place *place, unsigned bit, bt_value *out) {
  bt_json *json = &place->json;
  switch (bit) {
  case OF_ANY_STRING: out->type = BT_VALUE_STRING; return bt_json_read_text(place, &out->string);
  case OF_ANY_BOOL:
    out->type = BT_VALUE_BOOL;
    bt_json_bool(json, &out->boolean);
    break;
  case OF_ANY_INT:
    out->type = BT_VALUE_INT;
    return bt_json_read_int64(place, "expected an integer of 64 bits", &out->integer);
  case OF_ANY_DOUBLE:
    out->type = BT_VALUE_DOUBLE;
    read_double(json, &out->decimal);
    break;
  default:
    out->type = BT_VALUE_OTHER;
    bt_json_skip(json);
    break;
  }
  return bt_json_place_status(place);
}

/* AnyValue. A list is passed over; *list is then a reader that stands before it (start NULL: the value is no list). */
static bt_status read_scalar(bt_json_place *place, bt_value *out, bt_json *list) {
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  *out = (bt_value){.type = BT_VALUE_MISSING};
  list->start = NULL;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, any_names, COUNT(any_names), &seen, &bit)) {
    if (out->type != BT_VALUE_MISSING) bt_json_stop(&place->json, "a value must have one type only");
    if (bit == OF_ANY_ARRAY) *list = place->json;
    status = read_member(place, bit, out);
  }
  return status == BT_OK ? bt_json_place_status(place) : status;
}

static bt_status read_items(bt_json_place *place) {
  bt_status status = BT_OK;
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json)) {
    bt_value item = {.type = BT_VALUE_MISSING};
    bt_json nested;
    if (!bt_json_null(&place->json)) status = read_scalar(place, &item, &nested);
    if (status == BT_OK) status = bt_build_add_value(place->build, &item, place->error);
  }
  return status == BT_OK ? bt_json_place_status(place) : status;
}

/* ArrayValue: {"values": […]}. */
static bt_status read_list(bt_json_place *place, bt_value *out) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_ARRAY_VALUE);
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  place->build->values.count = 0;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, names, COUNT(names), &seen, &bit))
    status = read_items(place);
  if (status == BT_OK) status = bt_json_place_status(place);
  return status == BT_OK ? bt_build_array(place->build, out, place->error) : status;
}

bt_status bt_json_read_value(bt_json_place *place, bt_value *out) {
  bt_json_place list = {.build = place->build, .error = place->error};
  bt_status status = read_scalar(place, out, &list.json);
  return status == BT_OK && list.json.start ? read_list(&list, out) : status;
}

static bt_status read_attribute(bt_json_place *place, bt_attribute_list *list) {
  static const bt_json_name names[] = BT_OTLP_NAMES(BT_OTLP_KEY_VALUE);
  bt_attribute attribute = {.key = BT_STR("")};
  uint32_t seen = 0;
  unsigned bit;
  bt_status status = BT_OK;
  bt_json_open_object(&place->json);
  while (status == BT_OK && bt_json_next_known(&place->json, names, COUNT(names), &seen, &bit))
    status = bit == OF_KEY_VALUE_KEY ? bt_json_read_text(place, &attribute.key)
                                     : bt_json_read_value(place, &attribute.value);
  if (status == BT_OK) status = bt_json_place_status(place);
  return status == BT_OK ? bt_build_add(list, &attribute, place->error) : status;
}

bt_status bt_json_read_attributes(bt_json_place *place, bt_attribute_list *list) {
  bt_status status = BT_OK;
  bt_json_open_array(&place->json);
  while (status == BT_OK && bt_json_next_item(&place->json)) status = read_attribute(place, list);
  return status == BT_OK ? bt_json_place_status(place) : status;
}
