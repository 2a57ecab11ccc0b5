/* One search for the candidates of many rules: it finds what each rule's own searches find, in as few filters as the
 * limit of length allows. A replay that uses it gives the same violations with fewer searches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/filter.h"
#include "tempo/api/traceql.h"
#include "server/replay/candidates.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/support/asked.h"
#include "tests/support/failing_alloc.h"

/* Of that name. */
static bt_over query_of(const char *name) {
  return (bt_over){.kind = BT_OVER_QUERY, .query = {.asked = asked_name(name)}};
}

static bool takes_rule(const char *dsl) {
  bt_rule_definition *definition = rule_of("r", dsl);
  bt_plan *plan = NULL;
  bt_error error = {0};
  assert_int_equal(bt_plan_new(definition->rule, bt_traceql_dialect(), &plan, &error), BT_OK);
  bool takes = bt_filter_union_takes(plan->violating);
  bt_plan_free(plan);
  bt_rule_definition_unref(definition);
  return takes;
}

static bt_str text_of(const bt_over *over) {
  assert_int_equal(over->kind, BT_OVER_QUERY);
  return asked_text(over->query.asked);
}

static void filters_and_any_of_filters_join(void **state) {
  (void)state;
  bt_over a = query_of("a"), b = query_of("b"), c = query_of("c");
  const bt_over *ab[] = {&a, &b}, *abc[] = {&b, &c};
  bt_over any = {.kind = BT_OVER_OR, .items = abc, .item_count = 2},
          both = {.kind = BT_OVER_AND, .items = ab, .item_count = 2};
  bt_over all = {.kind = BT_OVER_ALL}, none = {.kind = BT_OVER_NONE};
  const bt_over *overs[] = {&a, &any, &both, &all, &none, &a};
  bt_filter_union joined;
  bt_error error = {0};
  assert_true(bt_filter_union_takes(&a) && bt_filter_union_takes(&any));
  assert_false(bt_filter_union_takes(&both) || bt_filter_union_takes(&all) || bt_filter_union_takes(&none));
  assert_int_equal(bt_filter_union_make(bt_traceql_dialect(), overs, 6, &joined, &error), BT_OK);
  bt_str text = text_of(joined.any);
  assert_true(bt_str_equal(text, BT_STR("{ name = \"a\" || name = \"b\" || name = \"c\" }")));
  bt_filter_union_dispose(&joined);
  /* One filter alone is asked as it is. */
  assert_int_equal(bt_filter_union_make(bt_traceql_dialect(), overs, 1, &joined, &error), BT_OK);
  assert_null(joined.any);
  bt_filter_union_dispose(&joined);
}

/* Tempo 2.8 mixes up arrays of attributes where several tests stand in one filter. */
static void tests_of_attributes_are_left_alone(void **state) {
  (void)state;
  static const char *const attributes[] = {
      "trace.has(k == \"a\")", "trace.has(resource.attributes[\"k\"] == \"a\")", "trace.has(k == 1)",
      "trace.has(span.name == \"a\" and span.attributes[\"service.name\"] == \"b\")", "trace.has(event.name == \"a\")",
      /* a service's name that is no text lies beside its column, with arrays */
      "trace.has(resource.attributes[\"service.name\"] == true)"};
  static const char *const fields[] = {
      "trace.has(span.name == \"span.k\")", "trace.has(span.name == \"a\\\"resource.k\")",
      "trace.has(resource.attributes[\"service.name\"] == \"shop\")", "a.b.where(span.duration > 1s)"};
  for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
    if (takes_rule(attributes[i])) fail_msg("%s is taken", attributes[i]);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (!takes_rule(fields[i])) fail_msg("%s is not taken", fields[i]);
}

enum { LONG = 40, LONG_BYTES = 1500 };

static void count_names(const bt_over *over, size_t *found, size_t *queries) {
  for (uint32_t i = 0; i < over->item_count; i++) count_names(over->items[i], found, queries);
  if (over->item_count) return;
  bt_str text = text_of(over);
  ++*queries;
  assert_in_range(text.len, 1, BT_TRACEQL_MAX_FILTER_BYTES);
  for (int i = 0; i < LONG; i++) {
    char name[16];
    snprintf(name, sizeof name, "\"%03dx", i);
    *found += bt_str_contains(text, bt_str_from(name));
  }
}

/* Each filter is whole in exactly one of the joined ones, and none of those is longer than the planner allows. */
static void long_ones_are_several(void **state) {
  (void)state;
  static char names[LONG][LONG_BYTES + 64];
  static bt_filter filters[LONG];
  bt_over overs[LONG];
  const bt_over *pointers[LONG];
  for (int i = 0; i < LONG; i++) {
    int length = snprintf(names[i], sizeof names[i], "%03d", i);
    memset(names[i] + length, 'x', LONG_BYTES);
    filters[i] = (bt_filter){.kind = BT_FILTER_TEST,
                             .test = {.literal = {.type = BT_VALUE_STRING, .string = bt_str_from(names[i])}}};
    overs[i] = (bt_over){.kind = BT_OVER_QUERY, .query.asked.filter = &filters[i]};
    pointers[i] = &overs[i];
  }
  bt_filter_union joined;
  bt_error error = {0};
  assert_int_equal(bt_filter_union_make(bt_traceql_dialect(), pointers, LONG, &joined, &error), BT_OK);
  assert_int_equal(joined.any->kind, BT_OVER_OR);
  size_t found = 0, queries = 0;
  count_names(joined.any, &found, &queries);
  assert_in_range(queries, 3, 6);
  assert_int_equal(found, LONG);
  bt_filter_union_dispose(&joined);
}

static const char *const rules[] = {"trace.has(span.name == \"a\")",
                                    "trace.has(span.name == \"b\") and not trace.has(span.name == \"c\")",
                                    "trace.has(span.name == \"a\") and trace.has(span.name == \"b\")",
                                    "trace.has(span.name == \"d\") or trace.has(span.name == \"e\")",
                                    "not trace.has(span.name == \"a\")",
                                    "when { e as s } always { a after s }"};
enum { RULES = sizeof rules / sizeof rules[0], TRACES = 64 };

/* A trace has the spans of the bits in its number. */
static void add_traces(fake_source *fake) {
  static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
  for (uint64_t i = 1; i < TRACES; i++) {
    fake_trace *trace = fake_add(fake, i);
    for (int bit = 0; bit < 6; bit++)
      if (i >> bit & 1) fake_span_add(trace, names[bit], NOON_NS + (int64_t)i * SECOND_NS + bit);
  }
}

static void a_replay_finds_the_same(void **state) {
  (void)state;
  fake_source fake;
  replay_run *apart = calloc(2, sizeof *apart), *joined = apart + 1;
  size_t searches[2];
  fake_source_init(&fake);
  add_traces(&fake);
  for (int i = 0; i < 2; i++) {
    fake.log_count = 0;
    replay_run_init(&apart[i]);
    apart[i].request.joins_searches = i;
    apart[i].request.strategy = BT_STRATEGY_READ;
    apart[i].request.count = BT_COUNT_AT_LEAST; /* counts would be searches of their own */
    for (size_t k = 0; k < RULES; k++) {
      char id[16];
      snprintf(id, sizeof id, "rule-%zu", k);
      replay_run_add(&apart[i], id, rules[k]);
    }
    replay_run_go(&apart[i], &fake);
    assert_int_equal(apart[i].result.outcome, BT_REPLAY_COMPLETED);
    searches[i] = fake.log_count;
  }
  assert_true(searches[1] < searches[0]);
  assert_true(apart->seen_count > TRACES);
  assert_int_equal(apart->seen_count, joined->seen_count);
  for (size_t i = 0; i < apart->seen_count; i++) {
    size_t same = 0;
    for (size_t k = 0; k < joined->seen_count; k++)
      same += bt_trace_id_compare(&apart->seen[i].id, &joined->seen[k].id) == 0;
    assert_int_equal(same, 1);
  }
  replay_run_dispose(apart);
  replay_run_dispose(joined);
  free(apart);
  fake_source_dispose(&fake);
}

static void every_allocation_fails_in_turn(void **state) {
  (void)state;
  bt_over a = query_of("a"), b = query_of("b");
  const bt_over *overs[] = {&a, &b};
  bool was_refused = true;
  for (size_t n = 0; was_refused; n++) {
    bt_filter_union joined;
    bt_error error = {0};
    failing_alloc_after(n);
    bt_status status = bt_filter_union_make(bt_traceql_dialect(), overs, 2, &joined, &error);
    was_refused = failing_alloc_stop();
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(joined.any != NULL, !was_refused);
    if (!was_refused) assert_true(n > 1);
    bt_filter_union_dispose(&joined);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(filters_and_any_of_filters_join), cmocka_unit_test(tests_of_attributes_are_left_alone),
      cmocka_unit_test(long_ones_are_several),           cmocka_unit_test(a_replay_finds_the_same),
      cmocka_unit_test(every_allocation_fails_in_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
