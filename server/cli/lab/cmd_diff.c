/* `betrace diff`: which traces change their verdict between two versions of the rules, and why. One pass over the
 * traces replays both versions. It then reads the first changed traces again by id, so that it can print both verdicts
 * in full. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/span_time.h"
#include "server/cli/answer.h"
#include "server/cli/idle_print.h"
#include "server/cli/judge.h"
#include "server/cli/lab/diff_meaning.h"
#include "server/cli/lab/diff_programs.h"
#include "server/cli/lab/rule_change.h"
#include "server/cli/operands.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

typedef struct diff_run {
  bt_replay_options options;
  bt_cli_rules old_rules, new_rules;
  const char *sides[2]; /* as they were given */
  bool is_text[2];      /* it is a rule's text, not a path */
  unsigned side_count;
  const char *old_program; /* NULL: two versions of the rules are compared */
  bt_words passed;         /* flags for what judges */
  uint64_t examples;
  bool compares_meaning; /* and no traces */
  bt_source *source;
  bt_rule_changes changes;
  bt_collected all;
  bt_idle_rules idle; /* with --require-exercised: new rules that were replayed and that nothing exercised */
} diff_run;

/* ---- both verdicts ---- */

typedef struct reading {
  const diff_run *run;
  bt_rule_change *change;
  bt_judge *judge;
  bt_given_trace *linked; /* that links may decide */
  size_t linked_count;
} reading;

static void keep_verdicts(const reading *r, bt_changed_trace *changed, const bt_rule_verdict *verdicts) {
  size_t at = 0;
  if (r->change->old_at >= 0) changed->before = (int)verdicts[at++].verdict;
  if (r->change->new_at >= 0) changed->after = (int)verdicts[at].verdict;
}

static bt_status judge_linked(void *context, const bt_trace *trace, const bt_family *family,
                              const bt_rule_verdict *verdicts, bt_error *error) {
  const reading *r = context;
  (void)family;
  (void)error;
  for (size_t i = 0; i < r->change->trace_count; i++)
    if (bt_trace_id_compare(&r->change->traces[i].id, &trace->id) == 0)
      keep_verdicts(r, &r->change->traces[i], verdicts);
  return BT_OK;
}

static bt_status judge_read(void *context, const bt_read_trace *read, bt_error *error) {
  reading *r = context;
  const bt_rule_verdict *verdicts = NULL;
  bt_changed_trace *changed = &r->change->traces[read->index];
  if (!read->trace) return BT_OK;
  bt_status status = bt_judge_run(r->judge, read->trace, &verdicts, error);
  if (status) return status == BT_LIMIT ? BT_OK : status;
  if (bt_judge_awaits_links(r->judge, verdicts))
    r->linked[r->linked_count++] = bt_given_trace_of(read->trace);
  else
    keep_verdicts(r, changed, verdicts);
  return BT_OK;
}

static bt_status read_examples(diff_run *run, bt_rule_change *change, bt_error *error) {
  const bt_rule_definition *rules[2];
  size_t sides = 0,
         count = run->examples && change->trace_count > run->examples ? (size_t)run->examples : change->trace_count;
  if (change->old_at >= 0) rules[sides++] = change->old_rule;
  if (change->new_at >= 0) rules[sides++] = change->new_rule;
  if (!count || !sides) return BT_OK;
  bt_trace_id *ids = bt_realloc_array(NULL, count, sizeof *ids);
  reading r = {.run = run, .change = change, .linked = bt_realloc_array(NULL, count, sizeof *r.linked)};
  bt_status status = ids && r.linked ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; ids && i < count; i++) ids[i] = change->traces[i].id;
  if (!status)
    status =
        bt_judge_new(rules, sides, &run->options.assumptions, bt_source_known(run->source).is_static, &r.judge, error);
  if (!status) status = bt_read_by_id(run->source, &run->options, ids, count, judge_read, &r, error);
  if (!status && r.linked_count)
    status = bt_judge_families(r.judge, run->source, &run->options, r.linked, r.linked_count, judge_linked, &r, error);
  bt_judge_free(r.judge);
  free(r.linked);
  free(ids);
  return status;
}

/* ---- text ---- */

static const char *verdict_word(const bt_rule_change *change, bool is_before, int verdict) {
  if (is_before ? !change->old_rule : !change->new_rule) return "no rule";
  return verdict == BT_NO_VERDICT ? "not violated" : bt_verdict_name((bt_verdict)verdict);
}

static void print_trace(const bt_rule_change *change, const bt_changed_trace *trace) {
  char id[BT_TRACE_ID_HEX + 1], time[BT_SPAN_TIME_BYTES];
  bt_trace_id_format(&trace->id, id);
  bt_span_time_format(trace->time_ns, 0, time);
  bt_print("  %s%c %s → %s%s  %s  %s%s\n", bt_style_on(trace->is_new ? BT_STYLE_RED : BT_STYLE_GREEN),
           trace->is_new ? '+' : '-', verdict_word(change, true, trace->before),
           verdict_word(change, false, trace->after), bt_style_on(BT_STYLE_OFF), time, id,
           trace->provisional ? "  (provisional: not settled yet)" : "");
  bt_print("      %s%s\n", trace->is_new ? "" : "before: ", trace->violation->message);
  bt_trace_link_print("      ", trace->violation);
}

static void print_condition(const bt_rule_definition *rule, char mark, bt_style style) {
  bt_str rest = rule->rule->canonical;
  while (rest.len) {
    const char *end = memchr(rest.ptr, '\n', rest.len);
    size_t length = end ? (size_t)(end - rest.ptr) : rest.len, step = end ? length + 1 : length;
    bt_print("  %s%c %.*s%s\n", bt_style_on(style), mark, (int)length, rest.ptr, bt_style_on(BT_STYLE_OFF));
    rest = (bt_str){rest.ptr + step, rest.len - step};
  }
}

/* "violations 12 → 3", "exercised at least 120 → 45" */
static void print_number(const char *name, const uint64_t *before, const uint64_t *after, bool before_exact,
                         bool after_exact) {
  bt_print("  %s ", name);
  if (before)
    bt_print("%s%" PRIu64, before_exact ? "" : "at least ", *before);
  else
    bt_print("none");
  if (after)
    bt_print(" → %s%" PRIu64 "\n", after_exact ? "" : "at least ", *after);
  else
    bt_print(" → none\n");
}

static const bt_rule_result *result_of(const diff_run *run, int at) {
  return at < 0 ? NULL : &run->all.result.rules[at];
}

static void print_counts(const diff_run *run, const bt_rule_change *change) {
  const bt_rule_result *before = result_of(run, change->old_at), *after = result_of(run, change->new_at);
  print_number("violations", before ? &before->violations_found : NULL, after ? &after->violations_found : NULL, true,
               true);
  print_number("exercised by traces", before ? &before->traces_exercised : NULL,
               after ? &after->traces_exercised : NULL, before && before->exercised_is_exact,
               after && after->exercised_is_exact);
  if ((before && before->inconclusive) || (after && after->inconclusive))
    print_number("inconclusive", before ? &before->inconclusive : NULL, after ? &after->inconclusive : NULL, true,
                 true);
  bt_print("  %zu trace%s newly violated, %zu no longer\n", change->new_count, bt_cli_plural(change->new_count),
           change->trace_count - change->new_count);
}

static void print_change(const diff_run *run, const bt_rule_change *change) {
  const bt_rule_definition *rule = change->new_rule ? change->new_rule : change->old_rule;
  bool is_replayed = change->old_at >= 0 || change->new_at >= 0;
  if (change->kind == BT_RULE_SAME) return;
  bt_print("%s%s%s: %s", bt_style_on(BT_STYLE_BOLD), rule->fields.id, bt_style_on(BT_STYLE_OFF),
           bt_change_kind_name(change->kind));
  if (change->kind == BT_RULE_RENAMED) bt_print(" from %s", change->old_rule->fields.id);
  bt_print_line(is_replayed ? "" : "; its condition is the same, so no verdict changes");
  if (!is_replayed) return;
  if (change->old_rule) print_condition(change->old_rule, '-', BT_STYLE_RED);
  if (change->new_rule) print_condition(change->new_rule, '+', BT_STYLE_GREEN);
  bt_answer answer = bt_answer_of(&run->options, &run->all.result);
  if (bt_answer_is_unknown(&answer)) return;
  print_counts(run, change);
  for (size_t i = 0; i < change->trace_count && (!run->examples || i < run->examples); i++)
    print_trace(change, &change->traces[i]);
  if (run->examples && change->trace_count > run->examples)
    bt_print("  … and %zu more (--examples 0 shows all)\n", change->trace_count - (size_t)run->examples);
}

static size_t count_changed(const diff_run *run) {
  size_t changed = 0;
  for (size_t i = 0; i < run->changes.count; i++) changed += run->changes.items[i].trace_count;
  return changed;
}

static void print_changed_in_part(size_t changed, const bt_answer *answer) {
  if (!changed) {
    bt_answer_print_unknown("", answer);
    return;
  }
  bt_print("%s%zu verdict%s found to change%s", bt_style_on(BT_STYLE_YELLOW), changed, bt_cli_plural(changed),
           bt_style_on(BT_STYLE_OFF));
  bt_answer_print_rest(answer);
  bt_print("\n");
}

static void print_text(const diff_run *run) {
  size_t same = 0, changed = count_changed(run);
  for (size_t i = 0; i < run->changes.count; i++) {
    same += run->changes.items[i].kind == BT_RULE_SAME;
    print_change(run, &run->changes.items[i]);
  }
  if (same) bt_print("%zu rule%s the same\n", same, same == 1 ? " is" : "s are");
  bt_answer answer = bt_answer_of(&run->options, &run->all.result);
  if (run->changes.replayed_count && bt_answer_has_gaps(&answer))
    print_changed_in_part(changed, &answer);
  else
    bt_print("%s%zu verdict%s change%s%s\n", bt_style_on(changed ? BT_STYLE_YELLOW : BT_STYLE_GREEN), changed,
             bt_cli_plural(changed), changed == 1 ? "s" : "", bt_style_on(BT_STYLE_OFF));
  if (run->changes.replayed_count) bt_collected_print_end(&run->all.result);
}

/* ---- JSON ---- */

static json_t *side_json(const diff_run *run, const bt_rule_definition *rule, int at) {
  const bt_rule_result *counters = result_of(run, at);
  if (!rule) return json_null();
  json_t *object = json_pack("{s:s, s:s}", "id", rule->fields.id, "condition_hash", rule->condition_hash);
  if (!counters || !object) return object;
  bt_json_set(object, "violations", json_integer((json_int_t)counters->violations_found));
  bt_json_set(object, "exercised", json_integer((json_int_t)counters->traces_exercised));
  bt_json_set(object, "exercised_kind", json_string(counters->exercised_is_exact ? "exact" : "at_least"));
  bt_json_set(object, "inconclusive", json_integer((json_int_t)counters->inconclusive));
  return object;
}

static json_t *verdict_json(int verdict) {
  return verdict == BT_NO_VERDICT ? json_null() : json_string(bt_verdict_name((bt_verdict)verdict));
}

static json_t *trace_json(const bt_rule_change *change, const bt_changed_trace *trace) {
  char id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, id);
  return json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "trace_id", id, "change",
                   trace->is_new ? "newly_violated" : "no_longer_violated", "before", verdict_json(trace->before),
                   "after", verdict_json(trace->after), "provisional", trace->provisional, "violation",
                   bt_violation_json(trace->is_new ? change->new_rule : change->old_rule, trace->violation));
}

static json_t *change_json(const diff_run *run, const bt_rule_change *change) {
  json_t *traces = json_array();
  for (size_t i = 0; i < change->trace_count; i++) bt_json_append(traces, trace_json(change, &change->traces[i]));
  return json_pack("{s:s, s:o, s:o, s:I, s:I, s:o}", "change", bt_change_kind_name(change->kind), "old",
                   side_json(run, change->old_rule, change->old_at), "new",
                   side_json(run, change->new_rule, change->new_at), "newly_violated", (json_int_t)change->new_count,
                   "no_longer_violated", (json_int_t)(change->trace_count - change->new_count), "traces", traces);
}

static void print_json(const diff_run *run) {
  json_t *rules = json_array();
  bool was_replayed = run->changes.replayed_count > 0;
  for (size_t i = 0; i < run->changes.count; i++) bt_json_append(rules, change_json(run, &run->changes.items[i]));
  bt_cli_print_json(json_pack("{s:o, s:I, s:s, s:o}", "rules", rules, "verdicts_changed",
                              (json_int_t)count_changed(run), "status",
                              was_replayed ? bt_replay_outcome_name(run->all.result.outcome) : "completed", "coverage",
                              was_replayed ? bt_coverage_json(&run->all.result.coverage) : json_null()));
}

/* ---- running ---- */

/* Rules that are the same are not replayed, and nothing is known of them. */
static bt_status find_idle(diff_run *run, bt_time_range range, bt_error *error) {
  size_t count = 0;
  const bt_rule_definition **rules = calloc(run->changes.count + 1, sizeof *rules);
  bt_exercise *exercise = calloc(run->changes.count + 1, sizeof *exercise);
  bt_status status = rules && exercise ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < run->changes.count && !status; i++) {
    const bt_rule_change *change = &run->changes.items[i];
    if (!change->new_rule || !result_of(run, change->new_at)) continue;
    rules[count] = change->new_rule;
    exercise[count++] = bt_exercise_of_result(&run->all.result, change->new_rule, (size_t)change->new_at);
  }
  bt_replay_request asked = bt_replay_options_request(&run->options, rules, count, range);
  if (!status) status = bt_idle_rules_find(run->source, &asked, exercise, &run->idle, error);
  free(rules);
  free(exercise);
  return status;
}

static bt_status replay_both(diff_run *run, bt_error *error) {
  if (!run->changes.replayed_count) return BT_OK;
  bt_replay_request request =
      bt_replay_options_request(&run->options, run->changes.replayed, run->changes.replayed_count,
                                bt_replay_options_range(&run->options, run->source, BT_DAY_NS));
  bt_status status = bt_collect(run->source, &request, true, &run->all, error);
  if (!status) status = bt_rule_changes_compare(&run->changes, &run->all, error);
  if (!status && run->options.requires_exercised) status = find_idle(run, request.range, error);
  for (size_t i = 0; i < run->changes.count && !status; i++) status = read_examples(run, &run->changes.items[i], error);
  return status;
}

static int print_and_end(const diff_run *run) {
  if (run->options.print_json)
    print_json(run);
  else
    print_text(run);
  bool is_certain = !run->changes.replayed_count || bt_collected_is_certain(&run->all.result);
  int code = count_changed(run) ? BT_EXIT_FOUND : is_certain ? BT_EXIT_FINE : BT_EXIT_UNKNOWN;
  bt_idle_rules_print_error(&run->idle, "diff");
  return bt_idle_exit_status(&run->options, run->idle.count > 0, code);
}

static int run_diff(diff_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  run->source = place.source;
  if (!status) status = bt_rule_changes_find(&run->old_rules, &run->new_rules, &run->changes, &error);
  if (!status) status = replay_both(run, &error);
  int code = status ? bt_cli_fail("diff", status, &error) : print_and_end(run);
  bt_idle_rules_dispose(&run->idle);
  bt_rule_changes_dispose(&run->changes);
  bt_collected_dispose(&run->all);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum { OPT_EXAMPLES = BT_FLAG_OWN, OPT_DSL, OPT_OLD_PROGRAM, OPT_MEANING };

/* The old rules, then the new ones, whichever way they are given. */
static bool take_side(diff_run *run, const char *value, bool is_text) {
  if (run->side_count == 2) return false;
  run->is_text[run->side_count] = is_text;
  run->sides[run->side_count++] = value;
  return true;
}

/* Flags of the tables for traces and assumptions, but for those that say which traces. */
static bool is_passed_on(const bt_flag *flag) {
  static const char *const own[] = {"tempo", "store", "traces", "jobs"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcmp(flag->name, own[i]) == 0) return false;
  for (const bt_flag *row = bt_flags_traces; row->name; row++)
    if (row->id == flag->id) return true;
  for (const bt_flag *row = bt_flags_assumptions; row->name; row++)
    if (row->id == flag->id) return true;
  return false;
}

/* As it was written: a name with its dashes, and the value. */
static bool pass_on(diff_run *run, const bt_flag *flag, const char *value) {
  bt_buffer name = {0};
  char *copy = value ? strdup(value) : NULL;
  bt_buffer_printf(&name, "--%s", flag->name);
  if (name.ptr) bt_words_add(&run->passed, name.ptr);
  if (copy) bt_words_add(&run->passed, copy);
  return !name.failed && (copy || !value) && !run->passed.failed;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  diff_run *run = context;
  if (flag->id == OPT_EXAMPLES) return bt_cli_number(value, &run->examples);
  if (flag->id == OPT_DSL || flag->id == BT_FLAG_RULES) return take_side(run, value, flag->id == OPT_DSL);
  if (flag->id == OPT_MEANING) return run->compares_meaning = true;
  if (flag->id == OPT_OLD_PROGRAM) return run->old_program = value, *value != '\0';
  if (is_passed_on(flag) && !pass_on(run, flag, value)) return false;
  return bt_replay_options_take(&run->options, flag, value);
}

static bool read_sides(diff_run *run) {
  bool ok = true;
  for (unsigned i = 0; i < run->side_count; i++) {
    bt_cli_rules *rules = i ? &run->new_rules : &run->old_rules;
    ok = (run->is_text[i] ? bt_cli_rules_add_text(rules, "dsl", run->sides[i])
                          : bt_cli_rules_add_file(rules, run->sides[i])) &&
         ok;
  }
  return ok;
}

/* Of files each program judges every trace as eval does, which knows none of these. */
static int check_programs(const diff_run *run, const bt_command *self) {
  const bt_replay_options *options = &run->options;
  if (!options->trace_count) return BT_EXIT_FINE;
  const char *wrong = options->since_ns    ? "--since"
                      : options->has_start ? "--start"
                      : options->has_end   ? "--end"
                      : run->passed.count  ? run->passed.items[0]
                                           : NULL;
  if (!wrong) return BT_EXIT_FINE;
  return bt_cli_usage_error(self->name,
                            "%s says nothing of files that two programs judge: they judge each trace, as "
                            "betrace eval does",
                            wrong);
}

static int run_programs(const bt_command *self, diff_run *run) {
  if (run->side_count != 1)
    return bt_cli_usage_error(self->name, "with --old-program one version of the rules is judged by both programs: "
                                          "betrace diff --old-program FILE RULES");
  int code = check_programs(run, self);
  if (code) return code;
  bt_program_diff diff = {.options = &run->options,
                          .old_program = run->old_program,
                          .rules_path = run->is_text[0] ? NULL : run->sides[0],
                          .rules_text = run->is_text[0] ? run->sides[0] : NULL,
                          .passed = run->passed,
                          .examples = run->examples};
  return bt_program_diff_run(&diff);
}

static int check_and_compare(const bt_command *self, const diff_run *run, size_t further) {
  if (run->old_program || further || run->options.source.address || run->options.trace_count)
    return bt_cli_usage_error(self->name, "--meaning compares the rules themselves: leave out %s",
                              run->old_program ? "--old-program" : "the store and the files of traces");
  return bt_diff_meaning(&run->old_rules, &run->new_rules, run->options.print_json);
}

/* The first paths are the sides that no flag names, whatever they are called: <(git show …) has no name of a rule file.
 * What follows is traces. */
static int check_and_run(const bt_command *self, diff_run *run, const bt_operands *files) {
  size_t taken = 0;
  unsigned sides = run->old_program ? 1 : 2;
  while (taken < files->before_dashes && run->side_count < sides) take_side(run, files->items[taken++], false);
  if (run->old_program && taken < files->before_dashes && bt_operand_has_rules(files->items[taken], false))
    take_side(run, files->items[taken++], false); /* too many of them */
  if (!run->old_program && !read_sides(run)) return BT_EXIT_USAGE;
  if (!run->old_program && run->side_count != 2)
    return bt_cli_usage_error(self->name, "two versions of the rules are compared: betrace diff OLD NEW, or --rules or "
                                          "--dsl twice");
  if (run->compares_meaning) return check_and_compare(self, run, files->count - taken);
  bt_operands traces = {files->items + taken, files->count - taken, 0};
  int code = bt_replay_options_operands(&run->options, self, &traces, false);
  if (!code) code = bt_replay_options_check(&run->options, self, BT_NEEDS_SOURCE | BT_SHOWS_LINKS);
  if (!code)
    code =
        bt_replay_options_keep_store(&run->options, self, (bt_cli_rules *const[]){&run->old_rules, &run->new_rules}, 2);
  if (code) return code;
  return run->old_program ? run_programs(self, run) : run_diff(run);
}

static void free_passed(bt_words *words) {
  for (size_t i = 0; i < words->count; i++) free((char *)(uintptr_t)words->items[i]); /* pass_on made it */
  bt_words_dispose(words);
}

static int diff_command(const bt_command *self, int argc, char **argv) {
  diff_run run = {.examples = 5};
  bt_operands files;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &files, &code)) code = check_and_run(self, &run, &files);
  bt_cli_rules_dispose(&run.old_rules);
  bt_cli_rules_dispose(&run.new_rules);
  bt_replay_options_dispose(&run.options);
  free_passed(&run.passed);
  return code;
}

static const bt_flag flags[] = {
    {"examples", OPT_EXAMPLES, "N", "5",
     "changed traces of each rule that are shown, and read again for both verdicts; 0: all", NULL},
    {"meaning", OPT_MEANING, NULL, NULL,
     "compare what the rules mean, without traces: equivalent, stricter, laxer or different, with a small trace that "
     "tells them apart",
     NULL},
    {"old-program", OPT_OLD_PROGRAM, "FILE", NULL,
     "an older betrace: compare what it and this program say of the same rules and traces", NULL},
    BT_FLAG_ROW_EXERCISED,
    {0}};
static const bt_flag rule_flags[] = {
    {"rules", BT_FLAG_RULES, "FILE", NULL, "one side: a rule file or folder; the same as its name alone", NULL},
    {"dsl", OPT_DSL, "TEXT", NULL, "one side: a rule's text", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", rule_flags, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {"Links:", bt_flags_links, NULL},
                                       {0}};
static const bt_example examples[] = {{"What would the new rules say of the last day?",
                                       "betrace diff old.yaml new.yaml --tempo http://127.0.0.1:3200 --since 24h"},
                                      {"What does this change of the working tree do? (bash, zsh)",
                                       "betrace diff <(git show HEAD:rules.yaml) rules.yaml traces.jsonl"},
                                      {"Does the new text mean the same? No traces are needed",
                                       "betrace diff --meaning --dsl 'count(retry) > 3' --dsl 'count(retry) >= 3'"},
                                      {"Which verdicts change with the new version of betrace?",
                                       "betrace diff --old-program ./betrace-old rules.yaml traces.jsonl"},
                                      {0}};
const bt_command bt_command_diff = {
    .name = "diff",
    .summary = "which verdicts change between two versions of the rules, and why",
    .usage = "OLD NEW --meaning [flags]\n"
             "OLD NEW (TRACES… | --traces FILE | --store URL) [flags]\n"
             "--old-program FILE RULES (TRACES… | --traces FILE | --store URL) [flags]",
    .about =
        "Replays two versions of a rule file over the same traces, in one pass, "
        "and says which traces are newly violated and which "
        "no longer, with the clause that says so.\n\n"
        "A verdict changes where a trace violates one version and not the other. That a trace no longer exercises a "
        "rule at all shows in the numbers of exercising traces.\n\n"
        "Rules are paired by id, else by condition (then one was renamed). Rules "
        "whose condition is the same are not replayed: "
        "their verdicts cannot change.\n\n"
        "With --meaning no traces are needed. \"Equivalent\" is said where it is proven from the shape of both rules. "
        "Stricter, laxer and different are shown by a small trace, made of the rules' own terms and judged by the "
        "evaluator. Where it has neither, it says \"not told apart\", which proves nothing. All of it is about whole "
        "traces.\n\n"
        "With --old-program two versions of betrace judge one version of the rules: the old program, then this one. "
        "Over "
        "files they judge as `eval --all` does, over a store as `replay` does, with one range and the same flags. Each "
        "verdict that changes is told, also to and from inconclusive. What the old program does not tell is not known, "
        "and never \"no change\". Without --end the range ends where the store hides no late spans any more "
        "(--handover "
        "and "
        "--settle before now). Rules of a service come from GET /v1/rules/export.",
    .examples = examples,
    .groups = groups,
    .fine = "no verdict changes, and everything was read; with --meaning: all pairs are equivalent",
    .found = "some verdict changes; with --meaning: a trace tells two rules apart, or a rule has no partner",
    .unknown =
        "none was seen to change, but not everything could be read or decided; with --require-exercised also: "
        "nothing exercised a new rule that was replayed. With --meaning: some pair was not told apart, and not proven "
        "equivalent. With --old-program: not every verdict of both is known",
    .operands = "rules",
    .run = diff_command};
