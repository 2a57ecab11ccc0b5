/* A request that does not come over HTTP, through the same door: the same routes, tokens, roles, tenants and handlers,
 * so that another protocol cannot mean something else than HTTP does. Runs on the caller's thread, and on the pool's
 * where it has to wait for something. Thread: a worker's. */
#ifndef BT_SERVER_HTTP_LOCAL_CALL_H
#define BT_SERVER_HTTP_LOCAL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "server/http/call.h"
#include "server/http/http_server.h"
#include "server/work/pool.h"
#include "server/work/scope.h"

typedef struct bt_local_request {
  bt_str method, path, query, body, body_type; /* path and query as they stand in a request: percent-encoded */
  bt_str authorization, tenant, grafana_user;  /* headers; len 0: not sent */
  bt_str if_match;
  bt_str from;          /* who asks, for the audit log; stays until it is done */
  bool is_counted;      /* the client made it: it counts for --client-rate. Else it is a part of one that did */
  bt_work_scope *scope; /* cancelled when nobody waits any more: answers that take long are broken off; or NULL */
  bt_lane lane;         /* where it runs, and goes on */
  uint64_t turn;        /* of whom, there (bt_turns_key) */
} bt_local_request;

/* Takes the call, whose status and whole answer are set, whatever they are; free it with bt_call_free. NULL: no memory.
 * Called once, on the caller's thread or later on one of the pool. */
typedef void (*bt_local_done)(void *context, bt_call *call);

/* Streams are read to their end; one that was broken off answers 503. The request is not looked at any more when this
 * returns. */
void bt_http_server_run(bt_http_server *server, const bt_local_request *request, bt_local_done done, void *context);

#endif
