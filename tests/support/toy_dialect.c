/* A second dialect. See toy_dialect.h. */
#include "tests/support/toy_dialect.h"

static const bt_str service_key = {"service.name", 12};
static const int64_t year_ns = INT64_C(31536000000000000);

static bt_filter_pair pair_of(const bt_filter *over, const bt_filter *under) {
  return (bt_filter_pair){{over}, {under}};
}

static bt_filter_pair unknown_pair(void) {
  return pair_of(bt_filter_all(), bt_filter_none());
}

static const bt_filter *make_test(bt_filter_builder *builder, bt_filter_field field, bt_str key, bt_filter_operator op,
                                  const bt_value *literal) {
  bt_filter_test test = {.field = field, .key = key, .op = op};
  if (literal) test.literal = *literal;
  return bt_filter_test_new(builder, test);
}

/* False: the store has no word for it. */
static bool order_of(bt_comparison_operator op, bool negated, bt_filter_operator *out) {
  static const struct {
    bt_comparison_operator op;
    bt_filter_operator is, is_not;
  } rows[] = {{BT_EQUAL, BT_FILTER_EQUAL, BT_FILTER_NOT_EQUAL},
              {BT_NOT_EQUAL, BT_FILTER_NOT_EQUAL, BT_FILTER_EQUAL},
              {BT_LESS, BT_FILTER_LESS, BT_FILTER_GREATER_EQUAL},
              {BT_LESS_EQUAL, BT_FILTER_LESS_EQUAL, BT_FILTER_GREATER},
              {BT_GREATER, BT_FILTER_GREATER, BT_FILTER_LESS_EQUAL},
              {BT_GREATER_EQUAL, BT_FILTER_GREATER_EQUAL, BT_FILTER_LESS}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].op == op) return *out = negated ? rows[i].is_not : rows[i].is, true;
  return false;
}

/* ---- fields that every span has ---- */

static bt_filter_pair test_text(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                const bt_value *literal, bool negated) {
  bt_filter_operator asked;
  bool is_equality = op == BT_EQUAL || op == BT_NOT_EQUAL;
  if (!is_equality || literal->type != BT_VALUE_STRING || !order_of(op, negated, &asked)) return unknown_pair();
  const bt_filter *filter = make_test(builder, field, (bt_str){0}, asked, literal);
  return pair_of(filter, filter);
}

/* Kinds and statuses in any case of letters; numbers without a name are the first of them. */
static bt_filter_pair test_name(bt_filter_builder *builder, bt_filter_field field, const char *const *names,
                                size_t count, bt_comparison_operator op, const bt_value *literal, bool negated) {
  for (size_t i = 1; i < count && literal->type == BT_VALUE_STRING; i++) {
    bt_value name = {.type = BT_VALUE_STRING, .string = bt_str_from(names[i])};
    if (bt_str_equal_nocase(literal->string, name.string)) return test_text(builder, field, op, &name, negated);
  }
  return unknown_pair();
}

/* Of what lies within a year the duration is known, and of nothing else. */
static bt_filter_pair test_duration(bt_filter_builder *builder, bt_comparison_operator op, const bt_value *literal,
                                    bool negated) {
  bt_filter_test test = {.field = BT_FILTER_DURATION, .literal = *literal};
  const bt_value none = {.type = BT_VALUE_DURATION}, year = {.type = BT_VALUE_DURATION, .duration_ns = year_ns};
  if (literal->type != BT_VALUE_DURATION || !order_of(op, negated, &test.op)) return unknown_pair();
  const bt_filter *known[] = {bt_filter_test_new(builder, test),
                              make_test(builder, BT_FILTER_DURATION, (bt_str){0}, BT_FILTER_GREATER, &none),
                              make_test(builder, BT_FILTER_DURATION, (bt_str){0}, BT_FILTER_LESS, &year)};
  test.or_unknown = true;
  return pair_of(bt_filter_test_new(builder, test), bt_filter_join(builder, BT_FILTER_AND, known, 3));
}

/* ---- attributes ---- */

/* The scopes in which the value that counts may stand. */
static uint32_t scopes_of(bt_field_kind kind, bt_filter_field scopes[2]) {
  bool is_of_resource = kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_SERVICE;
  scopes[0] = is_of_resource ? BT_FILTER_RESOURCE : BT_FILTER_SPAN;
  scopes[1] = BT_FILTER_RESOURCE;
  if (kind == BT_FIELD_EITHER_ATTRIBUTE) return 2;
  return is_of_resource || kind == BT_FIELD_SPAN_ATTRIBUTE ? 1 : 0;
}

/* Texts may read as what is no text, and the other way round: where either is meant, presence is all that is asked. */
static bool is_said(bt_field_kind kind, const bt_value *literal) {
  return kind == BT_FIELD_SERVICE && literal->type == BT_VALUE_STRING;
}

static bt_filter_pair test_attribute(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                     const bt_value *literal) {
  bt_filter_field scopes[2];
  bt_str key = field->kind == BT_FIELD_SERVICE ? service_key : field->key;
  const bt_filter *found = bt_filter_none();
  uint32_t count = scopes_of(field->kind, scopes);
  for (uint32_t i = 0; i < count; i++) {
    bool is_equality = op == BT_EQUAL && is_said(field->kind, literal);
    const bt_filter *one = make_test(builder, scopes[i], key, is_equality ? BT_FILTER_EQUAL : BT_FILTER_PRESENT,
                                     is_equality ? literal : NULL);
    found = bt_filter_join2(builder, BT_FILTER_OR, found, one);
  }
  return count ? pair_of(found, bt_filter_none()) : unknown_pair();
}

/* ---- what the planner asks ---- */

static bt_filter_pair test_field(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  static const char *const statuses[] = {"unset", "ok", "error"};
  if (field->kind == BT_FIELD_NAME) return test_text(builder, BT_FILTER_NAME, op, literal, negated);
  if (field->kind == BT_FIELD_STATUS_MESSAGE) return test_text(builder, BT_FILTER_STATUS_MESSAGE, op, literal, negated);
  if (field->kind == BT_FIELD_KIND) return test_name(builder, BT_FILTER_KIND, kinds, 6, op, literal, negated);
  if (field->kind == BT_FIELD_STATUS) return test_name(builder, BT_FILTER_STATUS, statuses, 3, op, literal, negated);
  if (field->kind == BT_FIELD_DURATION) return test_duration(builder, op, literal, negated);
  return negated ? unknown_pair() : test_attribute(builder, field, op, literal);
}

static bt_filter_pair field_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  const bt_value nothing = {.type = BT_VALUE_MISSING};
  return negated ? unknown_pair() : test_attribute(builder, field, BT_NOT_EQUAL, &nothing);
}

static const bt_over *over_query(bt_filter_builder *builder, bt_over_filter filter, bool counts, bool *was_weakened) {
  bt_over *over = bt_over_new(builder, BT_OVER_QUERY, 0);
  (void)counts;
  (void)was_weakened; /* it is not */
  if (!over) return bt_over_all();
  over->query.asked.filter = filter.filter;
  return over;
}

static uint32_t under_query(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries, uint32_t most) {
  if (builder->failed || under.filter->kind == BT_FILTER_NONE || !most) return 0;
  queries[0].asked.filter = under.filter;
  return 1;
}

static bt_query spans_query(bt_filter_builder *builder, bt_over_filter over) {
  (void)builder;
  return (bt_query){.filter = over.filter};
}

static const char *why_no_spans(const bt_filter *filter) {
  (void)filter;
  return NULL;
}

static uint32_t count_tests(const bt_filter *filter) {
  uint32_t count = filter->kind == BT_FILTER_TEST;
  for (uint32_t i = 0; i < filter->item_count; i++) count += count_tests(filter->items[i]);
  return count;
}

static void show_query(bt_query query, bt_buffer *out) {
  bt_buffer_printf(out, "a filter of %u tests", count_tests(query.filter));
}

const bt_dialect *toy_dialect(void) {
  static bt_dialect toy;
  toy = *bt_dialect_none();
  toy.name = "toy";
  toy.test = test_field;
  toy.exists = field_exists;
  toy.over = over_query;
  toy.under = under_query;
  toy.spans = spans_query;
  toy.why_no_spans = why_no_spans;
  toy.show = toy.show_search = show_query;
  return &toy;
}
