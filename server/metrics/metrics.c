/* Counters of the service. See metrics.h. Nothing removes an entry of a rule, so one that is deleted and made again
 * goes on counting. */
#include "server/metrics/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/table.h"

const char *const bt_evaluation_kind_names[] = {"replay", "first_violation", "contrast", "suggestions", "changes",
                                                "gate",   "backtest",        "problems", "on_demand",   "report"};
const char *const bt_replay_end_names[] = {"completed", "incomplete", "cancelled", "failed"};
const char *const bt_span_outcome_names[] = {"accepted", "rejected", "uncertain"};
const char *const bt_emitted_outcome_names[] = {"sent", "already_there", "failed"};
const char *const bt_report_end_names[] = {"complete", "incomplete", "cancelled", "failed"};
const char *const bt_report_span_outcome_names[] = {"sent", "not_sent", "failed"};
const char *const bt_time_stamp_outcome_names[] = {"given", "failed"};

typedef struct route_counts {
  atomic_uint_fast64_t requests[BT_STATUS_CLASSES];
  bt_histogram durations;
} route_counts;

typedef struct rule_entry {
  char *key; /* new: tenant, NUL, rule id, NUL */
  bt_rule_counts counts;
} rule_entry;

struct bt_metrics {
  size_t route_count;
  route_counts *routes; /* and one more for requests that met none */
  bt_histogram evaluations[BT_EVALUATION_KINDS], queue_waits;
  atomic_uint_fast64_t replays[BT_REPLAY_ENDS], spans[BT_SPAN_OUTCOMES], emitted[BT_EMITTED_OUTCOMES];
  atomic_uint_fast64_t reports[BT_REPORT_ENDS], report_spans[BT_REPORT_SPAN_OUTCOMES];
  atomic_uint_fast64_t time_stamps[BT_TIME_STAMP_OUTCOMES];
  atomic_uint_fast64_t over_rate;
  pthread_mutex_t mutex; /* all below */
  rule_entry *rules;
  size_t rule_count, rule_capacity;
  bt_table table; /* of rules, by tenant and id */
};

bt_status bt_metrics_new(size_t routes, bt_metrics **out, bt_error *error) {
  *out = NULL;
  bt_metrics *metrics = calloc(1, sizeof *metrics);
  if (!metrics) return bt_error_no_memory(error);
  metrics->route_count = routes;
  metrics->routes = calloc(routes + 1, sizeof *metrics->routes);
  if (!metrics->routes || pthread_mutex_init(&metrics->mutex, NULL)) {
    free(metrics->routes);
    free(metrics);
    return bt_error_no_memory(error);
  }
  *out = metrics;
  return BT_OK;
}

void bt_metrics_free(bt_metrics *metrics) {
  if (!metrics) return;
  for (size_t i = 0; i < metrics->rule_count; i++) free(metrics->rules[i].key);
  pthread_mutex_destroy(&metrics->mutex);
  free(metrics->rules);
  bt_table_dispose(&metrics->table);
  free(metrics->routes);
  free(metrics);
}

/* ---- plain numbers ---- */

static void add_count(atomic_uint_fast64_t *number, uint64_t count) {
  atomic_fetch_add_explicit(number, count, memory_order_relaxed);
}

static uint64_t read_count(const atomic_uint_fast64_t *number) {
  return atomic_load_explicit(number, memory_order_relaxed);
}

void bt_metrics_add_request(bt_metrics *metrics, size_t route, int status, int64_t duration_ns) {
  if (!metrics || status < 100 || status >= 100 * (BT_STATUS_CLASSES + 1)) return;
  route_counts *counts = &metrics->routes[route < metrics->route_count ? route : metrics->route_count];
  add_count(&counts->requests[status / 100 - 1], 1);
  if (status == 429) add_count(&metrics->over_rate, 1);
  if (duration_ns >= 0) bt_histogram_observe(&counts->durations, bt_request_bounds_ns, duration_ns);
}

void bt_metrics_add_evaluation(bt_metrics *metrics, bt_evaluation_kind kind, int64_t duration_ns) {
  if (metrics) bt_histogram_observe(&metrics->evaluations[kind], bt_evaluation_bounds_ns, duration_ns);
}

void bt_metrics_add_replay(bt_metrics *metrics, bt_replay_end end, int64_t queued_ns) {
  if (!metrics) return;
  add_count(&metrics->replays[end], 1);
  bt_histogram_observe(&metrics->queue_waits, bt_evaluation_bounds_ns, queued_ns);
}

void bt_metrics_add_spans(bt_metrics *metrics, bt_span_outcome outcome, uint64_t count) {
  if (metrics) add_count(&metrics->spans[outcome], count);
}

void bt_metrics_add_emitted(bt_metrics *metrics, bt_emitted_outcome outcome, uint64_t count) {
  if (metrics) add_count(&metrics->emitted[outcome], count);
}

void bt_metrics_add_report(bt_metrics *metrics, bt_report_end end, int64_t duration_ns) {
  if (!metrics) return;
  add_count(&metrics->reports[end], 1);
  bt_histogram_observe(&metrics->evaluations[BT_EVALUATION_REPORT], bt_evaluation_bounds_ns, duration_ns);
}

void bt_metrics_add_report_span(bt_metrics *metrics, bt_report_span_outcome outcome) {
  if (metrics) add_count(&metrics->report_spans[outcome], 1);
}

void bt_metrics_add_time_stamp(bt_metrics *metrics, bt_time_stamp_outcome outcome) {
  if (metrics) add_count(&metrics->time_stamps[outcome], 1);
}

uint64_t bt_metrics_requests(const bt_metrics *metrics, size_t route, size_t status_class) {
  return read_count(&metrics->routes[route].requests[status_class]);
}

uint64_t bt_metrics_over_rate(const bt_metrics *metrics) {
  return metrics ? read_count(&metrics->over_rate) : 0;
}

const bt_histogram *bt_metrics_request_durations(const bt_metrics *metrics, size_t route) {
  return &metrics->routes[route].durations;
}

const bt_histogram *bt_metrics_evaluations(const bt_metrics *metrics, bt_evaluation_kind kind) {
  return &metrics->evaluations[kind];
}

const bt_histogram *bt_metrics_queue_waits(const bt_metrics *metrics) {
  return &metrics->queue_waits;
}

uint64_t bt_metrics_replays(const bt_metrics *metrics, bt_replay_end end) {
  return read_count(&metrics->replays[end]);
}

uint64_t bt_metrics_spans(const bt_metrics *metrics, bt_span_outcome outcome) {
  return read_count(&metrics->spans[outcome]);
}

uint64_t bt_metrics_emitted(const bt_metrics *metrics, bt_emitted_outcome outcome) {
  return read_count(&metrics->emitted[outcome]);
}

uint64_t bt_metrics_reports(const bt_metrics *metrics, bt_report_end end) {
  return read_count(&metrics->reports[end]);
}

uint64_t bt_metrics_report_spans(const bt_metrics *metrics, bt_report_span_outcome outcome) {
  return read_count(&metrics->report_spans[outcome]);
}

uint64_t bt_metrics_time_stamps(const bt_metrics *metrics, bt_time_stamp_outcome outcome) {
  return read_count(&metrics->time_stamps[outcome]);
}

/* ---- rules; all under the mutex ---- */

static uint64_t hash_of(const char *tenant, const char *rule_id) {
  return bt_hash_pair(bt_hash_text(bt_str_from(tenant)), bt_hash_text(bt_str_from(rule_id)));
}

/* NULL: there is none. */
static rule_entry *find_rule(const bt_metrics *metrics, const char *tenant, const char *rule_id) {
  bt_table_walk walk = bt_table_find(&metrics->table, hash_of(tenant, rule_id));
  while (bt_table_next(&metrics->table, &walk)) {
    rule_entry *entry = &metrics->rules[walk.number];
    if (strcmp(entry->key, tenant) == 0 && strcmp(entry->key + strlen(tenant) + 1, rule_id) == 0) return entry;
  }
  return NULL;
}

/* NULL: no memory. */
static rule_entry *find_or_add(bt_metrics *metrics, const char *tenant, const char *rule_id) {
  rule_entry *entry = find_rule(metrics, tenant, rule_id);
  if (entry) return entry;
  rule_entry *rules = bt_grow_array(metrics->rules, metrics->rule_count, &metrics->rule_capacity, sizeof *rules);
  if (rules) metrics->rules = rules;
  if (!rules || !bt_table_reserve(&metrics->table, metrics->rule_count + 1)) return NULL;
  size_t tenant_bytes = strlen(tenant) + 1, id_bytes = strlen(rule_id) + 1;
  char *key = bt_realloc_array(NULL, tenant_bytes + id_bytes, 1);
  if (!key) return NULL;
  memcpy(key, tenant, tenant_bytes);
  memcpy(key + tenant_bytes, rule_id, id_bytes);
  bt_table_add(&metrics->table, hash_of(tenant, rule_id), metrics->rule_count);
  entry = &rules[metrics->rule_count++];
  *entry = (rule_entry){.key = key};
  return entry;
}

typedef struct rule_change {
  uint64_t violations, exercised;
  enum { STAYS, COUNTS, COUNTS_NOT } counts_exercised;
  int64_t last_evaluation_ns, watched_until_ns;
} rule_change;

static void change_rule(bt_metrics *metrics, const char *tenant, const char *rule_id, const rule_change *change) {
  if (!metrics) return;
  pthread_mutex_lock(&metrics->mutex);
  rule_entry *entry = find_or_add(metrics, tenant ? tenant : "", rule_id);
  if (entry) {
    bt_rule_counts *counts = &entry->counts;
    counts->violations += change->violations;
    counts->exercised += change->exercised;
    if (change->counts_exercised != STAYS) counts->counts_exercised = change->counts_exercised == COUNTS;
    if (change->last_evaluation_ns > counts->last_evaluation_ns)
      counts->last_evaluation_ns = change->last_evaluation_ns;
    if (change->watched_until_ns > counts->watched_until_ns) counts->watched_until_ns = change->watched_until_ns;
  }
  pthread_mutex_unlock(&metrics->mutex);
}

void bt_metrics_rule_evaluated(bt_metrics *metrics, const char *tenant, const char *rule_id, int64_t at_ns) {
  change_rule(metrics, tenant, rule_id, &(rule_change){.last_evaluation_ns = at_ns});
}

void bt_metrics_rule_violation(bt_metrics *metrics, const char *tenant, const char *rule_id) {
  change_rule(metrics, tenant, rule_id, &(rule_change){.violations = 1});
}

void bt_metrics_rule_exercised(bt_metrics *metrics, const char *tenant, const char *rule_id) {
  change_rule(metrics, tenant, rule_id, &(rule_change){.exercised = 1});
}

void bt_metrics_rule_counts_exercised(bt_metrics *metrics, const char *tenant, const char *rule_id, bool counts) {
  change_rule(metrics, tenant, rule_id, &(rule_change){.counts_exercised = counts ? COUNTS : COUNTS_NOT});
}

void bt_metrics_rule_watched(bt_metrics *metrics, const char *tenant, const char *rule_id, int64_t until_ns) {
  change_rule(metrics, tenant, rule_id, &(rule_change){.watched_until_ns = until_ns});
}

bt_rule_counts bt_metrics_rule(bt_metrics *metrics, const char *tenant, const char *rule_id) {
  pthread_mutex_lock(&metrics->mutex);
  const rule_entry *entry = find_rule(metrics, tenant ? tenant : "", rule_id);
  bt_rule_counts counts = entry ? entry->counts : (bt_rule_counts){0};
  pthread_mutex_unlock(&metrics->mutex);
  return counts;
}
