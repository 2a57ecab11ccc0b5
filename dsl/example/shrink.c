/* Making a trace small: each step leaves something out, or puts it into its plainest form, and stays where the goal is
 * still met. It ends: no step undoes another. See goal.h. */
#include <string.h>

#include "dsl/example/goal.h"

static const int64_t MS = 1000000;

typedef struct shrinking {
  search *s;
  const example_goal *goal;
  model *m;     /* the smallest so far, which meets the goal */
  model *tried; /* a step further */
  bool is_smaller;
} shrinking;

static model_span *begin_step(shrinking *w, uint32_t span) {
  model_copy(w->m, w->tried);
  return &w->tried->spans[span];
}

static bool keep_step(shrinking *w) {
  if (w->s->no_memory || !goal_is_met(w->s, w->tried, w->goal)) return false;
  model_copy(w->tried, w->m);
  return w->is_smaller = true;
}

static void drop_spans(shrinking *w) {
  for (uint32_t i = w->m->count; i-- > 0 && w->m->count > 1;) {
    begin_step(w, 0);
    model_remove(w->tried, i);
    keep_step(w);
  }
}

static void drop_keys(shrinking *w, uint32_t span, size_t offset) {
  const model_keys *keys = (const model_keys *)(const void *)((const char *)&w->m->spans[span] + offset);
  for (uint32_t i = keys->count; i-- > 0;) {
    model_keys *tried = (model_keys *)(void *)((char *)begin_step(w, span) + offset);
    memmove(&tried->items[i], &tried->items[i + 1], (--tried->count - i) * sizeof *tried->items);
    keep_step(w);
  }
}

static void drop_parts(shrinking *w, uint32_t span, size_t offset) {
  const model_parts *parts = (const model_parts *)(const void *)((const char *)&w->m->spans[span] + offset);
  for (uint32_t i = parts->count; i-- > 0;) {
    model_parts *tried = (model_parts *)(void *)((char *)begin_step(w, span) + offset);
    memmove(&tried->items[i], &tried->items[i + 1], (--tried->count - i) * sizeof *tried->items);
    if (keep_step(w)) continue;
    for (uint32_t k = parts->items[i].count; k-- > 0;) {
      model_part *part = &((model_parts *)(void *)((char *)begin_step(w, span) + offset))->items[i];
      memmove(&part->items[k], &part->items[k + 1], (--part->count - k) * sizeof *part->items);
      keep_step(w);
    }
    if (!parts->items[i].name.len) continue;
    ((model_parts *)(void *)((char *)begin_step(w, span) + offset))->items[i].name.len = 0;
    keep_step(w);
  }
}

/* A span is called so, and not its service. */
static void prefer_name(shrinking *w, uint32_t span) {
  model_span *tried = begin_step(w, span);
  bt_field service = {.kind = BT_FIELD_SERVICE};
  bt_value value = model_get(w->tried, &service, (model_place){(int)span, MODEL_NONE});
  if (tried->name.len || value.type != BT_VALUE_STRING) return;
  tried->name = value.string;
  (void)model_set(w->tried, &service, (model_place){(int)span, MODEL_NONE}, (bt_value){0});
  keep_step(w);
}

static void drop_texts(shrinking *w, uint32_t span) {
  static const size_t offsets[] = {offsetof(model_span, name), offsetof(model_span, status_message),
                                   offsetof(model_span, scope_name), offsetof(model_span, scope_version)};
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
    bt_str *text = (bt_str *)(void *)((char *)begin_step(w, span) + offsets[i]);
    if (!text->len) continue;
    *text = (bt_str){0};
    keep_step(w);
  }
}

static void drop_words(shrinking *w, uint32_t span) {
  model_span *tried = begin_step(w, span);
  if (tried->status) tried->status = BT_SPAN_STATUS_UNSET, keep_step(w);
  tried = begin_step(w, span);
  if (tried->kind) tried->kind = BT_KIND_UNSPECIFIED, keep_step(w);
  tried = begin_step(w, span);
  if (tried->flags || tried->dropped_attributes || tried->dropped_events || tried->dropped_links ||
      tried->trace_state.value.type) {
    tried->flags = tried->dropped_attributes = tried->dropped_events = tried->dropped_links = 0;
    tried->trace_state = (bt_attribute){0};
    keep_step(w);
  }
}

/* One after the other, a millisecond each, under the first one. */
static void make_plain(shrinking *w, uint32_t span) {
  model_span *tried = begin_step(w, span);
  int64_t start_ns = span * MS, duration_ns = tried->end_ns - tried->start_ns;
  if (tried->start_ns != start_ns) {
    tried->start_ns = start_ns;
    tried->end_ns = start_ns + duration_ns;
    keep_step(w);
  }
  tried = begin_step(w, span);
  if (tried->end_ns - tried->start_ns != MS) tried->end_ns = tried->start_ns + MS, keep_step(w);
  tried = begin_step(w, span);
  bt_span_id parent = span ? tried[-(ptrdiff_t)span].id : (bt_span_id){{0}};
  if (memcmp(&tried->parent_id, &parent, sizeof parent) != 0) tried->parent_id = parent, keep_step(w);
}

void goal_shrink(search *s, model *m, const example_goal *goal) {
  shrinking w = {.s = s, .goal = goal, .m = m, .tried = &s->model, .is_smaller = true};
  for (unsigned round = 0; round < 8 && w.is_smaller && !s->no_memory; round++) {
    w.is_smaller = false;
    drop_spans(&w);
    for (uint32_t i = 0; i < m->count; i++) {
      drop_parts(&w, i, offsetof(model_span, events));
      drop_parts(&w, i, offsetof(model_span, links));
      drop_keys(&w, i, offsetof(model_span, attributes));
      drop_keys(&w, i, offsetof(model_span, resource));
      drop_keys(&w, i, offsetof(model_span, scope));
      drop_texts(&w, i);
      prefer_name(&w, i);
      drop_words(&w, i);
      make_plain(&w, i);
    }
  }
}
