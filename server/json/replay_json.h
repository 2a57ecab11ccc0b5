/* JSON of violations, coverage and replays as api.md writes them: one place for the HTTP API and the CLI. Thread: no
 * state. What functions return is new; NULL, or a part is missing, for want of memory (json_memory.h). */
#ifndef BT_SERVER_REPLAY_JSON_H
#define BT_SERVER_REPLAY_JSON_H

#include <jansson.h>

#include "dsl/syntax/diagnostic.h"
#include "server/replay/first_violation.h"
#include "server/replay/job.h"
#include "server/replay/replay.h"
#include "server/replay/unseen_names.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

/* Text of users that is not UTF-8 is repaired with U+FFFD. */
json_t *bt_violation_json(const bt_rule_definition *definition, const bt_violation *violation);
json_t *bt_coverage_json(const bt_coverage *coverage);
json_t *bt_replay_coverage_json(const bt_coverage *coverage); /* with what was compared, which other answers are not
                                                                asked for */
/* {probabilities, smallest, largest, between, unsaid, …}: as coverage.sampling has it. */
json_t *bt_kept_traces_json(const bt_kept_traces *kept);
/* {known, declared, text, …}: as coverage.sampling. */
json_t *bt_sampling_json(const bt_sampled_traces *range);
/* What a rule's counts stand for where traces were sampled: {text, violations?, exercised?}, each {seen, low, high,
 * confidence}; null where nothing is to be said beyond what was seen. */
json_t *bt_policy_seen_json(const bt_policy_seen *seen); /* with all that joining needs, for merge */
json_t *bt_estimated_json(const bt_sampled_traces *range, const bt_rule_result *rule);
/* Of one number, as bt_sampled_traces_estimate takes it: {seen, low, high, confidence}; null where nothing may be said
 * beyond what was seen. */
json_t *bt_estimate_json(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen);
/* {kind, version, checked, note?}; null when it was not asked for. */
json_t *bt_source_json(const bt_source_about *about);
/* How a replay ended or where it stands: the fields of api.md, Replay. Counters are of all rules together at the top
 * level (violations, inconclusive: sums; traces: the same for every rule, so the largest), and for each rule in
 * `rules`. `status` is a word of api.md. */
json_t *bt_replay_result_json(const bt_replay_result *result, const bt_rule_definition *const *rules,
                              const char *status);
json_t *bt_job_json(const bt_job_view *view);
/* When did it start: what openapi.yaml calls FirstViolation. */
json_t *bt_first_json(const bt_rule_definition *definition, const bt_first_result *result);
/* [{code, severity, message, line, column, range{start,end} in bytes, fix?{range,text}}] */
json_t *bt_diagnostics_json(const bt_diagnostics *diagnostics);

/* Sets `unexercised` and `notes`. */
void bt_rule_words_set_json(json_t *object, const bt_rule_words *words, const bt_rule_definition *const *rules);

#endif
