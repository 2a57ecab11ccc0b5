/* `betrace replay`: rules over the past, from a Tempo or from trace files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/cli/collected.h"
#include "server/cli/print.h"
#include "server/cli/terminal.h"
#include "server/json/replay_json.h"
#include "server/json/replay_junit.h"

typedef enum replay_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT } replay_format;

typedef struct replay_run {
  bt_replay_options options;
  replay_format format;
  bt_count_mode count;
  bt_strategy strategy;
  bt_severity fail_on; /* info: any violation fails */
  uint64_t limit;
} replay_run;

static const bt_rule_definition *rule_of(const replay_run *run, size_t rule) {
  return run->options.rules.items[rule];
}

static bool matters(const replay_run *run, size_t rule) {
  return rule_of(run, rule)->fields.severity >= run->fail_on;
}

/* ---- printing ---- */

static void print_json_result(const replay_run *run, const bt_collected *all) {
  json_t *object = bt_replay_result_json(&all->result, (const bt_rule_definition *const *)run->options.rules.items,
                                         bt_replay_outcome_name(all->result.outcome));
  json_t *violations = json_array();
  for (size_t i = 0; i < all->count; i++)
    json_array_append_new(violations, bt_violation_json(rule_of(run, all->found[i].rule), all->found[i].violation));
  json_object_set_new(object, "coverage", bt_replay_coverage_json(&all->result.coverage));
  json_object_set_new(object, "violations", violations);
  bt_cli_print_json(object);
}

/* Of an answer with gaps: how many were found, and what was not looked at; never a number for what nobody saw. */
static void print_rule_in_part(const char *id, const bt_rule_result *counters, bool is_unsettled,
                               const bt_answer *answer) {
  bool is_found = counters->violations_found;
  bt_print("%s%s: ", bt_style_on(is_found ? BT_STYLE_RED : BT_STYLE_YELLOW), id);
  if (is_found)
    bt_print("%" PRIu64 " violation%s found", counters->violations_found, bt_cli_plural(counters->violations_found));
  else if (counters->traces_evaluated)
    bt_print("UNKNOWN: no violation in the %" PRIu64 " trace%s that could be judged", counters->traces_evaluated,
             bt_cli_plural(counters->traces_evaluated));
  else
    bt_print("UNKNOWN: no trace was judged");
  bt_print("%s", bt_style_on(BT_STYLE_OFF));
  if (is_unsettled)
    bt_print("; nothing in the range is final for it yet: it is younger than its settle, or its first trace goes on");
  else
    bt_answer_print_rest(answer);
  bt_print("\n");
}

/* Where rules differ in it, each line says up to where its numbers go. */
static void print_settled(const bt_replay_result *result, const bt_rule_result *counters) {
  char end[40];
  bool is_different = false;
  for (size_t i = 0; i < result->rule_count; i++)
    is_different = is_different || result->rules[i].effective_end_ns != counters->effective_end_ns;
  if (!is_different) return;
  bt_time_format(counters->effective_end_ns, end);
  bt_print("; settled up to %.19sZ, %" PRIu64 " trace%s after that", end, counters->unsettled,
           bt_cli_plural(counters->unsettled));
}

static void print_rule(const bt_rule_definition *definition, const bt_replay_result *result,
                       const bt_rule_result *counters) {
  bt_style style = counters->violations_found ? BT_STYLE_RED
                   : counters->inconclusive   ? BT_STYLE_YELLOW
                                              : BT_STYLE_GREEN;
  const char *colour = bt_style_on(style);
  bt_print("%s%s: %" PRIu64 " violation%s%s in %s%" PRIu64 " traces (%s%" PRIu64 " exercised the rule), %" PRIu64
           " inconclusive",
           colour, definition->fields.id, counters->violations_found, bt_cli_plural(counters->violations_found),
           bt_style_on(BT_STYLE_OFF), counters->evaluated_is_exact ? "" : "at least ", counters->traces_evaluated,
           counters->exercised_is_exact ? "" : "at least ", counters->traces_exercised, counters->inconclusive);
  char time[40];
  if (counters->first_violation.is_set) {
    bt_time_format(counters->first_violation.time_ns, time);
    bt_print("; first at %.19sZ", time);
  }
  print_settled(result, counters);
  bt_print("\n");
}

/* What names and comparisons of the rules met: it changes no number, and may explain one. */
static void print_notes(const replay_run *run, const bt_replay_result *result) {
  for (size_t i = 0; i < result->note_count; i++)
    bt_print("note: %s: %s (%" PRIu64 " trace%s looked at)\n", rule_of(run, result->notes[i].rule)->fields.id,
             result->notes[i].text, result->noted_traces, bt_cli_plural(result->noted_traces));
}

static void print_text_result(const replay_run *run, const bt_collected *all) {
  size_t shown = run->limit && all->count > run->limit ? (size_t)run->limit : all->count;
  for (size_t i = 0; i < shown; i++)
    bt_replay_print_violation(rule_of(run, all->found[i].rule), all->found[i].violation);
  if (shown < all->count) bt_print("… and %zu more (--limit 0 prints all)\n", all->count - shown);
  const bt_replay_result *result = &all->result;
  bt_answer answer = bt_answer_of(&run->options, result);
  if (bt_answer_is_unknown(&answer)) bt_answer_print_unknown("", &answer);
  for (size_t i = 0; i < result->rule_count && !bt_answer_is_unknown(&answer); i++)
    if (bt_replay_has_whole(result, i))
      print_rule(rule_of(run, i), result, &result->rules[i]);
    else
      print_rule_in_part(rule_of(run, i)->fields.id, &result->rules[i], result->others_stand, &answer);
  print_notes(run, result);
  bt_collected_print_end(&all->result);
}

/* The lines of one rule's violations, as many as --limit says. */
static void write_messages(const replay_run *run, const bt_collected *all, size_t rule, bt_buffer *out) {
  uint64_t written = 0;
  for (size_t i = 0; i < all->count; i++) {
    const bt_violation *violation = all->found[i].violation;
    char time[40], id[BT_TRACE_ID_HEX + 1];
    if (all->found[i].rule != rule || (run->limit && written++ >= run->limit)) continue;
    bt_time_format(violation->time_ns, time);
    bt_trace_id_format(&violation->trace_id, id);
    bt_buffer_printf(out, "%.19sZ  %s  %s\n", time, id, violation->message);
  }
  if (run->limit && written > run->limit) bt_buffer_printf(out, "and %" PRIu64 " more\n", written - run->limit);
}

static bt_status print_junit_result(const replay_run *run, const bt_collected *all, bt_error *error) {
  bt_buffer document = {0};
  size_t count = run->options.rules.count;
  bt_buffer *messages = calloc(count, sizeof *messages);
  if (!messages) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) write_messages(run, all, i, &messages[i]);
  bt_status status = bt_replay_junit_write(&all->result, (const bt_rule_definition *const *)run->options.rules.items,
                                           run->fail_on, messages, &document, error);
  for (size_t i = 0; i < count; i++) bt_buffer_dispose(&messages[i]);
  free(messages);
  if (!status) bt_print_document(bt_buffer_str(&document));
  bt_buffer_dispose(&document);
  return status;
}

/* Violations below --fail-on do not fail. What could not be read may hold one that would. */
static int exit_status(const replay_run *run, const bt_replay_result *result) {
  bool unknown = result->outcome != BT_REPLAY_COMPLETED;
  for (size_t i = 0; i < result->rule_count; i++) {
    if (!matters(run, i)) continue;
    if (result->rules[i].violations_found) return BT_EXIT_FOUND;
    unknown = unknown || result->rules[i].inconclusive;
  }
  return unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

/* ---- running ---- */

static bt_status print_result(const replay_run *run, const bt_collected *all, bt_error *error) {
  switch (run->format) {
  case FORMAT_TEXT: return print_text_result(run, all), BT_OK;
  case FORMAT_JSON: return print_json_result(run, all), BT_OK;
  case FORMAT_JUNIT: break;
  }
  return print_junit_result(run, all, error);
}

static int replay_and_print(const replay_run *run, bt_source *source) {
  bt_error error = {0};
  bt_collected all;
  bt_replay_request request =
      bt_replay_options_request(&run->options, (const bt_rule_definition *const *)run->options.rules.items,
                                run->options.rules.count, bt_replay_options_range(&run->options, source, BT_DAY_NS));
  request.count = run->count;
  request.strategy = run->strategy;
  request.priority = BT_PRIORITY_REPLAY;
  request.takes_notes = true;
  bt_status status = bt_collect(source, &request, true, &all, &error);
  if (!status) status = print_result(run, &all, &error);
  int code = status ? bt_cli_fail("replay", status, &error) : exit_status(run, &all.result);
  bt_collected_dispose(&all);
  return code;
}

static int run_replay(const replay_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  int code = status ? bt_cli_fail("replay", status, &error) : replay_and_print(run, place.source);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_COUNT = BT_FLAG_OWN, OPT_LIMIT, OPT_FORMAT, OPT_FAIL_ON, OPT_STRATEGY };

static bool take_word(const char *const *words, int count, const char *value, int *out) {
  for (int i = 0; i < count; i++)
    if (strcmp(value, words[i]) == 0) return *out = i, true;
  return false;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  static const char *const counts[] = {
      [BT_COUNT_AUTO] = "auto", [BT_COUNT_EXACT] = "exact", [BT_COUNT_AT_LEAST] = "at_least"};
  static const char *const formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_JUNIT] = "junit"};
  replay_run *run = context;
  int word = 0;
  switch (flag->id) {
  case OPT_COUNT: return take_word(counts, 3, value, &word) && (run->count = (bt_count_mode)word, true);
  case OPT_FORMAT: return take_word(formats, 3, value, &word) && (run->format = (replay_format)word, true);
  case BT_FLAG_JSON: return run->format = FORMAT_JSON, true;
  case OPT_FAIL_ON: return bt_severity_parse(bt_str_from(value), &run->fail_on);
  case OPT_STRATEGY: return bt_strategy_parse(value, &run->strategy);
  case OPT_LIMIT: return bt_cli_number(value, &run->limit);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int replay_command(const bt_command *self, int argc, char **argv) {
  replay_run run = {.limit = 20};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES);
    if (!code) code = run_replay(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"fail-on", OPT_FAIL_ON, "info|low|warning|medium|high|error|critical", "info: any violation",
     "exit with 1 only for violations of rules of this severity or above", NULL},
    {"output", OPT_FORMAT, "text|json|junit", "text", "how the result is written", NULL},
    {"limit", OPT_LIMIT, "N", "20", "print at most N violations (of each rule, with junit); 0: all", NULL},
    {"count", OPT_COUNT, "auto|exact|at_least", "auto", "how traces_evaluated is counted", NULL},
    {"strategy", OPT_STRATEGY, "auto|read|id_sets|projection", "auto: by cost",
     "how candidates are decided; the answer is the same with each", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"Rules and traces of files", "betrace replay rules.yaml traces.jsonl"},
    {"The last day of a Tempo", "betrace replay --rules rules.yaml --tempo http://127.0.0.1:3200 --since 24h"},
    {"One rule, as text", "betrace replay --tempo http://127.0.0.1:3200 \\\n"
                          "  --dsl 'when { db.query.where(duration > 1s) } always { retry }'"},
    {"As a gate in CI: fails for high, error and critical only",
     "betrace replay --rules rules.yaml --traces traces.jsonl --fail-on high --output junit > betrace.xml"},
    {0}};
const bt_command bt_command_replay = {
    .name = "replay",
    .summary = "rules over the past: a Tempo, or trace files",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) (TRACES… | --traces FILE | --tempo URL) [flags]",
    .about =
        "Applies rules to traces of the past and prints the violations, earliest first, and what could not be read.\n\n"
        "Of files without a flag, folders, *.yaml and *.yml are rules, and so is *.json that is no OTLP. All others "
        "are "
        "traces, and so is what stands behind --.",
    .examples = examples,
    .groups = groups,
    .fine = "no violation that counts (--fail-on), and everything was read",
    .found = "violations",
    .unknown = "no violation seen, but not everything could be read",
    .run = replay_command};
