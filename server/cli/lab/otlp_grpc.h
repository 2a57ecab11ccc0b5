/* OTLP over gRPC for a receiver: its calls are the receiver's HTTP routes. A build without gRPC has the same functions,
 * and no port. Thread: the main thread's; calls are answered on the workplace's. */
#ifndef BT_SERVER_CLI_LAB_OTLP_GRPC_H
#define BT_SERVER_CLI_LAB_OTLP_GRPC_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/http_server.h"
#include "server/work/workplace.h"

typedef struct bt_otlp_grpc bt_otlp_grpc;

typedef struct bt_otlp_grpc_options {
  const char *listen;   /* of the HTTP server; a free port of the same host is taken */
  bt_http_server *http; /* borrowed; it outlives this */
  bt_workplace *work;   /* borrowed; the one that http has */
  size_t most_bytes;    /* of a message */
  /* Told of each call that no route saw, but for those of other signals; on any thread. */
  void (*refused)(void *context, bt_str method);
  void *context;
} bt_otlp_grpc_options;

/* new; NULL in a build without gRPC. BT_IO: no port can be had. */
bt_status bt_otlp_grpc_start(const bt_otlp_grpc_options *options, bt_otlp_grpc **out, bt_error *error) BT_MUST_CHECK;
/* 0: there is none. */
uint16_t bt_otlp_grpc_port(const bt_otlp_grpc *grpc);
/* Calls that have come and are not answered yet. NULL is fine. Thread: any. */
uint32_t bt_otlp_grpc_under_way(const bt_otlp_grpc *grpc);
/* Ends before http does. NULL is fine. */
void bt_otlp_grpc_stop(bt_otlp_grpc *grpc);

#endif
