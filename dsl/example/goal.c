/* Looking for a trace that meets a goal. See goal.h. */
#include "dsl/example/goal.h"

#include "dsl/example/example.h"

enum { TRIES = 400, WIDE_TRIES = 200, NEAR_TRIES = 400 };

bool goal_is_met(search *s, const model *m, const example_goal *goal) {
  const bt_rule_verdict *verdicts = NULL;
  if (!m->count || !model_is_sound(m) || !search_judge(s, m, &verdicts)) return false;
  for (unsigned i = 0; i < s->rule_count; i++) {
    bt_verdict verdict = verdicts[i].verdict;
    bool is_met = goal->of[i] == WANTED_VIOLATED ? verdict == BT_VIOLATED
                  : goal->of[i] == WANTED_KEPT   ? verdict == BT_SATISFIED && verdicts[i].exercised == BT_TRUE
                                                 : verdict == BT_SATISFIED || verdict == BT_NOT_APPLICABLE;
    if (!is_met) return false;
  }
  return true;
}

/* Each rule as it is wanted, on the same spans, one after the other; then maybe a few changes. */
static bool make_candidate(search *s, const example_goal *goal) {
  unsigned first = s->rule_count > 1 ? search_draw(s, 2) : 0;
  model_clear(&s->model);
  bool is_made = search_make_rule(s, first, goal->of[first] == WANTED_VIOLATED);
  if (s->rule_count > 1 && !search_once_in(s, 3))
    is_made = search_make_rule(s, 1 - first, goal->of[1 - first] == WANTED_VIOLATED) || is_made;
  unsigned changes = search_once_in(s, 2) ? search_draw(s, 4) : 0;
  for (unsigned i = 0; i < changes; i++) search_change(s);
  return is_made || changes;
}

static bool try_with(search *s, const example_goal *goal, uint32_t most, unsigned tries, model *found) {
  s->most = most;
  for (unsigned i = 0; i < tries && !s->no_memory; i++) {
    s->seed = ((uint64_t)most << 32) + i + 1;
    s->drawn = 0;
    if (!make_candidate(s, goal) || !goal_is_met(s, &s->model, goal)) continue;
    model_copy(&s->model, found);
    goal_shrink(s, found, goal);
    return true;
  }
  return false;
}

/* Of one rule first without services that are called as its spans: they are hard to read. */
bool goal_find(search *s, const example_goal *goal, model *found) {
  s->names_spans_alone = s->rule_count == 1;
  for (uint32_t most = 1; most <= BT_EXAMPLE_SPANS; most++)
    if (try_with(s, goal, most, TRIES * s->rule_count, found)) return true;
  bool was_alone = s->names_spans_alone;
  s->names_spans_alone = false;
  for (uint32_t most = 1; was_alone && most <= BT_EXAMPLE_SPANS; most++)
    if (try_with(s, goal, most, TRIES, found)) return true;
  for (uint32_t most = 2 * BT_EXAMPLE_SPANS; most < BT_EXAMPLE_MOST_SPANS; most *= 2)
    if (try_with(s, goal, most, WIDE_TRIES, found)) return true;
  return try_with(s, goal, BT_EXAMPLE_MOST_SPANS, WIDE_TRIES, found);
}

/* How much of it is there, and is called as it was. */
static uint32_t size_of(const model *m, const model *near) {
  uint32_t size = 0;
  for (uint32_t i = 0; i < m->count; i++) {
    const model_span *span = &m->spans[i];
    size += 100 + (bt_str_equal(span->name, near->spans[i].name) ? 10u : 0u) + span->attributes.count +
            span->resource.count + span->events.count + span->links.count + (span->name.len > 0) + (span->status > 0) +
            (span->kind > 0);
  }
  return size;
}

bool goal_find_near(search *s, const example_goal *goal, const model *near, model *found) {
  uint32_t best = 0, most = size_of(near, near);
  s->most = near->count;
  for (unsigned i = 0; i < NEAR_TRIES && best < most && !s->no_memory; i++) {
    s->seed = i + 1;
    s->drawn = 0;
    model_copy(near, &s->model);
    for (unsigned b = 0; b < BT_MAX_BINDINGS; b++) s->bound[0][b] = MODEL_NONE;
    search_change(s);
    if (size_of(&s->model, near) <= best || size_of(&s->model, near) > most || !goal_is_met(s, &s->model, goal))
      continue;
    best = size_of(&s->model, near);
    model_copy(&s->model, found);
  }
  return best > 0;
}
