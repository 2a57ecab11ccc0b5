/* Flags that commands over a source and a range share. See replay_options.h. */
#include "server/rulefile/convention_files.h"
#include "server/cli/replay_options.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/suggestion.h"
#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/base/span_time.h"
#include "server/base/time_text.h"
#include "server/cli/operands.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/replay/sampled_text.h"
#include "server/replay/trace_link.h"
#include "tempo/files/file_source.h"

static bt_cancel interrupted;

static void on_interrupt(int signal_number) {
  (void)signal_number;
  atomic_store(&interrupted.requested, true);
}

const bt_cancel *bt_replay_interrupt(void) {
  signal(SIGINT, on_interrupt);
  return &interrupted;
}

/* ---- the source and the range ---- */

bt_status bt_replay_place_open(const bt_replay_options *options, bt_replay_place *out, bt_error *error) {
  *out = (bt_replay_place){0};
  (void)bt_replay_interrupt(); /* from the first question on, Ctrl+C ends with what is known */
  if (options->trace_count)
    return bt_cli_open_traces(options->traces, options->trace_count, options->jobs, &out->source, error);
  bt_http_options http = {.concurrency = (uint32_t)options->concurrency,
                          .concurrency_max = (uint32_t)options->concurrency_max};
  bt_source_settings settings = options->source;
  bt_source_settings_use_environment(&settings);
  bt_status status = bt_http_client_new(&http, &out->client, error);
  return status ? status : bt_source_settings_open(&settings, out->client, &out->source, error);
}

void bt_replay_place_close(bt_replay_place *place) {
  bt_source_free(place->source);
  bt_http_client_free(place->client);
}

bt_time_range bt_replay_options_range(const bt_replay_options *options, const bt_source *source, int64_t otherwise_ns) {
  if (options->trace_count && !options->has_start && !options->has_end && !options->since_ns)
    return bt_file_source_range(source); /* all that is in the files */
  int64_t end = options->has_end ? options->end_ns : bt_clock_wall_ns();
  int64_t since = options->since_ns ? options->since_ns : otherwise_ns;
  return (bt_time_range){options->has_start ? options->start_ns : end - since, end};
}

bt_replay_request bt_replay_options_request(const bt_replay_options *options, const bt_rule_definition *const *rules,
                                            size_t rule_count, bt_time_range range) {
  return (bt_replay_request){.rules = rules,
                             .rule_count = rule_count,
                             .range = range,
                             .assumptions = options->assumptions,
                             .tenant = options->tenant,
                             .priority = BT_PRIORITY_PEOPLE,
                             .cancel = bt_replay_interrupt()};
}

/* ---- printing ---- */

/* What is left, at the pace so far. A command may show several replays: the fraction then goes back, and the pace is
 * that of the new one. In the first two seconds, and before a twentieth is done, it would be a guess. */
static void print_left(double fraction) {
  static int64_t began_ns;
  static double last = 1;
  int64_t now = bt_clock_monotonic_ns();
  if (fraction < last || !began_ns) began_ns = now;
  last = fraction;
  double passed_s = (double)(now - began_ns) / 1e9;
  if (passed_s < 2 || fraction < 0.05 || fraction >= 1) return;
  double left_s = passed_s * (1 - fraction) / fraction;
  if (left_s < 90)
    bt_print_error("  about %.0f s left", left_s < 1 ? 1 : left_s);
  else
    bt_print_error("  about %.0f min left", left_s / 60);
}

void bt_replay_show_progress(void *context, double fraction, const bt_replay_result *so_far) {
  (void)context, (void)so_far;
  if (!bt_terminal_shows_progress()) return;
  bt_print_error("\r%3.0f %%\033[K", fraction * 100);
  print_left(fraction);
}

void bt_cli_show_fraction(void *context, double fraction) {
  bt_replay_show_progress(context, fraction, NULL);
}

void bt_replay_show_violations(void *context, double fraction, const bt_replay_result *so_far) {
  uint64_t violations = 0;
  for (size_t i = 0; i < so_far->rule_count; i++) violations += so_far->rules[i].violations_found;
  bt_replay_show_progress(context, fraction, so_far);
  if (violations && bt_terminal_shows_progress())
    bt_print_error("  %" PRIu64 " violation%s", violations, bt_cli_plural(violations));
}

void bt_replay_clear_progress(void) {
  if (bt_terminal_shows_progress()) bt_print_error("\r\033[K");
}

void bt_replay_print_violation(const bt_rule_definition *definition, const bt_violation *violation) {
  char time[BT_SPAN_TIME_BYTES], trace_id[BT_TRACE_ID_HEX + 1];
  bt_span_time_format(violation->time_ns, 0, time);
  bt_trace_id_format(&violation->trace_id, trace_id);
  bt_print("%s%-20s%s  %s  %s%s%s  %s%s\n", bt_style_on(BT_STYLE_DIM), time, bt_style_on(BT_STYLE_OFF), trace_id,
           bt_style_on(BT_STYLE_RED), definition->fields.id, bt_style_on(BT_STYLE_OFF), violation->message,
           violation->provisional        ? " (provisional: its trace is not settled yet)"
           : violation->rests_on_no_link ? " (rests on " BT_RESTS_ON_NO_LINK ")"
                                         : "");
  bt_trace_link_print("  ", violation);
}

/* What has no version but ours needs no word about what reads it. */
void bt_replay_print_source(const bt_source_about *about) {
  char text[BT_SOURCE_TEXT_BYTES];
  if (!about->kind || (about->is_checked && !about->version[0])) return;
  bt_source_about_text(about, text);
  bt_print("source: %s\n", text);
}

/* What is found there is found; what is not found there says nothing yet. */
static void print_found_there(const bt_coverage *coverage, const bt_tail_found *found) {
  uint64_t count = coverage->unsettled;
  if (found->violations)
    bt_print(": %" PRIu64 " violation%s", found->violations, bt_cli_plural(found->violations));
  else if (!found->is_listed)
    bt_print(": no violation was seen there so far");
  else if (count)
    bt_print(": none");
  else
    bt_print(": no trace is shown there yet");
  if (count && found->is_listed) bt_print(" among the %" PRIu64 " trace%s shown there", count, bt_cli_plural(count));
}

static void print_tail(const bt_coverage *coverage, const bt_tail_found *found) {
  char from[40], until[40];
  uint64_t count = coverage->unsettled;
  if (!coverage->late_until_ns) {
    if (count) bt_print("not settled yet: %" PRIu64 " trace%s at the end of the range\n", count, bt_cli_plural(count));
    return;
  }
  bt_time_format(bt_time_later(coverage->effective_end_ns, coverage->asked.start_ns), from);
  bt_time_format(coverage->late_until_ns, until);
  bt_print("from %.19sZ on nothing is settled", from);
  if (found) print_found_there(coverage, found);
  bt_print("; until %.19sZ late ones may be hidden\n", until);
}

/* Where the range has none at its ends, and where in the middle, if that is more than a quiet moment. */
static void print_empty(const bt_coverage *coverage) {
  enum { MOST = 3 };
  static const int64_t minute_ns = INT64_C(60000000000);
  bt_time_range before, after;
  char start[40], end[40];
  bool begins_late = bt_coverage_begins_late(coverage, &before), ends_early = bt_coverage_ends_early(coverage, &after);
  size_t count = 0;
  if (begins_late) {
    bt_time_format(before.end_ns, start);
    bt_print("no trace seen before %.19sZ\n", start);
  }
  for (size_t i = 0; i < coverage->windows_empty_count; i++) {
    const bt_time_range *gap = &coverage->windows_empty[i];
    bool is_said = (begins_late && gap->start_ns < before.end_ns) || (ends_early && gap->start_ns >= after.start_ns);
    bool is_short = gap->end_ns - gap->start_ns < minute_ns;
    if (is_said || is_short || gap->end_ns >= after.end_ns || count++ >= MOST) continue;
    bt_time_format(gap->start_ns, start);
    bt_time_format(gap->end_ns, end);
    bt_print("no trace seen from %.19sZ to %.19sZ\n", start, end);
  }
  if (count > MOST) bt_print("no trace seen in %zu more parts of the range\n", count - MOST);
  if (!ends_early || (begins_late && after.start_ns <= before.end_ns)) return;
  bt_time_format(after.start_ns, start);
  bt_time_format(after.end_ns, end);
  bt_print("no trace seen from %.19sZ to %.19sZ\n", start, end);
}

static void print_losses(const bt_coverage *coverage) {
  char said[BT_LOSSES_BYTES];
  bt_coverage_say_losses(coverage, said);
  if (said[0]) bt_print("%s\n", said);
}

static void print_contradicted(const bt_coverage *coverage) {
  enum { MOST = 3 };
  char hex[BT_TRACE_ID_HEX + 1];
  for (size_t i = 0; i < coverage->contradicted_count && i < MOST; i++) {
    bt_trace_id_format(&coverage->contradicted[i].trace_id, hex);
    bt_print("not certain: trace %s: %s\n", hex,
             coverage->contradicted[i].copies_explain
                 ? "copies of one of its spans do not agree, and what was read of it contradicts the rest (copies)"
                 : "what was read of it last contradicts what was seen of it before (differs)");
  }
  if (coverage->contradicted_count > MOST)
    bt_print("not certain: %zu more traces, which contradict what was seen of them before\n",
             coverage->contradicted_count - MOST);
}

void bt_replay_print_sampling(const bt_sampled_traces *range) {
  bt_buffer said = {0};
  bt_sampled_say_range(range, &said);
  bool names_it = bt_sampled_traces_known(range) == BT_KEPT_NOT_SAID;
  if (said.len) bt_print("%s%.*s\n", names_it ? "" : "sampling: ", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

void bt_replay_print_gaps(const bt_coverage *coverage) {
  bt_replay_print_gaps_and(coverage, NULL);
}

void bt_replay_print_gaps_and(const bt_coverage *coverage, const bt_tail_found *found) {
  if (bt_sampled_traces_known(&coverage->sampling) != BT_KEPT_NOT_SAID) bt_replay_print_sampling(&coverage->sampling);
  char start[40], end[40];
  bt_replay_print_source(&coverage->source);
  for (size_t i = 0; i < coverage->windows_failed_count; i++) {
    bt_time_format(coverage->windows_failed[i].range.start_ns, start);
    bt_time_format(coverage->windows_failed[i].range.end_ns, end);
    bt_print("not read: %.19sZ to %.19sZ: %s\n", start, end, coverage->windows_failed[i].reason);
  }
  print_contradicted(coverage);
  if (coverage->unended)
    bt_print("without an end: a span of %" PRIu64
             " traces that were read; Tempo's searches never show a trace whose spans "
             "all lack one\n",
             coverage->unended);
  if (coverage->without_time)
    bt_print(
        "without a time: %" PRIu64
        " of the traces that were judged; no span of them has a start or an end, so they are judged in every range\n",
        coverage->without_time);
  print_empty(coverage);
  print_losses(coverage);
  print_tail(coverage, found);
}

/* ---- flags ---- */

enum {
  OPT_RULES = BT_FLAG_SHARED,
  OPT_DSL,
  OPT_RULE,
  OPT_TEMPO,
  OPT_STORE,
  OPT_STORE_NAME,
  OPT_TEMPO_USER,
  OPT_TEMPO_PASSWORD_FILE,
  OPT_TEMPO_TOKEN_FILE,
  OPT_TEMPO_CA,
  OPT_TEMPO_TIMEOUT,
  OPT_TEMPO_REPLICATION,
  OPT_TRACES,
  OPT_JOBS,
  OPT_SINCE,
  OPT_START,
  OPT_END,
  OPT_TENANT,
  OPT_SETTLE,
  OPT_MARGIN,
  OPT_LATENESS,
  OPT_HANDOVER,
  OPT_BUDGET,
  OPT_CLOCK_SKEW,
  OPT_COARSE_CLOCKS,
  OPT_REQUIRE_COMPLETE,
  OPT_LINKS_SAMPLED,
  OPT_SEMCONV,
  OPT_SAMPLING,
  OPT_CONCURRENCY,
  OPT_CONCURRENCY_MAX,
  OPT_TRACE_LINK
};

const bt_flag bt_flags_rules[] = {
    {"rules", OPT_RULES, "FILE", NULL, "rule file (YAML or JSON), or a folder of them; may be given several times",
     NULL},
    {"dsl", OPT_DSL, "TEXT", NULL, "one rule's text", NULL},
    {"rule", OPT_RULE, "ID", "all", "only this rule of the files; may be given several times", NULL},
    {0}};

const bt_flag bt_flags_traces[] = {
    {"tempo", OPT_TEMPO, "URL", NULL, "Tempo's HTTP address, with the path before /api/ if there is one",
     "BETRACE_TEMPO_URL"},
    {"store", OPT_STORE, "URL", NULL,
     "URL of the store, with its kind before the scheme: tempo+http://…, clickhouse+https://… or opensearch+https://…; "
     "instead of --tempo",
     "BETRACE_STORE"},
    {"store-name", OPT_STORE_NAME, "NAME", NULL,
     "which of the stores that rules name this is; rules of other stores are left out", NULL},
    {"traces", OPT_TRACES, "FILE", NULL,
     "file of traces (OTLP, or JSON of Jaeger or Zipkin; gzip and zstd are fine) instead of a store; may be given "
     "several "
     "times",
     NULL},
    {"jobs", OPT_JOBS, "N", "the processors", BT_JOBS_HELP, NULL},
    {"tenant", OPT_TENANT, "NAME", NULL, "X-Scope-OrgID for Tempo", NULL},
    {"tempo-user", OPT_TEMPO_USER, "NAME", NULL, "user for Tempo (basic authentication)", "BETRACE_TEMPO_USER"},
    {"tempo-password-file", OPT_TEMPO_PASSWORD_FILE, "FILE", NULL,
     "file that holds that user's password; the variable holds the password itself", "BETRACE_TEMPO_PASSWORD"},
    {"tempo-token-file", OPT_TEMPO_TOKEN_FILE, "FILE", NULL,
     "file that holds a bearer token for Tempo; the variable holds the token itself", "BETRACE_TEMPO_TOKEN"},
    {"tempo-ca", OPT_TEMPO_CA, "FILE", NULL, "authorities (PEM) to trust besides the system's", "BETRACE_TEMPO_CA"},
    {"tempo-timeout", OPT_TEMPO_TIMEOUT, "DURATION", "2m", "how long one request to Tempo may take",
     "BETRACE_TEMPO_TIMEOUT"},
    {"tempo-replication", OPT_TEMPO_REPLICATION, "N", "0", "ingesters that hold each span (Tempo 2); 0: as Tempo says",
     "BETRACE_TEMPO_REPLICATION"},
    {"tempo-concurrency", OPT_CONCURRENCY, "N", "2", "requests to the store at once at first", NULL},
    {"tempo-concurrency-max", OPT_CONCURRENCY_MAX, "N", "16",
     "the most at once: their number grows to it while answers stay fast", NULL},
    {0}};

const bt_flag bt_flags_assumptions[] = {
    {"settle", OPT_SETTLE, "DURATION", "2m", "a trace is settled when its last span is older than this", NULL},
    {"margin", OPT_MARGIN, "DURATION", "15m", "longest trace that is judged at the edge of a range", NULL},
    {"lateness", OPT_LATENESS, "DURATION", "15m", "how much later than its time a span may arrive", NULL},
    {"handover", OPT_HANDOVER, "DURATION", "1h", "how long the store may keep spans that only a read by id sees", NULL},
    {"budget", OPT_BUDGET, "STEPS", "0", "what a rule may take on one trace; 0: as many as its spans call for", NULL},
    {"clock-skew", OPT_CLOCK_SKEW, "DURATION", "0s", "order of spans of two services within this is unknown", NULL},
    {"coarse-clocks", OPT_COARSE_CLOCKS, "unknown|exact", "exact", BT_COARSE_CLOCKS_HELP, NULL},
    {"require-complete", OPT_REQUIRE_COMPLETE, NULL, NULL, "a missing parent makes a trace incomplete", NULL},
    {"links-sampled", OPT_LINKS_SAMPLED, NULL, NULL, "traces are dropped one by one: no linked trace proves nothing",
     NULL},
    {"sampling", OPT_SAMPLING, "TEXT", "auto", BT_SAMPLING_HELP, BT_SAMPLING_VARIABLE},
    {"semconv", OPT_SEMCONV, "DIR", NULL, BT_SEMCONV_HELP, BT_SEMCONV_VARIABLE},
    {0}};

const bt_flag bt_flags_links[] = {
    {"trace-link-template", OPT_TRACE_LINK, "URL", NULL, BT_TRACE_LINK_HELP, BT_TRACE_LINK_VARIABLE}, {0}};

#define START_AND_END                                                                                                  \
  {"start", OPT_START, "TIME", NULL, "RFC 3339, unix s/ms/ns, now, now-24h", NULL},                                    \
      {"end", OPT_END, "TIME", "now", "likewise", NULL}, {                                                             \
    0                                                                                                                  \
  }
#define SINCE_HELP "from that long before the end"
const bt_flag bt_flags_range_day[] = {{"since", OPT_SINCE, "DURATION", "24h; of files everything", SINCE_HELP, NULL},
                                      START_AND_END};
const bt_flag bt_flags_range_week[] = {{"since", OPT_SINCE, "DURATION", "7d; of files everything", SINCE_HELP, NULL},
                                       START_AND_END};
const bt_flag bt_flags_range_month[] = {{"since", OPT_SINCE, "DURATION", "30d; of files everything", SINCE_HELP, NULL},
                                        START_AND_END};

static bool take_time(bt_replay_options *options, const char *value, int64_t *out, bool *is_set) {
  options->counts_from_now = options->counts_from_now || strncmp(value, "now", 3) == 0;
  return *is_set = bt_time_parse(bt_str_from(value), bt_clock_wall_ns(), out);
}

static bool take_duration(const char *value, int64_t *out) {
  return bt_duration_parse(bt_str_from(value), out);
}

static bool append_text(const char ***items, size_t *count, const char *text) {
  const char **grown = bt_realloc_array(*items, *count + 1, sizeof *grown);
  if (!grown) return false;
  *items = grown;
  grown[(*count)++] = text;
  return true;
}

bool bt_replay_options_take(bt_replay_options *options, const bt_flag *flag, const char *value) {
  bt_assumptions *assume = &options->assumptions;
  switch (flag->id) {
  case OPT_RULES: return options->has_wrong_rules |= !bt_cli_rules_add_file(&options->rules, value), true;
  case OPT_DSL: return options->has_wrong_rules |= !bt_cli_rules_add_text(&options->rules, "dsl", value), true;
  case OPT_RULE: return append_text(&options->only, &options->only_count, value);
  case OPT_TEMPO: return options->source.tempo.url = value, true;
  case OPT_STORE: return options->source.store = value, true;
  case OPT_STORE_NAME: return options->store_name = value, true;
  case OPT_TEMPO_USER: return options->source.tempo.user = value, true;
  case OPT_TEMPO_PASSWORD_FILE: return options->source.tempo.password.file = value, true;
  case OPT_TEMPO_TOKEN_FILE: return options->source.tempo.token.file = value, true;
  case OPT_TEMPO_CA: return options->source.tempo.ca_file = value, true;
  case OPT_TEMPO_TIMEOUT:
    return take_duration(value, &options->source.tempo.timeout_ns) && options->source.tempo.timeout_ns >= 1000000;
  case OPT_TEMPO_REPLICATION:
    return bt_cli_number(value, &options->source.tempo.replication) && options->source.tempo.replication <= 64;
  case OPT_JOBS: return bt_cli_take_jobs(value, &options->jobs);
  case OPT_TRACES: return append_text(&options->traces, &options->trace_count, value);
  case OPT_SINCE: return take_duration(value, &options->since_ns) && options->since_ns > 0;
  case OPT_START: return take_time(options, value, &options->start_ns, &options->has_start);
  case OPT_END: return take_time(options, value, &options->end_ns, &options->has_end);
  case OPT_TENANT: return options->tenant = value, true;
  case OPT_SETTLE: return take_duration(value, &assume->settle_ns);
  case OPT_MARGIN: return take_duration(value, &assume->margin_ns);
  case OPT_LATENESS: return take_duration(value, &assume->lateness_ns);
  case OPT_HANDOVER: return take_duration(value, &assume->handover_ns);
  case OPT_BUDGET: return bt_cli_number(value, &assume->step_budget);
  case OPT_CLOCK_SKEW: return take_duration(value, &assume->clock_skew_ns);
  case OPT_COARSE_CLOCKS: return bt_coarse_clocks_take(value, &assume->coarse_clocks_unknown);
  case OPT_REQUIRE_COMPLETE: return assume->require_complete = true;
  case OPT_LINKS_SAMPLED: return assume->links_sampled = true;
  case OPT_SAMPLING: return assume->sampling = value, true;
  case OPT_SEMCONV: return bt_cli_use_conventions(value);
  case OPT_CONCURRENCY:
    return bt_cli_number(value, &options->concurrency) && options->concurrency > 0 && options->concurrency <= 64;
  case OPT_CONCURRENCY_MAX: return bt_cli_number(value, &options->concurrency_max) && options->concurrency_max <= 64;
  case OPT_TRACE_LINK: return options->trace_link = value, true;
  case BT_FLAG_JSON: return options->print_json = true;
  case BT_FLAG_EXERCISED: return options->requires_exercised = true;
  default: return false;
  }
}

void bt_replay_options_init(bt_replay_options *options) {
  *options = (bt_replay_options){
      .assumptions = bt_assumptions_default(), .concurrency = 2, .concurrency_max = 16, .jobs = bt_cli_processors()};
}

void bt_replay_options_dispose(bt_replay_options *options) {
  bt_cli_rules_dispose(&options->rules);
  free(options->traces);
  free(options->only);
}

/* ---- what is missing ---- */

int bt_replay_options_operands(bt_replay_options *options, const bt_command *command, const bt_operands *operands,
                               bool takes_rules) {
  bool has_others = options->rules.count || bt_operands_have_rules(operands);
  for (size_t i = 0; i < operands->count; i++) {
    bool are_rules = takes_rules && i < operands->before_dashes && bt_operand_has_rules(operands->items[i], has_others);
    if (are_rules)
      options->has_wrong_rules |= !bt_cli_rules_add_file(&options->rules, operands->items[i]);
    else if (!append_text(&options->traces, &options->trace_count, operands->items[i]))
      return bt_cli_usage_error(command->name, "there is not enough memory");
  }
  return BT_EXIT_FINE;
}

int bt_operands_refuse(const bt_command *command, const bt_operands *operands) {
  if (!operands->count) return BT_EXIT_FINE;
  return bt_cli_usage_error(command->name, "\"%s\" is no flag, and this command takes nothing else",
                            operands->items[0]);
}

/* The ids that there are: the nearest one, or the first few. */
static int refuse_id(const bt_cli_rules *rules, const bt_command *command, const char *id) {
  enum { MAX_SHOWN = 6 };
  const char **ids = calloc(rules->count + 1, sizeof *ids);
  bt_buffer shown = {0};
  for (size_t i = 0; ids && i < rules->count; i++) ids[i] = rules->items[i]->fields.id;
  const char *nearest = ids ? bt_suggest_nearest(bt_str_from(id), ids) : NULL;
  for (size_t i = 0; ids && i < rules->count && i < MAX_SHOWN; i++)
    bt_buffer_printf(&shown, "%s%s", i ? ", " : "", ids[i]);
  if (rules->count > MAX_SHOWN) bt_buffer_printf(&shown, " and %zu more", rules->count - MAX_SHOWN);
  int code = nearest
                 ? bt_cli_usage_error(command->name, "the files have no rule \"%s\"; did you mean \"%s\"?", id, nearest)
                 : bt_cli_usage_error(command->name, "the files have no rule \"%s\"; they have %s", id,
                                      shown.ptr ? shown.ptr : "none");
  bt_buffer_dispose(&shown);
  free(ids);
  return code;
}

typedef bool (*is_wanted_of)(const bt_replay_options *options, const bt_rule_definition *rule);

static void keep_wanted(const bt_replay_options *options, is_wanted_of is_wanted, bt_cli_rules *rules) {
  size_t kept = 0;
  for (size_t i = 0; i < rules->count; i++) {
    if (is_wanted(options, rules->items[i])) {
      rules->places[kept] = rules->places[i];
      rules->items[kept++] = rules->items[i];
    } else {
      free(rules->places[i].file);
      bt_rule_definition_unref(rules->items[i]);
    }
  }
  rules->count = kept;
}

static bool is_chosen(const bt_replay_options *options, const bt_rule_definition *rule) {
  for (size_t o = 0; o < options->only_count; o++)
    if (strcmp(rule->fields.id, options->only[o]) == 0) return true;
  return false;
}

static int keep_only(bt_replay_options *options, const bt_command *command) {
  const bt_cli_rules *rules = &options->rules;
  for (size_t o = 0; o < options->only_count; o++) {
    size_t at = 0;
    while (at < rules->count && strcmp(rules->items[at]->fields.id, options->only[o]) != 0) at++;
    if (at == rules->count) return refuse_id(rules, command, options->only[o]);
  }
  keep_wanted(options, is_chosen, &options->rules);
  return BT_EXIT_FINE;
}

/* ---- rules of several stores ---- */

static bool is_of_store(const bt_replay_options *options, const bt_rule_definition *rule) {
  return !rule->fields.store || strcmp(rule->fields.store, options->store_name) == 0;
}

/* The first rule of the sets that names a store (not: NULL), or the first whose store is not that one. NULL: there is
 * none. */
static const bt_rule_fields *find_store(bt_cli_rules *const *sets, size_t count, const char * not ) {
  for (size_t s = 0; s < count; s++)
    for (size_t i = 0; i < sets[s]->count; i++) {
      const bt_rule_fields *fields = &sets[s]->items[i]->fields;
      if (not ? !fields->store || strcmp(fields->store, not ) != 0 : fields->store != NULL) return fields;
    }
  return NULL;
}

static int refuse_two(const bt_command *command, const bt_rule_fields *one, const bt_rule_fields *other) {
  return bt_cli_usage_error(command->name,
                            "rule \"%s\" is of the store \"%s\", and \"%s\" of %s%s: say which one is asked with "
                            "--store-name NAME, or choose rules with --rule ID",
                            one->id, one->store, other->id, other->store ? "the store " : "no named store",
                            other->store ? other->store : "");
}

int bt_replay_options_keep_store(const bt_replay_options *options, const bt_command *command, bt_cli_rules *const *sets,
                                 size_t count) {
  size_t before = 0, after = 0;
  if (!options->source.address) return BT_EXIT_FINE;
  if (!options->store_name) {
    const bt_rule_fields *one = find_store(sets, count, NULL);
    const bt_rule_fields *other = one ? find_store(sets, count, one->store) : NULL;
    return other ? refuse_two(command, one, other) : BT_EXIT_FINE;
  }
  for (size_t s = 0; s < count; s++) {
    before += sets[s]->count;
    keep_wanted(options, is_of_store, sets[s]);
    after += sets[s]->count;
  }
  if (before && !after)
    return bt_cli_usage_error(command->name, "no rule is of the store \"%s\": all %zu are of others",
                              options->store_name, before);
  if (after < before)
    bt_print_error("betrace %s: %zu of %zu rules are of other stores than \"%s\" and left out\n", command->name,
                   before - after, before, options->store_name);
  return BT_EXIT_FINE;
}

static int check_rules(bt_replay_options *options, const bt_command *command, unsigned needs) {
  if (options->has_wrong_rules) return BT_EXIT_USAGE;
  if (needs & (BT_NEEDS_RULES | BT_NEEDS_ONE_RULE) && options->rules.without && !options->rules.count)
    return bt_cli_rules_refuse_none(&options->rules, command->name);
  if (needs & (BT_NEEDS_RULES | BT_NEEDS_ONE_RULE) && !options->rules.count)
    return bt_cli_usage_error(command->name, "say which rules: a rule file, --rules FILE or --dsl TEXT");
  return options->only_count ? keep_only(options, command) : BT_EXIT_FINE;
}

static int check_one_rule(const bt_replay_options *options, const bt_command *command, unsigned needs) {
  if (!(needs & BT_NEEDS_ONE_RULE) || options->rules.count == 1) return BT_EXIT_FINE;
  return bt_cli_usage_error(command->name, "one rule is looked at and the files have %zu: name it with --rule ID",
                            options->rules.count);
}

int bt_replay_options_choose(bt_replay_options *options, const bt_command *command) {
  bt_error error = {0};
  if (!options->trace_count) bt_source_settings_take_address(&options->source);
  bt_status status = bt_source_settings_choose(&options->source, &error);
  return status ? bt_cli_usage_error(command->name, "%s", error.message) : BT_EXIT_FINE;
}

static int check_source(bt_replay_options *options, const bt_command *command, unsigned needs) {
  bt_source_settings *source = &options->source;
  int code = bt_replay_options_choose(options, command);
  if (code) return code;
  if (source->address && options->trace_count)
    return bt_cli_usage_error(command->name, "--store or --tempo and trace files exclude each other: traces come from "
                                             "a store or from files");
  if (needs & BT_NEEDS_SOURCE && !source->address && !options->trace_count)
    return bt_cli_usage_error(command->name, "say where the traces are: --store URL, --tempo URL, --traces FILE, or a "
                                             "trace file");
  return BT_EXIT_FINE;
}

void bt_trace_link_print(const char *before, const bt_violation *violation) {
  bt_buffer link = {0};
  bt_trace_link_append(before, violation, "\n", &link);
  bt_print_lines(bt_buffer_str(&link));
  bt_buffer_dispose(&link);
}

int bt_trace_link_choose(const bt_command *command, const char *given) {
  const char *url = given ? given : getenv(BT_TRACE_LINK_VARIABLE);
  if (url && !bt_trace_link_is_valid(url))
    return bt_cli_usage_error(command->name, "%s has to be %s; \"%s\" came",
                              given ? "--trace-link-template" : BT_TRACE_LINK_VARIABLE, BT_TRACE_LINK_EXPECTED, url);
  bt_trace_link_install(url);
  return BT_EXIT_FINE;
}

static int choose_sampling(bt_replay_options *options, const bt_command *command) {
  const char **chosen = &options->assumptions.sampling;
  const char *from = *chosen ? "--sampling" : BT_SAMPLING_VARIABLE;
  const char *said = getenv(BT_SAMPLING_VARIABLE);
  if (!*chosen && said && said[0]) *chosen = said;
  if (bt_sampling_setting_is_valid(*chosen)) return BT_EXIT_FINE;
  return bt_cli_usage_error(command->name, "%s has to be %s; \"%s\" came", from, BT_SAMPLING_EXPECTED, *chosen);
}

int bt_replay_options_check(bt_replay_options *options, const bt_command *command, unsigned needs) {
  int code = check_rules(options, command, needs);
  if (code) return code;
  code = check_source(options, command, needs);
  if (code) return code;
  code = bt_replay_options_keep_store(options, command, (bt_cli_rules *const[]){&options->rules}, 1);
  if (code) return code;
  code = check_one_rule(options, command, needs);
  if (code) return code;
  code = choose_sampling(options, command);
  if (code) return code;
  if (options->has_start && options->has_end && options->start_ns >= options->end_ns)
    return bt_cli_usage_error(command->name, "--start has to be before --end");
  return needs & BT_SHOWS_LINKS ? bt_trace_link_choose(command, options->trace_link) : BT_EXIT_FINE;
}
