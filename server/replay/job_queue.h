/* Inside of the job queue, shared by queue.c (workers) and job.c (questions). Only these two include it. Thread: everything in a queue is
 * behind its mutex, but for what a running job's own worker alone changes, as said below. */
#ifndef BT_SERVER_REPLAY_JOB_QUEUE_H
#define BT_SERVER_REPLAY_JOB_QUEUE_H

#include <pthread.h>

#include "server/replay/job.h"

typedef struct bt_job_violation {
  size_t rule;
  bt_violation *violation; /* owned by the job */
} bt_job_violation;

typedef struct bt_job {
  char id[BT_REPLAY_ID_BYTES];
  char *tenant; /* "" where there is none */
  bt_job_state state;
  double progress;
  int64_t created_at_ns, started_at_ns, finished_at_ns;
  bt_time_range range;
  bt_count_mode count_mode;
  bool emit;
  const bt_rule_definition **rules;
  size_t rule_count;
  bt_cancel cancel;
  bt_replay_result result;      /* counters of the rules while it runs; all of it once it ended */
  bt_job_violation *violations; /* only the worker adds; in order of (time, id) once it ended */
  size_t violation_count, violation_capacity;
  size_t bytes; /* what it holds */
  uint64_t spans_emitted, spans_already_there, spans_failed;
  char emission_message[200];
} bt_job;

struct bt_job_queue {
  bt_job_queue_options options;
  pthread_mutex_t mutex;
  pthread_cond_t work; /* something was queued, or the end came */
  bool stopping;
  bt_job **jobs; /* in order of submission */
  size_t job_count, job_capacity;
  size_t bytes; /* of all jobs */
  pthread_t *workers;
  uint32_t worker_count;
};

bool bt_job_is_finished(const bt_job *job);
void bt_job_free(bt_job *job);
/* Takes job number `index` out of the list and frees it. */
void bt_job_remove(bt_job_queue *queue, size_t index);
/* Forgets the oldest finished jobs until the rest fits into the memory limit, or none is left. */
void bt_job_make_room(bt_job_queue *queue);

#endif
