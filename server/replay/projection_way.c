/* Deciding candidates from the spans that their rules speak of, without reading the traces. A read by id gives those of
 * some candidates. A search by time gives those of many, and of other traces, because each part of the ids would cost
 * the source a look at all of them. A trace that these spans show not to violate needs no reading, and one that they
 * show to violate is marked, because of very many some may be counted alone. Every other one is read whole, as if this
 * had not been asked. So whatever goes wrong here costs reads and never an answer. Thread: the replay's. */
#include "server/replay/decision.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "server/replay/spans_verdict.h"

enum {
  WORTH_AFTER = 500, /* traces after which it is looked at whether this decides enough of them */
  WORTH_SHARE = 4,   /* one of so many has to be decided */
  FIND_FROM = 4,     /* reads by id that one search by time is asked instead of */
  MOST_OTHERS = 4,   /* traces that it may give besides, for each that is asked for */
  COUNT_FROM = 2     /* traces for each violation that is listed, from which on the others may be most of them */
};

typedef struct projecting {
  bt_decider *decider;
  size_t *known;     /* what is asked for; new, */
  bt_trace_id *ids;  /* and by id; new */
  size_t count;      /* of both */
  const bool *rules; /* which rules are decided so */
  bool counts;       /* what is shown to violate is decided, too: most of it will be counted alone */
  uint64_t *wanted;  /* bits over the known traces: those asked for; new, or NULL */
  uint64_t *given;   /* and of these what was given; new, or NULL */
  size_t seen, decided, others;
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

static bool is_decided(const projecting *p, size_t known) {
  for (size_t i = 0; i < p->decider->plan->rule_count; i++) {
    const bt_rule_sets *rule = &p->decider->rules[i];
    bool violates = p->counts && rule->violating && bt_bit_get(rule->violating, known);
    if (bt_bit_get(rule->unread, known) && !violates) return false;
  }
  return true;
}

static bt_status judge_spans(projecting *p, size_t known, const bt_trace *trace, bt_error *error) {
  bt_decider *decider = p->decider;
  const bt_rule_verdict *verdicts;
  bt_status status = bt_spans_evaluate(decider, trace, &verdicts, error);
  if (status != BT_OK || !verdicts) return status;
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    bool is_asked = p->rules[i] && bt_bit_get(decider->rules[i].unread, known);
    bt_spans_verdict verdict = is_asked ? bt_spans_verdict_of(decider, &verdicts[i]) : BT_SPANS_UNDECIDED;
    if (verdict != BT_SPANS_UNDECIDED) bt_spans_decide(decider, &decider->rules[i], verdict, known);
  }
  p->decided += is_decided(p, known);
  return BT_OK;
}

static bool is_worthless(const projecting *p) {
  return p->decider->plan->weighs_ways && p->seen >= WORTH_AFTER && p->decided < p->seen / WORTH_SHARE;
}

static bt_status take_shown(projecting *p, size_t known, const bt_trace *spans, bool needs_by_id,
                            const bt_found *bounds, bt_error *error) {
  if (bt_replay_plan_is_cancelled(p->decider->plan)) return bt_replay_plan_cancelled(error);
  if (is_worthless(p)) return bt_error_set(error, BT_LIMIT, "too few are decided so");
  p->seen++;
  return bt_spans_are_clear(p->decider, spans, needs_by_id, bounds) ? judge_spans(p, known, spans, error) : BT_OK;
}

/* ---- by id ---- */

/* That a batch shows none is known where it says what a read by id says. Then nothing of the trace is left to see. */
static bool shows_none(const projecting *p, const bt_read_trace *read) {
  const bt_decider *decider = p->decider;
  bool is_sure = decider->plan->reads_agree && !decider->plan->lacks && decider->questions->own_are_known;
  return is_sure && !read->trace && !read->needs_by_id;
}

static bt_status take_spans(void *context, const bt_read_trace *read, bt_error *error) {
  projecting *p = context;
  bt_found bounds = {.start_ns = read->start_ns, .end_ns = read->end_ns};
  if (read->trace) bt_found_widen(&bounds, read->trace);
  if (shows_none(p, read)) {
    const bt_trace none = {.id = p->ids[read->index], .root = BT_NO_SPAN};
    p->seen++;
    return judge_spans(p, p->known[read->index], &none, error);
  }
  return take_shown(p, p->known[read->index], read->trace, read->needs_by_id, &bounds, error);
}

static bt_status read_spans(projecting *p, bt_over_query spans, bt_error *error) {
  bt_decider *decider = p->decider;
  bt_read_request request = bt_replay_plan_read(decider->plan, p->ids, p->count, decider->plan->spans_range);
  request.projection = decider->questions->projection;
  request.spans = spans;
  bt_answer answer;
  bt_status added = bt_questions_read(decider->questions, &request, take_spans, p, false, &answer, error);
  if (answer.status != BT_CANCELLED && answer.status != BT_NO_MEMORY) return added;
  if (error) *error = answer.why;
  return answer.status;
}

/* ---- by time ---- */

/* It is read whole, as if nothing had been shown. */
static void open_again(projecting *p, size_t known) {
  bt_decider *decider = p->decider;
  p->decided -= is_decided(p, known);
  for (size_t i = 0; i < decider->plan->rule_count; i++)
    if (p->rules[i]) bt_spans_undecide(decider, &decider->rules[i], known);
}

/* What is given twice is longer than any part of the time shows. */
static bt_status take_found(void *context, const bt_found_spans *spans, bt_error *error) {
  projecting *p = context;
  const bt_trace_table *table = p->decider->table;
  const bt_known *known = bt_trace_table_find(table, &spans->found.id);
  size_t number = known ? (size_t)(known - table->traces) : 0;
  if (!known || !bt_bit_get(p->wanted, number)) {
    if (++p->others <= p->count * MOST_OTHERS) return BT_OK;
    return bt_error_set(error, BT_LIMIT, "most of the traces with such spans are no candidates");
  }
  if (bt_bit_get(p->given, number)) {
    open_again(p, number);
    return BT_OK;
  }
  bt_bit_set(p->given, number);
  return take_shown(p, number, spans->trace, spans->needs_by_id, &spans->found, error);
}

static bt_spans_request search_of(const projecting *p, bt_over_query spans) {
  const bt_replay_plan *plan = p->decider->plan;
  bt_spans_request search = bt_replay_plan_spans(plan, spans, plan->spans_range);
  search.projection = p->decider->questions->projection;
  search.expected = p->count;
  search.longest_ns = plan->window.margin_ns;
  return search;
}

/* All of it counts, or nothing. *is_done: nothing more is to be asked. */
static bt_status find_spans(projecting *p, bt_over_query spans, bool *is_done, bt_error *error) {
  bt_error why = {0};
  bt_spans_request search = search_of(p, spans);
  p->wanted = bt_bits_new(p->decider->table);
  p->given = bt_bits_new(p->decider->table);
  if (!p->wanted || !p->given) return bt_error_no_memory(error);
  for (size_t i = 0; i < p->count; i++) bt_bit_set(p->wanted, p->known[i]);
  bt_status status = bt_questions_find_spans(p->decider->questions, &search, NULL, take_found, p, &why);
  *is_done = status == BT_OK || is_worthless(p);
  if (status == BT_OK) return BT_OK;
  for (size_t i = 0; i < p->count; i++) open_again(p, p->known[i]);
  p->seen = p->decided = 0;
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

static bool are_many(const projecting *p) {
  const bt_replay_plan *plan = p->decider->plan;
  uint32_t at_once = plan->costs.projected_at_once;
  bool can_find = plan->is_checked && !plan->reads_agree && p->decider->questions->source->operations->find_spans;
  return can_find && at_once && p->count / at_once >= FIND_FROM;
}

static bt_status ask_spans(projecting *p, bt_over_query spans, bt_error *error) {
  bool is_done = false;
  bt_status status = are_many(p) ? find_spans(p, spans, &is_done, error) : BT_OK;
  return status == BT_OK && !is_done ? read_spans(p, spans, error) : status;
}

/* ---- which rules, and which traces ---- */

/* Many more than are listed. */
static bool are_counted(const bt_decider *decider, uint64_t traces) {
  return bt_spans_may_count(decider) && traces / COUNT_FROM > decider->plan->request.most_listed;
}

/* Of a rule from which something was subtracted what is left may violate, and be counted. */
static bool is_projected(const bt_decider *decider, size_t rule) {
  bt_strategy strategy = decider->account->result->rules[rule].strategy;
  if (!bt_planned_rule_projects(decider->plan, &decider->plan->rules[rule])) return false;
  if (strategy == BT_STRATEGY_PROJECTION) return true;
  return strategy == BT_STRATEGY_ID_SETS && decider->plan->weighs_ways &&
         are_counted(decider, bt_bits_count(decider->table, decider->rules[rule].unread));
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
  p->known = bt_realloc_array(NULL, decider->table->count + 1, sizeof *p->known);
  p->ids = bt_realloc_array(NULL, decider->table->count + 1, sizeof *p->ids);
  bt_status status = p->known && p->ids ? make_sets(decider, p->rules, error) : bt_error_no_memory(error);
  for (size_t i = 0; status == BT_OK && i < decider->table->count; i++) {
    if (!bt_spans_may_decide(decider, i) || !is_wanted(decider, p->rules, i)) continue;
    p->ids[p->count] = decider->table->traces[i].matched.id;
    p->known[p->count++] = i;
  }
  p->counts = are_counted(decider, p->count);
  return status == BT_OK && p->count ? ask_spans(p, spans, error) : status;
}

static void dispose_projecting(projecting *p) {
  free(p->known);
  free(p->ids);
  free(p->wanted);
  free(p->given);
}

static bt_status project_rules(bt_decider *decider, const bool *rules, bt_error *error) {
  projecting p = {.decider = decider, .rules = rules};
  bt_over_query spans = {.apart = BT_APART_BY_KIND};
  bt_arena arena;
  bt_arena_init(&arena, BT_JOINED_FILTERS_BYTES);
  bt_status status = join_spans(decider, rules, &arena, &spans, error);
  if (status == BT_OK && spans.asked.filter && !decider->questions->source_lost)
    status = project_traces(&p, spans, error);
  dispose_projecting(&p);
  bt_arena_dispose(&arena);
  return status;
}

static bt_status project_candidates(bt_decider *decider, bt_error *error) {
  if (decider->stand_in) return BT_OK; /* their spans were asked for already */
  bool any = false, *rules = calloc(decider->plan->rule_count, sizeof *rules);
  if (!rules) return bt_error_no_memory(error);
  for (size_t i = 0; i < decider->plan->rule_count; i++) {
    rules[i] = is_projected(decider, i);
    any = any || rules[i];
  }
  bt_status status = any ? project_rules(decider, rules, error) : BT_OK;
  free(rules);
  return status;
}

const bt_decision_way bt_projection_way = {.decide = project_candidates};
