/* Series over the scripted source: each step is what a replay of it finds. Many questions at once cost one evaluation.
 * What was not read, or is not settled, is no number. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/query/series_pool.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/server/work/blocking_wait.h"
#include "tests/support/failing_alloc.h"

enum { TRACES = 200, STEPS = 24 };
#define STEP_NS HOUR_NS
#define WAIT_NS (60 * SECOND_NS)

typedef struct scene {
  fake_source fake;
  bt_series_options options;
  bt_series_pool *pool;
  bt_rule_definition *rules[3];
  int64_t first_step;
  bt_series_question question;
} scene;

static void start(scene *s) {
  bt_error error = {0};
  s->options.source = &s->fake.source;
  s->options.at_once = 1; /* the scripted source is for one thread */
  if (!s->options.work && bt_workplace_new(NULL, &s->options.work, &error) != BT_OK) fail_msg("%s", error.message);
  if (bt_series_pool_new(&s->options, &s->pool, &error) != BT_OK) fail_msg("%s", error.message);
}

static void restart(scene *s) {
  bt_series_pool_free(s->pool);
  start(s);
}

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  s->options.assumptions = bt_assumptions_default();
  s->rules[0] = rule_of("slow", "trace.has(span.name == \"slow\")");
  s->rules[1] = rule_of("retry", "when { slow as s } always { retry after s }");
  s->rules[2] = rule_of("never", "trace.has(span.name == \"never\")");
  for (uint64_t i = 0; i < TRACES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)((i * 7919) % TRACES) * 7 * MINUTE_NS;
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "web", at_ns);
    if (i % 2) fake_span_add(trace, "slow", at_ns + 9 * MINUTE_NS);
    if (i % 3 == 0) fake_span_add(trace, "retry", at_ns + 10 * MINUTE_NS);
  }
  s->first_step = NOON_NS / STEP_NS;
  s->question = (bt_series_question){.rules = (const bt_rule_definition *const *)s->rules,
                                     .rule_count = 3,
                                     .step_ns = STEP_NS,
                                     .first_step = s->first_step,
                                     .end_step = s->first_step + STEPS,
                                     .whole_end_step = s->first_step + STEPS,
                                     .now_ns = bt_clock_wall_ns()};
  *state = s;
  start(s);
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  bt_series_pool_free(s->pool);
  bt_workplace_free(s->options.work);
  for (int i = 0; i < 3; i++) bt_rule_definition_unref(s->rules[i]);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static bt_series_ask *ask(scene *s) {
  bt_series_ask *out = NULL;
  bt_error error = {0};
  if (bt_series_open(s->pool, &s->question, &out, &error) != BT_OK) fail_msg("%s", error.message);
  return out;
}

/* As a call waits. */
static bool wait_for(scene *s, bt_series_ask *asked) {
  blocking_wait standing;
  int64_t until_ns = bt_clock_monotonic_ns() + WAIT_NS;
  blocking_wait_init(&standing, s->options.work);
  bool is_known = bt_series_is_known(asked, &standing.wait);
  while (!is_known && bt_clock_monotonic_ns() < until_ns) {
    blocking_wait_stand(&standing, until_ns);
    is_known = bt_series_is_known(asked, &standing.wait);
  }
  return is_known;
}

static bt_series_ask *ask_and_wait(scene *s) {
  bt_series_ask *out = ask(s);
  assert_true(wait_for(s, out));
  return out;
}

/* Each asks once where summaries stand for spans. */
static size_t evaluations_of(const scene *s) {
  return fake_searches(&s->fake, "aggregation.is_summary");
}

static bt_rule_result replay_step(scene *s, size_t rule, size_t index) {
  replay_run *run = calloc(1, sizeof *run);
  replay_run_init(run);
  run->request.now_ns = 0;
  run->request.count = BT_COUNT_EXACT;
  run->rules[run->request.rule_count++] = bt_rule_definition_ref(s->rules[rule]);
  run->request.range =
      (bt_time_range){(s->first_step + (int64_t)index) * STEP_NS, (s->first_step + (int64_t)index + 1) * STEP_NS};
  replay_run_go(run, &s->fake);
  bt_rule_result result = run->result.rules[0];
  replay_run_dispose(run);
  free(run);
  return result;
}

static void each_step_is_its_replay(void **state) {
  scene *s = *state;
  s->question.wants_exercised = true;
  bt_series_ask *all = ask_and_wait(s);
  uint64_t violations = 0;
  for (size_t rule = 0; rule < 3; rule++)
    for (size_t i = 0; i < STEPS; i++) {
      bt_step_count count;
      bt_rule_result expected = replay_step(s, rule, i);
      assert_int_equal(bt_series_step(all, rule, i, &count), BT_STEP_COUNTED);
      assert_int_equal(count.violations, expected.violations_found);
      assert_true(count.has_exercised && expected.exercised_is_exact);
      assert_int_equal(count.exercised, expected.traces_exercised);
      violations += count.violations;
    }
  assert_true(violations > 100);
  bt_series_close(all);
}

static void what_was_counted_is_not_asked_again(void **state) {
  scene *s = *state;
  bt_series_close(ask_and_wait(s));
  size_t searches = s->fake.log_count;
  assert_true(searches > 0);
  bt_series_close(ask_and_wait(s));
  s->question.first_step += 3;
  bt_series_close(ask_and_wait(s));
  assert_int_equal(s->fake.log_count, searches);
  /* Counts of exercised traces need more than that. */
  s->question.wants_exercised = true;
  bt_series_close(ask_and_wait(s));
  assert_true(s->fake.log_count > searches);
}

/* Ticks of an alert: every rule asks for itself; after the first tick one evaluation a tick does for all. */
static void one_evaluation_pays_for_all(void **state) {
  scene *s = *state;
  const bt_rule_definition *const *all = s->question.rules;
  s->question.rule_count = 1;
  for (int64_t tick = 4; tick < STEPS; tick++) {
    size_t before = evaluations_of(s);
    s->question.first_step = s->first_step + tick - 4;
    s->question.end_step = s->question.whole_end_step = s->first_step + tick;
    for (size_t rule = 0; rule < 3; rule++) {
      s->question.rules = &all[rule];
      bt_series_close(ask_and_wait(s));
    }
    if (tick > 4) assert_int_equal(evaluations_of(s), before + 1);
  }
}

/* Questions that come while it is evaluated wait for the same evaluation. */
static void questions_under_way_share(void **state) {
  scene *s = *state;
  bt_series_ask *asks[20];
  bt_series_close(ask_and_wait(s));
  size_t of_one = evaluations_of(s);
  assert_in_range(of_one, 1, STEPS - 1);
  restart(s);
  for (int i = 0; i < 20; i++) asks[i] = ask(s);
  for (int i = 0; i < 20; i++) assert_true(wait_for(s, asks[i]));
  assert_int_equal(evaluations_of(s), 2 * of_one);
  for (int i = 0; i < 20; i++) bt_series_close(asks[i]);
}

/* A source that answers about the time before `closed_before_ns` only once it is opened. */
typedef struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  int64_t closed_before_ns;
  bt_status (*search)(bt_source *, const bt_search_request *, bt_found_list *, bt_source_account *, bt_error *);
} gate;
static gate old_data = {.mutex = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};

static bt_status search_behind_gate(bt_source *source, const bt_search_request *request, bt_found_list *found,
                                    bt_source_account *account, bt_error *error) {
  pthread_mutex_lock(&old_data.mutex);
  while (request->range.start_ns < old_data.closed_before_ns) pthread_cond_wait(&old_data.opened, &old_data.mutex);
  pthread_mutex_unlock(&old_data.mutex);
  return old_data.search(source, request, found, account, error);
}

static void open_gate(void) {
  pthread_mutex_lock(&old_data.mutex);
  old_data.closed_before_ns = 0;
  pthread_cond_broadcast(&old_data.opened);
  pthread_mutex_unlock(&old_data.mutex);
}

static size_t steps_that_wait(bt_series_ask *asked) {
  size_t count = 0;
  bt_step_count ignored;
  while (count < STEPS && bt_series_step(asked, 0, count, &ignored) == BT_STEP_WAITING) count++;
  return count;
}

/* Whoever looks sees the newest steps of a day while the older ones are still looked for. */
static void a_day_grows_from_its_newest_steps(void **state) {
  scene *s = *state;
  bt_step_count count;
  old_data.search = s->fake.operations.search;
  old_data.closed_before_ns = (s->first_step + STEPS / 2) * STEP_NS;
  s->fake.operations.search = search_behind_gate;
  bt_series_ask *all = ask(s);
  int64_t until_ns = bt_clock_monotonic_ns() + WAIT_NS;
  while (!bt_series_is_known(all, NULL) && steps_that_wait(all) == STEPS && bt_clock_monotonic_ns() < until_ns)
    usleep(1000);
  size_t waiting = steps_that_wait(all);
  assert_in_range(waiting, STEPS / 2, STEPS - 1);
  for (size_t i = waiting; i < STEPS; i++) assert_int_equal(bt_series_step(all, 0, i, &count), BT_STEP_COUNTED);
  open_gate();
  assert_true(wait_for(s, all));
  assert_int_equal(steps_that_wait(all), 0);
  bt_series_close(all);
  each_step_is_its_replay(state);
}

static void a_small_cache_costs_no_answer(void **state) {
  scene *s = *state;
  s->options.most_cells = 5;
  restart(s);
  each_step_is_its_replay(state);
  s->fake.log_count = 0; /* it is full of those replays */
  bt_series_close(ask_and_wait(s));
  assert_true(evaluations_of(s) > 0); /* most was forgotten: it is evaluated anew */
}

/* Who finds no room is told, no number is made up, and afterwards nothing is held. */
static void without_room_it_is_said(void **state) {
  scene *s = *state;
  enum { LIMIT = 128 << 10 };
  bt_series_ask *all = NULL;
  bt_error error = {0};
  bt_memory_account *account = NULL;
  bt_step_count count;
  char reason[240];
  assert_int_equal(bt_memory_account_new(LIMIT, &account, &error), BT_OK);
  s->options.memory = account;
  restart(s);
  assert_int_equal(bt_series_open(s->pool, &s->question, &all, &error), BT_OK);
  size_t left = LIMIT - bt_memory_total(account);
  assert_true(bt_memory_take(account, BT_MEMORY_REPLAYS, left));
  assert_true(wait_for(s, all));
  for (size_t i = 0; i < STEPS; i++) assert_int_equal(bt_series_step(all, 0, i, &count), BT_STEP_FAILED);
  bt_series_reason(all, reason);
  assert_memory_equal(reason, "results_full: ", 14);
  bt_series_close(all);
  assert_true(bt_memory_take(account, BT_MEMORY_REPLAYS, LIMIT - bt_memory_total(account)));
  assert_int_equal(bt_series_open(s->pool, &s->question, &all, &error), BT_LIMIT);
  bt_memory_give(account, BT_MEMORY_REPLAYS, bt_memory_look(account).kinds[BT_MEMORY_REPLAYS]);
  each_step_is_its_replay(state);
  assert_in_range(bt_memory_look(account).most, 1, LIMIT);
  bt_series_pool_free(s->pool);
  s->pool = NULL;
  assert_int_equal(bt_memory_total(account), 0);
  s->options.memory = NULL;
  bt_memory_account_free(account);
}

static void what_was_not_read_is_no_number(void **state) {
  scene *s = *state;
  int64_t at_ns = NOON_NS + 10 * HOUR_NS + 30 * MINUTE_NS;
  s->fake.fail_filter = "slow";
  s->fake.fail_range = (bt_time_range){at_ns, at_ns + MINUTE_NS};
  bt_series_ask *all = ask_and_wait(s);
  bt_step_count count;
  char reason[240];
  assert_int_equal(bt_series_step(all, 0, 10, &count), BT_STEP_FAILED);
  assert_int_equal(bt_series_step(all, 0, 8, &count), BT_STEP_COUNTED);
  assert_int_equal(bt_series_step(all, 0, 12, &count), BT_STEP_COUNTED);
  bt_series_reason(all, reason);
  assert_memory_equal(reason, "windows_failed", 14);
  bt_series_close(all);
}

/* Only the step and the rule of the trace are unsure, for as long as a count is kept. */
static void what_could_not_be_decided_is_no_number(void **state) {
  scene *s = *state;
  fake_trace *trace = fake_find(&s->fake, 2); /* slow, no retry */
  trace->partial = true;
  size_t unsure = (size_t)(trace->spans[0].start_ns / STEP_NS - s->first_step);
  for (int exercised = 0; exercised < 2; exercised++) {
    s->question.wants_exercised = exercised;
    bt_series_ask *all = ask_and_wait(s);
    bt_step_count count;
    for (size_t rule = 0; rule < 3; rule++)
      for (size_t i = 0; i < STEPS; i++) {
        bool is_unsure = rule == 1 && i == unsure;
        assert_int_equal(bt_series_step(all, rule, i, &count), is_unsure ? BT_STEP_UNDECIDED : BT_STEP_COUNTED);
      }
    bt_series_close(all);
  }
}

/* It began in a settled step and goes on: what it lacks may still come, so the step is asked for again soon. */
static void a_trace_that_goes_on_keeps_its_step_open(void **state) {
  scene *s = *state;
  int64_t settled_ns = bt_clock_wall_ns() - s->options.assumptions.settle_ns;
  fake_trace *trace = fake_add(&s->fake, TRACES + 1);
  fake_span_add(trace, "slow", settled_ns - 20 * SECOND_NS)->duration_ns = 10 * MINUTE_NS;
  s->question.step_ns = SECOND_NS;
  s->question.first_step = settled_ns / SECOND_NS - 30;
  s->question.end_step = s->question.whole_end_step = s->question.first_step + 20;
  s->question.now_ns = bt_clock_wall_ns();
  size_t open_step = (size_t)(trace->spans[0].start_ns / SECOND_NS - s->question.first_step);
  bt_series_ask *all = ask_and_wait(s);
  bt_step_count count;
  for (size_t i = 0; i < 20; i++) {
    assert_int_equal(bt_series_step(all, 1, i, &count), i == open_step ? BT_STEP_UNSETTLED : BT_STEP_COUNTED);
    assert_int_equal(count.is_young, i == open_step);
  }
  bt_series_close(all);
}

static void a_source_that_is_gone_gives_no_number(void **state) {
  scene *s = *state;
  s->fake.fail_filter = "{";
  s->fake.fail_status = BT_UNAVAILABLE;
  bt_series_ask *all = ask_and_wait(s);
  bt_step_count count;
  char reason[240];
  for (size_t i = 0; i < STEPS; i++) assert_int_equal(bt_series_step(all, 2, i, &count), BT_STEP_FAILED);
  /* The first piece has shown it, and the rest is asked for at once: a source that is gone is not waited for by hours.
   */
  assert_int_equal(evaluations_of(s), 2);
  bt_series_reason(all, reason);
  assert_memory_equal(reason, "source", 6);
  bt_series_close(all);
}

/* Steps that are not wholly before now − settle, and the last one that the range cuts. */
static void unsettled_steps_are_not_counted(void **state) {
  scene *s = *state;
  bt_step_count count;
  s->question.now_ns = (s->first_step + 20) * STEP_NS + 119 * SECOND_NS;
  bt_series_ask *all = ask_and_wait(s);
  for (size_t i = 0; i < STEPS; i++)
    assert_int_equal(bt_series_step(all, 0, i, &count), i < 19 ? BT_STEP_COUNTED : BT_STEP_UNSETTLED);
  bt_series_close(all);
  s->question.now_ns += SECOND_NS;
  all = ask_and_wait(s);
  assert_int_equal(bt_series_step(all, 0, 19, &count), BT_STEP_COUNTED);
  assert_int_equal(bt_series_step(all, 0, 20, &count), BT_STEP_UNSETTLED);
  bt_series_close(all);
  s->question.now_ns = bt_clock_wall_ns();
  s->question.whole_end_step = s->question.end_step - 1;
  all = ask_and_wait(s);
  assert_int_equal(bt_series_step(all, 0, STEPS - 2, &count), BT_STEP_COUNTED);
  assert_int_equal(bt_series_step(all, 0, STEPS - 1, &count), BT_STEP_UNSETTLED);
  bt_series_close(all);
}

/* Asks for half an hour by minutes, and says how many of the oldest are no more provisional. All have to be counted. */
static size_t certain_steps(scene *s, size_t rule) {
  enum { MINUTES = 30 };
  size_t certain = 0;
  s->question.now_ns = bt_clock_wall_ns();
  s->question.step_ns = MINUTE_NS;
  s->question.end_step = s->question.whole_end_step = s->question.now_ns / MINUTE_NS - 3;
  s->question.first_step = s->question.end_step - MINUTES;
  bt_series_ask *asked = ask_and_wait(s);
  for (size_t i = 0; i < MINUTES; i++) {
    bt_step_count count;
    assert_int_equal(bt_series_step(asked, rule, i, &count), BT_STEP_COUNTED);
    certain += !count.is_provisional;
    assert_true(count.is_provisional || certain == i + 1);
  }
  bt_series_close(asked);
  return certain;
}

/* Of 3 to 33 minutes ago. Spans come up to five minutes late, and are hidden for ten. */
static void steps_that_may_lack_late_spans_are_provisional(void **state) {
  scene *s = *state;
  fake_span_add(fake_add(&s->fake, TRACES + 1), "web", bt_clock_wall_ns() - 10 * MINUTE_NS);
  assert_int_equal(certain_steps(s, 0), 30);
  s->fake.promises.late = (bt_late_promise){.in_time = {.hidden_ns = 10 * MINUTE_NS}, .is_assumed = true};
  s->options.assumptions.lateness_ns = 5 * MINUTE_NS;
  restart(s);
  for (size_t rule = 0; rule < 3; rule++) assert_in_range(certain_steps(s, rule), 17, 18);
  s->options.assumptions.lateness_ns = 0;
  restart(s);
  assert_int_equal(certain_steps(s, 0), 30);
}

static void steps_without_any_trace_are_empty(void **state) {
  scene *s = *state;
  bt_step_count count;
  s->question.first_step = s->first_step - 100;
  s->question.end_step = s->question.whole_end_step = s->first_step - 90;
  bt_series_ask *all = ask_and_wait(s);
  assert_int_equal(bt_series_step(all, 0, 3, &count), BT_STEP_COUNTED);
  assert_true(count.is_empty && count.violations == 0);
  bt_series_close(all);
}

/* Of ten steps the fifth has a trace that no rule is about, the ninth one that a rule is about, which goes on into the
 * tenth. */
static void add_lonely_traces(scene *s) {
  int64_t from_ns = (s->first_step - 100) * STEP_NS;
  fake_span_add(fake_add(&s->fake, TRACES + 1), "idle", from_ns + 4 * STEP_NS + MINUTE_NS);
  fake_trace *slow = fake_add(&s->fake, TRACES + 2);
  fake_span_add(slow, "slow", from_ns + 9 * STEP_NS - MINUTE_NS);
  fake_span_add(slow, "idle", from_ns + 9 * STEP_NS + MINUTE_NS);
}

static const bool lonely_empty[10] = {true, true, true, true, false, true, true, true, false, false};

static void expect_lonely(bt_series_ask *asked, size_t rule, size_t index, size_t step) {
  bt_step_count count;
  assert_int_equal(bt_series_step(asked, rule, index, &count), BT_STEP_COUNTED);
  assert_int_equal(count.is_empty, lonely_empty[step]);
}

/* Whether a step is empty does not depend on what else is asked: steps, rules, in which order, and what is kept. */
static void empty_steps_are_so_in_every_company(void **state) {
  scene *s = *state;
  const bt_rule_definition *const *all = s->question.rules;
  add_lonely_traces(s);
  for (int order = 0; order < 4; order++) {
    bool is_alone = order & 1;
    restart(s);
    s->question.wants_exercised = order & 2;
    for (size_t step = 0; is_alone && step < 10; step++)
      for (size_t rule = 0; rule < 3; rule++) {
        s->question.rules = &all[rule];
        s->question.rule_count = 1;
        s->question.first_step = s->first_step - 100 + (int64_t)step;
        s->question.end_step = s->question.whole_end_step = s->question.first_step + 1;
        bt_series_ask *one = ask_and_wait(s);
        expect_lonely(one, 0, 0, step);
        bt_series_close(one);
      }
    s->question.rules = all;
    s->question.rule_count = 3;
    s->question.first_step = s->first_step - 100;
    s->question.end_step = s->question.whole_end_step = s->first_step - 90;
    for (int again = 0; again < 2; again++) {
      bt_series_ask *together = ask_and_wait(s);
      for (size_t step = 0; step < 10; step++)
        for (size_t rule = 0; rule < 3; rule++) expect_lonely(together, rule, step, step);
      bt_series_close(together);
    }
  }
}

/* More traces than one look gives: those that it does not show are asked for in parts, and no step with a trace is
 * called empty, nor one without any full. */
static void many_traces_hide_no_step(void **state) {
  scene *s = *state;
  enum { MANY = 1200, AT = 24 };
  s->question.first_step = s->first_step - 200;
  s->question.end_step = s->question.whole_end_step = s->question.first_step + AT;
  for (uint64_t i = 0; i < MANY; i++) {
    int64_t step = (int64_t)(i % 7 ? i % 11 : 19); /* 0 to 10, and 19 */
    fake_span_add(fake_add(&s->fake, TRACES + 1 + i), "idle",
                  (s->question.first_step + step) * STEP_NS + (int64_t)i * SECOND_NS);
  }
  bt_series_ask *asked = ask_and_wait(s);
  for (size_t step = 0; step < AT; step++) {
    bt_step_count count;
    assert_int_equal(bt_series_step(asked, 2, step, &count), BT_STEP_COUNTED);
    assert_int_equal(count.is_empty, step > 10 && step != 19);
  }
  bt_series_close(asked);
}

static void too_much_is_refused(void **state) {
  scene *s = *state;
  bt_series_ask *out;
  bt_error error = {0};
  s->question.end_step = s->first_step + BT_SERIES_MOST_CELLS;
  assert_int_equal(bt_series_open(s->pool, &s->question, &out, &error), BT_LIMIT);
  s->question.end_step = s->first_step;
  assert_int_equal(bt_series_open(s->pool, &s->question, &out, &error), BT_INVALID);
}

/* With an allocation refused anywhere, in the question or in the evaluation, a step is right or no number. */
static void every_allocation_fails_in_turn(void **state) {
  scene *s = *state;
  bt_step_count right;
  s->question.rule_count = 1;
  s->question.first_step += 2;
  s->question.end_step = s->question.whole_end_step = s->question.first_step + 2;
  bt_series_ask *all = ask_and_wait(s);
  assert_int_equal(bt_series_step(all, 0, 1, &right), BT_STEP_COUNTED);
  assert_true(right.violations > 0);
  bt_series_close(all);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n += 1 + n / 50) {
    bt_step_count count;
    bt_error error = {0};
    restart(s);
    failing_alloc_after(n);
    bt_status status = bt_series_open(s->pool, &s->question, &all, &error);
    bool ready = status == BT_OK && wait_for(s, all);
    was_refused = failing_alloc_stop();
    assert_true(status == BT_OK || (status == BT_NO_MEMORY && was_refused));
    if (status != BT_OK) continue;
    assert_true(ready);
    bt_step_state step = bt_series_step(all, 0, 1, &count);
    assert_true(step == BT_STEP_COUNTED || (step == BT_STEP_FAILED && was_refused));
    if (step == BT_STEP_COUNTED) assert_int_equal(count.violations, right.violations);
    bt_series_close(all);
  }
}

/* Runs over a day, from its end to its beginning, where one takes `fixed_s` and `hourly_s` for each hour. The longest
 * one's hours come out. */
static size_t count_runs(double fixed_s, double hourly_s, uint64_t requests, int64_t *longest_hours) {
  bt_known_series series = {.step_ns = HOUR_NS / 2};
  bt_known_series *list[] = {&series};
  size_t count = 0;
  *longest_hours = 0;
  for (int64_t left_ns = 24 * HOUR_NS; left_ns > 0; count++) {
    int64_t reach_ns = series.paces[0].reach_ns ? series.paces[0].reach_ns : HOUR_NS;
    int64_t length_ns = reach_ns < left_ns ? reach_ns : left_ns;
    double took_s = fixed_s + hourly_s * (double)length_ns / HOUR_NS;
    bt_series_run run = {.series = list, .series_count = 1, .step_ns = series.step_ns, .requests = requests};
    run.end_step = length_ns / series.step_ns;
    bt_series_learn_reach(&run, (int64_t)(took_s * (double)SECOND_NS));
    if (length_ns / HOUR_NS > *longest_hours) *longest_hours = length_ns / HOUR_NS;
    left_ns -= length_ns;
  }
  return count;
}

/* A graph grows piece by piece where a piece costs what is in it, and at once where most of the price is to ask. */
static void runs_are_as_long_as_it_pays(void **state) {
  (void)state;
  int64_t hours;
  assert_int_equal(count_runs(0.1, 0.01, 3, &hours), 4); /* fast: 1, 4, 16 and 3 hours */
  assert_int_equal(count_runs(3, 0.02, 2, &hours), 4);   /* many rules whose searches find little */
  assert_int_equal(count_runs(12, 0.02, 2, &hours), 4);
  assert_true(count_runs(5, 0.1, 40, &hours) <= 8); /* it begins with the shorter half, which is dearer */
  assert_true(count_runs(0.1, 3, 2, &hours) >= 12); /* one try of four hours, and back */
  assert_int_equal(hours, 4);
  assert_true(count_runs(0.1, 3, 40, &hours) >= 20);
  assert_int_equal(hours, 1);
  assert_int_equal(count_runs(20, 1, 2, &hours), 4); /* 104 s in all, in the place of 504 */
  assert_int_equal(hours, 16);
}

/* The newest step alone is dear for its length. That says nothing of long runs. */
static void a_short_run_takes_nothing_from_long_ones(void **state) {
  (void)state;
  bt_known_series series = {.step_ns = HOUR_NS, .paces = {{24 * HOUR_NS, 24 * HOUR_NS, 6 * SECOND_NS}}};
  bt_known_series *list[] = {&series};
  const bt_series_run run = {.series = list, .series_count = 1, .step_ns = HOUR_NS, .end_step = 1, .requests = 3};
  for (int64_t took_s = 0; took_s < 30; took_s += 3) {
    series.paces[0] = (bt_series_pace){24 * HOUR_NS, 24 * HOUR_NS, 6 * SECOND_NS};
    bt_series_learn_reach(&run, took_s * SECOND_NS);
    assert_true(series.paces[0].reach_ns == 24 * HOUR_NS);
  }
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(each_step_is_its_replay),
      SCENE(what_was_counted_is_not_asked_again),
      SCENE(one_evaluation_pays_for_all),
      SCENE(questions_under_way_share),
      SCENE(a_day_grows_from_its_newest_steps),
      SCENE(a_small_cache_costs_no_answer),
      SCENE(without_room_it_is_said),
      SCENE(what_was_not_read_is_no_number),
      SCENE(what_could_not_be_decided_is_no_number),
      SCENE(a_trace_that_goes_on_keeps_its_step_open),
      SCENE(a_source_that_is_gone_gives_no_number),
      SCENE(unsettled_steps_are_not_counted),
      SCENE(steps_that_may_lack_late_spans_are_provisional),
      SCENE(steps_without_any_trace_are_empty),
      SCENE(empty_steps_are_so_in_every_company),
      SCENE(many_traces_hide_no_step),
      SCENE(too_much_is_refused),
      SCENE(every_allocation_fails_in_turn),
      cmocka_unit_test(runs_are_as_long_as_it_pays),
      cmocka_unit_test(a_short_run_takes_nothing_from_long_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
