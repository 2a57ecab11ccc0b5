/* A scene of tests of replays: the scripted source, one run, and what an answer has to say. Thread: the test's. */
#ifndef BT_TESTS_REPLAY_SCENE_H
#define BT_TESTS_REPLAY_SCENE_H

#include "tests/server/replay/replay_fixture.h"

#define SLOW_NO_RETRY "trace.has(span.name == \"slow\") and not trace.has(span.name == \"retry\")"

typedef struct scene {
  fake_source fake;
  replay_run run;
} scene;

/* Set-up and tear-down of cmocka; SCENE is the row of a test. */
int scene_make(void **state);
int scene_drop(void **state);
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_make, scene_drop)

/* A trace with one span, or with a second one a second later; `second` may be NULL. */
void scene_add(scene *s, uint64_t number, int64_t at_ns, const char *first, const char *second);
/* Runs it, which has to work, and returns the result of the first rule. */
const bt_rule_result *scene_go(scene *s);
/* The outcome and how its reason begins; only what is completed may call itself complete. */
void scene_assert_reason(const scene *s, bt_replay_outcome outcome, const char *word);

#endif
