/* Examples of one rule, and what tells two apart. See example.h. */
#include "dsl/example/example.h"

#include <stdlib.h>

#include "dsl/example/goal.h"
#include "dsl/example/implication.h"
#include "dsl/rule/rule_walk.h"

bt_family bt_example_family(const bt_trace *trace, bt_family_trace *room) {
  *room = (bt_family_trace){.trace = trace, .asked_from_ns = INT64_MIN, .asked_until_ns = INT64_MAX};
  return (bt_family){.traces = room, .trace_count = 1};
}

typedef struct place { /* too large for a stack */
  search search;
  model found, near;
} place;

static const bt_trace *keep_trace(search *s, const model *m) {
  const bt_trace *trace = model_build(m, &s->texts);
  s->no_memory = s->no_memory || !trace;
  return trace;
}

static void find_examples(place *p, const bt_rule *rule, bt_examples *out) {
  search *s = &p->search;
  example_goal violated = {{WANTED_VIOLATED}}, kept = {{WANTED_KEPT}};
  if (goal_find(s, &violated, &p->near)) out->violating = keep_trace(s, &p->near);
  bool is_near = out->violating && bt_rule_is_exercised_by_all(rule) && goal_find_near(s, &kept, &p->near, &p->found);
  if (is_near || goal_find(s, &kept, &p->found)) out->keeping = keep_trace(s, &p->found);
  out->keeps_by_one_change = is_near;
}

/* The traces stay: their arena goes to whoever asked. */
static bt_status finish_search(place *p, bt_status status, bt_arena *arena, bt_error *error) {
  if (!status && p->search.no_memory) status = bt_error_no_memory(error);
  *arena = p->search.texts;
  bt_arena_init(&p->search.texts, 0);
  search_close(&p->search);
  free(p);
  return status;
}

bt_status bt_examples_find(const bt_rule *rule, bt_examples *out, bt_error *error) {
  place *p = calloc(1, sizeof *p);
  *out = (bt_examples){0};
  if (!p) return bt_error_no_memory(error);
  bt_status status = search_open(&p->search, &rule, 1, error);
  if (!status) find_examples(p, rule, out);
  return finish_search(p, status, &out->arena, error);
}

void bt_examples_dispose(bt_examples *examples) {
  bt_arena_dispose(&examples->arena);
  *examples = (bt_examples){0};
}

/* ---- two rules ---- */

static void find_meaning(place *p, bt_meaning *out) {
  search *s = &p->search;
  example_goal first = {{WANTED_VIOLATED, WANTED_NOT_VIOLATED}}, second = {{WANTED_NOT_VIOLATED, WANTED_VIOLATED}};
  if (!out->first_is_within && goal_find(s, &first, &p->found)) out->only_first = keep_trace(s, &p->found);
  if (!out->second_is_within && goal_find(s, &second, &p->found)) out->only_second = keep_trace(s, &p->found);
  out->kind = out->first_is_within && out->second_is_within ? BT_MEANING_EQUIVALENT
              : out->only_first && out->only_second         ? BT_MEANING_DIFFERENT
              : out->only_first                             ? BT_MEANING_LAXER
              : out->only_second                            ? BT_MEANING_STRICTER
                                                            : BT_MEANING_NOT_TOLD;
}

bt_status bt_meaning_compare(const bt_rule *first, const bt_rule *second, bt_meaning *out, bt_error *error) {
  const bt_rule *rules[] = {first, second};
  place *p = calloc(1, sizeof *p);
  *out = (bt_meaning){.kind = BT_MEANING_NOT_TOLD};
  if (!p) return bt_error_no_memory(error);
  bt_status status = search_open(&p->search, rules, 2, error);
  out->first_is_within = implication_is_proven(first, second);
  out->second_is_within = implication_is_proven(second, first);
  if (!status) find_meaning(p, out);
  return finish_search(p, status, &out->arena, error);
}

void bt_meaning_dispose(bt_meaning *meaning) {
  bt_arena_dispose(&meaning->arena);
  *meaning = (bt_meaning){.kind = BT_MEANING_NOT_TOLD};
}

const char *bt_meaning_name(bt_meaning_kind kind) {
  static const char *const names[] = {"equivalent", "stricter", "laxer", "different", "not_told_apart"};
  return names[kind];
}
