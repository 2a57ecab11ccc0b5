/* gRPC as well as HTTP: a server of generic unary calls on gRPC's C core, whose methods are the HTTP calls (methods.h).
 * Only in builds with -DBETRACE_GRPC=ON. What is asked for has 64 places here and runs in the lane of its route; more
 * wait in the library, whose connections are limited to 100 streams. Thread: new and stop are for the main thread. */
#ifndef BT_SERVER_GRPC_SERVER_H
#define BT_SERVER_GRPC_SERVER_H

#include <stdint.h>

#include "server/grpc/methods.h"
#include "server/http/http_server.h"

typedef struct bt_grpc_server bt_grpc_server;

typedef struct bt_grpc_server_options {
  const char *listen;             /* "127.0.0.1:9090"; port 0 takes a free one */
  const char *tls_cert, *tls_key; /* PEM files that HTTP uses too, both or NULL; read once */
  bt_http_server *http;           /* borrowed: what answers; it outlives this server */
  bt_workplace *work;             /* borrowed; the one that http has */
  bt_grpc_api api;                /* what is there to be called */
  size_t message_max_bytes;       /* 0: 10 MiB */
  bool takes_gzip;                /* messages may be compressed: what unpacks to more than the most is refused then */
  /* Told of each call that is refused before a route sees it; on the server's thread or a worker's, so it only counts.
   * NULL: nobody is told. */
  void (*observe_refused)(void *context, bt_str method);
  void *context;
} bt_grpc_server_options;

/* new. BT_INVALID, BT_IO: the address or the files, and why. BT_LIMIT: the system gives no thread. BT_NO_MEMORY. */
bt_status bt_grpc_server_new(const bt_grpc_server_options *options, bt_grpc_server **out,
                             bt_error *error) BT_MUST_CHECK;
uint16_t bt_grpc_server_port(const bt_grpc_server *server);
/* Calls that have come and are not over. Thread: any. */
uint32_t bt_grpc_server_under_way(const bt_grpc_server *server);
/* Takes no more calls, waits for those under way (which the service's end cuts short) and frees. NULL is fine. */
void bt_grpc_server_stop(bt_grpc_server *server);

#endif
