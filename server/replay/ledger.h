/* What a replay says in the end, from what its floors hold: the outcome, the numbers of each rule, and what each rule
 * cost. The numbers are how many traces the window has, of how many its verdict follows, how many exercised it, and
 * whether these numbers are exact. It asks nobody, and changes nothing but the result. Thread: the replay's. Errors:
 * BT_NO_MEMORY, or what the observer returned. */
#ifndef BT_SERVER_REPLAY_LEDGER_H
#define BT_SERVER_REPLAY_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/decision.h"
#include "server/replay/judgement.h"
#include "server/replay/questions.h"
#include "server/replay/replay.h"
#include "server/replay/replay_account.h"
#include "server/replay/replay_plan.h"
#include "server/replay/trace_table.h"

typedef struct bt_ledger {
  const bt_replay_plan *plan;
  const bt_trace_table *table;
  bt_replay_account *account;
  const bt_questions *questions;
  const bt_decider *decider;
  const bt_judge *judge;
  bt_entry_services *entries;
  bool has_data; /* there is some trace in the window that is not our own */
} bt_ledger;

/* What the result says from the beginning on. */
bt_status bt_ledger_begin(const bt_ledger *ledger, bt_error *error) BT_MUST_CHECK;
/* Everything was asked that there was to ask: says how it ended. */
void bt_ledger_conclude(const bt_ledger *ledger);
/* There is more to read than was asked for. */
void bt_ledger_conclude_cut(const bt_ledger *ledger);
/* Cancelled, or without room for more: nothing is known of what was not looked at. */
bt_status bt_ledger_cut_off(const bt_ledger *ledger, const bt_error *why, bt_error *error) BT_MUST_CHECK;
/* It could not be carried to any end: numbers are of what was found until then, and nothing of the range is called
 * read. */
void bt_ledger_end_early(const bt_ledger *ledger, bt_status status, const bt_error *why);

/* The numbers of each rule, once everything is read; tells the observer what is known of traces that were
 * not. */
bt_status bt_ledger_count(const bt_ledger *ledger, bt_error *error) BT_MUST_CHECK;
/* Counts what it will tell without reading; last_key is set. */
void bt_ledger_count_later(const bt_ledger *ledger, bt_part_read *out);

/* Adds what the replay cost to the request's price table, when it has one. */
void bt_ledger_feed_prices(const bt_ledger *ledger, int64_t duration_ns);

#endif
