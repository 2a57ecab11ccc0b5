/* How often the traces that exercise rules violate them, over a range, measured with what a command was told and
 * written as text. Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_RATES_H
#define BT_SERVER_CLI_LAB_RATES_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/cli/answer.h"
#include "server/cli/collected_replay.h"
#include "server/cli/replay_options.h"
#include "server/query/rates.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

typedef struct bt_rates {
  bt_rate *items; /* one for each rule */
  size_t count;
  bt_collected all; /* rules beyond `count` are derived ones */
} bt_rates;

/* Errors are those of bt_replay_run. Dispose in each case. */
bt_status bt_rates_measure(bt_source *source, const bt_replay_options *options, const bt_rule_definition *const *rules,
                           size_t count, bt_time_range range, bt_rates *out, bt_error *error) BT_MUST_CHECK;
void bt_rates_dispose(bt_rates *rates);

/* "12 of 3400 traces that exercised the rule: 0.353 % (95 % interval 0.202 % to 0.616 %)"; of an answer with gaps "12
 * violations found; not looked at: …", or "UNKNOWN: …". */
void bt_rate_write(const bt_rate *rate, const bt_answer *answer, bt_buffer *out);
/* Where traces were sampled: why the comparison of these two holds for all of them. False: nothing is to be said. */
bool bt_rates_say_basis(const bt_rate *first, const bt_rate *second, bt_buffer *out);

#endif
