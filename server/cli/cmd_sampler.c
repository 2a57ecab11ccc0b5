/* `betrace sampler`: what the Collector's tail sampler has to keep, so that no trace that violates a rule is lost
 * before anybody can look for it. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/collector_file.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/sampler_share.h"
#include "server/json/json_values.h"
#include "server/sampler/sampler.h"
#include "server/rules/policy_name.h"

typedef struct sampler_run {
  bt_replay_options options;
  double keep_percent;
  uint64_t most_read;  /* --sample */
  bool measures;       /* a source or a range was given */
  const char *checked; /* --check: a file of the Collector; NULL: policies are written */
  bt_sampler_share share;
} sampler_run;

static void say_rule(const bt_rule_definition *rule, const bt_sampler_policies *policies) {
  const char *id = rule->fields.id;
  if (policies->sampled == BT_SAMPLED_ALL)
    bt_print_error("betrace sampler: %s keeps every trace: nothing that can be asked for is in all traces that violate "
                   "it\n",
                   id);
  if (policies->sampled == BT_SAMPLED_NONE)
    bt_print_error("betrace sampler: %s has no policy: nothing violates it\n", id);
  if (policies->notes.len)
    bt_print_error("betrace sampler: %s keeps more than what violates it; conditions cannot say: %.*s\n", id,
                   BT_FMT(bt_buffer_str(&policies->notes)));
}

/* Says of each rule what its policies lack, on stderr. */
static int say_rules(const bt_cli_rules *rules, const bt_sampler_policies *policies) {
  bool keeps_all = false;
  bt_print_flush();
  for (size_t i = 0; i < rules->count; i++) {
    say_rule(rules->items[i], &policies[i]);
    keeps_all = keeps_all || policies[i].sampled == BT_SAMPLED_ALL;
  }
  return keeps_all ? BT_EXIT_FOUND : BT_EXIT_FINE;
}

/* ---- what is written ---- */

static json_t *names_json(bt_str yaml, const char *id) {
  json_t *names = json_array();
  bt_policy_name name;
  for (size_t at = 0; bt_policy_name_next(yaml, &at, &name);)
    if (bt_str_equal(name.rule_id, bt_str_from(id))) bt_json_append(names, bt_text_json(name.whole));
  return names;
}

static void print_json(const sampler_run *run, bt_str yaml, const bt_sampler_policies *policies) {
  static const char *const keeps[] = {"candidates", "all", "none"};
  const bt_cli_rules *rules = &run->options.rules;
  json_t *list = json_array();
  for (size_t i = 0; i < rules->count; i++) {
    const char *id = rules->items[i]->fields.id;
    json_t *share = run->measures ? bt_sampler_share_json(&run->share, &run->share.counts.by_rule[i]) : json_null();
    bt_json_append(list, json_pack("{s:s, s:o, s:s, s:o, s:o}", "id", id, "policies", names_json(yaml, id), "keeps",
                                   keeps[policies[i].sampled], "kept_wider_for",
                                   bt_optional_text_json(policies[i].notes.len ? policies[i].notes.ptr : NULL), "share",
                                   share));
  }
  bt_cli_print_json(json_pack("{s:o, s:o, s:o}", "rules", list, "measured",
                              run->measures ? bt_sampler_share_basis_json(&run->share) : json_null(), "yaml",
                              bt_text_json(yaml)));
}

static int use_policies(const sampler_run *run, bt_str yaml, const bt_sampler_policies *policies) {
  if (run->options.print_json)
    print_json(run, yaml, policies);
  else
    bt_print_document(yaml);
  int code = say_rules(&run->options.rules, policies);
  if (!run->measures) return code;
  if (!run->options.print_json) bt_sampler_share_print(&run->share, &run->options.rules);
  return bt_sampler_share_is_known(&run->share) ? code : BT_EXIT_UNKNOWN;
}

static bt_status write_yaml(const sampler_run *run, bt_sampler_policies *policies, bt_buffer *yaml, bt_error *error) {
  const bt_cli_rules *rules = &run->options.rules;
  return bt_sampler_write((const bt_rule_definition *const *)rules->items, rules->count, run->keep_percent, yaml,
                          policies, error);
}

/* What was written is read back and asked of traces; then it is written again, with what that came to. */
static bt_status measure_share(sampler_run *run, bt_sampler_policies *policies, bt_buffer *yaml, bt_error *error) {
  run->share.keep_percent = run->keep_percent;
  bt_status status =
      bt_sampler_share_measure(&run->share, &run->options, (size_t)run->most_read, bt_buffer_str(yaml), error);
  if (status) return status;
  for (size_t i = 0; i < run->options.rules.count; i++)
    bt_sampler_share_write(&run->share, &run->share.counts.by_rule[i], &policies[i].measured);
  return BT_OK;
}

static int write_rules(sampler_run *run, bt_sampler_policies *policies) {
  bt_buffer yaml = {0}, measured = {0};
  bt_error error = {0};
  bt_status status = write_yaml(run, policies, &yaml, &error);
  if (!status && run->measures) status = measure_share(run, policies, &yaml, &error);
  if (!status && run->measures) status = write_yaml(run, policies, &measured, &error);
  const bt_buffer *last = run->measures ? &measured : &yaml;
  int code = status ? bt_cli_fail("sampler", status, &error) : use_policies(run, bt_buffer_str(last), policies);
  bt_sampler_share_dispose(&run->share);
  bt_buffer_dispose(&measured);
  bt_buffer_dispose(&yaml);
  return code;
}

static int run_sampler(sampler_run *run) {
  size_t count = run->options.rules.count;
  bt_error error = {0};
  bt_sampler_policies *policies = calloc(count, sizeof *policies);
  int code = policies ? write_rules(run, policies) : bt_cli_fail("sampler", bt_error_no_memory(&error), &error);
  for (size_t i = 0; policies && i < count; i++) bt_sampler_policies_dispose(&policies[i]);
  free(policies);
  return code;
}

static int check_file(const sampler_run *run) {
  bt_collector_file file = {0};
  bt_error error = {0};
  bt_status status = bt_collector_file_check(&file, run->checked, &run->options.rules, run->keep_percent, &error);
  int code = status ? bt_cli_fail("sampler", status, &error) : bt_collector_file_exit(&file);
  if (!status && run->options.print_json)
    bt_cli_print_json(bt_collector_file_json(&file));
  else if (!status)
    bt_collector_file_print(&file, run->options.rules.count);
  bt_collector_file_dispose(&file);
  return code;
}

/* ---- the row ---- */

enum { OPT_KEEP = BT_FLAG_OWN, OPT_FORMAT, OPT_CHECK, OPT_SAMPLE, MOST_SAMPLE = 100000 };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  sampler_run *run = context;
  if (flag->id == OPT_KEEP) return bt_cli_percent(value, &run->keep_percent) && run->keep_percent > 0;
  if (flag->id == OPT_CHECK) return run->checked = value, true;
  if (flag->id == OPT_SAMPLE)
    return bt_cli_number(value, &run->most_read) && run->most_read > 0 && run->most_read <= MOST_SAMPLE;
  return flag->id == OPT_FORMAT || bt_replay_options_take(&run->options, flag, value);
}

/* A store that the environment names is not asked unless a range is. */
static bool names_traces(const bt_replay_options *options) {
  return options->trace_count || options->source.store || options->source.tempo.url || options->since_ns ||
         options->has_start || options->has_end;
}

static int check_options(sampler_run *run, const bt_command *self) {
  run->measures = names_traces(&run->options);
  if (run->measures && run->checked)
    return bt_cli_usage_error("sampler", "--check compares a file with rules: it takes no traces and no range");
  return bt_replay_options_check(&run->options, self, BT_NEEDS_RULES | (run->measures ? BT_NEEDS_SOURCE : 0));
}

static int sampler_command(const bt_command *self, int argc, char **argv) {
  sampler_run run = {.most_read = BT_SAMPLER_READ};
  bt_operands files;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &files, &code)) {
    for (size_t i = 0; i < files.count; i++)
      run.options.has_wrong_rules |= !bt_cli_rules_add_file(&run.options.rules, files.items[i]);
    code = check_options(&run, self);
    if (!code) code = run.checked ? check_file(&run) : run_sampler(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"keep", OPT_KEEP, "PERCENT", "nothing", "add a policy that keeps this part of all traces", NULL},
    {"check", OPT_CHECK, "FILE", NULL,
     "whether this file of the Collector has all policies as they are needed, instead of writing them", NULL},
    {"sample", OPT_SAMPLE, "N", "1000; of files all", "with a store: how many traces are read to tell the shares",
     NULL},
    {"format", OPT_FORMAT, "collector", "collector", "whose file it is a section of", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"What has to be kept for these rules, and 5 % of the rest", "betrace sampler rules.yaml --keep 5% >sampler.yaml"},
    {"Has the Collector's file the policies of these rules, as they are now?",
     "betrace sampler rules.yaml --check collector.yaml"},
    {"Which share of the last day's traces would each policy keep?",
     "betrace sampler rules.yaml --keep 5% --tempo http://127.0.0.1:3200 --since 24h >sampler.yaml"},
    {"One rule's policy", "betrace sampler --dsl 'when { pii.read } always { audit.log }'"},
    {0}};
const bt_command bt_command_sampler = {
    .name = "sampler",
    .summary = "policies of the Collector's tail sampler that keep what may violate",
    .usage = "FILE… [--keep PERCENT] [--store URL | --traces FILE] [flags]",
    .about =
        "Writes a section of the OpenTelemetry Collector's file: tail_sampling with policies that keep every trace "
        "that may violate a rule, in conditions of its own language (OTTL). \"A, and no B\" is said exactly; of order, "
        "counts, structure and linked traces the candidates are kept, and comments say so. A policy's name has the "
        "rule's id and the first 12 digits of its condition hash.\n\n"
        "Spans that reach the Collector after its decision cannot be judged by it.\n\n"
        "With a store, files of traces or a range it reads traces and asks the written conditions of them. Comments "
        "and stderr say which share each rule's policies would keep, with a 95 % interval. It is a share of the "
        "traces that were kept, unless they say that all were, or all with one probability.\n\n"
        "--check looks for these policies in a file that is there. It says which are missing, which are stale because "
        "their rule has another condition now, and which somebody edited by hand. Those of other rules are left over. "
        "With --keep the policy that keeps a part of the rest has to be there, too.",
    .examples = examples,
    .groups = groups,
    .fine = "written; with --check: the file has every policy",
    .found = "written, and a rule keeps every trace; with --check: a policy is missing, edited or stale",
    .unknown =
        "written, and no trace or not all of the range was read; with --check: what policies keep cannot be compared",
    .operands = "rules",
    .run = sampler_command};
