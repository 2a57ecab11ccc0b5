/* Which window a trace belongs to (api.md, coverage). Its time is its earliest start, but never more than margin
 * before its latest start; the window that this time lies in has it, so that adjacent windows neither overlap nor
 * leave a gap. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_WINDOW_H
#define BT_SERVER_REPLAY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "tempo/wire/source.h"

typedef struct bt_window {
  bt_time_range range;
  int64_t margin_ns;
  int64_t effective_end_ns; /* traces whose time is not before it are in the unsettled tail */
} bt_window;

typedef enum bt_place {
  BT_PLACE_OUTSIDE,
  BT_PLACE_SETTLED,  /* in the window, before its effective end */
  BT_PLACE_TAIL,     /* in the window, at or after its effective end */
  BT_PLACE_UNDECIDED /* the bounds do not tell: the whole trace decides */
} bt_place;

/* Where fragments of the window's traces lie: [start − margin, end + max(margin, lateness)). */
bt_time_range bt_window_search_range(const bt_window *window, int64_t lateness_ns);

int64_t bt_window_trace_time(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns);
bt_place bt_window_place_time(const bt_window *window, int64_t time_ns);
bool bt_window_is_long(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns);

/* From the bounds of some fragments of a trace: the others may lie up to margin before them. */
bt_place bt_window_place_found(const bt_window *window, const bt_found *found);
/* From the bounds of all its fragments in the search range (a complete listing of every trace). */
bt_place bt_window_place_listed(const bt_window *window, const bt_found *listed);
/* The latest time that a trace can have of which these bounds are known; the earliest is found->start_ns where they
 * are of all its fragments, else up to margin before it. */
int64_t bt_window_latest_time(const bt_window *window, const bt_found *found);
/* Of a whole trace. Traces longer than margin whose time lies in another window are judged here all the same when
 * only this window's search is sure to find them: what was found begins in this window and lies farther than margin
 * from the trace's time. */
bt_place bt_window_place_starts(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns,
                                const bt_found *found);

#endif
