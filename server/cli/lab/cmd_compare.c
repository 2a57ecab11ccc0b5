/* `betrace compare`: did the fix work? Rates of violations over exercised traces, before and after. */
#include <stdlib.h>
#include <string.h>

#include "dsl/rule/rule_walk.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/idle_print.h"
#include "server/cli/lab/rates.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/gate_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

typedef struct compare_run {
  bt_replay_options options;
  bt_time_range before, after;
  bool has_before, has_after;
} compare_run;

typedef enum conclusion { LOWER, HIGHER, NOT_SHOWN, CANNOT_CONCLUDE } conclusion;

static const char *conclusion_name(conclusion c) {
  switch (c) {
  case LOWER: return "lower";
  case HIGHER: return "higher";
  case NOT_SHOWN: return "not_shown";
  case CANNOT_CONCLUDE: return "cannot_conclude";
  }
  return "cannot_conclude";
}

typedef struct comparison {
  bt_rates before, after;
  bt_rule_words words[2]; /* of each */
  bt_interval difference; /* after − before */
  bool is_one_sided;      /* one says how its traces were sampled, the other does not */
  conclusion conclusion;
} comparison;

static void conclude_comparison(comparison *c) {
  const bt_rate *before = &c->before.items[0], *after = &c->after.items[0];
  c->difference = bt_rate_difference(before, after);
  c->is_one_sided = (before->basis == BT_SHARE_UNSAID) != (after->basis == BT_SHARE_UNSAID);
  if (!bt_rate_is_sound(before) || !bt_rate_is_sound(after) || c->is_one_sided || !before->exercised ||
      !after->exercised)
    c->conclusion = CANNOT_CONCLUDE;
  else
    c->conclusion = c->difference.high < 0 ? LOWER : c->difference.low > 0 ? HIGHER : NOT_SHOWN;
}

/* ---- printing ---- */

static void print_side(const bt_replay_options *options, const char *name, const bt_rates *rates) {
  char start[40], end[40];
  bt_buffer text = {0};
  const bt_coverage *coverage = &rates->all.result.coverage;
  bt_time_format(coverage->asked.start_ns, start);
  bool is_settled = coverage->effective_end_ns > coverage->asked.start_ns;
  bt_time_format(is_settled ? coverage->effective_end_ns : coverage->asked.end_ns, end);
  bt_answer answer = bt_answer_of(options, &rates->all.result);
  bt_rate_write(&rates->items[0], &answer, &text);
  bt_print("%-6s  %.19sZ to %.19sZ: %s\n", name, start, end, text.ptr ? text.ptr : "");
  bt_replay_print_gaps(coverage);
  bt_buffer_dispose(&text);
}

static const char *why_not(const comparison *c) {
  const bt_rate *before = &c->before.items[0], *after = &c->after.items[0];
  if (!bt_rate_is_sound(before) || !bt_rate_is_sound(after)) return "not everything is known";
  if (!before->exercised) return "no trace exercised the rule before";
  if (!after->exercised) return "no trace exercised the rule after";
  return before->basis == BT_SHARE_UNSAID ? "how the traces before were sampled is not declared (--sampling)"
                                          : "how the traces after were sampled is not declared (--sampling)";
}

static void print_difference(const comparison *c) {
  const bt_rate *before = &c->before.items[0], *after = &c->after.items[0];
  bt_buffer basis = {0};
  bool is_sampled = bt_rates_say_basis(before, after, &basis);
  bt_print("difference %+.3g points of percent (95 %% interval %+.3g to %+.3g, Newcombe's from Wilson's)%s%s\n",
           100 * (after->rate - before->rate), 100 * c->difference.low, 100 * c->difference.high,
           is_sampled ? "; " : "", is_sampled && basis.ptr ? basis.ptr : "");
  bt_buffer_dispose(&basis);
}

static void print_text(const bt_replay_options *options, const comparison *c) {
  const bt_rule_definition *rule = options->rules.items[0];
  bt_print("%s%s%s\n", bt_style_on(BT_STYLE_BOLD), rule->fields.id, bt_style_on(BT_STYLE_OFF));
  bt_rule_words_print(&c->words[0], &rule, "before: ");
  bt_rule_words_print(&c->words[1], &rule, "after: ");
  print_side(options, "before", &c->before);
  print_side(options, "after", &c->after);
  if (c->conclusion != CANNOT_CONCLUDE) print_difference(c);
  static const bt_style styles[] = {BT_STYLE_GREEN, BT_STYLE_RED, BT_STYLE_YELLOW, BT_STYLE_YELLOW};
  bt_print("%s", bt_style_on(styles[c->conclusion]));
  switch (c->conclusion) {
  case LOWER: bt_print("the rule is violated less often after than before"); break;
  case HIGHER: bt_print("the rule is violated more often after than before"); break;
  case NOT_SHOWN:
    bt_print(c->before.items[0].violated
                 ? "no difference is shown: it is within what chance does; more traces would tell"
                 : "no difference is shown: there was no violation before");
    break;
  case CANNOT_CONCLUDE: bt_print("nothing can be concluded: %s", why_not(c)); break;
  }
  bt_print("%s\n", bt_style_on(BT_STYLE_OFF));
}

static json_t *side_json(const bt_rule_definition *rule, const bt_rates *rates, const bt_rule_words *words) {
  json_t *object = bt_rate_json(&rates->items[0]);
  if (object) bt_json_set(object, "coverage", bt_coverage_json(&rates->all.result.coverage));
  if (object) bt_rule_words_set_json(object, words, &rule);
  return object;
}

static void print_json(const bt_rule_definition *rule, const comparison *c) {
  json_t *difference =
      c->conclusion == CANNOT_CONCLUDE
          ? json_null()
          : json_pack("{s:f, s:{s:s, s:f, s:f, s:f}}", "rate", c->after.items[0].rate - c->before.items[0].rate,
                      "interval", "method", "newcombe_wilson", "confidence", 0.95, "low", c->difference.low, "high",
                      c->difference.high);
  bt_cli_print_json(json_pack("{s:s, s:s, s:o, s:o, s:o}", "rule_id", rule->fields.id, "conclusion",
                              conclusion_name(c->conclusion), "before", side_json(rule, &c->before, &c->words[0]),
                              "after", side_json(rule, &c->after, &c->words[1]), "difference", difference));
}

/* ---- running ---- */

/* "0 of 0" says nothing of why, and of a `never` 0 of many says nothing of its name. */
static void find_words(const compare_run *run, bt_source *source, bt_time_range range, const bt_rates *rates,
                       bt_rule_words *out) {
  const bt_rule_definition *rule = run->options.rules.items[0];
  const bt_rate *rate = &rates->items[0];
  bt_replay_request asked = bt_replay_options_request(&run->options, &rule, 1, range);
  bool is_exercised = rate->exercised || bt_rule_is_exercised_by_all(rule->rule);
  bt_exercise exercise = rate->is_certain && !is_exercised ? BT_NOT_EXERCISED : BT_EXERCISED;
  bool is_clean = rate->is_certain && is_exercised && !rate->violated;
  bt_rule_words_find(source, &asked, &exercise, &is_clean, out);
}

static int compare_ranges(const compare_run *run, bt_source *source) {
  bt_error error = {0};
  comparison c = {0};
  const bt_rule_definition *rule = run->options.rules.items[0];
  bt_status status = bt_rates_measure(source, &run->options, &rule, 1, run->before, &c.before, &error);
  if (!status) status = bt_rates_measure(source, &run->options, &rule, 1, run->after, &c.after, &error);
  if (!status) {
    find_words(run, source, run->before, &c.before, &c.words[0]);
    find_words(run, source, run->after, &c.after, &c.words[1]);
    conclude_comparison(&c);
    if (run->options.print_json)
      print_json(rule, &c);
    else
      print_text(&run->options, &c);
  }
  int code = c.conclusion == LOWER ? BT_EXIT_FINE : c.conclusion == HIGHER ? BT_EXIT_FOUND : BT_EXIT_UNKNOWN;
  for (int side = 0; side < 2; side++) bt_rule_words_dispose(&c.words[side]);
  bt_rates_dispose(&c.before);
  bt_rates_dispose(&c.after);
  return status ? bt_cli_fail("compare", status, &error) : code;
}

static int run_compare(const compare_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  int code = status ? bt_cli_fail("compare", status, &error) : compare_ranges(run, place.source);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_BEFORE = BT_FLAG_OWN, OPT_AFTER };

/* "A..B" */
static bool take_range(const char *value, bt_time_range *out, bool *is_set) {
  const char *dots = strstr(value, "..");
  int64_t now = bt_clock_wall_ns();
  *is_set = dots && bt_time_parse((bt_str){value, (size_t)(dots - value)}, now, &out->start_ns) &&
            bt_time_parse(bt_str_from(dots + 2), now, &out->end_ns) && out->start_ns < out->end_ns;
  return *is_set;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  compare_run *run = context;
  if (flag->id == OPT_BEFORE) return take_range(value, &run->before, &run->has_before);
  if (flag->id == OPT_AFTER) return take_range(value, &run->after, &run->has_after);
  return bt_replay_options_take(&run->options, flag, value);
}

static int compare_command(const bt_command *self, int argc, char **argv) {
  compare_run run = {0};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_ONE_RULE);
    if (!code && !(run.has_before && run.has_after))
      code = bt_cli_usage_error(self->name, "say which times are compared: --before A..B --after C..D");
    if (!code) code = run_compare(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {{"before", OPT_BEFORE, "A..B", NULL,
                                 "the time before the change: two times as in now-4d..now-2d, or RFC 3339", NULL},
                                {"after", OPT_AFTER, "C..D", NULL, "the time after it", NULL},
                                BT_FLAG_ROW_EXERCISED,
                                {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rule:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"Did the release of two hours ago mend it?",
     "betrace compare --rules rules.yaml --rule fraud-check --tempo http://127.0.0.1:3200 \\\n"
     "  --before now-26h..now-2h --after now-2h..now"},
    {0}};
const bt_command bt_command_compare = {
    .name = "compare",
    .summary = "did the fix work: how often a rule is violated before and after",
    .usage = "(--rules FILE --rule ID | --dsl TEXT) --before A..B --after C..D (--store URL | --traces FILE)",
    .about = "Compares how often a rule is violated by the traces that exercise it, in two ranges of time: rates, not "
             "numbers, because "
             "traffic changes.\n\n"
             "Each rate comes with its Wilson score interval, the difference with Newcombe's interval that is made of "
             "them, at 95 %. A "
             "difference is said only when its interval leaves out zero. When something could not be read, when a "
             "verdict is "
             "inconclusive, or when no trace exercised the rule, nothing is concluded.",
    .examples = examples,
    .groups = groups,
    .fine = "the rule is violated less often after than before",
    .found = "it is violated more often",
    .unknown = "no difference is shown, or nothing can be concluded: a side that nothing exercised, say",
    .run = compare_command};
