/* Exact intervals of shares, the likelihood ratio of two, and exact tests. See share.h. */
#include "dsl/mine/share.h"

#include <math.h>
#include <stdbool.h>

static const double TINY = 1e-300, PRECISE = 1e-15;
enum { MOST_STEPS = 10000, HALVINGS = 60 };

double bt_share_value(bt_share share) {
  return share.all ? (double)share.kept / share.all : 0;
}

static double away_from_zero(double x) {
  return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction, which is short for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m <= MOST_STEPS; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    value *= c * d;
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    value *= c * d;
    if (fabs(c * d - 1) < PRECISE) break;
  }
  return value;
}

double bt_incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  bool is_short = x < (a + 1) / (a + b + 2);
  return is_short ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* The x for which I_x(a, b) is `share`. */
static double beta_quantile(double a, double b, double share) {
  double low = 0, high = 1;
  for (int i = 0; i < HALVINGS; i++) {
    double middle = (low + high) / 2;
    if (bt_incomplete_beta(a, b, middle) < share)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

bt_share_bounds bt_share_interval(bt_share share, double confidence) {
  double tail = (1 - confidence) / 2, kept = share.kept, rest = share.all - share.kept;
  bt_share_bounds bounds = {0, 1};
  if (share.kept) bounds.low = beta_quantile(kept, rest + 1, tail);
  if (share.kept < share.all) bounds.high = beta_quantile(kept + 1, rest, 1 - tail);
  return bounds;
}

static double times_log(double x) {
  return x > 0 ? x * log(x) : 0;
}

/* Of one share: its log-likelihood at its own rate. */
static double own_likelihood(double kept, double all) {
  return times_log(kept) + times_log(all - kept) - times_log(all);
}

double bt_share_difference(bt_share first, bt_share second) {
  if (!first.all || !second.all) return 0;
  double both = own_likelihood((double)first.kept + second.kept, (double)first.all + second.all);
  double value = 2 * (own_likelihood(first.kept, first.all) + own_likelihood(second.kept, second.all) - both);
  return value > 0 ? value : 0;
}

static double log_choose(double of, double chosen) {
  return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1);
}

double bt_share_exceeds(bt_share first, bt_share second) {
  double all = (double)first.all + second.all, kept = (double)first.kept + second.kept, sum = 0;
  if (!first.all || !second.all) return 1;
  for (double k = first.kept; k <= first.all && k <= kept; k++) {
    double broken = first.all - k;
    if (broken > all - kept) continue;
    double term = exp(log_choose(kept, k) + log_choose(all - kept, broken) - log_choose(all, first.all));
    sum += term;
    if (term < sum * PRECISE && k > first.all * kept / all) break;
  }
  return sum < 1 ? sum : 1;
}

double bt_signs_exceed(uint32_t more, uint32_t less) {
  return more ? bt_incomplete_beta(more, less + 1.0, 0.5) : 1;
}
