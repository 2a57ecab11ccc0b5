/* What counts stand for where traces were sampled, in one sentence for people: the same one in every output. Thread: no
 * state. */
#ifndef BT_SERVER_REPLAY_SAMPLED_TEXT_H
#define BT_SERVER_REPLAY_SAMPLED_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "server/replay/replay.h"

/* Of a rule: "12 seen of a 10 % sample; 65 to 205 happened (95 %)", "none seen; at most 35 of about 1,200,000 exercised
 * traces (95 %)", "none seen among the traces that were kept". Nothing where sampling is not declared, or all are kept.
 */
void bt_sampled_say_rule(const bt_sampled_traces *range, const bt_rule_result *rule, bt_buffer *out);
/* Of one number: the same, without what exercised a rule; also "none seen; at most 35 (95 %)". of: as
 * bt_sampled_traces_estimate takes it. */
void bt_sampled_say_count(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen, bt_buffer *out);
/* Of an answer: who says how its traces were sampled, and how sure that is. Nothing where all are declared to be kept.
 */
void bt_sampled_say_range(const bt_sampled_traces *range, bt_buffer *out);

#endif
