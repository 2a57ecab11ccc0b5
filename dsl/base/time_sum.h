/* Sums of times that never wrap around, and which of two comes first. Unit: ns, or any that both have. Thread: values,
 * no state. */
#ifndef BT_DSL_BASE_TIME_SUM_H
#define BT_DSL_BASE_TIME_SUM_H

#include <stdint.h>

/* a + b and a − b, held at the ends of int64_t. */
static inline int64_t bt_time_add(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

static inline int64_t bt_time_subtract(int64_t a, int64_t b) {
  int64_t difference;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? INT64_MAX : INT64_MIN;
}

static inline int64_t bt_time_earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static inline int64_t bt_time_later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

#endif
