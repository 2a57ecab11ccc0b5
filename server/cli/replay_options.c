/* Options that replay and first share. See replay_options.h. */
#include "server/cli/replay_options.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "server/time_text.h"
#include "server/clock.h"
#include "tempo/file_source.h"
#include "tempo/tempo_source.h"

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
  if (options->trace_count) return bt_file_source_open(options->traces, options->trace_count, 0, &out->source, error);
  bt_http_options http = {.concurrency = (uint32_t)options->concurrency};
  bt_tempo_settings tempo = options->tempo;
  bt_tempo_settings_use_environment(&tempo);
  bt_status status = bt_http_client_new(&http, &out->client, error);
  return status ? status : bt_tempo_settings_open(&tempo, NULL, out->client, &out->source, error);
}

void bt_replay_place_close(bt_replay_place *place) {
  bt_source_free(place->source);
  bt_http_client_free(place->client);
}

/* All that is in the files, for a replay of files that names no time. */
static bt_time_range range_of_files(const bt_source *source) {
  bt_time_range range = {INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < bt_file_source_trace_count(source); i++) {
    const bt_trace *trace = bt_file_source_trace(source, i);
    int64_t start = bt_trace_start_ns(trace), latest = bt_trace_latest_start_ns(trace);
    if (start < range.start_ns) range.start_ns = start;
    if (latest >= range.end_ns) range.end_ns = latest + 1;
  }
  return range.start_ns < range.end_ns ? range : (bt_time_range){0, 1};
}

bt_time_range bt_replay_options_range(const bt_replay_options *options, const bt_source *source, int64_t otherwise_ns) {
  if (options->trace_count && !options->has_start && !options->has_end && !options->since_ns)
    return range_of_files(source);
  int64_t end = options->has_end ? options->end_ns : bt_clock_wall_ns();
  int64_t since = options->since_ns ? options->since_ns : otherwise_ns;
  return (bt_time_range){options->has_start ? options->start_ns : end - since, end};
}

/* ---- printing ---- */

void bt_replay_print_violation(const bt_rule_definition *definition, const bt_violation *violation) {
  char time[40], trace_id[BT_TRACE_ID_HEX + 1];
  bt_time_format(violation->time_ns, time);
  bt_trace_id_format(&violation->trace_id, trace_id);
  printf("%.19sZ  %s  %s  %s%s\n", time, trace_id, definition->fields.id, violation->message,
         violation->provisional ? " (provisional: its trace is not settled yet)" : "");
}

void bt_replay_print_gaps(const bt_coverage *coverage) {
  char start[40], end[40];
  for (size_t i = 0; i < coverage->windows_failed_count; i++) {
    bt_time_format(coverage->windows_failed[i].range.start_ns, start);
    bt_time_format(coverage->windows_failed[i].range.end_ns, end);
    printf("not read: %.19sZ to %.19sZ: %s\n", start, end, coverage->windows_failed[i].reason);
  }
  if (coverage->unsettled) printf("not settled yet: %" PRIu64 " traces at the end of the range\n", coverage->unsettled);
  if (coverage->handover_from_ns) {
    bt_time_format(coverage->handover_from_ns, start);
    printf(
        "from %.19sZ on Tempo may still hand blocks over and lack spans for a moment: replay again later to be sure\n",
        start);
  }
}

/* ---- options ---- */

enum {
  OPT_RULES = 1,
  OPT_DSL,
  OPT_TEMPO,
  OPT_TEMPO_USER,
  OPT_TEMPO_PASSWORD_FILE,
  OPT_TEMPO_TOKEN_FILE,
  OPT_TEMPO_CA,
  OPT_TRACES,
  OPT_SINCE,
  OPT_START,
  OPT_END,
  OPT_TENANT,
  OPT_SETTLE,
  OPT_MARGIN,
  OPT_LATENESS,
  OPT_HANDOVER,
  OPT_CLOCK_SKEW,
  OPT_REQUIRE_COMPLETE,
  OPT_CONCURRENCY,
  OPT_JSON,
  OPT_HELP
};

static const struct option shared[] = {{"rules", 1, NULL, OPT_RULES},
                                       {"dsl", 1, NULL, OPT_DSL},
                                       {"tempo", 1, NULL, OPT_TEMPO},
                                       {"tempo-user", 1, NULL, OPT_TEMPO_USER},
                                       {"tempo-password-file", 1, NULL, OPT_TEMPO_PASSWORD_FILE},
                                       {"tempo-token-file", 1, NULL, OPT_TEMPO_TOKEN_FILE},
                                       {"tempo-ca", 1, NULL, OPT_TEMPO_CA},
                                       {"traces", 1, NULL, OPT_TRACES},
                                       {"since", 1, NULL, OPT_SINCE},
                                       {"start", 1, NULL, OPT_START},
                                       {"end", 1, NULL, OPT_END},
                                       {"tenant", 1, NULL, OPT_TENANT},
                                       {"settle", 1, NULL, OPT_SETTLE},
                                       {"margin", 1, NULL, OPT_MARGIN},
                                       {"lateness", 1, NULL, OPT_LATENESS},
                                       {"handover", 1, NULL, OPT_HANDOVER},
                                       {"clock-skew", 1, NULL, OPT_CLOCK_SKEW},
                                       {"require-complete", 0, NULL, OPT_REQUIRE_COMPLETE},
                                       {"tempo-concurrency", 1, NULL, OPT_CONCURRENCY},
                                       {"json", 0, NULL, OPT_JSON},
                                       {"help", 0, NULL, OPT_HELP}};
enum { SHARED = sizeof shared / sizeof shared[0] };

static bool take_time(const char *value, int64_t *out, bool *is_set) {
  return *is_set = bt_time_parse(bt_str_from(value), bt_clock_wall_ns(), out);
}

static bool take_duration(const char *value, int64_t *out) {
  return bt_duration_parse(bt_str_from(value), out);
}

static bool add_trace_file(bt_replay_options *options, const char *path) {
  const char **traces = bt_realloc_array(options->traces, options->trace_count + 1, sizeof *traces);
  if (!traces) return false;
  options->traces = traces;
  traces[options->trace_count++] = path;
  return true;
}

static bool take_option(int option, const char *value, bt_replay_options *options) {
  bt_assumptions *assume = &options->assumptions;
  switch (option) {
  case OPT_TEMPO: return options->tempo.url = value, true;
  case OPT_TEMPO_USER: return options->tempo.user = value, true;
  case OPT_TEMPO_PASSWORD_FILE: return options->tempo.password.file = value, true;
  case OPT_TEMPO_TOKEN_FILE: return options->tempo.token.file = value, true;
  case OPT_TEMPO_CA: return options->tempo.ca_file = value, true;
  case OPT_TRACES: return add_trace_file(options, value);
  case OPT_SINCE: return take_duration(value, &options->since_ns) && options->since_ns > 0;
  case OPT_START: return take_time(value, &options->start_ns, &options->has_start);
  case OPT_END: return take_time(value, &options->end_ns, &options->has_end);
  case OPT_TENANT: return options->tenant = value, true;
  case OPT_SETTLE: return take_duration(value, &assume->settle_ns);
  case OPT_MARGIN: return take_duration(value, &assume->margin_ns);
  case OPT_LATENESS: return take_duration(value, &assume->lateness_ns);
  case OPT_HANDOVER: return take_duration(value, &assume->handover_ns);
  case OPT_CLOCK_SKEW: return take_duration(value, &assume->clock_skew_ns);
  case OPT_REQUIRE_COMPLETE: return assume->require_complete = true;
  case OPT_CONCURRENCY:
    return bt_cli_number(value, &options->concurrency) && options->concurrency > 0 && options->concurrency <= 64;
  case OPT_JSON: return options->print_json = true;
  default: return false;
  }
}

static int check_options(bt_replay_options *options, const char *command) {
  if (!options->rules.count) return bt_cli_usage_error(command, "say which rules: --rules FILE or --dsl TEXT");
  if (!options->tempo.url && !options->trace_count) options->tempo.url = getenv("BETRACE_TEMPO_URL");
  if (!options->tempo.url == !options->trace_count)
    return bt_cli_usage_error(command, "say where the traces are: --tempo URL or --traces FILE");
  if (options->has_start && options->has_end && options->start_ns >= options->end_ns)
    return bt_cli_usage_error(command, "--start has to be before --end");
  return BT_EXIT_FINE;
}

/* The shared rows, then the command's own. */
static void join_rows(const struct option *own, struct option rows[SHARED + BT_REPLAY_OPTIONS_OWN_MAX + 1]) {
  size_t count = 0;
  memcpy(rows, shared, sizeof shared);
  for (; own[count].name && count < BT_REPLAY_OPTIONS_OWN_MAX; count++) rows[SHARED + count] = own[count];
  rows[SHARED + count] = (struct option){0};
}

bool bt_replay_options_parse(bt_replay_options *options, int argc, char **argv, const char *help,
                             const bt_own_options *own, int *code) {
  struct option rows[SHARED + BT_REPLAY_OPTIONS_OWN_MAX + 1];
  int option, index = 0;
  bool rules_are_right = true;
  *options = (bt_replay_options){.assumptions = bt_assumptions_default(), .concurrency = 2};
  join_rows(own->rows, rows);
  while ((option = getopt_long(argc, argv, "", rows, &index)) != -1) {
    bool ok = true;
    if (option == OPT_HELP) return fputs(help, stdout), *code = BT_EXIT_FINE, false;
    if (option == '?') return *code = bt_cli_usage_error(argv[0], "an option is not known or lacks its value"), false;
    if (option == OPT_RULES)
      rules_are_right = bt_cli_rules_add_file(&options->rules, optarg) && rules_are_right;
    else if (option == OPT_DSL)
      rules_are_right = bt_cli_rules_add_text(&options->rules, "dsl", optarg) && rules_are_right;
    else if (option >= BT_REPLAY_OPTION_OWN)
      ok = own->take(own->context, option, optarg);
    else
      ok = take_option(option, optarg, options);
    if (!ok) return *code = bt_cli_usage_error(argv[0], "--%s cannot be \"%s\"", rows[index].name, optarg), false;
  }
  if (optind < argc) return *code = bt_cli_usage_error(argv[0], "\"%s\" is not an option", argv[optind]), false;
  *code = rules_are_right ? check_options(options, argv[0]) : BT_EXIT_USAGE;
  return *code == BT_EXIT_FINE;
}

void bt_replay_options_dispose(bt_replay_options *options) {
  bt_cli_rules_dispose(&options->rules);
  free(options->traces);
}
