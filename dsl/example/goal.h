/* What a trace is looked for, and made small without losing. The files of this folder only. Thread: as search.h. */
#ifndef BT_DSL_EXAMPLE_GOAL_H
#define BT_DSL_EXAMPLE_GOAL_H

#include "dsl/example/search.h"

typedef enum goal_part {
  WANTED_VIOLATED,
  WANTED_KEPT,        /* satisfied, and exercised */
  WANTED_NOT_VIOLATED /* satisfied, or not applicable */
} goal_part;

typedef struct example_goal {
  goal_part of[SEARCH_RULES];
} example_goal;

bool goal_is_met(search *s, const model *m, const example_goal *goal);
/* Leaves out what the goal does without, until it needs all that is left. */
void goal_shrink(search *s, model *m, const example_goal *goal);
/* *found is small then. Few spans are tried first; false: nothing was found, or s->no_memory. */
bool goal_find(search *s, const example_goal *goal, model *found);
/* The model with one thing changed, as near to it as is found; false likewise. */
bool goal_find_near(search *s, const example_goal *goal, const model *near, model *found);

#endif
