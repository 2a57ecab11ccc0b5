/* `betrace doctor`: does this store do what BeTrace rests on? The work is in server/doctor/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/terminal.h"
#include "server/doctor/doctor.h"
#include "server/json/doctor_json.h"

enum { OPT_OTLP = BT_FLAG_OWN, OPT_WAIT, OPT_AGAIN_AFTER, OPT_AGAIN, OPT_KEY };
enum { PAUSE_MS = 50, PLAIN_EVERY_S = 15, WIDTH = 100 };
static const int64_t SECOND_NS = INT64_C(1000000000);

typedef struct doctor_options {
  bt_replay_options shared;
  const char *otlp, *run;
  int64_t wait_ns, again_after_ns;
  bt_probe_key keys[BT_PROBE_KEYS_MAX];
  size_t key_count;
} doctor_options;

/* ---- progress ---- */

typedef struct progress {
  int64_t said_ns;
  char begins[32]; /* the line that was said last */
} progress;

/* Its first two words say what is under way. */
static bool is_news(progress *p, const char *line) {
  size_t length = strcspn(line, " ");
  if (line[length]) length += 1 + strcspn(line + length + 1, " ");
  if (length >= sizeof p->begins) length = sizeof p->begins - 1;
  bool is_same = strncmp(p->begins, line, length) == 0 && !p->begins[length];
  memcpy(p->begins, line, length);
  p->begins[length] = '\0';
  return !is_same;
}

/* A line that replaces itself on a terminal; elsewhere one for each step, and from time to time. */
static void show_progress(void *context, const char *line) {
  progress *p = context;
  if (bt_terminal_shows_progress()) {
    bt_print_error("\r%s\033[K", line);
    return;
  }
  int64_t now_ns = bt_clock_monotonic_ns();
  if (!is_news(p, line) && now_ns - p->said_ns < PLAIN_EVERY_S * SECOND_NS) return;
  p->said_ns = now_ns;
  bt_print_error("betrace doctor: %s\n", line);
}

/* ---- the run ---- */

typedef struct place {
  bt_exchanges exchanges;
  bt_http_client *client;
  bt_source *store, *small_store;
} place;

static bt_status open_place(const doctor_options *options, place *out, bt_error *error) {
  bt_http_options http = {.concurrency = (uint32_t)options->shared.concurrency,
                          .on_exchange = bt_exchanges_take,
                          .exchange_context = &out->exchanges};
  bt_source_settings settings = options->shared.source;
  bt_source_settings_use_environment(&settings);
  settings.pause_ms = PAUSE_MS; /* what is refused is refused often, and is what is looked for */
  bt_status status = bt_http_client_new(&http, &out->client, error);
  if (status == BT_OK) status = bt_source_settings_open(&settings, out->client, &out->store, error);
  settings.search_limit = BT_DOCTOR_SMALL_LIMIT;
  return status ? status : bt_source_settings_open(&settings, out->client, &out->small_store, error);
}

static void close_place(place *p) {
  bt_source_free(p->store);
  bt_source_free(p->small_store);
  bt_http_client_free(p->client);
  bt_exchanges_dispose(&p->exchanges);
}

static bt_doctor_style terminal_style(void) {
  bool is_terminal = bt_style_on(BT_STYLE_BOLD)[0] != '\0';
  unsigned width = bt_terminal_width();
  return (bt_doctor_style){.good = bt_style_on(BT_STYLE_GREEN),
                           .bad = bt_style_on(BT_STYLE_RED),
                           .doubt = bt_style_on(BT_STYLE_YELLOW),
                           .dim = bt_style_on(BT_STYLE_DIM),
                           .bold = bt_style_on(BT_STYLE_BOLD),
                           .off = bt_style_on(BT_STYLE_OFF),
                           .width = is_terminal ? width : WIDTH};
}

static int print_report(const doctor_options *options, const bt_doctor_report *report, const place *at) {
  static const int codes[] = {BT_EXIT_UNKNOWN, BT_EXIT_FINE, BT_EXIT_UNKNOWN, BT_EXIT_FOUND};
  if (options->shared.print_json) {
    bt_cli_print_json(bt_doctor_report_json(report, &at->exchanges));
  } else {
    bt_buffer text = {0};
    bt_doctor_style style = terminal_style();
    bt_doctor_report_print(report, &style, &text);
    bt_cli_print_buffer(&text);
  }
  return codes[bt_doctor_report_outcome(report)];
}

static bt_status ask_store(const doctor_options *options, const place *at, bt_doctor_report *report, bt_error *error) {
  progress shown = {0};
  const bt_doctor_options doctor = {.client = at->client,
                                    .store = at->store,
                                    .small_store = at->small_store,
                                    .exchanges = (bt_exchanges *)(uintptr_t)&at->exchanges,
                                    .exporter = {.url = options->otlp,
                                                 .headers = getenv("OTEL_EXPORTER_OTLP_HEADERS"),
                                                 .tenant = options->shared.tenant},
                                    .tenant = options->shared.tenant,
                                    .run = options->run,
                                    .keys = options->keys,
                                    .key_count = options->key_count,
                                    .wait_ns = options->wait_ns,
                                    .again_after_ns = options->again_after_ns,
                                    .cancel = bt_replay_interrupt(),
                                    .progress = show_progress,
                                    .progress_context = &shown};
  bt_status status = bt_doctor_run(&doctor, report, error);
  bt_replay_clear_progress();
  return status;
}

static bool has_way(const doctor_options *options) {
  return options->run || (options->otlp && options->otlp[0]);
}

static int run_doctor(const doctor_options *options) {
  bt_error error = {0};
  place at = {0};
  bt_doctor_report report = {0};
  bt_status status = open_place(options, &at, &error);
  int code = BT_EXIT_UNKNOWN;
  bool lacks_way = !status && !has_way(options) && bt_doctor_needs_probes(at.store->name);
  if (!status && !lacks_way) status = ask_store(options, &at, &report, &error);
  if (lacks_way)
    code = bt_cli_usage_error("doctor", "say where to push the probes: --otlp URL, as in http://127.0.0.1:4318; or "
                                        "--again RUN");
  else if (!status)
    code = print_report(options, &report, &at);
  else
    code = bt_cli_fail("doctor", status, &error);
  bt_doctor_report_dispose(&report);
  close_place(&at);
  return code;
}

/* ---- the command ---- */

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  doctor_options *options = context;
  switch (flag->id) {
  case OPT_OTLP: return options->otlp = value, true;
  case OPT_WAIT: return bt_duration_parse(bt_str_from(value), &options->wait_ns) && options->wait_ns > 0;
  case OPT_AGAIN_AFTER: return bt_duration_parse(bt_str_from(value), &options->again_after_ns);
  case OPT_AGAIN: return options->run = value, bt_probe_run_is_valid(value);
  case OPT_KEY:
    return options->key_count < BT_PROBE_KEYS_MAX / 2 &&
           bt_probe_key_parse(bt_str_from(value), &options->keys[options->key_count++]);
  default: return bt_replay_options_take(&options->shared, flag, value);
  }
}

static int check_options(doctor_options *options, const bt_command *self) {
  if (options->shared.trace_count)
    return bt_cli_usage_error("doctor", "files are no store: say --store URL or --tempo URL");
  if (!options->otlp) options->otlp = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  /* The probes of an earlier run are where they stay. */
  if (options->again_after_ns < 0) options->again_after_ns = options->run ? 0 : 45 * SECOND_NS;
  return bt_replay_options_check(&options->shared, self, BT_NEEDS_SOURCE);
}

static int doctor_command(const bt_command *self, int argc, char **argv) {
  doctor_options options = {.wait_ns = 180 * SECOND_NS, .again_after_ns = -1};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&options.shared);
  if (bt_arguments_read(self, argc, argv, take_flag, &options, &operands, &code)) {
    code = bt_operands_refuse(self, &operands);
    if (!code) code = check_options(&options, self);
    if (!code) code = run_doctor(&options);
  }
  bt_replay_options_dispose(&options.shared);
  return code;
}

static const bt_flag flags[] = {
    {"otlp", OPT_OTLP, "URL", NULL,
     "where to push the probes, by OTLP/HTTP; over ClickHouse, nothing is pushed without it",
     "OTEL_EXPORTER_OTLP_ENDPOINT"},
    {"wait", OPT_WAIT, "DURATION", "180s", "how long to wait, at most, until the probes show", NULL},
    {"again-after", OPT_AGAIN_AFTER, "DURATION", "45s; with --again 0s",
     "ask everything a second time so much later, when the probes lie in complete blocks; 0s: do not", NULL},
    {"again", OPT_AGAIN, "RUN", NULL,
     "push nothing, and ask about the probes of that earlier run (with the same --key flags)", NULL},
    {"key", OPT_KEY, "KEY", NULL,
     "an attribute to look at besides, as in span.order.id or resource.team; may be given several times", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Doctor:", flags, NULL}, {"Traces:", bt_flags_traces, NULL}, {0}};
static const bt_example examples[] = {
    {"Before BeTrace is trusted with a store, and after each upgrade",
     "betrace doctor --tempo http://127.0.0.1:3200 --otlp http://127.0.0.1:4318"},
    {"With keys that have a dedicated column, in a tenant of its own",
     "betrace doctor --tempo http://127.0.0.1:3200 --otlp http://127.0.0.1:4318 --tenant betrace-doctor \\\n"
     "  --key span.order.id --key resource.team"},
    {"How a ClickHouse is run, without pushing anything",
     "betrace doctor --store 'clickhouse+http://127.0.0.1:8123/otel?table=otel_traces'"},
    {"The same probes again, an hour later", "betrace doctor --tempo http://127.0.0.1:3200 --again 1767225600-5f3a9c"},
    {0}};
const bt_command bt_command_doctor = {
    .name = "doctor",
    .summary = "does this store do what BeTrace rests on",
    .usage = "--store URL [--otlp URL] [flags]",
    .about =
        "Pushes a few dozen small probe traces of a service betrace-doctor, and waits until the store shows them. Then "
        "it asks the queries and reads that BeTrace's plans are made of, and compares what comes with what was pushed. "
        "Each line is a fact: what was expected, what was seen, and, where it does not hold, what that means for "
        "answers. Spans that come 1 to 20 minutes late, and one that never ended, are pushed too. Which of them "
        "searches show, and when, stands below the table.\n\n"
        "Of a ClickHouse it asks before that what its own tables say of how it is run: shards, replicas, row policies, "
        "TTL, and what waits before it is in the table. For that nothing has to be pushed.\n\n"
        "It is for stores that speak Tempo's API in part, too: an empty answer where a match is certain is named. "
        "--json holds every query and answer status for a bug report, and neither URLs nor credentials.",
    .examples = examples,
    .groups = groups,
    .fine = "all facts hold",
    .found = "some do not",
    .unknown = "could not find out",
    .operands = NULL,
    .run = doctor_command};
