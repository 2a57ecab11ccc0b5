/* When a rate rose. See onset.h. */
#include "dsl/mine/onset.h"

#include <math.h>

static const double LOSS = 5; /* log-likelihood */

/* Of so many hits of so many, at their own rate. */
static double likelihood_of(size_t hits, size_t all) {
  double value = 0, share = all ? (double)hits / (double)all : 0;
  if (share > 0) value += (double)hits * log(share);
  if (share < 1) value += (double)(all - hits) * log(1 - share);
  return value;
}

bt_onset bt_onset_find(const bool *hit, size_t count, double *scores) {
  size_t hits = 0, before = 0;
  double best = -INFINITY;
  bt_onset onset = {count, 0};
  for (size_t i = 0; i < count; i++) hits += hit[i];
  for (size_t i = 0; i < count; i++) {
    size_t since = hits - before, left = count - i;
    bool rises = (double)since / (double)left > (i ? (double)before / (double)i : 0);
    scores[i] = rises ? likelihood_of(before, i) + likelihood_of(since, left) : -INFINITY;
    if (scores[i] > best) best = scores[i];
    before += hit[i];
  }
  for (size_t i = 0; i < count; i++) {
    if (scores[i] < best - LOSS) continue;
    if (onset.first == count) onset.first = i;
    onset.last = i;
  }
  return onset;
}
