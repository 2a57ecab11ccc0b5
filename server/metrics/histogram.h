/* A histogram of durations that any thread may add to. Readers see each bucket as it is at that moment; a sum read
 * while others add may be ahead of the buckets by what is being added. Thread: any, without a lock. */
#ifndef BT_SERVER_METRICS_HISTOGRAM_H
#define BT_SERVER_METRICS_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { BT_HISTOGRAM_BOUNDS_MAX = 16 };

typedef struct bt_histogram { /* all-zero is empty */
  atomic_uint_fast64_t buckets[BT_HISTOGRAM_BOUNDS_MAX + 1];
  atomic_uint_fast64_t sum_ns;
} bt_histogram;

/* Upper bounds in nanoseconds, rising, ending with 0. One set for requests (1 ms to 30 s), one for evaluations (10 ms
 * to 1 h). */
extern const int64_t bt_request_bounds_ns[], bt_evaluation_bounds_ns[];

/* bounds: the same with every call. A duration below 0 counts as 0. */
void bt_histogram_observe(bt_histogram *histogram, const int64_t *bounds_ns, int64_t duration_ns);
size_t bt_histogram_bound_count(const int64_t *bounds_ns);

#endif
