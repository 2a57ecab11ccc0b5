/* Replays that rest on what earlier ones compared: the first pays, the next ones do not. Young traces, and another
 * tenant, rule or Tempo, still pay. A batch that begins to lie is found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/server/replay/replay_scene.h"
#include "tests/support/asked.h"

static bt_source_about about;
static uint64_t generation;

static void promise(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  (void)wanted;
  (void)cancel;
  *out = ((fake_source *)source)->promises;
  out->about = about;
  out->generation = generation;
}

static void keep_trust(scene *s) {
  about = (bt_source_about){"tempo", "3.0.3", true, "", NULL};
  generation = 1;
  s->fake.operations.promise = promise;
  assert_int_equal(bt_trust_new(0, &s->run.request.trust, &s->run.error), BT_OK);
}

/* `slow` in each, which violates; asked two days later. */
static void set_scene(scene *s, uint64_t traces) {
  keep_trust(s);
  for (uint64_t i = 0; i < traces; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
}

static void end_scene(scene *s) {
  bt_trust_free(s->run.request.trust);
  s->run.request.trust = NULL;
}

static unsigned by_id_reads(const scene *s) {
  unsigned reads = 0;
  for (size_t i = 0; i < s->fake.trace_count; i++) reads += s->fake.traces[i].by_id_reads;
  return reads;
}

/* Runs it with another seed, and says how many traces were read by id. */
static unsigned go(scene *s) {
  unsigned before = by_id_reads(s);
  s->run.request.sample_seed++;
  (void)scene_go(s);
  return by_id_reads(s) - before;
}

static void assert_compared(const scene *s, uint64_t here, uint64_t before) {
  const bt_compared *compared = &s->run.result.coverage.compared;
  assert_int_equal(compared->here, here);
  assert_int_equal(compared->before, before);
  assert_int_equal(compared->oldest_ns != 0, before != 0);
  assert_true(compared->oldest_ns <= compared->newest_ns && compared->newest_ns <= s->run.request.now_ns);
}

static void the_first_pays_and_the_next_ones_do_not(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  assert_int_equal(go(s), 8);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_compared(s, 8, 0);
  unsigned later = 0;
  for (int i = 0; i < 20; i++) {
    later += go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(s->run.result.rules[0].violations_found, 60);
    assert_true(s->run.result.coverage.compared.before >= 8);
  }
  assert_in_range(later, 2, 10); /* where each had read 8 */
  end_scene(s);
}

/* A sample of more traces sees smaller defects: what it has more than the earlier one is paid. */
static void a_larger_sample_pays_the_rest(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  assert_int_equal(go(s), 8);
  for (uint64_t i = 60; i < 1000; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  assert_int_equal(go(s), 32 - 8);
  assert_compared(s, 24, 8);
  assert_true(go(s) <= 2);
  end_scene(s);
}

static void without_it_each_pays(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  end_scene(s);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(go(s), 8);
    assert_compared(s, 8, 0);
  }
}

static void other_tenants_rules_and_margins_pay_themselves(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  s->run.request.tenant = "acme";
  assert_int_equal(go(s), 8);
  assert_int_equal(go(s), 0);
  s->run.request.tenant = "other";
  assert_int_equal(go(s), 8);
  s->run.request.assumptions.margin_ns += MINUTE_NS;
  assert_int_equal(go(s), 8);
  replay_run_add(&s->run, "second", "trace.has(span.name == \"slow\") and not trace.has(span.name == \"again\")");
  assert_int_equal(go(s), 8);
  assert_int_equal(go(s), 0);
  end_scene(s);
}

static void another_tempo_is_paid_for_again(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  assert_int_equal(go(s), 8);
  assert_int_equal(go(s), 0);
  about.version[0] = '4';
  assert_int_equal(go(s), 8);
  assert_compared(s, 8, 0);
  generation++; /* the same version, started anew */
  assert_int_equal(go(s), 8);
  assert_int_equal(go(s), 0);
  about = (bt_source_about){"tempo", "9.0.0", false, "not among …", NULL};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(go(s), 32); /* of a version that was not checked each answer has the larger sample */
    assert_compared(s, 32, 0);
  }
  end_scene(s);
}

/* While it is asked the Tempo is started anew: what the one before gave says nothing of it. */
static void promise_of_ever_another(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel,
                                    bt_promises *out) {
  promise(source, wanted, cancel, out);
  generation++;
}

static void a_tempo_that_changes_meanwhile_is_paid_for(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  assert_int_equal(go(s), 8);
  s->fake.operations.promise = promise_of_ever_another;
  generation = 1;
  assert_int_equal(go(s), 8);
  assert_compared(s, 8, 0);
  end_scene(s);
}

/* What is younger than the hand-over is compared as ever, trace by trace. */
static void what_is_young_is_compared_each_time(void **state) {
  scene *s = *state;
  set_scene(s, 0);
  s->run.request.now_ns = NOON_NS + HOUR_NS + 10 * MINUTE_NS;
  for (uint64_t i = 0; i < 40; i++) scene_add(s, 1 + i, NOON_NS + 30 * MINUTE_NS, "slow", NULL);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(go(s), 40); /* it rests on absence */
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  }
  end_scene(s);
}

static void parents_that_are_missing_are_compared_each_time(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  for (uint64_t i = 0; i < 60; i++) fake_find(&s->fake, 1 + i)->spans[0].orphan = true;
  for (int i = 0; i < 3; i++) assert_int_equal(go(s), 8);
  end_scene(s);
}

/* ---- a batch that lies ---- */

static void set_lying(scene *s, bool lies) {
  for (size_t i = 0; i < s->fake.trace_count; i++) {
    fake_trace *trace = &s->fake.traces[i];
    if (lies)
      fake_span_add(trace, "retry", NOON_NS + MINUTE_NS)->only_by_id = true;
    else
      trace->span_count--;
  }
}

/* Twenty replays is what docs/RELIABILITY.md promises for what hits each trace. */
static void a_batch_that_begins_to_lie_is_found_out(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  assert_int_equal(go(s), 8);
  set_lying(s, true);
  int replays = 1;
  while (go(s), s->run.result.outcome == BT_REPLAY_COMPLETED) assert_true(++replays <= 20);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: ");
  assert_true(s->run.result.rules[0].sample_differences > 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(go(s), 32); /* the rate goes up */
    scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: ");
    assert_compared(s, 32, 0);
  }
  set_lying(s, false);
  assert_int_equal(go(s), 32);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, ""); /* 32 of its own agree */
  assert_compared(s, 32, 0);
  assert_true(go(s) <= 8);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  end_scene(s);
}

/* Few violations say little: answers stay incomplete until enough agreed. */
static void few_that_agree_take_no_doubt(void **state) {
  scene *s = *state;
  set_scene(s, 3);
  set_lying(s, true);
  assert_int_equal(go(s), 3);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: ");
  set_lying(s, false);
  assert_int_equal(go(s), 3);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: an earlier replay");
  assert_int_equal(s->run.result.rules[0].sample_differences, 0);
  assert_int_equal(go(s), 3);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: an earlier replay");
  assert_int_equal(go(s), 3);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  end_scene(s);
}

/* What a difference takes, it takes from all. */
static void other_questions_pay_anew_after_a_difference(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  s->run.request.tenant = "acme";
  assert_int_equal(go(s), 8);
  assert_int_equal(go(s), 0);
  s->run.request.tenant = "other";
  set_lying(s, true);
  assert_int_equal(go(s), 8);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: ");
  set_lying(s, false);
  s->run.request.tenant = "acme";
  assert_int_equal(go(s), 8);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  end_scene(s);
}

/* ---- what is compared in any case ---- */

/* Candidates that are left of a subtraction are compared in any case by the first replay alone. */
static void nothing_is_chosen_by_a_later_one(void **state) {
  scene *s = *state;
  set_scene(s, 60);
  for (uint64_t i = 0; i < 600; i++) scene_add(s, 1000 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", "retry");
  s->run.request.strategy = BT_STRATEGY_ID_SETS;
  assert_int_equal(go(s), 8);
  assert_int_equal(go(s), 0);
  assert_int_equal(s->run.result.rules[0].violations_found, 60);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  end_scene(s);
}

static size_t expect_found(scene *s, uint64_t violations) {
  size_t before = s->fake.span_searches;
  s->run.request.rules = s->run.rules;
  bt_replay_result_dispose(&s->run.result);
  assert_int_equal(bt_replay_run(&s->fake.source, &s->run.request, NULL, &s->run.result, &s->run.error), BT_OK);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(s->run.result.rules[0].violations_found, violations);
  return s->fake.span_searches - before;
}

static size_t span_searches_of(scene *s) {
  return expect_found(s, 1);
}

/* The first looks at a part to see whether spans come first; later ones know. What is found is held against what a
 * search has shown all the same. */
static void only_the_first_looks_at_a_part(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 3000; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + (int64_t)i * SECOND_NS / 5);
    if (i != 10) fake_span_add(trace, "retry", NOON_NS + (int64_t)(i + 5) * SECOND_NS / 5);
  }
  keep_trust(s);
  replay_run_add(&s->run, "order", "when { slow as x } always { retry after x }");
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.now_ns = NOON_NS + 90 * MINUTE_NS;
  assert_int_equal(span_searches_of(s), 2);
  assert_int_equal(s->fake.taken_spans, 2);
  assert_int_equal(span_searches_of(s), 1);
  assert_int_equal(s->fake.begun_spans, 2); /* each announces them once, before the first of its questions for them */
  assert_int_equal(s->fake.taken_spans, 3);
  fake_find(&s->fake, 11)->spans[0].hidden_from = "\"retry\"";
  assert_int_equal(span_searches_of(s), 1);
  end_scene(s);
}

/* Where the spans of a part decide nothing, those of the whole range are not asked for, now and later: all are read. */
static void spans_that_decide_nothing_are_asked_for_in_a_part_only(void **state) {
  enum { TRACES = 2500 };
  scene *s = *state;
  for (uint64_t i = 0; i < TRACES; i++) {
    fake_trace *trace = fake_add(&s->fake, 1 + i);
    fake_span_add(trace, "slow", NOON_NS + MINUTE_NS + (int64_t)i * SECOND_NS / 5);
    fake_span_add(trace, "retry", NOON_NS + (int64_t)i * SECOND_NS / 5);
  }
  keep_trust(s);
  replay_run_add(&s->run, "order", "when { slow as x } always { retry after x }");
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.now_ns = NOON_NS + 90 * MINUTE_NS;
  for (int later = 0; later < 2; later++) {
    size_t before = s->fake.span_searches;
    (void)go(s);
    assert_int_equal(s->run.result.rules[0].strategy, BT_STRATEGY_READ);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(s->run.result.rules[0].violations_found, TRACES);
    assert_int_equal(s->fake.span_searches - before, later ? 0 : 1);
  }
  end_scene(s);
}

/* ---- rules over links, whose candidates cost much to read ---- */

enum { MESSAGES = 2000 };

/* Each with so many consumers, but for every nth, which has none. */
static void send_messages(scene *s, unsigned consumers, unsigned nth) {
  uint64_t next = MESSAGES;
  for (uint64_t i = 0; i < MESSAGES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * SECOND_NS;
    fake_span_add(fake_add(&s->fake, 1 + i), "slow", at_ns);
    for (unsigned c = 0; i % nth && c < consumers; c++)
      fake_link_add(fake_span_add(fake_add(&s->fake, 1 + next++), "retry", at_ns + MINUTE_NS), 1 + i, 0);
  }
  keep_trust(s);
  replay_run_add(&s->run, "lost", "when { slow as x } always { retry linked to x within 10m }");
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.now_ns = NOON_NS + 90 * MINUTE_NS;
}

/* One question for all spans that link and one for all of the candidates' own, and no look at a part of them. */
static void few_that_link_are_asked_for_at_once(void **state) {
  scene *s = *state;
  send_messages(s, 1, 500);
  assert_int_equal(expect_found(s, 4), 2);
  assert_int_equal(fake_searches(&s->fake, "link:traceID"), 1);
  assert_int_equal(expect_found(s, 4), 2); /* and nothing is counted any more */
  assert_int_equal(fake_searches(&s->fake, "link:traceID"), 1);
  end_scene(s);
}

/* Where many link to each, a part says whether that is worth it. */
static void many_that_link_are_looked_at_in_a_part(void **state) {
  scene *s = *state;
  send_messages(s, 5, 500);
  assert_int_equal(expect_found(s, 4), 4);
  assert_int_equal(expect_found(s, 4), 2);
  end_scene(s);
}

/* Nine of ten are lost: what was asked for decided little, and that is remembered. */
static void what_decided_little_is_not_asked_for_again(void **state) {
  scene *s = *state;
  send_messages(s, 1, 1);
  for (uint64_t i = 0; i < MESSAGES / 10; i++)
    fake_link_add(fake_span_add(fake_add(&s->fake, 9000 + i), "retry", NOON_NS + (int64_t)i * 10 * SECOND_NS),
                  1 + i * 10, 0);
  assert_int_equal(expect_found(s, MESSAGES - MESSAGES / 10), 2);
  assert_int_equal(s->run.result.rules[0].strategy, BT_STRATEGY_PROJECTION);
  assert_true(expect_found(s, MESSAGES - MESSAGES / 10) <= 2);
  end_scene(s);
}

/* What went on together with the search for the rule's candidates. */
static struct {
  size_t with_candidates, under_way;
  bool asks_candidates, has_subtracted;
} together;

static bt_source_operations fake_operations;

static bt_ahead *note_begun(bt_source *source, const bt_asked *asked, bt_source_account *account) {
  bt_ahead *ahead = fake_operations.begin(source, asked, account);
  if (asked->kind != BT_AHEAD_SEARCH) return ahead;
  bool is_of_candidates = bt_str_contains(asked_text(asked->search->query), BT_STR("\"slow\""));
  bool is_subtracted = bt_str_contains(asked_text(asked->search->query), BT_STR("\"retry\""));
  assert_non_null(ahead);
  together.under_way++;
  together.asks_candidates = together.asks_candidates || is_of_candidates;
  together.with_candidates += is_of_candidates;
  together.has_subtracted = together.has_subtracted || (is_subtracted && together.asks_candidates);
  return ahead;
}

static bt_status note_finished(bt_source *source, const bt_search_request *request, bt_found_list *found,
                               bt_source_account *account, bt_error *error) {
  bt_status status = fake_operations.search(source, request, found, account, error);
  if (request->ahead && --together.under_way == 0) together.asks_candidates = false;
  return status;
}

static size_t subtracted_searches_of(scene *s) {
  size_t before = fake_searches(&s->fake, "\"retry\"");
  together.with_candidates = together.has_subtracted = 0;
  (void)go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(together.with_candidates, 1);
  return fake_searches(&s->fake, "\"retry\"") - before;
}

/* What was subtracted the last time is asked for beside the candidates, once; after a replay without enough of them it
 * is not asked any more. Whether a guess was right changes no verdict. */
static void what_was_subtracted_before_is_asked_beside_the_candidates(void **state) {
  enum { TRACES = 300, VIOLATING = 20 };
  scene *s = *state;
  keep_trust(s);
  fake_operations = s->fake.operations;
  s->fake.operations.begin = note_begun;
  s->fake.operations.search = note_finished;
  for (uint64_t i = 0; i < TRACES; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i < VIOLATING ? NULL : "retry");
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  for (int later = 0; later < 3; later++) {
    assert_int_equal(subtracted_searches_of(s), 1);
    assert_int_equal(together.has_subtracted, later > 0);
    assert_int_equal(together.under_way, 0);
    assert_int_equal(s->run.result.rules[0].violations_found, VIOLATING);
  }
  for (uint64_t i = 100; i < TRACES; i++) fake_find(&s->fake, 1 + i)->spans[0].name = "quick";
  for (int later = 0; later < 3; later++) {
    assert_int_equal(subtracted_searches_of(s), later ? 0 : 1);
    assert_int_equal(s->run.result.rules[0].violations_found, VIOLATING);
  }
  end_scene(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(the_first_pays_and_the_next_ones_do_not),
      SCENE(a_larger_sample_pays_the_rest),
      SCENE(without_it_each_pays),
      SCENE(other_tenants_rules_and_margins_pay_themselves),
      SCENE(another_tempo_is_paid_for_again),
      SCENE(a_tempo_that_changes_meanwhile_is_paid_for),
      SCENE(what_is_young_is_compared_each_time),
      SCENE(parents_that_are_missing_are_compared_each_time),
      SCENE(a_batch_that_begins_to_lie_is_found_out),
      SCENE(few_that_agree_take_no_doubt),
      SCENE(other_questions_pay_anew_after_a_difference),
      SCENE(nothing_is_chosen_by_a_later_one),
      SCENE(only_the_first_looks_at_a_part),
      SCENE(spans_that_decide_nothing_are_asked_for_in_a_part_only),
      SCENE(few_that_link_are_asked_for_at_once),
      SCENE(many_that_link_are_looked_at_in_a_part),
      SCENE(what_decided_little_is_not_asked_for_again),
      SCENE(what_was_subtracted_before_is_asked_beside_the_candidates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
