/* Log lines. See log.h. */
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "dsl/text.h"
#include "server/time_text.h"
#include "server/clock.h"

static void append_escaped(bt_buffer *line, const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\')
      bt_buffer_printf(line, "\\%c", *c);
    else if (*c < 0x20 || *c == 0x7F)
      bt_buffer_printf(line, "\\x%02x", *c);
    else
      bt_buffer_append_char(line, (char)*c);
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
  append_escaped(&line, message);
  bt_buffer_append(&line, BT_STR("\"\n"));
  if (!line.failed) fwrite(line.ptr, 1, line.len, stderr);
  bt_buffer_dispose(&line);
}
