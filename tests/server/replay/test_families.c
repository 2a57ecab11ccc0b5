/* Replays of rules that follow links, over a scripted source: random worlds of linked traces, each verdict as the
 * evaluator gives it with everything known. Where look-ups and reads fail nothing is false, and what was not seen is
 * said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "dsl/trace/kinship.h"
#include "server/replay/given_families.h"
#include "tests/server/replay/replay_scene.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { TRACES = 110, WORLDS = ROUNDS_OF(40, 12), FAMILIES_BYTES = 64 * 1024 * 1024, SOME_BYTES = 512 * 1024 };

static const char *const texts[] = {
    "when { a as p } always { b linked to p within 10m }",
    "when { a as p } never { b linked to p within 3m }",
    "when { a as p } always { count(b linked to p within 10m) <= 1 }",
    "when { b as c } always { a linked from c within 10m }",
    "when { a as p } never { c downstream of p within 10m over 2 links }",
    "when { a as p } always { b linked to p within 10m as q and c under q }",
    "when { a as p } always { b linked to p within 5m as q and c linked to q within 5m }",
    "when { c } always { b linked to c within 1m or a }",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static uint64_t id_number(unsigned trace) {
  return trace % 3 ? trace + 1 : UINT64_C(0x123456789abc0000) + trace; /* most have leading zeros */
}

/* In half of the worlds most traces are those that others may link to. */
static const char *pick_name(test_random *random, bool is_sparse) {
  static const char *const names[] = {"a", "a", "b", "b", "c"};
  if (is_sparse && test_random_below(random, 4)) return "a";
  return names[test_random_below(random, 5)];
}

/* Fan-out, fan-in, batches, chains, cycles and links to traces that nobody has. */
static void fill_world(scene *w, test_random *random) {
  bool is_sparse = test_random_below(random, 2);
  for (unsigned t = 0; t < TRACES; t++) {
    fake_trace *trace = fake_add(&w->fake, id_number(t));
    unsigned spans = 1 + test_random_below(random, 3);
    for (unsigned s = 0; s < spans; s++) {
      int64_t at_ns = NOON_NS + (int64_t)test_random_below(random, 50) * MINUTE_NS;
      fake_span *span = fake_span_add(trace, pick_name(random, is_sparse), at_ns);
      unsigned links = test_random_below(random, 3) ? test_random_below(random, 3) : 0;
      if (test_random_below(random, 20) == 0) links = FAKE_LINKS_MAX;
      for (unsigned l = 0; l < links; l++) {
        bool is_lost = test_random_below(random, 25) == 0;
        fake_link_add(span, is_lost ? 999999 : id_number(test_random_below(random, TRACES)),
                      test_random_below(random, 3));
      }
    }
  }
}

static const bt_trace *copy_of(const fake_trace *from, bt_arena *arena) {
  static const bt_resource resource = {.service = {"shop", 4}};
  static const bt_scope scope = {.name = {"", 0}};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &from->id);
  assert_non_null(builder);
  for (uint32_t i = 0; i < from->span_count; i++) {
    const fake_span *f = &from->spans[i];
    bt_span span = {.name = bt_str_from(f->name),
                    .start_ns = f->start_ns,
                    .end_ns = f->start_ns + f->duration_ns,
                    .resource = &resource,
                    .scope = &scope,
                    .links = f->links,
                    .link_count = f->link_count};
    memcpy(span.id.bytes, f->id, sizeof f->id);
    assert_true(bt_trace_builder_add(builder, &span));
  }
  const bt_trace *built = bt_trace_builder_finish(builder);
  bt_trace *kept = bt_arena_alloc(arena, sizeof *kept);
  assert_non_null(kept);
  *kept = *built;
  return kept;
}

typedef struct expectation {
  bt_verdict verdicts[TRACES];
  uint64_t violated, inconclusive;
} expectation;

/* Each trace with all others as its family, and nothing missing. */
static void expect_all(const scene *w, const bt_rule *rule, expectation *out) {
  bt_arena arena;
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  bt_family_trace traces[TRACES];
  bt_arena_init(&arena, FAMILIES_BYTES);
  *out = (expectation){.violated = 0};
  for (unsigned t = 0; t < TRACES; t++)
    traces[t] = (bt_family_trace){
        .trace = copy_of(&w->fake.traces[t], &arena), .asked_from_ns = INT64_MIN, .asked_until_ns = INT64_MAX};
  assert_int_equal(bt_ruleset_new(&rule, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  for (unsigned t = 0; t < TRACES; t++) {
    bt_family_trace own_first[TRACES];
    const bt_family family = {.traces = own_first, .trace_count = TRACES};
    const bt_rule_verdict *verdict = NULL;
    memcpy(own_first, traces, sizeof traces);
    own_first[0] = traces[t];
    own_first[t] = traces[0];
    assert_int_equal(bt_evaluator_run_family(evaluator, &family, NULL, &verdict, NULL), BT_OK);
    out->verdicts[t] = verdict->verdict;
    out->violated += verdict->verdict == BT_VIOLATED;
    out->inconclusive += verdict->verdict == BT_INCONCLUSIVE;
  }
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_arena_dispose(&arena);
}

static void assert_nothing_false(const scene *w, const expectation *expected) {
  for (unsigned t = 0; t < TRACES; t++)
    if (replay_saw(&w->run, 0, id_number(t))) assert_int_equal(expected->verdicts[t], BT_VIOLATED);
}

static void assert_all_found(const scene *w, const expectation *expected) {
  const bt_rule_result *result = &w->run.result.rules[0];
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_true(w->run.result.coverage.complete);
  for (unsigned t = 0; t < TRACES; t++)
    assert_true(replay_saw(&w->run, 0, id_number(t)) == (expected->verdicts[t] == BT_VIOLATED));
  assert_int_equal(result->violations_found, expected->violated);
  assert_int_equal(result->inconclusive, expected->inconclusive);
}

/* A world, and each text over it. */
static void for_each(void (*check)(scene *w, const expectation *expected, test_random *random)) {
  test_random random = test_random_start(20261124);
  uint64_t violated = 0, others = 0;
  for (int i = 0; i < WORLDS; i++) {
    scene *w = NULL;
    expectation expected;
    scene_make((void **)&w);
    fill_world(w, &random);
    replay_run_add(&w->run, "linked", texts[i % TEXTS]);
    expect_all(w, w->run.rules[0]->rule, &expected);
    violated += expected.violated;
    others += TRACES - expected.violated;
    check(w, &expected, &random);
    scene_drop((void **)&w);
  }
  assert_true(violated > WORLDS && others > WORLDS);
}

static unsigned indexed; /* worlds in which nobody asked who links to some traces, because all that link were read */

static void check_exact(scene *w, const expectation *expected, test_random *random) {
  replay_run_go(&w->run, &w->fake);
  assert_all_found(w, expected);
  indexed += !w->fake.link_searches && expected->violated;
  w->run.request.memory_limit_bytes = SOME_BYTES;           /* room for copies of some traces */
  w->fake.links_are_guessed = test_random_below(random, 2); /* traces that link to none do no harm */
  w->fake.promises.filters = test_random_below(random, 2);
  replay_run_go(&w->run, &w->fake);
  assert_all_found(w, expected);
}

static void verdicts_are_those_of_whole_families(void **state) {
  (void)state;
  indexed = 0;
  for_each(check_exact);
  assert_in_range(indexed, WORLDS / 5, WORLDS - WORLDS / 5);
}

static void check_failing(scene *w, const expectation *expected, test_random *random) {
  w->fake.fail_percent = 10 + test_random_below(random, 40);
  w->fake.fail_random = test_random_below(random, 1000000);
  replay_run_go(&w->run, &w->fake);
  assert_nothing_false(w, expected);
  if (w->run.result.coverage.complete) assert_all_found(w, expected);
}

/* Spans that link show one link each; what they do not show is read. Of several rules none has its spans asked for
 * before its candidates are known. */
static void check_shown(scene *w, const expectation *expected, test_random *random) {
  w->run.request.strategy = BT_STRATEGY_PROJECTION;
  if (test_random_below(random, 2)) replay_run_add(&w->run, "other", "when { a } never { x }");
  replay_run_go(&w->run, &w->fake);
  assert_all_found(w, expected);
}

static void shown_links_decide_the_same(void **state) {
  (void)state;
  for_each(check_shown);
}

/* A span in a copy that hides its link, a trace that cannot be given whole, and one that is not there any more. */
static void check_shown_badly(scene *w, const expectation *expected, test_random *random) {
  for (size_t i = 0; i < w->fake.trace_count; i++) {
    w->fake.traces[i].needs_by_id = test_random_below(random, 3) == 0;
    w->fake.traces[i].gone_from_batches = test_random_below(random, 3) == 0;
  }
  check_shown(w, expected, random);
}

static void what_a_projection_does_not_give_is_read(void **state) {
  (void)state;
  for_each(check_shown_badly);
}

/* All is settled, and of every trace more spans could be there than its bounds tell. */
static void check_shown_young(scene *w, const expectation *expected, test_random *random) {
  w->run.request.now_ns = NOON_NS + HOUR_NS + 11 * MINUTE_NS + w->run.request.assumptions.settle_ns;
  check_shown(w, expected, random);
}

static void young_traces_are_judged_whole(void **state) {
  (void)state;
  for_each(check_shown_young);
}

/* Some of it is settled, some is in the tail, and of some it is not known before it is read: told is what reading each
 * tells. */
static void check_shown_in_tail(scene *w, const expectation *expected, test_random *random) {
  int64_t settle_ns = w->run.request.assumptions.settle_ns;
  bool saw[TRACES];
  (void)expected;
  w->run.request.range.end_ns = NOON_NS + HOUR_NS;
  w->run.request.now_ns = NOON_NS + HOUR_NS + (int64_t)test_random_below(random, 25) * MINUTE_NS - settle_ns;
  w->run.request.strategy = BT_STRATEGY_READ;
  replay_run_go(&w->run, &w->fake);
  const bt_rule_result read = w->run.result.rules[0];
  for (unsigned t = 0; t < TRACES; t++) saw[t] = replay_saw(&w->run, 0, id_number(t));
  w->run.request.strategy = BT_STRATEGY_PROJECTION;
  replay_run_go(&w->run, &w->fake);
  const bt_rule_result *shown = &w->run.result.rules[0];
  for (unsigned t = 0; t < TRACES; t++) assert_true(replay_saw(&w->run, 0, id_number(t)) == saw[t]);
  assert_int_equal(shown->violations_found, read.violations_found);
  assert_int_equal(shown->violations_provisional, read.violations_provisional);
  assert_int_equal(shown->inconclusive, read.inconclusive);
  assert_int_equal(shown->traces_exercised, read.traces_exercised);
}

static void the_tail_is_judged_as_by_reading_it(void **state) {
  (void)state;
  for_each(check_shown_in_tail);
}

static void check_shown_failing(scene *w, const expectation *expected, test_random *random) {
  w->run.request.strategy = BT_STRATEGY_PROJECTION;
  if (test_random_below(random, 2)) replay_run_add(&w->run, "other", "when { a } never { x }");
  check_failing(w, expected, random);
}

static void failing_projections_make_nothing_false(void **state) {
  (void)state;
  for_each(check_shown_failing);
}

static void failing_answers_make_nothing_false(void **state) {
  (void)state;
  for_each(check_failing);
}

/* Nobody says who links: what rests on it is not decided, and the answer is not complete. */
static void check_unlinked(scene *w, const expectation *expected, test_random *random) {
  bool is_whole = test_random_below(random, 2);
  w->fake.fail_linking = is_whole ? BT_REFUSED : BT_OK;
  w->fake.fail_linking_range = !is_whole;
  replay_run_go(&w->run, &w->fake);
  assert_nothing_false(w, expected);
  if (!w->fake.link_searches) return;
  assert_true(w->run.result.rules[0].inconclusive > 0 || !w->run.result.coverage.complete);
  if (w->fake.fail_linking_range) assert_false(w->run.result.coverage.complete);
}

static void without_look_ups_nothing_is_absent(void **state) {
  (void)state;
  for_each(check_unlinked);
}

enum { MESSAGES = 400, LOST = 7 };

static void lose_some_messages(scene *w) {
  for (unsigned i = 0; i < MESSAGES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * SECOND_NS;
    fake_span_add(fake_add(&w->fake, 2 * i + 1), "publish", at_ns);
    if (i % (MESSAGES / LOST) == 3 && i / (MESSAGES / LOST) < LOST) continue;
    fake_link_add(fake_span_add(fake_add(&w->fake, 2 * i + 2), "process", at_ns + MINUTE_NS), 2 * i + 1, 0);
  }
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 10m }");
}

/* One lost message among many; the look-ups are shared. */
static void a_lost_message_is_found(void **state) {
  scene *w = *state;
  lose_some_messages(w);
  w->run.request.strategy = BT_STRATEGY_READ;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(w->run.result.rules[0].violations_found, LOST);
  assert_int_equal(w->run.result.rules[0].inconclusive, 0);
  assert_true(w->fake.link_searches <= MESSAGES / 20);
}

static size_t count_reads_by_id(const scene *w) {
  size_t by_id = 0;
  for (size_t i = 0; i < w->fake.trace_count; i++) by_id += w->fake.traces[i].by_id_reads;
  return by_id;
}

/* And where spans that link show the others, hardly more than the lost ones is read. */
static void what_is_shown_is_not_read(void **state) {
  scene *w = *state;
  lose_some_messages(w);
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(w->run.result.rules[0].violations_found, LOST);
  assert_int_equal(w->run.result.rules[0].strategy, BT_STRATEGY_PROJECTION);
  assert_in_range(count_reads_by_id(w), LOST, 2 * LOST + 1);
}

/* Nor are those of the last hour, of which a batch shows that they are over. */
static void nor_are_young_traces(void **state) {
  scene *w = *state;
  lose_some_messages(w);
  w->run.request.range.end_ns = NOON_NS + MESSAGES * SECOND_NS;
  w->run.request.now_ns = w->run.request.range.end_ns + 11 * MINUTE_NS + w->run.request.assumptions.settle_ns;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, LOST);
  assert_int_equal(w->run.result.rules[0].strategy, BT_STRATEGY_PROJECTION);
  assert_in_range(count_reads_by_id(w), LOST, 2 * LOST + 1);
}

/* Nor those of the tail, where nothing that is lost is told yet. */
static void nor_are_traces_of_the_tail(void **state) {
  scene *w = *state;
  lose_some_messages(w);
  w->run.request.range.end_ns = NOON_NS + MESSAGES * SECOND_NS;
  w->run.request.now_ns = w->run.request.range.end_ns + MINUTE_NS;
  w->run.request.strategy = BT_STRATEGY_PROJECTION;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_int_equal(w->run.result.rules[0].strategy, BT_STRATEGY_PROJECTION);
  assert_true(w->run.result.rules[0].unsettled > MESSAGES);
  assert_in_range(count_reads_by_id(w), LOST, 2 * LOST + 1);
}

enum { UNLINKED = 120, SELF_LINKED = 10, COMPARED = 11 /* the root of those that are left */ };

/* Messages that nobody processes, but those that their own trace does. */
static void send_many(scene *w) {
  lose_some_messages(w);
  for (unsigned i = 0; i < UNLINKED; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * SECOND_NS;
    fake_trace *trace = fake_add(&w->fake, 10000 + i);
    fake_span_add(trace, "publish", at_ns);
    if (i % (UNLINKED / SELF_LINKED) == 5) fake_link_add(fake_span_add(trace, "process", at_ns + 1), 10000 + i, 0);
  }
}

/* A batch and who links are enough for those that are left, but for a sample, and for those that link to themselves. */
static void what_is_left_is_read_in_batches(void **state) {
  scene *w = *state;
  send_many(w);
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_true(w->run.result.coverage.complete);
  assert_int_equal(w->run.result.rules[0].strategy, BT_STRATEGY_PROJECTION);
  assert_int_equal(w->run.result.rules[0].violations_found, LOST + UNLINKED - SELF_LINKED);
  assert_in_range(count_reads_by_id(w), SELF_LINKED, SELF_LINKED + COMPARED + 2 * LOST + 1);
}

/* Who links is not told: nothing of what batches showed is a violation. */
static void nothing_follows_from_batches_alone(void **state) {
  scene *w = *state;
  send_many(w);
  w->fake.fail_linking = BT_REFUSED;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_false(w->run.result.coverage.complete && !w->run.result.rules[0].inconclusive);
}

/* By id they have a span that batches do not give: that is said. */
static void what_differs_by_id_is_said(void **state) {
  scene *w = *state;
  for (unsigned i = 0; i < UNLINKED; i++) {
    fake_trace *trace = fake_add(&w->fake, 10000 + i);
    fake_span_add(trace, "publish", NOON_NS + (int64_t)i * SECOND_NS);
    fake_span_add(trace, "refund", NOON_NS + (int64_t)i * SECOND_NS + 1)->only_by_id = true;
  }
  w->run.request.strategy = BT_STRATEGY_PROJECTION;
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 10m or refund }");
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.outcome, BT_REPLAY_INCOMPLETE);
  assert_in_range(w->run.result.rules[0].sample_differences, COMPARED - 3, COMPARED + 1);
}

/* A source that gives every trace that links is asked for those around each lost message, not between them. */
static void what_is_guessed_is_looked_for_nearby(void **state) {
  scene *w = *state;
  for (unsigned i = 0; i < MESSAGES; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * 5 * MINUTE_NS;
    fake_span_add(fake_add(&w->fake, 2 * i + 1), "publish", at_ns);
    if (i % 180 == 20) continue;
    fake_link_add(fake_span_add(fake_add(&w->fake, 2 * i + 2), "process", at_ns + MINUTE_NS), 2 * i + 1, 0);
  }
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 10m }");
  w->run.request.range.end_ns = NOON_NS + MESSAGES * 5 * MINUTE_NS;
  w->fake.links_are_guessed = true;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 3);
  assert_in_range(count_reads_by_id(w), 3, MESSAGES / 2);
}

/* A message is not lost before its time and what it takes to be stored are over. */
static void what_may_still_come_is_not_absent(void **state) {
  scene *w = *state;
  fake_span_add(fake_add(&w->fake, 1), "publish", NOON_NS + MINUTE_NS);
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 10m }");
  int64_t over_ns = NOON_NS + 11 * MINUTE_NS + w->run.request.assumptions.settle_ns;
  w->run.request.range.end_ns = NOON_NS + 2 * MINUTE_NS;
  w->run.request.now_ns = over_ns - SECOND_NS;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_true(w->run.result.coverage.effective_end_ns <= NOON_NS + MINUTE_NS);
  w->run.request.now_ns = over_ns + 5 * SECOND_NS;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 1);
}

/* What links to it came late, and its block says when it came. */
static void what_comes_late_is_found(void **state) {
  scene *w = *state;
  fake_span_add(fake_add(&w->fake, 1), "publish", NOON_NS + MINUTE_NS);
  fake_span *late = fake_span_add(fake_add(&w->fake, 2), "process", NOON_NS + MINUTE_NS + SECOND_NS);
  fake_link_add(late, 1, 0);
  late->dated_ns = NOON_NS + 3 * MINUTE_NS + w->run.request.assumptions.lateness_ns / 2;
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 1m }");
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_true(w->run.result.coverage.complete);
}

/* More traces link to it than a family holds. */
static void too_many_are_not_counted(void **state) {
  enum { LINKING = 1100 };
  scene *w = *state;
  fake_span_add(fake_add(&w->fake, 1), "publish", NOON_NS + MINUTE_NS);
  fake_span_add(fake_add(&w->fake, 2), "publish", NOON_NS + MINUTE_NS);
  for (unsigned i = 0; i < LINKING; i++)
    fake_link_add(fake_span_add(fake_add(&w->fake, 10 + i), "process", NOON_NS + 2 * MINUTE_NS), 1, 0);
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 10m }");
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 1);
  assert_true(replay_saw(&w->run, 0, 2));
  assert_int_equal(w->run.result.rules[0].inconclusive, 1);
}

/* Two messages: one with a large family of consumers that came too late, one with a consumer in time. */
static void write_large_family(scene *w, const char *rule) {
  enum { LINKING = 300, NAME_BYTES = 4000 };
  static char name[NAME_BYTES + 1];
  memset(name, 'x', NAME_BYTES);
  fake_span_add(fake_add(&w->fake, 1), "publish", NOON_NS + MINUTE_NS);
  fake_span_add(fake_add(&w->fake, 2), "publish", NOON_NS + MINUTE_NS);
  for (unsigned i = 0; i < LINKING; i++) {
    fake_trace *late = fake_add(&w->fake, 10 + i);
    fake_link_add(fake_span_add(late, "process", NOON_NS + 20 * MINUTE_NS), 1, 0);
    fake_span_add(late, name, NOON_NS + 20 * MINUTE_NS);
  }
  fake_link_add(fake_span_add(fake_add(&w->fake, 3), "process", NOON_NS + 2 * MINUTE_NS), 2, 0);
  replay_run_add(&w->run, "lost", rule);
  w->run.request.strategy = BT_STRATEGY_READ;
}

static void assert_named_as_too_large(const scene *w) {
  const bt_replay_result *result = &w->run.result;
  assert_int_equal(result->outcome, BT_REPLAY_INCOMPLETE);
  assert_non_null(strstr(result->reason, "do not fit into --memory-limit"));
  assert_int_equal(result->coverage.windows_failed_count, 1);
  assert_false(result->coverage.complete);
  assert_int_equal(result->rules[0].violations_found, 0);
  assert_int_equal(result->rules[0].inconclusive, 1);
}

/* A family that no memory holds is named, and others are judged. */
static void what_does_not_fit_is_named(void **state) {
  scene *w = *state;
  write_large_family(w, "when { publish as p } always { process linked to p within 10m }");
  w->run.request.memory_limit_bytes = 64 * 1024;
  replay_run_go(&w->run, &w->fake);
  assert_named_as_too_large(w);
  w->run.request.memory_limit_bytes = FAMILIES_BYTES;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(w->run.result.rules[0].violations_found, 1);
}

/* The same where others hold the memory meanwhile; what families held is free afterwards. */
static void families_are_held_in_the_account(void **state) {
  enum { LIMIT_BYTES = 8 * 1024 * 1024, LEFT_BYTES = 600 * 1024 };
  scene *w = *state;
  bt_memory_account *account;
  bt_error error = {0};
  assert_int_equal(bt_memory_account_new(LIMIT_BYTES, &account, &error), BT_OK);
  write_large_family(w, "when { publish as p } always { process linked to p within 10m }");
  w->run.request.memory_limit_bytes = LIMIT_BYTES;
  w->run.request.memory = account;
  assert_true(bt_memory_take(account, BT_MEMORY_REPORTS, LIMIT_BYTES - LEFT_BYTES));
  replay_run_go(&w->run, &w->fake);
  assert_named_as_too_large(w);
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_READS], 0);
  bt_memory_give(account, BT_MEMORY_REPORTS, LIMIT_BYTES - LEFT_BYTES);
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 1);
  bt_memory_account_free(account);
}

enum { KIN = 120, KIN_BYTES = 16 * 1024 * 1024, LOOK_UP_TRACES = 50 };

typedef struct kin_given {
  const bt_kinship *last;
  unsigned whole, shared, changes; /* families of all, with a kinship, with another one than the last */
} kin_given;

static bt_status take_kin(void *context, size_t index, const bt_family *family, bt_error *error) {
  kin_given *given = context;
  uint32_t own;
  (void)index;
  (void)error;
  assert_non_null(family);
  if (family->kinship) assert_true(bt_kinship_is_of(family->kinship, family, &own));
  given->whole += family->trace_count == KIN;
  given->shared += family->kinship != NULL;
  given->changes += family->kinship != given->last;
  given->last = family->kinship;
  return BT_OK;
}

/* From every trace links lead to every other one. */
static void write_kin(scene *w, bt_given_trace *traces) {
  for (unsigned i = 0; i < KIN; i++) {
    fake_trace *trace = fake_add(&w->fake, 1 + i);
    fake_span *span = fake_span_add(trace, "a", NOON_NS + i);
    for (unsigned k = 0; k < 2; k++) fake_link_add(span, 1 + (i + 51 + 40 * k) % KIN, 0);
    traces[i] = (bt_given_trace){trace->id, {NOON_NS + i, NOON_NS + i + 1}};
  }
  replay_run_add(&w->run, "linked", "when { a as p } always { a downstream of p within 10m over 5 links }");
}

/* The families of one look-up share one kinship. As memory gets less they go without it before they get smaller. */
static void families_of_the_same_traces_share_a_kinship(void **state) {
  scene *w = *state;
  bt_given_trace traces[KIN];
  unsigned without = 0;
  kin_given given = {.whole = KIN};
  write_kin(w, traces);
  for (size_t limit = KIN_BYTES; given.whole == KIN; limit -= limit / 32) {
    given = (kin_given){.last = NULL};
    w->run.request.memory_limit_bytes = limit;
    assert_int_equal(
        bt_given_families_gather(&w->fake.source, &w->run.request, traces, KIN, take_kin, &given, NULL, NULL), BT_OK);
    without += given.whole == KIN && !given.shared;
    if (limit < KIN_BYTES) continue;
    assert_int_equal(given.whole, KIN);
    assert_int_equal(given.shared, KIN);
    assert_in_range(given.changes, 1, (KIN + LOOK_UP_TRACES - 1) / LOOK_UP_TRACES);
  }
  assert_true(without > 0);
}

/* A family that was cut decides all the same where what is there does. */
static void what_does_not_fit_is_not_named_where_it_decides_nothing(void **state) {
  scene *w = *state;
  write_large_family(w, "when { publish as p } always { span(exists(link.trace_id)) linked to p within 30m }");
  w->run.request.memory_limit_bytes = 64 * 1024;
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_int_equal(w->run.result.rules[0].inconclusive, 0);
}

/* Who links is looked for by what the rule says of it, unless spans were summed up: those nobody finds by it. */
static void only_what_may_matter_is_gathered(void **state) {
  enum { SENT = 100, NTH_FAILS = 20 };
  scene *w = *state;
  for (unsigned i = 0; i < SENT; i++) {
    int64_t at_ns = NOON_NS + (int64_t)i * SECOND_NS;
    fake_span_add(fake_add(&w->fake, 1 + i), "publish", at_ns);
    fake_trace *consumer = fake_add(&w->fake, 1001 + i);
    fake_link_add(fake_span_add(consumer, "process", at_ns + MINUTE_NS), 1 + i, 0);
    if (i % NTH_FAILS == 0) fake_link_add(fake_span_add(consumer, "failed", at_ns + MINUTE_NS), 1 + i, 0);
  }
  replay_run_add(&w->run, "failed", "when { publish as p } never { failed linked to p within 10m }");
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, SENT / NTH_FAILS);
  size_t read = count_reads_by_id(w);
  assert_in_range(read, SENT / NTH_FAILS, 4 * SENT / NTH_FAILS); /* those that fail, and samples */
  fake_span_sum_up(fake_span_add(fake_add(&w->fake, 5000), "process", NOON_NS + MINUTE_NS), 3);
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, SENT / NTH_FAILS);
  assert_true(count_reads_by_id(w) - read >= SENT);
}

/* One rule of several that may need any link has all of them looked for. */
static void a_rule_beside_may_need_more(void **state) {
  scene *w = *state;
  fake_span_add(fake_add(&w->fake, 1), "publish", NOON_NS);
  fake_link_add(fake_span_add(fake_add(&w->fake, 2), "process", NOON_NS + MINUTE_NS), 1, 0);
  fake_link_add(fake_span_add(fake_add(&w->fake, 3), "failed", NOON_NS + 2 * MINUTE_NS), 2, 0);
  replay_run_add(&w->run, "failed", "when { publish as p } never { failed linked to p within 10m }");
  replay_run_add(&w->run, "down", "when { publish as p } never { failed downstream of p within 10m over 2 links }");
  replay_run_go(&w->run, &w->fake);
  assert_int_equal(w->run.result.rules[0].violations_found, 0);
  assert_int_equal(w->run.result.rules[1].violations_found, 1);
}

static void fail_each_allocation(scene *w, bt_strategy strategy) {
  fake_span_add(fake_add(&w->fake, 1), "publish", NOON_NS + MINUTE_NS);
  fake_span_add(fake_add(&w->fake, 2), "publish", NOON_NS + MINUTE_NS);
  fake_link_add(fake_span_add(fake_add(&w->fake, 3), "process", NOON_NS + 2 * MINUTE_NS), 1, 0);
  fake_link_add(fake_span_add(fake_add(&w->fake, 4), "failed", NOON_NS + 3 * MINUTE_NS), 3, 0);
  replay_run_add(&w->run, "lost", "when { publish as p } always { process linked to p within 10m }");
  replay_run_add(&w->run, "failed", "when { publish as p } never { failed downstream of p within 10m over 2 links }");
  w->run.request.strategy = strategy;
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    assert_true(n < 8000);
    failing_alloc_after(n);
    replay_run_go(&w->run, &w->fake);
    was_refused = failing_alloc_stop();
    for (uint64_t id = 1; id <= 4; id++) {
      if (replay_saw(&w->run, 0, id)) assert_int_equal(id, 2);
      if (replay_saw(&w->run, 1, id)) assert_int_equal(id, 1);
    }
    bool is_done = w->run.status == BT_OK && w->run.result.outcome == BT_REPLAY_COMPLETED;
    if (is_done && w->run.result.coverage.complete) assert_int_equal(w->run.seen_count, 2);
    if (!was_refused) assert_true(is_done && n > 50);
  }
}

static void every_allocation_fails_in_turn(void **state) {
  fail_each_allocation(*state, BT_STRATEGY_AUTO);
}

static void and_where_spans_are_shown(void **state) {
  fail_each_allocation(*state, BT_STRATEGY_PROJECTION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verdicts_are_those_of_whole_families),
      cmocka_unit_test(failing_answers_make_nothing_false),
      cmocka_unit_test(shown_links_decide_the_same),
      cmocka_unit_test(what_a_projection_does_not_give_is_read),
      cmocka_unit_test(young_traces_are_judged_whole),
      cmocka_unit_test(the_tail_is_judged_as_by_reading_it),
      cmocka_unit_test(failing_projections_make_nothing_false),
      cmocka_unit_test(without_look_ups_nothing_is_absent),
      SCENE(a_lost_message_is_found),
      SCENE(what_is_shown_is_not_read),
      SCENE(nor_are_young_traces),
      SCENE(nor_are_traces_of_the_tail),
      SCENE(only_what_may_matter_is_gathered),
      SCENE(a_rule_beside_may_need_more),
      SCENE(what_is_left_is_read_in_batches),
      SCENE(nothing_follows_from_batches_alone),
      SCENE(what_differs_by_id_is_said),
      SCENE(what_is_guessed_is_looked_for_nearby),
      SCENE(what_may_still_come_is_not_absent),
      SCENE(what_comes_late_is_found),
      SCENE(too_many_are_not_counted),
      SCENE(what_does_not_fit_is_named),
      SCENE(families_are_held_in_the_account),
      SCENE(families_of_the_same_traces_share_a_kinship),
      SCENE(what_does_not_fit_is_not_named_where_it_decides_nothing),
      SCENE(every_allocation_fails_in_turn),
      SCENE(and_where_spans_are_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
