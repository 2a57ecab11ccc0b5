/* The dialect of OpenSearch and Elasticsearch. See elastic_dialect.h. A missing field makes a comparison false and its
 * opposite true, and no filter finds what is missing: an empty list, a text that is too long and an empty number are in
 * no index. So presence, and the opposite of a test on an attribute, are every span for over. Under has tests of texts
 * that every span has, alone. How an index maps a field is looked at where a question is written (elastic_filter.h). */
#include "tempo/elastic/elastic_dialect.h"

#include <string.h>

#include "dsl/plan/dialect.h"
#include "dsl/plan/formula.h"
#include "dsl/rule/field.h"
#include "tempo/elastic/elastic_filter.h"

static const bt_str service_key = {"service.name", 12};
enum { MOST_TEXT_BYTES = 1024 };

/* ---- operators and texts ---- */

/* The pattern for the whole text that says the same as `op text`. False: it has more than literals and .* */
static bool make_pattern(bt_filter_builder *builder, bt_comparison_operator op, bt_str text, bt_value *pattern) {
  bool is_regex = op == BT_MATCHES || op == BT_MATCHES_WHOLE;
  bool may_begin_before = op == BT_CONTAINS || op == BT_ENDS_WITH || op == BT_MATCHES;
  bool may_end_behind = op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_MATCHES;
  bool is_pattern = is_regex || may_begin_before || may_end_behind;
  if (!is_pattern || !text.len || text.len > MOST_TEXT_BYTES || !bt_elastic_is_plain(text)) return false;
  if (is_regex && !bt_elastic_wildcard(text, NULL)) return false;
  bt_buffer out = {0};
  if (may_begin_before) bt_buffer_append(&out, BT_STR(BT_FILTER_ANY_STRING));
  if (is_regex)
    bt_buffer_append(&out, text);
  else
    bt_dialect_quote(&out, text);
  if (may_end_behind) bt_buffer_append(&out, BT_STR(BT_FILTER_ANY_STRING));
  *pattern = (bt_value){.type = BT_VALUE_STRING};
  if (out.failed || !bt_arena_copy(builder->arena, bt_buffer_str(&out), &pattern->string)) builder->failed = true;
  bt_buffer_dispose(&out);
  return !builder->failed;
}

static bool is_askable(const bt_value *literal) {
  return literal->type != BT_VALUE_STRING ||
         (literal->string.len <= MOST_TEXT_BYTES && bt_elastic_is_plain(literal->string));
}

/* ---- what every span has ---- */

static bt_filter_pair test_text(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                const bt_value *literal, bool negated) {
  bt_filter_test test = {.field = field, .literal = *literal};
  if (literal->type != BT_VALUE_STRING || !is_askable(literal)) return bt_filter_pair_unknown();
  if ((op == BT_EQUAL || op == BT_NOT_EQUAL) && bt_dialect_order(op, negated, &test.op)) {
    const bt_filter *filter = bt_filter_test_new(builder, test);
    return bt_filter_pair_of(filter, filter);
  }
  test.op = BT_FILTER_REGEX;
  if (negated || !make_pattern(builder, op, literal->string, &test.literal)) return bt_filter_pair_unknown();
  return bt_filter_pair_of(bt_filter_test_new(builder, test), bt_filter_none());
}

static bt_filter_pair test_duration(bt_filter_builder *builder, bt_comparison_operator op, const bt_value *literal,
                                    bool negated) {
  bt_filter_test test = {.field = BT_FILTER_DURATION, .literal = *literal, .or_unknown = true};
  if (literal->type != BT_VALUE_DURATION || !bt_dialect_order(op, negated, &test.op)) return bt_filter_pair_unknown();
  return bt_filter_pair_of(bt_filter_test_new(builder, test), bt_filter_none());
}

/* ---- attributes ---- */

/* Of one object, for an operator that is not negated. NULL: it cannot be asked for. */
static const bt_filter *test_value(bt_filter_builder *builder, bt_filter_field object, bt_str key,
                                   bt_comparison_operator op, const bt_value *literal) {
  bt_filter_test test = {.field = object, .key = key, .literal = *literal};
  bool is_text = literal->type == BT_VALUE_STRING;
  bool is_number = bt_value_is_number(literal);
  if ((!is_text && !is_number && literal->type != BT_VALUE_BOOL) || !is_askable(literal)) return NULL;
  if (op == BT_EQUAL || (is_number && bt_operator_is_ordering(op)))
    (void)bt_dialect_order(op, false, &test.op);
  else if (is_text && make_pattern(builder, op, literal->string, &test.literal))
    test.op = BT_FILTER_REGEX;
  else
    return NULL;
  return bt_filter_test_new(builder, test);
}

/* Where the value that counts may stand: of either, in both. */
static bt_filter_pair test_attribute(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                     const bt_value *literal) {
  bool is_span = field->kind == BT_FIELD_SPAN_ATTRIBUTE || field->kind == BT_FIELD_EITHER_ATTRIBUTE;
  bool is_resource = field->kind == BT_FIELD_RESOURCE_ATTRIBUTE || field->kind == BT_FIELD_EITHER_ATTRIBUTE;
  const bt_filter *span = is_span ? test_value(builder, BT_FILTER_SPAN, field->key, op, literal) : bt_filter_none();
  const bt_filter *resource =
      is_resource ? test_value(builder, BT_FILTER_RESOURCE, field->key, op, literal) : bt_filter_none();
  if (!span || !resource) return bt_filter_pair_unknown();
  return bt_filter_pair_of(bt_filter_join2(builder, BT_FILTER_OR, span, resource), bt_filter_none());
}

/* ---- what the planner asks ---- */

static bt_filter_pair test_field(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  if (field->kind == BT_FIELD_NAME) return test_text(builder, BT_FILTER_NAME, op, literal, negated);
  if (field->kind == BT_FIELD_STATUS_MESSAGE) return test_text(builder, BT_FILTER_STATUS_MESSAGE, op, literal, negated);
  if (field->kind == BT_FIELD_KIND) return bt_dialect_test_word(builder, BT_FILTER_KIND, op, literal, negated);
  if (field->kind == BT_FIELD_STATUS) return bt_dialect_test_word(builder, BT_FILTER_STATUS, op, literal, negated);
  if (field->kind == BT_FIELD_DURATION) return test_duration(builder, op, literal, negated);
  if (negated || op == BT_NOT_EQUAL) return bt_filter_pair_unknown();
  if (field->kind == BT_FIELD_SERVICE) {
    const bt_filter *service = test_value(builder, BT_FILTER_RESOURCE, service_key, op, literal);
    return service ? bt_filter_pair_of(service, bt_filter_none()) : bt_filter_pair_unknown();
  }
  bool is_attribute = field->kind == BT_FIELD_SPAN_ATTRIBUTE || field->kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
                      field->kind == BT_FIELD_EITHER_ATTRIBUTE;
  return is_attribute ? test_attribute(builder, field, op, literal) : bt_filter_pair_unknown();
}

static bt_filter_pair field_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  (void)builder;
  bool is_always = field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_KIND || field->kind == BT_FIELD_STATUS ||
                   field->kind == BT_FIELD_STATUS_MESSAGE;
  return is_always ? bt_filter_pair_constant(!negated) : bt_filter_pair_unknown();
}

/* How an index maps it is not known here, so none is exact. */
static const bt_filter *keep_sure(bt_filter_builder *builder, bt_over_filter over) {
  (void)builder;
  bool is_constant = over.filter->kind == BT_FILTER_ALL || over.filter->kind == BT_FILTER_NONE;
  return is_constant ? over.filter : bt_filter_none();
}

static const bt_over *over_query(bt_filter_builder *builder, bt_over_filter filter, bool counts, bool *was_weakened) {
  bt_query asked = {.filter = filter.filter, .manner = BT_ELASTIC_OVER};
  (void)counts; /* what is wider than what is meant is not counted */
  if (filter.filter->kind != BT_FILTER_ALL && filter.filter->kind != BT_FILTER_NONE) *was_weakened = true;
  bt_over *over = bt_elastic_is_writable(asked) ? bt_over_new(builder, BT_OVER_QUERY, 0) : NULL;
  if (!over) return *was_weakened = true, bt_over_all();
  over->query.asked = asked;
  return over;
}

static uint32_t under_query(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries, uint32_t most) {
  bt_query asked = {.filter = under.filter, .manner = BT_ELASTIC_UNDER};
  if (builder->failed || under.filter->kind == BT_FILTER_NONE || !most || !bt_elastic_is_writable(asked)) return 0;
  queries[0].asked = asked;
  return 1;
}

static bt_query spans_query(bt_filter_builder *builder, bt_over_filter over) {
  bt_query asked = {.filter = over.filter, .manner = BT_ELASTIC_OVER};
  (void)builder;
  return bt_elastic_is_writable(asked) ? asked : (bt_query){0};
}

/* ---- for people ---- */

static void show_query(bt_query query, bt_buffer *out) {
  (void)bt_elastic_condition_write(&bt_elastic_data_prepper, NULL, query, out);
}

static void show_search(bt_query query, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("traceIds of "));
  show_query(query, out);
}

static void show_read(const bt_trace_id *id, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  char hex[BT_TRACE_ID_HEX + 1];
  (void)projection;
  (void)number;
  bt_trace_id_format(id, hex);
  bt_buffer_printf(out, "{\"terms\":{\"traceId\":[\"%s\"]}}", hex);
}

static void show_spans(const bt_over_query *spans, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  (void)projection;
  (void)number;
  bt_buffer_append(out, BT_STR("spans of "));
  show_query(spans->asked, out);
}

const bt_dialect *bt_elastic_dialect(void) {
  static const bt_dialect dialect = {.name = "Query DSL",
                                     .test = test_field,
                                     .exists = field_exists,
                                     .both_over = bt_dialect_both_over,
                                     .both_under = bt_dialect_both_under,
                                     .surely = keep_sure,
                                     .over = over_query,
                                     .under = under_query,
                                     .spans = spans_query,
                                     .why_no_spans = bt_dialect_gives_spans,
                                     .is_taken_key = bt_dialect_takes_no_key,
                                     .reads = bt_dialect_reads_once,
                                     .show = show_query,
                                     .show_search = show_search,
                                     .show_read = show_read,
                                     .show_spans = show_spans};
  return &dialect;
}
