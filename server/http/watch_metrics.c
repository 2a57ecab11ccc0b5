/* The families of watch. See watch_metrics.h. */
#include "server/http/watch_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/metrics/exposition.h"

typedef struct family {
  const char *name, *type, *help;
  double (*value)(const bt_watch_status *status, int64_t now_ns);
} family;

static double to_seconds(int64_t duration_ns) {
  return (double)duration_ns / 1e9;
}

static double lag_seconds(const bt_watch_status *status, int64_t now_ns) {
  return status->done_ns ? to_seconds(now_ns - status->done_ns) : 0;
}

static double last_round(const bt_watch_status *status, int64_t now_ns) {
  (void)now_ns;
  return to_seconds(status->last_round_ns);
}

static double last_trace(const bt_watch_status *status, int64_t now_ns) {
  (void)now_ns;
  return to_seconds(status->last_trace_ns);
}

static double provisional_from(const bt_watch_status *status, int64_t now_ns) {
  (void)now_ns;
  return to_seconds(status->provisional_from_ns);
}

static double gap_seconds(const bt_watch_status *status, int64_t now_ns) {
  (void)now_ns;
  return to_seconds(status->gap_end_ns - status->gap_start_ns);
}

static double lost_seconds(const bt_watch_status *status, int64_t now_ns) {
  (void)now_ns;
  return to_seconds(status->lost_end_ns - status->lost_start_ns);
}

#define COUNT_OF(name, field)                                                                                          \
  static double name(const bt_watch_status *status, int64_t now_ns) {                                                  \
    (void)now_ns;                                                                                                      \
    return (double)status->field;                                                                                      \
  }
COUNT_OF(rounds, rounds)
COUNT_OF(failed_rounds, failed_rounds)
COUNT_OF(judged, traces_judged)
COUNT_OF(unread, traces_unread)
COUNT_OF(inconclusive, inconclusive)
COUNT_OF(found, violations_found)
COUNT_OF(retractions, retractions)
COUNT_OF(forgotten, forgotten)
COUNT_OF(waiting, waiting)
COUNT_OF(rules, rules)
COUNT_OF(refused, refused)
COUNT_OF(requests, requests)
COUNT_OF(inspected, bytes_inspected)

static const family families[] = {
    {"betrace_watch_lag_seconds", "gauge",
     "How far behind the present everything is searched, judged and sent, gaps aside.", lag_seconds},
    {"betrace_watch_last_round_timestamp_seconds", "gauge", "When a round ended last without a failure.", last_round},
    {"betrace_watch_last_trace_timestamp_seconds", "gauge",
     "When the store last had any trace for watch, whether a rule is about it or not.", last_trace},
    {"betrace_watch_provisional_from_timestamp_seconds", "gauge",
     "From here on spans that came late may be missing in what was counted; watch will look again. 0: none comes so "
     "late.",
     provisional_from},
    {"betrace_watch_gap_seconds", "gauge",
     "From the start of the first gap that is being caught up to the end of the last.", gap_seconds},
    {"betrace_watch_lost_seconds", "gauge", "The same of what is too old to be caught up: nothing evaluated it.",
     lost_seconds},
    {"betrace_watch_rounds_total", "counter", "Rounds.", rounds},
    {"betrace_watch_failed_rounds_total", "counter", "Rounds that left something to be tried again.", failed_rounds},
    {"betrace_watch_traces_judged_total", "counter", "Traces that were read and judged.", judged},
    {"betrace_watch_traces_unread_total", "counter",
     "Traces that search found and that were given up: no read gave them.", unread},
    {"betrace_watch_inconclusive_total", "counter", "Verdicts that could not be reached.", inconclusive},
    {"betrace_watch_violations_found_total", "counter", "Violations that were found, sent or not.", found},
    {"betrace_watch_retractions_total", "counter", "Violations that later spans undid.", retractions},
    {"betrace_watch_violations_forgotten_total", "counter",
     "Sent violations that were forgotten early for want of memory: late spans cannot take them back.", forgotten},
    {"betrace_watch_traces_waiting", "gauge", "Traces that were found and are not judged yet.", waiting},
    {"betrace_watch_rules", "gauge", "Enabled rules that are under watch.", rules},
    {"betrace_watch_rules_refused", "gauge",
     "Enabled rules that are not under watch, because no search finds what they look at.", refused},
    {"betrace_watch_tempo_requests_total", "counter", "Requests that watch made to the store.", requests},
    {"betrace_watch_inspected_bytes_total", "counter", "Bytes that the store says it inspected for them.", inspected},
};

static void write_family(const family *f, const bt_watch_status *tenants, size_t count, int64_t now_ns,
                         const char *only_tenant, bt_buffer *out) {
  bt_expose_family(out, f->name, f->type, f->help);
  for (size_t i = 0; i < count; i++) {
    const bt_label labels[] = {{"tenant", tenants[i].tenant}, {NULL, NULL}};
    if (only_tenant && strcmp(only_tenant, tenants[i].tenant) != 0) continue;
    bt_expose_number(out, f->name, labels, f->value(&tenants[i], now_ns));
  }
}

/* Of tenants whose traces say, or whose service declares, with which probability they were kept. */
static void write_estimated(const bt_watch_status *tenants, size_t count, const char *only_tenant, bt_buffer *out) {
  static const char name[] = "betrace_watch_violations_estimated";
  bt_expose_family(out, name, "gauge",
                   "How many violations happened for those found, where traces are sampled: 95 % lie between both.");
  for (size_t i = 0; i < count; i++) {
    const bt_watch_status *status = &tenants[i];
    bt_estimate estimate;
    if (only_tenant && strcmp(only_tenant, status->tenant) != 0) continue;
    if (!bt_sampled_traces_estimate(&status->sampling, &status->sampling.kept, status->violations_found, &estimate))
      continue;
    const bt_label low[] = {{"tenant", status->tenant}, {"bound", "low"}, {NULL, NULL}};
    const bt_label high[] = {{"tenant", status->tenant}, {"bound", "high"}, {NULL, NULL}};
    bt_expose_number(out, name, low, (double)estimate.low);
    bt_expose_number(out, name, high, estimate.high == UINT64_MAX ? INFINITY : (double)estimate.high);
  }
}

static void write_sending(bt_watch *watch, bt_buffer *out) {
  bt_watch_emission emission = {0};
  if (watch) emission = bt_watch_emission_look(watch);
  bt_expose_family(out, "betrace_watch_send_queue", "gauge", "Violations and retractions that wait to be sent.");
  bt_expose_count(out, "betrace_watch_send_queue", NULL, emission.queued);
  bt_expose_family(out, "betrace_watch_send_failures_total", "counter", "Attempts that left something unsent.");
  bt_expose_count(out, "betrace_watch_send_failures_total", NULL, emission.failures);
}

bt_status bt_watch_metrics_write(const bt_service *service, const char *only_tenant, bt_buffer *out, bt_error *error) {
  bt_watch_status *tenants = NULL;
  size_t count = 0;
  bt_status status = service->watch ? bt_watch_look(service->watch, &tenants, &count, error) : BT_OK;
  if (status != BT_OK) return status;
  int64_t now_ns = service->watch ? bt_watch_now_ns(service->watch) : 0;
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    write_family(&families[i], tenants, count, now_ns, only_tenant, out);
  write_estimated(tenants, count, only_tenant, out);
  free(tenants);
  if (!only_tenant) write_sending(service->watch, out);
  return BT_OK;
}
