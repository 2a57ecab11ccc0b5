/* Traces that a replay looks for once, whatever its rules are, and marks among those that it found. These are BeTrace's
 * own traces, and those with summaries in place of spans. Thread: the replay's. Errors: BT_CANCELLED, BT_NO_MEMORY. */
#ifndef BT_SERVER_REPLAY_MARKED_TRACES_H
#define BT_SERVER_REPLAY_MARKED_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/replay/questions.h"
#include "server/replay/replay_plan.h"
#include "tempo/wire/source.h"

/* ---- BeTrace's own, which are neither judged nor counted. A source that fails here only makes counts inexact. ---- */

/* Looks for them, and marks those that are in the table. */
bt_status bt_own_traces_mark(bt_questions *questions, bt_error *error) BT_MUST_CHECK;

/* ---- pruned ones. What a rule asks for may be among the spans that are not there, so that each of them is a candidate
 * of every rule that can be violated, and nothing that a search finds or a projection shows takes it away. ---- */

/* Finds every trace that has a summary. */
bt_query bt_pruned_query(void);
bt_status bt_pruned_traces_add(bt_questions *questions, bt_error *error) BT_MUST_CHECK; /* adds the question */
/* Beside what is asked until it is gathered. */
void bt_pruned_traces_begin(bt_questions *questions);
/* After its answer: what is read gives the marks from here on, where there are such traces, or that is not known. */
void bt_pruned_traces_take(bt_questions *questions);
/* Sets the bits of all of them. */
void bt_pruned_traces_join(const bt_questions *questions, const bt_planned_rule *rule, uint64_t *bits);
bool bt_pruned_traces_has(const bt_questions *questions, size_t known);
bool bt_pruned_traces_are_known(const bt_questions *questions); /* all of them */
/* *none: the source says in full that the range has none. What fails is no loss. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_pruned_traces_look(bt_questions *questions, bt_time_range range, bool *none,
                                bt_error *error) BT_MUST_CHECK;

#endif
