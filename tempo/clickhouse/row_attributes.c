/* Attributes out of rows. See row_attributes.h. */
#include "tempo/clickhouse/row_attributes.h"

#include <math.h>

#include "dsl/trace/untyped_text.h"
#include "tempo/wire/otlp_json.h"
#include "tempo/wire/span_batch.h"

/* Reads the value of a pair; its key was read before. */
typedef bool (*read_value)(bt_span_rows *rows, bt_row_reader *reader, bt_value *out);

static bool take_pairs(bt_span_rows *rows, bt_row_reader *reader, read_value read, bt_attribute_list *list) {
  size_t count = bt_row_count(reader);
  for (size_t i = 0; i < count && !reader->failed; i++) {
    bt_attribute attribute;
    if (!bt_row_take_text(rows, reader, &attribute.key) || !read(rows, reader, &attribute.value)) return false;
    bt_status status = bt_build_add(list, &attribute, &rows->error);
    if (status != BT_OK) return bt_row_stop(rows, status);
  }
  return !reader->failed;
}

/* ---- maps ---- */

static bool read_untyped(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  bt_str text;
  if (!bt_row_take_text(rows, reader, &text)) return false;
  *out = bt_untyped_value(text);
  return true;
}

static bool read_text_or_list(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  bt_str text;
  if (!bt_row_take_text(rows, reader, &text)) return false;
  *out = bt_untyped_list_or_text(text);
  return true;
}

/* An integer or a double. Beyond 2^53 several integers are one double. */
static bool read_number(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  static const double all_exact = 9007199254740992;
  double number = bt_row_double(reader);
  (void)rows;
  bool is_whole = number == floor(number), is_large = fabs(number) >= all_exact;
  if (is_whole && !is_large && !(number == 0 && signbit(number)))
    *out = (bt_value){.type = BT_VALUE_INT, .integer = (int64_t)number};
  else
    *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = number, .is_inexact = is_large};
  return true;
}

static bool read_boolean(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  (void)rows;
  *out = (bt_value){.type = BT_VALUE_BOOL, .boolean = bt_row_byte(reader) != 0};
  return true;
}

bool bt_row_take_texts(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list) {
  return take_pairs(rows, reader, read_untyped, list);
}

bool bt_row_take_three_maps(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list) {
  return take_pairs(rows, reader, read_text_or_list, list) && take_pairs(rows, reader, read_number, list) &&
         take_pairs(rows, reader, read_boolean, list);
}

/* ---- Jaeger's lists of pairs ---- */

static bool read_text(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  *out = (bt_value){.type = BT_VALUE_STRING};
  return bt_row_take_text(rows, reader, &out->string);
}

static bool read_double(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  (void)rows;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = bt_row_double(reader)};
  return true;
}

static bool read_integer(bt_span_rows *rows, bt_row_reader *reader, bt_value *out) {
  (void)rows;
  *out = (bt_value){.type = BT_VALUE_INT, .integer = bt_row_int64(reader)};
  return true;
}

/* {"arrayValue":{"values":[…]}} */
static bool read_list(bt_span_rows *rows, bt_str text, bt_value *out) {
  bt_build *build = &rows->batch->build;
  bt_json_place place = {.build = build, .error = &rows->error};
  bt_json_init(&place.json, text, &build->arena);
  bt_status status = bt_json_read_value(&place, out);
  return status == BT_OK || bt_row_stop(rows, status);
}

/* What is neither text, number nor boolean. Of bytes and maps nothing is read. */
static bool take_complex(bt_span_rows *rows, bt_str key, bt_str text, bt_attribute *out) {
  static const bt_str bytes = {"@bytes@", 7}, map = {"@map@", 5}, list = {"@slice@", 7};
  bool is_list = bt_str_starts_with(key, list);
  size_t word = bt_str_starts_with(key, bytes) ? bytes.len : bt_str_starts_with(key, map) ? map.len : 0;
  if (is_list) word = list.len;
  if (!word) return bt_row_stop_at(rows, "an attribute", key);
  *out = (bt_attribute){.key = {key.ptr + word, key.len - word}, .value = {.type = BT_VALUE_OTHER}};
  return !is_list || read_list(rows, text, &out->value);
}

static bool take_complex_pairs(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list) {
  size_t count = bt_row_count(reader);
  for (size_t i = 0; i < count && !reader->failed; i++) {
    bt_attribute attribute;
    bt_str key, text;
    if (!bt_row_take_text(rows, reader, &key) || !bt_row_take_text(rows, reader, &text) || reader->failed) return false;
    if (!take_complex(rows, key, text, &attribute)) return false;
    bt_status status = bt_build_add(list, &attribute, &rows->error);
    if (status != BT_OK) return bt_row_stop(rows, status);
  }
  return !reader->failed;
}

bool bt_row_take_five_lists(bt_span_rows *rows, bt_row_reader *reader, bt_attribute_list *list) {
  return take_pairs(rows, reader, read_boolean, list) && take_pairs(rows, reader, read_double, list) &&
         take_pairs(rows, reader, read_integer, list) && take_pairs(rows, reader, read_text, list) &&
         take_complex_pairs(rows, reader, list);
}
