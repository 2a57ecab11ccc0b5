/* Rows of spans in the form of each schema. What does a value become? Is a row that is cut anywhere, or says what
 * cannot be, refused? And each allocation fails in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dsl/base/text.h"
#include "tempo/clickhouse/clickhouse_layout.h"
#include "tempo/clickhouse/span_rows.h"
#include "tests/support/failing_alloc.h"

enum { MAP, SIGNOZ, JSON, JAEGER, LONGEST = 200 };

/* ---- RowBinary ---- */

static void put_byte(bt_buffer *out, unsigned byte) {
  bt_buffer_append_char(out, (char)byte);
}

static void put_text(bt_buffer *out, const char *text) {
  put_byte(out, (unsigned)strlen(text)); /* of less than 128 bytes */
  bt_buffer_append(out, bt_str_from(text));
}

static void put_int64(bt_buffer *out, int64_t number) {
  bt_buffer_append(out, (bt_str){(const char *)&number, sizeof number});
}

static void put_double(bt_buffer *out, double number) {
  bt_buffer_append(out, (bt_str){(const char *)&number, sizeof number});
}

static void put_bytes(bt_buffer *out, const char *bytes, size_t count) {
  bt_buffer_append(out, (bt_str){bytes, count});
}

/* A path of a JSON column, its type and value. */
#define PUT_PATH(out, path, bytes) (put_text(out, path), put_bytes(out, bytes, sizeof(bytes) - 1))

enum { JSON_PATHS = 19 };
static void put_json(bt_buffer *out) {
  put_byte(out, JSON_PATHS);
  PUT_PATH(out, "int8", "\x07\xFB");
  PUT_PATH(out, "int", "\x0A\x05\0\0\0\0\0\0\0");
  PUT_PATH(out, "uint64", "\x04\0\0\0\0\0\0\0\x80");
  PUT_PATH(out, "rounded", "\x0A\x18\0\0\0\0\0\0\x10"); /* 1152921504606847000, the text of 2^60 */
  PUT_PATH(out, "double", "\x0E\0\0\0\0\0\0\xF8\x3F");
  PUT_PATH(out, "bool", "\x2D\x01");
  PUT_PATH(out, "text", "\x15\x01x");
  PUT_PATH(out, "digits",
           "\x15\x15"
           "100000000000000000000");
  PUT_PATH(out, "date", "\x0F\xE6\x4F");
  PUT_PATH(out, "time", "\x13\x09\0\0\0\0\0\0\0\0");
  PUT_PATH(out, "zone", "\x14\x09\x03UTC\0\0\0\0\0\0\0\0");
  PUT_PATH(out, "ints", "\x1E\x23\x0A\x02\0\x01\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0");
  PUT_PATH(out, "null", "\x1E\x23\x15\x02\x01\0\x01x");
  PUT_PATH(out, "dates", "\x1E\x23\x0F\x01\0\xE6\x4F");
  PUT_PATH(out, "mixed", "\x1E\x2B\x20\x02\x15\x01x\x0A\x01\0\0\0\0\0\0\0");
  PUT_PATH(out, "lists", "\x1E\x1E\x23\x15\x01\x01\0\x01x");
  PUT_PATH(out, "tuple", "\x1F\x02\x15\x2D\x01x\x01");
  PUT_PATH(out, "maps", "\x1E\x30\0\x80\x02\x10\0\0\0\x01\x01\x01q\x0A\x01\0\0\0\0\0\0\0");
  PUT_PATH(out, "none", "\0");
}

static void put_five(bt_buffer *out) {
  put_byte(out, 1), put_text(out, "bool"), put_byte(out, 1);
  put_byte(out, 1), put_text(out, "double"), put_double(out, 1);
  put_byte(out, 1), put_text(out, "int"), put_int64(out, INT64_MAX);
  put_byte(out, 1), put_text(out, "text"), put_text(out, "5");
  put_byte(out, 3), put_text(out, "@slice@ints"), put_text(out, "{\"arrayValue\":{\"values\":[{\"intValue\":\"1\"}]}}");
  put_text(out, "@bytes@bytes"), put_text(out, "AAE="), put_text(out, "@map@map"), put_text(out, "{}");
}

static void put_three_maps(bt_buffer *out) {
  put_byte(out, 2), put_text(out, "text"), put_text(out, "5"), put_text(out, "list"), put_text(out, "[1]");
  put_byte(out, 4), put_text(out, "int"), put_double(out, 5), put_text(out, "double"), put_double(out, 1.5);
  put_text(out, "rounded"), put_double(out, 9007199254740992), put_text(out, "minus"), put_double(out, -0.0);
  put_byte(out, 1), put_text(out, "bool"), put_byte(out, 1);
}

static void put_map(bt_buffer *out) {
  put_byte(out, 2), put_text(out, "int"), put_text(out, "5"), put_text(out, "text"), put_text(out, "x");
}

/* Attributes of a resource, an event or (with maps of types) a span. */
static void put_attributes(bt_buffer *out, int schema, bool is_span) {
  if (schema == JSON) put_json(out);
  if (schema == JAEGER) put_five(out);
  if (schema == SIGNOZ && is_span) put_three_maps(out);
  if (schema == MAP || (schema == SIGNOZ && !is_span)) put_map(out);
}

static void put_row(bt_buffer *out, int schema, unsigned check) {
  const char *const head[] = {
      "000000000000000000000000000000a1", "00000000000000aa", "", "a=1", "GET /", "server", "cart"};
  for (size_t i = 0; i < sizeof head / sizeof *head; i++) put_text(out, head[i]);
  put_attributes(out, schema, false);
  put_text(out, "lib"), put_text(out, "1.0");
  if (schema == JAEGER) put_five(out);
  put_attributes(out, schema, true);
  put_int64(out, 100), put_int64(out, 5);
  put_text(out, "Error"), put_text(out, "broken");
  if (schema == SIGNOZ) put_int64(out, 0x101), put_byte(out, check);
  put_byte(out, 1), put_int64(out, 101);
  put_byte(out, 1), put_text(out, "retry");
  put_byte(out, 1), put_attributes(out, schema, false);
  put_byte(out, 1), put_text(out, "000000000000000000000000000000ff");
  put_byte(out, 1), put_text(out, "00000000000000bb");
  if (schema != SIGNOZ) put_byte(out, 1), put_attributes(out, schema, false);
}

/* ---- reading ---- */

/* The list of layouts has another order. */
static const bt_row_form *form_of(int schema) {
  static const char *const names[] = {"exporter, Map", "SigNoz", "exporter, JSON", "Jaeger"};
  for (size_t i = 0; i < BT_CLICKHOUSE_LAYOUTS; i++)
    if (strcmp(bt_clickhouse_layouts[i].name, names[schema]) == 0) return bt_clickhouse_layouts[i].form;
  fail_msg("there is no %s", names[schema]);
  return NULL;
}

/* Of as many rows as there are. BT_OK: *span is the first one's, as long as *batch. */
static bt_status read_rows(bt_str bytes, int schema, bt_span_batch **batch, const bt_span **span, bt_error *error) {
  const bt_row_form *form = form_of(schema);
  bt_row_reader reader = {bytes.ptr, bytes.ptr + bytes.len, false};
  *batch = NULL;
  bt_status status = bt_span_batch_new((size_t)1 << 20, batch, error);
  if (status != BT_OK) return status;
  bt_span_rows rows = {.batch = *batch, .form = form};
  while (bt_rows_are_left(&reader) && bt_span_rows_take(&rows, &reader)) continue;
  if (error) *error = rows.error;
  if (rows.status != BT_OK) return rows.status;
  if (reader.failed || reader.at < reader.end) return BT_INVALID;
  status = bt_span_batch_finish(*batch, error);
  if (status == BT_OK) *span = bt_span_batch_trace_count(*batch) ? bt_span_batch_trace(*batch, 0)->spans : NULL;
  return status;
}

static const bt_value *value_of(const bt_attributes *attributes, const char *key) {
  const bt_value *value = bt_attributes_find(attributes, bt_str_from(key));
  if (!value) fail_msg("there is no %s", key);
  return value;
}

/* The type of a value, and whether it is known: MISSING means any. */
typedef struct expected {
  const char *key;
  bt_value_type type;
  bool is_untyped;
} expected;

static void check_types(const bt_attributes *attributes, const expected *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const bt_value *value = value_of(attributes, rows[i].key);
    if (value->type != rows[i].type || bt_value_is_untyped(value) != rows[i].is_untyped)
      fail_msg("%s is of type %d, untyped %d", rows[i].key, (int)value->type, bt_value_is_untyped(value));
  }
}

static void check_common(const bt_span *span, int schema) {
  assert_non_null(span);
  assert_true(bt_str_equal(span->name, BT_STR("GET /")));
  assert_true(bt_str_equal(span->resource->service, BT_STR("cart")));
  assert_true(bt_str_equal(span->scope->version, BT_STR("1.0")));
  assert_int_equal(span->kind, BT_KIND_SERVER);
  assert_int_equal(span->status, BT_SPAN_STATUS_ERROR);
  assert_int_equal(span->end_ns, 105);
  assert_int_equal(span->flags, schema == SIGNOZ ? 0x101 : 0);
  assert_int_equal(span->event_count, 1);
  assert_int_equal(span->events[0].time_ns, 101);
  assert_true(span->events[0].attributes.count > 0);
  assert_int_equal(span->link_count, 1);
  assert_int_equal(span->links[0].span_id.bytes[7], 0xbb);
  assert_int_equal(span->links[0].attributes.dropped, schema == SIGNOZ ? BT_NOT_KEPT : 0);
  assert_int_equal(span->links[0].attributes.count > 0, schema != SIGNOZ);
  assert_int_equal(span->scope->attributes.dropped, BT_NOT_KEPT);
  assert_int_equal(span->scope->attributes.count > 0, schema == JAEGER);
}

static void check_schema(int schema, const expected *rows, size_t count) {
  bt_buffer bytes = {0};
  bt_span_batch *batch;
  const bt_span *span;
  put_row(&bytes, schema, 1);
  assert_int_equal(read_rows(bt_buffer_str(&bytes), schema, &batch, &span, NULL), BT_OK);
  check_common(span, schema);
  check_types(&span->attributes, rows, count);
  bt_span_batch_free(batch);
  for (size_t length = 1; length < bytes.len; length++) { /* never less than was sent */
    assert_int_equal(read_rows((bt_str){bytes.ptr, length}, schema, &batch, &span, NULL), BT_INVALID);
    bt_span_batch_free(batch);
  }
  bt_buffer_dispose(&bytes);
}

/* ---- tests ---- */

static void a_map_is_texts_of_unknown_type(void **state) {
  static const expected rows[] = {{"int", BT_VALUE_STRING, true}, {"text", BT_VALUE_STRING, false}};
  (void)state;
  check_schema(MAP, rows, sizeof rows / sizeof *rows);
}

static void three_maps_have_types(void **state) {
  static const expected rows[] = {{"text", BT_VALUE_STRING, false},  {"list", BT_VALUE_STRING, true},
                                  {"int", BT_VALUE_INT, false},      {"double", BT_VALUE_DOUBLE, false},
                                  {"minus", BT_VALUE_DOUBLE, false}, {"rounded", BT_VALUE_DOUBLE, true},
                                  {"bool", BT_VALUE_BOOL, false}};
  (void)state;
  check_schema(SIGNOZ, rows, sizeof rows / sizeof *rows);
}

static void a_json_column_says_types(void **state) {
  static const expected rows[JSON_PATHS] = {
      {"int8", BT_VALUE_INT, false},      {"int", BT_VALUE_INT, false},       {"uint64", BT_VALUE_DOUBLE, false},
      {"rounded", BT_VALUE_DOUBLE, true}, {"double", BT_VALUE_DOUBLE, false}, {"bool", BT_VALUE_BOOL, false},
      {"text", BT_VALUE_STRING, false},   {"digits", BT_VALUE_STRING, true},  {"date", BT_VALUE_STRING, true},
      {"time", BT_VALUE_STRING, true},    {"zone", BT_VALUE_STRING, true},    {"ints", BT_VALUE_ARRAY, false},
      {"null", BT_VALUE_OTHER, false},    {"dates", BT_VALUE_ARRAY, true},    {"mixed", BT_VALUE_OTHER, false},
      {"lists", BT_VALUE_OTHER, false},   {"tuple", BT_VALUE_OTHER, false},   {"maps", BT_VALUE_OTHER, false},
      {"none", BT_VALUE_MISSING, false}};
  (void)state;
  check_schema(JSON, rows, JSON_PATHS);
}

static void five_lists_keep_everything(void **state) {
  static const expected rows[] = {{"bool", BT_VALUE_BOOL, false},  {"double", BT_VALUE_DOUBLE, false},
                                  {"int", BT_VALUE_INT, false},    {"text", BT_VALUE_STRING, false},
                                  {"ints", BT_VALUE_ARRAY, false}, {"bytes", BT_VALUE_OTHER, false},
                                  {"map", BT_VALUE_OTHER, false}};
  (void)state;
  check_schema(JAEGER, rows, sizeof rows / sizeof *rows);
}

/* The row with the first of these bytes for others. */
static void refuse_changed(int schema, bt_str old, bt_str new) {
  bt_buffer bytes = {0}, changed = {0};
  bt_span_batch *batch;
  const bt_span *span;
  put_row(&bytes, schema, 1);
  size_t at = 0;
  while (at + old.len <= bytes.len && memcmp(bytes.ptr + at, old.ptr, old.len) != 0) at++;
  assert_true(at + old.len <= bytes.len);
  bt_buffer_append(&changed, (bt_str){bytes.ptr, at});
  bt_buffer_append(&changed, new);
  bt_buffer_append(&changed, (bt_str){bytes.ptr + at + old.len, bytes.len - at - old.len});
  assert_int_equal(read_rows(bt_buffer_str(&changed), schema, &batch, &span, NULL), BT_INVALID);
  bt_span_batch_free(batch);
  bt_buffer_dispose(&changed);
  bt_buffer_dispose(&bytes);
}

#define BYTES(literal) ((bt_str){literal, sizeof(literal) - 1})

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  refuse_changed(JSON, BYTES("\x04int8\x07\xFB"), BYTES("\x04int8\x2C\xFB"));           /* no type that is known */
  refuse_changed(JSON, BYTES("\x30\0\x80\x02\x10\0"), BYTES("\x30\0\x80\x02\x10\x01")); /* a typed path */
  refuse_changed(JAEGER, BYTES("@bytes@"), BYTES("@other@"));
  refuse_changed(JAEGER, BYTES("\"intValue\":\"1\""), BYTES("\"intValue\":\"x\""));
  refuse_changed(MAP, BYTES("server"), BYTES("sorver"));
  refuse_changed(MAP, BYTES("00000000000000bb"), BYTES("0000000000000xbb"));
  bt_buffer bytes = {0};
  bt_span_batch *batch;
  const bt_span *span;
  put_row(&bytes, SIGNOZ, 0); /* the server says that events or links are no JSON */
  assert_int_equal(read_rows(bt_buffer_str(&bytes), SIGNOZ, &batch, &span, NULL), BT_INVALID);
  bt_span_batch_free(batch);
  bt_buffer_dispose(&bytes);
}

/* Types within types, deeper than any attribute. */
static void depth_is_limited(void **state) {
  bt_buffer bytes = {0};
  bt_error error = {0};
  bt_span_batch *batch;
  const bt_span *span;
  (void)state;
  const char *const head[] = {"000000000000000000000000000000a1", "00000000000000aa", "", "", "", "", ""};
  for (size_t i = 0; i < sizeof head / sizeof *head; i++) put_text(&bytes, head[i]);
  put_byte(&bytes, 1), put_text(&bytes, "deep");
  for (size_t i = 0; i < 100000; i++) put_byte(&bytes, 0x1E);
  assert_int_equal(read_rows(bt_buffer_str(&bytes), JSON, &batch, &span, &error), BT_INVALID);
  assert_non_null(strstr(error.message, "lists in lists"));
  bt_span_batch_free(batch);
  bt_buffer_dispose(&bytes);
}

static void allocations_fail_in_turn(void **state) {
  (void)state;
  for (int schema = MAP; schema <= JAEGER; schema++) {
    bt_buffer bytes = {0};
    put_row(&bytes, schema, 1);
    bool refused = true;
    size_t n = 0;
    for (; refused && n < LONGEST; n++) {
      bt_span_batch *batch;
      const bt_span *span;
      failing_alloc_after(n);
      bt_status status = read_rows(bt_buffer_str(&bytes), schema, &batch, &span, NULL);
      refused = failing_alloc_stop();
      assert_int_equal(status, refused ? BT_NO_MEMORY : BT_OK);
      bt_span_batch_free(batch);
    }
    assert_true(n > 2 && n < LONGEST);
    bt_buffer_dispose(&bytes);
  }
}

/* Names with another type, and JSON with types of its own. */
static void columns_are_known_by_their_types(void **state) {
  static const bt_clickhouse_column json = {"a", "JSON"}, list = {"a", "Array(JSON"}, map = {"a", "Map("};
  (void)state;
  assert_true(bt_clickhouse_column_is(&json, BT_STR("a"), BT_STR("JSON")));
  assert_true(bt_clickhouse_column_is(&json, BT_STR("a"), BT_STR("JSON(max_dynamic_paths=5)")));
  assert_false(bt_clickhouse_column_is(&json, BT_STR("a"), BT_STR("JSON(k UInt8)")));
  assert_false(bt_clickhouse_column_is(&json, BT_STR("a"), BT_STR("JSON(SKIP k)")));
  assert_true(bt_clickhouse_column_is(&list, BT_STR("a"), BT_STR("Array(JSON(max_dynamic_types=16))")));
  assert_false(bt_clickhouse_column_is(&list, BT_STR("a"), BT_STR("Array(JSON(k String))")));
  assert_true(bt_clickhouse_column_is(&map, BT_STR("a"), BT_STR("Map(String, String)")));
  assert_false(bt_clickhouse_column_is(&map, BT_STR("b"), BT_STR("Map(String, String)")));
  for (size_t i = 0; i < BT_CLICKHOUSE_LAYOUTS; i++)
    assert_true(bt_clickhouse_layouts[i].column_count <= BT_CLICKHOUSE_MOST_COLUMNS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_map_is_texts_of_unknown_type), cmocka_unit_test(three_maps_have_types),
      cmocka_unit_test(a_json_column_says_types),       cmocka_unit_test(five_lists_keep_everything),
      cmocka_unit_test(what_cannot_be_is_refused),      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(allocations_fail_in_turn),       cmocka_unit_test(columns_are_known_by_their_types),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
