/* Problems in the forms that are spoken here. See problem.h. */
#include "server/http/problem.h"

#include <stdio.h>
#include <string.h>

#include "server/json/json_values.h"
#include "tempo/wire/otlp_answer.h"

const char *bt_http_reason(int status) {
  switch (status) {
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 204: return "No Content";
  case 304: return "Not Modified";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 409: return "Conflict";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 417: return "Expectation Failed";
  case 421: return "Misdirected Request";
  case 422: return "Unprocessable Content";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 503: return "Service Unavailable";
  default: return status < 400 ? "OK" : "Error";
  }
}

int bt_problem_rpc_code(int http_status) {
  switch (http_status) {
  case 400:
  case 415:
  case 422: return BT_RPC_INVALID_ARGUMENT;
  case 401: return BT_RPC_UNAUTHENTICATED;
  case 403: return BT_RPC_PERMISSION_DENIED;
  case 404: return BT_RPC_NOT_FOUND;
  case 409: return BT_RPC_ALREADY_EXISTS;
  case 412: return BT_RPC_FAILED_PRECONDITION;
  case 413:
  case 429: return BT_RPC_RESOURCE_EXHAUSTED;
  case 503: return BT_RPC_UNAVAILABLE;
  default: return http_status < 300 ? BT_RPC_OK : BT_RPC_INTERNAL;
  }
}

bool bt_media_type_is(bt_str content_type, bt_str type) {
  bt_str name = content_type;
  const char *end = name.len ? memchr(name.ptr, ';', name.len) : NULL;
  if (end) name.len = (size_t)(end - name.ptr);
  while (name.len && name.ptr[name.len - 1] == ' ') name.len--;
  return bt_str_equal_nocase(name, type);
}

/* ---- forms ---- */

enum { JSON_RPC_INVALID_REQUEST = -32600, JSON_RPC_INTERNAL = -32603 };

bt_problem_form bt_problem_form_of(bt_str path, bt_str otlp_type) {
  if (bt_str_equal(path, BT_STR("/mcp"))) return BT_PROBLEM_RPC;
  if (bt_media_type_is(otlp_type, BT_STR("application/json"))) return BT_PROBLEM_OTLP_JSON;
  return bt_media_type_is(otlp_type, BT_STR("application/x-protobuf")) ? BT_PROBLEM_OTLP : BT_PROBLEM_DOCUMENT;
}

const char *bt_problem_type(bt_problem_form form) {
  switch (form) {
  case BT_PROBLEM_DOCUMENT: break;
  case BT_PROBLEM_RPC:
  case BT_PROBLEM_OTLP_JSON: return "application/json";
  case BT_PROBLEM_OTLP: return "application/x-protobuf";
  }
  return "application/problem+json";
}

static json_t *problem_json(const bt_problem *problem) {
  char type[96];
  snprintf(type, sizeof type, "urn:betrace:problem:%s", problem->kind);
  json_t *document = json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", bt_http_reason(problem->status), "status",
                               problem->status, "detail", problem->detail);
  if (problem->errors) bt_json_set(document, "errors", problem->errors);
  return document;
}

/* A request that was refused has no id that anybody read. */
static json_t *rpc_json(const bt_problem *problem) {
  return json_pack("{s:s, s:n, s:{s:i, s:s, s:o}}", "jsonrpc", "2.0", "id", "error", "code",
                   problem->status < 500 ? JSON_RPC_INVALID_REQUEST : JSON_RPC_INTERNAL, "message", problem->detail,
                   "data", problem_json(problem));
}

static int append_json(const char *text, size_t length, void *buffer) {
  bt_buffer_append(buffer, (bt_str){text, length});
  return ((bt_buffer *)buffer)->failed ? -1 : 0;
}

void bt_problem_write(bt_buffer *out, bt_problem_form form, const bt_problem *problem) {
  if (form == BT_PROBLEM_OTLP || form == BT_PROBLEM_OTLP_JSON) {
    int code = bt_problem_rpc_code(problem->status);
    bt_otlp_write_refusal(code, problem->detail, form == BT_PROBLEM_OTLP_JSON, out);
    json_decref(problem->errors);
    return;
  }
  json_t *document = form == BT_PROBLEM_RPC ? rpc_json(problem) : problem_json(problem);
  if (document && json_dump_callback(document, append_json, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) == 0)
    bt_buffer_append_char(out, '\n');
  else
    out->failed = true;
  json_decref(document);
}
