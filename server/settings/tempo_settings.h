/* How Tempo is reached: address, credentials, certificates. Only source_settings.c opens one. Secrets come from a file
 * or from the environment, never from a flag, whose text everybody on the machine can read; they are read when the
 * source is opened and overwritten afterwards. Thread: the main thread, before others start. */
#ifndef BT_SERVER_SETTINGS_TEMPO_SETTINGS_H
#define BT_SERVER_SETTINGS_TEMPO_SETTINGS_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/settings/secret.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_tempo_settings { /* borrowed texts; NULL: not set */
  const char *url, *user, *ca_file;
  int64_t timeout_ns;    /* of one request; 0: not set */
  uint64_t replication;  /* of Tempo's ingesters; 0: not set */
  int64_t pause_ms;      /* as in bt_tempo_options; no flag sets it */
  uint32_t search_limit; /* traces of one search; no flag sets it; 0: not set */
  bt_secret_setting password, token;
} bt_tempo_settings;

/* Fills what is not set yet, but not the URL, from BETRACE_TEMPO_USER, _PASSWORD, _TOKEN, _CA, _TIMEOUT
 * and _REPLICATION. */
void bt_tempo_settings_use_environment(bt_tempo_settings *settings);
/* Reads the secrets and makes the source (bt_tempo_source_new); *out is new. BT_IO, BT_INVALID: the message names the
 * setting and shows nothing of a secret. */
bt_status bt_tempo_settings_open(const bt_tempo_settings *settings, bt_http_client *client, bt_source **out,
                                 bt_error *error) BT_MUST_CHECK;

#endif
