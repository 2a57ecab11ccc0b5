/* What tests of watching begin with: a scene with one rule, spans that arrive, and a look at what was sent. Thread: the
 * test's. */
#ifndef BT_TESTS_WATCH_CASE_H
#define BT_TESTS_WATCH_CASE_H

#include "tests/server/watch/watch_fixture.h"

#define NO_PANIC "when { slow } never { panic }"

/* Set-up and tear-down of cmocka, with the rule "slow": `when { slow } always { retry }`. CASE is the row of a test. */
int watch_case_make(void **state);
int watch_case_drop(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, watch_case_make, watch_case_drop)

/* A span that arrives now. */
void watch_arrive(watch_scene *s, uint64_t number, const char *name);
/* Nobody watches meanwhile: traces 1 to count with the span "slow", one every ten minutes. */
void watch_miss(watch_scene *s, uint64_t count);
void watch_assert_sent(watch_scene *s, const char *rule, uint64_t number, size_t times);
/* Rules that no trace of the tests violates, with a filter each. */
void watch_add_others(watch_scene *s, size_t count);

#endif
