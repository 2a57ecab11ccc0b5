/* The rules of one tenant that are under watch, compiled: what to search for, what to read, and the evaluator.
 * Immutable except for the evaluator's scratch. Enabled rules only; one whose violations no search can find is refused
 * unless it says watch_all, because it would read every trace there is. Thread: belongs to its watcher. Errors:
 * BT_NO_MEMORY alone. */
#ifndef BT_SERVER_WATCH_RULES_H
#define BT_SERVER_WATCH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/plan/filter.h"
#include "dsl/plan/plan.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "server/store/rule_store.h"

enum { BT_WATCH_PROJECTIONS_MAX = 4 };

typedef struct bt_watch_rule {
  const bt_rule_definition *definition; /* shared */
  int64_t settle_ns;                    /* of what is of the trace itself; */
  int64_t within_ns;                    /* what links lead to may come so much later */
  bool require_complete, rests_on_absence, is_linked;
  bool whole_trace;      /* batches cannot give what it reads */
  unsigned projection;   /* which of them gives it, where batches can */
  bool counts_exercised; /* every trace that exercises it is found by the filters of these rules */
} bt_watch_rule;

typedef struct bt_watch_query {
  bt_query asked; /* borrowed from a plan, or constant */
  bool of_whole;  /* some rule that asks for it is one of whole_trace */
} bt_watch_query;

typedef struct bt_watch_rules {
  bt_watch_rule *items;
  size_t count;
  const bt_rule_definition **refused; /* shared: enabled, but not under watch */
  size_t refused_count;
  bt_plan **plans;
  bt_watch_query *queries; /* distinct: a trace that may violate a rule is found by one of them, and by one of_whole
                              where the rule is of whole_trace */
  size_t query_count, query_capacity;
  bool may_list;  /* as bt_watch_rules_new was told */
  bool finds_all; /* one query is that of all spans: every trace is found, with all of its fragments */
  /* What the rules read: of some of them each, where one has no room for all. One at least. */
  bt_projection projections[BT_WATCH_PROJECTIONS_MAX];
  unsigned projection_count;
  int64_t longest_margin_ns, longest_within_ns;
  int64_t clock_ahead_ns; /* of the source's, in settle_ns of all */
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_eval_options *options;
  char hash[65]; /* of the ids and conditions of all enabled rules: what watching means now */
} bt_watch_rules;

typedef struct bt_watch_asking {
  const bt_assumptions *service; /* the assumptions that rules may override */
  const bt_dialect *dialect;
  bool may_list; /* where the filters are many, one search for every trace may stand for them */
} bt_watch_asking;

/* new. `list` is a snapshot of the tenant's rules. */
bt_status bt_watch_rules_new(const bt_rule_list *list, const bt_watch_asking *asking, bt_watch_rules **out,
                             bt_error *error) BT_MUST_CHECK;
void bt_watch_rules_free(bt_watch_rules *rules); /* NULL is fine */
/* Whether that snapshot's enabled rules are these, in these versions. */
bool bt_watch_rules_are(const bt_watch_rules *rules, const bt_rule_list *list);
/* The hash that rules of that snapshot would have. */
bt_status bt_watch_rules_hash(const bt_rule_list *list, char hash[65], bt_error *error) BT_MUST_CHECK;

#endif
