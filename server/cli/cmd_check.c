/* `betrace check`: parses and checks rule files, and prints everything that is wrong with them. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"
#include "server/report/replay_json.h"
#include "server/rulefile/checked_file.h"

static const char help[] =
    "Usage: betrace check [options] FILE…\n\n"
    "Parses and checks rule files (YAML or JSON; - is stdin) and prints errors and warnings with file, line and "
    "column.\n\n"
    "  betrace check rules/*.yaml\n"
    "  betrace check --dsl 'when { pii.read } always { audit.log }'\n\n"
    "  --dsl TEXT         checks one rule's text\n"
    "  --format FORMAT    text (default) or json\n"
    "  --json             the same as --format json\n\n"
    "Exit status: 0 no errors (there may be warnings), 1 errors, 2 wrong usage or a file that cannot be read.\n";

typedef struct checking {
  bool print_json;
  json_t *diagnostics; /* all of them, for JSON */
  size_t files, rules, errors, warnings;
  bool is_unreadable; /* some file cannot be read */
} checking;

static void print_buffer(bt_buffer *text) {
  if (text->ptr) fwrite(text->ptr, 1, text->len, stdout);
  bt_buffer_dispose(text);
}

/* What has no code: a file that is no rule file, or a field of a rule. */
static void add_problem(checking *check, const char *file, bt_str rule_id, unsigned line, unsigned column,
                        bt_str message) {
  check->errors++;
  if (!check->print_json) return;
  json_t *id = rule_id.len ? bt_text_json(rule_id) : json_null();
  json_array_append_new(check->diagnostics,
                        json_pack("{s:s, s:o, s:n, s:s, s:o, s:I, s:I, s:n}", "file", file, "rule_id", id, "code",
                                  "severity", "error", "message", bt_text_json(message), "line", (json_int_t)line,
                                  "column", (json_int_t)column, "range"));
}

/* The reader of rule files says "file:line:column: …". */
static void add_file_problem(checking *check, const char *file, const char *message) {
  unsigned line = 1, column = 1;
  int length = 0;
  size_t name = strlen(file) < 100 ? strlen(file) : 100;
  const char *rest = strncmp(message, file, name) == 0 ? message + name : message;
  if (sscanf(rest, ":%u:%u: %n", &line, &column, &length) == 2 && length) rest += length;
  if (!check->print_json) printf("%s:%u:%u: error: %s\n", file, line, column, rest);
  add_problem(check, file, BT_STR(""), line, column, bt_str_from(rest));
}

static void add_diagnostics(checking *check, const char *file, bt_str rule_id, const bt_diagnostics *diagnostics) {
  json_t *found = bt_diagnostics_json(diagnostics), *item;
  size_t index;
  json_array_foreach(found, index, item) {
    json_object_set_new(item, "file", json_string(file));
    json_object_set_new(item, "rule_id", rule_id.len ? bt_text_json(rule_id) : json_null());
    json_array_append(check->diagnostics, item);
  }
  json_decref(found);
}

static void take_file(checking *check, const bt_checked_file *file) {
  for (size_t i = 0; i < file->rule_count; i++) {
    const bt_checked_rule *rule = &file->rules[i];
    check->rules++;
    check->errors += rule->diagnostics.error_count;
    if (check->print_json) {
      add_diagnostics(check, file->name, rule->id, &rule->diagnostics);
    } else {
      bt_buffer text = {0};
      bt_checked_rule_print(file, rule, &text);
      print_buffer(&text);
    }
    if (rule->problem.ptr) add_problem(check, file->name, rule->id, rule->source->line, 1, rule->problem);
  }
  check->warnings += file->warning_count;
}

static void check_file(checking *check, const char *path) {
  size_t length = 0;
  bt_error error = {0};
  bt_checked_file file = {0};
  char *text = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &error);
  check->files++;
  if (!text) {
    fprintf(stderr, "betrace check: %s\n", error.message);
    check->is_unreadable = true;
    return;
  }
  const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
  if (bt_checked_file_read((bt_str){text, length}, name, &file, &error))
    add_file_problem(check, name, error.message);
  else
    take_file(check, &file);
  bt_checked_file_dispose(&file);
  free(text);
}

static void check_text(checking *check, const char *dsl) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_buffer text = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(bt_str_from(dsl), &rule, &diagnostics, &error);
  check->rules++;
  check->errors += diagnostics.error_count;
  for (size_t i = 0; i < diagnostics.count; i++) check->warnings += !diagnostics.items[i].is_error;
  if (check->print_json)
    add_diagnostics(check, "<dsl>", BT_STR(""), &diagnostics);
  else
    bt_diagnostics_print(&diagnostics, bt_str_from(dsl), "<dsl>", &text);
  print_buffer(&text);
  if (status && !diagnostics.error_count) add_file_problem(check, "<dsl>", error.message);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

static const char *plural(size_t count) {
  return count == 1 ? "" : "s";
}

static int finish(checking *check) {
  if (check->print_json)
    bt_cli_print_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:O}", "valid", !check->errors && !check->is_unreadable,
                                "files", (json_int_t)check->files, "rules", (json_int_t)check->rules, "errors",
                                (json_int_t)check->errors, "warnings", (json_int_t)check->warnings, "diagnostics",
                                check->diagnostics));
  else
    printf("%zu rule%s checked: %zu error%s, %zu warning%s\n", check->rules, plural(check->rules), check->errors,
           plural(check->errors), check->warnings, plural(check->warnings));
  if (check->is_unreadable) return BT_EXIT_USAGE;
  return check->errors ? BT_EXIT_FOUND : BT_EXIT_FINE;
}

static int run_check(checking *check, char **paths, size_t path_count, const char *const *texts, size_t text_count) {
  check->diagnostics = json_array();
  if (!check->diagnostics) return bt_cli_usage_error("check", "there is not enough memory");
  for (size_t i = 0; i < text_count; i++) check_text(check, texts[i]);
  for (size_t i = 0; i < path_count; i++) check_file(check, paths[i]);
  int result = finish(check);
  json_decref(check->diagnostics);
  return result;
}

int bt_cmd_check(int argc, char **argv) {
  enum { OPT_DSL = 1, OPT_FORMAT, OPT_JSON, OPT_HELP, MAX_TEXTS = 64 };
  static const struct option known[] = {{"dsl", 1, NULL, OPT_DSL},
                                        {"format", 1, NULL, OPT_FORMAT},
                                        {"json", 0, NULL, OPT_JSON},
                                        {"help", 0, NULL, OPT_HELP},
                                        {NULL, 0, NULL, 0}};
  checking check = {0};
  const char *texts[MAX_TEXTS];
  size_t text_count = 0;
  int option;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    if (option == OPT_HELP) return fputs(help, stdout), BT_EXIT_FINE;
    if (option == '?') return bt_cli_usage_error("check", "an option is not known or lacks its value");
    if (option == OPT_DSL && text_count == MAX_TEXTS)
      return bt_cli_usage_error("check", "--dsl can be given %d times; put the rules into a file", MAX_TEXTS);
    if (option == OPT_DSL) texts[text_count++] = optarg;
    if (option == OPT_FORMAT && strcmp(optarg, "text") != 0 && strcmp(optarg, "json") != 0)
      return bt_cli_usage_error("check", "--format is text or json, not \"%s\"", optarg);
    if (option == OPT_JSON || option == OPT_FORMAT)
      check.print_json = option == OPT_JSON || strcmp(optarg, "json") == 0;
  }
  if (optind == argc && !text_count) return bt_cli_usage_error("check", "say which rule files, or --dsl TEXT");
  return run_check(&check, argv + optind, (size_t)(argc - optind), texts, text_count);
}
