/* Traces in which records of one span do not agree. See evaluation_worlds.h. */
#include "dsl/evaluation_worlds.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WORLDS = 64 };
static const size_t most_bytes = (size_t)1 << 30; /* of a world */

typedef struct varying { /* a span with several records */
  uint32_t trace, span;
  const bt_span *chosen; /* of its records */
} varying;

typedef struct said { /* of one rule, in the worlds so far */
  uint32_t verdicts;  /* a bit for each */
  uint32_t exercised; /* likewise: bits of bt_truth */
  bt_reason reason;   /* the first in order of those that were given */
  bool rests_on_no_link, lacks_links;
} said;

struct bt_worlds {
  const bt_family *given;
  varying *spans;
  size_t span_count;
  uint64_t left;  /* worlds that are still to come; 0 at once where they are too many */
  bt_arena arena; /* of the world */
  bt_family family;
  bt_family_trace *traces;
  bt_trace *own; /* of the world: one for each trace of the family */
  said *rules;
  size_t rule_count;
};

static uint64_t count_records(const bt_span *span) {
  uint64_t count = 0;
  for (; span; span = span->other) count++;
  return count;
}

/* How many spans of the family have several records; *worlds: their product, or more than MOST_WORLDS. */
static size_t count_varying(const bt_family *family, uint64_t *worlds) {
  size_t count = 0;
  *worlds = 1;
  for (uint32_t t = 0; t < family->trace_count; t++) {
    const bt_trace *trace = family->traces[t].trace;
    if (trace->has_more_copies) *worlds = MOST_WORLDS + 1;
    for (uint32_t s = 0; trace->differing_copies && s < trace->span_count; s++) {
      if (!trace->spans[s].other) continue;
      count++;
      if (*worlds <= MOST_WORLDS) *worlds *= count_records(&trace->spans[s]);
    }
  }
  return count;
}

static void list_varying(bt_worlds *worlds) {
  for (uint32_t t = 0; t < worlds->given->trace_count; t++) {
    const bt_trace *trace = worlds->given->traces[t].trace;
    for (uint32_t s = 0; trace->differing_copies && s < trace->span_count; s++)
      if (trace->spans[s].other) worlds->spans[worlds->span_count++] = (varying){t, s, &trace->spans[s]};
  }
}

bt_worlds *bt_worlds_new(const bt_family *family, size_t rule_count) {
  bt_worlds *worlds = calloc(1, sizeof *worlds);
  if (!worlds) return NULL;
  size_t count = count_varying(family, &worlds->left);
  bt_arena_init(&worlds->arena, most_bytes);
  worlds->given = family;
  worlds->rule_count = rule_count;
  worlds->spans = calloc(count + 1, sizeof *worlds->spans);
  worlds->traces = calloc(family->trace_count, sizeof *worlds->traces);
  worlds->own = calloc(family->trace_count, sizeof *worlds->own);
  worlds->rules = calloc(rule_count + 1, sizeof *worlds->rules);
  if (!worlds->spans || !worlds->traces || !worlds->own || !worlds->rules) return bt_worlds_free(worlds), NULL;
  list_varying(worlds);
  return worlds;
}

void bt_worlds_free(bt_worlds *worlds) {
  if (!worlds) return;
  bt_arena_dispose(&worlds->arena);
  free(worlds->spans);
  free(worlds->traces);
  free(worlds->own);
  free(worlds->rules);
  free(worlds);
}

bool bt_worlds_are_few(const bt_worlds *worlds) {
  return worlds->left <= MOST_WORLDS;
}

/* As a number with a digit for each span: from the last record of each down to the first. */
static void step_back(bt_worlds *worlds) {
  for (size_t i = 0; i < worlds->span_count; i++) {
    varying *v = &worlds->spans[i];
    v->chosen = v->chosen->other;
    if (v->chosen) return;
    v->chosen = &worlds->given->traces[v->trace].trace->spans[v->span];
  }
}

/* The trace with the records that are chosen. False: no room. */
static bool build_trace(bt_worlds *worlds, uint32_t number, size_t *at) {
  const bt_trace *given = worlds->given->traces[number].trace;
  bt_trace_builder *builder = bt_trace_builder_new_for(&worlds->arena, &given->id, given->span_count);
  if (!builder) return false;
  for (uint32_t s = 0; s < given->span_count; s++) {
    bt_span span = given->spans[s];
    if (span.other) span = *worlds->spans[(*at)++].chosen;
    span.other = NULL;
    if (!bt_trace_builder_add_apart(builder, &span)) return false;
  }
  worlds->own[number] = *bt_trace_builder_finish(builder);
  worlds->own[number].partial = given->partial;
  return true;
}

static bool build_world(bt_worlds *worlds) {
  size_t at = 0;
  bt_arena_reset(&worlds->arena);
  for (uint32_t t = 0; t < worlds->given->trace_count; t++) {
    worlds->traces[t] = worlds->given->traces[t];
    if (!worlds->given->traces[t].trace->differing_copies) continue;
    if (!build_trace(worlds, t, &at)) return false;
    worlds->traces[t].trace = &worlds->own[t];
  }
  worlds->family = (bt_family){worlds->traces, worlds->given->trace_count};
  return true;
}

bool bt_worlds_next(bt_worlds *worlds, const bt_family **out, bt_status *status) {
  *status = BT_OK;
  if (!worlds->left) return false;
  step_back(worlds);
  *out = worlds->given;
  if (--worlds->left == 0) return true;
  if (!build_world(worlds)) return *status = BT_NO_MEMORY, false;
  *out = &worlds->family;
  return true;
}

void bt_worlds_take(bt_worlds *worlds, const bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < worlds->rule_count; i++) {
    said *rule = &worlds->rules[i];
    const bt_rule_verdict *verdict = &verdicts[i];
    bool is_first = verdict->reason && (!rule->reason || verdict->reason < rule->reason);
    rule->verdicts |= 1u << verdict->verdict;
    rule->exercised |= 1u << verdict->exercised;
    if (is_first) rule->reason = verdict->reason;
    rule->rests_on_no_link = rule->rests_on_no_link || verdict->rests_on_no_link;
    rule->lacks_links = rule->lacks_links || verdict->lacks_links;
  }
}

static bt_truth one_of(uint32_t exercised) {
  if (exercised == 1u << BT_TRUE) return BT_TRUE;
  return exercised == 1u << BT_FALSE ? BT_FALSE : BT_UNKNOWN;
}

/* In one world it is so, and in another it is not. */
static void leave_open(const said *rule, bt_rule_verdict *verdict) {
  bool differ = rule->verdicts != 1u << BT_INCONCLUSIVE;
  bt_reason reason = rule->reason;
  if (differ && (!reason || reason > BT_REASON_COPIES)) reason = BT_REASON_COPIES;
  *verdict = (bt_rule_verdict){.verdict = BT_INCONCLUSIVE,
                               .reason = reason,
                               .exercised = one_of(rule->exercised),
                               .spent = reason == BT_REASON_BUDGET ? verdict->spent : BT_SPENT_NOTHING,
                               .spent_in = reason == BT_REASON_BUDGET ? verdict->spent_in : (bt_range){0, 0},
                               .lacks_links = rule->lacks_links,
                               .family = verdict->family};
}

void bt_worlds_conclude(const bt_worlds *worlds, bt_rule_verdict *verdicts) {
  for (size_t i = 0; i < worlds->rule_count; i++) {
    const said *rule = &worlds->rules[i];
    bool is_one = (rule->verdicts & (rule->verdicts - 1)) == 0 && !(rule->verdicts & 1u << BT_INCONCLUSIVE);
    if (!is_one) {
      leave_open(rule, &verdicts[i]);
      continue;
    }
    verdicts[i].exercised = one_of(rule->exercised);
    verdicts[i].rests_on_no_link = rule->rests_on_no_link;
    verdicts[i].lacks_links = rule->lacks_links;
  }
}
