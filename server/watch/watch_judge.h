/* What watch says of one trace, as one read gives it. Changes nothing: the verdicts are applied by whoever asks.
 * Thread: the watcher's. */
#ifndef BT_SERVER_WATCH_JUDGE_H
#define BT_SERVER_WATCH_JUDGE_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "server/watch/watch_outbox.h"
#include "server/watch/watch_reading.h"
#include "server/watch/watch_round.h"
#include "server/watch/watch_rules.h"
#include "server/watch/watch_table.h"

typedef enum bt_judged_fate {
  BT_JUDGED_EARLY,        /* it is not quiet, and nothing was evaluated */
  BT_JUDGED_FAILED,       /* it cannot be judged: `why` */
  BT_JUDGED_AWAITS_LINKS, /* linked traces may decide what is open, or show more of it */
  BT_JUDGED_NEEDS_ID,     /* what a batch gives is not enough */
  BT_JUDGED_DECIDED
} bt_judged_fate;

typedef struct bt_watch_judged {
  bt_judged_fate fate;
  const bt_rule_verdict *verdicts; /* from AWAITS_LINKS on: of each rule, until the next trace is judged */
  const bt_watch_rule *unreached;  /* from NEEDS_ID on: the first one whose verdict took too much; or NULL */
  bt_error why;
} bt_watch_judged;

/* What was found of the rule before is a violation no more. */
static inline bool bt_watch_is_undone(const bt_rule_verdict *verdict) {
  return verdict->verdict == BT_SATISFIED || verdict->verdict == BT_NOT_APPLICABLE;
}

/* BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_watch_judge(const bt_watch_round *round, const bt_watch_outbox *outbox, const bt_watch_read *read,
                         const bt_watched *watched, bt_watch_judged *out, bt_error *error) BT_MUST_CHECK;

#endif
