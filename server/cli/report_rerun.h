/* Looking again at what a report says: a seeded sample of its traces is read and judged anew, and a seeded sample of
 * its rules replayed over its range. For `betrace verify-report`. Thread: the main thread. */
#ifndef BT_SERVER_CLI_REPORT_RERUN_H
#define BT_SERVER_CLI_REPORT_RERUN_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/cli/replay_options.h"
#include "server/compliance/report_reader.h"
#include "tempo/wire/source.h"

typedef struct bt_rerun_options {
  const bt_replay_options *place; /* where the traces are */
  uint64_t seed;
  size_t traces, rules; /* how many of each at most */
} bt_rerun_options;

typedef struct bt_rerun_finding {
  char text[320]; /* a sentence */
} bt_rerun_finding;

typedef struct bt_rerun {
  size_t traces_same, traces_different, traces_gone; /* gone: the source does not have it any more, or cannot decide */
  size_t rules_same, rules_different, rules_unknown;
  bt_rerun_finding *findings; /* what differs, and why something is not known */
  size_t finding_count, finding_capacity;
} bt_rerun;
void bt_rerun_dispose(bt_rerun *rerun);

/* BT_OK: looked, whatever came out. BT_UNAVAILABLE and the like: the source gave nothing. BT_CANCELLED: Ctrl-C.
 * BT_NO_MEMORY. */
bt_status bt_rerun_traces(bt_source *source, const bt_reported *reported, const bt_rerun_options *options,
                          bt_rerun *out, bt_error *error) BT_MUST_CHECK;
bt_status bt_rerun_rules(bt_source *source, const bt_reported *reported, const bt_rerun_options *options, bt_rerun *out,
                         bt_error *error) BT_MUST_CHECK;

#endif
