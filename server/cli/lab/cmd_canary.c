/* `betrace canary`: does all of it work, from a pushed span to a violation in the store? It pushes one trace that
 * breaks a rule and one that keeps it, waits for the first's violation span, whose id it can derive, and looks that the
 * second has none. A third breaks the rule too and never ended: whether that is seen is told and is no failure, because
 * no search of a store shows it. What it sees goes to stdout and, for a Prometheus, into a file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/answer.h"
#include "server/cli/printer.h"
#include "server/cli/replay_options.h"
#include "server/cli/terminal.h"
#include "server/replay/violation.h"
#include "tempo/wire/otlp_export.h"

#define RULE_ID  "betrace-canary"
#define RULE_DSL "when { betrace.canary.request } always { betrace.canary.reply }"

enum { OPT_OTLP = BT_FLAG_OWN, OPT_EVERY, OPT_WITHIN, OPT_COUNT, OPT_METRICS, OPT_PRINT_RULE };
static const int64_t SECOND_NS = INT64_C(1000000000);

typedef struct canary_options {
  bt_replay_options shared;
  const char *otlp, *metrics;
  int64_t every_ns, within_ns;
  uint64_t count; /* 0: until Ctrl-C */
  bool print_rule;
} canary_options;

typedef struct canary {
  const canary_options *options;
  bt_replay_place place;
  bt_rule_definition *rule;
  uint64_t rounds, missed, untrue, unknown; /* untrue: a violation of the trace that keeps the rule */
  const char *asked;                        /* the address of what was asked last */
  int64_t delay_ns, succeeded_at_ns;        /* of the last round that went well */
} canary;

/* ---- pushing ---- */

static bt_status make_ids(bt_trace_id *trace_id, bt_span_id spans[2], bt_error *error) {
  uint8_t bytes[32];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return bt_error_set(error, BT_IO, "the system gives no random numbers for trace ids");
  memcpy(trace_id->bytes, bytes, 16);
  memcpy(spans[0].bytes, bytes + 16, 8);
  memcpy(spans[1].bytes, bytes + 24, 8);
  return BT_OK;
}

typedef enum canary_trace { CANARY_BREAKS, CANARY_KEEPS, CANARY_UNENDED, CANARY_TRACES } canary_trace;

static bt_status push_trace(const canary *c, canary_trace kind, int64_t now_ns, bt_trace_id *out, bt_error *error) {
  bt_span_id ids[2] = {{{0}}}; /* for the optimiser, which does not see that an error is never BT_OK */
  bt_export_result sent = {0};
  bt_status status = make_ids(out, ids, error);
  if (status) return status;
  bt_export_span spans[2] = {
      {.name = BT_STR("betrace.canary.request"), .start_ns = now_ns, .end_ns = now_ns + SECOND_NS / 100},
      {.name = BT_STR("betrace.canary.reply"), .start_ns = now_ns, .end_ns = now_ns + SECOND_NS / 1000}};
  for (int i = 0; i < 2; i++) {
    spans[i].trace_id = *out;
    spans[i].span_id = ids[i];
    spans[i].kind = BT_KIND_INTERNAL;
  }
  spans[1].parent_id = ids[0];
  if (kind == CANARY_UNENDED) spans[0].end_ns = 0;
  bt_attribute service = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = BT_STR("betrace-canary")}};
  bt_export_resource resource = {&service, 1, BT_STR("betrace"), BT_STR(""), spans, kind == CANARY_KEEPS ? 2 : 1};
  bt_exporter_options exporter = {
      .url = c->options->otlp, .headers = getenv("OTEL_EXPORTER_OTLP_HEADERS"), .tenant = c->options->shared.tenant};
  status = bt_otlp_export(c->place.client, &exporter, &resource, 1, bt_replay_interrupt(), &sent, error);
  if (status || sent.accepted == resource.span_count) return status;
  return bt_error_set(error, BT_REFUSED, "the receiver did not take the spans: %.190s", sent.message);
}

/* ---- looking ---- */

static bt_status take_read(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  *(bool *)context = read->trace && read->trace->span_count;
  return BT_OK;
}

/* Whether the store has the violation span of that trace. */
static bt_status look_for_violation(const canary *c, const bt_trace_id *violating, bool *found, bt_error *error) {
  bt_own_ids ids;
  const char *tenant = c->options->shared.tenant;
  *found = false;
  bt_status status = bt_violation_ids_derive(bt_str_from(tenant ? tenant : ""), BT_STR(RULE_ID),
                                             bt_str_from(c->rule->condition_hash), violating, &ids, error);
  if (status) return status;
  bt_read_request request = {.ids = &ids.trace_id,
                             .count = 1,
                             .range = {0, bt_clock_wall_ns()},
                             .by_id = true,
                             .with_own = true,
                             .tenant = tenant,
                             .cancel = bt_replay_interrupt(),
                             .priority = BT_PRIORITY_PEOPLE};
  bt_source_account account = {0};
  status = bt_source_read(c->place.source, &request, take_read, found, &account, error);
  bt_source_account_dispose(&account);
  return status;
}

static bool is_interrupted(void) {
  return bt_is_cancelled(bt_replay_interrupt());
}

static void wait_ns(int64_t duration_ns) {
  int64_t end_ns = bt_clock_monotonic_ns() + duration_ns;
  while (!is_interrupted() && bt_clock_monotonic_ns() < end_ns) nanosleep(&(struct timespec){0, 100000000}, NULL);
}

/* Until it is there or its time is over; a store that does not answer for a moment is asked again. */
static bt_status wait_for(const canary *c, const bt_trace_id *violating, int64_t until_ns, bool *found,
                          bt_error *error) {
  bt_status status = BT_OK;
  do {
    status = look_for_violation(c, violating, found, error);
    if (*found || is_interrupted()) return status;
    wait_ns(SECOND_NS / 2);
  } while (bt_clock_monotonic_ns() < until_ns);
  return status;
}

/* ---- a round ---- */

static void write_metrics(const canary *c, bt_buffer *out) {
  const struct {
    const char *name, *type, *help;
    double value;
  } rows[] = {
      {"betrace_canary_rounds_total", "counter", "Rounds that pushed their traces.", (double)c->rounds},
      {"betrace_canary_missed_total", "counter", "Violations that did not come in time.", (double)c->missed},
      {"betrace_canary_false_total", "counter", "Violations of a trace that keeps the rule.", (double)c->untrue},
      {"betrace_canary_unknown_total", "counter", "Rounds in which the store or the receiver did not answer.",
       (double)c->unknown},
      {"betrace_canary_delay_seconds", "gauge", "From push to violation, in the last round that went well.",
       (double)c->delay_ns / 1e9},
      {"betrace_canary_last_success_timestamp_seconds", "gauge", "When a round went well last.",
       (double)c->succeeded_at_ns / 1e9}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    bt_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.3f\n", rows[i].name, rows[i].help, rows[i].name,
                     rows[i].type, rows[i].name, rows[i].value);
}

/* Through a second file, so that nobody reads half of it. */
static bt_status save_metrics(const canary *c, bt_error *error) {
  const char *path = c->options->metrics;
  bt_buffer text = {0}, other = {0};
  if (!path) return BT_OK;
  write_metrics(c, &text);
  bt_buffer_printf(&other, "%s.new", path);
  FILE *file = text.failed || other.failed ? NULL : fopen(other.ptr, "we");
  bool ok = file && fwrite(text.ptr, 1, text.len, file) == text.len;
  if (file && fclose(file) != 0) ok = false;
  if (ok) ok = rename(other.ptr, path) == 0;
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&other);
  return ok ? BT_OK : bt_error_set(error, BT_IO, "--metrics %.200s cannot be written", path);
}

static void print_outcome(const canary *c, const char *outcome, const char *detail) {
  char now[40];
  bt_time_format(bt_clock_wall_ns(), now);
  if (c->options->shared.print_json) { /* a line each, as they come */
    json_t *line = json_pack("{s:s, s:s, s:s, s:f}", "time", now, "outcome", outcome, "detail", detail, "delay_seconds",
                             (double)c->delay_ns / 1e9);
    bt_print_json(line, JSON_COMPACT);
  } else {
    bool is_unknown = strcmp(outcome, "unknown") == 0;
    bt_print("%.19sZ %s%s: %s%s\n", now, bt_style_on(is_unknown ? BT_STYLE_YELLOW : BT_STYLE_OFF),
             is_unknown ? "UNKNOWN" : outcome, detail, bt_style_on(BT_STYLE_OFF));
  }
  bt_print_flush();
}

static bt_status push_all(const canary *c, bt_trace_id ids[CANARY_TRACES], bt_error *error) {
  int64_t now_ns = bt_clock_wall_ns();
  bt_status status = BT_OK;
  for (unsigned i = 0; !status && i < CANARY_TRACES; i++)
    status = push_trace(c, (canary_trace)i, now_ns, &ids[i], error);
  return status;
}

/* Whom the failure is of: the receiver of spans, or the store. Programs get the message alone, as before. */
static void say_unknown(canary *c, const char *url, bool found, const char *message) {
  bt_buffer detail = {0};
  if (c->options->shared.print_json)
    bt_buffer_append(&detail, bt_str_from(message));
  else
    bt_failure_write(url, message, &detail);
  if (found) bt_buffer_append(&detail, BT_STR("; 1 violation found; not looked at: whether the other trace has one"));
  print_outcome(c, "unknown", detail.ptr ? detail.ptr : message);
  bt_buffer_dispose(&detail);
}

/* What came in a round: the violation, one of the trace that keeps the rule, one of the trace that never ended. */
typedef struct arrival {
  bool found, is_untrue, has_unended;
} arrival;

static void judge_trial(canary *c, bt_status status, const bt_error *error, arrival seen, int64_t took_ns) {
  char detail[600], took[64];
  bt_duration_format(took_ns / 1000000 * 1000000, took);
  if (status) {
    c->unknown++;
    say_unknown(c, c->asked, seen.found, error->message);
  } else if (seen.is_untrue) {
    c->untrue++;
    print_outcome(c, "false", "a trace that keeps the rule has a violation");
  } else if (!seen.found) {
    c->missed++;
    snprintf(detail, sizeof detail, "no violation within %s; is rule " RULE_ID " there and enabled, and --watch on?",
             took);
    print_outcome(c, "missed", detail);
  } else {
    c->delay_ns = took_ns;
    c->succeeded_at_ns = bt_clock_wall_ns();
    snprintf(detail, sizeof detail, "the violation came after %s; of a trace that never ended %s", took,
             seen.has_unended ? "it came too" : "none: no search of this store shows such traces");
    print_outcome(c, "ok", detail);
  }
}

static void make_round(canary *c) {
  bt_trace_id ids[CANARY_TRACES];
  bt_error error = {0};
  arrival seen = {0};
  int64_t began_ns = bt_clock_monotonic_ns();
  c->asked = c->options->otlp;
  bt_status status = push_all(c, ids, &error);
  if (!status) {
    c->rounds++;
    c->asked = c->options->shared.source.address;
  }
  if (!status) status = wait_for(c, &ids[CANARY_BREAKS], began_ns + c->options->within_ns, &seen.found, &error);
  int64_t took_ns = bt_clock_monotonic_ns() - began_ns;
  if (is_interrupted() && !seen.found) {
    print_outcome(c, "unknown", "cancelled before the violation came");
    return;
  }
  if (!status) status = look_for_violation(c, &ids[CANARY_KEEPS], &seen.is_untrue, &error);
  if (!status) status = look_for_violation(c, &ids[CANARY_UNENDED], &seen.has_unended, &error);
  judge_trial(c, status, &error, seen, took_ns);
}

static int watch_rounds(canary *c) {
  bt_error error = {0};
  for (uint64_t i = 0; !is_interrupted() && (!c->options->count || i < c->options->count); i++) {
    int64_t next_ns = bt_clock_monotonic_ns() + c->options->every_ns;
    make_round(c);
    if (save_metrics(c, &error)) return bt_cli_fail("canary", BT_IO, &error);
    if (!c->options->count || i + 1 < c->options->count) wait_ns(next_ns - bt_clock_monotonic_ns());
  }
  if (c->missed || c->untrue) return BT_EXIT_FOUND;
  return c->unknown ? BT_EXIT_UNKNOWN : BT_EXIT_FINE;
}

/* ---- the command ---- */

static bt_status make_rule(bt_rule_definition **out, bt_error *error) {
  bt_rule_fields fields;
  bt_diagnostics diagnostics = {0};
  bt_rule_fields_init(&fields);
  fields.id = strdup(RULE_ID);
  fields.name = strdup("BeTrace canary");
  fields.description = strdup("Broken on purpose by `betrace canary`, to see that violations are found and sent.");
  fields.dsl = strdup(RULE_DSL);
  fields.severity = BT_SEVERITY_INFO;
  fields.has_severity = true;
  bt_status status = bt_rule_definition_new(&fields, out, &diagnostics, error);
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

static int print_rule(const bt_rule_definition *rule) {
  bt_cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", rule->fields.id, "name", rule->fields.name,
                              "description", rule->fields.description, "dsl", rule->fields.dsl, "severity",
                              bt_severity_name(rule->fields.severity)));
  return BT_EXIT_FINE;
}

static int run_canary(const canary_options *options) {
  bt_error error = {0};
  canary c = {.options = options};
  bt_violation_ids_install();
  bt_status status = make_rule(&c.rule, &error);
  int code = BT_EXIT_FINE;
  if (!status && options->print_rule)
    code = print_rule(c.rule);
  else if (!status && !(status = bt_replay_place_open(&options->shared, &c.place, &error)))
    code = watch_rounds(&c);
  if (status) code = bt_cli_fail("canary", status, &error);
  bt_replay_place_close(&c.place);
  bt_rule_definition_unref(c.rule);
  return code;
}

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  canary_options *options = context;
  switch (flag->id) {
  case OPT_OTLP: return options->otlp = value, true;
  case OPT_EVERY: return bt_duration_parse(bt_str_from(value), &options->every_ns);
  case OPT_WITHIN: return bt_duration_parse(bt_str_from(value), &options->within_ns) && options->within_ns > 0;
  case OPT_COUNT: return bt_cli_number(value, &options->count);
  case OPT_METRICS: return options->metrics = value, true;
  case OPT_PRINT_RULE: return options->print_rule = true;
  default: return bt_replay_options_take(&options->shared, flag, value);
  }
}

static int check_options(canary_options *options, const bt_command *self) {
  if (options->print_rule) return BT_EXIT_FINE;
  if (options->shared.trace_count)
    return bt_cli_usage_error("canary", "files do not change: say --store URL or --tempo URL");
  if (!options->otlp) options->otlp = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (!options->otlp) return bt_cli_usage_error("canary", "say where to push: --otlp URL, as in http://127.0.0.1:4318");
  return bt_replay_options_check(&options->shared, self, BT_NEEDS_SOURCE);
}

static int canary_command(const bt_command *self, int argc, char **argv) {
  canary_options options = {.every_ns = 60 * SECOND_NS, .within_ns = 300 * SECOND_NS};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  bt_replay_options_init(&options.shared);
  if (bt_arguments_read(self, argc, argv, take_flag, &options, &operands, &code)) {
    code = bt_operands_refuse(self, &operands);
    if (!code) code = check_options(&options, self);
    if (!code) code = run_canary(&options);
  }
  bt_replay_options_dispose(&options.shared);
  return code;
}

static const bt_flag flags[] = {
    {"otlp", OPT_OTLP, "URL", NULL, "where to push the traces, by OTLP/HTTP", "OTEL_EXPORTER_OTLP_ENDPOINT"},
    {"every", OPT_EVERY, "DURATION", "1m", "time between the beginnings of two rounds", NULL},
    {"within", OPT_WITHIN, "DURATION", "5m", "a violation that has not come by then is missed", NULL},
    {"count", OPT_COUNT, "N", NULL, "end after so many rounds; else after Ctrl-C", NULL},
    {"metrics", OPT_METRICS, "FILE", NULL,
     "write what was seen in Prometheus' text format, for node_exporter's textfile collector", NULL},
    {"print-rule", OPT_PRINT_RULE, NULL, NULL, "print the rule that the service has to have, as JSON, and end", NULL},
    {0}};
static const bt_flag_group groups[] = {{"Canary:", flags, NULL}, {"Traces:", bt_flags_traces, NULL}, {0}};
static const bt_example examples[] = {
    {"Once: give the service the rule",
     "betrace canary --print-rule | curl --data-binary @- http://127.0.0.1:8080/v1/rules"},
    {"All the time, next to a node_exporter",
     "betrace canary --tempo http://127.0.0.1:3200 --otlp http://127.0.0.1:4318 \\\n"
     "  --metrics /var/lib/node_exporter/betrace.prom"},
    {0}};
const bt_command bt_command_canary = {
    .name = "canary",
    .summary = "pushes a known violation now and then, and expects it back",
    .usage = "--store URL --otlp URL [flags]",
    .about =
        "Each round pushes a trace that breaks the rule " RULE_ID
        " and one that keeps it, and waits for the violation span of the first, as a service with "
        "--watch sends it. It says how long that took, when it did not come, and when the second has one too. A third "
        "breaks the rule and never ended; whether that is seen is told, and is no failure.",
    .examples = examples,
    .groups = groups,
    .fine = "every round went well",
    .found = "a violation was missed, or was false",
    .unknown = "the store or the receiver did not answer",
    .run = canary_command};
