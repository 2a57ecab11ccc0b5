/* `betrace changed`: what traces did before and do no longer, and what they do now that they did not. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/answer.h"
#include "server/cli/lab/changed_deploys.h"
#include "server/cli/lab/changed_drawing.h"
#include "server/cli/lab/recorded_rule.h"
#include "server/cli/printer.h"
#include "server/json/changed_ci.h"
#include "server/json/changed_json.h"
#include "server/json/json_values.h"
#include "server/query/behaviour_text.h"
#include "server/query/changed.h"
#include "server/query/changed_sides.h"
#include "server/query/changed_text.h"

enum {
  OPT_BASELINE = BT_FLAG_OWN,
  OPT_CANDIDATE,
  OPT_AROUND,
  OPT_SAMPLE,
  OPT_SMALLEST,
  OPT_SEED,
  OPT_WRITE,
  OPT_FORMAT,
  OPT_DEPLOY,
  OPT_DRAW,
  SEED_MAX = 1000000000
};

typedef enum changed_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT, FORMAT_GITHUB, FORMAT_MARKDOWN } changed_format;

typedef struct changed_run {
  bt_replay_options options;
  bt_changed_texts texts;
  const char *write_to;
  changed_format format;
  bool draws;
  const char *deploy; /* "SERVICE=VERSION", or NULL */
  bt_changed changed;
  bt_changed_deploys deploys; /* where nobody named the sides */
  bt_buffer chosen;           /* what is said of them */
  bt_source *source;
} changed_run;

static bool found_any(const changed_run *run) {
  return run->changed.changes.count;
}

/* ---- text ---- */

static bt_status print_change(const changed_run *run, const bt_change *change, bt_error *error) {
  bt_buffer text = {0}, examples = {0}, drawn = {0};
  bt_change_write(&run->changed, change, &text);
  bt_change_examples_write(change, &examples);
  bt_print("%s\n  %s\n", text.ptr ? text.ptr : "", examples.ptr ? examples.ptr : "");
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&examples);
  bt_status status = run->draws ? bt_changed_draw(run->source, &run->options, change, &drawn, error) : BT_OK;
  bt_print_styled(bt_buffer_str(&drawn));
  bt_buffer_dispose(&drawn);
  return status;
}

static bt_status print_text(const changed_run *run, bt_error *error) {
  const bt_changes *c = &run->changed.changes;
  bt_status status = BT_OK;
  bt_buffer head = {0}, end = {0};
  bt_changed_head_write(&run->changed, &head);
  bt_print_lines(bt_buffer_str(&head));
  for (size_t i = 0; i < c->count && !status; i++) status = print_change(run, &c->items[i], error);
  bt_changed_end_write(&run->changed, &end);
  bt_print_lines(bt_buffer_str(&end));
  bt_buffer_dispose(&head);
  bt_buffer_dispose(&end);
  return status;
}

static bt_status print_document(const changed_run *run, bt_error *error) {
  bt_buffer text = {0};
  bt_status status = run->format == FORMAT_JUNIT    ? bt_changed_junit(&run->changed, &text, error)
                     : run->format == FORMAT_GITHUB ? bt_changed_annotate(&run->changed, &text, error)
                                                    : bt_changed_markdown(&run->changed, &text, error);
  if (!status) bt_print_document(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return status;
}

static void print_json(const changed_run *run) {
  json_t *json = bt_changed_json(&run->changed);
  if (json && run->deploys.chosen) bt_json_set(json, "deploys", bt_changed_deploys_json(&run->deploys));
  bt_cli_print_json(json);
}

static bt_status print_answer(const changed_run *run, bt_error *error) {
  switch (run->format) {
  case FORMAT_TEXT: return print_text(run, error);
  case FORMAT_JSON: return print_json(run), BT_OK;
  case FORMAT_JUNIT:
  case FORMAT_GITHUB:
  case FORMAT_MARKDOWN: break;
  }
  return print_document(run, error);
}

/* ---- rules ---- */

static bt_status write_file(const char *path, bt_str text, bt_error *error) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool is_written = file >= 0 && bt_cli_write_all(file, text);
  int why = errno;
  if (file >= 0 && close(file) != 0) is_written = false;
  return is_written ? BT_OK : bt_error_set(error, BT_IO, "%s cannot be written: %s", path, strerror(why));
}

/* A rule for each change of something that nearly always or never was so; of the rest a comment. */
static bt_status write_rules(const changed_run *run, bt_error *error) {
  const bt_changes *c = &run->changed.changes;
  bt_buffer out = {0};
  bt_status status = BT_OK;
  size_t rules = 0;
  for (size_t i = 0; i < c->count && !status; i++) {
    const bt_change *change = &c->items[i];
    bt_rule_definition *rule = NULL;
    bt_trace_id ids[] = {change->example_before, change->example_after};
    status = bt_change_rule(run->changed.traces, change, &rule, error);
    bt_buffer_append(&out, rules || !rule ? BT_STR("") : BT_STR("rules:\n"));
    if (!status && rule) status = bt_recorded_rule_append(run->source, &run->options, rule, ids, 2, &out, error);
    rules += rule != NULL;
    bt_rule_definition_unref(rule);
  }
  if (!rules) bt_buffer_append(&out, BT_STR("rules: []\n"));
  if (!status && out.failed) status = bt_error_no_memory(error);
  if (!status) status = write_file(run->write_to, bt_buffer_str(&out), error);
  bt_buffer_dispose(&out);
  if (!status && rules < c->count)
    bt_print_error("betrace changed: %zu of %zu changes are of something that was so now and then: no rule says that\n",
                   c->count - rules, c->count);
  return status;
}

/* ---- running ---- */

static int choose_exit_code(const changed_run *run) {
  bool is_unknown = bt_changed_is_unknown(&run->changed) || run->changed.account.unread[0];
  return found_any(run) ? BT_EXIT_FOUND : is_unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

/* After Ctrl-C no more traces are asked for. */
static void leave_reading(changed_run *run) {
  if (run->write_to) bt_print_error("betrace changed: %s is not written: it was interrupted\n", run->write_to);
  run->write_to = NULL;
  run->draws = false;
}

static int compare_and_print(changed_run *run) {
  bt_error error = {0};
  bt_replay_request replay = bt_replay_options_request(&run->options, NULL, 0, (bt_time_range){0});
  bt_status status = bt_changed_find(run->source, &replay, &run->changed, &error);
  bt_replay_clear_progress();
  if (run->changed.stopped[0]) leave_reading(run);
  if (!status) status = print_answer(run, &error);
  if (!status && run->write_to) status = write_rules(run, &error);
  return status ? bt_cli_fail("changed", status, &error) : choose_exit_code(run);
}

/* The most recent deploy, or the one that was asked for. */
static int choose_by_deploy(changed_run *run, bt_time_range range) {
  bt_error error = {0};
  for (int g = 0; g < BT_MINE_GROUPS; g++) run->changed.sides[g].range = range;
  bt_changed_leave_unsettled(&run->changed, run->source, run->options.assumptions.settle_ns);
  range = run->changed.sides[0].range;
  bt_replay_request replay = bt_replay_options_request(&run->options, NULL, 0, range);
  bt_status status =
      bt_changed_deploys_find(run->source, &replay, BT_CHANGED_SAMPLE, run->deploy, &run->deploys, &error);
  bool is_read = run->deploys.traces && !run->deploys.account.unread[0];
  bt_replay_clear_progress();
  if (status == BT_NOT_FOUND && is_read) return bt_cli_usage_error("changed", "%s", error.message);
  if (status) return bt_cli_fail("changed", status, &error);
  bt_changed_deploys_set_sides(&run->deploys, range, run->changed.sides);
  bt_changed_deploys_write(&run->deploys, &run->chosen);
  run->changed.chosen = bt_buffer_str(&run->chosen);
  return BT_EXIT_FINE;
}

static int choose_sides(changed_run *run) {
  bt_time_range range = bt_replay_options_range(&run->options, run->source, BT_DAY_NS);
  if (!run->texts.around && !run->texts.sides[BT_MINE_CANDIDATE]) return choose_by_deploy(run, range);
  if (!bt_changed_sides_read(&run->texts, range, run->changed.sides))
    return bt_cli_usage_error("changed", "a side is START..END, as now-2d..now-1d, or KEY=VALUE, as "
                                         "service.version=1.4.3; --around is a time in the range");
  bt_changed_leave_unsettled(&run->changed, run->source, run->options.assumptions.settle_ns);
  return BT_EXIT_FINE;
}

static int run_changed(changed_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  run->source = place.source;
  int code = status ? bt_cli_fail("changed", status, &error) : BT_EXIT_FINE;
  if (!code) code = choose_sides(run);
  if (!code) code = compare_and_print(run);
  bt_changed_dispose(&run->changed);
  bt_changed_deploys_dispose(&run->deploys);
  bt_buffer_dispose(&run->chosen);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

static bool take_number(const char *value, uint64_t least, uint64_t most, uint64_t *out) {
  return bt_cli_number(value, out) && *out >= least && *out <= most;
}

/* A change has to be seen in 12 to 20 traces to be told, by how many behaviours there are (least_seen). Of so many that
 * 30 are expected 21 and more are there in 96 of 100 samples (Poisson). */
static bool take_smallest(const char *value, size_t *sample) {
  enum { EXPECTED = 30 };
  double percent;
  if (!bt_cli_percent(value, &percent) || percent <= 0 || EXPECTED * 100 / percent > BT_CHANGED_SAMPLE_MAX)
    return false;
  *sample = (size_t)(EXPECTED * 100 / percent) + 1;
  return true;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  changed_run *run = context;
  uint64_t number = 0;
  bool is_right = true;
  switch (flag->id) {
  case OPT_BASELINE: run->texts.sides[BT_MINE_BASELINE] = value; return true;
  case OPT_CANDIDATE: run->texts.sides[BT_MINE_CANDIDATE] = value; return true;
  case OPT_AROUND: run->texts.around = value; return true;
  case OPT_DRAW: run->draws = true; return true;
  case OPT_DEPLOY: run->deploy = value; return true;
  case OPT_FORMAT: run->format = (changed_format)bt_choice_at(flag->value, value); return true;
  case BT_FLAG_JSON: run->format = FORMAT_JSON; return true;
  case OPT_WRITE: run->write_to = value; return true;
  case OPT_SAMPLE:
    is_right = take_number(value, 1, BT_CHANGED_SAMPLE_MAX, &number);
    run->changed.sample = number;
    return is_right;
  case OPT_SMALLEST: return take_smallest(value, &run->changed.sample);
  case OPT_SEED: return take_number(value, 0, SEED_MAX, &run->changed.seed);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int check_sides(const changed_run *run) {
  const char *baseline = run->texts.sides[BT_MINE_BASELINE], *candidate = run->texts.sides[BT_MINE_CANDIDATE];
  bool has_many = (run->texts.around != NULL) + (candidate != NULL) + (run->deploy != NULL) > 1;
  if (run->draws && run->format != FORMAT_TEXT)
    return bt_cli_usage_error("changed", "--draw is for text; the other forms of --output have the traces' ids");
  if (!has_many && !(baseline && !candidate)) return BT_EXIT_FINE;
  return bt_cli_usage_error("changed", "it takes --around TIME, or --candidate and mostly --baseline, or --deploy, and "
                                       "one of these; with none it finds the most recent deploy");
}

static int changed_command(const bt_command *self, int argc, char **argv) {
  changed_run run = {
      .changed = {.seed = 1, .sample = BT_CHANGED_SAMPLE, .progress = bt_cli_show_fraction, .keeps_part = true}};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, false);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE);
    if (!code) code = check_sides(&run);
    if (!code) code = run_changed(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"baseline", OPT_BASELINE, "SIDE", "the whole range", "what was: START..END, or KEY=VALUE of some span or resource",
     NULL},
    {"candidate", OPT_CANDIDATE, "SIDE", NULL, "what is, likewise; a trace of both sides counts here", NULL},
    {"around", OPT_AROUND, "TIME", NULL, "instead of both: the range before this time against the rest of it", NULL},
    {"deploy", OPT_DEPLOY, "SERVICE=VERSION", "the most recent one",
     "instead of these: this new version of the service against its other ones, in the range", NULL},
    {"output", OPT_FORMAT, "text|json|junit|github|markdown", "text",
     "how it is written; github for a workflow's log, markdown for a comment on a pull request", NULL},
    {"draw", OPT_DRAW, NULL, NULL,
     "draw the two traces of each change, as betrace trace does, but no longer than a look", NULL},
    {"sample", OPT_SAMPLE, "N", "10000", "traces of each side that are looked at", NULL},
    {"smallest", OPT_SMALLEST, "PERCENT", NULL,
     "instead of --sample: so many that a change in this part of the traces is told (95 %); 0.03 or more", NULL},
    {"seed", OPT_SEED, "N", "1", "of the sample and the permutations", NULL},
    {"write", OPT_WRITE, "FILE", NULL, "write what was so as rules, with tests from the traces", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"What did the last deploy of the day change?", "betrace changed --tempo http://127.0.0.1:3200 --since 24h"},
    {"What is different since six o'clock?", "betrace changed --traces traces.pb --around 2026-03-10T06:00:00Z"},
    {"What does the new version do that the old one did not?",
     "betrace changed --tempo http://127.0.0.1:3200 --since 24h --baseline service.version=1.4.2 --candidate "
     "service.version=1.4.3"},
    {"Keep what was so as rules", "betrace changed --traces traces.pb --around 2026-03-10T06:00:00Z --write was.yaml"},
    {"A comment on a pull request, after a trial of its build",
     "betrace changed --traces traces.pb --candidate service.version=pr-7 --output markdown > comment.md"},
    {0}};
const bt_command bt_command_changed = {
    .name = "changed",
    .summary = "what traces did before and do no longer, without a rule",
    .usage = "[--around TIME | --candidate SIDE [--baseline SIDE] | --deploy SERVICE=VERSION] (--store URL | --traces "
             "FILE) [flags]",
    .about =
        "Learns from the traces of the baseline what they do. Which spans need which others, and under which "
        "condition? In which order do they come, how many are there, and how long do they take? What do their "
        "attributes say? Then it tells of what the traces of the candidate do in another share: what stopped, and "
        "what is new. One line speaks for all that changed with it. Lines that touch the most traces come first."
        "\n\nWithout sides it looks for deploys: a service.version that a service has first within the range, while it "
        "had another one before. It compares the most recent one, and says which it found."
        "\n\nSides are compared as random samples. Where nothing changed, the chance of any line is at most 2.5 %.",
    .examples = examples,
    .groups = groups,
    .fine = "nothing changed that these numbers of traces show",
    .found = "something changed",
    .unknown = "there are too few traces on a side, or not everything could be read, or Ctrl-C ended it",
    .run = changed_command};
