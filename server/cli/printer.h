/* The one door to the terminal: whatever a command prints goes through here (tests/lint/rule_printing.py). Texts of
 * others (rules, ids, titles, attributes, names of spans and files, what servers say) may hold bytes that a terminal
 * obeys: they are shown as escapes, and do nothing. Thread: the main thread. */
#ifndef BT_SERVER_CLI_PRINTER_H
#define BT_SERVER_CLI_PRINTER_H

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>

#include "dsl/base/text.h"

/* Appends as bt_print prints. */
void bt_shown_printf(bt_buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends as bt_print_json prints. Takes the object. */
void bt_shown_json(json_t *object, size_t flags, bt_buffer *out);

/* printf to stdout or stderr. The format and the styles of bt_style_on are ours and stay; each %s and %.*s is a text of
 * others and is shown as above. A width counts columns. Of printf they know d i u x X o c s f e g %, with flags, width,
 * precision and l ll z. */
void bt_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bt_print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bt_print_error_list(const char *format, va_list list) __attribute__((format(printf, 1, 0)));
void bt_print_line(const char *text);       /* a sentence of ours, and a line end */
void bt_print_error_line(const char *text); /* likewise */

/* Texts with lines, made of texts of others. */
void bt_print_lines(bt_str text);
void bt_print_error_lines(bt_str text);
void bt_print_message(const char *text); /* lines to stderr, the last one ended */
/* Likewise, with styles of bt_style_on inside. Whoever composed it has put what others wrote in by bt_shown_append or
 * bt_text_fit. */
void bt_print_styled(bt_str text);
void bt_print_error_styled(bt_str text);
/* A document that programs read (a formatted rule file, XML, roff, a completion script): byte by byte into a file or a
 * pipe, and on a terminal as bt_print_lines. */
void bt_print_document(bt_str text);
/* A JSON object and a newline, with the flags of jansson; what a terminal would obey is written as \u202e, which is the
 * same JSON. Takes it. */
void bt_print_json(json_t *object, size_t flags);
void bt_print_flush(void);

#endif
