/* What changed between the two groups of a sample. Which shares differ is told by permutation. The groups of the
 * candidate and of the confirming half of the baseline are exchanged at random, many times. A difference counts that is
 * larger than the largest one of all behaviours in 97.5 % of these. So where nothing changed, the chance to name
 * anything is at most 2.5 %, however the behaviours depend on each other, and the false discovery rate is no larger.
 * (P. Westfall and S. Young, Resampling-Based Multiple Testing, 1993. A. Cecconi, A. Augusto and C. Di Ciccio do so for
 * declarative rules: "Detection of statistically significant differences between process variants through declarative
 * rules", 2021.) What one change explains is one group. Borrows the sample. Thread: one. Errors: BT_NO_MEMORY alone.
 * Times are nanoseconds of the epoch. */
#ifndef BT_DSL_MINE_CHANGE_H
#define BT_DSL_MINE_CHANGE_H

#include "dsl/mine/behaviour.h"
#include "dsl/mine/marks.h"
#include "dsl/mine/share.h"

#define BT_CHANGE_LEVEL 0.025

typedef struct bt_change { /* a group, by the behaviour that speaks for it */
  const bt_behaviour *behaviour;
  bt_share before, after; /* traces that exercise it and keep it: of the whole baseline · of the candidate */
  double probability;     /* that permuted groups differ so much in anything */
  double damage;          /* traces of the candidate beyond what the baseline's share says */
  size_t members;         /* behaviours of the group, with this one */
  bool has_time;          /* the groups follow one another, so that it is known when it began: */
  int64_t since_ns, from_ns, until_ns; /* the first trace of it · the time of the change lies here, at about 95 % */
  bt_trace_id example_before, example_after; /* one that is as most were · one that is not */
  const uint64_t *all, *affected; /* bits of `traces`: what exercises it · what is not as most were before */
  uint32_t mark_count;
  bt_mark marks[BT_CHANGE_MARKS]; /* what nearly all traces have that are not as before, and the others have not */
} bt_change;

typedef struct bt_changes {
  bt_catalog catalog;
  bt_change *items; /* largest damage first */
  size_t count;
  const bt_mine_trace **traces; /* of both groups, in the order of their starts; borrowed from the sample */
  size_t trace_count;
  size_t looked_at;                           /* different behaviours that were compared */
  size_t unchanged;                           /* of them, in no group */
  uint32_t sizes[BT_MINE_GROUPS], confirming; /* traces of each · of the baseline's half that confirms */
  /* Of a behaviour that all traces exercise and keep: so many of the candidate had to break it to be told. 0: no number
   * would have been enough. */
  uint32_t least_seen;
} bt_changes;

/* Dispose in each case. is_timed: the groups are of different times. */
bt_status bt_changes_find(const bt_mine_sample *sample, bool is_timed, bt_changes *changes,
                          bt_error *error) BT_MUST_CHECK;
void bt_changes_dispose(bt_changes *changes);

/* What the trace with this number of `traces` is to the change. */
typedef enum bt_change_part { BT_CHANGE_NO_PART, BT_CHANGE_AS_BEFORE, BT_CHANGE_AFFECTED } bt_change_part;
bt_change_part bt_change_part_of(const bt_change *change, size_t trace);

#endif
