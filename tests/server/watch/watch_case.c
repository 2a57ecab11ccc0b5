/* Cases of watching. See watch_case.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "tests/server/watch/watch_case.h"

int watch_case_make(void **state) {
  watch_scene *s = watch_scene_new();
  watch_add_rule(s, "slow", "when { slow } always { retry }");
  *state = s;
  return 0;
}

int watch_case_drop(void **state) {
  watch_scene_free(*state);
  return 0;
}

void watch_arrive(watch_scene *s, uint64_t number, const char *name) {
  fake_trace *trace = fake_find(&s->fake, number);
  if (!trace) trace = fake_add(&s->fake, number);
  fake_span_add(trace, name, s->now_ns)->fragment = (int)trace->span_count;
}

void watch_miss(watch_scene *s, uint64_t count) {
  for (uint64_t i = 1; i <= count; i++) {
    watch_arrive(s, i, "slow");
    s->now_ns += 10 * MINUTE_NS;
  }
}

void watch_assert_sent(watch_scene *s, const char *rule, uint64_t number, size_t times) {
  size_t sent = watch_sent(s, rule, number, false);
  if (sent != times) fail_msg("trace %d was sent %zu times for %s, expected %zu", (int)number, sent, rule, times);
}

void watch_add_others(watch_scene *s, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char id[32], dsl[80];
    snprintf(id, sizeof id, "other-%zu", i);
    snprintf(dsl, sizeof dsl, "when { other.n%zu } always { done }", i);
    watch_add_rule(s, id, dsl);
  }
}
