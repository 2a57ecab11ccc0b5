/* A session of the Model Context Protocol: lines of JSON-RPC 2.0 in, lines out. One thread reads, so that a
 * notifications/cancelled is heard while a call runs; another runs the calls, one after the other. Errors of a message
 * are answered, and end nothing. Thread: bt_mcp_session_run's caller reads, and waits for the other at the end. */
#ifndef BT_SERVER_CLI_MCP_SESSION_H
#define BT_SERVER_CLI_MCP_SESSION_H

#include <stdbool.h>

#include "dsl/base/error.h"
#include "server/mcp/tools.h"

typedef struct bt_mcp_options {
  bt_mcp_ask ask; /* called by the second thread */
  void *context;
  bool allows_writes;
  const char *version; /* of the program */
  int in, out;         /* file descriptors, borrowed */
} bt_mcp_options;

/* Until the input ends and what was asked is answered; what takes over 10 s longer is given up. BT_CANCELLED: something
 * was. BT_IO: the output cannot be written. BT_LIMIT: the system gives no thread. */
bt_status bt_mcp_session_run(const bt_mcp_options *options, bt_error *error) BT_MUST_CHECK;

#endif
