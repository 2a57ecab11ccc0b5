/* /health, /ready: does the process serve, and can it do its work. See routes.h. */
#include <stdio.h>

#include "server/http/routes.h"
#include "server/service.h"
#include "server/clock.h"

void bt_api_health(void *service, bt_call *call) {
  (void)service;
  bt_call_json(call, 200, json_pack("{s:s}", "status", "healthy"));
}

void bt_api_health_v1(void *context, bt_call *call) {
  const bt_service *service = context;
  json_int_t uptime = (bt_clock_wall_ns() - service->started_at_ns) / 1000000000;
  bt_call_json(call, 200,
               json_pack("{s:s, s:s, s:I, s:{s:s, s:b}}", "status", "HEALTHY", "version", service->version,
                         "uptime_seconds", uptime, "metadata", "source", service->source->name, "emits",
                         service->exporter != NULL));
}

static json_t *part_json(bt_status status, const bt_error *error) {
  if (!status) return json_pack("{s:b}", "ready", 1);
  return json_pack("{s:b, s:s}", "ready", 0, "reason", error->message);
}

/* Is somebody listening behind the OTLP endpoint? An empty export is accepted by every receiver. */
static bt_status check_otlp(const bt_service *service, bt_error *error) {
  bt_export_result result = {0};
  bt_exporter_options once = *service->exporter;
  bt_export_document empty = {.body = BT_STR("{}"), .content_type = "application/json"};
  once.attempts = 1;
  return bt_otlp_export_document(service->client, &once, &empty, NULL, &result, error);
}

/* A rule that is enabled and not checked would look like one without violations. */
static bt_status check_rules(const bt_service *service, bt_error *error) {
  size_t broken = bt_rule_store_broken_count(service->store);
  if (!broken) return BT_OK;
  return bt_error_set(
      error, BT_INVALID,
      "%zu enabled rule%s not checked: the stored text does not compile; GET /v1/rules says which (broken) and why, "
      "and a PUT with a right text mends one",
      broken, broken == 1 ? " is" : "s are");
}

void bt_api_ready(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_error error = {0};
  bool ready = true;
  json_t *parts = json_object();
  bt_status status = bt_rule_store_check(service->store, &error);
  ready = ready && !status;
  json_object_set_new(parts, "store", part_json(status, &error));
  /* A rule that does not compile is said, but takes no service out of its load balancer: then nobody could mend the rule. */
  bool degraded = check_rules(service, &error) != BT_OK;
  json_object_set_new(parts, "rules", part_json(degraded ? BT_INVALID : BT_OK, &error));
  status = bt_source_check(service->source, &error);
  ready = ready && !status;
  json_object_set_new(parts, "source", part_json(status, &error));
  if (service->exporter) {
    status = check_otlp(service, &error);
    ready = ready && !status;
    json_object_set_new(parts, "otlp", part_json(status, &error));
  }
  const char *word = !ready ? "not_ready" : degraded ? "degraded" : "ready";
  bt_call_json(call, ready ? 200 : 503, json_pack("{s:s, s:o}", "status", word, "parts", parts));
}
