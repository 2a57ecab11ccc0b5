/* Problems as JSON. See problems_json.h. */
#include "server/json/problems_json.h"

#include <math.h>
#include <string.h>

#include "server/json/json_memory.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

enum { PART_BYTES = 1024 };

void bt_problem_say(const bt_found_problem *problem, const bt_rule_definition *rule, bt_buffer *out) {
  const bt_violation_choice choice = {.failed = problem->failed};
  if (problem->is_looked_at)
    bt_violation_say_failure(rule->rule, &choice,
                             out); /* without what was measured: that differs from trace to trace */
  else
    bt_buffer_append(out, BT_STR("what failed was not looked at"));
}

static json_t *message_json(const bt_found_problem *problem, const bt_rule_definition *rule) {
  bt_buffer said = {0};
  bt_problem_say(problem, rule, &said);
  json_t *text = said.failed ? NULL : bt_text_json(bt_text_cut(bt_buffer_str(&said), PART_BYTES));
  if (said.failed) bt_json_memory_lacks();
  bt_buffer_dispose(&said);
  return text;
}

static json_t *failed_json(const bt_found_problem *problem) {
  if (!problem->is_looked_at) return json_null();
  return json_pack("{s:s, s:o}", "clause", problem->clause, "text",
                   bt_text_json(bt_text_cut(problem->part, PART_BYTES)));
}

static json_t *sparkline_json(const bt_problems *problems, const bt_found_problem *problem) {
  json_t *array = json_array();
  for (size_t i = 0; i < problems->step_count; i++) {
    uint64_t violations = 0;
    bool is_known = bt_problem_step(problems, problem, i, &violations);
    bt_json_append(array, is_known ? bt_count_json(violations) : json_null());
  }
  return array;
}

static json_t *part_json(const bt_rate_part *part, bool by_time) {
  json_t *object = json_pack("{s:o, s:o}", "violations", bt_count_json(part->violations), "exercised",
                             by_time ? json_null() : bt_count_json(part->exercised));
  bt_json_set(object, "seconds", json_real(round((double)part->length_ns / 1e6) / 1e3));
  return object;
}

static json_t *change_json(const bt_rate_change *change, bool by_time) {
  const char *direction = bt_rate_change_is_rise(change, by_time) ? "rose" : "fell";
  json_t *object = json_pack("{s:s}", "direction", direction);
  if (!object) return NULL;
  bt_json_set(object, "at", bt_time_json(change->at_ns));
  bt_json_set(object, "from", bt_time_json(change->from_ns));
  bt_json_set(object, "to", bt_time_json(change->to_ns));
  bt_json_set(object, "before", part_json(&change->before, by_time));
  bt_json_set(object, "after", part_json(&change->after, by_time));
  return object;
}

static json_t *changes_json(const bt_found_problem *problem) {
  if (problem->changes_why) return json_null();
  json_t *array = json_array();
  for (size_t i = 0; i < problem->change_count; i++)
    bt_json_append(array, change_json(&problem->changes[i], problem->changes_by_time));
  return array;
}

static json_t *problem_json(const bt_problems *problems, const bt_found_problem *problem,
                            const bt_rule_definition *rule) {
  const bt_rule_result *result = &problems->result.rules[problem->rule];
  const char *root = !problem->is_looked_at ? "not_looked_at" : problem->has_root ? "root" : "no_root";
  json_t *object =
      json_pack("{s:s, s:s, s:o, s:s}", "id", problem->id, "rule_id", rule->fields.id, "rule_name",
                bt_text_json(bt_str_from(rule->fields.name)), "severity", bt_severity_name(rule->fields.severity));
  if (!object) return NULL;
  bt_json_set(object, "failed", failed_json(problem));
  bt_json_set(object, "message", message_json(problem, rule));
  bt_json_set(object, "entry", json_string(root));
  bt_json_set(object, "entry_service", problem->is_looked_at ? bt_text_json(problem->service) : json_null());
  bt_json_set(object, "count", bt_count_json(problem->count));
  bt_json_set(object, "count_kind", json_string(problem->is_at_least ? "at_least" : "exact"));
  bt_json_set(object, "provisional", bt_count_json(problem->provisional));
  bt_json_set(object, "exercised", bt_count_json(problems->exercised[problem->rule]));
  bt_json_set(object, "exercised_kind", json_string(result->exercised_is_exact ? "exact" : "at_least"));
  bt_json_set(object, "share", problem->share < 0 ? json_null() : json_real(round(problem->share * 1e6) / 1e6));
  bt_json_set(object, "sparkline", sparkline_json(problems, problem));
  bt_json_set(object, "first_seen", bt_moment_json(&problem->first));
  bt_json_set(object, "last_seen", bt_moment_json(&problem->last));
  bt_json_set(object, "trend", json_string(bt_trend_name(problem->trend)));
  bt_json_set(object, "trend_unknown", problem->why ? json_string(problem->why) : json_null());
  bt_json_set(object, "changes", changes_json(problem));
  bt_json_set(object, "changes_unknown", problem->changes_why ? json_string(problem->changes_why) : json_null());
  return object;
}

/* An id of a rule has no character that a URL has to escape. */
static void set_link(json_t *object, const bt_found_problem *problem, const bt_rule_definition *rule) {
  bt_json_set(object, "link", json_sprintf("/v1/problems?rule_id=%s&id=%s", rule->fields.id, problem->id));
}

static json_t *items_json(const bt_problems *problems, const bt_rule_definition *const *rules,
                          const bt_problems_wish *wish) {
  json_t *items = json_array();
  for (size_t i = 0; i < problems->count && !(wish->most && json_array_size(items) >= wish->most); i++) {
    const bt_found_problem *problem = &problems->items[i];
    if (wish->id && strcmp(wish->id, problem->id) != 0) continue;
    json_t *object = problem_json(problems, problem, rules[problem->rule]);
    if (wish->has_links) set_link(object, problem, rules[problem->rule]);
    bt_json_append(items, object);
  }
  return items;
}

json_t *bt_problems_json(const bt_problems *problems, const bt_rule_definition *const *rules,
                         const bt_problems_wish *wish) {
  const bt_replay_result *result = &problems->result;
  json_t *object = bt_replay_result_json(result, rules, bt_replay_outcome_name(result->outcome));
  if (!object) return NULL;
  bt_json_set(object, "coverage", bt_replay_coverage_json(&result->coverage));
  bt_json_set(object, "start", bt_time_json(problems->range.start_ns));
  bt_json_set(object, "end", bt_time_json(problems->range.end_ns));
  bt_json_set(object, "step_seconds", json_real(round((double)problems->step_ns / 1e6) / 1e3));
  bt_json_set(object, "steps", bt_count_json(problems->step_count));
  bt_json_set(object, "problems_total", bt_count_json(problems->count));
  bt_json_set(object, "problems", items_json(problems, rules, wish));
  return object;
}
