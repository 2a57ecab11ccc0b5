/* Messages to JSON and back: each kind of field, maps, bare values, what is no message, depth and number of values, and
 * every allocation of ours failing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/grpc/betrace/v1/rule.pb-c.h"
#include "server/grpc/betrace/v1/span.pb-c.h"
#include "server/grpc/betrace/v1/violation.pb-c.h"
#include "server/grpc/transcoder.h"
#include "tests/support/failing_alloc.h"

#define RULE  (&betrace__v1__rule__descriptor)
#define SPANS (&betrace__v1__push_spans_request__descriptor)

static json_t *read_text(const char *text) {
  json_t *value = json_loads(text, 0, NULL);
  if (!value) fail_msg("%s", text);
  return value;
}

static void goes_round(const ProtobufCMessageDescriptor *type, const char *text) {
  json_t *given = read_text(text), *back = NULL;
  bt_buffer wire = {0};
  bt_error error = {0};
  if (bt_grpc_from_json(type, given, &wire, &error)) fail_msg("%s: %s", text, error.message);
  if (bt_grpc_to_json(type, bt_buffer_str(&wire), &back, &error)) fail_msg("%s: %s", text, error.message);
  if (!json_equal(given, back)) fail_msg("%s became %s", text, json_dumps(back, 0));
  json_decref(given);
  json_decref(back);
  bt_buffer_dispose(&wire);
}

static void fields_go_round(void **state) {
  (void)state;
  goes_round(RULE, "{}");
  goes_round(RULE, "{\"id\": \"\\u00e4\\u0001\", \"enabled\": false, \"version\": -9007199254740993, \"labels\": "
                   "{\"\": \"x\", \"k\": \"\"},"
                   " \"controls\": [{\"framework\": \"f\"}, {}]}");
  goes_round(&betrace__v1__replay__descriptor,
             "{\"progress\": 0.25, \"coverage\": {\"complete\": true, \"asked\": {\"start\": \"s\"}}}");
  goes_round(&betrace__v1__query_violations_request__descriptor,
             "{\"rule_ids\": [\"a\", \"\", \"b\"], \"limit\": 9223372036854775807}");
}

/* What protobuf-c's encoder writes is read, and what is written its decoder reads. */
static void protobuf_c_agrees(void **state) {
  (void)state;
  Betrace__V1__Rule rule = BETRACE__V1__RULE__INIT;
  Betrace__V1__Rule__LabelsEntry entry = BETRACE__V1__RULE__LABELS_ENTRY__INIT, *entries[] = {&entry};
  uint8_t wire[256];
  json_t *read = NULL;
  bt_error error = {0};
  rule.id = (char *)"r";
  rule.has_enabled = rule.has_version = true;
  rule.version = INT64_MIN;
  entry.key = (char *)"k";
  entry.value = (char *)"v";
  rule.labels = entries;
  rule.n_labels = 1;
  size_t length = betrace__v1__rule__pack(&rule, wire);
  assert_int_equal(bt_grpc_to_json(RULE, (bt_str){(char *)wire, length}, &read, &error), BT_OK);
  json_t *expected = json_pack("{s:s, s:b, s:I, s:{s:s}}", "id", "r", "enabled", 0, "version", (json_int_t)INT64_MIN,
                               "labels", "k", "v");
  assert_true(json_equal(read, expected));
  bt_buffer written = {0};
  assert_int_equal(bt_grpc_from_json(RULE, read, &written, &error), BT_OK);
  Betrace__V1__Rule *back = betrace__v1__rule__unpack(NULL, written.len, (uint8_t *)written.ptr);
  assert_non_null(back);
  assert_string_equal(back->id, "r");
  assert_true(back->version == INT64_MIN && back->n_labels == 1);
  assert_string_equal(back->labels[0]->value, "v");
  betrace__v1__rule__free_unpacked(back, NULL);
  bt_buffer_dispose(&written);
  json_decref(read);
  json_decref(expected);
}

static void points_come_in_order(void **state) {
  (void)state;
  json_t *series = read_text("{\"labels\": {\"rule_id\": \"r\"}, \"points\": [[\"t\", 0.5], [17, null], [\"u\", 3]]}"),
         *back = NULL;
  json_t *expected =
      read_text("{\"labels\": {\"rule_id\": \"r\"}, \"points\": [{\"time\": \"t\", \"value\": 0.5}, {\"time\": \"17\"},"
                " {\"time\": \"u\", \"value\": 3.0}]}");
  bt_buffer wire = {0};
  bt_error error = {0};
  assert_int_equal(bt_grpc_from_json(&betrace__v1__series__descriptor, series, &wire, &error), BT_OK);
  assert_int_equal(bt_grpc_to_json(&betrace__v1__series__descriptor, bt_buffer_str(&wire), &back, &error), BT_OK);
  assert_true(json_equal(back, expected));
  json_decref(series);
  json_decref(back);
  json_decref(expected);
  bt_buffer_dispose(&wire);
}

static void what_does_not_fit_is_said(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "[[]]",         "{\"enabled\": 1}",   "{\"version\": \"x\"}", "{\"version\": 1.5}", "{\"labels\": []}",
      "{\"id\": {}}", "{\"controls\": {}}", "{\"controls\": [1]}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    json_t *value = read_text(wrong[i]);
    bt_buffer out = {0};
    bt_error error = {0};
    assert_int_equal(bt_grpc_from_json(RULE, value, &out, &error), BT_INVALID);
    assert_true(error.message[0]);
    json_decref(value);
    bt_buffer_dispose(&out);
  }
}

/* ---- hostile bytes ---- */

static void put_field(bt_buffer *out, unsigned number, bt_str payload) {
  bt_grpc_write_varint(out, number << 3 | 2);
  bt_grpc_write_varint(out, payload.len);
  bt_buffer_append(out, payload);
}

/* Takes the buffer; the new one is a field of it. */
static void wrap(bt_buffer *inner, unsigned number) {
  bt_buffer outer = {0};
  put_field(&outer, number, bt_buffer_str(inner));
  bt_buffer_dispose(inner);
  *inner = outer;
}

static bt_status read_nested(unsigned levels, json_t **out, bt_error *error) {
  bt_buffer wire = {0};
  put_field(&wire, 1, BT_STR("x"));
  for (unsigned i = 0; i < levels; i++) wrap(&wire, 1), wrap(&wire, 5); /* list_value { values { … } } */
  wrap(&wire, 2);                                                       /* the entry's value */
  bt_buffer_append(&wire, BT_STR("\x0a\x01k"));
  wrap(&wire, 8);
  wrap(&wire, 1);
  bt_status status = bt_grpc_to_json(SPANS, bt_buffer_str(&wire), out, error);
  bt_buffer_dispose(&wire);
  return status;
}

static void depth_is_limited(void **state) {
  (void)state;
  json_t *read = NULL;
  bt_error error = {0};
  assert_int_equal(read_nested(2, &read, &error), BT_OK);
  json_t *expected = read_text("{\"spans\": [{\"attributes\": {\"k\": [[\"x\"]]}}]}");
  assert_true(json_equal(read, expected));
  json_decref(expected);
  json_decref(read);
  static const unsigned levels[] = {20, 1000, 10000};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(read_nested(levels[i], &read, &error), BT_LIMIT);
    assert_null(read);
    assert_non_null(strstr(error.message, "nested deeper"));
  }
}

static void values_are_limited(void **state) {
  (void)state;
  bt_buffer wire = {0};
  json_t *read = NULL;
  bt_error error = {0};
  for (int i = 0; i <= BT_GRPC_VALUES_MAX; i++) bt_buffer_append(&wire, BT_STR("\x0a\x00"));
  assert_int_equal(bt_grpc_to_json(SPANS, bt_buffer_str(&wire), &read, &error), BT_LIMIT);
  wire.len -= 2;
  assert_int_equal(bt_grpc_to_json(SPANS, bt_buffer_str(&wire), &read, &error), BT_OK);
  assert_int_equal(json_array_size(json_object_get(read, "spans")), BT_GRPC_VALUES_MAX);
  json_decref(read);
  bt_buffer_dispose(&wire);
}

static bt_status read_bytes(bt_str wire) {
  json_t *read = NULL;
  bt_error error = {0};
  bt_status status = bt_grpc_to_json(RULE, wire, &read, &error);
  json_decref(read);
  return status;
}

static void what_is_no_message_is_refused(void **state) {
  (void)state;
  assert_int_equal(read_bytes(BT_STR("")), BT_OK);
  assert_int_equal(read_bytes(BT_STR("\x92\x3f\x01x")), BT_OK);     /* an unknown field */
  assert_int_equal(read_bytes(BT_STR("\x0a")), BT_INVALID);         /* no length */
  assert_int_equal(read_bytes(BT_STR("\x0a\x02x")), BT_INVALID);    /* too long */
  assert_int_equal(read_bytes(BT_STR("\x08\x01")), BT_INVALID);     /* a number for text */
  assert_int_equal(read_bytes(BT_STR("\x0a\x01\xff")), BT_INVALID); /* no UTF-8 */
  assert_int_equal(read_bytes(BT_STR("\x0b\x0c")), BT_INVALID);     /* a group */
  assert_int_equal(read_bytes(BT_STR("\x02\x00")), BT_INVALID);     /* field 0 */
  assert_int_equal(read_bytes(BT_STR("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), BT_INVALID); /* 11 bytes */
  assert_int_equal(read_bytes(BT_STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), BT_INVALID);
  /* Progress that is no number. */
  json_t *read = NULL;
  bt_error error = {0};
  assert_int_equal(bt_grpc_to_json(&betrace__v1__replay__descriptor, BT_STR("\x39\0\0\0\0\0\0\xf8\x7f"), &read, &error),
                   BT_INVALID);
}

/* Cut at each byte, and with each byte changed, a message is read or refused, and nothing else happens. */
static void damaged_messages_do_no_harm(void **state) {
  (void)state;
  json_t *whole = read_text("{\"id\": \"abc\", \"labels\": {\"k\": \"v\"}, \"controls\": [{\"framework\": \"f\", "
                            "\"control\": \"c\"}], \"version\": 300}");
  bt_buffer wire = {0};
  bt_error error = {0};
  assert_int_equal(bt_grpc_from_json(RULE, whole, &wire, &error), BT_OK);
  for (size_t at = 0; at <= wire.len; at++) (void)read_bytes((bt_str){wire.ptr, at});
  for (size_t at = 0; at < wire.len; at++)
    for (int byte = 0; byte < 256; byte++) {
      char kept = wire.ptr[at];
      wire.ptr[at] = (char)byte;
      (void)read_bytes(bt_buffer_str(&wire));
      wire.ptr[at] = kept;
    }
  json_decref(whole);
  bt_buffer_dispose(&wire);
}

static void without_memory_nothing_is_written(void **state) {
  (void)state;
  json_t *whole = read_text("{\"id\": \"abc\", \"labels\": {\"k\": \"v\"}, \"controls\": [{\"framework\": \"f\"}]}");
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_buffer wire = {0};
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_grpc_from_json(RULE, whole, &wire, &error);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    bt_buffer_dispose(&wire);
  }
  json_decref(whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(fields_go_round),
                                     cmocka_unit_test(protobuf_c_agrees),
                                     cmocka_unit_test(points_come_in_order),
                                     cmocka_unit_test(what_does_not_fit_is_said),
                                     cmocka_unit_test(depth_is_limited),
                                     cmocka_unit_test(values_are_limited),
                                     cmocka_unit_test(what_is_no_message_is_refused),
                                     cmocka_unit_test(damaged_messages_do_no_harm),
                                     cmocka_unit_test(without_memory_nothing_is_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
