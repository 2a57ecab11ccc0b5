/* Reading what has become quiet, for a round. In batches first; by id what a batch cannot give or whoever judges leaves
 * to that, and at last with the traces that links tie to it. A trace that cannot be read stays due; one that many reads
 * did not give, while they gave others and for longer than lookback, is counted and said. Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_READING_H
#define BT_SERVER_WATCH_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/replay/given_families.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_rules.h"
#include "server/watch/watch_table.h"
#include "tempo/wire/source.h"

/* One trace, as a read gives it. */
typedef struct bt_watch_read {
  const bt_trace *trace;
  const bt_family *family; /* of it; or NULL */
  bool is_final;           /* it is by id */
  unsigned projection;     /* else for these rules alone */
  bool lacks_shown;        /* it has not all spans that searches showed of it */
  bool was_asked;          /* no question about its family has failed */
} bt_watch_read;

/* Whether this read gives what the rule reads: of one that reads whole traces only where it was found for it. */
static inline bool bt_watch_read_is_for(const bt_watch_read *read, const bt_watch_rule *rule) {
  return read->is_final || (!rule->whole_trace && rule->projection == read->projection);
}

static inline bool bt_watch_read_is_last(const bt_watch_read *read, const bt_watch_rules *rules) {
  return read->is_final || read->projection + 1 == rules->projection_count;
}

/* Takes a trace that is due. Anything but BT_OK ends the read with it. */
typedef bt_status (*bt_watch_read_sink)(void *context, const bt_watch_read *read, bt_watched *watched, bt_error *error);

typedef struct bt_watch_reading {
  const bt_watch_round *round; /* borrowed; this and the next six: whoever reads fills them */
  bt_watch_table *table;       /* borrowed */
  bt_time_range listed;        /* as bt_watcher.listed */
  bt_watch_read_sink sink;
  void *context;
  bool has_read;  /* the last round has read traces; afterwards: this one has */
  uint32_t given; /* traces that reads have given; goes round */
  bool is_full;   /* by the sink: it takes no more, and the rest waits for the next round */

  bt_watch_cost cost; /* what came of it: this and the next three */
  uint64_t unread;    /* traces that were given up */
  bool has_lacked;    /* a read by id lacked what a search had shown: */
  bt_trace_id lacked; /* the first one */

  bt_trace_id *ids; /* that were due, oldest first; all from here on is its own */
  size_t count;
  bt_trace_id *by_id; /* of these: to be read by id */
  size_t by_id_count;
  uint32_t *span_counts;  /* room for as many as ids */
  bt_given_trace *linked; /* of these: to be judged with the traces that links tie to them */
  size_t linked_count, linked_capacity;
  const bt_trace_id *page; /* of the read under way */
  bt_watch_read way;       /* how that reads */
  unsigned failures;       /* of reads in batches, then of reads by id */
  bool is_over;            /* nothing more is asked in this round */
} bt_watch_reading;

/* What it needs: the lists of what is due, and a page as it is read and judged; of a small limit a part. */
size_t bt_watch_reading_bytes(const bt_watch_round *round, const bt_watch_table *table);
/* Reads all that is due. BT_CANCELLED, BT_NO_MEMORY; other errors are the last one of the source, and what could not be
 * read stays due. */
bt_status bt_watch_reading_run(bt_watch_reading *reading, bt_error *error) BT_MUST_CHECK;
void bt_watch_reading_dispose(bt_watch_reading *reading);
/* For the sink: it is read once more, by id; or with the traces that links tie to it. BT_NO_MEMORY alone. */
void bt_watch_reading_leave_to_id(bt_watch_reading *reading, bt_watched *watched);
bt_status bt_watch_reading_leave_to_links(bt_watch_reading *reading, const bt_trace *trace,
                                          bt_error *error) BT_MUST_CHECK;

#endif
