/* Every type of value, on a span and on its resource: what was pushed is what is read, by id and in batches, or it is
 * declared doubtful. One trace for each value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsl/trace/untyped_text.h"
#include "tests/tempo/conformance_asking.h"
#include "tests/tempo/conformance_cases.h"
#include "tests/tempo/conformance_scene.h"

#define TEXT(text)                                                                                                     \
  {                                                                                                                    \
    .type = BT_VALUE_STRING, .string = { text, sizeof(text) - 1 }                                                      \
  }
#define INT(number)                                                                                                    \
  { .type = BT_VALUE_INT, .integer = number }
#define REAL(number)                                                                                                   \
  { .type = BT_VALUE_DOUBLE, .decimal = number }
#define TRUTH(which)                                                                                                   \
  { .type = BT_VALUE_BOOL, .boolean = which }
#define LIST(items_)                                                                                                   \
  {                                                                                                                    \
    .type = BT_VALUE_ARRAY, .array = { items_, sizeof(items_) / sizeof *(items_) }                                     \
  }
#define EMPTY_LIST                                                                                                     \
  {                                                                                                                    \
    .type = BT_VALUE_ARRAY, .array = { NULL, 0 }                                                                       \
  }

static const bt_value texts[] = {TEXT("a"), TEXT(""), TEXT("b")}, one_text[] = {TEXT("a")};
static const bt_value ints[] = {INT(1), INT(INT64_MIN), INT(9007199254740993)}, reals[] = {REAL(0.5), REAL(1e300)};
static const bt_value truths[] = {TRUTH(true), TRUTH(false)}, mixed[] = {INT(1), TEXT("x")};

/* `is_missing`: to the language it is none, whatever a store keeps of it. */
static const struct {
  bt_value value;
  bool is_missing;
} rows[] = {
    {TEXT("plain"), false},
    {TEXT(""), false},
    {TEXT("nil"), false},
    {TEXT("true"), false},
    {TEXT("12"), false},
    {TEXT("\xC3\xA4\n\"\\"), false},
    {TRUTH(true), false},
    {TRUTH(false), false},
    {INT(0), false},
    {INT(-1), false},
    {INT(INT64_MAX), false},
    {INT(INT64_MIN), false},
    {INT(9007199254740993), false},
    {REAL(0.5), false},
    {REAL(3.0), false},
    {REAL(-0.0), false},
    {REAL(1e300), false},
    {REAL(5e-324), false},
    {REAL(-1.7976931348623157e308), false},
    {LIST(texts), false},
    {LIST(one_text), false},
    {LIST(ints), false},
    {LIST(reals), false},
    {LIST(truths), false},
    {EMPTY_LIST, true},
    {LIST(mixed), true},
    {{.type = BT_VALUE_MISSING}, true},
};
enum { ROWS = sizeof rows / sizeof *rows, MAP = ROWS, BYTES, NOT_A_NUMBER, ENDLESS, VALUES };

/* As JSON has them, which no exporter of ours sends. */
static const char *const written[] = {"{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"intValue\":\"1\"}}]}}",
                                      "{\"bytesValue\":\"AAEC\"}"};

static bt_trace_id id_of(int value) {
  bt_trace_id id = {{0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, (uint8_t)(value + 1)}};
  return id;
}

static bt_value value_of(int number) {
  if (number == NOT_A_NUMBER) return (bt_value)REAL(NAN);
  if (number == ENDLESS) return (bt_value)REAL(INFINITY);
  return number < ROWS ? rows[number].value : (bt_value){.type = BT_VALUE_OTHER};
}

static bool is_missing(int number) {
  return number == MAP || number == BYTES || (number < ROWS && rows[number].is_missing);
}

static void push_value(store *s, const char *tenant, const int *numbers, size_t count, int64_t base_ns) {
  bt_export_span spans[VALUES];
  bt_attribute of_span[VALUES], of_resource[VALUES][2];
  bt_export_resource resources[VALUES];
  for (size_t i = 0; i < count; i++) {
    bt_value value = value_of(numbers[i]);
    of_span[i] = (bt_attribute){BT_STR("v"), value};
    of_resource[i][0] = (bt_attribute){BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("values")}};
    of_resource[i][1] = (bt_attribute){BT_STR("r"), value};
    bool has_value = value.type != BT_VALUE_MISSING;
    spans[i] = (bt_export_span){.trace_id = id_of(numbers[i]),
                                .span_id = {{0xC0, 0, 0, 0, 0, 0, 0, 1}},
                                .name = BT_STR("value"),
                                .kind = BT_KIND_SERVER,
                                .start_ns = base_ns + numbers[i] * second_ns,
                                .end_ns = base_ns + numbers[i] * second_ns + 500000,
                                .attributes = &of_span[i],
                                .attribute_count = has_value ? 1 : 0};
    resources[i] = (bt_export_resource){
        .attributes = of_resource[i], .attribute_count = has_value ? 2 : 1, .spans = &spans[i], .span_count = 1};
  }
  store_push(s, tenant, resources, count);
}

static void push_written(store *s, const char *tenant, int number, int64_t base_ns) {
  char json[1000], id[BT_TRACE_ID_HEX + 1];
  bt_trace_id trace = id_of(number);
  const char *value = written[number - MAP];
  bt_trace_id_format(&trace, id);
  snprintf(json, sizeof json,
           "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
           "\"values\"}},{\"key\":\"r\",\"value\":%s}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%s\",\"spanId\":"
           "\"c000000000000001\",\"name\":\"value\",\"kind\":2,\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":"
           "\"%lld\",\"attributes\":[{\"key\":\"v\",\"value\":%s}]}]}]}]}",
           value, id, (long long)(base_ns + number * second_ns), (long long)(base_ns + number * second_ns + 500000),
           value);
  store_push_json(s, tenant, json, 1);
}

/* ---- what is read ---- */

/* To the language a list of one value is that value. */
static const bt_value *lone(const bt_value *value) {
  return value->type == BT_VALUE_ARRAY && value->array.count == 1 ? &value->array.items[0] : value;
}

static bool is_same(const bt_value *a, const bt_value *b) {
  a = lone(a);
  b = lone(b);
  if (a->type != b->type) return false;
  if (a->type == BT_VALUE_STRING) return bt_str_equal(a->string, b->string);
  if (a->type == BT_VALUE_BOOL) return a->boolean == b->boolean;
  if (a->type == BT_VALUE_INT) return a->integer == b->integer;
  if (a->type == BT_VALUE_DOUBLE)
    return bt_double_is_same(a->decimal, b->decimal) || (isnan(a->decimal) && isnan(b->decimal));
  if (a->type != BT_VALUE_ARRAY || a->array.count != b->array.count) return false;
  for (uint32_t i = 0; i < a->array.count; i++)
    if (!is_same(&a->array.items[i], &b->array.items[i])) return false;
  return true;
}

static bool is_number(const bt_value *value) {
  return value->type == BT_VALUE_INT || value->type == BT_VALUE_DOUBLE;
}

static double number_of(const bt_value *value) {
  return value->type == BT_VALUE_INT ? (double)value->integer : value->decimal;
}

/* An integer and a decimal, and a zero with its sign and without. */
static bool is_same_number(const bt_value *a, const bt_value *b) {
  a = lone(a);
  b = lone(b);
  if (!is_number(a) || !is_number(b)) return false;
  if (a->type == BT_VALUE_INT && b->type == BT_VALUE_INT) return a->integer == b->integer;
  return number_of(a) == number_of(b);
}

static bool is_large(const bt_value *value) {
  static const double all_exact = 9007199254740992;
  if (value->type != BT_VALUE_ARRAY) return is_number(value) && fabs(number_of(value)) >= all_exact;
  for (uint32_t i = 0; i < value->array.count; i++)
    if (is_large(&value->array.items[i])) return true;
  return false;
}

/* An empty text, or a list with one, or what is no finite number. */
static bool is_odd(const bt_value *value) {
  if (value->type == BT_VALUE_STRING) return !value->string.len;
  if (value->type == BT_VALUE_DOUBLE) return !isfinite(value->decimal);
  for (uint32_t i = 0; value->type == BT_VALUE_ARRAY && i < value->array.count; i++)
    if (is_odd(&value->array.items[i])) return true;
  return false;
}

/* Whether the store may say of this value that it knows less of it than was pushed. */
static bool may_say_less(const store_lost *loses, bool is_of_span, const bt_value *wanted) {
  bool is_empty = wanted->type == BT_VALUE_STRING && !wanted->string.len;
  bool is_list = wanted->type == BT_VALUE_ARRAY || is_empty;
  return (is_of_span ? loses->types : loses->types_of_resources) || (loses->lists && is_of_span && is_list) ||
         (loses->large_numbers && is_large(wanted)) || (loses->odd_texts && is_odd(wanted));
}

/* Whether a value that says so may have been the wanted one. */
static bool may_have_been(const bt_value *value, const bt_value *wanted, bool is_none) {
  bt_readings readings = bt_readings_of(value);
  if (is_none || readings.is_open) return readings.is_open;
  for (uint32_t i = 0; i < readings.count; i++)
    if (is_same(&readings.items[i], wanted) || is_same_number(&readings.items[i], wanted)) return true;
  return false;
}

/* What comes otherwise and nothing tells. */
static bool is_known_to_differ(const store_lost *loses, bool is_of_span, const bt_value *value, int number) {
  bt_value wanted = value_of(number);
  if (number == BYTES) return loses->bytes && value && bt_str_equal(value->string, BT_STR("AAEC"));
  if (number == NOT_A_NUMBER || number == ENDLESS) return loses->unbounded && is_of_span && !value;
  return loses->number_types && value && is_same_number(value, &wanted);
}

static bool is_right(const store_lost *loses, bool is_of_span, const bt_value *value, int number) {
  bt_value wanted = value_of(number);
  bool is_none = is_missing(number);
  if (is_none && (!value || bt_value_is_missing(value))) return true;
  if (value && bt_value_is_untyped(value))
    return may_say_less(loses, is_of_span, &wanted) && may_have_been(value, &wanted, is_none);
  return (value && !is_none && is_same(value, &wanted)) || is_known_to_differ(loses, is_of_span, value, number);
}

static void check_value(const store_lost *loses, const bt_attributes *attributes, const char *key, int number,
                        const char *how) {
  const bt_value *value = bt_attributes_find(attributes, bt_str_from(key));
  bool is_of_span = key[0] == 'v';
  if (!is_right(loses, is_of_span, value, number))
    fail_msg("%s: value %d of %s comes with type %d", how, number, key, value ? (int)value->type : -1);
}

/* How many were declared doubtful. */
static int check_values(store *s, const char *tenant, const bt_projection *projection) {
  const char *how = projection ? "in a batch" : "by id";
  int doubtful = 0;
  for (int i = 0; i < VALUES; i++) {
    bt_trace_id id = id_of(i);
    if (s->row->loses.pushes_of_unbounded && (i == NOT_A_NUMBER || i == ENDLESS)) continue;
    if (s->row->loses.pushes_of_bytes && i == BYTES) continue;
    read_copy copy = ask_trace(s->source, tenant, &id, projection);
    doubtful += copy.needs_by_id;
    if (!copy.needs_by_id) {
      assert_true(copy.is_there);
      assert_int_equal(copy.trace.span_count, 1);
      check_value(&s->row->loses, &copy.trace.spans[0].attributes, "v", i, how);
      check_value(&s->row->loses, &copy.trace.spans[0].resource->attributes, "r", i, how);
    }
    read_copy_dispose(&copy);
  }
  return doubtful;
}

/* A value that stands in one trace alone is found by it. */
static void check_found_by_value(store *s, const char *tenant) {
  static const struct {
    const char *condition;
    int number;
  } searches[] = {{"trace.has(span.v == \"plain\")", 0}, {"trace.has(resource.r == \"plain\")", 0},
                  {"trace.has(span.v == \"\")", 1},      {"trace.has(span.v == true)", 6},
                  {"trace.has(resource.r == false)", 7}, {"trace.has(span.v == 0)", 8},
                  {"trace.has(span.v == -1)", 9},        {"trace.has(span.v == 9223372036854775807)", 10},
                  {"trace.has(span.v == 0.5)", 13},      {"trace.has(span.v == 9007199254740993)", 12},
                  {"trace.has(span.v > 1e299)", 16}};
  for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
    bt_trace_id id = id_of(searches[i].number);
    bt_found_list found = ask_condition(s->source, tenant, searches[i].condition);
    if (!bt_found_list_get(&found, &id)) fail_msg("%s does not find its trace", searches[i].condition);
    bt_found_list_dispose(&found);
  }
}

void test_values(void **state) {
  const char *tenant = store_tenant(scene.kind, "conformance-values");
  static bt_projected fields[] = {{BT_PROJECTED_SPAN, {"v", 1}}, {BT_PROJECTED_RESOURCE, {"r", 1}}};
  static const bt_projection both = {.attributes = fields, .attribute_count = 2};
  (void)state;
  store s;
  int numbers[ROWS], unbounded[] = {NOT_A_NUMBER, ENDLESS};
  int64_t base_ns = store_now_ns() / second_ns * second_ns - 60 * second_ns;
  for (int i = 0; i < ROWS; i++) numbers[i] = i;
  store_begin(&s, scene.kind);
  push_value(&s, tenant, numbers, ROWS, base_ns);
  if (s.row->loses.pushes_of_unbounded)
    printf("does not apply to %s: NaN and infinity, which what writes into it loses\n", s.row->name);
  else
    push_value(&s, tenant, unbounded, 2, base_ns);
  if (s.row->loses.pushes_of_bytes)
    printf("does not apply to %s: bytes, which what writes into it loses\n", s.row->name);
  else
    push_written(&s, tenant, BYTES, base_ns);
  push_written(&s, tenant, MAP, base_ns);
  store_show(&s, tenant);
  assert_int_equal(check_values(&s, tenant, NULL), 0);
  int doubtful = check_values(&s, tenant, &both);
  printf("%d of %d values are doubtful in batches\n", doubtful, VALUES);
  if (!s.row->needs) assert_int_equal(doubtful, 0);
  check_found_by_value(&s, tenant);
  store_end(&s);
}
