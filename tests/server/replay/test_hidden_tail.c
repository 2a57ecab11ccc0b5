/* A source whose searches never show the newest half minute (Tempo 3's query_end_cutoff): whatever settle is set to,
 * what is younger is not settled, so that no answer claims moments that nobody could see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/replay/first_violation.h"
#include "tests/server/replay/replay_fixture.h"

/* The wall clock is ten minutes before the source's, or less by what rounding takes off. */
static void set_clock_back(fake_source *fake) {
  int64_t most_ns = 10 * MINUTE_NS - SECOND_NS / 2 - (bt_clock_wall_ns() - bt_clock_steady_ns());
  fake->promises.clock.now = (bt_clock_bounds){true, most_ns - SECOND_NS, most_ns};
}

typedef struct scene {
  fake_source fake;
  replay_run run;
} scene;

/* Noon to one, asked at one, by a rule that is settled after a second. */
static void begin(scene *s, bool hides) {
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  if (hides) s->fake.promises.hidden_tail_ns = 30 * SECOND_NS;
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

/* By a clock that is ahead nothing is settled that is not by the source's; what is hidden is hidden from that one, too.
 */
static void a_clock_that_is_ahead_settles_no_earlier(void **state) {
  static scene s;
  (void)state;
  for (int hides = 0; hides < 2; hides++) {
    begin(&s, hides);
    set_clock_back(&s.fake);
    replay_run_go(&s.run, &s.fake);
    const bt_coverage *coverage = &s.run.result.coverage;
    int64_t settle_ns = 10 * MINUTE_NS + (hides ? 30 : 1) * SECOND_NS;
    assert_int_equal(s.run.result.outcome, BT_REPLAY_COMPLETED);
    assert_int_equal(coverage->effective_end_ns, NOON_NS + HOUR_NS - settle_ns);
    assert_int_equal(coverage->assumptions.settle_ns, settle_ns);
    end(&s);
  }
}

static void it_is_added_once(void **state) {
  static scene s;
  (void)state;
  begin(&s, true);
  set_clock_back(&s.fake);
  const bt_assumptions *asked = &s.run.request.assumptions;
  bt_assumptions once = bt_assumptions_over(asked, &s.fake.promises);
  bt_assumptions twice = bt_assumptions_over(&once, &s.fake.promises);
  assert_int_equal(once.settle_ns, 10 * MINUTE_NS + 30 * SECOND_NS);
  assert_int_equal(twice.settle_ns, once.settle_ns);
  bt_rule_definition own = *s.run.rules[0];
  const struct {
    int64_t own_ns, wanted_ns;
  } rows[] = {{-1, 30 * SECOND_NS}, {SECOND_NS, 30 * SECOND_NS}, {MINUTE_NS, MINUTE_NS}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    own.fields.settle_ns = rows[i].own_ns;
    assert_int_equal(bt_assumptions_of(&twice, &own).settle_ns, 10 * MINUTE_NS + rows[i].wanted_ns);
  }
  bt_assumptions_set_clock(&twice, 0);
  assert_int_equal(twice.settle_ns, 30 * SECOND_NS);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_replay_settles_no_earlier), cmocka_unit_test(a_longer_settle_stays),
      cmocka_unit_test(the_first_violation_is_not_denied_for_it),
      cmocka_unit_test(a_clock_that_is_ahead_settles_no_earlier), cmocka_unit_test(it_is_added_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
