/* Status codes and the caller's error struct. Who detects an error sets the message; callers pass it on.
 * Every function that can fail returns a bt_status that must be looked at. Anyone may include this. Thread: no state.
 */
#ifndef BT_DSL_BASE_ERROR_H
#define BT_DSL_BASE_ERROR_H

#include "dsl/base/text.h"

typedef enum bt_status {
  BT_OK = 0,
  BT_INVALID,     /* the input is wrong: rule text, a date, a file, a request */
  BT_NOT_FOUND,   /* what was named does not exist */
  BT_CONFLICT,    /* it exists already, or another version of it */
  BT_LIMIT,       /* a stated limit was reached: memory, size, depth, number */
  BT_NO_MEMORY,   /* the allocator said no */
  BT_UNAVAILABLE, /* upstream cannot be reached or answers with an error that may pass */
  BT_REFUSED,     /* upstream, or we, refuse the request for good */
  BT_CANCELLED,   /* the caller asked to stop */
  BT_IO           /* a file or the database could not be read or written */
} bt_status;

typedef struct bt_error {
  bt_status status;
  bt_range range;    /* where in the rule's text; {0,0} when it is not about text */
  char message[512]; /* what was expected, what came, where, what to do; NUL-terminated, UTF-8 */
} bt_error;

#define BT_MUST_CHECK __attribute__((warn_unused_result))

/* Sets the error (which may be NULL) and returns the status, for `return bt_error_set(error, BT_INVALID, "…", …)`. */
bt_status bt_error_set(bt_error *error, bt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* BT_NO_MEMORY with its message. */
bt_status bt_error_no_memory(bt_error *error);
/* "invalid", "not_found", …: for logs. */
const char *bt_status_name(bt_status status);

#ifdef __clang_analyzer__
/* clang-tidy does not see what these return, and would follow paths on which a failure is none. */
#define bt_error_set(error, status, ...) ((void)bt_error_set(error, status, __VA_ARGS__), (status))
#define bt_error_no_memory(error)        ((void)bt_error_no_memory(error), BT_NO_MEMORY)
#endif

#endif
