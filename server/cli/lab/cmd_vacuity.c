/* `betrace vacuity`: rules that nothing exercises, and names that no trace has. A rule that is never exercised is never
 * violated, and looks like one that holds: a typo, a renamed span, an attribute that moved. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/answer.h"
#include "server/cli/lab/rates.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/gate_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/replay/rule_names.h"
#include "server/rules/derived_rule.h"

typedef struct absent_name {
  bt_used_name name;
  const char *clause;
  bt_near_names near;
} absent_name;

typedef enum vacuity { EXERCISED, NEVER_EXERCISED, EXERCISE_UNKNOWN } vacuity;

typedef struct vacuous_rule {
  const bt_rule_definition *rule;
  const bt_rate *rate;
  vacuity vacuity;
  /* of one that is never exercised: how many traces meet the first conjuncts, for each number of them; of
   * `prefix_count` conjuncts */
  bt_rule_definition **prefixes;
  uint64_t *met;
  bool *met_is_known;
  uint32_t prefix_count;
  absent_name *absent;
  size_t absent_count, absent_capacity;
  bool needs_absent; /* some absent name is more than one alternative of several */
} vacuous_rule;

typedef struct vacuity_run {
  bt_replay_options options;
  bt_source *source;
  bt_time_range range;
  bt_replay_request asked; /* what names are looked for in */
  bt_rates rates;
  bt_known_names known;
  vacuous_rule *rules;
} vacuity_run;

/* ---- which conjunct is never met ---- */

static bt_status make_prefixes(vacuous_rule *v, bt_error *error) {
  uint32_t count = bt_exercising_count(v->rule->rule);
  bt_status status = BT_OK;
  v->prefixes = calloc(count + 1, sizeof *v->prefixes);
  v->met = calloc(count + 1, sizeof *v->met);
  v->met_is_known = calloc(count + 1, sizeof *v->met_is_known);
  if (!v->prefixes || !v->met || !v->met_is_known) return bt_error_no_memory(error);
  for (v->prefix_count = 0; v->prefix_count + 1 < count && !status; v->prefix_count++)
    status = bt_derived_prefix(v->rule, v->prefix_count + 1, &v->prefixes[v->prefix_count], error);
  return status;
}

/* All conjuncts together are met by nothing, that is known already; here the first, the first two, … of all such rules
 * in one replay. */
static bt_status measure_prefixes(vacuity_run *run, bt_error *error) {
  size_t count = run->options.rules.count, total = 0, at = 0;
  for (size_t i = 0; i < count; i++) total += run->rules[i].prefix_count;
  const bt_rule_definition **all = calloc(total + 1, sizeof *all);
  bt_rates rates = {0};
  bt_status status = all ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; all && i < count; i++)
    for (uint32_t p = 0; p < run->rules[i].prefix_count; p++) all[at++] = run->rules[i].prefixes[p];
  if (!status && total) status = bt_rates_measure(run->source, &run->options, all, total, run->range, &rates, error);
  at = 0;
  for (size_t i = 0; i < count && !status; i++)
    for (uint32_t p = 0; p < run->rules[i].prefix_count; p++, at++) {
      run->rules[i].met[p] = rates.items[at].violated; /* a bare condition is violated where it holds */
      run->rules[i].met_is_known[p] = rates.items[at].is_certain;
    }
  bt_rates_dispose(&rates);
  free(all);
  return status;
}

/* ---- names that no trace has ---- */

static bt_status add_absent(vacuity_run *run, vacuous_rule *v, const char *clause, const bt_used_name *name,
                            bt_error *error) {
  absent_name *absent = bt_grow_array(v->absent, v->absent_count, &v->absent_capacity, sizeof *absent);
  if (!absent) return bt_error_no_memory(error);
  v->absent = absent;
  absent_name *added = &absent[v->absent_count++];
  *added = (absent_name){.name = *name, .clause = clause};
  added->near = bt_known_names_near(&run->known, name->name, name->kind == BT_NAME_ATTRIBUTE);
  v->needs_absent = v->needs_absent || !name->is_spared;
  return BT_OK;
}

static bt_status look_at_clause(vacuity_run *run, vacuous_rule *v, const char *clause, const bt_condition *condition,
                                bt_error *error) {
  bt_used_names names = {0};
  if (run->rates.all.result.outcome != BT_REPLAY_COMPLETED) return BT_OK; /* what was not read may have the name */
  bt_status status = bt_used_names_add(&names, condition, error);
  for (size_t i = 0; i < names.count && !status; i++)
    status = bt_name_presence(run->source, &run->asked, &run->known, &names.items[i], &names.items[i].presence, error);
  if (!status) bt_used_names_spare(&names);
  for (size_t i = 0; i < names.count && !status; i++)
    if (names.items[i].presence == BT_NAME_ABSENT) status = add_absent(run, v, clause, &names.items[i], error);
  bt_used_names_dispose(&names);
  return status;
}

static bt_status look_at_rule(vacuity_run *run, size_t index, bt_error *error) {
  vacuous_rule *v = &run->rules[index];
  const bt_rule *rule = run->options.rules.items[index]->rule;
  v->rule = run->options.rules.items[index];
  v->rate = &run->rates.items[index];
  v->vacuity = v->rate->exercised ? EXERCISED : v->rate->is_certain ? NEVER_EXERCISED : EXERCISE_UNKNOWN;
  bt_status status = v->vacuity == NEVER_EXERCISED ? make_prefixes(v, error) : BT_OK;
  if (!status) status = look_at_clause(run, v, "when", rule->when, error);
  if (!status) status = look_at_clause(run, v, "always", rule->always, error);
  if (!status) status = look_at_clause(run, v, "never", rule->never, error);
  return status ? status : look_at_clause(run, v, "condition", rule->condition, error);
}

static bt_status look_at_rules(vacuity_run *run, bt_error *error) {
  size_t count = run->options.rules.count;
  run->rules = calloc(count, sizeof *run->rules);
  if (!run->rules) return bt_error_no_memory(error);
  bt_status status =
      bt_rates_measure(run->source, &run->options, (const bt_rule_definition *const *)run->options.rules.items, count,
                       run->range, &run->rates, error);
  bool is_cancelled = run->rates.all.result.outcome == BT_REPLAY_CANCELLED; /* then nothing more is asked */
  if (!status && !is_cancelled) status = bt_known_names_read(run->source, &run->asked, &run->known, error);
  for (size_t i = 0; i < count && !status; i++) status = look_at_rule(run, i, error);
  return status || is_cancelled ? status : measure_prefixes(run, error);
}

/* ---- text ---- */

static void print_clause(bt_str text) {
  bool was_blank = false;
  bt_buffer line = {0};
  for (size_t i = 0; i < text.len; i++) {
    bool is_blank = strchr(" \t\r\n", text.ptr[i]) != NULL;
    if (!is_blank || !was_blank) bt_buffer_append_char(&line, is_blank ? ' ' : text.ptr[i]);
    was_blank = is_blank;
  }
  bt_print("%.*s", BT_FMT(bt_buffer_str(&line)));
  bt_buffer_dispose(&line);
}

static void print_conjuncts(const vacuous_rule *v) {
  for (uint32_t p = 0; p <= v->prefix_count; p++) {
    bool is_last = p == v->prefix_count;
    uint64_t met = is_last ? 0 : v->met[p];
    bt_print("  %s", p ? "and " : "    ");
    print_clause(bt_exercising_text(v->rule->rule, p));
    if (!is_last && !v->met_is_known[p])
      bt_print_line(": not known");
    else
      bt_print(": %" PRIu64 " trace%s\n", met, bt_cli_plural(met));
    if (!is_last && v->met_is_known[p] && !met) return;
  }
}

static void print_near(const bt_near_names *near) {
  bt_buffer text = {0};
  for (size_t i = 0; i < near->count; i++) bt_near_name_write(near->names[i], i, &text);
  if (text.len) bt_print("%.*s", BT_FMT(bt_buffer_str(&text)));
  bt_buffer_dispose(&text);
}

static void print_absent(const absent_name *absent) {
  bt_print("  %s%sno trace has a%s %s \"%.*s\"%s (%s)", bt_style_on(BT_STYLE_YELLOW),
           absent->name.is_spared ? "note: " : "", absent->name.kind == BT_NAME_ATTRIBUTE ? "n" : "",
           bt_name_kind_in_words(absent->name.kind), BT_FMT(absent->name.name), bt_style_on(BT_STYLE_OFF),
           absent->clause);
  print_near(&absent->near);
  if (absent->name.is_spared)
    bt_print("; another alternative of the `or` can hold without it");
  else if (strcmp(absent->clause, "never") == 0)
    bt_print("; `never` may not be able to fail");
  bt_print("\n");
}

/* Behind "exercised by at least 12 traces" or "UNKNOWN: …", which say themselves what was not judged. */
static void print_violations(const vacuous_rule *v, const bt_answer *answer) {
  const char *shadow = v->rule->fields.shadow ? "shadow: it would have reported " : "";
  if (!bt_answer_has_gaps(answer)) {
    bt_print("; %s%" PRIu64 " violation%s", shadow, v->rate->violated, bt_cli_plural(v->rate->violated));
    return;
  }
  if (v->rate->violated)
    bt_print("; %s%" PRIu64 " violation%s found", shadow, v->rate->violated, bt_cli_plural(v->rate->violated));
  bt_answer_print_rest(answer);
}

static void print_rule(const vacuous_rule *v, const bt_answer *answer) {
  static const bt_style styles[] = {BT_STYLE_GREEN, BT_STYLE_RED, BT_STYLE_YELLOW};
  bt_print("%s%s%s: ", bt_style_on(styles[v->vacuity]), v->rule->fields.id, bt_style_on(BT_STYLE_OFF));
  if (v->vacuity == EXERCISED)
    bt_print("exercised by %s%" PRIu64 " trace%s", bt_answer_has_gaps(answer) ? "at least " : "", v->rate->exercised,
             bt_cli_plural(v->rate->exercised));
  if (v->vacuity == NEVER_EXERCISED) bt_print("never exercised, so it says nothing");
  if (v->vacuity == EXERCISE_UNKNOWN && bt_answer_has_gaps(answer))
    bt_print("UNKNOWN: no trace that was judged exercised it");
  else if (v->vacuity == EXERCISE_UNKNOWN)
    bt_print("UNKNOWN: whether it is exercised: %s", v->rate->why_not);
  print_violations(v, answer);
  bt_print("\n");
  if (v->vacuity == NEVER_EXERCISED) print_conjuncts(v);
  for (size_t i = 0; i < v->absent_count; i++) print_absent(&v->absent[i]);
}

/* ---- JSON ---- */

static json_t *absent_json(const absent_name *absent) {
  json_t *near = json_array();
  for (size_t i = 0; i < absent->near.count; i++) bt_json_append(near, bt_text_json(absent->near.names[i]));
  return json_pack("{s:s, s:o, s:s, s:b, s:o}", "kind", bt_name_kind_in_words(absent->name.kind), "name",
                   bt_text_json(absent->name.name), "clause", absent->clause, "spared", absent->name.is_spared, "near",
                   near);
}

static json_t *conjuncts_json(const vacuous_rule *v) {
  json_t *array = json_array();
  for (uint32_t p = 0; v->vacuity == NEVER_EXERCISED && p <= v->prefix_count; p++) {
    bool is_last = p == v->prefix_count, is_known = is_last || v->met_is_known[p];
    bt_json_append(array, json_pack("{s:o, s:o}", "text", bt_text_json(bt_exercising_text(v->rule->rule, p)), "traces",
                                    is_known ? json_integer(is_last ? 0 : (json_int_t)v->met[p]) : json_null()));
  }
  return array;
}

static json_t *rule_json(const vacuous_rule *v) {
  static const char *const words[] = {"exercised", "never_exercised", "unknown"};
  json_t *absent = json_array();
  for (size_t i = 0; i < v->absent_count; i++) bt_json_append(absent, absent_json(&v->absent[i]));
  return json_pack("{s:s, s:b, s:s, s:o, s:o, s:o}", "rule_id", v->rule->fields.id, "shadow", v->rule->fields.shadow,
                   "result", words[v->vacuity], "rate", bt_rate_json(v->rate), "conjuncts", conjuncts_json(v), "absent",
                   absent);
}

/* ---- running ---- */

static int print_and_end(const vacuity_run *run) {
  size_t count = run->options.rules.count, vacuous = 0, unknown = 0;
  json_t *rules = json_array();
  bt_answer answer = bt_answer_of(&run->options, &run->rates.all.result);
  if (!run->options.print_json && bt_answer_is_unknown(&answer)) bt_answer_print_unknown("", &answer);
  for (size_t i = 0; i < count; i++) {
    const vacuous_rule *v = &run->rules[i];
    vacuous += v->vacuity == NEVER_EXERCISED || v->needs_absent;
    unknown += v->vacuity == EXERCISE_UNKNOWN;
    if (run->options.print_json)
      bt_json_append(rules, rule_json(v));
    else if (!bt_answer_is_unknown(&answer))
      print_rule(v, &answer);
  }
  if (run->options.print_json) {
    bt_cli_print_json(
        json_pack("{s:O, s:o}", "rules", rules, "coverage", bt_coverage_json(&run->rates.all.result.coverage)));
  } else {
    if (run->known.problem[0]) bt_print("names could not be listed, so none are suggested: %s\n", run->known.problem);
    bt_collected_print_end(&run->rates.all.result);
  }
  json_decref(rules);
  return vacuous                                                           ? BT_EXIT_FOUND
         : unknown || run->rates.all.result.outcome != BT_REPLAY_COMPLETED ? BT_EXIT_UNKNOWN
                                                                           : BT_EXIT_FINE;
}

static void dispose_run(vacuity_run *run) {
  for (size_t i = 0; run->rules && i < run->options.rules.count; i++) {
    for (uint32_t p = 0; p < run->rules[i].prefix_count; p++) bt_rule_definition_unref(run->rules[i].prefixes[p]);
    free(run->rules[i].prefixes);
    free(run->rules[i].met);
    free(run->rules[i].met_is_known);
    free(run->rules[i].absent);
  }
  free(run->rules);
  bt_known_names_dispose(&run->known);
  bt_rates_dispose(&run->rates);
}

static int run_vacuity(vacuity_run *run) {
  bt_error error = {0};
  bt_replay_place place;
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  run->source = place.source;
  if (!status) run->range = bt_replay_options_range(&run->options, place.source, 7 * BT_DAY_NS);
  if (!status) run->asked = bt_replay_options_request(&run->options, NULL, 0, run->range);
  if (!status) status = look_at_rules(run, &error);
  int code = status ? bt_cli_fail("vacuity", status, &error) : print_and_end(run);
  dispose_run(run);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  vacuity_run *run = context;
  return bt_replay_options_take(&run->options, flag, value);
}

static int vacuity_command(const bt_command *self, int argc, char **argv) {
  vacuity_run run = {0};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_RULES);
    if (!code) code = run_vacuity(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag_group groups[] = {{"Rules:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_week, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"Which of our rules say nothing, because a span was renamed or a name has a typo?",
     "betrace vacuity --rules rules.yaml --tempo http://127.0.0.1:3200 --since 7d"},
    {"What would a shadow rule have reported?",
     "betrace vacuity --rules rules.yaml --rule new-rule --traces traces.jsonl"},
    {0}};
const bt_command bt_command_vacuity = {
    .name = "vacuity",
    .summary = "rules that are never exercised, and names that no trace has",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) (TRACES… | --traces FILE | --store URL) [flags]",
    .about =
        "A rule that nothing exercises is never violated, and looks like one that holds. This lists such rules, "
        "with the part of their condition that no trace meets. It also lists names of spans, services and "
        "attributes that no trace of the range has, with the nearest ones that it has. Alternatives of one `or` count "
        "as one: a name that some of them do without is a note.\n\n"
        "For each rule it says how many traces exercised and violated it; of "
        "shadow rules, what they would have reported.",
    .examples = examples,
    .groups = groups,
    .fine = "every rule was exercised, and every name that it needs is there",
    .found = "some rule is never exercised, or needs a name that is in no trace",
    .unknown = "not known, because not everything could be read",
    .run = vacuity_command};
