/* The rule packs of distribution/packs, as they were when the program was built. Thread: constants. */
#ifndef BT_SERVER_MCP_PACKS_H
#define BT_SERVER_MCP_PACKS_H

#include "dsl/base/text.h"

typedef struct bt_mcp_pack {
  const char *name;
  bt_str text; /* a rule file with its tests */
} bt_mcp_pack;

extern const bt_mcp_pack bt_mcp_packs[]; /* name NULL: the end */

#endif
