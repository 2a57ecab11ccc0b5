/* One tenant's watcher: its rounds. A round searches what is due, adds what was found to those that wait, reads and
 * judges what has become quiet, hands violations to the emitter, and a checkpoint. Nothing that could not be asked or
 * read is passed over: the slice, the trace, the violation stays due, and the watermark does not move past it. Only
 * server/watch includes this. Thread: one at a time; status may be looked at from any thread. */
#ifndef BT_SERVER_WATCH_WATCHER_H
#define BT_SERVER_WATCH_WATCHER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/store/rule_store.h"
#include "server/watch/watch.h"
#include "server/watch/watch_counts.h"
#include "server/watch/watch_emitter.h"
#include "server/watch/watch_open_set.h"
#include "server/watch/watch_room.h"
#include "server/watch/watch_rules.h"
#include "server/watch/watch_schedule.h"
#include "server/watch/watch_table.h"
#include "tempo/wire/cancellation.h"

/* Of one kind of slices. All-zero: the last one was done. */
typedef struct bt_watch_trying {
  int64_t since_ns;   /* since when it finds no room for all of its traces; 0: it does */
  int64_t slice_ns;   /* the most that one search covers; 0: what the schedule says */
  bt_slice slice;     /* that was begun, */
  size_t query_count; /* and how many filters, from the first, were answered for it */
} bt_watch_trying;

typedef struct bt_watcher {
  char *tenant;                    /* "": none */
  const bt_watch_options *options; /* borrowed */
  bt_emitter *emitter;             /* borrowed */
  const bt_cancel *cancel;         /* borrowed */
  bt_watch_rules *rules;
  bt_watch_room memory; /* of the table, the open ones and what was counted */
  bt_watch_schedule schedule;
  bt_watch_trying trying[BT_SLICE_KINDS];
  bt_watch_table table;
  bt_open_set open;
  bt_watch_counted counted; /* of traces and rules: as exercised */
  bool is_started;          /* the watermark is known */
  bool has_read;            /* the last round has read traces */
  uint32_t given;           /* traces that reads have given; goes round */
  size_t room;              /* of the emitter, while a trace is judged */
  int64_t now_ns;           /* of this round */
  int64_t tried_ns;         /* of the first one; 0: there was none */
  int64_t shown_after_ns;   /* so old, a time has all its late spans in searches; 0: none comes later than settle */
  int64_t late_reach_ns;    /* a search for late spans goes on for so long (bt_late_reach_ns) */
  /* All live slices from the one on to the other asked for every trace, and the table has what they found. Equal: none
   * did. */
  bt_time_range listed;
  int64_t no_listing_until_ns; /* every trace was too much for the table: filters are asked until then */
  int64_t told_late_ns;        /* the delay of the late sweep that was logged last; 0: none was */
  int64_t wall_ns;             /* the wall clock, where it was set back behind that; else 0 */
  int64_t checkpoint_due_ns, purge_due_ns, recover_due_ns, gap_searched_ns;
  int64_t began_ns;        /* where it began, when search named no checkpoint */
  int64_t look_due_ns;     /* when it looks once more whether there was one; INT64_MAX: it does not */
  int64_t unread_since_ns; /* since when the source answers, and gives some sent violation by no read; 0: it does not */
  bt_emitter_checkpoint checkpoint; /* the newest that was given to the emitter */
  bool checkpoint_failed;           /* the last whose fate is known */
  bt_error checkpoint_why;
  int64_t sent_until_ns;     /* of the last checkpoint that was taken */
  int64_t told_lost_ns;      /* the end of what was logged as lost */
  int64_t told_unreached_ns; /* when it was logged last that a verdict took too long, */
  int64_t told_lacking_ns;   /* and that a read lacked what a search had shown */
  int64_t told_forgotten_ns; /* when it was logged last that something sent was forgotten */

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

/* watch_slices.c: searches what is due. BT_CANCELLED, BT_NO_MEMORY; other errors are in the status. */
bt_status bt_watch_slices_search(bt_watcher *watcher, bt_error *error) BT_MUST_CHECK;
/* watch_judge.c: reads and judges what has become quiet. BT_CANCELLED, BT_NO_MEMORY; other errors are in the status. */
bt_status bt_watch_judge_due(bt_watcher *watcher, bt_error *error) BT_MUST_CHECK;
/* watch_recovery.c: the open violations of an earlier watcher, read back from the source, so that they can be taken
 * back, from before what the schedule will search. Those that are known already stay as they are. BT_UNAVAILABLE: part
 * of them could not be searched or read. BT_LIMIT: there is no room for them. Else errors are those of the source. */
bt_status bt_watch_recover(bt_watcher *watcher, bt_error *error) BT_MUST_CHECK;

/* Says in the status what went wrong; the round goes on. BT_NO_MEMORY and BT_CANCELLED are returned, all else is BT_OK.
 */
bt_status bt_watcher_note(bt_watcher *watcher, const char *what, bt_status status, const bt_error *why,
                          bt_error *error) BT_MUST_CHECK;
/* Hands an open violation to the emitter, which has to have room. */
void bt_watcher_push(bt_watcher *watcher, bt_open *open, bool retract);
/* For want of room: forgets some of what was sent, and says so. False: there is nothing. */
bool bt_watcher_forget_sent(bt_watcher *watcher);
const char *bt_watcher_scope(const bt_watcher *watcher); /* X-Scope-OrgID, or NULL */

#endif
