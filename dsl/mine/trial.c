/* Whether a trace exercises a behaviour and keeps it. See behaviour.h. */
#include <string.h>

#include "dsl/mine/behaviour.h"

void bt_mine_look(const bt_mine_trace *trace, bt_mine_view *view) {
  view->trace = trace;
  memset(view->first, 0xff, sizeof view->first); /* BT_NO_SPAN */
  for (uint32_t i = 0; i < trace->span_count; i++) view->child[i] = BT_NO_SPAN;
  for (uint32_t i = trace->span_count; i-- > 0;) {
    const bt_mine_span *span = &trace->spans[i];
    if (span->name != BT_NO_SPAN) {
      view->next[i] = view->first[span->name];
      view->first[span->name] = i;
    }
    view->sibling[i] = BT_NO_SPAN;
    if (span->parent == BT_NO_SPAN) continue;
    view->sibling[i] = view->child[span->parent];
    view->child[span->parent] = i;
  }
}

bool bt_mine_test_holds(const bt_mine_test *test, const bt_mine_span *span) {
  double lasts = (double)(span->end_ns - span->start_ns);
  if (test->kind == BT_TEST_NONE) return true;
  if (test->kind == BT_TEST_ERROR || test->kind == BT_TEST_NO_ERROR)
    return span->is_error == (test->kind == BT_TEST_ERROR);
  if (test->kind == BT_TEST_LONGER) return lasts > test->bound;
  if (test->kind == BT_TEST_SHORTER) return lasts <= test->bound;
  const bt_mine_attribute *found = bt_mine_find(span, test->key);
  if (test->kind == BT_TEST_LACKS) return !found;
  if (test->kind == BT_TEST_IS_NOT) return !found || found->hash != test->value.hash;
  if (!found || test->kind == BT_TEST_HAS) return found;
  if (test->kind == BT_TEST_IS) return found->hash == test->value.hash;
  bool is_above = found->number > test->bound;
  return found->type == BT_MINE_NUMBER && is_above == (test->kind == BT_TEST_ABOVE);
}

static uint32_t count_children(const bt_mine_view *view, uint32_t span, uint32_t name) {
  uint32_t count = 0;
  for (uint32_t c = view->child[span]; c != BT_NO_SPAN; c = view->sibling[c])
    count += view->trace->spans[c].name == name;
  return count;
}

static bool is_known(const bt_behaviour *b, const bt_mine_attribute *value) {
  for (uint32_t i = 0; i < b->value_count; i++)
    if (b->values[i].hash == value->hash) return true;
  return false;
}

static bt_trial try_attribute(const bt_behaviour *b, const bt_mine_span *span) {
  const bt_mine_attribute *found = bt_mine_find(span, b->key);
  bool is_kept = false;
  if (b->kind == BT_BEHAVE_HAS) return found ? BT_TRIAL_KEPT : BT_TRIAL_BROKEN;
  if (!found) return BT_TRIAL_NONE;
  if (b->kind == BT_BEHAVE_DOMAIN)
    is_kept = is_known(b, found);
  else if (b->kind == BT_BEHAVE_VALUE)
    is_kept = found->hash == b->value.hash;
  else if (found->type != BT_MINE_NUMBER)
    return BT_TRIAL_NONE;
  else
    is_kept = b->kind == BT_BEHAVE_MOST ? found->number <= b->bound : found->number >= b->bound;
  return is_kept ? BT_TRIAL_KEPT : BT_TRIAL_BROKEN;
}

static bt_trial kept_if(bool is_kept) {
  return is_kept ? BT_TRIAL_KEPT : BT_TRIAL_BROKEN;
}

/* Of one span: of b where the behaviour is about each b, else of a. */
static bt_trial try_span(const bt_behaviour *b, const bt_mine_view *view, uint32_t at) {
  const bt_mine_span *span = &view->trace->spans[at];
  const bt_mine_span *parent = span->parent == BT_NO_SPAN ? NULL : &view->trace->spans[span->parent];
  bool is_child = parent && parent->name == b->a;
  double lasts = (double)(span->end_ns - span->start_ns);
  if (b->kind == BT_BEHAVE_CHILD) return kept_if(count_children(view, at, b->b));
  if (b->kind == BT_BEHAVE_COUNT) return kept_if(count_children(view, at, b->b) <= b->bound);
  if (b->kind == BT_BEHAVE_STATUS) return kept_if(!span->is_error);
  if (b->kind == BT_BEHAVE_PARENT) return kept_if(is_child);
  if (b->kind == BT_BEHAVE_DURATION)
    return bt_mine_test_holds(&b->test, span) ? kept_if(lasts < b->bound) : BT_TRIAL_NONE;
  if (b->kind == BT_BEHAVE_DELAY)
    return is_child ? kept_if((double)(span->start_ns - parent->start_ns) <= b->bound) : BT_TRIAL_NONE;
  if (b->kind != BT_BEHAVE_SAME) return try_attribute(b, span);
  const bt_mine_attribute *above = is_child ? bt_mine_find(parent, b->key) : NULL, *own = bt_mine_find(span, b->key);
  return above && own ? kept_if(above->hash == own->hash) : BT_TRIAL_NONE;
}

/* One span with a[p] exercises it; all of them have to keep it. */
static bt_trial try_each(const bt_behaviour *b, const bt_mine_view *view, uint32_t name) {
  bt_trial trial = BT_TRIAL_NONE;
  for (uint32_t s = view->first[name]; s != BT_NO_SPAN; s = view->next[s]) {
    bt_trial one = try_span(b, view, s);
    if (one == BT_TRIAL_BROKEN) return one;
    if (one == BT_TRIAL_KEPT) trial = one;
  }
  return trial;
}

static bool has_tested(const bt_behaviour *b, const bt_mine_view *view) {
  for (uint32_t s = view->first[b->a]; s != BT_NO_SPAN; s = view->next[s])
    if (bt_mine_test_holds(&b->test, &view->trace->spans[s])) return true;
  return false;
}

bt_trial bt_behaviour_try(const bt_behaviour *b, const bt_mine_view *view) {
  uint32_t a = view->first[b->a], other = view->first[b->b];
  bool is_there = other != BT_NO_SPAN;
  if (b->kind == BT_BEHAVE_ROOT) {
    for (uint32_t s = a; s != BT_NO_SPAN; s = view->next[s])
      if (view->trace->spans[s].parent == BT_NO_SPAN) return BT_TRIAL_BROKEN;
    return BT_TRIAL_KEPT;
  }
  if (b->kind == BT_BEHAVE_PRESENCE || b->kind == BT_BEHAVE_ABSENCE)
    return has_tested(b, view) ? kept_if(is_there == (b->kind == BT_BEHAVE_PRESENCE)) : BT_TRIAL_NONE;
  if (b->kind == BT_BEHAVE_ORDER) {
    if (a == BT_NO_SPAN || !is_there) return BT_TRIAL_NONE;
    return kept_if(view->trace->spans[a].start_ns < view->trace->spans[other].start_ns);
  }
  bool is_of_b = b->kind == BT_BEHAVE_PARENT || b->kind == BT_BEHAVE_DELAY || b->kind == BT_BEHAVE_SAME;
  return try_each(b, view, is_of_b ? b->b : b->a);
}
