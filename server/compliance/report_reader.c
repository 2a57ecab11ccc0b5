/* Reading a report back. See report_reader.h. */
#include "server/compliance/report_reader.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/evaluate/link_reach.h"
#include "server/base/time_text.h"
#include "server/json/json_members.h"

bt_status bt_report_parse(bt_str text, json_t **out, bt_error *error) {
  json_error_t why;
  *out = NULL;
  if (text.len > BT_REPORT_MAX_BYTES)
    return bt_error_set(error, BT_INVALID, "expected a report of at most %d MiB", BT_REPORT_MAX_BYTES >> 20);
  *out = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &why);
  if (*out && json_is_object(*out)) return BT_OK;
  bool is_json = *out != NULL;
  json_decref(*out);
  *out = NULL;
  if (is_json) return bt_error_set(error, BT_INVALID, "expected a report, a JSON object, got another value");
  return bt_error_set(error, BT_INVALID, "expected a report, a JSON object: line %d, column %d: %.200s", why.line,
                      why.column, why.text);
}

static bt_status refuse_report(const char *where, const char *what, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the report contradicts itself: %.128s: %.128s", where, what);
}

static bool read_time(const json_t *object, const char *name, int64_t *out) {
  return bt_time_parse(bt_str_from(bt_json_text_at(object, name)), 0, out);
}

static bool read_duration(const json_t *object, const char *name, int64_t *out) {
  const char *text = bt_json_text_at(object, name);
  return text[0] && bt_duration_parse(bt_str_from(text), out) && *out >= 0;
}

static bool read_assumptions(const json_t *from, bt_assumptions *out) {
  *out = (bt_assumptions){.require_complete = json_is_true(json_object_get(from, "require_complete")),
                          .links_sampled = json_is_true(json_object_get(from, "links_sampled")),
                          .coarse_clocks_unknown = json_object_get(from, "coarse_clocks") != NULL,
                          .sampling = json_string_value(json_object_get(from, "sampling")),
                          .max_rate = json_string_value(json_object_get(from, "max_rate")),
                          .most_rule_budget = BT_MOST_RULE_BUDGET};
  return read_duration(from, "margin", &out->margin_ns) && read_duration(from, "lateness", &out->lateness_ns) &&
         read_duration(from, "settle", &out->settle_ns) && read_duration(from, "clock_skew", &out->clock_skew_ns) &&
         read_duration(from, "handover", &out->handover_ns);
}

/* ---- a rule ---- */

static bool read_override(const json_t *from, const char *name, int64_t *out) {
  return json_is_null(json_object_get(from, name)) || read_duration(from, name, out);
}

static bool fill_fields(const json_t *body, bool is_plain, bt_rule_fields *fields) {
  const json_t *overrides = json_object_get(body, "overrides"), *complete, *budget, *sampled;
  bt_rule_fields_init(fields);
  fields->id = strdup(bt_json_text_at(body, "rule_id"));
  fields->dsl = strdup(bt_json_text_at(body, "dsl"));
  if (is_plain) return fields->id && fields->dsl;
  complete = json_object_get(overrides, "require_complete");
  if (json_is_boolean(complete)) fields->require_complete = json_is_true(complete);
  budget = json_object_get(overrides, "budget");
  if (json_is_integer(budget)) fields->budget = json_integer_value(budget);
  sampled = json_object_get(overrides, "links_sampled");
  if (json_is_boolean(sampled)) fields->links_sampled = json_is_true(sampled);
  return fields->id && fields->dsl && read_override(overrides, "settle", &fields->settle_ns) &&
         read_override(overrides, "margin", &fields->margin_ns) &&
         read_override(overrides, "clock_skew", &fields->clock_skew_ns);
}

/* is_plain: without settings of its own, and so with another hash. *out NULL: this program's language does not take it.
 */
static bt_status rebuild_rule(const json_t *body, bool is_plain, bt_rule_definition **out, bt_error *error) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics;
  *out = NULL;
  if (!fill_fields(body, is_plain, &fields)) {
    bt_rule_fields_dispose(&fields);
    return refuse_report(bt_json_text_at(body, "rule_id"), "its overrides are not durations", error);
  }
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_definition_new(&fields, out, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  bt_rule_fields_dispose(&fields);
  if (status == BT_INVALID) return BT_OK;
  if (!status && !is_plain && strcmp((*out)->condition_hash, bt_json_text_at(body, "condition_hash")) != 0) {
    status = refuse_report(bt_json_text_at(body, "rule_id"), "its condition hash is not that of its text", error);
    bt_rule_definition_unref(*out);
    *out = NULL;
  }
  return status;
}

static bool read_count(const json_t *counts, const char *name, uint64_t *out) {
  const json_t *number = json_object_get(counts, name);
  *out = (uint64_t)json_integer_value(number);
  return json_is_integer(number) && json_integer_value(number) >= 0;
}

static bool read_counts(const json_t *counts, bt_measured *out) {
  out->evaluated_is_exact = strcmp(bt_json_text_at(counts, "evaluated_kind"), "exact") == 0;
  out->exercised_is_exact = strcmp(bt_json_text_at(counts, "exercised_kind"), "exact") == 0;
  return read_count(counts, "evaluated", &out->evaluated) && read_count(counts, "exercised", &out->exercised) &&
         read_count(counts, "violated", &out->violated) && read_count(counts, "inconclusive", &out->inconclusive) &&
         read_count(counts, "going_on", &out->going_on) && read_count(counts, "provisional", &out->provisional);
}

static bool read_samples(const json_t *array, bt_samples *out) {
  for (size_t i = 0; i < json_array_size(array) && i < BT_SAMPLED_TRACES; i++) {
    const json_t *sample = json_array_get(array, i);
    bt_sample *to = &out->items[out->count++];
    if (!bt_trace_id_parse(bt_str_from(bt_json_text_at(sample, "trace_id")), &to->trace_id) ||
        !read_time(sample, "time", &to->time_ns))
      return false;
  }
  return json_array_size(array) <= BT_SAMPLED_TRACES;
}

/* Counts, samples and how far they go: of a rule, or of it as the service's settings judge it. */
static bt_status read_numbers(const json_t *body, const char *id, const bt_reported *reported, bt_reported_rule *to,
                              bt_error *error) {
  const json_t *samples = json_object_get(body, "samples");
  to->range = reported->range;
  if (reported->version > 1) {
    int64_t settled_ns;
    if (!read_time(body, "settled_end", &settled_ns)) return refuse_report(id, "its settled_end is not a time", error);
    if (settled_ns < to->range.end_ns) to->range.end_ns = settled_ns;
  }
  to->counts = (bt_measured){.rule = to->rule, .is_evaluated = true};
  if (!read_counts(json_object_get(body, "counts"), &to->counts))
    return refuse_report(id, "its counts are not counts", error);
  if (read_samples(json_object_get(samples, "violated"), &to->counts.violated_sample) &&
      read_samples(json_object_get(samples, "satisfied"), &to->counts.satisfied_sample))
    return BT_OK;
  return refuse_report(id, "its samples are not traces", error);
}

/* How much later linked traces may come is in the rule's text. */
static bool has_its_bound(const bt_rule_definition *rule, const json_t *assumptions) {
  int64_t said_ns = 0;
  if (json_object_get(assumptions, "links_within") && !read_duration(assumptions, "links_within", &said_ns))
    return false;
  return said_ns == bt_link_reach_of(rule->rule).within_ns;
}

static bt_status read_part(const json_t *body, const json_t *numbers, bool is_plain, bt_reported *reported,
                           bt_error *error) {
  bt_reported_rule *to = &reported->rules[reported->rule_count];
  bt_status status = rebuild_rule(body, is_plain, &to->rule, error);
  if (status) return status;
  if (!to->rule) return reported->foreign_count++, BT_OK;
  reported->rule_count++;
  if (!has_its_bound(to->rule, json_object_get(numbers, "assumptions")))
    return refuse_report(bt_json_text_at(body, "rule_id"), "its links_within is not that of its text", error);
  return read_numbers(numbers, bt_json_text_at(body, "rule_id"), reported, to, error);
}

static bt_status read_rule(const json_t *body, bt_reported *reported, bt_error *error) {
  const json_t *by_service = json_object_get(body, "by_service");
  if (!json_is_true(json_object_get(body, "evaluated"))) return BT_OK;
  bt_status status = read_part(body, body, false, reported, error);
  if (!status && json_is_object(by_service)) status = read_part(body, by_service, true, reported, error);
  return status;
}

/* ---- the report ---- */

static bt_status read_head(const json_t *report, bt_reported *out, bt_error *error) {
  const json_t *range = json_object_get(report, "range");
  int64_t settled_ns;
  out->report_id = bt_json_text_at(report, "report_id");
  out->tenant = bt_json_text_at(report, "tenant");
  if (!read_time(range, "start", &out->range.start_ns) || !read_time(range, "end", &out->range.end_ns) ||
      out->range.start_ns >= out->range.end_ns)
    return refuse_report("range", "expected start before end", error);
  if (!read_assumptions(json_object_get(report, "assumptions"), &out->assumptions))
    return refuse_report("assumptions", "expected durations", error);
  bool is_clipped = out->version == 1 && read_time(report, "settled_end", &settled_ns);
  if (is_clipped && settled_ns < out->range.end_ns) out->range.end_ns = settled_ns;
  return BT_OK;
}

bt_status bt_reported_read(const json_t *document, bt_reported *out, bt_error *error) {
  const json_t *entries = json_object_get(document, "entries");
  *out = (bt_reported){.version = bt_report_version(document)};
  bt_status status = read_head(json_object_get(json_array_get(entries, 0), "body"), out, error);
  if (status) return status;
  out->rules = calloc(2 * json_array_size(entries) + 1, sizeof *out->rules);
  if (!out->rules) return bt_error_no_memory(error);
  for (size_t i = 0; i < json_array_size(entries) && !status; i++) {
    const json_t *entry = json_array_get(entries, i);
    if (strcmp(bt_json_text_at(entry, "type"), "rule") == 0)
      status = read_rule(json_object_get(entry, "body"), out, error);
  }
  if (status) bt_reported_dispose(out);
  return status;
}

void bt_reported_dispose(bt_reported *reported) {
  for (size_t i = 0; i < reported->rule_count; i++) bt_rule_definition_unref(reported->rules[i].rule);
  free(reported->rules);
  *reported = (bt_reported){0};
}
