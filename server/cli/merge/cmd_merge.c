/* `betrace merge`: the answer of a whole range from those of its shards. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "server/base/span_time.h"
#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/cli/collected_replay.h"
#include "server/cli/idle_print.h"
#include "server/cli/merge/shard_answer.h"
#include "server/cli/merge/shard_join.h"
#include "server/cli/printer.h"
#include "server/cli/replay_rules.h"
#include "server/cli/terminal.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

typedef struct merge_run {
  bt_severity fail_on; /* info: any violation fails */
  uint64_t limit;
  bool print_json, requires_exercised, other_stores;
  bt_shard_answer *answers;
  size_t count;
  bt_merged merged;
  bt_rule_definition **rules; /* of the first answer; borrowed */
  bool *is_idle;              /* of each rule: nothing exercised it, */
  bool *is_known;             /* or nobody knows whether anything did */
} merge_run;

/* ---- rules that nothing exercised ---- */

/* What a shard says of the rule; NULL: something exercised it there, or the shard has nothing to say of it. */
static const json_t *idle_in(const bt_shard_answer *answer, const char *rule_id) {
  const json_t *all = json_object_get(answer->document, "unexercised");
  for (size_t i = 0; i < json_array_size(all); i++) {
    const char *id = json_string_value(json_object_get(json_array_get(all, i), "rule_id"));
    if (id && strcmp(id, rule_id) == 0) return json_array_get(all, i);
  }
  return NULL;
}

/* A shard that shows no settled trace says nothing of its rules, and has none that could exercise one. */
static bool shows_settled(const bt_coverage *coverage) {
  return coverage->has_data_from && coverage->data_from_ns < coverage->effective_end_ns;
}

/* In no shard that has anything to say; known where each of them knows. */
static void find_idle(merge_run *run, size_t rule) {
  size_t said = 0, known = 0, speaking = 0;
  for (size_t i = 0; i < run->count; i++) {
    const json_t *idle = idle_in(&run->answers[i], run->rules[rule]->fields.id);
    said += idle != NULL;
    known += idle && json_is_true(json_object_get(idle, "known"));
    speaking += shows_settled(&run->answers[i].result.coverage);
  }
  bool is_told = bt_replay_has_whole(&run->merged.result, rule) && shows_settled(&run->merged.result.coverage);
  run->is_idle[rule] = is_told && said && said == speaking;
  run->is_known[rule] = known == said;
}

static const char *idle_message(const merge_run *run, size_t rule) {
  return run->is_known[rule] ? "nothing exercised this rule in any shard; betrace vacuity says which part of it"
                             : "UNKNOWN: whether anything exercised this rule: some shard could not find out";
}

static json_t *idle_json(const merge_run *run) {
  json_t *array = json_array();
  for (size_t i = 0; i < run->merged.result.rule_count; i++)
    if (run->is_idle[i])
      bt_json_append(array, json_pack("{s:s, s:b, s:s, s:[]}", "rule_id", run->rules[i]->fields.id, "known",
                                      run->is_known[i], "message", idle_message(run, i), "absent"));
  return array;
}

static void print_idle(const merge_run *run) {
  for (size_t i = 0; i < run->merged.result.rule_count; i++)
    if (run->is_idle[i])
      bt_print("%s%s: %s%s\n", bt_style_on(BT_STYLE_YELLOW), run->rules[i]->fields.id, idle_message(run, i),
               bt_style_on(BT_STYLE_OFF));
}

/* ---- printing ---- */

static json_t *shards_json(const merge_run *run) {
  uint32_t number = 1;
  bt_time_range range;
  json_t *missing = json_array();
  while (bt_shards_next_missing(run->answers, run->count, &number, &range)) {
    char start[40], end[40];
    bt_time_format(range.start_ns, start);
    bt_time_format(range.end_ns, end);
    bt_json_append(missing,
                   json_pack("{s:I, s:s, s:s}", "number", (json_int_t)(number - 1), "start", start, "end", end));
  }
  return json_pack("{s:I, s:o}", "of", (json_int_t)run->answers[0].shard.count, "missing", missing);
}

/* Notes about the data are each shard's: none of them has looked at the whole. */
static void print_json_result(const merge_run *run) {
  json_t *object = bt_replay_result_json(&run->merged.result, (const bt_rule_definition *const *)run->rules,
                                         bt_replay_outcome_name(run->merged.result.outcome));
  (void)json_object_del(object, "notes");
  (void)json_object_del(object, "traces_noted");
  bt_json_set(object, "coverage", bt_replay_coverage_json(&run->merged.result.coverage));
  bt_json_set(object, "unexercised", idle_json(run));
  bt_json_set(object, "merged", shards_json(run));
  bt_json_set(object, "violations", json_incref(run->merged.violations));
  bt_cli_print_json(object);
}

static void print_violation(const json_t *violation) {
  const char *rests_on = bt_json_text_at(violation, "rests_on");
  int64_t time_ns = 0;
  char time[BT_SPAN_TIME_BYTES];
  (void)bt_time_parse(bt_str_from(bt_json_text_at(violation, "time")), 0, &time_ns);
  bt_span_time_format(time_ns, 0, time);
  bt_print("%s%-20s%s  %s  %s%s%s  %s%s%s%s\n", bt_style_on(BT_STYLE_DIM), time, bt_style_on(BT_STYLE_OFF),
           bt_json_text_at(violation, "trace_id"), bt_style_on(BT_STYLE_RED), bt_json_text_at(violation, "rule_id"),
           bt_style_on(BT_STYLE_OFF), bt_json_text_at(violation, "message"), rests_on[0] ? " (rests on " : "", rests_on,
           rests_on[0] ? ")" : "");
}

static void print_text_result(const merge_run *run) {
  size_t count = json_array_size(run->merged.violations);
  size_t shown = run->limit && count > run->limit ? (size_t)run->limit : count;
  bt_replay_options options = {.rules = {.items = run->rules, .count = run->merged.result.rule_count}};
  print_idle(run);
  for (size_t i = 0; i < shown; i++) print_violation(json_array_get(run->merged.violations, i));
  if (shown < count) bt_print("… and %zu more (--limit 0 prints all)\n", count - shown);
  bt_replay_print_rules(&options, &run->merged.result);
  bt_collected_print_end(&run->merged.result);
}

/* As of a replay. */
static int exit_status(const merge_run *run) {
  const bt_replay_result *result = &run->merged.result;
  bool unknown = result->outcome != BT_REPLAY_COMPLETED, is_idle = false;
  for (size_t i = 0; i < result->rule_count; i++) {
    if (run->rules[i]->fields.severity < run->fail_on) continue;
    if (result->rules[i].violations_found) return BT_EXIT_FOUND;
    unknown = unknown || result->rules[i].inconclusive;
    is_idle = is_idle || run->is_idle[i];
  }
  bt_replay_options options = {.requires_exercised = run->requires_exercised};
  return bt_idle_exit_status(&options, is_idle, unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE);
}

/* ---- running ---- */

static int compare_answers(const void *a, const void *b) {
  const bt_shard_answer *x = a, *y = b;
  return (x->shard.number > y->shard.number) - (x->shard.number < y->shard.number);
}

static bt_status read_answers(merge_run *run, const bt_operands *operands, bt_error *error) {
  run->answers = calloc(operands->count, sizeof *run->answers);
  bt_status status = run->answers ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < operands->count && !status; i++) {
    run->count++;
    status = bt_shard_answer_read(operands->items[i], &run->answers[i], error);
    if (!status) status = bt_shard_answer_fits(&run->answers[i], &run->answers[0], run->other_stores, error);
  }
  return status;
}

/* Which of two answers counts nobody says. */
static bt_status order_answers(merge_run *run, bt_error *error) {
  qsort(run->answers, run->count, sizeof *run->answers, compare_answers);
  for (size_t i = 1; i < run->count; i++) {
    const bt_shard_answer *one = &run->answers[i - 1], *other = &run->answers[i];
    if (one->shard.number == other->shard.number)
      return bt_error_set(error, BT_INVALID,
                          "shard %u/%u is given twice: expected it once, and it is in %s and in %s; "
                          "leave one of them out",
                          one->shard.number, one->shard.count, one->file, other->file);
  }
  return BT_OK;
}

static bt_status take_rules(merge_run *run, bt_error *error) {
  size_t count = run->answers[0].result.rule_count;
  run->rules = calloc(count, sizeof *run->rules);
  run->is_idle = calloc(count, sizeof *run->is_idle);
  run->is_known = calloc(count, sizeof *run->is_known);
  if (!run->rules || !run->is_idle || !run->is_known) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) run->rules[i] = &run->answers[0].rules[i];
  for (size_t i = 0; i < count; i++) find_idle(run, i);
  return BT_OK;
}

static int merge_and_print(merge_run *run, const bt_operands *operands) {
  bt_error error = {0};
  bt_status status = read_answers(run, operands, &error);
  if (!status) status = order_answers(run, &error);
  if (!status) status = bt_shards_join(run->answers, run->count, &run->merged, &error);
  if (!status) status = take_rules(run, &error);
  if (status) return bt_cli_fail("merge", status, &error);
  if (run->print_json)
    print_json_result(run);
  else
    print_text_result(run);
  return exit_status(run);
}

static void dispose_run(merge_run *run) {
  bt_merged_dispose(&run->merged);
  for (size_t i = 0; i < run->count; i++) bt_shard_answer_dispose(&run->answers[i]);
  free(run->answers);
  free(run->rules);
  free(run->is_idle);
  free(run->is_known);
}

/* ---- the row ---- */

enum { OPT_FAIL_ON = BT_FLAG_OWN, OPT_LIMIT, OPT_OTHER_STORES };

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  merge_run *run = context;
  switch (flag->id) {
  case OPT_FAIL_ON: return bt_severity_parse(bt_str_from(value), &run->fail_on);
  case OPT_LIMIT: return bt_cli_number(value, &run->limit);
  case OPT_OTHER_STORES: return run->other_stores = true;
  case BT_FLAG_EXERCISED: return run->requires_exercised = true;
  case BT_FLAG_JSON: return run->print_json = true;
  default: return false;
  }
}

static int merge_command(const bt_command *self, int argc, char **argv) {
  merge_run run = {.limit = 20};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) return code;
  if (!operands.count)
    return bt_cli_usage_error(self->name, "say which answers: the files that betrace replay --shard printed");
  code = merge_and_print(&run, &operands);
  dispose_run(&run);
  return code;
}

static const bt_flag flags[] = {{"fail-on", OPT_FAIL_ON, "info|low|warning|medium|high|error|critical",
                                 "info: any violation",
                                 "exit with 1 only for violations of rules of this severity or above", NULL},
                                {"limit", OPT_LIMIT, "N", "20", "print at most N violations; 0: all", NULL},
                                {"other-stores", OPT_OTHER_STORES, NULL, NULL,
                                 "shards may have asked at several addresses, which show the same traces", NULL},
                                BT_FLAG_ROW_EXERCISED,
                                {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {
    {"Sixteen shards, four at a time, and the answer of all",
     "seq 16 | xargs -P 4 -I N sh -c 'betrace replay rules.yaml traces.jsonl --shard N/16 > N.json'\n"
     "betrace merge *.json"},
    {0}};
const bt_command bt_command_merge = {
    .name = "merge",
    .summary = "one answer from the shards of a replay",
    .usage = "[flags] FILE…",
    .about = "Reads what betrace replay --shard printed, and prints the answer of the whole range, as one replay of it "
             "would have.\n\n"
             "The answer is incomplete where a shard is missing, and names it. Shards of another replay are refused.",
    .examples = examples,
    .groups = groups,
    .fine = "no violation that counts (--fail-on), and everything was read",
    .found = "violations",
    .unknown = "no violation seen, but a shard is missing or could not read everything; " BT_EXERCISED_UNKNOWN,
    .operands = "traces",
    .run = merge_command};
