/* The program: one binary, one subcommand each (api.md, The command line). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dsl/base/mix.h"
#include "dsl/base/table.h"
#include "server/rulefile/convention_files.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/operands.h"
#include "server/cli/printer.h"
#include "server/json/json_memory.h"
#include "server/replay/violation.h"
#include "tempo/api/traceql_dialect.h"
#include "tempo/wire/source.h"

static int print_program_help(int code) {
  bt_buffer text = {0};
  bt_help_print_all(bt_commands, bt_command_areas, &text);
  if (code == BT_EXIT_FINE) return bt_cli_print_buffer(&text), code;
  bt_print_error_styled(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return code;
}

static int refuse_command(const char *name) {
  const char *nearest = bt_command_nearest(name);
  bt_print_error("betrace: there is no command \"%s\"", name);
  if (nearest) bt_print_error("; did you mean \"%s\"?", nearest);
  bt_print_error("\nTry: betrace --help\n");
  return BT_EXIT_USAGE;
}

static int print_man_page(const char *name) {
  bt_buffer text = {0};
  const bt_command *command = name ? bt_command_find(name) : NULL;
  if (name && !command) return refuse_command(name);
  bt_man_print(command, &text);
  bt_print_document(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return BT_EXIT_FINE;
}

/* `betrace help [COMMAND|exit]`; for the build also `help --names`, one command a line, and `help --man [COMMAND]`. */
static int help_command(int argc, char **argv) {
  bt_buffer text = {0};
  if (argc < 2) return print_program_help(BT_EXIT_FINE);
  if (strcmp(argv[1], "--man") == 0) return print_man_page(argc > 2 ? argv[2] : NULL);
  if (strcmp(argv[1], "--names") == 0) {
    for (const bt_command *const *command = bt_commands; *command; command++) bt_print_line((*command)->name);
    return BT_EXIT_FINE;
  }
  const bt_command *command = bt_command_find(argv[1]);
  bool is_of_exit = strcmp(argv[1], "exit") == 0;
  if (!command && !is_of_exit) return refuse_command(argv[1]);
  if (command)
    bt_help_print(command, &text);
  else
    bt_help_print_exit(bt_commands, &text);
  bt_cli_print_buffer(&text);
  return BT_EXIT_FINE;
}

/* False: it has said why. */
static bool use_conventions(void) {
  bt_error error = {0};
  const char *folder = getenv(BT_SEMCONV_VARIABLE);
  if (!folder || !*folder || !bt_convention_files_use(folder, &error)) return true;
  bt_print_error("betrace: " BT_SEMCONV_VARIABLE ": %s\n", error.message);
  return false;
}

static int run_command(int argc, char **argv) {
  if (argc < 2) return print_program_help(BT_EXIT_USAGE);
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return print_program_help(BT_EXIT_FINE);
  if (strcmp(argv[1], "help") == 0) return help_command(argc - 1, argv + 1);
  if (strcmp(argv[1], "--version") == 0) return bt_print_line("betrace " BETRACE_VERSION), BT_EXIT_FINE;
  const bt_command *command = bt_command_find(argv[1]);
  return command ? command->run(command, argc - 1, argv + 1) : refuse_command(argv[1]);
}

/* The place of the stack has to do where the system has no random bytes to give. */
static void seed_tables(void) {
  uint64_t words[BT_HASH_SEEDS], bits = (uint64_t)(uintptr_t)&words;
  if (getrandom(words, sizeof words, GRND_NONBLOCK) != (ssize_t)sizeof words)
    for (size_t i = 0; i < BT_HASH_SEEDS; i++) words[i] = bits = bt_mix_bits(bits + i);
  bt_hash_seed(words);
}

/* An answer that could not be written is none: a full disk must not look like "no violations". */
int main(int argc, char **argv) {
  seed_tables();
  bt_violation_ids_install();
  bt_source_use_dialect(bt_traceql_dialect());
  bt_json_memory_install();
  bt_arguments_use_commands(bt_commands);
  int code = use_conventions() ? run_command(argc, argv) : BT_EXIT_USAGE;
  if (code == BT_EXIT_FINE && bt_cli_traces_lack_something()) code = BT_EXIT_UNKNOWN;
  if (bt_json_memory_failed()) {
    bt_print_error_line("betrace: there was not enough memory; what was printed may not be whole");
    code = BT_EXIT_UNKNOWN;
  }
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  bt_print_error("betrace: the output cannot be written: %s\n", strerror(errno));
  return BT_EXIT_UNKNOWN;
}
