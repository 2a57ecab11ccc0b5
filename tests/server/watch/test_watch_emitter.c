/* The emitter: what a receiver does not take from one tenant holds up no other tenant, and fills at most its share of the queue. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/watch/watch_emitter.h"
#include "tests/server/replay/replay_fixture.h"

enum { CAPACITY = 200 };

static int owner_a, owner_b;

static bt_status emit(void *context, const char *tenant, const bt_rule_definition *definition,
                      const bt_violation *const *violations, size_t count, bool retract, const bt_cancel *cancel,
                      bt_emission_result *result, bt_error *error) {
  (void)context, (void)definition, (void)violations, (void)retract, (void)cancel;
  *result = (bt_emission_result){0};
  if (strcmp(tenant, "a") == 0) return bt_error_set(error, BT_REFUSED, "not for this tenant");
  result->emitted = count;
  return BT_OK;
}

static bt_open *open_of(const bt_rule_definition *definition, bt_open_set *set, uint64_t number) {
  bt_violation_record record = {.id = fake_id(number), .trace_id = fake_id(number), .message = BT_STR("m")};
  bt_violation *violation = NULL;
  bt_error error = {0};
  assert_int_equal(bt_violation_restore(&record, &violation, &error), BT_OK);
  bt_open *open = NULL;
  assert_int_equal(bt_open_set_add(set, violation, definition, &open, &error), BT_OK);
  return open;
}

static void one_tenant_does_not_hold_up_another(void **state) {
  (void)state;
  const bt_watch_sink sink = {.emit = emit, .pause_ms = 1};
  bt_rule_definition *rule = rule_of("r", "when { a } always { b }");
  bt_open_set set = {0};
  bt_emitter *emitter = NULL;
  bt_workplace *work = NULL;
  bt_emitter_item taken[CAPACITY];
  bt_error error = {0};
  assert_int_equal(bt_workplace_new(NULL, &work, &error), BT_OK);
  assert_int_equal(bt_emitter_new(work, &sink, CAPACITY, &emitter, &error), BT_OK);
  for (uint64_t i = 1; bt_emitter_room(emitter, &owner_a) > 0; i++)
    bt_emitter_push(emitter, &(bt_emitter_item){&owner_a, "a", open_of(rule, &set, i), false});
  assert_int_equal(set.count, CAPACITY / 2);
  for (uint64_t i = 1000; i < 1010; i++) {
    assert_true(bt_emitter_room(emitter, &owner_b) > 0);
    bt_emitter_push(emitter, &(bt_emitter_item){&owner_b, "b", open_of(rule, &set, i), false});
  }
  while (bt_emitter_look(emitter).emitted < 10) nanosleep(&(struct timespec){0, 1000000}, NULL);
  assert_int_equal(bt_emitter_take(emitter, &owner_b, taken, CAPACITY), 10);
  assert_int_equal(bt_emitter_take(emitter, &owner_a, taken, CAPACITY), 0);
  assert_int_equal(bt_emitter_look(emitter).queued, CAPACITY / 2);
  while (!bt_emitter_look(emitter).message[0]) nanosleep(&(struct timespec){0, 1000000}, NULL);
  assert_string_equal(bt_emitter_look(emitter).message, "not for this tenant");
  bt_emitter_free(emitter);
  bt_workplace_free(work);
  bt_open_set_dispose(&set);
  bt_rule_definition_unref(rule);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_tenant_does_not_hold_up_another)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
