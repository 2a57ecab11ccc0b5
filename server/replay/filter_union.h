/* One search for the candidates of many rules: where the over-formula of a rule is one filter, or any of several, a
 * filter that finds what any rule's filters find serves all of them. It finds too much for each and too little for
 * none. For many rules over a short window this is one question instead of one for each prefilter, and each trace is
 * read once either way. Only server/replay includes this. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_FILTER_UNION_H
#define BT_SERVER_REPLAY_FILTER_UNION_H

#include "dsl/plan.h"

typedef struct bt_filter_union {
  bt_over any;           /* what all of them together find; with count 0 nothing is joined */
  bt_over *queries;      /* its filters: as few as fit into the planner's limit of length */
  const bt_over **items; /* of `any`, where there are several */
  bt_buffer *texts;
  size_t count, text_count; /* queries; texts that there is room for */
} bt_filter_union;

/* Whether the formula is a filter, or any of several, of fields that every span has; tests of attributes are never
 * joined. */
bool bt_filter_union_takes(const bt_over *over);
/* Joins the filters of these formulas; those that it does not take are left alone. Nothing is joined when there are
 * fewer than two. */
bt_status bt_filter_union_make(const bt_over *const *overs, size_t count, bt_filter_union *out,
                               bt_error *error) BT_MUST_CHECK;
void bt_filter_union_dispose(bt_filter_union *joined);

#endif
