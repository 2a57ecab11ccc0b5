/* Contrast as JSON. See contrast_json.h. */
#include "server/json/contrast_json.h"

#include <math.h>

#include "server/json/json_values.h"
#include "server/json/replay_json.h"

const char *bt_value_type_name(bt_value_type type) {
  return type == BT_VALUE_BOOL ? "bool" : type == BT_VALUE_INT ? "int" : type == BT_VALUE_DOUBLE ? "double" : "string";
}

static json_t *number_json(uint64_t number) {
  return json_integer((json_int_t)number);
}

/* Three digits: more would only look exact. */
static json_t *rounded_json(double number) {
  if (number <= 0) return json_real(number);
  double unit = pow(10, floor(log10(number)) - 2);
  return json_real(unit > 0 ? round(number / unit) * unit : number);
}

static json_t *method_json(const bt_contrast_result *result) {
  return json_pack(
      "{s:s, s:s, s:f, s:I, s:s, s:s}", "test", "fisher_exact_two_sided", "correction", "tarone", "level",
      BT_CONTRAST_LEVEL, "divisor", (json_int_t)result->divisor, "effect", "odds_ratio_woolf_haldane_95", "meaning",
      "when nothing separates the two sides, the chance that any mark is named at all is at most level; a mark "
      "goes along with violating, which does not make it the cause");
}

static json_t *side_json(const bt_contrast_side *side) {
  return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)side->total, "total_kind",
                   side->total_is_exact ? "exact" : "at_least", "sampled", (json_int_t)side->sampled, "chosen",
                   (json_int_t)side->wanted, "gone", (json_int_t)side->gone, "judged_otherwise",
                   (json_int_t)side->other, "lost", (json_int_t)side->lost);
}

static json_t *count_json(const bt_contrast_finding *finding, const bt_contrast_result *result, int side) {
  return json_pack("{s:I, s:I}", "traces", (json_int_t)finding->counts[side], "of",
                   (json_int_t)result->sides[side].sampled);
}

static json_t *examples_json(const bt_contrast_finding *finding, const bt_contrast_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < BT_TALLY_EXAMPLES && finding->examples[i]; i++) {
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&result->sampled_ids[finding->examples[i]], id);
    bt_json_append(array, json_string(id));
  }
  return array;
}

/* More often among violating traces, or less often: shares, not numbers, because the samples may differ in size. */
static bool is_more_often(const bt_contrast_finding *finding, const bt_contrast_result *result) {
  return (uint64_t)finding->counts[BT_VIOLATING] * result->sides[BT_SATISFYING].sampled >
         (uint64_t)finding->counts[BT_SATISFYING] * result->sides[BT_VIOLATING].sampled;
}

static json_t *finding_json(const bt_contrast_finding *finding, const bt_contrast_result *result) {
  bool is_name = finding->kind == BT_MARK_SPAN_NAME || finding->kind == BT_MARK_SERVICE;
  return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:{s:o, s:o, s:o}, s:o, s:o, s:o}", "kind",
                   bt_mark_kind_name(finding->kind), "relation",
                   finding->is_above    ? "above"
                   : finding->has_value ? "is"
                                        : "present",
                   "key", is_name ? json_null() : bt_text_json(finding->key), "value",
                   finding->has_value ? bt_text_json(finding->value) : json_null(), "type",
                   finding->has_value ? json_string(bt_value_type_name(finding->type)) : json_null(), "in_violating",
                   is_more_often(finding, result) ? "more_often" : "less_often", "violating",
                   count_json(finding, result, BT_VIOLATING), "satisfying", count_json(finding, result, BT_SATISFYING),
                   "support", (json_int_t)finding->counts[BT_VIOLATING] + (json_int_t)finding->counts[BT_SATISFYING],
                   "odds_ratio", "value", rounded_json(finding->odds.value), "low", rounded_json(finding->odds.low),
                   "high", rounded_json(finding->odds.high), "p", rounded_json(finding->probability), "p_corrected",
                   rounded_json(finding->corrected), "examples", examples_json(finding, result));
}

static json_t *excluded_json(const bt_contrast_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->excluded_count; i++) {
    const bt_contrast_excluded *excluded = &result->excluded[i];
    bt_json_append(array,
                   json_pack("{s:s, s:o, s:s}", "kind", bt_mark_kind_name(excluded->kind), "name",
                             bt_text_json(excluded->name), "reason", bt_contrast_exclusion_name(excluded->reason)));
  }
  return array;
}

json_t *bt_contrast_json(const bt_rule_definition *definition, const bt_contrast_result *result,
                         const bt_rule_words *words) {
  json_t *findings = json_array();
  for (size_t i = 0; i < result->finding_count; i++)
    bt_json_append(findings, finding_json(&result->findings[i], result));
  json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:I, s:o, s:I, s:o, s:o}",
                             "rule_id", definition->fields.id, "status", bt_contrast_status_name(result), "conclusion",
                             bt_contrast_conclusion_name(result->conclusion), "explanation", result->explanation,
                             "method", method_json(result), "violating", side_json(&result->sides[BT_VIOLATING]),
                             "satisfying", side_json(&result->sides[BT_SATISFYING]), "findings", findings,
                             "findings_total", (json_int_t)result->findings_total, "looked_at",
                             (json_int_t)result->looked_at, "able", (json_int_t)result->able, "left_out_keys",
                             result->left_out_keys, "spans_left_out", (json_int_t)result->spans_left_out, "excluded",
                             excluded_json(result), "excluded_total", (json_int_t)result->excluded_total, "seed",
                             number_json(result->seed), "coverage", bt_coverage_json(&result->coverage));
  if (!object) return NULL;
  bt_json_set(object, "compared_with", json_string(bt_contrast_others_name(result->compared_with)));
  bt_json_set(object, "findings_unsure", number_json(result->unsure));
  bt_rule_words_set_json(object, words, &definition);
  if (bt_sampled_traces_lack(&result->coverage.sampling) && result->sides[BT_VIOLATING].total_is_exact)
    bt_json_set(object, "estimated", bt_estimated_json(&result->coverage.sampling, &result->counted));
  if (result->reason[0]) bt_json_set(object, "reason", bt_text_json(bt_str_from(result->reason)));
  bt_json_set(object, "duration_seconds", json_real(round((double)result->duration_ns / 1e6) / 1e3));
  bt_json_set(object, "queries", number_json(result->requests));
  bt_json_set(object, "bytes_inspected", number_json(result->bytes_inspected));
  bt_json_set(object, "bytes_received", number_json(result->bytes_received));
  return object;
}
