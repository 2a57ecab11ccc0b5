/* The state of one replay, shared by the files of this folder that carry it out: candidates.c finds traces, confirm.c reads and judges them,
 * coverage.c says what could not be done. Only server/replay and its tests include this. Thread: one replay belongs to the thread that runs it. */
#ifndef BT_SERVER_REPLAY_RUN_H
#define BT_SERVER_REPLAY_RUN_H

#include "server/replay/decider.h"

/* What is to be told of one trace, rule by rule. */
typedef struct bt_judged {
  bt_trace_verdict verdict;
  bool is_usable;          /* false: this read cannot speak for the rule, and nothing is told */
  bt_violation *violation; /* of violated, when somebody wants it built; else NULL */
} bt_judged;

typedef struct bt_sampled { /* a violating trace that waits for the sample to be complete */
  uint64_t key;
  size_t known;
  bt_judged *rules; /* rule_count of them */
} bt_sampled;

/* Candidates that are read by id beside the first batch (beside.c). */
enum { BT_BESIDE_MAX = 4 };
typedef struct bt_beside {
  bt_sampled chosen[BT_BESIDE_MAX]; /* rules: what the batch said; NULL: nothing yet, or it was told */
  size_t count;
  bool is_done;  /* once in a replay */
  uint64_t read; /* violating traces that were read so, samples too */
} bt_beside;

typedef struct bt_run {
  bt_replay_plan plan;
  bt_trace_table table;
  bt_replay_account account;
  bt_questions questions;
  bt_rule_evaluator evaluator;
  bt_decider decider;

  size_t *queue; /* known traces that wait to be read by id */
  size_t queue_count, queue_capacity;
  bt_sampled *samples;
  uint32_t sample_count;
  uint64_t sampled_from; /* violating traces that batches showed */
  uint64_t samples_read; /* of the sample: those that were read by id beside the listing */
  bool has_sampled_part; /* what comes now lies near the edges */
  bt_beside beside;
  uint64_t unread_differences;
  uint64_t judged, to_judge; /* for progress */
  uint64_t sample_differences;
  bool has_data;      /* there is some trace in the window that is not our own */
  bool observer_full; /* the observer keeps no more */
  char full_reason[200];
} bt_run;

/* replay.c: checks the request and makes plans, window and evaluator. Close in every case. A source of NULL is as a Tempo. */
bt_status bt_run_open(bt_run *run, const bt_replay_request *request, bt_error *error) BT_MUST_CHECK;
void bt_run_close(bt_run *run);

/* known.c: what keeps numbers of traces. */
bt_trace_holder bt_run_holder(bt_run *run);

/* price_feed.c: adds what the replay cost to the request's price table, when it has one. */
void bt_price_feed(const bt_run *run, int64_t duration_ns);

/* confirm.c: reads what has to be read and judges it. Before that, bt_confirm_cut says in the result where to cut the window when there is more
 * to read than the request allows; not below margin, because all traces within margin of an edge have to be read anyway. */
bt_status bt_confirm_cut(bt_run *run, bt_error *error) BT_MUST_CHECK;
bt_status bt_confirm_all(bt_run *run, bt_error *error) BT_MUST_CHECK;
void bt_confirm_dispose(bt_run *run);

/* unread_sample.c: adds traces that are judged without reading to what is read, at most BT_UNREAD_SAMPLE_MAX of them, of a source that was not checked
 * BT_UNCHECKED_TIMES as many, which is what a reservoir holds. */
enum { BT_UNREAD_SAMPLE_MAX = 50 };
typedef struct bt_known_list { /* numbers of known traces */
  size_t *items;               /* with room enough */
  size_t count;
} bt_known_list;
bt_status bt_unread_sample(bt_run *run, bt_known_list *out, bt_error *error) BT_MUST_CHECK;

/* beside.c: reads by id that go on while Tempo answers the first batch. */
/* Chooses some of what is read in batches, moves them to its front, and returns their number. */
size_t bt_beside_choose(bt_run *run, bt_known_list *known);
/* When the batch has said all: the places in `known`, what it was asked for, of samples that are worth a read by id already. At most BT_MORE_BY_ID_MAX; returns their number. */
size_t bt_beside_more(const bt_run *run, const size_t *known, size_t count, size_t *places);
/* Keeps what a batch said of a chosen one until it was read by id. False: it is not one of them, and nothing was taken. */
bool bt_beside_keep(bt_run *run, const bt_sampled *judged);
/* What a read by id gave of a chosen one, or of one of these samples; NULL: nothing. */
bt_status bt_beside_take(bt_run *run, size_t known, const bt_trace *trace, bt_error *error) BT_MUST_CHECK;
/* After the batch: those that were not read by id are as if they had not been chosen. */
bt_status bt_beside_settle(bt_run *run, bt_error *error) BT_MUST_CHECK;
void bt_beside_dispose(bt_run *run);

/* judge.c: one whole trace. `is_final`: read by id, or from a source whose reads are whole; else it may be queued for by-id. */
bt_status bt_judge_trace(bt_run *run, size_t known, const bt_trace *trace, bool is_final,
                         bt_error *error) BT_MUST_CHECK;
/* Why the violation of a trace that is not found by id is not confirmed. */
#define BT_SAMPLE_IS_GONE "a batch read it, but by id it is not found: expired, or not there yet"
/* The trace of a sample, read by id: compares with what the batch said and reports. Without a trace, what the batch showed is reported, and
 * `missing` says why it is not confirmed. */
bt_status bt_judge_sampled(bt_run *run, bt_sampled *sampled, const bt_trace *trace, const char *missing,
                           bt_error *error) BT_MUST_CHECK;
/* deliver.c: tells the observer and counts. What a trace was judged to be, once it is final; takes the violations and the array. */
bt_status bt_deliver(bt_run *run, size_t known, bt_judged *rules, bt_error *error) BT_MUST_CHECK;
void bt_judged_free(bt_judged *rules, size_t count); /* NULL is fine */
bt_status bt_tell_verdict(const bt_run *run, const bt_trace_verdict *verdict, bt_error *error) BT_MUST_CHECK;
bool bt_judged_violates(const bt_run *run, const bt_judged *rules); /* some rule that the read can speak for */
/* The order in which violating traces are worth a read by id. */
uint64_t bt_violating_key(const bt_run *run, const bt_trace *trace, const bt_judged *rules);
/* Keeps a violating trace for the sample that is read again by id, or delivers it, or another one whose place it takes. Takes its rules. */
bt_status bt_sample_or_deliver(bt_run *run, bt_sampled sampled, bt_error *error) BT_MUST_CHECK;
/* Chooses how many of the kept ones are worth a read by id, and delivers the others as the batches showed them. */
bt_status bt_sample_settle(bt_run *run, bt_error *error) BT_MUST_CHECK;
/* Which these are so far, without delivering any: known traces, at most BT_MORE_BY_ID_MAX; returns their number. `under_way`: violating traces that are being read
 * by id beside the batch. */
size_t bt_sample_preview(const bt_run *run, uint64_t under_way, size_t *known);
/* A number that depends on the replay's seed and the id alone. */
uint64_t bt_sample_key(const bt_run *run, const bt_trace_id *id);
/* Once for each trace. */
bt_status bt_run_queue_by_id(bt_run *run, size_t known, bt_error *error) BT_MUST_CHECK;
/* It was read by id meanwhile. False: it does not wait. */
bool bt_run_unqueue(bt_run *run, size_t known);

/* counts.c: the numbers of each rule, once everything is read; tells the observer what is known of traces that were not. */
bt_status bt_counts_finish(bt_run *run, bt_error *error) BT_MUST_CHECK;
/* Counts what it will tell without reading; last_key is set. */
void bt_counts_later(const bt_run *run, bt_part_read *out);

#endif
