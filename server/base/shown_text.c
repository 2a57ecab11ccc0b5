/* Escapes for what would be obeyed. See shown_text.h. */
#include "server/base/shown_text.h"

void bt_shown_append_escape(uint32_t c, bt_buffer *out) {
  if (c == '\n')
    bt_buffer_append(out, BT_STR("\\n"));
  else if (c == '\t')
    bt_buffer_append(out, BT_STR("\\t"));
  else if (c == '\r')
    bt_buffer_append(out, BT_STR("\\r"));
  else if (c < 0x80)
    bt_buffer_printf(out, "\\x%02x", (unsigned)c);
  else if (c <= 0xFFFF)
    bt_buffer_printf(out, "\\u%04x", (unsigned)c);
  else
    bt_buffer_printf(out, "\\u{%x}", (unsigned)c); /* five digits would run into what follows */
}

size_t bt_shown_append_one(bt_str text, bool keeps_lines, bt_buffer *out) {
  uint32_t c = 0;
  size_t length = bt_utf8_sequence(text, &c);
  if (!length)
    bt_buffer_printf(out, "\\x%02x", (unsigned char)text.ptr[0]);
  else if (bt_is_obeyed(c) && !(keeps_lines && (c == '\n' || c == '\t')))
    bt_shown_append_escape(c, out);
  else
    bt_buffer_append(out, (bt_str){text.ptr, length});
  return length ? length : 1;
}

static void append_shown(bt_str text, bool keeps_lines, bt_buffer *out) {
  while (text.len) {
    size_t length = bt_shown_append_one(text, keeps_lines, out);
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

void bt_shown_append(bt_str text, bt_buffer *out) {
  append_shown(text, false, out);
}

void bt_shown_append_lines(bt_str text, bt_buffer *out) {
  append_shown(text, true, out);
}
