/* Which evaluation is worked on next, which are forgotten. See evaluation_pool.h. */
#include "server/query/evaluation_pool.h"

#include <stddef.h>
#include <stdlib.h>

#include "server/base/clock.h"

enum {
  DEFAULT_AT_ONCE = 2,
  KEPT_MAX = 64, /* evaluations at a time */
  WAIT_PART = 4, /* of the memory limit: with so much an evaluation waits for its reader */
  TIDY_MS = 500  /* how often workers look for what is over */
};
static const size_t DEFAULT_MEMORY_BYTES = (size_t)64 << 20;
static const int64_t DEFAULT_KEEP_NS = INT64_C(300) * 1000000000;
static const int64_t UNWANTED_NS = INT64_C(5) * 1000000000; /* a window goes on for so long after it was last wanted */
static const int64_t LOOK_NS = 1000000000;                  /* between two looks whether it is */

void bt_evaluation_free(bt_evaluation *evaluation) {
  if (!evaluation) return;
  for (size_t i = 0; evaluation->rules && i < evaluation->rule_count; i++)
    bt_rule_definition_unref(evaluation->rules[i]);
  bt_schedule_dispose(&evaluation->schedule);
  bt_listing_dispose(&evaluation->listing);
  bt_coverage_dispose(&evaluation->coverage);
  bt_problem_namer_dispose(&evaluation->namer);
  free(evaluation->rules);
  free(evaluation->exercised);
  free(evaluation->service);
  free(evaluation->problem);
  free(evaluation->tenant);
  free(evaluation);
}

/* ---- forgetting ---- */

static bool is_idle(const bt_evaluation *evaluation) {
  return !evaluation->looks && !evaluation->pins && !evaluation->running;
}

static void forget_evaluation(bt_evaluations *evaluations, size_t index) {
  bt_evaluation_free(evaluations->items[index]);
  evaluations->items[index] = evaluations->items[--evaluations->count];
}

static size_t bytes_of_all(const bt_evaluations *evaluations) {
  size_t bytes = 0;
  for (size_t i = 0; i < evaluations->count; i++) bytes += bt_listing_bytes(&evaluations->items[i]->listing);
  return bytes;
}

/* Rules of a question were often made for it alone; to name problems, each is compiled once more. */
size_t bt_evaluation_first_bytes(const bt_rule_definition *const *rules, size_t count) {
  size_t bytes = bt_heap_bytes(sizeof(bt_evaluation)) + count * (sizeof(bt_rule_definition *) + sizeof(bt_exercised));
  for (size_t i = 0; i < count; i++) bytes += bt_rule_definition_bytes(rules[i]) * 2;
  return bytes;
}

void bt_evaluations_count(bt_evaluations *evaluations) {
  size_t bytes = bytes_of_all(evaluations);
  for (size_t i = 0; i < evaluations->count; i++) {
    const bt_evaluation *evaluation = evaluations->items[i];
    bytes += bt_evaluation_first_bytes(evaluation->rules, evaluation->rule_count);
  }
  bt_memory_hold_shrink(&evaluations->hold, bytes);
}

/* False: none is idle. */
static bool forget_longest_unused(bt_evaluations *evaluations) {
  size_t oldest = evaluations->count;
  for (size_t i = 0; i < evaluations->count; i++) {
    const bt_evaluation *evaluation = evaluations->items[i];
    bool is_older = oldest == evaluations->count || evaluation->used_ns < evaluations->items[oldest]->used_ns;
    if (is_idle(evaluation) && is_older) oldest = i;
  }
  if (oldest == evaluations->count) return false;
  forget_evaluation(evaluations, oldest);
  return true;
}

void bt_evaluations_tidy(bt_evaluations *evaluations) {
  const bt_evaluations_options *options = &evaluations->options;
  int64_t now_ns = bt_clock_monotonic_ns();
  for (size_t i = evaluations->count; i-- > 0;) {
    const bt_evaluation *evaluation = evaluations->items[i];
    bool is_over = evaluation->retired || evaluation->failed || now_ns - evaluation->used_ns > options->keep_ns;
    if (is_over && is_idle(evaluation)) forget_evaluation(evaluations, i);
  }
  while (evaluations->count >= KEPT_MAX || bytes_of_all(evaluations) > options->memory_limit_bytes)
    if (!forget_longest_unused(evaluations)) break;
  bt_evaluations_count(evaluations);
}

/* True: some are under way that may become so. */
static bool cancel_unwanted(const bt_evaluations *evaluations) {
  int64_t now_ns = bt_clock_monotonic_ns();
  bool any_runs = false;
  for (size_t i = 0; i < evaluations->count; i++) {
    bt_evaluation *evaluation = evaluations->items[i];
    bool is_wanted = evaluation->waiting || now_ns - evaluation->wanted_until_ns <= UNWANTED_NS;
    if (evaluation->running && !is_wanted) bt_work_scope_cancel(&evaluation->scope, BT_SCOPE_UNWANTED);
    any_runs = any_runs || evaluation->running;
  }
  return any_runs;
}

static void look_again_at_readers(bt_evaluations *evaluations) {
  bt_timer_set_earlier(evaluations->options.work->timer, &evaluations->readers, bt_clock_monotonic_ns() + LOOK_NS);
}

/* On the timer's thread: the workers may all wait for a source that hangs, for nobody. */
static void look_at_readers(bt_timer_entry *entry) {
  bt_evaluations *evaluations = (bt_evaluations *)((char *)entry - offsetof(bt_evaluations, readers));
  pthread_mutex_lock(&evaluations->mutex);
  if (cancel_unwanted(evaluations)) look_again_at_readers(evaluations);
  pthread_mutex_unlock(&evaluations->mutex);
}

/* ---- working ---- */

static const bt_position *given_to(const bt_evaluation *evaluation) {
  const bt_look *reader = evaluation->reader;
  return reader && reader->has_position ? &reader->after : NULL;
}

static bool is_tight(const bt_evaluations *evaluations, const bt_evaluation *evaluation) {
  return evaluation->listing.bytes > evaluations->options.memory_limit_bytes / WAIT_PART;
}

/* There is something for its reader, and too much of it. */
bool bt_evaluation_is_full(const bt_evaluations *evaluations, const bt_evaluation *evaluation) {
  const bt_listing *listing = &evaluation->listing;
  return is_tight(evaluations, evaluation) && bt_listing_after(listing, given_to(evaluation)) < listing->certain;
}

/* What its only reader has already. */
static void drop_given(const bt_evaluations *evaluations, bt_evaluation *evaluation) {
  const bt_position *given = given_to(evaluation);
  bool may_drop = given && evaluation->looks == 1 && !evaluation->pins;
  if (may_drop && is_tight(evaluations, evaluation)) bt_listing_drop(&evaluation->listing, given);
}

/* Somebody waits who has all that is certain: another reader, who is slower, does not hold him up. */
static bool has_hungry_reader(const bt_evaluation *evaluation) {
  for (const bt_look *look = evaluation->waiting; look; look = look->next) {
    const bt_listing *listing = &evaluation->listing;
    if (bt_listing_after(listing, look->has_position ? &look->after : NULL) >= listing->certain) return true;
  }
  return false;
}

static bool is_to_do(const bt_evaluations *evaluations, bt_evaluation *evaluation, int64_t now_ns) {
  if (evaluation->finished || evaluation->running || evaluation->retired) return false;
  if (!evaluation->waiting && now_ns > evaluation->wanted_until_ns) return false;
  drop_given(evaluations, evaluation);
  return !bt_evaluation_is_full(evaluations, evaluation) || has_hungry_reader(evaluation);
}

/* In turn, so that a long one, or a tenant's many, do not keep others waiting for more than a window. */
static bt_evaluation *choose_evaluation(bt_evaluations *evaluations) {
  int64_t now_ns = bt_clock_monotonic_ns();
  bt_evaluation *first = NULL;
  for (size_t i = 0; i < evaluations->count; i++) {
    bt_evaluation *one = evaluations->items[i];
    if (first && !bt_turn_is_before(&evaluations->turns, &one->turn, &first->turn)) continue;
    if (is_to_do(evaluations, one, now_ns)) first = one;
  }
  return first;
}

static void run_window(bt_evaluations *evaluations, bt_evaluation *evaluation) {
  uint64_t tenant = evaluation->turn.tenant;
  bt_turn_begin(&evaluations->turns, &evaluation->turn);
  look_again_at_readers(evaluations);
  bt_evaluation_run_window(evaluations, evaluation);
  bt_turn_end(&evaluations->turns, tenant);
}

/* One window; also looks for what is over, from time to time. */
static bool do_piece(void *context, int64_t *again_ns) {
  bt_evaluations *evaluations = context;
  bt_evaluations_tidy(evaluations);
  bt_evaluation *evaluation = choose_evaluation(evaluations);
  if (evaluation)
    run_window(evaluations, evaluation);
  else if (evaluations->count)
    *again_ns = bt_clock_monotonic_ns() + TIDY_MS * INT64_C(1000000);
  return evaluation != NULL;
}

static bt_status make_crew(bt_evaluations *evaluations, bt_error *error) {
  bt_crew_options crew = {.work = evaluations->options.work,
                          .lane = BT_LANE_EVALUATION,
                          .size = evaluations->options.at_once,
                          .mutex = &evaluations->mutex,
                          .do_piece = do_piece,
                          .context = evaluations};
  pthread_mutex_init(&evaluations->mutex, NULL);
  return bt_crew_init(&evaluations->crew, &crew, error);
}

bt_status bt_evaluations_new(const bt_evaluations_options *options, bt_evaluations **out, bt_error *error) {
  *out = NULL;
  bt_evaluations *evaluations = calloc(1, sizeof *evaluations);
  if (!evaluations) return bt_error_no_memory(error);
  evaluations->options = *options;
  evaluations->readers.fire = look_at_readers;
  if (!evaluations->options.at_once) evaluations->options.at_once = DEFAULT_AT_ONCE;
  if (!evaluations->options.memory_limit_bytes) evaluations->options.memory_limit_bytes = DEFAULT_MEMORY_BYTES;
  evaluations->hold = (bt_memory_hold){evaluations->options.memory, BT_MEMORY_VIOLATIONS, 0};
  if (!evaluations->options.keep_ns) evaluations->options.keep_ns = DEFAULT_KEEP_NS;
  bt_status status = make_crew(evaluations, error);
  if (status == BT_OK)
    *out = evaluations;
  else
    bt_evaluations_free(evaluations);
  return status;
}

void bt_evaluations_free(bt_evaluations *evaluations) {
  if (!evaluations) return;
  pthread_mutex_lock(&evaluations->mutex);
  evaluations->stopping = true;
  for (size_t i = 0; i < evaluations->count; i++)
    if (evaluations->items[i]->running) bt_work_scope_cancel(&evaluations->items[i]->scope, BT_SCOPE_STOPPING);
  pthread_mutex_unlock(&evaluations->mutex);
  bt_crew_end(&evaluations->crew);
  if (evaluations->options.work) bt_timer_clear(evaluations->options.work->timer, &evaluations->readers);
  for (size_t i = 0; i < evaluations->count; i++) bt_evaluation_free(evaluations->items[i]);
  bt_memory_hold_shrink(&evaluations->hold, 0);
  pthread_mutex_destroy(&evaluations->mutex);
  free(evaluations->items);
  free(evaluations);
}
