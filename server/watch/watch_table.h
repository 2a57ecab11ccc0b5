/* The traces that a watcher has seen: those that wait until they are quiet, and for a while those that it judged. It
 * does not read a judged trace again if a search finds it without anything new. Forgetting one costs a read and never
 * an answer. Thread: belongs to its watcher. */
#ifndef BT_SERVER_WATCH_TABLE_H
#define BT_SERVER_WATCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/trace/trace.h"
#include "server/watch/watch_schedule.h"
#include "server/watch/watch_room.h"
#include "tempo/wire/shown_spans.h"

#define BT_WATCH_NOT_DUE INT64_MAX

typedef struct bt_watched {
  bt_trace_id id;
  int64_t start_ns, end_ns; /* of what is known of it */
  uint32_t span_count;      /* as searches saw it (bt_found) */
  bt_shown shown;           /* of the searches that it waits for: a read must have these spans */
  bool has_copies;          /* the last batch showed records of a span that differ */
  /* Live slices that asked for every trace found it, and all searches that did looked up to here: no fragment of it
   * lies later. 0: some fragment may have been passed over. */
  int64_t listed_until_ns;
  int64_t due_ns; /* when to read it; BT_WATCH_NOT_DUE: it was judged */
  union {
    int64_t waits_since_ns; /* when it was found, while it waits */
    int64_t judged_ns;      /* when it was judged, while it is not due */
  };
  bt_watch_hold hold; /* while it waits */
  uint32_t given_at;  /* how many traces the watcher had been given when a read of this one failed last */
  uint8_t misses;     /* while it waits: reads of it that did not give it, and tell something about it */
  bool was_judged;
  uint8_t read_with; /* in this round, so many of the rules' projections; */
  bool waits_by_id;  /* and it is left to a read by id */
  bool is_of_whole;  /* found for a rule that reads whole traces, now or before */
} bt_watched;

typedef struct bt_watch_table {
  bt_watched *traces; /* in no order */
  size_t count, capacity, maximum;
  bt_table table;      /* of traces, by id */
  bt_watch_room *room; /* borrowed; or NULL */
} bt_watch_table;

/* maximum: traces; more are BT_LIMIT, and so is what finds no room. */
void bt_watch_table_init(bt_watch_table *table, size_t maximum, bt_watch_room *room);
void bt_watch_table_dispose(bt_watch_table *table);
bt_watched *bt_watch_table_find(bt_watch_table *table, const bt_trace_id *id); /* NULL: not there */
/* Borrowed until the next add or purge. A new one has no bounds yet (start_ns INT64_MAX, end_ns INT64_MIN) and is not
 * due. NULL: `error` says why (BT_LIMIT: the table is full, or there is no room for a larger one; BT_NO_MEMORY). */
bt_watched *bt_watch_table_add(bt_watch_table *table, const bt_trace_id *id, bt_error *error);
/* Forgets judged traces that ended before that time. Needs no memory. */
void bt_watch_table_purge(bt_watch_table *table, int64_t before_ns);

typedef struct bt_watch_waiting {
  size_t count;
  bt_watch_hold hold; /* of all that wait */
} bt_watch_waiting;
bt_watch_waiting bt_watch_table_waiting(const bt_watch_table *table);

#endif
