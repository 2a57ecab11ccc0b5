/* The settings of `betrace serve`: flag over environment over default, one validated struct. Thread: read only once made. */
#ifndef BT_SERVER_CONFIG_H
#define BT_SERVER_CONFIG_H

#include "server/replay/replay.h"
#include "server/tempo_settings.h"

enum { BT_CONFIG_MAX_TRACES = 64, BT_CONFIG_MAX_HOSTS = 16 };

typedef struct bt_config {
  bt_tempo_settings tempo;
  const char *traces[BT_CONFIG_MAX_TRACES]; /* files; trace_count of them */
  size_t trace_count;
  const char *otlp, *otlp_traces, *otlp_headers; /* endpoint, complete traces URL, headers; or NULL */
  const char *db, *listen;
  const char *hosts[BT_CONFIG_MAX_HOSTS + 1]; /* further names that Host may have; NULL-terminated */
  size_t host_count;
  bool allow_anonymous;
  bt_assumptions assumptions;
  int64_t max_range_ns; /* 0: none */
  uint64_t max_replays, tempo_concurrency, memory_limit_bytes;
  bool emit_at_original_time, print_only;
} bt_config;

typedef enum bt_config_outcome { BT_CONFIG_READY, BT_CONFIG_HELP, BT_CONFIG_WRONG } bt_config_outcome;

/* Reads the environment and then the flags; strings are borrowed from both. WRONG: error says which setting, what was expected and what came. */
bt_config_outcome bt_config_read(int argc, char **argv, bt_config *out, bt_error *error);
/* One line a setting: its flag and its value. Of secrets it says only whether they are set, and of URLs it hides what may be one. */
void bt_config_print(const bt_config *config, bt_buffer *out);
void bt_config_help(bt_buffer *out);

#endif
