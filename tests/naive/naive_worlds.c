/* Records of one span that do not agree: dsl.md §3 and §2, "copies". Each choice of records is a trace of its own. See
 * naive_worlds.h. */
#include "tests/naive/naive_worlds.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/trace/trace_comparison.h"

typedef struct answers {
  const bt_rule *rule;
  const bt_eval_options *options;
  bool is_family;
  uint32_t count, of[BT_NOT_APPLICABLE + 1], exercised[BT_TRUE + 1];
  bt_reason reason; /* of those that were given the first */
  naive_verdict first;
} answers;

static bt_trace make_trace(const bt_trace *from, bt_arena *arena) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &from->id);
  if (!builder) abort();
  for (uint32_t i = 0; i < from->span_count; i++) {
    bt_span span = from->spans[i];
    span.other = span.unsplit = NULL;
    if (!bt_trace_builder_add_apart(builder, &span)) abort();
  }
  bt_trace trace = *bt_trace_builder_finish(builder);
  trace.partial = from->partial;
  return trace;
}

/* As it is told: other records are left out. */
static void judge_world(answers *a, const bt_family *family) {
  naive_verdict verdict;
  bt_arena arena;
  bt_arena_init(&arena, SIZE_MAX);
  bt_family_trace *traces = calloc(family->trace_count, sizeof *traces);
  bt_trace *made = calloc(family->trace_count, sizeof *made);
  if (!traces || !made) abort();
  for (uint32_t t = 0; t < family->trace_count; t++) {
    made[t] = make_trace(family->traces[t].trace, &arena);
    traces[t] = family->traces[t];
    traces[t].trace = &made[t];
  }
  if (a->is_family)
    naive_evaluate_family(a->rule, &(bt_family){.traces = traces, .trace_count = family->trace_count}, a->options,
                          &verdict);
  else
    naive_evaluate(a->rule, &made[0], a->options, &verdict);
  a->of[verdict.verdict]++;
  a->exercised[verdict.exercised]++;
  if (verdict.reason && (!a->reason || verdict.reason < a->reason)) a->reason = verdict.reason;
  if (a->count++ == 0)
    a->first = verdict;
  else
    naive_verdict_dispose(&verdict);
  free(traces);
  free(made);
  bt_arena_dispose(&arena);
}

/* ---- records that were not split: one value of each key that stands twice, in each combination ---- */

/* A place that has attributes: 0 to 2 are the span, its resource, its scope, then come events, then links. */
static const bt_attributes *attributes_at(const bt_span *span, uint32_t place) {
  if (place == 0) return &span->attributes;
  if (place == 1) return &span->resource->attributes;
  if (place == 2) return &span->scope->attributes;
  place -= 3;
  return place < span->event_count ? &span->events[place].attributes
                                   : &span->links[place - span->event_count].attributes;
}

static void set_attributes(bt_span *span, uint32_t place, bt_attributes attributes, bt_arena *arena) {
  void *room = bt_arena_alloc(arena, sizeof(bt_resource) + sizeof(bt_scope) + span->event_count * sizeof(bt_event) +
                                         span->link_count * sizeof(bt_link));
  bt_resource *resource = room;
  bt_scope *scope = room;
  bt_event *events = room;
  bt_link *links = room;
  if (!room) abort();
  if (place == 0) {
    span->attributes = attributes;
  } else if (place == 1) {
    const bt_value *service = bt_attributes_find(&attributes, BT_STR("service.name"));
    *resource = (bt_resource){span->resource->service, attributes};
    bool is_name = service && service->type == BT_VALUE_STRING && service->string.len > 0;
    if (service) resource->service = is_name ? service->string : (bt_str){NULL, 0};
    span->resource = resource;
  } else if (place == 2) {
    *scope = (bt_scope){span->scope->name, span->scope->version, attributes};
    span->scope = scope;
  } else if (place - 3 < span->event_count) {
    memcpy(events, span->events, span->event_count * sizeof *events);
    events[place - 3].attributes = attributes;
    span->events = events;
  } else {
    memcpy(links, span->links, span->link_count * sizeof *links);
    links[place - 3 - span->event_count].attributes = attributes;
    span->links = links;
  }
}

/* Its key stands before it, with another value each time, and not with the same. */
static bool is_another_value(const bt_attributes *attributes, uint32_t at) {
  bool is_again = false;
  for (uint32_t i = 0; i < at; i++) {
    if (!bt_str_equal(attributes->items[i].key, attributes->items[at].key)) continue;
    if (bt_values_agree(&attributes->items[i].value, &attributes->items[at].value)) return false;
    is_again = true;
  }
  return is_again;
}

static bool is_new_value(const bt_attributes *attributes, uint32_t at, bt_str key) {
  for (uint32_t i = 0; i < at; i++)
    if (bt_str_equal(attributes->items[i].key, key) &&
        bt_values_agree(&attributes->items[i].value, &attributes->items[at].value))
      return false;
  return bt_str_equal(attributes->items[at].key, key);
}

static bool find_doubled(const bt_span *span, uint32_t *place, bt_str *key) {
  for (*place = 0; *place < 3 + span->event_count + span->link_count; ++*place) {
    const bt_attributes *attributes = attributes_at(span, *place);
    for (uint32_t i = 0; i < attributes->count; i++) {
      *key = attributes->items[i].key;
      if (is_another_value(attributes, i)) return true;
    }
  }
  return false;
}

/* How many spans it may be; more than NAIVE_WORLDS_MAX: that many or more. */
static uint64_t count_variants(const bt_span *span) {
  uint64_t count = 1;
  for (uint32_t place = 0; place < 3 + span->event_count + span->link_count; place++) {
    const bt_attributes *attributes = attributes_at(span, place);
    for (uint32_t i = 0; i < attributes->count && count <= NAIVE_WORLDS_MAX; i++) {
      uint64_t values = 1;
      bool is_first = bt_attributes_find(attributes, attributes->items[i].key) == &attributes->items[i].value;
      for (uint32_t k = i + 1; is_first && k < attributes->count; k++)
        values += is_new_value(attributes, k, attributes->items[i].key);
      count *= values;
    }
  }
  return count;
}

static void judge_worlds(answers *a, const bt_family *family);

/* *span is one of the family's. */
static void judge_split(answers *a, const bt_family *family, bt_span *span) {
  uint32_t place;
  bt_str key;
  if (!find_doubled(span, &place, &key)) {
    judge_worlds(a, family);
    return;
  }
  const bt_span given = *span;
  const bt_attributes *all = attributes_at(&given, place);
  for (uint32_t kept = 0; kept < all->count; kept++) {
    if (!is_new_value(all, kept, key)) continue;
    bt_arena arena;
    bt_arena_init(&arena, SIZE_MAX);
    bt_attribute *items = bt_arena_array(&arena, all->count, sizeof *items);
    if (!items) abort();
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->count; i++)
      if (i == kept || !bt_str_equal(all->items[i].key, key)) items[count++] = all->items[i];
    *span = given;
    set_attributes(span, place, (bt_attributes){items, count, all->dropped}, &arena);
    judge_split(a, family, span);
    bt_arena_dispose(&arena);
  }
}

/* ---- worlds ---- */

static const bt_span *first_record(const bt_span *span) {
  return span->unsplit ? span->unsplit : span;
}

/* The family with each record of one span. */
static void judge_each(answers *a, const bt_family *family, uint32_t of, uint32_t span) {
  const bt_trace *given = family->traces[of].trace;
  bt_family_trace *traces = calloc(family->trace_count, sizeof *traces);
  bt_span *spans = calloc(given->span_count, sizeof *spans);
  if (!traces || !spans) abort();
  memcpy(traces, family->traces, family->trace_count * sizeof *traces);
  memcpy(spans, given->spans, given->span_count * sizeof *spans);
  bt_trace trace = *given;
  trace.spans = spans;
  traces[of].trace = &trace;
  for (const bt_span *record = first_record(&given->spans[span]); record; record = record->other) {
    spans[span] = *record;
    spans[span].other = NULL;
    judge_split(a, &(bt_family){.traces = traces, .trace_count = family->trace_count}, &spans[span]);
  }
  free(traces);
  free(spans);
}

static void judge_worlds(answers *a, const bt_family *family) {
  for (uint32_t t = 0; t < family->trace_count; t++)
    for (uint32_t s = 0; s < family->traces[t].trace->span_count; s++)
      if (family->traces[t].trace->spans[s].other || family->traces[t].trace->spans[s].unsplit) {
        judge_each(a, family, t, s);
        return;
      }
  judge_world(a, family);
}

static void conclude(const answers *a, naive_verdict *out) {
  bool agree = a->of[a->first.verdict] == a->count && a->first.verdict != BT_INCONCLUSIVE;
  *out = a->first;
  out->exercised = a->exercised[BT_TRUE] == a->count    ? BT_TRUE
                   : a->exercised[BT_FALSE] == a->count ? BT_FALSE
                                                        : BT_UNKNOWN;
  if (agree) return;
  naive_verdict_dispose(out);
  out->choice_total = 0;
  out->verdict = BT_INCONCLUSIVE;
  out->reason = a->reason;
  bool differ = a->of[BT_INCONCLUSIVE] < a->count;
  if (differ && (!out->reason || out->reason > BT_REASON_COPIES)) out->reason = BT_REASON_COPIES;
}

bool naive_has_worlds(const bt_family *family) {
  for (uint32_t t = 0; t < family->trace_count; t++) {
    const bt_trace *trace = family->traces[t].trace;
    if (trace->has_more_copies) return true;
    for (uint32_t s = 0; s < trace->span_count; s++)
      if (trace->spans[s].other || trace->spans[s].unsplit) return true;
  }
  return false;
}

/* More than NAIVE_WORLDS_MAX: that many or more. */
static uint64_t count_worlds(const bt_family *family) {
  uint64_t worlds = 1;
  for (uint32_t t = 0; t < family->trace_count; t++) {
    const bt_trace *trace = family->traces[t].trace;
    if (trace->has_more_copies) return UINT64_MAX;
    for (uint32_t s = 0; s < trace->span_count && worlds <= NAIVE_WORLDS_MAX; s++) {
      uint64_t records = 0;
      for (const bt_span *record = first_record(&trace->spans[s]); record; record = record->other)
        records += count_variants(record);
      worlds *= records;
    }
  }
  return worlds;
}

void naive_evaluate_worlds(const bt_rule *rule, const bt_family *family, bool is_family, const bt_eval_options *options,
                           naive_verdict *out) {
  answers a = {.rule = rule, .options = options, .is_family = is_family};
  uint64_t worlds = count_worlds(family);
  bool are_too_many = worlds > NAIVE_WORLDS_MAX;
  bool is_by_all = naive_is_exercised_by_all(rule) || (!rule->condition && !rule->when);
  *out = (naive_verdict){BT_INCONCLUSIVE, BT_REASON_COPIES, .exercised = is_by_all ? BT_TRUE : BT_UNKNOWN};
  if (!are_too_many) {
    judge_world(&a, family); /* as it is told, which is one of them */
    judge_worlds(&a, family);
    conclude(&a, out);
  }
  out->worlds = worlds;
}
