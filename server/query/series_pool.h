/* Inside of the series, shared by series.c (asks), series_plan.c (what is evaluated next) and series_run.c (one
 * evaluation), which counted_steps.c calls, too. Only these and their test include it. Thread: everything is behind the
 * pool's mutex, except for a run's counts, which are its worker's while it goes on. */
#ifndef BT_SERVER_QUERY_SERIES_POOL_H
#define BT_SERVER_QUERY_SERIES_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/memory/account.h"
#include "server/query/series.h"
#include "server/query/step_cache.h"
#include "server/query/tenant_turns.h"
#include "server/rules/rule_definition.h"
#include "server/work/crew.h"
#include "server/work/scope.h"
#include "server/work/timer.h"
#include "server/work/wait.h"

typedef struct bt_series_pace { /* of the runs of a series, by what the last ones took */
  int64_t reach_ns;             /* how much of the past the next one covers; 0: nobody knows yet */
  int64_t length_ns, took_ns;   /* the last one; 0: there was none */
} bt_series_pace;

typedef struct bt_known_series { /* a condition of a tenant at one step length, while it is asked for */
  uint64_t id;                   /* never used again for another one */
  char *tenant;
  bt_source *source;
  const bt_rule_definition *rule; /* one with this condition */
  int64_t step_ns, settle_ns, margin_ns;
  int64_t asked_ns, exercised_asked_ns; /* monotonic: when it was asked for last; 0: never */
  int64_t first_step, end_step;         /* what it was asked for last, as far as it was settled */
  bt_sampled_traces sampling;           /* as the last run says it that read a trace whole */
  bt_series_pace paces[2];              /* [1]: of runs that count what exercised it, which cost more */
  size_t asks;                          /* open asks that hold it */
} bt_known_series;

typedef struct bt_ask_cell {
  bt_step_count count;
  bool is_known;
} bt_ask_cell;

struct bt_series_ask {
  bt_series_pool *pool;
  bt_known_series **series; /* one for each rule */
  size_t rule_count;
  int64_t first_step, end_step, whole_end_step, now_ns;
  int64_t settle_floor_ns, clock_ahead_ns; /* of the source */
  int64_t *settled_end;                    /* for each rule: the first step that is not settled */
  bool wants_exercised;
  bt_turn turn;                       /* of what is counted for it */
  bt_ask_cell *cells;                 /* rule × steps + index */
  bt_memory_hold hold;                /* of the cells */
  int64_t opened_ns, wanted_until_ns; /* monotonic; wanted besides while somebody waits: */
  bt_wait *wait;                      /* NULL: nobody does */
  char reason[240];
};

typedef struct bt_series_run { /* one replay that counts */
  bt_known_series **series;
  const bt_rule_definition **rules;
  size_t series_count;
  char *tenant;
  bt_source *source;
  uint64_t turn_of; /* the tenant, for the turns */
  int64_t step_ns, first_step, end_step, margin_ns;
  int64_t origin_ns, until_ns; /* when step 0 begins; the end of the range, within its last step, or 0: with it */
  bool wants_exercised;
  bt_step_count *counts; /* series × steps + index; NULL: there was no room for them, and nothing was read */
  bool *is_unsure;       /* the same shape: `exercised` is not exact there */
  bool *has_trace;       /* of each step: some rule was told a verdict of one */
  bt_sampled_traces sampling;
  int64_t *provisional; /* of each series: steps that end later are provisional; 0: none is */
  bt_memory_hold hold;  /* of these */
  char reason[240];
  int64_t begun_ns;  /* monotonic */
  int64_t wanted_ns; /* monotonic: when somebody last waited for one of its series */
  bt_work_scope scope;
  /* Of one that no pool began (counted_steps.c); all-zero else. */
  const bt_cancel *cancel; /* instead of the scope's */
  bool counts_all;         /* what exercised a rule is counted, however many traces there are */
  bool is_past;            /* it is about what was, and not about now: it may wait for late spans */
  void (*progress)(void *context, double fraction, const bt_replay_result *so_far);
  uint64_t requests, bytes_inspected, bytes_received; /* what it took */
} bt_series_run;

struct bt_series_pool {
  bt_series_options options;
  pthread_mutex_t mutex;
  bt_crew crew;           /* counts */
  bt_timer_entry readers; /* looks whether anybody wants what is counted */
  bool stopping;
  bt_step_cache *cache;
  bt_known_series **known;
  size_t known_count, known_capacity;
  bt_memory_hold known_hold; /* of these, with their rules */
  uint64_t last_id;
  bt_series_ask **asks;
  size_t ask_count, ask_capacity;
  bt_tenant_turns turns; /* of runs */
  bt_series_run **runs;  /* under way; room for at_once */
  size_t run_count;
};

static inline size_t bt_ask_steps(const bt_series_ask *ask) {
  return (size_t)(ask->end_step - ask->first_step);
}
static inline size_t bt_run_steps(const bt_series_run *run) {
  return (size_t)(run->end_step - run->first_step);
}

/* series.c: wakes those that wait and know all now. */
void bt_series_wake(bt_series_pool *pool);

/* series_plan.c: the next evaluation that somebody waits for, whose turn it is from then on (new, bt_series_run_free),
 * or NULL. Asks that have just come wait a moment for others like them; *again_ns says when to look at them again (0:
 * there are none). */
bt_series_run *bt_series_plan(bt_series_pool *pool, int64_t *again_ns);
/* series_plan.c: its series reach less far next time where it took long by `now_ns`, and farther where it did not, or
 * where longer runs cost less for each hour. */
void bt_series_learn_reach(const bt_series_run *run, int64_t now_ns);
void bt_series_run_free(bt_series_run *run);

/* series_run.c: carries it out, without the mutex. What could not be read is in counts[].is_read and reason. */
void bt_series_run_evaluate(const bt_series_options *options, bt_series_run *run);
/* Its parts, for who replays himself: room for the counts (false: run->reason says why there is none); what an
 * observer's `verdict` is told; what of the counts may be believed. */
bool bt_series_run_open(bt_series_run *run, bt_memory_account *memory);
void bt_series_run_count(bt_series_run *run, const bt_trace_verdict *verdict);
void bt_series_run_conclude(bt_series_run *run, const bt_replay_result *result);
void bt_series_run_drop_marks(bt_series_run *run); /* all but the counts and their hold */
static inline int64_t bt_series_run_begin_of(const bt_series_run *run, int64_t step) {
  return run->origin_ns + step * run->step_ns;
}
static inline int64_t bt_series_run_end_of(const bt_series_run *run, int64_t step) {
  int64_t end_ns = bt_series_run_begin_of(run, step + 1);
  return run->until_ns && run->until_ns < end_ns ? run->until_ns : end_ns;
}
/* The step in which that time lies; of times beyond the range the nearest one. */
int64_t bt_series_run_step_of(const bt_series_run *run, int64_t time_ns);

#endif
