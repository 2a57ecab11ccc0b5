/* The families of watch. See watch_metrics.h. */
#include "server/http/watch_metrics.h"

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

/* The watch of one store. */
typedef struct watched {
  const char *store; /* "": the service's own, which has no label */
  bt_watch *watch;   /* or NULL */
  bt_watch_status *tenants;
  size_t count;
  int64_t now_ns;
  bt_watch_emission emission;
} watched;

static void write_family(const family *f, const watched *all, size_t count, const char *only_tenant, bt_buffer *out) {
  bt_expose_family(out, f->name, f->type, f->help);
  for (const watched *w = all; w < all + count; w++)
    for (size_t i = 0; i < w->count; i++) {
      const bt_label labels[] = {
          {"tenant", w->tenants[i].tenant}, {w->store[0] ? "store" : NULL, w->store}, {NULL, NULL}};
      if (only_tenant && strcmp(only_tenant, w->tenants[i].tenant) != 0) continue;
      bt_expose_number(out, f->name, labels, f->value(&w->tenants[i], w->now_ns));
    }
}

static void write_counts(const char *name, const char *type, const char *help, const watched *all, size_t count,
                         uint64_t (*value)(const bt_watch_emission *), bt_buffer *out) {
  bt_expose_family(out, name, type, help);
  for (const watched *w = all; w < all + count; w++) {
    const bt_label labels[] = {{w->store[0] ? "store" : NULL, w->store}, {NULL, NULL}};
    bt_expose_count(out, name, labels, value(&w->emission));
  }
}

static uint64_t queued_of(const bt_watch_emission *emission) {
  return emission->queued;
}

static uint64_t failures_of(const bt_watch_emission *emission) {
  return emission->failures;
}

static bt_status look_at(bt_watch *watch, const char *store, watched *out, bt_error *error) {
  *out = (watched){.store = store, .watch = watch};
  if (!watch) return BT_OK;
  out->now_ns = bt_watch_now_ns(watch);
  out->emission = bt_watch_emission_look(watch);
  return bt_watch_look(watch, &out->tenants, &out->count, error);
}

bt_status bt_watch_metrics_write(const bt_service *service, const char *only_tenant, bt_buffer *out, bt_error *error) {
  watched all[1 + BT_NAMED_STORES] = {{0}};
  size_t count = 1;
  bt_status status = look_at(service->watch, "", &all[0], error);
  for (size_t i = 0; !status && i < service->named_count && service->watch; i++)
    status = look_at(service->named[i].watch, service->named[i].name, &all[count++], error);
  for (size_t i = 0; !status && i < sizeof families / sizeof families[0]; i++)
    write_family(&families[i], all, count, only_tenant, out);
  if (!status && !only_tenant) {
    write_counts("betrace_watch_send_queue", "gauge", "Violations and retractions that wait to be sent.", all, count,
                 queued_of, out);
    write_counts("betrace_watch_send_failures_total", "counter", "Attempts that left something unsent.", all, count,
                 failures_of, out);
  }
  for (size_t i = 0; i < count; i++) free(all[i].tenants);
  return status;
}

/* ---- how traces were sampled ---- */

static bt_status join_sampling(bt_watch *watch, const bt_rule_tenants *tenants, bt_sampled_traces *out,
                               bt_error *error) {
  bt_watch_status *all = NULL;
  size_t count = 0;
  bt_status status = watch ? bt_watch_look(watch, &all, &count, error) : BT_OK;
  for (size_t i = 0; !status && i < count; i++)
    for (size_t t = 0; t < tenants->count; t++)
      if (strcmp(all[i].tenant, tenants->names[t]) == 0) bt_sampled_traces_join(&out[t], &all[i].sampling);
  free(all);
  return status;
}

bt_status bt_watch_metrics_sampling(const bt_service *service, const bt_rule_tenants *tenants, bt_sampled_traces *out,
                                    bt_error *error) {
  bt_status status = join_sampling(service->watch, tenants, out, error);
  for (size_t i = 0; !status && i < service->named_count; i++)
    status = join_sampling(service->named[i].watch, tenants, out, error);
  return status;
}
