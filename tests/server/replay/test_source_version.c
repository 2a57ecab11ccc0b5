/* A replay asks a source of an unchecked version only what every version does right. It compares the answers with
 * larger samples, and the coverage says so. It does not believe a source that becomes such a version meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/replay/explanation.h"
#include "server/replay/first_violation.h"
#include "tests/server/replay/replay_scene.h"

#define IN_ORDER        "when { slow as x } always { retry after x }"
#define SLOW_WITH_RETRY "when { trace.has(span.name == \"slow\") } always { trace.has(span.name == \"retry\") }"

/* What the source says of itself: the first time, and from then on. The source has no place for it. */
static bt_source_about says[2];
static unsigned asked;

static const bt_source_about checked = {"tempo", "3.0.3", true, "", NULL},
                             newer = {"tempo", "3.1.0", false, "not among …", NULL},
                             unknown = {"tempo", "", false, "not known", NULL};

/* A replay waits for its source anyway: what it does not wait for is not known. */
static void promise(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out) {
  (void)wanted;
  *out = ((fake_source *)source)->promises;
  out->about = unknown;
  if (cancel) out->about = says[asked++ ? 1 : 0];
}

static void set_source(scene *s, const bt_source_about *first, const bt_source_about *then) {
  s->fake.operations.promise = promise;
  says[0] = *first;
  says[1] = *then;
  asked = 0;
}

/* `slow` in each, and `retry` after it in all but every tenth. */
static void add_shop(scene *s, uint64_t traces) {
  for (uint64_t i = 0; i < traces; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 10 ? "retry" : NULL);
}

static void assert_source(const bt_coverage *coverage, const char *version, bool is_checked) {
  assert_string_equal(coverage->source.kind, "tempo");
  assert_string_equal(coverage->source.version, version);
  assert_int_equal(coverage->source.is_checked, is_checked);
  assert_int_equal(coverage->source.note[0] == '\0', is_checked);
}

static void a_version_that_was_checked_is_named_and_trusted(void **state) {
  scene *s = *state;
  set_source(s, &checked, &checked);
  add_shop(s, 1000);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  assert_int_equal(scene_go(s)->strategy, BT_STRATEGY_ID_SETS);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_source(&s->run.result.coverage, "3.0.3", true);
}

static void a_source_without_versions_is_our_own(void **state) {
  scene *s = *state;
  add_shop(s, 10);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  (void)scene_go(s);
  const bt_source_about *about = &s->run.result.coverage.source;
  assert_string_equal(about->kind, "fake");
  assert_string_equal(about->version, "");
  assert_true(about->is_checked);
}

/* Whatever is forced: what a search says of traces that it shows nothing of is not believed. */
static void of_another_version_nothing_is_subtracted(void **state) {
  scene *s = *state;
  add_shop(s, 1000);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  set_source(s, &newer, &newer);
  s->run.request.strategy = BT_STRATEGY_ID_SETS;
  const bt_rule_result *result = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_source(&s->run.result.coverage, "3.1.0", false);
  assert_int_equal(result->strategy, BT_STRATEGY_READ);
  assert_int_equal(result->traces_read, 1000);
  assert_int_equal(result->decided_unread, 0);
  assert_int_equal(result->violations_found, 100);
  assert_int_equal(fake_searches(&s->fake, "\"retry\""), 0);
}

/* One `retry` that was shown is enough, whatever was not shown. Whether there is one after each `slow`, fewer than two,
 * or none, only all spans could tell. */
static void spans_of_another_version_show_what_is_there_and_not_what_lacks(void **state) {
  static const bt_strategy wanted[] = {BT_STRATEGY_AUTO, BT_STRATEGY_PROJECTION};
  static const struct {
    const char *rule;
    uint64_t read, violating;
  } rows[] = {{SLOW_NO_RETRY, 100, 100},
              {IN_ORDER, 1000, 100},
              {"trace.count(span.name == \"slow\") >= 2", 1000, 0},
              {"when { trace.has(span.name == \"slow\") } never { trace.count(span.name == \"retry\") >= 2 }", 900, 0}};
  scene *s = *state;
  add_shop(s, 1000);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    replay_run_dispose(&s->run);
    replay_run_init(&s->run);
    replay_run_add(&s->run, "rule", rows[i].rule);
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
      set_source(s, &newer, &newer);
      s->run.request.strategy = wanted[w];
      const bt_rule_result *result = scene_go(s);
      scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
      assert_int_equal(result->traces_read, rows[i].read);
      assert_int_equal(result->decided_unread, rows[i].read == 100 ? 900 : 0);
      assert_int_equal(result->violations_found, rows[i].violating);
    }
  }
}

static size_t count_by_id(const scene *s) {
  size_t by_id = 0;
  for (size_t i = 0; i < s->run.seen_count; i++) by_id += s->run.seen[i].confirmed_by_id;
  return by_id;
}

static void its_samples_are_four_times_as_large(void **state) {
  static const struct {
    uint64_t traces;
    uint32_t wanted;
    size_t by_id, unread;
  } rows[] = {{20, 0, 20, 20}, {200, 0, 60, 200}, {1000, 0, 128, 200}, {2600, 0, 200, 200}, {2600, 7, 28, 28}};
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    set_source(s, &newer, &newer);
    s->run.request.sample_size = rows[i].wanted;
    for (uint64_t number = s->fake.trace_count / 2; number < rows[i].traces; number++) {
      scene_add(s, 1 + number, NOON_NS + (int64_t)number * SECOND_NS, "slow", NULL);
      scene_add(s, 100000 + number, NOON_NS + (int64_t)number * SECOND_NS, "web", NULL); /* no search finds it */
    }
    for (bt_count_mode count = BT_COUNT_AUTO; count <= BT_COUNT_AT_LEAST; count++) {
      s->run.request.count = count; /* at_least too: what no search found is listed, else it could not be sampled */
      const bt_rule_result *rule = scene_go(s);
      scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
      assert_int_equal(rule->violations_found, rows[i].traces);
      assert_int_equal(count_by_id(s), rows[i].by_id);
      assert_int_equal(rule->unread_sampled, rows[i].unread);
    }
  }
}

/* A count that a search gives rests on what it does with spans that lack what it asks for. */
static void what_exercised_a_rule_is_counted_from_what_was_read(void **state) {
  scene *s = *state;
  add_shop(s, 100);
  replay_run_add(&s->run, "never",
                 "when { trace.has(span.name == \"slow\") } never { trace.has(span.name == \"bad\") }");
  for (int i = 0; i < 2; i++) {
    set_source(s, i ? &newer : &checked, i ? &newer : &checked);
    s->run.request.sample_size = 1;
    const bt_rule_result *rule = scene_go(s);
    assert_int_equal(rule->exercised_is_exact, !i);
    if (!i) assert_int_equal(rule->traces_exercised, 100);
    if (i) assert_true(rule->traces_exercised <= 4);
  }
}

/* ---- a source that is replaced ---- */

static void a_source_that_became_another_is_not_believed(void **state) {
  scene *s = *state;
  add_shop(s, 1000);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  set_source(s, &checked, &newer);
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "source_changed: ");
  assert_source(&s->run.result.coverage, "3.0.3, 3.1.0", false);
  set_source(s, &checked, &unknown);
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "source_changed: ");
  assert_source(&s->run.result.coverage, "", false);
}

static void one_that_was_checked_too_changes_nothing(void **state) {
  scene *s = *state;
  bt_source_about other = {"tempo", "2.10.8", true, "", NULL};
  add_shop(s, 1000);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  set_source(s, &other, &checked);
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_source(&s->run.result.coverage, "2.10.8, 3.0.3", true);
}

/* A Tempo that was still starting: it was read as one that is not known, and that is no fault of the answer. */
static void what_it_says_later_is_taken(void **state) {
  scene *s = *state;
  add_shop(s, 1000);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  set_source(s, &unknown, &checked);
  assert_int_equal(scene_go(s)->strategy, BT_STRATEGY_PROJECTION);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_source(&s->run.result.coverage, "3.0.3", true);
  set_source(s, &newer, &checked);
  (void)scene_go(s);
  assert_source(&s->run.result.coverage, "3.1.0, 3.0.3", false);
}

/* ---- what is made of replays ---- */

static void the_first_violation_names_its_source(void **state) {
  scene *s = *state;
  bt_first_result first = {0};
  add_shop(s, 10);
  replay_run_add(&s->run, "absence", SLOW_NO_RETRY);
  s->run.request.rules = s->run.rules;
  set_source(s, &newer, &newer);
  assert_int_equal(bt_first_violation_run(&s->fake.source, &s->run.request, NULL, &first, &s->run.error), BT_OK);
  assert_non_null(first.violation);
  assert_source(&first.coverage, "3.1.0", false);
  bt_first_result_dispose(&first);
}

static void an_explanation_says_why_it_does_not_subtract(void **state) {
  scene *s = *state;
  bt_explain_result result;
  bt_error error = {0};
  add_shop(s, 1000);
  replay_run_add(&s->run, "absence", SLOW_WITH_RETRY);
  replay_run_add(&s->run, "order", IN_ORDER);
  s->run.request.rules = s->run.rules;
  set_source(s, &newer, &newer);
  assert_int_equal(bt_explain_run(&s->fake.source, &s->run.request, &result, &error), BT_OK);
  assert_string_equal(result.source.version, "3.1.0");
  assert_false(result.source.is_checked);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(result.rules[i].chosen, BT_STRATEGY_PROJECTION);
    assert_false(result.rules[i].spans_first);
    assert_true(result.rules[i].options[0].is_possible && result.rules[i].options[2].is_possible);
    assert_false(result.rules[i].options[1].is_possible);
  }
  assert_string_equal(result.rules[0].options[1].why_not, "it rests on what was not checked on this version of Tempo");
  assert_string_equal(result.rules[1].options[1].why_not, "no single span shows that a trace does not violate");
  for (size_t i = 0; i < result.rules[0].query_count; i++)
    assert_int_not_equal(result.rules[0].queries[i].use, BT_EXPLAIN_COUNT);
  bt_explain_result_dispose(&result);
  assert_int_equal(bt_explain_run(NULL, &s->run.request, &result, &error), BT_OK);
  assert_null(result.source.kind);
  bt_explain_result_dispose(&result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(a_version_that_was_checked_is_named_and_trusted),
      SCENE(a_source_without_versions_is_our_own),
      SCENE(of_another_version_nothing_is_subtracted),
      SCENE(spans_of_another_version_show_what_is_there_and_not_what_lacks),
      SCENE(its_samples_are_four_times_as_large),
      SCENE(what_exercised_a_rule_is_counted_from_what_was_read),
      SCENE(a_source_that_became_another_is_not_believed),
      SCENE(one_that_was_checked_too_changes_nothing),
      SCENE(what_it_says_later_is_taken),
      SCENE(the_first_violation_names_its_source),
      SCENE(an_explanation_says_why_it_does_not_subtract),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
