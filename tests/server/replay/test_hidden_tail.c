/* A source whose searches never show the newest half minute (Tempo 3's query_end_cutoff): whatever settle is set to,
 * what is younger is not settled, so that no answer claims moments that nobody could see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/replay/first.h"
#include "tests/server/replay/replay_fixture.h"

static int64_t half_a_minute(bt_source *source, const bt_cancel *cancel) {
  (void)source;
  (void)cancel;
  return 30 * SECOND_NS;
}

typedef struct scene {
  fake_source fake;
  replay_run run;
} scene;

/* Noon to one, asked at one, by a rule that is settled after a second. */
static void begin(scene *s, bool hides) {
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  if (hides) s->fake.operations.hidden_tail = half_a_minute;
  s->run.request.now_ns = NOON_NS + HOUR_NS;
  s->run.request.assumptions.settle_ns = SECOND_NS;
  fake_span_add(fake_add(&s->fake, 1), "slow", NOON_NS);
  replay_run_add(&s->run, "bad", "trace.has(span.name == \"bad\")");
  s->run.request.rules = s->run.rules;
}

static void end(scene *s) {
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
}

static void a_replay_settles_no_earlier(void **state) {
  static scene s;
  (void)state;
  for (int hides = 0; hides < 2; hides++) {
    begin(&s, hides);
    replay_run_go(&s.run, &s.fake);
    const bt_coverage *coverage = &s.run.result.coverage;
    assert_int_equal(s.run.result.outcome, BT_REPLAY_COMPLETED);
    assert_int_equal(coverage->effective_end_ns, NOON_NS + HOUR_NS - (hides ? 30 : 1) * SECOND_NS);
    assert_int_equal(coverage->assumptions.settle_ns, (hides ? 30 : 1) * SECOND_NS);
    end(&s);
  }
}

static void a_longer_settle_stays(void **state) {
  static scene s;
  (void)state;
  begin(&s, true);
  s.run.request.assumptions.settle_ns = 2 * MINUTE_NS;
  replay_run_go(&s.run, &s.fake);
  assert_int_equal(s.run.result.coverage.effective_end_ns, NOON_NS + 58 * MINUTE_NS);
  end(&s);
}

static void the_first_violation_is_not_denied_for_it(void **state) {
  static scene s;
  bt_first_result first = {0};
  (void)state;
  begin(&s, true);
  assert_int_equal(bt_first_violation_run(&s.fake.source, &s.run.request, NULL, &first, &s.run.error), BT_OK);
  assert_int_equal(first.coverage.effective_end_ns, NOON_NS + HOUR_NS - 30 * SECOND_NS);
  bt_first_result_dispose(&first);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_replay_settles_no_earlier),
                                     cmocka_unit_test(a_longer_settle_stays),
                                     cmocka_unit_test(the_first_violation_is_not_denied_for_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
