/* Values and sentences. See witness_text.h. */
#include "server/replay/witness_text.h"

#include <inttypes.h>

#include "dsl/rule_sentence.h"

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

/* Three digits or so, as people say it: 1.72 s, 250 ms. */
static void write_duration(int64_t ns, bt_buffer *out) {
  static const struct {
    double unit;
    const char *name;
  } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
  size_t u = 0;
  while (u < 3 && (double)ns < units[u].unit) u++;
  double value = (double)ns / units[u].unit;
  bt_buffer_printf(out, " %.*f %s", u == 3 || value >= 100 ? 0 : value >= 10 ? 1 : 2, value, units[u].name);
}

static void write_separator(bt_buffer *out, bool *is_open) {
  bt_buffer_append(out, *is_open ? BT_STR(", ") : BT_STR(" ("));
  *is_open = true;
}

/* Whether the selector that found the span asks how long it took. */
static bool asks_for_duration(const bt_rule *rule, const bt_violation_witness *witness) {
  bt_range range = witness->range;
  if (range.start >= range.end || range.end > rule->text.len) return false;
  return bt_str_contains((bt_str){rule->text.ptr + range.start, range.end - range.start}, BT_STR("duration"));
}

static void write_witness(const bt_rule *rule, const bt_violation_witness *witness, bt_buffer *out) {
  enum { SHOWN_MAX = 4, SHOWN_BYTES = 40 };
  bool is_open = false;
  write_plain(bt_text_cut(bt_str_from(witness->name), 64), out);
  if (asks_for_duration(rule, witness)) write_duration(witness->duration_ns, out);
  if (witness->service[0]) {
    write_separator(out, &is_open);
    write_plain(bt_text_cut(bt_str_from(witness->service), 48), out);
  }
  for (size_t i = 0; i < witness->attribute_count && i < SHOWN_MAX; i++) {
    write_separator(out, &is_open);
    write_plain(bt_text_cut(bt_str_from(witness->attributes[i].key), SHOWN_BYTES), out);
    bt_buffer_append(out, BT_STR(" = "));
    write_plain(bt_text_cut(bt_str_from(witness->attributes[i].value), SHOWN_BYTES), out);
  }
  if (is_open) bt_buffer_append_char(out, ')');
}

void bt_violation_sentence(const bt_rule *rule, const bt_violation_witness *witness, const bt_range *failed,
                           const bt_value *measured, bt_buffer *out) {
  bt_buffer said = {0};
  if (witness)
    write_witness(rule, witness, out);
  else
    bt_buffer_append(out, BT_STR("this trace"));
  bt_buffer_append(out, BT_STR(": "));
  bt_rule_say_failure(rule, *failed, measured, &said);
  write_plain(bt_buffer_str(&said), out);
  out->failed = out->failed || said.failed;
  bt_buffer_dispose(&said);
}
