/* The program: one binary, one subcommand each (api.md, The command line). */
#include <stdio.h>
#include <string.h>

#include "server/cli/cli.h"
#include "server/replay/violation_id.h"

const bt_command bt_commands[] = {
    {"serve", "the service: rules, replays and their violations over HTTP", bt_cmd_serve},
    {"check", "parses and checks rule files", bt_cmd_check},
    {"fmt", "the canonical form of rules", bt_cmd_fmt},
    {"test", "runs the tests of rule files", bt_cmd_test},
    {"eval", "verdicts of rules on trace files", bt_cmd_eval},
    {"replay", "rules over the past: a Tempo, or trace files", bt_cmd_replay},
    {"first", "when did it start: the earliest violation of a rule, and whether that is proven", bt_cmd_first},
    {"generate", "sample traces with planted violations, to a file or an OTLP endpoint", bt_cmd_generate},
    {NULL, NULL, NULL},
};

static void print_help(FILE *out) {
  fputs("betrace: did our traces ever break this rule, when did it start, and can you prove it?\n\nCommands:\n", out);
  for (const bt_command *command = bt_commands; command->name; command++)
    fprintf(out, "  %-10s %s\n", command->name, command->summary);
  fputs("\nbetrace COMMAND --help tells more; betrace --version prints the version.\n"
        "Exit status: 0 fine, 1 something was found, 2 wrong usage, 3 could not find out.\n",
        out);
}

int main(int argc, char **argv) {
  bt_violation_ids_install();
  if (argc < 2) {
    print_help(stderr);
    return BT_EXIT_USAGE;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
    print_help(stdout);
    return BT_EXIT_FINE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("betrace " BETRACE_VERSION);
    return BT_EXIT_FINE;
  }
  for (const bt_command *command = bt_commands; command->name; command++)
    if (strcmp(command->name, argv[1]) == 0) return command->run(argc - 1, argv + 1);
  fprintf(stderr, "betrace: there is no command \"%s\"\n\n", argv[1]);
  print_help(stderr);
  return BT_EXIT_USAGE;
}
