/* How many traces happened. See estimate.h. */
#include "server/replay/estimate.h"

#include <math.h>

#include "server/base/binomial.h"

static const double TAIL = 0.025;

typedef struct stratum {
  double p;
  uint64_t seen;
} stratum;

/* Those of one probability are one: the fewer strata, the nearer to exact. */
static size_t add_stratum(stratum *strata, size_t count, double p, uint64_t seen) {
  for (size_t i = 0; i < count; i++)
    if (strata[i].p == p) return strata[i].seen += seen, count;
  strata[count] = (stratum){p, seen};
  return count + 1;
}

static double square_of(double x) {
  return x * x;
}

static uint64_t find_low(const stratum *strata, size_t count) {
  double sum = 0, variance = 0;
  for (size_t i = 0; i < count; i++) {
    double low = (double)bt_binomial_least(strata[i].seen, strata[i].p, TAIL), happened;
    if (count == 1) return (uint64_t)low;
    happened = fmax((double)strata[i].seen / strata[i].p, low);
    sum += happened;
    variance += square_of(happened - low);
  }
  double low = floor(sum - sqrt(variance) + 1e-9), seen = 0;
  for (size_t i = 0; i < count; i++) seen += (double)strata[i].seen;
  return (uint64_t)fmax(low, seen);
}

static uint64_t find_high(const stratum *strata, size_t count) {
  double sum = 0, variance = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t most = bt_binomial_most(strata[i].seen, strata[i].p, TAIL);
    if (count == 1 || most == UINT64_MAX) return most;
    double happened = fmin((double)strata[i].seen / strata[i].p, (double)most);
    sum += happened;
    variance += square_of((double)most - happened);
  }
  return (uint64_t)ceil(sum + sqrt(variance) - 1e-9);
}

bt_estimate bt_estimate_happened(const bt_kept_group *groups, size_t count) {
  stratum low[BT_KEPT_GROUPS_MAX], high[BT_KEPT_GROUPS_MAX];
  size_t low_count = 0, high_count = 0;
  for (size_t i = 0; i < count && i < BT_KEPT_GROUPS_MAX; i++) {
    if (groups[i].seen) low_count = add_stratum(low, low_count, groups[i].most, groups[i].seen);
    high_count = add_stratum(high, high_count, groups[i].least, groups[i].seen);
  }
  return (bt_estimate){find_low(low, low_count), find_high(high, high_count)};
}

bt_estimate bt_estimate_within(double least, double most, uint64_t seen) {
  const bt_kept_group groups[] = {{least, most, seen}, {least, least, 0}, {most, most, 0}};
  bt_estimate estimate = bt_estimate_happened(groups, sizeof groups / sizeof *groups);
  if (estimate.low < seen) estimate.low = seen;
  return estimate;
}
