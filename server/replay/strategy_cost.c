/* The cost model, in the source's units (bt_source_costs). See strategy.h. Thread: no state. */
#include "server/replay/strategy.h"

const double bt_strategy_subtracted_share = 0.9, bt_strategy_undecided_share = 0.1;

static uint64_t count_pages(double count, uint64_t size) {
  return size ? ((uint64_t)count + size - 1) / size : count > 0;
}

static bt_cost cost_of_reads(const bt_strategy_facts *facts, double share) {
  const bt_source_costs *of = facts->costs;
  double count = (double)facts->candidates * share;
  double units = count * (facts->reads_by_id ? of->by_id : 1);
  uint64_t requests = facts->reads_by_id ? (uint64_t)count : count_pages(count, of->reads_at_once);
  return (bt_cost){(uint64_t)count, requests, (uint64_t)(count * of->read_bytes), units};
}

static void add_searches(bt_cost *into, const bt_source_costs *of, uint64_t requests, double found, double units) {
  into->requests += requests;
  into->units += (double)requests * of->request + found * units;
}

double bt_strategy_spent(const bt_source_costs *costs, uint64_t requests, uint64_t read) {
  return (double)requests * costs->request + (double)read;
}

void bt_strategy_costs(const bt_strategy_facts *facts, bt_cost costs[BT_STRATEGIES]) {
  const bt_source_costs *of = facts->costs;
  double subtracted = (double)facts->subtracted_found, shown = (double)facts->projected_found;
  bt_cost *ids = &costs[BT_STRATEGY_ID_SETS - 1], *projected = &costs[BT_STRATEGY_PROJECTION - 1];
  costs[BT_STRATEGY_READ - 1] = cost_of_reads(facts, 1);
  *ids = cost_of_reads(facts, 1 - facts->subtracted_share);
  ids->bytes += (uint64_t)(subtracted * of->found_bytes);
  add_searches(ids, of, 1, subtracted, of->found);
  *projected = cost_of_reads(facts, facts->undecided_share); /* and one asks which traces are left out */
  projected->bytes += (uint64_t)(shown * of->projected_bytes);
  add_searches(projected, of, 2 + count_pages(shown, of->projected_at_once), shown, of->projected);
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
  const bt_source_costs *of = facts->costs;
  double read_units = facts->reads_by_id ? of->by_id : 1;
  double candidates = (double)facts->candidates, read = candidates * read_units;
  double undecided = read * facts->undecided_share, projected = candidates * of->projected + undecided;
  double by_ids = (double)facts->searched_found * of->found + (projected < read ? projected : read);
  return (double)facts->projected_found * of->projected + undecided < by_ids;
}
