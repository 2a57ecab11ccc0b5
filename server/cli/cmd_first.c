/* `betrace first`: since when a rule is violated. */
#include <inttypes.h>
#include <unistd.h>

#include "server/cli/replay_options.h"
#include "server/replay/first.h"
#include "server/report/replay_json.h"
#include "server/time_text.h"

static const char help[] =
    "Usage: betrace first (--rules FILE | --dsl TEXT) (--tempo URL | --traces FILE) [options]\n\n"
    "Finds the earliest violation of one rule, without reading what comes after it, and says whether that is "
    "proven.\n\n"
    "  betrace first --dsl 'trace.has(span.name == \"db.query\" and span.duration > 1s) and not trace.has(span.name "
    "== \"retry\")' \\\n"
    "                --tempo http://127.0.0.1:3200 --since 30d\n\n" BT_REPLAY_OPTIONS_HELP
    "  --since DURATION    from that long before the end (default 30d; with --traces: everything)\n\n"
    "Exit status: 0 no violation and everything was read, 1 found, 2 usage, 3 none seen but not everything could be "
    "read.\n";

static const int64_t MONTH_NS = INT64_C(30) * 86400000000000;

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  const bool *is_shown = context;
  (void)so_far;
  if (*is_shown) fprintf(stderr, "\r%3.0f %%\033[K", fraction * 100);
}

static void print_found(const bt_rule_definition *definition, const bt_first_result *result) {
  bt_replay_print_violation(definition, result->violation);
  puts(result->proven ? "proven: everything before it was read, and nothing of it violates the rule"
                      : "not proven: there may be an earlier one");
  if (result->at_edge_of_data)
    puts("it lies at the edge of the data: the source has nothing older, so it may have started before");
}

static void print_text(const bt_rule_definition *definition, const bt_first_result *result) {
  char end[40];
  bt_time_format(result->coverage.effective_end_ns, end);
  if (result->violation)
    print_found(definition, result);
  else
    printf("%s: no violation up to %.19sZ%s\n", definition->fields.id, end,
           result->outcome == BT_REPLAY_COMPLETED ? "" : " was seen, but it is not certain that there is none");
  bt_replay_print_gaps(&result->coverage);
  printf("%s%s%s, %.3f s, %" PRIu64 " windows, %" PRIu64 " requests, %" PRIu64 " bytes received\n",
         bt_replay_outcome_name(result->outcome), result->reason[0] ? ": " : "", result->reason,
         (double)result->duration_ns / 1e9, result->windows, result->requests, result->bytes_received);
}

static int look_and_print(const bt_replay_options *options, bt_source *source) {
  bt_error error = {0};
  bt_first_result result = {0};
  const bt_rule_definition *definition = options->rules.items[0];
  bool is_shown = isatty(STDERR_FILENO) == 1;
  bt_replay_request request = {.rules = &definition,
                               .rule_count = 1,
                               .range = bt_replay_options_range(options, source, MONTH_NS),
                               .assumptions = options->assumptions,
                               .tenant = options->tenant,
                               .priority = BT_PRIORITY_PEOPLE,
                               .cancel = bt_replay_interrupt()};
  bt_replay_observer observer = {.context = &is_shown, .progress = show_progress};
  bt_status status = bt_first_violation_run(source, &request, &observer, &result, &error);
  if (is_shown) fputs("\r\033[K", stderr);
  if (status) return bt_cli_fail("first", status, &error);
  if (options->print_json)
    bt_cli_print_json(bt_first_json(definition, &result));
  else
    print_text(definition, &result);
  bool is_certain = result.outcome == BT_REPLAY_COMPLETED;
  int code = result.violation ? BT_EXIT_FOUND : is_certain ? BT_EXIT_FINE : BT_EXIT_UNKNOWN;
  bt_first_result_dispose(&result);
  return code;
}

static int run_first(const bt_replay_options *options) {
  bt_error error = {0};
  bt_replay_place place = {0};
  if (options->rules.count != 1)
    return bt_cli_usage_error("first", "one rule is looked at; %zu were given", options->rules.count);
  bt_status status = bt_replay_place_open(options, &place, &error);
  int code = status ? bt_cli_fail("first", status, &error) : look_and_print(options, place.source);
  bt_replay_place_close(&place);
  return code;
}

int bt_cmd_first(int argc, char **argv) {
  static const struct option none[] = {{NULL, 0, NULL, 0}};
  bt_replay_options options;
  bt_own_options own = {.rows = none};
  int code = BT_EXIT_FINE;
  if (bt_replay_options_parse(&options, argc, argv, help, &own, &code)) code = run_first(&options);
  bt_replay_options_dispose(&options);
  return code;
}
