/* A gate as JSON. See gate_json.h. */
#include "server/json/gate_json.h"

#include "server/json/json_values.h"
#include "server/json/replay_json.h"

json_t *bt_rate_json(const bt_rate *rate) {
  const char *method = rate->basis == BT_SHARE_WEIGHTED ? "wilson_weighted" : "wilson";
  json_t *object = json_pack("{s:I, s:I, s:f, s:{s:s, s:f, s:f, s:f}, s:I, s:I, s:b, s:s}", "violated",
                             (json_int_t)rate->violated, "exercised", (json_int_t)rate->exercised, "rate", rate->rate,
                             "interval", "method", method, "confidence", 0.95, "low", rate->interval.low, "high",
                             rate->interval.high, "inconclusive", (json_int_t)rate->inconclusive, "unsettled",
                             (json_int_t)rate->unsettled, "certain", rate->is_certain, "why_not", rate->why_not);
  if (!object || !bt_sampled_traces_lack(&rate->range)) return object;
  bt_json_set(object, "basis", json_string(bt_share_basis_name(rate->basis)));
  bt_json_set(object, "estimated", bt_estimated_json(&rate->range, &rate->counted));
  return object;
}

static json_t *rule_json(const bt_gate_question *question, const bt_rule_definition *rule, const bt_rate *rates,
                         size_t index) {
  bt_interval difference;
  bt_gate_word word = bt_gate_judge_rule(question, rates, index, &difference);
  return json_pack("{s:s, s:s, s:o, s:o, s:{s:s, s:f, s:f, s:f}}", "rule_id", rule->fields.id, "result",
                   bt_gate_word_name(word), "baseline", bt_rate_json(&rates[2 * index]), "candidate",
                   bt_rate_json(&rates[2 * index + 1]), "difference_interval", "method", "newcombe_wilson",
                   "confidence", 0.95, "low", difference.low, "high", difference.high);
}

json_t *bt_gate_json(const bt_gate_question *question, const bt_rule_definition *const *rules, size_t count,
                     const bt_rate *rates, const bt_replay_result *result) {
  json_t *all = json_array();
  for (size_t i = 0; i < count; i++) bt_json_append(all, rule_json(question, rules[i], rates, i));
  return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "result", bt_gate_word_name(bt_gate_judge(question, rates, count)),
                   "by", question->by, "baseline", question->baseline, "candidate", question->candidate, "rules", all,
                   "coverage", bt_coverage_json(&result->coverage));
}
