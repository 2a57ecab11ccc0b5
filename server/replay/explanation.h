/* What a replay of rules over a range would do and cost, without doing it. It says the TraceQL queries, and what is
 * searched, subtracted and decided here. It says the strategy, with the estimated cost of each, and the price so far.
 * Estimates come from a few cheap probes: each filter is asked over short windows spread over the range and scaled up.
 * They are estimates and say so; nothing is judged. Thread: the caller's. */
#ifndef BT_SERVER_EXPLANATION_H
#define BT_SERVER_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/met_names.h"
#include "server/replay/price.h"
#include "server/replay/replay.h"
#include "server/replay/strategy.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

typedef enum bt_explain_use {
  BT_EXPLAIN_SEARCH,   /* its traces are candidates: "search" */
  BT_EXPLAIN_COUNT,    /* only for the number of exercised traces: "count" */
  BT_EXPLAIN_LIST,     /* all traces, `{}`: "list" */
  BT_EXPLAIN_SUBTRACT, /* its traces do not violate: "subtract" */
  BT_EXPLAIN_PROJECT,  /* the spans that a projection decides from: "project" */
  BT_EXPLAIN_READ      /* whole traces, in batches or by id: "read" */
} bt_explain_use;
const char *bt_explain_use_name(bt_explain_use use);

typedef struct bt_explain_query {
  bt_explain_use use;
  char *traceql;            /* as it is sent; of reads and projections with one id for an example */
  bool is_probed;           /* the number below comes from Tempo */
  uint64_t estimated_found; /* traces over the whole range with margins */
} bt_explain_query;

typedef struct bt_explain_option {
  bt_strategy strategy; /* never AUTO */
  bool is_possible;
  char why_not[160]; /* of those that are not possible, for people */
  bt_cost cost;      /* meaningful when the result is_probed */
} bt_explain_option;

enum { BT_EXPLAIN_OPTIONS = 3 };

typedef struct bt_explain_rule {
  const bt_rule_definition *definition; /* borrowed from the request */
  bt_explain_query *queries;
  size_t query_count;
  char *candidates;      /* how the searched id sets are joined: "{ … } and ({ … } or { … })"; "all traces" */
  char *decided_locally; /* what Tempo is not asked because it cannot say it, a sentence */
  bt_met_names *names;   /* the attributes that go by several; nothing is met here */
  bool reads_by_id;      /* batches cannot give what the rule reads */
  bool rests_on_absence; /* violations of young traces are read by id */
  bt_explain_option options[BT_EXPLAIN_OPTIONS];
  bt_strategy chosen;
  bool spans_first; /* a projection is asked before anything else: it finds the candidates too */
  bt_price price;   /* so far */
} bt_explain_rule;

typedef struct bt_explain_result {
  bt_source_about source; /* whose answers a replay would take; kind NULL: there is no source */
  bt_time_range searched; /* the range with margins */
  bool is_probed;         /* false: no source, or it did not answer: there are no estimates, and `problem` says why */
  char problem[200];
  uint64_t estimated_traces; /* in the range with margins */
  bt_explain_rule *rules;    /* rule_count of them, in the order of the request */
  size_t rule_count;
  uint64_t requests, bytes_inspected; /* what the probes cost */
} bt_explain_result;

/* Of the request, rules, range, now_ns, assumptions, count, tenant, strategy, prices, cancel and priority are looked
 * at. source NULL: nothing is probed. A source that does not answer is no error: then there are no estimates.
 * BT_INVALID: the request; BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_explain_run(bt_source *source, const bt_replay_request *request, bt_explain_result *result,
                         bt_error *error) BT_MUST_CHECK;
void bt_explain_result_dispose(bt_explain_result *result);

#endif
