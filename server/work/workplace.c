/* The owner of work. See workplace.h. */
#include "server/work/workplace.h"

#include <stdlib.h>

bt_status bt_workplace_new(const bt_pool_options *options, bt_workplace **out, bt_error *error) {
  *out = NULL;
  bt_workplace *work = calloc(1, sizeof *work);
  if (!work) return bt_error_no_memory(error);
  bt_status status = bt_timer_new(&work->timer, error);
  if (!status) status = bt_pool_new(options ? options : &(bt_pool_options){.max_queued = 0}, &work->pool, error);
  bt_work_scope_begin_root(&work->root, work->timer);
  if (!status) return *out = work, BT_OK;
  bt_workplace_free(work);
  return status;
}

void bt_workplace_stop(bt_workplace *work) {
  bt_work_scope_cancel(&work->root, BT_SCOPE_STOPPING);
}

void bt_workplace_end(bt_workplace *work) {
  bt_workplace_stop(work);
  if (work->pool) bt_pool_end(work->pool);
}

void bt_workplace_free(bt_workplace *work) {
  if (!work) return;
  bt_workplace_end(work);
  bt_pool_free(work->pool);
  if (work->timer) bt_work_scope_end(&work->root);
  bt_timer_free(work->timer);
  free(work);
}
