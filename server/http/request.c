/* Requests: checked, routed, copied into a call for a worker; answers sent. See loop.h. */
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/http/connection.h"
#include "server/http/router.h"
#include "server/telemetry/own_spans.h"

enum {
  ARENA_SLACK_BYTES = 1 << 20,
  LEAST_TAKEN_BYTES = 4096 /* in a write timeout: who takes less stalls */
};

static bt_str str_of(h2o_iovec_t vector) {
  return (bt_str){vector.base, vector.len};
}

/* ---- who did what ---- */

/* Its length; 0: it is not known. */
static socklen_t peer_address(h2o_req_t *request, struct sockaddr_storage *out) {
  *out = (struct sockaddr_storage){0};
  return request->conn->callbacks->get_peername(request->conn, (struct sockaddr *)out);
}

/* "127.0.0.1:1234" */
static void write_address(h2o_req_t *request, char out[64]) {
  struct sockaddr_storage peer;
  char host[40], port[8];
  socklen_t length = peer_address(request, &peer);
  out[0] = '\0';
  if (length && getnameinfo((struct sockaddr *)&peer, length, host, sizeof host, port, sizeof port,
                            NI_NUMERICHOST | NI_NUMERICSERV) == 0)
    snprintf(out, 64, "%s:%s", host, port);
}

static bool is_refusal(int status) {
  return status == 400 || status == 401 || status == 403 || status == 413 || status == 417 || status == 421;
}

static void audit_refusal(h2o_req_t *request, int status, const char *kind) {
  const bt_http_server *server = H2O_STRUCT_FROM_MEMBER(bt_http_loop, context, request->conn->ctx)->server;
  char from[64];
  if (!is_refusal(status)) return;
  write_address(request, from);
  bt_audit_line line = {.method = str_of(request->method),
                        .path = bt_http_path(request),
                        .tenant = bt_http_header(request, "x-scope-orgid"),
                        .from = bt_str_from(from),
                        .status = status,
                        .why = kind};
  bt_audit_refused(server->audit, &line);
}

/* ---- answers ---- */

static void add_header(h2o_req_t *request, const char *name, bt_str value) {
  h2o_iovec_t copy = h2o_strdup(&request->pool, value.ptr, value.len);
  h2o_add_header_by_str(&request->pool, &request->res.headers, name, strlen(name), 0, NULL, copy.base, copy.len);
}

/* All of the answer was written. */
static void on_answered_early(h2o_generator_t *generator, h2o_req_t *request) {
  (void)generator;
  bt_http_connection_linger(bt_http_connection_of(request));
}

/* While the body is still coming: the connection stays until its sender has seen the answer. */
static void send_early(h2o_req_t *request, h2o_iovec_t text) {
  static h2o_generator_t generator = {on_answered_early, NULL};
  bool is_bodiless = bt_str_equal(str_of(request->method), BT_STR("HEAD"));
  request->http1_is_persistent = 0;
  h2o_start_response(request, &generator);
  h2o_send(request, &text, is_bodiless ? 0 : 1, H2O_SEND_STATE_IN_PROGRESS);
}

void bt_http_send_problem(h2o_req_t *request, int status, const char *kind, const char *detail, const char *allow) {
  bt_buffer body = {0};
  bt_problem problem = {.status = status, .kind = kind, .detail = detail};
  bt_problem_form form = bt_http_problem_form(request);
  bt_problem_write(&body, form, &problem);
  request->res.status = status;
  request->res.reason = bt_http_reason(status);
  request->res.content_length = body.len;
  const char *type = bt_problem_type(form);
  h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type, strlen(type));
  add_header(request, "x-content-type-options", BT_STR("nosniff"));
  add_header(request, "cache-control", BT_STR("no-store"));
  if (status == 503) add_header(request, "retry-after", BT_STR("1"));
  if (allow) add_header(request, "allow", bt_str_from(allow));
  h2o_iovec_t text = h2o_strdup(&request->pool, body.ptr ? body.ptr : "", body.len);
  bt_buffer_dispose(&body);
  bt_http_fate_refused(bt_http_connection_of(request), status, str_of(text));
  audit_refusal(request, status, kind);
  if (bt_http_body_is_left(bt_http_connection_of(request)))
    send_early(request, text);
  else
    h2o_send_inline(request, text.base, text.len);
}

/* A call that was never begun has no span: why not is in its refusal. */
static void end_span(const bt_http_task *task) {
  if (!task->span.is_set || !task->is_submitted) return;
  bool is_head = bt_str_equal(task->call->method, BT_STR("HEAD"));
  bt_own_span span = {.context = task->span,
                      .parent = task->span_parent,
                      .kind = BT_KIND_SERVER,
                      .start_ns = task->span_start_ns,
                      .end_ns = bt_clock_wall_ns(),
                      .method = is_head ? "HEAD" : task->route->method,
                      .route = task->route->path,
                      .failure = task->is_answered ? NULL : "unanswered",
                      .status = task->is_answered ? task->call->status : 0};
  bt_own_spans_add(task->loop->server->options.own_spans, &span);
}

static void free_task(bt_http_task *done) {
  end_span(done);
  done->loop->task_count--;
  bt_http_sending_end(done);
  bt_http_stream_forget(done);
  bt_access_release(done->page_holder);
  bt_http_body_drop(done);
  bt_call_free(done->call);
  if (done->has_scope) bt_work_scope_end(&done->scope);
  free(done);
}

/* Runs in every end of a request: answered, cut off, or the loop is going down. */
static void on_request_gone(void *guard) {
  bt_http_task *gone = *(bt_http_task **)guard;
  gone->request = NULL;
  bt_http_body_forget(gone);
  if (!gone->is_with_worker)
    free_task(gone);
  else
    bt_work_scope_cancel(&gone->scope, BT_SCOPE_READER_GONE);
}

void bt_http_set_headers(h2o_req_t *request, const bt_call *call) {
  request->res.status = call->status;
  request->res.reason = bt_http_reason(call->status);
  if (call->content_type)
    h2o_add_header(&request->pool, &request->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, call->content_type,
                   strlen(call->content_type));
  h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("x-content-type-options"), 0, NULL,
                        H2O_STRLIT("nosniff"));
  const char *cache_control = call->cache_control ? call->cache_control : "no-store";
  h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("cache-control"), 0, NULL, cache_control,
                        strlen(cache_control));
  for (size_t i = 0; i < call->header_count; i++)
    h2o_add_header_by_str(&request->pool, &request->res.headers, call->headers[i].name, strlen(call->headers[i].name),
                          0, NULL, call->headers[i].value.ptr, call->headers[i].value.len);
}

void bt_http_sending_begin(bt_http_task *task) {
  task->send_deadline_ms = bt_http_now_ms() + task->loop->server->options.write_timeout_ms;
  if (!h2o_linklist_is_linked(&task->sending)) h2o_linklist_insert(&task->loop->sending, &task->sending);
}

void bt_http_sending_end(bt_http_task *task) {
  if (h2o_linklist_is_linked(&task->sending)) h2o_linklist_unlink(&task->sending);
}

static void send_answer(bt_http_task *done) {
  h2o_req_t *request = done->request;
  const bt_call *call = done->call;
  bt_str answer = done->page_holder ? done->page : bt_buffer_str(&call->answer);
  request->res.content_length = answer.len;
  bt_http_set_headers(request, call);
  bt_http_sending_begin(done);
  h2o_start_response(request, &done->generator);
  bool is_bodiless = call->status == 304 || bt_str_equal(call->method, BT_STR("HEAD"));
  h2o_iovec_t body = {(char *)answer.ptr, is_bodiless ? 0 : answer.len};
  h2o_send(request, &body, body.len ? 1 : 0, H2O_SEND_STATE_FINAL);
}

static void begin_answer(bt_http_task *task) {
  bool is_stream = task->call->stream.operations != NULL;
  task->is_answered = true;
  bt_http_fate_of_task(task, is_stream ? -1 : bt_clock_monotonic_ns() - task->started_ns);
  if (is_stream)
    bt_http_stream_start(task);
  else
    send_answer(task);
}

void bt_http_task_returned(bt_http_task *task) {
  task->is_with_worker = false;
  if (h2o_linklist_is_linked(&task->under_way)) h2o_linklist_unlink(&task->under_way);
  if (task->stream_state == BT_STREAM_IDLE) /* also where nobody waits for the answer */
    bt_audit_end(task->loop->server->audit, task->route, task->call, bt_str_from(task->from));
  if (!task->request)
    free_task(task);
  else if (task->stream_state != BT_STREAM_IDLE)
    bt_http_stream_returned(task);
  else
    begin_answer(task);
}

/* What the other side has confirmed since the connection began. */
static uint64_t taken_bytes(int fd) {
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_bytes_acked : 0;
}

/* h2o has no write timeout: a reader that stalls would keep its connection for ever. One that is only slow is given
 * more time. */
static void cut_if_stalled(bt_http_task *sending, int64_t now_ms) {
  h2o_socket_t *socket = sending->request->conn->callbacks->get_socket(sending->request->conn);
  if (!socket) return;
  int fd = h2o_socket_get_fd(socket);
  uint64_t taken = taken_bytes(fd);
  if (sending->is_last_chance || taken < sending->taken_bytes + LEAST_TAKEN_BYTES) shutdown(fd, SHUT_RDWR);
  sending->taken_bytes = taken;
  sending->send_deadline_ms = now_ms + sending->loop->server->options.write_timeout_ms;
}

void bt_http_cut_stalled(bt_http_loop *loop) {
  int64_t now_ms = bt_http_now_ms();
  for (h2o_linklist_t *node = loop->sending.next; node != &loop->sending; node = node->next) {
    bt_http_task *sending = H2O_STRUCT_FROM_MEMBER(bt_http_task, sending, node);
    if (sending->request && now_ms >= sending->send_deadline_ms) cut_if_stalled(sending, now_ms);
  }
}

/* ---- requests ---- */

bt_str bt_http_header(h2o_req_t *request, const char *name) {
  ssize_t index = h2o_find_header_by_str(&request->headers, name, strlen(name), -1);
  return index < 0 ? (bt_str){0} : str_of(request->headers.entries[index].value);
}

bt_str bt_http_path(const h2o_req_t *request) {
  return (bt_str){request->path.base, request->query_at == SIZE_MAX ? request->path.len : request->query_at};
}

/* The type of the body where OTLP/HTTP is spoken, which has refusals of its own; else nothing. */
static bt_str otlp_type_of(h2o_req_t *request) {
  const bt_http_server *server = H2O_STRUCT_FROM_MEMBER(bt_http_loop, context, request->conn->ctx)->server;
  bool is_spoken = server->options.speaks_otlp && bt_str_equal(bt_http_path(request), BT_STR("/v1/traces"));
  return is_spoken ? bt_http_header(request, "content-type") : (bt_str){0};
}

bt_problem_form bt_http_problem_form(h2o_req_t *request) {
  return bt_problem_form_of(bt_http_path(request), otlp_type_of(request));
}

static bt_str query_of(const h2o_req_t *request) {
  if (request->query_at == SIZE_MAX) return (bt_str){0};
  return (bt_str){request->path.base + request->query_at + 1, request->path.len - request->query_at - 1};
}

/* What the request was found to be allowed. */
static bool copy_access(bt_call *call, const bt_access_answer *answer) {
  bt_str tenant = {0}, user = {0};
  bool ok = !answer->tenant.len || bt_arena_copy(&call->arena, answer->tenant, &tenant);
  ok = ok && (!answer->user.len || bt_arena_copy(&call->arena, answer->user, &user));
  call->tenant = tenant.ptr;
  call->user = user.ptr;
  call->is_editor = answer->is_editor;
  call->every_tenant = answer->every_tenant;
  return ok;
}

static bool copy_request(bt_call *call, h2o_req_t *request, const bt_str *params, size_t param_count) {
  bool ok = bt_arena_copy(&call->arena, str_of(request->method), &call->method);
  ok = ok && bt_arena_copy(&call->arena, bt_http_path(request), &call->path);
  ok = ok && bt_arena_copy(&call->arena, query_of(request), &call->query);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "if-match"), &call->if_match);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "content-type"), &call->body_type);
  ok = ok && bt_arena_copy(&call->arena, otlp_type_of(request), &call->otlp_type);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "content-encoding"), &call->body_encoding);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "accept"), &call->accept);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "accept-encoding"), &call->accept_encoding);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "last-event-id"), &call->last_event_id);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "mcp-protocol-version"), &call->mcp_version);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "mcp-method"), &call->mcp_method);
  ok = ok && bt_arena_copy(&call->arena, bt_http_header(request, "mcp-name"), &call->mcp_name);
  for (size_t i = 0; i < param_count && ok; i++) ok = bt_call_param_set(call, params[i]);
  return ok;
}

/* Only where something asks in his name: a token is kept no longer than it is needed. */
static bool copy_sender(bt_call *call, h2o_req_t *request) {
  bt_call_sender *to = &call->sender;
  char from[64];
  write_address(request, from);
  return bt_arena_copy(&call->arena, bt_http_header(request, "authorization"), &to->authorization) &&
         bt_arena_copy(&call->arena, bt_http_header(request, "x-scope-orgid"), &to->tenant) &&
         bt_arena_copy(&call->arena, bt_http_header(request, "x-grafana-user"), &to->grafana_user) &&
         bt_arena_copy(&call->arena, bt_str_from(from), &to->from);
}

bt_http_task *bt_http_task_new(bt_http_loop *loop, h2o_req_t *request, const bt_route *route) {
  bt_http_task *fresh = calloc(1, sizeof *fresh);
  if (!fresh) return NULL;
  fresh->call = bt_call_new(bt_http_body_most(bt_http_connection_of(request)) + ARENA_SLACK_BYTES);
  if (!fresh->call) {
    free(fresh);
    return NULL;
  }
  *fresh = (bt_http_task){.loop = loop,
                          .request = request,
                          .call = fresh->call,
                          .route = route,
                          .is_with_worker = true,
                          .started_ns = bt_clock_monotonic_ns()};
  loop->task_count++;
  if (bt_audit_wants(route)) write_address(request, fresh->from);
  bt_http_task **guard = h2o_mem_alloc_shared(&request->pool, sizeof *guard, on_request_gone);
  *guard = fresh;
  return fresh;
}

/* Whose turn it is in the lane, and until when. */
static bool begin_work(bt_http_task *task) {
  const bt_http_server *server = task->loop->server;
  const char *tenant = bt_call_tenant(task->call);
  int64_t timeout_ns = task->timeout_ns ? task->timeout_ns : server->options.call_timeout_ns;
  bt_work_scope_begin(&task->scope, &server->work->root, task->started_ns + timeout_ns);
  task->has_scope = true;
  task->scope.cancel.span = task->span;
  task->call->scope = &task->scope;
  bt_wait_init(&task->call->wait, server->work, &task->scope, (bt_lane)task->route->lane, &task->work);
  task->work =
      (bt_task){.tenant = bt_turns_key(tenant, strlen(tenant)), .party = (uint64_t)(uintptr_t)task->request->conn};
  return bt_http_task_lend(task, (bt_lane)task->route->lane, bt_http_task_handle);
}

/* False: answered. */
static bool read_timeout(const bt_http_server *server, h2o_req_t *request, int64_t *out) {
  bt_str text = bt_http_header(request, "betrace-timeout");
  char most[64], detail[300];
  *out = 0;
  if (!text.ptr) return true;
  if (bt_duration_parse(text, out) && *out > 0 && *out <= server->options.call_timeout_ns) return true;
  bt_duration_format(server->options.call_timeout_ns, most);
  snprintf(detail, sizeof detail, "Betrace-Timeout has to be a duration of at most %s, as in 20s; \"%.*s\" came.", most,
           (int)(text.len < 100 ? text.len : 100), text.ptr);
  bt_http_send_problem(request, 400, "invalid-header", detail, NULL);
  return false;
}

/* What a reader sent and then closed is not begun. Only of what comes behind another request: to look costs a system
 * call, and a first request whose reader is gone is found soon enough. */
static bool is_left_behind(h2o_req_t *request) {
  bt_http_connection *connection = bt_http_connection_of(request);
  bool had_request = connection->had_request;
  connection->had_request = true;
  return had_request && bt_http_reader_is_gone(request);
}

void bt_http_task_submit(bt_http_task *task) {
  task->is_with_worker = task->is_submitted = true;
  task->started_ns = bt_clock_monotonic_ns();
  if (task->route->lane == BT_ON_LOOP) {
    bt_route_handle(task->route, task->loop->server->options.service, task->call);
    bt_http_task_returned(task);
    return;
  }
  if (begin_work(task)) return;
  task->is_with_worker = task->is_submitted = false;
  bt_http_send_problem(task->request, 503, "busy", "Too many calls are waiting; try again in a moment.", NULL);
}

/* Of a header that may come once. BT_INVALID: it came several times. */
static bt_status single_header(h2o_req_t *request, const char *name, bt_str *out) {
  ssize_t index = h2o_find_header_by_str(&request->headers, name, strlen(name), -1);
  *out = index < 0 ? (bt_str){0} : str_of(request->headers.entries[index].value);
  return index >= 0 && h2o_find_header_by_str(&request->headers, name, strlen(name), index) >= 0 ? BT_INVALID : BT_OK;
}

/* Probes say whether the service is well: they are asked for by machines, and cost nothing. */
static bool is_probe(const bt_route *route) {
  return route && route->needs == BT_ROLE_ANYONE;
}

/* Scrapes and probes come all the time and would hide all else. A traceparent that is wrong, or came twice, begins a
 * new trace; tracestate goes no further. */
static void begin_span(bt_http_task *task, h2o_req_t *request) {
  bt_trace_context caller = {0};
  bt_str text;
  if (!task->loop->server->options.own_spans || is_probe(task->route) || strcmp(task->route->path, "/metrics") == 0)
    return;
  if (single_header(request, "traceparent", &text) == BT_OK) (void)bt_trace_context_parse(text, &caller);
  if (!bt_trace_context_begin(&caller, &task->span)) return;
  task->span_parent = caller.span_id;
  task->span_start_ns = bt_clock_wall_ns();
}

/* Reads the body where there is one, and hands the request to a worker; answers 503 when that cannot be done. */
static void dispatch_request(bt_http_loop *loop, h2o_req_t *request, const bt_route *route,
                             const bt_access_answer *answer, const bt_str *params, size_t param_count) {
  int64_t timeout_ns;
  if (!read_timeout(loop->server, request, &timeout_ns)) return;
  if (route->lane != BT_ON_LOOP && (loop->is_stopping || is_left_behind(request))) {
    request->http1_is_persistent = 0;
    bt_http_send_problem(request, 503, "stopping", "The connection or the service ends; ask again on another.", NULL);
    return;
  }
  bt_http_task *fresh = bt_http_task_new(loop, request, route);
  if (!fresh) {
    bt_http_send_problem(request, 503, "no-memory", "There is not enough memory to take this request; try again later.",
                         NULL);
    return;
  }
  bt_http_connection *connection = bt_http_connection_of(request);
  fresh->timeout_ns = timeout_ns;
  begin_span(fresh, request);
  fresh->call->body = BT_STR("");
  fresh->call->server = loop->server;
  if (!copy_request(fresh->call, request, params, param_count) || !copy_access(fresh->call, answer) ||
      (route->lane == BT_LANE_ASSISTANT && !copy_sender(fresh->call, request))) {
    fresh->is_with_worker = false;
    bt_http_send_problem(request, 503, "no-memory", "There is not enough memory to take this request; try again later.",
                         NULL);
  } else if (bt_http_body_most(connection)) {
    bt_http_body_read(connection, fresh);
  } else {
    bt_http_task_submit(fresh);
  }
}

/* ---- who asks, and for what ---- */

/* For a page of an allowed origin. The browser shows it the answer, and these headers of it. */
static void add_cors_headers(h2o_req_t *request, bt_str origin) {
  add_header(request, "access-control-allow-origin", origin);
  add_header(request, "access-control-expose-headers", BT_STR("ETag, Location, Retry-After"));
  add_header(request, "vary", BT_STR("Origin"));
}

static bool is_preflight(h2o_req_t *request) {
  return bt_str_equal(str_of(request->method), BT_STR("OPTIONS")) &&
         bt_http_header(request, "access-control-request-method").len > 0;
}

static void answer_preflight(h2o_req_t *request) {
  add_header(request, "access-control-allow-methods", BT_STR("GET, HEAD, POST, PUT, DELETE"));
  add_header(request, "access-control-allow-headers",
             BT_STR("Authorization, Content-Type, X-Scope-OrgID, If-Match, Last-Event-ID, Betrace-Timeout, "
                    "MCP-Protocol-Version, Mcp-Method, Mcp-Name"));
  add_header(request, "access-control-max-age", BT_STR("600"));
  request->res.status = 204;
  request->res.reason = bt_http_reason(204);
  h2o_send_inline(request, "", 0);
}

static bt_guard_refusal check_request(const bt_http_server *server, const bt_access *access, h2o_req_t *request,
                                      bool is_allowed_page, bool is_navigation) {
  const bt_http_connection *connection = bt_http_connection_of(request);
  bt_guard guard = {server->listen_host, bt_access_hosts(access)};
  bt_guard_refusal refusal = connection->refusal;
  if (!refusal.status)
    refusal = bt_guard_check_site(
        &guard, str_of(request->input.authority), is_allowed_page ? BT_STR("") : bt_http_header(request, "origin"),
        is_allowed_page || is_navigation ? BT_STR("") : bt_http_header(request, "sec-fetch-site"));
  if (!refusal.status && bt_http_body_most(connection) > server->options.max_body_bytes)
    refusal = (bt_guard_refusal){413, "too-large", server->too_large};
  return refusal;
}

static void refuse_access(h2o_req_t *request, const bt_access_answer *answer) {
  if (answer->status == 401)
    add_header(request, "www-authenticate",
               strcmp(answer->kind, "no-token") == 0 ? BT_STR("Bearer realm=\"betrace\"")
                                                     : BT_STR("Bearer realm=\"betrace\", error=\"invalid_token\""));
  bt_http_send_problem(request, answer->status, answer->kind, answer->detail, NULL);
}

/* False: answered already. */
static bool check_access(const bt_access *access, h2o_req_t *request, bt_role needs, bt_access_answer *answer) {
  bt_access_question question = {.needs = needs};
  if (single_header(request, "authorization", &question.authorization) ||
      single_header(request, "x-scope-orgid", &question.tenant) ||
      single_header(request, "x-grafana-user", &question.grafana_user)) {
    bt_http_send_problem(request, 400, "ambiguous-header",
                         "Authorization, X-Scope-OrgID and X-Grafana-User may stand once each in a request.", NULL);
    return false;
  }
  bt_access_check(access, &question, answer);
  if (answer->status) refuse_access(request, answer);
  return answer->status == 0;
}

/* ---- how often ---- */

static uint64_t address_client(h2o_req_t *request) {
  struct sockaddr_storage peer;
  socklen_t length = peer_address(request, &peer);
  return bt_client_of_address((struct sockaddr *)&peer, length);
}

/* False: answered already. */
static bool check_rate(bt_client_rates *rates, h2o_req_t *request, uint64_t client, const char *whose) {
  char detail[200], seconds[12];
  uint32_t wait_seconds = bt_client_rates_take(rates, client, bt_clock_monotonic_ns());
  if (!wait_seconds) return true;
  snprintf(seconds, sizeof seconds, "%u", wait_seconds);
  add_header(request, "retry-after", bt_str_from(seconds));
  snprintf(detail, sizeof detail, BT_CLIENT_RATES_SAY, whose, wait_seconds);
  bt_http_send_problem(request, 429, "rate", detail, NULL);
  return false;
}

static bool check_address_rate(const bt_http_server *server, h2o_req_t *request, const bt_route *route) {
  return !server->address_rates || is_probe(route) ||
         check_rate(server->address_rates, request, address_client(request), "address");
}

static bool check_client_rate(const bt_http_server *server, h2o_req_t *request, const bt_route *route, bt_str token) {
  if (!server->client_rates || is_probe(route)) return true;
  uint64_t client = token.len ? bt_client_of_token(token) : address_client(request);
  return check_rate(server->client_rates, request, client, token.len ? "token" : "address");
}

/* ---- the way in ---- */

/* Of what anybody may ask for: nobody has to be known for it, so nothing is kept for it. */
static void refuse_body(h2o_req_t *request) {
  bt_http_send_problem(request, 413, "unexpected-body", "This path takes no body; one was announced.", NULL);
}

/* The body is read when all else is known to be right; until then the connection ends with the answer. */
static void look_at_body(h2o_req_t *request) {
  bt_http_connection *connection = bt_http_connection_of(request);
  bt_http_gate_expect_end(request);
  bt_http_fate_name(connection, str_of(request->method), bt_http_path(request));
  connection->is_persistent = request->http1_is_persistent != 0;
  if (bt_http_body_is_left(connection)) request->http1_is_persistent = 0;
}

static void route_request(bt_http_loop *loop, const bt_access *access, h2o_req_t *request) {
  const bt_http_server *server = loop->server;
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t param_count = 0;
  bt_buffer allowed = {0};
  bt_access_answer answer;
  bt_status found = bt_router_find(server->options.routes, server->options.route_count, str_of(request->method),
                                   bt_http_path(request), &route, params, &param_count, &allowed);
  /* First who asks: without a token nobody learns which paths there are. */
  bool may = check_address_rate(server, request, route) &&
             check_access(access, request, found == BT_OK ? route->needs : BT_ROLE_VIEWER, &answer) &&
             check_client_rate(server, request, route, answer.client);
  if (may && found == BT_OK && route->needs == BT_ROLE_ANYONE && bt_http_body_is_left(bt_http_connection_of(request)))
    refuse_body(request);
  else if (may && found == BT_OK)
    dispatch_request(loop, request, route, &answer, params, param_count);
  else if (may && found == BT_REFUSED)
    bt_http_send_problem(request, 405, "method-not-allowed", "This path is known, but not with this method.",
                         allowed.ptr);
  else if (may)
    bt_http_send_problem(request, 404, "not-found", "There is no such path; docs/openapi.yaml lists them all.", NULL);
  bt_buffer_dispose(&allowed);
}

int bt_http_on_request(h2o_handler_t *handler, h2o_req_t *request) {
  bt_http_server *server = ((bt_http_handler *)handler)->server;
  bt_http_loop *loop = H2O_STRUCT_FROM_MEMBER(bt_http_loop, context, request->conn->ctx);
  look_at_body(request);
  bool is_body_left = bt_http_body_is_left(bt_http_connection_of(request));
  bt_access *access = bt_http_access(server);
  bt_str origin = bt_http_header(request, "origin");
  bool is_allowed_page = origin.len && bt_access_allows_origin(access, origin);
  bool is_for_pages = bt_http_is_for_pages(server, access, request);
  bt_guard_refusal refusal =
      check_request(server, access, request, is_allowed_page, is_for_pages && bt_http_is_navigation(request));
  if (is_allowed_page) add_cors_headers(request, origin);
  if (refusal.status) {
    request->http1_is_persistent = 0;
    bt_http_send_problem(request, refusal.status, refusal.kind, refusal.detail, NULL);
  } else if (is_body_left && (is_for_pages || (is_allowed_page && is_preflight(request)))) {
    refuse_body(request);
  } else if (is_allowed_page && is_preflight(request)) {
    answer_preflight(request);
  } else if (is_for_pages) {
    bt_http_answer_page(loop, access, request);
  } else {
    route_request(loop, access, request);
  }
  bt_access_release(access);
  return 0;
}
