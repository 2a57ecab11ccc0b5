/* Manual pages in roff (man(7) macros) from the rows of the commands, written while the program is built. See
 * command.h. */
#include <string.h>

#include "dsl/base/text.h"
#include "server/cli/command.h"

/* Text in roff: backslashes, and dots and quotes that begin a line, are no commands; "-" is a hyphen to type. */
static void write_text(const char *text, bt_buffer *out) {
  bool at_start = true;
  for (; *text; text++) {
    if (at_start && (*text == '.' || *text == '\'')) bt_buffer_append(out, BT_STR("\\&"));
    if (*text == '\\')
      bt_buffer_append(out, BT_STR("\\e"));
    else if (*text == '-')
      bt_buffer_append(out, BT_STR("\\-"));
    else
      bt_buffer_append_char(out, *text);
    at_start = *text == '\n';
  }
}

/* An empty line becomes a new paragraph. */
static void write_paragraphs(const char *text, bt_buffer *out) {
  while (*text) {
    const char *end = strstr(text, "\n\n");
    bt_buffer part = {0};
    bt_buffer_append(&part, (bt_str){text, end ? (size_t)(end - text) : strlen(text)});
    if (part.ptr) write_text(part.ptr, out);
    bt_buffer_append(out, end ? BT_STR("\n.PP\n") : BT_STR("\n"));
    bt_buffer_dispose(&part);
    text = end ? end + 2 : text + strlen(text);
  }
}

static void append_section(const char *name, bt_buffer *out) {
  bt_buffer_printf(out, ".SH %s\n", name);
}

static void write_lines(const char *lines, bt_buffer *out) {
  bt_buffer_append(out, BT_STR(".PP\n.nf\n.RS 4\n"));
  write_text(lines, out);
  bt_buffer_append(out, BT_STR("\n.RE\n.fi\n"));
}

static void write_head(const char *name, const char *summary, bt_buffer *out) {
  bt_buffer_printf(out, ".TH \"BETRACE%s%s\" \"1\" \"\" \"betrace %s\" \"BeTrace\"\n", *name ? "\\-" : "", name,
                   BETRACE_VERSION);
  append_section("NAME", out);
  bt_buffer_printf(out, "betrace%s%s \\- ", *name ? "\\-" : "", name);
  write_text(summary, out);
  bt_buffer_append_char(out, '\n');
}

static void write_flag(const bt_flag *flag, bt_buffer *out) {
  bt_buffer_append(out, BT_STR(".TP\n"));
  if (flag->id < 128) bt_buffer_printf(out, "\\fB\\-%c\\fR, ", flag->id);
  bt_buffer_append(out, BT_STR("\\fB\\-\\-"));
  write_text(flag->name, out);
  bt_buffer_append(out, BT_STR("\\fR"));
  if (flag->value) bt_buffer_printf(out, " \\fI%s\\fR", flag->value);
  bt_buffer_append_char(out, '\n');
  write_text(flag->help, out);
  if (flag->otherwise) {
    bt_buffer_append(out, BT_STR(" (default "));
    write_text(flag->otherwise, out);
    bt_buffer_append_char(out, ')');
  }
  if (flag->environment) bt_buffer_printf(out, " [%s]", flag->environment);
  bt_buffer_append(out, BT_STR(".\n"));
}

static void write_flags(const bt_command *command, bt_buffer *out) {
  append_section("OPTIONS", out);
  for (const bt_flag_group *group = command->groups; group && group->title; group++) {
    bt_buffer_append(out, BT_STR(".SS \""));
    write_text(group->title, out);
    bt_buffer_append(out, BT_STR("\"\n"));
    for (const bt_flag *flag = bt_group_flags(group); flag->name; flag++) write_flag(flag, out);
  }
  if (!command->has_no_json) write_flag(bt_command_flag(command, BT_STR("json")), out);
  const bt_flag *output = bt_command_flag(command, BT_STR("output"));
  if (output && output->id == BT_FLAG_OUTPUT) write_flag(output, out);
  write_flag(bt_command_flag(command, BT_STR("help")), out);
}

static void write_status(unsigned number, const char *meaning, bt_buffer *out) {
  if (!meaning) return;
  bt_buffer_printf(out, ".TP\n.B %u\n", number);
  write_text(meaning, out);
  bt_buffer_append_char(out, '\n');
}

static void write_command(const bt_command *command, bt_buffer *out) {
  write_head(command->name, command->summary, out);
  append_section("SYNOPSIS", out);
  for (const char *line = command->usage; *line;) {
    bt_buffer usage = {0};
    size_t length = strcspn(line, "\n");
    bt_buffer_append(&usage, (bt_str){line, length});
    bt_buffer_printf(out, "%s.B betrace %s\n", line == command->usage ? "" : ".br\n", command->name);
    write_text(usage.ptr ? usage.ptr : "", out);
    bt_buffer_append_char(out, '\n');
    bt_buffer_dispose(&usage);
    line += length + (line[length] == '\n');
  }
  append_section("DESCRIPTION", out);
  write_paragraphs(command->about, out);
  if (command->examples) append_section("EXAMPLES", out);
  for (const bt_example *example = command->examples; example && example->command; example++) {
    bt_buffer_append(out, BT_STR(".PP\n"));
    write_text(example->say, out);
    bt_buffer_append_char(out, '\n');
    write_lines(example->command, out);
  }
  write_flags(command, out);
  append_section("EXIT STATUS", out);
  write_status(0, command->fine, out);
  write_status(1, command->found, out);
  write_status(2, "wrong usage, or a file that cannot be read", out);
  write_status(3, command->unknown, out);
  append_section("SEE ALSO", out);
  bt_buffer_append(out, BT_STR(".BR betrace (1)\n"));
}

static void write_program(bt_buffer *out) {
  write_head("", "rules over distributed traces: did they ever break, when did it start, and can you prove it", out);
  append_section("SYNOPSIS", out);
  bt_buffer_append(out, BT_STR(".B betrace\n.I COMMAND\n[flags] …\n"));
  append_section("DESCRIPTION", out);
  write_paragraphs("BeTrace reads traces from Grafana Tempo, or from OTLP files, and says which of them break a rule. "
                   "What could not be "
                   "read is named, and never counted as a pass.\n\nEvery command has a page of its own.",
                   out);
  append_section("COMMANDS", out);
  for (const bt_command *const *command = bt_commands; *command; command++) {
    bt_buffer_printf(out, ".TP\n.BR betrace\\-%s (1)\n", (*command)->name);
    write_text((*command)->summary, out);
    bt_buffer_append_char(out, '\n');
  }
  append_section("EXIT STATUS", out);
  write_status(0, "fine", out);
  write_status(1, "something was found: violations, failing tests, wrong rules", out);
  write_status(2, "wrong usage", out);
  write_status(3, "could not find out: not reachable, not everything could be read, no data", out);
}

void bt_man_print(const bt_command *command, bt_buffer *out) {
  if (command)
    write_command(command, out);
  else
    write_program(out);
}
