/* Text in XML. See xml.h. */
#include "server/json/xml.h"

#include "server/base/shown_text.h"

void bt_xml_text(bt_buffer *out, bt_str text, bool is_attribute) {
  while (text.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(text, &code);
    bool is_layout = code == '\n' || code == '\t' || (is_attribute && code == '\r');
    if (!length || code == 0xFFFE || code == 0xFFFF)
      bt_buffer_append(out, BT_STR("\xEF\xBF\xBD"));
    else if (bt_is_obeyed(code) && !is_layout)
      bt_shown_append_escape(code, out);
    else if (code == '&')
      bt_buffer_append(out, BT_STR("&amp;"));
    else if (code == '<')
      bt_buffer_append(out, BT_STR("&lt;"));
    else if (code == '>')
      bt_buffer_append(out, BT_STR("&gt;"));
    else if (code == '"')
      bt_buffer_append(out, BT_STR("&quot;"));
    else if (is_attribute && code < ' ')
      bt_buffer_printf(out, "&#%u;", (unsigned)code);
    else
      bt_buffer_append(out, (bt_str){text.ptr, length});
    length = length ? length : 1;
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

void bt_xml_attribute(bt_buffer *out, const char *name, bt_str value) {
  bt_buffer_printf(out, " %s=\"", name);
  bt_xml_text(out, value, true);
  bt_buffer_append_char(out, '"');
}

void bt_xml_outcome(bt_buffer *out, const char *name, bt_str message, bt_str text) {
  bt_buffer_printf(out, "      <%s", name);
  bt_xml_attribute(out, "message", message);
  bt_buffer_append_char(out, '>');
  bt_xml_text(out, text, false);
  bt_buffer_printf(out, "</%s>\n", name);
}
