/* The list of diagnostics. See diagnostic.h. */
#include "dsl/syntax/diagnostic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_MESSAGE_BYTES = 1024, MAX_FIX_BYTES = 3072, MAX_ARENA_BYTES = 2 * 1024 * 1024 };
/* Of the source line that is printed with a diagnostic, and of those before its place. */
enum { MAX_LINE_COLUMNS = 200, COLUMNS_BEFORE = 80 };

void bt_diagnostics_init(bt_diagnostics *diagnostics) {
  *diagnostics = (bt_diagnostics){0};
  bt_arena_init(&diagnostics->arena, MAX_ARENA_BYTES);
}

void bt_diagnostics_dispose(bt_diagnostics *diagnostics) {
  free(diagnostics->items);
  bt_arena_dispose(&diagnostics->arena);
  *diagnostics = (bt_diagnostics){0};
}

/* Line and column of a byte, both from 1; the column counts code points. */
static void locate_byte(bt_str text, uint32_t at, uint32_t *line, uint32_t *column) {
  *line = *column = 1;
  for (size_t i = 0; i < at && i < text.len; i++) {
    if (text.ptr[i] == '\n') {
      (*line)++;
      *column = 1;
    } else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) {
      (*column)++;
    }
  }
}

/* A message may end in half a character, or quote bytes that are none: both become `?`. */
static void make_valid_utf8(char *message) {
  bt_str rest = bt_str_from(message);
  while (rest.len) {
    size_t length = bt_utf8_sequence(rest, NULL);
    if (!length) message[rest.ptr - message] = '?';
    rest.ptr += length ? length : 1;
    rest.len -= length ? length : 1;
  }
}

/* The slot for one more, or NULL when there is no room. */
static bt_diagnostic *next_slot(bt_diagnostics *diagnostics) {
  if (diagnostics->count == BT_MAX_DIAGNOSTICS) return NULL;
  bt_diagnostic *grown =
      bt_grow_array(diagnostics->items, diagnostics->count, &diagnostics->capacity, sizeof *diagnostics->items);
  if (!grown) {
    diagnostics->no_memory = true;
    return NULL;
  }
  diagnostics->items = grown;
  return &grown[diagnostics->count];
}

bt_diagnostic *bt_diagnostics_add(bt_diagnostics *diagnostics, bt_str text, const char *code, bt_range range,
                                  const char *format, ...) {
  bool is_error = code[0] == 'E';
  if (is_error) diagnostics->error_count++;
  bt_diagnostic *slot = next_slot(diagnostics);
  if (!slot) return NULL;
  char message[MAX_MESSAGE_BYTES];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  make_valid_utf8(message);
  *slot = (bt_diagnostic){.is_error = is_error, .range = range};
  snprintf(slot->code, sizeof slot->code, "%s", code);
  locate_byte(text, range.start, &slot->line, &slot->column);
  if (!bt_arena_copy(&diagnostics->arena, bt_str_from(message), &slot->message)) {
    diagnostics->no_memory = true;
    return NULL;
  }
  diagnostics->count++;
  return slot;
}

void bt_diagnostics_set_fix(bt_diagnostics *diagnostics, bt_diagnostic *diagnostic, bt_range range,
                            bt_str replacement) {
  if (!diagnostic || replacement.len > MAX_FIX_BYTES || !bt_utf8_valid(replacement)) return;
  if (!bt_arena_copy(&diagnostics->arena, replacement, &diagnostic->fix_text)) {
    diagnostics->no_memory = true;
    return;
  }
  diagnostic->has_fix = true;
  diagnostic->fix_range = range;
}

void bt_diagnostics_format_fix(bt_diagnostics *diagnostics, bt_diagnostic *diagnostic, bt_range range,
                               const char *format, ...) {
  char replacement[MAX_FIX_BYTES + 1];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(replacement, sizeof replacement, format, list);
  va_end(list);
  if (length < 0 || length > MAX_FIX_BYTES) return;
  bt_diagnostics_set_fix(diagnostics, diagnostic, range, (bt_str){replacement, (size_t)length});
}

void bt_diagnostics_sort(bt_diagnostics *diagnostics) {
  /* By insertion: there are few, and they come nearly in order. */
  for (size_t i = 1; i < diagnostics->count; i++) {
    bt_diagnostic moved = diagnostics->items[i];
    size_t k = i;
    for (; k > 0 && diagnostics->items[k - 1].range.start > moved.range.start; k--)
      diagnostics->items[k] = diagnostics->items[k - 1];
    diagnostics->items[k] = moved;
  }
}

/* The line of the text in which a byte stands, without its end. */
static bt_range line_around(bt_str text, uint32_t at) {
  uint32_t start = at < text.len ? at : (uint32_t)text.len, end = start;
  while (start > 0 && text.ptr[start - 1] != '\n') start--;
  while (end < text.len && text.ptr[end] != '\n') end++;
  if (end > start && text.ptr[end - 1] == '\r') end--;
  return (bt_range){start, end};
}

static bool is_inside_character(bt_str text, uint32_t at) {
  return at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80;
}

/* Up to so many characters from `at` on, or back from it, within the line. */
static uint32_t step_characters(bt_str text, bt_range line, uint32_t at, int characters) {
  for (; characters > 0 && at < line.end; characters--) do
      at++;
    while (at < line.end && is_inside_character(text, at));
  for (; characters < 0 && at > line.start; characters++) do
      at--;
    while (at > line.start && is_inside_character(text, at));
  return at;
}

/* What is shown of a line: all, or of a long one what stands around `at`. */
static bt_range window_around(bt_str text, bt_range line, uint32_t at) {
  if (step_characters(text, line, line.start, MAX_LINE_COLUMNS) == line.end) return line;
  if (at > line.end) at = line.end;
  bt_range shown = {step_characters(text, line, at, -COLUMNS_BEFORE), 0};
  int marks = shown.start > line.start ? 2 : 1; /* one for each end that was cut off */
  shown.end = step_characters(text, line, shown.start, MAX_LINE_COLUMNS - marks);
  if (shown.end == line.end) shown.start = step_characters(text, line, line.end, -(MAX_LINE_COLUMNS - 1));
  return shown;
}

/* Blanks up to the range and carets below it. A tab stays a tab, so that the caret stands right whatever its width. */
static void print_caret(bt_str text, bt_range line, bt_range range, bt_buffer *out) {
  if (!text.ptr) line = range = (bt_range){0, 0}; /* there is no text: nothing of it is looked at */
  uint32_t end = range.end < line.end ? range.end : line.end;
  for (uint32_t i = line.start; i < range.start && i < line.end; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if ((c & 0xC0) != 0x80) bt_buffer_append_char(out, c == '\t' ? '\t' : ' ');
  }
  bt_buffer_append_char(out, '^');
  for (uint32_t i = range.start + 1; i < end; i++)
    if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) bt_buffer_append_char(out, '~');
  bt_buffer_append_char(out, '\n');
}

static void print_place(bt_str text, bt_range range, bt_buffer *out) {
  bt_range line = line_around(text, range.start), shown = window_around(text, line, range.start);
  bool is_cut = shown.start > line.start;
  bt_buffer_printf(out, "  %s%.*s%s\n  %s", is_cut ? "…" : "", (int)(shown.end - shown.start),
                   text.ptr ? text.ptr + shown.start : "", shown.end < line.end ? "…" : "", is_cut ? " " : "");
  print_caret(text, shown, range, out);
}

static void print_fix(const bt_diagnostic *diagnostic, bt_str text, bt_buffer *out) {
  bt_range range = diagnostic->fix_range;
  if (range.end > text.len || range.start > range.end) return;
  bt_str old = {text.ptr + range.start, range.end - range.start};
  if (!old.len)
    bt_buffer_printf(out, "  fix: insert `%.*s`\n", BT_FMT(diagnostic->fix_text));
  else if (!diagnostic->fix_text.len)
    bt_buffer_printf(out, "  fix: remove `%.*s`\n", BT_FMT(old));
  else
    bt_buffer_printf(out, "  fix: write `%.*s`\n", BT_FMT(diagnostic->fix_text));
}

void bt_diagnostics_print(const bt_diagnostics *diagnostics, bt_str text, const char *file, bt_buffer *out) {
  for (size_t i = 0; i < diagnostics->count; i++) {
    const bt_diagnostic *diagnostic = &diagnostics->items[i];
    bt_buffer_printf(out, "%s:%u:%u: %s[%s]: %.*s\n", file, diagnostic->line, diagnostic->column,
                     diagnostic->is_error ? "error" : "warning", diagnostic->code, BT_FMT(diagnostic->message));
    print_place(text, diagnostic->range, out);
    if (diagnostic->has_fix) print_fix(diagnostic, text, out);
  }
  if (diagnostics->count == BT_MAX_DIAGNOSTICS) bt_buffer_printf(out, "%s: more was found than is shown here\n", file);
}
