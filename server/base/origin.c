/* See origin.h. */
#include "server/base/origin.h"

#include <string.h>

static bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(".-:[]", c));
}

bool bt_origin_is_valid(bt_str origin) {
  bt_str scheme = bt_str_starts_with(origin, BT_STR("https://")) ? BT_STR("https://") : BT_STR("http://");
  if (!bt_str_starts_with(origin, scheme) || origin.len == scheme.len) return false;
  for (size_t i = scheme.len; i < origin.len; i++)
    if (!is_host_byte(origin.ptr[i])) return false;
  return true;
}
