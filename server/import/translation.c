/* Conditions on a trace. See translation.h; tests on a span are in translation_test.c. Thread: no state. */
#include "server/import/translation.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dsl/syntax/vocabulary.h"
#include "server/import/translation_parts.h"

typedef bt_old_node node;

/* ---- notes and problems ---- */

void bt_translation_note(bt_translation *t, bool look, const bt_range *range, const char *format, ...) {
  char text[512];
  va_list list;
  if (t->is_silent || t->status == BT_NO_MEMORY) return;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  bt_import_note *note = bt_arena_alloc(t->arena, sizeof *note);
  if (!note || !bt_arena_copy(t->arena, bt_str_from(text), &note->message)) {
    t->status = bt_error_no_memory(t->error);
    return;
  }
  note->look = look;
  note->has_place = range != NULL;
  if (range) note->range = *range;
  if (t->last)
    t->last->next = note;
  else
    t->first = note;
  t->last = note;
}

void bt_translation_fail(bt_translation *t, const node *at, const char *format, ...) {
  char text[400];
  va_list list;
  if (t->status) return;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  t->status = bt_error_set(t->error, BT_INVALID, "%s", text);
  if (t->error) t->error->range = at->range;
}

/* ---- names and texts ---- */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word_char(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

/* Identifiers of letters, digits and "_", with a "-" between two of these. */
static bool is_identifier(bt_str s) {
  if (!s.len || !is_letter(s.ptr[0])) return false;
  for (size_t i = 1; i < s.len; i++) {
    bool is_dash = s.ptr[i] == '-' && i + 1 < s.len && is_word_char(s.ptr[i - 1]) && is_word_char(s.ptr[i + 1]);
    if (!is_word_char(s.ptr[i]) && !is_dash) return false;
  }
  return true;
}

/* Words that mean something else where a name stands. */
static bool is_taken(bt_str word) {
  static const char *const heads[] = {"trace",    "span",    "resource", "scope",         "event", "link",
                                      "duration", "service", "name",     "true",          "false", "first",
                                      "last",     "next",    "every",    "count_distinct"};
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
    if (bt_str_equal(word, bt_str_from(heads[i]))) return true;
  for (size_t i = 0; bt_vocabulary_reserved(i); i++)
    if (bt_str_equal(word, bt_str_from(bt_vocabulary_reserved(i)))) return true;
  return false;
}

bool bt_is_plain_path(bt_str path) {
  bool is_first = true;
  for (size_t start = 0, i = 0; i <= path.len; i++) {
    if (i < path.len && path.ptr[i] != '.') continue;
    bt_str segment = {path.ptr + start, i - start};
    if (!is_identifier(segment) || (is_first && is_taken(segment))) return false;
    is_first = false;
    start = i + 1;
  }
  return true;
}

void bt_append_string(bt_str text, bt_buffer *out) {
  bool is_raw = text.len && memchr(text.ptr, '\\', text.len) && !memchr(text.ptr, '`', text.len);
  for (size_t i = 0; i < text.len; i++) is_raw = is_raw && (unsigned char)text.ptr[i] >= ' ';
  if (is_raw) {
    bt_buffer_printf(out, "`%.*s`", BT_FMT(text));
    return;
  }
  bt_buffer_append_char(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (c == '"' || c == '\\')
      bt_buffer_printf(out, "\\%c", c);
    else if ((unsigned char)c < ' ')
      bt_buffer_printf(out, "\\u%04x", (unsigned)c);
    else
      bt_buffer_append_char(out, c);
  }
  bt_buffer_append_char(out, '"');
}

void bt_append_path(bt_str path, bt_buffer *out) {
  if (bt_is_plain_path(path))
    bt_buffer_append(out, path);
  else
    bt_append_string(path, out);
}

/* ---- conditions ---- */

static void write_condition(bt_translation *t, const node *at, bt_buffer *out);

static void write_wheres(bt_translation *t, const node *first, bt_buffer *out) {
  for (const node *test = first; test; test = test->next) {
    bt_buffer_append(out, BT_STR(".where("));
    bt_translation_write_test(t, test, true, out);
    bt_buffer_append_char(out, ')');
  }
}

static void write_spans(bt_translation *t, const node *spans, bt_buffer *out) {
  bt_append_path(spans->text, out);
  write_wheres(t, spans->first, out);
}

static void write_operand(bt_translation *t, const node *operand, bt_buffer *out) {
  if (operand->kind == BT_OLD_SPANS)
    write_spans(t, operand, out);
  else
    bt_translation_write_test(t, operand, false, out);
}

void bt_translation_write_count(bt_translation *t, const node *count, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("count("));
  write_operand(t, count->first, out);
  bt_buffer_append_char(out, ')');
}

static void write_joined(bt_translation *t, const node *joined, bt_buffer *out) {
  for (const node *item = joined->first; item; item = item->next) {
    bool needs_parentheses = item->kind == BT_OLD_OR && joined->kind == BT_OLD_AND;
    if (item != joined->first) bt_buffer_append(out, joined->kind == BT_OLD_AND ? BT_STR(" and ") : BT_STR(" or "));
    if (needs_parentheses) bt_buffer_append_char(out, '(');
    write_condition(t, item, out);
    if (needs_parentheses) bt_buffer_append_char(out, ')');
  }
}

static void write_negation(bt_translation *t, const node *negation, bt_buffer *out) {
  bool is_call = negation->first->kind == BT_OLD_HAS || negation->first->kind == BT_OLD_SPANS;
  bt_buffer_append(out, is_call ? BT_STR("not ") : BT_STR("not ("));
  write_condition(t, negation->first, out);
  if (!is_call) bt_buffer_append_char(out, ')');
}

static void write_counted(bt_translation *t, const node *comparison, bt_buffer *out) {
  const node *right = comparison->last;
  bool is_order = comparison->op <= BT_OLD_GREATER_EQUAL;
  if (!is_order || (right->kind != BT_OLD_NUMBER && right->kind != BT_OLD_COUNT)) {
    bt_translation_fail(t, comparison, "a count is compared with a number or with another count");
    return;
  }
  bt_translation_write_count(t, comparison->first, out);
  bt_buffer_printf(out, " %s ", bt_old_operator_text(comparison->op));
  if (right->kind == BT_OLD_COUNT)
    bt_translation_write_count(t, right, out);
  else
    bt_buffer_append(out, right->text);
}

/* `payment.amount > 1000`: the last segment is the attribute. */
static void write_direct(bt_translation *t, const node *comparison, bt_buffer *out) {
  const node *spans = comparison->first;
  const char *dot = spans->is_quoted ? NULL : memrchr(spans->text.ptr, '.', spans->text.len);
  if (!dot || spans->first) {
    bt_translation_fail(t, comparison,
                        "a name cannot be compared: write %.*s.where(attribute %s …), or count(%.*s) for "
                        "how many there are",
                        BT_FMT(spans->text), bt_old_operator_text(comparison->op), BT_FMT(spans->text));
    return;
  }
  size_t length = (size_t)(dot - spans->text.ptr);
  node field = {.kind = BT_OLD_FIELD, .text = {dot + 1, spans->text.len - length - 1}, .range = spans->range};
  node inner = *comparison, right = *comparison->last;
  inner.first = &field;
  field.next = inner.last = &right;
  bt_append_path((bt_str){spans->text.ptr, length}, out);
  bt_buffer_append(out, BT_STR(".where("));
  bt_translation_write_comparison(t, &inner, out);
  bt_buffer_append_char(out, ')');
  bt_translation_note(t, true, &comparison->range,
                      "the original looked for spans with the name %.*s here and read no attribute: this asks for the "
                      "attribute %.*s of %.*s",
                      BT_FMT(spans->text), BT_FMT(field.text), (int)length, spans->text.ptr);
}

static void write_order(bt_translation *t, const node *order, bt_buffer *out) {
  bt_buffer_printf(out, "trace.%.*s(", BT_FMT(order->text));
  write_operand(t, order->first, out);
  bt_buffer_append(out, BT_STR(", "));
  write_operand(t, order->last, out);
  bt_buffer_append_char(out, ')');
}

static void write_condition(bt_translation *t, const node *at, bt_buffer *out) {
  if (t->status) return;
  switch (at->kind) {
  case BT_OLD_AND:
  case BT_OLD_OR: write_joined(t, at, out); return;
  case BT_OLD_NOT: write_negation(t, at, out); return;
  case BT_OLD_SPANS: write_spans(t, at, out); return;
  case BT_OLD_HAS:
    bt_buffer_append(out, BT_STR("trace.has("));
    bt_translation_write_test(t, at->first, false, out);
    bt_buffer_append_char(out, ')');
    write_wheres(t, at->first->next, out);
    return;
  case BT_OLD_ORDER: write_order(t, at, out); return;
  case BT_OLD_COMPARE:
    if (at->first->kind == BT_OLD_COUNT)
      write_counted(t, at, out);
    else
      write_direct(t, at, out);
    return;
  case BT_OLD_BOOL: bt_buffer_append(out, at->text); return;
  case BT_OLD_COUNT:
  case BT_OLD_FIELD:
  case BT_OLD_SPAN_FIELD:
  case BT_OLD_SPAN_KEY:
  case BT_OLD_NUMBER:
  case BT_OLD_DURATION:
  case BT_OLD_STRING:
  case BT_OLD_WORD:
  case BT_OLD_LIST: break;
  }
  bt_translation_fail(t, at, "expected a condition on the trace");
}

static bt_status end_translation(const bt_translation *t, const bt_buffer *out, bt_error *error) {
  return !t->status && out->failed ? bt_error_no_memory(error) : t->status;
}

bt_status bt_translate_condition(bt_translation *t, const node *condition, bt_buffer *out, bt_error *error) {
  t->error = error;
  write_condition(t, condition, out);
  return end_translation(t, out, error);
}

bt_status bt_translate_lone_test(bt_translation *t, const node *test, bt_buffer *out, bt_error *error) {
  t->error = error;
  bt_buffer_append(out, BT_STR("trace.has("));
  bt_translation_write_test(t, test, false, out);
  bt_buffer_append_char(out, ')');
  return end_translation(t, out, error);
}
