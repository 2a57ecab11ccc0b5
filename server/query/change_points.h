/* When a rate changed: the times at which violations became more or fewer, each with the interval in which it lies.
 * Traffic that comes and goes is no change, since rates are of what exercised the rule. Where that is not known they
 * are of time. Thread: no state. */
#ifndef BT_SERVER_QUERY_CHANGE_POINTS_H
#define BT_SERVER_QUERY_CHANGE_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BT_CHANGES_MAX = 8, BT_RATE_STEPS_LEAST = 8 };

typedef struct bt_rate_step { /* one whose numbers are known */
  int64_t start_ns, end_ns;
  uint64_t violations, exercised; /* exercised: at least as many; by time not looked at */
} bt_rate_step;

typedef struct bt_rate_part { /* of the steps between two changes that are next to each other */
  uint64_t violations, exercised;
  int64_t length_ns; /* of these steps; gaps are left out */
} bt_rate_part;

typedef struct bt_rate_change {
  int64_t from_ns, to_ns; /* it lies between these with 95 % */
  int64_t at_ns;          /* most likely here */
  bt_rate_part before, after;
} bt_rate_change;

/* How many it wrote to `out`, in the order of time; of fewer than BT_RATE_STEPS_LEAST steps none. The steps are in
 * order and do not overlap; there may be gaps.
 *
 * A part of the range is set against the rest (circular binary segmentation, A. Olshen et al., Biostatistics 5, 2004),
 * and is a change where chance would make so much of any part in less than one of 100 ranges. The chance is bounded by
 * W. Hoeffding's inequality for draws without replacement (1963), and so holds for small numbers. Violations that come
 * in bursts make it larger: by how much is measured from step to step. The rates differ by half or more. */
size_t bt_rate_changes_find(const bt_rate_step *steps, size_t count, bool by_time, bt_rate_change out[BT_CHANGES_MAX]);
/* Else it fell. */
bool bt_rate_change_is_rise(const bt_rate_change *change, bool by_time);

#endif
