/* Deciding candidates from the spans that their rules speak of, without reading the traces: one search for those spans over the whole range. A trace
 * that these spans show not to violate needs no reading; every other one is read whole, as if this had not been asked. So whatever goes wrong
 * here costs reads and never an answer.
 * What is decided here must not be able to change by more spans: only traces whose fragments ended more than margin before what is settled, that
 * are not longer than margin, that no answer left in doubt. docs/ARCHITECTURE.md has the argument. Thread: the replay's. */
#include "server/replay/project.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/arena.h"
#include "dsl/traceql.h"
#include "server/replay/pruned_traces.h"

enum {
  TRIED = 600,       /* traces that are asked for alone to see whether this decides enough of them, */
  TRIED_FROM = 4000, /* of so many: else the others are under way anyway */
  WORTH_AFTER = 500, /* traces after which it is looked at */
  WORTH_SHARE = 4    /* one of so many has to be decided */
};

typedef struct projecting {
  bt_run *run;
  const size_t *known; /* what is asked for */
  const bool *rules;   /* which rules are decided so */
  size_t seen, decided;
} projecting;

/* Whether fragments with these bounds cannot belong to a trace that is judged otherwise later, or that begins before what was searched. */
static bool is_steady(const bt_run *run, int64_t start_ns, int64_t end_ns) {
  int64_t open_ns = bt_time_add(run->plan.request.assumptions.settle_ns, run->plan.window.margin_ns);
  bool is_young = end_ns > bt_time_subtract(run->plan.request.now_ns, run->plan.request.assumptions.handover_ns);
  if (run->plan.replicates && is_young) return false; /* these may be the spans that one ingester has */
  return end_ns < bt_time_subtract(run->plan.request.now_ns, open_ns) &&
         bt_time_subtract(end_ns, start_ns) <= run->plan.window.margin_ns;
}

static bool is_wanted(const bt_run *run, const bool *rules, size_t index) {
  bool wanted = false;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    if (!bt_bit_get(run->rules[i].unread, index)) continue;
    if (!rules[i]) return false; /* it is read whole for another rule */
    wanted = true;
  }
  return wanted;
}

bool bt_project_may_decide(const bt_run *run, size_t index) {
  const bt_known *known = &run->table.traces[index];
  if (known->flags & (BT_KNOWN_OWN | BT_KNOWN_ASKED) || bt_trace_table_place(&run->table, known) == BT_PLACE_OUTSIDE)
    return false;
  if (bt_pruned_traces_has(&run->questions, index)) return false;
  bool is_clear = known->flags & BT_KNOWN_LISTED ? is_steady(run, known->listed.start_ns, known->listed.end_ns) : true;
  if (known->flags & BT_KNOWN_MATCHED)
    is_clear = is_clear && is_steady(run, known->matched.start_ns, known->matched.end_ns);
  return is_clear;
}

/* The rule's verdict on the spans is the one on the trace; only "does not violate" is taken from it. */
static bt_spans_verdict verdict_of(const bt_rule_verdict *verdict) {
  if (verdict->verdict != BT_SATISFIED && verdict->verdict != BT_NOT_APPLICABLE) return BT_SPANS_UNDECIDED;
  return verdict->exercised == BT_TRUE ? BT_SPANS_EXERCISED : BT_SPANS_NO_VIOLATION;
}

void bt_project_decide(bt_run *run, bt_run_rule *rule, bt_spans_verdict verdict, size_t known) {
  rule->unread[known / 64] &= ~((uint64_t)1 << (known % 64));
  bt_bit_set(rule->decided, known);
  if (verdict == BT_SPANS_EXERCISED) bt_bit_set(rule->decided_exercised, known);
  run->account.result->rules[rule - run->rules].decided_unread++;
}

static bool is_decided(const bt_run *run, size_t known) {
  for (size_t i = 0; i < run->plan.rule_count; i++)
    if (bt_bit_get(run->rules[i].unread, known)) return false;
  return true;
}

/* *verdicts: of all rules; NULL: the whole trace is read, and that will say why these spans were too much. */
static bt_status evaluate(bt_run *run, const bt_trace *trace, const bt_rule_verdict **verdicts, bt_error *error) {
  bt_error why = {0};
  *verdicts = NULL;
  for (size_t i = 0; i < run->plan.rule_count; i++) run->evaluator.options[i].incomplete = false;
  bt_status status = bt_rule_evaluator_run(&run->evaluator, trace, verdicts, &why);
  if (status == BT_OK) return BT_OK;
  *verdicts = NULL;
  if (status == BT_LIMIT) return BT_OK;
  if (error) *error = why;
  return status;
}

static bool is_clear(const bt_trace *trace, bool needs_by_id) {
  return trace && trace->span_count && !needs_by_id && !trace->partial && !trace->differing_copies;
}

static bt_status judge_spans(projecting *p, size_t known, const bt_trace *trace, bt_error *error) {
  bt_run *run = p->run;
  const bt_rule_verdict *verdicts;
  bt_status status = evaluate(run, trace, &verdicts, error);
  if (status != BT_OK || !verdicts) return status;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    bool is_asked = p->rules[i] && bt_bit_get(run->rules[i].unread, known);
    bt_spans_verdict verdict = is_asked ? verdict_of(&verdicts[i]) : BT_SPANS_UNDECIDED;
    if (verdict != BT_SPANS_UNDECIDED) bt_project_decide(run, &run->rules[i], verdict, known);
  }
  p->decided += is_decided(run, known);
  return BT_OK;
}

bt_status bt_project_judge(bt_run *run, const bt_found_spans *spans, bt_spans_verdict *out, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  bt_status status = BT_OK;
  if (is_clear(spans->trace, spans->needs_by_id) && is_steady(run, spans->found.start_ns, spans->found.end_ns))
    status = evaluate(run, spans->trace, &verdicts, error);
  *out = status == BT_OK && verdicts ? verdict_of(&verdicts[0]) : BT_SPANS_UNDECIDED;
  return status;
}

static bool is_worthless(const projecting *p) {
  bool is_chosen = p->run->plan.request.strategy == BT_STRATEGY_AUTO;
  return is_chosen && p->seen >= WORTH_AFTER && p->decided < p->seen / WORTH_SHARE;
}

static bt_status take_spans(void *context, const bt_read_trace *read, bt_error *error) {
  projecting *p = context;
  if (bt_replay_plan_is_cancelled(&p->run->plan)) return bt_error_set(error, BT_CANCELLED, "the replay was cancelled");
  if (is_worthless(p)) return bt_error_set(error, BT_LIMIT, "too few are decided so");
  p->seen++;
  bt_found bounds = {.start_ns = read->start_ns, .end_ns = read->end_ns};
  if (read->trace) bt_found_widen(&bounds, read->trace);
  bool decides = is_clear(read->trace, read->needs_by_id) && is_steady(p->run, bounds.start_ns, bounds.end_ns);
  return decides ? judge_spans(p, p->known[read->index], read->trace, error) : BT_OK;
}

static bt_status ask(projecting *p, const bt_trace_id *ids, size_t count, bt_str spans, bt_error *error) {
  bt_run *run = p->run;
  bt_read_request request = bt_replay_plan_read(&run->plan, ids, count, run->questions.crowds.range);
  request.projection = run->questions.projection;
  request.spans = spans;
  request.crowds = &run->questions.crowds;
  bt_answer answer;
  bt_status added = bt_questions_read(&run->questions, &request, take_spans, p, false, &answer, error);
  if (answer.status != BT_CANCELLED && answer.status != BT_NO_MEMORY) return added;
  if (error) *error = answer.why;
  return answer.status;
}

/* One filter for all rules that are decided so; with more spans than one of them speaks of its verdict stays the same. */
static bool join_filters(const bt_run *run, const bool *rules, bt_buffer *out) {
  bt_str *filters = bt_realloc_array(NULL, run->plan.rule_count, sizeof *filters);
  size_t count = 0;
  if (!filters) return false;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    bool is_known = !rules[i];
    for (size_t f = 0; !is_known && f < count; f++)
      is_known = bt_str_equal(filters[f], run->plan.rules[i].plan->spans.filter);
    if (!is_known) filters[count++] = run->plan.rules[i].plan->spans.filter;
  }
  if (count) bt_traceql_join_filters(filters, count, out);
  free(filters);
  return !out->failed;
}

bt_status bt_project_make_sets(const bt_run *run, bt_run_rule *rule, bt_error *error) {
  if (!rule->decided) rule->decided = bt_bits_new(&run->table);
  if (!rule->decided_exercised) rule->decided_exercised = bt_bits_new(&run->table);
  return rule->decided && rule->decided_exercised ? BT_OK : bt_error_no_memory(error);
}

static bt_status make_sets(bt_run *run, const bool *rules, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++)
    if (rules[i]) status = bt_project_make_sets(run, &run->rules[i], error);
  return status;
}

static bt_status project(projecting *p, bt_str spans, bt_error *error) {
  bt_run *run = p->run;
  size_t *known = bt_realloc_array(NULL, run->table.count + 1, sizeof *known), count = 0, tried = 0;
  bt_trace_id *ids = bt_realloc_array(NULL, run->table.count + 1, sizeof *ids);
  bt_status status = known && ids ? make_sets(run, p->rules, error) : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < run->table.count; i++) {
    if (!bt_project_may_decide(run, i) || !is_wanted(run, p->rules, i)) continue;
    ids[count] = run->table.traces[i].matched.id;
    known[count++] = i;
  }
  p->known = known;
  if (run->plan.request.strategy == BT_STRATEGY_AUTO && count >= TRIED_FROM) tried = TRIED;
  if (status == BT_OK && tried) status = ask(p, ids, tried, spans, error);
  p->known += tried;
  if (status == BT_OK && count && !is_worthless(p)) status = ask(p, ids + tried, count - tried, spans, error);
  free(known);
  free(ids);
  return status;
}

bt_status bt_project(bt_run *run, const bool *rules, bt_error *error) {
  projecting p = {.run = run, .rules = rules};
  bt_buffer spans = {0};
  bt_status status = join_filters(run, rules, &spans) ? BT_OK : bt_error_no_memory(error);
  bool fits = spans.len && spans.len <= BT_TRACEQL_MAX_FILTER_BYTES;
  if (status == BT_OK && fits && !run->questions.source_lost) status = project(&p, bt_buffer_str(&spans), error);
  bt_buffer_dispose(&spans);
  return status;
}
