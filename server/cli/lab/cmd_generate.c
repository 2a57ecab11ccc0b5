/* `betrace generate`: sample traces to a file or to an OTLP endpoint, with the truth about them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/lab/sample_traces.h"
#include "server/cli/printer.h"
#include "server/json/json_values.h"

enum { BATCH_TRACES = 500 };

typedef struct generate_options {
  bt_sample_options sample; /* --violations without --scenario means BT_SAMPLE_NONE: they are planted there alone */
  const char *out, *late, *otlp, *truth;
  int64_t late_after_ns;
  bool print_json;
} generate_options;

typedef struct generator {
  const generate_options *options;
  bt_sample_trace *batch; /* BATCH_TRACES of them */
  FILE *out, *late;       /* late: NULL where late spans go with the others */
  bt_http_client *client;
  json_t *truth;
  uint64_t spans;
} generator;

/* ---- encoding ---- */

enum { MOST_ORIGINS = 32 };

typedef struct encoded { /* a resource for each origin of spans, for a batch */
  bt_sample_origin origins[MOST_ORIGINS];
  bt_export_span *spans[MOST_ORIGINS];
  bt_export_resource resources[MOST_ORIGINS];
  bt_attribute attributes[MOST_ORIGINS][3];
  size_t count;
} encoded;

static void dispose_encoded(encoded *e) {
  for (size_t o = 0; o < e->count; o++) free(e->spans[o]);
}

typedef enum which_spans { ALL_SPANS, ON_TIME, LATE_ONLY } which_spans;

static bool is_wanted(const bt_sample_span *span, which_spans which) {
  return which == ALL_SPANS || span->is_late == (which == LATE_ONLY);
}

static bool is_same(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

/* The resource of an origin, which is added where it is new. */
static size_t find_origin(encoded *e, const bt_sample_origin *origin) {
  size_t o = 0;
  while (o < e->count &&
         !(is_same(e->origins[o].service, origin->service) && is_same(e->origins[o].version, origin->version) &&
           is_same(e->origins[o].region, origin->region)))
    o++;
  if (o == e->count) e->origins[e->count++] = *origin;
  return o;
}

static void name_resource(encoded *e, size_t o) {
  const char *const values[] = {e->origins[o].service, e->origins[o].version, e->origins[o].region};
  static const char *const keys[] = {"service.name", "service.version", "cloud.region"};
  bt_export_resource *resource = &e->resources[o];
  resource->attributes = e->attributes[o];
  resource->scope_name = BT_STR("betrace-generate");
  resource->scope_version = BT_STR("1");
  for (size_t i = 0; i < sizeof keys / sizeof keys[0] && values[i]; i++)
    e->attributes[o][resource->attribute_count++] =
        (bt_attribute){bt_str_from(keys[i]), {.type = BT_VALUE_STRING, .string = bt_str_from(values[i])}};
}

/* Calls for each wanted span of the batch: its resource, and the span. */
static void count_span(encoded *e, size_t o, const bt_export_span *span) {
  (void)span;
  e->resources[o].span_count++;
}
static void keep_span(encoded *e, size_t o, const bt_export_span *span) {
  e->spans[o][e->resources[o].span_count++] = *span;
}
static void visit_spans(const generator *g, encoded *e, size_t traces, which_spans which,
                        void (*visit)(encoded *, size_t, const bt_export_span *)) {
  for (size_t t = 0; t < traces; t++) {
    for (size_t i = 0; i < g->batch[t].span_count; i++) {
      const bt_sample_span *span = &g->batch[t].spans[i];
      if (is_wanted(span, which)) visit(e, find_origin(e, &span->origin), &span->span);
    }
  }
}

static bt_status collect_spans(generator *g, encoded *e, size_t traces, which_spans which, bt_error *error) {
  *e = (encoded){0};
  visit_spans(g, e, traces, which, count_span);
  for (size_t o = 0; o < e->count; o++) {
    name_resource(e, o);
    e->spans[o] = bt_realloc_array(NULL, e->resources[o].span_count, sizeof *e->spans[o]);
    if (!e->spans[o]) return bt_error_no_memory(error);
    e->resources[o].spans = e->spans[o];
    g->spans += e->resources[o].span_count;
    e->resources[o].span_count = 0;
  }
  visit_spans(g, e, traces, which, keep_span);
  return BT_OK;
}

/* ---- JSON lines ---- */

static json_t *value_json(const bt_value *value) {
  if (value->type == BT_VALUE_STRING) return json_pack("{s:s%}", "stringValue", value->string.ptr, value->string.len);
  if (value->type == BT_VALUE_DOUBLE) return json_pack("{s:f}", "doubleValue", value->decimal);
  char digits[24];
  snprintf(digits, sizeof digits, "%lld", (long long)value->integer);
  return json_pack("{s:s}", "intValue", digits);
}

static json_t *attributes_json(const bt_attribute *attributes, uint32_t count) {
  json_t *array = json_array();
  for (uint32_t i = 0; i < count; i++)
    bt_json_append(array, json_pack("{s:s%, s:o}", "key", attributes[i].key.ptr, attributes[i].key.len, "value",
                                    value_json(&attributes[i].value)));
  return array;
}

static json_t *links_json(const bt_export_span *span) {
  json_t *array = json_array();
  for (uint32_t i = 0; i < span->link_count; i++) {
    char trace_id[BT_TRACE_ID_HEX + 1], span_id[BT_SPAN_ID_HEX + 1];
    bt_trace_id_format(&span->links[i].trace_id, trace_id);
    bt_span_id_format(&span->links[i].span_id, span_id);
    bt_json_append(array, json_pack("{s:s, s:s}", "traceId", trace_id, "spanId", span_id));
  }
  return array;
}

static json_t *span_json(const bt_export_span *span) {
  char trace_id[BT_TRACE_ID_HEX + 1], span_id[BT_SPAN_ID_HEX + 1], parent_id[BT_SPAN_ID_HEX + 1], start[24], end[24];
  bt_trace_id_format(&span->trace_id, trace_id);
  bt_span_id_format(&span->span_id, span_id);
  bt_span_id_format(&span->parent_id, parent_id);
  snprintf(start, sizeof start, "%lld", (long long)span->start_ns);
  snprintf(end, sizeof end, "%lld", (long long)span->end_ns);
  json_t *object =
      json_pack("{s:s, s:s, s:s%, s:i, s:s, s:s, s:o}", "traceId", trace_id, "spanId", span_id, "name", span->name.ptr,
                span->name.len, "kind", (int)span->kind, "startTimeUnixNano", start, "endTimeUnixNano", end,
                "attributes", attributes_json(span->attributes, span->attribute_count));
  if (!bt_span_id_is_zero(&span->parent_id)) bt_json_set(object, "parentSpanId", json_string(parent_id));
  if (span->link_count) bt_json_set(object, "links", links_json(span));
  if (span->status)
    bt_json_set(object, "status",
                json_pack("{s:i, s:s%}", "code", (int)span->status, "message",
                          span->status_message.ptr ? span->status_message.ptr : "", span->status_message.len));
  return object;
}

static bt_status write_json_line(const bt_export_resource *resource, FILE *file, bt_error *error) {
  json_t *spans = json_array();
  for (size_t i = 0; i < resource->span_count; i++) bt_json_append(spans, span_json(&resource->spans[i]));
  json_t *line = json_pack("{s:[{s:{s:o}, s:[{s:{s:s}, s:o}]}]}", "resourceSpans", "resource", "attributes",
                           attributes_json(resource->attributes, resource->attribute_count), "scopeSpans", "scope",
                           "name", "betrace-generate", "spans", spans);
  int failed = line ? json_dumpf(line, file, JSON_COMPACT | JSON_REAL_PRECISION(15)) : -1;
  json_decref(line);
  if (failed || fputc('\n', file) == EOF) return bt_error_set(error, BT_IO, "the output cannot be written");
  return BT_OK;
}

/* ---- output ---- */

static bool is_json_lines(const char *path) {
  size_t length = strlen(path);
  return strcmp(path, "-") == 0 || (length > 6 && strcmp(path + length - 6, ".jsonl") == 0);
}

static bt_status write_batch(const encoded *e, const char *path, FILE *file, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < e->count && !status && is_json_lines(path); i++)
    status = write_json_line(&e->resources[i], file, error);
  if (status || is_json_lines(path)) return status;
  bt_buffer out = {0};
  status = bt_otlp_encode(e->resources, e->count, &out, error);
  if (!status && out.len && fwrite(out.ptr, 1, out.len, file) != out.len)
    status = bt_error_set(error, BT_IO, "%s cannot be written", path);
  bt_buffer_dispose(&out);
  return status;
}

static bt_status push_batch(generator *g, const encoded *e, bt_error *error) {
  bt_exporter_options exporter = {.url = g->options->otlp};
  bt_export_result result = {0};
  if (!e->count) return BT_OK;
  bt_status status = bt_otlp_export(g->client, &exporter, e->resources, e->count, NULL, &result, error);
  if (!status && result.rejected)
    status = bt_error_set(error, BT_REFUSED, "%llu spans were rejected: %s", (unsigned long long)result.rejected,
                          result.message);
  return status;
}

static bt_status output_batch(generator *g, size_t traces, which_spans which, bt_error *error) {
  encoded e;
  bt_status status = collect_spans(g, &e, traces, which, error);
  bool to_late = which == LATE_ONLY && g->late;
  if (!status && g->client)
    status = push_batch(g, &e, error);
  else if (!status)
    status = write_batch(&e, to_late ? g->options->late : g->options->out, to_late ? g->late : g->out, error);
  dispose_encoded(&e);
  return status;
}

static bt_status run_pass(generator *g, which_spans which, bt_error *error) {
  bt_status status = BT_OK;
  uint64_t total = g->options->sample.traces;
  for (uint64_t first = 0; first < total && !status; first += BATCH_TRACES) {
    size_t count = total - first < BATCH_TRACES ? (size_t)(total - first) : BATCH_TRACES;
    for (size_t i = 0; i < count; i++) bt_sample_trace_make(&g->options->sample, first + i, &g->batch[i]);
    status = output_batch(g, count, which, error);
  }
  return status;
}

static void sleep_ns(int64_t ns) {
  struct timespec left = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
  while (nanosleep(&left, &left) != 0) continue;
}

static bt_status run_passes(generator *g, bt_error *error) {
  bool two_passes = g->late || g->options->late_after_ns > 0;
  bt_status status = run_pass(g, two_passes ? ON_TIME : ALL_SPANS, error);
  if (status || !two_passes) return status;
  if (g->client) sleep_ns(g->options->late_after_ns);
  return run_pass(g, LATE_ONLY, error);
}

static void add_truth(json_t *truth, const bt_sample_trace *trace) {
  for (int f = 0; f < BT_SAMPLE_FAULTS && trace->span_count; f++) {
    char hex[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&trace->spans[0].span.trace_id, hex);
    if (trace->faults & 1u << f) bt_json_append(json_object_get(truth, bt_sample_fault_names[f]), json_string(hex));
  }
}

static bt_status write_truth(generator *g, bt_error *error) {
  const bt_sample_options *sample = &g->options->sample;
  if (!g->options->truth) return BT_OK;
  json_t *truth = json_object();
  for (int f = 0; f < BT_SAMPLE_FAULTS; f++)
    if (bt_sample_scenario_faults[sample->scenario] & 1u << f)
      bt_json_set(truth, bt_sample_fault_names[f], json_array());
  for (uint64_t i = 0; i < sample->traces; i++) {
    bt_sample_trace_make(sample, i, g->batch);
    add_truth(truth, g->batch);
  }
  int failed = json_dump_file(truth, g->options->truth, JSON_INDENT(2));
  json_decref(truth);
  return failed ? bt_error_set(error, BT_IO, "%s cannot be written", g->options->truth) : BT_OK;
}

static bt_status open_outputs(generator *g, bt_error *error) {
  const generate_options *options = g->options;
  if (options->otlp) return bt_http_client_new(NULL, &g->client, error);
  g->out = strcmp(options->out, "-") == 0 ? stdout : fopen(options->out, "wb");
  if (!g->out) return bt_error_set(error, BT_IO, "%s cannot be opened for writing", options->out);
  if (options->late && !(g->late = fopen(options->late, "wb")))
    return bt_error_set(error, BT_IO, "%s cannot be opened for writing", options->late);
  return BT_OK;
}

static bt_status close_file(FILE *file, const char *path, bt_status status, bt_error *error) {
  if (!file) return status;
  bool failed = (file == stdout ? fflush(file) : fclose(file)) != 0;
  return failed && !status ? bt_error_set(error, BT_IO, "%s cannot be written to its end", path) : status;
}

/* Who looks at once finds nothing, and should know why. What stands behind --otlp nobody says. */
static void say_when_shown(const generate_options *options) {
  static const int64_t slack_ns = INT64_C(120000000000);
  const bt_sample_options *sample = &options->sample;
  if (!options->otlp || bt_clock_wall_ns() - sample->start_ns <= slack_ns) return;
  bt_print_error("a Tempo 3.0 with default settings shows spans that are more than 2 min old on arrival about 15 min "
                 "later, and 2.x up to 41 min later\na ClickHouse shows them once they are written\n"
                 "until then a replay says that it sees no trace, or not all\n");
}

static int run_generate(const generate_options *options) {
  bt_error error = {0};
  generator g = {.options = options};
  g.batch = bt_realloc_array(NULL, BATCH_TRACES, sizeof *g.batch);
  bt_status status = g.batch ? open_outputs(&g, &error) : bt_error_no_memory(&error);
  if (!status) status = run_passes(&g, &error);
  if (!status) status = write_truth(&g, &error);
  status = close_file(g.out, options->out, status, &error);
  status = close_file(g.late, options->late, status, &error);
  if (!status && options->print_json)
    bt_cli_print_json(
        json_pack("{s:I, s:I}", "traces", (json_int_t)options->sample.traces, "spans", (json_int_t)g.spans));
  else if (!status)
    bt_print_error("%llu traces, %llu spans\n", (unsigned long long)options->sample.traces,
                   (unsigned long long)g.spans);
  if (!status) say_when_shown(options);
  bt_http_client_free(g.client);
  free(g.batch);
  return status ? bt_cli_fail("generate", status, &error) : BT_EXIT_FINE;
}

/* ---- options ---- */

enum {
  OPT_SCENARIO = BT_FLAG_OWN,
  OPT_SEED,
  OPT_TRACES,
  OPT_VIOLATIONS,
  OPT_SINCE,
  OPT_END,
  OPT_OUT,
  OPT_LATE,
  OPT_OTLP,
  OPT_LATE_AFTER,
  OPT_TRUTH
};

static bool take_scenario(const char *value, bt_sample_scenario *out) {
  for (int s = 0; s < BT_SAMPLE_SCENARIOS; s++) {
    if (strcmp(value, bt_sample_scenario_names[s]) != 0) continue;
    *out = (bt_sample_scenario)s;
    return true;
  }
  return false;
}

static bool take_option(int option, const char *value, generate_options *options, int64_t *since_ns) {
  switch (option) {
  case OPT_SCENARIO: return take_scenario(value, &options->sample.scenario);
  case OPT_SEED: return bt_cli_number(value, &options->sample.seed);
  case OPT_TRACES:
    return bt_cli_number(value, &options->sample.traces) && options->sample.traces > 0 &&
           options->sample.traces <= 100000000;
  case OPT_VIOLATIONS: return bt_cli_number(value, &options->sample.violations);
  case OPT_SINCE: return bt_duration_parse(bt_str_from(value), since_ns) && *since_ns > 0;
  case OPT_END: return bt_time_parse(bt_str_from(value), bt_clock_wall_ns(), &options->sample.end_ns);
  case OPT_OUT: return options->out = value, true;
  case OPT_LATE: return options->late = value, true;
  case OPT_OTLP: return options->otlp = value, true;
  case OPT_LATE_AFTER: return bt_duration_parse(bt_str_from(value), &options->late_after_ns);
  case OPT_TRUTH: return options->truth = value, true;
  case BT_FLAG_JSON: return options->print_json = true;
  default: return false;
  }
}

static int check_options(generate_options *options, int64_t since_ns, bool says_violations, bool says_scenario) {
  if (says_violations && says_scenario && options->sample.scenario != BT_SAMPLE_NONE)
    return bt_cli_usage_error("generate",
                              "--violations goes with --scenario none; in the others the story says how many");
  if (says_violations) options->sample.scenario = BT_SAMPLE_NONE;
  if (!options->sample.end_ns) options->sample.end_ns = bt_clock_wall_ns();
  options->sample.start_ns = options->sample.end_ns - since_ns;
  uint64_t most = options->sample.traces / 10;
  if (!says_violations) options->sample.violations = most < 37 ? most : 37;
  if (options->sample.violations > most)
    return bt_cli_usage_error("generate", "--violations may be at most a tenth of --traces");
  if (!options->out == !options->otlp) return bt_cli_usage_error("generate", "say where to: --out FILE or --otlp URL");
  if (options->print_json && options->out && strcmp(options->out, "-") == 0)
    return bt_cli_usage_error("generate", "--out - and --json both write to stdout: name a file");
  if (options->otlp && options->late)
    return bt_cli_usage_error("generate", "--late goes with --out; with --otlp it is --late-after");
  return BT_EXIT_FINE;
}

typedef struct generate_arguments {
  generate_options options;
  int64_t since_ns;
  bool says_violations, says_scenario;
} generate_arguments;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  generate_arguments *arguments = context;
  arguments->says_violations = arguments->says_violations || flag->id == OPT_VIOLATIONS;
  arguments->says_scenario = arguments->says_scenario || flag->id == OPT_SCENARIO;
  return take_option(flag->id, value, &arguments->options, &arguments->since_ns);
}

static int generate_command(const bt_command *self, int argc, char **argv) {
  generate_arguments arguments = {.options.sample = {.seed = 1, .traces = 1000}, .since_ns = 86400000000000};
  bt_operands operands;
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &arguments, &operands, &code)) return code;
  if (operands.count) return bt_cli_usage_error("generate", "\"%s\" is not an option", operands.items[0]);
  int wrong = check_options(&arguments.options, arguments.since_ns, arguments.says_violations, arguments.says_scenario);
  return wrong ? wrong : run_generate(&arguments.options);
}

static const bt_flag flags[] = {
    {"scenario", OPT_SCENARIO, "NAME", "rollout", "what the traces tell: rollout, noise, none, messaging or agent",
     NULL},
    {"seed", OPT_SEED, "N", "1", "the same seed makes the same traces", NULL},
    {"traces", OPT_TRACES, "N", "1000", "how many traces", NULL},
    {"violations", OPT_VIOLATIONS, "N", "37, at most a tenth of the traces",
     "planted of each kind, evenly; means --scenario none", NULL},
    {"since", OPT_SINCE, "DURATION", "24h", "spread over this time before --end", NULL},
    {"end", OPT_END, "TIME", "now", "when the newest begins", NULL},
    {"out", OPT_OUT, "FILE", NULL, "OTLP protobuf, or JSON lines where FILE ends in .jsonl; - is JSON lines to stdout",
     NULL},
    {"late", OPT_LATE, "FILE", NULL,
     "spans that belong into a second push go to this file instead (same format as --out)", NULL},
    {"otlp", OPT_OTLP, "URL", NULL, "push by OTLP/HTTP instead of writing files", NULL},
    {"late-after", OPT_LATE_AFTER, "DURATION", "together with them", "push the late spans that long after all others",
     NULL},
    {"truth", OPT_TRUTH, "FILE", NULL, "JSON: the ids of the wrong traces for each rule", NULL},
    {0}};
static const bt_example examples[] = {
    {"A day of a shop, in which version 1.4.3 breaks something six hours before the end",
     "betrace generate --traces 20000 --since 24h --out traces.pb --truth truth.json"},
    {"The same into a Tempo", "betrace generate --traces 20000 --since 24h --otlp http://127.0.0.1:4318"},
    {"Orders through a queue, a trace for each side of it",
     "betrace generate --scenario messaging --traces 2000 --out orders.jsonl"},
    {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
const bt_command bt_command_generate = {
    .name = "generate",
    .summary = "sample traces with planted violations, to a file or an OTLP endpoint",
    .usage = "(--out FILE | --otlp URL) [flags]",
    .about = "Writes sample traces, the same for the same --seed.\n\n"
             "rollout: a small shop. Version 1.4.3 comes to eu-west-1 in the last quarter of the time. It does "
             "not retry slow queries, writes no audit span for one tenant, and its payments take longer.\n"
             "noise: the same rollout, and a few wrong traces that have nothing to do with it.\n"
             "none: one version; wrong traces of three kinds at even distances.\n"
             "messaging: orders through a queue, each in two linked traces. From the last quarter on failed "
             "messages are not put aside, and some are lost.\n"
             "agent: an assistant with tools. From the last quarter on it sends mail that nobody allowed, and "
             "at times asks its model again and again.",
    .examples = examples,
    .groups = groups,
    .fine = "all traces were written",
    .unknown = "they could not be written or sent",
    .run = generate_command};
