/* What a replay reads again to hold its answer against: young traces and a sample of violations by id, and a sample of
 * what it left unread. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "tests/server/replay/replay_scene.h"

static void absence_of_young_traces_is_confirmed_by_id(void **state) {
  scene *s = *state;
  s->run.request.now_ns = NOON_NS + HOUR_NS + 10 * MINUTE_NS;
  fake_trace *trace = fake_add(&s->fake, 1);
  fake_span_add(trace, "slow", NOON_NS + 50 * MINUTE_NS);
  fake_span_add(trace, "retry", NOON_NS + 50 * MINUTE_NS + SECOND_NS)->only_by_id = true;
  scene_add(s, 2, NOON_NS + 51 * MINUTE_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_false(replay_saw(&s->run, 0, 1));
  assert_true(replay_seen(&s->run, 0, 2)->confirmed_by_id);
}

/* Violations and how many of them are read by id, when a request wants so many (0: by default). */
static void check_sample(scene *s, uint64_t traces, uint32_t wanted, size_t expected) {
  s->run.request.sample_size = wanted;
  for (uint64_t i = s->fake.trace_count; i < traces; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  const bt_rule_result *rule = scene_go(s);
  size_t by_id = 0;
  for (size_t i = 0; i < s->run.seen_count; i++) by_id += s->run.seen[i].confirmed_by_id;
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, traces);
  assert_int_equal(by_id, expected);
}

static void a_sample_of_older_ones_is_read_by_id(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  check_sample(s, 5, 0, 5);
  check_sample(s, 60, 0, 8);   /* at least 8 */
  check_sample(s, 120, 0, 11); /* the root of their number */
  check_sample(s, 1000, 0, 32);
  check_sample(s, 2600, 0, 50); /* at most 50 */
  check_sample(s, 2600, 70, 70);
}

static void the_same_seed_takes_the_same_sample(void **state) {
  scene *s = *state;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  check_sample(s, 120, 0, 11);
  unsigned asked[120];
  for (uint64_t i = 0; i < 120; i++) asked[i] = fake_find(&s->fake, 1 + i)->by_id_reads;
  scene_go(s);
  for (uint64_t i = 0; i < 120; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->by_id_reads, 2 * asked[i]);
  for (uint64_t i = 0; i < 120; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->batch_reads, 2);
}

static void assert_contradicted(const scene *s, size_t at, uint64_t number, bool copies_explain) {
  const bt_coverage *coverage = &s->run.result.coverage;
  assert_in_range(coverage->contradicted_count, at + 1, BT_CONTRADICTED_NAMED);
  assert_memory_equal(&coverage->contradicted[at].trace_id, fake_id(number).bytes, 16);
  assert_int_equal(coverage->contradicted[at].copies_explain, copies_explain);
}

/* Whose batch a read by id contradicts is inconclusive. */
static void a_difference_of_one_trace_is_that_traces(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 5; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_span_add(fake_find(&s->fake, 3), "retry", NOON_NS + MINUTE_NS)->only_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->sample_differences, 1);
  assert_int_equal(rule->violations_found, 4);
  assert_int_equal(rule->inconclusive, 1);
  assert_memory_equal(&rule->first_inconclusive.trace_id, fake_id(3).bytes, 16);
  assert_false(replay_saw(&s->run, 0, 3));
  assert_int_equal(s->run.result.coverage.contradicted_count, 1);
  assert_contradicted(s, 0, 3, false);
}

/* A second one says that there may be more, also where all were read by id. */
static void differences_of_two_traces_are_everybodys(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 5; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  for (uint64_t i = 2; i < 4; i++)
    fake_span_add(fake_find(&s->fake, i), "retry", NOON_NS + MINUTE_NS)->only_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: 2 ");
  assert_int_equal(rule->inconclusive, 2);
  assert_contradicted(s, 1, 3, false);
}

/* So does one, where too few others agree and the rest was not compared. */
static void one_of_a_few_compared_is_everybodys(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 40; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_trace *trace = fake_find(&s->fake, 3);
  fake_span_add(trace, "retry", NOON_NS + MINUTE_NS)->only_by_id = true;
  trace->spans[0].orphan = true; /* so that it is compared */
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.sample_size = 8;
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: 1 ");
  s->run.request.sample_size = 9;
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_contradicted(s, 0, 3, false);
}

/* Copies of a span that do not agree explain it, and say nothing of others, however many differ. */
static void copies_explain_differences(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 5; i++) {
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
    if (i < 2) continue;
    fake_trace *trace = fake_find(&s->fake, 1 + i);
    fake_span *copy = fake_span_add(trace, "slow", NOON_NS + (int64_t)i * SECOND_NS + 1);
    memcpy(copy->id, trace->spans[0].id, 8);
    fake_span_add(trace, "retry", NOON_NS + MINUTE_NS)->only_by_id = true;
  }
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 2);
  assert_int_equal(rule->inconclusive, 3);
  for (size_t i = 0; i < 3; i++) assert_contradicted(s, i, 3 + i, true);
}

/* As Tempo gives of two blocks one record of a span, by id and in each answer, and not always the same. */
static void what_no_read_by_id_has_of_copies_is_inconclusive(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 3; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  for (uint64_t i = 1; i < 3; i++) {
    fake_trace *trace = fake_find(&s->fake, 1 + i);
    fake_span *copy = fake_span_add(trace, "slow", NOON_NS + (int64_t)i * SECOND_NS + 1);
    memcpy(copy->id, trace->spans[0].id, 8);
    copy->by_id_from = i == 1 ? UINT_MAX : 0;
    trace->needs_by_id = true;
  }
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 2); /* whichever copy is right */
  assert_int_equal(rule->inconclusive, 1);
  assert_contradicted(s, 0, 2, true);
  assert_int_equal(s->run.result.coverage.contradicted_count, 1);
}

/* ---- what a search showed is looked for in what is read ---- */

/* Rules that the trace decides by its `retry`, which a search shows. */
static const bt_rule_result *go_without_retry(scene *s, const char *dsl, bool not_in_batches, unsigned by_id_from) {
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  scene_add(s, 2, NOON_NS + 2 * MINUTE_NS, "slow", "retry");
  fake_span *retry = &fake_find(&s->fake, 2)->spans[1];
  retry->not_in_batches = not_in_batches;
  retry->by_id_from = by_id_from;
  replay_run_add(&s->run, "rule", dsl);
  return scene_go(s);
}

#define NEVER_RETRY "when { trace.has(span.name == \"retry\") } never { trace.has(span.name == \"slow\") }"

static void a_batch_that_lacks_what_a_search_showed_is_counted(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_without_retry(s, NEVER_RETRY, true, 0);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 1);
  assert_int_equal(rule->inconclusive, 0);
  assert_true(replay_seen(&s->run, 0, 2)->confirmed_by_id);
  assert_int_equal(s->run.result.coverage.batches_lacking, 1);
  assert_int_equal(s->run.result.coverage.contradicted_count, 0);
}

/* A store that hands a block over may lack it for a moment. */
static void a_read_by_id_that_lacks_it_is_repeated(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_without_retry(s, NEVER_RETRY, true, 2);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 1);
  assert_int_equal(rule->inconclusive, 0);
  assert_int_equal(fake_find(&s->fake, 2)->by_id_reads, 2);
}

static void what_no_read_has_is_inconclusive(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_without_retry(s, NEVER_RETRY, true, UINT_MAX);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 0);
  assert_int_equal(rule->inconclusive, 1);
  assert_contradicted(s, 0, 2, false);
}

/* The batch showed the violation, and what a search showed of it is not there by id. */
static void a_read_by_id_that_lacks_it_takes_nothing_back(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_without_retry(s, NEVER_RETRY, false, UINT_MAX);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 0);
  assert_int_equal(rule->inconclusive, 1);
  assert_contradicted(s, 0, 2, false);
}

/* No further span takes it back. */
static void a_violation_that_is_there_all_the_same_is_told(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_without_retry(
      s, "when { trace.has(span.name == \"slow\") } never { trace.has(span.name == \"slow\") }", true, UINT_MAX);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 2);
  s->run.request.count = BT_COUNT_EXACT; /* the listing shows one span of each */
  rule = scene_go(s);
  assert_int_equal(rule->violations_found, 2);
}

/* A batch says that `slow` has no owner. By id something of it was dropped, which may have been the owner. */
static void what_was_dropped_is_shown_by_id_alone(void **state) {
  scene *s = *state;
  for (uint64_t i = 1; i <= 40; i++) scene_add(s, i, NOON_NS + (int64_t)i * MINUTE_NS, "slow", NULL);
  for (uint64_t i = 1; i <= 40; i++) fake_find(&s->fake, i)->spans[0].dropped = 3;
  replay_run_add(&s->run, "rule", "when { slow } never { slow.where(not exists(owner)) }");
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "dropped: ");
  assert_true(rule->inconclusive > 0);
  assert_true(s->run.result.dropped > 0);
  assert_false(s->run.result.coverage.complete);
}

static void what_a_resource_lost_is_shown_by_id_alone(void **state) {
  scene *s = *state;
  for (uint64_t i = 1; i <= 40; i++) scene_add(s, i, NOON_NS + (int64_t)i * MINUTE_NS, "slow", NULL);
  for (uint64_t i = 1; i <= 40; i++) fake_find(&s->fake, i)->spans[0].resource_lost = 1;
  replay_run_add(&s->run, "rule", "when { slow } never { slow.where(not exists(resource.owner)) }");
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "dropped: ");
  assert_true(rule->inconclusive > 0);
  assert_true(s->run.result.dropped > 0);
}

/* All of them are read by id, and each says of itself what is known of it. */
static void what_was_dropped_is_known_where_all_is_read_by_id(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  scene_add(s, 2, NOON_NS + 2 * MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 1)->spans[0].dropped = 3;
  s->run.request.count = BT_COUNT_EXACT;
  replay_run_add(&s->run, "rule", "when { slow } never { slow.where(not exists(owner)) }");
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->inconclusive, 1);
  assert_int_equal(rule->violations_found, 1);
}

/* What was dropped is not what the rule asks for. */
static void what_was_dropped_and_not_asked_for_is_nothing(void **state) {
  scene *s = *state;
  for (uint64_t i = 1; i <= 40; i++) scene_add(s, i, NOON_NS + (int64_t)i * MINUTE_NS, "slow", NULL);
  for (uint64_t i = 1; i <= 40; i++) fake_find(&s->fake, i)->spans[0].dropped = 3;
  replay_run_add(&s->run, "rule", "when { slow } always { retry }");
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 40);
}

static void other_times_than_a_search_showed_are_a_contradiction(void **state) {
  scene *s = *state;
  scene_add(s, 2, NOON_NS + 2 * MINUTE_NS, "slow", "retry");
  fake_find(&s->fake, 2)->spans[1].shown_start_ns = NOON_NS + 7 * MINUTE_NS;
  replay_run_add(&s->run, "rule", "when { retry as r } always { slow after r }");
  const bt_rule_result *rule = scene_go(s);
  assert_int_equal(rule->inconclusive, 1); /* it violates, if these times are right */
  assert_int_equal(rule->violations_found, 0);
  assert_contradicted(s, 0, 2, false);
}

/* A trace that a search saw begin in the range, without a span to look for, and whose reads begin elsewhere. */
static const bt_rule_result *go_moved_out(scene *s, int64_t batch_ns, int64_t by_id_ns) {
  scene_add(s, 1, NOON_NS + MINUTE_NS, "slow", NULL);
  scene_add(s, 2, NOON_NS + 2 * MINUTE_NS, "slow", NULL);
  fake_trace *trace = fake_find(&s->fake, 2);
  trace->shows_no_spans = true;
  trace->spans[0].read_start_ns = batch_ns;
  trace->spans[0].by_id_start_ns = by_id_ns;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  return scene_go(s);
}

static void a_batch_that_moves_a_trace_out_of_the_range_is_read_by_id(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_moved_out(s, 1, 0);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 2);
  assert_int_equal(s->run.result.coverage.contradicted_count, 0);
}

static void a_read_that_moves_a_trace_out_of_the_range_contradicts_the_search(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_moved_out(s, 1, 1);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 1);
  assert_int_equal(rule->inconclusive, 1);
  assert_int_equal(s->run.result.coverage.outside, 0);
  assert_contradicted(s, 0, 2, false);
}

/* The sample reads by id what its batch showed to violate. */
static void so_does_the_sample(void **state) {
  scene *s = *state;
  const bt_rule_result *rule = go_moved_out(s, 0, 1);
  assert_int_equal(rule->violations_found, 1);
  assert_int_equal(rule->inconclusive, 1);
  assert_contradicted(s, 0, 2, false);
}

/* A rule that batches cannot judge has nothing to read here. The sample of the other rule's violations is read by id
 * all the same, and what that says of it counts once. */
static void what_the_sample_says_of_another_rule_counts_once(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  replay_run_add(&s->run, "events",
                 "when { trace.has(span.name == \"slow\") } "
                 "never { trace.has(span.name == \"other\" and event.name == \"e\") }");
  const bt_rule_result *rules = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rules[0].violations_found, 20);
  assert_int_equal(rules[1].traces_evaluated, 20);
  assert_int_equal(rules[1].traces_exercised, 20);
  assert_true(rules[1].evaluated_is_exact && rules[1].exercised_is_exact);
}

/* Its retry lies hours before what batches read, and only the missing parent hints at that: the sample takes such a
 * trace first. */
static void traces_with_missing_parents_are_sampled_first(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 200; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_trace *trace = fake_add(&s->fake, 999);
  fake_span_add(trace, "retry", NOON_NS - 5 * HOUR_NS)->fragment = 1;
  fake_span_add(trace, "slow", NOON_NS + 30 * MINUTE_NS)->orphan = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  for (s->run.request.sample_seed = 1; s->run.request.sample_seed < 6; s->run.request.sample_seed++) {
    scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, ""); /* fourteen others agree */
    assert_contradicted(s, 0, 999, false);
    assert_int_equal(s->run.result.rules[0].inconclusive, 1);
    assert_false(replay_saw(&s->run, 0, 999));
    assert_int_equal(s->run.seen_count, 200);
  }
}

/* Also one at the edge of the range, of which only the whole trace says where it belongs. */
static void missing_parents_at_the_edge_are_sampled_too(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 200; i++)
    scene_add(s, 1 + i, NOON_NS + 20 * MINUTE_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  fake_trace *trace = fake_add(&s->fake, 999);
  fake_span_add(trace, "retry", NOON_NS - 5 * HOUR_NS)->fragment = 1;
  fake_span_add(trace, "slow", NOON_NS + MINUTE_NS)->orphan = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_contradicted(s, 0, 999, false);
  assert_int_equal(s->run.result.rules[0].inconclusive, 1);
  assert_false(replay_saw(&s->run, 0, 999));
  assert_int_equal(s->run.seen_count, 200);
  size_t by_id = 0;
  for (size_t i = 0; i < s->run.seen_count; i++) by_id += s->run.seen[i].confirmed_by_id;
  assert_int_equal(by_id, 14); /* of the 15 that are the root of 201 */
}

/* Candidates of which some are left when what has a retry was subtracted: eight of these are read by id whatever
 * the batch says of them. */
enum { LEFT = 20, SUBTRACTED = 300 };
#define SLOW_TWICE "trace.count(span.name == \"slow\") > 1 and not trace.has(span.name == \"retry\")"

static void add_candidates(scene *s, const char *dsl) {
  for (uint64_t i = 0; i < LEFT; i++)
    scene_add(s, 1 + i, NOON_NS + 40 * MINUTE_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  for (uint64_t i = 0; i < SUBTRACTED; i++)
    scene_add(s, 1000 + i, NOON_NS + 20 * MINUTE_NS + (int64_t)i * SECOND_NS, "slow", "retry");
  replay_run_add(&s->run, "slow", dsl);
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.strategy = BT_STRATEGY_ID_SETS;
}

/* A span of each of those that are left which only a read by id shows. */
static void hide_from_batches(scene *s, const char *name) {
  for (uint64_t i = 0; i < LEFT; i++)
    fake_span_add(fake_find(&s->fake, 1 + i), name, NOON_NS + 41 * MINUTE_NS)->only_by_id = true;
}

static void assert_found(const scene *s, size_t violations, size_t confirmed) {
  size_t by_id = 0;
  for (size_t i = 0; i < s->run.seen_count; i++) by_id += s->run.seen[i].confirmed_by_id;
  assert_int_equal(s->run.seen_count, violations);
  assert_int_equal(s->run.result.rules[0].violations_found, violations);
  assert_int_equal(by_id, confirmed);
}

static void assert_by_id_reads(const scene *s, size_t expected) {
  size_t reads = 0;
  for (size_t i = 0; i < s->fake.trace_count; i++) reads += s->fake.traces[i].by_id_reads;
  assert_int_equal(reads, expected);
}

static void those_that_are_chosen_are_a_part_of_the_sample(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  s->run.request.strategy = BT_STRATEGY_AUTO;
  assert_int_equal(scene_go(s)->strategy, BT_STRATEGY_ID_SETS);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, LEFT, 8);
  assert_by_id_reads(s, 8);
  assert_int_equal(s->fake.read_calls, 2); /* the batch, then the sample with those eight */
}

/* Asked for once, beside the first batch, and taken by whoever reads them by id: the sample, or what no batch gives. */
static void the_chosen_are_asked_for_beside_the_batch(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  for (int last = 0; last < 3; last++) {
    s->fake.begun_reads = s->fake.taken_reads = 0;
    s->fake.largest_read = last == 1 ? 9 : 0; /* smaller pages */
    for (uint64_t i = 0; i < LEFT; i++) fake_find(&s->fake, 1 + i)->needs_by_id = last == 2;
    (void)scene_go(s);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_found(s, LEFT, last == 2 ? LEFT : 8);
    assert_int_equal(s->fake.begun_reads, 8);
    assert_int_equal(s->fake.taken_reads, 8);
  }
}

/* Nobody takes them then, and what is lost is said as ever. */
static void what_was_asked_for_beside_a_batch_that_fails_is_let_go(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  s->fake.fail_batches = BT_UNAVAILABLE;
  (void)scene_go(s);
  assert_int_equal(s->run.result.outcome, BT_REPLAY_INCOMPLETE);
  assert_int_equal(s->fake.begun_reads, 8);
  assert_int_equal(s->fake.taken_reads, 0);
  assert_int_equal(s->run.seen_count, 0);
}

/* So are some of those that the spans which a rule speaks of did not decide: they violate as a rule. */
static void some_of_what_a_projection_leaves_are_chosen_too(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < LEFT + SUBTRACTED; i++) {
    int64_t at_ns = NOON_NS + 20 * MINUTE_NS + (int64_t)i * SECOND_NS;
    scene_add(s, 1 + i, at_ns, "slow", "retry");
    fake_find(&s->fake, 1 + i)->spans[1].start_ns = i < LEFT ? at_ns - SECOND_NS : at_ns + SECOND_NS;
  }
  replay_run_add(&s->run, "order", "when { slow as x } always { retry after x }");
  s->run.request.count = BT_COUNT_AT_LEAST;
  s->run.request.strategy = BT_STRATEGY_PROJECTION;
  for (int first = 1; first >= 0; first--) {
    if (!first) s->fake.operations.find_spans = NULL;
    s->fake.read_calls = 0;
    for (size_t i = 0; i < s->fake.trace_count; i++) s->fake.traces[i].by_id_reads = 0;
    assert_int_equal(scene_go(s)->strategy, BT_STRATEGY_PROJECTION);
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_found(s, LEFT, 8);
    assert_by_id_reads(s, 8);
    assert_int_equal(s->fake.read_calls, first ? 2 : 3); /* without spans first, the projection is a read too */
  }
}

static void a_difference_from_the_batch_is_incomplete(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  hide_from_batches(s, "retry");
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: 8 ");
  assert_int_equal(rule->sample_differences, 8);
  assert_found(s, LEFT - 8, 0);
}

/* Seen because candidates are read by id, and not only what violates in a batch. */
static void a_violation_that_no_batch_shows_is_found_by_id(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_TWICE);
  hide_from_batches(s, "slow");
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "sample_differs: 8 ");
  assert_int_equal(rule->sample_differences, 8);
  assert_found(s, 8, 8);
}

static void gone_by_id(scene *s) {
  for (uint64_t i = 0; i < LEFT; i++) fake_find(&s->fake, 1 + i)->gone_by_id = true;
}

static void a_violation_that_is_gone_by_id_stays_and_is_named(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  gone_by_id(s);
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "windows_failed: 8 ");
  assert_found(s, LEFT, 0);
}

/* So it is while a Tempo hands a block over. Each round asks for every sample that was not there once more. */
static void what_is_not_there_by_id_for_a_moment_is_looked_for_again(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  for (uint64_t i = 0; i < LEFT; i += 2) fake_find(&s->fake, 1 + i)->by_id_from = 2;
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, LEFT, 8);
  size_t asked_again = 0;
  for (uint64_t i = 0; i < LEFT; i++) {
    const fake_trace *trace = fake_find(&s->fake, 1 + i);
    if (trace->by_id_reads) assert_int_equal(trace->by_id_reads, i % 2 ? 1 : 2);
    asked_again += trace->by_id_reads == 2;
  }
  assert_in_range(asked_again, 1, 8);
}

static void no_violation_that_is_gone_by_id_is_no_failure(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_TWICE);
  gone_by_id(s);
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, 0, 0);
  assert_by_id_reads(s, 16); /* twice each */
}

/* Young ones that rest on absence have to be read by id anyway: those that were are not read once more. */
static void young_ones_are_read_by_id_once(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  s->run.request.now_ns = NOON_NS + HOUR_NS + 10 * MINUTE_NS;
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, LEFT, LEFT);
  for (uint64_t i = 0; i < LEFT; i++) assert_int_equal(fake_find(&s->fake, 1 + i)->by_id_reads, 1);
}

/* A page that is too large is read in smaller ones; what was chosen for it is sampled with the others. */
static void a_page_that_is_too_large_loses_nothing(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  s->fake.largest_read = 9;
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, LEFT, 8);
  assert_by_id_reads(s, 8);
}

/* They count among the violations of which the sample is the root. */
static void the_sample_counts_those_that_were_chosen(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  for (uint64_t i = LEFT; i < 101; i++) scene_add(s, 1 + i, NOON_NS + 42 * MINUTE_NS, "slow", NULL);
  (void)scene_go(s);
  assert_found(s, 101, 11);
}

/* Those that are left beside the chosen ones are not read by id. */
static void they_are_among_the_eight(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  for (uint64_t i = LEFT; i < 2 * LEFT; i++) scene_add(s, 1 + i, NOON_NS + MINUTE_NS, "slow", NULL);
  s->run.request.count = BT_COUNT_EXACT;
  (void)scene_go(s);
  assert_found(s, 2 * LEFT, 8);
  assert_by_id_reads(s, 8);
}

/* A batch that loses the violations of most: what was chosen beside them is no part of the eight. */
static void the_chosen_take_no_place_from_violations(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_TWICE);
  for (uint64_t i = 0; i < LEFT; i++)
    if (i % 2) fake_span_add(fake_find(&s->fake, 1 + i), "slow", NOON_NS + 41 * MINUTE_NS);
  (void)scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_found(s, LEFT / 2, 8);
  size_t others = 0;
  for (uint64_t i = 0; i < LEFT; i += 2) others += fake_find(&s->fake, 1 + i)->by_id_reads;
  assert_in_range(others, 1, 7);
  assert_by_id_reads(s, 8 + others);
}

/* Who asks for a certain number of reads by id gets that, and who asks for none has none. */
static void a_fixed_sample_has_no_chosen_ones(void **state) {
  scene *s = *state;
  add_candidates(s, SLOW_NO_RETRY);
  s->run.request.sample_size = 2;
  (void)scene_go(s);
  assert_found(s, LEFT, 2);
  assert_by_id_reads(s, 2);
}

/* The search has lost a trace that the listing still has. */
static void a_violation_that_the_searches_ruled_out_is_said(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 20; i++)
    scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", i % 2 ? "retry" : NULL);
  scene_add(s, 99, NOON_NS + MINUTE_NS, "slow", NULL);
  fake_find(&s->fake, 99)->spans[0].hidden_from = "\"slow\"";
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_INCOMPLETE, "search_differs: 1 ");
  assert_int_equal(rule->unread_differences, 1);
  assert_int_equal(rule->violations_found, 11);
  assert_true(replay_saw(&s->run, 0, 99));
  fake_find(&s->fake, 99)->spans[0].name = "web";
  rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->unread_differences, 0);
  assert_int_equal(rule->unread_sampled, 1);
}

/* A batch shows one of two copies. Where the searches had ruled the trace out, it is read by id before it is told,
 * however many other violations there are. */
static void what_the_searches_ruled_out_is_read_by_id(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 40; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", NULL);
  for (uint64_t number = 90; number < 100; number++) {
    scene_add(s, number, NOON_NS + MINUTE_NS, "slow", NULL);
    fake_trace *trace = fake_find(&s->fake, number);
    trace->spans[0].hidden_from = "\"slow\"";
    fake_span *copy = fake_span_add(trace, "web", NOON_NS + MINUTE_NS);
    copy->only_by_id = true;
    memcpy(copy->id, trace->spans[0].id, 8);
  }
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->violations_found, 40);
  assert_int_equal(rule->inconclusive, 10);
  for (uint64_t number = 90; number < 100; number++) assert_int_equal(fake_find(&s->fake, number)->by_id_reads, 1);
  for (size_t i = 0; i < 10; i++) assert_contradicted(s, i, 90 + i, true);
}

/* Of very many at most fifty, the same ones each time, half of them candidates that were subtracted. */
static void the_sample_of_unread_traces_is_small_and_seeded(void **state) {
  scene *s = *state;
  for (uint64_t i = 0; i < 600; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "slow", "retry");
  for (uint64_t i = 600; i < 1200; i++) scene_add(s, 1 + i, NOON_NS + (int64_t)i * SECOND_NS, "web", NULL);
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  s->run.request.strategy = BT_STRATEGY_ID_SETS;
  for (unsigned round = 1; round <= 2; round++) {
    const bt_rule_result *rule = scene_go(s);
    size_t found = 0, others = 0;
    scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
    assert_int_equal(rule->unread_sampled, 50);
    assert_int_equal(rule->traces_read, 0);
    for (uint64_t i = 0; i < 1200; i++)
      if (fake_find(&s->fake, 1 + i)->batch_reads == round) *(i < 600 ? &found : &others) += 1;
    assert_int_equal(found, 25);
    assert_int_equal(others, 25);
  }
}

/* One that expires before it is read is a failure where it was needed, and none where it was only to be compared. */
static void a_sampled_trace_that_is_gone_is_no_failure(void **state) {
  scene *s = *state;
  scene_add(s, 1, NOON_NS + MINUTE_NS, "web", NULL);
  fake_find(&s->fake, 1)->gone_from_batches = fake_find(&s->fake, 1)->gone_by_id = true;
  replay_run_add(&s->run, "slow", SLOW_NO_RETRY);
  const bt_rule_result *rule = scene_go(s);
  scene_assert_reason(s, BT_REPLAY_COMPLETED, "");
  assert_int_equal(rule->unread_sampled, 0);
  assert_int_equal(rule->traces_evaluated, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      SCENE(absence_of_young_traces_is_confirmed_by_id),
      SCENE(a_sample_of_older_ones_is_read_by_id),
      SCENE(the_same_seed_takes_the_same_sample),
      SCENE(a_difference_of_one_trace_is_that_traces),
      SCENE(differences_of_two_traces_are_everybodys),
      SCENE(one_of_a_few_compared_is_everybodys),
      SCENE(copies_explain_differences),
      SCENE(what_no_read_by_id_has_of_copies_is_inconclusive),
      SCENE(what_was_dropped_is_shown_by_id_alone),
      SCENE(what_a_resource_lost_is_shown_by_id_alone),
      SCENE(what_was_dropped_is_known_where_all_is_read_by_id),
      SCENE(what_was_dropped_and_not_asked_for_is_nothing),
      SCENE(a_batch_that_lacks_what_a_search_showed_is_counted),
      SCENE(a_read_by_id_that_lacks_it_is_repeated),
      SCENE(what_no_read_has_is_inconclusive),
      SCENE(a_read_by_id_that_lacks_it_takes_nothing_back),
      SCENE(a_violation_that_is_there_all_the_same_is_told),
      SCENE(other_times_than_a_search_showed_are_a_contradiction),
      SCENE(a_batch_that_moves_a_trace_out_of_the_range_is_read_by_id),
      SCENE(a_read_that_moves_a_trace_out_of_the_range_contradicts_the_search),
      SCENE(so_does_the_sample),
      SCENE(what_the_sample_says_of_another_rule_counts_once),
      SCENE(traces_with_missing_parents_are_sampled_first),
      SCENE(missing_parents_at_the_edge_are_sampled_too),
      SCENE(those_that_are_chosen_are_a_part_of_the_sample),
      SCENE(the_chosen_are_asked_for_beside_the_batch),
      SCENE(what_was_asked_for_beside_a_batch_that_fails_is_let_go),
      SCENE(some_of_what_a_projection_leaves_are_chosen_too),
      SCENE(a_difference_from_the_batch_is_incomplete),
      SCENE(a_violation_that_no_batch_shows_is_found_by_id),
      SCENE(a_violation_that_is_gone_by_id_stays_and_is_named),
      SCENE(what_is_not_there_by_id_for_a_moment_is_looked_for_again),
      SCENE(no_violation_that_is_gone_by_id_is_no_failure),
      SCENE(young_ones_are_read_by_id_once),
      SCENE(a_page_that_is_too_large_loses_nothing),
      SCENE(the_sample_counts_those_that_were_chosen),
      SCENE(they_are_among_the_eight),
      SCENE(the_chosen_take_no_place_from_violations),
      SCENE(a_fixed_sample_has_no_chosen_ones),
      SCENE(a_violation_that_the_searches_ruled_out_is_said),
      SCENE(what_the_searches_ruled_out_is_read_by_id),
      SCENE(the_sample_of_unread_traces_is_small_and_seeded),
      SCENE(a_sampled_trace_that_is_gone_is_no_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
