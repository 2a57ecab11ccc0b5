/* Decoded traces and search rows as lines of text, for comparing decoders with each other and with expected output.
 * A span is one line; lines are sorted, attributes too, because search answers have them in any order.
 * `{…}-2` are those of what says that two were dropped. */
#ifndef BT_TESTS_TRACE_TEXT_H
#define BT_TESTS_TRACE_TEXT_H

#include "tempo/wire/otlp_decoder.h"

typedef struct text_lines {
  char **items;
  size_t count;
} text_lines;

void text_lines_add_span(text_lines *lines, const bt_trace_id *trace_id, const bt_span *span);
/* All spans of a finished batch, and a line for each trace that has a flag. */
void text_lines_add_batch(text_lines *lines, const bt_span_batch *batch);
void text_lines_add_row(text_lines *lines, const bt_search_row *row);
/* Sorted, each ending in \n; free it. Empties the lines. */
char *text_lines_join(text_lines *lines);

#endif
