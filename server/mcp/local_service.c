/* A service without sockets. See local_service.h. */
#include "server/mcp/local_service.h"

#include <pthread.h>
#include <string.h>

#include "server/base/condition.h"
#include "server/cli/service_client.h"
#include "server/http/local_call.h"

/* Nothing of the environment opens a door, watches or sends: it is there for whoever asks, and only while he asks. */
static void close_doors(bt_config *config) {
  config->listen = config->grpc = config->tokens = config->tls_cert = config->tls_key = NULL;
  config->otlp = config->otlp_traces = config->ui = config->audit_log = config->evidence_key = NULL;
  config->watch = false;
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

typedef struct waiting {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bt_call *call;
  bool is_done;
} waiting;

static void take_call(void *context, bt_call *call) {
  waiting *w = context;
  pthread_mutex_lock(&w->mutex);
  w->call = call;
  w->is_done = true;
  pthread_cond_signal(&w->changed);
  pthread_mutex_unlock(&w->mutex);
}

static bt_status read_answer(const bt_call *call, json_t **out, bt_error *error) {
  if (!call) return bt_error_no_memory(error);
  bt_str text = bt_buffer_str(&call->answer);
  *out = text.len ? json_loadb(text.ptr, text.len, 0, NULL) : NULL;
  if (call->status >= 200 && call->status < 300) return BT_OK;
  bt_status status = bt_service_refusal(call->status, *out, error);
  json_decref(*out);
  *out = NULL;
  return status;
}

bt_status bt_local_service_call(bt_local_service *service, const char *method, const char *path, bt_str body,
                                bool is_yaml, json_t **out, bt_error *error) {
  waiting w = {0};
  size_t length = strcspn(path, "?");
  bt_local_request request = {.method = bt_str_from(method),
                              .path = {path, length},
                              .query = bt_str_from(path[length] ? path + length + 1 : ""),
                              .body = body,
                              .body_type = is_yaml ? BT_STR("application/yaml") : BT_STR("application/json"),
                              .lane = BT_LANE_COMPUTE};
  *out = NULL;
  pthread_mutex_init(&w.mutex, NULL);
  bt_condition_init(&w.changed);
  bt_server_run(service->server, &request, take_call, &w);
  pthread_mutex_lock(&w.mutex);
  while (!w.is_done) pthread_cond_wait(&w.changed, &w.mutex);
  pthread_mutex_unlock(&w.mutex);
  bt_status status = read_answer(w.call, out, error);
  bt_call_free(w.call);
  pthread_cond_destroy(&w.changed);
  pthread_mutex_destroy(&w.mutex);
  return status;
}
