/* What the service counts while it works, for /metrics: requests, evaluations, replays, pushed spans, and for each rule
 * when it was last evaluated and what watch emitted. Everything starts at zero with the process. Cardinality is
 * bounded: routes of the table, rules and tenants. Thread: any; numbers are atomic, the table of rules has a lock of
 * its own. */
#ifndef BT_SERVER_METRICS_H
#define BT_SERVER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/metrics/histogram.h"

typedef struct bt_metrics bt_metrics;

typedef enum bt_evaluation_kind {
  BT_EVALUATION_REPLAY,
  BT_EVALUATION_FIRST_VIOLATION,
  BT_EVALUATION_CONTRAST,
  BT_EVALUATION_SUGGEST,
  BT_EVALUATION_CHANGES,
  BT_EVALUATION_GATE,
  BT_EVALUATION_BACKTEST,
  BT_EVALUATION_PROBLEMS,
  BT_EVALUATION_ON_DEMAND, /* violations and series that somebody asked for */
  BT_EVALUATION_REPORT,    /* a compliance report, from its start to its signature */
  BT_EVALUATION_KINDS
} bt_evaluation_kind;
extern const char *const bt_evaluation_kind_names[BT_EVALUATION_KINDS];

typedef enum bt_replay_end {
  BT_REPLAY_END_COMPLETED,
  BT_REPLAY_END_INCOMPLETE,
  BT_REPLAY_END_CANCELLED,
  BT_REPLAY_END_FAILED,
  BT_REPLAY_ENDS
} bt_replay_end;
extern const char *const bt_replay_end_names[BT_REPLAY_ENDS];

typedef enum bt_span_outcome {
  BT_SPANS_ACCEPTED,  /* pushed, and taken by the OTLP endpoint or the memory source */
  BT_SPANS_REJECTED,  /* pushed, and refused there */
  BT_SPANS_UNCERTAIN, /* pushed, and no answer came */
  BT_SPAN_OUTCOMES
} bt_span_outcome;
extern const char *const bt_span_outcome_names[BT_SPAN_OUTCOMES];

typedef enum bt_emitted_outcome {
  BT_EMITTED_SENT,
  BT_EMITTED_ALREADY_THERE,
  BT_EMITTED_FAILED,
  BT_EMITTED_OUTCOMES
} bt_emitted_outcome;
extern const char *const bt_emitted_outcome_names[BT_EMITTED_OUTCOMES];

typedef enum bt_report_end {
  BT_REPORT_END_COMPLETE,   /* everything in its range was read */
  BT_REPORT_END_INCOMPLETE, /* it says what was not */
  BT_REPORT_END_CANCELLED,
  BT_REPORT_END_FAILED,
  BT_REPORT_ENDS
} bt_report_end;
extern const char *const bt_report_end_names[BT_REPORT_ENDS];

typedef enum bt_report_span_outcome {
  BT_REPORT_SPANS_SENT,
  BT_REPORT_SPANS_NOT_SENT, /* nowhere to send it to */
  BT_REPORT_SPANS_FAILED,   /* the report's head is not in the store, or nobody knows */
  BT_REPORT_SPAN_OUTCOMES
} bt_report_span_outcome;
extern const char *const bt_report_span_outcome_names[BT_REPORT_SPAN_OUTCOMES];

typedef enum bt_time_stamp_outcome {
  BT_TIME_STAMPS_GIVEN,
  BT_TIME_STAMPS_FAILED, /* the authority was away, slow or wrong: the report says so */
  BT_TIME_STAMP_OUTCOMES
} bt_time_stamp_outcome;
extern const char *const bt_time_stamp_outcome_names[BT_TIME_STAMP_OUTCOMES];

enum { BT_STATUS_CLASSES = 5 }; /* 1xx to 5xx */

/* new. routes: how many have numbers of their own. BT_NO_MEMORY alone. */
bt_status bt_metrics_new(size_t routes, bt_metrics **out, bt_error *error) BT_MUST_CHECK;
void bt_metrics_free(bt_metrics *metrics); /* NULL is fine */

/* Each takes NULL for metrics and then does nothing. */
/* route: its number; beyond the table for a request that met none. duration below 0: a stream, which has no latency. */
void bt_metrics_add_request(bt_metrics *metrics, size_t route, int status, int64_t duration_ns);
void bt_metrics_add_evaluation(bt_metrics *metrics, bt_evaluation_kind kind, int64_t duration_ns);
void bt_metrics_add_replay(bt_metrics *metrics, bt_replay_end end, int64_t queued_ns);
void bt_metrics_add_spans(bt_metrics *metrics, bt_span_outcome outcome, uint64_t count);
void bt_metrics_add_emitted(bt_metrics *metrics, bt_emitted_outcome outcome, uint64_t count);
void bt_metrics_add_report(bt_metrics *metrics, bt_report_end end, int64_t duration_ns);
void bt_metrics_add_report_span(bt_metrics *metrics, bt_report_span_outcome outcome);
void bt_metrics_add_time_stamp(bt_metrics *metrics, bt_time_stamp_outcome outcome);

/* The route's counts; routes is valid too: requests that met none. */
uint64_t bt_metrics_requests(const bt_metrics *metrics, size_t route, size_t status_class);
uint64_t bt_metrics_over_rate(const bt_metrics *metrics); /* requests that were answered with 429 */
const bt_histogram *bt_metrics_request_durations(const bt_metrics *metrics, size_t route);
const bt_histogram *bt_metrics_evaluations(const bt_metrics *metrics, bt_evaluation_kind kind);
const bt_histogram *bt_metrics_queue_waits(const bt_metrics *metrics);
uint64_t bt_metrics_replays(const bt_metrics *metrics, bt_replay_end end);
uint64_t bt_metrics_spans(const bt_metrics *metrics, bt_span_outcome outcome);
uint64_t bt_metrics_emitted(const bt_metrics *metrics, bt_emitted_outcome outcome);
uint64_t bt_metrics_reports(const bt_metrics *metrics, bt_report_end end);
uint64_t bt_metrics_report_spans(const bt_metrics *metrics, bt_report_span_outcome outcome);
uint64_t bt_metrics_time_stamps(const bt_metrics *metrics, bt_time_stamp_outcome outcome);

/* ---- rules ---- */

typedef struct bt_rule_counts { /* all-zero: nothing so far */
  uint64_t violations;          /* first emissions by watch */
  uint64_t exercised;           /* traces that watch judged and that exercised the rule; meaningful with: */
  bool counts_exercised;        /* watch sees all of them, not only those that may violate */
  int64_t last_evaluation_ns;   /* when the latest evaluation of the stored rule ended (wall clock); 0: not known */
  int64_t watched_until_ns;     /* what watch has evaluated up to; 0: not under watch */
} bt_rule_counts;

void bt_metrics_rule_evaluated(bt_metrics *metrics, const char *tenant, const char *rule_id, int64_t at_ns);
/* By watch alone: a violation that was emitted for the first time. Replays repeat themselves, so they do not count
 * here. */
void bt_metrics_rule_violation(bt_metrics *metrics, const char *tenant, const char *rule_id);
/* By watch alone: a trace that exercised the rule, once. And whether that counts all such traces. */
void bt_metrics_rule_exercised(bt_metrics *metrics, const char *tenant, const char *rule_id);
void bt_metrics_rule_counts_exercised(bt_metrics *metrics, const char *tenant, const char *rule_id, bool counts);
void bt_metrics_rule_watched(bt_metrics *metrics, const char *tenant, const char *rule_id, int64_t until_ns);
bt_rule_counts bt_metrics_rule(bt_metrics *metrics, const char *tenant, const char *rule_id);

#endif
