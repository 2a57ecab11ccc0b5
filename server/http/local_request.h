/* A request from inside the process whose answer is waited for, as JSON. Thread: any that may wait; two do not disturb
 * each other. */
#ifndef BT_SERVER_HTTP_LOCAL_REQUEST_H
#define BT_SERVER_HTTP_LOCAL_REQUEST_H

/* What is asked and answered comes with it, so that server.h, which may not know jansson, can offer it too. */
#include <jansson.h> // IWYU pragma: export

#include "dsl/base/error.h"
#include "server/http/http_server.h"
#include "server/http/local_call.h" // IWYU pragma: export

/* A 2xx is BT_OK, and *out new, or NULL where the answer is empty; else error says what the problem document says, and
 * the status is by its HTTP status: BT_INVALID (400, 413, 422), BT_REFUSED (401, 403, 421), BT_NOT_FOUND (404),
 * BT_CONFLICT (409, 412), else BT_UNAVAILABLE. BT_NO_MEMORY. The lane of the request is not the caller's own: all of
 * its places may wait here. */
bt_status bt_http_server_ask(bt_http_server *server, const bt_local_request *request, json_t **out,
                             bt_error *error) BT_MUST_CHECK;

#endif
