/* Log lines. See log.h. */
#include "server/base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "dsl/base/text.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"

/* One character, or one byte that begins none; returns its length. */
static size_t append_character(bt_str text, bt_buffer *line) {
  uint32_t c = 0;
  size_t length = bt_utf8_sequence(text, &c);
  bool is_obeyed = length && bt_is_obeyed(c);
  if (!length) length = 1;
  if (*text.ptr == '"' || *text.ptr == '\\')
    bt_buffer_printf(line, "\\%c", *text.ptr);
  else if (is_obeyed)
    for (size_t i = 0; i < length; i++) bt_buffer_printf(line, "\\x%02x", (unsigned char)text.ptr[i]);
  else
    bt_buffer_append(line, (bt_str){text.ptr, length});
  return length;
}

static void append_escaped(bt_buffer *line, bt_str text) {
  while (text.len) {
    size_t length = append_character(text, line);
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

void bt_log(bt_log_level level, const char *format, ...) {
  static const char *const names[] = {"info", "warning", "error"};
  char message[1024], time_text[40];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  bt_time_format(bt_clock_wall_ns(), time_text);
  bt_buffer line = {0};
  bt_buffer_printf(&line, "time=%s level=%s msg=\"", time_text, names[level]);
  append_escaped(&line, bt_str_from(message));
  bt_buffer_append(&line, BT_STR("\"\n"));
  if (!line.failed) (void)fwrite(line.ptr, 1, line.len, stderr);
  bt_buffer_dispose(&line);
}
