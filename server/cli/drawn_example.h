/* An example trace, judged by rules and drawn with what its spans say: `explain --examples`, `diff --meaning`. Thread:
 * the main thread. */
#ifndef BT_SERVER_CLI_DRAWN_EXAMPLE_H
#define BT_SERVER_CLI_DRAWN_EXAMPLE_H

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/rules/rule_definition.h"

/* Appends the rules' verdicts and the tree. BT_NO_MEMORY, BT_LIMIT. */
bt_status bt_drawn_example(const bt_trace *trace, const bt_rule_definition *const *rules, size_t rule_count,
                           bt_buffer *out, bt_error *error) BT_MUST_CHECK;

#endif
