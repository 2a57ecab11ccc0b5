/* Running tests. See test_run.h. Each verdict comes from a ruleset of one rule, through the evaluator that replays use.
 * A witness is looked for among all violating choices, not only the reported ones. The rule is evaluated once more with
 * `binding.span.id == id` joined to its `when`, which is violated exactly when some violating choice has these
 * bindings. */
#include "server/rulefile/test_run.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/trace/trace_copy.h"
#include "server/base/clock.h"
#include "server/base/eval_limit.h"
#include "server/rulefile/test_trace.h"
#include "tempo/files/file_source.h"

enum {
  TRACE_ARENA_BYTES = 256 * 1024 * 1024,
  MAX_WITNESSES = BT_MAX_BINDINGS,
  MAX_TRACES = 1001 /* of a file: one, and as many as may be linked to it */
};

typedef struct runner {
  const bt_checked_file *file;
  const char *folder;
  bt_arena arena;    /* of the test at hand */
  bt_source *source; /* the trace file read last: tests in a row often share it */
  char *source_path;
  bt_test_sink sink;
  void *context;
} runner;

typedef struct judge {
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
} judge;

const char *bt_test_outcome_name(bt_test_outcome outcome) {
  switch (outcome) {
  case BT_TEST_PASSED: return "passed";
  case BT_TEST_FAILED: return "failed";
  case BT_TEST_ERROR: break;
  }
  return "error";
}

static void judge_dispose(judge *j) {
  bt_evaluator_free(j->evaluator);
  bt_ruleset_free(j->ruleset);
  *j = (judge){0};
}

/* The verdict is the judge's. */
static bt_status judge_rule(judge *j, const bt_rule *rule, const bt_family *family, const bt_eval_options *options,
                            const bt_rule_verdict **out, bt_error *error) {
  bt_status status = bt_ruleset_new(&rule, 1, &j->ruleset, error);
  if (!status) status = bt_evaluator_new(j->ruleset, &j->evaluator, error);
  bt_eval_limit limit = {0};
  return status ? status : bt_eval_run_family_within(&limit, j->evaluator, family, options, out, error);
}

static void fail_result(bt_test_result *result, const char *problem) {
  size_t length = strlen(problem);
  if (length >= sizeof result->problem) length = sizeof result->problem - 1;
  memcpy(result->problem, problem, length);
  result->problem[length] = '\0';
  result->outcome = BT_TEST_ERROR;
}

/* ---- witnesses ---- */

static int find_binding(const bt_rule *rule, bt_str name) {
  for (int i = 0; i < rule->binding_count; i++)
    if (rule->bindings[i].in_choice && bt_str_equal(rule->bindings[i].name, name)) return i;
  return BT_NO_BINDING;
}

typedef struct id_condition { /* binding.where(span.id == "…"), as the checker would make it */
  char hex[BT_SPAN_ID_HEX + 1];
  bt_expression field, literal;
  bt_predicate predicate;
  bt_selection selection;
  bt_condition condition;
} id_condition;

static void make_id_condition(int binding, const bt_span_id *id, id_condition *out) {
  bt_span_id_format(id, out->hex);
  out->field = (bt_expression){
      .kind = BT_EXPRESSION_FIELD, .type = BT_TYPE_STRING, .field = {.kind = BT_FIELD_ID, .binding = BT_NO_BINDING}};
  out->literal = (bt_expression){.kind = BT_EXPRESSION_LITERAL,
                                 .type = BT_TYPE_STRING,
                                 .literal = {.type = BT_VALUE_STRING, .string = {out->hex, BT_SPAN_ID_HEX}}};
  out->predicate = (bt_predicate){.kind = BT_PREDICATE_COMPARE,
                                  .comparison = {.op = BT_EQUAL, .left = &out->field, .right = &out->literal}};
  out->selection = (bt_selection){.base_binding = binding, .predicate = &out->predicate};
  out->condition = (bt_condition){.kind = BT_CONDITION_EXISTS, .selection = &out->selection, .binding = BT_NO_BINDING};
}

/* `condition` and all of the id conditions, flat as an AND has to be. */
static bool join_conditions(bt_arena *arena, const bt_condition *condition, const id_condition *ids, uint32_t count,
                            bt_condition *out) {
  bool is_and = condition->kind == BT_CONDITION_AND;
  uint32_t own = is_and ? condition->item_count : 1;
  const bt_condition **items = bt_arena_array(arena, (size_t)own + count, sizeof *items);
  if (!items) return false;
  for (uint32_t i = 0; i < own; i++) items[i] = is_and ? condition->items[i] : condition;
  for (uint32_t i = 0; i < count; i++) items[own + i] = &ids[i].condition;
  *out = (bt_condition){.kind = BT_CONDITION_AND,
                        .range = condition->range,
                        .items = items,
                        .item_count = own + count,
                        .binding = BT_NO_BINDING};
  return true;
}

static void fail_witness(bt_test_result *result, const char *what, bt_str name) {
  bt_error text = {0};
  bt_error_set(&text, BT_INVALID, "witness: %s \"%.*s\"", what, name.len < 100 ? (int)name.len : 100, name.ptr);
  fail_result(result, text.message);
}

/* False: one of them cannot be looked for, and the result says why. */
static bool read_witnesses(bt_test_result *result, id_condition ids[MAX_WITNESSES]) {
  const bt_rulefile_test *test = result->test;
  for (uint32_t i = 0; i < test->witness_count && result->outcome == BT_TEST_PASSED; i++) {
    bt_span_id id;
    int binding = find_binding(result->judged->definition->rule, test->witnesses[i].binding);
    if (binding == BT_NO_BINDING || i >= MAX_WITNESSES)
      fail_witness(result, "expected a binding in when, outside any not and or, got", test->witnesses[i].binding);
    else if (!bt_test_span_id(test, result->trace, test->witnesses[i].span_id, &id))
      fail_witness(result, "expected the id of a span, got", test->witnesses[i].span_id);
    else
      make_id_condition(binding, &id, &ids[i]);
  }
  return result->outcome == BT_TEST_PASSED;
}

static void miss_witnesses(bt_test_result *result) {
  bt_buffer text = {.maximum = sizeof result->problem - 1};
  bt_buffer_append(&text, BT_STR("witness: expected a violating choice with "));
  for (uint32_t i = 0; i < result->test->witness_count; i++)
    bt_buffer_printf(&text, "%s%.*s = %.*s", i ? ", " : "", BT_FMT(result->test->witnesses[i].binding),
                     BT_FMT(result->test->witnesses[i].span_id));
  bt_buffer_append(&text, BT_STR(", got none"));
  fail_result(result, text.ptr ? text.ptr : "witness: no violating choice has it");
  result->outcome = BT_TEST_FAILED;
  bt_buffer_dispose(&text);
}

/* The rule was violated: does some violating choice have the witnesses? */
static bt_status check_witnesses(runner *run, bt_test_result *result, bt_error *error) {
  id_condition ids[MAX_WITNESSES];
  const bt_rule_verdict *verdict = NULL;
  judge j = {0};
  const bt_rulefile_test *test = result->test;
  if (!read_witnesses(result, ids)) return BT_OK;
  bt_rule rule = *result->judged->definition->rule;
  bt_condition joined;
  const bt_condition **bound = rule.condition ? &rule.condition : &rule.when; /* one of them has the bindings */
  if (!join_conditions(&run->arena, *bound, ids, test->witness_count, &joined)) return bt_error_no_memory(error);
  *bound = &joined;
  bt_status status = judge_rule(&j, &rule, result->family, &result->options, &verdict, error);
  if (!status && verdict->verdict != BT_VIOLATED) miss_witnesses(result);
  judge_dispose(&j);
  return status;
}

/* ---- one verdict ---- */

/* Sets what the test is about; false: it cannot be judged, and the result says why. */
static bool find_judged(runner *run, bt_test_result *result) {
  bt_str wanted = result->expectation->rule_id;
  result->judged = wanted.ptr ? bt_checked_file_find(run->file, wanted) : result->owner;
  result->rule_id = wanted.ptr ? wanted : result->owner->id;
  if (!result->judged)
    fail_result(result, "expect: this file has no rule with this id");
  else if (!result->judged->definition)
    fail_result(result, "the rule has errors, so nothing can be evaluated");
  else if (result->test->witness_count && result->judged == result->owner &&
           result->expectation->verdict != BT_VIOLATED)
    fail_result(result, "witness: expected only in tests where the rule is expected to be violated");
  return result->outcome != BT_TEST_ERROR;
}

static bt_eval_options options_of(const bt_test_result *result) {
  const bt_rule_fields *fields = &result->judged->definition->fields;
  int64_t skew = result->test->clock_skew_ns >= 0 ? result->test->clock_skew_ns : fields->clock_skew_ns;
  bool lacks_parent = fields->require_complete == 1 && result->trace->missing_parents;
  return (bt_eval_options){.incomplete = result->test->incomplete || result->trace->partial || lacks_parent,
                           .clock_skew_ns = skew > 0 ? skew : 0,
                           .links_sampled = fields->links_sampled == 1,
                           .least_steps = fields->budget > 0 ? (uint64_t)fields->budget : 0};
}

static bt_status compare_verdict(runner *run, bt_test_result *result, bt_error *error) {
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): judge_rule answered with a verdict */
  if (result->verdict->verdict != result->expectation->verdict) {
    result->outcome = BT_TEST_FAILED;
    return BT_OK;
  }
  bool has_witnesses = result->test->witness_count && result->judged == result->owner;
  return has_witnesses ? check_witnesses(run, result, error) : BT_OK;
}

static bt_status run_expectation(runner *run, bt_test_result *result, bt_error *error) {
  judge j = {0};
  bt_status status = BT_OK;
  int64_t started = bt_clock_monotonic_ns();
  if (result->outcome != BT_TEST_ERROR && find_judged(run, result)) {
    bt_error problem = {0};
    result->options = options_of(result);
    status =
        judge_rule(&j, result->judged->definition->rule, result->family, &result->options, &result->verdict, &problem);
    if (status == BT_LIMIT) {
      fail_result(result, problem.message);
      result->verdict = NULL;
      status = BT_OK;
    } else if (status) {
      bt_error_set(error, status, "%s", problem.message);
    } else {
      status = compare_verdict(run, result, error);
    }
  }
  result->duration_ns = bt_clock_monotonic_ns() - started;
  if (!status) status = run->sink(run->context, result, error);
  judge_dispose(&j);
  return status;
}

/* ---- traces ---- */

static char *join_path(const char *folder, bt_str path) {
  bt_buffer out = {0};
  if (folder[0] && path.ptr[0] != '/') bt_buffer_printf(&out, "%s/", folder);
  bt_buffer_append(&out, path);
  if (out.failed) bt_buffer_dispose(&out);
  return out.ptr;
}

static void close_source(runner *run) {
  bt_source_free(run->source);
  free(run->source_path);
  run->source = NULL;
  run->source_path = NULL;
}

/* Takes the path. */
static bt_status open_source(runner *run, char *path, bt_error *error) {
  if (!path) return bt_error_no_memory(error);
  if (run->source_path && strcmp(run->source_path, path) == 0) {
    free(path);
    return BT_OK;
  }
  close_source(run);
  const char *const paths[] = {path};
  bt_status status = bt_file_source_open(paths, 1, 0, &run->source, error);
  run->source_path = status ? NULL : path;
  if (status) free(path);
  return status;
}

static bt_status open_trace_file(runner *run, const bt_rulefile_test *test, size_t *count, bt_error *error) {
  if (!run->folder)
    return bt_error_set(error, BT_INVALID, "trace_file: no files are read here; write the spans as trace: […]");
  bt_status status = open_source(run, join_path(run->folder, test->trace_file), error);
  if (status) return status;
  *count = bt_file_source_trace_count(run->source);
  if (!*count || *count > MAX_TRACES)
    return bt_error_set(error, BT_INVALID, "trace_file: expected 1 to %d traces in %.200s, got %zu", MAX_TRACES,
                        run->source_path, *count);
  if (*count > 1 && !test->trace_id.ptr)
    return bt_error_set(error, BT_INVALID,
                        "trace_file: expected one trace in %.200s, got %zu; trace_id says which of them is the test's, "
                        "then the others are the traces around it",
                        run->source_path, *count);
  return BT_OK;
}

/* The source's own is borrowed until it gives the next one. */
static const bt_trace *copy_trace(runner *run, const bt_trace *trace) {
  bt_trace *copy = bt_arena_alloc(&run->arena, sizeof *copy);
  size_t bytes = bt_trace_copy_bytes(trace);
  void *room = copy ? bt_arena_alloc(&run->arena, bytes ? bytes : 1) : NULL;
  if (!room) return NULL;
  memset(room, 0, bytes);
  *copy = *trace;
  copy->spans = bt_trace_copy_spans(trace, room);
  return copy;
}

static bt_status copy_traces(runner *run, bt_family_trace *traces, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++) {
    const bt_trace *trace = NULL;
    status = bt_file_source_trace(run->source, i, &trace, error);
    if (status) return status;
    traces[i] = (bt_family_trace){.trace = copy_trace(run, trace),
                                  .is_incomplete = trace->partial,
                                  .asked_from_ns = INT64_MIN,
                                  .asked_until_ns = INT64_MAX};
    if (!traces[i].trace) status = bt_error_no_memory(error);
  }
  return status;
}

static bt_status put_own_first(const runner *run, bt_str id, bt_family_trace *traces, size_t count, bt_error *error) {
  bt_trace_id own;
  size_t at = 0;
  if (!id.ptr || !bt_trace_id_parse(id, &own)) return BT_OK;
  while (at < count && bt_trace_id_compare(&traces[at].trace->id, &own)) at++;
  if (at == count)
    return bt_error_set(error, BT_INVALID, "trace_id: expected the id of a trace in %.200s, got %.*s", run->source_path,
                        BT_FMT(id));
  bt_family_trace first = traces[at];
  traces[at] = traces[0];
  traces[0] = first;
  return BT_OK;
}

/* There are no more traces than the file has. */
static bt_status read_family(runner *run, const bt_rulefile_test *test, const bt_family **out, bt_error *error) {
  size_t count = 0;
  bt_status status = open_trace_file(run, test, &count, error);
  if (status) return status;
  bt_family *family = bt_arena_alloc(&run->arena, sizeof *family);
  bt_family_trace *traces = bt_arena_array(&run->arena, count, sizeof *traces);
  if (!family || !traces) return bt_error_no_memory(error);
  status = copy_traces(run, traces, count, error);
  if (!status) status = put_own_first(run, test->trace_id, traces, count, error);
  if (test->links_unknown) {
    traces[0].asked_from_ns = INT64_MAX;
    traces[0].asked_until_ns = INT64_MIN;
  }
  *family = (bt_family){.traces = traces, .trace_count = (uint32_t)count};
  *out = family;
  return status;
}

static bt_status run_test(runner *run, const bt_checked_rule *owner, const bt_rulefile_test *test, bt_error *error) {
  const bt_family *family = NULL;
  bt_error problem = {0};
  bt_arena_reset(&run->arena);
  bt_status status = test->trace_file.ptr ? read_family(run, test, &family, &problem)
                                          : bt_test_family_new(test, &run->arena, &family, &problem);
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  bool is_bad = status != BT_OK;
  status = BT_OK;
  for (uint32_t i = 0; i < test->expectation_count && !status; i++) {
    bt_test_result result = {.file = run->file,
                             .owner = owner,
                             .test = test,
                             .expectation = &test->expectations[i],
                             .rule_id = test->expectations[i].rule_id.ptr ? test->expectations[i].rule_id : owner->id,
                             .family = is_bad ? NULL : family,
                             .trace = is_bad ? NULL : family->traces[0].trace};
    if (is_bad) fail_result(&result, problem.message);
    status = run_expectation(run, &result, error);
  }
  return status;
}

bt_status bt_tests_run(const bt_checked_file *file, const char *folder, bt_test_sink sink, void *context,
                       bt_error *error) {
  runner run = {.file = file, .folder = folder, .sink = sink, .context = context};
  bt_status status = BT_OK;
  bt_arena_init(&run.arena, TRACE_ARENA_BYTES);
  for (size_t i = 0; i < file->rule_count && !status; i++) {
    const bt_checked_rule *rule = &file->rules[i];
    for (uint32_t t = 0; t < rule->source->test_count && !status; t++)
      status = run_test(&run, rule, &rule->source->tests[t], error);
  }
  close_source(&run);
  bt_arena_dispose(&run.arena);
  return status;
}
