/* One tenant's watcher: its rounds. A round searches what is due, adds what was found to those that wait, reads and
 * judges what has become quiet, hands violations to the emitter, and a checkpoint. Nothing that could not be asked or
 * read is passed over: the slice, the trace, the violation stays due, and the watermark does not move past it. Only
 * server/watch includes this. Thread: one at a time; status may be looked at from any thread. */
#ifndef BT_SERVER_WATCH_WATCHER_H
#define BT_SERVER_WATCH_WATCHER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/store/rule_store.h"
#include "server/watch/watch.h"
#include "server/watch/watch_counts.h"
#include "server/watch/watch_emitter.h"
#include "server/watch/watch_outbox.h"
#include "server/watch/watch_room.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_rules.h"
#include "server/watch/watch_schedule.h"
#include "server/watch/watch_slices.h"
#include "server/watch/watch_start.h"
#include "server/watch/watch_table.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

/* What was logged last, so that it is not logged each round. */
typedef struct bt_watch_told {
  int64_t late_ns;      /* the delay of the late sweep; 0: none was */
  int64_t lost_ns;      /* the end of what was lost */
  int64_t unreached_ns; /* when: that a verdict took too long, */
  int64_t lacking_ns;   /* that a read lacked what a search had shown, */
  int64_t forgotten_ns; /* and that something sent was forgotten */
} bt_watch_told;

typedef struct bt_watcher {
  char *tenant;         /* "": none */
  bt_watch_round round; /* of the last round; its rules and times are those below */
  bt_watch_rules *rules;
  bt_watch_room memory; /* of the table, the open ones and what was counted */
  bt_watch_start start;
  bt_watch_schedule schedule;
  bt_watch_trying trying[BT_SLICE_KINDS];
  bt_watch_table table;
  bt_watch_outbox outbox;
  bt_watch_counted counted; /* of traces and rules: as exercised */
  bool has_read;            /* as in bt_watch_reading, for the next one */
  uint32_t given;           /* the same */
  /* All live slices from the one on to the other asked for every trace, and the table has what they found. Equal: none
   * did. */
  bt_time_range listed;
  int64_t no_listing_until_ns;      /* every trace was too much for the table: filters are asked until then */
  int64_t wall_ns;                  /* the wall clock, where it was set back behind that; else 0 */
  int64_t purge_due_ns;             /* of what is old */
  int64_t checkpoint_due_ns;        /* of the next one */
  bt_emitter_checkpoint checkpoint; /* the newest that was given to the emitter */
  bt_error checkpoint_why;          /* the last whose fate is known has failed; BT_OK: it was sent */
  int64_t sent_until_ns;            /* of the last checkpoint that was taken */
  bt_watch_told told;

  pthread_mutex_t mutex; /* guards: */
  bt_watch_status status;
} bt_watcher;

/* new. BT_NO_MEMORY alone. */
bt_status bt_watcher_new(const char *tenant, const bt_watch_options *options, bt_emitter *emitter,
                         const bt_cancel *cancel, bt_watcher **out, bt_error *error) BT_MUST_CHECK;
/* The emitter must not run any more: it may hold the watcher's violations. NULL is fine. */
void bt_watcher_free(bt_watcher *watcher);
/* One round at that time, with the rules as they are now. Failures of the source are in the status; BT_NO_MEMORY,
 * BT_CANCELLED end it. */
bt_status bt_watcher_round(bt_watcher *watcher, const bt_rule_list *rules, int64_t now_ns,
                           bt_error *error) BT_MUST_CHECK;
/* Before a round: the wall clock, if it is behind the time of the round; else 0. */
void bt_watcher_hear_wall(bt_watcher *watcher, int64_t wall_ns);
bt_watch_status bt_watcher_look(bt_watcher *watcher);

#endif
