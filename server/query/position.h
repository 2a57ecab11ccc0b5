/* Where a violation is in a listing: by time, newest or oldest first, and by id where times are equal. A total order
 * that is the same on every run, so that a page can go on after any of its items. Thread: values, no state. */
#ifndef BT_SERVER_QUERY_POSITION_H
#define BT_SERVER_QUERY_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/trace/trace.h"

typedef struct bt_position {
  int64_t time_ns;
  bt_trace_id id; /* of the violation */
} bt_position;

/* < 0: `a` is listed before `b`. */
static inline int bt_position_compare(const bt_position *a, const bt_position *b, bool newest_first) {
  int order = a->time_ns != b->time_ns ? (a->time_ns < b->time_ns ? -1 : 1) : bt_trace_id_compare(&a->id, &b->id);
  return newest_first ? -order : order;
}

#endif
