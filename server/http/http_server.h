/* The HTTP server: h2o's event loops behind one small face (listen, route, answer, stop), so that another library could
 * take its place. HTTP/1.1 only (HTTP/2 stays off: the library's version has no guards against resets). A request is
 * checked (head, Host, Origin), routed, its caller looked at (access.h), copied into a bt_call and run in the lane of
 * its route; the loop that owns the request sends the answer. Thread: new, port and stop are for the main thread. */
#ifndef BT_SERVER_HTTP_SERVER_H
#define BT_SERVER_HTTP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/http/access.h"
#include "server/http/call.h"
#include "server/http/role.h"
#include "server/work/pool.h"
#include "server/work/workplace.h"

typedef void (*bt_route_handler)(void *service, bt_call *call);

/* Where a handler runs: in a lane of the pool, or on the loop. On the loop there is no way to another thread and back,
 * which costs more than a small answer does; but then it may only read memory: no file, no database, no network, no
 * wait, and an answer of a few kilobytes. */
enum { BT_ON_LOOP = BT_LANES };

typedef struct bt_route {
  const char *method; /* "GET"; HEAD is answered as GET without the body */
  const char *path;   /* "/v1/rules/{id}": a segment in braces stands for one segment that is not empty */
  bt_route_handler handle;
  bt_role needs;
  int lane; /* a bt_lane, or BT_ON_LOOP */
} bt_route;

typedef struct bt_http_server bt_http_server;

/* What became of a request, whoever answered it: its handler, a check before it, or nobody. */
typedef struct bt_http_fate {
  const bt_route *route; /* NULL: it met none, or was refused or cut before */
  bt_str method, path;   /* as they came; len 0: its head did not come whole */
  int status;            /* of the answer; 0: there is none */
  bt_str answer;         /* its body, where it was made before it was sent */
  const char *why;       /* there is none, in words; else NULL */
  int64_t duration_ns;   /* from the arrival of the whole request to its answer; -1: a stream begins */
} bt_http_fate;

typedef struct bt_http_server_options {
  const char *listen;     /* "127.0.0.1:8080", "[::1]:0": port 0 takes a free one */
  const bt_route *routes; /* borrowed */
  size_t route_count;
  void *service;    /* given to the handlers */
  bool speaks_otlp; /* POST /v1/traces answers, and is refused, as OTLP/HTTP has it */
  /* Told once of each request of which a byte came, and of each connection that was refused, on any thread: it only
   * counts. What the fate points to stays until it returns. NULL: nobody is told. */
  void (*observe)(void *service, const bt_http_fate *fate);
  const char *audit_log;           /* file; NULL: none */
  bool audit_strict;               /* a call that it wants begins with its line on the disk, or not */
  const bt_access_options *access; /* NULL: no tokens, no further names; copied */
  bt_workplace *work;              /* borrowed; NULL: the server has one of its own */
  struct bt_own_spans *own_spans;  /* one of each call; NULL: nobody keeps them */
  uint32_t loops;                  /* threads; 0: 2; 16 at most */
  int64_t call_timeout_ns;         /* of a call, from its arrival; 0: 5 min */
  size_t max_body_bytes;           /* 0: 10 MiB */
  size_t bodies_bytes;             /* of all bodies that are read or looked at; 0: 64 MiB */
  uint32_t max_connections;        /* 0: 1,000, and never more than the file limit allows */
  uint32_t client_rate;            /* requests a second of one token, or of one address without tokens; 0: any */
  uint32_t address_rate;           /* of one address, counted before the token is looked at; 0: any */
  uint32_t request_timeout_ms;     /* for a body; 0: 10 s */
  uint32_t idle_timeout_ms;        /* for a head, and without one; 0: as request_timeout_ms */
  uint32_t write_timeout_ms; /* a reader that has taken less than 4 KiB of an answer or page in so long is cut off; 0:
                                30 s */
  uint32_t heartbeat_ms;     /* after so long without a page a stream sends its heartbeat; 0: 10 s */
} bt_http_server_options;

/* new. Listens and serves at once. BT_INVALID: the address is not one; BT_IO: it cannot be bound, and why; also as
 * bt_access_new and bt_audit_new. BT_LIMIT: the system gives no thread. BT_NO_MEMORY. */
bt_status bt_http_server_new(const bt_http_server_options *options, bt_http_server **out,
                             bt_error *error) BT_MUST_CHECK;
uint16_t bt_http_server_port(const bt_http_server *server);
/* Requests of which a byte came, and which are neither answered nor lost. Thread: any. */
uint32_t bt_http_server_under_way(const bt_http_server *server);
/* Opens the audit log again, reads tokens and certificates again and uses them from the next request and connection on.
 * After an error all stays as it was. TLS and tokens can be neither begun nor ended this way (BT_INVALID). Else errors
 * are those of bt_access_new. */
bt_status bt_http_server_reload(bt_http_server *server, const bt_access_options *access, bt_error *error) BT_MUST_CHECK;
/* Something uses the server that no request shows: it is not freed before as many let go. Thread: any. */
void bt_http_server_hold(bt_http_server *server);
void bt_http_server_let_go(bt_http_server *server);
/* Stops accepting, cancels and answers the requests under way, cuts who does not take the answer within a second, ends
 * the threads and frees. */
void bt_http_server_stop(bt_http_server *server);

#endif
