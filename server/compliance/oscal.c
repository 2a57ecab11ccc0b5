/* OSCAL assessment results of a report. See oscal.h. Texts of users go into titles and properties, which OSCAL wants on
 * one line and not empty, only through line_json. */
#include "server/compliance/oscal.h"

#include <stdio.h>
#include <string.h>

#include "server/base/sha256.h"
#include "server/json/json_memory.h"
#include "server/json/json_values.h"

#define OSCAL_VERSION "1.1.2"
#define NAMESPACE     "urn:betrace:oscal"

enum { UUID_TEXT = 37, TOKEN_MAX = 512 };

typedef struct writing {
  const json_t *entries, *report; /* the latter: body of the first entry */
  const char *head, *framework;
  char component[UUID_TEXT]; /* the source of the traces */
  bool failed;
} writing;

static const json_t *member_at(const json_t *object, const char *name) {
  return json_object_get(object, name);
}

static const char *text_at(const json_t *object, const char *name) {
  const char *text = json_string_value(member_at(object, name));
  return text ? text : "";
}

/* ---- ids ---- */

/* A name-based UUID (version 5 in form, SHA-256 in place of SHA-1) of the report's head and what it is for. */
static void make_uuid(writing *w, const char *kind, const char *name, char out[UUID_TEXT]) {
  const bt_str fields[] = {BT_STR("betrace-oscal"), bt_str_from(w->head), bt_str_from(kind), bt_str_from(name)};
  bt_sha256 hash = {{0}};
  if (bt_sha256_fields(fields, 4, &hash, NULL) != BT_OK) w->failed = true;
  uint8_t *b = hash.bytes;
  b[6] = (uint8_t)((b[6] & 0x0F) | 0x50);
  b[8] = (uint8_t)((b[8] & 0x3F) | 0x80);
  snprintf(out, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
           b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static json_t *uuid_json(writing *w, const char *kind, const char *name) {
  char uuid[UUID_TEXT];
  make_uuid(w, kind, name, uuid);
  return json_string(uuid);
}

static bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

/* OSCAL's ids have letters, digits, dots and dashes only. Where something had to be replaced, a piece of its hash keeps
 * two controls apart. */
static void make_token(writing *w, const char *control, char out[TOKEN_MAX]) {
  bool is_replaced = !control[0];
  size_t n = (size_t)snprintf(out, TOKEN_MAX, "c-%.100s-", w->framework);
  for (const char *c = control; *c && n < TOKEN_MAX - 16; c++) {
    bool is_fine = is_token_character(*c);
    is_replaced = is_replaced || !is_fine || n == TOKEN_MAX - 17;
    if (is_fine || out[n - 1] != '-') out[n++] = is_fine ? *c : '-';
  }
  out[n] = '\0';
  for (char *c = out; *c; c++)
    if (!is_token_character(*c)) *c = '-'; /* of the framework's name */
  const bt_str fields[] = {bt_str_from(w->framework), bt_str_from(control)};
  bt_sha256 hash = {{0}};
  if (!is_replaced) return;
  if (bt_sha256_fields(fields, 2, &hash, NULL) != BT_OK) w->failed = true;
  snprintf(out + n, 12, "-%02x%02x%02x%02x", hash.bytes[0], hash.bytes[1], hash.bytes[2], hash.bytes[3]);
}

/* ---- texts ---- */

/* Blanks and line breaks as Unicode has them; control characters too. */
static bool is_blank(uint32_t code) {
  return code <= ' ' || code == 0x7F || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

/* One line, not empty, no blanks at its ends. */
static json_t *line_json(const char *text) {
  bt_buffer line = {0};
  bt_str rest = bt_str_from(text);
  bool has_gap = false;
  while (rest.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(rest, &code);
    if (!length) break; /* jansson holds valid UTF-8 only */
    if (is_blank(code)) {
      has_gap = line.len > 0;
    } else {
      if (has_gap) bt_buffer_append_char(&line, ' ');
      has_gap = false;
      bt_buffer_append(&line, (bt_str){rest.ptr, length});
    }
    rest = (bt_str){rest.ptr + length, rest.len - length};
  }
  json_t *value = line.failed ? NULL : line.len ? json_stringn(line.ptr, line.len) : json_string("(none)");
  bt_buffer_dispose(&line);
  return value;
}

static json_t *prop_json(const char *name, const char *value) {
  return json_pack("{s:s, s:s, s:o}", "name", name, "ns", NAMESPACE, "value", line_json(value));
}

static json_t *count_prop_json(const char *name, const json_t *number) {
  char text[32];
  snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
  return prop_json(name, text);
}

/* OSCAL has no empty lists. Takes the array. */
static void set_list(json_t *object, const char *name, json_t *array) {
  if (array && !json_array_size(array))
    json_decref(array);
  else
    bt_json_set(object, name, array);
}

/* ---- rules ---- */

static json_t *activity_json(writing *w, const json_t *rule) {
  json_t *props = json_array();
  bt_json_append(props, prop_json("rule-id", text_at(rule, "rule_id")));
  bt_json_append(props, prop_json("condition-hash", text_at(rule, "condition_hash")));
  return json_pack("{s:o, s:o, s:s, s:o}", "uuid", uuid_json(w, "activity", text_at(rule, "rule_id")), "title",
                   line_json(text_at(rule, "name")), "description", text_at(rule, "dsl"), "props", props);
}

/* What the finding rests on. Reports of before do not say it. */
static void add_share_props(const json_t *rule, json_t *props) {
  const json_t *share = member_at(rule, "share");
  if (!json_is_object(share)) return;
  bt_json_append(props, prop_json("settled-until", text_at(rule, "settled_end")));
  bt_json_append(props, count_prop_json("settled-share-ppm", member_at(share, "range_ppm")));
  bt_json_append(props, count_prop_json("exercised-share-ppm", member_at(share, "exercised_ppm")));
  if (text_at(rule, "known_from")[0]) bt_json_append(props, prop_json("known-from", text_at(rule, "known_from")));
  if (json_is_object(member_at(rule, "by_service")))
    bt_json_append(props, prop_json("outcome-by-service-settings", text_at(member_at(rule, "by_service"), "status")));
}

static json_t *count_props_json(const json_t *rule) {
  static const char *const names[] = {"evaluated", "exercised", "satisfied", "violated", "inconclusive"};
  static const char *const shown[] = {"traces-evaluated", "traces-exercised", "traces-satisfied", "traces-violated",
                                      "traces-inconclusive"};
  const json_t *counts = member_at(rule, "counts");
  json_t *props = json_array();
  bt_json_append(props, prop_json("outcome", text_at(rule, "status")));
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    bt_json_append(props, count_prop_json(shown[i], member_at(counts, names[i])));
  add_share_props(rule, props);
  if (json_is_array(member_at(rule, "condition_changes"))) {
    json_t *changes = json_integer((json_int_t)json_array_size(member_at(rule, "condition_changes")));
    bt_json_append(props, count_prop_json("condition-changes", changes));
    json_decref(changes);
  }
  bt_json_append(props, prop_json("counts-exact", json_is_true(member_at(counts, "exact")) ? "true" : "false"));
  bt_json_append(props, prop_json("rule-id", text_at(rule, "rule_id")));
  bt_json_append(props, prop_json("condition-hash", text_at(rule, "condition_hash")));
  return props;
}

static void add_evidence(const json_t *samples, const char *outcome, json_t *evidence) {
  for (size_t i = 0; i < json_array_size(samples); i++) {
    const json_t *sample = json_array_get(samples, i);
    bt_json_append(evidence, json_pack("{s:o, s:[o]}", "description",
                                       json_sprintf("Trace %s at %s: %s", text_at(sample, "trace_id"),
                                                    text_at(sample, "time"), outcome),
                                       "props", prop_json("trace-id", text_at(sample, "trace_id"))));
  }
}

static json_t *describe_json(const json_t *rule) {
  const json_t *counts = member_at(rule, "counts");
  const char *reason = text_at(rule, "reason");
  return json_sprintf(
      "Outcome %s. Of %" JSON_INTEGER_FORMAT " traces %" JSON_INTEGER_FORMAT
      " exercised the rule, %" JSON_INTEGER_FORMAT " violated it, %" JSON_INTEGER_FORMAT " could not be decided%s%s%s",
      text_at(rule, "status"), json_integer_value(member_at(counts, "evaluated")),
      json_integer_value(member_at(counts, "exercised")), json_integer_value(member_at(counts, "violated")),
      json_integer_value(member_at(counts, "inconclusive")),
      json_is_true(member_at(counts, "exact")) ? "" : "; the first two numbers are at least so many",
      reason[0] ? ". " : ".", reason);
}

static json_t *observation_json(writing *w, const json_t *rule) {
  const json_t *samples = member_at(rule, "samples");
  json_t *evidence = json_array();
  add_evidence(member_at(samples, "violated"), "violates the rule", evidence);
  add_evidence(member_at(samples, "inconclusive"), "could not be decided", evidence);
  add_evidence(member_at(samples, "satisfied"), "satisfies the rule", evidence);
  json_t *observation =
      json_pack("{s:o, s:o, s:o, s:o, s:[s], s:[s], s:[{s:s, s:s}], s:s, s:s}", "uuid",
                uuid_json(w, "observation", text_at(rule, "rule_id")), "title", line_json(text_at(rule, "name")),
                "description", describe_json(rule), "props", count_props_json(rule), "methods", "TEST", "types",
                "control-objective", "subjects", "subject-uuid", w->component, "type", "component", "collected",
                text_at(w->report, "evaluated_at"), "remarks", text_at(rule, "dsl"));
  set_list(observation, "relevant-evidence", evidence);
  return observation;
}

/* ---- controls ---- */

static json_t *finding_json(writing *w, const json_t *control) {
  const char *status = text_at(control, "status"), *id = text_at(control, "control");
  bool is_pass = strcmp(status, "pass") == 0, is_fail = strcmp(status, "violated") == 0;
  char token[TOKEN_MAX];
  json_t *related = json_array();
  size_t index;
  json_t *rule;
  make_token(w, id, token);
  json_array_foreach(member_at(control, "rules"), index, rule) bt_json_append(
      related, json_pack("{s:o}", "observation-uuid", uuid_json(w, "observation", text_at(rule, "rule_id"))));
  json_t *title = json_sprintf("%s %s: %s", id[0] ? id : "(no control)", text_at(control, "title"), status);
  json_t *finding =
      json_pack("{s:o, s:o, s:o, s:[o], s:{s:s, s:s, s:{s:s, s:s, s:s}}}", "uuid", uuid_json(w, "finding", id), "title",
                line_json(title ? json_string_value(title) : ""), "description",
                json_sprintf("The rules of this control come to: %s.%s%s", status,
                             text_at(control, "reason")[0] ? " " : "", text_at(control, "reason")),
                "props", prop_json("outcome", status), "target", "type", "objective-id", "target-id", token, "status",
                "state", is_pass ? "satisfied" : "not-satisfied", "reason",
                is_pass   ? "pass"
                : is_fail ? "fail"
                          : "other",
                "remarks", status);
  json_decref(title);
  set_list(finding, "related-observations", related);
  return finding;
}

static json_t *objective_json(writing *w, const json_t *control) {
  char token[TOKEN_MAX];
  make_token(w, text_at(control, "control"), token);
  return json_pack("{s:s, s:[{s:s, s:o}]}", "control-id", token, "parts", "name", "objective", "prose",
                   line_json(text_at(control, "title")[0] ? text_at(control, "title") : text_at(control, "control")));
}

static json_t *selected_json(writing *w, const json_t *control) {
  char token[TOKEN_MAX];
  make_token(w, text_at(control, "control"), token);
  return json_pack("{s:s}", "control-id", token);
}

/* ---- the document ---- */

typedef json_t *(*part_writer)(writing *w, const json_t *body);

/* Of every entry of a type; of controls only those that a rule speaks of. */
static json_t *write_entries(writing *w, const char *type, part_writer write) {
  json_t *array = json_array();
  for (size_t i = 0; i < json_array_size(w->entries); i++) {
    const json_t *entry = json_array_get(w->entries, i), *body = member_at(entry, "body");
    bool is_spoken_of = strcmp(type, "control") != 0 || json_array_size(member_at(body, "rules"));
    if (strcmp(text_at(entry, "type"), type) == 0 && is_spoken_of) bt_json_append(array, write(w, body));
  }
  return array;
}

static json_t *reviewed_json(writing *w) {
  json_t *selection = json_pack("{s:s}", "description", "The controls that rules of this report speak of");
  json_t *controls = write_entries(w, "control", selected_json);
  bool has_none = controls && !json_array_size(controls);
  set_list(selection, "include-controls", controls);
  if (has_none) bt_json_set(selection, "include-all", json_object());
  return json_pack("{s:[o]}", "control-selections", selection);
}

static json_t *result_json(writing *w) {
  const json_t *range = member_at(w->report, "range"), *previous = member_at(w->report, "previous");
  const json_t *source = member_at(member_at(w->report, "coverage"), "source"), *checked = member_at(source, "checked");
  json_t *result = json_pack(
      "{s:o, s:s, s:s, s:s, s:s, s:o, s:{s:[{s:s, s:s, s:s, s:s, s:{s:s}}]}}", "uuid", uuid_json(w, "result", ""),
      "title", "Behaviour in traces", "description",
      "Verdicts of rules on the traces of the range. Outcomes other than pass and violated claim nothing.", "start",
      text_at(range, "start"), "end", text_at(range, "end"), "reviewed-controls", reviewed_json(w), "local-definitions",
      "components", "uuid", w->component, "type", "service", "title", "Traces", "description",
      "The system whose traces were evaluated, as its tracing backend shows it", "status", "state", "operational");
  set_list(result, "observations", write_entries(w, "rule", observation_json));
  set_list(result, "findings", write_entries(w, "control", finding_json));
  json_t *props = json_array();
  bt_json_append(props, prop_json("report-id", text_at(w->report, "report_id")));
  bt_json_append(props, prop_json("complete", json_is_true(member_at(w->report, "complete")) ? "true" : "false"));
  bt_json_append(props, prop_json("chain-head", w->head));
  if (text_at(w->report, "tenant")[0]) bt_json_append(props, prop_json("tenant", text_at(w->report, "tenant")));
  /* Reports of before name neither a report before them nor a source; the first one of a service knows no other. */
  if (text_at(previous, "report_id")[0]) {
    bt_json_append(props, prop_json("previous-report-id", text_at(previous, "report_id")));
    bt_json_append(props, prop_json("previous-head", text_at(previous, "head")));
  }
  if (text_at(source, "version")[0]) bt_json_append(props, prop_json("source-version", text_at(source, "version")));
  if (json_is_boolean(checked))
    bt_json_append(props, prop_json("source-version-checked", json_is_true(checked) ? "true" : "false"));
  set_list(result, "props", props);
  return result;
}

static json_t *metadata_json(writing *w) {
  const json_t *framework = member_at(w->report, "framework");
  json_t *title = json_sprintf("BeTrace report: %s", text_at(framework, "title"));
  json_t *metadata = json_pack("{s:o, s:s, s:o, s:s}", "title", line_json(title ? json_string_value(title) : ""),
                               "last-modified", text_at(w->report, "evaluated_at"), "version",
                               line_json(text_at(w->report, "report_id")), "oscal-version", OSCAL_VERSION);
  json_decref(title);
  return metadata;
}

static json_t *document_json(writing *w, const json_t *evidence) {
  char plan[UUID_TEXT], href[UUID_TEXT + 1];
  make_uuid(w, "plan", "", plan);
  snprintf(href, sizeof href, "#%s", plan);
  json_t *local = json_object(), *props = json_array();
  set_list(local, "objectives-and-methods", write_entries(w, "control", objective_json));
  set_list(local, "activities", write_entries(w, "rule", activity_json));
  bt_json_append(props, prop_json("signature", text_at(evidence, "signature")));
  bt_json_append(props, prop_json("key-id", text_at(evidence, "key_id")));
  if (text_at(member_at(evidence, "time_stamp"), "token")[0])
    bt_json_append(props, prop_json("time-stamp-token", text_at(member_at(evidence, "time_stamp"), "token")));
  json_t *results =
      json_pack("{s:o, s:o, s:{s:s}, s:[o], s:{s:[{s:s, s:s, s:s, s:o}]}}", "uuid", uuid_json(w, "document", ""),
                "metadata", metadata_json(w), "import-ap", "href", href, "results", result_json(w), "back-matter",
                "resources", "uuid", plan, "title", "The rules as the plan of this assessment", "description",
                "What was assessed are the rules that stand here as activities; there is no other plan. The "
                "JSON form of the report, with its chain and signature, is the evidence.",
                "props", props);
  if (local && !json_object_size(local))
    json_decref(local);
  else
    bt_json_set(results, "local-definitions", local);
  return json_pack("{s:o}", "assessment-results", results);
}

bt_status bt_oscal_json(const json_t *document, json_t **out, bt_error *error) {
  writing w = {.entries = member_at(document, "entries"), .head = text_at(member_at(document, "evidence"), "head")};
  bool had_failed = bt_json_memory_failed(); /* before, in what the caller builds */
  bt_json_memory_begin();
  w.report = member_at(json_array_get(w.entries, 0), "body");
  w.framework = text_at(member_at(w.report, "framework"), "name");
  make_uuid(&w, "component", "", w.component);
  *out = document_json(&w, member_at(document, "evidence"));
  bool is_whole = *out && !w.failed && !bt_json_memory_failed();
  if (had_failed) bt_json_memory_lacks();
  if (is_whole) return BT_OK;
  json_decref(*out);
  *out = NULL;
  return bt_error_no_memory(error);
}
