/* Bounds from the binomial distribution. See binomial.h. */
#include "server/base/binomial.h"

#include <math.h>
#include <stdbool.h>

static const double TINY = 1e-300, CLOSE = 1e-13;
static const uint64_t MOST = UINT64_C(1) << 62;

static double away_from_zero(double x) {
  return fabs(x) < TINY ? TINY : x;
}

/* Lentz's way through the fraction; it takes about the root of the larger of a and b steps. */
static double continue_fraction(double x, double a, double b) {
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
  double most = 200 + 20 * sqrt(a > b ? a : b);
  for (double m = 1; m < most; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    value *= c * d;
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    value *= c * d;
    if (fabs(c * d - 1) < CLOSE) break;
  }
  return value;
}

double bt_beta_share(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * continue_fraction(x, a, b) / a
                                   : 1 - front * continue_fraction(1 - x, b, a) / b;
}

/* That more than `seen` of n are seen. */
static double more_than(uint64_t seen, uint64_t n, double p) {
  return n > seen ? bt_beta_share(p, (double)seen + 1, (double)(n - seen)) : 0;
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
