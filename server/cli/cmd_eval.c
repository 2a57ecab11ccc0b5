/* `betrace eval`: verdicts of rules on trace files, one line each. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/evaluate/data_notes.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/trace/keeping.h"
#include "server/base/clock.h"
#include "server/base/eval_limit.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/idle_print.h"
#include "server/cli/line_store.h"
#include "server/cli/operands.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/given_families.h"
#include "server/replay/sampled_text.h"
#include "server/replay/trace_link.h"
#include "server/replay/violation.h"
#include "tempo/files/file_source.h"

/* Verdicts of one part of the traces: that many are in memory at most, as text, before they are put to the others. */
enum { PART_VERDICTS = 65536 };
/* Between two times at which progress is shown. */
#define PROGRESS_NS INT64_C(100000000)

typedef struct eval_options {
  bool print_all, print_json, requires_exercised, require_complete;
  int64_t most_cpu_ns; /* of all rules on one trace; 0: 10 s */
  unsigned jobs;
} eval_options;

/* What one thread needs for a part of the traces, and what it found there. */
typedef struct eval_part {
  bt_evaluator *evaluator;
  bt_eval_options *options; /* one for each rule */
  bt_data_notes **notes;    /* the same; all that this place has met */
  uint64_t counts[BT_NOT_APPLICABLE + 1];
  bt_exercise *exercise; /* one for each rule */
  bt_sampled_traces sampled;
  bt_kept_traces violated_kept; /* of all rules */
  bt_kept_trace kept;           /* the trace under way */
  bt_buffer lines;              /* of the trace under way */
  bt_line_store told;
  bt_given_trace *linked; /* traces that some rule leaves to what links tie to them */
  size_t linked_count, linked_capacity;
} eval_part;

typedef struct eval_run {
  const eval_options *options;
  const bt_cli_rules *rules;
  const bt_rule **compiled;
  bt_ruleset *ruleset;
  eval_part *parts;
  size_t part_count;
  uint64_t counts[BT_NOT_APPLICABLE + 1];
  bt_sampled_traces sampled;
  bt_kept_traces violated_kept;
  bt_line_store told;
  pthread_t main_thread;
  size_t traces;
  uint64_t apart_threshold; /* of the files (promises.h) */
  atomic_size_t judged;     /* of these */
  int64_t shown_ns;         /* when progress was shown last */
  bt_idle_rules idle;
  bool *is_awaited; /* rules that leave a trace to what links tie to it */
} eval_run;

static json_t *verdict_json(const bt_rule_definition *definition, const bt_trace *trace, const bt_rule_verdict *verdict,
                            const bt_violation *violation) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  json_t *object = json_pack("{s:s, s:s, s:s}", "rule_id", definition->fields.id, "trace_id", trace_id, "verdict",
                             bt_verdict_name(verdict->verdict));
  if (verdict->reason) bt_json_set(object, "reason", json_string(bt_reason_name(verdict->reason)));
  if (verdict->spent) bt_json_set(object, "spent", bt_spent_json(verdict, definition->rule->text));
  if (violation) bt_json_set(object, "violation", bt_violation_json(definition, violation));
  return object;
}

/* Of a budget also what spent it. */
static void write_reason(const bt_rule_definition *definition, const bt_rule_verdict *verdict, bt_buffer *out) {
  bt_buffer spending = {0};
  bt_verdict_say_spending(verdict, definition->rule->text, &spending);
  const char *comma = spending.len ? ": " : "";
  bt_shown_printf(out, "  (%s%s%.*s)", bt_reason_name(verdict->reason), comma, BT_FMT(bt_buffer_str(&spending)));
  bt_buffer_dispose(&spending);
}

static void write_text(const bt_rule_definition *definition, const bt_trace *trace, const bt_rule_verdict *verdict,
                       const bt_violation *violation, bt_buffer *out) {
  char trace_id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&trace->id, trace_id);
  bt_shown_printf(out, "%-14s  %-24s  %s", bt_verdict_name(verdict->verdict), definition->fields.id, trace_id);
  if (verdict->reason) write_reason(definition, verdict, out);
  if (violation) bt_shown_printf(out, "  %s", violation->message);
  if (violation && violation->rests_on_no_link) bt_buffer_append(out, BT_STR(" (rests on " BT_RESTS_ON_NO_LINK ")"));
  bt_buffer_append_char(out, '\n');
  if (violation) bt_trace_link_append("  ", violation, "\n", out);
}

static bt_status report_verdict(const eval_run *run, eval_part *part, size_t rule, const bt_trace *trace,
                                const bt_rule_verdict *verdict, bt_error *error) {
  const bt_rule_definition *definition = run->rules->items[rule];
  bt_buffer *out = &part->lines;
  bt_violation *violation = NULL;
  bool is_quiet = verdict->verdict == BT_SATISFIED || verdict->verdict == BT_NOT_APPLICABLE;
  part->counts[verdict->verdict]++;
  bt_data_notes_take(part->notes[rule], verdict);
  if (verdict->verdict == BT_VIOLATED) bt_kept_traces_add(&part->violated_kept, &part->kept, 1);
  if (verdict->exercised == BT_TRUE) part->exercise[rule] = BT_EXERCISED;
  if (verdict->exercised == BT_UNKNOWN && part->exercise[rule] == BT_NOT_EXERCISED)
    part->exercise[rule] = BT_EXERCISE_OPEN;
  if (is_quiet && !run->options->print_all) return BT_OK;
  bt_status status =
      verdict->verdict == BT_VIOLATED ? bt_violation_new(definition, "", trace, verdict, &violation, error) : BT_OK;
  if (!status && run->options->print_json)
    bt_shown_json(verdict_json(definition, trace, verdict, violation), JSON_COMPACT, out);
  else if (!status)
    write_text(definition, trace, verdict, violation, out);
  bt_violation_free(violation);
  return status || !out->failed ? status : bt_error_no_memory(error);
}

/* What was said of the trace waits for its turn. */
static bt_status keep_lines(eval_part *part, const bt_trace *trace, bt_error *error) {
  bt_status status = bt_line_store_add(&part->told, trace, bt_buffer_str(&part->lines), error);
  bt_buffer_clear(&part->lines);
  return status;
}

/* The main thread judges traces like the others, and alone shows how far all are. */
static void show_progress(eval_run *run) {
  size_t judged = atomic_fetch_add_explicit(&run->judged, 1, memory_order_relaxed) + 1;
  if (!pthread_equal(pthread_self(), run->main_thread)) return;
  int64_t now_ns = bt_clock_monotonic_ns();
  if (now_ns - run->shown_ns < PROGRESS_NS) return;
  run->shown_ns = now_ns;
  bt_replay_show_progress(NULL, (double)judged / (double)run->traces, NULL);
}

static void set_options(const eval_run *run, eval_part *part, const bt_trace *trace) {
  static const bt_sampling_setting undeclared = {0};
  bool is_sampled = bt_keeping_may_lack(trace, run->apart_threshold);
  part->kept = bt_kept_trace_of(trace, &undeclared);
  for (size_t i = 0; i < run->rules->count; i++) {
    const bt_rule_fields *fields = &run->rules->items[i]->fields;
    bool needs_parents = fields->require_complete >= 0 ? fields->require_complete : run->options->require_complete;
    bool incomplete = trace->partial || (needs_parents && trace->missing_parents);
    part->options[i] = (bt_eval_options){.incomplete = incomplete,
                                         .sampled = is_sampled,
                                         .clock_skew_ns = fields->clock_skew_ns > 0 ? fields->clock_skew_ns : 0,
                                         .links_sampled = fields->links_sampled == 1,
                                         .least_steps = fields->budget > 0 ? (uint64_t)fields->budget : 0};
  }
}

static bool keep_linked(eval_part *part, const bt_trace *trace) {
  bt_given_trace *linked =
      bt_grow_array(part->linked, part->linked_count, &part->linked_capacity, sizeof *part->linked);
  if (!linked) return false;
  part->linked = linked;
  linked[part->linked_count++] = bt_given_trace_of(trace);
  return true;
}

/* On any thread. */
static bt_status eval_trace(void *context, size_t place, const bt_read_trace *read, bt_error *error) {
  eval_run *run = context;
  const bt_trace *trace = read->trace;
  eval_part *part = &run->parts[place];
  const bt_rule_verdict *verdicts = NULL;
  bool awaits_links = false;
  set_options(run, part, trace);
  bt_sampled_traces_add(&part->sampled, trace, &part->kept);
  bt_eval_limit limit = {.most_cpu_ns = run->options->most_cpu_ns};
  bt_status status = bt_eval_run_within(&limit, part->evaluator, trace, part->options, &verdicts, error);
  for (size_t i = 0; i < run->rules->count && !status; i++) {
    bt_data_notes_look(part->notes[i], trace);
    if (bt_verdict_awaits_links(run->rules->items[i], &verdicts[i]))
      awaits_links = true;
    else
      status = report_verdict(run, part, i, trace, &verdicts[i], error);
  }
  if (!status && awaits_links && !keep_linked(part, trace)) status = bt_error_no_memory(error);
  if (!status) status = keep_lines(part, trace, error);
  show_progress(run);
  return status;
}

/* On the main thread, in the order of the files; it is printed in the order of the traces. */
static bt_status take_part(void *context, size_t place, bt_error *error) {
  eval_run *run = context;
  eval_part *part = &run->parts[place];
  for (size_t i = 0; i <= BT_NOT_APPLICABLE; i++) run->counts[i] += part->counts[i];
  memset(part->counts, 0, sizeof part->counts);
  bt_sampled_traces_join(&run->sampled, &part->sampled);
  bt_kept_traces_join(&run->violated_kept, &part->violated_kept);
  part->sampled = (bt_sampled_traces){0};
  part->violated_kept = (bt_kept_traces){0};
  return bt_line_store_move(&run->told, &part->told, error);
}

static bt_status prepare_part(const eval_run *run, eval_part *part, bt_error *error) {
  size_t count = run->rules->count;
  part->options = bt_realloc_array(NULL, count, sizeof *part->options);
  part->notes = calloc(count, sizeof(bt_data_notes *));
  part->exercise = calloc(count, sizeof *part->exercise);
  for (size_t i = 0; part->exercise && i < count; i++) part->exercise[i] = BT_NOT_EXERCISED;
  bt_status status = part->options && part->notes && part->exercise ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < count && !status; i++) status = bt_data_notes_new(run->compiled[i], &part->notes[i], error);
  return status ? status : bt_evaluator_new(run->ruleset, &part->evaluator, error);
}

/* ---- what links decide, once every trace was read ---- */

static bt_status judge_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  eval_run *run = context;
  eval_part *part = &run->parts[0];
  const bt_trace *trace = family ? family->traces[0].trace : NULL;
  const bt_rule_verdict *own = NULL, *verdicts = NULL;
  bt_eval_limit limit = {.most_cpu_ns = run->options->most_cpu_ns};
  (void)index;
  if (!trace) return bt_error_set(error, BT_UNAVAILABLE, "a trace was read once, and is not in the files any more");
  set_options(run, part, trace);
  bt_status status = bt_eval_run_within(&limit, part->evaluator, trace, part->options, &own, error);
  for (size_t i = 0; i < run->rules->count && !status; i++)
    run->is_awaited[i] = bt_verdict_awaits_links(run->rules->items[i], &own[i]);
  if (!status) status = bt_eval_run_family_within(&limit, part->evaluator, family, part->options, &verdicts, error);
  for (size_t i = 0; i < run->rules->count && !status; i++)
    if (run->is_awaited[i]) status = report_verdict(run, part, i, trace, &verdicts[i], error);
  if (!status) status = keep_lines(part, trace, error);
  return status ? status : take_part(run, 0, error);
}

/* Of all parts, into the first one. */
static bool join_linked(eval_run *run) {
  eval_part *first = &run->parts[0];
  for (size_t i = 1; i < run->part_count; i++)
    for (size_t k = 0; k < run->parts[i].linked_count; k++) {
      bt_given_trace *grown =
          bt_grow_array(first->linked, first->linked_count, &first->linked_capacity, sizeof *first->linked);
      if (!grown) return false;
      first->linked = grown;
      grown[first->linked_count++] = run->parts[i].linked[k];
    }
  return true;
}

static bt_status judge_linked(eval_run *run, bt_source *source, bt_error *error) {
  bt_replay_request request = {.rules = (const bt_rule_definition *const *)run->rules->items,
                               .rule_count = run->rules->count,
                               .assumptions.require_complete = run->options->require_complete};
  run->is_awaited = calloc(run->rules->count, sizeof *run->is_awaited);
  if (!run->is_awaited || !join_linked(run)) return bt_error_no_memory(error);
  return bt_given_families_gather(source, &request, run->parts[0].linked, run->parts[0].linked_count, judge_family, run,
                                  NULL, error);
}

/* ---- all ---- */

static bt_status eval_all(eval_run *run, bt_source *source, bt_error *error) {
  size_t rules = run->rules->count;
  const bt_file_visitor visitor = {.most_traces = rules < PART_VERDICTS ? PART_VERDICTS / rules : 1,
                                   .look = eval_trace,
                                   .tell = take_part,
                                   .context = run};
  run->compiled = bt_realloc_array(NULL, rules, sizeof *run->compiled);
  run->part_count = bt_file_source_places(source);
  run->parts = calloc(run->part_count, sizeof *run->parts);
  for (size_t i = 0; run->parts && i < run->part_count; i++) run->parts[i].told = BT_LINE_STORE_EMPTY;
  bt_status status = run->compiled && run->parts ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < rules && !status; i++) run->compiled[i] = run->rules->items[i]->rule;
  if (!status) status = bt_ruleset_new(run->compiled, rules, &run->ruleset, error);
  for (size_t i = 0; i < run->part_count && !status; i++) status = prepare_part(run, &run->parts[i], error);
  run->main_thread = pthread_self();
  run->traces = bt_file_source_trace_count(source);
  run->apart_threshold = bt_source_known(source).apart_threshold;
  if (!status) status = bt_file_source_visit(source, &visitor, error);
  return status ? status : judge_linked(run, source, error);
}

/* What the names and comparisons of the rules met: it changes no verdict, and may explain one. In JSON they belong to
 * the summary. */
static json_t *report_notes(const eval_run *run) {
  bt_buffer text = {0};
  bt_range place;
  json_t *array = json_array();
  for (size_t i = 0; i < run->rules->count; i++) {
    const char *id = run->rules->items[i]->fields.id;
    bt_data_notes *notes = run->parts[0].notes[i];
    for (size_t part = 1; part < run->part_count; part++) bt_data_notes_add(notes, run->parts[part].notes[i]);
    for (size_t k = 0; bt_data_notes_say(notes, k, &text, &place); k++) {
      bt_json_append(array,
                     json_pack("{s:s, s:o, s:{s:i, s:i}}", "rule_id", id, "message", bt_text_json(bt_buffer_str(&text)),
                               "range", "start", (int)place.start, "end", (int)place.end));
      if (!run->options->print_json) bt_print("note: %s: %.*s\n", id, BT_FMT(bt_buffer_str(&text)));
      bt_buffer_clear(&text);
    }
  }
  bt_buffer_dispose(&text);
  return array;
}

static void dispose_run(eval_run *run) {
  for (size_t i = 0; run->parts && i < run->part_count; i++) {
    eval_part *part = &run->parts[i];
    for (size_t k = 0; part->notes && k < run->rules->count; k++) bt_data_notes_free(part->notes[k]);
    free(part->notes);
    free(part->options);
    free(part->exercise);
    bt_evaluator_free(part->evaluator);
    bt_buffer_dispose(&part->lines);
    bt_line_store_dispose(&part->told);
    free(part->linked);
  }
  bt_idle_rules_dispose(&run->idle);
  bt_line_store_dispose(&run->told);
  free(run->is_awaited);
  free(run->parts);
  bt_ruleset_free(run->ruleset);
  free(run->compiled);
}

/* Whatever some part met. Without any trace nothing is said of single rules. */
static bt_exercise exercise_of(const eval_run *run, size_t rule) {
  bt_exercise all = BT_NOT_EXERCISED;
  if (bt_rule_is_exercised_by_all(run->rules->items[rule]->rule)) return BT_EXERCISED;
  for (size_t i = 0; i < run->part_count; i++) {
    bt_exercise one = run->parts[i].exercise[rule];
    if (one == BT_EXERCISED) return one;
    if (one == BT_EXERCISE_OPEN) all = one;
  }
  return run->traces && all == BT_NOT_EXERCISED ? all : BT_EXERCISED; /* what is open is inconclusive as well */
}

static bt_status find_idle(eval_run *run, bt_source *source, bt_error *error) {
  bt_replay_options options;
  size_t count = run->rules->count;
  bt_exercise *exercise = calloc(count, sizeof *exercise);
  if (!exercise) return bt_error_no_memory(error);
  bt_replay_options_init(&options);
  options.assumptions.require_complete = run->options->require_complete;
  for (size_t i = 0; i < count; i++) exercise[i] = exercise_of(run, i);
  bt_replay_request asked = bt_replay_options_request(&options, (const bt_rule_definition *const *)run->rules->items,
                                                      count, bt_file_source_range(source));
  bt_status status = bt_idle_rules_find(source, &asked, exercise, &run->idle, error);
  free(exercise);
  return status;
}

static bt_status print_lines(void *context, bt_str lines, bt_error *error) {
  (void)context;
  (void)error;
  bt_print_document(lines);
  return BT_OK;
}

static json_t *left_out_json(const bt_file_account *account) {
  json_t *array = json_array();
  bt_buffer text = {0};
  for (size_t i = 0; i < account->note_count; i++) {
    bt_file_note_write(&account->notes[i], &text);
    bt_json_append(array, bt_text_json(bt_buffer_str(&text)));
    bt_buffer_clear(&text);
  }
  bt_buffer_dispose(&text);
  return array;
}

static json_t *summary_json(const eval_run *run, json_t *notes, const bt_file_account *account) {
  json_t *summary =
      json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "traces", (json_int_t)run->traces, "rules",
                (json_int_t)run->rules->count, "violated", (json_int_t)run->counts[BT_VIOLATED], "inconclusive",
                (json_int_t)run->counts[BT_INCONCLUSIVE], "satisfied", (json_int_t)run->counts[BT_SATISFIED],
                "not_applicable", (json_int_t)run->counts[BT_NOT_APPLICABLE], "notes", notes, "unexercised",
                bt_idle_rules_json(&run->idle), "left_out", left_out_json(account));
  if (!summary || !bt_sampled_traces_lack(&run->sampled)) return summary;
  bt_json_set(summary, "sampling", bt_sampling_json(&run->sampled));
  if (run->rules->count == 1)
    bt_json_set(summary, "estimated", bt_estimate_json(&run->sampled, &run->violated_kept, run->counts[BT_VIOLATED]));
  return summary;
}

/* What the numbers stand for, where spans say that traces were sampled: of several rules none is of traces. */
static void print_sampled(const eval_run *run) {
  bt_buffer said = {0};
  if (!bt_sampled_traces_lack(&run->sampled)) return;
  if (run->rules->count == 1) bt_sampled_say_count(&run->sampled, &run->violated_kept, run->counts[BT_VIOLATED], &said);
  if (said.len) bt_print("sampling: %s: %.*s\n", run->rules->items[0]->fields.id, BT_FMT(bt_buffer_str(&said)));
  bt_replay_print_sampling(&run->sampled);
  bt_buffer_dispose(&said);
}

static void print_summary(const eval_run *run, const bt_file_account *account) {
  json_t *notes = report_notes(run);
  if (run->options->print_json) {
    bt_print_json(json_pack("{s:o}", "summary", summary_json(run, notes, account)), JSON_COMPACT);
    return;
  }
  json_decref(notes);
  bt_print("%zu traces, %zu rules: %llu violated, %llu inconclusive, %llu satisfied, %llu not applicable\n",
           run->traces, run->rules->count, (unsigned long long)run->counts[BT_VIOLATED],
           (unsigned long long)run->counts[BT_INCONCLUSIVE], (unsigned long long)run->counts[BT_SATISFIED],
           (unsigned long long)run->counts[BT_NOT_APPLICABLE]);
  print_sampled(run);
}

static int exit_status(const eval_run *run) {
  if (run->counts[BT_VIOLATED]) return BT_EXIT_FOUND;
  if (!run->traces) bt_print_error_line("betrace eval: there is no trace in these files, so nothing is known");
  if (!run->traces || run->counts[BT_INCONCLUSIVE]) return BT_EXIT_UNKNOWN;
  return run->options->requires_exercised && run->idle.count ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

static int run_eval(const eval_options *options, const bt_cli_rules *rules, const char *const *paths,
                    size_t path_count) {
  bt_error error = {0};
  bt_source *source = NULL;
  eval_run run = {.options = options, .rules = rules, .told = BT_LINE_STORE_EMPTY};
  bt_status status = bt_cli_open_traces(paths, path_count, options->jobs, &source, &error);
  if (!status) status = eval_all(&run, source, &error);
  if (!status) status = find_idle(&run, source, &error);
  bt_replay_clear_progress();
  if (!status && !options->print_json) bt_idle_rules_print(&run.idle);
  if (!status) status = bt_line_store_give(&run.told, print_lines, NULL, &error);
  if (!status) print_summary(&run, bt_file_source_account(source));
  bt_source_free(source);
  int code = status ? bt_cli_fail("eval", status, &error) : exit_status(&run);
  dispose_run(&run);
  return code;
}

/* ---- the row ---- */

enum { OPT_RULES = BT_FLAG_OWN, OPT_DSL, OPT_TRACES, OPT_ALL, OPT_TRACE_TIME, OPT_JOBS, OPT_COMPLETE };

typedef struct eval_arguments {
  eval_options options;
  bt_cli_rules rules;
  bool has_wrong_rules;
  const char *trace_link;
  const char **paths; /* of traces; owned array of borrowed names */
  size_t path_count;
} eval_arguments;

static bool add_path(eval_arguments *arguments, const char *path) {
  const char **grown = bt_realloc_array(arguments->paths, arguments->path_count + 1, sizeof *grown);
  if (!grown) return false;
  arguments->paths = grown;
  grown[arguments->path_count++] = path;
  return true;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  eval_arguments *arguments = context;
  if (flag->id == OPT_RULES) arguments->has_wrong_rules |= !bt_cli_rules_add_file(&arguments->rules, value);
  if (flag->id == OPT_DSL) arguments->has_wrong_rules |= !bt_cli_rules_add_text(&arguments->rules, "dsl", value);
  if (flag->id == OPT_TRACES) return add_path(arguments, value);
  if (flag->id == OPT_TRACE_TIME)
    return bt_duration_parse(bt_str_from(value), &arguments->options.most_cpu_ns) && arguments->options.most_cpu_ns > 0;
  if (flag->id == OPT_JOBS) return bt_cli_take_jobs(value, &arguments->options.jobs);
  if (strcmp(flag->name, bt_flags_links->name) == 0) arguments->trace_link = value;
  if (flag->id == OPT_COMPLETE) arguments->options.require_complete = true;
  if (flag->id == OPT_ALL) arguments->options.print_all = true;
  if (flag->id == BT_FLAG_EXERCISED) arguments->options.requires_exercised = true;
  if (flag->id == BT_FLAG_JSON) arguments->options.print_json = true;
  return true;
}

static bool take_files(eval_arguments *arguments, const bt_operands *files) {
  bool has_others = arguments->rules.count || bt_operands_have_rules(files);
  for (size_t i = 0; i < files->count; i++) {
    if (i < files->before_dashes && bt_operand_has_rules(files->items[i], has_others))
      arguments->has_wrong_rules |= !bt_cli_rules_add_file(&arguments->rules, files->items[i]);
    else if (!add_path(arguments, files->items[i]))
      return false;
  }
  return !arguments->has_wrong_rules;
}

static int eval_command(const bt_command *self, int argc, char **argv) {
  eval_arguments arguments = {.options.jobs = bt_cli_processors()};
  bt_operands files;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &arguments, &files, &code))
    ; /* code says it */
  else if (!take_files(&arguments, &files))
    code = BT_EXIT_USAGE;
  else if (!arguments.rules.count && arguments.rules.without)
    code = bt_cli_rules_refuse_none(&arguments.rules, "eval");
  else if (!arguments.rules.count)
    code = bt_cli_usage_error("eval", "say which rules: a rule file, --rules FILE or --dsl TEXT");
  else if (!arguments.path_count)
    code = bt_cli_usage_error("eval", "say which traces: one or more files, or - for stdin");
  else if (!(code = bt_trace_link_choose(self, arguments.trace_link)))
    code = run_eval(&arguments.options, &arguments.rules, arguments.paths, arguments.path_count);
  free(arguments.paths);
  bt_cli_rules_dispose(&arguments.rules);
  return code;
}

static const bt_flag flags[] = {
    {"rules", OPT_RULES, "FILE", NULL, "rule file (YAML or JSON); may be given several times", NULL},
    {"dsl", OPT_DSL, "TEXT", NULL, "one rule's text", NULL},
    {"traces", OPT_TRACES, "FILE", NULL, "file of traces; the same as its name alone; may be given several times",
     NULL},
    {"trace-time", OPT_TRACE_TIME, "DURATION", "10s",
     "time of the processor for all rules on one trace; what is not known by then is inconclusive (budget)", NULL},
    {"require-complete", OPT_COMPLETE, NULL, NULL, "a missing parent makes a trace incomplete", NULL},
    {"jobs", OPT_JOBS, "N", "the processors", BT_JOBS_HELP, NULL},
    {"all", OPT_ALL, NULL, NULL, "print every verdict, not only violated and inconclusive", NULL},
    BT_FLAG_ROW_EXERCISED,
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {"Links:", bt_flags_links, NULL}, {0}};
static const bt_example examples[] = {
    {"All rules of a file on a file of traces", "betrace eval --rules rules.yaml traces.jsonl"},
    {"One rule, on a trace from stdin", "betrace eval --dsl 'when { pii.read } always { audit.log }' - < trace.json"},
    {0}};
const bt_command bt_command_eval = {.name = "eval",
                                    .summary = "verdicts of rules on trace files",
                                    .usage = "(RULES… | --rules FILE | --dsl TEXT) [flags] TRACES…",
                                    .about = "Evaluates rules on files of traces (OTLP in JSON or protobuf, JSON of "
                                             "Jaeger or Zipkin; gzip and zstd are fine; "
                                             "- is stdin) and prints verdicts, the earliest trace first. With --json "
                                             "it prints JSON lines: one verdict each, then a summary.",
                                    .examples = examples,
                                    .groups = groups,
                                    .fine = "no trace violates a rule",
                                    .found = "some trace violates a rule",
                                    .unknown = "nothing violates, but a verdict is inconclusive or there is no "
                                               "trace; " BT_EXERCISED_UNKNOWN,
                                    .operands = "traces",
                                    .run = eval_command};
