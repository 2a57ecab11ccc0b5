/* /health, /ready: does the process serve, and can it do its work. See routes.h. */
#include <stdio.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/http/answer_parts.h"
#include "server/http/outside_check.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

/* Of a check, and of who asks for its result: probes of Kubernetes wait for a second. */
static const int64_t CHECK_NS = 5000000000, PATIENCE_NS = 700000000;

/* Of the process, as the service is. */
static bt_outside_check source_probe, otlp_probe, named_probes[BT_NAMED_STORES];
static pthread_once_t probes_once = PTHREAD_ONCE_INIT;

void bt_api_health(void *service, bt_call *call) {
  (void)service;
  bt_call_json(call, 200, json_pack("{s:s}", "status", "healthy"));
}

void bt_api_health_v1(void *context, bt_call *call) {
  const bt_service *service = context;
  json_int_t uptime = (bt_clock_steady_ns() - service->started_steady_ns) / 1000000000;
  json_t *metadata = json_pack("{s:s, s:b}", "source", service->source->name, "emits", service->exporter != NULL);
  json_t *stores = service->named_count ? json_array() : NULL;
  for (size_t i = 0; i < service->named_count; i++)
    bt_json_append(stores,
                   json_pack("{s:s, s:s}", "name", service->named[i].name, "kind", service->named[i].source->name));
  if (stores) bt_json_set(metadata, "stores", stores);
  bt_call_json(call, 200,
               json_pack("{s:s, s:s, s:I, s:o}", "status", "HEALTHY", "version", service->version, "uptime_seconds",
                         uptime, "metadata", metadata));
}

static json_t *part_json(bt_status status, const bt_error *error) {
  if (!status) return json_pack("{s:b}", "ready", 1);
  return json_pack("{s:b, s:s}", "ready", 0, "reason", error->message);
}

/* Is somebody listening behind the OTLP endpoint? An empty export is accepted by every receiver. */
static bt_status check_otlp(const void *context, bt_error *error) {
  const bt_service *service = context;
  bt_export_result result = {0};
  bt_work_scope checking;
  bt_exporter_options once = *service->exporter;
  bt_export_document empty = {.body = BT_STR("{}"), .content_type = "application/json"};
  once.attempts = 1;
  bt_work_scope_begin(&checking, &service->work->root, bt_clock_monotonic_ns() + CHECK_NS);
  bt_status status = bt_otlp_export_document(service->client, &once, &empty, &checking.cancel, &result, error);
  bt_work_scope_end(&checking);
  return status == BT_CANCELLED ? bt_error_set(error, BT_UNAVAILABLE, "no answer within 5 s") : status;
}

static bt_status check_source(const void *context, bt_error *error) {
  const bt_service *service = context;
  return bt_source_check(service->source, &service->work->root.cancel, error);
}

static bt_status check_named(const void *context, bt_error *error) {
  const bt_named_store *store = context;
  return bt_source_check(store->source, &store->work->root.cancel, error);
}

static void init_probes(void) {
  bt_outside_check_init(&source_probe, check_source);
  for (size_t i = 0; i < BT_NAMED_STORES; i++) bt_outside_check_init(&named_probes[i], check_named);
  bt_outside_check_init(&otlp_probe, check_otlp);
}

/* Both are under way at once. */
static void begin_probes(const bt_service *service) {
  pthread_once(&probes_once, init_probes);
  bt_outside_check_begin(&source_probe, service->work->pool, service);
  if (service->exporter) bt_outside_check_begin(&otlp_probe, service->work->pool, service);
  for (size_t i = 0; i < service->named_count; i++)
    bt_outside_check_begin(&named_probes[i], service->work->pool, &service->named[i]);
}

/* A part of what there is, each with its name and kind. One that does not answer takes nothing from the others. */
static json_t *stores_json(const bt_service *service, bool *degraded) {
  json_t *array = json_array();
  for (size_t i = 0; i < service->named_count; i++) {
    bt_error error = {0};
    bt_status status = bt_outside_check_answer(&named_probes[i], &error);
    json_t *store = part_json(status, &error);
    bt_json_set(store, "name", json_string(service->named[i].name));
    bt_json_set(store, "kind", json_string(service->named[i].source->name));
    bt_json_append(array, store);
    *degraded = *degraded || status;
  }
  return array;
}

/* A rule that is enabled and not checked would look like one without violations. */
static bt_status check_rules(const bt_service *service, bt_error *error) {
  const bt_rule_damage *damage;
  size_t broken = bt_rule_store_broken_count(service->store);
  size_t damaged = bt_rule_store_damage(service->store, &damage);
  if (broken)
    return bt_error_set(
        error, BT_INVALID,
        "%zu enabled rule%s not checked: the stored text does not compile or is damaged; GET /v1/rules says which "
        "(broken) and why, and a PUT with a right text mends one",
        broken, broken == 1 ? " is" : "s are");
  if (!damaged) return BT_OK;
  return bt_error_set(
      error, BT_IO,
      "%zu stored version%s of rules %s not as written: the rule database is damaged; the log names them; keep a copy, "
      "and restore a backup",
      damaged, damaged == 1 ? "" : "s", damaged == 1 ? "is" : "are");
}

/* Whoever asks has shown no token: it counts rules and names none, as none of tenants. */
static bt_status watch_trouble(const bt_watch_status *status, bt_error *error) {
  char start[40], end[40];
  if (status->gap_start_ns < status->gap_end_ns) {
    bt_time_format(status->gap_start_ns, start);
    bt_time_format(status->gap_end_ns, end);
    return bt_error_set(error, BT_UNAVAILABLE, "watch has a gap from %s to %s, which it is catching up", start, end);
  }
  if (status->lost_start_ns < status->lost_end_ns) {
    bt_time_format(status->lost_start_ns, start);
    bt_time_format(status->lost_end_ns, end);
    return bt_error_set(error, BT_UNAVAILABLE,
                        "watch was away too long to catch up what lies from %s to %s: a replay of that range shows it",
                        start, end);
  }
  if (status->message[0]) return bt_error_set(error, BT_UNAVAILABLE, "watch: %s", status->message);
  if (status->refused)
    return bt_error_set(
        error, BT_INVALID,
        "%zu enabled rule%s not under watch: no search finds what they look at; the log names them; set "
        "watch_all to true if every trace should be read",
        status->refused, status->refused == 1 ? " is" : "s are");
  return BT_OK;
}

/* Said, but no reason to send nobody here: another instance would have the same gap. *provisional_ns: from when on, of
 * some tenant, what was counted is what the store shows so far; 0: of none. */
static bt_status check_watch(bt_watch *watch, int64_t *provisional_ns, bt_error *error) {
  bt_watch_status *tenants = NULL;
  size_t count = 0;
  bt_status status = bt_watch_look(watch, &tenants, &count, error);
  bt_watch_emission emission = bt_watch_emission_look(watch);
  for (size_t i = 0; !status && i < count; i++) {
    int64_t from_ns = tenants[i].provisional_from_ns;
    if (from_ns && (!*provisional_ns || from_ns < *provisional_ns)) *provisional_ns = from_ns;
  }
  for (size_t i = 0; !status && i < count; i++) status = watch_trouble(&tenants[i], error);
  if (!status && emission.message[0])
    status =
        bt_error_set(error, BT_UNAVAILABLE, "%zu violations wait to be sent: %s", emission.queued, emission.message);
  free(tenants);
  return status;
}

/* Answers are right all the same, only later. */
static bt_status check_clock(const bt_service *service, bt_error *error) {
  int64_t ahead_ns = bt_source_clock_ahead_ns(service->source);
  if (!ahead_ns) return BT_OK;
  return bt_error_set(
      error, BT_INVALID,
      "the clock here is up to %lld s ahead of the store's: BeTrace goes by the store's clock and settles "
      "traces that much later. Set both clocks from the same source of time",
      (long long)(ahead_ns / 1000000000));
}

/* Nobody is told rules of others here: it counts them. */
static bt_status check_silence(const bt_service *service, bt_error *error) {
  int64_t since_ns = 0;
  char since[40];
  size_t count = bt_silent_watch_count(service->silence, &since_ns);
  if (!count) return BT_OK;
  bt_time_format(since_ns, since);
  return bt_error_set(
      error, BT_INVALID,
      "%zu rule%s fallen silent, the first since %.19sZ: far fewer traces exercise %s than before, so no "
      "violation says little; the log and betrace_rule_silent of /metrics name %s",
      count, count == 1 ? " has" : "s have", since, count == 1 ? "it" : "them", count == 1 ? "it" : "them");
}

static void answer_ready(const bt_service *service, bt_call *call) {
  bt_error error = {0};
  bool ready = true;
  json_t *parts = json_object();
  bt_status status = bt_rule_store_check(service->store, &error);
  ready = ready && !status;
  bt_json_set(parts, "store", part_json(status, &error));
  /* A rule that does not compile is said, but takes no service out of its load balancer: then nobody could mend the
   * rule. */
  bool degraded = check_rules(service, &error) != BT_OK;
  bt_json_set(parts, "rules", part_json(degraded ? BT_INVALID : BT_OK, &error));
  status = bt_outside_check_answer(&source_probe, &error);
  ready = ready && !status;
  bt_json_set(parts, "source", part_json(status, &error));
  if (service->exporter) {
    status = bt_outside_check_answer(&otlp_probe, &error);
    ready = ready && !status;
    bt_json_set(parts, "otlp", part_json(status, &error));
  }
  if (check_clock(service, &error)) {
    degraded = true;
    bt_json_set(parts, "clock", part_json(BT_INVALID, &error));
  }
  if (service->silence) {
    status = check_silence(service, &error);
    degraded = degraded || status;
    bt_json_set(parts, "silence", part_json(status, &error));
  }
  if (service->watch) {
    int64_t provisional_ns = 0;
    status = check_watch(service->watch, &provisional_ns, &error);
    for (size_t i = 0; i < service->named_count && !status; i++)
      status = check_watch(service->named[i].watch, &provisional_ns, &error);
    degraded = degraded || status;
    json_t *part = part_json(status, &error);
    if (provisional_ns) bt_json_set(part, "provisional_from", bt_time_json(provisional_ns));
    bt_json_set(parts, "watch", part);
  }
  json_t *stores = service->named_count ? stores_json(service, &degraded) : NULL;
  bt_source_about about = bt_source_known(service->source).about; /* the check of the source has asked */
  const char *word = !ready ? "not_ready" : degraded ? "degraded" : "ready";
  bt_call_json(call, ready ? 200 : 503,
               json_pack("{s:s, s:o, s:o, s:o*}", "status", word, "source", bt_source_json(&about), "parts", parts,
                         "stores", stores));
}

typedef struct ready_question { /* in the call's arena */
  const bt_service *service;
  bt_patience patience;
  bt_outside_check *waits_for; /* NULL: none */
} ready_question;

/* True: the check is under way, and wakes the call when it ends. */
static bool waits_for(ready_question *question, bt_call *call, bt_outside_check *check) {
  bool may_wait = bt_call_wait(call) && !bt_patience_is_over(&question->patience);
  question->waits_for = may_wait && !bt_outside_check_has_ended(check, bt_call_wait(call)) ? check : NULL;
  return question->waits_for != NULL;
}

static void answer_or_wait(void *context, bt_call *call) {
  ready_question *question = context;
  const bt_service *service = question->service;
  if (question->waits_for) bt_outside_check_stop_waiting(question->waits_for, bt_call_wait(call));
  bool is_waiting =
      waits_for(question, call, &source_probe) || (service->exporter && waits_for(question, call, &otlp_probe));
  for (size_t i = 0; i < service->named_count && !is_waiting; i++)
    is_waiting = waits_for(question, call, &named_probes[i]);
  if (is_waiting)
    bt_call_leave(call, question->patience.until_ns, answer_or_wait, question);
  else
    answer_ready(service, call);
}

void bt_api_ready(void *context, bt_call *call) {
  ready_question *question = bt_arena_alloc(&call->arena, sizeof *question);
  if (!question) {
    bt_answer_no_room(call);
    return;
  }
  *question = (ready_question){.service = context, .patience = bt_patience_begin(PATIENCE_NS, bt_call_cancel(call))};
  begin_probes(question->service);
  answer_or_wait(question, call);
}
