/* Reads the secrets and opens the source. See elastic_settings.h. */
#include "server/settings/elastic_settings.h"

#include <string.h>

#include "server/settings/store_access.h"
#include "tempo/elastic/elastic_source.h"

bt_status bt_elastic_settings_open(const char *kind, const char *url, int64_t pause_ms, bt_http_client *client,
                                   bt_source **out, bt_error *error) {
  bt_store_access access;
  *out = NULL;
  const char *name = strcmp(kind, "opensearch") == 0 ? "OPENSEARCH" : "ELASTICSEARCH";
  bt_status status = bt_store_access_read(name, &access, error);
  bt_elastic_options options = {.kind = kind,
                                .url = url,
                                .user = access.user,
                                .password = access.password.value,
                                .api_key = access.api_key.value,
                                .ca_file = access.ca_file,
                                .pause_ms = pause_ms};
  if (status == BT_OK) status = bt_elastic_source_new(client, &options, out, error);
  bt_store_access_forget(&access);
  return status;
}
