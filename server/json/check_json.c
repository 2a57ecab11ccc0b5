/* Problems of rule files as JSON. See check_json.h. */
#include "server/json/check_json.h"

#include <stdio.h>
#include <string.h>

#include "server/json/json_values.h"
#include "server/json/replay_json.h"

static json_t *id_json(bt_str rule_id) {
  return rule_id.len ? bt_text_json(rule_id) : json_null();
}

json_t *bt_problem_json(bt_str rule_id, unsigned line, unsigned column, bt_str message) {
  return json_pack("{s:o, s:n, s:s, s:o, s:I, s:I, s:n}", "rule_id", id_json(rule_id), "code", "severity", "error",
                   "message", bt_text_json(message), "line", (json_int_t)line, "column", (json_int_t)column, "range");
}

json_t *bt_rule_diagnostics_json(bt_str rule_id, const bt_diagnostics *diagnostics) {
  json_t *found = bt_diagnostics_json(diagnostics), *item;
  size_t index;
  json_array_foreach(found, index, item) bt_json_set(item, "rule_id", id_json(rule_id));
  return found;
}

json_t *bt_checked_rule_json(const bt_checked_rule *rule) {
  json_t *found = bt_rule_diagnostics_json(rule->id, &rule->diagnostics);
  if (found && rule->problem.ptr)
    bt_json_append(found, bt_problem_json(rule->id, rule->source->line, 1, rule->problem));
  return found;
}

json_t *bt_unused_names_json(const bt_checked_file *file) {
  json_t *found = bt_rule_diagnostics_json(BT_STR(""), &file->unused), *item;
  size_t index;
  json_array_foreach(found, index, item) bt_json_set(item, "range", json_null());
  return found;
}

static void add_text_problems(void *context, const bt_rulefile_rule *rule, const bt_diagnostics *diagnostics) {
  const char *id = rule->fields.id;
  json_t *of_text = bt_rule_diagnostics_json(id ? bt_str_from(id) : BT_STR(""), diagnostics);
  bt_json_append_all(context, of_text);
}

static void add_file_problem(json_t *found, const char *file_name, const char *message) {
  bt_file_problem problem = bt_file_problem_of(file_name, message);
  bt_json_append(found, bt_problem_json(BT_STR(""), problem.line, problem.column, bt_str_from(problem.message)));
}

json_t *bt_file_problems_json(bt_str text, const char *file_name, const char *first) {
  bt_buffer lines = {0};
  json_t *found = json_array(), *of_texts = json_array();
  bt_rulefile_problems(text, file_name, &lines, add_text_problems, of_texts);
  if (!lines.len) add_file_problem(found, file_name, first);
  for (char *line = lines.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    add_file_problem(found, file_name, line);
  }
  bt_json_append_all(found, of_texts);
  bt_buffer_dispose(&lines);
  return found;
}

bt_file_problem bt_file_problem_of(const char *file_name, const char *message) {
  bt_file_problem problem = {1, 1, message};
  int length = 0;
  size_t name = strlen(file_name) < 100 ? strlen(file_name) : 100; /* the reader shows no more of a name */
  if (strncmp(message, file_name, name) == 0) problem.message += name;
  /* NOLINTNEXTLINE(cert-err34-c): the readers of files wrote these numbers */
  if (sscanf(problem.message, ":%u:%u: %n", &problem.line, &problem.column, &length) == 2 && length)
    problem.message += length;
  return problem;
}
