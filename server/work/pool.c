/* The pool: lanes and threads under one mutex, which is held for some pointers only. See pool.h. Invariant: where a
 * lane has a free place and a task that may go, a thread is on its way to it. That thread was woken or started when the
 * task came, or has just ended one. A thread that is woken is counted as busy by whoever wakes it, so that two tasks
 * never rely on one thread. The threads of replays are apart: they have less weight with the system, which no thread
 * can take back. */
#include "server/work/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/base/condition.h"

enum { MAX_QUEUED = 1024, NICE = 10, FIRST_THREADS = 2 };
typedef enum crowd_kind { PEOPLE, REPLAYS, KINDS } crowd_kind;

typedef struct lane_queue {
  bt_turns turns;
  uint32_t places, places_of_tenant, running;
  uint64_t begun, refused;
} lane_queue;

typedef struct worker {
  bt_pool *pool;
  pthread_t thread;
  crowd_kind kind;
  bool is_running; /* a task of: */
  bt_lane lane;
  uint64_t tenant;
} worker;

typedef struct crowd { /* the threads of a kind */
  pthread_cond_t work;
  uint32_t count, most;
  uint32_t idle;  /* asleep, and nobody has woken them */
  uint32_t woken; /* on their way */
  bt_lane next;   /* where the search for a task begins */
} crowd;

struct bt_pool {
  pthread_mutex_t mutex; /* guards all below */
  lane_queue lanes[BT_LANES];
  crowd crowds[KINDS];
  size_t max_queued;
  worker *workers;
  uint32_t worker_count;
  bool is_stopping;
};

static const struct {
  const char *name;
  crowd_kind kind;
  uint32_t least, for_each_processor, most; /* places */
  uint32_t most_queued; /* where it is less than for others: they hold much, or are better asked for again */
} lane_rows[BT_LANES] = {
    [BT_LANE_MEMORY] = {"memory", PEOPLE, 2, 1, 8, 0},
    [BT_LANE_STORE] = {"store", PEOPLE, 4, 1, 8, 0},
    [BT_LANE_COMPUTE] = {"compute", PEOPLE, 2, 1, 32, 0},
    [BT_LANE_SOURCE] = {"source", PEOPLE, 8, 2, 32, 0},
    [BT_LANE_SEARCH] = {"search", PEOPLE, 4, 1, 16, 64},
    [BT_LANE_PUSH] = {"push", PEOPLE, 4, 1, 8, 8},
    [BT_LANE_PROBE] = {"probe", PEOPLE, 4, 0, 4, 0},
    [BT_LANE_ANSWER] = {"answer", PEOPLE, 4, 1, 16, 0},
    [BT_LANE_ASSISTANT] = {"assistant", PEOPLE, 4, 1, 16, 16},
    [BT_LANE_PAGES] = {"pages", PEOPLE, 4, 1, 16, 0},
    [BT_LANE_CHECK] = {"check", PEOPLE, 2, 0, 2, 0},
    [BT_LANE_EVALUATION] = {"evaluation", PEOPLE, 2, 1, 8, 0},
    [BT_LANE_SERIES] = {"series", PEOPLE, 2, 1, 8, 0},
    [BT_LANE_REPORT] = {"report", PEOPLE, 2, 1, 4, 0},
    [BT_LANE_WATCH] = {"watch", PEOPLE, 4, 0, 4, 0},
    [BT_LANE_REPLAY] = {"replay", REPLAYS, 5, 0, 5, 0},
};

const char *bt_lane_name(bt_lane lane) {
  return lane_rows[lane].name;
}

/* ---- which task is next ---- */

typedef struct question {
  const bt_pool *pool;
  bt_lane lane;
} question;

/* A tenant that has its part of the places waits until one of them is free again. */
static bool tenant_may_go(const void *context, uint64_t tenant) {
  const question *q = context;
  const lane_queue *lane = &q->pool->lanes[q->lane];
  uint32_t running = 0;
  if (lane->places_of_tenant >= lane->places) return true;
  for (uint32_t i = 0; i < q->pool->worker_count; i++) {
    const worker *w = &q->pool->workers[i];
    running += w->is_running && w->lane == q->lane && w->tenant == tenant;
  }
  return running < lane->places_of_tenant;
}

static bt_task *take_of_lane(bt_pool *pool, bt_lane lane) {
  lane_queue *queue = &pool->lanes[lane];
  question q = {pool, lane};
  if (!queue->turns.count || queue->running >= queue->places) return NULL;
  bt_task *task = bt_turns_take(&queue->turns, tenant_may_go, &q);
  if (task) task->is_queued = false;
  return task;
}

/* Lane after lane, so that none waits for another where the system gave fewer threads than there are places. */
static bt_task *take_task(bt_pool *pool, worker *w) {
  crowd *own = &pool->crowds[w->kind];
  for (uint32_t i = 0; i < BT_LANES; i++) {
    bt_lane lane = (bt_lane)(((uint32_t)own->next + i) % BT_LANES);
    bt_task *task = lane_rows[lane].kind == w->kind ? take_of_lane(pool, lane) : NULL;
    if (!task) continue;
    own->next = (bt_lane)(((uint32_t)lane + 1) % BT_LANES);
    w->is_running = true;
    w->lane = lane;
    w->tenant = task->tenant;
    pool->lanes[lane].running++;
    pool->lanes[lane].begun++;
    return task;
  }
  return NULL;
}

/* ---- threads ---- */

static void sleep_until_woken(bt_pool *pool, crowd *own) {
  own->idle++;
  while (!own->woken && !pool->is_stopping) pthread_cond_wait(&own->work, &pool->mutex);
  if (own->woken)
    own->woken--;
  else
    own->idle--;
}

/* The mutex is held at both ends. */
static void run_task(bt_pool *pool, worker *w, bt_task *task) {
  pthread_mutex_unlock(&pool->mutex);
  task->run(task);
  pthread_mutex_lock(&pool->mutex);
  w->is_running = false;
  pool->lanes[w->lane].running--;
}

static void *run_worker(void *argument) {
  worker *w = argument;
  bt_pool *pool = w->pool;
  pthread_setname_np(pthread_self(), w->kind == REPLAYS ? "bt-replay" : "bt-work");
  if (w->kind == REPLAYS) setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
  pthread_mutex_lock(&pool->mutex);
  for (;;) {
    bt_task *task = take_task(pool, w);
    if (task)
      run_task(pool, w, task);
    else if (pool->is_stopping)
      break;
    else
      sleep_until_woken(pool, &pool->crowds[w->kind]);
  }
  pthread_mutex_unlock(&pool->mutex);
  return NULL;
}

static bool start_thread(bt_pool *pool, crowd_kind kind) {
  worker *w = &pool->workers[pool->worker_count];
  *w = (worker){.pool = pool, .kind = kind};
  if (pthread_create(&w->thread, NULL, run_worker, w) != 0) return false;
  pool->worker_count++;
  pool->crowds[kind].count++;
  return true;
}

/* Where neither is possible, one that ends its task takes the next. False: there is none at all. */
static bool send_thread(bt_pool *pool, crowd_kind kind) {
  crowd *own = &pool->crowds[kind];
  if (own->idle) {
    own->idle--;
    own->woken++;
    pthread_cond_signal(&own->work);
    return true;
  }
  return (own->count < own->most && start_thread(pool, kind)) || own->count > 0;
}

/* ---- for others ---- */

static void put_in_line(lane_queue *queue, bt_task *task) {
  bt_turns_add(&queue->turns, task);
  task->is_queued = true;
}

static bool has_room(const bt_pool *pool, bt_lane lane, uint64_t tenant) {
  const bt_turns *turns = &pool->lanes[lane].turns;
  size_t most = lane_rows[lane].most_queued;
  if (!most || most > pool->max_queued) most = pool->max_queued;
  if (pool->is_stopping) return false;
  if (lane > BT_LANE_PAGES) return true; /* their owners have bounds of their own */
  return turns->count < most && bt_turns_of_tenant(turns, tenant) < (most + 1) / 2;
}

bool bt_pool_submit(bt_pool *pool, bt_lane lane, bt_task *task) {
  lane_queue *queue = &pool->lanes[lane];
  pthread_mutex_lock(&pool->mutex);
  bool is_taken = has_room(pool, lane, task->tenant);
  if (is_taken && queue->running < queue->places) is_taken = send_thread(pool, lane_rows[lane].kind);
  if (is_taken)
    put_in_line(queue, task);
  else
    queue->refused++;
  pthread_mutex_unlock(&pool->mutex);
  return is_taken;
}

/* Of people there is a thread always, so that none has to be found. */
void bt_pool_resume(bt_pool *pool, bt_lane lane, bt_task *task) {
  lane_queue *queue = &pool->lanes[lane];
  assert(lane_rows[lane].kind == PEOPLE);
  pthread_mutex_lock(&pool->mutex);
  assert(!pool->is_stopping);
  put_in_line(queue, task);
  if (queue->running < queue->places) (void)send_thread(pool, PEOPLE);
  pthread_mutex_unlock(&pool->mutex);
}

/* A thread that is on its way to it finds another one, or sleeps again. */
bool bt_pool_take_back(bt_pool *pool, bt_lane lane, bt_task *task) {
  pthread_mutex_lock(&pool->mutex);
  bool is_back = task->is_queued;
  if (is_back) bt_turns_remove(&pool->lanes[lane].turns, task);
  task->is_queued = false;
  pthread_mutex_unlock(&pool->mutex);
  return is_back;
}

bt_lane_state bt_pool_look(bt_pool *pool, bt_lane lane) {
  pthread_mutex_lock(&pool->mutex);
  const lane_queue *queue = &pool->lanes[lane];
  bt_lane_state state = {queue->places, queue->running, queue->turns.count, queue->begun, queue->refused};
  pthread_mutex_unlock(&pool->mutex);
  return state;
}

/* ---- beginning and end ---- */

static uint32_t places_of(const bt_pool_options *options, bt_lane lane) {
  if (options->places[lane]) return options->places[lane];
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  uint32_t places = lane_rows[lane].for_each_processor * (uint32_t)(processors > 0 ? processors : 1);
  if (places < lane_rows[lane].least) return lane_rows[lane].least;
  return places < lane_rows[lane].most ? places : lane_rows[lane].most;
}

static void init_lanes(bt_pool *pool, const bt_pool_options *options) {
  for (int i = 0; i < BT_LANES; i++) {
    lane_queue *lane = &pool->lanes[i];
    lane->places = lane->places_of_tenant = places_of(options, (bt_lane)i);
    if (i < BT_LANE_CALLS_END) lane->places_of_tenant -= lane->places / 4;
    pool->crowds[lane_rows[i].kind].most += lane->places;
  }
}

bt_status bt_pool_new(const bt_pool_options *options, bt_pool **out, bt_error *error) {
  *out = NULL;
  bt_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return bt_error_no_memory(error);
  pthread_mutex_init(&pool->mutex, NULL);
  for (int i = 0; i < KINDS; i++) bt_condition_init(&pool->crowds[i].work);
  pool->max_queued = options->max_queued ? options->max_queued : MAX_QUEUED;
  init_lanes(pool, options);
  pool->workers = calloc(pool->crowds[PEOPLE].most + pool->crowds[REPLAYS].most, sizeof *pool->workers);
  bt_status status = pool->workers ? BT_OK : bt_error_no_memory(error);
  pthread_mutex_lock(&pool->mutex);
  for (int i = 0; i < FIRST_THREADS && !status; i++)
    if (!start_thread(pool, PEOPLE))
      status = bt_error_set(error, BT_LIMIT,
                            "the system refused to start a worker's thread: raise the limit of processes or memory");
  pthread_mutex_unlock(&pool->mutex);
  if (status)
    bt_pool_free(pool);
  else
    *out = pool;
  return status;
}

void bt_pool_end(bt_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  pool->is_stopping = true;
  uint32_t count = pool->worker_count; /* no thread is started from now on */
  for (int i = 0; i < KINDS; i++) pthread_cond_broadcast(&pool->crowds[i].work);
  pthread_mutex_unlock(&pool->mutex);
  for (uint32_t i = 0; i < count; i++) pthread_join(pool->workers[i].thread, NULL);
  pool->worker_count = 0;
}

void bt_pool_free(bt_pool *pool) {
  if (!pool) return;
  bt_pool_end(pool);
  for (int i = 0; i < KINDS; i++) pthread_cond_destroy(&pool->crowds[i].work);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->workers);
  free(pool);
}
