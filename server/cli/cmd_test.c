/* `betrace test`: runs the tests that stand next to the rules in rule files. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"
#include "dsl/rule/rule_walk.h"
#include "server/cli/idle_print.h"
#include "server/cli/printer.h"
#include "server/cli/rule_paths.h"
#include "server/json/ci_note.h"
#include "server/json/json_values.h"
#include "server/json/junit.h"
#include "server/json/test_report.h"

typedef enum test_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_JUNIT, FORMAT_GITHUB } test_format;

typedef struct testing {
  test_format format;
  bool print_all;
  json_t *tests, *broken; /* JSON: results; {file, message} */
  bt_junit junit;
  bt_rule_paths named; /* --rules */
  size_t counts[BT_TEST_ERROR + 1];
  size_t rules;        /* in all files */
  size_t broken_count; /* files and rules that are wrong */
  bool is_unreadable, requires_exercised;
  const bt_checked_file *file; /* the one at hand */
  bool *exercised;             /* of its rules: some test did it */
  size_t idle;                 /* rules that no test exercised */
} testing;

static void print_indented(bt_str text) {
  while (text.len) {
    const char *end = memchr(text.ptr, '\n', text.len);
    size_t length = end ? (size_t)(end - text.ptr) + 1 : text.len;
    bt_print("      ");
    bt_print_lines((bt_str){text.ptr, length});
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

static bt_status print_result(const testing *run, const bt_test_result *result, bt_error *error) {
  static const char *const marks[] = {[BT_TEST_PASSED] = "ok", [BT_TEST_FAILED] = "FAIL", [BT_TEST_ERROR] = "ERROR"};
  bt_buffer name = {0}, explanation = {0};
  bt_status status = BT_OK;
  if (result->outcome == BT_TEST_PASSED && !run->print_all) return BT_OK;
  bt_test_report_name(result, &name);
  bt_print("%-5s %s:%u: %.*s: %.*s\n", marks[result->outcome], result->file->name, result->test->line,
           BT_FMT(result->rule_id), BT_FMT(bt_buffer_str(&name)));
  status = bt_test_report_explain(result, &explanation, error);
  if (!status) print_indented(bt_buffer_str(&explanation));
  bt_buffer_dispose(&name);
  bt_buffer_dispose(&explanation);
  return status;
}

/* Like print_result, for the log of a workflow: what passed says nothing. */
static bt_status annotate_result(const bt_test_result *result, bt_error *error) {
  bt_buffer name = {0}, title = {0}, explanation = {0}, line = {0};
  if (result->outcome == BT_TEST_PASSED) return BT_OK;
  bt_test_report_name(result, &name);
  bt_buffer_printf(&title, "betrace test %.*s: %.*s", BT_FMT(result->rule_id), BT_FMT(bt_buffer_str(&name)));
  bt_status status = bt_test_report_explain(result, &explanation, error);
  bt_ci_note_write(&(bt_ci_note){"error", result->file->name, result->test->line, 1, bt_buffer_str(&title),
                                 bt_buffer_str(&explanation)},
                   &line);
  if (!status && (title.failed || line.failed)) status = bt_error_no_memory(error);
  if (!status) bt_print_document(bt_buffer_str(&line));
  bt_buffer_dispose(&name);
  bt_buffer_dispose(&title);
  bt_buffer_dispose(&explanation);
  bt_buffer_dispose(&line);
  return status;
}

static bt_status take_result(void *context, const bt_test_result *result, bt_error *error) {
  testing *run = context;
  run->counts[result->outcome]++;
  if (result->judged && result->verdict && result->verdict->exercised == BT_TRUE)
    run->exercised[result->judged - run->file->rules] = true;
  switch (run->format) {
  case FORMAT_TEXT: return print_result(run, result, error);
  case FORMAT_JUNIT: return bt_junit_add(&run->junit, result, error);
  case FORMAT_GITHUB: return annotate_result(result, error);
  case FORMAT_JSON:
  case FORMAT_JSONL: break;
  }
  json_t *object = bt_test_report_json(result);
  if (!object) return bt_error_no_memory(error);
  if (run->format == FORMAT_JSONL)
    bt_print_json(object, JSON_COMPACT);
  else
    bt_json_append(run->tests, object);
  return BT_OK;
}

static void annotate_broken(const char *file, const char *message) {
  bt_buffer line = {0};
  bt_ci_note_write(&(bt_ci_note){"error", file, 1, 1, BT_STR("betrace test"), bt_str_from(message)}, &line);
  bt_print_document(bt_buffer_str(&line));
  bt_buffer_dispose(&line);
}

static void take_broken(testing *run, const char *file, const char *message) {
  run->broken_count++;
  if (run->format == FORMAT_JUNIT) bt_junit_add_broken(&run->junit, bt_str_from(message));
  if (run->format == FORMAT_JSON)
    bt_json_append(run->broken, json_pack("{s:o, s:o}", "file", bt_text_json(bt_str_from(file)), "message",
                                          bt_text_json(bt_str_from(message))));
  if (run->format == FORMAT_GITHUB) annotate_broken(file, message);
  bt_print_message(message);
}

/* Warnings are `betrace check`'s to show. */
static void report_broken_rules(testing *run, const bt_checked_file *file) {
  for (size_t i = 0; i < file->rule_count; i++) {
    bt_buffer text = {0};
    if (file->rules[i].definition) continue;
    bt_checked_rule_print(file, &file->rules[i], &text);
    take_broken(run, file->name, text.ptr ? text.ptr : "a rule is wrong");
    bt_buffer_dispose(&text);
  }
}

/* The path up to its last slash; "" where it has none. NULL: no memory. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
  char *folder = calloc(length + 1, 1);
  if (folder) memcpy(folder, path, length);
  return folder;
}

static void take_broken_file(testing *run, const char *path, bt_str text, const char *first) {
  bt_buffer problems = {0};
  if (text.ptr) bt_checked_file_say_problems(text, path, first, &problems);
  take_broken(run, path, problems.ptr ? problems.ptr : first);
  bt_buffer_dispose(&problems);
}

static void tell_idle(testing *run, const bt_checked_file *file) {
  for (size_t i = 0; i < file->rule_count; i++) {
    const bt_rule_definition *rule = file->rules[i].definition;
    if (run->exercised[i] || !rule || bt_rule_is_exercised_by_all(rule->rule)) continue;
    run->idle++;
    bt_print_error("betrace test: %s: %s: no test exercises this rule\n", file->name, rule->fields.id);
  }
}

static bt_status run_file(testing *run, const bt_checked_file *file, const char *folder, bt_error *error) {
  run->rules += file->rule_count;
  run->file = file;
  run->exercised = calloc(file->rule_count + 1, sizeof *run->exercised);
  if (!run->exercised) return bt_error_no_memory(error);
  report_broken_rules(run, file);
  bt_status status = bt_tests_run(file, folder, take_result, run, error);
  if (!status && run->requires_exercised) tell_idle(run, file);
  free(run->exercised);
  return status;
}

static bt_status test_file(testing *run, const char *path, bt_error *error) {
  size_t length = 0;
  bt_error problem = {0};
  bt_checked_file file = {0};
  char *text = bt_cli_read_file(path, BT_RULEFILE_MAX_BYTES, &length, &problem), *folder = folder_of(path);
  bt_status status = folder ? BT_OK : bt_error_no_memory(error);
  if (!text || bt_checked_file_read((bt_str){text, length}, path, path, false, &file, &problem)) {
    run->is_unreadable = run->is_unreadable || !text;
    take_broken_file(run, path, (bt_str){text, length}, problem.message);
  } else if (!status) {
    status = run_file(run, &file, folder, error);
  }
  bt_junit_end_file(&run->junit, path);
  bt_checked_file_dispose(&file);
  free(folder);
  free(text);
  return status;
}

/* That no test fails of no rule at all would be no answer. */
static void refuse_none(testing *run, char *const *paths, size_t count) {
  bt_buffer text = {0};
  if (run->rules || run->broken_count) return;
  bt_rule_paths_say_none((const char *const *)paths, count, &text);
  take_broken(run, paths[0], text.failed ? "expected rules, and there are none" : text.ptr);
  bt_junit_end_file(&run->junit, paths[0]);
  run->is_unreadable = true;
  bt_buffer_dispose(&text);
}

static size_t count_tests(const testing *run) {
  return run->counts[BT_TEST_PASSED] + run->counts[BT_TEST_FAILED] + run->counts[BT_TEST_ERROR];
}

static bt_status print_end(testing *run, bt_error *error) {
  bt_buffer document = {0};
  bt_status status = BT_OK;
  size_t tests = count_tests(run);
  switch (run->format) {
  case FORMAT_TEXT:
    bt_print("%zu test%s: %zu passed, %zu failed, %zu errors\n", tests, tests == 1 ? "" : "s",
             run->counts[BT_TEST_PASSED], run->counts[BT_TEST_FAILED], run->counts[BT_TEST_ERROR]);
    break;
  case FORMAT_JSON:
    bt_cli_print_json(json_pack("{s:{s:I, s:I, s:I, s:I}, s:O, s:O}", "summary", "tests", (json_int_t)tests, "passed",
                                (json_int_t)run->counts[BT_TEST_PASSED], "failed",
                                (json_int_t)run->counts[BT_TEST_FAILED], "errors",
                                (json_int_t)run->counts[BT_TEST_ERROR], "broken", run->broken, "tests", run->tests));
    break;
  case FORMAT_JUNIT:
    status = bt_junit_write(&run->junit, &document, error);
    if (!status) bt_print_document(bt_buffer_str(&document));
    bt_buffer_dispose(&document);
    break;
  case FORMAT_JSONL:
  case FORMAT_GITHUB: break; /* all is said */
  }
  return status;
}

static int exit_status(const testing *run) {
  if (run->is_unreadable) return BT_EXIT_USAGE;
  if (run->broken_count || run->counts[BT_TEST_FAILED] || run->counts[BT_TEST_ERROR]) return BT_EXIT_FOUND;
  if (run->requires_exercised && run->idle) return BT_EXIT_UNKNOWN;
  if (!count_tests(run))
    bt_print_error_line("note: there is no test in these files; `betrace record` makes one from a trace");
  return BT_EXIT_FINE;
}

static int run_tests(testing *run, char **paths, size_t count) {
  bt_error error = {0};
  run->tests = json_array();
  run->broken = json_array();
  bt_status status = run->tests && run->broken ? BT_OK : bt_error_no_memory(&error);
  for (size_t i = 0; i < count && !status; i++) status = test_file(run, paths[i], &error);
  if (!status) refuse_none(run, paths, count);
  if (!status) status = print_end(run, &error);
  json_decref(run->tests);
  json_decref(run->broken);
  bt_junit_dispose(&run->junit);
  return status ? bt_cli_fail("test", status, &error) : exit_status(run);
}

/* ---- the row ---- */

enum { OPT_ALL = BT_FLAG_OWN, OPT_FORMAT };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  testing *run = context;
  if (flag->id == OPT_ALL) run->print_all = true;
  if (flag->id == BT_FLAG_EXERCISED) run->requires_exercised = true;
  if (flag->id == BT_FLAG_JSON) run->format = FORMAT_JSON;
  if (flag->id == OPT_FORMAT) run->format = (test_format)bt_choice_at(flag->value, value);
  return flag->id != BT_FLAG_RULES || bt_rule_paths_take(&run->named, value);
}

static int test_command(const bt_command *self, int argc, char **argv) {
  testing run = {0};
  bt_operands files;
  int code = BT_EXIT_FINE;
  bt_rule_paths paths;
  if (!bt_arguments_read(self, argc, argv, take_flag, &run, &files, &code))
    return bt_rule_paths_dispose(&run.named), code;
  if (!files.count && !run.named.count)
    return bt_cli_usage_error("test", "say which rules: rule files, or --rules FILE");
  if (!bt_rule_paths_of("test", &run.named, &files, &paths)) return BT_EXIT_USAGE;
  code = run_tests(&run, paths.items, paths.count);
  bt_rule_paths_dispose(&paths);
  return code;
}

static const bt_flag flags[] = {{"all", OPT_ALL, NULL, NULL, "print tests that pass, too", NULL},
                                {"output", OPT_FORMAT, "text|json|jsonl|junit|github", "text",
                                 "how results are written; jsonl is one test a line, github for a workflow's log",
                                 NULL},
                                BT_FLAG_ROW_EXERCISED,
                                {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {"Rules:", bt_flags_rule_files, NULL}, {0}};
static const bt_example examples[] = {
    {"Run the tests of all rule files of a folder and those in it", "betrace test rules/"},
    {"For a CI system that reads JUnit", "betrace test --output junit rules/*.yaml > results.xml"},
    {0}};
const bt_command bt_command_test = {
    .name = "test",
    .summary = "runs the tests of rule files",
    .usage = "[flags] FILE|FOLDER…",
    .about = "Runs the tests of the rules in rule files, those of disabled rules too, "
             "and prints which fail and why. Paths of a "
             "trace_file start from the folder of its rule file. A folder stands for its *.yaml, *.yml and "
             "*.json files at any depth, except for *.otlp.json.",
    .examples = examples,
    .groups = groups,
    .fine = "all tests pass, or there is none: then a note says so",
    .found = "a test fails or a rule is wrong",
    .unknown = "with --require-exercised: no test exercises a rule",
    .operands = "rules",
    .no_dsl = "one rule on a command line has no tests",
    .run = test_command};
