/* How often the traces that exercise rules violate them, over a range: compare and gate decide by it. A rate is of
 * settled traces with a known verdict. There is one only if both numbers are exact and everything was read. Thread: the
 * main thread. */
#ifndef BT_SERVER_CLI_LAB_RATES_H
#define BT_SERVER_CLI_LAB_RATES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/error.h"
#include "dsl/text.h"
#include "server/cli/answer.h"
#include "server/cli/collected.h"
#include "server/cli/lab/statistics.h"
#include "server/cli/replay_options.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

typedef struct bt_rate {
  uint64_t violated, exercised; /* traces; exercised: those with a verdict */
  uint64_t inconclusive, unsettled;
  bool is_whole; /* what is missing of the replay, if anything, is not of this rule */
  bool is_certain;
  char why_not[280]; /* "": it is certain */
  double rate;       /* violated of exercised; 0 where that is none */
  bt_interval interval;
} bt_rate;

typedef struct bt_rates {
  bt_rate *items; /* one for each rule */
  size_t count;
  bt_collected all; /* rules beyond `count` are derived ones */
} bt_rates;

/* Dispose in each case. */
bt_status bt_rates_measure(bt_source *source, const bt_replay_options *options, const bt_rule_definition *const *rules,
                           size_t count, bt_time_range range, bt_rates *out, bt_error *error) BT_MUST_CHECK;
void bt_rates_dispose(bt_rates *rates);

json_t *bt_rate_json(const bt_rate *rate);
/* "12 of 3400 traces that exercised the rule: 0.353 % (95 % interval 0.202 % to 0.616 %)"; of an answer with gaps "12
 * violations found; not looked at: …", or "UNKNOWN: …". */
void bt_rate_write(const bt_rate *rate, const bt_answer *answer, bt_buffer *out);

#endif
