/* Lists of headers. See accept.h. */
#include "server/http/accept.h"

#include <string.h>

bool bt_accept_next(bt_str *list, char separator, bt_str *part) {
  if (!list->len) return false;
  const char *end = memchr(list->ptr, separator, list->len);
  size_t length = end ? (size_t)(end - list->ptr) : list->len, used = end ? length + 1 : length;
  *part = bt_str_trim((bt_str){list->ptr, length});
  *list = (bt_str){list->ptr + used, list->len - used};
  return true;
}

/* "q=0", "q=0.000": rather not at all. */
static bool is_refusal(bt_str parameter) {
  if (parameter.len < 3 || !bt_str_equal_nocase((bt_str){parameter.ptr, 2}, BT_STR("q="))) return false;
  for (size_t i = 2; i < parameter.len; i++)
    if (parameter.ptr[i] != '0' && parameter.ptr[i] != '.') return false;
  return true;
}

bool bt_accept_names(bt_str list, const char *name) {
  bt_str item, part;
  while (bt_accept_next(&list, ',', &item)) {
    bool is_named = bt_accept_next(&item, ';', &part) && bt_str_equal_nocase(part, bt_str_from(name)),
         is_refused = false;
    while (bt_accept_next(&item, ';', &part)) is_refused = is_refused || is_refusal(part);
    if (is_named) return !is_refused;
  }
  return false;
}
