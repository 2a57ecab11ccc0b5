/* Violations, coverage and replays as JSON. See replay_json.h. */
#include "server/json/replay_json.h"

#include <math.h>
#include <stdio.h>

#include "server/base/span_time.h"
#include "server/base/time_text.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "server/replay/sampled_text.h"
#include "server/replay/trace_link.h"
#include "server/replay/violation.h"

enum { FAILED_BYTES = 1024 }; /* of the piece of the rule that failed, and of its sentence */

static json_t *c_text_json(const char *text) {
  return text ? bt_text_json(bt_str_from(text)) : json_null();
}

static json_t *time_json(int64_t ns) {
  char text[40];
  bt_time_format(ns, text);
  return json_string(text);
}

static json_t *trace_id_json(const bt_trace_id *id) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(id, hex);
  return json_string(hex);
}

static json_t *span_id_json(const bt_span_id *id) {
  if (bt_span_id_is_zero(id)) return json_null();
  char hex[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(id, hex);
  return json_string(hex);
}

static json_t *range_json(bt_range range) {
  return json_pack("{s:I, s:I}", "start", (json_int_t)range.start, "end", (json_int_t)range.end);
}

static json_t *number_json(uint64_t number) {
  return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

/* Milliseconds are enough for people, and keep the last digits of a double out of sight. */
static json_t *seconds_json(int64_t ns) {
  return json_real(round((double)ns / 1e6) / 1e3);
}

/* ---- violations ---- */

static json_t *witness_json(const bt_violation_witness *witness) {
  json_t *attributes = json_object();
  for (size_t i = 0; i < witness->attribute_count; i++)
    bt_json_set(attributes, witness->attributes[i].key, c_text_json(witness->attributes[i].value));
  bt_lasting lasting = bt_lasting_between(witness->start_ns, witness->end_ns);
  json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "span_id", span_id_json(&witness->span_id),
                             "binding", c_text_json(witness->binding), "name", c_text_json(witness->name), "service",
                             c_text_json(witness->service), "start", bt_time_json(witness->start_ns), "duration",
                             bt_lasting_json(&lasting), "range", range_json(witness->range), "attributes", attributes);
  if (object && witness->trace) bt_json_set(object, "trace_id", trace_id_json(&witness->trace_id));
  return object;
}

static json_t *witnesses_json(const bt_violation_choice *choice) {
  json_t *array = json_array();
  for (size_t i = 0; i < choice->witness_count; i++) bt_json_append(array, witness_json(&choice->witnesses[i]));
  return array;
}

static json_t *sentence_json(const bt_rule *rule, const bt_violation_choice *choice) {
  bt_buffer said = {0};
  bt_violation_say_failure(rule, choice, &said);
  json_t *string = said.failed ? NULL : bt_text_json(bt_text_cut(bt_buffer_str(&said), FAILED_BYTES));
  if (said.failed) bt_json_memory_lacks();
  bt_buffer_dispose(&said);
  return string;
}

/* What failed, in words and as a piece of the rule: a page that shows it need not fetch that version of the rule. */
static json_t *failed_json(const bt_rule *rule, const bt_violation_choice *choice) {
  bt_range failed = choice->failed;
  bool is_in_text = failed.start < failed.end && failed.end <= rule->text.len;
  bt_str text = is_in_text ? (bt_str){rule->text.ptr + failed.start, failed.end - failed.start} : (bt_str){0};
  json_t *object = range_json(failed);
  bt_json_set(object, "clause", json_string(bt_violation_clause(rule, failed)));
  bt_json_set(object, "text", bt_text_json(bt_text_cut(text, FAILED_BYTES)));
  bt_json_set(object, "message", sentence_json(rule, choice));
  return object;
}

static void set_choices(json_t *object, const bt_rule *rule, const bt_violation *violation) {
  json_t *more = json_array();
  for (size_t i = 1; i < violation->choice_count; i++)
    bt_json_append(more, json_pack("{s:o, s:o}", "witnesses", witnesses_json(&violation->choices[i]), "failed",
                                   failed_json(rule, &violation->choices[i])));
  bool has_choice = violation->choice_count > 0;
  bt_json_set(object, "witnesses", has_choice ? witnesses_json(&violation->choices[0]) : json_array());
  bt_json_set(object, "failed", has_choice ? failed_json(rule, &violation->choices[0]) : json_null());
  bt_json_set(object, "more_choices", more);
  bt_json_set(object, "choices_total", number_json(violation->choice_total));
}

static void set_trace_url(json_t *object, const bt_violation *violation) {
  bt_buffer url = {0};
  bt_trace_link_append("", violation, "", &url);
  if (url.len || url.failed) bt_json_set(object, "trace_url", url.failed ? NULL : bt_text_json(bt_buffer_str(&url)));
  bt_buffer_dispose(&url);
}

json_t *bt_violation_json(const bt_rule_definition *definition, const bt_violation *violation) {
  json_t *object = json_object();
  if (!object) return NULL;
  json_t *services = json_array();
  for (size_t i = 0; i < violation->service_count; i++) bt_json_append(services, c_text_json(violation->services[i]));
  bt_json_set(object, "id", trace_id_json(&violation->id));
  bt_json_set(object, "rule_id", json_string(definition->fields.id));
  bt_json_set(object, "rule_name", json_string(definition->fields.name));
  bt_json_set(object, "rule_version", json_integer(definition->version));
  bt_json_set(object, "condition_hash", json_string(definition->condition_hash));
  bt_json_set(object, "severity", json_string(bt_severity_name(definition->fields.severity)));
  bt_json_set(object, "trace_id", trace_id_json(&violation->trace_id));
  bt_json_set(object, "span_id", span_id_json(&violation->span_id));
  bt_json_set(object, "time", time_json(violation->time_ns));
  bt_json_set(object, "root_service", c_text_json(violation->root_service));
  bt_json_set(object, "root_name", c_text_json(violation->root_name));
  bt_json_set(object, "services", services);
  bt_json_set(object, "message", c_text_json(violation->message));
  bt_json_set(object, "confirmed", json_string(violation->confirmed_by_id ? "by_id" : "batch"));
  bt_json_set(object, "missing_parents", json_boolean(violation->missing_parents));
  bt_json_set(object, "provisional", json_boolean(violation->provisional));
  if (violation->rests_on_no_link) bt_json_set(object, "rests_on", json_string(BT_RESTS_ON_NO_LINK));
  set_trace_url(object, violation);
  set_choices(object, definition->rule, violation);
  return object;
}

/* ---- coverage ---- */

static json_t *time_range_json(bt_time_range range) {
  return json_pack("{s:o, s:o}", "start", time_json(range.start_ns), "end", time_json(range.end_ns));
}

static json_t *assumptions_json(const bt_assumptions *assumptions) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:s*}", "margin", bt_duration_json(assumptions->margin_ns),
                   "lateness", bt_duration_json(assumptions->lateness_ns), "settle",
                   bt_duration_json(assumptions->settle_ns), "clock_skew", bt_duration_json(assumptions->clock_skew_ns),
                   "handover", bt_duration_json(assumptions->handover_ns), "require_complete",
                   assumptions->require_complete, "links_sampled", assumptions->links_sampled, "coarse_clocks",
                   assumptions->coarse_clocks_unknown ? "unknown" : NULL);
}

json_t *bt_source_json(const bt_source_about *about) {
  if (!about->kind) return json_null();
  json_t *object =
      json_pack("{s:s, s:o, s:b}", "kind", about->kind, "version",
                about->version[0] ? json_string(about->version) : json_null(), "checked", about->is_checked);
  if (about->note[0]) bt_json_set(object, "note", bt_text_json(bt_str_from(about->note)));
  if (about->store) bt_json_set(object, "store", json_string(about->store));
  return object;
}

/* Left out where there are none. */
static void set_contradicted(json_t *object, const bt_coverage *coverage) {
  json_t *named = json_array();
  for (size_t i = 0; i < coverage->contradicted_count && i < BT_CONTRADICTED_NAMED; i++)
    bt_json_append(named, json_pack("{s:o, s:s}", "trace_id", trace_id_json(&coverage->contradicted[i].trace_id),
                                    "reason", coverage->contradicted[i].copies_explain ? "copies" : "differs"));
  bt_json_set(object, "contradicted", named);
  bt_json_set(object, "contradicted_count", number_json(coverage->contradicted_count));
  bt_json_set(object, "batches_lacking", number_json(coverage->batches_lacking));
}

/* ---- what traces stand for that were sampled ---- */

static json_t *said_json(const bt_buffer *said) {
  if (said->failed) bt_json_memory_lacks();
  return said->failed ? NULL : bt_text_json(bt_buffer_str(said));
}

static void set_kept(json_t *object, const bt_kept_traces *kept) {
  json_t *probabilities = json_array();
  for (size_t i = 0; i < kept->by_count; i++)
    bt_json_append(probabilities, json_pack("{s:f, s:o}", "probability", kept->by[i].probability, "traces",
                                            number_json(kept->by[i].traces)));
  bt_json_set(object, "probabilities", probabilities);
  bt_json_set(object, "smallest", json_real(kept->least));
  bt_json_set(object, "largest", json_real(kept->most));
  bt_json_set(object, "between", number_json(kept->between));
  bt_json_set(object, "unsaid", number_json(kept->unsaid));
  bt_json_set(object, "apart", number_json(kept->apart));
  bt_json_set(object, "unclear", number_json(kept->unclear));
  bt_json_set(object, "by_policy", number_json(kept->by_policy));
  bt_json_set(object, "by_setting", number_json(kept->by_setting));
  bt_json_set(object, "contradicts", number_json(kept->contradicts));
}

json_t *bt_kept_traces_json(const bt_kept_traces *kept) {
  json_t *object = json_object();
  if (object) set_kept(object, kept);
  return object;
}

static void set_entries(json_t *object, const bt_sampled_traces *range) {
  json_t *entries = json_array();
  for (size_t i = 0; i < range->entry_count; i++)
    bt_json_append(entries, bt_text_json(bt_str_from(range->entry_services[i])));
  bt_json_set(object, "entry_services", entries);
  bt_json_set(object, "more_entry_services", json_boolean(range->has_more_entries));
  json_t *sure = json_array();
  for (size_t i = 0; i < range->sure_count; i++)
    bt_json_append(sure, bt_text_json(bt_str_from(range->sure_services[i])));
  bt_json_set(object, "sure_services", sure);
}

json_t *bt_sampling_json(const bt_sampled_traces *range) {
  bt_buffer said = {0};
  bt_kept_known known = bt_sampled_traces_known(range);
  bt_sampled_say_range(range, &said);
  json_t *object = json_pack("{s:s, s:o, s:o}", "known", bt_kept_known_name(known), "declared",
                             c_text_json(range->declared.text), "text", said_json(&said));
  if (object && bt_sampled_traces_lack(range)) {
    set_kept(object, &range->kept);
    set_entries(object, range);
  }
  bt_buffer_dispose(&said);
  return object;
}

json_t *bt_estimate_json(const bt_sampled_traces *range, const bt_kept_traces *of, uint64_t seen) {
  bt_estimate estimate;
  if (!bt_sampled_traces_estimate(range, of, seen, &estimate)) return json_null();
  return json_pack("{s:o, s:o, s:o, s:f}", "seen", number_json(seen), "low", number_json(estimate.low), "high",
                   estimate.high == UINT64_MAX ? json_null() : number_json(estimate.high), "confidence", 0.95);
}

static void set_estimate(json_t *object, const char *name, const bt_sampled_traces *range, const bt_kept_traces *of,
                         uint64_t seen) {
  json_t *estimate = bt_estimate_json(range, of, seen);
  if (!json_is_null(estimate)) bt_json_set(object, name, estimate);
}

static json_t *optional_time_json(int64_t ns) {
  return ns ? time_json(ns) : json_null();
}

/* null: no trace shows it. */
static json_t *policy_json(const bt_policy_seen *seen, const bt_declared_sampling *declared) {
  if (!seen->traces) return json_null();
  return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", seen->name, "traces", number_json(seen->traces), "first",
                   time_json(seen->sightings[0].start_ns), "last", time_json(seen->last_ns), "since",
                   optional_time_json(bt_policy_since(seen, declared)));
}

json_t *bt_estimated_json(const bt_sampled_traces *range, const bt_rule_result *rule) {
  bt_buffer said = {0};
  bt_sampled_say_rule(range, rule, &said);
  json_t *object = said.len || said.failed ? json_pack("{s:o}", "text", said_json(&said)) : json_null();
  if (said.len) set_estimate(object, "violations", range, &rule->violations_kept, rule->violations_found);
  if (said.len) set_estimate(object, "exercised", range, &rule->exercised_kept, rule->traces_exercised);
  if (said.len) bt_json_set(object, "policy", policy_json(&rule->policy, &range->declared));
  bt_buffer_dispose(&said);
  return object;
}

json_t *bt_policy_seen_json(const bt_policy_seen *seen) {
  json_t *sightings = json_array();
  for (size_t i = 0; i < seen->count; i++)
    bt_json_append(sightings, json_pack("{s:o, s:o}", "start", time_json(seen->sightings[i].start_ns), "decided",
                                        time_json(seen->sightings[i].decided_ns)));
  return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", seen->name, "traces", number_json(seen->traces), "last",
                   optional_time_json(seen->last_ns), "other", optional_time_json(seen->other_ns), "sightings",
                   sightings);
}

json_t *bt_coverage_json(const bt_coverage *coverage) {
  enum { LONG_TRACES_NAMED = 100 };
  json_t *empty = json_array(), *failed = json_array(), *long_traces = json_array(), *differing = json_array();
  for (size_t i = 0; i < coverage->windows_empty_count; i++)
    bt_json_append(empty, time_range_json(coverage->windows_empty[i]));
  for (size_t i = 0; i < coverage->windows_failed_count; i++) {
    json_t *window = time_range_json(coverage->windows_failed[i].range);
    bt_json_set(window, "reason", c_text_json(coverage->windows_failed[i].reason));
    bt_json_append(failed, window);
  }
  for (size_t i = 0; i < coverage->long_trace_count && i < LONG_TRACES_NAMED; i++)
    bt_json_append(long_traces, trace_id_json(&coverage->long_traces[i]));
  for (size_t i = 0; i < coverage->differing_trace_count && i < BT_DIFFERING_TRACES_NAMED; i++)
    bt_json_append(differing, trace_id_json(&coverage->differing_traces[i]));
  json_t *object =
      json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "complete",
                coverage->complete, "source", bt_source_json(&coverage->source), "asked",
                time_range_json(coverage->asked), "effective_end", time_json(coverage->effective_end_ns),
                "handover_from", coverage->handover_from_ns ? time_json(coverage->handover_from_ns) : json_null(),
                "data_from", coverage->has_data_from ? time_json(coverage->data_from_ns) : json_null(), "windows_empty",
                empty, "windows_failed", failed, "unsettled", number_json(coverage->unsettled), "outside",
                number_json(coverage->outside), "long_traces", long_traces, "long_traces_count",
                number_json(coverage->long_trace_count), "differing_traces", differing, "differing_traces_count",
                number_json(coverage->differing_trace_count), "unended", number_json(coverage->unended), "without_time",
                number_json(coverage->without_time), "assumptions", assumptions_json(&coverage->assumptions));
  bt_json_set(object, "sampling", bt_sampling_json(&coverage->sampling));
  if (coverage->provisional_from_ns) bt_json_set(object, "provisional_from", time_json(coverage->provisional_from_ns));
  if (coverage->contradicted_count || coverage->batches_lacking) set_contradicted(object, coverage);
  if (coverage->late_until_ns) bt_json_set(object, "late_until", time_json(coverage->late_until_ns));
  if (coverage->kept_from_ns) bt_json_set(object, "kept_from", time_json(coverage->kept_from_ns));
  if (coverage->redacted_ns) bt_json_set(object, "redacted_at", time_json(coverage->redacted_ns));
  return object;
}

static json_t *compared_json(const bt_compared *compared) {
  return json_pack("{s:o, s:o, s:o, s:o}", "here", number_json(compared->here), "before", number_json(compared->before),
                   "oldest", optional_time_json(compared->oldest_ns), "newest",
                   optional_time_json(compared->newest_ns));
}

json_t *bt_replay_coverage_json(const bt_coverage *coverage) {
  json_t *object = bt_coverage_json(coverage);
  bt_json_set(object, "compared", compared_json(&coverage->compared));
  return object;
}

/* ---- replays ---- */

static json_t *moment_json(const bt_moment *moment) {
  if (!moment->is_set) return json_null();
  return json_pack("{s:o, s:o}", "trace_id", trace_id_json(&moment->trace_id), "time", time_json(moment->time_ns));
}

static void set_counters(json_t *object, const bt_rule_result *counters) {
  bt_json_set(object, "traces_evaluated", number_json(counters->traces_evaluated));
  bt_json_set(object, "traces_evaluated_kind", json_string(counters->evaluated_is_exact ? "exact" : "at_least"));
  bt_json_set(object, "traces_candidate", number_json(counters->traces_candidate));
  bt_json_set(object, "traces_read", number_json(counters->traces_read));
  bt_json_set(object, "traces_exercised", number_json(counters->traces_exercised));
  bt_json_set(object, "traces_exercised_kind", json_string(counters->exercised_is_exact ? "exact" : "at_least"));
  bt_json_set(object, "strategy", json_string(bt_strategy_name(counters->strategy)));
  bt_json_set(object, "traces_decided_unread", number_json(counters->decided_unread));
  bt_json_set(object, "sample_unread", number_json(counters->unread_sampled));
  bt_json_set(object, "sample_differences", number_json(counters->sample_differences + counters->unread_differences));
  bt_json_set(object, "violations_found", number_json(counters->violations_found));
  bt_json_set(object, "violations_listed", number_json(counters->violations_listed));
  int64_t until_ns = counters->listed_until_ns;
  bt_json_set(object, "listed_until", until_ns ? time_json(until_ns) : json_null());
  bt_json_set(object, "violations_provisional", number_json(counters->violations_provisional));
  bt_json_set(object, "violations_without_link", number_json(counters->violations_without_link));
  bt_json_set(object, "inconclusive", number_json(counters->inconclusive));
  bt_json_set(object, "first_violation", moment_json(&counters->first_violation));
  bt_json_set(object, "last_violation", moment_json(&counters->last_violation));
}

/* Up to where its own settle leaves the range settled, and how many traces come after that. */
static void set_settled(json_t *object, const bt_rule_result *counters) {
  int64_t end_ns = counters->effective_end_ns;
  bt_json_set(object, "effective_end", end_ns ? time_json(end_ns) : json_null());
  bt_json_set(object, "unsettled", number_json(counters->unsettled));
}

static void keep_larger(uint64_t *into, uint64_t from) {
  if (from > *into) *into = from;
}

static void join_counters(bt_rule_result *into, const bt_rule_result *from) {
  keep_larger(&into->traces_evaluated, from->traces_evaluated);
  keep_larger(&into->traces_candidate, from->traces_candidate);
  keep_larger(&into->traces_read, from->traces_read);
  keep_larger(&into->traces_exercised, from->traces_exercised);
  keep_larger(&into->decided_unread, from->decided_unread);
  keep_larger(&into->unread_sampled, from->unread_sampled);
  into->sample_differences += from->sample_differences;
  into->unread_differences += from->unread_differences;
  if (into->strategy != from->strategy) into->strategy = BT_STRATEGY_AUTO; /* not the same for all */
  into->evaluated_is_exact = into->evaluated_is_exact && from->evaluated_is_exact;
  into->exercised_is_exact = into->exercised_is_exact && from->exercised_is_exact;
  into->violations_found += from->violations_found;
  into->violations_listed += from->violations_listed;
  bool is_sooner = !into->listed_until_ns || from->listed_until_ns < into->listed_until_ns;
  if (from->listed_until_ns && is_sooner) into->listed_until_ns = from->listed_until_ns;
  into->violations_provisional += from->violations_provisional;
  into->violations_without_link += from->violations_without_link;
  into->inconclusive += from->inconclusive;
  bool earlier = from->first_violation.is_set &&
                 (!into->first_violation.is_set || from->first_violation.time_ns < into->first_violation.time_ns);
  bool later = from->last_violation.is_set &&
               (!into->last_violation.is_set || from->last_violation.time_ns > into->last_violation.time_ns);
  if (earlier) into->first_violation = from->first_violation;
  if (later) into->last_violation = from->last_violation;
}

static json_t *rules_json(const bt_replay_result *result, const bt_rule_definition *const *rules) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->rule_count; i++) {
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:s}", "rule_id", rules[i]->fields.id, "rule_name", rules[i]->fields.name,
                  "rule_version", (json_int_t)rules[i]->version, "condition_hash", rules[i]->condition_hash);
    set_counters(object, &result->rules[i]);
    set_settled(object, &result->rules[i]);
    bt_json_set(object, "estimated", bt_estimated_json(&result->coverage.sampling, &result->rules[i]));
    bt_json_append(array, object);
  }
  return array;
}

static json_t *notes_json(const bt_replay_note *notes, size_t count, const bt_rule_definition *const *rules) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) {
    const bt_replay_note *note = &notes[i];
    bt_json_append(array, json_pack("{s:s, s:o, s:{s:I, s:I}}", "rule_id", rules[note->rule]->fields.id, "message",
                                    bt_text_json(bt_str_from(note->text)), "range", "start",
                                    (json_int_t)note->place.start, "end", (json_int_t)note->place.end));
  }
  return array;
}

static json_t *idle_json(const bt_idle_note *idle, const bt_rule_definition *rule) {
  return json_pack("{s:s, s:b, s:o}", "rule_id", rule->fields.id, "known", idle->is_known, "message",
                   bt_text_json(bt_str_from(idle->text)));
}

static json_t *unexercised_json(const bt_idle_note *idle, size_t count, const bt_rule_definition *const *rules) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++) bt_json_append(array, idle_json(&idle[i], rules[idle[i].rule]));
  return array;
}

void bt_rule_words_set_json(json_t *object, const bt_rule_words *words, const bt_rule_definition *const *rules) {
  bt_json_set(object, "unexercised", unexercised_json(words->idle, words->idle_count, rules));
  bt_json_set(object, "notes", notes_json(words->notes, words->note_count, rules));
}

json_t *bt_replay_result_json(const bt_replay_result *result, const bt_rule_definition *const *rules,
                              const char *status) {
  json_t *object = json_object();
  if (!object) return NULL;
  bt_rule_result all = {0};
  if (result->rule_count) all = result->rules[0];
  for (size_t i = 1; i < result->rule_count; i++) join_counters(&all, &result->rules[i]);
  if (result->rule_count == 1) {
    bt_json_set(object, "rule_id", json_string(rules[0]->fields.id));
    bt_json_set(object, "estimated", bt_estimated_json(&result->coverage.sampling, &result->rules[0]));
  }
  bt_json_set(object, "status", json_string(status));
  if (result->reason[0]) bt_json_set(object, "reason", c_text_json(result->reason));
  set_counters(object, &all);
  bt_json_set(object, "duration_seconds", seconds_json(result->duration_ns));
  bt_json_set(object, "queries", number_json(result->requests));
  bt_json_set(object, "bytes_inspected", number_json(result->bytes_inspected));
  bt_json_set(object, "bytes_received", number_json(result->bytes_received));
  bt_json_set(object, "rules", rules_json(result, rules));
  bt_json_set(object, "notes", notes_json(result->notes, result->note_count, rules));
  bt_json_set(object, "traces_noted", number_json(result->noted_traces));
  bt_json_set(object, "unexercised", unexercised_json(result->idle, result->idle_count, rules));
  return object;
}

json_t *bt_job_json(const bt_job_view *view) {
  json_t *object = bt_replay_result_json(&view->result, view->rules, bt_job_state_name(view->state));
  if (!object) return NULL;
  bool ended = view->state != BT_JOB_QUEUED && view->state != BT_JOB_RUNNING;
  bt_json_set(object, "replay_id", json_string(view->replay_id));
  if (view->store) bt_json_set(object, "store", json_string(view->store));
  bt_json_set(object, "start_time", time_json(view->range.start_ns));
  bt_json_set(object, "end_time", time_json(view->range.end_ns));
  bt_json_set(object, "progress", json_real(round(view->progress * 1000) / 1000));
  bt_json_set(object, "coverage", ended ? bt_replay_coverage_json(&view->result.coverage) : json_null());
  bt_json_set(object, "emit", json_boolean(view->emit));
  bt_json_set(object, "spans_emitted", number_json(view->spans_emitted));
  bt_json_set(object, "spans_already_there", number_json(view->spans_already_there));
  bt_json_set(object, "spans_failed", number_json(view->spans_failed));
  if (view->emission_message[0]) bt_json_set(object, "emission_message", c_text_json(view->emission_message));
  bt_json_set(object, "created_at", optional_time_json(view->created_at_ns));
  bt_json_set(object, "started_at", optional_time_json(view->started_at_ns));
  bt_json_set(object, "finished_at", optional_time_json(view->finished_at_ns));
  return object;
}

json_t *bt_first_json(const bt_rule_definition *definition, const bt_first_result *result) {
  json_t *violation = result->violation ? bt_violation_json(definition, result->violation) : json_null();
  json_t *object =
      json_pack("{s:s, s:s, s:b, s:o, s:b, s:b, s:o, s:o}", "rule_id", definition->fields.id, "status",
                bt_replay_outcome_name(result->outcome), "found", result->violation != NULL, "violation", violation,
                "proven", result->proven, "at_edge_of_data", result->at_edge_of_data, "looked_at",
                time_range_json(result->looked_at), "coverage", bt_coverage_json(&result->coverage));
  if (!object) return NULL;
  json_t *unexercised = json_array();
  if (result->is_idle) bt_json_append(unexercised, idle_json(&result->idle, definition));
  bt_json_set(object, "unexercised", unexercised);
  bt_json_set(object, "policy", policy_json(&result->policy, &result->coverage.sampling.declared));
  if (result->reason[0]) bt_json_set(object, "reason", c_text_json(result->reason));
  bt_json_set(object, "windows", number_json(result->windows));
  bt_json_set(object, "traces_read", number_json(result->traces_read));
  bt_json_set(object, "inconclusive", number_json(result->inconclusive));
  bt_json_set(object, "duration_seconds", seconds_json(result->duration_ns));
  bt_json_set(object, "queries", number_json(result->requests));
  bt_json_set(object, "bytes_inspected", number_json(result->bytes_inspected));
  bt_json_set(object, "bytes_received", number_json(result->bytes_received));
  bt_json_set(object, "notes", notes_json(result->notes, result->note_count, &definition));
  bt_json_set(object, "traces_noted", number_json(result->noted_traces));
  return object;
}

/* ---- diagnostics ---- */

json_t *bt_diagnostics_json(const bt_diagnostics *diagnostics) {
  json_t *array = json_array();
  for (size_t i = 0; i < diagnostics->count; i++) {
    const bt_diagnostic *d = &diagnostics->items[i];
    json_t *object = json_pack("{s:s, s:s, s:o, s:I, s:I, s:o}", "code", d->code, "severity",
                               d->is_error ? "error" : "warning", "message", bt_text_json(d->message), "line",
                               (json_int_t)d->line, "column", (json_int_t)d->column, "range", range_json(d->range));
    if (object && d->has_fix)
      bt_json_set(object, "fix",
                  json_pack("{s:o, s:o}", "range", range_json(d->fix_range), "text", bt_text_json(d->fix_text)));
    bt_json_append(array, object);
  }
  return array;
}
