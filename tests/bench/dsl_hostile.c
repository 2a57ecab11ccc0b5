/* Hostile rules. See dsl_hostile.h. */
#include "dsl/compile.h"
#include "tests/bench/bench.h"
#include "tests/bench/dsl_hostile.h"

#include <stdio.h>
#include <string.h>

#include "dsl/evaluate/eval.h"

typedef enum ending {
  ENDS_REFUSED,   /* the text has an error: over a limit */
  ENDS_EXHAUSTED, /* inconclusive, budget */
  ENDS_DEFINITE   /* any verdict that is not inconclusive: it was cheap after all */
} ending;

static const char *const ending_names[] = {"refused", "inconclusive (budget)", "a definite verdict"};

enum { SPANS = 10000, CHAIN_NAME_BYTES = 64 };

static bt_span_id id_of(uint32_t number) {
  bt_span_id id = {{0}};
  memcpy(id.bytes, &number, sizeof number);
  return id;
}

/* One chain of 10,000 spans, each the child of the one before, all named x, with an attribute k of a lot of a and a b
 * in the end. */
static const bt_trace *make_chain(bt_arena *arena) {
  static const bt_resource resource = {.service = {"web", 3}};
  static const bt_scope scope = {.name = {"s", 1}};
  static char subject[CHAIN_NAME_BYTES];
  memset(subject, 'a', sizeof subject);
  subject[sizeof subject - 1] = 'b';
  bt_trace_id id = {{1}};
  bt_attribute *attribute = bt_arena_alloc(arena, sizeof *attribute);
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  if (!attribute || !builder) stop("out of memory");
  *attribute = (bt_attribute){BT_STR("k"), {.type = BT_VALUE_STRING, .string = {subject, sizeof subject}}};
  for (uint32_t i = 0; i < SPANS; i++) {
    bt_span span = {
        .id = id_of(i + 1), .parent_id = id_of(i), .name = BT_STR("x"), .resource = &resource, .scope = &scope};
    span.kind = BT_KIND_INTERNAL;
    span.start_ns = 1700000000000000000 + 1000000 * (int64_t)i;
    span.end_ns = span.start_ns + 1;
    span.attributes = (bt_attributes){.items = attribute, .count = 1};
    if (!bt_trace_builder_add(builder, &span)) stop("out of memory");
  }
  return bt_trace_builder_finish(builder);
}

/* ---- texts ---- */

static void repeat(bt_buffer *out, const char *part, uint32_t times) {
  for (uint32_t i = 0; i < times; i++) bt_buffer_append(out, bt_str_from(part));
}

static void nest(bt_buffer *out, uint32_t depth) {
  repeat(out, "(", depth);
  repeat(out, "x", 1);
  repeat(out, ")", depth);
}

static void write_deep(bt_buffer *out) {
  nest(out, BT_MAX_NESTING);
}

static void write_too_deep(bt_buffer *out) {
  nest(out, BT_MAX_RULE_BYTES / 2 - 1);
}

static void write_nots(bt_buffer *out) {
  repeat(out, "not ", BT_MAX_RULE_BYTES / 4 - 1);
  repeat(out, "x", 1);
}

static void write_ors(bt_buffer *out) {
  repeat(out, "x or ", BT_MAX_RULE_BYTES / 5 - 1);
  repeat(out, "x", 1);
}

/* As many as may be, each test on each span in vain. */
static void write_many_ors(bt_buffer *out) {
  repeat(out, "trace.has(k == \"c\"", 1);
  for (uint32_t i = 0; i < 1000; i++) bt_buffer_printf(out, " or k == \"c%u\"", i);
  repeat(out, ")", 1);
}

/* The same with patterns, which are dearer, and with events. */
static void write_many_patterns(bt_buffer *out) {
  repeat(out, "trace.has(k == \"c\"", 1);
  for (uint32_t i = 0; i < 1000; i++) bt_buffer_printf(out, " or k matches \"a.*b.*c%u\"", i);
  repeat(out, ")", 1);
}

/* Each pair of spans is one step, and a thousand comparisons. */
static void write_many_comparisons(bt_buffer *out) {
  repeat(out, "x as a and x as b and (a.k == b.k0", 1);
  for (uint32_t i = 1; i < 1000; i++) bt_buffer_printf(out, " or a.k == b.k%u", i);
  repeat(out, ")", 1);
}

/* The same inside a predicate. */
static void write_many_tests(bt_buffer *out) {
  repeat(out, "x as a and x.where(m == a.m", 1);
  for (uint32_t i = 1; i < 1000; i++) bt_buffer_printf(out, " or k == \"c%u\"", i);
  repeat(out, ") after a", 1);
}

static void write_regex(bt_buffer *out) {
  repeat(out, "x.where(k matches \"(a+)+$\")", 1);
}

static void write_large_regex(bt_buffer *out) {
  repeat(out, "x.where(k matches \"((a{1,30}){1,30}){1,30}$\")", 1);
}

static void write_bindings(bt_buffer *out) {
  for (char name = 'a'; name < 'a' + BT_MAX_BINDINGS; name++) bt_buffer_printf(out, "x as %c and ", name);
  repeat(out, "a.k == b.id", 1);
}

static void write_nested_bindings(bt_buffer *out) {
  for (char name = 'a'; name < 'a' + BT_MAX_BINDINGS; name++) bt_buffer_printf(out, "not (x as %c and ", name);
  repeat(out, "a.k == h.id", 1);
  repeat(out, ")", BT_MAX_BINDINGS);
}

static void write_nested_relations(bt_buffer *out) {
  repeat(out, "x.where(span.duration < trace.duration) under (", 30);
  repeat(out, "y", 1);
  repeat(out, ")", 30);
}

static void write_relations_between(bt_buffer *out) {
  repeat(out, "x as c and x.where(k == c.id) under (x.where(k == c.id)) before (x.where(k != c.id))", 1);
}

static void write_order(bt_buffer *out) {
  repeat(out, "trace.has_before(x.where(k != \"b\"), x.where(k != \"c\"))", 1);
}

static void write_counts(bt_buffer *out) {
  repeat(out, "when { x as c } always { count(x under c) < 20000 and max(x after c, span.duration) < 1s }", 1);
}

typedef struct hostile_rule {
  const char *what;
  void (*write)(bt_buffer *out);
  ending ending;
} hostile_rule;

static const hostile_rule hostile_rules[] = {
    {"64 parentheses", write_deep, ENDS_DEFINITE},
    {"64 KiB of parentheses", write_too_deep, ENDS_REFUSED},
    {"64 KiB of not", write_nots, ENDS_REFUSED},
    {"64 KiB of or", write_ors, ENDS_REFUSED},
    {"1,000 times or, on every span", write_many_ors, ENDS_DEFINITE},
    {"1,000 patterns, on every span", write_many_patterns, ENDS_EXHAUSTED},
    {"1,000 comparisons, on every two spans", write_many_comparisons, ENDS_EXHAUSTED},
    {"1,000 tests, on every two spans", write_many_tests, ENDS_EXHAUSTED},
    {"(a+)+$", write_regex, ENDS_DEFINITE},
    {"((a{1,30}){1,30}){1,30}$", write_large_regex, ENDS_REFUSED},
    {"eight bindings", write_bindings, ENDS_EXHAUSTED},
    {"eight bindings, each in a not", write_nested_bindings, ENDS_EXHAUSTED},
    {"thirty relations in one another", write_nested_relations, ENDS_DEFINITE},
    {"relations between selections that depend on a binding", write_relations_between, ENDS_DEFINITE},
    {"has_before of all spans", write_order, ENDS_DEFINITE},
    {"a count and a maximum for each span", write_counts, ENDS_EXHAUSTED},
};

/* ---- running ---- */

static ending evaluate(const bt_rule *rule, const bt_trace *trace) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  if (bt_ruleset_new(&rule, 1, &ruleset, NULL) != BT_OK || bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK ||
      bt_evaluator_run(evaluator, trace, NULL, &verdict, NULL) != BT_OK)
    stop("the evaluator failed");
  bool is_budget = verdict->verdict == BT_INCONCLUSIVE && verdict->reason == BT_REASON_BUDGET;
  if (verdict->verdict == BT_INCONCLUSIVE && !is_budget) stop("inconclusive for a reason that is not there");
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return is_budget ? ENDS_EXHAUSTED : ENDS_DEFINITE;
}

static bool run_rule(const hostile_rule *hostile, const bt_trace *trace) {
  bt_buffer text = {0};
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  hostile->write(&text);
  double start = cpu_seconds();
  bt_status status = bt_rule_compile(bt_buffer_str(&text), &rule, &diagnostics, NULL);
  if (status != BT_OK && status != BT_INVALID) stop("out of memory");
  ending ended = rule ? evaluate(rule, trace) : ENDS_REFUSED;
  bool is_right = ended == hostile->ending;
  printf("  %-54s %5zu bytes: %s after %.1f ms%s\n", hostile->what, text.len, ending_names[ended],
         (cpu_seconds() - start) * 1e3, is_right ? "" : " — WRONG");
  if (!is_right) printf("    it has to end as %s\n", ending_names[hostile->ending]);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&text);
  return is_right;
}

bool dsl_hostile_run(void) {
  bt_arena arena;
  bool all_right = true;
  bt_arena_init(&arena, SIZE_MAX);
  const bt_trace *trace = make_chain(&arena);
  printf("hostile rules over a chain of %d spans\n", SPANS);
  for (size_t i = 0; i < sizeof hostile_rules / sizeof *hostile_rules; i++)
    if (!run_rule(&hostile_rules[i], trace)) all_right = false;
  bt_arena_dispose(&arena);
  return all_right;
}
