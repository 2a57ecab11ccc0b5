/* Numbers of JSON text, exactly: integers of 64 bits however they are written (12, 1.2e1, 120e-1), doubles correctly
 * rounded. Thread: no state. The decoders of tempo/ and the reader of pushed spans include this. */
#ifndef BT_TEMPO_WIRE_JSON_NUMBER_H
#define BT_TEMPO_WIRE_JSON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"

/* Whether the whole text is a number as JSON writes it: for numbers that come inside strings. */
bool bt_json_is_number(bt_str text);
/* Of a text that is one. False: not an integer, or outside the range of the type. */
bool bt_json_to_int64(bt_str number, int64_t *out);
bool bt_json_to_uint64(bt_str number, uint64_t *out);
/* False: beyond the range of a double. */
bool bt_json_to_double(bt_str number, double *out);

#endif
