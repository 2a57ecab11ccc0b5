/* How many there were, when a part was seen: bounds from the binomial distribution. Each of n is seen with the
 * probability p, apart from the others, and k of them were. Sources: the exact interval of a binomial index (the N for
 * which k lies in neither tail), and the continued fraction of the incomplete beta function (DLMF 8.17.22). Thread:
 * no state. */
#ifndef BT_SERVER_BASE_BINOMIAL_H
#define BT_SERVER_BASE_BINOMIAL_H

#include <stdint.h>

/* The regularized incomplete beta function I_x(a, b); 0 ≤ x ≤ 1, a and b above 0. To some 12 digits, and 7 where they
 * are in the millions. */
double bt_beta_share(double x, double a, double b);
/* The least n of which so many or more are seen with a probability of `tail` or more; `seen` of 0: 0. p: above 0, at
 * most 1. tail: of one side, 0.025 for 95 %. UINT64_MAX: more than 2^62. */
uint64_t bt_binomial_least(uint64_t seen, double p, double tail);
/* The largest n of which so many or fewer are seen with a probability above `tail`. */
uint64_t bt_binomial_most(uint64_t seen, double p, double tail);

#endif
