/* The families (dsl/trace/family.h) of traces that were read before, for who judges given traces and not a range:
 * single traces of the API and the command line, files of traces, samples. Gathered as a replay of these rules gathers
 * them. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_GIVEN_FAMILIES_H
#define BT_SERVER_REPLAY_GIVEN_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/replay/replay.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

/* Whether traces that links tie to this one may decide what its own spans leave open (bt_link_reach_awaits). */
bool bt_verdict_awaits_links(const bt_rule_definition *rule, const bt_rule_verdict *verdict);
/* Whether that is so for one of the rules. */
bool bt_verdicts_await_links(const bt_rule_definition *const *rules, const bt_rule_verdict *verdicts, size_t count);

typedef struct bt_given_trace {
  bt_trace_id id;
  bt_time_range starts; /* of its spans */
} bt_given_trace;
bt_given_trace bt_given_trace_of(const bt_trace *trace);

/* index: among the given ones. Borrowed until it returns; its first trace is that one as it was read with the others.
 * NULL: it is not found any more. */
typedef bt_status (*bt_given_family_sink)(void *context, size_t index, const bt_family *family, bt_error *error);

/* Calls the sink once for each, in the order of their starts. Of the request rules, assumptions, tenant, cancel,
 * priority and memory are used. Not to be called while the source gives a trace to somebody. What could not be looked
 * up makes no error: the family does not claim to know it. BT_UNAVAILABLE: the source was lost before a trace was read
 * again. BT_INVALID, BT_CANCELLED, BT_NO_MEMORY, or what the sink returned. account: NULL, or gains what it cost, and
 * what failed before the sink is called. */
bt_status bt_given_families_gather(bt_source *source, const bt_replay_request *request, const bt_given_trace *traces,
                                   size_t count, bt_given_family_sink sink, void *context, bt_source_account *account,
                                   bt_error *error) BT_MUST_CHECK;

#endif
