/* The windows in which a listing looks at a range. They begin at the end that comes first, and each is twice as long as
 * the one before. So the first page comes early, and the whole costs little more than one window would. The windows
 * depend on the range and on margin alone: the same question gets the same windows, and with them the same order of
 * traces that are longer than margin. Windows neither overlap nor leave a gap. Thread: a value of its owner. */
#ifndef BT_SERVER_QUERY_SCHEDULE_H
#define BT_SERVER_QUERY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "tempo/wire/source.h"

typedef struct bt_schedule { /* a stack: the last window is the next one */
  bt_time_range *windows;
  size_t count;
} bt_schedule;

/* new; *out is empty when there is no memory. */
bt_status bt_schedule_make(bt_time_range range, bool newest_first, int64_t margin_ns, bt_schedule *out,
                           bt_error *error) BT_MUST_CHECK;
void bt_schedule_dispose(bt_schedule *schedule);
/* The next window; there has to be one. */
bt_time_range bt_schedule_next(const bt_schedule *schedule);
void bt_schedule_done(bt_schedule *schedule); /* with the next window */
/* What no window has covered yet, the next one included; empty when all is done. */
bt_time_range bt_schedule_rest(const bt_schedule *schedule, bool newest_first);
/* Cuts the next window into two halves, because it holds too much. BT_LIMIT: it cannot be cut any more (less than 2
 * ms). */
bt_status bt_schedule_split(bt_schedule *schedule, bool newest_first, bt_error *error) BT_MUST_CHECK;

#endif
