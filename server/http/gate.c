/* Heads, before h2o sees them. See connection.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/http/connection.h"
#include "server/http/head.h"

enum { LINGER_MS = 3000, LINGER_MAX_BYTES = 32 << 20 };

bt_http_connection *bt_http_connection_of(h2o_req_t *request) {
  return request->conn->callbacks->get_socket(request->conn)->on_close.data;
}

static bt_http_connection *connection_of(h2o_socket_t *socket) {
  return socket->on_close.data;
}

/* ---- waiting ---- */

void bt_http_wait_for(bt_http_connection *connection, bt_http_wait wait, uint32_t milliseconds) {
  connection->wait = wait;
  connection->deadline_ms = bt_http_now_ms() + milliseconds;
  if (!h2o_linklist_is_linked(&connection->waiting))
    h2o_linklist_insert(&connection->loop->waiting, &connection->waiting);
}

void bt_http_wait_end(bt_http_connection *connection) {
  connection->wait = BT_WAIT_NOTHING;
  if (h2o_linklist_is_linked(&connection->waiting)) h2o_linklist_unlink(&connection->waiting);
}

/* ---- the end ---- */

void bt_http_connection_end(bt_http_connection *connection) {
  bt_http_wait_end(connection);
  connection->read(connection->socket, h2o_socket_error_closed);
}

/* Into no memory at all: TCP throws away what is received so. By the call's number, because ThreadSanitizer takes it
 * that every recv writes, and finds two loops that write to the same nothing. */
static ssize_t throw_away(int fd) {
  return syscall(SYS_recvfrom, fd, NULL, (size_t)LINGER_MAX_BYTES, MSG_TRUNC | MSG_DONTWAIT, NULL, NULL);
}

/* Of TLS, too, since nobody wants to know what it says. */
static void on_lingering_read(h2o_socket_t *socket, const char *failed) {
  bt_http_connection *connection = connection_of(socket);
  ssize_t came = throw_away(h2o_socket_get_fd(socket));
  bool is_early = came < 0 && (errno == EAGAIN || errno == EINTR);
  connection->lingered_bytes += came > 0 ? (uint64_t)came : 0;
  if (failed || (came <= 0 && !is_early) || connection->lingered_bytes > LINGER_MAX_BYTES)
    bt_http_connection_end(connection);
}

void bt_http_connection_linger(bt_http_connection *connection) {
  h2o_socket_t *socket = connection->socket;
  connection->passed_bytes =
      (connection->held ? connection->held->size : 0) + (connection->head ? socket->input->size : 0);
  if (connection->held) h2o_buffer_dispose(&connection->held);
  connection->held = NULL;
  if (!connection->head) {
    connection->head = socket->input;
  } else {
    h2o_buffer_dispose(&socket->input);
  }
  h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
  h2o_socket_dont_read(socket, 1);
  if (!socket->ssl) shutdown(h2o_socket_get_fd(socket), SHUT_WR);
  bt_http_wait_for(connection, BT_WAIT_END, LINGER_MS);
  h2o_socket_read_start(socket, on_lingering_read);
}

/* ---- heads that are none ---- */

/* h2o's own timeout still runs, and one that ends a TLS connection leaves its socket for a while: that must not be
 * waited for. */
static void on_refused(h2o_socket_t *socket, const char *failed) {
  if (failed || socket->ssl)
    bt_http_connection_end(connection_of(socket));
  else
    bt_http_connection_linger(connection_of(socket));
}

/* h2o would answer with a text of its own, or not at all. */
static void refuse_bytes(bt_http_connection *connection, int status, const char *kind, const char *detail) {
  bt_buffer body = {0};
  bt_problem problem = {.status = status, .kind = kind, .detail = detail};
  bt_problem_write(&body, BT_PROBLEM_DOCUMENT, &problem);
  bt_buffer_printf(&connection->refused,
                   "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
                   "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
                   status, bt_http_reason(status), body.len);
  bt_buffer_append(&connection->refused, bt_buffer_str(&body));
  bt_http_fate_answered(connection);
  bt_http_fate_refused(connection, status, bt_buffer_str(&body));
  bt_buffer_dispose(&body);
  h2o_socket_read_stop(connection->socket);
  if (connection->refused.failed) {
    bt_http_connection_end(connection);
    return;
  }
  h2o_iovec_t text = {connection->refused.ptr, connection->refused.len};
  h2o_socket_write(connection->socket, &text, 1, on_refused);
}

/* ---- heads ---- */

/* Puts `head` where h2o reads, and keeps what stood behind the head that came. */
static bool split_input(bt_http_connection *connection, bt_str head, size_t came_bytes) {
  h2o_buffer_t *whole = connection->socket->input, *fresh;
  h2o_buffer_init(&fresh, &h2o_socket_buffer_prototype);
  h2o_iovec_t room = h2o_buffer_reserve(&fresh, head.len);
  if (!room.base) return false;
  memcpy(room.base, head.ptr, head.len);
  fresh->size = head.len;
  connection->socket->input = fresh;
  h2o_buffer_consume(&whole, came_bytes);
  if (whole->size)
    connection->held = whole;
  else
    h2o_buffer_dispose(&whole);
  return true;
}

static void take_head(bt_http_connection *connection, const bt_http_head *head) {
  connection->refusal = head->refusal;
  connection->is_chunked = head->is_chunked;
  connection->wants_continue = head->wants_continue;
  connection->unread_bytes = connection->body_bytes = head->body_bytes;
  connection->taken_bytes = 0;
  connection->scanned_bytes = 0;
}

/* What exporters send to a port that is meant for others. */
static const char *what_came(const h2o_socket_t *socket) {
  bt_str bytes = {socket->input->bytes, socket->input->size};
  if (bt_str_starts_with(bytes, BT_STR("PRI * HTTP/2")))
    return "HTTP/2 came, as gRPC speaks it; this port speaks HTTP/1.1.";
  if (!socket->ssl && bt_str_starts_with(bytes, BT_STR("\x16\x03")))
    return "TLS came; this port speaks plain HTTP, whose address begins with http://.";
  return "The request is not HTTP/1.1 as it has to be written.";
}

static void look_at_input(bt_http_connection *connection) {
  h2o_buffer_t *input = connection->socket->input;
  bt_http_head head;
  if (!input->size) return;
  bt_http_fate_begin(connection, (bt_str){input->bytes, input->size});
  bt_status status = bt_http_head_read((bt_str){input->bytes, input->size}, connection->scanned_bytes, &head);
  connection->scanned_bytes = input->size;
  bool is_split = status == BT_OK && split_input(connection, bt_buffer_str(&head.text), head.came_bytes);
  if (is_split) take_head(connection, &head);
  bt_buffer_dispose(&head.text);
  if (is_split)
    connection->read(connection->socket, NULL);
  else if (status == BT_LIMIT)
    refuse_bytes(connection, 431, "head-too-large", "The head of a request may have 32 KiB.");
  else if (status == BT_INVALID)
    refuse_bytes(connection, 400, "bad-request", what_came(connection->socket));
  else if (status != BT_NOT_FOUND)
    bt_http_connection_end(connection); /* no memory */
}

static void on_gate_read(h2o_socket_t *socket, const char *failed) {
  bt_http_connection *connection = connection_of(socket);
  if (failed)
    connection->read(socket, failed);
  else
    look_at_input(connection);
}

bool bt_http_gate_close(bt_http_connection *connection) {
  h2o_socket_t *socket = connection->socket;
  connection->read = socket->_cb.read;
  h2o_socket_read_start(socket, on_gate_read);
  if (!connection->held) return false;
  h2o_buffer_dispose(&socket->input);
  socket->input = connection->held;
  connection->held = NULL;
  look_at_input(connection);
  return true;
}

/* ---- one request after another ---- */

static void on_request_end(void *guard) {
  bt_http_connection *connection = *(bt_http_connection **)guard;
  if (!h2o_linklist_is_linked(&connection->ungated))
    h2o_linklist_insert(&connection->loop->ungated, &connection->ungated);
}

void bt_http_gate_expect_end(h2o_req_t *request) {
  bt_http_connection **guard = h2o_mem_alloc_shared(&request->pool, sizeof *guard, on_request_end);
  *guard = bt_http_connection_of(request);
}

/* A body that nobody wanted, but that was there. */
static void drop_unread(bt_http_connection *connection) {
  size_t unread = (size_t)connection->unread_bytes;
  if (connection->held && unread < connection->held->size) {
    h2o_buffer_consume(&connection->held, unread);
    return;
  }
  if (connection->held) h2o_buffer_dispose(&connection->held);
  connection->held = NULL;
}

static bool begin_next(bt_http_connection *connection) {
  if (connection->socket->_cb.read != connection->read) return false; /* it is being closed */
  drop_unread(connection);
  connection->unread_bytes = 0;
  return bt_http_gate_close(connection);
}

bool bt_http_gate_turn(bt_http_loop *loop) {
  bool has_begun = false;
  while (!h2o_linklist_is_empty(&loop->ungated)) {
    bt_http_connection *connection = H2O_STRUCT_FROM_MEMBER(bt_http_connection, ungated, loop->ungated.next);
    h2o_linklist_unlink(&connection->ungated);
    has_begun |= begin_next(connection);
  }
  return has_begun;
}
