/* What many traces say of a rule's policy, with room for some of them. In whatever order they come, no claim begins
 * earlier than all of them together allow, and there is none without a declaration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/replay/policy_seen.h"

enum { WORLDS = 2000, MOST = 400 };

static uint64_t state = 7;

static int64_t random_below(int64_t most) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (int64_t)((state >> 33) % (uint64_t)most);
}

static const bt_declared_sampling declared = {.kind = BT_SAMPLING_POLICY, .text = "policy"};

/* Of all of them; 0: of none. */
static int64_t since_of_all(const bt_policy_sighting *all, size_t count, int64_t other_ns) {
  int64_t since = 0;
  for (size_t i = 0; i < count; i++)
    if (all[i].start_ns >= other_ns && (!since || all[i].decided_ns < since)) since = all[i].decided_ns;
  return since;
}

static void test_nothing_is_said_too_early(void **unused) {
  size_t said = 0;
  (void)unused;
  for (int world = 0; world < WORLDS; world++) {
    bt_policy_sighting all[MOST];
    bt_policy_seen whole = {.name = "betrace/r/0123456789ab"}, parts[2] = {{.traces = 0}, {.traces = 0}};
    size_t count = (size_t)random_below(MOST) + 1;
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = 0; i < count; i++) {
      int64_t start = 1000 + random_below(100000);
      all[i] = (bt_policy_sighting){start, start + random_below(500)};
      if (start < first) first = start;
      if (start > last) last = start;
      bt_policy_seen *part = &parts[random_below(2)];
      bt_policy_seen_add(&whole, &all[i]);
      bt_policy_seen_add(part, &all[i]);
      whole.traces++;
      part->traces++;
    }
    int64_t other = random_below(3) ? random_below(90000) : 0;
    bt_policy_seen_lacks(&whole, other);
    bt_policy_seen_lacks(&parts[0], other);
    bt_policy_seen_join(&parts[1], &parts[0]);
    const bt_policy_seen *both[] = {&whole, &parts[1]};
    for (size_t b = 0; b < 2; b++) {
      int64_t at = bt_policy_since(both[b], &declared), least = since_of_all(all, count, other);
      assert_int_equal(both[b]->traces, count);
      assert_int_equal(both[b]->sightings[0].start_ns, first);
      assert_int_equal(both[b]->last_ns, last);
      assert_true(!at || (least && at >= least));
      assert_int_equal(bt_policy_since(both[b], &(bt_declared_sampling){.kind = BT_SAMPLING_AUTO}), 0);
      if (count < BT_POLICY_SIGHTINGS / 2) assert_int_equal(at, least);
      said += at > 0;
    }
  }
  assert_true(said > WORLDS);
}

/* Room for some is enough to say it soon: not later than after a tenth of the range, in order or not. */
static void say_soon(bool in_order) {
  bt_policy_seen seen = {.name = "betrace/r/0123456789ab"};
  for (int64_t i = 0; i < 10000; i++) {
    int64_t start = 1000 + (in_order ? i * 10 : random_below(100000));
    bt_policy_seen_add(&seen, &(bt_policy_sighting){start, start + 1});
    seen.traces++;
  }
  bt_policy_seen_lacks(&seen, 50000);
  int64_t since = bt_policy_since(&seen, &declared);
  assert_true(since > 50000 && since < 60000);
}

static void test_it_is_said_soon(void **unused) {
  (void)unused;
  say_soon(false);
  say_soon(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_said_too_early),
                                     cmocka_unit_test(test_it_is_said_soon)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
