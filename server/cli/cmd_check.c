/* `betrace check`: parses and checks rule files, and prints everything that is wrong with them. */
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "server/rulefile/convention_files.h"
#include "server/rules/rule_compile.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/cli/terminal.h"
#include "server/json/check_json.h"
#include "server/json/ci_note.h"
#include "server/json/json_values.h"
#include "server/json/sarif.h"

typedef enum check_format {
  FORMAT_TEXT,
  FORMAT_JSON,
  FORMAT_JSONL,
  FORMAT_SARIF,
  FORMAT_JUNIT,
  FORMAT_GITHUB
} check_format;

typedef struct checking {
  check_format format;
  bool fails_on_warnings;
  json_t *diagnostics; /* all of them, where programs read them */
  json_t *names;       /* {file, unreadable} of each file and text */
  size_t files, rules, errors, warnings;
  bool is_unreadable; /* some file cannot be read */
} checking;

/* "file:1:2: error[E010]: …": the word in its colour, where there are colours. */
static void print_problems(bt_buffer *text) {
  static const struct {
    const char *word;
    bt_style style;
  } marks[] = {{": error", BT_STYLE_RED}, {": warning", BT_STYLE_YELLOW}};
  for (char *line = text->ptr, *end; line && *line; line = end) {
    size_t length = strcspn(line, "\n") + (strchr(line, '\n') != NULL), at = length, used = 0;
    end = line + length;
    for (size_t i = 0; i < 2 && used == 0; i++) {
      const char *found = memmem(line, length, marks[i].word, strlen(marks[i].word));
      if (!found) continue;
      at = (size_t)(found - line) + 2;
      used = strcspn(found + 2, ":") < length - at ? strcspn(found + 2, ":") : length - at;
      bt_print("%.*s%s%.*s%s", (int)at, line, bt_style_on(marks[i].style), (int)used, line + at,
               bt_style_on(BT_STYLE_OFF));
    }
    bt_print_lines((bt_str){line + (used ? at + used : 0), length - (used ? at + used : 0)});
  }
  bt_buffer_dispose(text);
}

/* Takes the array. */
static void add_found(checking *check, const char *file, json_t *found) {
  json_t *item;
  size_t index;
  json_array_foreach(found, index, item) {
    bt_json_set(item, "file", bt_text_json(bt_str_from(file)));
    bt_json_append(check->diagnostics, json_incref(item));
  }
  json_decref(found);
}

static void add_file_problem(checking *check, const char *file, const char *message) {
  bt_file_problem problem = bt_file_problem_of(file, message);
  check->errors++;
  if (check->format != FORMAT_TEXT)
    add_found(
        check, file,
        json_pack("[o]", bt_problem_json(BT_STR(""), problem.line, problem.column, bt_str_from(problem.message))));
  else
    bt_print("%s:%u:%u: error: %s\n", file, problem.line, problem.column, problem.message);
}

typedef struct file_texts {
  checking *check;
  const char *file;
  bt_buffer out;
} file_texts;

static void add_text_problems(void *context, const bt_rulefile_rule *rule, const bt_diagnostics *diagnostics) {
  file_texts *texts = context;
  texts->check->errors += diagnostics->error_count;
  bt_diagnostics_print(diagnostics, bt_str_from(rule->fields.dsl), texts->file, &texts->out);
}

/* All that is wrong with a file that cannot be read to its end. */
static void print_file_problems(checking *check, const char *file, bt_str text, const char *first) {
  bt_buffer lines = {0};
  file_texts texts = {check, file, {0}};
  bt_rulefile_problems(text, file, &lines, add_text_problems, &texts);
  if (!lines.len) add_file_problem(check, file, first);
  for (char *line = lines.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1) {
    *end = '\0';
    add_file_problem(check, file, line);
  }
  print_problems(&texts.out);
  bt_buffer_dispose(&lines);
}

static void add_file_problems(checking *check, const char *file, bt_str text, const char *first) {
  json_t *found, *item;
  size_t index;
  if (check->format == FORMAT_TEXT) {
    print_file_problems(check, file, text, first);
    return;
  }
  found = bt_file_problems_json(text, file, first);
  json_array_foreach(found, index, item) {
    const char *severity = json_string_value(json_object_get(item, "severity"));
    check->errors += severity && strcmp(severity, "error") == 0;
    check->warnings += severity && strcmp(severity, "warning") == 0;
  }
  add_found(check, file, found);
}

static void take_file(checking *check, const bt_checked_file *file) {
  for (size_t i = 0; i < file->rule_count; i++) {
    const bt_checked_rule *rule = &file->rules[i];
    check->rules++;
    check->errors += rule->diagnostics.error_count + (rule->problem.ptr != NULL);
    if (check->format != FORMAT_TEXT) {
      add_found(check, file->name, bt_checked_rule_json(rule));
    } else {
      bt_buffer text = {0};
      bt_checked_rule_print(file, rule, &text);
      print_problems(&text);
    }
  }
  if (check->format != FORMAT_TEXT) {
    add_found(check, file->name, bt_unused_names_json(file));
  } else {
    bt_buffer text = {0};
    bt_diagnostics_print(&file->unused, file->file.source, file->name, &text);
    print_problems(&text);
  }
  check->warnings += file->warning_count;
}

static void add_name(checking *check, const char *name, const char *unreadable) {
  bt_json_append(check->names, json_pack("{s:o, s:o}", "file", bt_text_json(bt_str_from(name)), "unreadable",
                                         unreadable ? bt_text_json(bt_str_from(unreadable)) : json_null()));
}

static void check_text(checking *check, bt_str dsl, const char *name) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_buffer text = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_compile_rule(dsl, true, &rule, &diagnostics, &error);
  check->rules++;
  check->errors += diagnostics.error_count;
  for (size_t i = 0; i < diagnostics.count; i++) check->warnings += !diagnostics.items[i].is_error;
  if (check->format != FORMAT_TEXT)
    add_found(check, name, bt_rule_diagnostics_json(BT_STR(""), &diagnostics));
  else
    bt_diagnostics_print(&diagnostics, dsl, name, &text);
  print_problems(&text);
  if (status && !diagnostics.error_count) add_file_problem(check, name, error.message);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static void check_file(checking *check, const char *path) {
  size_t length = 0;
  bt_error error = {0};
  bt_checked_file file = {0};
  char *text = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &error);
  check->files++;
  if (!text) {
    bt_print_error("betrace check: %s\n", error.message);
    check->is_unreadable = true;
    add_name(check, path, error.message);
    return;
  }
  const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
  add_name(check, name, NULL);
  bool is_rule = path[0] == '-' && !path[1] && !bt_looks_like_rule_file((bt_str){text, length});
  if (is_rule)
    check_text(check, (bt_str){text, length}, name);
  else if (bt_checked_file_read((bt_str){text, length}, name, name == path ? path : NULL, true, &file, &error))
    add_file_problems(check, name, (bt_str){text, length}, error.message);
  else
    take_file(check, &file);
  bt_checked_file_dispose(&file);
  free(text);
}

/* That nothing is wrong with no rule at all would be no answer. */
static void refuse_none(checking *check, char *const *paths, size_t count) {
  bt_buffer text = {0};
  if (check->rules || check->errors || check->is_unreadable) return;
  bt_rule_paths_say_none((const char *const *)paths, count, &text);
  add_file_problem(check, count && strcmp(paths[0], "-") != 0 ? paths[0] : "<stdin>",
                   text.failed ? "expected rules, and there are none" : text.ptr);
  check->is_unreadable = true;
  bt_buffer_dispose(&text);
}

static void print_lines(const checking *check) {
  json_t *problem;
  size_t at;
  json_array_foreach(check->diagnostics, at, problem) bt_print_json(json_incref(problem), JSON_COMPACT);
}

/* JUnit, or annotations. */
static void print_document(const checking *check) {
  bt_buffer text = {0};
  bt_error error = {0};
  bt_status status = BT_OK;
  if (check->format == FORMAT_JUNIT)
    status = bt_problems_junit(check->diagnostics, check->names, &text, &error);
  else
    bt_problems_annotate(check->diagnostics, &text);
  if (status || text.failed)
    bt_print_error_line("betrace check: there is not enough memory");
  else
    bt_print_document(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
}

static void print_end(const checking *check) {
  bool is_valid = !check->errors && !check->is_unreadable;
  switch (check->format) {
  case FORMAT_TEXT:
    bt_print("%s%zu rule%s checked: %zu error%s, %zu warning%s%s\n",
             bt_style_on(!is_valid         ? BT_STYLE_RED
                         : check->warnings ? BT_STYLE_YELLOW
                                           : BT_STYLE_GREEN),
             check->rules, bt_cli_plural(check->rules), check->errors, bt_cli_plural(check->errors), check->warnings,
             bt_cli_plural(check->warnings), bt_style_on(BT_STYLE_OFF));
    break;
  case FORMAT_JSON:
    bt_cli_print_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:O}", "valid", is_valid, "files", (json_int_t)check->files,
                                "rules", (json_int_t)check->rules, "errors", (json_int_t)check->errors, "warnings",
                                (json_int_t)check->warnings, "diagnostics", check->diagnostics));
    break;
  case FORMAT_SARIF:
    bt_cli_print_json(bt_sarif_json(check->diagnostics, !check->is_unreadable, BETRACE_VERSION));
    break;
  case FORMAT_JSONL: print_lines(check); break;
  case FORMAT_JUNIT:
  case FORMAT_GITHUB: print_document(check); break;
  }
}

static int exit_status(const checking *check) {
  if (check->is_unreadable) return BT_EXIT_USAGE;
  return check->errors || (check->fails_on_warnings && check->warnings) ? BT_EXIT_FOUND : BT_EXIT_FINE;
}

static int run_check(checking *check, char **paths, size_t path_count, const char *const *texts, size_t text_count) {
  check->diagnostics = json_array();
  check->names = json_array();
  if (!check->diagnostics || !check->names) return bt_cli_usage_error("check", "there is not enough memory");
  if (text_count) add_name(check, "<dsl>", NULL);
  for (size_t i = 0; i < text_count; i++) check_text(check, bt_str_from(texts[i]), "<dsl>");
  for (size_t i = 0; i < path_count; i++) check_file(check, paths[i]);
  refuse_none(check, paths, path_count);
  print_end(check);
  json_decref(check->diagnostics);
  json_decref(check->names);
  return exit_status(check);
}

/* ---- the row ---- */

enum { OPT_DSL = BT_FLAG_OWN, OPT_SEMCONV, OPT_FORMAT, OPT_FAIL_ON, MAX_TEXTS = 64 };

typedef struct check_arguments {
  checking check;
  const char *texts[MAX_TEXTS];
  size_t text_count;
  bt_rule_paths named;
} check_arguments;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  check_arguments *arguments = context;
  checking *check = &arguments->check;
  if (flag->id == BT_FLAG_JSON) check->format = FORMAT_JSON;
  if (flag->id == OPT_FORMAT) check->format = (check_format)bt_choice_at(flag->value, value);
  if (flag->id == BT_FLAG_RULES) return bt_rule_paths_take(&arguments->named, value);
  if (flag->id == OPT_SEMCONV) return bt_cli_use_conventions(value);
  if (flag->id == OPT_FAIL_ON) check->fails_on_warnings = strcmp(value, "warning") == 0;
  if (flag->id != OPT_DSL) return true;
  if (arguments->text_count == MAX_TEXTS) return false;
  arguments->texts[arguments->text_count++] = value;
  return true;
}

static int check_command(const bt_command *self, int argc, char **argv) {
  check_arguments arguments = {0};
  bt_operands files;
  int code = BT_EXIT_FINE;
  bt_rule_paths paths;
  if (!bt_arguments_read(self, argc, argv, take_flag, &arguments, &files, &code))
    return bt_rule_paths_dispose(&arguments.named), code;
  if (!files.count && !arguments.named.count && !arguments.text_count)
    return bt_cli_usage_error("check", "say which rules: rule files, --rules FILE or --dsl TEXT");
  if (!bt_rule_paths_of("check", &arguments.named, &files, &paths)) return BT_EXIT_USAGE;
  code = run_check(&arguments.check, paths.items, paths.count, arguments.texts, arguments.text_count);
  bt_rule_paths_dispose(&paths);
  return code;
}

static const bt_flag flags[] = {
    {"dsl", OPT_DSL, "TEXT", NULL, "check one rule's text; up to 64 times", NULL},
    {"output", OPT_FORMAT, "text|json|jsonl|sarif|junit|github", "text",
     "how problems are written; jsonl is one a line, sarif is for code scanning, github for a workflow's log", NULL},
    {"semconv", OPT_SEMCONV, "DIR", NULL, BT_SEMCONV_HELP, BT_SEMCONV_VARIABLE},
    {"fail-on", OPT_FAIL_ON, "error|warning", "error", "exit with 1 for warnings, too", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {"Rules:", bt_flags_rule_files, NULL}, {0}};
static const bt_example examples[] = {
    {"All rule files of a folder", "betrace check rules/*.yaml"},
    {"One rule's text", "betrace check --dsl 'when { pii.read } always { audit.log }'"},
    {"For the code scanning of a code host", "betrace check --output sarif rules/*.yaml > betrace.sarif"},
    {0}};
const bt_command bt_command_check = {
    .name = "check",
    .summary = "parses and checks rule files",
    .usage = "[flags] FILE|FOLDER…",
    .about = "Parses and checks rule files (YAML or JSON; - is stdin, a file or one rule's text) and prints "
             "errors and warnings with file, line and column, and "
             "what to write instead where that is known.",
    .examples = examples,
    .groups = groups,
    .fine = "no errors (there may be warnings)",
    .found = "errors, or with --fail-on warning also warnings",
    .operands = "rules",
    .run = check_command};
