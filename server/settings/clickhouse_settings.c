/* Reads the secrets and opens the source. See clickhouse_settings.h. */
#include "server/settings/clickhouse_settings.h"

#include "server/settings/store_access.h"
#include "tempo/clickhouse/clickhouse_source.h"

bt_status bt_clickhouse_settings_open(const char *url, int64_t pause_ms, bt_http_client *client, bt_source **out,
                                      bt_error *error) {
  bt_store_access access;
  *out = NULL;
  bt_status status = bt_store_access_read("CLICKHOUSE", &access, error);
  bt_clickhouse_options options = {.url = url,
                                   .user = access.user,
                                   .password = access.password.value,
                                   .ca_file = access.ca_file,
                                   .pause_ms = pause_ms};
  if (status == BT_OK) status = bt_clickhouse_source_new(client, &options, out, error);
  bt_store_access_forget(&access);
  return status;
}
