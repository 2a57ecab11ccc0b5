/* What an answer over a range rests on, in words. What was not read is never a number. If nothing was judged, the text
 * says UNKNOWN and why; if something was left out, it says what was found and what was not read. Replay, first, gate,
 * compare, contrast, vacuity, diff, suggest and canary use these functions. Thread: the main thread. */
#ifndef BT_SERVER_CLI_ANSWER_H
#define BT_SERVER_CLI_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/cli/replay_options.h"
#include "server/replay/replay.h"

typedef struct bt_answer { /* borrowed: parts of a result and of the options that asked for it */
  const bt_replay_options *options;
  bt_replay_outcome outcome;
  const char *reason;
  const bt_coverage *coverage;
  uint64_t looked_at; /* traces that were judged, or violations that were found */
} bt_answer;
bt_answer bt_answer_of(const bt_replay_options *options, const bt_replay_result *result);

/* Something was not read, or could not be decided by what was. */
bool bt_answer_has_gaps(const bt_answer *answer);
/* Nothing was judged: no number says anything. */
bool bt_answer_is_unknown(const bt_answer *answer);

/* "http://127.0.0.1:3200 refused the connection, or nothing answers there": the reason, with the place and without its
 * first word. */
void bt_answer_write_reason(const bt_answer *answer, bt_buffer *out);
/* "; not looked at: ", or "; ", which goes before the rest. */
const char *bt_answer_rest_sign(const bt_answer *answer);
/* "2026-11-21T12:06:21Z to 2026-11-22T00:21:21Z: Tempo answered 503, and 2 more (below)" */
void bt_answer_write_rest(const bt_answer *answer, bt_buffer *out);
/* Prints "UNKNOWN: " and the reason in yellow; behind `subject` and ": " where there is one. */
void bt_answer_print_unknown(const char *subject, const bt_answer *answer);
/* Prints its sign and the rest. */
void bt_answer_print_rest(const bt_answer *answer);

/* An address without its user, password, query and fragment, which may hold secrets. */
void bt_url_write(const char *url, bt_buffer *out);
/* An error in which that address had a part, as above. */
void bt_failure_write(const char *url, const char *message, bt_buffer *out);
/* Where nothing answered: the error then says at which address, and what to do. */
void bt_failure_name_place(const char *url, const char *advice, bt_error *error);
#define BT_NO_SERVICE_ADVICE "betrace serve starts a service there, or --url says where one is"
#define BT_NO_STORE_ADVICE   "is this the store's HTTP address? --store URL or --tempo URL says it"

#endif
