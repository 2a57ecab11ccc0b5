/* The job queue over a source with a gate: searches wait until the test opens it, so that jobs stay running for as long
 * as a test needs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/replay/job.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"
#include "tests/server/replay/job_scene.h"

static void more_than_the_workers_wait_in_order(void **state) {
  scene *s = *state;
  job_id ids[5];
  s->options.max_replays = 2;
  start(s);
  for (int i = 0; i < 5; i++) ids[i] = submit(s, s->slow, NULL);
  while (entered(s) < 2) sleep_briefly();
  for (int i = 0; i < 5; i++) assert_int_equal(state_of(s, NULL, &ids[i]), i < 2 ? BT_JOB_RUNNING : BT_JOB_QUEUED);
  set_gate(s, true);
  for (int i = 0; i < 5; i++) wait_for(s, &ids[i], BT_JOB_COMPLETED);
  bt_job_view view;
  bt_error error;
  assert_int_equal(bt_job_get(s->queue, NULL, ids[4].text, &view, &error), BT_OK);
  assert_int_equal(view.result.rules[0].violations_found, 20);
  assert_int_equal(view.result.rules[0].traces_evaluated, 20);
  assert_true(view.result.coverage.complete && view.progress >= 1);
  assert_true(view.created_at_ns <= view.started_at_ns && view.started_at_ns <= view.finished_at_ns);
  assert_string_equal(view.rules[0]->fields.id, "slow");
  bt_job_view_dispose(&view);
}

static void cancel_queued_and_running(void **state) {
  scene *s = *state;
  bt_error error = {0};
  s->options.max_replays = 1;
  start(s);
  job_id running = submit(s, s->slow, NULL), queued = submit(s, s->slow, NULL);
  while (entered(s) < 1) sleep_briefly();
  assert_int_equal(bt_job_cancel(s->queue, NULL, queued.text, &error), BT_OK);
  assert_int_equal(state_of(s, NULL, &queued), BT_JOB_CANCELLED);
  assert_int_equal(bt_job_cancel(s->queue, NULL, running.text, &error), BT_OK);
  wait_for(s, &running, BT_JOB_CANCELLED);
  assert_int_equal(entered(s), 1);                                              /* the queued one never started */
  assert_int_equal(bt_job_cancel(s->queue, NULL, running.text, &error), BT_OK); /* forgotten now */
  assert_false(is_known(s, NULL, &running));
  assert_int_equal(bt_job_cancel(s->queue, NULL, running.text, &error), BT_NOT_FOUND);
  assert_non_null(strstr(error.message, running.text));
}

typedef struct pages {
  int64_t last_time_ns;
  size_t count;
  uint64_t ids[32];
} pages;

static bt_status take_page(void *context, const bt_rule_definition *definition, const bt_violation *violation) {
  pages *p = context;
  assert_string_equal(definition->fields.id, "slow");
  assert_true(violation->time_ns >= p->last_time_ns);
  p->last_time_ns = violation->time_ns;
  p->ids[p->count++] = violation->trace_id.bytes[15];
  return BT_OK;
}

static void violations_come_in_order_of_time(void **state) {
  scene *s = *state;
  bt_error error = {0};
  pages p = {0};
  bt_job_page page;
  set_gate(s, true);
  start(s);
  job_id id = submit(s, s->slow, NULL);
  wait_for(s, &id, BT_JOB_COMPLETED);
  for (size_t first = 0; first < 28; first += 7)
    assert_int_equal(bt_job_violations(s->queue, NULL, id.text, BT_JOB_BY_TIME, first, 7, take_page, &p, &page, &error),
                     BT_OK);
  assert_int_equal(page.total, 20);
  assert_true(page.is_finished && page.order == BT_JOB_BY_TIME);
  assert_int_equal(p.count, 20);
  for (uint64_t i = 0; i < 20; i++) assert_int_equal((p.ids[i] - 1) * 7 % 20, i);
}

typedef struct forgetting_reader {
  bt_job_queue *queue;
  const char *replay_id;
  size_t count, message_bytes;
} forgetting_reader;

/* Asks the queue itself, as others do while a long page is rendered, and forgets what it reads. */
static bt_status forget_and_read(void *context, const bt_rule_definition *definition, const bt_violation *violation) {
  forgetting_reader *reader = context;
  bt_error error = {0};
  bt_status expected = reader->count++ ? BT_NOT_FOUND : BT_OK;
  assert_int_equal(bt_job_cancel(reader->queue, NULL, reader->replay_id, &error), expected);
  assert_string_equal(definition->fields.id, "slow");
  reader->message_bytes += strlen(violation->message);
  return BT_OK;
}

static void a_page_is_rendered_without_the_lock(void **state) {
  scene *s = *state;
  bt_error error = {0};
  bt_job_page page;
  set_gate(s, true);
  start(s);
  job_id id = submit(s, s->slow, NULL);
  wait_for(s, &id, BT_JOB_COMPLETED);
  forgetting_reader reader = {s->queue, id.text, 0, 0};
  assert_int_equal(
      bt_job_violations(s->queue, NULL, id.text, BT_JOB_BY_TIME, 0, 100, forget_and_read, &reader, &page, &error),
      BT_OK);
  assert_int_equal(reader.count, 20);
  assert_true(reader.message_bytes > 0);
  assert_int_equal(bt_job_violations(s->queue, NULL, id.text, BT_JOB_BY_TIME, 0, 1, NULL, NULL, &page, &error),
                   BT_NOT_FOUND);
}

/* Numbers by arrival stay what they are when the job ends, and name each violation once. */
static bt_status note_trace(void *context, const bt_rule_definition *definition, const bt_violation *violation) {
  pages *p = context;
  (void)definition;
  p->ids[p->count++] = violation->trace_id.bytes[15];
  return BT_OK;
}

static void numbers_by_arrival_stay(void **state) {
  scene *s = *state;
  bt_error error = {0};
  pages p = {0};
  bt_job_page page;
  start(s);
  job_id id = submit(s, s->slow, NULL);
  assert_int_equal(bt_job_violations(s->queue, NULL, id.text, BT_JOB_BY_TIME, 0, 5, note_trace, &p, &page, &error),
                   BT_OK);
  assert_true(page.order == BT_JOB_BY_ARRIVAL && !page.is_finished && page.total == 0);
  set_gate(s, true);
  while (p.count < 20) {
    assert_int_equal(
        bt_job_violations(s->queue, NULL, id.text, BT_JOB_BY_ARRIVAL, p.count, 3, note_trace, &p, &page, &error),
        BT_OK);
    assert_int_equal(page.order, BT_JOB_BY_ARRIVAL);
  }
  wait_for(s, &id, BT_JOB_COMPLETED);
  uint64_t seen = 0;
  for (size_t i = 0; i < p.count; i++) seen |= (uint64_t)1 << p.ids[i];
  assert_int_equal(seen, (1 << 21) - 2);
}

static void the_oldest_are_forgotten_first(void **state) {
  scene *s = *state;
  job_id ids[12];
  set_gate(s, true);
  s->options.memory_limit_bytes = 64 * 1024;
  start(s);
  for (int i = 0; i < 12; i++) {
    ids[i] = submit(s, s->slow, NULL);
    wait_for(s, &ids[i], BT_JOB_COMPLETED);
  }
  int first = 0;
  while (first < 12 && !is_known(s, NULL, &ids[first])) first++;
  assert_in_range(first, 1, 11);
  for (int i = first; i < 12; i++) assert_true(is_known(s, NULL, &ids[i]));
}

/* What is kept of a replay that found nothing is its rules: when they are edited or were never stored, nobody else
 * holds them. */
static void replays_that_found_nothing_are_forgotten_too(void **state) {
  scene *s = *state;
  job_id ids[24];
  bt_job_stats stats;
  set_gate(s, true);
  s->options.memory_limit_bytes = 16 * 1024;
  start(s);
  for (int i = 0; i < 24; i++) {
    ids[i] = submit(s, s->other, NULL);
    wait_for(s, &ids[i], BT_JOB_COMPLETED);
  }
  bt_job_queue_stats(s->queue, &stats);
  assert_in_range(stats.result_bytes, stats.finished * bt_rule_definition_bytes(s->other),
                  s->options.memory_limit_bytes);
  assert_false(is_known(s, NULL, &ids[0]));
  assert_true(is_known(s, NULL, &ids[23]));
}

static void a_job_that_is_too_large_is_incomplete(void **state) {
  scene *s = *state;
  bt_job_view view;
  bt_error error = {0};
  bt_job_page page;
  pages p = {0};
  set_gate(s, true);
  s->options.memory_limit_bytes = 40 * 1024;
  start(s);
  job_id id = submit(s, s->slow, NULL);
  wait_for(s, &id, BT_JOB_INCOMPLETE);
  assert_int_equal(bt_job_get(s->queue, NULL, id.text, &view, &error), BT_OK);
  assert_int_equal(view.result.rules[0].violations_found, 20);
  assert_memory_equal(view.result.reason, "results_full: ", 14);
  bt_job_view_dispose(&view);
  assert_int_equal(bt_job_violations(s->queue, NULL, id.text, BT_JOB_BY_TIME, 0, 100, take_page, &p, &page, &error),
                   BT_OK);
  assert_in_range(page.total, 1, 19);
}

static bt_memory_account *share_account(scene *s, size_t limit_bytes) {
  bt_error error = {0};
  assert_int_equal(bt_memory_account_new(limit_bytes, &s->account, &error), BT_OK);
  s->options.memory = s->account;
  return s->account;
}

/* Others hold nearly all: the job says so, and those that come when there is room again are complete. */
static void a_full_memory_ends_one_and_not_the_others(void **state) {
  scene *s = *state;
  bt_job_view view;
  bt_error error = {0};
  bt_memory_account *account = share_account(s, 256 * 1024);
  set_gate(s, true);
  start(s);
  assert_true(bt_memory_take(account, BT_MEMORY_REPORTS, 236 * 1024));
  job_id early = submit(s, s->slow, NULL);
  wait_for(s, &early, BT_JOB_INCOMPLETE);
  assert_int_equal(bt_job_get(s->queue, NULL, early.text, &view, &error), BT_OK);
  assert_memory_equal(view.result.reason, "results_full: ", 14);
  assert_false(view.result.coverage.complete);
  bt_job_view_dispose(&view);
  bt_memory_give(account, BT_MEMORY_REPORTS, 236 * 1024);
  job_id late = submit(s, s->slow, NULL);
  wait_for(s, &late, BT_JOB_COMPLETED);
  assert_true(bt_memory_look(account).kinds[BT_MEMORY_REPLAYS] > 0);
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_READS], 0);
  for (int i = 0; i < 2; i++) assert_int_equal(bt_job_cancel(s->queue, NULL, (i ? late : early).text, &error), BT_OK);
  assert_int_equal(bt_memory_total(account), 0);
}

/* What is left of a coverage without room says no less: all that failed lies in the one window. */
static void a_coarse_coverage_says_no_less(void **state) {
  (void)state;
  bt_coverage coverage = {0};
  bt_error error = {0};
  bt_failed_window failed[] = {{{10, 20}, "a"}, {{40, 50}, "b"}, {{25, 30}, "c"}};
  bt_time_range empty[] = {{0, 5}};
  bt_coverage part = {
      .windows_failed = failed, .windows_failed_count = 3, .windows_empty = empty, .windows_empty_count = 1};
  bt_coverage_coarsen(&coverage);
  assert_int_equal(bt_coverage_join(&coverage, &part, &error), BT_OK);
  bt_coverage_coarsen(&coverage);
  assert_int_equal(coverage.windows_failed_count, 1);
  assert_int_equal(coverage.windows_empty_count, 0);
  assert_int_equal(coverage.windows_failed[0].range.start_ns, 10);
  assert_int_equal(coverage.windows_failed[0].range.end_ns, 50);
  bt_coverage_dispose(&coverage);
}

/* Who wants room for something else gets it from what is finished. */
static void finished_jobs_give_way_to_others(void **state) {
  scene *s = *state;
  bt_memory_account *account = share_account(s, 256 * 1024);
  job_id first;
  set_gate(s, true);
  start(s);
  first = submit(s, s->slow, NULL);
  wait_for(s, &first, BT_JOB_COMPLETED);
  assert_true(bt_memory_take(account, BT_MEMORY_READS, 250 * 1024));
  assert_false(is_known(s, NULL, &first));
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_REPLAYS], 0);
}

/* Its few bytes would not make the room that somebody wants who wants it all. */
static void a_small_result_is_kept_whoever_wants_room(void **state) {
  scene *s = *state;
  enum { LIMIT = 4 * 1024 * 1024, STEP = 64 * 1024 };
  bt_memory_account *account = share_account(s, LIMIT);
  set_gate(s, true);
  start(s);
  job_id first = submit(s, s->slow, NULL);
  wait_for(s, &first, BT_JOB_COMPLETED);
  size_t result = bt_memory_look(account).kinds[BT_MEMORY_REPLAYS], taken = 0;
  assert_in_range(result, 1, LIMIT / 16);
  while (bt_memory_take(account, BT_MEMORY_READS, STEP)) taken += STEP;
  assert_in_range(taken, LIMIT - result - STEP + 1, LIMIT - result);
  assert_true(is_known(s, NULL, &first));
  bt_memory_give(account, BT_MEMORY_READS, taken);
}

static void a_failed_source_is_a_failed_job(void **state) {
  scene *s = *state;
  bt_job_view view;
  bt_error error = {0};
  set_gate(s, true);
  s->gate.fake.fail_filter = "{";
  s->gate.fake.fail_status = BT_UNAVAILABLE;
  start(s);
  job_id id = submit(s, s->slow, NULL);
  wait_for(s, &id, BT_JOB_FAILED);
  assert_int_equal(bt_job_get(s->queue, NULL, id.text, &view, &error), BT_OK);
  assert_string_equal(view.result.reason, "source: the source does not answer");
  assert_false(view.result.coverage.complete);
  assert_true(view.result.coverage.windows_failed_count > 0);
  bt_job_view_dispose(&view);
}

static uint64_t priced(const bt_price_table *prices, const bt_rule_definition *rule) {
  bt_price_key key = {NULL, rule->fields.id, rule->condition_hash};
  return bt_price_table_get((bt_price_table *)prices, &key).requests;
}

/* A source that fails: how it answers, and what has to be told of it. */
typedef struct failure {
  const char *name;
  bt_status searches, reads; /* BT_OK: these do not fail */
  size_t reads_after;
  bt_job_state ends;
} failure;

static void script_failure(scene *s, const failure *f) {
  s->gate.fake.fail_filter = f->searches ? "{" : NULL;
  s->gate.fake.fail_status = f->searches;
  s->gate.fake.fail_reads = f->reads;
  s->gate.fake.fail_reads_after = f->reads_after;
  s->gate.fake.traces_read = s->gate.fake.log_count = 0;
}

/* Of a job that failed: what it asked is what it cost, divided among its rules, and its coverage is of its range and
 * claims nothing. */
static void check_failed(scene *s, const bt_job_view *view, const failure *f) {
  const bt_replay_result *result = &view->result;
  print_message("%s: %s, %llu requests, %llu searches\n", f->name, result->reason, (unsigned long long)result->requests,
                (unsigned long long)s->gate.fake.log_count);
  assert_true(result->requests >= s->gate.fake.log_count && result->requests < 1000);
  assert_true(s->gate.fake.log_count > 0);
  assert_true(result->bytes_inspected < UINT32_MAX && result->bytes_received < UINT32_MAX);
  assert_true(result->duration_ns > 0);
  uint64_t shares = priced(s->options.prices, s->slow) + priced(s->options.prices, s->other);
  assert_in_range(shares + 2, result->requests, result->requests + 4);
  assert_false(result->coverage.complete);
  assert_int_equal(result->coverage.asked.start_ns, NOON_NS);
  assert_int_equal(result->coverage.asked.end_ns, NOON_NS + HOUR_NS);
  assert_true(result->coverage.windows_failed_count > 0);
  assert_true(result->coverage.assumptions.settle_ns > 0 && result->coverage.effective_end_ns > 0);
  for (size_t i = 0; i < 2; i++) {
    const bt_rule_result *rule = &result->rules[i];
    assert_true(rule->traces_evaluated <= 20 && rule->traces_exercised <= 20 && rule->traces_read <= 20);
    assert_true(rule->violations_found <= 20 && rule->violations_provisional <= rule->violations_found);
    assert_int_equal(rule->effective_end_ns, NOON_NS + HOUR_NS);
    if (!result->rules[i].traces_evaluated) assert_false(rule->evaluated_is_exact || rule->exercised_is_exact);
  }
}

/* At the beginning and in the middle, by a source that is gone and by one that stops the replay altogether. */
static void what_failed_costs_what_it_asked(void **state) {
  static const failure failures[] = {
      {"gone at the beginning", BT_UNAVAILABLE, BT_OK, 0, BT_JOB_FAILED},
      {"gone in the middle", BT_OK, BT_UNAVAILABLE, 7, BT_JOB_INCOMPLETE},
      {"no memory at the beginning", BT_NO_MEMORY, BT_OK, 0, BT_JOB_FAILED},
      {"no memory in the middle", BT_OK, BT_NO_MEMORY, 7, BT_JOB_FAILED},
  };
  scene *s = *state;
  set_gate(s, true);
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
    const bt_rule_definition *rules[] = {s->slow, s->other};
    bt_job_request request = {.rules = rules, .rule_count = 2, .range = {NOON_NS, NOON_NS + HOUR_NS}};
    bt_job_view view;
    job_id id;
    bt_error error = {0};
    assert_int_equal(bt_price_table_new(0, &s->options.prices, &error), BT_OK);
    script_failure(s, &failures[i]);
    start(s);
    assert_int_equal(bt_job_submit(s->queue, &request, id.text, &error), BT_OK);
    wait_for(s, &id, failures[i].ends);
    assert_int_equal(bt_job_get(s->queue, NULL, id.text, &view, &error), BT_OK);
    check_failed(s, &view, &failures[i]);
    bt_job_view_dispose(&view);
    bt_job_queue_free(s->queue);
    s->queue = NULL;
    bt_price_table_free(s->options.prices);
    s->options.prices = NULL;
  }
}

/* drop_scene frees the queue with one job at the closed gate and one queued. */
static void freeing_stops_what_runs(void **state) {
  scene *s = *state;
  s->options.max_replays = 1;
  start(s);
  (void)submit(s, s->slow, NULL);
  (void)submit(s, s->slow, NULL);
  while (entered(s) < 1) sleep_briefly();
}

static void wrong_requests_are_refused(void **state) {
  scene *s = *state;
  char id[BT_REPLAY_ID_BYTES];
  bt_error error = {0};
  const bt_rule_definition *rule = s->slow;
  start(s);
  bt_job_request request = {.rules = &rule, .rule_count = 1, .range = {NOON_NS, NOON_NS}};
  assert_int_equal(bt_job_submit(s->queue, &request, id, &error), BT_INVALID);
  request = (bt_job_request){.range = {NOON_NS, NOON_NS + 1}};
  assert_int_equal(bt_job_submit(s->queue, &request, id, &error), BT_INVALID);
}

/* The gate is closed and the only worker waits at it, so that nobody else allocates: all jobs are of one
 * tenant, since another one would begin at once. */
static void every_allocation_of_submit_fails_in_turn(void **state) {
  scene *s = *state;
  bt_error error = {0};
  char id[BT_REPLAY_ID_BYTES];
  const bt_rule_definition *rule = s->slow;
  bt_job_request request = {.rules = &rule, .rule_count = 1, .range = {NOON_NS, NOON_NS + HOUR_NS}, .tenant = "acme"};
  s->options.max_replays = 1;
  start(s);
  for (int i = 0; i < 16; i++) (void)submit(s, s->slow, "acme"); /* the list is full and has to grow */
  while (entered(s) < 1) sleep_briefly();
  for (size_t n = 0;; n++) {
    failing_alloc_after(n);
    bt_status status = bt_job_submit(s->queue, &request, id, &error);
    bool was_refused = failing_alloc_stop();
    if (!was_refused) {
      assert_int_equal(status, BT_OK);
      assert_true(n > 3);
      break;
    }
    assert_int_equal(status, BT_NO_MEMORY);
  }
  for (size_t n = 0;; n++) {
    bt_job_listing jobs;
    failing_alloc_after(n);
    bt_status status = bt_job_list(s->queue, "acme", 0, 100, &jobs, &error);
    bool was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(jobs.count, was_refused ? 0 : 17);
    bt_job_listing_dispose(&jobs);
    if (!was_refused) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(more_than_the_workers_wait_in_order),
      SCENE(cancel_queued_and_running),
      SCENE(violations_come_in_order_of_time),
      SCENE(a_page_is_rendered_without_the_lock),
      SCENE(numbers_by_arrival_stay),
      SCENE(the_oldest_are_forgotten_first),
      SCENE(replays_that_found_nothing_are_forgotten_too),
      SCENE(a_job_that_is_too_large_is_incomplete),
      SCENE(a_full_memory_ends_one_and_not_the_others),
      SCENE(finished_jobs_give_way_to_others),
      SCENE(a_small_result_is_kept_whoever_wants_room),
      SCENE(a_coarse_coverage_says_no_less),
      SCENE(a_failed_source_is_a_failed_job),
      SCENE(what_failed_costs_what_it_asked),
      SCENE(freeing_stops_what_runs),
      SCENE(wrong_requests_are_refused),
      SCENE(every_allocation_of_submit_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
