/* Plans of random rules over random traces: what the store finds for them against what the naive evaluator says of
 * what was pushed. The traces that violate a rule are among those that its over-queries find; what its under-queries
 * find does not violate. Where the store says that it filters, something has to be left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dsl/compile.h"
#include "tests/naive/naive.h"
#include "tests/support/asked.h"
#include "tests/support/rule_maker.h"
#include "tests/support/toy_store.h"
#include "tests/tempo/conformance_asking.h"
#include "tests/tempo/conformance_cases.h"
#include "tests/tempo/conformance_scene.h"

enum { MADE = 24, RULES = 60 };
static const char *tenant;

typedef struct counts {
  size_t violated, left_out, subtracted, exercised;
} counts;

/* ---- the traces ---- */

static bt_trace_id id_of(int number) {
  return (bt_trace_id){{0x70, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, (uint8_t)(number + 1)}};
}

static bt_export_span exported(const bt_span *span, bt_trace_id id, int64_t shift_ns) {
  bt_export_span out = {.trace_id = id,
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
                        .event_count = span->event_count};
  return out;
}

/* All spans of a trace in one push, each with its resource. */
static void add_made(const made_trace *made, int number, int64_t base_ns, bt_export_resource *resources,
                     bt_export_span *spans) {
  for (uint32_t i = 0; i < made->trace.span_count; i++) {
    const bt_span *span = &made->trace.spans[i];
    spans[i] = exported(span, id_of(number), base_ns - INT64_C(1700000000000000000) + number * second_ns);
    resources[i] = (bt_export_resource){.attributes = span->resource->attributes.items,
                                        .attribute_count = span->resource->attributes.count,
                                        .spans = &spans[i],
                                        .span_count = 1};
  }
}

static bool is_bounded(const bt_value *value) {
  if (value->type == BT_VALUE_DOUBLE) return isfinite(value->decimal);
  for (uint32_t i = 0; value->type == BT_VALUE_ARRAY && i < value->array.count; i++)
    if (!is_bounded(&value->array.items[i])) return false;
  return true;
}

static bool are_bounded(const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (!is_bounded(&attributes->items[i].value)) return false;
  return true;
}

static bool has_bounded_values(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    if (!are_bounded(&span->attributes) || !are_bounded(&span->resource->attributes)) return false;
    for (uint32_t k = 0; k < span->event_count; k++)
      if (!are_bounded(&span->events[k].attributes)) return false;
  }
  return true;
}

static bool has_services_of_text(const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_value *service = bt_attributes_find(&trace->spans[i].resource->attributes, BT_STR("service.name"));
    if (service && service->type != BT_VALUE_STRING) return false;
  }
  return true;
}

static bool is_kept(const store_lost *loses, const bt_trace *trace) {
  return (!loses->pushes_of_unbounded || has_bounded_values(trace)) &&
         (!loses->types_of_services || has_services_of_text(trace));
}

/* One that the store gives otherwise, which nothing tells, is made again. */
static void make_trace(const store_row *row, maker *m, made_trace *made) {
  do maker_make_trace(m, made);
  while (!is_kept(&row->loses, &made->trace));
}

static void push_made(store *s, maker *m, int64_t base_ns) {
  static made_trace made[MADE];
  static bt_export_span spans[MADE * MAKER_MAX_SPANS];
  static bt_export_resource resources[MADE * MAKER_MAX_SPANS];
  size_t count = 0;
  for (int i = 0; i < MADE; i++) {
    make_trace(s->row, m, &made[i]);
    add_made(&made[i], i, base_ns, &resources[count], &spans[count]);
    count += made[i].trace.span_count;
  }
  store_push(s, tenant, resources, count);
}

/* ---- a rule ---- */

static naive_verdict judge(store *s, const bt_rule *rule, int number) {
  naive_verdict verdict = {0};
  bt_eval_options options = {0};
  bt_trace_id id = id_of(number);
  bt_arena arena;
  bt_arena_init(&arena, (size_t)1 << 26);
  const bt_trace *trace = toy_store_trace(s->truth, tenant, &id, &arena);
  assert_non_null(trace);
  naive_evaluate(rule, trace, &options, &verdict);
  bt_arena_dispose(&arena);
  return verdict;
}

static void say_trace(const char *what, const bt_rule *rule, int number) {
  fail_msg("%s: trace %d of rule %.*s", what, number, BT_FMT(rule->text));
}

static void check_rule(store *s, const bt_rule *rule, const bt_plan *plan, counts *c) {
  bt_found_list violating = ask_formula(s->source, tenant, plan->violating),
                exercising = ask_formula(s->source, tenant, plan->exercising);
  bt_found_list subtracted = {0};
  bool filters = bt_source_known(s->source).filters;
  for (uint32_t i = 0; filters && i < plan->subtract_count; i++) {
    bt_found_list one = ask_under(s->source, plan->subtract[i].asked, tenant);
    found_join(&subtracted, &one, false);
  }
  for (int i = 0; i < MADE; i++) {
    bt_trace_id id = id_of(i);
    naive_verdict verdict = judge(s, rule, i);
    bool is_found = bt_found_list_get(&violating, &id), is_subtracted = bt_found_list_get(&subtracted, &id);
    bool is_violated = verdict.verdict == BT_VIOLATED, is_exercised = verdict.exercised == BT_TRUE;
    c->violated += is_violated;
    c->exercised += is_exercised;
    c->left_out += !is_found;
    c->subtracted += is_subtracted;
    if (is_violated && !is_found) say_trace("violates and is not found", rule, i);
    if (is_violated && is_subtracted) say_trace("violates and is subtracted", rule, i);
    if (is_exercised && !bt_found_list_get(&exercising, &id)) say_trace("exercises and is not found", rule, i);
    naive_verdict_dispose(&verdict);
  }
  bt_found_list_dispose(&violating);
  bt_found_list_dispose(&exercising);
  bt_found_list_dispose(&subtracted);
}

/* False: the checker wants none of it. */
static bool try_rule(store *s, bt_str text, counts *c) {
  bt_rule *rule = NULL;
  bt_plan *plan = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bool is_rule = bt_rule_compile(text, &rule, &diagnostics, &error) == BT_OK;
  bt_diagnostics_dispose(&diagnostics);
  if (!is_rule) return false;
  assert_int_equal(bt_plan_new(rule, bt_source_dialect(s->source), &plan, &error), BT_OK);
  check_rule(s, rule, plan, c);
  bt_plan_free(plan);
  bt_rule_free(rule);
  return true;
}

void test_filters_of_rules(void **state) {
  (void)state;
  store s;
  counts c = {0};
  tenant = store_tenant(scene.kind, "conformance-rules");
  maker m = {.random = test_random_start(20260101)};
  store_begin(&s, scene.kind);
  push_made(&s, &m, store_now_ns() / second_ns * second_ns - 60 * second_ns);
  store_show(&s, tenant);
  for (int rules = 0; rules < RULES;) {
    maker_say_rule(&m);
    rules += try_rule(&s, bt_buffer_str(&m.text), &c);
  }
  printf("violated %zu, exercised %zu, left out %zu, subtracted %zu\n", c.violated, c.exercised, c.left_out,
         c.subtracted);
  assert_true(c.violated > 100 && c.exercised > 100);
  if (bt_source_known(s.source).filters) assert_true(c.left_out > 100 && c.subtracted > 10);
  bt_buffer_dispose(&m.text);
  store_end(&s);
}
