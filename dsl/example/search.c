/* The state of a search, what it asks the evaluator, and changes at random. See search.h. */
#include "dsl/example/search.h"

#include <string.h>

#include "dsl/base/mix.h"
#include "dsl/rule/rule_walk.h"

/* STEPS: many for a few spans, and so few that a search of a hostile rule ends soon. */
enum { ARENA_BYTES = 64 * 1024 * 1024, STEPS = 50000 };

static void add_term(search *s, term_kind kind, const void *part) {
  if (s->term_count < SEARCH_TERMS) s->terms[s->term_count++] = (term){kind, s->rule, part};
}

/* What stands inside of event.where speaks of an event, which a walk does not say: the test around it is a term. */
static void on_predicate(void *context, const bt_predicate *predicate) {
  add_term(context, TERM_PREDICATE, predicate);
}

static void on_comparison(void *context, const bt_comparison *comparison) {
  add_term(context, TERM_COMPARISON, comparison);
}

static void on_relation(void *context, const bt_relation *relation) {
  add_term(context, TERM_RELATION, relation);
}

static void on_selection(void *context, const bt_selection *selection) {
  add_term(context, TERM_SELECTION, selection);
}

bt_status search_open(search *s, const bt_rule *const *rules, unsigned count, bt_error *error) {
  bt_rule_visitor visitor = {.on_predicate = on_predicate,
                             .on_comparison = on_comparison,
                             .on_relation = on_relation,
                             .on_selection = on_selection,
                             .context = s};
  bt_arena_init(&s->texts, ARENA_BYTES);
  bt_arena_init(&s->trace, ARENA_BYTES);
  s->rule_count = count;
  for (s->rule = 0; s->rule < count; s->rule++) {
    s->rules[s->rule] = rules[s->rule];
    bt_rule_walk(rules[s->rule], &visitor);
  }
  s->rule = 0;
  model_clear(&s->model);
  bt_status status = bt_ruleset_new(rules, count, &s->ruleset, error);
  return status ? status : bt_evaluator_new(s->ruleset, &s->evaluator, error);
}

void search_close(search *s) {
  bt_evaluator_free(s->evaluator);
  bt_ruleset_free(s->ruleset);
  bt_arena_dispose(&s->texts);
  bt_arena_dispose(&s->trace);
}

bool search_judge(search *s, const model *m, const bt_rule_verdict **out) {
  bt_error error = {0};
  bt_arena_reset(&s->trace);
  const bt_trace *trace = model_build(m, &s->trace);
  s->no_memory = s->no_memory || !trace;
  if (!trace) return false;
  bt_family_trace alone = {.trace = trace, .asked_from_ns = INT64_MIN, .asked_until_ns = INT64_MAX};
  bt_family family = {.traces = &alone, .trace_count = 1};
  static const bt_eval_options options[SEARCH_RULES] = {{.step_budget = STEPS, .least_steps = STEPS},
                                                        {.step_budget = STEPS, .least_steps = STEPS}};
  bt_status status = bt_evaluator_run_family(s->evaluator, &family, options, out, &error);
  s->no_memory = s->no_memory || status == BT_NO_MEMORY;
  return status == BT_OK;
}

unsigned search_draw(search *s, unsigned below) {
  return below ? (unsigned)(bt_mix_bits(s->seed * UINT64_C(0x9E3779B97F4A7C15) + ++s->drawn) % below) : 0;
}

/* A span for each binding that nothing has bound: that of the other rule with the same place, or any. */
static void bind_rest(search *s, unsigned rule) {
  for (int i = 0; i < s->rules[rule]->binding_count; i++) {
    int *bound = &s->bound[rule][i];
    if (*bound < 0 && s->rule_count > 1) *bound = s->bound[1 - rule][i];
    if (*bound < 0 || (uint32_t)*bound >= s->model.count) *bound = (int)search_draw(s, s->model.count);
  }
}

static void change_by_term(search *s, int span) {
  const term *of = &s->terms[search_draw(s, s->term_count)];
  bool truth = search_once_in(s, 2);
  s->rule = of->rule;
  s->depth = 0;
  bind_rest(s, of->rule);
  switch (of->kind) {
  case TERM_PREDICATE: (void)search_make_predicate(s, of->part, (model_place){span, MODEL_NONE}, truth); return;
  case TERM_COMPARISON: (void)search_make_comparison(s, of->part, (model_place){span, MODEL_NONE}, truth); return;
  case TERM_RELATION: (void)search_make_relation(s, of->part, span, truth); return;
  case TERM_SELECTION: (void)search_make_span(s, of->part); return;
  }
}

static void change_bound(search *s) {
  for (unsigned rule = 0; rule < s->rule_count; rule++)
    for (int i = 0; i < BT_MAX_BINDINGS; i++) s->bound[rule][i] = MODEL_NONE;
}

void search_change(search *s) {
  if (!s->model.count && model_add(&s->model, s->most) < 0) return;
  uint32_t number = search_draw(s, s->model.count);
  model_span *span = &s->model.spans[number];
  static const int64_t steps_ns[] = {1, -1, 1000000, -1000000};
  int64_t step = steps_ns[search_draw(s, 4)];
  switch (search_draw(s, 12)) {
  case 0:
    if (s->model.count == 1) return;
    model_remove(&s->model, number);
    change_bound(s);
    return;
  case 1:
    span->start_ns += step;
    if (span->end_ns < span->start_ns || search_once_in(s, 2)) span->end_ns += step;
    return;
  case 2:
    if (span->end_ns + step >= span->start_ns) span->end_ns += step;
    return;
  case 3:
    span->parent_id = (bt_span_id){{0}};
    if (number && search_once_in(s, 2)) span->parent_id = s->model.spans[search_draw(s, number)].id;
    return;
  case 4:
    span->start_ns = s->model.spans[search_draw(s, s->model.count)].start_ns;
    if (span->end_ns < span->start_ns) span->end_ns = span->start_ns + 1000000;
    return;
  case 5: /* the same once more */
    if (s->model.count < s->most && s->model.count < MODEL_SPANS) {
      int copy = model_add(&s->model, s->most);
      bt_span_id id = s->model.spans[copy].id;
      s->model.spans[copy] = s->model.spans[number];
      s->model.spans[copy].id = id;
    }
    return;
  default:
    if (s->term_count) change_by_term(s, (int)number);
  }
}
