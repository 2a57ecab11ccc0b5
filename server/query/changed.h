/* "What changed", for whoever asks: two sides of a source, each a range and what its traces have to carry, are read as
 * samples and compared by dsl/mine. What it holds is in the replay's account of memory, where it has one: then a sample
 * takes a quarter of its limit at most. Thread: the caller's; the source may use others. Errors: BT_CANCELLED,
 * BT_NO_MEMORY, BT_LIMIT, or what the source says. */
#ifndef BT_SERVER_QUERY_CHANGED_H
#define BT_SERVER_QUERY_CHANGED_H

#include "dsl/mine/change.h"
#include "server/memory/account.h"
#include "server/replay/kept_traces.h"
#include "server/query/trace_sample.h"

enum {
  BT_CHANGED_LISTED = 2000000, /* traces of a range; of more no random sample can be taken */
  BT_CHANGED_SAMPLE = 10000,   /* traces of each side */
  BT_CHANGED_SAMPLE_MAX = 100000,
  BT_CHANGED_BYTES = 256 << 20
};

/* Whose attribute it is. */
typedef enum bt_changed_where { BT_CHANGED_ANYWHERE, BT_CHANGED_RESOURCE, BT_CHANGED_SPAN } bt_changed_where;

typedef struct bt_changed_side {
  bt_time_range range;
  bt_str key, value; /* some span or its resource has this; key "": any */
  bt_changed_where where;
  const bt_str *services; /* a span of one of these; none: of any */
  size_t service_count;
} bt_changed_side;

typedef struct bt_changed {
  bt_changed_side sides[BT_MINE_GROUPS]; /* set before; a trace of both is of the candidate */
  bt_str chosen;                         /* lines that say how they were chosen; borrowed. "": somebody named them */
  uint64_t seed;
  size_t sample;          /* traces of each side */
  bt_mine_sample *traces; /* NULL: nothing was read */
  bt_changes changes;
  bt_trace_sample_account account;
  /* Sides are told by what traces carry, and all of the candidate have these: only such traces of the baseline are
   * compared. share: of the baseline before. */
  bt_mark matched[BT_CHANGE_MARKS];
  uint32_t matched_count;
  bool is_timed;              /* the baseline ends before the candidate begins */
  bt_sampled_traces sampling; /* as the traces say that were read */
  char stopped[240];          /* why it did not come to its end; "": it did */
  bool has_no_room;           /* BT_LIMIT, because of the account of memory */
  /* Set before, or NULL: told how much is read, 0 to 1, now and then. */
  void (*progress)(void *context, double fraction);
  void *progress_context;
  /* Set before: where it is cancelled while traces are read, those that were read are compared, and `stopped` says so.
   */
  bool keeps_part;
  bt_memory_hold hold;
} bt_changed;

/* Of the replay all but its range is used. Dispose in each case. */
bt_status bt_changed_find(bt_source *source, const bt_replay_request *replay, bt_changed *changed,
                          bt_error *error) BT_MUST_CHECK;
/* The same, and BT_OK where its time was over or the source did not answer: then `stopped` says so. */
bt_status bt_changed_answer(bt_source *source, const bt_replay_request *replay, bt_changed *changed,
                            bt_error *error) BT_MUST_CHECK;
/* Whether so little was read that nothing can be said; and why, a text of ours. NULL: it can. */
const char *bt_changed_is_unknown(const bt_changed *changed);
void bt_changed_dispose(bt_changed *changed);

#endif
