/* Completion for bash, zsh and fish from the rows of the commands: names of commands, their flags, the words that a
 * flag takes, and files where a flag or an operand is one. See command.h. */
#include <stdbool.h>
#include <string.h>

#include "dsl/base/text.h"
#include "server/cli/command.h"

static void append_text(bt_buffer *out, const char *text) {
  bt_buffer_append(out, bt_str_from(text));
}

static bool is_file(const bt_flag *flag) {
  return flag->value && (strcmp(flag->value, "FILE") == 0 || strcmp(flag->value, "DIR") == 0);
}

typedef void (*each_flag)(const bt_command *command, const bt_flag *flag, bt_buffer *out);

static void for_each_flag(const bt_command *command, each_flag visit, bt_buffer *out) {
  for (const bt_flag_group *group = command->groups; group && group->title; group++)
    for (const bt_flag *flag = bt_group_flags(group); flag->name; flag++) visit(command, flag, out);
  if (!command->has_no_json) visit(command, bt_command_flag(command, BT_STR("json")), out);
  const bt_flag *output = bt_command_flag(command, BT_STR("output"));
  if (output && output->id == BT_FLAG_OUTPUT) visit(command, output, out);
  visit(command, bt_command_flag(command, BT_STR("help")), out);
}

/* "a|b" with another separator. */
static void write_words(const char *words, char separator, bt_buffer *out) {
  for (; *words; words++) bt_buffer_append_char(out, *words == '|' ? separator : *words);
}

static void write_command_names(bt_buffer *out) {
  for (const bt_command *const *command = bt_commands; *command; command++)
    bt_buffer_printf(out, "%s%s", command == bt_commands ? "" : " ", (*command)->name);
}

/* ---- bash ---- */

static void bash_flag_name(const bt_command *command, const bt_flag *flag, bt_buffer *out) {
  (void)command;
  bt_buffer_printf(out, " --%s", flag->name);
}

/* What may follow a flag: words, files, or nothing that is known. */
static void bash_flag_value(const bt_command *command, const bt_flag *flag, bt_buffer *out) {
  if (!flag->value) return;
  bt_buffer_printf(out, "    %s:--%s", command->name, flag->name);
  if (flag->id < 128) bt_buffer_printf(out, "|%s:-%c", command->name, flag->id);
  if (strchr(flag->value, '|')) {
    append_text(out, ") words=\"");
    write_words(flag->value, ' ', out);
    append_text(out, "\" ;;\n");
  } else {
    append_text(out, is_file(flag) ? ") files=1 ;;\n" : ") return ;;\n");
  }
}

static void bash_command(const bt_command *command, bt_buffer *out) {
  bt_buffer_printf(out, "    %s) flags=\"", command->name);
  for_each_flag(command, bash_flag_name, out);
  append_text(out, "\"");
  if (command->operands && strchr(command->operands, '|')) {
    append_text(out, "; operands=\"");
    write_words(command->operands, ' ', out);
    append_text(out, "\"");
  } else if (command->operands) {
    append_text(out, "; files=1");
  }
  append_text(out, " ;;\n");
}

static void write_bash(bt_buffer *out) {
  append_text(
      out, "# bash completion of betrace: source <(betrace completion bash)\n"
           "_betrace() {\n"
           "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
           "  local words= flags= operands= files=\n"
           "  COMPREPLY=()\n"
           "  if (( COMP_CWORD == 1 )); then\n"
           "    COMPREPLY=($(compgen -W \"");
  write_command_names(out);
  append_text(out, " help --help --version\" -- \"$current\"))\n"
                   "    return\n"
                   "  fi\n"
                   "  case $command:$previous in\n");
  for (const bt_command *const *command = bt_commands; *command; command++)
    for_each_flag(*command, bash_flag_value, out);
  append_text(out, "  esac\n"
                   "  if [[ -n $words ]]; then\n"
                   "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                   "    return\n"
                   "  elif [[ -n $files ]]; then\n"
                   "    local IFS=$'\\n'\n"
                   "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
                   "    return\n"
                   "  fi\n"
                   "  case $command in\n");
  for (const bt_command *const *command = bt_commands; *command; command++) bash_command(*command, out);
  append_text(out, "  esac\n"
                   "  if [[ $current == -* ]]; then\n"
                   "    COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
                   "  elif [[ -n $operands ]]; then\n"
                   "    COMPREPLY=($(compgen -W \"$operands\" -- \"$current\"))\n"
                   "  elif [[ -n $files ]]; then\n"
                   "    local IFS=$'\\n'\n"
                   "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
                   "  fi\n"
                   "}\n"
                   "complete -o filenames -F _betrace betrace\n");
}

/* ---- zsh ---- */

/* Within single quotes of an _arguments specification. */
static void zsh_quote(const char *text, bt_buffer *out) {
  for (; *text; text++) {
    if (*text == '\'')
      append_text(out, "'\\''");
    else if (strchr("[]:\\", *text))
      bt_buffer_printf(out, "\\%c", *text);
    else
      bt_buffer_append_char(out, *text);
  }
}

static void zsh_flag(const bt_command *command, const bt_flag *flag, bt_buffer *out) {
  (void)command;
  bt_buffer_printf(out, " \\\n        '*--%s%s[", flag->name, flag->value ? "=" : "");
  zsh_quote(flag->help, out);
  append_text(out, "]");
  if (flag->value && strchr(flag->value, '|')) {
    append_text(out, ":word:(");
    write_words(flag->value, ' ', out);
    append_text(out, ")");
  } else if (flag->value) {
    append_text(out, ":");
    zsh_quote(flag->value, out);
    append_text(out, is_file(flag) ? ":_files" : ": ");
  }
  append_text(out, "'");
}

static void zsh_command(const bt_command *command, bt_buffer *out) {
  bt_buffer_printf(out, "    %s)\n      _arguments", command->name);
  for_each_flag(command, zsh_flag, out);
  if (command->operands && strchr(command->operands, '|')) {
    append_text(out, " \\\n        '*:word:(");
    write_words(command->operands, ' ', out);
    append_text(out, ")'");
  } else if (command->operands) {
    append_text(out, " \\\n        '*:file:_files'");
  }
  append_text(out, "\n      ;;\n");
}

static void write_zsh(bt_buffer *out) {
  append_text(out, "#compdef betrace\n"
                   "# zsh completion of betrace: betrace completion zsh > a folder of $fpath/_betrace\n"
                   "_betrace() {\n"
                   "  local -a commands\n"
                   "  commands=(\n");
  for (const bt_command *const *command = bt_commands; *command; command++) {
    bt_buffer_printf(out, "    '%s:", (*command)->name);
    zsh_quote((*command)->summary, out);
    append_text(out, "'\n");
  }
  append_text(out, "  )\n"
                   "  if (( CURRENT == 2 )); then\n"
                   "    _describe 'command' commands\n"
                   "    return\n"
                   "  fi\n"
                   "  local command=$words[2]\n"
                   "  shift words\n"
                   "  (( CURRENT-- ))\n"
                   "  case $command in\n");
  for (const bt_command *const *command = bt_commands; *command; command++) zsh_command(*command, out);
  append_text(out, "  esac\n"
                   "}\n"
                   "if [[ ${funcstack[1]} == _betrace ]]; then _betrace \"$@\"; else compdef _betrace betrace; fi\n");
}

/* ---- fish ---- */

static void fish_quote(const char *text, bt_buffer *out) {
  bt_buffer_append_char(out, '\'');
  for (; *text; text++) {
    if (*text == '\'' || *text == '\\') bt_buffer_append_char(out, '\\');
    bt_buffer_append_char(out, *text);
  }
  bt_buffer_append_char(out, '\'');
}

static void fish_flag(const bt_command *command, const bt_flag *flag, bt_buffer *out) {
  bt_buffer_printf(out, "complete -c betrace -n '__fish_seen_subcommand_from %s' -l %s", command->name, flag->name);
  if (flag->id < 128) bt_buffer_printf(out, " -s %c", flag->id);
  if (flag->value && strchr(flag->value, '|')) {
    append_text(out, " -x -a '");
    write_words(flag->value, ' ', out);
    append_text(out, "'");
  } else if (flag->value) {
    append_text(out, is_file(flag) ? " -r -F" : " -x");
  }
  append_text(out, " -d ");
  fish_quote(flag->help, out);
  append_text(out, "\n");
}

static void write_fish(bt_buffer *out) {
  append_text(out, "# fish completion of betrace: betrace completion fish > ~/.config/fish/completions/betrace.fish\n"
                   "complete -c betrace -f\n");
  for (const bt_command *const *command = bt_commands; *command; command++) {
    bt_buffer_printf(out, "complete -c betrace -n __fish_use_subcommand -a %s -d ", (*command)->name);
    fish_quote((*command)->summary, out);
    append_text(out, "\n");
    const char *operands = (*command)->operands;
    if (operands) bt_buffer_printf(out, "complete -c betrace -n '__fish_seen_subcommand_from %s' ", (*command)->name);
    if (operands && strchr(operands, '|')) {
      append_text(out, "-a '");
      write_words(operands, ' ', out);
      append_text(out, "'\n");
    } else if (operands) {
      append_text(out, "-F\n");
    }
    for_each_flag(*command, fish_flag, out);
  }
}

bool bt_completion_print(const char *shell, bt_buffer *out) {
  if (strcmp(shell, "bash") == 0)
    write_bash(out);
  else if (strcmp(shell, "zsh") == 0)
    write_zsh(out);
  else if (strcmp(shell, "fish") == 0)
    write_fish(out);
  else
    return false;
  return true;
}
