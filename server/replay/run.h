/* The state of one replay, shared by the files of this folder that carry it out: candidates.c finds traces, confirm.c reads and judges them,
 * coverage.c says what could not be done. Only server/replay includes this. Thread: one replay belongs to the thread that runs it. */
#ifndef BT_SERVER_REPLAY_RUN_H
#define BT_SERVER_REPLAY_RUN_H

#include "server/replay/replay.h"
#include "server/replay/window.h"

enum {
  BT_KNOWN_OWN = 1,    /* BeTrace's own: neither judged nor counted */
  BT_KNOWN_JUDGED = 2, /* read whole; the flags below are of the whole trace */
  BT_KNOWN_OUTSIDE = 4,
  BT_KNOWN_TAIL = 8,     /* in the unsettled tail */
  BT_KNOWN_BY_ID = 16,   /* waits to be read by id, or was */
  BT_KNOWN_MATCHED = 32, /* some filter found it */
  BT_KNOWN_LISTED = 64   /* the listing of all traces has it */
};

/* A trace that some search found. */
typedef struct bt_known {
  bt_found matched; /* what filters saw of it; meaningful with BT_KNOWN_MATCHED */
  bt_found listed;  /* what the listing saw of it; meaningful with BT_KNOWN_LISTED */
  uint8_t flags;
} bt_known;

/* A distinct filter of the rules' plans: asked once, whatever the number of rules that share it. */
typedef struct bt_query {
  bt_str text; /* borrowed from a plan */
  bt_found_list found;
  uint64_t *bits; /* over the known traces */
  bool asked;
  bool is_over;     /* what it misses, the replay misses */
  bool is_complete; /* no window failed */
  bool is_lost;     /* nothing was answered */
} bt_query;

typedef struct bt_run_rule {
  const bt_rule_definition *definition;
  bt_plan *plan;
  int64_t settle_ns;
  bool require_complete;
  bool whole_trace;     /* batches cannot give what it reads */
  uint64_t *candidates; /* bits over the known traces: may violate */
  uint64_t *unread;     /* of the candidates: those not subtracted, which have to be read */
  uint64_t *exercising; /* may exercise; NULL: not known */
} bt_run_rule;

typedef struct bt_sampled { /* violations of one trace that wait for the sample to be complete */
  uint64_t key;
  size_t known;
  bt_violation **violations; /* one for each rule, NULL where it does not violate */
} bt_sampled;

typedef struct bt_run {
  bt_source *source;
  bt_replay_request request; /* with its defaults filled in */
  const bt_replay_observer *observer;
  bt_replay_result *result;
  bool filters, is_static;
  bt_window window;
  bt_time_range search_range;
  bt_run_rule *rules;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_eval_options *options;
  bt_projection projection;

  bt_query *queries; /* number 0 is `{}`, the listing of all traces */
  size_t query_count, query_capacity;
  bt_known *known; /* by id */
  size_t known_count, word_count;
  bool is_listed;     /* the listing is complete */
  bool is_all_needed; /* some rule has to read every trace: the listing finds candidates */
  bool own_are_known; /* the search for BeTrace's own traces was complete */
  bool source_lost;   /* not reachable any more: nothing more is asked */
  char lost_reason[200];

  size_t *queue; /* known traces that wait to be read by id */
  size_t queue_count, queue_capacity;
  bt_sampled *samples;
  uint32_t sample_count;
  uint64_t judged, to_judge; /* for progress */
  double progress;           /* shown last; it never goes back when more work turns up */
  uint64_t failed_beyond;    /* failures that are no longer listed one by one */
  uint64_t sample_differences;
  bool has_data;      /* there is some trace in the window that is not our own */
  bool observer_full; /* the observer keeps no more */
  char full_reason[200];
} bt_run;

static inline bool bt_bit_get(const uint64_t *bits, size_t index) {
  return (bits[index / 64] >> (index % 64) & 1) != 0;
}
static inline void bt_bit_set(uint64_t *bits, size_t index) {
  bits[index / 64] |= (uint64_t)1 << (index % 64);
}

/* The known trace with that id, or NULL. */
bt_known *bt_run_known(const bt_run *run, const bt_trace_id *id);
/* What is known of its bounds: what filters saw, else the listing. */
const bt_found *bt_known_bounds(const bt_known *known);
/* Its place as far as its bounds tell, or as the whole trace said. */
bt_place bt_run_place(const bt_run *run, const bt_known *known);
/* Requests with everything that is the same for all of a replay. */
bt_search_request bt_run_search(const bt_run *run, bt_str filter, bt_time_range range);
bt_read_request bt_run_read(const bt_run *run, const bt_trace_id *ids, size_t count, bt_time_range range);
bool bt_run_is_cancelled(const bt_run *run);
void bt_run_progress(bt_run *run, double fraction);

/* candidates.c: asks for all that the rules need and fills `known` and the rules' bits. BT_CANCELLED, BT_NO_MEMORY, BT_LIMIT stop the replay. */
bt_status bt_candidates_find(bt_run *run, bt_error *error) BT_MUST_CHECK;
void bt_candidates_dispose(bt_run *run);

/* query.c: the table of distinct filters. */
enum { BT_QUERY_ALL = 0 };
bt_status bt_query_add(bt_run *run, bt_str text, bool is_over, size_t *index, bt_error *error) BT_MUST_CHECK;
size_t bt_query_find(const bt_run *run, bt_str text); /* it must be there */
/* Searches it over the whole range with margins. max_found 0: no maximum; *exceeded says that there were more. */
bt_status bt_query_ask(bt_run *run, bt_query *query, size_t max_found, bool *exceeded, bt_error *error) BT_MUST_CHECK;

/* own_traces.c: marks BeTrace's own traces among the known ones. A source that fails here only makes counts inexact. */
bt_status bt_own_traces_mark(bt_run *run, bt_error *error) BT_MUST_CHECK;

/* confirm.c: reads what has to be read and judges it. Before that, bt_confirm_cut says in the result where to cut the window when there is more
 * to read than the request allows; not below margin, because all traces within margin of an edge have to be read anyway. */
bt_status bt_confirm_cut(bt_run *run, bt_error *error) BT_MUST_CHECK;
bt_status bt_confirm_all(bt_run *run, bt_error *error) BT_MUST_CHECK;
void bt_confirm_dispose(bt_run *run);

/* judge.c: one whole trace. `is_final`: read by id, or from a source whose reads are whole; else it may be queued for by-id. */
bt_status bt_judge_trace(bt_run *run, size_t known, const bt_trace *trace, bool is_final,
                         bt_error *error) BT_MUST_CHECK;
/* The trace of a sample, read by id: compares with what the batch said and reports. Without a trace, what the batch showed is reported, and
 * `missing` says why it is not confirmed. */
bt_status bt_judge_sampled(bt_run *run, bt_sampled *sampled, const bt_trace *trace, const char *missing,
                           bt_error *error) BT_MUST_CHECK;
/* Once for each trace. */
bt_status bt_run_queue_by_id(bt_run *run, size_t known, bt_error *error) BT_MUST_CHECK;

/* coverage.c */
bt_str bt_coverage_any_trace(void); /* the filter that finds every trace but BeTrace's own */
bt_status bt_coverage_fail(bt_run *run, bt_time_range range, const char *reason, bt_error *error) BT_MUST_CHECK;
bt_status bt_coverage_fail_trace(bt_run *run, const bt_known *known, const char *reason, bt_error *error) BT_MUST_CHECK;
/* Adds what a call cost, and its failed windows when `is_over`. */
bt_status bt_coverage_add(bt_run *run, const bt_source_account *account, bool is_over, bt_error *error) BT_MUST_CHECK;
bt_status bt_coverage_add_long(bt_run *run, const bt_trace_id *id, bt_error *error) BT_MUST_CHECK;
/* Empty windows and the earliest trace; asks the source where no listing tells. */
bt_status bt_coverage_find_gaps(bt_run *run, bt_error *error) BT_MUST_CHECK;

/* counts.c: the numbers of each rule, once everything is read. */
void bt_counts_finish(bt_run *run);

#endif
