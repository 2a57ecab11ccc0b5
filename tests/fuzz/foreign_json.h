/* Arbitrary bytes as JSON of another tool: it is read or refused with a place, whoever asks for some traces only is
 * given no other, and every text of a span is UTF-8. Aborts where that is not so. */
#ifndef BT_TESTS_FUZZ_FOREIGN_JSON_H
#define BT_TESTS_FUZZ_FOREIGN_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "tempo/wire/otlp_json.h"

typedef bt_status bt_foreign_reader(bt_json_place *place, bt_span_batch *batch);

int fuzz_foreign_json(bt_foreign_reader *read, const uint8_t *data, size_t size);

#endif
