/* What goes along with violating. The test agrees with a count of all tables, and the correction with its definition.
 * Planted causes come first, and nothing is named where nothing separates (over many random populations no more often
 * than the level says). Hostile names, and every allocation failing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/query/contrast.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"

/* ---- runs ---- */

enum { TRACES_MAX = 1000 };

typedef struct population {
  fake_source fake;
  const bt_rule_definition *rule;
  size_t count;
  char texts[TRACES_MAX][24];
} population;

static population *population_new(const char *dsl) {
  population *p = calloc(1, sizeof *p);
  fake_source_init(&p->fake);
  p->rule = rule_of("r", dsl);
  return p;
}

static void population_free(population *p) {
  bt_rule_definition_unref((bt_rule_definition *)p->rule);
  fake_source_dispose(&p->fake);
  free(p);
}

static const bt_tally_key *key_of(const bt_tally *tally, const char *name) {
  for (size_t i = 0; i < tally->key_count; i++)
    if (bt_str_equal(tally->keys[i].key, bt_str_from(name))) return &tally->keys[i];
  return NULL;
}

static void mark(fake_span *span, const char *key, const char *value) {
  span->attributes[span->attribute_count++] =
      (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(value)}};
}

static void mark_number(fake_span *span, const char *key, int64_t number) {
  span->attributes[span->attribute_count++] =
      (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = number}};
}

/* payment with a check, or without one. */
static fake_span *add_payment(population *p, bool violates) {
  fake_trace *trace = fake_add(&p->fake, 1000 + p->count);
  fake_span *span = fake_span_add(trace, "payment", NOON_NS + (int64_t)p->count * SECOND_NS);
  snprintf(p->texts[p->count], sizeof *p->texts, "order-%zu", p->count);
  mark(span, "order.id", p->texts[p->count]);
  if (!violates) mark(fake_span_add(trace, "check", span->start_ns + 1), "check.kind", "full");
  span = &trace->spans[0];
  p->count++;
  return span;
}

static const char PAYMENT_IS_CHECKED[] = "when { payment } always { check }";

static bt_contrast_request request_of(const population *p, uint64_t seed, uint32_t sample) {
  return (bt_contrast_request){.replay = {.rules = &p->rule,
                                          .rule_count = 1,
                                          .range = {NOON_NS, NOON_NS + HOUR_NS},
                                          .now_ns = LATER_NS,
                                          .assumptions = bt_assumptions_default(),
                                          .sample_seed = seed},
                               .sample = sample};
}

static bt_contrast_result run(population *p, uint64_t seed, uint32_t sample) {
  bt_contrast_result result;
  bt_error error = {0};
  bt_contrast_request request = request_of(p, seed, sample);
  if (bt_contrast_run(&p->fake.source, &request, NULL, &result, &error) != BT_OK) fail_msg("%s", error.message);
  return result;
}

static void a_planted_cause_is_found_first(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  test_random random = test_random_start(5);
  for (int i = 0; i < 300; i++) {
    bool violates = i % 5 == 0;
    fake_span *span = add_payment(p, violates);
    mark(span, "version", violates && i % 50 ? "2.4.1" : "2.4.0"); /* 54 of 60 */
    mark(span, "region", test_random_below(&random, 2) ? "eu" : "us");
  }
  bt_contrast_result result = run(p, 1, 50);
  assert_int_equal(result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(result.conclusion, BT_CONTRAST_SEPARATES);
  assert_int_equal(result.sides[BT_VIOLATING].total, 60);
  assert_int_equal(result.sides[BT_SATISFYING].total, 240);
  assert_true(result.sides[BT_VIOLATING].total_is_exact && result.sides[BT_SATISFYING].total_is_exact);
  assert_int_equal(result.sides[BT_VIOLATING].sampled, 50);
  assert_int_equal(result.sides[BT_SATISFYING].sampled, 50);
  assert_int_equal(result.finding_count, 2); /* that version, and the other one less often */
  const bt_contrast_finding *first = &result.findings[0];
  assert_true(bt_str_equal(first->key, BT_STR("version")));
  assert_true(first->probability < 1e-10 && first->corrected <= BT_CONTRAST_LEVEL);
  assert_int_equal(first->counts[0] + result.findings[1].counts[0], 50);
  assert_true(result.findings[0].odds.low > 1 || result.findings[0].odds.high < 1);
  /* The rule speaks of both spans; the one that decides takes its attributes with it; ids are left out. */
  assert_true(result.spans_left_out == 50);
  bool says_ids = false, says_compared = false;
  for (size_t i = 0; i < result.excluded_count; i++) {
    says_ids |=
        bt_str_equal(result.excluded[i].name, BT_STR("order.id")) && result.excluded[i].reason == BT_EXCLUDED_IDS;
    says_compared |=
        bt_str_equal(result.excluded[i].name, BT_STR("payment")) && result.excluded[i].reason == BT_EXCLUDED_COMPARED;
    assert_false(bt_str_equal(result.excluded[i].name, BT_STR("check.kind")));
  }
  assert_true(says_ids && says_compared);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

static void what_the_rule_compares_is_left_out(void **state) {
  (void)state;
  population *p = population_new("trace.has(span.version == \"2.4.1\") and not trace.has(check)");
  p->fake.promises.filters = false; /* it knows filters on names only */
  for (int i = 0; i < 100; i++) mark(add_payment(p, i % 2), "version", "2.4.1");
  bt_contrast_result result = run(p, 1, 50);
  assert_int_equal(result.conclusion, BT_CONTRAST_NOTHING);
  assert_int_equal(result.sides[BT_VIOLATING].sampled, 50);
  assert_int_equal(result.findings_total, 0);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

static void the_same_seed_is_the_same_sample(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  test_random random = test_random_start(6);
  for (int i = 0; i < 300; i++) {
    fake_span *span = add_payment(p, i % 2);
    mark(span, "a", test_random_below(&random, 3) < (i % 2 ? 2u : 1u) ? "x" : "y");
  }
  bt_contrast_result one = run(p, 3, 40), again = run(p, 3, 40), other = run(p, 4, 40);
  assert_int_equal(one.finding_count, again.finding_count);
  for (size_t i = 0; i < one.finding_count; i++)
    assert_memory_equal(one.findings[i].counts, again.findings[i].counts, sizeof one.findings[i].counts);
  const bt_tally_key *a = key_of(&one.tally, "a"), *b = key_of(&other.tally, "a");
  bool is_same = true;
  for (size_t i = 0; i < 2; i++)
    for (size_t j = 0; j < 2; j++)
      if (bt_str_equal(a->values[i].text, b->values[j].text))
        is_same = is_same && !memcmp(a->values[i].counts, b->values[j].counts, sizeof a->values[i].counts);
  assert_false(is_same);
  bt_contrast_result_dispose(&one);
  bt_contrast_result_dispose(&again);
  bt_contrast_result_dispose(&other);
  population_free(p);
}

/* A rule without `when` is about every trace: those that break it are compared with the others that begin alike. */
static void a_rule_about_every_trace_is_compared_with_its_like(void **state) {
  (void)state;
  static const char *const rules[] = {"trace.has(check)", "never { check }", "count(check) >= 1"};
  for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
    population *p = population_new(rules[r]);
    for (int i = 0; i < 100; i++) mark(add_payment(p, i % 2), "version", i % 2 ? "old" : "new");
    for (int i = 0; i < 100; i++) {
      fake_trace *other = fake_add(&p->fake, 5000 + (uint64_t)i);
      mark(fake_span_add(other, "cron", NOON_NS + (int64_t)i * SECOND_NS), "job", "nightly");
    }
    bt_contrast_result result = run(p, 1, 50);
    assert_int_equal(result.conclusion, BT_CONTRAST_SEPARATES);
    assert_int_equal(result.sides[BT_VIOLATING].sampled, 50);
    assert_in_range(result.sides[BT_SATISFYING].sampled, 40, 50); /* of 150 that satisfy it, 50 begin with payment */
    assert_true(result.begun_otherwise > 0);
    assert_null(key_of(&result.tally, "job"));
    assert_true(bt_str_equal(result.findings[0].key, BT_STR("version")));
    bt_contrast_result_dispose(&result);
    population_free(p);
  }
}

/* "Nothing to compare" only where there is nothing. */
static void nothing_to_compare_is_said_where_it_is_so(void **state) {
  (void)state;
  population *p = population_new("trace.has(check)");
  for (int i = 0; i < 10; i++) add_payment(p, false);
  bt_contrast_result result = run(p, 1, 50);
  assert_non_null(strstr(result.explanation, "nothing to compare"));
  bt_contrast_result_dispose(&result);
  fake_trace *other = fake_add(&p->fake, 5000);
  fake_span_add(other, "cron", NOON_NS + SECOND_NS);
  result = run(p, 1, 50);
  assert_null(strstr(result.explanation, "nothing to compare"));
  assert_non_null(strstr(result.explanation, "none of the 1 other traces that were read begins with the same span"));
  bt_contrast_result_dispose(&result);
  population_free(p);
  p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 10; i++) add_payment(p, true);
  p->fake.fail_filter = "payment";
  p->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + HOUR_NS};
  result = run(p, 1, 50);
  assert_null(strstr(result.explanation, "nothing to compare"));
  if (!strstr(result.explanation, "not all traces of the range are known")) fail_msg("%s", result.explanation);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

static const char SLOW_IS_CHECKED[] = "when { payment and slow } always { check }";

/* Every slow payment lacks a check; there are others that are not slow, and traces that begin with something else. */
static population *add_slow_payments(int slow, int others, int crons) {
  population *p = population_new(SLOW_IS_CHECKED);
  for (int i = 0; i < slow + others; i++) {
    fake_span *span = add_payment(p, true);
    mark(span, "version", i < slow ? "new" : "old");
    if (i < slow) fake_span_add(&p->fake.traces[p->fake.trace_count - 1], "slow", span->start_ns + 1);
  }
  for (int i = 0; i < crons; i++) {
    fake_trace *cron = fake_add(&p->fake, 5000 + (uint64_t)i);
    mark(fake_span_add(cron, "cron", NOON_NS + (int64_t)i * SECOND_NS), "job", "nightly");
  }
  return p;
}

/* Nothing satisfies the rule: the others are those that begin alike, and need not exercise it. What is on the span that
 * both sides begin with counts, though the rule speaks of it. */
static void what_nothing_satisfies_is_compared_with_its_like(void **state) {
  (void)state;
  population *p = add_slow_payments(30, 100, 60);
  bt_contrast_result result = run(p, 1, 50);
  assert_int_equal(result.compared_with, BT_OTHERS_SAME_ENTRY);
  assert_int_equal(result.conclusion, BT_CONTRAST_SEPARATES);
  assert_int_equal(result.sides[BT_VIOLATING].sampled, 30);
  assert_int_equal(result.sides[BT_SATISFYING].sampled, 50);
  assert_false(result.sides[BT_SATISFYING].total_is_exact);
  assert_int_equal(result.findings_total, 2);
  assert_true(bt_str_equal(result.findings[0].key, BT_STR("version")));
  assert_int_equal(result.findings[0].counts[0] + result.findings[1].counts[1], 80);
  assert_null(key_of(&result.tally, "job"));
  assert_int_equal(result.spans_left_out, 30); /* slow, which decides who is on which side */
  assert_non_null(strstr(result.explanation, "other traces that begin with the same span"));
  bt_contrast_result_dispose(&result);
  population_free(p);
  p = add_slow_payments(30, 40, 0);
  result = run(p, 1, 50);
  assert_int_equal(result.sides[BT_SATISFYING].total, 40);
  assert_true(result.sides[BT_SATISFYING].total_is_exact);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* Where something satisfies the rule, that is the other side, however many others begin alike. */
static void what_something_satisfies_is_compared_with_that(void **state) {
  (void)state;
  population *p = add_slow_payments(30, 100, 0);
  for (int i = 0; i < 20; i++) {
    mark(add_payment(p, false), "version", "kept");
    fake_span_add(&p->fake.traces[p->fake.trace_count - 1], "slow", NOON_NS + (int64_t)p->count * SECOND_NS);
  }
  bt_contrast_result result = run(p, 1, 50);
  assert_int_equal(result.compared_with, BT_OTHERS_SATISFYING);
  assert_int_equal(result.sides[BT_SATISFYING].sampled, 20);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* Of a range with more traces than may be listed none is chosen: a source lists which it likes. */
static void of_too_many_no_others_are_chosen(void **state) {
  (void)state;
  enum { STEP = 32 << 10, MOST = 832 << 10 }; /* of which a part is for the list */
  population *p = add_slow_payments(30, 900, 0);
  size_t seen = 0;
  for (size_t limit = STEP; limit < MOST; limit += STEP) {
    bt_memory_account *account = NULL;
    bt_error error = {0};
    assert_int_equal(bt_memory_account_new(limit, &account, &error), BT_OK);
    bt_contrast_request request = request_of(p, 1, 20);
    request.replay.memory = account;
    bt_contrast_result result;
    bt_status status = bt_contrast_run(&p->fake.source, &request, NULL, &result, &error);
    if (!status && result.too_many) {
      seen++;
      assert_in_range(result.too_many, 1, 929);
      assert_int_equal(result.conclusion, BT_CONTRAST_TOO_FEW_TRACES);
      assert_int_equal(result.sides[BT_SATISFYING].wanted, 0);
      assert_non_null(strstr(result.explanation, "too many to choose at random"));
    }
    bt_contrast_result_dispose(&result);
    assert_int_equal(bt_memory_total(account), 0);
    bt_memory_account_free(account);
  }
  assert_true(seen > 0);
  population_free(p);
}

/* What a trace lacks that lost attributes is not known: it may have had the mark. */
static void what_was_lost_is_not_absent(void **state) {
  (void)state;
  for (int lost = 0; lost <= 40; lost += 20) {
    population *p = population_new(PAYMENT_IS_CHECKED);
    for (int i = 0; i < 80; i++) {
      fake_span *span = add_payment(p, i % 2);
      if (i % 2) mark(span, "tenant", "a");
      span->dropped = i % 2 == 0 && i / 2 < lost;
    }
    bt_contrast_result result = run(p, 1, 50);
    assert_int_equal(result.sides[BT_VIOLATING].lost, 0);
    assert_int_equal(result.sides[BT_SATISFYING].lost, lost);
    assert_int_equal(result.findings_total, lost < 40);
    assert_int_equal(result.unsure, lost == 40);
    if (lost == 40) assert_non_null(strstr(result.explanation, "some traces lost attributes"));
    bt_contrast_result_dispose(&result);
    population_free(p);
  }
}

/* Numbers that differ from trace to trace: above which they go along with violating. */
static void how_large_a_number_is_is_a_mark(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 200; i++) mark_number(add_payment(p, i % 4 == 0), "amount", i % 4 ? i : 1000 + i);
  bt_contrast_result result = run(p, 1, 200);
  assert_int_equal(result.conclusion, BT_CONTRAST_SEPARATES);
  const bt_contrast_finding *first = &result.findings[0];
  assert_true(first->is_above && bt_str_equal(first->key, BT_STR("amount")));
  assert_true(bt_str_equal(first->value, BT_STR("1000"))); /* the third quartile of 150 small ones and 50 large ones */
  assert_int_equal(first->counts[0], 49);
  assert_int_equal(first->counts[1], 0);
  for (size_t i = 0; i < result.excluded_count; i++)
    assert_false(bt_str_equal(result.excluded[i].name, BT_STR("amount")));
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* Few traces are said to be few, never that nothing separates them. */
static void too_few_are_too_few(void **state) {
  (void)state;
  for (int violating = 0; violating < 4; violating++) {
    population *p = population_new(PAYMENT_IS_CHECKED);
    for (int i = 0; i < violating; i++) mark(add_payment(p, true), "version", "new");
    for (int i = 0; i < 3; i++) mark(add_payment(p, false), "version", "old");
    bt_contrast_result result = run(p, 1, 50);
    assert_int_equal(result.conclusion, BT_CONTRAST_TOO_FEW_TRACES);
    assert_int_equal(result.findings_total, 0);
    assert_true(result.explanation[0]);
    bt_contrast_result_dispose(&result);
    population_free(p);
  }
}

/* Marks that have nothing to do with the verdict: each run names something with a chance of at most 5 %. The number of
 * wrong runs among 400 is then at most 20 on average; more than 36 would be a chance of 1 in 3,000. */
static void nothing_is_named_where_nothing_separates(void **state) {
  (void)state;
  enum { RUNS = 400, LIKELY_AT_MOST = 36, MARKS = 6 };
  static const char *const keys[MARKS] = {"a", "b", "c", "d", "e", "f"}, *const values[] = {"1", "2", "3", "4", "5"};
  test_random random = test_random_start(7);
  int wrong = 0;
  for (int round = 0; round < RUNS; round++) {
    population *p = population_new(PAYMENT_IS_CHECKED);
    for (int i = 0; i < 60; i++) {
      fake_span *span = add_payment(p, test_random_below(&random, 2));
      for (int m = 0; m < MARKS; m++) mark(span, keys[m], values[test_random_below(&random, 2 + (unsigned)m % 4)]);
      mark_number(span, "n", test_random_below(&random, 1000000));
    }
    bt_contrast_result result = run(p, (uint64_t)round, 100);
    wrong += result.findings_total > 0;
    bt_contrast_result_dispose(&result);
    population_free(p);
  }
  printf("%d of %d runs named something by chance\n", wrong, RUNS);
  assert_true(wrong <= LIKELY_AT_MOST);
}

/* What cannot be read makes the answer incomplete and its sample smaller. */
static void what_cannot_be_read_is_said(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 100; i++) mark(add_payment(p, i % 2), "version", i % 2 ? "new" : "old");
  p->fake.fail_filter = "payment";
  p->fake.fail_range = (bt_time_range){NOON_NS, NOON_NS + MINUTE_NS};
  bt_contrast_result result = run(p, 1, 50);
  assert_int_equal(result.outcome, BT_REPLAY_INCOMPLETE);
  assert_false(result.coverage.complete);
  assert_false(result.sides[BT_VIOLATING].total_is_exact);
  bt_contrast_result_dispose(&result);
  p->fake.fail_filter = NULL;
  bt_cancel cancel = {false};
  atomic_store(&cancel.requested, true);
  bt_contrast_request request = request_of(p, 1, 50);
  request.replay.cancel = &cancel;
  bt_error error = {0};
  assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
  assert_int_equal(result.outcome, BT_REPLAY_CANCELLED);
  assert_int_equal(result.conclusion, BT_CONTRAST_TOO_FEW_TRACES);
  bt_contrast_result_dispose(&result);
  request = request_of(p, 1, BT_SAMPLE_SIDE_MAX + 1);
  assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_INVALID);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* With more and more room: it does not begin, it is of smaller samples and says so, it is the whole answer. A trace
 * counts with all its marks or not at all. */
static void without_room_it_is_said(void **state) {
  (void)state;
  enum { TRACES = 120, MARKS = 6, STEP = 64 << 10 };
  static char texts[TRACES][MARKS][128];
  population *p = population_new(PAYMENT_IS_CHECKED);
  size_t refused = 0, smaller = 0;
  for (int i = 0; i < TRACES; i++) {
    fake_span *span = add_payment(p, i % 2);
    mark(span, "version", i % 2 ? "new" : "old");
    for (int m = 0; m < MARKS; m++) {
      static const char *const keys[MARKS] = {"a", "b", "c", "d", "e", "f"};
      snprintf(texts[i][m], sizeof texts[i][m], "%0100d", i % (m * 20 + 1));
      mark(span, keys[m], texts[i][m]);
    }
  }
  bt_contrast_result whole = run(p, 1, 50), result = {0};
  for (size_t limit = STEP; result.outcome != BT_REPLAY_COMPLETED || !result.duration_ns; limit += STEP) {
    bt_memory_account *account = NULL;
    bt_error error = {0};
    assert_true(limit < (size_t)64 << 20);
    assert_int_equal(bt_memory_account_new(limit, &account, &error), BT_OK);
    bt_contrast_request request = request_of(p, 1, 50);
    request.replay.memory = account;
    bt_contrast_result_dispose(&result);
    bt_status status = bt_contrast_run(&p->fake.source, &request, NULL, &result, &error);
    assert_in_range(bt_memory_look(account).most, 0, limit);
    if (status) {
      assert_int_equal(status, BT_LIMIT);
      assert_true(result.has_no_room);
      refused++;
      result.duration_ns = 0;
    } else if (result.outcome == BT_REPLAY_INCOMPLETE) {
      assert_memory_equal(result.reason, "results_full: ", 14);
      smaller += result.sides[0].sampled < 50 && result.sides[0].sampled > 0;
    }
    if (!status && result.outcome == BT_REPLAY_COMPLETED) {
      assert_int_equal(result.sides[0].sampled, whole.sides[0].sampled);
      assert_int_equal(result.findings_total, whole.findings_total);
      assert_true(bt_memory_look(account).kinds[BT_MEMORY_CONTRASTS] > 0);
    }
    bt_memory_hold held = result.hold;
    result.hold = (bt_memory_hold){0};
    bt_memory_hold_shrink(&held, 0);
    assert_int_equal(bt_memory_total(account), 0);
    bt_memory_account_free(account);
  }
  assert_true(refused > 0 && smaller > 0);
  bt_contrast_result_dispose(&result);
  bt_contrast_result_dispose(&whole);
  population_free(p);
}

/* The time for finding traces is over, the time for reading them is not: the samples are of the parts that were judged
 * to their end until then. */
static void what_was_found_in_time_is_compared(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 300; i++) mark(add_payment(p, i % 10 == 0), "version", i % 10 ? "old" : "new");
  bt_cancel finding = {false}, reading = {false};
  bt_contrast_request request = request_of(p, 1, 20);
  request.replay.cancel = &finding;
  request.replay.strategy = BT_STRATEGY_READ;
  request.reading_cancel = &reading;
  p->fake.cancel_after_reads = &finding;
  p->fake.cancel_after = 120; /* in the second part */
  bt_contrast_result result;
  bt_error error = {0};
  assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
  assert_int_equal(result.outcome, BT_REPLAY_CANCELLED);
  assert_non_null(strstr(result.reason, "judged until then"));
  assert_string_equal(bt_contrast_status_name(&result), "cancelled");
  assert_false(result.coverage.complete);
  assert_false(result.sides[BT_VIOLATING].total_is_exact || result.sides[BT_SATISFYING].total_is_exact);
  assert_int_equal(result.conclusion, BT_CONTRAST_SEPARATES);
  assert_int_equal(result.sides[BT_SATISFYING].sampled, 20);
  assert_in_range(result.sides[BT_VIOLATING].sampled, 2, 10); /* of 30, in the first fifty of 300 */
  bt_contrast_result_dispose(&result);
  atomic_store(&finding.requested, false);
  p->fake.cancel_after = p->fake.traces_read + 30; /* no part was judged to its end: nothing is a random sample */
  assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
  assert_int_equal(result.outcome, BT_REPLAY_CANCELLED);
  assert_int_equal(result.conclusion, BT_CONTRAST_TOO_FEW_TRACES);
  assert_int_equal(result.sides[BT_VIOLATING].wanted + result.sides[BT_SATISFYING].wanted, 0);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* Of a rule that half of the traces violate only so many are judged as the samples need, from all of the range; nothing
 * is said to be known of the rest. */
static void enough_is_enough(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 1000; i++) {
    fake_span *span = add_payment(p, i % 2);
    mark(span, "half", i < 500 ? "first" : "second"); /* would separate if the earliest were read */
    mark(span, "version", i % 2 ? "new" : "old");
  }
  for (bt_strategy strategy = BT_STRATEGY_READ; strategy <= BT_STRATEGY_ID_SETS; strategy++) {
    bt_contrast_request request = request_of(p, 1, 40);
    request.replay.range = (bt_time_range){NOON_NS - HOUR_NS, NOON_NS + 2 * HOUR_NS}; /* none lies near an edge */
    request.replay.strategy = strategy;
    bt_contrast_result result;
    bt_error error = {0};
    size_t read = p->fake.traces_read;
    assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
    assert_int_equal(result.outcome, BT_REPLAY_INCOMPLETE);
    assert_string_equal(bt_contrast_status_name(&result), "sampled");
    assert_false(result.coverage.complete);
    assert_false(result.sides[BT_VIOLATING].total_is_exact || result.sides[BT_SATISFYING].total_is_exact);
    for (int side = 0; side < 2; side++) assert_int_equal(result.sides[side].sampled, 40);
    assert_int_equal(result.findings_total, 2);
    assert_true(bt_str_equal(result.findings[0].key, BT_STR("version")));
    assert_in_range(p->fake.traces_read - read, 130, 400); /* a part or two, and both samples; not a thousand */
    bt_contrast_result_dispose(&result);
  }
  population_free(p);
}

/* Violations that are so young that a batch does not prove them are read by id within their part: else the sample would
 * be of the older ones alone. */
static void young_violations_are_in_the_sample(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 1000; i++) mark(add_payment(p, i % 2), "version", i < 600 ? "old" : "new");
  bt_contrast_request request = request_of(p, 1, 40);
  request.replay.now_ns = NOON_NS + 70 * MINUTE_NS; /* the last hour begins after 600 of them */
  bt_contrast_result result;
  bt_error error = {0};
  assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
  assert_string_equal(bt_contrast_status_name(&result), "sampled");
  assert_int_equal(result.sides[BT_VIOLATING].sampled, 40);
  assert_int_equal(result.conclusion, BT_CONTRAST_NOTHING);
  const bt_tally_key *version = key_of(&result.tally, "version");
  assert_int_equal(version->value_count, 2);
  for (size_t i = 0; i < 2; i++) assert_in_range(version->values[i].counts[BT_VIOLATING], 5, 35);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* What no batch can give is read by id, in parts too, and no more of it than the samples need. */
static void a_rule_that_is_read_by_id_ends_early_too(void **state) {
  (void)state;
  population *p = population_new("when { payment } always { trace.has(span.name == \"check\") and not "
                                 "trace.has(span.name == \"other\" and event.name == \"e\") }");
  for (int i = 0; i < 600; i++) mark(add_payment(p, i % 2), "version", i < 300 ? "old" : "new");
  bt_contrast_result result = run(p, 1, 40);
  unsigned batches = 0, by_id = 0;
  for (size_t i = 0; i < p->fake.trace_count; i++) {
    batches += p->fake.traces[i].batch_reads;
    by_id += p->fake.traces[i].by_id_reads;
  }
  assert_string_equal(bt_contrast_status_name(&result), "sampled");
  assert_int_equal(result.sides[BT_VIOLATING].sampled, 40);
  assert_int_equal(result.sides[BT_SATISFYING].sampled, 40);
  assert_int_equal(result.conclusion, BT_CONTRAST_NOTHING);
  assert_int_equal(batches, 0);
  assert_in_range(by_id, 130, 300);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* Of the traces that satisfy the rule a half needs no reading and a half does, and both have a mark of their own. Where
 * reading ends early, the first half is not to count for more than its share. */
static void what_needs_no_reading_has_its_share(void **state) {
  (void)state;
  enum { SEEDS = 20, LIKELY_AT_MOST = 4 };
  int wrong = 0, sampled = 0;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 1000; i++) {
    bool violates = i % 10 < 8, is_read = i % 10 == 8;
    mark(add_payment(p, violates), "kind", violates ? (i % 2 ? "a" : "b") : is_read ? "a" : "b");
    if (is_read) p->fake.traces[p->fake.trace_count - 1].spans[1].hidden_from = "\"check\"";
  }
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    bt_contrast_request request = request_of(p, seed, 60);
    request.replay.strategy = BT_STRATEGY_ID_SETS;
    bt_contrast_result result;
    bt_error error = {0};
    assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
    sampled += result.is_sampled;
    wrong += result.findings_total > 0;
    bt_contrast_result_dispose(&result);
  }
  printf("%d of %d samples, of %d that ended early, named something\n", wrong, SEEDS, sampled);
  assert_int_equal(sampled, SEEDS);
  assert_true(wrong <= LIKELY_AT_MOST);
  population_free(p);
}

/* Files are read in order of time: what was judged when the time was over is no sample. */
static void files_are_no_sample(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 1000; i++) mark(add_payment(p, i % 2), "version", i < 500 ? "old" : "new");
  bt_cancel finding = {false}, reading = {false};
  bt_contrast_request request = request_of(p, 1, 40);
  request.replay.range = (bt_time_range){NOON_NS - HOUR_NS, NOON_NS + 2 * HOUR_NS};
  request.replay.cancel = &finding;
  request.reading_cancel = &reading;
  p->fake.promises.is_static = true;
  p->fake.cancel_after_reads = &finding;
  p->fake.cancel_after = 150;
  bt_contrast_result result;
  bt_error error = {0};
  assert_int_equal(bt_contrast_run(&p->fake.source, &request, NULL, &result, &error), BT_OK);
  assert_int_equal(result.outcome, BT_REPLAY_CANCELLED);
  assert_int_equal(result.conclusion, BT_CONTRAST_TOO_FEW_TRACES);
  bt_contrast_result_dispose(&result);
  population_free(p);
}

/* Right, or BT_NO_MEMORY, or an answer that says it is incomplete. */
static void fail_every_allocation(population *p) {
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_contrast_result result;
    bt_error error = {0};
    bt_contrast_request request = request_of(p, 1, 50);
    failing_alloc_after(n);
    bt_status status = bt_contrast_run(&p->fake.source, &request, NULL, &result, &error);
    was_refused = failing_alloc_stop();
    if (status == BT_OK && result.outcome == BT_REPLAY_COMPLETED) {
      assert_int_equal(result.conclusion, BT_CONTRAST_SEPARATES);
      assert_int_equal(result.findings_total, 2);
    } else {
      assert_true(was_refused);
      assert_true(status == BT_NO_MEMORY || (status == BT_OK && result.outcome != BT_REPLAY_COMPLETED));
    }
    bt_contrast_result_dispose(&result);
  }
}

static void every_allocation_fails(void **state) {
  (void)state;
  population *p = population_new(PAYMENT_IS_CHECKED);
  for (int i = 0; i < 24; i++) {
    fake_span *span = add_payment(p, i % 2);
    mark(span, "version", i % 2 ? "new" : "old");
    mark_number(span, "amount", i * 7 % 24);
  }
  fail_every_allocation(p);
  population_free(p);
  p = add_slow_payments(12, 12, 2);
  fail_every_allocation(p);
  population_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_planted_cause_is_found_first),
      cmocka_unit_test(what_the_rule_compares_is_left_out),
      cmocka_unit_test(the_same_seed_is_the_same_sample),
      cmocka_unit_test(how_large_a_number_is_is_a_mark),
      cmocka_unit_test(a_rule_about_every_trace_is_compared_with_its_like),
      cmocka_unit_test(what_nothing_satisfies_is_compared_with_its_like),
      cmocka_unit_test(what_something_satisfies_is_compared_with_that),
      cmocka_unit_test(of_too_many_no_others_are_chosen),
      cmocka_unit_test(what_was_lost_is_not_absent),
      cmocka_unit_test(nothing_to_compare_is_said_where_it_is_so),
      cmocka_unit_test(too_few_are_too_few),
      cmocka_unit_test(nothing_is_named_where_nothing_separates),
      cmocka_unit_test(what_cannot_be_read_is_said),
      cmocka_unit_test(without_room_it_is_said),
      cmocka_unit_test(what_was_found_in_time_is_compared),
      cmocka_unit_test(enough_is_enough),
      cmocka_unit_test(young_violations_are_in_the_sample),
      cmocka_unit_test(a_rule_that_is_read_by_id_ends_early_too),
      cmocka_unit_test(what_needs_no_reading_has_its_share),
      cmocka_unit_test(files_are_no_sample),
      cmocka_unit_test(every_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
