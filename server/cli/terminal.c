/* Colours, width and characters of the terminal. See terminal.h. */
#include "server/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/base/shown_text.h"

static const char *read_environment(const char *name) {
  const char *value = getenv(name);
  return value && value[0] ? value : NULL;
}

static bool has_colours(void) {
  const char *term = read_environment("TERM");
  return isatty(STDOUT_FILENO) == 1 && !read_environment("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static const char *const styles[] = {
    [BT_STYLE_OFF] = "\033[0m",  [BT_STYLE_BOLD] = "\033[1m",   [BT_STYLE_DIM] = "\033[2m",
    [BT_STYLE_RED] = "\033[31m", [BT_STYLE_GREEN] = "\033[32m", [BT_STYLE_YELLOW] = "\033[33m",
    [BT_STYLE_CYAN] = "\033[36m"};
enum { STYLES = sizeof styles / sizeof styles[0] };

const char *bt_style_on(bt_style style) {
  static int known; /* 0: not asked yet, 1: no, 2: yes */
  if (!known) known = has_colours() ? 2 : 1;
  return known == 2 ? styles[style] : "";
}

bool bt_is_style(const char *text) {
  for (size_t i = 0; i < STYLES; i++)
    if (text == styles[i]) return true;
  return false;
}

size_t bt_style_length(bt_str text) {
  if (!bt_style_on(BT_STYLE_OFF)[0]) return 0;
  for (size_t i = 0; i < STYLES; i++)
    if (bt_str_starts_with(text, bt_str_from(styles[i]))) return strlen(styles[i]);
  return 0;
}

unsigned bt_terminal_width(void) {
  enum { USUAL = 80, LEAST = 40, MOST = 500 };
  struct winsize size = {0};
  const char *columns = read_environment("COLUMNS");
  unsigned width = USUAL;
  if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
    width = size.ws_col;
  else if (columns)
    width = (unsigned)strtoul(columns, NULL, 10);
  return width < LEAST ? (width ? LEAST : USUAL) : width > MOST ? MOST : width;
}

bool bt_terminal_is_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = read_environment(names[i]);
    if (value) return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
  }
  return false;
}

bool bt_terminal_shows_progress(void) {
  return isatty(STDERR_FILENO) == 1;
}

static unsigned columns_of(uint32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  bool is_wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                 (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                 (c >= 0x1F300 && c <= 0x1FAFF);
  return is_wide ? 2 : 1;
}

/* The next character, of text that can be shown. */
static size_t next_character(bt_str text, unsigned *columns) {
  uint32_t c = 0;
  size_t length = bt_utf8_sequence(text, &c);
  *columns = length ? columns_of(c) : 1;
  return length ? length : 1;
}

unsigned bt_shown_columns(bt_str shown) {
  unsigned total = 0, columns;
  for (size_t at = 0; at < shown.len; total += columns)
    at += next_character((bt_str){shown.ptr + at, shown.len - at}, &columns);
  return total;
}

unsigned bt_text_columns(bt_str text) {
  bt_buffer shown = {0};
  bt_shown_append(text, &shown);
  unsigned columns = bt_shown_columns(bt_buffer_str(&shown));
  bt_buffer_dispose(&shown);
  return columns;
}

static void fit_shown(bt_str text, unsigned columns, bt_buffer *out) {
  bool utf8 = bt_terminal_is_utf8(), is_cut = bt_shown_columns(text) > columns;
  unsigned mark = utf8 ? 1 : 2, room = !is_cut ? columns : columns > mark ? columns - mark : 0, used = 0, wide;
  for (size_t at = 0, length; at < text.len; at += length, used += wide) {
    length = next_character((bt_str){text.ptr + at, text.len - at}, &wide);
    if (used + wide > room) break;
    bt_buffer_append(out, utf8 || length == 1 ? (bt_str){text.ptr + at, length} : BT_STR("?"));
  }
  if (is_cut && columns >= mark) bt_buffer_append(out, utf8 ? BT_STR("…") : BT_STR(".."));
}

void bt_text_fit(bt_str text, unsigned columns, bt_buffer *out) {
  bt_buffer shown = {0};
  bt_shown_append(text, &shown);
  fit_shown(bt_buffer_str(&shown), columns, out);
  out->failed = out->failed || shown.failed;
  bt_buffer_dispose(&shown);
}
