/* Which ranges of time a watcher searches next (api.md, Watch): slices as time goes on, the same ones again for spans
 * that came late, and gaps of the past. Ranges of one lane follow one another without a hole: what was not answered
 * stays where it is and is asked again. All times are of the spans, in nanoseconds since the epoch. Thread: values;
 * belongs to its watcher. */
#ifndef BT_SERVER_WATCH_SCHEDULE_H
#define BT_SERVER_WATCH_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/time_sum.h"
#include "tempo/wire/source.h"

/* Gaps: as many as one attribute of a span holds as text (Tempo cuts at 2,048 bytes). */
enum { BT_WATCH_SWEEPS = 3, BT_WATCH_GAPS_MAX = 32 };

typedef struct bt_watch_times {
  int64_t settle_ns;      /* spans younger than this are left to the next rounds */
  int64_t lookback_ns;    /* how far the slices may fall behind before it is a gap; and the delay of the second sweep */
  int64_t first_sweep_ns; /* the delay of the first sweep */
  int64_t late_sweep_ns;  /* of the third one, which is there where this is longer than lookback */
  int64_t sweep_step_ns;  /* a sweep repeats so much at once */
  int64_t chunk_ns;       /* the most that one search covers */
  int64_t catchup_max_ns; /* gaps older than this are not caught up */
} bt_watch_times;

typedef enum bt_slice_kind { BT_SLICE_LIVE, BT_SLICE_SWEEP, BT_SLICE_CATCH_UP } bt_slice_kind;
enum { BT_SLICE_KINDS = BT_SLICE_CATCH_UP + 1 };

typedef struct bt_slice {
  bt_slice_kind kind;
  unsigned number; /* of the sweep */
  bt_time_range range;
} bt_slice;

typedef struct bt_watch_schedule {
  bt_watch_times times;
  int64_t searched_ns;               /* everything before it, gaps aside, was searched */
  int64_t swept_ns[BT_WATCH_SWEEPS]; /* everything before it was searched again after the sweep's delay; of one that is
                                        not there it says nothing */
  bt_time_range
      gaps[BT_WATCH_GAPS_MAX]; /* by time: not searched, to be caught up; the part in front goes as it is searched */
  size_t gap_count;
  int64_t caught_up_ns; /* the latest end of what was searched of gaps; INT64_MIN: nothing was */
  int64_t started_ns;   /* where searched_ns began */
  int64_t first_ns;     /* before it nobody has watched; INT64_MIN: somebody has */
  int64_t repeated_ns;  /* while the clock is set back: what lies before was searched again; else 0 */
  bt_time_range lost;   /* too old to be caught up: a hull; empty when there is none */
} bt_watch_schedule;

/* What keeps the watermark where it is: something that was found in a range, and is not judged or sent yet. */
typedef struct bt_watch_hold {
  int64_t slices_ns; /* slices and sweeps are done only up to here; INT64_MAX: it holds none of them */
  int64_t gaps_ns;   /* the same for gaps */
} bt_watch_hold;

#define BT_WATCH_HOLDS_NOTHING ((bt_watch_hold){INT64_MAX, INT64_MAX})

static inline bt_watch_hold bt_watch_hold_join(bt_watch_hold a, bt_watch_hold b) {
  return (bt_watch_hold){bt_time_earlier(a.slices_ns, b.slices_ns), bt_time_earlier(a.gaps_ns, b.gaps_ns)};
}

/* Adds a range to gaps in order of time; those that meet become one, and without room for one more the last two do,
 * which only repeats what lies between them. */
void bt_watch_gaps_add(bt_time_range gaps[BT_WATCH_GAPS_MAX], size_t *count, bt_time_range gap);
/* The hull of both, either of which may be empty. */
bt_time_range bt_watch_hull(bt_time_range a, bt_time_range b);

/* Begins at the watermark, the time before which an earlier watcher had done everything; INT64_MIN: there was none, and
 * watching begins now. swept_ns: how far that watcher's sweeps had come, which may have had other delays and steps;
 * NULL, or 0 in it: it is not known. */
void bt_watch_schedule_start(bt_watch_schedule *schedule, const bt_watch_times *times, int64_t watermark_ns,
                             const int64_t swept_ns[BT_WATCH_SWEEPS], int64_t now_ns);
/* Adds a gap of an earlier watcher. */
void bt_watch_schedule_add_gap(bt_watch_schedule *schedule, bt_time_range gap, int64_t now_ns);
/* Turns what fell behind by more than lookback into a gap, what no sweep came to in time too, and what is older than
 * catchup_max into a lost one. */
void bt_watch_schedule_advance(bt_watch_schedule *schedule, int64_t now_ns);
/* The wall clock was set back to `wall_ns`, behind the time that watch goes by (0: it is not). If it is right now, it
 * was ahead before, and ranges were searched before their spans were there: they become gaps, and so are searched
 * again, as soon as they are settled by that clock too. */
void bt_watch_schedule_repeat(bt_watch_schedule *schedule, int64_t wall_ns, int64_t now_ns);
/* The next range of that kind that is due. False: none is. */
bool bt_watch_schedule_due(const bt_watch_schedule *schedule, bt_slice_kind kind, int64_t now_ns, bt_slice *out);
/* The slice was answered in full. */
void bt_watch_schedule_done(bt_watch_schedule *schedule, const bt_slice *slice);
/* How far sweeps have come for a next watcher, where everything before done_ns is done: what they found of the time
 * before was judged, too. */
void bt_watch_schedule_swept(const bt_watch_schedule *schedule, int64_t done_ns, int64_t out[BT_WATCH_SWEEPS]);
/* What is left of gaps, with what was searched of them and is held (bt_watch_hold.gaps_ns); returns how many. */
size_t bt_watch_schedule_gaps(const bt_watch_schedule *schedule, int64_t held_ns,
                              bt_time_range gaps[BT_WATCH_GAPS_MAX]);
/* How far a next watcher may begin: what lies before has been searched and, where that was due, swept. Gaps aside. */
int64_t bt_watch_schedule_done_ns(const bt_watch_schedule *schedule);
/* The earliest time that will be searched, again or at last: spans of before it can change nothing any more. */
int64_t bt_watch_schedule_from_ns(const bt_watch_schedule *schedule);
/* The delay after which a sweep comes, and whether there is that sweep. */
int64_t bt_watch_sweep_delay(const bt_watch_times *times, unsigned number);
bool bt_watch_has_sweep(const bt_watch_times *times, unsigned number);
/* After the longest of them nothing is looked at again. */
int64_t bt_watch_last_delay(const bt_watch_times *times);
/* The source may hide spans for longer, or less long, than was known: what was looked at too early is looked at again.
 */
void bt_watch_schedule_set_late(bt_watch_schedule *schedule, int64_t late_sweep_ns, int64_t now_ns);
/* Everything before it was looked at again, gaps aside, when it was age_ns old at least, and what was found was judged
 * (done_ns: as for bt_watch_schedule_swept). INT64_MIN: no sweep comes so late. */
int64_t bt_watch_schedule_certain_ns(const bt_watch_schedule *schedule, int64_t done_ns, int64_t age_ns);

#endif
