/* Filters as conditions in OTTL. See ottl_condition.h. OTTL compares a value with a literal of its type, a number with
 * any number as doubles, and is false where the types differ or the value is not there. So `>= ""` is true of any text
 * and of nothing else; IsString would make an error for each value of another type. IsMatch would make a text of any
 * value. What most spans need is asked first: a look at an attribute is what a condition costs. A span that nothing has
 * chosen yet mostly lacks the attribute. One that was chosen, as by its name, has it, and rarely violates. */
#include "server/sampler/ottl_condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/text_number.h"

/* The texts that read as numbers, and what all of them have of which Double() fails. */
#define NUMBER      "\\A-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?\\z"
#define LONG_NUMBER "[eE][-+]?[0-9]{3}|.{99}"

/* True of numbers, but for those that nobody writes: the largest, and NaN. */
#define IS_NUMBER " <= 1.0e308"

/* From here on a double stands for several whole numbers. */
static const double first_inexact = 9007199254740992.0;

typedef struct writer {
  bt_buffer *out;
  bool is_under;
  bool is_chosen; /* few spans come so far: of the others something else does not hold */
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

/* A text that reads as the literal. Double() fails of one that is beyond all doubles. */
static void add_read_text(const writer *w, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  add_around(w, "(", test, " >= \"\" and ");
  if (literal->type == BT_VALUE_BOOL) {
    add_match(w, test, literal->boolean ? BT_STR("\\A[Tt][Rr][Uu][Ee]\\z") : BT_STR("\\A[Ff][Aa][Ll][Ss][Ee]\\z"));
    add_ottl(w, ")");
    return;
  }
  add_match(w, test, BT_STR(NUMBER));
  add_ottl(w, w->is_under ? " and not " : " and (");
  add_match(w, test, BT_STR(LONG_NUMBER));
  add_ottl(w, w->is_under ? " and " : " or ");
  add_order(w, "Double(", test, ")", test->op, literal);
  add_ottl(w, w->is_under ? ")" : "))");
}

static bool is_of_number(const bt_filter_test *test) {
  return test->literal.type == BT_VALUE_INT || test->literal.type == BT_VALUE_DOUBLE;
}

/* `VALUE op literal`. */
static void add_direct(const writer *w, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  if (test->op == BT_FILTER_REGEX) {
    add_around(w, "(", test, " >= \"\" and ");
    add_match(w, test, literal->string);
    add_ottl(w, ")");
  } else if (is_of_number(test)) {
    add_order(w, "", test, "", test->op, literal);
  } else if (literal->type == BT_VALUE_BOOL) {
    add_around(w, "", test, literal->boolean ? " == true" : " == false");
  } else {
    add_around(w, "", test, sign_of(test->op));
    add_text(w, literal->string);
  }
}

/* True of numbers of which `VALUE op number` is false. NaN is none of them. */
static void add_opposite(const writer *w, const bt_filter_test *test) {
  static const bt_filter_operator opposites[] = {[BT_FILTER_LESS] = BT_FILTER_GREATER_EQUAL,
                                                 [BT_FILTER_LESS_EQUAL] = BT_FILTER_GREATER,
                                                 [BT_FILTER_GREATER] = BT_FILTER_LESS_EQUAL,
                                                 [BT_FILTER_GREATER_EQUAL] = BT_FILTER_LESS};
  bool is_inexact = fabs(double_of(&test->literal)) >= first_inexact;
  add_around(w, "", test, sign_of(opposites[is_inexact ? rounded_operator(w, test->op) : test->op]));
  add_number(w, &test->literal);
}

/* True of values of the literal's type. */
static void add_is_of_type(const writer *w, const bt_filter_test *test) {
  bool is_bool = test->literal.type == BT_VALUE_BOOL;
  add_around(w, "", test, is_of_number(test) ? IS_NUMBER : is_bool ? " >= false" : " >= \"\"");
}

/* What else meets it: a value that the literal reads as, a text that reads as the literal, a list of which any element
 * may. Each after a separator, of which the first is `before`. False: nothing else does. */
static bool add_others(const writer *w, const char *before, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  const char *separator = before;
  bool is_text = literal->type == BT_VALUE_STRING;
  bt_value read = is_text && test->op != BT_FILTER_REGEX ? bt_text_value(literal->string) : (bt_value){0};
  bool reads_number = bt_value_is_number(&read);
  if (reads_number || (read.type == BT_VALUE_BOOL && test->op == BT_FILTER_EQUAL)) {
    add_ottl(w, separator);
    if (reads_number)
      add_order(w, "", test, "", test->op, &read);
    else
      add_around(w, "", test, read.boolean ? " == true" : " == false");
    separator = " or ";
  }
  if (!is_text) {
    add_ottl(w, separator);
    add_read_text(w, test);
    separator = " or ";
  }
  if (w->is_under) return separator != before;
  add_ottl(w, separator);
  add_around(w, "IsList(", test, ")");
  return true;
}

static bool is_lack_of(const bt_filter *filter, const bt_filter_test *test) {
  const bt_filter_test *other = &filter->test;
  return filter->kind == BT_FILTER_TEST && other->is_opposite && other->op == BT_FILTER_PRESENT &&
         other->field == test->field && bt_str_equal(other->key, test->key);
}

static void add_filter(const writer *w, const bt_filter *filter);

/* What is asked where the value is lacking, and last that it is. */
static void add_lacking(const writer *w, const bt_filter *lacking, const bt_filter_test *test) {
  const bt_filter *lack = NULL;
  for (uint32_t i = 0; i < lacking->item_count; i++) {
    bool is_lack = is_lack_of(lacking->items[i], test), needs_brackets = lacking->items[i]->kind == BT_FILTER_OR;
    if (is_lack) {
      lack = lacking->items[i];
      continue;
    }
    if (needs_brackets) add_ottl(w, "(");
    add_filter(w, lacking->items[i]);
    add_ottl(w, needs_brackets ? ") and " : " and ");
  }
  add_filter(w, lack);
}

/* Of a value that is not of the literal's type, or lacking. */
static void add_rest(const writer *w, const bt_filter_test *test, const bt_filter *lacking, bool may_be_nil) {
  bool asks_nil = may_be_nil && !w->is_under && test->literal.type != BT_VALUE_STRING;
  if (lacking) add_lacking(w, lacking, test);
  if (asks_nil) add_around(w, lacking ? " or " : "", test, " != nil and (");
  (void)add_others(w, lacking && !asks_nil ? " or " : "", test);
  if (asks_nil) add_ottl(w, ")");
}

/* What meets the test; with `lacking` (or NULL) also what meets that and lacks the value. A value of the literal's type
 * takes two looks at most, as many as somebody takes who looks at the value and then whether it is lacking. Where that
 * is known already, a number of which an order does not hold takes one. */
static void add_value(const writer *w, const bt_filter_test *test, const bt_filter *lacking, bool may_be_nil) {
  bool is_order = is_of_number(test) && test->op != BT_FILTER_EQUAL && !(lacking && may_be_nil);
  if (!lacking && (w->is_under || test->literal.type == BT_VALUE_STRING)) {
    add_direct(w, test);
    (void)add_others(w, " or ", test);
  } else if (is_order) {
    add_ottl(w, "not ");
    add_opposite(w, test);
    add_ottl(w, " and (");
    add_direct(w, test);
    add_ottl(w, " or ");
    add_rest(w, test, lacking, may_be_nil);
    add_ottl(w, ")");
  } else {
    add_direct(w, test);
    add_ottl(w, " or (not ");
    add_is_of_type(w, test);
    add_ottl(w, " and (");
    add_rest(w, test, lacking, may_be_nil);
    add_ottl(w, "))");
  }
}

/* A resource seldom has what is asked of it. */
static void add_meets(const writer *w, const bt_filter_test *test) {
  bool asks_nil = !w->is_under && (!w->is_chosen || test->field == BT_FILTER_RESOURCE);
  add_ottl(w, "(");
  if (asks_nil) add_around(w, "", test, " != nil and (");
  add_value(w, test, NULL, !asks_nil);
  add_ottl(w, asks_nil ? "))" : ")");
}

/* Maps, bytes, and lists that are empty or mixed count as missing. A NaN is there, and no comparison holds of it. */
static void add_is_there(const writer *w, const bt_filter_test *test, bool compares) {
  add_around(w, "(", test, " != nil and ");
  if (!w->is_under) {
    add_around(w, "not IsMap(", test, "))");
    return;
  }
  add_around(w, "(", test, " >= \"\" or ");
  add_around(w, "", test, IS_NUMBER " or ");
  add_around(w, "", test, " >= false");
  if (!compares) add_around(w, " or IsDouble(", test, ")");
  add_ottl(w, "))");
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
  writer other = {w->out, !w->is_under, .is_chosen = true}; /* it is there */
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
  add_around(w, "(", test, " > \"\"");
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

/* A span that ends before it starts takes 0. Nobody knows how long one takes without start or end: where that is
 * searched for, what the times say is one of the lengths that it may have. What violates whatever it takes does so with
 * that one, too. */
static void add_duration(const writer *w, const bt_filter_test *test) {
  static const char took[] = "span.end_time_unix_nano - span.start_time_unix_nano";
  long long bound = (long long)test->literal.duration_ns;
  bool holds_above =
      test->op == BT_FILTER_GREATER || test->op == BT_FILTER_GREATER_EQUAL || test->op == BT_FILTER_NOT_EQUAL;
  if (w->is_under) add_ottl(w, "(");
  if (bound < 0)
    add_ottl(w, holds_above ? "true" : "false");
  else if (bound > 0)
    bt_buffer_printf(w->out, "%s%s%lld", took, sign_of(test->op), bound);
  else if (test->op == BT_FILTER_LESS || test->op == BT_FILTER_GREATER_EQUAL)
    add_ottl(w, holds_above ? "true" : "false");
  else
    bt_buffer_printf(w->out, "%s %s 0", took, holds_above ? ">" : "<=");
  if (w->is_under) add_ottl(w, " and span.start_time_unix_nano != 0 and span.end_time_unix_nano != 0)");
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
  writer other = {w->out, !w->is_under, w->is_chosen};
  if (test->is_opposite) add_ottl(w, "not (");
  add_positive(test->is_opposite ? &other : w, test);
  if (test->is_opposite) add_ottl(w, ")");
}

/* ---- an attribute of the span, or else of its resource ---- */

/* Whether the second asks for something where the span lacks what the first asks for. */
static bool are_either(const bt_filter *first, const bt_filter *second) {
  const bt_filter_test *test = &first->test;
  if (first->kind != BT_FILTER_TEST || test->field != BT_FILTER_SPAN || test->is_opposite) return false;
  if (test->op > BT_FILTER_REGEX || test->op == BT_FILTER_NOT_EQUAL || second->kind != BT_FILTER_AND) return false;
  for (uint32_t i = 0; i < second->item_count; i++)
    if (is_lack_of(second->items[i], test)) return true;
  return false;
}

/* NULL: the filter asks for something else than for a value that the resource has instead. */
static const bt_filter_test *test_of_resource(const bt_filter *filter, bt_str key) {
  for (uint32_t i = 0; i < filter->item_count; i++) {
    const bt_filter_test *test = &filter->items[i]->test;
    bool is_of_resource = filter->items[i]->kind == BT_FILTER_TEST && test->field == BT_FILTER_RESOURCE;
    if (is_of_resource && !test->is_opposite && bt_str_equal(test->key, key)) return test;
  }
  return NULL;
}

static void add_either(const writer *w, const bt_filter *first, const bt_filter *second) {
  const bt_filter_test *instead = test_of_resource(second, first->test.key);
  bool asks_nil = !w->is_under && !w->is_chosen && instead;
  if (asks_nil) {
    add_around(w, "(", &first->test, " != nil or ");
    add_around(w, "", instead, " != nil) and (");
  }
  add_value(w, &first->test, second, !asks_nil);
  if (asks_nil) add_ottl(w, ")");
}

/* Few spans meet it. */
static bool does_choose(const bt_filter *filter) {
  const bt_filter_test *test = &filter->test;
  bool is_all = filter->kind == BT_FILTER_OR;
  if (filter->kind == BT_FILTER_TEST)
    return !test->is_opposite && (test->op == BT_FILTER_EQUAL || test->op == BT_FILTER_REGEX) &&
           test->field != BT_FILTER_KIND && test->field != BT_FILTER_STATUS;
  for (uint32_t i = 0; i < filter->item_count; i++)
    if (does_choose(filter->items[i]) != is_all) return !is_all;
  return is_all;
}

static void add_filter(const writer *w, const bt_filter *filter) {
  switch (filter->kind) {
  case BT_FILTER_ALL: add_ottl(w, "true"); return;
  case BT_FILTER_NONE: add_ottl(w, "false"); return;
  case BT_FILTER_TEST: add_test(w, &filter->test); return;
  case BT_FILTER_AND:
  case BT_FILTER_OR: break;
  }
  writer inner = *w;
  for (uint32_t i = 0; i < filter->item_count; i++) {
    const bt_filter *item = filter->items[i];
    bool is_or = filter->kind == BT_FILTER_OR,
         needs_brackets = item->kind == BT_FILTER_AND || item->kind == BT_FILTER_OR;
    if (i) add_ottl(w, is_or ? " or " : " and ");
    if (is_or && i + 1 < filter->item_count && are_either(item, filter->items[i + 1])) {
      add_either(&inner, item, filter->items[++i]);
      continue;
    }
    if (needs_brackets) add_ottl(w, "(");
    add_filter(&inner, item);
    if (needs_brackets) add_ottl(w, ")");
    inner.is_chosen = inner.is_chosen || (!is_or && does_choose(item));
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

static void write_condition(const writer *w, const bt_filter *item, const bt_filter *other, const char *guard,
                            unsigned indent) {
  bool has_brackets = *guard && item->kind == BT_FILTER_OR;
  bt_buffer_printf(w->out, "%*s- '%s", (int)indent, "", has_brackets ? "(" : "");
  if (other)
    add_either(w, item, other);
  else
    add_filter(w, item);
  bt_buffer_printf(w->out, "%s%s'\n", has_brackets ? ")" : "", guard);
}

/* A condition for each alternative; one of them is enough. With a guard they are one, which asks for it once. */
static void write_list(const writer *w, const char *name, const bt_filter *filter, const char *guard, unsigned indent) {
  bool is_or = filter->kind == BT_FILTER_OR && !*guard;
  if (filter->kind == BT_FILTER_NONE) return;
  bt_buffer_printf(w->out, "%*s%s:\n", (int)indent, "", name);
  if (!is_or) write_condition(w, filter, NULL, guard, indent);
  for (uint32_t i = 0; is_or && i < filter->item_count; i++) {
    const bt_filter *item = filter->items[i], *next = i + 1 < filter->item_count ? filter->items[i + 1] : NULL;
    bool is_either = next && are_either(item, next);
    write_condition(w, item, is_either ? next : NULL, guard, indent);
    i += is_either;
  }
}

/* Of several events, each of which meets a part, one is asked: that it meets some part. */
void bt_ottl_write_over(bt_filter_builder *builder, bt_over_filter over, unsigned indent, bt_buffer *out) {
  writer w = {.out = out};
  const bt_filter *met = events_as(builder, over.filter, bt_filter_all());
  const bt_filter *of_event = bt_filter_join2(builder, BT_FILTER_AND, met, any_event_test(builder, over.filter));
  write_list(&w, "span", events_as(builder, over.filter, bt_filter_none()), "", indent);
  write_list(&w, "spanevent", of_event, "", indent);
}

/* One event has to meet all parts. Of records of one span those without end do not count beside others. */
void bt_ottl_write_under(bt_filter_builder *builder, bt_under_filter under, unsigned indent, bt_buffer *out) {
  static const char ended[] = " and span.end_time_unix_nano != 0";
  writer w = {.out = out, .is_under = true};
  const bt_filter *of_span = events_as(builder, under.filter, bt_filter_none());
  write_list(&w, "span", of_span, ended, indent);
  if (bt_filter_has_test(under.filter, bt_filter_is_of_event, NULL))
    write_list(&w, "spanevent", under.filter, ended, indent);
}
