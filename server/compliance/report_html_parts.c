/* See report_html_parts.h. */
#include "server/compliance/report_html_parts.h"

#include <string.h>

#include "server/json/xml.h"

void bt_html_put(bt_buffer *out, const char *html) {
  bt_buffer_append(out, bt_str_from(html));
}

void bt_html_put_text(bt_buffer *out, const char *text) {
  bt_html_put(out, "<bdi>");
  bt_xml_text(out, bt_str_from(text), false);
  bt_html_put(out, "</bdi>");
}

const char *bt_html_text_at(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text && text[0] ? text : "—";
}

void bt_html_put_time(bt_buffer *out, const json_t *time) {
  const char *text = json_string_value(time);
  if (!text || strlen(text) < 20) {
    bt_html_put(out, "—");
    return;
  }
  bt_xml_text(out, (bt_str){text, 10}, false);
  bt_html_put(out, " ");
  bt_xml_text(out, (bt_str){text + 11, 8}, false);
  bt_html_put(out, " UTC");
}

void bt_html_put_status(bt_buffer *out, const char *status) {
  bt_html_put(out, "<span class=\"s ");
  bt_xml_text(out, bt_str_from(status), true);
  bt_html_put(out, "\">");
  for (; *status; status++) bt_xml_text(out, (bt_str){*status == '_' ? " " : status, 1}, false);
  bt_html_put(out, "</span>");
}

void bt_html_begin_fact(bt_buffer *out, const char *name) {
  bt_buffer_printf(out, "<tr><th scope=\"row\">%s</th><td>", name);
}

void bt_html_end_fact(bt_buffer *out) {
  bt_html_put(out, "</td></tr>\n");
}

void bt_html_put_fact(bt_buffer *out, const char *name, const char *text) {
  bt_html_begin_fact(out, name);
  bt_html_put_text(out, text);
  bt_html_end_fact(out);
}

void bt_html_put_code_fact(bt_buffer *out, const char *name, const char *text) {
  bt_html_begin_fact(out, name);
  bt_html_put(out, "<code>");
  bt_html_put_text(out, text);
  bt_html_put(out, "</code>");
  bt_html_end_fact(out);
}

void bt_html_put_number(bt_buffer *out, const json_t *number, bool is_exact) {
  bt_buffer_printf(out, "<td class=\"n\">%s%" JSON_INTEGER_FORMAT "</td>", is_exact ? "" : "≥ ",
                   json_integer_value(number));
}
