/* The table of settings, and their kinds. See config_table.h. */
#include "server/rulefile/convention_files.h"
#include "server/settings/config_table.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/origin.h"
#include "server/base/time_text.h"
#include "server/replay/trace_link.h"

#define AT(field) offsetof(bt_config, field)

const bt_setting bt_settings[] = {
    {"tempo", "BETRACE_TEMPO_URL", BT_SETTING_URL, AT(source.tempo.url), 0, 0,
     "URL of Tempo's HTTP address, with the path before /api/ if there is one; default: the host of the OTLP endpoint, "
     "port 3200",
     BT_USE_START},
    {"store", "BETRACE_STORE", BT_SETTING_URL, AT(source.store), 0, 0,
     "URL of the store, with its kind before the scheme: tempo+http://…, clickhouse+https://… or opensearch+https://…; "
     "instead of --tempo",
     BT_USE_START},
    {"named-store", "BETRACE_NAMED_STORES", BT_SETTING_NAMED_STORE, 0, 0, 0,
     "another store, NAME=URL, that a request asks by its name; may be given several times", BT_USE_START},
    {"tenant-store", "BETRACE_TENANT_STORES", BT_SETTING_TENANT_STORE, 0, 0, 0,
     "the store of a tenant, TENANT=NAME, which no other tenant may ask; may be given several times", BT_USE_START},
    {"tempo-user", "BETRACE_TEMPO_USER", BT_SETTING_TEXT, AT(source.tempo.user), 0, 0,
     "user for Tempo (basic authentication)", BT_USE_START},
    {"tempo-password-file", "BETRACE_TEMPO_PASSWORD", BT_SETTING_SECRET, AT(source.tempo.password), 0, 0,
     "file that holds that user's password; the variable holds the password itself", BT_USE_START},
    {"tempo-token-file", "BETRACE_TEMPO_TOKEN", BT_SETTING_SECRET, AT(source.tempo.token), 0, 0,
     "file that holds a bearer token for Tempo; the variable holds the token itself", BT_USE_START},
    {"tempo-ca", "BETRACE_TEMPO_CA", BT_SETTING_TEXT, AT(source.tempo.ca_file), 0, 0,
     "file of certificates (PEM) of authorities to trust for Tempo, besides the system's", BT_USE_START},
    {"tempo-timeout", "BETRACE_TEMPO_TIMEOUT", BT_SETTING_DURATION, AT(source.tempo.timeout_ns), 1000000, 0,
     "how long one request to Tempo may take; what takes longer is tried again, and then named as not read",
     BT_USE_START},
    {"tempo-replication", "BETRACE_TEMPO_REPLICATION", BT_SETTING_NUMBER, AT(source.tempo.replication), 0, 64,
     "ingesters that hold each span (replication_factor of a Tempo 2); 0: as its /status/config says, and several "
     "where that is hidden",
     BT_USE_START},
    {"traces", NULL, BT_SETTING_TRACE_FILE, 0, 0, 0, "OTLP trace file instead of a store; may be given several times",
     BT_USE_START},
    {"memory-source", "BETRACE_MEMORY_SOURCE", BT_SETTING_MEMORY, AT(memory_source_bytes), 1 << 20, UINT64_C(1) << 40,
     "keep pushed spans in memory, instead of a store (demo, tests); at most this size, with KiB, MiB, GiB (256MiB)",
     BT_USE_START},
    {"otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", BT_SETTING_URL, AT(otlp), 0, 0,
     "OTLP/HTTP endpoint that violation spans are sent to", BT_USE_START},
    {"otlp-traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", BT_SETTING_URL, AT(otlp_traces), 0, 0,
     "the complete URL for traces, where it is not ENDPOINT/v1/traces", BT_USE_START},
    {"otlp-headers", "OTEL_EXPORTER_OTLP_HEADERS", BT_SETTING_TEXT, AT(otlp_headers), 0, 0, "headers for it: k=v,k2=v2",
     BT_USE_START},
    {"own-traces", "BETRACE_OWN_TRACES", BT_SETTING_SWITCH, AT(own_traces), 0, 0,
     "send traces of BeTrace itself to the OTLP endpoint too: its calls, and what they ask the store", BT_USE_START},
    {"semconv", BT_SEMCONV_VARIABLE, BT_SETTING_TEXT, AT(semconv), 0, 0, BT_SEMCONV_HELP, BT_USE_START},
    {"db", "BETRACE_DB", BT_SETTING_TEXT, AT(db), 0, 0, "rule database", BT_USE_START},
    {"listen", "BETRACE_LISTEN", BT_SETTING_TEXT, AT(listen), 0, 0, "address to serve on", BT_USE_START},
    {"grpc", "BETRACE_GRPC", BT_SETTING_TEXT, AT(grpc), 0, 0, "address to serve gRPC on, in builds that have it",
     BT_USE_START},
    {"host", "BETRACE_HOST", BT_SETTING_HOST_NAME, 0, 0, 0,
     "a further name that the Host header may have; may be given several times", BT_USE_RELOAD},
    {"tokens", "BETRACE_TOKENS", BT_SETTING_TEXT, AT(tokens), 0, 0,
     "file of bearer tokens, their roles and tenants; without it everybody who reaches the service may do all",
     BT_USE_RELOAD},
    {"jwt-jwks", "BETRACE_JWT_JWKS", BT_SETTING_TEXT, AT(jwt_jwks), 0, 0,
     "key set of an identity provider, whose JWTs are taken as tokens: https://…, http://… of this machine, or a file",
     BT_USE_START},
    {"jwt-issuer", "BETRACE_JWT_ISSUER", BT_SETTING_TEXT, AT(jwt_issuer), 0, 0, "what iss of a JWT has to be",
     BT_USE_START},
    {"jwt-audience", "BETRACE_JWT_AUDIENCE", BT_SETTING_TEXT, AT(jwt_audience), 0, 0,
     "what aud of a JWT has to be or to have; one of several with commas between them", BT_USE_START},
    {"jwt-roles", "BETRACE_JWT_ROLES", BT_SETTING_TEXT, AT(jwt_roles), 0, 0,
     "file (JSON) that says which claims of a JWT give which role and tenants", BT_USE_RELOAD},
    {"jwt-ca", "BETRACE_JWT_CA", BT_SETTING_TEXT, AT(jwt_ca), 0, 0,
     "file of certificates (PEM) of authorities to trust for the key set, besides the system's", BT_USE_START},
    {"jwt-clock-skew", "BETRACE_JWT_CLOCK_SKEW", BT_SETTING_DURATION, AT(jwt_skew_ns), 0, 0,
     "how far the identity provider's clock may be from this one; 10m at most", BT_USE_START},
    {"jwt-refresh", "BETRACE_JWT_REFRESH", BT_SETTING_DURATION, AT(jwt_refresh_ns), 1000000000, 0,
     "how old the key set may be before it is read again", BT_USE_START},
    {"jwt-keep", "BETRACE_JWT_KEEP", BT_SETTING_DURATION, AT(jwt_keep_ns), 1000000000, 0,
     "how old it may be where it cannot be read; then no JWT is taken", BT_USE_START},
    {"audit-log", "BETRACE_AUDIT_LOG", BT_SETTING_TEXT, AT(audit_log), 0, 0,
     "file that gets a line for each change, each read of a report and requests that were refused", BT_USE_START},
    {"audit-strict", "BETRACE_AUDIT_STRICT", BT_SETTING_SWITCH, AT(audit_strict), 0, 0,
     "a call that has a line in the audit log begins only when a line that it was asked for is on the disk",
     BT_USE_START},
    {"evidence-key", "BETRACE_EVIDENCE_KEY", BT_SETTING_TEXT, AT(evidence_key), 0, 0,
     "Ed25519 private key (PEM) that signs compliance reports; without it they are unsigned", BT_USE_START},
    {"evidence-old-keys", "BETRACE_EVIDENCE_OLD_KEYS", BT_SETTING_TEXT, AT(evidence_old_keys), 0, 0,
     "file of the public keys (PEM) that signed before: the chain of reports goes on from theirs", BT_USE_START},
    {"timestamp-url", "BETRACE_TIMESTAMP_URL", BT_SETTING_URL, AT(timestamp_url), 0, 0,
     "time-stamp authority (RFC 3161, http or https) that is asked to stamp signed compliance reports", BT_USE_START},
    {"cors-origin", "BETRACE_CORS_ORIGIN", BT_SETTING_ORIGIN, 0, 0, 0,
     "an origin whose pages may call us, as https://grafana.example; may be given several times", BT_USE_RELOAD},
    {"tls-cert", "BETRACE_TLS_CERT", BT_SETTING_TEXT, AT(tls_cert), 0, 0,
     "certificate with its chain (PEM): serve https", BT_USE_RELOAD},
    {"tls-key", "BETRACE_TLS_KEY", BT_SETTING_TEXT, AT(tls_key), 0, 0, "its private key (PEM, without a password)",
     BT_USE_RELOAD},
    {"ui", "BETRACE_UI", BT_SETTING_TEXT, AT(ui), 0, 0, "folder of the built web pages, to be served at /",
     BT_USE_RELOAD},
    {"max-connections", "BETRACE_MAX_CONNECTIONS", BT_SETTING_NUMBER, AT(max_connections), 1, 65536,
     "connections at once; more are closed", BT_USE_START},
    {"client-rate", "BETRACE_CLIENT_RATE", BT_SETTING_NUMBER, AT(client_rate), 0, 1000000,
     "requests a second that one token may make, or one address where there are no tokens; 0: any", BT_USE_START},
    {"address-rate", "BETRACE_ADDRESS_RATE", BT_SETTING_NUMBER, AT(address_rate), 0, 1000000,
     "requests a second from one address, counted before the token is looked at; 0: any", BT_USE_START},
    {"request-timeout", "BETRACE_REQUEST_TIMEOUT", BT_SETTING_DURATION, AT(request_timeout_ns), 1000000, 0,
     "how long a request may take to arrive, and how long a connection may idle", BT_USE_START},
    {"write-timeout", "BETRACE_WRITE_TIMEOUT", BT_SETTING_DURATION, AT(write_timeout_ns), 1000000, 0,
     "a reader that takes less than 4 KiB of an answer in this time is cut off", BT_USE_START},
    {"call-timeout", "BETRACE_CALL_TIMEOUT", BT_SETTING_DURATION, AT(call_timeout_ns), 1000000, 0,
     "the longest time that a call may take; the header Betrace-Timeout asks for less", BT_USE_START},
    {"source-calls", "BETRACE_SOURCE_CALLS", BT_SETTING_NUMBER, AT(source_calls), 0, 64,
     "calls at once that ask the traces' source; more wait; 0: twice the processors, 8 at least", BT_USE_START},
    {"compute-calls", "BETRACE_COMPUTE_CALLS", BT_SETTING_NUMBER, AT(compute_calls), 0, 64,
     "calls at once that compile rules; more wait; 0: as many as processors, 2 at least", BT_USE_START},
    {"lane-places", "BETRACE_LANE_PLACES", BT_SETTING_LANES, AT(lane_places), 1, 64,
     "how many of one kind go on at once, as in search=16,report=4; of memory, store, search, push, answer, pages, "
     "evaluation, series, report; others follow the processors",
     BT_USE_START},
    {"max-queued", "BETRACE_MAX_QUEUED", BT_SETTING_NUMBER, AT(max_queued), 1, 65536,
     "calls of one kind that wait for their turn, half of them of one tenant; more are refused", BT_USE_START},
    {"allow-anonymous", "BETRACE_ALLOW_ANONYMOUS", BT_SETTING_SWITCH, AT(allow_anonymous), 0, 0,
     "serve on an address that is not loopback without tokens", BT_USE_START},
    {"mcp-writes", "BETRACE_MCP_WRITES", BT_SETTING_SWITCH, AT(mcp_writes), 0, 0,
     "assistants that ask at /mcp may store rules, where their token may", BT_USE_START},
    {"settle", "BETRACE_SETTLE", BT_SETTING_DURATION, AT(assumptions.settle_ns), 0, 0,
     "a trace is settled when its last span is older than this", BT_USE_START},
    {"margin", "BETRACE_MARGIN", BT_SETTING_DURATION, AT(assumptions.margin_ns), 0, 0,
     "longest trace that is judged at the edge of a range", BT_USE_START},
    {"lateness", "BETRACE_LATENESS", BT_SETTING_DURATION, AT(assumptions.lateness_ns), 0, 0,
     "how much later than its time a span may arrive", BT_USE_START},
    {"handover", "BETRACE_HANDOVER", BT_SETTING_DURATION, AT(assumptions.handover_ns), 0, 0,
     "how long the store may keep spans that only a read by id sees", BT_USE_START},
    {"clock-skew", "BETRACE_CLOCK_SKEW", BT_SETTING_DURATION, AT(assumptions.clock_skew_ns), 0, 0,
     "order of spans of two services within this is unknown", BT_USE_START},
    {"coarse-clocks", "BETRACE_COARSE_CLOCKS", BT_SETTING_CLOCKS, AT(assumptions.coarse_clocks_unknown), 0, 0,
     BT_COARSE_CLOCKS_HELP, BT_USE_START},
    {"require-complete", "BETRACE_REQUIRE_COMPLETE", BT_SETTING_SWITCH, AT(assumptions.require_complete), 0, 0,
     "a missing parent makes a trace incomplete", BT_USE_START},
    {"links-sampled", "BETRACE_LINKS_SAMPLED", BT_SETTING_SWITCH, AT(assumptions.links_sampled), 0, 0,
     "traces are dropped one by one, so that no linked trace proves nothing", BT_USE_START},
    {"sampling", BT_SAMPLING_VARIABLE, BT_SETTING_SAMPLING, AT(assumptions.sampling), 0, 0, BT_SAMPLING_HELP,
     BT_USE_START},
    {"max-rate", "BETRACE_MAX_RATE", BT_SETTING_SHARE, AT(assumptions.max_rate), 0, 0,
     "in reports over sampled traces: the largest share of violations, at 95 %, with which a rule passes",
     BT_USE_START},
    {"budget", "BETRACE_BUDGET", BT_SETTING_NUMBER, AT(assumptions.step_budget), 0, UINT64_C(1000000000000),
     "steps that a rule may take on one trace; 0: a million, and 50 for each span", BT_USE_START},
    {"max-rule-budget", "BETRACE_MAX_RULE_BUDGET", BT_SETTING_NUMBER, AT(assumptions.most_rule_budget), 0,
     UINT64_C(1000000000000), "the most that a rule's own budget counts for", BT_USE_START},
    {"max-range", "BETRACE_MAX_RANGE", BT_SETTING_DURATION, AT(max_range_ns), 0, 0, "longest range of one replay",
     BT_USE_START},
    {"max-rules", "BETRACE_MAX_RULES", BT_SETTING_NUMBER, AT(max_rules), 1, 1000000, "rules of a tenant", BT_USE_START},
    {"max-rule-versions", "BETRACE_MAX_RULE_VERSIONS", BT_SETTING_NUMBER, AT(max_rule_versions), 1, 100000000,
     "versions of all rules of a tenant, deletions included", BT_USE_START},
    {"max-replays", "BETRACE_MAX_REPLAYS", BT_SETTING_NUMBER, AT(max_replays), 1, 64,
     "replays that run at once; more are queued", BT_USE_START},
    {"tempo-concurrency", "BETRACE_TEMPO_CONCURRENCY", BT_SETTING_NUMBER, AT(tempo_concurrency), 1, 64,
     "requests to the store at once at first, from everything together", BT_USE_START},
    {"tempo-concurrency-max", "BETRACE_TEMPO_CONCURRENCY_MAX", BT_SETTING_NUMBER, AT(tempo_concurrency_max), 1, 64,
     "the most at once: their number grows to it while answers stay fast", BT_USE_START},
    {"request-memory", "BETRACE_REQUEST_MEMORY", BT_SETTING_BYTES, AT(request_memory_bytes), 1 << 20, UINT64_C(1) << 40,
     "bodies of requests, all together; with KiB, MiB, GiB", BT_USE_START},
    {"memory-limit", "BETRACE_MEMORY_LIMIT", BT_SETTING_BYTES, AT(memory_limit_bytes), 1 << 20, UINT64_C(1) << 40,
     "what answers hold together: replays, the traces that they read, violations, series and reports; with KiB, MiB, "
     "GiB",
     BT_USE_START},
    {"pattern-memory", "BETRACE_PATTERN_MEMORY", BT_SETTING_BYTES, AT(pattern_memory_bytes), 1 << 20, UINT64_C(1) << 40,
     "compiled regexes of the enabled rules of a tenant together; with KiB, MiB, GiB", BT_USE_START},
    {"emit-at-original-time", "BETRACE_EMIT_AT_ORIGINAL_TIME", BT_SETTING_SWITCH, AT(emit_at_original_time), 0, 0,
     "violation spans carry the time of the violation (needs a Tempo with a raised slack)", BT_USE_START},
    {"trace-link-template", BT_TRACE_LINK_VARIABLE, BT_SETTING_TRACE_LINK, AT(trace_link), 0, 0, BT_TRACE_LINK_HELP,
     BT_USE_START},
    {"watch", "BETRACE_WATCH", BT_SETTING_SWITCH, AT(watch), 0, 0,
     "evaluate the enabled rules all the time, and send what violates (needs a store and --otlp)", BT_USE_START},
    {"interval", "BETRACE_INTERVAL", BT_SETTING_DURATION, AT(interval_ns), 0, 0, "time between two rounds of watch",
     BT_USE_START},
    {"sweep", "BETRACE_SWEEP", BT_SETTING_DURATION, AT(sweep_ns), 0, 0,
     "watch looks at a time again after so long, for spans that came late", BT_USE_START},
    {"lookback", "BETRACE_LOOKBACK", BT_SETTING_DURATION, AT(lookback_ns), 0, 0,
     "and once more after so long; what watch falls behind by more than this is a gap", BT_USE_START},
    {"catchup-max", "BETRACE_CATCHUP_MAX", BT_SETTING_DURATION, AT(catchup_max_ns), 0, 0,
     "gaps older than this are not caught up", BT_USE_START},
    {"silence", "BETRACE_SILENCE", BT_SETTING_DURATION, AT(silence_ns), 0, 0,
     "look each quarter of an hour whether a rule has fallen silent, against so long a past (8d); 0s: do not",
     BT_USE_START},
    {"replica", "BETRACE_REPLICA", BT_SETTING_NUMBER, AT(replica), 0, 63, "number of this watcher, from 0",
     BT_USE_START},
    {"replicas", "BETRACE_REPLICAS", BT_SETTING_NUMBER, AT(replicas), 1, 64, "how many watchers share the traces",
     BT_USE_START},
    {"config", "BETRACE_CONFIG", BT_SETTING_TEXT, AT(config_file), 0, 0, "file of settings: lines of name = value",
     BT_USE_NOT_IN_FILE},
    {"print-config", NULL, BT_SETTING_SWITCH, AT(print_only), 0, 0, "print the settings, where each came from, and end",
     BT_USE_NOT_IN_FILE},
    {0}};
_Static_assert(sizeof bt_settings / sizeof *bt_settings - 1 <= BT_CONFIG_MAX_SETTINGS, "each row has its source");

/* ---- reading values ---- */

static void *field_of(bt_config *config, const bt_setting *s) {
  return (char *)config + s->offset;
}

static bool parse_number(const char *text, uint64_t *out, const char **rest) {
  char *end = NULL;
  if (*text < '0' || *text > '9') return false;
  unsigned long long number = strtoull(text, &end, 10);
  *out = number;
  *rest = end;
  return number < UINT64_MAX;
}

static bool parse_bytes(const char *text, uint64_t *out) {
  static const struct {
    const char *unit;
    unsigned shift;
  } units[] = {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  const char *rest;
  if (!parse_number(text, out, &rest)) return false;
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    if (strcmp(rest, units[i].unit) != 0) continue;
    if (*out > UINT64_MAX >> units[i].shift) return false;
    *out <<= units[i].shift;
    return true;
  }
  return false;
}

static bool parse_switch(const char *text, bool *out) {
  *out = !text || strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcmp(text, "on") == 0;
  return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0 || strcmp(text, "off") == 0;
}

/* A switch that may say how much. */
static bool parse_memory(const char *text, uint64_t *out) {
  bool is_on = true;
  if (text && !parse_switch(text, &is_on)) return parse_bytes(text, out);
  *out = is_on ? 256u << 20 : 0;
  return true;
}

static bool append_name(const char **names, size_t *count, size_t most, const char *value) {
  if (*count == most || !value[0]) return false;
  names[(*count)++] = value;
  return true;
}

/* NAME=URL */
static bool is_named_store(const char *value) {
  size_t length = strcspn(value, "=");
  return value[length] && value[length + 1] && bt_store_name_is_valid((bt_str){value, length});
}

/* TENANT=NAME: one tenant, not several together. */
static bool is_tenant_store(const char *value) {
  const char *name = strrchr(value, '=');
  size_t length = name ? (size_t)(name - value) : 0;
  return length && !memchr(value, '|', length) && bt_store_name_is_valid(bt_str_from(name + 1));
}

/* Flags and files name a file, the environment holds the secret; what is set later takes the other's place. */
static void set_secret(bt_secret_setting *secret, const char *value, bool is_text) {
  *secret = (bt_secret_setting){.file = is_text ? NULL : value, .text = is_text ? value : NULL};
}

static const bt_lane lanes_to_set[] = {BT_LANE_MEMORY, BT_LANE_STORE,    BT_LANE_SEARCH,     BT_LANE_PUSH,
                                       BT_LANE_ANSWER, BT_LANE_PAGES,    BT_LANE_EVALUATION, BT_LANE_SERIES,
                                       BT_LANE_REPORT, BT_LANE_ASSISTANT};
enum { LANES_TO_SET = sizeof lanes_to_set / sizeof lanes_to_set[0] };

/* NULL: no lane that can be set begins the text so. */
static uint32_t *find_lane(uint32_t *places, bt_str name) {
  for (size_t i = 0; i < LANES_TO_SET; i++)
    if (bt_str_equal(name, bt_str_from(bt_lane_name(lanes_to_set[i])))) return &places[lanes_to_set[i]];
  return NULL;
}

/* LANE=N,LANE=N. */
static bool parse_lanes(const char *text, const bt_setting *s, uint32_t *places) {
  memset(places, 0, BT_LANES * sizeof *places);
  for (;; text++) {
    uint64_t number;
    bt_str name = {text, strcspn(text, "=")};
    uint32_t *lane = text[name.len] ? find_lane(places, name) : NULL;
    if (!lane || *lane || !parse_number(text + name.len + 1, &number, &text)) return false;
    if (number < s->least || number > s->most) return false;
    *lane = (uint32_t)number;
    if (*text != ',') return !*text;
  }
}

bool bt_setting_set(bt_config *config, const bt_setting *s, const char *value, bool is_secret_text) {
  void *field = field_of(config, s);
  uint64_t *number = field;
  const char *rest = "";
  double share;
  switch (s->kind) {
  case BT_SETTING_TEXT:
  case BT_SETTING_URL: return *(const char **)field = value, value[0] != '\0';
  case BT_SETTING_TRACE_LINK: return *(const char **)field = value, bt_trace_link_is_valid(value);
  case BT_SETTING_SAMPLING: return *(const char **)field = value, bt_sampling_setting_is_valid(value);
  case BT_SETTING_SHARE: return *(const char **)field = value, bt_share_parse(value, &share);
  case BT_SETTING_CLOCKS: return bt_coarse_clocks_take(value, field);
  case BT_SETTING_SECRET: return set_secret(field, value, is_secret_text), value[0] != '\0';
  case BT_SETTING_TRACE_FILE: return append_name(config->traces, &config->trace_count, BT_CONFIG_MAX_TRACES, value);
  case BT_SETTING_NAMED_STORE:
    return is_named_store(value) &&
           append_name(config->named_stores, &config->named_store_count, BT_CONFIG_MAX_NAMES, value);
  case BT_SETTING_TENANT_STORE:
    return is_tenant_store(value) &&
           append_name(config->tenant_stores, &config->tenant_store_count, BT_CONFIG_MAX_GRANTS, value);
  case BT_SETTING_HOST_NAME: return append_name(config->hosts, &config->host_count, BT_CONFIG_MAX_NAMES, value);
  case BT_SETTING_ORIGIN:
    return bt_origin_is_valid(bt_str_from(value)) &&
           append_name(config->cors_origins, &config->cors_origin_count, BT_CONFIG_MAX_NAMES, value);
  case BT_SETTING_DURATION:
    return bt_duration_parse(bt_str_from(value), field) && (!s->least || (uint64_t) * (int64_t *)field >= s->least);
  case BT_SETTING_NUMBER:
    return parse_number(value, number, &rest) && !*rest && *number >= s->least && *number <= s->most;
  case BT_SETTING_BYTES: return parse_bytes(value, number) && *number >= s->least && *number <= s->most;
  case BT_SETTING_MEMORY:
    return parse_memory(value, number) && (!*number || (*number >= s->least && *number <= s->most));
  case BT_SETTING_SWITCH: return parse_switch(value, field);
  case BT_SETTING_LANES: return parse_lanes(value, s, field);
  }
  return false;
}

bool bt_setting_is_list(const bt_setting *setting) {
  return setting->kind == BT_SETTING_TRACE_FILE || setting->kind == BT_SETTING_HOST_NAME ||
         setting->kind == BT_SETTING_ORIGIN || setting->kind == BT_SETTING_NAMED_STORE ||
         setting->kind == BT_SETTING_TENANT_STORE;
}

void bt_setting_clear_list(bt_config *config, const bt_setting *setting) {
  if (setting->kind == BT_SETTING_TRACE_FILE) config->trace_count = 0;
  if (setting->kind == BT_SETTING_NAMED_STORE) config->named_store_count = 0, config->named_stores[0] = NULL;
  if (setting->kind == BT_SETTING_TENANT_STORE) config->tenant_store_count = 0, config->tenant_stores[0] = NULL;
  if (setting->kind == BT_SETTING_HOST_NAME) config->host_count = 0, config->hosts[0] = NULL;
  if (setting->kind == BT_SETTING_ORIGIN) config->cors_origin_count = 0, config->cors_origins[0] = NULL;
}

bool bt_setting_has_optional_value(const bt_setting *setting) {
  return setting->kind == BT_SETTING_SWITCH || setting->kind == BT_SETTING_MEMORY;
}

void bt_setting_expectation(const bt_setting *setting, char out[BT_EXPECTATION_BYTES]) {
  const char *text = "a text that is not empty";
  switch (setting->kind) {
  case BT_SETTING_TEXT:
  case BT_SETTING_URL:
  case BT_SETTING_SECRET: break;
  case BT_SETTING_TRACE_LINK: text = BT_TRACE_LINK_EXPECTED; break;
  case BT_SETTING_SAMPLING: text = BT_SAMPLING_EXPECTED; break;
  case BT_SETTING_SHARE: text = BT_SHARE_EXPECTED; break;
  case BT_SETTING_CLOCKS: text = "unknown or exact"; break;
  case BT_SETTING_TRACE_FILE: text = "a file (at most 64 of them)"; break;
  case BT_SETTING_NAMED_STORE:
    text = "NAME=URL, as in archive=clickhouse+http://host:8123/otel, with a name of small letters, digits and - (at "
           "most 16 of them)";
    break;
  case BT_SETTING_TENANT_STORE:
    text = "TENANT=NAME, as in acme=archive, with one tenant and the name of a store (at most 256 of them)";
    break;
  case BT_SETTING_HOST_NAME: text = "a host name (at most 16 of them)"; break;
  case BT_SETTING_ORIGIN: text = "scheme://host[:port] in lower case, as browsers send it (at most 16 of them)"; break;
  case BT_SETTING_DURATION:
    text = setting->least ? "a duration of 1ms or longer, as in 10s" : "a duration with a unit, as in 2m or 500ms";
    break;
  case BT_SETTING_NUMBER:
    snprintf(out, BT_EXPECTATION_BYTES, "a whole number in its range (%" PRIu64 " to %" PRIu64 ")", setting->least,
             setting->most);
    return;
  case BT_SETTING_BYTES: text = "a size from 1MiB to 1024GiB, as in 256MiB"; break;
  case BT_SETTING_MEMORY: text = "without a value, or a size from 1MiB to 1024GiB, as in --memory-source 64MiB"; break;
  case BT_SETTING_SWITCH: text = "true or false"; break;
  case BT_SETTING_LANES:
    text = "LANE=N,LANE=N (1 to 64 each); a LANE is memory, store, search, push, answer, pages, evaluation, series or "
           "report";
    break;
  }
  snprintf(out, BT_EXPECTATION_BYTES, "%s", text);
}

/* ---- showing them ---- */

/* User, password and query of a URL may be secrets. */
static void print_url(const char *url, bt_buffer *out) {
  const char *scheme_end = strstr(url, "://"), *host = scheme_end ? scheme_end + 3 : url;
  size_t authority = strcspn(host, "/?#");
  const char *at = memrchr(host, '@', authority);
  bt_buffer_printf(out, "%.*s%s", (int)(host - url), url, at ? "(hidden)@" : "");
  if (at) host = at + 1;
  size_t shown = strcspn(host, "?#");
  bt_buffer_printf(out, "%.*s%s", (int)shown, host, host[shown] ? "?(hidden)" : "");
}

static void print_stores(const bt_config *config, bt_buffer *out) {
  for (size_t i = 0; i < config->named_store_count; i++) {
    const char *store = config->named_stores[i];
    size_t length = strcspn(store, "=") + 1;
    bt_buffer_printf(out, "%s%.*s", i ? " " : "", (int)length, store);
    print_url(store + length, out);
  }
  if (!config->named_store_count) bt_buffer_printf(out, "(none)");
}

static void print_names(const char *const *names, size_t count, bt_buffer *out) {
  for (size_t i = 0; i < count; i++) bt_buffer_printf(out, "%s%s", i ? " " : "", names[i]);
  if (!count) bt_buffer_printf(out, "(none)");
}

static void print_lanes(const uint32_t *places, bt_buffer *out) {
  bool any = false;
  for (size_t i = 0; i < LANES_TO_SET; i++) {
    bt_lane lane = lanes_to_set[i];
    if (places[lane]) bt_buffer_printf(out, "%s%s=%u", any ? "," : "", bt_lane_name(lane), (unsigned)places[lane]);
    any = any || places[lane];
  }
  if (!any) bt_buffer_printf(out, "(none)");
}

void bt_setting_print(const bt_config *config, const bt_setting *s, bt_buffer *out) {
  const void *field = (const char *)config + s->offset;
  char text[64];
  switch (s->kind) {
  case BT_SETTING_TEXT:
  case BT_SETTING_TRACE_LINK:
  case BT_SETTING_SAMPLING:
  case BT_SETTING_SHARE: {
    const char *value = *(const char *const *)field;
    /* Headers often carry credentials. */
    bt_buffer_printf(out, "%s", !value ? "(none)" : strcmp(s->flag, "otlp-headers") == 0 ? "(set)" : value);
    break;
  }
  case BT_SETTING_URL: {
    const char *value = *(const char *const *)field;
    if (value)
      print_url(value, out);
    else
      bt_buffer_printf(out, "(none)");
    break;
  }
  case BT_SETTING_SECRET: {
    const bt_secret_setting *secret = field;
    bt_buffer_printf(out, secret->file || secret->text ? "(set)" : "(none)");
    break;
  }
  case BT_SETTING_TRACE_FILE: print_names(config->traces, config->trace_count, out); break;
  case BT_SETTING_NAMED_STORE: print_stores(config, out); break;
  case BT_SETTING_TENANT_STORE: print_names(config->tenant_stores, config->tenant_store_count, out); break;
  case BT_SETTING_HOST_NAME: print_names(config->hosts, config->host_count, out); break;
  case BT_SETTING_ORIGIN: print_names(config->cors_origins, config->cors_origin_count, out); break;
  case BT_SETTING_DURATION:
    bt_duration_format(*(const int64_t *)field, text);
    bt_buffer_printf(out, "%s", text);
    break;
  case BT_SETTING_MEMORY:
    if (!*(const uint64_t *)field) {
      bt_buffer_printf(out, "false");
      break;
    }
    /* fall through */
  case BT_SETTING_NUMBER:
  case BT_SETTING_BYTES: bt_buffer_printf(out, "%" PRIu64, *(const uint64_t *)field); break;
  case BT_SETTING_SWITCH: bt_buffer_printf(out, "%s", *(const bool *)field ? "true" : "false"); break;
  case BT_SETTING_CLOCKS: bt_buffer_printf(out, "%s", *(const bool *)field ? "unknown" : "exact"); break;
  case BT_SETTING_LANES: print_lanes(field, out); break;
  }
}

/* What stands for a value in help; NULL: a switch. */
const char *bt_setting_placeholder(const bt_setting *setting) {
  switch (setting->kind) {
  case BT_SETTING_TEXT:
  case BT_SETTING_SAMPLING: return "TEXT";
  case BT_SETTING_SHARE: return "SHARE";
  case BT_SETTING_CLOCKS: return "unknown|exact";
  case BT_SETTING_URL:
  case BT_SETTING_TRACE_LINK: return "URL";
  case BT_SETTING_SECRET:
  case BT_SETTING_TRACE_FILE: return "FILE";
  case BT_SETTING_NAMED_STORE: return "NAME=URL";
  case BT_SETTING_TENANT_STORE: return "TENANT=NAME";
  case BT_SETTING_HOST_NAME: return "NAME";
  case BT_SETTING_ORIGIN: return "ORIGIN";
  case BT_SETTING_DURATION: return "DURATION";
  case BT_SETTING_NUMBER: return "N";
  case BT_SETTING_BYTES: return "BYTES";
  case BT_SETTING_LANES: return "LANE=N,...";
  case BT_SETTING_MEMORY: return "[SIZE]";
  case BT_SETTING_SWITCH: return NULL;
  }
  return "VALUE";
}
