/* Has a rule fallen silent? Counts of steps of time say how many traces there were, and how many of these exercised it.
 * What its own past exercised at the same hour, of as many traces, is what would be expected now. That much fewer did
 * is told where chance would do so less than once in a million. Chance is the negative binomial distribution: a
 * binomial share that itself varies from day to day, by as much as the past shows and by 17 % at least. Windows that
 * end now are tried, each twice as long as the one before, so that rare rules are told, too, only later. Weekdays are
 * compared with weekdays, weekends with weekends; steps whose counts are not known say nothing. Where the hour
 * before or after is half as busy, the least of the three is expected: a nightly job may come an hour later. Thread: no
 * state. */
#ifndef BT_DSL_MINE_SILENCE_H
#define BT_DSL_MINE_SILENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_SILENCE_CHANCE 1e-6 /* of one look: as improbable it has to be, */
#define BT_SILENCE_PART   0.25 /* and as few of those that are expected may have come */

typedef struct bt_silence_step { /* of BT_SILENCE_STEP_S */
  uint32_t traces, exercised;
  bool is_known;
} bt_silence_step;
enum { BT_SILENCE_STEP_S = 900 };

typedef enum bt_silence_state {
  BT_SILENCE_NONE,   /* as many exercise it as did, or the difference may be chance */
  BT_SILENCE_FALLEN, /* silent: far fewer than were expected, or none */
  BT_SILENCE_NO_PAST /* no step of the last day has the same hour in the past, on a day of its kind */
} bt_silence_state;

typedef struct bt_silence {
  bt_silence_state state;
  size_t since;            /* FALLEN: the number of the step with which it began */
  double expected, chance; /* FALLEN: of the window that shows it; else of the last day, chance 1 */
  uint64_t seen, traces;   /* in that window */
} bt_silence;

/* At the end of these steps, the first of which begins at this second of the epoch (a multiple of BT_SILENCE_STEP_S).
 * Looks at 28 days at most. */
bt_silence bt_silence_look(const bt_silence_step *steps, size_t count, int64_t first_s);

#endif
