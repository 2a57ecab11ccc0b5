/* `betrace silent`: rules that something exercised until lately. A renamed span silences a rule, and nothing of the
 * rule says so. */
#include <inttypes.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"
#include "server/json/silent_json.h"
#include "server/query/silent.h"
#include "server/replay/sampled_text.h"

static void print_rule(const bt_silent *silent, const bt_silent_rule *rule) {
  bool is_silent = !rule->why[0] && rule->found.state == BT_SILENCE_FALLEN;
  bt_style style = is_silent ? BT_STYLE_RED : rule->exercising && rule->why[0] ? BT_STYLE_YELLOW : BT_STYLE_GREEN;
  bt_buffer text = {0};
  bt_silent_rule_write(rule, &silent->tally, &text);
  bt_print("%s%s%s: %.*s\n", bt_style_on(style), rule->rule->fields.id, bt_style_on(BT_STYLE_OFF),
           BT_FMT(bt_buffer_str(&text)));
  bt_buffer_dispose(&text);
}

/* A sampler that changes looks like a rule that falls silent. */
static void print_sampling(const bt_sampled_traces *sampling) {
  bt_buffer said = {0};
  if (!bt_sampled_traces_lack(sampling)) return;
  bt_sampled_say_range(sampling, &said);
  bt_print("sampling: %.*s; this is about kept traces alone, and says nothing of the others\n",
           BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

/* Silent ones first: of a hundred rules nobody reads the last line. */
static void print_text(const bt_silent *silent, int64_t started_ns) {
  for (int wants_silent = 1; wants_silent >= 0; wants_silent--)
    for (size_t i = 0; i < silent->rule_count; i++) {
      const bt_silent_rule *rule = &silent->rules[i];
      bool is_silent = !rule->why[0] && rule->found.state == BT_SILENCE_FALLEN;
      if (is_silent == (wants_silent == 1)) print_rule(silent, rule);
    }
  print_sampling(&silent->sampling);
  bt_print("%zu of %zu rules silent, %zu not known; %zu quarters of an hour, %.3f s, %" PRIu64 " requests, %" PRIu64
           " bytes inspected, %" PRIu64 " bytes received\n",
           silent->fallen, silent->rule_count, silent->unknown, silent->step_count,
           (double)(bt_clock_monotonic_ns() - started_ns) / 1e9, silent->requests, silent->bytes_inspected,
           silent->bytes_received);
}

/* What is younger than settle may still come. Files may end within a quarter of an hour, and all of it is there. */
static bt_replay_request request_of(const bt_replay_options *options, bt_source *source) {
  bt_time_range range = bt_replay_options_range(options, source, 8 * BT_DAY_NS);
  bt_replay_request request = bt_replay_options_request(
      options, (const bt_rule_definition *const *)options->rules.items, options->rules.count, range);
  int64_t decided_ns = bt_decided_until_ns(source, &request);
  if (decided_ns < request.range.end_ns) request.range.end_ns = decided_ns;
  const int64_t step_ns = (int64_t)BT_SILENCE_STEP_S * 1000000000;
  if (decided_ns == INT64_MAX && !options->has_end)
    request.range.end_ns = (request.range.end_ns / step_ns + 1) * step_ns;
  return request;
}

static int look_and_print(const bt_replay_options *options, bt_source *source) {
  bt_error error = {0};
  bt_silent silent = {0};
  int64_t started_ns = bt_clock_monotonic_ns();
  bt_replay_request request = request_of(options, source);
  bt_status status = bt_silent_find(source, &request, &silent, &error);
  if (!status && options->print_json)
    bt_cli_print_json(bt_silent_json(&silent));
  else if (!status)
    print_text(&silent, started_ns);
  int code = silent.fallen ? BT_EXIT_FOUND : silent.unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
  if (status) code = bt_cli_fail("silent", status, &error);
  bt_silent_dispose(&silent);
  return code;
}

static int run_silent(const bt_replay_options *options) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(options, &place, &error);
  int code = status ? bt_cli_fail("silent", status, &error) : look_and_print(options, place.source);
  bt_replay_place_close(&place);
  return code;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  return bt_replay_options_take(context, flag, value);
}

static int silent_command(const bt_command *self, int argc, char **argv) {
  bt_replay_options options;
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&options);
  if (bt_arguments_read(self, argc, argv, take_flag, &options, &operands, &code)) {
    code = bt_replay_options_operands(&options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES);
    if (!code) code = run_silent(&options);
  }
  bt_replay_options_dispose(&options);
  return code;
}

static const bt_flag_group groups[] = {{"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_week, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {{"Did a rename or a deploy silence one of our rules?",
                                       "betrace silent --rules rules.yaml --tempo http://127.0.0.1:3200 --since 14d"},
                                      {"What was silent at the end of last Friday?",
                                       "betrace silent --rules rules.yaml --tempo http://127.0.0.1:3200 \\\n"
                                       "  --start 2026-11-13T00:00:00Z --end 2026-11-27T22:00:00Z"},
                                      {0}};
const bt_command bt_command_silent = {
    .name = "silent",
    .summary = "rules that traces exercised until lately: a rename, a value that changed",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) (TRACES… | --traces FILE | --store URL) [flags]",
    .about =
        "Counts, in quarters of an hour, how many traces there were and how many exercised each rule. At the end of "
        "the range each rule is held against its own past: the same hours of earlier weekdays, or of earlier "
        "weekends. A rule is silent where a quarter of what was expected came, or less, and chance would do that "
        "less than once in a million. That takes about 20 expected traces, and more where days differ.\n\n"
        "Of a silent rule it says since when, which of its names, attributes or values no trace has since then, "
        "and what came in the same services instead. Over a store that is searched, nothing but a sample for that "
        "is read.",
    .examples = examples,
    .groups = groups,
    .fine = "no rule is silent",
    .found = "some rule is silent",
    .unknown = "of some rule it is not known: it has no past yet, or not everything was answered",
    .run = silent_command};
