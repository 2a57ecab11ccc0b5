/* Buckets of durations. See histogram.h. Each bucket counts its own; what Prometheus wants (all up to a bound) is
 * summed when it is written. */
#include "server/metrics/histogram.h"

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

const int64_t bt_request_bounds_ns[] = {MS,       5 * MS / 2, 5 * MS,    10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS,
                                        500 * MS, S,          5 * S / 2, 5 * S,   10 * S,  30 * S,  0};
const int64_t bt_evaluation_bounds_ns[] = {10 * MS, 50 * MS, 100 * MS, 500 * MS, S,        5 * S, 10 * S,
                                           30 * S,  60 * S,  300 * S,  900 * S,  3600 * S, 0};

size_t bt_histogram_bound_count(const int64_t *bounds_ns) {
  size_t count = 0;
  while (bounds_ns[count]) count++;
  return count;
}

void bt_histogram_observe(bt_histogram *histogram, const int64_t *bounds_ns, int64_t duration_ns) {
  if (duration_ns < 0) duration_ns = 0;
  size_t bucket = 0;
  while (bounds_ns[bucket] && duration_ns > bounds_ns[bucket]) bucket++;
  atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&histogram->sum_ns, (uint64_t)duration_ns, memory_order_relaxed);
}
