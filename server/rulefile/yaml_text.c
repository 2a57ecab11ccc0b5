/* Quoted strings, numbers and lists. See yaml_text.h. Thread: no state. */
#include "server/rulefile/yaml_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Within double quotes a number is read back as its character: so are those that are not shown, and those that libyaml
 * takes for unprintable. */
void bt_yaml_quote(bt_str text, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  while (text.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(text, &code);
    if (!length)
      bt_buffer_append(out, BT_STR("\xEF\xBF\xBD"));
    else if (code == '"' || code == '\\')
      bt_buffer_printf(out, "\\%c", (char)code);
    else if (bt_is_obeyed(code) || code == 0xFFFE || code == 0xFFFF)
      bt_buffer_printf(out, code > 0xFFFF ? "\\U%08X" : "\\u%04X", (unsigned)code);
    else
      bt_buffer_append(out, (bt_str){text.ptr, length});
    length = length ? length : 1;
    text = (bt_str){text.ptr + length, text.len - length};
  }
  bt_buffer_append_char(out, '"');
}

static void write_double(double number, bt_buffer *out) {
  char text[40];
  if (number != number) {
    bt_buffer_append(out, BT_STR(".nan"));
  } else if (number > 1.7976931348623157e308 || number < -1.7976931348623157e308) {
    bt_buffer_append(out, number > 0 ? BT_STR(".inf") : BT_STR("-.inf"));
  } else {
    int digits = 15; /* the fewest that are read back as the same number */
    do snprintf(text, sizeof text, "%.*g", digits, number);
    while (strtod(text, NULL) != number && ++digits <= 17);
    bt_buffer_printf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
  }
}

void bt_yaml_append_value(const bt_value *value, bt_buffer *out) {
  switch (value->type) {
  case BT_VALUE_STRING: bt_yaml_quote(value->string, out); break;
  case BT_VALUE_BOOL: bt_buffer_append(out, value->boolean ? BT_STR("true") : BT_STR("false")); break;
  case BT_VALUE_INT: bt_buffer_printf(out, "%" PRId64, value->integer); break;
  case BT_VALUE_DOUBLE: write_double(value->decimal, out); break;
  case BT_VALUE_ARRAY:
    bt_buffer_append_char(out, '[');
    for (uint32_t i = 0; i < value->array.count; i++) {
      if (i) bt_buffer_append(out, BT_STR(", "));
      bt_yaml_append_value(&value->array.items[i], out);
    }
    bt_buffer_append_char(out, ']');
    break;
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: bt_buffer_append(out, BT_STR("null")); break; /* no attribute has these */
  }
}
