/* Grouping, and what is said of each group. See problems.h. A violation is told first, and then its verdict, which has
 * the time of the trace: so the problem of a violation waits for that. A verdict without one was not looked at. */
#include "server/query/problems.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/binomial.h"
#include "server/query/counted_steps.h"
#include "server/query/fine_counts.h"
#include "server/query/series_pool.h"

enum { FINE_STEPS = 480 }; /* of the range: by these is told when a rate changed */
static const int64_t MILLISECOND_NS = 1000000;

typedef struct finding {
  bt_problems *out;
  const bt_rule_definition *const *rules;
  bt_series_run run;
  bt_problem_namer namer;
  bt_found_problem *unlooked;  /* of each rule; with `steps` in out->unlooked */
  uint64_t *undecided;         /* of each rule: settled traces that exercised it, and have no verdict */
  int64_t fine_count, fine_ns; /* of each step: so many parts, of which the last may be shorter, or empty */
  bt_fine_counts fine;         /* series: what exercised each rule, then the violations of each problem */
  bool is_waiting;
  size_t waiting; /* the problem of the violation that was told last, of: */
  size_t rule;
  bt_trace_id trace_id;
  void (*progress)(void *context, double fraction, const bt_replay_result *so_far);
} finding;

const char *bt_trend_name(bt_trend trend) {
  static const char *const names[] = {[BT_TREND_UNKNOWN] = "unknown",
                                      [BT_TREND_NEW] = "new",
                                      [BT_TREND_RISING] = "rising",
                                      [BT_TREND_STEADY] = "steady",
                                      [BT_TREND_OVER] = "over"};
  return names[trend];
}

/* ---- which problem ---- */

static uint64_t hash_problem(const bt_found_problem *problem) {
  uint64_t place = bt_hash_pair(bt_hash_text(problem->service), problem->has_root);
  return bt_hash_pair(bt_hash_pair(bt_hash_text(problem->part), bt_hash_text(bt_str_from(problem->clause))),
                      bt_hash_pair(place, problem->rule));
}

static bool is_same(const bt_found_problem *a, const bt_found_problem *b) {
  return a->rule == b->rule && a->has_root == b->has_root && strcmp(a->clause, b->clause) == 0 &&
         bt_str_equal(a->part, b->part) && bt_str_equal(a->service, b->service);
}

/* Borrows of the violation and of f->namer. */
static bt_status identify_problem(finding *f, size_t rule, const bt_violation *violation, bt_found_problem *out,
                                  bt_error *error) {
  bt_problem_key key;
  bt_status status = bt_problem_key_of(&f->namer, rule, violation, &key, error);
  if (status) return status;
  *out = (bt_found_problem){.rule = rule,
                            .is_looked_at = true,
                            .has_root = key.has_root,
                            .service = key.service,
                            .failed = key.failed,
                            .clause = key.clause,
                            .part = key.part};
  return BT_OK;
}

static bool keep_texts(bt_problems *out, bt_found_problem *problem) {
  problem->steps = bt_arena_array(&out->texts, out->step_count, sizeof *problem->steps);
  return problem->steps && bt_arena_copy(&out->texts, problem->part, &problem->part) &&
         bt_arena_copy(&out->texts, problem->service, &problem->service);
}

static bt_status add_problem(bt_problems *out, const bt_found_problem *like, size_t *number, bt_error *error) {
  size_t bytes = 2 * sizeof *like + bt_table_bytes(1) + bt_heap_bytes(out->step_count * sizeof *like->steps) +
                 bt_heap_bytes(like->part.len) + bt_heap_bytes(like->service.len);
  if (!bt_memory_hold_grow(&out->hold, bytes))
    return bt_error_set(error, BT_LIMIT, "there is no room for more than %zu problems in --memory-limit", out->count);
  bt_found_problem *items = bt_grow_array(out->items, out->count, &out->capacity, sizeof *items);
  if (items) out->items = items;
  if (!items || !bt_table_reserve(&out->by_key, out->count + 1)) return bt_error_no_memory(error);
  items[out->count] = *like;
  if (!keep_texts(out, &items[out->count])) return bt_error_no_memory(error);
  bt_table_add(&out->by_key, hash_problem(like), out->count);
  *number = out->count++;
  return BT_OK;
}

static bt_status find_problem(finding *f, size_t rule, const bt_violation *violation, size_t *number, bt_error *error) {
  bt_found_problem like;
  bt_status status = identify_problem(f, rule, violation, &like, error);
  if (status) return status;
  bt_table_walk walk = bt_table_find(&f->out->by_key, hash_problem(&like));
  while (bt_table_next(&f->out->by_key, &walk))
    if (is_same(&f->out->items[walk.number], &like)) return *number = walk.number, BT_OK;
  return add_problem(f->out, &like, number, error);
}

/* ---- what is told ---- */

static bt_status take_violation(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  finding *f = context;
  bt_status status = find_problem(f, rule, violation, &f->waiting, error);
  f->is_waiting = status == BT_OK;
  f->rule = rule;
  f->trace_id = violation->trace_id;
  bt_violation_free(violation);
  return status;
}

static bool is_sooner(const bt_moment *a, const bt_moment *b) {
  if (!b->is_set || a->time_ns != b->time_ns) return !b->is_set || a->time_ns < b->time_ns;
  return bt_trace_id_compare(&a->trace_id, &b->trace_id) < 0;
}

static int64_t fine_step_of(const finding *f, int64_t time_ns) {
  int64_t step = bt_series_run_step_of(&f->run, time_ns);
  int64_t part = bt_time_subtract(time_ns, bt_series_run_begin_of(&f->run, step)) / f->fine_ns;
  return step * f->fine_count + (part < 0 ? 0 : part < f->fine_count ? part : f->fine_count - 1);
}

/* Of a trace whose time is known. Others are in the counts of steps alone. */
static void count_fine(finding *f, size_t series, const bt_trace_verdict *verdict) {
  int64_t from = fine_step_of(f, verdict->time_ns);
  if (from == fine_step_of(f, verdict->time_latest_ns)) bt_fine_counts_add(&f->fine, series, from);
}

static void count_violation(finding *f, bt_found_problem *problem, const bt_trace_verdict *verdict) {
  bt_moment moment = {true, verdict->trace_id, verdict->time_ns};
  int64_t from = bt_series_run_step_of(&f->run, verdict->time_ns);
  problem->count++;
  problem->provisional += !verdict->is_settled;
  if (is_sooner(&moment, &problem->first)) problem->first = moment;
  if (!problem->last.is_set || !is_sooner(&moment, &problem->last)) problem->last = moment;
  if (from == bt_series_run_step_of(&f->run, verdict->time_latest_ns)) problem->steps[from]++;
}

static bt_status take_verdict(void *context, const bt_trace_verdict *verdict, bt_error *error) {
  finding *f = context;
  (void)error;
  bt_series_run_count(&f->run, verdict);
  bool is_of_waiting =
      f->is_waiting && f->rule == verdict->rule && bt_trace_id_compare(&f->trace_id, &verdict->trace_id) == 0;
  f->is_waiting = false;
  bool is_open = verdict->verdict == BT_INCONCLUSIVE && verdict->is_settled && verdict->exercised == BT_TRUE;
  f->undecided[verdict->rule] += is_open;
  if (verdict->exercised == BT_TRUE) count_fine(f, verdict->rule, verdict);
  if (verdict->verdict == BT_VIOLATED && is_of_waiting) count_fine(f, f->out->rule_count + f->waiting, verdict);
  if (verdict->verdict == BT_VIOLATED)
    count_violation(f, is_of_waiting ? &f->out->items[f->waiting] : &f->unlooked[verdict->rule], verdict);
  return BT_OK;
}

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  const finding *f = context;
  if (f->progress) f->progress(context, fraction, so_far);
}

/* ---- steps ---- */

static int64_t begin_of(const bt_problems *all, size_t step) {
  return all->range.start_ns + (int64_t)step * all->step_ns;
}

static int64_t end_of(const bt_problems *all, size_t step) {
  return step + 1 < all->step_count ? begin_of(all, step + 1) : all->range.end_ns;
}

static bt_step_count *cell_of(const bt_problems *all, size_t rule, size_t step) {
  return &all->counts[rule * all->step_count + step];
}

static void leave_out_step(bt_problems *all, size_t step) {
  for (size_t rule = 0; rule < all->rule_count; rule++) cell_of(all, rule, step)->is_read = false;
}

/* Where the source shows no trace at all, or may have deleted some: that looks like a time without violations. */
static void leave_out_ends(bt_problems *all) {
  const bt_coverage *coverage = &all->result.coverage;
  bt_time_range late, early;
  bool begins_late = bt_coverage_begins_late(coverage, &late), ends_early = bt_coverage_ends_early(coverage, &early);
  for (size_t i = 0; i < all->step_count; i++)
    if ((begins_late && end_of(all, i) <= late.end_ns) || (ends_early && begin_of(all, i) >= early.start_ns) ||
        begin_of(all, i) < coverage->kept_from_ns)
      leave_out_step(all, i);
}

/* It ends before the first trace that the rule still waits for. */
static size_t settled_steps(const bt_problems *all, size_t rule) {
  int64_t end_ns = all->result.rules[rule].effective_end_ns;
  size_t count = 0;
  while (count < all->step_count && end_of(all, count) <= end_ns && !cell_of(all, rule, count)->is_young) count++;
  return count;
}

/* Marks the others, so that nothing is said of them whatever becomes of the result. */
static void mark_unsettled(bt_problems *all) {
  for (size_t rule = 0; rule < all->rule_count; rule++)
    for (size_t i = settled_steps(all, rule); i < all->step_count; i++) cell_of(all, rule, i)->is_young = true;
}

/* One without any trace, between others, counts as one in which nothing happened. */
static bool is_counted(const bt_problems *all, const bt_found_problem *problem, size_t step) {
  bool is_hidden = problem->is_looked_at && all->unlooked[problem->rule * all->step_count + step];
  return bt_counted_step_is_known(cell_of(all, problem->rule, step)) && !is_hidden;
}

bool bt_problem_step(const bt_problems *all, const bt_found_problem *problem, size_t step, uint64_t *out) {
  *out = problem->steps[step];
  return is_counted(all, problem, step) && !cell_of(all, problem->rule, step)->is_empty;
}

/* ---- trends ---- */

enum { LEAST_STEPS = 4, NOW_PART = 4, BEFORE_PART = 2, RISING_TIMES = 2 };
static const double CHANCE = 0.01;

typedef struct steps_sum {
  uint64_t violations, exercised; /* of steps that are known */
  bool is_known, has_exercised;   /* every step */
  int64_t length_ns;
} steps_sum;

static steps_sum sum_steps(const bt_problems *all, const bt_found_problem *problem, size_t first, size_t end) {
  steps_sum sum = {.is_known = true, .has_exercised = true};
  for (size_t i = first; i < end; i++) {
    const bt_step_count *cell = cell_of(all, problem->rule, i);
    bool is_known = is_counted(all, problem, i);
    sum.is_known = sum.is_known && is_known;
    sum.has_exercised = sum.has_exercised && is_known && cell->has_exercised;
    sum.violations += problem->steps[i];
    if (is_known) sum.exercised += cell->exercised;
    sum.length_ns += end_of(all, i) - begin_of(all, i);
  }
  return sum;
}

static bool is_rising(const steps_sum *until, const steps_sum *now) {
  uint64_t exercised = until->exercised + now->exercised, violations = until->violations + now->violations;
  bool by_exercised = until->has_exercised && now->has_exercised && now->exercised;
  double part = by_exercised ? (double)now->exercised / (double)exercised
                             : (double)now->length_ns / (double)(until->length_ns + now->length_ns);
  bool is_larger = (double)now->violations * (1 - part) >= RISING_TIMES * (double)until->violations * part;
  return is_larger && violations < bt_binomial_least(now->violations, part, CHANCE);
}

static bool goes_on_after(const bt_problems *all, const bt_found_problem *problem, size_t step) {
  for (size_t i = step; i < all->step_count; i++)
    if (problem->steps[i]) return true;
  return problem->provisional > 0;
}

static bt_trend say_unknown(bt_found_problem *problem, const char *why) {
  problem->why = why;
  return BT_TREND_UNKNOWN;
}

static bt_trend trend_of(const bt_problems *all, bt_found_problem *problem) {
  static const char *const gaps = "steps that decide it are not known";
  size_t settled = settled_steps(all, problem->rule), now_from = settled - settled / NOW_PART;
  if (!problem->is_looked_at) return say_unknown(problem, "its violations were not looked at");
  if (settled < LEAST_STEPS) return say_unknown(problem, "fewer than four steps of the range are settled");
  steps_sum before = sum_steps(all, problem, 0, settled / BEFORE_PART), until = sum_steps(all, problem, 0, now_from);
  steps_sum now = sum_steps(all, problem, now_from, settled);
  if (!now.violations && !goes_on_after(all, problem, settled)) {
    if (!now.is_known) return say_unknown(problem, gaps);
    return now.exercised ? BT_TREND_OVER : say_unknown(problem, "nothing is known to have exercised the rule of late");
  }
  if (!before.violations) return before.is_known ? BT_TREND_NEW : say_unknown(problem, gaps);
  if (!until.is_known || !now.is_known) return say_unknown(problem, gaps);
  return is_rising(&until, &now) ? BT_TREND_RISING : BT_TREND_STEADY;
}

/* ---- changes ---- */

typedef struct rate_steps { /* of a problem, in the order of time */
  bt_rate_step *items;      /* room for all fine steps */
  size_t count;
  bool has_exercised; /* of every one */
} rate_steps;

static void add_rate_step(rate_steps *steps, bt_rate_step step) {
  steps->items[steps->count++] = step;
  if (step.violations > step.exercised) steps->has_exercised = false;
}

/* False: the step ends before it. */
static bool set_fine_step(const finding *f, size_t series, size_t rule, size_t step, int64_t part, bt_rate_step *out) {
  int64_t start_ns = begin_of(f->out, step) + part * f->fine_ns, number = (int64_t)step * f->fine_count + part;
  *out = (bt_rate_step){.start_ns = start_ns,
                        .end_ns = bt_time_earlier(start_ns + f->fine_ns, end_of(f->out, step)),
                        .violations = bt_fine_counts_get(&f->fine, series, number),
                        .exercised = bt_fine_counts_get(&f->fine, rule, number)};
  return out->start_ns < out->end_ns;
}

/* By its fine steps where these have all of it, else as one. */
static void add_step(const finding *f, const bt_found_problem *problem, size_t step, rate_steps *out) {
  size_t series = f->out->rule_count + (size_t)(problem - f->out->items), before = out->count;
  const bt_step_count *cell = cell_of(f->out, problem->rule, step);
  bt_rate_step all = {begin_of(f->out, step), end_of(f->out, step), problem->steps[step], cell->exercised}, sum = {0};
  for (int64_t i = 0; i < f->fine_count; i++) {
    bt_rate_step one;
    if (set_fine_step(f, series, problem->rule, step, i, &one)) add_rate_step(out, one);
    sum.violations += one.violations;
    sum.exercised += one.exercised;
  }
  out->has_exercised = out->has_exercised && cell->has_exercised;
  if (sum.violations == all.violations && (sum.exercised == all.exercised || !cell->has_exercised)) return;
  out->count = before;
  add_rate_step(out, all);
}

/* Without one before the first change it came with the first violation, and likewise when it ended. */
static void narrow_ends(const bt_found_problem *problem, bt_rate_change *changes, size_t count) {
  bt_rate_change *first = &changes[0], *last = &changes[count - 1];
  int64_t began_ns = problem->first.time_ns, ended_ns = problem->last.time_ns;
  if (!first->before.violations && began_ns >= first->from_ns && began_ns <= first->to_ns)
    first->at_ns = first->to_ns = began_ns;
  if (!last->after.violations && ended_ns >= last->from_ns && ended_ns <= last->to_ns)
    last->at_ns = last->from_ns = ended_ns;
}

static bt_status keep_changes(bt_problems *out, bt_found_problem *problem, const rate_steps *steps, bt_error *error) {
  bt_rate_change changes[BT_CHANGES_MAX];
  problem->changes_by_time = !steps->has_exercised;
  problem->change_count = bt_rate_changes_find(steps->items, steps->count, problem->changes_by_time, changes);
  if (!problem->change_count) return BT_OK;
  narrow_ends(problem, changes, problem->change_count);
  problem->changes = bt_arena_array(&out->texts, problem->change_count, sizeof *changes);
  if (!problem->changes) return bt_error_no_memory(error);
  memcpy(problem->changes, changes, problem->change_count * sizeof *changes);
  return BT_OK;
}

static bt_status find_changes(const finding *f, bt_found_problem *problem, rate_steps *steps, bt_error *error) {
  uint64_t count = 0;
  *steps = (rate_steps){.items = steps->items, .has_exercised = true};
  for (size_t i = 0; problem->is_looked_at && i < settled_steps(f->out, problem->rule); i++)
    if (bt_problem_step(f->out, problem, i, &count)) add_step(f, problem, i, steps);
  if (!problem->is_looked_at)
    problem->changes_why = "its violations were not looked at";
  else if (f->fine.lacks_room)
    problem->changes_why = "there was no room for the counts";
  else if (steps->count < BT_RATE_STEPS_LEAST)
    problem->changes_why = "too little of the range is settled and known";
  return problem->changes_why ? BT_OK : keep_changes(f->out, problem, steps, error);
}

static bt_status find_all_changes(const finding *f, bt_error *error) {
  bt_status status = BT_OK;
  rate_steps steps = {.items = calloc(f->out->step_count * (size_t)f->fine_count, sizeof(bt_rate_step))};
  if (!steps.items) return bt_error_no_memory(error);
  for (size_t i = 0; i < f->out->count && status == BT_OK; i++)
    status = find_changes(f, &f->out->items[i], &steps, error);
  free(steps.items);
  return status;
}

/* ---- all of it ---- */

static bt_status set_id(const finding *f, bt_found_problem *problem, bt_error *error) {
  const bt_problem_key key = {
      .has_root = problem->has_root, .service = problem->service, .clause = problem->clause, .part = problem->part};
  const char *rule_id = f->rules[problem->rule]->fields.id;
  return bt_problem_id_of(rule_id, problem->is_looked_at ? &key : NULL, problem->id, error);
}

/* The counts of the others of its rule may be too low. */
static bool has_more(const finding *f, const bt_found_problem *problem) {
  const bt_rule_result *rule = &f->out->result.rules[problem->rule];
  bool is_open = rule->inconclusive > rule->inconclusive_open; /* the others are not settled */
  bool is_whole = bt_replay_has_whole(&f->out->result, problem->rule) && !is_open;
  return !is_whole || (problem->is_looked_at && f->unlooked[problem->rule].count);
}

static bt_status finish_problem(const finding *f, bt_found_problem *problem, bt_error *error) {
  const bt_rule_result *rule = &f->out->result.rules[problem->rule];
  problem->is_at_least = has_more(f, problem);
  uint64_t exercised = f->out->exercised[problem->rule];
  bool has_share = !problem->is_at_least && rule->exercised_is_exact && exercised;
  problem->share = has_share ? (double)(problem->count - problem->provisional) / (double)exercised : -1;
  problem->trend = trend_of(f->out, problem);
  return set_id(f, problem, error);
}

static bt_status add_unlooked(finding *f, bt_error *error) {
  bt_problems *out = f->out;
  for (size_t i = 0; i < out->rule_count; i++) {
    if (!f->unlooked[i].count) continue;
    bt_found_problem *items = bt_grow_array(out->items, out->count, &out->capacity, sizeof *items);
    if (!items) return bt_error_no_memory(error);
    out->items = items;
    items[out->count++] = f->unlooked[i];
  }
  return BT_OK;
}

static int compare_problems(const void *a, const void *b, void *context) {
  const bt_found_problem *x = a, *y = b;
  const finding *f = context;
  bt_severity of_x = f->rules[x->rule]->fields.severity, of_y = f->rules[y->rule]->fields.severity;
  if (of_x != of_y) return of_x > of_y ? -1 : 1;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return strcmp(x->id, y->id);
}

static bt_status conclude_problems(finding *f, bt_error *error) {
  bt_problems *out = f->out;
  bt_series_run_conclude(&f->run, &out->result);
  leave_out_ends(out);
  mark_unsettled(out);
  for (size_t i = 0; i < out->rule_count; i++) {
    uint64_t exercised = out->result.rules[i].traces_exercised;
    if (exercised > f->undecided[i]) out->exercised[i] = exercised - f->undecided[i];
  }
  bt_status status = add_unlooked(f, error);
  for (size_t i = 0; i < out->count && status == BT_OK; i++) status = finish_problem(f, &out->items[i], error);
  if (status == BT_OK) status = find_all_changes(f, error);
  if (out->count) qsort_r(out->items, out->count, sizeof *out->items, compare_problems, f);
  return status;
}

static void divide_steps(finding *f) {
  int64_t wanted = FINE_STEPS / (int64_t)f->out->step_count;
  f->fine_count = wanted < 1 ? 1 : wanted;
  f->fine_ns = f->out->step_ns / f->fine_count + 1;
}

static void divide_range(bt_problems *out, size_t steps) {
  int64_t length_ns = bt_time_subtract(out->range.end_ns, out->range.start_ns);
  int64_t wanted = (int64_t)steps * MILLISECOND_NS;
  if (length_ns <= 0) length_ns = 1; /* the replay refuses it */
  out->step_ns = (length_ns / wanted + (length_ns % wanted > 0)) * MILLISECOND_NS;
  out->step_count = (size_t)(length_ns / out->step_ns + (length_ns % out->step_ns > 0));
}

static bt_status open_counts(finding *f, const bt_replay_request *asked, bt_error *error) {
  bt_problems *out = f->out;
  out->hold = (bt_memory_hold){asked->memory, BT_MEMORY_VIOLATIONS, 0};
  if (!bt_memory_hold_grow(&out->hold, out->rule_count * out->step_count * sizeof *out->unlooked))
    return bt_error_set(error, BT_LIMIT, "there is no room for the counts in --memory-limit");
  bool is_open = bt_series_run_open(&f->run, asked->memory);
  out->counts = f->run.counts;
  out->counts_hold = f->run.hold;
  if (!is_open && !out->counts_hold.bytes) return bt_error_set(error, BT_LIMIT, "%s", f->run.reason);
  out->unlooked = calloc(out->rule_count * out->step_count, sizeof *out->unlooked);
  out->exercised = calloc(out->rule_count, sizeof *out->exercised);
  f->unlooked = calloc(out->rule_count, sizeof *f->unlooked);
  f->undecided = calloc(out->rule_count, sizeof *f->undecided);
  bool has_memory = is_open && out->unlooked && out->exercised && f->unlooked && f->undecided;
  if (!has_memory) return bt_error_no_memory(error);
  for (size_t i = 0; i < out->rule_count; i++)
    f->unlooked[i] = (bt_found_problem){.rule = i, .clause = "", .steps = &out->unlooked[i * out->step_count]};
  return BT_OK;
}

static bt_status run_finding(finding *f, bt_source *source, const bt_replay_request *asked, bt_error *error) {
  bt_replay_request request = *asked;
  bt_replay_observer observer = {
      .context = f, .violation = take_violation, .verdict = take_verdict, .progress = show_progress};
  bt_status status = open_counts(f, asked, error);
  if (!status) status = bt_problem_namer_init(&f->namer, asked->rules, asked->rule_count, error);
  if (status) return status;
  request.gap_step_ns = f->out->step_ns;
  request.tells_counted = true;
  status = bt_replay_run(source, &request, &observer, &f->out->result, error);
  return status ? status : conclude_problems(f, error);
}

bt_status bt_problems_find(bt_source *source, const bt_replay_request *asked, size_t steps,
                           void (*progress)(void *context, double fraction, const bt_replay_result *so_far),
                           bt_problems *out, bt_error *error) {
  *out = (bt_problems){.range = asked->range, .rule_count = asked->rule_count};
  bt_arena_init(&out->texts, SIZE_MAX);
  divide_range(out, steps);
  finding f = {.out = out,
               .rules = asked->rules,
               .run = {.rules = (const bt_rule_definition **)asked->rules,
                       .series_count = asked->rule_count,
                       .step_ns = out->step_ns,
                       .end_step = (int64_t)out->step_count,
                       .margin_ns = asked->assumptions.margin_ns,
                       .origin_ns = out->range.start_ns,
                       .until_ns = out->range.end_ns,
                       .wants_exercised = true},
               .progress = progress};
  divide_steps(&f);
  f.fine.hold = (bt_memory_hold){asked->memory, BT_MEMORY_VIOLATIONS, 0};
  bt_status status = run_finding(&f, source, asked, error);
  bt_series_run_drop_marks(&f.run);
  bt_fine_counts_dispose(&f.fine);
  bt_problem_namer_dispose(&f.namer);
  free(f.unlooked);
  free(f.undecided);
  return status;
}

void bt_problems_dispose(bt_problems *problems) {
  free(problems->items);
  free(problems->counts);
  free(problems->unlooked);
  free(problems->exercised);
  bt_table_dispose(&problems->by_key);
  bt_arena_dispose(&problems->texts);
  bt_memory_hold_shrink(&problems->hold, 0);
  bt_memory_hold_shrink(&problems->counts_hold, 0);
  bt_replay_result_dispose(&problems->result);
  *problems = (bt_problems){0};
}
