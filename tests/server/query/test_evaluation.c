/* Questions against the scripted source. Pages in both orders are the replay's violations. A forgotten evaluation is
 * repeated with the same answer, an answer says what could not be read, and little memory changes nothing except the
 * number of windows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/query/evaluation.h"
#include "server/query/problems.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/server/work/blocking_wait.h"
#include "tests/support/failing_alloc.h"

enum { TRACES = 300, IDS_MAX = 1000 };
#define WAIT_NS (60 * SECOND_NS)

typedef struct scene {
  fake_source fake;
  bt_evaluations_options options;
  bt_evaluations *evaluations;
  bt_rule_definition *rules[2];
  bt_question question;
} scene;

typedef struct answer {
  bt_trace_id ids[IDS_MAX];
  int64_t times_ns[IDS_MAX];
  size_t count, pages;
  bool has_total, complete;
  uint64_t total, inconclusive;
  bt_coverage coverage; /* times and flags only: what it points to is gone */
  bt_cursor cursor;     /* after the last page */
  char reason[240];
  size_t failed_windows;
} answer;

static void start(scene *s) {
  bt_error error = {0};
  s->options.source = &s->fake.source;
  s->options.assumptions = bt_assumptions_default();
  s->options.at_once = 1; /* the scripted source is for one thread */
  if (!s->options.work && bt_workplace_new(NULL, &s->options.work, &error) != BT_OK) fail_msg("%s", error.message);
  if (bt_evaluations_new(&s->options, &s->evaluations, &error) != BT_OK) fail_msg("%s", error.message);
}

static void restart(scene *s) {
  bt_evaluations_free(s->evaluations);
  start(s);
}

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  s->rules[0] = rule_of("slow", "trace.has(span.name == \"slow\")");
  s->rules[1] = rule_of("retry", "when { slow as s } always { retry after s }");
  for (uint64_t i = 0; i < TRACES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)((i * 7919) % TRACES) * 5 * MINUTE_NS;
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "web", at_ns);
    fake_span_add(trace, "slow", at_ns + (int64_t)(i % 14) * MINUTE_NS); /* violations lie after their traces' times */
    if (i % 3 == 0) fake_span_add(trace, "retry", at_ns + 14 * MINUTE_NS);
  }
  s->question = (bt_question){.rules = (const bt_rule_definition *const *)s->rules, .rule_count = 2};
  s->question.cursor =
      (bt_cursor){.range = {NOON_NS, NOON_NS + 24 * HOUR_NS}, .now_ns = LATER_NS, .newest_first = true};
  bt_error error = {0};
  assert_int_equal(bt_question_hash_rules(s->question.rules, 2, s->question.cursor.rules, &error), BT_OK);
  *state = s;
  start(s);
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  fake_let_go(&s->fake);
  bt_evaluations_free(s->evaluations);
  bt_workplace_free(s->options.work);
  for (int i = 0; i < 2; i++) bt_rule_definition_unref(s->rules[i]);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

static void take_page(answer *out, const bt_page *page) {
  for (size_t i = 0; i < page->count; i++) {
    assert_true(out->count < IDS_MAX);
    out->times_ns[out->count] = page->items[i].position.time_ns;
    out->ids[out->count++] = page->items[i].violation->id;
  }
  out->pages++;
  out->has_total = page->has_total;
  out->total = page->total;
  out->inconclusive = page->inconclusive;
  out->coverage = page->coverage;
  out->complete = page->coverage.complete;
  out->cursor = page->cursor;
  out->failed_windows = page->coverage.windows_failed_count;
  memcpy(out->reason, page->reason, sizeof out->reason);
}

/* The page, waited for as a call waits. */
static bt_status wait_for_page(scene *s, bt_look *look, size_t limit, bt_page *page, bt_error *error) {
  blocking_wait standing;
  bool ready = false;
  int64_t until_ns = bt_clock_monotonic_ns() + WAIT_NS;
  blocking_wait_init(&standing, s->options.work);
  bt_page_wish wish = {.least = limit, .limit = limit, .wait = &standing.wait};
  bt_status status = bt_look_page(look, &wish, &ready, page, error);
  while (status == BT_OK && !ready && bt_clock_monotonic_ns() < until_ns) {
    blocking_wait_stand(&standing, until_ns);
    status = bt_look_page(look, &wish, &ready, page, error);
  }
  assert_true(ready);
  return status;
}

/* One page by a look of its own, as a request takes it. False: there is no more. */
static bool ask(scene *s, bt_question *question, size_t limit, answer *out) {
  bt_look *look = NULL;
  bt_page page;
  bt_error error = {0};
  if (bt_look_open(s->evaluations, question, &look, &error) != BT_OK) fail_msg("%s", error.message);
  if (wait_for_page(s, look, limit, &page, &error) != BT_OK) fail_msg("%s", error.message);
  take_page(out, &page);
  bool goes_on = page.goes_on;
  question->cursor = page.cursor;
  bt_page_dispose(&page);
  bt_look_close(look);
  return goes_on;
}

/* All pages; `between` is called between any two. */
static void ask_all(scene *s, size_t limit, void (*between)(scene *s), answer *out) {
  bt_question question = s->question;
  *out = (answer){0};
  while (ask(s, &question, limit, out))
    if (between) between(s);
}

static void assert_same_answer(const answer *a, const answer *b) {
  assert_int_equal(a->count, b->count);
  assert_memory_equal(a->ids, b->ids, a->count * sizeof a->ids[0]);
  assert_true(a->has_total == b->has_total && a->total == b->total && a->complete == b->complete);
}

/* What a replay of the whole range finds. */
static void assert_like_replay(scene *s, const answer *got) {
  replay_run *run = calloc(1, sizeof *run);
  replay_run_init(run);
  run->request.range = s->question.cursor.range;
  for (int i = 0; i < 2; i++) run->rules[run->request.rule_count++] = bt_rule_definition_ref(s->rules[i]);
  replay_run_go(run, &s->fake);
  assert_int_equal(run->result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(got->count, run->seen_count);
  for (size_t i = 0; i < run->seen_count; i++) {
    size_t found = 0;
    for (size_t k = 0; k < got->count; k++) found += bt_trace_id_compare(&got->ids[k], &run->seen[i].id) == 0;
    assert_int_equal(found, 1);
  }
  replay_run_dispose(run);
  free(run);
}

static void pages_are_the_replay_in_order(void **state) {
  scene *s = *state;
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    answer small, large;
    s->question.cursor.newest_first = newest_first;
    ask_all(s, 7, NULL, &small);
    ask_all(s, IDS_MAX, NULL, &large);
    assert_int_equal(large.pages, 1);
    assert_string_equal(large.reason, "");
    assert_true(small.pages > 50);
    assert_true(large.complete && large.has_total && large.total == large.count);
    assert_same_answer(&small, &large);
    for (size_t i = 1; i < large.count; i++)
      assert_true(newest_first ? large.times_ns[i - 1] >= large.times_ns[i]
                               : large.times_ns[i - 1] <= large.times_ns[i]);
    assert_like_replay(s, &large);
  }
}

/* The source stands still before half of it is read: the page comes all the same. */
static void the_first_page_needs_the_first_windows_only(void **state) {
  scene *s = *state;
  bt_question question = s->question;
  answer page = {0};
  s->fake.hold_reads_after = TRACES / 2;
  bool goes_on = ask(s, &question, 3, &page);
  fake_let_go(&s->fake);
  assert_true(goes_on);
  assert_int_equal(page.count, 3);
  assert_false(page.complete || page.has_total);
  assert_memory_equal(page.reason, "not_evaluated", 13);
  assert_int_equal(page.failed_windows, 1);
}

static void an_evaluation_is_kept_for_the_next_page(void **state) {
  scene *s = *state;
  answer all;
  ask_all(s, 50, NULL, &all);
  size_t searches = s->fake.log_count;
  ask_all(s, 50, NULL, &all);
  assert_int_equal(s->fake.log_count, searches);
}

static void one_that_is_forgotten_is_repeated(void **state) {
  scene *s = *state;
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    answer kept, repeated;
    s->question.cursor.newest_first = newest_first;
    ask_all(s, 60, NULL, &kept);
    ask_all(s, 60, restart, &repeated);
    assert_same_answer(&kept, &repeated);
  }
}

static void forgotten_and_without_rules_it_is_not_found(void **state) {
  scene *s = *state;
  bt_question question = s->question;
  answer page = {0};
  bt_look *look;
  bt_error error = {0};
  assert_true(ask(s, &question, 3, &page));
  question.rule_count = 0;
  assert_true(ask(s, &question, 3, &page));
  restart(s);
  assert_int_equal(bt_look_open(s->evaluations, &question, &look, &error), BT_NOT_FOUND);
}

/* Windows are cut, what was given is dropped, and the answer stays the same. */
static void little_memory_changes_nothing(void **state) {
  scene *s = *state;
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    answer large, little;
    s->question.cursor.newest_first = newest_first;
    s->options.memory_limit_bytes = 0;
    restart(s);
    ask_all(s, 10, NULL, &large);
    size_t searches = s->fake.log_count;
    s->options.memory_limit_bytes = 128 * 1024;
    restart(s);
    ask_all(s, 10, NULL, &little);
    assert_same_answer(&large, &little);
    assert_true(s->fake.log_count == FAKE_LOG_MAX || s->fake.log_count > 2 * searches);
  }
}

static void nothing(scene *s) {
  (void)s;
}

/* Others hold the memory: the first question is refused, one under way says that it is full, and each has the whole
 * answer when there is room again. */
static void without_room_it_is_said(void **state) {
  scene *s = *state;
  enum { LIMIT = 512 << 10 };
  static answer expected, got;
  bt_look *look = NULL;
  bt_error error = {0};
  bt_memory_account *account = NULL;
  ask_all(s, 10, nothing, &expected);
  assert_int_equal(bt_memory_account_new(LIMIT, &account, &error), BT_OK);
  s->options.memory = account;
  restart(s);
  assert_true(bt_memory_take(account, BT_MEMORY_REPLAYS, LIMIT));
  assert_int_equal(bt_look_open(s->evaluations, &s->question, &look, &error), BT_LIMIT);
  bt_memory_give(account, BT_MEMORY_REPLAYS, 40 << 10);
  ask_all(s, 10, nothing, &got);
  assert_memory_equal(got.reason, "results_full", 12);
  assert_false(got.has_total || got.complete);
  bt_memory_give(account, BT_MEMORY_REPLAYS, LIMIT - (40 << 10));
  restart(s);
  assert_int_equal(bt_memory_total(account), 0);
  ask_all(s, 10, nothing, &got);
  assert_same_answer(&got, &expected);
  assert_in_range(bt_memory_look(account).most, 1, LIMIT);
  bt_evaluations_free(s->evaluations);
  s->evaluations = NULL;
  assert_int_equal(bt_memory_total(account), 0);
  s->options.memory = NULL;
  bt_memory_account_free(account);
}

static void too_little_memory_is_said(void **state) {
  scene *s = *state;
  answer got;
  s->options.memory_limit_bytes = 4 * 1024;
  restart(s);
  ask_all(s, 10, NULL, &got);
  assert_false(got.complete || got.has_total);
  assert_memory_equal(got.reason, "results_full", 12);
  assert_true(got.failed_windows > 0);
}

/* Late spans, and traces that are new, between the pages: nothing comes twice, nothing that was there is lost. */
static void add_traces(scene *s) {
  int64_t at_ns = NOON_NS + 12 * HOUR_NS;
  bt_evaluations_free(s->evaluations); /* first: it may be at work still */
  for (int i = 0; i < 3; i++) fake_span_add(fake_add(&s->fake, 10000 + s->fake.trace_count), "slow", at_ns);
  start(s);
}

static void data_that_comes_late_shifts_no_page(void **state) {
  scene *s = *state;
  answer before, during;
  ask_all(s, 40, NULL, &before);
  ask_all(s, 40, add_traces, &during);
  size_t found = 0;
  for (size_t i = 0; i < during.count; i++) {
    for (size_t k = 0; k < i; k++) assert_true(bt_trace_id_compare(&during.ids[i], &during.ids[k]) != 0);
    if (found < before.count && bt_trace_id_compare(&during.ids[i], &before.ids[found]) == 0) found++;
  }
  assert_int_equal(found, before.count);
}

/* Two windows find a trace that is longer than margin; it is listed once, and again in the same place. */
static void long_traces_come_once(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < TRACES; i += 20) {
    fake_trace *trace = fake_find(&s->fake, 1 + i);
    fake_span_add(trace, "slow", trace->spans[0].start_ns + 3 * HOUR_NS)->fragment = 1;
  }
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    answer kept, repeated;
    s->question.cursor.newest_first = newest_first;
    ask_all(s, 60, NULL, &kept);
    for (size_t i = 0; i < kept.count; i++)
      for (size_t k = 0; k < i; k++) assert_true(bt_trace_id_compare(&kept.ids[i], &kept.ids[k]) != 0);
    ask_all(s, 60, restart, &repeated);
    assert_same_answer(&kept, &repeated);
  }
}

static void what_cannot_be_read_is_said(void **state) {
  scene *s = *state;
  answer got;
  s->fake.fail_filter = "slow";
  s->fake.fail_range = (bt_time_range){NOON_NS + 20 * HOUR_NS, NOON_NS + 20 * HOUR_NS + MINUTE_NS};
  ask_all(s, IDS_MAX, NULL, &got);
  assert_false(got.complete || got.has_total);
  assert_memory_equal(got.reason, "windows_failed", 14);
  assert_true(got.failed_windows > 0 && got.count > 0);
}

static void a_source_that_is_gone_ends_it(void **state) {
  scene *s = *state;
  answer got;
  s->fake.fail_filter = "{";
  s->fake.fail_status = BT_UNAVAILABLE;
  ask_all(s, 10, NULL, &got);
  assert_int_equal(got.count, 0);
  assert_int_equal(got.pages, 1);
  assert_false(got.complete || got.has_total);
  assert_memory_equal(got.reason, "source", 6);
}

static void a_range_without_data_is_no_answer(void **state) {
  scene *s = *state;
  answer got;
  s->question.cursor.range = (bt_time_range){NOON_NS - 96 * HOUR_NS, NOON_NS - 48 * HOUR_NS};
  ask_all(s, 10, NULL, &got);
  assert_false(got.complete || got.has_total);
  assert_memory_equal(got.reason, "no_data", 7);
}

static void filters_keep_what_is_asked_for(void **state) {
  scene *s = *state;
  answer got;
  bt_trace_id id = fake_id(3);
  s->question.trace_id = &id;
  s->question.cursor.question[0] = 1;
  ask_all(s, 10, NULL, &got);
  assert_int_equal(got.count, 2);
  s->question.trace_id = NULL;
  s->question.service = "nosuch";
  s->question.cursor.question[0] = 2;
  ask_all(s, 10, NULL, &got);
  assert_int_equal(got.count, 0);
  assert_true(got.complete && got.has_total);
}

static void find_problems(scene *s, bt_problems *out) {
  bt_error error = {0};
  replay_run *run = calloc(1, sizeof *run);
  replay_run_init(run);
  run->request.range = s->question.cursor.range;
  for (int i = 0; i < 2; i++) run->rules[run->request.rule_count++] = bt_rule_definition_ref(s->rules[i]);
  if (bt_problems_find(&s->fake.source, &run->request, BT_PROBLEM_STEPS, NULL, out, &error))
    fail_msg("%s", error.message);
  replay_run_dispose(run);
  free(run);
}

/* Each violation is of one problem. None of a problem is no "0", because its id may be no problem's. */
static void problems_part_what_is_listed(void **state) {
  scene *s = *state;
  answer got;
  bt_problems problems;
  uint64_t listed = 0;
  find_problems(s, &problems);
  assert_int_equal(problems.count, 2);
  for (size_t i = 0; i < problems.count; i++) {
    s->question.problem = problems.items[i].id;
    s->question.cursor.question[0] = (uint8_t)(1 + i);
    ask_all(s, 7, NULL, &got);
    assert_true(got.complete && got.has_total && got.total == got.count);
    assert_int_equal(got.count, problems.items[i].count);
    listed += got.count;
  }
  assert_int_equal(listed, problems.result.rules[0].violations_found + problems.result.rules[1].violations_found);
  s->question.problem = "0123456789abcdef";
  s->question.cursor.question[0] = 9;
  ask_all(s, 7, NULL, &got);
  assert_int_equal(got.count, 0);
  assert_false(got.complete || got.has_total);
  assert_memory_equal(got.reason, "problem_not_found: ", 19);
  bt_problems_dispose(&problems);
}

/* Two traces lack spans: nothing is told of them, and nobody says that they are fine. */
static void what_could_not_be_decided_is_no_pass(void **state) {
  scene *s = *state;
  answer got;
  fake_find(&s->fake, 2)->partial = true;
  fake_find(&s->fake, 5)->partial = true;
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    s->question.cursor.newest_first = newest_first;
    ask_all(s, 10, NULL, &got);
    assert_int_equal(got.inconclusive, 2); /* of "retry"; "slow" is there to be seen */
    assert_false(got.complete || got.has_total);
    assert_memory_equal(got.reason, "inconclusive: 2 ", 16);
    assert_int_equal(got.failed_windows, 0);
  }
}

static void what_could_not_be_decided_elsewhere_does_not_count(void **state) {
  scene *s = *state;
  answer got;
  bt_trace_id id = fake_id(3);
  fake_find(&s->fake, 2)->partial = true;
  s->question.trace_id = &id;
  s->question.cursor.question[0] = 1;
  ask_all(s, 10, NULL, &got);
  assert_true(got.complete && got.has_total && !got.inconclusive);
  id = fake_id(2);
  s->question.cursor.question[0] = 2;
  ask_all(s, 10, NULL, &got);
  assert_int_equal(got.count, 1);
  assert_int_equal(got.inconclusive, 1);
  assert_false(got.complete || got.has_total);
}

/* What is younger than settle is not final, and makes no part of the range less sure: the settled part ends before the
 * first trace that went on after it. */
static void what_is_not_settled_is_not_undecided(void **state) {
  scene *s = *state;
  answer got;
  fake_trace *trace = fake_find(&s->fake, 2);
  trace->spans[1].duration_ns = 2 * MINUTE_NS;
  trace->partial = true;
  int64_t at_ns = trace->spans[0].start_ns, end_ns = trace->spans[1].start_ns + trace->spans[1].duration_ns;
  s->question.cursor.range.end_ns = end_ns + HOUR_NS;
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    s->question.cursor.newest_first = newest_first;
    s->question.cursor.now_ns = end_ns - SECOND_NS + s->options.assumptions.settle_ns;
    ask_all(s, 10, NULL, &got);
    assert_int_equal(got.inconclusive, 0);
    assert_true(got.complete && got.coverage.effective_end_ns <= at_ns);
    s->question.cursor.now_ns = end_ns + HOUR_NS + s->options.assumptions.settle_ns;
    ask_all(s, 10, NULL, &got);
    assert_int_equal(got.inconclusive, 1);
    assert_false(got.complete);
  }
}

/* Filters find candidates, and the earliest of them is not the earliest trace. */
static void the_earliest_trace_is_named_where_all_are_seen(void **state) {
  scene *s = *state;
  answer got;
  int64_t first_ns = NOON_NS - HOUR_NS;
  fake_span_add(fake_add(&s->fake, TRACES + 1), "other", first_ns);
  s->question.cursor.range.start_ns = NOON_NS - 2 * HOUR_NS;
  ask_all(s, 10, NULL, &got);
  assert_true(got.complete);
  assert_false(got.coverage.has_data_from);
  s->fake.promises.filters = false;
  restart(s);
  for (int newest_first = 0; newest_first < 2; newest_first++) {
    bt_question question = s->question;
    question.cursor.newest_first = newest_first;
    got = (answer){0};
    bool goes_on = ask(s, &question, 1, &got);
    if (got.coverage.windows_failed_count) assert_false(got.coverage.has_data_from); /* not all is looked at */
    while (goes_on) goes_on = ask(s, &question, 1000, &got);
    assert_true(got.complete && got.coverage.has_data_from);
    assert_int_equal(got.coverage.data_from_ns, first_ns);
  }
}

/* With an allocation refused anywhere, in the request or in the evaluation, there is an error or the whole answer. */
static void fail_each_allocation(scene *s, size_t least) {
  bool was_refused = true;
  s->question.cursor.range.start_ns = NOON_NS + 20 * HOUR_NS;
  for (size_t n = 0; was_refused; n += 1 + n / 50) {
    bt_look *look = NULL;
    bt_page page = {0};
    bt_error error = {0};
    s->question.cursor.question[1] = (uint8_t)n;
    s->question.cursor.question[2] = (uint8_t)(n >> 8);
    failing_alloc_after(n);
    bt_status status = bt_look_open(s->evaluations, &s->question, &look, &error);
    if (status == BT_OK) status = wait_for_page(s, look, IDS_MAX, &page, &error);
    was_refused = failing_alloc_stop();
    assert_true(status == BT_OK || status == BT_NO_MEMORY);
    if (status == BT_NO_MEMORY) assert_true(was_refused);
    if (status == BT_OK && page.coverage.complete) assert_int_equal(page.count, page.total);
    if (!was_refused) assert_true(page.coverage.complete && page.count > least && n > 50);
    bt_page_dispose(&page);
    bt_look_close(look);
  }
}

static void every_allocation_fails_in_turn(void **state) {
  fail_each_allocation(*state, 50);
}

static void every_allocation_fails_in_turn_of_a_problem(void **state) {
  scene *s = *state;
  bt_problems problems;
  find_problems(s, &problems);
  s->question.problem = problems.items[0].id;
  fail_each_allocation(s, 25);
  bt_problems_dispose(&problems);
}

/* Readers who wait are woken when they have a page, and not for less; a short page is given at once to who asks for it,
 * and who has left wakes nobody. */
static void many_wait_for_one_evaluation(void **state) {
  enum { READERS = 12 };
  scene *s = *state;
  blocking_wait standing[READERS];
  bt_look *looks[READERS];
  bt_error error = {0};
  bool ready[READERS] = {false};
  bt_page pages[READERS] = {0};
  for (size_t i = 0; i < READERS; i++) {
    blocking_wait_init(&standing[i], s->options.work);
    assert_int_equal(bt_look_open(s->evaluations, &s->question, &looks[i], &error), BT_OK);
    bt_page_wish wish = {.least = i + 1, .limit = IDS_MAX, .wait = &standing[i].wait};
    assert_int_equal(bt_look_page(looks[i], &wish, &ready[i], &pages[i], &error), BT_OK);
  }
  for (size_t i = 0; i < READERS; i += 3) { /* who has a page already waits for none */
    bt_page_dispose(&pages[i]);
    bt_look_close(looks[i]);
  }
  for (size_t i = 0; i < READERS; i++) {
    if (i % 3 == 0) continue;
    bt_page_wish wish = {.least = i + 1, .limit = IDS_MAX, .wait = &standing[i].wait};
    while (!ready[i]) {
      blocking_wait_stand(&standing[i], 0);
      assert_int_equal(bt_look_page(looks[i], &wish, &ready[i], &pages[i], &error), BT_OK);
    }
    assert_true(pages[i].count > i);
    bt_page_dispose(&pages[i]);
    bt_look_close(looks[i]);
  }
}

/* An evaluation that fills its memory waits for its reader; but not for a slow one while another has read all. The
 * source stands still until the quick reader has had to wait. */
static void a_slow_reader_holds_up_no_other(void **state) {
  enum { PAGE = 10 };
  scene *s = *state;
  bt_look *slow = NULL, *quick = NULL;
  bt_page page;
  bt_error error = {0};
  bool goes_on = true, is_slow_ready;
  size_t times_waited = 0;
  s->options.memory_limit_bytes = 256 * 1024;
  s->fake.hold_reads_after = TRACES / 2;
  restart(s);
  assert_int_equal(bt_look_open(s->evaluations, &s->question, &slow, &error), BT_OK);
  assert_int_equal(bt_look_open(s->evaluations, &s->question, &quick, &error), BT_OK);
  while (goes_on) {
    blocking_wait standing;
    bool ready = false;
    int64_t until_ns = bt_clock_monotonic_ns() + WAIT_NS;
    blocking_wait_init(&standing, s->options.work);
    bt_page_wish wish = {.least = PAGE, .limit = PAGE, .wait = &standing.wait}, bit = {1, 1, true, NULL};
    assert_int_equal(bt_look_page(quick, &wish, &ready, &page, &error), BT_OK);
    while (!ready) {
      bt_page little;
      if (!times_waited++) fake_let_go(&s->fake);
      assert_int_equal(bt_look_page(slow, &bit, &is_slow_ready, &little, &error), BT_OK);
      bt_page_dispose(&little);
      blocking_wait_stand(&standing, until_ns);
      assert_true(bt_clock_monotonic_ns() < until_ns); /* somebody woke it */
      assert_int_equal(bt_look_page(quick, &wish, &ready, &page, &error), BT_OK);
    }
    goes_on = page.goes_on;
    bt_page_dispose(&page);
  }
  assert_true(times_waited > 0);
  bt_look_close(quick);
  bt_look_close(slow);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(pages_are_the_replay_in_order),
      SCENE(many_wait_for_one_evaluation),
      SCENE(a_slow_reader_holds_up_no_other),
      SCENE(the_first_page_needs_the_first_windows_only),
      SCENE(an_evaluation_is_kept_for_the_next_page),
      SCENE(one_that_is_forgotten_is_repeated),
      SCENE(forgotten_and_without_rules_it_is_not_found),
      SCENE(little_memory_changes_nothing),
      SCENE(too_little_memory_is_said),
      SCENE(without_room_it_is_said),
      SCENE(data_that_comes_late_shifts_no_page),
      SCENE(long_traces_come_once),
      SCENE(what_cannot_be_read_is_said),
      SCENE(a_source_that_is_gone_ends_it),
      SCENE(a_range_without_data_is_no_answer),
      SCENE(filters_keep_what_is_asked_for),
      SCENE(problems_part_what_is_listed),
      SCENE(what_could_not_be_decided_is_no_pass),
      SCENE(what_could_not_be_decided_elsewhere_does_not_count),
      SCENE(what_is_not_settled_is_not_undecided),
      SCENE(the_earliest_trace_is_named_where_all_are_seen),
      SCENE(every_allocation_fails_in_turn),
      SCENE(every_allocation_fails_in_turn_of_a_problem),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
