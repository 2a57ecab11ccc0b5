/* Writing filters in TraceQL: literals, keys, tests. See traceql.h. */
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_parts.h"
#include "tempo/api/traceql_rules.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- literals ---- */

/* Everything but printable ASCII is escaped, so that places in the query are bytes for Tempo's lexer too. */
static void quote_code_point(uint32_t code, bt_buffer *out) {
  if (code == '"' || code == '\\')
    bt_buffer_printf(out, "\\%c", (int)code);
  else if (code == '\n')
    bt_buffer_append(out, BT_STR("\\n"));
  else if (code == '\t')
    bt_buffer_append(out, BT_STR("\\t"));
  else if (code == '\r')
    bt_buffer_append(out, BT_STR("\\r"));
  else if (code >= 0x20 && code < 0x7f)
    bt_buffer_append_char(out, (char)code);
  else if (code <= 0xffff)
    bt_buffer_printf(out, "\\u%04x", (unsigned)code);
  else
    bt_buffer_printf(out, "\\U%08x", (unsigned)code);
}

void bt_traceql_quote(bt_str s, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  while (s.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(s, &code);
    if (length) {
      quote_code_point(code, out);
    } else { /* not UTF-8: the byte itself */
      bt_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)s.ptr[0]);
      length = 1;
    }
    s.ptr += length;
    s.len -= length;
  }
  bt_buffer_append_char(out, '"');
}

/* The shortest decimal that reads back as the same double, and that cannot be taken for an integer. */
static void write_double(double decimal, bt_buffer *out) {
  char text[40];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, decimal);
    if (!(strtod(text, NULL) < decimal) && !(strtod(text, NULL) > decimal)) break;
  }
  bt_str written = bt_str_from(text);
  bt_buffer_append(out, written);
  if (!bt_str_contains(written, BT_STR(".")) && !bt_str_contains(written, BT_STR("e")))
    bt_buffer_append(out, BT_STR(".0"));
}

static void write_duration(int64_t duration_ns, bt_buffer *out) {
  static const struct {
    int64_t ns;
    const char *unit;
  } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}};
  size_t i = 0;
  while (duration_ns % units[i].ns) i++;
  bt_buffer_printf(out, "%lld%s", (long long)(duration_ns / units[i].ns), units[i].unit);
}

/* Of an attribute, which may hold an array. */
static bool is_pattern(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return test->op == BT_FILTER_REGEX && bt_filter_is_of_attribute(test);
}

static void write_literal(const bt_filter_test *test, bool is_wide, bt_buffer *out) {
  const bt_value *literal = &test->literal;
  switch (literal->type) {
  case BT_VALUE_STRING:
    if (is_wide && is_pattern(test, NULL))
      bt_traceql_quote(BT_STR(BT_FILTER_ANY_STRING), out);
    else if (test->field == BT_FILTER_KIND || test->field == BT_FILTER_STATUS)
      bt_buffer_append(out, literal->string);
    else
      bt_traceql_quote(literal->string, out);
    break;
  case BT_VALUE_BOOL: bt_buffer_append(out, literal->boolean ? BT_STR("true") : BT_STR("false")); break;
  case BT_VALUE_INT: bt_buffer_printf(out, "%lld", (long long)literal->integer); break;
  case BT_VALUE_DOUBLE: write_double(literal->decimal, out); break;
  case BT_VALUE_DURATION: write_duration(literal->duration_ns, out); break;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_TIME:
  case BT_VALUE_ARRAY: break;
  }
}

/* ---- filters ---- */

static bool is_plain_key(bt_str key) {
  for (size_t i = 0; i < key.len; i++) {
    char c = key.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/'))) return false;
  }
  return key.len > 0;
}

void bt_traceql_write_key(bt_str key, bt_buffer *out) {
  if (is_plain_key(key)) {
    bt_buffer_append(out, key);
    return;
  }
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < key.len; i++) {
    if (key.ptr[i] == '"' || key.ptr[i] == '\\') bt_buffer_append_char(out, '\\');
    bt_buffer_append_char(out, key.ptr[i]);
  }
  bt_buffer_append_char(out, '"');
}

static void write_field(const bt_filter_test *test, bt_buffer *out) {
  bt_str name = bt_traceql_field_name(test->field);
  bt_str scope = test->field == BT_FILTER_RESOURCE ? BT_STR("resource.") : BT_STR("span.");
  if (test->field == BT_FILTER_EVENT) scope = BT_STR("event.");
  bt_buffer_append(out, name.len ? name : scope);
  if (!name.len) bt_traceql_write_key(test->key, out);
}

static const char *operator_text(bt_filter_operator op) {
  switch (op) {
  case BT_FILTER_EQUAL: return " = ";
  case BT_FILTER_NOT_EQUAL: return " != ";
  case BT_FILTER_LESS: return " < ";
  case BT_FILTER_LESS_EQUAL: return " <= ";
  case BT_FILTER_GREATER: return " > ";
  case BT_FILTER_GREATER_EQUAL: return " >= ";
  case BT_FILTER_REGEX: return " =~ ";
  case BT_FILTER_NOT_REGEX: return " !~ ";
  case BT_FILTER_SURELY_PRESENT: return " != nil";
  case BT_FILTER_PRESENT: break;
  }
  return " != ";
}

void bt_traceql_write_present(bt_str attribute, bt_buffer *out) {
  static const char *const types[] = {"=~ \"(?s:.*)\"", ">= 0", "< 0", ">= 0.0", "!= 5e-324", "= true"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    bt_buffer_printf(out, "%s%.*s %s", i ? " || " : "", BT_FMT(attribute), types[i]);
  bt_buffer_printf(out, " || (%.*s = false && true)", BT_FMT(attribute));
}

void bt_traceql_write_nobodys(bt_filter_field scope, bt_buffer *out) {
  bt_buffer_append(out, scope == BT_FILTER_RESOURCE ? BT_STR("resource.") : BT_STR("span."));
  bt_buffer_append(out, BT_STR("betrace.none != nil"));
}

/* How far a comparison is kept from Tempo's shortcut by pages. */
typedef enum guarded {
  GUARDED_NOT,      /* what is subtracted: finding less does no harm */
  GUARDED_DURATION, /* durations */
  GUARDED_ALL       /* and doubles */
} guarded;

/* How a filter is written. */
typedef struct style {
  guarded guard;
  bool is_wide; /* attributes are tested for any string instead of for their patterns */
} style;

/* Tempo leaves out whole pages of spans by their lowest and highest value, and those are wrong where one span of the
 * page ends before it starts, or has a double attribute (any) that is NaN: then spans that meet a comparison are not
 * found (measured). A second comparison that never fails where the first holds, and that no page can be left out by,
 * keeps the pages. Of doubles it also makes Tempo 2.8 look at all elements of an array, which it mixes up with those of
 * others (filter.h): then both ways of writing are asked. */
static void write_guard(const bt_filter_test *test, bt_buffer *out) {
  if (test->field == BT_FILTER_DURATION) {
    bt_buffer_append(out, BT_STR("duration <= 9223372036854775807ns"));
    return;
  }
  /* Beyond every literal (BT_TRACEQL_GUARDED_BELOW), and no value that a span has: a page with NaN can seem to hold one
   * value only, and must not seem to hold this one. */
  bool is_upward = test->op == BT_FILTER_GREATER || test->op == BT_FILTER_GREATER_EQUAL;
  write_field(test, out);
  bt_buffer_append(out, is_upward ? BT_STR(" != -1.2345678901234567e+300") : BT_STR(" != 1.2345678901234567e+300"));
}

static bool needs_guard(const bt_filter_test *test, style how) {
  if (test->field == BT_FILTER_DURATION) return how.guard != GUARDED_NOT;
  return how.guard == GUARDED_ALL && bt_traceql_compares_doubles(test);
}

static void write_presence(const bt_filter_test *test, bt_buffer *out) {
  bt_buffer attribute = {0};
  write_field(test, &attribute);
  if (attribute.failed) out->failed = true;
  bt_traceql_write_present(bt_buffer_str(&attribute), out);
  bt_buffer_append(out, BT_STR(" || "));
  bt_traceql_write_nobodys(test->field, out);
  bt_buffer_dispose(&attribute);
}

static void write_duration_test(bt_filter_operator op, int64_t duration_ns, bool is_first, bt_buffer *out) {
  bt_buffer_append(out, is_first ? BT_STR("duration") : BT_STR(" && duration"));
  bt_buffer_append(out, bt_str_from(operator_text(op)));
  write_duration(duration_ns, out);
}

/* All but what is known and does not meet it. As alternatives Tempo would look at every span, whatever else is asked;
 * as the opposite of an AND it keeps to the spans that the rest of the query leaves. */
static void write_or_unknown(const bt_filter_test *test, bt_buffer *out) {
  int64_t bound_ns = test->literal.duration_ns;
  bool has_lower = bt_traceql_has_lower_bound(test->op), has_upper = bt_traceql_has_upper_bound(test->op);
  if (test->op == BT_FILTER_NOT_EQUAL) { /* which is one that is known */
    write_duration_test(test->op, bound_ns, true, out);
    return;
  }
  bt_buffer_append(out, BT_STR("!("));
  if (bound_ns > 0) write_duration_test(bt_traceql_opposite(test->op), bound_ns, true, out);
  if (has_lower) write_duration_test(BT_FILTER_GREATER, 0, bound_ns == 0, out);
  if (has_upper) write_duration_test(BT_FILTER_LESS, BT_TRACEQL_UNKNOWN_FROM_NS, false, out);
  bt_buffer_append_char(out, ')');
}

/* is_alone: nothing stands beside it, so that no parentheses are needed. */
static void write_test(const bt_filter_test *test, style how, bool is_alone, bt_buffer *out) {
  bool has_guard = needs_guard(test, how), is_present = test->op == BT_FILTER_PRESENT;
  if ((has_guard || is_present) && !is_alone) bt_buffer_append_char(out, '(');
  if (is_present) {
    write_presence(test, out);
  } else if (test->or_unknown) {
    write_or_unknown(test, out);
  } else {
    write_field(test, out);
    bt_buffer_append(out, bt_str_from(operator_text(test->op)));
    write_literal(test, how.is_wide, out);
  }
  if (has_guard) {
    bt_buffer_append(out, BT_STR(" && "));
    write_guard(test, out);
  }
  if ((has_guard || is_present) && !is_alone) bt_buffer_append_char(out, ')');
}

static bool is_of_key_of(const bt_filter *item, const bt_filter_test *test) {
  return item->kind == BT_FILTER_TEST && item->test.field == test->field && bt_str_equal(item->test.key, test->key);
}

/* A service name that is a text is looked for in its column alone, which holds no array, unless another type is asked
 * for beside it. */
static bool may_meet_array(const bt_filter *filter, const bt_filter_test *test) {
  bool may = bt_filter_is_of_attribute(test);
  for (uint32_t i = 0; !may && filter->kind == BT_FILTER_OR && i < filter->item_count; i++)
    may = is_of_key_of(filter->items[i], test) && bt_filter_is_of_attribute(&filter->items[i]->test);
  return may;
}

/* Tempo 3 makes one test with a list of alternatives that differ in their literal only, and answers 500 where one of
 * its spans holds an array (tests/facts/facts_filters.py). `&& true` keeps an alternative apart. */
static bool would_be_listed(const bt_filter *filter, uint32_t index, style how) {
  const bt_filter *item = filter->items[index];
  bool is_listed = item->kind == BT_FILTER_TEST && may_meet_array(filter, &item->test) &&
                   !needs_guard(&item->test, how) &&
                   (item->test.op == BT_FILTER_EQUAL || item->test.op == BT_FILTER_REGEX);
  for (uint32_t i = 0; is_listed && filter->kind == BT_FILTER_OR && i < index; i++) {
    const bt_filter *before = filter->items[i];
    if (is_of_key_of(before, &item->test) && before->test.op == item->test.op) return true;
  }
  return false;
}

static void write_node(const bt_filter *filter, style how, bool is_top, bt_buffer *out);

static void write_item(const bt_filter *filter, uint32_t index, style how, bt_buffer *out) {
  bool is_apart = would_be_listed(filter, index, how);
  if (is_apart) bt_buffer_append_char(out, '(');
  write_node(filter->items[index], how, false, out);
  if (is_apart) bt_buffer_append(out, BT_STR(" && true)"));
}

/* `(…) && link:traceID != ""`: what is asked of the span stands together before what is asked of its links. */
static void write_with_link(const bt_filter *filter, style how, bt_buffer *out) {
  const bt_filter fields = {.kind = BT_FILTER_AND, .items = filter->items, .item_count = filter->item_count - 1};
  bt_buffer_append_char(out, '(');
  write_node(fields.item_count == 1 ? fields.items[0] : &fields, how, true, out);
  bt_buffer_append(out, BT_STR(") && "));
  write_node(filter->items[filter->item_count - 1], how, true, out);
}

static bool ends_with_link(const bt_filter *filter) {
  if (filter->kind != BT_FILTER_AND) return false;
  const bt_filter *last = filter->items[filter->item_count - 1];
  return last->kind == BT_FILTER_TEST && last->test.field == BT_FILTER_LINK;
}

static void write_items(const bt_filter *filter, style how, bt_buffer *out) {
  for (uint32_t i = 0; i < filter->item_count; i++) {
    if (i) bt_buffer_append(out, filter->kind == BT_FILTER_AND ? BT_STR(" && ") : BT_STR(" || "));
    write_item(filter, i, how, out);
  }
}

static void write_node(const bt_filter *filter, style how, bool is_top, bt_buffer *out) {
  if (filter->kind == BT_FILTER_ALL || filter->kind == BT_FILTER_NONE) {
    bt_buffer_append(out, filter->kind == BT_FILTER_ALL ? BT_STR("true") : BT_STR("false"));
    return;
  }
  if (filter->kind == BT_FILTER_TEST) {
    write_test(&filter->test, how, is_top, out);
    return;
  }
  if (!is_top) bt_buffer_append_char(out, '(');
  if (ends_with_link(filter))
    write_with_link(filter, how, out);
  else
    write_items(filter, how, out);
  if (!is_top) bt_buffer_append_char(out, ')');
}

static void write_filter(const bt_filter *filter, style how, bt_buffer *out) {
  if (filter->kind == BT_FILTER_ALL) {
    bt_buffer_append(out, BT_STR("{}"));
    return;
  }
  bt_buffer_append(out, BT_STR("{ "));
  write_node(filter, how, true, out);
  bt_buffer_append(out, BT_STR(" }"));
}

/* The first test of an attribute of the scope, which speaks for all: a query asks for one attribute of a scope.
 * NULL: there is none. */
static const bt_filter_test *attribute_of(const bt_filter *filter, bt_filter_field scope) {
  if (filter->kind == BT_FILTER_TEST)
    return filter->test.field == scope && bt_filter_is_of_attribute(&filter->test) ? &filter->test : NULL;
  const bt_filter_test *found = NULL;
  for (uint32_t i = 0; i < filter->item_count && !found; i++) found = attribute_of(filter->items[i], scope);
  return found;
}

/* Never true. It makes Tempo look at what of the attribute lies outside a column: one of the literals is not of the
 * column's type, whatever that is, and beside an attribute that is asked for in every type all types are looked at. */
static void write_outside(const bt_filter_test *test, bt_buffer *out) {
  if (!test) return;
  bt_buffer_append(out, BT_STR(" || ("));
  write_field(test, out);
  bt_buffer_append(out, BT_STR(" = 7 && "));
  write_field(test, out);
  bt_buffer_append(out, BT_STR(" = \"x\" && "));
  bt_traceql_write_nobodys(test->field, out);
  bt_buffer_append_char(out, ')');
}

static void write_surplus(const bt_filter *filter, style how, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("{ "));
  write_node(filter, how, filter->kind == BT_FILTER_OR, out);
  write_outside(attribute_of(filter, BT_FILTER_SPAN), out);
  write_outside(attribute_of(filter, BT_FILTER_RESOURCE), out);
  bt_buffer_append(out, BT_STR(" }"));
}

void bt_traceql_write(bt_query query, bool is_wide, bt_buffer *out) {
  switch ((bt_traceql_manner)query.manner) {
  case BT_TRACEQL_PLAIN: write_filter(query.filter, (style){GUARDED_NOT, is_wide}, out); break;
  case BT_TRACEQL_GUARDED: write_filter(query.filter, (style){GUARDED_DURATION, is_wide}, out); break;
  case BT_TRACEQL_SURPLUS: write_surplus(query.filter, (style){GUARDED_ALL, is_wide}, out); break;
  }
}

/* ---- which of the manners ---- */

static bool is_of_duration(const bt_filter_test *test, const void *nothing) {
  (void)nothing;
  return test->field == BT_FILTER_DURATION;
}

bt_query bt_traceql_over(bt_over_filter over) {
  bool has_guard = bt_filter_has_test(over.filter, is_of_duration, NULL);
  return (bt_query){over.filter, has_guard ? BT_TRACEQL_GUARDED : BT_TRACEQL_PLAIN};
}

bt_query bt_traceql_surplus(bt_over_filter over) {
  return (bt_query){over.filter, BT_TRACEQL_SURPLUS};
}

bt_query bt_traceql_under(bt_under_filter under) {
  return (bt_query){under.filter, BT_TRACEQL_PLAIN};
}

bool bt_traceql_fits(bt_query query, bool *failed) {
  bt_buffer text = {0};
  bt_traceql_write(query, false, &text);
  bool fits = text.len <= BT_TRACEQL_MAX_FILTER_BYTES;
  if (text.failed) *failed = true;
  bt_buffer_dispose(&text);
  return fits;
}

static bool is_narrow_pattern(const bt_filter_test *test, const void *nothing) {
  return is_pattern(test, nothing) && !bt_str_equal(test->literal.string, BT_STR(BT_FILTER_ANY_STRING));
}

bool bt_traceql_can_widen(bt_query query) {
  return bt_filter_has_test(query.filter, is_narrow_pattern, NULL);
}
