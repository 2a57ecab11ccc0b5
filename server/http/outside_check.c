/* Checks whose results are kept for a moment. See outside_check.h. The lock is never held while a check runs. */
#include "server/http/outside_check.h"

#include <stddef.h>

#include "server/base/clock.h"

static const int64_t FRESH_NS = 1000000000, USABLE_NS = 10000000000;

static void run_check(bt_task *task) {
  bt_outside_check *known = (bt_outside_check *)((char *)task - offsetof(bt_outside_check, task));
  bt_error why = {0};
  bt_status status = known->check(known->context, &why);
  pthread_mutex_lock(&known->mutex);
  known->status = status;
  known->error = why;
  known->at_ns = bt_clock_monotonic_ns();
  known->is_running = false;
  bt_waits_wake_all(&known->waits);
  pthread_mutex_unlock(&known->mutex);
}

void bt_outside_check_init(bt_outside_check *known, bt_check_function check) {
  *known = (bt_outside_check){.check = check, .task.run = run_check};
  pthread_mutex_init(&known->mutex, NULL);
}

static bool is_younger_than(const bt_outside_check *known, int64_t age_ns) {
  return known->at_ns && bt_clock_monotonic_ns() - known->at_ns < age_ns;
}

void bt_outside_check_begin(bt_outside_check *known, bt_pool *pool, const void *context) {
  pthread_mutex_lock(&known->mutex);
  if (!known->is_running && !is_younger_than(known, FRESH_NS)) {
    known->context = context;
    known->is_running = bt_pool_submit(pool, BT_LANE_CHECK, &known->task);
  }
  pthread_mutex_unlock(&known->mutex);
}

bool bt_outside_check_has_ended(bt_outside_check *known, bt_wait *wait) {
  pthread_mutex_lock(&known->mutex);
  bool has_ended = !known->is_running;
  if (!has_ended) bt_waits_add(&known->waits, wait);
  pthread_mutex_unlock(&known->mutex);
  return has_ended;
}

void bt_outside_check_stop_waiting(bt_outside_check *known, bt_wait *wait) {
  pthread_mutex_lock(&known->mutex);
  bt_waits_remove(wait);
  pthread_mutex_unlock(&known->mutex);
}

bt_status bt_outside_check_answer(bt_outside_check *known, bt_error *error) {
  pthread_mutex_lock(&known->mutex);
  bt_status status = known->status;
  if (is_younger_than(known, USABLE_NS))
    *error = known->error;
  else
    status = bt_error_set(error, BT_UNAVAILABLE, "it has not answered yet; the check is still under way");
  pthread_mutex_unlock(&known->mutex);
  return status;
}
