/* Filters as ClickHouse gets to read them: the condition of a rule's searches and of what is subtracted, and its values
 * apart, as parameters. What is too long is not said. tests/e2e/test_filters_clickhouse.py has what a server finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dsl/compile.h"
#include "dsl/plan/dialect.h"
#include "dsl/plan/plan.h"
#include "dsl/rule/rule.h"
#include "dsl/syntax/diagnostic.h"
#include "tempo/clickhouse/clickhouse_dialect.h"
#include "tempo/clickhouse/clickhouse_filter.h"
#include "tests/support/random.h"

typedef struct planned {
  bt_rule *rule;
  bt_plan *plan;
} planned;

static const bt_clickhouse_layout *layout = &bt_clickhouse_layouts[0];

static planned plan(const char *condition) {
  planned made = {0};
  bt_error error = {0};
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(bt_str_from(condition), &made.rule, &diagnostics, &error) != BT_OK) {
    bt_str why = diagnostics.count ? diagnostics.items[0].message : bt_str_from(error.message);
    fail_msg("%s: %.*s", condition, BT_FMT(why));
  }
  assert_int_equal(bt_plan_new(made.rule, bt_clickhouse_dialect(layout), &made.plan, &error), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  return made;
}

static void discard(planned *made) {
  bt_plan_free(made->plan);
  bt_rule_free(made->rule);
}

/* `sql | value | value`; "all" where every trace is looked at. */
static void describe(bt_query query, bt_buffer *out) {
  bt_clickhouse_condition condition;
  assert_true(bt_clickhouse_condition_write(layout, query, &condition));
  bt_buffer_append(out, bt_buffer_str(&condition.sql));
  for (size_t i = 0; i < condition.count; i++) bt_buffer_printf(out, " | %.*s", BT_FMT(condition.values[i]));
  assert_false(out->failed);
  bt_clickhouse_condition_dispose(&condition);
}

static void describe_over(const bt_over *over, bt_buffer *out) {
  if (over->kind == BT_OVER_ALL) bt_buffer_append(out, BT_STR("all"));
  if (over->kind == BT_OVER_NONE) bt_buffer_append(out, BT_STR("none"));
  if (over->kind == BT_OVER_QUERY) describe(over->query.asked, out);
  for (uint32_t i = 0; i < over->item_count; i++) {
    if (i) bt_buffer_append(out, over->kind == BT_OVER_AND ? BT_STR(" && ") : BT_STR(" || "));
    describe_over(over->items[i], out);
  }
}

typedef struct row {
  const char *condition, *violating, *subtract; /* NULL: nothing is subtracted */
} row;

static const row rows[] = {
    {"trace.has(span.name == \"a\")", "SpanName = {f0:String} | a", NULL},
    {"trace.has(a)", "(SpanName = {f0:String} OR ServiceName = {f0:String}) | a", NULL},
    {"trace.has(span.name == \"a\") and not trace.has(span.name == \"b\")", "SpanName = {f0:String} | a",
     "SpanName = {f0:String} | b"},
    {"trace.has(span.name =~ \"a.*\" and span.status == error)",
     "((match(SpanName, concat('\\\\A(?:', {f0:String}, ')\\\\z')) OR NOT isValidUTF8(SpanName)) AND StatusCode NOT IN "
     "('Unset', 'STATUS_CODE_UNSET', '', 'unset', 'Ok', 'STATUS_CODE_OK', 'ok')) | a.*",
     NULL},
    {"trace.has(span.name contains \"a.b\")",
     "(match(SpanName, concat('\\\\A(?:', {f0:String}, ')\\\\z')) OR NOT isValidUTF8(SpanName)) | (?s:.*)a\\.b(?s:.*)",
     NULL},
    {"trace.has(span.kind != server)", "SpanKind NOT IN ('Server', 'SPAN_KIND_SERVER', 'server')", NULL},
    {"trace.has(span.duration > 5ms)",
     "(greatest(toInt64(Duration), 0) > toInt64(5000000) OR toUnixTimestamp64Nano(Timestamp) = 0 OR "
     "toUnixTimestamp64Nano(Timestamp) + toInt64(Duration) = 0)",
     NULL},
    {"trace.has(span.service == \"cart\")", "ServiceName = {f0:String} | cart", NULL},
    {"trace.has(span.service != \"cart\")", "(ServiceName != {f0:String} AND ServiceName != {f1:String}) | cart | ",
     NULL},
    {"trace.has(not (span.service == \"cart\"))", "ServiceName != {f0:String} | cart", NULL},
    {"trace.has(not (span.service != \"cart\"))", "(ServiceName = {f0:String} OR ServiceName = {f1:String}) | cart | ",
     NULL},
    {"trace.has(exists(span.service))", "ServiceName != {f0:String} | ", NULL},
    {"trace.has(span.k == \"x\")",
     "(mapContains(SpanAttributes, {f0:String}) AND (SpanAttributes[{f0:String}] = {f1:String} OR "
     "SpanAttributes[{f0:String}] = '' OR (substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(SpanAttributes[{f0:String}], ']') OR endsWith(SpanAttributes[{f0:String}], '}'))) OR "
     "countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k | x",
     NULL},
    {"trace.has(span.k == \"5\")",
     "(mapContains(SpanAttributes, {f0:String}) AND (SpanAttributes[{f0:String}] = {f1:String} OR "
     "ifNull(if(length(SpanAttributes[{f0:String}]) > 32, NULL, toFloat64OrNull(SpanAttributes[{f0:String}])) >= "
     "toFloat64(4.9999999949999996) AND if(length(SpanAttributes[{f0:String}]) > 32, NULL, "
     "toFloat64OrNull(SpanAttributes[{f0:String}])) <= toFloat64(5.0000000050000004), "
     "match(SpanAttributes[{f0:String}], '^(?:-?(?:[0-9]|Inf)|json:)')) OR SpanAttributes[{f0:String}] = '' OR "
     "(substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND (endsWith(SpanAttributes[{f0:String}], ']') OR "
     "endsWith(SpanAttributes[{f0:String}], '}'))) OR countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k | 5",
     NULL},
    {"trace.has(span.k > 5)",
     "(mapContains(SpanAttributes, {f0:String}) AND (ifNull(if(length(SpanAttributes[{f0:String}]) > 32, NULL, "
     "toFloat64OrNull(SpanAttributes[{f0:String}])) >= toFloat64(4.9999999949999996), "
     "match(SpanAttributes[{f0:String}], '^(?:-?(?:[0-9]|Inf)|json:)')) OR SpanAttributes[{f0:String}] = '' OR "
     "(substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND (endsWith(SpanAttributes[{f0:String}], ']') OR "
     "endsWith(SpanAttributes[{f0:String}], '}'))) OR countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k",
     NULL},
    {"trace.has(span.k == -1.5)",
     "(mapContains(SpanAttributes, {f0:String}) AND (ifNull(if(length(SpanAttributes[{f0:String}]) > 32, NULL, "
     "toFloat64OrNull(SpanAttributes[{f0:String}])) >= toFloat64(-1.5000000014999999) AND "
     "if(length(SpanAttributes[{f0:String}]) > 32, NULL, toFloat64OrNull(SpanAttributes[{f0:String}])) <= "
     "toFloat64(-1.4999999985000001), match(SpanAttributes[{f0:String}], '^(?:-?(?:[0-9]|Inf)|json:)')) OR "
     "SpanAttributes[{f0:String}] = '' OR (substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(SpanAttributes[{f0:String}], ']') OR endsWith(SpanAttributes[{f0:String}], '}'))) OR "
     "countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k",
     NULL},
    {"trace.has(span.k == true)",
     "(mapContains(SpanAttributes, {f0:String}) AND (lower(SpanAttributes[{f0:String}]) = 'true' OR "
     "SpanAttributes[{f0:String}] = '' OR (substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(SpanAttributes[{f0:String}], ']') OR endsWith(SpanAttributes[{f0:String}], '}'))) OR "
     "countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k",
     NULL},
    {"trace.has(span.k == \"True\")",
     "(mapContains(SpanAttributes, {f0:String}) AND (SpanAttributes[{f0:String}] = {f1:String} OR "
     "lower(SpanAttributes[{f0:String}]) = 'true' OR SpanAttributes[{f0:String}] = '' OR "
     "(substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND (endsWith(SpanAttributes[{f0:String}], ']') OR "
     "endsWith(SpanAttributes[{f0:String}], '}'))) OR countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k | "
     "True",
     NULL},
    {"trace.has(span.k matches \"x+\")",
     "(mapContains(SpanAttributes, {f0:String}) AND (match(SpanAttributes[{f0:String}], concat('\\\\A(?:', "
     "{f1:String}, ')\\\\z')) OR NOT isValidUTF8(SpanAttributes[{f0:String}]) OR length(SpanAttributes[{f0:String}]) "
     ">= 682 OR SpanAttributes[{f0:String}] = '' OR (substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(SpanAttributes[{f0:String}], ']') OR endsWith(SpanAttributes[{f0:String}], '}'))) OR "
     "countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k | (?s:.*)(?:x+)(?s:.*)",
     NULL},
    {"trace.has(span.k < \"x\")", "mapContains(SpanAttributes, {f0:String}) | k", NULL},
    {"trace.has(span.k != 5)", "mapContains(SpanAttributes, {f0:String}) | k", NULL},
    {"trace.has(exists(k))",
     "(mapContains(SpanAttributes, {f0:String}) OR mapContains(ResourceAttributes, {f0:String})) | k", NULL},
    {"trace.has(not exists(k))", "all", NULL},
    {"trace.has(k == \"x\")",
     "((mapContains(SpanAttributes, {f0:String}) AND (SpanAttributes[{f0:String}] = {f1:String} OR "
     "SpanAttributes[{f0:String}] = '' OR (substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(SpanAttributes[{f0:String}], ']') OR endsWith(SpanAttributes[{f0:String}], '}'))) OR "
     "countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) OR (mapContains(ResourceAttributes, {f0:String}) AND "
     "(ResourceAttributes[{f0:String}] = {f1:String} OR ResourceAttributes[{f0:String}] = '' OR "
     "(substring(ResourceAttributes[{f0:String}], 1, 1) IN ('[', '{') AND (endsWith(ResourceAttributes[{f0:String}], "
     "']') OR endsWith(ResourceAttributes[{f0:String}], '}'))) OR countEqual(mapKeys(ResourceAttributes), {f0:String}) "
     "> 1))) | k | x",
     NULL},
    {"trace.has(resource.k == \"x\")",
     "(mapContains(ResourceAttributes, {f0:String}) AND (ResourceAttributes[{f0:String}] = {f1:String} OR "
     "ResourceAttributes[{f0:String}] = '' OR (substring(ResourceAttributes[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(ResourceAttributes[{f0:String}], ']') OR endsWith(ResourceAttributes[{f0:String}], '}'))) OR "
     "countEqual(mapKeys(ResourceAttributes), {f0:String}) > 1)) | k | x",
     NULL},
    {"trace.has(event.name == \"e\")", "arrayExists(n -> n = {f0:String}, `Events.Name`) | e", NULL},
    {"trace.has(event.k == 5)",
     "arrayExists(m -> (mapContains(m, {f0:String}) AND (ifNull(if(length(m[{f0:String}]) > 32, NULL, "
     "toFloat64OrNull(m[{f0:String}])) >= toFloat64(4.9999999949999996) AND if(length(m[{f0:String}]) > 32, NULL, "
     "toFloat64OrNull(m[{f0:String}])) <= toFloat64(5.0000000050000004), match(m[{f0:String}], "
     "'^(?:-?(?:[0-9]|Inf)|json:)')) OR m[{f0:String}] = '' OR (substring(m[{f0:String}], 1, 1) IN ('[', '{') AND "
     "(endsWith(m[{f0:String}], ']') OR endsWith(m[{f0:String}], '}'))) OR countEqual(mapKeys(m), {f0:String}) > 1)), "
     "`Events.Attributes`) | k",
     NULL},
    {"trace.has(exists(event.name))", "notEmpty(`Events.Name`)", NULL},
    {"trace.has(span.name == \"\\ufffd\")", "(SpanName = {f0:String} OR NOT isValidUTF8(SpanName)) | �", NULL},
    {"trace.has(span.k == \"\\ufffd\")",
     "(mapContains(SpanAttributes, {f0:String}) AND (SpanAttributes[{f0:String}] = {f1:String} OR NOT "
     "isValidUTF8(SpanAttributes[{f0:String}]) OR SpanAttributes[{f0:String}] = '' OR "
     "(substring(SpanAttributes[{f0:String}], 1, 1) IN ('[', '{') AND (endsWith(SpanAttributes[{f0:String}], ']') OR "
     "endsWith(SpanAttributes[{f0:String}], '}'))) OR countEqual(mapKeys(SpanAttributes), {f0:String}) > 1)) | k | �",
     NULL},
    {"when { trace.has(span.name == \"a\") } always { trace.has(span.k == \"x\" and span.kind == client) }",
     "SpanName = {f0:String} | a",
     "((SpanAttributes[{f0:String}] = {f1:String} AND countEqual(mapKeys(SpanAttributes), {f0:String}) = 1) AND "
     "SpanKind IN ('Client', 'SPAN_KIND_CLIENT', 'client')) | k | x"},
    {"when { a } always { trace.has(span.k == \"5\") }", "(SpanName = {f0:String} OR ServiceName = {f0:String}) | a",
     NULL},
    {"when { a } always { trace.has(span.duration < 1s) }", "(SpanName = {f0:String} OR ServiceName = {f0:String}) | a",
     "(greatest(toInt64(Duration), 0) < toInt64(1000000000) AND toUnixTimestamp64Nano(Timestamp) != 0 AND "
     "toUnixTimestamp64Nano(Timestamp) + toInt64(Duration) != 0)"},
    {"trace.has(span.status_message =~ \"\\\\pL\")", "all", NULL},
    {"count(span.name == \"a\") > 2 and trace.has(span.status == error)",
     "SpanName = {f0:String} | a && StatusCode NOT IN ('Unset', 'STATUS_CODE_UNSET', '', 'unset', 'Ok', "
     "'STATUS_CODE_OK', 'ok')",
     NULL},
};

static void check_row(const row *wanted) {
  planned made = plan(wanted->condition);
  bt_buffer over = {0}, under = {0};
  describe_over(made.plan->violating, &over);
  if (made.plan->subtract_count) describe(made.plan->subtract[0].asked, &under);
  assert_string_equal(over.ptr, wanted->violating);
  assert_string_equal(under.len ? under.ptr : "", wanted->subtract ? wanted->subtract : "");
  bt_buffer_dispose(&over);
  bt_buffer_dispose(&under);
  discard(&made);
}

static void what_is_asked(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_row(&rows[i]);
}

/* The same rules where attributes have types: what can meet a literal of another type is not looked at. */
static const struct {
  unsigned layout;
  row row;
} typed_rows[] = {
    {1,
     {"trace.has(span.k > 5)",
      "((mapContains(attributes_string, {f0:String}) AND (ifNull(if(length(attributes_string[{f0:String}]) > 32, NULL, "
      "toFloat64OrNull(attributes_string[{f0:String}])) >= toFloat64(4.9999999949999996), "
      "match(attributes_string[{f0:String}], '^(?:-?(?:[0-9]|Inf)|json:)')) OR attributes_string[{f0:String}] = '' OR "
      "(substring(attributes_string[{f0:String}], 1, 1) IN ('[', '{') AND (endsWith(attributes_string[{f0:String}], "
      "']') OR endsWith(attributes_string[{f0:String}], '}'))) OR countEqual(mapKeys(attributes_string), {f0:String}) "
      "> 1)) OR (mapContains(attributes_number, {f0:String}) AND ((toFloat64(attributes_number[{f0:String}]) >= "
      "toFloat64(4.9999999949999996)) OR NOT abs(toFloat64(attributes_number[{f0:String}])) < 9007199254740992 OR "
      "countEqual(mapKeys(attributes_number), {f0:String}) > 1))) | k",
      NULL}},
    {1,
     {"trace.has(a) and not trace.has(span.k == \"x\")",
      "(name = {f0:String} OR `resource_string_service$$name` = {f0:String}) | a",
      "(attributes_string[{f0:String}] = {f1:String} AND countEqual(mapKeys(attributes_string), {f0:String}) = 1 AND "
      "NOT mapContains(attributes_number, {f0:String}) AND NOT mapContains(attributes_bool, {f0:String})) | k | x"}},
    {1,
     {"trace.has(exists(event.k))",
      "(NOT toUInt8(arrayAll(e -> isValidJSON(e), events) AND (links = '' OR isValidJSON(links))) OR "
      "notEmpty(arrayMap(e -> JSONExtractString(e, 'name'), events)))",
      NULL}},
    {2,
     {"trace.has(a) and not trace.has(span.k == \"x\")", "(SpanName = {f0:String} OR ServiceName = {f0:String}) | a",
      "(toString(getSubcolumn(SpanAttributes, {f0:String})) = {f1:String} AND dynamicType(getSubcolumn(SpanAttributes, "
      "{f0:String})) = 'String') | k | x"}},
    {2, {"trace.has(span.attributes[\"k`\"] == \"x\")", "true", NULL}},
    {2, {"trace.has(exists(span.k))", "isNotNull(getSubcolumn(SpanAttributes, {f0:String})) | k", NULL}},
    {3,
     {"trace.has(exists(resource.k))",
      "(has(`resource_bool_attributes.key`, {f0:String}) OR has(`resource_double_attributes.key`, {f0:String}) OR "
      "has(`resource_int_attributes.key`, {f0:String}) OR has(`resource_str_attributes.key`, {f0:String}) OR "
      "hasAny(`resource_complex_attributes.key`, arrayMap(w -> concat(w, {f0:String}), ['@bytes@', '@map@', "
      "'@slice@']))) | k",
      NULL}},
    {3,
     {"trace.has(a) and not trace.has(span.k == \"x\")", "(name = {f0:String} OR service_name = {f0:String}) | a",
      "(NOT has(`bool_attributes.key`, {f0:String}) AND NOT has(`double_attributes.key`, {f0:String}) AND NOT "
      "has(`int_attributes.key`, {f0:String}) AND `str_attributes.value`[indexOf(`str_attributes.key`, {f0:String})] = "
      "{f1:String} AND countEqual(`str_attributes.key`, {f0:String}) = 1 AND NOT hasAny(`complex_attributes.key`, "
      "arrayMap(w -> concat(w, {f0:String}), ['@bytes@', '@map@', '@slice@']))) | k | x"}},
};

static void what_is_asked_of_types(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof typed_rows / sizeof *typed_rows; i++) {
    layout = &bt_clickhouse_layouts[typed_rows[i].layout];
    check_row(&typed_rows[i].row);
  }
  layout = &bt_clickhouse_layouts[0];
}

/* Whatever the texts of a rule are, its SQL has the same words in every schema; a key that is no path of JSON is not
 * said. */
static void no_text_becomes_sql(void **state) {
  enum { JSON = 2 };
  test_random random = test_random_start(628);
  (void)state;
  for (int round = 0; round < 2000; round++) {
    char key[24], text[24];
    for (size_t i = 0; i < sizeof key; i++) key[i] = (char)(1 + test_random_below(&random, 127));
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)test_random_below(&random, 128);
    text[0] = 'q'; /* no number, and no JSON */
    unsigned number = (unsigned)round % BT_CLICKHOUSE_LAYOUTS;
    bool is_said = number != JSON || bt_clickhouse_is_path((bt_str){key, sizeof key});
    bt_filter filter = {.kind = BT_FILTER_TEST, .test = {.field = BT_FILTER_SPAN, .op = BT_FILTER_EQUAL}};
    bt_clickhouse_condition condition, harmless;
    filter.test.key = (bt_str){key, sizeof key};
    filter.test.literal = (bt_value){.type = BT_VALUE_STRING, .string = {text, sizeof text}};
    assert_true(
        bt_clickhouse_condition_write(&bt_clickhouse_layouts[number], (bt_query){.filter = &filter}, &condition));
    filter.test.key = BT_STR("k");
    filter.test.literal.string = BT_STR("q");
    assert_true(
        bt_clickhouse_condition_write(&bt_clickhouse_layouts[number], (bt_query){.filter = &filter}, &harmless));
    assert_string_equal(condition.sql.ptr, is_said ? harmless.sql.ptr : "true");
    assert_int_equal(condition.count, is_said ? 2 : 0);
    assert_true(!is_said || bt_str_equal(condition.values[0], (bt_str){key, sizeof key}));
    assert_true(!is_said || bt_str_equal(condition.values[1], (bt_str){text, sizeof text}));
    bt_clickhouse_condition_dispose(&condition);
    bt_clickhouse_condition_dispose(&harmless);
  }
}

/* One test of each alternative, so many that they do not fit. */
static void what_is_too_long_is_not_said(void **state) {
  enum { MANY = 2000 };
  static bt_filter tests[MANY];
  static const bt_filter *items[MANY];
  (void)state;
  for (size_t i = 0; i < MANY; i++) {
    tests[i] = (bt_filter){.kind = BT_FILTER_TEST, .test = {.field = BT_FILTER_NAME, .op = BT_FILTER_EQUAL}};
    tests[i].test.literal = (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("a")};
    items[i] = &tests[i];
  }
  bt_filter any = {.kind = BT_FILTER_OR, .items = items, .item_count = MANY};
  for (uint8_t manner = BT_CLICKHOUSE_OVER; manner <= BT_CLICKHOUSE_UNDER; manner++) {
    bt_clickhouse_condition condition;
    assert_false(bt_clickhouse_condition_write(layout, (bt_query){&any, manner}, &condition));
    assert_string_equal(condition.sql.ptr, manner == BT_CLICKHOUSE_UNDER ? "false" : "true");
    assert_int_equal(condition.count, 0);
    bt_clickhouse_condition_dispose(&condition);
  }
}

static void people_see_the_values(void **state) {
  planned made = plan("trace.has(span.name == \"it's \\\\\\n\" and span.k =~ \"a.*\")");
  bt_buffer out = {0};
  (void)state;
  bt_clickhouse_dialect(layout)->show_search(made.plan->violating->query.asked, &out);
  assert_string_equal(
      out.ptr, "SELECT TraceId WHERE (SpanName = 'it\\'s \\\\\\x0A' AND (mapContains(SpanAttributes, 'k') AND "
               "(match(SpanAttributes['k'], concat('\\\\A(?:', 'a.*', ')\\\\z')) OR NOT "
               "isValidUTF8(SpanAttributes['k']) OR length(SpanAttributes['k']) >= 682 OR SpanAttributes['k'] = '' OR "
               "(substring(SpanAttributes['k'], 1, 1) IN ('[', '{') AND (endsWith(SpanAttributes['k'], ']') OR "
               "endsWith(SpanAttributes['k'], '}'))) OR countEqual(mapKeys(SpanAttributes), 'k') > 1)))");
  bt_buffer_dispose(&out);
  discard(&made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_asked), cmocka_unit_test(what_is_asked_of_types), cmocka_unit_test(no_text_becomes_sql),
      cmocka_unit_test(what_is_too_long_is_not_said), cmocka_unit_test(people_see_the_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
