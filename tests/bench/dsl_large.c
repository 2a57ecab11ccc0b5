/* Rules over one large trace. See dsl_large.h. A made-up worker takes a lock for each job and gives it back; jobs
 * overlap. Each job is of one of seven kinds and has five spans: the job itself, and below it the lock taken, two
 * queries, and the lock given back. One job in a thousand lacks the last. */
#include "dsl/compile.h"
#include "tests/bench/bench.h"
#include "tests/bench/dsl_large.h"

#include <stdio.h>
#include <string.h>

#include "dsl/evaluate/eval.h"

enum { KINDS = 7, SPANS_OF_JOB = 5, ROUNDS = 3, SHAPES = 4 };

/* ---- the trace ---- */

typedef struct trace_maker {
  bt_arena *arena;
  bt_trace_builder *builder;
  uint32_t kinds;
  bt_resource resource;
  bt_scope scope;
} trace_maker;

static bt_span_id id_of(uint32_t number) {
  bt_span_id id = {{0}};
  memcpy(id.bytes, &number, sizeof number);
  return id;
}

/* "lock4.acquire" */
static bt_str text(trace_maker *m, const char *before, uint32_t number, const char *behind) {
  bt_buffer buffer = {0};
  bt_str kept;
  bt_buffer_printf(&buffer, "%s%u%s", before, number, behind);
  if (!bt_arena_copy(m->arena, bt_buffer_str(&buffer), &kept)) stop("out of memory");
  bt_buffer_dispose(&buffer);
  return kept;
}

static void add_span(trace_maker *m, uint32_t job, uint32_t part, int64_t start_ns) {
  static const char *const names[][2] = {
      {"job", ""}, {"lock", ".acquire"}, {"query", ""}, {"query", ""}, {"lock", ".release"}};
  bt_attribute *items = bt_arena_array(m->arena, 3, sizeof *items);
  if (!items) stop("out of memory");
  items[0] = (bt_attribute){BT_STR("worker"), {.type = BT_VALUE_INT, .integer = job % 16}};
  items[1] = (bt_attribute){BT_STR("amount"), {.type = BT_VALUE_INT, .integer = (job * 7 + part) % 1000}};
  items[2] = (bt_attribute){BT_STR("lock_id"), {.type = BT_VALUE_STRING, .string = text(m, "lock-", job, "")}};
  bt_span span = {.id = id_of(job * SPANS_OF_JOB + part + 1), .resource = &m->resource, .scope = &m->scope};
  if (part) span.parent_id = id_of(job * SPANS_OF_JOB + 1);
  span.name = text(m, names[part][0], job % m->kinds, names[part][1]);
  span.kind = BT_KIND_INTERNAL;
  span.start_ns = start_ns;
  span.end_ns = start_ns + 1000000 * (int64_t)(1 + (job + part) % 50);
  span.attributes = (bt_attributes){.items = items, .count = 3};
  if (!bt_trace_builder_add(m->builder, &span)) stop("out of memory");
}

/* Jobs begin a tenth of a millisecond apart and last up to twenty seconds, so that time alone tells little. */
static const bt_trace *make_trace(bt_arena *arena, uint32_t span_count, uint32_t kinds) {
  bt_trace_id id = {{9}};
  trace_maker m = {.arena = arena, .builder = bt_trace_builder_new(arena, &id), .kinds = kinds};
  if (!m.builder) stop("out of memory");
  m.resource.service = BT_STR("worker");
  m.scope.name = BT_STR("s");
  for (uint32_t job = 0; job < span_count / SPANS_OF_JOB; job++) {
    int64_t start_ns = 1700000000000000000 + 100000 * (int64_t)job;
    int64_t step_ns = 1000000 * (int64_t)(1 + job * 2654435761u % 5000);
    uint32_t parts = job % 1000 == 999 ? SPANS_OF_JOB - 1 : SPANS_OF_JOB;
    for (uint32_t part = 0; part < parts; part++) add_span(&m, job, part, start_ns + step_ns * (int64_t)part);
  }
  return bt_trace_builder_finish(m.builder);
}

/* ---- the rules ---- */

static void write_rule(uint32_t shape, uint32_t kind, bt_buffer *out) {
  bt_buffer_clear(out);
  switch (shape) {
  case 0:
    bt_buffer_printf(out, "lock%u.acquire as l and not (lock%u.release after l within 30s where(lock_id == l.lock_id))",
                     kind, kind);
    return;
  case 1: bt_buffer_printf(out, "lock%u.acquire.where(amount > 2 * avg(query%u, amount))", kind, kind); return;
  case 2:
    bt_buffer_printf(out,
                     "when { lock%u.acquire as a and lock%u.release as b and a.lock_id == b.lock_id } "
                     "never { b before a }",
                     kind, kind);
    return;
  default: bt_buffer_printf(out, "when { job%u as j } always { count(query%u child of j) <= 2 }", kind, kind);
  }
}

static bt_rule *compile(bt_str rule_text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(rule_text, &rule, &diagnostics, NULL) != BT_OK) stop("a rule of the bench does not compile");
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

/* ---- running ---- */

/* The quickest of some runs: all the rest is noise. */
static double run(const bt_rule *const *rules, size_t count, const bt_trace *trace, uint32_t undecided_of[4]) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdicts = NULL;
  double best = 1e9;
  memset(undecided_of, 0, 4 * sizeof *undecided_of);
  if (bt_ruleset_new(rules, count, &ruleset, NULL) != BT_OK || bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK)
    stop("out of memory");
  for (int i = 0; i < ROUNDS; i++) {
    double start = cpu_seconds();
    if (bt_evaluator_run(evaluator, trace, NULL, &verdicts, NULL) != BT_OK) stop("the evaluator failed");
    double seconds = cpu_seconds() - start;
    if (seconds < best) best = seconds;
  }
  for (size_t i = 0; i < count; i++) undecided_of[verdicts[i].verdict]++;
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return best;
}

static bool report(const char *what, uint32_t spans, double seconds, const uint32_t counts[4], const char *goal) {
  printf("  %-58s %7u spans: %8.1f ms (%s); %u violated, %u satisfied, %u inconclusive\n", what, spans, seconds * 1e3,
         goal, counts[BT_VIOLATED], counts[BT_SATISFIED], counts[BT_INCONCLUSIVE]);
  return counts[BT_INCONCLUSIVE] == 0;
}

static bool run_locks(uint32_t span_count) {
  bt_arena arena;
  bt_buffer out = {0};
  uint32_t counts[4];
  bt_arena_init(&arena, SIZE_MAX);
  const bt_trace *trace = make_trace(&arena, span_count, 1);
  write_rule(0, 0, &out);
  bt_rule *rule = compile(bt_buffer_str(&out));
  const bt_rule *only = rule;
  double seconds = run(&only, 1, trace, counts);
  bt_rule_free(rule);
  bt_buffer_dispose(&out);
  bt_arena_dispose(&arena);
  return report("each lock is given back within 30 s", span_count, seconds, counts, "goal at 100,000: 50");
}

static bool run_shape(const bt_trace *trace, uint32_t shape) {
  static const char *const names[] = {"not … after … within where(k == x.k)", "an average that depends on no binding",
                                      "two bindings joined on an attribute", "a count of children for each"};
  const bt_rule *rules[KINDS];
  bt_buffer out = {0};
  uint32_t counts[4];
  for (uint32_t kind = 0; kind < KINDS; kind++) {
    write_rule(shape, kind, &out);
    rules[kind] = compile(bt_buffer_str(&out));
  }
  bool is_decided = report(names[shape], trace->span_count, run(rules, KINDS, trace, counts), counts, "7 rules");
  for (uint32_t kind = 0; kind < KINDS; kind++) bt_rule_free((bt_rule *)rules[kind]);
  bt_buffer_dispose(&out);
  return is_decided;
}

static bool run_all(const bt_trace *trace) {
  const bt_rule *rules[KINDS * SHAPES];
  bt_buffer out = {0};
  uint32_t counts[4];
  for (uint32_t i = 0; i < KINDS * SHAPES; i++) {
    write_rule(i % SHAPES, i / SHAPES, &out);
    rules[i] = compile(bt_buffer_str(&out));
  }
  double seconds = run(rules, KINDS * SHAPES, trace, counts);
  for (uint32_t i = 0; i < KINDS * SHAPES; i++) bt_rule_free((bt_rule *)rules[i]);
  bt_buffer_dispose(&out);
  return report("all 28", trace->span_count, seconds, counts, "goal at 100,000: 300");
}

bool dsl_large_run(uint32_t span_count) {
  bt_arena arena;
  printf("rules that set spans of one trace against one another\n");
  bool are_decided = run_locks(span_count);
  bt_arena_init(&arena, SIZE_MAX);
  const bt_trace *trace = make_trace(&arena, span_count, KINDS);
  for (uint32_t shape = 0; shape < SHAPES; shape++) are_decided = run_shape(trace, shape) && are_decided;
  are_decided = run_all(trace) && are_decided;
  bt_arena_dispose(&arena);
  return are_decided;
}
