/* Marks of the spans that a search showed: which reads have them, and that both forms of an answer give the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dsl/base/text.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/shown_spans.h"
#include "tempo/wire/source.h"
#include "tests/tempo/wire_text.h"

enum { SECOND = 1000000000 };

static bt_span_id span_id(uint8_t number) {
  return (bt_span_id){{0, 0, 0, 0, 0, 0, 7, number}};
}

static bt_span span_of(uint8_t number, int64_t start_ns, int64_t end_ns) {
  return (bt_span){.id = span_id(number), .start_ns = start_ns, .end_ns = end_ns};
}

static bool are_in(const bt_shown *shown, const bt_span *spans, uint32_t count, bool differing_copies) {
  return bt_shown_are_in(shown, &(bt_trace){.spans = spans, .span_count = count, .differing_copies = differing_copies});
}

static bt_shown shown_of(uint8_t number, uint64_t start_ns, uint64_t duration_ns) {
  bt_shown shown = {0};
  bt_span_id id = span_id(number);
  bt_shown_add(&shown, &id, start_ns, duration_ns);
  return shown;
}

static void a_read_that_lacks_the_span_is_seen(void **state) {
  (void)state;
  const bt_span spans[] = {span_of(1, SECOND, SECOND + 5), span_of(2, SECOND, SECOND + 9)};
  bt_shown first = shown_of(1, SECOND, 5), third = shown_of(3, SECOND, 5);
  assert_true(are_in(&(bt_shown){0}, spans, 0, false));
  assert_true(are_in(&first, spans, 2, false));
  assert_false(are_in(&first, spans + 1, 1, false));
  assert_false(are_in(&first, spans, 0, false));
  assert_false(are_in(&third, spans, 2, false));
  bt_shown_join(&first, &third);
  assert_false(are_in(&first, spans, 2, false));
}

static void other_times_are_seen_unless_copies_differ(void **state) {
  (void)state;
  const bt_span spans[] = {span_of(1, SECOND, SECOND + 5)};
  bt_shown moved = shown_of(1, SECOND + 1, 5), longer = shown_of(1, SECOND, 6);
  assert_false(are_in(&moved, spans, 1, false));
  assert_false(are_in(&longer, spans, 1, false));
  assert_true(are_in(&moved, spans, 1, true));
  assert_true(bt_shown_ids_are_in(&moved, &(bt_trace){.spans = spans, .span_count = 1}));
  const bt_span halves[] = {span_of(1, SECOND, SECOND + 5), span_of(1, SECOND + 1, SECOND + 6)};
  assert_true(are_in(&moved, halves, 2, false)); /* a client's and a server's span may have one id */
}

/* Tempo's remedy for ids that a client's and a server's span share (tests/facts/facts_wire.py). */
static void a_server_half_may_have_another_id(void **state) {
  (void)state;
  bt_shown server = shown_of(1, SECOND + 1, 5), other = shown_of(1, SECOND + 2, 5);
  bt_span spans[] = {span_of(1, SECOND, SECOND + 9), span_of(2, SECOND + 1, SECOND + 6)};
  assert_false(are_in(&server, spans, 2, false));
  spans[1].parent_id = span_id(1);
  assert_false(are_in(&server, spans, 2, false));
  spans[1].kind = BT_KIND_SERVER;
  assert_true(are_in(&server, spans, 2, false));
  assert_false(are_in(&other, spans, 2, false));
}

static const bt_value text_v1 = {.type = BT_VALUE_STRING, .string = {"v1", 2}};
static const bt_value number_200 = {.type = BT_VALUE_INT, .integer = 200};
static const bt_value decimal_200 = {.type = BT_VALUE_DOUBLE, .decimal = 200.0};
static const bt_value several = {.type = BT_VALUE_ARRAY};

/* What a read has of the span's key, against the row's value of it. `resource`: the read's other place. */
static bool has_value(const char *key, bt_value shown_value, const bt_value *own, const bt_value *resource) {
  bt_shown shown = {0};
  bt_span_id id = span_id(1);
  bt_attribute shown_one = {bt_str_from(key), shown_value}, own_one = {bt_str_from(key), own ? *own : text_v1},
               resource_one = {bt_str_from(key), resource ? *resource : text_v1};
  bt_resource at = {.attributes = {.items = &resource_one, .count = resource ? 1 : 0}};
  bt_scope scope = {.name = BT_STR("")};
  bt_span span = span_of(1, SECOND, SECOND + 5);
  span.attributes = (bt_attributes){.items = &own_one, .count = own ? 1 : 0};
  span.resource = &at;
  span.scope = &scope;
  bt_shown_add_value(&shown, &id, &shown_one);
  bt_trace read = {.spans = &span, .span_count = 1, .differing_copies = true};
  assert_true(bt_shown_values_are_in(&shown, &read) && bt_shown_are_in(&shown, &read));
  read.differing_copies = false;
  return bt_shown_values_are_in(&shown, &read);
}

/* Where the read has the key with nothing else than another value, the row showed what the read does not. */
static void another_value_is_seen(void **state) {
  (void)state;
  assert_true(has_value("k", text_v1, &text_v1, NULL));
  assert_false(has_value("k", text_v1, &number_200, NULL));
  assert_false(has_value("k", text_v1, NULL, &number_200));
  assert_true(has_value("k", number_200, &decimal_200, NULL));
  assert_true(has_value("k", text_v1, &number_200, &text_v1));
  assert_true(has_value("k", text_v1, &text_v1, &number_200));
  assert_true(has_value("k", text_v1, NULL, NULL)); /* the read may not have asked for it */
  assert_true(has_value("k", text_v1, &several, NULL));
  assert_true(has_value("k", several, &text_v1, NULL));
  assert_true(has_value("kind", text_v1, &number_200, NULL)); /* a row writes the span's kind so, too */
  assert_true(has_value("event:name", text_v1, &number_200, NULL));
}

/* Stores write these in several ways: the id alone is looked for. */
static void odd_times_are_left_out(void **state) {
  (void)state;
  static const uint64_t odd[][2] = {
      {0, 5}, {SECOND, 0}, {SECOND, UINT64_MAX}, {UINT64_MAX, 5}, {SECOND, (uint64_t)INT64_MAX + 1}};
  const bt_span spans[] = {span_of(1, 3, 4)}, unended[] = {span_of(1, SECOND, 0)};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    bt_shown shown = shown_of(1, odd[i][0], odd[i][1]);
    assert_true(are_in(&shown, spans, 1, false));
    assert_true(are_in(&shown, unended, 1, false));
    assert_false(are_in(&shown, NULL, 0, false));
  }
  bt_shown none = {0};
  bt_span_id zero = {{0}};
  bt_shown_add(&none, &zero, SECOND, 5);
  assert_int_equal(none.marks[0], 0);
}

static void the_order_of_rows_changes_nothing(void **state) {
  (void)state;
  bt_shown forth = {0}, back = {0};
  for (uint8_t i = 0; i < 40; i++) {
    bt_shown one = shown_of(i, SECOND, 5), other = shown_of((uint8_t)(39 - i), SECOND, 5);
    bt_shown_join(&forth, &one);
    bt_shown_join(&back, &other);
    bt_shown_join(&back, &other);
  }
  assert_memory_equal(&forth, &back, sizeof forth);
  assert_true(forth.marks[0] && forth.marks[0] < forth.marks[1]);
  assert_int_equal(sizeof forth, 24);
}

static bt_status keep_shown(void *context, const bt_search_row *row, bt_error *error) {
  (void)error;
  *(bt_shown *)context = row->shown;
  return BT_OK;
}

static bt_shown decode(const char *text, bool is_json, bool with_spans) {
  bt_buffer wire = {0};
  bt_shown shown = {0};
  bt_search_answer answer;
  bt_error error = {.message = ""};
  if (!is_json) wire_text_encode(text, &wire);
  bt_str body = is_json ? bt_str_from(text) : bt_buffer_str(&wire);
  if (bt_tempo_decode_search(body, is_json, with_spans, keep_shown, &shown, &answer, &error) != BT_OK)
    fail_msg("%s", error.message);
  bt_buffer_dispose(&wire);
  return shown;
}

/* Of ids-only answers too; and what is no id there is passed over. */
static void both_forms_give_the_same(void **state) {
  (void)state;
  bt_shown expected = shown_of(1, SECOND, 5);
  bt_span_id id = span_id(1);
  bt_shown_add_value(&expected, &id, &(bt_attribute){BT_STR("k"), text_v1});
  bt_shown_add_value(&expected, &id, &(bt_attribute){BT_STR("m"), number_200});
  static const char json[] =
      "{\"traces\":[{\"traceID\":\"ab\",\"spanSets\":[{\"spans\":[{\"attributes\":[{\"key\":\"k\","
      "\"value\":{\"stringValue\":\"v1\"}},{\"key\":\"kind\",\"value\":{\"stringValue\":\"server\"}},"
      "{\"key\":\"m\",\"value\":{\"intValue\":\"200\"}}],\"spanID\":\"701\","
      "\"startTimeUnixNano\":\"1000000000\",\"durationNanos\":\"5\"}]}]}]}";
  static const char wire[] = "1{ 1{\"ab\"} 7{ 1{ 5{ 1{\"k\"} 2{ 1{\"v1\"} } } 5{ 1{\"kind\"} 2{ 1{\"server\"} } } "
                             "5{ 1{\"m\"} 2{ 3:200 } } 1{\"701\"} 3:1000000000 4:5 } } }";
  for (int with_spans = 0; with_spans < 2; with_spans++) {
    bt_shown of_json = decode(json, true, with_spans), of_wire = decode(wire, false, with_spans);
    assert_memory_equal(&of_json, &expected, sizeof expected);
    assert_memory_equal(&of_wire, &expected, sizeof expected);
  }
  static const char *const odd[] = {
      "{\"traces\":[{\"traceID\":\"ab\",\"spanSets\":[{\"spans\":[{\"spanID\":7},{}]}]}]}",
      "{\"traces\":[{\"traceID\":\"ab\",\"spanSets\":[{\"spans\":[{\"spanID\":\"nil\"}]}]}]}",
      "{\"traces\":[{\"traceID\":\"ab\",\"spanSets\":[{\"spans\":[{\"spanID\":\"0\"}]}]}]}"};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) assert_int_equal(decode(odd[i], true, false).marks[0], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_read_that_lacks_the_span_is_seen),
      cmocka_unit_test(odd_times_are_left_out),
      cmocka_unit_test(a_server_half_may_have_another_id),
      cmocka_unit_test(another_value_is_seen),
      cmocka_unit_test(other_times_are_seen_unless_copies_differ),
      cmocka_unit_test(the_order_of_rows_changes_nothing),
      cmocka_unit_test(both_forms_give_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
