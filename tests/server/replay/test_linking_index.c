/* Where few traces link, a replay reads them once and looks there for the families of all that wait. What is not found,
 * read and kept in full is looked for as ever. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/server/replay/replay_scene.h"
#include "tests/support/failing_alloc.h"

enum { SENT = 120, NTH_FAILS = 20, FAILED = SENT / NTH_FAILS, CONSUMERS = 1001 };

static const char rule[] = "when { publish as p } never { failed linked to p within 10m }";

/* Message 1 + i is processed by trace CONSUMERS + i; every so-many-th fails. */
static void send_messages(scene *w) {
  for (unsigned i = 0; i < SENT; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * SECOND_NS;
    fake_span_add(fake_add(&w->fake, 1 + i), "publish", at_ns);
    fake_trace *consumer = fake_add(&w->fake, CONSUMERS + i);
    fake_link_add(fake_span_add(consumer, "process", at_ns + MINUTE_NS), 1 + i, 0);
    if (i % NTH_FAILS == 0) fake_link_add(fake_span_add(consumer, "failed", at_ns + MINUTE_NS), 1 + i, 0);
  }
}

static void assert_failed_are_found(const scene *w) {
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_true(w->run.result.coverage.complete);
  assert_int_equal(w->run.result.rules[0].violations_found, FAILED);
  assert_int_equal(w->run.result.rules[0].inconclusive, 0);
  for (unsigned i = 0; i < SENT; i++) assert_true(replay_saw(&w->run, 0, 1 + i) == (i % NTH_FAILS == 0));
}

static size_t count_reads(scene *w, uint64_t from, bool of_failed) {
  size_t reads = 0;
  for (unsigned i = 0; i < SENT; i++)
    if (i % NTH_FAILS == 0 || !of_failed) reads += fake_find(&w->fake, from + i)->by_id_reads;
  return reads;
}

static void few_that_link_are_read_once(void **state) {
  scene *w = *state;
  send_messages(w);
  replay_run_add(&w->run, "failed", rule);
  replay_run_go(&w->run, &w->fake);
  assert_failed_are_found(w);
  assert_int_equal(w->fake.link_searches, 0);
  assert_in_range(count_reads(w, CONSUMERS, false), FAILED, FAILED + 4); /* some of the others are a sample */
  assert_in_range(count_reads(w, CONSUMERS, true), FAILED, FAILED + 4);
}

/* Messages themselves come in batches, all but a sample. */
static void messages_come_in_batches(void **state) {
  scene *w = *state;
  send_messages(w);
  replay_run_add(&w->run, "failed", rule);
  replay_run_go(&w->run, &w->fake);
  assert_in_range(count_reads(w, 1, false), 1, SENT / 4);
  assert_true(w->run.result.coverage.compared.here > 0);
}

/* Near an edge a batch tells where they belong: to who asked for the time before, or to nobody who asks now. */
static void what_began_before_is_not_told(void **state) {
  enum { BEFORE = 10, EARLY = 4000 };
  scene *w = *state;
  send_messages(w);
  for (unsigned i = 0; i < BEFORE; i++) {
    fake_trace *early = fake_add(&w->fake, EARLY + i);
    fake_span_add(early, "begin", NOON_NS - 5 * MINUTE_NS);
    fake_span_add(early, "publish", NOON_NS + MINUTE_NS);
    fake_link_add(fake_span_add(fake_add(&w->fake, EARLY + BEFORE + i), "failed", NOON_NS + 2 * MINUTE_NS), EARLY + i,
                  1);
  }
  replay_run_add(&w->run, "failed", rule);
  replay_run_go(&w->run, &w->fake);
  assert_failed_are_found(w);
  size_t by_id = 0;
  for (unsigned i = 0; i < BEFORE; i++) by_id += fake_find(&w->fake, EARLY + i)->by_id_reads;
  assert_in_range(by_id, 0, BEFORE - 1);
}

/* They would cost more than the look-ups that they save. */
static void many_that_link_are_looked_for_in_groups(void **state) {
  scene *w = *state;
  send_messages(w);
  replay_run_add(&w->run, "processed", "when { publish as p } never { process linked to p within 30s }");
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_true(w->run.result.coverage.complete);
  assert_int_equal(w->fake.link_searches, (SENT + 49) / 50);
}

/* One that a search found and no read by id has: what rests on it is looked for elsewhere. */
static void what_is_not_read_is_looked_for(void **state) {
  scene *w = *state;
  send_messages(w);
  fake_find(&w->fake, CONSUMERS)->by_id_from = 2;
  replay_run_add(&w->run, "failed", rule);
  replay_run_go(&w->run, &w->fake);
  assert_failed_are_found(w);
  assert_true(w->fake.link_searches > 0);
}

static void what_does_not_fit_is_looked_for(void **state) {
  enum { ROOM_BYTES = 256 * 1024, LARGE = 40, NAME_BYTES = 1000 };
  static char name[NAME_BYTES + 1];
  scene *w = *state;
  for (size_t i = 0; i < NAME_BYTES; i++) name[i] = 'x';
  send_messages(w);
  for (unsigned i = 0; i < LARGE; i++) { /* they fail, too, but long after their messages */
    fake_trace *late = fake_add(&w->fake, 2 * CONSUMERS + i);
    fake_link_add(fake_span_add(late, "failed", NOON_NS + 40 * MINUTE_NS), 1 + i, 0);
    fake_span_add(late, name, NOON_NS + 40 * MINUTE_NS);
  }
  replay_run_add(&w->run, "failed", rule);
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->fake.link_searches, 0);
  w->run.request.memory_limit_bytes = ROOM_BYTES;
  replay_run_go(&w->run, &w->fake);
  assert_failed_are_found(w);
  assert_true(w->fake.link_searches > 0);
}

/* A search that fails says nothing of who links: it is asked otherwise, and is no loss. */
static void what_is_not_searched_is_looked_for(void **state) {
  scene *w = *state;
  send_messages(w);
  replay_run_add(&w->run, "failed", rule);
  w->fake.fail_filter = "link:traceID";
  w->fake.fail_status = BT_UNAVAILABLE;
  replay_run_go(&w->run, &w->fake);
  assert_failed_are_found(w);
  assert_true(w->fake.link_searches > 0);
}

/* Those that link to the ones that link are among them. */
static void chains_are_found(void **state) {
  scene *w = *state;
  send_messages(w);
  for (unsigned i = 0; i < FAILED / 2; i++)
    fake_link_add(fake_span_add(fake_add(&w->fake, 2 * CONSUMERS + i), "paid", NOON_NS + 10 * MINUTE_NS),
                  CONSUMERS + i * NTH_FAILS, 1);
  replay_run_add(&w->run, "paid",
                 "when { publish as p } never { failed linked to p within 20m as f and paid linked to f within 20m }");
  replay_run_go(&w->run, &w->fake);
  assert_true(w->run.result.coverage.complete);
  assert_int_equal(w->run.result.rules[0].violations_found, FAILED / 2);
  assert_int_equal(w->fake.link_searches, 0);
}

/* What names each of several links is there. */
static void every_link_of_a_span_counts(void **state) {
  enum { BATCH = 5 };
  scene *w = *state;
  for (unsigned i = 0; i < SENT; i++) fake_span_add(fake_add(&w->fake, 1 + i), "publish", NOON_NS + i);
  fake_span *failed = fake_span_add(fake_add(&w->fake, CONSUMERS), "failed", NOON_NS + MINUTE_NS);
  for (unsigned i = 0; i < BATCH; i++) fake_link_add(failed, 1 + 7 * i, 0);
  replay_run_add(&w->run, "failed", rule);
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, BATCH);
  for (unsigned i = 0; i < BATCH; i++) assert_true(replay_saw(&w->run, 0, 1 + 7 * i));
  assert_int_equal(w->fake.link_searches, 0);
}

static void every_allocation_fails_in_turn(void **state) {
  enum { MESSAGES = 52, MOST = 20000, STEP = 7 };
  scene *w = *state;
  for (unsigned i = 0; i < MESSAGES; i++) fake_span_add(fake_add(&w->fake, 1 + i), "publish", NOON_NS + i);
  fake_link_add(fake_span_add(fake_add(&w->fake, CONSUMERS), "failed", NOON_NS + MINUTE_NS), 2, 0);
  replay_run_add(&w->run, "failed", rule);
  bool was_refused = true;
  for (size_t n = 0; was_refused; n += STEP) {
    assert_true(n < MOST);
    failing_alloc_after(n);
    replay_run_go(&w->run, &w->fake);
    was_refused = failing_alloc_stop();
    for (uint64_t id = 1; id <= MESSAGES; id++)
      if (replay_saw(&w->run, 0, id)) assert_int_equal(id, 2);
    bool is_done = w->run.status == BT_OK && w->run.result.outcome == BT_REPLAY_COMPLETED;
    if (is_done && w->run.result.coverage.complete) assert_int_equal(w->run.seen_count, 1);
    if (!was_refused) assert_true(is_done && n > 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(few_that_link_are_read_once),        SCENE(messages_come_in_batches),
      SCENE(what_began_before_is_not_told),      SCENE(many_that_link_are_looked_for_in_groups),
      SCENE(what_is_not_read_is_looked_for),     SCENE(what_does_not_fit_is_looked_for),
      SCENE(what_is_not_searched_is_looked_for), SCENE(chains_are_found),
      SCENE(every_link_of_a_span_counts),        SCENE(every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
