/* The queue before the budget: classes, turns within a class, nobody waits for ever, holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tempo/wire/http_queue.h"

typedef struct request {
  bt_http_waiting waiting; /* first */
  char name;
} request;

enum { MOST = 512 };

typedef struct fixture {
  bt_http_queue queue;
  request requests[MOST];
  size_t used;
} fixture;

static void add(fixture *f, char name, bt_priority priority, const void *party) {
  assert_true(f->used < MOST);
  request *r = &f->requests[f->used++];
  *r = (request){.waiting = {.priority = priority, .party = party}, .name = name};
  bt_http_queue_add(&f->queue, &r->waiting);
}

static char take(fixture *f, int64_t now_ms) {
  bt_http_waiting *taken = bt_http_queue_take(&f->queue, now_ms);
  return taken ? ((request *)taken)->name : '-';
}

static void takes(fixture *f, const char *expected) {
  char got[MOST] = "";
  size_t length = strlen(expected);
  for (size_t i = 0; i < length; i++) got[i] = take(f, 0);
  assert_string_equal(got, expected);
}

static const int a, b, c; /* parties: only their addresses count */

static void watch_goes_before_people_before_replays(void **state) {
  (void)state;
  fixture f = {0};
  assert_true(bt_http_queue_is_empty(&f.queue));
  add(&f, 'r', BT_PRIORITY_REPLAY, &a);
  add(&f, 's', BT_PRIORITY_REPLAY, &b);
  add(&f, 'p', BT_PRIORITY_PEOPLE, &a);
  add(&f, 'w', BT_PRIORITY_WATCH, &c);
  add(&f, 'q', BT_PRIORITY_PEOPLE, &b);
  assert_false(bt_http_queue_is_empty(&f.queue));
  takes(&f, "wpqrs-");
  assert_true(bt_http_queue_is_empty(&f.queue));
}

/* However many one party has waiting, the other goes every second time. */
static void parties_take_turns(void **state) {
  (void)state;
  fixture f = {0};
  for (char name = '1'; name <= '6'; name++) add(&f, name, BT_PRIORITY_REPLAY, &a);
  add(&f, 'x', BT_PRIORITY_REPLAY, &b);
  add(&f, 'y', BT_PRIORITY_REPLAY, &b);
  add(&f, 'm', BT_PRIORITY_REPLAY, &c);
  takes(&f, "1xm2y3456-");
}

/* A party that comes back at once after each of its answers is not served before one that waits. */
static void coming_back_at_once_gains_nothing(void **state) {
  (void)state;
  fixture f = {0};
  for (char name = '1'; name <= '5'; name++) add(&f, name, BT_PRIORITY_REPLAY, &a);
  add(&f, 'x', BT_PRIORITY_REPLAY, &b);
  char order[16] = "";
  for (size_t i = 0; i < 10; i++) {
    order[i] = take(&f, 0);
    if (order[i] == 'x') add(&f, 'x', BT_PRIORITY_REPLAY, &b);
  }
  assert_string_equal(order, "1x2x3x4x5x");
}

/* A stream of watch requests that never ends: people and replays still have their turn. */
static void nobody_waits_for_ever(void **state) {
  (void)state;
  fixture f = {0};
  size_t longest[2] = {0, 0}, since[2] = {0, 0};
  add(&f, 'p', BT_PRIORITY_PEOPLE, &b);
  add(&f, 'r', BT_PRIORITY_REPLAY, &c);
  add(&f, 'w', BT_PRIORITY_WATCH, &a);
  for (size_t i = 0; i < 300; i++) {
    char name = take(&f, 0);
    if (f.used + 1 >= MOST) break;
    since[0]++, since[1]++;
    if (name == 'p') since[0] = 0, add(&f, 'p', BT_PRIORITY_PEOPLE, &b);
    if (name == 'r') since[1] = 0, add(&f, 'r', BT_PRIORITY_REPLAY, &c);
    if (name == 'w') add(&f, 'w', BT_PRIORITY_WATCH, &a);
    for (size_t class = 0; class < 2; class ++)
      if (since[class] > longest[class]) longest[class] = since[class];
  }
  assert_in_range(longest[0], BT_HTTP_OVERTAKEN_MAX, BT_HTTP_OVERTAKEN_MAX + 2);
  assert_in_range(longest[1], BT_HTTP_OVERTAKEN_MAX, BT_HTTP_OVERTAKEN_MAX + 2);
}

/* Waiting counts from when it began: what went before nobody does not. */
static void a_newcomer_does_not_inherit_the_past(void **state) {
  (void)state;
  fixture f = {0};
  add(&f, 'r', BT_PRIORITY_REPLAY, &a);
  for (size_t i = 0; i < BT_HTTP_OVERTAKEN_MAX; i++) {
    add(&f, 'w', BT_PRIORITY_WATCH, &b);
    assert_int_equal(take(&f, 0), 'w');
  }
  assert_int_equal(take(&f, 0), 'r');
  add(&f, 'r', BT_PRIORITY_REPLAY, &a);
  add(&f, 'w', BT_PRIORITY_WATCH, &b);
  takes(&f, "wr-");
}

static void who_was_told_to_wait_is_passed_over(void **state) {
  (void)state;
  fixture f = {0};
  add(&f, '1', BT_PRIORITY_WATCH, &a);
  add(&f, '2', BT_PRIORITY_WATCH, &a);
  add(&f, 'x', BT_PRIORITY_REPLAY, &b);
  bt_http_queue_hold(&f.queue, &a, 1000);
  bt_http_queue_hold(&f.queue, &a, 500); /* a shorter hold does not shorten */
  assert_int_equal(take(&f, 0), 'x');
  assert_int_equal(take(&f, 999), '-');
  assert_int_equal(take(&f, 1000), '1');
  assert_int_equal(take(&f, 1000), '2');
}

static bool is_x(const bt_http_waiting *waiting, int64_t now_ms) {
  return now_ms == 7 && ((const request *)waiting)->name == 'x';
}

static void takes_out_by_a_test(void **state) {
  (void)state;
  fixture f = {0};
  add(&f, 'w', BT_PRIORITY_WATCH, &a);
  add(&f, 'x', BT_PRIORITY_REPLAY, &a);
  add(&f, 'y', BT_PRIORITY_REPLAY, &a);
  assert_null(bt_http_queue_take_if(&f.queue, is_x, 6));
  assert_int_equal(((request *)bt_http_queue_take_if(&f.queue, is_x, 7))->name, 'x');
  assert_null(bt_http_queue_take_if(&f.queue, is_x, 7));
  takes(&f, "wy-");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(watch_goes_before_people_before_replays),
                                     cmocka_unit_test(parties_take_turns),
                                     cmocka_unit_test(coming_back_at_once_gains_nothing),
                                     cmocka_unit_test(nobody_waits_for_ever),
                                     cmocka_unit_test(a_newcomer_does_not_inherit_the_past),
                                     cmocka_unit_test(who_was_told_to_wait_is_passed_over),
                                     cmocka_unit_test(takes_out_by_a_test)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
