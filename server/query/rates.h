/* How often the traces that exercise a rule violate it: what compare and gate decide by. A rate is of settled traces
 * with a known verdict, and certain only if both of its numbers are exact and everything was read. Thread: no state of
 * its own. */
#ifndef BT_SERVER_QUERY_RATES_H
#define BT_SERVER_QUERY_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/query/shares.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"

typedef struct bt_rate {
  uint64_t violated, exercised; /* traces; exercised: those with a verdict */
  uint64_t inconclusive, unsettled;
  bool is_whole; /* what is missing of the replay, if anything, is not of this rule */
  bool is_certain;
  char why_not[280]; /* "": it is certain */
  double rate;       /* of exercised traces, 0 to 1; of several probabilities weighted; 0 where there are none */
  bt_interval interval;
  bt_share_basis basis;   /* of both */
  bt_rule_result counted; /* violated, exercised, and how these traces were kept */
  bt_sampled_traces range;
} bt_rate;

/* Certain, and not of the kept traces alone: it may be compared. */
bool bt_rate_is_sound(const bt_rate *rate);

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
/* Of the second less the first; from -1 to 1 where a side has no exercised trace. */
bt_interval bt_rate_difference(const bt_rate *first, const bt_rate *second);

#endif
