/* Reading the settings in layers: the file, the environment, the flags. See config.h. */
#include "server/settings/config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/suggestion.h"
#include "server/settings/config_file.h"
#include "server/settings/config_table.h"

/* Options are numbers from OPT_SETTING on: getopt says '?', which is 63, of those that are not known. */
enum { MAX_FLAGS = 256, OPT_HELP = 1000, OPT_SETTING = 2000, ARENA_BYTES = 1 << 20 };

/* What the command line says, in order; read once, because the file's name may stand among it. */
typedef struct given_flag {
  int index; /* of bt_settings */
  const char *value;
} given_flag;

typedef struct given_flags {
  given_flag items[MAX_FLAGS];
  size_t count;
  bool wants_help;
} given_flags;

static size_t setting_count(void) {
  size_t count = 0;
  while (bt_settings[count].flag) count++;
  return count;
}

static bt_config config_defaults(void) {
  bt_config config = {.db = "./betrace.db",
                      .listen = "127.0.0.1:8080",
                      .assumptions = bt_assumptions_default(),
                      .source.tempo = {.timeout_ns = INT64_C(120000000000)},
                      .jwt_skew_ns = INT64_C(60000000000),
                      .jwt_refresh_ns = INT64_C(600000000000),
                      .jwt_keep_ns = INT64_C(24) * 3600 * 1000000000,
                      .max_rules = 10000,
                      .max_rule_versions = 100000,
                      .max_replays = 4,
                      .tempo_concurrency = 2,
                      .tempo_concurrency_max = 16,
                      .memory_limit_bytes = 256u << 20,
                      .request_memory_bytes = 64u << 20,
                      .pattern_memory_bytes = 16u << 20,
                      .interval_ns = 30 * INT64_C(1000000000),
                      .sweep_ns = INT64_C(15) * 60 * 1000000000,
                      .lookback_ns = 3600 * INT64_C(1000000000),
                      .catchup_max_ns = INT64_C(24) * 3600 * 1000000000,
                      .replicas = 1,
                      .max_connections = 1000,
                      .request_timeout_ns = INT64_C(10000000000),
                      .call_timeout_ns = INT64_C(300000000000),
                      .max_queued = 1024,
                      .write_timeout_ns = INT64_C(30000000000)};
  return config;
}

/* A later source replaces what an earlier one said, lists as a whole. */
static bool take_value(bt_config *config, size_t index, const char *value, bt_config_source source, unsigned line) {
  const bt_setting *setting = &bt_settings[index];
  if (bt_setting_is_list(setting) && config->sources[index] != source) bt_setting_clear_list(config, setting);
  config->sources[index] = source;
  config->lines[index] = line;
  return bt_setting_set(config, setting, value, source == BT_CONFIG_FROM_ENVIRONMENT);
}

/* What came is shown, unless it may be a secret. */
static void say_expectation(bt_error *error, const char *where, const bt_setting *setting, const char *value) {
  char expected[BT_EXPECTATION_BYTES];
  bt_setting_expectation(setting, expected);
  bool is_shown =
      setting->kind != BT_SETTING_SECRET && setting->kind != BT_SETTING_URL && setting->kind != BT_SETTING_NAMED_STORE;
  bt_error_set(error, BT_INVALID, is_shown ? "%s has to be %s; \"%s\" came" : "%s has to be %s", where, expected,
               value ? value : "");
}

/* ---- the layers ---- */

static bool find_setting(const char *name, size_t *out) {
  for (*out = 0; bt_settings[*out].flag; ++*out)
    if (strcmp(bt_settings[*out].flag, name) == 0) return true;
  return false;
}

static bt_status refuse_name(const char *file, const bt_config_line *line, bt_error *error) {
  const char *names[BT_CONFIG_MAX_SETTINGS + 1] = {0};
  for (size_t i = 0; bt_settings[i].flag; i++) names[i] = bt_settings[i].flag;
  const char *nearest = bt_suggest_nearest(bt_str_from(line->name), names);
  return bt_error_set(error, BT_INVALID, "%s:%u: there is no setting \"%s\"%s%s%s", file, line->line, line->name,
                      nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static bt_status take_line(bt_config *config, const char *file, const bt_config_line *line, bt_error *error) {
  size_t index;
  char where[200];
  if (!find_setting(line->name, &index)) return refuse_name(file, line, error);
  const bt_setting *setting = &bt_settings[index];
  if (setting->use == BT_USE_NOT_IN_FILE)
    return bt_error_set(error, BT_INVALID, "%s:%u: %s belongs on the command line", file, line->line, line->name);
  if (config->sources[index] == BT_CONFIG_FROM_FILE && !bt_setting_is_list(setting))
    return bt_error_set(error, BT_INVALID, "%s:%u: %s stands in line %u already", file, line->line, line->name,
                        config->lines[index]);
  snprintf(where, sizeof where, "%.150s:%u: %s", file, line->line, line->name);
  if (line->value[0] && take_value(config, index, line->value, BT_CONFIG_FROM_FILE, line->line)) return BT_OK;
  say_expectation(error, where, setting, line->value);
  return BT_INVALID;
}

static bt_status read_file(bt_config *config, const char *file, bt_error *error) {
  bt_config_line *lines = NULL;
  size_t count = 0;
  bt_status status = bt_config_file_read(file, &config->arena, &lines, &count, error);
  for (size_t i = 0; i < count && !status; i++) status = take_line(config, file, &lines[i], error);
  return status;
}

/* Lists have commas between their parts there. */
static bool take_variable(bt_config *config, size_t index, const char *value) {
  if (!bt_setting_is_list(&bt_settings[index])) return take_value(config, index, value, BT_CONFIG_FROM_ENVIRONMENT, 0);
  for (size_t length; *value; value += length + (value[length] == ',')) {
    bt_str part;
    length = strcspn(value, ",");
    if (!bt_arena_copy(&config->arena, (bt_str){value, length}, &part)) return false;
    if (!take_value(config, index, part.ptr, BT_CONFIG_FROM_ENVIRONMENT, 0)) return false;
  }
  return true;
}

static bt_status read_environment(bt_config *config, bt_error *error) {
  for (size_t i = 0; bt_settings[i].flag; i++) {
    const char *value = bt_settings[i].environment ? getenv(bt_settings[i].environment) : NULL;
    if (!value || !value[0] || take_variable(config, i, value)) continue;
    say_expectation(error, bt_settings[i].environment, &bt_settings[i], value);
    return BT_INVALID;
  }
  return BT_OK;
}

/* getopt takes a value that may be left out behind "=" alone. What begins with a digit can be nothing else here. */
static char *value_behind(const bt_setting *setting, char **argv) {
  const char *next = argv[optind];
  if (optarg || setting->kind != BT_SETTING_MEMORY || !next || next[0] < '0' || next[0] > '9') return optarg;
  return argv[optind++];
}

static bt_status parse_flags(int argc, char **argv, given_flags *out, bt_error *error) {
  struct option known[BT_CONFIG_MAX_SETTINGS + 2] = {0};
  size_t count = setting_count();
  for (size_t i = 0; i < count; i++)
    known[i] = (struct option){bt_settings[i].flag,
                               bt_setting_has_optional_value(&bt_settings[i]) ? optional_argument : required_argument,
                               NULL, OPT_SETTING + (int)i};
  known[count] = (struct option){"help", no_argument, NULL, OPT_HELP};
  int option;
  opterr = 0;
  optind = 0; /* the settings may be read again */
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    const char *given = argv[optind - 1]; /* shown without its value, which may be a secret */
    if (option == '?')
      return bt_error_set(error, BT_INVALID, "%.*s is not known or lacks its value", (int)strcspn(given, "="), given);
    if (option == OPT_HELP) return out->wants_help = true, BT_OK;
    if (out->count == MAX_FLAGS) return bt_error_set(error, BT_INVALID, "there are more than %d flags", MAX_FLAGS);
    int index = option - OPT_SETTING;
    out->items[out->count++] = (given_flag){index, value_behind(&bt_settings[index], argv)};
  }
  if (optind == argc) return BT_OK;
  return bt_error_set(error, BT_INVALID, "\"%s\" is not an option", argv[optind]);
}

static bt_status take_flags(bt_config *config, const given_flags *flags, bt_error *error) {
  for (size_t i = 0; i < flags->count; i++) {
    size_t index = (size_t)flags->items[i].index;
    char where[80];
    if (take_value(config, index, flags->items[i].value, BT_CONFIG_FROM_FLAG, 0)) continue;
    snprintf(where, sizeof where, "--%s", bt_settings[index].flag);
    say_expectation(error, where, &bt_settings[index], flags->items[i].value);
    return BT_INVALID;
  }
  return BT_OK;
}

/* The file that the command line names, else the environment. */
static const char *config_file(const given_flags *flags) {
  const char *file = getenv("BETRACE_CONFIG");
  for (size_t i = 0; i < flags->count; i++)
    if (strcmp(bt_settings[flags->items[i].index].flag, "config") == 0) file = flags->items[i].value;
  return file && file[0] ? file : NULL;
}

/* ---- all together ---- */

static bool is_web_url(const char *url) {
  return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

/* Of a store and a Tempo that two layers name, the upper layer's is meant. */
static bt_status choose_source(bt_config *config, bt_error *error) {
  size_t store, tempo;
  bool is_known = find_setting("store", &store) && find_setting("tempo", &tempo);
  if (is_known && config->source.store && config->source.tempo.url &&
      config->sources[store] != config->sources[tempo]) {
    bool is_tempo = config->sources[tempo] > config->sources[store];
    *(is_tempo ? &config->source.store : &config->source.tempo.url) = NULL;
    config->sources[is_tempo ? store : tempo] = BT_CONFIG_FROM_DEFAULT;
  }
  return bt_source_settings_choose(&config->source, error);
}

static bt_status check_jwt(const bt_config *config, bt_error *error) {
  const char *const parts[] = {config->jwt_jwks, config->jwt_issuer, config->jwt_audience, config->jwt_roles};
  size_t given = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) given += parts[i] != NULL;
  if ((given && given < sizeof parts / sizeof *parts) || (config->jwt_ca && !given))
    return bt_error_set(error, BT_INVALID,
                        "--jwt-jwks, --jwt-issuer, --jwt-audience and --jwt-roles belong together; one of them is "
                        "missing");
  if (given && config->allow_anonymous)
    return bt_error_set(
        error, BT_INVALID,
        "--jwt-jwks and --allow-anonymous exclude each other: with it nobody is let in without a token");
  if (config->jwt_skew_ns > INT64_C(600000000000))
    return bt_error_set(error, BT_INVALID,
                        "--jwt-clock-skew has to be 10m at most: so long a token lives past its end");
  if (config->jwt_keep_ns < config->jwt_refresh_ns)
    return bt_error_set(error, BT_INVALID,
                        "--jwt-keep has to be as long as --jwt-refresh at least, else no key is left before new ones "
                        "are asked for");
  return BT_OK;
}

static bt_status check_together(const bt_config *config, bt_error *error) {
  if (config->source.address && config->trace_count)
    return bt_error_set(error, BT_INVALID,
                        "--store or --tempo and --traces exclude each other: traces come from a store or from files");
  if (config->memory_source_bytes &&
      (config->source.address || config->trace_count || config->otlp || config->otlp_traces))
    return bt_error_set(error, BT_INVALID,
                        "--memory-source keeps pushed spans here, so it excludes --store, --tempo, --traces and an "
                        "OTLP endpoint (--otlp, OTEL_EXPORTER_OTLP_ENDPOINT)");
  if (config->own_traces && !config->otlp && !config->otlp_traces)
    return bt_error_set(error, BT_INVALID,
                        "--own-traces sends traces of BeTrace itself, and there is no OTLP endpoint to send them to: "
                        "give --otlp or --otlp-traces too");
  if (!config->tls_cert != !config->tls_key)
    return bt_error_set(error, BT_INVALID, "--tls-cert and --tls-key belong together; one of them is missing");
  if (config->audit_strict && !config->audit_log)
    return bt_error_set(error, BT_INVALID,
                        "--audit-strict refuses calls that the audit log cannot tell of, and there is no log: give "
                        "--audit-log too");
  if (config->timestamp_url && !is_web_url(config->timestamp_url))
    return bt_error_set(error, BT_INVALID,
                        "--timestamp-url: expected http://… or https://…, got another scheme or none");
  if (config->timestamp_url && !config->evidence_key)
    return bt_error_set(error, BT_INVALID,
                        "--timestamp-url stamps signed reports, and nothing signs them: give --evidence-key too");
  if (config->evidence_old_keys && !config->evidence_key)
    return bt_error_set(error, BT_INVALID,
                        "--evidence-old-keys are of reports of before, and nothing signs reports now: give "
                        "--evidence-key too");
  if (config->tokens && config->allow_anonymous)
    return bt_error_set(error, BT_INVALID,
                        "--tokens and --allow-anonymous exclude each other: with tokens nobody is let in without one");
  return check_jwt(config, error);
}

bt_config_outcome bt_config_read(int argc, char **argv, bt_config *out, bt_error *error) {
  given_flags flags = {0};
  *out = config_defaults();
  bt_arena_init(&out->arena, ARENA_BYTES);
  bt_status status = parse_flags(argc, argv, &flags, error);
  if (!status && flags.wants_help) return BT_CONFIG_HELP;
  const char *file = status ? NULL : config_file(&flags);
  if (!status && file) status = read_file(out, file, error);
  if (!status) status = read_environment(out, error);
  if (!status) status = take_flags(out, &flags, error);
  if (!status) status = choose_source(out, error);
  if (!status) status = check_together(out, error);
  return status ? BT_CONFIG_WRONG : BT_CONFIG_READY;
}

void bt_config_dispose(bt_config *config) {
  bt_arena_dispose(&config->arena);
}

static void print_source(const bt_config *config, size_t index, bt_buffer *out) {
  switch (config->sources[index]) {
  case BT_CONFIG_FROM_DEFAULT: bt_buffer_printf(out, "default"); break;
  case BT_CONFIG_FROM_FILE: bt_buffer_printf(out, "file, line %u", config->lines[index]); break;
  case BT_CONFIG_FROM_ENVIRONMENT: bt_buffer_printf(out, "%s", bt_settings[index].environment); break;
  case BT_CONFIG_FROM_FLAG: bt_buffer_printf(out, "flag"); break;
  }
}

void bt_config_print(const bt_config *config, bt_buffer *out) {
  for (size_t i = 0; bt_settings[i].flag; i++) {
    bt_buffer value = {0};
    bt_setting_print(config, &bt_settings[i], &value);
    bt_buffer_printf(out, "%-22s %-32s  ", bt_settings[i].flag, value.ptr ? value.ptr : "");
    print_source(config, i, out);
    bt_buffer_append_char(out, '\n');
    bt_buffer_dispose(&value);
  }
}

void bt_config_name_changes(const bt_config *old, const bt_config *fresh, bt_buffer *out) {
  for (size_t i = 0; bt_settings[i].flag; i++) {
    bt_buffer before = {0}, after = {0};
    bt_setting_print(old, &bt_settings[i], &before);
    bt_setting_print(fresh, &bt_settings[i], &after);
    if (bt_settings[i].use == BT_USE_START && !bt_str_equal(bt_buffer_str(&before), bt_buffer_str(&after)))
      bt_buffer_printf(out, "%s%s", out->len ? ", " : "", bt_settings[i].flag);
    bt_buffer_dispose(&before);
    bt_buffer_dispose(&after);
  }
}

bool bt_config_row_at(size_t index, bt_config_row *out) {
  bt_buffer value = {0};
  if (index >= setting_count()) return false;
  const bt_setting *s = &bt_settings[index];
  const bt_config defaults = config_defaults();
  bt_setting_print(&defaults, s, &value);
  /* (none) and (set) are no values, and switches are off */
  bool is_said = value.ptr && value.ptr[0] != '(' && !bt_setting_has_optional_value(s);
  *out = (bt_config_row){s->flag, bt_setting_placeholder(s), s->environment, s->help, ""};
  snprintf(out->otherwise, sizeof out->otherwise, "%s", is_said ? value.ptr : "");
  bt_buffer_dispose(&value);
  return true;
}
