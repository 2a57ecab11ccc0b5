/* Bounds from the binomial distribution. See binomial.h. */
#include "server/base/binomial.h"

#include "dsl/mine/share.h"

static const uint64_t MOST = UINT64_C(1) << 62;

/* That more than `seen` of n are seen. */
static double more_than(uint64_t seen, uint64_t n, double p) {
  return n > seen ? bt_incomplete_beta((double)seen + 1, (double)(n - seen), p) : 0;
}

/* The first n from `seen` on of which more than `seen` are seen with a probability of `enough` or more. */
static uint64_t first_with(uint64_t seen, double p, double enough) {
  uint64_t low = seen, high = seen + 1;
  while (high < MOST && more_than(seen, high, p) < enough) low = high, high *= 2;
  if (high >= MOST) return UINT64_MAX;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    if (more_than(seen, middle, p) < enough)
      low = middle;
    else
      high = middle;
  }
  return high;
}

uint64_t bt_binomial_least(uint64_t seen, double p, double tail) {
  if (!seen || p >= 1) return seen;
  return first_with(seen - 1, p, tail);
}

uint64_t bt_binomial_most(uint64_t seen, double p, double tail) {
  if (p >= 1) return seen;
  uint64_t first = first_with(seen, p, 1 - tail);
  return first == UINT64_MAX ? first : first - 1;
}
