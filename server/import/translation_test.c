/* Tests on one span. What the original's program did with a value decides what is written:
 *
 *   a missing attribute   was the empty text: less than every number and text, and different from all of them
 *   a number              was compared with a text that reads as a number, too; here types do not mix
 *   false                 was read as true in .where( ): its parser took the word for "there is a value"
 *   span.duration         was in nanoseconds
 *
 * See translation.h. Thread: no state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/pattern/pattern.h"
#include "server/base/time_text.h"
#include "server/import/translation_parts.h"

typedef bt_old_node node;

enum { NUMBER_BYTES = 64 };

/* ---- values ---- */

/* Whether the original's program read this text as a number. */
static bool is_number(bt_str text) {
  char copy[NUMBER_BYTES];
  char *end = copy;
  if (!text.len || text.len >= sizeof copy || !memchr("+-.0123456789", text.ptr[0], 13)) return false;
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = '\0';
  if (strpbrk(copy, "xXpPiInN")) return false;
  (void)strtod(copy, &end);
  return *end == '\0';
}

/* A number as the language writes it: no plus, no lone dot. */
static void append_number(bt_str text, bt_buffer *out) {
  if (text.ptr[0] == '+') text = (bt_str){text.ptr + 1, text.len - 1};
  if (text.ptr[0] == '.') bt_buffer_append_char(out, '0');
  bt_buffer_append(out, text);
  if (text.ptr[text.len - 1] == '.') bt_buffer_append_char(out, '0');
}

static bool is_text(const node *value) {
  return value->kind == BT_OLD_STRING || value->kind == BT_OLD_WORD;
}

/* ---- equality ---- */

/* Appends the value, and with a comma the other types in which the original's program met it. */
static void write_texts(bt_str text, bt_buffer *out) {
  bt_append_string(text, out);
  if (is_number(text)) {
    bt_buffer_append(out, BT_STR(", "));
    append_number(text, out);
  } else if (bt_str_equal(text, BT_STR("true")) || bt_str_equal(text, BT_STR("false"))) {
    bt_buffer_printf(out, ", %.*s", BT_FMT(text));
  }
}

static bool has_types(bt_str text) {
  return is_number(text) || bt_str_equal(text, BT_STR("true")) || bt_str_equal(text, BT_STR("false"));
}

static void write_equal_text(bt_translation *t, const node *field, const node *value, bt_buffer *out) {
  bt_buffer test = {0};
  bool is_strict = field->kind != BT_OLD_FIELD;
  bt_buffer *into = !value->text.len && !is_strict ? &test : out;
  bt_translation_write_field(t, field, into);
  if (has_types(value->text) && field->kind != BT_OLD_SPAN_FIELD) {
    bt_buffer_append(into, BT_STR(" in ["));
    write_texts(value->text, into);
    bt_buffer_append_char(into, ']');
    bt_translation_note(t, true, &value->range,
                        "the original knew no difference between the text \"%.*s\" and the value: both are asked for; "
                        "leave the one that your traces have",
                        BT_FMT(value->text));
  } else {
    bt_buffer_append(into, BT_STR(" == "));
    if (value->kind == BT_OLD_WORD && bt_is_plain_path(value->text) && !memchr(value->text.ptr, '.', value->text.len))
      bt_buffer_append(into, value->text);
    else
      bt_append_string(value->text, into);
    bt_translation_check_type(t, field, BT_VALUE_STRING);
  }
  if (into == &test) {
    bt_translation_write_or_missing(t, field, &test, out);
    bt_translation_note(t, true, &value->range,
                        "a missing %.*s was an empty text in the original: it is asked for, too", BT_FMT(field->text));
  }
  out->failed = out->failed || test.failed;
  bt_buffer_dispose(&test);
}

static void write_equal_bool(bt_translation *t, const node *field, const node *value, bt_buffer *out) {
  bool is_true = bt_str_equal(value->text, BT_STR("true"));
  bt_translation_write_field(t, field, out);
  bt_buffer_printf(out, " == %.*s", BT_FMT(value->text));
  bt_translation_check_type(t, field, BT_VALUE_BOOL);
  if (field->kind != BT_OLD_FIELD)
    bt_translation_note(t, true, &value->range,
                        "the original kept attributes as texts, and no text was ever equal to %.*s: this is",
                        BT_FMT(value->text));
  else if (!is_true)
    bt_translation_note(t, true, &value->range,
                        "the original read `false` as true here, so it asked for the contrary of what is written; this "
                        "asks for false, and a missing %.*s is not false",
                        BT_FMT(field->text));
}

/* Nanoseconds, as the original counted them. */
static void write_nanoseconds(bt_translation *t, const node *value, bt_buffer *out) {
  char copy[NUMBER_BYTES], text[64], *end = copy;
  snprintf(copy, sizeof copy, "%.*s", BT_FMT(value->text));
  int64_t ns = strtoll(copy, &end, 10);
  if (*end || ns < 0 || value->text.len > 18) {
    bt_translation_fail(t, value, "expected whole nanoseconds");
    return;
  }
  bt_duration_format(ns, text);
  bt_buffer_append(out, bt_str_from(text));
  bool is_short = ns > 0 && ns < 1000000;
  bt_translation_note(t, is_short, &value->range, "span.duration was in nanoseconds: %s are %s%s", copy, text,
                      is_short ? "; were milliseconds meant?" : "");
}

static void write_number(bt_translation *t, const node *field, const node *value, bt_buffer *out) {
  if (bt_translation_is_duration(field)) {
    write_nanoseconds(t, value, out);
    return;
  }
  append_number(value->text, out);
  bt_translation_check_type(t, field, BT_VALUE_INT);
}

static void write_equal(bt_translation *t, const node *field, const node *value, bt_buffer *out) {
  switch (value->kind) {
  case BT_OLD_STRING:
  case BT_OLD_WORD: write_equal_text(t, field, value, out); return;
  case BT_OLD_BOOL: write_equal_bool(t, field, value, out); return;
  case BT_OLD_NUMBER:
    bt_translation_write_field(t, field, out);
    bt_buffer_append(out, BT_STR(" == "));
    write_number(t, field, value, out);
    if (field->kind == BT_OLD_SPAN_KEY)
      bt_translation_note(t, true, &value->range,
                          "the original kept attributes as texts, and no text was ever equal to a number: this is");
    return;
  case BT_OLD_DURATION:
  case BT_OLD_SPAN_FIELD:
  case BT_OLD_SPAN_KEY:
    bt_translation_write_field(t, field, out);
    bt_buffer_append(out, BT_STR(" == "));
    if (value->kind == BT_OLD_DURATION)
      bt_buffer_append(out, value->text);
    else
      bt_translation_write_field(t, value, out);
    return;
  case BT_OLD_COUNT:
    bt_translation_write_field(t, field, out);
    bt_buffer_append(out, BT_STR(" == "));
    bt_translation_write_count(t, value, out);
    bt_translation_note(t, true, &value->range, "the original could not count inside .where( ): its test never held");
    return;
  case BT_OLD_AND:
  case BT_OLD_OR:
  case BT_OLD_NOT:
  case BT_OLD_SPANS:
  case BT_OLD_HAS:
  case BT_OLD_ORDER:
  case BT_OLD_COMPARE:
  case BT_OLD_FIELD:
  case BT_OLD_LIST: break;
  }
  bt_translation_fail(t, value, "an attribute cannot be equal to this; for a list write in [ … ]");
}

/* ---- order ---- */

/* `depth > max`: nobody compares with the text "max". */
static void write_other_attribute(bt_translation *t, const node *value, bt_buffer *out) {
  if (bt_is_plain_path(value->text))
    bt_buffer_printf(out, "span.%.*s", BT_FMT(value->text));
  else
    bt_append_span_key(value->text, out);
  bt_translation_note(t, true, &value->range,
                      "the original compared with the text \"%.*s\"; this compares with the attribute of the same span",
                      BT_FMT(value->text));
}

static void write_order_value(bt_translation *t, const node *field, const node *value, bt_buffer *out) {
  bool is_quoted_number = value->kind == BT_OLD_STRING && is_number(value->text);
  if (value->kind == BT_OLD_NUMBER || is_quoted_number) {
    write_number(t, field, value, out);
    if (is_quoted_number)
      bt_translation_note(t, true, &value->range, "the text \"%.*s\" was compared as a number, and is one now",
                          BT_FMT(value->text));
  } else if (value->kind == BT_OLD_STRING) {
    bt_append_string(value->text, out);
    bt_translation_check_type(t, field, BT_VALUE_STRING);
  } else if (value->kind == BT_OLD_WORD) {
    write_other_attribute(t, value, out);
  } else if (value->kind == BT_OLD_DURATION) {
    bt_buffer_append(out, value->text);
  } else if (value->kind == BT_OLD_SPAN_FIELD || value->kind == BT_OLD_SPAN_KEY) {
    bt_translation_write_field(t, value, out);
  } else if (value->kind == BT_OLD_COUNT) {
    bt_translation_write_count(t, value, out);
    bt_translation_note(t, true, &value->range, "the original could not count inside .where( ): its test never held");
  } else {
    bt_translation_fail(t, value, "nothing is less or greater than this");
  }
}

static void write_order(bt_translation *t, const node *comparison, bt_buffer *out) {
  const node *field = comparison->first, *value = comparison->last;
  bool is_less = comparison->op == BT_OLD_LESS || comparison->op == BT_OLD_LESS_EQUAL;
  bool may_miss = is_less && field->kind != BT_OLD_SPAN_FIELD && value->kind != BT_OLD_COUNT &&
                  value->kind != BT_OLD_DURATION && value->kind != BT_OLD_WORD;
  bt_buffer test = {0};
  bt_buffer *into = may_miss ? &test : out;
  bt_translation_write_field(t, field, into);
  bt_buffer_printf(into, " %s ", bt_old_operator_text(comparison->op));
  write_order_value(t, field, value, into);
  if (may_miss) {
    bt_translation_write_or_missing(t, field, &test, out);
    bt_translation_note(t, true, &comparison->range,
                        "a missing %.*s was less than anything in the original: take `or not exists(…)` out if only "
                        "spans that have it are meant",
                        BT_FMT(field->text));
  }
  out->failed = out->failed || test.failed;
  bt_buffer_dispose(&test);
}

/* ---- lists and texts ---- */

static void write_in_list(bt_translation *t, const node *field, const node *list, bt_buffer *out) {
  bool has_quoted = false;
  bt_translation_write_field(t, field, out);
  bt_buffer_append(out, BT_STR(" in ["));
  for (const node *item = list->first; item; item = item->next) {
    if (item != list->first) bt_buffer_append(out, BT_STR(", "));
    if (is_text(item))
      write_texts(item->text, out);
    else if (item->kind == BT_OLD_NUMBER)
      append_number(item->text, out);
    else if (item->kind == BT_OLD_BOOL)
      bt_buffer_append(out, item->text);
    else
      bt_translation_fail(t, item, "a list holds texts, words, numbers, true and false");
    has_quoted = has_quoted || item->kind == BT_OLD_STRING;
  }
  bt_buffer_append_char(out, ']');
  if (has_quoted)
    bt_translation_note(
        t, true, &list->range,
        "the original compared with the quotes of a quoted item, so no value was in the list: this list "
        "holds the texts");
  if (list->first && is_text(list->first) && !has_types(list->first->text))
    bt_translation_check_type(t, field, BT_VALUE_STRING);
}

static void write_in(bt_translation *t, const node *comparison, bt_buffer *out) {
  const node *left = comparison->first, *right = comparison->last;
  if (right->kind == BT_OLD_LIST) {
    write_in_list(t, left, right, out);
  } else if (left->kind == BT_OLD_STRING && (right->kind == BT_OLD_SPAN_FIELD || right->kind == BT_OLD_SPAN_KEY)) {
    bt_translation_write_field(t, right, out);
    bt_buffer_append(out, BT_STR(" contains "));
    bt_append_string(left->text, out);
    bt_translation_note(t, false, &comparison->range, "`in` a text is `contains` with the sides swapped");
  } else {
    bt_translation_fail(t, right, "expected a list: in [a, b]");
  }
}

/* Whether a pattern matches the empty text, which a missing attribute was. */
static bool matches_nothing(bt_str pattern) {
  bt_pattern *compiled = NULL;
  if (bt_pattern_new(pattern, false, &compiled, NULL)) return false;
  uint64_t cost = 0;
  bool matches = false;
  bt_status status = bt_pattern_match(compiled, BT_STR(""), &cost, &matches);
  bt_pattern_free(compiled);
  return !status && matches;
}

static bool has_pattern_mark(bt_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (memchr("\\.+*?()|[]{}^$", text.ptr[i], 14)) return true;
  return false;
}

static void write_pattern(bt_translation *t, const node *comparison, bt_buffer *out) {
  const node *field = comparison->first, *value = comparison->last;
  bool is_of_span = field->kind != BT_OLD_FIELD, is_match = comparison->op == BT_OLD_MATCHES;
  bool may_miss = !is_of_span && (is_match ? matches_nothing(value->text) : !value->text.len);
  bt_buffer test = {0};
  bt_buffer *into = may_miss ? &test : out;
  if (!is_text(value) && value->kind != BT_OLD_NUMBER) {
    bt_translation_fail(t, value, "expected a text");
    return;
  }
  bt_translation_write_field(t, field, into);
  bt_buffer_printf(into, " %s ", bt_old_operator_text(comparison->op));
  bt_append_string(value->text, into);
  bt_translation_check_type(t, field, BT_VALUE_STRING);
  if (may_miss) bt_translation_write_or_missing(t, field, &test, out);
  if (is_match && is_of_span && has_pattern_mark(value->text))
    bt_translation_note(t, true, &value->range,
                        "the original looked for \"%.*s\" letter by letter here; this is a regular expression",
                        BT_FMT(value->text));
  out->failed = out->failed || test.failed;
  bt_buffer_dispose(&test);
}

/* ---- tests ---- */

static void write_positive(bt_translation *t, const node *comparison, bt_buffer *out) {
  const node *left = comparison->first;
  switch (comparison->op) {
  case BT_OLD_EQUAL:
  case BT_OLD_NOT_EQUAL: write_equal(t, left, comparison->last, out); return;
  case BT_OLD_LESS:
  case BT_OLD_LESS_EQUAL:
  case BT_OLD_GREATER:
  case BT_OLD_GREATER_EQUAL: write_order(t, comparison, out); return;
  case BT_OLD_IN:
  case BT_OLD_NOT_IN: write_in(t, comparison, out); return;
  case BT_OLD_MATCHES:
  case BT_OLD_CONTAINS: write_pattern(t, comparison, out); return;
  }
}

/* `k != v` held where k was missing, which `not (k == v)` does here and `k != v` does not. */
void bt_translation_write_comparison(bt_translation *t, const node *comparison, bt_buffer *out) {
  bool is_negative = comparison->op == BT_OLD_NOT_EQUAL || comparison->op == BT_OLD_NOT_IN;
  const node *left = comparison->first;
  if (t->status) return;
  if (left->kind == BT_OLD_STRING && comparison->op != BT_OLD_IN) {
    bt_translation_fail(t, left, "expected an attribute on the left");
    return;
  }
  if (is_negative) bt_buffer_append(out, BT_STR("not ("));
  write_positive(t, comparison, out);
  if (is_negative) bt_buffer_append_char(out, ')');
  if (is_negative && left->kind != BT_OLD_SPAN_FIELD)
    bt_translation_note(t, false, &comparison->range,
                        "a missing %.*s is different from every value, as it was in the original: it is written with "
                        "not, because %s does not hold for what is missing",
                        BT_FMT(left->text), bt_old_operator_text(comparison->op));
}

static void write_lone_field(bt_translation *t, const node *field, bool is_where, bt_buffer *out) {
  if (!is_where && field->kind == BT_OLD_FIELD) {
    bt_translation_fail(t, field, "a name next to other tests inside trace.has( ): write span.name == \"%.*s\"",
                        BT_FMT(field->text));
  } else if (field->kind == BT_OLD_SPAN_KEY) {
    bt_buffer_append(out, BT_STR("(exists("));
    bt_translation_write_field(t, field, out);
    bt_buffer_append(out, BT_STR(") and not ("));
    bt_translation_write_field(t, field, out);
    bt_buffer_append(out, BT_STR(" == \"\"))"));
    bt_translation_note(t, true, &field->range,
                        "in the original every text but the empty one was true here, also the text \"false\"");
  } else if (field->kind == BT_OLD_SPAN_FIELD) {
    bt_translation_fail(t, field, "span.%.*s alone says nothing: compare it with something", BT_FMT(field->text));
  } else {
    bt_translation_write_field(t, field, out);
    bt_translation_check_type(t, field, BT_VALUE_BOOL);
    if (!field->is_quoted && memchr(field->text.ptr, '.', field->text.len))
      bt_translation_note(
          t, true, &field->range,
          "%.*s was to be another span in the original, which never came to it: here it is the attribute "
          "of the same span, and has to be true",
          BT_FMT(field->text));
  }
}

static void write_joined_tests(bt_translation *t, const node *joined, bool is_where, bt_buffer *out) {
  for (const node *item = joined->first; item; item = item->next) {
    bool needs_parentheses = item->kind == BT_OLD_OR && joined->kind == BT_OLD_AND;
    if (item != joined->first) bt_buffer_append(out, joined->kind == BT_OLD_AND ? BT_STR(" and ") : BT_STR(" or "));
    if (needs_parentheses) bt_buffer_append_char(out, '(');
    bt_translation_write_test(t, item, is_where, out);
    if (needs_parentheses) bt_buffer_append_char(out, ')');
  }
}

static void write_negated_test(bt_translation *t, const node *negation, bool is_where, bt_buffer *out) {
  const node *inner = negation->first;
  bt_buffer_append(out, BT_STR("not ("));
  bt_translation_write_test(t, inner, is_where, out);
  bt_buffer_append_char(out, ')');
  if (inner->kind == BT_OLD_COMPARE && !inner->is_quoted && inner->first->kind != BT_OLD_FIELD)
    bt_translation_note(t, true, &negation->range,
                        "the original took `not` before the comparison, as (not a) == b; this is not (a == b)");
}

void bt_translation_write_test(bt_translation *t, const node *test, bool is_where, bt_buffer *out) {
  if (t->status) return;
  switch (test->kind) {
  case BT_OLD_AND:
  case BT_OLD_OR: write_joined_tests(t, test, is_where, out); return;
  case BT_OLD_NOT: write_negated_test(t, test, is_where, out); return;
  case BT_OLD_BOOL: bt_buffer_append(out, test->text); return;
  case BT_OLD_COMPARE: bt_translation_write_comparison(t, test, out); return;
  case BT_OLD_FIELD:
  case BT_OLD_SPAN_FIELD:
  case BT_OLD_SPAN_KEY: write_lone_field(t, test, is_where, out); return;
  case BT_OLD_SPANS:
  case BT_OLD_HAS:
  case BT_OLD_ORDER:
  case BT_OLD_COUNT:
  case BT_OLD_NUMBER:
  case BT_OLD_DURATION:
  case BT_OLD_STRING:
  case BT_OLD_WORD:
  case BT_OLD_LIST: break;
  }
  bt_translation_fail(t, test, "expected a test on a span");
}
