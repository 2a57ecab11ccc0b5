/* When a rate rose: which trial of a row was the first at another rate. Thread: no state. */
#ifndef BT_DSL_MINE_ONSET_H
#define BT_DSL_MINE_ONSET_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bt_onset { /* numbers of trials: the first one of the new rate is of these, at about 95 % */
  size_t first, last;
} bt_onset;

/* Every moment counts that explains the row within e^-5 of the best one: a random walk on either side of it falls below
 * that with 2 e^-5. There are trials; scores: room for so many. hit: of each whether it is what became more. */
bt_onset bt_onset_find(const bool *hit, size_t count, double *scores);

#endif
