/* How often the traces that exercise a rule violate it: what compare and gate decide by. A rate is of settled traces
 * with a known verdict, and certain only if both of its numbers are exact and everything was read. Thread: no state of
 * its own. */
#ifndef BT_SERVER_QUERY_RATES_H
#define BT_SERVER_QUERY_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/error.h"
#include "server/query/statistics.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"

typedef struct bt_rate {
  uint64_t violated, exercised; /* traces; exercised: those with a verdict */
  uint64_t inconclusive, unsettled;
  bool is_whole; /* what is missing of the replay, if anything, is not of this rule */
  bool is_certain;
  char why_not[280]; /* "": it is certain */
  double rate;       /* violated of exercised traces, 0 to 1; 0 where that is none */
  bt_interval interval;
} bt_rate;

/* The rules of one replay that tells the rates of some of them. */
typedef struct bt_rate_rules {
  const bt_rule_definition **rules; /* those that were given, then the derived ones: owned array */
  bt_rule_definition **derived;     /* of each given rule: owned, or NULL */
  size_t *derived_at;               /* its place in `rules` */
  size_t given, count;
} bt_rate_rules;

/* Where the plan does not count the exercising traces exactly by searching, a rule is added that exactly those traces
 * violate. counts_by_search: as far as plans can; of files nothing has to be counted by searching. The rules are
 * borrowed. Dispose in each case. BT_NO_MEMORY, or what a derived rule does not compile for. */
bt_status bt_rate_rules_make(const bt_rule_definition *const *rules, size_t count, const bt_dialect *dialect,
                             bool counts_by_search, bt_rate_rules *out, bt_error *error) BT_MUST_CHECK;
void bt_rate_rules_dispose(bt_rate_rules *rules);

/* Of one of the given rules, after a replay of all of them with BT_COUNT_EXACT. */
void bt_rate_fill(const bt_rate_rules *rules, const bt_replay_result *result, size_t index, bt_rate *out);

#endif
