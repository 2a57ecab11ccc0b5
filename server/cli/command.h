/* What the program knows of its commands: one row for each, with its flags, examples and exit statuses. Help, the
 * reading of arguments, manual pages and shell completion are all made from these rows, so that none of them can say
 * something else than the others. Thread: the main thread; rows are constant. */
#ifndef BT_SERVER_CLI_COMMAND_H
#define BT_SERVER_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/text.h"

/* Numbers of flags. A flag with a letter has that letter's code as its number. The numbers of shared groups
 * (replay_options.h) begin at BT_FLAG_SHARED; a command's own are between BT_FLAG_OWN and that. */
enum {
  BT_FLAG_OWN = 200,
  BT_FLAG_SHARED = 1000,
  BT_FLAG_JSON = 5000,
  BT_FLAG_HELP = 5001,
  BT_FLAG_OUTPUT = 5002,
  BT_FLAG_RULES = 5003,
  BT_FLAG_EXERCISED = 5004
};

typedef struct bt_flag {
  const char *name;        /* without its dashes */
  int id;                  /* see above */
  const char *value;       /* "FILE"; "text|json": these words only; "[SIZE]": or none; NULL: a switch */
  const char *otherwise;   /* the default in words; NULL: none */
  const char *help;        /* a phrase, no full stop */
  const char *environment; /* the variable that it overrides, or NULL */
} bt_flag;

typedef struct bt_flag_group {
  const char *title;
  const bt_flag *flags;         /* ends with a NULL name */
  const bt_flag *(*make)(void); /* where they are not constant; else NULL */
} bt_flag_group;

typedef struct bt_example {
  const char *say, *command; /* a sentence; the lines to type */
} bt_example;

typedef struct bt_command bt_command;
struct bt_command {
  const char *name, *summary;         /* a phrase */
  const char *usage;                  /* what follows the name: "[flags] FILE…"; lines for several forms */
  const char *about;                  /* sentences; an empty line between paragraphs */
  const bt_example *examples;         /* end with a NULL command */
  const bt_flag_group *groups;        /* end with a NULL title */
  const char *fine, *found, *unknown; /* what exit statuses 0, 1 and 3 mean here; NULL: it never ends so */
  const char *operands; /* for completion: "rules", "traces", "folder", or words between bars "bash|zsh"; NULL: none */
  bool has_no_json;
  const char *no_dsl;                                        /* takes rule files, and no --dsl: why not; else NULL */
  int (*run)(const bt_command *self, int argc, char **argv); /* argv[0] is the command's name */
};

/* Each stands in its own file. */
extern const bt_command bt_command_serve, bt_command_check, bt_command_fmt, bt_command_test, bt_command_eval,
    bt_command_replay, bt_command_first, bt_command_token, bt_command_backup, bt_command_generate, bt_command_diff,
    bt_command_trace, bt_command_compare, bt_command_gate, bt_command_record, bt_command_canary, bt_command_sync,
    bt_command_explain, bt_command_vacuity, bt_command_silent, bt_command_backtest, bt_command_suggest,
    bt_command_changed, bt_command_verify_report, bt_command_contrast, bt_command_health, bt_command_doctor,
    bt_command_import, bt_command_listen, bt_command_lsp, bt_command_init, bt_command_mcp, bt_command_merge,
    bt_command_sampler;
/* Which commands stand together in the program's help; the others come last. Ends with a NULL title. */
typedef struct bt_command_area {
  const char *title, *names; /* names with a blank between */
} bt_command_area;
extern const bt_command_area bt_command_areas[];
/* All of them; ends with NULL. */
extern const bt_command *const bt_commands[];
const bt_command *bt_command_find(const char *name);
/* The nearest name, or NULL. */
const char *bt_command_nearest(const char *name);

const bt_flag *bt_group_flags(const bt_flag_group *group);
/* Of every group, --json, --output and --help included, and by what it was called before; NULL: there is none. A single
 * letter finds the short form. */
const bt_flag *bt_command_flag(const bt_command *command, bt_str name);

/* ---- reading arguments (arguments.c) ---- */

/* false: the value is wrong (the caller says so), or a message was printed with bt_cli_usage_error and *said is set. */
typedef bool (*bt_flag_take)(void *context, const bt_flag *flag, const char *value);
typedef struct bt_operands {
  char **items; /* the tail of argv; order kept */
  size_t count;
  size_t before_dashes; /* how many of them stand before "--" */
} bt_operands;
/* Takes `--name value`, `--name=value`, `-n value`, `--` and operands in any order. False: ended with *code; help or
 * messages are printed. */
bool bt_arguments_read(const bt_command *command, int argc, char **argv, bt_flag_take take, void *context,
                       bt_operands *operands, int *code);
/* At the start: all commands (ending with NULL; borrowed), for messages that name others than the one that is read. */
void bt_arguments_use_commands(const bt_command *const *all);
/* Which of the words between bars it is, from 0; `value` is one of them. */
int bt_choice_at(const char *choices, const char *value);
/* For a command that reads its arguments itself: names the first flag that is not there, with the nearest one. 0: all
 * are. */
int bt_arguments_check_names(const bt_command *command, int argc, char **argv);

/* ---- what is made of the rows ---- */

/* `betrace --help`, of the rows and areas that end with NULL and a NULL title; `betrace help exit`; `betrace COMMAND
 * --help`. */
void bt_help_print_all(const bt_command *const *all, const bt_command_area *areas, bt_buffer *out);
void bt_help_print_exit(const bt_command *const *all, bt_buffer *out);
void bt_help_print(const bt_command *command, bt_buffer *out);
void bt_man_print(const bt_command *command, bt_buffer *out); /* roff; NULL: the page of the program */
bool bt_completion_print(const char *shell, bt_buffer *out);  /* bash, zsh, fish; false: another shell */

/* Appends text in lines of at most `width` columns, each after `indent` blanks; the first line stands behind what is
 * there. */
void bt_help_wrap(const char *text, unsigned indent, unsigned width, bt_buffer *out);

#endif
