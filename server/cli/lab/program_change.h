/* What two programs say of one rule, compared trace by trace. What only one of them says anything about is not known;
 * it is never "no change". Thread: the main thread. */
#ifndef BT_SERVER_CLI_LAB_PROGRAM_CHANGE_H
#define BT_SERVER_CLI_LAB_PROGRAM_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/cli/lab/program_answer.h"

enum { BT_NOT_VIOLATED = -1, BT_NOT_LISTED = -2 }; /* of a replay: no violation; that, or inconclusive */

typedef struct bt_told_change {
  const bt_told *before, *after; /* borrowed from the answers; NULL: that replay lists no violation of this trace */
} bt_told_change;

typedef struct bt_program_change { /* of one rule */
  bt_told_change *items;           /* owned */
  size_t count, capacity;
  size_t newly_violated, no_longer_violated;
  uint64_t unlisted;        /* changes to or from inconclusive that a replay counts and does not list, at least */
  uint64_t reasons_changed; /* traces that stay inconclusive, for another reason */
  uint64_t violations[2], inconclusive[2]; /* before and after */
  bt_buffer not_known;                     /* why not everything is; empty: all is */
} bt_program_change;

typedef struct bt_two_answers {
  const bt_program_answer *answers[2]; /* before and after */
  const char *names[2];                /* of the programs */
  bool of_replays;
} bt_two_answers;

/* BT_NO_MEMORY. Dispose in each case. */
bt_status bt_program_change_find(const bt_two_answers *two, size_t rule, bt_program_change *out,
                                 bt_error *error) BT_MUST_CHECK;
void bt_program_change_dispose(bt_program_change *change);
/* How many verdicts change, at least. */
uint64_t bt_program_change_total(const bt_program_change *change);
/* A bt_verdict, or one of the above. side 0: before. */
int bt_program_change_verdict(const bt_two_answers *two, size_t rule, const bt_told_change *item, int side);
/* Appends "violated", "inconclusive (copies)" or "not violated". */
void bt_program_change_say(const bt_two_answers *two, size_t rule, const bt_told_change *item, int side,
                           bt_buffer *out);

#endif
