/* Arbitrary bytes as Zipkin's JSON; foreign_json.h says what has to hold. */
#include "tests/fuzz/foreign_json.h"
#include "tempo/wire/zipkin_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return fuzz_foreign_json(bt_zipkin_read_document, data, size);
}
