/* Tokens and answers of time-stamp authorities, which come from outside: the first byte says how the rest is read. A
 * token that holds for one text must not hold for another. */
#include <stdlib.h>

#include "server/compliance/time_stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char stamped[] = "betrace-report/1\n0000000000000000000000000000000000000000000000000000000000000000\n";

static void read_token(bt_str bytes) {
  bt_time_stamp stamp;
  bt_error error = {0};
  if (bt_time_stamp_check(bytes, bt_str_from(stamped), NULL, &stamp, &error) != BT_OK) return;
  if (stamp.is_checked || bt_time_stamp_check(bytes, BT_STR("another text"), NULL, &stamp, &error) == BT_OK) abort();
}

static void read_answer(bt_str bytes) {
  bt_time_stamp_query query = {.nonce = 1, .stamped = bt_str_from(stamped)};
  bt_buffer token = {0};
  bt_error error = {0};
  if (bt_time_stamp_take(&query, bytes, &token, &error) == BT_OK) read_token(bt_buffer_str(&token));
  bt_buffer_dispose(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size) return 0;
  bt_str rest = {(const char *)data + 1, size - 1};
  if (data[0] & 1)
    read_answer(rest);
  else
    read_token(rest);
  return 0;
}
