/* The list of commands, and those that are about the program itself: completion, and the hidden ones that the build
 * calls. See command.h. */
#include <string.h>

#include "dsl/base/suggestion.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"

/* ---- completion ---- */

static bool take_none(void *context, const bt_flag *flag, const char *value) {
  (void)context, (void)flag, (void)value;
  return false;
}

static int completion_command(const bt_command *self, int argc, char **argv) {
  bt_operands operands;
  bt_buffer text = {0};
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_none, NULL, &operands, &code)) return code;
  if (operands.count != 1) return bt_cli_usage_error("completion", "say for which shell: bash, zsh or fish");
  if (!bt_completion_print(operands.items[0], &text))
    return bt_cli_usage_error("completion", "there is completion for bash, zsh and fish, not for \"%s\"",
                              operands.items[0]);
  bt_print_document(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return BT_EXIT_FINE;
}

static const bt_example completion_examples[] = {
    {"In this bash", "source <(betrace completion bash)"},
    {"In every zsh", "betrace completion zsh > \"${fpath[1]}/_betrace\""},
    {"In every fish", "betrace completion fish > ~/.config/fish/completions/betrace.fish"},
    {0}};
static const bt_command completion = {
    .name = "completion",
    .summary = "completion for bash, zsh or fish",
    .usage = "bash|zsh|fish",
    .about = "Prints a script that completes the commands of betrace, their flags and the words that these take.",
    .examples = completion_examples,
    .fine = "fine",
    .operands = "bash|zsh|fish",
    .has_no_json = true,
    .run = completion_command};

/* ---- version ---- */

static bool take_json(void *context, const bt_flag *flag, const char *value) {
  (void)flag, (void)value;
  return *(bool *)context = true;
}

static int version_command(const bt_command *self, int argc, char **argv) {
  bool prints_json = false;
  bt_operands operands;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_json, &prints_json, &operands, &code)) return code;
  if (operands.count)
    return bt_cli_usage_error(self->name, "it takes no name, not \"%s\"; there is one version of the program",
                              operands.items[0]);
  if (prints_json)
    bt_cli_print_json(json_pack("{s:s}", "version", BETRACE_VERSION));
  else
    bt_print_line("betrace " BETRACE_VERSION);
  return BT_EXIT_FINE;
}

static const bt_example version_examples[] = {{"Which one is this?", "betrace version"}, {0}};
static const bt_command version = {.name = "version",
                                   .summary = "the version of this program",
                                   .usage = "[--json]",
                                   .about = "Prints the version of this program. betrace --version prints the same.",
                                   .examples = version_examples,
                                   .fine = "fine",
                                   .run = version_command};

/* ---- the list ---- */

const bt_command *const bt_commands[] = {&bt_command_init,
                                         &bt_command_check,
                                         &bt_command_fmt,
                                         &bt_command_test,
                                         &bt_command_eval,
                                         &bt_command_replay,
                                         &bt_command_merge,
                                         &bt_command_first,
                                         &bt_command_diff,
                                         &bt_command_trace,
                                         &bt_command_contrast,
                                         &bt_command_compare,
                                         &bt_command_gate,
                                         &bt_command_record,
                                         &bt_command_sync,
                                         &bt_command_canary,
                                         &bt_command_explain,
                                         &bt_command_sampler,
                                         &bt_command_vacuity,
                                         &bt_command_silent,
                                         &bt_command_backtest,
                                         &bt_command_suggest,
                                         &bt_command_changed,
                                         &bt_command_verify_report,
                                         &bt_command_serve,
                                         &bt_command_token,
                                         &bt_command_backup,
                                         &bt_command_health,
                                         &bt_command_doctor,
                                         &bt_command_generate,
                                         &bt_command_import,
                                         &bt_command_listen,
                                         &bt_command_lsp,
                                         &bt_command_mcp,
                                         &completion,
                                         &version,
                                         NULL};

const bt_command_area bt_command_areas[] = {
    {"Rules in files:", "init check fmt test record suggest import sync sampler lsp"},
    {"Traces against rules:", "listen replay merge first trace contrast changed diff compare gate vacuity silent "
                              "backtest eval explain verify-report"},
    {"The service:", "serve mcp health doctor token backup canary"},
    {0}};

const bt_command *bt_command_find(const char *name) {
  for (const bt_command *const *command = bt_commands; *command; command++)
    if (strcmp((*command)->name, name) == 0) return *command;
  return NULL;
}

const char *bt_command_nearest(const char *name) {
  const char *names[64] = {NULL};
  for (size_t i = 0; bt_commands[i] && i + 1 < sizeof names / sizeof names[0]; i++) names[i] = bt_commands[i]->name;
  return bt_suggest_nearest(bt_str_from(name), names);
}
