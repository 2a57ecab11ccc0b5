/* Which window a trace belongs to (api.md, coverage). Its time is its earliest start, but never more than margin before
 * its latest start; the window that this time lies in has it, so that adjacent windows neither overlap nor leave a gap.
 * Spans that lie farther than margin from all others say nothing of when these were. So a trace whose starts have such
 * gaps has a time for each part between them. Each window that one of these times lies in has the trace: nobody hides
 * it by a span of another day. A start of 0 is none. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_WINDOW_H
#define BT_SERVER_REPLAY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/source.h"

typedef struct bt_window {
  bt_time_range range;
  int64_t margin_ns;
  int64_t effective_end_ns; /* traces whose time is not before it are in the unsettled tail */
  /* Of a window that is a part of a greater one: that one's, and what is settled of it. A trace longer than margin that
   * belongs there belongs to each part that it reaches into, wherever its time lies. Empty: it is no part. */
  bt_time_range whole;
  int64_t whole_end_ns;
} bt_window;

typedef enum bt_place {
  BT_PLACE_OUTSIDE,
  BT_PLACE_SETTLED,  /* in the window, before its effective end */
  BT_PLACE_TAIL,     /* in the window, at or after its effective end */
  BT_PLACE_UNDECIDED /* the bounds do not tell: the whole trace decides */
} bt_place;

/* Where fragments of the window's traces lie: [start − margin, end + max(margin, lateness)). */
bt_time_range bt_window_search_range(const bt_window *window, int64_t lateness_ns);

bt_place bt_window_place_time(const bt_window *window, int64_t time_ns);
bool bt_window_is_long(const bt_window *window, int64_t first_start_ns, int64_t last_start_ns);

/* From the bounds of some fragments of a trace: the others may lie up to margin before them. */
bt_place bt_window_place_found(const bt_window *window, const bt_found *found);
/* From the bounds of all its fragments in the search range (a complete listing of every trace). That it ends before the
 * window rests on what a store says of its length, which may have wrapped around: good for counting what no search
 * finds, and not for leaving out what one does. */
bt_place bt_window_place_listed(const bt_window *window, const bt_found *listed);
/* The latest time that a trace can have of which these bounds are known; the earliest is found->start_ns where they
 * are of all its fragments, else up to margin before it. */
int64_t bt_window_latest_time(const bt_window *window, const bt_found *found);

/* Of a whole trace. */
typedef struct bt_placed {
  bt_place place;  /* never undecided */
  int64_t time_ns; /* the one that lies in the window; outside of it: one of its times; 0: it has none */
} bt_placed;
/* Traces whose time lies in another window are placed here all the same when only this window's search is sure to find
 * them: what was found begins in this window and lies farther than margin from the trace's time. A trace without any
 * time belongs wherever it was found. BT_NO_MEMORY alone. */
bt_status bt_window_place_trace(const bt_window *window, const bt_trace *trace, const bt_found *found, bt_placed *out,
                                bt_error *error) BT_MUST_CHECK;

#endif
