/* `betrace suggest`: rules that traces keep already, for a person to accept. A sample says what could be a rule; a
 * replay over the whole range says whether it is one, and which traces are exceptions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/answer.h"
#include "server/cli/lab/rates.h"
#include "server/cli/lab/recorded_rule.h"
#include "server/cli/printer.h"
#include "server/json/gate_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/json/suggest_json.h"
#include "server/query/behaviour_text.h"
#include "server/query/suggestions.h"
#include "server/replay/trace_link.h"
#include "server/replay/sampled_text.h"

enum { SHOWN_EXCEPTIONS = 5 };

typedef struct suggest_run {
  bt_replay_options options;
  bt_source *source;
  bt_time_range range;
  bt_suggestions suggestions;
  bt_rates rates;
} suggest_run;

static bt_status measure_proposals(suggest_run *run, bt_error *error) {
  bt_suggestions *s = &run->suggestions;
  bt_status status = bt_rates_measure(run->source, &run->options, (const bt_rule_definition *const *)s->rules,
                                      s->proposal_count, run->range, &run->rates, error);
  if (status == BT_OK) bt_suggestions_keep(s, run->rates.items);
  return status;
}

static bt_status propose_rules(suggest_run *run, bt_error *error) {
  bt_replay_request replay = bt_replay_options_request(&run->options, NULL, 0, run->range);
  replay.priority = BT_PRIORITY_REPLAY;
  bt_status status = bt_suggestions_propose(run->source, &replay, &run->suggestions, error);
  return status == BT_OK && run->suggestions.proposal_count ? measure_proposals(run, error) : status;
}

/* A trace that keeps the rule and one that does not, where there is one. */
static size_t choose_traces(const suggest_run *run, size_t at, bt_trace_id ids[2]) {
  const bt_collected *all = &run->rates.all;
  size_t count = 0;
  ids[count++] = run->suggestions.proposals[at]->example;
  for (size_t i = 0; i < all->count && count < 2; i++)
    if (all->found[i].rule == at && bt_trace_id_compare(&all->found[i].violation->trace_id, &ids[0]) != 0)
      ids[count++] = all->found[i].violation->trace_id;
  return count;
}

/* ---- printing ---- */

/* Ids alone: a name could end the comment. */
static void write_table(const suggest_run *run, bt_buffer *out) {
  bt_buffer_append(out, BT_STR("#  lift >=     kept of traces   share >=  exceptions  rule\n"));
  for (size_t i = 0; i < run->suggestions.kept_count; i++) {
    size_t at = run->suggestions.kept[i];
    const bt_rate *rate = &run->rates.items[at];
    bt_buffer_printf(out, "# %9.3g %8" PRIu64 " of %-8" PRIu64 " %6.4g %% %11" PRIu64 "  %s\n",
                     run->suggestions.proposals[at]->lift_at_least, rate->exercised - rate->violated, rate->exercised,
                     100 * bt_suggestion_share_at_least(rate), rate->violated, run->suggestions.rules[at]->fields.id);
  }
}

static void write_comment(const suggest_run *run, size_t at, bt_buffer *out) {
  const bt_rate *rate = &run->rates.items[at];
  const bt_collected *all = &run->rates.all;
  const bt_habit *habit = run->suggestions.proposals[at];
  char id[BT_TRACE_ID_HEX + 1];
  size_t shown = 0;
  bt_buffer_printf(out, "# %s: %" PRIu64 " of %" PRIu64 " traces that exercise it keep it (%.4g %%)\n",
                   bt_behaviour_kind_name(habit->behaviour->kind), rate->exercised - rate->violated, rate->exercised,
                   100 * (1 - rate->rate));
  bt_buffer_printf(out,
                   "#   in the sample %" PRIu32 " of %" PRIu32 ", and without the condition %" PRIu32 " of %" PRIu32,
                   habit->kept.kept, habit->kept.all, habit->without.kept, habit->without.all);
  if (habit->members > 1)
    bt_buffer_printf(out, "; it speaks for %zu more behaviour%s", habit->members - 1,
                     bt_cli_plural(habit->members - 1));
  bt_buffer_append_char(out, '\n');
  for (size_t i = 0; i < all->count && shown <= SHOWN_EXCEPTIONS; i++) {
    if (all->found[i].rule != at) continue;
    bt_trace_id_format(&all->found[i].violation->trace_id, id);
    bt_buffer_printf(out, "#   exception: %s", ++shown <= SHOWN_EXCEPTIONS ? id : "…");
    if (shown <= SHOWN_EXCEPTIONS) bt_trace_link_append("  ", all->found[i].violation, "", out);
    bt_buffer_append_char(out, '\n');
  }
}

/* What the shares below are about, where traces were sampled. */
static void write_sampled(const bt_sampled_traces *range, bt_buffer *out) {
  bt_buffer said = {0};
  if (!bt_sampled_traces_lack(range)) return;
  bt_sampled_say_range(range, &said);
  bt_buffer_printf(out, "# sampling: %.*s\n", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

static void write_head(const suggest_run *run, bt_buffer *out) {
  const bt_suggestions *s = &run->suggestions;
  bt_buffer_printf(out,
                   "# %zu rules that traces keep already, as shadow rules: what is accepted is for a person to say.\n"
                   "# From a sample of %zu traces; counted by a replay of the whole range.\n"
                   "# %zu behaviours were tested; at most %.3g %% of those told are expected to be chance.\n",
                   s->kept_count, bt_suggestions_traces(s), s->habits.looked_at, 100 * BT_HABIT_RATE);
  if (s->kept_count) write_sampled(&run->rates.all.result.coverage.sampling, out);
  if (s->kept_count) write_table(run, out);
  bt_buffer_append(out, s->kept_count ? BT_STR("rules:\n") : BT_STR("rules: []\n"));
}

static bt_status print_text(const suggest_run *run, bt_error *error) {
  bt_buffer out = {0};
  bt_status status = BT_OK;
  if (!bt_suggestions_traces(&run->suggestions))
    bt_buffer_append(&out, BT_STR("# UNKNOWN: no trace was looked at, so no rule can be suggested.\nrules: []\n"));
  else
    write_head(run, &out);
  for (size_t i = 0; i < run->suggestions.kept_count && !status; i++) {
    bt_trace_id ids[2];
    write_comment(run, run->suggestions.kept[i], &out);
    size_t at = run->suggestions.kept[i], id_count = choose_traces(run, at, ids);
    status =
        bt_recorded_rule_append(run->source, &run->options, run->suggestions.rules[at], ids, id_count, &out, error);
  }
  if (!status && out.failed) status = bt_error_no_memory(error);
  if (!status) bt_print_document(bt_buffer_str(&out));
  bt_buffer_dispose(&out);
  return status;
}

static json_t *rule_json(const suggest_run *run, size_t at) {
  const bt_collected *all = &run->rates.all;
  json_t *exceptions = json_array();
  for (size_t i = 0; i < all->count; i++)
    if (all->found[i].rule == at)
      bt_json_append(exceptions, bt_violation_json(run->suggestions.rules[at], all->found[i].violation));
  json_t *json = bt_suggestion_json(&run->suggestions, at, &run->rates.items[at]);
  bt_json_set(json, "exceptions", exceptions);
  return json;
}

static void print_json(const suggest_run *run) {
  json_t *rules = json_array();
  for (size_t i = 0; i < run->suggestions.kept_count; i++)
    bt_json_append(rules, rule_json(run, run->suggestions.kept[i]));
  bool was_counted = run->suggestions.proposal_count;
  json_t *json = json_pack("{s:o, s:o}", "rules", rules, "coverage",
                           was_counted ? bt_coverage_json(&run->rates.all.result.coverage) : json_null());
  bt_suggestions_json_account(json, &run->suggestions);
  bt_cli_print_json(json);
}

/* ---- running ---- */

static bt_status look_and_print(suggest_run *run, bt_error *error) {
  bt_status status = propose_rules(run, error);
  if (!status && run->options.print_json)
    print_json(run);
  else if (!status)
    status = print_text(run, error);
  return status;
}

/* That there is none is said only where all of the range was read. */
static void say_no_traces(const suggest_run *run) {
  bt_answer answer = {.options = &run->options, .outcome = BT_REPLAY_FAILED, .reason = run->suggestions.sample.unread};
  bt_buffer why = {0};
  if (!run->suggestions.sample.unread[0]) {
    bt_print_error_line("betrace suggest: there is no trace in this range, so nothing is known");
    return;
  }
  bt_answer_write_reason(&answer, &why);
  bt_print_error("betrace suggest: UNKNOWN: %s\n", why.ptr ? why.ptr : run->suggestions.sample.unread);
  bt_buffer_dispose(&why);
}

static int choose_exit_code(const suggest_run *run) {
  const bt_replay_result *result = &run->rates.all.result;
  if (!bt_suggestions_traces(&run->suggestions))
    say_no_traces(run);
  else if (!run->suggestions.proposal_count && bt_suggestions_traces(&run->suggestions) < BT_HABIT_TRACES)
    bt_print_error("betrace suggest: of fewer than %d traces no habit can be told from chance\n", BT_HABIT_TRACES);
  else if (!run->suggestions.proposal_count)
    bt_print_error_line(
        "betrace suggest: nothing in this sample says more than what holds anyway, so no rule is suggested (--sample)");
  else if (result->outcome != BT_REPLAY_COMPLETED)
    bt_print_error("betrace suggest: %s: %s\n", bt_replay_outcome_name(result->outcome), result->reason);
  bool is_certain = bt_suggestions_traces(&run->suggestions) &&
                    (!run->suggestions.proposal_count || result->outcome == BT_REPLAY_COMPLETED);
  return is_certain ? BT_EXIT_FINE : BT_EXIT_UNKNOWN;
}

static int run_suggest(suggest_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  run->source = place.source;
  if (!status) run->range = bt_replay_options_range(&run->options, place.source, BT_DAY_NS);
  if (!status) status = look_and_print(run, &error);
  int code = status ? bt_cli_fail("suggest", status, &error) : choose_exit_code(run);
  bt_rates_dispose(&run->rates);
  bt_suggestions_dispose(&run->suggestions);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_SAMPLE = BT_FLAG_OWN, OPT_LIMIT, OPT_LEAST, OPT_SHARE };

static bool take_share(const char *value, double *out) {
  double percent;
  bool is_right = bt_cli_percent(value, &percent) && percent >= 50;
  *out = percent / 100;
  return is_right;
}

static bool take_count(const char *value, uint64_t most, uint64_t *out) {
  return bt_cli_number(value, out) && *out > 0 && *out <= most;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  suggest_run *run = context;
  bt_suggest_settings *settings = &run->suggestions.settings;
  uint64_t number = 0;
  bool is_right = true;
  switch (flag->id) {
  case OPT_SAMPLE:
    is_right = take_count(value, BT_SUGGEST_LISTED, &number);
    settings->sample = number;
    return is_right;
  case OPT_LIMIT:
    is_right = take_count(value, BT_SUGGEST_RULES_MAX, &number);
    settings->limit = number;
    return is_right;
  case OPT_LEAST:
    is_right = take_count(value, UINT32_MAX, &number);
    settings->least = (uint32_t)number;
    return is_right;
  case OPT_SHARE: return take_share(value, &settings->share);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int suggest_command(const bt_command *self, int argc, char **argv) {
  suggest_run run = {.suggestions.settings = {BT_SUGGEST_SAMPLE, BT_SUGGEST_RULES, BT_SUGGEST_LEAST, BT_SUGGEST_SHARE}};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, false);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_SHOWS_LINKS);
    if (!code) code = run_suggest(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"sample", OPT_SAMPLE, "N", "2000", "traces that are looked at for something to propose", NULL},
    {"limit", OPT_LIMIT, "N", "15", "rules at most", NULL},
    {"min-traces", OPT_LEAST, "N", "50", "traces that have to exercise a rule", NULL},
    {"min-share", OPT_SHARE, "PERCENT", "99.9", "of them, those that have to keep it", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {"Links:", bt_flags_links, NULL},
                                       {0}};
static const bt_example examples[] = {{"What do the traces of the last day keep to?",
                                       "betrace suggest --tempo http://127.0.0.1:3200 --since 24h > suggested.yaml"},
                                      {"Then look at it, and run its tests", "betrace test suggested.yaml"},
                                      {0}};
const bt_command bt_command_suggest = {
    .name = "suggest",
    .summary = "rules that traces keep already, and not by accident",
    .usage = "(--store URL | --traces FILE) [flags]",
    .about =
        "Proposes rules that nearly all traces keep, and that say something. A span needs another one, mostly under a "
        "condition on an attribute, a duration or an error. One comes before another, or a value is handed on. "
        "There are so many calls, a span takes so long, or has no error. What holds nearly as often without the "
        "condition is an accident, and left out. Behaviours are learned from one half of a sample and tested in "
        "the other: at most 5 % of those told are expected to be chance. A replay then counts each over the whole "
        "range, and only those are printed that enough traces exercise and nearly all of them keep.\n\n"
        "What holds under a condition comes first, then what ties two spans, then what is of one span. In each of "
        "these, what explains the most traces comes first.\n\n"
        "The output is a rule file: shadow rules of low severity, with the exceptions in comments and tests from "
        "real traces (names, ids "
        "and times; of attributes only those that the rule reads). What is accepted is for a person to say: a habit is "
        "not yet a rule.",
    .examples = examples,
    .groups = groups,
    .fine = "done; there may be nothing to propose",
    .unknown = "there are no traces, or not everything could be read",
    .run = suggest_command};
