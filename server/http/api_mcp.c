/* POST /mcp: the Model Context Protocol over HTTP, in its streamable form without sessions. A request is answered as
 * JSON. A call that asks for progress is answered as server-sent events: an assistant_run makes them on a thread of the
 * assistants' lane, and the stream takes what there is. Each question that a tool asks the service goes in by
 * local_request.h with the headers of whoever sent the request, so that a tool may do what he may. Who hangs up ends
 * it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/compliance/signature.h"
#include "server/http/local_request.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/json/json_values.h"
#include "server/mcp/dialogue.h"
#include "server/mcp/era.h"

enum { PAGE_BYTES = 65536 };
static const int64_t LONGEST_NS = INT64_C(3600) * 1000000000; /* of a call that tells how far it is */

/* ---- questions of tools ---- */

typedef struct asker {
  bt_http_server *server;
  bt_call_sender sender;
  bt_work_scope *scope;
  uint64_t turn;
} asker;

static asker asker_of(const bt_call *call) {
  const char *tenant = bt_call_tenant(call);
  return (asker){call->server, call->sender, call->scope, bt_turns_key(tenant, strlen(tenant))};
}

static bt_status ask_inside(void *context, const char *method, const char *path, bt_str body, json_t **out,
                            bt_error *error) {
  const asker *a = context;
  size_t length = strcspn(path, "?");
  bool is_end = strcmp(method, "DELETE") == 0; /* of a replay that nobody wants any more: now more than ever */
  bt_local_request request = {.method = bt_str_from(method),
                              .path = {path, length},
                              .query = bt_str_from(path[length] ? path + length + 1 : ""),
                              .body = body,
                              .body_type = BT_STR("application/json"),
                              .authorization = a->sender.authorization,
                              .tenant = a->sender.tenant,
                              .grafana_user = a->sender.grafana_user,
                              .from = a->sender.from,
                              .scope = is_end ? NULL : a->scope,
                              .lane = BT_LANE_ANSWER,
                              .turn = a->turn};
  return bt_http_server_ask(a->server, &request, out, error);
}

static bt_mcp_run run_of(asker *a, bool allows_writes) {
  return (bt_mcp_run){.ask = ask_inside,
                      .context = a,
                      .allows_writes = allows_writes,
                      .how_to_write = "the service has to be started with --mcp-writes, and the token has to be one "
                                      "that may change rules",
                      .cancel = &a->scope->cancel};
}

/* ---- answers ---- */

/* Takes the message. Of requests that cannot be taken the status says so, too. */
static void answer_message(bt_call *call, int status, json_t *message) {
  json_int_t code = json_integer_value(json_object_get(json_object_get(message, "error"), "code"));
  bt_call_json(call, status == 200 && code == BT_MCP_INTERNAL ? 503 : status, message);
}

static void refuse_message(bt_call *call, int status, const char *why) {
  answer_message(call, status, bt_mcp_error(NULL, BT_MCP_INVALID_REQUEST, why));
}

/* ---- a call that tells how far it is ---- */

typedef struct assistant_run {
  bt_task task;
  bt_work_scope scope; /* its own: the stream's ends with the request */
  asker asker;
  bool allows_writes;
  const char *program_version;
  json_t *whole; /* the request; the thread's */
  bt_mcp_message message;
  bt_arena strings; /* of the asker */

  pthread_mutex_t mutex; /* guards all below */
  bt_buffer events;
  size_t taken; /* of them, by the stream */
  bool is_done, is_left;
} assistant_run;

static void free_run(assistant_run *run) {
  json_decref(run->whole);
  bt_buffer_dispose(&run->events);
  bt_arena_dispose(&run->strings);
  pthread_mutex_destroy(&run->mutex);
  free(run);
}

/* Takes the message. Progress that nobody takes is left out, an answer never is. */
static void add_event(assistant_run *run, json_t *message, bool may_be_left_out) {
  char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
  pthread_mutex_lock(&run->mutex);
  bool is_full = run->events.len - run->taken > PAGE_BYTES;
  if (text && !(may_be_left_out && is_full)) bt_buffer_printf(&run->events, "event: message\ndata: %s\n\n", text);
  run->events.failed = run->events.failed || !text;
  pthread_mutex_unlock(&run->mutex);
  free(text);
  json_decref(message);
}

static void add_progress(void *context, double done, const char *say) {
  assistant_run *run = context;
  add_event(run, bt_mcp_progress(bt_mcp_progress_token(&run->message), done, say), true);
}

/* On a thread of the lane. */
static void run_assistant(bt_task *task) {
  assistant_run *run = (assistant_run *)((char *)task - offsetof(assistant_run, task));
  bt_http_server *server = run->asker.server;
  bt_mcp_run call = run_of(&run->asker, run->allows_writes);
  call.progress = add_progress;
  call.progress_context = run;
  add_event(run, bt_mcp_answer_call(&call, &run->message, run->program_version), false);
  pthread_mutex_lock(&run->mutex);
  run->is_done = true;
  bool is_left = run->is_left;
  bt_work_scope_end(&run->scope);
  pthread_mutex_unlock(&run->mutex);
  if (is_left) free_run(run);
  bt_http_server_let_go(server);
}

static bt_stream_step next_events(void *context, bt_buffer *out) {
  assistant_run *run = context;
  pthread_mutex_lock(&run->mutex);
  size_t left = run->events.len - run->taken, length = left < PAGE_BYTES ? left : PAGE_BYTES;
  if (length) bt_buffer_append(out, (bt_str){run->events.ptr + run->taken, length});
  run->taken += length;
  out->failed = out->failed || run->events.failed;
  if (run->taken == run->events.len) {
    bt_buffer_clear(&run->events);
    run->taken = 0;
  }
  bool is_end = run->is_done && !run->events.len;
  pthread_mutex_unlock(&run->mutex);
  return is_end ? BT_STREAM_END : length ? BT_STREAM_MORE : BT_STREAM_WAIT;
}

/* The reader has all, or has gone. */
static void leave_run(void *context) {
  assistant_run *run = context;
  pthread_mutex_lock(&run->mutex);
  run->is_left = true;
  bool is_done = run->is_done;
  if (!is_done) bt_work_scope_cancel(&run->scope, BT_SCOPE_READER_GONE);
  pthread_mutex_unlock(&run->mutex);
  if (is_done) free_run(run);
}

static bool copy_sender(assistant_run *run, const bt_call_sender *from) {
  bt_call_sender *to = &run->asker.sender;
  return bt_arena_copy(&run->strings, from->authorization, &to->authorization) &&
         bt_arena_copy(&run->strings, from->tenant, &to->tenant) &&
         bt_arena_copy(&run->strings, from->grafana_user, &to->grafana_user) &&
         bt_arena_copy(&run->strings, from->from, &to->from);
}

/* NULL: no memory. Takes the request, whose references are not counted atomically: nobody else may look at it. */
static assistant_run *new_run(const bt_service *service, const bt_call *call, json_t **whole,
                              const bt_mcp_message *message, bool allows_writes) {
  assistant_run *run = calloc(1, sizeof *run);
  if (!run) return NULL;
  run->task = (bt_task){.run = run_assistant, .party = (uint64_t)(uintptr_t)run};
  run->asker = asker_of(call);
  run->asker.scope = &run->scope;
  run->task.tenant = run->asker.turn;
  run->allows_writes = allows_writes;
  run->program_version = service->version;
  run->whole = *whole;
  *whole = NULL;
  run->message = *message;
  pthread_mutex_init(&run->mutex, NULL);
  bt_arena_init(&run->strings, PAGE_BYTES);
  if (copy_sender(run, &call->sender)) return run;
  free_run(run);
  return NULL;
}

static void begin_run(const bt_service *service, bt_call *call, assistant_run *run) {
  static const bt_stream_operations operations = {next_events, ": \n\n", leave_run};
  bt_work_scope_begin(&run->scope, &service->work->root, bt_clock_monotonic_ns() + LONGEST_NS);
  bt_http_server_hold(call->server);
  if (bt_pool_submit(service->work->pool, BT_LANE_ASSISTANT, &run->task)) {
    bt_call_header_set(call, "x-accel-buffering", BT_STR("no")); /* or a proxy keeps events for itself */
    bt_call_stream(call, 200, "text/event-stream", &operations, run);
    return;
  }
  bt_http_server_let_go(call->server);
  bt_work_scope_end(&run->scope);
  free_run(run);
  bt_call_header_set(call, "retry-after", BT_STR("1"));
  refuse_message(call, 503, "Too many calls of assistants are under way; try again in a moment.");
}

/* ---- requests ---- */

static void answer_call(const bt_service *service, bt_call *call, json_t **whole, const bt_mcp_message *message,
                        bool allows_writes) {
  asker a = asker_of(call);
  if (bt_mcp_progress_token(message) && bt_str_contains(call->accept, BT_STR("text/event-stream"))) {
    assistant_run *run = new_run(service, call, whole, message, allows_writes);
    if (run)
      begin_run(service, call, run);
    else
      bt_call_no_memory(call);
    return;
  }
  bt_mcp_run run = run_of(&a, allows_writes);
  answer_message(call, 200, bt_mcp_answer_call(&run, message, service->version));
}

static const char BASE64_BEGIN[] = "=?base64?", BASE64_END[] = "?=";

/* A header has visible ASCII alone; a name with anything else comes in Base64. What cannot be decoded is no name. */
static bt_str decode_name(bt_str name, bt_buffer *out) {
  size_t begin = sizeof BASE64_BEGIN - 1, end = sizeof BASE64_END - 1;
  bt_error error;
  bool is_encoded = name.len >= begin + end && memcmp(name.ptr, BASE64_BEGIN, begin) == 0 &&
                    memcmp(name.ptr + name.len - end, BASE64_END, end) == 0;
  if (!is_encoded) return name;
  bt_status status = bt_base64_decode((bt_str){name.ptr + begin, name.len - begin - end}, out, &error);
  return status == BT_OK && !out->failed ? bt_buffer_str(out) : (bt_str){0};
}

/* NULL: the headers are as they have to be. */
static json_t *refuse_headers(const bt_call *call, const bt_mcp_message *message, bool begins) {
  bt_buffer name = {0};
  json_t *refusal = NULL;
  if (message->is_modern) {
    bt_mcp_headers headers = {call->mcp_version, call->mcp_method, decode_name(call->mcp_name, &name)};
    refusal = bt_mcp_refuse_headers(message->id, message->method, message->params, &headers);
  } else if (message->id && bt_mcp_is_modern_version(call->mcp_version)) {
    refusal = bt_mcp_refuse_meta(message->id, message->params);
  } else if (!begins && call->mcp_version.len && !bt_mcp_has_version(call->mcp_version)) {
    refusal = bt_mcp_error(NULL, BT_MCP_INVALID_REQUEST,
                           "MCP-Protocol-Version has to be a version that initialize has answered.");
  }
  bt_buffer_dispose(&name);
  return refusal;
}

/* Of a modern request the status says that there is no such method; before 2026-07-28 the error alone did. */
static void answer_at_once(const bt_service *service, bt_call *call, const bt_mcp_message *message,
                           bool allows_writes) {
  json_t *answer = bt_mcp_answer_at_once(message, allows_writes, service->version);
  json_int_t code = json_integer_value(json_object_get(json_object_get(answer, "error"), "code"));
  answer_message(call, message->is_modern && code == BT_MCP_NO_METHOD ? 404 : 200, answer);
}

static void answer_request(const bt_service *service, bt_call *call, json_t **whole) {
  bt_mcp_message message;
  json_t *refusal = NULL;
  bt_mcp_kind kind = bt_mcp_message_read(*whole, &message, &refusal);
  bool allows_writes = service->has_mcp_writes && call->is_editor;
  bool begins = kind == BT_MCP_AT_ONCE && strcmp(message.method, "initialize") == 0;
  if (!refusal) refusal = refuse_headers(call, &message, begins);
  if (refusal)
    answer_message(call, 400, refusal);
  else if (kind == BT_MCP_NOTICE)
    bt_call_text(call, 202, NULL, BT_STR(""));
  else if (kind == BT_MCP_AT_ONCE)
    answer_at_once(service, call, &message, allows_writes);
  else
    answer_call(service, call, whole, &message, allows_writes);
}

/* ---- batches, which 2025-03-26 has ---- */

enum { BATCH_MAX = 32 };

/* NULL: it needs none. */
static json_t *answer_element(const bt_service *service, const bt_call *call, json_t *whole, const bt_mcp_run *run) {
  bt_mcp_message message;
  json_t *refusal = NULL;
  bt_mcp_kind kind = bt_mcp_message_read(whole, &message, &refusal);
  bool begins = kind == BT_MCP_AT_ONCE && strcmp(message.method, "initialize") == 0;
  if (!refusal) refusal = refuse_headers(call, &message, false);
  if (refusal || kind == BT_MCP_NOTICE) return refusal;
  if (begins) return bt_mcp_error(message.id, BT_MCP_INVALID_REQUEST, "initialize has to be alone.");
  return kind == BT_MCP_AT_ONCE ? bt_mcp_answer_at_once(&message, run->allows_writes, service->version)
                                : bt_mcp_answer_call(run, &message, service->version);
}

static void answer_batch(const bt_service *service, bt_call *call, json_t *batch) {
  asker a = asker_of(call);
  bt_mcp_run run = run_of(&a, service->has_mcp_writes && call->is_editor);
  json_t *answers = json_array(), *one;
  size_t index;
  json_array_foreach(batch, index, one) {
    json_t *answer = answer_element(service, call, one, &run);
    if (answer) bt_json_append(answers, answer);
  }
  if (json_array_size(answers)) {
    bt_call_json(call, 200, answers);
    return;
  }
  json_decref(answers);
  bt_call_text(call, 202, NULL, BT_STR(""));
}

static void answer_whole(const bt_service *service, bt_call *call, json_t **whole) {
  size_t count = json_array_size(*whole);
  bool may_be_batch = !call->mcp_version.len || bt_mcp_takes_batches(call->mcp_version);
  if (!count || !may_be_batch)
    answer_request(service, call, whole);
  else if (count > BATCH_MAX)
    refuse_message(call, 400, "A batch may have 32 messages.");
  else
    answer_batch(service, call, *whole);
}

void bt_api_mcp(void *context, bt_call *call) {
  json_error_t problem;
  if (!bt_call_query_allows(call, (const char *const[]){NULL})) return;
  if (call->body_type.len && !bt_call_body_is(call, BT_STR("application/json"))) {
    refuse_message(call, 415, "Content-Type has to be application/json.");
  } else if (call->body.len > BT_MCP_MESSAGE_BYTES) {
    refuse_message(call, 413, "A message may have 4 MiB.");
  } else {
    json_t *whole = json_loadb(call->body.ptr, call->body.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (whole)
      answer_whole(context, call, &whole);
    else
      answer_message(call, 400, bt_mcp_error(NULL, BT_MCP_PARSE_ERROR, "The body is no JSON."));
    json_decref(whole);
  }
}
