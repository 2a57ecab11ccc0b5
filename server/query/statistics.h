/* Rates and how sure they are. Thread: no state. */
#ifndef BT_SERVER_QUERY_STATISTICS_H
#define BT_SERVER_QUERY_STATISTICS_H

#include <stdint.h>

typedef struct bt_interval {
  double low, high;
} bt_interval;

/* The Wilson score interval of a proportion, hits of trials, for a two-sided confidence of 95 %. Without trials: 0
 * to 1. */
bt_interval bt_wilson_interval(uint64_t hits, uint64_t trials);
/* The difference (second − first) of two independent proportions: Newcombe's hybrid of their intervals, which are
 * Wilson's (his method 10), 95 %. */
bt_interval bt_difference_interval(double first, bt_interval of_first, double second, bt_interval of_second);

#endif
