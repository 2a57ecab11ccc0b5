/* The settings of `betrace serve`: flag over environment over file over default, one validated struct that knows where
 * each came from. Thread: read only once made. */
#ifndef BT_SERVER_SETTINGS_CONFIG_H
#define BT_SERVER_SETTINGS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/replay/replay.h"
#include "server/settings/source_settings.h"
#include "server/work/pool.h"

enum { BT_CONFIG_MAX_TRACES = 64, BT_CONFIG_MAX_NAMES = 16, BT_CONFIG_MAX_GRANTS = 256, BT_CONFIG_MAX_SETTINGS = 96 };

typedef enum bt_config_source {
  BT_CONFIG_FROM_DEFAULT,
  BT_CONFIG_FROM_FILE,
  BT_CONFIG_FROM_ENVIRONMENT,
  BT_CONFIG_FROM_FLAG
} bt_config_source;

typedef struct bt_config {
  bt_source_settings source;
  const char *named_stores[BT_CONFIG_MAX_NAMES + 1]; /* NAME=URL, beside the one of `source`; NULL-terminated */
  size_t named_store_count;
  const char *tenant_stores[BT_CONFIG_MAX_GRANTS + 1]; /* TENANT=NAME; NULL-terminated */
  size_t tenant_store_count;
  const char *traces[BT_CONFIG_MAX_TRACES]; /* files; trace_count of them */
  size_t trace_count;
  uint64_t memory_source_bytes;                  /* traces are what is pushed; 0: they are not */
  const char *otlp, *otlp_traces, *otlp_headers; /* endpoint, complete traces URL, headers; or NULL */
  const char *db, *listen;
  const char *semconv; /* folder of conventions that renamed attributes; or NULL: the built-in ones alone */
  const char *grpc;    /* address, or NULL: no gRPC */
  const char *hosts[BT_CONFIG_MAX_NAMES + 1]; /* further names that Host may have; NULL-terminated */
  size_t host_count;
  const char *cors_origins[BT_CONFIG_MAX_NAMES + 1]; /* pages that may call us; NULL-terminated */
  size_t cors_origin_count;
  const char *evidence_key;                /* file of the key that signs compliance reports; or NULL */
  const char *evidence_old_keys;           /* file of public keys that signed before; or NULL */
  const char *audit_log;                   /* file, or NULL */
  const char *timestamp_url;               /* of an authority (RFC 3161) that stamps them; or NULL */
  const char *tokens, *tls_cert, *tls_key; /* files, or NULL; the last two both or neither */
  const char *jwt_jwks, *jwt_ca, *jwt_issuer, *jwt_audience, *jwt_roles; /* of JWTs; or NULL */
  int64_t jwt_skew_ns, jwt_refresh_ns, jwt_keep_ns;
  const char *ui;                                      /* folder of the web pages, or NULL */
  uint64_t max_connections, client_rate, address_rate; /* rates: requests a second, 0: any */
  int64_t request_timeout_ns, write_timeout_ns, call_timeout_ns;
  uint64_t source_calls, compute_calls, max_queued; /* 0: follows the processors */
  uint32_t lane_places[BT_LANES];                   /* the same, of lanes without a setting of their own */
  bool allow_anonymous, mcp_writes, audit_strict, own_traces;
  bt_assumptions assumptions;
  int64_t max_range_ns; /* 0: none */
  uint64_t max_rules, max_rule_versions, max_replays, tempo_concurrency, tempo_concurrency_max, memory_limit_bytes,
      request_memory_bytes, pattern_memory_bytes;
  bool emit_at_original_time, print_only;
  const char *trace_link;  /* template of links to traces, or NULL */
  const char *config_file; /* NULL: none */
  bool watch;
  int64_t interval_ns, sweep_ns, lookback_ns, catchup_max_ns; /* of watch */
  int64_t silence_ns;         /* how long a past rules are held against; 0: nobody looks whether one falls silent */
  uint64_t replica, replicas; /* which of how many watchers */

  bt_config_source sources[BT_CONFIG_MAX_SETTINGS]; /* by place in the table */
  unsigned lines[BT_CONFIG_MAX_SETTINGS];           /* of the file */
  bt_arena arena;                                   /* what the file said */
} bt_config;

typedef enum bt_config_outcome { BT_CONFIG_READY, BT_CONFIG_HELP, BT_CONFIG_WRONG } bt_config_outcome;

/* Reads the file, the environment and the flags; strings are borrowed from the last two. Dispose in every outcome.
 * WRONG: error says which setting, what was expected and what came. May be called again: on SIGHUP. */
bt_config_outcome bt_config_read(int argc, char **argv, bt_config *out, bt_error *error);
void bt_config_dispose(bt_config *config);
/* One line a setting: its flag, its value, and where that came from. Of secrets it says only whether they are set, and
 * of URLs it hides what may be one. */
void bt_config_print(const bt_config *config, bt_buffer *out);
/* The flags of settings that differ and take effect only at a start, with commas between them. */
void bt_config_name_changes(const bt_config *old, const bt_config *fresh, bt_buffer *out);
/* One setting, for help and completion; false: there are no more. Texts are constant. */
typedef struct bt_config_row {
  const char *flag, *value, *environment,
      *help;          /* value: what stands for it, NULL: a switch; environment may be NULL */
  char otherwise[64]; /* the default; "": none */
} bt_config_row;
bool bt_config_row_at(size_t index, bt_config_row *out);

#endif
