/* Rules and traces that somebody wrote to make the service slow. */
#ifndef BT_TESTS_DSL_HOSTILE_H
#define BT_TESTS_DSL_HOSTILE_H

#include <stdbool.h>

/* Compiles and runs them under the default step budget, prints how each ended and how long it took. False: one ended
 * otherwise than it has to. */
bool dsl_hostile_run(void);

#endif
