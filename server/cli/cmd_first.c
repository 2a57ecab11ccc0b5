/* `betrace first`: since when a rule is violated. */
#include <inttypes.h>

#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/cli/idle_print.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/first_violation.h"
#include "server/replay/unseen_names.h"

static const int64_t MONTH_NS = 30 * BT_DAY_NS;

static void print_found(const bt_rule_definition *definition, const bt_first_result *result, const bt_answer *answer) {
  bt_replay_print_violation(definition, result->violation);
  if (bt_answer_has_gaps(answer)) {
    bt_print("1 violation found");
    bt_answer_print_rest(answer);
    bt_print("\n");
  }
  bt_print_line(result->proven ? "proven: everything before it was read, and nothing of it violates the rule"
                : result->outcome == BT_REPLAY_COMPLETED
                    ? "earliest seen: everything before it was read that was kept, and nothing of it violates the rule"
                    : "not proven: there may be an earlier one");
  if (result->at_edge_of_data)
    bt_print_line("it lies at the edge of the data: the source has nothing older, so it may have started before");
}

static void print_none(const char *id, const bt_first_result *result, const bt_answer *answer) {
  char end[40];
  bt_time_format(result->coverage.effective_end_ns, end);
  if (bt_answer_is_unknown(answer)) {
    bt_answer_print_unknown(id, answer);
  } else if (bt_answer_has_gaps(answer)) {
    bt_print("%s%s: UNKNOWN: none was seen up to %.19sZ%s", bt_style_on(BT_STYLE_YELLOW), id, end,
             bt_style_on(BT_STYLE_OFF));
    bt_answer_print_rest(answer);
    bt_print("\n");
  } else {
    bt_print("%s: no violation up to %.19sZ\n", id, end);
  }
}

static void print_policy(const char *id, const bt_first_result *result) {
  bt_buffer said = {0};
  bt_policy_say(&result->policy, &result->coverage.sampling.declared, &said);
  if (said.len) bt_print("sampling: %s: %.*s\n", id, BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

static void print_text(const bt_replay_options *options, const bt_first_result *result, const bt_idle_rules *idle) {
  const bt_rule_definition *definition = options->rules.items[0];
  bt_answer answer = {options, result->outcome, result->reason, &result->coverage,
                      result->traces_read + result->coverage.has_data_from};
  if (result->violation)
    print_found(definition, result, &answer);
  else if (idle->count)
    bt_idle_rules_print(idle);
  else
    print_none(definition->fields.id, result, &answer);
  for (size_t i = 0; i < result->note_count; i++)
    bt_replay_note_print(definition, &result->notes[i], result->noted_traces);
  if (bt_sampled_traces_known(&result->coverage.sampling) == BT_KEPT_NOT_SAID)
    bt_replay_print_sampling(&result->coverage.sampling);
  print_policy(definition->fields.id, result);
  const bt_tail_found found = {.violations = result->violation && result->violation->provisional};
  bt_replay_print_gaps_and(&result->coverage, &found);
  bt_print("%s%s%s, %.3f s, %" PRIu64 " windows, %" PRIu64 " requests, %" PRIu64 " bytes received\n",
           bt_replay_outcome_name(result->outcome), result->reason[0] ? ": " : "", result->reason,
           (double)result->duration_ns / 1e9, result->windows, result->requests, result->bytes_received);
}

/* "No violation" says nothing where nothing exercised the rule, so that is asked before it is said. */
static bt_status find_idle(bt_source *source, const bt_replay_request *request, bt_first_result *result,
                           bt_idle_rules *out, bt_error *error) {
  bt_exercise exercise = bt_exercise_of_first(result, request->rules[0]);
  bt_status status = bt_idle_rules_find(source, request, &exercise, out, error);
  if (out->count) out->items[0].has_tail = result->coverage.unsettled > 0;
  return status || out->count ? status : bt_unseen_names_of_first(source, request, result, error);
}

static void print_json(const bt_rule_definition *definition, const bt_first_result *result, const bt_idle_rules *idle) {
  json_t *object = bt_first_json(definition, result);
  bt_json_set(object, "unexercised", bt_idle_rules_json(idle));
  bt_cli_print_json(object);
}

static int exit_status(const bt_first_result *result, const bt_idle_rules *idle) {
  if (result->violation) return BT_EXIT_FOUND;
  return result->outcome == BT_REPLAY_COMPLETED && !idle->count ? BT_EXIT_FINE : BT_EXIT_UNKNOWN;
}

static int look_and_print(const bt_replay_options *options, bt_source *source) {
  bt_error error = {0};
  bt_first_result result = {0};
  bt_idle_rules idle = {0};
  const bt_rule_definition *definition = options->rules.items[0];
  bt_time_range range = bt_replay_options_range(options, source, MONTH_NS);
  bt_replay_request request = bt_replay_options_request(options, &definition, 1, range);
  bt_replay_observer observer = {.progress = bt_replay_show_progress};
  request.takes_notes = true;
  bt_status status = bt_first_violation_run(source, &request, &observer, &result, &error);
  bt_replay_clear_progress();
  if (!status) status = find_idle(source, &request, &result, &idle, &error);
  int code = status ? bt_cli_fail("first", status, &error) : exit_status(&result, &idle);
  if (!status && options->print_json)
    print_json(definition, &result, &idle);
  else if (!status)
    print_text(options, &result, &idle);
  bt_idle_rules_dispose(&idle);
  bt_first_result_dispose(&result);
  return code;
}

static int run_first(const bt_replay_options *options) {
  bt_error error = {0};
  bt_replay_place place = {0};
  bt_status status = bt_replay_place_open(options, &place, &error);
  int code = status ? bt_cli_fail("first", status, &error) : look_and_print(options, place.source);
  bt_replay_place_close(&place);
  return code;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  return bt_replay_options_take(context, flag, value);
}

static int first_command(const bt_command *self, int argc, char **argv) {
  bt_replay_options options;
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&options);
  if (bt_arguments_read(self, argc, argv, take_flag, &options, &operands, &code)) {
    code = bt_replay_options_operands(&options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&options, self, BT_NEEDS_SOURCE | BT_NEEDS_ONE_RULE | BT_SHOWS_LINKS);
    if (!code) code = run_first(&options);
  }
  bt_replay_options_dispose(&options);
  return code;
}

static const bt_flag flags[] = {BT_FLAG_ROW_EXERCISED, {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rule:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_month, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {"Links:", bt_flags_links, NULL},
                                       {0}};
static const bt_example examples[] = {{"Since when are there slow queries that nobody retries?",
                                       "betrace first --tempo http://127.0.0.1:3200 --since 30d \\\n"
                                       "  --dsl 'when { db.query.where(duration > 1s) } always { retry }'"},
                                      {"One rule of a file, over a file of traces",
                                       "betrace first --rules rules.yaml --rule fraud-check --traces traces.jsonl"},
                                      {0}};
const bt_command bt_command_first = {
    .name = "first",
    .summary = "when did it start: the earliest violation of a rule, and whether that is proven",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) [--rule ID] (TRACES… | --traces FILE | --store URL) [flags]",
    .about = "Finds the earliest violation of one rule, without reading what comes after it.\n\n"
             "It says the time and the trace, and how sure that is: proven, when everything before it was read in "
             "full; else which "
             "times could not be read. At the edge of the data it may have started before.",
    .examples = examples,
    .groups = groups,
    .fine = "no violation, and everything was read",
    .found = "a violation was found",
    .unknown = "none was seen, but not everything could be read; or nothing exercised the rule",
    .run = first_command};
