/* A service without sockets. See local_service.h. */
#include "server/cli/mcp/local_service.h"

#include <string.h>

/* Nothing of the environment opens a door, watches or sends: it is there for whoever asks, and only while he asks. */
static void close_doors(bt_config *config) {
  config->listen = config->grpc = config->tokens = config->tls_cert = config->tls_key = NULL;
  config->otlp = config->otlp_traces = config->ui = config->audit_log = config->evidence_key = NULL;
  config->watch = config->own_traces = false;
}

bt_status bt_local_service_open(int argc, char **argv, const char *version, bt_local_service *out, bt_error *error) {
  *out = (bt_local_service){0};
  if (bt_config_read(argc, argv, &out->config, error) != BT_CONFIG_READY) return BT_INVALID;
  close_doors(&out->config);
  return bt_server_start(&out->config, version, &out->server, error);
}

void bt_local_service_close(bt_local_service *service) {
  bt_server_stop(service->server);
  bt_config_dispose(&service->config);
}

/* ---- a call ---- */

bt_status bt_local_service_call(bt_local_service *service, const char *method, const char *path, bt_str body,
                                bool is_yaml, json_t **out, bt_error *error) {
  size_t length = strcspn(path, "?");
  bt_local_request request = {.method = bt_str_from(method),
                              .path = {path, length},
                              .query = bt_str_from(path[length] ? path + length + 1 : ""),
                              .body = body,
                              .body_type = is_yaml ? BT_STR("application/yaml") : BT_STR("application/json"),
                              .lane = BT_LANE_COMPUTE};
  return bt_server_ask(service->server, &request, out, error);
}
