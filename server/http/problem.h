/* Answers that say what went wrong, in the form that is spoken where it did: a problem document (RFC 9457), an error of
 * JSON-RPC, or the google.rpc.Status of OTLP/HTTP. Thread: no state. */
#ifndef BT_SERVER_HTTP_PROBLEM_H
#define BT_SERVER_HTTP_PROBLEM_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/text.h"

typedef enum bt_problem_form {
  BT_PROBLEM_DOCUMENT,
  BT_PROBLEM_RPC,       /* an error of JSON-RPC, with the document as its data */
  BT_PROBLEM_OTLP_JSON, /* code and message */
  BT_PROBLEM_OTLP       /* the same in protobuf */
} bt_problem_form;

typedef struct bt_problem {
  int status;
  const char *kind;   /* the last part of its type, a stable word */
  const char *detail; /* UTF-8 */
  json_t *errors;     /* taken; or NULL */
} bt_problem;

/* Of a request to that path ("": there is none yet). otlp_type: the type of the body that came where OTLP/HTTP is
 * spoken; len 0 elsewhere. An answer of OTLP/HTTP has the encoding of the request; a body of another type gets a
 * document. */
bt_problem_form bt_problem_form_of(bt_str path, bt_str otlp_type);
const char *bt_problem_type(bt_problem_form form); /* the Content-Type of that form */
/* Appends it. No memory: out->failed. */
void bt_problem_write(bt_buffer *out, bt_problem_form form, const bt_problem *problem);

typedef enum bt_rpc_code { /* of gRPC and google.rpc.Status */
                           BT_RPC_OK = 0,
                           BT_RPC_INVALID_ARGUMENT = 3,
                           BT_RPC_DEADLINE_EXCEEDED = 4,
                           BT_RPC_NOT_FOUND = 5,
                           BT_RPC_ALREADY_EXISTS = 6,
                           BT_RPC_PERMISSION_DENIED = 7,
                           BT_RPC_RESOURCE_EXHAUSTED = 8,
                           BT_RPC_FAILED_PRECONDITION = 9,
                           BT_RPC_UNIMPLEMENTED = 12,
                           BT_RPC_INTERNAL = 13,
                           BT_RPC_UNAVAILABLE = 14,
                           BT_RPC_UNAUTHENTICATED = 16
} bt_rpc_code;
/* What they call an answer of that status. */
int bt_problem_rpc_code(int http_status);
const char *bt_http_reason(int status);
/* Whether a Content-Type is of that media type; what follows a semicolon does not count. */
bool bt_media_type_is(bt_str content_type, bt_str type);

#endif
