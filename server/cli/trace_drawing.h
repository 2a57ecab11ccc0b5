/* A trace with the verdicts of rules on it, drawn as text: `betrace trace`. Thread: the main thread. */
#ifndef BT_SERVER_CLI_TRACE_DRAWING_H
#define BT_SERVER_CLI_TRACE_DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/query/trace_tree.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"

typedef struct bt_drawn_verdict {
  const bt_rule_definition *rule;
  const bt_rule_verdict *verdict; /* borrowed from the judge */
  bt_violation *violation;        /* owned; NULL: not violated */
} bt_drawn_verdict;

typedef struct bt_drawing {
  const bt_trace *trace; /* borrowed */
  bt_tree tree;
  bt_drawn_verdict *verdicts;
  size_t verdict_count;
  bool is_unsettled;         /* its last spans may still be on their way */
  uint32_t member;           /* of the family; 0: the rules' own trace */
  struct bt_drawing *linked; /* the others of the family, with the verdicts of the own one */
  uint32_t linked_count;
} bt_drawing;

/* Everything given is borrowed. verdicts: one for each rule, of a rule_count that may be 0; family: NULL where there is
 * none. BT_NO_MEMORY alone. Dispose in each case. */
bt_status bt_drawing_new(const bt_trace *trace, const bt_family *family, const bt_rule_definition *const *rules,
                         const bt_rule_verdict *verdicts, size_t rule_count, bt_drawing *out,
                         bt_error *error) BT_MUST_CHECK;
void bt_drawing_dispose(bt_drawing *drawing);

/* The span shows the violation of the rule with that number (from 0). */
bool bt_drawing_is_witness(const bt_drawing *drawing, size_t rule, uint32_t span);
/* Appends the text, as wide as the terminal. Without `shows_all`, runs of like spans are folded. */
void bt_drawing_print(const bt_drawing *drawing, bool shows_all, bt_buffer *out);
/* The same of a trace that was made up for an example: without its id and time, and with all that its spans say. */
void bt_drawing_print_made_up(const bt_drawing *drawing, bt_buffer *out);

#endif
