/* Patterns: the first line is a pattern, the rest a subject. Whatever compiles must match without trouble, and a whole match is a match. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  const char *end = size ? memchr(text, '\n', size) : NULL;
  size_t length = end ? (size_t)(end - text) : size;
  bt_str subject = end ? (bt_str){end + 1, size - length - 1} : (bt_str){NULL, 0};
  bt_pattern *pattern = NULL;
  bt_error error;
  bool anywhere = false, whole = false;
  if (bt_pattern_new((bt_str){text, length}, &pattern, &error) != BT_OK) return 0;
  if (bt_pattern_match(pattern, subject, false, &anywhere) != BT_OK) abort();
  if (bt_pattern_match(pattern, subject, true, &whole) != BT_OK) abort();
  if (whole && !anywhere) abort();
  bt_pattern_free(pattern);
  return 0;
}
