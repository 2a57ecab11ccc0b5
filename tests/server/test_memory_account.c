/* The account of memory: what may be taken, what is given back, who is asked to forget, and that threads at the same
 * time neither lose bytes nor pass the limit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

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
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_READS], 0);
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_REPLAYS], 400);
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_SERIES], 1);
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

static void remembers_the_most_it_held(void **state) {
  (void)state;
  bt_memory_account *account = make();
  assert_true(bt_memory_take(account, BT_MEMORY_READS, 700));
  bt_memory_give(account, BT_MEMORY_READS, 600);
  assert_false(bt_memory_take(account, BT_MEMORY_WATCH, 1000));
  assert_int_equal(bt_memory_look(account).total, 100);
  assert_int_equal(bt_memory_look(account).most, 700);
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
  assert_true(bt_memory_take(k.account, BT_MEMORY_REPLAYS, 900));
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
  assert_true(bt_memory_hold_grow(&hold, 700));
  assert_false(bt_memory_hold_grow(&hold, 1));
  assert_false(bt_memory_hold_grow(&hold, SIZE_MAX));
  bt_memory_hold_shrink(&hold, 1200); /* is not more than there is */
  assert_int_equal(bt_memory_total(account), 1000);
  bt_memory_hold_shrink(&hold, 0);
  assert_int_equal(bt_memory_total(account), 0);
  assert_int_equal(bt_memory_look(account).kinds[BT_MEMORY_READS], 0);
  bt_memory_account_free(account);
}

/* Between two owners nothing is free for a moment, which somebody else could take. */
static void a_hold_is_handed_on(void **state) {
  (void)state;
  bt_memory_account *account = make();
  bt_memory_hold of_many = {account, BT_MEMORY_VIOLATIONS, 0}, of_one = {account, BT_MEMORY_VIOLATIONS, 0};
  assert_true(bt_memory_hold_set(&of_many, 600));
  assert_true(bt_memory_hold_set(&of_one, 400));
  bt_memory_hold_join(&of_many, &of_one);
  assert_int_equal(of_one.bytes, 0);
  assert_int_equal(of_many.bytes, 1000);
  assert_int_equal(bt_memory_look(account).most, 1000);
  bt_memory_hold_shrink(&of_one, 0);
  bt_memory_hold_shrink(&of_many, 0);
  assert_int_equal(bt_memory_total(account), 0);
  bt_memory_account_free(account);
}

static void without_an_account_there_is_no_limit(void **state) {
  (void)state;
  bt_memory_hold hold = {NULL, BT_MEMORY_READS, 0};
  assert_true(bt_memory_take(NULL, BT_MEMORY_READS, SIZE_MAX));
  assert_true(bt_memory_hold_set(&hold, 1 << 30));
  bt_memory_hold_shrink(&hold, 0);
  bt_memory_return(NULL);
  assert_int_equal(bt_memory_total(NULL), 0);
}

enum { TAKERS = 4, LOOKERS = 2 };

typedef struct taker {
  bt_memory_account *account;
  bt_memory_kind kind;
} taker;

static void *take_and_give(void *argument) {
  const taker *t = argument;
  bt_memory_hold hold = {t->account, t->kind, 0};
  for (size_t i = 0; i < 100000; i++) {
    size_t bytes = i % 300 + 1;
    if (bt_memory_take(t->account, t->kind, bytes)) bt_memory_give(t->account, t->kind, bytes);
    if (!bt_memory_hold_grow(&hold, bytes)) bt_memory_hold_shrink(&hold, 0);
  }
  bt_memory_hold_shrink(&hold, 0);
  return NULL;
}

static atomic_bool is_over;

/* What a scrape would see. */
static void *look_all_the_time(void *argument) {
  bool was_wrong = false;
  while (!atomic_load(&is_over)) {
    bt_memory_view view = bt_memory_look(argument);
    size_t sum = 0;
    for (size_t i = 0; i < BT_MEMORY_KINDS; i++) sum += view.kinds[i];
    was_wrong = was_wrong || sum != view.total || view.total > LIMIT || view.most > LIMIT;
  }
  return was_wrong ? argument : NULL;
}

static void the_gauge_is_never_over_the_limit(void **state) {
  (void)state;
  bt_memory_account *account = make();
  pthread_t takers[TAKERS], lookers[LOOKERS];
  taker of[TAKERS];
  atomic_store(&is_over, false);
  for (int i = 0; i < LOOKERS; i++) assert_int_equal(pthread_create(&lookers[i], NULL, look_all_the_time, account), 0);
  for (int i = 0; i < TAKERS; i++) {
    of[i] = (taker){account, (bt_memory_kind)i};
    assert_int_equal(pthread_create(&takers[i], NULL, take_and_give, &of[i]), 0);
  }
  for (int i = 0; i < TAKERS; i++) assert_int_equal(pthread_join(takers[i], NULL), 0);
  atomic_store(&is_over, true);
  for (int i = 0; i < LOOKERS; i++) {
    void *was_wrong = NULL;
    assert_int_equal(pthread_join(lookers[i], &was_wrong), 0);
    assert_null(was_wrong);
  }
  bt_memory_view view = bt_memory_look(account);
  assert_int_equal(view.total, 0);
  for (size_t i = 0; i < BT_MEMORY_KINDS; i++) assert_int_equal(view.kinds[i], 0);
  assert_true(view.most > LIMIT / 2); /* they were in each other's way */
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
      cmocka_unit_test(takes_up_to_the_limit),
      cmocka_unit_test(leaves_a_part_free),
      cmocka_unit_test(remembers_the_most_it_held),
      cmocka_unit_test(the_keeper_forgets_no_more_than_is_wanted),
      cmocka_unit_test(a_hold_follows_its_thing),
      cmocka_unit_test(without_an_account_there_is_no_limit),
      cmocka_unit_test(a_hold_is_handed_on),
      cmocka_unit_test(the_gauge_is_never_over_the_limit),
      cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
