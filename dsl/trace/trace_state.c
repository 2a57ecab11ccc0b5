/* Members of a trace state. See trace_state.h. */
#include "dsl/trace/trace_state.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bt_str without_blanks(bt_str text) {
  while (text.len && is_blank(*text.ptr)) text = (bt_str){text.ptr + 1, text.len - 1};
  while (text.len && is_blank(text.ptr[text.len - 1])) text.len--;
  return text;
}

/* Takes what stands up to the next comma off the front. */
static bt_str next_item(bt_str *rest) {
  const char *comma = memchr(rest->ptr, ',', rest->len);
  bt_str item = {rest->ptr, comma ? (size_t)(comma - rest->ptr) : rest->len};
  size_t taken = comma ? item.len + 1 : item.len;
  *rest = (bt_str){rest->ptr + taken, rest->len - taken};
  return without_blanks(item);
}

static bool is_of_vendor(bt_str item, bt_str vendor, bt_str *value) {
  if (!vendor.len || item.len <= vendor.len || item.ptr[vendor.len] != '=') return false;
  *value = (bt_str){item.ptr + vendor.len + 1, item.len - vendor.len - 1};
  return memcmp(item.ptr, vendor.ptr, vendor.len) == 0 && !memchr(vendor.ptr, '=', vendor.len);
}

bt_member_found bt_trace_state_find(bt_str state, bt_str vendor, bt_str *value) {
  bt_member_found found = BT_MEMBER_NONE;
  bt_str one;
  while (state.len) {
    if (!is_of_vendor(next_item(&state), vendor, &one)) continue;
    if (found == BT_MEMBER_NONE)
      *value = one, found = BT_MEMBER_ONE;
    else if (!bt_str_equal(*value, one))
      found = BT_MEMBER_SEVERAL;
  }
  return found;
}
