/* Requests from inside the process. See local_call.h. */
#include "server/http/local_call.h"

#include <stddef.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/http/loop.h"
#include "server/http/router.h"
#include "tempo/wire/cancellation.h"

enum { ARENA_SLACK_BYTES = 1 << 20 };
static const int64_t A_MOMENT_NS = INT64_C(20) * 1000 * 1000; /* for streams that nobody wakes */

static bool copy_request(bt_call *call, const bt_local_request *from, const bt_access_answer *answer) {
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

typedef struct local_run {
  bt_task task; /* once it has left its place */
  bt_http_server *server;
  const bt_route *route; /* NULL: it met none, or was refused */
  bt_call *call;
  bt_buffer whole; /* of a stream, as far as it was read */
  int64_t started_ns;
  bt_str from;
  bt_local_done done;
  void *context;
} local_run;

/* ---- the end ---- */

static void record_call(const local_run *run) {
  const bt_http_server_options *options = &run->server->options;
  const bt_call *call = run->call;
  const bt_http_fate fate = {.route = run->route,
                             .method = call->method,
                             .path = call->path,
                             .status = call->status,
                             .answer = bt_buffer_str(&call->answer),
                             .duration_ns = bt_clock_monotonic_ns() - run->started_ns};
  if (options->observe) options->observe(options->service, &fate);
  bt_audit_end(run->server->audit, run->route, call, run->from);
}

static void finish_call(local_run *run) {
  record_call(run);
  run->done(run->context, run->call);
  free(run);
}

static void end_stream(local_run *run, bt_stream_step step) {
  bt_call *call = run->call;
  bool is_whole = step == BT_STREAM_END && !run->whole.failed && !call->answer.failed;
  call->stream.operations->free(call->stream.context);
  call->stream.operations = NULL;
  bt_buffer_dispose(&call->answer);
  if (is_whole) {
    call->answer = run->whole;
    return;
  }
  bt_buffer_dispose(&run->whole);
  bt_call_problem(call, 503, "broken-off", "The answer was broken off; ask again.");
}

/* ---- the way there ---- */

/* Page after page, as a reader would take them who is always ready. False: it has left its place until there is more.
 */
static bool read_stream(local_run *run) {
  bt_call *call = run->call;
  bt_stream_step step = BT_STREAM_MORE;
  while (step != BT_STREAM_END && !bt_is_cancelled(bt_call_cancel(call)) && !call->answer.failed) {
    bt_buffer_clear(&call->answer);
    step = bt_call_next_page(call);
    bt_buffer_append(&run->whole, bt_buffer_str(&call->answer));
    if (step == BT_STREAM_END || call->answer.len || call->answer.failed) continue;
    bt_wait_park(&call->wait, call->away.is_away ? call->away.until_ns : bt_clock_monotonic_ns() + A_MOMENT_NS);
    return false;
  }
  end_stream(run, step);
  return true;
}

/* After it nobody may look at the run: it has ended, or goes on elsewhere. */
static void end_turn(local_run *run) {
  bt_call *call = run->call;
  if (call->away.is_away)
    bt_wait_park(&call->wait, call->away.until_ns);
  else if (!call->stream.operations || read_stream(run))
    finish_call(run);
}

static void go_on(bt_task *task) {
  local_run *run = (local_run *)((char *)task - offsetof(local_run, task));
  bt_wait_return(&run->call->wait);
  if (!run->call->stream.operations)
    bt_call_go_on(run->call);
  else
    run->call->away.is_away = false;
  end_turn(run);
}

/* ---- the beginning ---- */

static void audit_refusal(const local_run *run, const bt_local_request *request, const bt_access_answer *answer) {
  bt_audit_line line = {.method = request->method,
                        .path = request->path,
                        .tenant = answer->tenant,
                        .user = answer->user,
                        .from = request->from,
                        .status = run->call->status,
                        .why = answer->kind};
  bt_audit_refused(run->server->audit, &line);
}

/* False: answered. Without a token nothing is counted: a request from inside has no address. */
static bool check_rate(local_run *run, const bt_local_request *request, const bt_access_answer *answer) {
  if (!request->is_counted || !answer->client.len) return true;
  uint32_t wait_seconds =
      bt_client_rates_take(run->server->client_rates, bt_client_of_token(answer->client), bt_clock_monotonic_ns());
  if (wait_seconds) bt_call_problem(run->call, 429, "rate", BT_CLIENT_RATES_SAY, "token", wait_seconds);
  return wait_seconds == 0;
}

/* False: answered, and it runs nothing. */
static bool begin_call(local_run *run, const bt_access *access, const bt_local_request *request) {
  bt_str params[BT_CALL_MAX_PARAMS];
  size_t param_count = 0;
  bt_buffer allowed = {0};
  bt_call *call = run->call;
  const bt_route *route = NULL;
  bt_access_question question = {
      .authorization = request->authorization, .tenant = request->tenant, .grafana_user = request->grafana_user};
  bt_access_answer answer;
  bt_status found = bt_router_find(run->server->options.routes, run->server->options.route_count, request->method,
                                   request->path, &route, params, &param_count, &allowed);
  bt_buffer_dispose(&allowed);
  question.needs = found == BT_OK ? route->needs : BT_ROLE_VIEWER;
  bt_access_check(access, &question, &answer);
  if (answer.status) {
    bt_call_problem(call, answer.status, answer.kind, "%s", answer.detail);
    audit_refusal(run, request, &answer);
    return false;
  }
  if (!check_rate(run, request, &answer)) return false;
  if (found != BT_OK) {
    bt_call_problem(call, 404, "not-found", "There is no such path.");
    return false;
  }
  run->route = route;
  bool ok = copy_request(call, request, &answer);
  for (size_t i = 0; i < param_count && ok; i++) ok = bt_call_param_set(call, params[i]);
  if (!ok) bt_call_problem(call, 503, "no-memory", "There is not enough memory to take this request; try again later.");
  return ok;
}

/* NULL: no memory. */
static local_run *new_run(bt_http_server *server, const bt_local_request *request) {
  local_run *run = calloc(1, sizeof *run);
  bt_call *call = run ? bt_call_new(request->body.len + request->query.len + ARENA_SLACK_BYTES) : NULL;
  if (!call) {
    free(run);
    return NULL;
  }
  *run = (local_run){.task = {.run = go_on, .tenant = request->turn},
                     .server = server,
                     .call = call,
                     .from = request->from,
                     .started_ns = bt_clock_monotonic_ns()};
  call->scope = request->scope;
  call->server = server;
  bt_wait_init(&call->wait, server->work, request->scope, request->lane, &run->task);
  return run;
}

void bt_http_server_run(bt_http_server *server, const bt_local_request *request, bt_local_done done, void *context) {
  local_run *run = new_run(server, request);
  if (!run) {
    done(context, NULL);
    return;
  }
  run->done = done;
  run->context = context;
  bt_access *access = bt_http_access(server);
  bool has_begun = begin_call(run, access, request);
  bt_access_release(access);
  if (!has_begun) {
    finish_call(run);
    return;
  }
  if (bt_is_cancelled(bt_call_cancel(run->call))) /* while it waited for its turn */
    bt_call_cut(run->call);
  else if (bt_audit_begin(server->audit, run->route, run->call, run->from))
    bt_route_handle(run->route, server->options.service, run->call);
  end_turn(run);
}
