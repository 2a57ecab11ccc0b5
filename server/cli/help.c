/* The help of the program and of its commands, from their rows: what it does, examples before flags, exit statuses. See
 * command.h. */
#include <string.h>

#include "server/cli/command.h"
#include "server/cli/terminal.h"

static unsigned help_width(void) {
  unsigned width = bt_terminal_width();
  return width > 100 ? 100 : width; /* longer lines are hard to read */
}

/* The next word of a text: up to a blank or a line's end. */
static bt_str next_word(const char *text) {
  return (bt_str){text, strcspn(text, " \n")};
}

static void break_line(unsigned indent, bt_buffer *out) {
  bt_buffer_append_char(out, '\n');
  for (unsigned i = 0; i < indent; i++) bt_buffer_append_char(out, ' ');
}

void bt_help_wrap(const char *text, unsigned indent, unsigned width, bt_buffer *out) {
  unsigned column = indent;
  while (*text) {
    if (*text == ' ') {
      text++;
    } else if (*text == '\n') {
      break_line(text[1] == '\n' ? 0 : indent, out);
      column = indent;
      text++;
    } else {
      bt_str word = next_word(text);
      unsigned columns = bt_text_columns(word);
      bool is_first = column == indent;
      if (!is_first && column + 1 + columns > width) {
        break_line(indent, out);
        column = indent;
      } else if (!is_first) {
        bt_buffer_append_char(out, ' ');
        column++;
      }
      bt_buffer_append(out, word);
      column += columns;
      text += word.len;
    }
  }
}

static void append_text(bt_buffer *out, const char *text) {
  bt_buffer_append(out, bt_str_from(text));
}

static void append_title(const char *text, bt_buffer *out) {
  bt_buffer_printf(out, "\n%s%s%s\n", bt_style_on(BT_STYLE_BOLD), text, bt_style_on(BT_STYLE_OFF));
}

/* ---- one command ---- */

static void print_usage(const bt_command *command, bt_buffer *out) {
  append_title("Usage:", out);
  for (const char *line = command->usage; line && *line;) {
    size_t length = strcspn(line, "\n");
    bt_buffer one = {0};
    bt_buffer_printf(&one, "%.*s", (int)length, line);
    bt_buffer_printf(out, "  betrace %s ", command->name);
    unsigned indent = (unsigned)strlen("  betrace ") + (unsigned)strlen(command->name) + 1;
    bt_help_wrap(one.ptr ? one.ptr : "", indent, help_width(), out);
    bt_buffer_append_char(out, '\n');
    bt_buffer_dispose(&one);
    line += length + (line[length] == '\n');
  }
}

/* Where a line that is too long is broken: at the last blank that leaves room for " \\" and stands in no quotes. 0: at
 * none. */
static size_t break_of(const char *line, size_t length, size_t room) {
  size_t found = 0;
  bool is_quoted = false;
  for (size_t i = 1; length > room && i + 2 <= room; i++) {
    is_quoted ^= line[i] == '\'';
    if (line[i] == ' ' && !is_quoted && strspn(line, " ") < i) found = i;
  }
  return found;
}

static void print_command_line(const char *line, size_t length, bt_buffer *out) {
  enum { FIRST = 2, MORE = 4 };
  unsigned width = help_width();
  for (unsigned indent = FIRST; length; indent = MORE) {
    size_t used = break_of(line, length, width - indent), next = used ? used + 1 : length;
    bt_buffer_printf(out, "%*s%s%.*s%s%s\n", (int)indent, "", bt_style_on(BT_STYLE_CYAN), (int)(used ? used : length),
                     line, used ? " \\" : "", bt_style_on(BT_STYLE_OFF));
    line += next;
    length -= next;
  }
}

static void print_command_lines(const char *lines, bt_buffer *out) {
  while (*lines) {
    size_t length = strcspn(lines, "\n");
    print_command_line(lines, length, out);
    lines += length + (lines[length] == '\n');
  }
}

static void print_examples(const bt_command *command, bt_buffer *out) {
  if (!command->examples) return;
  append_title("Examples:", out);
  for (const bt_example *example = command->examples; example->command; example++) {
    bt_buffer_printf(out, "%s  # ", example == command->examples ? "" : "\n");
    bt_help_wrap(example->say, 4, help_width(), out);
    bt_buffer_append_char(out, '\n');
    print_command_lines(example->command, out);
  }
}

static void print_flag(const bt_flag *flag, bt_buffer *out) {
  enum { HELP_COLUMN = 30 };
  bt_buffer help = {0};
  size_t start = out->len;
  if (flag->id < 128)
    bt_buffer_printf(out, "  -%c, --%s", flag->id, flag->name);
  else
    bt_buffer_printf(out, "      --%s", flag->name);
  if (flag->value) bt_buffer_printf(out, " %s", flag->value);
  size_t used = out->len - start;
  append_text(&help, flag->help);
  if (flag->otherwise) bt_buffer_printf(&help, " (default %s)", flag->otherwise);
  if (flag->environment) bt_buffer_printf(&help, " [%s]", flag->environment);
  if (used + 2 > HELP_COLUMN)
    break_line(HELP_COLUMN, out);
  else
    while (used++ < HELP_COLUMN) bt_buffer_append_char(out, ' ');
  bt_help_wrap(help.ptr ? help.ptr : "", HELP_COLUMN, help_width(), out);
  bt_buffer_append_char(out, '\n');
  bt_buffer_dispose(&help);
}

static void print_flags(const bt_command *command, bt_buffer *out) {
  for (const bt_flag_group *group = command->groups; group && group->title; group++) {
    append_title(group->title, out);
    for (const bt_flag *flag = bt_group_flags(group); flag->name; flag++) print_flag(flag, out);
  }
  append_title("Always:", out);
  if (!command->has_no_json) print_flag(bt_command_flag(command, BT_STR("json")), out);
  const bt_flag *output = bt_command_flag(command, BT_STR("output"));
  if (output && output->id == BT_FLAG_OUTPUT) print_flag(output, out);
  print_flag(bt_command_flag(command, BT_STR("help")), out);
}

static const char wrong_use[] = "wrong usage, or a file that cannot be read";

static void print_status(unsigned number, const char *meaning, bt_buffer *out) {
  if (!meaning) return;
  bt_buffer_printf(out, "  %u  ", number);
  bt_help_wrap(meaning, 5, help_width(), out);
  bt_buffer_append_char(out, '\n');
}

void bt_help_print(const bt_command *command, bt_buffer *out) {
  bt_help_wrap(command->about, 0, help_width(), out);
  bt_buffer_append_char(out, '\n');
  print_usage(command, out);
  print_examples(command, out);
  print_flags(command, out);
  append_title("Exit status:", out);
  print_status(0, command->fine, out);
  print_status(1, command->found, out);
  print_status(2, wrong_use, out);
  print_status(3, command->unknown, out);
}

/* ---- exit statuses ---- */

void bt_help_print_exit(const bt_command *const *all, bt_buffer *out) {
  bt_help_wrap("Every command ends with one of four statuses:", 0, help_width(), out);
  append_text(out, "\n");
  print_status(0, "fine", out);
  print_status(1, "something was found: what a gate in CI should stop for", out);
  print_status(2, wrong_use, out);
  print_status(3, "could not find out, and nothing was found in what could be read", out);
  append_text(out, "\n");
  bt_help_wrap("Status 2 is the same for all. The others mean:", 0, help_width(), out);
  append_text(out, "\n");
  for (const bt_command *const *one = all; *one; one++) {
    append_title((*one)->name, out);
    print_status(0, (*one)->fine, out);
    print_status(1, (*one)->found, out);
    print_status(3, (*one)->unknown, out);
  }
}

/* ---- the program ---- */

static void print_row(const bt_command *command, bt_buffer *out) {
  bt_buffer_printf(out, "  %-11s ", command->name);
  bt_help_wrap(command->summary, 14, help_width(), out);
  bt_buffer_append_char(out, '\n');
}

/* The name is the word that begins there. */
static bool is_word(const char *at, const char *name) {
  size_t length = strlen(name);
  return strcspn(at, " ") == length && strncmp(at, name, length) == 0;
}

static void print_area(const bt_command *const *all, const bt_command_area *area, bt_buffer *out) {
  append_title(area->title, out);
  for (const char *at = area->names; *at; at += strcspn(at, " "), at += strspn(at, " "))
    for (const bt_command *const *command = all; *command; command++)
      if (is_word(at, (*command)->name)) print_row(*command, out);
}

static bool is_in_areas(const bt_command_area *areas, const char *name) {
  for (const bt_command_area *area = areas; area->title; area++)
    for (const char *at = area->names; *at; at += strcspn(at, " "), at += strspn(at, " "))
      if (is_word(at, name)) return true;
  return false;
}

void bt_help_print_all(const bt_command *const *all, const bt_command_area *areas, bt_buffer *out) {
  bt_help_wrap("betrace: did our traces ever break this rule, when did it start, and can you prove it?", 0,
               help_width(), out);
  bt_buffer_append_char(out, '\n');
  append_title("Start here:", out);
  print_command_lines("betrace generate --traces 1000 --out traces.jsonl\n"
                      "betrace replay --traces traces.jsonl --dsl 'when { checkout } always { fraud-check }'\n"
                      "betrace replay --tempo http://127.0.0.1:3200 --rules rules.yaml --since 24h",
                      out);
  for (const bt_command_area *area = areas; area->title; area++) print_area(all, area, out);
  append_title("Other:", out);
  for (const bt_command *const *command = all; *command; command++)
    if (!is_in_areas(areas, (*command)->name)) print_row(*command, out);
  append_text(out,
              "\nbetrace COMMAND --help tells more; betrace version prints the version.\n"
              "Exit status: 0 fine, 1 something was found, 2 wrong usage, 3 could not find out;\nbetrace help exit has "
              "the table.\n");
}
