/* Inside of the job queue, shared by queue.c (workers), job.c (questions) and job_share.c (fairness). Only these
 * include it. Thread: everything in a queue is behind its mutex, except for what a running job's own worker alone
 * changes, as said below. */
#ifndef BT_SERVER_REPLAY_JOB_QUEUE_H
#define BT_SERVER_REPLAY_JOB_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/memory/account.h"
#include "server/replay/job.h"
#include "server/replay/replay.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "server/work/crew.h"
#include "server/work/scope.h"
#include "tempo/wire/source.h"

typedef struct bt_job_violation {
  size_t rule;
  bt_violation *violation; /* owned by the job */
} bt_job_violation;

/* What a tenant has of the queue. */
typedef struct bt_job_share {
  size_t queued, running, finished; /* its jobs */
  size_t bytes;                     /* that they hold */
  uint64_t last_start;              /* its latest start's number among those of all jobs; 0: none */
  char tenant[];
} bt_job_share;

typedef struct bt_job {
  char id[BT_REPLAY_ID_BYTES];
  uint64_t number;     /* of its submission, from 1 */
  char *tenant;        /* "" where there is none */
  bt_job_share *share; /* borrowed from the queue; NULL: not in it */
  bt_job_state state;  /* of a job in the queue changed by bt_job_set_state alone */
  double progress;
  int64_t created_at_ns, started_at_ns, finished_at_ns;
  int64_t created_ns, started_ns; /* the same on the monotonic clock, for what lasted how long */
  bt_time_range range;
  bt_count_mode count_mode;
  bt_source *source; /* borrowed */
  bool emit;
  const bt_rule_definition **rules;
  size_t rule_count;
  bt_work_scope scope;
  bt_replay_result result;      /* counters of the rules while it runs; all of it once it ended */
  bt_job_violation *violations; /* in order of arrival; only the worker adds */
  size_t violation_count, violation_capacity;
  size_t *by_time; /* their numbers in order of (time, id), once it ended; room for as many is made while it runs */
  size_t by_time_capacity;
  size_t bytes; /* what it holds; of a job in the queue changed by bt_job_take_bytes alone */
  uint64_t spans_emitted, spans_already_there, spans_failed;
  char emission_message[200];
  size_t reader_count; /* who looks at its violations without the lock */
  bool is_forgotten;   /* it is in no list any more: its last reader frees it */
} bt_job;

struct bt_job_queue {
  bt_job_queue_options options;  /* memory is always there */
  bt_memory_account *own_memory; /* or NULL */
  pthread_mutex_t mutex;
  bt_crew crew;  /* runs the replays */
  bt_job **jobs; /* in order of submission */
  size_t job_count, job_capacity;
  uint64_t submitted, started; /* all that ever were */
  bt_job_share **shares;       /* of every tenant that has a job */
  size_t share_count, share_capacity;
  size_t bytes; /* of all jobs */
};

bool bt_job_is_finished(const bt_job *job);
void bt_job_free(bt_job *job);
/* Takes job number `index` out of the list and frees it, once nobody reads it. */
void bt_job_remove(bt_job_queue *queue, size_t index);
/* Somebody who counted himself among the readers has done; under the lock. */
void bt_job_end_reading(bt_job *job);
/* Into the metrics, when it has just ended; under the lock. */
void bt_job_count(const bt_job_queue *queue, const bt_job *job);

/* Forgets finished jobs, the oldest of a tenant first, until what is held leaves room for so many bytes and for
 * others who run, or they hold little. `own` is whose job wants the room (NULL: somebody else does): its results go
 * first, unless it has less than an even share; then those of the tenant that holds most. */
void bt_job_make_room(bt_job_queue *queue, const bt_job_share *own, size_t wanted_bytes);
/* Counts so many more bytes to a job that runs. False: there is no room for them, also without what could be
 * forgotten. */
bool bt_job_take_bytes(bt_job_queue *queue, bt_job *job, size_t bytes) BT_MUST_CHECK;
/* The job to run next: the oldest of the tenant with the fewest running, and among such of the one that waits
 * longest. Owned by the queue. NULL: none waits that may run now; when as many run as may, one more may whose tenant
 * has none running. */
bt_job *bt_job_next(const bt_job_queue *queue);
/* Owned by the queue. NULL: the tenant has no job. */
bt_job_share *bt_job_share_find(const bt_job_queue *queue, const char *tenant);
/* Counts a job, on its way into the list, to its tenant and the queue; room is made for it. BT_LIMIT: there is none;
 * BT_NO_MEMORY: nothing has changed but that. */
bt_status bt_job_share_join(bt_job_queue *queue, bt_job *job, bt_error *error) BT_MUST_CHECK;
void bt_job_share_leave(bt_job_queue *queue, bt_job *job);
void bt_job_set_state(bt_job_queue *queue, bt_job *job, bt_job_state state);

#endif
