/* The job queue of several tenants: each has its turn, its share of the room, and its own results. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "server/replay/job.h"
#include "tests/server/replay/job_scene.h"

static void tenants_see_their_own(void **state) {
  scene *s = *state;
  bt_error error = {0};
  bt_job_view view;
  bt_job_listing jobs;
  bt_job_page page;
  set_gate(s, true);
  start(s);
  job_id ours = submit(s, s->slow, NULL), theirs = submit(s, s->slow, "acme"), later = submit(s, s->other, NULL);
  wait_for(s, &ours, BT_JOB_COMPLETED);
  wait_for(s, &later, BT_JOB_COMPLETED);
  assert_true(is_known(s, "acme", &theirs) && !is_known(s, NULL, &theirs) && !is_known(s, "acme", &ours));
  assert_int_equal(bt_job_cancel(s->queue, NULL, theirs.text, &error), BT_NOT_FOUND);
  assert_int_equal(bt_job_violations(s->queue, "other", ours.text, BT_JOB_BY_TIME, 0, 1, NULL, NULL, &page, &error),
                   BT_NOT_FOUND);
  assert_int_equal(bt_job_latest(s->queue, NULL, "slow", &view, &error), BT_OK);
  assert_string_equal(view.replay_id, ours.text);
  bt_job_view_dispose(&view);
  assert_int_equal(bt_job_latest(s->queue, "acme", "other", &view, &error), BT_NOT_FOUND);
  assert_int_equal(bt_job_list(s->queue, NULL, 0, 10, &jobs, &error), BT_OK);
  assert_true(jobs.count == 2 && !jobs.goes_on);
  assert_string_equal(jobs.views[0].replay_id, later.text);
  assert_string_equal(jobs.views[1].replay_id, ours.text);
  bt_job_listing_dispose(&jobs);
  assert_int_equal(bt_job_list(s->queue, NULL, 0, 1, &jobs, &error), BT_OK);
  assert_true(jobs.count == 1 && jobs.goes_on);
  uint64_t number = jobs.views[0].number;
  bt_job_listing_dispose(&jobs);
  assert_int_equal(bt_job_list(s->queue, NULL, number, 1, &jobs, &error), BT_OK);
  assert_true(jobs.count == 1 && !jobs.goes_on);
  assert_string_equal(jobs.views[0].replay_id, ours.text);
  bt_job_listing_dispose(&jobs);
}

/* ---- tenants beside each other ---- */

static void run_to_its_end(scene *s, const char *tenant, job_id *out) {
  *out = submit(s, s->slow, tenant);
  wait_of(s, tenant, out, BT_JOB_COMPLETED);
}

static void the_results_of_others_are_kept(void **state) {
  scene *s = *state;
  job_id theirs, ours[12];
  set_gate(s, true);
  s->options.memory_limit_bytes = 128 * 1024;
  start(s);
  run_to_its_end(s, "quiet", &theirs); /* the oldest of all */
  for (int i = 0; i < 12; i++) run_to_its_end(s, "loud", &ours[i]);
  assert_true(is_known(s, "quiet", &theirs));
  assert_false(is_known(s, "loud", &ours[0]));
  assert_true(is_known(s, "loud", &ours[11]));
}

static size_t count_known(scene *s, const char *tenant) {
  bt_job_listing jobs;
  bt_error error = {0};
  assert_int_equal(bt_job_list(s->queue, tenant, 0, 100, &jobs, &error), BT_OK);
  size_t count = jobs.count;
  bt_job_listing_dispose(&jobs);
  return count;
}

/* Who comes late to a full memory gets as much of it as the others. */
static void assert_compared(scene *s, const char *tenant, uint64_t here, uint64_t before) {
  job_id id;
  bt_job_view view;
  bt_error error = {0};
  run_to_its_end(s, tenant, &id);
  assert_int_equal(bt_job_get(s->queue, tenant, id.text, &view, &error), BT_OK);
  assert_int_equal(view.result.coverage.compared.here, here);
  assert_int_equal(view.result.coverage.compared.before, before);
  bt_job_view_dispose(&view);
}

static void what_was_compared_counts_for_the_tenant(void **state) {
  scene *s = *state;
  bt_error error = {0};
  assert_int_equal(bt_trust_new(0, &s->options.trust, &error), BT_OK);
  start(s);
  set_gate(s, true);
  assert_compared(s, "acme", 8, 0);
  assert_compared(s, "acme", 0, 8);
  assert_compared(s, "other", 8, 0);
  bt_job_queue_free(s->queue);
  s->queue = NULL;
  bt_trust_free(s->options.trust);
  s->options.trust = NULL;
  start(s);
  for (int i = 0; i < 2; i++) assert_compared(s, "acme", 8, 0); /* each pays, where nothing is kept */
}

static void who_holds_most_gives_way(void **state) {
  scene *s = *state;
  job_id early[12], late[12];
  set_gate(s, true);
  s->options.memory_limit_bytes = 128 * 1024;
  start(s);
  for (int i = 0; i < 12; i++) run_to_its_end(s, "early", &early[i]);
  size_t alone = count_known(s, "early");
  for (int i = 0; i < 12; i++) run_to_its_end(s, "late", &late[i]);
  size_t left = count_known(s, "early"), got = count_known(s, "late");
  assert_in_range(left, alone / 2, alone - 1);
  assert_in_range(got, alone / 2 - 1, left + 1);
  assert_true(is_known(s, "early", &early[11]) && is_known(s, "late", &late[11]));
}

/* The last is beside max_replays, for a tenant that has none; then it is the turn of who has fewest, within
 * max_replays. */
static void workers_go_round_the_tenants(void **state) {
  scene *s = *state;
  job_id loud[6], quiet[3];
  s->options.max_replays = 2;
  start(s);
  for (int i = 0; i < 6; i++) loud[i] = submit(s, s->slow, "loud");
  while (entered(s) < 2) sleep_briefly(); /* two workers are at the gate, with the first two of the loud one */
  for (int i = 0; i < 3; i++) quiet[i] = submit(s, s->slow, "quiet");
  wait_of(s, "quiet", &quiet[0], BT_JOB_RUNNING);
  bt_error error = {0};
  assert_int_equal(bt_job_cancel(s->queue, "loud", loud[0].text, &error), BT_OK);
  wait_of(s, "loud", &loud[0], BT_JOB_CANCELLED);
  assert_int_equal(state_of(s, "loud", &loud[2]), BT_JOB_QUEUED); /* two run */
  assert_int_equal(bt_job_cancel(s->queue, "loud", loud[1].text, &error), BT_OK);
  wait_of(s, "loud", &loud[2], BT_JOB_RUNNING);
  assert_int_equal(state_of(s, "quiet", &quiet[1]), BT_JOB_QUEUED);
}

static void a_tenant_without_a_replay_waits_for_nobody(void **state) {
  scene *s = *state;
  job_id loud[4], quiet[2], third;
  s->options.max_replays = 1;
  start(s);
  for (int i = 0; i < 4; i++) loud[i] = submit(s, s->slow, "loud");
  while (entered(s) < 1) sleep_briefly();
  for (int i = 0; i < 2; i++) quiet[i] = submit(s, s->slow, "quiet");
  third = submit(s, s->slow, "third");
  wait_of(s, "quiet", &quiet[0], BT_JOB_RUNNING);
  while (entered(s) < 2) sleep_briefly();
  assert_int_equal(state_of(s, "loud", &loud[1]), BT_JOB_QUEUED);
  assert_int_equal(state_of(s, "quiet", &quiet[1]), BT_JOB_QUEUED);
  assert_int_equal(state_of(s, "third", &third), BT_JOB_QUEUED);
  bt_error error = {0};
  assert_int_equal(bt_job_cancel(s->queue, "loud", loud[0].text, &error), BT_OK);
  wait_of(s, "third", &third, BT_JOB_RUNNING);
  assert_int_equal(state_of(s, "loud", &loud[1]), BT_JOB_QUEUED);
}

static void nothing_that_waits_is_left_behind(void **state) {
  scene *s = *state;
  static const char *const tenants[] = {"a", "b", "c"};
  job_id ids[12];
  s->options.max_replays = 2;
  start(s);
  for (int i = 0; i < 12; i++) ids[i] = submit(s, s->slow, tenants[i * i % 3]);
  set_gate(s, true);
  for (int i = 0; i < 12; i++) wait_of(s, tenants[i * i % 3], &ids[i], BT_JOB_COMPLETED);
}

static void one_tenant_cannot_fill_the_queue(void **state) {
  scene *s = *state;
  bt_error error = {0};
  bt_status status = BT_OK;
  job_id id, running;
  size_t queued = 0;
  s->options.max_replays = 1;
  start(s);
  running = submit(s, s->slow, "loud");
  wait_of(s, "loud", &running, BT_JOB_RUNNING);
  for (; queued < 2000 && status == BT_OK; queued += status == BT_OK)
    status = try_submit(s, s->slow, "loud", &id, &error);
  assert_int_equal(status, BT_LIMIT);
  assert_int_equal(queued, 250);
  assert_non_null(strstr(error.message, "250 replays of this tenant"));
  job_id quiet = submit(s, s->slow, "quiet");
  assert_int_equal(bt_job_cancel(s->queue, "quiet", quiet.text, &error), BT_OK);
  bt_job_listing jobs; /* one that was cancelled leaves its place to another */
  assert_int_equal(bt_job_list(s->queue, "loud", 0, 1, &jobs, &error), BT_OK);
  assert_int_equal(bt_job_cancel(s->queue, "loud", jobs.views[0].replay_id, &error), BT_OK);
  bt_job_listing_dispose(&jobs);
  (void)submit(s, s->slow, "loud");
  assert_int_equal(try_submit(s, s->slow, "loud", &id, &error), BT_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(tenants_see_their_own),
      SCENE(the_results_of_others_are_kept),
      SCENE(what_was_compared_counts_for_the_tenant),
      SCENE(who_holds_most_gives_way),
      SCENE(workers_go_round_the_tenants),
      SCENE(a_tenant_without_a_replay_waits_for_nobody),
      SCENE(nothing_that_waits_is_left_behind),
      SCENE(one_tenant_cannot_fill_the_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
