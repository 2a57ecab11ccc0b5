/* What spans that link elsewhere show of traces of a rule that follows links: that linked spans are there. One question
 * gives such spans, each with one of its links. What none shows may be there nevertheless
 * (bt_family_trace.hides_links). So only "does not violate" is ever taken from it. Thread: the replay's. Errors:
 * BT_CANCELLED, BT_NO_MEMORY; BT_UNAVAILABLE: the source did not answer in full. */
#ifndef BT_SERVER_REPLAY_LINKED_EVIDENCE_H
#define BT_SERVER_REPLAY_LINKED_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"
#include "server/replay/decision.h"
#include "server/replay/spans_verdict.h"
#include "tempo/wire/source.h"

/* In which spans link to traces that lie in the range. */
bt_time_range bt_linked_evidence_range(const bt_rule_sets *rule, bt_time_range of_traces);
/* BT_LIMIT: so many traces link in there that giving their spans costs more than reading so many candidates. */
bt_status bt_linked_evidence_probe(bt_decider *decider, const bt_rule_sets *rule, bt_time_range range,
                                   size_t candidates, bt_error *error) BT_MUST_CHECK;
/* What is gathered. */
typedef struct bt_gathering {
  bt_time_range range;
  uint64_t expected;              /* traces that link, about; 0: not known */
  const bt_spans_request *beside; /* spans that are asked for beside them; or NULL */
} bt_gathering;
/* Fills decider->evidence anew. BT_LIMIT: memory does not hold it. */
bt_status bt_linked_evidence_gather(bt_decider *decider, const bt_rule_sets *rule, const bt_gathering *what,
                                    bt_error *error) BT_MUST_CHECK;
/* The verdicts of all rules on a trace with what links to it, as far as that was asked for; to be read with the
 * options of the decider's evaluator. *verdicts NULL: there is too much of it. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_linked_evidence_evaluate(bt_decider *decider, const bt_trace *own, const bt_rule_verdict **verdicts,
                                      bt_error *error) BT_MUST_CHECK;
/* What it shows of a trace, of which `own` has all spans that bt_plan_evidence.own finds. BT_CANCELLED, BT_NO_MEMORY.
 */
bt_status bt_linked_evidence_judge(bt_decider *decider, const bt_rule_sets *rule, const bt_trace *own,
                                   bt_spans_verdict *out, bt_error *error) BT_MUST_CHECK;
void bt_linked_evidence_clear(bt_decider *decider);

#endif
