/* Searching a slice of time: what one filter finds there, and what that says of the traces that were seen. Only traces
 * that fall to this watcher are kept. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_SLICES_H
#define BT_SERVER_WATCH_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/plan/plan.h"
#include "server/watch/watch_open_set.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_schedule.h"
#include "server/watch/watch_table.h"
#include "tempo/wire/source.h"

/* Of one kind of slices. All-zero: the last one was done. */
typedef struct bt_watch_trying {
  int64_t since_ns;   /* since when it finds no room for all of its traces; 0: it does */
  int64_t slice_ns;   /* the most that one search covers; 0: what the schedule says */
  bt_slice slice;     /* that was begun, */
  size_t query_count; /* and how many filters, from the first, were answered for it */
} bt_watch_trying;

/* What is due of that kind, as far as it is searched at once. What was answered of a slice is not asked again. */
void bt_watch_trying_begin(bt_watch_trying *trying, bt_slice due);
/* The slice was searched with that result. What finds more traces than there is room for is searched in smaller pieces,
 * until they fit again: else the same first ones would be taken each round, and the slice never be done. */
void bt_watch_trying_end(bt_watch_trying *trying, const bt_watch_round *round, bt_status status);

/* What the filter finds in the slice; add to *found. BT_UNAVAILABLE: a part was not answered. Else errors are those of
 * the source. */
bt_status bt_watch_slice_ask(const bt_watch_round *round, const bt_slice *slice, bt_query query, bt_found_list *found,
                             bt_watch_cost *cost, bt_error *error) BT_MUST_CHECK;
/* Adds what was found, by a filter of rules that read whole traces or by another, to the traces that wait, unless it is
 * known. BT_LIMIT: the table is full, or there is no room for a larger one; BT_NO_MEMORY. */
bt_status bt_watch_slice_take(const bt_watch_round *round, const bt_watch_trying *trying, const bt_found *found,
                              bool of_whole, const bt_open_set *open, bt_watch_table *table,
                              bt_error *error) BT_MUST_CHECK;
/* Rules may find nothing for days. Whether there was anything to find is asked for: a search that stops above one trace
 * of others. Moves *last_ns to the end of one that it found; what could not be asked is not known. BT_CANCELLED,
 * BT_NO_MEMORY. */
bt_status bt_watch_slice_look(const bt_watch_round *round, const bt_slice *slice, int64_t *last_ns, bt_watch_cost *cost,
                              bt_error *error) BT_MUST_CHECK;

#endif
