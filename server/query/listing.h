/* The violations of an evaluation in the order in which they are given: by position, each once. Those up to `certain`
 * keep their place whatever is found later; more may still come before the others. Violations that were given are
 * dropped from the front when they take too much memory. A violation is listed by its time, limited to the window that
 * it was found in. For traces that are not longer than margin this changes nothing, and longer ones stay within what is
 * not certain yet. Thread: a value behind its owner's lock. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_QUERY_LISTING_H
#define BT_SERVER_QUERY_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/query/position.h"
#include "server/query/problem_id.h"
#include "server/replay/violation.h"
#include "tempo/wire/source.h"

typedef struct bt_listed {
  bt_position position;
  size_t rule; /* number in the evaluation */
  char problem[BT_PROBLEM_ID_HEX + 1];
  bt_violation *violation; /* owned by the listing */
} bt_listed;

typedef struct bt_listed_array { /* violations of one window, in any order */
  bt_listed *items;
  size_t count, capacity;
  size_t bytes; /* of the violations and their entries */
} bt_listed_array;
void bt_listed_array_dispose(bt_listed_array *array);
/* What one more takes, with the id that a listing remembers of it. */
size_t bt_listed_bytes(const bt_violation *violation);
/* Takes the violation in every case. `window` and `margin_ns` are those it was found with. `problem` is the id of what
 * it is of. */
bt_status bt_listed_array_add(bt_listed_array *array, bt_time_range window, int64_t margin_ns, size_t rule,
                              bt_violation *violation, const char *problem, bt_error *error) BT_MUST_CHECK;

typedef struct bt_listing {
  bool newest_first;
  bt_listed *items;
  size_t count, capacity;
  size_t certain; /* items before this number keep their place */
  size_t bytes;   /* of the items */
  uint64_t total; /* all that ever were in it */
  bool has_dropped;
  bt_position dropped; /* the last one that was dropped */
  bt_trace_id *ids; /* of all that ever were in it, sorted: two windows can find a trace that is longer than margin */
  size_t id_count;
} bt_listing;
void bt_listing_dispose(bt_listing *listing);

/* Takes a window's violations; the array is empty afterwards. BT_NO_MEMORY: nothing was taken. `rest` is what no window
 * has covered yet (empty: nothing is left, and all is certain). */
/* What it holds, with what it has to remember of what was dropped. */
size_t bt_listing_bytes(const bt_listing *listing);
bt_status bt_listing_take(bt_listing *listing, bt_listed_array *window, bt_time_range rest, int64_t margin_ns,
                          bt_error *error) BT_MUST_CHECK;
/* The number of the first item after this position; NULL: of the first. */
size_t bt_listing_after(const bt_listing *listing, const bt_position *position);
/* Drops all certain items up to this position. */
void bt_listing_drop(bt_listing *listing, const bt_position *position);

#endif
