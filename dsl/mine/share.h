/* Shares and how sure they are: exact intervals, and how unlike two shares are. Thread: no state. Sources: C. Clopper
 * and E. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
 * (1934) 404–413. The incomplete beta function by its continued fraction (NIST Digital Library of Mathematical
 * Functions, 8.17.22), by the method of W. Lentz, Applied Optics 15 (1976) 668–671. */
#ifndef BT_DSL_MINE_SHARE_H
#define BT_DSL_MINE_SHARE_H

#include <stdint.h>

typedef struct bt_share { /* `kept` of `all` traces */
  uint32_t kept, all;
} bt_share;

typedef struct bt_share_bounds {
  double low, high;
} bt_share_bounds;

/* The share itself; 0 of none. */
double bt_share_value(bt_share share);
/* I_x(a, b): the regularized incomplete beta function, for a, b > 0 and x of 0 to 1. */
double bt_incomplete_beta(double a, double b, double x);
/* The exact two-sided interval, which holds the true share with `confidence` (0.95) or more. Of none: 0 to 1. */
bt_share_bounds bt_share_interval(bt_share share, double confidence);
/* Twice the logarithm of the likelihood ratio of two shares against one common share: 0 where they are equal or one is
 * of none. */
double bt_share_difference(bt_share first, bt_share second);
/* R. Fisher's exact test on one side: how probable it is, if both shares are one, that the first keeps so many of what
 * both keep, or more. 1 where either is of none. */
double bt_share_exceeds(bt_share first, bt_share second);
/* The exact sign test (McNemar's, of pairs): how probable it is that `more` or more of more + less differences are of
 * one sign. */
double bt_signs_exceed(uint32_t more, uint32_t less);

#endif
