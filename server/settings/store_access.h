/* What a store of a URL is told of who asks, by variables that begin with its name: NAME_USER, NAME_PASSWORD,
 * NAME_API_KEY (or NAME_PASSWORD_FILE, NAME_API_KEY_FILE: files that hold them), and NAME_CA, a file of authorities.
 * Thread: the main thread, before others start. */
#ifndef BT_SERVER_SETTINGS_STORE_ACCESS_H
#define BT_SERVER_SETTINGS_STORE_ACCESS_H

#include "dsl/base/error.h"
#include "server/settings/secret.h"

typedef struct bt_store_access {
  const char *user, *ca_file;  /* borrowed from the environment; NULL: not set */
  bt_secret password, api_key; /* `value` NULL: not set */
} bt_store_access;

/* name: "CLICKHOUSE". BT_IO, BT_INVALID: the message names the variable and shows nothing of a secret. Forget it in
 * every case. */
bt_status bt_store_access_read(const char *name, bt_store_access *out, bt_error *error) BT_MUST_CHECK;
void bt_store_access_forget(bt_store_access *access);

#endif
