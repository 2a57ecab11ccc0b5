/* How the candidates of each rule are decided, and what each way costs. See strategy.h. The way is chosen by estimated
 * cost from what the first searches found, and where it matters from one probe, a search for what would be subtracted
 * among some hundred candidates that lie close together in time. What is chosen wrongly costs time and never an
 * answer. */
#include "server/replay/strategy.h"

#include <stdlib.h>

#include "dsl/arena.h"
#include "server/replay/decision.h"

/* ---- the cost model: ratios that were measured on Tempo 2.8 and 3.0 (docs/ARCHITECTURE.md). Reading a trace whole in
 * a batch is 1; absolute times do not matter. ---- */

static const double request_units = 40;    /* what any search costs, however little it finds */
static const double found_units = 0.065;   /* an id in an answer */
static const double projected_units = 0.2; /* the few spans of one trace in an answer */
static const double by_id_units = 30;      /* a trace read by id */
enum {
  FOUND_BYTES = 250,
  PROJECTED_BYTES = 900,
  READ_BYTES = 6000,
  TRACES_PER_BATCH = 1000,
  PROJECTED_PER_ANSWER = 10000
};

static uint64_t pages(double count, uint64_t size) {
  return ((uint64_t)count + size - 1) / size;
}

static bt_cost cost_of_reads(const bt_strategy_facts *facts, double share) {
  double count = (double)facts->candidates * share;
  double units = count * (facts->reads_by_id ? by_id_units : 1);
  uint64_t requests = facts->reads_by_id ? (uint64_t)count : pages(count, TRACES_PER_BATCH);
  return (bt_cost){(uint64_t)count, requests, (uint64_t)(count * READ_BYTES), units};
}

static void add(bt_cost *into, double found, double units, uint64_t bytes_each, uint64_t requests) {
  into->requests += requests;
  into->bytes += (uint64_t)(found * (double)bytes_each);
  into->units += (double)requests * request_units + found * units;
}

void bt_strategy_costs(const bt_strategy_facts *facts, bt_cost costs[BT_STRATEGIES]) {
  bt_cost *ids = &costs[BT_STRATEGY_ID_SETS - 1], *projection = &costs[BT_STRATEGY_PROJECTION - 1];
  costs[BT_STRATEGY_READ - 1] = cost_of_reads(facts, 1);
  *ids = cost_of_reads(facts, 1 - facts->subtracted_share);
  add(ids, (double)facts->subtracted_found, found_units, FOUND_BYTES, 1);
  *projection = cost_of_reads(facts, facts->undecided_share);
  add(projection, (double)facts->projected_found, projected_units, PROJECTED_BYTES,
      2 + pages((double)facts->projected_found, PROJECTED_PER_ANSWER)); /* one asks which traces are left out */
}

bt_strategy bt_strategy_cheapest(const bt_strategy_facts *facts) {
  bt_cost costs[BT_STRATEGIES];
  bt_strategy cheapest = BT_STRATEGY_READ;
  if (facts->candidates < BT_STRATEGY_FROM) return cheapest;
  bt_strategy_costs(facts, costs);
  if (facts->can_subtract && costs[BT_STRATEGY_ID_SETS - 1].units < costs[cheapest - 1].units)
    cheapest = BT_STRATEGY_ID_SETS;
  if (facts->can_project && costs[BT_STRATEGY_PROJECTION - 1].units < costs[cheapest - 1].units)
    cheapest = BT_STRATEGY_PROJECTION;
  return cheapest;
}

/* What can be subtracted is asked by ids, which cost a third of spans. */
bool bt_strategy_spans_first(const bt_strategy_facts *facts) {
  if (!facts->can_project || facts->can_subtract || facts->projected_found < BT_SPANS_FIRST_FROM) return false;
  double candidates = (double)facts->candidates, undecided = candidates * facts->undecided_share;
  double projected = candidates * projected_units + undecided;
  double by_ids = (double)facts->searched_found * found_units + (projected < candidates ? projected : candidates);
  return (double)facts->projected_found * projected_units + undecided < by_ids;
}

/* ---- choosing ---- */

enum {
  PROBE_FROM = 4000, /* fewer are not worth a question more: it costs Tempo about what it would save */
  PROBE_CANDIDATES = 200,
  PROBE_FOUND_MAX = 5000
};
/* Where nothing is known: most of what is asked about does not violate. */
static const double assumed_undecided = 0.1, assumed_subtracted = 0.9;

typedef struct candidate {
  int64_t start_ns, end_ns;
  size_t known;
} candidate;

static int compare_starts(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
  return (x->known > y->known) - (x->known < y->known);
}

/* The candidates of the rule by time; NULL: no memory. */
static candidate *candidates_by_time(const bt_decider *decider, const bt_rule_sets *rule, size_t count) {
  candidate *candidates = bt_realloc_array(NULL, count, sizeof *candidates);
  size_t filled = 0;
  for (size_t i = 0; candidates && i < decider->table->count; i++) {
    const bt_found *bounds = bt_known_bounds(&decider->table->traces[i]);
    if (bt_bit_get(rule->unread, i)) candidates[filled++] = (candidate){bounds->start_ns, bounds->end_ns, i};
  }
  if (candidates) qsort(candidates, count, sizeof *candidates, compare_starts);
  return candidates;
}

static size_t count_probed(const bt_decider *decider, const candidate *candidates, const bt_found_list *found) {
  size_t count = 0;
  for (size_t i = 0; i < PROBE_CANDIDATES; i++)
    count += bt_found_list_get(found, &decider->table->traces[candidates[i].known].matched.id) != NULL;
  return count;
}

/* Asks what the rule's first under-query finds around some candidates in the middle of the range. A probe that fails
 * says nothing. */
static bt_status probe_subtracted(bt_decider *decider, bt_rule_sets *rule, bt_strategy_facts *facts, bt_error *error) {
  candidate *all = candidates_by_time(decider, rule, facts->candidates);
  if (!all) return bt_error_no_memory(error);
  const candidate *some = all + (facts->candidates - PROBE_CANDIDATES) / 2;
  bt_time_range range = {some[0].start_ns, bt_time_add(some[PROBE_CANDIDATES - 1].start_ns, 1)};
  bt_search_request search = bt_replay_plan_search(decider->plan, rule->planned->plan->subtract[0].filter, range);
  search.max_found = PROBE_FOUND_MAX;
  bt_found_list found = {0};
  bt_error why = {0};
  bt_status status = bt_questions_search(decider->questions, &search, &found, &why);
  if (status == BT_OK) {
    facts->subtracted_share = (double)count_probed(decider, some, &found) / PROBE_CANDIDATES;
    facts->subtracted_found = rule->subtracted_found = found.count * facts->candidates / PROBE_CANDIDATES;
    double left = 1 - facts->subtracted_share;
    /* Where every trace is a candidate, one without any of the rule's spans cannot be decided from them. */
    facts->undecided_share = left < assumed_undecided || decider->plan->needs_every_trace ? left : assumed_undecided;
  } else if (status == BT_LIMIT)
    facts->subtracted_found = (uint64_t)PROBE_FOUND_MAX * facts->candidates / PROBE_CANDIDATES;
  bt_found_list_dispose(&found);
  free(all);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  if (error) *error = why;
  return status;
}

static bt_strategy_facts facts_of(const bt_decider *decider, const bt_rule_sets *rule) {
  uint64_t candidates = bt_bits_count(decider->table, rule->unread);
  return (bt_strategy_facts){.candidates = candidates,
                             .reads_by_id = rule->planned->whole_trace,
                             .can_subtract = rule->planned->plan->subtract_count > 0,
                             .subtracted_found = candidates,
                             .subtracted_share = rule->planned->plan->subtract_count ? assumed_subtracted : 0,
                             .can_project = bt_planned_rule_projects(decider->plan, rule->planned),
                             .undecided_share = assumed_undecided,
                             .projected_found = candidates};
}

static bt_status choose_strategy(bt_decider *decider, bt_rule_sets *rule, bt_strategy *chosen, bt_error *error) {
  bt_strategy_facts facts = facts_of(decider, rule);
  bt_status status = BT_OK;
  if (facts.candidates >= PROBE_FROM && facts.can_subtract && !decider->questions->source_lost)
    status = probe_subtracted(decider, rule, &facts, error);
  *chosen = bt_strategy_cheapest(&facts);
  return status;
}

static bt_strategy force_strategy(const bt_decider *decider, const bt_rule_sets *rule) {
  bt_strategy wanted = decider->plan->request.strategy;
  if (wanted == BT_STRATEGY_ID_SETS && !rule->planned->plan->subtract_count) return BT_STRATEGY_READ;
  if (wanted == BT_STRATEGY_PROJECTION && !bt_planned_rule_projects(decider->plan, rule->planned))
    return BT_STRATEGY_READ;
  return wanted;
}

bt_status bt_strategies_choose(bt_decider *decider, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < decider->plan->rule_count; i++) {
    bt_strategy *chosen = &decider->account->result->rules[i].strategy;
    if (!decider->plan->filters ||
        !decider->plan->is_checked) /* subtraction and projection rest on facts about a version */
      *chosen = BT_STRATEGY_READ;
    else if (decider->stand_in)
      *chosen = BT_STRATEGY_PROJECTION;
    else if (decider->plan->request.strategy != BT_STRATEGY_AUTO)
      *chosen = force_strategy(decider, &decider->rules[i]);
    else
      status = choose_strategy(decider, &decider->rules[i], chosen, error);
  }
  return status;
}
