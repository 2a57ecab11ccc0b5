/* Turns: tenants, then their connections, then first come. Random lines are held against a model that keeps plain
 * lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/work/turns.h"
#include "tests/support/random.h"

static bool may_go(const void *context, uint64_t tenant) {
  return !context || *(const uint64_t *)context != tenant;
}

static void take_and_expect(bt_turns *turns, const bt_task *tasks, const char *order) {
  for (const char *c = order; *c; c++) {
    const bt_task *taken = bt_turns_take(turns, may_go, NULL);
    assert_non_null(taken);
    assert_int_equal(taken - tasks, *c - 'a');
  }
  assert_null(bt_turns_take(turns, may_go, NULL));
}

static void test_tenants_and_connections_take_turns(void **state) {
  static const uint64_t of[][2] = {{1, 1}, {1, 1}, {1, 1}, {1, 2}, {2, 3}, {1, 2}, {2, 3}};
  bt_task tasks[7] = {0};
  bt_turns turns = {0};
  (void)state;
  for (size_t i = 0; i < 7; i++) {
    tasks[i].tenant = of[i][0];
    tasks[i].party = of[i][1];
    bt_turns_add(&turns, &tasks[i]);
  }
  assert_int_equal(bt_turns_of_tenant(&turns, 1), 5);
  assert_int_equal(bt_turns_of_tenant(&turns, 2), 2);
  take_and_expect(&turns, tasks, "aedgbfc");
}

static void test_a_tenant_that_may_not_go_keeps_its_place(void **state) {
  bt_task tasks[3] = {{.tenant = 1}, {.tenant = 2}, {.tenant = 1}};
  bt_turns turns = {0};
  uint64_t waits = 1;
  (void)state;
  for (size_t i = 0; i < 3; i++) bt_turns_add(&turns, &tasks[i]);
  assert_ptr_equal(bt_turns_take(&turns, may_go, &waits), &tasks[1]);
  assert_null(bt_turns_take(&turns, may_go, &waits));
  assert_int_equal(turns.count, 2);
  take_and_expect(&turns, tasks, "ac");
}

/* ---- random lines ---- */

enum { TASKS = 200, TENANTS = 4, PARTIES = 3, NEVER = 0 };

typedef struct model { /* when each tenant, party and task last went or came to the end of its list */
  uint64_t clock, tenant_at[TENANTS], party_at[TENANTS][PARTIES], task_at[TASKS];
  bool is_waiting[TASKS];
  bt_task tasks[TASKS];
} model;

static size_t waiting_of(const model *m, uint64_t tenant, uint64_t party) {
  size_t count = 0;
  for (size_t i = 0; i < TASKS; i++)
    count += m->is_waiting[i] && m->tasks[i].tenant == tenant && (party == PARTIES || m->tasks[i].party == party);
  return count;
}

static void add(model *m, bt_turns *turns, size_t index, uint64_t tenant, uint64_t party) {
  m->tasks[index] = (bt_task){.tenant = tenant, .party = party};
  m->clock++;
  if (!waiting_of(m, tenant, PARTIES)) m->tenant_at[tenant] = m->clock;
  if (!waiting_of(m, tenant, party)) m->party_at[tenant][party] = m->clock;
  m->task_at[index] = m->clock;
  m->is_waiting[index] = true;
  bt_turns_add(turns, &m->tasks[index]);
}

static size_t next_of(const model *m, uint64_t held_back) {
  size_t best = TASKS;
  for (size_t i = 0; i < TASKS; i++) {
    const bt_task *task = &m->tasks[i], *other = best < TASKS ? &m->tasks[best] : NULL;
    if (!m->is_waiting[i] || task->tenant == held_back) continue;
    bool is_first = !other || m->tenant_at[task->tenant] < m->tenant_at[other->tenant];
    if (other && task->tenant == other->tenant) {
      uint64_t own = m->party_at[task->tenant][task->party], its = m->party_at[task->tenant][other->party];
      is_first = own < its || (own == its && m->task_at[i] < m->task_at[best]);
    }
    if (is_first) best = i;
  }
  return best;
}

static void take(model *m, bt_turns *turns, uint64_t held_back) {
  size_t expected = next_of(m, held_back);
  const bt_task *taken = bt_turns_take(turns, may_go, &held_back);
  assert_int_equal(taken ? (size_t)(taken - m->tasks) : TASKS, expected);
  if (!taken) return;
  m->is_waiting[expected] = false;
  m->clock++;
  m->tenant_at[taken->tenant] = m->party_at[taken->tenant][taken->party] = m->clock;
}

/* One of those that wait, whichever; the turns of the others are what they were. */
static void remove_one(model *m, bt_turns *turns, test_random *random) {
  size_t index = test_random_below(random, TASKS);
  for (size_t i = 0; i < TASKS && !m->is_waiting[index]; i++) index = (index + 1) % TASKS;
  if (!m->is_waiting[index]) return;
  m->is_waiting[index] = false;
  bt_turns_remove(turns, &m->tasks[index]);
}

static void expect_counts(const model *m, const bt_turns *turns) {
  size_t all = 0;
  for (uint64_t tenant = 0; tenant < TENANTS; tenant++) {
    size_t waiting = waiting_of(m, tenant, PARTIES);
    assert_int_equal(bt_turns_of_tenant(turns, tenant), waiting);
    all += waiting;
  }
  assert_int_equal(turns->count, all);
}

static void test_random_lines(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    test_random random = test_random_start(seed);
    bt_turns turns = {0};
    model *m = calloc(1, sizeof *m);
    size_t added = 0;
    assert_non_null(m);
    while (added < TASKS || turns.count) {
      bool adds = added < TASKS && test_random_below(&random, 5) < 3;
      if (adds)
        add(m, &turns, added++, test_random_below(&random, TENANTS), test_random_below(&random, PARTIES));
      else if (test_random_below(&random, 3) == 0)
        remove_one(m, &turns, &random);
      else
        take(m, &turns, test_random_below(&random, 3) ? TENANTS : test_random_below(&random, TENANTS));
      expect_counts(m, &turns);
    }
    free(m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tenants_and_connections_take_turns),
                                     cmocka_unit_test(test_a_tenant_that_may_not_go_keeps_its_place),
                                     cmocka_unit_test(test_random_lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
