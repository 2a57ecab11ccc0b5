/* The rules of one tenant that are under watch, compiled: what to search for, what to read, and the evaluator.
 * Immutable except for the evaluator's scratch. Enabled rules only; one whose violations no search can find is refused
 * unless it says watch_all, because it would read every trace there is. Thread: belongs to its watcher. Errors:
 * BT_NO_MEMORY alone. */
#ifndef BT_SERVER_WATCH_RULES_H
#define BT_SERVER_WATCH_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/error.h"
#include "dsl/eval.h"
#include "dsl/plan.h"
#include "dsl/text.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "server/store/rule_store.h"

typedef struct bt_watch_rule {
  const bt_rule_definition *definition; /* shared */
  int64_t settle_ns;                    /* of what is of the trace itself; */
  int64_t within_ns;                    /* what links lead to may come so much later */
  bool require_complete, rests_on_absence, is_linked;
  bool whole_trace;      /* batches cannot give what it reads */
  bool counts_exercised; /* every trace that exercises it is found by the filters of these rules */
} bt_watch_rule;

typedef struct bt_watch_rules {
  bt_watch_rule *items;
  size_t count;
  const bt_rule_definition **refused; /* shared: enabled, but not under watch */
  size_t refused_count;
  bt_plan **plans;
  bt_query *queries; /* borrowed from the plans; distinct: a trace that may violate is found by one of them */
  size_t query_count, query_capacity;
  bt_projection projection; /* what the rules read */
  int64_t longest_margin_ns, longest_within_ns;
  int64_t clock_ahead_ns; /* of the source's, in settle_ns of all */
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_eval_options *options;
  char hash[65]; /* of the ids and conditions of all enabled rules: what watching means now */
} bt_watch_rules;

/* new. `list` is a snapshot of the tenant's rules. `service`: the assumptions that rules may override. */
bt_status bt_watch_rules_new(const bt_rule_list *list, const bt_assumptions *service, const bt_dialect *dialect,
                             bt_watch_rules **out, bt_error *error) BT_MUST_CHECK;
void bt_watch_rules_free(bt_watch_rules *rules); /* NULL is fine */
/* Whether that snapshot's enabled rules are these, in these versions. */
bool bt_watch_rules_are(const bt_watch_rules *rules, const bt_rule_list *list);
/* The hash that rules of that snapshot would have. */
bt_status bt_watch_rules_hash(const bt_rule_list *list, char hash[65], bt_error *error) BT_MUST_CHECK;

#endif
