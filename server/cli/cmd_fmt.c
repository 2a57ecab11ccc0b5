/* `betrace fmt`: the canonical text of rules, in rule files or of one text from stdin. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/compile.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/json/json_values.h"
#include "server/rulefile/file_format.h"
#include "server/rulefile/rulefile.h"

typedef enum fmt_mode { FMT_PRINT, FMT_WRITE, FMT_CHECK } fmt_mode;

typedef struct formatting {
  fmt_mode mode;
  bool print_json;
  json_t *changed, *failed; /* names; {file, message} */
  bool found, is_unusable;  /* for the exit status: 1, 2 */
} formatting;

static void fail_file(formatting *fmt, const char *path, const char *message, bool is_usage) {
  if (!fmt->print_json) bt_print_message(message);
  bt_json_append(fmt->failed, json_pack("{s:o, s:o}", "file", bt_text_json(bt_str_from(path)), "message",
                                        bt_text_json(bt_str_from(message))));
  fmt->found = true;
  fmt->is_unusable = fmt->is_unusable || is_usage;
}

/* The new text beside the file, then in its place: no moment has half a file. The file behind a link is the one that is
 * written. */
static bool write_file(const char *path, bt_str text) {
  struct stat old;
  bt_buffer name = {0};
  char *real = realpath(path, NULL);
  if (real) bt_buffer_printf(&name, "%s.XXXXXX", real);
  int file = name.ptr && !name.failed && stat(real, &old) == 0 ? mkstemp(name.ptr) : -1;
  bool ok = file >= 0 && bt_cli_write_all(file, text) && fchmod(file, old.st_mode & 07777) == 0 && fsync(file) == 0;
  if (file >= 0) ok = close(file) == 0 && ok;
  ok = ok && rename(name.ptr, real) == 0;
  if (!ok && file >= 0) unlink(name.ptr);
  bt_buffer_dispose(&name);
  free(real);
  return ok;
}

static void finish_file(formatting *fmt, const char *path, bt_str old, bt_str new) {
  bool changes = !bt_str_equal(old, new);
  if (changes) bt_json_append(fmt->changed, bt_text_json(bt_str_from(path)));
  if (fmt->mode == FMT_PRINT && !fmt->print_json) {
    bt_print_document(new);
  } else if (fmt->mode == FMT_CHECK && changes) {
    fmt->found = true;
    if (!fmt->print_json) bt_print_line(path);
  } else if (fmt->mode == FMT_WRITE && changes && !write_file(path, new)) {
    char message[600];
    snprintf(message, sizeof message, "betrace fmt: %.400s cannot be written: %s", path, strerror(errno));
    fail_file(fmt, path, message, true);
  }
}

static bt_status format_text(bt_str text, const char *name, bt_buffer *out, bt_buffer *problems, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, out, &diagnostics, error);
  bt_diagnostics_print(&diagnostics, text, name, problems);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

/* What came of one file or text, whose name is `name`. */
static void take_formatted(formatting *fmt, const char *name, bt_str text, bool is_text) {
  bt_error error = {0};
  bt_buffer out = {0}, problems = {0};
  bt_status status = is_text ? format_text(text, name, &out, &problems, &error)
                             : bt_rulefile_format(text, name, &out, &problems, &error);
  if (status)
    fail_file(fmt, name, problems.len ? problems.ptr : error.message, status != BT_INVALID);
  else
    finish_file(fmt, name, text, bt_buffer_str(&out));
  bt_buffer_dispose(&out);
  bt_buffer_dispose(&problems);
}

static void format_file(formatting *fmt, const char *path) {
  size_t length = 0;
  bt_error error = {0};
  char *content = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &error);
  bt_str text = {content, length};
  bool is_stdin = strcmp(path, "-") == 0, is_text = content && is_stdin && !bt_looks_like_rule_file(text);
  if (content)
    take_formatted(fmt, is_text ? "<stdin>" : path, text, is_text);
  else
    fail_file(fmt, path, error.message, true);
  free(content);
}

static int run_fmt(formatting *fmt, const char *dsl, char **paths, size_t count) {
  fmt->changed = json_array();
  fmt->failed = json_array();
  if (dsl) take_formatted(fmt, "<dsl>", bt_str_from(dsl), true);
  for (size_t i = 0; i < count; i++) format_file(fmt, paths[i]);
  if (fmt->print_json) bt_cli_print_json(json_pack("{s:O, s:O}", "changed", fmt->changed, "failed", fmt->failed));
  json_decref(fmt->changed);
  json_decref(fmt->failed);
  if (fmt->is_unusable) return BT_EXIT_USAGE;
  return fmt->found ? BT_EXIT_FOUND : BT_EXIT_FINE;
}

enum { OPT_CHECK = BT_FLAG_OWN, OPT_DSL };

typedef struct fmt_options {
  bool writes, checks, print_json;
  const char *dsl;
  bt_rule_paths named;
} fmt_options;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  fmt_options *options = context;
  if (flag->id == BT_FLAG_RULES) return bt_rule_paths_take(&options->named, value);
  if (flag->id == OPT_DSL) return options->dsl = value, true;
  options->writes = options->writes || flag->id == 'w';
  options->checks = options->checks || flag->id == OPT_CHECK;
  options->print_json = options->print_json || flag->id == BT_FLAG_JSON;
  return true;
}

static int check_usage(const fmt_options *options, const bt_operands *files) {
  bool has_stdin = false;
  for (size_t i = 0; i < files->count; i++) has_stdin = has_stdin || strcmp(files->items[i], "-") == 0;
  if (options->writes && options->checks)
    return bt_cli_usage_error("fmt", "-w writes files and --check does not: give one of them");
  if (!files->count && !options->named.count && !options->dsl)
    return bt_cli_usage_error("fmt", "say which rules: rule files, --rules FILE or --dsl TEXT; - is stdin");
  if (options->writes && options->dsl) return bt_cli_usage_error("fmt", "--dsl is in no file: leave out -w");
  if (options->writes && has_stdin) return bt_cli_usage_error("fmt", "stdin cannot be written: leave out -w");
  return BT_EXIT_FINE;
}

static int fmt_command(const bt_command *self, int argc, char **argv) {
  fmt_options options = {0};
  bt_operands files;
  bt_rule_paths paths;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &options, &files, &code) ||
      (code = check_usage(&options, &files)) != BT_EXIT_FINE)
    return bt_rule_paths_dispose(&options.named), code;
  formatting fmt = {.mode = options.checks   ? FMT_CHECK
                            : options.writes ? FMT_WRITE
                                             : FMT_PRINT,
                    .print_json = options.print_json};
  if (!bt_rule_paths_of("fmt", &options.named, &files, &paths)) return BT_EXIT_USAGE;
  code = run_fmt(&fmt, options.dsl, paths.items, paths.count);
  bt_rule_paths_dispose(&paths);
  return code;
}

static const bt_flag flags[] = {
    {"write", 'w', NULL, NULL, "write the files instead of printing them", NULL},
    {"check", OPT_CHECK, NULL, NULL, "print the names of files that would change, and change none", NULL},
    {"dsl", OPT_DSL, "TEXT", NULL, "one rule's text", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {"Rules:", bt_flags_rule_files, NULL}, {0}};
static const bt_example examples[] = {
    {"Put the rules of a file into their canonical form", "betrace fmt -w rules.yaml"},
    {"As a check, in CI or before a commit", "betrace fmt --check rules.yaml"},
    {"One rule's text", "betrace fmt --dsl 'when{a}always{b}'"},
    {0}};
const bt_command bt_command_fmt = {
    .name = "fmt",
    .summary = "the canonical form of rules",
    .usage = "[-w | --check] FILE|FOLDER…",
    .about = "Writes rules in their canonical form. In a rule file only the texts of rules change: blocks (dsl: |), "
             "texts on one line and texts in quotes. One that is folded (dsl: >) or goes over several lines without "
             "quotes stays as it is if it is canonical; if not, it is an error. - is stdin: a rule file, or "
             "one rule's text.",
    .examples = examples,
    .groups = groups,
    .fine = "fine",
    .found = "something would change (--check), or a rule cannot be formatted",
    .operands = "rules",
    .run = fmt_command};
