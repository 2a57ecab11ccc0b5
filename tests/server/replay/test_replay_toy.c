/* A store that answers from an array (tests/support/toy_store.h) under a replay: of random traces and random rules it
 * gives the verdicts that memory gives, whatever strategy decides. The toy filters and gives some spans of a trace,
 * which memory does not, so that both halves of a replay are held against each other. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "tempo/api/traceql_dialect.h"
#include "tempo/files/memory_source.h"
#include "tempo/wire/otlp_decoder.h"
#include "tempo/wire/otlp_export.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/rule_maker.h"
#include "tests/support/toy_dialect.h"
#include "tests/support/toy_store.h"

enum { MADE = 60, SETS = 24, OF_A_SET = RULES_MAX - 1 };
static const char linked_rule[] = "when { a as s } always { b linked to s within 10m }";

typedef struct stores {
  bt_source *memory, *toy;
} stores;

static bt_trace_id id_of(int number) {
  return (bt_trace_id){{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(number + 1)}};
}

static void add_document(stores *both, const bt_buffer *bytes) {
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  assert_int_equal(bt_span_batch_new((size_t)64 << 20, &batch, &error), BT_OK);
  assert_int_equal(bt_otlp_decode_protobuf(bt_buffer_str(bytes), batch, &error), BT_OK);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  assert_int_equal(bt_memory_source_add(both->memory, NULL, batch, &error), BT_OK);
  toy_store_add_batch(both->toy, NULL, batch);
  bt_span_batch_free(batch);
}

/* Each span has a link to a span of the trace before. */
static void push_trace(stores *both, maker *m, int number) {
  made_trace made;
  bt_buffer bytes = {0};
  bt_error error = {0};
  bt_export_span spans[MAKER_MAX_SPANS];
  bt_export_resource resources[MAKER_MAX_SPANS];
  bt_link link = {.trace_id = id_of(number ? number - 1 : 0), .span_id = {{0, 0, 0, 0, 0, 0, 0, 1}}};
  maker_make_trace(m, &made);
  int64_t shift_ns = NOON_NS + number * 50 * SECOND_NS - INT64_C(1700000000000000000);
  for (uint32_t i = 0; i < made.trace.span_count; i++) {
    const bt_span *span = &made.trace.spans[i];
    spans[i] = (bt_export_span){.trace_id = id_of(number),
                                .span_id = span->id,
                                .parent_id = span->parent_id,
                                .name = span->name,
                                .status_message = span->status_message,
                                .trace_state = span->trace_state,
                                .flags = span->flags,
                                .kind = span->kind,
                                .status = span->status,
                                .start_ns = span->start_ns + shift_ns,
                                .end_ns = span->end_ns + shift_ns,
                                .attributes = span->attributes.items,
                                .attribute_count = span->attributes.count,
                                .events = span->events,
                                .event_count = span->event_count,
                                .links = &link,
                                .link_count = i % 2};
    resources[i] = (bt_export_resource){.attributes = span->resource->attributes.items,
                                        .attribute_count = span->resource->attributes.count,
                                        .spans = &spans[i],
                                        .span_count = 1};
  }
  assert_int_equal(bt_otlp_encode(resources, made.trace.span_count, &bytes, &error), BT_OK);
  add_document(both, &bytes);
  bt_buffer_dispose(&bytes);
}

static bool is_rule(bt_str text) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bool compiles = bt_rule_compile(text, &rule, &diagnostics, &error) == BT_OK;
  bt_diagnostics_dispose(&diagnostics);
  if (compiles) bt_rule_free(rule);
  return compiles;
}

static void add_rules(replay_run *run, maker *m) {
  replay_run_add(run, "linked", linked_rule);
  while (run->request.rule_count < 1 + OF_A_SET) {
    char id[16], text[8000];
    maker_say_rule(m);
    snprintf(id, sizeof id, "rule-%zu", run->request.rule_count);
    snprintf(text, sizeof text, "%.*s", BT_FMT(bt_buffer_str(&m->text)));
    if (m->text.len < sizeof text && is_rule(bt_buffer_str(&m->text))) replay_run_add(run, id, text);
  }
}

static int compare_seen(const void *a, const void *b) {
  const seen_violation *x = a, *y = b;
  return x->rule != y->rule ? (x->rule > y->rule) - (x->rule < y->rule)
                            : bt_trace_id_compare(&x->trace_id, &y->trace_id);
}

static void go(replay_run *run, bt_source *source) {
  replay_run_go_over(run, source);
  if (run->status != BT_OK) fail_msg("replay over %s: %s", source->name, run->error.message);
  assert_int_equal(run->result.outcome, BT_REPLAY_COMPLETED);
  qsort(run->seen, run->seen_count, sizeof *run->seen, compare_seen);
}

/* Violations by id, and the counts that both give exactly. What a search shows not to violate is not read, so it is not
 * inconclusive either. */
static void check_equal(const replay_run *toy, const replay_run *memory) {
  assert_int_equal(toy->seen_count, memory->seen_count);
  for (size_t i = 0; i < toy->seen_count; i++) {
    assert_int_equal(compare_seen(&toy->seen[i], &memory->seen[i]), 0);
    assert_memory_equal(&toy->seen[i].id, &memory->seen[i].id, sizeof toy->seen[i].id);
    assert_true(toy->seen[i].time_ns == memory->seen[i].time_ns);
  }
  for (size_t i = 0; i < toy->request.rule_count; i++) {
    const bt_rule_result *a = &toy->result.rules[i], *b = &memory->result.rules[i];
    bool are_same = a->violations_found == b->violations_found && a->inconclusive <= b->inconclusive;
    if (a->evaluated_is_exact && b->evaluated_is_exact) are_same &= a->traces_evaluated == b->traces_evaluated;
    if (a->exercised_is_exact && b->exercised_is_exact) are_same &= a->traces_exercised == b->traces_exercised;
    if (!are_same)
      fail_msg("%s: violated %llu, %llu; inconclusive %llu, %llu; evaluated %llu, %llu; exercised %llu, %llu: %.*s",
               bt_strategy_name(a->strategy), (unsigned long long)a->violations_found,
               (unsigned long long)b->violations_found, (unsigned long long)a->inconclusive,
               (unsigned long long)b->inconclusive, (unsigned long long)a->traces_evaluated,
               (unsigned long long)b->traces_evaluated, (unsigned long long)a->traces_exercised,
               (unsigned long long)b->traces_exercised, BT_FMT(toy->rules[i]->rule->text));
  }
}

typedef struct sums {
  size_t violations, unread;
  uint64_t requests;
} sums;

static void check_set(stores *both, maker *m, sums *of) {
  static const bt_strategy strategies[] = {BT_STRATEGY_AUTO, BT_STRATEGY_READ, BT_STRATEGY_ID_SETS,
                                           BT_STRATEGY_PROJECTION};
  replay_run *toy = calloc(1, sizeof *toy), *memory = calloc(1, sizeof *memory);
  assert_true(toy && memory);
  replay_run_init(toy);
  add_rules(toy, m);
  *memory = *toy; /* the rules are the toy's to free */
  go(memory, both->memory);
  for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++) {
    toy->request.strategy = strategies[i];
    go(toy, both->toy);
    check_equal(toy, memory);
    for (size_t k = 0; k < toy->request.rule_count; k++) of->unread += toy->result.rules[k].decided_unread;
    of->requests += toy->result.requests;
  }
  of->violations += memory->seen_count;
  bt_replay_result_dispose(&memory->result);
  replay_run_dispose(toy);
  free(toy);
  free(memory);
}

static sums check_all(const bt_dialect *dialect) {
  stores both = {.toy = toy_store_new()};
  bt_error error = {0};
  maker m = {.random = test_random_start(54)};
  sums of = {0};
  toy_store_speak(both.toy, dialect);
  assert_int_equal(bt_memory_source_new(0, &both.memory, &error), BT_OK);
  for (int i = 0; i < MADE; i++) push_trace(&both, &m, i);
  for (int i = 0; i < SETS; i++) check_set(&both, &m, &of);
  printf("%s: %zu violations, %zu traces decided unread, %llu requests\n", dialect->name, of.violations, of.unread,
         (unsigned long long)of.requests);
  assert_true(of.violations > 100 && of.unread > 10);
  bt_buffer_dispose(&m.text);
  bt_source_free(both.memory);
  bt_source_free(both.toy);
  return of;
}

/* In Tempo's dialect and in one of a store without faults, which needs fewer questions for the same rules. */
static void says_what_memory_says(void **state) {
  (void)state;
  sums as_tempo = check_all(bt_traceql_dialect()), as_toy = check_all(toy_dialect());
  assert_int_equal(as_tempo.violations, as_toy.violations);
  assert_true(as_toy.requests < as_tempo.requests);
}

/* What a store says that it cannot give is never "no violations". */
static void a_broken_store_completes_nothing(void **state) {
  (void)state;
  stores both = {.toy = toy_store_new()};
  bt_error error = {0};
  maker m = {.random = test_random_start(55)};
  replay_run *run = calloc(1, sizeof *run);
  assert_int_equal(bt_memory_source_new(0, &both.memory, &error), BT_OK);
  for (int i = 0; i < 10; i++) push_trace(&both, &m, i);
  replay_run_init(run);
  add_rules(run, &m);
  toy_store_break(both.toy);
  replay_run_go_over(run, both.toy);
  assert_true(run->status != BT_OK || run->result.outcome != BT_REPLAY_COMPLETED);
  replay_run_dispose(run);
  free(run);
  bt_buffer_dispose(&m.text);
  bt_source_free(both.memory);
  bt_source_free(both.toy);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_memory_says),
                                     cmocka_unit_test(a_broken_store_completes_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
