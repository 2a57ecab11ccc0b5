/* Reading the variables. See store_access.h. */
#include "server/settings/store_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VARIABLE_BYTES = 64 };

static const char *set_variable(const char *name, const char *what, char variable[VARIABLE_BYTES]) {
  snprintf(variable, VARIABLE_BYTES, "%s_%s", name, what);
  const char *value = getenv(variable);
  return value && value[0] ? value : NULL;
}

static bt_status check_file(const char *path, const char *variable, bt_error *error) {
  if (!path || access(path, R_OK) == 0) return BT_OK;
  return bt_error_set(error, BT_IO, "%s: %s cannot be read: %s", variable, path, strerror(errno));
}

/* The file's, where both are set. */
static bt_status read_secret(const char *name, const char *text_name, const char *file_name, bt_secret *out,
                             bt_error *error) {
  char variable[VARIABLE_BYTES];
  bt_secret_setting setting = {.text = set_variable(name, text_name, variable)};
  setting.file = set_variable(name, file_name, variable);
  return bt_secret_read(&setting, variable, out, error);
}

bt_status bt_store_access_read(const char *name, bt_store_access *out, bt_error *error) {
  char variable[VARIABLE_BYTES];
  out->password.value = out->api_key.value = NULL;
  out->user = set_variable(name, "USER", variable);
  out->ca_file = set_variable(name, "CA", variable);
  bt_status status = check_file(out->ca_file, variable, error);
  if (status == BT_OK) status = read_secret(name, "PASSWORD", "PASSWORD_FILE", &out->password, error);
  if (status == BT_OK) status = read_secret(name, "API_KEY", "API_KEY_FILE", &out->api_key, error);
  return status;
}

void bt_store_access_forget(bt_store_access *access) {
  bt_secret_forget(&access->password);
  bt_secret_forget(&access->api_key);
}
