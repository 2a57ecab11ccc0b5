/* What some traces have and the others have not: a version, a region, a tenant. Thread: no state. */
#ifndef BT_DSL_MINE_MARKS_H
#define BT_DSL_MINE_MARKS_H

#include "dsl/mine/sample.h"

enum { BT_CHANGE_MARKS = 3 };

typedef struct bt_mark {
  bt_mine_attribute value;
  double share; /* of the marked traces that have it: 0.95 to 1 */
} bt_mark;

/* Of `count` traces the first `marked` against the others. Writes at most BT_CHANGE_MARKS, the most telling first, and
 * returns how many. Only what would hardly stand in all of them by chance. */
uint32_t bt_marks_find(const bt_mine_trace *const *traces, size_t marked, size_t count, bt_mark *out);

/* What every trace of the candidate has and only some of the baseline, as the region in which a new version runs first:
 * leaves the others of the baseline out, so that like is compared with like, and says so in *out. Only where 40 traces
 * of the baseline at least have it. Versions are no such thing. Returns how many values there are, at most
 * BT_CHANGE_MARKS. After bt_mine_sample_finish. */
uint32_t bt_marks_match(bt_mine_sample *sample, bt_mark *out);

#endif
