/* `betrace gate`: is a new version worse than the old one? Ratios of violations of the traces that each version took
 * part in, for a rollout. The split is made in the language: each rule is replayed with "… and some span is of this
 * version" added, so that nothing else decides what belongs to a version. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/lab/rates.h"
#include "server/cli/print.h"
#include "server/cli/terminal.h"
#include "server/json/replay_json.h"
#include "server/rules/derived_rule.h"

typedef struct gate_run {
  bt_replay_options options;
  const char *by, *baseline, *candidate, *service;
  uint64_t least;      /* exercised traces of each version */
  double max_increase; /* in points of percent */
} gate_run;

typedef enum gate_word { GATE_PASS, GATE_WORSE, GATE_TOO_FEW, GATE_UNKNOWN } gate_word;

static const char *word_name(gate_word word) {
  switch (word) {
  case GATE_PASS: return "pass";
  case GATE_WORSE: return "worse";
  case GATE_TOO_FEW: return "too_few";
  case GATE_UNKNOWN: return "unknown";
  }
  return "unknown";
}

typedef struct gate {
  bt_rule_definition **derived; /* of each rule: baseline, candidate */
  bt_rates rates;
} gate;

/* ---- splitting by version ---- */

/* trace.has(resource.attributes["service.version"] == "1.4.2" and span.service == "checkout") */
static void write_condition(const gate_run *run, const char *version, bt_buffer *out) {
  bool is_span = strncmp(run->by, "span.", 5) == 0, is_resource = strncmp(run->by, "resource.", 9) == 0;
  bt_buffer_printf(out, "trace.has(%s.attributes[", is_span ? "span" : "resource");
  bt_rule_quote(bt_str_from(run->by + (is_span ? 5 : is_resource ? 9 : 0)), out);
  bt_buffer_append(out, BT_STR("] == "));
  bt_rule_quote(bt_str_from(version), out);
  if (run->service) {
    bt_buffer_append(out, BT_STR(" and span.service == "));
    bt_rule_quote(bt_str_from(run->service), out);
  }
  bt_buffer_append_char(out, ')');
}

static bt_status derive(const gate_run *run, const bt_rule_definition *rule, const char *version,
                        bt_rule_definition **out, bt_error *error) {
  bt_buffer condition = {0};
  write_condition(run, version, &condition);
  bt_status status =
      condition.failed ? bt_error_no_memory(error) : bt_derived_restricted(rule, condition.ptr, out, error);
  bt_buffer_dispose(&condition);
  return status;
}

/* ---- what follows ---- */

static gate_word judge_rule(const gate_run *run, const gate *g, size_t rule, bt_interval *difference) {
  const bt_rate *baseline = &g->rates.items[2 * rule], *candidate = &g->rates.items[2 * rule + 1];
  *difference =
      bt_difference_interval(baseline->violated, baseline->exercised, candidate->violated, candidate->exercised);
  if (!baseline->is_certain || !candidate->is_certain) return GATE_UNKNOWN;
  if (candidate->exercised && baseline->exercised && 100 * difference->low > run->max_increase) return GATE_WORSE;
  return candidate->exercised < run->least || baseline->exercised < run->least ? GATE_TOO_FEW : GATE_PASS;
}

static void print_rule(const gate_run *run, const gate *g, size_t rule) {
  static const bt_style styles[] = {BT_STYLE_GREEN, BT_STYLE_RED, BT_STYLE_YELLOW, BT_STYLE_YELLOW};
  bt_interval difference;
  gate_word word = judge_rule(run, g, rule, &difference);
  bt_answer answer = bt_answer_of(&run->options, &g->rates.all.result);
  bt_print("%s%s: %s%s\n", bt_style_on(styles[word]), run->options.rules.items[rule]->fields.id, word_name(word),
           bt_style_on(BT_STYLE_OFF));
  for (size_t side = 0; side < 2; side++) {
    bt_buffer text = {0};
    bt_rate_write(&g->rates.items[2 * rule + side], &answer, &text);
    bt_print("  %-9s %s: %s\n", side ? "candidate" : "baseline", side ? run->candidate : run->baseline,
             text.ptr ? text.ptr : "");
    bt_buffer_dispose(&text);
  }
  if (word == GATE_PASS || word == GATE_WORSE)
    bt_print("  difference %+.3g to %+.3g points of percent (95 %%, Newcombe's interval from Wilson's): %s\n",
             100 * difference.low, 100 * difference.high,
             word == GATE_WORSE ? "more often violated than allowed" : "no increase beyond what is allowed is shown");
  if (word == GATE_TOO_FEW)
    bt_print("  too few traces to say: of each version %llu have to exercise the rule (--min-exercised)\n",
             (unsigned long long)run->least);
}

static json_t *rule_json(const gate_run *run, const gate *g, size_t rule) {
  bt_interval difference;
  gate_word word = judge_rule(run, g, rule, &difference);
  return json_pack("{s:s, s:s, s:o, s:o, s:{s:s, s:f, s:f, s:f}}", "rule_id", run->options.rules.items[rule]->fields.id,
                   "result", word_name(word), "baseline", bt_rate_json(&g->rates.items[2 * rule]), "candidate",
                   bt_rate_json(&g->rates.items[2 * rule + 1]), "difference_interval", "method", "newcombe_wilson",
                   "confidence", 0.95, "low", difference.low, "high", difference.high);
}

static gate_word judge_all(const gate_run *run, const gate *g) {
  gate_word all = GATE_PASS;
  for (size_t i = 0; i < run->options.rules.count; i++) {
    bt_interval difference;
    gate_word word = judge_rule(run, g, i, &difference);
    if (word == GATE_WORSE) return GATE_WORSE;
    if (word > all) all = word;
  }
  return all;
}

static int print_and_end(const gate_run *run, const gate *g) {
  gate_word all = judge_all(run, g);
  if (run->options.print_json) {
    json_t *rules = json_array();
    for (size_t i = 0; i < run->options.rules.count; i++) json_array_append_new(rules, rule_json(run, g, i));
    bt_cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "result", word_name(all), "by", run->by, "baseline",
                                run->baseline, "candidate", run->candidate, "rules", rules, "coverage",
                                bt_coverage_json(&g->rates.all.result.coverage)));
  } else {
    for (size_t i = 0; i < run->options.rules.count; i++) print_rule(run, g, i);
    bt_collected_print_end(&g->rates.all.result);
  }
  return all == GATE_PASS ? BT_EXIT_FINE : all == GATE_WORSE ? BT_EXIT_FOUND : BT_EXIT_UNKNOWN;
}

/* ---- running ---- */

static bt_status measure(const gate_run *run, gate *g, bt_source *source, bt_error *error) {
  size_t count = run->options.rules.count;
  bt_status status = BT_OK;
  g->derived = calloc(2 * count + 1, sizeof *g->derived);
  if (!g->derived) return bt_error_no_memory(error);
  for (size_t i = 0; i < 2 * count && !status; i++)
    status =
        derive(run, run->options.rules.items[i / 2], i % 2 ? run->candidate : run->baseline, &g->derived[i], error);
  return status ? status
                : bt_rates_measure(source, &run->options, (const bt_rule_definition *const *)g->derived, 2 * count,
                                   bt_replay_options_range(&run->options, source, BT_DAY_NS), &g->rates, error);
}

static int run_gate(const gate_run *run) {
  bt_error error = {0};
  gate g = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  if (!status) status = measure(run, &g, place.source, &error);
  int code = status ? bt_cli_fail("gate", status, &error) : print_and_end(run, &g);
  bt_rates_dispose(&g.rates);
  for (size_t i = 0; g.derived && i < 2 * run->options.rules.count; i++) bt_rule_definition_unref(g.derived[i]);
  free(g.derived);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_BY = BT_FLAG_OWN, OPT_BASELINE, OPT_CANDIDATE, OPT_SERVICE, OPT_LEAST, OPT_INCREASE };

static bool take_percent(const char *value, double *out) {
  char *end = NULL;
  *out = strtod(value, &end);
  return end != value && (!*end || strcmp(end, "%") == 0) && *out >= 0 && *out <= 100;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  gate_run *run = context;
  switch (flag->id) {
  case OPT_BY: return run->by = value, value[0] != '\0';
  case OPT_BASELINE: return run->baseline = value, true;
  case OPT_CANDIDATE: return run->candidate = value, true;
  case OPT_SERVICE: return run->service = value, true;
  case OPT_LEAST: return bt_cli_number(value, &run->least);
  case OPT_INCREASE: return take_percent(value, &run->max_increase);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int gate_command(const bt_command *self, int argc, char **argv) {
  gate_run run = {.by = "service.version", .least = 50};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES);
    if (!code && !(run.baseline && run.candidate))
      code = bt_cli_usage_error(self->name, "say which versions are compared: --baseline VALUE --candidate VALUE");
    if (!code) code = run_gate(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"by", OPT_BY, "KEY", "service.version", "the attribute that tells versions apart: of the resource, or span.KEY",
     NULL},
    {"baseline", OPT_BASELINE, "VALUE", NULL, "the version that runs already", NULL},
    {"candidate", OPT_CANDIDATE, "VALUE", NULL, "the version that is rolled out", NULL},
    {"service", OPT_SERVICE, "NAME", "any", "the service whose version it is", NULL},
    {"min-exercised", OPT_LEAST, "N", "50", "traces of each version that have to exercise a rule before it passes",
     NULL},
    {"max-increase", OPT_INCREASE, "PERCENT", "0", "points of percent by which the ratio may rise", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"A step of a rollout: may 1.4.3 go on?",
     "betrace gate --rules rules.yaml --by service.version --service checkout-service \\\n"
     "  --baseline 1.4.2 --candidate 1.4.3 --tempo http://127.0.0.1:3200 --since 30m"},
    {0}};
const bt_command bt_command_gate = {
    .name = "gate",
    .summary = "is a new version worse than the old one: violation ratios of two versions, for a rollout",
    .usage = "--rules FILE --baseline VALUE --candidate VALUE [--by KEY] (--tempo URL | --traces FILE) [flags]",
    .about = "Compares, for each rule, the share of violations among the traces that exercise it and that a version "
             "took part in. A trace "
             "that both versions took part in counts for both.\n\n"
             "A rule is worse when the whole 95 % interval of the difference (Newcombe's, from Wilson score intervals) "
             "lies above "
             "--max-increase. It passes when that is not so and enough traces of both versions exercised it. A "
             "pass says that no increase is shown; the interval says how large one may still be hidden.",
    .examples = examples,
    .groups = groups,
    .fine = "no rule is worse, and there were enough traces",
    .found = "some rule is worse",
    .unknown = "too few traces yet, or not everything could be read",
    .run = gate_command};
