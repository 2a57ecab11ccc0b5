/* Calls to a running service's HTTP API, for commands that manage it. Thread: the main thread. */
#ifndef BT_SERVER_CLI_SERVICE_CLIENT_H
#define BT_SERVER_CLI_SERVICE_CLIENT_H

#include <jansson.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/http_client.h"

typedef struct bt_service_client {
  const char *url;        /* borrowed; without a path */
  const char *token_file; /* or NULL: BETRACE_TOKEN, else none */
  const char *tenant;     /* or NULL */
  const char *ca_file;    /* or NULL */
  bt_http_client *http;
  bt_buffer authorization, tenant_header; /* whole headers; empty: none */
} bt_service_client;

/* The first four are set by the caller. BT_INVALID: the token, or its file, is wrong. BT_UNAVAILABLE, BT_NO_MEMORY.
 * Close in each case. */
bt_status bt_service_client_open(bt_service_client *client, bt_error *error) BT_MUST_CHECK;
void bt_service_client_close(bt_service_client *client);

/* `path` with its query, encoded. `header`: one more, or NULL. BT_OK: the answer was 2xx, and *out its JSON (new; NULL
 * for an empty body). Else the message says what the service said, with its problems: BT_INVALID (400, 422), BT_REFUSED
 * (401, 403), BT_NOT_FOUND, BT_CONFLICT (409, 412), BT_UNAVAILABLE. */
bt_status bt_service_client_call(bt_service_client *client, const char *method, const char *path, bt_str body,
                                 const char *header, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
