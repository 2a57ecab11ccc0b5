/* What one test of the language finds in Tempo, and what is asked together. See traceql_rules.h. A missing field makes
 * a comparison false and its opposite true, and no filter finds what is missing. So the opposite of a test on an
 * attribute is every span for over and no span for under. */
#include "dsl/plan/dialect.h"
#include "dsl/plan/pushdown.h"
#include "dsl/trace/text_number.h"
#include "tempo/api/traceql_rules.h"

static const bt_str service_key = {"service.name", 12};

static bt_filter_pair exact_pair(const bt_filter *filter) {
  return bt_filter_pair_of(filter, filter);
}

/* ---- what is asked together ---- */

/* One of an attribute of events is a query of its own (filter.h), and one that there is an event is met by many. */
static bool is_weak_of_events(const bt_filter_test *test) {
  bool takes_any = test->op == BT_FILTER_REGEX && bt_str_equal(test->literal.string, BT_STR(BT_FILTER_ANY_STRING));
  return test->field == BT_FILTER_EVENT || (test->field == BT_FILTER_EVENT_NAME && takes_any);
}

/* A filter that only says that attributes are there. It is long (seven typed tests for each), so it is not worth asking
 * beside one that few spans meet. */
static bool is_weak(const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) return filter->test.op == BT_FILTER_PRESENT || is_weak_of_events(&filter->test);
  if (filter->kind != BT_FILTER_OR) return false;
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (!is_weak(filter->items[i])) return false;
  return true;
}

/* Hardly any span is without a service: that it has one is worth asking beside nothing. */
static bool asks_for_some_service(const bt_filter *filter) {
  const bt_filter_test *test = &filter->test;
  return filter->kind == BT_FILTER_TEST && test->op == BT_FILTER_PRESENT && test->field == BT_FILTER_RESOURCE &&
         bt_str_equal(test->key, service_key);
}

/* A kind, and any status but error, is what a large part of all spans has. */
static bool is_broad(const bt_filter_test *test) {
  bool is_error = test->op == BT_FILTER_EQUAL && test->literal.type == BT_VALUE_STRING &&
                  bt_str_equal(test->literal.string, BT_STR("error"));
  return test->field == BT_FILTER_KIND || (test->field == BT_FILTER_STATUS && !is_error);
}

/* Few spans meet it, as far as one can tell beforehand. */
static bool is_selective(const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) return !is_weak(filter) && !is_broad(&filter->test);
  if (filter->kind != BT_FILTER_AND && filter->kind != BT_FILTER_OR) return filter->kind == BT_FILTER_NONE;
  bool is_and = filter->kind == BT_FILTER_AND;
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (is_selective(filter->items[i]) == is_and) return is_and;
  return !is_and;
}

static const bt_filter *without_weak_items(bt_filter_builder *builder, const bt_filter *filter) {
  if (is_weak(filter)) return bt_filter_all();
  if (filter->kind != BT_FILTER_AND) return filter;
  const bt_filter *rest = bt_filter_all();
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (!is_weak(filter->items[i])) rest = bt_filter_join2(builder, BT_FILTER_AND, rest, filter->items[i]);
  return rest;
}

static bool can_be_array(const bt_filter_test *test) {
  bool is_service_name = test->field == BT_FILTER_RESOURCE && bt_str_equal(test->key, service_key);
  return test->key.len && !is_service_name;
}

static bool is_about_key(const bt_filter_test *test, const void *key) {
  return can_be_array(test) && bt_str_equal(test->key, *(const bt_str *)key);
}

static bool is_about_key_of(const bt_filter_test *test, const void *filter) {
  return can_be_array(test) && bt_filter_has_test(filter, is_about_key, &test->key);
}

/* Both ask about one attribute that may be an array. */
static bool share_a_key(const bt_filter *a, const bt_filter *b) {
  return bt_filter_has_test(a, is_about_key_of, b);
}

/* Tempo 2.8 mixes up the elements of an array with those of others once two of them meet some test of the query
 * (measured). A filter that asks twice about one attribute (`contains "a" and contains "b"`) makes it look at both
 * elements, and then finds what is not there and misses what is. So over asks once: the items of b that speak of an
 * attribute of a are left out. */
static const bt_filter *without_keys_of(bt_filter_builder *builder, const bt_filter *a, const bt_filter *b) {
  if (bt_filter_implies(a, b)) return bt_filter_all();
  if (!share_a_key(a, b)) return b;
  const bt_filter *rest = bt_filter_all();
  if (b->kind == BT_FILTER_AND)
    for (uint32_t i = 0; i < b->item_count; i++)
      if (!share_a_key(a, b->items[i])) rest = bt_filter_join2(builder, BT_FILTER_AND, rest, b->items[i]);
  return rest;
}

bt_over_filter bt_traceql_both_over(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b) {
  const bt_filter *left = a.filter, *right = b.filter;
  if (left->kind == BT_FILTER_NONE || right->kind == BT_FILTER_NONE) return (bt_over_filter){bt_filter_none()};
  if (bt_filter_implies(right, left)) return b;
  if (asks_for_some_service(left) && right->kind != BT_FILTER_ALL) return b;
  if (asks_for_some_service(right) && left->kind != BT_FILTER_ALL) return a;
  bool left_decides = is_selective(left), right_decides = is_selective(right);
  if (right_decides) left = without_weak_items(builder, left);
  if (left_decides) right = without_weak_items(builder, right);
  return (bt_over_filter){bt_filter_join2(builder, BT_FILTER_AND, left, without_keys_of(builder, left, right))};
}

/* The same of what is subtracted, which has to be exact: two tests of one attribute find nothing. */
bt_under_filter bt_traceql_both_under(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b) {
  if (share_a_key(a.filter, b.filter)) return (bt_under_filter){bt_filter_none()};
  return (bt_under_filter){bt_filter_join2(builder, BT_FILTER_AND, a.filter, b.filter)};
}

static bool is_negative_operator(bt_comparison_operator op) {
  return op == BT_NOT_EQUAL || op == BT_NOT_MATCHES_WHOLE || op == BT_NOT_IN;
}

/* ---- kind and status: a set of named values ---- */

static bt_filter_pair enum_set(bt_filter_builder *builder, bt_filter_field field, const char *const *names,
                               unsigned count, unsigned accepted) {
  const bt_filter *is[8], *is_not[8];
  uint32_t is_count = 0, is_not_count = 0;
  for (unsigned i = 0; i < count; i++) {
    bt_filter_test test = {.field = field, .literal = {.type = BT_VALUE_STRING, .string = bt_str_from(names[i])}};
    test.op = accepted & (1u << i) ? BT_FILTER_EQUAL : BT_FILTER_NOT_EQUAL;
    if (accepted & (1u << i))
      is[is_count++] = bt_filter_test_new(builder, test);
    else
      is_not[is_not_count++] = bt_filter_test_new(builder, test);
  }
  if (is_count == count) return bt_filter_pair_constant(true);
  const bt_filter *narrow = bt_filter_join(builder, BT_FILTER_OR, is, is_count);
  /* Numbers outside OTLP's lists have no name in Tempo; what reads them calls them by the first. */
  bool takes_strange = accepted & 1u;
  return bt_filter_pair_of(takes_strange ? bt_filter_join(builder, BT_FILTER_AND, is_not, is_not_count) : narrow,
                           narrow);
}

static unsigned named_value(const char *const *names, unsigned count, const bt_value *literal) {
  if (literal->type != BT_VALUE_STRING) return 0;
  for (unsigned i = 0; i < count; i++)
    if (bt_str_equal_nocase(literal->string, bt_str_from(names[i]))) return 1u << i;
  return 0;
}

static bt_filter_pair enum_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                const bt_value *literal, bool negated) {
  bool is_kind = field->kind == BT_FIELD_KIND;
  const char *const *names = is_kind ? bt_dialect_kinds : bt_dialect_statuses;
  unsigned count = is_kind ? BT_DIALECT_KINDS : BT_DIALECT_STATUSES;
  if (op != BT_EQUAL && op != BT_NOT_EQUAL) return bt_filter_pair_unknown();
  unsigned accepted = named_value(names, count, literal);
  if ((op == BT_NOT_EQUAL) != negated) accepted = ~accepted & ((1u << count) - 1);
  return enum_set(builder, is_kind ? BT_FILTER_KIND : BT_FILTER_STATUS, names, count, accepted);
}

/* ---- duration ---- */

/* A span that ends before it starts lasts 0 ns for us and less than that for Tempo, which cannot tell it from one that
 * never ended: over has both. */
static bt_filter_pair duration_test(bt_filter_builder *builder, bt_comparison_operator op, const bt_value *literal,
                                    bool negated) {
  bt_filter_operator asked;
  if (literal->type != BT_VALUE_DURATION || !bt_dialect_order(op, false, &asked)) return bt_filter_pair_unknown();
  if (negated) asked = bt_traceql_opposite(asked);
  return bt_filter_pair_of(bt_traceql_may_last(builder, asked, literal->duration_ns),
                           bt_traceql_surely_lasts(builder, asked, literal->duration_ns));
}

/* ---- attributes ---- */

typedef struct attribute_scopes {
  bt_filter_field scopes[2];
  uint32_t count;
  bt_str key;
} attribute_scopes;

static bool scopes_of(const bt_field *field, attribute_scopes *out) {
  *out = (attribute_scopes){{BT_FILTER_SPAN, BT_FILTER_RESOURCE}, 2, field->key};
  if (field->kind == BT_FIELD_SPAN_ATTRIBUTE)
    out->count = 1;
  else if (field->kind == BT_FIELD_RESOURCE_ATTRIBUTE)
    *out = (attribute_scopes){{BT_FILTER_RESOURCE}, 1, field->key};
  else if (field->kind == BT_FIELD_SERVICE)
    *out = (attribute_scopes){{BT_FILTER_RESOURCE}, 1, service_key};
  else if (field->kind != BT_FIELD_EITHER_ATTRIBUTE)
    return false;
  return bt_pushdown_can_name(out->key);
}

static const bt_filter *present_in(bt_filter_builder *builder, const attribute_scopes *at, bt_filter_operator op) {
  const bt_filter *tests[2];
  for (uint32_t i = 0; i < at->count; i++)
    tests[i] = bt_filter_test_new(builder, (bt_filter_test){.field = at->scopes[i], .key = at->key, .op = op});
  return bt_filter_join(builder, BT_FILTER_OR, tests, at->count);
}

/* What asks for the attribute `service.name`, and not for the span's service, which is a text. */
static bool asks_for_service_attribute(const bt_field *field, const attribute_scopes *at) {
  return field->kind != BT_FIELD_SERVICE && at->scopes[at->count - 1] == BT_FILTER_RESOURCE &&
         bt_str_equal(at->key, service_key);
}

/* Tempo keeps a service name that is no text, an array of texts too, outside the column that every test of a text looks
 * at, and in that column the empty one, as where there is none (tests/facts/facts_filters.py). So what may be such an
 * array is found by the empty one. */
static const bt_filter *or_no_text(bt_filter_builder *builder, const bt_filter *over) {
  bt_filter_test empty = {.field = BT_FILTER_RESOURCE, .key = service_key, .op = BT_FILTER_EQUAL};
  empty.literal = (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("")};
  return bt_filter_join2(builder, BT_FILTER_OR, over, bt_filter_test_new(builder, empty));
}

/* Texts, and what texts read as. */
static bool reaches_texts(const bt_value *literal) {
  return literal->type == BT_VALUE_STRING || literal->type == BT_VALUE_BOOL || literal->type == BT_VALUE_INT ||
         literal->type == BT_VALUE_DOUBLE;
}

/* For a field of the span or else of its resource, over asks for either; under asks for the span's own only, which
 * always counts: a span whose own value differs is not spoken for by its resource. */
static bt_filter_pair attribute_test(bt_filter_builder *builder, const attribute_scopes *at, bt_comparison_operator op,
                                     const bt_value *literal, bool negated) {
  if (negated) return bt_filter_pair_unknown();
  if (is_negative_operator(op)) return bt_filter_pair_of(present_in(builder, at, BT_FILTER_PRESENT), bt_filter_none());
  bt_filter_pair own = bt_traceql_value(builder, at->scopes[0], at->key, op, literal);
  if (at->count == 1) return own;
  bt_filter_pair other = bt_traceql_value(builder, at->scopes[1], at->key, op, literal);
  return bt_filter_pair_of(bt_filter_join2(builder, BT_FILTER_OR, own.over.filter, other.over.filter),
                           own.under.filter);
}

/* Of the scopes in which what is found is there: Tempo's tables have a service name, maybe empty, for every resource.
 */
static bt_under_filter surely_present_in(bt_filter_builder *builder, const attribute_scopes *at) {
  attribute_scopes own = *at;
  bool is_of_span = at->scopes[0] == BT_FILTER_SPAN, is_service = bt_str_equal(at->key, service_key);
  if (is_service && !is_of_span) return (bt_under_filter){bt_filter_none()};
  if (is_service) own.count = 1;
  return (bt_under_filter){present_in(builder, &own, BT_FILTER_SURELY_PRESENT)};
}

/* ---- events ---- */

static bool is_of_event(const bt_field *field) {
  return field->kind == BT_FIELD_EVENT_NAME || field->kind == BT_FIELD_EVENT_ATTRIBUTE ||
         field->kind == BT_FIELD_EVENT_TIME;
}

/* The span has an event, whatever its name. Tempo sees no empty list and no bytes under an attribute of one, and a NaN
 * hides numbers; so this is all that is asked of most attributes. */
static bt_filter_pair some_event(bt_filter_builder *builder) {
  bt_value any = {.type = BT_VALUE_STRING, .string = BT_STR(BT_FILTER_ANY_STRING)};
  bt_filter_test test = {.field = BT_FILTER_EVENT_NAME, .op = BT_FILTER_REGEX, .literal = any};
  return bt_filter_pair_of(bt_filter_test_new(builder, test), bt_filter_none());
}

/* A text, or a boolean: a NaN hides numbers, and what a text may read as too. */
static bool is_known_of_event(const bt_value *literal, bt_comparison_operator op) {
  bt_value read;
  if (literal->type == BT_VALUE_BOOL) return op == BT_EQUAL;
  return literal->type == BT_VALUE_STRING && !is_negative_operator(op) && !bt_text_number(literal->string, &read);
}

/* Nothing is found exactly: a query that asks for a name in Tempo 2.8 finds spans without events, too. */
static bt_filter_pair event_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  bool is_name = field->kind == BT_FIELD_EVENT_NAME;
  const bt_filter *over = NULL;
  if (negated) return bt_filter_pair_unknown();
  if (is_name && !is_negative_operator(op)) over = bt_traceql_text(builder, BT_FILTER_EVENT_NAME, op, literal, false);
  if (field->kind == BT_FIELD_EVENT_ATTRIBUTE && is_known_of_event(literal, op) && bt_pushdown_can_name(field->key))
    over = bt_traceql_value(builder, BT_FILTER_EVENT, field->key, op, literal).over.filter;
  return over ? bt_filter_pair_of(over, bt_filter_none()) : some_event(builder);
}

static bool is_always_there(bt_field_kind kind) {
  return kind == BT_FIELD_NAME || kind == BT_FIELD_KIND || kind == BT_FIELD_STATUS || kind == BT_FIELD_STATUS_MESSAGE ||
         kind == BT_FIELD_ID || kind == BT_FIELD_SPAN_TRACE_ID;
}

/* There, unless it is 0, which is unknown. */
static bool is_time(bt_field_kind kind) {
  return kind == BT_FIELD_DURATION || kind == BT_FIELD_START || kind == BT_FIELD_END;
}

static bt_filter_pair time_exists(bt_filter_builder *builder, bool negated) {
  if (negated) return bt_filter_pair_of(bt_traceql_may_last(builder, BT_FILTER_LESS, 0), bt_filter_none());
  return bt_filter_pair_of(bt_filter_all(), bt_traceql_surely_lasts(builder, BT_FILTER_GREATER, 0));
}

bt_filter_pair bt_traceql_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  attribute_scopes at;
  if (is_always_there(field->kind)) return bt_filter_pair_constant(!negated);
  if (is_time(field->kind)) return time_exists(builder, negated);
  if (!negated && is_of_event(field)) return some_event(builder);
  if (negated || !scopes_of(field, &at)) return bt_filter_pair_unknown();
  return bt_filter_pair_of(present_in(builder, &at, BT_FILTER_PRESENT), surely_present_in(builder, &at).filter);
}

bt_filter_pair bt_traceql_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                               const bt_value *literal, bool negated) {
  attribute_scopes at;
  if (is_of_event(field)) return event_test(builder, field, op, literal, negated);
  if (field->kind == BT_FIELD_KIND || field->kind == BT_FIELD_STATUS)
    return enum_test(builder, field, op, literal, negated);
  if (field->kind == BT_FIELD_DURATION) return duration_test(builder, op, literal, negated);
  if (field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_STATUS_MESSAGE) {
    bt_filter_field asked = field->kind == BT_FIELD_NAME ? BT_FILTER_NAME : BT_FILTER_STATUS_MESSAGE;
    const bt_filter *test = bt_traceql_text(builder, asked, op, literal, negated);
    return test ? exact_pair(test) : bt_filter_pair_unknown();
  }
  /* A service name that is no string is no service; as an attribute Tempo would find it. */
  if (field->kind == BT_FIELD_SERVICE && literal->type != BT_VALUE_STRING) return bt_filter_pair_unknown();
  if (!scopes_of(field, &at)) return bt_filter_pair_unknown();
  if (field->kind == BT_FIELD_SERVICE && !negated && !is_negative_operator(op))
    return bt_traceql_service(builder, op, literal->string);
  bt_filter_pair pair = attribute_test(builder, &at, op, literal, negated);
  bool may_be_outside = reaches_texts(literal) && asks_for_service_attribute(field, &at);
  if (may_be_outside) pair.over.filter = or_no_text(builder, pair.over.filter);
  return pair;
}
