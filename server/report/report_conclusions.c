/* Checking what a report concludes from its own numbers. See report_read.h. */
#include <inttypes.h>
#include <string.h>

#include "server/report/report_build.h"
#include "server/report/report_read.h"

static const char *text_at(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

static json_int_t count_at(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static bt_status refuse(const char *what, const char *id, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the report contradicts itself: %s %.128s does not follow from its numbers",
                      what, id);
}

static bool is_status(const json_t *body, bt_finding finding) {
  return strcmp(text_at(body, "status"), bt_finding_name(finding)) == 0;
}

static bool find_finding(const char *name, bt_finding *out) {
  for (int i = 0; i < BT_FINDING_COUNT; i++) {
    *out = (bt_finding)i;
    if (strcmp(bt_finding_name(*out), name) == 0) return true;
  }
  return false;
}

/* ---- rules ---- */

static bt_status check_rule(const json_t *rule, bool is_complete, bt_error *error) {
  const json_t *counts = json_object_get(rule, "counts");
  bool has_violations = count_at(counts, "violated") > 0;
  bool may_pass =
      is_complete && !has_violations && !count_at(counts, "inconclusive") && count_at(counts, "exercised") > 0;
  bool may_be_unexercised = is_complete && !has_violations && !count_at(counts, "exercised");
  bool is_evaluated = json_is_true(json_object_get(rule, "evaluated"));
  if (is_status(rule, BT_FINDING_PASS) && (!may_pass || !is_evaluated))
    return refuse("the pass of rule", text_at(rule, "rule_id"), error);
  if (is_status(rule, BT_FINDING_NOT_EXERCISED) && !may_be_unexercised)
    return refuse("\"not exercised\" of rule", text_at(rule, "rule_id"), error);
  if (is_status(rule, BT_FINDING_VIOLATED) != has_violations)
    return refuse("the outcome of rule", text_at(rule, "rule_id"), error);
  return BT_OK;
}

static const json_t *find_rule(const json_t *entries, const char *id) {
  for (size_t i = 0; i < json_array_size(entries); i++) {
    const json_t *entry = json_array_get(entries, i), *body = json_object_get(entry, "body");
    if (strcmp(text_at(entry, "type"), "rule") == 0 && strcmp(text_at(body, "rule_id"), id) == 0) return body;
  }
  return NULL;
}

/* ---- controls ---- */

/* A control repeats what its rules say. */
static bool repeats(const json_t *shown, const json_t *rule) {
  bool decides = json_is_true(json_object_get(rule, "enabled")) && !json_is_true(json_object_get(rule, "shadow"));
  return rule && strcmp(text_at(shown, "status"), text_at(rule, "status")) == 0 &&
         json_equal(json_object_get(shown, "counts"), json_object_get(rule, "counts")) &&
         json_is_true(json_object_get(shown, "decides")) == decides;
}

static bt_status check_control(const json_t *entries, const json_t *control, bool has_unknown, bt_error *error) {
  const json_t *rules = json_object_get(control, "rules");
  const char *id = text_at(control, "control");
  bt_finding so_far = BT_FINDING_NO_RULES, said, both[2];
  for (size_t i = 0; i < json_array_size(rules); i++) {
    const json_t *shown = json_array_get(rules, i);
    if (!repeats(shown, find_rule(entries, text_at(shown, "rule_id"))) ||
        !find_finding(text_at(shown, "status"), &said))
      return refuse("a rule of control", id, error);
    if (!json_is_true(json_object_get(shown, "decides"))) continue;
    both[0] = so_far;
    both[1] = said;
    so_far = bt_finding_of_control(both, 2);
  }
  if (so_far == BT_FINDING_NO_RULES && json_array_size(rules)) so_far = BT_FINDING_NOT_EVALUATED;
  so_far = bt_finding_beside_unknown(so_far, has_unknown);
  return is_status(control, so_far) ? BT_OK : refuse("the outcome of control", id, error);
}

/* ---- all of it ---- */

static bt_status check_totals(const json_t *end, const json_int_t *totals, bt_error *error) {
  for (int i = 0; i < BT_FINDING_COUNT; i++)
    if (count_at(json_object_get(end, "controls"), bt_finding_name((bt_finding)i)) != totals[i])
      return refuse("the number of controls", bt_finding_name((bt_finding)i), error);
  return BT_OK;
}

bt_status bt_report_check_conclusions(const json_t *document, bt_error *error) {
  const json_t *entries = json_object_get(document, "entries");
  size_t count = json_array_size(entries);
  const json_t *report = json_object_get(json_array_get(entries, 0), "body");
  const json_t *end = json_object_get(json_array_get(entries, count ? count - 1 : 0), "body");
  bool is_complete = json_is_true(json_object_get(report, "complete"));
  json_int_t totals[BT_FINDING_COUNT] = {0};
  bt_status status = BT_OK;
  for (size_t i = 0; i < count && !status; i++) {
    const json_t *entry = json_array_get(entries, i), *body = json_object_get(entry, "body");
    bt_finding finding;
    if (strcmp(text_at(entry, "type"), "rule") == 0) status = check_rule(body, is_complete, error);
    if (strcmp(text_at(entry, "type"), "control") != 0) continue;
    status = check_control(entries, body, count_at(report, "unknown_rules") > 0, error);
    if (!status && find_finding(text_at(body, "status"), &finding)) totals[finding]++;
  }
  return status ? status : check_totals(end, totals, error);
}
