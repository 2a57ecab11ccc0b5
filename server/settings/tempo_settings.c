/* Reads the secrets and opens the source. See tempo_settings.h. */
#include "server/settings/tempo_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/base/time_text.h"
#include "tempo/api/tempo_source.h"

enum { SECRET_MAX = 16 * 1024, REPLICATION_MAX = 64 };

typedef struct secret {
  char text[SECRET_MAX + 1];
  const char *value; /* text, or the environment's; NULL: not set */
} secret;

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

/* One line break at the end is the editor's. */
static size_t trimmed_length(const char *text, size_t length) {
  if (length && text[length - 1] == '\n') length--;
  if (length && text[length - 1] == '\r') length--;
  return length;
}

static bt_status read_descriptor(int descriptor, secret *out, size_t *length, bt_error *error, const char *flag) {
  *length = 0;
  for (;;) {
    ssize_t got = read(descriptor, out->text + *length, sizeof out->text - *length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return bt_error_set(error, BT_IO, "--%s: the file cannot be read: %s", flag, strerror(errno));
    *length += (size_t)got;
    if (got == 0) return BT_OK;
    if (*length > SECRET_MAX)
      return bt_error_set(error, BT_INVALID,
                          "--%s: the file is larger than %d bytes; it should hold nothing but the secret", flag,
                          SECRET_MAX);
  }
}

static bt_status read_secret(const bt_secret_setting *setting, const char *flag, secret *out, bt_error *error) {
  out->value = setting->text;
  if (!setting->file) return BT_OK;
  int descriptor = open(setting->file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return bt_error_set(error, BT_IO, "--%s wants the name of a file that holds the secret; it cannot be opened: %s",
                        flag, strerror(errno));
  size_t length = 0;
  bt_status status = read_descriptor(descriptor, out, &length, error, flag);
  close(descriptor);
  if (status != BT_OK) return status;
  length = trimmed_length(out->text, length);
  if (!length || memchr(out->text, '\0', length))
    return bt_error_set(error, BT_INVALID, "--%s: one line of text was expected in the file; it %s", flag,
                        length ? "holds NUL bytes" : "is empty");
  out->text[length] = '\0';
  out->value = out->text;
  return BT_OK;
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
  secret password = {.value = NULL}, token = {.value = NULL};
  *out = NULL;
  bt_status status = check_ca(settings->ca_file, error);
  if (status == BT_OK) status = read_secret(&settings->password, "tempo-password-file", &password, error);
  if (status == BT_OK) status = read_secret(&settings->token, "tempo-token-file", &token, error);
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
  explicit_bzero(password.text, sizeof password.text);
  explicit_bzero(token.text, sizeof token.text);
  return status;
}
