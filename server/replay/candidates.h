/* The rules' formulas: what they ask for, and the sets that follow from the answers. Thread: the replay's. Errors:
 * BT_NO_MEMORY alone. */
#ifndef BT_SERVER_REPLAY_CANDIDATES_H
#define BT_SERVER_REPLAY_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/error.h"
#include "dsl/plan.h"
#include "server/replay/decision.h"

/* Whether the formula is a filter, or any of several, of fields that every span has; tests of attributes are never
 * joined. */
bool bt_filter_union_takes(const bt_over *over);
/* Joins the filters of these formulas; those that it does not take are left alone. Nothing is joined when there are
 * fewer than two. Dispose it in every case. */
bt_status bt_filter_union_make(const bt_dialect *dialect, const bt_over *const *overs, size_t count,
                               bt_filter_union *out, bt_error *error) BT_MUST_CHECK;
void bt_filter_union_dispose(bt_filter_union *joined);

/* Adds the questions for candidates; nothing is asked yet. */
bt_status bt_candidates_add(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
/* Adds those that only count exercised traces. */
bt_status bt_candidates_add_exercising(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
/* Makes the rules' candidates, all of them unread, and the sets of traces that may exercise the rules, where all that
 * tells was answered. */
bt_status bt_candidates_make(bt_decider *decider, bt_error *error) BT_MUST_CHECK;
/* For who looks at a part of a range for one rule: `halves` and `only` of the request (replay.h), and whether the rule
 * needs several things that searches find apart. */
bt_status bt_candidates_look_at_parts(bt_decider *decider, bt_error *error) BT_MUST_CHECK;

#endif
