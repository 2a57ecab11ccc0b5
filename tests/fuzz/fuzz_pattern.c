/* Patterns: the first line is a pattern, the rest a subject. Whatever compiles says what plain RE2 says, or that it
 * gave up; and a whole match is a match. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/pattern/pattern.h"
#include "tests/support/plain_re2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False: it does not compile, or gave up. */
static bool ask(bt_str text, bt_str subject, bool whole, bool *matches) {
  bt_pattern *pattern = NULL;
  uint64_t cost;
  if (bt_pattern_new(text, whole, &pattern, NULL) != BT_OK) return false;
  bt_status status = bt_pattern_match(pattern, subject, &cost, matches);
  bt_pattern_free(pattern);
  if (status == BT_LIMIT) return false;
  if (status != BT_OK || cost < subject.len) abort();
  plain_re2_answer plain = plain_re2_match(text, subject, whole);
  if (plain != PLAIN_RE2_UNKNOWN && (plain == PLAIN_RE2_MATCHES) != *matches) abort();
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  const char *end = size ? memchr(text, '\n', size) : NULL;
  size_t length = end ? (size_t)(end - text) : size;
  bt_str subject = end ? (bt_str){end + 1, size - length - 1} : (bt_str){NULL, 0};
  bool anywhere = false, whole = false;
  bool knows_anywhere = ask((bt_str){text, length}, subject, false, &anywhere);
  bool knows_whole = ask((bt_str){text, length}, subject, true, &whole);
  if (knows_whole && knows_anywhere && whole && !anywhere) abort();
  return 0;
}
