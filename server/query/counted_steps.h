/* Violations of rules by steps of a range, counted in one replay: the series that a counter of each rule would have
 * been. A step that was not read in full, or in which a verdict stays open, is not known, and is no 0. So are steps
 * before the first trace of a range and after its last one, where these are many. Thread: the caller's; the source may
 * use others. */
#ifndef BT_SERVER_QUERY_COUNTED_STEPS_H
#define BT_SERVER_QUERY_COUNTED_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/query/step_cache.h"
#include "server/replay/replay.h"
#include "tempo/wire/source.h"

typedef struct bt_counted_steps {        /* bt_counted_steps_dispose */
  int64_t step_ns, first_step, end_step; /* numbers since the epoch */
  size_t rule_count;
  bt_step_count *counts; /* rule × steps + index */
  bt_sampled_traces sampling;
  char reason[240]; /* why steps are not known; "": none is that was not read */
  size_t lacking;   /* steps at the ends of the range where the source has no trace, or may have deleted some: none of
                       them is known */
  bool is_redacted; /* some trace was taken out, nobody knows of which step */
  uint64_t requests, bytes_inspected, bytes_received;
  bt_memory_hold hold; /* of the counts */
} bt_counted_steps;

/* Of asked, rules, range, assumptions, tenant, memory, count and cancel are looked at. The range has to begin and end
 * with a step. What was read when it was cancelled is kept. BT_INVALID: no step, or more than there may be.
 * BT_UNAVAILABLE: no step could be read, and why. BT_LIMIT: there is no room for them in the account. BT_NO_MEMORY. */
bt_status bt_counted_steps_find(bt_source *source, const bt_replay_request *asked, int64_t step_ns,
                                void (*progress)(void *context, double fraction, const bt_replay_result *so_far),
                                bt_counted_steps *out, bt_error *error) BT_MUST_CHECK;
void bt_counted_steps_dispose(bt_counted_steps *steps);

static inline size_t bt_counted_steps_count(const bt_counted_steps *steps) {
  return (size_t)(steps->end_step - steps->first_step);
}
static inline const bt_step_count *bt_counted_step(const bt_counted_steps *steps, size_t rule, size_t index) {
  return &steps->counts[rule * bt_counted_steps_count(steps) + index];
}
/* All that violates the rule in the step is counted. */
static inline bool bt_counted_step_is_known(const bt_step_count *count) {
  return count->is_read && !count->is_undecided && !count->is_young;
}

#endif
