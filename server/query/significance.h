/* Whether a mark of traces (tally.h) goes along with violating, from two samples of traces. Uses Fisher's exact test
 * for each mark, Tarone's correction for many tests, and the odds ratio as the size of the effect. Nothing here is an
 * approximation for large numbers, because samples are small and most marks are rare. Thread: no state. Sources: R. A.
 * Fisher, The Design of Experiments (1935), §14; two-sided as the sum of all tables that are no more likely than the
 * one that was seen. R. E. Tarone, A modified Bonferroni method for discrete data, Biometrics 46 (1990) 515–522. B.
 * Woolf, On estimating the relation between blood group and disease, Annals of Human Genetics 19 (1955) 251–253. A half
 * is added to each cell (J. B. S. Haldane 1956, F. J. Anscombe 1956). */
#ifndef BT_SERVER_QUERY_SIGNIFICANCE_H
#define BT_SERVER_QUERY_SIGNIFICANCE_H

#include <stddef.h>
#include <stdint.h>

enum { BT_SAMPLE_SIDE_MAX = 500 }; /* traces of one side */

typedef struct bt_two_samples {
  uint32_t sizes[2]; /* each at most BT_SAMPLE_SIDE_MAX */
  double log_factorials[2 * BT_SAMPLE_SIDE_MAX + 1];
} bt_two_samples;
void bt_two_samples_init(bt_two_samples *samples, uint32_t first, uint32_t second);

/* The two-sided probability of counts as unequal as these, or more so, when both samples are drawn from one population;
 * 1 where a sample is empty. first and second: how many of each sample have the mark. */
double bt_fisher_probability(const bt_two_samples *samples, uint32_t first, uint32_t second);
/* The least that any mark can reach which `total` traces of both samples have. */
double bt_fisher_least(const bt_two_samples *samples, uint32_t total);
/* The least of all: a mark that all traces of one sample have and none of the other. */
double bt_fisher_perfect(const bt_two_samples *samples);

/* For how many marks the level has to be divided: the smallest k for which at most k marks can reach level / k at all.
 * `least` is of each mark, in ascending order. 0: none can reach the level. */
size_t bt_tarone_divisor(const double *least, size_t count, double level);

typedef struct bt_odds_ratio {
  double value, low, high; /* 95 % */
} bt_odds_ratio;
/* Odds of having the mark in the first sample against the second; finite also where a cell is empty. */
bt_odds_ratio bt_odds_ratio_of(const bt_two_samples *samples, uint32_t first, uint32_t second);

#endif
