/* How many there were, when a part was seen: bounds from the binomial distribution. Each of n is seen with the
 * probability p, apart from the others, and k of them were. They are exact: the n for which k lies in
 * neither tail. Thread: no state. */
#ifndef BT_SERVER_BASE_BINOMIAL_H
#define BT_SERVER_BASE_BINOMIAL_H

#include <stdint.h>

/* The least n of which so many or more are seen with a probability of `tail` or more; `seen` of 0: 0. p: above 0, at
 * most 1. tail: of one side, 0.025 for 95 %. UINT64_MAX: more than 2^62. */
uint64_t bt_binomial_least(uint64_t seen, double p, double tail);
/* The largest n of which so many or fewer are seen with a probability above `tail`. */
uint64_t bt_binomial_most(uint64_t seen, double p, double tail);

#endif
