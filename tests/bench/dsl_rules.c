/* Rules over traces of their own words. See dsl_rules.h.
 * Names, services and attributes come from the rule, so that each of its selections has thousands of members: no trace
 * of that size is as hard on it. */
#include "dsl/compile.h"
#include "tests/bench/bench.h"
#include "tests/bench/dsl_rules.h"

#include <stdio.h>
#include <string.h>

#include "dsl/evaluate/eval.h"
#include "dsl/rule/field.h"
#include "dsl/rule/rule_walk.h"
#include "tests/bench/dsl_input.h"

enum { MOST_WORDS = 32, MOST_KEYS = 24, MOST_VALUES = 6, MOST_LINE = 4096, SPANS_OF_REQUEST = 50 };

typedef struct key_words {
  bt_str key;
  const bt_value *values[MOST_VALUES]; /* that the rule compares it with */
  uint32_t value_count;
} key_words;

typedef struct words {
  bt_str names[MOST_WORDS];
  uint32_t name_count;
  key_words keys[MOST_KEYS];
  uint32_t key_count;
  bool has_events;
  bt_str event_name; /* that the rule asks for */
} words;

/* ---- the words of a rule ---- */

static void add_name(words *w, bt_str name) {
  if (w->name_count < MOST_WORDS) w->names[w->name_count++] = name;
}

static key_words *add_key(words *w, const bt_field *field) {
  bool is_attribute = field->kind == BT_FIELD_SPAN_ATTRIBUTE || field->kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
                      field->kind == BT_FIELD_EITHER_ATTRIBUTE;
  if (!is_attribute) return NULL;
  for (uint32_t i = 0; i < w->key_count; i++)
    if (bt_str_equal(w->keys[i].key, field->key)) return &w->keys[i];
  if (w->key_count == MOST_KEYS) return NULL;
  w->keys[w->key_count] = (key_words){.key = field->key};
  return &w->keys[w->key_count++];
}

static void add_literal(words *w, const bt_field *field, const bt_expression *right) {
  if (right->kind != BT_EXPRESSION_LITERAL) return;
  if (field->kind == BT_FIELD_EVENT_NAME) w->event_name = right->literal.string;
  bool is_name = field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_SERVICE;
  if (is_name && right->literal.type == BT_VALUE_STRING) add_name(w, right->literal.string);
  key_words *key = add_key(w, field);
  if (key && key->value_count < MOST_VALUES) key->values[key->value_count++] = &right->literal;
}

static void see_comparison(void *context, const bt_comparison *comparison) {
  if (comparison->left->kind != BT_EXPRESSION_FIELD) return;
  if (comparison->right) add_literal(context, &comparison->left->field, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++)
    add_literal(context, &comparison->left->field, comparison->list[i]);
}

static void see_predicate(void *context, const bt_predicate *predicate) {
  if (predicate->kind == BT_PREDICATE_NAMED) add_name(context, predicate->name);
}

static void see_field(void *context, const bt_field *field) {
  words *w = context;
  w->has_events = w->has_events || bt_field_is_of_event(field->kind);
  (void)add_key(w, field);
}

/* ---- a trace of them ---- */

static bt_attribute an_attribute(dsl_random *random, const key_words *key, uint32_t number, bt_arena *arena) {
  bt_attribute attribute = {.key = key->key};
  if (key->value_count && dsl_random_below(random, 3)) {
    attribute.value = *key->values[dsl_random_below(random, key->value_count)];
    return attribute;
  }
  if (key->value_count) { /* not what the rule asks for */
    attribute.value = (bt_value){.type = BT_VALUE_INT, .integer = dsl_random_below(random, 2000)};
    return attribute;
  }
  bt_buffer text = {0};
  bt_buffer_printf(&text, "v-%u", number / 5); /* some spans that follow one another have one */
  attribute.value.type = BT_VALUE_STRING;
  if (!bt_arena_copy(arena, bt_buffer_str(&text), &attribute.value.string)) stop("out of memory");
  bt_buffer_dispose(&text);
  return attribute;
}

static bt_attributes attributes_of(dsl_random *random, const words *w, uint32_t number, bt_arena *arena) {
  bt_attribute *items = bt_arena_array(arena, w->key_count, sizeof *items);
  uint32_t count = 0;
  if (!items) stop("out of memory");
  for (uint32_t i = 0; i < w->key_count; i++)
    if (dsl_random_below(random, 8)) items[count++] = an_attribute(random, &w->keys[i], number, arena);
  return (bt_attributes){.items = items, .count = count};
}

/* Two, somewhere in the span. */
static const bt_event *events_of(dsl_random *random, const words *w, const bt_span *span, bt_arena *arena) {
  bt_event *events = bt_arena_array(arena, 2, sizeof *events);
  if (!events) stop("out of memory");
  events[0] =
      (bt_event){.name = w->event_name, .time_ns = span->start_ns + 1000 * (int64_t)dsl_random_below(random, 999)};
  events[1] = (bt_event){.name = BT_STR("other"), .time_ns = span->end_ns};
  return events;
}

static bt_span_id id_of(uint32_t number) {
  bt_span_id id = {{0}};
  number++;
  memcpy(id.bytes, &number, sizeof number);
  return id;
}

/* Calls of one request hang below one another, and requests below the root. */
static bt_span a_span(dsl_random *random, const words *w, uint32_t number, const bt_span *before, bt_arena *arena) {
  uint32_t in_request = number % SPANS_OF_REQUEST;
  uint32_t back = in_request ? 1 + dsl_random_below(random, in_request < 20 ? in_request : 20) : number;
  bt_span span = {.id = id_of(number), .name = BT_STR("other"), .start_ns = 1700000000000000000};
  if (w->name_count && dsl_random_below(random, 8)) span.name = w->names[dsl_random_below(random, w->name_count)];
  span.kind = (bt_span_kind)(1 + dsl_random_below(random, 5));
  span.status = dsl_random_below(random, 4) ? BT_SPAN_STATUS_UNSET : BT_SPAN_STATUS_ERROR;
  if (number) {
    span.parent_id = id_of(number - back);
    span.start_ns = before[number - back].start_ns + 100000 * (int64_t)dsl_random_below(random, 30);
    if (!in_request) span.start_ns = before[0].start_ns + 100000 * (int64_t)number;
  }
  span.end_ns = span.start_ns + 1000000 * (int64_t)(1 + dsl_random_below(random, 200));
  span.attributes = attributes_of(random, w, number, arena);
  if (w->has_events) span.events = events_of(random, w, &span, arena), span.event_count = 2;
  return span;
}

static const bt_trace *make_trace(const words *w, uint32_t span_count, bt_arena *arena) {
  static const bt_resource resource = {.service = {"made", 4}};
  static const bt_scope scope = {.name = {"s", 1}};
  bt_trace_id id = {{8}};
  dsl_random random = {span_count};
  bt_trace_builder *builder = bt_trace_builder_new_for(arena, &id, span_count);
  bt_span *spans = bt_arena_array(arena, span_count, sizeof *spans);
  if (!builder || !spans) stop("out of memory");
  for (uint32_t i = 0; i < span_count; i++) {
    spans[i] = a_span(&random, w, i, spans, arena);
    spans[i].resource = &resource;
    spans[i].scope = &scope;
    if (!bt_trace_builder_add(builder, &spans[i])) stop("out of memory");
  }
  return bt_trace_builder_finish(builder);
}

/* ---- running ---- */

typedef struct totals {
  uint32_t rules, undecided, slow;
  double seconds;
} totals;

static void judge(const bt_rule *rule, uint32_t span_count, totals *t) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  bt_arena arena;
  words w = {.name_count = 0};
  bt_rule_visitor visitor = {
      .on_predicate = see_predicate, .on_comparison = see_comparison, .on_field = see_field, .context = &w};
  bt_arena_init(&arena, SIZE_MAX);
  bt_rule_walk(rule, &visitor);
  const bt_trace *trace = make_trace(&w, span_count, &arena);
  double start = cpu_seconds();
  if (bt_ruleset_new(&rule, 1, &ruleset, NULL) != BT_OK || bt_evaluator_new(ruleset, &evaluator, NULL) != BT_OK ||
      bt_evaluator_run(evaluator, trace, NULL, &verdict, NULL) != BT_OK)
    stop("the evaluator failed");
  double seconds = cpu_seconds() - start;
  /* Of one trace alone nothing is known of those that it is linked to. */
  bool is_undecided = verdict->verdict == BT_INCONCLUSIVE && verdict->reason != BT_REASON_LINKED;
  t->rules++;
  t->seconds += seconds;
  t->undecided += is_undecided;
  t->slow += seconds > 0.1;
  if (is_undecided || seconds > 0.1)
    printf("  %8.1f ms %s\n    %.*s\n", seconds * 1e3, bt_verdict_name(verdict->verdict), BT_FMT(rule->text));
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_arena_dispose(&arena);
}

static void judge_text(bt_str text, uint32_t span_count, totals *t) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile(text, &rule, &diagnostics, NULL) == BT_OK) judge(rule, span_count, t);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

bool dsl_rules_run(uint32_t span_count) {
  char line[MOST_LINE];
  bt_buffer text = {0};
  totals t = {0};
  printf("rules over %u spans of their own words: those that take longer than 100 ms, or are not decided\n",
         span_count);
  while (fgets(line, sizeof line, stdin)) {
    if (strcmp(line, "---\n") != 0) {
      bt_buffer_append(&text, bt_str_from(line));
      continue;
    }
    judge_text(bt_buffer_str(&text), span_count, &t);
    bt_buffer_clear(&text);
  }
  bt_buffer_dispose(&text);
  printf("%u rules: %.0f ms in all, %u above 100 ms, %u not decided\n", t.rules, t.seconds * 1e3, t.slow, t.undecided);
  return t.rules > 0 && t.undecided == 0;
}
