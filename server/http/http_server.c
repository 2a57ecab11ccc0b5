/* The server: h2o's event loops, started and stopped. See http_server.h and loop.h.
 *
 * A request's path: on_request (loop) checks, routes and copies it into a task → a worker runs the handler → the task
 * comes back through the loop's queue → its answer is sent, or its stream begins. */
#include "server/http/http_server.h"

#include <h2o.h>
#include <h2o/http1.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/http/connection.h"
#include "server/http/h2o_errors.h"
#include "server/http/listener.h"
#include "tempo/wire/wait_guard.h"

enum {
  TICK_MS = 500,
  BUSY_TICK_MS = 100,    /* while requests are under way, whose readers may go */
  STOP_TIMEOUT_MS = 600, /* for answers to requests under way, all of which are cancelled */
  CLOSE_TIMEOUT_MS = 200,
  CLOSE_TURNS = 8, /* whatever the clock says: a busy machine may take all of that time away */
  STREAM_AGAIN_MS = 200,
  SPARE_FILES = 128, /* for what are no connections */
  MAX_LOOPS = 16,
  LENT_LOOK_NS = 10 * 1000 * 1000
};

static void on_connection_close(void *data) {
  bt_http_connection *closed = data;
  bt_http_fate_closed(closed);
  atomic_fetch_sub(&closed->loop->server->connection_count, 1);
  h2o_linklist_unlink(&closed->link);
  if (h2o_linklist_is_linked(&closed->ungated)) h2o_linklist_unlink(&closed->ungated);
  bt_http_wait_end(closed);
  if (closed->held) h2o_buffer_dispose(&closed->held);
  if (closed->head) h2o_buffer_dispose(&closed->head);
  bt_buffer_dispose(&closed->refused);
  bt_access_release(closed->access);
  free(closed);
}

/* new; belongs to the socket. NULL: there are as many as may be, or there is no memory. */
static bt_http_connection *register_connection(bt_http_loop *loop, h2o_socket_t *socket) {
  if (atomic_load(&loop->server->connection_count) >= loop->server->options.max_connections) return NULL;
  bt_http_connection *fresh = calloc(1, sizeof *fresh);
  if (!fresh) return NULL;
  fresh->loop = loop;
  fresh->socket = socket;
  fresh->access = bt_http_access(loop->server);
  h2o_linklist_insert(&loop->connections, &fresh->link);
  atomic_fetch_add(&loop->server->connection_count, 1);
  socket->on_close.cb = on_connection_close;
  socket->on_close.data = fresh;
  return fresh;
}

/* With the end of a TLS handshake the first request may have come. h2o would read what its buffer has at once, and no
 * gate would have looked at it. */
static void begin_http(bt_http_connection *connection) {
  bt_http_loop *loop = connection->loop;
  h2o_socket_t *socket = connection->socket;
  if (socket->input->size) {
    connection->held = socket->input;
    h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
  }
  h2o_http1_accept(&loop->accept, socket, *h2o_get_timestamp(&loop->context, NULL, NULL));
  (void)bt_http_gate_close(connection);
}

static void on_handshake(h2o_socket_t *socket, const char *failed) {
  bt_http_connection *connection = socket->on_close.data;
  bt_http_wait_end(connection);
  if (failed)
    h2o_socket_close(socket);
  else
    begin_http(connection);
}

static void take_connection(bt_http_loop *loop, h2o_socket_t *socket) {
  bt_http_connection *connection = register_connection(loop, socket);
  if (!connection) {
    bt_http_fate_no_room(loop->server);
    h2o_socket_close(socket);
  } else if (bt_access_tls(connection->access)) {
    bt_http_wait_for(connection, BT_WAIT_HANDSHAKE, connection->loop->server->options.request_timeout_ms);
    h2o_socket_ssl_handshake(socket, bt_access_tls(connection->access), NULL, on_handshake);
  } else {
    begin_http(connection);
  }
}

static void on_accept(h2o_socket_t *listener, const char *failed) {
  h2o_socket_t *socket = failed ? NULL : h2o_evloop_socket_accept(listener);
  if (socket) take_connection(listener->data, socket);
}

/* What waits to be accepted has been sent: it is not to be lost with the socket and untold. */
static void stop_listening(bt_http_loop *loop) {
  h2o_socket_t *socket;
  if (!loop->listener) return;
  while ((socket = h2o_evloop_socket_accept(loop->listener))) take_connection(loop, socket);
  h2o_socket_close(loop->listener);
  loop->listener = NULL;
}

static void begin_stop(bt_http_loop *loop) {
  loop->is_stopping = true;
  loop->stop_deadline_ms = bt_http_now_ms() + STOP_TIMEOUT_MS;
  stop_listening(loop);
  bt_http_streams_stop(loop);
}

static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages) {
  bt_http_loop *loop = H2O_STRUCT_FROM_MEMBER(bt_http_loop, receiver, receiver);
  while (!h2o_linklist_is_empty(messages)) {
    h2o_multithread_message_t *message = H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
    h2o_linklist_unlink(&message->link);
    if (message == &loop->stop_message) {
      begin_stop(loop);
      continue;
    }
    bt_http_task_returned(H2O_STRUCT_FROM_MEMBER(bt_http_task, message, message));
  }
}

/* Idle keep-alive connections end only by a timeout of h2o's; a shutdown of the socket ends them now. */
static void close_connections(bt_http_loop *loop) {
  for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next)
    shutdown(h2o_socket_get_fd(H2O_STRUCT_FROM_MEMBER(bt_http_connection, link, node)->socket), SHUT_RDWR);
  int64_t deadline_ms = bt_http_now_ms() + CLOSE_TIMEOUT_MS;
  for (int turn = 0; !h2o_linklist_is_empty(&loop->connections); turn++) {
    if (turn >= CLOSE_TURNS && bt_http_now_ms() >= deadline_ms) break;
    h2o_evloop_run(loop->context.loop, 50);
  }
  for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next)
    bt_http_fate_closed(H2O_STRUCT_FROM_MEMBER(bt_http_connection, link, node));
}

static void prepare_loop(bt_http_loop *loop) {
  bt_http_server *server = loop->server;
  h2o_linklist_init_anchor(&loop->connections);
  h2o_linklist_init_anchor(&loop->ungated);
  h2o_linklist_init_anchor(&loop->waiting);
  h2o_linklist_init_anchor(&loop->sending);
  h2o_linklist_init_anchor(&loop->streaming);
  h2o_linklist_init_anchor(&loop->under_way);
  h2o_context_init(&loop->context, h2o_evloop_create(), &server->config);
  h2o_timeout_init(loop->context.loop, &loop->stream_again, STREAM_AGAIN_MS);
  loop->accept = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = server->config.hosts};
  h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, on_message);
  if (!server->options.listen) return;
  loop->listener = h2o_evloop_socket_create(loop->context.loop, loop->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
  loop->listener->data = loop;
  h2o_socket_read_start(loop->listener, on_accept);
}

static void dispose_loop(bt_http_loop *loop) {
  /* Workers may have given tasks back after the last turn; when those are answered, their connections end. */
  for (int i = 0; i < CLOSE_TURNS && (loop->task_count || !h2o_linklist_is_empty(&loop->connections)); i++)
    h2o_evloop_run(loop->context.loop, 0);
  h2o_multithread_unregister_receiver(loop->context.queue, &loop->receiver);
  /* A connection that outlived the deadline still hangs on the context; then it has to stay until the process ends. */
  if (!h2o_linklist_is_empty(&loop->connections)) return;
  h2o_evloop_t *base = loop->context.loop;
  h2o_timeout_dispose(base, &loop->stream_again);
  h2o_context_dispose(&loop->context);
  h2o_evloop_destroy(base);
}

/* Tells main that one more loop has come so far. */
static void announce_loop(bt_http_server *server, uint32_t *count) {
  pthread_mutex_lock(&server->mutex);
  ++*count;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->mutex);
}

/* Until so many loops have come so far. */
static void wait_for_loops(bt_http_server *server, const uint32_t *count, uint32_t wanted) {
  pthread_mutex_lock(&server->mutex);
  while (*count < wanted) pthread_cond_wait(&server->changed, &server->mutex);
  pthread_mutex_unlock(&server->mutex);
}

static int tick_ms(const bt_http_loop *loop) {
  if (loop->is_stopping) return 20;
  return h2o_linklist_is_empty((h2o_linklist_t *)&loop->under_way) ? TICK_MS : BUSY_TICK_MS;
}

/* All of the loop is made and freed on its own thread: h2o keeps memory for each thread, and what it makes keeps a
 * pointer to it. */
static void *run_loop(void *argument) {
  bt_http_loop *loop = argument;
  bt_thread_forbid_waits();
  prepare_loop(loop);
  announce_loop(loop->server, &loop->server->ready_count);
  bool has_begun = false;
  while (!loop->is_stopping || (loop->task_count && bt_http_now_ms() < loop->stop_deadline_ms)) {
    h2o_evloop_run(loop->context.loop, has_begun ? 0 : tick_ms(loop));
    has_begun = bt_http_gate_turn(loop);
    bt_http_look_at_readers(loop);
    bt_http_cut_stalled(loop);
    bt_http_cut_waiting(loop);
  }
  close_connections(loop);
  announce_loop(loop->server, &loop->server->drained_count);
  wait_for_loops(loop->server, &loop->server->workers_ended, 1);
  dispose_loop(loop);
  return NULL;
}

/* ---- starting and stopping ---- */

static void configure_server(bt_http_server *server) {
  h2o_config_init(&server->config);
  server->config.server_name = h2o_iovec_init(H2O_STRLIT("betrace"));
  server->config.http1.req_timeout = server->options.idle_timeout_ms;
  server->config.http1.upgrade_to_http2 = 0;
  server->config.max_request_entity_size = 0; /* it never sees a body: connection.h */
  h2o_hostconf_t *host = h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
  h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
  bt_http_handler *handler = (bt_http_handler *)h2o_create_handler(path, sizeof *handler);
  handler->super.on_req = bt_http_on_request;
  handler->server = server;
  bt_h2o_errors_register(path);
  bt_h2o_errors_register(&host->fallback_path);
}

/* At the limit of open files accept fails for ever and the loop spins; so the soft limit is raised where the hard one
 * allows, and connections stay well below it. */
static uint32_t fit_files(uint32_t connections) {
  struct rlimit files = {0};
  rlim_t wanted = (rlim_t)connections + SPARE_FILES;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return connections;
  if (files.rlim_cur < wanted) {
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur >= wanted) return connections;
  return files.rlim_cur > SPARE_FILES ? (uint32_t)(files.rlim_cur - SPARE_FILES) : 1;
}

static void fill_defaults(bt_http_server *server) {
  bt_http_server_options *options = &server->options;
  if (!options->loops) options->loops = 2;
  if (options->loops > MAX_LOOPS) options->loops = MAX_LOOPS;
  if (!options->max_body_bytes) options->max_body_bytes = 10u << 20;
  if (!options->bodies_bytes) options->bodies_bytes = 64u << 20;
  if (!options->max_connections) options->max_connections = 1000;
  if (!options->request_timeout_ms) options->request_timeout_ms = 10 * 1000;
  if (!options->idle_timeout_ms) options->idle_timeout_ms = options->request_timeout_ms;
  if (!options->write_timeout_ms) options->write_timeout_ms = 30 * 1000;
  if (!options->heartbeat_ms) options->heartbeat_ms = 10 * 1000;
  if (!options->call_timeout_ns) options->call_timeout_ns = INT64_C(300) * 1000000000;
  options->max_connections = fit_files(options->max_connections);
  snprintf(server->too_large, sizeof server->too_large, "The body is larger than is taken here (%zu MiB).",
           (options->max_body_bytes + (1u << 20) - 1) >> 20);
}

static bt_status bind_loops(bt_http_server *server, bt_error *error) {
  int fds[MAX_LOOPS] = {0};
  uint32_t count = server->options.loops;
  char port[6];
  if (!server->options.listen) return BT_OK;
  bt_status status =
      bt_listen_split(server->options.listen, server->listen_host, sizeof server->listen_host, port, error);
  if (!status) status = bt_listen_open(server->options.listen, fds, count, &server->port, error);
  for (uint32_t i = 0; i < count; i++) server->loops[i].listen_fd = fds[i];
  return status;
}

static void free_server(bt_http_server *server) {
  for (uint32_t i = 0; server->loops && i < server->options.loops; i++)
    if (!server->loops[i].is_started && server->loops[i].listen_fd > 0) close(server->loops[i].listen_fd);
  free(server->loops);
  bt_access_release(server->access);
  if (server->owns_work) bt_workplace_free(server->work);
  bt_body_budget_free(server->bodies);
  bt_audit_free(server->audit);
  bt_client_rates_free(server->client_rates);
  bt_client_rates_free(server->address_rates);
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->mutex);
  free(server);
}

static bt_status start_loops(bt_http_server *server, bt_error *error) {
  for (uint32_t i = 0; i < server->options.loops; i++) {
    bt_http_loop *loop = &server->loops[i];
    loop->server = server;
    if (pthread_create(&loop->thread, NULL, run_loop, loop) != 0)
      return bt_error_set(error, BT_LIMIT, "the system refused to start an event loop's thread");
    loop->is_started = true;
    server->started_count++;
  }
  wait_for_loops(server, &server->ready_count, server->started_count);
  return BT_OK;
}

static bt_status find_work(bt_http_server *server, bt_error *error) {
  server->work = server->options.work;
  server->owns_work = !server->work;
  return server->owns_work ? bt_workplace_new(NULL, &server->work, error) : BT_OK;
}

/* False: no memory. */
static bool open_rates(bt_http_server *server) {
  const bt_http_server_options *options = &server->options;
  if (options->client_rate) server->client_rates = bt_client_rates_new(options->client_rate);
  if (options->address_rate) server->address_rates = bt_client_rates_new(options->address_rate);
  return (server->client_rates || !options->client_rate) && (server->address_rates || !options->address_rate);
}

bt_status bt_http_server_new(const bt_http_server_options *options, bt_http_server **out, bt_error *error) {
  *out = NULL;
  bt_http_server *server = calloc(1, sizeof *server);
  if (!server) return bt_error_no_memory(error);
  pthread_mutex_init(&server->mutex, NULL);
  bt_condition_init(&server->changed);
  server->options = *options;
  fill_defaults(server);
  server->loops = calloc(server->options.loops, sizeof *server->loops);
  server->bodies = bt_body_budget_new(server->options.bodies_bytes);
  bt_status status = server->loops && server->bodies && open_rates(server) ? BT_OK : bt_error_no_memory(error);
  if (!status)
    status = bt_access_new(options->access ? options->access : &(bt_access_options){0}, &server->access, error);
  if (!status) status = bt_audit_new(server->options.audit_log, server->options.audit_strict, &server->audit, error);
  if (!status) status = bind_loops(server, error);
  if (!status) status = find_work(server, error);
  if (status) {
    free_server(server);
    return status;
  }
  configure_server(server);
  status = start_loops(server, error);
  if (status)
    bt_http_server_stop(server);
  else
    *out = server;
  return status;
}

uint16_t bt_http_server_port(const bt_http_server *server) {
  return server->port;
}

uint32_t bt_http_server_under_way(const bt_http_server *server) {
  return atomic_load(&server->under_way);
}

bt_status bt_http_server_reload(bt_http_server *server, const bt_access_options *options, bt_error *error) {
  bt_access *fresh;
  bt_status status = bt_access_new(options, &fresh, error);
  if (status) return status;
  pthread_mutex_lock(&server->mutex);
  bool is_same_kind = !bt_access_tls(fresh) == !bt_access_tls(server->access) &&
                      bt_access_has_tokens(fresh) == bt_access_has_tokens(server->access);
  bt_access *done = is_same_kind ? server->access : fresh;
  if (is_same_kind) server->access = fresh;
  pthread_mutex_unlock(&server->mutex);
  bt_access_release(done);
  if (is_same_kind) return bt_audit_reopen(server->audit, error);
  return bt_error_set(error, BT_INVALID, "TLS and tokens can be begun and ended by a restart only");
}

/* Until no worker has a task of ours any more; all are cancelled. The last look at the server of one that gives a task
 * back is its count. */
static void wait_for_lent(bt_http_server *server) {
  atomic_store(&server->is_ending, true);
  pthread_mutex_lock(&server->mutex);
  while (atomic_load(&server->lent))
    (void)bt_condition_wait(&server->changed, &server->mutex, bt_clock_monotonic_ns() + LENT_LOOK_NS);
  pthread_mutex_unlock(&server->mutex);
}

void bt_http_server_stop(bt_http_server *server) {
  if (!server) return;
  if (server->owns_work) bt_workplace_stop(server->work);
  wait_for_loops(server, &server->ready_count, server->started_count);
  for (uint32_t i = 0; i < server->started_count; i++)
    h2o_multithread_send_message(&server->loops[i].receiver, &server->loops[i].stop_message);
  wait_for_loops(server, &server->drained_count, server->started_count);
  wait_for_lent(server);
  announce_loop(server, &server->workers_ended);
  for (uint32_t i = 0; i < server->started_count; i++) pthread_join(server->loops[i].thread, NULL);
  h2o_config_dispose(&server->config);
  free_server(server);
}
