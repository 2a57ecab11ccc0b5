/* What each tenant has of the job queue: places, workers, memory for results. Tenants must not live at each other's
 * cost. So a worker takes the job of the tenant with the fewest running jobs, and one place stays free for a tenant
 * that has none. If results need room, a tenant with more than an even share gives it. Invariant: a share exists as
 * long as its tenant has a job, and its numbers are sums over those jobs. Thread: under the queue's lock. */
#include "server/replay/job_queue.h"

#include <stdlib.h>
#include <string.h>

enum {
  RUNNING_PART = 4, /* of the limit: what finished jobs leave for what runs */
  KEPT_PART = 16,   /* of the limit: what finished jobs may hold whatever runs */
  LAST_PART = 8,    /* of the limit: what only tenants may take that hold little */
  SMALL_PART = 16,  /* of the limit: and that is little */
  SCATTER_PART = 16 /* of the limit, besides: for what lies free between what results hold, and stays resident */
};

bt_job_share *bt_job_share_find(const bt_job_queue *queue, const char *tenant) {
  for (size_t i = 0; i < queue->share_count; i++)
    if (strcmp(queue->shares[i]->tenant, tenant) == 0) return queue->shares[i];
  return NULL;
}

static bt_job_share *new_share(bt_job_queue *queue, const char *tenant) {
  bt_job_share **shares = bt_grow_array(queue->shares, queue->share_count, &queue->share_capacity, sizeof *shares);
  if (!shares) return NULL;
  queue->shares = shares;
  size_t length = strlen(tenant) + 1;
  bt_job_share *share = calloc(1, sizeof *share + length);
  if (!share) return NULL;
  memcpy(share->tenant, tenant, length);
  return shares[queue->share_count++] = share;
}

static size_t *count_of(bt_job_share *share, bt_job_state state) {
  if (state == BT_JOB_QUEUED) return &share->queued;
  return state == BT_JOB_RUNNING ? &share->running : &share->finished;
}

static size_t count_jobs(const bt_job_share *share) {
  return share->queued + share->running + share->finished;
}

/* Room is made before the share is looked for: it goes with its last job. */
static bool take_first_bytes(bt_job_queue *queue, const bt_job *job) {
  bt_job_make_room(queue, bt_job_share_find(queue, job->tenant), job->bytes);
  return bt_memory_take_beside(queue->options.memory, BT_MEMORY_REPLAYS, job->bytes, 0);
}

bt_status bt_job_share_join(bt_job_queue *queue, bt_job *job, bt_error *error) {
  if (!take_first_bytes(queue, job))
    return bt_error_set(error, BT_LIMIT,
                        "there is no room for the rules of this replay (%zu bytes): what runs and what is kept fills "
                        "the %zu bytes of --memory-limit; wait for replays to end, or ask for fewer rules",
                        job->bytes, bt_memory_limit(queue->options.memory));
  bt_job_share *share = bt_job_share_find(queue, job->tenant);
  if (!share) share = new_share(queue, job->tenant);
  if (!share) {
    bt_memory_give(queue->options.memory, BT_MEMORY_REPLAYS, job->bytes);
    return bt_error_no_memory(error);
  }
  job->share = share;
  ++*count_of(share, job->state);
  share->bytes += job->bytes;
  queue->bytes += job->bytes;
  return BT_OK;
}

void bt_job_share_leave(bt_job_queue *queue, bt_job *job) {
  bt_job_share *share = job->share;
  job->share = NULL;
  --*count_of(share, job->state);
  share->bytes -= job->bytes;
  queue->bytes -= job->bytes;
  bt_memory_give(queue->options.memory, BT_MEMORY_REPLAYS, job->bytes);
  if (count_jobs(share)) return;
  size_t i = 0;
  while (queue->shares[i] != share) i++;
  queue->shares[i] = queue->shares[--queue->share_count];
  free(share);
}

static void count_bytes(bt_job_queue *queue, bt_job *job, size_t bytes) {
  job->bytes += bytes;
  job->share->bytes += bytes;
  queue->bytes += bytes;
}

/* The last part is for tenants that hold little: whoever filled the rest does not keep a small replay of another
 * from ending. */
bool bt_job_take_bytes(bt_job_queue *queue, bt_job *job, size_t bytes) {
  bt_memory_account *memory = queue->options.memory;
  size_t limit = bt_memory_limit(memory);
  size_t kept_free = job->share->bytes < limit / SMALL_PART ? 0 : limit / LAST_PART + limit / SCATTER_PART;
  bt_job_make_room(queue, job->share, bytes);
  if (!bt_memory_take_beside(memory, BT_MEMORY_REPLAYS, bytes, kept_free)) return false;
  count_bytes(queue, job, bytes);
  return true;
}

void bt_job_set_state(bt_job_queue *queue, bt_job *job, bt_job_state state) {
  --*count_of(job->share, job->state);
  ++*count_of(job->share, state);
  if (state == BT_JOB_RUNNING) job->share->last_start = ++queue->started;
  job->state = state;
}

/* ---- room for results ---- */

/* Finished ones leave a part for what runs: else every new question would have to wait for them to be forgotten. */
static size_t most_kept(const bt_job_queue *queue) {
  size_t limit = bt_memory_limit(queue->options.memory);
  return limit - limit / RUNNING_PART;
}

/* Whose oldest result goes next: the tenant's that wants the room, unless it has less than an even share; else the
 * one's that holds most. NULL: nobody has a finished job. */
static const bt_job_share *choose_loser(const bt_job_queue *queue, const bt_job_share *own) {
  if (!queue->share_count) return NULL; /* others hold it all */
  size_t even_bytes = most_kept(queue) / queue->share_count;
  if (own && own->finished && own->bytes >= even_bytes) return own;
  const bt_job_share *most = NULL;
  for (size_t i = 0; i < queue->share_count; i++) {
    const bt_job_share *share = queue->shares[i];
    if (share->finished && (!most || share->bytes > most->bytes)) most = share;
  }
  return most;
}

static void forget_oldest(bt_job_queue *queue, const bt_job_share *share) {
  for (size_t i = 0; i < queue->job_count; i++)
    if (queue->jobs[i]->share == share && bt_job_is_finished(queue->jobs[i])) {
      bt_job_remove(queue, i);
      return;
    }
}

static size_t count_finished_bytes(const bt_job_queue *queue) {
  size_t bytes = 0;
  for (size_t i = 0; i < queue->job_count; i++)
    if (bt_job_is_finished(queue->jobs[i])) bytes += queue->jobs[i]->bytes;
  return bytes;
}

/* Small results are worth more than the room that they take: without this, one replay that wants all there is would
 * make everybody's answers go, and would not fit with their few bytes either. */
static bool may_forget(const bt_job_queue *queue) {
  return count_finished_bytes(queue) > bt_memory_limit(queue->options.memory) / KEPT_PART;
}

void bt_job_make_room(bt_job_queue *queue, const bt_job_share *own, size_t wanted_bytes) {
  while (bt_memory_total(queue->options.memory) + wanted_bytes > most_kept(queue) && may_forget(queue)) {
    const bt_job_share *loser = choose_loser(queue, own);
    if (!loser) return;
    if (own == loser && count_jobs(own) == 1) own = NULL; /* it goes with its last job */
    forget_oldest(queue, loser);
  }
}

/* ---- whose turn it is ---- */

static bool goes_before(const bt_job_share *a, const bt_job_share *b) {
  if (a->running != b->running) return a->running < b->running;
  return a->last_start < b->last_start;
}

static size_t count_running(const bt_job_queue *queue) {
  size_t running = 0;
  for (size_t i = 0; i < queue->share_count; i++) running += queue->shares[i]->running;
  return running;
}

/* The first whose turn it is has the fewest running: where it may not go, none may. */
bt_job *bt_job_next(const bt_job_queue *queue) {
  bt_job *next = NULL;
  for (size_t i = 0; i < queue->job_count; i++) {
    bt_job *job = queue->jobs[i];
    if (job->state == BT_JOB_QUEUED && (!next || goes_before(job->share, next->share))) next = job;
  }
  bool may_go = next && (!next->share->running || count_running(queue) < queue->options.max_replays);
  return may_go ? next : NULL;
}
