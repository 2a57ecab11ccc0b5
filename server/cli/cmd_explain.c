/* `betrace explain`: what a replay of rules would ask of the store, what it decides here, which strategy it takes and
 * what that costs. */
#include <inttypes.h>
#include <string.h>

#include "server/cli/explain_examples.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/terminal.h"
#include "server/json/explain_json.h"
#include "server/replay/explanation.h"

typedef struct explain_run {
  bt_replay_options options;
  bool wants_examples;
} explain_run;

enum { OPT_EXAMPLES = BT_FLAG_OWN };

/* For people: the ids of a batch and the guard of durations (traceql_filter.c) say nothing about the rule. --json has
 * the queries letter by letter. */
static void print_query(const char *traceql) {
  static const char ids[] = "\"4bf92f3577b34da6a3ce929d0e0e4736|x\"", guard[] = " && duration <= 9223372036854775807ns";
  bt_buffer text = {0};
  while (*traceql) {
    bool is_ids = strncmp(traceql, ids, strlen(ids)) == 0, is_guard = strncmp(traceql, guard, strlen(guard)) == 0;
    if (is_ids) bt_buffer_append(&text, BT_STR("ID|ID|…"));
    if (!is_ids && !is_guard) bt_buffer_append_char(&text, *traceql);
    traceql += is_ids ? strlen(ids) : is_guard ? strlen(guard) : 1;
  }
  bt_print("%s%.*s%s", bt_style_on(BT_STYLE_CYAN), BT_FMT(bt_buffer_str(&text)), bt_style_on(BT_STYLE_OFF));
  bt_buffer_dispose(&text);
}

static void print_queries(const bt_explain_rule *rule) {
  for (size_t i = 0; i < rule->query_count; i++) {
    const bt_explain_query *query = &rule->queries[i];
    bt_print("  %-8s ", bt_explain_use_name(query->use));
    print_query(query->traceql);
    if (query->is_probed) bt_print("   about %" PRIu64 " traces", query->estimated_found);
    bt_print("\n");
  }
}

static void print_options(const bt_explain_result *result, const bt_explain_rule *rule) {
  for (size_t i = 0; i < BT_EXPLAIN_OPTIONS; i++) {
    const bt_explain_option *option = &rule->options[i];
    bt_print("  %s %s", option->strategy == rule->chosen ? "*" : " ", bt_strategy_name(option->strategy));
    if (!option->is_possible)
      bt_print(": not possible: %s", option->why_not);
    else if (result->is_probed)
      bt_print(": about %" PRIu64 " traces read, %" PRIu64 " requests, %" PRIu64 " bytes", option->cost.traces_read,
               option->cost.requests, option->cost.bytes);
    bt_print("\n");
  }
}

/* tool_call stands for: span(k == 1)
 * http.request.method is the first that is there of: http.request.method, http.method */
static void print_names(const bt_met_names *names, const bt_own_names *used) {
  bt_several_names several;
  for (size_t i = 0; i < used->name_count; i++)
    bt_print("  %.*s stands for: %.*s\n", BT_FMT(used->names[i].word), BT_FMT(used->names[i].spans));
  for (size_t i = 0; bt_met_names_get(names, i, &several); i++) {
    bt_print("  %.*s is the first that is there of:", BT_FMT(several.attribute));
    for (uint32_t k = 0; k < several.key_count; k++) bt_print("%s %.*s", k ? "," : "", BT_FMT(several.keys[k]));
    bt_print("\n");
  }
}

static void print_rule(const bt_explain_result *result, const bt_explain_rule *rule) {
  bt_print("%s%s%s\n", bt_style_on(BT_STYLE_BOLD), rule->definition->fields.id, bt_style_on(BT_STYLE_OFF));
  print_queries(rule);
  bt_print("  candidates: ");
  print_query(rule->candidates);
  bt_print("\n");
  bt_print("  decided here: %s\n", rule->decided_locally);
  print_names(rule->names, &rule->definition->rule->used);
  if (rule->reads_by_id)
    bt_print_line("  its traces are read by id, one request each: batches cannot give what it reads");
  if (rule->rests_on_absence)
    bt_print_line("  it can be violated by what is missing: violations of young traces are read again by id");
  bt_print_line("  strategies (* is taken):");
  print_options(result, rule);
}

static void print_text(const bt_explain_result *result) {
  bt_replay_print_source(&result->source);
  for (size_t i = 0; i < result->rule_count; i++) print_rule(result, &result->rules[i]);
  if (result->is_probed)
    bt_print("estimates, from %" PRIu64 " probes that inspected %" PRIu64 " bytes; about %" PRIu64
             " traces in the range\n",
             result->requests, result->bytes_inspected, result->estimated_traces);
  else
    bt_print("no estimates: %s\n",
             result->problem[0] ? result->problem : "no store was asked (--store URL or --tempo URL)");
}

static int explain_rules(const explain_run *run, bt_source *source) {
  bt_error error = {0};
  bt_explain_result result = {0};
  bt_replay_request request =
      bt_replay_options_request(&run->options, (const bt_rule_definition *const *)run->options.rules.items,
                                run->options.rules.count, bt_replay_options_range(&run->options, source, BT_DAY_NS));
  bt_status status = bt_explain_run(source, &request, &result, &error);
  if (!status && run->options.print_json)
    bt_cli_print_json(bt_explain_json(&result));
  else if (!status)
    print_text(&result);
  bool is_unknown = source && !result.is_probed && result.problem[0];
  bt_explain_result_dispose(&result);
  if (status) return bt_cli_fail("explain", status, &error);
  return is_unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

static int run_explain(const explain_run *run) {
  bt_error error = {0};
  bt_replay_place place = {0};
  bool has_source = run->options.source.address || run->options.trace_count;
  bt_status status = has_source ? bt_replay_place_open(&run->options, &place, &error) : BT_OK;
  int code = status ? bt_cli_fail("explain", status, &error) : explain_rules(run, place.source);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  explain_run *run = context;
  if (flag->id == OPT_EXAMPLES) return run->wants_examples = true;
  return bt_replay_options_take(&run->options, flag, value);
}

/* "-" is rules here: the traces are those of a store, if any. */
static int take_files(bt_replay_options *options, const bt_command *self, const bt_operands *files) {
  bt_operands traces = {files->items + files->before_dashes, files->count - files->before_dashes, 0};
  for (size_t i = 0; i < files->before_dashes; i++)
    options->has_wrong_rules |= !bt_cli_rules_add_file(&options->rules, files->items[i]);
  return bt_replay_options_operands(options, self, &traces, false);
}

static int explain_command(const bt_command *self, int argc, char **argv) {
  explain_run run = {0};
  bt_operands files;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &files, &code)) {
    code = take_files(&run.options, self, &files);
    if (!code && run.wants_examples && (run.options.source.address || run.options.trace_count))
      code = bt_cli_usage_error(self->name, "--examples makes its traces from the rules alone: leave out the store and "
                                            "the files of traces");
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_RULES);
    if (!code)
      code = run.wants_examples ? bt_explain_examples(&run.options.rules, run.options.print_json) : run_explain(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"examples", OPT_EXAMPLES, NULL, NULL,
     "show each rule by two small traces, one that violates it and one that keeps it; nothing is asked of a store",
     NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"Which TraceQL would run?", "betrace explain rules.yaml"},
    {"And what would the last week cost? A few cheap probes are asked",
     "betrace explain rules.yaml --tempo http://127.0.0.1:3200 --since 7d"},
    {"What does it mean? A trace that violates it, and one that keeps it",
     "betrace explain --examples --dsl 'when { pii.read } always { audit.log }'"},
    {"One rule's text", "betrace explain --dsl 'when { pii.read } always { audit.log }'"},
    {0}};
const bt_command bt_command_explain = {
    .name = "explain",
    .summary = "TraceQL, strategy and price of rules, without replaying them",
    .usage = "FILE… [--store URL] [flags]",
    .about =
        "Shows for each rule the TraceQL that a replay would send, how it would join and subtract the answers, "
        "which strategy it would take, and what it would decide itself because the store cannot. With a store it asks "
        "a few cheap questions and estimates what "
        "each strategy costs. It evaluates nothing.\n\n"
        "With --examples it makes small traces of the rule's own terms (names, keys, values just below, at and above "
        "its "
        "numbers, order, structure) until one violates the rule and one keeps it. The evaluator judges each before it "
        "is "
        "drawn. Where it finds none, it says so, and that proves nothing. With --json each is an OTLP document as "
        "well, "
        "which betrace eval reads.",
    .examples = examples,
    .groups = groups,
    .fine = "explained",
    .unknown = "the store gave no estimates; the rest is printed. With --examples: of some rule one was not found",
    .operands = "rules",
    .run = explain_command};
