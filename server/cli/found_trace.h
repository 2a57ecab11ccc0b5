/* One trace, named by its id, for commands that are about one. Thread: the main thread. */
#ifndef BT_SERVER_CLI_FOUND_TRACE_H
#define BT_SERVER_CLI_FOUND_TRACE_H

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/cli/command.h"
#include "server/cli/judge.h"
#include "server/cli/replay_options.h"
#include "tempo/wire/source.h"

/* The first operand of such a command; those behind it are files of rules and traces. BT_EXIT_FINE, or the exit status,
 * and the message is printed. */
int bt_trace_operand(const bt_command *command, bt_replay_options *options, const bt_operands *operands,
                     bt_trace_id *out);

/* Takes the trace that was found and a judge of the rules of the options, NULL where there are none. Both are borrowed.
 */
typedef bt_status (*bt_found_sink)(void *context, const bt_read_trace *read, bt_judge *judge, bt_error *error);
/* Reads the trace from where the options say. BT_NOT_FOUND: it is not there, and the sink was not called. BT_INVALID:
 * the options lead to no traces. Else errors are those of the source, or what the sink returned. */
bt_status bt_trace_find(const bt_replay_options *options, const bt_trace_id *id, bt_found_sink sink, void *context,
                        bt_error *error) BT_MUST_CHECK;
/* The same, judged, and where links decide with the traces that they tie to it. judge: NULL where there are no rules;
 * then there are no verdicts. */
typedef bt_status (*bt_found_judged)(void *context, const bt_trace *trace, const bt_family *family, bt_judge *judge,
                                     const bt_rule_verdict *verdicts, bt_error *error);
bt_status bt_trace_find_judged(const bt_replay_options *options, const bt_trace_id *id, bt_found_judged judged,
                               void *context, bt_error *error) BT_MUST_CHECK;

#endif
