/* Reads the secrets and opens the source. See clickhouse_settings.h. */
#include "server/settings/clickhouse_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/settings/secret.h"
#include "tempo/clickhouse/clickhouse_source.h"

static const char *set_variable(const char *name) {
  const char *value = getenv(name);
  return value && value[0] ? value : NULL;
}

static bt_status check_ca(const char *path, bt_error *error) {
  if (!path || access(path, R_OK) == 0) return BT_OK;
  return bt_error_set(error, BT_IO, "CLICKHOUSE_CA: %s cannot be read: %s", path, strerror(errno));
}

bt_status bt_clickhouse_settings_open(const char *url, int64_t pause_ms, bt_http_client *client, bt_source **out,
                                      bt_error *error) {
  bt_secret_setting setting = {.file = set_variable("CLICKHOUSE_PASSWORD_FILE")};
  if (!setting.file) setting.text = set_variable("CLICKHOUSE_PASSWORD");
  bt_secret password = {.value = NULL};
  bt_clickhouse_options options = {.url = url,
                                   .user = set_variable("CLICKHOUSE_USER"),
                                   .ca_file = set_variable("CLICKHOUSE_CA"),
                                   .pause_ms = pause_ms};
  *out = NULL;
  bt_status status = check_ca(options.ca_file, error);
  if (status == BT_OK) status = bt_secret_read(&setting, "CLICKHOUSE_PASSWORD_FILE", &password, error);
  options.password = password.value;
  if (status == BT_OK) status = bt_clickhouse_source_new(client, &options, out, error);
  bt_secret_forget(&password);
  return status;
}
