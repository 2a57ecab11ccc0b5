/* The dialect of ClickHouse. See clickhouse_dialect.h. A missing field makes a comparison false and its opposite true,
 * and no filter finds what is missing. So the opposite of a test on an attribute is every span for over, and no span
 * for under. What an attribute's value may be is looked at where SQL is written (clickhouse_filter.h). */
#include "tempo/clickhouse/clickhouse_dialect.h"

#include <string.h>

#include "dsl/plan/dialect.h"
#include "dsl/plan/formula.h"
#include "dsl/rule/field.h"
#include "tempo/clickhouse/clickhouse_filter.h"

static const bt_str service_key = {"service.name", 12};
enum { MOST_PATTERN_BYTES = 1024 };

static const bt_filter *make_test(bt_filter_builder *builder, bt_filter_field field, bt_str key, bt_filter_operator op,
                                  bt_value literal) {
  return bt_filter_test_new(builder, (bt_filter_test){.field = field, .key = key, .op = op, .literal = literal});
}

static bool is_negative(bt_comparison_operator op) {
  return op == BT_NOT_EQUAL || op == BT_NOT_MATCHES_WHOLE || op == BT_NOT_IN;
}

/* ---- patterns ---- */

/* An unclosed \Q would swallow what stands behind the pattern, and classes of Unicode come from tables of any age. */
static bool is_portable_pattern(bt_str pattern) {
  return !bt_str_contains(pattern, BT_STR("\\Q")) && !bt_str_contains(pattern, BT_STR("\\p")) &&
         !bt_str_contains(pattern, BT_STR("\\P")) && !bt_str_contains(pattern, BT_STR("(?<"));
}

static void append_pattern(bt_buffer *out, bt_comparison_operator op, bt_str text) {
  bool may_begin_before = op == BT_CONTAINS || op == BT_ENDS_WITH || op == BT_MATCHES;
  bool may_end_behind = op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_MATCHES;
  if (may_begin_before) bt_buffer_append(out, BT_STR(BT_FILTER_ANY_STRING));
  if (op == BT_MATCHES)
    bt_buffer_printf(out, "(?:%.*s)", BT_FMT(text));
  else if (op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE)
    bt_buffer_append(out, text);
  else
    bt_dialect_quote(out, text);
  if (may_end_behind) bt_buffer_append(out, BT_STR(BT_FILTER_ANY_STRING));
}

/* The pattern for the whole text that says the same as `op text`. False: it cannot be said. */
static bool make_pattern(bt_filter_builder *builder, bt_comparison_operator op, bt_str text, bt_value *pattern) {
  bool is_regex = op == BT_MATCHES || op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE;
  bool is_pattern = is_regex || op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_ENDS_WITH;
  if (!is_pattern || !text.len || text.len > MOST_PATTERN_BYTES || memchr(text.ptr, '\0', text.len)) return false;
  if (!bt_clickhouse_is_plain(text) || (is_regex && !is_portable_pattern(text))) return false;
  bt_buffer out = {0};
  append_pattern(&out, op, text);
  *pattern = (bt_value){.type = BT_VALUE_STRING};
  if (out.failed || !bt_arena_copy(builder->arena, bt_buffer_str(&out), &pattern->string)) builder->failed = true;
  bt_buffer_dispose(&out);
  return !builder->failed;
}

/* ---- texts that every span has ---- */

/* NULL: it cannot be said. */
static const bt_filter *text_test(bt_filter_builder *builder, bt_filter_field field, bt_str key,
                                  bt_comparison_operator op, const bt_value *literal, bool negated) {
  bt_filter_operator asked;
  bt_value pattern;
  if (literal->type != BT_VALUE_STRING) return NULL;
  if (op == BT_EQUAL || op == BT_NOT_EQUAL)
    return bt_dialect_order(op, negated, &asked) ? make_test(builder, field, key, asked, *literal) : NULL;
  if (!make_pattern(builder, op, literal->string, &pattern)) return NULL;
  bool is_not = (op == BT_NOT_MATCHES_WHOLE) != negated;
  return make_test(builder, field, key, is_not ? BT_FILTER_NOT_REGEX : BT_FILTER_REGEX, pattern);
}

static bt_filter_pair test_text(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                const bt_value *literal, bool negated) {
  const bt_filter *test = text_test(builder, field, (bt_str){0}, op, literal, negated);
  return test ? bt_filter_pair_of(test, test) : bt_filter_pair_unknown();
}

static const bt_filter *service_is(bt_filter_builder *builder, bt_filter_operator op, bt_str text) {
  return make_test(builder, BT_FILTER_RESOURCE, service_key, op, (bt_value){.type = BT_VALUE_STRING, .string = text});
}

static const bt_filter *has_service(bt_filter_builder *builder) {
  return service_is(builder, BT_FILTER_NOT_EQUAL, BT_STR(""));
}

/* An empty service is none: it meets no comparison, and the opposite of each. */
static bt_filter_pair test_service(bt_filter_builder *builder, bt_comparison_operator op, const bt_value *literal,
                                   bool negated) {
  bool is_equality = op == BT_EQUAL || op == BT_NOT_EQUAL;
  if (literal->type != BT_VALUE_STRING || !literal->string.len || (negated && !is_equality))
    return bt_filter_pair_unknown();
  const bt_filter *test = text_test(builder, BT_FILTER_RESOURCE, service_key, op, literal, negated);
  if (!test) return bt_filter_pair_unknown();
  if (negated && op == BT_NOT_EQUAL)
    test = bt_filter_join2(builder, BT_FILTER_OR, test, service_is(builder, BT_FILTER_EQUAL, BT_STR("")));
  else if (!negated && op != BT_EQUAL)
    test = bt_filter_join2(builder, BT_FILTER_AND, test, has_service(builder));
  return bt_filter_pair_of(test, test);
}

/* ---- kind, status, duration ---- */

static bt_filter_pair test_duration(bt_filter_builder *builder, bt_comparison_operator op, const bt_value *literal,
                                    bool negated) {
  bt_filter_test test = {.field = BT_FILTER_DURATION, .literal = *literal};
  if (literal->type != BT_VALUE_DURATION || !bt_dialect_order(op, negated, &test.op)) return bt_filter_pair_unknown();
  const bt_filter *known = bt_filter_test_new(builder, test);
  test.or_unknown = true;
  return bt_filter_pair_of(bt_filter_test_new(builder, test), known);
}

/* ---- attributes ---- */

/* Of one scope, for an operator that is not negative. */
static bt_filter_pair test_value(bt_filter_builder *builder, bt_filter_field scope, bt_str key,
                                 bt_comparison_operator op, const bt_value *literal) {
  bt_filter_operator asked = BT_FILTER_PRESENT;
  bt_value said = *literal;
  bool is_text = literal->type == BT_VALUE_STRING;
  bool is_number = bt_value_is_number(literal);
  bool is_service = scope == BT_FILTER_RESOURCE && bt_str_equal(key, service_key);
  if (op == BT_EQUAL || (is_number && bt_operator_is_ordering(op)))
    (void)bt_dialect_order(op, false, &asked);
  else if (is_text && make_pattern(builder, op, literal->string, &said))
    asked = BT_FILTER_REGEX;
  bool is_known = (is_text || is_number || literal->type == BT_VALUE_BOOL) && !is_service;
  if (!is_known) asked = BT_FILTER_PRESENT;
  if (asked == BT_FILTER_PRESENT) said = (bt_value){0};
  const bt_filter *test = make_test(builder, scope, key, asked, said);
  bool is_sure = asked == BT_FILTER_EQUAL && is_text && bt_clickhouse_is_sure(literal->string);
  return bt_filter_pair_of(test, is_sure ? test : bt_filter_none());
}

/* The scopes in which the value that counts may stand. */
static uint32_t scopes_of(bt_field_kind kind, bt_filter_field scopes[2]) {
  scopes[0] = kind == BT_FIELD_RESOURCE_ATTRIBUTE ? BT_FILTER_RESOURCE : BT_FILTER_SPAN;
  scopes[1] = BT_FILTER_RESOURCE;
  if (kind == BT_FIELD_EITHER_ATTRIBUTE) return 2;
  return kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_SPAN_ATTRIBUTE ? 1 : 0;
}

/* The span's own value always counts: under asks for no other. A negative operator says no more than that there is
 * one. */
static bt_filter_pair test_attribute(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                     const bt_value *literal) {
  static const bt_value nothing = {.type = BT_VALUE_MISSING};
  bt_filter_field scopes[2];
  uint32_t count = scopes_of(field->kind, scopes);
  bt_filter_pair found = bt_filter_pair_unknown();
  if (!bt_clickhouse_is_plain(field->key)) return found;
  if (is_negative(op)) literal = &nothing;
  for (uint32_t i = 0; i < count; i++) {
    bt_filter_pair one = test_value(builder, scopes[i], field->key, op, literal);
    if (i)
      found.over.filter = bt_filter_join2(builder, BT_FILTER_OR, found.over.filter, one.over.filter);
    else
      found = one;
  }
  return found;
}

/* ---- events ---- */

static bt_filter_pair test_event(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal) {
  const bt_value any = {.type = BT_VALUE_STRING, .string = BT_STR(BT_FILTER_ANY_STRING)};
  const bt_filter *found = NULL;
  static const bt_value nothing = {.type = BT_VALUE_MISSING};
  if (field->kind == BT_FIELD_EVENT_NAME && !is_negative(op))
    found = text_test(builder, BT_FILTER_EVENT_NAME, (bt_str){0}, op, literal, false);
  if (field->kind == BT_FIELD_EVENT_ATTRIBUTE && bt_clickhouse_is_plain(field->key))
    found = test_value(builder, BT_FILTER_EVENT, field->key, op, is_negative(op) ? &nothing : literal).over.filter;
  if (!found) found = make_test(builder, BT_FILTER_EVENT_NAME, (bt_str){0}, BT_FILTER_REGEX, any);
  return bt_filter_pair_of(found, bt_filter_none());
}

/* ---- what the planner asks ---- */

static bool is_of_attribute(bt_field_kind kind) {
  return kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE;
}

static bt_filter_pair test_field(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  bt_field_kind kind = field->kind;
  if (kind == BT_FIELD_NAME) return test_text(builder, BT_FILTER_NAME, op, literal, negated);
  if (kind == BT_FIELD_STATUS_MESSAGE) return test_text(builder, BT_FILTER_STATUS_MESSAGE, op, literal, negated);
  if (kind == BT_FIELD_SERVICE) return test_service(builder, op, literal, negated);
  if (kind == BT_FIELD_KIND) return bt_dialect_test_word(builder, BT_FILTER_KIND, op, literal, negated);
  if (kind == BT_FIELD_STATUS) return bt_dialect_test_word(builder, BT_FILTER_STATUS, op, literal, negated);
  if (kind == BT_FIELD_DURATION) return test_duration(builder, op, literal, negated);
  if (negated) return bt_filter_pair_unknown();
  if (is_of_attribute(kind)) return test_attribute(builder, field, op, literal);
  return bt_field_is_of_event(kind) ? test_event(builder, field, op, literal) : bt_filter_pair_unknown();
}

/* There, unless it is 0, which is unknown: what has no duration may have one of 0. */
static bt_filter_pair field_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  static const bt_value nothing = {.type = BT_VALUE_MISSING};
  if (field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_KIND || field->kind == BT_FIELD_STATUS ||
      field->kind == BT_FIELD_STATUS_MESSAGE)
    return bt_filter_pair_constant(!negated);
  if (negated) return bt_filter_pair_unknown();
  if (field->kind == BT_FIELD_SERVICE) return bt_filter_pair_of(has_service(builder), has_service(builder));
  if (is_of_attribute(field->kind)) return test_attribute(builder, field, BT_NOT_EQUAL, &nothing);
  if (bt_field_is_of_event(field->kind)) return test_event(builder, field, BT_NOT_EQUAL, &nothing);
  return bt_filter_pair_unknown();
}

/* What SQL finds for it is what is meant. */
static bool is_exact(const bt_filter_test *test) {
  bool is_equality = test->op == BT_FILTER_EQUAL || test->op == BT_FILTER_NOT_EQUAL;
  bool is_of_word = test->field == BT_FILTER_KIND || test->field == BT_FILTER_STATUS;
  bool is_of_text = test->field == BT_FILTER_NAME || test->field == BT_FILTER_STATUS_MESSAGE ||
                    (test->field == BT_FILTER_RESOURCE && bt_str_equal(test->key, service_key));
  bool is_text = is_of_text && test->literal.type == BT_VALUE_STRING && bt_clickhouse_is_plain(test->literal.string);
  return is_equality && (is_of_word || is_text);
}

static bool is_wider(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return !is_exact(test);
}

static const bt_filter *keep_sure(bt_filter_builder *builder, bt_over_filter over) {
  (void)builder;
  return bt_filter_has_test(over.filter, is_wider, NULL) ? bt_filter_none() : over.filter;
}

/* ---- queries ---- */

static const bt_dialect dialects[BT_CLICKHOUSE_LAYOUTS];

static bool is_writable(bt_filter_builder *builder, bt_query query) {
  bt_clickhouse_condition condition;
  const bt_clickhouse_layout *layout = &bt_clickhouse_layouts[builder->dialect - dialects];
  bool is_whole = bt_clickhouse_condition_write(layout, query, &condition);
  if (condition.lacks_memory) builder->failed = true;
  bt_clickhouse_condition_dispose(&condition);
  return is_whole;
}

static const bt_over *over_query(bt_filter_builder *builder, bt_over_filter filter, bool counts, bool *was_weakened) {
  bt_query asked = {.filter = filter.filter, .manner = BT_CLICKHOUSE_OVER};
  (void)counts; /* what is wider than what is meant is not counted */
  if (bt_filter_has_test(filter.filter, is_wider, NULL)) *was_weakened = true;
  if (!is_writable(builder, asked)) {
    *was_weakened = true;
    return bt_over_all();
  }
  bt_over *over = bt_over_new(builder, BT_OVER_QUERY, 0);
  if (!over) return bt_over_all();
  over->query.asked = asked;
  return over;
}

static uint32_t under_query(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries, uint32_t most) {
  bt_query asked = {.filter = under.filter, .manner = BT_CLICKHOUSE_UNDER};
  if (builder->failed || under.filter->kind == BT_FILTER_NONE || !most) return 0;
  if (!is_writable(builder, asked)) return 0;
  queries[0].asked = asked;
  return 1;
}

static bt_query spans_query(bt_filter_builder *builder, bt_over_filter over) {
  bt_query asked = {.filter = over.filter, .manner = BT_CLICKHOUSE_OVER};
  return is_writable(builder, asked) ? asked : (bt_query){0};
}

/* ---- for people ---- */

static void show_read(const bt_trace_id *id, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  char hex[BT_TRACE_ID_HEX + 1];
  (void)projection;
  (void)number;
  bt_trace_id_format(id, hex);
  bt_buffer_printf(out, "SELECT spans WHERE TraceId = '%s'", hex);
}

/* In the words of the layout with this number. */
static void show_in(size_t number, const char *before, bt_query query, bt_buffer *out) {
  bt_buffer_append(out, bt_str_from(before));
  bt_clickhouse_condition_show(&bt_clickhouse_layouts[number], query, out);
}

#define SHOWN_IN(number)                                                                                               \
  static void show_##number(bt_query query, bt_buffer *out) {                                                          \
    show_in(number, "", query, out);                                                                                   \
  }                                                                                                                    \
  static void show_search_##number(bt_query query, bt_buffer *out) {                                                   \
    show_in(number, "SELECT TraceId WHERE ", query, out);                                                              \
  }                                                                                                                    \
  static void show_spans_##number(const bt_over_query *spans, const bt_projection *projection, uint32_t part,          \
                                  bt_buffer *out) {                                                                    \
    (void)projection;                                                                                                  \
    (void)part;                                                                                                        \
    show_in(number, "SELECT spans WHERE ", spans->asked, out);                                                         \
  }
SHOWN_IN(0)
SHOWN_IN(1)
SHOWN_IN(2)
SHOWN_IN(3)

#define DIALECT(number)                                                                                                \
  {                                                                                                                    \
    .name = "SQL", .test = test_field, .exists = field_exists, .both_over = bt_dialect_both_over,                      \
    .both_under = bt_dialect_both_under, .surely = keep_sure, .over = over_query, .under = under_query,                \
    .spans = spans_query, .why_no_spans = bt_dialect_gives_spans, .is_taken_key = bt_dialect_takes_no_key,             \
    .reads = bt_dialect_reads_once, .show = show_##number, .show_search = show_search_##number,                        \
    .show_read = show_read, .show_spans = show_spans_##number                                                          \
  }
static const bt_dialect dialects[BT_CLICKHOUSE_LAYOUTS] = {DIALECT(0), DIALECT(1), DIALECT(2), DIALECT(3)};

const bt_dialect *bt_clickhouse_dialect(const bt_clickhouse_layout *layout) {
  return &dialects[layout - bt_clickhouse_layouts];
}
