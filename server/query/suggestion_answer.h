/* Suggestions as one answer: the sample, the proposals, one replay of all of them, and what it said of each. What is
 * missing is said: a suggestion is given only where its numbers are certain, and an answer without any says why.
 * Thread: the caller's; the source may use others. */
#ifndef BT_SERVER_QUERY_SUGGESTION_ANSWER_H
#define BT_SERVER_QUERY_SUGGESTION_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/query/rates.h"
#include "server/query/suggestions.h"
#include "server/replay/replay.h"
#include "tempo/wire/source.h"

enum { BT_SUGGEST_EXCEPTIONS = 5 };

typedef struct bt_suggest_exceptions { /* traces that violate one proposal, the earliest ones, in order of time */
  bt_moment items[BT_SUGGEST_EXCEPTIONS];
  size_t count;
} bt_suggest_exceptions;

typedef struct bt_suggest_result {
  bt_suggestions suggestions; /* its settings are set by who asks */
  bt_replay_outcome outcome;  /* completed: the sample was read, and all proposals were counted */
  char reason[240];
  bt_rate *rates;                    /* of each proposal; NULL: none was counted */
  bt_suggest_exceptions *exceptions; /* of each proposal */
  bt_coverage coverage;              /* of the replay; where there was none, of what the sample is of */
  uint64_t requests, bytes_inspected, bytes_received;
  int64_t duration_ns;
} bt_suggest_result;

/* Of the replay all but rules and counting is used; prices and samples are the replay's. BT_OK: the result says how it
 * ended, also failed and cancelled. BT_LIMIT: no room to begin (suggestions.has_no_room); BT_NO_MEMORY. Dispose in each
 * case. */
bt_status bt_suggest_run(bt_source *source, const bt_replay_request *replay, bt_suggest_result *result,
                         bt_error *error) BT_MUST_CHECK;
void bt_suggest_result_dispose(bt_suggest_result *result);

#endif
