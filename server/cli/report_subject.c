/* What a compliance report is of, and whether that is what was expected. See report_subject.h. */
#include "server/cli/report_subject.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/report_stamp.h"
#include "server/cli/terminal.h"
#include "server/compliance/catalogue.h"
#include "server/compliance/report_builder.h"
#include "server/compliance/report_reader.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"

static json_int_t number_at(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static const json_t *body_of(const json_t *document, size_t entry) {
  return json_object_get(json_array_get(json_object_get(document, "entries"), entry), "body");
}

static size_t entry_count(const bt_report_subject *subject) {
  return json_array_size(json_object_get(subject->document, "entries"));
}

/* The body of an entry of this type, or NULL. */
static const json_t *entry_of(const bt_report_subject *subject, size_t number, const char *type) {
  const json_t *entry = json_array_get(json_object_get(subject->document, "entries"), number);
  return strcmp(bt_json_text_at(entry, "type"), type) == 0 ? json_object_get(entry, "body") : NULL;
}

bt_report_subject bt_report_subject_of(const json_t *document, const char *key_id, const bt_reported_stamp *stamp) {
  const json_t *head = body_of(document, 0), *range = json_object_get(head, "range");
  return (bt_report_subject){.document = document,
                             .framework = bt_json_text_at(json_object_get(head, "framework"), "name"),
                             .tenant = bt_json_text_at(head, "tenant"),
                             .start = bt_json_text_at(range, "start"),
                             .end = bt_json_text_at(range, "end"),
                             .settled_end = bt_json_text_at(head, "settled_end"),
                             .key_id = key_id,
                             .stamp = stamp,
                             .version = bt_report_version(document)};
}

/* ---- how much was settled ---- */

enum { WHOLE_PPM = 1000000 };

static bool read_times(const bt_report_subject *subject, const char *until, bt_time_range *range, int64_t *end_ns) {
  int64_t now_ns = bt_clock_wall_ns();
  return bt_time_parse(bt_str_from(subject->start), now_ns, &range->start_ns) &&
         bt_time_parse(bt_str_from(subject->end), now_ns, &range->end_ns) && range->start_ns < range->end_ns &&
         bt_time_parse(bt_str_from(until), now_ns, end_ns);
}

/* In millionths, downwards: only all of it is all of it. -1: the report does not say. */
static json_int_t settled_ppm(const bt_report_subject *subject, const char *until) {
  bt_time_range range;
  int64_t end_ns;
  if (!read_times(subject, until, &range, &end_ns)) return -1;
  if (end_ns <= range.start_ns) return 0;
  if (end_ns >= range.end_ns) return WHOLE_PPM;
  return (json_int_t)((double)WHOLE_PPM * (double)(end_ns - range.start_ns) / (double)(range.end_ns - range.start_ns));
}

/* The rule's own share where the report has one; else that of the whole. */
static json_int_t rule_ppm(const bt_report_subject *subject, const json_t *rule) {
  const json_t *own = json_object_get(json_object_get(rule, "share"), "range_ppm");
  return json_is_integer(own) ? json_integer_value(own) : settled_ppm(subject, subject->settled_end);
}

/* "99.97 %", never rounded up to all of it. */
static void write_share(json_int_t ppm, char out[32]) {
  if (ppm < 0)
    snprintf(out, 32, "an unknown part");
  else if (ppm >= WHOLE_PPM)
    snprintf(out, 32, "all");
  else
    snprintf(out, 32, "%" JSON_INTEGER_FORMAT ".%02" JSON_INTEGER_FORMAT " %%", ppm / 10000, ppm / 100 % 100);
}

/* ---- text ---- */

static bt_style style_of(const char *status) {
  if (strcmp(status, "pass") == 0) return BT_STYLE_GREEN;
  return strcmp(status, "violated") == 0 ? BT_STYLE_RED : BT_STYLE_YELLOW;
}

static void print_control(const json_t *control) {
  const char *status = bt_json_text_at(control, "status"), *title = bt_json_text_at(control, "title");
  bt_print("control    %-12s %s%-16s%s %s\n", bt_json_text_at(control, "control"), bt_style_on(style_of(status)),
           status, bt_style_on(BT_STYLE_OFF), title);
  if (bt_json_text_at(control, "reason")[0]) bt_print("           %s\n", bt_json_text_at(control, "reason"));
}

static void print_controls(const bt_report_subject *subject) {
  size_t without = 0;
  for (size_t i = 0; i < entry_count(subject); i++) {
    const json_t *control = entry_of(subject, i, "control");
    bool has_none = strcmp(bt_json_text_at(control, "status"), "no_rules") == 0;
    without += control && has_none;
    if (control && !has_none) print_control(control);
  }
  if (without) bt_print("           no rule stands for %zu other control%s\n", without, bt_cli_plural(without));
}

static void print_rule(const bt_report_subject *subject, const json_t *rule) {
  const json_t *counts = json_object_get(rule, "counts");
  char share[32];
  write_share(rule_ppm(subject, rule), share);
  bt_print("rule       %s: %s", bt_json_text_at(rule, "rule_id"), bt_json_text_at(rule, "status"));
  if (json_is_object(counts))
    bt_print(", %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
             " traces that exercised it violate it; settled: %s of the range",
             number_at(counts, "violated"), number_at(counts, "exercised"), share);
  bt_print("\n");
  if (json_array_size(json_object_get(rule, "condition_changes")))
    bt_print("           %s\n", bt_json_text_at(rule, "reason"));
}

size_t bt_report_subject_idle(const bt_report_subject *subject) {
  size_t count = 0;
  for (size_t i = 0; i < entry_count(subject); i++) {
    const json_t *rule = entry_of(subject, i, "rule");
    count += rule && strcmp(bt_json_text_at(rule, "status"), "not_exercised") == 0;
  }
  return count;
}

void bt_report_subject_print(const bt_report_subject *subject) {
  char share[32];
  write_share(settled_ppm(subject, subject->settled_end), share);
  bt_print("framework  %s\n", subject->framework);
  bt_print("tenant     %s\n", subject->tenant[0] ? subject->tenant : "(none)");
  bt_print("range      %s to %s\n", subject->start, subject->end);
  bt_print("settled    %s of the range, up to %s\n", share, subject->settled_end);
  print_controls(subject);
  for (size_t i = 0; i < entry_count(subject); i++) {
    const json_t *rule = entry_of(subject, i, "rule");
    if (rule) print_rule(subject, rule);
  }
}

/* ---- JSON ---- */

static json_t *rule_json(const bt_report_subject *subject, const json_t *rule) {
  json_int_t ppm = rule_ppm(subject, rule);
  return json_pack("{s:s, s:s, s:o, s:I}", "rule_id", bt_json_text_at(rule, "rule_id"), "status",
                   bt_json_text_at(rule, "status"), "settled_ppm", ppm < 0 ? json_null() : json_integer(ppm),
                   "condition_changes", (json_int_t)json_array_size(json_object_get(rule, "condition_changes")));
}

void bt_report_subject_add(const bt_report_subject *subject, json_t *object) {
  json_t *controls = json_array(), *rules = json_array();
  json_int_t ppm = settled_ppm(subject, subject->settled_end);
  for (size_t i = 0; i < entry_count(subject); i++) {
    const json_t *control = entry_of(subject, i, "control"), *rule = entry_of(subject, i, "rule");
    if (control)
      bt_json_append(controls, json_pack("{s:s, s:s}", "control", bt_json_text_at(control, "control"), "status",
                                         bt_json_text_at(control, "status")));
    if (rule) bt_json_append(rules, rule_json(subject, rule));
  }
  bt_json_set(object, "framework", json_string(subject->framework));
  bt_json_set(object, "tenant", json_string(subject->tenant));
  bt_json_set(object, "range", json_pack("{s:s, s:s}", "start", subject->start, "end", subject->end));
  bt_json_set(object, "settled",
              json_pack("{s:s, s:o}", "end", subject->settled_end, "ppm", ppm < 0 ? json_null() : json_integer(ppm)));
  bt_json_set(object, "key_id", subject->key_id ? json_string(subject->key_id) : json_null());
  bt_json_set(object, "controls", controls);
  bt_json_set(object, "rules_of_report", rules);
}

/* ---- expectations ---- */

static const char *const names[] = {"framework", "tenant", "range", "key", "timestamp", "version"};
enum { FRAMEWORK, TENANT, RANGE, KEY, TIMESTAMP, VERSION, NAMES };

static int name_of(const char *text, const char **value) {
  size_t length = strcspn(text, "=");
  *value = text + length + (text[length] == '=');
  for (int i = 0; i < NAMES; i++)
    if (text[length] == '=' && strlen(names[i]) == length && strncmp(text, names[i], length) == 0) return i;
  return NAMES;
}

static bool read_range(const char *text, bt_time_range *out) {
  const char *slash = strchr(text, '/');
  int64_t now_ns = bt_clock_wall_ns();
  return slash && bt_time_parse((bt_str){text, (size_t)(slash - text)}, now_ns, &out->start_ns) &&
         bt_time_parse(bt_str_from(slash + 1), now_ns, &out->end_ns) && out->start_ns < out->end_ns;
}

static bool is_value(int name, const char *value) {
  bt_time_range range;
  switch (name) {
  case TENANT: return true;
  case RANGE: return read_range(value, &range);
  case TIMESTAMP: return bt_report_stamp_is_expectation(value);
  case VERSION: return value[0] >= '1' && value[0] <= '0' + BT_REPORT_VERSION && !value[1];
  default: return name != NAMES && value[0];
  }
}

bool bt_expectations_add(bt_expectations *expectations, const char *text) {
  const char *value;
  int name = name_of(text, &value);
  if (!is_value(name, value) || expectations->count == BT_EXPECTATIONS_MAX) return false;
  expectations->items[expectations->count++] = text;
  return true;
}

static bool is_range(const bt_report_subject *subject, const char *text) {
  bt_time_range expected, found;
  int64_t ignored;
  return read_range(text, &expected) && read_times(subject, subject->end, &found, &ignored) &&
         expected.start_ns == found.start_ns && expected.end_ns == found.end_ns;
}

static bool meets_expectation(const bt_report_subject *subject, int name, const char *value) {
  switch (name) {
  case FRAMEWORK: return bt_framework_means(bt_str_from(value), bt_str_from(subject->framework));
  case TENANT: return strcmp(value, subject->tenant) == 0;
  case RANGE: return is_range(subject, value);
  case TIMESTAMP: return bt_report_stamp_holds(subject->stamp, value);
  case VERSION: return value[0] - '0' == subject->version;
  default: return subject->key_id && strcasecmp(value, subject->key_id) == 0;
  }
}

static json_t *found_json(const bt_report_subject *subject, int name) {
  switch (name) {
  case FRAMEWORK: return json_string(subject->framework);
  case TENANT: return json_string(subject->tenant);
  case RANGE: return json_sprintf("%s/%s", subject->start, subject->end);
  case TIMESTAMP: return bt_report_stamp_found_json(subject->stamp);
  case VERSION: return json_sprintf("%d", subject->version);
  default: return subject->key_id ? json_string(subject->key_id) : json_null();
  }
}

static void check_expectation(const bt_report_subject *subject, int name, const char *value, json_t *mismatches) {
  if (meets_expectation(subject, name, value)) return;
  bt_json_append(mismatches, json_pack("{s:s, s:s, s:o}", "what", names[name], "expected", value, "found",
                                       found_json(subject, name)));
}

json_t *bt_expectations_check(const bt_expectations *expectations, const bt_report_subject *subject) {
  static const char newest[] = {'0' + BT_REPORT_VERSION, '\0'};
  json_t *mismatches = json_array();
  bool names_version = false;
  for (size_t i = 0; i < expectations->count; i++) {
    const char *value;
    int name = name_of(expectations->items[i], &value);
    names_version = names_version || name == VERSION;
    check_expectation(subject, name, value, mismatches);
  }
  if (!names_version) check_expectation(subject, VERSION, newest, mismatches);
  return mismatches;
}

void bt_mismatches_print(const json_t *mismatches) {
  size_t index;
  const json_t *one;
  json_array_foreach(mismatches, index, one) {
    const char *found = json_string_value(json_object_get(one, "found"));
    bt_print("%sexpected   %s %s, and it is %s%s\n", bt_style_on(BT_STYLE_RED), bt_json_text_at(one, "what"),
             bt_json_text_at(one, "expected"),
             found ? (found[0] ? found : "(none)") : "not known: no signature was checked", bt_style_on(BT_STYLE_OFF));
    if (strcmp(bt_json_text_at(one, "what"), names[VERSION]) == 0)
      bt_print(
          "           --expect version=%s takes it, where it is known to be of before: it has less to contradict\n",
          found ? found : "");
  }
}
