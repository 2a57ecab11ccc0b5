/* Problems of rule files as JSON. See check_json.h. */
#include "server/json/check_json.h"

#include <stdio.h>
#include <string.h>

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
  json_array_foreach(found, index, item) json_object_set_new(item, "rule_id", id_json(rule_id));
  return found;
}

json_t *bt_checked_rule_json(const bt_checked_rule *rule) {
  json_t *found = bt_rule_diagnostics_json(rule->id, &rule->diagnostics);
  if (found && rule->problem.ptr)
    json_array_append_new(found, bt_problem_json(rule->id, rule->source->line, 1, rule->problem));
  return found;
}

bt_file_problem bt_file_problem_of(const char *file_name, const char *message) {
  bt_file_problem problem = {1, 1, message};
  int length = 0;
  size_t name = strlen(file_name) < 100 ? strlen(file_name) : 100; /* the reader shows no more of a name */
  if (strncmp(message, file_name, name) == 0) problem.message += name;
  if (sscanf(problem.message, ":%u:%u: %n", &problem.line, &problem.column, &length) == 2 && length)
    problem.message += length;
  return problem;
}
