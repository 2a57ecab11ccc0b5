/* h2o's event loops. See http_server.h.
 *
 * A request's path: on_request (loop) checks, routes and copies it into a task → a worker runs the handler → the task comes back through the
 * loop's queue → send_answer. The loop owns the request pointer: a guard object in the request's pool clears it when the request ends early
 * (the client went away), and whichever side is last frees the task. */
#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <h2o.h>
#include <inttypes.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/http/guard.h"
#include "server/http/h2o_errors.h"
#include "server/http/router.h"
#include "server/http/workers.h"

enum {
  TICK_MS = 500,
  REQUEST_TIMEOUT_MS = 10 * 1000, /* for head and body together, and idle keep-alive */
  WRITE_TIMEOUT_S = 30,           /* a reader that takes nothing for so long is cut off */
  STOP_TIMEOUT_S = 5,
  QUEUE_MAX = 1024,
  ARENA_SLACK_BYTES = 1 << 20
};

typedef struct http_loop http_loop;

typedef struct connection { /* in the list of its loop */
  h2o_linklist_t link;
  http_loop *loop;
  h2o_socket_t *socket;
} connection;

typedef struct task {
  h2o_multithread_message_t message; /* back to the loop */
  http_loop *loop;
  h2o_req_t *request; /* NULL once the request is gone; only the loop looks */
  bt_call *call;
  const bt_route *route;
  bool is_done;         /* the worker has finished with it */
  time_t send_deadline; /* 0: not sending */
  h2o_generator_t generator;
  h2o_linklist_t sending;
} task;

struct http_loop {
  bt_http_server *server;
  pthread_t thread;
  bool is_started;
  h2o_context_t context;
  h2o_accept_ctx_t accept;
  h2o_multithread_receiver_t receiver;
  h2o_multithread_message_t stop_message;
  h2o_socket_t *listener;
  int listen_fd;
  h2o_linklist_t connections; /* of connection.link */
  h2o_linklist_t sending;     /* of task.sending */
  size_t task_count;
  bool is_stopping;
  time_t stop_deadline;
};

struct bt_http_server {
  bt_http_server_options options;
  bt_guard guard;
  char listen_host[128];
  uint16_t port;
  h2o_globalconf_t config;
  bt_workers *workers;
  http_loop *loops;
  atomic_uint connection_count;
};

typedef struct server_handler { /* h2o gives us our handler back; the server hangs on it */
  h2o_handler_t super;
  bt_http_server *server;
} server_handler;

static time_t monotonic_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

static bt_str str_of(h2o_iovec_t vector) {
  return (bt_str){vector.base, vector.len};
}

/* ---- answers ---- */

static void send_problem(h2o_req_t *request, int status, const char *kind, const char *detail, const char *allow) {
  bt_buffer body = {0};
  bt_problem_write(&body, status, kind, detail);
  request->res.status = status;
  request->res.reason = bt_http_reason(status);
  request->res.content_length = body.len;
  h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                 H2O_STRLIT("application/problem+json"));
  if (allow) {
    h2o_iovec_t copy = h2o_strdup(&request->pool, allow, SIZE_MAX);
    h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("allow"), 0, NULL, copy.base, copy.len);
  }
  h2o_iovec_t text = h2o_strdup(&request->pool, body.ptr ? body.ptr : "", body.len);
  bt_buffer_dispose(&body);
  h2o_send_inline(request, text.base, text.len);
}

static void free_task(task *done) {
  done->loop->task_count--;
  if (h2o_linklist_is_linked(&done->sending)) h2o_linklist_unlink(&done->sending);
  bt_call_free(done->call);
  free(done);
}

/* Runs in every end of a request: answered, cut off, or the loop is going down. */
static void on_request_gone(void *guard) {
  task *gone = *(task **)guard;
  gone->request = NULL;
  if (gone->is_done) free_task(gone);
}

static void add_headers(h2o_req_t *request, const bt_call *call) {
  if (call->content_type)
    h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, call->content_type,
                   strlen(call->content_type));
  h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("x-content-type-options"), 0, NULL,
                        H2O_STRLIT("nosniff"));
  h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("cache-control"), 0, NULL,
                        H2O_STRLIT("no-store"));
  for (size_t i = 0; i < call->header_count; i++)
    h2o_add_header_by_str(&request->pool, &request->res.headers, call->headers[i].name, strlen(call->headers[i].name),
                          0, NULL, call->headers[i].value.ptr, call->headers[i].value.len);
}

static void send_answer(task *done) {
  h2o_req_t *request = done->request;
  const bt_call *call = done->call;
  request->res.status = call->status;
  request->res.reason = bt_http_reason(call->status);
  request->res.content_length = call->answer.len;
  add_headers(request, call);
  done->send_deadline = monotonic_seconds() + WRITE_TIMEOUT_S;
  h2o_linklist_insert(&done->loop->sending, &done->sending);
  h2o_start_response(request, &done->generator);
  bool is_head = bt_str_equal(call->method, BT_STR("HEAD"));
  h2o_iovec_t body = {call->answer.ptr, is_head ? 0 : call->answer.len};
  h2o_send(request, &body, body.len ? 1 : 0, H2O_SEND_STATE_FINAL);
}

/* A reader that stalls would keep its connection for ever: h2o has no write timeout. */
static void cut_stalled(http_loop *loop) {
  time_t now = monotonic_seconds();
  for (h2o_linklist_t *node = loop->sending.next; node != &loop->sending; node = node->next) {
    task *sending = H2O_STRUCT_FROM_MEMBER(task, sending, node);
    if (!sending->request || now < sending->send_deadline) continue;
    h2o_socket_t *socket = sending->request->conn->callbacks->get_socket(sending->request->conn);
    if (socket) shutdown(h2o_socket_get_fd(socket), SHUT_RDWR);
    sending->send_deadline = now + WRITE_TIMEOUT_S;
  }
}

/* ---- requests ---- */

static void run_task(void *argument) {
  task *work = argument;
  work->route->handle(work->loop->server->options.service, work->call);
  h2o_multithread_send_message(&work->loop->receiver, &work->message);
}

static bt_str header_of(h2o_req_t *request, const char *name) {
  ssize_t index = h2o_find_header_by_str(&request->headers, name, strlen(name), -1);
  return index < 0 ? (bt_str){0} : str_of(request->headers.entries[index].value);
}

static bt_str path_of(const h2o_req_t *request) {
  return (bt_str){request->path.base, request->query_at == SIZE_MAX ? request->path.len : request->query_at};
}

static bt_str query_of(const h2o_req_t *request) {
  if (request->query_at == SIZE_MAX) return (bt_str){0};
  return (bt_str){request->path.base + request->query_at + 1, request->path.len - request->query_at - 1};
}

static bool copy_request(bt_call *call, h2o_req_t *request, const bt_str *params, size_t param_count) {
  bool ok = bt_arena_copy(&call->arena, str_of(request->method), &call->method);
  ok = ok && bt_arena_copy(&call->arena, path_of(request), &call->path);
  ok = ok && bt_arena_copy(&call->arena, query_of(request), &call->query);
  ok = ok && bt_arena_copy(&call->arena, str_of(request->entity), &call->body);
  ok = ok && bt_arena_copy(&call->arena, header_of(request, "if-match"), &call->if_match);
  ok = ok && bt_arena_copy(&call->arena, header_of(request, "accept"), &call->accept);
  ok = ok && bt_arena_copy(&call->arena, header_of(request, "last-event-id"), &call->last_event_id);
  for (size_t i = 0; i < param_count && ok; i++) ok = bt_call_param_set(call, params[i]);
  return ok;
}

static task *new_task(http_loop *loop, h2o_req_t *request, const bt_route *route) {
  task *fresh = calloc(1, sizeof *fresh);
  if (!fresh) return NULL;
  fresh->call = bt_call_new(request->entity.len + ARENA_SLACK_BYTES);
  if (!fresh->call) {
    free(fresh);
    return NULL;
  }
  *fresh = (task){.loop = loop, .request = request, .call = fresh->call, .route = route};
  loop->task_count++;
  task **guard = h2o_mem_alloc_shared(&request->pool, sizeof *guard, on_request_gone);
  *guard = fresh;
  return fresh;
}

/* Hands the request to a worker; answers 503 when that cannot be done. */
static void dispatch(http_loop *loop, h2o_req_t *request, const bt_route *route, const bt_str *params,
                     size_t param_count) {
  task *fresh = new_task(loop, request, route);
  if (!fresh) {
    send_problem(request, 503, "no-memory", "There is not enough memory to take this request; try again later.", NULL);
    return;
  }
  bool ok = copy_request(fresh->call, request, params, param_count);
  if (ok && bt_workers_submit(loop->server->workers, run_task, fresh)) return;
  fresh->is_done = true;
  send_problem(request, 503, "busy", "Too many requests are waiting; try again in a moment.", NULL);
}

static bt_guard_refusal check_request(const bt_http_server *server, h2o_req_t *request) {
  h2o_socket_t *socket = request->conn->callbacks->get_socket(request->conn);
  bt_str head = {socket->input->bytes, socket->input->size};
  bt_guard_refusal refusal = bt_guard_check_head(head);
  if (!refusal.status)
    refusal = bt_guard_check_site(&server->guard, str_of(request->input.authority), header_of(request, "origin"),
                                  header_of(request, "sec-fetch-site"));
  if (!refusal.status && request->entity.len > server->options.max_body_bytes)
    refusal = (bt_guard_refusal){413, "too-large", "The body is larger than this service takes (10 MiB)."};
  return refusal;
}

static int on_request(h2o_handler_t *handler, h2o_req_t *request) {
  bt_http_server *server = ((server_handler *)handler)->server;
  http_loop *loop = H2O_STRUCT_FROM_MEMBER(http_loop, context, request->conn->ctx);
  bt_guard_refusal refusal = check_request(server, request);
  if (refusal.status) {
    request->http1_is_persistent = 0;
    send_problem(request, refusal.status, refusal.kind, refusal.detail, NULL);
    return 0;
  }
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t param_count = 0;
  bt_buffer allowed = {0};
  bt_status found = bt_router_find(server->options.routes, server->options.route_count, str_of(request->method),
                                   path_of(request), &route, params, &param_count, &allowed);
  if (found == BT_OK)
    dispatch(loop, request, route, params, param_count);
  else if (found == BT_REFUSED)
    send_problem(request, 405, "method-not-allowed", "This path is known, but not with this method.", allowed.ptr);
  else
    send_problem(request, 404, "not-found", "There is no such path; docs/openapi.yaml lists them all.", NULL);
  bt_buffer_dispose(&allowed);
  return 0;
}

/* ---- one loop ---- */

static void on_connection_close(void *data) {
  connection *closed = data;
  atomic_fetch_sub(&closed->loop->server->connection_count, 1);
  h2o_linklist_unlink(&closed->link);
  free(closed);
}

static bool register_connection(http_loop *loop, h2o_socket_t *socket) {
  if (atomic_load(&loop->server->connection_count) >= loop->server->options.max_connections) return false;
  connection *fresh = calloc(1, sizeof *fresh);
  if (!fresh) return false;
  *fresh = (connection){.loop = loop, .socket = socket};
  h2o_linklist_insert(&loop->connections, &fresh->link);
  atomic_fetch_add(&loop->server->connection_count, 1);
  socket->on_close.cb = on_connection_close;
  socket->on_close.data = fresh;
  return true;
}

static void on_accept(h2o_socket_t *listener, const char *failed) {
  if (failed) return;
  http_loop *loop = listener->data;
  h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
  if (!socket) return;
  if (register_connection(loop, socket))
    h2o_accept(&loop->accept, socket);
  else
    h2o_socket_close(socket);
}

static void begin_stop(http_loop *loop) {
  loop->is_stopping = true;
  loop->stop_deadline = monotonic_seconds() + STOP_TIMEOUT_S;
  h2o_socket_close(loop->listener);
  loop->listener = NULL;
}

static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages) {
  http_loop *loop = H2O_STRUCT_FROM_MEMBER(http_loop, receiver, receiver);
  while (!h2o_linklist_is_empty(messages)) {
    h2o_multithread_message_t *message = H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
    h2o_linklist_unlink(&message->link);
    if (message == &loop->stop_message) {
      begin_stop(loop);
      continue;
    }
    task *done = H2O_STRUCT_FROM_MEMBER(task, message, message);
    done->is_done = true;
    if (done->request)
      send_answer(done);
    else
      free_task(done);
  }
}

/* Idle keep-alive connections end only by a timeout of h2o's; a shutdown of the socket ends them now. */
static void close_connections(http_loop *loop) {
  for (h2o_linklist_t *node = loop->connections.next; node != &loop->connections; node = node->next)
    shutdown(h2o_socket_get_fd(H2O_STRUCT_FROM_MEMBER(connection, link, node)->socket), SHUT_RDWR);
  time_t deadline = monotonic_seconds() + 2;
  while (!h2o_linklist_is_empty(&loop->connections) && monotonic_seconds() < deadline)
    h2o_evloop_run(loop->context.loop, 50);
}

static void *run_loop(void *argument) {
  http_loop *loop = argument;
  while (!loop->is_stopping || (loop->task_count && monotonic_seconds() < loop->stop_deadline)) {
    h2o_evloop_run(loop->context.loop, loop->is_stopping ? 20 : TICK_MS);
    cut_stalled(loop);
  }
  close_connections(loop);
  return NULL;
}

/* ---- starting and stopping ---- */

/* "host:port" or "[v6]:port" into its parts. */
static bt_status split_address(const char *listen, char *host, size_t host_size, char port[6], bt_error *error) {
  const char *colon = strrchr(listen, ':');
  size_t host_length = colon ? (size_t)(colon - listen) : 0, port_length = colon ? strlen(colon + 1) : 0;
  bool valid = host_length > 0 && host_length < host_size && port_length > 0 && port_length < 6 &&
               strspn(colon + 1, "0123456789") == port_length;
  if (!valid)
    return bt_error_set(error, BT_INVALID, "the listen address has to be host:port, as in 127.0.0.1:8080; \"%s\" came",
                        listen);
  bool bracketed = listen[0] == '[' && listen[host_length - 1] == ']';
  snprintf(host, host_size, "%.*s", (int)(bracketed ? host_length - 2 : host_length), bracketed ? listen + 1 : listen);
  snprintf(port, 6, "%s", colon + 1);
  return BT_OK;
}

static int bind_to(const struct addrinfo *address, uint16_t port) {
  struct sockaddr_storage target = {0};
  memcpy(&target, address->ai_addr, address->ai_addrlen);
  if (port && target.ss_family == AF_INET) ((struct sockaddr_in *)&target)->sin_port = htons(port);
  if (port && target.ss_family == AF_INET6) ((struct sockaddr_in6 *)&target)->sin6_port = htons(port);
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
      setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0 &&
      bind(fd, (struct sockaddr *)&target, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

static uint16_t port_of(int fd) {
  struct sockaddr_storage bound = {0};
  socklen_t length = sizeof bound;
  if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                           : ((struct sockaddr_in *)&bound)->sin_port);
}

/* SO_REUSEPORT lets our loops share the port, and would also let a second service take half of our connections in silence: so ask first. */
static bool is_taken(const struct addrinfo *address) {
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) return false;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  bool taken = bind(fd, address->ai_addr, address->ai_addrlen) != 0 && errno == EADDRINUSE;
  close(fd);
  return taken;
}

static bt_status bind_loops(bt_http_server *server, bt_error *error) {
  char port[6];
  bt_status status =
      split_address(server->options.listen, server->listen_host, sizeof server->listen_host, port, error);
  if (status) return status;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *address = NULL;
  if (getaddrinfo(server->listen_host, port, &hints, &address) != 0)
    return bt_error_set(error, BT_INVALID, "the listen address \"%s\" is not one that this machine knows",
                        server->options.listen);
  if (is_taken(address)) errno = EADDRINUSE, status = BT_IO;
  for (uint32_t i = 0; i < server->options.loops && !status; i++) {
    server->loops[i].listen_fd = bind_to(address, server->port);
    if (server->loops[i].listen_fd < 0)
      status = BT_IO;
    else
      server->port = port_of(server->loops[i].listen_fd);
  }
  if (status)
    bt_error_set(error, BT_IO, "cannot listen on %s: %s; choose another address with --listen", server->options.listen,
                 strerror(errno));
  freeaddrinfo(address);
  return status;
}

static void configure(bt_http_server *server) {
  h2o_config_init(&server->config);
  server->config.server_name = h2o_iovec_init(H2O_STRLIT("betrace"));
  server->config.http1.req_timeout = REQUEST_TIMEOUT_MS;
  server->config.http1.upgrade_to_http2 = 0;
  /* A little more than we take, so that a body just over the limit is read and refused with a whole answer. */
  server->config.max_request_entity_size = server->options.max_body_bytes + server->options.max_body_bytes / 2;
  h2o_hostconf_t *host = h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
  h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
  server_handler *handler = (server_handler *)h2o_create_handler(path, sizeof *handler);
  handler->super.on_req = on_request;
  handler->server = server;
  bt_h2o_errors_register(path);
  bt_h2o_errors_register(&host->fallback_path);
}

static void prepare_loop(bt_http_server *server, http_loop *loop) {
  loop->server = server;
  h2o_linklist_init_anchor(&loop->connections);
  h2o_linklist_init_anchor(&loop->sending);
  h2o_context_init(&loop->context, h2o_evloop_create(), &server->config);
  loop->accept = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = server->config.hosts};
  h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, on_message);
  loop->listener = h2o_evloop_socket_create(loop->context.loop, loop->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
  loop->listener->data = loop;
  h2o_socket_read_start(loop->listener, on_accept);
}

static void fill_defaults(bt_http_server *server) {
  bt_http_server_options *options = &server->options;
  if (!options->loops) options->loops = 2;
  if (!options->workers) options->workers = 4;
  if (!options->max_body_bytes) options->max_body_bytes = 10u << 20;
  if (!options->max_connections) options->max_connections = 1000;
  struct rlimit files = {0};
  /* At the file limit accept fails for ever and the loop spins; stay well below it. */
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 128 && options->max_connections > files.rlim_cur - 64)
    options->max_connections = (uint32_t)files.rlim_cur - 64;
}

static void free_server(bt_http_server *server) {
  for (uint32_t i = 0; server->loops && i < server->options.loops; i++)
    if (!server->loops[i].server && server->loops[i].listen_fd > 0) close(server->loops[i].listen_fd);
  free(server->loops);
  free(server);
}

bt_status bt_http_server_new(const bt_http_server_options *options, bt_http_server **out, bt_error *error) {
  *out = NULL;
  bt_http_server *server = calloc(1, sizeof *server);
  if (!server) return bt_error_no_memory(error);
  server->options = *options;
  fill_defaults(server);
  server->guard = (bt_guard){server->listen_host, options->hosts};
  server->loops = calloc(server->options.loops, sizeof *server->loops);
  bt_status status = server->loops ? bind_loops(server, error) : bt_error_no_memory(error);
  if (!status) status = bt_workers_new(server->options.workers, QUEUE_MAX, &server->workers, error);
  if (status) {
    free_server(server);
    return status;
  }
  configure(server);
  for (uint32_t i = 0; i < server->options.loops; i++) prepare_loop(server, &server->loops[i]);
  for (uint32_t i = 0; i < server->options.loops && !status; i++) {
    server->loops[i].is_started = pthread_create(&server->loops[i].thread, NULL, run_loop, &server->loops[i]) == 0;
    if (!server->loops[i].is_started)
      status = bt_error_set(error, BT_LIMIT, "the system refused to start an event loop's thread");
  }
  if (status)
    bt_http_server_stop(server);
  else
    *out = server;
  return status;
}

uint16_t bt_http_server_port(const bt_http_server *server) {
  return server->port;
}

static void dispose_loop(http_loop *loop) {
  h2o_multithread_unregister_receiver(loop->context.queue, &loop->receiver);
  /* A connection that outlived the deadline still hangs on the context; then it has to stay until the process ends. */
  if (!h2o_linklist_is_empty(&loop->connections)) return;
  h2o_evloop_t *base = loop->context.loop;
  h2o_context_dispose(&loop->context);
  h2o_evloop_destroy(base);
}

void bt_http_server_stop(bt_http_server *server) {
  if (!server) return;
  for (uint32_t i = 0; i < server->options.loops; i++)
    if (server->loops[i].is_started)
      h2o_multithread_send_message(&server->loops[i].receiver, &server->loops[i].stop_message);
  for (uint32_t i = 0; i < server->options.loops; i++)
    if (server->loops[i].is_started) pthread_join(server->loops[i].thread, NULL);
  bt_workers_free(server->workers);
  for (uint32_t i = 0; i < server->options.loops; i++) dispose_loop(&server->loops[i]);
  h2o_config_dispose(&server->config);
  free_server(server);
}
