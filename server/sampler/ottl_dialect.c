/* The dialect of OTTL. See ottl_dialect.h. Filters say what the language means.
 * ottl_condition.c decides what OTTL cannot say. */
#include "server/sampler/ottl_dialect.h"

#include <string.h>

#include "dsl/plan/dialect.h"
#include "dsl/rule/field.h"

enum { MOST_PATTERN_BYTES = 1024, MOST_TEXT_BYTES = 16384 };

static bt_filter_pair pair_of(const bt_filter *filter) {
  return (bt_filter_pair){{filter}, {filter}};
}

static const bt_filter *make_test(bt_filter_builder *builder, bt_filter_field field, bt_str key, bt_filter_operator op,
                                  bt_value literal) {
  return bt_filter_test_new(builder, (bt_filter_test){.field = field, .key = key, .op = op, .literal = literal});
}

static const bt_filter *opposite_of(bt_filter_builder *builder, const bt_filter *filter) {
  if (filter->kind == BT_FILTER_ALL) return bt_filter_none();
  if (filter->kind == BT_FILTER_NONE) return bt_filter_all();
  if (filter->kind == BT_FILTER_TEST) {
    bt_filter_test test = filter->test;
    test.is_opposite = !test.is_opposite;
    return bt_filter_test_new(builder, test);
  }
  bt_filter_kind kind = filter->kind == BT_FILTER_AND ? BT_FILTER_OR : BT_FILTER_AND;
  const bt_filter *joined = kind == BT_FILTER_AND ? bt_filter_all() : bt_filter_none();
  for (uint32_t i = 0; i < filter->item_count; i++)
    joined = bt_filter_join2(builder, kind, joined, opposite_of(builder, filter->items[i]));
  return joined;
}

/* ---- operators ---- */

/* The Collector does not start with a pattern that Go's regexp refuses, and classes of Unicode come from tables of any
 * age. An unclosed \Q would swallow what stands behind the pattern, and \C is a byte to RE2 alone. */
static bool is_portable_pattern(bt_str pattern) {
  static const char *const others[] = {"\\Q", "\\p", "\\P", "\\C", "(?<"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (bt_str_contains(pattern, bt_str_from(others[i]))) return false;
  return true;
}

/* What IsMatch is asked, which searches anywhere. It never reads as BT_FILTER_ANY_STRING, of which more is known. */
static void append_pattern(bt_buffer *out, bt_comparison_operator op, bt_str text) {
  bool is_whole = op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE;
  if (is_whole || op == BT_STARTS_WITH) bt_buffer_append(out, BT_STR("\\A"));
  if (op == BT_MATCHES || is_whole)
    bt_buffer_printf(out, "(?s:%.*s)%s", BT_FMT(text), is_whole ? "\\z" : "");
  else
    bt_dialect_quote(out, text);
  if (op == BT_ENDS_WITH) bt_buffer_append(out, BT_STR("\\z"));
}

static bool is_regex(bt_comparison_operator op) {
  return op == BT_MATCHES || op == BT_MATCHES_WHOLE || op == BT_NOT_MATCHES_WHOLE;
}

/* False: it cannot be said. */
static bool make_pattern(bt_filter_builder *builder, bt_comparison_operator op, bt_str text, bt_value *pattern) {
  bool is_pattern = is_regex(op) || op == BT_CONTAINS || op == BT_STARTS_WITH || op == BT_ENDS_WITH;
  if (!is_pattern || text.len > MOST_TEXT_BYTES) return false;
  if (is_regex(op) && (text.len > MOST_PATTERN_BYTES || !is_portable_pattern(text))) return false;
  bt_buffer out = {0};
  append_pattern(&out, op, text);
  *pattern = (bt_value){.type = BT_VALUE_STRING};
  if (out.failed || !bt_arena_copy(builder->arena, bt_buffer_str(&out), &pattern->string)) builder->failed = true;
  if (bt_str_equal(pattern->string, BT_STR(BT_FILTER_ANY_STRING))) pattern->string = BT_STR("(?s:.*)\\z");
  bt_buffer_dispose(&out);
  return !builder->failed;
}

/* ---- one field ---- */

/* Of a field whose value is text, or may be. NULL: it cannot be said. */
static const bt_filter *value_test(bt_filter_builder *builder, bt_filter_field field, bt_str key,
                                   bt_comparison_operator op, const bt_value *literal) {
  bt_filter_operator asked;
  bt_value pattern;
  bool is_text = literal->type == BT_VALUE_STRING;
  bool is_number = bt_value_is_number(literal);
  bool is_equality = op == BT_EQUAL || op == BT_NOT_EQUAL;
  if (literal->type == BT_VALUE_BOOL && !is_equality) return bt_filter_none(); /* they have no order */
  if (!is_text && !is_number && literal->type != BT_VALUE_BOOL) return NULL;
  if (bt_dialect_order(op, false, &asked)) return make_test(builder, field, key, asked, *literal);
  if (!is_text || !make_pattern(builder, op, literal->string, &pattern)) return NULL;
  bool is_not = op == BT_NOT_MATCHES_WHOLE;
  return make_test(builder, field, key, is_not ? BT_FILTER_NOT_REGEX : BT_FILTER_REGEX, pattern);
}

static const bt_filter *text_test(bt_filter_builder *builder, bt_filter_field field, bt_comparison_operator op,
                                  const bt_value *literal) {
  return literal->type == BT_VALUE_STRING ? value_test(builder, field, (bt_str){0}, op, literal) : NULL;
}

static const bt_filter *word_test(bt_filter_builder *builder, bt_filter_field field, const char *const *names,
                                  size_t count, bt_comparison_operator op, const bt_value *literal) {
  if (op != BT_EQUAL && op != BT_NOT_EQUAL) return NULL;
  bt_filter_operator asked = op == BT_EQUAL ? BT_FILTER_EQUAL : BT_FILTER_NOT_EQUAL;
  for (size_t i = 0; literal->type == BT_VALUE_STRING && i < count; i++) {
    bt_value name = {.type = BT_VALUE_STRING, .string = bt_str_from(names[i])};
    if (bt_str_equal_nocase(literal->string, name.string)) return make_test(builder, field, (bt_str){0}, asked, name);
  }
  return NULL;
}

static const bt_filter *duration_test(bt_filter_builder *builder, bt_comparison_operator op, const bt_value *literal) {
  bt_filter_operator asked;
  if (literal->type != BT_VALUE_DURATION || !bt_dialect_order(op, false, &asked)) return NULL;
  return make_test(builder, BT_FILTER_DURATION, (bt_str){0}, asked, *literal);
}

static const bt_filter *presence_of(bt_filter_builder *builder, bt_filter_field field, bt_str key) {
  return make_test(builder, field, key, BT_FILTER_PRESENT, (bt_value){0});
}

/* Of the span, and where it has none, of its resource. */
static const bt_filter *of_either(bt_filter_builder *builder, bt_str key, const bt_filter *of_span,
                                  const bt_filter *of_resource) {
  if (!of_span || !of_resource) return NULL;
  const bt_filter *lacks = opposite_of(builder, presence_of(builder, BT_FILTER_SPAN, key));
  return bt_filter_join2(builder, BT_FILTER_OR, of_span, bt_filter_join2(builder, BT_FILTER_AND, lacks, of_resource));
}

typedef struct field_row {
  bt_field_kind kind;
  bt_filter_field field;
} field_row;

static bool is_keyed(bt_field_kind kind, bt_filter_field *out) {
  static const field_row rows[] = {{BT_FIELD_SPAN_ATTRIBUTE, BT_FILTER_SPAN},
                                   {BT_FIELD_RESOURCE_ATTRIBUTE, BT_FILTER_RESOURCE},
                                   {BT_FIELD_SCOPE_ATTRIBUTE, BT_FILTER_SCOPE},
                                   {BT_FIELD_EVENT_ATTRIBUTE, BT_FILTER_EVENT}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].kind == kind) return *out = rows[i].field, true;
  return false;
}

static bool is_text_field(bt_field_kind kind, bt_filter_field *out) {
  static const field_row rows[] = {{BT_FIELD_NAME, BT_FILTER_NAME},
                                   {BT_FIELD_STATUS_MESSAGE, BT_FILTER_STATUS_MESSAGE},
                                   {BT_FIELD_SERVICE, BT_FILTER_SERVICE},
                                   {BT_FIELD_SCOPE_NAME, BT_FILTER_SCOPE_NAME},
                                   {BT_FIELD_SCOPE_VERSION, BT_FILTER_SCOPE_VERSION},
                                   {BT_FIELD_EVENT_NAME, BT_FILTER_EVENT_NAME}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].kind == kind) return *out = rows[i].field, true;
  return false;
}

/* NULL: it cannot be said. */
static const bt_filter *field_test(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                   const bt_value *literal) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  static const char *const statuses[] = {"unset", "ok", "error"};
  bt_filter_field of;
  if (field->kind == BT_FIELD_KIND) return word_test(builder, BT_FILTER_KIND, kinds, 6, op, literal);
  if (field->kind == BT_FIELD_STATUS) return word_test(builder, BT_FILTER_STATUS, statuses, 3, op, literal);
  if (field->kind == BT_FIELD_DURATION) return duration_test(builder, op, literal);
  if (is_text_field(field->kind, &of)) return text_test(builder, of, op, literal);
  if (is_keyed(field->kind, &of)) return value_test(builder, of, field->key, op, literal);
  if (field->kind != BT_FIELD_EITHER_ATTRIBUTE) return NULL;
  return of_either(builder, field->key, value_test(builder, BT_FILTER_SPAN, field->key, op, literal),
                   value_test(builder, BT_FILTER_RESOURCE, field->key, op, literal));
}

/* ---- what the planner asks ---- */

/* Some event may meet it, and another one its opposite: of events no opposite is said. */
static bt_filter_pair said_pair(bt_filter_builder *builder, const bt_field *field, const bt_filter *said,
                                bool negated) {
  if (negated)
    return bt_field_is_of_event(field->kind) ? bt_filter_pair_unknown() : pair_of(opposite_of(builder, said));
  return pair_of(said);
}

static bt_filter_pair field_exists(bt_filter_builder *builder, const bt_field *field, bool negated) {
  bt_filter_field of;
  bt_field_kind kind = field->kind;
  if (kind == BT_FIELD_NAME || kind == BT_FIELD_STATUS_MESSAGE || kind == BT_FIELD_KIND || kind == BT_FIELD_STATUS ||
      kind == BT_FIELD_SCOPE_NAME || kind == BT_FIELD_SCOPE_VERSION)
    return pair_of(negated ? bt_filter_none() : bt_filter_all());
  if (kind == BT_FIELD_EITHER_ATTRIBUTE) {
    const bt_filter *either = of_either(builder, field->key, presence_of(builder, BT_FILTER_SPAN, field->key),
                                        presence_of(builder, BT_FILTER_RESOURCE, field->key));
    return said_pair(builder, field, either, negated);
  }
  if (kind == BT_FIELD_EVENT_TIME) of = BT_FILTER_EVENT_NAME;
  if (kind == BT_FIELD_EVENT_TIME || is_text_field(kind, &of) || is_keyed(kind, &of))
    return said_pair(builder, field, presence_of(builder, of, field->key), negated);
  if (bt_field_is_of_link(kind) && !negated) return (bt_filter_pair){{bt_filter_any_link()}, {bt_filter_none()}};
  return bt_filter_pair_unknown();
}

static bt_filter_pair test_field(bt_filter_builder *builder, const bt_field *field, bt_comparison_operator op,
                                 const bt_value *literal, bool negated) {
  const bt_filter *said = field_test(builder, field, op, literal);
  if (said) return said_pair(builder, field, said, negated);
  bt_filter_pair found = bt_filter_pair_unknown();
  if (!negated) found.over = field_exists(builder, field, false).over;
  return found;
}

bt_dialect bt_ottl_dialect(void) {
  bt_dialect dialect = *bt_dialect_none();
  dialect.name = "OTTL";
  dialect.test = test_field;
  dialect.exists = field_exists;
  return dialect;
}

bool bt_ottl_has_no_field(bt_field_kind kind) {
  bt_filter_field of;
  bool is_said = kind == BT_FIELD_KIND || kind == BT_FIELD_STATUS || kind == BT_FIELD_DURATION ||
                 kind == BT_FIELD_EITHER_ATTRIBUTE || is_text_field(kind, &of) || is_keyed(kind, &of);
  return !is_said;
}
