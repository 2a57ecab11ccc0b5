/* Bodies: read once it is known that somebody may send one, out of one budget. See connection.h. */
#include <stdlib.h>

#include "server/http/connection.h"

enum { CHARGE_STEP_BYTES = 64 * 1024 };

bool bt_http_body_is_left(const bt_http_connection *connection) {
  size_t held = connection->held ? connection->held->size : 0;
  return connection->is_chunked || connection->unread_bytes > held;
}

size_t bt_http_body_most(const bt_http_connection *connection) {
  return connection->is_chunked ? connection->loop->server->options.max_body_bytes : (size_t)connection->unread_bytes;
}

/* ---- the budget ---- */

static bool charge_budget(bt_http_task *task, size_t bytes) {
  bt_str tenant = bt_str_from(bt_call_tenant(task->call));
  if (!bt_body_budget_take(task->loop->server->bodies, tenant, bytes)) return false;
  task->body_charge += bytes;
  return true;
}

/* The buffer doubles, so what it holds is charged and not what came. */
static bool charge_grown(bt_http_task *task) {
  while (task->body.capacity > task->body_charge)
    if (!charge_budget(task, CHARGE_STEP_BYTES)) return false;
  return true;
}

void bt_http_body_drop(bt_http_task *task) {
  bt_body_budget_give(task->loop->server->bodies, bt_str_from(bt_call_tenant(task->call)), task->body_charge);
  task->body_charge = 0;
  bt_buffer_dispose(&task->body);
}

/* ---- the end of it ---- */

static void stop_reading(bt_http_connection *connection) {
  bt_http_wait_end(connection);
  h2o_socket_read_stop(connection->socket);
  connection->task->connection = NULL;
  connection->task = NULL;
}

static void refuse_body(bt_http_connection *connection, int status, const char *kind, const char *detail) {
  bt_http_task *task = connection->task;
  stop_reading(connection);
  bt_http_body_drop(task);
  bt_http_send_problem(task->request, status, kind, detail, NULL);
}

static void refuse_for_room(bt_http_connection *connection) {
  refuse_body(connection, 503, "busy", "There is no room for this body while others are being read; try again.");
}

/* All is there: the socket gets the request's head back, and what stands behind the body is kept for the next one. */
static void finish_body(bt_http_connection *connection, size_t used_bytes) {
  bt_http_task *task = connection->task;
  h2o_socket_t *socket = connection->socket;
  stop_reading(connection);
  h2o_buffer_consume(&socket->input, used_bytes);
  if (socket->input->size)
    connection->held = socket->input;
  else
    h2o_buffer_dispose(&socket->input);
  socket->input = connection->head;
  connection->head = NULL;
  task->request->http1_is_persistent = connection->is_persistent && !connection->is_chunked;
  connection->is_chunked = false;
  task->call->body = task->body.ptr ? bt_buffer_str(&task->body) : BT_STR("");
  bt_http_task_submit(task);
}

/* ---- bytes ---- */

static bt_status take_bytes(bt_http_connection *connection, bt_str input, size_t *used) {
  bt_http_task *task = connection->task;
  if (connection->is_chunked) {
    bt_status status = bt_chunks_read(&connection->chunks, input, &task->body, used);
    connection->taken_bytes = task->body.len;
    return status;
  }
  *used = input.len < connection->unread_bytes ? input.len : (size_t)connection->unread_bytes;
  bt_buffer_append(&task->body, (bt_str){input.ptr, *used});
  connection->unread_bytes -= *used;
  connection->taken_bytes += *used;
  return task->body.failed ? BT_LIMIT : BT_OK;
}

static bool is_whole(const bt_http_connection *connection) {
  return connection->is_chunked ? connection->chunks.state == BT_CHUNKS_END : !connection->unread_bytes;
}

static void take_input(bt_http_connection *connection) {
  h2o_socket_t *socket = connection->socket;
  const bt_buffer *body = &connection->task->body;
  size_t used, came = socket->input->size;
  bt_status status = take_bytes(connection, (bt_str){socket->input->bytes, came}, &used);
  if (status == BT_INVALID)
    refuse_body(connection, 400, "bad-request", "The chunks of the body are not as HTTP/1.1 has them.");
  else if (status && body->len + came > body->maximum)
    refuse_body(connection, 413, "too-large", connection->loop->server->too_large);
  else if (status || !charge_grown(connection->task))
    refuse_for_room(connection);
  else if (is_whole(connection))
    finish_body(connection, used);
  else
    h2o_buffer_consume(&socket->input, used);
}

static void on_body_read(h2o_socket_t *socket, const char *failed) {
  bt_http_connection *connection = socket->on_close.data;
  if (failed)
    bt_http_connection_end(connection);
  else
    take_input(connection);
}

static void on_continue_sent(h2o_socket_t *socket, const char *failed) {
  bt_http_connection *connection = socket->on_close.data;
  if (failed)
    bt_http_connection_end(connection);
  else if (connection->task)
    h2o_socket_read_start(socket, on_body_read);
}

/* ---- the way in ---- */

/* A body of a known length has its room from the start. */
static bool make_room(bt_http_connection *connection, bt_http_task *task) {
  task->body.maximum = bt_http_body_most(connection);
  if (connection->is_chunked) return true;
  size_t bytes = (size_t)connection->unread_bytes + 1;
  if (!charge_budget(task, bytes)) return false;
  task->body.ptr = malloc(bytes);
  task->body.capacity = task->body.ptr ? bytes : 0;
  return task->body.ptr != NULL;
}

/* From here on the socket's buffer is for the body: the head, which the request's strings point into, is put aside. */
static void begin_reading(bt_http_connection *connection) {
  h2o_socket_t *socket = connection->socket;
  connection->head = socket->input;
  h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
  if (connection->held) {
    socket->input = connection->held;
    connection->held = NULL;
    h2o_socket_read_start(socket, on_body_read);
    take_input(connection);
  } else if (connection->wants_continue) {
    static h2o_iovec_t go_on = {H2O_STRLIT("HTTP/1.1 100 Continue\r\n\r\n")};
    h2o_socket_write(socket, &go_on, 1, on_continue_sent);
  } else {
    h2o_socket_read_start(socket, on_body_read);
  }
}

void bt_http_body_read(bt_http_connection *connection, bt_http_task *task) {
  task->is_with_worker = false;
  task->connection = connection;
  connection->task = task;
  connection->chunks = (bt_chunks){0};
  bt_http_wait_for(connection, BT_WAIT_BODY, connection->loop->server->options.request_timeout_ms);
  if (make_room(connection, task))
    begin_reading(connection);
  else
    refuse_for_room(connection);
}

void bt_http_body_forget(bt_http_task *task) {
  if (task->connection) stop_reading(task->connection);
}

/* ---- time ---- */

static void cut_connection(bt_http_connection *connection) {
  bt_http_wait wait = connection->wait;
  bt_http_wait_end(connection);
  if (wait == BT_WAIT_HANDSHAKE)
    h2o_socket_close(connection->socket);
  else
    bt_http_connection_end(connection);
}

void bt_http_cut_waiting(bt_http_loop *loop) {
  int64_t now_ms = bt_http_now_ms();
  h2o_linklist_t *next;
  for (h2o_linklist_t *node = loop->waiting.next; node != &loop->waiting; node = next) {
    next = node->next;
    bt_http_connection *connection = H2O_STRUCT_FROM_MEMBER(bt_http_connection, waiting, node);
    if (loop->is_stopping || now_ms >= connection->deadline_ms) cut_connection(connection);
  }
}
