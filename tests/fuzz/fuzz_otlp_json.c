/* Arbitrary bytes as OTLP JSON. Besides not crashing, the reader must agree with jansson about what is JSON at all:
 * what one takes and the other does not is known and written down here. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/wire/json_reader.h"
#include "tempo/wire/otlp_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(bt_str input) {
  bt_error error;
  bt_span_batch *batch;
  if (bt_span_batch_new(1 << 22, &batch, &error) != BT_OK) return;
  if (bt_otlp_decode_json_documents(input, batch, &error) == BT_OK && bt_span_batch_finish(batch, &error) == BT_OK) {
    for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++)
      if (!bt_utf8_valid(bt_span_batch_trace(batch, i)->spans[0].name)) abort();
  }
  bt_span_batch_free(batch);
}

static void decode_answer(bt_str input) {
  bt_error error;
  bt_span_batch *batch;
  bool partial;
  if (bt_span_batch_new(1 << 22, &batch, &error) != BT_OK) return;
  if (bt_tempo_decode_trace(input, true, batch, &partial, &error) == BT_OK &&
      bt_span_batch_finish(batch, &error) != BT_OK)
    abort();
  bt_span_batch_free(batch);
}

/* jansson refuses lone surrogates, NUL in keys and doubles out of range, and nests deeper: then ours may accept or
 * refuse. */
static bool may_differ(bt_str input, const json_error_t *error) {
  enum json_error_code code = json_error_code(error);
  if (code == json_error_numeric_overflow || code == json_error_stack_overflow) return true;
  return code == json_error_null_byte_in_key || bt_str_contains(input, BT_STR("\\u"));
}

/* jansson 2.14 loses a NUL byte that follows a number or a word: such inputs are not compared. */
static void compare(bt_str input) {
  if (input.len && memchr(input.ptr, '\0', input.len)) return;
  json_error_t problem;
  json_t *tree = json_loadb(input.ptr, input.len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &problem);
  bt_json json;
  bt_json_init(&json, input, NULL);
  bool is_json = bt_json_skip(&json) && bt_json_at_end(&json);
  bool is_deep = json.problem && strstr(json.problem, "nested deeper");
  if (tree && !is_json && !is_deep) abort();
  if (!tree && is_json && !may_differ(input, &problem)) abort();
  json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bt_str input = {(const char *)data, size};
  decode(input);
  decode_answer(input);
  compare(input);
  return 0;
}
