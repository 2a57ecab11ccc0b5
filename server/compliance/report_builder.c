/* Building a report. See report_builder.h. What cannot be built is noted (json_memory.h). Who seals the report asks for
 * that first, so that none leaves with a member missing. */
#include "server/compliance/report_builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "server/base/time_text.h"
#include "server/compliance/rule_entry.h"
#include "server/compliance/withdrawal.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/sampled_text.h"
#include "server/rules/derived_rule.h"

typedef struct building {
  const bt_report_request *request;
  bt_framework_map map;
  bt_measured *measured; /* each rule, and behind them those measured with the service's settings too */
  size_t measured_count;
  bt_rule_definition **plain; /* owned: of each rule with settings of its own the one without; or NULL */
  size_t *plain_of;           /* where that one is measured */
  bt_finding *findings;       /* of each rule, and behind them by the service's settings */
  char (*reasons)[BT_REASON_BYTES];
  bool *withdrawn;               /* it decided inside the range, and does so no more */
  bt_condition_changes *changes; /* of its condition, since the start of the range */
  bt_measurement measurement;
  bt_previous_report previous;
  bt_evidence_chain chain;
  uint64_t controls[BT_FINDING_COUNT]; /* how many came to what */
} building;

static json_t *text_json(bt_str value) {
  return bt_text_json(value);
}

static const char *tenant_of(const building *b) {
  return b->request->measure.tenant ? b->request->measure.tenant : "";
}

/* ---- what the report is about ---- */

static json_t *framework_json(const building *b) {
  const bt_catalogue *catalogue = b->map.catalogue;
  return json_pack("{s:o, s:o, s:b}", "name", text_json(b->map.name), "title",
                   catalogue ? json_string(catalogue->title) : text_json(b->map.name), "in_catalogue",
                   catalogue != NULL);
}

static json_t *cost_json(const bt_measurement *m) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o}", "replays", bt_count_json(m->replays), "queries",
                   bt_count_json(m->requests), "bytes_inspected", bt_count_json(m->bytes_inspected), "bytes_received",
                   bt_count_json(m->bytes_received), "milliseconds",
                   bt_count_json((uint64_t)(m->duration_ns > 0 ? m->duration_ns / 1000000 : 0)));
}

static bool has_evaluated(const building *b) {
  return b->measurement.replays > 0;
}

/* That the range ends before it settled, by the service's settings and by those of single rules. */
static void add_unsettled_notes(const building *b, json_t *notes) {
  const bt_measure_request *measure = &b->request->measure;
  char until[40], known[40], settle[64];
  if (has_evaluated(b) && b->measurement.settled_end_ns < measure->range.end_ns) {
    bt_time_format(b->measurement.settled_end_ns, until);
    bt_time_format(bt_time_add(measure->range.end_ns, measure->assumptions.settle_ns), known);
    bt_json_append(notes,
                   json_sprintf("the range had settled up to %s only: all of it is known from %s on", until, known));
  }
  for (size_t i = 0; i < b->map.rule_count; i++) {
    const bt_measured *m = &b->measured[i];
    if (!m->is_evaluated || m->assumptions.settle_ns <= measure->assumptions.settle_ns) continue;
    bt_duration_format(m->assumptions.settle_ns, settle);
    bt_json_append(notes,
                   json_sprintf("the rule %s has a longer settle (%s) than the service: less of the range is known "
                                "of it, and no pass is said of the rest",
                                m->rule->fields.id, settle));
  }
}

/* That what is reported is not what the condition in force would have said. */
static void add_changed_notes(const building *b, json_t *notes) {
  char at[40];
  for (size_t i = 0; i < b->map.rule_count; i++) {
    const bt_condition_changes *changes = &b->changes[i];
    if (!changes->count) continue;
    bt_time_format(changes->last_at_ns, at);
    bt_json_append(notes,
                   json_sprintf("the condition of the rule %s was another one in the range, or after it, up to %s: "
                                "its finding is of the condition of now, over the whole range",
                                b->map.rules[i]->fields.id, at));
  }
}

static void add_sampling_note(const bt_sampled_traces *range, json_t *notes) {
  bt_buffer said = {0};
  bt_sampled_say_range(range, &said);
  if (said.len) bt_json_append(notes, said.failed ? NULL : text_json(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

/* What a reader has to know before any number. */
static json_t *notes_json(const building *b) {
  const bt_coverage *coverage = &b->measurement.coverage;
  json_t *notes = json_array();
  char start[64], source[BT_SOURCE_TEXT_BYTES];
  if (b->measurement.reason[0]) bt_json_append(notes, text_json(bt_str_from(b->measurement.reason)));
  if (b->map.unknown_count)
    bt_json_append(
        notes, json_sprintf("rules of this tenant do not compile any more or are damaged, and may belong here (%zu): "
                            "no control passes until they are mended",
                            b->map.unknown_count));
  if (coverage->windows_empty_count && b->measurement.has_data)
    bt_json_append(
        notes, json_sprintf("no trace at all in %zu part%s of the range: an outage of tracing and a quiet time look "
                            "the same",
                            coverage->windows_empty_count, coverage->windows_empty_count == 1 ? "" : "s"));
  if (coverage->has_data_from && coverage->data_from_ns > coverage->asked.start_ns + coverage->assumptions.margin_ns) {
    bt_duration_format(coverage->data_from_ns - coverage->asked.start_ns, start);
    bt_json_append(notes, json_sprintf("the earliest trace lies %s after the start of the range: before it "
                                       "nothing is shown",
                                       start));
  }
  if (coverage->redacted_ns) {
    bt_time_format(coverage->redacted_ns, start);
    bt_json_append(notes, json_sprintf("some traces were redacted in the source, last at %.19sZ: which ones, and of "
                                       "what time, it does not say, so this is about those that are left",
                                       start));
  }
  add_unsettled_notes(b, notes);
  add_changed_notes(b, notes);
  if (has_evaluated(b)) add_sampling_note(&coverage->sampling, notes);
  bt_source_about_text(&coverage->source, source);
  if (coverage->source.note[0])
    bt_json_append(
        notes,
        json_sprintf("the source is %s%s", source,
                     coverage->source.is_checked ? "" : "; of such a version every trace that a search finds is read"));
  if (b->map.removed_count)
    bt_json_append(notes, json_sprintf("rules were taken away from controls since the start of the range "
                                       "(%zu): see the controls",
                                       b->map.removed_count));
  return notes;
}

/* A signed document has no number with a point in it; the text says them. */
static json_t *sampling_in_words(const json_t *sampling) {
  json_t *kept = json_object();
  static const char *const names[] = {"known", "declared", "text"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    bt_json_set(kept, names[i], json_incref(json_object_get(sampling, names[i])));
  return kept;
}

/* What could not be read has to be in it. */
static json_t *coverage_json(const bt_coverage *coverage) {
  json_t *object = bt_coverage_json(coverage);
  json_object_del(object, "late_until"); /* effective_end says up to where; the rest is of the moment */
  bt_json_set(object, "sampling", sampling_in_words(json_object_get(object, "sampling")));
  bool is_whole = json_array_size(json_object_get(object, "windows_failed")) == coverage->windows_failed_count &&
                  json_array_size(json_object_get(object, "windows_empty")) == coverage->windows_empty_count;
  if (is_whole) return object;
  json_decref(object);
  return NULL;
}

static json_t *report_json(const building *b) {
  const bt_report_request *request = b->request;
  const bt_measure_request *measure = &request->measure;
  char seed[24];
  snprintf(seed, sizeof seed, "%016" PRIx64, measure->seed);
  return json_pack(
      "{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:{s:s, s:s}, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
      "format", BT_EVIDENCE_FORMAT, "version", BT_REPORT_VERSION, "report_id", request->report_id, "framework",
      framework_json(b), "tenant", text_json(bt_str_from(tenant_of(b))), "range", bt_range_json(measure->range),
      "evaluated_at", bt_time_json(measure->now_ns), "program", "name", "betrace", "version", request->version,
      "source", measure->source->name, "seed", seed, "complete", b->measurement.coverage.complete, "notes",
      notes_json(b), "coverage", has_evaluated(b) ? coverage_json(&b->measurement.coverage) : json_null(), "cost",
      cost_json(&b->measurement), "unknown_rules", bt_count_json(b->map.unknown_count), "settled_end",
      bt_time_json(b->measurement.settled_end_ns), "assumptions", bt_assumptions_json(&measure->assumptions),
      "time_stamp_asked", request->is_stamped, "previous", bt_previous_report_json(&b->previous));
}

/* ---- rules ---- */

static bt_status find_watch(const building *b, bt_watch_status *out, bool *found, bt_error *error) {
  bt_watch_status *all = NULL;
  size_t count = 0;
  *found = false;
  if (!b->request->watch) return BT_OK;
  bt_status status = bt_watch_look(b->request->watch, &all, &count, error);
  for (size_t i = 0; !status && i < count; i++) {
    if (strcmp(all[i].tenant, tenant_of(b)) != 0) continue;
    *out = all[i];
    *found = true;
  }
  free(all);
  return status;
}

static bt_status add_rules(building *b, bt_error *error) {
  bt_watch_status watch;
  bool is_watched = false;
  bt_status status = find_watch(b, &watch, &is_watched, error);
  for (size_t i = 0; !status && i < b->map.rule_count; i++) {
    json_t *body = NULL;
    bt_rule_entry_parts parts = {.request = b->request,
                                 .map = &b->map,
                                 .measured = &b->measured[i],
                                 .by_service = b->plain[i] ? &b->measured[b->plain_of[i]] : NULL,
                                 .finding = b->findings[i],
                                 .service_finding = b->findings[b->plain_of[i]],
                                 .reason = b->reasons[i],
                                 .service_reason = b->reasons[b->plain_of[i]],
                                 .watch = is_watched ? &watch : NULL};
    status = bt_rule_entry_json(&parts, &body, &b->withdrawn[i], error);
    if (!status) status = bt_evidence_add(&b->chain, "rule", body, error);
  }
  return status;
}

/* ---- controls ---- */

static bool rule_decides(const building *b, size_t rule) {
  return bt_rule_decides(b->map.rules[rule]);
}

/* The first rule that decided over it inside the range and does so no more: its id, or NULL. */
static const char *find_silenced(const building *b, const bt_mapped_control *control) {
  for (size_t i = 0; i < control->rule_count; i++)
    if (b->withdrawn[control->rules[i]]) return b->map.rules[control->rules[i]]->fields.id;
  for (size_t i = 0; i < b->map.removed_count; i++)
    if (b->map.removed[i].has_decided && bt_control_means(b->map.catalogue, b->map.removed[i].control, control->id))
      return b->map.removed[i].was->fields.id;
  return NULL;
}

static bt_finding control_finding(const building *b, const bt_mapped_control *control) {
  bt_finding deciding[64], finding = BT_FINDING_NO_RULES;
  size_t count = 0;
  if (!control->rule_count) return BT_FINDING_NO_RULES;
  for (size_t i = 0; i < control->rule_count; i++) {
    if (!rule_decides(b, control->rules[i])) continue;
    if (count == sizeof deciding / sizeof deciding[0]) { /* what was found so far stands for those before */
      deciding[0] = bt_finding_of_control(deciding, count);
      count = 1;
    }
    deciding[count++] = b->findings[control->rules[i]];
  }
  finding = bt_finding_of_control(deciding, count);
  return bt_finding_beside_unknown(finding == BT_FINDING_NO_RULES ? BT_FINDING_NOT_EVALUATED : finding,
                                   b->map.unknown_count > 0 || find_silenced(b, control));
}

/* The first rule that decides over it and whose condition was another one in the range; or NULL. */
static const char *find_changed(const building *b, const bt_mapped_control *control) {
  for (size_t i = 0; i < control->rule_count; i++)
    if (rule_decides(b, control->rules[i]) && b->changes[control->rules[i]].count)
      return b->map.rules[control->rules[i]]->fields.id;
  return NULL;
}

/* What somebody who reads no rules has to know: of each kind the first rule. */
static json_t *control_reason_json(const building *b, const bt_mapped_control *control) {
  const char *silenced = find_silenced(b, control), *changed = find_changed(b, control);
  bt_buffer reason = {0};
  if (silenced)
    bt_buffer_printf(&reason,
                     "the rule %s decided over this control inside the range, and was then disabled, put on trial or "
                     "taken away. Nobody knows what it would say of the range, so the control does not pass",
                     silenced);
  if (changed)
    bt_buffer_printf(&reason,
                     "%sthe condition of the rule %s was changed since the range began: the outcome is what its "
                     "condition of now says of the range, and not what the one in force then would have said",
                     silenced ? "; " : "", changed);
  json_t *value = reason.failed ? NULL : reason.len ? text_json(bt_buffer_str(&reason)) : json_null();
  bt_buffer_dispose(&reason);
  return value;
}

static json_t *control_rule_json(const building *b, size_t rule) {
  return json_pack("{s:s, s:o, s:s, s:o, s:b, s:o}", "rule_id", b->map.rules[rule]->fields.id, "name",
                   text_json(bt_str_from(b->map.rules[rule]->fields.name)), "status",
                   bt_finding_name(b->findings[rule]), "reason", bt_optional_text_json(b->reasons[rule]), "decides",
                   rule_decides(b, rule), "counts", bt_measured_json(&b->measured[rule]));
}

static json_t *removed_json(const building *b, const bt_mapped_control *control) {
  json_t *array = json_array();
  for (size_t i = 0; i < b->map.removed_count; i++) {
    const bt_removed_rule *removed = &b->map.removed[i];
    if (!bt_control_means(b->map.catalogue, removed->control, control->id)) continue;
    bt_json_append(array,
                   json_pack("{s:s, s:o, s:s, s:o, s:b, s:b, s:o, s:o}", "rule_id", removed->was->fields.id, "name",
                             text_json(bt_str_from(removed->was->fields.name)), "condition_hash",
                             removed->was->condition_hash, "dsl", text_json(bt_str_from(removed->was->fields.dsl)),
                             "deleted", removed->is_deleted, "decided", removed->has_decided, "at",
                             bt_time_json(removed->removed_at_ns), "by", bt_optional_text_json(removed->removed_by)));
  }
  return array;
}

static void join_measured(const bt_measured *m, bt_moment *first, bt_moment *last) {
  if (!m->first_violation.is_set) return;
  if (!first->is_set || m->first_violation.time_ns < first->time_ns) *first = m->first_violation;
  if (!last->is_set || m->last_violation.time_ns > last->time_ns) *last = m->last_violation;
}

static void join_moments(const building *b, const bt_mapped_control *control, bt_moment *first, bt_moment *last) {
  for (size_t i = 0; i < control->rule_count; i++) {
    size_t rule = control->rules[i];
    if (!rule_decides(b, rule)) continue;
    join_measured(&b->measured[rule], first, last);
    if (b->plain[rule]) join_measured(&b->measured[b->plain_of[rule]], first, last);
  }
}

static bt_status add_control(building *b, const bt_mapped_control *control, bt_error *error) {
  bt_finding finding = control_finding(b, control);
  bt_moment first = {0}, last = {0};
  json_t *rules = json_array();
  for (size_t i = 0; i < control->rule_count; i++) bt_json_append(rules, control_rule_json(b, control->rules[i]));
  join_moments(b, control, &first, &last);
  b->controls[finding]++;
  return bt_evidence_add(&b->chain, "control",
                         json_pack("{s:o, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "control",
                                   text_json(control->id), "title", control->title, "in_catalogue",
                                   control->title[0] != '\0', "part_of", bt_optional_text_json(control->part_of),
                                   "status", bt_finding_name(finding), "reason", control_reason_json(b, control),
                                   "rules", rules, "removed", removed_json(b, control), "first_violation",
                                   bt_moment_json(&first), "last_violation", bt_moment_json(&last)),
                         error);
}

/* A control whose only rule was taken away, and that no catalogue has, would be gone with it. */
static bool is_listed(const building *b, const bt_removed_rule *removed) {
  for (size_t i = 0; i < b->map.control_count; i++)
    if (bt_control_means(b->map.catalogue, b->map.controls[i].id, removed->control)) return true;
  return false;
}

static bt_status add_controls(building *b, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; !status && i < b->map.control_count; i++) status = add_control(b, &b->map.controls[i], error);
  for (size_t i = 0; !status && i < b->map.removed_count; i++) {
    bt_mapped_control gone = {.id = b->map.removed[i].control, .title = ""};
    bool is_new = !is_listed(b, &b->map.removed[i]);
    for (size_t k = 0; is_new && k < i; k++)
      is_new = !bt_control_means(b->map.catalogue, b->map.removed[k].control, gone.id);
    if (is_new) status = add_control(b, &gone, error);
  }
  return status;
}

static json_t *end_json(const building *b) {
  json_t *controls = json_object();
  for (int i = 0; i < BT_FINDING_COUNT; i++)
    bt_json_set(controls, bt_finding_name((bt_finding)i), bt_count_json(b->controls[i]));
  return json_pack("{s:I, s:o, s:o}", "entries", (json_int_t)json_array_size(b->chain.entries) + 1, "controls",
                   controls, "rules", bt_count_json(b->map.rule_count));
}

/* ---- all of it ---- */

static bool has_own_settings(const building *b, const bt_rule_definition *rule) {
  const bt_assumptions *service = &b->request->measure.assumptions;
  bt_assumptions own = bt_assumptions_of(service, rule);
  return own.settle_ns - own.links_within_ns != service->settle_ns || own.margin_ns != service->margin_ns ||
         own.clock_skew_ns != service->clock_skew_ns || own.require_complete != service->require_complete ||
         own.links_sampled != service->links_sampled;
}

static bt_status say_no_room(const building *b, bt_error *error) {
  return bt_error_set(error, BT_LIMIT,
                      "results_full: there is no room for a report of %zu rules: what runs and what is kept fills the "
                      "%zu bytes of --memory-limit; wait for others to end, delete what nobody reads, or raise it",
                      b->map.rule_count, bt_memory_limit(b->request->hold->account));
}

static bool has_room_for_tables(const building *b) {
  enum { OF_MEASURING = 4 }; /* groups, and derived rules beside the others, hold a pointer and a number each */
  size_t each = 2 * (sizeof *b->measured + sizeof *b->findings + sizeof *b->reasons) + sizeof *b->plain +
                sizeof *b->plain_of + sizeof *b->withdrawn + sizeof *b->changes +
                OF_MEASURING * (sizeof(void *) + sizeof(size_t));
  return !b->request->hold || bt_memory_hold_grow(b->request->hold, (b->map.rule_count + 1) * each);
}

static bool make_tables(building *b) {
  size_t count = b->map.rule_count;
  b->measured = calloc(2 * count + 1, sizeof *b->measured);
  b->findings = calloc(2 * count + 1, sizeof *b->findings);
  b->reasons = calloc(2 * count + 1, sizeof *b->reasons);
  b->plain = calloc(count + 1, sizeof *b->plain);
  b->plain_of = calloc(count + 1, sizeof *b->plain_of);
  b->withdrawn = calloc(count + 1, sizeof *b->withdrawn);
  b->changes = calloc(count + 1, sizeof *b->changes);
  return b->measured && b->findings && b->reasons && b->plain && b->plain_of && b->withdrawn && b->changes;
}

static const char *find_elsewhere(const building *b, const bt_rule_definition *rule) {
  const bt_report_request *request = b->request;
  if (!request->elsewhere) return NULL;
  return request->elsewhere(request->elsewhere_context, tenant_of(b), request->measure.source, request->is_store_said,
                            rule);
}

static bt_status add_measured(building *b, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < b->map.rule_count; i++) {
    const bt_rule_definition *rule = b->map.rules[i];
    b->measured[i] = (bt_measured){.rule = rule, .elsewhere = find_elsewhere(b, rule)};
    b->measured[i].is_evaluated = rule->fields.enabled && !rule->broken && !b->measured[i].elsewhere;
  }
  b->measured_count = b->map.rule_count;
  for (size_t i = 0; i < b->map.rule_count && !status; i++) {
    if (!b->measured[i].is_evaluated || !has_own_settings(b, b->map.rules[i])) continue;
    status = bt_derived_plain(b->map.rules[i], &b->plain[i], error);
    if (status) return status;
    b->plain_of[i] = b->measured_count;
    b->measured[b->measured_count++] = (bt_measured){.rule = b->plain[i], .is_evaluated = true};
  }
  return status;
}

/* Behind what else the reason says. A pass of a condition that was made weaker yesterday is no plain pass. */
static void add_changed_reason(const bt_condition_changes *changes, char reason[BT_REASON_BYTES]) {
  char at[40];
  size_t length = strlen(reason);
  if (!changes->count) return;
  bt_time_format(changes->last_at_ns, at);
  snprintf(
      reason + length, BT_REASON_BYTES - length,
      "%sits condition was changed %zu time%s since the range began, last at %s%s%s: this is what the condition of now "
      "says of the range, and not what the one in force then would have said",
      length ? "; " : "", changes->count, changes->count == 1 ? "" : "s", at, changes->last_by[0] ? " by " : "",
      changes->last_by);
}

static bt_status add_changes(building *b, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < b->map.rule_count && !status; i++) {
    status = bt_condition_changes_find(b->request, b->map.rules[i]->fields.id, &b->changes[i], error);
    if (!status) add_changed_reason(&b->changes[i], b->reasons[i]);
  }
  return status;
}

static bt_status measure_rules(building *b, bt_error *error) {
  if (!has_room_for_tables(b)) return say_no_room(b, error);
  if (!make_tables(b)) return bt_error_no_memory(error);
  bt_status status = add_measured(b, error);
  if (!status) status = bt_measure(&b->request->measure, b->measured, b->measured_count, &b->measurement, error);
  for (size_t i = 0; !status && i < b->measured_count; i++)
    b->findings[i] = bt_finding_of_rule(&b->measured[i], &b->measurement, b->reasons[i]);
  for (size_t i = 0; !status && i < b->map.rule_count; i++)
    if (b->plain[i])
      b->findings[i] = bt_finding_of_both(&b->measured[i], b->findings[i], b->findings[b->plain_of[i]],
                                          b->reasons[b->plain_of[i]], b->reasons[i]);
  return status;
}

static bt_status name_previous(building *b, bt_error *error) {
  const bt_report_request *request = b->request;
  b->previous = (bt_previous_report){.reason = "nobody who knows was asked"};
  return request->name_previous ? request->name_previous(request->previous_context, b->map.name, &b->previous, error)
                                : BT_OK;
}

/* The document, which asks for room as it grows. */
static bt_status write_document(building *b, json_t **out, bt_error *error) {
  const bt_report_request *request = b->request;
  bool had_failed = bt_json_memory_failed(); /* before, in what the caller builds */
  bt_json_memory_begin();
  bt_json_memory_charge(request->hold);
  bt_status status = bt_evidence_begin(&b->chain, error);
  if (!status) status = bt_evidence_add(&b->chain, "report", report_json(b), error);
  if (!status) status = add_rules(b, error);
  if (!status) status = add_controls(b, error);
  if (!status) status = bt_evidence_add(&b->chain, "end", end_json(b), error);
  if (!status && bt_json_memory_failed()) status = bt_error_no_memory(error);
  if (!status) status = bt_evidence_seal(&b->chain, request->key, out, error);
  if (!status && bt_json_memory_failed()) { /* the seal itself */
    json_decref(*out);
    *out = NULL;
    status = bt_error_no_memory(error);
  }
  bt_json_memory_charge(NULL);
  if (had_failed) bt_json_memory_lacks();
  return status && request->hold && bt_json_memory_found_no_room() ? say_no_room(b, error) : status;
}

static void dispose_building(building *b) {
  for (size_t i = 0; b->plain && i < b->map.rule_count; i++) bt_rule_definition_unref(b->plain[i]);
  free(b->plain);
  bt_framework_map_dispose(&b->map);
  bt_measurement_dispose(&b->measurement);
  bt_evidence_dispose(&b->chain);
  free(b->measured);
  free(b->findings);
  free(b->reasons);
  free(b->plain_of);
  free(b->withdrawn);
  free(b->changes);
}

bt_status bt_report_build(const bt_report_request *request, json_t **out, bt_error *error) {
  bt_report_request floored = *request; /* what the source hides is not settled, and what is written says so */
  const bt_measure_request *measured = &request->measure;
  bt_promises promises = bt_source_promises(measured->source, BT_PROMISES_ALL, measured->cancel);
  floored.measure.assumptions = bt_assumptions_over(&measured->assumptions, &promises);
  building b = {.request = &floored};
  int64_t start_ns = request->measure.range.start_ns;
  *out = NULL;
  bt_status status = bt_framework_map_make(request->store, tenant_of(&b), request->framework, &b.map, error);
  if (!status) status = bt_framework_map_add_removed(&b.map, request->store, tenant_of(&b), start_ns, error);
  if (!status) status = measure_rules(&b, error);
  if (!status) status = add_changes(&b, error);
  if (!status) status = name_previous(&b, error);
  if (!status) status = write_document(&b, out, error);
  dispose_building(&b);
  return status;
}
