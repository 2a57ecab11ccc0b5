/* What `semconv` means: a rule that goes by all names of its attributes gives a trace of mixed ages the verdict that
 * the rule with the newest names gives the translated trace. What `aliases` means: the verdict of the rule that reads,
 * for each alias, a key that the trace has for nothing else, and that says what the alias is worth. What `names` means:
 * the verdict of the rule with the tests that they stand for. Both evaluators,
 * on random rules, traces, tables of renames and aliases.
 *
 *   diff_names [PAIRS]      (20,000 when it is not said)
 *
 * The translation is the tests' own (renamed_keys.h: of the traces one rename after the other, of the rules each key;
 * own_keys.h).
 * What was dropped, and values of unknown type, are left out: of a name that may have been dropped nothing follows from
 * another one, which a translated trace no longer shows. */
#include <stdio.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"
#include "tests/diff/random_rule.h"
#include "tests/diff/random_trace.h"
#include "tests/diff/verdict_pair.h"
#include "tests/support/own_keys.h"
#include "tests/support/renamed_keys.h"
#include "tests/support/rule_maker.h"
#include "tests/support/slow_build.h"
#include "tests/support/trace_text.h"

enum { TRACES = 6, DEFAULT_PAIRS = ROUNDS_OF(20000, 5000), ARENA_BYTES = 64 * 1024 * 1024 };

static void stop(const char *what) {
  fprintf(stderr, "diff_names: %s\n", what);
  exit(1);
}

/* What keys mean besides themselves: by renames or by aliases. */
typedef struct meaning {
  renamed_keys renamed;
  own_keys own;
  bool is_own;
  bt_arena arena; /* of what own keys are made of */
} meaning;

static void dispose_meaning(meaning *m) {
  if (m->is_own) own_keys_dispose(&m->own);
  bt_arena_dispose(&m->arena);
}

static void make_meaning(test_random *random, const char *const *keys, size_t count, meaning *out) {
  bt_arena_init(&out->arena, ARENA_BYTES);
  out->is_own = test_random_below(random, 2);
  if (out->is_own)
    own_keys_make(random, keys, count, &out->own);
  else
    renamed_keys_make(random, keys, count, true, &out->renamed);
}

static bt_rule *compile(bt_str text, const meaning *m, bool by_all_names) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_compile_options options = {0};
  if (!m->is_own) options.conventions = &m->renamed.conventions;
  if (by_all_names && m->is_own) options.own_names = &m->own.names;
  if (by_all_names && !m->is_own) options.semconv = BT_STR("stable");
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile_with(text, &options, &rule, &diagnostics, NULL) != BT_OK) stop("a rule does not compile");
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

typedef struct translation {
  const renamed_keys *renamed;
  bool is_one;      /* every key has one newest name, be it of spans or of resources */
  bool has_changed; /* some key */
} translation;

static void translate_field(void *context, const bt_field *field) {
  translation *t = context;
  bt_names_of of = BT_NAMES_OF_SPANS;
  if (!bt_field_may_be_cut(field)) return;
  if (field->kind == BT_FIELD_SCOPE_ATTRIBUTE || field->kind == BT_FIELD_LINK_ATTRIBUTE) return;
  if (field->kind == BT_FIELD_RESOURCE_ATTRIBUTE || field->kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE)
    of = BT_NAMES_OF_RESOURCES;
  if (field->kind == BT_FIELD_EVENT_ATTRIBUTE) of = BT_NAMES_OF_EVENTS;
  bt_str newest = renamed_keys_newest(t->renamed, of, field->key);
  bt_str of_resource = renamed_keys_newest(t->renamed, BT_NAMES_OF_RESOURCES, field->key);
  if (field->kind == BT_FIELD_EITHER_ATTRIBUTE && !bt_str_equal(newest, of_resource)) t->is_one = false;
  t->has_changed = t->has_changed || !bt_str_equal(newest, field->key);
  ((bt_field *)(uintptr_t)field)->key = newest;
}

/* Of events and links each has its own. */
static void forget_dropped(bt_span *span) {
  span->dropped_attributes = 0;
  ((bt_resource *)(uintptr_t)span->resource)->attributes.dropped = 0;
  for (uint32_t i = 0; i < span->event_count; i++) ((bt_event *)(uintptr_t)&span->events[i])->attributes.dropped = 0;
}

static void translate_span(const renamed_keys *renamed, bt_span *span) {
  renamed_keys_translate(renamed, BT_NAMES_OF_SPANS, &span->attributes);
  renamed_keys_translate(renamed, BT_NAMES_OF_RESOURCES, &((bt_resource *)(uintptr_t)span->resource)->attributes);
  for (uint32_t i = 0; i < span->event_count; i++)
    renamed_keys_translate(renamed, BT_NAMES_OF_EVENTS, &((bt_event *)(uintptr_t)&span->events[i])->attributes);
}

/* `m`: to be translated; NULL: as it is. */
static void prepare_trace(const bt_trace *trace, meaning *m) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_span *span = (bt_span *)(uintptr_t)&trace->spans[i];
    forget_dropped(span);
    if (m && !m->is_own) translate_span(&m->renamed, span);
  }
  if (m && m->is_own) own_keys_translate_trace(&m->own, trace, &m->arena);
}

/* NULL: several records of one span, which the translation does not reach. */
static const bt_trace *read_trace(bt_arena *arena, const char *text, meaning *m) {
  char message[256];
  const bt_trace *trace = trace_text_read(arena, text, message, sizeof message);
  if (!trace) stop(message);
  if (trace->differing_copies || !trace->span_count) return NULL;
  prepare_trace(trace, m);
  return trace;
}

typedef struct answer {
  bt_verdict verdict;
  bt_truth exercised;
} answer;

static answer ask_fast(const bt_rule *rule, const bt_trace *trace, const bt_eval_options *options) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *fast = NULL;
  if (bt_ruleset_new(&rule, 1, &ruleset, NULL) || bt_evaluator_new(ruleset, &evaluator, NULL) ||
      bt_evaluator_run(evaluator, trace, options, &fast, NULL))
    stop("the evaluator gave up");
  answer given = {fast->verdict, fast->exercised};
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return given;
}

static answer ask_naive(const bt_rule *rule, const bt_trace *trace, const bt_eval_options *options) {
  naive_verdict naive;
  naive_evaluate(rule, trace, options, &naive);
  answer given = {naive.verdict, naive.exercised};
  naive_verdict_dispose(&naive);
  return given;
}

static bool are_equal(answer a, answer b) {
  return a.verdict == b.verdict && a.exercised == b.exercised;
}

typedef struct counts {
  uint64_t pairs, verdicts[4], changed; /* changed: by its written names alone the rule says something else */
  uint64_t of_two_types, empty_first;   /* pairs with a span that has two keys of one alias, see look_at_keys */
} counts;

typedef struct rules {
  bt_rule *by_all_names, *translated, *as_written;
} rules;

static void say_meaning(const meaning *m) {
  for (size_t i = 0; !m->is_own && i < m->renamed.conventions.rename_count; i++)
    printf("step %u: %.*s is %.*s, of %u\n", m->renamed.renames[i].step, BT_FMT(m->renamed.renames[i].from),
           BT_FMT(m->renamed.renames[i].to), m->renamed.renames[i].of);
  for (size_t i = 0; m->is_own && i < m->own.names.alias_count; i++)
    for (uint32_t k = 0; k < m->own.aliases[i].key_count; k++)
      printf("%s%.*s%s", k ? ", " : "alias ", BT_FMT(m->own.keys[i][k]),
             k + 1 < m->own.aliases[i].key_count ? "" : "\n");
  for (size_t i = 0; m->is_own && i < m->own.names.name_count; i++)
    printf("name %.*s: %.*s\n", BT_FMT(m->own.words[i].word), BT_FMT(m->own.words[i].spans));
}

static bt_value_type type_of(const bt_span *span, bt_str key, bool *is_empty) {
  for (uint32_t i = 0; i < span->attributes.count; i++) {
    const bt_attribute *attribute = &span->attributes.items[i];
    if (!bt_str_equal(attribute->key, key)) continue;
    *is_empty = attribute->value.type == BT_VALUE_STRING && !attribute->value.string.len;
    return attribute->value.type;
  }
  return BT_VALUE_MISSING;
}

/* Two keys of one alias with values of different types, and the first with an empty text while another one has more. */
static void look_at_keys(const bt_alias *alias, const bt_span *span, bool *of_two_types, bool *empty_first) {
  bool is_empty = false, is_other_empty = false;
  bt_value_type first = type_of(span, alias->keys[0], &is_empty);
  for (uint32_t i = 1; i < alias->key_count && first != BT_VALUE_MISSING; i++) {
    bt_value_type other = type_of(span, alias->keys[i], &is_other_empty);
    if (other == BT_VALUE_MISSING) continue;
    *of_two_types |= first != other;
    *empty_first |= is_empty && !is_other_empty;
  }
}

static void count_keys(const own_keys *own, const bt_trace *trace, counts *c) {
  bool of_two_types = false, empty_first = false;
  for (size_t i = 0; i < own->names.alias_count; i++)
    for (uint32_t k = 0; k < trace->span_count; k++)
      look_at_keys(&own->aliases[i], &trace->spans[k], &of_two_types, &empty_first);
  c->of_two_types += of_two_types;
  c->empty_first += empty_first;
}

static void check_pair(const rules *r, const meaning *m, const bt_trace *mixed, const bt_trace *translated,
                       const bt_eval_options *options, counts *c) {
  answer expected = ask_fast(r->translated, translated, options);
  answer naive_expected = ask_naive(r->translated, translated, options);
  answer fast = ask_fast(r->by_all_names, mixed, options), naive = ask_naive(r->by_all_names, mixed, options);
  c->pairs++;
  if (m->is_own) count_keys(&m->own, mixed, c);
  c->verdicts[fast.verdict]++;
  c->changed += !are_equal(fast, ask_fast(r->as_written, mixed, options));
  if (are_equal(expected, fast) && are_equal(naive_expected, naive)) return;
  printf("rule %.*s\npair %llu, expected %s, got %s, naive %s instead of %s\n", BT_FMT(r->by_all_names->text),
         (unsigned long long)c->pairs, bt_verdict_name(expected.verdict), bt_verdict_name(fast.verdict),
         bt_verdict_name(naive.verdict), bt_verdict_name(naive_expected.verdict));
  say_meaning(m);
  stop("a rule by all names differs from the translation");
}

/* The rule three times; false: it reads a key of spans or of resources that have two newest names, or has
 * neither alias nor name. */
static bool make_rules(bt_str text, meaning *m, rules *out) {
  *out = (rules){compile(text, m, true), compile(text, m, false), compile(text, m, false)};
  if (m->is_own) return own_keys_translate_rule(&m->own, out->translated, &m->arena);
  translation t = {.renamed = &m->renamed, .is_one = true};
  bt_rule_walk(out->translated, &(bt_rule_visitor){.on_field = translate_field, .context = &t});
  return t.is_one;
}

static void free_rules(rules *r) {
  bt_rule_free(r->by_all_names);
  bt_rule_free(r->translated);
  bt_rule_free(r->as_written);
}

/* Everything that a rule can say, on few attributes. */
static void check_any_rule(test_random *random, counts *c) {
  static const char *const keys[] = {"k", "m", "d.e", "ok", "http.status_code"};
  bt_buffer rule_text = {0}, trace_text = {0};
  meaning m;
  rules r;
  make_meaning(random, keys, sizeof keys / sizeof *keys, &m);
  random_rule_write(random, &rule_text);
  bool is_one = make_rules(bt_buffer_str(&rule_text), &m, &r);
  for (int i = 0; i < TRACES && is_one; i++) {
    bt_arena arenas[2];
    bt_eval_options options = {.step_budget = UINT64_MAX, .incomplete = test_random_below(random, 3) == 0};
    bt_buffer_clear(&trace_text);
    random_trace_write(random, &trace_text);
    for (int k = 0; k < 2; k++) bt_arena_init(&arenas[k], ARENA_BYTES);
    const bt_trace *mixed = read_trace(&arenas[0], trace_text.ptr ? trace_text.ptr : "", NULL);
    const bt_trace *translated = read_trace(&arenas[1], trace_text.ptr ? trace_text.ptr : "", &m);
    if (mixed && translated) check_pair(&r, &m, mixed, translated, &options, c);
    for (int k = 0; k < 2; k++) bt_arena_dispose(&arenas[k]);
  }
  free_rules(&r);
  dispose_meaning(&m);
  bt_buffer_dispose(&rule_text);
  bt_buffer_dispose(&trace_text);
}

static const char *pick_one(test_random *random, const char *const *from, size_t count) {
  return from[test_random_below(random, (unsigned)count)];
}
#define PICK(random, from) pick_one(random, from, sizeof(from) / sizeof *(from))

/* A rule that is about little else than attributes. */
static void say_attribute_rule(test_random *random, bt_buffer *out) {
  static const char *const fields[] = {"k",       "m",       "http.method",      "http.status_code",
                                       "cluster", "span.k",  "resource.cluster", "resource.k",
                                       "pod",     "event.k", "span.http.method", "event.m"};
  static const char *const own[] = {"k", "m", "span.k", "resource.k", "http.method", "cluster", "http.status_code"};
  static const char *const roots[] = {"trace.root.attributes[\"k\"]", "trace.root.resource.attributes[\"cluster\"]"};
  static const char *const tests[] = {"== \"x\"",      "!= \"x\"",       "== 1",    "> 0",
                                      "!= 2",          "contains \"y\"", "== true", "<= 1",
                                      "in [\"x\", 1]", "=~ \".*\"",      "== k",    "not in [\"y\", 2]"};
  const char *a = PICK(random, fields), *b = PICK(random, fields), *of = PICK(random, own);
  const char *test = PICK(random, tests), *other = PICK(random, tests), *root = PICK(random, roots);
  bt_buffer_clear(out);
  switch (test_random_below(random, 8)) {
  case 0: bt_buffer_printf(out, "trace.has(%s %s)", a, test); break;
  case 1: bt_buffer_printf(out, "trace.has(not (%s %s))", a, test); break;
  case 2: bt_buffer_printf(out, "trace.has(exists(%s)) and not trace.has(%s %s)", a, b, test); break;
  case 3: bt_buffer_printf(out, "trace.has(%s %s and %s %s)", a, test, b, other); break;
  case 4:
    bt_buffer_printf(out, "sum(span.duration >= 0s, %s) %s 1", of, test_random_below(random, 2) ? ">" : "<=");
    break;
  case 5: bt_buffer_printf(out, "count_distinct(span.duration >= 0s, %s) > 1", of); break;
  case 6: bt_buffer_printf(out, "trace.has(%s %s) as p and trace.has(%s == p.%s)", of, test, of, "k"); break;
  default:
    bt_buffer_printf(out, "when { trace.span_count > 0 } always { %s %s \"x\" }", root,
                     test_random_below(random, 2) ? "==" : "!=");
    break;
  }
}

/* Tests of attributes, on spans that have them. */
static void check_attributes(maker *m, counts *c) {
  static const char *const keys[] = {"k", "m", "http.method", "http.status_code", "cluster", "pod"};
  static made_trace mixed, translated;
  bt_eval_options options = {.step_budget = UINT64_MAX};
  meaning of_keys;
  rules r;
  make_meaning(&m->random, keys, sizeof keys / sizeof *keys, &of_keys);
  if (test_random_below(&m->random, 4))
    say_attribute_rule(&m->random, &m->text);
  else
    maker_say_rule(m);
  bool is_one = make_rules(bt_buffer_str(&m->text), &of_keys, &r);
  for (int i = 0; i < TRACES && is_one; i++) {
    test_random before = m->random;
    maker_make_trace(m, &mixed);
    m->random = before;
    maker_make_trace(m, &translated);
    prepare_trace(&mixed.trace, NULL);
    prepare_trace(&translated.trace, &of_keys);
    check_pair(&r, &of_keys, &mixed.trace, &translated.trace, &options, c);
  }
  free_rules(&r);
  dispose_meaning(&of_keys);
}

int main(int argc, char **argv) {
  uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_PAIRS;
  test_random random = test_random_start(60);
  maker m = {.random = test_random_start(61)};
  counts c = {0};
  while (c.pairs < wanted) {
    check_any_rule(&random, &c);
    check_attributes(&m, &c);
  }
  bt_buffer_dispose(&m.text);
  printf("%llu pairs: violated %llu, satisfied %llu, inconclusive %llu; by the written names alone %llu say something "
         "else; of aliases %llu have keys of two types, %llu an empty first one\n",
         (unsigned long long)c.pairs, (unsigned long long)c.verdicts[BT_VIOLATED],
         (unsigned long long)c.verdicts[BT_SATISFIED], (unsigned long long)c.verdicts[BT_INCONCLUSIVE],
         (unsigned long long)c.changed, (unsigned long long)c.of_two_types, (unsigned long long)c.empty_first);
  if (wanted < DEFAULT_PAIRS) return 0;
  bool is_told = c.changed * 100 > c.pairs && c.verdicts[BT_VIOLATED] * 20 > c.pairs;
  bool has_keys = c.of_two_types * 50 > c.pairs && c.empty_first * 500 > c.pairs;
  return is_told && has_keys && c.verdicts[BT_SATISFIED] * 20 > c.pairs ? 0 : 1;
}
