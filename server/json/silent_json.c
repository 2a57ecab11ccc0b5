/* Silent rules as JSON. See silent_json.h. */
#include "server/json/silent_json.h"

#include "server/json/json_values.h"
#include "server/json/replay_json.h"

static json_t *came_json(const bt_seen_mark *came) {
  return json_pack("{s:s, s:o, s:o, s:o, s:I}", "kind", bt_seen_kind_name(came->kind), "service",
                   bt_text_json(came->service), "key", bt_text_json(came->key), "text", bt_text_json(came->text),
                   "traces", (json_int_t)came->traces[BT_SEEN_SINCE]);
}

static json_t *went_json(const bt_vanished *went) {
  json_t *came = json_array();
  for (size_t i = 0; i < went->came_count; i++) bt_json_append(came, came_json(went->came[i]));
  return json_pack("{s:s, s:o, s:o, s:o, s:I, s:o}", "kind", bt_seen_kind_name(went->kind), "service",
                   bt_text_json(went->service), "key", bt_text_json(went->key), "text", bt_text_json(went->text),
                   "traces", (json_int_t)went->before, "came", came);
}

static const char *result_of(const bt_silent_rule *rule) {
  if (!rule->exercising) return "always_exercised";
  if (rule->why[0]) return "unknown";
  return rule->found.state == BT_SILENCE_FALLEN ? "silent" : "as_before";
}

static json_t *rule_json(const bt_silent *silent, const bt_silent_rule *rule) {
  const bt_silence *found = &rule->found;
  bool is_silent = !rule->why[0] && found->state == BT_SILENCE_FALLEN;
  bt_buffer message = {0};
  json_t *went = json_array();
  for (size_t i = 0; i < rule->went_count; i++) bt_json_append(went, went_json(&rule->went[i]));
  bt_silent_rule_write(rule, &silent->tally, &message);
  json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:f, s:f, s:o}", "rule_id", rule->rule->fields.id, "result",
                           result_of(rule), "message", bt_text_json(bt_buffer_str(&message)), "since",
                           is_silent ? bt_time_json(rule->since_ns) : json_null(), "traces", (json_int_t)found->traces,
                           "exercised", (json_int_t)found->seen, "expected", found->expected, "chance", found->chance,
                           "went", went);
  bt_buffer_dispose(&message);
  return json;
}

json_t *bt_silent_json(const bt_silent *silent) {
  json_t *rules = json_array();
  for (size_t i = 0; i < silent->rule_count; i++) bt_json_append(rules, rule_json(silent, &silent->rules[i]));
  return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "rules", rules, "end", bt_time_json(silent->end_ns),
                   "steps", (json_int_t)silent->step_count, "traces_before",
                   (json_int_t)silent->tally.traces[BT_SEEN_BEFORE], "traces_since",
                   (json_int_t)silent->tally.traces[BT_SEEN_SINCE], "requests", (json_int_t)silent->requests,
                   "bytes_inspected", (json_int_t)silent->bytes_inspected, "bytes_received",
                   (json_int_t)silent->bytes_received, "sampling", bt_sampling_json(&silent->sampling));
}
