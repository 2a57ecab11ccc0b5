/* `betrace init`: a folder to begin with. Rules with tests, hooks for pre-commit, settings for an editor, a pipeline
 * for CI, and from a store or files of traces one recorded trace with a rule. What is there already is left alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/found_trace.h"
#include "server/cli/lab/init_text.h"
#include "server/cli/lab/trace_record.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"
#include "server/rulefile/yaml_writer.h"
#include "server/rules/derived_rule.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/wall_clock.h"

#define RECORDED_RULES "rules/recorded.yaml"
#define FIXTURE        "fixtures/recorded.otlp.json"
#define SETTLED_NS     INT64_C(60000000000)

typedef struct init_run {
  bt_replay_options options;
  const char *folder, *ci;
  bool overwrites;
  bt_cli_rules rules;                       /* the rule of the recorded trace */
  bt_buffer recorded, fixture;              /* the texts of both files; empty: nothing was recorded */
  json_t *written, *unchanged, *left_alone; /* paths */
} init_run;

/* ---- files ---- */

/* The folders that the path goes through. */
static bool make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool is_there = mkdir(path, 0777) == 0 || errno == EEXIST;
    *slash = '/';
    if (!is_there) return false;
  }
  return true;
}

static bool write_text(const char *path, bool overwrites, bt_str text) {
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (overwrites ? O_TRUNC : O_EXCL), 0666);
  if (file < 0) return false;
  bool is_written = bt_cli_write_all(file, text);
  return close(file) == 0 && is_written;
}

/* Whoever asks twice is told that nothing is to be done. */
static bool has_text(const char *path, bt_str text) {
  size_t length = 0;
  bt_error error = {0};
  char *there = bt_cli_read_file(path, text.len + 1, &length, &error);
  bool is_same = there && bt_str_equal((bt_str){there, length}, text);
  free(there);
  return is_same;
}

static bt_status put_file(init_run *run, const char *name, bt_str text, bool *was_left, bt_error *error) {
  bt_buffer path = {0};
  struct stat about;
  bt_buffer_printf(&path, "%s/%s", run->folder, name);
  if (path.failed) return bt_error_no_memory(error);
  bool is_there = lstat(path.ptr, &about) == 0, is_same = is_there && has_text(path.ptr, text);
  bool is_left = is_there && !is_same && !run->overwrites;
  bt_status status = BT_OK;
  if (is_there && !run->overwrites)
    bt_json_append(is_same ? run->unchanged : run->left_alone, bt_text_json(bt_str_from(path.ptr)));
  else if (make_folders(path.ptr) && write_text(path.ptr, run->overwrites, text))
    bt_json_append(run->written, bt_text_json(bt_str_from(path.ptr)));
  else
    status = bt_error_set(error, BT_INVALID, "%.300s cannot be written: %s", path.ptr, strerror(errno));
  if (was_left) *was_left = is_left;
  bt_buffer_dispose(&path);
  return status;
}

static bt_status put_texts(init_run *run, bt_error *error) {
  bt_status status = BT_OK;
  for (const bt_init_text *text = bt_init_texts; text->path && !status; text++)
    if (strcmp(text->kind, "always") == 0 || (run->ci && strcmp(text->kind, run->ci) == 0))
      status = put_file(run, text->path, text->text, NULL, error);
  return status;
}

/* The fixture belongs to the rules: where these are left alone, it is not written over. */
static bt_status put_recorded(init_run *run, bt_error *error) {
  bool was_left = false;
  if (!run->recorded.len) return BT_OK;
  bt_status status = put_file(run, RECORDED_RULES, bt_buffer_str(&run->recorded), &was_left, error);
  if (!status && !was_left) status = put_file(run, "rules/" FIXTURE, bt_buffer_str(&run->fixture), NULL, error);
  return status;
}

/* ---- one recorded trace ---- */

/* A bound that the trace keeps with room: the next step above twice its duration. */
static const char *bound_above(int64_t duration_ns) {
  static const struct {
    int64_t ns;
    const char *text;
  } steps[] = {{10000000, "10ms"},  {100000000, "100ms"},  {1000000000, "1s"},   {10000000000, "10s"},
               {60000000000, "1m"}, {600000000000, "10m"}, {3600000000000, "1h"}};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
    if (duration_ns <= steps[i].ns / 2) return steps[i].text;
  return "24h";
}

static bool add_rule(init_run *run, const bt_trace *trace) {
  bt_buffer text = {0};
  const bt_span *root = &trace->spans[trace->root < trace->span_count ? trace->root : 0];
  bt_buffer_append(&text, BT_STR("when { trace.has(span.name == "));
  bt_rule_quote(root->name, &text);
  bt_buffer_printf(&text, ") } always { trace.duration < %s }",
                   bound_above(bt_trace_end_ns(trace) - bt_trace_start_ns(trace)));
  bool ok = !text.failed && bt_cli_rules_add_text(&run->rules, "recorded-operation-is-fast", text.ptr);
  bt_buffer_dispose(&text);
  return ok;
}

static bt_status write_fixture(init_run *run, const bt_trace *trace, bt_error *error) {
  bt_redaction redaction = {.read = &(bt_rule_keys){0}};
  json_t *document = bt_otlp_document_json(BT_ALONE(trace), &redaction);
  if (!document) return bt_error_no_memory(error);
  bt_shown_json(document, JSON_INDENT(1) | JSON_REAL_PRECISION(17), &run->fixture);
  return run->fixture.failed ? bt_error_no_memory(error) : BT_OK;
}

static bt_status record_trace(void *context, const bt_read_trace *read, bt_judge *none, bt_error *error) {
  init_run *run = context;
  const bt_rule_verdict *verdicts = NULL;
  bt_judge *judge = NULL;
  bt_buffer file = {0};
  (void)none;
  if (!read->trace->span_count || !add_rule(run, read->trace))
    return bt_error_set(error, BT_REFUSED, "no rule can be made of the trace that was found");
  const bt_rule_definition *const *rules = (const bt_rule_definition *const *)run->rules.items;
  bt_status status = bt_judge_new(rules, 1, &run->options.assumptions, run->options.trace_count != 0, &judge, error);
  if (!status) status = bt_judge_run(judge, read->trace, &verdicts, error);
  if (!status) status = bt_rulefile_write(rules, 1, &file, error);
  if (!status) status = write_fixture(run, read->trace, error);
  if (!status) {
    bool is_open = read->trace->partial || bt_judge_is_unsettled(judge, read->trace);
    bt_buffer_append(&run->recorded, BT_STR("# A trace of your own, with a rule about it: attributes are left out. "
                                            "`betrace record` makes more of them.\n"));
    bt_buffer_append(&run->recorded, bt_buffer_str(&file));
    bt_buffer_printf(&run->recorded, "  tests:\n  - name: recorded\n    trace_file: " FIXTURE "\n%s    expect: %s\n",
                     is_open ? "    complete: false\n" : "", bt_verdict_name(verdicts[0].verdict));
  }
  bt_judge_free(judge);
  bt_buffer_dispose(&file);
  return !status && run->recorded.failed ? bt_error_no_memory(error) : status;
}

/* A few traces of the range. */
static bt_status find_some(init_run *run, bt_found_list *found, bt_error *error) {
  enum { A_FEW = 16 };
  bt_replay_place place;
  bt_source_account account = {0};
  bt_status status = bt_replay_place_open(&run->options, &place, error);
  if (!status) {
    bt_search_request request = {.query = bt_query_all(),
                                 .range = bt_replay_options_range(&run->options, place.source, BT_DAY_NS),
                                 .max_found = A_FEW,
                                 .tenant = run->options.tenant,
                                 .cancel = bt_replay_interrupt(),
                                 .priority = BT_PRIORITY_PEOPLE};
    status = bt_source_search(place.source, &request, found, &account, error);
    if (status == BT_LIMIT && found->count) status = BT_OK;
  }
  if (!status && !found->count)
    status = bt_error_set(error, BT_NOT_FOUND, "no trace was found to record: %s",
                          account.failed_count ? account.failed[0].reason : "none lies in the range (--since)");
  bt_source_account_dispose(&account);
  bt_replay_place_close(&place);
  return status;
}

/* What ended a minute ago comes first, the youngest of it before the others. Of what is younger a store may still hand
 * over the spans, so there the oldest comes first. The least is preferred. */
static int64_t rank_trace(const bt_found *found, int64_t now_ns) {
  return found->end_ns <= now_ns - SETTLED_NS ? -found->start_ns : found->start_ns;
}

static void sort_by_preference(bt_found_list *found) {
  int64_t now_ns = bt_clock_wall_ns();
  for (size_t sorted = 1; sorted < found->count; sorted++) {
    bt_found next = found->items[sorted];
    size_t at = sorted;
    for (; at && rank_trace(&found->items[at - 1], now_ns) > rank_trace(&next, now_ns); at--)
      found->items[at] = found->items[at - 1];
    found->items[at] = next;
  }
}

/* For some seconds in which a store hands traces over, a read by id shows none of them: a second or two as a rule, and
 * longer where the store is busy. */
static bt_status record_first_readable(init_run *run, const bt_found_list *found, bt_error *error) {
  enum { TRIES_MAX = 30, TRIES_IN_SILENCE = 3, WAIT_MS = 1000 };
  bt_status status = BT_NOT_FOUND;
  size_t tries = run->options.trace_count ? 1 : TRIES_MAX;
  for (size_t i = 0; i < tries && status == BT_NOT_FOUND; i++) {
    *error = (bt_error){0};
    if (i == TRIES_IN_SILENCE)
      bt_print_error("waiting up to %d s: the search found traces, and a read by id does not show them yet\n",
                     TRIES_MAX - TRIES_IN_SILENCE);
    if (i && !bt_pause_ms(bt_replay_interrupt(), WAIT_MS)) return bt_error_set(error, BT_CANCELLED, "interrupted");
    status = bt_trace_find(&run->options, &found->items[i % found->count].id, record_trace, run, error);
  }
  if (status != BT_NOT_FOUND || !run->options.source.address) return status;
  return bt_error_set(
      error, BT_NOT_FOUND,
      "the search at %.300s found traces (%zu), but none that was then read by id for %d s was there: a "
      "store that is handing traces over shows them again after some seconds. Run betrace init again "
      "in a minute, or record one that you know: betrace record",
      run->options.source.address, found->count, TRIES_MAX);
}

static bt_status record_sample(init_run *run, bt_error *error) {
  bt_found_list found = {0};
  if (!run->options.source.address && !run->options.trace_count) return BT_OK;
  bt_status status = find_some(run, &found, error);
  if (!status) {
    sort_by_preference(&found);
    status = record_first_readable(run, &found, error);
  }
  bt_found_list_dispose(&found);
  return status;
}

/* ---- the end ---- */

/* What was written is held to what the commands say, before anybody commits it. */
static int check_folder(const init_run *run) {
  bt_buffer rules = {0};
  bt_buffer_printf(&rules, "%s/rules", run->folder);
  if (rules.failed) return BT_EXIT_UNKNOWN;
  char *words[] = {NULL, rules.ptr, NULL};
  bt_print_line("");
  int code = BT_EXIT_FINE;
  const bt_command *const commands[] = {&bt_command_check, &bt_command_test};
  for (size_t i = 0; i < 2 && code == BT_EXIT_FINE; i++) code = commands[i]->run(commands[i], 2, words);
  bt_buffer_dispose(&rules);
  return code;
}

static void print_paths(const json_t *paths, bt_style style, const char *what) {
  const json_t *path;
  size_t at;
  json_array_foreach(paths, at, path)
      bt_print("%s%-10s%s  %s\n", bt_style_on(style), what, bt_style_on(BT_STYLE_OFF), json_string_value(path));
}

static int print_text(const init_run *run) {
  print_paths(run->written, BT_STYLE_GREEN, "written");
  print_paths(run->unchanged, BT_STYLE_DIM, "unchanged");
  print_paths(run->left_alone, BT_STYLE_YELLOW, "left alone");
  if (json_array_size(run->left_alone)) bt_print_line("what is there already was not changed; --force writes over it");
  int code = check_folder(run);
  if (!run->recorded.len) bt_print_line("a trace of your own as a test: betrace init --store URL, or betrace record");
  if (!run->ci) bt_print_line("a pipeline: betrace init --ci github, or --ci gitlab");
  return code;
}

static int print_result(const init_run *run) {
  int code = BT_EXIT_FINE;
  if (run->options.print_json)
    bt_cli_print_json(json_pack("{s:s, s:O, s:O, s:O, s:b}", "folder", run->folder, "written", run->written,
                                "unchanged", run->unchanged, "left_alone", run->left_alone, "recorded",
                                run->recorded.len != 0));
  else
    code = print_text(run);
  return code == BT_EXIT_FINE && json_array_size(run->left_alone) ? BT_EXIT_FOUND : code;
}

/* Everything is made before anything is written: a store that does not answer leaves no half of a folder. */
static int run_init(init_run *run) {
  bt_error error = {0};
  run->written = json_array();
  run->unchanged = json_array();
  run->left_alone = json_array();
  bt_status status =
      run->written && run->unchanged && run->left_alone ? record_sample(run, &error) : bt_error_no_memory(&error);
  if (!status) status = put_texts(run, &error);
  if (!status) status = put_recorded(run, &error);
  int code = status ? bt_cli_fail("init", status, &error) : print_result(run);
  json_decref(run->written);
  json_decref(run->unchanged);
  json_decref(run->left_alone);
  bt_buffer_dispose(&run->recorded);
  bt_buffer_dispose(&run->fixture);
  bt_cli_rules_dispose(&run->rules);
  return code;
}

/* ---- the row ---- */

enum { OPT_CI = BT_FLAG_OWN, OPT_FORCE };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  init_run *run = context;
  if (flag->id == OPT_CI) return run->ci = value, true;
  if (flag->id == OPT_FORCE) return run->overwrites = true;
  return bt_replay_options_take(&run->options, flag, value);
}

static int init_command(const bt_command *self, int argc, char **argv) {
  init_run run = {.folder = "."};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    if (operands.count == 1) run.folder = operands.items[0];
    if (operands.count > 1) code = bt_cli_usage_error("init", "say one folder, not also \"%s\"", operands.items[1]);
    if (!code) code = bt_replay_options_check(&run.options, self, 0);
    if (!code) code = run_init(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {{"ci", OPT_CI, "github|gitlab", NULL, "write a pipeline, too", NULL},
                                {"force", OPT_FORCE, NULL, NULL, "write over what is there", NULL},
                                {0}};
static const bt_flag_group groups[] = {
    {"Flags:", flags, NULL}, {"A recorded trace:", bt_flags_traces, NULL}, {"Range:", bt_flags_range_day, NULL}, {0}};
static const bt_example examples[] = {
    {"Here, with a trace of your own as a first test", "betrace init --tempo http://127.0.0.1:3200"},
    {"In a new folder, with a workflow for GitHub", "betrace init my-rules --ci github"},
    {0}};
const bt_command bt_command_init = {
    .name = "init",
    .summary = "a folder to begin with: rules, tests, hooks, editor settings",
    .usage = "[FOLDER] [--ci github|gitlab] [--store URL | --traces FILE] [--force]",
    .about =
        "Writes rules with tests below rules/, hooks for pre-commit, settings with which Visual Studio Code "
        "completes and checks rule files, and with --ci a pipeline. With --store, --tempo or --traces it also records "
        "one "
        "trace, without its attributes, and writes a rule about it. What it wrote is checked and tested at once.\n\n"
        "What is there already is left alone, and said.",
    .examples = examples,
    .groups = groups,
    .fine = "written, and its tests pass",
    .found = "some file was there already and was left alone",
    .unknown = "no trace could be recorded; nothing was written",
    .operands = "folder",
    .run = init_command};
