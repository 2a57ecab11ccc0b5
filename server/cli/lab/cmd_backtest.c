/* `betrace backtest`: when alerts of Prometheus would have fired in the past, from traces alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/cli/idle_print.h"
#include "server/cli/lab/backtest_print.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/json/backtest_json.h"
#include "server/json/replay_json.h"
#include "server/replay/explanation.h"

enum { OPT_ALERTS = BT_FLAG_OWN, OPT_STEP, OPT_PER_WEEK, OPT_NIGHT, OPT_ZONE, OPT_PAGES };
enum { MOST_FILES = 100, MOST_FILE_BYTES = 10 << 20, SHOWN_PAGES = 20 };
static const int64_t SECOND_NS = 1000000000, MOST_STEP_NS = INT64_C(300) * 1000000000;

typedef struct backtest_run {
  bt_replay_options options;
  const char *files[MOST_FILES];
  size_t file_count;
  int64_t step_ns;
  uint64_t shown;
  bt_page_limits limits;
} backtest_run;

/* ---- what is asked ---- */

static bt_replay_request request_of(const backtest_run *run, bt_source *source) {
  const bt_replay_options *options = &run->options;
  bt_time_range range = bt_replay_options_range(options, source, 30 * BT_DAY_NS);
  bt_replay_request request = bt_replay_options_request(
      options, (const bt_rule_definition *const *)options->rules.items, options->rules.count, range);
  request.range = bt_alert_backtest_range(source, &request, options->has_end, run->step_ns);
  return request;
}

/* To stderr, before anything is read. Rules share requests, so their sum is the most. */
static void print_cost(const backtest_run *run, bt_source *source, const bt_replay_request *request) {
  bt_explain_result explained = {0};
  bt_error error = {0};
  uint64_t requests = 0, traces = 0;
  char step[64];
  bt_duration_format(run->step_ns, step);
  bt_print_error("%zu rules, %" PRId64 " steps of %s", request->rule_count,
                 (request->range.end_ns - request->range.start_ns) / run->step_ns, step);
  bool is_static = bt_source_known(source).is_static;
  if (!is_static && bt_explain_run(source, request, &explained, &error) == BT_OK && explained.is_probed) {
    for (size_t i = 0; i < explained.rule_count; i++) {
      const bt_explain_rule *rule = &explained.rules[i];
      for (size_t k = 0; k < BT_EXPLAIN_OPTIONS; k++)
        if (rule->options[k].strategy == rule->chosen) {
          requests += rule->options[k].cost.requests;
          traces += rule->options[k].cost.traces_read;
        }
    }
    bt_print_error("; counting them takes about %" PRIu64 " requests besides searches, and reads about %" PRIu64
                   " traces (betrace explain says of each rule why)",
                   requests, traces);
  }
  bt_print_error(is_static ? "; the files are read once\n" : "\n");
  bt_explain_result_dispose(&explained);
}

static int read_alerts(const backtest_run *run, bt_alert_rules *rules) {
  bt_error error = {0};
  if (!run->file_count && bt_alert_rules_add_shipped(rules, &error))
    return bt_cli_fail("backtest", error.status, &error);
  for (size_t i = 0; i < run->file_count; i++) {
    size_t length = 0;
    char *text = bt_cli_read_file(run->files[i], MOST_FILE_BYTES, &length, &error);
    bt_status status = text ? bt_alert_rules_add(rules, (bt_str){text, length}, run->files[i], &error) : error.status;
    free(text);
    if (status) return bt_cli_fail("backtest", text ? status : BT_INVALID, &error);
  }
  return BT_EXIT_FINE;
}

/* ---- running ---- */

static void print_answer(const backtest_run *run, const bt_alert_backtest *a, const bt_rule_words *words) {
  const bt_rule_definition *const *rules = (const bt_rule_definition *const *)run->options.rules.items;
  if (run->options.print_json) {
    json_t *json = bt_backtest_json(a, SIZE_MAX);
    if (json) bt_rule_words_set_json(json, words, rules);
    bt_cli_print_json(json);
    return;
  }
  bt_backtest_print(a, &run->limits, (size_t)run->shown);
  bt_rule_words_print(words, rules, "");
}

static int exit_status(const bt_alert_backtest *a) {
  static const int codes[] = {
      [BT_ALERTS_SELDOM] = BT_EXIT_FINE, [BT_ALERTS_TOO_OFTEN] = BT_EXIT_FOUND, [BT_ALERTS_UNKNOWN] = BT_EXIT_UNKNOWN};
  return codes[bt_alert_backtest_judge(a)];
}

static int evaluate_alerts(const backtest_run *run, bt_source *source, bt_alert_backtest *a) {
  bt_error error = {0};
  bt_rule_words words = {0};
  bt_alert_backtest_progress progress = {bt_replay_show_progress, bt_cli_show_fraction, NULL};
  bt_replay_request request = request_of(run, source);
  print_cost(run, source, &request);
  bt_status status = bt_alert_backtest_run(source, &request, run->step_ns, &run->limits, &progress, a, &error);
  if (!status) status = bt_alert_backtest_words(source, &request, a, &words, &error);
  bt_replay_clear_progress();
  if (!status) print_answer(run, a, &words);
  bt_rule_words_dispose(&words);
  return status ? bt_cli_fail("backtest", status, &error) : exit_status(a);
}

static int run_backtest(const backtest_run *run) {
  bt_error error = {0};
  bt_replay_place place = {0};
  bt_alert_backtest a;
  bt_alert_backtest_init(&a);
  int code = read_alerts(run, &a.backtest.rules);
  bt_status status = code ? BT_OK : bt_replay_place_open(&run->options, &place, &error);
  if (status) code = bt_cli_fail("backtest", status, &error);
  if (!code) code = evaluate_alerts(run, place.source, &a);
  bt_replay_place_close(&place);
  bt_alert_backtest_dispose(&a);
  return code;
}

/* ---- the row ---- */

static bool take_per_week(const char *value, double *out) {
  uint64_t number;
  bool is_read = bt_cli_number(value, &number) && number <= 100000;
  if (is_read) *out = (double)number;
  return is_read;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  backtest_run *run = context;
  switch (flag->id) {
  case OPT_ALERTS: return run->file_count < MOST_FILES && (run->files[run->file_count++] = value);
  case OPT_STEP:
    return bt_duration_parse(bt_str_from(value), &run->step_ns) && run->step_ns >= SECOND_NS &&
           run->step_ns <= MOST_STEP_NS && run->step_ns % SECOND_NS == 0;
  case OPT_PER_WEEK: return take_per_week(value, &run->limits.per_week);
  case OPT_NIGHT: return bt_page_night_parse(bt_str_from(value), &run->limits);
  case OPT_ZONE: return bt_page_zone_parse(bt_str_from(value), &run->limits);
  case OPT_PAGES: return bt_cli_number(value, &run->shown);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int backtest_command(const bt_command *self, int argc, char **argv) {
  backtest_run run = {.step_ns = 60 * SECOND_NS, .shown = SHOWN_PAGES, .limits = bt_page_limits_usual};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES);
    if (!code) code = run_backtest(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"alerts", OPT_ALERTS, "FILE", NULL,
     "rule file of Prometheus; may be given several times, in the order of its rule_files; without it the alerts are "
     "those of distribution/prometheus",
     NULL},
    {"step", OPT_STEP, "DURATION", "1m", "how often the metrics are scraped and rules evaluated: 1s to 5m", NULL},
    {"per-week", OPT_PER_WEEK, "N", "1", "an alert that pages more often pages too often", NULL},
    {"night", OPT_NIGHT, "FROM-UNTIL", "22-7", "hours of the night", NULL},
    {"zone", OPT_ZONE, "OFFSET", "+00:00", "of which time zone, as in +02:00; all times are shown in UTC", NULL},
    {"pages", OPT_PAGES, "N", "20", "pages of each alert that are shown", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_month, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {{"How often would the shipped alerts have woken somebody last month?",
                                       "betrace backtest rules.yaml --since 30d --tempo http://127.0.0.1:3200"},
                                      {0}};
const bt_command bt_command_backtest = {
    .name = "backtest",
    .summary = "when alerts would have fired, how often, and with which for seldom enough",
    .usage = "RULES… [--alerts FILE] (TRACES… | --traces FILE | --store URL) [flags]",
    .about =
        "Counts by steps what violated each rule and what exercised it: the series that /metrics would have had. Then "
        "it evaluates the alerts over them as Prometheus does, and says of each when it would have fired and "
        "resolved, and how often at night. A page is one series of an alert that fires. For an alert that pages too "
        "often it tries longer times of for, and other thresholds, over the whole range.\n\n"
        "Times are those of the traces: watch sees them --settle and a round later. Counters begin at 0 with the "
        "range, so an alert over three days is itself from the fourth day on. That BeTrace can be scraped and that "
        "watch keeps up is assumed. A step that was not read in full is a gap and no 0, and an alert that looks at it "
        "is not known for as long as it does. Neither is one that looks at a series that a backtest does not have, as "
        "that "
        "of a rule that is not given.\n\n"
        "Of PromQL it knows what such alerts are made of, and refuses the rest by name: no subqueries, no @, no "
        "group_left, no histograms, no templates in labels.",
    .examples = examples,
    .groups = groups,
    .fine = "no alert pages too often",
    .found = "some alert pages more often than --per-week",
    .unknown = "no alert does as far as is known, and not everything could be counted or evaluated",
    .run = backtest_command};
