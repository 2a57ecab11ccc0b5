/* The one door to the terminal. See printer.h. */
#include "server/cli/printer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/shown_text.h"
#include "server/cli/terminal.h"

/* ---- formats ---- */

typedef struct conversion {
  bt_str spec;          /* "%-9s", stars and all */
  int width, precision; /* precision -1: none */
  bool is_left;
  unsigned longs; /* l's; z counts as one */
  char letter;
} conversion;

static int read_number(const char **at, va_list *list) {
  int number = 0;
  if (**at == '*') return ++*at, va_arg(*list, int);
  for (; **at >= '0' && **at <= '9'; ++*at) number = number * 10 + (**at - '0');
  return number;
}

/* What begins at the '%'. */
static conversion read_conversion(const char *start, va_list *list) {
  conversion c = {.precision = -1};
  const char *at = start + 1;
  for (; *at && strchr("-+ #0", *at); at++) c.is_left = c.is_left || *at == '-';
  c.width = read_number(&at, list);
  if (*at == '.') at++, c.precision = read_number(&at, list);
  for (; *at == 'l' || *at == 'z' || *at == 'h'; at++) c.longs += *at != 'h';
  c.letter = *at;
  c.spec = (bt_str){start, (size_t)(at - start) + (*at != '\0')};
  return c;
}

/* The longest part that does not end within a character. */
static bt_str cut_to(const char *text, int precision) {
  bt_str whole = {text, precision < 0 ? strlen(text) : strnlen(text, (size_t)precision)};
  bool was_cut = precision >= 0 && whole.len == (size_t)precision && precision > 0;
  for (size_t back = 1; was_cut && back <= 3 && back <= whole.len; back++) {
    unsigned char byte = (unsigned char)text[whole.len - back];
    if (byte >= 0xC0 && !bt_utf8_sequence((bt_str){text + whole.len - back, back}, NULL)) {
      whole.len -= back;
      break;
    }
    if (byte < 0x80) break;
  }
  return whole;
}

static void append_text(const conversion *c, const char *text, bt_buffer *out) {
  bt_buffer shown = {0};
  if (bt_is_style(text)) {
    bt_buffer_append(out, bt_str_from(text));
    return;
  }
  bt_shown_append(cut_to(text ? text : "(null)", c->precision), &shown);
  unsigned columns = bt_shown_columns(bt_buffer_str(&shown)), width = c->width > 0 ? (unsigned)c->width : 0;
  for (unsigned i = columns; i < width && !c->is_left; i++) bt_buffer_append_char(out, ' ');
  bt_buffer_append(out, bt_buffer_str(&shown));
  for (unsigned i = columns; i < width && c->is_left; i++) bt_buffer_append_char(out, ' ');
  out->failed = out->failed || shown.failed;
  bt_buffer_dispose(&shown);
}

/* The conversion as snprintf takes it: with numbers in place of stars, and every whole number as wide as can be. */
static void write_spec(const conversion *c, const char *kind, char out[48]) {
  char flags[8] = "", precision[16] = "";
  size_t count = strspn(c->spec.ptr + 1, "-+ #0");
  memcpy(flags, c->spec.ptr + 1, count < sizeof flags ? count : sizeof flags - 1);
  if (c->precision >= 0) snprintf(precision, sizeof precision, ".%d", c->precision);
  if (c->width)
    snprintf(out, 48, "%%%s%d%s%s", flags, c->width, precision, kind);
  else
    snprintf(out, 48, "%%%s%s%s", flags, precision, kind);
}

static long long whole_number(unsigned longs, va_list *list) {
  return longs == 0 ? va_arg(*list, int) : longs == 1 ? va_arg(*list, long) : va_arg(*list, long long);
}

static unsigned long long natural_number(unsigned longs, va_list *list) {
  return longs == 0   ? va_arg(*list, unsigned)
         : longs == 1 ? va_arg(*list, unsigned long)
                      : va_arg(*list, unsigned long long);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the compiler has checked the format that these are parts of */
static void append_number(const conversion *c, va_list *list, bt_buffer *out) {
  char spec[48], kind[4] = {'l', 'l', c->letter, '\0'};
  bool is_fraction = strchr("feg", c->letter) != NULL, has_sign = c->letter == 'd' || c->letter == 'i';
  write_spec(c, is_fraction ? kind + 2 : kind, spec);
  if (is_fraction)
    bt_buffer_printf(out, spec, va_arg(*list, double));
  else if (has_sign)
    bt_buffer_printf(out, spec, whole_number(c->longs, list));
  else
    bt_buffer_printf(out, spec, natural_number(c->longs, list));
}
#pragma GCC diagnostic pop

static void append_conversion(const conversion *c, va_list *list, bt_buffer *out) {
  char one;
  switch (c->letter) {
  case '%': bt_buffer_append_char(out, '%'); return;
  case 's': append_text(c, va_arg(*list, const char *), out); return;
  case 'c':
    one = (char)va_arg(*list, int);
    bt_shown_append((bt_str){&one, 1}, out);
    return;
  default: append_number(c, list, out); return;
  }
}

static void append_format(const char *format, va_list *list, bt_buffer *out) {
  while (*format) {
    size_t length = strcspn(format, "%");
    bt_buffer_append(out, (bt_str){format, length});
    format += length;
    if (!*format) return;
    conversion c = read_conversion(format, list);
    append_conversion(&c, list, out);
    format += c.spec.len;
  }
}

void bt_shown_printf(bt_buffer *out, const char *format, ...) {
  va_list list;
  va_start(list, format);
  append_format(format, &list, out);
  va_end(list);
}

/* ---- printing ---- */

/* What a terminal that takes no UTF-8 is sent for the signs that we write ourselves. */
static const char *ascii_of(uint32_t c) {
  switch (c) {
  case 0x2026: return "...";
  case 0x2192: return "->";
  case 0x2013:
  case 0x2014: return "-";
  case 0x2264: return "<=";
  case 0x2265: return ">=";
  case 0xd7: return "x";
  default: return NULL;
  }
}

/* Signs of others come as \u00e9 there: a name stays one that can be told from another. */
static void write_ascii(FILE *file, bt_str bytes) {
  bt_buffer text = {0};
  while (bytes.len) {
    uint32_t c = 0;
    size_t length = bt_utf8_sequence(bytes, &c);
    const char *instead = length > 1 ? ascii_of(c) : NULL;
    if (instead)
      bt_buffer_append(&text, bt_str_from(instead));
    else if (length > 1)
      bt_shown_append_escape(c, &text);
    else
      bt_buffer_append_char(&text, bytes.ptr[0]);
    length = length ? length : 1;
    bytes = (bt_str){bytes.ptr + length, bytes.len - length};
  }
  if (text.len) (void)fwrite(text.ptr, 1, text.len, file);
  bt_buffer_dispose(&text);
}

/* What memory was too short for is said by who checks stdout: an error of the stream stays. */
static void write_bytes(FILE *file, bt_str bytes) {
  if (isatty(fileno(file)) == 1 && !bt_terminal_is_utf8())
    write_ascii(file, bytes);
  else if (bytes.len)
    (void)fwrite(bytes.ptr, 1, bytes.len, file);
}

static void put_buffer(FILE *file, bt_buffer *text) {
  write_bytes(file, bt_buffer_str(text));
  if (text->failed) write_bytes(file, BT_STR("\n(there was not enough memory for more)\n"));
  bt_buffer_dispose(text);
}

void bt_print(const char *format, ...) {
  va_list list;
  bt_buffer text = {0};
  va_start(list, format);
  append_format(format, &list, &text);
  va_end(list);
  put_buffer(stdout, &text);
}

void bt_print_error_list(const char *format, va_list list) {
  va_list own;
  bt_buffer text = {0};
  va_copy(own, list);
  append_format(format, &own, &text);
  va_end(own);
  put_buffer(stderr, &text);
}

void bt_print_error(const char *format, ...) {
  va_list list;
  va_start(list, format);
  bt_print_error_list(format, list);
  va_end(list);
}

void bt_print_line(const char *text) {
  bt_print("%s\n", text);
}

void bt_print_error_line(const char *text) {
  bt_print_error("%s\n", text);
}

void bt_print_lines(bt_str text) {
  bt_buffer shown = {0};
  bt_shown_append_lines(text, &shown);
  put_buffer(stdout, &shown);
}

void bt_print_error_lines(bt_str text) {
  bt_buffer shown = {0};
  bt_shown_append_lines(text, &shown);
  put_buffer(stderr, &shown);
}

void bt_print_message(const char *text) {
  bt_print_error_lines(bt_str_from(text));
  if (!bt_str_ends_with(bt_str_from(text), BT_STR("\n"))) write_bytes(stderr, BT_STR("\n"));
}

/* Escape sequences that are none of our styles are shown. */
static void put_styled(FILE *file, bt_str text) {
  bt_buffer shown = {0};
  while (text.len) {
    size_t length = bt_style_length(text);
    if (length)
      bt_buffer_append(&shown, (bt_str){text.ptr, length});
    else
      length = bt_shown_append_one(text, true, &shown);
    text = (bt_str){text.ptr + length, text.len - length};
  }
  put_buffer(file, &shown);
}

void bt_print_styled(bt_str text) {
  put_styled(stdout, text);
}

void bt_print_error_styled(bt_str text) {
  put_styled(stderr, text);
}

void bt_print_document(bt_str text) {
  if (isatty(STDOUT_FILENO) == 1)
    bt_print_lines(text);
  else
    write_bytes(stdout, text);
}

/* Within JSON only strings hold such characters, and jansson has escaped those below 0x20 there; what is left of these
 * is its layout. */
static int append_json(const char *bytes, size_t length, void *context) {
  bt_buffer *out = context;
  for (bt_str text = {bytes, length}; text.len;) {
    uint32_t c = 0;
    size_t used = bt_utf8_sequence(text, &c);
    if (c >= 0x7F && bt_is_obeyed(c))
      bt_append_utf16_escape(c, out);
    else
      bt_buffer_append(out, (bt_str){text.ptr, used = used ? used : 1});
    text = (bt_str){text.ptr + used, text.len - used};
  }
  return out->failed ? -1 : 0;
}

static int put_json(const char *bytes, size_t length, void *context) {
  bt_buffer shown = {0};
  (void)context;
  (void)append_json(bytes, length, &shown);
  int code = shown.failed || fwrite(shown.ptr, 1, shown.len, stdout) != shown.len ? -1 : 0;
  bt_buffer_dispose(&shown);
  return code;
}

/* Digits of numbers, where the caller says none. */
static size_t with_precision(size_t flags) {
  return flags & JSON_REAL_PRECISION(31) ? flags : flags | JSON_REAL_PRECISION(15);
}

void bt_print_json(json_t *object, size_t flags) {
  if (!object || json_dump_callback(object, put_json, NULL, with_precision(flags)) != 0)
    write_bytes(stdout, BT_STR("null"));
  write_bytes(stdout, BT_STR("\n"));
  json_decref(object);
}

void bt_shown_json(json_t *object, size_t flags, bt_buffer *out) {
  if (!object || json_dump_callback(object, append_json, out, with_precision(flags)) != 0)
    bt_buffer_append(out, BT_STR("null"));
  bt_buffer_append_char(out, '\n');
  json_decref(object);
}

void bt_print_flush(void) {
  fflush(stdout);
}
