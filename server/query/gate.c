/* A new version against the old one. See gate.h. */
#include "server/query/gate.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/rule/rule_walk.h"
#include "server/rules/derived_rule.h"

const char *bt_gate_word_name(bt_gate_word word) {
  switch (word) {
  case BT_GATE_PASS: return "pass";
  case BT_GATE_WORSE: return "worse";
  case BT_GATE_TOO_FEW: return "too_few";
  case BT_GATE_UNKNOWN: return "unknown";
  }
  return "unknown";
}

bool bt_gate_compares_itself(const bt_gate_question *question) {
  return strcmp(question->baseline, question->candidate) == 0;
}

/* trace.has(resource.attributes["service.version"] == "1.4.2" and span.service == "checkout") */
static void write_condition(const bt_gate_question *question, const char *version, bt_buffer *out) {
  const char *by = question->by;
  bool is_span = strncmp(by, "span.", 5) == 0, is_resource = strncmp(by, "resource.", 9) == 0;
  bt_buffer_printf(out, "trace.has(%s.attributes[", is_span ? "span" : "resource");
  bt_rule_quote(bt_str_from(by + (is_span ? 5 : is_resource ? 9 : 0)), out);
  bt_buffer_append(out, BT_STR("] == "));
  bt_rule_quote(bt_str_from(version), out);
  if (question->service) {
    bt_buffer_append(out, BT_STR(" and span.service == "));
    bt_rule_quote(bt_str_from(question->service), out);
  }
  bt_buffer_append_char(out, ')');
}

static bt_status derive_version(const bt_gate_question *question, const bt_rule_definition *rule, const char *version,
                                bt_rule_definition **out, bt_error *error) {
  bt_buffer condition = {0};
  write_condition(question, version, &condition);
  bt_status status =
      condition.failed ? bt_error_no_memory(error) : bt_derived_restricted(rule, condition.ptr, out, error);
  bt_buffer_dispose(&condition);
  return status;
}

bt_status bt_gate_rules_derive(const bt_gate_question *question, const bt_rule_definition *const *rules, size_t count,
                               bt_rule_definition ***out, bt_error *error) {
  *out = calloc(2 * count + 1, sizeof **out);
  if (!*out) return bt_error_no_memory(error);
  bt_status status = BT_OK;
  for (size_t i = 0; i < 2 * count && !status; i++)
    status =
        derive_version(question, rules[i / 2], i % 2 ? question->candidate : question->baseline, &(*out)[i], error);
  return status;
}

void bt_gate_rules_free(bt_rule_definition **derived, size_t count) {
  for (size_t i = 0; derived && i < 2 * count; i++) bt_rule_definition_unref(derived[i]);
  free(derived);
}

bt_gate_word bt_gate_judge_rule(const bt_gate_question *question, const bt_rate *rates, size_t rule,
                                bt_interval *difference) {
  const bt_rate *baseline = &rates[2 * rule], *candidate = &rates[2 * rule + 1];
  *difference = bt_rate_difference(baseline, candidate);
  if (!bt_rate_is_sound(baseline) || !bt_rate_is_sound(candidate)) return BT_GATE_UNKNOWN;
  if (candidate->exercised && baseline->exercised && 100 * difference->low > question->max_increase)
    return BT_GATE_WORSE;
  return candidate->exercised < question->least || baseline->exercised < question->least ? BT_GATE_TOO_FEW
                                                                                         : BT_GATE_PASS;
}

bt_gate_word bt_gate_judge(const bt_gate_question *question, const bt_rate *rates, size_t count) {
  bt_gate_word all = count ? BT_GATE_PASS : BT_GATE_UNKNOWN;
  for (size_t i = 0; i < count; i++) {
    bt_interval difference;
    bt_gate_word word = bt_gate_judge_rule(question, rates, i, &difference);
    if (word == BT_GATE_WORSE) return BT_GATE_WORSE;
    if (word > all) all = word;
  }
  return all;
}

/* A rule that only one of the versions exercises was exercised. */
bt_status bt_gate_words_find(bt_source *source, const bt_replay_request *asked, const bt_rate *rates,
                             bt_rule_words *out, bt_error *error) {
  size_t count = asked->rule_count;
  bt_exercise *exercise = calloc(count + 1, sizeof *exercise);
  bool *is_clean = calloc(count + 1, sizeof *is_clean);
  *out = (bt_rule_words){0};
  for (size_t i = 0; exercise && is_clean && i < count; i++) {
    const bt_rate *baseline = &rates[2 * i], *candidate = &rates[2 * i + 1];
    bool is_known = baseline->is_certain && candidate->is_certain;
    bool is_exercised =
        baseline->exercised || candidate->exercised || bt_rule_is_exercised_by_all(asked->rules[i]->rule);
    exercise[i] = is_known && !is_exercised ? BT_EXERCISE_OPEN : BT_EXERCISED;
    is_clean[i] = is_known && is_exercised && !baseline->violated && !candidate->violated;
  }
  if (exercise && is_clean) bt_rule_words_find(source, asked, exercise, is_clean, out);
  bt_status status = exercise && is_clean ? BT_OK : bt_error_no_memory(error);
  free(exercise);
  free(is_clean);
  return status;
}
