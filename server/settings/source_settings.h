/* Which store the traces are in, and how it is reached: the same for every subcommand. A store is named by a URL with
 * its kind before the scheme, as in tempo+http://host:3200. Another kind is one more row of the table in
 * source_settings.c. Thread: the main thread, before others start. */
#ifndef BT_SERVER_SETTINGS_SOURCE_SETTINGS_H
#define BT_SERVER_SETTINGS_SOURCE_SETTINGS_H

#include <stdint.h>

#include "dsl/base/error.h"
#include "server/settings/tempo_settings.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_store_kind bt_store_kind;

typedef struct bt_source_settings { /* borrowed texts; NULL: not set */
  const char *store;                /* "tempo+http://host:3200" */
  bt_tempo_settings tempo;          /* with an address that names a Tempo by itself */
  int64_t pause_ms;                 /* before a request is tried again; no flag sets it; 0: the store's own */
  uint32_t search_limit;            /* traces of one search; no flag sets it; 0: the store's own */
  /* bt_source_settings_choose sets them. address: as HTTP has it, "http://host:3200"; NULL: no store is named. */
  const bt_store_kind *kind;
  const char *address;
} bt_source_settings;

/* Takes the store or the Tempo from BETRACE_STORE and BETRACE_TEMPO_URL where neither is named yet. */
void bt_source_settings_take_address(bt_source_settings *settings);
/* Takes from the environment what else is not set yet: credentials, certificates, limits. */
void bt_source_settings_use_environment(bt_source_settings *settings);
/* Finds out which of the two is meant. BT_INVALID: the URL names no store that this version knows, or both are named
 * and differ; the message shows nothing of a URL but its scheme. */
bt_status bt_source_settings_choose(bt_source_settings *settings, bt_error *error) BT_MUST_CHECK;
/* Reads the secrets and makes the source of what was chosen; *out is new. BT_IO, BT_INVALID: the message names the
 * setting and shows nothing of a secret. */
bt_status bt_source_settings_open(const bt_source_settings *settings, bt_http_client *client, bt_source **out,
                                  bt_error *error) BT_MUST_CHECK;
/* "tempo": what bt_source has for a name. */
const char *bt_store_kind_name(const bt_store_kind *kind);

#endif
