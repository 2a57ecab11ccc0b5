/* SARIF 2.1.0. See sarif.h. Columns are code points, and the run says so; paths are relative references,
 * percent-encoded. */
#include "server/json/sarif.h"

#include <stdio.h>
#include <string.h>

#include "server/json/json_values.h"
#include "tempo/wire/url.h"

typedef struct code_meaning {
  const char *code, *meaning;
} code_meaning;

/* What has no code is a field of a rule, or a file that is no rule file. */
static const code_meaning meanings[] = {
    {"rulefile", "The rule file or a field of a rule is wrong"},
    {"E001", "A character, escape or string that cannot be read"},
    {"E002", "A number or duration that cannot be read, or is too large or too fine"},
    {"E003", "A limit of size, nesting, nodes or bindings"},
    {"E010", "Syntax"},
    {"E011", "A clause stands twice"},
    {"E012", "when without always and never"},
    {"E020", "A binding is not visible here"},
    {"E021", "Constants are compared, or a constant stands alone on the left"},
    {"E022", "`as` is not allowed here"},
    {"E023", "A binding shadows another"},
    {"E024", "A binding stands where one of its fields is needed"},
    {"E025", "Unknown field or literal"},
    {"E030", "A duration against something that has no unit"},
    {"E031", "Types in arithmetic and aggregates"},
    {"E032", "A time against something that is no time"},
    {"E033", "A regex that cannot be compiled"},
    {"E034", "An operator that needs a string"},
    {"E035", "A field of an event or a link where none can be"},
    {"E036", "A test on a span that does not say which span"},
    {"E037", "A filter behind a reference"},
    {"E038", "A relation over links in `when`, or without `within`"},
    {"E039", "A count of events or links where no single span is, or of what is no test"},
    {"E040", "Annotations"},
    {"E041", "A name that stands for no spans"},
    {"W001", "A condition that can never hold, or always holds"},
    {"W002", "An attribute where an intrinsic was probably meant"},
    {"W003", "A bare word on the right is a string"},
    {"W004", "No positive selector: every trace has to be read"},
    {"W005", "A binding that is never used"},
    {"W006", "An empty list"},
    {"W007", "An attribute whose head is a span name elsewhere in the rule"},
    {"W008", "`.start` or `.end` that belongs to a name"},
    {"W009", "`duration` read as an attribute"},
    {"W010", "A bare key inside event.where(…) or link.where(…) is the span's attribute"},
    {"W011", "A span name that is nearly the name of a binding"},
    {"W012", "The second string of an `or` is a test of its own"},
    {"W013", "`#` behind a name begins a comment"},
    {"W014", "A field of spans behind a name"},
    {"W015", "An attribute `count` of a name"},
    {"W016", "An attribute that is hardly called so"},
    {"W017", "A star at the end of a name, which matches exactly"},
    {"W018", "every(…) holds where there is no such span"},
    {"W019", "min, max and avg of no span are missing, so that the rule is violated"},
    {"W020", "A name is a span of the rule's own trace"},
    {"W021", "One span is picked before its links are asked for"},
    {"W022", "Two spans may meet two tests"},
    {"W023", "A text that is the id of no span"},
    {"W024", "A span's name that is nearly a name of the rule file"},
    {"W025", "A count of spans where the events of one span were probably meant"},
    {"W026", "An attribute is read by its old name, and newer spans say another one"},
    {"W027", "A name that changed, and that @semconv does not read for its other name"},
    {"W028", "A name that the text gives, and that the rule does not use"},
    {"W029", "An attribute that is called as a name of the rule file"},
    {"W030", "An alias or a name of the rule file that no rule of the file uses"},
    {"W031", "A word of the language that is the name of spans here"},
};

static const char *meaning_of(const json_t *problem, const char *code) {
  const char *own = json_string_value(json_object_get(problem, "meaning"));
  if (own) return own;
  for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
    if (strcmp(meanings[i].code, code) == 0) return meanings[i].meaning;
  return "A problem of a rule";
}

static const char *code_of(const json_t *problem) {
  const char *code = json_string_value(json_object_get(problem, "code"));
  return code ? code : "rulefile";
}

/* Where the code stands in the list of rules; it is added when it is new. */
static size_t index_of(json_t *rules, const json_t *problem) {
  const char *code = code_of(problem);
  for (size_t i = 0; i < json_array_size(rules); i++)
    if (strcmp(json_string_value(json_object_get(json_array_get(rules, i), "id")), code) == 0) return i;
  bt_json_append(rules, json_pack("{s:s, s:{s:s}}", "id", code, "shortDescription", "text", meaning_of(problem, code)));
  return json_array_size(rules) - 1;
}

/* Slashes stay: they divide. */
static json_t *uri_json(const char *path) {
  bt_buffer uri = {0};
  if (path[0] == '/') bt_buffer_append(&uri, BT_STR("file://"));
  while (*path) {
    size_t length = strcspn(path, "/");
    bt_url_encode(&uri, (bt_str){path, length});
    path += length;
    if (*path) bt_buffer_append_char(&uri, *path++);
  }
  json_t *text = bt_text_json(bt_buffer_str(&uri));
  bt_buffer_dispose(&uri);
  return text;
}

static json_t *locations_json(const json_t *problem) {
  const char *file = json_string_value(json_object_get(problem, "file"));
  const char *id = json_string_value(json_object_get(problem, "rule_id"));
  if (!file) return json_array();
  json_t *location =
      json_pack("{s:{s:{s:o}, s:{s:O, s:O}}}", "physicalLocation", "artifactLocation", "uri", uri_json(file), "region",
                "startLine", json_object_get(problem, "line"), "startColumn", json_object_get(problem, "column"));
  if (location && id) bt_json_set(location, "logicalLocations", json_pack("[{s:s}]", "name", id));
  return json_pack("[o]", location);
}

static json_t *message_json(const json_t *problem) {
  bt_buffer text = {0};
  const char *message = json_string_value(json_object_get(problem, "message"));
  const char *fix = json_string_value(json_object_get(json_object_get(problem, "fix"), "text"));
  bt_buffer_printf(&text, "%s", message ? message : "");
  if (fix) bt_buffer_printf(&text, "\nfix: %s", fix);
  json_t *json = json_pack("{s:o}", "text", bt_text_json(bt_buffer_str(&text)));
  bt_buffer_dispose(&text);
  return json;
}

static const char *level_of(const char *severity) {
  bool is_error = !severity || (strcmp(severity, "warning") != 0 && strcmp(severity, "note") != 0);
  return is_error ? "error" : severity;
}

json_t *bt_sarif_json(const json_t *problems, bool is_whole, const char *version) {
  json_t *rules = json_array(), *results = json_array(), *problem;
  size_t at;
  json_array_foreach(problems, at, problem) {
    const char *severity = json_string_value(json_object_get(problem, "severity"));
    size_t index = index_of(rules, problem);
    bt_json_append(results, json_pack("{s:s, s:I, s:s, s:o, s:o}", "ruleId", code_of(problem), "ruleIndex",
                                      (json_int_t)index, "level", level_of(severity), "message", message_json(problem),
                                      "locations", locations_json(problem)));
  }
  return json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:[{s:b}], s:s, s:o}]}", "$schema",
                   "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs", "tool", "driver",
                   "name", "betrace", "version", version, "rules", rules, "invocations", "executionSuccessful",
                   is_whole, "columnKind", "unicodeCodePoints", "results", results);
}
