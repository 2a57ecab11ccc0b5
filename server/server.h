/* The service as a whole: its parts started in order and stopped in the reverse order. Thread: the main thread. */
#ifndef BT_SERVER_SERVER_H
#define BT_SERVER_SERVER_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/http/local_request.h"
#include "server/settings/config.h"

typedef struct bt_server bt_server;

/* new. Store, source, jobs, then HTTP. The config is borrowed and must outlive it. Its `listen` NULL: no socket is
 * opened, and only bt_server_ask leads in. BT_INVALID: a setting or an address is wrong. BT_IO, BT_REFUSED: a file, the
 * database or the port cannot be used. BT_LIMIT: the system gives no thread. BT_UNAVAILABLE, BT_NO_MEMORY. */
bt_status bt_server_start(const bt_config *config, const char *version, bt_server **out, bt_error *error) BT_MUST_CHECK;
uint16_t bt_server_port(const bt_server *server);
/* A request from inside the process, with the errors of local_request.h; *out is new. */
bt_status bt_server_ask(bt_server *server, const bt_local_request *request, json_t **out,
                        bt_error *error) BT_MUST_CHECK;
/* Uses what may change while it runs: tokens, certificates, host names, origins. After an error all stays as it was.
 * BT_INVALID, BT_IO, BT_LIMIT: a file is wrong, and which. BT_NO_MEMORY. */
bt_status bt_server_reload(bt_server *server, const bt_config *fresh, bt_error *error) BT_MUST_CHECK;
/* Stops accepting, lets requests under way end, cancels replays, closes the store. NULL is fine. */
void bt_server_stop(bt_server *server);

#endif
