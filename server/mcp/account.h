/* What an answer rests on, in words and fields. "None" is said only where everything that was asked about was looked
 * at: an assistant repeats what it reads. Thread: no state. */
#ifndef BT_SERVER_MCP_ACCOUNT_H
#define BT_SERVER_MCP_ACCOUNT_H

#include <jansson.h>

typedef enum bt_mcp_about {
  BT_MCP_ABOUT_RULES,   /* it says nothing about traces */
  BT_MCP_ABOUT_TRACES,  /* it has a coverage */
  BT_MCP_ABOUT_A_TRACE, /* verdicts of one trace */
  BT_MCP_ABOUT_MARKS,   /* it has a coverage, and compares violating traces with others */
  BT_MCP_ABOUT_HABITS,  /* it has a coverage, and proposes rules that traces keep */
  BT_MCP_ABOUT_CHANGES  /* it compares traces with earlier or other ones, without a rule */
} bt_mcp_about;

/* new: {conclusion, means, looked_at, not_looked_at} of what a route answered. filter: the name of an argument that
 * chose some of the traces, of which the answer does not say whether there are any; or NULL. NULL: no memory. */
json_t *bt_mcp_account(bt_mcp_about about, const char *filter, json_t *answer);
/* new: the same of an answer that never came. NULL: no memory. */
json_t *bt_mcp_account_of_failure(const char *why);

#endif
