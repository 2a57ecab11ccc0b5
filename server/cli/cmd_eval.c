/* `betrace eval`: verdicts of rules on trace files, one line each. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"
#include "server/report/replay_json.h"
#include "server/replay/violation.h"
#include "tempo/file_source.h"

static const char help[] = "Usage: betrace eval (--rules FILE | --dsl TEXT) [options] TRACES…\n\n"
                           "Evaluates rules on OTLP trace files (JSON, JSON lines, protobuf; gzip is fine; - is stdin) "
                           "and prints verdicts.\n\n"
                           "  betrace eval --rules rules.yaml traces.jsonl\n"
                           "  betrace eval --dsl 'when { pii.read } always { audit.log }' - < trace.json\n\n"
                           "  --rules FILE   rule file (YAML or JSON); may be given several times\n"
                           "  --dsl TEXT     one rule's text\n"
                           "  --all          print every verdict, not only violated and inconclusive\n"
                           "  --json         JSON lines: one verdict each, then a summary\n";

typedef struct eval_options {
  bool print_all, print_json;
} eval_options;

typedef struct eval_run {
  const eval_options *options;
  const bt_cli_rules *rules;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  uint64_t counts[BT_NOT_APPLICABLE + 1];
} eval_run;

static json_t *verdict_json(const bt_rule_definition *definition, const bt_trace *trace, const bt_rule_verdict *verdict,
                            const bt_violation *violation) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  json_t *object = json_pack("{s:s, s:s, s:s}", "rule_id", definition->fields.id, "trace_id", trace_id, "verdict",
                             bt_verdict_name(verdict->verdict));
  if (verdict->reason) json_object_set_new(object, "reason", json_string(bt_reason_name(verdict->reason)));
  if (violation) json_object_set_new(object, "violation", bt_violation_json(definition, violation));
  return object;
}

static void print_line(json_t *object) {
  json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
  fputc('\n', stdout);
  json_decref(object);
}

static void print_text(const bt_rule_definition *definition, const bt_trace *trace, const bt_rule_verdict *verdict,
                       const bt_violation *violation) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  printf("%-14s  %-24s  %s", bt_verdict_name(verdict->verdict), definition->fields.id, trace_id);
  if (verdict->reason) printf("  (%s)", bt_reason_name(verdict->reason));
  if (violation) printf("  %s", violation->message);
  putchar('\n');
}

static bt_status report(const eval_run *run, size_t rule, const bt_trace *trace, const bt_rule_verdict *verdict,
                        bt_error *error) {
  const bt_rule_definition *definition = run->rules->items[rule];
  bt_violation *violation = NULL;
  bool is_quiet = verdict->verdict == BT_SATISFIED || verdict->verdict == BT_NOT_APPLICABLE;
  if (is_quiet && !run->options->print_all) return BT_OK;
  bt_status status =
      verdict->verdict == BT_VIOLATED ? bt_violation_new(definition, "", trace, verdict, &violation, error) : BT_OK;
  if (!status && run->options->print_json)
    print_line(verdict_json(definition, trace, verdict, violation));
  else if (!status)
    print_text(definition, trace, verdict, violation);
  bt_violation_free(violation);
  return status;
}

static bt_status eval_trace(eval_run *run, const bt_trace *trace, bt_eval_options *options, bt_error *error) {
  const bt_rule_verdict *verdicts = NULL;
  for (size_t i = 0; i < run->rules->count; i++) {
    const bt_rule_fields *fields = &run->rules->items[i]->fields;
    bool incomplete = trace->partial || (fields->require_complete == 1 && trace->missing_parents);
    options[i] = (bt_eval_options){.incomplete = incomplete,
                                   .clock_skew_ns = fields->clock_skew_ns > 0 ? fields->clock_skew_ns : 0};
  }
  bt_status status = bt_evaluator_run(run->evaluator, trace, options, &verdicts, error);
  for (size_t i = 0; i < run->rules->count && !status; i++) {
    run->counts[verdicts[i].verdict]++;
    status = report(run, i, trace, &verdicts[i], error);
  }
  return status;
}

static bt_status eval_all(eval_run *run, const bt_source *source, bt_error *error) {
  const bt_rule **rules = bt_realloc_array(NULL, run->rules->count, sizeof *rules);
  bt_eval_options *options = bt_realloc_array(NULL, run->rules->count, sizeof *options);
  bt_status status = rules && options ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < run->rules->count && !status; i++) rules[i] = run->rules->items[i]->rule;
  if (!status) status = bt_ruleset_new(rules, run->rules->count, &run->ruleset, error);
  if (!status) status = bt_evaluator_new(run->ruleset, &run->evaluator, error);
  for (size_t i = 0; i < bt_file_source_trace_count(source) && !status; i++)
    status = eval_trace(run, bt_file_source_trace(source, i), options, error);
  bt_evaluator_free(run->evaluator);
  bt_ruleset_free(run->ruleset);
  free(rules);
  free(options);
  return status;
}

static void print_summary(const eval_run *run, size_t traces) {
  if (run->options->print_json) {
    print_line(json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I}}", "summary", "traces", (json_int_t)traces, "rules",
                         (json_int_t)run->rules->count, "violated", (json_int_t)run->counts[BT_VIOLATED],
                         "inconclusive", (json_int_t)run->counts[BT_INCONCLUSIVE], "satisfied",
                         (json_int_t)run->counts[BT_SATISFIED], "not_applicable",
                         (json_int_t)run->counts[BT_NOT_APPLICABLE]));
    return;
  }
  printf("%zu traces, %zu rules: %llu violated, %llu inconclusive, %llu satisfied, %llu not applicable\n", traces,
         run->rules->count, (unsigned long long)run->counts[BT_VIOLATED],
         (unsigned long long)run->counts[BT_INCONCLUSIVE], (unsigned long long)run->counts[BT_SATISFIED],
         (unsigned long long)run->counts[BT_NOT_APPLICABLE]);
}

static int exit_status(const eval_run *run, size_t traces) {
  if (run->counts[BT_VIOLATED]) return BT_EXIT_FOUND;
  if (!traces) fputs("betrace eval: there is no trace in these files, so nothing is known\n", stderr);
  return !traces || run->counts[BT_INCONCLUSIVE] ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

static int run_eval(const eval_options *options, const bt_cli_rules *rules, const char *const *paths,
                    size_t path_count) {
  bt_error error = {0};
  bt_source *source = NULL;
  eval_run run = {.options = options, .rules = rules};
  bt_status status = bt_file_source_open(paths, path_count, 0, &source, &error);
  if (!status) status = eval_all(&run, source, &error);
  size_t traces = source ? bt_file_source_trace_count(source) : 0;
  bt_source_free(source);
  if (status) return bt_cli_fail("eval", status, &error);
  print_summary(&run, traces);
  return exit_status(&run, traces);
}

int bt_cmd_eval(int argc, char **argv) {
  enum { OPT_RULES = 1, OPT_DSL, OPT_ALL, OPT_JSON, OPT_HELP };
  static const struct option known[] = {{"rules", 1, NULL, OPT_RULES}, {"dsl", 1, NULL, OPT_DSL},
                                        {"all", 0, NULL, OPT_ALL},     {"json", 0, NULL, OPT_JSON},
                                        {"help", 0, NULL, OPT_HELP},   {NULL, 0, NULL, 0}};
  eval_options options = {0};
  bt_cli_rules rules = {0};
  bool rules_are_right = true;
  int option, result;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    if (option == OPT_RULES)
      rules_are_right = bt_cli_rules_add_file(&rules, optarg) && rules_are_right;
    else if (option == OPT_DSL)
      rules_are_right = bt_cli_rules_add_text(&rules, "dsl", optarg) && rules_are_right;
    else if (option == OPT_ALL)
      options.print_all = true;
    else if (option == OPT_JSON)
      options.print_json = true;
    else
      break;
  }
  if (option == OPT_HELP)
    result = (fputs(help, stdout), BT_EXIT_FINE);
  else if (option != -1)
    result = bt_cli_usage_error("eval", "an option is not known or lacks its value");
  else if (!rules_are_right)
    result = BT_EXIT_USAGE;
  else if (!rules.count)
    result = bt_cli_usage_error("eval", "say which rules: --rules FILE or --dsl TEXT");
  else if (optind == argc)
    result = bt_cli_usage_error("eval", "say which traces: one or more files, or - for stdin");
  else
    result = run_eval(&options, &rules, (const char *const *)argv + optind, (size_t)(argc - optind));
  bt_cli_rules_dispose(&rules);
  return result;
}
