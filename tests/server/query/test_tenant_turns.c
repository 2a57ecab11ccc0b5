/* Whose turn it is: of tenants first, then of what one tenant wants; and that evaluations and series keep to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/query/evaluation.h"
#include "server/query/series.h"
#include "server/query/tenant_turns.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/server/work/blocking_wait.h"

enum { MANY = 6, OTHER = MANY, QUESTIONS, TRACES = 200 };

/* ---- the order ---- */

static size_t choose(const bt_tenant_turns *turns, const bt_turn *all, size_t count) {
  size_t first = 0;
  for (size_t i = 1; i < count; i++)
    if (bt_turn_is_before(turns, &all[i], &all[first])) first = i;
  return first;
}

static void tenants_take_turns_and_then_what_they_want(void **state) {
  (void)state;
  bt_tenant_turns turns = {0};
  bt_turn all[] = {{.tenant = 1}, {.tenant = 1}, {.tenant = 1}, {.tenant = 2}};
  const size_t expected[] = {0, 3, 1, 3, 2, 3, 0, 3};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    size_t next = choose(&turns, all, 4);
    assert_int_equal(next, expected[i]);
    bt_turn_begin(&turns, &all[next]);
    bt_turn_end(&turns, all[next].tenant);
  }
}

static void who_has_less_under_way_goes_first(void **state) {
  (void)state;
  bt_tenant_turns turns = {0};
  bt_turn all[] = {{.tenant = 1}, {.tenant = 2}};
  bt_turn_begin(&turns, &all[1]);
  bt_turn_end(&turns, 2);
  bt_turn_begin(&turns, &all[0]);
  assert_int_equal(choose(&turns, all, 2), 1); /* though it was served later */
  bt_turn_begin(&turns, &all[1]);
  assert_int_equal(choose(&turns, all, 2), 0); /* as many; it has waited longer */
  bt_turn_end(&turns, 2);
  assert_int_equal(choose(&turns, all, 2), 1);
}

/* Whoever asks anew all the time does not come before what waits. */
static void what_comes_goes_behind_what_waits(void **state) {
  (void)state;
  bt_tenant_turns turns = {0};
  bt_turn old = {.tenant = 1}, fresh = {.tenant = 1};
  bt_turn_enter(&turns, &old);
  bt_turn_enter(&turns, &fresh);
  bt_turn_begin(&turns, &fresh);
  bt_turn_end(&turns, 1);
  fresh = (bt_turn){.tenant = 1};
  bt_turn_enter(&turns, &fresh);
  assert_true(bt_turn_is_before(&turns, &old, &fresh));
  assert_false(bt_turn_is_before(&turns, &fresh, &old));
}

/* ---- a tenant with many questions, and one with one ---- */

typedef struct scene {
  fake_source fake;
  bt_workplace *work;
  bt_rule_definition *rules[QUESTIONS]; /* one for each question, so that the source sees whose filter it is asked */
  const bt_rule_definition *borrowed[QUESTIONS];
  blocking_wait waits[QUESTIONS];
} scene;

static int make_scene(void **state) {
  scene *s = calloc(1, sizeof *s);
  bt_error error = {0};
  char id[16], text[64];
  fake_source_init(&s->fake);
  for (size_t i = 0; i < QUESTIONS; i++) {
    snprintf(id, sizeof id, "r%zu", i);
    snprintf(text, sizeof text, "trace.has(span.name == \"name%zu\")", i);
    s->borrowed[i] = s->rules[i] = rule_of(id, text);
  }
  for (uint64_t i = 0; i < TRACES; i++)
    fake_span_add(fake_add(&s->fake, 1 + i), "web", NOON_NS + (int64_t)i * 7 * MINUTE_NS);
  if (bt_workplace_new(NULL, &s->work, &error) != BT_OK) fail_msg("%s", error.message);
  for (size_t i = 0; i < QUESTIONS; i++) blocking_wait_init(&s->waits[i], s->work);
  *state = s;
  return 0;
}

static int drop_scene(void **state) {
  scene *s = *state;
  bt_workplace_free(s->work);
  for (size_t i = 0; i < QUESTIONS; i++) bt_rule_definition_unref(s->rules[i]);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

/* Which question was worked on, turn after turn. */
static size_t read_turns(const scene *s, size_t *out, size_t most) {
  size_t count = 0;
  char name[16];
  for (size_t i = 0; i < s->fake.log_count; i++)
    for (size_t question = 0; question < QUESTIONS; question++) {
      snprintf(name, sizeof name, "\"name%zu\"", question);
      if (!strstr(s->fake.log[i], name)) continue;
      if (count < most && (!count || out[count - 1] != question)) out[count++] = question;
    }
  return count;
}

/* From its first turn to its last the other tenant waits for one turn at a time. The first turns of the many may have
 * begun before it came. */
static void check_turns(const scene *s) {
  size_t turns[FAKE_LOG_MAX], others = 0, between = 0, total = 0;
  size_t count = read_turns(s, turns, FAKE_LOG_MAX);
  for (size_t i = 0; i < count; i++) total += turns[i] == OTHER;
  assert_true(total >= 3 && count > total + MANY);
  for (size_t i = 0; i < count && others < total; i++) {
    between = turns[i] == OTHER ? 0 : between + 1;
    others += turns[i] == OTHER;
    if (between > 1) fail_msg("turn %zu of %zu is the second of the many in a row", i, count);
  }
}

static const char *tenant_of(size_t question) {
  return question == OTHER ? "b" : "a";
}

static void windows_of_evaluations_go_by_tenant(void **state) {
  scene *s = *state;
  bt_evaluations_options options = {
      .work = s->work, .source = &s->fake.source, .assumptions = bt_assumptions_default(), .at_once = 1};
  bt_evaluations *evaluations = NULL;
  bt_look *looks[QUESTIONS];
  bt_page page;
  bt_error error = {0};
  bool ready[QUESTIONS];
  assert_int_equal(bt_evaluations_new(&options, &evaluations, &error), BT_OK);
  pthread_mutex_lock(&s->fake.lock); /* the first window waits until all have asked */
  for (size_t i = 0; i < QUESTIONS; i++) {
    bt_question question = {.tenant = tenant_of(i), .rules = &s->borrowed[i], .rule_count = 1};
    question.cursor = (bt_cursor){.range = {NOON_NS, NOON_NS + 24 * HOUR_NS}, .now_ns = LATER_NS, .newest_first = true};
    bt_page_wish wish = {.least = 1, .limit = 1, .wait = &s->waits[i].wait};
    assert_int_equal(bt_question_hash_rules(question.rules, 1, question.cursor.rules, &error), BT_OK);
    assert_int_equal(bt_look_open(evaluations, &question, &looks[i], &error), BT_OK);
    assert_int_equal(bt_look_page(looks[i], &wish, &ready[i], &page, &error), BT_OK);
    assert_false(ready[i]);
  }
  pthread_mutex_unlock(&s->fake.lock);
  for (size_t i = 0; i < QUESTIONS; i++) {
    bt_page_wish wish = {.least = 1, .limit = 1, .wait = &s->waits[i].wait};
    while (!ready[i]) {
      blocking_wait_stand(&s->waits[i], 0);
      assert_int_equal(bt_look_page(looks[i], &wish, &ready[i], &page, &error), BT_OK);
    }
    assert_int_equal(page.count, 0); /* none violates: it had to look at all windows */
    bt_page_dispose(&page);
    bt_look_close(looks[i]);
  }
  bt_evaluations_free(evaluations);
  check_turns(s);
}

static void counts_of_series_go_by_tenant(void **state) {
  enum { STEPS = 6 }; /* of a day, so that each is a run of its own */
  scene *s = *state;
  const int64_t day_ns = 24 * HOUR_NS, first = NOON_NS / day_ns - STEPS;
  bt_series_options options = {
      .work = s->work, .source = &s->fake.source, .assumptions = bt_assumptions_default(), .at_once = 1};
  bt_series_pool *pool = NULL;
  bt_series_ask *asks[QUESTIONS];
  bt_error error = {0};
  bool known[QUESTIONS];
  assert_int_equal(bt_series_pool_new(&options, &pool, &error), BT_OK);
  pthread_mutex_lock(&s->fake.lock);
  for (size_t i = 0; i < QUESTIONS; i++) {
    bt_series_question question = {.tenant = tenant_of(i),
                                   .rules = &s->borrowed[i],
                                   .rule_count = 1,
                                   .step_ns = day_ns + (int64_t)i, /* so that no run counts for two of them */
                                   .first_step = first,
                                   .end_step = first + STEPS,
                                   .whole_end_step = first + STEPS,
                                   .now_ns = LATER_NS};
    assert_int_equal(bt_series_open(pool, &question, &asks[i], &error), BT_OK);
    known[i] = bt_series_is_known(asks[i], &s->waits[i].wait);
    assert_false(known[i]);
  }
  usleep(60000); /* the last one that came is old enough: for 30 ms others may come and be counted with it */
  pthread_mutex_unlock(&s->fake.lock);
  for (size_t i = 0; i < QUESTIONS; i++) {
    while (!known[i]) {
      blocking_wait_stand(&s->waits[i], 0);
      known[i] = bt_series_is_known(asks[i], &s->waits[i].wait);
    }
    bt_series_close(asks[i]);
  }
  bt_series_pool_free(pool);
  check_turns(s);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, make_scene, drop_scene)

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tenants_take_turns_and_then_what_they_want),
                                     cmocka_unit_test(who_has_less_under_way_goes_first),
                                     cmocka_unit_test(what_comes_goes_behind_what_waits),
                                     SCENE(windows_of_evaluations_go_by_tenant), SCENE(counts_of_series_go_by_tenant)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
