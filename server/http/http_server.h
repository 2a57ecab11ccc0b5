/* The HTTP server: h2o's event loops behind one small face (listen, route, answer, stop), so that another library could take its place.
 * HTTP/1.1 only (HTTP/2 stays off: the library's version has no guards against resets). A request is checked (head, Host, Origin), routed,
 * copied into a bt_call and run on a worker thread; the loop that owns the request sends the answer.
 * Thread: new, port and stop are for the main thread. */
#ifndef BT_SERVER_HTTP_SERVER_H
#define BT_SERVER_HTTP_SERVER_H

#include "server/http/call.h"

typedef void (*bt_route_handler)(void *service, bt_call *call);

typedef struct bt_route {
  const char *method; /* "GET"; HEAD is answered as GET without the body */
  const char *path;   /* "/v1/rules/{id}": a segment in braces stands for one segment that is not empty */
  bt_route_handler handle;
} bt_route;

typedef struct bt_http_server bt_http_server;

typedef struct bt_http_server_options {
  const char *listen;     /* "127.0.0.1:8080", "[::1]:0": port 0 takes a free one */
  const bt_route *routes; /* borrowed */
  size_t route_count;
  void *service; /* given to the handlers */
  const char *const *
      hosts; /* further names that Host may have (loopback names and the listen address always may); NULL-terminated or NULL */
  uint32_t loops, workers;  /* threads; 0: 2 and 4 */
  size_t max_body_bytes;    /* 0: 10 MiB */
  uint32_t max_connections; /* 0: 1,000, and never more than the file limit allows */
} bt_http_server_options;

/* new. Listens and serves at once. BT_INVALID: the address is not one; BT_IO: it cannot be bound, and why. */
bt_status bt_http_server_new(const bt_http_server_options *options, bt_http_server **out,
                             bt_error *error) BT_MUST_CHECK;
uint16_t bt_http_server_port(const bt_http_server *server);
/* Stops accepting, waits for requests under way (5 s at most), ends the threads and frees. */
void bt_http_server_stop(bt_http_server *server);

#endif
