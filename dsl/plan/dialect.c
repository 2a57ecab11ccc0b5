/* The dialect of what searches nothing. See dialect.h. A test that no span meets for what it lacks is every span: no
 * search finds what is missing, in any store. */
#include "dsl/plan/dialect.h"

#include <string.h>

/* ---- what several dialects share ---- */

bool bt_dialect_order(bt_comparison_operator op, bool negated, bt_filter_operator *out) {
  static const struct {
    bt_comparison_operator op;
    bt_filter_operator is, is_not;
  } orders[] = {{BT_EQUAL, BT_FILTER_EQUAL, BT_FILTER_NOT_EQUAL},
                {BT_NOT_EQUAL, BT_FILTER_NOT_EQUAL, BT_FILTER_EQUAL},
                {BT_LESS, BT_FILTER_LESS, BT_FILTER_GREATER_EQUAL},
                {BT_LESS_EQUAL, BT_FILTER_LESS_EQUAL, BT_FILTER_GREATER},
                {BT_GREATER, BT_FILTER_GREATER, BT_FILTER_LESS_EQUAL},
                {BT_GREATER_EQUAL, BT_FILTER_GREATER_EQUAL, BT_FILTER_LESS}};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
    if (orders[i].op == op) return *out = negated ? orders[i].is_not : orders[i].is, true;
  return false;
}

const char *const bt_dialect_kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
const char *const bt_dialect_statuses[] = {"unset", "ok", "error"};

bt_filter_pair bt_dialect_test_word(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                    const bt_value *literal, bool negated) {
  bool is_kind = field == BT_FILTER_KIND;
  const char *const *names = is_kind ? bt_dialect_kinds : bt_dialect_statuses;
  size_t count = is_kind ? BT_DIALECT_KINDS : BT_DIALECT_STATUSES;
  bt_filter_test test = {.field = field};
  if ((op != BT_EQUAL && op != BT_NOT_EQUAL) || !bt_dialect_order(op, negated, &test.op))
    return bt_filter_pair_unknown();
  for (size_t i = 0; literal->type == BT_VALUE_STRING && i < count; i++) {
    test.literal = (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(names[i])};
    if (!bt_str_equal_nocase(literal->string, test.literal.string)) continue;
    const bt_filter *filter = bt_filter_test_new(builder, test);
    return bt_filter_pair_of(filter, filter);
  }
  return bt_filter_pair_constant(test.op == BT_FILTER_NOT_EQUAL);
}

void bt_dialect_quote(bt_buffer *out, bt_str text) {
  static const char special[] = "\\.+*?()|[]{}^$";
  for (size_t i = 0; i < text.len; i++) {
    if (memchr(special, text.ptr[i], sizeof special - 1)) bt_buffer_append_char(out, '\\');
    bt_buffer_append_char(out, text.ptr[i]);
  }
}

bt_over_filter bt_dialect_both_over(bt_filter_builder *builder, bt_over_filter a, bt_over_filter b) {
  return (bt_over_filter){bt_filter_join2(builder, BT_FILTER_AND, a.filter, b.filter)};
}

bt_under_filter bt_dialect_both_under(bt_filter_builder *builder, bt_under_filter a, bt_under_filter b) {
  return (bt_under_filter){bt_filter_join2(builder, BT_FILTER_AND, a.filter, b.filter)};
}

const char *bt_dialect_gives_spans(const bt_filter *filter) {
  (void)filter;
  return NULL;
}

bool bt_dialect_takes_no_key(bt_str key) {
  (void)key;
  return false;
}

uint32_t bt_dialect_reads_once(const bt_projection *projection) {
  (void)projection;
  return 1;
}

/* ---- of what searches nothing ---- */

static bt_filter_pair found_pair(bt_filter_builder *builder, bt_filter_field field, bt_str key) {
  bt_filter_test test = {.field = field, .key = key, .op = BT_FILTER_PRESENT};
  return bt_filter_pair_of(bt_filter_test_new(builder, test), bt_filter_none());
}

/* Of a field whose value is in every span, so that its opposite can be searched for. */
static bool is_always_there(bt_field_kind kind, bt_filter_field *out) {
  if (kind == BT_FIELD_NAME) return *out = BT_FILTER_NAME, true;
  if (kind == BT_FIELD_KIND) return *out = BT_FILTER_KIND, true;
  if (kind == BT_FIELD_STATUS) return *out = BT_FILTER_STATUS, true;
  if (kind == BT_FIELD_STATUS_MESSAGE) return *out = BT_FILTER_STATUS_MESSAGE, true;
  if (kind == BT_FIELD_DURATION) return *out = BT_FILTER_DURATION, true;
  return false;
}

static bool is_searched_for(bt_field_kind kind, bt_filter_field *out) {
  if (kind == BT_FIELD_SPAN_ATTRIBUTE || kind == BT_FIELD_EITHER_ATTRIBUTE) return *out = BT_FILTER_SPAN, true;
  if (kind == BT_FIELD_RESOURCE_ATTRIBUTE || kind == BT_FIELD_SERVICE) return *out = BT_FILTER_RESOURCE, true;
  if (kind == BT_FIELD_EVENT_ATTRIBUTE) return *out = BT_FILTER_EVENT, true;
  if (kind == BT_FIELD_EVENT_NAME || kind == BT_FIELD_EVENT_TIME) return *out = BT_FILTER_EVENT_NAME, true;
  return false;
}

/* Whether a search can say it: kinds and statuses are one or another, texts have no order, and a duration is none. */
static bool is_said(const bt_field *field, bt_comparison_operator op, const bt_value *literal) {
  bool is_equal = op == BT_EQUAL || op == BT_NOT_EQUAL, is_text = literal->type == BT_VALUE_STRING;
  if (field->kind == BT_FIELD_KIND || field->kind == BT_FIELD_STATUS) return is_equal;
  if (field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_STATUS_MESSAGE)
    return is_text && !bt_operator_is_ordering(op);
  if (field->kind == BT_FIELD_DURATION)
    return literal->type == BT_VALUE_DURATION && (is_equal || bt_operator_is_ordering(op));
  return field->kind != BT_FIELD_SERVICE || is_text;
}

static bt_filter_pair test_field(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  bt_filter_field of = BT_FILTER_NAME;
  bool is_found = is_always_there(field->kind, &of) || (!negated && is_searched_for(field->kind, &of));
  return is_found && is_said(field, op, literal) ? found_pair(builder, of, field->key) : bt_filter_pair_unknown();
}

static bt_filter_pair field_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  bt_filter_field of = BT_FILTER_NAME;
  bool is_found = !negated && is_searched_for(field->kind, &of);
  return is_found ? found_pair(builder, of, field->key) : bt_filter_pair_unknown();
}

static const bt_filter *keep_filter(bt_filter_builder *builder, bt_over_filter over) {
  (void)builder;
  return over.filter;
}

static const bt_over *over_queries(bt_filter_builder *builder, bt_over_filter filter, bool counts, bool *was_weakened) {
  bt_over *over = bt_over_new(builder, BT_OVER_QUERY, 0);
  (void)counts;
  *was_weakened = true;
  if (!over) return bt_over_all();
  over->query.asked.filter = filter.filter;
  return over;
}

static uint32_t under_queries(bt_filter_builder *builder, bt_under_filter under, bt_under_query *queries,
                              uint32_t most) {
  (void)builder;
  (void)under;
  (void)queries;
  (void)most;
  return 0;
}

static bt_query no_spans(bt_filter_builder *builder, bt_over_filter over) {
  (void)builder;
  (void)over;
  return (bt_query){0};
}

static const char *why_no_spans(const bt_filter *filter) {
  (void)filter;
  return "the source gives whole traces only";
}

static void show_query(bt_query query, bt_buffer *out) {
  bt_buffer_append(out, query.filter->kind == BT_FILTER_ALL ? BT_STR("every trace") : BT_STR("what the rule asks for"));
}

static void show_read(const bt_trace_id *id, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  (void)id;
  (void)projection;
  (void)number;
  bt_buffer_append(out, BT_STR("whole traces"));
}

static void show_spans(const bt_over_query *spans, const bt_projection *projection, uint32_t number, bt_buffer *out) {
  (void)projection;
  (void)number;
  show_query(spans->asked, out);
}

const bt_dialect *bt_dialect_none(void) {
  static const bt_dialect none = {.name = "none",
                                  .test = test_field,
                                  .exists = field_exists,
                                  .both_over = bt_dialect_both_over,
                                  .both_under = bt_dialect_both_under,
                                  .surely = keep_filter,
                                  .over = over_queries,
                                  .under = under_queries,
                                  .spans = no_spans,
                                  .why_no_spans = why_no_spans,
                                  .is_taken_key = bt_dialect_takes_no_key,
                                  .reads = bt_dialect_reads_once,
                                  .show = show_query,
                                  .show_search = show_query,
                                  .show_read = show_read,
                                  .show_spans = show_spans};
  return &none;
}
