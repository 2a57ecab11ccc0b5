/* Which route a request means. Thread: no state. */
#ifndef BT_SERVER_HTTP_ROUTER_H
#define BT_SERVER_HTTP_ROUTER_H

#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/http/call.h"
#include "server/http/http_server.h"

/* A path that is written out in the table is that and nothing else: /v1/rules/test is never a rule named test.
 * BT_OK: *out, and params (slices of path, still percent-encoded), both borrowed. BT_NOT_FOUND: no route has that path.
 * BT_REFUSED: the path is known, but not with this method; `allowed` then gets "GET, POST". */
bt_status bt_router_find(const bt_route *routes, size_t count, bt_str method, bt_str path, const bt_route **out,
                         bt_str params[BT_CALL_MAX_PARAMS], size_t *param_count, bt_buffer *allowed);
/* Lets the route answer the call. An answer that may lack something, because there was no memory for a part of it,
 * becomes an error: never a shorter one that looks whole. */
void bt_route_handle(const bt_route *route, void *service, bt_call *call);

#endif
