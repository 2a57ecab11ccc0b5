/* `betrace import`: rule files of the original project into a rule file of BeTrace, with a report of each rule. The
 * other import, POST /v1/rules/import, takes rule files as they are into a service: that is `betrace sync` here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/shown_text.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/cli/terminal.h"
#include "server/import/import.h"
#include "server/json/json_values.h"
#include "server/rulefile/rulefile.h"

typedef struct importing {
  const char *output; /* NULL: stdout */
  bool overwrites, print_json;
  bt_import import;
  json_t *failed; /* {file, message} of files that could not be read */
} importing;

/* ---- the report ---- */

static const char *said_of(bt_import_result result) {
  static const char *const said[] = {"converted", "converted, look at it", "not converted"};
  return said[result];
}

static bt_style style_of(bt_import_result result) {
  return result == BT_IMPORT_CONVERTED ? BT_STYLE_GREEN : result == BT_IMPORT_LOOK ? BT_STYLE_YELLOW : BT_STYLE_RED;
}

/* The report stands beside the rule file: on stdout where that goes into a file, else on stderr. */
static void print_report(const importing *run, bt_buffer *text) {
  if (run->output)
    bt_print_styled(bt_buffer_str(text));
  else
    bt_print_error_styled(bt_buffer_str(text));
  bt_buffer_dispose(text);
}

static void say_rule(const importing *run, const bt_import_rule *rule) {
  bt_buffer text = {0};
  bt_shown_append(rule->file, &text);
  bt_buffer_printf(&text, ":%u: ", rule->line);
  bt_shown_append(rule->id.len ? rule->id : BT_STR("a rule without a name"), &text);
  bt_buffer_printf(&text, ": %s%s%s\n", bt_style_on(style_of(rule->result)), said_of(rule->result),
                   bt_style_on(BT_STYLE_OFF));
  for (const bt_import_finding *finding = rule->findings; finding; finding = finding->next) {
    bt_buffer_append(&text, BT_STR("  "));
    bt_shown_append(rule->file, &text);
    bt_buffer_printf(&text, ":%u:%u: %s", finding->line, finding->column, finding->look ? "" : "note: ");
    bt_shown_append(finding->message, &text);
    bt_buffer_append_char(&text, '\n');
  }
  print_report(run, &text);
}

static void say_summary(const importing *run) {
  const size_t *counts = run->import.counts;
  size_t all = counts[0] + counts[1] + counts[2];
  bt_buffer text = {0};
  bt_buffer_printf(&text, "%zu rule%s: %zu converted, %zu converted and to be looked at, %zu not converted\n", all,
                   bt_cli_plural(all), counts[0], counts[1], counts[2]);
  if (run->output) {
    bt_buffer_append(&text, BT_STR("written to "));
    bt_shown_append(bt_str_from(run->output), &text);
    bt_buffer_append(&text, BT_STR("; next: betrace check and betrace test\n"));
  }
  print_report(run, &text);
}

static json_t *string_json(bt_str text) {
  return text.ptr ? bt_text_json(text) : json_null();
}

static json_t *rule_json(const bt_import_rule *rule) {
  json_t *findings = json_array();
  for (const bt_import_finding *finding = rule->findings; finding; finding = finding->next)
    bt_json_append(findings, json_pack("{s:b, s:i, s:i, s:o}", "look", finding->look, "line", (int)finding->line,
                                       "column", (int)finding->column, "message", string_json(finding->message)));
  return json_pack("{s:o, s:o, s:i, s:s, s:b, s:o, s:o, s:o}", "id", string_json(rule->id), "file",
                   string_json(rule->file), "line", (int)rule->line, "result", bt_import_result_name(rule->result),
                   "has_test", rule->has_test, "was", string_json(rule->old_text), "dsl", string_json(rule->dsl),
                   "findings", findings);
}

static void print_json(const importing *run, bt_str file) {
  json_t *rules = json_array();
  const size_t *counts = run->import.counts;
  for (const bt_import_rule *rule = run->import.first; rule; rule = rule->next) bt_json_append(rules, rule_json(rule));
  bt_cli_print_json(json_pack("{s:{s:I, s:I, s:I}, s:o, s:O, s:o, s:o}", "summary", "converted",
                              (json_int_t)counts[BT_IMPORT_CONVERTED], "look", (json_int_t)counts[BT_IMPORT_LOOK],
                              "not_converted", (json_int_t)counts[BT_IMPORT_NOT_CONVERTED], "rules", rules, "failed",
                              run->failed, "output", run->output ? json_string(run->output) : json_null(), "rule_file",
                              run->output ? json_null() : string_json(file)));
}

/* ---- running ---- */

/* A file that is there may have been worked on since it was imported: it is written over only when that is said. */
static int write_file(const importing *run, bt_str text) {
  int file = open(run->output, O_WRONLY | O_CREAT | O_CLOEXEC | (run->overwrites ? O_TRUNC : O_EXCL), 0666);
  if (file < 0 && errno == EEXIST)
    return bt_cli_usage_error("import", "%s is there already: give another name, or --force to write over it",
                              run->output);
  bool ok = file >= 0 && bt_cli_write_all(file, text);
  int why = errno;
  if (file >= 0 && close(file) != 0 && ok) why = errno, ok = false;
  if (ok) return BT_EXIT_FINE;
  return bt_cli_usage_error("import", "%s cannot be written: %s", run->output, strerror(why));
}

static bt_status add_file(importing *run, const char *path, bt_error *error) {
  size_t length = 0;
  bt_error why = {0};
  char *text = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &why);
  bt_status status = text ? bt_import_add(&run->import, (bt_str){text, length}, path, &why) : BT_IO;
  free(text);
  if (status == BT_NO_MEMORY) return bt_error_no_memory(error);
  if (!status) return BT_OK;
  if (!run->print_json) bt_print_error("betrace import: %s\n", why.message);
  bt_json_append(run->failed, json_pack("{s:o, s:o}", "file", bt_text_json(bt_str_from(path)), "message",
                                        bt_text_json(bt_str_from(why.message))));
  return BT_OK;
}

static int print_result(const importing *run, bt_str file) {
  int code = run->output ? write_file(run, file) : BT_EXIT_FINE;
  if (code) return code;
  if (run->print_json) {
    print_json(run, file);
  } else {
    if (!run->output) bt_print_document(file);
    bt_print_flush();
    for (const bt_import_rule *rule = run->import.first; rule; rule = rule->next) say_rule(run, rule);
    say_summary(run);
  }
  if (json_array_size(run->failed)) return BT_EXIT_USAGE;
  return run->import.counts[BT_IMPORT_LOOK] + run->import.counts[BT_IMPORT_NOT_CONVERTED] ? BT_EXIT_FOUND
                                                                                          : BT_EXIT_FINE;
}

static int run_import(importing *run, char **paths, size_t count) {
  bt_error error = {0};
  bt_buffer file = {0};
  bt_status status = BT_OK;
  bt_import_init(&run->import);
  run->failed = json_array();
  for (size_t i = 0; i < count && !status; i++) status = add_file(run, paths[i], &error);
  bool has_none = !status && !run->import.first && json_array_size(run->failed);
  if (!status) status = bt_import_write(&run->import, &file, &error);
  int code = status                         ? bt_cli_fail("import", status, &error)
             : has_none && !run->print_json ? BT_EXIT_USAGE
                                            : print_result(run, bt_buffer_str(&file));
  bt_buffer_dispose(&file);
  json_decref(run->failed);
  bt_import_dispose(&run->import);
  return code;
}

/* ---- the row ---- */

enum { OPT_FORCE = BT_FLAG_OWN };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  importing *run = context;
  if (flag->id == 'o') run->output = value;
  run->overwrites = run->overwrites || flag->id == OPT_FORCE;
  run->print_json = run->print_json || flag->id == BT_FLAG_JSON;
  return true;
}

static int import_command(const bt_command *self, int argc, char **argv) {
  importing run = {0};
  bt_operands files;
  bt_rule_paths paths;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &run, &files, &code)) return code;
  if (!files.count) return bt_cli_usage_error("import", "say which rule files of the original project, or a folder");
  if (!bt_rule_paths_of("import", &(bt_rule_paths){0}, &files, &paths)) return BT_EXIT_USAGE;
  code = run_import(&run, paths.items, paths.count);
  bt_rule_paths_dispose(&paths);
  return code;
}

static const bt_flag flags[] = {
    {"output", 'o', "FILE", NULL, "write the rule file there, and the report to stdout", NULL},
    {"force", OPT_FORCE, NULL, NULL, "write over FILE where it is there already", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {
    {"All rule files of the original project in a folder", "betrace import old-rules --output rules.yaml"},
    {"What has to be looked at, for a program", "betrace import old-rules --json"},
    {0}};
const bt_command bt_command_import = {
    .name = "import",
    .summary = "converts rule files of the original BeTrace",
    .usage = "[flags] FILE|FOLDER…",
    .about = "Reads rule files of the original BeTrace project (YAML or JSON; - is stdin), also of its older dialect. "
             "Writes one rule file of this BeTrace, with a test from each example_violation. Says of each rule what "
             "means something else here and has to be looked at, with line and column. What cannot be converted is a "
             "comment in the new file, with the reason.\n\n"
             "No service is asked or changed: betrace sync takes the new file into one.",
    .examples = examples,
    .groups = groups,
    .fine = "all rules were converted, and none has to be looked at",
    .found = "a rule needs a look, or was not converted; the rule file is written",
    .operands = "rules",
    .run = import_command};
