/* See span_words.h. */
#include "tempo/wire/span_words.h"

#include <string.h>

/* The number of the name, or -1. */
static int find_name(const char *const *names, int count, const char *prefix, bt_str text) {
  if (bt_str_starts_with(text, bt_str_from(prefix)))
    text = (bt_str){text.ptr + strlen(prefix), text.len - strlen(prefix)};
  for (int i = 0; i < count; i++)
    if (bt_str_equal_nocase(text, bt_str_from(names[i]))) return i;
  return -1;
}

bool bt_span_kind_of(bt_str text, bt_span_kind *out) {
  static const char *const names[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"};
  int kind = text.len ? find_name(names, 6, "SPAN_KIND_", text) : BT_KIND_UNSPECIFIED;
  if (kind >= 0) *out = (bt_span_kind)kind;
  return kind >= 0;
}

bool bt_span_status_of(bt_str text, bt_span_status *out) {
  static const char *const names[] = {"Unset", "Ok", "Error"};
  int status = text.len ? find_name(names, 3, "STATUS_CODE_", text) : BT_SPAN_STATUS_UNSET;
  if (status >= 0) *out = (bt_span_status)status;
  return status >= 0;
}
