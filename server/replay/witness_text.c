/* Values and sentences. See witness_text.h. */
#include "server/replay/witness_text.h"

#include <inttypes.h>
#include <string.h>

const bt_value *bt_witness_value(const bt_span *span, const bt_projected *field) {
  const bt_value *value = NULL;
  if (field->scope != BT_PROJECTED_RESOURCE) value = bt_attributes_find(&span->attributes, field->key);
  bool is_missing = !value || bt_value_is_missing(value);
  if (is_missing && field->scope != BT_PROJECTED_SPAN)
    value = bt_attributes_find(&span->resource->attributes, field->key);
  return value && !bt_value_is_missing(value) ? value : NULL;
}

static void write_array(const bt_value *value, bt_buffer *out) {
  bt_buffer_append_char(out, '[');
  for (uint32_t i = 0; i < value->array.count; i++) {
    if (i) bt_buffer_append(out, BT_STR(", "));
    bt_witness_value_write(&value->array.items[i], out);
  }
  bt_buffer_append_char(out, ']');
}

void bt_witness_value_write(const bt_value *value, bt_buffer *out) {
  switch (value->type) {
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: break;
  case BT_VALUE_STRING: bt_buffer_append(out, value->string); break;
  case BT_VALUE_BOOL: bt_buffer_append(out, value->boolean ? BT_STR("true") : BT_STR("false")); break;
  case BT_VALUE_INT: bt_buffer_printf(out, "%" PRId64, value->integer); break;
  case BT_VALUE_DOUBLE: bt_buffer_printf(out, "%.15g", value->decimal); break;
  case BT_VALUE_DURATION: bt_buffer_printf(out, "%" PRId64 "ns", value->duration_ns); break;
  case BT_VALUE_TIME: bt_buffer_printf(out, "%" PRId64, value->time_ns); break;
  case BT_VALUE_ARRAY: write_array(value, out); break;
  }
}

bt_str bt_text_cut(bt_str text, size_t bytes) {
  if (text.len <= bytes) return text;
  size_t end = bytes;
  while (end > 0 && ((unsigned char)text.ptr[end] & 0xC0) == 0x80) end--;
  return (bt_str){text.ptr, end};
}

/* Appends readable text: runs of blanks and control characters become one blank. */
static void write_plain(bt_str text, bt_buffer *out) {
  bool blank = false;
  while (text.len) {
    uint32_t code_point = 0;
    size_t length = bt_utf8_sequence(text, &code_point);
    bool is_blank = length == 1 && (code_point <= ' ' || code_point == 0x7F);
    if (is_blank && !blank) bt_buffer_append_char(out, ' ');
    if (!length)
      bt_buffer_append_char(out, '?');
    else if (!is_blank)
      bt_buffer_append(out, (bt_str){text.ptr, length});
    blank = is_blank;
    size_t step = length ? length : 1;
    text = (bt_str){text.ptr + step, text.len - step};
  }
}

static bool is_blank(char c) {
  return (unsigned char)c <= ' ';
}

/* A rule's text on one line: lines become parts with a blank between them, but not where a parenthesis opens or
 * closes. */
static void write_rule_text(bt_str text, bt_buffer *out) {
  size_t start = out->len;
  while (text.len) {
    const char *end = memchr(text.ptr, '\n', text.len);
    bt_str line = {text.ptr, end ? (size_t)(end - text.ptr) : text.len};
    size_t step = line.len + (end != NULL);
    text = (bt_str){text.ptr + step, text.len - step};
    while (line.len && is_blank(line.ptr[line.len - 1])) line.len--;
    while (line.len && is_blank(*line.ptr)) line = (bt_str){line.ptr + 1, line.len - 1};
    if (!line.len || out->failed) continue;
    if (out->len > start && out->ptr[out->len - 1] != '(' && *line.ptr != ')') bt_buffer_append_char(out, ' ');
    write_plain(line, out);
  }
}

static void write_witness(const bt_violation_witness *witness, bt_buffer *out) {
  enum { SHOWN_MAX = 4, SHOWN_BYTES = 40 };
  bt_buffer_append(out, BT_STR("span "));
  write_plain(bt_text_cut(bt_str_from(witness->name), 64), out);
  if (witness->service[0]) {
    bt_buffer_append(out, BT_STR(" of service "));
    write_plain(bt_text_cut(bt_str_from(witness->service), 48), out);
  }
  for (size_t i = 0; i < witness->attribute_count && i < SHOWN_MAX; i++) {
    bt_buffer_append(out, i ? BT_STR(", ") : BT_STR(" ("));
    write_plain(bt_text_cut(bt_str_from(witness->attributes[i].key), SHOWN_BYTES), out);
    bt_buffer_append(out, BT_STR(" = "));
    write_plain(bt_text_cut(bt_str_from(witness->attributes[i].value), SHOWN_BYTES), out);
  }
  if (witness->attribute_count) bt_buffer_append_char(out, ')');
}

static bool is_within(const bt_condition *clause, const bt_range *range) {
  return clause && range->start < clause->range.end && clause->range.start < range->end;
}

/* The clause that failed as it stands in the rule: `always` did not hold, `never` and a bare condition did. */
void bt_violation_sentence(const bt_rule *rule, const bt_violation_witness *witness, const bt_range *failed,
                           bt_buffer *out) {
  if (witness)
    write_witness(witness, out);
  else
    bt_buffer_append(out, BT_STR("this trace"));
  bt_buffer_append(out, BT_STR(": "));
  bool is_in_text = failed->start < failed->end && failed->end <= rule->text.len;
  bool is_always = is_within(rule->always, failed), is_never = is_within(rule->never, failed);
  if (is_always)
    bt_buffer_append(out, BT_STR("what must always hold does not: "));
  else if (is_never)
    bt_buffer_append(out, BT_STR("what must never hold does: "));
  else
    bt_buffer_append(out, BT_STR("the condition holds: "));
  if (is_in_text)
    write_rule_text((bt_str){rule->text.ptr + failed->start, failed->end - failed->start}, out);
  else
    write_rule_text(rule->text, out);
}
