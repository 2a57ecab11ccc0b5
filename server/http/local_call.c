/* Requests from inside the process. See local_call.h. */
#include "server/http/local_call.h"

#include <time.h>

#include "server/clock.h"
#include "server/http/loop.h"
#include "server/http/router.h"

enum { ARENA_SLACK_BYTES = 1 << 20 };
static const struct timespec A_MOMENT = {.tv_nsec = 20 * 1000 * 1000};

static bool copy(bt_call *call, const bt_local_request *from, const bt_access_answer *answer) {
  bt_str tenant = {0}, user = {0};
  bool ok = bt_arena_copy(&call->arena, from->method, &call->method);
  ok = ok && bt_arena_copy(&call->arena, from->path, &call->path);
  ok = ok && bt_arena_copy(&call->arena, from->query, &call->query);
  ok = ok && bt_arena_copy(&call->arena, from->body, &call->body);
  ok = ok && bt_arena_copy(&call->arena, from->body_type, &call->body_type);
  ok = ok && bt_arena_copy(&call->arena, from->if_match, &call->if_match);
  ok = ok && (!answer->tenant.len || bt_arena_copy(&call->arena, answer->tenant, &tenant));
  ok = ok && (!answer->user.len || bt_arena_copy(&call->arena, answer->user, &user));
  call->tenant = tenant.ptr;
  call->user = user.ptr;
  call->is_editor = answer->is_editor;
  call->every_tenant = answer->every_tenant;
  return ok;
}

static bool is_cancelled(const bt_call *call) {
  return call->scope && bt_work_scope_why(call->scope);
}

/* Page after page, as a reader would take them who is always ready. */
static void read_stream(bt_call *call) {
  bt_buffer whole = {0};
  bt_stream_step step = BT_STREAM_MORE;
  while (step != BT_STREAM_END && !is_cancelled(call) && !call->answer.failed) {
    bt_buffer_clear(&call->answer);
    step = bt_call_next_page(call);
    bool is_empty = !call->answer.len;
    bt_buffer_append(&whole, bt_buffer_str(&call->answer));
    if (step == BT_STREAM_WAIT || (step == BT_STREAM_MORE && is_empty)) nanosleep(&A_MOMENT, NULL);
  }
  bool is_whole = step == BT_STREAM_END && !whole.failed && !call->answer.failed;
  call->stream.operations->free(call->stream.context);
  call->stream.operations = NULL;
  bt_buffer_dispose(&call->answer);
  if (is_whole) {
    call->answer = whole;
    return;
  }
  bt_buffer_dispose(&whole);
  bt_call_problem(call, 503, "broken-off", "The answer was broken off; ask again.");
}

static void run(const bt_http_server *server, const bt_route *route, bt_call *call) {
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_route_handle(route, server->options.service, call);
  if (call->stream.operations) read_stream(call);
  if (server->options.observe)
    server->options.observe(server->options.service, route, call->status, bt_clock_monotonic_ns() - started_ns);
}

static void route_and_run(bt_http_server *server, const bt_access *access, const bt_local_request *request,
                          bt_call *call) {
  const bt_route *route = NULL;
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t param_count = 0;
  bt_buffer allowed = {0};
  bt_access_question question = {
      .authorization = request->authorization, .tenant = request->tenant, .grafana_user = request->grafana_user};
  bt_access_answer answer;
  bt_status found = bt_router_find(server->options.routes, server->options.route_count, request->method, request->path,
                                   &route, params, &param_count, &allowed);
  bt_buffer_dispose(&allowed);
  question.needs = found == BT_OK ? route->needs : BT_ROLE_VIEWER;
  bt_access_check(access, &question, &answer);
  if (answer.status) {
    bt_call_problem(call, answer.status, answer.kind, "%s", answer.detail);
    return;
  }
  if (found != BT_OK) {
    bt_call_problem(call, 404, "not-found", "There is no such path.");
    return;
  }
  bool ok = copy(call, request, &answer);
  for (size_t i = 0; i < param_count && ok; i++) ok = bt_call_param_set(call, params[i]);
  if (ok)
    run(server, route, call);
  else
    bt_call_problem(call, 503, "no-memory", "There is not enough memory to take this request; try again later.");
}

bt_call *bt_http_server_run(bt_http_server *server, const bt_local_request *request) {
  bt_call *call = bt_call_new(request->body.len + request->query.len + ARENA_SLACK_BYTES);
  if (!call) return NULL;
  bt_access *access = bt_http_access(server);
  call->scope = request->scope;
  route_and_run(server, access, request, call);
  bt_access_release(access);
  return call;
}
