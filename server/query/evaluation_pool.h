/* Inside of the evaluations, shared by evaluation.c (looks and pages), evaluation_pool.c (which one is worked on, and
 * which are forgotten) and evaluation_window.c (one window). Only these include it. Thread: everything is behind the
 * pool's mutex, except for what is said to be the worker's. */
#ifndef BT_SERVER_QUERY_EVALUATION_POOL_H
#define BT_SERVER_QUERY_EVALUATION_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/memory/account.h"
#include "server/query/cursor.h"
#include "server/query/evaluation.h"
#include "server/query/listing.h"
#include "server/query/position.h"
#include "server/query/problem_id.h"
#include "server/query/schedule.h"
#include "server/query/tenant_turns.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "server/work/crew.h"
#include "server/work/scope.h"
#include "server/work/timer.h"
#include "server/work/wait.h"

typedef struct bt_evaluation {
  char *tenant; /* "" where there is none */
  bt_source *source;
  bt_cursor key; /* without a position */
  const bt_rule_definition **rules;
  size_t rule_count;
  char *service; /* or NULL */
  bool has_trace;
  bt_trace_id trace_id;
  char *problem;          /* id, or NULL */
  bt_problem_namer namer; /* of the worker that has the next window */
  int64_t margin_ns, effective_end_ns;
  bt_schedule schedule;
  bt_listing listing;
  bt_coverage coverage; /* of the windows that are done, in order of time */
  bt_kept_traces kept;  /* of one rule's violations in them: how those were kept that were read whole */
  bool finished, is_missing /* something could not be read */, has_data;
  uint64_t inconclusive;          /* verdicts of the windows that are done */
  uint64_t traces_evaluated;      /* traces of them whose verdicts follow */
  bt_exercised *exercised;        /* of each rule */
  bool evaluated_at_least;        /* some window knows no exact number of its */
  bt_trace_id inconclusive_trace; /* one of them */
  char reason[240];
  bt_status failed; /* not BT_OK: it could not be carried out */
  bt_error why;
  bool running;        /* a worker has its next window; only that worker changes schedule, listing and coverage then */
  bt_turn turn;        /* of its windows */
  bool retired;        /* another one has its place: nobody finds it any more */
  bt_work_scope scope; /* of the window that runs */
  size_t looks, pins;  /* readers; pages in use, which hold the listing's items */
  bt_look *waiting;    /* those that wait for more: new windows are begun for them, */
  int64_t wanted_until_ns; /* and until then (monotonic) */
  int64_t used_ns;         /* monotonic: when it was last asked for */
  const bt_look
      *reader; /* the look that asked last, while it is open: what it has may be dropped when it is the only one */
} bt_evaluation;

struct bt_evaluations {
  bt_evaluations_options options;
  pthread_mutex_t mutex;
  bt_crew crew;           /* evaluates windows */
  bt_timer_entry readers; /* looks whether anybody wants what is under way */
  bool stopping;
  bt_evaluation **items;
  size_t count, capacity;
  bt_tenant_turns turns;
  bt_memory_hold hold; /* of all listings, and the rules that were asked about */
};

struct bt_look {
  bt_evaluations *evaluations;
  bt_evaluation *evaluation;
  bool has_position;
  bt_position after;
  bt_wait *wait; /* of its reader, while it is in the list of those that wait */
  size_t least;  /* violations that it waits for */
  bt_look *previous, *next;
};

static const int64_t BT_EVALUATION_SECOND_NS = 1000000000;

/* evaluation_pool.c */
void bt_evaluation_free(bt_evaluation *evaluation);
/* Forgets what is over, and makes room. */
void bt_evaluations_tidy(bt_evaluations *evaluations);
/* What one takes before it has found anything. */
size_t bt_evaluation_first_bytes(const bt_rule_definition *const *rules, size_t count);
/* Gives back to the account what they hold no more. */
void bt_evaluations_count(bt_evaluations *evaluations);
/* Its results take so much room that it waits for its reader. */
bool bt_evaluation_is_full(const bt_evaluations *evaluations, const bt_evaluation *evaluation);

/* evaluation.c: wakes those that wait and have a page now. */
void bt_evaluation_wake(bt_evaluation *evaluation);

/* evaluation_window.c: evaluates the next window; called and returns with the mutex held, runs without it. */
void bt_evaluation_run_window(bt_evaluations *evaluations, bt_evaluation *evaluation);

#endif
