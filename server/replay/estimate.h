/* How many traces happened, where a sample of them was kept (sampling by probability, keeping.h): an interval of 95 %
 * and never a number alone. Of one probability it is exact. Of several, each one's own interval is joined by recovering
 * variances from their ends (Zou and Donner, 2008), which covers 95 % on average and 94 % at least, as a test finds.
 * Thread: no state. */
#ifndef BT_SERVER_REPLAY_ESTIMATE_H
#define BT_SERVER_REPLAY_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Traces that were each kept with a probability from `least` to `most`; 0 < least ≤ most ≤ 1. With `seen` of 0: such as
 * there may have been of which none was kept. */
typedef struct bt_kept_group {
  double least, most;
  uint64_t seen;
} bt_kept_group;

typedef struct bt_estimate {
  uint64_t low, high; /* high: UINT64_MAX is that there is no such bound */
} bt_estimate;

enum { BT_KEPT_GROUPS_MAX = 40 };
/* At most BT_KEPT_GROUPS_MAX groups. */
bt_estimate bt_estimate_happened(const bt_kept_group *groups, size_t count);
/* Of traces of which no more is known than that each was kept with a probability in this range. */
bt_estimate bt_estimate_within(double least, double most, uint64_t seen);

#endif
