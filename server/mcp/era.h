/* Which revision of the protocol a message is of. Revisions up to 2025-11-25 begin with `initialize` ("legacy", as the
 * specification of 2026-07-28 calls them). From 2026-07-28 on ("modern") there is no handshake: each request says in
 * its _meta which revision it is of, and each result says who made it and for how long it may be kept. Both are served
 * side by side, and nothing is kept between two messages. Thread: no state. */
#ifndef BT_SERVER_MCP_ERA_H
#define BT_SERVER_MCP_ERA_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/text.h"

enum { BT_MCP_HEADER_MISMATCH = -32020, BT_MCP_OTHER_VERSION = -32022 };

/* Of revisions that begin with initialize: the newest that is served, if that one is not. asked: may be NULL. */
const char *bt_mcp_legacy_version(const char *asked);
bool bt_mcp_has_version(bt_str version);   /* of any revision that is served */
bool bt_mcp_takes_batches(bt_str version); /* one revision has arrays of messages: 2025-03-26 */

/* Whether the request says its revision itself, or a header says that it has to. */
bool bt_mcp_is_modern(json_t *params);
bool bt_mcp_is_modern_version(bt_str version);
/* new: why a modern request is refused: its revision is not served, or what it has to say is not there. NULL: it is
 * not. */
json_t *bt_mcp_refuse_meta(json_t *id, json_t *params);

/* The headers that repeat what is in the message, the name decoded; empty: not there. */
typedef struct bt_mcp_headers {
  bt_str version, method, name;
} bt_mcp_headers;
/* new: where they are not what the message says: a proxy may have trusted them. NULL: they are. */
json_t *bt_mcp_refuse_headers(json_t *id, const char *method, json_t *params, const bt_mcp_headers *headers);

/* new: of server/discover, before bt_mcp_complete. NULL: no memory. */
json_t *bt_mcp_discovery(json_t *capabilities, const char *instructions);
/* Adds to the result what each modern one has. False: no memory. */
void bt_mcp_complete(json_t *result, const char *method, const char *program_version);

#endif
