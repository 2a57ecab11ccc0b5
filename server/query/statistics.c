/* Wilson and Newcombe intervals. See statistics.h. Wilson's stays between 0 and 1 and is right for few trials and for
 * rates near 0, which is where rates of violations lie; the textbook interval (p ± 1.96 √(p(1−p)/n)) is not. */
#include "server/query/statistics.h"

#include <math.h>

static const double Z = 1.959963984540054; /* the normal quantile of 97.5 % */

static double hit_rate(uint64_t hits, uint64_t trials) {
  return trials ? (double)hits / (double)trials : 0;
}

bt_interval bt_wilson_interval(uint64_t hits, uint64_t trials) {
  if (!trials) return (bt_interval){0, 1};
  double n = (double)trials, p = hit_rate(hits, trials), z2 = Z * Z;
  double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  double half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  bt_interval interval = {middle - half, middle + half};
  if (interval.low < 0 || hits == 0) interval.low = 0;
  if (interval.high > 1 || hits == trials) interval.high = 1;
  return interval;
}

bt_interval bt_difference_interval(double p1, bt_interval first, double p2, bt_interval second) {
  double difference = p2 - p1;
  double below = sqrt((p2 - second.low) * (p2 - second.low) + (first.high - p1) * (first.high - p1));
  double above = sqrt((second.high - p2) * (second.high - p2) + (p1 - first.low) * (p1 - first.low));
  return (bt_interval){difference - below, difference + above};
}
