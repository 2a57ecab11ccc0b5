/* `betrace listen`: a test suite under rules. It takes the spans that a command sends, and says which traces break a
 * rule. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/idle_print.h"
#include "server/cli/lab/child.h"
#include "server/cli/lab/listen_report.h"
#include "server/cli/operands.h"
#include "server/cli/printer.h"

static const int64_t LOOK_NS = 50000000;
static const int64_t LONG_NS = INT64_C(10000000000); /* then a word says what is waited for */

typedef struct listen_run {
  bt_listen_options options;
  const char *address, *forward, *protocol; /* protocol: of OTEL_EXPORTER_OTLP_PROTOCOL */
  int64_t settle_ns, most_ns;               /* most_ns 0: no end but the command's, or a signal */
  int64_t wait_ns;                          /* the most for what the command leaves behind; 0: nothing of it counts */
  char *const *command;                     /* NULL: none */
  bt_receiver *receiver;
  bt_listen_report report;
  int64_t began_ns;
  pid_t child;
  int code;           /* of the command */
  char open_end[400]; /* of the report */
} listen_run;

/* ---- the command ---- */

/* A proxy of the environment would be asked for an address that only this machine has. */
static void write_no_proxy(char *out, size_t size) {
  const char *before = getenv("no_proxy") ? getenv("no_proxy") : getenv("NO_PROXY");
  snprintf(out, size, "%s%s127.0.0.1,localhost", before ? before : "", before && *before ? "," : "");
}

static bool speaks_grpc(const listen_run *run) {
  return strcmp(run->protocol, "grpc") == 0;
}

static uint16_t port_of(const listen_run *run) {
  return speaks_grpc(run) ? bt_receiver_grpc_port(run->receiver) : bt_receiver_port(run->receiver);
}

static bt_status start_command(listen_run *run, bt_error *error) {
  char url[64], traces_url[80], no_proxy[1024];
  snprintf(url, sizeof url, "http://127.0.0.1:%u", port_of(run));
  snprintf(traces_url, sizeof traces_url, "%s%s", url, speaks_grpc(run) ? "" : "/v1/traces");
  write_no_proxy(no_proxy, sizeof no_proxy);
  const bt_variable variables[] = {{"OTEL_EXPORTER_OTLP_ENDPOINT", url},
                                   {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces_url},
                                   {"OTEL_EXPORTER_OTLP_PROTOCOL", run->protocol},
                                   {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", run->protocol},
                                   {"OTEL_TRACES_EXPORTER", "otlp"},
                                   {"OTEL_TRACES_SAMPLER", "always_on"},
                                   {"OTEL_SDK_DISABLED", "false"},
                                   {"OTEL_BSP_SCHEDULE_DELAY", "100"},
                                   {"NO_PROXY", no_proxy},
                                   {"no_proxy", no_proxy}};
  return bt_child_start(run->command, variables, sizeof variables / sizeof *variables, &run->child, error);
}

/* False: the time is over. */
static bool has_time(const listen_run *run) {
  return !run->most_ns || bt_clock_monotonic_ns() - run->began_ns < run->most_ns;
}

/* Once, of a command that may be a server. */
static void say_that_it_runs(const listen_run *run, bool *is_said) {
  if (*is_said || bt_clock_monotonic_ns() - run->began_ns < LONG_NS) return;
  *is_said = true;
  bt_print_error("betrace listen: the command still runs after 10s; the rules are evaluated when it has ended%s\n",
                 run->most_ns ? "" : ", and --for DURATION ends it");
}

/* Until the command has ended. The first signal is passed on, and it may end in its own way; the second ends the wait.
 */
static void wait_for_command(listen_run *run) {
  bool is_said = false;
  for (int signals = 0; signals < 2 && has_time(run); say_that_it_runs(run, &is_said)) {
    bt_child_event event = bt_child_wait(run->child, LOOK_NS, &run->code);
    if (event == BT_CHILD_ENDED) {
      run->child = 0;
      run->report.ran_ns = bt_clock_monotonic_ns() - run->began_ns;
      return;
    }
    signals += event == BT_CHILD_INTERRUPTED;
  }
  run->report.open_end = has_time(run) ? "the command was interrupted and has not ended"
                                       : "the command had not ended when the time (--for) was over";
  kill(run->child, SIGTERM);
  run->code = 124;
}

/* ---- waiting for spans ---- */

static void wait_for_signal(const listen_run *run) {
  int ignored;
  while (has_time(run) && bt_child_wait(0, LOOK_NS, &ignored) != BT_CHILD_INTERRUPTED)
    ;
}

/* What may still send something, or is sending it. */
typedef struct rest {
  size_t processes; /* that the command left behind */
  char names[200];
  uint32_t requests;
  bool is_settled; /* no span came for so long as --settle says */
} rest;

static void look_at_rest(listen_run *run, int64_t ended_ns, rest *out) {
  bt_received received;
  bt_receiver_look(run->receiver, &received);
  int64_t since_ns = received.last_ns > ended_ns ? received.last_ns : ended_ns;
  *out = (rest){.requests = received.under_way, .is_settled = bt_clock_monotonic_ns() - since_ns >= run->settle_ns};
  if (run->wait_ns && !run->child) out->processes = bt_child_left(out->names, sizeof out->names);
}

/* Requests that are cut now are counted by the receiver. */
static void give_up(listen_run *run, const rest *left) {
  char wait[64];
  bt_duration_format(run->wait_ns, wait);
  if (left->processes)
    snprintf(run->open_end, sizeof run->open_end,
             "%zu process%s that the command left behind still ran after %s (--wait), and may send more: %s",
             left->processes, left->processes == 1 ? "" : "es", wait, left->names);
  else if (!left->is_settled)
    snprintf(run->open_end, sizeof run->open_end,
             "spans still came %s after the command had ended (--wait); what came later was not looked at", wait);
  if (run->open_end[0] && !run->report.open_end) run->report.open_end = run->open_end;
}

static void say_what_is_waited_for(const listen_run *run, const rest *left) {
  char wait[64];
  bt_duration_format(run->wait_ns, wait);
  if (left->processes)
    bt_print_error("betrace listen: the command has ended and left %zu process%s behind: %s; waits until %s, at most "
                   "%s (--wait)\n",
                   left->processes, left->processes == 1 ? "" : "es", left->names,
                   left->processes == 1 ? "it has ended" : "they have ended", wait);
  else
    bt_print_error("betrace listen: waits for %u request%s under way, at most %s (--wait)\n", left->requests,
                   bt_cli_plural(left->requests), wait);
}

/* Nothing is left that sends, and nothing came for a while; or --wait is over. */
static void wait_until_quiet(listen_run *run) {
  int64_t ended_ns = bt_clock_monotonic_ns();
  bool is_said = false;
  int ignored;
  for (;;) {
    rest left;
    look_at_rest(run, ended_ns, &left);
    if (left.is_settled && !left.processes && !left.requests) return;
    if (bt_clock_monotonic_ns() - ended_ns > run->wait_ns + run->settle_ns) {
      give_up(run, &left);
      return;
    }
    if (left.is_settled && !is_said) say_what_is_waited_for(run, &left);
    is_said = is_said || left.is_settled;
    if (bt_child_wait(0, LOOK_NS, &ignored) == BT_CHILD_INTERRUPTED) {
      run->report.open_end = "it was interrupted before the spans were quiet (--settle, --wait)";
      return;
    }
  }
}

static bt_status receive_traces(listen_run *run, bt_error *error) {
  const bt_receiver_options options = {run->address, run->forward};
  bt_child_block_signals();
  bt_child_adopt();
  bt_status status = bt_receiver_start(&options, &run->receiver, error);
  if (!status && !port_of(run))
    status = bt_error_set(error, BT_INVALID,
                          "--protocol grpc: this build has no gRPC; build it with cmake -DBETRACE_GRPC=ON, or leave "
                          "--protocol away");
  if (status) return status;
  run->began_ns = bt_clock_monotonic_ns();
  if (run->command) {
    status = start_command(run, error);
    if (!status) wait_for_command(run);
  } else {
    bt_print_error("takes OTLP over %s; run the program with\n  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%u "
                   "OTEL_EXPORTER_OTLP_PROTOCOL=%s\nand end this with Ctrl-C\n",
                   speaks_grpc(run) ? "gRPC" : "HTTP", port_of(run), run->protocol);
    wait_for_signal(run);
  }
  if (!status) wait_until_quiet(run);
  return status;
}

static bt_status run_listen(listen_run *run, bt_error *error) {
  const char *files[2];
  run->report.options = &run->options;
  run->report.saved = -1;
  bt_status status = receive_traces(run, error);
  if (!status) status = bt_receiver_end(run->receiver, error);
  if (run->receiver) bt_receiver_look(run->receiver, &run->report.received);
  if (!status) status = bt_listen_report_make(&run->report, files, bt_receiver_files(run->receiver, files), error);
  if (!status) status = bt_listen_report_print(&run->report, run->code, error);
  return status;
}

/* ---- the row ---- */

enum {
  OPT_SETTLE = BT_FLAG_OWN,
  OPT_FOR,
  OPT_WAIT,
  OPT_LISTEN,
  OPT_PROTOCOL,
  OPT_FORWARD,
  OPT_SAVE,
  OPT_REPORT,
  OPT_STRICT,
  OPT_ONLY
};

static bool take_report_file(bt_str kind, const char *prefix, char **file) {
  size_t length = strlen(prefix);
  if (kind.len <= length || strncmp(kind.ptr, prefix, length) != 0) return false;
  free(*file);
  *file = strndup(kind.ptr + length, kind.len - length);
  return *file;
}

/* "junit=a.xml,sarif=a.sarif,github" */
static bool take_report(bt_listen_options *options, const char *value) {
  for (size_t length;; value += length + 1) {
    length = strcspn(value, ",");
    bt_str kind = {value, length};
    if (bt_str_equal(kind, BT_STR("github")))
      options->for_github = true;
    else if (!take_report_file(kind, "junit=", &options->junit) && !take_report_file(kind, "sarif=", &options->sarif) &&
             !take_report_file(kind, "json=", &options->json))
      return false;
    if (!value[length]) return true;
  }
}

static bool take_service(bt_listen_options *options, const char *value) {
  if (strncmp(value, "service=", 8) != 0 || !value[8]) return false;
  const char **services = bt_realloc_array(options->services, options->service_count + 1, sizeof(const char *));
  if (!services) return false;
  options->services = services;
  options->services[options->service_count++] = value + 8;
  return true;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  listen_run *run = context;
  switch (flag->id) {
  case OPT_SETTLE: return bt_duration_parse(bt_str_from(value), &run->settle_ns) && run->settle_ns >= 0;
  case OPT_FOR: return bt_duration_parse(bt_str_from(value), &run->most_ns) && run->most_ns > 0;
  case OPT_WAIT: return bt_duration_parse(bt_str_from(value), &run->wait_ns) && run->wait_ns >= 0;
  case OPT_LISTEN: return run->address = value, true;
  case OPT_PROTOCOL: return run->protocol = value, true;
  case OPT_FORWARD: return run->forward = value, true;
  case OPT_SAVE: return run->options.save = value, true;
  case OPT_REPORT: return take_report(&run->options, value);
  case OPT_STRICT: return run->options.is_strict = true;
  case OPT_ONLY: return take_service(&run->options, value);
  default: return bt_replay_options_take(&run->options.shared, flag, value);
  }
}

/* What the command said comes first; then what the rules say. */
static int end_code(const listen_run *run) {
  return run->code ? run->code : bt_listen_report_code(&run->report);
}

static int listen_command(const bt_command *self, int argc, char **argv) {
  listen_run run = {.address = "127.0.0.1:0",
                    .protocol = "http/protobuf",
                    .settle_ns = INT64_C(2000000000),
                    .wait_ns = INT64_C(60000000000)};
  bt_operands operands;
  bt_error error = {0};
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&run.options.shared);
  run.options.shared.assumptions.require_complete = true;
  if (bt_arguments_read(self, argc, argv, take_flag, &run, &operands, &code)) {
    size_t rules = 0;
    argv[1 + operands.count] = NULL; /* the list of arguments ends with NULL, so there is room */
    while (rules < operands.before_dashes && bt_operand_has_rules(operands.items[rules], false))
      run.options.shared.has_wrong_rules |= !bt_cli_rules_add_file(&run.options.shared.rules, operands.items[rules++]);
    if (operands.count > rules) run.command = operands.items + rules;
    code = bt_replay_options_check(&run.options.shared, self, BT_NEEDS_RULES | BT_SHOWS_LINKS);
    if (!code) {
      bt_status status = run_listen(&run, &error);
      code = status ? bt_cli_fail("listen", status, &error) : end_code(&run);
      bt_listen_report_dispose(&run.report);
      bt_receiver_free(run.receiver);
    }
  }
  free(run.options.services);
  free(run.options.junit);
  free(run.options.sarif);
  free(run.options.json);
  bt_replay_options_dispose(&run.options.shared);
  return code;
}

static const bt_flag flags[] = {
    {"settle", OPT_SETTLE, "DURATION", "2s", "wait until no span has come for so long after the command ended", NULL},
    {"wait", OPT_WAIT, "DURATION", "1m",
     "the most time for what the command leaves behind: its processes, and requests under way; 0s: none of its "
     "processes sends anything",
     NULL},
    {"for", OPT_FOR, "DURATION", NULL, "the most time that the command may take, or without one how long to listen",
     NULL},
    {"listen", OPT_LISTEN, "ADDRESS", "127.0.0.1:0", "where spans are taken; port 0 is a free one", NULL},
    {"protocol", OPT_PROTOCOL, "http/protobuf|http/json|grpc", "http/protobuf",
     "what the command's exporter speaks; grpc needs a build with gRPC", NULL},
    {"forward", OPT_FORWARD, "URL", NULL, "send the spans on to this OTLP receiver, too", NULL},
    {"save", OPT_SAVE, "FILE", NULL, "write the traces as OTLP JSON lines, for eval, record and test", NULL},
    {"report", OPT_REPORT, "KIND", NULL,
     "junit=FILE, sarif=FILE, json=FILE for what --json prints, github for annotations in a workflow's log; several "
     "with commas, or the flag again",
     NULL},
    BT_FLAG_ROW_EXERCISED,
    {"strict", OPT_STRICT, NULL, NULL, "end with 3 where a verdict is inconclusive", NULL},
    {"only", OPT_ONLY, "service=NAME", NULL, "only traces with a span of this service; may be given several times",
     NULL},
    {0}};
static const bt_flag_group groups[] = {
    {"Flags:", flags, NULL}, {"Rules:", bt_flags_rules, NULL}, {"Links:", bt_flags_links, NULL}, {0}};
static const bt_example examples[] = {
    {"Do the traces of the tests keep the rules?", "betrace listen rules/ -- npm test"},
    {"With a report for CI, and the traces kept",
     "betrace listen rules/ --report junit=traces.xml --save traces.jsonl -- pytest"},
    {"Until Ctrl-C, for a program that runs elsewhere", "betrace listen rules/ --listen 127.0.0.1:4318"},
    {0}};
const bt_command bt_command_listen = {
    .name = "listen",
    .summary = "run a command, and hold the traces that it sends to rules",
    .usage = "(RULES… | --rules FILE | --dsl TEXT) [flags] [-- COMMAND…]",
    .about = "Takes OTLP over HTTP on a free port of this machine and runs the command with the variables of "
             "OpenTelemetry SDKs set to it (OTEL_EXPORTER_OTLP_ENDPOINT, every trace sampled). A build with gRPC takes "
             "OTLP over gRPC, too: --protocol grpc. When the command has ended, with all processes that it started, "
             "and no more spans come, it evaluates the rules and draws each trace that violates one.\n\n"
             "A request that was cut, was not understood or went to another path may have held anything: how many "
             "there were is said with why, and the status is 3.\n\n"
             "A trace in which a parent never came is not complete: what a rule says is absent is not known there. An "
             "attribute test.name, of the resource or of a span, groups the results by test.\n\n"
             "The exit status is the command's, if that is not 0.",
    .examples = examples,
    .groups = groups,
    .fine = "the command ended with 0, and no trace violates a rule",
    .found = "a trace violates a rule",
    .unknown = "no span came, some could not be taken, or more may come; with --strict also: a verdict is "
               "inconclusive; " BT_EXERCISED_UNKNOWN,
    .run = listen_command};
