/* `betrace gate`: is a new version worse than the old one? See server/query/gate.h, which decides it. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/idle_print.h"
#include "dsl/rule/rule_walk.h"
#include "server/cli/lab/gate_changes.h"
#include "server/cli/lab/rates.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/gate_json.h"
#include "server/json/gate_unknown_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/query/gate.h"

typedef struct gate_run {
  bt_replay_options options;
  bt_gate_question question;
  bool finds_unknown;
} gate_run;

static void print_difference(const bt_rate sides[2], const bt_interval *difference, bt_gate_word word) {
  bt_buffer basis = {0};
  bool is_sampled = bt_rates_say_basis(&sides[0], &sides[1], &basis);
  bt_print("  difference %+.3g to %+.3g points of percent (95 %%, Newcombe's interval from Wilson's): %s%s%s\n",
           100 * difference->low, 100 * difference->high,
           word == BT_GATE_WORSE ? "more often violated than allowed" : "no increase beyond what is allowed is shown",
           is_sampled ? "; " : "", is_sampled && basis.ptr ? basis.ptr : "");
  bt_buffer_dispose(&basis);
}

static void print_rule(const gate_run *run, const bt_rates *rates, size_t rule) {
  static const bt_style styles[] = {BT_STYLE_GREEN, BT_STYLE_RED, BT_STYLE_YELLOW, BT_STYLE_YELLOW};
  const bt_gate_question *question = &run->question;
  bt_interval difference;
  bt_gate_word word = bt_gate_judge_rule(question, rates->items, rule, &difference);
  bt_answer answer = bt_answer_of(&run->options, &rates->all.result);
  bt_print("%s%s: %s%s\n", bt_style_on(styles[word]), run->options.rules.items[rule]->fields.id,
           bt_gate_word_name(word), bt_style_on(BT_STYLE_OFF));
  for (size_t side = 0; side < 2; side++) {
    bt_buffer text = {0};
    bt_rate_write(&rates->items[2 * rule + side], &answer, &text);
    bt_print("  %-9s %s: %s\n", side ? "candidate" : "baseline", side ? question->candidate : question->baseline,
             text.ptr ? text.ptr : "");
    bt_buffer_dispose(&text);
  }
  if (word == BT_GATE_PASS || word == BT_GATE_WORSE) print_difference(&rates->items[2 * rule], &difference, word);
  if (word == BT_GATE_TOO_FEW)
    bt_print("  too few traces to say: of each version %llu have to exercise the rule (--min-exercised)\n",
             (unsigned long long)question->least);
}

/* Some version exercised some rule with no trace: only --min-exercised 0 lets that pass. */
static bool has_idle(const gate_run *run, const bt_rates *rates) {
  for (size_t i = 0; i < rates->count; i++)
    if (!rates->items[i].exercised && !bt_rule_is_exercised_by_all(run->options.rules.items[i / 2]->rule)) return true;
  return false;
}

/* What the rules say, and what changed beside them; NULL: nobody asked. */
static bt_gate_word judge_all(const gate_run *run, const bt_rates *rates, const bt_gate_changes *changes) {
  size_t count = run->options.rules.count;
  bt_gate_word beside = changes ? bt_gate_unknown_judge(&changes->unknown) : BT_GATE_PASS;
  return changes && !count ? beside : bt_gate_word_join(bt_gate_judge(&run->question, rates->items, count), beside);
}

static void print_json(const gate_run *run, const bt_rates *rates, const bt_rule_words *words,
                       const bt_gate_changes *changes) {
  size_t count = run->options.rules.count;
  const bt_rule_definition *const *rules = (const bt_rule_definition *const *)run->options.rules.items;
  json_t *json = bt_gate_json(&run->question, rules, count, rates->items, &rates->all.result);
  if (json) bt_rule_words_set_json(json, words, rules);
  if (json && changes) {
    bt_json_set(json, "result", json_string(bt_gate_word_name(judge_all(run, rates, changes))));
    bt_json_set(json, "unknown", bt_gate_unknown_json(&changes->unknown, rules));
    if (!count) bt_json_set(json, "coverage", json_null()); /* nothing was replayed */
  }
  bt_cli_print_json(json);
}

static int print_and_end(const gate_run *run, const bt_rates *rates, const bt_rule_words *words,
                         const bt_gate_changes *changes) {
  size_t count = run->options.rules.count;
  bt_gate_word all = judge_all(run, rates, changes);
  if (run->options.print_json) {
    print_json(run, rates, words, changes);
  } else {
    bt_rule_words_print(words, (const bt_rule_definition *const *)run->options.rules.items, "");
    for (size_t i = 0; i < count; i++) print_rule(run, rates, i);
    if (changes) bt_gate_changes_print(changes, &run->options);
    if (count) bt_collected_print_end(&rates->all.result);
  }
  int code = all == BT_GATE_PASS ? BT_EXIT_FINE : all == BT_GATE_WORSE ? BT_EXIT_FOUND : BT_EXIT_UNKNOWN;
  return bt_idle_exit_status(&run->options, has_idle(run, rates), code);
}

static bt_status find_words(const gate_run *run, bt_source *source, const bt_rates *rates, bt_rule_words *out,
                            bt_error *error) {
  bt_replay_request asked =
      bt_replay_options_request(&run->options, (const bt_rule_definition *const *)run->options.rules.items,
                                run->options.rules.count, bt_replay_options_range(&run->options, source, BT_DAY_NS));
  return bt_gate_words_find(source, &asked, rates->items, out, error);
}

static int run_gate(const gate_run *run) {
  bt_error error = {0};
  bt_rates rates = {0};
  bt_rule_words words = {0};
  bt_gate_changes changes = {0};
  bt_rule_definition **derived = NULL;
  bt_replay_place place;
  size_t count = run->options.rules.count;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  if (!status)
    status = bt_gate_rules_derive(&run->question, (const bt_rule_definition *const *)run->options.rules.items, count,
                                  &derived, &error);
  if (!status && count)
    status = bt_rates_measure(place.source, &run->options, (const bt_rule_definition *const *)derived, 2 * count,
                              bt_replay_options_range(&run->options, place.source, BT_DAY_NS), &rates, &error);
  if (!status && count) status = find_words(run, place.source, &rates, &words, &error);
  if (!status && run->finds_unknown)
    status = bt_gate_changes_find(place.source, &run->options, &run->question, &rates, &changes, &error);
  int code = status ? bt_cli_fail("gate", status, &error)
                    : print_and_end(run, &rates, &words, run->finds_unknown ? &changes : NULL);
  bt_gate_changes_dispose(&changes);
  bt_rates_dispose(&rates);
  bt_rule_words_dispose(&words);
  bt_gate_rules_free(derived, count);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_BY = BT_FLAG_OWN, OPT_BASELINE, OPT_CANDIDATE, OPT_SERVICE, OPT_LEAST, OPT_INCREASE, OPT_UNKNOWN };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  gate_run *run = context;
  switch (flag->id) {
  case OPT_BY: return run->question.by = value, value[0] != '\0';
  case OPT_BASELINE: return run->question.baseline = value, true;
  case OPT_CANDIDATE: return run->question.candidate = value, true;
  case OPT_SERVICE: return run->question.service = value, true;
  case OPT_LEAST: return bt_cli_number(value, &run->question.least);
  case OPT_UNKNOWN: return run->finds_unknown = true;
  case OPT_INCREASE: return bt_cli_percent(value, &run->question.max_increase);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int gate_command(const bt_command *self, int argc, char **argv) {
  gate_run run = {.question = {.by = "service.version", .least = 50}};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code)
      code = bt_replay_options_check(
          &run.options, self, BT_NEEDS_SOURCE | (run.finds_unknown && !run.options.rules.without ? 0 : BT_NEEDS_RULES));
    if (!code && !(run.question.baseline && run.question.candidate))
      code = bt_cli_usage_error(self->name, "say which versions are compared: --baseline VALUE --candidate VALUE");
    if (!code && bt_gate_compares_itself(&run.question))
      code =
          bt_cli_usage_error(self->name,
                             "--baseline and --candidate are both \"%s\": a version that is compared with itself shows "
                             "no difference, whatever it does; name the version that runs already and the new one",
                             run.question.baseline);
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
    {"unknown", OPT_UNKNOWN, NULL, NULL, "compare all that traces do, too: a change that no rule speaks of is worse",
     NULL},
    BT_FLAG_ROW_EXERCISED,
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
    {"Without a rule: does the new version do anything else?",
     "betrace gate --unknown --baseline 1.4.2 --candidate 1.4.3 --tempo http://127.0.0.1:3200 --since 30m"},
    {0}};
const bt_command bt_command_gate = {
    .name = "gate",
    .summary = "is a new version worse than the old one: violation ratios of two versions, for a rollout",
    .usage = "(--rules FILE | --unknown) --baseline VALUE --candidate VALUE [--by KEY] (--store URL | --traces FILE) "
             "[flags]",
    .about = "Compares, for each rule, the share of violations among the traces that exercise it and that a version "
             "took part in. A trace "
             "that both versions took part in counts for both.\n\n"
             "A rule is worse when the whole 95 % interval of the difference (Newcombe's, from Wilson score intervals) "
             "lies above "
             "--max-increase. It passes when that is not so and enough traces of both versions exercised it. A "
             "pass says that no increase is shown; the interval says how large one may still be hidden.\n\n"
             "With --unknown the traces of both versions are compared as betrace changed does, with or without rules. "
             "A rule speaks of a change when nearly all traces of the candidate that are not as before violate it, and "
             "nearly none of the baseline that are. A change that no rule speaks of is worse.",
    .examples = examples,
    .groups = groups,
    .fine = "no rule is worse, and there were enough traces",
    .found = "some rule is worse, or with --unknown: something changed that no rule speaks of",
    .unknown = "too few traces yet, or not everything could be read; " BT_EXERCISED_UNKNOWN,
    .run = gate_command};
