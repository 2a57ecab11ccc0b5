/* GET /metrics: Prometheus text of what the service counts and of what its parts say of themselves. Every family is
 * listed in docs/reference/metrics.md, which a test compares. Labels that grow with use are rules and tenants alone.
 * See routes.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/pattern/pattern.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/http/watch_metrics.h"
#include "server/metrics/exposition.h"
#include "server/metrics/process.h"
#include "tempo/files/memory_source.h"

static const char *const class_names[BT_STATUS_CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

/* ---- rules ---- */

typedef struct rules_page {
  const bt_service *service;
  bt_buffer *out;
  const char *only_tenant; /* NULL: those of all */
  const char **tenants;
  bt_rule_list *rules; /* one for each tenant */
  bt_sampled_traces *sampling;
  size_t tenant_count;
} rules_page;

typedef void (*rule_visit)(const rules_page *page, const bt_rule_definition *rule, const char *tenant);

static void each_rule(const rules_page *page, rule_visit visit) {
  for (size_t i = 0; i < page->tenant_count; i++)
    for (size_t j = 0; j < page->rules[i].count; j++) visit(page, page->rules[i].items[j], page->tenants[i]);
}

static bt_rule_counts counts_of(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  return bt_metrics_rule(page->service->metrics, tenant, rule->fields.id);
}

static void write_violations(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  const bt_label labels[] = {{"rule_id", rule->fields.id},
                             {"severity", bt_severity_name(rule->fields.severity)},
                             {"tenant", tenant},
                             {NULL, NULL}};
  if (rule->fields.enabled)
    bt_expose_count(page->out, "betrace_violations_total", labels, counts_of(page, rule, tenant).violations);
}

static void write_bound(const rules_page *page, const bt_rule_definition *rule, const char *tenant, const char *bound,
                        double value) {
  const bt_label labels[] = {{"rule_id", rule->fields.id},
                             {"severity", bt_severity_name(rule->fields.severity)},
                             {"tenant", tenant},
                             {"bound", bound},
                             {NULL, NULL}};
  bt_expose_number(page->out, "betrace_violations_estimated", labels, value);
}

/* Each violation of one rule is another trace, so traces that were kept by chance have bounds. */
static void write_estimated(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  static const bt_kept_traces none = {0};
  bt_estimate estimate;
  size_t index = 0;
  while (page->tenants[index] != tenant) index++;
  uint64_t seen = counts_of(page, rule, tenant).violations;
  if (!rule->fields.enabled || !bt_sampled_traces_estimate(&page->sampling[index], &none, seen, &estimate)) return;
  write_bound(page, rule, tenant, "low", (double)estimate.low);
  write_bound(page, rule, tenant, "high", estimate.high == UINT64_MAX ? INFINITY : (double)estimate.high);
}

/* Not there where watch does not see every trace that exercises the rule: a part of them would make a wrong ratio. */
static void write_exercised(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  const bt_label labels[] = {{"rule_id", rule->fields.id},
                             {"severity", bt_severity_name(rule->fields.severity)},
                             {"tenant", tenant},
                             {NULL, NULL}};
  bt_rule_counts counts = counts_of(page, rule, tenant);
  if (rule->fields.enabled && counts.counts_exercised)
    bt_expose_count(page->out, "betrace_exercised_total", labels, counts.exercised);
}

/* Only what is known: of a rule without a past there is no line. What went and what came are labels while it is silent,
 * so that an alert can say them. */
static void write_silent(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  bt_silent_rule_state state;
  if (!page->service->silence || !rule->fields.enabled ||
      !bt_silent_watch_get(page->service->silence, tenant, rule, &state) || !state.is_known)
    return;
  const bt_label labels[] = {{"rule_id", rule->fields.id},
                             {"severity", bt_severity_name(rule->fields.severity)},
                             {"tenant", tenant},
                             {state.went[0] ? "went" : NULL, state.went},
                             {state.came[0] ? "came" : NULL, state.came},
                             {NULL, NULL}};
  bt_expose_number(page->out, "betrace_rule_silent", labels, state.is_silent);
}

static void write_seconds(const rules_page *page, const bt_rule_definition *rule, const char *tenant, const char *name,
                          int64_t value_ns) {
  const bt_label labels[] = {{"rule_id", rule->fields.id}, {"tenant", tenant}, {NULL, NULL}};
  bt_expose_number(page->out, name, labels, (double)value_ns / 1e9);
}

static void write_silent_since(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  bt_silent_rule_state state;
  if (page->service->silence && rule->fields.enabled &&
      bt_silent_watch_get(page->service->silence, tenant, rule, &state) && state.is_silent)
    write_seconds(page, rule, tenant, "betrace_rule_silent_since_timestamp_seconds", state.since_ns);
}

static void write_last_evaluation(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  int64_t at_ns = counts_of(page, rule, tenant).last_evaluation_ns;
  if (at_ns) write_seconds(page, rule, tenant, "betrace_rule_last_evaluation_timestamp_seconds", at_ns);
}

static void write_lag(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  int64_t until_ns = counts_of(page, rule, tenant).watched_until_ns;
  if (!until_ns || !page->service->watch) return;
  write_seconds(page, rule, tenant, "betrace_rule_lag_seconds", bt_watch_now_ns(page->service->watch) - until_ns);
}

static void write_price(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  const bt_label labels[] = {{"rule_id", rule->fields.id}, {"tenant", tenant}, {NULL, NULL}};
  bt_price_key key = {tenant, rule->fields.id, rule->condition_hash};
  bt_expose_count(page->out, "betrace_rule_inspected_bytes_total", labels,
                  bt_price_table_get(page->service->prices, &key).bytes_inspected);
}

static void write_differences(const rules_page *page, const bt_rule_definition *rule, const char *tenant) {
  const bt_label labels[] = {{"rule_id", rule->fields.id}, {"tenant", tenant}, {NULL, NULL}};
  bt_price_key key = {tenant, rule->fields.id, rule->condition_hash};
  bt_expose_count(page->out, "betrace_rule_sample_differences_total", labels,
                  bt_price_table_get(page->service->prices, &key).differences);
}

static void write_rules(const rules_page *page) {
  bt_buffer *out = page->out;
  bt_expose_family(out, "betrace_violations_total", "counter",
                   "Violations that watch emitted for the first time, by rule; replays do not count.");
  each_rule(page, write_violations);
  bt_expose_family(out, "betrace_violations_estimated", "gauge",
                   "How many happened for these, where traces are sampled: with 95 % between both bounds.");
  each_rule(page, write_estimated);
  bt_expose_family(
      out, "betrace_exercised_total", "counter",
      "Traces that watch judged and that exercised the rule, each once; not there for rules of which watch "
      "sees violating traces only.");
  each_rule(page, write_exercised);
  bt_expose_family(
      out, "betrace_rule_silent", "gauge",
      "1: far fewer traces exercise the rule than did at the same hours, beyond chance; 0: as many as did.");
  each_rule(page, write_silent);
  bt_expose_family(out, "betrace_rule_silent_since_timestamp_seconds", "gauge", "Since when a silent rule is silent.");
  each_rule(page, write_silent_since);
  bt_expose_family(out, "betrace_rule_last_evaluation_timestamp_seconds", "gauge",
                   "When the latest evaluation of a stored rule ended.");
  each_rule(page, write_last_evaluation);
  bt_expose_family(out, "betrace_rule_lag_seconds", "gauge", "How far behind the present watch is, by rule.");
  each_rule(page, write_lag);
  bt_expose_family(
      out, "betrace_rule_inspected_bytes_total", "counter",
      "Bytes that the store says it inspected for a rule: its price. It starts again with another condition.");
  each_rule(page, write_price);
  bt_expose_family(
      out, "betrace_rule_sample_differences_total", "counter",
      "Traces of samples that the store gave otherwise when they were read again, or that its searches had "
      "ruled out. It starts again with another condition.");
  each_rule(page, write_differences);
}

static void write_gauge(bt_buffer *out, const char *name, const char *help, uint64_t value) {
  bt_expose_family(out, name, "gauge", help);
  bt_expose_count(out, name, NULL, value);
}

static void write_store(const bt_service *service, bt_buffer *out) {
  const bt_rule_damage *damage;
  write_gauge(out, "betrace_rules_broken",
              "Enabled rules that are not checked: their stored text does not compile or is damaged.",
              bt_rule_store_broken_count(service->store));
  write_gauge(out, "betrace_store_damaged_versions",
              "Stored versions of rules that were not as written when the database was opened.",
              bt_rule_store_damage(service->store, &damage));
}

/* What counts against --pattern-memory: each regex of an enabled rule in full, whoever shares it. */
static void write_tenant_patterns(const rules_page *page) {
  static const char name[] = "betrace_tenant_pattern_memory_bytes";
  bt_expose_family(page->out, name, "gauge", "Compiled regexes of a tenant's enabled rules, each rule's in full.");
  for (size_t i = 0; i < page->tenant_count; i++) {
    const bt_label labels[] = {{"tenant", page->tenants[i]}, {NULL, NULL}};
    uint64_t bytes = 0;
    for (size_t r = 0; r < page->rules[i].count; r++) {
      const bt_rule_definition *rule = page->rules[i].items[r];
      if (rule->fields.enabled && rule->rule) bytes += bt_rule_pattern_bytes(rule->rule);
    }
    bt_expose_count(page->out, name, labels, bytes);
  }
  write_gauge(page->out, "betrace_tenant_pattern_memory_limit_bytes",
              "What those of one tenant may take together: --pattern-memory.",
              bt_rule_store_most_pattern_bytes(page->service->store));
}

static void dispose_rules(rules_page *page) {
  for (size_t i = 0; i < page->tenant_count; i++) bt_rule_list_dispose(&page->rules[i]);
  free(page->rules);
  free(page->sampling);
  free(page->tenants);
}

static bt_status read_rules(rules_page *page, bt_error *error) {
  size_t count = 0;
  bt_status status = bt_rule_store_tenants(page->service->store, &page->tenants, &count, error);
  if (status) return status;
  page->rules = calloc(count + 1, sizeof *page->rules);
  page->sampling = calloc(count + 1, sizeof *page->sampling);
  if (!page->rules || !page->sampling) return bt_error_no_memory(error);
  for (size_t i = 0; i < count && !status; i++) {
    if (page->only_tenant && strcmp(page->only_tenant, page->tenants[i]) != 0) continue;
    page->tenants[page->tenant_count] = page->tenants[i];
    status = bt_rule_store_snapshot(page->service->store, page->tenants[i], &page->rules[page->tenant_count], error);
    page->tenant_count += status == BT_OK;
  }
  if (status) return status;
  return bt_watch_metrics_sampling(page->service, &(bt_rule_tenants){page->tenants, page->tenant_count}, page->sampling,
                                   error);
}

static bt_status write_all_rules(const bt_service *service, const bt_call *call, bt_buffer *out, bt_error *error) {
  rules_page page = {.service = service, .out = out, .only_tenant = call->every_tenant ? NULL : bt_call_tenant(call)};
  bt_status status = read_rules(&page, error);
  if (!status) write_rules(&page);
  if (!status) write_tenant_patterns(&page);
  dispose_rules(&page);
  return status;
}

/* ---- the rest ---- */

static void write_requests(const bt_service *service, bt_buffer *out) {
  const bt_metrics *metrics = service->metrics;
  bt_expose_family(out, "betrace_http_requests_total", "counter", "Requests that were answered, by route.");
  for (size_t i = 0; i <= bt_route_count; i++)
    for (size_t j = 0; j < BT_STATUS_CLASSES; j++) {
      uint64_t count = bt_metrics_requests(metrics, i, j);
      bool is_route = i < bt_route_count;
      const bt_label labels[] = {{"method", is_route ? bt_routes[i].method : ""},
                                 {"route", is_route ? bt_routes[i].path : "(none)"},
                                 {"status", class_names[j]},
                                 {NULL, NULL}};
      if (count) bt_expose_count(out, "betrace_http_requests_total", labels, count);
    }
  bt_expose_family(out, "betrace_http_requests_over_rate_total", "counter",
                   "Requests that came more often than --client-rate or --address-rate allows.");
  bt_expose_count(out, "betrace_http_requests_over_rate_total", NULL, bt_metrics_over_rate(metrics));
  bt_expose_family(out, "betrace_http_request_duration_seconds", "histogram",
                   "From the whole request to its answer; streams are left out.");
  for (size_t i = 0; i < bt_route_count; i++) {
    const bt_label labels[] = {{"method", bt_routes[i].method}, {"route", bt_routes[i].path}, {NULL, NULL}};
    bool is_asked = false;
    for (size_t j = 0; j < BT_STATUS_CLASSES; j++) is_asked = is_asked || bt_metrics_requests(metrics, i, j);
    if (!is_asked) continue;
    bt_expose_histogram(out, "betrace_http_request_duration_seconds", labels, bt_metrics_request_durations(metrics, i),
                        bt_request_bounds_ns);
  }
}

static void write_tempo(const bt_service *service, bt_buffer *out) {
  bt_http_stats stats;
  bt_http_client_stats(service->client, &stats);
  bt_expose_family(out, "betrace_tempo_requests_total", "counter",
                   "Requests to the store and to the OTLP endpoint, by what was asked and how it ended.");
  for (size_t i = 0; i < BT_HTTP_KINDS; i++)
    for (size_t j = 0; j < BT_HTTP_OUTCOMES; j++) {
      const bt_label labels[] = {{"kind", bt_http_kind_names[i]}, {"outcome", bt_http_outcome_names[j]}, {NULL, NULL}};
      bt_expose_count(out, "betrace_tempo_requests_total", labels, stats.requests[i][j]);
    }
  bt_expose_family(out, "betrace_tempo_concurrency", "gauge",
                   "Requests to the store at once that the budget allows now; it grows while the store answers as "
                   "fast, and falls when it "
                   "is overloaded.");
  bt_expose_count(out, "betrace_tempo_concurrency", NULL, stats.allowed);
}

static void write_clock(const bt_service *service, bt_buffer *out) {
  bt_expose_family(out, "betrace_tempo_clock_ahead_seconds", "gauge",
                   "By how much the clock here is ahead of the store's; what is settled is counted so much later.");
  int64_t ahead_ns = bt_source_clock_ahead_ns(service->source);
  bt_expose_count(out, "betrace_tempo_clock_ahead_seconds", NULL, (uint64_t)(ahead_ns / 1000000000));
}

static void write_histograms(const bt_service *service, bt_buffer *out) {
  bt_expose_family(out, "betrace_evaluation_duration_seconds", "histogram", "Evaluations of rules over a range.");
  for (size_t i = 0; i < BT_EVALUATION_KINDS; i++) {
    const bt_label labels[] = {{"kind", bt_evaluation_kind_names[i]}, {NULL, NULL}};
    bt_expose_histogram(out, "betrace_evaluation_duration_seconds", labels,
                        bt_metrics_evaluations(service->metrics, (bt_evaluation_kind)i), bt_evaluation_bounds_ns);
  }
  bt_expose_family(out, "betrace_replay_queue_duration_seconds", "histogram", "How long replays waited for a worker.");
  bt_expose_histogram(out, "betrace_replay_queue_duration_seconds", NULL, bt_metrics_queue_waits(service->metrics),
                      bt_evaluation_bounds_ns);
}

static void write_outcomes(bt_buffer *out, const char *name, const char *label, const char *const *values, size_t count,
                           uint64_t (*get)(const bt_metrics *, unsigned), const bt_metrics *metrics) {
  for (unsigned i = 0; i < count; i++) {
    const bt_label labels[] = {{label, values[i]}, {NULL, NULL}};
    bt_expose_count(out, name, labels, get(metrics, i));
  }
}

static uint64_t get_replays(const bt_metrics *metrics, unsigned i) {
  return bt_metrics_replays(metrics, (bt_replay_end)i);
}

static uint64_t get_spans(const bt_metrics *metrics, unsigned i) {
  return bt_metrics_spans(metrics, (bt_span_outcome)i);
}

static uint64_t get_emitted(const bt_metrics *metrics, unsigned i) {
  return bt_metrics_emitted(metrics, (bt_emitted_outcome)i);
}

static uint64_t get_reports(const bt_metrics *metrics, unsigned i) {
  return bt_metrics_reports(metrics, (bt_report_end)i);
}

static uint64_t get_report_spans(const bt_metrics *metrics, unsigned i) {
  return bt_metrics_report_spans(metrics, (bt_report_span_outcome)i);
}

static uint64_t get_time_stamps(const bt_metrics *metrics, unsigned i) {
  return bt_metrics_time_stamps(metrics, (bt_time_stamp_outcome)i);
}

static void write_replays(const bt_service *service, bt_buffer *out) {
  static const char *const states[] = {"queued", "running", "finished"};
  bt_job_stats stats;
  bt_job_queue_stats(service->jobs, &stats);
  const size_t counts[] = {stats.queued, stats.running, stats.finished};
  bt_expose_family(out, "betrace_replays", "gauge", "Replays that are kept, by state.");
  for (size_t i = 0; i < 3; i++) {
    const bt_label labels[] = {{"state", states[i]}, {NULL, NULL}};
    bt_expose_count(out, "betrace_replays", labels, counts[i]);
  }
  bt_expose_family(out, "betrace_replays_ended_total", "counter", "Replays that ended, by how.");
  write_outcomes(out, "betrace_replays_ended_total", "status", bt_replay_end_names, BT_REPLAY_ENDS, get_replays,
                 service->metrics);
  write_gauge(out, "betrace_replay_results_bytes", "Memory of the replays that are kept.", stats.result_bytes);
  write_gauge(out, "betrace_replay_results_limit_bytes", "What it may grow to: --memory-limit.",
              stats.result_limit_bytes);
}

static void write_memory(const bt_service *service, bt_buffer *out) {
  bt_expose_family(out, "betrace_memory_held_bytes", "gauge",
                   "Memory in the account of --memory-limit, by what holds it.");
  const bt_memory_view held = bt_memory_look(service->account);
  for (unsigned i = 0; i < BT_MEMORY_KINDS; i++) {
    bt_memory_kind kind = (bt_memory_kind)i;
    const bt_label labels[] = {{"kind", bt_memory_kind_name(kind)}, {NULL, NULL}};
    bt_expose_count(out, "betrace_memory_held_bytes", labels, held.kinds[kind]);
  }
  write_gauge(out, "betrace_memory_most_bytes", "The most that all of it was since the start.", held.most);
  write_gauge(out, "betrace_pattern_memory_bytes",
              "Compiled regexes of the process, each once, before they have matched anything.",
              bt_patterns_held_bytes());
  write_gauge(out, "betrace_memory_limit_bytes", "What all of it may grow to: --memory-limit.",
              bt_memory_limit(service->account));
}

static void write_lane_family(bt_buffer *out, const char *name, const char *type, const char *help,
                              const uint64_t values[BT_LANES]) {
  bt_expose_family(out, name, type, help);
  for (unsigned lane = 0; lane < BT_LANES; lane++) {
    const bt_label labels[] = {{"lane", bt_lane_name((bt_lane)lane)}, {NULL, NULL}};
    bt_expose_count(out, name, labels, values[lane]);
  }
}

/* Each lane is looked at once, so that its numbers belong together. */
static void write_lanes(const bt_service *service, bt_buffer *out) {
  uint64_t places[BT_LANES], running[BT_LANES], queued[BT_LANES], begun[BT_LANES], refused[BT_LANES];
  for (unsigned lane = 0; lane < BT_LANES; lane++) {
    const bt_lane_state state = bt_pool_look(service->work->pool, (bt_lane)lane);
    places[lane] = state.places;
    running[lane] = state.running;
    queued[lane] = state.queued;
    begun[lane] = state.begun;
    refused[lane] = state.refused;
  }
  write_lane_family(out, "betrace_lane_places", "gauge", "Tasks of a lane that run at once at most.", places);
  write_lane_family(out, "betrace_lane_running", "gauge", "Tasks of a lane that run.", running);
  write_lane_family(out, "betrace_lane_queued", "gauge", "Tasks that wait for a place in their lane.", queued);
  write_lane_family(out, "betrace_lane_begun_total", "counter", "Tasks of a lane that were begun.", begun);
  write_lane_family(out, "betrace_lane_refused_total", "counter", "Tasks that found their lane full.", refused);
  write_gauge(out, "betrace_calls_waiting", "Calls that have left their lane until what they wait for is there.",
              atomic_load(&service->work->waiting));
}

static void write_spans(const bt_service *service, bt_buffer *out) {
  bt_expose_family(out, "betrace_spans_pushed_total", "counter", "Spans that were pushed, by what became of them.");
  write_outcomes(out, "betrace_spans_pushed_total", "outcome", bt_span_outcome_names, BT_SPAN_OUTCOMES, get_spans,
                 service->metrics);
  bt_expose_family(out, "betrace_violation_spans_total", "counter",
                   "Violation spans of replays, by what became of them.");
  write_outcomes(out, "betrace_violation_spans_total", "outcome", bt_emitted_outcome_names, BT_EMITTED_OUTCOMES,
                 get_emitted, service->metrics);
  bt_expose_family(out, "betrace_own_spans_total", "counter",
                   "Spans of BeTrace itself (--own-traces), by what became of them.");
  for (unsigned i = 0; i < BT_OWN_OUTCOMES; i++) {
    const bt_label labels[] = {{"outcome", bt_own_outcome_names[i]}, {NULL, NULL}};
    bt_expose_count(out, "betrace_own_spans_total", labels, bt_own_spans_count(service->own_spans, (bt_own_outcome)i));
  }
  write_gauge(out, "betrace_memory_source_bytes", "Memory of pushed spans that are kept (--memory-source).",
              service->memory ? bt_memory_source_bytes(service->memory) : 0);
}

static void write_reports(const bt_service *service, bt_buffer *out) {
  bt_expose_family(out, "betrace_reports_total", "counter", "Compliance reports that ended, by how.");
  write_outcomes(out, "betrace_reports_total", "status", bt_report_end_names, BT_REPORT_ENDS, get_reports,
                 service->metrics);
  bt_expose_family(out, "betrace_report_spans_total", "counter",
                   "Spans that hold the head of a report, by what became of them.");
  write_outcomes(out, "betrace_report_spans_total", "outcome", bt_report_span_outcome_names, BT_REPORT_SPAN_OUTCOMES,
                 get_report_spans, service->metrics);
  bt_expose_family(out, "betrace_report_time_stamps_total", "counter",
                   "Time stamps that were asked for reports (--timestamp-url), by what came of it.");
  write_outcomes(out, "betrace_report_time_stamps_total", "outcome", bt_time_stamp_outcome_names,
                 BT_TIME_STAMP_OUTCOMES, get_time_stamps, service->metrics);
}

static void write_process(const bt_service *service, bt_buffer *out) {
  bt_process_figures figures = bt_process_read();
  const bt_label labels[] = {{"version", service->version}, {"source", service->source->name}, {NULL, NULL}};
  bt_expose_family(out, "betrace_build_info", "gauge", "1, with the version and the kind of source as labels.");
  bt_expose_count(out, "betrace_build_info", labels, 1);
  bt_expose_family(out, "process_cpu_seconds_total", "counter", "User and system CPU time.");
  bt_expose_number(out, "process_cpu_seconds_total", NULL, figures.cpu_seconds);
  write_gauge(out, "process_resident_memory_bytes", "Resident memory.", figures.resident_bytes);
  write_gauge(out, "process_virtual_memory_bytes", "Virtual memory.", figures.virtual_bytes);
  write_gauge(out, "process_open_fds", "Open file descriptors.", figures.open_fds);
  write_gauge(out, "process_max_fds", "The limit of open file descriptors.", figures.max_fds);
  bt_expose_family(out, "process_start_time_seconds", "gauge", "When the process started, as unix time.");
  bt_expose_number(out, "process_start_time_seconds", NULL, (double)service->started_at_ns / 1e9);
}

void bt_api_metrics(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  bt_buffer *out = &call->answer;
  bt_status status = write_all_rules(service, call, out, &error);
  if (!status) status = bt_watch_metrics_write(service, call->every_tenant ? NULL : bt_call_tenant(call), out, &error);
  if (!status) {
    write_store(service, out);
    write_requests(service, out);
    write_tempo(service, out);
    write_clock(service, out);
    write_histograms(service, out);
    write_replays(service, out);
    write_memory(service, out);
    write_lanes(service, out);
    write_spans(service, out);
    write_reports(service, out);
    write_process(service, out);
    if (out->failed) status = bt_error_no_memory(&error);
  }
  if (status) {
    bt_call_error(call, status, &error);
    return;
  }
  call->status = 200;
  call->content_type = BT_EXPOSITION_CONTENT_TYPE;
}
