/* Examples of rules and what tells two apart, as JSON. A trace is {text, spans, trace}, where `trace` is an OTLP JSON
 * document, which `betrace eval` and a rule's test read. Thread: no state. What functions return is new; NULL: no
 * memory. */
#ifndef BT_SERVER_EXAMPLES_JSON_H
#define BT_SERVER_EXAMPLES_JSON_H

#include <jansson.h>

#include "dsl/example/example.h"

/* {violating, keeping, keeps_by_one_change, most_spans}; null for a trace that was not found. */
json_t *bt_examples_json(const bt_examples *examples);
/* Appends both traces as text, under a line each; in Markdown, code blocks. */
void bt_examples_say(const bt_examples *examples, bool in_markdown, bt_buffer *out);
/* {meaning, first_is_within, second_is_within, only_first, only_second, most_spans, says}, of two rules that
 * `says` calls by these names. */
json_t *bt_meaning_json(const bt_meaning *meaning, const char *first, const char *second);
/* Appends a comparison in words, without a full stop: what is proven, and what was only not found. */
void bt_meaning_say(const bt_meaning *meaning, const char *first, const char *second, bt_buffer *out);

#endif
