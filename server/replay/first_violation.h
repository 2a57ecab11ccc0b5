/* When did it start: the earliest violation of one rule in a range, without reading what comes after it. It looks at
 * windows from the left, each larger than the one before, until one holds a violation. A window with too much to read
 * is cut. It says `proven` only if it read everything before the violation in full, and "no violation" only if that is
 * so for the whole range. All of it rests on the assumption `margin`, which the coverage names. In a trace that is
 * longer than margin, a violation may lie before the trace's time (window.h): such a trace belongs to each window that
 * it reaches into. What no window finds whole, because it lies in several or came late, is found at last, when all that
 * was looked at is asked for as a replay asks for it. Where a rule needs several things that searches find apart, a
 * trace may have one of them before the violation and another behind all that was looked at. Those that have the one
 * are read, or looked for in the rest of the range, and where that would be too much it is not proven. Thread: runs on
 * the caller's; the source may use others. */
#ifndef BT_SERVER_REPLAY_FIRST_VIOLATION_H
#define BT_SERVER_REPLAY_FIRST_VIOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/replay.h"
#include "server/replay/violation.h"
#include "tempo/wire/source.h"

typedef struct bt_first_result {
  bt_replay_outcome outcome; /* completed: a violation before which none was kept, or none in the whole range */
  char reason[240];          /* of all others: a stable word, ": " and a sentence */
  bt_violation *violation;   /* owned; NULL: none was found */
  bool proven; /* completed, nothing says that the source took traces away, and nothing that they were sampled, or all
                  that may violate it was kept */
  bool at_edge_of_data; /* the source has nothing from more than margin before it: it may have started earlier */
  bt_coverage
      coverage; /* of all windows; asked: the whole range; effective_end: not after the end of what was looked at */
  bt_time_range looked_at;            /* from the start of the range to the end of the last window */
  bt_policy_seen policy;              /* as of a replay, of all windows */
  uint64_t windows;                   /* looked at, those that were cut included; not all of them once more */
  uint64_t traces_read, inconclusive; /* in these windows */
  uint64_t requests, bytes_inspected, bytes_received;
  int64_t duration_ns;
  bt_replay_note *notes; /* with the request's takes_notes, as of a replay */
  size_t note_count;
  uint64_t noted_traces;
  bool is_idle;      /* bt_first_explain_idle: nothing exercised the rule, or that is not known */
  bt_idle_note idle; /* then: why */
} bt_first_result;
void bt_first_result_dispose(bt_first_result *result);

/* The request has one rule; its count, sample_size, wants_earliest and most_reads are not looked at. Of the
 * observer, which may be NULL, only `progress` is called; its fractions are of the range. BT_OK: result->outcome
 * says how it ended. Else the request was wrong (BT_INVALID) or there is no memory, and the result is empty. */
bt_status bt_first_violation_run(bt_source *source, const bt_replay_request *request,
                                 const bt_replay_observer *observer, bt_first_result *result,
                                 bt_error *error) BT_MUST_CHECK;

#endif
