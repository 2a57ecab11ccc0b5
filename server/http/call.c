/* Requests and answers as handlers see them. See call.h. */
#include "server/http/call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "tempo/wire/gzip.h"

bt_call *bt_call_new(size_t cap_bytes) {
  bt_call *call = calloc(1, sizeof *call);
  if (!call) return NULL;
  bt_arena_init(&call->arena, cap_bytes);
  call->status = 500;
  call->content_type = "application/problem+json";
  return call;
}

static void drop_stream(bt_call *call) {
  if (call->stream.operations) call->stream.operations->free(call->stream.context);
  call->stream.operations = NULL;
  bt_gzip_packer_free(call->stream.packer);
  call->stream.packer = NULL;
}

void bt_call_free(bt_call *call) {
  if (!call) return;
  bt_arena_dispose(&call->arena);
  bt_buffer_dispose(&call->answer);
  drop_stream(call);
  free(call);
}

const char *bt_call_tenant(const bt_call *call) {
  return call->tenant ? call->tenant : "";
}

const char *bt_call_id(const bt_call *call) {
  bool is_text = call->param_count > 0 && !memchr(call->params[0].ptr, 0, call->params[0].len);
  return is_text ? call->params[0].ptr : "";
}

void bt_call_header_set(bt_call *call, const char *name, bt_str value) {
  assert(call->header_count < BT_CALL_MAX_HEADERS);
  bt_str copy;
  if (bt_arena_copy(&call->arena, value, &copy)) call->headers[call->header_count++] = (bt_call_header){name, copy};
}

void bt_call_text(bt_call *call, int status, const char *content_type, bt_str body) {
  drop_stream(call);
  bt_buffer_clear(&call->answer);
  bt_buffer_append(&call->answer, body);
  call->status = call->answer.failed ? 500 : status; /* no memory: an empty answer must not look like one */
  call->content_type = content_type;
}

void bt_call_no_content(bt_call *call) {
  bt_call_text(call, 204, NULL, BT_STR(""));
}

void bt_call_stream(bt_call *call, int status, const char *content_type, const bt_stream_operations *operations,
                    void *context) {
  bt_call_text(call, status, content_type, BT_STR(""));
  call->stream.operations = operations;
  call->stream.context = context;
}

bt_wait *bt_call_wait(bt_call *call) {
  return call->wait.work ? &call->wait : NULL;
}

void bt_call_leave(bt_call *call, int64_t until_ns, void (*go_on)(void *context, bt_call *call), void *context) {
  assert(call->wait.work);
  call->away.is_away = true;
  call->away.until_ns = until_ns;
  call->away.go_on = go_on;
  call->away.context = context;
}

void bt_call_go_on(bt_call *call) {
  call->away.is_away = false;
  bt_json_memory_begin();
  call->away.go_on(call->away.context, call);
  bt_call_end_turn(call);
}

void bt_call_end_turn(bt_call *call) {
  if (bt_json_memory_failed()) call->away.lacks_memory = true;
  if (call->away.lacks_memory && !call->away.is_away) bt_call_no_memory(call);
}

bt_stream_step bt_call_next_page(bt_call *call) {
  call->away.is_away = false;
  bt_json_memory_begin();
  bt_stream_step step = call->stream.operations->next(call->stream.context, &call->answer);
  if (bt_json_memory_failed()) call->answer.failed = true; /* the page may lack something */
  return step;
}

void bt_call_no_memory(bt_call *call) {
  bt_call_text(call, 500, "application/problem+json",
               BT_STR("{\"type\":\"urn:betrace:problem:no-memory\",\"title\":\"Internal Server Error\",\"status\":500,"
                      "\"detail\":\"There was not enough memory to answer.\"}\n"));
}

static int append_json(const char *text, size_t length, void *buffer) {
  bt_buffer_append(buffer, (bt_str){text, length});
  return ((bt_buffer *)buffer)->failed ? -1 : 0;
}

static void answer_json(bt_call *call, int status, const char *content_type, json_t *body) {
  drop_stream(call);
  bt_buffer_clear(&call->answer);
  int failed = body ? json_dump_callback(body, append_json, &call->answer, JSON_COMPACT | JSON_REAL_PRECISION(15)) : -1;
  bt_buffer_append_char(&call->answer, '\n');
  json_decref(body);
  if (failed || call->answer.failed) {
    bt_call_no_memory(call);
    return;
  }
  call->status = status;
  call->content_type = content_type;
}

void bt_call_json(bt_call *call, int status, json_t *body) {
  answer_json(call, status, "application/json", body);
}

/* What users sent may hold any bytes; a problem document has to be UTF-8. */
static void repair_utf8(char *text) {
  bt_str rest = bt_str_from(text);
  while (rest.len) {
    size_t length = bt_utf8_sequence(rest, NULL);
    if (!length) text[rest.ptr - text] = '?';
    rest.ptr += length ? length : 1;
    rest.len -= length ? length : 1;
  }
}

__attribute__((format(printf, 5, 0))) static void answer_problem(bt_call *call, int status, const char *kind,
                                                                 json_t *errors, const char *format, va_list list) {
  char detail[1024];
  vsnprintf(detail, sizeof detail, format, list);
  repair_utf8(detail);
  bt_problem problem = {.status = status, .kind = kind, .detail = detail, .errors = errors};
  bt_problem_form form = bt_problem_form_of(call->path, call->otlp_type);
  drop_stream(call);
  bt_buffer_clear(&call->answer);
  bt_problem_write(&call->answer, form, &problem);
  call->status = status;
  call->content_type = bt_problem_type(form);
  if (call->answer.failed) bt_call_no_memory(call);
}

void bt_call_problem(bt_call *call, int status, const char *kind, const char *format, ...) {
  va_list list;
  va_start(list, format);
  answer_problem(call, status, kind, NULL, format, list);
  va_end(list);
}

void bt_call_problem_with(bt_call *call, int status, const char *kind, json_t *errors, const char *format, ...) {
  va_list list;
  va_start(list, format);
  answer_problem(call, status, kind, errors, format, list);
  va_end(list);
}

bool bt_call_body_is(const bt_call *call, bt_str type) {
  return bt_media_type_is(call->body_type, type);
}

const bt_cancel *bt_call_cancel(const bt_call *call) {
  return call->scope ? &call->scope->cancel : NULL;
}

void bt_call_cut(bt_call *call) {
  switch (call->scope ? bt_work_scope_why(call->scope) : BT_SCOPE_GOES_ON) {
  case BT_SCOPE_DEADLINE:
    bt_call_problem(
        call, 504, "deadline",
        "The time for this call was over before there was an answer; ask for less, or give it more with the "
        "header Betrace-Timeout.");
    return;
  case BT_SCOPE_STOPPING:
    bt_call_header_set(call, "retry-after", BT_STR("5"));
    bt_call_problem(call, 503, "stopping", "The service is being stopped; ask again when it is back.");
    return;
  case BT_SCOPE_GOES_ON:
  case BT_SCOPE_READER_GONE:
  case BT_SCOPE_UNWANTED: break;
  }
  bt_call_problem(call, 503, "cancelled", "The call was cancelled.");
}

void bt_call_error(bt_call *call, bt_status status, const bt_error *error) {
  static const struct {
    int http;
    const char *kind;
  } answers[] = {
      [BT_OK] = {500, "internal"},
      [BT_INVALID] = {400, "invalid"},
      [BT_NOT_FOUND] = {404, "not-found"},
      [BT_CONFLICT] = {409, "conflict"},
      [BT_LIMIT] = {400, "limit"},
      [BT_NO_MEMORY] = {503, "no-memory"},
      [BT_UNAVAILABLE] = {503, "unavailable"},
      [BT_REFUSED] = {503, "refused"},
      [BT_CANCELLED] = {503, "cancelled"},
      [BT_IO] = {503, "storage"},
  };
  if (status == BT_CANCELLED && call->scope && bt_work_scope_why(call->scope))
    bt_call_cut(call);
  else
    bt_call_problem(call, answers[status].http, answers[status].kind, "%s", error->message);
}

json_t *bt_call_body(bt_call *call, bool may_be_empty) {
  static const char *const no_parameter[] = {NULL};
  /* Who takes parameters beside a body has read them. Else ?dry_run or ?emit=false would be passed over in silence. */
  if (!call->is_query_read && !bt_call_query_allows(call, no_parameter)) return NULL;
  if (call->body.len == 0 && may_be_empty) return json_object();
  json_error_t where;
  json_t *body = json_loadb(call->body.ptr ? call->body.ptr : "", call->body.len, JSON_REJECT_DUPLICATES, &where);
  if (bt_json_memory_failed()) { /* jansson may then have left a piece of a text out, and called it read */
    json_decref(body);
    bt_call_no_memory(call);
    return NULL;
  }
  if (!body) {
    bt_call_problem(call, 400, "invalid-json", "The body has to be a JSON object; line %d, column %d: %s.", where.line,
                    where.column, where.text);
    return NULL;
  }
  if (json_is_object(body)) return body;
  json_decref(body);
  bt_call_problem(call, 400, "invalid-json", "The body has to be a JSON object, {…}; another kind of JSON value came.");
  return NULL;
}

void bt_call_busy(bt_call *call, const bt_error *error) {
  bt_call_header_set(call, "retry-after", BT_STR("5"));
  bt_call_problem(call, 503, "busy", "%s", error->message);
}
