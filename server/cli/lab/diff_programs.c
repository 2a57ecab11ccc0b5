/* Two programs over the same rules and traces. See diff_programs.h. */
#include "server/cli/lab/diff_programs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/base/arena.h"
#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"

/* This program, also where its file was replaced meanwhile. */
static const bt_program this_program = {"/proc/self/exe", "this program"};

typedef struct two_programs {
  bt_program_diff *diff;
  bt_program programs[2];
  const char *rules; /* as both are given it */
  int rules_file;    /* of those that were written; -1: none */
  char rules_path[40];
} two_programs;

/* ---- command lines ---- */

static void add_flag(bt_words *words, const char *name, const char *value) {
  bt_words_add(words, name);
  bt_words_add(words, value);
}

static bool reads_files(const bt_program_diff *diff) {
  return diff->options->trace_count > 0;
}

static void add_traces(const bt_program_diff *diff, bt_words *words) {
  bt_words_add(words, "--");
  for (size_t i = 0; i < diff->options->trace_count; i++) bt_words_add(words, diff->options->traces[i]);
}

/* Flags that 0.1.0 has. */
static void add_eval(const two_programs *p, bt_words *words) {
  bt_words_add(words, "eval");
  bt_words_add(words, "--all");
  bt_words_add(words, "--json");
  add_flag(words, "--rules", p->rules);
  add_traces(p->diff, words);
}

static bool is_tempo(const bt_source_settings *source) {
  return strcmp(bt_store_kind_name(source->kind), "tempo") == 0;
}

/* Whether both programs find the Tempo in the environment. An old one does not know BETRACE_STORE, and a new one needs
 * a flag where that names another. */
static bool is_known(const bt_source_settings *source) {
  const char *url = getenv("BETRACE_TEMPO_URL");
  return url && strcmp(url, source->address) == 0 && !getenv("BETRACE_STORE");
}

/* A Tempo is named by the flag that old programs have too. The address of an environment stays there, where nobody else
 * sees it. */
static void add_replay(const two_programs *p, bt_words *words) {
  const bt_program_diff *diff = p->diff;
  const bt_source_settings *source = &diff->options->source;
  bt_words_add(words, "replay");
  bt_words_add(words, "--json");
  add_flag(words, "--limit", "0");
  add_flag(words, "--rules", p->rules);
  for (size_t i = 0; i < diff->options->trace_count; i++) add_flag(words, "--traces", diff->options->traces[i]);
  if (reads_files(diff)) return;
  if (is_tempo(source) && !is_known(source)) add_flag(words, "--tempo", source->address);
  if (!is_tempo(source)) add_flag(words, "--store", source->store);
  add_flag(words, "--start", diff->start);
  add_flag(words, "--end", diff->end);
  for (size_t i = 0; i < diff->passed.count; i++) bt_words_add(words, diff->passed.items[i]);
}

/* ---- running ---- */

static void show_program(const bt_program *program) {
  if (bt_terminal_shows_progress()) bt_print_error("\r%s judges\033[K", program->name);
}

static bool is_judgement(int code) {
  return code == BT_EXIT_FINE || code == BT_EXIT_FOUND || code == BT_EXIT_UNKNOWN;
}

/* Why nothing can be read of what it said; nothing: it can. */
static void say_failure(const two_programs *p, int side, const bt_program_end *end, const bt_program_answer *answer,
                        bt_buffer *out) {
  const char *name = p->programs[side].name;
  if (end->is_interrupted) {
    bt_buffer_printf(out, "%s was interrupted", name);
  } else if (!is_judgement(end->code)) {
    bt_buffer_printf(out, "%s ", name);
    bt_program_say_end(end, out);
  } else if (answer->problem.len) {
    bt_buffer_printf(out, "%s: %.*s", name, BT_FMT(bt_buffer_str(&answer->problem)));
  }
}

/* *refuses: it ended as for wrong usage, and its messages are not printed: a check may say more. Of a count they were
 * said before. */
static bt_status run_program(two_programs *p, int side, bool is_eval, bt_program_answer *answer, bool *refuses,
                             bt_buffer *failure, bt_error *error) {
  bt_words words = {0};
  bt_program_end end = {0};
  bt_words_add(&words, "betrace");
  if (is_eval)
    add_eval(p, &words);
  else
    add_replay(p, &words);
  show_program(&p->programs[side]);
  bt_status status =
      bt_program_run(&p->programs[side], &words, is_eval ? bt_program_answer_take_eval : bt_program_answer_take_replay,
                     answer, &end, error);
  bt_replay_clear_progress();
  if (!status && is_eval) bt_program_answer_end_eval(answer);
  if (!status && !is_eval) bt_program_answer_end_replay(answer);
  if (!status) say_failure(p, side, &end, answer, failure);
  bool is_refused = end.code == BT_EXIT_USAGE && refuses;
  if (refuses) *refuses = is_refused;
  if (!status && !is_refused && answer != &p->diff->counts[side])
    bt_program_print_messages(&end, "diff", &p->programs[side]);
  bt_program_end_dispose(&end);
  bt_words_dispose(&words);
  return status;
}

/* ---- rules that a program refuses ---- */

static void append_piece(void *context, bt_str piece) {
  bt_buffer_append(context, piece);
}

static void close_rules(two_programs *p) {
  if (p->rules_file >= 0) close(p->rules_file);
  p->rules_file = -1;
}

static bt_status write_rules(two_programs *p, bool all, bt_error *error) {
  close_rules(p);
  bt_status status = bt_judged_rules_write(&p->diff->rules, all, &p->rules_file, p->rules_path, error);
  p->rules = p->rules_path;
  return status;
}

/* Which rules the old program refuses; *says: it said so. */
static bt_status check_rules(two_programs *p, bool *says, bt_error *error) {
  bt_words words = {0};
  bt_buffer output = {.maximum = (size_t)256 << 20};
  bt_program_end end = {0};
  bt_status status = write_rules(p, true, error);
  bt_words_add(&words, "betrace");
  bt_words_add(&words, "check");
  bt_words_add(&words, "--json");
  bt_words_add(&words, p->rules);
  if (!status) status = bt_program_run(&p->programs[BT_OLD_PROGRAM], &words, append_piece, &output, &end, error);
  bool has_checked = end.code == BT_EXIT_FINE || end.code == BT_EXIT_FOUND;
  *says = !status && !end.is_interrupted && has_checked && !output.failed &&
          bt_judged_rules_take_check(&p->diff->rules, bt_buffer_str(&output));
  bt_program_end_dispose(&end);
  bt_buffer_dispose(&output);
  bt_words_dispose(&words);
  return status;
}

static bt_status begin_answer(const bt_program_diff *diff, bt_program_answer *answer, bt_error *error) {
  const char **ids = bt_realloc_array(NULL, diff->rules.count, sizeof *ids);
  bt_program_answer_dispose(answer);
  for (size_t i = 0; ids && i < diff->rules.count; i++) ids[i] = diff->rules.items[i].id;
  bt_status status = ids ? bt_program_answer_init(answer, ids, diff->rules.count, error) : bt_error_no_memory(error);
  free(ids);
  return status;
}

/* The old program over the user's own file; where some program refuses a rule of it, over the others. */
static bt_status run_old(two_programs *p, bt_error *error) {
  bt_program_diff *diff = p->diff;
  bt_program_answer *answer = &diff->answers[BT_OLD_PROGRAM];
  bool refuses = diff->rules.refused_count > 0, says = false, is_eval = reads_files(diff);
  bt_buffer failure = {0};
  bt_status status = begin_answer(diff, answer, error);
  if (!status && !refuses) status = run_program(p, BT_OLD_PROGRAM, is_eval, answer, &refuses, &failure, error);
  if (!status && refuses) status = check_rules(p, &says, error);
  if (!status && refuses && says && diff->rules.refused_count) {
    bt_buffer_clear(&failure);
    if (diff->rules.refused_count < diff->rules.count) {
      status = write_rules(p, false, error);
      if (!status) status = begin_answer(diff, answer, error);
      if (!status) status = run_program(p, BT_OLD_PROGRAM, is_eval, answer, NULL, &failure, error);
    }
  } else if (!status && refuses && !failure.len) {
    bt_buffer_printf(&failure, "%s does not say which rules it takes", p->programs[BT_OLD_PROGRAM].name);
  }
  if (failure.len) bt_buffer_append(&diff->unknown, bt_buffer_str(&failure));
  bt_buffer_dispose(&failure);
  return status;
}

/* What a replay counts over files changes no verdict, so that it may be missing. */
static bt_status count_files(two_programs *p, int side, bt_error *error) {
  bt_buffer ignored = {0};
  bt_program_answer *counts = &p->diff->counts[side];
  bt_status status = begin_answer(p->diff, counts, error);
  if (!status) status = run_program(p, side, false, counts, NULL, &ignored, error);
  if (!status && ignored.len) status = begin_answer(p->diff, counts, error);
  bt_buffer_dispose(&ignored);
  return status;
}

static bt_status compare_answers(two_programs *p, bt_error *error) {
  bt_program_diff *diff = p->diff;
  bt_status status = BT_OK;
  diff->two = (bt_two_answers){.answers = {&diff->answers[0], &diff->answers[1]},
                               .names = {p->programs[0].name, p->programs[1].name},
                               .of_replays = !reads_files(diff)};
  for (size_t i = 0; i < diff->rules.count && !status; i++)
    if (!bt_program_diff_is_refused(diff, i)) status = bt_program_change_find(&diff->two, i, &diff->changes[i], error);
  return status;
}

static bt_status run_both(two_programs *p, bt_error *error) {
  bt_program_diff *diff = p->diff;
  bool is_eval = reads_files(diff);
  bt_status status = run_old(p, error);
  if (status || diff->unknown.len || diff->rules.refused_count == diff->rules.count) return status;
  status = begin_answer(diff, &diff->answers[BT_NEW_PROGRAM], error);
  if (!status)
    status = run_program(p, BT_NEW_PROGRAM, is_eval, &diff->answers[BT_NEW_PROGRAM], NULL, &diff->unknown, error);
  if (status || diff->unknown.len) return status;
  if (is_eval && !diff->answers[BT_OLD_PROGRAM].traces && !diff->answers[BT_NEW_PROGRAM].traces) {
    bt_buffer_append(&diff->unknown, BT_STR("there is no trace in these files"));
    return BT_OK;
  }
  for (int side = 0; side < 2 && is_eval && !status; side++) status = count_files(p, side, error);
  return status ? status : compare_answers(p, error);
}

/* ---- all ---- */

/* Worked out once: both programs are given the same. Without --end it is where the store hides no late spans any more,
 * so that the second program sees what the first one saw. */
static void set_range(bt_program_diff *diff) {
  bt_replay_options options = *diff->options;
  if (reads_files(diff)) return;
  if (!options.has_end)
    options.end_ns = bt_clock_wall_ns() - options.assumptions.handover_ns - options.assumptions.settle_ns;
  options.has_end = true;
  bt_time_range range = bt_replay_options_range(&options, NULL, BT_DAY_NS);
  bt_time_format(range.start_ns, diff->start);
  bt_time_format(range.end_ns, diff->end);
}

/* A pipe is empty for the second program that reads it. */
static bool can_be_read_twice(const bt_program_diff *diff) {
  for (size_t i = 0; i < diff->options->trace_count; i++) {
    struct stat about;
    const char *path = diff->options->traces[i];
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) continue;
    bt_print_error("betrace diff: %s: expected a file of traces that two programs can read one after the other\n",
                   path);
    return false;
  }
  return true;
}

/* A file or folder that both can open as the user named it. */
static bool has_own_name(const char *path) {
  struct stat about;
  return path && stat(path, &about) == 0 && (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode));
}

static void print_idle(const bt_program_diff *diff) {
  for (size_t i = 0; i < diff->rules.count && diff->options->requires_exercised; i++) {
    if (!bt_program_diff_is_idle(diff, i)) continue;
    const bt_program_answer *of = diff->two.of_replays ? &diff->answers[BT_NEW_PROGRAM] : &diff->counts[BT_NEW_PROGRAM];
    const char *message = json_string_value(json_object_get(of->idle, diff->rules.items[i].id));
    bt_print_error("betrace diff: %s: %s\n", diff->rules.items[i].id, message ? message : "nothing exercised it");
  }
}

static int exit_status(const bt_program_diff *diff) {
  bool is_idle = false;
  if (bt_program_diff_total(diff)) return BT_EXIT_FOUND;
  for (size_t i = 0; i < diff->rules.count; i++) is_idle = is_idle || bt_program_diff_is_idle(diff, i);
  if (!bt_program_diff_is_certain(diff)) return BT_EXIT_UNKNOWN;
  return diff->options->requires_exercised && is_idle ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

static int print_and_end(const bt_program_diff *diff) {
  if (diff->options->print_json)
    bt_program_diff_print_json(diff);
  else
    bt_program_diff_print(diff);
  print_idle(diff);
  return exit_status(diff);
}

static int compare_programs(bt_program_diff *diff) {
  bt_error error = {0};
  two_programs p = {.diff = diff, .programs = {{diff->old_program, diff->old_program}, this_program}, .rules_file = -1};
  p.rules = diff->rules_path;
  diff->changes = calloc(diff->rules.count, sizeof *diff->changes);
  bt_status status = diff->changes ? BT_OK : bt_error_no_memory(&error);
  if (!status && !has_own_name(p.rules)) status = write_rules(&p, true, &error);
  if (!status) status = run_both(&p, &error);
  close_rules(&p);
  if (!status && diff->unknown.failed) status = bt_error_no_memory(&error);
  return status ? bt_cli_fail("diff", status, &error) : print_and_end(diff);
}

int bt_program_diff_run(bt_program_diff *diff) {
  int code = BT_EXIT_USAGE;
  set_range(diff);
  if (bt_judged_rules_read(diff->rules_path, diff->rules_text, &diff->rules) && can_be_read_twice(diff)) {
    if (diff->rules.count)
      code = compare_programs(diff);
    else
      bt_print_error("betrace diff: %s: expected rules, and there are none\n", diff->rules_path);
  }
  for (size_t i = 0; diff->changes && i < diff->rules.count; i++) bt_program_change_dispose(&diff->changes[i]);
  free(diff->changes);
  for (int side = 0; side < 2; side++) {
    bt_program_answer_dispose(&diff->answers[side]);
    bt_program_answer_dispose(&diff->counts[side]);
  }
  bt_buffer_dispose(&diff->unknown);
  bt_judged_rules_dispose(&diff->rules);
  return code;
}
