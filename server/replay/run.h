/* The state of one replay, shared by the files of this folder that carry it out: candidates.c finds traces, confirm.c reads and judges them,
 * coverage.c says what could not be done. Only server/replay and its tests include this. Thread: one replay belongs to the thread that runs it. */
#ifndef BT_SERVER_REPLAY_RUN_H
#define BT_SERVER_REPLAY_RUN_H

#include "server/replay/judge.h"

typedef struct bt_run {
  bt_replay_plan plan;
  bt_trace_table table;
  bt_replay_account account;
  bt_questions questions;
  bt_rule_evaluator evaluator;
  bt_decider decider;
  bt_judge judge;

  bool has_data; /* there is some trace in the window that is not our own */
} bt_run;

/* replay.c: checks the request and makes plans, window and evaluator. Close in every case. A source of NULL is as a Tempo. */
bt_status bt_run_open(bt_run *run, const bt_replay_request *request, bt_error *error) BT_MUST_CHECK;
void bt_run_close(bt_run *run);

/* price_feed.c: adds what the replay cost to the request's price table, when it has one. */
void bt_price_feed(const bt_run *run, int64_t duration_ns);

/* counts.c: the numbers of each rule, once everything is read; tells the observer what is known of traces that were not. */
bt_status bt_counts_finish(bt_run *run, bt_error *error) BT_MUST_CHECK;
/* Counts what it will tell without reading; last_key is set. */
void bt_counts_later(const bt_run *run, bt_part_read *out);

#endif
