/* Checks whose results are kept for a moment. See outside_check.h. The lock is never held while a check runs. */
#include "server/http/outside_check.h"

#include "server/clock.h"

static const int64_t FRESH_NS = 1000000000, USABLE_NS = 10000000000;

/* Under the lock. True: answered from what is known. */
static bool answer_known(const bt_outside_check *known, int64_t now_ns, bt_status *status, bt_error *error) {
  bool is_usable = known->at_ns && now_ns - known->at_ns < (known->is_running ? USABLE_NS : FRESH_NS);
  if (!is_usable && !known->is_running) return false;
  *status = is_usable ? known->status
                      : bt_error_set(error, BT_UNAVAILABLE, "it has not answered yet; the check is still under way");
  if (is_usable && error) *error = known->error;
  return true;
}

bt_status bt_outside_check_ask(bt_outside_check *known, bt_status (*check)(const void *context, bt_error *error),
                               const void *context, bt_error *error) {
  bt_status status = BT_OK;
  pthread_mutex_lock(&known->mutex);
  bool is_known = answer_known(known, bt_clock_monotonic_ns(), &status, error);
  if (!is_known) known->is_running = true;
  pthread_mutex_unlock(&known->mutex);
  if (is_known) return status;
  bt_error why = {0};
  status = check(context, &why);
  pthread_mutex_lock(&known->mutex);
  known->status = status;
  known->error = why;
  known->at_ns = bt_clock_monotonic_ns();
  known->is_running = false;
  pthread_mutex_unlock(&known->mutex);
  if (error) *error = why;
  return status;
}
