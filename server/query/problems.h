/* Violations as problems. Those of one rule in which the same part failed, in traces that begin in the same service,
 * are one problem. It has a number, a first and a last time, and counts by steps of the range. One replay finds all
 * violations of the range, and this lets go of them as they come. Where the replay counts some without a look at what
 * failed, they are one more problem of the rule. A step that was not read, or in which a verdict is open, is a gap, and
 * no 0. Thread: the caller's; the source may use others. */
#ifndef BT_SERVER_QUERY_PROBLEMS_H
#define BT_SERVER_QUERY_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/table.h"
#include "dsl/base/text.h"
#include "server/memory/account.h"
#include "server/query/change_points.h"
#include "server/query/problem_id.h"
#include "server/query/step_cache.h"
#include "server/replay/replay.h"
#include "tempo/wire/source.h"

enum { BT_PROBLEM_STEPS = 24, BT_PROBLEM_STEPS_MAX = 200 };

/* By the settled steps of the range, and of at least four. The last quarter of them is `now`, the first half `before`.
 *  over     none now, and none later, though the rule was exercised now
 *  new      none before
 *  rising   now at least twice as often as until then, and more than chance makes of that in one of 100 cases; by
 *           traces that exercised the rule where they were counted in every step, else by time
 *  steady   none of these
 * What would have to be known for a word and is not makes it `unknown`. */
typedef enum bt_trend { BT_TREND_UNKNOWN, BT_TREND_NEW, BT_TREND_RISING, BT_TREND_STEADY, BT_TREND_OVER } bt_trend;
const char *bt_trend_name(bt_trend trend);

typedef struct bt_found_problem {
  char id[BT_PROBLEM_ID_HEX + 1]; /* of the rule's id, the failed part and where it begins: the same in every answer */
  size_t rule;                    /* its place in the request */
  bool is_looked_at;              /* else nothing is known of: */
  bool has_root;                  /* else the traces have no root span, and: */
  bt_str service;                 /* of the root span, or "" */
  bt_range failed;                /* in the rule's text, as in bt_violation_choice */
  const char *clause;             /* bt_violation_clause of it */
  bt_str part;                    /* that part, as `betrace fmt` writes it, on one line */
  uint64_t count;                 /* violating traces */
  uint64_t provisional;           /* of these: in the unsettled tail */
  bool is_at_least;               /* there may be more: some of the rule's were not looked at, or not read */
  bt_moment first, last;          /* by the start of the trace */
  uint64_t *steps;                /* step_count */
  double share;                   /* of `exercised` of the rule; below 0: not known, or there are none */
  bt_trend trend;
  const char *why; /* of unknown, in words; else NULL */
  /* When its rate changed, by the settled steps whose counts are known. None: no change is beyond chance there. */
  bt_rate_change *changes;
  size_t change_count;
  bool changes_by_time;    /* what exercised the rule is not known of every step: the rate is of time */
  const char *changes_why; /* they were not looked for: why, in words; else NULL */
} bt_found_problem;

typedef struct bt_problems { /* all-zero is empty; bt_problems_dispose */
  bt_time_range range;
  int64_t step_ns; /* the last step ends with the range */
  size_t step_count;
  bt_found_problem *items; /* the gravest rules first, of one severity those with most traces */
  size_t count, capacity;
  size_t rule_count;
  bt_step_count *counts; /* rule × steps + index */
  uint64_t *unlooked;    /* likewise: violations that were not looked at */
  uint64_t *exercised;   /* of each rule: settled traces that exercised it, and have a verdict */
  bt_replay_result result;
  bt_arena texts;
  bt_table by_key;
  bt_memory_hold hold, counts_hold;
} bt_problems;

/* Runs the replay, whose gap_step_ns and tells_counted are set here. The number of steps is at most `steps`, which are
 * whole milliseconds. BT_OK also when not everything could be read: out->result.outcome says so. Errors are those of
 * bt_replay_run, and BT_LIMIT: there is no room for the counts in the account. Dispose in each case. */
bt_status bt_problems_find(bt_source *source, const bt_replay_request *asked, size_t steps,
                           void (*progress)(void *context, double fraction, const bt_replay_result *so_far),
                           bt_problems *out, bt_error *error) BT_MUST_CHECK;
void bt_problems_dispose(bt_problems *problems);

/* False: how many there were is not known, or the source has no trace there at all. */
bool bt_problem_step(const bt_problems *problems, const bt_found_problem *problem, size_t step, uint64_t *out);
#endif
