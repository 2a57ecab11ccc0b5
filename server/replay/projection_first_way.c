/* Asks for the spans that a rule is about before anything else. One question finds the traces that may violate and
 * decides most of them; the usual way asks for ids first and then for the spans. It is tried where Tempo has shown many
 * traces of one search, nothing can be subtracted, and a test on a short part of the range was cheaper. A trace without
 * any of these spans cannot violate, because the rule's formula wants some. Thread: the replay's. */
#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/replay/linked_evidence.h"
#include "server/replay/marked_traces.h"
#include "server/replay/search_probe.h"
#include "server/replay/spans_verdict.h"
#include "server/replay/strategy.h"

enum {
  PROBE_SHARE = 32, /* of the range, in its middle */
  LEAF_FOUND_MAX = 4000,
  NARROWER = 8,   /* where a search finds more, the part is so many times as long as it may be */
  CLEAR_TIMES = 4 /* traces with such spans, and traces that link, for each candidate */
};
_Static_assert((int)BT_SPANS_FIRST_FILTERS <= (int)BT_SEARCH_PROBE_FILTERS, "a probe has room for all of them");
static const int64_t SHORTEST_PROBE_NS = 1000000000;

/* ---- whether it is worth it ---- */

static const bt_over *first_leaf(const bt_over *over) {
  while (over->kind != BT_OVER_QUERY) over = over->items[0];
  return over;
}

static int compare_starts(const void *a, const void *b) {
  const bt_found *x = a, *y = b;
  return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

/* In the middle of what was found: traffic may lie in a small part of the range. */
static bt_time_range probed_range(const bt_decider *decider, bt_found_list *found) {
  int64_t length_ns = bt_time_subtract(decider->plan->search_range.end_ns, decider->plan->search_range.start_ns);
  int64_t probed_ns = length_ns / PROBE_SHARE > SHORTEST_PROBE_NS ? length_ns / PROBE_SHARE : SHORTEST_PROBE_NS;
  int64_t start_ns = bt_time_add(decider->plan->search_range.start_ns, length_ns / 2);
  if (found->count) qsort(found->items, found->count, sizeof *found->items, compare_starts);
  if (found->count) start_ns = found->items[found->count / 2].start_ns;
  return (bt_time_range){start_ns, bt_time_add(start_ns, probed_ns)};
}

/* One of the searches that would be asked otherwise, up to so many traces that this is worth a thought; then *probed
 * is where to look closer. What is answered in full is kept. */
static bt_status search_leaf(bt_decider *decider, bool *is_large, bt_time_range *probed, bt_error *error) {
  size_t index;
  bt_status status = bt_questions_add(
      decider->questions, first_leaf(decider->plan->rules[0].plan->violating)->query.asked, true, &index, error);
  if (status != BT_OK || decider->questions->items[index]->is_asked)
    return status; /* for pruned traces: the same question */
  bt_question *question = decider->questions->items[index];
  question->max_found = BT_SPANS_FIRST_FROM;
  bt_questions_begin(decider->questions, question);
  bt_pruned_traces_begin(decider->questions);
  bt_questions_ask(decider->questions, question);
  *is_large = question->status == BT_LIMIT;
  if (!*is_large) {
    question->max_found = 0;
    question->is_asked = true;
    return BT_OK;
  }
  *probed = probed_range(decider, &question->found);
  decider->first.searched = question->found;
  question->found = (bt_found_list){0};
  status = bt_account_add(decider->account, &question->account, false, error);
  bt_questions_drop_last(decider->questions);
  return status;
}

/* The spans that decide its traces; of a rule that follows links, together with those that link to them. */
static bt_over_query own_spans(const bt_decider *decider) {
  const bt_planned_rule *rule = &decider->plan->rules[0];
  return rule->shows_links ? rule->plan->evidence.own : rule->plan->spans;
}

static bt_spans_request spans_of(const bt_decider *decider, bt_time_range range, uint64_t expected) {
  const bt_planned_rule *rule = &decider->plan->rules[0];
  bt_spans_request spans = bt_replay_plan_spans(decider->plan, own_spans(decider), range);
  spans.projection = rule->shows_links ? &rule->own_fields : decider->questions->projection;
  spans.expected = expected;
  spans.longest_ns = decider->plan->window.margin_ns;
  return spans;
}

static bt_status find_spans(bt_decider *decider, bt_time_range range, uint64_t expected, bt_spans_sink sink,
                            void *context, bt_error *error) {
  bt_spans_request spans = spans_of(decider, range, expected);
  return bt_questions_find_spans(decider->questions, &spans, NULL, sink, context, error);
}

/* Beside the searches that come before them, as soon as spans are likely to be asked for. */
static void begin_spans(const bt_decider *decider) {
  bt_spans_request spans = spans_of(decider, decider->plan->spans_range, 0);
  bt_questions_keep_ahead(decider->questions, (bt_asked){BT_AHEAD_BEFORE_SPANS, .spans = &spans});
}

/* ---- a part, looked at in two ways: what the searches find there, and what its spans show ---- */

/* Adds those of its filters that it lacks. */
static void add_query(bt_search_probe *probe, bt_query query) {
  for (size_t i = 0; i < probe->query_count; i++)
    if (bt_query_equal(probe->queries[i], query)) return;
  if (probe->query_count < BT_SPANS_FIRST_FILTERS) probe->queries[probe->query_count++] = query;
}

static void add_formula(bt_search_probe *probe, const bt_over *over, bool with_surplus) {
  if (over->is_surplus && !with_surplus) return;
  if (over->kind == BT_OVER_QUERY) add_query(probe, over->query.asked);
  for (uint32_t i = 0; i < over->item_count; i++) add_formula(probe, over->items[i], with_surplus);
}

/* What was added since, side by side. A search that found more than is wanted says enough. */
static bt_status search_part(bt_decider *decider, bt_search_probe *probe, size_t from, bt_error *error) {
  bt_question asked[BT_SPANS_FIRST_FILTERS] = {{.max_found = 0}};
  bt_status status = BT_OK;
  for (size_t i = from; i < probe->query_count; i++) {
    asked[i] = (bt_question){.query = probe->queries[i], .range = probe->windows[0], .max_found = LEAF_FOUND_MAX};
    bt_questions_begin(decider->questions, &asked[i]);
  }
  for (size_t i = from; i < probe->query_count; i++) {
    bt_error why = {0};
    bt_status answer = bt_questions_ask_apart(decider->questions, &asked[i], &probe->found[i], &why);
    if (status != BT_OK || answer == BT_OK || answer == BT_LIMIT) continue;
    status = answer;
    *error = why;
  }
  return status;
}

/* Then what two searches found was cut at different traces, and says nothing of both. */
static bool is_too_dense(const bt_search_probe *probe) {
  for (size_t i = 0; i < probe->query_count; i++)
    if (probe->found[i].count >= LEAF_FOUND_MAX) return true;
  return false;
}

static bt_status search_narrower(bt_decider *decider, bt_search_probe *probe, bt_error *error) {
  bt_time_range *probed = &probe->windows[0];
  bt_status status = BT_OK;
  while (status == BT_OK && is_too_dense(probe)) {
    int64_t length_ns = bt_time_subtract(probed->end_ns, probed->start_ns) / NARROWER;
    if (length_ns < SHORTEST_PROBE_NS) break;
    probed->end_ns = bt_time_add(probed->start_ns, length_ns);
    for (size_t i = 0; i < probe->query_count; i++) bt_found_list_dispose(&probe->found[i]);
    status = search_part(decider, probe, 0, error);
  }
  return status;
}

/* Of the range: how many times as long it is. */
static double parts_of(const bt_decider *decider, const bt_search_probe *probe) {
  const bt_time_range all = decider->plan->search_range, probed = probe->windows[0];
  return (double)bt_time_subtract(all.end_ns, all.start_ns) / (double)bt_time_subtract(probed.end_ns, probed.start_ns);
}

static size_t count_found(const bt_search_probe *probe, const bt_over *over) {
  const bt_found_list *list = over->kind == BT_OVER_QUERY ? bt_search_probe_found(probe, over->query.asked) : NULL;
  size_t found = list ? list->count : 0;
  for (uint32_t i = 0; i < over->item_count; i++) found += count_found(probe, over->items[i]);
  return found;
}

/* Of traces in the range. */
static bt_status gather_linkers(bt_decider *decider, bt_gathering what, bt_error *error) {
  const bt_rule_sets *rule = &decider->rules[0];
  if (!rule->planned->shows_links) return BT_OK;
  what.range = bt_linked_evidence_range(rule, what.range);
  return bt_linked_evidence_gather(decider, rule, &what, error);
}

static bt_status judge_spans(bt_decider *decider, const bt_found_spans *spans, bt_spans_verdict *out, bt_error *error) {
  if (!decider->plan->rules[0].shows_links) return bt_spans_judge(decider, spans, out, error);
  *out = BT_SPANS_UNDECIDED;
  if (!bt_spans_are_clear(decider, spans->trace, spans->needs_by_id, &spans->found)) return BT_OK;
  return bt_linked_evidence_judge(decider, &decider->rules[0], spans->trace, out, error);
}

typedef struct shown_trace {
  bt_trace_id id;
  bt_spans_verdict verdict;
} shown_trace;

typedef struct shown { /* by the spans of the part */
  bt_decider *decider;
  shown_trace *traces;
  size_t count, capacity;
} shown;

static bt_status note_spans(void *context, const bt_found_spans *spans, bt_error *error) {
  shown *s = context;
  bt_spans_verdict verdict;
  bt_status status = judge_spans(s->decider, spans, &verdict, error);
  if (status != BT_OK) return status;
  shown_trace *traces = bt_grow_array(s->traces, s->count, &s->capacity, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  s->traces = traces;
  traces[s->count++] = (shown_trace){spans->found.id, verdict};
  return BT_OK;
}

/* Of so many in the part: those that are read whole. Of very many violations most are counted alone. */
static double count_read(const bt_decider *decider, double parts, size_t undecided, size_t violating) {
  double listed = (double)decider->plan->request.most_listed / parts, of_violating = (double)violating;
  return (double)undecided + (of_violating < listed ? of_violating : listed);
}

/* What the part says, as if it were all: only what the numbers are to each other matters, and that there is enough
 * is known. */
static bt_strategy_facts facts_of(const shown *s, const bt_search_probe *probe) {
  const bt_over *formula = s->decider->plan->rules[0].plan->violating;
  size_t candidates = 0, undecided = 0, violating = 0;
  for (size_t i = 0; i < s->count; i++) {
    bool is_candidate = bt_search_probe_holds(probe, formula, &s->traces[i].id);
    candidates += is_candidate;
    undecided += is_candidate && s->traces[i].verdict == BT_SPANS_UNDECIDED;
    violating += is_candidate && s->traces[i].verdict == BT_SPANS_VIOLATION;
  }
  uint64_t scale = s->count ? (BT_SPANS_FIRST_FROM + s->count - 1) / s->count : 0;
  return (bt_strategy_facts){
      .costs = &s->decider->plan->costs,
      .candidates = candidates * scale,
      .searched_found = count_found(probe, formula) * scale,
      .projected_found = s->count * scale,
      .reads_by_id = s->decider->plan->rules[0].shows_links,
      .undecided_share =
          candidates ? count_read(s->decider, parts_of(s->decider, probe), undecided, violating) / (double)candidates
                     : bt_strategy_undecided_share,
      .can_project = true};
}

static bt_status probe_linkers(bt_decider *decider, bt_time_range probed, const bt_search_probe *probe,
                               bt_error *error) {
  const bt_rule_sets *rule = &decider->rules[0];
  size_t candidates = count_found(probe, rule->planned->plan->violating);
  if (!rule->planned->shows_links) return BT_OK;
  return bt_linked_evidence_probe(decider, rule, probed, candidates, error);
}

static bt_status ask_for_part(bt_decider *decider, bt_search_probe *probe, shown *s, bt_error *error) {
  size_t from = probe->query_count;
  bool shows_links = decider->plan->rules[0].shows_links; /* then part of it was counted before */
  add_formula(probe, decider->plan->rules[0].plan->violating, true);
  bt_status status = search_part(decider, probe, from, error);
  if (status == BT_OK && !shows_links) status = search_narrower(decider, probe, error);
  bt_time_range probed = probe->windows[0];
  if (status == BT_OK) status = probe_linkers(decider, probed, probe, error);
  if (status == BT_OK) status = gather_linkers(decider, (bt_gathering){.range = probed}, error);
  return status == BT_OK ? find_spans(decider, probed, 0, note_spans, s, error) : status;
}

static const double most_undecided = 0.75;

/* Where little is decided, spans that link are asked for in vain. */
static bool decides_enough(const bt_decider *decider, const bt_strategy_facts *facts) {
  return !decider->plan->rules[0].shows_links || facts->undecided_share <= most_undecided;
}

static double hours_of(const bt_decider *decider) {
  const double hour_ns = 3600e9;
  return (double)bt_time_subtract(decider->plan->search_range.end_ns, decider->plan->search_range.start_ns) / hour_ns;
}

/* A wrong guess of an earlier replay costs Tempo some work: what is found is judged as ever. */
static bool is_remembered(const bt_decider *decider, bool *out, uint64_t *expected) {
  const bt_trust_spans *spans = &decider->plan->trust.spans;
  if (!spans->is_known) return false;
  *out = spans->come_first;
  *expected = (uint64_t)(spans->per_hour * hours_of(decider));
  return true;
}

/* *expected: traces, as if all parts were alike. */
static bt_status weigh_part(bt_decider *decider, bt_search_probe *probe, bool *out, uint64_t *expected,
                            bt_error *error) {
  shown s = {.decider = decider};
  bt_status status = ask_for_part(decider, probe, &s, error);
  bt_strategy_facts facts = facts_of(&s, probe);
  *expected = (uint64_t)((double)s.count * parts_of(decider, probe));
  free(s.traces);
  if (status != BT_OK) return status;
  *out = bt_strategy_spans_first(&facts) && decides_enough(decider, &facts);
  decider->first.probed = (bt_trust_spans){true, *out, (double)*expected / hours_of(decider), facts.undecided_share};
  return BT_OK;
}

/* ---- numbers of a part that say enough: of a rule that follows links, whose candidates cost much to read ---- */

/* No more candidates than so many. */
static size_t most_candidates(const bt_search_probe *probe, const bt_over *over) {
  const bt_found_list *list = over->kind == BT_OVER_QUERY ? bt_search_probe_found(probe, over->query.asked) : NULL;
  size_t most = list ? list->count : 0;
  for (uint32_t i = 0; i < over->item_count; i++) {
    size_t of_item = most_candidates(probe, over->items[i]);
    if (over->kind == BT_OVER_OR) most += of_item;
    if (over->kind == BT_OVER_AND && (!i || of_item < most)) most = of_item;
  }
  return most;
}

/* Spans of young traces decide nothing. */
static bool is_mostly_young(const bt_decider *decider) {
  const bt_time_range range = decider->plan->search_range;
  int64_t steady_ns = bt_time_subtract(bt_spans_steady_before_ns(decider), range.start_ns);
  return steady_ns < bt_time_subtract(range.end_ns, range.start_ns) / 4;
}

static bool are_few(const bt_search_probe *probe, bt_query query, size_t most) {
  const bt_found_list *found = bt_search_probe_found(probe, query);
  return found && found->count < LEAF_FOUND_MAX && found->count <= most;
}

/* *is_clear: there are so few spans for each candidate that asking for all of them costs less than reading the
 * candidates, even where they decide a quarter. Then no part of them is looked at before. */
static bt_status count_part(bt_decider *decider, bt_search_probe *probe, bool *is_clear, uint64_t *expected,
                            bt_error *error) {
  const bt_planned_rule *rule = &decider->plan->rules[0];
  bt_query own = rule->plan->evidence.own.asked, linked = rule->plan->evidence.linked.asked;
  *is_clear = false;
  if (!rule->shows_links || is_mostly_young(decider)) return BT_OK;
  add_formula(probe, rule->plan->violating, false);
  add_query(probe, own);
  add_query(probe, linked);
  bt_status status = search_part(decider, probe, 0, error);
  if (status != BT_OK) return status;
  size_t candidates = most_candidates(probe, rule->plan->violating), most = candidates * CLEAR_TIMES;
  *is_clear = candidates && are_few(probe, own, most) && are_few(probe, linked, most);
  if (*is_clear) *expected = bt_search_probe_found(probe, own)->count * PROBE_SHARE;
  return BT_OK;
}

/* What came of it, for later replays. */
static void note_share(bt_decider *decider) {
  bt_projection_first *first = &decider->first;
  size_t candidates = first->exercised_count + first->undecided_count;
  if (first->probed.is_known || !candidates) return;
  double share = (double)first->undecided_count / (double)candidates;
  first->probed =
      (bt_trust_spans){true, share <= most_undecided, (double)first->found.count / hours_of(decider), share};
}

/* ---- the choice ---- */

static bt_status look_at_part(bt_decider *decider, bt_time_range probed, bool *out, uint64_t *expected,
                              bt_error *error) {
  bt_search_probe probe = {.windows = {probed}, .window_count = 1};
  bt_status status = count_part(decider, &probe, out, expected, error);
  if (status == BT_OK && !*out) status = weigh_part(decider, &probe, out, expected, error);
  bt_search_probe_dispose(&probe);
  return status;
}

static bt_status choose_projection(bt_decider *decider, bool *out, uint64_t *expected, bt_error *error) {
  bt_time_range probed;
  *out = decider->plan->rules[0].strategy == BT_STRATEGY_PROJECTION;
  if (*out) return BT_OK;
  bool is_large = false, was_first = decider->plan->trust.spans.is_known && decider->plan->trust.spans.come_first;
  if (was_first) begin_spans(decider);
  bt_status status = search_leaf(decider, &is_large, &probed, error);
  if (status != BT_OK || !is_large || is_remembered(decider, out, expected)) return status;
  begin_spans(decider);
  return look_at_part(decider, probed, out, expected, error);
}

/* ---- the question ---- */

static bool add_decided(bt_projection_first *first, const bt_trace_id *id, bt_spans_verdict verdict) {
  bt_decided *decided = bt_grow_array(first->decided, first->decided_count, &first->decided_capacity, sizeof *decided);
  if (!decided) return false;
  first->decided = decided;
  decided[first->decided_count++] = (bt_decided){*id, (uint8_t)verdict};
  return true;
}

static bt_status keep_found(bt_decider *decider, bt_found_list *list, const bt_found *found, bt_error *error) {
  size_t kept = decider->first.found.count + decider->first.after.count;
  if (kept >= decider->plan->request.memory_limit_bytes / sizeof(bt_known))
    return bt_error_set(error, BT_LIMIT, "more traces have such spans than memory holds");
  return bt_found_list_add(list, found) ? BT_OK : bt_error_no_memory(error);
}

/* What lies after the range was only asked because of late fragments, and because a trace may go on there. */
static bt_status take_found(void *context, const bt_found_spans *spans, bt_error *error) {
  bt_decider *decider = context;
  bt_projection_first *first = &decider->first;
  bt_spans_verdict verdict;
  if (bt_replay_plan_is_cancelled(decider->plan)) return bt_replay_plan_cancelled(error);
  bool is_after = !spans->found.in_doubt && spans->found.start_ns >= decider->plan->search_range.end_ns;
  bt_status status = keep_found(decider, is_after ? &first->after : &first->found, &spans->found, error);
  if (status != BT_OK || is_after) return status;
  status = judge_spans(decider, spans, &verdict, error);
  bool is_old = spans->found.end_ns < bt_spans_steady_before_ns(decider);
  decider->first.exercised_count += verdict == BT_SPANS_EXERCISED;
  decider->first.undecided_count += verdict == BT_SPANS_UNDECIDED && is_old;
  if (status != BT_OK || verdict == BT_SPANS_UNDECIDED) return status;
  bool ok = add_decided(&decider->first, &spans->found.id, verdict);
  return ok ? BT_OK : bt_error_no_memory(error);
}

/* Of a trace that goes on after the range the part there makes the bounds what they are. */
static void join_after(bt_projection_first *first) {
  bt_found_list_sort(&first->found);
  bt_found_list_sort(&first->after);
  for (size_t i = 0, k = 0; i < first->found.count && k < first->after.count;) {
    int order = bt_trace_id_compare(&first->found.items[i].id, &first->after.items[k].id);
    if (order == 0) bt_found_join(&first->found.items[i], &first->after.items[k]);
    i += order <= 0;
    k += order >= 0;
  }
  bt_found_list_dispose(&first->after);
}

/* A source that fails here is asked otherwise, and if it is gone that says so. */
static bool ends_the_replay(bt_status status) {
  return status == BT_CANCELLED || status == BT_NO_MEMORY;
}

/* What a search has shown has to be among those with spans, else Tempo has lost some of them, and all are searched
 * for. */
static bool has_searched(const bt_decider *decider) {
  for (size_t i = 0; i < decider->first.searched.count; i++) {
    const bt_found *one = &decider->first.searched.items[i];
    if (one->start_ns < decider->plan->search_range.end_ns && !bt_found_list_get(&decider->first.found, &one->id))
      return false;
  }
  return true;
}

/* What was found stands for the rule's formula: it is the answer to the question for such spans. */
static bt_status use_found(bt_decider *decider, bt_error *error) {
  bt_projection_first *first = &decider->first;
  size_t index;
  first->any = (bt_over){.kind = BT_OVER_QUERY, .query = own_spans(decider)};
  bt_status status = bt_questions_add(decider->questions, first->any.query.asked, true, &index, error);
  if (status != BT_OK) return status;
  bt_question *question = decider->questions->items[index];
  question->found = first->found;
  question->is_asked = question->is_answered = true;
  first->found = (bt_found_list){0};
  decider->stand_in = &first->any;
  return BT_OK;
}

/* Tempo works on own spans while we decode who links to them. */
static bt_status ask_for_all(bt_decider *decider, uint64_t expected, bt_error *error) {
  const bt_time_range range = decider->plan->spans_range;
  bt_spans_request own = spans_of(decider, range, expected);
  own.is_beside = true;
  bt_status status =
      gather_linkers(decider, (bt_gathering){.range = range, .expected = expected, .beside = &own}, error);
  return status == BT_OK ? find_spans(decider, range, expected, take_found, decider, error) : status;
}

static bt_status ask_for_spans(bt_decider *decider, bt_error *error) {
  bool is_worth = false, is_found = false;
  uint64_t expected = 0;
  bt_error why = {0};
  if (!decider->plan->projects_first) return BT_OK;
  bt_status status = choose_projection(decider, &is_worth, &expected, &why);
  if (status == BT_OK && is_worth) {
    status = ask_for_all(decider, expected, &why);
    join_after(&decider->first);
    is_found = status == BT_OK && has_searched(decider);
    if (is_found && decider->plan->shows_links) note_share(decider);
  }
  if (is_found) return use_found(decider, error);
  if (decider->plan->shows_links) bt_linked_evidence_clear(decider);
  if (!ends_the_replay(status)) return BT_OK;
  if (error) *error = why;
  return status;
}

static bt_status take_decided(bt_decider *decider, bt_error *error) {
  bt_projection_first *first = &decider->first;
  bt_rule_sets *rule = &decider->rules[0];
  if (!decider->stand_in) return BT_OK;
  bt_status status = bt_spans_make_sets(decider, rule, error);
  for (size_t i = 0; status == BT_OK && i < first->decided_count; i++) {
    const bt_decided *decided = &first->decided[i];
    const bt_known *known = bt_trace_table_find(decider->table, &decided->id);
    size_t number = known ? (size_t)(known - decider->table->traces) : 0;
    if (!known || !bt_bit_get(rule->unread, number) || !bt_spans_may_decide(decider, number)) continue;
    bt_spans_decide(decider, rule, (bt_spans_verdict)decided->verdict, number);
  }
  return status;
}

void bt_projection_first_dispose(bt_projection_first *first) {
  bt_found_list_dispose(&first->found);
  bt_found_list_dispose(&first->after);
  bt_found_list_dispose(&first->searched);
  free(first->decided);
}

const bt_decision_way bt_projection_first_way = {.ask_first = ask_for_spans, .decide = take_decided};
