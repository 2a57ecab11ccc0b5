/* Verdicts of rules on single traces with the settings that a replay has: for commands that look at one trace after
 * another. Thread: the main thread. */
#ifndef BT_SERVER_CLI_JUDGE_H
#define BT_SERVER_CLI_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/cli/replay_options.h"
#include "server/replay/given_families.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

typedef struct bt_judge bt_judge;
/* new. The rules are borrowed. `is_static`: nothing arrives late, so no trace is unsettled. BT_NO_MEMORY alone. */
bt_status bt_judge_new(const bt_rule_definition *const *rules, size_t count, const bt_assumptions *assumptions,
                       bool is_static, bt_judge **out, bt_error *error) BT_MUST_CHECK;
void bt_judge_free(bt_judge *judge);
/* Verdicts in the order of the rules, borrowed until the next call. BT_LIMIT: the trace is too large. BT_CANCELLED:
 * Ctrl-C. BT_NO_MEMORY. */
bt_status bt_judge_run(bt_judge *judge, const bt_trace *trace, const bt_rule_verdict **out,
                       bt_error *error) BT_MUST_CHECK;
/* Whether these verdicts may be others once it is known what links tie to the trace. */
bool bt_judge_awaits_links(const bt_judge *judge, const bt_rule_verdict *verdicts);
/* The trace that the verdicts are of, with those that links tie to it, or NULL; all borrowed until it returns. */
typedef bt_status (*bt_judge_sink)(void *context, const bt_trace *trace, const bt_family *family,
                                   const bt_rule_verdict *verdicts, bt_error *error);
/* Reads the traces once more, each with what is linked to it, and judges them in the order of their starts. Not while
 * the source gives a trace to somebody. BT_UNAVAILABLE: the source was lost, or a trace is gone. Else errors as of
 * bt_judge_run, or what the sink returned. */
bt_status bt_judge_families(bt_judge *judge, bt_source *source, const bt_replay_options *options,
                            const bt_given_trace *traces, size_t count, bt_judge_sink judged, void *context,
                            bt_error *error) BT_MUST_CHECK;
/* Its last spans may still be on their way, for the rule with the longest settle. */
bool bt_judge_is_unsettled(const bt_judge *judge, const bt_trace *trace);

/* Reads traces by id, each whole; the sink is given each once (trace NULL: there is none). Errors are those of the
 * source's read. */
bt_status bt_read_by_id(bt_source *source, const bt_replay_options *options, const bt_trace_id *ids, size_t count,
                        bt_read_sink sink, void *context, bt_error *error) BT_MUST_CHECK;

#endif
