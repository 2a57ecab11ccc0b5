/* What both forms of the Model Context Protocol (lines over stdio, requests over HTTP) say: which message is one, what
 * is answered at once, and the form of answers. Nothing is kept between two messages. Thread: no state; a message
 * belongs to one thread at a time. */
#ifndef BT_SERVER_MCP_DIALOGUE_H
#define BT_SERVER_MCP_DIALOGUE_H

#include <jansson.h>
#include <stdbool.h>

#include "server/mcp/tools.h"

enum {
  BT_MCP_PARSE_ERROR = -32700,
  BT_MCP_INVALID_REQUEST = -32600,
  BT_MCP_NO_METHOD = -32601,
  BT_MCP_INVALID_PARAMS = -32602,
  BT_MCP_INTERNAL = -32603,
  BT_MCP_NO_RESOURCE = -32002,
  BT_MCP_MESSAGE_BYTES = 4 << 20
};

typedef struct bt_mcp_message { /* all borrowed */
  json_t *id, *params;          /* NULL: none; params else an object */
  const char *method;
  bool is_modern; /* it says its revision itself (era.h) */
} bt_mcp_message;

typedef enum bt_mcp_kind {
  BT_MCP_WRONG,   /* it is refused */
  BT_MCP_NOTICE,  /* nothing is answered: a notification, or an answer though nothing was asked */
  BT_MCP_AT_ONCE, /* bt_mcp_answer_at_once needs no wait */
  BT_MCP_CALL     /* bt_mcp_answer_call asks the service */
} bt_mcp_kind;

/* WRONG: *refusal is new, and says why; *out has what could be read. */
bt_mcp_kind bt_mcp_message_read(json_t *whole, bt_mcp_message *out, json_t **refusal);

/* Answers are new; NULL: no memory. */
json_t *bt_mcp_answer_at_once(const bt_mcp_message *message, bool allows_writes, const char *program_version);
json_t *bt_mcp_answer_call(const bt_mcp_run *run, const bt_mcp_message *message, const char *program_version);
json_t *bt_mcp_error(json_t *id, int code, const char *text);         /* id NULL: null */
json_t *bt_mcp_progress(json_t *token, double done, const char *say); /* a notification */
json_t *bt_mcp_progress_token(const bt_mcp_message *message);         /* borrowed; NULL: nobody asks for it */

#endif
