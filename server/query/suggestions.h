/* Rules that traces keep already: the habits of a sample (dsl/mine/habit.h) say what could be a rule, and a replay over
 * the whole range says of which of these nearly all traces keep it. Whoever asks runs that replay, of all the proposals
 * at once, because the command line and the API show it in different ways. A habit is not yet a rule: what is accepted
 * is for a person to say. Owns the proposals and their rules. Thread: the caller's; the source may use others. */
#ifndef BT_SERVER_QUERY_SUGGESTIONS_H
#define BT_SERVER_QUERY_SUGGESTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/mine/habit.h"
#include "server/memory/account.h"
#include "server/query/rates.h"
#include "server/query/trace_sample.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

enum {
  BT_SUGGEST_LISTED = 100000, /* traces that a sample is taken of, at most; a larger sample is not taken */
  BT_SUGGEST_SAMPLE = 2000,
  BT_SUGGEST_RULES = 15,
  BT_SUGGEST_RULES_MAX = 100,
  BT_SUGGEST_LEAST = 50
};
#define BT_SUGGEST_SHARE 0.999

typedef struct bt_suggest_settings {
  size_t sample;  /* traces that are looked at for something to propose, 1 to BT_SUGGEST_LISTED */
  size_t limit;   /* rules at most, 1 to BT_SUGGEST_RULES_MAX */
  uint32_t least; /* traces that have to exercise a rule */
  double share;   /* of these, those that have to keep it: 0.5 to 1 */
} bt_suggest_settings;

typedef struct bt_suggestions {
  bt_suggest_settings settings;
  bt_mine_sample *traces; /* NULL: nothing was read */
  bt_habits habits;
  const bt_habit **proposals; /* of `habits`: what means most first */
  bt_rule_definition **rules; /* of each proposal: a shadow rule of low severity */
  size_t proposal_count;
  size_t *kept; /* numbers of proposals, best first; after bt_suggestions_keep */
  size_t kept_count;
  bt_trace_sample_account sample;
  bool has_no_room; /* for the sample, in the account of memory */
  bt_memory_hold hold;
} bt_suggestions;

/* Reads the sample and makes rules of what it has in common. Of the replay its range, assumptions, tenant, memory,
 * priority and cancel are used. The settings are set before; all else is zero. BT_LIMIT with has_no_room: nothing was
 * read. BT_CANCELLED, BT_NO_MEMORY, or what the source says. Dispose in each case. */
bt_status bt_suggestions_propose(bt_source *source, const bt_replay_request *replay, bt_suggestions *suggestions,
                                 bt_error *error) BT_MUST_CHECK;
/* Keeps those that the rates of a replay over the whole range speak for: one rate for each proposal. */
void bt_suggestions_keep(bt_suggestions *suggestions, const bt_rate *rates);
/* The exact bound, with 2.5 % below it, of the share of exercising traces that keep the rule. */
double bt_suggestion_share_at_least(const bt_rate *rate);
/* Traces that were looked at. */
size_t bt_suggestions_traces(const bt_suggestions *suggestions);
void bt_suggestions_dispose(bt_suggestions *suggestions);

#endif
