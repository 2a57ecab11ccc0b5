/* Fisher's exact test, Tarone's correction, odds ratios. See significance.h. */
#include "server/query/significance.h"

#include <math.h>

static const double Z = 1.959963984540054; /* the normal quantile of 97.5 % */
static const double TIE = 1 + 1e-7;        /* tables that are equally likely differ by rounding only */

void bt_two_samples_init(bt_two_samples *samples, uint32_t first, uint32_t second) {
  samples->sizes[0] = first;
  samples->sizes[1] = second;
  samples->log_factorials[0] = 0;
  for (uint32_t n = 1; n <= first + second; n++)
    samples->log_factorials[n] = samples->log_factorials[n - 1] + log((double)n);
}

static double log_choose(const bt_two_samples *s, uint32_t n, uint32_t k) {
  return s->log_factorials[n] - s->log_factorials[k] - s->log_factorials[n - k];
}

/* Of the table in which `first` of the `total` marked traces are in the first sample. */
static double table_probability(const bt_two_samples *s, uint32_t first, uint32_t total) {
  double log_ways = log_choose(s, s->sizes[0], first) + log_choose(s, s->sizes[1], total - first);
  return exp(log_ways - log_choose(s, s->sizes[0] + s->sizes[1], total));
}

static uint32_t fewest_hits(const bt_two_samples *s, uint32_t total) {
  return total > s->sizes[1] ? total - s->sizes[1] : 0;
}

static uint32_t most_hits(const bt_two_samples *s, uint32_t total) {
  return total < s->sizes[0] ? total : s->sizes[0];
}

double bt_fisher_probability(const bt_two_samples *s, uint32_t first, uint32_t second) {
  uint32_t total = first + second;
  double seen = table_probability(s, first, total) * TIE, sum = 0;
  for (uint32_t n = fewest_hits(s, total); n <= most_hits(s, total); n++) {
    double probability = table_probability(s, n, total);
    if (probability <= seen) sum += probability;
  }
  return sum < 1 ? sum : 1;
}

double bt_fisher_least(const bt_two_samples *s, uint32_t total) {
  uint32_t low = fewest_hits(s, total), high = most_hits(s, total);
  double of_low = bt_fisher_probability(s, low, total - low), of_high = bt_fisher_probability(s, high, total - high);
  return of_low < of_high ? of_low : of_high;
}

double bt_fisher_perfect(const bt_two_samples *s) {
  return bt_fisher_probability(s, s->sizes[0], 0);
}

size_t bt_tarone_divisor(const double *least, size_t count, double level) {
  size_t able = count; /* marks that can reach level / k */
  for (size_t k = 1; k <= count; k++) {
    while (able && least[able - 1] > level / (double)k) able--;
    if (able <= k) return able ? k : 0;
  }
  return count;
}

bt_odds_ratio bt_odds_ratio_of(const bt_two_samples *s, uint32_t first, uint32_t second) {
  double a = first + 0.5, b = s->sizes[0] - first + 0.5, c = second + 0.5, d = s->sizes[1] - second + 0.5;
  double middle = log(a * d / (b * c)), half = Z * sqrt(1 / a + 1 / b + 1 / c + 1 / d);
  return (bt_odds_ratio){exp(middle), exp(middle - half), exp(middle + half)};
}
