/* A service inside this process that no socket leads to: rules of files in a database of its own in memory, and calls
 * by the door that gRPC uses. Thread: one call at a time. */
#ifndef BT_SERVER_CLI_MCP_LOCAL_SERVICE_H
#define BT_SERVER_CLI_MCP_LOCAL_SERVICE_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/server.h"
#include "server/settings/config.h"

typedef struct bt_local_service {
  bt_config config;
  bt_server *server;
} bt_local_service;

/* argv: flags of `betrace serve`, which say where the traces are. BT_INVALID: the flags, or what they lead to, are
 * wrong. Else errors are those of bt_server_start. Close in each case. */
bt_status bt_local_service_open(int argc, char **argv, const char *version, bt_local_service *out,
                                bt_error *error) BT_MUST_CHECK;
void bt_local_service_close(bt_local_service *service);

/* One request; see bt_service_client_call, which this is like. is_yaml: the body is a rule file. *out is new; errors
 * are those of bt_server_ask. */
bt_status bt_local_service_call(bt_local_service *service, const char *method, const char *path, bt_str body,
                                bool is_yaml, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
