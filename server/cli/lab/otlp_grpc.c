/* OTLP over gRPC, where the build has it. See otlp_grpc.h. */
#include "server/cli/lab/otlp_grpc.h"

#ifdef BETRACE_GRPC
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "server/grpc/grpc_server.h"

struct bt_otlp_grpc {
  bt_grpc_server *server;
  void (*refused)(void *context, bt_str method);
  void *context;
};

static bool holds_no_spans(bt_str method) {
  static const char *const others[] = {"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
                                       "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                                       "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
                                       "/grpc.health.v1.Health/Check"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (bt_str_equal(method, bt_str_from(others[i]))) return true;
  return false;
}

static void count_refused(void *context, bt_str method) {
  bt_otlp_grpc *grpc = context;
  if (!holds_no_spans(method)) grpc->refused(grpc->context, method);
}

/* "127.0.0.1:0" of "127.0.0.1:4318". */
static void write_address(const char *listen, char *out, size_t size) {
  const char *colon = strrchr(listen, ':');
  snprintf(out, size, "%.*s:0", (int)(colon ? colon - listen : (ptrdiff_t)strlen(listen)), listen);
}

bt_status bt_otlp_grpc_start(const bt_otlp_grpc_options *options, bt_otlp_grpc **out, bt_error *error) {
  char address[300];
  bt_otlp_grpc *grpc = *out = calloc(1, sizeof *grpc);
  if (!grpc) return bt_error_no_memory(error);
  write_address(options->listen, address, sizeof address);
  grpc->refused = options->refused;
  grpc->context = options->context;
  bt_grpc_server_options server = {.listen = address,
                                   .http = options->http,
                                   .work = options->work,
                                   .api = BT_GRPC_RECEIVER,
                                   .message_max_bytes = options->most_bytes,
                                   .takes_gzip = true,
                                   .observe_refused = count_refused,
                                   .context = grpc};
  bt_status status = bt_grpc_server_new(&server, &grpc->server, error);
  if (status) {
    free(grpc);
    *out = NULL;
  }
  return status;
}

uint16_t bt_otlp_grpc_port(const bt_otlp_grpc *grpc) {
  return bt_grpc_server_port(grpc->server);
}

uint32_t bt_otlp_grpc_under_way(const bt_otlp_grpc *grpc) {
  return grpc ? bt_grpc_server_under_way(grpc->server) : 0;
}

void bt_otlp_grpc_stop(bt_otlp_grpc *grpc) {
  if (grpc) bt_grpc_server_stop(grpc->server);
  free(grpc);
}
#else
bt_status bt_otlp_grpc_start(const bt_otlp_grpc_options *options, bt_otlp_grpc **out, bt_error *error) {
  (void)options;
  (void)error;
  *out = NULL;
  return BT_OK;
}

uint16_t bt_otlp_grpc_port(const bt_otlp_grpc *grpc) {
  (void)grpc;
  return 0;
}

uint32_t bt_otlp_grpc_under_way(const bt_otlp_grpc *grpc) {
  (void)grpc;
  return 0;
}

void bt_otlp_grpc_stop(bt_otlp_grpc *grpc) {
  (void)grpc;
}
#endif
