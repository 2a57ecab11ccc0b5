/* Tells of requests. Each that has begun to come is answered or lost, and told once. See connection.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/http/connection.h"

static void tell_observer(const bt_http_server *server, const bt_http_fate *fate) {
  if (server->options.observe) server->options.observe(server->options.service, fate);
}

static bt_str method_of(const bt_http_connection *connection) {
  return (bt_str){connection->line, connection->method_bytes};
}

static bt_str path_of(const bt_http_connection *connection) {
  return connection->line[0] ? bt_str_from(connection->line + connection->method_bytes + 1) : BT_STR("");
}

/* ---- the beginning ---- */

/* Empty lines may stand before a request, and are none. */
void bt_http_fate_begin(bt_http_connection *connection, bt_str bytes) {
  size_t i = 0;
  while (i < bytes.len && (bytes.ptr[i] == '\r' || bytes.ptr[i] == '\n')) i++;
  if (connection->is_begun || i == bytes.len) return;
  connection->is_begun = true;
  connection->line[0] = '\0';
  connection->method_bytes = 0;
  atomic_fetch_add(&connection->loop->server->under_way, 1);
}

void bt_http_fate_name(bt_http_connection *connection, bt_str method, bt_str path) {
  size_t method_bytes = method.len < 20 ? method.len : 20;
  snprintf(connection->line, sizeof connection->line, "%.*s %.*s", (int)method_bytes, method.ptr, BT_FMT(path));
  connection->method_bytes = method_bytes;
}

/* ---- answers ---- */

void bt_http_fate_answered(bt_http_connection *connection) {
  if (!connection->is_begun) return;
  connection->is_begun = false;
  atomic_fetch_sub(&connection->loop->server->under_way, 1);
}

void bt_http_fate_refused(const bt_http_connection *connection, int status, bt_str answer) {
  const bt_http_fate fate = {
      .method = method_of(connection), .path = path_of(connection), .status = status, .answer = answer};
  tell_observer(connection->loop->server, &fate);
}

void bt_http_fate_of_task(const bt_http_task *task, int64_t duration_ns) {
  const bt_call *call = task->call;
  const bt_http_fate fate = {.route = task->route,
                             .method = call->method,
                             .path = call->path,
                             .status = call->status,
                             .answer = bt_buffer_str(&call->answer),
                             .duration_ns = duration_ns};
  tell_observer(task->loop->server, &fate);
}

/* ---- no answer ---- */

static void tell_lost(const bt_http_connection *connection, bt_str method, bt_str path, const char *why) {
  const bt_http_fate fate = {.method = method, .path = path, .why = why};
  tell_observer(connection->loop->server, &fate);
}

static void write_how_far(const bt_http_connection *connection, char *out, size_t size) {
  if (!connection->line[0])
    snprintf(out, size, "in the middle of the head of a request");
  else if (connection->unread_bytes)
    snprintf(out, size, "after %" PRIu64 " of %" PRIu64 " bytes of the body of %s", connection->taken_bytes,
             connection->body_bytes, connection->line);
  else if (connection->is_chunked)
    snprintf(out, size, "after %" PRIu64 " bytes of the body of %s", connection->taken_bytes, connection->line);
  else
    snprintf(out, size, "before %s was answered", connection->line);
}

static void tell_unanswered(bt_http_connection *connection) {
  char how_far[256], why[320];
  write_how_far(connection, how_far, sizeof how_far);
  snprintf(why, sizeof why, "the %s %s", connection->loop->is_stopping ? "server stopped" : "connection ended",
           how_far);
  bt_http_fate_answered(connection);
  tell_lost(connection, method_of(connection), path_of(connection), why);
}

/* Bytes that nobody looks at any more, behind the body of the request that was answered last: of one whose head is
 * wrong nobody knows where it ends. */
static bool has_left_one_behind(const bt_http_connection *connection) {
  uint64_t bytes = connection->passed_bytes + connection->lingered_bytes;
  if (connection->held) bytes += connection->held->size;
  return connection->line[0] && !connection->refusal.status && !connection->is_chunked &&
         bytes > connection->unread_bytes;
}

void bt_http_fate_closed(bt_http_connection *connection) {
  if (connection->is_begun)
    tell_unanswered(connection);
  else if (has_left_one_behind(connection))
    tell_lost(connection, BT_STR(""), BT_STR(""), "a request came behind another one, with which the connection ended");
}

void bt_http_fate_no_room(const bt_http_server *server) {
  char why[120];
  snprintf(why, sizeof why, "a connection was refused: there are %" PRIu32 " already, the most",
           server->options.max_connections);
  const bt_http_fate fate = {.why = why};
  tell_observer(server, &fate);
}
