/* Habits: what the traces of one range do, as behaviours that hold more often than without their condition. Behaviours
 * are learned from one half of the sample and counted in the other. Each has something to be compared with. That is the
 * spans that do not pass its test, or traces with the same root that lack its span. It may also be another span of the
 * same trace, or the same trace with a time or value of another one. What holds there nearly as often is an accident,
 * and left out. The false discovery rate of those that are left is at most 5 %, however they depend on each other (Y.
 * Benjamini and D. Yekutieli, "The control of the false discovery rate in multiple testing under dependency", 2001).
 * Borrows the sample. Thread: one. Errors: BT_NO_MEMORY alone. */
#ifndef BT_DSL_MINE_HABIT_H
#define BT_DSL_MINE_HABIT_H

#include "dsl/mine/behaviour.h"
#include "dsl/mine/share.h"

#define BT_HABIT_RATE 0.05
#define BT_HABIT_LIFT 1.1
enum { BT_HABIT_TRACES = 40 }; /* of fewer nothing can be told */

typedef enum bt_habit_class { BT_HABIT_TESTED, BT_HABIT_PAIR, BT_HABIT_SINGLE } bt_habit_class;

typedef struct bt_habit { /* a group, by the behaviour that speaks for it */
  const bt_behaviour *behaviour;
  bt_habit_class class;
  bt_share kept;        /* of the confirming traces that exercise it */
  bt_share without;     /* of what these are compared with */
  double lift;          /* kept through without; INFINITY where nothing is kept without the condition */
  double lift_at_least; /* at 95 %, on one side */
  double probability;   /* of a difference as large, if the condition said nothing */
  double explained;     /* confirming traces that keep it and would not without the condition, at least */
  size_t members;       /* behaviours of the group, with this one */
  bt_trace_id example;  /* a small trace that exercises and keeps it */
} bt_habit;

typedef struct bt_habits {
  bt_catalog catalog;
  bt_habit *items; /* under a test first, then of two spans, then of one; in each those that explain the most first */
  size_t count;
  size_t looked_at;    /* behaviours that were tested */
  size_t incomparable; /* kept by nearly all, and with nothing to be compared with: structure */
  uint32_t confirming; /* traces */
} bt_habits;

/* least_share: of the traces that exercise one, those that have to keep it (0.5 to 1), as far as the sample can tell.
 * Of the sample the baseline alone is used. Dispose in each case. */
bt_status bt_habits_find(const bt_mine_sample *sample, double least_share, bt_habits *habits,
                         bt_error *error) BT_MUST_CHECK;
void bt_habits_dispose(bt_habits *habits);

#endif
