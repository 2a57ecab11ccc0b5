/* `betrace replay`: rules over the past, from a store or from trace files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/span_time.h"
#include "server/cli/collected_replay.h"
#include "server/cli/idle_print.h"
#include "server/cli/printer.h"
#include "server/cli/problem_print.h"
#include "server/cli/replay_rules.h"
#include "server/cli/shard_json.h"
#include "server/json/ci_note.h"
#include "server/json/json_values.h"
#include "server/json/problems_json.h"
#include "server/json/replay_json.h"
#include "server/json/replay_junit.h"
#include "server/replay/sampled_text.h"
#include "server/replay/trace_link.h"
#include "server/replay/unseen_names.h"

typedef enum replay_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_JUNIT, FORMAT_GITHUB } replay_format;

typedef struct replay_run {
  bt_replay_options options;
  replay_format format;
  bt_count_mode count;
  bt_strategy strategy;
  bt_severity fail_on; /* info: any violation fails */
  uint64_t limit, evidence;
  bool has_limit, has_evidence, prints_ids, has_format, groups;
  bt_shard shard; /* a count of 0: all of the range */
} replay_run;

static const bt_rule_definition *rule_of(const replay_run *run, size_t rule) {
  return run->options.rules.items[rule];
}

static bool rule_matters(const replay_run *run, size_t rule) {
  return rule_of(run, rule)->fields.severity >= run->fail_on;
}

/* ---- printing ---- */

/* What --json has besides the violations. */
static json_t *summary_json(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle) {
  json_t *object = bt_replay_result_json(&all->result, (const bt_rule_definition *const *)run->options.rules.items,
                                         bt_replay_outcome_name(all->result.outcome));
  bt_json_set(object, "coverage", bt_replay_coverage_json(&all->result.coverage));
  bt_json_set(object, "unexercised", bt_idle_rules_json(idle));
  return object;
}

static json_t *found_json(const replay_run *run, const bt_collected_violation *found) {
  return bt_violation_json(rule_of(run, found->rule), found->violation);
}

static void print_json_result(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle,
                              json_t *shard) {
  json_t *object = summary_json(run, all, idle), *violations = json_array();
  if (shard) bt_json_set(object, "shard", shard);
  for (size_t i = 0; i < all->count; i++) bt_json_append(violations, found_json(run, &all->found[i]));
  bt_json_set(object, "violations", violations);
  bt_cli_print_json(object);
}

/* One violation a line, and last {"summary": …}. */
static void print_json_lines(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle) {
  for (size_t i = 0; i < all->count; i++) bt_print_json(found_json(run, &all->found[i]), JSON_COMPACT);
  bt_print_json(json_pack("{s:o}", "summary", summary_json(run, all, idle)), JSON_COMPACT);
}

static int compare_ids(const void *a, const void *b) {
  const bt_moment *x = a, *y = b;
  int order = bt_trace_id_compare(&x->trace_id, &y->trace_id);
  return order ? order : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static int compare_moments(const void *a, const void *b) {
  const bt_moment *x = a, *y = b;
  return x->time_ns != y->time_ns ? (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns) : compare_ids(a, b);
}

/* Each trace once, with the first of its times; in the order of these. */
static size_t order_traces(bt_moment *traces, size_t count) {
  size_t kept = 0;
  qsort(traces, count, sizeof *traces, compare_ids);
  for (size_t i = 0; i < count; i++)
    if (!kept || bt_trace_id_compare(&traces[kept - 1].trace_id, &traces[i].trace_id) != 0) traces[kept++] = traces[i];
  qsort(traces, kept, sizeof *traces, compare_moments);
  return kept;
}

static bt_status print_ids(const replay_run *run, const bt_collected *all, bt_error *error) {
  size_t count = all->count + all->counted_count;
  bt_moment *traces = bt_realloc_array(NULL, count + 1, sizeof *traces);
  if (!traces) return bt_error_no_memory(error);
  for (size_t i = 0; i < all->count; i++)
    traces[i] = (bt_moment){true, all->found[i].violation->trace_id, all->found[i].violation->time_ns};
  for (size_t i = 0; i < all->counted_count; i++) traces[all->count + i] = all->counted[i];
  count = order_traces(traces, count);
  for (size_t i = 0; i < count && !(run->limit && i == run->limit); i++) {
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&traces[i].trace_id, id);
    bt_print_line(id);
  }
  free(traces);
  if (all->result.outcome != BT_REPLAY_COMPLETED)
    bt_print_error("betrace replay: there may be more: %s\n", all->result.reason);
  return BT_OK;
}

/* What names and comparisons of the rules met: it changes no number, and may explain one. */
static void print_notes(const replay_run *run, const bt_replay_result *result) {
  for (size_t i = 0; i < result->note_count; i++)
    bt_replay_note_print(rule_of(run, result->notes[i].rule), &result->notes[i], result->noted_traces);
}

/* What nothing exercised comes first: below violations and numbers nobody would see that a 0 says nothing. */
static void print_text_result(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle) {
  bt_idle_rules_print(idle);
  size_t shown = run->limit && all->count > run->limit ? (size_t)run->limit : all->count;
  uint64_t found = 0;
  for (size_t i = 0; i < all->result.rule_count; i++) found += all->result.rules[i].violations_found;
  for (size_t i = 0; i < shown; i++)
    bt_replay_print_violation(rule_of(run, all->found[i].rule), all->found[i].violation);
  if (shown < found) bt_print("… and %" PRIu64 " more (--limit 0 prints all)\n", found - shown);
  const bt_replay_result *result = &all->result;
  bt_replay_print_rules(&run->options, result);
  bt_replay_print_listed(&run->options, result);
  print_notes(run, result);
  bt_collected_print_end(&all->result);
}

/* The lines of one rule's violations, as many as --limit says. */
static void write_messages(const replay_run *run, const bt_collected *all, size_t rule, bt_buffer *out) {
  uint64_t written = 0, found = all->result.rules[rule].violations_found;
  for (size_t i = 0; i < all->count && !(run->limit && written == run->limit); i++) {
    const bt_violation *violation = all->found[i].violation;
    char time[BT_SPAN_TIME_BYTES], id[BT_TRACE_ID_HEX + 1];
    if (all->found[i].rule != rule) continue;
    written++;
    bt_span_time_format(violation->time_ns, 0, time);
    bt_trace_id_format(&violation->trace_id, id);
    bt_buffer_printf(out, "%s  %s  %s", time, id, violation->message);
    bt_trace_link_append("  ", violation, "", out);
    bt_buffer_append_char(out, '\n');
  }
  if (written < found) bt_buffer_printf(out, "and %" PRIu64 " more\n", found - written);
}

/* For each rule its violations, and why nothing exercised it. */
static void write_junit_texts(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle,
                              bt_buffer *messages, bt_buffer *reasons) {
  size_t at = 0;
  for (size_t i = 0; i < run->options.rules.count; i++) {
    write_messages(run, all, i, &messages[i]);
    if (at < idle->count && idle->items[at].rule == rule_of(run, i))
      bt_idle_rule_write(&idle->items[at++], &reasons[i]);
  }
}

static bt_status print_junit_result(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle,
                                    bt_error *error) {
  bt_buffer document = {0};
  size_t count = run->options.rules.count;
  bt_buffer *texts = calloc(2 * count, sizeof *texts); /* messages, then reasons */
  if (!texts) return bt_error_no_memory(error);
  write_junit_texts(run, all, idle, texts, texts + count);
  bt_status status =
      bt_replay_junit_write(&all->result, (const bt_rule_definition *const *)run->options.rules.items, run->fail_on,
                            run->options.requires_exercised, texts + count, texts, &document, error);
  for (size_t i = 0; i < 2 * count; i++) bt_buffer_dispose(&texts[i]);
  free(texts);
  if (!status) bt_print_document(bt_buffer_str(&document));
  bt_buffer_dispose(&document);
  return status;
}

static void annotate_idle(const replay_run *run, const bt_idle_rules *idle, bt_buffer *out) {
  bt_buffer lines = {0};
  bt_idle_rules_write(idle, &lines);
  bt_ci_note note = {.level = run->options.requires_exercised ? "error" : "warning",
                     .title = BT_STR("betrace: rules that say nothing"),
                     .message = bt_buffer_str(&lines)};
  if (lines.len) bt_ci_note_write(&note, out);
  out->failed = out->failed || lines.failed;
  bt_buffer_dispose(&lines);
}

/* One for each rule that has any: what it met in the data. */
static void annotate_notes(const replay_run *run, const bt_replay_result *result, size_t rule, bt_buffer *out) {
  bt_buffer lines = {0}, title = {0};
  for (size_t i = 0; i < result->note_count; i++)
    if (result->notes[i].rule == rule) bt_buffer_printf(&lines, "%s\n", result->notes[i].text);
  bt_buffer_printf(&title, "betrace %s: about the data", rule_of(run, rule)->fields.id);
  bt_ci_note note = {.level = "notice", .title = bt_buffer_str(&title), .message = bt_buffer_str(&lines)};
  if (lines.len) bt_ci_note_write(&note, out);
  out->failed = out->failed || lines.failed || title.failed;
  bt_buffer_dispose(&lines);
  bt_buffer_dispose(&title);
}

/* One annotation for each rule with violations. */
/* What the numbers stand for, where traces were sampled. */
static void annotate_sampling(const replay_run *run, const bt_replay_result *result, bt_buffer *out) {
  const bt_sampled_traces *range = &result->coverage.sampling;
  bt_buffer text = {0};
  if (!bt_sampled_traces_lack(range)) return;
  bt_sampled_say_range(range, &text);
  for (size_t i = 0; i < result->rule_count; i++) {
    bt_buffer said = {0};
    bt_sampled_say_rule(range, &result->rules[i], &said);
    if (said.len) bt_buffer_printf(&text, "\n%s: %.*s", rule_of(run, i)->fields.id, BT_FMT(bt_buffer_str(&said)));
    bt_buffer_dispose(&said);
  }
  bt_ci_note_write(
      &(bt_ci_note){.level = "notice", .title = BT_STR("betrace: sampling"), .message = bt_buffer_str(&text)}, out);
  bt_buffer_dispose(&text);
}

static bt_status print_github_result(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle,
                                     bt_error *error) {
  bt_buffer text = {0};
  annotate_idle(run, idle, &text);
  for (size_t i = 0; i < run->options.rules.count; i++) {
    bt_buffer lines = {0}, title = {0};
    write_messages(run, all, i, &lines);
    bt_buffer_printf(&title, "betrace %s", rule_of(run, i)->fields.id);
    bt_ci_note note = {.level = rule_matters(run, i) ? "error" : "warning",
                       .title = bt_buffer_str(&title),
                       .message = bt_buffer_str(&lines)};
    if (lines.len) bt_ci_note_write(&note, &text);
    text.failed = text.failed || lines.failed || title.failed;
    bt_buffer_dispose(&lines);
    bt_buffer_dispose(&title);
    annotate_notes(run, &all->result, i, &text);
  }
  annotate_sampling(run, &all->result, &text);
  if (all->result.outcome != BT_REPLAY_COMPLETED)
    bt_ci_note_write(&(bt_ci_note){.level = "error",
                                   .title = BT_STR("betrace: not everything could be read"),
                                   .message = bt_str_from(all->result.reason)},
                     &text);
  bool failed = text.failed;
  if (!failed) bt_print_document(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  return failed ? bt_error_no_memory(error) : BT_OK;
}

/* Violations below --fail-on do not fail. What could not be read may hold one that would. */
static int exit_status(const replay_run *run, const bt_replay_result *result, const bt_idle_rules *idle) {
  bool unknown = result->outcome != BT_REPLAY_COMPLETED;
  for (size_t i = 0; i < result->rule_count; i++) {
    if (!rule_matters(run, i)) continue;
    if (result->rules[i].violations_found) return BT_EXIT_FOUND;
    unknown = unknown || result->rules[i].inconclusive;
  }
  bool is_idle = false;
  for (size_t i = 0; i < idle->count; i++) is_idle = is_idle || idle->items[i].rule->fields.severity >= run->fail_on;
  return bt_idle_exit_status(&run->options, is_idle, unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE);
}

/* ---- running ---- */

static bt_status print_result(const replay_run *run, const bt_collected *all, const bt_idle_rules *idle,
                              bt_error *error) {
  if (run->prints_ids) {
    if (!all->count || run->options.requires_exercised) bt_idle_rules_print_error(idle, "replay");
    return print_ids(run, all, error);
  }
  switch (run->format) {
  case FORMAT_TEXT: return print_text_result(run, all, idle), BT_OK;
  case FORMAT_JSON: return print_json_result(run, all, idle, NULL), BT_OK;
  case FORMAT_JSONL: return print_json_lines(run, all, idle), BT_OK;
  case FORMAT_GITHUB: return print_github_result(run, all, idle, error);
  case FORMAT_JUNIT: break;
  }
  return print_junit_result(run, all, idle, error);
}

static bt_replay_request request_of(const replay_run *run, const bt_source *source) {
  bt_replay_request request =
      bt_replay_options_request(&run->options, (const bt_rule_definition *const *)run->options.rules.items,
                                run->options.rules.count, bt_replay_options_range(&run->options, source, BT_DAY_NS));
  request.count = run->count;
  request.strategy = run->strategy;
  request.most_listed = run->evidence;
  request.takes_notes = true;
  return request;
}

static bt_status collect_all(bt_source *source, bt_replay_request *request, bt_collected *all, bt_idle_rules *idle,
                             bt_error *error) {
  request->priority = BT_PRIORITY_REPLAY;
  bt_status status = bt_collect(source, request, true, all, error);
  request->priority = BT_PRIORITY_PEOPLE;
  if (!status) status = bt_idle_rules_of_replay(source, request, &all->result, idle, error);
  return status ? status : bt_unseen_names_of_replay(source, request, &all->result, error);
}

static int replay_and_print(const replay_run *run, bt_source *source) {
  bt_error error = {0};
  bt_collected all;
  bt_idle_rules idle = {0};
  bt_replay_request request = request_of(run, source);
  bt_status status = collect_all(source, &request, &all, &idle, &error);
  bt_replay_hold_range(&all.result);
  if (!status) status = print_result(run, &all, &idle, &error);
  int code = status ? bt_cli_fail("replay", status, &error) : exit_status(run, &all.result, &idle);
  bt_idle_rules_dispose(&idle);
  bt_collected_dispose(&all);
  return code;
}

static const bt_rule_definition *const *rules_of(const replay_run *run) {
  return (const bt_rule_definition *const *)run->options.rules.items;
}

static void print_problems(const replay_run *run, const bt_problems *problems, const bt_idle_rules *idle) {
  if (run->format == FORMAT_JSON) {
    json_t *object = bt_problems_json(problems, rules_of(run), &(bt_problems_wish){0});
    bt_json_set(object, "unexercised", bt_idle_rules_json(idle));
    bt_cli_print_json(object);
    return;
  }
  bt_idle_rules_print(idle);
  bt_problems_print(problems, rules_of(run), run->limit);
  bt_replay_print_rules(&run->options, &problems->result);
  print_notes(run, &problems->result);
  bt_collected_print_end(&problems->result);
}

static bt_status find_problems(bt_source *source, bt_replay_request *request, bt_problems *problems,
                               bt_idle_rules *idle, bt_error *error) {
  request->priority = BT_PRIORITY_REPLAY;
  bt_status status = bt_problems_find(source, request, BT_PROBLEM_STEPS, bt_replay_show_violations, problems, error);
  bt_replay_clear_progress();
  request->priority = BT_PRIORITY_PEOPLE;
  if (!status) status = bt_idle_rules_of_replay(source, request, &problems->result, idle, error);
  return status ? status : bt_unseen_names_of_replay(source, request, &problems->result, error);
}

static int group_and_print(const replay_run *run, bt_source *source) {
  bt_error error = {0};
  bt_problems problems;
  bt_idle_rules idle = {0};
  bt_replay_request request = request_of(run, source);
  bt_status status = find_problems(source, &request, &problems, &idle, &error);
  bt_replay_hold_range(&problems.result);
  if (!status) print_problems(run, &problems, &idle);
  int code = status ? bt_cli_fail("replay", status, &error) : exit_status(run, &problems.result, &idle);
  bt_idle_rules_dispose(&idle);
  bt_problems_dispose(&problems);
  return code;
}

/* What it found is a part of an answer, so its status says whether it was answered, and merge says the rest. */
static int replay_shard(const replay_run *run, bt_source *source) {
  bt_error error = {0};
  bt_collected all = {0};
  bt_idle_rules idle = {0};
  json_t *shard = NULL;
  bt_replay_request request = request_of(run, source);
  if (!bt_shard_request(run->shard, &request))
    return bt_cli_usage_error("replay", "the range has fewer nanoseconds than shards: ask for fewer");
  bt_status status = collect_all(source, &request, &all, &idle, &error);
  if (!status) status = bt_shard_json(run->shard, &run->options, &request, &all, &shard, &error);
  if (!status) print_json_result(run, &all, &idle, shard);
  int code = status                              ? bt_cli_fail("replay", status, &error)
             : bt_shard_is_answered(&all.result) ? BT_EXIT_FINE
                                                 : BT_EXIT_UNKNOWN;
  bt_idle_rules_dispose(&idle);
  bt_collected_dispose(&all);
  return code;
}

static int run_replay(const replay_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  int code = status             ? bt_cli_fail("replay", status, &error)
             : run->shard.count ? replay_shard(run, place.source)
             : run->groups      ? group_and_print(run, place.source)
                                : replay_and_print(run, place.source);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

enum {
  OPT_COUNT = BT_FLAG_OWN,
  OPT_LIMIT,
  OPT_EVIDENCE,
  OPT_FORMAT,
  OPT_FAIL_ON,
  OPT_STRATEGY,
  OPT_IDS,
  OPT_SHARD,
  OPT_GROUP
};

static bool take_word(const char *const *words, int count, const char *value, int *out) {
  for (int i = 0; i < count; i++)
    if (strcmp(value, words[i]) == 0) return *out = i, true;
  return false;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  static const char *const counts[] = {
      [BT_COUNT_AUTO] = "auto", [BT_COUNT_EXACT] = "exact", [BT_COUNT_AT_LEAST] = "at_least"};
  replay_run *run = context;
  int word = 0;
  switch (flag->id) {
  case OPT_COUNT: return take_word(counts, 3, value, &word) && (run->count = (bt_count_mode)word, true);
  case OPT_FORMAT: return run->has_format = true, run->format = (replay_format)bt_choice_at(flag->value, value), true;
  case OPT_IDS: return run->prints_ids = true;
  case OPT_GROUP: return run->groups = true;
  case OPT_SHARD: return bt_shard_parse(bt_str_from(value), &run->shard);
  case BT_FLAG_JSON: return run->has_format = true, run->format = FORMAT_JSON, true;
  case OPT_FAIL_ON: return bt_severity_parse(bt_str_from(value), &run->fail_on);
  case OPT_STRATEGY: return bt_strategy_parse(value, &run->strategy);
  case OPT_LIMIT: return run->has_limit = true, bt_cli_number(value, &run->limit);
  case OPT_EVIDENCE: return run->has_evidence = true, bt_cli_number(value, &run->evidence);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

enum {
  IDS_READ = 1
}; /* traces of which the evidence is kept where ids alone are printed; more are read to hold them
      against what their spans showed */

/* Who asks for all violations is given all, and a shard is a part of an answer that others complete. */
static void choose_evidence(replay_run *run) {
  bool wants_all = (run->has_limit || run->prints_ids) && !run->limit;
  if (!run->has_evidence) run->evidence = wants_all ? 0 : run->limit > BT_MOST_LISTED ? run->limit : BT_MOST_LISTED;
  if (!run->has_evidence && run->prints_ids && !run->limit) run->evidence = IDS_READ;
  if (run->shard.count) run->evidence = 0;
}

/* A shard is printed for merge, which asks what decides. */
static int check_shard(replay_run *run, const bt_command *self) {
  if (!run->shard.count) return BT_EXIT_FINE;
  if (!run->has_format) run->format = FORMAT_JSON;
  if (run->format != FORMAT_JSON || run->prints_ids)
    return bt_cli_usage_error(self->name, "--shard prints JSON alone: betrace merge makes the whole answer of it");
  if (run->options.requires_exercised || run->fail_on)
    return bt_cli_usage_error(self->name, "--shard judges nothing: give --fail-on and --require-exercised to betrace "
                                          "merge");
  return bt_shard_options_check(&run->options, self);
}

/* Each problem stands for many violations, which the other forms list. */
static int check_group(const replay_run *run, const bt_command *self) {
  if (!run->groups) return BT_EXIT_FINE;
  if (run->prints_ids || run->shard.count || (run->format != FORMAT_TEXT && run->format != FORMAT_JSON))
    return bt_cli_usage_error(self->name, "--group prints problems as text or JSON: leave out --ids, --shard and other "
                                          "words of --output");
  return BT_EXIT_FINE;
}

static int replay_command(const bt_command *self, int argc, char **argv) {
  replay_run run = {.limit = 20};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    if (run.prints_ids && !run.has_limit) run.limit = 0; /* a program that reads them wants all */
    choose_evidence(&run);
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES | BT_SHOWS_LINKS);
    if (!code) code = check_shard(&run, self);
    if (!code) code = check_group(&run, self);
    if (!code) code = run_replay(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"fail-on", OPT_FAIL_ON, "info|low|warning|medium|high|error|critical", "info: any violation",
     "exit with 1 only for violations of rules of this severity or above", NULL},
    {"output", OPT_FORMAT, "text|json|jsonl|junit|github", "text",
     "how the result is written; jsonl is one violation a line and then a summary, github for a workflow's log", NULL},
    {"group", OPT_GROUP, NULL, NULL,
     "print problems in place of violations: one for each rule, failed part and service in which the traces begin, "
     "with "
     "its trend",
     NULL},
    {"ids", OPT_IDS, NULL, NULL,
     "print the ids of violating traces only, each once, one a line; all of them without --limit", NULL},
    {"limit", OPT_LIMIT, "N", "20", "print at most N violations (of each rule, with junit); 0: all", NULL},
    {"evidence", OPT_EVIDENCE, "N", "10000",
     "keep the evidence of N violations of each rule, or some more, those of the earliest traces, and count the "
     "others; 0, as --limit 0: of all; with --ids alone 1",
     NULL},
    {"count", OPT_COUNT, "auto|exact|at_least", "auto", "how traces_evaluated is counted", NULL},
    {"strategy", OPT_STRATEGY, "auto|read|id_sets|projection", "auto: by cost",
     "how candidates are decided; the answer is the same with each", NULL},
    {"shard", OPT_SHARD, "N/OF", NULL,
     "only the Nth of OF equal parts of the range, as JSON for betrace merge; needs --start and --end as fixed times",
     NULL},
    BT_FLAG_ROW_EXERCISED,
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {"Links:", bt_flags_links, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"Rules and traces of files", "betrace replay rules.yaml traces.jsonl"},
    {"The last day of a Tempo", "betrace replay rules.yaml --tempo http://127.0.0.1:3200 --since 24h"},
    {"One rule, as text", "betrace replay --tempo http://127.0.0.1:3200 \\\n"
                          "  --dsl 'when { db.query.where(duration > 1s) } always { retry }'"},
    {"Draw the first trace that breaks a rule",
     "betrace trace $(betrace replay rules.yaml traces.jsonl --ids --limit 1) rules.yaml traces.jsonl"},
    {"As a gate in CI: fails for high, error and critical only",
     "betrace replay rules.yaml traces.jsonl --fail-on high --output junit > betrace.xml"},
    {"What is wrong: one line of each problem, and whether it rises or is over",
     "betrace replay rules.yaml --tempo http://127.0.0.1:3200 --since 24h --group"},
    {"The third of four parts, for another machine; betrace merge puts them together",
     "betrace replay rules.yaml traces.jsonl --shard 3/4 > 3.json"},
    {0}};
const bt_command bt_command_replay = {
    .name = "replay",
    .summary = "rules over the past: a store, or trace files",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) (TRACES… | --traces FILE | --store URL) [flags]",
    .about =
        "Applies rules to traces of the past and prints the violations, earliest first, and what could not be read.\n\n"
        "Of files without a flag, folders, *.yaml and *.yml are rules, and so is *.json that is no OTLP. All others "
        "are "
        "traces, and so is what stands behind --.\n\n"
        "With --shard the status says whether that part was answered, and not what was found in it: 0, or 3.",
    .examples = examples,
    .groups = groups,
    .fine = "no violation that counts (--fail-on), and everything was read",
    .found = "violations",
    .unknown = "no violation seen, but not everything could be read; " BT_EXERCISED_UNKNOWN,
    .run = replay_command};
