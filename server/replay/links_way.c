/* Deciding the candidates of rules that follow links without reading each with its family by id. Two questions are
 * asked of many candidates at once: which spans link elsewhere (linked_evidence.h), and which spans they have
 * themselves. Of old traces these are the spans that the rule speaks of. Of young ones they are all, because only the
 * whole trace shows whether it is over. A trace that these show not to violate needs no reading. Every other one is
 * read, and its family gathered where the judge needs it. Candidates go in chunks by time, so that what links into a
 * chunk fits into memory. Thread: the replay's. */
#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/replay/linked_evidence.h"
#include "server/replay/marked_traces.h"

enum {
  TRIED = 512,     /* candidates that are looked at alone, to see whether this decides enough of them */
  WORTH_SHARE = 4, /* one of so many has to be decided */
  CHUNK = 20000,   /* candidates */
  PAGE = 1000,     /* of them that are read whole at once */
  PROBE_SHARE = 16 /* of a chunk's range, in its middle, in which linking traces are counted */
};

/* How the own spans of a candidate come. */
typedef enum reading {
  READ_SPANS, /* those that the rule speaks of */
  READ_WHOLE, /* all: more of them may be there than these tell */
  READ_BY_ID, /* by the judge, which may look at what links to it (trace_judge.c) */
  READINGS
} reading;

typedef struct candidate {
  int64_t start_ns, end_ns;
  size_t known;
  reading reading;
} candidate;

typedef struct looking {
  bt_decider *decider;
  bt_rule_sets *rule;
  const candidate *chunk; /* by time */
  size_t count;
  size_t *asked; /* room for the numbers of chunk's candidates: those of one read */
  bt_trace_id *ids;
  uint32_t *span_counts;
  size_t decided;
} looking;

/* ---- candidates ---- */

static int compare_starts(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return (x->known > y->known) - (x->known < y->known);
}

/* What several ingesters hold is read by id until it was handed over: a batch gives what one of them has. */
static bool may_be_copies(const bt_decider *decider, int64_t end_ns) {
  const bt_replay_request *request = &decider->plan->request;
  return decider->plan->has_copies && end_ns > bt_time_subtract(request->now_ns, request->assumptions.handover_ns);
}

/* READINGS: it does not come. Old ones were looked at already where spans came first. */
static reading reading_of(const bt_decider *decider, size_t index) {
  const bt_known *known = &decider->table->traces[index];
  if (bt_spans_may_decide(decider, index)) return decider->stand_in ? READINGS : READ_SPANS;
  if (bt_trace_table_is_outside(decider->table, known)) return READINGS;
  if (known->flags & (BT_KNOWN_OWN | BT_KNOWN_ASKED)) return READINGS;
  if (bt_pruned_traces_has(decider->questions, index)) return READINGS;
  return may_be_copies(decider, bt_known_bounds(known)->end_ns) ? READ_BY_ID : READ_WHOLE;
}

/* New, by time. NULL: no memory. */
static candidate *list_candidates(const bt_decider *decider, const bt_rule_sets *rule, size_t *count) {
  candidate *candidates = bt_realloc_array(NULL, decider->table->count + 1, sizeof *candidates);
  *count = 0;
  for (size_t i = 0; candidates && i < decider->table->count; i++) {
    if (!bt_bit_get(rule->unread, i)) continue;
    const bt_found *bounds = bt_known_bounds(&decider->table->traces[i]);
    reading how = reading_of(decider, i);
    if (how != READINGS) candidates[(*count)++] = (candidate){bounds->start_ns, bounds->end_ns, i, how};
  }
  if (candidates && *count) qsort(candidates, *count, sizeof *candidates, compare_starts);
  return candidates;
}

/* ---- what shows them not to violate ---- */

static bt_status judge_own(looking *l, size_t known, const bt_trace *own, bt_error *error) {
  bt_spans_verdict verdict;
  bt_status status = bt_linked_evidence_judge(l->decider, l->rule, own, &verdict, error);
  if (status != BT_OK || verdict == BT_SPANS_UNDECIDED) return status;
  bt_spans_decide(l->decider, l->rule, verdict, known);
  l->decided++;
  return BT_OK;
}

static bool is_clear_of_old(const looking *l, const bt_read_trace *read) {
  bt_found bounds = {.start_ns = read->start_ns, .end_ns = read->end_ns};
  if (read->trace) bt_found_widen(&bounds, read->trace);
  return bt_spans_are_clear(l->decider, read->trace, read->needs_by_id, &bounds);
}

/* The whole trace is here, as far as its newest spans are. */
static bool is_whole(const looking *l, size_t known, const bt_read_trace *read) {
  const bt_trace *trace = read->trace;
  if (!trace || !trace->span_count || read->needs_by_id || trace->partial || trace->differing_copies) return false;
  bool has_all = trace->span_count >= bt_known_span_count(&l->decider->table->traces[known]);
  bool is_long =
      bt_window_is_long(&l->decider->plan->window, bt_trace_start_ns(trace), bt_trace_latest_start_ns(trace));
  return has_all && !is_long && !may_be_copies(l->decider, bt_trace_end_ns(trace));
}

/* It shows where the trace lies, too. In the tail, of which nothing but violations is told, it may go on: what does not
 * violate now is told likewise. */
static bt_status look_at_young(looking *l, size_t known, const bt_read_trace *read, bool *is_clear, bt_error *error) {
  bt_trace_table *table = l->decider->table;
  bt_known *k = &table->traces[known];
  const bt_planned_rule *rule = l->rule->planned;
  *is_clear = false;
  if (!is_whole(l, known, read)) return BT_OK;
  bt_status status = bt_trace_table_keep_places(table, k, read->trace, error);
  if (status != BT_OK) return status;
  int64_t settled_ns = bt_time_subtract(l->decider->plan->request.now_ns, rule->settle_ns);
  bt_place place = bt_trace_table_place_in(table, rule->window, k);
  *is_clear = place == BT_PLACE_TAIL || (place == BT_PLACE_SETTLED && bt_trace_end_ns(read->trace) <= settled_ns);
  return BT_OK;
}

static bt_status take_own(void *context, const bt_read_trace *read, bt_error *error) {
  looking *l = context;
  if (bt_replay_plan_is_cancelled(l->decider->plan)) return bt_replay_plan_cancelled(error);
  const candidate *of = &l->chunk[l->asked[read->index]];
  bool is_clear = of->reading == READ_SPANS && is_clear_of_old(l, read);
  bt_status status = BT_OK;
  if (of->reading == READ_WHOLE) status = look_at_young(l, of->known, read, &is_clear, error);
  return status == BT_OK && is_clear ? judge_own(l, of->known, read->trace, error) : status;
}

/* Late fragments lie in blocks that are dated by their arrival, so that it goes on to now. */
static bt_time_range range_of_whole(const looking *l, size_t count) {
  const bt_replay_plan *plan = l->decider->plan;
  int64_t first_ns = l->chunk[l->asked[0]].start_ns, last_ns = plan->request.now_ns;
  for (size_t i = 0; i < count; i++)
    if (l->chunk[l->asked[i]].end_ns > last_ns) last_ns = l->chunk[l->asked[i]].end_ns;
  return (bt_time_range){bt_time_subtract(first_ns, plan->window.margin_ns), bt_time_add(last_ns, 1)};
}

/* The first `count` of l->asked. */
static bt_status read_asked(looking *l, reading how, size_t count, bt_error *error) {
  bt_decider *decider = l->decider;
  bt_answer answer = {0};
  for (size_t i = 0; i < count; i++) {
    const bt_known *known = &decider->table->traces[l->chunk[l->asked[i]].known];
    l->ids[i] = known->matched.id;
    l->span_counts[i] = bt_known_span_count(known);
  }
  bt_time_range range = how == READ_SPANS ? decider->plan->spans_range : range_of_whole(l, count);
  bt_read_request request = bt_replay_plan_read(decider->plan, l->ids, count, range);
  request.projection = &l->rule->planned->own_fields;
  if (how == READ_SPANS) request.spans = l->rule->planned->plan->evidence.own;
  if (how == READ_WHOLE) request.span_counts = l->span_counts;
  bt_status status = bt_questions_read(decider->questions, &request, take_own, l, false, &answer, error);
  if (status == BT_OK && answer.status != BT_OK) return bt_error_set(error, answer.status, "%s", answer.why.message);
  return status;
}

static bt_status read_own(looking *l, reading how, bt_error *error) {
  size_t most = how == READ_WHOLE ? (size_t)PAGE : l->count, count = 0;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < l->count; i++) {
    if (l->chunk[i].reading == how) l->asked[count++] = i;
    if (count < most) continue;
    status = read_asked(l, how, count, error);
    count = 0;
  }
  return status == BT_OK && count ? read_asked(l, how, count, error) : status;
}

/* ---- the walk ---- */

static bt_status gather_evidence(looking *l, bool is_tried, bt_error *error) {
  bt_time_range range = {l->chunk[0].start_ns, l->chunk[0].end_ns};
  for (size_t i = 0; i < l->count; i++)
    if (l->chunk[i].end_ns > range.end_ns) range.end_ns = l->chunk[i].end_ns;
  range = bt_linked_evidence_range(l->rule, range);
  int64_t probed_ns = bt_time_subtract(range.end_ns, range.start_ns) / PROBE_SHARE + 1;
  int64_t middle_ns = l->chunk[l->count / 2].start_ns;
  bt_time_range probed = {middle_ns, bt_time_add(middle_ns, probed_ns)};
  bt_status status = BT_OK;
  if (is_tried) status = bt_linked_evidence_probe(l->decider, l->rule, probed, l->count / PROBE_SHARE, error);
  const bt_gathering what = {.range = range, .expected = l->count};
  return status == BT_OK ? bt_linked_evidence_gather(l->decider, l->rule, &what, error) : status;
}

static bt_status look_at_chunk(looking *l, bool is_tried, bt_error *error) {
  bt_status status = BT_OK;
  l->asked = bt_realloc_array(NULL, l->count, sizeof *l->asked);
  l->ids = bt_realloc_array(NULL, l->count, sizeof *l->ids);
  l->span_counts = bt_realloc_array(NULL, l->count, sizeof *l->span_counts);
  if (!l->asked || !l->ids || !l->span_counts) status = bt_error_no_memory(error);
  if (status == BT_OK && !l->decider->stand_in) status = gather_evidence(l, is_tried, error);
  if (status == BT_OK) status = read_own(l, READ_SPANS, error);
  if (status == BT_OK) status = read_own(l, READ_WHOLE, error);
  free(l->asked);
  free(l->ids);
  free(l->span_counts);
  return status;
}

static bt_status look_at_all(looking *l, const candidate *candidates, size_t count, bt_error *error) {
  bool is_weighed = l->decider->plan->weighs_ways && !l->decider->stand_in;
  bt_status status = BT_OK;
  for (size_t at = 0; status == BT_OK && at < count; at += l->count) {
    bool is_tried = is_weighed && !at;
    l->chunk = candidates + at;
    l->count = count - at < CHUNK ? count - at : CHUNK;
    if (is_tried && count > 2 * (size_t)TRIED) l->count = TRIED;
    size_t before = l->decided;
    status = look_at_chunk(l, is_tried, error);
    if (is_tried && l->decided - before < l->count / WORTH_SHARE) return status;
  }
  return status;
}

/* What fails here is read: it is no loss. */
static bt_status decide_rule(bt_decider *decider, bt_rule_sets *rule, bt_error *error) {
  looking l = {.decider = decider, .rule = rule};
  size_t count;
  bt_error why = {0};
  candidate *candidates = list_candidates(decider, rule, &count);
  if (!candidates) return bt_error_no_memory(error);
  bt_status status = bt_spans_make_sets(decider, rule, &why);
  if (status == BT_OK) status = look_at_all(&l, candidates, count, &why);
  free(candidates);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

static bt_status decide_linked(bt_decider *decider, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++) {
    bool is_chosen = decider->account->result->rules[i].strategy == BT_STRATEGY_PROJECTION;
    if (!is_chosen || !decider->plan->rules[i].shows_links || decider->questions->source_lost) continue;
    status = decide_rule(decider, &decider->rules[i], error);
  }
  return status;
}

const bt_decision_way bt_links_way = {.is_of_links = true, .decide = decide_linked};
