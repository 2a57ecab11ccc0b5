/* Deciding candidates from the spans that their rules speak of, without reading the traces: one search for those
 * spans over the whole range. A trace that these spans show not to violate needs no reading; every other one is read
 * whole, as if this had not been asked. So whatever goes wrong here costs reads and never an answer. Thread: the
 * replay's. */
#include "server/replay/decision.h"

#include <stdlib.h>

#include "dsl/arena.h"
#include "server/replay/spans_verdict.h"

enum {
  WORTH_AFTER = 500, /* traces after which it is looked at whether this decides enough of them */
  WORTH_SHARE = 4    /* one of so many has to be decided */
};

typedef struct projecting {
  bt_decider *decider;
  const size_t *known; /* what is asked for */
  const bool *rules;   /* which rules are decided so */
  size_t seen, decided;
} projecting;

static bool is_wanted(const bt_decider *decider, const bool *rules, size_t index) {
  bool wanted = false;
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    if (!bt_bit_get(decider->rules[i].unread, index)) continue;
    if (!rules[i]) return false; /* it is read whole for another rule */
    wanted = true;
  }
  return wanted;
}

static bool is_decided(const bt_decider *decider, size_t known) {
  for (size_t i = 0; i < decider->plan->rule_count; i++)
    if (bt_bit_get(decider->rules[i].unread, known)) return false;
  return true;
}

static bt_status judge_spans(projecting *p, size_t known, const bt_trace *trace, bt_error *error) {
  bt_decider *decider = p->decider;
  const bt_rule_verdict *verdicts;
  bt_status status = bt_spans_evaluate(decider, trace, &verdicts, error);
  if (status != BT_OK || !verdicts) return status;
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    bool is_asked = p->rules[i] && bt_bit_get(decider->rules[i].unread, known);
    bt_spans_verdict verdict = is_asked ? bt_spans_verdict_of(&verdicts[i]) : BT_SPANS_UNDECIDED;
    if (verdict != BT_SPANS_UNDECIDED) bt_spans_decide(decider, &decider->rules[i], verdict, known);
  }
  p->decided += is_decided(decider, known);
  return BT_OK;
}

static bool is_worthless(const projecting *p) {
  return p->decider->plan->weighs_ways && p->seen >= WORTH_AFTER && p->decided < p->seen / WORTH_SHARE;
}

static bt_status take_spans(void *context, const bt_read_trace *read, bt_error *error) {
  projecting *p = context;
  if (bt_replay_plan_is_cancelled(p->decider->plan)) return bt_replay_plan_cancelled(error);
  if (is_worthless(p)) return bt_error_set(error, BT_LIMIT, "too few are decided so");
  p->seen++;
  bt_found bounds = {.start_ns = read->start_ns, .end_ns = read->end_ns};
  if (read->trace) bt_found_widen(&bounds, read->trace);
  bool decides = bt_spans_are_clear(p->decider, read->trace, read->needs_by_id, &bounds);
  return decides ? judge_spans(p, p->known[read->index], read->trace, error) : BT_OK;
}

static bt_status ask_spans(projecting *p, const bt_trace_id *ids, size_t count, bt_over_query spans, bt_error *error) {
  bt_decider *decider = p->decider;
  bt_read_request request = bt_replay_plan_read(decider->plan, ids, count, decider->plan->spans_range);
  request.projection = decider->questions->projection;
  request.spans = spans;
  bt_answer answer;
  bt_status added = bt_questions_read(decider->questions, &request, take_spans, p, false, &answer, error);
  if (answer.status != BT_CANCELLED && answer.status != BT_NO_MEMORY) return added;
  if (error) *error = answer.why;
  return answer.status;
}

/* One query for all rules that are decided so; with more spans than one of them speaks of its verdict stays the
 * same. Without filter: there is none, or it does not fit into one. */
static bt_status join_spans(const bt_decider *decider, const bool *rules, bt_arena *arena, bt_over_query *out,
                            bt_error *error) {
  bt_query *queries = bt_realloc_array(NULL, decider->plan->rule_count, sizeof *queries);
  size_t count = 0;
  if (!queries) return bt_error_no_memory(error);
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    const bt_over_query *spans = &decider->plan->rules[i].plan->spans;
    bool is_known = !rules[i];
    for (size_t f = 0; !is_known && f < count; f++) is_known = bt_query_equal(queries[f], spans->asked);
    if (is_known) continue;
    queries[count++] = spans->asked;
    out->apart = count == 1 ? spans->apart : BT_APART_BY_KIND;
  }
  bt_status status = bt_query_union(arena, decider->plan->dialect, queries, count, &out->asked, error);
  free(queries);
  return status;
}

static bt_status make_sets(bt_decider *decider, const bool *rules, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++)
    if (rules[i]) status = bt_spans_make_sets(decider, &decider->rules[i], error);
  return status;
}

static bt_status project_traces(projecting *p, bt_over_query spans, bt_error *error) {
  bt_decider *decider = p->decider;
  size_t *known = bt_realloc_array(NULL, decider->table->count + 1, sizeof *known), count = 0;
  bt_trace_id *ids = bt_realloc_array(NULL, decider->table->count + 1, sizeof *ids);
  bt_status status = known && ids ? make_sets(decider, p->rules, error) : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < decider->table->count; i++) {
    if (!bt_spans_may_decide(decider, i) || !is_wanted(decider, p->rules, i)) continue;
    ids[count] = decider->table->traces[i].matched.id;
    known[count++] = i;
  }
  p->known = known;
  if (status == BT_OK && count) status = ask_spans(p, ids, count, spans, error);
  free(known);
  free(ids);
  return status;
}

static bt_status project_rules(bt_decider *decider, const bool *rules, bt_error *error) {
  projecting p = {.decider = decider, .rules = rules};
  bt_over_query spans = {.apart = BT_APART_BY_KIND};
  bt_arena arena;
  bt_arena_init(&arena, BT_JOINED_FILTERS_BYTES);
  bt_status status = join_spans(decider, rules, &arena, &spans, error);
  if (status == BT_OK && spans.asked.filter && !decider->questions->source_lost)
    status = project_traces(&p, spans, error);
  bt_arena_dispose(&arena);
  return status;
}

static bt_status project_candidates(bt_decider *decider, bt_error *error) {
  if (decider->stand_in) return BT_OK; /* their spans were asked for already */
  bool any = false, *rules = calloc(decider->plan->rule_count, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    rules[i] = decider->account->result->rules[i].strategy == BT_STRATEGY_PROJECTION &&
               bt_planned_rule_projects(decider->plan, &decider->plan->rules[i]);
    any = any || rules[i];
  }
  bt_status status = any ? project_rules(decider, rules, error) : BT_OK;
  free(rules);
  return status;
}

const bt_decision_way bt_projection_way = {.decide = project_candidates};
