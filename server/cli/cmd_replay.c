/* `betrace replay`: rules over the past, from a Tempo or from trace files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/replay_options.h"
#include "server/report/replay_json.h"
#include "server/time_text.h"

static const char help[] =
    "Usage: betrace replay (--rules FILE | --dsl TEXT) (--tempo URL | --traces FILE) [options]\n\n"
    "Applies rules to traces of the past and prints the violations, earliest first, and what could not be read.\n\n"
    "  betrace replay --dsl 'trace.has(span.name == \"db.query\" and span.duration > 1s) and not trace.has(span.name "
    "== \"retry\")' \\\n"
    "                 --tempo http://127.0.0.1:3200 --since 24h\n"
    "  betrace replay --rules rules.yaml --traces traces.jsonl\n\n" BT_REPLAY_OPTIONS_HELP
    "  --since DURATION    from that long before the end (default 24h; with --traces: everything)\n"
    "  --count MODE        auto, exact or at_least: how traces_evaluated is counted\n"
    "  --limit N           print at most N violations (default 20; 0: all)\n\n"
    "Exit status: 0 no violation and everything was read, 1 violations, 2 usage, 3 no violation seen but not "
    "everything could be read.\n";

typedef struct found_violation {
  size_t rule;
  bt_violation *violation;
} found_violation;

static const int64_t DAY_NS = 86400000000000;

typedef struct replay_run {
  bt_replay_options options;
  bt_count_mode count;
  uint64_t limit;
  bt_replay_place place;
  found_violation *found;
  size_t found_count, found_capacity;
  bool shows_progress;
} replay_run;

/* ---- what the replay tells ---- */

static bt_status keep_violation(void *context, size_t rule, bt_violation *violation, bt_error *error) {
  replay_run *run = context;
  found_violation *found = bt_grow_array(run->found, run->found_count, &run->found_capacity, sizeof *found);
  if (!found) {
    bt_violation_free(violation);
    return bt_error_no_memory(error);
  }
  run->found = found;
  found[run->found_count++] = (found_violation){rule, violation};
  return BT_OK;
}

static void show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  const replay_run *run = context;
  if (!run->shows_progress) return;
  uint64_t violations = 0;
  for (size_t i = 0; i < so_far->rule_count; i++) violations += so_far->rules[i].violations_found;
  fprintf(stderr, "\r%3.0f %%  %" PRIu64 " violations\033[K", fraction * 100, violations);
}

static int compare_found(const void *a, const void *b) {
  const found_violation *x = a, *y = b;
  if (x->violation->time_ns != y->violation->time_ns) return x->violation->time_ns < y->violation->time_ns ? -1 : 1;
  int order = bt_trace_id_compare(&x->violation->trace_id, &y->violation->trace_id);
  return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

/* ---- printing ---- */

static void print_json_result(const replay_run *run, const bt_replay_result *result) {
  json_t *object = bt_replay_result_json(result, (const bt_rule_definition *const *)run->options.rules.items,
                                         bt_replay_outcome_name(result->outcome));
  json_t *violations = json_array();
  for (size_t i = 0; i < run->found_count; i++)
    json_array_append_new(violations,
                          bt_violation_json(run->options.rules.items[run->found[i].rule], run->found[i].violation));
  json_object_set_new(object, "coverage", bt_coverage_json(&result->coverage));
  json_object_set_new(object, "violations", violations);
  bt_cli_print_json(object);
}

static void print_rule(const bt_rule_definition *definition, const bt_rule_result *counters) {
  printf("%s: %" PRIu64 " violation%s in %s%" PRIu64 " traces (%s%" PRIu64 " exercised the rule), %" PRIu64
         " inconclusive",
         definition->fields.id, counters->violations_found, counters->violations_found == 1 ? "" : "s",
         counters->evaluated_is_exact ? "" : "at least ", counters->traces_evaluated,
         counters->exercised_is_exact ? "" : "at least ", counters->traces_exercised, counters->inconclusive);
  char time[40];
  if (counters->first_violation.is_set) {
    bt_time_format(counters->first_violation.time_ns, time);
    printf("; first at %.19sZ", time);
  }
  putchar('\n');
}

static void print_text_result(const replay_run *run, const bt_replay_result *result) {
  size_t shown = run->limit && run->found_count > run->limit ? (size_t)run->limit : run->found_count;
  for (size_t i = 0; i < shown; i++)
    bt_replay_print_violation(run->options.rules.items[run->found[i].rule], run->found[i].violation);
  if (shown < run->found_count) printf("… and %zu more (--limit 0 prints all)\n", run->found_count - shown);
  for (size_t i = 0; i < result->rule_count; i++) print_rule(run->options.rules.items[i], &result->rules[i]);
  bt_replay_print_gaps(&result->coverage);
  printf("%s%s%s, %.3f s, %" PRIu64 " requests, %" PRIu64 " bytes received\n", bt_replay_outcome_name(result->outcome),
         result->reason[0] ? ": " : "", result->reason, (double)result->duration_ns / 1e9, result->requests,
         result->bytes_received);
}

static int exit_status(const replay_run *run, const bt_replay_result *result) {
  if (run->found_count) return BT_EXIT_FOUND;
  bool unknown = result->outcome != BT_REPLAY_COMPLETED;
  for (size_t i = 0; i < result->rule_count; i++) unknown = unknown || result->rules[i].inconclusive;
  return unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

/* ---- running ---- */

static int replay_and_print(replay_run *run) {
  bt_error error = {0};
  bt_replay_result result = {0};
  bt_replay_request request = {.rules = (const bt_rule_definition *const *)run->options.rules.items,
                               .rule_count = run->options.rules.count,
                               .range = bt_replay_options_range(&run->options, run->place.source, DAY_NS),
                               .assumptions = run->options.assumptions,
                               .count = run->count,
                               .tenant = run->options.tenant,
                               .cancel = bt_replay_interrupt()};
  bt_replay_observer observer = {run, show_progress, keep_violation};
  bt_status status = bt_replay_run(run->place.source, &request, &observer, &result, &error);
  if (run->shows_progress) fputs("\r\033[K", stderr);
  if (status) {
    bt_replay_result_dispose(&result);
    return bt_cli_fail("replay", status, &error);
  }
  if (run->found_count) qsort(run->found, run->found_count, sizeof *run->found, compare_found);
  if (run->options.print_json)
    print_json_result(run, &result);
  else
    print_text_result(run, &result);
  int code = exit_status(run, &result);
  bt_replay_result_dispose(&result);
  return code;
}

static int run_replay(replay_run *run) {
  bt_error error = {0};
  run->shows_progress = isatty(STDERR_FILENO) == 1;
  bt_status status = bt_replay_place_open(&run->options, &run->place, &error);
  int code = status ? bt_cli_fail("replay", status, &error) : replay_and_print(run);
  for (size_t i = 0; i < run->found_count; i++) bt_violation_free(run->found[i].violation);
  free(run->found);
  bt_replay_place_close(&run->place);
  return code;
}

/* ---- options ---- */

enum { OPT_COUNT = BT_REPLAY_OPTION_OWN, OPT_LIMIT };

static bool take_count(const char *value, bt_count_mode *out) {
  static const char *const names[] = {
      [BT_COUNT_AUTO] = "auto", [BT_COUNT_EXACT] = "exact", [BT_COUNT_AT_LEAST] = "at_least"};
  for (int i = 0; i < 3; i++)
    if (strcmp(value, names[i]) == 0) return *out = (bt_count_mode)i, true;
  return false;
}

static bool take_own(void *context, int option, const char *value) {
  replay_run *run = context;
  return option == OPT_COUNT ? take_count(value, &run->count) : bt_cli_number(value, &run->limit);
}

int bt_cmd_replay(int argc, char **argv) {
  static const struct option rows[] = {
      {"count", 1, NULL, OPT_COUNT}, {"limit", 1, NULL, OPT_LIMIT}, {NULL, 0, NULL, 0}};
  replay_run run = {.limit = 20};
  bt_own_options own = {rows, take_own, &run};
  int code = BT_EXIT_FINE;
  if (bt_replay_options_parse(&run.options, argc, argv, help, &own, &code)) code = run_replay(&run);
  bt_replay_options_dispose(&run.options);
  return code;
}
