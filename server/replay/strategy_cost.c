/* The cost model. See strategy.h. The constants are ratios measured on Tempo 2.8 and 3.0 (docs/ARCHITECTURE.md):
 * reading a trace whole in a batch is 1; absolute times do not matter. Thread: no state. */
#include "server/replay/strategy.h"

static const double request_units = 40;    /* what any search costs, however little it finds */
static const double found_units = 0.065;   /* an id in an answer */
static const double projected_units = 0.2; /* the few spans of one trace in an answer */
static const double by_id_units = 30;      /* a trace read by id */
const double bt_strategy_subtracted_share = 0.9, bt_strategy_undecided_share = 0.1;
enum {
  FOUND_BYTES = 250,
  PROJECTED_BYTES = 900,
  READ_BYTES = 6000,
  TRACES_PER_BATCH = 1000,
  PROJECTED_PER_ANSWER = 10000
};

static uint64_t count_pages(double count, uint64_t size) {
  return ((uint64_t)count + size - 1) / size;
}

static bt_cost cost_of_reads(const bt_strategy_facts *facts, double share) {
  double count = (double)facts->candidates * share;
  double units = count * (facts->reads_by_id ? by_id_units : 1);
  uint64_t requests = facts->reads_by_id ? (uint64_t)count : count_pages(count, TRACES_PER_BATCH);
  return (bt_cost){(uint64_t)count, requests, (uint64_t)(count * READ_BYTES), units};
}

static void add_cost(bt_cost *into, double found, double units, uint64_t bytes_each, uint64_t requests) {
  into->requests += requests;
  into->bytes += (uint64_t)(found * (double)bytes_each);
  into->units += (double)requests * request_units + found * units;
}

double bt_strategy_spent(uint64_t requests, uint64_t read) {
  return (double)requests * request_units + (double)read;
}

void bt_strategy_costs(const bt_strategy_facts *facts, bt_cost costs[BT_STRATEGIES]) {
  bt_cost *ids = &costs[BT_STRATEGY_ID_SETS - 1], *projection = &costs[BT_STRATEGY_PROJECTION - 1];
  costs[BT_STRATEGY_READ - 1] = cost_of_reads(facts, 1);
  *ids = cost_of_reads(facts, 1 - facts->subtracted_share);
  add_cost(ids, (double)facts->subtracted_found, found_units, FOUND_BYTES, 1);
  *projection = cost_of_reads(facts, facts->undecided_share);
  add_cost(
      projection, (double)facts->projected_found, projected_units, PROJECTED_BYTES,
      2 + count_pages((double)facts->projected_found, PROJECTED_PER_ANSWER)); /* one asks which traces are left out */
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
  double read_units = facts->reads_by_id ? by_id_units : 1;
  double candidates = (double)facts->candidates, read = candidates * read_units;
  double undecided = read * facts->undecided_share, projected = candidates * projected_units + undecided;
  double by_ids = (double)facts->searched_found * found_units + (projected < read ? projected : read);
  return (double)facts->projected_found * projected_units + undecided < by_ids;
}
