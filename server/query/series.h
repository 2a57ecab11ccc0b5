/* Counts of violations by steps of time, for graphs and alerts. A step counts the traces whose time lies in it
 * (replay/window.h), so steps add up to what a replay of the same range finds. Counts of settled steps are kept for a
 * while. Missing steps are evaluated in the background, newest first. One replay serves all series of a tenant that
 * were asked for lately with the same step: of many alert rules of one tick the first pays for all. Thread: any
 * function from any thread; an ask belongs to one thread at a time. */
#ifndef BT_SERVER_QUERY_SERIES_H
#define BT_SERVER_QUERY_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/memory/account.h"
#include "server/query/step_cache.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "server/work/wait.h"
#include "server/work/workplace.h"
#include "tempo/wire/source.h"

typedef struct bt_series_pool bt_series_pool;

typedef struct bt_series_options {
  bt_workplace *work; /* borrowed */
  bt_source *source;  /* borrowed */
  bt_assumptions assumptions;
  uint32_t at_once;          /* evaluations at once; 0: 2 */
  size_t most_cells;         /* kept counts, about 80 bytes each; 0: 400,000 */
  int64_t keep_ns;           /* how long a count is kept, and a series counts as asked for lately; 0: 10 min */
  size_t memory_limit_bytes; /* of a page of reads; 0: 64 MiB */
  bt_memory_account *memory; /* where counts are asked for; NULL: there is no limit */
} bt_series_options;

/* new. BT_NO_MEMORY alone. */
bt_status bt_series_pool_new(const bt_series_options *options, bt_series_pool **out, bt_error *error) BT_MUST_CHECK;
/* Cancels what runs and waits for it. All asks have to be closed. NULL is fine. */
void bt_series_pool_free(bt_series_pool *pool);

enum { BT_SERIES_MOST_POINTS = 11000, BT_SERIES_MOST_CELLS = 200000 };

typedef struct bt_series_question {
  const char *tenant;                     /* or NULL */
  bt_source *source;                      /* borrowed; NULL: that of the options */
  const bt_rule_definition *const *rules; /* references are taken */
  size_t rule_count;
  int64_t step_ns;
  int64_t first_step, end_step; /* numbers since the epoch: [first, end) */
  int64_t whole_end_step;       /* steps from this one on are not wholly in the range: they are not counted */
  int64_t now_ns;
  bool wants_exercised;
} bt_series_question;

typedef struct bt_series_ask bt_series_ask;

/* new. BT_LIMIT: more than BT_SERIES_MOST_CELLS rules × steps, or too many asks at once. BT_INVALID: no rule, step or
 * range. BT_NO_MEMORY. */
bt_status bt_series_open(bt_series_pool *pool, const bt_series_question *question, bt_series_ask **out,
                         bt_error *error) BT_MUST_CHECK;
void bt_series_close(bt_series_ask *ask); /* NULL is fine */
/* Whether every settled step is known; what is not is counted. Never waits: `wait` is woken when all is known (NULL:
 * nobody waits). Who left one asks again, or closes the ask, before the wait goes. */
bool bt_series_is_known(bt_series_ask *ask, bt_wait *wait);

typedef enum bt_step_state {
  BT_STEP_COUNTED,
  /* not wholly before now − settle and the end of the range; or out->is_young: one of its traces goes on */
  BT_STEP_UNSETTLED,
  BT_STEP_FAILED,    /* could not be read in full */
  BT_STEP_UNDECIDED, /* was read, and a verdict on one of its traces is inconclusive */
  BT_STEP_WAITING    /* not evaluated yet */
} bt_step_state;

/* Of rule number `rule` of the question, step number first_step + `index`. Once the ask is ready or given up, nothing
 * changes any more while only its owner uses it. */
bt_step_state bt_series_step(bt_series_ask *ask, size_t rule, size_t index, bt_step_count *out);
/* Into *out, which is all-zero: how the traces were sampled that were read whole for the ask's series. */
void bt_series_sampling(bt_series_ask *ask, bt_sampled_traces *out);
/* Why steps could not be read: the reason of the latest failure; "" where there was none. */
void bt_series_reason(bt_series_ask *ask, char out[240]);

#endif
