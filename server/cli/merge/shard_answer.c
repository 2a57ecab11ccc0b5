/* Reading what a replay of a shard printed. See shard_answer.h. */
#include "server/cli/merge/shard_answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/merge/member.h"

enum { MOST_BYTES = 1 << 30 };

static bt_member_of root_of(const bt_shard_answer *answer, bt_members *members) {
  return (bt_member_of){.members = members, .object = answer->document};
}

static void *room_for(bt_members *members, size_t count, size_t size) {
  void *room = calloc(count + 1, size);
  if (!room && !members->status) members->status = bt_error_no_memory(&members->error);
  return room;
}

/* Which of the words it is; `count`: none. */
static size_t word_of(bt_member_of of, const char *name, const char *const *words, size_t count) {
  const char *text = bt_member_text(of, name);
  size_t at = 0;
  while (at < count && strcmp(words[at], text) != 0) at++;
  if (at == count) bt_member_refuse(of, name, "a word that a replay prints there");
  return at;
}

/* ---- coverage ---- */

static void read_source(bt_member_of of, bt_source_about *out) {
  bt_member_of source = bt_member_object(of, "source");
  const char *version = bt_member_text_or(source, "version"), *note = bt_member_text_or(source, "note");
  out->kind = bt_member_text(source, "kind");
  out->is_checked = bt_member_flag(source, "checked");
  snprintf(out->version, sizeof out->version, "%s", version ? version : "");
  snprintf(out->note, sizeof out->note, "%s", note ? note : "");
}

static void read_assumptions(bt_member_of of, bt_assumptions *out) {
  bt_member_of all = bt_member_object(of, "assumptions");
  *out = (bt_assumptions){.margin_ns = bt_member_duration(all, "margin"),
                          .lateness_ns = bt_member_duration(all, "lateness"),
                          .settle_ns = bt_member_duration(all, "settle"),
                          .clock_skew_ns = bt_member_duration(all, "clock_skew"),
                          .handover_ns = bt_member_duration(all, "handover"),
                          .require_complete = bt_member_flag(all, "require_complete"),
                          .links_sampled = bt_member_flag(all, "links_sampled"),
                          .coarse_clocks_unknown = bt_member_text_or(all, "coarse_clocks") != NULL};
}

static void read_windows(bt_member_of of, bt_coverage *out) {
  size_t empty = bt_member_count(of, "windows_empty"), failed = bt_member_count(of, "windows_failed");
  out->windows_empty = room_for(of.members, empty, sizeof *out->windows_empty);
  out->windows_failed = room_for(of.members, failed, sizeof *out->windows_failed);
  if (of.members->status) return;
  for (size_t i = 0; i < empty; i++)
    out->windows_empty[out->windows_empty_count++] = bt_range_of_member(bt_member_at(of, "windows_empty", i));
  for (size_t i = 0; i < failed; i++) {
    bt_member_of window = bt_member_at(of, "windows_failed", i);
    bt_failed_window *one = &out->windows_failed[out->windows_failed_count++];
    one->range = bt_range_of_member(window);
    snprintf(one->reason, sizeof one->reason, "%s", bt_member_text(window, "reason"));
  }
}

static void read_ids(bt_member_of of, const char *name, size_t most, bt_trace_id *out) {
  size_t count = bt_member_count(of, name);
  for (size_t i = 0; i < count && i < most; i++)
    if (!bt_member_trace_id_at(of, name, i, &out[i])) return;
}

/* As many names as there have to be of so many. */
static size_t count_named(bt_member_of of, const char *list, const char *count, size_t most) {
  size_t all = bt_member_number(of, count), named = all < most ? all : most;
  if (bt_member_count(of, list) != named) bt_member_refuse(of, list, "as many as are counted, up to the limit");
  return all;
}

static void read_contradicted(bt_member_of of, bt_coverage *out) {
  if (!json_object_get(of.object, "contradicted")) return;
  out->contradicted_count = count_named(of, "contradicted", "contradicted_count", BT_CONTRADICTED_NAMED);
  out->batches_lacking = bt_member_number(of, "batches_lacking");
  size_t named = bt_member_count(of, "contradicted");
  for (size_t i = 0; i < named && i < BT_CONTRADICTED_NAMED; i++) {
    bt_member_of one = bt_member_at(of, "contradicted", i);
    out->contradicted[i] =
        (bt_contradicted){bt_member_trace_id(one, "trace_id"), strcmp(bt_member_text(one, "reason"), "copies") == 0};
  }
}

static void read_named(bt_member_of of, bt_coverage *out) {
  out->long_traces = room_for(of.members, BT_LONG_TRACES_NAMED, sizeof *out->long_traces);
  if (of.members->status) return;
  out->long_trace_count = count_named(of, "long_traces", "long_traces_count", BT_LONG_TRACES_NAMED);
  out->differing_trace_count = count_named(of, "differing_traces", "differing_traces_count", BT_DIFFERING_TRACES_NAMED);
  read_ids(of, "long_traces", BT_LONG_TRACES_NAMED, out->long_traces);
  read_ids(of, "differing_traces", BT_DIFFERING_TRACES_NAMED, out->differing_traces);
  read_contradicted(of, out);
}

static void read_compared(bt_member_of of, bt_compared *out) {
  bt_member_of compared = bt_member_object(of, "compared");
  out->here = bt_member_number(compared, "here");
  out->before = bt_member_number(compared, "before");
  (void)bt_member_time_or(compared, "oldest", &out->oldest_ns);
  (void)bt_member_time_or(compared, "newest", &out->newest_ns);
}

static void read_kept(bt_member_of of, bt_kept_traces *out) {
  size_t count = bt_member_count(of, "probabilities");
  for (size_t i = 0; i < count && !of.members->status; i++) {
    bt_member_of one = bt_member_at(of, "probabilities", i);
    bt_kept_trace kept = {.kind = BT_KEEPING_ONE, .probability = bt_member_share(one, "probability")};
    bt_kept_traces_add(out, &kept, bt_member_number(one, "traces"));
  }
  out->between = bt_member_number(of, "between");
  out->least = bt_member_share(of, "smallest");
  out->most = bt_member_share(of, "largest");
  out->unsaid = bt_member_number(of, "unsaid");
  out->apart = bt_member_number(of, "apart");
  out->unclear = bt_member_number(of, "unclear");
  out->by_policy = bt_member_number(of, "by_policy");
  out->by_setting = bt_member_number(of, "by_setting");
  out->contradicts = bt_member_number(of, "contradicts");
}

static void read_policy(bt_member_of of, bt_policy_seen *out) {
  snprintf(out->name, sizeof out->name, "%s", bt_member_text(of, "name"));
  (void)bt_member_time_or(of, "other", &out->other_ns);
  for (size_t i = 0; i < bt_member_count(of, "sightings") && !of.members->status; i++) {
    bt_member_of one = bt_member_at(of, "sightings", i);
    bt_policy_seen_add(out, &(bt_policy_sighting){bt_member_time(one, "start"), bt_member_time(one, "decided")});
  }
  (void)bt_member_time_or(of, "last", &out->last_ns);
  out->traces = bt_member_number(of, "traces");
}

static size_t read_names(const json_t *object, const char *key, char names[BT_ENTRY_SERVICES][BT_ENTRY_SERVICE_BYTES]) {
  const json_t *list = json_object_get(object, key);
  size_t count = 0;
  for (size_t i = 0; i < json_array_size(list) && count < BT_ENTRY_SERVICES; i++)
    snprintf(names[count++], BT_ENTRY_SERVICE_BYTES, "%s",
             json_is_string(json_array_get(list, i)) ? json_string_value(json_array_get(list, i)) : "");
  return count;
}

/* Where nothing is known the parts are left out. */
static void read_sampling(bt_member_of coverage, bt_sampled_traces *out) {
  bt_member_of of = bt_member_object(coverage, "sampling");
  const char *declared = bt_member_text_or(of, "declared");
  bt_sampling_setting setting;
  if (!bt_sampling_setting_parse(declared, &setting)) bt_member_refuse(of, "declared", BT_SAMPLING_EXPECTED);
  out->declared = setting.declared;
  if (of.members->status || !json_object_get(of.object, "probabilities")) return;
  read_kept(of, &out->kept);
  out->has_more_entries = bt_member_flag(of, "more_entry_services");
  out->entry_count = read_names(of.object, "entry_services", out->entry_services);
  out->sure_count = read_names(of.object, "sure_services", out->sure_services);
}

static void read_coverage(bt_member_of root, bt_coverage *out) {
  bt_member_of of = bt_member_object(root, "coverage");
  out->complete = bt_member_flag(of, "complete");
  out->asked = bt_member_range(of, "asked");
  out->effective_end_ns = bt_member_time(of, "effective_end");
  (void)bt_member_time_or(of, "handover_from", &out->handover_from_ns);
  (void)bt_member_time_or(of, "provisional_from", &out->provisional_from_ns);
  (void)bt_member_time_or(of, "late_until", &out->late_until_ns);
  (void)bt_member_time_or(of, "kept_from", &out->kept_from_ns);
  (void)bt_member_time_or(of, "redacted_at", &out->redacted_ns);
  out->has_data_from = bt_member_time_or(of, "data_from", &out->data_from_ns);
  out->unsettled = bt_member_number(of, "unsettled");
  out->outside = bt_member_number(of, "outside");
  out->unended = bt_member_number(of, "unended");
  out->without_time = bt_member_number(of, "without_time");
  read_source(of, &out->source);
  read_assumptions(of, &out->assumptions);
  read_windows(of, out);
  read_named(of, out);
  read_compared(of, &out->compared);
  read_sampling(of, &out->sampling);
  out->assumptions.sampling = out->sampling.declared.text;
}

/* ---- rules ---- */

static bool is_exact(bt_member_of of, const char *name) {
  static const char *const kinds[] = {"at_least", "exact"};
  return word_of(of, name, kinds, 2) == 1;
}

static bt_strategy strategy_of(bt_member_of of) {
  bt_strategy strategy = BT_STRATEGY_AUTO;
  if (!bt_strategy_parse(bt_member_text(of, "strategy"), &strategy))
    bt_member_refuse(of, "strategy", "a word that a replay prints there");
  return strategy;
}

static void read_counters(bt_member_of of, bt_rule_result *out) {
  *out = (bt_rule_result){.traces_candidate = bt_member_number(of, "traces_candidate"),
                          .traces_exercised = bt_member_number(of, "traces_exercised"),
                          .traces_evaluated = bt_member_number(of, "traces_evaluated"),
                          .traces_read = bt_member_number(of, "traces_read"),
                          .evaluated_is_exact = is_exact(of, "traces_evaluated_kind"),
                          .exercised_is_exact = is_exact(of, "traces_exercised_kind"),
                          .violations_found = bt_member_number(of, "violations_found"),
                          .violations_listed = bt_member_number(of, "violations_found"), /* a shard lists all */
                          .inconclusive = bt_member_number(of, "inconclusive"),
                          .violations_provisional = bt_member_number(of, "violations_provisional"),
                          .violations_without_link = bt_member_number(of, "violations_without_link"),
                          .unsettled = bt_member_number(of, "unsettled"),
                          .sample_differences = bt_member_number(of, "sample_differences"),
                          .strategy = strategy_of(of),
                          .decided_unread = bt_member_number(of, "traces_decided_unread"),
                          .unread_sampled = bt_member_number(of, "sample_unread"),
                          .first_violation = bt_member_moment(of, "first_violation"),
                          .last_violation = bt_member_moment(of, "last_violation")};
  (void)bt_member_time_or(of, "effective_end", &out->effective_end_ns);
}

/* What a replay prints of a rule, and what its shard says of it besides. */
static void read_rule(bt_member_of of, bt_member_of more, bt_rule_definition *out) {
  const char *hash = bt_member_text(of, "condition_hash");
  bt_rule_fields_init(&out->fields);
  out->fields.id = strdup(bt_member_text(of, "rule_id"));
  out->fields.name = strdup(bt_member_text(of, "rule_name"));
  out->version = (int64_t)bt_member_number(of, "rule_version");
  if (strlen(hash) != BT_CONDITION_HASH_HEX) bt_member_refuse(of, "condition_hash", "64 hexadecimal digits");
  snprintf(out->condition_hash, sizeof out->condition_hash, "%s", hash);
  if (!bt_severity_parse(bt_str_from(bt_member_text(more, "severity")), &out->fields.severity))
    bt_member_refuse(more, "severity", "a severity");
  out->fields.margin_ns = bt_member_duration(more, "margin");
  bool has_memory = out->fields.id && out->fields.name;
  if (!has_memory && !of.members->status) of.members->status = bt_error_no_memory(&of.members->error);
}

static void read_rules(bt_member_of root, bt_member_of shard, bt_shard_answer *out) {
  size_t count = bt_member_count(root, "rules");
  if (!count) bt_member_refuse(root, "rules", "one rule or more");
  if (bt_member_count(shard, "rules") != count) bt_member_refuse(shard, "rules", "as many as the replay's rules");
  out->rules = room_for(root.members, count, sizeof *out->rules);
  out->result.rules = room_for(root.members, count, sizeof *out->result.rules);
  if (root.members->status) return;
  out->result.rule_count = count;
  for (size_t i = 0; i < count; i++) {
    bt_member_of rule = bt_member_at(root, "rules", i);
    read_rule(rule, bt_member_at(shard, "rules", i), &out->rules[i]);
    read_counters(rule, &out->result.rules[i]);
    read_kept(bt_member_object(bt_member_at(shard, "rules", i), "violations_kept"),
              &out->result.rules[i].violations_kept);
    read_kept(bt_member_object(bt_member_at(shard, "rules", i), "exercised_kept"),
              &out->result.rules[i].exercised_kept);
    read_policy(bt_member_object(bt_member_at(shard, "rules", i), "policy"), &out->result.rules[i].policy);
  }
}

/* ---- edges ---- */

static bt_verdict verdict_of(bt_member_of of) {
  static const bt_verdict all[] = {BT_VIOLATED, BT_INCONCLUSIVE, BT_SATISFIED, BT_NOT_APPLICABLE};
  const char *words[4];
  for (size_t i = 0; i < 4; i++) words[i] = bt_verdict_name(all[i]);
  size_t at = word_of(of, "verdict", words, 4);
  return at < 4 ? all[at] : BT_SATISFIED;
}

static bt_truth exercised_of(bt_member_of of) {
  if (json_is_null(json_object_get(of.object, "exercised"))) return BT_UNKNOWN;
  return bt_member_flag(of, "exercised") ? BT_TRUE : BT_FALSE;
}

static void read_edge(bt_member_of of, size_t rule_count, bt_trace_verdict *out) {
  *out = (bt_trace_verdict){.rule = bt_member_number(of, "rule"),
                            .trace_id = bt_member_trace_id(of, "trace_id"),
                            .verdict = verdict_of(of),
                            .exercised = exercised_of(of),
                            .is_settled = bt_member_flag(of, "settled"),
                            .rests_on_no_link = bt_member_flag(of, "without_link"),
                            .is_long = bt_member_flag(of, "long")};
  if (out->rule >= rule_count) bt_member_refuse(of, "rule", "the number of a rule, from 0");
}

static void read_edges(bt_member_of shard, bt_shard_answer *out) {
  size_t count = bt_member_count(shard, "edges");
  out->edges = room_for(shard.members, count, sizeof *out->edges);
  if (shard.members->status) return;
  for (; out->edge_count < count; out->edge_count++)
    read_edge(bt_member_at(shard, "edges", out->edge_count), out->result.rule_count, &out->edges[out->edge_count]);
}

/* ---- the document ---- */

static bt_replay_outcome outcome_of(bt_member_of root) {
  const char *words[BT_REPLAY_FAILED + 1];
  for (size_t i = 0; i <= BT_REPLAY_FAILED; i++) words[i] = bt_replay_outcome_name((bt_replay_outcome)i);
  size_t at = word_of(root, "status", words, BT_REPLAY_FAILED + 1);
  return at <= BT_REPLAY_FAILED ? (bt_replay_outcome)at : BT_REPLAY_FAILED;
}

static void read_shard(bt_member_of shard, bt_shard_answer *out) {
  uint64_t number = bt_member_number(shard, "number"), count = bt_member_number(shard, "of");
  const char *tenant = bt_member_text_or(shard, "tenant");
  out->whole = bt_member_range(shard, "whole");
  out->program = bt_member_text(shard, "program");
  out->store = bt_member_text(shard, "store");
  out->tenant = tenant ? tenant : "";
  out->result.has_traces = bt_member_flag(shard, "has_traces");
  bool is_shard = number && number <= count && count <= BT_SHARDS_MAX && bt_shard_fits(out->whole, (uint32_t)count);
  if (!is_shard) bt_member_refuse(shard, "number", "a number from 1 to that of all shards, which fit into the range");
  if (is_shard) out->shard = (bt_shard){(uint32_t)number, (uint32_t)count};
}

static void read_result(bt_member_of root, bt_replay_result *out) {
  const char *reason = bt_member_text_or(root, "reason");
  out->outcome = outcome_of(root);
  snprintf(out->reason, sizeof out->reason, "%s", reason ? reason : "");
  out->duration_ns = (int64_t)llround(bt_member_real(root, "duration_seconds") * 1e9);
  out->requests = bt_member_number(root, "queries");
  out->bytes_inspected = bt_member_number(root, "bytes_inspected");
  out->bytes_received = bt_member_number(root, "bytes_received");
  read_coverage(root, &out->coverage);
}

/* What does not agree with itself was cut, put together or edited. */
static void check_sums(bt_member_of root, const bt_shard_answer *answer) {
  bt_time_range own = bt_shard_range(answer->whole, answer->shard), asked = answer->result.coverage.asked;
  uint64_t found = 0;
  for (size_t i = 0; i < answer->result.rule_count; i++) found += answer->result.rules[i].violations_found;
  if (bt_member_count(root, "violations") != found)
    bt_member_refuse(root, "violations", "as many as violations_found of all rules");
  if (own.start_ns != asked.start_ns || own.end_ns != asked.end_ns)
    bt_member_refuse(root, "coverage.asked", "the range that this shard has of the whole");
  (void)bt_member_count(root, "unexercised");
}

static void read_document(bt_shard_answer *out, bt_members *members) {
  bt_member_of root = root_of(out, members);
  if (!json_is_object(json_object_get(out->document, "shard")))
    bt_member_refuse(root, "shard", "what betrace replay --shard N/OF prints; this is something else");
  bt_member_of shard = bt_member_object(root, "shard");
  read_shard(shard, out);
  if (!members->status) read_result(root, &out->result);
  if (!members->status) read_rules(root, shard, out);
  if (!members->status) read_edges(shard, out);
  if (!members->status) check_sums(root, out);
}

bt_status bt_shard_answer_read(const char *file, bt_shard_answer *out, bt_error *error) {
  size_t length = 0;
  json_error_t why;
  bt_members members = {0};
  *out = (bt_shard_answer){.file = file};
  char *text = bt_cli_read_file(file, MOST_BYTES, &length, error);
  if (!text) return BT_INVALID;
  out->document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
  free(text);
  if (!out->document)
    return bt_error_set(error, BT_INVALID, "%s: line %d: expected the JSON of a replay: %s", file, why.line, why.text);
  read_document(out, &members);
  if (members.status == BT_INVALID) return bt_error_set(error, BT_INVALID, "%s: %s", file, members.error.message);
  return members.status ? bt_error_no_memory(error) : BT_OK;
}

void bt_shard_answer_dispose(bt_shard_answer *answer) {
  for (size_t i = 0; answer->rules && i < answer->result.rule_count; i++)
    bt_rule_fields_dispose(&answer->rules[i].fields);
  free(answer->rules);
  free(answer->edges);
  bt_replay_result_dispose(&answer->result);
  json_decref(answer->document);
  *answer = (bt_shard_answer){0};
}

/* ---- whether two belong together ---- */

static bt_status refuse_other(const bt_shard_answer *answer, const bt_shard_answer *first, const char *what,
                              const char *came, const char *expected, bt_error *error) {
  return bt_error_set(error, BT_INVALID,
                      "%s is of another %s: expected %.120s, as in %s, and it has %.120s; merge what one replay was "
                      "divided into",
                      answer->file, what, expected, first->file, came);
}

static bt_status texts_fit(const bt_shard_answer *answer, const bt_shard_answer *first, const char *what,
                           const char *came, const char *expected, bt_error *error) {
  return strcmp(came, expected) == 0 ? BT_OK : refuse_other(answer, first, what, came, expected, error);
}

static bt_status ranges_fit(const bt_shard_answer *answer, const bt_shard_answer *first, bt_error *error) {
  char start[40], end[40], came[96], expected[96];
  bt_time_format(answer->whole.start_ns, start);
  bt_time_format(answer->whole.end_ns, end);
  snprintf(came, sizeof came, "%s to %s in %u shards", start, end, answer->shard.count);
  bt_time_format(first->whole.start_ns, start);
  bt_time_format(first->whole.end_ns, end);
  snprintf(expected, sizeof expected, "%s to %s in %u shards", start, end, first->shard.count);
  return texts_fit(answer, first, "range", came, expected, error);
}

/* Its id and what it says. */
static void write_rule(const bt_shard_answer *answer, size_t rule, char out[200]) {
  const bt_rule_definition *definition = &answer->rules[rule];
  char margin[64];
  bt_duration_format(definition->fields.margin_ns, margin);
  snprintf(out, 200, "%.40s (condition %.12s, margin %.20s, severity %s)", definition->fields.id,
           definition->condition_hash, margin, bt_severity_name(definition->fields.severity));
}

static bt_status rules_fit(const bt_shard_answer *answer, const bt_shard_answer *first, bt_error *error) {
  char came[200], expected[200];
  size_t count = answer->result.rule_count;
  snprintf(came, sizeof came, "%zu rules", count);
  snprintf(expected, sizeof expected, "%zu rules", first->result.rule_count);
  bt_status status = texts_fit(answer, first, "replay", came, expected, error);
  for (size_t i = 0; i < count && !status; i++) {
    bool is_same = strcmp(answer->rules[i].fields.id, first->rules[i].fields.id) == 0 &&
                   strcmp(answer->rules[i].condition_hash, first->rules[i].condition_hash) == 0;
    write_rule(answer, i, came);
    write_rule(first, i, expected);
    status = is_same ? texts_fit(answer, first, "rule", came, expected, error)
                     : refuse_other(answer, first, "rule", came, expected, error);
  }
  return status;
}

enum { FITTING_BYTES = 1024 };

/* Settle and handover follow from the store, too. */
static void write_assumptions(const bt_assumptions *all, char out[FITTING_BYTES]) {
  char margin[64], lateness[64], skew[64];
  bt_duration_format(all->margin_ns, margin);
  bt_duration_format(all->lateness_ns, lateness);
  bt_duration_format(all->clock_skew_ns, skew);
  snprintf(out, FITTING_BYTES, "margin %.20s, lateness %.20s, clock skew %.20s%s%s%s, sampling %.800s", margin,
           lateness, skew, all->require_complete ? ", complete traces" : "",
           all->links_sampled ? ", links sampled" : "", all->coarse_clocks_unknown ? ", coarse clocks unknown" : "",
           all->sampling ? all->sampling : "auto");
}

bt_status bt_shard_answer_fits(const bt_shard_answer *answer, const bt_shard_answer *first, bool other_stores,
                               bt_error *error) {
  char came[FITTING_BYTES], expected[FITTING_BYTES];
  bt_status status = texts_fit(answer, first, "version of betrace", answer->program, first->program, error);
  if (!status) status = ranges_fit(answer, first, error);
  if (!status) status = rules_fit(answer, first, error);
  if (!status)
    status = texts_fit(answer, first, "kind of store", answer->result.coverage.source.kind,
                       first->result.coverage.source.kind, error);
  if (!status && !other_stores) status = texts_fit(answer, first, "store", answer->store, first->store, error);
  if (!status) status = texts_fit(answer, first, "tenant", answer->tenant, first->tenant, error);
  write_assumptions(&answer->result.coverage.assumptions, came);
  write_assumptions(&first->result.coverage.assumptions, expected);
  return status ? status : texts_fit(answer, first, "replay", came, expected, error);
}
