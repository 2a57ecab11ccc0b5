/* Replays over the memory source: it is judged like a Tempo that lists everything, and what it had to evict makes an
 * answer incomplete. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/files/memory_source.h"
#include "tests/server/replay/replay_fixture.h"
#include "tests/tempo/pushed_otlp.h"

enum { CAP_BYTES = 64 * 1024 };

static void push(bt_source *source, uint64_t trace, unsigned span, const char *name, int64_t start_ns) {
  char body[400];
  uint64_t count = 0;
  bt_error error = {0};
  int length =
      snprintf(body, sizeof body,
               "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"%032llx\",\"spanId\":\"%016x\","
               "\"name\":\"%s\",\"startTimeUnixNano\":\"%lld\",\"endTimeUnixNano\":\"%lld\"}]}]}]}",
               (unsigned long long)trace, span, name, (long long)start_ns, (long long)start_ns + 1000);
  assert_true(length > 0 && (size_t)length < sizeof body);
  bt_status status = push_otlp(source, NULL, (bt_str){body, (size_t)length}, true, &count, &error);
  if (status != BT_OK) fail_msg("push: %s", error.message);
}

static bt_source *make(size_t cap_bytes) {
  bt_source *source = NULL;
  bt_error error = {0};
  assert_int_equal(bt_memory_source_new(cap_bytes, &source, &error), BT_OK);
  return source;
}

static void start(replay_run *run) {
  replay_run_init(run);
  replay_run_add(run, "slow", "when { slow as s } always { retry after s }");
}

static void finds_what_violates(void **state) {
  (void)state;
  bt_source *source = make(0);
  replay_run *run = calloc(1, sizeof *run);
  start(run);
  for (uint64_t i = 1; i <= 20; i++) push(source, i, 1, "slow", NOON_NS + (int64_t)i * MINUTE_NS);
  for (uint64_t i = 1; i <= 20; i += 2) push(source, i, 2, "retry", NOON_NS + (int64_t)i * MINUTE_NS + SECOND_NS);
  replay_run_go_over(run, source);
  assert_int_equal(run->status, BT_OK);
  assert_int_equal(run->result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(run->result.rules[0].violations_found, 10);
  assert_int_equal(run->result.rules[0].traces_evaluated, 20);
  for (uint64_t i = 1; i <= 20; i++) assert_int_equal(replay_saw(run, 0, i), i % 2 == 0);
  replay_run_dispose(run);
  free(run);
  bt_source_free(source);
}

/* The traces of the window are pushed out by later ones: nobody can say any more that nothing was there. */
static void evicted_traces_are_not_no_violations(void **state) {
  (void)state;
  bt_source *source = make(CAP_BYTES);
  replay_run *run = calloc(1, sizeof *run);
  start(run);
  push(source, 1, 1, "slow", NOON_NS + MINUTE_NS);
  replay_run_go_over(run, source);
  assert_int_equal(run->result.outcome, BT_REPLAY_COMPLETED);
  assert_int_equal(run->result.rules[0].violations_found, 1);
  for (uint64_t i = 2; i < 600; i++) push(source, i, 1, "retry", NOON_NS + 5 * MINUTE_NS + (int64_t)i * 5 * SECOND_NS);
  replay_run_go_over(run, source);
  assert_int_equal(run->status, BT_OK);
  assert_int_equal(run->result.outcome, BT_REPLAY_INCOMPLETE);
  assert_int_equal(run->result.rules[0].violations_found, 0);
  assert_true(run->result.coverage.windows_failed_count > 0);
  assert_non_null(strstr(run->result.coverage.windows_failed[0].reason, "evicted"));
  /* What comes back of it is a part: the retry may have been in the other. */
  push(source, 1, 2, "slow", NOON_NS + 50 * MINUTE_NS);
  replay_run_go_over(run, source);
  assert_int_equal(run->result.outcome, BT_REPLAY_INCOMPLETE);
  assert_int_equal(run->result.rules[0].violations_found, 0);
  replay_run_dispose(run);
  free(run);
  bt_source_free(source);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_violates),
                                     cmocka_unit_test(evicted_traces_are_not_no_violations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
