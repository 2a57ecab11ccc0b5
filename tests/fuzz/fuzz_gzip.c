/* Arbitrary bytes as a gzip file, with a maximum of 1 MiB: never more than that, whatever the input promises. */
#include <stdint.h>
#include <stdlib.h>

#include "tempo/wire/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_error error;
  bt_buffer out = {.maximum = 1 << 20};
  bt_str input = {(const char *)data, size};
  bt_status status = bt_gzip_unpack(input, &out, &error);
  if (out.len > out.maximum || (status == BT_OK && !bt_gzip_is(input))) abort();
  bt_buffer_dispose(&out);
  return 0;
}
