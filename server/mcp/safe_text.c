/* Escaped and cut. See safe_text.h. */
#include "server/mcp/safe_text.h"

#include "dsl/base/text.h"
#include "server/base/shown_text.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"

/* Whole characters only, and before they are escaped, so that no escape is cut in two. */
static bt_str cut_text(bt_str text, size_t max_bytes) {
  if (text.len <= max_bytes) return text;
  while (max_bytes && ((unsigned char)text.ptr[max_bytes] & 0xC0) == 0x80) max_bytes--;
  return (bt_str){text.ptr, max_bytes};
}

static void write_safe(bt_str text, size_t max_bytes, bool keeps_lines, bt_buffer *out) {
  bt_str shown = cut_text(text, max_bytes);
  if (keeps_lines)
    bt_shown_append_lines(shown, out);
  else
    bt_shown_append(shown, out);
  if (shown.len < text.len) bt_buffer_printf(out, "… (cut: %zu bytes in all)", text.len);
}

static json_t *safe_string(json_t *value, size_t max_bytes, bool keeps_lines) {
  bt_buffer text = {0};
  write_safe((bt_str){json_string_value(value), json_string_length(value)}, max_bytes, keeps_lines, &text);
  json_t *copy = text.failed ? NULL : json_stringn(text.ptr ? text.ptr : "", text.len);
  bt_buffer_dispose(&text);
  return copy;
}

static json_t *safe_array(json_t *value, size_t max_bytes, bool keeps_lines) {
  json_t *copy = json_array(), *item;
  size_t index;
  json_array_foreach(value, index, item) bt_json_append(copy, bt_mcp_safe_copy(item, max_bytes, keeps_lines));
  return copy;
}

/* Two names may become equal once they are cut or escaped: the later one gets a number, so that no member takes the
 * place of another. `number` only grows, so this looks at most twice per member. */
static void make_unique(const json_t *taken, bt_buffer *name, size_t *number) {
  size_t length = name->len;
  while (!name->failed && json_object_get(taken, name->ptr)) {
    name->len = length;
    bt_buffer_printf(name, " (another: %zu)", ++*number);
  }
}

static json_t *safe_object(json_t *value, size_t max_bytes, bool keeps_lines) {
  json_t *copy = json_object(), *item;
  const char *name;
  size_t number = 1;
  json_object_foreach(value, name, item) {
    bt_buffer safe_name = {0};
    write_safe(bt_str_from(name), max_bytes, false, &safe_name);
    bt_buffer_append(&safe_name, BT_STR("")); /* an empty name is text too */
    make_unique(copy, &safe_name, &number);
    if (safe_name.failed)
      bt_json_memory_lacks();
    else
      bt_json_set(copy, safe_name.ptr ? safe_name.ptr : "", bt_mcp_safe_copy(item, max_bytes, keeps_lines));
    bt_buffer_dispose(&safe_name);
  }
  return copy;
}

json_t *bt_mcp_safe_copy(json_t *value, size_t max_bytes, bool keeps_lines) {
  if (json_is_string(value)) return safe_string(value, max_bytes, keeps_lines);
  if (json_is_array(value)) return safe_array(value, max_bytes, keeps_lines);
  if (json_is_object(value)) return safe_object(value, max_bytes, keeps_lines);
  return json_incref(value);
}
