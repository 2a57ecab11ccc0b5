/* What is evaluated next: the newest steps that some open ask lacks, for all of its rules and for all other series of
 * the tenant that were asked for lately and lack them too. Only series with the same settle and margin share a replay,
 * so that what a step counts never depends on who else was asked for. A run is as long as is counted within a few
 * seconds, so that graphs grow from the right while somebody looks at them. See series_pool.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/query/series_pool.h"

enum {
  STEPS_MAX = 1000, /* of one run */
  SERIES_MAX = 200,
  REQUESTS_OF_ASKING = 4 /* of one rule, in however short a range: its searches, and some reads */
};
static const int64_t GATHER_NS = INT64_C(30) * 1000000; /* the rules of one tick come close together */
static const int64_t SECOND_NS = 1000000000;
static const int64_t REACH_FIRST_NS = INT64_C(3600) * 1000000000;
static const int64_t REACH_MOST_NS = INT64_C(24) * 3600 * 1000000000;
static const int64_t REACH_LEAST_NS = INT64_C(30) * 60 * 1000000000; /* what a run reads around it costs as much */

void bt_series_run_free(bt_series_run *run) {
  if (!run) return;
  for (size_t i = 0; run->rules && i < run->series_count; i++) bt_rule_definition_unref(run->rules[i]);
  free(run->rules);
  free(run->series);
  free(run->tenant);
  free(run->counts);
  free(run->is_unsure);
  free(run->has_trace);
  free(run->provisional);
  bt_memory_hold_shrink(&run->hold, 0);
  free(run);
}

/* ---- what is missing ---- */

static bool is_under_way(const bt_series_pool *pool, const bt_known_series *series, int64_t step, bool exercised) {
  for (size_t i = 0; i < pool->run_count; i++) {
    const bt_series_run *run = pool->runs[i];
    if (step < run->first_step || step >= run->end_step || (exercised && !run->wants_exercised)) continue;
    for (size_t k = 0; k < run->series_count; k++)
      if (run->series[k] == series) return true;
  }
  return false;
}

static bool lacks_step(const bt_series_ask *ask, size_t rule, int64_t step) {
  if (step < ask->first_step || step >= ask->end_step || step >= ask->settled_end[rule]) return false;
  size_t index = rule * bt_ask_steps(ask) + (size_t)(step - ask->first_step);
  return !ask->cells[index].is_known && !is_under_way(ask->pool, ask->series[rule], step, ask->wants_exercised);
}

static bool is_alike(const bt_known_series *a, const bt_known_series *b) {
  return a->step_ns == b->step_ns && a->settle_ns == b->settle_ns && a->margin_ns == b->margin_ns &&
         a->source == b->source && strcmp(a->tenant, b->tenant) == 0;
}

/* The rule that lacks the newest step. False: nothing is lacking that is not under way. */
static bool find_newest(const bt_series_ask *ask, size_t *rule, int64_t *step) {
  for (int64_t s = ask->end_step - 1; s >= ask->first_step; s--)
    for (size_t r = 0; r < ask->rule_count; r++)
      if (lacks_step(ask, r, s)) {
        *rule = r;
        *step = s;
        return true;
      }
  return false;
}

static bool any_lacks(const bt_series_ask *ask, const bt_known_series *like, int64_t step) {
  for (size_t r = 0; r < ask->rule_count; r++)
    if (is_alike(ask->series[r], like) && lacks_step(ask, r, step)) return true;
  return false;
}

/* ---- who takes part ---- */

static bool has_series(const bt_series_run *run, const bt_known_series *series) {
  for (size_t i = 0; i < run->series_count; i++)
    if (run->series[i] == series) return true;
  return false;
}

static void add_series(bt_series_run *run, bt_known_series *series) {
  if (run->series_count == SERIES_MAX || has_series(run, series)) return;
  run->rules[run->series_count] = bt_rule_definition_ref(series->rule);
  run->series[run->series_count++] = series;
}

static void add_asked(bt_series_run *run, const bt_series_ask *ask, const bt_known_series *like) {
  for (size_t r = 0; r < ask->rule_count; r++)
    for (int64_t s = run->first_step; s < run->end_step; s++)
      if (is_alike(ask->series[r], like) && lacks_step(ask, r, s)) {
        add_series(run, ask->series[r]);
        break;
      }
}

/* Whether the next question about it is likely to be about these steps: of the last one's length, and later by what a
 * tick may be. */
static bool is_near(const bt_series_pool *pool, const bt_series_run *run, const bt_known_series *series) {
  int64_t length = series->end_step - series->first_step, tick = pool->options.keep_ns / series->step_ns;
  return run->first_step >= series->first_step && run->end_step <= series->end_step + (length > tick ? length : tick);
}

/* Whether it is likely to be asked for these steps soon, and they are neither known nor under way. */
static bool joins_run(const bt_series_pool *pool, const bt_series_run *run, const bt_known_series *series,
                      int64_t now_ns) {
  int64_t asked_ns = run->wants_exercised ? series->exercised_asked_ns : series->asked_ns;
  bt_step_count known;
  if (!asked_ns || now_ns - asked_ns > pool->options.keep_ns || !is_near(pool, run, series)) return false;
  for (int64_t s = run->first_step; s < run->end_step; s++) {
    bool is_known = bt_step_cache_get(pool->cache, series->id, s, now_ns, &known) &&
                    (known.looked_exercised || !run->wants_exercised);
    if (!is_known && !is_under_way(pool, series, s, run->wants_exercised)) return true;
  }
  return false;
}

static void add_others(const bt_series_pool *pool, bt_series_run *run, const bt_known_series *like) {
  int64_t now_ns = bt_clock_monotonic_ns();
  for (size_t i = 0; i < pool->known_count; i++)
    if (is_alike(pool->known[i], like) && joins_run(pool, run, pool->known[i], now_ns)) add_series(run, pool->known[i]);
}

/* ---- the run ---- */

static int64_t longest_run(const bt_known_series *series, bool exercised) {
  int64_t reach_ns = series->paces[exercised].reach_ns;
  int64_t steps = (reach_ns ? reach_ns : REACH_FIRST_NS) / series->step_ns;
  return steps < 1 ? 1 : steps > STEPS_MAX ? STEPS_MAX : steps;
}

static int64_t longer_than(int64_t length_ns, int64_t before_ns) {
  int64_t longer_ns = 4 * length_ns < REACH_MOST_NS ? 4 * length_ns : REACH_MOST_NS;
  return longer_ns > before_ns ? longer_ns : before_ns;
}

/* Whether an hour costs less in a longer run, because most of a run's price is that each rule is asked for at all. The
 * last two runs tell, and before there are two of different lengths, how little was asked for each rule. */
static bool pays_to_grow(const bt_series_run *run, const bt_series_pace *pace, int64_t length_ns, int64_t took_ns) {
  if (!pace->length_ns) return run->requests <= REQUESTS_OF_ASKING * (uint64_t)run->series_count;
  double now = (double)took_ns / (double)length_ns;
  double before = (double)pace->took_ns / (double)pace->length_ns;
  return length_ns > pace->length_ns ? now <= before / 2 : length_ns < pace->length_ns && now >= before * 1.5;
}

static int64_t next_reach(const bt_series_run *run, const bt_series_pace *pace, int64_t length_ns, int64_t took_ns) {
  int64_t before_ns = pace->reach_ns ? pace->reach_ns : REACH_FIRST_NS;
  if (run->reason[0]) return REACH_MOST_NS; /* of a source that does not answer each piece would wait anew */
  if (took_ns <= SECOND_NS || pays_to_grow(run, pace, length_ns, took_ns)) return longer_than(length_ns, before_ns);
  if (took_ns > 4 * SECOND_NS) return length_ns / 2 > REACH_LEAST_NS ? length_ns / 2 : REACH_LEAST_NS;
  return before_ns;
}

void bt_series_learn_reach(const bt_series_run *run, int64_t now_ns) {
  int64_t length_ns = (run->end_step - run->first_step) * run->step_ns;
  int64_t took_ns = bt_time_subtract(now_ns, run->begun_ns);
  for (size_t i = 0; i < run->series_count; i++) {
    bt_series_pace *pace = &run->series[i]->paces[run->wants_exercised];
    *pace = (bt_series_pace){next_reach(run, pace, length_ns, took_ns), length_ns, took_ns};
  }
}

static bool make_room(bt_series_run *run, const char *tenant) {
  run->tenant = strdup(tenant);
  run->series = calloc(SERIES_MAX, sizeof *run->series);
  run->rules = calloc(SERIES_MAX, sizeof *run->rules);
  return run->tenant && run->series && run->rules;
}

static bt_series_run *plan_run(const bt_series_pool *pool, const bt_series_ask *ask, size_t rule, int64_t newest) {
  const bt_known_series *like = ask->series[rule];
  bt_series_run *run = calloc(1, sizeof *run);
  if (!run || !make_room(run, like->tenant)) {
    bt_series_run_free(run);
    return NULL;
  }
  int64_t most = longest_run(like, ask->wants_exercised);
  run->source = like->source;
  run->step_ns = like->step_ns;
  run->margin_ns = like->margin_ns;
  run->wants_exercised = ask->wants_exercised;
  run->first_step = newest;
  run->end_step = newest + 1;
  while (run->end_step - run->first_step < most && any_lacks(ask, like, run->first_step - 1)) run->first_step--;
  add_asked(run, ask, like);
  add_others(pool, run, like);
  return run;
}

/* Without memory for an evaluation the ask is told that the step failed, or it would be planned again and again. */
static void give_up(bt_series_ask *ask, size_t rule, int64_t step) {
  ask->cells[rule * bt_ask_steps(ask) + (size_t)(step - ask->first_step)] = (bt_ask_cell){.is_known = true};
  snprintf(ask->reason, sizeof ask->reason, "no_memory: there was not enough memory to evaluate all steps");
  bt_series_wake(ask->pool);
}

static bool is_too_young(const bt_series_ask *ask, int64_t now_ns, int64_t *again_ns) {
  int64_t at_ns = ask->opened_ns + GATHER_NS;
  if (now_ns >= at_ns) return false;
  if (!*again_ns || at_ns < *again_ns) *again_ns = at_ns;
  return true;
}

/* The ask whose turn it is, and what it lacks. NULL: there is none. */
static bt_series_ask *choose_ask(const bt_series_pool *pool, int64_t *again_ns, size_t *rule, int64_t *step) {
  int64_t now_ns = bt_clock_monotonic_ns();
  bt_series_ask *first = NULL;
  for (size_t i = 0; i < pool->ask_count; i++) {
    bt_series_ask *ask = pool->asks[i];
    if (is_too_young(ask, now_ns, again_ns) || (!ask->wait && now_ns > ask->wanted_until_ns)) continue;
    if (first && !bt_turn_is_before(&pool->turns, &ask->turn, &first->turn)) continue;
    if (find_newest(ask, rule, step)) first = ask;
  }
  return first;
}

bt_series_run *bt_series_plan(bt_series_pool *pool, int64_t *again_ns) {
  bt_series_ask *ask;
  size_t rule = 0;
  int64_t step = 0;
  *again_ns = 0;
  while ((ask = choose_ask(pool, again_ns, &rule, &step))) {
    bt_series_run *run = plan_run(pool, ask, rule, step);
    if (run) {
      run->turn_of = ask->turn.tenant;
      bt_turn_begin(&pool->turns, &ask->turn);
      return run;
    }
    give_up(ask, rule, step);
  }
  return NULL;
}
