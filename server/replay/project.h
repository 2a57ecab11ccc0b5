/* Deciding candidates from the spans that their rules speak of. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_PROJECT_H
#define BT_SERVER_REPLAY_PROJECT_H

#include "server/replay/run.h"

/* What the spans of one trace show for a rule. */
typedef enum bt_spans_verdict {
  BT_SPANS_UNDECIDED, /* the whole trace has to be read */
  BT_SPANS_NO_VIOLATION,
  BT_SPANS_EXERCISED /* and no violation */
} bt_spans_verdict;

/* Takes out of `unread` what the spans show not to violate. rules: which rules, one for each of the request; they can be decided so. */
bt_status bt_project(bt_run *run, const bool *rules, bt_error *error) BT_MUST_CHECK;

/* For a request of one rule: what these spans show of their trace, as long as nothing else is known of it. */
bt_status bt_project_judge(bt_run *run, const bt_found_spans *spans, bt_spans_verdict *out,
                           bt_error *error) BT_MUST_CHECK;
/* Whether what is known of the trace besides lets its spans decide. */
bool bt_project_may_decide(const bt_run *run, size_t known);
/* Takes the trace out of the rule's `unread`; not for BT_SPANS_UNDECIDED. */
void bt_project_decide(bt_run *run, bt_run_rule *rule, bt_spans_verdict verdict, size_t known);
/* Makes the rule's sets of decided traces. */
bt_status bt_project_make_sets(const bt_run *run, bt_run_rule *rule, bt_error *error) BT_MUST_CHECK;

#endif
