/* Results of tests as text and JSON. See test_report.h. Why `when` did not hold is found by evaluating its first
 * conjunct, its first two, … on the same trace, so that each conjunct has the bindings that stand before it. */
#include "server/json/test_report.h"

#include <string.h>

#include "dsl/evaluate/data_notes.h"
#include "server/base/eval_limit.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/violation.h"
#include "server/rulefile/test_trace.h"

enum { MAX_CLAUSE_BYTES = 160, MAX_SHOWN_CHOICES = 3 };

void bt_test_report_name(const bt_test_result *result, bt_buffer *out) {
  if (result->test->name.len)
    bt_buffer_append(out, result->test->name);
  else
    bt_buffer_printf(out, "line %u", result->test->line);
}

/* The line of the file in which a range of the rule's text begins. */
static unsigned line_of(const bt_checked_rule *rule, bt_range range) {
  unsigned line = rule->source->dsl_line;
  for (uint32_t i = 0; rule->source->dsl_column && i < range.start && i < rule->dsl.len; i++)
    line += rule->dsl.ptr[i] == '\n';
  return line;
}

/* A piece of the rule's text on one line, not too long. */
static void append_clause(const bt_checked_rule *rule, bt_range range, bt_buffer *out) {
  size_t start = out->len;
  bool was_blank = true;
  uint32_t end = range.end < rule->dsl.len ? range.end : (uint32_t)rule->dsl.len, at = range.start;
  for (; at < end && out->len - start < MAX_CLAUSE_BYTES; at++) {
    unsigned char c = (unsigned char)rule->dsl.ptr[at];
    bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!is_blank || !was_blank) bt_buffer_append_char(out, is_blank ? ' ' : (char)c);
    was_blank = is_blank;
  }
  for (; at < end && ((unsigned char)rule->dsl.ptr[at] & 0xC0) == 0x80; at++)
    bt_buffer_append_char(out, rule->dsl.ptr[at]);
  if (at < end) bt_buffer_append(out, BT_STR("…"));
}

static void append_place(const bt_checked_rule *rule, bt_range range, const char *what, bt_buffer *out) {
  bt_buffer_printf(out, "line %u %s: ", line_of(rule, range), what);
  append_clause(rule, range, out);
  bt_buffer_append_char(out, '\n');
}

/* ---- a violation that was not expected ---- */

static void append_witness(const bt_test_result *result, const bt_violation_witness *witness, uint32_t span,
                           bt_buffer *out) {
  char hex[BT_SPAN_ID_HEX + 1], trace_id[BT_TRACE_ID_HEX + 1] = "";
  bt_str name = bt_test_span_name(result->test, witness->trace, span);
  bt_span_id_format(&witness->span_id, hex);
  bt_buffer_printf(out, "  %s%s%s", witness->binding ? witness->binding : "", witness->binding ? " = " : "",
                   witness->name);
  if (name.ptr)
    bt_buffer_printf(out, " (id %.*s)", BT_FMT(name));
  else if (result->test->trace_file.ptr)
    bt_buffer_printf(out, " (id %s)", hex);
  if (witness->trace && result->test->trace_file.ptr) bt_trace_id_format(&witness->trace_id, trace_id);
  bt_str trace = trace_id[0] ? bt_str_from(trace_id) : bt_test_trace_name(result->test, witness->trace);
  if (witness->trace) bt_buffer_printf(out, " in trace %.*s", BT_FMT(trace));
  if (witness->service[0]) bt_buffer_printf(out, " of %s", witness->service);
  for (size_t i = 0; i < witness->attribute_count; i++)
    bt_buffer_printf(out, "%s%s=%s", i ? ", " : ": ", witness->attributes[i].key, witness->attributes[i].value);
  bt_buffer_append_char(out, '\n');
}

static void append_choice(const bt_test_result *result, const bt_choice *choice, const bt_violation_choice *shown,
                          bt_buffer *out) {
  bt_buffer_printf(out, "line %u: ", line_of(result->judged, choice->failed));
  bt_violation_say_failure(result->judged->definition->rule, shown, out);
  bt_buffer_append_char(out, '\n');
  for (size_t i = 0; i < shown->witness_count; i++)
    append_witness(result, &shown->witnesses[i], choice->witnesses[i].span, out);
}

static bt_status explain_violated(const bt_test_result *result, bt_buffer *out, bt_error *error) {
  const bt_rule_verdict *verdict = result->verdict;
  bt_violation *violation = NULL;
  bt_status status = bt_violation_new(result->judged->definition, "", result->trace, verdict, &violation, error);
  if (status) return status;
  for (size_t i = 0; i < violation->choice_count && i < MAX_SHOWN_CHOICES; i++)
    append_choice(result, &verdict->choices[i], &violation->choices[i], out);
  if (verdict->choice_total > MAX_SHOWN_CHOICES)
    bt_buffer_printf(out, "and %llu more choices\n", (unsigned long long)(verdict->choice_total - MAX_SHOWN_CHOICES));
  bt_violation_free(violation);
  return BT_OK;
}

/* ---- a violation that did not come ---- */

static bool is_inside(bt_range inner, bt_range outer) {
  return inner.start >= outer.start && inner.end <= outer.end;
}

/* The verdict of the first conjuncts alone, as a bare condition. */
static bt_status judge_prefix(const bt_test_result *result, const bt_condition *const *items, uint32_t count,
                              bt_verdict *out, bt_error *error) {
  bt_range range = {items[0]->range.start, items[count - 1]->range.end};
  bt_condition all = {.kind = BT_CONDITION_AND, .range = range, .item_count = count, .binding = BT_NO_BINDING};
  bt_rule alone = *result->judged->definition->rule;
  const bt_rule *rule = &alone;
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  all.items = (const bt_condition **)(uintptr_t)items; /* read only */
  alone.when = alone.always = alone.never = NULL;
  alone.condition = count == 1 ? items[0] : &all;
  for (int i = 0; i < alone.binding_count; i++)
    alone.bindings[i].in_choice = alone.bindings[i].in_choice && is_inside(alone.bindings[i].range, range);
  bt_status status = bt_ruleset_new(&rule, 1, &ruleset, error);
  if (!status) status = bt_evaluator_new(ruleset, &evaluator, error);
  bt_eval_limit limit = {0};
  if (!status) status = bt_eval_run_family_within(&limit, evaluator, result->family, &result->options, &verdict, error);
  if (!status) *out = verdict->verdict;
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return status;
}

/* The first conjunct of a condition with which it does not hold any more. */
static bt_status explain_conjunct(const bt_test_result *result, const bt_condition *condition, bt_buffer *out,
                                  bt_error *error) {
  const bt_condition *const *items = condition->kind == BT_CONDITION_AND ? condition->items : &condition;
  uint32_t count = condition->kind == BT_CONDITION_AND ? condition->item_count : 1;
  for (uint32_t i = 0; i < count; i++) {
    bt_verdict verdict = BT_VIOLATED;
    bt_status status = judge_prefix(result, items, i + 1, &verdict, error);
    if (status) return status;
    if (verdict == BT_VIOLATED) continue;
    append_place(result->judged, items[i]->range, i ? "does not hold, with what stands before it" : "does not hold",
                 out);
    break;
  }
  return BT_OK;
}

static void explain_inconclusive(const bt_test_result *result, bt_buffer *out) {
  bt_reason reason = result->verdict->reason;
  bt_buffer_printf(out, "%s", bt_reason_in_words(reason));
  if (reason == BT_REASON_BUDGET) {
    bt_buffer_append(out, BT_STR(": "));
    bt_verdict_say_spending(result->verdict, result->judged->definition->rule->text, out);
  }
  if (reason == BT_REASON_SKEW) bt_buffer_printf(out, " of %lld ns", (long long)result->options.clock_skew_ns);
  bt_buffer_append_char(out, '\n');
}

static bt_status explain_verdict(const bt_test_result *result, bt_buffer *out, bt_error *error) {
  const bt_rule *rule = result->judged->definition->rule;
  const bt_condition *first = rule->condition ? rule->condition : rule->when;
  switch (result->verdict->verdict) {
  case BT_VIOLATED: return explain_violated(result, out, error);
  case BT_INCONCLUSIVE: explain_inconclusive(result, out); return BT_OK;
  case BT_SATISFIED:
    if (rule->condition) break;
    bt_buffer_printf(out, "%s%s%s%s\n", rule->when ? "when held, and " : "", rule->always ? "always was met" : "",
                     rule->always && rule->never ? " and " : "", rule->never ? "nothing of never was there" : "");
    return BT_OK;
  case BT_NOT_APPLICABLE: bt_buffer_append(out, BT_STR("when held for no choice of spans\n")); break;
  }
  return first ? explain_conjunct(result, first, out, error) : BT_OK;
}

/* What the rule's names and comparisons met in this trace: often why another verdict came. */
static bt_status explain_data(const bt_test_result *result, bt_buffer *out, bt_error *error) {
  bt_data_notes *notes = NULL;
  bt_range place;
  bt_buffer sentence = {0};
  bt_status status = bt_data_notes_new(result->judged->definition->rule, &notes, error);
  if (!status) bt_data_notes_are_of_some(notes);
  if (!status) bt_data_notes_look(notes, result->trace);
  for (size_t i = 0; !status && bt_data_notes_say(notes, i, &sentence, &place); i++) {
    bt_buffer_printf(out, "note: %.*s\n", BT_FMT(bt_buffer_str(&sentence)));
    bt_buffer_clear(&sentence);
  }
  bt_buffer_dispose(&sentence);
  bt_data_notes_free(notes);
  return status;
}

bt_status bt_test_report_explain(const bt_test_result *result, bt_buffer *out, bt_error *error) {
  const bt_rule_verdict *verdict = result->verdict;
  bool differs = verdict && verdict->verdict != result->expectation->verdict;
  if (result->problem[0]) bt_buffer_printf(out, "%s\n", result->problem);
  if (differs) {
    bt_buffer_printf(out, "expected %s, got %s", bt_verdict_name(result->expectation->verdict),
                     bt_verdict_name(verdict->verdict));
    if (verdict->reason) bt_buffer_printf(out, " (%s)", bt_reason_name(verdict->reason));
    bt_buffer_append_char(out, '\n');
  }
  bt_status status = verdict && result->outcome != BT_TEST_PASSED ? explain_verdict(result, out, error) : BT_OK;
  if (!status && verdict && result->outcome != BT_TEST_PASSED) status = explain_data(result, out, error);
  return !status && out->failed ? bt_error_no_memory(error) : status;
}

/* ---- JSON ---- */

static json_t *lines_json(bt_str text) {
  json_t *array = json_array();
  while (text.len) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t length = end ? (size_t)(end - text.ptr) : text.len;
    bt_json_append(array, bt_text_json((bt_str){text.ptr, length}));
    length += end != NULL;
    text = (bt_str){text.ptr + length, text.len - length};
  }
  return array;
}

/* null where the test passed or was not violated. */
static json_t *violation_json(const bt_test_result *result) {
  bt_violation *violation = NULL;
  bt_error error = {0};
  if (result->outcome == BT_TEST_PASSED || !result->verdict || result->verdict->verdict != BT_VIOLATED)
    return json_null();
  if (bt_violation_new(result->judged->definition, "", result->trace, result->verdict, &violation, &error)) return NULL;
  json_t *object = bt_violation_json(result->judged->definition, violation);
  bt_violation_free(violation);
  return object;
}

json_t *bt_test_report_json(const bt_test_result *result) {
  bt_buffer name = {0}, explanation = {0};
  bt_error error = {0};
  bt_test_report_name(result, &name);
  json_t *object = NULL;
  if (!bt_test_report_explain(result, &explanation, &error)) {
    const bt_rule_verdict *verdict = result->verdict;
    object = json_pack("{s:s, s:I, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "file", result->file->name, "line",
                       (json_int_t)result->test->line, "rule_id", bt_text_json(result->rule_id), "test",
                       bt_text_json(bt_buffer_str(&name)), "outcome", bt_test_outcome_name(result->outcome), "expected",
                       bt_verdict_name(result->expectation->verdict), "verdict",
                       verdict ? json_string(bt_verdict_name(verdict->verdict)) : json_null(), "reason",
                       verdict && verdict->reason ? json_string(bt_reason_name(verdict->reason)) : json_null(), "spent",
                       verdict ? bt_spent_json(verdict, result->judged->definition->rule->text) : json_null(),
                       "explanation", lines_json(bt_buffer_str(&explanation)), "violation", violation_json(result));
  }
  bt_buffer_dispose(&name);
  bt_buffer_dispose(&explanation);
  return object;
}
