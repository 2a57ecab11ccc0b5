/* Explanations as JSON. See explain_json.h. */
#include "server/json/explain_json.h"

#include "server/base/time_text.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

static json_t *number_json(uint64_t value) {
  return json_integer((json_int_t)value);
}

static json_t *time_json(int64_t time_ns) {
  char text[40];
  bt_time_format(time_ns, text);
  return json_string(text);
}

static json_t *cost_json(const bt_cost *cost) {
  return json_pack("{s:o, s:o, s:o, s:f}", "traces_read", number_json(cost->traces_read), "requests",
                   number_json(cost->requests), "bytes", number_json(cost->bytes), "units", cost->units);
}

static json_t *price_json(const bt_price *price) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f}", "replays", number_json(price->replays), "requests",
                   number_json(price->requests), "bytes_inspected", number_json(price->bytes_inspected),
                   "bytes_received", number_json(price->bytes_received), "traces_read", number_json(price->traces_read),
                   "seconds", (double)price->duration_ns / 1e9);
}

static json_t *names_json(const bt_met_names *names) {
  json_t *array = json_array();
  bt_several_names several;
  for (size_t i = 0; bt_met_names_get(names, i, &several); i++) {
    json_t *keys = json_array();
    for (uint32_t k = 0; k < several.key_count; k++) bt_json_append(keys, bt_text_json(several.keys[k]));
    bt_json_append(array, json_pack("{s:o, s:o}", "attribute", bt_text_json(several.attribute), "keys", keys));
  }
  return array;
}

static json_t *own_names_json(const bt_own_names *used) {
  json_t *array = json_array();
  for (size_t i = 0; i < used->name_count; i++)
    bt_json_append(array, json_pack("{s:o, s:o}", "name", bt_text_json(used->names[i].word), "spans",
                                    bt_text_json(used->names[i].spans)));
  return array;
}

static json_t *rule_json(const bt_explain_rule *rule, bool is_probed) {
  json_t *queries = json_array(), *options = json_array();
  for (const bt_explain_query *q = rule->queries; q < rule->queries + rule->query_count; q++) {
    json_t *query = json_pack("{s:s, s:s}", "use", bt_explain_use_name(q->use), "traceql", q->traceql);
    if (query && q->is_probed) bt_json_set(query, "estimated_found", number_json(q->estimated_found));
    bt_json_append(queries, query);
  }
  for (const bt_explain_option *o = rule->options; o < rule->options + BT_EXPLAIN_OPTIONS; o++) {
    json_t *option = json_pack("{s:s, s:b}", "strategy", bt_strategy_name(o->strategy), "possible", o->is_possible);
    if (option && !o->is_possible) bt_json_set(option, "why_not", json_string(o->why_not));
    if (option && o->is_possible && is_probed) bt_json_set(option, "cost", cost_json(&o->cost));
    bt_json_append(options, option);
  }
  return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:b, s:b, s:o, s:o}", "rule_id",
                   rule->definition->fields.id, "rule_name", rule->definition->fields.name, "condition_hash",
                   rule->definition->condition_hash, "strategy", bt_strategy_name(rule->chosen), "strategies", options,
                   "candidates", rule->candidates, "decided_locally", rule->decided_locally, "several_names",
                   names_json(rule->names), "own_names", own_names_json(&rule->definition->rule->used), "reads_by_id",
                   rule->reads_by_id, "rests_on_absence", rule->rests_on_absence, "queries", queries, "price",
                   price_json(&rule->price));
}

json_t *bt_explain_json(const bt_explain_result *result) {
  json_t *rules = json_array();
  for (size_t i = 0; i < result->rule_count; i++)
    bt_json_append(rules, rule_json(&result->rules[i], result->is_probed));
  json_t *object =
      json_pack("{s:o, s:{s:o, s:o}, s:b, s:o, s:{s:o, s:o}}", "source", bt_source_json(&result->source), "searched",
                "start", time_json(result->searched.start_ns), "end", time_json(result->searched.end_ns), "probed",
                result->is_probed, "rules", rules, "probes", "requests", number_json(result->requests),
                "bytes_inspected", number_json(result->bytes_inspected));
  if (object && result->is_probed) bt_json_set(object, "estimated_traces", number_json(result->estimated_traces));
  if (object && !result->is_probed) bt_json_set(object, "problem", bt_text_json(bt_str_from(result->problem)));
  return object;
}
