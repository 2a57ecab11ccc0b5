/* `betrace eval`: verdicts of rules on trace files, one line each. */
#include <stdlib.h>

#include "dsl/data_notes.h"
#include "server/base/eval_limit.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/operands.h"
#include "server/cli/print.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/violation.h"
#include "tempo/files/file_source.h"

typedef struct eval_options {
  bool print_all, print_json;
  int64_t most_cpu_ns; /* of all rules on one trace; 0: 10 s */
} eval_options;

typedef struct eval_run {
  const eval_options *options;
  const bt_cli_rules *rules;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  uint64_t counts[BT_NOT_APPLICABLE + 1];
  bt_eval_options *eval_options; /* one for each rule */
  bt_data_notes **notes;         /* the same */
} eval_run;

static json_t *verdict_json(const bt_rule_definition *definition, const bt_trace *trace, const bt_rule_verdict *verdict,
                            const bt_violation *violation) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  json_t *object = json_pack("{s:s, s:s, s:s}", "rule_id", definition->fields.id, "trace_id", trace_id, "verdict",
                             bt_verdict_name(verdict->verdict));
  if (verdict->reason) json_object_set_new(object, "reason", json_string(bt_reason_name(verdict->reason)));
  if (verdict->spent) json_object_set_new(object, "spent", bt_spent_json(verdict, definition->rule->text));
  if (violation) json_object_set_new(object, "violation", bt_violation_json(definition, violation));
  return object;
}

static void print_line(json_t *object) {
  bt_print_json(object, JSON_COMPACT);
}

/* Of a budget also what spent it. */
static void print_reason(const bt_rule_definition *definition, const bt_rule_verdict *verdict) {
  bt_buffer spending = {0};
  bt_verdict_say_spending(verdict, definition->rule->text, &spending);
  const char *comma = spending.len ? ": " : "";
  bt_print("  (%s%s%.*s)", bt_reason_name(verdict->reason), comma, BT_FMT(bt_buffer_str(&spending)));
  bt_buffer_dispose(&spending);
}

static void print_text(const bt_rule_definition *definition, const bt_trace *trace, const bt_rule_verdict *verdict,
                       const bt_violation *violation) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  bt_print("%-14s  %-24s  %s", bt_verdict_name(verdict->verdict), definition->fields.id, trace_id);
  if (verdict->reason) print_reason(definition, verdict);
  if (violation) bt_print("  %s", violation->message);
  bt_print("\n");
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

static bt_status eval_trace(void *context, const bt_read_trace *read, bt_error *error) {
  eval_run *run = context;
  const bt_trace *trace = read->trace;
  bt_eval_options *options = run->eval_options;
  const bt_rule_verdict *verdicts = NULL;
  for (size_t i = 0; i < run->rules->count; i++) {
    const bt_rule_fields *fields = &run->rules->items[i]->fields;
    bool incomplete = trace->partial || (fields->require_complete == 1 && trace->missing_parents);
    options[i] = (bt_eval_options){.incomplete = incomplete,
                                   .clock_skew_ns = fields->clock_skew_ns > 0 ? fields->clock_skew_ns : 0,
                                   .least_steps = fields->budget > 0 ? (uint64_t)fields->budget : 0};
  }
  bt_eval_limit limit = {.most_cpu_ns = run->options->most_cpu_ns};
  bt_status status = bt_eval_run_within(&limit, run->evaluator, trace, options, &verdicts, error);
  for (size_t i = 0; i < run->rules->count && !status; i++) {
    bt_data_notes_look(run->notes[i], trace);
    run->counts[verdicts[i].verdict]++;
    status = report(run, i, trace, &verdicts[i], error);
  }
  return status;
}

static bt_status eval_all(eval_run *run, bt_source *source, bt_error *error) {
  const bt_rule **rules = bt_realloc_array(NULL, run->rules->count, sizeof *rules);
  run->eval_options = bt_realloc_array(NULL, run->rules->count, sizeof *run->eval_options);
  run->notes = calloc(run->rules->count, sizeof(bt_data_notes *));
  bt_status status = rules && run->eval_options && run->notes ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < run->rules->count && !status; i++) {
    rules[i] = run->rules->items[i]->rule;
    status = bt_data_notes_new(rules[i], &run->notes[i], error);
  }
  if (!status) status = bt_ruleset_new(rules, run->rules->count, &run->ruleset, error);
  if (!status) status = bt_evaluator_new(run->ruleset, &run->evaluator, error);
  if (!status) status = bt_file_source_each(source, eval_trace, run, error);
  bt_evaluator_free(run->evaluator);
  bt_ruleset_free(run->ruleset);
  free(rules);
  free(run->eval_options);
  return status;
}

/* What the names and comparisons of the rules met: it changes no verdict, and may explain one. In JSON they belong to
 * the summary. */
static json_t *report_notes(const eval_run *run) {
  bt_buffer text = {0};
  bt_range place;
  json_t *array = json_array();
  for (size_t i = 0; i < run->rules->count; i++) {
    const char *id = run->rules->items[i]->fields.id;
    for (size_t k = 0; bt_data_notes_say(run->notes[i], k, &text, &place); k++) {
      json_array_append_new(array, json_pack("{s:s, s:o, s:{s:i, s:i}}", "rule_id", id, "message",
                                             bt_text_json(bt_buffer_str(&text)), "range", "start", (int)place.start,
                                             "end", (int)place.end));
      if (!run->options->print_json) bt_print("note: %s: %.*s\n", id, BT_FMT(bt_buffer_str(&text)));
      bt_buffer_clear(&text);
    }
  }
  bt_buffer_dispose(&text);
  return array;
}

static void free_notes(eval_run *run) {
  for (size_t i = 0; run->notes && i < run->rules->count; i++) bt_data_notes_free(run->notes[i]);
  free(run->notes);
}

static void print_summary(const eval_run *run, size_t traces) {
  json_t *notes = report_notes(run);
  if (run->options->print_json) {
    print_line(json_pack("{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:o}}", "summary", "traces", (json_int_t)traces, "rules",
                         (json_int_t)run->rules->count, "violated", (json_int_t)run->counts[BT_VIOLATED],
                         "inconclusive", (json_int_t)run->counts[BT_INCONCLUSIVE], "satisfied",
                         (json_int_t)run->counts[BT_SATISFIED], "not_applicable",
                         (json_int_t)run->counts[BT_NOT_APPLICABLE], "notes", notes));
    return;
  }
  json_decref(notes);
  bt_print("%zu traces, %zu rules: %llu violated, %llu inconclusive, %llu satisfied, %llu not applicable\n", traces,
           run->rules->count, (unsigned long long)run->counts[BT_VIOLATED],
           (unsigned long long)run->counts[BT_INCONCLUSIVE], (unsigned long long)run->counts[BT_SATISFIED],
           (unsigned long long)run->counts[BT_NOT_APPLICABLE]);
}

static int exit_status(const eval_run *run, size_t traces) {
  if (run->counts[BT_VIOLATED]) return BT_EXIT_FOUND;
  if (!traces) bt_print_error_line("betrace eval: there is no trace in these files, so nothing is known");
  return !traces || run->counts[BT_INCONCLUSIVE] ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

static int run_eval(const eval_options *options, const bt_cli_rules *rules, const char *const *paths,
                    size_t path_count) {
  bt_error error = {0};
  bt_source *source = NULL;
  eval_run run = {.options = options, .rules = rules};
  bt_status status = bt_cli_open_traces(paths, path_count, &source, &error);
  if (!status) status = eval_all(&run, source, &error);
  size_t traces = source ? bt_file_source_trace_count(source) : 0;
  bt_source_free(source);
  if (!status) print_summary(&run, traces);
  free_notes(&run);
  if (status) return bt_cli_fail("eval", status, &error);
  return exit_status(&run, traces);
}

/* ---- the row ---- */

enum { OPT_RULES = BT_FLAG_OWN, OPT_DSL, OPT_TRACES, OPT_ALL, OPT_TRACE_TIME };

typedef struct eval_arguments {
  eval_options options;
  bt_cli_rules rules;
  bool has_wrong_rules;
  const char **paths; /* of traces; owned array of borrowed names */
  size_t path_count;
} eval_arguments;

static bool add_path(eval_arguments *arguments, const char *path) {
  const char **grown = bt_realloc_array(arguments->paths, arguments->path_count + 1, sizeof *grown);
  if (!grown) return false;
  arguments->paths = grown;
  grown[arguments->path_count++] = path;
  return true;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  eval_arguments *arguments = context;
  if (flag->id == OPT_RULES) arguments->has_wrong_rules |= !bt_cli_rules_add_file(&arguments->rules, value);
  if (flag->id == OPT_DSL) arguments->has_wrong_rules |= !bt_cli_rules_add_text(&arguments->rules, "dsl", value);
  if (flag->id == OPT_TRACES) return add_path(arguments, value);
  if (flag->id == OPT_TRACE_TIME)
    return bt_duration_parse(bt_str_from(value), &arguments->options.most_cpu_ns) && arguments->options.most_cpu_ns > 0;
  if (flag->id == OPT_ALL) arguments->options.print_all = true;
  if (flag->id == BT_FLAG_JSON) arguments->options.print_json = true;
  return true;
}

static bool take_files(eval_arguments *arguments, const bt_operands *files) {
  for (size_t i = 0; i < files->count; i++) {
    if (i < files->before_dashes && bt_operand_has_rules(files->items[i]))
      arguments->has_wrong_rules |= !bt_cli_rules_add_file(&arguments->rules, files->items[i]);
    else if (!add_path(arguments, files->items[i]))
      return false;
  }
  return !arguments->has_wrong_rules;
}

static int eval_command(const bt_command *self, int argc, char **argv) {
  eval_arguments arguments = {0};
  bt_operands files;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &arguments, &files, &code))
    ; /* code says it */
  else if (!take_files(&arguments, &files))
    code = BT_EXIT_USAGE;
  else if (!arguments.rules.count)
    code = bt_cli_usage_error("eval", "say which rules: a rule file, --rules FILE or --dsl TEXT");
  else if (!arguments.path_count)
    code = bt_cli_usage_error("eval", "say which traces: one or more files, or - for stdin");
  else
    code = run_eval(&arguments.options, &arguments.rules, arguments.paths, arguments.path_count);
  free(arguments.paths);
  bt_cli_rules_dispose(&arguments.rules);
  return code;
}

static const bt_flag flags[] = {
    {"rules", OPT_RULES, "FILE", NULL, "rule file (YAML or JSON); may be given several times", NULL},
    {"dsl", OPT_DSL, "TEXT", NULL, "one rule's text", NULL},
    {"traces", OPT_TRACES, "FILE", NULL, "file of traces; the same as its name alone; may be given several times",
     NULL},
    {"trace-time", OPT_TRACE_TIME, "DURATION", "10s",
     "time of the processor for all rules on one trace; what is not known by then is inconclusive (budget)", NULL},
    {"all", OPT_ALL, NULL, NULL, "print every verdict, not only violated and inconclusive", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {
    {"All rules of a file on a file of traces", "betrace eval --rules rules.yaml traces.jsonl"},
    {"One rule, on a trace from stdin", "betrace eval --dsl 'when { pii.read } always { audit.log }' - < trace.json"},
    {0}};
const bt_command bt_command_eval = {.name = "eval",
                                    .summary = "verdicts of rules on trace files",
                                    .usage = "(RULES… | --rules FILE | --dsl TEXT) [flags] TRACES…",
                                    .about = "Evaluates rules on OTLP trace files (JSON, JSON lines, protobuf; gzip is "
                                             "fine; - is stdin) and prints verdicts. With --json "
                                             "it prints JSON lines: one verdict each, then a summary.",
                                    .examples = examples,
                                    .groups = groups,
                                    .fine = "no trace violates a rule",
                                    .found = "some trace violates a rule",
                                    .unknown = "nothing violates, but a verdict is inconclusive or there is no trace",
                                    .operands = "traces",
                                    .run = eval_command};
