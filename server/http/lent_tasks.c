/* Tasks that are with workers: in a lane, at work, or away from their place until they are woken; and readers who go
 * meanwhile. See loop.h. A task that is lent comes back once, whatever happens to it. */
#include <poll.h>

#include "server/http/loop.h"
#include "server/http/packed_answer.h"
#include "server/http/router.h"

enum { LOOK_AT_READERS_MS = 100 };

bool bt_http_task_lend(bt_http_task *task, bt_lane lane, void (*run)(bt_task *work)) {
  bt_http_server *server = task->loop->server;
  task->work.run = run;
  task->is_with_worker = true;
  task->call->wait.lane = lane;
  h2o_linklist_insert(&task->loop->under_way, &task->under_way);
  bt_http_server_hold(server);
  if (bt_pool_submit(server->work->pool, lane, &task->work)) return true;
  atomic_fetch_sub(&server->lent, 1);
  h2o_linklist_unlink(&task->under_way);
  task->is_with_worker = false;
  return false;
}

void bt_http_server_hold(bt_http_server *server) {
  atomic_fetch_add(&server->lent, 1);
}

void bt_http_server_let_go(bt_http_server *server) {
  if (!atomic_load(&server->is_ending)) {
    atomic_fetch_sub(&server->lent, 1);
    return;
  }
  pthread_mutex_lock(&server->mutex);
  atomic_fetch_sub(&server->lent, 1);
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->mutex);
}

void bt_http_task_give_back(bt_http_task *task) {
  bt_http_server *server = task->loop->server;
  h2o_multithread_send_message(&task->loop->receiver, &task->message); /* then the loop may free it */
  bt_http_server_let_go(server);
}

void bt_http_task_leave(bt_http_task *task, int64_t until_ns, void (*run)(bt_task *work)) {
  task->work.run = run;
  bt_wait_park(&task->call->wait, until_ns);
}

static void go_on(bt_task *work);

/* The handler has returned. */
static void end_turn(bt_http_task *task) {
  if (task->call->away.is_away) {
    bt_http_task_leave(task, task->call->away.until_ns, go_on);
    return;
  }
  /* A stream takes its time: of those that wait for something each has a timeout of its own. */
  if (task->call->stream.operations && !task->timeout_ns)
    bt_work_scope_set_deadline(&task->scope, BT_SCOPE_NO_DEADLINE);
  bt_call_pack(task->call);
  bt_http_task_give_back(task);
}

static void go_on(bt_task *work) {
  bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, work, work);
  bt_wait_return(&task->call->wait);
  bt_call_go_on(task->call);
  end_turn(task);
}

void bt_http_task_handle(bt_task *work) {
  bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, work, work);
  if (bt_work_scope_why(&task->scope)) /* while it waited for its turn */
    bt_call_cut(task->call);
  else if (bt_audit_begin(task->loop->server->audit, task->route, task->call, bt_str_from(task->from)))
    bt_route_handle(task->route, task->loop->server->options.service, task->call);
  end_turn(task);
}

/* ---- readers who go ---- */

bool bt_http_reader_is_gone(h2o_req_t *request) {
  h2o_socket_t *socket = request->conn->callbacks->get_socket(request->conn);
  if (!socket) return true;
  struct pollfd look = {.fd = h2o_socket_get_fd(socket), .events = POLLRDHUP};
  return poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* What it sent behind this request is not looked at any more: the connection ends with the answer. */
static void give_up(bt_http_task *task) {
  task->request->http1_is_persistent = 0;
  bt_work_scope_cancel(&task->scope, BT_SCOPE_READER_GONE);
}

/* h2o does not read while a request is under way, so it does not see that the other side has closed. */
void bt_http_look_at_readers(bt_http_loop *loop) {
  int64_t now_ms = bt_http_now_ms();
  if (now_ms < loop->look_at_readers_ms) return;
  loop->look_at_readers_ms = now_ms + LOOK_AT_READERS_MS;
  for (h2o_linklist_t *node = loop->under_way.next; node != &loop->under_way; node = node->next) {
    bt_http_task *task = H2O_STRUCT_FROM_MEMBER(bt_http_task, under_way, node);
    if (task->request && !bt_work_scope_why(&task->scope) && bt_http_reader_is_gone(task->request)) give_up(task);
  }
}
