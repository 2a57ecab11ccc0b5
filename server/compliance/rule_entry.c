/* The entry of a rule. See rule_entry.h. */
#include "server/compliance/rule_entry.h"

#include <stdio.h>
#include <string.h>

#include "server/compliance/withdrawal.h"
#include "server/json/json_values.h"
#include "server/replay/explanation.h"

enum { VERSIONS_MAX = 100 };

typedef struct history {
  bt_rule_version *items; /* oldest first */
  size_t count;
} history;

static json_t *text_json(const char *value) {
  return bt_text_json(bt_str_from(value ? value : ""));
}

/* ---- who changed it when ---- */

static bool is_in_effect(const history *h, size_t i, const bt_time_range *range) {
  int64_t from_ns = h->items[i].definition->updated_at_ns;
  int64_t to_ns = i + 1 < h->count ? h->items[i + 1].definition->updated_at_ns : INT64_MAX;
  return !h->items[i].deleted && from_ns < range->end_ns && to_ns > range->start_ns;
}

static json_t *controls_json(const bt_framework_map *map, const bt_rule_definition *definition) {
  json_t *array = json_array();
  for (size_t i = 0; i < definition->control_count; i++)
    if (bt_framework_means(map->name, bt_str_from(definition->controls[i].key)))
      bt_json_append(array, text_json(definition->controls[i].value));
  return array;
}

/* The text of a version stands in the report where it held inside the range. */
static json_t *version_json(const bt_rule_entry_parts *parts, const history *h, size_t i) {
  const bt_rule_definition *definition = h->items[i].definition;
  bool is_held = is_in_effect(h, i, &parts->request->measure.range);
  return json_pack("{s:I, s:o, s:o, s:s, s:b, s:b, s:b, s:b, s:o, s:o}", "version", (json_int_t)definition->version,
                   "at", bt_time_json(definition->updated_at_ns), "by", bt_optional_text_json(definition->updated_by),
                   "condition_hash", definition->condition_hash, "enabled", definition->fields.enabled, "shadow",
                   definition->fields.shadow, "deleted", h->items[i].deleted, "in_effect", is_held, "controls",
                   controls_json(parts->map, definition), "dsl",
                   is_held ? text_json(definition->fields.dsl) : json_null());
}

static json_t *versions_json(const bt_rule_entry_parts *parts, const history *h) {
  json_t *array = json_array();
  for (size_t i = h->count > VERSIONS_MAX ? h->count - VERSIONS_MAX : 0; i < h->count; i++)
    bt_json_append(array, version_json(parts, h, i));
  return array;
}

static bool is_change(const history *h, size_t i, int64_t since_ns) {
  const bt_rule_definition *old = h->items[i - 1].definition, *now = h->items[i].definition;
  return strcmp(old->condition_hash, now->condition_hash) != 0 && now->updated_at_ns > since_ns;
}

/* The condition that held when the range began, where it is another one than what is evaluated: with its text, so that
 * making many versions hides nothing. */
static json_t *before_json(const bt_rule_entry_parts *parts, const history *h) {
  for (size_t i = 1; i < h->count; i++) {
    const bt_rule_definition *old = h->items[i - 1].definition;
    if (!is_change(h, i, parts->request->measure.range.start_ns)) continue;
    if (strcmp(old->condition_hash, parts->measured->rule->condition_hash) == 0) return json_null();
    return json_pack("{s:I, s:s, s:o, s:b, s:b}", "version", (json_int_t)old->version, "condition_hash",
                     old->condition_hash, "dsl", text_json(old->fields.dsl), "enabled", old->fields.enabled, "shadow",
                     old->fields.shadow);
  }
  return json_null();
}

/* The report evaluates the condition as it is now over the whole range: where it was another one for a part of it that
 * is said, and also where it was changed after the end, and so was another one for all of it. */
static json_t *changes_json(const bt_rule_entry_parts *parts, const history *h) {
  json_t *array = json_array();
  for (size_t i = 1; i < h->count; i++) {
    const bt_rule_definition *old = h->items[i - 1].definition, *now = h->items[i].definition;
    if (!is_change(h, i, parts->request->measure.range.start_ns)) continue;
    bt_json_append(array, json_pack("{s:o, s:o, s:s, s:s}", "at", bt_time_json(now->updated_at_ns), "by",
                                    bt_optional_text_json(now->updated_by), "from", old->condition_hash, "to",
                                    now->condition_hash));
  }
  return array;
}

bt_status bt_condition_changes_find(const bt_report_request *request, const char *rule_id, bt_condition_changes *out,
                                    bt_error *error) {
  const char *tenant = request->measure.tenant ? request->measure.tenant : "";
  history h = {0};
  *out = (bt_condition_changes){0};
  bt_status status = bt_rule_store_versions(request->store, tenant, rule_id, &h.items, &h.count, error);
  for (size_t i = 1; i < h.count && !status; i++) {
    const bt_rule_definition *now = h.items[i].definition;
    if (!is_change(&h, i, request->measure.range.start_ns)) continue;
    out->count++;
    out->last_at_ns = now->updated_at_ns;
    snprintf(out->last_by, sizeof out->last_by, "%s", now->updated_by ? now->updated_by : "");
  }
  bt_rule_versions_free(h.items, h.count);
  return status;
}

/* Since when this condition has been enabled without a break; 0: it is not. */
static int64_t enabled_since(const history *h, const bt_rule_definition *rule) {
  int64_t since_ns = 0;
  for (size_t i = h->count; i > 0; i--) {
    const bt_rule_definition *version = h->items[i - 1].definition;
    bool is_same = strcmp(version->condition_hash, rule->condition_hash) == 0;
    if (h->items[i - 1].deleted || !version->fields.enabled || !is_same) break;
    since_ns = version->updated_at_ns;
  }
  return since_ns;
}

/* ---- watch ---- */

static json_t *gap_json(int64_t start_ns, int64_t end_ns) {
  return start_ns < end_ns ? bt_range_json((bt_time_range){start_ns, end_ns}) : json_null();
}

static json_t *watch_json(const bt_rule_entry_parts *parts, int64_t since_ns) {
  const bt_report_request *request = parts->request;
  const bt_watch_status *watch = parts->watch;
  const char *tenant = request->measure.tenant ? request->measure.tenant : "";
  int64_t until_ns = 0;
  if (watch && request->metrics)
    until_ns = bt_metrics_rule(request->metrics, tenant, parts->measured->rule->fields.id).watched_until_ns;
  bool is_watched = until_ns && since_ns;
  int64_t known_ns = since_ns > request->started_at_ns ? since_ns : request->started_at_ns;
  int64_t provisional_ns = is_watched ? watch->provisional_from_ns : 0;
  return json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o*}", "running", watch != NULL, "under_watch", is_watched,
                   "enabled_since", bt_time_json(since_ns), "since", bt_time_json(is_watched ? known_ns : 0), "until",
                   bt_time_json(is_watched ? until_ns : 0), "gap",
                   watch ? gap_json(watch->gap_start_ns, watch->gap_end_ns) : json_null(), "lost",
                   watch ? gap_json(watch->lost_start_ns, watch->lost_end_ns) : json_null(), "provisional_from",
                   provisional_ns ? bt_time_json(provisional_ns) : NULL);
}

/* ---- how it is searched ---- */

static json_t *explained_json(const bt_explain_rule *rule) {
  json_t *queries = json_array();
  for (size_t i = 0; i < rule->query_count; i++)
    bt_json_append(queries, json_pack("{s:s, s:o}", "use", bt_explain_use_name(rule->queries[i].use), "traceql",
                                      text_json(rule->queries[i].traceql)));
  return json_pack("{s:o, s:o, s:o}", "queries", queries, "candidates", text_json(rule->candidates), "decided_locally",
                   text_json(rule->decided_locally));
}

static bt_status search_json(const bt_rule_entry_parts *parts, json_t **out, bt_error *error) {
  const bt_measure_request *measure = &parts->request->measure;
  bt_explain_result result = {0};
  if (!parts->measured->rule->rule) return *out = json_null(), BT_OK;
  bt_replay_request request = {.rules = &parts->measured->rule,
                               .rule_count = 1,
                               .range = measure->range,
                               .now_ns = measure->now_ns,
                               .assumptions = measure->assumptions,
                               .count = BT_COUNT_EXACT,
                               .tenant = measure->tenant};
  bt_status status = bt_explain_run(NULL, &request, &result, error);
  if (!status) *out = explained_json(&result.rules[0]);
  bt_explain_result_dispose(&result);
  return status;
}

/* What the rule says itself; null: the service's. The condition hash is made of the text and these. */
static json_t *override_json(int64_t ns) {
  return ns < 0 ? json_null() : bt_duration_json(ns);
}

/* A budget, and whether links are sampled, are there where the rule says so: reports of before had none. */
static json_t *overrides_json(const bt_rule_fields *fields) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o*, s:o*}", "settle", override_json(fields->settle_ns), "margin",
                   override_json(fields->margin_ns), "clock_skew", override_json(fields->clock_skew_ns),
                   "require_complete",
                   fields->require_complete < 0 ? json_null() : json_boolean(fields->require_complete), "budget",
                   fields->budget < 0 ? NULL : json_integer(fields->budget), "links_sampled",
                   fields->links_sampled < 0 ? NULL : json_boolean(fields->links_sampled));
}

/* ---- what was counted ---- */

json_t *bt_measured_json(const bt_measured *m) {
  bool is_exact = m->evaluated_is_exact && m->exercised_is_exact;
  return json_pack("{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "evaluated", bt_count_json(m->evaluated),
                   "evaluated_kind", m->evaluated_is_exact ? "exact" : "at_least", "exercised",
                   bt_count_json(m->exercised), "exercised_kind", m->exercised_is_exact ? "exact" : "at_least",
                   "satisfied", bt_count_json(bt_measured_satisfied(m)), "violated", bt_count_json(m->violated),
                   "inconclusive", bt_count_json(m->inconclusive), "provisional", bt_count_json(m->provisional),
                   "going_on", bt_count_json(m->going_on), "exact", is_exact);
}

static json_t *sample_json(const bt_samples *samples) {
  json_t *array = json_array();
  for (size_t i = 0; i < samples->count; i++) {
    bt_moment moment = {true, samples->items[i].trace_id, samples->items[i].time_ns};
    bt_json_append(array, bt_moment_json(&moment));
  }
  return array;
}

static json_t *samples_json(const bt_measured *m) {
  return json_pack("{s:o, s:o, s:o}", "violated", sample_json(&m->violated_sample), "satisfied",
                   sample_json(&m->satisfied_sample), "inconclusive", sample_json(&m->inconclusive_sample));
}

/* What the finding rests on: up to where its counts are, which share of the range that is, and which share of the
 * traces that exercised the rule. */
static void add_share(const bt_rule_entry_parts *parts, const bt_measured *m, json_t *body) {
  const bt_time_range *range = &parts->request->measure.range;
  uint64_t unsettled = bt_measured_unsettled(m),
           settled = m->is_evaluated ? bt_settled_share(range, m->settled_end_ns) : 0;
  uint64_t exercised = m->exercised + unsettled ? bt_share_millionths(m->exercised, m->exercised + unsettled) : 0;
  bool is_known = m->is_evaluated && m->settled_end_ns >= range->end_ns && !m->going_on;
  bt_json_set(body, "settled_end", bt_time_json(m->settled_end_ns));
  bt_json_set(body, "known_from", is_known || !m->is_evaluated ? json_null() : bt_time_json(m->known_from_ns));
  bt_json_set(body, "share",
              json_pack("{s:o, s:o, s:o}", "range_ppm", bt_count_json(settled), "exercised_ppm",
                        bt_count_json(exercised), "exercised_unsettled", bt_count_json(unsettled)));
}

static json_t *by_service_json(const bt_rule_entry_parts *parts) {
  const bt_measured *m = parts->by_service;
  if (!m) return json_null();
  json_t *body =
      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "status", bt_finding_name(parts->service_finding), "reason",
                bt_optional_text_json(parts->service_reason), "assumptions", bt_assumptions_json(&m->assumptions),
                "counts", bt_measured_json(m), "first_violation", bt_moment_json(&m->first_violation), "last_violation",
                bt_moment_json(&m->last_violation), "samples", samples_json(m));
  add_share(parts, m, body);
  return body;
}

/* ---- all of it ---- */

static json_t *identity_json(const bt_rule_entry_parts *parts) {
  const bt_rule_definition *rule = parts->measured->rule;
  return json_pack("{s:s, s:o, s:o, s:s, s:o, s:I, s:s, s:b, s:b, s:o, s:s, s:o}", "rule_id", rule->fields.id, "name",
                   text_json(rule->fields.name), "description", text_json(rule->fields.description), "severity",
                   bt_severity_name(rule->fields.severity), "dsl", text_json(rule->fields.dsl), "version",
                   (json_int_t)rule->version, "condition_hash", rule->condition_hash, "enabled", rule->fields.enabled,
                   "shadow", rule->fields.shadow, "controls", controls_json(parts->map, rule), "status",
                   bt_finding_name(parts->finding), "reason", bt_optional_text_json(parts->reason));
}

static void add_measured(const bt_rule_entry_parts *parts, json_t *body) {
  const bt_measured *m = parts->measured;
  bt_json_set(body, "evaluated", json_boolean(m->is_evaluated));
  bt_json_set(body, "overrides", overrides_json(&m->rule->fields));
  bt_json_set(body, "assumptions", bt_assumptions_json(&m->assumptions));
  bt_json_set(body, "counts", bt_measured_json(m));
  bt_json_set(body, "strategy", json_string(bt_strategy_name(m->strategy)));
  bt_json_set(body, "first_violation", bt_moment_json(&m->first_violation));
  bt_json_set(body, "last_violation", bt_moment_json(&m->last_violation));
  bt_json_set(body, "samples", samples_json(m));
  add_share(parts, m, body);
  bt_json_set(body, "by_service", by_service_json(parts));
}

bt_status bt_rule_entry_json(const bt_rule_entry_parts *parts, json_t **out, bool *withdrawn, bt_error *error) {
  const bt_report_request *request = parts->request;
  const char *tenant = request->measure.tenant ? request->measure.tenant : "";
  history h = {0};
  json_t *search = NULL;
  *out = NULL;
  bt_status status =
      bt_rule_store_versions(request->store, tenant, parts->measured->rule->fields.id, &h.items, &h.count, error);
  if (!status) status = search_json(parts, &search, error);
  if (!status) {
    bt_withdrawn w = bt_find_withdrawn(h.items, h.count, request->measure.range.start_ns);
    *withdrawn = w.how != NULL;
    *out = identity_json(parts);
    add_measured(parts, *out);
    bt_json_set(*out, "versions", versions_json(parts, &h));
    bt_json_set(*out, "versions_total", bt_count_json(h.count));
    bt_json_set(*out, "condition_changes", changes_json(parts, &h));
    bt_json_set(*out, "condition_before", before_json(parts, &h));
    bt_json_set(*out, "watch", watch_json(parts, enabled_since(&h, parts->measured->rule)));
    bt_json_set(*out, "search", search);
    bt_json_set(*out, "withdrawn",
                w.how ? json_pack("{s:s, s:o, s:o}", "how", w.how, "at", bt_time_json(w.at_ns), "by",
                                  bt_optional_text_json(w.by))
                      : json_null());
    if (!*out) status = bt_error_no_memory(error);
  }
  bt_rule_versions_free(h.items, h.count);
  return status;
}
