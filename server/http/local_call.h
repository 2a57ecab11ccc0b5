/* A request that does not come over HTTP, through the same door: the same routes, tokens, roles, tenants and handlers, so that another protocol cannot mean
 * something else than HTTP does. Runs on the caller's thread. Thread: any but an event loop's. */
#ifndef BT_SERVER_HTTP_LOCAL_CALL_H
#define BT_SERVER_HTTP_LOCAL_CALL_H

#include "server/http/http_server.h"

typedef struct bt_local_request {
  bt_str method, path, query, body, body_type; /* path and query as they stand in a request: percent-encoded */
  bt_str authorization, tenant, grafana_user;  /* headers; len 0: not sent */
  bt_str if_match;
  bt_work_scope *scope; /* cancelled when nobody waits any more: answers that take long are broken off; or NULL */
} bt_local_request;

/* new: its status and whole answer are set, whatever they are. NULL: no memory. Streams are read to their end; one that was broken off
 * answers 503. Free with bt_call_free. */
bt_call *bt_http_server_run(bt_http_server *server, const bt_local_request *request);

#endif
