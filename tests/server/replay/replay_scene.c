/* Scenes of replays. See replay_scene.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/server/replay/replay_scene.h"

int scene_make(void **state) {
  scene *s = calloc(1, sizeof *s);
  fake_source_init(&s->fake);
  replay_run_init(&s->run);
  *state = s;
  return 0;
}

int scene_drop(void **state) {
  scene *s = *state;
  replay_run_dispose(&s->run);
  fake_source_dispose(&s->fake);
  free(s);
  return 0;
}

void scene_add(scene *s, uint64_t number, int64_t at_ns, const char *first, const char *second) {
  fake_trace *trace = fake_add(&s->fake, number);
  fake_span_add(trace, first, at_ns);
  if (second) fake_span_add(trace, second, at_ns + SECOND_NS);
}

const bt_rule_result *scene_go(scene *s) {
  replay_run_go(&s->run, &s->fake);
  if (s->run.status != BT_OK) fail_msg("%s", s->run.error.message);
  return &s->run.result.rules[0];
}

void scene_assert_reason(const scene *s, bt_replay_outcome outcome, const char *word) {
  const bt_replay_result *result = &s->run.result;
  if (result->outcome != outcome || strncmp(result->reason, word, strlen(word)) != 0)
    fail_msg("outcome %d, reason \"%s\", expected %d and \"%s…\"", (int)result->outcome, result->reason, (int)outcome,
             word);
  assert_int_equal(result->coverage.complete, outcome == BT_REPLAY_COMPLETED);
}
