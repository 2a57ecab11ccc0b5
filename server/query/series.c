/* Asking for series, and the workers that count. See series.h and series_pool.h. */
#include "server/query/series.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/query/series_pool.h"

enum { DEFAULT_AT_ONCE = 2, DEFAULT_CELLS = 400000, ASKS_MAX = 256 };
static const int64_t DEFAULT_KEEP_NS = INT64_C(600) * 1000000000;
static const int64_t FAILED_KEEP_NS =
    INT64_C(5) * 1000000000;                                /* what may be better soon is not asked for again at once */
static const int64_t POLL_NS = INT64_C(2) * 1000000000;     /* who waited within this time still wants it */
static const int64_t UNWANTED_NS = INT64_C(5) * 1000000000; /* a run goes on for so long after it was last wanted */
static const int64_t LOOK_NS = 1000000000;                  /* between two looks whether it is */

/* ---- known series ---- */

/* What a question asks, whatever the rule. */
typedef struct asked {
  const char *tenant;
  bt_source *source;
  int64_t step_ns;
} asked;

static asked asked_of(const bt_series_pool *pool, const bt_series_question *question) {
  return (asked){question->tenant ? question->tenant : "", question->source ? question->source : pool->options.source,
                 question->step_ns};
}

static bool is_of(const bt_known_series *series, const asked *a, const bt_rule_definition *rule, int64_t margin_ns) {
  return series->source == a->source && series->step_ns == a->step_ns && series->margin_ns == margin_ns &&
         strcmp(series->rule->condition_hash, rule->condition_hash) == 0 && strcmp(series->tenant, a->tenant) == 0;
}

static bool is_running(const bt_series_pool *pool, const bt_known_series *series) {
  for (size_t i = 0; i < pool->run_count; i++)
    for (size_t k = 0; k < pool->runs[i]->series_count; k++)
      if (pool->runs[i]->series[k] == series) return true;
  return false;
}

/* The rule in full: it may be of this question alone. */
static size_t bytes_of_series(const char *tenant, const bt_rule_definition *rule) {
  return bt_heap_bytes(sizeof(bt_known_series)) + bt_heap_bytes(strlen(tenant) + 1) + 2 * sizeof(bt_known_series *) +
         bt_rule_definition_bytes(rule);
}

static void free_series(bt_series_pool *pool, bt_known_series *series) {
  bt_memory_hold_shrink(&pool->known_hold, pool->known_hold.bytes - bytes_of_series(series->tenant, series->rule));
  bt_rule_definition_unref(series->rule);
  free(series->tenant);
  free(series);
}

/* Those that nobody asked for since then. Their cells fall out of the cache by themselves: ids are not used again. */
static void forget_series(bt_series_pool *pool, int64_t since_ns) {
  for (size_t i = pool->known_count; i > 0; i--) {
    bt_known_series *series = pool->known[i - 1];
    if (series->asks || series->asked_ns >= since_ns || is_running(pool, series)) continue;
    pool->known[i - 1] = pool->known[--pool->known_count];
    free_series(pool, series);
  }
}

static bt_status say_no_room(size_t bytes, const char *what, bt_error *error) {
  return bt_error_set(
      error, BT_LIMIT,
      "there is no room for %zu bytes of %s: what runs and what is kept fills --memory-limit; try again "
      "later, or take a longer step",
      bytes, what);
}

/* Those that nobody waits for go first. */
static bool take_known_bytes(bt_series_pool *pool, size_t bytes) {
  if (bt_memory_hold_grow(&pool->known_hold, bytes)) return true;
  forget_series(pool, INT64_MAX);
  return bt_memory_hold_grow(&pool->known_hold, bytes);
}

static bt_status new_series(bt_series_pool *pool, const asked *a, const bt_rule_definition *rule, bt_known_series **out,
                            bt_error *error) {
  size_t bytes = bytes_of_series(a->tenant, rule);
  if (!take_known_bytes(pool, bytes)) return say_no_room(bytes, "a series and its rule", error);
  bt_known_series **known = bt_grow_array(pool->known, pool->known_count, &pool->known_capacity, sizeof *known);
  if (known) pool->known = known;
  bt_known_series *series = known ? calloc(1, sizeof *series) : NULL;
  if (!series || !(series->tenant = strdup(a->tenant))) {
    free(series);
    bt_memory_hold_shrink(&pool->known_hold, pool->known_hold.bytes - bytes);
    return bt_error_no_memory(error);
  }
  bt_assumptions own = bt_assumptions_of(&pool->options.assumptions, rule);
  series->id = ++pool->last_id;
  series->rule = bt_rule_definition_ref(rule);
  series->source = a->source;
  series->step_ns = a->step_ns;
  series->settle_ns = own.settle_ns;
  series->margin_ns = own.margin_ns;
  *out = known[pool->known_count++] = series;
  return BT_OK;
}

static bt_status find_series(bt_series_pool *pool, const asked *a, const bt_rule_definition *rule,
                             bt_known_series **out, bt_error *error) {
  int64_t margin_ns = bt_assumptions_of(&pool->options.assumptions, rule).margin_ns;
  for (size_t i = 0; i < pool->known_count; i++)
    if (is_of(pool->known[i], a, rule, margin_ns)) return *out = pool->known[i], BT_OK;
  return new_series(pool, a, rule, out, error);
}

/* ---- asks ---- */

/* The first step that is not wholly before the end and `now` − settle. Of files everything is settled. */
static int64_t settled_end_of(const bt_series_ask *ask, const bt_known_series *series) {
  if (bt_source_known(series->source).is_static) return ask->whole_end_step;
  int64_t settle_ns = series->settle_ns > ask->settle_floor_ns ? series->settle_ns : ask->settle_floor_ns;
  int64_t settled_ns = bt_time_subtract(ask->now_ns, settle_ns + ask->clock_ahead_ns);
  int64_t step = settled_ns / series->step_ns - (settled_ns % series->step_ns < 0);
  return step < ask->whole_end_step ? step : ask->whole_end_step;
}

static void fill_from_cache(bt_series_ask *ask, size_t rule, int64_t now_ns) {
  bt_series_pool *pool = ask->pool;
  for (int64_t step = ask->first_step; step < ask->settled_end[rule]; step++) {
    bt_ask_cell *cell = &ask->cells[rule * bt_ask_steps(ask) + (size_t)(step - ask->first_step)];
    bt_step_count kept;
    if (cell->is_known || !bt_step_cache_get(pool->cache, ask->series[rule]->id, step, now_ns, &kept)) continue;
    if (ask->wants_exercised && !kept.looked_exercised) continue;
    *cell = (bt_ask_cell){kept, true};
  }
}

static bt_status attach_rules(bt_series_ask *ask, const bt_series_question *question, bt_error *error) {
  const asked a = asked_of(ask->pool, question);
  int64_t now_ns = bt_clock_monotonic_ns();
  for (size_t i = 0; i < question->rule_count; i++) {
    bt_known_series *series = NULL;
    bt_status status = find_series(ask->pool, &a, question->rules[i], &series, error);
    if (status != BT_OK) return status;
    ask->series[ask->rule_count++] = series;
    ask->settled_end[i] = settled_end_of(ask, series);
    series->asks++;
    series->asked_ns = now_ns;
    if (ask->wants_exercised) series->exercised_asked_ns = now_ns;
    series->first_step = ask->first_step;
    series->end_step = ask->settled_end[i];
    fill_from_cache(ask, i, now_ns);
  }
  return BT_OK;
}

static void free_ask(bt_series_ask *ask) {
  free(ask->series);
  free(ask->settled_end);
  free(ask->cells);
  bt_memory_hold_shrink(&ask->hold, 0);
  free(ask);
}

static void detach_rules(bt_series_ask *ask) {
  for (size_t i = 0; i < ask->rule_count; i++) ask->series[i]->asks--;
}

static size_t bytes_of_cells(const bt_series_question *question) {
  return question->rule_count * (size_t)(question->end_step - question->first_step) * sizeof(bt_ask_cell);
}

static bt_status new_ask(bt_series_pool *pool, const bt_series_question *question, bt_series_ask **out,
                         bt_error *error) {
  bt_memory_hold hold = {pool->options.memory, BT_MEMORY_SERIES, 0};
  if (!bt_memory_hold_set(&hold, bytes_of_cells(question)))
    return say_no_room(bytes_of_cells(question), "counts", error);
  bt_series_ask *ask = calloc(1, sizeof *ask);
  if (!ask) {
    bt_memory_hold_shrink(&hold, 0);
    return bt_error_no_memory(error);
  }
  ask->pool = pool;
  ask->hold = hold;
  ask->opened_ns = bt_clock_monotonic_ns();
  ask->first_step = question->first_step;
  ask->end_step = question->end_step;
  ask->whole_end_step = question->whole_end_step < question->end_step ? question->whole_end_step : question->end_step;
  ask->now_ns = question->now_ns;
  bt_source *source = asked_of(pool, question).source;
  ask->settle_floor_ns = bt_source_known(source).hidden_tail_ns;
  ask->clock_ahead_ns = bt_source_clock_ahead_ns(source);
  ask->wants_exercised = question->wants_exercised;
  ask->series = calloc(question->rule_count, sizeof(bt_known_series *));
  ask->settled_end = calloc(question->rule_count, sizeof *ask->settled_end);
  ask->cells = calloc(question->rule_count * bt_ask_steps(ask), sizeof *ask->cells);
  if (ask->series && ask->settled_end && ask->cells) return *out = ask, BT_OK;
  free_ask(ask);
  return bt_error_no_memory(error);
}

static bt_status enter_ask(bt_series_pool *pool, bt_series_ask *ask, const bt_series_question *question,
                           bt_error *error) {
  forget_series(pool, bt_clock_monotonic_ns() - pool->options.keep_ns);
  if (pool->ask_count >= ASKS_MAX)
    return bt_error_set(error, BT_LIMIT, "%d series are being counted already; try again later", ASKS_MAX);
  bt_series_ask **asks = bt_grow_array(pool->asks, pool->ask_count, &pool->ask_capacity, sizeof *asks);
  if (!asks) return bt_error_no_memory(error);
  pool->asks = asks;
  bt_status status = attach_rules(ask, question, error);
  if (status != BT_OK) {
    detach_rules(ask);
    return status;
  }
  ask->turn.tenant = bt_turns_key(ask->series[0]->tenant, strlen(ask->series[0]->tenant));
  bt_turn_enter(&pool->turns, &ask->turn);
  asks[pool->ask_count++] = ask;
  return BT_OK;
}

static bt_status check_question(const bt_series_question *question, bt_error *error) {
  if (!question->rule_count || question->step_ns <= 0 || question->first_step >= question->end_step)
    return bt_error_set(error, BT_INVALID, "a series needs a rule, a step and a range");
  uint64_t steps = (uint64_t)question->end_step - (uint64_t)question->first_step;
  if (steps > BT_SERIES_MOST_CELLS / question->rule_count)
    return bt_error_set(
        error, BT_LIMIT,
        "%llu steps of %zu rules are more than %d counts; take a longer step, a shorter range or fewer rules",
        (unsigned long long)steps, question->rule_count, BT_SERIES_MOST_CELLS);
  return BT_OK;
}

bt_status bt_series_open(bt_series_pool *pool, const bt_series_question *question, bt_series_ask **out,
                         bt_error *error) {
  *out = NULL;
  bt_status status = check_question(question, error);
  if (status != BT_OK) return status;
  bt_series_ask *ask = NULL;
  status = new_ask(pool, question, &ask, error);
  if (status != BT_OK) return status;
  pthread_mutex_lock(&pool->mutex);
  status = enter_ask(pool, ask, question, error);
  pthread_mutex_unlock(&pool->mutex);
  if (status == BT_OK)
    *out = ask;
  else
    free_ask(ask);
  return status;
}

void bt_series_close(bt_series_ask *ask) {
  if (!ask) return;
  bt_series_pool *pool = ask->pool;
  pthread_mutex_lock(&pool->mutex);
  size_t index = 0;
  while (pool->asks[index] != ask) index++;
  pool->asks[index] = pool->asks[--pool->ask_count];
  detach_rules(ask);
  pthread_mutex_unlock(&pool->mutex);
  free_ask(ask);
}

static bool is_ready(const bt_series_ask *ask) {
  for (size_t r = 0; r < ask->rule_count; r++)
    for (int64_t step = ask->first_step; step < ask->settled_end[r]; step++)
      if (!ask->cells[r * bt_ask_steps(ask) + (size_t)(step - ask->first_step)].is_known) return false;
  return true;
}

void bt_series_wake(bt_series_pool *pool) {
  for (size_t i = 0; i < pool->ask_count; i++)
    if (pool->asks[i]->wait && is_ready(pool->asks[i])) bt_wait_wake(pool->asks[i]->wait);
}

bool bt_series_is_known(bt_series_ask *ask, bt_wait *wait) {
  bt_series_pool *pool = ask->pool;
  pthread_mutex_lock(&pool->mutex);
  bool ready = is_ready(ask);
  ask->wait = ready ? NULL : wait;
  ask->wanted_until_ns = bt_time_add(bt_clock_monotonic_ns(), POLL_NS);
  if (ask->wait) bt_wait_set(ask->wait);
  if (!ready) bt_crew_wake_all(&pool->crew);
  pthread_mutex_unlock(&pool->mutex);
  return ready;
}

bt_step_state bt_series_step(bt_series_ask *ask, size_t rule, size_t index, bt_step_count *out) {
  pthread_mutex_lock(&ask->pool->mutex);
  bt_ask_cell cell = ask->cells[rule * bt_ask_steps(ask) + index];
  bool is_settled = ask->first_step + (int64_t)index < ask->settled_end[rule];
  pthread_mutex_unlock(&ask->pool->mutex);
  *out = cell.count;
  if (!is_settled) return BT_STEP_UNSETTLED;
  if (!cell.is_known) return BT_STEP_WAITING;
  if (!cell.count.is_read) return BT_STEP_FAILED;
  if (cell.count.is_young) return BT_STEP_UNSETTLED;
  return cell.count.is_undecided ? BT_STEP_UNDECIDED : BT_STEP_COUNTED;
}

void bt_series_reason(bt_series_ask *ask, char out[240]) {
  pthread_mutex_lock(&ask->pool->mutex);
  memcpy(out, ask->reason, sizeof ask->reason);
  pthread_mutex_unlock(&ask->pool->mutex);
}

void bt_series_sampling(bt_series_ask *ask, bt_sampled_traces *out) {
  bt_sampling_setting setting;
  if (bt_sampling_setting_parse(ask->pool->options.assumptions.sampling, &setting)) out->declared = setting.declared;
  pthread_mutex_lock(&ask->pool->mutex);
  for (size_t r = 0; r < ask->rule_count; r++) bt_sampled_traces_overlap(out, &ask->series[r]->sampling);
  pthread_mutex_unlock(&ask->pool->mutex);
}

/* ---- counting ---- */

/* Where there was no room for any, nothing was read. */
static const bt_step_count *count_at(const bt_series_run *run, size_t number, int64_t step) {
  static const bt_step_count unread = {0};
  return run->counts ? &run->counts[number * bt_run_steps(run) + (size_t)(step - run->first_step)] : &unread;
}

/* Until when a count is kept, on the clock of `now_ns`: one in which late spans may be hidden no longer than they may,
 * counted from when the run began. */
static int64_t kept_until(const bt_series_pool *pool, const bt_series_run *run, size_t number, int64_t step,
                          int64_t now_ns) {
  const bt_step_count *count = count_at(run, number, step);
  int64_t until_ns = now_ns + (count->is_read && !count->is_young ? pool->options.keep_ns : FAILED_KEEP_NS);
  if (!count->is_provisional) return until_ns;
  int64_t left_ns = bt_time_subtract((step + 1) * run->step_ns, run->provisional[number]);
  return bt_time_earlier(until_ns, bt_time_add(run->begun_ns, left_ns));
}

static void keep_counts(bt_series_pool *pool, const bt_series_run *run) {
  int64_t now_ns = bt_clock_monotonic_ns();
  for (size_t i = 0; run->counts && i < run->series_count; i++)
    for (int64_t step = run->first_step; step < run->end_step; step++) {
      int64_t until_ns = kept_until(pool, run, i, step, now_ns);
      bt_step_cache_put(pool->cache, run->series[i]->id, step, until_ns, count_at(run, i, step));
    }
}

/* Counts that are kept have none with them: what the newest read of a series said stands for all of it. */
static void keep_sampling(const bt_series_run *run) {
  for (size_t i = 0; i < run->series_count; i++)
    if (bt_kept_traces_count(&run->sampling.kept)) run->series[i]->sampling = run->sampling;
}

/* An ask keeps what it got, so that a cache that is too small for it costs time and no answer. */
static void tell_rule(bt_series_ask *ask, size_t rule, const bt_series_run *run, size_t number) {
  for (int64_t step = run->first_step; step < run->end_step; step++) {
    if (step < ask->first_step || step >= ask->settled_end[rule]) continue;
    bt_ask_cell *cell = &ask->cells[rule * bt_ask_steps(ask) + (size_t)(step - ask->first_step)];
    if (cell->is_known) continue;
    *cell = (bt_ask_cell){*count_at(run, number, step), true};
    if (!cell->count.is_read) snprintf(ask->reason, sizeof ask->reason, "%s", run->reason);
  }
}

static void tell_asks(bt_series_pool *pool, const bt_series_run *run) {
  for (size_t a = 0; a < pool->ask_count; a++) {
    bt_series_ask *ask = pool->asks[a];
    if (ask->wants_exercised && !run->wants_exercised) continue;
    for (size_t r = 0; r < ask->rule_count; r++)
      for (size_t i = 0; i < run->series_count; i++)
        if (ask->series[r] == run->series[i]) tell_rule(ask, r, run, i);
  }
}

static bool is_wanted_by(const bt_series_ask *ask, const bt_series_run *run, int64_t now_ns) {
  bool waits = ask->wait || now_ns <= ask->wanted_until_ns;
  for (size_t r = 0; waits && r < ask->rule_count; r++)
    for (size_t i = 0; i < run->series_count; i++)
      if (ask->series[r] == run->series[i]) return true;
  return false;
}

static void cancel_if_unwanted(const bt_series_pool *pool, bt_series_run *run, int64_t now_ns) {
  for (size_t a = 0; a < pool->ask_count; a++)
    if (is_wanted_by(pool->asks[a], run, now_ns)) run->wanted_ns = now_ns;
  if (now_ns - run->wanted_ns > UNWANTED_NS) bt_work_scope_cancel(&run->scope, BT_SCOPE_UNWANTED);
}

static void look_again_at_readers(bt_series_pool *pool, int64_t now_ns) {
  bt_timer_set_earlier(pool->options.work->timer, &pool->readers, now_ns + LOOK_NS);
}

/* On the timer's thread: the workers may all wait for a source that hangs, for nobody. */
static void look_at_readers(bt_timer_entry *entry) {
  bt_series_pool *pool = (bt_series_pool *)((char *)entry - offsetof(bt_series_pool, readers));
  int64_t now_ns = bt_clock_monotonic_ns();
  pthread_mutex_lock(&pool->mutex);
  for (size_t i = 0; i < pool->run_count; i++) cancel_if_unwanted(pool, pool->runs[i], now_ns);
  if (pool->run_count) look_again_at_readers(pool, now_ns);
  pthread_mutex_unlock(&pool->mutex);
}

/* One that was cut says nothing: who has come meanwhile has it counted anew. */
static void finish_run(bt_series_pool *pool, bt_series_run *run) {
  if (bt_work_scope_why(&run->scope) != BT_SCOPE_UNWANTED) {
    keep_counts(pool, run);
    keep_sampling(run);
    tell_asks(pool, run);
    bt_series_learn_reach(run, bt_clock_monotonic_ns());
  }
  size_t index = 0;
  while (pool->runs[index] != run) index++;
  pool->runs[index] = pool->runs[--pool->run_count];
  bt_turn_end(&pool->turns, run->turn_of);
  bt_series_wake(pool);
}

static void carry_out(bt_series_pool *pool, bt_series_run *run) {
  run->begun_ns = run->wanted_ns = bt_clock_monotonic_ns();
  pool->runs[pool->run_count++] = run;
  look_again_at_readers(pool, run->wanted_ns);
  bt_work_scope_begin(&run->scope, &pool->options.work->root, BT_SCOPE_NO_DEADLINE);
  pthread_mutex_unlock(&pool->mutex);
  bt_series_run_evaluate(&pool->options, run);
  pthread_mutex_lock(&pool->mutex);
  finish_run(pool, run);
  bt_work_scope_end(&run->scope);
  bt_series_run_free(run);
}

static bool do_piece(void *context, int64_t *again_ns) {
  bt_series_pool *pool = context;
  bt_series_run *run = bt_series_plan(pool, again_ns);
  if (run) carry_out(pool, run);
  return run != NULL;
}

/* ---- the pool ---- */

static bt_status make_crew(bt_series_pool *pool, bt_error *error) {
  bt_crew_options crew = {.work = pool->options.work,
                          .lane = BT_LANE_SERIES,
                          .size = pool->options.at_once,
                          .mutex = &pool->mutex,
                          .do_piece = do_piece,
                          .context = pool};
  pool->runs = calloc(pool->options.at_once, sizeof(bt_series_run *));
  return pool->runs ? bt_crew_init(&pool->crew, &crew, error) : bt_error_no_memory(error);
}

bt_status bt_series_pool_new(const bt_series_options *options, bt_series_pool **out, bt_error *error) {
  *out = NULL;
  bt_series_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return bt_error_no_memory(error);
  pool->options = *options;
  pool->readers.fire = look_at_readers;
  if (!pool->options.at_once) pool->options.at_once = DEFAULT_AT_ONCE;
  if (!pool->options.most_cells) pool->options.most_cells = DEFAULT_CELLS;
  pool->known_hold = (bt_memory_hold){pool->options.memory, BT_MEMORY_SERIES, 0};
  if (!pool->options.keep_ns) pool->options.keep_ns = DEFAULT_KEEP_NS;
  pthread_mutex_init(&pool->mutex, NULL);
  bt_status status = bt_step_cache_new(pool->options.most_cells, pool->options.memory, &pool->cache, error);
  if (status == BT_OK) status = make_crew(pool, error);
  if (status == BT_OK)
    *out = pool;
  else
    bt_series_pool_free(pool);
  return status;
}

void bt_series_pool_free(bt_series_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->mutex);
  pool->stopping = true;
  for (size_t i = 0; i < pool->run_count; i++) bt_work_scope_cancel(&pool->runs[i]->scope, BT_SCOPE_STOPPING);
  pthread_mutex_unlock(&pool->mutex);
  bt_crew_end(&pool->crew);
  if (pool->options.work) bt_timer_clear(pool->options.work->timer, &pool->readers);
  for (size_t i = 0; i < pool->known_count; i++) free_series(pool, pool->known[i]);
  bt_step_cache_free(pool->cache);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->known);
  free(pool->asks);
  free(pool->runs);
  free(pool);
}
