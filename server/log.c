/* Log lines. See log.h. */
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "dsl/text.h"
#include "server/time_text.h"
#include "server/clock.h"

/* Bytes of what a terminal would obey and not show: C0, DEL, C1, line separators, marks of direction, byte order. 0: it is shown. The text ends with a
 * NUL, so that no byte behind its end is looked at. */
static size_t obeyed_bytes(const unsigned char *c) {
  if (c[0] < 0x20 || c[0] == 0x7F) return 1;
  if (c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F) return 2;
  if (c[0] == 0xD8 && c[1] == 0x9C) return 2;
  if (c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF) return 3;
  if (c[0] != 0xE2 || (c[1] != 0x80 && c[1] != 0x81)) return 0;
  bool is_of_80 = (c[2] >= 0x8E && c[2] <= 0x8F) || (c[2] >= 0xA8 && c[2] <= 0xAE);
  bool is_of_81 = c[2] >= 0xA6 && c[2] <= 0xA9;
  return (c[1] == 0x80 ? is_of_80 : is_of_81) ? 3 : 0;
}

static void append_escaped(bt_buffer *line, const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    size_t obeyed = obeyed_bytes(c);
    if (*c == '"' || *c == '\\')
      bt_buffer_printf(line, "\\%c", *c);
    else if (obeyed)
      for (size_t i = 0; i < obeyed; i++) bt_buffer_printf(line, "\\x%02x", c[i]);
    else
      bt_buffer_append_char(line, (char)*c);
    if (obeyed) c += obeyed - 1;
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
