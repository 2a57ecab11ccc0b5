/* Every allocation of a round fails in turn: the round fails, nothing leaks, and the next one with memory sends what
 * violates, once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/server/watch/watch_fixture.h"
#include "tests/support/failing_alloc.h"

enum { ALLOCATIONS_MAX = 2000 };

/* Trace 2 has what links to it, and so keeps both rules. */
static watch_scene *scene_with_traffic(void) {
  watch_scene *s = watch_scene_new();
  watch_add_rule(s, "slow", "when { slow } always { retry }");
  watch_add_rule(s, "lost", "when { slow as p } always { process linked to p within 10s }");
  fake_link_add(fake_span_add(fake_add(&s->fake, 9), "process", s->now_ns), 2, 0);
  for (uint64_t i = 1; i <= 3; i++) {
    fake_trace *trace = fake_add(&s->fake, i);
    fake_span_add(trace, "slow", s->now_ns);
    if (i == 2) fake_span_add(trace, "retry", s->now_ns + SECOND_NS);
  }
  s->now_ns -= MINUTE_NS;
  watch_start(s);
  watch_round(s);
  s->now_ns += 5 * MINUTE_NS;
  return s;
}

/* False: nothing was refused any more. */
static bool round_with(watch_scene *s, size_t allocations) {
  bt_error error = {0};
  failing_alloc_after(allocations);
  bt_status status = bt_watcher_round(s->watcher, &s->rules, s->now_ns, &error);
  bool refused = failing_alloc_stop();
  if (refused) assert_true(status == BT_NO_MEMORY || status == BT_OK);
  return refused;
}

static void a_round_without_memory_is_made_again(void **state) {
  (void)state;
  for (size_t n = 0; n < ALLOCATIONS_MAX; n++) {
    watch_scene *s = scene_with_traffic();
    bool refused = round_with(s, n);
    watch_pass(s, 5 * MINUTE_NS);
    assert_int_equal(watch_sent(s, "slow", 1, false), 1);
    assert_int_equal(watch_sent(s, "slow", 2, false), 0);
    assert_int_equal(watch_sent(s, "slow", 3, false), 1);
    assert_int_equal(watch_sent(s, "lost", 1, false), 1);
    assert_int_equal(watch_sent(s, "lost", 2, false), 0);
    watch_scene_free(s);
    if (!refused) return;
  }
  fail_msg("a round needs more than %d allocations", ALLOCATIONS_MAX);
}

static void a_start_without_memory_is_made_again(void **state) {
  (void)state;
  for (size_t n = 0; n < ALLOCATIONS_MAX; n++) {
    watch_scene *s = scene_with_traffic();
    watch_pass(s, 2 * MINUTE_NS);
    watch_kill(s);
    s->now_ns += 2 * MINUTE_NS;
    watch_start(s);
    bool refused = round_with(s, n);
    watch_pass(s, 5 * MINUTE_NS);
    assert_int_equal(watch_sent_all(s), 4);
    watch_scene_free(s);
    if (!refused) return;
  }
  fail_msg("a start needs more than %d allocations", ALLOCATIONS_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_round_without_memory_is_made_again),
      cmocka_unit_test(a_start_without_memory_is_made_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
