/* The emitter: what a receiver does not take from one tenant, or does not answer, holds up no other tenant, and fills
 * at most its share of the queue. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <stdatomic.h>
#include <time.h>

#include "server/watch/watch_emitter.h"
#include "tests/server/replay/replay_fixture.h"

enum { CAPACITY = 200, PATIENCE = 20000 /* milliseconds, before a test gives up */ };

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

/* ---- a receiver that does not answer ---- */

typedef struct hanging {
  const char *tenant, *rule; /* whose exports hang; NULL: all */
  atomic_uint under_way, most_under_way, passed;
} hanging;

static bt_status hang_or_pass(void *context, const char *tenant, const bt_rule_definition *definition,
                              const bt_violation *const *violations, size_t count, bool retract,
                              const bt_cancel *cancel, bt_emission_result *result, bt_error *error) {
  hanging *h = context;
  (void)violations, (void)retract;
  *result = (bt_emission_result){0};
  bool hangs = strcmp(tenant, h->tenant) == 0 && (!h->rule || strcmp(definition->fields.id, h->rule) == 0);
  if (hangs) {
    unsigned now = atomic_fetch_add(&h->under_way, 1) + 1;
    if (now > atomic_load(&h->most_under_way)) atomic_store(&h->most_under_way, now);
    while (!atomic_load(&cancel->requested)) nanosleep(&(struct timespec){0, 1000000}, NULL);
    return bt_error_set(error, BT_CANCELLED, "the test is over");
  }
  result->emitted = count;
  atomic_fetch_add(&h->passed, (unsigned)count);
  return BT_OK;
}

static bt_status refuse_checkpoint(void *context, const char *tenant, const bt_checkpoint *checkpoint,
                                   const bt_cancel *cancel, bt_error *error) {
  (void)context, (void)tenant, (void)checkpoint, (void)cancel;
  return bt_error_set(error, BT_REFUSED, "no");
}

typedef struct sending {
  hanging h;
  bt_watch_sink sink;
  bt_rule_definition *rules[4];
  bt_open_set set;
  bt_emitter *emitter;
  bt_workplace *work;
} sending;

static void begin(sending *s, const char *tenant, const char *rule) {
  static const char *const names[] = {"r0", "r1", "r2", "r3"};
  bt_error error = {0};
  *s = (sending){.h = {.tenant = tenant, .rule = rule}};
  s->sink = (bt_watch_sink){.context = &s->h, .emit = hang_or_pass, .checkpoint = refuse_checkpoint, .pause_ms = 1};
  for (size_t i = 0; i < 4; i++) s->rules[i] = rule_of(names[i], "when { a } always { b }");
  assert_int_equal(bt_workplace_new(NULL, &s->work, &error), BT_OK);
  assert_int_equal(bt_emitter_new(s->work, &s->sink, CAPACITY, &s->emitter, &error), BT_OK);
}

static void push_of_all_rules(sending *s, const void *owner, const char *tenant, uint64_t from) {
  for (uint64_t i = 0; i < 4; i++) {
    bt_open *open = open_of(s->rules[i], &s->set, from + i);
    bt_emitter_push(s->emitter, &(bt_emitter_item){(void *)(uintptr_t)owner, tenant, open, false});
  }
}

static bool comes_to(atomic_uint *number, unsigned least) {
  for (int i = 0; i < PATIENCE && atomic_load(number) < least; i++) nanosleep(&(struct timespec){0, 1000000}, NULL);
  return atomic_load(number) >= least;
}

static void end(sending *s) {
  bt_emitter_free(s->emitter);
  bt_workplace_free(s->work);
  bt_open_set_dispose(&s->set);
  for (size_t i = 0; i < 4; i++) bt_rule_definition_unref(s->rules[i]);
}

static void an_export_that_hangs_holds_up_no_other(void **state) {
  (void)state;
  sending s;
  begin(&s, "a", "r0");
  push_of_all_rules(&s, &owner_a, "a", 1);
  assert_true(comes_to(&s.h.passed, 3));
  assert_int_equal(bt_emitter_look(s.emitter).queued, 1);
  end(&s);
}

/* Whatever a's receiver leaves unanswered, one who sends is left for b. */
static void a_tenant_whose_exports_hang_leaves_a_place(void **state) {
  (void)state;
  sending s;
  begin(&s, "a", NULL);
  push_of_all_rules(&s, &owner_a, "a", 1);
  assert_true(comes_to(&s.h.under_way, BT_EMITTER_SENDERS - 1));
  for (uint64_t round = 1; round <= 10; round++) {
    push_of_all_rules(&s, &owner_b, "b", 100 * round);
    assert_true(comes_to(&s.h.passed, (unsigned)(4 * round)));
  }
  bt_emitter_checkpoint of_a = {.tenant = "a"}, of_b = {.tenant = "b"};
  bt_error why = {0};
  bt_emitter_push_checkpoint(s.emitter, &of_a);
  bt_emitter_push_checkpoint(s.emitter, &of_b);
  bt_emitter_fate fate = BT_EMITTER_UNDER_WAY;
  for (int i = 0; i < PATIENCE && fate == BT_EMITTER_UNDER_WAY; i++) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    fate = bt_emitter_take_checkpoint(s.emitter, &of_b, &why);
  }
  assert_int_equal(fate, BT_EMITTER_FAILED);
  assert_int_equal(bt_emitter_take_checkpoint(s.emitter, &of_a, &why), BT_EMITTER_UNDER_WAY);
  assert_int_equal(atomic_load(&s.h.most_under_way), BT_EMITTER_SENDERS - 1);
  end(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_tenant_does_not_hold_up_another),
                                     cmocka_unit_test(an_export_that_hangs_holds_up_no_other),
                                     cmocka_unit_test(a_tenant_whose_exports_hang_leaves_a_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
