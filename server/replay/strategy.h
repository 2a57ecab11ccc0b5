/* What each way to decide a rule's candidates is estimated to cost. A pure function of a few numbers, so that a
 * replay, which has its first answers, and explain, which has probes, choose alike. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_STRATEGY_H
#define BT_SERVER_REPLAY_STRATEGY_H

#include <stdbool.h>
#include <stdint.h>

#include "server/replay/replay.h"
#include "tempo/wire/promises.h"

typedef struct bt_cost {
  uint64_t traces_read; /* whole */
  uint64_t requests;    /* besides those that every way needs */
  uint64_t bytes;       /* of answers */
  double units;         /* what is compared: the work of reading so many traces whole in batches */
} bt_cost;

typedef struct bt_strategy_facts {
  const bt_source_costs *costs; /* of the source */
  uint64_t candidates;
  uint64_t searched_found;   /* traces that the searches for candidates find, added up; of bt_strategy_spans_first */
  bool reads_by_id;          /* batches cannot give what the rule reads */
  bool can_subtract;         /* and if so: */
  uint64_t subtracted_found; /* traces that what is subtracted finds, candidates or not */
  double subtracted_share;   /* of the candidates */
  bool can_project;          /* and if so: */
  double undecided_share;    /* of the candidates: those that are read whole all the same */
  uint64_t projected_found;  /* traces with spans that the projection finds, candidates or not */
} bt_strategy_facts;

/* What is expected where nothing is known before: most candidates of most rules do not violate, and are subtracted or
 * decided from a projection. A replay and explain take the same. */
extern const double bt_strategy_subtracted_share, bt_strategy_undecided_share;

/* Below so many candidates nothing is asked to save reads. */
enum { BT_STRATEGY_FROM = 256 };

enum { BT_STRATEGIES = 3 }; /* READ, ID_SETS, PROJECTION: number strategy − 1 */
void bt_strategy_costs(const bt_strategy_facts *facts, bt_cost costs[BT_STRATEGIES]);
/* What a replay cost at least that asked so much and read so many traces, in units. */
double bt_strategy_spent(const bt_source_costs *costs, uint64_t requests, uint64_t read);
/* The cheapest that is possible. */
bt_strategy bt_strategy_cheapest(const bt_strategy_facts *facts);
/* Whether a projection that is asked before anything else, and finds the candidates itself, costs less than searches
 * and what comes after them. */
bool bt_strategy_spans_first(const bt_strategy_facts *facts);
/* Below so many traces with such spans there is nothing to save. */
enum { BT_SPANS_FIRST_FROM = 1000 };

#endif
