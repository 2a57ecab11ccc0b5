/* The table of settings. See config.h. */
#include "server/config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/time_text.h"

typedef enum setting_kind { TEXT, URL, SECRET, TRACE_FILE, HOST_NAME, DURATION, NUMBER, BYTES, SWITCH } setting_kind;

typedef struct setting {
  const char *flag, *environment; /* environment may be NULL */
  setting_kind kind;
  size_t offset;        /* in bt_config */
  uint64_t least, most; /* of NUMBER and BYTES */
  const char *help;
} setting;

#define AT(field) offsetof(bt_config, field)

static const setting settings[] = {
    {"tempo", "BETRACE_TEMPO_URL", URL, AT(tempo.url), 0, 0,
     "URL of Tempo's HTTP address, with the path before /api/ if there is one; default: the host of the OTLP endpoint, "
     "port 3200"},
    {"tempo-user", "BETRACE_TEMPO_USER", TEXT, AT(tempo.user), 0, 0, "user for Tempo (basic authentication)"},
    {"tempo-password-file", "BETRACE_TEMPO_PASSWORD", SECRET, AT(tempo.password), 0, 0,
     "file that holds that user's password; the variable holds the password itself"},
    {"tempo-token-file", "BETRACE_TEMPO_TOKEN", SECRET, AT(tempo.token), 0, 0,
     "file that holds a bearer token for Tempo; the variable holds the token itself"},
    {"tempo-ca", "BETRACE_TEMPO_CA", TEXT, AT(tempo.ca_file), 0, 0,
     "file of certificates (PEM) of authorities to trust for Tempo, besides the system's"},
    {"traces", NULL, TRACE_FILE, 0, 0, 0, "OTLP trace file instead of a Tempo; may be given several times"},
    {"otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", URL, AT(otlp), 0, 0, "OTLP/HTTP endpoint that violation spans are sent to"},
    {"otlp-traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", URL, AT(otlp_traces), 0, 0,
     "the complete URL for traces, where it is not ENDPOINT/v1/traces"},
    {"otlp-headers", "OTEL_EXPORTER_OTLP_HEADERS", TEXT, AT(otlp_headers), 0, 0, "headers for it: k=v,k2=v2"},
    {"db", "BETRACE_DB", TEXT, AT(db), 0, 0, "rule database"},
    {"listen", "BETRACE_LISTEN", TEXT, AT(listen), 0, 0, "address to serve on"},
    {"host", "BETRACE_HOST", HOST_NAME, 0, 0, 0,
     "a further name that the Host header may have; may be given several times"},
    {"allow-anonymous", "BETRACE_ALLOW_ANONYMOUS", SWITCH, AT(allow_anonymous), 0, 0,
     "serve on an address that is not loopback without tokens"},
    {"settle", "BETRACE_SETTLE", DURATION, AT(assumptions.settle_ns), 0, 0,
     "a trace is settled when its last span is older than this"},
    {"margin", "BETRACE_MARGIN", DURATION, AT(assumptions.margin_ns), 0, 0,
     "longest trace that is judged at the edge of a range"},
    {"lateness", "BETRACE_LATENESS", DURATION, AT(assumptions.lateness_ns), 0, 0,
     "how much later than its time a span may arrive"},
    {"handover", "BETRACE_HANDOVER", DURATION, AT(assumptions.handover_ns), 0, 0,
     "how long Tempo may keep spans that only a read by id sees"},
    {"clock-skew", "BETRACE_CLOCK_SKEW", DURATION, AT(assumptions.clock_skew_ns), 0, 0,
     "order of spans of two services within this is unknown"},
    {"require-complete", "BETRACE_REQUIRE_COMPLETE", SWITCH, AT(assumptions.require_complete), 0, 0,
     "a missing parent makes a trace incomplete"},
    {"max-range", "BETRACE_MAX_RANGE", DURATION, AT(max_range_ns), 0, 0, "longest range of one replay"},
    {"max-replays", "BETRACE_MAX_REPLAYS", NUMBER, AT(max_replays), 1, 64, "replays that run at once; more are queued"},
    {"tempo-concurrency", "BETRACE_TEMPO_CONCURRENCY", NUMBER, AT(tempo_concurrency), 1, 64,
     "requests to Tempo at once, from everything together"},
    {"memory-limit", "BETRACE_MEMORY_LIMIT", BYTES, AT(memory_limit_bytes), 1 << 20, UINT64_C(1) << 40,
     "kept results of replays, and a page of reads; with KiB, MiB, GiB"},
    {"emit-at-original-time", "BETRACE_EMIT_AT_ORIGINAL_TIME", SWITCH, AT(emit_at_original_time), 0, 0,
     "violation spans carry the time of the violation (needs a Tempo with a raised slack)"},
    {"print-config", NULL, SWITCH, AT(print_only), 0, 0, "print the settings and end"},
};
enum { SETTING_COUNT = sizeof settings / sizeof settings[0], OPT_HELP = 1000 };

static void *field_of(bt_config *config, const setting *s) {
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

static bool append_name(const char **names, size_t *count, size_t most, const char *value) {
  if (*count == most) return false;
  names[(*count)++] = value;
  return true;
}

static const char *expectation(setting_kind kind) {
  switch (kind) {
  case TEXT:
  case URL:
  case SECRET: return "a text that is not empty";
  case TRACE_FILE: return "a file (at most 64 of them)";
  case HOST_NAME: return "a host name (at most 16 of them)";
  case DURATION: return "a duration with a unit, as in 2m or 500ms";
  case NUMBER: return "a whole number in its range (1 to 64)";
  case BYTES: return "a size from 1MiB to 1024GiB, as in 256MiB";
  case SWITCH: return "true or false";
  }
  return "something else";
}

/* Flags name a file, the environment holds the secret; what is set later takes the other's place. */
static void set_secret(bt_secret_setting *secret, const char *value, bool is_flag) {
  *secret = (bt_secret_setting){.file = is_flag ? value : NULL, .text = is_flag ? NULL : value};
}

/* value NULL: a switch without a value. */
static bool set_value(bt_config *config, const setting *s, const char *value, bool is_flag) {
  void *field = field_of(config, s);
  uint64_t *number = field;
  const char *rest = "";
  switch (s->kind) {
  case TEXT:
  case URL: return *(const char **)field = value, value[0] != '\0';
  case SECRET: return set_secret(field, value, is_flag), value[0] != '\0';
  case TRACE_FILE: return append_name(config->traces, &config->trace_count, BT_CONFIG_MAX_TRACES, value);
  case HOST_NAME: return append_name(config->hosts, &config->host_count, BT_CONFIG_MAX_HOSTS, value);
  case DURATION: return bt_duration_parse(bt_str_from(value), field);
  case NUMBER: return parse_number(value, number, &rest) && !*rest && *number >= s->least && *number <= s->most;
  case BYTES: return parse_bytes(value, number) && *number >= s->least && *number <= s->most;
  case SWITCH: return parse_switch(value, field);
  }
  return false;
}

static bt_config_outcome refuse(bt_error *error, const char *prefix, const char *name, const setting *s,
                                const char *value) {
  bt_error_set(error, BT_INVALID, "%s%s has to be %s; \"%s\" came", prefix, name, expectation(s->kind),
               value ? value : "");
  return BT_CONFIG_WRONG;
}

static bt_config_outcome read_environment(bt_config *config, bt_error *error) {
  for (size_t i = 0; i < SETTING_COUNT; i++) {
    const char *value = settings[i].environment ? getenv(settings[i].environment) : NULL;
    if (!value || !value[0]) continue;
    if (!set_value(config, &settings[i], value, false))
      return refuse(error, "", settings[i].environment, &settings[i], value);
  }
  return BT_CONFIG_READY;
}

static bt_config_outcome read_flags(int argc, char **argv, bt_config *config, bt_error *error) {
  struct option known[SETTING_COUNT + 2] = {0};
  for (int i = 0; i < SETTING_COUNT; i++)
    known[i] =
        (struct option){settings[i].flag, settings[i].kind == SWITCH ? optional_argument : required_argument, NULL, i};
  known[SETTING_COUNT] = (struct option){"help", no_argument, NULL, OPT_HELP};
  int option;
  opterr = 0;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    if (option == OPT_HELP) return BT_CONFIG_HELP;
    if (option == '?') {
      const char *given = argv[optind - 1]; /* without its value, which may be a secret */
      bt_error_set(error, BT_INVALID, "%.*s is not known or lacks its value", (int)strcspn(given, "="), given);
      return BT_CONFIG_WRONG;
    }
    if (!set_value(config, &settings[option], optarg, true))
      return refuse(error, "--", settings[option].flag, &settings[option], optarg);
  }
  if (optind == argc) return BT_CONFIG_READY;
  bt_error_set(error, BT_INVALID, "\"%s\" is not an option", argv[optind]);
  return BT_CONFIG_WRONG;
}

bt_config_outcome bt_config_read(int argc, char **argv, bt_config *out, bt_error *error) {
  *out = (bt_config){.db = "./betrace.db",
                     .listen = "127.0.0.1:8080",
                     .assumptions = bt_assumptions_default(),
                     .max_replays = 4,
                     .tempo_concurrency = 2,
                     .memory_limit_bytes = 256u << 20};
  bt_config_outcome outcome = read_environment(out, error);
  if (outcome == BT_CONFIG_READY) outcome = read_flags(argc, argv, out, error);
  if (outcome == BT_CONFIG_READY && out->tempo.url && out->trace_count) {
    bt_error_set(error, BT_INVALID, "--tempo and --traces exclude each other: traces come from a Tempo or from files");
    outcome = BT_CONFIG_WRONG;
  }
  return outcome;
}

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

static void print_value(const bt_config *config, const setting *s, bt_buffer *out) {
  const void *field = (const char *)config + s->offset;
  char text[64];
  switch (s->kind) {
  case TEXT: {
    const char *value = *(const char *const *)field;
    /* Headers often carry credentials. */
    bt_buffer_printf(out, "%s", !value ? "(none)" : strcmp(s->flag, "otlp-headers") == 0 ? "(set)" : value);
    break;
  }
  case URL: {
    const char *value = *(const char *const *)field;
    if (value)
      print_url(value, out);
    else
      bt_buffer_printf(out, "(none)");
    break;
  }
  case SECRET: {
    const bt_secret_setting *secret = field;
    bt_buffer_printf(out, secret->file || secret->text ? "(set)" : "(none)");
    break;
  }
  case TRACE_FILE:
    for (size_t i = 0; i < config->trace_count; i++) bt_buffer_printf(out, "%s%s", i ? " " : "", config->traces[i]);
    if (!config->trace_count) bt_buffer_printf(out, "(none)");
    break;
  case HOST_NAME:
    for (size_t i = 0; i < config->host_count; i++) bt_buffer_printf(out, "%s%s", i ? " " : "", config->hosts[i]);
    if (!config->host_count) bt_buffer_printf(out, "(none)");
    break;
  case DURATION:
    bt_duration_format(*(const int64_t *)field, text);
    bt_buffer_printf(out, "%s", text);
    break;
  case NUMBER:
  case BYTES: bt_buffer_printf(out, "%" PRIu64, *(const uint64_t *)field); break;
  case SWITCH: bt_buffer_printf(out, "%s", *(const bool *)field ? "true" : "false"); break;
  }
}

void bt_config_print(const bt_config *config, bt_buffer *out) {
  for (size_t i = 0; i < SETTING_COUNT; i++) {
    bt_buffer_printf(out, "%-22s ", settings[i].flag);
    print_value(config, &settings[i], out);
    bt_buffer_append_char(out, '\n');
  }
}

void bt_config_help(bt_buffer *out) {
  bt_buffer_printf(out, "Usage: betrace serve [options]\n\n"
                        "Serves rules, replays and their violations over HTTP. With a Tempo:\n\n"
                        "  betrace serve --tempo http://127.0.0.1:3200 --otlp http://127.0.0.1:4318 --db rules.db\n\n"
                        "or with trace files, and nothing else:\n\n"
                        "  betrace serve --traces traces.jsonl\n\n"
                        "Options (flag over environment over default):\n");
  for (size_t i = 0; i < SETTING_COUNT; i++)
    bt_buffer_printf(out, "  --%-22s %s%s%s%s\n", settings[i].flag, settings[i].help,
                     settings[i].environment ? " [" : "", settings[i].environment ? settings[i].environment : "",
                     settings[i].environment ? "]" : "");
}
