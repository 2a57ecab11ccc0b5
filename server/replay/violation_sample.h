/* What of all that batches said is held against a read by id: a seeded sample of violations, and a few candidates in
 * any case (docs/DECISIONS.md says what that proves). They wait here; the others are told as the batches showed them.
 * Thread: the replay's. Errors: BT_NO_MEMORY, or what the observer returned. */
#ifndef BT_SERVER_REPLAY_VIOLATION_SAMPLE_H
#define BT_SERVER_REPLAY_VIOLATION_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/replay/judgement.h"

/* The order in which violating traces are worth a read by id. */
uint64_t bt_violation_sample_key(const bt_judge *judge, const bt_trace *trace, const bt_judged *rules);
/* Before the first batch: chooses a few of what is to be read that are compared whatever a batch says of them. */
void bt_violation_sample_choose(bt_judge *judge, const bt_known_list *known);
/* Begins to read a page in batches, and then asks for those by id, once. A batch keeps one place of the source busy for
 * as long as some reads by id take, and what it holds is not needed to ask for them. */
void bt_violation_sample_ask_chosen(bt_judge *judge, bt_read_request *batches);
bool bt_violation_sample_is_chosen(const bt_judge *judge, size_t known);
/* Keeps a trace that violates or was chosen, or delivers it, or another one whose place it takes. Takes its rules. */
bt_status bt_violation_sample_add(bt_judge *judge, bt_sampled sampled, bt_error *error) BT_MUST_CHECK;
/* Chooses how many of the kept ones are worth a read by id, and delivers the others as the batches showed them. */
bt_status bt_violation_sample_settle(bt_judge *judge, bt_error *error) BT_MUST_CHECK;
/* How many of so many violating traces are held against a read by id, here or earlier. */
uint64_t bt_violation_sample_size(const bt_judge *judge, uint64_t violating);

/* ---- how many of the sample are still worth a read by id, given what earlier replays compared (trust.h), and what
 * this one adds to that. What is not handed over yet, and traces that name parents which no batch showed, are compared
 * whatever is known: that is about these traces, and not about the source. ---- */

/* Of a sample of that size: so many of what was handed over long ago are still to be read by id. */
uint64_t bt_comparisons_wanted(bt_judge *judge, uint64_t sample);
/* A trace was read both ways; its rules are what the batch said. */
void bt_comparisons_take(bt_judge *judge, const bt_sampled *sampled, bool differs);
/* Whether what differs says something of other traces. It does not where copies explain it. It does where it is more
 * than one trace. One does not, if each trace that a batch judged was read by id as well; nor does one that a batch
 * showed to violate and that does not by id, if BT_TRUST_REASSURED others agree. A violation that a batch did not show
 * does, because others may be lost. */
bool bt_comparisons_tell_of_others(const bt_judge *judge);
/* Comparisons that have to agree, after an earlier difference, before an answer that batches gave is complete. */
uint32_t bt_comparisons_lacking(const bt_judge *judge);
/* Says in the coverage what the answer rests on, and leaves it to the replays that follow. */
void bt_comparisons_finish(bt_judge *judge);

#endif
