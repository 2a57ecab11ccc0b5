/* One replay: plan → search → subtract → read → evaluate → confirm → sink. The service's jobs, the CLI and later watch call it.
 * Never false: what could not be read is in the coverage, and then the outcome is `incomplete`, never `completed`; a range without any trace is
 * incomplete with reason no_data. Thread: runs on the caller's thread; the source may use others. */
#ifndef BT_SERVER_REPLAY_H
#define BT_SERVER_REPLAY_H

#include "server/replay/violation.h"
#include "tempo/source.h"

typedef struct bt_assumptions { /* defaults by bt_assumptions_default: 15 min, 15 min, 2 min, 0, 1 h, false */
  int64_t margin_ns, lateness_ns, settle_ns, clock_skew_ns, handover_ns;
  bool require_complete;
} bt_assumptions;
bt_assumptions bt_assumptions_default(void);
/* Those of one rule: its own where it says some, else the service's. */
bt_assumptions bt_assumptions_of(const bt_assumptions *service, const bt_rule_definition *rule);

typedef enum bt_count_mode {
  BT_COUNT_AUTO /* exact up to 100,000 traces */,
  BT_COUNT_EXACT,
  BT_COUNT_AT_LEAST
} bt_count_mode;

typedef struct bt_replay_request {
  const bt_rule_definition *const *rules; /* borrowed */
  size_t rule_count;
  bt_time_range range;        /* [start, end) */
  int64_t now_ns;             /* 0: the clock */
  bt_assumptions assumptions; /* of the service; rules may override theirs */
  bt_count_mode count;
  const char *tenant;        /* or NULL */
  uint64_t sample_seed;      /* of the sample that is read again by id */
  uint32_t sample_size;      /* 0: 50 */
  size_t memory_limit_bytes; /* of one trace and of one page of reads; 0: 256 MiB */
  bt_priority priority;      /* of its requests to the source */
  bool
      wants_earliest; /* only the earliest violation matters: the sample is of the earliest, and data are looked for once, not in parts */
  size_t
      most_reads; /* with more traces to read, none is read: result->cut_ns says up to where there are about as many; 0: any number */
  const bt_cancel *cancel; /* or NULL */
} bt_replay_request;

typedef enum bt_replay_outcome {
  BT_REPLAY_COMPLETED,
  BT_REPLAY_INCOMPLETE,
  BT_REPLAY_CANCELLED,
  BT_REPLAY_FAILED
} bt_replay_outcome;

enum { BT_LONG_TRACES_NAMED = 100 };

typedef struct bt_coverage {
  bool complete;
  bt_time_range asked;
  int64_t effective_end_ns; /* min(end, now − settle) */
  /* From here on Tempo may still hand blocks over, during which its search and even its reads by id can lack spans for a moment: what was
   * found is as sure as ever, but that nothing was missed rests on Tempo. 0: the range has no such part, or the source hands nothing over. */
  int64_t handover_from_ns;
  bool has_data_from;
  int64_t data_from_ns; /* earliest trace that the source still has in the range */
  bt_time_range *windows_empty;
  size_t windows_empty_count;
  bt_failed_window *windows_failed;
  size_t windows_failed_count;
  uint64_t unsettled;       /* traces in the tail that is not settled yet */
  uint64_t outside;         /* candidates that turned out to lie outside the window */
  bt_trace_id *long_traces; /* longer than margin; at most BT_LONG_TRACES_NAMED are named */
  size_t long_trace_count;  /* all */
  bt_assumptions assumptions;
} bt_coverage;
/* Adds what an adjacent window says, later ones after earlier ones; `asked` and `complete` are the caller's. Traces are counted where they were
 * met: `outside` is the sum over the windows. */
bt_status bt_coverage_join(bt_coverage *into, const bt_coverage *from, bt_error *error) BT_MUST_CHECK;
void bt_coverage_dispose(bt_coverage *coverage);

typedef struct bt_moment {
  bool is_set;
  bt_trace_id trace_id;
  int64_t time_ns;
} bt_moment;

typedef struct bt_rule_result { /* per rule of the request */
  uint64_t traces_candidate, traces_exercised, traces_evaluated, traces_read;
  bool evaluated_is_exact, exercised_is_exact;
  uint64_t violations_found, inconclusive; /* inconclusive: of settled traces */
  uint64_t violations_provisional;         /* of violations_found: those in the unsettled tail */
  uint64_t sample_differences;             /* by-id sample that judged otherwise than the batch: makes it incomplete */
  bt_moment first_violation, last_violation;
  bt_moment first_inconclusive; /* of settled traces, by the trace's time */
} bt_rule_result;

const char *bt_replay_outcome_name(bt_replay_outcome outcome); /* "completed", … */

typedef struct bt_replay_result {
  bt_replay_outcome outcome;
  char reason[240]; /* of incomplete and failed: "no_data", … as a sentence that starts with a stable word and ": " */
  bt_coverage coverage;
  bt_rule_result *rules; /* rule_count of them */
  size_t rule_count;
  uint64_t requests, bytes_inspected, bytes_received;
  int64_t duration_ns;
  bool is_cut; /* by most_reads: incomplete, and nothing was read */
  int64_t cut_ns;
} bt_replay_result;
void bt_replay_result_dispose(bt_replay_result *result);

typedef struct bt_replay_observer { /* any function may be NULL; called on the replay's thread */
  void *context;
  void (*progress)(void *context, double fraction, const bt_replay_result *so_far);
  bt_status (*violation)(void *context, size_t rule, bt_violation *violation /* takes */, bt_error *error);
} bt_replay_observer;

/* BT_OK: result->outcome says how it ended, also for failed and cancelled. Else: the request was wrong (BT_INVALID) or no memory. */
bt_status bt_replay_run(bt_source *source, const bt_replay_request *request, const bt_replay_observer *observer,
                        bt_replay_result *result, bt_error *error) BT_MUST_CHECK;

#endif
