/* Setting errors. See error.h. */
#include "dsl/base/error.h"

#include <stdarg.h>
#include <stdio.h>

#ifdef __clang_analyzer__
#undef bt_error_set
#undef bt_error_no_memory
#endif

bt_status bt_error_set(bt_error *error, bt_status status, const char *format, ...) {
  if (!error) return status;
  error->status = status;
  error->range = (bt_range){0, 0};
  va_list list;
  va_start(list, format);
  vsnprintf(error->message, sizeof error->message, format, list);
  va_end(list);
  return status;
}

bt_status bt_error_no_memory(bt_error *error) {
  return bt_error_set(error, BT_NO_MEMORY, "out of memory");
}

const char *bt_status_name(bt_status status) {
  switch (status) {
  case BT_OK: return "ok";
  case BT_INVALID: return "invalid";
  case BT_NOT_FOUND: return "not_found";
  case BT_CONFLICT: return "conflict";
  case BT_LIMIT: return "limit";
  case BT_NO_MEMORY: return "no_memory";
  case BT_UNAVAILABLE: return "unavailable";
  case BT_REFUSED: return "refused";
  case BT_CANCELLED: return "cancelled";
  case BT_IO: return "io";
  }
  return "unknown";
}
