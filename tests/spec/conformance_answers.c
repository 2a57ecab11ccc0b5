/* Answers the requests of docs/spec/conformance/run.py, one JSON object a line, with the language's own functions.
 * Traces come as OTLP JSON (tests/spec/adapter.py makes it). With --naive verdicts are those of the second evaluator,
 * without choices. A request that cannot be answered ends the program: that is a mistake in the suite or in the
 * adapter. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tempo/wire/otlp_decoder.h"
#include "tests/naive/naive.h"

enum { MAX_TRACE_BYTES = 1 << 26, MAX_FAMILY = 64 };

static bool is_naive;

static void stop(const char *what, const char *why) {
  fprintf(stderr, "conformance_answers: %s: %s\n", what, why);
  exit(1);
}

static bt_str text_of(const json_t *request, const char *key) {
  const json_t *text = json_object_get(request, key);
  if (!json_is_string(text)) stop(key, "expected a string");
  return (bt_str){json_string_value(text), json_string_length(text)};
}

static json_t *span_json(const bt_trace *trace, uint32_t span) {
  char hex[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(&trace->spans[span].id, hex);
  return json_string(hex);
}

static json_t *choice_json(const bt_rule *rule, const bt_family *family, const bt_choice *choice) {
  json_t *bound = json_object(), *others = json_array();
  for (uint32_t i = 0; i < choice->witness_count; i++) {
    const bt_witness *witness = &choice->witnesses[i];
    json_t *span = span_json(family->traces[witness->trace].trace, witness->span);
    if (witness->binding == BT_NO_BINDING) {
      json_array_append_new(others, span);
    } else {
      bt_str name = rule->bindings[witness->binding].name;
      char key[256];
      snprintf(key, sizeof key, "%.*s", BT_FMT(name));
      json_object_set_new(bound, key, span);
    }
  }
  return json_pack("{s:o, s:o, s:s%}", "bound", bound, "others", others, "failed",
                   rule->text.ptr + choice->failed.start, (size_t)(choice->failed.end - choice->failed.start));
}

static json_t *verdict_json(bt_verdict verdict, bt_reason reason, bt_truth exercised, uint64_t choice_total) {
  static const char *const truths[] = {"false", "unknown", "true"};
  json_t *answer = json_pack("{s:s, s:s, s:I}", "verdict", bt_verdict_name(verdict), "exercised", truths[exercised],
                             "choice_total", (json_int_t)choice_total);
  if (reason) json_object_set_new(answer, "reason", json_string(bt_reason_name(reason)));
  return answer;
}

/* A case has a family of traces, or its own trace alone: then the others are not seen, which is not the same as none.
 * The family's first trace is its own in both. */
typedef struct scene {
  bt_family family;
  bool sees_others;
} scene;

static json_t *evaluate_naively(const bt_rule *rule, const scene *of, const bt_eval_options *options) {
  naive_verdict verdict;
  if (of->sees_others)
    naive_evaluate_family(rule, &of->family, options, &verdict);
  else
    naive_evaluate(rule, of->family.traces[0].trace, options, &verdict);
  json_t *answer = verdict_json(verdict.verdict, verdict.reason, verdict.exercised, verdict.choice_total);
  naive_verdict_dispose(&verdict);
  return answer;
}

static bt_status run(bt_evaluator *evaluator, const scene *of, const bt_eval_options *options,
                     const bt_rule_verdict **verdict, bt_error *error) {
  return of->sees_others ? bt_evaluator_run_family(evaluator, &of->family, options, verdict, error)
                         : bt_evaluator_run(evaluator, of->family.traces[0].trace, options, verdict, error);
}

static json_t *evaluate(const bt_rule *rule, const scene *of, const bt_eval_options *options) {
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  bt_error error = {0};
  if (bt_ruleset_new(&rule, 1, &ruleset, &error) || bt_evaluator_new(ruleset, &evaluator, &error) ||
      run(evaluator, of, options, &verdict, &error))
    stop("evaluation", error.message);
  json_t *answer = verdict_json(verdict->verdict, verdict->reason, verdict->exercised, verdict->choice_total);
  json_t *choices = json_array();
  for (uint32_t i = 0; i < verdict->choice_count; i++)
    json_array_append_new(choices, choice_json(rule, &of->family, &verdict->choices[i]));
  json_object_set_new(answer, "choices", choices);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  return answer;
}

static const bt_trace *find_trace(const bt_span_batch *batch, const json_t *id) {
  bt_trace_id wanted;
  if (!json_is_string(id) || !bt_trace_id_parse(bt_str_from(json_string_value(id)), &wanted))
    stop("id", "expected the id of a trace");
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++)
    if (bt_trace_id_compare(&bt_span_batch_trace(batch, i)->id, &wanted) == 0) return bt_span_batch_trace(batch, i);
  stop("id", "expected a trace that has spans");
  return NULL;
}

static void make_family(const bt_span_batch *batch, const json_t *described, bt_family_trace *traces, scene *out) {
  if (json_array_size(described) > MAX_FAMILY) stop("others", "expected less than 64");
  out->sees_others = true;
  for (size_t i = 0; i < json_array_size(described); i++) {
    const json_t *one = json_array_get(described, i), *until = json_object_get(one, "asked_until_ns");
    traces[i] = (bt_family_trace){.trace = find_trace(batch, json_object_get(one, "id")),
                                  .is_incomplete = json_is_true(json_object_get(one, "incomplete")),
                                  .asked_from_ns = INT64_MIN,
                                  .asked_until_ns = until ? json_integer_value(until) : INT64_MAX};
  }
  out->family = (bt_family){.traces = traces, .trace_count = (uint32_t)json_array_size(described)};
}

/* A trace without spans is none in OTLP, but the language speaks of it. */
static json_t *evaluate_document(const bt_rule *rule, bt_str document, const json_t *described, const json_t *options) {
  static const bt_trace empty = {.root = BT_NO_SPAN};
  bt_family_trace traces[MAX_FAMILY] = {{.trace = &empty}};
  scene of = {.family = {traces, 1}};
  bt_span_batch *batch = NULL;
  bt_error error = {0};
  if (bt_span_batch_new(MAX_TRACE_BYTES, &batch, &error) || bt_otlp_decode_json(document, batch, &error) ||
      bt_span_batch_finish(batch, &error))
    stop("trace", error.message);
  if (described)
    make_family(batch, described, traces, &of);
  else if (bt_span_batch_trace_count(batch) > 1)
    stop("trace", "expected spans of one trace");
  else if (bt_span_batch_trace_count(batch))
    traces[0].trace = bt_span_batch_trace(batch, 0);
  bt_eval_options wanted = {.incomplete = json_is_true(json_object_get(options, "incomplete")),
                            .clock_skew_ns = json_integer_value(json_object_get(options, "clock_skew_ns")),
                            .coarse_clocks_unknown = json_object_get(options, "coarse_clocks") != NULL};
  json_t *answer = is_naive ? evaluate_naively(rule, &of, &wanted) : evaluate(rule, &of, &wanted);
  bt_span_batch_free(batch);
  return answer;
}

static json_t *answer_eval(const json_t *request) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_str text = text_of(request, "rule");
  json_t *answer;
  if (bt_rule_compile(text, &rule, &diagnostics, &error) == BT_OK)
    answer = evaluate_document(rule, text_of(request, "otlp"), json_object_get(request, "family"),
                               json_object_get(request, "options"));
  else
    answer = json_pack("{s:s}", "verdict", "the rule is not valid");
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return answer;
}

static json_t *answer_parse(const json_t *request) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_error error = {0};
  json_t *errors = json_array(), *warnings = json_array();
  bt_diagnostics_init(&diagnostics);
  bool is_valid = bt_rule_compile(text_of(request, "text"), &rule, &diagnostics, &error) == BT_OK;
  for (size_t i = 0; i < diagnostics.count; i++)
    json_array_append_new(diagnostics.items[i].is_error ? errors : warnings, json_string(diagnostics.items[i].code));
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  return json_pack("{s:b, s:o, s:o}", "valid", is_valid, "errors", errors, "warnings", warnings);
}

static json_t *answer_format(const json_t *request) {
  bt_diagnostics diagnostics;
  bt_buffer canonical = {0};
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  json_t *answer = json_object();
  if (bt_rule_format(text_of(request, "text"), &canonical, &diagnostics, &error) == BT_OK) {
    while (canonical.len && canonical.ptr[canonical.len - 1] == '\n') canonical.len--;
    json_object_set_new(answer, "canonical", json_stringn(canonical.ptr, canonical.len));
  }
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&canonical);
  return answer;
}

static json_t *answer_request(const json_t *request) {
  const char *wish = json_string_value(json_object_get(request, "do"));
  if (wish && strcmp(wish, "eval") == 0) return answer_eval(request);
  if (wish && strcmp(wish, "parse") == 0) return answer_parse(request);
  if (wish && strcmp(wish, "format") == 0) return answer_format(request);
  stop("request", "expected do: eval, parse or format");
  return NULL;
}

int main(int argc, char **argv) {
  is_naive = argc > 1 && strcmp(argv[1], "--naive") == 0;
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  while ((length = getline(&line, &capacity, stdin)) > 0) {
    json_error_t problem;
    json_t *request = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, &problem);
    if (!request) stop("request", problem.text);
    json_t *answer = answer_request(request);
    if (!answer) stop("answer", "no memory");
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(answer);
    json_decref(request);
  }
  free(line);
  return 0;
}
