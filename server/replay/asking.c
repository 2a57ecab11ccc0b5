/* Two questions under way at once: the replay's thread asks what it needs, and a helper in a lane asks beside it what
 * can wait (the listing of all traces, counts), then helps with the rest. That is as many as the client's budget lets
 * through by default; more would only queue there. Invariants: a query belongs to whoever has begun it until it is
 * answered; then to the replay's thread, which alone takes answers. What nobody has begun when the replay's thread
 * needs it, it asks itself: a lane without a free place costs time and never an answer. The helper reads of the run
 * only what does not change any more (source, request, search range). Thread: as said. */
#include "server/replay/asking.h"

#include <stdlib.h>

#include "server/condition.h"
#include "server/work/crew.h"

#include "dsl/arena.h"

struct bt_asking {
  const bt_run *run;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bt_crew helper; /* of one */
  bool has_helper;
  bool is_lost;      /* the source is gone: what is not begun is skipped, */
  bt_error lost_why; /* for this reason */
  bt_query **queries;
  size_t count, capacity;
};

bt_status bt_asking_new(const bt_run *run, bt_asking **out, bt_error *error) {
  *out = NULL;
  bt_asking *asking = calloc(1, sizeof *asking);
  if (!asking) return bt_error_no_memory(error);
  asking->run = run;
  pthread_mutex_init(&asking->lock, NULL);
  bt_condition_init(&asking->changed);
  *out = asking;
  return BT_OK;
}

/* The next one to begin; NULL: none. Both begin with what is theirs; the search for own traces is left to the helper,
 * which has the shorter list. */
static bt_query *next_query(const bt_asking *asking, bool for_helper) {
  bt_query *other = NULL;
  for (size_t i = 0; i < asking->count; i++) {
    bt_query *query = asking->queries[i];
    if (query->state != BT_QUERY_WAITING || (query->is_aside && !for_helper)) continue;
    if (query->can_wait == for_helper && !query->is_aside && !query->is_own) return query;
    if ((for_helper || query->is_own) && (!other || other->is_aside)) other = query;
  }
  return other;
}

/* Whoever finds the source gone says why at once: its own answer may be taken long after those of the skipped. */
static void note_loss(bt_asking *asking, const bt_query *query) {
  const char *reason = query->status != BT_OK ? query->why.message : query->account.failed[0].reason;
  if (!asking->is_lost) bt_error_set(&asking->lost_why, BT_UNAVAILABLE, "%s", reason);
  asking->is_lost = true;
}

void bt_asking_note(bt_asking *asking, const bt_query *query) {
  pthread_mutex_lock(&asking->lock);
  if (query->source_is_gone) note_loss(asking, query);
  pthread_mutex_unlock(&asking->lock);
}

/* Called with the lock held; lets go of it while the source is asked. */
static void ask(bt_asking *asking, bt_query *query) {
  query->state = BT_QUERY_BEGUN;
  query->is_skipped = asking->is_lost;
  if (!query->is_skipped) {
    pthread_mutex_unlock(&asking->lock);
    bt_query_search(asking->run, query);
    pthread_mutex_lock(&asking->lock);
    if (query->source_is_gone) note_loss(asking, query);
  } else
    query->why = asking->lost_why;
  query->state = BT_QUERY_ANSWERED;
  pthread_cond_broadcast(&asking->changed);
}

static bool help(void *context, int64_t *again_ns) {
  bt_asking *asking = context;
  bt_query *query = next_query(asking, true);
  (void)again_ns;
  if (query) ask(asking, query);
  return query != NULL;
}

bt_status bt_asking_add(bt_asking *asking, bt_query *query, bool can_wait, bt_error *error) {
  pthread_mutex_lock(&asking->lock);
  bt_query **queries = bt_grow_array(asking->queries, asking->count, &asking->capacity, sizeof *queries);
  if (queries) {
    asking->queries = queries;
    query->can_wait = can_wait;
    if (!query->is_asked) queries[asking->count++] = query;
    query->is_asked = true;
    if (asking->has_helper) bt_crew_wake_all(&asking->helper);
    pthread_cond_broadcast(&asking->changed);
  }
  pthread_mutex_unlock(&asking->lock);
  return queries ? BT_OK : bt_error_no_memory(error);
}

/* Without a helper everything is asked by the replay's thread, one after the other. */
void bt_asking_help(bt_asking *asking) {
  const bt_replay_request *request = &asking->run->plan.request;
  bt_crew_options crew = {.work = request->work,
                          .lane = request->priority == BT_PRIORITY_REPLAY ? BT_LANE_REPLAY_ASKING : BT_LANE_ASKING,
                          .size = 1,
                          .mutex = &asking->lock,
                          .do_piece = help,
                          .context = asking};
  if (asking->has_helper || !asking->count || !request->work) return;
  bt_error error;
  asking->has_helper = bt_crew_init(&asking->helper, &crew, &error) == BT_OK;
  if (!asking->has_helper) return;
  pthread_mutex_lock(&asking->lock);
  bt_crew_wake_all(&asking->helper);
  pthread_mutex_unlock(&asking->lock);
}

static bool is_open(const bt_asking *asking, bool with_those_that_can_wait) {
  for (size_t i = 0; i < asking->count; i++) {
    const bt_query *query = asking->queries[i];
    if (query->is_aside) continue;
    if ((with_those_that_can_wait || !query->can_wait) && query->state != BT_QUERY_ANSWERED) return true;
  }
  return false;
}

void bt_asking_wait(bt_asking *asking, bool with_those_that_can_wait) {
  pthread_mutex_lock(&asking->lock);
  while (is_open(asking, with_those_that_can_wait)) {
    bt_query *query = next_query(asking, false);
    if (!query && with_those_that_can_wait) query = next_query(asking, true);
    if (query)
      ask(asking, query);
    else
      pthread_cond_wait(&asking->changed, &asking->lock);
  }
  pthread_mutex_unlock(&asking->lock);
}

void bt_asking_wait_for(bt_asking *asking, bt_query *query) {
  pthread_mutex_lock(&asking->lock);
  if (query->state == BT_QUERY_WAITING) ask(asking, query);
  while (query->state != BT_QUERY_ANSWERED) pthread_cond_wait(&asking->changed, &asking->lock);
  pthread_mutex_unlock(&asking->lock);
}

void bt_asking_free(bt_asking *asking) {
  if (!asking) return;
  if (asking->has_helper) bt_crew_end(&asking->helper);
  pthread_cond_destroy(&asking->changed);
  pthread_mutex_destroy(&asking->lock);
  free(asking->queries);
  free(asking);
}
