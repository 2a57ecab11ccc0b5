/* What a replay has cost so far, what of it failed, and who is shown how far it is. Failures are listed one by one
 * up to a number; after that the last entry stands for all further ones, so that none is dropped. It writes into the
 * replay's result, which it borrows, and reads nothing from it. Thread: the replay's. Errors: BT_NO_MEMORY alone. */
#ifndef BT_SERVER_REPLAY_ACCOUNT_H
#define BT_SERVER_REPLAY_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/replay/replay.h"
#include "server/replay/trace_table.h"
#include "tempo/wire/source.h"

typedef struct bt_replay_account {
  bt_replay_result *result;
  const bt_replay_observer *observer; /* or NULL */
  uint64_t failed_beyond;             /* failures that are no longer listed one by one */
  double progress;                    /* shown last; it never goes back when more work turns up */
} bt_replay_account;

bt_status bt_account_fail(bt_replay_account *account, bt_time_range range, const char *reason,
                          bt_error *error) BT_MUST_CHECK;
bt_status bt_account_fail_trace(bt_replay_account *account, const bt_known *known, const char *reason,
                                bt_error *error) BT_MUST_CHECK;
/* Adds what a call cost, and its failed windows when `is_over`. */
bt_status bt_account_add(bt_replay_account *account, const bt_source_account *call, bool is_over,
                         bt_error *error) BT_MUST_CHECK;
/* What it cost alone. */
void bt_account_add_cost(bt_replay_account *account, const bt_source_account *call);
bt_status bt_account_add_long(bt_replay_account *account, const bt_trace_id *id, bt_error *error) BT_MUST_CHECK;
/* Each id counts once, as far as named. */
void bt_account_add_differing(bt_replay_account *account, const bt_trace_id *id);
/* Each id counts once, as far as named; copies explain it where they do once. */
void bt_account_add_contradicted(bt_replay_account *account, const bt_trace_id *id, bool copies_explain);
void bt_account_show(bt_replay_account *account, double fraction);

#endif
