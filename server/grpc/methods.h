/* The methods of betrace.v1 and grpc.health.v1: each is a row that says which HTTP call it is, so that both mean the
 * same. Thread: a worker's; a method begins on the thread that calls it, and goes on in its lane where its HTTP call
 * waits for something. */
#ifndef BT_SERVER_GRPC_METHODS_H
#define BT_SERVER_GRPC_METHODS_H

#include "server/http/local_call.h"

/* What is there to be called: the service's calls, with OTLP's way to send spans; or OTLP alone, whose routes are
 * POST /v1/traces, /v1/metrics and /v1/logs. */
typedef enum bt_grpc_api { BT_GRPC_SERVICE, BT_GRPC_RECEIVER } bt_grpc_api;

typedef struct bt_grpc_request {
  bt_grpc_api api;
  bt_str method;                              /* "/betrace.v1.RuleService/GetRule" */
  bt_str message;                             /* of the request, as it came */
  bt_str authorization, tenant, grafana_user; /* metadata; len 0: not sent */
  bool has_repeated;                          /* one of these came several times */
  uint64_t turn;                              /* whose, in its lane */
  int64_t remaining_ns;                       /* until the call's deadline; INT64_MAX: it has none */
  bt_work_scope *scope;                       /* cancelled when nobody waits any more, and at the deadline */
} bt_grpc_request;

enum { BT_GRPC_DETAILS_BYTES = 4096, BT_GRPC_PROBLEM_BYTES = 6 * 1024 };

typedef struct bt_grpc_answer {
  int code;        /* of gRPC: 0 is OK */
  bool was_routed; /* a route answered; else the call was refused before */
  bt_buffer message;
  bt_buffer details; /* text for people, of codes other than OK */
  bt_buffer problem; /* the problem document, where there is one that is not too large for metadata */
} bt_grpc_answer;

/* Where the method runs. */
bt_lane bt_grpc_lane(bt_grpc_api api, bt_str method);
/* Called once, on the thread that handles the request or later on one of the pool. */
typedef void (*bt_grpc_done)(void *context, const bt_grpc_answer *answer);
/* Never fails: what goes wrong is the code. The request is not looked at any more when this returns. */
void bt_grpc_handle(bt_http_server *http, const bt_grpc_request *request, bt_grpc_done done, void *context);
void bt_grpc_answer_dispose(bt_grpc_answer *answer);

#endif
