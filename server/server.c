/* Start and stop in order. See server.h. */
#include "server/rulefile/convention_files.h"
#include "server/replay/trace_link.h"
#include "server/server.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef BETRACE_GRPC
#include "server/grpc/grpc_server.h"
#endif
#include "server/base/clock.h"
#include "server/base/condition.h"
#include "server/base/log.h"
#include "server/http/guard.h"
#include "server/http/jwt_ring.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/http/store_choice.h"
#include "tempo/files/file_source.h"
#include "tempo/files/memory_source.h"

struct bt_server {
  const bt_config *config;
  char derived_tempo[300]; /* where no store is named, but an OTLP endpoint is */
  bt_exporter_options exporter;
  bt_trust *trust;               /* in batches of the store, for replays */
  bt_evidence_key *evidence_key; /* NULL: reports are unsigned */
  bt_evidence_keys older_keys;
  bt_jwt_ring *jwt_ring; /* NULL: no JWTs are taken */
  char store_names[BT_NAMED_STORES][BT_STORE_NAME_MAX + 1];
  bt_store_grant grants[BT_STORE_GRANTS];
  bt_service service;
  bt_http_server *http;
#ifdef BETRACE_GRPC
  bt_grpc_server *grpc;
#endif
  bt_task first_look; /* at the source */
  pthread_mutex_t mutex;
  pthread_cond_t has_looked_changed; /* behind the mutex: */
  bool has_looked;
};

/* A store that hangs holds up no start, and no signal that comes meanwhile. */
static const int64_t FIRST_LOOK_NS = 500000000;

/* http://collector:4318 → http://collector:3200. */
static bool derive_tempo(const char *otlp, char *out, size_t size) {
  const char *scheme_end = strstr(otlp, "://");
  if (!scheme_end) return false;
  const char *host = scheme_end + 3;
  size_t length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
  int written = snprintf(out, size, "%.*s%.*s:3200", (int)(host - otlp), otlp, (int)length, host);
  return length > 0 && written > 0 && (size_t)written < size;
}

static void look_at_store(bt_source *source, const bt_cancel *cancel) {
  bt_error reach = {0};
  char text[BT_SOURCE_TEXT_BYTES];
  bt_status status = bt_source_check(source, cancel, &reach);
  if (bt_is_cancelled(cancel)) return;
  if (status) {
    bt_log(BT_LOG_WARNING, "the store does not answer yet: %s; replays will say so until it does", reach.message);
    return;
  }
  bt_promises promises = bt_source_promises(source, BT_PROMISES_OF_VERSION, cancel); /* the check has asked */
  bt_source_about_text(&promises.about, text);
  if (promises.about.is_checked)
    bt_log(promises.about.note[0] ? BT_LOG_WARNING : BT_LOG_INFO, "the source is %s", text);
  else
    bt_log(BT_LOG_WARNING, "the source is %s; replays read every candidate, and more by id", text);
  if (promises.has_copies)
    bt_log(BT_LOG_INFO, "ingesters of this Tempo hold copies of spans, or may: it is read by id what is younger than "
                        "--handover, which is slower; --tempo-replication 1 says that they hold none");
}

static void run_first_look(bt_task *task) {
  bt_server *server = (bt_server *)((char *)task - offsetof(bt_server, first_look));
  look_at_store(server->service.source, &server->service.work->root.cancel);
  pthread_mutex_lock(&server->mutex);
  server->has_looked = true;
  pthread_cond_broadcast(&server->has_looked_changed);
  pthread_mutex_unlock(&server->mutex);
}

static bt_status open_source(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_service *service = &server->service;
  if (config->trace_count) return bt_file_source_open(config->traces, config->trace_count, 0, &service->source, error);
  if (config->memory_source_bytes) {
    bt_status status = bt_memory_source_new(config->memory_source_bytes, &service->source, error);
    service->memory = status ? NULL : service->source;
    return status;
  }
  const char *otlp = config->otlp ? config->otlp : config->otlp_traces;
  bt_source_settings settings = config->source;
  if (!settings.address && otlp && derive_tempo(otlp, server->derived_tempo, sizeof server->derived_tempo))
    settings.tempo.url = server->derived_tempo;
  bt_status status = bt_source_settings_choose(&settings, error);
  if (!status && !settings.address)
    return bt_error_set(error, BT_INVALID,
                        "say where the traces are: --store URL, --tempo URL, --traces FILE, --memory-source, or an "
                        "OTLP endpoint whose host has a Tempo on port 3200");
  if (!status) status = bt_source_settings_open(&settings, service->client, &service->source, error);
  if (status) return status;
  /* What is known of the source is in the log before the address, where it answers soon. */
  int64_t until_ns = bt_clock_monotonic_ns() + FIRST_LOOK_NS;
  server->first_look.run = run_first_look;
  if (!bt_pool_submit(service->work->pool, BT_LANE_CHECK, &server->first_look)) return BT_OK;
  pthread_mutex_lock(&server->mutex);
  while (!server->has_looked && bt_condition_wait(&server->has_looked_changed, &server->mutex, until_ns)) continue;
  pthread_mutex_unlock(&server->mutex);
  return BT_OK;
}

_Static_assert((int)BT_NAMED_STORES >= (int)BT_CONFIG_MAX_NAMES, "there is room for each store that settings may name");

/* NULL: there is none. */
static bt_source *find_store(const bt_service *service, const char *name) {
  if (strcmp(name, BT_OWN_STORE) == 0) return service->source;
  for (size_t i = 0; i < service->named_count; i++)
    if (strcmp(name, service->named[i].name) == 0) return service->named[i].source;
  return NULL;
}

/* "NAME=URL". The credentials are those of the store's kind. */
static bt_status open_named_store(bt_server *server, const char *text, bt_error *error) {
  bt_service *service = &server->service;
  bt_error why = {0};
  size_t length = strcspn(text, "=");
  char *name = server->store_names[service->named_count];
  snprintf(name, BT_STORE_NAME_MAX + 1, "%.*s", (int)length, text);
  if (find_store(service, name))
    return bt_error_set(error, BT_INVALID, "--named-store: the name %s is taken already", name);
  bt_source_settings settings = server->config->source;
  settings.store = text + length + 1;
  settings.tempo.url = NULL;
  bt_source *source = NULL;
  bt_status status = bt_source_settings_choose(&settings, &why);
  if (!status) status = bt_source_settings_open(&settings, service->client, &source, &why);
  if (status) return bt_error_set(error, status, "--named-store %s: %s", name, why.message);
  source->store = name;
  service->named[service->named_count++] = (bt_named_store){.name = name, .source = source, .work = service->work};
  service->source->store = BT_OWN_STORE;
  return BT_OK;
}

static bt_status open_named_stores(bt_server *server, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; i < server->config->named_store_count && !status; i++)
    status = open_named_store(server, server->config->named_stores[i], error);
  return status;
}

_Static_assert((int)BT_STORE_GRANTS >= (int)BT_CONFIG_MAX_GRANTS, "there is room for each that settings may name");

/* Nobody is asked for them: doors say so, watch leaves them out. */
static bt_status log_storeless(bt_server *server, bt_error *error) {
  const bt_service *service = &server->service;
  size_t count = 0;
  const char **tenants = NULL;
  bt_status status = bt_rule_store_tenants(service->store, &tenants, &count, error);
  for (size_t i = 0; !status && i < count; i++) {
    bt_rule_list rules = {0};
    status = bt_rule_store_snapshot(service->store, tenants[i], &rules, error);
    for (size_t k = 0; k < rules.count; k++) {
      bt_buffer why = {0};
      if (!bt_rule_names_store(service, tenants[i], rules.items[k], &why))
        bt_log(BT_LOG_ERROR, "rule \"%s\" of tenant \"%s\" is not evaluated: its store %s", rules.items[k]->fields.id,
               tenants[i], why.ptr ? why.ptr : "");
      bt_buffer_dispose(&why);
    }
    bt_rule_list_dispose(&rules);
  }
  free(tenants);
  return status;
}

/* "TENANT=NAME". */
static bt_status grant_stores(bt_server *server, bt_error *error) {
  bt_service *service = &server->service;
  service->grants = server->grants;
  for (size_t i = 0; i < server->config->tenant_store_count; i++) {
    const char *text = server->config->tenant_stores[i], *name = strrchr(text, '=') + 1;
    bt_source *source = find_store(service, name);
    if (!source)
      return bt_error_set(error, BT_INVALID, "--tenant-store %s: there is no store %s; --named-store adds one", text,
                          name);
    source->is_of_tenants = true;
    server->grants[service->grant_count++] = (bt_store_grant){{text, (size_t)(name - text) - 1}, name};
  }
  return BT_OK;
}

/* An exporter where an OTLP endpoint is set. A port that speaks gRPC is refused now, not at the first violation. */
static bt_status open_exporter(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  if (!config->otlp && !config->otlp_traces) return BT_OK;
  server->exporter =
      (bt_exporter_options){.url = config->otlp, .traces_url = config->otlp_traces, .headers = config->otlp_headers};
  server->service.exporter = &server->exporter;
  /* Without spans nothing is sent: only the address and the headers are looked at. */
  bt_export_result nothing = {0};
  return bt_otlp_export(server->service.client, &server->exporter, NULL, 0, NULL, &nothing, error);
}

/* What a call asks the store; what else goes through the client has no span. */
static void see_question(void *context, const bt_http_exchange *exchange) {
  const bt_server *server = context;
  bt_own_spans_take(server->service.own_spans, exchange);
}

static bt_status open_own_spans(bt_server *server, bt_error *error) {
  if (!server->config->own_traces) return BT_OK;
  return bt_own_spans_new(server->service.client, &server->exporter, server->service.version,
                          &server->service.own_spans, error);
}

/* Owners of work have as many members as their lane has places. */
static uint32_t places_of(const bt_server *server, bt_lane lane) {
  return bt_pool_look(server->service.work->pool, lane).places;
}

static bt_status open_jobs(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_job_queue_options options = {.work = server->service.work,
                                  .source = server->service.source,
                                  .client = server->service.client,
                                  .exporter = server->service.exporter,
                                  .assumptions = config->assumptions,
                                  .max_replays = (uint32_t)config->max_replays,
                                  .memory = server->service.account,
                                  .emit_at_original_time = config->emit_at_original_time,
                                  .metrics = server->service.metrics,
                                  .prices = server->service.prices,
                                  .trust = server->trust};
  return bt_job_queue_new(&options, &server->service.jobs, error);
}

/* Answers on demand share a quarter of the memory that replays have for theirs. */
static bt_status open_evaluations(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_evaluations_options options = {.work = server->service.work,
                                    .at_once = places_of(server, BT_LANE_EVALUATION),
                                    .source = server->service.source,
                                    .assumptions = config->assumptions,
                                    .metrics = server->service.metrics,
                                    .memory_limit_bytes = config->memory_limit_bytes / 4,
                                    .memory = server->service.account};
  return bt_evaluations_new(&options, &server->service.evaluations, error);
}

static bt_status open_watch(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  if (!config->watch) return BT_OK;
  bt_watch_options options = {.work = server->service.work,
                              .source = server->service.source,
                              .store = server->service.store,
                              .client = server->service.client,
                              .exporter = server->service.exporter,
                              .metrics = server->service.metrics,
                              .memory = server->service.account,
                              .assumptions = config->assumptions,
                              .interval_ns = config->interval_ns,
                              .sweep_ns = config->sweep_ns,
                              .lookback_ns = config->lookback_ns,
                              .catchup_max_ns = config->catchup_max_ns,
                              .replica = (uint32_t)config->replica,
                              .replicas = (uint32_t)config->replicas,
                              .emit_at_original_time = config->emit_at_original_time};
  options.elsewhere = bt_rule_elsewhere;
  options.elsewhere_context = &server->service;
  bt_status status = bt_watch_new(&options, &server->service.watch, error);
  options.own = server->service.source;
  for (size_t i = 0; i < server->service.named_count && !status; i++) {
    bt_named_store *named = &server->service.named[i];
    options.source = named->source;
    options.source_name = named->name;
    status = bt_watch_new(&options, &named->watch, error);
  }
  return status;
}

static bt_status open_silence(bt_server *server, bt_error *error) {
  bt_silent_watch_options options = {.work = server->service.work,
                                     .source = server->service.source,
                                     .store = server->service.store,
                                     .assumptions = server->config->assumptions,
                                     .elsewhere = bt_rule_elsewhere,
                                     .elsewhere_context = &server->service,
                                     .past_ns = server->config->silence_ns};
  return options.past_ns ? bt_silent_watch_new(&options, &server->service.silence, error) : BT_OK;
}

/* Whoever can read the key can sign in our name. That a group may is how somebody else's file comes to us, as a Secret
 * of Kubernetes does. */
static void warn_of_open_key(const char *file) {
  struct stat of_file;
  if (stat(file, &of_file)) return;
  if (of_file.st_mode & S_IRWXO || (of_file.st_mode & S_IRWXG && of_file.st_uid == geteuid()))
    bt_log(BT_LOG_WARNING, "others than its owner may read the evidence key %s: chmod 600 it", file);
}

/* Reports sign with the key that was read at the start; finished ones have a quarter of the memory of replays. */
static bt_status open_reports(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_status status =
      config->evidence_key ? bt_evidence_private_key(config->evidence_key, &server->evidence_key, error) : BT_OK;
  if (!status && config->evidence_old_keys)
    status = bt_evidence_keys_read(&server->older_keys, config->evidence_old_keys, error);
  if (status) return status;
  if (config->evidence_key) warn_of_open_key(config->evidence_key);
  bt_reports_options options = {.work = server->service.work,
                                .at_once = places_of(server, BT_LANE_REPORT),
                                .source = server->service.source,
                                .store = server->service.store,
                                .elsewhere = bt_rule_elsewhere,
                                .elsewhere_context = &server->service,
                                .watch = server->service.watch,
                                .metrics = server->service.metrics,
                                .client = server->service.client,
                                .exporter = server->service.exporter,
                                .key = server->evidence_key,
                                .older_keys = &server->older_keys,
                                .timestamp_url = config->timestamp_url,
                                .assumptions = config->assumptions,
                                .version = server->service.version,
                                .started_at_ns = server->service.started_at_ns,
                                .memory_limit_bytes = config->memory_limit_bytes / 4,
                                .memory = server->service.account};
  return bt_reports_new(&options, &server->service.reports, error);
}

static bool is_loopback(const bt_config *config) {
  return bt_guard_is_loopback(bt_guard_host_name(bt_str_from(config->listen)));
}

static bt_status open_series(bt_server *server, bt_error *error) {
  bt_series_options options = {.work = server->service.work,
                               .at_once = places_of(server, BT_LANE_SERIES),
                               .source = server->service.source,
                               .assumptions = server->config->assumptions,
                               .memory = server->service.account};
  return bt_series_pool_new(&options, &server->service.series, error);
}

static bool has_tokens(const bt_config *config) {
  return config->tokens || config->jwt_jwks;
}

/* Without tokens only this machine may talk to us, unless somebody says that it is meant so. */
static bt_status check_listen(const bt_config *config, bt_error *error) {
  if (!config->listen) return BT_OK;
  if (has_tokens(config) && !config->tls_cert && !is_loopback(config))
    bt_log(BT_LOG_WARNING, "tokens travel in the clear on %s: set --tls-cert and --tls-key, or let a proxy speak TLS",
           config->listen);
  if (has_tokens(config) || config->allow_anonymous || is_loopback(config)) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "--listen %s is not a loopback address, and there are no tokens: anyone could change rules; give "
                      "--tokens FILE or --jwt-jwks, or say --allow-anonymous to allow it",
                      config->listen);
}

/* The ring stays what it was at the start, and with it whose tokens are taken. */
static bt_access_options access_of(const bt_server *server, const bt_config *config) {
  return (bt_access_options){.tokens_file = config->tokens,
                             .jwt_ring = server->jwt_ring,
                             .jwt_issuer = server->config->jwt_issuer,
                             .jwt_audience = server->config->jwt_audience,
                             .jwt_roles_file = config->jwt_roles ? config->jwt_roles : server->config->jwt_roles,
                             .jwt_skew_ns = server->config->jwt_skew_ns,
                             .hosts = config->hosts,
                             .cors_origins = config->cors_origins,
                             .tls_cert = config->tls_cert,
                             .tls_key = config->tls_key,
                             .ui = config->ui};
}

/* Whoever sent what got no answer knows it. */
static void count_request(void *context, const bt_http_fate *fate) {
  const bt_service *service = context;
  if (fate->status)
    bt_metrics_add_request(service->metrics, fate->route ? (size_t)(fate->route - bt_routes) : SIZE_MAX, fate->status,
                           fate->duration_ns);
}

static uint32_t in_milliseconds(int64_t ns) {
  int64_t ms = ns / 1000000;
  return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static bt_status open_ring(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_jwt_ring_options options = {.source = config->jwt_jwks,
                                 .ca_file = config->jwt_ca,
                                 .refresh_ns = config->jwt_refresh_ns,
                                 .keep_ns = config->jwt_keep_ns};
  bt_clock_never_back_ns(); /* from here on a clock that is set back revives no token */
  return config->jwt_jwks ? bt_jwt_ring_new(&options, &server->jwt_ring, error) : BT_OK;
}

static bt_status open_http(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_access_options access = access_of(server, config);
  bt_http_server_options options = {.listen = config->listen,
                                    .routes = bt_routes,
                                    .route_count = bt_route_count,
                                    .service = &server->service,
                                    .speaks_otlp = true,
                                    .observe = count_request,
                                    .work = server->service.work,
                                    .own_spans = server->service.own_spans,
                                    .call_timeout_ns = config->call_timeout_ns,
                                    .access = &access,
                                    .audit_log = config->audit_log,
                                    .audit_strict = config->audit_strict,
                                    .bodies_bytes = config->request_memory_bytes,
                                    .max_connections = (uint32_t)config->max_connections,
                                    .client_rate = (uint32_t)config->client_rate,
                                    .address_rate = (uint32_t)config->address_rate,
                                    .request_timeout_ms = in_milliseconds(config->request_timeout_ns),
                                    .write_timeout_ms = in_milliseconds(config->write_timeout_ns)};
  return bt_http_server_new(&options, &server->http, error);
}

#ifdef BETRACE_GRPC
static bt_status open_grpc(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  if (!config->grpc) return BT_OK;
  if (!has_tokens(config) && !config->allow_anonymous &&
      !bt_guard_is_loopback(bt_guard_host_name(bt_str_from(config->grpc))))
    return bt_error_set(error, BT_INVALID,
                        "--grpc %s is not a loopback address, and there are no tokens: anyone could change rules; give "
                        "--tokens FILE or --jwt-jwks, or say --allow-anonymous to allow it",
                        config->grpc);
  bt_grpc_server_options options = {.listen = config->grpc,
                                    .tls_cert = config->tls_cert,
                                    .tls_key = config->tls_key,
                                    .http = server->http,
                                    .work = server->service.work};
  bt_status status = bt_grpc_server_new(&options, &server->grpc, error);
  if (!status) bt_log(BT_LOG_INFO, "gRPC on port %u of %s", bt_grpc_server_port(server->grpc), config->grpc);
  return status;
}

static void close_grpc(bt_server *server) {
  bt_grpc_server_stop(server->grpc);
}
#else
static bt_status open_grpc(const bt_server *server, bt_error *error) {
  if (!server->config->grpc) return BT_OK;
  return bt_error_set(error, BT_INVALID,
                      "--grpc %s: this build has no gRPC; build it with cmake -DBETRACE_GRPC=ON, or leave --grpc away",
                      server->config->grpc);
}

static void close_grpc(const bt_server *server) {
  (void)server;
}
#endif

/* What is not checked from now on, by name; of very many the first are enough to begin with. */
static void log_damage(const bt_rule_store *store) {
  enum { SHOWN = 100 };
  const bt_rule_damage *damage;
  size_t count = bt_rule_store_damage(store, &damage);
  for (size_t i = 0; i < count && i < SHOWN; i++)
    bt_log(BT_LOG_ERROR, "the rule database is damaged: version %lld of rule \"%s\" of tenant \"%s\": %s",
           (long long)damage[i].version, damage[i].rule_id, damage[i].tenant, damage[i].what);
  if (count > SHOWN) bt_log(BT_LOG_ERROR, "and %zu more of its versions are damaged", count - SHOWN);
}

/* Those of one tenant that nothing evaluates from now on. */
static bt_status log_broken_of(bt_rule_store *store, const char *tenant, size_t *left, bt_error *error) {
  bt_rule_list broken;
  bt_status status = bt_rule_store_broken(store, tenant, &broken, error);
  for (size_t i = 0; !status && i < broken.count && *left; i++, --*left)
    if (!broken.items[i]->is_damaged)
      bt_log(BT_LOG_ERROR, "rule \"%s\" of tenant \"%s\" is not evaluated: %s", broken.items[i]->fields.id, tenant,
             broken.items[i]->broken);
  if (!status) bt_rule_list_dispose(&broken);
  return status;
}

static bt_status log_broken(bt_rule_store *store, bt_error *error) {
  size_t count = 0, left = 100;
  const char **tenants = NULL;
  bt_status status = bt_rule_store_tenants(store, &tenants, &count, error);
  for (size_t i = 0; !status && i < count && left; i++) status = log_broken_of(store, tenants[i], &left, error);
  free(tenants);
  return status;
}

static bt_status open_store(bt_server *server, bt_error *error) {
  bt_status status =
      bt_rule_store_open(server->config->db, server->config->pattern_memory_bytes, &server->service.store, error);
  if (status) return status;
  bt_rule_store_set_limits(server->service.store, server->config->max_rules, server->config->max_rule_versions);
  log_damage(server->service.store);
  return log_broken(server->service.store, error);
}

/* As many replays run as there are places for them, and no store's watch waits for another's. */
enum { WATCH_PLACES = 4 };
static bt_status open_work(bt_server *server, bt_error *error) {
  const bt_config *config = server->config;
  bt_pool_options options = {.max_queued = (uint32_t)config->max_queued};
  memcpy(options.places, config->lane_places, sizeof options.places);
  options.places[BT_LANE_REPLAY] = (uint32_t)config->max_replays + BT_REPLAYS_BESIDE;
  options.places[BT_LANE_WATCH] = (uint32_t)(WATCH_PLACES * (1 + config->named_store_count));
  options.places[BT_LANE_SOURCE] = (uint32_t)config->source_calls;
  options.places[BT_LANE_COMPUTE] = (uint32_t)config->compute_calls;
  return bt_workplace_new(&options, &server->service.work, error);
}

bt_status bt_server_start(const bt_config *config, const char *version, bt_server **out, bt_error *error) {
  *out = NULL;
  bt_status named = config->semconv ? bt_convention_files_use(config->semconv, error) : BT_OK;
  if (named) return named;
  bt_server *server = calloc(1, sizeof *server);
  if (!server) return bt_error_no_memory(error);
  pthread_mutex_init(&server->mutex, NULL);
  bt_condition_init(&server->has_looked_changed);
  server->config = config;
  bt_trace_link_install(config->trace_link);
  server->service.version = version;
  server->service.max_range_ns = config->max_range_ns;
  server->service.has_mcp_writes = config->mcp_writes;
  server->service.assumptions = config->assumptions;
  server->service.started_at_ns = bt_clock_wall_ns();
  server->service.started_steady_ns = bt_clock_steady_ns();
  bt_http_options http = {.concurrency = (uint32_t)config->tempo_concurrency,
                          .concurrency_max = (uint32_t)config->tempo_concurrency_max,
                          .on_exchange = config->own_traces ? see_question : NULL,
                          .exchange_context = server};
  bt_status status = check_listen(config, error);
  if (!status) status = open_work(server, error);
  if (!status) status = bt_http_client_new(&http, &server->service.client, error);
  if (!status) status = bt_metrics_new(bt_route_count, &server->service.metrics, error);
  if (!status) status = bt_price_table_new(0, &server->service.prices, error);
  if (!status) status = bt_trust_new(0, &server->trust, error);
  if (!status) status = open_exporter(server, error);
  if (!status) status = open_own_spans(server, error);
  if (!status) status = open_store(server, error);
  if (!status) status = open_source(server, error);
  if (!status) status = open_named_stores(server, error);
  if (!status) status = grant_stores(server, error);
  if (!status) status = log_storeless(server, error);
  if (!status) status = bt_memory_account_new(config->memory_limit_bytes, &server->service.account, error);
  if (!status) status = open_jobs(server, error);
  if (!status) status = open_evaluations(server, error);
  if (!status) status = open_series(server, error);
  if (!status) status = open_silence(server, error);
  if (!status) status = open_watch(server, error);
  if (!status) status = open_reports(server, error);
  if (!status) status = bt_tag_cache_new(&server->service.tags, error);
  if (!status) status = open_ring(server, error);
  if (!status) status = open_http(server, error);
  if (!status) status = open_grpc(server, error);
  if (status)
    bt_server_stop(server);
  else
    *out = server;
  return status;
}

bt_status bt_server_ask(bt_server *server, const bt_local_request *request, json_t **out, bt_error *error) {
  return bt_http_server_ask(server->http, request, out, error);
}

uint16_t bt_server_port(const bt_server *server) {
  return bt_http_server_port(server->http);
}

bt_status bt_server_reload(bt_server *server, const bt_config *fresh, bt_error *error) {
  bt_access_options access = access_of(server, fresh);
  if (server->jwt_ring) bt_jwt_ring_renew(server->jwt_ring);
  return bt_http_server_reload(server->http, &access, error);
}

void bt_server_stop(bt_server *server) {
  if (!server) return;
  if (server->service.work) bt_workplace_stop(server->service.work);
  bt_rule_store_hurry(server->service.store);
  close_grpc(server);
  bt_http_server_stop(server->http);
  bt_jwt_ring_free(server->jwt_ring);
  bt_reports_free(server->service.reports);
  bt_evidence_key_free(server->evidence_key);
  bt_evidence_keys_dispose(&server->older_keys);
  bt_watch_free(server->service.watch);
  for (size_t i = 0; i < server->service.named_count; i++) bt_watch_free(server->service.named[i].watch);
  bt_evaluations_free(server->service.evaluations);
  bt_series_pool_free(server->service.series);
  bt_silent_watch_free(server->service.silence);
  bt_job_queue_free(server->service.jobs);
  /* No part of the service owns a check of /ready or the first look, and they may still ask the source or the receiver.
   */
  if (server->service.work) bt_workplace_end(server->service.work);
  bt_source_free(server->service.source);
  for (size_t i = 0; i < server->service.named_count; i++) bt_source_free(server->service.named[i].source);
  bt_tag_cache_free(server->service.tags);
  bt_rule_store_close(server->service.store);
  bt_own_spans_free(server->service.own_spans);
  bt_http_client_free(server->service.client);
  bt_metrics_free(server->service.metrics);
  bt_price_table_free(server->service.prices);
  bt_trust_free(server->trust);
  bt_workplace_free(server->service.work);
  bt_memory_account_free(server->service.account);
  pthread_cond_destroy(&server->has_looked_changed);
  pthread_mutex_destroy(&server->mutex);
  free(server);
}
