/* The tools, resources and prompts: each tool is a row, and most are one call of an HTTP route, so that a tool cannot
 * mean something else than the API. Thread: one call at a time. What functions give is new; NULL, or a part is missing,
 * for want of memory (json_memory.h). */
#ifndef BT_SERVER_MCP_TOOLS_H
#define BT_SERVER_MCP_TOOLS_H

#include <jansson.h>
#include <stdbool.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/cancellation.h"

/* As bt_service_client_call: a 2xx is BT_OK, and *out is new. */
typedef bt_status (*bt_mcp_ask)(void *context, const char *method, const char *path, bt_str body, json_t **out,
                                bt_error *error);

typedef struct bt_mcp_run {
  bt_mcp_ask ask;
  void *context;
  bool allows_writes;
  const char *how_to_write;                                      /* what somebody has to do who may not */
  const bt_cancel *cancel;                                       /* somebody asked for the end of this call */
  void (*progress)(void *context, double done, const char *say); /* NULL: nobody listens */
  void *progress_context;
} bt_mcp_run;

json_t *bt_mcp_tools(bool allows_writes); /* new: the list */
/* BT_OK: *out is a new result of tools/call, which may be one that failed. BT_INVALID: there is no such tool, or its
 * arguments are wrong: error says which. BT_CANCELLED: run->cancel. Else errors are those of run->ask. */
bt_status bt_mcp_tool_call(const bt_mcp_run *run, const char *name, json_t *arguments, json_t **out,
                           bt_error *error) BT_MUST_CHECK;

json_t *bt_mcp_resources(void);
json_t *bt_mcp_resource_templates(void);
/* BT_NOT_FOUND: there is no such resource. Else errors are those of run->ask; then *out is NULL. */
bt_status bt_mcp_resource_read(const bt_mcp_run *run, const char *uri, json_t **out, bt_error *error) BT_MUST_CHECK;
json_t *bt_mcp_prompts(void);
/* BT_INVALID: there is no such prompt, or it lacks its argument. BT_NO_MEMORY. *out is NULL then. */
bt_status bt_mcp_prompt_get(const char *name, json_t *arguments, json_t **out, bt_error *error) BT_MUST_CHECK;

#endif
