/* `betrace contrast`: what goes along with violating a rule. */
#include <inttypes.h>

#include "server/cli/answer.h"
#include "server/cli/idle_print.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/terminal.h"
#include "server/json/contrast_json.h"
#include "server/query/contrast.h"
#include "server/replay/sampled_text.h"

enum { OPT_SAMPLE = BT_FLAG_OWN, OPT_LIMIT, OPT_SEED, SEED_MAX = 1000000000 };

typedef struct contrast_run {
  bt_replay_options options;
  uint64_t sample, limit, seed;
} contrast_run;

/* ---- printing ---- */

static void print_side(const char *name, const bt_contrast_side *side) {
  if (!side->total && !side->total_is_exact) {
    bt_print("%-10s UNKNOWN: none was seen\n", name);
    return;
  }
  bt_print("%-10s %" PRIu32 " of %s%" PRIu64 " traces read", name, side->sampled,
           side->total_is_exact ? "" : "at least ", side->total);
  if (side->gone) bt_print(", %" PRIu32 " are gone", side->gone);
  if (side->other) bt_print(", %" PRIu32 " are judged otherwise when read whole", side->other);
  if (side->lost) bt_print(", %" PRIu32 " lack attributes or spans", side->lost);
  bt_print("\n");
}

static void print_estimate(const bt_contrast_result *result) {
  bt_buffer said = {0};
  if (result->sides[BT_VIOLATING].total_is_exact)
    bt_sampled_say_rule(&result->coverage.sampling, &result->counted, &said);
  if (said.len) bt_print("%-10s %.*s\n", "", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

static void write_mark(const bt_contrast_finding *finding, bt_buffer *out) {
  bool is_quoted = finding->type == BT_VALUE_STRING;
  switch (finding->kind) {
  case BT_MARK_SPAN_NAME: bt_buffer_printf(out, "span \"%.*s\"", BT_FMT(finding->value)); return;
  case BT_MARK_SERVICE: bt_buffer_printf(out, "service \"%.*s\"", BT_FMT(finding->value)); return;
  case BT_MARK_SPAN_ATTRIBUTE: break;
  case BT_MARK_RESOURCE_ATTRIBUTE: bt_buffer_append(out, BT_STR("resource ")); break;
  }
  if (!finding->has_value)
    bt_buffer_printf(out, "%.*s is there", BT_FMT(finding->key));
  else
    bt_buffer_printf(out, "%.*s %s %s%.*s%s", BT_FMT(finding->key), finding->is_above ? ">" : "=",
                     is_quoted ? "\"" : "", BT_FMT(finding->value), is_quoted ? "\"" : "");
}

static void print_share(uint32_t count, uint32_t of) {
  char text[40];
  snprintf(text, sizeof text, "%" PRIu32 " of %" PRIu32, count, of);
  bt_print("%12s %4.0f %%", text, of ? 100.0 * count / of : 0);
}

/* Without powers of ten, which few people read at a glance. */
static void write_ratio(double ratio, char out[24]) {
  if (ratio < 0.001)
    snprintf(out, 24, "<0.001");
  else
    snprintf(out, 24, ratio < 100 ? "%.2g" : "%.0f", ratio < 1e9 ? ratio : 1e9);
}

static void write_odds(const bt_odds_ratio *odds, char out[80]) {
  char value[24], low[24], high[24];
  write_ratio(odds->value, value);
  write_ratio(odds->low, low);
  write_ratio(odds->high, high);
  snprintf(out, 80, "%s (%s to %s)", value, low, high);
}

static void print_finding(const bt_contrast_finding *finding, const bt_contrast_result *result, unsigned columns) {
  bt_buffer mark = {0}, fitted = {0};
  char odds[80];
  write_mark(finding, &mark);
  bt_text_fit(bt_buffer_str(&mark), columns, &fitted);
  print_share(finding->counts[BT_VIOLATING], result->sides[BT_VIOLATING].sampled);
  print_share(finding->counts[BT_SATISFYING], result->sides[BT_SATISFYING].sampled);
  write_odds(&finding->odds, odds);
  bt_print("  %-26s %-9.2g %s\n", odds, finding->corrected, fitted.ptr ? fitted.ptr : "");
  bt_buffer_dispose(&mark);
  bt_buffer_dispose(&fitted);
}

static const char *name_others(const bt_contrast_result *result) {
  return result->compared_with == BT_OTHERS_SATISFYING ? "satisfying" : "others";
}

static void print_findings(const bt_contrast_result *result) {
  enum { BEFORE_MARK = 76, LEAST = 40 };
  unsigned width = bt_terminal_width();
  if (!result->finding_count) return;
  bt_print("\n%19s%19s  %-26s %-9s %s\n", "violating", name_others(result), "odds ratio (95 %)", "p", "what");
  for (size_t i = 0; i < result->finding_count; i++)
    print_finding(&result->findings[i], result, width > BEFORE_MARK + LEAST ? width - BEFORE_MARK : LEAST);
  if (result->findings_total > result->finding_count)
    bt_print("and %zu more (--limit)\n", result->findings_total - result->finding_count);
  bt_print("\n");
}

static void print_excluded(const bt_contrast_result *result, bt_contrast_exclusion reason, const char *words) {
  bt_buffer names = {0};
  for (size_t i = 0; i < result->excluded_count; i++) {
    const bt_contrast_excluded *excluded = &result->excluded[i];
    if (excluded->reason != reason) continue;
    bt_buffer_append(&names, names.len ? BT_STR(", ") : BT_STR(""));
    bt_text_fit(excluded->name, 60, &names);
  }
  if (names.len) bt_print("left out, %s: %s\n", words, names.ptr);
  bt_buffer_dispose(&names);
}

static void print_comparison(const bt_contrast_result *result) {
  print_side("violating", &result->sides[BT_VIOLATING]);
  print_estimate(result);
  print_side(name_others(result), &result->sides[BT_SATISFYING]);
  print_findings(result);
  bt_print("%s%s%s\n", bt_style_on(BT_STYLE_BOLD), result->explanation, bt_style_on(BT_STYLE_OFF));
  if (result->looked_at)
    bt_print("looked at %zu attributes and names, %zu of them frequent enough to tell; Fisher's exact test, p times "
             "Tarone's %zu: if "
             "nothing "
             "separated the two, the chance to name any would be at most %.0f %%\n",
             result->looked_at, result->able, result->divisor, 100 * BT_CONTRAST_LEVEL);
  print_excluded(result, BT_EXCLUDED_COMPARED, "because the rule compares them");
  print_excluded(result, BT_EXCLUDED_IDS, "because their values differ from trace to trace");
  print_excluded(result, BT_EXCLUDED_LONG, "long values of");
  if (result->excluded_total > result->excluded_count)
    bt_print("left out besides: %zu more\n", result->excluded_total - result->excluded_count);
  if (result->spans_left_out)
    bt_print("left out: %" PRIu64 " spans that only %s asks for\n", result->spans_left_out,
             result->compared_with == BT_OTHERS_SATISFYING ? "the rule's deciding part" : "the rule");
  if (result->left_out_keys) bt_print_line("left out: some attributes, because there are more than 2048 of them");
}

/* What was sampled in a random order is a sample of the whole range: nothing is missing in it. */
static void print_in_part(const bt_contrast_result *result, const bt_answer *answer) {
  uint64_t violating = result->sides[BT_VIOLATING].total;
  if (!bt_answer_has_gaps(answer) || result->is_sampled) return;
  if (violating)
    bt_print("%" PRIu64 " violating trace%s found", violating, bt_cli_plural(violating));
  else
    bt_print("%sUNKNOWN: no violating trace in what was judged%s", bt_style_on(BT_STYLE_YELLOW),
             bt_style_on(BT_STYLE_OFF));
  bt_answer_print_rest(answer);
  bt_print("\n");
}

static void print_text(const bt_replay_options *options, const bt_contrast_result *result, const bt_rule_words *words) {
  bt_answer answer = {options, result->outcome, result->reason, &result->coverage,
                      result->sides[BT_VIOLATING].total + result->sides[BT_SATISFYING].total};
  bt_print("%s%s%s: what goes along with violating it\n", bt_style_on(BT_STYLE_BOLD),
           options->rules.items[0]->fields.id, bt_style_on(BT_STYLE_OFF));
  bt_rule_words_print(words, (const bt_rule_definition *const *)options->rules.items, "");
  if (bt_answer_is_unknown(&answer)) {
    bt_answer_print_unknown("", &answer);
  } else {
    print_comparison(result);
    print_in_part(result, &answer);
  }
  bt_replay_print_gaps(&result->coverage);
  bt_print("%s%s%s, seed %" PRIu64 ", %.3f s, %" PRIu64 " requests, %" PRIu64 " bytes received\n",
           bt_contrast_status_name(result), result->reason[0] ? ": " : "", result->reason, result->seed,
           (double)result->duration_ns / 1e9, result->requests, result->bytes_received);
}

/* ---- running ---- */

static int choose_exit_code(const bt_contrast_result *result) {
  if (result->conclusion == BT_CONTRAST_SEPARATES) return BT_EXIT_FOUND;
  bool is_whole = result->outcome == BT_REPLAY_COMPLETED || result->is_sampled;
  bool is_certain = is_whole && result->conclusion == BT_CONTRAST_NOTHING;
  return is_certain ? BT_EXIT_FINE : BT_EXIT_UNKNOWN;
}

static int look_and_print(const contrast_run *run, bt_source *source) {
  bt_error error = {0};
  bt_contrast_result result = {0};
  bt_rule_words words = {0};
  const bt_rule_definition *rule = run->options.rules.items[0];
  bt_time_range range = bt_replay_options_range(&run->options, source, BT_DAY_NS);
  bt_contrast_request request = {.replay = bt_replay_options_request(&run->options, &rule, 1, range),
                                 .sample = (uint32_t)run->sample,
                                 .most_findings = (size_t)run->limit};
  bt_replay_observer observer = {.progress = bt_replay_show_progress};
  request.replay.sample_seed = run->seed;
  bt_status status = bt_contrast_run(source, &request, &observer, &result, &error);
  bt_replay_clear_progress();
  int code = status ? bt_cli_fail("contrast", status, &error) : choose_exit_code(&result);
  if (!status) bt_contrast_words_find(source, &request.replay, &result, &words);
  if (!status && run->options.print_json)
    bt_cli_print_json(bt_contrast_json(rule, &result, &words));
  else if (!status)
    print_text(&run->options, &result, &words);
  bt_rule_words_dispose(&words);
  bt_contrast_result_dispose(&result);
  return code;
}

static int run_contrast(const contrast_run *run) {
  bt_error error = {0};
  bt_replay_place place = {0};
  bt_status status = bt_replay_place_open(&run->options, &place, &error);
  int code = status ? bt_cli_fail("contrast", status, &error) : look_and_print(run, place.source);
  bt_replay_place_close(&place);
  return code;
}

/* ---- the row ---- */

static bool take_number(const char *value, uint64_t most, uint64_t *out) {
  return bt_cli_number(value, out) && *out > 0 && *out <= most;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  contrast_run *run = context;
  switch (flag->id) {
  case OPT_SAMPLE: return take_number(value, BT_SAMPLE_SIDE_MAX, &run->sample);
  case OPT_LIMIT: return take_number(value, BT_CONTRAST_FINDINGS_MAX, &run->limit);
  case OPT_SEED: return take_number(value, SEED_MAX, &run->seed);
  default: return bt_replay_options_take(&run->options, flag, value);
  }
}

static int contrast_command(const bt_command *self, int argc, char **argv) {
  contrast_run run = {.sample = BT_CONTRAST_SAMPLE, .limit = BT_CONTRAST_FINDINGS, .seed = 1};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options);
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    code = bt_replay_options_operands(&run.options, self, &operands, true);
    if (!code) code = bt_replay_options_check(&run.options, self, BT_NEEDS_SOURCE | BT_NEEDS_ONE_RULE);
    if (!code) code = run_contrast(&run);
  }
  bt_replay_options_dispose(&run.options);
  return code;
}

static const bt_flag flags[] = {
    {"sample", OPT_SAMPLE, "N", "100", "traces of each side that are read, at most 500", NULL},
    {"limit", OPT_LIMIT, "N", "20", "attributes and names that are shown, at most 200", NULL},
    {"seed", OPT_SEED, "N", "1", "chooses the sample: the same traces for the same seed", NULL},
    BT_FLAG_ROW_EXERCISED,
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL},
                                       {"Rule:", bt_flags_rules, NULL},
                                       {"Traces:", bt_flags_traces, NULL},
                                       {"Range:", bt_flags_range_day, NULL},
                                       {"Assumptions:", bt_flags_assumptions, NULL},
                                       {0}};
static const bt_example examples[] = {
    {"What do the traces have in common that lack a fraud check?",
     "betrace contrast --rules rules.yaml --rule fraud-check --tempo http://127.0.0.1:3200 --since 24h"},
    {"Another sample of the same traces, twice as large",
     "betrace contrast --rules rules.yaml --rule fraud-check --tempo http://127.0.0.1:3200 --since 24h \\\n"
     "  --sample 200 --seed 2"},
    {0}};
const bt_command bt_command_contrast = {
    .name = "contrast",
    .summary = "what goes along with violating a rule: services, spans and attributes",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) [--rule ID] (TRACES… | --traces FILE | --store URL) [flags]",
    .about = "Compares traces that violate a rule with traces that exercise and satisfy it. A rule may be about every "
             "trace, or satisfied by none. Then it compares with the other traces that begin with the same span. It "
             "says which comparison it was. It says which span names, services and attributes are more frequent, or "
             "less frequent, in the violating ones. At most --sample traces of each side are read.\n\n"
             "Tests each of them with Fisher's exact test and Tarone's correction for many tests. If nothing separates "
             "the two sides, the chance to name anything is at most 5 %. The odds ratio says how large the "
             "difference is. What goes along with a violation need not be its cause.\n\n"
             "Leaves out what the rule itself compares, and attributes whose values differ from trace to trace. "
             "Numbers stay in, and are compared with their quartiles.",
    .examples = examples,
    .groups = groups,
    .fine = "nothing separates the two sides beyond chance",
    .found = "something goes along with violating",
    .unknown = "too few traces to tell, or not everything could be read",
    .run = contrast_command};
