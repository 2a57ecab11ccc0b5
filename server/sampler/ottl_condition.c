/* Filters as conditions in OTTL. See ottl_condition.h. OTTL compares a value with a literal of its type, a number with
 * any number as doubles, and is false where the types differ or the value is not there. IsMatch would make a text of
 * any value, so IsString stands before it. */
#include "server/sampler/ottl_condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/text_number.h"

/* The texts that read as numbers, and those of them of which Double() fails for none. */
#define NUMBER       "\\A-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?\\z"
#define SHORT_NUMBER "\\A-?(0|[1-9][0-9]{0,99})(\\.[0-9]{1,99})?([eE][-+]?[0-9]{1,2})?\\z"

/* From here on a double stands for several whole numbers. */
static const double first_inexact = 9007199254740992.0;

typedef struct writer {
  bt_buffer *out;
  bool is_under;
} writer;

static void add_ottl(const writer *w, const char *text) {
  bt_buffer_append(w->out, bt_str_from(text));
}

/* What can be said only in part: true where it is searched for, false where it is subtracted. */
static void add_unsaid(const writer *w) {
  add_ottl(w, w->is_under ? "false" : "true");
}

/* OTTL reads escapes as Go does, but for \x, which it takes for a character. */
static void add_character(bt_buffer *out, uint32_t code) {
  bool is_plain = code >= 0x20 && code < 0x7f && code != '$' && code != '\'';
  if (code == '"' || code == '\\') bt_buffer_append_char(out, '\\');
  if (is_plain)
    bt_buffer_append_char(out, (char)code);
  else
    bt_buffer_printf(out, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
}

static void add_text(const writer *w, bt_str text) {
  bt_buffer_append_char(w->out, '"');
  while (text.len) {
    uint32_t code = 0xfffd;
    size_t length = bt_utf8_sequence(text, &code);
    add_character(w->out, code);
    length = length ? length : 1;
    text = (bt_str){text.ptr + length, text.len - length};
  }
  bt_buffer_append_char(w->out, '"');
}

/* ---- paths ---- */

static const char *path_of(bt_filter_field field) {
  switch (field) {
  case BT_FILTER_NAME: return "span.name";
  case BT_FILTER_KIND: return "span.kind";
  case BT_FILTER_STATUS: return "span.status.code";
  case BT_FILTER_STATUS_MESSAGE: return "span.status.message";
  case BT_FILTER_SPAN: return "span.attributes";
  case BT_FILTER_RESOURCE: return "resource.attributes";
  case BT_FILTER_SERVICE: return "resource.attributes[\"service.name\"]";
  case BT_FILTER_SCOPE_NAME: return "instrumentation_scope.name";
  case BT_FILTER_SCOPE_VERSION: return "instrumentation_scope.version";
  case BT_FILTER_SCOPE: return "instrumentation_scope.attributes";
  case BT_FILTER_EVENT_NAME: return "spanevent.name";
  case BT_FILTER_EVENT: return "spanevent.attributes";
  case BT_FILTER_DURATION:
  case BT_FILTER_LINK: break;
  }
  return "";
}

static bool is_keyed(bt_filter_field field) {
  return field == BT_FILTER_SPAN || field == BT_FILTER_RESOURCE || field == BT_FILTER_SCOPE || field == BT_FILTER_EVENT;
}

static void add_path(const writer *w, const bt_filter_test *test) {
  add_ottl(w, path_of(test->field));
  if (!is_keyed(test->field)) return;
  add_ottl(w, "[");
  add_text(w, test->key);
  add_ottl(w, "]");
}

/* before PATH after */
static void add_around(const writer *w, const char *before, const bt_filter_test *test, const char *after) {
  add_ottl(w, before);
  add_path(w, test);
  add_ottl(w, after);
}

static void add_match(const writer *w, const bt_filter_test *test, bt_str pattern) {
  add_around(w, "IsMatch(", test, ", ");
  add_text(w, pattern);
  add_ottl(w, ")");
}

/* ---- operators ---- */

static const char *sign_of(bt_filter_operator op) {
  static const char *const signs[] = {
      [BT_FILTER_EQUAL] = " == ",      [BT_FILTER_NOT_EQUAL] = " != ", [BT_FILTER_LESS] = " < ",
      [BT_FILTER_LESS_EQUAL] = " <= ", [BT_FILTER_GREATER] = " > ",    [BT_FILTER_GREATER_EQUAL] = " >= "};
  return signs[op];
}

/* What holds of a number holds of its double with this: rounding never turns an order round, it makes neighbours one.
 */
static bt_filter_operator rounded_operator(const writer *w, bt_filter_operator op) {
  if (op == BT_FILTER_LESS || op == BT_FILTER_LESS_EQUAL) return w->is_under ? BT_FILTER_LESS : BT_FILTER_LESS_EQUAL;
  if (op == BT_FILTER_GREATER || op == BT_FILTER_GREATER_EQUAL)
    return w->is_under ? BT_FILTER_GREATER : BT_FILTER_GREATER_EQUAL;
  return op;
}

static double double_of(const bt_value *number) {
  return number->type == BT_VALUE_INT ? (double)number->integer : number->decimal;
}

/* OTTL knows doubles by their point. */
static void add_double(const writer *w, double value) {
  char text[40];
  int precision = 15;
  do snprintf(text, sizeof text, "%.*g", precision, value);
  while (precision++ < 17 && strtod(text, NULL) != value);
  size_t digits = strcspn(text, ".e");
  bt_buffer_printf(w->out, "%.*s%s%s", (int)digits, text, text[digits] == '.' ? "" : ".0", text + digits);
}

static void add_number(const writer *w, const bt_value *number) {
  if (number->type == BT_VALUE_INT && fabs(double_of(number)) < first_inexact)
    bt_buffer_printf(w->out, "%lld", (long long)number->integer);
  else
    add_double(w, double_of(number));
}

/* ---- values of any type ---- */

/* `VALUE op number`, where VALUE stands between the two texts. */
static void add_order(const writer *w, const char *before, const bt_filter_test *test, const char *after,
                      bt_filter_operator op, const bt_value *number) {
  bool is_inexact = fabs(double_of(number)) >= first_inexact;
  if (is_inexact && op == BT_FILTER_EQUAL && w->is_under) {
    add_ottl(w, "false");
    return;
  }
  add_around(w, before, test, after);
  add_ottl(w, sign_of(is_inexact ? rounded_operator(w, op) : op));
  add_number(w, number);
}

/* A text that reads as a number. Double() fails of one that is beyond all doubles. */
static void add_read_number(const writer *w, const bt_filter_test *test, const bt_value *number) {
  add_around(w, "(IsString(", test, ") and ");
  if (!w->is_under) {
    add_match(w, test, BT_STR(NUMBER));
    add_ottl(w, " and (not ");
    add_match(w, test, BT_STR(SHORT_NUMBER));
    add_ottl(w, " or ");
  } else {
    add_match(w, test, BT_STR(SHORT_NUMBER));
    add_ottl(w, " and ");
  }
  add_order(w, "Double(", test, ")", test->op, number);
  add_ottl(w, w->is_under ? ")" : "))");
}

static void add_is_boolean(const writer *w, const bt_filter_test *test, bool is_true, bool reads_texts) {
  add_around(w, "", test, is_true ? " == true" : " == false");
  if (!reads_texts) return;
  add_around(w, " or (IsString(", test, ") and ");
  add_match(w, test, is_true ? BT_STR("\\A[Tt][Rr][Uu][Ee]\\z") : BT_STR("\\A[Ff][Aa][Ll][Ss][Ee]\\z"));
  add_ottl(w, ")");
}

/* A literal text, and what it reads as beside numbers and booleans. */
static void add_meets_text(const writer *w, const bt_filter_test *test) {
  bt_value read = bt_text_value(test->literal.string);
  if (test->op == BT_FILTER_REGEX) {
    add_around(w, "(IsString(", test, ") and ");
    add_match(w, test, test->literal.string);
    add_ottl(w, ")");
    return;
  }
  add_around(w, "", test, sign_of(test->op));
  add_text(w, test->literal.string);
  if (read.type == BT_VALUE_INT || read.type == BT_VALUE_DOUBLE) {
    add_ottl(w, " or ");
    add_order(w, "", test, "", test->op, &read);
  } else if (read.type == BT_VALUE_BOOL && test->op == BT_FILTER_EQUAL) {
    add_ottl(w, " or ");
    add_is_boolean(w, test, read.boolean, false);
  }
}

/* Any element of a list may meet it. Of what is not there one thing is asked, and not all that a number may be. */
static void add_meets(const writer *w, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  bool is_number = literal->type != BT_VALUE_STRING && literal->type != BT_VALUE_BOOL;
  if (is_number) add_around(w, "(", test, " != nil and ");
  add_ottl(w, "(");
  if (literal->type == BT_VALUE_STRING) {
    add_meets_text(w, test);
  } else if (literal->type == BT_VALUE_BOOL) {
    add_is_boolean(w, test, literal->boolean, true);
  } else {
    add_order(w, "", test, "", test->op, literal);
    add_ottl(w, " or ");
    add_read_number(w, test, literal);
  }
  if (!w->is_under) add_around(w, " or IsList(", test, ")");
  add_ottl(w, is_number ? "))" : ")");
}

/* Maps, bytes, and lists that are empty or mixed count as missing. A NaN is there, and no comparison holds of it. */
static void add_is_there(const writer *w, const bt_filter_test *test, bool compares) {
  if (!w->is_under) {
    add_around(w, "(", test, " != nil and not IsMap(");
    add_around(w, "", test, "))");
    return;
  }
  add_around(w, "(", test, " != nil and (IsString(");
  add_around(w, "", test, ") or IsInt(");
  add_around(w, "", test, ") or IsBool(");
  add_around(w, "", test, compares ? ") or (IsDouble(" : ") or IsDouble(");
  add_path(w, test);
  if (compares) {
    add_around(w, ") and ", test, " == ");
    add_path(w, test);
  }
  add_ottl(w, ")))");
}

static void add_attribute(const writer *w, const bt_filter_test *test) {
  bool is_for_presence = test->op == BT_FILTER_PRESENT || test->op == BT_FILTER_SURELY_PRESENT;
  if (is_for_presence) {
    add_is_there(w, test, false);
    return;
  }
  if (test->op != BT_FILTER_NOT_EQUAL && test->op != BT_FILTER_NOT_REGEX) {
    add_meets(w, test);
    return;
  }
  writer other = {w->out, !w->is_under};
  bt_filter_test positive = *test;
  positive.op = test->op == BT_FILTER_NOT_EQUAL ? BT_FILTER_EQUAL : BT_FILTER_REGEX;
  add_ottl(w, "(");
  add_is_there(w, test, true);
  add_ottl(w, " and not ");
  add_meets(&other, &positive);
  add_ottl(w, ")");
}

/* ---- the other fields ---- */

static void add_text_field(const writer *w, const bt_filter_test *test) {
  bool is_not = test->op == BT_FILTER_NOT_REGEX;
  if (test->op == BT_FILTER_PRESENT || test->op == BT_FILTER_SURELY_PRESENT) {
    add_ottl(w, "true");
    return;
  }
  if (test->op == BT_FILTER_REGEX || is_not) {
    if (is_not) add_ottl(w, "not ");
    add_match(w, test, test->literal.string);
    return;
  }
  add_around(w, "", test, sign_of(test->op));
  add_text(w, test->literal.string);
}

/* An empty service is none, and what is no text, too. */
static void add_service(const writer *w, const bt_filter_test *test) {
  bool is_for_presence = test->op == BT_FILTER_PRESENT || test->op == BT_FILTER_SURELY_PRESENT;
  if (test->op == BT_FILTER_EQUAL && test->literal.string.len) {
    add_text_field(w, test);
    return;
  }
  add_around(w, "(IsString(", test, ") and ");
  add_around(w, "", test, " != \"\"");
  if (!is_for_presence) {
    add_ottl(w, " and ");
    add_text_field(w, test);
  }
  add_ottl(w, ")");
}

/* A number that has no name is the first of them. */
static void add_word(const writer *w, const bt_filter_test *test) {
  static const char *const names[] = {"unspecified", "internal", "server", "client", "producer",
                                      "consumer",    "unset",    "ok",     "error"};
  static const char *const symbols[] = {
      "", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
      "", "STATUS_CODE_OK",     "STATUS_CODE_ERROR"};
  bool is_not = test->op == BT_FILTER_NOT_EQUAL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!bt_str_equal(test->literal.string, bt_str_from(names[i]))) continue;
    if (symbols[i][0]) {
      add_around(w, "", test, is_not ? " != " : " == ");
      add_ottl(w, symbols[i]);
      return;
    }
    add_around(w, is_not ? "(" : "not (", test, " >= 1 and ");
    add_around(w, "", test, test->field == BT_FILTER_KIND ? " <= 5)" : " <= 2)");
    return;
  }
  add_unsaid(w);
}

/* A span that ends before it starts takes 0; nobody knows how long one takes without start or end. */
static void add_duration(const writer *w, const bt_filter_test *test) {
  static const char took[] = "span.end_time_unix_nano - span.start_time_unix_nano";
  long long bound = (long long)test->literal.duration_ns;
  bool holds_above =
      test->op == BT_FILTER_GREATER || test->op == BT_FILTER_GREATER_EQUAL || test->op == BT_FILTER_NOT_EQUAL;
  add_ottl(w, w->is_under ? "(span.start_time_unix_nano != 0 and span.end_time_unix_nano != 0 and "
                          : "(span.start_time_unix_nano == 0 or span.end_time_unix_nano == 0 or ");
  if (bound < 0)
    add_ottl(w, holds_above ? "true" : "false");
  else if (bound > 0)
    bt_buffer_printf(w->out, "%s%s%lld", took, sign_of(test->op), bound);
  else if (test->op == BT_FILTER_LESS || test->op == BT_FILTER_GREATER_EQUAL)
    add_ottl(w, holds_above ? "true" : "false");
  else
    bt_buffer_printf(w->out, "%s %s 0", took, holds_above ? ">" : "<=");
  add_ottl(w, ")");
}

static void add_positive(const writer *w, const bt_filter_test *test) {
  switch (test->field) {
  case BT_FILTER_NAME:
  case BT_FILTER_STATUS_MESSAGE:
  case BT_FILTER_SCOPE_NAME:
  case BT_FILTER_SCOPE_VERSION:
  case BT_FILTER_EVENT_NAME: add_text_field(w, test); return;
  case BT_FILTER_SERVICE: add_service(w, test); return;
  case BT_FILTER_KIND:
  case BT_FILTER_STATUS: add_word(w, test); return;
  case BT_FILTER_DURATION: add_duration(w, test); return;
  case BT_FILTER_SPAN:
  case BT_FILTER_RESOURCE:
  case BT_FILTER_SCOPE:
  case BT_FILTER_EVENT: add_attribute(w, test); return;
  case BT_FILTER_LINK: add_ottl(w, "Len(span.links) > 0"); return;
  }
  add_unsaid(w);
}

static void add_test(const writer *w, const bt_filter_test *test) {
  writer other = {w->out, !w->is_under};
  if (test->is_opposite) add_ottl(w, "not (");
  add_positive(test->is_opposite ? &other : w, test);
  if (test->is_opposite) add_ottl(w, ")");
}

static void add_filter(const writer *w, const bt_filter *filter) {
  switch (filter->kind) {
  case BT_FILTER_ALL: add_ottl(w, "true"); return;
  case BT_FILTER_NONE: add_ottl(w, "false"); return;
  case BT_FILTER_TEST: add_test(w, &filter->test); return;
  case BT_FILTER_AND:
  case BT_FILTER_OR: break;
  }
  for (uint32_t i = 0; i < filter->item_count; i++) {
    bool needs_brackets = filter->items[i]->kind == BT_FILTER_AND || filter->items[i]->kind == BT_FILTER_OR;
    if (i) add_ottl(w, filter->kind == BT_FILTER_AND ? " and " : " or ");
    if (needs_brackets) add_ottl(w, "(");
    add_filter(w, filter->items[i]);
    if (needs_brackets) add_ottl(w, ")");
  }
}

/* ---- spans and events ---- */

/* The filter with this in place of each of its tests of events. */
static const bt_filter *events_as(bt_filter_builder *builder, const bt_filter *filter, const bt_filter *event) {
  if (filter->kind == BT_FILTER_TEST) return bt_filter_is_of_event(&filter->test, NULL) ? event : filter;
  if (filter->kind == BT_FILTER_ALL || filter->kind == BT_FILTER_NONE) return filter;
  const bt_filter *joined = filter->kind == BT_FILTER_AND ? bt_filter_all() : bt_filter_none();
  for (uint32_t i = 0; i < filter->item_count; i++)
    joined = bt_filter_join2(builder, filter->kind, joined, events_as(builder, filter->items[i], event));
  return joined;
}

static const bt_filter *any_event_test(bt_filter_builder *builder, const bt_filter *filter) {
  if (filter->kind == BT_FILTER_TEST) return bt_filter_is_of_event(&filter->test, NULL) ? filter : bt_filter_none();
  const bt_filter *any = bt_filter_none();
  for (uint32_t i = 0; i < filter->item_count; i++)
    any = bt_filter_join2(builder, BT_FILTER_OR, any, any_event_test(builder, filter->items[i]));
  return any;
}

/* A condition for each alternative; one of them is enough. With a guard they are one, which asks for it once. */
static void write_list(const writer *w, const char *name, const bt_filter *filter, const char *guard, unsigned indent) {
  bool is_or = filter->kind == BT_FILTER_OR && !*guard;
  if (filter->kind == BT_FILTER_NONE) return;
  bt_buffer_printf(w->out, "%*s%s:\n", (int)indent, "", name);
  for (uint32_t i = 0; i < (is_or ? filter->item_count : 1); i++) {
    const bt_filter *item = is_or ? filter->items[i] : filter;
    bool has_brackets = *guard && item->kind == BT_FILTER_OR;
    bt_buffer_printf(w->out, "%*s- '%s", (int)indent, "", has_brackets ? "(" : "");
    add_filter(w, item);
    bt_buffer_printf(w->out, "%s%s'\n", has_brackets ? ")" : "", guard);
  }
}

/* Of several events, each of which meets a part, one is asked: that it meets some part. */
void bt_ottl_write_over(bt_filter_builder *builder, bt_over_filter over, unsigned indent, bt_buffer *out) {
  writer w = {out, false};
  const bt_filter *met = events_as(builder, over.filter, bt_filter_all());
  const bt_filter *of_event = bt_filter_join2(builder, BT_FILTER_AND, met, any_event_test(builder, over.filter));
  write_list(&w, "span", events_as(builder, over.filter, bt_filter_none()), "", indent);
  write_list(&w, "spanevent", of_event, "", indent);
}

/* One event has to meet all parts. Of records of one span those without end do not count beside others. */
void bt_ottl_write_under(bt_filter_builder *builder, bt_under_filter under, unsigned indent, bt_buffer *out) {
  static const char ended[] = " and span.end_time_unix_nano != 0";
  writer w = {out, true};
  const bt_filter *of_span = events_as(builder, under.filter, bt_filter_none());
  write_list(&w, "span", of_span, ended, indent);
  if (bt_filter_has_test(under.filter, bt_filter_is_of_event, NULL))
    write_list(&w, "spanevent", under.filter, ended, indent);
}
