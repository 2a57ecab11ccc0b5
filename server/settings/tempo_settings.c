/* Reads the secrets and opens the source. See tempo_settings.h. */
#include "server/settings/tempo_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/base/time_text.h"
#include "tempo/api/tempo_source.h"

enum { REPLICATION_MAX = 64 };

static void use_variable(const char **field, const char *name) {
  const char *value = getenv(name);
  if (!*field && value && value[0]) *field = value;
}

static void use_secret_variable(bt_secret_setting *field, const char *name) {
  if (!field->file) use_variable(&field->text, name);
}

void bt_tempo_settings_use_environment(bt_tempo_settings *settings) {
  use_variable(&settings->user, "BETRACE_TEMPO_USER");
  use_variable(&settings->ca_file, "BETRACE_TEMPO_CA");
  const char *timeout = getenv("BETRACE_TEMPO_TIMEOUT");
  int64_t timeout_ns = 0; /* what is no duration was refused by serve, and is not worth a failure elsewhere */
  if (!settings->timeout_ns && timeout && bt_duration_parse(bt_str_from(timeout), &timeout_ns) && timeout_ns > 0)
    settings->timeout_ns = timeout_ns;
  const char *replication = getenv("BETRACE_TEMPO_REPLICATION"); /* likewise */
  if (!settings->replication && replication && strtoul(replication, NULL, 10) <= REPLICATION_MAX)
    settings->replication = strtoul(replication, NULL, 10);
  use_secret_variable(&settings->password, "BETRACE_TEMPO_PASSWORD");
  use_secret_variable(&settings->token, "BETRACE_TEMPO_TOKEN");
}

static bt_status check_ca(const char *path, bt_error *error) {
  if (!path || access(path, R_OK) == 0) return BT_OK;
  return bt_error_set(error, BT_IO, "--tempo-ca: %s cannot be read: %s", path, strerror(errno));
}

static void say_clock_ahead(int64_t ahead_ns) {
  bt_log(BT_LOG_WARNING,
         "the clock here is up to %lld s ahead of Tempo's, by the Date of its answers: BeTrace goes by Tempo's clock "
         "and settles traces that much later. Set both clocks from the same source of time",
         (long long)(ahead_ns / 1000000000));
}

bt_status bt_tempo_settings_open(const bt_tempo_settings *settings, bt_http_client *client, bt_source **out,
                                 bt_error *error) {
  bt_secret password = {.value = NULL}, token = {.value = NULL};
  *out = NULL;
  bt_status status = check_ca(settings->ca_file, error);
  if (status == BT_OK) status = bt_secret_read(&settings->password, "--tempo-password-file", &password, error);
  if (status == BT_OK) status = bt_secret_read(&settings->token, "--tempo-token-file", &token, error);
  if (status == BT_OK) {
    bt_tempo_options options = {.url = settings->url,
                                .user = settings->user,
                                .password = password.value,
                                .token = token.value,
                                .ca_file = settings->ca_file,
                                .timeout_ms = settings->timeout_ns / 1000000,
                                .replication = (uint32_t)settings->replication,
                                .pause_ms = settings->pause_ms,
                                .on_clock_ahead = say_clock_ahead,
                                .search_limit = settings->search_limit};
    status = bt_tempo_source_new(client, &options, out, error);
  }
  bt_secret_forget(&password);
  bt_secret_forget(&token);
  return status;
}
