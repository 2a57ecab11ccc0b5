/* The account of memory: what may be taken, what is given back, who is asked to forget, and that threads beside each other neither lose bytes nor pass the
 * limit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>

#include "server/memory/account.h"
#include "tests/support/failing_alloc.h"

enum { LIMIT = 1000 };

static bt_memory_account *make(void) {
  bt_memory_account *account = NULL;
  bt_error error = {0};
  assert_int_equal(bt_memory_account_new(LIMIT, &account, &error), BT_OK);
  return account;
}

static void takes_up_to_the_limit(void **state) {
  (void)state;
  bt_memory_account *account = make();
  assert_true(bt_memory_take(account, BT_MEMORY_READS, 600));
  assert_true(bt_memory_take(account, BT_MEMORY_REPLAYS, 400));
  assert_false(bt_memory_take(account, BT_MEMORY_SERIES, 1));
  assert_false(bt_memory_take(account, BT_MEMORY_SERIES, SIZE_MAX));
  assert_int_equal(bt_memory_total(account), LIMIT);
  bt_memory_give(account, BT_MEMORY_READS, 600);
  assert_true(bt_memory_take(account, BT_MEMORY_SERIES, 1));
  assert_int_equal(bt_memory_held(account, BT_MEMORY_READS), 0);
  assert_int_equal(bt_memory_held(account, BT_MEMORY_REPLAYS), 400);
  assert_int_equal(bt_memory_held(account, BT_MEMORY_SERIES), 1);
  assert_int_equal(bt_memory_total(account), 401);
  bt_memory_account_free(account);
}

static void leaves_a_part_free(void **state) {
  (void)state;
  bt_memory_account *account = make();
  assert_true(bt_memory_take_beside(account, BT_MEMORY_REPLAYS, 900, 100));
  assert_false(bt_memory_take_beside(account, BT_MEMORY_REPLAYS, 1, 100));
  assert_false(bt_memory_take_beside(account, BT_MEMORY_REPLAYS, 1, LIMIT + 1));
  assert_true(bt_memory_take_beside(account, BT_MEMORY_REPLAYS, 100, 0));
  bt_memory_account_free(account);
}

/* What is there already counts, also over the limit, and then nobody takes more. */
static void what_is_there_counts(void **state) {
  (void)state;
  bt_memory_account *account = make();
  bt_memory_add(account, BT_MEMORY_REPORTS, 1500);
  assert_false(bt_memory_take(account, BT_MEMORY_READS, 1));
  bt_memory_give(account, BT_MEMORY_REPORTS, 600);
  assert_true(bt_memory_take(account, BT_MEMORY_READS, 100));
  bt_memory_account_free(account);
}

typedef struct keeper {
  bt_memory_account *account;
  size_t kept, asked;
} keeper;

static void forget(void *context, size_t wanted_bytes) {
  keeper *k = context;
  k->asked++;
  while (k->kept && bt_memory_total(k->account) + wanted_bytes > LIMIT) {
    bt_memory_give(k->account, BT_MEMORY_REPLAYS, 100);
    k->kept--;
  }
}

static void the_keeper_forgets_no_more_than_is_wanted(void **state) {
  (void)state;
  keeper k = {make(), 9, 0};
  bt_memory_set_keeper(k.account, forget, &k);
  bt_memory_add(k.account, BT_MEMORY_REPLAYS, 900);
  assert_true(bt_memory_take(k.account, BT_MEMORY_READS, 100));
  assert_int_equal(k.asked, 0);
  assert_true(bt_memory_take(k.account, BT_MEMORY_READS, 150));
  assert_int_equal(k.kept, 7);
  assert_false(bt_memory_take(k.account, BT_MEMORY_READS, 900));
  assert_int_equal(k.kept, 0);
  assert_false(bt_memory_take(k.account, BT_MEMORY_READS, LIMIT + 1));
  assert_int_equal(k.asked, 2);
  bt_memory_account_free(k.account);
}

static void a_hold_follows_its_thing(void **state) {
  (void)state;
  bt_memory_account *account = make();
  bt_memory_hold hold = {account, BT_MEMORY_READS, 0};
  assert_true(bt_memory_hold_set(&hold, 700));
  assert_false(bt_memory_hold_set(&hold, 1001));
  assert_int_equal(bt_memory_total(account), 700);
  assert_true(bt_memory_hold_set(&hold, 300));
  assert_int_equal(bt_memory_total(account), 300);
  bt_memory_hold_tell(&hold, 1200);
  assert_int_equal(bt_memory_total(account), 1200);
  bt_memory_hold_tell(&hold, 0);
  assert_int_equal(bt_memory_total(account), 0);
  assert_int_equal(bt_memory_held(account, BT_MEMORY_READS), 0);
  bt_memory_account_free(account);
}

static void without_an_account_there_is_no_limit(void **state) {
  (void)state;
  bt_memory_hold hold = {NULL, BT_MEMORY_READS, 0};
  assert_true(bt_memory_take(NULL, BT_MEMORY_READS, SIZE_MAX));
  assert_true(bt_memory_hold_set(&hold, 1 << 30));
  bt_memory_hold_tell(&hold, 0);
  bt_memory_return(NULL);
  assert_int_equal(bt_memory_total(NULL), 0);
}

static void *take_and_give(void *argument) {
  bt_memory_account *account = argument;
  bool was_over = false;
  for (int i = 0; i < 200000; i++) {
    size_t bytes = (size_t)(i % 300) + 1;
    if (!bt_memory_take(account, BT_MEMORY_READS, bytes)) continue;
    was_over = was_over || bt_memory_total(account) > LIMIT;
    bt_memory_give(account, BT_MEMORY_READS, bytes);
  }
  return was_over ? account : NULL;
}

static void threads_lose_nothing(void **state) {
  (void)state;
  bt_memory_account *account = make();
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, account), 0);
  for (int i = 0; i < 4; i++) {
    void *was_over = NULL;
    assert_int_equal(pthread_join(threads[i], &was_over), 0);
    assert_null(was_over);
  }
  assert_int_equal(bt_memory_total(account), 0);
  assert_int_equal(bt_memory_held(account, BT_MEMORY_READS), 0);
  bt_memory_account_free(account);
}

static void no_memory(void **state) {
  (void)state;
  bt_memory_account *account = NULL;
  bt_error error = {0};
  failing_alloc_after(0);
  bt_status status = bt_memory_account_new(LIMIT, &account, &error);
  failing_alloc_stop();
  assert_int_equal(status, BT_NO_MEMORY);
  assert_null(account);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_up_to_the_limit),    cmocka_unit_test(leaves_a_part_free),
      cmocka_unit_test(what_is_there_counts),     cmocka_unit_test(the_keeper_forgets_no_more_than_is_wanted),
      cmocka_unit_test(a_hold_follows_its_thing), cmocka_unit_test(without_an_account_there_is_no_limit),
      cmocka_unit_test(threads_lose_nothing),     cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
