/* Small values as JSON, for documents that are built by hand. Each returns a new value, which is the caller's, or NULL
 * without memory. Thread: no state. */
#ifndef BT_SERVER_JSON_VALUES_H
#define BT_SERVER_JSON_VALUES_H

#include <jansson.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/evaluate/data_notes.h"
#include "dsl/evaluate/eval.h"
#include "server/base/span_time.h"
#include "server/replay/replay.h"
#include "tempo/wire/source.h"

json_t *bt_time_json(int64_t time_ns);              /* RFC 3339; 0: null */
json_t *bt_duration_json(int64_t ns);               /* "2m" */
json_t *bt_lasting_json(const bt_lasting *lasting); /* likewise; null where there is no length */
json_t *bt_range_json(bt_time_range range);         /* {start, end} */
json_t *bt_count_json(uint64_t number);             /* held below 2^53 */
json_t *bt_moment_json(const bt_moment *moment);    /* {trace_id, time}, or null */
json_t *bt_assumptions_json(const bt_assumptions *assumptions);
/* What a budget was spent on: {text, range}, where range is null when it was no part of the rule; null for any other
 * verdict. */
json_t *bt_spent_json(const bt_rule_verdict *verdict, bt_str rule_text);
json_t *bt_data_note_json(bt_str text, bt_range place); /* {message, range}: dsl/evaluate/data_notes.h */
json_t *bt_data_notes_json(const bt_data_notes *notes); /* [{message, range}, …] */
json_t *bt_text_json(bt_str text);                      /* a string; what is not UTF-8 becomes U+FFFD */
json_t *bt_optional_text_json(const char *text);        /* the same; NULL and "": null */

/* Adds a value, which is taken. When that fails, or there is no value or nothing to add it to, a part is missing
 * (bt_json_memory_lacks), for whatever reason there is no value: nothing that is signed leaves with a member missing.
 */
void bt_json_append(json_t *to, json_t *value);
void bt_json_set(json_t *to, const char *name, json_t *value);
void bt_json_set_text(json_t *to, bt_str name, json_t *value); /* a name that may have any bytes of UTF-8 */
/* The same for all that is in a list or an object, which is taken. */
void bt_json_append_all(json_t *to, json_t *values);
void bt_json_set_all(json_t *to, json_t *values);

#endif
