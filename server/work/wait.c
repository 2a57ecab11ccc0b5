/* Waits. See wait.h. Who wakes changes the state first, and alone: so a task is put back once, whoever comes second. */
#include "server/work/wait.h"

#include <stddef.h>

typedef enum wait_state {
  OFF,    /* nobody waits */
  SET,    /* others may wake it; its task still runs */
  PARKED, /* and its task has left */
  WOKEN
} wait_state;

static void put_back(bt_wait *wait) {
  bt_pool_resume(wait->work->pool, wait->lane, wait->task);
}

static bool change_state(bt_wait *wait, wait_state from, wait_state to) {
  int expected = (int)from;
  return atomic_compare_exchange_strong(&wait->state, &expected, (int)to);
}

void bt_wait_wake(bt_wait *wait) {
  if (!change_state(wait, SET, WOKEN) && change_state(wait, PARKED, WOKEN)) put_back(wait);
}

static void wake_at_time(bt_timer_entry *entry) { /* on the timer's thread */
  bt_wait_wake((bt_wait *)((char *)entry - offsetof(bt_wait, time)));
}

static void wake_at_end(void *context) { /* under the lock of scopes */
  bt_wait_wake(context);
}

void bt_wait_init(bt_wait *wait, bt_workplace *work, bt_work_scope *scope, bt_lane lane, bt_task *task) {
  *wait = (bt_wait){.work = work, .scope = scope, .task = task, .lane = lane, .time.fire = wake_at_time};
}

void bt_wait_set(bt_wait *wait) {
  atomic_store(&wait->state, SET);
}

void bt_wait_park(bt_wait *wait, int64_t until_ns) {
  bt_workplace *work = wait->work;
  (void)change_state(wait, OFF, SET); /* who has set it for nobody waits for its time */
  atomic_fetch_add(&work->waiting, 1);
  wait->is_timed = until_ns != 0;
  if (wait->is_timed) bt_timer_set(work->timer, &wait->time, until_ns);
  if (wait->scope) bt_work_scope_listen(wait->scope, wake_at_end, wait);
  if (!change_state(wait, SET, PARKED)) put_back(wait);
}

void bt_wait_return(bt_wait *wait) {
  if (wait->scope) bt_work_scope_listen(wait->scope, NULL, NULL);
  if (wait->is_timed) bt_timer_clear(wait->work->timer, &wait->time);
  atomic_store(&wait->state, OFF);
  atomic_fetch_sub(&wait->work->waiting, 1);
}

void bt_waits_add(bt_waits *waits, bt_wait *wait) {
  bt_waits_remove(wait);
  wait->list = waits;
  wait->next = waits->first;
  if (wait->next) wait->next->previous = wait;
  waits->first = wait;
  bt_wait_set(wait);
}

void bt_waits_remove(bt_wait *wait) {
  if (!wait || !wait->list) return;
  if (wait->previous)
    wait->previous->next = wait->next;
  else
    wait->list->first = wait->next;
  if (wait->next) wait->next->previous = wait->previous;
  wait->list = NULL;
  wait->previous = wait->next = NULL;
}

void bt_waits_wake_all(bt_waits *waits) {
  while (waits->first) {
    bt_wait *wait = waits->first;
    bt_waits_remove(wait);
    bt_wait_wake(wait);
  }
}
