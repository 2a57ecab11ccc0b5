/* Counts of settled steps in memory: what series are made of. A cell is one step of one series (a tenant's condition at
 * a step length). The longest unused go when there are too many, and each is forgotten some time after it was counted,
 * because late spans can change it. Thread: a value behind its owner's lock. */
#ifndef BT_SERVER_QUERY_STEP_CACHE_H
#define BT_SERVER_QUERY_STEP_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/memory/account.h"

typedef struct bt_step_count {
  uint64_t violations, exercised; /* traces whose time lies in the step */
  double kept_least, kept_most;   /* with which probability its traces were kept; 0: that is not known of each */
  bool is_read;                   /* in full; else the numbers say nothing */
  bool is_undecided;              /* a verdict on one of its traces is inconclusive: they may be too low */
  bool is_exhausted;              /* and of one of these the rule's budget was spent */
  bool is_young;                  /* a trace of it goes on, and may still violate: it is not settled yet */
  bool looked_exercised;          /* it was counted */
  bool has_exercised;             /* and is exact */
  bool is_empty;                  /* the source has no trace at all there: the numbers are 0 of nothing */
  bool is_provisional;            /* its searches might still hide late spans of it: it is counted again later */
} bt_step_count;

typedef struct bt_step_cache bt_step_cache;

/* new. At most so many cells; memory: where they ask for room, and without it the longest unused go early; or NULL.
 * BT_NO_MEMORY. */
bt_status bt_step_cache_new(size_t most_cells, bt_memory_account *memory, bt_step_cache **out,
                            bt_error *error) BT_MUST_CHECK;
void bt_step_cache_free(bt_step_cache *cache); /* NULL is fine */
/* False: it is not there, or its time is over. step: the number of the step since the epoch. */
bool bt_step_cache_get(bt_step_cache *cache, uint64_t series, int64_t step, int64_t now_ns, bt_step_count *out);
/* Kept until until_ns of the clock that now_ns is of. Without memory the cell is not kept, which costs an evaluation
 * and nothing else. */
void bt_step_cache_put(bt_step_cache *cache, uint64_t series, int64_t step, int64_t until_ns,
                       const bt_step_count *count);

#endif
