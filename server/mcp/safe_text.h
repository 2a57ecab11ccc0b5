/* Texts of others inside an answer: what an assistant reads must neither steer a terminal nor fill its memory. Escapes
 * are those of server/base/shown_text.h. Thread: no state. */
#ifndef BT_SERVER_MCP_SAFE_TEXT_H
#define BT_SERVER_MCP_SAFE_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { BT_MCP_TEXT_BYTES = 600, BT_MCP_RULE_BYTES = 65536 };

/* new: a copy in which every text, names of members included, has its control characters escaped and at most
 * `max_bytes`. keeps_lines: line ends and tabs stay, as in texts of rules. Without memory a part is missing, or all of
 * it (NULL: all), and bt_json_memory_failed. */
json_t *bt_mcp_safe_copy(json_t *value, size_t max_bytes, bool keeps_lines);

#endif
